#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "daemon/sample_json.h"

enum { COUNT, SPENT, LEVEL, SIGNED, RTT, INFO, TEXT, MEASURES };
static const struct measure measures[MEASURES] = {
	[COUNT] = {"count_total", MEASURE_COUNTER, "c"},
	[SPENT] = {"spent_seconds_total", MEASURE_COUNTER_SECONDS, "s"},
	[LEVEL] = {"level_ratio", MEASURE_GAUGE, "g"},
	[SIGNED] = {"signed", MEASURE_INTEGER, "i"},
	[RTT] = {"rtt_seconds", MEASURE_HISTOGRAM, "h"},
	[INFO] = {"info", MEASURE_INFO, "n"},
	[TEXT] = {"text", MEASURE_TEXT, "t"},
};
static const struct measure_set alpha = {"alpha", measures, MEASURES, NULL, "a"};
static const struct measure_set beta = {"beta", measures, MEASURES, NULL, "b"};
static const struct subject subject = {"t\"1", "p", "ping", NULL, 0};
static const int64_t observed_ns[] = {3000000, 1000001, 2000000};

static struct sample make_sample(const struct row *rows, size_t n)
{
	return (struct sample){
		.subject = &subject,
		.begun_realtime_ns = 1700000000000000007,
		.took_ns = 12300000,
		.run = 1,
		.rows = rows,
		.nrows = n,
	};
}

static char *json_of(const struct sample *sample)
{
	struct text text = {0};

	sample_json(&text, sample);
	return text_take(&text);
}

#define HEAD "{\"type\":\"ping\",\"target\":\"t\\\"1\",\"address\":null,"
#define TIME "\"duration_seconds\":0.0123,\"time\":\"2023-11-14T22:13:20.000000007Z\""

Test(sample_json, without_rows)
{
	struct sample sample = make_sample(NULL, 0);
	char *json = json_of(&sample);

	cr_expect_str_eq(json, HEAD "\"success\":true,\"reason\":\"ok\"," TIME "}");
	mem_free(json);
	sample.reason = REASON_TIMEOUT;
	json = json_of(&sample);
	cr_expect_str_eq(json, HEAD "\"success\":false,\"reason\":\"timeout\"," TIME "}");
	mem_free(json);
	sample.cause = "loss of \"p\"";
	json = json_of(&sample);
	cr_expect_str_eq(json,
			 HEAD "\"success\":false,\"reason\":\"timeout\"," TIME ",\"cause\":\"loss of \\\"p\\\"\"}");
	mem_free(json);
}

Test(sample_json, address)
{
	static const char *const addresses[] = {"192.0.2.1", "2001:db8::1"};

	for (size_t i = 0; i < 2; i++) {
		struct sample sample = make_sample(NULL, 0);
		char *json, wanted[64];

		cr_assert(address_parse(addresses[i], &sample.address));
		json = json_of(&sample);
		snprintf(wanted, sizeof(wanted), "\"address\":\"%s\",", addresses[i]);
		cr_expect_not_null(strstr(json, wanted), "%s", json);
		mem_free(json);
	}
}

