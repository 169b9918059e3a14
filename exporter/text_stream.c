#include "exporter/text_stream.h"

#include <event2/buffer.h>

#include "core/clock.h"
#include "core/gzip.h"
#include "core/mem.h"

/* Bytes of the page made at a time: small enough that other clients hardly wait for it, large enough that the turn of
 * the loop between two pieces costs nothing. */
#define PIECE_BYTES ((size_t)128 * 1024)

/* The fastest: a page is paid for in CPU here and in bytes on a network that is rarely short of them. */
#define GZIP_LEVEL 1

struct text_stream {
	struct text_source source;
	struct gzip *gzip; /* NULL: plain */
	struct text page, compressed;
};

static bool make_piece(void *state, struct evbuffer *out)
{
	struct text_stream *stream = state;
	int64_t begun_ns = clock_monotonic_ns();
	text_clear(&stream->page);
	bool is_more = stream->source.more(stream->source.state, &stream->page, PIECE_BYTES);
	const struct text *piece = &stream->page;
	if (stream->gzip) {
		text_clear(&stream->compressed);
		gzip_write(stream->gzip, stream->page.bytes, stream->page.length, !is_more, &stream->compressed);
		piece = &stream->compressed;
	}
	evbuffer_add(out, piece->bytes, piece->length);
	if (stream->source.spent_ns)
		atomic_fetch_add_explicit(stream->source.spent_ns, (uint64_t)(clock_monotonic_ns() - begun_ns),
					  memory_order_relaxed);
	return is_more;
}

static void free_stream(void *state, bool is_complete)
{
	struct text_stream *stream = state;
	stream->source.free(stream->source.state, is_complete);
	gzip_free(stream->gzip);
	text_free(&stream->page);
	text_free(&stream->compressed);
	mem_free(stream);
}

struct stream text_stream_open(const struct text_source *source, bool is_compressed)
{
	struct text_stream *stream = mem_zero(1, sizeof(*stream));
	stream->source = *source;
	stream->gzip = is_compressed ? gzip_create(GZIP_LEVEL) : NULL;
	return (struct stream){.more = make_piece, .free = free_stream, .state = stream};
}
