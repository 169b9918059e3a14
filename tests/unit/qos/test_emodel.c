#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "qos/emodel.h"

#define near(actual, expected, tolerance)                                                                              \
	cr_assert(fabs((actual) - (expected)) <= (tolerance), "%s: %.10f instead of %.10f", #actual, (double)(actual), \
		  (double)(expected))

static struct emodel_base defaults(void)
{
	struct emodel model;
	struct emodel_base base;

	emodel_set_defaults(&model);
	emodel_prepare(&model, &base);
	return base;
}

Test(emodel, defaults_give_the_published_terms)
{
	struct emodel_base base = defaults();
	struct emodel_call call = emodel_call_of(0);
	struct emodel_terms t;
	double r = emodel_rate(&base, &call, &t);

	near(r, 93.20620772, 1e-8);
	near(t.r, r, 0);
	near(t.no, -61.17921439, 1e-8);
	near(t.ro, 94.76882158, 1e-8);
	near(t.iolr, 0.44017813, 1e-8);
	near(t.ist, -0.00071513, 1e-8);
	near(t.iq, 0.97410514, 1e-8);
	near(t.is, 1.41356813, 1e-8);
	near(t.idle, 0.14904573, 1e-8);
	near(t.idte, 0, 0);
	near(t.idd, 0, 0);
	near(t.ie_eff, 0, 0);
	near(emodel_mos(r), 4.40940595, 1e-8);
}

/* quality.md 1.6 */
Test(emodel, delay)
{
	static const struct {
		double ms, full, echo_free;
	} rows[] = {
		{0, 93.206, 93.206},   {50, 91.756, 93.206},  {100, 90.664, 93.206},
		{150, 89.539, 93.043}, {200, 85.805, 90.162}, {250, 79.177, 84.289},
		{300, 72.666, 78.446}, {400, 62.247, 69.136}, {500, 54.803, 62.570},
	};
	struct emodel_base base = defaults();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct emodel_call call = emodel_call_of(rows[i].ms), free = emodel_call_of(0);

		free.ta_ms = rows[i].ms;
		near(emodel_rate(&base, &call, NULL), rows[i].full, 0.0005001);
		near(emodel_rate(&base, &free, NULL), rows[i].echo_free, 0.0005001);
	}
}

Test(emodel, classes_of_delay)
{
	struct emodel model;

	emodel_set_defaults(&model);
	cr_assert_eq(emodel_delay_impairment(&model, 100), 0);
	cr_assert_gt(emodel_delay_impairment(&model, 110), 0);
	model.delay_base = 150;
	model.delay_steepness = 0.4;
	cr_assert_eq(emodel_delay_impairment(&model, 150), 0);
	cr_assert_lt(emodel_delay_impairment(&model, 300), 15);
}

/* G.113 Appendix I, as quality.md 1.3 compares it with the formula. */
Test(emodel, impairment_of_equipment)
{
	static const struct {
		double ie, bpl, loss, expected;
	} rows[] = {
		{11, 19, 1, 15.20},   {11, 19, 2, 19.00},    {11, 19, 4, 25.61},   {11, 19, 8, 35.89},
		{11, 19, 16, 49.40},  {15, 16.1, 1, 19.68},  {15, 16.1, 2, 23.84}, {15, 16.1, 4, 30.92},
		{15, 16.1, 8, 41.56}, {15, 16.1, 16, 54.88}, {0, 25.1, 2, 7.01},   {0, 25.1, 3, 10.14},
		{0, 25.1, 5, 15.78},  {0, 25.1, 7, 20.72},   {0, 25.1, 15, 35.54}, {0, 25.1, 1, 3.64},
		{0, 25.1, 20, 42.13}, {11, 0, 0, 11},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct emodel_call call = emodel_call_of(0);

		call.ie = rows[i].ie;
		call.bpl = rows[i].bpl;
		call.loss_percent = rows[i].loss;
		near(emodel_equipment_impairment(&call), rows[i].expected, 0.0050001);
	}
}

/* quality.md 1.4 */
Test(emodel, wideband_and_fullband)
{
	static const struct {
		double ie, mos;
	} rows[] = {{0, 4.5}, {1, 4.4940}, {8, 4.4206}, {13, 4.3371}, {41, 3.5123}, {56, 2.9220}};
	struct emodel_call call = emodel_call_of(0);
	struct emodel model;

	emodel_set_defaults(&model);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		call.ie = rows[i].ie;
		near(emodel_mos(emodel_rate_wideband(&model, &call) / EMODEL_SCALE_WIDEBAND), rows[i].mos, 0.000051);
	}
	call = (struct emodel_call){.ie = 20, .bpl = 4.3, .loss_percent = 2, .burst_ratio = 1};
	near(129 - emodel_rate_wideband(&model, &call), 43.8095, 0.000051);
	near(emodel_mos(emodel_rate_wideband(&model, &call) / EMODEL_SCALE_WIDEBAND), 3.4062, 0.000051);
	call = (struct emodel_call){.ta_ms = 300, .ie = 10, .bpl = 5, .loss_percent = 5, .burst_ratio = 1};
	near(emodel_rate_fullband(&model, &call), 148 - 1.48 * emodel_delay_impairment(&model, 300) - 71, 1e-9);
}

