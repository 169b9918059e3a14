/*
 * What a client of /api/v1/results asks for. Pure.
 */
#ifndef NETSONDE_DAEMON_RESULTS_QUERY_H
#define NETSONDE_DAEMON_RESULTS_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "daemon/results_page.h"
#include "exporter/http_wire.h"

#define RESULTS_LIMIT_DEFAULT 100
#define RESULTS_LIMIT_MAX     10000
#define RESULTS_NAME_MAX      1024 /* longer names name nobody */

struct results_query {
	char target[RESULTS_NAME_MAX + 1];
	char probe[RESULTS_NAME_MAX + 1];
	bool has_probe;
	enum results_format format;
	size_t limit;
};

/* Reads the query of a request. -1 with err: what to tell the client with 400. */
int results_query_read(const struct http_request *request, struct results_query *query, struct err *err);

#endif
