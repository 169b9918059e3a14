/*
 * The last results of a worker's probes: a ring of bytes in which new samples overwrite the oldest of any probe, and
 * each sample knows where the one before it of the same probe lies. Nothing is allocated per sample. Pure.
 */
#ifndef NETSONDE_DAEMON_HISTORY_H
#define NETSONDE_DAEMON_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"

struct history;

/* bytes: of the ring; 0 = keeps nothing (history_add costs nothing then). The memory is touched only as it fills. */
struct history *history_create(size_t bytes);
void history_free(struct history *history);

/* Keeps the values (texts and histograms' count, min, avg, max; not the observations). *last: the probe's newest entry;
 * zero before its first. A sample that is larger than an eighth of the ring is left out. */
void history_add(struct history *history, uint64_t *last, const struct sample *sample);

/* Walks from the newest entry back: each is called with a sample (its subject NULL; borrowed for the call) until it
 * returns false or what follows has been overwritten. */
void history_walk(const struct history *history, uint64_t last, bool (*each)(void *arg, const struct sample *sample),
		  void *arg);

#endif
