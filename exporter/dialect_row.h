/*
 * One row of ours in the words of a dialect: does it belong to a metric, its labels, its value. Pure but for reading
 * the store.
 */
#ifndef NETSONDE_EXPORTER_DIALECT_ROW_H
#define NETSONDE_EXPORTER_DIALECT_ROW_H

#include <stdbool.h>

#include "core/text.h"
#include "exporter/dialect.h"
#include "exporter/dialect_index.h"

struct dialect_row {
	const struct dialect_index *index;
	const struct dialect_metric *metric;
	const struct block *block;
	size_t row, device;
};

struct dialect_value {
	bool is_integer;
	int64_t integer;
	double number;
};

/* Has the row what the metric asks for: the conditions, and a value? */
bool dialect_row_read(const struct dialect_row *row, struct dialect_value *value);

/* Appends the metric's labels. */
void dialect_row_add_labels(const struct dialect_row *row, struct text *out);

/* Appends the labels that all rows of the device have in this metric: the target under its other name, those of the
 * dialect, and the target's own but for names that are there already. row->block and row->row are not looked at. */
void dialect_row_add_device(const struct dialect_row *row, struct text *out);

/* Both added up, or the first. */
void dialect_value_add(struct dialect_value *to, const struct dialect_value *more);

#endif
