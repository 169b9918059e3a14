#include "exporter/block.h"

#include <sched.h>
#include <string.h>

/* How an absent value looks. For numbers a NaN that is never stored: every real NaN is stored as the usual one. */
#define ABSENT_NUMBER  UINT64_C(0x7FF8AB5E47000000)
#define USUAL_NAN      UINT64_C(0x7FF8000000000000)
#define ABSENT_INTEGER INT64_MIN
#define ABSENT_SINGLE  INT32_MIN
/* A histogram that is absent keeps its counts: the sign of its sum says whether it is shown. */
#define HISTOGRAM_HIDDEN (UINT64_C(1) << 63)

#define READ_TRIES      1000
#define READ_TRIES_SPUN 100

typedef _Atomic uint64_t block_double; /* two cells, the first of them even */
typedef _Atomic uint32_t block_single;

static uint64_t load_double(const struct block *block, uint32_t cell)
{
	const block_double *doubles = (const block_double *)(const void *)block;
	return atomic_load_explicit(doubles + cell / 2, memory_order_acquire);
}

static void store_double(struct block *block, uint32_t cell, uint64_t value)
{
	block_double *doubles = (block_double *)(void *)block;
	atomic_store_explicit(doubles + cell / 2, value, memory_order_release);
}

static uint32_t load_single(const struct block *block, uint32_t cell)
{
	const block_single *singles = (const block_single *)(const void *)block;
	return atomic_load_explicit(singles + cell, memory_order_acquire);
}

static void store_single(struct block *block, uint32_t cell, uint32_t value)
{
	block_single *singles = (block_single *)(void *)block;
	atomic_store_explicit(singles + cell, value, memory_order_release);
}

/* --- values ------------------------------------------------------------------------------------------------------ */

static uint32_t cell_of(const struct block *block, size_t row, const struct column *column)
{
	return block->rows[row].cells + column->cell;
}

static int64_t load_integer(const struct block *block, size_t row, const struct column *column)
{
	uint32_t cell = cell_of(block, row, column);
	if (column->room.cells > 1)
		return (int64_t)load_double(block, cell);
	int32_t single = (int32_t)load_single(block, cell);
	return single == ABSENT_SINGLE ? ABSENT_INTEGER : single;
}

/* What finds no room is absent. */
static void store_integer(struct block *block, size_t row, const struct column *column, int64_t value)
{
	uint32_t cell = cell_of(block, row, column);
	if (column->room.cells > 1)
		store_double(block, cell, (uint64_t)value);
	else
		store_single(block, cell, (uint32_t)(value == (int32_t)value ? (int32_t)value : ABSENT_SINGLE));
}

static unsigned buckets_of(const struct column *column)
{
	return column->room.cells - ROOM_SUM_CELLS;
}

static void clear_histogram(struct block *block, uint32_t cell, unsigned buckets, uint64_t sum)
{
	store_double(block, cell, sum);
	for (unsigned k = 0; k < buckets; k++)
		store_single(block, cell + ROOM_SUM_CELLS + k, 0);
}

/* --- structure --------------------------------------------------------------------------------------------------- */

static void clear_row(struct block *block, size_t row)
{
	const struct shape *shape = block->rows[row].shape;
	for (size_t i = 0; i < shape->ncolumns; i++) {
		const struct column *column = &shape->columns[i];
		uint32_t cell = cell_of(block, row, column);
		if (column->kind == MEASURE_HISTOGRAM)
			clear_histogram(block, cell, buckets_of(column), HISTOGRAM_HIDDEN);
		else if (column->kind == MEASURE_GAUGE)
			store_double(block, cell, ABSENT_NUMBER);
		else
			store_integer(block, row, column, ABSENT_INTEGER);
	}
}

static uint32_t put_text(struct block *block, uint32_t at, struct label_text text)
{
	if (text.length > 0)
		memcpy((char *)block + at, text.bytes, text.length);
	return at + (uint32_t)text.length;
}

struct block *block_create(struct slabs *slabs, struct label_text labels, const struct block_plan_row *rows,
			   size_t nrows)
{
	size_t cells = (sizeof(struct block) + nrows * sizeof(struct block_row)) / sizeof(block_single);
	size_t first_cell = cells, text = labels.length;
	for (size_t i = 0; i < nrows; i++) {
		cells += rows[i].shape->cells;
		text += rows[i].labels.length;
	}
	struct block *block = slabs_take(slabs, cells * sizeof(block_single) + text);
	block->nrows = (uint32_t)nrows;
	block->labels = (uint32_t)(cells * sizeof(block_single));
	uint32_t at = put_text(block, block->labels, labels), cell = (uint32_t)first_cell;
	for (size_t i = 0; i < nrows; i++) {
		block->rows[i] = (struct block_row){rows[i].shape, cell, at};
		block->marks |= atomic_load(&rows[i].shape->set->mark);
		clear_row(block, i);
		cell += rows[i].shape->cells;
		at = put_text(block, at, rows[i].labels);
	}
	block->end = at;
	return block;
}

