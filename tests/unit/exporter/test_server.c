/*
 * Requests with bodies, the daemon's own routes, and replies that come later.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "exporter/server.h"
#include "web_fixture.h"

#define PLAIN      "text/plain; charset=utf-8"
#define PIECES     300
#define PIECE_SIZE 4000

/* What waits; one at a time. All but the counters belongs to the web thread. */
struct desk {
	struct connection *connection;
	_Atomic unsigned waited, gone;
	_Atomic bool is_freed;
	unsigned pieces;
};

static void note_gone(void *arg)
{
	struct desk *desk = arg;
	desk->connection = NULL;
	atomic_fetch_add(&desk->gone, 1);
}

static void serve_later(void *context, struct connection *connection, const struct http_request *request)
{
	struct desk *desk = ((struct web *)context)->arg;
	(void)request;
	desk->connection = connection;
	connection_wait(connection, note_gone, desk);
	atomic_fetch_add(&desk->waited, 1);
}

static void serve_now(void *context, struct connection *connection, const struct http_request *request)
{
	(void)context;
	connection_reply(connection, &(struct http_reply){200, PLAIN, NULL}, request->method, strlen(request->method));
}

static const struct exporter_route test_routes[] = {
	{"/later", "GET", serve_later, false}, {"/later", "POST", serve_later, false},
	{"/both", "GET", serve_now, false},    {"/both", "POST", serve_now, false},
	{"/get", "GET", serve_now, false},     {"/post", "POST", serve_now, false},
};

static struct web *start(struct desk *desk, int64_t reply_timeout_ns)
{
	*desk = (struct desk){0};
	return web_start((struct web_plan){.routes = test_routes,
					   .nroutes = sizeof(test_routes) / sizeof(test_routes[0]),
					   .arg = desk,
					   .reply_timeout_ns = reply_timeout_ns});
}

static bool wait_until(const _Atomic unsigned *figure, unsigned value)
{
	for (unsigned i = 0; i < PATIENCE_SECONDS * 200; i++) {
		if (atomic_load(figure) == value)
			return true;
		usleep(5000);
	}
	return false;
}

/* --- mail to the web thread: the reply -----------------------------------------------------------------------------
 */

struct reply_mail {
	struct mail mail;
	struct desk *desk;
	bool is_stream;
};

static bool more(void *state, struct evbuffer *out)
{
	struct desk *desk = state;
	char piece[PIECE_SIZE];
	memset(piece, 'x', sizeof(piece));
	evbuffer_add(out, piece, sizeof(piece));
	return ++desk->pieces < PIECES;
}

static void free_stream(void *state, bool is_complete)
{
	(void)is_complete;
	atomic_store(&((struct desk *)state)->is_freed, true);
}

static void deliver_reply(struct mail *mail, void *owner)
{
	struct reply_mail *message = (struct reply_mail *)mail;
	struct desk *desk = message->desk;
	const struct http_reply reply = {200, PLAIN, NULL};
	(void)owner;
	if (desk->connection && message->is_stream)
		connection_stream(desk->connection, &reply,
				  &(struct stream){.more = more, .free = free_stream, .state = desk});
	else if (desk->connection)
		connection_reply(desk->connection, &reply, "here\n", 5);
	desk->connection = NULL;
	mem_free(message);
}

static void drop_reply(struct mail *mail)
{
	mem_free(mail);
}

static void reply_now(struct web *web, struct desk *desk, bool is_stream)
{
	struct reply_mail *message = mem_zero(1, sizeof(*message));
	*message = (struct reply_mail){{NULL, deliver_reply, drop_reply}, desk, is_stream};
	cr_assert(mailbox_post(web->mailbox, &message->mail));
}

static void expect_answer(int client, bool has_body, int status, const char *body)
{
	struct answer answer = web_receive(client, has_body);
	cr_expect_eq(answer.status, status, "%d", answer.status);
	cr_expect_str_eq(text_string(&answer.body), body);
	web_forget(&answer);
}

