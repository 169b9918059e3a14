#include "daemon/api_results.h"

#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "daemon/results.h"
#include "daemon/results_page.h"
#include "daemon/results_query.h"
#include "daemon/worker.h"
#include "exporter/page.h"
#include "exporter/render.h"
#include "exporter/server.h"
#include "exporter/text_stream.h"
#include "probes/probe.h"

struct api_results {
	struct api_results_plan plan;
	unsigned open;
};

/* A request: it waits for the worker, then it is a stream. */
struct pending {
	struct api_results *api;
	struct connection *connection;
	struct results_ask *ask;
	struct results_page *page;
	enum results_format format;
	bool is_compressed;
	char *target, *probe; /* as asked for */
};

struct api_results *api_results_create(const struct api_results_plan *plan)
{
	struct api_results *api = mem_zero(1, sizeof(*api));

	api->plan = *plan;
	return api;
}

void api_results_free(struct api_results *api)
{
	mem_free(api);
}

static void pending_free(struct pending *pending)
{
	pending->api->open--;
	results_page_free(pending->page);
	mem_free(pending->target);
	mem_free(pending->probe);
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

/* --- the answer -------------------------------------------------------------------------------------------------- */

static bool more(void *state, struct text *out, size_t enough)
{
	return results_page_more(((struct pending *)state)->page, out, enough);
}

static void free_source(void *state, bool is_complete)
{
	(void)is_complete;
	pending_free(state);
}

/* results: passed on, as is pending. */
static void stream_results(struct pending *pending, struct results *results)
{
	static const char *const types[] = {
		[RESULTS_JSON] = "application/json",
		[RESULTS_CSV] = "text/csv; charset=utf-8; header=present",
		[RESULTS_HTML] = "text/html; charset=utf-8",
	};
	const struct probe_type *type = probe_type_find(results->type);
	const struct results_page_plan plan = {
		.format = pending->format,
		.target = pending->target,
		.set = type ? type->sets[0] : NULL,
		.results = results,
	};
	struct text fields = {0};
	struct stream stream;

	text_add(&fields, pending->is_compressed ? "Content-Encoding: gzip\r\n" : "");
	text_add(&fields, "Cache-Control: no-store\r\nVary: Accept-Encoding\r\n");
	text_add(&fields, pending->format == RESULTS_HTML ? page_fields : "");

	pending->page = results_page_create(&plan);
	stream = text_stream_open(&(struct text_source){more, free_source, pending, NULL}, pending->is_compressed);
	connection_stream(pending->connection, &(struct http_reply){200, types[pending->format], text_string(&fields)},
			  &stream);
	text_free(&fields);
}

static void refuse(const struct pending *pending, struct results *results)
{
	struct text line = {0};
	int status = 404;

	switch (results->status) {
	case RESULTS_NO_TARGET:
		text_add_format(&line, "there is no target \"%s\"", pending->target);
		break;
	case RESULTS_NO_PROBE:
		text_add_format(&line, "the target \"%s\" has no probe \"%s\"; it has %s", pending->target,
				pending->probe, text_string(&results->names));
		break;
	case RESULTS_MANY_PROBES:
		status = 400;
		text_add_format(&line, "probe: must be given, the target \"%s\" has several: %s", pending->target,
				text_string(&results->names));
		break;
	default:
		status = 503;
		text_add(&line, "the daemon is stopping");
		break;
	}
	reply_line(pending->connection, status, NULL, text_string(&line));
	text_free(&line);
}

static void take_results(void *arg, struct results *results)
{
	struct pending *pending = arg;

	pending->ask = NULL;
	if (results->status == RESULTS_FOUND) {
		stream_results(pending, results);
		return;
	}
	refuse(pending, results);
	results_free(results);
	pending_free(pending);
}

/* --- the request ------------------------------------------------------------------------------------------------- */

static void give_up(void *arg)
{
	struct pending *pending = arg;

	results_cancel(pending->ask);
	pending_free(pending);
}

static struct pending *ask(struct api_results *api, const struct results_query *query)
{
	struct pending *pending = mem_zero(1, sizeof(*pending));
	const struct results_job job = {
		.target = query->target,
		.probe = query->has_probe ? query->probe : NULL,
		.limit = query->limit,
		.mailbox = api->plan.mailbox,
		.done = take_results,
		.arg = pending,
	};

	api->open++;
	pending->api = api;
	pending->format = query->format;
	pending->target = mem_copy_string(query->target);
	pending->probe = mem_copy_string(job.probe);
	pending->ask = worker_results(api->plan.workers[hash_stable(query->target) % api->plan.nworkers], &job);
	if (pending->ask)
		return pending;
	pending_free(pending);
	return NULL;
}

void api_results_serve(struct api_results *api, struct connection *connection, const struct http_request *request)
{
	static const char later[] = "Retry-After: 1\r\n";
	struct results_query query;
	struct pending *pending;
	struct err err = {0};

	if (results_query_read(request, &query, &err) == -1) {
		reply_line(connection, 400, NULL, err.text);
	} else if (!api->plan.is_kept) {
		reply_line(connection, 404, NULL, "no results are kept: web.results_size is 0");
	} else if (api->open >= API_RESULTS_MAX) {
		reply_line(connection, 503, later, "too many requests of this kind at a time");
	} else if (!(pending = ask(api, &query))) {
		reply_line(connection, 503, later, "the worker of this target has too much to do");
	} else {
		pending->connection = connection;
		pending->is_compressed = render_accepts_gzip(http_field(request, "accept-encoding"));
		connection_wait(connection, give_up, pending);
	}
}
