#include <criterion/criterion.h>
#include <string.h>
#include <zlib.h>

#include "core/mem.h"
#include "influx/parcel.h"

static void fill(struct parcel *parcel, const char *lines)
{
	*parcel = (struct parcel){0};
	text_add(&parcel->text, lines);
	parcel_begin(parcel);
}

/* What is sent next. */
static char *next(const struct parcel *parcel)
{
	const struct parcel_part *part = parcel_next(parcel);
	return part != NULL ? mem_format("%.*s", (int)(part->end - part->begin), parcel->text.bytes + part->begin)
			    : mem_copy_string("");
}

static void expect_next(const struct parcel *parcel, const char *expected)
{
	char *text = next(parcel);
	cr_expect_str_eq(text, expected);
	mem_free(text);
}

Test(parcel, is_sent_whole_at_first)
{
	struct parcel parcel;
	fill(&parcel, "a\nb\nc\n");
	expect_next(&parcel, "a\nb\nc\n");
	cr_expect_eq(parcel_next(&parcel)->lines, 3);
	cr_expect_eq(parcel_waiting(&parcel), 3);
	parcel_settle(&parcel);
	cr_expect_null(parcel_next(&parcel));
	cr_expect(parcel_is_done(&parcel));
	parcel_free(&parcel);
	fill(&parcel, "");
	cr_expect(parcel_is_done(&parcel));
	parcel_free(&parcel);
}

Test(parcel, halves_at_a_line)
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
		struct parcel parcel;
		fill(&parcel, cases[i].lines);
		cr_expect_eq(parcel_halve(&parcel), cases[i].first != NULL, "%zu", i);
		expect_next(&parcel, cases[i].first != NULL ? cases[i].first : cases[i].lines);
		parcel_settle(&parcel);
		expect_next(&parcel, cases[i].second != NULL ? cases[i].second : "");
		parcel_free(&parcel);
	}
}

/* Halving down to single lines gives back every line once, in order, for any lengths. */
Test(parcel, halved_to_the_end)
{
	for (unsigned n = 1; n < 70; n++) {
		struct parcel parcel = {0};
		struct text got = {0};
		uint64_t lines = 0;
		for (unsigned i = 0; i < n; i++)
			text_add_format(&parcel.text, "%0*u\n", (int)(1 + i * 7 % 50), i);
		parcel_begin(&parcel);
		cr_assert_eq(parcel_waiting(&parcel), n);
		while (parcel_next(&parcel) != NULL) {
			while (parcel_halve(&parcel))
				;
			const struct parcel_part *part = parcel_next(&parcel);
			cr_assert_eq(part->lines, 1);
			text_add_bytes(&got, parcel.text.bytes + part->begin, part->end - part->begin);
			lines++;
			parcel_settle(&parcel);
			cr_assert_eq(parcel_waiting(&parcel), n - lines);
		}
		cr_assert_eq(lines, n);
		cr_assert_str_eq(text_string(&got), text_string(&parcel.text));
		text_free(&got);
		parcel_free(&parcel);
	}
}

Test(parcel, suspects_are_set_aside)
{
	struct parcel parcel;
	fill(&parcel, "a\nb\nc\n");
	parcel_halve(&parcel);
	parcel_halve(&parcel);
	expect_next(&parcel, "a\n");
	parcel_suspect(&parcel);
	expect_next(&parcel, "b\n");
	parcel_suspect(&parcel);
	parcel_settle(&parcel);
	cr_expect_null(parcel_next(&parcel));
	cr_expect_not(parcel_is_done(&parcel));
	cr_expect_eq(parcel_waiting(&parcel), 2);
	cr_expect_eq(parcel.nsuspects, 2);
	parcel_retry_suspects(&parcel);
	cr_expect_eq(parcel.nsuspects, 0);
	expect_next(&parcel, "a\n");
	cr_expect(parcel_next(&parcel)->is_last_try);
	parcel_suspect(&parcel);
	expect_next(&parcel, "b\n");
	cr_expect(parcel_next(&parcel)->is_last_try);
	parcel_doubt(&parcel);
	cr_expect_eq(parcel.nsuspects, 0);
	expect_next(&parcel, "a\n");
	cr_expect_not(parcel_next(&parcel)->is_last_try);
	parcel_settle(&parcel);
	expect_next(&parcel, "b\n");
	cr_expect_not(parcel_next(&parcel)->is_last_try);
	parcel_settle(&parcel);
	cr_expect(parcel_is_done(&parcel));
	parcel_free(&parcel);
}

/* --- compression -------------------------------------------------------------------------------------------------- */

static void expect_packed(const struct parcel *parcel, const char *expected)
{
	char plain[256] = "";
	z_stream stream = {.next_in = (z_const Bytef *)parcel->packed.bytes,
			   .avail_in = (uInt)parcel->packed.length,
			   .next_out = (Bytef *)plain,
			   .avail_out = sizeof(plain) - 1};
	cr_assert_eq(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
	cr_expect_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
	cr_expect_eq(stream.avail_in, 0);
	cr_expect_str_eq(plain, expected);
	inflateEnd(&stream);
}

Test(parcel, packs_in_steps)
{
	for (size_t step = 1; step < 12; step++) {
		struct parcel parcel;
		unsigned steps = 1;
		fill(&parcel, "aaa\nbb\ncc\n");
		cr_expect_not(parcel_is_packed(&parcel));
		while (!parcel_pack(&parcel, step)) {
			cr_expect_not(parcel_is_packed(&parcel));
			steps++;
		}
		cr_expect_eq(steps, (10 + step - 1) / step);
		cr_expect(parcel_is_packed(&parcel));
		expect_packed(&parcel, "aaa\nbb\ncc\n");
		cr_expect(parcel_pack(&parcel, step), "nothing more to do");
		expect_packed(&parcel, "aaa\nbb\ncc\n");
		parcel_free(&parcel);
	}
}

Test(parcel, packs_the_part_that_is_next)
{
	struct parcel parcel;
	fill(&parcel, "aa\nbb\ncc\ndd\n");
	cr_expect_not(parcel_pack(&parcel, 3));
	parcel_halve(&parcel);
	cr_expect_not(parcel_is_packed(&parcel));
	cr_expect(parcel_pack(&parcel, SIZE_MAX));
	char *text = next(&parcel);
	expect_packed(&parcel, text);
	mem_free(text);
	parcel_settle(&parcel);
	cr_expect_not(parcel_is_packed(&parcel), "that was another one");
	cr_expect(parcel_pack(&parcel, SIZE_MAX));
	text = next(&parcel);
	expect_packed(&parcel, text);
	mem_free(text);
	parcel_settle(&parcel);
	cr_expect_not(parcel_is_packed(&parcel));
	parcel_free(&parcel);
	fill(&parcel, "aa\n");
	cr_expect_not(parcel_pack(&parcel, 0));
	cr_expect_not(parcel_pack(&parcel, 1));
	parcel_free(&parcel);
}
