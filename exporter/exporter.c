#include "exporter/exporter.h"

#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "exporter/dialect.h"
#include "exporter/gate.h"
#include "exporter/labels.h"
#include "exporter/latest.h"
#include "exporter/page.h"
#include "exporter/scrape.h"
#include "exporter/series.h"
#include "exporter/server.h"
#include "exporter/status.h"
#include "exporter/text_stream.h"

#define IDLE_NS (75 * NS_PER_SECOND)

#define TEXT_TYPE "text/plain; charset=utf-8"
#define JSON_TYPE "application/json"

const struct option exporter_options[] = {
	{.name = "listen",
	 .kind = OPTION_LIST,
	 .offset = offsetof(struct exporter_settings, listen),
	 .fallback = "0.0.0.0:9975",
	 .help = "Addresses to serve HTTP on, such as \"0.0.0.0:9975\" or \"[::]:9975\" (IPv6 only); an empty list "
		 "opens no "
		 "port"},
	{.name = "max_series",
	 .kind = OPTION_INTEGER,
	 .offset = offsetof(struct exporter_settings, max_series),
	 .minimum = 1000,
	 .maximum = 50000000,
	 .fallback = "2000000",
	 .help = "The most series that /metrics may have; what goes beyond is refused and counted"},
	{.name = "max_connections",
	 .kind = OPTION_INTEGER,
	 .offset = offsetof(struct exporter_settings, max_connections),
	 .minimum = 1,
	 .maximum = 65536,
	 .fallback = "256",
	 .help = "The most clients at a time. For one more, the connection is closed that is used least: one that "
		 "waits "
		 "for its client, or the reply that is taken most slowly; if there is none, it is told to come back"},
	{.name = "request_timeout",
	 .kind = OPTION_SECONDS,
	 .offset = offsetof(struct exporter_settings, request_timeout_ns),
	 .minimum = 1,
	 .maximum = 3600,
	 .fallback = "10",
	 .help = "The longest time for a TLS handshake and a request with its body, however it drips in"},
	{.name = "reply_timeout",
	 .kind = OPTION_SECONDS,
	 .offset = offsetof(struct exporter_settings, reply_timeout_ns),
	 .minimum = 1,
	 .maximum = 3600,
	 .fallback = "30",
	 .help = "The longest time from a whole request to the last byte of its reply"},
	{.name = "config_file",
	 .kind = OPTION_TEXT,
	 .offset = offsetof(struct exporter_settings, config_file),
	 .help = "TLS, client certificates, users and passwords (bcrypt): a file in the form of Prometheus' "
		 "exporter-toolkit, seen from the folder of this configuration. It is read again when it changes, as "
		 "are "
		 "the certificates"},
	{.name = "bearer_token_file",
	 .kind = OPTION_TEXT,
	 .offset = offsetof(struct exporter_settings, bearer_token_file),
	 .help = "Bearer tokens, one a line, any of which opens the pages, beside the users of config_file; seen from "
		 "the folder of this configuration. It is read again when it changes"},
	{.name = "results_size",
	 .kind = OPTION_SIZE,
	 .offset = offsetof(struct exporter_settings, results_bytes),
	 .maximum = 64.0 * (1 << 30),
	 .fallback = "4MiB",
	 .help = "Memory for the last results of all probes, which /api/v1/results shows; a run of ping takes some "
		 "270 bytes. 0 keeps none"},
};
const size_t exporter_noptions = sizeof(exporter_options) / sizeof(exporter_options[0]);

enum {
	WEB_REQUESTS,
	WEB_CONNECTIONS,
	WEB_CONNECTIONS_TOTAL,
	WEB_CONNECTIONS_REFUSED,
	WEB_CONNECTIONS_EVICTED,
	WEB_HANDSHAKES_FAILED,
	WEB_UNAUTHORIZED,
	WEB_LIMITED,
	WEB_POSTPONED,
	WEB_CONFIG_GOOD,
	WEB_CERTIFICATE_EXPIRY,
	WEB_TIMEOUTS,
	WEB_SENT_BYTES,
	WEB_BODY_BYTES,
	WEB_SCRAPES,
	WEB_SCRAPES_ABORTED,
	WEB_HEAVY_REFUSED,
	WEB_SCRAPE_SECONDS,
	WEB_SERIES,
	WEB_SERIES_LIMIT,
	WEB_SERIES_REFUSED,
	WEB_COUNT
};

