/*
 * HTTP/1.0 and 1.1 on the wire (RFC 9112): heads of requests from bytes, heads of replies to bytes. Pure.
 */
#ifndef NETSONDE_EXPORTER_HTTP_WIRE_H
#define NETSONDE_EXPORTER_HTTP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

#define HTTP_HEAD_MAX   16384 /* bytes of a request's head */
#define HTTP_FIELDS_MAX 64
#define HTTP_BODY_MAX   65536 /* longest body that is not refused where bodies are of no use */

struct http_field {
	const char *name, *value;
};

/* Everything is borrowed from the head that was parsed. */
struct http_request {
	const char *method;  /* as sent: methods are case-sensitive */
	const char *path;    /* percent-decoded, without the query; "*" for OPTIONS */
	const char *query;   /* after the question mark, as sent; "" when there is none */
	unsigned minor;      /* HTTP/1.minor */
	bool keeps_alive;    /* the client wants the connection to stay */
	bool has_body;       /* something follows the head: exporter/http_body.h finds its end */
	bool is_chunked;     /* the body comes in chunks; content_length is 0 then */
	bool wants_continue; /* the client waits for "100 Continue" before it sends the body */
	uint64_t content_length;
	const char *body; /* all of it, for who asked for it (server_plan.begin); borrowed for the call; else NULL */
	size_t body_length;
	struct http_field fields[HTTP_FIELDS_MAX];
	size_t nfields;
};

/* Length of the head at the start of bytes, with the empty line that ends it, or 0 when its end is not there yet. from:
 * where to begin to look, for callers that have looked before; no further than n - 3 of the last look. */
size_t http_head_length(const char *bytes, size_t n, size_t from);

/* Parses a head of that length, changing it. Returns 0, or the status to answer with: 400, 417, 431, 501, 505. */
int http_parse_request(char *head, size_t length, struct http_request *request);

/* The value of a field by name (case-insensitive), or NULL. Lists sent in several fields: the first. */
const char *http_field(const struct http_request *request, const char *name);

/* Decodes a parameter of the query. Returns 1 (found: the first of that name), 0 (there is none), or -1 (not decodable,
 * or longer than size - 1). */
int http_parameter(const struct http_request *request, const char *name, char *out, size_t size);

/* Appends the names of the query's parameters, as sent, that are not among n known ones, with commas between them;
 * returns how many there are. */
size_t http_unknown_parameters(const struct http_request *request, const char *const *known, size_t n,
			       struct text *out);

/* The head of a reply. */
struct http_reply {
	int status;
	const char *type;   /* Content-Type */
	const char *fields; /* more fields, each ending in CR LF; or NULL */
};

enum http_framing { HTTP_LENGTH, HTTP_CHUNKED, HTTP_UNTIL_CLOSE };

struct http_message {
	enum http_framing framing;
	size_t length; /* of the body, with HTTP_LENGTH */
	bool keeps_alive;
	unsigned minor;       /* of the request */
	int64_t date_seconds; /* since the epoch */
};

void http_write_head(struct text *out, const struct http_reply *reply, const struct http_message *message);

/* "Not Found" */
const char *http_status_text(int status);

#endif
