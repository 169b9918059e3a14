/*
 * Which commands a collection of a data set takes on this router, as sentences; and what is known about menus that it
 * does not have. Pure.
 */
#ifndef NETSONDE_PROBES_ROS_MENU_H
#define NETSONDE_PROBES_ROS_MENU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/text.h"
#include "probes/routeros/catalogue.h"
#include "probes/routeros/ros_reply.h"

/* A router as far as it matters for what can be asked. Zero-initialise. */
struct ros_facts {
	int64_t version;      /* catalogue_parse_version; 0: not known yet */
	char **packages;      /* NULL-terminated, owned; NULL: not known */
	int32_t zone_seconds; /* of its clock */
};
void ros_facts_free(struct ros_facts *facts);
/* A row of /system/package/print. Packages that are switched off, or that could only be installed (7.18 and later list
 * them), are not there; but with the first row it is known which ones are. At most ROS_PACKAGES_MAX count. */
#define ROS_PACKAGES_MAX 256
void ros_facts_add_package(struct ros_facts *facts, const struct ros_reply *reply);
void ros_facts_forget_packages(struct ros_facts *facts);

/* Is the menu one of this router? While its version is not known, only menus of every version are. */
bool ros_menu_fits(const struct ros_facts *facts, const struct catalogue_menu *menu);

/* The menus that a router has answered "no such command" for. Zero-initialise. */
struct ros_absent {
	uint64_t *bits; /* owned; one a menu of the catalogue */
	size_t n;
};
/* menu: its number, ros_menu_number. Returns true when it is new. */
bool ros_absent_note(struct ros_absent *absent, size_t menu);
bool ros_absent_has(const struct ros_absent *absent, size_t menu);
void ros_absent_forget(struct ros_absent *absent); /* another version, or a restart: all is asked again */
void ros_absent_free(struct ros_absent *absent);

/* A menu's number in its catalogue: menus of all sets, in order. menu: index into the set's. */
size_t ros_menu_number(const struct catalogue *catalogue, const struct catalogue_set *set, size_t menu);
size_t ros_menu_total(const struct catalogue *catalogue);

/* Does this trap mean that the menu is not there (and not that this one command failed)? */
bool ros_menu_is_missing(enum ros_trap trap);

/* Writes the sentence of a menu, without a tag and without its last, empty word. names: for a menu with each: the
 * items, joined by commas or one; else NULL. parameters: of sets that have them ("address=192.0.2.1"); NULL: none. -1
 * with err: a parameter or the names are missing, or it cannot be sent; out is then as it was. */
int ros_menu_write(const struct catalogue_set *set, const struct catalogue_menu *menu, const char *names,
		   const struct label *parameters, size_t nparameters, struct text *out, struct err *err);
/* The print that a menu with each needs first. */
int ros_menu_write_each(const struct catalogue_menu *menu, struct text *out, struct err *err);

#endif
