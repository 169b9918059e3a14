/*
 * How much of the time was it there? The availability of one target as one probe sees it, from its results, over the
 * last hour, day, week and month. Pure: times are milliseconds of the wall clock since 1970, and come from the caller.
 *
 * A result stands for the time until the next one is due. The target is down when so many results in a row failed, and
 * then from the first of them; it is up from the first success. What no result stands for is unknown: missing and
 * skipped runs, those that failed for a reason of our own, and the time in which the daemon did not run (gaps, which
 * all targets share). Unknown time counts for nothing but the coverage.
 *
 * Transitions are kept in a ring, and what falls out of it in hours, both made when there is a first one.
 */
#ifndef NETSONDE_QOS_AVAILABILITY_H
#define NETSONDE_QOS_AVAILABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum availability_state { AVAILABILITY_UNKNOWN, AVAILABILITY_UP, AVAILABILITY_DOWN };

enum availability_window {
	AVAILABILITY_HOUR,
	AVAILABILITY_DAY,
	AVAILABILITY_WEEK,
	AVAILABILITY_MONTH, /* 30 days */
	AVAILABILITY_WINDOWS
};
extern const char *const availability_window_names[AVAILABILITY_WINDOWS]; /* "1h", "24h", "7d", "30d" */
int64_t availability_window_ms(enum availability_window window);

/* Transitions that are kept exactly; older ones by the hour. */
#define AVAILABILITY_TRANSITIONS 64
/* Hours that are kept: 30 days, and those at both ends that are not whole. */
#define AVAILABILITY_HOURS 722

/* --- when the daemon did not run --------------------------------------------------------------------------------- */

#define AVAILABILITY_GAPS_MAX 4096

/* Zero-initialised there are none. Read by any thread once it is complete. */
struct availability_gaps {
	struct availability_gap {
		int64_t from_ms, to_ms;
		int64_t before_ms; /* length of all gaps before this one */
	} * items;
	size_t n;
};

/* In order of time; what overlaps or goes back is cut. When there are too many, the oldest one is forgotten. */
void availability_gaps_add(struct availability_gaps *gaps, int64_t from_ms, int64_t to_ms);
void availability_gaps_free(struct availability_gaps *gaps);
/* How much of this time lies in gaps. */
int64_t availability_gaps_within(const struct availability_gaps *gaps, int64_t from_ms, int64_t to_ms);

/* --- one target -------------------------------------------------------------------------------------------------- */

/* Zero-initialised nothing is known yet. */
struct availability {
	int64_t first_ms;               /* since when there are results; 0 = there are none */
	int64_t since_ms;               /* begin of the present state */
	int64_t covered_ms;             /* the last result stands for the time until then */
	int64_t failing_ms;             /* first failure of a row that is not long enough yet */
	uint32_t failures;              /* in that row */
	uint32_t outages;               /* since first_ms */
	uint8_t state;                  /* enum availability_state */
	uint8_t known;                  /* the last state that was not unknown */
	struct availability_past *past; /* NULL while there was no transition */
};

/* A change that should be kept: it was in the new state from then on. */
struct availability_change {
	int64_t at_ms;
	enum availability_state state;
};
/* A result can make two changes at most: a hole before it, and its own. */
#define AVAILABILITY_CHANGES_MAX 2

struct availability_rules {
	int64_t interval_ms; /* from run to run, > 0 */
	uint32_t failures;   /* in a row that make it down, >= 1 */
	const struct availability_gaps *gaps;
};

enum availability_result { AVAILABILITY_SUCCEEDED, AVAILABILITY_FAILED, AVAILABILITY_NOT_KNOWN };

/* The run that began then ended so. Returns the number of changes that it made, in order of time. Results come in
 * order; one that seems to come before the last (a clock that was set back) counts as if it came with it. */
size_t availability_note(struct availability *availability, const struct availability_rules *rules, int64_t at_ms,
			 enum availability_result result, struct availability_change changes[AVAILABILITY_CHANGES_MAX]);

/* A change from earlier times, in order; the first one is the beginning. */
void availability_restore(struct availability *availability, const struct availability_change *change,
			  const struct availability_gaps *gaps);
/* After the last of them: the daemon runs again since then, and results are to come. */
void availability_resume(struct availability *availability, const struct availability_rules *rules, int64_t start_ms);
void availability_free(struct availability *availability); /* what it points to; then it is as at first */

/* --- figures ----------------------------------------------------------------------------------------------------- */

struct availability_figures {
	int64_t window_ms, known_ms, down_ms;
	uint32_t outages; /* that began in the window, and one that was there when it began */
};

/* Of the window that ends now. Exact where the ring reaches; before that, an hour that the window begins in counts by
 * its part. */
struct availability_figures availability_read(const struct availability *availability,
					      const struct availability_gaps *gaps, enum availability_window window,
					      int64_t now_ms);

/* How long the present state lasts: gaps included. */
int64_t availability_streak_ms(const struct availability *availability, int64_t now_ms);

/* --- what outlives a restart ------------------------------------------------------------------------------------- */

/* An hour of which only sums are kept. */
struct availability_hour {
	int64_t hour;       /* since 1970 */
	uint32_t down_ms;   /* without gaps */
	uint32_t hidden_ms; /* unknown for other reasons than gaps */
	uint32_t outages;   /* that began in it */
};

/* Calls each for everything there is to keep, hours first, oldest first. */
struct availability_visitor {
	void (*hour)(void *arg, const struct availability_hour *hour);
	void (*change)(void *arg, const struct availability_change *change);
	void *arg;
};
void availability_visit(const struct availability *availability, const struct availability_visitor *visitor);
/* An hour from earlier times; before the changes that came after it. */
void availability_restore_hour(struct availability *availability, const struct availability_hour *hour);

#endif
