/*
 * Line protocol as CSV (RFC 4180), one row a field: time,measurement,tags,field,type,value. Pure.
 */
#ifndef NETSONDE_DAEMON_LINE_CSV_H
#define NETSONDE_DAEMON_LINE_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

#define LINE_CSV_HEAD "time,measurement,tags,field,type,value\r\n"

/* Appends the rows of one line of n bytes, without its LF. time: nanoseconds since the epoch, as written; tags: as
 * written; type: float, integer, string or boolean; strings without quotes and escapes. false: this is no line, nothing
 * was added. */
bool line_csv_add(struct text *out, const char *line, size_t n);

#endif
