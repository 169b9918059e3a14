#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "core/mem.h"
#include "daemon/results.h"
#include "daemon/results_page.h"

enum { COUNT, SPENT, LEVEL, SIGNED, RTT, RTT_MIN, INFO, TEXT, DELAY, MEASURES };
static const struct measure measures[MEASURES] = {
	[COUNT] = {"count_total", MEASURE_COUNTER, "c"},
	[SPENT] = {"spent_seconds_total", MEASURE_COUNTER_SECONDS, "s"},
	[LEVEL] = {"level_ratio", MEASURE_GAUGE, "g"},
	[SIGNED] = {"signed", MEASURE_INTEGER, "i"},
	[RTT] = {"rtt_seconds", MEASURE_HISTOGRAM, "h"},
	[RTT_MIN] = {"rtt_min_seconds", MEASURE_GAUGE, "takes the column of the histogram"},
	[INFO] = {"info", MEASURE_INFO, "n"},
	[TEXT] = {"text", MEASURE_TEXT, "t"},
	[DELAY] = {"delay", MEASURE_HISTOGRAM, "no unit"},
};
static const struct measure_set alpha = {"alpha", measures, MEASURES, NULL, "a"};
static const struct measure_set beta = {"beta", measures, MEASURES, NULL, "b"};

#define MOMENT 1700000000000000007
#define TIME   "2023-11-14T22:13:20.000000007Z"

/* The results of these samples, as a worker hands them over. */
static struct results *results_of(const struct sample *samples, size_t n)
{
	struct history *history = history_create(1 << 20);
	struct results *results = mem_zero(1, sizeof(*results));
	uint64_t last = 0;
	for (size_t i = 0; i < n; i++)
		history_add(history, &last, &samples[i]);
	results->probe = mem_copy_string("fast \"ping\"");
	results->type = "ping";
	history_copy(history, last, n, SIZE_MAX, &results->runs);
	history_free(history);
	return results;
}

static char *page_in_steps(enum results_format format, const struct measure_set *set, const struct sample *samples,
			   size_t n, size_t enough)
{
	struct text out = {0};
	struct results_page *page = results_page_create(&(struct results_page_plan){
		.format = format, .target = "quad\\9", .set = set, .results = results_of(samples, n)});
	size_t pieces = 1;
	for (size_t before = 0; results_page_more(page, &out, enough); before = out.length, pieces++)
		cr_expect_gt(out.length, before);
	if (enough == 1)
		cr_expect_eq(pieces, n + 1);
	size_t length = out.length;
	cr_expect_not(results_page_more(page, &out, enough));
	cr_expect_eq(out.length, length, "nothing follows the end");
	results_page_free(page);
	return text_take(&out);
}

static char *page_of(enum results_format format, const struct measure_set *set, const struct sample *samples, size_t n)
{
	char *page = page_in_steps(format, set, samples, n, 1 << 20),
	     *other = page_in_steps(format, set, samples, n, 1);
	cr_expect_str_eq(page, other);
	mem_free(other);
	return page;
}

static void expect_page(enum results_format format, const struct sample *samples, size_t n, const char *expected)
{
	char *page = page_of(format, &alpha, samples, n);
	cr_expect_str_eq(page, expected);
	mem_free(page);
}

static struct sample failed(void)
{
	return (struct sample){.reason = REASON_TIMEOUT, .begun_realtime_ns = MOMENT, .took_ns = 900000000, .run = 3};
}

#define JSON_HEAD "{\"target\":\"quad\\\\9\",\"probe\":\"fast \\\"ping\\\"\",\"type\":\"ping\",\"results\":["
#define CSV_HEAD                                                                                                       \
	"time,run,success,reason,duration_seconds,address,count_total,spent_seconds_total,level_ratio,signed,"         \
	"rtt_count,rtt_avg_seconds,rtt_max_seconds,rtt_min_seconds,text,"                                              \
	"delay_count,delay_min_seconds,delay_avg_seconds,delay_max_seconds\r\n"
