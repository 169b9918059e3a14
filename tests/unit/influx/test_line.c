#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "influx/line.h"

#define STAMP INT64_C(1700000000123456789)

enum { SENT, WAITED, LOSS, TTL, RTT, INFO, NOTE, MEASURES };
static const struct measure measures[MEASURES] = {
	[SENT] = {"sent_total", MEASURE_COUNTER, "s"},
	[WAITED] = {"waited_seconds_total", MEASURE_COUNTER_SECONDS, "w"},
	[LOSS] = {"loss_ratio", MEASURE_GAUGE, "l"},
	[TTL] = {"ttl", MEASURE_INTEGER, "t"},
	[RTT] = {"rtt_seconds", MEASURE_HISTOGRAM, "r"},
	[INFO] = {"info", MEASURE_INFO, "i"},
	[NOTE] = {"note", MEASURE_TEXT, "n"},
};
static const struct measure_set ping_set = {.name = "ping", .measures = measures, .n = MEASURES};

/* The line of one row, to be freed by the caller; "" when there is none. */
static char *format(const struct line_tags *tags, const struct row *row, const struct line_run *run)
{
	struct text text = {0};
	int lines = line_format(&text, tags, row, run, STAMP);
	cr_assert_eq(lines, text.length > 0 ? 1 : 0);
	cr_assert_not(text.overflowed);
	return text_take(&text);
}

/* The part between the measurement and the stamp, of one reading. */
static void expect_field(struct reading reading, const char *expected)
{
	struct line_tags tags = {0};
	struct row row = {.set = &ping_set, .readings = &reading, .n = 1};
	char *line = format(&tags, &row, NULL);
	char *whole =
		expected[0] != '\0' ? mem_format("ping %s 1700000000123456789\n", expected) : mem_format("%s", "");
	cr_expect_str_eq(line, whole);
	mem_free(whole);
	mem_free(line);
}

static void expect_tags(const struct label *labels, size_t n, const char *expected)
{
	struct line_tags tags = {0};
	line_tags_make(&tags, labels, n);
	cr_expect_str_eq(text_string(&tags.escaped), expected);
	line_tags_free(&tags);
	cr_expect_null(tags.tags);
}

Test(line, tags_are_sorted_and_the_later_wins)
{
	static const struct label labels[] = {{"target", "t1"}, {"agent", "a"}, {"probe", "p"}, {"target", "t2"}};
	expect_tags(labels, 4, ",agent=a,probe=p,target=t2");
	expect_tags(labels, 3, ",agent=a,probe=p,target=t1");
	expect_tags(labels, 1, ",target=t1");
	expect_tags(labels, 0, "");
	expect_tags(NULL, 0, "");
}

Test(line, tags_left_out)
{
	static const struct label labels[] = {{"a", ""},        {"b", NULL}, {"", "c"},
					      {"time", "noon"}, {"d", "1"},  {"d", ""}};
	expect_tags(labels, 6, "");
	expect_tags(labels, 5, ",d=1");
	line_tags_free(NULL);
}

Test(line, tags_keep_their_labels)
{
	static const struct label labels[] = {{"b", "x y"}, {"a", "1"}};
	struct line_tags tags = {0};
	line_tags_make(&tags, labels, 2);
	cr_assert_eq(tags.n, 2);
	cr_expect_str_eq(tags.tags[0].label.name, "a");
	cr_expect_str_eq(tags.tags[1].label.value, "x y");
	cr_expect_eq(tags.tags[0].end, 4);
	cr_expect_eq(tags.tags[1].end, tags.escaped.length);
	line_tags_free(&tags);
}

