/*
 * What a client of /api/v1/events asks for. Pure.
 */
#ifndef NETSONDE_DAEMON_EVENTS_QUERY_H
#define NETSONDE_DAEMON_EVENTS_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/event.h"
#include "exporter/http_wire.h"

#define EVENTS_LIMIT_DEFAULT 100
#define EVENTS_LIMIT_MAX     1000
#define EVENTS_NAME_MAX      1024 /* longer names name nobody */

struct events_query {
	char target[EVENTS_NAME_MAX + 1];
	bool has_target;
	enum event_kind kind; /* EVENT_KINDS: all */
	int64_t since_ns;     /* INT64_MIN: from the beginning */
	size_t limit;
};

/* Reads the query of a request. -1 with err: what to tell the client with 400. */
int events_query_read(const struct http_request *request, struct events_query *query, struct err *err);

#endif
