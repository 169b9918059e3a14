#include "daemon/api_v2.h"

#include <math.h>

#include "core/clock.h"
#include "core/mem.h"
#include "daemon/api_command.h"
#include "daemon/api_v2_run.h"
#include "daemon/routers.h"
#include "daemon/sample_json.h"
#include "daemon/worker.h"

#define RUNNING_MAX ((size_t)1024)
#define MEMORY_MAX  ((size_t)512 << 20)

/* --- figures -------------------------------------------------------------------------------------------------------
 */

static const struct measure measures[API_V2_MEASURES] = {
	[API_V2_RUNNING] = {"running", MEASURE_INTEGER, "Calls of /api/v2 that are under way"},
	[API_V2_CALLS] = {"calls_total", MEASURE_COUNTER, "Calls of /api/v2 that were begun"},
	[API_V2_CANCELLED] = {"cancelled_total", MEASURE_COUNTER,
			      "Calls of /api/v2 that were given up because the client had left"},
	[API_V2_REFUSED] = {"refused_total", MEASURE_COUNTER,
			    "Calls of /api/v2 that were refused: too many at a time, a host that is not permitted, a "
			    "router that there is not"},
	[API_V2_PARTS] = {"parts_total", MEASURE_COUNTER, "Commands, pings and traceroutes of such calls"},
	[API_V2_PARTS_FAILED] = {"parts_failed_total", MEASURE_COUNTER, "Those of them that failed"},
	[API_V2_CACHE_HITS] = {"cache_hits_total", MEASURE_COUNTER, "Those of them that the cache had"},
	[API_V2_CACHE_LOOKUPS] = {"cache_lookups_total", MEASURE_COUNTER, "Those of them that the cache was asked for"},
	[API_V2_CACHE_EVICTED] = {"cache_evicted_total", MEASURE_COUNTER,
				  "Answers that left the cache before their time, for want of room"},
	[API_V2_CACHE_ENTRIES] = {"cache_entries", MEASURE_INTEGER, "Answers in the cache"},
	[API_V2_CACHE_BYTES] = {"cache_bytes", MEASURE_INTEGER, "Memory of the cache"},
	[API_V2_MEMORY] = {"answer_bytes", MEASURE_INTEGER, "Memory of answers that are being made"},
	[API_V2_LINKS] = {"links", MEASURE_INTEGER, "Connections to routers that are not configured"},
	[API_V2_LINKS_OPENED] = {"links_opened_total", MEASURE_COUNTER,
				 "Connections to routers that are not configured: how often one was made"},
	[API_V2_LINKS_REUSED] = {"links_reused_total", MEASURE_COUNTER,
				 "Connections to routers that are not configured: how often one was there already"},
};

const struct measure_set api_v2_set = {
	.name = "api_jobs",
	.measures = measures,
	.n = API_V2_MEASURES,
	.help = "What the calls of /api/v2 have routers do",
};

static void count(struct api_v2 *api, enum api_v2_figure figure, uint64_t n)
{
	atomic_fetch_add_explicit(&api->figures[figure], n, memory_order_relaxed);
}

static void set(struct api_v2 *api, enum api_v2_figure figure, uint64_t n)
{
	atomic_store_explicit(&api->figures[figure], n, memory_order_relaxed);
}

void api_v2_publish_cache(struct api_v2 *api)
{
	const struct ros_cache_figures *figures = ros_cache_figures(api->cache);

	set(api, API_V2_CACHE_HITS, figures->hits);
	set(api, API_V2_CACHE_LOOKUPS, figures->lookups);
	set(api, API_V2_CACHE_EVICTED, figures->evicted);
	set(api, API_V2_CACHE_ENTRIES, figures->entries);
	set(api, API_V2_CACHE_BYTES, figures->bytes);
}

size_t api_v2_read(const struct api_v2 *api, struct reading *readings)
{
	uint64_t links = 0, opened = 0, reused = 0;
	struct ros_desk_figures desk;

	for (size_t i = 0; i < api->plan.nworkers; i++) {
		ros_desk_read(worker_routers(api->plan.workers[i]), &desk);
		links += desk.links;
		opened += desk.links_opened;
		reused += desk.links_reused;
	}
	for (unsigned i = 0; i < API_V2_LINKS; i++)
		readings[i] = reading_integer(i, (int64_t)atomic_load_explicit(&api->figures[i], memory_order_relaxed));
	readings[API_V2_MEMORY] = reading_integer(API_V2_MEMORY, (int64_t)ros_budget_used(api->budget));
	readings[API_V2_LINKS] = reading_integer(API_V2_LINKS, (int64_t)links);
	readings[API_V2_LINKS_OPENED] = reading_integer(API_V2_LINKS_OPENED, (int64_t)opened);
	readings[API_V2_LINKS_REUSED] = reading_integer(API_V2_LINKS_REUSED, (int64_t)reused);
	return API_V2_MEASURES;
}

