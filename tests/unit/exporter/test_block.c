#include <criterion/criterion.h>

#include "core/mem.h"
#include "exporter/block.h"

Test(block, a_bound_belongs_to_its_bucket)
{
	for (unsigned i = 0; i < SERIES_BUCKETS; i++) {
		int64_t bound_ns = series_bucket_bound_ns(i);
		cr_expect_eq(bound_ns, INT64_C(50000) << i);
		cr_expect_eq(series_bucket(bound_ns - 1), i);
		cr_expect_eq(series_bucket(bound_ns), i);
		cr_expect_eq(series_bucket(bound_ns + 1), i + 1);
	}
	cr_expect_eq(series_bucket(0), 0);
	cr_expect_eq(series_bucket(-5), 0);
	cr_expect_eq(series_bucket(INT64_MIN), 0);
	cr_expect_eq(series_bucket(INT64_MAX), SERIES_BUCKETS);
}

Test(block, every_observation_is_in_the_first_bucket_that_holds_it)
{
	for (int64_t ns = 1; ns < INT64_C(40000000000); ns += ns / 97 + 1) {
		unsigned expected = 0;
		while (expected < SERIES_BUCKETS && series_bucket_bound_ns(expected) < ns)
			expected++;
		cr_assert_eq(series_bucket(ns), expected, "%lld", (long long)ns);
	}
}

static const struct measure measures[] = {
	{"a", MEASURE_GAUGE, ""}, {"b_total", MEASURE_COUNTER, ""}, {"c_seconds", MEASURE_HISTOGRAM, ""},
	{"d", MEASURE_TEXT, ""},  {"e", MEASURE_INTEGER, ""},       {"info", MEASURE_INFO, ""},
	{"g", MEASURE_GAUGE, ""},
};
static const struct measure_set set = {"s", measures, 7, NULL, ""};

Test(block, room_for_readings)
{
	static const struct {
		enum measure_kind kind;
		int64_t integer;
		int64_t observed_ns[3];
		unsigned count;
		struct room room;
	} rows[] = {
		{MEASURE_GAUGE, 0, {0}, 0, {2, 0}},
		{MEASURE_TEXT, 0, {0}, 0, {0, 0}},
		{MEASURE_INFO, 0, {0}, 0, {1, 0}},
		{MEASURE_COUNTER, INT32_MAX, {0}, 0, {1, 0}},
		{MEASURE_COUNTER, INT64_C(1) << 31, {0}, 0, {2, 0}},
		{MEASURE_COUNTER_SECONDS, INT64_MAX, {0}, 0, {2, 0}},
		{MEASURE_INTEGER, -INT32_MAX, {0}, 0, {1, 0}},
		{MEASURE_INTEGER, INT32_MIN, {0}, 0, {2, 0}},
		{MEASURE_HISTOGRAM, 0, {0}, 0, {2, 0}},
		{MEASURE_HISTOGRAM, 0, {60000}, 1, {3, 1}},
		{MEASURE_HISTOGRAM, 0, {200001, 60000, 60000}, 3, {2 + 3, 1}},
		{MEASURE_HISTOGRAM, 0, {INT64_MAX, 0}, 2, {2 + 21, 0}},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reading reading = reading_integer(0, rows[i].integer);
		if (rows[i].kind == MEASURE_HISTOGRAM)
			reading = reading_histogram(0, rows[i].observed_ns, rows[i].count);
		struct room room = room_needed(rows[i].kind, &reading);
		cr_expect_eq(room.cells, rows[i].room.cells, "row %zu: %u", i, room.cells);
		cr_expect_eq(room.first, rows[i].room.first, "row %zu: %u", i, room.first);
		cr_expect(room_holds(rows[i].kind, room, room), "row %zu", i);
	}
}

Test(block, room_grows)
{
	static const struct {
		enum measure_kind kind;
		struct room a, b, both;
	} rows[] = {
		{MEASURE_COUNTER, {0, 0}, {1, 0}, {1, 0}},
		{MEASURE_COUNTER, {2, 0}, {1, 0}, {2, 0}},
		{MEASURE_COUNTER, {1, 0}, {2, 0}, {2, 0}},
		/* buckets: four at a time, at the slow end while there are any */
		{MEASURE_HISTOGRAM, {0, 0}, {2, 0}, {2, 0}},
		{MEASURE_HISTOGRAM, {0, 0}, {3, 7}, {6, 7}},
		{MEASURE_HISTOGRAM, {2, 0}, {3, 7}, {6, 7}},
		{MEASURE_HISTOGRAM, {6, 7}, {3, 10}, {6, 7}},
		{MEASURE_HISTOGRAM, {6, 7}, {2, 0}, {6, 7}},
		{MEASURE_HISTOGRAM, {6, 7}, {3, 11}, {10, 7}},
		{MEASURE_HISTOGRAM, {6, 7}, {3, 6}, {10, 6}},
		{MEASURE_HISTOGRAM, {6, 7}, {3, 0}, {14, 0}},
		{MEASURE_HISTOGRAM, {0, 0}, {3, 19}, {4, 19}},
		{MEASURE_HISTOGRAM, {4, 19}, {3, 0}, {23, 0}},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct room both = room_join(rows[i].kind, rows[i].a, rows[i].b);
		cr_expect_eq(both.cells, rows[i].both.cells, "row %zu: %u", i, both.cells);
		cr_expect_eq(both.first, rows[i].both.first, "row %zu: %u", i, both.first);
		cr_expect(room_holds(rows[i].kind, both, rows[i].a), "row %zu", i);
		cr_expect(room_holds(rows[i].kind, both, rows[i].b), "row %zu", i);
	}
}

