/*
 * For the tests of data sets: a small catalogue, items written as words, and rows printed as text.
 */
#ifndef NETSONDE_TESTS_ROS_TABLE_FIXTURE_H
#define NETSONDE_TESTS_ROS_TABLE_FIXTURE_H

#include <criterion/criterion.h>
#include <stdarg.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "daemon/ros_catalogue.h"
#include "probes/routeros/ros_table.h"
#include "probes/routeros/ros_text.h"

#define SECOND INT64_C(1000000000)

struct table_fixture {
	struct catalogue *catalogue;
	const struct catalogue_set *set;
	struct ros_text *text;
	struct ros_table *table;
	struct text printed;
};

/* catalogue NULL: the one that is compiled in. */
static inline struct table_fixture table_open(const char *catalogue, const char *set, struct ros_table_plan plan)
{
	struct table_fixture fixture = {0};
	struct text errors = {0};
	struct err err = {0};

	fixture.catalogue = catalogue ? ros_catalogue_load_string(catalogue, "test", &errors)
				      : ros_catalogue_load(NULL, 0, false, &errors);
	cr_assert(fixture.catalogue, "%s", text_string(&errors));
	fixture.set = catalogue_find(fixture.catalogue, set);
	cr_assert(fixture.set, "%s", set);
	fixture.text = ros_text_open("windows-1251", &err);
	cr_assert(fixture.text, "%s", err.text);
	plan.set = fixture.set;
	plan.text = fixture.text;
	fixture.table = ros_table_create(&plan);
	text_free(&errors);
	return fixture;
}

static inline void table_close(struct table_fixture *fixture)
{
	ros_table_free(fixture->table);
	ros_text_close(fixture->text);
	catalogue_free(fixture->catalogue);
	text_free(&fixture->printed);
}

#define PAIRS_MAX 64

/* Pairs that point into the words "name=value". */
static inline struct ros_reply reply_of(struct ros_pair pairs[PAIRS_MAX], va_list words)
{
	struct ros_reply reply = {.kind = ROS_REPLY_ROW, .pairs = pairs};
	const char *word;

	while ((word = va_arg(words, const char *))) {
		const char *equals = strchr(word, '=');
		pairs[reply.npairs++] = (struct ros_pair){{word, (size_t)(equals - word)}, ros_word_of(equals + 1)};
	}
	return reply;
}

static inline void add_words(struct table_fixture *fixture, size_t menu, const char *each, int64_t now_ns, ...)
{
	struct ros_pair pairs[PAIRS_MAX];
	va_list words;

	va_start(words, now_ns);
	struct ros_reply reply = reply_of(pairs, words);
	va_end(words);
	ros_table_add(fixture->table, &fixture->set->menus[menu], each, &reply, now_ns);
}

/* An item of the first menu. */
#define add(fixture, ...)                        add_words(fixture, 0, NULL, SECOND, __VA_ARGS__, NULL)
#define add_at(fixture, now_ns, ...)             add_words(fixture, 0, NULL, now_ns, __VA_ARGS__, NULL)
#define add_of(fixture, menu, each, now_ns, ...) add_words(fixture, menu, each, now_ns, __VA_ARGS__, NULL)

static inline void print_reading(struct text *out, const struct measure *measure, const struct reading *reading)
{
	text_add(out, measure->name);
	text_add_char(out, '=');
	if (measure->kind == MEASURE_GAUGE)
		text_add_double(out, reading->value.number);
	else if (measure->kind == MEASURE_TEXT)
		text_add_format(out, "'%s'", reading->value.text);
	else if (measure->kind == MEASURE_COUNTER_SECONDS)
		text_add_format(out, "%lldns", (long long)reading->value.integer);
	else
		text_add_integer(out, reading->value.integer);
}

/* "{label=value,...} measure=value ...\n" */
static inline void print_row(struct text *out, const struct row *row)
{
	text_add_char(out, '{');
	for (size_t i = 0; i < row->nlabels; i++)
		text_add_format(out, "%s%s=%s", i ? "," : "", row->labels[i].name, row->labels[i].value);
	text_add_char(out, '}');
	for (size_t i = 0; i < row->n; i++) {
		cr_assert(row->readings[i].measure < row->set->n);
		cr_assert(i == 0 || row->readings[i - 1].measure < row->readings[i].measure);
		cr_assert_eq(row->readings[i].count, 0);
		text_add_char(out, ' ');
		print_reading(out, &row->set->measures[row->readings[i].measure], &row->readings[i]);
	}
	text_add_char(out, '\n');
}

/* All rows, borrowed until the next call. */
static inline const char *end_rows(struct table_fixture *fixture)
{
	size_t n;
	const struct row *rows = ros_table_end(fixture->table, &n);

	cr_assert(rows);
	text_clear(&fixture->printed);
	for (size_t i = 0; i < n; i++)
		print_row(&fixture->printed, &rows[i]);
	return text_string(&fixture->printed);
}

static inline struct ros_table_figures figures_of(const struct table_fixture *fixture)
{
	struct ros_table_figures figures;

	ros_table_read(fixture->table, &figures);
	return figures;
}

#endif
