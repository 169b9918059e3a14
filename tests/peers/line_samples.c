/*
 * Hard cases of line protocol, for test_line_protocol.py to send to a server of others.
 *
 * line_samples            prints the lines
 * line_samples --expected prints what the server should give back, as a JSON list of {tags, fields, time}; written
 *                         without any of the code that writes the lines
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "influx/line.h"

enum { COUNT, WAIT, LEVEL, WHOLE, RTT, NOTE, MEASURES };
static const struct measure measures[MEASURES] = {
	[COUNT] = {"count_total", MEASURE_COUNTER, ""}, [WAIT] = {"wait_seconds_total", MEASURE_COUNTER_SECONDS, ""},
	[LEVEL] = {"level", MEASURE_GAUGE, ""},         [WHOLE] = {"whole", MEASURE_INTEGER, ""},
	[RTT] = {"rtt_seconds", MEASURE_HISTOGRAM, ""}, [NOTE] = {"note", MEASURE_TEXT, ""},
};
static const struct measure_set set = {.name = "hard", .measures = measures, .n = MEASURES};

/* back: what is read back; NULL = the same. */
struct hard_case {
	const char *tag, *tag_back;
	const char *note, *note_back;
	int64_t count, whole, wait_ns;
	double level;
	int64_t stamp_ns; /* 0 = any */
};

#define REPLACED "\xef\xbf\xbd"

/* The first case fixes the types of the fields: whole numbers in float fields and a negative one in an integer field.
 */
