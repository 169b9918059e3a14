/*
 * GET /api/v1/events: what happened lately, asked of the workers. On the web thread.
 */
#ifndef NETSONDE_DAEMON_API_EVENTS_H
#define NETSONDE_DAEMON_API_EVENTS_H

#include <stddef.h>

struct api_events;
struct connection;
struct http_request;
struct mailbox;
struct worker;

/* Asks and their replies at a time: each holds up to EVENTS_ANSWER_BYTES_MAX. */
#define API_EVENTS_MAX 4

/* All borrowed until api_events_free. */
struct api_events_plan {
	struct worker *const *workers; /* a target is at hash_stable(its name) % nworkers */
	size_t nworkers;
	struct mailbox *mailbox; /* of the web thread */
};

struct api_events *api_events_create(const struct api_events_plan *plan);
/* After the web server. NULL is harmless. */
void api_events_free(struct api_events *api);

void api_events_serve(struct api_events *api, struct connection *connection, const struct http_request *request);

#endif