static const struct measure web_measures[WEB_COUNT] = {
	[WEB_REQUESTS] = {"requests_total", MEASURE_COUNTER, "HTTP requests received"},
	[WEB_CONNECTIONS] = {"connections_open", MEASURE_INTEGER, "HTTP connections open now"},
	[WEB_CONNECTIONS_TOTAL] = {"connections_total", MEASURE_COUNTER, "HTTP connections accepted or refused"},
	[WEB_CONNECTIONS_REFUSED] = {"connections_refused_total", MEASURE_COUNTER,
				     "HTTP connections refused because web.max_connections were open"},
	[WEB_CONNECTIONS_EVICTED] = {"connections_evicted_total", MEASURE_COUNTER,
				     "HTTP connections closed to make room for others"},
	[WEB_HANDSHAKES_FAILED] = {"tls_handshakes_failed_total", MEASURE_COUNTER, "TLS handshakes that failed"},
	[WEB_UNAUTHORIZED] = {"requests_unauthorized_total", MEASURE_COUNTER,
			      "HTTP requests without the right credentials"},
	[WEB_LIMITED] = {"requests_limited_total", MEASURE_COUNTER,
			 "HTTP requests refused because of rate_limit in web.config_file"},
	[WEB_POSTPONED] = {"requests_postponed_total", MEASURE_COUNTER,
			   "HTTP requests answered with 503 because too many passwords were being checked"},
	[WEB_CONFIG_GOOD] = {"config_file_success", MEASURE_INTEGER,
			     "1: web.config_file, web.bearer_token_file and the files they name are in force as they "
			     "are now; 0: they are not good, and older ones are in force"},
	[WEB_CERTIFICATE_EXPIRY] = {"certificate_expiry_timestamp_seconds", MEASURE_INTEGER,
				    "When the certificate of the HTTP server ends; not there without TLS"},
	[WEB_TIMEOUTS] = {"timeouts_total", MEASURE_COUNTER,
			  "HTTP requests cut off after web.request_timeout or web.reply_timeout"},
	[WEB_SENT_BYTES] = {"sent_bytes_total", MEASURE_COUNTER, "Bytes of HTTP replies handed to clients"},
	[WEB_BODY_BYTES] = {"body_bytes", MEASURE_INTEGER, "Bytes of requests that wait for the rest of their body"},
	[WEB_SCRAPES] = {"scrapes_total", MEASURE_COUNTER, "Replies to GET /metrics that were made to the end"},
	[WEB_SCRAPES_ABORTED] = {"scrapes_aborted_total", MEASURE_COUNTER,
				 "Replies to GET /metrics cut short because the client went away or was too slow"},
	[WEB_HEAVY_REFUSED] = {"requests_refused_total", MEASURE_COUNTER,
			       "HTTP requests answered with 503 because too many long replies were under way"},
	[WEB_SCRAPE_SECONDS] = {"scrape_seconds_total", MEASURE_COUNTER_SECONDS, "Time spent on making /metrics"},
	[WEB_SERIES] = {"series", MEASURE_INTEGER, "Series of probes in /metrics now"},
	[WEB_SERIES_LIMIT] = {"series_limit", MEASURE_INTEGER, "The most series there may be: web.max_series"},
	[WEB_SERIES_REFUSED] = {"series_refused_total", MEASURE_COUNTER,
				"Series refused because of web.max_series, counted at each update"},
};

const struct measure_set exporter_set = {
	.name = "web",
	.measures = web_measures,
	.n = WEB_COUNT,
	.help = "The HTTP server of the daemon",
};

struct exporter {
	struct loop *loop;
	const struct exporter_settings *settings;
	const struct exporter_host *host;
	struct series_store *store;
	struct gate *gate; /* NULL until exporter_protect */
	struct server *server;
	struct scrape_figures scrapes;
	_Atomic uint64_t heavy_refused;
};

static void reply_text(struct connection *connection, int status, const char *fields, const char *body)
{
	connection_reply(connection, &(struct http_reply){status, TEXT_TYPE, fields}, body, strlen(body));
}

/* --- the pages --------------------------------------------------------------------------------------------------- */

static void add_own_row(void *arg, const struct row *row)
{
	own_rows_add(arg, row);
}

/* Reads the parameter "shard"; without it the whole is shard 0 of 1. */
static bool read_shard(const struct http_request *request, struct render_plan *plan)
{
	char text[32];
	plan->shard = 0;
	plan->shards = 1;
	int found = http_parameter(request, "shard", text, sizeof(text));
	return found == 0 || (found > 0 && scrape_parse_shard(text, &plan->shard, &plan->shards));
}

