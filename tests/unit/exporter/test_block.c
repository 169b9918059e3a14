#include <criterion/criterion.h>

#include "core/mem.h"
#include "exporter/block.h"

Test(block, a_bound_belongs_to_its_bucket)
{
	for (unsigned i = 0; i < SERIES_BUCKETS; i++) {
		int64_t bound_ns = series_bucket_bound_ns(i);
		cr_expect_eq(bound_ns, INT64_C(50000) << i);
		cr_expect_eq(histogram_bucket(bound_ns - 1), i);
		cr_expect_eq(histogram_bucket(bound_ns), i);
		cr_expect_eq(histogram_bucket(bound_ns + 1), i + 1);
	}
	cr_expect_eq(histogram_bucket(0), 0);
	cr_expect_eq(histogram_bucket(-5), 0);
	cr_expect_eq(histogram_bucket(INT64_MIN), 0);
	cr_expect_eq(histogram_bucket(INT64_MAX), SERIES_BUCKETS);
}

Test(block, every_observation_is_in_the_first_bucket_that_holds_it)
{
	for (int64_t ns = 1; ns < INT64_C(40000000000); ns += ns / 97 + 1) {
		unsigned expected = 0;
		while (expected < SERIES_BUCKETS && series_bucket_bound_ns(expected) < ns)
			expected++;
		cr_assert_eq(histogram_bucket(ns), expected, "%lld", (long long)ns);
	}
}

static const struct measure measures[] = {
	{"a", MEASURE_GAUGE, ""}, {"b_total", MEASURE_COUNTER, ""}, {"c_seconds", MEASURE_HISTOGRAM, ""},
	{"d", MEASURE_TEXT, ""},  {"e", MEASURE_INTEGER, ""},       {"info", MEASURE_INFO, ""},
	{"g", MEASURE_GAUGE, ""},
};
static const struct measure_set set = {"s", measures, 7, NULL, ""};

Test(block, a_shape_has_room_for_what_was_asked)
{
	struct catalogue *catalogue = catalogue_create();
	const struct shape *shape = catalogue_hold_shape(catalogue, &set, (const uint64_t[]){0x3F});
	cr_expect_eq(shape->ncolumns, 5);
	cr_expect_eq(shape->words, 4 + SHAPE_HISTOGRAM_WORDS);
	cr_expect_eq(shape->series, 4 + SHAPE_HISTOGRAM_SERIES);
	cr_expect_eq(shape->where[0], 0);
	cr_expect_eq(shape->where[2], 2);
	cr_expect_eq(shape->where[3], SHAPE_NONE, "texts are not exposed");
	cr_expect_eq(shape->where[4], 2 + SHAPE_HISTOGRAM_WORDS);
	cr_expect_eq(shape->where[6], SHAPE_NONE);

	const struct shape *same = catalogue_hold_shape(catalogue, &set, (const uint64_t[]){0x3F});
	const struct shape *other = catalogue_hold_shape(catalogue, &set, (const uint64_t[]){0x41});
	cr_expect_eq(same, shape);
	cr_expect_neq(other, shape);
	cr_expect_eq(other->set, shape->set);
	size_t n;
	struct known_set **sets = catalogue_hold_all(catalogue, &n);
	cr_expect_eq(n, 1);
	catalogue_drop_set(catalogue, sets[0]);
	mem_free(sets);
	catalogue_drop_shape(catalogue, shape);
	catalogue_drop_shape(catalogue, other);
	catalogue_drop_shape(catalogue, same);
	sets = catalogue_hold_all(catalogue, &n);
	cr_expect_eq(n, 0, "nobody uses it any more");
	mem_free(sets);
	catalogue_free(catalogue);
	catalogue_free(NULL);
}

Test(block, a_set_that_took_the_place_of_another_is_another)
{
	struct measure place[1] = {{"x", MEASURE_GAUGE, NULL}};
	struct measure_set moving = {"one", place, 1, NULL, ""};
	struct catalogue *catalogue = catalogue_create();
	struct known_set *first = catalogue_hold_set(catalogue, &moving);
	cr_expect_str_eq(first->measures[0].help, "");
	moving.name = "two";
	struct known_set *second = catalogue_hold_set(catalogue, &moving);
	cr_expect_neq(first, second);
	place[0].name = "y";
	struct known_set *third = catalogue_hold_set(catalogue, &moving);
	cr_expect_neq(second, third);
	place[0].kind = MEASURE_COUNTER;
	struct known_set *fourth = catalogue_hold_set(catalogue, &moving);
	cr_expect_neq(third, fourth);
	cr_expect_eq(catalogue_hold_set(catalogue, &moving), fourth);
	catalogue_drop_set(catalogue, fourth);
	catalogue_drop_set(catalogue, second);
	catalogue_drop_set(catalogue, fourth);
	catalogue_drop_set(catalogue, first);
	catalogue_drop_set(catalogue, third);
	catalogue_free(catalogue);
}

Test(block, a_reader_that_meets_a_writer_at_rest_half_way_goes_on)
{
	struct catalogue *catalogue = catalogue_create();
	const struct shape *shape = catalogue_hold_shape(catalogue, &set, (const uint64_t[]){0x04});
	struct block *block = block_create((struct label_text){0}, &(struct block_plan_row){shape, {NULL, 0}}, 1);
	struct histogram histogram;
	cr_expect_not(block_read_histogram(block, block->rows[0].words, &histogram), "not observed yet");
	block_begin(block);
	int64_t ns = 60000;
	struct reading reading = reading_histogram(2, &ns, 1);
	block_fill_row(block, 0, &(struct row){&set, NULL, 0, &reading, 1});
	cr_expect(block_read_histogram(block, block->rows[0].words, &histogram));
	block_end(block);
	cr_expect(block_read_histogram(block, block->rows[0].words, &histogram));
	cr_expect_eq(histogram.counts[1], 1);
	cr_expect_eq(histogram.sum_ns, 60000);
	block_free(block, catalogue);
	block_free(NULL, catalogue);
	catalogue_free(catalogue);
}
