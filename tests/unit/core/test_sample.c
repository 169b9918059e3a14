#include <criterion/criterion.h>
#include <malloc.h>
#include <string.h>

#include "core/mem.h"
#include "core/sample.h"

Test(sample, reasons_have_distinct_names)
{
	for (int a = 0; a < REASON_COUNT; a++) {
		cr_assert_not_null(reason_name((enum reason)a));
		cr_expect_eq(strspn(reason_name((enum reason)a), "abcdefghijklmnopqrstuvwxyz_"),
			     strlen(reason_name((enum reason)a)));
		for (int b = 0; b < a; b++)
			cr_expect_str_neq(reason_name((enum reason)a), reason_name((enum reason)b));
	}
	cr_expect_str_eq(reason_name(REASON_OK), "ok");
	cr_expect_str_eq(reason_name(REASON_UNREACHABLE_NET), "unreachable_net");
	cr_expect_str_eq(reason_name(REASON_LOCAL), "local");
	cr_expect_str_eq(reason_name((enum reason)REASON_COUNT), "unknown");
	cr_expect_str_eq(reason_name((enum reason) - 1), "unknown");
}

static const struct measure measures[] = {
	{"sent_total", MEASURE_COUNTER, "Sent"},
	{"spent_seconds_total", MEASURE_COUNTER_SECONDS, "Spent"},
	{"loss_ratio", MEASURE_GAUGE, "Lost"},
	{"depth", MEASURE_INTEGER, "Deep"},
	{"rtt_seconds", MEASURE_HISTOGRAM, "Round trip"},
	{"info", MEASURE_INFO, "Facts"},
	{"version", MEASURE_TEXT, "Version"},
};
static const struct measure_set set = {.name = "thing", .measures = measures, .n = 7, .help = "A thing"};

/* A sample whose every part lies in memory that is overwritten after the copy. */
struct fixture {
	char strings[16][16];
	int64_t observed_ns[3];
	struct label labels[2], row_labels[1];
	struct reading readings[7], second[2];
	struct row rows[3];
	struct subject subject;
	struct sample sample;
};

static char *keep(struct fixture *fixture, int slot, const char *string)
{
	return strcpy(fixture->strings[slot], string);
}

static void fill(struct fixture *fixture)
{
	memset(fixture, 0, sizeof(*fixture));
	memcpy(fixture->observed_ns, (int64_t[]){100, 200, 300}, sizeof(fixture->observed_ns));
	fixture->labels[0] = (struct label){keep(fixture, 0, "site"), keep(fixture, 1, "dc1")};
	fixture->labels[1] = (struct label){keep(fixture, 2, "odd"), keep(fixture, 3, "")};
	fixture->row_labels[0] = (struct label){keep(fixture, 4, "hop"), keep(fixture, 5, "3")};
	fixture->readings[0] = reading_integer(0, 12);
	fixture->readings[1] = reading_integer(1, 5000000000);
	fixture->readings[2] = reading_number(2, 0.25);
	fixture->readings[3] = reading_integer(3, -7);
	fixture->readings[4] = reading_histogram(4, fixture->observed_ns, 3);
	fixture->readings[5] = reading_number(5, 1);
	fixture->readings[6] = reading_text(6, keep(fixture, 6, "7.1"));
	fixture->second[0] = reading_histogram(4, NULL, 0);
	fixture->second[1] = reading_text(6, NULL);
	fixture->rows[0] = (struct row){.set = &set, .readings = fixture->readings, .n = 7};
	fixture->rows[1] = (struct row){&set, fixture->row_labels, 1, fixture->second, 2};
	fixture->rows[2] = (struct row){.set = &set};
	fixture->subject = (struct subject){keep(fixture, 7, "quad9"), keep(fixture, 8, "fast"),
					    keep(fixture, 9, "ping"), fixture->labels, 2};
	fixture->sample = (struct sample){
		.subject = &fixture->subject,
		.reason = REASON_TIMEOUT,
		.begun_realtime_ns = 1700000000000000000,
		.took_ns = 123,
		.run = 4,
		.skipped = 5,
		.rows = fixture->rows,
		.nrows = 3,
		.cause = keep(fixture, 10, "loss"),
	};
	address_parse("192.0.2.1", &fixture->sample.address);
}

/* Does the pointer lead into the memory of the copy itself? */
static bool is_within(const struct sample *copy, const void *pointer)
{
	uintptr_t start = (uintptr_t)copy;

	return (uintptr_t)pointer > start && (uintptr_t)pointer < start + malloc_usable_size((void *)start);
}

static void check_is_one_piece(const struct sample *copy)
{
	const struct subject *subject = copy->subject;
	const struct row *rows = copy->rows;

	cr_expect(is_within(copy, subject) && is_within(copy, rows));
	cr_expect(is_within(copy, subject->target) && is_within(copy, subject->probe) &&
		  is_within(copy, subject->type));
	cr_expect(is_within(copy, subject->labels) && is_within(copy, subject->labels[1].value));
	cr_expect(is_within(copy, rows[1].labels) && is_within(copy, rows[1].labels[0].name));
	cr_expect(is_within(copy, rows[0].readings) && is_within(copy, rows[0].readings[6].value.text));
	cr_expect(is_within(copy, rows[0].readings[4].value.observed_ns + 2));
}

