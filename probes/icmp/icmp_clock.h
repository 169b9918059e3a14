/*
 * Notices a step of the wall clock. Packets are stamped by the wall clock at both ends; a step between the two would
 * make a wrong round-trip time. Slewing moves both clocks of the kernel alike, so only a step changes their difference.
 * Pure.
 */
#ifndef NETSONDE_PROBES_ICMP_CLOCK_H
#define NETSONDE_PROBES_ICMP_CLOCK_H

#include <stdbool.h>
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

#endif
