/*
 * One probe's block in one piece of memory: a head, its rows, their values in cells of 32 bits, and the label text.
 *
 *     head | row 0 .. row n-1 | cells of row 0, row 1, ... | labels of the block, of row 0, of row 1, ...
 *
 * Everything but the cells and the sequence count is immutable once the block is published. Values are atomics:
 * their writer stores with release and readers load with acquire, which makes the sequence count sound without fences
 * (a reader that saw a value of an update also sees the count that this update raised) and costs nothing on x86 or
 * ARMv8. ThreadSanitizer knows no fences.
 */
#ifndef NETSONDE_EXPORTER_BLOCK_H
#define NETSONDE_EXPORTER_BLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"
#include "core/slabs.h"
#include "exporter/labels.h"
#include "exporter/shape.h"

struct block_row {
	const struct shape *shape; /* held */
	uint32_t cells;            /* where its cells begin, counted from the head in cells: an even number */
	uint32_t text; /* where its label text begins, in bytes from the head; ends where the next one's begins */
};

struct block {
	uint64_t
		birth; /* the store's clock when the series were opened: renders that are not younger do not see them */
	uint64_t hash; /* hash_stable of the target's name, for ?shard= */
	uint64_t marks;            /* of the sets of its rows, all together */
	_Atomic uint32_t sequence; /* odd while values are written */
	uint32_t nrows;
	uint32_t labels; /* where the block's label text begins, in bytes from the head */
	uint32_t end;
	struct block_row rows[];
};

/* A row of a block that is to be made. shape: its reference is passed on to the block. */
struct block_plan_row {
	const struct shape *shape;
	struct label_text labels;
};

/* All values absent, all histograms empty; for no reader yet. */
struct block *block_create(struct slabs *slabs, struct label_text labels, const struct block_plan_row *rows,
			   size_t nrows);

/* The same again, values and all; for no reader yet. */
struct block *block_copy(struct slabs *slabs, const struct block *block, struct shapes *shapes);

/* Frees the memory, from where it was taken, and drops the shapes. */
void block_free(struct slabs *slabs, struct block *block, struct shapes *shapes);

struct label_text block_labels(const struct block *block);
struct label_text block_row_labels(const struct block *block, size_t row);

/* --- the writer ----------------------------------------------------------------------------------------------- */

/* Does the row have room for every reading of this one, and its value? */
bool block_row_fits(const struct shape *shape, const struct row *row);

void block_begin(struct block *block);
void block_end(struct block *block);

/* Between begin and end: the values of a row; what has no reading becomes absent; histograms observe. Readings without
 * room are left out. When a bucket is full (2^32 - 1) its histogram begins again, as after a restart. Returns the
 * number of series that the row shows now. */
uint32_t block_fill_row(struct block *block, size_t row, const struct row *from);

/* Copies the values that both rows have room for. The other block has the same writer. */
void block_copy_row(struct block *to, size_t row, const struct block *from, size_t from_row);

/* --- the reader ----------------------------------------------------------------------------------------------- */

struct histogram {
	uint64_t counts[SERIES_BUCKETS + 1]; /* not cumulative; the last is beyond the last bound */
	uint64_t sum_ns;
};

void histogram_observe(struct histogram *histogram, int64_t observed_ns);

/* Each returns false when the value is absent now. column: of the row's shape. */
bool block_read_number(const struct block *block, size_t row, const struct column *column, double *value);
bool block_read_integer(const struct block *block, size_t row, const struct column *column, int64_t *value);
/* A histogram of one moment. When the writer does not let go for long (it lost its CPU half-way), buckets and sum may
 * be one run apart. */
bool block_read_histogram(const struct block *block, size_t row, const struct column *column, struct histogram *out);

#endif
