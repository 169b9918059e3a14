#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "core/loop.h"
#include "core/mem.h"
#include "exporter/server.h"
#include "page_fixture.h"
#include "web_fixture.h"

#define OPENMETRICS "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5\r\n"
#define GZIP        "Accept-Encoding: gzip\r\n"
#define TEXT_TYPE   "text/plain; version=0.0.4; charset=utf-8"
#define OM_TYPE     "application/openmetrics-text; version=1.0.0; charset=utf-8"

#define BIG   8000 /* targets: a page of some 18 MB, more than all socket buffers hold */
#define SMALL 3

static char *expected_page(const struct web *web, enum render_format format)
{
	return page_of(&(struct render_plan){
		.store = web_store(web), .own = &web_own_row, .nown = 1, .format = format, .shard = 0, .shards = 1});
}

static void expect_body(struct answer *answer, const char *expected)
{
	cr_expect_eq(answer->status, 200);
	cr_assert_eq(answer->body.length, strlen(expected));
	cr_expect_eq(memcmp(answer->body.bytes, expected, answer->body.length), 0);
}

static struct text inflated(const struct text *from)
{
	struct text out = {0};
	z_stream stream = {.next_in = (Bytef *)from->bytes, .avail_in = (uInt)from->length};
	int result = inflateInit2(&stream, MAX_WBITS + 16);
	while (result == Z_OK) {
		stream.next_out = (Bytef *)text_reserve(&out, 65536);
		stream.avail_out = 65536;
		result = inflate(&stream, Z_NO_FLUSH);
		out.length += 65536 - stream.avail_out;
	}
	cr_expect_eq(result, Z_STREAM_END);
	cr_expect_eq(stream.avail_in, 0);
	inflateEnd(&stream);
	return out;
}

/* --- pages ------------------------------------------------------------------------------------------------------- */

static void check_formats(unsigned targets)
{
	struct web *web = web_start((struct web_plan){.targets = targets});
	for (unsigned i = 0; i < 4; i++) {
		bool is_openmetrics = i % 2, is_compressed = i / 2;
		char fields[256];
		snprintf(fields, sizeof(fields), "%s%s", is_openmetrics ? OPENMETRICS : "", is_compressed ? GZIP : "");
		char *expected = expected_page(web, is_openmetrics ? RENDER_OPENMETRICS : RENDER_TEXT);
		struct answer answer = web_get(web, "/metrics", fields);
		cr_expect_str_eq(web_field(&answer, "content-type"), is_openmetrics ? OM_TYPE : TEXT_TYPE);
		cr_expect_str_eq(web_field(&answer, "vary"), "Accept, Accept-Encoding");
		cr_expect_eq(answer.is_chunked, targets > 1000);
		if (is_compressed) {
			cr_expect_str_eq(web_field(&answer, "content-encoding"), "gzip");
			struct text plain = inflated(&answer.body);
			text_free(&answer.body);
			answer.body = plain;
		} else {
			cr_expect_null(web_field(&answer, "content-encoding"));
		}
		expect_body(&answer, expected);
		web_forget(&answer);
		mem_free(expected);
	}
	cr_expect(web_wait(web, "scrapes_total", 4));
	cr_expect_eq(web_figure(web, "scrapes_aborted_total"), 0);
	cr_expect_eq(web_figure(web, "series"), 24 * targets);
	cr_expect_gt(web_figure(web, "scrape_seconds_total"), 0);
	web_stop(web);
}

Test(exporter, a_small_page_in_every_format)
{
	check_formats(SMALL);
}

Test(exporter, a_big_page_in_every_format)
{
	check_formats(BIG);
}

