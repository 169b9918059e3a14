#include "daemon/api_health.h"

#include <string.h>

#include "core/sample.h"
#include "exporter/server.h"
#include "influx/influx.h"

static const char *bool_name(bool value)
{
	return value ? "true" : "false";
}

int api_health_write(const struct api_health_facts *facts, struct text *out)
{
	bool works = facts->running == facts->workers, sends = facts->behind == 0;
	bool is_well = works && sends && facts->is_accepted;

	text_add_format(out, "{\"status\":\"%s\",\"service\":\"netsonde\",\"version\":\"%s\",\"uptime_seconds\":",
			is_well ? "healthy"
			: works ? "degraded"
				: "unhealthy",
			NETSONDE_VERSION);
	text_add_seconds(out, facts->uptime_ns / 1000000 * 1000000);
	text_add_format(out, ",\"checks\":{\"workers\":{\"status\":\"%s\",\"running\":%zu,\"total\":%zu}",
			works ? "ok" : "failing", facts->running, facts->workers);
	text_add_format(out, ",\"outputs\":{\"status\":\"%s\",\"total\":%zu,\"behind\":%zu}", sends ? "ok" : "failing",
			facts->outputs, facts->behind);
	text_add_format(out, ",\"config\":{\"status\":\"%s\",\"is_accepted\":%s,\"needs_restart\":%s}}}\n",
			facts->is_accepted ? "ok" : "failing", bool_name(facts->is_accepted),
			bool_name(facts->is_restart_needed));
	return works ? 200 : 503;
}

static double value_of(const struct measure_set *set, const struct reading *reading)
{
	bool is_number = set->measures[reading->measure].kind == MEASURE_GAUGE;

	return is_number ? reading->value.number : (double)reading->value.integer;
}

static void look_at_output(void *arg, const struct measure_set *set, const char *name, const struct reading *readings,
			   size_t n)
{
	struct api_health_facts *facts = arg;
	bool is_behind = false;

	if (set != &influx_set || !name)
		return;
	for (size_t i = 0; i < n; i++) {
		const char *measure = set->measures[readings[i].measure].name;
		double value = value_of(set, &readings[i]);

		is_behind = is_behind ||
			    (strcmp(measure, "queue_age_seconds") == 0 && value > API_HEALTH_BEHIND_SECONDS) ||
			    (strcmp(measure, "refused") == 0 && value != 0);
	}
	facts->outputs++;
	facts->behind += is_behind;
}

void api_health_serve(struct api_health_facts *facts, struct connection *connection)
{
	struct text body = {0};
	int status;

	if (facts->influx)
		influx_read(facts->influx, look_at_output, facts);
	status = api_health_write(facts, &body);
	connection_reply(connection, &(struct http_reply){status, "application/json", "Cache-Control: no-store\r\n"},
			 body.bytes, body.length);
	text_free(&body);
}
