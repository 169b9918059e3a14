#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "qos/jitter.h"

#define near(actual, expected, tolerance)                                                                              \
	cr_assert(fabs((actual) - (expected)) <= (tolerance), "%s: %.10f instead of %.10f", #actual, (double)(actual), \
		  (double)(expected))

static const double delays[] = {20.0, 21.5, 19.8, 25.0, 20.2, 20.4, 31.0, 20.1};
#define DELAYS (sizeof(delays) / sizeof(delays[0]))

/* quality.md 3 */
Test(jitter, rfc3550)
{
	static const double expected[DELAYS] = {0,           0.093750000, 0.194140625, 0.507006836,
						0.775318909, 0.739361477, 1.355651385, 1.952173173};
	struct interarrival jitter = {0};

	for (size_t i = 0; i < DELAYS; i++) {
		interarrival_add(&jitter, delays[i]);
		near(jitter.jitter, expected[i], 1e-9);
		cr_assert_eq(jitter.is_known, i > 0);
	}
}

Test(jitter, ipdv)
{
	static const double expected[DELAYS] = {0, 1.5, -1.7, 5.2, -4.8, 0.2, 10.6, -10.9};
	struct ipdv ipdv = {0};
	double before = 0;

	cr_assert_eq(ipdv_mean(&ipdv), 0);
	cr_assert_eq(ipdv_mean_abs(&ipdv), 0);
	for (size_t i = 0; i < DELAYS; i++) {
		ipdv_add(&ipdv, delays[i]);
		near(ipdv.sum - before, expected[i], 1e-9);
		before = ipdv.sum;
	}
	near(ipdv_mean_abs(&ipdv), 4.985714, 1e-6);
	near(ipdv_mean(&ipdv), 0.014286, 1e-6);
	near(ipdv.max_abs, 10.9, 1e-9);
}

Test(jitter, a_gap_is_not_bridged)
{
	struct ipdv ipdv = {0};

	ipdv_add(&ipdv, 20);
	ipdv_add_lost(&ipdv);
	ipdv_add(&ipdv, 50);
	cr_assert_eq(ipdv.n, 0);
	ipdv_add(&ipdv, 51);
	cr_assert_eq(ipdv.n, 1);
	near(ipdv.sum, 1, 1e-12);
}

Test(jitter, quantiles)
{
	static const struct {
		size_t n;
		double q;
		size_t index;
	} rows[] = {{1, 0, 0},      {1, 1, 0},      {100, 0.95, 94}, {100, 0.99, 98}, {100, 1, 99},   {100, 0, 0},
		    {100, 0.5, 49}, {60, 0.95, 56}, {60, 0.99, 59},  {3, 0.5, 1},     {10, 0.951, 9}, {10, 2, 9}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_assert_eq(quantile_index(rows[i].n, rows[i].q), rows[i].index, "row %zu: %zu", i,
			     quantile_index(rows[i].n, rows[i].q));
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

Test(jitter, sorts)
{
	static uint32_t ours[10000], theirs[10000];

	srand(3);
	for (size_t n = 0; n < 10000; n = n < 200 ? n + 1 : n * 3) {
		for (size_t i = 0; i < n; i++)
			ours[i] = theirs[i] = (uint32_t)rand() % (i % 2 ? 7 : 1u << 30);
		sort_codes(ours, n);
		qsort(theirs, n, sizeof(theirs[0]), compare);
		cr_assert_arr_eq(ours, theirs, n * sizeof(ours[0]));
	}
}
