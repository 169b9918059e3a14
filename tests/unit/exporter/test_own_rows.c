#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/own_rows.h"

static const struct measure measures[] = {
	{"a", MEASURE_GAUGE, ""}, {"b", MEASURE_TEXT, ""}, {"c_seconds", MEASURE_HISTOGRAM, ""}};
static const struct measure_set set = {"s", measures, 3, NULL, ""};

Test(own_rows, a_copy_outlives_what_it_was_made_of)
{
	struct own_rows own = {0};
	for (int64_t i = 0; i < 100; i++) {
		char *name = strdup("name"), *value = strdup("value");
		int64_t *observed = malloc(2 * sizeof(*observed));
		observed[0] = i, observed[1] = i + 1;
		struct reading readings[] = {reading_number(0, (double)i), reading_text(1, value),
					     reading_histogram(2, observed, 2)};
		own_rows_add(&own, &(struct row){&set, &(struct label){name, value}, 1, readings, 3});
		memset(name, 'x', 4);
		memset(value, 'x', 5);
		memset(observed, 0xFF, 2 * sizeof(*observed));
		free(name);
		free(value);
		free(observed);
	}
	cr_assert_eq(own.n, 100);
	for (int64_t i = 0; i < 100; i++) {
		const struct row *row = &own.rows[i];
		cr_expect_eq(row->set, &set);
		cr_expect_eq(row->nlabels, 1);
		cr_expect_str_eq(row->labels[0].name, "name");
		cr_expect_str_eq(row->labels[0].value, "value");
		cr_assert_eq(row->n, 2, "texts are left out");
		cr_expect_eq(row->readings[0].value.number, (double)i);
		cr_expect_eq(row->readings[1].measure, 2);
		cr_expect_eq(row->readings[1].count, 2);
		cr_expect_eq(row->readings[1].value.observed_ns[0], i);
		cr_expect_eq(row->readings[1].value.observed_ns[1], i + 1);
	}
	own_rows_free(&own);
	cr_expect_eq(own.n, 0);
	own_rows_free(&own);
}

Test(own_rows, a_row_without_anything)
{
	struct own_rows own = {0};
	own_rows_add(&own, &(struct row){&set, NULL, 0, NULL, 0});
	const struct reading empty = reading_histogram(2, NULL, 0);
	own_rows_add(&own, &(struct row){&set, NULL, 0, &empty, 1});
	cr_expect_eq(own.n, 2);
	cr_expect_eq(own.rows[0].n, 0);
	cr_expect_eq(own.rows[1].readings[0].count, 0);
	own_rows_free(&own);
}
