/* Pages of the daemon, and replies that come later. */
#include "exporter/server.h"
#include "web_fixture.h"

/* A page that waits until the test lets it go, by mail. */
struct page {
	struct web *web;
	struct mail mail;
	struct connection *connection;
	_Atomic int waiting, gone;
};

static struct page page;

static void went(void *arg)
{
	struct page *of = arg;
	of->connection = NULL;
	atomic_fetch_add(&of->gone, 1);
}

static void serve_later(void *context, struct connection *connection, const struct http_request *request)
{
	(void)context;
	(void)request;
	page.connection = connection;
	connection_wait(connection, went, &page);
	atomic_fetch_add(&page.waiting, 1);
}

static void serve_now(void *context, struct connection *connection, const struct http_request *request)
{
	(void)context;
	connection_reply(connection, &(struct http_reply){200, "text/plain", NULL}, request->method,
			 strlen(request->method));
}

static const struct exporter_route routes[] = {{"/later", "GET", serve_later},
					       {"/later-post", "POST", serve_later},
					       {"/get", "GET", serve_now},
					       {"/post", "POST", serve_now}};

static struct web *start(struct web_plan plan)
{
	struct web *web = web_start(plan);
	web->host.routes = routes;
	web->host.nroutes = sizeof(routes) / sizeof(routes[0]);
	page = (struct page){.web = web};
	return web;
}

static void deliver(struct mail *mail, void *owner)
{
	(void)mail;
	(void)owner;
	if (page.connection)
		connection_reply(page.connection, &(struct http_reply){200, "text/plain", NULL}, "at last\n", 8);
	page.connection = NULL;
}

static void drop(struct mail *mail)
{
	(void)mail;
}

static void let_go(struct web *web)
{
	page.mail = (struct mail){.deliver = deliver, .drop = drop};
	cr_assert(mailbox_post(web->mailbox, &page.mail));
}

static void wait_for(_Atomic int *count, int value)
{
	for (int i = 0; i < PATIENCE_SECONDS * 200 && atomic_load(count) != value; i++)
		usleep(5000);
	cr_assert_eq(atomic_load(count), value);
}

Test(routes, methods)
{
	static const struct {
		const char *request;
		int status;
		const char *allow;
	} cases[] = {
		{"GET /get HTTP/1.1\r\nHost: t\r\n\r\n", 200, NULL},
		{"POST /get HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n", 405, "GET, HEAD"},
		{"POST /post HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n", 200, NULL},
		{"POST /post HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello", 200, NULL},
		{"GET /post HTTP/1.1\r\nHost: t\r\n\r\n", 405, "POST"},
		{"PUT /post HTTP/1.1\r\nHost: t\r\n\r\n", 405, "POST"},
		{"GET /other HTTP/1.1\r\nHost: t\r\n\r\n", 404, NULL},
	};
	struct web *web = start((struct web_plan){0});
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int client = web_connect(web, false);
		web_send(client, cases[i].request);
		struct answer answer = web_receive(client, true);
		cr_expect_eq(answer.status, cases[i].status, "%s: %d", cases[i].request, answer.status);
		if (cases[i].allow)
			cr_expect_str_eq(web_field(&answer, "allow"), cases[i].allow);
		web_forget(&answer);
		close(client);
	}
	web_stop(web);
}

/* The next request of the connection waits behind it. */
Test(routes, a_reply_that_comes_later)
{
	struct web *web = start((struct web_plan){0});
	int client = web_connect(web, false);
	web_send(client, "GET /later HTTP/1.1\r\nHost: t\r\n\r\nGET /get HTTP/1.1\r\nHost: t\r\n\r\n");
	wait_for(&page.waiting, 1);
	let_go(web);
	struct answer first = web_receive(client, true), second = web_receive(client, true);
	cr_expect_eq(first.status, 200);
	cr_expect_str_eq(text_string(&first.body), "at last\n");
	cr_expect_str_eq(text_string(&second.body), "GET");
	cr_expect_eq(atomic_load(&page.gone), 0);
	web_forget(&first);
	web_forget(&second);
	close(client);
	web_stop(web);
}

Test(routes, a_client_that_has_only_stopped_sending_gets_it)
{
	struct web *web = start((struct web_plan){0});
	int client = web_connect(web, false);
	web_send(client, "POST /later-post HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabc");
	shutdown(client, SHUT_WR);
	wait_for(&page.waiting, 1);
	usleep(20000);
	let_go(web);
	struct answer answer = web_receive(client, true);
	cr_expect_eq(answer.status, 200);
	cr_expect(web_is_closed(client));
	web_forget(&answer);
	close(client);
	web_stop(web);
}

Test(routes, a_client_that_is_gone)
{
	struct web *web = start((struct web_plan){0});
	struct linger abort = {.l_onoff = 1};
	int client = web_connect(web, false);
	web_send(client, "GET /later HTTP/1.1\r\nHost: t\r\n\r\n");
	wait_for(&page.waiting, 1);
	setsockopt(client, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
	close(client);
	wait_for(&page.gone, 1);
	let_go(web);
	web_stop(web);
}

Test(routes, time_is_up)
{
	struct web *web = start((struct web_plan){.reply_timeout_ns = 200 * INT64_C(1000000)});
	int client = web_connect(web, false);
	web_send(client, "GET /later HTTP/1.1\r\nHost: t\r\n\r\n");
	cr_expect(web_is_closed(client));
	wait_for(&page.gone, 1);
	close(client);
	web_stop(web);
}

Test(routes, the_server_ends)
{
	struct web *web = start((struct web_plan){0});
	int client = web_connect(web, false);
	web_send(client, "GET /later HTTP/1.1\r\nHost: t\r\n\r\n");
	wait_for(&page.waiting, 1);
	web_stop(web);
	cr_expect_eq(atomic_load(&page.gone), 1);
	close(client);
}
