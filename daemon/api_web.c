#include "daemon/api_web.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/text.h"
#include "daemon/api_audit.h"
#include "daemon/api_command.h"
#include "daemon/api_head.h"
#include "daemon/api_rules.h"
#include "daemon/api_v2.h"
#include "daemon/callers.h"
#include "daemon/config.h"
#include "daemon/pace.h"
#include "exporter/server.h"

#define JSON_TYPE "application/json"
/* Answers that are longer need a place among the long replies: the memory is taken until the client has taken them. */
#define LONG_ANSWER_BYTES ((size_t)256 * 1024)
/* Of requests without a key, so many lines a second are logged, and so many at once. */
#define STRANGER_LINES_RATE  5
#define STRANGER_LINES_BURST 50
/* More accounts of keys than there can be keys are forgotten. */
#define ACCOUNTS_MAX 512
/* What a call may take beyond its own time until its answer is there. */
#define ANSWER_MARGIN_NS (2 * NS_PER_SECOND)

/* --- figures ------------------------------------------------------------------------------------------------------ */

enum { API_REQUESTS, API_SUCCESSFUL, API_FAILED, API_LEFT, API_ACTIVE, API_PEAK, API_TOOK, API_MEASURES };

static const struct measure measures[API_MEASURES] = {
	[API_REQUESTS] = {"requests_total", MEASURE_COUNTER, "Requests to /api/v2"},
	[API_SUCCESSFUL] = {"successful_total", MEASURE_COUNTER, "Requests to /api/v2 that were answered with 200"},
	[API_FAILED] = {"failed_total", MEASURE_COUNTER, "Requests to /api/v2 that were answered with an error"},
	[API_LEFT] = {"left_total", MEASURE_COUNTER, "Calls of /api/v2 that were given up because the client had left"},
	[API_ACTIVE] = {"active", MEASURE_INTEGER, "Calls of /api/v2 that are under way"},
	[API_PEAK] = {"active_peak", MEASURE_INTEGER, "The most calls of /api/v2 that were under way at a time"},
	[API_TOOK] = {"seconds_total", MEASURE_COUNTER_SECONDS, "Time that ended calls of /api/v2 took, together"},
};

const struct measure_set api_web_set = {
	.name = "api",
	.measures = measures,
	.n = API_MEASURES,
	.help = "The REST interface for routers",
};

static const struct measure refused_measures[] = {
	{"total", MEASURE_COUNTER,
	 "Requests to /api/v2 that were refused, by reason: disabled, path, key (none, or a wrong one), role, client "
	 "(more requests than a client address may make), rate (than a key may make), busy, body (too long, broken, "
	 "or too slow), invalid (not understood)"},
};
static const char *const refused_labels[] = {"reason", NULL};

const struct measure_set api_web_refused_set = {
	.name = "api_refused",
	.measures = refused_measures,
	.n = 1,
	.label_names = refused_labels,
	.help = "Requests to the REST interface that were refused",
};

enum refusal {
	REFUSED_DISABLED,
	REFUSED_PATH,
	REFUSED_KEY,
	REFUSED_ROLE,
	REFUSED_CLIENT,
	REFUSED_RATE,
	REFUSED_BUSY,
	REFUSED_BODY,
	REFUSED_INVALID,
	REFUSALS
};

static const char *const refusal_names[REFUSALS] = {
	[REFUSED_DISABLED] = "disabled", [REFUSED_PATH] = "path",     [REFUSED_KEY] = "key",
	[REFUSED_ROLE] = "role",         [REFUSED_CLIENT] = "client", [REFUSED_RATE] = "rate",
	[REFUSED_BUSY] = "busy",         [REFUSED_BODY] = "body",     [REFUSED_INVALID] = "invalid",
};

/* --- life --------------------------------------------------------------------------------------------------------- */

/* What a key has asked for lately. It stays when the configuration is read again. */
struct account {
	char *name;
	int64_t rate, burst;
	struct pace pace;
};

struct api_web {
	struct api_web_plan plan;
	struct callers *rates, *running;
	struct account *accounts;
	size_t naccounts;
	struct pace strangers;
	uint64_t untold; /* lines about strangers */
	int64_t started_ns;
	_Atomic uint64_t figures[API_MEASURES];
	_Atomic uint64_t refused[REFUSALS];
};

