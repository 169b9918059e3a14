/*
 * When a turn is due: pure arithmetic. Starts are spread over the interval by a stable hash, so that neither a restart
 * nor a reload fires everything at once, and the same target keeps its place.
 */
#ifndef NETSONDE_PROBES_SCHEDULE_H
#define NETSONDE_PROBES_SCHEDULE_H

#include <stdint.h>

/* Place of a turn in its interval, 0 <= phase < interval_ns: a hash of target, probe and tag. */
int64_t schedule_phase_ns(const char *target, const char *probe, uint32_t tag, int64_t interval_ns);

/* First due time (monotonic), now < due <= now + interval: where wall-clock time modulo the interval is the phase. */
int64_t schedule_first_ns(int64_t now_monotonic_ns, int64_t now_realtime_ns, int64_t phase_ns, int64_t interval_ns);

/* The due time after due_ns that lies beyond now_ns; *missed is raised by the turns that were passed over. */
int64_t schedule_next_ns(int64_t due_ns, int64_t now_ns, int64_t interval_ns, uint64_t *missed);

#endif
