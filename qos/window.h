/*
 * The last packets of one target: a ring in one piece of memory, four bytes a packet. Adding one costs a few
 * nanoseconds; the figures are worked out when somebody wants them. Pure: the caller says what time it is.
 */
#ifndef NETSONDE_QOS_WINDOW_H
#define NETSONDE_QOS_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qos/loss.h"

/* How far back a window looks: whichever ends first. Shared by all windows; the windows of one shape are used with no
 * other. */
struct window_shape {
	int64_t length_ns;
	uint32_t capacity; /* packets */
};

/* Packets leave a window up to 1/128 of its length early: that is how exactly their age is kept. */
#define WINDOW_AGE_STEPS 128

#define WINDOW_PACKETS_MAX 10000

struct window {
	uint32_t first, count;        /* of the ring: the oldest; how many */
	uint32_t first_age, last_age; /* of the oldest and the newest: in steps since the clock's beginning */
	float jitter_ns, last_ns;     /* RFC 3550; last: round-trip time, 0 = none yet */
	uint32_t entries[];           /* see window.c */
};

/* Bytes that a window of this shape takes, zeroed to begin with. */
size_t window_size(const struct window_shape *shape);

/* A packet that was answered after this time (kept to 2 parts in a million, at least 0.5 ns), or
 * was lost. In order of sequence; now_ns never falls. */
void window_add(struct window *window, const struct window_shape *shape, int64_t now_ns, int64_t rtt_ns);
void window_add_lost(struct window *window, const struct window_shape *shape, int64_t now_ns);

/* Forgets what is too old by now. */
void window_expire(struct window *window, const struct window_shape *shape, int64_t now_ns);

/* What the figures are worked out from. */
struct window_figures {
	struct loss loss;  /* n: packets in the window */
	uint32_t received; /* with a round-trip time: without any, nothing below is known */
	uint32_t pairs;    /* neighbours by sequence that were both answered: without any, no IPDV */
	double ipdv_mean_abs_ns, ipdv_max_ns;
	bool is_jitter_known;
	double jitter_ns; /* RFC 3550, carried on beyond the window */
	/* The round-trip times in rising order, as codes: for quantiles. */
	const uint32_t *sorted; /* borrowed: scratch */
};

/* scratch: room for shape->capacity numbers. Expire first. */
void window_read(const struct window *window, const struct window_shape *shape, uint32_t *scratch,
		 struct window_figures *figures);

/* Round-trip time at this quantile (0..1; 0: the shortest), and that minus the shortest (RFC 5481). Something must have
 * been received. */
double window_rtt_ns(const struct window_figures *figures, double q);
double window_pdv_ns(const struct window_figures *figures, double q);

/* Part of the packets of the window that came, but more than so much later than the fastest one. */
double window_late_ratio(const struct window_figures *figures, double buffer_ns);

#endif
