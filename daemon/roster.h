/*
 * What one worker measures: open probes of targets, and what is published about them. Identity is target and probe.
 * Name, address and labels are shared by the probes of a target. Belongs to the worker's thread (or to its maker before
 * that runs).
 */
#ifndef NETSONDE_DAEMON_ROSTER_H
#define NETSONDE_DAEMON_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/sample.h"

struct engine;
struct pipeline;
struct probe_spec;
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

/* Opens a probe of a target: target and labels are held, spec is borrowed until it is closed. -1 with err ("TARGET:
 * PROBE: why") when it is there already or cannot be opened. */
int roster_open(struct roster *roster, struct roster_target *target, struct roster_labels *labels,
		const struct probe_spec *spec, struct err *err);

/* Was there such a probe? */
bool roster_close(struct roster *roster, const char *target, const char *probe);
/* Values, counters and histograms go on under the new labels (held). */
bool roster_relabel(struct roster *roster, const char *target, const char *probe, struct roster_labels *labels);

/* Calls each for the probes of a target (probe NULL: all of them), in no particular order. Returns how many that were.
 */
size_t roster_list(const struct roster *roster, const char *target, const char *probe,
		   void (*each)(void *arg, const struct publication *publication), void *arg);

#endif
