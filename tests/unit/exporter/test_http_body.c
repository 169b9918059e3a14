#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "exporter/http_body.h"

static struct http_body begin(bool is_chunked, uint64_t content_length)
{
	struct http_body body;
	http_body_begin(
		&body,
		&(struct http_request){.has_body = true, .is_chunked = is_chunked, .content_length = content_length},
		HTTP_BODY_MAX);
	return body;
}

/* Reads from a copy of exactly that size, in pieces of at most step bytes. */
static size_t read_in_steps(struct http_body *body, const char *bytes, size_t n, size_t step)
{
	size_t used = 0;
	while (used < n) {
		size_t piece = n - used < step ? n - used : step;
		char *copy = malloc(piece);
		memcpy(copy, bytes + used, piece);
		size_t taken = http_body_read(body, copy, piece);
		free(copy);
		used += taken;
		if (taken < piece)
			break;
	}
	return used;
}

#define LONG_EXTENSION "................................................................"

Test(http_body, chunks)
{
	static const struct {
		const char *bytes;
		size_t used; /* until it is complete; of incomplete and broken ones, all that was looked at */
		bool is_complete;
		int status;
	} cases[] = {
		{"0\r\n\r\n", 5, true, 0},
		{"0\r\n\r\nGET /", 5, true, 0},
		{"5\r\nhello\r\n0\r\n\r\n", 15, true, 0},
		{"5;a=b\r\nhello\r\n0;c\r\n\r\n", 21, true, 0},
		{"5 ;a=\"b\" \r\nhello\r\n0\t\r\n\r\n", 24, true, 0},
		{"00000005\r\nhello\r\n00\r\n\r\n", 23, true, 0},
		{"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", 35, true, 0},
		{"2\r\n\r\n\r\n0\r\n\r\n", 12, true, 0},
		{"0\r\nA: b\r\nC: d\r\n\r\nx", 17, true, 0},
		{"", 0, false, 0},
		{"5", 1, false, 0},
		{"5\r\nhel", 6, false, 0},
		{"5\r\nhello", 8, false, 0},
		{"0\r\n", 3, false, 0},
		{"0\r\n\r", 4, false, 0},
		{"0\r\nA: b\r\n", 9, false, 0},
		{"\r\n", 1, false, 400},
		{"x", 1, false, 400},
		{";a\r\n", 1, false, 400},
		{"-1\r\n", 1, false, 400},
		{"0x5\r\n", 2, false, 400},
		{"5\nhello", 2, false, 400},
		{"5\rhello", 3, false, 400},
		{"5;a\nhello", 4, false, 400},
		{"5\r\nhello!\r\n", 9, false, 400},
		{"5\r\nhello\r0\r\n", 10, false, 400},
		{"5\r\nhello\n0\r\n", 9, false, 400},
		{"0\r\nA: b\n\r\n", 8, false, 400},
		{"0\r\n\n", 4, false, 400},
		{"0\r\n\rx", 5, false, 400},
		{"0\r\nA: b\rx", 9, false, 400},
		{"10000\r\n", 7, false, 0},
		{"10001\r\n", 5, false, 413},
		{"ffffffffffffffff\r\n", 5, false, 413},
		{"000000005\r\n", 9, false, 413},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = strlen(cases[i].bytes);
		for (size_t step = 1; step <= n + 1; step++) {
			struct http_body body = begin(true, 0);
			size_t used = read_in_steps(&body, cases[i].bytes, n, step);
			cr_expect_eq(used, cases[i].used, "%zu in steps of %zu: %s", used, step, cases[i].bytes);
			cr_expect_eq(body.is_complete, cases[i].is_complete, "%s", cases[i].bytes);
			cr_expect_eq(body.status, cases[i].status, "%d: %s", body.status, cases[i].bytes);
		}
	}
}

static int status_of(const struct text *bytes, bool is_complete)
{
	struct http_body body = begin(true, 0);
	http_body_read(&body, bytes->bytes, bytes->length);
	cr_expect_eq(body.is_complete, is_complete);
	return body.status;
}

static void add_chunks(struct text *bytes, unsigned n, unsigned size, const char *extension)
{
	for (unsigned i = 0; i < n; i++) {
		text_add_format(bytes, "%x%s\r\n", size, extension);
		for (unsigned k = 0; k < size; k++)
			text_add_char(bytes, 'x');
		text_add(bytes, "\r\n");
	}
}

Test(http_body, all_chunks_together_have_a_ceiling)
{
	struct text bytes = {0};
	add_chunks(&bytes, 64, 1024, "");
	text_add(&bytes, "0\r\n\r\n");
	cr_expect_eq(status_of(&bytes, true), 0);
	text_clear(&bytes);
	add_chunks(&bytes, 65, 1024, "");
	cr_expect_eq(status_of(&bytes, false), 413);
	text_free(&bytes);
}

Test(http_body, what_nobody_reads_has_a_ceiling_too)
{
	struct text bytes = {0};
	add_chunks(&bytes, HTTP_EXTRA_MAX / 64, 1, ";" LONG_EXTENSION);
	cr_expect_eq(status_of(&bytes, false), 0);
	add_chunks(&bytes, 2, 1, ";" LONG_EXTENSION);
	cr_expect_eq(status_of(&bytes, false), 413);
	text_clear(&bytes);
	text_add(&bytes, "0\r\n");
	for (unsigned i = 0; i < HTTP_EXTRA_MAX / 64 + 1; i++)
		text_add(&bytes, LONG_EXTENSION "\r\n");
	cr_expect_eq(status_of(&bytes, false), 413);
	text_free(&bytes);
}

Test(http_body, a_length)
{
	static const char bytes[] = "hello, world";
	struct http_body body = begin(false, 5);
	cr_expect_not(body.is_complete);
	cr_expect_eq(http_body_read(&body, bytes, 2), 2);
	cr_expect_not(body.is_complete);
	cr_expect_eq(http_body_read(&body, bytes + 2, 10), 3);
	cr_expect(body.is_complete);
	cr_expect_eq(http_body_read(&body, bytes, 5), 0);
	body = begin(false, 0);
	cr_expect(body.is_complete);
	cr_expect_eq(body.status, 0);
	cr_expect_eq(begin(false, HTTP_BODY_MAX).status, 0);
	body = begin(false, HTTP_BODY_MAX + 1);
	cr_expect_eq(body.status, 413);
	cr_expect_eq(http_body_read(&body, bytes, 5), 0);
}