/* --- life ----------------------------------------------------------------------------------------------------------
 */

struct api_v2 *api_v2_create(const struct api_v2_plan *plan)
{
	struct api_v2 *api = mem_zero(1, sizeof(*api));

	api->plan = *plan;
	if (api->plan.max_running == 0)
		api->plan.max_running = RUNNING_MAX;
	api->budget = ros_budget_create(plan->max_memory_bytes ? plan->max_memory_bytes : MEMORY_MAX);
	api->cache = ros_cache_create();
	return api;
}

void api_v2_free(struct api_v2 *api)
{
	if (!api)
		return;
	ros_cache_free(api->cache);
	ros_budget_release(api->budget);
	mem_free(api);
}

void api_v2_set_requests(struct api_v2 *api, void (*read)(void *arg, struct api_v2_requests *out), void *arg)
{
	api->read_requests = read;
	api->requests_arg = arg;
}

void api_v2_run_release(struct api_v2_run *run)
{
	if (atomic_fetch_sub(&run->holders, 1) != 1)
		return;
	for (size_t i = 0; i < run->call->nhosts; i++) {
		mem_free(run->parts[i].kept);
		mem_free(run->parts[i].questions);
	}
	mem_free(run->parts);
	ros_budget_take(run->budget, run->charged_bytes);
	ros_budget_release(run->budget);
	routers_release(run->routers);
	if (run->terms.release)
		run->terms.release(run->terms.held);
	api_v2_call_free(run->call);
	text_free(&run->kept);
	text_free(&run->results);
	text_free(&run->body);
	mem_free(run);
}

/* --- the end -------------------------------------------------------------------------------------------------------
 */

static void summarize(struct api_v2_run *run)
{
	struct api_v2_summary summary = {
		.call = run->call,
		.nsuccessful = run->call->kind == API_V2_MULTI_HOST ? run->nhosts_successful : run->nsuccessful,
		.max_concurrent = run->max_concurrent,
		.took_ns = clock_monotonic_ns() - run->begun_ns,
		.ended_realtime_ns = clock_realtime_ns(),
		.average_ms = run->naverages ? run->average_ms_sum / (double)run->naverages : NAN,
		.results = run->results.bytes,
		.results_length = run->results.length,
	};

	api_v2_add_summary(&run->body, &summary);
}

static const char *outcome_of(const struct api_v2_run *run)
{
	if (run->status != 200)
		return "refused";
	if (run->nsuccessful == run->nparts)
		return "success";
	return run->nsuccessful > 0 ? "partial" : "error";
}

static void end(void *arg)
{
	struct api_v2_run *run = arg;
	struct api_v2_answer answer = {.status = run->status};

	if (run->body.length == 0)
		summarize(run);
	answer.json = text_string(&run->body);
	answer.length = run->body.length;
	answer.outcome = outcome_of(run);
	answer.nparts = run->nparts;
	answer.nsuccessful = run->nsuccessful;
	answer.ncached = run->ncached;
	count(run->api, API_V2_RUNNING, UINT64_MAX);
	count(run->api, API_V2_PARTS, run->nparts);
	count(run->api, API_V2_PARTS_FAILED, run->nparts - run->nsuccessful);
	api_v2_publish_cache(run->api);
	run->done(run->arg, &answer);
	api_v2_run_release(run);
}

static void launch(struct api_v2_run *run)
{
	size_t max = run->call->kind == API_V2_MULTI_HOST ? (size_t)run->max_concurrent : 1;

	run->is_launching = true;
	while (run->nstarted < run->call->nhosts && run->nrunning < max) {
		struct api_v2_part *part = &run->parts[run->nstarted++];
		const char *code;
		struct err why = {0};

		run->nrunning++;
		if (part->address || api_v2_part_prepare(part, &run->call->hosts[part - run->parts], &code, &why) == 0)
			api_v2_part_start(part);
		else
			api_v2_part_fail(part, why.text);
	}
	run->is_launching = false;
	if (run->nstarted == run->call->nhosts && run->nrunning == 0)
		loop_defer(run->api->plan.loop, &run->finish);
}

