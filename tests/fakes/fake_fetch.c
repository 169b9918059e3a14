#include <string.h>

#include "core/clock.h"
#include "core/fetch.h"
#include "core/loop.h"
#include "core/mem.h"
#include "tests/fakes/fakes.h"

struct fetch {
	struct fetch *next, **link;
	struct fetcher *fetcher;
	struct alarm alarm;
	struct fake_reply answer;
	int64_t started_ns;
	void (*done)(void *arg, const struct fetch_answer *answer);
	void *arg;
};

struct fetcher {
	struct loop *loop;
	struct fetch *fetches;
};

static struct {
	struct fake_server server;
	size_t fetchers, running;
} fake;

void fake_fetch_reset(void)
{
	fake.server = (struct fake_server){0};
}

size_t fake_fetch_alive(void)
{
	return fake.fetchers + fake.running;
}

void fake_fetch_set_server(const struct fake_server *server)
{
	fake.server = *server;
}

size_t fake_fetch_running(void)
{
	return fake.running;
}

struct fetcher *fetcher_create(struct loop *loop, size_t most_connections, struct err *err)
{
	struct fetcher *fetcher = mem_zero(1, sizeof(*fetcher));
	(void)most_connections;
	(void)err;
	fetcher->loop = loop;
	fake.fetchers++;
	return fetcher;
}

void fetcher_free(struct fetcher *fetcher)
{
	if (fetcher == NULL)
		return;
	while (fetcher->fetches != NULL)
		fetch_cancel(fetcher->fetches);
	fake.fetchers--;
	mem_free(fetcher);
}

static void end(struct fetch *fetch)
{
	alarm_cancel(fetch->fetcher->loop, &fetch->alarm);
	*fetch->link = fetch->next;
	if (fetch->next != NULL)
		fetch->next->link = fetch->link;
	fake.running--;
}

void fetch_cancel(struct fetch *fetch)
{
	if (fetch == NULL)
		return;
	end(fetch);
	mem_free(fetch);
}

static void ring(void *arg)
{
	struct fetch *fetch = arg;
	const struct fake_reply *from = &fetch->answer;
	struct fetch_answer answer = {
		.status = from->status,
		.is_timeout = from->is_timeout,
		.is_connected = from->status != 0 || from->is_timeout,
		.error = from->error != NULL ? from->error : "",
		.retry_after_ns = from->retry_after_ns != 0 ? from->retry_after_ns : -1,
		.type = from->type != NULL ? from->type : "",
		.location = "",
		.body = from->body != NULL ? from->body : "",
		.took_ns = clock_monotonic_ns() - fetch->started_ns,
	};
	answer.length = strlen(answer.body);
	end(fetch);
	fetch->done(fetch->arg, &answer);
	mem_free(fetch);
}

struct fetch *fetch_start(struct fetcher *fetcher, const struct fetch_plan *plan, struct err *err)
{
	if (fetch_check_url(plan->url, err) != 0)
		return NULL;
	struct fetch *fetch = mem_zero(1, sizeof(*fetch));
	fetch->fetcher = fetcher;
	fetch->next = fetcher->fetches;
	fetch->link = &fetcher->fetches;
	if (fetch->next != NULL)
		fetch->next->link = &fetch->next;
	fetcher->fetches = fetch;
	fake.running++;
	fetch->done = plan->done;
	fetch->arg = plan->arg;
	fetch->started_ns = clock_monotonic_ns();
	if (fake.server.handle != NULL)
		fake.server.handle(fake.server.arg, plan, &fetch->answer);
	else
		fetch->answer.error = "Connection refused";
	if (fetch->answer.after_ns > plan->timeout_ns)
		fetch->answer =
			(struct fake_reply){.is_timeout = true, .after_ns = plan->timeout_ns, .error = "timed out"};
	alarm_prepare(&fetch->alarm, ring, fetch);
	alarm_set(fetcher->loop, &fetch->alarm, fetch->started_ns + fetch->answer.after_ns);
	return fetch;
}
