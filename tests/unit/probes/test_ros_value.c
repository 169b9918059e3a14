#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "probes/routeros/ros_value.h"

/* A word in a block of its own size, so that a sanitizer sees what is read beyond it. */
static struct ros_word word_in(char **block, const char *text)
{
	size_t n = strlen(text);
	*block = malloc(n ? n : 1);
	cr_assert_not_null(*block);
	memcpy(*block, text, n);
	return (struct ros_word){*block, n};
}

#define NS INT64_C(1000000000)

struct durations {
	const char *text;
	enum ros_value status;
	int64_t ns;
};

static const struct durations durations[] = {
	{"1w2d3h4m5s600ms", ROS_VALUE_OK, (7 * 86400 + 2 * 86400 + 3 * 3600 + 4 * 60 + 5) * NS + 600000000},
	{"1w2d3h4m5s", ROS_VALUE_OK, (9 * 86400 + 3 * 3600 + 4 * 60 + 5) * NS},
	{"53m10s720ms", ROS_VALUE_OK, (53 * 60 + 10) * NS + 720000000},
	{"10ms120us", ROS_VALUE_OK, 10120000},
	{"230us", ROS_VALUE_OK, 230000},
	{"7ns", ROS_VALUE_OK, 7},
	{"0ms", ROS_VALUE_OK, 0},
	{"0s", ROS_VALUE_OK, 0},
	{"5d9m11s", ROS_VALUE_OK, (5 * 86400 + 9 * 60 + 11) * NS},
	{"1w47m25s", ROS_VALUE_OK, (7 * 86400 + 47 * 60 + 25) * NS},
	{"1m", ROS_VALUE_OK, 60 * NS},
	{"1ms", ROS_VALUE_OK, 1000000},
	{"1m1ms", ROS_VALUE_OK, 60 * NS + 1000000},
	{"01:22:53", ROS_VALUE_OK, (3600 + 22 * 60 + 53) * NS},
	{"00:05:11", ROS_VALUE_OK, 311 * NS},
	{"100:00:00", ROS_VALUE_OK, 360000 * NS},
	{"00:00:00.025000", ROS_VALUE_OK, 25000000},
	{"00:00:00.0000000019", ROS_VALUE_OK, 1},
	{"2d03:04:05", ROS_VALUE_OK, (2 * 86400 + 3 * 3600 + 4 * 60 + 5) * NS},
	{"1w2d03:04:05", ROS_VALUE_OK, (9 * 86400 + 3 * 3600 + 4 * 60 + 5) * NS},
	{"1w23:59:59", ROS_VALUE_OK, (7 * 86400 + 86399) * NS},
	{"300", ROS_VALUE_OK, 300 * NS},
	{"1.5s", ROS_VALUE_OK, NS * 3 / 2},
	{"10.25ms", ROS_VALUE_OK, 10250000},
	{"1h0.5s", ROS_VALUE_OK, 3600 * NS + NS / 2},
	{"0.1", ROS_VALUE_OK, NS / 10},
	{"-1d2h", ROS_VALUE_OK, -26 * 3600 * NS},
	{"-00:00:01", ROS_VALUE_OK, -NS},
	{"15250w1d", ROS_VALUE_OK, (15250 * 7 + 1) * (86400 * NS)},
	{"15251w", ROS_VALUE_BAD, 0},
	{"99999999999999999999w", ROS_VALUE_BAD, 0},
	{"9223372037", ROS_VALUE_BAD, 0},
	{"", ROS_VALUE_NONE, 0},
	{"never", ROS_VALUE_NONE, 0},
	{"infinity", ROS_VALUE_NONE, 0},
	{"none", ROS_VALUE_NONE, 0},
	{"Never", ROS_VALUE_BAD, 0},
	{"neverx", ROS_VALUE_BAD, 0},
	{"-", ROS_VALUE_BAD, 0},
	{"--1s", ROS_VALUE_BAD, 0},
	{"s", ROS_VALUE_BAD, 0},
	{"1x", ROS_VALUE_BAD, 0},
	{"1 s", ROS_VALUE_BAD, 0},
	{"1s ", ROS_VALUE_BAD, 0},
	{"5s4m", ROS_VALUE_BAD, 0},
	{"5s5s", ROS_VALUE_BAD, 0},
	{"1us1ms", ROS_VALUE_BAD, 0},
	{"1d5", ROS_VALUE_BAD, 0},
	{"1.5h30m", ROS_VALUE_BAD, 0},
	{"1.s", ROS_VALUE_BAD, 0},
	{".5s", ROS_VALUE_BAD, 0},
	{"05:11", ROS_VALUE_BAD, 0},
	{"1:2:3", ROS_VALUE_BAD, 0},
	{"00:60:00", ROS_VALUE_BAD, 0},
	{"00:00:60", ROS_VALUE_BAD, 0},
	{"00:00:123", ROS_VALUE_BAD, 0},
	{"00:00:00.", ROS_VALUE_BAD, 0},
	{"00:00:00x", ROS_VALUE_BAD, 0},
	{"1d24:00:00", ROS_VALUE_BAD, 0},
	{"1h01:00:00", ROS_VALUE_BAD, 0},
	{"1.5:00:00", ROS_VALUE_BAD, 0},
	{"00:0", ROS_VALUE_BAD, 0},
	{"00:00:1", ROS_VALUE_BAD, 0},
};

