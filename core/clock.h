/*
 * The two clocks. Monotonic for durations and deadlines; the wall clock only stamps results.
 * tests/fakes replaces this file's functions at link time: nothing else may read a clock.
 */
#ifndef NETSONDE_CORE_CLOCK_H
#define NETSONDE_CORE_CLOCK_H

#include <stdint.h>

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_MS     INT64_C(1000000)
#define NS_PER_US     INT64_C(1000)

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t clock_monotonic_ns(void);

/* CLOCK_REALTIME in nanoseconds since the epoch. */
int64_t clock_realtime_ns(void);

/* Seconds as a double, for what is shown outside. */
static inline double clock_seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

#endif
