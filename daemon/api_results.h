/*
 * GET /api/v1/results: the last results of a probe, asked of the worker that measures it. On the web thread.
 */
#ifndef NETSONDE_DAEMON_API_RESULTS_H
#define NETSONDE_DAEMON_API_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

struct api_results;
struct connection;
struct http_request;
struct mailbox;
struct worker;

/* Asks and their replies at a time: each holds up to RESULTS_BYTES_MAX. */
#define API_RESULTS_MAX 8

/* All borrowed until api_results_free. */
struct api_results_plan {
	struct worker *const *workers; /* a target is at hash_stable(its name) % nworkers */
	size_t nworkers;
	struct mailbox *mailbox; /* of the web thread */
	bool is_kept;            /* are there results at all? */
};

struct api_results *api_results_create(const struct api_results_plan *plan);
/* After the web server. NULL is harmless. */
void api_results_free(struct api_results *api);

void api_results_serve(struct api_results *api, struct connection *connection, const struct http_request *request);

#endif
