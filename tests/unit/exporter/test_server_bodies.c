#include <stdatomic.h>

#include "exporter/server.h"
#include "web_fixture.h"

#define MIB   ((size_t)1024 * 1024)
#define LIMIT ((size_t)15 * MIB)

#define PLAIN "text/plain"

static void reply(struct connection *connection, int status, const char *text)
{
	connection_reply(connection, &(struct http_reply){status, PLAIN, NULL}, text, strlen(text));
}

/* /tree/no is refused before its body; /tree/small has a low ceiling. */
static bool begin(void *context, struct connection *connection, const struct http_request *request,
		  size_t *max_body_bytes)
{
	(void)context;
	*max_body_bytes = strcmp(request->path, "/tree/small") == 0 ? 10 : LIMIT;
	if (strcmp(request->path, "/tree/no") != 0)
		return true;
	reply(connection, 403, "not you\n");
	return false;
}

/* Short bodies come back, of long ones the length and a sum. */
static void serve(void *context, struct connection *connection, const struct http_request *request)
{
	struct text text = {0};
	unsigned sum = 0;
	(void)context;
	for (size_t i = 0; i < request->body_length; i++)
		sum = sum * 31 + (unsigned char)request->body[i];
	cr_expect_eq(request->body[request->body_length], '\0');
	if (request->body_length < 100)
		text_add_bytes(&text, request->body, request->body_length);
	else
		text_add_format(&text, "%zu %u", request->body_length, sum);
	text_add_format(&text, "|%s", request->method);
	reply(connection, 200, text_string(&text));
	text_free(&text);
}

static void refuse(void *context, struct connection *connection, const struct http_request *request, int status)
{
	struct text text = {0};
	(void)context;
	text_add_format(&text, "refused %s", request->path);
	reply(connection, status, text_string(&text));
	text_free(&text);
}

static const struct exporter_tree tree = {"/tree/", begin, serve, refuse};

static struct web *start(int64_t timeout_ns)
{
	return web_start((struct web_plan){.tree = &tree, .reply_timeout_ns = timeout_ns});
}

static void expect_answer(int client, int status, const char *body)
{
	struct answer answer = web_receive(client, true);
	cr_expect_eq(answer.status, status, "%d", answer.status);
	cr_expect_str_eq(text_string(&answer.body), body);
	web_forget(&answer);
}

#define POST "POST /tree/a HTTP/1.1\r\nHost: a\r\n"

Test(server_bodies, come_with_their_requests)
{
	static const struct {
		const char *request, *answer;
	} cases[] = {
		{POST "Content-Length: 5\r\n\r\nhello", "hello|POST"},
		{POST "Content-Length: 0\r\n\r\n", "|POST"},
		{POST "\r\n", "|POST"},
		{POST "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nA: b\r\n\r\n",
		 "hello world|POST"},
		{POST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "|POST"},
		{"GET /tree/a HTTP/1.1\r\nHost: a\r\n\r\n", "|GET"},
		{"PATCH /tree/b?c HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "abc|PATCH"},
	};
	struct web *web = start(0);
	int client = web_connect(web, false);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		web_send(client, cases[i].request);
		expect_answer(client, 200, cases[i].answer);
		for (const char *c = cases[i].request; *c != '\0'; c++)
			web_send(client, (char[]){*c, '\0'});
		expect_answer(client, 200, cases[i].answer);
	}
	/* One behind the other, in one piece. */
	web_send(client, POST "Content-Length: 3\r\n\r\none" POST "Content-Length: 3\r\n\r\ntwo");
	expect_answer(client, 200, "one|POST");
	expect_answer(client, 200, "two|POST");
	cr_expect_eq(web_figure(web, "body_bytes"), 0);
	close(client);
	web_stop(web);
}

/* What other paths do with bodies has not changed. */
Test(server_bodies, are_kept_below_the_tree_only)
{
	struct web *web = start(0);
	int client = web_connect(web, false);
	web_send(client, "POST /tree HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none");
	expect_answer(client, 404, "there is no such page\n");
	web_send(client, "POST /-/healthy HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n");
	expect_answer(client, 413, "413 Content Too Large\n");
	close(client);
	web_stop(web);
}

