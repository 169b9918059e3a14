#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "daemon/api_head.h"
#include "daemon/api_v2.h"
#include "exporter/http_wire.h"

/* A request with one field, or two. */
static struct http_request request_of(const char *method, const char *path, const char *name, const char *value)
{
	struct http_request request = {.method = method, .path = path, .query = "", .minor = 1};

	if (name)
		request.fields[request.nfields++] = (struct http_field){name, value};
	return request;
}

Test(api_head, routes)
{
	static const struct {
		const char *method, *path;
		int kind;
		const char *allow;
	} cases[] = {
		{"POST", "/api/v2/test-connection", API_V2_TEST_CONNECTION, "POST, OPTIONS"},
		{"POST", "/api/v2/mikrotik/ping", API_V2_PING, "POST, OPTIONS"},
		{"POST", "/api/v2/mikrotik/traceroute", API_V2_TRACEROUTE, "POST, OPTIONS"},
		{"POST", "/api/v2/mikrotik/command", API_V2_COMMAND, "POST, OPTIONS"},
		{"POST", "/api/v2/mikrotik/batch", API_V2_BATCH, "POST, OPTIONS"},
		{"POST", "/api/v2/mikrotik/multi-host", API_V2_MULTI_HOST, "POST, OPTIONS"},
		{"GET", "/api/v2/stats", API_V2_STATS, "GET, HEAD, OPTIONS"},
		{"HEAD", "/api/v2/stats", API_V2_STATS, "GET, HEAD, OPTIONS"},
		{"POST", "/api/v2/cache/clear", API_V2_CACHE_CLEAR, "POST, OPTIONS"},
		{"GET", "/api/v2/openapi.json", API_ROUTE_DOCUMENT, "GET, HEAD, OPTIONS"},
		{"GET", "/api/v2/mikrotik/ping", -2, "POST, OPTIONS"},
		{"HEAD", "/api/v2/mikrotik/ping", -2, "POST, OPTIONS"},
		{"post", "/api/v2/mikrotik/ping", -2, "POST, OPTIONS"},
		{"DELETE", "/api/v2/stats", -2, "GET, HEAD, OPTIONS"},
		{"OPTIONS", "/api/v2/stats", -2, "GET, HEAD, OPTIONS"},
		{"POST", "/api/v2/mikrotik/ping/", -2, NULL},
		{"POST", "/api/v2/", -2, NULL},
		{"GET", "/api/v2/Stats", -2, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_request request = request_of(cases[i].method, cases[i].path, NULL, NULL);
		const char *allow = "";
		const struct api_route *route = api_head_route(&request, &allow);

		cr_expect_eq(route ? route->kind : -2, cases[i].kind, "%s %s", cases[i].method, cases[i].path);
		cr_expect((allow == NULL) == (cases[i].allow == NULL));
		if (allow && cases[i].allow)
			cr_expect_str_eq(allow, cases[i].allow);
	}
	/* Every kind has one. */
	for (int kind = API_ROUTE_DOCUMENT; kind < API_V2_KINDS; kind++) {
		size_t found = 0;

		for (size_t i = 0; api_head_route_at(i); i++)
			found += api_head_route_at(i)->kind == kind;
		cr_expect_eq(found, 1, "%d", kind);
	}
}

Test(api_head, ids)
{
	static const char longest[] = "0123456789012345678901234567890123456789012345678901234567890123";
	static const struct {
		const char *sent;
		bool is_taken;
	} cases[] = {
		{"a", true},
		{"A-b_c.9", true},
		{longest, true},
		{"", false},
		{"a b", false},
		{"a\"b", false},
		{"\xc3\xa4", false},
		{"a=b", false},
		{"01234567890123456789012345678901234567890123456789012345678901234", false},
	};
	char id[API_ID_SIZE], other[API_ID_SIZE];
	struct http_request request = request_of("GET", "/", NULL, NULL);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_request with = request_of("GET", "/", "x-request-ID", cases[i].sent);

		api_head_id(&with, id);
		cr_expect_eq(strcmp(id, cases[i].sent) == 0, cases[i].is_taken, "%s", cases[i].sent);
		if (!cases[i].is_taken)
			cr_expect_eq(strspn(id, "0123456789abcdef"), 16);
	}
	api_head_id(&request, id);
	api_head_id(&request, other);
	cr_expect_str_neq(id, other);
}

