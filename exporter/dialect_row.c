#include "exporter/dialect_row.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- values ------------------------------------------------------------------------------------------------------ */

static const struct column *find_column(const struct shape *shape, const char *measure)
{
	for (size_t i = 0; i < shape->set->n; i++) {
		if (strcmp(shape->set->measures[i].name, measure) == 0)
			return shape_column(shape, i);
	}
	return NULL;
}

static bool read_measure(const struct dialect_row *row, const char *measure, struct dialect_value *value)
{
	const struct column *column = find_column(row->block->rows[row->row].shape, measure);
	*value = (struct dialect_value){0};
	if (!column || column->kind == MEASURE_HISTOGRAM)
		return false;
	if (column->kind == MEASURE_GAUGE)
		return block_read_number(row->block, row->row, column, &value->number);
	value->is_integer = column->kind != MEASURE_COUNTER_SECONDS;
	if (!block_read_integer(row->block, row->row, column, &value->integer))
		return false;
	if (!value->is_integer)
		value->number = (double)value->integer / 1e9;
	return true;
}

static double number_of(const struct dialect_value *value)
{
	return value->is_integer ? (double)value->integer : value->number;
}

/* 0.07 is not 7 / 100 to the last bit, and 100 times it is not 7: fifteen digits are what both are good for. */
static double scale(double number, double factor)
{
	char digits[32];
	if (!isfinite(number))
		return number;
	snprintf(digits, sizeof(digits), "%.15g", number * factor);
	return strtod(digits, NULL);
}

static struct label_text label_of(const struct dialect_row *row, const char *name)
{
	return dialect_row_value(row->index->dialect, row->block, row->row, name);
}