/* --- routes ------------------------------------------------------------------------------------------------------ */

Test(server, methods_of_a_route)
{
	static const struct {
		const char *request;
		int status;
		const char *allow, *body;
	} cases[] = {
		{"GET /get", 200, NULL, "GET"},
		{"GET /both?x=y", 200, NULL, "GET"},
		{"POST /both", 200, NULL, "POST"},
		{"POST /post", 200, NULL, "POST"},
		{"POST /get", 405, "GET, HEAD", "only GET and HEAD are allowed here\n"},
		{"GET /post", 405, "POST", "only POST is allowed here\n"},
		{"PUT /post", 405, "POST", "only POST is allowed here\n"},
		{"OPTIONS /both", 405, "GET, HEAD, POST", "only GET, HEAD and POST are allowed here\n"},
		{"post /both", 405, "GET, HEAD, POST", "only GET, HEAD and POST are allowed here\n"},
		{"POST /-/healthy", 405, "GET, HEAD", "only GET and HEAD are allowed here\n"},
		{"POST /none", 404, NULL, "there is no such page\n"},
		{"POST /get/", 404, NULL, "there is no such page\n"},
	};
	struct desk desk;
	struct web *web = start(&desk, 0);
	int client = web_connect(web, false);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char request[128];
		snprintf(request, sizeof(request), "%s HTTP/1.1\r\nHost: a\r\n\r\n", cases[i].request);
		web_send(client, request);
		struct answer answer = web_receive(client, true);
		cr_expect_eq(answer.status, cases[i].status, "%s", request);
		const char *allow = web_field(&answer, "allow");
		cr_expect_eq(allow != NULL, cases[i].allow != NULL, "%s", request);
		if (allow && cases[i].allow)
			cr_expect_str_eq(allow, cases[i].allow);
		cr_expect_str_eq(text_string(&answer.body), cases[i].body);
		web_forget(&answer);
	}
	web_send(client, "HEAD /get HTTP/1.1\r\nHost: a\r\n\r\nHEAD /post HTTP/1.1\r\nHost: a\r\n\r\n");
	expect_answer(client, false, 200, "");
	expect_answer(client, false, 405, "");
	close(client);
	web_stop(web);
}

/* --- bodies ------------------------------------------------------------------------------------------------------ */

#define POST   "POST /post HTTP/1.1\r\nHost: a\r\n"
#define HEALTH "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n"

Test(server, a_body_is_read_and_the_connection_goes_on)
{
	static const char *const requests[] = {
		POST "Content-Length: 0\r\n\r\n",
		POST "Content-Length: 5\r\n\r\nhello",
		POST "Content-Length: 37\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\n\r\n\r\n\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n",
	};
	struct desk desk;
	struct web *web = start(&desk, 0);
	int client = web_connect(web, false);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct text both = {0};
		text_add_format(&both, "%s%s", requests[i], HEALTH);
		web_send(client, text_string(&both));
		expect_answer(client, true, 200, "POST");
		expect_answer(client, true, 200, "healthy\n");
		/* The same in single bytes; nothing is answered before the body is whole. */
		for (const char *c = requests[i]; *c != '\0'; c++) {
			char byte;
			cr_expect_eq(recv(client, &byte, 1, MSG_DONTWAIT | MSG_PEEK), -1, "%s", c);
			web_send(client, (char[]){*c, '\0'});
			if (i == 4)
				usleep(100);
		}
		expect_answer(client, true, 200, "POST");
		text_free(&both);
	}
	cr_expect_eq(web_figure(web, "requests_total"), 15);
	close(client);
	web_stop(web);
}

