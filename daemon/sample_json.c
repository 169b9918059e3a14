#include "daemon/sample_json.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/utf8.h"

void json_add_string(struct text *out, const char *string)
{
	size_t left = string ? strlen(string) : 0, valid;

	if (!string) {
		text_add(out, "null");
		return;
	}
	text_add_char(out, '"');
	while (left > 0) {
		valid = utf8_length(string, left);
		for (size_t i = 0; i < valid; i++) {
			unsigned char c = (unsigned char)string[i];

			if (c < 0x20 || c == 0x7f)
				text_add_format(out, "\\u%04x", c);
			else if (c == '"' || c == '\\')
				text_add_format(out, "\\%c", c);
			else
				text_add_char(out, (char)c);
		}
		string += valid;
		left -= valid;
		if (left > 0) {
			text_add(out, "\xef\xbf\xbd");
			string++;
			left--;
		}
	}
	text_add_char(out, '"');
}

void json_add_key(struct text *out, const char *key)
{
	json_add_string(out, key);
	text_add_char(out, ':');
}

void json_add_number(struct text *out, double number)
{
	if (isfinite(number))
		text_add_double(out, number);
	else
		text_add(out, "null");
}

void json_add_histogram(struct text *out, const struct json_histogram *histogram)
{
	text_add_format(out, "{\"count\":%u", histogram->count);
	if (histogram->count > 0) {
		text_add(out, ",\"min\":");
		text_add_seconds(out, histogram->min_ns);
		text_add(out, ",\"avg\":");
		text_add_double(out, histogram->average_ns / 1e9);
		text_add(out, ",\"max\":");
		text_add_seconds(out, histogram->max_ns);
	}
	text_add_char(out, '}');
}

static void add_observations(struct text *out, const struct reading *reading)
{
	const int64_t *values = reading->value.observed_ns;
	struct json_histogram histogram = {.count = reading->count};
	double sum = 0;

	if (reading->count > 0)
		histogram.min_ns = histogram.max_ns = values[0];
	for (unsigned i = 0; i < reading->count; i++) {
		histogram.min_ns = values[i] < histogram.min_ns ? values[i] : histogram.min_ns;
		histogram.max_ns = values[i] > histogram.max_ns ? values[i] : histogram.max_ns;
		sum += (double)values[i];
	}
	if (reading->count > 0)
		histogram.average_ns = sum / reading->count;
	json_add_histogram(out, &histogram);
}

void json_add_reading(struct text *out, const struct measure *measure, const struct reading *reading)
{
	switch (measure->kind) {
	case MEASURE_COUNTER:
	case MEASURE_INTEGER:
		text_add_integer(out, reading->value.integer);
		break;
	case MEASURE_COUNTER_SECONDS:
		text_add_seconds(out, reading->value.integer);
		break;
	case MEASURE_GAUGE:
		json_add_number(out, reading->value.number);
		break;
	case MEASURE_HISTOGRAM:
		add_observations(out, reading);
		break;
	case MEASURE_INFO:
		text_add_char(out, '1');
		break;
	case MEASURE_TEXT:
		json_add_string(out, reading->value.text);
		break;
	}
}

static void add_row(struct text *out, const struct row *row)
{
	const char *separator = "{";

	for (size_t i = 0; i < row->nlabels; i++, separator = ",") {
		text_add(out, separator);
		json_add_key(out, row->labels[i].name);
		json_add_string(out, row->labels[i].value);
	}
	for (size_t i = 0; i < row->n; i++, separator = ",") {
		const struct measure *measure = &row->set->measures[row->readings[i].measure];

		text_add(out, separator);
		json_add_key(out, measure->name);
		json_add_reading(out, measure, &row->readings[i]);
	}
	text_add(out, *separator == '{' ? "{}" : "}");
}

/* All rows of the set of row i, if that is the first of them. */
static void add_set(struct text *out, const struct sample *sample, size_t i)
{
	const struct measure_set *set = sample->rows[i].set;
	const char *separator = "[";

	for (size_t j = 0; j < i; j++)
		if (sample->rows[j].set == set)
			return;
	text_add_char(out, ',');
	json_add_key(out, set->name);
	for (; i < sample->nrows; i++) {
		if (sample->rows[i].set != set)
			continue;
		text_add(out, separator);
		add_row(out, &sample->rows[i]);
		separator = ",";
	}
	text_add_char(out, ']');
}

void sample_add_time(struct text *out, int64_t realtime_ns)
{
	int64_t rest_ns = (realtime_ns % NS_PER_SECOND + NS_PER_SECOND) % NS_PER_SECOND;
	time_t seconds = (time_t)((realtime_ns - rest_ns) / NS_PER_SECOND);
	char date[32];
	struct tm tm;

	gmtime_r(&seconds, &tm); /* 64 bits of nanoseconds are years that it knows */
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	text_add_format(out, "%s.%09dZ", date, (int)rest_ns);
}

void json_add_address(struct text *out, const struct address *address)
{
	char text[ADDRESS_TEXT_SIZE];

	json_add_string(out, address->family != ADDRESS_NONE ? address_format(address, text) : NULL);
}

void json_add_outcome(struct text *out, const struct sample *sample)
{
	text_add(out, sample->reason == REASON_OK ? "\"success\":true" : "\"success\":false");
	text_add(out, ",\"reason\":");
	json_add_string(out, reason_name(sample->reason));
	text_add(out, ",\"duration_seconds\":");
	text_add_seconds(out, sample->took_ns);
}

void sample_json(struct text *out, const struct sample *sample)
{
	text_add(out, "{\"type\":");
	json_add_string(out, sample->subject->type);
	text_add(out, ",\"target\":");
	json_add_string(out, sample->subject->target);
	text_add(out, ",\"address\":");
	json_add_address(out, &sample->address);
	text_add_char(out, ',');
	json_add_outcome(out, sample);
	text_add(out, ",\"time\":\"");
	sample_add_time(out, sample->begun_realtime_ns);
	text_add_char(out, '"');
	if (sample->cause) {
		text_add(out, ",\"cause\":");
		json_add_string(out, sample->cause);
	}
	for (size_t i = 0; i < sample->nrows; i++)
		add_set(out, sample, i);
	text_add_char(out, '}');
}
