/*
 * Line protocol, there and back: a sample is made of the input, written as a line, read by a strict reader of its own
 * (the grammar of influxdata/line-protocol and no more) and compared with what went in.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "influx/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LABELS_MAX  6
#define STRING_MAX  4096
#define TAGS_MAX    (2 * LABELS_MAX)
#define VALUES_MAX  8
#define STRINGS_MAX 40

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

enum { COUNT, WAIT, LEVEL, WHOLE, RTT, OWN, OWN_MIN, OWN_COUNT, INFO, NOTE, REMARK, MEASURES };
static const struct measure measures[MEASURES] = {
	[COUNT] = {"count_total", MEASURE_COUNTER, ""},
	[WAIT] = {"wait_seconds_total", MEASURE_COUNTER_SECONDS, ""},
	[LEVEL] = {"level", MEASURE_GAUGE, ""},
	[WHOLE] = {"whole", MEASURE_INTEGER, ""},
	[RTT] = {"rtt_seconds", MEASURE_HISTOGRAM, ""},
	[OWN] = {"own_seconds", MEASURE_HISTOGRAM, ""},
	[OWN_MIN] = {"own_min_seconds", MEASURE_GAUGE, ""},
	[OWN_COUNT] = {"own_count", MEASURE_INTEGER, ""},
	[INFO] = {"info", MEASURE_INFO, ""},
	[NOTE] = {"note", MEASURE_TEXT, ""},
	[REMARK] = {"remark", MEASURE_TEXT, ""},
};
static const struct measure_set set = {.name = "fuzzed_set", .measures = measures, .n = MEASURES};

/* --- what goes in -------------------------------------------------------------------------------------------- */

struct input {
	const uint8_t *data;
	size_t size;
	char *strings[STRINGS_MAX]; /* to be freed */
	size_t nstrings;
};

static uint64_t take(struct input *input, size_t bytes)
{
	uint64_t value = 0;
	for (; bytes > 0 && input->size > 0; bytes--, input->size--)
		value = value << 8 | *input->data++;
	return value;
}

/* Mostly short; a length byte of 255 asks for a long one. */
static char *take_string(struct input *input)
{
	size_t wanted = (size_t)take(input, 1), n = 0;
	size_t limit = wanted == 255 ? STRING_MAX : wanted % 24;
	char *string = malloc(limit + 1);
	REQUIRE(string != NULL && input->nstrings < STRINGS_MAX);
	while (n < limit && input->size > 0) {
		char c = (char)take(input, 1);
		if (c != '\0')
			string[n++] = c;
	}
	string[n] = '\0';
	input->strings[input->nstrings++] = string;
	return string;
}

static size_t take_labels(struct input *input, struct label labels[LABELS_MAX])
{
	static const char *const names[] = {"agent", "probe", "target", "time"};
	size_t n = (size_t)take(input, 1) % (LABELS_MAX + 1);
	for (size_t i = 0; i < n; i++) {
		uint64_t which = take(input, 1);
		labels[i].name = which % 8 < 4 ? names[which % 4] : take_string(input);
		labels[i].value = take_string(input);
	}
	return n;
}

struct subject_matter {
	struct label own[LABELS_MAX], row_labels[LABELS_MAX];
	size_t nown;
	int64_t observed[2][VALUES_MAX];
	struct reading readings[MEASURES];
	struct row row;
	struct line_run run;
	bool has_run;
	int64_t stamp_ns;
};

static struct reading take_reading(struct input *input, unsigned measure, int64_t observed[VALUES_MAX])
{
	unsigned n = 0;
	double number;
	uint64_t bits;
	switch (measures[measure].kind) {
	case MEASURE_GAUGE:
		bits = take(input, 8);
		memcpy(&number, &bits, sizeof(number));
		return reading_number(measure, number);
	case MEASURE_HISTOGRAM:
		n = (unsigned)take(input, 1) % (VALUES_MAX + 1);
		for (unsigned i = 0; i < n; i++)
			observed[i] = (int64_t)take(input, 8);
		return reading_histogram(measure, observed, n);
	case MEASURE_TEXT:
		return reading_text(measure, take_string(input));
	default:
		return reading_integer(measure, (int64_t)take(input, 8));
	}
}

