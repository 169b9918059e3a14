#include <criterion/criterion.h>
#include <stdlib.h>
#include <zlib.h>

#include "core/gzip.h"

/* Inflates a whole gzip file; returns its length, or SIZE_MAX when it is none. */
static size_t inflate_all(const struct text *from, char *out, size_t size)
{
	z_stream stream = {.next_in = (Bytef *)from->bytes,
			   .avail_in = (uInt)from->length,
			   .next_out = (Bytef *)out,
			   .avail_out = (uInt)size};
	if (inflateInit2(&stream, MAX_WBITS + 16) != Z_OK)
		return SIZE_MAX;
	int result = inflate(&stream, Z_FINISH);
	size_t length = stream.total_out;
	bool is_whole = result == Z_STREAM_END && stream.avail_in == 0;
	inflateEnd(&stream);
	return is_whole ? length : SIZE_MAX;
}

static void fill(char *bytes, size_t n, unsigned kind)
{
	unsigned state = 12345;
	for (size_t i = 0; i < n; i++) {
		state = state * 1664525u + 1013904223u;
		bytes[i] = kind == 0 ? (char)('a' + i % 7) : (char)(state >> 24);
	}
}

static void round_trip(size_t n, size_t piece, unsigned kind)
{
	char *bytes = malloc(n + 1), *back = malloc(n + 1);
	struct text out = {0};
	struct gzip *gzip = gzip_create(1);
	fill(bytes, n, kind);
	for (size_t at = 0; at < n; at += piece)
		gzip_write(gzip, bytes + at, n - at < piece ? n - at : piece, false, &out);
	gzip_write(gzip, NULL, 0, true, &out);
	cr_expect_eq(inflate_all(&out, back, n + 1), n);
	cr_expect_arr_eq(back, bytes, n);
	if (kind == 0 && n > 1000)
		cr_expect_lt(out.length, n / 10);
	gzip_free(gzip);
	text_free(&out);
	free(bytes);
	free(back);
}

Test(gzip, round_trips)
{
	static const size_t sizes[] = {0, 1, 2, 1000, 65536, 400000};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (unsigned kind = 0; kind < 2; kind++) {
			round_trip(sizes[i], 4096, kind);
			round_trip(sizes[i], 100000, kind);
		}
	}
	round_trip(777, 1, 1);
}

Test(gzip, ends_with_the_last_bytes)
{
	struct text out = {0};
	char back[64];
	struct gzip *gzip = gzip_create(9);
	gzip_write(gzip, "hello ", 6, false, &out);
	gzip_write(gzip, "world", 5, true, &out);
	cr_expect_eq(inflate_all(&out, back, sizeof(back)), 11);
	cr_expect_arr_eq(back, "hello world", 11);
	gzip_free(gzip);
	text_free(&out);
}

Test(gzip, a_full_text_ends_quietly)
{
	struct text out = {.ceiling = 100};
	struct gzip *gzip = gzip_create(1);
	gzip_write(gzip, "hello", 5, true, &out);
	cr_expect(out.overflowed);
	cr_expect_eq(out.length, 0);
	gzip_free(gzip);
	gzip_free(NULL);
	text_free(&out);
}
