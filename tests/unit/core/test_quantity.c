#include <criterion/criterion.h>

#include "core/quantity.h"

#define MS INT64_C(1000000)
#define S  (1000 * MS)

Test(quantity, durations)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{"0", 0},
		{"-0", 0},
		{"5s", 5 * S},
		{"+5s", 5 * S},
		{"-5s", -5 * S},
		{"500ms", 500 * MS},
		{"1m30s", 90 * S},
		{"1h1m1s1ms1us1ns", 3661 * S + MS + 1001},
		{"2\xc2\xb5s", 2000},
		{"2\xce\xbcs", 2000},
		{"1.5h", 5400 * S},
		{".5s", 500 * MS},
		{"5.s", 5 * S},
		{"0.000000001s", 1},
		{"1.0000000000000000000000001s", S},
		{"9223372036s", 9223372036 * S},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t ns = 42;
		cr_expect(quantity_parse_duration(cases[i].text, &ns), "%s", cases[i].text);
		cr_expect_eq(ns, cases[i].ns, "%s: %lld", cases[i].text, (long long)ns);
	}
}

Test(quantity, not_durations)
{
	static const char *const texts[] = {"",         "5",   "s",    "+",           "-",
					    ".s",       "5 s", " 5s",  "5s ",         "1d",
					    "5S",       "5.5", "--5s", "5s-",         "1.2.3s",
					    "0x5s",     "5ss", "1s0",  "9223372037s", "99999999999999999999s",
					    "2562048h", "1e3s"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int64_t ns;
		cr_expect_not(quantity_parse_duration(texts[i], &ns), "%s", texts[i]);
	}
}

Test(quantity, own_units)
{
	static const struct quantity_unit units[] = {{"B", 1}, {"KB", 1024}};
	int64_t sum;
	cr_expect(quantity_parse("1.5KB12B", units, 2, &sum));
	cr_expect_eq(sum, 1548);
	cr_expect_not(quantity_parse("1MB", units, 2, &sum));
	cr_expect_not(quantity_parse("1kb", units, 2, &sum));
}
