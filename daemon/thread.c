#include "daemon/thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "core/signals.h"

struct stop_mail {
	struct mail mail;
	struct thread *thread;
};

struct thread {
	struct loop *loop;
	struct mailbox *mailbox;
	pthread_t id;
	bool has_thread;
	atomic_bool is_running;
	struct stop_mail stop;
	char name[16];
};

static void deliver_stop(struct mail *mail, void *owner)
{
	struct thread *thread = ((struct stop_mail *)mail)->thread;

	(void)owner;
	atomic_store(&thread->is_running, false);
	loop_stop(thread->loop);
}

static void drop_stop(struct mail *mail)
{
	(void)mail; /* part of the thread */
}

struct thread *thread_create(const struct thread_plan *plan, struct err *err)
{
	struct thread *thread = mem_zero(1, sizeof(*thread));

	strncpy(thread->name, plan->name, sizeof(thread->name) - 1);
	atomic_init(&thread->is_running, false);
	thread->stop.mail.deliver = deliver_stop;
	thread->stop.mail.drop = drop_stop;
	thread->stop.thread = thread;
	thread->loop = loop_create(plan->slot_ns, err);
	if (!thread->loop)
		goto fail;
	thread->mailbox = mailbox_create(thread->loop, plan->mails, plan->owner, err);
	if (!thread->mailbox)
		goto fail_loop;
	return thread;

fail_loop:
	loop_free(thread->loop);
fail:
	mem_free(thread);
	err_prefix(err, "%s", plan->name);
	return NULL;
}

static void *run_thread(void *arg)
{
	struct thread *thread = arg;
	struct err err = {0};

	pthread_setname_np(pthread_self(), thread->name);
	atomic_store(&thread->is_running, true);
	if (loop_run(thread->loop, &err) == -1)
		log_event(LOG_LEVEL_ERROR, "thread", thread->name, "%s", err.text);
	atomic_store(&thread->is_running, false);
	return NULL;
}

int thread_start(struct thread *thread, struct err *err)
{
	sigset_t before;
	int result;

	/* A new thread has the mask of its maker: signals are for the main thread alone. */
	before = signals_block();
	result = pthread_create(&thread->id, NULL, run_thread, thread);
	signals_restore(&before);
	if (result != 0)
		return err_set(err, "%s: cannot start a thread: %s", thread->name, strerror(result));
	thread->has_thread = true;
	return 0;
}

void thread_stop(struct thread *thread)
{
	const struct timespec pause = {.tv_nsec = NS_PER_MS};

	if (!thread || !thread->has_thread)
		return;
	/* A full mailbox is being emptied: there is room soon, or the loop has ended by a fault of its own. */
	while (!mailbox_post(thread->mailbox, &thread->stop.mail)) {
		if (pthread_tryjoin_np(thread->id, NULL) == 0) {
			thread->has_thread = false;
			return;
		}
		nanosleep(&pause, NULL);
	}
	pthread_join(thread->id, NULL);
	thread->has_thread = false;
}

void thread_free(struct thread *thread)
{
	if (!thread)
		return;
	mailbox_free(thread->mailbox);
	loop_free(thread->loop);
	mem_free(thread);
}

struct loop *thread_loop(const struct thread *thread)
{
	return thread->loop;
}

struct mailbox *thread_mailbox(const struct thread *thread)
{
	return thread->mailbox;
}

bool thread_is_running(const struct thread *thread)
{
	return atomic_load(&thread->is_running);
}
