#include "exporter/block.h"

#include <sched.h>
#include <string.h>

#include "core/mem.h"

/* How an absent value looks. For numbers a NaN that is never stored: every real NaN is stored as the usual one. */
#define ABSENT_NUMBER  UINT64_C(0x7FF8AB5E47000000)
#define USUAL_NAN      UINT64_C(0x7FF8000000000000)
#define ABSENT_INTEGER ((uint64_t)INT64_MIN)
/* A histogram that is absent keeps its counts: the sign of its sum says whether it is shown. */
#define HISTOGRAM_HIDDEN (UINT64_C(1) << 63)

#define READ_TRIES       1000
#define READ_TRIES_SPUN  100
#define HISTOGRAM_SUM_AT (SERIES_BUCKETS + 1)

typedef _Atomic uint64_t block_word;

static block_word *word_at(struct block *block, uint32_t word)
{
	return (block_word *)(void *)block + word;
}

static uint64_t load(const struct block *block, uint32_t word)
{
	const block_word *words = (const block_word *)(const void *)block;
	return atomic_load_explicit(words + word, memory_order_acquire);
}

static void store(struct block *block, uint32_t word, uint64_t value)
{
	atomic_store_explicit(word_at(block, word), value, memory_order_release);
}

/* --- structure --------------------------------------------------------------------------------------------------- */

static uint64_t absent_word(const struct column *column)
{
	switch ((enum measure_kind)column->kind) {
	case MEASURE_GAUGE:
		return ABSENT_NUMBER;
	case MEASURE_HISTOGRAM:
		return 0;
	default:
		return ABSENT_INTEGER;
	}
}

static void clear_row(struct block *block, const struct block_row *row)
{
	for (size_t i = 0; i < row->shape->ncolumns; i++) {
		const struct column *column = &row->shape->columns[i];
		uint32_t word = row->words + column->word;
		store(block, word, absent_word(column));
		if (column->kind != MEASURE_HISTOGRAM)
			continue;
		for (uint32_t k = 1; k < HISTOGRAM_SUM_AT; k++)
			store(block, word + k, 0);
		store(block, word + HISTOGRAM_SUM_AT, HISTOGRAM_HIDDEN);
	}
}

static uint32_t put_text(struct block *block, uint32_t at, struct label_text text)
{
	if (text.length > 0)
		memcpy((char *)block + at, text.bytes, text.length);
	return at + (uint32_t)text.length;
}

struct block *block_create(struct label_text labels, const struct block_plan_row *rows, size_t nrows)
{
	size_t words = (sizeof(struct block) + nrows * sizeof(struct block_row)) / sizeof(block_word);
	size_t first_word = words, text = labels.length;
	for (size_t i = 0; i < nrows; i++) {
		words += rows[i].shape->words;
		text += rows[i].labels.length;
	}
	struct block *block = mem_alloc(words * sizeof(block_word) + text);
	memset(block, 0, sizeof(*block));
	block->nrows = (uint32_t)nrows;
	block->labels = (uint32_t)(words * sizeof(block_word));
	uint32_t at = put_text(block, block->labels, labels), word = (uint32_t)first_word;
	for (size_t i = 0; i < nrows; i++) {
		block->rows[i] = (struct block_row){rows[i].shape, word, at};
		clear_row(block, &block->rows[i]);
		word += rows[i].shape->words;
		at = put_text(block, at, rows[i].labels);
	}
	block->end = at;
	return block;
}

