/*
 * The text of a configuration: the file with every @include put in its place, a map from the lines of the whole to file
 * and line, and the errors found so far.
 */
#ifndef NETSONDE_DAEMON_CONFIG_SOURCE_H
#define NETSONDE_DAEMON_CONFIG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

#define CONFIG_BYTES_MAX    (256u * 1024 * 1024)
#define CONFIG_INCLUDES_MAX 10000
#define CONFIG_INCLUDE_DEEP 10
#define CONFIG_NESTING_MAX  32
#define CONFIG_ERRORS_MAX   100

/* From this line of the whole on, it is that line of that file. */
struct config_piece {
	unsigned line;
	unsigned file_line;
	size_t file;
};

struct config_error {
	unsigned line; /* of the whole; CONFIG_NO_LINE = none, printed last, as it is */
	char *message; /* "what: why" */
};
#define CONFIG_NO_LINE UINT32_MAX

/* Zero-initialise, then config_source_read. */
struct config_source {
	struct text text; /* ends with a line feed: libconfig does not take a comment without one */
	unsigned lines;   /* line feeds in text */
	struct config_piece *pieces;
	size_t npieces;
	char **files; /* files[0] is the configuration itself */
	size_t nfiles;
	struct config_error *errors;
	size_t nerrors;                      /* kept, at most CONFIG_ERRORS_MAX */
	size_t total;                        /* found */
	unsigned misread[CONFIG_ERRORS_MAX]; /* lines of integers that libconfig misreads; the first ones */
	size_t nmisread;
};

/* Fill the text from a file (@include is followed) or from a string (it is refused). -1 when there is nothing to parse;
 * the errors say why. */
int config_source_read(struct config_source *source, const char *file);
int config_source_read_string(struct config_source *source, const char *string, const char *name);

/* Looks for what libconfig would misread: integers that do not fit, comments and strings that never end. -1 when the
 * text must not be parsed. */
int config_source_check(struct config_source *source);

/* Is there an integer in this line that config_source_check has refused? What libconfig made of it means nothing. */
bool config_source_is_misread(const struct config_source *source, unsigned line);

/* Notes an error at a line of the whole. */
void config_source_error(struct config_source *source, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Will the next error be kept? If not, its text need not be made. */
bool config_source_keeps(const struct config_source *source);

/* Appends all errors in the order of the text, one line each. */
void config_source_print_errors(const struct config_source *source, struct text *out);

void config_source_free(struct config_source *source);

#endif
