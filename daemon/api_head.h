/*
 * The heads of requests to /api/v2 and of their replies, and the one form that errors have. Pure.
 *
 *   {"status":"error","error":"missing_field","message":"commands[3].command: missing","field":"commands[3].command"}
 */
#ifndef NETSONDE_DAEMON_API_HEAD_H
#define NETSONDE_DAEMON_API_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/text.h"

struct http_request;

#define API_PREFIX "/api/v2/"

/* --- requests ----------------------------------------------------------------------------------------------------- */

struct api_route {
	const char *path;
	const char *method;
	int kind; /* enum api_v2_kind, or API_ROUTE_DOCUMENT */
};
#define API_ROUTE_DOCUMENT (-1) /* openapi.json, which anybody may read */

/* NULL: there is none. *allow: the methods of this path for the field Allow, or NULL if there is no such path. HEAD
 * goes where GET goes. */
const struct api_route *api_head_route(const struct http_request *request, const char **allow);

/* How many there are, one by one: NULL behind the last. */
const struct api_route *api_head_route_at(size_t i);

/* X-Request-Id if it has 1 to 64 letters, digits, and . _ - : else one of our own. */
#define API_ID_SIZE 65
void api_head_id(const struct http_request *request, char out[API_ID_SIZE]);

/* The key as it was sent, borrowed: X-API-Key, else Authorization: Bearer. NULL: none. */
const char *api_head_key(const struct http_request *request);

/* --- replies ------------------------------------------------------------------------------------------------------ */

struct api_reply_fields {
	const char *id;
	const char *origin;          /* of the web page that may read the reply; NULL: none */
	const char *allow;           /* or NULL */
	int64_t retry_after_seconds; /* 0: none */
	bool wants_key;              /* of 401 */
	bool is_preflight;           /* tells scripts what they may send */
};

/* Appends fields, each with CR LF. */
void api_head_write(const struct api_reply_fields *fields, struct text *out);

struct api_error {
	const char *code;    /* "missing_field" */
	const char *message; /* for people */
	const char *field;   /* NULL or "": none */
};

/* Appends an object and a line feed. What is no UTF-8 is replaced. */
void api_head_write_error(const struct api_error *error, struct text *out);

/* The code of a status that has one meaning only: 413 "too_large". */
const char *api_head_code(int status);

#endif