static bool are_equal(struct label_text a, struct label_text b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

static bool is_text(struct label_text text, const char *other)
{
	return text.length == strlen(other) && (text.length == 0 || memcmp(text.bytes, other, text.length) == 0);
}

static bool condition_holds(const struct dialect_row *row, const struct dialect_condition *condition)
{
	struct label_text value = label_of(row, condition->label);
	for (size_t i = 0; i < condition->nvalues; i++) {
		if (is_text(value, condition->values[i]))
			return true;
	}
	return false;
}

/* One of them is not known: nothing can be said. */
static bool read_difference(const struct dialect_row *row, struct dialect_value *value)
{
	struct label_text one = label_of(row, row->metric->differ[0]), other = label_of(row, row->metric->differ[1]);
	*value = (struct dialect_value){.is_integer = true, .integer = !are_equal(one, other)};
	return one.length > 0 && other.length > 0;
}

static void translate(const struct dialect_metric *metric, struct dialect_value *value)
{
	if (metric->kind == MEASURE_INFO)
		*value = (struct dialect_value){.is_integer = true, .integer = 1};
	else if (metric->has_good)
		*value = (struct dialect_value){.is_integer = true, .integer = number_of(value) == metric->good};
	else if (metric->factor != 1)
		*value = (struct dialect_value){.number = scale(number_of(value), metric->factor)};
}

bool dialect_row_read(const struct dialect_row *row, struct dialect_value *value)
{
	for (size_t i = 0; i < row->metric->nconditions; i++) {
		if (!condition_holds(row, &row->metric->conditions[i]))
			return false;
	}
	if (!read_measure(row, row->metric->measure, value))
		return false;
	if (row->metric->differ[0])
		return read_difference(row, value);
	translate(row->metric, value);
	return true;
}

void dialect_value_add(struct dialect_value *to, const struct dialect_value *more)
{
	if (to->is_integer && more->is_integer)
		to->integer = (int64_t)((uint64_t)to->integer + (uint64_t)more->integer);
	else
		*to = (struct dialect_value){.number = number_of(to) + number_of(more)};
}

/* --- labels ------------------------------------------------------------------------------------------------------ */

static void add_value(struct text *out, const struct dialect_value *value)
{
	if (value->is_integer)
		text_add_integer(out, value->integer);
	else
		text_add_double(out, value->number);
}

/* As RouterOS writes it: whole seconds, what is zero left out. */
static void add_duration(struct text *out, double seconds)
{
	static const struct {
		uint64_t seconds;
		char letter;
	} units[] = {{604800, 'w'}, {86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	uint64_t rest = seconds > 0 && seconds < 1e15 ? (uint64_t)seconds : 0;
	if (rest == 0)
		text_add(out, "0s");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (rest >= units[i].seconds) {
			text_add_unsigned(out, rest / units[i].seconds);
			text_add_char(out, units[i].letter);
		}
		rest %= units[i].seconds;
	}
}

/* From `from` to the end of the text, in their words. */
static void replace_by_word(struct text *out, size_t from, const struct dialect_source *source)
{
	struct label_text ours = {out->bytes + from, out->length - from};
	const char *theirs = "";
	for (size_t i = 0; i < source->nwords; i++) {
		if (is_text(ours, source->words[i].ours))
			theirs = source->words[i].theirs;
	}
	out->length = from;
	text_add(out, theirs);
}

static void add_joined(const struct dialect_row *row, const struct dialect_source *source, struct text *out)
{
	const char *here = row->index->dialect->joins[source->join].here;
	struct label_text value = {0};
	size_t found;
	if (here)
		value = label_of(row, here);
	if (here && value.length == 0)
		return;
	const struct block *block = dialect_index_find(row->index, row->device, source->join, value, &found);
	if (!block)
		return;
	value = dialect_row_value(row->index->dialect, block, found, source->name);
	text_add_bytes(out, value.bytes, value.length);
}

static void add_measure(const struct dialect_row *row, const struct dialect_source *source, struct text *out)
{
	struct dialect_value value;
	if (!read_measure(row, source->name, &value))
		return;
	if (source->is_duration)
		add_duration(out, number_of(&value));
	else
		add_value(out, &value);
}

static void add_source(const struct dialect_row *row, const struct dialect_source *source, struct text *out)
{
	struct label_text value;
	size_t from = out->length;
	text_reserve(out, 1);
	switch (source->origin) {
	case DIALECT_TEXT:
		text_add(out, source->name);
		break;
	case DIALECT_LABEL:
		value = label_of(row, source->name);
		text_add_bytes(out, value.bytes, value.length);
		break;
	case DIALECT_JOINED:
		add_joined(row, source, out);
		break;
	case DIALECT_MEASURE:
		add_measure(row, source, out);
		break;
	}
	if (source->nwords > 0)
		replace_by_word(out, from, source);
}

/* Labels begin at start. Takes back what it wrote when the value is empty: that is no label. */
static void add_label(const struct dialect_row *row, const struct dialect_label *label, size_t start, struct text *out)
{
	size_t before = out->length;
	if (before > start)
		text_add_char(out, ',');
	text_add(out, label->name);
	text_add(out, "=\"");
	size_t from = out->length;
	for (size_t i = 0; i < label->nsources && (label->is_composed || out->length == from); i++)
		add_source(row, &label->sources[i], out);
	if (out->length == from)
		out->length = before;
	else
		text_add_char(out, '"');
}

void dialect_row_add_labels(const struct dialect_row *row, struct text *out)
{
	size_t start = out->length;
	for (size_t i = 0; i < row->metric->nlabels; i++)
		add_label(row, &row->metric->labels[i], start, out);
}

/* --- labels of the device ---------------------------------------------------------------------------------------- */

static bool is_one_of(struct label_text name, const struct dialect_label *labels, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_text(name, labels[i].name))
			return true;
	}
	return false;
}

static bool is_taken(const struct dialect_row *row, struct label_text name)
{
	const struct dialect *dialect = row->index->dialect;
	return is_text(name, "target") || is_text(name, "probe") || is_text(name, dialect->target) ||
	       is_one_of(name, dialect->labels, dialect->nlabels) ||
	       is_one_of(name, row->metric->labels, row->metric->nlabels);
}

static void add_rendered(struct text *out, size_t start, struct label_text name, struct label_text value)
{
	if (out->length > start)
		text_add_char(out, ',');
	text_add_bytes(out, name.bytes, name.length);
	text_add(out, "=\"");
	text_add_bytes(out, value.bytes, value.length);
	text_add_char(out, '"');
}

void dialect_row_add_device(const struct dialect_row *row, struct text *out)
{
	const struct dialect *dialect = row->index->dialect;
	struct label_text labels = block_labels(row->index->devices[row->device].block), name, value;
	size_t start = out->length;
	add_rendered(out, start, (struct label_text){dialect->target, strlen(dialect->target)},
		     dialect_value_of(labels, "target"));
	for (size_t i = 0; i < dialect->nlabels; i++)
		add_label(row, &dialect->labels[i], start, out);
	while (labels_next(&labels, &name, &value)) {
		if (!is_taken(row, name))
			add_rendered(out, start, name, value);
	}
}
