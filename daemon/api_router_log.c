#include "daemon/api_router_log.h"

#include <stdatomic.h>
#include <string.h>

#include "core/hash.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "core/text.h"
#include "daemon/sample_json.h"
#include "daemon/worker.h"
#include "exporter/http_wire.h"
#include "exporter/server.h"
#include "probes/engine.h"
#include "probes/routeros/ros_logs.h"

struct api_router_log {
	struct api_router_log_plan plan;
	unsigned open;
};

struct log_ask;

struct log_mail {
	struct mail mail;
	struct log_ask *ask;
};

/* A request: it travels to the worker and back, held by the web thread and by the mail that is under way. */
struct log_ask {
	atomic_int holders;
	struct log_mail job, answer;
	struct api_router_log *api;
	const struct worker *worker;
	struct connection *connection; /* NULL: the client has left. The web thread's */
	char *target;
	struct text body; /* the worker's, until it answers */
	bool is_found, is_stopped;
};

static const char later[] = "Retry-After: 1\r\n";

struct api_router_log *api_router_log_create(const struct api_router_log_plan *plan)
{
	struct api_router_log *api = mem_zero(1, sizeof(*api));

	api->plan = *plan;
	return api;
}

void api_router_log_free(struct api_router_log *api)
{
	mem_free(api);
}

static void release(struct log_ask *ask)
{
	if (atomic_fetch_sub(&ask->holders, 1) != 1)
		return;
	text_free(&ask->body);
	mem_free(ask->target);
	mem_free(ask);
}

static void reply_line(struct connection *connection, int status, const char *fields, const char *line)
{
	struct text body = {0};

	text_add_format(&body, "%s\n", line);
	connection_reply(connection, &(struct http_reply){status, "text/plain; charset=utf-8", fields}, body.bytes,
			 body.length);
	text_free(&body);
}

/* --- the answer, on the web thread ------------------------------------------------------------------------------- */

static void reply(const struct log_ask *ask)
{
	static const struct http_reply found = {200, "application/json", "Cache-Control: no-store\r\n"};
	struct text line = {0};

	if (ask->is_found) {
		connection_reply(ask->connection, &found, ask->body.bytes, ask->body.length);
	} else if (ask->is_stopped) {
		reply_line(ask->connection, 503, later, "the daemon is stopping");
	} else {
		text_add_format(&line, "there is no router \"%s\" whose log is kept", ask->target);
		reply_line(ask->connection, 404, NULL, text_string(&line));
	}
	text_free(&line);
}

static void take_answer(struct log_ask *ask, bool is_delivered)
{
	if (ask->connection) {
		if (is_delivered)
			reply(ask);
		ask->api->open--;
		release(ask);
	}
	release(ask);
}

static void deliver_answer(struct mail *mail, void *owner)
{
	(void)owner;
	take_answer(((struct log_mail *)mail)->ask, true);
}

static void drop_answer(struct mail *mail)
{
	struct log_ask *ask = ((struct log_mail *)mail)->ask;

	if (ask->connection)
		release(ask);
	release(ask);
}

/* --- the job, on the worker's thread ----------------------------------------------------------------------------- */

static void add_line(struct text *out, const struct ros_log_line *line)
{
	text_add(out, "{");
	json_add_key(out, "time");
	json_add_string(out, line->time);
	text_add(out, ",");
	json_add_key(out, "topics");
	json_add_string(out, line->topics);
	text_add(out, ",");
	json_add_key(out, "message");
	json_add_string(out, line->message);
	text_add(out, "}");
}

static void write_log(struct text *out, const char *target, const struct ros_log *log)
{
	text_add(out, "{");
	json_add_key(out, "target");
	json_add_string(out, target);
	text_add(out, ",");
	json_add_key(out, "lines");
	text_add(out, "[");
	for (size_t i = 0; i < ros_log_count(log); i++) {
		if (i > 0)
			text_add(out, ",");
		add_line(out, ros_log_at(log, i));
	}
	text_add(out, "]}\n");
}

/* The worker's hold goes with the answer. */
static void answer(struct log_ask *ask)
{
	if (!mailbox_post(ask->api->plan.mailbox, &ask->answer.mail))
		release(ask);
}

static void deliver_job(struct mail *mail, void *owner)
{
	struct log_ask *ask = ((struct log_mail *)mail)->ask;
	const struct ros_logs *logs = engine_service(worker_engine(ask->worker), &ros_logs_service);
	const struct ros_log *log = logs ? ros_logs_find(logs, ask->target) : NULL;

	(void)owner;
	ask->is_found = log != NULL;
	if (log)
		write_log(&ask->body, ask->target, log);
	answer(ask);
}

static void drop_job(struct mail *mail)
{
	struct log_ask *ask = ((struct log_mail *)mail)->ask;

	ask->is_stopped = true;
	answer(ask);
}

/* --- the request ------------------------------------------------------------------------------------------------- */

static void give_up(void *arg)
{
	struct log_ask *ask = arg;

	ask->connection = NULL;
	ask->api->open--;
	release(ask);
}

/* target: passed on. */
static struct log_ask *post(struct api_router_log *api, char *target)
{
	struct log_ask *ask = mem_zero(1, sizeof(*ask));
	const struct worker *worker = api->plan.workers[hash_stable(target) % api->plan.nworkers];

	atomic_init(&ask->holders, 2);
	ask->api = api;
	ask->worker = worker;
	ask->target = target;
	ask->job = (struct log_mail){{.deliver = deliver_job, .drop = drop_job}, ask};
	ask->answer = (struct log_mail){{.deliver = deliver_answer, .drop = drop_answer}, ask};
	if (mailbox_post(worker_mailbox(worker), &ask->job.mail))
		return ask;
	release(ask);
	release(ask);
	return NULL;
}

/* "/api/v1/routers/NAME/log" -> NAME, owned; NULL: another path. Names of targets may have slashes. */
static char *read_target(const char *path)
{
	static const char tail[] = "/log";
	const char *name = path + strlen(API_ROUTER_LOG_PATH) - 1;
	size_t n = strlen(name);

	if (n < sizeof(tail) || strcmp(name + n - (sizeof(tail) - 1), tail) != 0)
		return NULL;
	return mem_format("%.*s", (int)(n - (sizeof(tail) - 1)), name);
}

void api_router_log_serve(struct api_router_log *api, struct connection *connection, const struct http_request *request)
{
	char *target = read_target(request->path);
	struct log_ask *ask;

	if (!target) {
		reply_line(connection, 404, NULL, "there is /api/v1/routers/NAME/log, and nothing else below");
	} else if (api->open >= API_ROUTER_LOG_MAX) {
		mem_free(target);
		reply_line(connection, 503, later, "too many requests of this kind at a time");
	} else if (!(ask = post(api, target))) {
		reply_line(connection, 503, later, "the worker of this router has too much to do");
	} else {
		api->open++;
		ask->connection = connection;
		connection_wait(connection, give_up, ask);
	}
}