/* The writer's own values: nobody changes them meanwhile. */
struct block *block_copy(struct slabs *slabs, const struct block *block, struct shapes *shapes)
{
	struct block *copy = slabs_take(slabs, block->end);
	memcpy(copy, block, block->end);
	for (size_t i = 0; i < block->nrows; i++)
		shapes_hold_again(shapes, block->rows[i].shape);
	return copy;
}

void block_free(struct slabs *slabs, struct block *block, struct shapes *shapes)
{
	if (!block)
		return;
	for (size_t i = 0; i < block->nrows; i++)
		shapes_drop_shape(shapes, block->rows[i].shape);
	slabs_give(slabs, block, block->end);
}

struct label_text block_labels(const struct block *block)
{
	uint32_t end = block->nrows > 0 ? block->rows[0].text : block->end;
	return (struct label_text){(const char *)block + block->labels, end - block->labels};
}

struct label_text block_row_labels(const struct block *block, size_t row)
{
	uint32_t begin = block->rows[row].text;
	uint32_t end = row + 1 < block->nrows ? block->rows[row + 1].text : block->end;
	return (struct label_text){(const char *)block + begin, end - begin};
}

/* --- the writer -------------------------------------------------------------------------------------------------- */

bool block_row_fits(const struct shape *shape, const struct row *row)
{
	for (size_t i = 0; i < row->n; i++) {
		uint16_t measure = row->readings[i].measure;
		if (measure >= shape->set->n)
			continue;
		enum measure_kind kind = shape->set->measures[measure].kind;
		if (!room_holds(kind, shape->rooms[measure], room_needed(kind, &row->readings[i])))
			return false;
	}
	return true;
}

void block_begin(struct block *block)
{
	uint32_t sequence = atomic_load_explicit(&block->sequence, memory_order_relaxed);
	atomic_store_explicit(&block->sequence, sequence + 1, memory_order_relaxed);
}

void block_end(struct block *block)
{
	uint32_t sequence = atomic_load_explicit(&block->sequence, memory_order_relaxed);
	atomic_store_explicit(&block->sequence, sequence + 1, memory_order_release);
}

static uint64_t number_bits(double number)
{
	uint64_t bits;
	memcpy(&bits, &number, sizeof(bits));
	return number != number ? USUAL_NAN : bits;
}

/* A counter below zero is refused by OpenMetrics parsers, and is a fault of whoever counted. */
static int64_t storable(int64_t integer, enum measure_kind kind)
{
	if (integer < 0 && kind != MEASURE_INTEGER)
		return ABSENT_INTEGER;
	return integer == INT64_MIN ? INT64_MIN + 1 : integer;
}

static uint64_t positive_ns(int64_t observed_ns)
{
	return observed_ns > 0 ? (uint64_t)observed_ns : 0;
}

void histogram_observe(struct histogram *histogram, int64_t observed_ns)
{
	histogram->counts[series_bucket(observed_ns)]++;
	histogram->sum_ns += positive_ns(observed_ns);
}

/* One observation more; false when its bucket has no room. */
static bool observe(struct block *block, uint32_t cell, const struct column *column, int64_t observed_ns)
{
	unsigned bucket = series_bucket(observed_ns) - column->room.first;
	if (bucket >= buckets_of(column))
		return false;
	uint32_t at = cell + ROOM_SUM_CELLS + bucket;
	if (load_single(block, at) == UINT32_MAX)
		clear_histogram(block, cell, buckets_of(column), 0);
	store_single(block, at, load_single(block, at) + 1);
	return true;
}

static void fill_histogram(struct block *block, uint32_t cell, const struct column *column,
			   const struct reading *reading)
{
	store_double(block, cell, load_double(block, cell) & ~HISTOGRAM_HIDDEN);
	for (unsigned i = 0; i < reading->count; i++) {
		int64_t observed_ns = reading->value.observed_ns[i];
		if (!observe(block, cell, column, observed_ns))
			continue;
		uint64_t sum = load_double(block, cell) + positive_ns(observed_ns);
		store_double(block, cell, sum & ~HISTOGRAM_HIDDEN);
	}
}

static void hide_histogram(struct block *block, uint32_t cell)
{
	store_double(block, cell, load_double(block, cell) | HISTOGRAM_HIDDEN);
}