Test(server_bodies, what_is_refused)
{
	static const struct {
		const char *request;
		int status;
		const char *answer;
		bool is_last;
	} cases[] = {
		{"POST /tree/small HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789", 200, "0123456789|POST",
		 false},
		{"POST /tree/small HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", 413, "refused /tree/small",
		 true},
		{"POST /tree/small HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n", 413,
		 "refused /tree/small", true},
		{"POST /tree/small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n012345678\r\n2\r\n",
		 413, "refused /tree/small", true},
		{POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd", 400, "refused /tree/a", true},
		/* Before its body: who waits to be told to send it is told no. */
		{"POST /tree/no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", 403,
		 "not you\n", true},
		{"POST /tree/no HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 403, "not you\n", true},
		{"GET /tree/no HTTP/1.1\r\nHost: a\r\n\r\n", 403, "not you\n", false},
	};
	struct web *web = start(0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int client = web_connect(web, false);
		web_send(client, cases[i].request);
		struct answer answer = web_receive(client, true);
		const char *field = web_field(&answer, "connection");
		cr_expect_eq(answer.status, cases[i].status, "%s", cases[i].request);
		cr_expect_str_eq(text_string(&answer.body), cases[i].answer);
		cr_expect_eq(field && strcmp(field, "close") == 0, cases[i].is_last, "%s", cases[i].request);
		if (cases[i].is_last)
			cr_expect(web_is_closed(client));
		web_forget(&answer);
		close(client);
	}
	cr_expect_eq(web_figure(web, "body_bytes"), 0);
	web_stop(web);
}

Test(server_bodies, who_waits_to_send_one_is_told_to)
{
	struct web *web = start(0);
	int client = web_connect(web, false);
	web_send(client, POST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
	struct answer answer = web_receive(client, false);
	cr_expect_eq(answer.status, 100);
	web_forget(&answer);
	web_send(client, "hello");
	expect_answer(client, 200, "hello|POST");
	close(client);
	web_stop(web);
}

Test(server_bodies, that_never_end_are_told_so)
{
	struct web *web = start(INT64_C(300000000));
	int slow = web_connect(web, false), gone = web_connect(web, false);
	web_send(slow, POST "Content-Length: 5\r\n\r\nhell");
	web_send(gone, POST "Content-Length: 5\r\n\r\nhell");
	close(gone);
	expect_answer(slow, 408, "refused /tree/a");
	cr_expect(web_is_closed(slow));
	cr_expect(web_wait(web, "timeouts_total", 1));
	cr_expect(web_wait(web, "body_bytes", 0));
	close(slow);
	cr_expect(web_wait(web, "connections_open", 0));
	web_stop(web);
}

/* --- room -------------------------------------------------------------------------------------------------------- */

static void send_all(int client, const char *bytes, size_t n)
{
	for (size_t sent = 0; sent < n;) {
		ssize_t now = send(client, bytes + sent, n - sent, MSG_NOSIGNAL);
		cr_assert_gt(now, 0);
		sent += (size_t)now;
	}
}

/* All but the last byte of a body of that many. */
static int send_part(struct web *web, const char *from, const char *bytes, size_t n)
{
	int client = web_connect_from(web, from, false);
	struct text head = {0};
	text_add_format(&head, POST "Content-Length: %zu\r\n\r\n", n);
	web_send(client, text_string(&head));
	send_all(client, bytes, n - 1);
	text_free(&head);
	return client;
}

Test(server_bodies, share_a_ceiling)
{
	struct web *web = start(0);
	char *bytes = mem_alloc(LIMIT);
	struct text head = {0};
	memset(bytes, 'x', LIMIT);
	/* Two of one client take nearly all of the room; a third one of it gets none. */
	int first = send_part(web, "127.0.0.2", bytes, LIMIT);
	cr_expect(web_wait(web, "body_bytes", (int64_t)LIMIT - 1));
	int second = send_part(web, "127.0.0.2", bytes, LIMIT);
	cr_expect(web_wait(web, "body_bytes", 2 * (int64_t)LIMIT - 2));
	int third = web_connect_from(web, "127.0.0.2", false);
	text_add_format(&head, POST "Content-Length: %zu\r\n\r\n", 3 * MIB);
	web_send(third, text_string(&head));
	send_all(third, bytes, 3 * MIB - 1);
	expect_answer(third, 503, "refused /tree/a");
	close(third);
	/* Another client does, in the place of the oldest. */
	int other = send_part(web, "127.0.0.3", bytes, 3 * MIB);
	cr_expect(web_wait(web, "body_bytes", (int64_t)LIMIT + 3 * (int64_t)MIB - 2));
	cr_expect(web_is_closed(first));
	cr_expect_eq(web_figure(web, "connections_evicted_total"), 1);
	send_all(other, "x", 1);
	struct answer answer = web_receive(other, true);
	cr_expect_eq(answer.status, 200);
	cr_expect(strstr(text_string(&answer.body), "3145728 "), "%s", text_string(&answer.body));
	web_forget(&answer);
	send_all(second, "x", 1);
	answer = web_receive(second, true);
	cr_expect_eq(answer.status, 200);
	web_forget(&answer);
	cr_expect_eq(web_figure(web, "body_bytes"), 0);
	close(first);
	close(second);
	close(other);
	text_free(&head);
	mem_free(bytes);
	web_stop(web);
}

/* Whose body is not there is idle, however much of it is: a newcomer gets its place. */
Test(server_bodies, make_room_for_newcomers)
{
	struct web *web = web_start((struct web_plan){.tree = &tree, .max_connections = 2});
	int clients[2];
	for (unsigned i = 0; i < 2; i++) {
		clients[i] = web_connect_from(web, "127.0.0.2", false);
		web_send(clients[i], POST "Content-Length: 5\r\n\r\nhell");
		cr_expect(web_wait(web, "body_bytes", 4 * ((int64_t)i + 1)));
	}
	int client = web_connect(web, false);
	web_send(client, POST "Content-Length: 2\r\n\r\nhi");
	expect_answer(client, 200, "hi|POST");
	cr_expect(web_is_closed(clients[0]));
	web_send(clients[1], "o");
	expect_answer(clients[1], 200, "hello|POST");
	close(client);
	close(clients[0]);
	close(clients[1]);
	web_stop(web);
}