Test(exporter, other_pages)
{
	static const struct {
		const char *path;
		int status;
		const char *type, *body;
	} cases[] = {
		{"/-/healthy", 200, "text/plain; charset=utf-8", "healthy\n"},
		{"/-/ready", 503, "text/plain; charset=utf-8", "not ready\n"},
		{"/config", 200, "text/plain; charset=utf-8", "agent: { token = <secret>; };\n"},
		{"/none", 404, "text/plain; charset=utf-8", "there is no such page\n"},
		{"/metrics/", 404, "text/plain; charset=utf-8", "there is no such page\n"},
		{"//", 404, "text/plain; charset=utf-8", "there is no such page\n"},
		{"/%2e%2e/etc/passwd", 404, "text/plain; charset=utf-8", "there is no such page\n"},
		{"/-/health%79?x=y", 200, "text/plain; charset=utf-8", "healthy\n"},
		{"http://test/-/healthy", 200, "text/plain; charset=utf-8", "healthy\n"},
	};
	struct web *web = web_start((struct web_plan){0});
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answer answer = web_get(web, cases[i].path, "");
		cr_expect_eq(answer.status, cases[i].status, "%s", cases[i].path);
		cr_expect_str_eq(web_field(&answer, "content-type"), cases[i].type);
		cr_expect_str_eq(text_string(&answer.body), cases[i].body);
		cr_expect(web_field(&answer, "date"));
		web_forget(&answer);
	}
	web_set_ready(web, true);
	struct answer answer = web_get(web, "/-/ready", "");
	cr_expect_eq(answer.status, 200);
	cr_expect_str_eq(text_string(&answer.body), "ready\n");
	web_forget(&answer);
	answer = web_get(web, "/", "");
	cr_expect_eq(answer.status, 200);
	cr_expect_str_eq(web_field(&answer, "content-type"), "text/html; charset=utf-8");
	cr_expect(strstr(web_field(&answer, "content-security-policy"), "default-src 'none'"));
	cr_expect(strstr(text_string(&answer.body), ">ready<"));
	web_forget(&answer);
	web_stop(web);
}

Test(exporter, shards)
{
	struct web *web = web_start((struct web_plan){.targets = 50});
	size_t series = 0;
	for (unsigned i = 0; i < 3; i++) {
		char path[64];
		snprintf(path, sizeof(path), "/metrics?x=y&shard=%u%s3", i, i == 1 ? "%2F" : "/");
		struct answer answer = web_get(web, path, "");
		cr_expect_eq(answer.status, 200);
		cr_expect_eq(count_in(text_string(&answer.body), "netsonde_build_info"), i == 0 ? 3 : 0);
		series += count_series(text_string(&answer.body));
		web_forget(&answer);
	}
	cr_expect_eq(series, 24 * 50 + 1);
	static const char *const wrong[] = {
		"/metrics?shard=3/3", "/metrics?shard=",    "/metrics?shard",
		"/metrics?shard=a",   "/metrics?shard=%zz", "/metrics?shard=1/99999999999999999999999999999999"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct answer answer = web_get(web, wrong[i], "");
		cr_expect_eq(answer.status, 400, "%s", wrong[i]);
		cr_expect(strstr(text_string(&answer.body), "shard must be i/n"));
		web_forget(&answer);
	}
	web_stop(web);
}

Test(exporter, latest)
{
	static const struct {
		const char *path;
		int status;
		const char *body; /* of errors all of it */
	} cases[] = {
		{"/api/v1/latest", 200, "{\"target\":\"target-1\",\"probe\":\"fast_ping\",\"labels\":{},"},
		{"/api/v1/latest?target=target-2", 200,
		 "\"name\":\"netsonde_ping_sent_total\",\"labels\":{},\"value\":2}"},
		{"/api/v1/latest?target=target%2d2&probe=fast_ping", 200, "\"target-2\""},
		{"/api/v1/latest?target=target-3", 404, "there is no target \"target-3\"\n"},
		{"/api/v1/latest?target=", 404, "there is no target \"\"\n"},
		{"/api/v1/latest?target=target-1&probe=x", 404, "the target \"target-1\" has no probe \"x\"\n"},
		{"/api/v1/latest?probe=x", 404, "no target has the probe \"x\"\n"},
		{"/api/v1/latest?tagret=a&probe=b&x", 400,
		 "unknown parameter: tagret, x; there are target and probe\n"},
		{"/api/v1/latest?target=%zz", 400, "target: is too long, or has a broken percent sign\n"},
		{"/api/v1/latest?probe=%00", 400, "probe: is too long, or has a broken percent sign\n"},
	};
	struct web *web = web_start((struct web_plan){.targets = SMALL});
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answer answer = web_get(web, cases[i].path, "");
		cr_expect_eq(answer.status, cases[i].status, "%s", cases[i].path);
		if (answer.status == 200) {
			cr_expect_str_eq(web_field(&answer, "content-type"), "application/json");
			cr_expect(strstr(text_string(&answer.body), cases[i].body), "%s", answer.body.bytes);
		} else {
			cr_expect_str_eq(text_string(&answer.body), cases[i].body);
		}
		web_forget(&answer);
	}
	web_stop(web);
}

