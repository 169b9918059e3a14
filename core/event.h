/*
 * What happened, as a row beside the figures of a run: a path that changed, a run that something else set off. A probe
 * type that notices something adds such rows behind all others of its sample, with the label "kind"; the daemon logs
 * them, keeps them for /api/v1/events, and writes each as a line of its own. Texts only where there is one; the two
 * numbers belong to triggers.
 */
#ifndef NETSONDE_CORE_EVENT_H
#define NETSONDE_CORE_EVENT_H

#include "core/sample.h"

/* One bounded enumeration for all types: events are counted by it. */
enum event_kind {
	EVENT_TRIGGER,     /* a run that was set off by what another probe of the target found */
	EVENT_PATH_CHANGE, /* the way to the target is another than in the run before */
	EVENT_KINDS
};

/* "trigger", "path_change": the value of the label "kind". */
const char *event_kind_name(enum event_kind kind);
/* EVENT_KINDS for a name that is none. */
enum event_kind event_kind_find(const char *name);

/* Readings of a row. */
enum event_measure {
	EVENT_TEXT,      /* one sentence without a full stop */
	EVENT_SOURCE,    /* the name of the probe that caused it, when it is another one */
	EVENT_BEFORE,    /* what it was before; of a path the addresses, joined by " > " */
	EVENT_AFTER,     /* what it is now */
	EVENT_VALUE,     /* what was measured: a ratio, or seconds */
	EVENT_THRESHOLD, /* and what it was compared with */
	EVENT_MEASURES
};

extern const struct measure_set event_row_set; /* "event" */

/* The text of a row's reading, or NULL. */
const char *event_text(const struct row *row, enum event_measure measure);
/* Of which kind a row of the set is: by its label. */
enum event_kind event_kind_of(const struct row *row);

#endif