/* A call that is under way. */
struct pending {
	struct api_web *api;
	struct connection *connection;
	struct api_v2_run *run;
	struct caller *caller;
	char id[API_ID_SIZE];
	char *origin;     /* or NULL */
	char *key;        /* its name */
	struct text line; /* of the audit log */
	int64_t begun_ns;
};

/* A request as long as it is looked at. */
struct asking {
	struct api_web *api;
	struct connection *connection;
	const struct http_request *request;
	struct api_rules *rules; /* held */
	const struct api_route *route;
	const struct api_key *key; /* of the rules; NULL: not known */
	const char *origin;        /* that may read the reply; or NULL */
	char id[API_ID_SIZE];
	int64_t now_ns;
	struct text line;
};

struct api_web *api_web_create(const struct api_web_plan *plan)
{
	struct api_web *api = mem_zero(1, sizeof(*api));

	api->plan = *plan;
	api->rates = callers_create();
	api->running = callers_create();
	api->strangers = pace_make(STRANGER_LINES_RATE, STRANGER_LINES_BURST);
	api->started_ns = clock_monotonic_ns();
	return api;
}

static void forget_accounts(struct api_web *api)
{
	for (size_t i = 0; i < api->naccounts; i++)
		mem_free(api->accounts[i].name);
	mem_free(api->accounts);
	api->accounts = NULL;
	api->naccounts = 0;
}

