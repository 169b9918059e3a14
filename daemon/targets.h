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

#include "core/sample.h"
#include "daemon/names.h"

struct config;
struct config_assignment;
struct config_target;
struct probe_spec;
struct probe_type;
struct spec_table;

/* One probe of one target as a source wants it. Everything is borrowed from the source for as long as the set lives. */
struct desired {
	const char *source; /* "config", the path of a file, ... */
	const char *target;
	const char *probe;
	const char *address;
	const struct probe_type *type;
	const void *settings;
	const struct label *labels;
	size_t nlabels;
	const struct probe_spec *spec; /* NULL, or held: desired_set_hold_specs */
	bool is_unopened;              /* the worker could not open it, and said why */
};

/* Zero-initialised is an empty set. */
struct desired_set {
	struct desired *items;
	size_t n, room;
	struct names identities; /* target, probe -> item */
};

/* Adds one. Returns -1 and leaves the set as it is when the target has that probe already, from whatever source:
 * series of two would collide. *other, unless NULL, is then the one that was first (borrowed until the next add). */
int desired_set_add(struct desired_set *set, const struct desired *desired, const struct desired **other);

/* Adds every probe of every target of a configuration, as source "config". */
void desired_set_add_config(struct desired_set *set, const struct config *config);

/* Nothing more is added: gives back the memory that was for that. The items stay where they are. Of the sets of a plan,
 * only the first may be closed. */
void desired_set_close(struct desired_set *set);

/* Holds the spec of each item, for the workers to borrow; the items' settings are the specs' from then on. Release
 * before desired_set_free. */
void desired_set_hold_specs(struct desired_set *set, struct spec_table *specs);
void desired_set_release_specs(struct desired_set *set, struct spec_table *specs);

/* How many targets the probes of a set have. The probes of a target are next to each other in each source; of two
 * sources they count twice. */
size_t desired_set_count_targets(const struct desired_set *set);

void desired_set_free(struct desired_set *set);

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

/* What leads from one set (which may be closed) to the other. Both are borrowed until target_plan_free. */
void target_plan_make(struct target_plan *plan, const struct desired_set *before, const struct desired_set *after);
void target_plan_free(struct target_plan *plan);

#endif
