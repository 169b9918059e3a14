/*
 * A router as a page for people: what it is, how it is, and each data set in short.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/text.h"
#include "probes/routeros/routeros.h"

/* Of each data set; the rest is counted. --json has everything. */
#define ROWS_SHOWN     12
#define READINGS_SHOWN 8
#define VALUE_SHOWN    48 /* bytes of a label or text */

/* Names on a router are whatever somebody typed, or sent: they must not move the cursor. */
static void print_text(const char *value, FILE *out)
{
	size_t n = strlen(value), shown = n > VALUE_SHOWN ? VALUE_SHOWN : n;
	while (shown < n && shown > 0 && ((unsigned char)value[shown] & 0xc0) == 0x80)
		shown--;
	for (size_t i = 0; i < shown; i++) {
		unsigned char c = (unsigned char)value[i];
		/* C1 controls are two bytes in UTF-8. */
		bool is_control = c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)value[i + 1] < 0xa0);
		fputc(is_control ? '?' : c, out);
		i += c == 0xc2 && is_control;
	}
	if (shown < n)
		fputs("...", out);
}

static void print_number(const struct measure *measure, const struct reading *reading, FILE *out)
{
	struct text text = {0};
	if (measure->kind == MEASURE_GAUGE)
		fprintf(out, "%.6g", reading->value.number);
	else if (measure->kind == MEASURE_COUNTER_SECONDS)
		text_add_seconds(&text, reading->value.integer);
	else
		text_add_integer(&text, reading->value.integer);
	fputs(text_string(&text), out);
	text_free(&text);
}

static const struct reading *find_reading(const struct row *row, const char *name)
{
	for (size_t i = 0; row && i < row->n; i++)
		if (!strcmp(row->set->measures[row->readings[i].measure].name, name))
			return &row->readings[i];
	return NULL;
}

static const char *find_label(const struct row *row, const char *name)
{
	for (size_t i = 0; row && i < row->nlabels; i++)
		if (!strcmp(row->labels[i].name, name))
			return row->labels[i].value;
	return NULL;
}

/* The first row of this set, behind the given one. */
static const struct row *find_row(const struct sample *sample, const char *set, size_t from)
{
	for (size_t i = from; i < sample->nrows; i++)
		if (!strcmp(sample->rows[i].set->name, set))
			return &sample->rows[i];
	return NULL;
}

static void print_labelled(const char *name, const char *value, FILE *out)
{
	if (!value || !value[0])
		return;
	fprintf(out, "%-10s ", name);
	print_text(value, out);
	fputc('\n', out);
}

static void print_uptime(const struct row *system, FILE *out)
{
	const struct reading *reading = find_reading(system, "uptime_seconds");
	if (!reading)
		return;
	int64_t seconds = (int64_t)reading->value.number;
	fprintf(out, "%-10s %" PRId64 "d %02" PRId64 ":%02" PRId64 ":%02" PRId64 "\n", "uptime", seconds / 86400,
		seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
}

static void print_health(const struct row *router, FILE *out)
{
	const struct reading *score = find_reading(router, "health_score");
	const char *separator = " (";
	if (!score)
		return;
	fprintf(out, "%-10s %.0f of 100", "health", score->value.number);
	for (enum ros_health_part part = 0; part < ROS_HEALTH_PARTS; part++) {
		char name[64];
		snprintf(name, sizeof(name), "health_%s_score", ros_health_part_name(part));
		const struct reading *reading = find_reading(router, name);
		if (reading)
			fprintf(out, "%s%s %.0f", separator, ros_health_part_name(part), reading->value.number);
		if (reading)
			separator = ", ";
	}
	fputs(separator[0] == ',' ? ")\n" : "\n", out);
}

static void print_times(const struct row *router, FILE *out)
{
	static const char *const names[][2] = {{"response_seconds", "answered in"},
					       {"connect_seconds", "connected in"},
					       {"login_seconds", "logged in in"}};
	const char *separator = "";
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct reading *reading = find_reading(router, names[i][0]);
		if (!reading)
			continue;
		fprintf(out, "%s%s %.1f ms", separator, names[i][1], reading->value.number * 1e3);
		separator = ", ";
	}
	if (separator[0])
		fputc('\n', out);
}