/* Those that the cache answers end before they are started: launch, which goes on, sees to the next ones then. */
void api_v2_part_ended(struct api_v2_part *part)
{
	struct api_v2_run *run = part->run;

	run->nrunning--;
	if (!run->is_launching)
		launch(run);
}

/* --- the beginning -------------------------------------------------------------------------------------------------
 */

static void refuse(struct api_v2_run *run, int status, const char *code, const char *why)
{
	run->status = status;
	run->call->nhosts = 0; /* nothing is asked */
	count(run->api, API_V2_REFUSED, 1);
	api_v2_add_refusal(&run->body, code, why);
}

static void clear_cache(struct api_v2_run *run)
{
	size_t n = ros_cache_clear(run->api->cache);

	text_add_format(&run->body,
			"{\"status\":\"success\",\"message\":\"the cache is empty\",\"entries_removed\":%zu,"
			"\"timestamp\":\"",
			n);
	sample_add_time(&run->body, clock_realtime_ns());
	text_add(&run->body, "\"}");
}

static int64_t smaller(int64_t wanted, int64_t permitted)
{
	return wanted > 0 && wanted < permitted ? wanted : permitted;
}

static void begin(struct api_v2_run *run)
{
	const struct api_v2_call *call = run->call;
	struct api_v2 *api = run->api;
	struct err why = {0};
	const char *code;
	int status;

	if (call->kind == API_V2_STATS) {
		api_v2_add_stats(api, &run->terms, &run->body);
	} else if (call->kind == API_V2_CACHE_CLEAR) {
		clear_cache(run);
	} else if (atomic_load_explicit(&api->figures[API_V2_RUNNING], memory_order_relaxed) > api->plan.max_running) {
		refuse(run, 503, "busy", "too many calls are under way: try again");
	} else if (call->nhosts == 1 && call->kind != API_V2_MULTI_HOST) {
		status = api_v2_part_prepare(&run->parts[0], &call->hosts[0], &code, &why);
		if (status != 0)
			refuse(run, status, code, why.text);
	}
}

static struct api_v2_run *create_run(struct api_v2 *api, struct api_v2_call *call, const struct api_v2_terms *terms)
{
	struct api_v2_run *run = mem_zero(1, sizeof(*run));

	run->api = api;
	run->call = call;
	run->budget = ros_budget_hold(api->budget);
	run->terms = *terms;
	if (terms->hold)
		terms->hold(terms->held);
	run->routers = api->plan.routers ? api->plan.routers(api->plan.context) : NULL;
	atomic_init(&run->holders, 1);
	run->begun_ns = clock_monotonic_ns();
	run->deadline_ns = run->begun_ns + api_v2_timeout_ns(call, terms);
	run->max_concurrent =
		smaller(call->max_concurrent,
			call->kind == API_V2_MULTI_HOST ? terms->max_concurrent_hosts : terms->max_concurrent_commands);
	run->parts = mem_zero(call->nhosts, sizeof(*run->parts));
	for (size_t i = 0; i < call->nhosts; i++)
		run->parts[i].run = run;
	for (size_t i = 0; i < call->ncommands; i++)
		run->changes_routers = run->changes_routers || !api_command_is_looking(&call->commands[i]);
	run->separator = "";
	run->status = 200;
	return run;
}

struct api_v2_run *api_v2_start(struct api_v2 *api, struct api_v2_call *call, const struct api_v2_terms *terms,
				void (*done)(void *arg, const struct api_v2_answer *answer), void *arg)
{
	struct api_v2_run *run = create_run(api, call, terms);

	run->done = done;
	run->arg = arg;
	deferred_prepare(&run->finish, end, run);
	count(api, API_V2_CALLS, 1);
	count(api, API_V2_RUNNING, 1);
	begin(run);
	launch(run);
	return run;
}

void api_v2_cancel(struct api_v2_run *run)
{
	struct api_v2 *api = run->api;

	loop_defer_cancel(api->plan.loop, &run->finish);
	for (size_t i = 0; i < run->nstarted; i++) {
		if (run->changes_routers && run->parts[i].ask)
			ros_cache_forget(api->cache, &run->parts[i].place);
		api_v2_part_cancel(&run->parts[i]);
	}
	count(api, API_V2_CANCELLED, 1);
	count(api, API_V2_RUNNING, UINT64_MAX);
	api_v2_run_release(run);
}
