/*
 * When to try a router again: pauses that double, with jitter, and a circuit breaker. Pure: times are of one clock of
 * the caller's, in nanoseconds, and randomness is the caller's.
 */
#ifndef NETSONDE_PROBES_ROS_BREAKER_H
#define NETSONDE_PROBES_ROS_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

/* closed = attempts follow one another with growing pauses; open = too many failed in a row (or the login was refused):
 * one attempt now and then; half open = that attempt is under way. */
enum ros_breaker_state { ROS_BREAKER_CLOSED, ROS_BREAKER_HALF_OPEN, ROS_BREAKER_OPEN };
/* "closed", "half_open", "open" */
const char *ros_breaker_state_name(enum ros_breaker_state state);

struct ros_breaker {
	/* The caller's, once. */
	int64_t pause_min_ns, pause_max_ns, open_pause_ns;
	int64_t failures_max;
	/* Its own; zeroed it is closed. */
	enum ros_breaker_state state;
	int64_t failures; /* in a row */
	int64_t retry_ns; /* no attempt before; 0: at once */
};

/* An attempt begins. */
void ros_breaker_begin(struct ros_breaker *breaker);

/* It has failed, or its connection was lost. is_final: trying again soon would fail again (a refused login): it opens
 * at once. random: any number. */
void ros_breaker_fail(struct ros_breaker *breaker, int64_t now_ns, bool is_final, uint32_t random);

/* The router has answered. It closes; but failures are forgotten only by ros_breaker_settle, so that a router which
 * loses each connection soon is not tried faster and faster. */
void ros_breaker_succeed(struct ros_breaker *breaker);

/* A connection has lasted so long. */
void ros_breaker_settle(struct ros_breaker *breaker, int64_t up_ns);

#endif
