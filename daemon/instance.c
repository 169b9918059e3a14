#include "daemon/instance.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "daemon/api_events.h"
#include "daemon/api_head.h"
#include "daemon/api_health.h"
#include "daemon/api_probe.h"
#include "daemon/api_reload.h"
#include "daemon/api_results.h"
#include "daemon/api_router_log.h"
#include "daemon/api_rules.h"
#include "daemon/api_v2.h"
#include "daemon/api_web.h"
#include "daemon/assessment.h"
#include "daemon/availability.h"
#include "daemon/availability_keeper.h"
#include "daemon/config.h"
#include "daemon/dialect_reader.h"
#include "daemon/endpoint.h"
#include "daemon/own.h"
#include "daemon/quality.h"
#include "daemon/reload.h"
#include "daemon/rights.h"
#include "daemon/standing.h"
#include "daemon/thread.h"
#include "daemon/user.h"
#include "daemon/watchdog.h"
#include "daemon/worker.h"
#include "exporter/exporter.h"
#include "exporter/series.h"
#include "geo/geo.h"
#include "influx/influx.h"

#define WEB_MAILS_MAX 4096
#define BOOT_BYTES    8

struct instance {
	struct loop *loop;
	struct reload *reload; /* has the configuration */
	struct label *agent_labels;
	size_t nagent_labels;
	char boot[BOOT_BYTES * 2 + 1];
	struct series_store *store;
	struct geo *geo;
	struct thread *web;
	struct worker **workers;
	size_t nworkers;
	struct quality *quality; /* NULL: no scores */
	struct assessor_use assessors[ASSESSORS_MAX];
	size_t nassessors;
	struct exporter_host host;
	struct dialect *mktxp; /* NULL until somebody asks for it */
	struct exporter *exporter;
	struct api_results *results;
	struct api_events *events;
	struct api_router_log *router_log;
	struct api_probe *probe;
	struct api_v2 *jobs;
	struct api_web *api;
	int64_t started_ns; /* monotonic */
	struct influx *influx;
	struct own *own;
	struct influx_port *port; /* for the daemon's own lines */
	struct availability_keeper *keeper;
	struct availability_desk availability;
};

/* --- what the web server asks; on its thread --------------------------------------------------------------------- */

static bool is_ready(void *context)
{
	const struct instance *instance = context;

	for (size_t i = 0; i < instance->nworkers; i++)
		if (!worker_is_running(instance->workers[i]))
			return false;
	return true;
}

static void show_config(void *context, struct text *out)
{
	reload_show_config(((struct instance *)context)->reload, out);
}

static void read_own(void *context, void (*add)(void *arg, const struct row *row), void *arg)
{
	own_read(((struct instance *)context)->own, add, arg);
}

static const char *const dialects[] = {"mktxp"};

/* It is compiled in: some hundred kilobytes for those who want it. */
static const struct dialect *read_dialect(void *context, size_t i)
{
	struct instance *instance = context;
	struct text errors = {0};

	(void)i;
	if (!instance->mktxp)
		instance->mktxp = dialect_read(dialect_mktxp_text, "mktxp.conf (built in)", &errors);
	if (!instance->mktxp)
		log_event(LOG_LEVEL_ERROR, "web", NULL, "%s", text_string(&errors));
	text_free(&errors);
	return instance->mktxp;
}

static void serve_reload(void *context, struct connection *connection, const struct http_request *request)
{
	const struct instance *instance = context;

	(void)request;
	api_reload_serve(instance->reload, thread_mailbox(instance->web), connection);
}

static void serve_results(void *context, struct connection *connection, const struct http_request *request)
{
	api_results_serve(((struct instance *)context)->results, connection, request);
}

static void serve_events(void *context, struct connection *connection, const struct http_request *request)
{
	api_events_serve(((struct instance *)context)->events, connection, request);
}

static void serve_router_log(void *context, struct connection *connection, const struct http_request *request)
{
	api_router_log_serve(((struct instance *)context)->router_log, connection, request);
}