static void print_router(const struct sample *sample, FILE *out)
{
	const struct row *router = sample->nrows ? &sample->rows[0] : NULL;
	const struct row *info = find_row(sample, "routeros", 1);
	fprintf(out, "\n--- %s ---\n", sample->subject->target);
	print_labelled("identity", find_label(find_row(sample, "routeros_identity", 1), "name"), out);
	print_labelled("version", find_label(info, "version"), out);
	print_labelled("board", find_label(info, "board"), out);
	print_uptime(find_row(sample, "routeros_system", 1), out);
	print_health(router, out);
	print_times(router, out);
}

static void print_row(const struct row *row, FILE *out)
{
	size_t shown = 0;
	fputs("  ", out);
	for (size_t i = 0; i < row->nlabels; i++) {
		if (!row->labels[i].value[0])
			continue;
		fprintf(out, "%s=", row->labels[i].name);
		print_text(row->labels[i].value, out);
		fputc(' ', out);
	}
	for (size_t i = 0; i < row->n && shown < READINGS_SHOWN; i++) {
		const struct measure *measure = &row->set->measures[row->readings[i].measure];
		if (measure->kind == MEASURE_INFO || measure->kind == MEASURE_HISTOGRAM)
			continue;
		fprintf(out, " %s ", measure->name);
		if (measure->kind == MEASURE_TEXT)
			print_text(row->readings[i].value.text, out);
		else
			print_number(measure, &row->readings[i], out);
		shown++;
	}
	fputc('\n', out);
}

/* Rows of one data set follow one another. Returns the index behind them. */
static size_t print_set(const struct sample *sample, size_t begin, FILE *out)
{
	const struct measure_set *set = sample->rows[begin].set;
	size_t end = begin;
	while (end < sample->nrows && sample->rows[end].set == set)
		end++;
	fprintf(out, "\n%s: %s (%zu)\n", set->name + strlen("routeros_"), set->help, end - begin);
	for (size_t i = begin; i < end && i < begin + ROWS_SHOWN; i++)
		print_row(&sample->rows[i], out);
	if (end - begin > ROWS_SHOWN)
		fprintf(out, "  ... and %zu more\n", end - begin - ROWS_SHOWN);
	return end;
}

static size_t count_absent(const struct sample *sample)
{
	size_t n = 0;
	for (size_t i = 0; i < sample->nrows; i++) {
		const struct reading *reading = find_reading(&sample->rows[i], "is_absent");
		n += sample->rows[i].set == &routeros_collection_set && reading && reading->value.integer;
	}
	return n;
}

static void print_failures(const struct sample *sample, FILE *out)
{
	for (size_t i = 0; i < sample->nrows; i++) {
		const struct reading *failure = find_reading(&sample->rows[i], "failure");
		const char *set = find_label(&sample->rows[i], "set");
		if (sample->rows[i].set != &routeros_collection_set || !failure || !set)
			continue;
		fprintf(out, "%s: could not be read: ", set);
		print_text(failure->value.text, out);
		fputc('\n', out);
	}
}

void routeros_print(const struct sample *sample, FILE *out)
{
	print_router(sample, out);
	for (size_t i = 0; i < sample->nrows;) {
		const struct measure_set *set = sample->rows[i].set;
		if (set == &routeros_set || set == &routeros_collection_set)
			i++;
		else
			i = print_set(sample, i, out);
	}
	fputc('\n', out);
	print_failures(sample, out);
	if (count_absent(sample))
		fprintf(out, "%zu data sets are of things that this router does not have\n", count_absent(sample));
}