static void reply_no_dialect(const struct exporter *exporter, struct connection *connection)
{
	struct text body = {0};
	text_add(&body, "names: must be one of");
	for (size_t i = 0; i < exporter->host->ndialects; i++)
		text_add_format(&body, "%s %s", i > 0 ? "," : "", exporter->host->dialects[i]);
	text_add(&body, "; without it names are netsonde's own\n");
	reply_text(connection, 400, NULL, text_string(&body));
	text_free(&body);
}

/* Reads the parameter "names"; without it, or with nothing in it, the names are our own: NULL. Replies and returns
 * false when there are none of that name. */
static bool read_dialect(const struct exporter *exporter, struct connection *connection,
			 const struct http_request *request, const struct dialect **dialect)
{
	const struct exporter_host *host = exporter->host;
	char text[64];
	*dialect = NULL;
	int found = http_parameter(request, "names", text, sizeof(text));
	if (found == 0 || (found > 0 && text[0] == '\0'))
		return true;
	size_t i = 0;
	while (found > 0 && i < host->ndialects && strcmp(host->dialects[i], text) != 0)
		i++;
	if (found < 0 || i == host->ndialects) {
		reply_no_dialect(exporter, connection);
		return false;
	}
	*dialect = host->read_dialect(host->context, i);
	if (!*dialect)
		reply_text(connection, 500, NULL, "names: they could not be read: the log says why\n");
	return *dialect != NULL;
}

static void serve_metrics(struct exporter *exporter, struct connection *connection, const struct http_request *request)
{
	struct scrape_plan plan = {.figures = &exporter->scrapes};
	if (!read_dialect(exporter, connection, request, &plan.dialect))
		return;
	if (!read_shard(request, &plan.render)) {
		reply_text(connection, 400, NULL, "shard must be i/n, such as 0/4, with 0 <= i < n <= 65536\n");
		return;
	}
	plan.render.store = exporter->store;
	plan.render.format = render_negotiate(http_field(request, "accept"));
	plan.is_compressed = render_accepts_gzip(http_field(request, "accept-encoding"));
	if (plan.render.shard == 0 && !plan.dialect)
		exporter->host->read_own(exporter->host->context, add_own_row, &plan.own);
	struct stream stream = scrape_open(&plan);
	connection_stream(connection,
			  &(struct http_reply){200, render_content_types[plan.render.format],
					       plan.is_compressed ? "Content-Encoding: gzip\r\n"
								    "Vary: Accept, Accept-Encoding\r\n"
								  : "Vary: Accept, Accept-Encoding\r\n"},
			  &stream);
}

/* The parameters of /api/v1/latest. Longer names than a label can show name nobody. */
struct names {
	char target[LABELS_VALUE_MAX + 1], probe[LABELS_VALUE_MAX + 1];
	int has_target, has_probe; /* as of http_parameter */
};

static bool more_latest(void *state, struct text *out, size_t enough)
{
	return latest_more(state, out, enough);
}

static void free_latest(void *state, bool is_complete)
{
	(void)is_complete;
	latest_free(state);
}

/* latest: passed on. */
static void stream_latest(struct connection *connection, const struct http_request *request, struct latest *latest)
{
	bool is_compressed = render_accepts_gzip(http_field(request, "accept-encoding"));
	struct stream stream =
		text_stream_open(&(struct text_source){more_latest, free_latest, latest, NULL}, is_compressed);
	connection_stream(connection,
			  &(struct http_reply){200, JSON_TYPE,
					       is_compressed ? "Content-Encoding: gzip\r\n"
							       "Cache-Control: no-store\r\nVary: Accept-Encoding\r\n"
							     : "Cache-Control: no-store\r\nVary: Accept-Encoding\r\n"},
			  &stream);
}

static void reply_no_latest(struct connection *connection, const struct latest *latest, const char *target,
			    const char *probe)
{
	struct text body = {0};
	if (!target)
		text_add_format(&body, "no target has the probe \"%s\"\n", probe);
	else if (latest_has_target(latest))
		text_add_format(&body, "the target \"%s\" has no probe \"%s\"\n", target, probe);
	else
		text_add_format(&body, "there is no target \"%s\"\n", target);
	reply_text(connection, 404, NULL, text_string(&body));
	text_free(&body);
}

