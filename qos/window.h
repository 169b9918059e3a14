/*
 * The last packets of one target: a ring in one piece of memory, four bytes a packet, which grows as far as it is
 * needed. Adding one costs a few nanoseconds; the figures are worked out when somebody wants them. Pure: the caller
 * says what time it is.
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

/* Freed by mem_free. NULL: nothing was added yet. */
struct window;

/* A packet that was answered after this time (kept to 2 parts in a million, at least 0.5 ns), or was lost. In order of
 * sequence; now_ns never falls. *window may be made, or moved. */
void window_add(struct window **window, const struct window_shape *shape, int64_t now_ns, int64_t rtt_ns);
void window_add_lost(struct window **window, const struct window_shape *shape, int64_t now_ns);

/* How many packets it has. */
uint32_t window_count(const struct window *window);
/* Bytes that it takes now. */
size_t window_size(const struct window *window);

/* Forgets what is too old by now. NULL is harmless. */
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

/* scratch: room for as many numbers as the shape has packets. Expire first. window may be NULL. */
void window_read(const struct window *window, uint32_t *scratch, struct window_figures *figures);

/* The time that a code of these stands for. */
double window_code_ns(uint32_t code);

/* Round-trip time at this quantile (0..1; 0: the shortest), and that minus the shortest (RFC 5481). Something must have
 * been received. */
double window_rtt_ns(const struct window_figures *figures, double q);
double window_pdv_ns(const struct window_figures *figures, double q);

/* Part of the packets of the window that came, but more than so much later than the fastest one. */
double window_late_ratio(const struct window_figures *figures, double buffer_ns);

#endif