void block_free(struct block *block, struct catalogue *catalogue)
{
	if (!block)
		return;
	for (size_t i = 0; i < block->nrows; i++)
		catalogue_drop_shape(catalogue, block->rows[i].shape);
	mem_free(block);
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
		if (shape->where[measure] == SHAPE_NONE && shape->set->measures[measure].kind != MEASURE_TEXT)
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

static uint64_t number_word(double number)
{
	uint64_t word;
	memcpy(&word, &number, sizeof(word));
	return number != number ? USUAL_NAN : word;
}

/* A counter below zero is refused by OpenMetrics parsers, and is a fault of whoever counted. */
static uint64_t integer_word(int64_t integer, enum measure_kind kind)
{
	if (integer < 0 && kind != MEASURE_INTEGER)
		return ABSENT_INTEGER;
	return integer == INT64_MIN ? (uint64_t)(INT64_MIN + 1) : (uint64_t)integer;
}

unsigned histogram_bucket(int64_t observed_ns)
{
	int64_t first = series_bucket_bound_ns(0);
	if (observed_ns <= first)
		return 0;
	uint64_t steps = (uint64_t)((observed_ns - 1) / first); /* >= 1; bucket k takes steps of 2^(k-1) .. 2^k - 1 */
	unsigned bucket = 64 - (unsigned)__builtin_clzll(steps);
	return bucket < SERIES_BUCKETS ? bucket : SERIES_BUCKETS;
}

static uint64_t positive_ns(int64_t observed_ns)
{
	return observed_ns > 0 ? (uint64_t)observed_ns : 0;
}

void histogram_observe(struct histogram *histogram, int64_t observed_ns)
{
	histogram->counts[histogram_bucket(observed_ns)]++;
	histogram->sum_ns += positive_ns(observed_ns);
}

static void fill_histogram(struct block *block, uint32_t word, const struct reading *reading)
{
	uint64_t sum = load(block, word + HISTOGRAM_SUM_AT) & ~HISTOGRAM_HIDDEN;
	for (unsigned i = 0; i < reading->count; i++) {
		int64_t observed_ns = reading->value.observed_ns[i];
		uint32_t bucket = word + histogram_bucket(observed_ns);
		store(block, bucket, load(block, bucket) + 1);
		sum += positive_ns(observed_ns);
	}
	store(block, word + HISTOGRAM_SUM_AT, sum & ~HISTOGRAM_HIDDEN);
}

/* Stores one reading, or its absence (NULL); returns the number of series it shows. */
static uint32_t fill_column(struct block *block, uint32_t word, const struct column *column,
			    const struct reading *reading)
{
	enum measure_kind kind = (enum measure_kind)column->kind;
	uint64_t value = absent_word(column);
	if (kind == MEASURE_HISTOGRAM) {
		if (reading)
			fill_histogram(block, word, reading);
		else
			store(block, word + HISTOGRAM_SUM_AT, load(block, word + HISTOGRAM_SUM_AT) | HISTOGRAM_HIDDEN);
		return reading ? SHAPE_HISTOGRAM_SERIES : 0;
	}
	if (reading && kind == MEASURE_GAUGE)
		value = number_word(reading->value.number);
	else if (reading && kind == MEASURE_INFO)
		value = 1;
	else if (reading)
		value = integer_word(reading->value.integer, kind);
	store(block, word, value);
	return value != absent_word(column);
}

uint32_t block_fill_row(struct block *block, size_t row, const struct row *from)
{
	const struct shape *shape = block->rows[row].shape;
	uint32_t words = block->rows[row].words, shown = 0;
	size_t next = 0;
	for (size_t i = 0; i < shape->ncolumns; i++) {
		const struct column *column = &shape->columns[i];
		while (next < from->n && from->readings[next].measure < column->measure)
			next++;
		bool is_there = next < from->n && from->readings[next].measure == column->measure;
		shown += fill_column(block, words + column->word, column, is_there ? &from->readings[next] : NULL);
	}
	return shown;
}

void block_copy_row(struct block *to, size_t row, const struct block *from, size_t from_row)
{
	const struct shape *shape = to->rows[row].shape, *from_shape = from->rows[from_row].shape;
	for (size_t i = 0; i < shape->ncolumns; i++) {
		const struct column *column = &shape->columns[i];
		uint32_t from_word = from_shape->where[column->measure];
		if (from_word == SHAPE_NONE)
			continue;
		uint32_t n = column->kind == MEASURE_HISTOGRAM ? SHAPE_HISTOGRAM_WORDS : 1;
		for (uint32_t k = 0; k < n; k++)
			store(to, to->rows[row].words + column->word + k,
			      load(from, from->rows[from_row].words + from_word + k));
	}
}

/* --- the reader -------------------------------------------------------------------------------------------------- */

bool block_read_number(const struct block *block, uint32_t word, double *value)
{
	uint64_t bits = load(block, word);
	memcpy(value, &bits, sizeof(*value));
	return bits != ABSENT_NUMBER;
}

bool block_read_integer(const struct block *block, uint32_t word, int64_t *value)
{
	uint64_t bits = load(block, word);
	*value = (int64_t)bits;
	return bits != ABSENT_INTEGER;
}

static uint64_t copy_histogram(const struct block *block, uint32_t word, struct histogram *out)
{
	for (uint32_t k = 0; k <= SERIES_BUCKETS; k++)
		out->counts[k] = load(block, word + k);
	return load(block, word + HISTOGRAM_SUM_AT);
}

bool block_read_histogram(const struct block *block, uint32_t word, struct histogram *out)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < READ_TRIES; i++) {
		uint32_t before = atomic_load_explicit(&block->sequence, memory_order_acquire);
		sum = copy_histogram(block, word, out);
		if (before % 2 == 0 && atomic_load_explicit(&block->sequence, memory_order_relaxed) == before)
			break;
		if (i >= READ_TRIES_SPUN)
			sched_yield();
	}
	out->sum_ns = sum & ~HISTOGRAM_HIDDEN;
	return !(sum & HISTOGRAM_HIDDEN);
}