static void check_rows(const struct row *rows)
{
	const struct reading *readings = rows[0].readings;

	cr_expect_eq(rows[0].set, &set, "sets stay borrowed");
	cr_expect_eq(rows[0].nlabels, 0);
	cr_assert_eq(rows[0].n, 7);
	cr_expect_eq(readings[0].value.integer, 12);
	cr_expect_eq(readings[1].value.integer, 5000000000);
	cr_expect_eq(readings[2].value.number, 0.25);
	cr_expect_eq(readings[3].value.integer, -7);
	cr_assert_eq(readings[4].count, 3);
	cr_expect_eq(readings[4].value.observed_ns[0], 100);
	cr_expect_eq(readings[4].value.observed_ns[2], 300);
	cr_expect_str_eq(readings[6].value.text, "7.1");
	for (unsigned i = 0; i < 7; i++)
		cr_expect_eq(readings[i].measure, i);
	cr_assert_eq(rows[1].nlabels, 1);
	cr_expect_str_eq(rows[1].labels[0].name, "hop");
	cr_expect_str_eq(rows[1].labels[0].value, "3");
	cr_assert_eq(rows[1].n, 2);
	cr_expect_eq(rows[1].readings[0].count, 0);
	cr_expect_null(rows[1].readings[1].value.text);
	cr_expect_eq(rows[2].n, 0);
}

Test(sample, copy_is_deep_and_one_piece)
{
	struct fixture *fixture = mem_alloc(sizeof(*fixture));

	fill(fixture);
	struct sample *copy = sample_copy(&fixture->sample);
	memset(fixture, 0xee, sizeof(*fixture));
	mem_free(fixture);

	cr_expect_eq(copy->reason, REASON_TIMEOUT);
	cr_expect_eq(copy->begun_realtime_ns, 1700000000000000000);
	cr_expect_eq(copy->took_ns, 123);
	cr_expect_eq(copy->run, 4);
	cr_expect_eq(copy->skipped, 5);
	cr_expect_eq(copy->address.bytes[0], 192);
	cr_expect(is_within(copy, copy->cause));
	cr_expect_str_eq(copy->cause, "loss");
	cr_expect_str_eq(copy->subject->target, "quad9");
	cr_expect_str_eq(copy->subject->probe, "fast");
	cr_expect_str_eq(copy->subject->type, "ping");
	cr_assert_eq(copy->subject->nlabels, 2);
	cr_expect_str_eq(copy->subject->labels[0].name, "site");
	cr_expect_str_eq(copy->subject->labels[0].value, "dc1");
	cr_expect_str_eq(copy->subject->labels[1].value, "");
	cr_assert_eq(copy->nrows, 3);
	check_rows(copy->rows);
	check_is_one_piece(copy);
	mem_free(copy);
}

Test(sample, copy_of_a_copy)
{
	struct fixture fixture;

	fill(&fixture);
	struct sample *first = sample_copy(&fixture.sample);
	struct sample *second = sample_copy(first);
	mem_free(first);
	cr_expect_str_eq(second->subject->target, "quad9");
	check_rows(second->rows);
	mem_free(second);
}

Test(sample, copy_of_nearly_nothing)
{
	struct sample empty = {.reason = REASON_RESOLVE};
	struct sample *copy = sample_copy(&empty);

	cr_expect_eq(copy->reason, REASON_RESOLVE);
	cr_expect_null(copy->subject);
	cr_expect_null(copy->rows);
	cr_expect_eq(copy->nrows, 0);
	mem_free(copy);
}

Test(sample, copy_of_a_subject_without_names)
{
	struct subject subject = {.target = "t"};
	struct sample sample = {.subject = &subject};
	struct sample *copy = sample_copy(&sample);

	cr_expect_str_eq(copy->subject->target, "t");
	cr_expect_null(copy->subject->probe);
	cr_expect_eq(copy->subject->nlabels, 0);
	mem_free(copy);
}

Test(sample, compares_labels_in_any_order)
{
	static const struct {
		struct label a[3];
		size_t na;
		struct label b[3];
		size_t nb;
		bool is_equal;
	} rows[] = {
		{{{0}}, 0, {{0}}, 0, true},
		{{{"a", "1"}}, 1, {{0}}, 0, false},
		{{{"a", "1"}}, 1, {{"a", "1"}}, 1, true},
		{{{"a", "1"}}, 1, {{"a", "2"}}, 1, false},
		{{{"a", "1"}}, 1, {{"b", "1"}}, 1, false},
		{{{"a", "1"}, {"b", "2"}}, 2, {{"b", "2"}, {"a", "1"}}, 2, true},
		{{{"a", "1"}, {"b", "2"}, {"c", "3"}}, 3, {{"c", "3"}, {"a", "1"}, {"b", "2"}}, 3, true},
		{{{"a", "1"}, {"b", "2"}}, 2, {{"a", "1"}, {"b", "2"}, {"c", "3"}}, 3, false},
		{{{"a", "1"}, {"b", "2"}}, 2, {{"a", "2"}, {"b", "1"}}, 2, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_eq(label_sets_are_equal(rows[i].a, rows[i].na, rows[i].b, rows[i].nb), rows[i].is_equal,
			     "row %zu", i);
		cr_expect_eq(label_sets_are_equal(rows[i].b, rows[i].nb, rows[i].a, rows[i].na), rows[i].is_equal,
			     "row %zu", i);
	}
}