/* Nothing but target and probe may be asked for, and both must be names. Replies 400 and returns false if not. */
static bool read_names(struct connection *connection, const struct http_request *request, struct names *names)
{
	static const char *const known[] = {"target", "probe"};
	struct text body = {0};
	names->has_target = http_parameter(request, "target", names->target, sizeof(names->target));
	names->has_probe = http_parameter(request, "probe", names->probe, sizeof(names->probe));
	text_add(&body, "unknown parameter: ");
	size_t unknown = http_unknown_parameters(request, known, sizeof(known) / sizeof(known[0]), &body);
	if (unknown == 0)
		text_clear(&body);
	if (unknown > 0)
		text_add(&body, "; there are target and probe\n");
	else if (names->has_target < 0 || names->has_probe < 0)
		text_add_format(&body, "%s: is too long, or has a broken percent sign\n",
				names->has_target < 0 ? "target" : "probe");
	bool is_good = body.length == 0;
	if (!is_good)
		reply_text(connection, 400, NULL, text_string(&body));
	text_free(&body);
	return is_good;
}

static void serve_latest(struct exporter *exporter, struct connection *connection, const struct http_request *request)
{
	struct names names;
	if (!read_names(connection, request, &names))
		return;
	const char *target = names.has_target ? names.target : NULL, *probe = names.has_probe ? names.probe : NULL;
	struct latest *latest = latest_create(exporter->store, target, probe);
	if ((target || probe) && !latest_has_match(latest)) {
		reply_no_latest(connection, latest, target, probe);
		latest_free(latest);
		return;
	}
	stream_latest(connection, request, latest);
}

static void serve_healthy(struct exporter *exporter, struct connection *connection, const struct http_request *request)
{
	(void)exporter, (void)request;
	reply_text(connection, 200, NULL, "healthy\n");
}

static void serve_ready(struct exporter *exporter, struct connection *connection, const struct http_request *request)
{
	(void)request;
	if (exporter->host->is_ready(exporter->host->context))
		reply_text(connection, 200, NULL, "ready\n");
	else
		reply_text(connection, 503, NULL, "not ready\n");
}

static void serve_config(struct exporter *exporter, struct connection *connection, const struct http_request *request)
{
	struct text body = {0};
	(void)request;
	exporter->host->show_config(exporter->host->context, &body);
	connection_reply(connection, &(struct http_reply){200, TEXT_TYPE, "Cache-Control: no-store\r\n"}, body.bytes,
			 body.length);
	text_free(&body);
}

static void serve_page(struct exporter *exporter, struct connection *connection, const struct http_request *request)
{
	struct text body = {0}, more = {0}, status = {0};
	char refresh[2];

	if (exporter->host->show_more)
		exporter->host->show_more(exporter->host->context, &more);
	status_write(exporter->store, exporter->settings->results_bytes > 0, &status);
	page_write(
		&(struct page_facts){.version = NETSONDE_VERSION,
				     .agent = exporter->host->agent,
				     .is_ready = exporter->host->is_ready(exporter->host->context),
				     .series = series_store_count(exporter->store),
				     .now_ns = clock_realtime_ns(),
				     .is_refreshed = http_parameter(request, "refresh", refresh, sizeof(refresh)) > 0,
				     .status = text_string(&status),
				     .more = text_string(&more)},
		&body);
	text_free(&more);
	text_free(&status);
	connection_reply(connection, &(struct http_reply){200, "text/html; charset=utf-8", page_fields}, body.bytes,
			 body.length);
	text_free(&body);
}

static const struct route {
	const char *path;
	void (*serve)(struct exporter *exporter, struct connection *connection, const struct http_request *request);
	bool is_heavy; /* the reply can be long */
} routes[] = {
	{"/", serve_page, false},        {"/-/healthy", serve_healthy, false}, {"/-/ready", serve_ready, false},
	{"/config", serve_config, true}, {"/metrics", serve_metrics, true},    {"/api/v1/latest", serve_latest, true},
};

/* What may be asked of a path: bits, so that several routes can share it. */
enum { ALLOWS_GET = 1, ALLOWS_POST = 2 };

static unsigned method_bit(const char *method)
{
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return ALLOWS_GET;
	return strcmp(method, "POST") == 0 ? ALLOWS_POST : 0;
}

