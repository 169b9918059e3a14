#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "daemon/sheet.h"

enum { RATIO, COUNT, NOTE };
static const struct measure measures[] = {
	{"ratio", MEASURE_GAUGE, "A ratio"},
	{"count", MEASURE_INTEGER, "A count"},
	{"note", MEASURE_TEXT, "A remark"},
};
static const struct measure_set set = {"thing", measures, 3, NULL, "A thing"};
static const struct measure_set other_set = {"other", measures, 3, NULL, "Another thing"};

Test(sheet, is_empty_at_first_and_after_clear)
{
	struct sheet *sheet = sheet_create();
	size_t n = 7;

	sheet_rows(sheet, &n);
	cr_assert_eq(n, 0);
	sheet_begin(sheet, &set);
	sheet_add_number(sheet, RATIO, 1);
	sheet_clear(sheet);
	sheet_rows(sheet, &n);
	cr_assert_eq(n, 0);
	sheet_free(sheet);
	sheet_free(NULL);
}

Test(sheet, rows_have_what_was_added)
{
	struct sheet *sheet = sheet_create();
	size_t n;

	sheet_begin(sheet, &set);
	sheet_add_label(sheet, "use", "voice");
	sheet_add_number(sheet, RATIO, 0.5);
	sheet_add_text(sheet, NOTE, "hello");
	sheet_begin(sheet, &other_set);
	sheet_add_integer(sheet, COUNT, 3);
	const struct row *rows = sheet_rows(sheet, &n);
	cr_assert_eq(n, 2);
	cr_assert_eq(rows[0].set, &set);
	cr_assert_eq(rows[0].nlabels, 1);
	cr_assert_str_eq(rows[0].labels[0].name, "use");
	cr_assert_str_eq(rows[0].labels[0].value, "voice");
	cr_assert_eq(rows[0].n, 2);
	cr_assert_eq(rows[0].readings[0].measure, RATIO);
	cr_assert_eq(rows[0].readings[0].value.number, 0.5);
	cr_assert_str_eq(rows[0].readings[1].value.text, "hello");
	cr_assert_eq(rows[1].set, &other_set);
	cr_assert_eq(rows[1].nlabels, 0);
	cr_assert_eq(rows[1].readings[0].value.integer, 3);
	sheet_free(sheet);
}

/* A row without readings takes its labels along, whether others follow or not. */
Test(sheet, rows_without_readings_are_left_out)
{
	struct sheet *sheet = sheet_create();
	size_t n;

	sheet_begin(sheet, &set);
	sheet_add_label(sheet, "use", "voice");
	sheet_add_number(sheet, RATIO, NAN);
	sheet_begin(sheet, &set);
	sheet_add_label(sheet, "use", "web");
	sheet_add_number(sheet, RATIO, 1);
	sheet_begin(sheet, &set);
	sheet_add_label(sheet, "use", "gaming");
	sheet_add_number(sheet, RATIO, INFINITY);
	const struct row *rows = sheet_rows(sheet, &n);
	cr_assert_eq(n, 1);
	cr_assert_eq(rows[0].nlabels, 1);
	cr_assert_str_eq(rows[0].labels[0].value, "web");
	sheet_free(sheet);
}

/* The arrays move as they grow; rows must not point to where they were. */
Test(sheet, grows)
{
	struct sheet *sheet = sheet_create();
	char text[64];
	size_t n;

	for (int round = 0; round < 2; round++) {
		sheet_clear(sheet);
		for (int i = 0; i < 1000; i++) {
			snprintf(text, sizeof(text), "value %d of round %d", i, round);
			sheet_begin(sheet, &set);
			sheet_add_label(sheet, "place", text);
			sheet_add_integer(sheet, COUNT, i);
			sheet_add_text(sheet, NOTE, text);
		}
		const struct row *rows = sheet_rows(sheet, &n);
		cr_assert_eq(n, 1000);
		for (int i = 0; i < 1000; i++) {
			snprintf(text, sizeof(text), "value %d of round %d", i, round);
			cr_assert_str_eq(rows[i].labels[0].value, text);
			cr_assert_eq(rows[i].readings[0].value.integer, i);
			cr_assert_str_eq(rows[i].readings[1].value.text, text);
		}
	}
	sheet_free(sheet);
}

Test(sheet, quiet_rows_make_no_lines)
{
	/* q: quiet, l: a line */
	static const char plan[] = "qllqql";
	struct sheet *sheet = sheet_create();
	size_t first = 0, n;

	cr_assert_eq(sheet_next_lines(sheet, &first), 0);
	for (size_t i = 0; plan[i]; i++) {
		sheet_begin(sheet, &set);
		if (plan[i] == 'q')
			sheet_be_quiet(sheet);
		sheet_add_integer(sheet, COUNT, (int64_t)i);
	}
	sheet_rows(sheet, &n);
	cr_assert_eq(n, 6);
	cr_expect_eq(sheet_next_lines(sheet, &first), 2);
	cr_expect_eq(first, 1);
	first += 2;
	cr_expect_eq(sheet_next_lines(sheet, &first), 1);
	cr_expect_eq(first, 5);
	first++;
	cr_expect_eq(sheet_next_lines(sheet, &first), 0);
	sheet_clear(sheet);
	first = 0;
	cr_expect_eq(sheet_next_lines(sheet, &first), 0);
	sheet_free(sheet);
}
