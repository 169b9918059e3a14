#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "qos/loss.h"

#define near(actual, expected, tolerance)                                                                              \
	cr_assert(fabs((actual) - (expected)) <= (tolerance), "%s: %.10f instead of %.10f", #actual, (double)(actual), \
		  (double)(expected))

/* "1": lost */
static struct loss loss_of(const char *packets)
{
	struct loss loss = {0};

	for (; *packets; packets++)
		loss_add(&loss, *packets == '1');
	return loss;
}

/* quality.md 3 */
Test(loss, worked_example)
{
	struct loss loss = loss_of("0000010000011000000000001110000000010000");
	double p, q, ratio;

	cr_assert_eq(loss.n, 40);
	cr_assert_eq(loss.lost, 7);
	near(loss_ratio(&loss), 0.175, 1e-12);
	cr_assert_eq(loss.runs, 4);
	near(loss_mean_run(&loss), 1.75, 1e-12);
	cr_assert_eq(loss.transitions[0][0], 28);
	cr_assert_eq(loss.transitions[0][1], 4);
	cr_assert_eq(loss.transitions[1][0], 4);
	cr_assert_eq(loss.transitions[1][1], 3);
	cr_assert(loss_gilbert_p(&loss, &p) && loss_gilbert_q(&loss, &q));
	near(p, 0.125, 1e-12);
	near(q, 0.571429, 1e-6);
	cr_assert(loss_burst_ratio(&loss, &ratio));
	near(ratio, 1.443750, 1e-9);
	near(1 / (p + q), 1.435897, 1e-6);
	cr_assert_eq(loss_burst_ratio_of_score(&loss), 1, "four runs say nothing");
}

/* RFC 3357: place, distance, period of each lost packet. */
Test(loss, distance_and_period)
{
	static const unsigned expected[][3] = {{5, 0, 1},  {11, 6, 2}, {12, 1, 2}, {24, 12, 3},
					       {25, 1, 3}, {26, 1, 3}, {35, 9, 4}};
	const char *packets = "0000010000011000000000001110000000010000";
	struct loss loss = {0};
	size_t n = 0;

	for (unsigned i = 0; packets[i]; i++) {
		loss_add(&loss, packets[i] == '1');
		if (packets[i] != '1')
			continue;
		cr_assert_eq(i, expected[n][0]);
		cr_assert_eq(loss.distance, expected[n][1], "%u: %u", i, loss.distance);
		cr_assert_eq(loss.runs, expected[n][2]);
		n++;
	}
	cr_assert_eq(n, 7);
}

Test(loss, edges)
{
	struct loss nothing = {0}, all = loss_of("1111"), none = loss_of("0000"),
		    even = loss_of("01000100010001000100");
	double value;

	cr_assert_eq(loss_ratio(&nothing), 0);
	cr_assert_not(loss_burst_ratio(&nothing, &value), "undefined");
	cr_assert_not(loss_gilbert_p(&nothing, &value));
	cr_assert_not(loss_gilbert_q(&nothing, &value));
	cr_assert_eq(loss_ratio(&all), 1);
	cr_assert_not(loss_burst_ratio(&all, &value), "undefined");
	cr_assert_eq(loss_burst_ratio_of_score(&all), 1);
	cr_assert_not(loss_gilbert_p(&all, &value));
	cr_assert(loss_gilbert_q(&all, &value));
	cr_assert_eq(value, 0);
	cr_assert(loss_burst_ratio(&none, &value));
	cr_assert_eq(value, 1);
	cr_assert_eq(loss_mean_run(&none), 0);
	cr_assert_not(loss_gilbert_q(&none, &value));
	cr_assert(loss_burst_ratio(&even, &value));
	near(value, 0.75, 1e-12);
}

Test(loss, what_the_score_gets)
{
	struct loss runs = {0}, spread = {0}, long_runs = {0};

	for (int i = 0; i < 100; i++)
		loss_add(&runs, i % 10 < 3);
	cr_assert_eq(runs.runs, 10);
	near(loss_burst_ratio_of_score(&runs), 3 * 0.7, 1e-12);
	for (int i = 0; i < 100; i++)
		loss_add(&spread, i % 4 == 1);
	cr_assert_eq(loss_burst_ratio_of_score(&spread), 1, "G.107 knows nothing below 1");
	for (int i = 0; i < 1000; i++)
		loss_add(&long_runs, i % 100 < 30);
	cr_assert_eq(loss_burst_ratio_of_score(&long_runs), 8, "and nothing above 8");
}