Test(exporter, latest_of_many_targets)
{
	struct web *web = web_start((struct web_plan){.targets = 20000});
	struct answer plain = web_get(web, "/api/v1/latest", ""), packed = web_get(web, "/api/v1/latest", GZIP);
	cr_expect(plain.is_chunked);
	cr_expect_eq(count_in(text_string(&plain.body), "\"metrics\""), 20000);
	cr_expect_str_eq(web_field(&packed, "content-encoding"), "gzip");
	struct text unpacked = inflated(&packed.body);
	cr_expect_str_eq(text_string(&unpacked), text_string(&plain.body));
	text_free(&unpacked);
	web_forget(&plain);
	web_forget(&packed);
	/* Clients that do not read take the places, and give them back when they leave. */
	int clients[8];
	for (unsigned i = 0; i < 8; i++) {
		char byte;
		clients[i] = web_connect(web, true);
		web_send(clients[i], "GET /api/v1/latest HTTP/1.1\r\nHost: a\r\n\r\n");
		cr_assert_eq(recv(clients[i], &byte, 1, MSG_PEEK), 1);
	}
	struct answer answer = web_get(web, "/api/v1/latest", "");
	cr_expect_eq(answer.status, 503);
	web_forget(&answer);
	for (unsigned i = 0; i < 8; i++)
		close(clients[i]);
	cr_expect(web_wait(web, "connections_open", 0));
	answer = web_get(web, "/api/v1/latest", "");
	cr_expect_eq(answer.status, 200);
	web_forget(&answer);
	web_stop(web);
}

/* --- methods and versions ---------------------------------------------------------------------------------------- */

static struct answer ask(int client, const char *request, bool has_body)
{
	web_send(client, request);
	return web_receive(client, has_body);
}

Test(exporter, only_get_and_head)
{
	static const char *const requests[] = {
		"POST /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
		"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
		"get /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
		"DELETE /config HTTP/1.1\r\nHost: a\r\n\r\n",
		"OPTIONS /-/ready HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /-/healthy HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
	};
	struct web *web = web_start((struct web_plan){.targets = SMALL});
	int client = web_connect(web, false);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct answer answer = ask(client, requests[i], true);
		cr_expect_eq(answer.status, 405, "%s", requests[i]);
		cr_expect_str_eq(web_field(&answer, "allow"), "GET, HEAD");
		web_forget(&answer);
	}
	close(client);
	web_stop(web);
}

