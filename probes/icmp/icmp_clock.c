#include "probes/icmp/icmp_clock.h"

#include "core/clock.h"

/* Steps smaller than this are not told apart from the jitter of reading two clocks; the error they make is as small. */
#define SMALLEST_STEP_NS (20 * NS_PER_US)
#define LONGEST_LOOK_NS  NS_PER_MS

bool icmp_clock_check(struct icmp_clock *clock, int64_t before_ns, int64_t realtime_ns, int64_t after_ns)
{
	int64_t doubt_ns = (after_ns - before_ns) / 2;
	int64_t offset_ns = realtime_ns - before_ns - doubt_ns;
	if (doubt_ns > LONGEST_LOOK_NS / 2)
		return false;
	int64_t change_ns = offset_ns - clock->offset_ns;
	if (change_ns < 0)
		change_ns = -change_ns;
	bool has_stepped = clock->is_known && change_ns > SMALLEST_STEP_NS + doubt_ns + clock->doubt_ns;
	/* Without a step the better known offset is kept, so that many small changes add up to a noticed one. */
	if (!clock->is_known || has_stepped || doubt_ns < clock->doubt_ns) {
		clock->offset_ns = offset_ns;
		clock->doubt_ns = doubt_ns;
	}
	clock->is_known = true;
	if (has_stepped)
		clock->epoch++;
	return has_stepped;
}
