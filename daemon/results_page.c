#include "daemon/results_page.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/utf8.h"
#include "daemon/results.h"
#include "daemon/results_html.h"
#include "daemon/sample_json.h"

/* A column of the type's own set. */
enum part { PART_VALUE, PART_COUNT, PART_MIN, PART_AVERAGE, PART_MAX, PARTS };
struct column {
	uint16_t measure;
	enum part part;
};

struct results_page {
	enum results_format format;
	char *target;
	const struct measure_set *set;
	struct results *results;
	struct history_reader *reader;
	struct results_html *html; /* of RESULTS_HTML: it has the rest */
	struct column *columns;
	size_t ncolumns;
	/* Where we are: */
	bool has_begun, is_ended;
	size_t n; /* results so far */
};

/* --- columns ----------------------------------------------------------------------------------------------------- */

/* "rtt_seconds" has the columns rtt_count, rtt_min_seconds, ... as its line has such fields. */
static void add_column_name(struct text *out, const char *measure, enum part part)
{
	static const char *const ends[PARTS] = {
		[PART_COUNT] = "_count",
		[PART_MIN] = "_min_seconds",
		[PART_AVERAGE] = "_avg_seconds",
		[PART_MAX] = "_max_seconds",
	};
	static const char unit[] = "_seconds";
	size_t length = strlen(measure), n = sizeof(unit) - 1;

	if (part != PART_VALUE && length > n && strcmp(measure + length - n, unit) == 0)
		length -= n;
	text_add_bytes(out, measure, length);
	if (part != PART_VALUE)
		text_add(out, ends[part]);
}

static bool is_measure(const struct measure_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->measures[i].name, name) == 0)
			return true;
	return false;
}

static void add_histogram_columns(struct results_page *page, uint16_t measure)
{
	struct text name = {0};

	for (enum part part = PART_COUNT; part < PARTS; part++) {
		text_clear(&name);
		add_column_name(&name, page->set->measures[measure].name, part);
		if (!is_measure(page->set, text_string(&name)))
			page->columns[page->ncolumns++] = (struct column){measure, part};
	}
	text_free(&name);
}

static void make_columns(struct results_page *page)
{
	page->columns = mem_zero(page->set->n * PARTS, sizeof(*page->columns));
	for (size_t i = 0; i < page->set->n; i++) {
		enum measure_kind kind = page->set->measures[i].kind;

		if (kind == MEASURE_HISTOGRAM)
			add_histogram_columns(page, (uint16_t)i);
		else if (kind != MEASURE_INFO)
			page->columns[page->ncolumns++] = (struct column){(uint16_t)i, PART_VALUE};
	}
}

/* --- create and free --------------------------------------------------------------------------------------------- */

struct results_page *results_page_create(const struct results_page_plan *plan)
{
	struct results_page *page = mem_zero(1, sizeof(*page));

	page->format = plan->format;
	page->target = mem_copy_string(plan->target);
	page->set = plan->set;
	page->results = plan->results;
	page->reader = history_reader_open(&page->results->runs);
	if (page->format == RESULTS_HTML)
		page->html = results_html_create(page->target, page->results);
	if (page->format == RESULTS_CSV && page->set)
		make_columns(page);
	return page;
}

void results_page_free(struct results_page *page)
{
	if (!page)
		return;
	results_html_free(page->html);
	history_reader_close(page->reader);
	results_free(page->results);
	mem_free(page->columns);
	mem_free(page->target);
	mem_free(page);
}

/* --- JSON -------------------------------------------------------------------------------------------------------- */

static void begin_json(const struct results_page *page, struct text *out)
{
	text_add(out, "{\"target\":");
	json_add_string(out, page->target);
	text_add(out, ",\"probe\":");
	json_add_string(out, page->results->probe);
	text_add(out, ",\"type\":");
	json_add_string(out, page->results->type);
	text_add(out, ",\"results\":[");
}

static void add_value(struct text *out, const struct measure *measure, const struct reading *reading)
{
	const int64_t *summary = reading->value.observed_ns;
	struct json_histogram histogram = {.count = reading->count};

	if (measure->kind != MEASURE_HISTOGRAM) {
		json_add_reading(out, measure, reading);
		return;
	}
	if (reading->count > 0) {
		histogram.min_ns = summary[HISTORY_MIN];
		histogram.average_ns = (double)summary[HISTORY_AVERAGE];
		histogram.max_ns = summary[HISTORY_MAX];
	}
	json_add_histogram(out, &histogram);
}

static void add_row(struct text *out, const struct row *row)
{
	text_add(out, "{\"set\":");
	json_add_string(out, row->set->name);
	text_add(out, ",\"labels\":{");
	for (size_t i = 0; i < row->nlabels; i++) {
		text_add(out, i > 0 ? "," : "");
		json_add_key(out, row->labels[i].name);
		json_add_string(out, row->labels[i].value);
	}
	text_add(out, "},\"values\":{");
	for (size_t i = 0; i < row->n; i++) {
		const struct measure *measure = &row->set->measures[row->readings[i].measure];

		text_add(out, i > 0 ? "," : "");
		json_add_key(out, measure->name);
		add_value(out, measure, &row->readings[i]);
	}
	text_add(out, "}}");
}

