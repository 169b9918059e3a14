/*
 * The sets in use and the shapes of their rows. A shape says which measures of a set a row has room for and in which
 * word of the row each one is; rows of all probes share it, so that a row itself is only its values. Both are counted
 * references: a set is known for as long as a row or a render needs it. Names and helps are copied, so that a set
 * (of a catalogue that was read again) may go once the last row that has it is replaced.
 *
 * Every function may be called from any thread; what is found is immutable and valid while the reference is held.
 */
#ifndef NETSONDE_EXPORTER_SHAPE_H
#define NETSONDE_EXPORTER_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"
#include "exporter/series.h"

struct catalogue;

/* A measure as a render needs it; strings owned by the set. */
struct known_measure {
	char *name;
	char *help; /* "" when there is none */
	enum measure_kind kind;
};

struct shape;

struct known_set {
	struct known_set *next;
	const struct measure_set *origin; /* who it was; not to be looked into */
	size_t references;
	char *name;
	struct shape *shapes;
	size_t n;
	struct known_measure measures[];
};

#define SHAPE_NONE UINT32_MAX /* the row has no room for this measure */

/* Words of a histogram: a count a bucket, one beyond the last bound, and the sum. */
#define SHAPE_HISTOGRAM_WORDS (SERIES_BUCKETS + 2)
/* Series of a histogram: buckets, +Inf, sum, count. */
#define SHAPE_HISTOGRAM_SERIES (SERIES_BUCKETS + 3)

struct column {
	uint16_t measure;
	uint8_t kind; /* enum measure_kind */
	uint32_t word;
};

struct shape {
	struct shape *next;
	struct known_set *set;
	size_t references;
	uint64_t hash;
	uint32_t words;  /* 64-bit words a row takes */
	uint32_t series; /* series a row shows at most */
	uint32_t *where; /* [set->n]: the word of each measure, or SHAPE_NONE */
	size_t ncolumns;
	struct column columns[]; /* in rising order of measure */
};

struct catalogue *catalogue_create(void);
void catalogue_free(struct catalogue *catalogue); /* nothing may be held any more */

/* Words that a bitmap of n measures takes. */
#define SHAPE_BITMAP_WORDS(n) (((n) + 63) / 64)

/* The shape with these measures (bit i = measure i) of the set, held once more. Measures that are not exposed
 * (MEASURE_TEXT) are left out. */
const struct shape *catalogue_hold_shape(struct catalogue *catalogue, const struct measure_set *set,
					 const uint64_t *measures);
void catalogue_hold_again(struct catalogue *catalogue, const struct shape *shape);
void catalogue_drop_shape(struct catalogue *catalogue, const struct shape *shape);

/* A set without a shape, for rows that are not in the store. */
struct known_set *catalogue_hold_set(struct catalogue *catalogue, const struct measure_set *set);

/* All sets in use, each held once more; in no particular order. The caller frees the array (mem_free). */
struct known_set **catalogue_hold_all(struct catalogue *catalogue, size_t *n);
void catalogue_drop_set(struct catalogue *catalogue, struct known_set *set);

#endif
