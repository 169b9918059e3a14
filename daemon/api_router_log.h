/*
 * GET /api/v1/routers/NAME/log: the last lines of a router's log, asked of the worker that reads it, oldest first:
 *
 *	{"target":"gw1","lines":[{"time":"2026-11-21 16:59:26","topics":"system,info","message":"..."},...]}
 *
 * The time is the router's, as it tells it. On the web thread.
 */
#ifndef NETSONDE_DAEMON_API_ROUTER_LOG_H
#define NETSONDE_DAEMON_API_ROUTER_LOG_H

#include <stddef.h>

struct api_router_log;
struct connection;
struct http_request;
struct mailbox;
struct worker;

#define API_ROUTER_LOG_PATH "/api/v1/routers/*"
#define API_ROUTER_LOG_MAX  64 /* asks at a time */

/* All borrowed until api_router_log_free. */
struct api_router_log_plan {
	struct worker *const *workers; /* a target is at hash_stable(its name) % nworkers */
	size_t nworkers;
	struct mailbox *mailbox; /* of the web thread */
};

struct api_router_log *api_router_log_create(const struct api_router_log_plan *plan);
/* After the web server. NULL is harmless. */
void api_router_log_free(struct api_router_log *api);

void api_router_log_serve(struct api_router_log *api, struct connection *connection,
			  const struct http_request *request);

#endif
