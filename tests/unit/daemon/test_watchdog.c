/* The words for the service manager's watchdog: only while all threads answer. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "daemon/watchdog.h"

static unsigned told;

static void tell(const char *state)
{
	told += strcmp(state, "WATCHDOG=1") == 0;
}

struct stage {
	struct loop *loop;  /* where the watchdog is, and one mailbox */
	struct loop *other; /* of the other mailbox: it runs only when the test says so */
	struct mailbox *mailboxes[2];
	struct watchdog *watchdog;
	struct alarm end;
};

static void end(void *arg)
{
	loop_stop(((struct stage *)arg)->loop);
}

static void open_stage(struct stage *stage, int64_t interval_ns)
{
	struct err err = {0};
	told = 0;
	stage->loop = loop_create(NS_PER_MS, &err);
	stage->other = loop_create(NS_PER_MS, &err);
	stage->mailboxes[0] = mailbox_create(stage->loop, 4, NULL, &err);
	stage->mailboxes[1] = mailbox_create(stage->other, 4, NULL, &err);
	const struct watched_thread threads[] = {{"web", stage->mailboxes[0]}, {"worker", stage->mailboxes[1]}};
	stage->watchdog = watchdog_start(stage->loop, interval_ns, threads, 2, tell);
	alarm_prepare(&stage->end, end, stage);
}

static void close_stage(struct stage *stage)
{
	watchdog_stop(stage->watchdog);
	mailbox_free(stage->mailboxes[0]);
	mailbox_free(stage->mailboxes[1]);
	watchdog_free(stage->watchdog);
	loop_free(stage->other);
	loop_free(stage->loop);
}

static void run_for(struct stage *stage, int64_t time_ns)
{
	struct err err = {0};
	alarm_set(stage->loop, &stage->end, clock_monotonic_ns() + time_ns);
	cr_assert_eq(loop_run(stage->loop, &err), 0, "%s", err.text);
}

Test(watchdog, says_nothing_while_a_thread_is_silent)
{
	struct stage stage;
	open_stage(&stage, 40 * NS_PER_MS);
	run_for(&stage, 200 * NS_PER_MS);
	/* The first question alone found nobody missing. */
	cr_expect_eq(told, 1);
	close_stage(&stage);
}

static void deliver(struct mail *mail, void *owner)
{
	(void)mail;
	(void)owner;
}

static void drop(struct mail *mail)
{
	(void)mail;
}

/* Both mailboxes on the loop that runs. */
Test(watchdog, says_so_while_all_answer)
{
	struct err err = {0};
	struct alarm alarm;
	struct stage stage = {.loop = loop_create(NS_PER_MS, &err)};
	told = 0;
	stage.mailboxes[0] = mailbox_create(stage.loop, 4, NULL, &err);
	const struct watched_thread thread = {"web", stage.mailboxes[0]};
	stage.watchdog = watchdog_start(stage.loop, 40 * NS_PER_MS, &thread, 1, tell);
	alarm_prepare(&alarm, end, &stage);
	for (unsigned i = 0; i < 100 && told < 5; i++) {
		alarm_set(stage.loop, &alarm, clock_monotonic_ns() + 20 * NS_PER_MS);
		cr_assert_eq(loop_run(stage.loop, &err), 0);
	}
	cr_expect_geq(told, 5);
	watchdog_stop(stage.watchdog);
	mailbox_free(stage.mailboxes[0]);
	watchdog_free(stage.watchdog);
	loop_free(stage.loop);
}

Test(watchdog, a_full_mailbox_is_no_answer)
{
	struct err err = {0};
	struct loop *loop = loop_create(NS_PER_MS, &err);
	struct mailbox *mailbox = mailbox_create(loop, 1, NULL, &err);
	struct mail mail = {.deliver = deliver, .drop = drop};
	const struct watched_thread thread = {"web", mailbox};
	told = 0;
	cr_assert(mailbox_post(mailbox, &mail));
	struct watchdog *watchdog = watchdog_start(loop, NS_PER_SECOND, &thread, 1, tell);
	cr_expect_eq(told, 0);
	watchdog_stop(watchdog);
	mailbox_free(mailbox);
	watchdog_free(watchdog);
	loop_free(loop);
}

Test(watchdog, what_the_environment_says)
{
	char pid[32];
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	cr_expect_eq(watchdog_interval_ns(), 0);
	cr_expect_null(watchdog_start(NULL, 0, NULL, 0, tell));
	watchdog_stop(NULL);
	watchdog_free(NULL);
	setenv("WATCHDOG_USEC", "30000000", 1);
	cr_expect_eq(watchdog_interval_ns(), 30 * NS_PER_SECOND);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("WATCHDOG_PID", pid, 1);
	cr_expect_eq(watchdog_interval_ns(), 30 * NS_PER_SECOND);
	setenv("WATCHDOG_PID", "1", 1);
	cr_expect_eq(watchdog_interval_ns(), 0);
	unsetenv("WATCHDOG_PID");
	const char *const wrong[] = {"", "-5", "0", "x", "5s", "99999999999999999999999"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		setenv("WATCHDOG_USEC", wrong[i], 1);
		cr_expect_eq(watchdog_interval_ns(), 0, "%s", wrong[i]);
	}
}