static void take_subject_matter(struct input *input, struct subject_matter *matter)
{
	matter->nown = take_labels(input, matter->own);
	matter->row = (struct row){.set = &set, .labels = matter->row_labels, .readings = matter->readings};
	matter->row.nlabels = take_labels(input, matter->row_labels);
	uint64_t present = take(input, 2);
	for (unsigned i = 0; i < MEASURES; i++)
		if ((present >> i & 1) != 0)
			matter->readings[matter->row.n++] = take_reading(input, i, matter->observed[i == OWN]);
	matter->has_run = take(input, 1) % 2 == 1;
	if (matter->has_run)
		matter->run = (struct line_run){.reason = (enum reason)(take(input, 1) % REASON_COUNT),
						.took_ns = (int64_t)take(input, 8),
						.run = take(input, 8),
						.boot = take_string(input)};
	matter->stamp_ns = (int64_t)take(input, 8);
}

/* --- what must come out -------------------------------------------------------------------------------------- */

/* Code point by code point, unlike the code that is tested. */
static long decode(const uint8_t *s, size_t *used)
{
	static const long smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80             ? 1
		   : (s[0] & 0xe0) == 0xc0 ? 2
		   : (s[0] & 0xf0) == 0xe0 ? 3
		   : (s[0] & 0xf8) == 0xf0 ? 4
					   : 0;
	long point = n == 1 ? s[0] : n == 2 ? s[0] & 0x1f : n == 3 ? s[0] & 0x0f : s[0] & 0x07;
	*used = 1;
	if (n == 0)
		return -1;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return -1;
		point = point << 6 | (s[i] & 0x3f);
	}
	if (point < smallest[n] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return -1;
	*used = n;
	return point;
}

/* As the text should be after all that line protocol cannot say has been replaced. */
static void clean(char *out, const char *string, bool is_key)
{
	const uint8_t *s = (const uint8_t *)string;
	char *at = out;
	size_t used;
	for (; *s != '\0'; s += used) {
		long point = decode(s, &used);
		if (point < 0) {
			memcpy(at, "\xef\xbf\xbd", 3);
			at += 3;
		} else if (point < 0x20 || point == 0x7f) {
			*at++ = ' ';
		} else {
			memcpy(at, s, used);
			at += used;
		}
	}
	*at = '\0';
	if (is_key && at > out && at[-1] == '\\')
		at[-1] = '/';
}

