/*
 * The table of "netsonde probe traceroute": what trace_summary.h added up, as lines of text that fit a terminal. Pure.
 */
#ifndef NETSONDE_DAEMON_TRACE_TABLE_H
#define NETSONDE_DAEMON_TRACE_TABLE_H

#include <stdbool.h>

#include "core/text.h"
#include "daemon/trace_summary.h"

/* How it is to be seen. Everything is borrowed for the call. */
struct trace_view {
	const char *target, *transport;
	const char *time; /* of day, as shown; NULL = none */
	unsigned columns; /* of the terminal; 0 = as wide as the longest name */
	unsigned rows;    /* lines there are room for; 0 = any number */
	bool has_names, has_colours;
	bool has_keys; /* a line says which keys there are */
	bool is_paused;
};

/* Each line ends in "\n"; none is wider than columns. What does not fit in height is left out: first further addresses
 * and labels, then hops in the middle, which a line says. Columns that there is no room for are left out, too. */
void trace_table_write(const struct trace_summary *summary, const struct trace_view *view, struct text *out);

/* Only what stands below the table: whether the target was reached, what else is to be known of the path. */
void trace_table_write_foot(const struct trace_summary *summary, const struct trace_view *view, struct text *out);

#endif
