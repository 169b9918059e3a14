/*
 * When a probe is set off by what another probe of its target found: the comparison of one sample with the thresholds,
 * and how often that may lead to a run.
 *
 * Trouble begins when a value reaches its threshold (a value at the threshold has crossed it), and is over when all
 * values of all probes that are watched have been below theirs for as long as the pause. It is traced when it begins;
 * while it goes on, again after the pause, then after twice as long, and so on up to an hour (or the pause, when that
 * is longer). So a target that stays down, or one that comes and goes, is not traced for ever, and whatever begins
 * after a time of quiet is traced at once. Pure.
 */
#ifndef NETSONDE_DAEMON_TRIGGER_RULE_H
#define NETSONDE_DAEMON_TRIGGER_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/sample.h"
#include "core/text.h"

struct trigger_plan;

/* Pauses grow up to this. */
#define TRIGGER_PAUSE_MAX_NS (3600 * INT64_C(1000000000))

/* --- one sample -------------------------------------------------------------------------------------------------- */

enum trigger_what { TRIGGER_NOTHING, TRIGGER_FAILURE, TRIGGER_LOSS, TRIGGER_RTT, TRIGGER_DURATION };

/* Where row 0 has what is compared: numbers of its set's measures, or -1. Zero-initialise; kept from sample to sample.
 */
struct trigger_measures {
	const struct measure_set *set;
	int loss, rtt;
};

/* What was found above: the first of failure, loss, round-trip time (or duration). */
struct trigger_crossing {
	enum trigger_what what;
	enum reason reason;
	double value, threshold; /* a ratio or seconds; of a failure 0 */
};

/* what is TRIGGER_NOTHING when everything is below. Failures that say nothing about the way to the target do not count:
 * a name that is not known, a destination that is denied, a fault of our own. A sample without rows has no values. */
struct trigger_crossing trigger_compare(const struct trigger_plan *plan, struct trigger_measures *measures,
					const struct sample *sample);

/* "loss of fast_ping: 0.4 (threshold 0.2)". */
void trigger_add_words(struct text *out, const char *probe, const struct trigger_crossing *crossing);

/* Are samples of the probe of that name looked at? */
bool trigger_watches(const struct trigger_plan *plan, const char *probe);

/* --- how often --------------------------------------------------------------------------------------------------- */

/* Of one probe that is set off. Zero-initialised it has seen no trouble. */
struct trigger_state {
	unsigned nabove;       /* watched probes whose last sample was above */
	bool had_trouble;      /* since_calm_ns counts */
	int64_t since_calm_ns; /* since when none has been */
	int64_t next_ns;       /* no run before this */
	int64_t pause_ns;      /* the last one; 0: none since the trouble began */
};

/* A sample of a watched probe; was_above: the one before it was. Returns whether a run may begin now, as far as pauses
 * go.
 */
bool trigger_note(struct trigger_state *state, bool was_above, bool is_above, int64_t pause_ns, int64_t now_ns);
/* It has begun. */
void trigger_note_run(struct trigger_state *state, int64_t pause_ns, int64_t now_ns);

#endif
