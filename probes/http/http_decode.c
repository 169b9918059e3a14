#include "probes/http/http_decode.h"

#include <brotli/decode.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <zlib.h>

#include "core/mem.h"

/* Decompressed at a time. */
#define PIECE ((size_t)16 * 1024)

struct http_decode {
	enum http_compression compression;
	bool is_ended; /* the stream is whole; with gzip, another member may follow */
	z_stream zlib;
	BrotliDecoderState *brotli;
};

static void *take_memory(void *context, size_t size)
{
	(void)context;
	return mem_alloc(size);
}

static void *take_elements(void *context, unsigned n, unsigned size)
{
	(void)context;
	return mem_zero(n, size);
}

static void give_memory(void *context, void *memory)
{
	(void)context;
	mem_free(memory);
}

struct http_decode *http_decode_create(enum http_compression compression)
{
	struct http_decode *decode = mem_zero(1, sizeof(*decode));
	decode->compression = compression;
	if (compression == HTTP_COMPRESSION_BROTLI)
		decode->brotli = BrotliDecoderCreateInstance(take_memory, give_memory, NULL);
	decode->zlib.zalloc = take_elements;
	decode->zlib.zfree = give_memory;
	if (compression != HTTP_COMPRESSION_BROTLI)
		inflateInit2(&decode->zlib, compression == HTTP_COMPRESSION_GZIP ? 16 + MAX_WBITS : -MAX_WBITS);
	return decode;
}

void http_decode_free(struct http_decode *decode)
{
	if (decode == NULL)
		return;
	if (decode->compression == HTTP_COMPRESSION_BROTLI)
		BrotliDecoderDestroyInstance(decode->brotli);
	else
		inflateEnd(&decode->zlib);
	mem_free(decode);
}

/* The next member of a gzip stream begins. */
static int begin_member(struct http_decode *decode)
{
	decode->is_ended = false;
	return inflateReset(&decode->zlib) == Z_OK ? 0 : -1;
}

static int feed_zlib(struct http_decode *decode, const struct http_decode_sink *sink, struct err *err)
{
	z_stream *zlib = &decode->zlib;
	char out[PIECE];
	do {
		if (decode->is_ended && decode->compression == HTTP_COMPRESSION_DEFLATE)
			return 0; /* what follows the end is not looked at */
		if (decode->is_ended && begin_member(decode) != 0)
			return err_set(err, "no memory");
		zlib->next_out = (Bytef *)out;
		zlib->avail_out = PIECE;
		int code = inflate(zlib, Z_NO_FLUSH);
		if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
			return err_set(err, "%s", zlib->msg != NULL ? zlib->msg : "damaged");
		decode->is_ended = code == Z_STREAM_END;
		if (PIECE > zlib->avail_out && sink->take(sink->arg, out, PIECE - zlib->avail_out) != 0)
			return -1;
	} while (zlib->avail_in > 0 || (zlib->avail_out == 0 && !decode->is_ended));
	return 0;
}

static int feed_brotli(struct http_decode *decode, const uint8_t *bytes, size_t n, const struct http_decode_sink *sink,
		       struct err *err)
{
	uint8_t out[PIECE];
	BrotliDecoderResult result;
	do {
		uint8_t *next = out;
		size_t room = PIECE;
		result = BrotliDecoderDecompressStream(decode->brotli, &n, &bytes, &room, &next, NULL);
		if (result == BROTLI_DECODER_RESULT_ERROR)
			return err_set(err, "%s", BrotliDecoderErrorString(BrotliDecoderGetErrorCode(decode->brotli)));
		if (room < PIECE && sink->take(sink->arg, (const char *)out, PIECE - room) != 0)
			return -1;
	} while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT);
	decode->is_ended = result == BROTLI_DECODER_RESULT_SUCCESS;
	if (decode->is_ended && n > 0)
		return err_set(err, "there is something behind its end");
	return 0;
}

int http_decode_feed(struct http_decode *decode, const char *bytes, size_t n, const struct http_decode_sink *sink,
		     struct err *err)
{
	if (n == 0)
		return 0;
	if (n > UINT_MAX)
		return err_set(err, "too much at a time");
	if (decode->compression == HTTP_COMPRESSION_BROTLI) {
		if (decode->is_ended)
			return err_set(err, "there is something behind its end");
		return feed_brotli(decode, (const uint8_t *)bytes, n, sink, err);
	}
	decode->zlib.next_in = (Bytef *)(uintptr_t)bytes;
	decode->zlib.avail_in = (uInt)n;
	return feed_zlib(decode, sink, err);
}

int http_decode_end(const struct http_decode *decode, struct err *err)
{
	return decode->is_ended ? 0 : err_set(err, "it ends too early");
}