#define JSON_FAILED                                                                                                    \
	"\n{\"time\":\"" TIME "\",\"time_ns\":1700000000000000007,\"run\":3,\"success\":false,\"reason\":\"timeout\"," \
	"\"duration_seconds\":0.9,\"address\":null,\"rows\":[]}"

Test(results_page, nothing)
{
	expect_page(RESULTS_JSON, NULL, 0, JSON_HEAD "\n]}\n");
	expect_page(RESULTS_CSV, NULL, 0, CSV_HEAD);
	results_page_free(NULL);
	results_free(NULL);
}

Test(results_page, runs_without_rows)
{
	const struct sample samples[] = {failed(), failed()};
	expect_page(RESULTS_JSON, samples, 2, JSON_HEAD JSON_FAILED "," JSON_FAILED "\n]}\n");
	expect_page(RESULTS_CSV, samples, 1, CSV_HEAD TIME ",3,0,timeout,0.9,,,,,,,,,,,,,,\r\n");
}

/* A run with everything. */
struct full {
	struct sample sample;
	struct row rows[2];
	struct reading readings[MEASURES];
	struct label label;
};

static void make_full(struct full *full, const char *text)
{
	static const int64_t observed_ns[] = {3000000, 1000001, 2000000};
	const struct reading readings[MEASURES] = {
		reading_integer(COUNT, 9007199254740993),
		reading_integer(SPENT, 1500000000),
		reading_number(LEVEL, 0.25),
		reading_integer(SIGNED, -3),
		reading_histogram(RTT, observed_ns, 3),
		reading_number(RTT_MIN, 0.001),
		reading_integer(INFO, 1),
		reading_text(TEXT, text),
		reading_histogram(DELAY, NULL, 0),
	};
	memset(full, 0, sizeof(*full));
	memcpy(full->readings, readings, sizeof(readings));
	full->label = (struct label){"address", "9.9.9.9"};
	full->rows[0] = (struct row){&alpha, NULL, 0, full->readings, MEASURES};
	full->rows[1] = (struct row){&beta, &full->label, 1, full->readings, 1};
	full->sample = (struct sample){.begun_realtime_ns = MOMENT,
				       .took_ns = 12300000,
				       .run = 2,
				       .address = {.bytes = {9, 9, 9, 9}, .family = ADDRESS_IPV4},
				       .rows = full->rows,
				       .nrows = 2};
}

Test(results_page, a_run_with_everything)
{
	struct full full;
	make_full(&full, "a");
	expect_page(RESULTS_JSON, &full.sample, 1,
		    JSON_HEAD "\n{\"time\":\"" TIME
			      "\",\"time_ns\":1700000000000000007,\"run\":2,\"success\":true,\"reason\":\"ok\","
			      "\"duration_seconds\":0.0123,\"address\":\"9.9.9.9\",\"rows\":["
			      "{\"set\":\"alpha\",\"labels\":{},\"values\":{\"count_total\":9007199254740993,"
			      "\"spent_seconds_total\":1.5,\"level_ratio\":0.25,\"signed\":-3,"
			      "\"rtt_seconds\":{\"count\":3,\"min\":0.001000001,\"avg\":0.002,\"max\":0.003},"
			      "\"rtt_min_seconds\":0.001,\"info\":1,\"text\":\"a\",\"delay\":{\"count\":0}}},"
			      "{\"set\":\"beta\",\"labels\":{\"address\":\"9.9.9.9\"},\"values\":{\"count_total\":"
			      "9007199254740993}}]}"
			      "\n]}\n");
	expect_page(RESULTS_CSV, &full.sample, 1,
		    CSV_HEAD TIME ",2,1,ok,0.0123,9.9.9.9,9007199254740993,1.5,0.25,-3,3,0.002,0.003,0.001,a,0,,,\r\n");
}