Test(ros_value, durations)
{
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		char *block;
		int64_t ns = 77;
		enum ros_value status = ros_value_duration(word_in(&block, durations[i].text), &ns);
		cr_expect_eq(status, durations[i].status, "%s", durations[i].text);
		cr_expect_eq(ns, status == ROS_VALUE_OK ? durations[i].ns : 77, "%s: %lld", durations[i].text,
			     (long long)ns);
		free(block);
	}
}

struct numbers {
	const char *text;
	enum ros_value status;
	uint64_t value;
};

static void check_numbers(const struct numbers *table, size_t n, enum ros_value (*read)(struct ros_word, uint64_t *))
{
	for (size_t i = 0; i < n; i++) {
		char *block;
		uint64_t value = 77;
		cr_expect_eq(read(word_in(&block, table[i].text), &value), table[i].status, "%s", table[i].text);
		cr_expect_eq(value, table[i].status == ROS_VALUE_OK ? table[i].value : 77, "%s: %llu", table[i].text,
			     (unsigned long long)value);
		free(block);
	}
}

#define check_numbers(table, read) check_numbers(table, sizeof(table) / sizeof((table)[0]), read)

Test(ros_value, counters)
{
	static const struct numbers table[] = {
		{"0", ROS_VALUE_OK, 0},
		{"007", ROS_VALUE_OK, 7},
		{"18446744073709551615", ROS_VALUE_OK, UINT64_MAX},
		{"18446744073709551616", ROS_VALUE_BAD, 0},
		{"99999999999999999999999", ROS_VALUE_BAD, 0},
		{"0x81902A5B", ROS_VALUE_OK, 0x81902a5b},
		{"0xffffffffffffffff", ROS_VALUE_OK, UINT64_MAX},
		{"0x1ffffffffffffffff", ROS_VALUE_BAD, 0},
		{"0x", ROS_VALUE_BAD, 0},
		{"0xg", ROS_VALUE_BAD, 0},
		{"", ROS_VALUE_NONE, 0},
		{"unknown", ROS_VALUE_NONE, 0},
		{"-1", ROS_VALUE_BAD, 0},
		{"+1", ROS_VALUE_BAD, 0},
		{" 1", ROS_VALUE_BAD, 0},
		{"1 ", ROS_VALUE_BAD, 0},
		{"1.0", ROS_VALUE_BAD, 0},
		{"2 097 152", ROS_VALUE_BAD, 0},
		{"1e3", ROS_VALUE_BAD, 0},
	};
	check_numbers(table, ros_value_unsigned);
}

