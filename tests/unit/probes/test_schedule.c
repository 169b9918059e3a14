#include <criterion/criterion.h>
#include <stdio.h>

#include "core/clock.h"
#include "probes/schedule.h"

Test(schedule, phase_is_stable_and_inside_the_interval)
{
	/* Checked in on purpose: a release that changes these moves every target of every user. */
	int64_t phase = schedule_phase_ns("quad9", "fast_ping", 0, NS_PER_SECOND);
	cr_assert_eq(phase, schedule_phase_ns("quad9", "fast_ping", 0, NS_PER_SECOND));
	cr_assert_neq(phase, schedule_phase_ns("quad9", "fast_ping", 1, NS_PER_SECOND));
	cr_assert_neq(phase, schedule_phase_ns("quad8", "fast_ping", 0, NS_PER_SECOND));
	/* The boundary between target and probe counts. */
	cr_assert_neq(schedule_phase_ns("a", "bc", 0, NS_PER_SECOND), schedule_phase_ns("ab", "c", 0, NS_PER_SECOND));
	for (uint32_t tag = 0; tag < 1000; tag++) {
		phase = schedule_phase_ns("t", "p", tag, 7 * NS_PER_MS);
		cr_assert(phase >= 0 && phase < 7 * NS_PER_MS);
	}
}

Test(schedule, phases_are_spread_evenly)
{
	enum { BINS = 10, TARGETS = 10000 };
	unsigned bins[BINS] = {0};
	for (unsigned i = 0; i < TARGETS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "host%u", i);
		bins[schedule_phase_ns(name, "ping", 0, NS_PER_SECOND) / (NS_PER_SECOND / BINS)]++;
	}
	for (unsigned i = 0; i < BINS; i++)
		cr_assert(bins[i] > 850 && bins[i] < 1150, "bin %u: %u", i, bins[i]);
}

Test(schedule, first_start_is_where_the_wall_clock_says)
{
	static const struct {
		int64_t realtime, phase, interval, wait;
	} table[] = {
		{0, 0, 10, 10}, /* its own place is a whole interval away: never two starts at once */
		{0, 3, 10, 3},  {5, 3, 10, 8}, {5, 5, 10, 10}, {1000000000007, 9, 10, 2},
		{-3, 0, 10, 3}, /* before 1970 */
		{-3, 8, 10, 1},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		int64_t due = schedule_first_ns(500, table[i].realtime, table[i].phase, table[i].interval);
		cr_assert_eq(due, 500 + table[i].wait, "row %zu: %lld", i, (long long)due);
	}
}

Test(schedule, next_turn_counts_those_that_were_missed)
{
	static const struct {
		int64_t due, now, next;
		uint64_t missed;
	} table[] = {
		{100, 100, 110, 0}, {100, 109, 110, 0},
		{100, 110, 120, 1}, /* the turn at 110 is due now, and this one takes its place */
		{100, 111, 120, 1}, {100, 155, 160, 5},
		{100, 50, 110, 0}, /* early: harmless */
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		uint64_t missed = 0;
		int64_t next = schedule_next_ns(table[i].due, table[i].now, 10, &missed);
		cr_assert_eq(next, table[i].next, "row %zu: %lld", i, (long long)next);
		cr_assert_eq(missed, table[i].missed, "row %zu: %llu", i, (unsigned long long)missed);
	}
}
