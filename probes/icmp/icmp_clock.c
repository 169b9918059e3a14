#include "probes/icmp/icmp_clock.h"

#include "core/clock.h"

/* Steps smaller than this are not told apart from the jitter of reading two clocks; the error they make is as small. */
#define SMALLEST_STEP_NS (20 * NS_PER_US)
#define LONGEST_LOOK_NS  NS_PER_MS
#define BATCH_LONG_NS    NS_PER_MS           /* a batch takes some 50 us: we have lost our core in between */
#define SLACK_MAX_NS     INT64_C(4000000000) /* fits icmp_moment.slack_ns */

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

struct icmp_moment icmp_clock_moment(int64_t begun_ns, int64_t ended_ns, size_t i, size_t n)
{
	int64_t took_ns = ended_ns - begun_ns;
	int64_t slack_ns = took_ns < BATCH_LONG_NS ? took_ns / (int64_t)n * (int64_t)i : took_ns;
	if (slack_ns < 0)
		slack_ns = 0;
	return (struct icmp_moment){
		.sent_ns = begun_ns + slack_ns,
		.slack_ns = (uint32_t)(slack_ns < SLACK_MAX_NS ? slack_ns : SLACK_MAX_NS),
	};
}

/* If the answer seems to have come before the interpolated moment of sending, the start of the batch is a bound that
 * certainly holds. */
int64_t icmp_clock_round_trip_ns(const struct icmp_clock *clock, struct icmp_moment sent, uint8_t epoch,
				 int64_t stamp_ns)
{
	int64_t rtt_ns = stamp_ns - sent.sent_ns;
	if (rtt_ns <= 0)
		rtt_ns += sent.slack_ns;
	if (stamp_ns && rtt_ns > 0 && sent.slack_ns < BATCH_LONG_NS && epoch == clock->epoch)
		return rtt_ns;
	return -1;
}
