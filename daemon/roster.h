/*
 * What one worker measures: open probes of targets, and what is published about them. Identity is target and probe.
 * Belongs to the worker's thread (or to its maker before that runs).
 */
#ifndef NETSONDE_DAEMON_ROSTER_H
#define NETSONDE_DAEMON_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct engine;
struct pipeline;
struct probe_spec;
struct publication;
struct roster;
struct target;
struct trigger_desk;

/* All borrowed until roster_free. */
struct roster *roster_create(struct engine *engine, struct pipeline *pipeline, struct trigger_desk *triggers);
void roster_free(struct roster *roster); /* closes every probe; NULL is harmless */

/* Opens a probe of a target; both are borrowed until it is closed. -1 with err ("TARGET: PROBE: why") when it is there
 * already or cannot be opened. */
int roster_open(struct roster *roster, const struct target *target, const struct probe_spec *spec, struct err *err);

/* Was there such a probe? */
bool roster_close(struct roster *roster, const char *target, const char *probe);
/* The target as it is from now on: name and address are the same. Values, counters and histograms go on under the new
 * labels. */
bool roster_relabel(struct roster *roster, const struct target *target, const char *probe);

/* Calls each for the probes of a target (probe NULL: all of them), in no particular order. Returns how many that were.
 */
size_t roster_list(const struct roster *roster, const char *target, const char *probe,
		   void (*each)(void *arg, const struct publication *publication), void *arg);

#endif
