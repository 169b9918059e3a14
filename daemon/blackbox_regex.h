/*
 * Regular expressions as blackbox_exporter's files have them (RE2: https://github.com/google/re2/wiki/Syntax, as Go
 * implements it) for PCRE2. Pure.
 */
#ifndef NETSONDE_DAEMON_BLACKBOX_REGEX_H
#define NETSONDE_DAEMON_BLACKBOX_REGEX_H

#include "core/err.h"
#include "core/text.h"

/* Deepest nesting of groups: PCRE2's own limit. */
#define BLACKBOX_REGEX_DEPTH_MAX 250

/* Appends an expression for core/pattern (PCRE2) that means the same. -1 with err where Go
 * would not compile it ("character 4: (?= is not known to RE2"); what is appended is then of no use. What PCRE2 does
 * not have, such as some names of Unicode classes, it finds itself. */
int blackbox_regex_translate(const char *expression, struct text *out, struct err *err);

#endif
