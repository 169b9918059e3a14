#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "exporter/go_number.h"

static void expect(double value, const char *expected)
{
	struct text text = {0};
	go_number_add(&text, value);
	cr_expect_str_eq(text_string(&text), expected);
	text_free(&text);
}

/* As prometheus-blackbox-exporter and promtool print them. */
Test(go_number, as_go_does)
{
	static const struct {
		double value;
		const char *expected;
	} cases[] = {
		{0, "0"},
		{-0.0, "0"},
		{1, "1"},
		{-1, "-1"},
		{0.5, "0.5"},
		{0.1 + 0.2, "0.30000000000000004"},
		{0.001234, "0.001234"},
		{0.0001, "0.0001"},
		{0.00001, "1e-05"},
		{0.000012345, "1.2345e-05"},
		{1e-9, "1e-09"},
		{123456, "123456"},
		{999999, "999999"},
		{999999.5, "999999.5"},
		{1e6, "1e+06"},
		{-1e6, "-1e+06"},
		{1234567, "1.234567e+06"},
		{1234567.25, "1.23456725e+06"},
		{3521344457, "3.521344457e+09"},
		{4294967295, "4.294967295e+09"},
		{-62135596800, "-6.21355968e+10"},
		{1700000000, "1.7e+09"},
		{1700000000.125, "1.700000000125e+09"},
		{9007199254740992, "9.007199254740992e+15"},
		{1e15, "1e+15"},
		{1e16, "1e+16"},
		{1e20, "1e+20"},
		{1e21, "1e+21"},
		{123456789012345680.0, "1.2345678901234568e+17"},
		{1e100, "1e+100"},
		{1.7976931348623157e308, "1.7976931348623157e+308"},
		{5e-324, "5e-324"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(cases[i].value, cases[i].expected);
	expect(INFINITY, "+Inf");
	expect(-INFINITY, "-Inf");
	expect(NAN, "NaN");
}

/* Whatever form it takes, it is the same number. */
Test(go_number, reads_back)
{
	double value = 1;
	for (int i = 0; i < 2000; i++) {
		struct text text = {0};
		value *= i % 2 ? 1.37 : -1.21;
		go_number_add(&text, value);
		cr_expect_eq(strtod(text_string(&text), NULL), value, "%s", text_string(&text));
		text_free(&text);
	}
}