Test(block, a_shape_has_room_for_what_was_asked)
{
	static const struct room most[7] = {{2, 0}, {1, 0}, {5, 3}, {0, 0}, {2, 0}, {1, 0}, {0, 0}};
	static const struct room few[7] = {[0] = {2, 0}, [6] = {2, 0}};
	struct shapes *shapes = shapes_create();
	const struct shape *shape = shapes_hold_shape(shapes, &set, most);
	cr_expect_eq(shape->ncolumns, 5);
	cr_expect_eq(shape->cells, 2 + 6 + 2 + 2);
	cr_expect_eq(shape->series, 4 + SHAPE_HISTOGRAM_SERIES);
	cr_expect_eq(shape_column(shape, 0)->cell, 0);
	cr_expect_eq(shape_column(shape, 1)->cell, 10, "single cells come last");
	cr_expect_eq(shape_column(shape, 2)->cell, 2);
	cr_expect_null(shape_column(shape, 3));
	cr_expect_eq(shape_column(shape, 4)->cell, 8, "on an even cell");
	cr_expect_eq(shape_column(shape, 5)->cell, 11);
	cr_expect_null(shape_column(shape, 6));

	const struct shape *same = shapes_hold_shape(shapes, &set, most);
	const struct shape *other = shapes_hold_shape(shapes, &set, few);
	cr_expect_eq(same, shape);
	cr_expect_neq(other, shape);
	cr_expect_eq(other->set, shape->set);
	size_t n;
	struct known_set **sets = shapes_hold_all(shapes, &n);
	cr_expect_eq(n, 1);
	shapes_drop_set(shapes, sets[0]);
	mem_free(sets);
	shapes_drop_shape(shapes, shape);
	shapes_drop_shape(shapes, other);
	shapes_drop_shape(shapes, same);
	sets = shapes_hold_all(shapes, &n);
	cr_expect_eq(n, 0, "nobody uses it any more");
	mem_free(sets);
	shapes_free(shapes);
	shapes_free(NULL);
}

Test(block, a_set_that_took_the_place_of_another_is_another)
{
	struct measure place[1] = {{"x", MEASURE_GAUGE, NULL}};
	struct measure_set moving = {"one", place, 1, NULL, ""};
	struct shapes *shapes = shapes_create();
	struct known_set *first = shapes_hold_set(shapes, &moving);
	cr_expect_str_eq(first->measures[0].help, "");
	moving.name = "two";
	struct known_set *second = shapes_hold_set(shapes, &moving);
	cr_expect_neq(first, second);
	place[0].name = "y";
	struct known_set *third = shapes_hold_set(shapes, &moving);
	cr_expect_neq(second, third);
	place[0].kind = MEASURE_COUNTER;
	struct known_set *fourth = shapes_hold_set(shapes, &moving);
	cr_expect_neq(third, fourth);
	cr_expect_eq(shapes_hold_set(shapes, &moving), fourth);
	shapes_drop_set(shapes, fourth);
	shapes_drop_set(shapes, second);
	shapes_drop_set(shapes, fourth);
	shapes_drop_set(shapes, first);
	shapes_drop_set(shapes, third);
	shapes_free(shapes);
}

static struct slabs *slabs;

/* A block of one row with this room. */
static struct block *block_of(struct shapes *shapes, const struct room *rooms)
{
	const struct block_plan_row row = {shapes_hold_shape(shapes, &set, rooms), {NULL, 0}};
	if (!slabs)
		slabs = slabs_create();
	return block_create(slabs, (struct label_text){0}, &row, 1);
}

static void fill(struct block *block, struct reading reading)
{
	block_begin(block);
	block_fill_row(block, 0, &(struct row){&set, NULL, 0, &reading, 1});
	block_end(block);
}

static bool read_histogram(const struct block *block, struct histogram *out)
{
	return block_read_histogram(block, 0, shape_column(block->rows[0].shape, 2), out);
}

Test(block, a_reader_that_meets_a_writer_at_rest_half_way_goes_on)
{
	static const struct room rooms[7] = {[2] = {6, 1}};
	struct shapes *shapes = shapes_create();
	struct block *block = block_of(shapes, rooms);
	struct histogram histogram;
	cr_expect_not(read_histogram(block, &histogram), "not observed yet");
	block_begin(block);
	int64_t ns = 60000;
	struct reading reading = reading_histogram(2, &ns, 1);
	block_fill_row(block, 0, &(struct row){&set, NULL, 0, &reading, 1});
	cr_expect(read_histogram(block, &histogram));
	block_end(block);
	cr_expect(read_histogram(block, &histogram));
	cr_expect_eq(histogram.counts[1], 1);
	cr_expect_eq(histogram.sum_ns, 60000);
	block_free(slabs, block, shapes);
	block_free(slabs, NULL, shapes);
	shapes_free(shapes);
}