static const struct label *find_last(const struct label *labels, size_t n, const char *name)
{
	while (n-- > 0)
		if (strcmp(labels[n].name, name) == 0)
			return &labels[n];
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

static size_t expected_tags(const struct subject_matter *matter, struct label tags[TAGS_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < matter->nown + matter->row.nlabels; i++) {
		const char *name = i < matter->nown ? matter->own[i].name : matter->row_labels[i - matter->nown].name;
		const struct label *label = find_last(matter->row_labels, matter->row.nlabels, name);
		if (label == NULL)
			label = find_last(matter->own, matter->nown, name);
		bool is_left_out = name[0] == '\0' || label->value[0] == '\0' || strcmp(name, "time") == 0;
		if (!is_left_out && find_last(tags, n, name) == NULL)
			tags[n++] = *label;
	}
	qsort(tags, n, sizeof(*tags), by_name);
	return n;
}

/* --- the reader ---------------------------------------------------------------------------------------------- */

struct reader {
	const char *at, *end;
};

static bool next_is(struct reader *reader, char c)
{
	if (reader->at == reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

/* measurement, tag key, tag value or field key, without its escapes; not empty. */
static void read_key(struct reader *reader, char *out)
{
	char *at = out;
	while (reader->at < reader->end && strchr(",= \n", *reader->at) == NULL) {
		REQUIRE((unsigned char)*reader->at >= 0x20);
		REQUIRE(*reader->at != 0x7f);
		if (*reader->at == '\\' && reader->at + 1 < reader->end && strchr(",= ", reader->at[1]) != NULL)
			reader->at++;
		*at++ = *reader->at++;
	}
	*at = '\0';
	REQUIRE(at > out);
}

static size_t count_digits(struct reader *reader)
{
	const char *start = reader->at;
	while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
		reader->at++;
	return (size_t)(reader->at - start);
}

/* The text of a number in the grammar's form, into out; true when it is an integer (with i). */
static bool read_number(struct reader *reader, char out[64])
{
	const char *start = reader->at;
	next_is(reader, '-');
	size_t whole = count_digits(reader);
	bool is_integer = whole > 0 && next_is(reader, 'i');
	if (!is_integer) {
		size_t fraction = next_is(reader, '.') ? count_digits(reader) : 0;
		REQUIRE(whole + fraction > 0);
		if (next_is(reader, 'e')) {
			if (!next_is(reader, '-'))
				next_is(reader, '+');
			REQUIRE(count_digits(reader) > 0);
		}
	}
	size_t n = (size_t)(reader->at - start) - (is_integer ? 1 : 0);
	REQUIRE(n < 64);
	memcpy(out, start, n);
	out[n] = '\0';
	return is_integer;
}

static void read_string(struct reader *reader, char *out)
{
	REQUIRE(next_is(reader, '"'));
	while (!next_is(reader, '"')) {
		REQUIRE(reader->at < reader->end && *reader->at != '\n');
		if (*reader->at == '\\') {
			reader->at++;
			REQUIRE(reader->at < reader->end && (*reader->at == '"' || *reader->at == '\\'));
		}
		*out++ = *reader->at++;
	}
	*out = '\0';
}

/* --- comparing ----------------------------------------------------------------------------------------------- */

struct comparison {
	struct reader reader;
	unsigned fields;
	char found[3 * STRING_MAX + 1], wanted[3 * STRING_MAX + 1];
};

static void expect_key(struct comparison *comparison, const char *key)
{
	read_key(&comparison->reader, comparison->found);
	clean(comparison->wanted, key, true);
	REQUIRE(strcmp(comparison->found, comparison->wanted) == 0);
}

static void expect_name(struct comparison *comparison, const char *name)
{
	REQUIRE(next_is(&comparison->reader, comparison->fields++ == 0 ? ' ' : ','));
	expect_key(comparison, name);
	REQUIRE(next_is(&comparison->reader, '='));
}

static void expect_integer(struct comparison *comparison, const char *name, int64_t value)
{
	char number[64];
	expect_name(comparison, name);
	REQUIRE(read_number(&comparison->reader, number));
	REQUIRE(strtoll(number, NULL, 10) == value);
}

static void expect_double(struct comparison *comparison, const char *name, double value)
{
	char number[64];
	if (!isfinite(value))
		return;
	expect_name(comparison, name);
	REQUIRE(!read_number(&comparison->reader, number));
	double found = strtod(number, NULL);
	REQUIRE(memcmp(&found, &value, sizeof(value)) == 0);
}

/* Digit by digit: a double would not tell nanoseconds apart after some months. */
static void expect_seconds(struct comparison *comparison, const char *name, int64_t value_ns)
{
	char number[64], wanted[64];
	expect_name(comparison, name);
	REQUIRE(!read_number(&comparison->reader, number));
	unsigned long long ns = value_ns < 0 ? 0 - (unsigned long long)value_ns : (unsigned long long)value_ns;
	snprintf(wanted, sizeof(wanted), "%s%llu.%09llu", value_ns < 0 ? "-" : "", ns / 1000000000, ns % 1000000000);
	size_t n = strlen(wanted);
	while (wanted[n - 1] == '0')
		n--;
	wanted[wanted[n - 1] == '.' ? n - 1 : n] = '\0';
	REQUIRE(strcmp(number, wanted) == 0);
}

static void expect_string(struct comparison *comparison, const char *name, const char *value)
{
	expect_name(comparison, name);
	read_string(&comparison->reader, comparison->found);
	clean(comparison->wanted, value, false);
	REQUIRE(strcmp(comparison->found, comparison->wanted) == 0);
}

static void expect_histogram(struct comparison *comparison, const struct reading *reading, bool is_own)
{
	const int64_t *values = reading->value.observed_ns;
	int64_t low = INT64_MAX, high = INT64_MIN, quotients = 0, remainders = 0, n = reading->count;
	for (int64_t i = 0; i < n; i++) {
		low = values[i] < low ? values[i] : low;
		high = values[i] > high ? values[i] : high;
		quotients += values[i] / n;
		remainders += values[i] % n;
	}
	if (!is_own)
		expect_integer(comparison, "rtt_count", n);
	if (n == 0)
		return;
	if (!is_own)
		expect_seconds(comparison, "rtt_min_seconds", low);
	expect_seconds(comparison, is_own ? "own_avg_seconds" : "rtt_avg_seconds", quotients + remainders / n);
	expect_seconds(comparison, is_own ? "own_max_seconds" : "rtt_max_seconds", high);
}

static void expect_reading(struct comparison *comparison, const struct reading *reading)
{
	const char *name = measures[reading->measure].name;
	switch (measures[reading->measure].kind) {
	case MEASURE_COUNTER:
	case MEASURE_INTEGER:
		expect_integer(comparison, name, reading->value.integer);
		break;
	case MEASURE_COUNTER_SECONDS:
		expect_seconds(comparison, name, reading->value.integer);
		break;
	case MEASURE_GAUGE:
		expect_double(comparison, name, reading->value.number);
		break;
	case MEASURE_HISTOGRAM:
		expect_histogram(comparison, reading, reading->measure == OWN);
		break;
	case MEASURE_TEXT:
		expect_string(comparison, name, reading->value.text);
		break;
	case MEASURE_INFO:
		break;
	}
}

static void expect_line(struct comparison *comparison, const struct subject_matter *matter)
{
	struct label tags[TAGS_MAX];
	size_t ntags = expected_tags(matter, tags);
	char number[64];
	expect_key(comparison, set.name);
	for (size_t i = 0; i < ntags; i++) {
		REQUIRE(next_is(&comparison->reader, ','));
		expect_key(comparison, tags[i].name);
		REQUIRE(next_is(&comparison->reader, '='));
		expect_key(comparison, tags[i].value);
	}
	if (matter->has_run) {
		const struct line_run *run = &matter->run;
		expect_integer(comparison, "success", run->reason == REASON_OK);
		expect_string(comparison, "reason", reason_name(run->reason));
		expect_seconds(comparison, "duration_seconds", run->took_ns);
		expect_integer(comparison, "run", run->run > INT64_MAX ? INT64_MAX : (int64_t)run->run);
		expect_string(comparison, "boot", run->boot);
	}
	for (size_t i = 0; i < matter->row.n; i++)
		expect_reading(comparison, &matter->row.readings[i]);
	REQUIRE(comparison->fields > 0);
	REQUIRE(next_is(&comparison->reader, ' '));
	REQUIRE(!read_number(&comparison->reader, number));
	REQUIRE(strtoll(number, NULL, 10) == matter->stamp_ns && strpbrk(number, ".e") == NULL);
	REQUIRE(next_is(&comparison->reader, '\n'));
	REQUIRE(comparison->reader.at == comparison->reader.end);
}

static bool has_fields(const struct subject_matter *matter)
{
	bool has = matter->has_run;
	for (size_t i = 0; i < matter->row.n; i++) {
		const struct reading *reading = &matter->row.readings[i];
		has = has || !(reading->measure == INFO || (reading->measure == OWN && reading->count == 0) ||
			       (measures[reading->measure].kind == MEASURE_GAUGE && !isfinite(reading->value.number)));
	}
	return has;
}

/* With a ceiling the same line comes, or nothing at all. */
static void expect_whole_or_nothing(const struct line_tags *tags, const struct subject_matter *matter,
				    const struct text *whole, size_t ceiling)
{
	struct text text = {.ceiling = ceiling};
	int lines = line_format(&text, tags, &matter->row, matter->has_run ? &matter->run : NULL, matter->stamp_ns);
	REQUIRE(text.length <= ceiling);
	REQUIRE(text.length == (lines == 1 ? whole->length : 0));
	REQUIRE(lines == 0 || memcmp(text.bytes, whole->bytes, whole->length) == 0);
	REQUIRE(lines == 1 || text.overflowed || whole->length == 0);
	text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {.data = data, .size = size};
	struct subject_matter matter = {.nown = 0};
	struct line_tags tags = {0};
	struct text text = {0};
	size_t ceiling = 1 + (size_t)take(&input, 2) % 2048;
	take_subject_matter(&input, &matter);
	line_tags_make(&tags, matter.own, matter.nown);
	int lines = line_format(&text, &tags, &matter.row, matter.has_run ? &matter.run : NULL, matter.stamp_ns);
	REQUIRE(lines == (has_fields(&matter) ? 1 : 0));
	if (lines == 1) {
		struct comparison *comparison = calloc(1, sizeof(*comparison));
		REQUIRE(comparison != NULL);
		comparison->reader = (struct reader){text.bytes, text.bytes + text.length};
		expect_line(comparison, &matter);
		free(comparison);
	}
	expect_whole_or_nothing(&tags, &matter, &text, ceiling);
	line_tags_free(&tags);
	text_free(&text);
	for (size_t i = 0; i < input.nstrings; i++)
		free(input.strings[i]);
	return 0;
}
