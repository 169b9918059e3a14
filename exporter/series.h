/*
 * The series store: per probe one block of label text (rendered once) and doubles. One writer a block (its worker),
 * one reader (the web thread), which copies under a sequence count and formats outside. Values are kept as relaxed
 * atomics, so that this is no data race to the letter either.
 *
 * A change of structure (rows come or go) makes a new block; the old one is freed after the last render that may see
 * it.
 */
#ifndef NETSONDE_EXPORTER_SERIES_H
#define NETSONDE_EXPORTER_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"

struct series;       /* one probe's block, seen by its writer */
struct series_store; /* all of them */

/* Classic histogram: bounds 50 us * 2^0 .. 2^19 (0.00005 s .. 26.2144 s) and +Inf. */
#define SERIES_BUCKETS 20
int64_t series_bucket_bound_ns(unsigned bucket); /* 0 <= bucket < SERIES_BUCKETS */
unsigned series_bucket(int64_t observed_ns);     /* where an observation belongs: 0 .. SERIES_BUCKETS */

/* shards: number of writing threads. max_series: samples exposed at most (a histogram counts its buckets, sum and
 * count); what goes beyond is refused and counted. */
struct series_store *series_store_create(unsigned shards, size_t max_series);
void series_store_free(struct series_store *store); /* after all writers and readers have ended */

/* Any thread. */
size_t series_store_count(const struct series_store *store);     /* series exposed now */
uint64_t series_store_refused(const struct series_store *store); /* series refused for want of room, cumulative */

/* A block with these labels (target, probe and the target's own, in this order), without rows yet. Labels are copied.
 * From the shard's writer thread, or before it starts. */
struct series *series_open(struct series_store *store, unsigned shard, const struct label *labels, size_t nlabels);

/* The values of the last run: replaces all rows. Rows with the same set and labels as before keep their histogram. A
 * reading that is absent now vanishes from /metrics. Cheap while the rows stay the same. Rows beyond the store's
 * ceiling are refused and counted. */
void series_update(struct series *series, const struct row *rows, size_t nrows);

/* As series_update, when the first nsame rows have the sets and labels that they had at the last update: nobody looks
 * at their labels then, which may be missing. False, and nothing has happened, if that does not do: then series_update
 * must be called, with all labels. */
bool series_refill(struct series *series, const struct row *rows, size_t nrows, size_t nsame);

/* New labels, same values and histograms. */
void series_relabel(struct series *series, const struct label *labels, size_t nlabels);

/* The series vanish from /metrics. */
void series_close(struct series *series);

#endif
