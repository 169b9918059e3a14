#include <criterion/criterion.h>

#include "core/clock.h"
#include "probes/icmp/icmp_clock.h"

Test(icmp_clock, steps_are_noticed_and_nothing_else)
{
	struct icmp_clock clock = {0};
	static const struct {
		int64_t before, offset, took;
		bool has_stepped;
	} looks[] = {
		{0, 1000 * NS_PER_SECOND, 50, false}, /* the first look */
		{1000, 1000 * NS_PER_SECOND, 100, false},
		{2000, 1000 * NS_PER_SECOND + 15 * NS_PER_US, 100, false}, /* within reading jitter */
		{3000, 1000 * NS_PER_SECOND + 21 * NS_PER_US, 100, true},  /* a small step */
		{4000, 999 * NS_PER_SECOND, 100, true},                    /* back by a second */
		{5000, 999 * NS_PER_SECOND, 100, false},
		{6000, 999 * NS_PER_SECOND + 900 * NS_PER_US, 1900 * NS_PER_US, false}, /* held up: explains it */
		{7000, 2000 * NS_PER_SECOND, 3 * NS_PER_MS, false}, /* held up too long: says nothing */
		{8000, 999 * NS_PER_SECOND, 100, false},
	};
	uint8_t epoch = 0;
	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
		int64_t after = looks[i].before + looks[i].took;
		int64_t realtime = looks[i].before + looks[i].took / 2 + looks[i].offset;
		bool has_stepped = icmp_clock_check(&clock, looks[i].before, realtime, after);
		cr_assert_eq(has_stepped, looks[i].has_stepped, "look %zu", i);
		epoch = (uint8_t)(epoch + has_stepped);
		cr_assert_eq(clock.epoch, epoch);
	}
}

Test(icmp_clock, many_small_changes_add_up)
{
	struct icmp_clock clock = {0};
	unsigned steps = 0;
	for (int64_t i = 0; i < 100; i++)
		steps += icmp_clock_check(&clock, i * 1000, i * 1000 + i * 5 * NS_PER_US, i * 1000);
	cr_assert(steps >= 15 && steps <= 25, "%u", steps);
}

Test(icmp_clock, moments_of_a_batch_are_interpolated)
{
	struct icmp_moment moment = icmp_clock_moment(1000, 1800, 0, 8);
	cr_assert_eq(moment.sent_ns, 1000);
	cr_assert_eq(moment.slack_ns, 0);
	moment = icmp_clock_moment(1000, 1800, 3, 8);
	cr_assert_eq(moment.sent_ns, 1300);
	cr_assert_eq(moment.slack_ns, 300);
	/* The clock was set back, and a batch that took long: who knows. */
	moment = icmp_clock_moment(1000, 200, 3, 8);
	cr_assert_eq(moment.sent_ns, 1000);
	moment = icmp_clock_moment(0, 10 * NS_PER_SECOND, 0, 8);
	cr_assert_eq(moment.sent_ns, 10 * NS_PER_SECOND);
	cr_assert_eq(moment.slack_ns, 4000000000U);
}

Test(icmp_clock, round_trips_are_told_only_when_they_are_known)
{
	const struct icmp_clock clock = {.epoch = 3};
	const struct {
		struct icmp_moment sent;
		uint8_t epoch;
		int64_t stamp_ns, rtt_ns;
	} cases[] = {
		{{1000, 100}, 3, 5000, 4000},     {{1000, 100}, 3, 950, 50}, /* before the interpolated moment */
		{{1000, 100}, 3, 900, -1},        {{1000, 100}, 3, 0, -1},   /* no stamp */
		{{1000, 100}, 2, 5000, -1},                                  /* the clock was set meanwhile */
		{{1000, NS_PER_MS}, 3, 5000, -1},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_assert_eq(icmp_clock_round_trip_ns(&clock, cases[i].sent, cases[i].epoch, cases[i].stamp_ns),
			     cases[i].rtt_ns, "case %zu", i);
}
