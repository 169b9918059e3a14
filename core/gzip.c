#include "core/gzip.h"

#include <limits.h>
#include <zlib.h>

#include "core/mem.h"

#define GZIP_WRAPPER     16 /* added to the window bits: a gzip head and tail instead of those of zlib */
#define GZIP_MEMORY      9  /* of 1 .. 9 */
#define GZIP_OUTPUT_STEP ((size_t)32 * 1024)
#define GZIP_INPUT_STEP  ((size_t)1 << 30) /* zlib counts in unsigned int */

struct gzip {
	z_stream stream;
};

static voidpf allocate(voidpf context, uInt n, uInt size)
{
	(void)context;
	return mem_zero(n, size);
}

static void release(voidpf context, voidpf memory)
{
	(void)context;
	mem_free(memory);
}

struct gzip *gzip_create(int level)
{
	struct gzip *gzip = mem_zero(1, sizeof(*gzip));
	gzip->stream.zalloc = allocate;
	gzip->stream.zfree = release;
	/* Cannot fail: memory stops the daemon itself, and the parameters are constant. */
	deflateInit2(&gzip->stream, level, Z_DEFLATED, MAX_WBITS + GZIP_WRAPPER, GZIP_MEMORY, Z_DEFAULT_STRATEGY);
	return gzip;
}

void gzip_free(struct gzip *gzip)
{
	if (!gzip)
		return;
	deflateEnd(&gzip->stream);
	mem_free(gzip);
}

static void deflate_step(struct gzip *gzip, const unsigned char *bytes, size_t n, int flush, struct text *out)
{
	z_stream *stream = &gzip->stream;
	stream->next_in = (z_const Bytef *)bytes;
	stream->avail_in = (uInt)n;
	do {
		char *to = text_reserve(out, GZIP_OUTPUT_STEP);
		if (!to)
			return;
		stream->next_out = (Bytef *)to;
		stream->avail_out = (uInt)GZIP_OUTPUT_STEP;
		deflate(stream, flush);
		out->length += GZIP_OUTPUT_STEP - stream->avail_out;
	} while (stream->avail_out == 0);
}

void gzip_write(struct gzip *gzip, const void *bytes, size_t n, bool is_last, struct text *out)
{
	const unsigned char *next = bytes;
	for (; n > GZIP_INPUT_STEP; next += GZIP_INPUT_STEP, n -= GZIP_INPUT_STEP)
		deflate_step(gzip, next, GZIP_INPUT_STEP, Z_NO_FLUSH, out);
	deflate_step(gzip, next, n, is_last ? Z_FINISH : Z_NO_FLUSH, out);
}
