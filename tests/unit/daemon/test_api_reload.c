/*
 * POST /-/reload without a server: the functions of a connection are the test's own.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "daemon/reload.h"
#include "exporter/server.h"

struct connection {
	int replies, status;
	char type[64], body[256];
	void (*gone)(void *arg);
	void *arg;
};

static void fake_reply(struct connection *connection, const struct http_reply *reply, const void *body, size_t n)
{
	connection->replies++;
	connection->status = reply->status;
	snprintf(connection->type, sizeof(connection->type), "%s", reply->type);
	snprintf(connection->body, sizeof(connection->body), "%.*s", (int)n, (const char *)body);
}

static void fake_wait(struct connection *connection, void (*gone)(void *arg), void *arg)
{
	connection->gone = gone;
	connection->arg = arg;
}

/* One ask at a time. */
struct reload {
	bool is_full, is_cancelled;
	void (*done)(void *arg, const struct reload_answer *answer);
	void *arg;
};

static struct reload_ask *fake_ask(struct reload *reload, struct mailbox *answer_to,
				   void (*done)(void *arg, const struct reload_answer *answer), void *arg)
{
	cr_expect_null(answer_to);
	reload->done = done;
	reload->arg = arg;
	return reload->is_full ? NULL : (struct reload_ask *)reload;
}

static void fake_cancel(struct reload_ask *ask)
{
	((struct reload *)ask)->is_cancelled = true;
}

#define connection_reply  fake_reply
#define connection_wait   fake_wait
#define reload_ask(...)   fake_ask(__VA_ARGS__)
#define reload_ask_cancel fake_cancel
#include "daemon/api_reload.c"

Test(api_reload, answers_when_it_is_done)
{
	static const struct reload_answer answers[] = {{200, "reloaded: 1 targets\n"},
						       {400, "x.conf:1: a\nx.conf:2: b\n"}};

	for (size_t i = 0; i < 2; i++) {
		struct connection connection = {.replies = 0};
		struct reload reload = {.is_full = false};

		api_reload_serve(&reload, NULL, &connection);
		cr_expect_eq(connection.replies, 0);
		cr_assert_not_null(connection.gone);
		reload.done(reload.arg, &answers[i]);
		cr_expect_eq(connection.replies, 1);
		cr_expect_eq(connection.status, answers[i].status);
		cr_expect_str_eq(connection.body, answers[i].text);
		cr_expect_str_eq(connection.type, "text/plain; charset=utf-8");
		cr_expect_not(reload.is_cancelled);
	}
}

Test(api_reload, the_client_leaves)
{
	struct connection connection = {.replies = 0};
	struct reload reload = {.is_full = false};

	api_reload_serve(&reload, NULL, &connection);
	connection.gone(connection.arg);
	cr_expect(reload.is_cancelled);
	cr_expect_eq(connection.replies, 0);
}

Test(api_reload, too_much_is_asked_for)
{
	struct connection connection = {.replies = 0};
	struct reload reload = {.is_full = true};

	api_reload_serve(&reload, NULL, &connection);
	cr_expect_eq(connection.status, 503);
	cr_expect_null(connection.gone);
}
