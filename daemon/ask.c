#include "daemon/ask.h"

#include <stdatomic.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "core/text.h"
#include "probes/engine.h"

/* An answer that finds the asker's mailbox full is tried again after this time. */
#define RETRY_NS (20 * NS_PER_MS)

struct ask_mail {
	struct mail mail;
	struct worker_ask *ask;
};

struct worker_ask {
	atomic_int holders;
	struct ask_mail job_mail, cancel_mail, answer_mail;
	struct worker_job job; /* strings and settings owned */
	struct mailbox *worker;

	/* the asker's thread */
	bool is_cancelled, is_done;

	/* the worker's thread, until the answer is posted */
	struct ask_desk *desk;
	struct worker_ask *next, **link; /* link NULL: not on the desk */
	struct probe *probe;
	struct subject subject;
	struct deferred finish;
	struct alarm retry;

	/* the answer */
	struct sample *sample;
	struct err err;
	struct text log;
};

struct ask_desk {
	struct engine *engine;
	struct worker_ask *first;
	size_t n;
	atomic_ulong total;
};

static void release(struct worker_ask *ask)
{
	if (atomic_fetch_sub(&ask->holders, 1) != 1)
		return;
	option_free_settings(ask->job.type->options, ask->job.type->noptions, ask->job.settings);
	mem_free((char *)ask->job.target);
	mem_free((char *)ask->job.probe);
	mem_free((char *)ask->job.address);
	mem_free(ask->sample);
	text_free(&ask->log);
	if (ask->job.release)
		ask->job.release(ask->job.held);
	mem_free(ask);
}

/* --- the answer, on the asker's thread ------------------------------------------------------------------------------
 */

static void deliver_answer(struct mail *mail, void *owner)
{
	struct worker_ask *ask = ((struct ask_mail *)mail)->ask;

	(void)owner;
	if (!ask->is_cancelled) {
		struct worker_answer answer = {
			.sample = ask->sample,
			.error = ask->sample ? NULL : ask->err.text,
			.log = text_string(&ask->log),
			.log_length = ask->log.length,
		};

		ask->is_done = true;
		ask->job.done(ask->job.arg, &answer);
		release(ask);
	}
	release(ask);
}

static void drop_answer(struct mail *mail)
{
	struct worker_ask *ask = ((struct ask_mail *)mail)->ask;

	if (!ask->is_cancelled)
		release(ask);
	release(ask);
}

/* --- the run, on the worker's thread --------------------------------------------------------------------------------
 */

static void leave_desk(struct worker_ask *ask)
{
	if (!ask->link)
		return;
	*ask->link = ask->next;
	if (ask->next)
		ask->next->link = ask->link;
	ask->link = NULL;
	ask->desk->n--;
}

static void enter_desk(struct worker_ask *ask)
{
	struct ask_desk *desk = ask->desk;

	ask->next = desk->first;
	ask->link = &desk->first;
	if (ask->next)
		ask->next->link = &ask->next;
	desk->first = ask;
	desk->n++;
}

static void close_run(struct worker_ask *ask)
{
	struct loop *loop = engine_loop(ask->desk->engine);

	alarm_cancel(loop, &ask->retry);
	loop_defer_cancel(loop, &ask->finish);
	if (ask->probe)
		probe_close(ask->probe);
	ask->probe = NULL;
}

/* The worker's hold goes with the answer: once it is posted, the ask is out of reach. */
static void answer(void *arg)
{
	struct worker_ask *ask = arg;

	close_run(ask);
	leave_desk(ask);
	if (mailbox_post(ask->job.mailbox, &ask->answer_mail.mail))
		return;
	enter_desk(ask);
	alarm_set(engine_loop(ask->desk->engine), &ask->retry, clock_monotonic_ns() + RETRY_NS);
}

static void take_sample(void *context, const struct sample *sample)
{
	struct worker_ask *ask = context;

	if (ask->sample)
		return;
	ask->sample = sample_copy(sample);
	loop_defer(engine_loop(ask->desk->engine), &ask->finish);
}

/* The engine bounds the number of lines and their length; the text's ceiling bounds all of them. */
static void take_line(void *context, const char *line)
{
	struct worker_ask *ask = context;

	text_add_format(&ask->log, "%s\n", line);
}