/* quality.md 1.2: MOS as printed by G.109, and by the cubic. */
Test(emodel, opinions)
{
	static const struct {
		double r;
		const char *band, *below;
		double printed, cubic, good, poor;
	} rows[] = {
		{90, "best", "high", 4.34, 4.339, 97, 0},
		{80, "high", "medium", 4.03, 4.024, 89, 1.4},
		{70, "medium", "low", 3.60, 3.597, 73, 6},
		{60, "low", "poor", 3.10, 3.100, 50, 17},
		{50, "poor", "not recommended", 2.58, 2.575, 27, 38},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert_str_eq(emodel_band(rows[i].r), rows[i].band);
		cr_assert_str_eq(emodel_band(rows[i].r - 1e-9), rows[i].below);
		near(emodel_mos(rows[i].r), rows[i].printed, 0.01);
		near(emodel_mos(rows[i].r), rows[i].cubic, 0.000501);
		near(emodel_good_or_better(rows[i].r), rows[i].good, 0.6);
		near(emodel_poor_or_worse(rows[i].r), rows[i].poor, 0.6);
	}
	cr_assert_str_eq(emodel_band(120), "best");
	cr_assert_str_eq(emodel_band(-5), "not recommended");
	cr_assert_str_eq(emodel_band(NAN), "not recommended");
}

Test(emodel, mos_is_clamped)
{
	cr_assert_eq(emodel_mos(-3), 1);
	cr_assert_eq(emodel_mos(0), 1);
	cr_assert_eq(emodel_mos(3.222), 1, "the cubic dips under 1 here");
	cr_assert_eq(emodel_mos(100), 4.5);
	cr_assert_eq(emodel_mos(129), 4.5);
	for (double r = -10; r < 110; r += 0.01)
		cr_assert(emodel_mos(r + 0.01) >= emodel_mos(r) && emodel_mos(r) >= 1 && emodel_mos(r) <= 4.5);
}

Test(emodel, mos_and_back)
{
	for (double r = 6.52; r < 100; r += 0.01)
		near(emodel_rate_of_mos(emodel_mos(r)), r, 1e-4);
	near(emodel_rate_of_mos(1), 6.5154, 1e-3);
	near(emodel_rate_of_mos(0.5), emodel_rate_of_mos(1), 0);
	near(emodel_rate_of_mos(4.5), 100, 1e-3);
	near(emodel_rate_of_mos(5), emodel_rate_of_mos(4.5), 0);
}

static double between(double low, double high)
{
	return low + (high - low) * ((double)rand() / RAND_MAX);
}

/* More delay, loss or bursts never make a call better. */
Test(emodel, is_monotone)
{
	struct emodel_base base = defaults();

	srand(7);
	for (int i = 0; i < 20000; i++) {
		struct emodel_call call = emodel_call_of(between(0, 500)), worse;

		call.ie = between(0, 40);
		call.bpl = between(4.3, 40);
		call.loss_percent = between(0, 20);
		call.burst_ratio = between(1, 8);
		worse = emodel_call_of(call.ta_ms);
		worse.ta_ms += between(0, 50);
		worse.ie = call.ie;
		worse.bpl = call.bpl;
		worse.loss_percent = call.loss_percent + between(0, 5);
		worse.burst_ratio = call.burst_ratio + between(0, 1);
		cr_assert(emodel_rate(&base, &worse, NULL) <= emodel_rate(&base, &call, NULL) + 1e-9);
		cr_assert(emodel_rate_wideband(&base.model, &worse) <= emodel_rate_wideband(&base.model, &call) + 1e-9);
		cr_assert(emodel_rate_fullband(&base.model, &worse) <= emodel_rate_fullband(&base.model, &call) + 1e-9);
	}
}

/* Talker echo: the whole delay tied together makes it worse as well, but for a dip below 1 ms. */
Test(emodel, is_monotone_in_mouth_to_ear_delay)
{
	struct emodel_base base = defaults();
	double before = 100;

	for (double ms = 2; ms < 1500; ms += 0.5) {
		struct emodel_call call = emodel_call_of(ms);
		double r = emodel_rate(&base, &call, NULL);

		cr_assert(r <= before + 1e-9, "at %g ms: %g after %g", ms, r, before);
		before = r;
	}
}

Test(emodel, sidetone_beyond_its_range)
{
	struct emodel_call call = emodel_call_of(100);
	struct emodel_terms quiet, loud, usual;
	struct emodel_base base;
	struct emodel model;

	emodel_set_defaults(&model);
	emodel_prepare(&model, &base);
	emodel_rate(&base, &call, &usual);
	model.stmr = 8;
	emodel_prepare(&model, &base);
	emodel_rate(&base, &call, &loud);
	model.stmr = 22;
	emodel_prepare(&model, &base);
	emodel_rate(&base, &call, &quiet);
	cr_assert(loud.idte != usual.idte);
	near(quiet.idte * quiet.idte, usual.idte * usual.idte + quiet.ist * quiet.ist, 0.01);
}

Test(emodel, options)
{
	struct emodel model;
	struct err err = {0};

	emodel_set_defaults(&model);
	cr_assert_eq(emodel_check(&model, &err), 0);
	model.stmr = 20;
	cr_assert_eq(emodel_check(&model, &err), 0, "23 dB");
	model.stmr = 10;
	model.dr = -1;
	cr_assert_eq(emodel_check(&model, &err), -1);
	cr_assert_str_eq(err.text, "stmr + dr (LSTR) is 9 dB: must be between 13 and 23");
	cr_assert_eq(option_set_text(option_find(emodel_options, emodel_noptions, "telr"), &model, "4.9", &err), -1);
}
