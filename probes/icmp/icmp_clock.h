/*
 * Notices a step of the wall clock. Packets are stamped by the wall clock at both ends; a step between the two would
 * make a wrong round-trip time. Slewing moves both clocks of the kernel alike, so only a step changes their difference.
 * Pure.
 */
#ifndef NETSONDE_PROBES_ICMP_CLOCK_H
#define NETSONDE_PROBES_ICMP_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct icmp_clock {
	int64_t offset_ns; /* wall clock - monotonic */
	int64_t doubt_ns;  /* how exactly that is known */
	uint8_t epoch;     /* raised by every step; attempts of another epoch have no round-trip time */
	bool is_known;
};

/* One look at the clocks: monotonic before and after reading the wall clock. True when a step is noticed. A look that
 * took over a millisecond (the thread was held up) says nothing. */
bool icmp_clock_check(struct icmp_clock *clock, int64_t before_ns, int64_t realtime_ns, int64_t after_ns);

/* When a packet left. */
struct icmp_moment {
	int64_t sent_ns;   /* wall clock: our best knowledge */
	uint32_t slack_ns; /* it left at most this long before sent_ns */
};

/* Packet i of the n that left one after the other between these two moments left at i / n of the time that they took;
 * of a long batch nobody knows when each of them did. */
struct icmp_moment icmp_clock_moment(int64_t begun_ns, int64_t ended_ns, size_t i, size_t n);

/* Both ends by the wall clock; epoch: at the time of sending. -1 when no time can be told: no stamp (0), the clock was
 * set in between, we had lost our core while sending. */
int64_t icmp_clock_round_trip_ns(const struct icmp_clock *clock, struct icmp_moment sent, uint8_t epoch,
				 int64_t stamp_ns);

#endif
