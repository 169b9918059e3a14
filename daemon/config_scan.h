/*
 * The configuration's text in tokens, as libconfig 1.5 cuts it: comments and strings honoured, numbers by the longest
 * match. For what libconfig does not tell: integers that it truncates, comments that never end, where @include stands.
 * Pure.
 */
#ifndef NETSONDE_DAEMON_CONFIG_SCAN_H
#define NETSONDE_DAEMON_CONFIG_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

enum scan_kind {
	SCAN_END,
	SCAN_NAME,
	SCAN_INTEGER, /* decimal or hexadecimal, with L or LL where it is written */
	SCAN_FLOAT,
	SCAN_STRING,
	SCAN_MARK,         /* one byte of anything else */
	SCAN_INCLUDE,      /* @include "path" at the start of a line */
	SCAN_BAD_INCLUDE,  /* @include without a path in quotes */
	SCAN_OPEN_STRING,  /* a string that never ends */
	SCAN_OPEN_COMMENT, /* a comment that never ends */
};

struct scan {
	const char *at, *end;
	unsigned line;      /* of at, from 1 */
	bool is_line_start; /* nothing but blanks since the line began */
};

/* text is borrowed from the scanned text; line is where the token begins. */
struct scan_token {
	enum scan_kind kind;
	const char *text;
	size_t length;
	unsigned line;
};

void scan_start(struct scan *scan, const char *text, size_t length);
struct scan_token scan_next(struct scan *scan);

/* Does an integer token fit what libconfig makes of it: 32 bits, or 64 with L? */
bool scan_integer_fits(const struct scan_token *token);
bool scan_integer_is_long(const struct scan_token *token);

/* Appends the path of an @include token, escapes undone. */
void scan_include_path(const struct scan_token *token, struct text *path);

/* Has a string token the escape of a zero byte, which would end the value? */
bool scan_string_has_zero(const struct scan_token *token);

#endif
