/*
 * Regular expressions over what strangers send: PCRE2, as near to RE2 (Go, blackbox_exporter) as it comes, with a
 * ceiling on the work of each search, so that no pattern and no subject can hold a worker.
 *
 * As in RE2: unanchored; `.` does not match a newline; `$` is the very end unless (?m); \d, \w, \s, \b are of ASCII.
 * Beyond RE2: look-around, back references, possessive quantifiers. Subjects that are not UTF-8 are searched byte by
 * byte.
 */
#ifndef NETSONDE_CORE_PATTERN_H
#define NETSONDE_CORE_PATTERN_H

#include <stddef.h>

#include "core/err.h"
#include "core/text.h"

struct pattern;

/* Parentheses that capture, at most. */
#define PATTERN_GROUPS_MAX 32
/* Bytes of an expression, at most. */
#define PATTERN_LENGTH_MAX 32768 /* PCRE2 may refuse shorter ones: its limit is on what they become */

enum pattern_verdict {
	PATTERN_NONE,
	PATTERN_FOUND,
	PATTERN_LIMIT, /* nothing was found before the ceiling on the work: to be taken as none, and to be told */
};

/* Where the groups are; [0] is the whole. begin PATTERN_UNSET: that group took no part. */
#define PATTERN_UNSET ((size_t)-1)
struct pattern_match {
	const struct pattern *pattern;
	const char *subject; /* borrowed */
	size_t ngroups;      /* with the whole: 1 to PATTERN_GROUPS_MAX + 1; 0 = there is no match */
	struct {
		size_t begin, end;
	} groups[PATTERN_GROUPS_MAX + 1];
};

/* NULL with err ("at offset 7: missing closing parenthesis"). A pattern belongs to one thread. */
struct pattern *pattern_create(const char *expression, struct err *err);
void pattern_free(struct pattern *pattern); /* NULL is harmless */

/* Is it a valid expression? For probe_type.check. 0, or -1 with err. */
int pattern_check(const char *expression, struct err *err);

/* The expression, borrowed. */
const char *pattern_expression(const struct pattern *pattern);

/* The first match in bytes[0..n). match may be NULL; without a match its ngroups is 0. subject and pattern must live as
 * long as match is used. */
enum pattern_verdict pattern_find(struct pattern *pattern, const char *bytes, size_t n, struct pattern_match *match);

/* Appends form with ${1}, $1, ${name} and $name replaced by what the groups hold, as Go's Regexp.Expand: a name is as
 * long as it can be ($1x is ${1x}); what there is not is empty; $$ is a dollar; any other $ stands for itself. match
 * NULL or without groups: every reference is empty. */
void pattern_expand(const struct pattern_match *match, const char *form, struct text *out);

#endif
