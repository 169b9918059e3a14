/*
 * What happened to a worker's targets lately: each event with the probe it concerns, and with the whole result of the
 * run that was made for it. Kept in rings of bytes like the last results (daemon/history.h), one a kind, so that a
 * flood of one kind costs no event of another; a target that is gone keeps its events until they are overwritten.
 *
 * An event is kept as a sample whose row 0 is of event_row_set, with the labels kind, target, probe and type; the rows
 * of the run, if they are kept, come behind it.
 */
#ifndef NETSONDE_DAEMON_EVENTS_H
#define NETSONDE_DAEMON_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event.h"
#include "daemon/history.h"

struct events;

/* Of one kind on one worker: some 150 traces with their hops, or 1,500 changes of paths. */
#define EVENTS_BYTES ((size_t)2 << 20)

/* Lines in the log, a second and at once: a storm must not drown it. */
#define EVENTS_LOG_RATE  10
#define EVENTS_LOG_BURST 50

/* bytes: of each ring; its memory is touched only as it fills. */
struct events *events_create(size_t bytes);
void events_free(struct events *events); /* NULL is harmless */

/* event: a row of event_row_set with the label kind; others are left out. sample: of the run that it belongs to.
 * Logged, counted, kept; with the sample's rows if keeps_rows says so and they are not larger than an eighth of the
 * ring. */
void events_add(struct events *events, const struct sample *sample, const struct row *event, bool keeps_rows);

/* Which ones somebody wants to see. */
struct events_filter {
	const char *target;   /* NULL: of all */
	enum event_kind kind; /* EVENT_KINDS: all */
	int64_t since_ns;     /* wall clock: not those before */
};
/* Copies the newest n of each kind at most, and of so many bytes, to out, which has room for n of each. Returns how
 * many.
 */
size_t events_pick(const struct events *events, const struct events_filter *filter, size_t n, size_t bytes,
		   struct history_copy *out);

extern const struct measure_set events_set; /* "events": a row a kind, with the label kind besides the worker's */
struct reading events_read(const struct events *events, enum event_kind kind); /* any thread */

#endif