void results_page_add_run(struct text *out, const struct sample *sample)
{
	text_add(out, "{\"time\":\"");
	sample_add_time(out, sample->begun_realtime_ns);
	text_add(out, "\",\"time_ns\":");
	text_add_integer(out, sample->begun_realtime_ns);
	text_add(out, ",\"run\":");
	text_add_unsigned(out, sample->run);
	text_add_char(out, ',');
	json_add_outcome(out, sample);
	text_add(out, ",\"address\":");
	json_add_address(out, &sample->address);
	if (sample->cause) {
		text_add(out, ",\"cause\":");
		json_add_string(out, sample->cause);
	}
	text_add(out, ",\"rows\":[");
	for (size_t i = 0; i < sample->nrows; i++) {
		text_add(out, i > 0 ? "," : "");
		add_row(out, &sample->rows[i]);
	}
	text_add(out, "]}");
}

static void add_json(const struct results_page *page, struct text *out, const struct sample *sample)
{
	text_add(out, page->n > 0 ? ",\n" : "\n");
	results_page_add_run(out, sample);
}

/* --- CSV --------------------------------------------------------------------------------------------------------- */

/* Texts come from strangers: what is not UTF-8 becomes U+FFFD. */
static void add_characters(struct text *out, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t valid = utf8_length(text, left);

		for (size_t i = 0; i < valid; i++) {
			if (text[i] == '"')
				text_add_char(out, '"');
			text_add_char(out, text[i]);
		}
		text += valid;
		left -= valid;
		if (left > 0) {
			text_add(out, "\xef\xbf\xbd");
			text++;
			left--;
		}
	}
}

/* Section 2, rules 5 to 7. */
static void add_cell(struct text *out, const char *cell)
{
	bool is_quoted = strpbrk(cell, "\",\r\n") != NULL;

	text_add(out, is_quoted ? "\"" : "");
	add_characters(out, cell);
	text_add(out, is_quoted ? "\"" : "");
}

static void begin_csv(const struct results_page *page, struct text *out)
{
	text_add(out, "time,run,success,reason,duration_seconds,address");
	for (size_t i = 0; i < page->ncolumns; i++) {
		text_add_char(out, ',');
		add_column_name(out, page->set->measures[page->columns[i].measure].name, page->columns[i].part);
	}
	text_add(out, "\r\n");
}

static void add_summary_cell(struct text *out, const struct reading *reading, enum part part)
{
	if (part == PART_COUNT)
		text_add_integer(out, reading->count);
	else if (reading->count > 0)
		text_add_seconds(out, reading->value.observed_ns[part - PART_MIN + HISTORY_MIN]);
}

static void add_reading_cell(struct text *out, const struct measure *measure, const struct reading *reading,
			     enum part part)
{
	switch (measure->kind) {
	case MEASURE_HISTOGRAM:
		add_summary_cell(out, reading, part);
		break;
	case MEASURE_TEXT:
		add_cell(out, reading->value.text ? reading->value.text : "");
		break;
	case MEASURE_GAUGE:
		text_add_double(out, reading->value.number);
		break;
	case MEASURE_COUNTER_SECONDS:
		text_add_seconds(out, reading->value.integer);
		break;
	default:
		text_add_integer(out, reading->value.integer);
		break;
	}
}

static const struct reading *find_reading(const struct row *row, uint16_t measure)
{
	for (size_t i = 0; row && i < row->n; i++)
		if (row->readings[i].measure == measure)
			return &row->readings[i];
	return NULL;
}

/* The row that stands for the run as a whole. */
static const struct row *own_row(const struct results_page *page, const struct sample *sample)
{
	return sample->nrows > 0 && sample->rows[0].set == page->set ? &sample->rows[0] : NULL;
}

static void add_csv(const struct results_page *page, struct text *out, const struct sample *sample)
{
	const struct row *row = own_row(page, sample);
	char address[ADDRESS_TEXT_SIZE];

	sample_add_time(out, sample->begun_realtime_ns);
	text_add_char(out, ',');
	text_add_unsigned(out, sample->run);
	text_add_format(out, ",%d,%s,", sample->reason == REASON_OK, reason_name(sample->reason));
	text_add_seconds(out, sample->took_ns);
	text_add_char(out, ',');
	if (sample->address.family != ADDRESS_NONE)
		add_cell(out, address_format(&sample->address, address));
	for (size_t i = 0; i < page->ncolumns; i++) {
		const struct column *column = &page->columns[i];
		const struct reading *reading = find_reading(row, column->measure);

		text_add_char(out, ',');
		if (reading)
			add_reading_cell(out, &page->set->measures[column->measure], reading, column->part);
	}
	text_add(out, "\r\n");
}

/* --- the page ---------------------------------------------------------------------------------------------------- */

static void begin(struct results_page *page, struct text *out)
{
	if (!page->has_begun)
		(page->format == RESULTS_JSON ? begin_json : begin_csv)(page, out);
	page->has_begun = true;
}

bool results_page_more(struct results_page *page, struct text *out, size_t enough)
{
	size_t start = out->length;
	const struct sample *sample;

	if (page->html)
		return results_html_more(page->html, out, enough);
	begin(page, out);
	while ((sample = history_reader_next(page->reader)) != NULL) {
		(page->format == RESULTS_JSON ? add_json : add_csv)(page, out, sample);
		page->n++;
		if (out->length - start >= enough)
			return true;
	}
	if (page->format == RESULTS_JSON && !page->is_ended)
		text_add(out, "\n]}\n");
	page->is_ended = true;
	return false;
}