Test(ros_value, integers)
{
	static const struct {
		const char *text;
		enum ros_value status;
		int64_t value;
	} table[] = {
		{"-51", ROS_VALUE_OK, -51},
		{"51", ROS_VALUE_OK, 51},
		{"-0", ROS_VALUE_OK, 0},
		{"9223372036854775807", ROS_VALUE_OK, INT64_MAX},
		{"-9223372036854775808", ROS_VALUE_OK, INT64_MIN},
		{"9223372036854775808", ROS_VALUE_BAD, 0},
		{"-9223372036854775809", ROS_VALUE_BAD, 0},
		{"-", ROS_VALUE_BAD, 0},
		{"-51dBm", ROS_VALUE_BAD, 0},
		{"", ROS_VALUE_NONE, 0},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int64_t value = 77;
		cr_expect_eq(ros_value_integer(ros_word_of(table[i].text), &value), table[i].status, "%s",
			     table[i].text);
		cr_expect_eq(value, table[i].status == ROS_VALUE_OK ? table[i].value : 77, "%s", table[i].text);
	}
}

Test(ros_value, sizes)
{
	static const struct numbers table[] = {
		{"4096", ROS_VALUE_OK, 4096},
		{"4096B", ROS_VALUE_OK, 4096},
		{"512KiB", ROS_VALUE_OK, 512 * 1024},
		{"1GiB", ROS_VALUE_OK, 1 << 30},
		{"1.5GiB", ROS_VALUE_OK, 3 << 29},
		{"128.0MiB", ROS_VALUE_OK, 128 << 20},
		{"2TiB", ROS_VALUE_OK, UINT64_C(2) << 40},
		{"0.1KiB", ROS_VALUE_OK, 102},
		{"10k", ROS_VALUE_OK, 10000},
		{"10M", ROS_VALUE_OK, 10000000},
		{"1.5GB", ROS_VALUE_OK, 1500000000},
		{"16777215TiB", ROS_VALUE_OK, UINT64_C(16777215) << 40},
		{"16777216TiB", ROS_VALUE_BAD, 0},
		{"18446744073709551615.9", ROS_VALUE_OK, UINT64_MAX},
		{"18014398509481983.999999999999999999KiB", ROS_VALUE_OK, UINT64_MAX},
		{"1kib", ROS_VALUE_BAD, 0},
		{"1 KiB", ROS_VALUE_BAD, 0},
		{"KiB", ROS_VALUE_BAD, 0},
		{"-1KiB", ROS_VALUE_BAD, 0},
		{"1.KiB", ROS_VALUE_BAD, 0},
		{"1Mbps", ROS_VALUE_BAD, 0},
		{"none", ROS_VALUE_NONE, 0},
	};
	check_numbers(table, ros_value_size);
}

Test(ros_value, rates)
{
	static const struct numbers table[] = {
		{"1Gbps", ROS_VALUE_OK, 1000000000},
		{"2.5Gbps", ROS_VALUE_OK, 2500000000},
		{"1.5Mbps", ROS_VALUE_OK, 1500000},
		{"54Mbps", ROS_VALUE_OK, 54000000},
		{"1961.1kbps", ROS_VALUE_OK, 1961100},
		{"65Mbps-20MHz/1S", ROS_VALUE_OK, 65000000},
		{"400bps", ROS_VALUE_OK, 400},
		{"1561000", ROS_VALUE_OK, 1561000},
		{"49M", ROS_VALUE_OK, 49000000},
		{"880k", ROS_VALUE_OK, 880000},
		{"1T", ROS_VALUE_OK, 1000000000000},
		{"0", ROS_VALUE_OK, 0},
		{"unlimited", ROS_VALUE_NONE, 0},
		{"unknown", ROS_VALUE_NONE, 0},
		{"", ROS_VALUE_NONE, 0},
		{"10M/20M", ROS_VALUE_BAD, 0},
		{"49M-20MHz", ROS_VALUE_BAD, 0},
		{"-65Mbps", ROS_VALUE_BAD, 0},
		{"Mbps", ROS_VALUE_BAD, 0},
		{"bps-1", ROS_VALUE_BAD, 0},
		{"1GiB", ROS_VALUE_BAD, 0},
		{"99999999999Gbps", ROS_VALUE_BAD, 0},
	};
	check_numbers(table, ros_value_rate);
}

