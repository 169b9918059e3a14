#include "daemon/watchdog.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "core/mem.h"

#define ROUNDS 4 /* in the time after which the manager acts */

struct question {
	struct mail mail; /* first; there is one, so it is asked again only when it has come back */
	atomic_bool is_out;
	struct watched_thread thread;
	struct log_fault fault;
};

struct watchdog {
	struct loop *loop;
	struct alarm alarm;
	int64_t pause_ns;
	void (*tell)(const char *state);
	size_t n;
	struct question questions[];
};

static bool parse_positive(const char *text, int64_t *out)
{
	char *end;
	long long value = text ? strtoll(text, &end, 10) : 0;

	if (value <= 0 || *end)
		return false;
	*out = value;
	return true;
}

int64_t watchdog_interval_ns(void)
{
	const char *pid = getenv("WATCHDOG_PID");
	int64_t microseconds, process;

	if (pid && (!parse_positive(pid, &process) || process != getpid()))
		return 0;
	if (!parse_positive(getenv("WATCHDOG_USEC"), &microseconds) || microseconds > INT64_MAX / NS_PER_US)
		return 0;
	return microseconds * NS_PER_US;
}

/* On the thread that is watched; or, as drop, on that which frees its mailbox. */
static void answer(struct mail *mail)
{
	atomic_store_explicit(&((struct question *)mail)->is_out, false, memory_order_release);
}

static void deliver(struct mail *mail, void *owner)
{
	(void)owner;
	answer(mail);
}

/* False: it has not answered the last question. */
static bool ask(struct question *question)
{
	if (atomic_load_explicit(&question->is_out, memory_order_acquire)) {
		log_fault_begin(&question->fault, "watchdog", question->thread.name, "does not answer");
		return false;
	}
	log_fault_end(&question->fault, "watchdog", question->thread.name);
	question->mail = (struct mail){.deliver = deliver, .drop = answer};
	atomic_store_explicit(&question->is_out, true, memory_order_release);
	if (mailbox_post(question->thread.mailbox, &question->mail))
		return true;
	/* Full: it is behind with everything. The next round may find it better. */
	answer(&question->mail);
	return false;
}

static void ring(void *arg)
{
	struct watchdog *watchdog = arg;
	bool is_well = true;

	for (size_t i = 0; i < watchdog->n; i++)
		is_well &= ask(&watchdog->questions[i]);
	if (is_well)
		watchdog->tell("WATCHDOG=1");
	alarm_set(watchdog->loop, &watchdog->alarm, clock_monotonic_ns() + watchdog->pause_ns);
}

struct watchdog *watchdog_start(struct loop *loop, int64_t interval_ns, const struct watched_thread *threads, size_t n,
				void (*tell)(const char *state))
{
	struct watchdog *watchdog;

	if (interval_ns <= 0)
		return NULL;
	if (n > WATCHDOG_THREADS_MAX)
		n = WATCHDOG_THREADS_MAX;
	watchdog = mem_zero(1, sizeof(*watchdog) + n * sizeof(watchdog->questions[0]));
	watchdog->loop = loop;
	watchdog->pause_ns = interval_ns / ROUNDS;
	watchdog->tell = tell;
	watchdog->n = n;
	for (size_t i = 0; i < n; i++)
		watchdog->questions[i].thread = threads[i];
	alarm_prepare(&watchdog->alarm, ring, watchdog);
	ring(watchdog);
	return watchdog;
}

void watchdog_stop(struct watchdog *watchdog)
{
	if (watchdog)
		alarm_cancel(watchdog->loop, &watchdog->alarm);
}

void watchdog_free(struct watchdog *watchdog)
{
	mem_free(watchdog);
}