Test(block, what_has_no_room_is_left_out)
{
	static const struct room rooms[7] = {[1] = {1, 0}, [2] = {3, 1}, [4] = {1, 0}};
	struct shapes *shapes = shapes_create();
	struct block *block = block_of(shapes, rooms);
	const struct shape *shape = block->rows[0].shape;
	const int64_t observed_ns[] = {60000, 1000, 200000};
	struct histogram histogram;
	int64_t integer;
	fill(block, reading_histogram(2, observed_ns, 3));
	cr_expect(read_histogram(block, &histogram));
	cr_expect_eq(histogram.sum_ns, 60000);
	fill(block, reading_integer(4, -7));
	cr_expect(block_read_integer(block, 0, shape_column(shape, 4), &integer));
	cr_expect_eq(integer, -7);
	cr_expect_not(read_histogram(block, &histogram), "no reading of it");
	fill(block, reading_integer(4, INT32_MIN));
	cr_expect_not(block_read_integer(block, 0, shape_column(shape, 4), &integer));
	fill(block, reading_integer(1, INT64_C(5) << 32));
	cr_expect_not(block_read_integer(block, 0, shape_column(shape, 1), &integer));
	fill(block, reading_integer(1, INT32_MAX));
	cr_expect(block_read_integer(block, 0, shape_column(shape, 1), &integer));
	cr_expect_eq(integer, INT32_MAX);
	block_free(slabs, block, shapes);
	shapes_free(shapes);
}

/* Values go on in a row with more room, and in one with less as far as they fit. */
Test(block, copies_between_shapes)
{
	static const struct room small[7] = {[0] = {2, 0}, [1] = {1, 0}, [2] = {4, 2}, [4] = {2, 0}};
	static const struct room large[7] = {[0] = {2, 0}, [1] = {2, 0}, [2] = {23, 0}, [4] = {1, 0}, [6] = {2, 0}};
	const int64_t observed_ns[] = {200000, 400000, 400000};
	const struct reading readings[] = {reading_number(0, 0.5), reading_integer(1, 77),
					   reading_histogram(2, observed_ns, 3), reading_integer(4, INT64_C(1) << 40)};
	struct shapes *shapes = shapes_create();
	struct block *from = block_of(shapes, small), *to = block_of(shapes, large);
	struct histogram histogram;
	int64_t integer;
	double number;
	cr_expect_eq(block_fill_row(from, 0, &(struct row){&set, NULL, 0, readings, 4}), 3 + SHAPE_HISTOGRAM_SERIES);
	for (unsigned round = 0; round < 2; round++) {
		block_copy_row(to, 0, from, 0);
		const struct shape *shape = to->rows[0].shape;
		cr_expect(block_read_number(to, 0, shape_column(shape, 0), &number));
		cr_expect_eq(number, 0.5);
		cr_expect(block_read_integer(to, 0, shape_column(shape, 1), &integer));
		cr_expect_eq(integer, 77);
		cr_expect(read_histogram(to, &histogram));
		cr_expect_eq(histogram.counts[2], 1);
		cr_expect_eq(histogram.counts[3], 2);
		cr_expect_eq(histogram.sum_ns, 1000000);
		cr_expect_not(block_read_integer(to, 0, shape_column(shape, 4), &integer));
		cr_expect(round > 0 || !block_read_number(to, 0, shape_column(shape, 6), &number));
		struct block *other = to;
		to = from;
		from = other;
	}
	block_free(slabs, from, shapes);
	block_free(slabs, to, shapes);
	shapes_free(shapes);
}

Test(block, a_full_bucket_begins_its_histogram_again)
{
	static const struct room rooms[7] = {[2] = {6, 1}};
	struct shapes *shapes = shapes_create();
	struct block *block = block_of(shapes, rooms);
	const int64_t observed_ns[] = {60000, 200000};
	struct histogram histogram;
	fill(block, reading_histogram(2, observed_ns, 2));
	/* Nobody waits for four thousand million observations: the bucket is filled by hand. */
	_Atomic uint32_t *cells = (_Atomic uint32_t *)(void *)block;
	atomic_store(&cells[block->rows[0].cells + ROOM_SUM_CELLS], UINT32_MAX);
	fill(block, reading_histogram(2, observed_ns, 1));
	cr_expect(read_histogram(block, &histogram));
	cr_expect_eq(histogram.counts[1], 1);
	cr_expect_eq(histogram.counts[2], 0);
	cr_expect_eq(histogram.sum_ns, 60000);
	block_free(slabs, block, shapes);
	shapes_free(shapes);
}
