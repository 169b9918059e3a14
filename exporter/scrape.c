#include "exporter/scrape.h"

#include <ctype.h>
#include <event2/buffer.h>

#include "core/clock.h"
#include "core/gzip.h"
#include "core/mem.h"
#include "core/text.h"

/* Bytes of the page made at a time: small enough that other clients hardly wait for it, large enough that the turn of
 * the loop between two pieces costs nothing. */
#define PIECE_BYTES ((size_t)128 * 1024)

/* The fastest: a scrape is paid for in CPU here and in bytes on a network that is rarely short of them. */
#define GZIP_LEVEL 1

struct scrape {
	struct own_rows own;
	struct render *render;
	struct gzip *gzip; /* NULL: plain */
	struct text page, compressed;
	struct scrape_figures *figures;
};

static bool make_piece(void *state, struct evbuffer *out)
{
	struct scrape *scrape = state;
	int64_t begun_ns = clock_monotonic_ns();
	text_clear(&scrape->page);
	bool is_more = render_more(scrape->render, &scrape->page, PIECE_BYTES);
	const struct text *piece = &scrape->page;
	if (scrape->gzip) {
		text_clear(&scrape->compressed);
		gzip_write(scrape->gzip, scrape->page.bytes, scrape->page.length, !is_more, &scrape->compressed);
		piece = &scrape->compressed;
	}
	evbuffer_add(out, piece->bytes, piece->length);
	atomic_fetch_add_explicit(&scrape->figures->cpu_ns, (uint64_t)(clock_monotonic_ns() - begun_ns),
				  memory_order_relaxed);
	return is_more;
}

static void free_scrape(void *state, bool is_complete)
{
	struct scrape *scrape = state;
	atomic_fetch_add_explicit(is_complete ? &scrape->figures->finished : &scrape->figures->aborted, 1,
				  memory_order_relaxed);
	scrape->figures->open--;
	render_free(scrape->render);
	gzip_free(scrape->gzip);
	own_rows_free(&scrape->own);
	text_free(&scrape->page);
	text_free(&scrape->compressed);
	mem_free(scrape);
}

struct stream scrape_open(const struct scrape_plan *plan)
{
	struct scrape *scrape = mem_zero(1, sizeof(*scrape));
	struct render_plan render = plan->render;
	scrape->own = plan->own;
	render.own = scrape->own.rows;
	render.nown = scrape->own.n;
	scrape->render = render_create(&render);
	scrape->gzip = plan->is_compressed ? gzip_create(GZIP_LEVEL) : NULL;
	scrape->figures = plan->figures;
	scrape->figures->open++;
	return (struct stream){.more = make_piece, .free = free_scrape, .state = scrape};
}

/* At most six digits: more are no number of a shard. */
static const char *parse_number(const char *text, unsigned *number)
{
	size_t n = 0;
	*number = 0;
	for (; n < 6 && isdigit((unsigned char)text[n]); n++)
		*number = *number * 10 + (unsigned)(text[n] - '0');
	return n > 0 ? text + n : NULL;
}

bool scrape_parse_shard(const char *text, unsigned *shard, unsigned *shards)
{
	const char *end = parse_number(text, shard);
	if (!end || *end != '/')
		return false;
	end = parse_number(end + 1, shards);
	return end && *end == '\0' && *shards <= SCRAPE_SHARDS_MAX && *shard < *shards;
}
