/*
 * /api/v2 as HTTP: who calls, may it, how often, what is wrong with it; then the call is carried out (daemon/api_v2.h),
 * and its answer and a line of the audit log are written. On the web thread, but for the figures.
 */
#ifndef NETSONDE_DAEMON_API_WEB_H
#define NETSONDE_DAEMON_API_WEB_H

#include <stdbool.h>
#include <stddef.h>

#include "core/sample.h"

struct api_rules;
struct api_v2;
struct api_v2_requests;
struct api_web;
struct connection;
struct http_request;

/* All borrowed until api_web_free. */
struct api_web_plan {
	struct api_v2 *jobs;
	/* What is in force now, held for the caller. */
	struct api_rules *(*rules)(void *context);
	void *context;
};

struct api_web *api_web_create(const struct api_web_plan *plan);
/* After the web server. NULL is harmless. */
void api_web_free(struct api_web *api);

/* As of struct exporter_tree. */
bool api_web_begin(struct api_web *api, struct connection *connection, const struct http_request *request,
		   size_t *max_body_bytes);
void api_web_serve(struct api_web *api, struct connection *connection, const struct http_request *request);
void api_web_refuse(struct api_web *api, struct connection *connection, const struct http_request *request, int status);

/* What was asked so far; arg is the struct api_web. */
void api_web_count(void *arg, struct api_v2_requests *out);

/* Its figures; any thread. Calls give for each row, with the reason of refusals as its label (NULL: no label). */
extern const struct measure_set api_web_set;         /* "api" */
extern const struct measure_set api_web_refused_set; /* "api_refused" */
void api_web_read(const struct api_web *api,
		  void (*give)(void *arg, const struct measure_set *set, const char *reason,
			       const struct reading *readings, size_t n),
		  void *arg);

/* The OpenAPI document, made by CMake of daemon/openapi.json. */
extern const char api_document_text[];
extern const size_t api_document_bytes;

#endif
