/*
 * Probes that are set off by what other probes of their target find. A probe that can be (a listener) is tied to every
 * other probe of its target that it watches; a probe without ties has a NULL where these would be, and that is all it
 * costs. Of one worker's thread, as are all probes of a target.
 */
#ifndef NETSONDE_DAEMON_TRIGGER_H
#define NETSONDE_DAEMON_TRIGGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event.h"

struct probe;
struct ties;
struct trigger_desk;
struct trigger_plan;

/* Runs that all targets of a worker together may set off, a second and at once: an outage crosses the thresholds of
 * thousands of targets at the same time. */
#define TRIGGER_RATE  10
#define TRIGGER_BURST 10

/* Shortest pause, whatever a plan says. */
#define TRIGGER_PAUSE_MIN_NS INT64_C(1000000000)

/* What a worker's listeners share. */
struct trigger_desk *trigger_desk_create(void);
void trigger_desk_free(struct trigger_desk *desk); /* all ties must be closed; NULL is harmless */

extern const struct measure_set trigger_set; /* "trigger" */
/* Returns how many readings (all of the set). Any thread. */
size_t trigger_desk_read(const struct trigger_desk *desk, struct reading *readings);

/* --- ties; *ties is NULL while there are none --------------------------------------------------------------------- */

/* The probe becomes a listener. probe and plan's texts are borrowed until ties_close. */
void ties_listen(struct ties **ties, struct trigger_desk *desk, struct probe *probe, const struct trigger_plan *plan);

bool ties_are_of_listener(const struct ties *ties); /* is it a listener? NULL: no */

/* Whoever has ties and may be tied. */
struct ties_end {
	struct ties **ties;
	const char *probe; /* its name; borrowed until ties_close */
};
/* If to is a listener that watches from, they are tied. */
void ties_join(const struct ties_end *from, const struct ties_end *to);
/* Undoes that; harmless if they are not tied. */
void ties_part(struct ties **from, struct ties **to);
/* Before it: nobody is tied to it any more. */
void ties_close(struct ties **ties);

/* A sample of the probe that has these ties: those that are tied to it and for whom it crosses a threshold run. Samples
 * of runs that were set off themselves set nothing off. */
void ties_take(struct ties *ties, const struct sample *sample);

/* --- what is told of a run that was set off ----------------------------------------------------------------------- */

struct trigger_event {
	struct row row; /* of event_row_set */
	struct label label;
	struct reading readings[4];
};
/* The event of a sample with a cause. ties: of the probe that ran; NULL: nobody knows more than the sample. Points into
 * out, ties and the sample. */
void trigger_describe(const struct ties *ties, const struct sample *sample, struct trigger_event *out);

#endif
