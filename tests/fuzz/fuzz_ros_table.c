/*
 * Replies of a router through the built-in catalogue. First a line: the name of a data set, or anything, which chooses
 * one; then a byte for the menu; then the router's stream. Whatever comes, rows are unique and within their bounds, and
 * the same replies make the same rows again.
 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/text.h"
#include "core/utf8.h"
#include "daemon/ros_catalogue.h"
#include "probes/routeros/ros_table.h"
#include "probes/routeros/ros_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECOND   INT64_C(1000000000)
#define ROWS_MAX 50

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static struct catalogue *load(void)
{
	struct text errors = {0};
	struct catalogue *catalogue = ros_catalogue_load(NULL, 0, false, &errors);
	expect(catalogue != NULL);
	text_free(&errors);
	return catalogue;
}

static const struct catalogue_set *choose(const struct catalogue *catalogue, const uint8_t *data, size_t n)
{
	const struct catalogue_set *set;
	struct text name = {0};
	text_add_bytes(&name, data, n);
	set = catalogue_find(catalogue, text_string(&name));
	if (!set)
		set = catalogue->sets[hash_stable(text_string(&name)) % catalogue->n];
	text_free(&name);
	return set;
}

static void check_string(const char *string)
{
	size_t n = strlen(string);
	expect(n <= ROS_TABLE_TEXT_MAX);
	expect(utf8_length(string, n) == n);
}

static void check_labels(const struct row *row)
{
	for (size_t i = 0; i < row->nlabels; i++) {
		expect(row->labels[i].name[0] != '\0');
		check_string(row->labels[i].value);
		for (size_t k = 0; k < i; k++)
			expect(strcmp(row->labels[i].name, row->labels[k].name) != 0);
	}
}

static void check_readings(const struct row *row)
{
	expect(row->n > 0);
	for (size_t i = 0; i < row->n; i++) {
		const struct reading *reading = &row->readings[i];
		expect(reading->measure < row->set->n && reading->count == 0);
		expect(i == 0 || row->readings[i - 1].measure < reading->measure);
		enum measure_kind kind = row->set->measures[reading->measure].kind;
		if (kind == MEASURE_GAUGE)
			expect(isfinite(reading->value.number));
		else if (kind == MEASURE_COUNTER)
			expect(reading->value.integer >= 0);
		else if (kind == MEASURE_INFO)
			expect(reading->value.integer == 1);
		else if (kind == MEASURE_TEXT)
			check_string(reading->value.text);
	}
}

static void check_rows(const struct row *rows, size_t n)
{
	expect(rows && n <= ROWS_MAX);
	for (size_t i = 0; i < n; i++) {
		check_labels(&rows[i]);
		check_readings(&rows[i]);
		for (size_t k = 0; k < i; k++)
			expect(!label_sets_are_equal(rows[i].labels, rows[i].nlabels, rows[k].labels, rows[k].nlabels));
	}
}

/* All but the rates, which there are not the first time. */
static void tell(const struct catalogue_set *set, const struct row *rows, size_t n, struct text *out)
{
	text_clear(out);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < rows[i].nlabels; k++)
			text_add_format(out, "%s=%s,", rows[i].labels[k].name, rows[i].labels[k].value);
		for (size_t k = 0; k < rows[i].n; k++) {
			const struct reading *reading = &rows[i].readings[k];
			if (set->columns[reading->measure].is_rate)
				continue;
			text_add_unsigned(out, reading->measure);
			if (set->measure.measures[reading->measure].kind == MEASURE_TEXT)
				text_add(out, reading->value.text);
			else
				text_add_bytes(out, &reading->value, sizeof(reading->value));
		}
		text_add_char(out, '\n');
	}
}

struct stream {
	const uint8_t *data;
	size_t size;
	unsigned menu; /* of the first row; the next rows are of the next ones, now and then */
};

static void add_all(struct ros_table *table, const struct catalogue_set *set, const struct stream *stream,
		    int64_t now_ns)
{
	struct ros_reader reader = {0};
	struct ros_reply reply = {0};
	struct ros_sentence sentence;
	struct err err = {0};
	struct wire piece = wire_reader(stream->data, stream->size);
	for (unsigned i = 0; ros_reader_next(&reader, &piece, &sentence, &err) == ROS_READ_SENTENCE; i++) {
		const struct catalogue_menu *menu = &set->menus[(stream->menu + i / 8) % set->nmenus];
		if (ros_reply_read(&reply, &sentence, &err) != 0)
			break;
		if (set->mode == CATALOGUE_COUNT)
			ros_table_count(table, menu, hash_stable(set->name) >> i % 64);
		else
			ros_table_add(table, menu, i % 8 < 4 ? NULL : "ether1", &reply, now_ns + i);
	}
	ros_reply_free(&reply);
	ros_reader_free(&reader);
}

static void run(const struct catalogue_set *set, const struct stream *stream)
{
	static const struct label labels[] = {{"name", "r"}, {"interface", "s"}};
	struct err err = {0};
	struct ros_text *text = ros_text_open(stream->menu % 2 ? "windows-1251" : NULL, &err);
	struct ros_table *table = ros_table_create(&(struct ros_table_plan){
		.set = set, .max_rows = ROWS_MAX, .target_labels = labels, .ntarget_labels = 2, .text = text});
	struct text first = {0}, again = {0};
	for (int i = 0; i < 3; i++) {
		size_t n;
		ros_table_begin(table, i * SECOND, 3600);
		add_all(table, set, stream, i * SECOND);
		const struct row *rows = ros_table_end(table, &n);
		check_rows(rows, n);
		tell(set, rows, n, i ? &again : &first);
		expect(i == 0 || (first.length == again.length &&
				  memcmp(text_string(&first), text_string(&again), first.length) == 0));
		ros_table_begin(table, i * SECOND, 0);
		add_all(table, set, stream, i * SECOND);
		ros_table_abandon(table);
	}
	text_free(&first);
	text_free(&again);
	ros_table_free(table);
	ros_text_close(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct catalogue *catalogue;
	const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
	if (!line || size > 65536 || (size_t)(line - data) + 2 > size)
		return 0;
	if (!catalogue)
		catalogue = load();
	struct stream stream = {line + 2, size - (size_t)(line - data) - 2, line[1]};
	run(choose(catalogue, data, (size_t)(line - data)), &stream);
	return 0;
}
