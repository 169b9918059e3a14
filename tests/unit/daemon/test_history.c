#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "daemon/history.h"

enum { COUNT, SPENT, LEVEL, SIGNED, RTT, INFO, TEXT, MEASURES };
static const struct measure measures[MEASURES] = {
	[COUNT] = {"count_total", MEASURE_COUNTER, "c"},
	[SPENT] = {"spent_seconds_total", MEASURE_COUNTER_SECONDS, "s"},
	[LEVEL] = {"level_ratio", MEASURE_GAUGE, "g"},
	[SIGNED] = {"signed", MEASURE_INTEGER, "i"},
	[RTT] = {"rtt_seconds", MEASURE_HISTOGRAM, "h"},
	[INFO] = {"info", MEASURE_INFO, "n"},
	[TEXT] = {"text", MEASURE_TEXT, "t"},
};
static const struct measure_set alpha = {"alpha", measures, MEASURES, NULL, "a"};
static const struct measure_set beta = {"beta", measures, MEASURES, NULL, "b"};

/* --- a sample made of random numbers, the same for the same seed ------------------------------------------------- */

#define ROWS_MAX     5
#define LABELS_MAX   4
#define STRING_MAX   40
#define OBSERVED_MAX 5

struct made {
	struct sample sample;
	struct row rows[ROWS_MAX];
	struct label labels[ROWS_MAX][LABELS_MAX];
	char strings[ROWS_MAX][LABELS_MAX * 2 + 1][STRING_MAX];
	struct reading readings[ROWS_MAX][MEASURES];
	char cause[STRING_MAX];
	int64_t observed_ns[ROWS_MAX][OBSERVED_MAX];
};

