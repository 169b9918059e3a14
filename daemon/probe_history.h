/*
 * The last probes of /probe, with what debug=true would have shown: the newest of all, and beyond them failed ones that
 * would be forgotten otherwise. Bounded in number and bytes. Pure; one thread.
 */
#ifndef NETSONDE_DAEMON_PROBE_HISTORY_H
#define NETSONDE_DAEMON_PROBE_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"

struct probe_history;

/* Borrowed: for the call, or until the history changes. */
struct probe_entry {
	uint64_t id; /* from 1; given by the history */
	const char *target, *module;
	int64_t begun_realtime_ns, took_ns;
	enum reason reason;
	const char *text;
	size_t length;
};

struct probe_history_limits {
	size_t entries; /* of each kind */
	size_t bytes;   /* of both together */
};

struct probe_history *probe_history_create(void);
void probe_history_free(struct probe_history *history); /* NULL is harmless */

/* Copies the entry and returns its id; forgets what goes beyond the limits. An entry that is larger than all of them is
 * kept without its text. */
uint64_t probe_history_add(struct probe_history *history, const struct probe_entry *entry,
			   const struct probe_history_limits *limits);

/* From the newest (after NULL) to the oldest; NULL at the end. */
const struct probe_entry *probe_history_next(const struct probe_history *history, const struct probe_entry *after);

/* NULL: it is not there (any more). */
const struct probe_entry *probe_history_find(const struct probe_history *history, uint64_t id);
/* The newest of a target; module may be NULL. */
const struct probe_entry *probe_history_find_last(const struct probe_history *history, const char *target,
						  const char *module);

size_t probe_history_bytes(const struct probe_history *history);

#endif
