#include "daemon/api_events.h"

#include "core/hash.h"
#include "core/mem.h"
#include "daemon/events_ask.h"
#include "daemon/events_page.h"
#include "daemon/events_query.h"
#include "exporter/render.h"
#include "exporter/server.h"
#include "exporter/text_stream.h"

struct api_events {
	struct api_events_plan plan;
	unsigned open;
};

/* A request: it waits for the workers, then it is a stream. */
struct pending {
	struct api_events *api;
	struct connection *connection;
	struct events_ask *ask;
	struct events_page *page;
	bool is_compressed;
};

struct api_events *api_events_create(const struct api_events_plan *plan)
{
	struct api_events *api = mem_zero(1, sizeof(*api));

	api->plan = *plan;
	return api;
}

void api_events_free(struct api_events *api)
{
	mem_free(api);
}

static void pending_free(struct pending *pending)
{
	pending->api->open--;
	events_page_free(pending->page);
	mem_free(pending);
}

static void reply_line(struct connection *connection, int status, const char *fields, const char *line)
{
	struct text body = {0};

	text_add_format(&body, "%s\n", line);
	connection_reply(connection, &(struct http_reply){status, "text/plain; charset=utf-8", fields}, body.bytes,
			 body.length);
	text_free(&body);
}

static const char later[] = "Retry-After: 1\r\n";

/* --- the answer -------------------------------------------------------------------------------------------------- */

static bool more(void *state, struct text *out, size_t enough)
{
	return events_page_more(((struct pending *)state)->page, out, enough);
}

static void free_source(void *state, bool is_complete)
{
	(void)is_complete;
	pending_free(state);
}

/* found: passed on, as is pending. */
static void stream_events(struct pending *pending, struct found_events *found)
{
	static const char plain[] = "Cache-Control: no-store\r\nVary: Accept-Encoding\r\n";
	static const char packed[] = "Content-Encoding: gzip\r\nCache-Control: no-store\r\nVary: Accept-Encoding\r\n";
	const struct http_reply reply = {200, "application/json", pending->is_compressed ? packed : plain};
	struct stream stream;

	pending->page = events_page_create(found);
	stream = text_stream_open(&(struct text_source){more, free_source, pending, NULL}, pending->is_compressed);
	connection_stream(pending->connection, &reply, &stream);
}

static void take_events(void *arg, struct found_events *found)
{
	struct pending *pending = arg;

	pending->ask = NULL;
	if (!found->is_stopped) {
		stream_events(pending, found);
		return;
	}
	found_events_free(found);
	reply_line(pending->connection, 503, later, "a worker has too much to do, or the daemon is stopping");
	pending_free(pending);
}

/* --- the request ------------------------------------------------------------------------------------------------- */

static void give_up(void *arg)
{
	struct pending *pending = arg;

	events_cancel(pending->ask);
	pending_free(pending);
}

static struct pending *ask(struct api_events *api, const struct events_query *query)
{
	struct pending *pending = mem_zero(1, sizeof(*pending));
	const struct worker *const *workers = (const struct worker *const *)api->plan.workers;
	const char *target = query->has_target ? query->target : NULL;
	const struct events_job job = {
		.workers = target ? workers + hash_stable(target) % api->plan.nworkers : workers,
		.nworkers = target ? 1 : api->plan.nworkers,
		.filter = {.target = target, .kind = query->kind, .since_ns = query->since_ns},
		.limit = query->limit,
		.mailbox = api->plan.mailbox,
		.done = take_events,
		.arg = pending,
	};

	api->open++;
	pending->api = api;
	pending->ask = events_post(&job);
	if (pending->ask)
		return pending;
	pending_free(pending);
	return NULL;
}

void api_events_serve(struct api_events *api, struct connection *connection, const struct http_request *request)
{
	struct events_query query;
	struct pending *pending;
	struct err err = {0};

	if (events_query_read(request, &query, &err) == -1) {
		reply_line(connection, 400, NULL, err.text);
	} else if (api->open >= API_EVENTS_MAX) {
		reply_line(connection, 503, later, "too many requests of this kind at a time");
	} else if (!(pending = ask(api, &query))) {
		reply_line(connection, 503, later, "a worker has too much to do");
	} else {
		pending->connection = connection;
		pending->is_compressed = render_accepts_gzip(http_field(request, "accept-encoding"));
		connection_wait(connection, give_up, pending);
	}
}