Test(api_head, keys)
{
	static const struct {
		const char *name, *value, *key;
	} cases[] = {
		{"X-API-Key", "secret", "secret"},
		{"x-api-key", "", ""},
		{"Authorization", "Bearer secret", "secret"},
		{"authorization", "bearer  secret", "secret"},
		{"Authorization", "Basic c2VjcmV0", NULL},
		{"Authorization", "Bearersecret", NULL},
		{"Cookie", "secret", NULL},
	};
	struct http_request both = request_of("GET", "/", "Authorization", "Bearer one");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_request request = request_of("GET", "/", cases[i].name, cases[i].value);
		const char *key = api_head_key(&request);

		cr_expect((key == NULL) == (cases[i].key == NULL), "%zu", i);
		if (key && cases[i].key)
			cr_expect_str_eq(key, cases[i].key);
	}
	both.fields[both.nfields++] = (struct http_field){"X-API-Key", "two"};
	cr_expect_str_eq(api_head_key(&both), "two");
}

Test(api_head, fields_of_replies)
{
	const struct api_reply_fields few = {.id = "a"};
	const struct api_reply_fields all = {.id = "a",
					     .origin = "https://noc.example",
					     .allow = "POST",
					     .retry_after_seconds = 3,
					     .wants_key = true,
					     .is_preflight = true};
	struct text out = {0};

	api_head_write(&few, &out);
	cr_expect_str_eq(text_string(&out), "X-Request-Id: a\r\nCache-Control: no-store\r\n"
					    "X-Content-Type-Options: nosniff\r\nVary: Origin\r\n");
	text_clear(&out);
	api_head_write(&all, &out);
	cr_expect(strstr(text_string(&out), "\r\nAllow: POST\r\nRetry-After: 3\r\nWWW-Authenticate: Bearer realm=\""));
	cr_expect(strstr(text_string(&out), "\r\nAccess-Control-Allow-Origin: https://noc.example\r\n"));
	cr_expect(
		strstr(text_string(&out), "\r\nAccess-Control-Allow-Headers: Authorization, Content-Type, X-API-Key"));
	text_free(&out);
}

Test(api_head, errors)
{
	static const struct {
		struct api_error error;
		const char *json;
	} cases[] = {
		{{"busy", "later", NULL}, "{\"status\":\"error\",\"error\":\"busy\",\"message\":\"later\"}\n"},
		{{"busy", "later", ""}, "{\"status\":\"error\",\"error\":\"busy\",\"message\":\"later\"}\n"},
		{{"invalid_field", "host: \"a\\b\"", "host"},
		 "{\"status\":\"error\",\"error\":\"invalid_field\",\"message\":\"host: "
		 "\\\"a\\\\b\\\"\",\"field\":\"host\"}\n"},
		{{"x", "a\nb\x7f", NULL}, "{\"status\":\"error\",\"error\":\"x\",\"message\":\"a\\u000ab\\u007f\"}\n"},
		{{"x", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", NULL},
		 "{\"status\":\"error\",\"error\":\"x\",\"message\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"}\n"},
		{{"x", "\xff\xc3", NULL}, "{\"status\":\"error\",\"error\":\"x\",\"message\":\"\\ufffd\\ufffd\"}\n"},
		{{"x", "\xc3\xa4\xe2", NULL},
		 "{\"status\":\"error\",\"error\":\"x\",\"message\":\"\xc3\xa4\\ufffd\"}\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text out = {0};
		json_t *read;

		api_head_write_error(&cases[i].error, &out);
		cr_expect_str_eq(text_string(&out), cases[i].json);
		read = json_loads(text_string(&out), 0, NULL);
		cr_expect(read != NULL, "%s", text_string(&out));
		json_decref(read);
		text_free(&out);
	}
}

Test(api_head, codes)
{
	static const struct {
		int status;
		const char *code;
	} cases[] = {
		{400, "invalid_request"}, {401, "unauthorized"},       {403, "forbidden"},
		{404, "not_found"},       {405, "method_not_allowed"}, {408, "request_timeout"},
		{413, "too_large"},       {429, "rate_limited"},       {503, "busy"},
		{500, "internal"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_str_eq(api_head_code(cases[i].status), cases[i].code);
}