static void reply_not_allowed(struct connection *connection, unsigned allowed)
{
	static const char *const fields[] = {
		[ALLOWS_GET] = "Allow: GET, HEAD\r\n",
		[ALLOWS_POST] = "Allow: POST\r\n",
		[ALLOWS_GET | ALLOWS_POST] = "Allow: GET, HEAD, POST\r\n",
	};
	static const char *const bodies[] = {
		[ALLOWS_GET] = "only GET and HEAD are allowed here\n",
		[ALLOWS_POST] = "only POST is allowed here\n",
		[ALLOWS_GET | ALLOWS_POST] = "only GET, HEAD and POST are allowed here\n",
	};
	reply_text(connection, 405, fields[allowed], bodies[allowed]);
}

/* A route's path that ends in "*" stands for all that begin so. */
static bool is_path_of(const char *path, const char *route)
{
	size_t n = strlen(route);
	if (route[n - 1] == '*')
		return strncmp(path, route, n - 1) == 0;
	return strcmp(path, route) == 0;
}

/* The daemon's route, if there is one. allowed: what may be asked of this path. */
static const struct exporter_route *find_host_route(const struct exporter_host *host,
						    const struct http_request *request, unsigned *allowed)
{
	const struct exporter_route *found = NULL;
	for (size_t i = 0; i < host->nroutes; i++) {
		if (!is_path_of(request->path, host->routes[i].path))
			continue;
		*allowed |= method_bit(host->routes[i].method);
		if (!found && method_bit(host->routes[i].method) == method_bit(request->method))
			found = &host->routes[i];
	}
	return found;
}

static const struct route *find_route(const struct http_request *request, unsigned *allowed)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(request->path, routes[i].path) != 0)
			continue;
		*allowed |= ALLOWS_GET;
		return method_bit(request->method) == ALLOWS_GET ? &routes[i] : NULL;
	}
	return NULL;
}

/* Replies 503 and returns false if there is no room for a long reply. */
static bool claim(struct exporter *exporter, struct connection *connection)
{
	if (connection_claim(connection))
		return true;
	atomic_fetch_add_explicit(&exporter->heavy_refused, 1, memory_order_relaxed);
	reply_text(connection, 503, "Retry-After: 1\r\n", "too many long replies at a time\n");
	return false;
}

static bool is_in_tree(const struct exporter_host *host, const struct http_request *request)
{
	return host->tree && strncmp(request->path, host->tree->prefix, strlen(host->tree->prefix)) == 0;
}

static bool begin(void *context, struct connection *connection, const struct http_request *request,
		  struct server_body *body)
{
	const struct exporter_host *host = ((struct exporter *)context)->host;
	if (!is_in_tree(host, request))
		return true;
	body->is_kept = true;
	return host->tree->begin(host->context, connection, request, &body->max_bytes);
}

/* Nobody else keeps bodies. */
static void refuse(void *context, struct connection *connection, const struct http_request *request, int status)
{
	const struct exporter_host *host = ((struct exporter *)context)->host;
	host->tree->refuse(host->context, connection, request, status);
}

static void handle(void *context, struct connection *connection, const struct http_request *request)
{
	struct exporter *exporter = context;
	const struct exporter_host *host = exporter->host;
	if (is_in_tree(host, request)) {
		host->tree->serve(host->context, connection, request);
		return;
	}
	unsigned allowed = 0;
	const struct route *own = find_route(request, &allowed);
	const struct exporter_route *route = find_host_route(host, request, &allowed);
	bool is_heavy = own ? own->is_heavy : route && route->is_heavy;
	if (is_heavy && !claim(exporter, connection))
		return;
	if (own)
		own->serve(exporter, connection, request);
	else if (route)
		route->serve(host->context, connection, request);
	else if (allowed != 0)
		reply_not_allowed(connection, allowed);
	else
		reply_text(connection, 404, NULL, "there is no such page\n");
}

/* --- create and free --------------------------------------------------------------------------------------------- */

struct exporter *exporter_create(struct loop *loop, const struct exporter_settings *settings,
				 const struct exporter_host *host, struct series_store *store, struct err *err)
{
	struct exporter *exporter = mem_zero(1, sizeof(*exporter));
	exporter->loop = loop;
	exporter->settings = settings;
	exporter->host = host;
	exporter->store = store;
	exporter->server = server_create(&(struct server_plan){.loop = loop,
							       .listen = &settings->listen,
							       .max_connections = (size_t)settings->max_connections,
							       .request_timeout_ns = settings->request_timeout_ns,
							       .reply_timeout_ns = settings->reply_timeout_ns,
							       .idle_timeout_ns = IDLE_NS,
							       .begin = begin,
							       .handle = handle,
							       .refuse = refuse,
							       .context = exporter},
					 err);
	if (!exporter->server) {
		err_prefix(err, "web.listen");
		mem_free(exporter);
		return NULL;
	}
	return exporter;
}

