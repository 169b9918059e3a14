/*
 * One configuration in force and what follows from it: which targets are measured how. Replaced as a whole by the next
 * one. Main thread.
 */
#ifndef NETSONDE_DAEMON_GENERATION_H
#define NETSONDE_DAEMON_GENERATION_H

#include <stddef.h>

#include "daemon/targets.h"

struct config;
struct spec_table;
struct target_content;
struct routers;
struct target_files;

struct generation {
	struct config *config;     /* owned; NULL once it was passed on to the next one */
	struct desired_set wanted; /* borrows from config and contents */
	size_t ntargets;
	struct routers *routers;          /* those of the set; held */
	struct target_content **contents; /* of target files: held, because the set borrows from them */
	size_t ncontents;
};

/* Of a configuration (passed) and its target files (NULL: none), with its specs held in the table. Cannot fail. */
struct generation *generation_create(struct config *config, struct target_files *files, struct spec_table *specs);

/* What leads to this generation from the one before, whose targets it shares from then on. Borrows from both. */
void generation_plan(struct generation *generation, const struct generation *before, struct target_plan *plan);

/* No worker may use its targets and specs any more. NULL is harmless. */
void generation_free(struct generation *generation);

#endif
