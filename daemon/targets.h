/*
 * What should be measured, and what changed about it. Each source of targets (the configuration; files, a mesh, leases)
 * yields its full desired set; the difference between the set in force and the new one says what to do. Pure.
 *
 * Identity is source, target and probe. At start the set in force is empty: everything is added.
 */
#ifndef NETSONDE_DAEMON_TARGETS_H
#define NETSONDE_DAEMON_TARGETS_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/names.h"
#include "daemon/spec.h"
#include "daemon/target.h"

struct config;
struct config_assignment;

/* One probe of one target as a source wants it. */
struct desired {
	const char *source;            /* "config", the path of a file, ...; borrowed for as long as the set lives */
	struct target *target;         /* held */
	const struct probe_spec *spec; /* held in the set's table */
	bool is_unopened;              /* the worker could not open it, and said why */
};

/* Zero-initialised but for specs is an empty set. */
struct desired_set {
	struct spec_table *specs; /* borrowed: where equal probes of all sets are one */
	struct spec_memo *memo;
	struct desired *items;
	size_t n, room;
	struct names identities; /* target, probe -> item */
};

/* Adds one: holds the target and what is equal to probe, whose strings are borrowed until the set is closed. Returns -1
 * and leaves the set as it is when the target has that probe already, from whatever source: series of two would
 * collide. *other, unless NULL, is then the one that was first (borrowed until the next add). */
int desired_set_add(struct desired_set *set, const char *source, struct target *target, const struct probe_spec *probe,
		    const struct desired **other);

/* What a worker is to know of a probe of this configuration. Borrowed from it. */
struct probe_spec desired_spec(const struct config *config, const struct config_assignment *assignment);

/* Adds every probe of every target of a configuration that is not parked, as source "config". */
void desired_set_add_config(struct desired_set *set, const struct config *config);

/* Nothing more is added: gives back the memory that was for that. The items stay where they are. Of the sets of a plan,
 * only the first may be closed. */
void desired_set_close(struct desired_set *set);

/* How many targets the probes of a set have. The probes of a target are next to each other in each source; of two
 * sources they count twice. */
size_t desired_set_count_targets(const struct desired_set *set);

void desired_set_free(struct desired_set *set); /* with what it holds */

enum target_change {
	TARGET_ADDED,      /* only in the new set */
	TARGET_REMOVED,    /* only in the old set */
	TARGET_RESTARTED,  /* another type, address or other settings: closed and opened again */
	TARGET_RELABELLED, /* other labels only: the probe goes on */
	TARGET_UNCHANGED,
	TARGET_CHANGES
};

/* before is NULL when added, after when removed. Both borrowed from the sets. */
struct target_step {
	enum target_change change;
	const struct desired *before, *after;
};

struct target_plan {
	struct target_step *steps; /* removals first, in the order of the old set; then in the order of the new one */
	size_t n;
	size_t counts[TARGET_CHANGES];
};

/* What leads from one set (which may be closed) to the other, of the same table. Both are borrowed until
 * target_plan_free. */
void target_plan_make(struct target_plan *plan, const struct desired_set *before, const struct desired_set *after);
/* Workers go on to borrow what does not change from the set before: the new one holds the same targets from now on. */
void target_plan_share(const struct target_plan *plan);
void target_plan_free(struct target_plan *plan);

#endif
