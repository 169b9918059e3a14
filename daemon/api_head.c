#include "daemon/api_head.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/hash.h"
#include "core/utf8.h"
#include "daemon/api_v2.h"
#include "exporter/http_wire.h"

#define ID_BYTES 8

static const struct api_route routes[] = {
	{API_PREFIX "test-connection", "POST", API_V2_TEST_CONNECTION},
	{API_PREFIX "mikrotik/ping", "POST", API_V2_PING},
	{API_PREFIX "mikrotik/traceroute", "POST", API_V2_TRACEROUTE},
	{API_PREFIX "mikrotik/command", "POST", API_V2_COMMAND},
	{API_PREFIX "mikrotik/batch", "POST", API_V2_BATCH},
	{API_PREFIX "mikrotik/multi-host", "POST", API_V2_MULTI_HOST},
	{API_PREFIX "stats", "GET", API_V2_STATS},
	{API_PREFIX "cache/clear", "POST", API_V2_CACHE_CLEAR},
	{API_PREFIX "openapi.json", "GET", API_ROUTE_DOCUMENT},
};
#define ROUTES (sizeof(routes) / sizeof(routes[0]))

/* --- requests ----------------------------------------------------------------------------------------------------- */

const struct api_route *api_head_route_at(size_t i)
{
	return i < ROUTES ? &routes[i] : NULL;
}

const struct api_route *api_head_route(const struct http_request *request, const char **allow)
{
	const char *method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;

	*allow = NULL;
	for (size_t i = 0; i < ROUTES; i++) {
		if (strcmp(request->path, routes[i].path) != 0)
			continue;
		*allow = strcmp(routes[i].method, "GET") == 0 ? "GET, HEAD, OPTIONS" : "POST, OPTIONS";
		return strcmp(method, routes[i].method) == 0 ? &routes[i] : NULL;
	}
	return NULL;
}

static bool is_id(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && n < API_ID_SIZE &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

void api_head_id(const struct http_request *request, char out[API_ID_SIZE])
{
	const char *sent = http_field(request, "x-request-id");
	unsigned char bytes[ID_BYTES];

	if (sent && is_id(sent)) {
		snprintf(out, API_ID_SIZE, "%s", sent);
		return;
	}
	hash_random(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

const char *api_head_key(const struct http_request *request)
{
	static const char scheme[] = "Bearer ";
	const char *key = http_field(request, "x-api-key"), *authorization = http_field(request, "authorization");

	if (key)
		return key;
	if (!authorization || strncasecmp(authorization, scheme, strlen(scheme)) != 0)
		return NULL;
	key = authorization + strlen(scheme);
	return key + strspn(key, " ");
}

/* --- replies ------------------------------------------------------------------------------------------------------ */

static void write_preflight(struct text *out)
{
	text_add(out, "Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\r\n"
		      "Access-Control-Allow-Headers: Authorization, Content-Type, X-API-Key, X-Request-Id\r\n"
		      "Access-Control-Max-Age: 600\r\n");
}

void api_head_write(const struct api_reply_fields *fields, struct text *out)
{
	text_add_format(out, "X-Request-Id: %s\r\n", fields->id);
	text_add(out, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nVary: Origin\r\n");
	if (fields->allow)
		text_add_format(out, "Allow: %s\r\n", fields->allow);
	if (fields->retry_after_seconds > 0)
		text_add_format(out, "Retry-After: %lld\r\n", (long long)fields->retry_after_seconds);
	if (fields->wants_key)
		text_add(out, "WWW-Authenticate: Bearer realm=\"netsonde api\"\r\n");
	if (!fields->origin)
		return;
	text_add_format(out,
			"Access-Control-Allow-Origin: %s\r\n"
			"Access-Control-Expose-Headers: X-Request-Id, Retry-After\r\n",
			fields->origin);
	if (fields->is_preflight)
		write_preflight(out);
}

/* One character, or what is no character at all. */
static size_t write_character(const char *at, size_t n, struct text *out)
{
	size_t length = utf8_length(at, n < 4 ? n : 4);
	unsigned char c = (unsigned char)*at;

	if (c == '"' || c == '\\') {
		text_add_char(out, '\\');
		text_add_char(out, *at);
		return 1;
	}
	if (c < ' ' || c == 0x7f) {
		text_add_format(out, "\\u%04x", (unsigned)c);
		return 1;
	}
	if (length == 0) {
		text_add(out, "\\ufffd");
		return 1;
	}
	/* The bytes of one of them. */
	length = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	text_add_bytes(out, at, length);
	return length;
}

static void write_string(const char *name, const char *value, struct text *out)
{
	size_t n = strlen(value);

	text_add_format(out, "\"%s\":\"", name);
	for (size_t i = 0; i < n;)
		i += write_character(value + i, n - i, out);
	text_add_char(out, '"');
}

void api_head_write_error(const struct api_error *error, struct text *out)
{
	text_add(out, "{\"status\":\"error\",");
	write_string("error", error->code, out);
	text_add_char(out, ',');
	write_string("message", error->message, out);
	if (error->field && error->field[0]) {
		text_add_char(out, ',');
		write_string("field", error->field, out);
	}
	text_add(out, "}\n");
}

const char *api_head_code(int status)
{
	switch (status) {
	case 400:
		return "invalid_request";
	case 401:
		return "unauthorized";
	case 403:
		return "forbidden";
	case 404:
		return "not_found";
	case 405:
		return "method_not_allowed";
	case 408:
		return "request_timeout";
	case 413:
		return "too_large";
	case 429:
		return "rate_limited";
	case 503:
		return "busy";
	default:
		return "internal";
	}
}
