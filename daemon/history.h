/*
 * The last results of a worker's probes: a ring of bytes in which new samples overwrite the oldest of any probe, and
 * each sample knows where the one before it of the same probe lies. Nothing is allocated per sample. Pure.
 *
 * Samples that come out have no subject, and their histograms are summaries: observed_ns has three numbers (shortest,
 * average, longest), however many observations count says; it is NULL when there were none. Measure sets are borrowed
 * until the history and all copies of it are gone.
 */
#ifndef NETSONDE_DAEMON_HISTORY_H
#define NETSONDE_DAEMON_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"

struct history;

/* Numbers of a summary. */
enum { HISTORY_MIN, HISTORY_AVERAGE, HISTORY_MAX };

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

/* --- copies, for other threads ----------------------------------------------------------------------------------- */

/* Entries of one probe, oldest first, in one piece of memory. Zero-initialised is empty. */
struct history_copy {
	uint64_t *words;
	size_t nwords;
	size_t n; /* entries */
};

/* Copies the newest entries: at most n of them, and no more than fit into so many bytes. out is overwritten. */
void history_copy(const struct history *history, uint64_t last, size_t n, size_t bytes, struct history_copy *out);
void history_copy_free(struct history_copy *copy);

/* Which entries of a walk are wanted. */
struct history_choice {
	bool (*picks)(const void *arg, const struct sample *sample);
	const void *arg;
	size_t n;     /* at most so many */
	size_t bytes; /* of all of them together */
};
/* Copies those that are wanted, newest first, each on its own, to out, which has room for choice->n of them. Returns
 * how many that were. */
size_t history_pick(const struct history *history, uint64_t last, const struct history_choice *choice,
		    struct history_copy *out);

/* Reads a copy from its oldest entry on. */
struct history_reader;
struct history_reader *history_reader_open(const struct history_copy *copy); /* borrowed until close */
void history_reader_close(struct history_reader *reader);                    /* NULL is harmless */
/* The next sample, borrowed until the next call; NULL at the end. */
const struct sample *history_reader_next(struct history_reader *reader);

#endif
