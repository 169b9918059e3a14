#include "daemon/api_reload.h"

#include <string.h>

#include "core/mem.h"
#include "daemon/reload.h"
#include "exporter/server.h"

/* A client that waits for the end of a reload. */
struct waiting {
	struct connection *connection;
	struct reload_ask *ask;
};

static void reply(struct connection *connection, int status, const char *text)
{
	connection_reply(connection, &(struct http_reply){status, "text/plain; charset=utf-8", NULL}, text,
			 strlen(text));
}

static void take_answer(void *arg, const struct reload_answer *answer)
{
	struct waiting *waiting = arg;

	reply(waiting->connection, answer->status, answer->text);
	mem_free(waiting);
}

/* The reload goes on all the same. */
static void leave(void *arg)
{
	struct waiting *waiting = arg;

	reload_ask_cancel(waiting->ask);
	mem_free(waiting);
}

void api_reload_serve(struct reload *reload, struct mailbox *mailbox, struct connection *connection)
{
	struct waiting *waiting = mem_zero(1, sizeof(*waiting));

	waiting->connection = connection;
	waiting->ask = reload_ask(reload, mailbox, take_answer, waiting);
	if (!waiting->ask) {
		mem_free(waiting);
		reply(connection, 503, "too much is asked for at the moment\n");
		return;
	}
	connection_wait(connection, leave, waiting);
}