void api_web_free(struct api_web *api)
{
	if (!api)
		return;
	forget_accounts(api);
	callers_free(api->rates);
	callers_free(api->running);
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

void api_web_count(void *arg, struct api_v2_requests *out)
{
	const struct api_web *api = arg;

	*out = (struct api_v2_requests){
		.started_ns = api->started_ns,
		.total = figure(&api->figures[API_REQUESTS]),
		.successful = figure(&api->figures[API_SUCCESSFUL]),
		.failed = figure(&api->figures[API_FAILED]) + figure(&api->figures[API_LEFT]),
		.active = figure(&api->figures[API_ACTIVE]),
		.peak = figure(&api->figures[API_PEAK]),
		.took_ns = (int64_t)figure(&api->figures[API_TOOK]),
	};
}

void api_web_read(const struct api_web *api,
		  void (*give)(void *arg, const struct measure_set *set, const char *reason,
			       const struct reading *readings, size_t n),
		  void *arg)
{
	struct reading readings[API_MEASURES];

	for (unsigned i = 0; i < API_MEASURES; i++)
		readings[i] = reading_integer(i, (int64_t)figure(&api->figures[i]));
	give(arg, &api_web_set, NULL, readings, API_MEASURES);
	for (unsigned i = 0; i < REFUSALS; i++) {
		const struct reading reading = reading_integer(0, (int64_t)figure(&api->refused[i]));

		give(arg, &api_web_refused_set, refusal_names[i], &reading, 1);
	}
}

static void open_asking(struct asking *asking, struct api_web *api, struct connection *connection,
			const struct http_request *request)
{
	const char *origin = http_field(request, "origin"), *allow;
	char client[ADDRESS_TEXT_SIZE];

	*asking = (struct asking){.api = api, .connection = connection, .request = request};
	asking->now_ns = clock_monotonic_ns();
	asking->rules = api->plan.rules(api->plan.context);
	asking->route = api_head_route(request, &allow);
	if (origin && api_rules_permits_origin(asking->rules, origin))
		asking->origin = origin;
	api_head_id(request, asking->id);
	text_add_format(&asking->line, "id=%s client=%s %.16s %.100s", asking->id,
			address_format(connection_peer(connection), client), request->method, request->path);
}

static void close_asking(struct asking *asking)
{
	text_free(&asking->line);
	api_rules_release(asking->rules);
}

/* --- the audit log ------------------------------------------------------------------------------------------------ */

static void log_call(const char *key, struct text *line)
{
	log_event(LOG_LEVEL_INFO, "api", key, "%s", text_string(line));
}

/* Whoever has no key must not fill the log. */
static void log_stranger(struct asking *asking)
{
	struct api_web *api = asking->api;

	if (!pace_allows(&api->strangers, asking->now_ns)) {
		api->untold++;
		return;
	}
	pace_take(&api->strangers, asking->now_ns);
	if (api->untold > 0)
		text_add_format(&asking->line, " untold=%llu", (unsigned long long)api->untold);
	api->untold = 0;
	log_call(NULL, &asking->line);
}

/* --- replies ------------------------------------------------------------------------------------------------------ */

/* What a refusal is made of. */
struct refusing {
	enum refusal refusal;
	int status;
	const char *code; /* NULL: that of the status */
	const char *message, *field;
	const char *allow;
	int64_t retry_after_seconds;
};

static void send_error(const struct asking *asking, const struct refusing *refusing, const char *code)
{
	const struct api_reply_fields fields = {
		.id = asking->id,
		.origin = asking->origin,
		.allow = refusing->allow,
		.retry_after_seconds = refusing->retry_after_seconds,
		.wants_key = refusing->status == 401,
	};
	const struct api_error error = {code, refusing->message, refusing->field};
	struct text head = {0}, body = {0};

	api_head_write(&fields, &head);
	api_head_write_error(&error, &body);
	connection_reply(asking->connection, &(struct http_reply){refusing->status, JSON_TYPE, text_string(&head)},
			 body.bytes, body.length);
	text_free(&head);
	text_free(&body);
}

static void refuse(struct asking *asking, const struct refusing *refusing)
{
	const char *code = refusing->code ? refusing->code : api_head_code(refusing->status);

	count(&asking->api->figures[API_FAILED], 1);
	count(&asking->api->refused[refusing->refusal], 1);
	send_error(asking, refusing, code);
	text_add_format(&asking->line, " status=%d outcome=refused error=%s", refusing->status, code);
	if (asking->key)
		log_call(asking->key->name, &asking->line);
	else
		log_stranger(asking);
}

static void reply_options(const struct asking *asking, const char *allow)
{
	const struct api_reply_fields fields = {
		.id = asking->id, .origin = asking->origin, .allow = allow, .is_preflight = true};
	struct text head = {0};

	api_head_write(&fields, &head);
	connection_reply(asking->connection, &(struct http_reply){204, NULL, text_string(&head)}, NULL, 0);
	text_free(&head);
}

static void reply_json(struct connection *connection, const struct api_reply_fields *fields, int status,
		       const char *json, size_t n)
{
	struct text head = {0};

	api_head_write(fields, &head);
	connection_reply(connection, &(struct http_reply){status, JSON_TYPE, text_string(&head)}, json, n);
	text_free(&head);
}

/* --- who calls ---------------------------------------------------------------------------------------------------- */

static bool is_open(struct asking *asking)
{
	const struct config_api *settings = api_rules_settings(asking->rules);
	const char *message = NULL;

	if (!settings->is_enabled)
		message = "the REST interface is not enabled: set api.enabled = true and name a key in api.keys";
	else if (api_rules_nkeys(asking->rules) == 0)
		message = "the REST interface has no keys: name one in api.keys, with name, key_file and role";
	if (message)
		refuse(asking, &(struct refusing){REFUSED_DISABLED, 403, .code = "disabled", .message = message});
	return !message;
}

static bool find_key(struct asking *asking)
{
	const char *sent = api_head_key(asking->request);
	size_t i;

	if (sent && api_rules_find_key(asking->rules, sent, &i)) {
		asking->key = api_rules_key(asking->rules, i);
		return true;
	}
	refuse(asking,
	       &(struct refusing){REFUSED_KEY, 401,
				  .message = sent ? "there is no such key"
						  : "a key is needed: X-API-Key: KEY, or Authorization: Bearer KEY"});
	return false;
}

/* Of the client's address; before the key is looked at, so that nobody can try many. */
static bool is_within_client_rate(struct asking *asking)
{
	const struct config_api *settings = api_rules_settings(asking->rules);
	const struct callers_limits limits = {settings->rate, settings->burst, INT64_MAX};
	const struct address *peer = connection_peer(asking->connection);
	struct caller *caller;
	int64_t seconds;

	if (callers_enter(asking->api->rates, peer, &limits, asking->now_ns, &caller) == CALLERS_ADMITTED) {
		callers_leave(caller);
		return true;
	}
	seconds = callers_wait_seconds(asking->api->rates, peer, &limits, asking->now_ns);
	refuse(asking, &(struct refusing){REFUSED_CLIENT, 429,
					  .message = "this client asks faster than api.rate and api.burst permit",
					  .retry_after_seconds = seconds});
	return false;
}

static struct account *find_account(struct api_web *api, const struct api_key *key)
{
	struct account *account = NULL;

	for (size_t i = 0; i < api->naccounts && !account; i++)
		if (strcmp(api->accounts[i].name, key->name) == 0)
			account = &api->accounts[i];
	if (!account) {
		if (api->naccounts == ACCOUNTS_MAX)
			forget_accounts(api);
		api->accounts = mem_resize(api->accounts, api->naccounts + 1, sizeof(*api->accounts));
		account = &api->accounts[api->naccounts++];
		*account = (struct account){.name = mem_copy_string(key->name), .rate = -1};
	}
	if (account->rate != key->rate || account->burst != key->burst) {
		account->rate = key->rate;
		account->burst = key->burst;
		account->pace = pace_make(key->rate > 0 ? (unsigned)key->rate : 1, (unsigned)key->burst);
	}
	return account;
}

static bool is_within_key_rate(struct asking *asking)
{
	struct account *account = find_account(asking->api, asking->key);
	int64_t wait_ns;

	if (account->rate == 0)
		return true;
	if (pace_allows(&account->pace, asking->now_ns)) {
		pace_take(&account->pace, asking->now_ns);
		return true;
	}
	wait_ns = account->pace.free_ns - account->pace.burst_ns - asking->now_ns;
	refuse(asking, &(struct refusing){REFUSED_RATE, 429,
					  .message = "this key asks faster than its rate and burst in api.keys permit",
					  .retry_after_seconds =
						  wait_ns > 0 ? (wait_ns + NS_PER_SECOND - 1) / NS_PER_SECOND : 1});
	return false;
}

static bool has_route(struct asking *asking)
{
	const char *allow;

	if (api_head_route(asking->request, &allow))
		return true;
	if (allow)
		refuse(asking, &(struct refusing){REFUSED_PATH, 405,
						  .message = "this path has other methods: see the field Allow",
						  .allow = allow});
	else
		refuse(asking,
		       &(struct refusing){REFUSED_PATH, 404,
					  .message = "there is no such path; " API_PREFIX "openapi.json tells which "
						     "there are"});
	return false;
}

static bool examine(struct asking *asking, size_t *max_body_bytes)
{
	const char *allow;

	if (strcmp(asking->request->method, "OPTIONS") == 0) {
		api_head_route(asking->request, &allow);
		reply_options(asking, allow ? allow : "OPTIONS");
		return false;
	}
	count(&asking->api->figures[API_REQUESTS], 1);
	if (!has_route(asking))
		return false;
	if (asking->route->kind == API_ROUTE_DOCUMENT)
		return true;
	*max_body_bytes = (size_t)api_rules_settings(asking->rules)->max_body_bytes;
	return is_open(asking) && is_within_client_rate(asking) && find_key(asking) && is_within_key_rate(asking);
}

bool api_web_begin(struct api_web *api, struct connection *connection, const struct http_request *request,
		   size_t *max_body_bytes)
{
	struct asking asking;
	bool goes_on;

	open_asking(&asking, api, connection, request);
	goes_on = examine(&asking, max_body_bytes);
	close_asking(&asking);
	return goes_on;
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static void pending_free(struct pending *pending)
{
	count(&pending->api->figures[API_ACTIVE], UINT64_MAX);
	callers_leave(pending->caller);
	text_free(&pending->line);
	mem_free(pending->origin);
	mem_free(pending->key);
	mem_free(pending);
}

static void note_end(struct pending *pending, const struct api_v2_answer *answer)
{
	struct api_web *api = pending->api;
	int64_t took_ns = clock_monotonic_ns() - pending->begun_ns;

	count(&api->figures[API_TOOK], (uint64_t)took_ns);
	count(&api->figures[answer->status == 0 ? API_LEFT : answer->status < 400 ? API_SUCCESSFUL : API_FAILED], 1);
	api_audit_add_answer(answer, took_ns, &pending->line);
	log_call(pending->key, &pending->line);
}

static void send_answer(const struct pending *pending, const struct api_v2_answer *answer)
{
	struct api_reply_fields fields = {.id = pending->id, .origin = pending->origin};

	fields.retry_after_seconds = answer->status == 503 ? 1 : 0;
	reply_json(pending->connection, &fields, answer->status, answer->json, answer->length);
}

static void take_answer(void *arg, const struct api_v2_answer *answer)
{
	static const char full[] =
		"{\"status\":\"error\",\"error\":\"busy\",\"message\":\"too many long answers are on "
		"their way\"}\n";
	static const struct api_v2_answer no_room = {503, full, sizeof(full) - 1, "refused", 0, 0, 0};
	struct pending *pending = arg;

	if (answer->length > LONG_ANSWER_BYTES && !connection_claim(pending->connection))
		answer = &no_room;
	send_answer(pending, answer);
	note_end(pending, answer);
	pending_free(pending);
}

static void give_up(void *arg)
{
	static const struct api_v2_answer none = {.outcome = "left"};
	struct pending *pending = arg;

	api_v2_cancel(pending->run);
	note_end(pending, &none);
	pending_free(pending);
}

/* --- the call ----------------------------------------------------------------------------------------------------- */

static void hold_rules(void *held)
{
	api_rules_hold(held);
}

static void release_rules(void *held)
{
	api_rules_release(held);
}

static struct api_v2_terms terms_of(struct api_rules *rules)
{
	const struct config_api *settings = api_rules_settings(rules);

	return (struct api_v2_terms){
		.other_hosts = api_rules_destinations(rules),
		.permits_other_hosts = api_rules_destinations(rules) != NULL,
		.cache_ttl_ns = settings->cache_ttl_ns,
		.cache_bytes = settings->cache_bytes,
		.max_concurrent_hosts = settings->max_concurrent_hosts,
		.max_concurrent_commands = settings->max_concurrent_commands,
		.max_connections_per_host = settings->max_connections_per_host,
		.timeout_ns = settings->timeout_ns,
		.max_timeout_ns = settings->max_timeout_ns,
		.connect_timeout_ns = settings->connect_timeout_ns,
		.idle_ns = settings->idle_timeout_ns,
		.max_rows = settings->max_rows,
		.max_answer_bytes = settings->max_answer_bytes,
		.held = rules,
		.hold = hold_rules,
		.release = release_rules,
	};
}

/* Where the i-th command stands in the body. */
static void name_command(const struct api_v2_call *call, size_t i, char field[API_V2_FIELD_SIZE])
{
	if (call->kind == API_V2_BATCH || call->ncommands > 1)
		snprintf(field, API_V2_FIELD_SIZE, "commands[%zu].command", i);
	else
		snprintf(field, API_V2_FIELD_SIZE, "command");
}

/* May this key have all of these commands sent? */
static bool permits_commands(struct asking *asking, const struct api_v2_call *call)
{
	char field[API_V2_FIELD_SIZE];
	struct err why = {0}, told = {0};
	size_t i = 0;

	while (i < call->ncommands && api_command_is_sendable(&call->commands[i]) &&
	       (asking->key->role == API_ROLE_OPERATE || api_command_explain(&call->commands[i], &why)))
		i++;
	if (i == call->ncommands)
		return true;
	name_command(call, i, field);
	api_audit_add_call(call, &asking->line);
	if (!api_command_is_sendable(&call->commands[i])) {
		err_set(&told, "%s: %.100s is of the connection, which everybody shares", field,
			call->commands[i].path);
		refuse(asking, &(struct refusing){REFUSED_INVALID, 400, .code = "invalid_field", .message = told.text,
						  .field = field});
		return false;
	}
	err_set(&told, "%s: %.250s, and the key \"%s\" has the role read: it takes one with the role operate", field,
		why.text, asking->key->name);
	refuse(asking, &(struct refusing){REFUSED_ROLE, 403, .message = told.text, .field = field});
	return false;
}

static struct api_v2_call *understand(struct asking *asking)
{
	const struct config_api *settings = api_rules_settings(asking->rules);
	const struct api_v2_limits limits = {(size_t)settings->max_targets, (size_t)settings->max_commands,
					     (size_t)settings->max_hosts};
	const struct http_request *request = asking->request;
	char field[API_V2_FIELD_SIZE] = "";
	struct err why = {0};
	struct api_v2_call *call =
		api_v2_parse((enum api_v2_kind)asking->route->kind, request->body ? request->body : "",
			     request->body_length, &limits, field, &why);

	if (call)
		return call;
	refuse(asking, &(struct refusing){REFUSED_INVALID, 400, .code = field[0] ? "invalid_field" : "invalid_json",
					  .message = why.text, .field = field});
	return NULL;
}

/* NULL: there is no room, which was told. */
static struct caller *enter(struct asking *asking)
{
	const struct config_api *settings = api_rules_settings(asking->rules);
	const struct callers_limits limits = {0, 1, settings->max_per_client};
	struct refusing refusing = {REFUSED_BUSY, 503, .retry_after_seconds = 1};
	struct caller *caller = NULL;
	enum callers_verdict verdict;

	if (figure(&asking->api->figures[API_ACTIVE]) >= (uint64_t)settings->max_concurrent) {
		refusing.message = "api.max_concurrent calls are under way already";
		refuse(asking, &refusing);
		return NULL;
	}
	verdict = callers_enter(asking->api->running, connection_peer(asking->connection), &limits, asking->now_ns,
				&caller);
	if (verdict == CALLERS_ADMITTED)
		return caller;
	refusing.message = verdict == CALLERS_TOO_MANY ? "this client has api.max_per_client calls under way already"
						       : "too many clients have calls under way";
	refuse(asking, &refusing);
	return NULL;
}

static void note_begin(struct api_web *api)
{
	uint64_t active = atomic_fetch_add(&api->figures[API_ACTIVE], 1) + 1;

	if (active > figure(&api->figures[API_PEAK]))
		atomic_store(&api->figures[API_PEAK], active);
}

/* call, caller: passed on. */
static void start(struct asking *asking, struct api_v2_call *call, struct caller *caller)
{
	const struct api_v2_terms terms = terms_of(asking->rules);
	struct pending *pending = mem_zero(1, sizeof(*pending));
	int64_t timeout_ns = api_v2_timeout_ns(call, &terms);

	pending->api = asking->api;
	pending->connection = asking->connection;
	pending->caller = caller;
	memcpy(pending->id, asking->id, sizeof(pending->id));
	pending->origin = mem_copy_string(asking->origin);
	pending->key = mem_copy_string(asking->key->name);
	pending->begun_ns = asking->now_ns;
	pending->line = asking->line;
	asking->line = (struct text){0};
	api_audit_add_call(call, &pending->line);
	note_begin(asking->api);
	connection_wait(asking->connection, give_up, pending);
	connection_extend(asking->connection, timeout_ns + ANSWER_MARGIN_NS);
	pending->run = api_v2_start(asking->api->plan.jobs, call, &terms, take_answer, pending);
}

static void serve_call(struct asking *asking)
{
	struct caller *caller = enter(asking);
	struct api_v2_call *call = caller ? understand(asking) : NULL;

	if (call && permits_commands(asking, call)) {
		start(asking, call, caller);
		return;
	}
	api_v2_call_free(call);
	if (caller)
		callers_leave(caller);
}

void api_web_serve(struct api_web *api, struct connection *connection, const struct http_request *request)
{
	struct asking asking;

	open_asking(&asking, api, connection, request);
	if (asking.route->kind == API_ROUTE_DOCUMENT) {
		const struct api_reply_fields fields = {.id = asking.id, .origin = asking.origin};

		count(&api->figures[API_SUCCESSFUL], 1);
		reply_json(connection, &fields, 200, api_document_text, api_document_bytes);
	} else if (is_open(&asking) && find_key(&asking)) {
		/* Once more: a reload may have come while the body did. */
		serve_call(&asking);
	}
	close_asking(&asking);
}

void api_web_refuse(struct api_web *api, struct connection *connection, const struct http_request *request, int status)
{
	struct refusing refusing = {REFUSED_BODY, status, .message = "the body ends wrongly: its chunks are broken"};
	struct asking asking;
	struct err why = {0};
	const char *sent = api_head_key(request);
	size_t i;

	open_asking(&asking, api, connection, request);
	if (sent && api_rules_find_key(asking.rules, sent, &i))
		asking.key = api_rules_key(asking.rules, i);
	if (status == 413) {
		err_set(&why, "the body is longer than api.max_body permits: %lld bytes",
			(long long)api_rules_settings(asking.rules)->max_body_bytes);
		refusing.message = why.text;
	} else if (status == 408) {
		refusing.message = "the request was not here within web.request_timeout";
	} else if (status == 503) {
		refusing.message = "too many bytes of other requests are waiting for their rest";
		refusing.retry_after_seconds = 1;
	}
	refuse(&asking, &refusing);
	close_asking(&asking);
}