Test(ros_value, booleans)
{
	static const struct {
		const char *text;
		enum ros_value status;
		bool value;
	} table[] = {
		{"true", ROS_VALUE_OK, true},   {"yes", ROS_VALUE_OK, true},  {"", ROS_VALUE_OK, true},
		{"false", ROS_VALUE_OK, false}, {"no", ROS_VALUE_OK, false},  {"1", ROS_VALUE_BAD, false},
		{"True", ROS_VALUE_BAD, false}, {"on", ROS_VALUE_BAD, false}, {"unknown", ROS_VALUE_NONE, false},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (int before = 0; before < 2; before++) {
			bool value = before;
			cr_expect_eq(ros_value_bool(ros_word_of(table[i].text), &value), table[i].status, "%s",
				     table[i].text);
			cr_expect_eq(value, table[i].status == ROS_VALUE_OK ? table[i].value : (bool)before, "%s",
				     table[i].text);
		}
}

Test(ros_value, numbers_with_units)
{
	static const struct {
		const char *text, *unit;
		enum ros_value status;
		double value;
	} table[] = {
		{"26.6", "V", ROS_VALUE_OK, 26.6},
		{"26.6", NULL, ROS_VALUE_OK, 26.6},
		{"-13.5", "dB", ROS_VALUE_OK, -13.5},
		{"+4", "dB", ROS_VALUE_OK, 4},
		{"-87dBm", "dBm", ROS_VALUE_OK, -87},
		{"-87 dBm", "dBm", ROS_VALUE_OK, -87},
		{"41C", "C", ROS_VALUE_OK, 41},
		{"41\xc2\xb0"
		 "C",
		 "C", ROS_VALUE_OK, 41},
		{"3300mV", "V", ROS_VALUE_OK, 3.3},
		{"3.3V", "mV", ROS_VALUE_OK, 3300},
		{"6mA", "mA", ROS_VALUE_OK, 6},
		{"0.4mW", "W", ROS_VALUE_OK, 0.0004},
		{"5180MHz", "Hz", ROS_VALUE_OK, 5180e6},
		{"2.4GHz", "MHz", ROS_VALUE_OK, 2400},
		{"1310nm", "m", ROS_VALUE_OK, 1310e-9},
		{"1.2km", "m", ROS_VALUE_OK, 1200},
		{"4200RPM", "RPM", ROS_VALUE_OK, 4200},
		{"12%", "%", ROS_VALUE_OK, 12},
		{"-87dB", "dBm", ROS_VALUE_BAD, 0},
		{"41F", "C", ROS_VALUE_BAD, 0},
		{"41C", NULL, ROS_VALUE_BAD, 0},
		{"41C", "", ROS_VALUE_BAD, 0},
		{"41C", "apples", ROS_VALUE_BAD, 0},
		{"41CC", "C", ROS_VALUE_BAD, 0},
		{"41 ", "C", ROS_VALUE_BAD, 0},
		{"C", "C", ROS_VALUE_BAD, 0},
		{"1.", "C", ROS_VALUE_BAD, 0},
		{"nan", "C", ROS_VALUE_BAD, 0},
		{"inf", "C", ROS_VALUE_BAD, 0},
		{"0x10", "C", ROS_VALUE_BAD, 0},
		{"1e5", "C", ROS_VALUE_BAD, 0},
		{"--1", "C", ROS_VALUE_BAD, 0},
		{"1.00000000000000000000000000000000000000001", "C", ROS_VALUE_BAD, 0},
		{"not-present", "C", ROS_VALUE_NONE, 0},
		{"n/a", "C", ROS_VALUE_NONE, 0},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *block;
		double value = 77;
		cr_expect_eq(ros_value_number(word_in(&block, table[i].text), table[i].unit, &value), table[i].status,
			     "%s", table[i].text);
		cr_expect_eq(value, table[i].status == ROS_VALUE_OK ? table[i].value : 77, "%s: %.17g", table[i].text,
			     value);
		free(block);
	}
	cr_expect(ros_value_is_unit("mA"));
	cr_expect_not(ros_value_is_unit("apples"));
	cr_expect_not(ros_value_is_unit(""));
}

Test(ros_value, ratios)
{
	double ratio = 77;
	cr_expect_eq(ros_value_ratio(ros_word_of("12%"), &ratio), ROS_VALUE_OK);
	cr_expect_eq(ratio, 0.12);
	cr_expect_eq(ros_value_ratio(ros_word_of("100"), &ratio), ROS_VALUE_OK);
	cr_expect_eq(ratio, 1);
	cr_expect_eq(ros_value_ratio(ros_word_of("3.5%"), &ratio), ROS_VALUE_OK);
	cr_expect_eq(ratio, 0.035);
	cr_expect_eq(ros_value_ratio(ros_word_of("12C"), &ratio), ROS_VALUE_BAD);
	cr_expect_eq(ros_value_ratio(ros_word_of(""), &ratio), ROS_VALUE_NONE);
	cr_expect_eq(ratio, 0.035, "stays as it was");
}

Test(ros_value, mac_addresses)
{
	static const uint8_t expected[] = {0x00, 0x1a, 0xb2, 0xc3, 0xd4, 0xff};
	static const char *const bad[] = {"00:1A:B2:C3:D4", "00:1A:B2:C3:D4:F", "00:1A:B2:C3:D4:FG",
					  "00-1A-B2-C3-D4-FF", "00:1A:B2:C3:D4:FF:"};
	uint8_t mac[ROS_MAC_BYTES] = {0};
	cr_expect_eq(ros_value_mac(ros_word_of("00:1A:B2:C3:D4:FF"), mac), ROS_VALUE_OK);
	cr_expect_arr_eq(mac, expected, sizeof(expected));
	memset(mac, 0, sizeof(mac));
	cr_expect_eq(ros_value_mac(ros_word_of("00:1a:b2:c3:d4:ff"), mac), ROS_VALUE_OK);
	cr_expect_arr_eq(mac, expected, sizeof(expected));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(ros_value_mac(ros_word_of(bad[i]), mac), ROS_VALUE_BAD, "%s", bad[i]);
	cr_expect_eq(ros_value_mac((struct ros_word){0}, mac), ROS_VALUE_NONE);
	cr_expect_arr_eq(mac, expected, sizeof(expected), "stays as it was");
}

Test(ros_value, dates)
{
	static const struct {
		const char *text;
		enum ros_value status;
		struct ros_date date;
		int64_t seconds; /* in UTC, when it has a year */
	} table[] = {
		{"oct/18/2006 16:24:41", ROS_VALUE_OK, {true, true, true, 2006, 10, 18, 16, 24, 41}, 1161188681},
		{"Feb/07/2024 09:59:26", ROS_VALUE_OK, {true, true, true, 2024, 2, 7, 9, 59, 26}, 1707299966},
		{"2024-03-01 13:13:32", ROS_VALUE_OK, {true, true, true, 2024, 3, 1, 13, 13, 32}, 1709298812},
		{"jul/14/2023", ROS_VALUE_OK, {true, true, false, 2023, 7, 14, 0, 0, 0}, 1689292800},
		{"2024-02-29", ROS_VALUE_OK, {true, true, false, 2024, 2, 29, 0, 0, 0}, 1709164800},
		{"JAN/01/1970 00:00:00", ROS_VALUE_OK, {true, true, true, 1970, 1, 1, 0, 0, 0}, 0},
		{"dec/31 23:59:60", ROS_VALUE_OK, {false, true, true, 0, 12, 31, 23, 59, 60}, 0},
		{"feb/29", ROS_VALUE_OK, {false, true, false, 0, 2, 29, 0, 0, 0}, 0},
		{"10-18 16:24:41", ROS_VALUE_OK, {false, true, true, 0, 10, 18, 16, 24, 41}, 0},
		{"16:24:41", ROS_VALUE_OK, {false, false, true, 0, 0, 0, 16, 24, 41}, 0},
		{"", ROS_VALUE_NONE, {0}, 0},
		{"never", ROS_VALUE_NONE, {0}, 0},
		{"2023-02-29", ROS_VALUE_BAD, {0}, 0},
		{"1900-02-29", ROS_VALUE_BAD, {0}, 0},
		{"2024-13-01", ROS_VALUE_BAD, {0}, 0},
		{"2024-00-01", ROS_VALUE_BAD, {0}, 0},
		{"2024-01-00", ROS_VALUE_BAD, {0}, 0},
		{"0000-01-01", ROS_VALUE_BAD, {0}, 0},
		{"2024-04-31", ROS_VALUE_BAD, {0}, 0},
		{"2024-3-1", ROS_VALUE_BAD, {0}, 0},
		{"2024-03-01T13:13:32", ROS_VALUE_BAD, {0}, 0},
		{"2024-03-01 ", ROS_VALUE_BAD, {0}, 0},
		{"2024-03-01 13:13", ROS_VALUE_BAD, {0}, 0},
		{"2024-03-01 24:00:00", ROS_VALUE_BAD, {0}, 0},
		{"2024-03-01 13:60:00", ROS_VALUE_BAD, {0}, 0},
		{"2024-03-01 13:13:61", ROS_VALUE_BAD, {0}, 0},
		{"2024-03-01 13:13:32 ", ROS_VALUE_BAD, {0}, 0},
		{"okt/18/2006", ROS_VALUE_BAD, {0}, 0},
		{"oct/8/2006", ROS_VALUE_BAD, {0}, 0},
		{"oct/18/06", ROS_VALUE_BAD, {0}, 0},
		{"oct/", ROS_VALUE_BAD, {0}, 0},
		{"oct", ROS_VALUE_BAD, {0}, 0},
		{"16:24", ROS_VALUE_BAD, {0}, 0},
		{"16-24-41", ROS_VALUE_BAD, {0}, 0},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *block;
		struct ros_date date = {.year = 7}, before = date;
		int64_t seconds = 0;
		enum ros_value status = ros_value_date(word_in(&block, table[i].text), &date);
		const struct ros_date *expected = status == ROS_VALUE_OK ? &table[i].date : &before;
		cr_expect_eq(status, table[i].status, "%s", table[i].text);
		cr_expect(date.has_year == expected->has_year && date.has_day == expected->has_day &&
				  date.has_time == expected->has_time && date.year == expected->year &&
				  date.month == expected->month && date.day == expected->day &&
				  date.hour == expected->hour && date.minute == expected->minute &&
				  date.second == expected->second,
			  "%s", table[i].text);
		cr_expect_eq(ros_date_seconds(&date, 0, &seconds), date.has_year, "%s", table[i].text);
		cr_expect_eq(seconds, table[i].seconds, "%s: %lld", table[i].text, (long long)seconds);
		free(block);
	}
}

Test(ros_value, zones)
{
	static const char *const bad[] = {"02:00", "+2:00", "+02:60", "+15:00", "+02:00 ", "+0200", "+"};
	int32_t zone = 77;
	int64_t seconds;
	struct ros_date date;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(ros_value_zone(ros_word_of(bad[i]), &zone), ROS_VALUE_BAD, "%s", bad[i]);
	cr_expect_eq(ros_value_zone(ros_word_of(""), &zone), ROS_VALUE_NONE);
	cr_expect_eq(zone, 77);
	cr_expect_eq(ros_value_zone(ros_word_of("-03:30"), &zone), ROS_VALUE_OK);
	cr_expect_eq(zone, -12600);
	cr_expect_eq(ros_value_zone(ros_word_of("+02:00"), &zone), ROS_VALUE_OK);
	cr_expect_eq(zone, 7200);
	cr_expect_eq(ros_value_date(ros_word_of("1970-01-01 03:00:00"), &date), ROS_VALUE_OK);
	cr_expect(ros_date_seconds(&date, zone, &seconds));
	cr_expect_eq(seconds, 3600);
}

Test(ros_value, versions)
{
	static const struct {
		const char *text;
		enum ros_value status;
		struct ros_version version;
		const char *channel;
	} table[] = {
		{"7.18.2 (stable)", ROS_VALUE_OK, {7, 18, 2, 0, ROS_STAGE_RELEASE, {0}}, "stable"},
		{"6.49.21 (long-term)", ROS_VALUE_OK, {6, 49, 21, 0, ROS_STAGE_RELEASE, {0}}, "long-term"},
		{"7.1beta4 (development)", ROS_VALUE_OK, {7, 1, 0, 4, ROS_STAGE_BETA, {0}}, "development"},
		{"7.24rc1", ROS_VALUE_OK, {7, 24, 0, 1, ROS_STAGE_CANDIDATE, {0}}, ""},
		{"7.0alpha12", ROS_VALUE_OK, {7, 0, 0, 12, ROS_STAGE_ALPHA, {0}}, ""},
		{"6.42", ROS_VALUE_OK, {6, 42, 0, 0, ROS_STAGE_RELEASE, {0}}, ""},
		{"", ROS_VALUE_NONE, {0}, ""},
		{"7", ROS_VALUE_BAD, {0}, ""},
		{"7.", ROS_VALUE_BAD, {0}, ""},
		{"7.1.", ROS_VALUE_BAD, {0}, ""},
		{"7.1beta", ROS_VALUE_BAD, {0}, ""},
		{"7.65536", ROS_VALUE_BAD, {0}, ""},
		{"7.1 stable", ROS_VALUE_BAD, {0}, ""},
		{"7.1 ()", ROS_VALUE_BAD, {0}, ""},
		{"7.1 (stable", ROS_VALUE_BAD, {0}, ""},
		{"7.1.2.3", ROS_VALUE_BAD, {0}, ""},
		{"v7.1", ROS_VALUE_BAD, {0}, ""},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *block;
		struct ros_version version = {0};
		cr_expect_eq(ros_value_version(word_in(&block, table[i].text), &version), table[i].status, "%s",
			     table[i].text);
		cr_expect_eq(ros_version_compare(&version, &table[i].version), 0, "%s", table[i].text);
		cr_expect(ros_word_equals(version.channel, table[i].channel), "%s", table[i].text);
		free(block);
	}
}

Test(ros_value, order_of_versions)
{
	static const char *const rising[] = {"6.42",     "6.43",     "6.45.1", "6.49.10", "7.0",   "7.1alpha1",
					     "7.1beta1", "7.1beta4", "7.1rc1", "7.1",     "7.1.1", "7.9",
					     "7.10rc2",  "7.10",     "7.18.2", "7.19"};
	size_t n = sizeof(rising) / sizeof(rising[0]);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			struct ros_version a, b;
			ros_value_version(ros_word_of(rising[i]), &a);
			ros_value_version(ros_word_of(rising[k]), &b);
			int order = ros_version_compare(&a, &b);
			cr_expect_eq((order > 0) - (order < 0), (i > k) - (i < k), "%s %s", rising[i], rising[k]);
		}
	struct ros_version version;
	ros_value_version(ros_word_of("7.18rc1"), &version);
	cr_expect(ros_version_is_since(&version, 7, 17));
	cr_expect_not(ros_version_is_since(&version, 7, 18));
	ros_value_version(ros_word_of("7.18"), &version);
	cr_expect(ros_version_is_since(&version, 7, 18));
	cr_expect_not(ros_version_is_since(&version, 7, 19));
	cr_expect_not(ros_version_is_since(&version, 8, 0));
}

