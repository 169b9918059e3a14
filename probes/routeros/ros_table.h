/*
 * The rows of one data set of one router, made of the replies to its commands: keys become labels, properties become
 * readings, items are grouped, counted, capped, and rates are taken from one collection to the next. Pure: no sockets,
 * no clock. What each word of the catalogue means: docs/routeros-catalogue.md.
 *
 * Counters: those of the router have 64 bits without a sign, ours 63: what is above begins anew from 0, as after a
 * restart. Integers that cannot be told are left out. A property that is empty is as absent as one that is not there,
 * but for switches (true) and lists (0 items). Items without any reading make no row.
 *
 * One collection:
 *
 *	ros_table_begin(table, now_ns);
 *	... ros_table_add for each row of each menu, ros_table_count for each count-only ...
 *	rows = ros_table_end(table, &n);
 */
#ifndef NETSONDE_PROBES_ROS_TABLE_H
#define NETSONDE_PROBES_ROS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"
#include "probes/routeros/catalogue.h"
#include "probes/routeros/ros_reply.h"

/* Bytes of a label's value, and of a text: what is longer is cut between two characters. */
#define ROS_TABLE_TEXT_MAX 256

struct ros_table;
struct ros_text;

struct ros_table_plan {
	const struct catalogue_set *set; /* borrowed */
	unsigned max_rows;               /* 0: the set's */
	/* Labels of the router's target: a label of a row that has such a name, or is "target" or "probe", is called
	 * "<set>_<name>" instead, so that no name is there twice. Borrowed for the call. */
	const struct label *target_labels;
	size_t ntarget_labels;
	struct ros_text *text; /* the code page, borrowed until free */
};

struct ros_table *ros_table_create(const struct ros_table_plan *plan);
void ros_table_free(struct ros_table *table); /* NULL is harmless */

/* zone_seconds: of the router's clock, east of Greenwich, for dates. now_ns: monotonic. */
void ros_table_begin(struct ros_table *table, int64_t now_ns, int32_t zone_seconds);
/* each: the name of the item that the command was for, or NULL. now_ns: when the reply came, for rates. */
void ros_table_add(struct ros_table *table, const struct catalogue_menu *menu, const char *each,
		   const struct ros_reply *reply, int64_t now_ns);
/* What count-only returned for this menu. */
void ros_table_count(struct ros_table *table, const struct catalogue_menu *menu, uint64_t count);
/* Borrowed until the next begin, rest, abandon or free. Labels of one row are unique, rows have unique labels (those
 * that are alike are added up, as a group would be; of texts the first one stays). Rows are in the order in which they
 * came. n: may be 0, the answer then is not NULL. */
const struct row *ros_table_end(struct ros_table *table, size_t *n);
/* The collection failed: readings of the last good one stay what rates are taken from. Harmless after end. */
void ros_table_abandon(struct ros_table *table);
/* The router has restarted: rates begin anew. Rows stay. */
void ros_table_forget(struct ros_table *table);
/* Frees what only a collection needs (rows, labels): until the next begin, the table is small. */
void ros_table_rest(struct ros_table *table);

struct ros_table_figures {
	size_t rows;         /* of the last collection that ended */
	uint64_t left_out;   /* items whose row was beyond the ceiling, since it was created; the first rows stay */
	uint64_t unreadable; /* values that are none of the forms, since it was created */
};
void ros_table_read(const struct ros_table *table, struct ros_table_figures *out);

#endif