static void serve_probe(void *context, struct connection *connection, const struct http_request *request)
{
	api_probe_serve(((struct instance *)context)->probe, connection, request);
}

static void serve_logs(void *context, struct connection *connection, const struct http_request *request)
{
	api_probe_serve_logs(((struct instance *)context)->probe, connection, request);
}

static void show_more(void *context, struct text *out)
{
	api_probe_show_last(((struct instance *)context)->probe, out);
}

static struct routers *hold_routers(void *context)
{
	return reload_hold_routers(((struct instance *)context)->reload);
}

static struct endpoint *hold_endpoint(void *context)
{
	struct reload *reload = ((struct instance *)context)->reload;
	struct endpoint *endpoint = endpoint_hold(reload_lock_config(reload)->endpoint);

	reload_unlock_config(reload);
	return endpoint;
}

static struct api_rules *hold_api_rules(void *context)
{
	struct reload *reload = ((struct instance *)context)->reload;
	struct api_rules *rules = api_rules_hold(reload_lock_config(reload)->api_rules);

	reload_unlock_config(reload);
	return rules;
}

static bool begin_api(void *context, struct connection *connection, const struct http_request *request,
		      size_t *max_body_bytes)
{
	return api_web_begin(((struct instance *)context)->api, connection, request, max_body_bytes);
}

static void serve_api(void *context, struct connection *connection, const struct http_request *request)
{
	api_web_serve(((struct instance *)context)->api, connection, request);
}

static void refuse_api(void *context, struct connection *connection, const struct http_request *request, int status)
{
	api_web_refuse(((struct instance *)context)->api, connection, request, status);
}

static const struct exporter_tree api_tree = {API_PREFIX, begin_api, serve_api, refuse_api};

static void serve_health(void *context, struct connection *connection, const struct http_request *request)
{
	const struct instance *instance = context;
	struct api_health_facts facts = {.uptime_ns = clock_monotonic_ns() - instance->started_ns,
					 .workers = instance->nworkers,
					 .influx = instance->influx};

	(void)request;
	for (size_t i = 0; i < instance->nworkers; i++)
		facts.running += worker_is_running(instance->workers[i]);
	own_read_health(instance->own, &facts.is_accepted, &facts.is_restart_needed);
	api_health_serve(&facts, connection);
}

static const struct exporter_route routes[] = {
	{"/health", "GET", serve_health, false},
	{"/-/reload", "POST", serve_reload, false},
	{"/api/v1/results", "GET", serve_results, false}, /* has a ceiling of its own */
	{"/api/v1/events", "GET", serve_events, false},   /* likewise */
	{API_ROUTER_LOG_PATH, "GET", serve_router_log, false},
	{"/probe", "GET", serve_probe, false}, /* so has this */
	{"/logs", "GET", serve_logs, true},
};

/* --- creation ---------------------------------------------------------------------------------------------------- */

static void make_labels(struct instance *instance)
{
	const struct config_agent *agent = standing_agent(reload_standing(instance->reload));

	instance->nagent_labels = agent->labels.n + 1;
	instance->agent_labels = mem_alloc(instance->nagent_labels * sizeof(*instance->agent_labels));
	instance->agent_labels[0] = (struct label){"agent", agent->name};
	for (size_t i = 0; i < agent->labels.n; i++)
		instance->agent_labels[i + 1] = agent->labels.items[i];
}

