/*
 * GET /health: how the daemon is, as JSON.
 *
 *   {"status":"healthy","service":"netsonde","version":"0.1","uptime_seconds":12.3,"checks":{
 *    "workers":{"status":"ok","running":4,"total":4},
 *    "outputs":{"status":"ok","total":2,"behind":0},
 *    "config":{"status":"ok","is_accepted":true,"needs_restart":false}}}
 *
 * unhealthy (503): not all workers run, so something is not measured. degraded (200): an output has not taken lines for
 * a minute or is refused by its server, or the configuration that was read last is not in force.
 */
#ifndef NETSONDE_DAEMON_API_HEALTH_H
#define NETSONDE_DAEMON_API_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

struct connection;
struct influx;

#define API_HEALTH_BEHIND_SECONDS 60.0

struct api_health_facts {
	int64_t uptime_ns;
	size_t running, workers;
	size_t outputs, behind; /* filled by api_health_serve, of influx */
	bool is_accepted;       /* the configuration that was read last */
	bool is_restart_needed;
	struct influx *influx; /* or NULL */
};

/* Returns the status of HTTP. Pure. */
int api_health_write(const struct api_health_facts *facts, struct text *out);

/* Counts outputs and replies. */
void api_health_serve(struct api_health_facts *facts, struct connection *connection);

#endif
