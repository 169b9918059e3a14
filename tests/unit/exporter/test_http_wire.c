#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/http_wire.h"

/* A parsed copy of a head; the copy has the exact size, so that a sanitizer sees each byte too many. */
struct parsed {
	char *head;
	int status;
	struct http_request request;
};

static struct parsed parse(const char *head)
{
	struct parsed parsed = {.head = malloc(strlen(head) + 1)};
	size_t length = strlen(head);
	memcpy(parsed.head, head, length);
	parsed.head[length] = 'x';
	parsed.status = http_parse_request(parsed.head, length, &parsed.request);
	return parsed;
}

static void check_status(const char *head, int expected)
{
	struct parsed parsed = parse(head);
	cr_expect_eq(parsed.status, expected, "%d instead of %d: %s", parsed.status, expected, head);
	free(parsed.head);
}

Test(http_wire, the_end_of_a_head_is_found_wherever_the_stream_is_cut)
{
	static const struct {
		const char *bytes;
		size_t length;
	} cases[] = {
		{"", 0},
		{"GET / HTTP/1.1\r\n\r\n", 18},
		{"GET / HTTP/1.1\r\n\r\nGET", 18},
		{"GET / HTTP/1.1\n\n", 16},
		{"GET / HTTP/1.1\r\n\n", 17},
		{"GET / HTTP/1.1\n\r\n", 17},
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\nbody\r\n\r\n", 27},
		{"GET / HTTP/1.1\r\nHost: a\r\n", 0},
		{"\r\r\r\n\r", 0},
		{"\n", 0},
		{"\n\r", 0},
		{"\n\rx\n", 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = strlen(cases[i].bytes);
		cr_expect_eq(http_head_length(cases[i].bytes, n, 0), cases[i].length, "%s", cases[i].bytes);
		/* Byte by byte, each look beginning where the last one ended. */
		size_t found = 0, from = 0;
		for (size_t have = 0; have <= n && found == 0; have++) {
			found = http_head_length(cases[i].bytes, have, from);
			from = have > 3 ? have - 3 : 0;
		}
		cr_expect_eq(found, cases[i].length, "cut: %s", cases[i].bytes);
	}
}

Test(http_wire, requests)
{
	static const struct {
		const char *head, *method, *path, *query;
		unsigned minor;
		bool keeps_alive;
	} cases[] = {
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "", 1, true},
		{"GET / HTTP/1.1\nhost:a\n\n", "GET", "/", "", 1, true},
		{"GET / HTTP/1.0\r\n\r\n", "GET", "/", "", 0, false},
		{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET", "/", "", 0, true},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET", "/", "", 1, false},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: TE , Close\r\n\r\n", "GET", "/", "", 1, false},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", "GET", "/", "", 1, true},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection:\r\n\r\n", "GET", "/", "", 1, true},
		{"GET / HTTP/1.7\r\nHost: a\r\n\r\n", "GET", "/", "", 7, true},
		{"HEAD /metrics?a=b&c HTTP/1.1\r\nHost:\r\n\r\n", "HEAD", "/metrics", "a=b&c", 1, true},
		{"get /x HTTP/1.1\r\nHost: a\r\n\r\n", "get", "/x", "", 1, true},
		{"GET /%2d/h%65althy?%41 HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/-/healthy", "%41", 1, true},
		{"GET /%C3%BC/a+b HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/\xC3\xBC/a+b", "", 1, true},
		{"GET /? HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "", 1, true},
		{"GET http://a:1/metrics?x HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/metrics", "x", 1, true},
		{"GET HTTP://a HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "", 1, true},
		{"GET http://a?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "x=1", 1, true},
		{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS", "*", "", 1, true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parsed parsed = parse(cases[i].head);
		cr_expect_eq(parsed.status, 0, "%d: %s", parsed.status, cases[i].head);
		cr_expect_str_eq(parsed.request.method, cases[i].method);
		cr_expect_str_eq(parsed.request.path, cases[i].path);
		cr_expect_str_eq(parsed.request.query, cases[i].query);
		cr_expect_eq(parsed.request.minor, cases[i].minor);
		cr_expect_eq(parsed.request.keeps_alive, cases[i].keeps_alive, "%s", cases[i].head);
		cr_expect_not(parsed.request.has_body);
		free(parsed.head);
	}
}

Test(http_wire, what_is_no_request)
{
	static const struct {
		const char *head;
		int status;
	} cases[] = {
		{"", 400},
		{"\r\n", 400},
		{"GET\r\n\r\n", 400},
		{"GET /\r\n\r\n", 400},
		{" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
		{"GET / x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET / HTTP/11\r\nHost: a\r\n\r\n", 400},
		{"GET / HTTP/1.\r\nHost: a\r\n\r\n", 400},
		{"GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
		{"GET / http/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET / HTTP/x.1\r\nHost: a\r\n\r\n", 400},
		{"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
		{"GET metrics HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET https://a/x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET /% HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET /%4g HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET /\t HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET /\x7F HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
		{"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic eA==\r\nAuthorization: Basic eA==\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nX-API-Key: a\r\nx-api-key: a\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n folded\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nX: \x7F\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
		{"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
		{"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nExpect: the worst\r\n\r\n", 417},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_status(cases[i].head, cases[i].status);
	struct http_request request;
	char with_nul[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n";
	cr_expect_eq(http_parse_request(with_nul, sizeof(with_nul) - 1, &request), 400);
}

Test(http_wire, every_part_of_a_request_ends_in_an_answer)
{
	static const char head[] =
		"GET /metrics?shard=1%2F2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept: */*\r\n\r\n";
	for (size_t n = 0; n < sizeof(head); n++) {
		char *copy = malloc(n + 1);
		memcpy(copy, head, n);
		struct http_request request;
		int status = http_parse_request(copy, n, &request);
		cr_expect(status == 0 || status == 400, "%d", status);
		free(copy);
	}
}

Test(http_wire, fields)
{
	struct parsed parsed =
		parse("GET / HTTP/1.1\r\nHost: a\r\nACCEPT: \t text/plain \t\r\nX-Empty:\r\naccept: second\r\n\r\n");
	cr_assert_eq(parsed.status, 0);
	cr_expect_str_eq(http_field(&parsed.request, "accept"), "text/plain");
	cr_expect_str_eq(http_field(&parsed.request, "x-empty"), "");
	cr_expect_null(http_field(&parsed.request, "x-none"));
	free(parsed.head);
}

Test(http_wire, too_many_fields)
{
	for (unsigned n = HTTP_FIELDS_MAX - 1; n <= HTTP_FIELDS_MAX; n++) {
		struct text head = {0};
		text_add(&head, "GET / HTTP/1.1\r\nHost: a\r\n");
		for (unsigned i = 0; i < n; i++)
			text_add_format(&head, "X%u: y\r\n", i);
		text_add(&head, "\r\n");
		check_status(text_string(&head), n < HTTP_FIELDS_MAX ? 0 : 431);
		text_free(&head);
	}
}

Test(http_wire, bodies)
{
	static const struct {
		const char *fields;
		bool has_body;
		uint64_t length;
	} cases[] = {
		{"Content-Length: 0\r\n", false, 0},
		{"Content-Length: 12\r\n", true, 12},
		{"Content-Length: 999999999999999999\r\n", true, 999999999999999999},
		{"Transfer-Encoding: chunked\r\n", true, 0},
		{"Transfer-Encoding: Chunked\r\n", true, 0},
		{"Expect: 100-Continue\r\nContent-Length: 5\r\n", true, 5},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text head = {0};
		text_add_format(&head, "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n", cases[i].fields);
		struct parsed parsed = parse(text_string(&head));
		cr_expect_eq(parsed.status, 0);
		cr_expect_eq(parsed.request.has_body, cases[i].has_body, "%s", cases[i].fields);
		cr_expect_eq(parsed.request.content_length, cases[i].length);
		free(parsed.head);
		text_free(&head);
	}
}

Test(http_wire, who_waits_before_it_sends_a_body)
{
	struct parsed parsed = parse("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n");
	cr_expect(parsed.request.wants_continue);
	free(parsed.head);
	parsed = parse("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n");
	cr_expect_not(parsed.request.wants_continue);
	free(parsed.head);
}

Test(http_wire, parameters)
{
	static const struct {
		const char *query, *name;
		int found;
		const char *value;
	} cases[] = {
		{"", "a", 0, ""},
		{"a=1", "a", 1, "1"},
		{"b=2&a=1", "a", 1, "1"},
		{"a=1&a=2", "a", 1, "1"},
		{"aa=1&a=2", "a", 1, "2"},
		{"a", "a", 1, ""},
		{"a&b=1", "b", 1, "1"},
		{"a=", "a", 1, ""},
		{"&&a=1&", "a", 1, "1"},
		{"b=1", "a", 0, ""},
		{"a=1%2F2", "a", 1, "1/2"},
		{"a=x+y%20z", "a", 1, "x y z"},
		{"a=b=c", "a", 1, "b=c"},
		{"a=%", "a", -1, ""},
		{"a=%0", "a", -1, ""},
		{"a=%00", "a", -1, ""},
		{"a=1234567", "a", 1, "1234567"},
		{"a=12345678", "a", -1, ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_request request = {.query = cases[i].query};
		char value[8] = "";
		int found = http_parameter(&request, cases[i].name, value, sizeof(value));
		cr_expect_eq(found, cases[i].found, "%s", cases[i].query);
		if (found == 1)
			cr_expect_str_eq(value, cases[i].value);
	}
}

Test(http_wire, heads_of_replies)
{
	static const struct {
		struct http_reply reply;
		struct http_message message;
		const char *expected;
	} cases[] = {
		{{200, "text/plain", NULL},
		 {HTTP_LENGTH, 12, true, 1, 784111777},
		 "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n"
		 "Content-Length: 12\r\n\r\n"},
		{{404, NULL, "X: y\r\n"},
		 {HTTP_LENGTH, 0, false, 1, 0},
		 "HTTP/1.1 404 Not Found\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n"
		 "Connection: close\r\nX: y\r\n\r\n"},
		{{200, "a/b", NULL},
		 {HTTP_CHUNKED, 0, true, 1, 1709210096},
		 "HTTP/1.1 200 OK\r\nDate: Thu, 29 Feb 2024 12:34:56 GMT\r\nContent-Type: a/b\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n"},
		{{503, NULL, NULL},
		 {HTTP_UNTIL_CLOSE, 0, false, 0, 0},
		 "HTTP/1.1 503 Service Unavailable\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nConnection: "
		 "close\r\n\r\n"},
		{{200, NULL, NULL},
		 {HTTP_LENGTH, 1, true, 0, 0},
		 "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 1\r\n"
		 "Connection: keep-alive\r\n\r\n"},
		{{299, NULL, NULL},
		 {HTTP_LENGTH, 1, true, 1, 0},
		 "HTTP/1.1 299 Unknown\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 1\r\n\r\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text out = {0};
		http_write_head(&out, &cases[i].reply, &cases[i].message);
		cr_expect_str_eq(text_string(&out), cases[i].expected, "%s", text_string(&out));
		text_free(&out);
	}
}

Test(http_wire, unknown_parameters)
{
	static const struct {
		const char *query, *unknown;
		size_t n;
	} cases[] = {
		{"", "", 0},
		{"target=a&probe=b&target=c", "", 0},
		{"target&&&probe=", "", 0},
		{"targe=a", "targe", 1},
		{"targets=a&probe=b&x&y=z=1", "targets, x, y", 3},
		{"=a", "", 1},
		{"%74arget=a", "%74arget", 1},
	};
	static const char *const known[] = {"target", "probe"};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text out = {0};
		const struct http_request request = {.query = cases[i].query};
		cr_expect_eq(http_unknown_parameters(&request, known, 2, &out), cases[i].n, "%s", cases[i].query);
		cr_expect_str_eq(text_string(&out), cases[i].unknown);
		text_free(&out);
	}
}