Test(line, tag_escapes)
{
	static const struct {
		const char *value, *expected;
	} cases[] = {
		{"plain", ",k=plain"},
		{"a,b=c d", ",k=a\\,b\\=c\\ d"},
		{" ", ",k=\\ "},
		{",", ",k=\\,"},
		{"back\\slash", ",k=back\\slash"},
		{"end\\", ",k=end/"},
		{"\\", ",k=/"},
		{"two\\\\", ",k=two\\/"},
		{"\\,", ",k=\\\\,"},
		{"\"quoted\" 'too'", ",k=\"quoted\"\\ 'too'"},
		{"line\nfeed\r\ttab\x7f.", ",k=line\\ feed\\ \\ tab\\ ."},
		{"\x01\x1f", ",k=\\ \\ "},
		{"M\xc3\xbcnchen \xf0\x9f\x93\xa1", ",k=M\xc3\xbcnchen\\ \xf0\x9f\x93\xa1"},
		{"latin \xfc.", ",k=latin\\ \xef\xbf\xbd."},
		{"cut \xe2\x82", ",k=cut\\ \xef\xbf\xbd\xef\xbf\xbd"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct label label = {"k", cases[i].value};
		expect_tags(&label, 1, cases[i].expected);
	}
	static const struct label key = {"a key,=\\", "v"};
	expect_tags(&key, 1, ",a\\ key\\,\\=/=v");
}

/* Every class of well-formed and ill-formed sequences of RFC 3629. */
Test(line, utf8)
{
	static const struct {
		const char *bytes;
		size_t replaced; /* number of U+FFFD expected; 0 = kept as it is */
	} cases[] = {
		{"\xc2\x80", 0},
		{"\xdf\xbf", 0},
		{"\xe0\xa0\x80", 0},
		{"\xed\x9f\xbf", 0},
		{"\xee\x80\x80", 0},
		{"\xf0\x90\x80\x80", 0},
		{"\xf4\x8f\xbf\xbf", 0},
		{"\xf3\x80\x80\x80", 0},
		{"\x80", 1},
		{"\xbf", 1},
		{"\xc0\x80", 2},
		{"\xc1\xbf", 2},
		{"\xe0\x9f\xbf", 3},
		{"\xed\xa0\x80", 3},
		{"\xf0\x8f\xbf\xbf", 4},
		{"\xf4\x90\x80\x80", 4},
		{"\xf5\x80\x80\x80", 4},
		{"\xff", 1},
		{"\xc3", 1},
		{"\xe2\x82", 2},
		{"\xf0\x9f\x93", 3},
		{"\xe2\x82\xc0", 3},
		{"\xf0\x9f\xc0\x80", 4},
		{"\xc3\xc0", 2},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char expected[64] = ",k=";
		struct label label = {"k", cases[i].bytes};
		for (size_t n = 0; n < cases[i].replaced; n++)
			strcat(expected, "\xef\xbf\xbd");
		if (cases[i].replaced == 0)
			strcat(expected, cases[i].bytes);
		expect_tags(&label, 1, expected);
	}
}

Test(line, integers)
{
	expect_field(reading_integer(SENT, 0), "sent_total=0i");
	expect_field(reading_integer(SENT, 9), "sent_total=9i");
	expect_field(reading_integer(SENT, 10), "sent_total=10i");
	expect_field(reading_integer(SENT, INT64_MAX), "sent_total=9223372036854775807i");
	expect_field(reading_integer(TTL, -1), "ttl=-1i");
	expect_field(reading_integer(TTL, INT64_MIN), "ttl=-9223372036854775808i");
}

Test(line, seconds_are_exact)
{
	static const struct {
		int64_t ns;
		const char *expected;
	} cases[] = {
		{0, "0"},
		{1, "0.000000001"},
		{10, "0.00000001"},
		{100000000, "0.1"},
		{999999999, "0.999999999"},
		{1000000000, "1"},
		{12000000000, "12"},
		{12345678900, "12.3456789"},
		{-1500000000, "-1.5"},
		{-1, "-0.000000001"},
		{INT64_MAX, "9223372036.854775807"},
		{INT64_MIN, "-9223372036.854775808"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *expected = mem_format("waited_seconds_total=%s", cases[i].expected);
		expect_field(reading_integer(WAITED, cases[i].ns), expected);
		mem_free(expected);
	}
}

Test(line, gauges)
{
	expect_field(reading_number(LOSS, 0), "loss_ratio=0");
	expect_field(reading_number(LOSS, 12), "loss_ratio=12");
	expect_field(reading_number(LOSS, 0.25), "loss_ratio=0.25");
	expect_field(reading_number(LOSS, -1e300), "loss_ratio=-1e+300");
	expect_field(reading_number(LOSS, 5e-324), "loss_ratio=5e-324");
	expect_field(reading_number(LOSS, NAN), "");
	expect_field(reading_number(LOSS, INFINITY), "");
	expect_field(reading_number(LOSS, -INFINITY), "");
}

Test(line, texts)
{
	expect_field(reading_text(NOTE, "plain"), "note=\"plain\"");
	expect_field(reading_text(NOTE, ""), "note=\"\"");
	expect_field(reading_text(NOTE, NULL), "");
	expect_field(reading_text(NOTE, "a\"b\\c"), "note=\"a\\\"b\\\\c\"");
	expect_field(reading_text(NOTE, "\\"), "note=\"\\\\\"");
	expect_field(reading_text(NOTE, "a, b = c"), "note=\"a, b = c\"");
	expect_field(reading_text(NOTE, "two\nlines\r\x02"), "note=\"two lines  \"");
	expect_field(reading_text(NOTE, "\xc3\xbc \xfc"), "note=\"\xc3\xbc \xef\xbf\xbd\"");
}

Test(line, info_makes_no_line)
{
	expect_field((struct reading){.measure = INFO}, "");
}

/* A text of n bytes and then the tail; how many bytes of content come out. */
static size_t text_kept(size_t n, const char *tail)
{
	char *value = mem_alloc(n + strlen(tail) + 1);
	memset(value, 'x', n);
	strcpy(value + n, tail);
	struct reading reading = reading_text(NOTE, value);
	struct row row = {.set = &ping_set, .readings = &reading, .n = 1};
	struct line_tags tags = {0};
	char *line = format(&tags, &row, NULL);
	size_t kept = strlen(line) - strlen("ping note=\"\" 1700000000123456789\n");
	cr_expect_str_eq(line + strlen(line) - 22, "\" 1700000000123456789\n");
	mem_free(line);
	mem_free(value);
	return kept;
}

Test(line, long_texts_are_cut_between_characters)
{
	cr_expect_eq(text_kept(LINE_STRING_MAX - 1, ""), LINE_STRING_MAX - 1);
	cr_expect_eq(text_kept(LINE_STRING_MAX, ""), LINE_STRING_MAX);
	cr_expect_eq(text_kept(LINE_STRING_MAX, "y"), LINE_STRING_MAX);
	cr_expect_eq(text_kept(LINE_STRING_MAX + 5000, ""), LINE_STRING_MAX);
	cr_expect_eq(text_kept(LINE_STRING_MAX - 2, "\xc3\xbc"), LINE_STRING_MAX);
	cr_expect_eq(text_kept(LINE_STRING_MAX - 1, "\xc3\xbc"), LINE_STRING_MAX - 1);
	cr_expect_eq(text_kept(LINE_STRING_MAX - 1, "\xc3\xbcy"), LINE_STRING_MAX - 1);
	cr_expect_eq(text_kept(LINE_STRING_MAX - 3, "\xf0\x9f\x93\xa1"), LINE_STRING_MAX - 3);
	cr_expect_eq(text_kept(LINE_STRING_MAX - 2, "\xff"), LINE_STRING_MAX - 2);
	cr_expect_eq(text_kept(LINE_STRING_MAX - 3, "\xff"), LINE_STRING_MAX);
}

/* --- histograms ---------------------------------------------------------------------------------------------- */

Test(line, histogram)
{
	static const int64_t values[] = {30000000, 10000000, 20000001};
	expect_field(reading_histogram(RTT, values, 3),
		     "rtt_count=3i,rtt_min_seconds=0.01,rtt_avg_seconds=0.02,rtt_max_seconds=0.03");
	expect_field(reading_histogram(RTT, values, 1),
		     "rtt_count=1i,rtt_min_seconds=0.03,rtt_avg_seconds=0.03,rtt_max_seconds=0.03");
	expect_field(reading_histogram(RTT, NULL, 0), "rtt_count=0i");
}

Test(line, histogram_average_does_not_overflow)
{
	static const int64_t values[] = {INT64_MAX, INT64_MAX, INT64_MAX};
	expect_field(reading_histogram(RTT, values, 3),
		     "rtt_count=3i,rtt_min_seconds=9223372036.854775807,rtt_avg_seconds=9223372036.854775807,"
		     "rtt_max_seconds=9223372036.854775807");
}

static void expect_histogram(const struct measure *own, size_t n, const char *expected)
{
	static const int64_t values[] = {1000000000, 3000000000};
	struct measure_set set = {.name = "s", .measures = own, .n = n};
	struct reading reading = reading_histogram(0, values, 2);
	struct row row = {.set = &set, .readings = &reading, .n = 1};
	struct line_tags tags = {0};
	char *line = format(&tags, &row, NULL);
	cr_expect_str_eq(line, expected);
	mem_free(line);
}

Test(line, histogram_yields_to_measures_of_the_set)
{
	static const struct measure own[] = {
		{"rtt_seconds", MEASURE_HISTOGRAM, ""},
		{"rtt_min_seconds", MEASURE_GAUGE, ""},
		{"rtt_max_seconds", MEASURE_GAUGE, ""},
		{"rtt_count", MEASURE_COUNTER, ""},
		{"rtt_minimum", MEASURE_GAUGE, ""},
		{"rtx_avg_seconds", MEASURE_GAUGE, ""},
		{"rttx", MEASURE_GAUGE, ""},
		{"rtt_avg_seconds", MEASURE_GAUGE, ""},
	};
	expect_histogram(own, 1,
			 "s rtt_count=2i,rtt_min_seconds=1,rtt_avg_seconds=2,rtt_max_seconds=3 "
			 "1700000000123456789\n");
	expect_histogram(own, 2, "s rtt_count=2i,rtt_avg_seconds=2,rtt_max_seconds=3 1700000000123456789\n");
	expect_histogram(own, 7, "s rtt_avg_seconds=2 1700000000123456789\n");
	expect_histogram(own, 8, "");
}

Test(line, histogram_of_another_name)
{
	static const struct measure plain[] = {{"hops", MEASURE_HISTOGRAM, ""}};
	static const struct measure unit[] = {{"_seconds", MEASURE_HISTOGRAM, ""}};
	expect_histogram(plain, 1,
			 "s hops_count=2i,hops_min_seconds=1,hops_avg_seconds=2,hops_max_seconds=3 "
			 "1700000000123456789\n");
	expect_histogram(unit, 1,
			 "s _seconds_count=2i,_seconds_min_seconds=1,_seconds_avg_seconds=2,"
			 "_seconds_max_seconds=3 1700000000123456789\n");
}

/* --- rows ---------------------------------------------------------------------------------------------------- */

Test(line, row_labels_are_sorted_in_and_win)
{
	static const struct label own[] = {{"agent", "a"}, {"probe", "p"}, {"target", "t,1"}};
	static const struct {
		struct label labels[4];
		size_t n;
		const char *expected;
	} cases[] = {
		{{{"hop", "3"}}, 1, ",agent=a,hop=3,probe=p,target=t\\,1"},
		{{{"aaa", "x"}, {"zzz", "y"}}, 2, ",aaa=x,agent=a,probe=p,target=t\\,1,zzz=y"},
		{{{"zzz", "y"}, {"b", "x"}}, 2, ",agent=a,b=x,probe=p,target=t\\,1,zzz=y"},
		{{{"probe", "own q"}}, 1, ",agent=a,probe=own\\ q,target=t\\,1"},
		{{{"target", "q"}, {"agent", "r"}}, 2, ",agent=r,probe=p,target=q"},
		{{{"probe", ""}}, 1, ",agent=a,target=t\\,1"},
		{{{"hop", "1"}, {"x", "2"}, {"hop", "3"}}, 3, ",agent=a,hop=3,probe=p,target=t\\,1,x=2"},
		{{{"time", "noon"}}, 1, ",agent=a,probe=p,target=t\\,1"},
		{{{"prob", "1"}, {"probe2", "2"}}, 2, ",agent=a,prob=1,probe=p,probe2=2,target=t\\,1"},
	};
	struct line_tags tags = {0};
	struct reading reading = reading_integer(TTL, 1);
	line_tags_make(&tags, own, 3);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct row row = {&ping_set, cases[i].labels, cases[i].n, &reading, 1};
		char *line = format(&tags, &row, NULL);
		char *expected = mem_format("ping%s ttl=1i 1700000000123456789\n", cases[i].expected);
		cr_expect_str_eq(line, expected);
		mem_free(expected);
		mem_free(line);
	}
	line_tags_free(&tags);
}

Test(line, row_labels_without_tags)
{
	static const struct label labels[] = {{"b", "2"}, {"a", "1"}};
	struct reading reading = reading_integer(TTL, 1);
	struct row row = {&ping_set, labels, 2, &reading, 1};
	struct line_tags tags = {0};
	char *line = format(&tags, &row, NULL);
	cr_expect_str_eq(line, "ping,a=1,b=2 ttl=1i 1700000000123456789\n");
	mem_free(line);
}

Test(line, run_fields)
{
	struct line_tags tags = {0};
	struct row row = {.set = &ping_set};
	struct line_run run = {REASON_OK, 12300000, 7, "b00t"};
	char *line = format(&tags, &row, &run);
	cr_expect_str_eq(line, "ping success=1i,reason=\"ok\",duration_seconds=0.0123,run=7i,boot=\"b00t\" "
			       "1700000000123456789\n");
	mem_free(line);
	run = (struct line_run){REASON_TIMEOUT, 1000000000, UINT64_MAX, NULL};
	line = format(&tags, &row, &run);
	cr_expect_str_eq(line, "ping success=0i,reason=\"timeout\",duration_seconds=1,run=9223372036854775807i "
			       "1700000000123456789\n");
	mem_free(line);
}

Test(line, sample)
{
	static const struct label hop[] = {{"hop", "1"}};
	struct reading main_readings[] = {reading_integer(SENT, 3), reading_number(LOSS, NAN),
					  reading_integer(TTL, 60)};
	struct reading info = {.measure = INFO};
	struct row rows[] = {
		{&ping_set, NULL, 0, main_readings, 3},
		{&ping_set, hop, 1, &info, 1},
		{&ping_set, hop, 1, main_readings, 1},
	};
	struct sample sample = {
		.reason = REASON_OK, .begun_realtime_ns = -1, .took_ns = 5, .run = 1, .rows = rows, .nrows = 3};
	struct line_tags tags = {0};
	struct text text = {0};
	cr_assert_eq(line_format_sample(&text, &tags, &sample, "x"), 2);
	cr_expect_str_eq(text_string(&text),
			 "ping success=1i,reason=\"ok\",duration_seconds=0.000000005,run=1i,boot=\"x\","
			 "sent_total=3i,ttl=60i -1\nping,hop=1 sent_total=3i -1\n");
	sample.nrows = 0;
	cr_expect_eq(line_format_sample(&text, &tags, &sample, "x"), 0);
	text_free(&text);
}

/* --- ceilings ------------------------------------------------------------------------------------------------ */

/* A row with everything in it, with every ceiling from nothing to enough: whole or not at all, and what was there
 * before stays. */
Test(line, ceiling_leaves_no_piece_of_a_line)
{
	static const struct label own[] = {{"agent", "a b"}, {"target", "t"}};
	static const struct label labels[] = {{"hop", "3"}, {"zone", "x=\xfc\xfc"}};
	static const int64_t values[] = {1, 2};
	struct reading readings[] = {
		reading_integer(SENT, 1),          reading_integer(WAITED, 2),
		reading_number(LOSS, 0.1),         reading_integer(TTL, 4),
		reading_histogram(RTT, values, 2), reading_text(NOTE, "some \"text\" \xc3\xbc with \xfc and an end")};
	struct row row = {&ping_set, labels, 2, readings, 6};
	struct line_run run = {REASON_OK, 1, 1, "boot"};
	struct line_tags tags = {0};
	line_tags_make(&tags, own, 2);
	char *whole = format(&tags, &row, &run);
	size_t length = strlen(whole), fitted = 0;
	for (size_t ceiling = 4; ceiling < length + 150; ceiling++) {
		struct text text = {.ceiling = ceiling};
		text_add(&text, "old\n");
		int lines = line_format(&text, &tags, &row, &run, STAMP);
		cr_assert_eq(text.overflowed, lines == 0);
		cr_assert_eq(text.length, lines == 1 ? length + 4 : 4);
		cr_assert_eq(memcmp(text.bytes, "old\n", 4), 0);
		cr_assert(lines == 0 || memcmp(text.bytes + 4, whole, length) == 0);
		fitted += (size_t)lines;
		text_free(&text);
	}
	cr_expect_geq(fitted, 50);
	mem_free(whole);
	line_tags_free(&tags);
}

/* The key (measurement and tags) that InfluxDB would refuse is not sent. */
static int lines_of_key(size_t n, bool is_row_label)
{
	char *value = mem_alloc(n + 1);
	memset(value, 'v', n);
	value[n] = '\0';
	struct label label = {"t", value};
	struct reading reading = reading_integer(TTL, 1);
	struct row row = {&ping_set, is_row_label ? &label : NULL, is_row_label ? 1 : 0, &reading, 1};
	struct line_tags tags = {0};
	struct text text = {0};
	line_tags_make(&tags, &label, is_row_label ? 0 : 1);
	int lines = line_format(&text, &tags, &row, NULL, STAMP);
	cr_expect_eq(text.overflowed, lines == 0);
	cr_expect_eq(text.length > 0, lines == 1);
	text_free(&text);
	line_tags_free(&tags);
	mem_free(value);
	return lines;
}

Test(line, keys_that_are_too_long)
{
	size_t fits = LINE_KEY_MAX - strlen("ping,t=");
	cr_expect_eq(lines_of_key(fits, false), 1);
	cr_expect_eq(lines_of_key(fits + 1, false), 0);
	cr_expect_eq(lines_of_key(fits, true), 1);
	cr_expect_eq(lines_of_key(fits + 1, true), 0);
}