Test(results_page, cells)
{
	static const struct {
		const char *text, *cell;
	} cases[] = {
		{"", ""},
		{NULL, ""},
		{" a ", " a "},
		{"a,b", "\"a,b\""},
		{"a \"b\"", "\"a \"\"b\"\"\""},
		{"a\nb", "\"a\nb\""},
		{"a\rb", "\"a\rb\""},
		{"\"", "\"\"\"\""},
		{"=1+1", "=1+1"},
		{"a\xff\xc3\xa4", "a\xef\xbf\xbd\xc3\xa4"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct full full;
		make_full(&full, cases[i].text);
		char *page = page_of(RESULTS_CSV, &alpha, &full.sample, 1);
		char *expected = mem_format("0.001,%s,0,,,\r\n", cases[i].cell);
		cr_expect(strstr(page, expected), "%s", page);
		mem_free(expected);
		mem_free(page);
	}
}

Test(results_page, what_is_no_number)
{
	static const double numbers[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
	static const char *const cells[] = {"NaN", "+Inf", "-Inf"};
	for (size_t i = 0; i < 3; i++) {
		const struct reading reading = reading_number(LEVEL, numbers[i]);
		const struct row row = {&alpha, NULL, 0, &reading, 1};
		struct sample sample = failed();
		sample.rows = &row;
		sample.nrows = 1;
		char *json = page_of(RESULTS_JSON, &alpha, &sample, 1), *csv = page_of(RESULTS_CSV, &alpha, &sample, 1);
		cr_expect(strstr(json, "\"values\":{\"level_ratio\":null}"), "%s", json);
		char *expected = mem_format(",0.9,,,,%s,,,,,,,,,,\r\n", cells[i]);
		cr_expect(strstr(csv, expected), "%s", csv);
		mem_free(expected);
		mem_free(json);
		mem_free(csv);
	}
}

Test(results_page, a_first_row_of_another_set_or_no_set_at_all)
{
	struct full full;
	make_full(&full, "a");
	full.sample.rows = full.rows + 1;
	full.sample.nrows = 1;
	expect_page(RESULTS_CSV, &full.sample, 1, CSV_HEAD TIME ",2,1,ok,0.0123,9.9.9.9,,,,,,,,,,,,,\r\n");
	char *csv = page_of(RESULTS_CSV, NULL, &full.sample, 1);
	cr_expect_str_eq(csv, "time,run,success,reason,duration_seconds,address\r\n" TIME ",2,1,ok,0.0123,9.9.9.9\r\n");
	mem_free(csv);
}

Test(results_page, a_parser_accepts_it)
{
	struct full full[3];
	struct sample samples[4];
	static const char *const texts[] = {"a \"b\" \\c", "d\x01\n\t", "\xff\xc3\xa4"};
	static const char *const parsed_texts[] = {"a \"b\" \\c", "d\x01\n\t", "\xef\xbf\xbd\xc3\xa4"};
	for (size_t i = 0; i < 3; i++) {
		make_full(&full[i], texts[i]);
		samples[i] = full[i].sample;
	}
	samples[3] = failed();
	char *page = page_of(RESULTS_JSON, &alpha, samples, 4);
	json_error_t error;
	json_t *json = json_loads(page, JSON_REJECT_DUPLICATES, &error);
	cr_assert(json, "%s: %s", error.text, page);
	const json_t *runs = json_object_get(json, "results");
	cr_assert_eq(json_array_size(runs), 4);
	for (size_t i = 0; i < 3; i++) {
		const json_t *row = json_array_get(json_object_get(json_array_get(runs, i), "rows"), 0);
		const json_t *values = json_object_get(row, "values");
		cr_expect_str_eq(json_string_value(json_object_get(values, "text")), parsed_texts[i]);
		cr_expect_eq(json_integer_value(json_object_get(values, "count_total")), 9007199254740993);
	}
	cr_expect_str_eq(json_string_value(json_object_get(json, "target")), "quad\\9");
	json_decref(json);
	mem_free(page);
}

/* --- HTML -------------------------------------------------------------------------------------------------------- */

static void expect_in(const char *page, const char *part)
{
	cr_expect(strstr(page, part), "%s in %s", part, page);
}

Test(results_page, a_page_for_people)
{
	struct full full;
	struct sample lost = failed();
	make_full(&full, "<script>");
	lost.begun_realtime_ns = MOMENT + INT64_C(1000000000);
	const struct sample samples[] = {full.sample, lost};
	char *page = page_of(RESULTS_HTML, &alpha, samples, 2);
	expect_in(page, "<title>quad\\9</title>");
	expect_in(page, "fast &#34;ping&#34;");
	expect_in(page, "format=csv&amp;limit=2&amp;target=quad%5C9&amp;probe=fast%20%22ping%22\"");
	/* Three times of the first run, whose average makes the scale; the other one failed without any. */
	expect_in(page, "<line class=\"spread\" x1=\"70.0\" y1=\"105.0\" x2=\"70.0\" y2=\"10.0\"/>");
	expect_in(page, "<circle class=\"middle\" cx=\"70.0\" cy=\"10.0\" r=\"2\"/>");
	expect_in(page,
		  "<line class=\"failed\" stroke-width=\"8.0\" x1=\"930.0\" y1=\"200\" x2=\"930.0\" y2=\"10.0\"/>");
	cr_expect_null(strstr(page, "cx=\"930.0\""));
	/* Newest first. */
	const char *bad = strstr(page, "<td class=\"number\">3</td><td class=\"bad\">timeout</td>"
				       "<td class=\"number\">900.0 ms</td><td class=\"number\"></td>");
	const char *good = strstr(page, "<td class=\"number\">2</td><td class=\"good\">ok</td>"
					"<td class=\"number\">12.3 ms</td><td class=\"number\">1.000 ms</td>"
					"<td class=\"number\">2.000 ms</td><td class=\"number\">3.000 ms</td>");
	cr_expect(bad && good && bad < good, "%s", page);
	cr_expect_null(strstr(page, "<script"));
	mem_free(page);
}

Test(results_page, columns_are_those_that_there_are)
{
	static const struct measure trace_measures[] = {
		{"rtt_min_seconds", MEASURE_GAUGE, ""},
		{"rtt_avg_seconds", MEASURE_GAUGE, ""},
		{"rtt_max_seconds", MEASURE_GAUGE, ""},
		{"loss_ratio", MEASURE_GAUGE, ""},
	};
	static const struct measure_set trace = {"trace", trace_measures, 4, NULL, ""};
	const struct reading readings[] = {reading_number(0, 0.004), reading_number(1, 0.01), reading_number(2, 0.02),
					   reading_number(3, 0.25)};
	const struct row row = {&trace, NULL, 0, readings, 4};
	struct sample sample = failed();
	char *page = page_of(RESULTS_HTML, &trace, &sample, 1);
	cr_expect_null(strstr(page, ">average<"));
	cr_expect_null(strstr(page, ">loss<"));
	mem_free(page);
	sample.reason = REASON_OK;
	sample.rows = &row;
	sample.nrows = 1;
	page = page_of(RESULTS_HTML, &trace, &sample, 1);
	expect_in(page,
		  "<td class=\"number\">4.000 ms</td><td class=\"number\">10.0 ms</td><td class=\"number\">20.0 ms</td>"
		  "<td class=\"number some\">25 %</td></tr>");
	/* A quarter of 190 from the bottom up. */
	expect_in(page, "<line class=\"lossy\" stroke-width=\"8.0\" x1=\"70.0\" y1=\"200\" x2=\"70.0\" y2=\"152.5\"/>");
	mem_free(page);
}

Test(results_page, a_page_without_times_or_runs)
{
	struct sample samples[] = {failed(), failed(), failed()};
	samples[1].reason = REASON_OK;
	samples[1].begun_realtime_ns -= INT64_C(3600000000000); /* the clock was set back */
	char *page = page_of(RESULTS_HTML, &alpha, samples, 3);
	expect_in(page, "<circle class=\"middle\" cx=\"70.0\"");
	mem_free(page);
	page = page_of(RESULTS_HTML, &alpha, NULL, 0);
	expect_in(page, "No run has ended yet.");
	cr_expect_null(strstr(page, "<svg"));
	mem_free(page);
}
