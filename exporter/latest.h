/*
 * The latest value of each metric by target, as JSON (RFC 8259), in pieces:
 *
 *   {"targets":[
 *   {"target":"quad9","probe":"fast_ping","labels":{"tier":"dns"},"metrics":[
 *    {"name":"netsonde_ping_rtt_avg_seconds","labels":{},"value":0.012},
 *    {"name":"netsonde_ping_rtt_seconds","labels":{},"value":{"count":4,"sum":0.05}}]}
 *   ]}
 *
 * One object for each probe of each target, with what /metrics shows of it under the same names; the buckets of
 * histograms are left out. What JSON cannot say (NaN, infinities) is null. A probe that has not run yet has no metrics.
 * Pure but for reading the store.
 */
#ifndef NETSONDE_EXPORTER_LATEST_H
#define NETSONDE_EXPORTER_LATEST_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

struct latest;
struct series_store;

/* Only this target, only this probe; NULL = all. Both are copied. As with renders, one thread at a time may have them
 * open. */
struct latest *latest_create(struct series_store *store, const char *target, const char *probe);
void latest_free(struct latest *latest); /* NULL is harmless */

/* Is there a target as asked for, with whatever probes? */
bool latest_has_target(const struct latest *latest);
/* Is there something to show? */
bool latest_has_match(const struct latest *latest);

/* Appends at least some and about `enough` bytes to out. Returns true while there is more to come. */
bool latest_more(struct latest *latest, struct text *out, size_t enough);

#endif
