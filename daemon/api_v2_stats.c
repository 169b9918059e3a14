/*
 * GET /api/v2/stats.
 */
#include <inttypes.h>

#include "core/clock.h"
#include "daemon/api_v2_run.h"
#include "daemon/routers.h"
#include "daemon/sample_json.h"
#include "daemon/worker.h"

static void add_ratio(struct text *out, const char *key, double part, double whole)
{
	json_add_key(out, key);
	if (whole > 0)
		text_add_double(out, part / whole);
	else
		text_add(out, "null");
}

static void add_application(const struct api_v2 *api, struct text *out)
{
	struct api_v2_requests requests = {.started_ns = clock_monotonic_ns()};

	if (api->read_requests)
		api->read_requests(api->requests_arg, &requests);
	text_add(out,
		 "\"application\":{\"service\":\"netsonde\",\"version\":\"" NETSONDE_VERSION "\",\"uptime_seconds\":");
	text_add_seconds(out, clock_monotonic_ns() - requests.started_ns);
	text_add_format(out,
			",\"total_requests\":%" PRIu64 ",\"successful_requests\":%" PRIu64
			",\"failed_requests\":%" PRIu64 ",\"active_requests\":%" PRIu64
			",\"peak_concurrent_requests\":%" PRIu64 ",",
			requests.total, requests.successful, requests.failed, requests.active, requests.peak);
	add_ratio(out, "success_rate_percent", 100.0 * (double)requests.successful,
		  (double)(requests.successful + requests.failed));
	text_add_char(out, ',');
	add_ratio(out, "avg_response_time_seconds", clock_seconds(requests.took_ns),
		  (double)(requests.successful + requests.failed));
	text_add_char(out, '}');
}

static void add_figures(const struct api_v2 *api, struct text *out)
{
	struct reading readings[API_V2_MEASURES];
	size_t n = api_v2_read(api, readings);

	for (size_t i = 0; i < n; i++) {
		text_add_char(out, ',');
		json_add_key(out, api_v2_set.measures[i].name);
		text_add_integer(out, readings[i].value.integer);
	}
}

static void add_connector(const struct api_v2 *api, struct text *out)
{
	const struct ros_cache_figures *cache = ros_cache_figures(api->cache);
	struct ros_desk_figures all = {0}, desk;

	for (size_t i = 0; i < api->plan.nworkers; i++) {
		ros_desk_read(worker_routers(api->plan.workers[i]), &desk);
		all.up += desk.up;
		all.pool += desk.pool;
		all.running += desk.running;
		all.jobs += desk.jobs;
		all.commands += desk.commands;
		all.failures += desk.failures;
		all.rows += desk.rows;
	}
	text_add_format(out,
			",\"mikrotik_connector\":{\"active_connections\":%zu,\"pool_size\":%zu,\"cache_hits\":%" PRIu64
			",\"cache_total\":%" PRIu64 ",",
			all.up, all.pool, cache->hits, cache->lookups);
	add_ratio(out, "cache_hit_rate_percent", 100.0 * (double)cache->hits, (double)cache->lookups);
	text_add_format(out,
			",\"jobs_running\":%zu,\"jobs_total\":%" PRIu64 ",\"commands_total\":%" PRIu64
			",\"commands_failed_total\":%" PRIu64 ",\"rows_total\":%" PRIu64,
			all.running, all.jobs, all.commands, all.failures, all.rows);
	add_figures(api, out);
	text_add_char(out, '}');
}

static void add_configuration(const struct api_v2 *api, const struct api_v2_terms *terms, struct text *out)
{
	struct routers *routers = api->plan.routers ? api->plan.routers(api->plan.context) : NULL;

	text_add_format(out,
			",\"configuration\":{\"max_concurrent_hosts\":%" PRId64 ",\"max_concurrent_commands\":%" PRId64
			",\"max_connections_per_host\":%" PRId64 ",\"cache_ttl_seconds\":",
			terms->max_concurrent_hosts, terms->max_concurrent_commands, terms->max_connections_per_host);
	text_add_seconds(out, terms->cache_ttl_ns);
	text_add_format(out, ",\"cache_max_bytes\":%" PRId64 ",\"timeout_seconds\":", terms->cache_bytes);
	text_add_seconds(out, terms->timeout_ns);
	text_add(out, ",\"max_timeout_seconds\":");
	text_add_seconds(out, terms->max_timeout_ns);
	text_add_format(out, ",\"other_hosts_permitted\":%s,\"configured_routers\":%zu,\"workers\":%zu}",
			terms->permits_other_hosts ? "true" : "false", routers ? routers_count(routers) : 0,
			api->plan.nworkers);
	routers_release(routers);
}

void api_v2_add_stats(const struct api_v2 *api, const struct api_v2_terms *terms, struct text *out)
{
	text_add_char(out, '{');
	add_application(api, out);
	add_connector(api, out);
	add_configuration(api, terms, out);
	text_add(out, ",\"timestamp\":\"");
	sample_add_time(out, clock_realtime_ns());
	text_add(out, "\"}");
}
