/*
 * GET /probe?target=&module=: measures what the request names, once, on one of the workers, and answers with the page
 * of blackbox_exporter (docs/blackbox.md); GET /logs shows what was said by the last probes. On the web thread.
 */
#ifndef NETSONDE_DAEMON_API_PROBE_H
#define NETSONDE_DAEMON_API_PROBE_H

#include <stddef.h>

#include "core/sample.h"
#include "core/text.h"

struct api_probe;
struct endpoint;
struct connection;
struct http_request;
struct mailbox;
struct worker;

/* All borrowed until api_probe_free. */
struct api_probe_plan {
	struct worker *const *workers;
	size_t nworkers;
	struct mailbox *mailbox; /* of the web thread */
	/* What is in force now, held for the caller; any thread. */
	struct endpoint *(*endpoint)(void *context);
	void *context;
};

struct api_probe *api_probe_create(const struct api_probe_plan *plan);
/* After the web server. NULL is harmless. */
void api_probe_free(struct api_probe *api);

void api_probe_serve(struct api_probe *api, struct connection *connection, const struct http_request *request);
void api_probe_serve_logs(struct api_probe *api, struct connection *connection, const struct http_request *request);

/* The last probes as a piece of HTML, for the page at "/". */
void api_probe_show_last(struct api_probe *api, struct text *out);

/* Its figures; any thread. Calls give for each row, with the reason of refusals as its label (NULL: no label). */
extern const struct measure_set api_probe_set;         /* "probe_endpoint" */
extern const struct measure_set api_probe_refused_set; /* "probe_endpoint_refused" */
void api_probe_read(const struct api_probe *api,
		    void (*give)(void *arg, const struct measure_set *set, const char *reason,
				 const struct reading *readings, size_t n),
		    void *arg);

#endif