static void make_boot(struct instance *instance)
{
	unsigned char bytes[BOOT_BYTES];

	hash_random(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(instance->boot + 2 * i, 3, "%02x", bytes[i]);
}

/* How many this process may use, which is less than there are in a container with a set of its own. */
static size_t count_cores(void)
{
	cpu_set_t cores;
	long online;

	if (sched_getaffinity(0, sizeof(cores), &cores) == 0 && CPU_COUNT(&cores) > 0)
		return (size_t)CPU_COUNT(&cores);
	online = sysconf(_SC_NPROCESSORS_ONLN);
	return online > 0 ? (size_t)online : 1;
}

/* By agent.user, whose file it is: root cannot read it in a container that takes root's right to everything away. */
static struct availability_keeper *open_keeper(const struct config_agent *agent)
{
	struct availability_keeper *keeper;
	struct err ignored = {0};
	struct user user;

	if (agent->user && user_find(agent->user, &user, &ignored) == 0)
		user_open_files_as(&user);
	keeper = availability_keeper_open(agent->state_dir);
	user_open_files_as(NULL);
	return keeper;
}

/* What is computed about results. */
static void create_assessors(struct instance *instance)
{
	const struct standing *standing = reload_standing(instance->reload);
	const struct availability_settings *availability = standing_availability(standing);

	instance->quality = quality_create(standing_qos(standing));
	if (instance->quality)
		instance->assessors[instance->nassessors++] =
			(struct assessor_use){&quality_assessor, instance->quality};
	if (!availability->is_enabled)
		return;
	instance->keeper = open_keeper(standing_agent(standing));
	instance->availability = (struct availability_desk){instance->keeper, (uint32_t)availability->failures};
	instance->assessors[instance->nassessors++] =
		(struct assessor_use){&availability_assessor, &instance->availability};
}

static int create_workers(struct instance *instance, const struct config *config, struct err *err)
{
	const struct config_agent *agent = standing_agent(reload_standing(instance->reload));
	struct worker_plan plan = {
		.timer_slot_ns = agent->timer_slot_ns,
		.resolver = agent->resolver,
		.store = instance->store,
		.agent_labels = instance->agent_labels,
		.nagent_labels = instance->nagent_labels,
		.boot = instance->boot,
		.wants_lines = config->noutputs > 0,
		.geo = instance->geo,
		.history_bytes = (size_t)config->web.results_bytes / instance->nworkers,
		.assessors = instance->assessors,
		.nassessors = instance->nassessors,
	};

	for (size_t i = 0; i < instance->nworkers; i++) {
		plan.index = (unsigned)i;
		instance->workers[i] = worker_create(&plan, err);
		if (!instance->workers[i])
			return -1;
	}
	return 0;
}

static int open_targets(struct instance *instance, struct err *err)
{
	const struct crew crew = {instance->workers, instance->nworkers};

	return reload_open(instance->reload, &crew, err);
}

static void rehearse(void *arg, const struct module *module)
{
	struct instance *instance = arg;

	for (size_t i = 0; module->type && i < instance->nworkers; i++)
		worker_rehearse(instance->workers[i], module->type, module->settings);
}

static void rehearse_modules(struct instance *instance)
{
	struct endpoint *endpoint = hold_endpoint(instance);

	if (endpoint)
		endpoint_each_module(endpoint, rehearse, instance);
	endpoint_release(endpoint);
}

static void create_results(struct instance *instance)
{
	const struct api_results_plan plan = {
		.workers = instance->workers,
		.nworkers = instance->nworkers,
		.mailbox = thread_mailbox(instance->web),
		.is_kept = standing_web(reload_standing(instance->reload))->results_bytes > 0,
	};

	instance->results = api_results_create(&plan);
}

static void create_events(struct instance *instance)
{
	const struct api_events_plan plan = {
		.workers = instance->workers,
		.nworkers = instance->nworkers,
		.mailbox = thread_mailbox(instance->web),
	};

	instance->events = api_events_create(&plan);
}

static void create_router_log(struct instance *instance)
{
	const struct api_router_log_plan plan = {
		.workers = instance->workers,
		.nworkers = instance->nworkers,
		.mailbox = thread_mailbox(instance->web),
	};

	instance->router_log = api_router_log_create(&plan);
}

static void create_probe(struct instance *instance)
{
	const struct api_probe_plan plan = {
		.workers = instance->workers,
		.nworkers = instance->nworkers,
		.mailbox = thread_mailbox(instance->web),
		.endpoint = hold_endpoint,
		.context = instance,
	};

	instance->probe = api_probe_create(&plan);
}

static void create_api(struct instance *instance)
{
	const struct api_v2_plan jobs = {
		.workers = instance->workers,
		.nworkers = instance->nworkers,
		.loop = thread_loop(instance->web),
		.mailbox = thread_mailbox(instance->web),
		.routers = hold_routers,
		.context = instance,
	};

	instance->jobs = api_v2_create(&jobs);
	instance->api = api_web_create(&(struct api_web_plan){instance->jobs, hold_api_rules, instance});
	api_v2_set_requests(instance->jobs, api_web_count, instance->api);
}

static int create_web(struct instance *instance, struct err *err)
{
	const struct exporter_settings *settings = standing_web(reload_standing(instance->reload));

	create_results(instance);
	create_events(instance);
	create_router_log(instance);
	create_probe(instance);
	create_api(instance);
	instance->host = (struct exporter_host){
		.context = instance,
		.agent = standing_agent(reload_standing(instance->reload))->name,
		.routes = routes,
		.nroutes = sizeof(routes) / sizeof(routes[0]),
		.tree = &api_tree,
		.is_ready = is_ready,
		.show_config = show_config,
		.show_more = show_more,
		.read_own = read_own,
		.dialects = dialects,
		.ndialects = sizeof(dialects) / sizeof(dialects[0]),
		.read_dialect = read_dialect,
	};
	instance->exporter =
		exporter_create(thread_loop(instance->web), settings, &instance->host, instance->store, err);
	return instance->exporter ? 0 : -1;
}

static int create_outputs(struct instance *instance, const struct config *config, struct err *err)
{
	instance->influx = influx_create((const struct influx_settings *const *)config->outputs, config->noutputs,
					 &config->disk_log, err);
	if (!instance->influx)
		return config->agent.user ? err_prefix(err, "as \"%.64s\" (agent.user)", config->agent.user) : -1;
	if (config->noutputs == 0)
		return 0;
	for (size_t i = 0; i < instance->nworkers; i++)
		worker_set_influx(instance->workers[i], instance->influx);
	instance->port = influx_port_open(instance->influx, instance->loop);
	return 0;
}

static int open_places(struct instance *instance, const struct config *config, struct err *err)
{
	struct edition_plan plan;
	struct edition *edition;

	config_plan_geo(config, &plan);
	edition = geo_prepare(instance->geo, &plan, err);
	if (!edition)
		return -1;
	geo_apply(instance->geo, edition);
	return 0;
}

static void create_own(struct instance *instance)
{
	struct own_plan plan = {
		.store = instance->store,
		.max_series = (size_t)standing_web(reload_standing(instance->reload))->max_series,
		.influx = instance->influx,
		.geo = instance->geo,
		.reload = instance->reload,
		.workers = instance->workers,
		.nworkers = instance->nworkers,
		.keeper = instance->keeper,
		.agent_labels = instance->agent_labels,
		.nagent_labels = instance->nagent_labels,
	};

	instance->own = own_create(&plan);
	own_set_exporter(instance->own, instance->exporter);
	own_set_probe(instance->own, instance->probe);
	own_set_api(instance->own, instance->api, instance->jobs);
	reload_set_own(instance->reload, instance->own);
	reload_set_influx(instance->reload, instance->influx);
	reload_set_geo(instance->reload, instance->geo);
}

/* What threads and sockets stand on. */
static int create_base(struct instance *instance, const struct config *config, struct err *err)
{
	struct thread_plan web = {.name = "web", .mails = WEB_MAILS_MAX, .owner = instance};

	make_labels(instance);
	make_boot(instance);
	instance->nworkers = config->agent.workers > 0 ? (size_t)config->agent.workers : count_cores();
	create_assessors(instance);
	instance->workers = mem_zero(instance->nworkers, sizeof(struct worker *));
	instance->store = series_store_create((unsigned)instance->nworkers, (size_t)config->web.max_series);
	instance->geo = geo_create();
	instance->web = thread_create(&web, err);
	return instance->web ? 0 : -1;
}

struct instance *instance_create(struct config *config, struct loop *loop, struct err *err)
{
	struct instance *instance = mem_zero(1, sizeof(*instance));

	instance->loop = loop;
	instance->started_ns = clock_monotonic_ns();
	instance->reload = reload_create(config, loop, err);
	if (!instance->reload) {
		config_free(config);
		goto fail;
	}
	if (create_base(instance, config, err) == -1)
		goto fail;
	/* With capabilities: the sockets of all types, those of single probes (a mark), and ports below 1024. */
	if (create_workers(instance, config, err) == -1 || open_targets(instance, err) == -1 ||
	    create_web(instance, err) == -1)
		goto fail;
	rehearse_modules(instance);
	/* Without: whatever must go on working, such as the next file of an output. */
	if (rights_drop(config, err) == -1 || exporter_protect(instance->exporter, err) == -1 ||
	    open_places(instance, config, err) == -1 || create_outputs(instance, config, err) == -1)
		goto fail;
	create_own(instance);
	return instance;

fail:
	instance_free(instance);
	return NULL;
}

/* --- running ----------------------------------------------------------------------------------------------------- */

int instance_start(struct instance *instance, struct err *err)
{
	if (influx_start(instance->influx, err) == -1 ||
	    (instance->keeper && availability_keeper_start(instance->keeper, err) == -1))
		return -1;
	for (size_t i = 0; i < instance->nworkers; i++)
		if (worker_start(instance->workers[i], err) == -1)
			return -1;
	if (thread_start(instance->web, err) == -1)
		return -1;
	geo_watch(instance->geo, instance->loop);
	if (instance->port)
		own_start(instance->own, instance->loop, instance->port);
	return 0;
}

void instance_stop(struct instance *instance, int64_t wait_ns)
{
	own_stop(instance->own);
	geo_unwatch(instance->geo);
	thread_stop(instance->web);
	for (size_t i = 0; i < instance->nworkers; i++)
		worker_stop(instance->workers[i]);
	availability_keeper_stop(instance->keeper);
	for (size_t i = 0; i < instance->nworkers; i++)
		worker_set_influx(instance->workers[i], NULL);
	influx_port_close(instance->port);
	instance->port = NULL;
	influx_stop(instance->influx, wait_ns);
}

void instance_free(struct instance *instance)
{
	if (!instance)
		return;
	own_free(instance->own);
	influx_port_close(instance->port);
	for (size_t i = 0; i < instance->nworkers; i++)
		if (instance->workers[i])
			worker_set_influx(instance->workers[i], NULL);
	influx_free(instance->influx);
	exporter_free(instance->exporter);
	dialect_free(instance->mktxp);
	api_results_free(instance->results);
	api_events_free(instance->events);
	api_router_log_free(instance->router_log);
	api_probe_free(instance->probe);
	api_web_free(instance->api);
	api_v2_free(instance->jobs);
	for (size_t i = instance->nworkers; i-- > 0;)
		worker_free(instance->workers[i]);
	availability_keeper_free(instance->keeper);
	/* Workers borrow from it, and the web thread waits for its answers. */
	reload_free(instance->reload);
	thread_free(instance->web);
	geo_free(instance->geo);
	series_store_free(instance->store);
	mem_free(instance->workers);
	quality_free(instance->quality);
	mem_free(instance->agent_labels);
	mem_free(instance);
}

struct reload *instance_reload(const struct instance *instance)
{
	return instance->reload;
}

size_t instance_threads(const struct instance *instance, struct watched_thread *out, size_t max)
{
	size_t n = 0;

	if (n < max)
		out[n++] = (struct watched_thread){"web", thread_mailbox(instance->web)};
	for (size_t i = 0; i < instance->nworkers && n < max; i++)
		out[n++] = (struct watched_thread){"worker", worker_mailbox(instance->workers[i])};
	return n;
}

size_t instance_workers(const struct instance *instance)
{
	return instance->nworkers;
}

const char *instance_listener(const struct instance *instance, size_t i)
{
	return exporter_listener(instance->exporter, i);
}

bool instance_has_tls(const struct instance *instance)
{
	return exporter_wants_tls(standing_web(reload_standing(instance->reload)));
}