static const struct hard_case cases[] = {
	{.tag = "plain", .note = "plain", .level = 12, .wait_ns = 12000000000, .whole = -1},
	{.tag = "zero", .note = ""},
	{.tag = "a,b=c d", .note = "a,b=c d", .level = 0.1, .wait_ns = 1},
	{.tag = " ", .note = " ", .level = -0.5, .wait_ns = 100000000},
	{.tag = ",", .note = ",", .level = 1e15, .wait_ns = 999999999},
	{.tag = "=", .note = "=", .level = 1e16, .count = 1},
	{.tag = "\"quoted\"", .note = "\"quoted\"", .level = 1e-5},
	{.tag = "'single'", .note = "'single'", .level = 1e300},
	{.tag = "#comment", .note = "#comment", .level = -1.7976931348623157e308},
	{.tag = "back\\slash", .note = "back\\slash", .level = 5e-324},
	{.tag = "two\\\\backslashes", .note = "two\\\\backslashes", .level = 2.2250738585072014e-308},
	{.tag = "end\\", .tag_back = "end/", .note = "end\\", .level = 1.0 / 3},
	{.tag = "\\", .tag_back = "/", .note = "\\", .level = 0.1 + 0.2},
	{.tag = "\\,", .note = "\\\"", .level = 123456789.123456789},
	{.tag = "\\=x", .note = "\\n", .level = 9007199254740993.0},
	{.tag = "\\ x", .note = "\\\\\"", .level = NAN},
	{.tag = "\\\\,x", .note = "\"", .level = INFINITY},
	{.tag = "line\nfeed",
	 .tag_back = "line feed",
	 .note = "line\nfeed",
	 .note_back = "line feed",
	 .level = -INFINITY},
	{.tag = "\r\n", .tag_back = "  ", .note = "\r\n", .note_back = "  "},
	{.tag = "\t\x01\x7f", .tag_back = "   ", .note = "\t\x01\x7f", .note_back = "   "},
	{.tag = "M\xc3\xbcnchen", .note = "M\xc3\xbcnchen"},
	{.tag = "\xe6\x9d\xb1\xe4\xba\xac", .note = "\xf0\x9f\x93\xa1"},
	{.tag = "latin \xfc.", .tag_back = "latin " REPLACED ".", .note = "\xff", .note_back = REPLACED},
	{.tag = "true", .note = "true"},
	{.tag = "1i", .note = "1i"},
	{.tag = "NaN", .note = "NaN"},
	{.tag = "limits", .note = "limits", .count = INT64_MAX, .whole = INT64_MIN, .wait_ns = INT64_MAX},
	{.tag = "negative", .note = "x", .count = INT64_MIN, .whole = INT64_MAX, .wait_ns = INT64_MIN},
	{.tag = "first instant", .note = "x", .stamp_ns = INT64_C(-9223372036854775806)},
	{.tag = "last instant", .note = "x", .stamp_ns = INT64_C(9223372036854775806)},
	{.tag = "before the epoch", .note = "x", .stamp_ns = -1},
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

static int64_t stamp_of(size_t i)
{
	return cases[i].stamp_ns != 0 ? cases[i].stamp_ns : INT64_C(1700000000123456789) + (int64_t)i;
}

static int64_t rtt_of(size_t i)
{
	return (int64_t)i * 1001;
}

/* A string of n times x. */
static char *repeat(size_t n)
{
	char *string = malloc(n + 1);
	if (string == NULL)
		exit(1);
	memset(string, 'x', n);
	string[n] = '\0';
	return string;
}

/* --- lines --------------------------------------------------------------------------------------------------- */

static void add_line(struct text *out, const struct label *labels, size_t nlabels, const struct row *row,
		     int64_t stamp_ns)
{
	static const struct line_run run = {
		.reason = REASON_TIMEOUT, .took_ns = 2000000000, .run = 7, .boot = "b\"oot"};
	struct line_tags tags = {0};
	line_tags_make(&tags, labels, nlabels);
	if (line_format(out, &tags, row, &run, stamp_ns) != 1) {
		fprintf(stderr, "a case made no line\n");
		exit(1);
	}
	line_tags_free(&tags);
}

static void add_case(struct text *out, size_t i)
{
	char number[24];
	int64_t rtt_ns = rtt_of(i);
	snprintf(number, sizeof(number), "%zu", i);
	const struct label labels[] = {{"case", number},
				       {"k", cases[i].tag},
				       {"left_out", ""},
				       {"odd =,key", "is kept"},
				       {"won", "by the tag"}};
	const struct label row_labels[] = {{"won", "by the row"}, {"zone", "z"}};
	const struct reading readings[] = {
		reading_integer(COUNT, cases[i].count), reading_integer(WAIT, cases[i].wait_ns),
		reading_number(LEVEL, cases[i].level),  reading_integer(WHOLE, cases[i].whole),
		reading_histogram(RTT, &rtt_ns, 1),     reading_text(NOTE, cases[i].note),
	};
	const struct row row = {&set, row_labels, 2, readings, sizeof(readings) / sizeof(readings[0])};
	add_line(out, labels, 5, &row, stamp_of(i));
}

/* As much text, and as long a key, as we write. */
static void add_long_lines(struct text *out)
{
	char *note = repeat(LINE_STRING_MAX + 1);
	char *tag = repeat(LINE_KEY_MAX - strlen("hard,case=long\\ tag,k="));
	const struct reading reading = reading_text(NOTE, note);
	const struct row row = {&set, NULL, 0, &reading, 1};
	const struct label long_note[] = {{"case", "long note"}};
	const struct label long_tag[] = {{"case", "long tag"}, {"k", tag}};
	const struct reading whole = reading_integer(WHOLE, 1);
	const struct row short_row = {&set, NULL, 0, &whole, 1};
	add_line(out, long_note, 1, &row, 1);
	add_line(out, long_tag, 2, &short_row, 1);
	free(tag);
	free(note);
}

/* --- expectations -------------------------------------------------------------------------------------------- */

static void print_json_string(const char *string)
{
	putchar('"');
	for (; *string != '\0'; string++) {
		if (*string == '"' || *string == '\\')
			putchar('\\');
		putchar(*string);
	}
	putchar('"');
}

static void print_seconds(const char *name, int64_t ns)
{
	uint64_t magnitude = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	printf(", \"%s\": %s%" PRIu64 ".%09" PRIu64, name, ns < 0 ? "-" : "", magnitude / 1000000000,
	       magnitude % 1000000000);
}

static void print_run(void)
{
	printf("\"success\": 0, \"reason\": \"timeout\", \"duration_seconds\": 2, \"run\": 7, \"boot\": \"b\\\"oot\"");
}

static void print_expected(size_t i)
{
	const struct hard_case *hard = &cases[i];
	printf("{\"tags\": {\"case\": \"%zu\", \"odd =,key\": \"is kept\", \"won\": \"by the row\", \"zone\": \"z\", "
	       "\"k\": ",
	       i);
	print_json_string(hard->tag_back != NULL ? hard->tag_back : hard->tag);
	printf("}, \"fields\": {");
	print_run();
	printf(", \"count_total\": %" PRId64 ", \"whole\": %" PRId64, hard->count, hard->whole);
	print_seconds("wait_seconds_total", hard->wait_ns);
	if (isfinite(hard->level))
		printf(", \"level\": %.17g", hard->level);
	printf(", \"rtt_count\": 1");
	print_seconds("rtt_min_seconds", rtt_of(i));
	print_seconds("rtt_avg_seconds", rtt_of(i));
	print_seconds("rtt_max_seconds", rtt_of(i));
	printf(", \"note\": ");
	print_json_string(hard->note_back != NULL ? hard->note_back : hard->note);
	printf("}, \"time\": %" PRId64 "},\n", stamp_of(i));
}

static void print_long_expected(void)
{
	char *note = repeat(LINE_STRING_MAX);
	char *tag = repeat(LINE_KEY_MAX - strlen("hard,case=long\\ tag,k="));
	printf("{\"tags\": {\"case\": \"long note\"}, \"fields\": {");
	print_run();
	printf(", \"note\": \"%s\"}, \"time\": 1},\n", note);
	printf("{\"tags\": {\"case\": \"long tag\", \"k\": \"%s\"}, \"fields\": {", tag);
	print_run();
	printf(", \"whole\": 1}, \"time\": 1}\n");
	free(tag);
	free(note);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--expected") == 0) {
		printf("[\n");
		for (size_t i = 0; i < CASES; i++)
			print_expected(i);
		print_long_expected();
		printf("]\n");
		return 0;
	}
	struct text out = {0};
	for (size_t i = 0; i < CASES; i++)
		add_case(&out, i);
	add_long_lines(&out);
	fwrite(out.bytes, 1, out.length, stdout);
	text_free(&out);
	return 0;
}
