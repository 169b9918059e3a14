#include "daemon/api_probe.h"

#include <stdatomic.h>
#include <string.h>

#include "core/clock.h"
#include "core/destination.h"
#include "core/mem.h"
#include "daemon/callers.h"
#include "daemon/config.h"
#include "daemon/endpoint.h"
#include "daemon/probe_history.h"
#include "daemon/probe_history_page.h"
#include "daemon/probe_query.h"
#include "daemon/probe_settings.h"
#include "daemon/worker.h"
#include "exporter/probe_page.h"
#include "exporter/server.h"

#define TEXT_TYPE    "text/plain; charset=utf-8"
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define NO_STORE     "Cache-Control: no-store\r\n"

/* --- figures ------------------------------------------------------------------------------------------------------ */

enum { PROBE_REQUESTS, PROBE_RUNNING, PROBE_ENDED, PROBE_CANCELLED, PROBE_INVALID, PROBE_UNKNOWN, PROBE_MEASURES };

static const struct measure measures[PROBE_MEASURES] = {
	[PROBE_REQUESTS] = {"requests_total", MEASURE_COUNTER, "Requests to /probe"},
	[PROBE_RUNNING] = {"running", MEASURE_INTEGER, "Probes of /probe that run now"},
	[PROBE_ENDED] = {"probes_total", MEASURE_COUNTER, "Probes of /probe that were answered"},
	[PROBE_CANCELLED] = {"cancelled_total", MEASURE_COUNTER,
			     "Probes of /probe that were given up because the client had left"},
	[PROBE_INVALID] = {"invalid_total", MEASURE_COUNTER,
			   "Requests to /probe that could not be understood, or did not fit their module"},
	[PROBE_UNKNOWN] = {"unknown_modules_total", MEASURE_COUNTER,
			   "Requests to /probe for modules that there are not"},
};

const struct measure_set api_probe_set = {
	.name = "probe_endpoint",
	.measures = measures,
	.n = PROBE_MEASURES,
	.help = "The page /probe",
};

static const struct measure refused_measures[] = {
	{"total", MEASURE_COUNTER,
	 "Requests to /probe that were refused, by reason: disabled, rate (429), client (too many at a time of one), "
	 "concurrent (too many at a time), workers (all have too much to do), destination (it may not be talked to)"},
};
static const char *const refused_labels[] = {"reason", NULL};

const struct measure_set api_probe_refused_set = {
	.name = "probe_endpoint_refused",
	.measures = refused_measures,
	.n = 1,
	.label_names = refused_labels,
	.help = "Requests to /probe that were refused",
};

enum refusal {
	REFUSED_DISABLED,
	REFUSED_RATE,
	REFUSED_CLIENT,
	REFUSED_CONCURRENT,
	REFUSED_WORKERS,
	REFUSED_DESTINATION,
	REFUSALS
};

static const char *const refusal_names[REFUSALS] = {
	[REFUSED_DISABLED] = "disabled",     [REFUSED_RATE] = "rate",       [REFUSED_CLIENT] = "client",
	[REFUSED_CONCURRENT] = "concurrent", [REFUSED_WORKERS] = "workers", [REFUSED_DESTINATION] = "destination",
};

/* --- life --------------------------------------------------------------------------------------------------------- */

struct api_probe {
	struct api_probe_plan plan;
	struct callers *callers;
	struct probe_history *history;
	size_t *running; /* by worker */
	size_t next;     /* the worker whose turn it is */
	struct text log; /* made anew for each probe */
	struct text page;
	_Atomic uint64_t figures[PROBE_MEASURES];
	_Atomic uint64_t refused[REFUSALS];
};

/* A request whose probe runs, or is about to. */
struct pending {
	struct api_probe *api;
	struct connection *connection;
	struct endpoint *endpoint; /* held */
	struct caller *caller;
	const struct module *module; /* of the endpoint */
	char *target;
	bool is_debug;
	int64_t timeout_ns;
	int64_t begun_ns, begun_realtime_ns;
	size_t worker;
	struct worker_ask *ask;
};

struct api_probe *api_probe_create(const struct api_probe_plan *plan)
{
	struct api_probe *api = mem_zero(1, sizeof(*api));

	api->plan = *plan;
	api->callers = callers_create();
	api->history = probe_history_create();
	api->running = mem_zero(plan->nworkers, sizeof(size_t));
	return api;
}

void api_probe_free(struct api_probe *api)
{
	if (!api)
		return;
	callers_free(api->callers);
	probe_history_free(api->history);
	text_free(&api->log);
	text_free(&api->page);
	mem_free(api->running);
	mem_free(api);
}

static void count(_Atomic uint64_t *figure, uint64_t n)
{
	atomic_fetch_add_explicit(figure, n, memory_order_relaxed);
}

