/*
 * What the settings of a router say about data sets, over what the catalogue says: in which tier each is collected, how
 * many rows it may have, which items are left out. Each is a list of "set=value". Pure.
 */
#ifndef NETSONDE_PROBES_ROS_CHOICE_H
#define NETSONDE_PROBES_ROS_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/option.h"
#include "probes/routeros/catalogue.h"

/* The words of the tiers, "realtime" to "extended". */
extern const char *const ros_tier_words[CATALOGUE_TIERS];

/* Borrowed lists. sets: "arp=off", "routes=on" (the catalogue's tier), "queue_simple=short". max_rows:
 * "interface=5000". skip: "interface=<*>" (* stands for any bytes). What comes last counts, but of skip all do. */
struct ros_choice {
	const struct option_list *sets, *max_rows, *skip;
};

/* Are all entries of the right form? Without a look at the catalogue. -1 with err. */
int ros_choice_check(const struct ros_choice *choice, struct err *err);
/* Do all data sets exist, and can those that are asked for be collected by a tier? -1 with err. */
int ros_choice_match(const struct ros_choice *choice, const struct catalogue *catalogue, struct err *err);

/* Is the set collected, and in which tier? One that needs parameters never is. */
bool ros_choice_tier(const struct ros_choice *choice, const struct catalogue_set *set, enum catalogue_tier *tier);
/* 0: the set's own ceiling. */
unsigned ros_choice_max_rows(const struct ros_choice *choice, const struct catalogue_set *set);
/* Is there any pattern for this set? */
bool ros_choice_skips_any(const struct ros_choice *choice, const struct catalogue_set *set);
/* Is the item of this name to be left out? */
bool ros_choice_skips(const struct ros_choice *choice, const struct catalogue_set *set, const char *name);

#endif
