#include <criterion/criterion.h>
#include <string.h>
#include <zlib.h>

#include "core/gzip.h"
#include "core/text.h"
#include "probes/http/http_decode.h"

static const unsigned char brotli_hello[] = {0x0b, 0x02, 0x80, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x03};

struct taken {
	struct text text;
	size_t limit;
};

static int take(void *arg, const char *bytes, size_t n)
{
	struct taken *taken = arg;
	text_add_bytes(&taken->text, bytes, n);
	return taken->limit != 0 && taken->text.length > taken->limit ? -1 : 0;
}

static void make(enum http_compression compression, const char *plain, size_t n, struct text *out)
{
	if (compression == HTTP_COMPRESSION_GZIP) {
		struct gzip *gzip = gzip_create(6);
		gzip_write(gzip, plain, n, true, out);
		gzip_free(gzip);
	} else if (compression == HTTP_COMPRESSION_BROTLI) {
		text_add_bytes(out, brotli_hello, sizeof(brotli_hello));
	} else {
		unsigned char bytes[4096];
		z_stream zlib = {.next_in = (Bytef *)plain, .avail_in = (uInt)n, .next_out = bytes, .avail_out = 4096};
		deflateInit2(&zlib, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
		deflate(&zlib, Z_FINISH);
		text_add_bytes(out, bytes, zlib.total_out);
		deflateEnd(&zlib);
	}
}

/* 0 when everything is well; the stream comes in two pieces. */
static int decode(enum http_compression compression, const char *bytes, size_t n, size_t cut, struct taken *taken)
{
	const struct http_decode_sink sink = {take, taken};
	struct http_decode *one = http_decode_create(compression);
	struct err err = {0};
	int result = http_decode_feed(one, bytes, cut, &sink, &err);
	if (result == 0)
		result = http_decode_feed(one, bytes + cut, n - cut, &sink, &err);
	if (result == 0)
		result = http_decode_end(one, &err);
	http_decode_free(one);
	return result;
}

static const enum http_compression all[] = {HTTP_COMPRESSION_GZIP, HTTP_COMPRESSION_BROTLI, HTTP_COMPRESSION_DEFLATE};

Test(http_decode, cut_anywhere)
{
	for (size_t kind = 0; kind < 3; kind++) {
		struct text stream = {0};
		make(all[kind], "hello", 5, &stream);
		for (size_t cut = 0; cut <= stream.length; cut++) {
			struct taken taken = {0};
			cr_assert_eq(decode(all[kind], stream.bytes, stream.length, cut, &taken), 0);
			cr_assert_str_eq(text_string(&taken.text), "hello");
			text_free(&taken.text);
		}
		text_free(&stream);
	}
}

Test(http_decode, an_end_that_is_missing)
{
	for (size_t kind = 0; kind < 3; kind++) {
		struct text stream = {0};
		make(all[kind], "hello", 5, &stream);
		for (size_t length = 0; length < stream.length; length++) {
			struct taken taken = {0};
			cr_assert_eq(decode(all[kind], stream.bytes, length, 0, &taken), -1, "%zu", length);
			text_free(&taken.text);
		}
		text_free(&stream);
	}
}

Test(http_decode, more_than_a_stream)
{
	static const int expected[] = {0, -1, 0}; /* two members; refused; not looked at */
	for (size_t kind = 0; kind < 3; kind++) {
		struct text stream = {0};
		make(all[kind], "hello", 5, &stream);
		size_t first = stream.length;
		make(all[kind], "hello", 5, &stream);
		for (size_t cut = 0; cut <= stream.length; cut += first / 2) {
			struct taken taken = {0};
			cr_assert_eq(decode(all[kind], stream.bytes, stream.length, cut, &taken), expected[kind], "%zu",
				     kind);
			if (kind == 0)
				cr_assert_str_eq(text_string(&taken.text), "hellohello");
			text_free(&taken.text);
		}
		text_free(&stream);
	}
}

Test(http_decode, garbage)
{
	static const char garbage[] = "\xff\xff\xff\xffthis is none";
	for (size_t kind = 0; kind < 3; kind++) {
		struct taken taken = {0};
		cr_assert_eq(decode(all[kind], garbage, sizeof(garbage), 3, &taken), -1);
		text_free(&taken.text);
	}
}

Test(http_decode, the_sink_ends_it)
{
	static char large[1000000];
	struct text stream = {0};
	make(HTTP_COMPRESSION_GZIP, large, sizeof(large), &stream);
	struct taken all_of_it = {0}, part = {.limit = 100000};
	cr_assert_eq(decode(HTTP_COMPRESSION_GZIP, stream.bytes, stream.length, 1, &all_of_it), 0);
	cr_assert_eq(all_of_it.text.length, sizeof(large));
	cr_assert_eq(decode(HTTP_COMPRESSION_GZIP, stream.bytes, stream.length, 1, &part), -1);
	cr_assert_lt(part.text.length, 200000);
	text_free(&all_of_it.text);
	text_free(&part.text);
	text_free(&stream);
	struct taken brotli = {.limit = 1};
	cr_assert_eq(decode(HTTP_COMPRESSION_BROTLI, (const char *)brotli_hello, sizeof(brotli_hello), 0, &brotli), -1);
	text_free(&brotli.text);
	http_decode_free(NULL);
}
