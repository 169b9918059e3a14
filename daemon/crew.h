/*
 * The workers as one: which of them measures what.
 */
#ifndef NETSONDE_DAEMON_CREW_H
#define NETSONDE_DAEMON_CREW_H

#include <stddef.h>

#include "core/err.h"

struct batch;
struct desired_set;
struct generation;
struct mailbox;
struct target_plan;
struct worker;

/* Borrowed. */
struct crew {
	struct worker *const *workers;
	size_t n;
};

/* All probes of a target are on one worker, always the same. */
struct worker *crew_worker(const struct crew *crew, const char *target);

/* Before the workers run: opens everything. Shows how far it is, on a terminal. -1 with err at the first probe that
 * cannot be opened. */
int crew_open(const struct crew *crew, const struct desired_set *wanted, struct err *err);

/* How each batch of crew_split is answered: see batch_create. */
struct crew_answer {
	struct mailbox *mailbox;
	void (*done)(void *arg, struct batch *batch);
	void *arg;
};

/* The plan as one batch a worker, NULL for those that it does not concern: an array of crew->n, owned by the caller.
 * The tags of additions are their struct desired. Returns how many batches there are. */
size_t crew_split(const struct crew *crew, const struct target_plan *plan, const struct crew_answer *answer,
		  struct batch **batches);

#endif