static int begin_run(struct worker_ask *ask)
{
	struct probe_plan plan = {
		.type = ask->job.type,
		.settings = ask->job.settings,
		.subject = &ask->subject,
		.address = ask->job.address,
		.sink = {take_sample, ask->job.wants_log ? take_line : NULL, ask},
		.gatekeeper = ask->job.gatekeeper,
		.catalogue = ask->job.catalogue,
		.is_single = true,
	};

	if (ask->desk->n > WORKER_ASKS_MAX)
		return err_set(&ask->err, "more than %d single runs at a time", WORKER_ASKS_MAX);
	ask->probe = probe_open(ask->desk->engine, &plan, &ask->err);
	if (!ask->probe)
		return -1;
	if (probe_run_once(ask->probe) == -1)
		return err_set(&ask->err, "the run cannot be started");
	return 0;
}

static void deliver_job(struct mail *mail, void *owner)
{
	struct worker_ask *ask = ((struct ask_mail *)mail)->ask;

	(void)owner;
	ask->subject = (struct subject){ask->job.target, ask->job.probe, ask->job.type->name, NULL, 0};
	deferred_prepare(&ask->finish, answer, ask);
	alarm_prepare(&ask->retry, answer, ask);
	atomic_fetch_add_explicit(&ask->desk->total, 1, memory_order_relaxed);
	enter_desk(ask);
	if (begin_run(ask) == -1)
		answer(ask);
}

/* The worker's mailbox is gone with the job in it. */
static void drop_job(struct mail *mail)
{
	struct worker_ask *ask = ((struct ask_mail *)mail)->ask;

	err_set(&ask->err, "the worker has stopped");
	if (!mailbox_post(ask->job.mailbox, &ask->answer_mail.mail))
		release(ask);
}

static void deliver_cancel(struct mail *mail, void *owner)
{
	struct worker_ask *ask = ((struct ask_mail *)mail)->ask;

	(void)owner;
	if (ask->link) {
		close_run(ask);
		leave_desk(ask);
		release(ask);
	}
	release(ask);
}

static void drop_cancel(struct mail *mail)
{
	release(((struct ask_mail *)mail)->ask);
}

struct ask_desk *ask_desk_open(struct engine *engine)
{
	struct ask_desk *desk = mem_zero(1, sizeof(*desk));

	desk->engine = engine;
	atomic_init(&desk->total, 0);
	return desk;
}

void ask_desk_close(struct ask_desk *desk)
{
	if (!desk)
		return;
	while (desk->first) {
		struct worker_ask *ask = desk->first;

		close_run(ask);
		leave_desk(ask);
		if (!ask->sample)
			err_set(&ask->err, "the worker has stopped");
		if (!mailbox_post(ask->job.mailbox, &ask->answer_mail.mail))
			release(ask);
	}
	mem_free(desk);
}

uint64_t ask_desk_total(const struct ask_desk *desk)
{
	return atomic_load_explicit(&desk->total, memory_order_relaxed);
}

/* --- the asker's end --------------------------------------------------------------------------------------------- */

static void prepare_mails(struct worker_ask *ask)
{
	ask->job_mail = (struct ask_mail){{NULL, deliver_job, drop_job}, ask};
	ask->cancel_mail = (struct ask_mail){{NULL, deliver_cancel, drop_cancel}, ask};
	ask->answer_mail = (struct ask_mail){{NULL, deliver_answer, drop_answer}, ask};
}

struct worker_ask *ask_post(struct ask_desk *desk, struct mailbox *worker, const struct worker_job *job)
{
	struct worker_ask *ask = mem_zero(1, sizeof(*ask));

	atomic_init(&ask->holders, 2); /* the asker, and the job on its way */
	ask->job = *job;
	ask->job.target = mem_copy_string(job->target);
	ask->job.probe = mem_copy_string(job->probe);
	ask->job.address = mem_copy_string(job->address);
	ask->worker = worker;
	ask->desk = desk;
	ask->log.ceiling = WORKER_LOG_BYTES_MAX;
	prepare_mails(ask);
	if (mailbox_post(worker, &ask->job_mail.mail))
		return ask;
	ask->job.settings = NULL; /* still the caller's */
	ask->job.release = NULL;
	atomic_store(&ask->holders, 1);
	release(ask);
	return NULL;
}

void worker_ask_cancel(struct worker_ask *ask)
{
	if (!ask || ask->is_cancelled || ask->is_done)
		return;
	ask->is_cancelled = true;
	atomic_fetch_add(&ask->holders, 1);
	if (!mailbox_post(ask->worker, &ask->cancel_mail.mail))
		release(ask); /* the run goes on to its end, and nobody hears of it */
	release(ask);
}