Test(exporter, head_is_get_without_a_body)
{
	struct web *web = web_start((struct web_plan){.targets = BIG});
	int client = web_connect(web, false);
	struct answer answer = ask(client, "HEAD /metrics HTTP/1.1\r\nHost: a\r\n" OPENMETRICS GZIP "\r\n", false);
	cr_expect_eq(answer.status, 200);
	cr_expect_str_eq(web_field(&answer, "content-type"), OM_TYPE);
	cr_expect_str_eq(web_field(&answer, "content-encoding"), "gzip");
	web_forget(&answer);
	answer = ask(client, "HEAD /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n", false);
	cr_expect_eq(answer.status, 200);
	cr_expect_str_eq(web_field(&answer, "content-length"), "8");
	web_forget(&answer);
	answer = ask(client, "HEAD /none HTTP/1.1\r\nHost: a\r\n\r\n", false);
	cr_expect_eq(answer.status, 404);
	web_forget(&answer);
	/* Were there a body after all, this answer would begin with it. */
	answer = ask(client, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n", true);
	cr_expect_eq(answer.status, 200);
	cr_expect_str_eq(text_string(&answer.body), "healthy\n");
	web_forget(&answer);
	close(client);
	client = web_connect(web, false);
	answer = ask(client, "HEAD /metrics HTTP/1.0\r\n\r\n", true);
	cr_expect_eq(answer.status, 200);
	cr_expect_eq(answer.body.length, 0);
	web_forget(&answer);
	close(client);
	web_stop(web);
}

Test(exporter, http_1_0)
{
	struct web *web = web_start((struct web_plan){.targets = BIG});
	char *expected = expected_page(web, RENDER_TEXT);
	static const char *const requests[] = {"GET /metrics HTTP/1.0\r\n\r\n",
					       "GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"};
	for (size_t i = 0; i < 2; i++) {
		int client = web_connect(web, false);
		web_send(client, requests[i]);
		struct answer answer = web_receive(client, false);
		cr_expect_not(answer.is_chunked);
		cr_expect_str_eq(web_field(&answer, "connection"), "close");
		cr_expect_null(web_field(&answer, "content-length"));
		char *bytes = malloc(65536);
		ssize_t got;
		while ((got = recv(client, bytes, 65536, 0)) > 0)
			text_add_bytes(&answer.body, bytes, (size_t)got);
		cr_expect_eq(got, 0);
		expect_body(&answer, expected);
		free(bytes);
		web_forget(&answer);
		close(client);
	}
	mem_free(expected);
	/* What has a length can keep the connection, if the client asks for it. */
	int client = web_connect(web, false);
	struct answer answer = ask(client, "GET /-/healthy HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true);
	cr_expect_str_eq(web_field(&answer, "connection"), "keep-alive");
	web_forget(&answer);
	answer = ask(client, "GET /-/healthy HTTP/1.0\r\n\r\n", true);
	cr_expect_eq(answer.status, 200);
	cr_expect_str_eq(web_field(&answer, "connection"), "close");
	web_forget(&answer);
	cr_expect(web_is_closed(client));
	close(client);
	web_stop(web);
}

Test(exporter, requests_one_after_the_other_without_waiting)
{
	struct web *web = web_start((struct web_plan){.targets = 2000});
	char *expected = expected_page(web, RENDER_TEXT);
	int client = web_connect(web, false);
	web_send(client, "\r\n\r\nGET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n"
			 "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
			 "\r\nHEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
			 "GET /none HTTP/1.1\r\nHost: a\r\n\r\n"
			 "GET /config HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
			 "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n");
	static const int statuses[] = {200, 200, 200, 404, 200};
	for (size_t i = 0; i < 5; i++) {
		struct answer answer = web_receive(client, i != 2);
		cr_expect_eq(answer.status, statuses[i], "%zu", i);
		if (i == 1)
			expect_body(&answer, expected);
		web_forget(&answer);
	}
	struct answer none = web_receive(client, true);
	cr_expect_eq(none.status, 0, "after Connection: close comes nothing");
	web_forget(&none);
	close(client);
	mem_free(expected);
	web_stop(web);
}

Test(exporter, more_pipelined_requests_than_the_input_holds)
{
	enum { N = 2000 };
	struct web *web = web_start((struct web_plan){.targets = SMALL});
	int client = web_connect(web, false);
	static const char request[] = "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n";
	struct text all = {0};
	for (unsigned i = 0; i < N; i++)
		text_add(&all, request);
	web_send(client, text_string(&all));
	for (unsigned i = 0; i < N; i++) {
		struct answer answer = web_receive(client, true);
		cr_assert_eq(answer.status, 200, "%u", i);
		web_forget(&answer);
	}
	cr_expect_eq(web_figure(web, "requests_total"), N);
	text_free(&all);
	close(client);
	web_stop(web);
}

Test(exporter, a_client_that_closes_its_sending_side_is_answered)
{
	struct web *web = web_start((struct web_plan){.targets = BIG});
	char *expected = expected_page(web, RENDER_TEXT);
	int client = web_connect(web, false);
	web_send(client, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\nGET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n");
	shutdown(client, SHUT_WR);
	struct answer answer = web_receive(client, true);
	expect_body(&answer, expected);
	web_forget(&answer);
	answer = web_receive(client, true);
	cr_expect_eq(answer.status, 200);
	web_forget(&answer);
	cr_expect(web_is_closed(client));
	close(client);
	mem_free(expected);
	web_stop(web);
}

/* --- requests that are none -------------------------------------------------------------------------------------- */

Test(exporter, what_is_not_understood_ends_the_connection)
{
	static const struct {
		const char *request;
		int status;
	} cases[] = {
		{"hello\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n\r\n", 400},
		{"\x16\x03\x01\x02\x01\n\n", 400},
		{"GET / HTTP/3.0\r\n\r\n", 505},
		{"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", 501},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n", 413},
	};
	struct web *web = web_start((struct web_plan){0});
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int client = web_connect(web, false);
		struct answer answer = ask(client, cases[i].request, true);
		cr_expect_eq(answer.status, cases[i].status, "%s", cases[i].request);
		cr_expect_str_eq(web_field(&answer, "connection"), "close");
		cr_expect(web_is_closed(client));
		web_forget(&answer);
		close(client);
	}
	web_stop(web);
}

Test(exporter, a_head_too_long_to_be_read)
{
	struct web *web = web_start((struct web_plan){0});
	int client = web_connect(web, false);
	struct text request = {0};
	text_add(&request, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
	while (request.length < 40000)
		text_add(&request, "xxxxxxxxxxxxxxxx");
	struct answer answer = ask(client, text_string(&request), true);
	cr_expect_eq(answer.status, 431);
	cr_expect(web_is_closed(client));
	web_forget(&answer);
	text_free(&request);
	close(client);
	web_stop(web);
}

Test(exporter, what_comes_after_the_last_request_is_swallowed_up_to_a_ceiling)
{
	struct web *web = web_start((struct web_plan){0});
	int client = web_connect(web, false);
	web_send(client, "GET /-/healthy HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
	struct answer answer = web_receive(client, true);
	cr_expect_eq(answer.status, 413);
	cr_expect_str_eq(web_field(&answer, "connection"), "close");
	web_forget(&answer);
	/* The body is not taken for requests, and not more of it than a ceiling is swallowed. */
	static const char more[] = "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n";
	size_t sent = 0;
	for (ssize_t n = 0; n >= 0 && sent < ((size_t)256 << 20); sent += (size_t)n) {
		n = send(client, more, sizeof(more) - 1, MSG_NOSIGNAL);
		if (n < 0)
			break;
	}
	cr_expect_lt(sent, (size_t)256 << 20);
	cr_expect_eq(web_figure(web, "requests_total"), 1);
	close(client);
	cr_expect(web_wait(web, "connections_open", 0));
	web_stop(web);
}

/* --- slow clients, gone clients, many clients -------------------------------------------------------------------- */

Test(exporter, a_request_in_single_bytes)
{
	struct web *web = web_start((struct web_plan){0});
	int client = web_connect(web, false);
	const char *request = "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n";
	for (const char *c = request; *c != '\0'; c++) {
		web_send(client, (char[]){*c, '\0'});
		usleep(500);
	}
	struct answer answer = web_receive(client, true);
	cr_expect_eq(answer.status, 200);
	web_forget(&answer);
	close(client);
	web_stop(web);
}

Test(exporter, a_client_that_drips_bytes_is_cut_off)
{
	struct web *web = web_start((struct web_plan){.reply_timeout_ns = INT64_C(300000000)});
	int client = web_connect(web, false);
	web_send(client, "GET / HTTP/1.1\r\nX: ");
	bool is_cut = false;
	/* Less than the longest head, so that only the time can be the reason. */
	for (unsigned i = 0; i < 10000 && !is_cut; i++) {
		char byte;
		is_cut = send(client, "x", 1, MSG_NOSIGNAL) != 1 || recv(client, &byte, 1, MSG_DONTWAIT) == 0;
		usleep(2000);
	}
	cr_expect(is_cut);
	cr_expect_eq(web_figure(web, "timeouts_total"), 1);
	close(client);
	/* The same for one that says nothing at all. */
	client = web_connect(web, false);
	cr_expect(web_is_closed(client));
	close(client);
	cr_expect(web_wait(web, "connections_open", 0));
	web_stop(web);
}

Test(exporter, a_client_that_does_not_read_is_cut_off)
{
	struct web *web = web_start((struct web_plan){.targets = BIG, .reply_timeout_ns = INT64_C(300000000)});
	int client = web_connect(web, true);
	web_send(client, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
	cr_expect(web_wait(web, "scrapes_aborted_total", 1));
	cr_expect_eq(web_figure(web, "timeouts_total"), 1);
	cr_expect(web_wait(web, "connections_open", 0));
	close(client);
	web_stop(web);
}

Test(exporter, clients_that_go_away_in_the_middle_free_their_render)
{
	struct web *web = web_start((struct web_plan){.targets = BIG});
	for (int64_t i = 1; i <= 20; i++) {
		int client = web_connect(web, true);
		char bytes[1000];
		web_send(client, i % 2 ? "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
				       : "GET /metrics HTTP/1.1\r\nHost: a\r\n" GZIP "\r\n");
		cr_assert_gt(recv(client, bytes, sizeof(bytes), 0), 0);
		close(client);
	}
	cr_expect(web_wait(web, "connections_open", 0));
	cr_expect_eq(web_figure(web, "scrapes_aborted_total") + web_figure(web, "scrapes_total"), 20);
	cr_expect_geq(web_figure(web, "scrapes_aborted_total"), 10);
	struct answer answer = web_get(web, "/metrics", "");
	cr_expect_eq(answer.status, 200);
	web_forget(&answer);
	web_stop(web);
}

Test(exporter, too_many_scrapes_at_a_time)
{
	enum { N = SERVER_HEAVY_MAX };
	struct web *web = web_start((struct web_plan){.targets = BIG});
	int clients[N];
	for (unsigned i = 0; i < N; i++) {
		char byte;
		clients[i] = web_connect(web, true);
		web_send(clients[i], "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
		cr_assert_eq(recv(clients[i], &byte, 1, MSG_PEEK), 1);
	}
	struct answer answer = web_get(web, "/config", "");
	cr_expect_eq(answer.status, 503);
	cr_expect_str_eq(web_field(&answer, "retry-after"), "1");
	cr_expect_eq(web_figure(web, "requests_refused_total"), 1);
	web_forget(&answer);
	answer = web_get(web, "/-/healthy", "");
	cr_expect_eq(answer.status, 200);
	web_forget(&answer);
	close(clients[0]);
	cr_expect(web_wait(web, "connections_open", N - 1));
	answer = web_get(web, "/metrics", "");
	cr_expect_eq(answer.status, 200);
	web_forget(&answer);
	/* The rest is still open when the server goes. */
	web_stop(web);
	for (unsigned i = 1; i < N; i++)
		close(clients[i]);
}

Test(exporter, a_scrape_that_is_not_taken_makes_room)
{
	enum { N = SERVER_HEAVY_MAX };
	struct web *web = web_start((struct web_plan){.targets = BIG});
	int clients[N];
	struct answer answer;
	char bytes[100000];
	for (unsigned i = 0; i < N; i++) {
		clients[i] = web_connect(web, true);
		web_send(clients[i], "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
		cr_assert_eq(recv(clients[i], bytes, 1, MSG_PEEK), 1);
	}
	/* All but the oldest take something meanwhile: less in more time than anybody, however slow this machine is. */
	for (unsigned i = 1; i < N; i++) {
		for (unsigned j = 0; j < 5; j++)
			cr_assert_gt(recv(clients[i], bytes, sizeof(bytes), 0), 0);
	}
	do {
		usleep(100000);
		answer = web_get(web, "/metrics", "");
		int status = answer.status;
		web_forget(&answer);
		if (status == 200)
			break;
		cr_assert_eq(status, 503);
	} while (web_figure(web, "requests_refused_total") < 500);
	cr_expect_eq(web_figure(web, "connections_evicted_total"), 1);
	cr_expect_eq(web_figure(web, "scrapes_aborted_total"), 1);
	/* It was the one that took nothing: what it sends now meets nobody. */
	for (unsigned i = 0; i < PATIENCE_SECONDS * 100 && send(clients[0], "x", 1, MSG_NOSIGNAL) == 1; i++)
		usleep(10000);
	cr_expect_eq(send(clients[0], "x", 1, MSG_NOSIGNAL), -1);
	cr_expect_eq(send(clients[1], "x", 1, MSG_NOSIGNAL), 1);
	cr_expect_gt(recv(clients[1], bytes, sizeof(bytes), 0), 0);
	web_stop(web);
	for (unsigned i = 0; i < N; i++)
		close(clients[i]);
}

Test(exporter, a_newcomer_takes_the_place_of_the_oldest_that_waits)
{
	enum { N = 5 };
	struct web *web = web_start((struct web_plan){.max_connections = N});
	int clients[N];
	struct answer answer;
	for (unsigned i = 0; i < N; i++) {
		clients[i] = web_connect(web, false);
		answer = ask(clients[i], "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n", true);
		cr_expect_eq(answer.status, 200);
		web_forget(&answer);
	}
	for (unsigned i = 0; i < 50; i++) {
		int client = web_connect(web, false);
		answer = ask(client, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n", true);
		cr_expect_eq(answer.status, 200);
		web_forget(&answer);
		if (i == 0) {
			cr_expect(web_is_closed(clients[0]));
			answer = ask(clients[1], "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n", true);
			cr_expect_eq(answer.status, 200);
			web_forget(&answer);
		}
		close(client);
		cr_expect(web_wait(web, "connections_open", N - 1));
	}
	cr_expect_eq(web_figure(web, "connections_refused_total"), 0);
	cr_expect_eq(web_figure(web, "connections_evicted_total"), 1);
	for (unsigned i = 0; i < N; i++)
		close(clients[i]);
	cr_expect(web_wait(web, "connections_open", 0));
	web_stop(web);
}

Test(exporter, a_flood_from_one_address_does_not_push_others_out)
{
	enum { N = 8, FLOOD = 100 };
	struct web *web = web_start((struct web_plan){.max_connections = N});
	int honest = web_connect_from(web, "127.0.0.2", false), flood[FLOOD];
	struct answer answer = ask(honest, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n", true);
	cr_expect_eq(answer.status, 200);
	web_forget(&answer);
	for (unsigned i = 0; i < FLOOD; i++) {
		flood[i] = web_connect_from(web, "127.0.0.3", false);
		web_send(flood[i], "GET / HTTP/1.1\r\nX: ");
	}
	cr_expect(web_wait(web, "connections_evicted_total", FLOOD - (N - 1)));
	answer = ask(honest, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n", true);
	cr_expect_eq(answer.status, 200);
	web_forget(&answer);
	for (unsigned i = 0; i < FLOOD; i++)
		close(flood[i]);
	close(honest);
	cr_expect(web_wait(web, "connections_open", 0));
	web_stop(web);
}

Test(exporter, nobody_is_pushed_out_who_has_just_asked)
{
	enum { N = 3 };
	struct web *web = web_start((struct web_plan){.targets = BIG, .max_connections = N});
	int clients[N];
	for (unsigned i = 0; i < N; i++) {
		char byte;
		clients[i] = web_connect(web, true);
		web_send(clients[i], "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
		cr_assert_eq(recv(clients[i], &byte, 1, MSG_PEEK), 1);
	}
	int client = web_connect(web, false);
	struct answer answer = web_receive(client, true);
	cr_expect_eq(answer.status, 503);
	cr_expect_str_eq(web_field(&answer, "retry-after"), "1");
	cr_expect(web_is_closed(client));
	web_forget(&answer);
	close(client);
	cr_expect_eq(web_figure(web, "connections_refused_total"), 1);
	cr_expect_eq(web_figure(web, "connections_open"), N);
	for (unsigned i = 0; i < N; i++)
		close(clients[i]);
	web_stop(web);
}

Test(exporter, a_process_without_descriptors_accepts_again_when_there_are_some)
{
	enum { FILLERS = 256 };
	struct web *web = web_start((struct web_plan){0});
	struct rlimit limit = {FILLERS, FILLERS};
	int fillers[FILLERS], n = 0;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while (n < FILLERS && (fillers[n] = dup(STDERR_FILENO)) >= 0)
		n++;
	cr_assert_gt(n, 1);
	close(fillers[--n]);
	int client = web_connect(web, false); /* takes the last one */
	web_send(client, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n");
	usleep(50000); /* lets the server meet the fault; without that the test is only weaker */
	cr_expect_eq(web_figure(web, "connections_open"), 0);
	while (n > 0)
		close(fillers[--n]);
	struct answer answer = web_receive(client, true);
	cr_expect_eq(answer.status, 200);
	web_forget(&answer);
	close(client);
	web_stop(web);
}

/* --- listening --------------------------------------------------------------------------------------------------- */

static struct exporter *try_listen(struct loop *loop, struct exporter_settings *settings, char **items, size_t n,
				   struct err *err)
{
	static const struct exporter_host host;
	settings->listen = (struct option_list){items, n};
	return exporter_create(loop, settings, &host, NULL, err);
}

Test(exporter, listeners)
{
	struct err err = {0};
	struct loop *loop = loop_create(0, &err);
	struct exporter_settings settings = {.max_connections = 1, .request_timeout_ns = 1, .reply_timeout_ns = 1};
	char *both[] = {(char[]){"127.0.0.1:0"}, (char[]){"[::1]:0"}};
	struct exporter *exporter = try_listen(loop, &settings, both, 2, &err);
	cr_assert(exporter, "%s", err.text);
	cr_expect_eq(strncmp(exporter_listener(exporter, 0), "127.0.0.1:", 10), 0);
	cr_expect_eq(strncmp(exporter_listener(exporter, 1), "[::1]:", 6), 0);
	cr_expect_null(exporter_listener(exporter, 2));

	/* In use; the one that could be had is given back. */
	char *taken[] = {(char[]){"127.0.0.1:0"}, mem_copy_string(exporter_listener(exporter, 0))};
	struct exporter_settings other = settings;
	cr_expect_null(try_listen(loop, &other, taken, 2, &err));
	char *expected = mem_format("web.listen: %s: Address already in use", taken[1]);
	cr_expect_str_eq(err.text, expected);
	mem_free(expected);
	mem_free(taken[1]);

	struct exporter *none = try_listen(loop, &other, NULL, 0, &err);
	cr_expect(none);
	cr_expect_null(exporter_listener(none, 0));
	exporter_free(none);
	exporter_free(exporter);
	exporter_free(NULL);
	loop_free(loop);
}

Test(exporter, addresses_that_are_none)
{
	static const char *const wrong[] = {"localhost:9975", "127.0.0.1:x",  ":9975", "1.2.3:80", "",
					    "[::1",           "1.1.1.1:65536"};
	struct err err = {0};
	struct loop *loop = loop_create(0, &err);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct exporter_settings settings = {.max_connections = 1};
		char *item = mem_copy_string(wrong[i]);
		cr_expect_null(try_listen(loop, &settings, &item, 1, &err));
		cr_expect(strstr(err.text, "web.listen: "), "%s", err.text);
		cr_expect(strstr(err.text, "must be an IP address and a port"), "%s", err.text);
		mem_free(item);
	}
	/* An address that is not this machine's (TEST-NET-1). */
	struct exporter_settings settings = {.max_connections = 1};
	char *item = mem_copy_string("192.0.2.1:0");
	cr_expect_null(try_listen(loop, &settings, &item, 1, &err));
	cr_expect(strstr(err.text, "Cannot assign requested address"), "%s", err.text);
	mem_free(item);
	loop_free(loop);
}

Test(exporter, options_have_defaults)
{
	struct exporter_settings settings = {0};
	option_set_defaults(exporter_options, exporter_noptions, &settings);
	cr_assert_eq(settings.listen.n, 1);
	cr_expect_str_eq(settings.listen.items[0], "0.0.0.0:9975");
	cr_expect_eq(settings.max_series, 2000000);
	cr_expect_gt(settings.max_connections, 0);
	cr_expect_eq(settings.reply_timeout_ns, INT64_C(30000000000));
	option_free(exporter_options, exporter_noptions, &settings);
}
