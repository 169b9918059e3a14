/*
 * Rows that are kept: deep copies of rows that are borrowed for a call only. Sets stay borrowed. Pure.
 */
#ifndef NETSONDE_EXPORTER_OWN_ROWS_H
#define NETSONDE_EXPORTER_OWN_ROWS_H

#include <stddef.h>

#include "core/sample.h"

struct own_rows {
	struct row *rows;
	size_t n, size;
};

/* Zero-initialised is empty. Texts (MEASURE_TEXT) are left out. */
void own_rows_add(struct own_rows *own, const struct row *row);
void own_rows_free(struct own_rows *own);

#endif
