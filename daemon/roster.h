/*
 * What one worker measures: open probes of targets, and what is published about them. Identity is target and probe.
 * Name, address and labels are shared by the probes of a target. Belongs to the worker's thread (or to its maker before
 * that runs).
 */
#ifndef NETSONDE_DAEMON_ROSTER_H
#define NETSONDE_DAEMON_ROSTER_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/sample.h"
#include "daemon/worker.h"

struct engine;
struct pipeline;
struct publication;
struct roster;

/* Labels with their strings in one piece of memory, counted by those who hold it (one thread at a time). */
struct roster_labels {
	uint32_t holders;
	uint32_t n;
	struct label items[];
};
struct roster_labels *roster_labels_create(const struct label *labels, size_t n); /* with one holder */
void roster_labels_release(struct roster_labels *labels);                         /* NULL is harmless */

/* Name and address, likewise. */
struct roster_target {
	uint32_t holders;
	const char *name, *address;
};
struct roster_target *roster_target_create(const char *name, const char *address);
void roster_target_release(struct roster_target *target);

/* Both borrowed until roster_free. */
struct roster *roster_create(struct engine *engine, struct pipeline *pipeline);
void roster_free(struct roster *roster); /* closes every probe; NULL is harmless */

/* Opens probes of a target; what is kept of target and labels is held. -1 with err when one is there already or cannot
 * be opened: then none of them is. */
int roster_open(struct roster *roster, struct roster_target *target, struct roster_labels *labels,
		const struct worker_probe_plan *probes, size_t n, struct err *err);

/* probe NULL: every probe of the target. Return how many that were. */
size_t roster_close(struct roster *roster, const char *target, const char *probe);
size_t roster_relabel(struct roster *roster, const char *target, const char *probe, struct roster_labels *labels);

/* Calls each for the probes of a target (probe NULL: all of them), in no particular order. Returns how many that were.
 */
size_t roster_list(const struct roster *roster, const char *target, const char *probe,
		   void (*each)(void *arg, const struct publication *publication), void *arg);

#endif
