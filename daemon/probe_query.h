/*
 * A request to /probe, as blackbox_exporter's clients write it: the parameters, and how long the probe may take. Pure.
 */
#ifndef NETSONDE_DAEMON_PROBE_QUERY_H
#define NETSONDE_DAEMON_PROBE_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "exporter/http_wire.h"

#define PROBE_QUERY_TARGET_MAX 4096
#define PROBE_QUERY_NAME_MAX   1024

#define PROBE_QUERY_MODULE_DEFAULT "http_2xx"

/* Texts are "" where nothing was said. */
struct probe_query {
	char target[PROBE_QUERY_TARGET_MAX + 1];
	char module[PROBE_QUERY_NAME_MAX + 1];
	char hostname[PROBE_QUERY_NAME_MAX + 1];
	char query_name[PROBE_QUERY_NAME_MAX + 1]; /* these three for DNS */
	char query_type[PROBE_QUERY_NAME_MAX + 1];
	char query_class[PROBE_QUERY_NAME_MAX + 1];
	bool is_debug;
	int64_t scrape_timeout_ns; /* 0: not given */
};

/* Parameters that are not known mean nothing, as there. A target that is no URL is percent-decoded twice (some clients
 * encode it twice); a URL keeps the percent signs that are its own. Returns 0, or the status to answer with and why:
 * 400, or 500 for a time that is no number, as there. */
int probe_query_read(const struct http_request *request, struct probe_query *query, struct err *why);

/* What /logs is asked for: a probe by its number, or the last one of a target, perhaps by one module. */
struct probe_log_query {
	uint64_t id; /* 0: by target */
	char target[PROBE_QUERY_TARGET_MAX + 1];
	char module[PROBE_QUERY_NAME_MAX + 1]; /* "": any */
};
int probe_log_query_read(const struct http_request *request, struct probe_log_query *query, struct err *why);

/* The times that bound a probe; 0 = is not there. */
struct probe_times {
	int64_t scrape_ns;  /* until Prometheus gives up */
	int64_t offset_ns;  /* how long before that the probe ends */
	int64_t module_ns;  /* the module's own */
	int64_t maximum_ns; /* ours */
};

/* How long the probe may take: as blackbox_exporter reckons (120 s if Prometheus says nothing; minus the offset; a
 * shorter time of the module as it is), but half of Prometheus' time where the offset leaves nothing of it. */
int64_t probe_query_timeout(const struct probe_times *times);

#endif
