#include "exporter/scrape.h"

#include <ctype.h>

#include "core/mem.h"
#include "exporter/text_stream.h"

struct scrape {
	struct own_rows own;
	struct render *render;     /* in our own names, */
	struct dialect_page *page; /* or in others: the other is NULL */
	struct scrape_figures *figures;
};

static bool make_more(void *state, struct text *out, size_t enough)
{
	struct scrape *scrape = state;
	return scrape->page ? dialect_page_more(scrape->page, out, enough) : render_more(scrape->render, out, enough);
}

static void free_scrape(void *state, bool is_complete)
{
	struct scrape *scrape = state;
	atomic_fetch_add_explicit(is_complete ? &scrape->figures->finished : &scrape->figures->aborted, 1,
				  memory_order_relaxed);
	render_free(scrape->render);
	dialect_page_free(scrape->page);
	own_rows_free(&scrape->own);
	mem_free(scrape);
}

struct stream scrape_open(const struct scrape_plan *plan)
{
	struct scrape *scrape = mem_zero(1, sizeof(*scrape));
	struct render_plan render = plan->render;
	scrape->own = plan->own;
	render.own = scrape->own.rows;
	render.nown = scrape->own.n;
	if (plan->dialect)
		scrape->page = dialect_page_create(plan->dialect, &render);
	else
		scrape->render = render_create(&render);
	scrape->figures = plan->figures;
	return text_stream_open(
		&(struct text_source){
			.more = make_more, .free = free_scrape, .state = scrape, .spent_ns = &plan->figures->cpu_ns},
		plan->is_compressed);
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