static uint64_t figure(const _Atomic uint64_t *figure)
{
	return atomic_load_explicit(figure, memory_order_relaxed);
}

void api_probe_read(const struct api_probe *api,
		    void (*give)(void *arg, const struct measure_set *set, const char *reason,
				 const struct reading *readings, size_t n),
		    void *arg)
{
	struct reading readings[PROBE_MEASURES];

	for (unsigned i = 0; i < PROBE_MEASURES; i++)
		readings[i] = reading_integer(i, (int64_t)figure(&api->figures[i]));
	give(arg, &api_probe_set, NULL, readings, PROBE_MEASURES);
	for (unsigned i = 0; i < REFUSALS; i++) {
		const struct reading reading = reading_integer(0, (int64_t)figure(&api->refused[i]));

		give(arg, &api_probe_refused_set, refusal_names[i], &reading, 1);
	}
}

/* The worker has no more to do with it. */
static void pending_free(struct pending *pending)
{
	struct api_probe *api = pending->api;

	api->running[pending->worker]--;
	count(&api->figures[PROBE_RUNNING], UINT64_MAX);
	callers_leave(pending->caller);
	endpoint_release(pending->endpoint);
	mem_free(pending->target);
	mem_free(pending);
}

static void reply_line(struct connection *connection, int status, const char *fields, const char *line)
{
	struct text body = {0};

	text_add_format(&body, "%s\n", line);
	connection_reply(connection, &(struct http_reply){status, TEXT_TYPE, fields}, body.bytes, body.length);
	text_free(&body);
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static void write_page(const struct pending *pending, const struct worker_answer *answer, struct text *out)
{
	const struct probe_page page = {
		.sample = answer->sample,
		.reason = REASON_LOCAL,
		.type = pending->module->type->name,
		.timeout_ns = pending->timeout_ns,
		.took_ns = clock_monotonic_ns() - pending->begun_ns,
	};

	text_clear(out);
	probe_page_write(&page, out);
}

/* What debug=true shows, and /logs later. */
static void write_debug(const struct pending *pending, const struct worker_answer *answer, struct text *page,
			struct text *out)
{
	const enum reason reason = answer->sample ? answer->sample->reason : REASON_LOCAL;
	struct text log = {0};

	text_add_format(&log, "probe: %s, module %s (%s), at most %.3f s\n", pending->target, pending->module->name,
			pending->module->type->name, clock_seconds(pending->timeout_ns));
	text_add_bytes(&log, answer->log, answer->log_length);
	if (answer->error)
		text_add_format(&log, "%s\n", answer->error);
	text_add_format(&log, "result: %s\n", reason_name(reason));
	text_clear(out);
	probe_debug_write(&(struct probe_debug){text_string(&log), text_string(page),
						pending->module->shown ? pending->module->shown : ""},
			  out);
	text_free(&log);
}

static void remember(const struct pending *pending, const struct worker_answer *answer, const struct text *debug)
{
	const struct config_endpoint *settings = endpoint_settings(pending->endpoint);
	const struct probe_history_limits limits = {(size_t)settings->history, (size_t)settings->history_bytes};
	const struct probe_entry entry = {
		.target = pending->target,
		.module = pending->module->name,
		.begun_realtime_ns = pending->begun_realtime_ns,
		.took_ns = answer->sample ? answer->sample->took_ns : clock_monotonic_ns() - pending->begun_ns,
		.reason = answer->sample ? answer->sample->reason : REASON_LOCAL,
		.text = debug->bytes,
		.length = debug->length,
	};

	if (settings->history > 0)
		probe_history_add(pending->api->history, &entry, &limits);
}

static bool wants_log(const struct endpoint *endpoint, bool is_debug)
{
	return is_debug || endpoint_settings(endpoint)->history > 0;
}

static void take_answer(void *arg, const struct worker_answer *answer)
{
	struct pending *pending = arg;
	struct api_probe *api = pending->api;
	const struct http_reply metrics = {200, METRICS_TYPE, NO_STORE}, debug = {200, TEXT_TYPE, NO_STORE};

	count(&api->figures[PROBE_ENDED], 1);
	if (answer->sample && answer->sample->reason == REASON_DENIED)
		count(&api->refused[REFUSED_DESTINATION], 1);
	write_page(pending, answer, &api->page);
	if (wants_log(pending->endpoint, pending->is_debug)) {
		write_debug(pending, answer, &api->page, &api->log);
		remember(pending, answer, &api->log);
	}
	if (pending->is_debug)
		connection_reply(pending->connection, &debug, api->log.bytes, api->log.length);
	else
		connection_reply(pending->connection, &metrics, api->page.bytes, api->page.length);
	pending_free(pending);
}

static void give_up(void *arg)
{
	struct pending *pending = arg;

	count(&pending->api->figures[PROBE_CANCELLED], 1);
	worker_ask_cancel(pending->ask);
	pending_free(pending);
}

/* --- the request -------------------------------------------------------------------------------------------------- */

/* Everything about a request until its probe runs. */
struct asking {
	struct api_probe *api;
	struct connection *connection;
	struct endpoint *endpoint;
	struct caller *caller;
	const struct module *module;
	struct probe_query query;
	int64_t now_ns, timeout_ns;
};

static void refuse(const struct asking *asking, enum refusal refusal, int status, const char *line)
{
	static const char later[] = "Retry-After: 1\r\n";

	count(&asking->api->refused[refusal], 1);
	reply_line(asking->connection, status, status == 503 ? later : NULL, line);
}

static void refuse_rate(const struct asking *asking, const struct callers_limits *limits)
{
	struct text fields = {0};
	int64_t seconds =
		callers_wait_seconds(asking->api->callers, connection_peer(asking->connection), limits, asking->now_ns);

	count(&asking->api->refused[REFUSED_RATE], 1);
	text_add_format(&fields, "Retry-After: %lld\r\n", (long long)seconds);
	reply_line(asking->connection, 429, text_string(&fields),
		   "this client asks faster than probe_endpoint.rate and probe_endpoint.burst permit");
	text_free(&fields);
}

/* Is there room for one more? */
static bool admit(struct asking *asking)
{
	const struct config_endpoint *settings = endpoint_settings(asking->endpoint);
	const struct callers_limits limits = {settings->rate, settings->burst, settings->max_per_client};
	enum callers_verdict verdict;

	if (!settings->is_enabled) {
		refuse(asking, REFUSED_DISABLED, 404, "/probe is not enabled: probe_endpoint.enabled is false");
		return false;
	}
	verdict = callers_enter(asking->api->callers, connection_peer(asking->connection), &limits, asking->now_ns,
				&asking->caller);
	if (verdict == CALLERS_TOO_FAST)
		refuse_rate(asking, &limits);
	else if (verdict == CALLERS_TOO_MANY)
		refuse(asking, REFUSED_CLIENT, 503,
		       "this client has probe_endpoint.max_per_client probes under way already");
	else if (verdict == CALLERS_NO_ROOM ||
		 figure(&asking->api->figures[PROBE_RUNNING]) >= (uint64_t)settings->max_concurrent)
		refuse(asking, REFUSED_CONCURRENT, 503, "probe_endpoint.max_concurrent probes are under way already");
	else
		return true;
	return false;
}

static void reply_invalid(const struct asking *asking, int status, const char *why)
{
	count(&asking->api->figures[PROBE_INVALID], 1);
	reply_line(asking->connection, status, NULL, why);
}

static bool find_module(struct asking *asking)
{
	struct err why = {0};

	asking->module = endpoint_find(asking->endpoint, asking->query.module);
	if (asking->module && asking->module->type)
		return true;
	if (asking->module) {
		err_set(&why, "the module \"%.200s\" cannot be used: %.250s", asking->module->name,
			asking->module->refused ? asking->module->refused : "it has no type");
		reply_invalid(asking, 400, why.text);
		return false;
	}
	count(&asking->api->figures[PROBE_UNKNOWN], 1);
	err_set(&why, "Unknown module \"%.200s\"", asking->query.module);
	reply_line(asking->connection, 400, NULL, why.text);
	return false;
}

static void set_timeout(struct asking *asking)
{
	const struct config_endpoint *settings = endpoint_settings(asking->endpoint);
	const struct probe_times times = {
		.scrape_ns = asking->query.scrape_timeout_ns,
		.offset_ns = settings->timeout_offset_ns,
		.module_ns = asking->module->timeout_ns,
		.maximum_ns = settings->max_timeout_ns,
	};

	asking->timeout_ns = probe_query_timeout(&times);
}

/* What would be refused in any case, whatever the name resolves to. */
static bool is_permitted(const struct asking *asking)
{
	char host[PROBE_QUERY_TARGET_MAX + 1];
	struct address address;
	struct destination destination = {.host = host};
	struct err why = {0};

	if (!probe_settings_host(asking->query.target, host, sizeof(host), &destination.port))
		return true;
	if (address_parse(host, &address))
		destination.address = &address;
	if (destination_is_permitted(endpoint_rules(asking->endpoint), &destination, &why))
		return true;
	refuse(asking, REFUSED_DESTINATION, 403, why.text);
	return false;
}

static bool understand(struct asking *asking, const struct http_request *request)
{
	struct err why = {0};
	int status = probe_query_read(request, &asking->query, &why);

	if (status != 0) {
		reply_invalid(asking, status, why.text);
		return false;
	}
	if (!find_module(asking))
		return false;
	set_timeout(asking);
	return is_permitted(asking);
}

/* The next one in turn that has room. */
static bool choose_worker(struct api_probe *api, size_t *worker)
{
	for (size_t i = 0; i < api->plan.nworkers; i++) {
		*worker = api->next;
		api->next = (api->next + 1) % api->plan.nworkers;
		if (api->running[*worker] < WORKER_ASKS_MAX)
			return true;
	}
	return false;
}

static void release_endpoint(void *held)
{
	endpoint_release(held);
}

/* settings: passed if this succeeds. The worker has the endpoint held as long as it uses its rules, which may be
 * longer than the client waits. */
static bool begin(struct asking *asking, struct pending *pending, void *settings)
{
	struct api_probe *api = asking->api;
	const struct worker_job job = {
		.target = asking->query.target,
		.probe = asking->module->name,
		.address = asking->query.target,
		.type = asking->module->type,
		.settings = settings,
		.wants_log = wants_log(asking->endpoint, asking->query.is_debug),
		.gatekeeper = endpoint_gatekeeper(asking->endpoint),
		.catalogue = endpoint_catalogue(asking->endpoint),
		.release = release_endpoint,
		.held = endpoint_hold(asking->endpoint),
		.mailbox = api->plan.mailbox,
		.done = take_answer,
		.arg = pending,
	};

	if (choose_worker(api, &pending->worker))
		pending->ask = worker_ask(api->plan.workers[pending->worker], &job);
	if (!pending->ask)
		endpoint_release(job.held);
	return pending->ask != NULL;
}

/* What the request holds goes over to the probe. */
static void wait_for_answer(struct asking *asking, struct pending *pending)
{
	struct api_probe *api = asking->api;

	pending->api = api;
	pending->connection = asking->connection;
	pending->endpoint = asking->endpoint;
	pending->caller = asking->caller;
	pending->module = asking->module;
	pending->target = mem_copy_string(asking->query.target);
	pending->is_debug = asking->query.is_debug;
	pending->timeout_ns = asking->timeout_ns;
	pending->begun_ns = asking->now_ns;
	pending->begun_realtime_ns = clock_realtime_ns();
	asking->endpoint = NULL;
	asking->caller = NULL;
	api->running[pending->worker]++;
	count(&api->figures[PROBE_RUNNING], 1);
	connection_wait(pending->connection, give_up, pending);
	connection_extend(pending->connection, pending->timeout_ns);
}

static void ask(struct asking *asking)
{
	const struct probe_type *type = asking->module->type;
	struct pending *pending;
	struct err why = {0};
	void *settings = probe_settings_make(asking->module, &asking->query, asking->timeout_ns, &why);

	if (!settings) {
		reply_invalid(asking, 400, why.text);
		return;
	}
	pending = mem_zero(1, sizeof(*pending));
	if (begin(asking, pending, settings)) {
		wait_for_answer(asking, pending);
		return;
	}
	option_free_settings(type->options, type->noptions, settings);
	mem_free(pending);
	refuse(asking, REFUSED_WORKERS, 503, "the workers have too much to do at the moment");
}

void api_probe_serve(struct api_probe *api, struct connection *connection, const struct http_request *request)
{
	struct asking asking = {.api = api, .connection = connection, .now_ns = clock_monotonic_ns()};

	count(&api->figures[PROBE_REQUESTS], 1);
	asking.endpoint = api->plan.endpoint(api->plan.context);
	if (admit(&asking) && understand(&asking, request))
		ask(&asking);
	if (asking.caller)
		callers_leave(asking.caller);
	endpoint_release(asking.endpoint);
}

/* --- the last probes ---------------------------------------------------------------------------------------------- */

void api_probe_serve_logs(struct api_probe *api, struct connection *connection, const struct http_request *request)
{
	const struct http_reply reply = {200, TEXT_TYPE, NO_STORE "X-Content-Type-Options: nosniff\r\n"};
	const struct probe_entry *entry;
	struct probe_log_query query;
	struct err why = {0};
	int status = probe_log_query_read(request, &query, &why);

	if (status != 0) {
		reply_line(connection, status, NULL, why.text);
		return;
	}
	entry = query.id > 0
			? probe_history_find(api->history, query.id)
			: probe_history_find_last(api->history, query.target, query.module[0] ? query.module : NULL);
	if (entry)
		connection_reply(connection, &reply, entry->text, entry->length);
	else
		reply_line(connection, 404, NULL, "there is no such probe among the last ones");
}

void api_probe_show_last(struct api_probe *api, struct text *out)
{
	probe_history_page_write(api->history, out);
}