/* Stores one reading, or its absence (NULL); returns the number of series it shows. */
static uint32_t fill_column(struct block *block, size_t row, const struct column *column, const struct reading *reading)
{
	enum measure_kind kind = (enum measure_kind)column->kind;
	uint32_t cell = cell_of(block, row, column);
	int64_t integer = ABSENT_INTEGER;
	if (kind == MEASURE_HISTOGRAM && reading) {
		fill_histogram(block, cell, column, reading);
		return SHAPE_HISTOGRAM_SERIES;
	}
	if (kind == MEASURE_HISTOGRAM) {
		hide_histogram(block, cell);
		return 0;
	}
	if (kind == MEASURE_GAUGE) {
		store_double(block, cell, reading ? number_bits(reading->value.number) : ABSENT_NUMBER);
		return reading != NULL;
	}
	if (reading)
		integer = kind == MEASURE_INFO ? 1 : storable(reading->value.integer, kind);
	store_integer(block, row, column, integer);
	return integer != ABSENT_INTEGER;
}

uint32_t block_fill_row(struct block *block, size_t row, const struct row *from)
{
	const struct shape *shape = block->rows[row].shape;
	uint32_t shown = 0;
	size_t next = 0;
	for (size_t i = 0; i < shape->ncolumns; i++) {
		const struct column *column = &shape->columns[i];
		while (next < from->n && from->readings[next].measure < column->measure)
			next++;
		bool is_there = next < from->n && from->readings[next].measure == column->measure;
		shown += fill_column(block, row, column, is_there ? &from->readings[next] : NULL);
	}
	return shown;
}

/* Where the value of a measure goes, and where it comes from. */
struct copying {
	struct block *to;
	const struct block *from;
	size_t row, from_row;
};

static void copy_histogram(const struct copying *copying, const struct column *to, const struct column *from)
{
	uint32_t cell = cell_of(copying->to, copying->row, to);
	uint32_t from_cell = cell_of(copying->from, copying->from_row, from);
	store_double(copying->to, cell, load_double(copying->from, from_cell));
	for (unsigned k = 0; k < buckets_of(from); k++) {
		unsigned bucket = from->room.first + k - to->room.first;
		if (bucket < buckets_of(to))
			store_single(copying->to, cell + ROOM_SUM_CELLS + bucket,
				     load_single(copying->from, from_cell + ROOM_SUM_CELLS + k));
	}
}

static void copy_column(const struct copying *copying, const struct column *to, const struct column *from)
{
	if (to->kind == MEASURE_HISTOGRAM)
		copy_histogram(copying, to, from);
	else if (to->kind == MEASURE_GAUGE)
		store_double(copying->to, cell_of(copying->to, copying->row, to),
			     load_double(copying->from, cell_of(copying->from, copying->from_row, from)));
	else
		store_integer(copying->to, copying->row, to, load_integer(copying->from, copying->from_row, from));
}

void block_copy_row(struct block *to, size_t row, const struct block *from, size_t from_row)
{
	const struct copying copying = {to, from, row, from_row};
	const struct shape *shape = to->rows[row].shape, *from_shape = from->rows[from_row].shape;
	for (size_t i = 0; i < shape->ncolumns; i++) {
		const struct column *column = shape_column(from_shape, shape->columns[i].measure);
		if (column)
			copy_column(&copying, &shape->columns[i], column);
	}
}

/* --- the reader -------------------------------------------------------------------------------------------------- */

bool block_read_number(const struct block *block, size_t row, const struct column *column, double *value)
{
	uint64_t bits = load_double(block, cell_of(block, row, column));
	memcpy(value, &bits, sizeof(*value));
	return bits != ABSENT_NUMBER;
}

bool block_read_integer(const struct block *block, size_t row, const struct column *column, int64_t *value)
{
	*value = load_integer(block, row, column);
	return *value != ABSENT_INTEGER;
}

static uint64_t load_histogram(const struct block *block, uint32_t cell, const struct column *column,
			       struct histogram *out)
{
	*out = (struct histogram){0};
	for (unsigned k = 0; k < buckets_of(column); k++)
		out->counts[column->room.first + k] = load_single(block, cell + ROOM_SUM_CELLS + k);
	return load_double(block, cell);
}

bool block_read_histogram(const struct block *block, size_t row, const struct column *column, struct histogram *out)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < READ_TRIES; i++) {
		uint32_t before = atomic_load_explicit(&block->sequence, memory_order_acquire);
		sum = load_histogram(block, cell_of(block, row, column), column, out);
		if (before % 2 == 0 && atomic_load_explicit(&block->sequence, memory_order_relaxed) == before)
			break;
		if (i >= READ_TRIES_SPUN)
			sched_yield();
	}
	out->sum_ns = sum & ~HISTOGRAM_HIDDEN;
	return !(sum & HISTOGRAM_HIDDEN);
}
