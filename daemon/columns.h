/*
 * Text in columns of a terminal: how wide UTF-8 is there, and text made to fit. Pure.
 */
#ifndef NETSONDE_DAEMON_COLUMNS_H
#define NETSONDE_DAEMON_COLUMNS_H

#include <stddef.h>

#include "core/text.h"

/* Columns that the text takes. Control characters and bytes that are not UTF-8 take one: they are shown as "?". */
size_t columns_width(const char *text);

/* Appends the text, cut at width (then its last column is "~"), and filled up with blanks if it is shorter. */
void columns_add_left(struct text *out, const char *text, size_t width);

/* The same without the blanks behind it. */
void columns_add_cut(struct text *out, const char *text, size_t width);

/* With the blanks in front; what is too wide is not cut. */
void columns_add_right(struct text *out, const char *text, size_t width);

#endif
