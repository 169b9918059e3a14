/*
 * Rows in the making, for what is computed about results: sets, labels and readings are added one after the other and
 * come out as an array. Nothing is allocated once it has grown. Pure.
 */
#ifndef NETSONDE_DAEMON_SHEET_H
#define NETSONDE_DAEMON_SHEET_H

#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"

struct sheet;

struct sheet *sheet_create(void);
void sheet_free(struct sheet *sheet); /* NULL is harmless */
void sheet_clear(struct sheet *sheet);

/* Begins a row; what is added below belongs to it. set: borrowed. A row without readings is left out. */
void sheet_begin(struct sheet *sheet, const struct measure_set *set);
/* The row that was begun last makes no line. */
void sheet_be_quiet(struct sheet *sheet);
/* name: borrowed; value: copied. */
void sheet_add_label(struct sheet *sheet, const char *name, const char *value);
/* measure: an index into the set, rising within the row. Numbers that are not finite are left out. */
void sheet_add_number(struct sheet *sheet, unsigned measure, double number);
void sheet_add_integer(struct sheet *sheet, unsigned measure, int64_t integer);
void sheet_add_text(struct sheet *sheet, unsigned measure, const char *text); /* copied */

/* All rows so far; valid until the sheet is changed. */
const struct row *sheet_rows(struct sheet *sheet, size_t *n);
/* Of these rows, from the first on: the next that makes a line, and how many next to it do. *first: where to look from,
 * then the first of them. Returns how many; 0: there are no more. */
size_t sheet_next_lines(const struct sheet *sheet, size_t *first);

#endif
