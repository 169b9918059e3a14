#include <criterion/criterion.h>
#include <stdlib.h>

#include "probes/ping/tally.h"

Test(tally, figures_of_known_times)
{
	/* iputils' mdev of 10123, 11877, 9950, 15020, 10031 us is 1946 us; the average 11400.2. */
	static const int64_t times[] = {10123000, 11877000, 9950000, 15020000, 10031000};
	struct tally tally = {0};
	for (size_t i = 0; i < 5; i++)
		tally_add_rtt(&tally, times[i]);
	cr_assert_eq(tally.min_ns, 9950000);
	cr_assert_eq(tally.max_ns, 15020000);
	cr_assert_eq(tally_average_ns(&tally), 11400200);
	cr_assert_eq(tally_deviation_ns(&tally) / 1000, 1946);
}

Test(tally, nothing_measured)
{
	struct tally tally = {0};
	cr_assert_eq(tally_average_ns(&tally), 0);
	cr_assert_eq(tally_deviation_ns(&tally), 0);
	cr_assert_lt(tally_loss_ratio(&tally), 0);
}

Test(tally, loss)
{
	static const struct {
		uint32_t sent, received, lost_locally;
		double loss;
	} table[] = {
		{10, 10, 0, 0},  {10, 0, 0, 1}, {10, 9, 0, 0.1}, {10, 8, 2, 0}, {10, 6, 2, 0.25},
		{10, 0, 10, -1}, {0, 0, 0, -1}, {3, 3, 1, 0}, /* more answers than judged: no loss */
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct tally tally = {
			.sent = table[i].sent, .received = table[i].received, .lost_locally = table[i].lost_locally};
		cr_assert_float_eq(tally_loss_ratio(&tally), table[i].loss, 1e-12, "row %zu", i);
	}
}

Test(tally, merged_is_as_if_counted_in_one)
{
	struct tally all = {0};
	struct tally parts[3] = {0};
	unsigned random = 12345;
	for (int i = 0; i < 300; i++) {
		random = random * 1103515245 + 12345;
		int64_t rtt = 1000000 + (int64_t)(random >> 8);
		tally_add_rtt(&all, rtt);
		tally_add_rtt(&parts[i % 2], rtt); /* parts[2] stays empty */
	}
	parts[0].sent = 5;
	parts[1].received = 3;
	parts[2].unsent = 2;
	parts[2].failed = 4;
	parts[2].lost_locally = 1;
	struct tally merged = {0};
	for (int i = 0; i < 3; i++)
		tally_merge(&merged, &parts[i]);
	cr_assert_eq(merged.min_ns, all.min_ns);
	cr_assert_eq(merged.max_ns, all.max_ns);
	cr_assert_eq(tally_average_ns(&merged), tally_average_ns(&all));
	cr_assert(llabs(tally_deviation_ns(&merged) - tally_deviation_ns(&all)) <= 1);
	cr_assert_eq(merged.sent, 5);
	cr_assert_eq(merged.received, 3);
	cr_assert_eq(merged.unsent, 2);
	cr_assert_eq(merged.failed, 4);
	cr_assert_eq(merged.lost_locally, 1);
}

Test(tally, a_deviation_of_large_times_is_exact)
{
	struct tally tally = {0};
	for (int i = 0; i < 1000; i++)
		tally_add_rtt(&tally, 60000000000 + i % 2 * 2);
	cr_assert_eq(tally_deviation_ns(&tally), 1);
}

Test(jitter, rfc_3550)
{
	/* Differences 1.5 -1.7 5.2 -4.8 0.2 10.6 -10.9 ms; J after each, worked by hand. */
	static const int64_t times[] = {20000000, 21500000, 19800000, 25000000, 20200000, 20400000, 31000000, 20100000};
	static const double expected[] = {0,           93750,        194140.625,  507006.8359,
					  775318.9087, 739361.47690, 1355651.385, 1952173.173};
	struct jitter jitter = {0};
	for (size_t i = 0; i < 8; i++) {
		jitter_add_rtt(&jitter, times[i]);
		cr_assert_float_eq(jitter.jitter_ns, expected[i], 0.01, "%zu: %f", i, jitter.jitter_ns);
		cr_assert_eq(jitter_is_known(&jitter), i > 0);
	}
}
