/*
 * The targets of one worker: their names, labels, open probes and what is published about them. Belongs to the worker's
 * thread (or to its maker before that runs).
 */
#ifndef NETSONDE_DAEMON_ROSTER_H
#define NETSONDE_DAEMON_ROSTER_H

#include <stddef.h>

#include "core/err.h"
#include "core/sample.h"
#include "daemon/worker.h"

struct engine;
struct pipeline;
struct roster;
struct roster_target;

/* Both borrowed until roster_free. */
struct roster *roster_create(struct engine *engine, struct pipeline *pipeline);
void roster_free(struct roster *roster); /* closes every probe; NULL is harmless */

/* A target that is not open yet: one piece of memory, with room for its probes; labels apart. */
struct roster_target *roster_target_create(const struct worker_target_plan *plan);
void roster_target_free(struct roster_target *target); /* not open; NULL is harmless */
const char *roster_target_name(const struct roster_target *target);

/* Opens as many probes as the target has room for. The target is passed on success; -1 with err when there is one of
 * that name or when a probe cannot be opened. */
int roster_open(struct roster *roster, struct roster_target *target, const struct worker_probe_plan *probes,
		struct err *err);
/* -1 when there is none of that name. */
int roster_close(struct roster *roster, const char *name);
/* labels: one piece of memory (labels_copy), passed on success. */
int roster_relabel(struct roster *roster, const char *name, struct label *labels, size_t nlabels);

size_t roster_targets(const struct roster *roster);
size_t roster_probes(const struct roster *roster);

/* Labels and their strings in one piece of memory (mem_free). */
struct label *labels_copy(const struct label *labels, size_t n);

#endif
