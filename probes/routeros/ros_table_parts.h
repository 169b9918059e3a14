/*
 * What the files ros_table*.c share: the table of one collection, in pieces. Nobody else includes this. Pure.
 */
#ifndef NETSONDE_PROBES_ROS_TABLE_PARTS_H
#define NETSONDE_PROBES_ROS_TABLE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/hash.h"
#include "core/text.h"
#include "probes/routeros/ros_table.h"
#include "probes/routeros/ros_text.h"
#include "probes/routeros/ros_value.h"

/* --- rows while they are collected: ros_table_slot.c -----------------------------------------------------------------
 */

/* A row: what it is told apart by, and how many items are in it. Its readings are cells of the same number. */
struct ros_slot {
	uint64_t hash;      /* of the key */
	int64_t at_ns;      /* when its last item came */
	size_t key;         /* offset into strings: the values of its labels, each with a zero byte behind it */
	uint32_t key_bytes; /* at most CATALOGUE_LABELS_MAX values */
	uint32_t items;
};

/* Rows in the order in which they came, with an index. Zero-initialise. */
struct ros_slots {
	struct ros_slot *slots;
	size_t n, room;
	uint32_t *index; /* open addressing: 0, or 1 + the number of a slot */
	size_t index_size;
};

/* The slot of the key that lies at the end of strings, from key on; a new one keeps it there, else it is cut off. NULL:
 * it would be one more than max. is_new: it is. */
struct ros_slot *ros_slots_find(struct ros_slots *slots, struct hash_key hash, struct text *strings, size_t key,
				size_t max, bool *is_new);
/* Makes room for n. */
void ros_slots_reserve(struct ros_slots *slots, size_t n);
void ros_slots_free(struct ros_slots *slots);

/* --- values: ros_table_cell.c ----------------------------------------------------------------------------------------
 */

/* A reading whose count says whether there is one. While it is collected, a text is an offset into strings, and a rate
 * the counter that it is made of, as uint64_t. */
#define ROS_CELL_IS_SET 1

struct ros_cells {
	struct ros_text *text; /* borrowed */
	struct text *strings;  /* where texts go */
	int32_t zone_seconds;
};

/* Reads the word as the column says. Else than OK: the cell stays as it was. */
enum ros_value ros_cell_read(const struct ros_cells *cells, const struct catalogue_column *column,
			     enum measure_kind kind, struct ros_word word, struct reading *cell);
/* What the column is without its property, or an info. */
void ros_cell_set(const struct catalogue_column *column, enum measure_kind kind, double value, struct reading *cell);
/* Adds one of another item, as the column combines them. */
void ros_cell_combine(const struct catalogue_column *column, enum measure_kind kind, const struct reading *other,
		      struct reading *cell);

/* --- rates: ros_table_rate.c -----------------------------------------------------------------------------------------
 */

/* A row of the last good collection, as far as rates need it. */
struct ros_rate {
	uint64_t hash; /* of its key: keyed, so nobody can make two rows alike */
	int64_t at_ns;
	uint32_t items;
};

struct ros_rates {
	struct ros_rate *rows;
	uint64_t *counters; /* ncolumns for each row; ROS_RATE_NONE: there was none */
	size_t n, ncolumns;
	size_t place;    /* where the next row is looked for first */
	uint32_t *index; /* while rows are looked for; NULL: all have been where they were */
	size_t index_size;
};

/* A counter that is at its very end looks like none. */
#define ROS_RATE_NONE UINT64_MAX

/* The row of before; NULL: there was none, or of other items, so that the difference would be of different things. */
const struct ros_rate *ros_rates_find(struct ros_rates *rates, const struct ros_slot *slot);
/* column: 0 to ncolumns - 1. false: nothing can be said. */
bool ros_rates_read(const struct ros_rates *rates, const struct ros_rate *row, const struct ros_slot *now,
		    size_t column, uint64_t counter, double *per_second);
void ros_rates_free(struct ros_rates *rates);

/* --- items that may be out of date with the next: ros_table_held.c ---------------------------------------------------
 */

#define ROS_HELD_BYTES_MAX (1U << 20)
#define ROS_HELD_PAIRS_MAX (1U << 16)

struct ros_item {
	const struct catalogue_menu *menu;
	const char *each; /* NULL: none */
	int64_t now_ns;
};

struct ros_held_item {
	int64_t now_ns;
	size_t first_pair, npairs;
};

struct ros_held_pair {
	size_t name, name_bytes, value, value_bytes; /* offsets into bytes */
};

/* The items of one section of one command. Zero-initialise. */
struct ros_held {
	const struct catalogue_menu *menu; /* NULL: there are none */
	char *each;                        /* owned */
	struct text bytes, section;
	struct ros_held_pair *pairs;
	struct ros_held_item *items;
	size_t npairs, pairs_room, nitems, items_room;
};

bool ros_held_is_of(const struct ros_held *held, const struct ros_item *item);
/* Does the item begin another section than those that are held? property NULL: each does. */
bool ros_held_is_over(const struct ros_held *held, const char *property, const struct ros_reply *reply);
void ros_held_drop(struct ros_held *held);
/* A copy. false: there is no room for it. max: items. */
bool ros_held_add(struct ros_held *held, const struct ros_item *item, const char *property,
		  const struct ros_reply *reply, size_t max);
/* Item i as it came; reply: zero-initialised or used for another, freed by the caller. */
struct ros_item ros_held_read(const struct ros_held *held, size_t i, struct ros_reply *reply);
void ros_held_free(struct ros_held *held);

#endif
