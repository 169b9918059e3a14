/*
 * The sets in use and the shapes of their rows. A shape says which measures of a set a row has room for, how much, and
 * where in the row each one is; rows of all probes share it, so that a row itself is only its values. Both are counted
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

struct shapes;

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

/* How much a row keeps of a measure, in cells of 32 bits. An integer takes one while it fits, else two; a number two; a
 * histogram two for the sum and one for each bucket from the first to the last that was ever hit. */
struct room {
	uint8_t cells; /* 0: nothing is kept */
	uint8_t first; /* bucket */
};

/* The least that this reading needs. Texts need none. */
struct room room_needed(enum measure_kind kind, const struct reading *reading);
/* Is there enough room for what needs so much? */
bool room_holds(enum measure_kind kind, struct room room, struct room needed);
/* Enough for both; for a histogram, with some to spare. */
struct room room_join(enum measure_kind kind, struct room a, struct room b);

/* Cells of a histogram's sum; its buckets follow. */
#define ROOM_SUM_CELLS 2
/* Series of a histogram: buckets, +Inf, sum, count. */
#define SHAPE_HISTOGRAM_SERIES (SERIES_BUCKETS + 3)

struct column {
	uint16_t measure;
	uint8_t kind; /* enum measure_kind */
	struct room room;
	uint32_t cell; /* of the row; even where something takes two */
};

struct shape {
	struct shape *next;
	struct known_set *set;
	size_t references;
	uint32_t cells;     /* that a row takes: an even number */
	uint32_t series;    /* that a row shows at most */
	struct room *rooms; /* [set->n] */
	uint32_t *where;    /* [set->n]: index into columns; where there is room */
	size_t ncolumns;
	struct column columns[]; /* in rising order of measure */
};

/* NULL: no room for this measure. */
static inline const struct column *shape_column(const struct shape *shape, size_t measure)
{
	return shape->rooms[measure].cells > 0 ? &shape->columns[shape->where[measure]] : NULL;
}

struct shapes *shapes_create(void);
void shapes_free(struct shapes *shapes); /* nothing may be held any more */

/* The shape with this room for each of the set's measures, held once more. */
const struct shape *shapes_hold_shape(struct shapes *shapes, const struct measure_set *set, const struct room *rooms);
void shapes_hold_again(struct shapes *shapes, const struct shape *shape);
void shapes_drop_shape(struct shapes *shapes, const struct shape *shape);

/* A set without a shape, for rows that are not in the store. */
struct known_set *shapes_hold_set(struct shapes *shapes, const struct measure_set *set);

/* All sets in use, each held once more; in no particular order. The caller frees the array (mem_free). */
struct known_set **shapes_hold_all(struct shapes *shapes, size_t *n);
void shapes_drop_set(struct shapes *shapes, struct known_set *set);

#endif