static uint32_t draw(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

static const char *make_string(char *out, uint32_t *seed)
{
	size_t n = draw(seed, STRING_MAX);
	for (size_t i = 0; i < n; i++)
		out[i] = (char)('a' + draw(seed, 26));
	out[n] = '\0';
	return out;
}

static struct reading make_reading(struct made *made, size_t row, unsigned measure, uint32_t *seed)
{
	unsigned n;
	switch (measures[measure].kind) {
	case MEASURE_GAUGE:
		return reading_number(measure, draw(seed, 5) == 0 ? (double)NAN : draw(seed, 1000) / 7.0);
	case MEASURE_HISTOGRAM:
		n = draw(seed, OBSERVED_MAX + 1);
		for (unsigned i = 0; i < n; i++)
			made->observed_ns[row][i] = (int64_t)draw(seed, 1000000) - 1000;
		return reading_histogram(measure, made->observed_ns[row], n);
	case MEASURE_TEXT:
		return reading_text(measure,
				    draw(seed, 4) == 0 ? NULL : make_string(made->strings[row][LABELS_MAX * 2], seed));
	default:
		return reading_integer(measure, draw(seed, 9) == 0 ? INT64_MIN : (int64_t)draw(seed, 1000000) - 500);
	}
}

static void make_row(struct made *made, size_t row, uint32_t *seed)
{
	struct row *out = &made->rows[row];
	out->set = draw(seed, 2) ? &alpha : &beta;
	out->labels = made->labels[row];
	out->nlabels = draw(seed, LABELS_MAX + 1);
	for (size_t i = 0; i < out->nlabels; i++)
		made->labels[row][i] = (struct label){make_string(made->strings[row][2 * i], seed),
						      make_string(made->strings[row][2 * i + 1], seed)};
	out->readings = made->readings[row];
	for (unsigned i = 0; i < MEASURES; i++)
		if (draw(seed, 3) > 0)
			made->readings[row][out->n++] = make_reading(made, row, i, seed);
}

static void make_sample(struct made *made, uint64_t run, uint32_t seed)
{
	memset(made, 0, sizeof(*made));
	made->sample = (struct sample){
		.reason = (enum reason)draw(&seed, REASON_COUNT),
		.begun_realtime_ns = (int64_t)draw(&seed, 1000000) * 1000000007,
		.took_ns = (int64_t)draw(&seed, 1000000),
		.run = run,
		.skipped = draw(&seed, 10),
		.address = {.bytes = {192, 0, 2, (uint8_t)run}, .family = (uint8_t)draw(&seed, 2)},
		.rows = made->rows,
		.nrows = draw(&seed, ROWS_MAX + 1),
	};
	for (size_t i = 0; i < made->sample.nrows; i++)
		make_row(made, i, &seed);
	if (draw(&seed, 3) == 0)
		made->sample.cause = make_string(made->cause, &seed);
}

/* --- is what comes out what went in? ----------------------------------------------------------------------------- */

static void expect_histogram(const struct reading *kept, const struct reading *put)
{
	const int64_t *values = put->value.observed_ns;
	int64_t min = INT64_MAX, max = INT64_MIN, sum = 0;
	cr_assert_eq(kept->count, put->count);
	if (put->count == 0) {
		cr_expect_null(kept->value.observed_ns);
		return;
	}
	for (unsigned i = 0; i < put->count; i++) {
		min = values[i] < min ? values[i] : min;
		max = values[i] > max ? values[i] : max;
		sum += values[i];
	}
	cr_expect_eq(kept->value.observed_ns[HISTORY_MIN], min);
	cr_expect_leq(llabs(kept->value.observed_ns[HISTORY_AVERAGE] - sum / put->count), 1);
	cr_expect_eq(kept->value.observed_ns[HISTORY_MAX], max);
}

static void expect_reading(const struct reading *kept, const struct reading *put)
{
	cr_assert_eq(kept->measure, put->measure);
	switch (measures[put->measure].kind) {
	case MEASURE_GAUGE:
		cr_expect(memcmp(&kept->value.number, &put->value.number, sizeof(double)) == 0);
		break;
	case MEASURE_HISTOGRAM:
		expect_histogram(kept, put);
		break;
	case MEASURE_TEXT:
		cr_assert_eq(kept->value.text == NULL, put->value.text == NULL);
		if (put->value.text)
			cr_expect_str_eq(kept->value.text, put->value.text);
		break;
	default:
		cr_expect_eq(kept->value.integer, put->value.integer);
		break;
	}
}

static void expect_row(const struct row *kept, const struct row *put)
{
	cr_expect_eq(kept->set, put->set);
	cr_assert_eq(kept->n, put->n);
	for (size_t i = 0; i < put->n; i++)
		expect_reading(&kept->readings[i], &put->readings[i]);
	cr_assert_eq(kept->nlabels, put->nlabels);
	for (size_t i = 0; i < put->nlabels; i++) {
		cr_expect_str_eq(kept->labels[i].name, put->labels[i].name);
		cr_expect_str_eq(kept->labels[i].value, put->labels[i].value);
	}
}

static void expect_sample(const struct sample *kept, const struct sample *put)
{
	cr_assert_eq(!kept->cause, !put->cause);
	if (put->cause)
		cr_expect_str_eq(kept->cause, put->cause);
	cr_expect_null(kept->subject);
	cr_expect_eq(kept->reason, put->reason);
	cr_expect_eq(kept->begun_realtime_ns, put->begun_realtime_ns);
	cr_expect_eq(kept->took_ns, put->took_ns);
	cr_expect_eq(kept->run, put->run);
	cr_expect_eq(kept->skipped, put->skipped);
	cr_expect(memcmp(&kept->address, &put->address, sizeof(put->address)) == 0);
	cr_assert_eq(kept->nrows, put->nrows);
	for (size_t i = 0; i < put->nrows; i++)
		expect_row(&kept->rows[i], &put->rows[i]);
}

/* --- chains ------------------------------------------------------------------------------------------------------ */

/* Which sample a run of a chain was. */
static uint32_t seed_of(unsigned chain, uint64_t run)
{
	return (uint32_t)(chain * 7919 + run * 31 + 1);
}

/* The next that is expected, going back. */
struct walk {
	unsigned chain;
	uint64_t run;
	unsigned n, stop_after;
};

static bool check(void *arg, const struct sample *sample)
{
	struct walk *walk = arg;
	struct made made;
	make_sample(&made, walk->run, seed_of(walk->chain, walk->run));
	expect_sample(sample, &made.sample);
	walk->run--;
	return ++walk->n != walk->stop_after;
}

static unsigned walk_back(const struct history *history, uint64_t last, unsigned chain, uint64_t run)
{
	struct walk walk = {.chain = chain, .run = run};
	history_walk(history, last, check, &walk);
	return walk.n;
}

static void check_copy(const struct history *history, uint64_t last, unsigned chain, uint64_t newest, size_t limit)
{
	struct history_copy copy;
	history_copy(history, last, limit, SIZE_MAX, &copy);
	struct history_reader *reader = history_reader_open(&copy);
	const struct sample *sample;
	uint64_t run = newest - copy.n;
	cr_expect_leq(copy.n, limit);
	while ((sample = history_reader_next(reader)) != NULL) {
		struct made made;
		run++;
		make_sample(&made, run, seed_of(chain, run));
		expect_sample(sample, &made.sample);
	}
	cr_expect_eq(run, newest);
	cr_expect_null(history_reader_next(reader));
	history_reader_close(reader);
	history_copy_free(&copy);
}

#define CHAINS 7

static void run_chains(size_t bytes, unsigned adds)
{
	struct history *history = history_create(bytes);
	uint64_t last[CHAINS] = {0}, runs[CHAINS] = {0};
	uint32_t seed = (uint32_t)bytes;
	size_t most = 0;
	for (unsigned i = 0; i < adds; i++) {
		/* Some are rare, so that what they point back to is long gone. */
		unsigned chain = draw(&seed, CHAINS) * draw(&seed, CHAINS) / CHAINS;
		struct made made;
		runs[chain]++;
		make_sample(&made, runs[chain], seed_of(chain, runs[chain]));
		history_add(history, &last[chain], &made.sample);
		cr_expect_geq(walk_back(history, last[chain], chain, runs[chain]), 1);
		chain = draw(&seed, CHAINS);
		unsigned n = walk_back(history, last[chain], chain, runs[chain]);
		most = n > most ? n : most;
		check_copy(history, last[chain], chain, runs[chain], 1 + draw(&seed, 20));
	}
	cr_expect_gt(most, 0);
	history_free(history);
}

Test(history, chains_in_rings_of_every_size)
{
	/* An eighth of the smallest still holds the largest sample. */
	size_t largest = 8 * (88 + ROWS_MAX * (16 + 16 + 10 * 8 + (LABELS_MAX * 2 + 1) * STRING_MAX + 8));
	for (size_t bytes = largest; bytes < largest + 100; bytes += 1)
		run_chains(bytes, 40);
	for (size_t bytes = largest; bytes < 20 * largest; bytes += 30011)
		run_chains(bytes, 400);
}

Test(history, nothing_is_kept)
{
	struct made made;
	uint64_t last = 0;
	struct history *history = history_create(0);
	make_sample(&made, 1, 1);
	history_add(history, &last, &made.sample);
	cr_expect_eq(last, 0);
	cr_expect_eq(walk_back(history, last, 0, 1), 0);
	check_copy(history, last, 0, 0, 10);
	history_free(history);
	history_free(NULL);
	history_reader_close(NULL);
}

Test(history, what_is_too_large_is_left_out)
{
	const struct label long_label = {"x", "0123456789012345678901234567890123456789012345678901234567890123456789"};
	const struct reading reading = reading_integer(COUNT, 1);
	const struct row row = {&alpha, &long_label, 1, &reading, 1};
	struct sample small = {.run = 1}, large = {.run = 1, .rows = &row, .nrows = 1};
	struct history *history = history_create(8 * 100);
	uint64_t last = 0;
	history_add(history, &last, &large);
	cr_expect_eq(last, 0);
	history_add(history, &last, &small);
	cr_expect_neq(last, 0);
	uint64_t before = last;
	history_add(history, &last, &large);
	cr_expect_eq(last, before, "what was there stays");
	history_free(history);
}

static bool count_one(void *arg, const struct sample *sample)
{
	(void)sample;
	return ++*(unsigned *)arg < 3;
}

Test(history, a_walk_ends_where_it_is_told_to)
{
	struct history *history = history_create(100000);
	const struct sample sample = {.run = 1};
	uint64_t last = 0;
	unsigned n = 0;
	for (unsigned i = 0; i < 10; i++)
		history_add(history, &last, &sample);
	history_walk(history, last, count_one, &n);
	cr_expect_eq(n, 3);
	history_free(history);
}

Test(history, copies_have_a_ceiling_of_bytes)
{
	struct history *history = history_create(100000);
	struct history_copy copy;
	struct sample sample = {0};
	uint64_t last = 0;
	for (sample.run = 1; sample.run <= 10; sample.run++)
		history_add(history, &last, &sample);
	history_copy(history, last, 1, SIZE_MAX, &copy);
	size_t bytes = copy.nwords * sizeof(uint64_t);
	history_copy_free(&copy);
	static const struct {
		size_t entries, rest, n;
	} cases[] = {{0, 0, 0}, {0, 1, 0}, {1, 0, 1}, {3, 7, 3}, {10, 0, 10}, {12, 0, 10}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		history_copy(history, last, 100, cases[i].entries * bytes + cases[i].rest, &copy);
		cr_expect_eq(copy.n, cases[i].n, "%zu", i);
		struct history_reader *reader = history_reader_open(&copy);
		const struct sample *first = history_reader_next(reader);
		cr_expect_eq(first != NULL, copy.n > 0);
		if (first)
			cr_expect_eq(first->run, 11 - copy.n, "the newest are kept, the oldest of them comes first");
		history_reader_close(reader);
		history_copy_free(&copy);
	}
	history_free(history);
}

Test(history, values_that_do_not_add_up)
{
	static const int64_t observed_ns[] = {INT64_MAX, INT64_MAX - 3, INT64_MAX};
	const struct reading reading = reading_histogram(RTT, observed_ns, 3);
	const struct row row = {&alpha, NULL, 0, &reading, 1};
	const struct sample sample = {.run = 1, .rows = &row, .nrows = 1};
	struct history *history = history_create(100000);
	struct history_copy copy;
	uint64_t last = 0;
	history_add(history, &last, &sample);
	history_copy(history, last, 1, SIZE_MAX, &copy);
	struct history_reader *reader = history_reader_open(&copy);
	const int64_t *summary = history_reader_next(reader)->rows[0].readings[0].value.observed_ns;
	cr_expect_eq(summary[HISTORY_MIN], INT64_MAX - 3);
	cr_expect_eq(summary[HISTORY_AVERAGE], INT64_MAX - 1);
	cr_expect_eq(summary[HISTORY_MAX], INT64_MAX);
	history_reader_close(reader);
	history_copy_free(&copy);
	history_free(history);
}

static bool is_even(const void *arg, const struct sample *sample)
{
	++*(unsigned *)(uintptr_t)arg;
	return sample->run % 2 == 0;
}

Test(history, entries_are_picked)
{
	struct history *history = history_create(1 << 20);
	struct history_copy copies[10];
	unsigned looked = 0;
	struct history_choice choice = {.picks = is_even, .arg = &looked, .n = 3, .bytes = SIZE_MAX};
	uint64_t last = 0;
	cr_expect_eq(history_pick(history, last, &choice, copies), 0);
	for (uint64_t run = 1; run <= 9; run++) {
		struct made made;
		make_sample(&made, run, seed_of(0, run));
		history_add(history, &last, &made.sample);
	}
	cr_assert_eq(history_pick(history, last, &choice, copies), 3);
	cr_expect_eq(looked, 6, "9 to 4");
	for (unsigned i = 0; i < 3; i++) {
		struct history_reader *reader = history_reader_open(&copies[i]);
		struct made made;
		make_sample(&made, 8 - 2 * i, seed_of(0, 8 - 2 * i));
		expect_sample(history_reader_next(reader), &made.sample);
		cr_expect_null(history_reader_next(reader));
		history_reader_close(reader);
	}
	choice.bytes = (copies[0].nwords + copies[1].nwords) * sizeof(uint64_t);
	for (unsigned i = 0; i < 3; i++)
		history_copy_free(&copies[i]);
	cr_expect_eq(history_pick(history, last, &choice, copies), 2, "no more bytes than that");
	history_copy_free(&copies[0]);
	history_copy_free(&copies[1]);
	choice = (struct history_choice){.picks = is_even, .arg = &looked, .n = 10, .bytes = SIZE_MAX};
	cr_assert_eq(history_pick(history, last, &choice, copies), 4);
	for (unsigned i = 0; i < 4; i++)
		history_copy_free(&copies[i]);
	history_free(history);
}