Test(ros_value, pairs)
{
	static const struct {
		const char *text;
		char separator;
		bool is_pair;
		const char *first, *second;
	} table[] = {
		{"10M/20M", '/', true, "10M", "20M"}, {"0/0", '/', true, "0", "0"},
		{"123,456", ',', true, "123", "456"}, {"-51@1Mbps", '@', true, "-51", "1Mbps"},
		{"1/2/3", '/', true, "1", "2/3"},     {"/", '/', true, "", ""},
		{"10M", '/', false, "10M", ""},       {"", '/', false, "", ""},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ros_word first, second;
		cr_expect_eq(ros_value_split(ros_word_of(table[i].text), table[i].separator, &first, &second),
			     table[i].is_pair);
		cr_expect(ros_word_equals(first, table[i].first), "%s", table[i].text);
		cr_expect(ros_word_equals(second, table[i].second), "%s", table[i].text);
	}
}

Test(ros_value, lists)
{
	struct ros_word list = ros_word_of("ether1,,bridge"), item;
	cr_assert(ros_value_next(&list, &item));
	cr_expect(ros_word_equals(item, "ether1"));
	cr_assert(ros_value_next(&list, &item));
	cr_expect(ros_word_equals(item, ""));
	cr_assert(ros_value_next(&list, &item));
	cr_expect(ros_word_equals(item, "bridge"));
	cr_expect_not(ros_value_next(&list, &item));
	list = (struct ros_word){0};
	cr_expect_not(ros_value_next(&list, &item));
}