/* Each kind, written as it is; NaN and infinities as null. */
Test(sample_json, kinds)
{
	static const struct {
		struct reading reading;
		const char *wanted;
	} cases[] = {
		{{.measure = COUNT, .value.integer = 0}, "\"count_total\":0"},
		{{.measure = COUNT, .value.integer = INT64_MAX}, "\"count_total\":9223372036854775807"},
		{{.measure = SPENT, .value.integer = 1500000001}, "\"spent_seconds_total\":1.500000001"},
		{{.measure = LEVEL, .value.number = 0.1}, "\"level_ratio\":0.1"},
		{{.measure = LEVEL, .value.number = -0.0001}, "\"level_ratio\":-0.0001"},
		{{.measure = LEVEL, .value.number = NAN}, "\"level_ratio\":null"},
		{{.measure = LEVEL, .value.number = INFINITY}, "\"level_ratio\":null"},
		{{.measure = LEVEL, .value.number = -INFINITY}, "\"level_ratio\":null"},
		{{.measure = SIGNED, .value.integer = INT64_MIN}, "\"signed\":-9223372036854775808"},
		{{.measure = RTT, .count = 0, .value.observed_ns = NULL}, "\"rtt_seconds\":{\"count\":0}"},
		{{.measure = RTT, .count = 1, .value.observed_ns = observed_ns},
		 "\"rtt_seconds\":{\"count\":1,\"min\":0.003,\"avg\":0.003,\"max\":0.003}"},
		{{.measure = RTT, .count = 3, .value.observed_ns = observed_ns},
		 "\"rtt_seconds\":{\"count\":3,\"min\":0.001000001,\"avg\":0.002000000333333333,\"max\":0.003}"},
		{{.measure = INFO, .value.integer = 1}, "\"info\":1"},
		{{.measure = TEXT, .value.text = "a\\b"}, "\"text\":\"a\\\\b\""},
		{{.measure = TEXT, .value.text = NULL}, "\"text\":null"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct row row = {&alpha, NULL, 0, &cases[i].reading, 1};
		struct sample sample = make_sample(&row, 1);
		char *json = json_of(&sample), wanted[256];

		snprintf(wanted, sizeof(wanted), TIME ",\"alpha\":[{%s}]}", cases[i].wanted);
		cr_expect_not_null(strstr(json, wanted), "%zu: %s\nin %s", i, wanted, json);
		mem_free(json);
	}
}

/* The rows of a set are together, however they came; labels before readings; a row of nothing is an empty object. */
Test(sample_json, rows_are_grouped_by_set)
{
	static const struct label one[] = {{"hop", "1"}, {"path", "a"}}, two[] = {{"hop", "2"}};
	const struct reading readings[] = {reading_integer(COUNT, 7), reading_number(LEVEL, 0.5)};
	const struct row rows[] = {
		{&alpha, NULL, 0, readings, 2}, {&beta, one, 2, readings, 1}, {&alpha, two, 1, NULL, 0},
		{&beta, two, 1, readings, 1},   {&alpha, NULL, 0, NULL, 0},
	};
	struct sample sample = make_sample(rows, 5);
	char *json = json_of(&sample);

	cr_expect_not_null(strstr(json, TIME ",\"alpha\":[{\"count_total\":7,\"level_ratio\":0.5},{\"hop\":\"2\"},{}],"
					     "\"beta\":[{\"hop\":\"1\",\"path\":\"a\",\"count_total\":7},"
					     "{\"hop\":\"2\",\"count_total\":7}]}"),
			   "%s", json);
	mem_free(json);
}

Test(sample_json, strings)
{
	static const struct {
		const char *string, *wanted;
	} cases[] = {
		{NULL, "null"},
		{"", "\"\""},
		{"a b", "\"a b\""},
		{"\"\\/", "\"\\\"\\\\/\""},
		{"\x01\n\t\x1f\x7f", "\"\\u0001\\u000a\\u0009\\u001f\\u007f\""},
		{"M\xc3\xbcnchen \xe2\x82\xac \xf0\x9f\x98\x80", "\"M\xc3\xbcnchen \xe2\x82\xac \xf0\x9f\x98\x80\""},
		{"\xff", "\"\xef\xbf\xbd\""},
		{"a\xc3", "\"a\xef\xbf\xbd\""},
		{"\xc3(\xc0\xaf", "\"\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* a surrogate */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text text = {0};

		json_add_string(&text, cases[i].string);
		cr_expect_str_eq(text_string(&text), cases[i].wanted, "%zu: %s", i, text_string(&text));
		text_free(&text);
	}
}

/* Whatever bytes a string has: a strict parser accepts the object. */
Test(sample_json, a_parser_accepts_it)
{
	for (unsigned byte = 1; byte < 256; byte++) {
		char value[] = {'x', (char)byte, 'y', '\0'};
		const struct reading reading = reading_text(TEXT, value);
		const struct row row = {&alpha, NULL, 0, &reading, 1};
		struct sample sample = make_sample(&row, 1);
		char *json = json_of(&sample);
		json_error_t error;
		json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, &error);

		cr_assert_not_null(root, "%u: %s in %s", byte, error.text, json);
		json_t *text = json_object_get(json_array_get(json_object_get(root, "alpha"), 0), "text");
		cr_expect(json_is_string(text));
		if (byte < 0x80)
			cr_expect_str_eq(json_string_value(text), value);
		json_decref(root);
		mem_free(json);
	}
}

/* Before 1970, and beyond the years of four digits, there is a time all the same. */
Test(sample_json, times)
{
	static const struct {
		int64_t realtime_ns;
		const char *wanted;
	} cases[] = {
		{0, "\"time\":\"1970-01-01T00:00:00.000000000Z\""},
		{999999999, "\"time\":\"1970-01-01T00:00:00.999999999Z\""},
		{-1, "\"time\":\"1969-12-31T23:59:59.999999999Z\""},
		{-1500000000, "\"time\":\"1969-12-31T23:59:58.500000000Z\""},
		{INT64_MAX, "\"time\":\"2262-04-11T23:47:16.854775807Z\""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sample sample = make_sample(NULL, 0);
		char *json;

		sample.begun_realtime_ns = cases[i].realtime_ns;
		json = json_of(&sample);
		cr_expect_not_null(strstr(json, cases[i].wanted), "%s", json);
		mem_free(json);
	}
}