Test(server, a_long_body)
{
	struct desk desk;
	struct web *web = start(&desk, 0);
	int client = web_connect(web, false);
	struct text request = {0};
	text_add_format(&request, POST "Content-Length: %d\r\n\r\n", HTTP_BODY_MAX);
	for (unsigned i = 0; i < HTTP_BODY_MAX; i++)
		text_add_char(&request, 'x');
	text_add(&request, HEALTH);
	web_send(client, text_string(&request));
	expect_answer(client, true, 200, "POST");
	expect_answer(client, true, 200, "healthy\n");
	text_free(&request);
	close(client);
	web_stop(web);
}

Test(server, a_body_that_is_too_long_or_broken_ends_the_connection)
{
	static const struct {
		const char *request;
		int status;
	} cases[] = {
		{POST "Content-Length: 65537\r\n\r\n", 413},
		{POST "Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n", 413},
		{POST "Content-Length: 999999999999999999\r\n\r\nxxx", 413},
		{POST "Transfer-Encoding: chunked\r\n\r\n10001\r\n", 413},
		{POST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nfffffffff\r\n", 413},
		{POST "Transfer-Encoding: chunked\r\n\r\nhello", 400},
		{POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello", 400},
		{POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400},
	};
	struct desk desk;
	struct web *web = start(&desk, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int client = web_connect(web, false);
		web_send(client, cases[i].request);
		struct answer answer = web_receive(client, true);
		cr_expect_eq(answer.status, cases[i].status, "%s", cases[i].request);
		cr_expect_str_eq(web_field(&answer, "connection"), "close");
		cr_expect(web_is_closed(client));
		web_forget(&answer);
		close(client);
	}
	web_stop(web);
}

Test(server, a_client_that_waits_to_send_its_body_is_told_to)
{
	struct desk desk;
	struct web *web = start(&desk, 0);
	int client = web_connect(web, false);
	web_send(client, POST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
	struct answer answer = web_receive(client, false);
	cr_expect_eq(answer.status, 100);
	cr_expect_str_eq(text_string(&answer.head), "HTTP/1.1 100 Continue\r\n\r\n");
	web_forget(&answer);
	web_send(client, "hello" HEALTH);
	expect_answer(client, true, 200, "POST");
	expect_answer(client, true, 200, "healthy\n");
	/* Not who did not wait, nor who knows no such thing. */
	web_send(client, POST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
	expect_answer(client, true, 200, "POST");
	web_send(client, "POST /post HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
	web_send(client, "hello");
	expect_answer(client, true, 200, "POST");
	close(client);
	web_stop(web);
}

Test(server, a_body_that_never_comes)
{
	struct desk desk;
	struct web *web = start(&desk, INT64_C(300000000));
	int clients[2];
	for (unsigned i = 0; i < 2; i++) {
		clients[i] = web_connect(web, false);
		web_send(clients[i], POST "Content-Length: 5\r\n\r\nhell");
	}
	shutdown(clients[1], SHUT_WR);
	for (unsigned i = 0; i < 2; i++) {
		struct answer answer = web_receive(clients[i], true);
		cr_expect_eq(answer.status, 0);
		web_forget(&answer);
		close(clients[i]);
	}
	cr_expect_eq(web_figure(web, "timeouts_total"), 1);
	web_stop(web);
}

/* --- replies that come later ------------------------------------------------------------------------------------- */

#define LATER "GET /later HTTP/1.1\r\nHost: a\r\n\r\n"

Test(server, a_reply_that_comes_later)
{
	static const char *const requests[] = {
		LATER,
		"POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
		"HEAD /later HTTP/1.1\r\nHost: a\r\n\r\n",
	};
	struct desk desk;
	struct web *web = start(&desk, 0);
	int client = web_connect(web, false);
	for (unsigned i = 0; i < 12; i++) {
		bool is_stream = i / 3 % 2, has_body = i % 3 < 2;
		web_send(client, requests[i % 3]);
		cr_assert(wait_until(&desk.waited, i + 1));
		reply_now(web, &desk, is_stream);
		struct answer answer = web_receive(client, has_body);
		cr_expect_eq(answer.status, 200, "%u", i);
		cr_expect_eq(answer.body.length, !has_body ? 0 : is_stream ? PIECES * PIECE_SIZE : 5, "%u", i);
		cr_expect_eq(answer.is_chunked, is_stream, "%u", i);
		web_forget(&answer);
		if (is_stream)
			cr_expect(atomic_exchange(&desk.is_freed, false));
		desk.pieces = 0; /* nobody else's now */
	}
	cr_expect_eq(atomic_load(&desk.gone), 0);
	close(client);
	web_stop(web);
}

Test(server, what_is_behind_a_waiting_request_waits_too)
{
	struct desk desk;
	struct web *web = start(&desk, 0);
	int client = web_connect(web, false);
	web_send(client, LATER HEALTH LATER HEALTH);
	for (unsigned i = 1; i <= 2; i++) {
		cr_assert(wait_until(&desk.waited, i));
		web_send(client, HEALTH);
		struct answer other = web_get(web, "/-/healthy", "");
		cr_expect_eq(other.status, 200);
		web_forget(&other);
		cr_expect_eq(web_figure(web, "requests_total"), 3 * i - 1);
		char byte;
		cr_expect_eq(recv(client, &byte, 1, MSG_DONTWAIT), -1);
		reply_now(web, &desk, false);
		expect_answer(client, true, 200, "here\n");
		expect_answer(client, true, 200, "healthy\n");
	}
	expect_answer(client, true, 200, "healthy\n");
	expect_answer(client, true, 200, "healthy\n");
	close(client);
	web_stop(web);
}

Test(server, a_client_that_closed_its_sending_side_gets_the_late_reply)
{
	struct desk desk;
	struct web *web = start(&desk, 0);
	for (unsigned i = 0; i < 4; i++) {
		int client = web_connect(web, false);
		web_send(client, i % 2 ? LATER HEALTH : LATER);
		if (i < 2)
			cr_assert(wait_until(&desk.waited, i + 1));
		shutdown(client, SHUT_WR);
		cr_assert(wait_until(&desk.waited, i + 1));
		usleep(20000); /* lets the server see the end; without that the test is only weaker */
		reply_now(web, &desk, i >= 2);
		struct answer answer = web_receive(client, true);
		cr_expect_eq(answer.status, 200);
		web_forget(&answer);
		if (i % 2)
			expect_answer(client, true, 200, "healthy\n");
		cr_expect(web_is_closed(client));
		close(client);
		desk.pieces = 0;
	}
	cr_expect_eq(atomic_load(&desk.gone), 0);
	web_stop(web);
}

static void reset_connection(int client)
{
	const struct linger linger = {.l_onoff = 1, .l_linger = 0};
	setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(client);
}

Test(server, a_client_that_is_gone)
{
	struct desk desk;
	struct web *web = start(&desk, 0);
	for (unsigned i = 0; i < 6; i++) {
		int client = web_connect(web, false);
		web_send(client, i % 3 == 1 ? LATER HEALTH : LATER);
		cr_assert(wait_until(&desk.waited, i + 1));
		if (i % 3 == 2) {
			shutdown(client, SHUT_WR);
			usleep(20000); /* as above */
		}
		reset_connection(client);
		cr_expect(wait_until(&desk.gone, i + 1), "%u", i);
		cr_expect(web_wait(web, "connections_open", 0));
		reply_now(web, &desk, false); /* finds nobody */
	}
	cr_expect_eq(web_figure(web, "timeouts_total"), 0);
	web_stop(web);
}

Test(server, a_client_that_closed_is_noticed_when_it_is_answered)
{
	struct desk desk;
	struct web *web = start(&desk, 0);
	int client = web_connect(web, false);
	web_send(client, LATER);
	cr_assert(wait_until(&desk.waited, 1));
	close(client);
	reply_now(web, &desk, true);
	cr_expect(web_wait(web, "connections_open", 0));
	cr_expect(atomic_load(&desk.is_freed));
	cr_expect_eq(atomic_load(&desk.gone), 0);
	web_stop(web);
}

Test(server, a_reply_that_does_not_come_in_time)
{
	struct desk desk;
	struct web *web = start(&desk, INT64_C(300000000));
	int client = web_connect(web, false);
	web_send(client, LATER HEALTH);
	cr_expect(web_is_closed(client));
	cr_expect_eq(atomic_load(&desk.gone), 1);
	cr_expect_eq(web_figure(web, "timeouts_total"), 1);
	close(client);
	web_stop(web);
}

Test(server, a_reply_that_the_server_does_not_live_to_see)
{
	struct desk desk;
	struct web *web = start(&desk, 0);
	int client = web_connect(web, false);
	web_send(client, LATER);
	cr_assert(wait_until(&desk.waited, 1));
	web_stop(web);
	cr_expect_eq(atomic_load(&desk.gone), 1);
	close(client);
}

/* --- a crowd ----------------------------------------------------------------------------------------------------- */

#define CROWD      400
#define CROWD_ROOM 4

struct crowd {
	struct loop *loop;
	struct server *server;
	struct alarm alarm;
	unsigned seen, most; /* connections; descriptors at a time */
	int clients[CROWD];
};

static unsigned count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned n = 0;
	while (folder && readdir(folder))
		n++;
	closedir(folder);
	return n;
}

static struct tls_context *note_newcomer(void *context)
{
	struct crowd *crowd = context;
	unsigned n = count_descriptors();
	crowd->most = n > crowd->most ? n : crowd->most;
	if (++crowd->seen == CROWD)
		loop_stop(crowd->loop);
	return NULL;
}

static const char *no_fields(void *context)
{
	(void)context;
	return NULL;
}

static void give_up(void *arg)
{
	loop_stop(((struct crowd *)arg)->loop);
}

static void connect_crowd(struct crowd *crowd)
{
	unsigned port = (unsigned)atoi(strrchr(server_listener(crowd->server, 0), ':') + 1);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (unsigned i = 0; i < CROWD; i++) {
		crowd->clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		cr_assert_eq(connect(crowd->clients[i], (struct sockaddr *)&to, sizeof(to)), 0);
	}
}

/* What is evicted is freed a turn of the loop later, so a turn must not take all that wait at the door. */
Test(server, a_crowd_does_not_pass_the_ceiling_in_one_turn)
{
	struct crowd crowd = {0};
	struct err err = {0};
	char *address = mem_copy_string("127.0.0.1:0");
	const struct option_list listen = {&address, 1};
	const struct server_guard guard = {.context = &crowd, .tls = note_newcomer, .fields = no_fields};
	crowd.loop = loop_create(0, &err);
	crowd.server = server_create(&(struct server_plan){.loop = crowd.loop,
							   .listen = &listen,
							   .max_connections = CROWD_ROOM,
							   .request_timeout_ns = 60 * NS_PER_SECOND,
							   .guard = &guard},
				     &err);
	cr_assert_not_null(crowd.server, "%s", err.text);
	connect_crowd(&crowd);
	unsigned before = count_descriptors();
	alarm_prepare(&crowd.alarm, give_up, &crowd);
	alarm_set(crowd.loop, &crowd.alarm, clock_monotonic_ns() + PATIENCE_SECONDS * NS_PER_SECOND);
	cr_assert_eq(loop_run(crowd.loop, &err), 0);
	cr_expect_eq(crowd.seen, CROWD);
	cr_expect_leq(crowd.most - before, CROWD_ROOM + 100, "%u", crowd.most - before);
	alarm_cancel(crowd.loop, &crowd.alarm);
	server_free(crowd.server);
	for (unsigned i = 0; i < CROWD; i++)
		close(crowd.clients[i]);
	loop_free(crowd.loop);
	mem_free(address);
}
