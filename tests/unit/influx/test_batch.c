#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"
#include "influx/batch.h"

static void fill(struct batch *batch, const char *lines)
{
	*batch = (struct batch){0};
	text_add(&batch->text, lines);
	batch_begin(batch);
}

/* What is sent next. */
static char *next(const struct batch *batch)
{
	const struct batch_part *part = batch_next(batch);
	return part != NULL ? mem_format("%.*s", (int)(part->end - part->begin), batch->text.bytes + part->begin)
			    : mem_copy_string("");
}

static void expect_next(const struct batch *batch, const char *expected)
{
	char *text = next(batch);
	cr_expect_str_eq(text, expected);
	mem_free(text);
}

Test(batch, is_sent_whole_at_first)
{
	struct batch batch;
	fill(&batch, "a\nb\nc\n");
	expect_next(&batch, "a\nb\nc\n");
	cr_expect_eq(batch_next(&batch)->lines, 3);
	cr_expect_eq(batch_waiting(&batch), 3);
	batch_settle(&batch);
	cr_expect_null(batch_next(&batch));
	cr_expect(batch_is_done(&batch));
	batch_free(&batch);
	fill(&batch, "");
	cr_expect(batch_is_done(&batch));
	batch_free(&batch);
}

Test(batch, halves_at_a_line)
{
	static const struct {
		const char *lines, *first, *second;
	} cases[] = {
		{"a\n", NULL, NULL},
		{"aaaaaaaaaa\n", NULL, NULL},
		{"a\nb\n", "a\n", "b\n"},
		{"a\nbbbbbbbbbb\n", "a\n", "bbbbbbbbbb\n"},
		{"aaaaaaaaaa\nb\n", "aaaaaaaaaa\n", "b\n"},
		{"a\nb\nc\nd\n", "a\nb\nc\n", "d\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct batch batch;
		fill(&batch, cases[i].lines);
		cr_expect_eq(batch_halve(&batch), cases[i].first != NULL, "%zu", i);
		expect_next(&batch, cases[i].first != NULL ? cases[i].first : cases[i].lines);
		batch_settle(&batch);
		expect_next(&batch, cases[i].second != NULL ? cases[i].second : "");
		batch_free(&batch);
	}
}

/* Halving down to single lines gives back every line once, in order, for any lengths. */
Test(batch, halved_to_the_end)
{
	for (unsigned n = 1; n < 70; n++) {
		struct batch batch = {0};
		struct text got = {0};
		uint64_t lines = 0;
		for (unsigned i = 0; i < n; i++)
			text_add_format(&batch.text, "%0*u\n", (int)(1 + i * 7 % 50), i);
		batch_begin(&batch);
		cr_assert_eq(batch_waiting(&batch), n);
		while (batch_next(&batch) != NULL) {
			while (batch_halve(&batch))
				;
			const struct batch_part *part = batch_next(&batch);
			cr_assert_eq(part->lines, 1);
			text_add_bytes(&got, batch.text.bytes + part->begin, part->end - part->begin);
			lines++;
			batch_settle(&batch);
			cr_assert_eq(batch_waiting(&batch), n - lines);
		}
		cr_assert_eq(lines, n);
		cr_assert_str_eq(text_string(&got), text_string(&batch.text));
		text_free(&got);
		batch_free(&batch);
	}
}

Test(batch, suspects_are_set_aside)
{
	struct batch batch;
	fill(&batch, "a\nb\nc\n");
	batch_halve(&batch);
	batch_halve(&batch);
	expect_next(&batch, "a\n");
	batch_suspect(&batch);
	expect_next(&batch, "b\n");
	batch_suspect(&batch);
	batch_settle(&batch);
	cr_expect_null(batch_next(&batch));
	cr_expect_not(batch_is_done(&batch));
	cr_expect_eq(batch_waiting(&batch), 2);
	cr_expect_eq(batch.nsuspects, 2);
	batch_retry_suspects(&batch);
	cr_expect_eq(batch.nsuspects, 0);
	expect_next(&batch, "a\n");
	batch_suspect(&batch);
	expect_next(&batch, "b\n");
	batch_suspect(&batch);
	batch_begin(&batch);
	expect_next(&batch, "a\nb\nc\n");
	cr_expect_eq(batch.nsuspects, 0);
	batch_settle(&batch);
	batch_forget_suspects(&batch);
	cr_expect(batch_is_done(&batch));
	batch_free(&batch);
}
