#include "daemon/sample_json.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "daemon/config_file.h"

void json_add_string(struct text *out, const char *string)
{
	size_t left = string ? strlen(string) : 0, valid;

	if (!string) {
		text_add(out, "null");
		return;
	}
	text_add_char(out, '"');
	while (left > 0) {
		valid = config_utf8_length(string, left);
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

static void add_key(struct text *out, const char *key)
{
	json_add_string(out, key);
	text_add_char(out, ':');
}

static void add_histogram(struct text *out, const struct reading *reading)
{
	const int64_t *values = reading->value.observed_ns;
	int64_t min, max;
	double sum = 0;

	text_add_format(out, "{\"count\":%u", reading->count);
	if (reading->count > 0) {
		min = max = values[0];
		for (unsigned i = 0; i < reading->count; i++) {
			min = values[i] < min ? values[i] : min;
			max = values[i] > max ? values[i] : max;
			sum += (double)values[i];
		}
		text_add(out, ",\"min\":");
		text_add_seconds(out, min);
		text_add(out, ",\"avg\":");
		text_add_double(out, sum / reading->count / 1e9);
		text_add(out, ",\"max\":");
		text_add_seconds(out, max);
	}
	text_add_char(out, '}');
}

static void add_reading(struct text *out, const struct measure *measure, const struct reading *reading)
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
		if (isfinite(reading->value.number))
			text_add_double(out, reading->value.number);
		else
			text_add(out, "null");
		break;
	case MEASURE_HISTOGRAM:
		add_histogram(out, reading);
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
		add_key(out, row->labels[i].name);
		json_add_string(out, row->labels[i].value);
	}
	for (size_t i = 0; i < row->n; i++, separator = ",") {
		const struct measure *measure = &row->set->measures[row->readings[i].measure];

		text_add(out, separator);
		add_key(out, measure->name);
		add_reading(out, measure, &row->readings[i]);
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
	add_key(out, set->name);
	for (; i < sample->nrows; i++) {
		if (sample->rows[i].set != set)
			continue;
		text_add(out, separator);
		add_row(out, &sample->rows[i]);
		separator = ",";
	}
	text_add_char(out, ']');
}

static void add_time(struct text *out, int64_t realtime_ns)
{
	int64_t rest_ns = (realtime_ns % NS_PER_SECOND + NS_PER_SECOND) % NS_PER_SECOND;
	time_t seconds = (time_t)((realtime_ns - rest_ns) / NS_PER_SECOND);
	char date[32];
	struct tm tm;

	gmtime_r(&seconds, &tm); /* 64 bits of nanoseconds are years that it knows */
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	text_add_format(out, "\"%s.%09dZ\"", date, (int)rest_ns);
}

void sample_json(struct text *out, const struct sample *sample)
{
	char address[ADDRESS_TEXT_SIZE];
	bool has_address = sample->address.family != ADDRESS_NONE;

	text_add(out, "{\"type\":");
	json_add_string(out, sample->subject->type);
	text_add(out, ",\"target\":");
	json_add_string(out, sample->subject->target);
	text_add(out, ",\"address\":");
	json_add_string(out, has_address ? address_format(&sample->address, address) : NULL);
	text_add(out, sample->reason == REASON_OK ? ",\"success\":true" : ",\"success\":false");
	text_add(out, ",\"reason\":");
	json_add_string(out, reason_name(sample->reason));
	text_add(out, ",\"duration_seconds\":");
	text_add_seconds(out, sample->took_ns);
	text_add(out, ",\"time\":");
	add_time(out, sample->begun_realtime_ns);
	for (size_t i = 0; i < sample->nrows; i++)
		add_set(out, sample, i);
	text_add_char(out, '}');
}