void exporter_free(struct exporter *exporter)
{
	if (!exporter)
		return;
	server_free(exporter->server);
	gate_free(exporter->gate);
	mem_free(exporter);
}

/* The text of a gate begins with the file, which says which option is meant. */
static int name_option(const struct exporter_settings *settings, struct err *err)
{
	size_t n = settings->bearer_token_file ? strlen(settings->bearer_token_file) : 0;
	bool is_tokens = n > 0 && strncmp(err->text, settings->bearer_token_file, n) == 0 && err->text[n] == ':';
	return err_prefix(err, is_tokens ? "web.bearer_token_file" : "web.config_file");
}

int exporter_protect(struct exporter *exporter, struct err *err)
{
	const struct exporter_settings *settings = exporter->settings;
	if (!settings->config_file && !settings->bearer_token_file)
		return 0;
	exporter->gate = gate_create(exporter->loop, settings->config_file, settings->bearer_token_file, err);
	if (!exporter->gate)
		return name_option(settings, err);
	server_set_guard(exporter->server, gate_guard(exporter->gate));
	return 0;
}

int exporter_check(const struct exporter_settings *settings, struct err *err)
{
	return gate_check(settings->config_file, settings->bearer_token_file, err) == 0 ? 0
											: name_option(settings, err);
}

bool exporter_wants_tls(const struct exporter_settings *settings)
{
	return settings->config_file && gate_would_have_tls(settings->config_file);
}

const char *exporter_listener(const struct exporter *exporter, size_t i)
{
	return server_listener(exporter->server, i);
}

static int64_t figure(const _Atomic uint64_t *figure)
{
	return (int64_t)atomic_load_explicit(figure, memory_order_relaxed);
}

size_t exporter_read(const struct exporter *exporter, struct reading *readings)
{
	struct server_figures server;
	struct gate_figures gate = {.is_good = true};
	server_read(exporter->server, &server);
	if (exporter->gate)
		gate_read(exporter->gate, &gate);
	const int64_t values[WEB_COUNT] = {
		[WEB_REQUESTS] = (int64_t)server.requests,
		[WEB_CONNECTIONS] = (int64_t)server.connections,
		[WEB_CONNECTIONS_TOTAL] = (int64_t)server.connections_total,
		[WEB_CONNECTIONS_REFUSED] = (int64_t)server.refused,
		[WEB_CONNECTIONS_EVICTED] = (int64_t)server.evicted,
		[WEB_HANDSHAKES_FAILED] = (int64_t)server.handshakes_failed,
		[WEB_UNAUTHORIZED] = (int64_t)gate.unauthorized,
		[WEB_LIMITED] = (int64_t)gate.limited,
		[WEB_POSTPONED] = (int64_t)gate.postponed,
		[WEB_CONFIG_GOOD] = gate.is_good,
		[WEB_CERTIFICATE_EXPIRY] = gate.expiry_seconds,
		[WEB_TIMEOUTS] = (int64_t)server.timeouts,
		[WEB_SENT_BYTES] = (int64_t)server.sent_bytes,
		[WEB_BODY_BYTES] = (int64_t)server.body_bytes,
		[WEB_SCRAPES] = figure(&exporter->scrapes.finished),
		[WEB_SCRAPES_ABORTED] = figure(&exporter->scrapes.aborted),
		[WEB_HEAVY_REFUSED] = figure(&exporter->heavy_refused),
		[WEB_SCRAPE_SECONDS] = figure(&exporter->scrapes.cpu_ns),
		[WEB_SERIES] = (int64_t)series_store_count(exporter->store),
		[WEB_SERIES_LIMIT] = exporter->settings->max_series,
		[WEB_SERIES_REFUSED] = (int64_t)series_store_refused(exporter->store),
	};
	size_t n = 0;
	for (unsigned i = 0; i < WEB_COUNT; i++) {
		if (i != WEB_CERTIFICATE_EXPIRY || values[i] != 0)
			readings[n++] = reading_integer(i, values[i]);
	}
	return n;
}
