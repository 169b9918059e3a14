/*
 * The mail of asks: how they come to the worker, and their answers back.
 */
#include "daemon/ros_ask.h"

#include <string.h>

#include "core/mem.h"
#include "daemon/ros_ask_internal.h"

struct ros_budget {
	atomic_int holders;
	_Atomic size_t used_bytes;
	size_t max_bytes;
};

struct ros_budget *ros_budget_create(size_t max_bytes)
{
	struct ros_budget *budget = mem_zero(1, sizeof(*budget));

	atomic_init(&budget->holders, 1);
	budget->max_bytes = max_bytes;
	return budget;
}

struct ros_budget *ros_budget_hold(struct ros_budget *budget)
{
	atomic_fetch_add_explicit(&budget->holders, 1, memory_order_relaxed);
	return budget;
}

void ros_budget_release(struct ros_budget *budget)
{
	if (budget && atomic_fetch_sub(&budget->holders, 1) == 1)
		mem_free(budget);
}

size_t ros_budget_used(const struct ros_budget *budget)
{
	return atomic_load_explicit(&budget->used_bytes, memory_order_relaxed);
}

void ros_budget_add(struct ros_budget *budget, size_t bytes)
{
	atomic_fetch_add_explicit(&budget->used_bytes, bytes, memory_order_relaxed);
}

void ros_budget_take(struct ros_budget *budget, size_t bytes)
{
	atomic_fetch_sub_explicit(&budget->used_bytes, bytes, memory_order_relaxed);
}

bool ros_budget_is_spent(const struct ros_budget *budget)
{
	return ros_budget_used(budget) > budget->max_bytes;
}

void ros_ask_release(struct ros_ask *ask)
{
	if (atomic_fetch_sub(&ask->holders, 1) != 1)
		return;
	ros_budget_take(ask->job.budget, ask->charged_bytes);
	ros_budget_release(ask->job.budget);
	text_free(&ask->text);
	mem_free(ask->answer.results);
	if (ask->job.release)
		ask->job.release(ask->job.held);
	mem_free(ask);
}

void ros_ask_fail(struct ros_ask *ask, size_t from, enum reason reason, const char *message)
{
	size_t at = ask->text.length, bytes = strlen(message), ceiling = ask->text.ceiling;

	ask->text.ceiling = 0; /* for rows, not for this */
	text_add_bytes(&ask->text, message, bytes);
	ask->text.ceiling = ceiling;
	for (size_t i = from; i < ask->job.n; i++)
		ask->answer.results[i] =
			(struct ros_result){.reason = reason, .at = at, .message_at = at, .message_bytes = bytes};
}

/* --- the answer, on the asker's thread -----------------------------------------------------------------------------
 */

static void deliver_answer(struct mail *mail, void *owner)
{
	struct ros_ask *ask = ((struct ros_mail *)mail)->ask;

	(void)owner;
	if (!ask->is_cancelled) {
		ask->is_done = true;
		ask->job.done(ask->job.arg, &ask->answer);
		ros_ask_release(ask);
	}
	ros_ask_release(ask);
}

static void drop_answer(struct mail *mail)
{
	struct ros_ask *ask = ((struct ros_mail *)mail)->ask;

	if (!ask->is_cancelled)
		ros_ask_release(ask);
	ros_ask_release(ask);
}

bool ros_ask_answer(struct ros_ask *ask)
{
	return mailbox_post(ask->job.mailbox, &ask->answer_mail.mail);
}

/* --- the job, on the worker's thread -------------------------------------------------------------------------------
 */

static void deliver_job(struct mail *mail, void *owner)
{
	struct ros_ask *ask = ((struct ros_mail *)mail)->ask;

	(void)owner;
	ros_desk_begin(ask->desk, ask);
}

/* The worker's mailbox is gone with the job in it. */
static void drop_job(struct mail *mail)
{
	struct ros_ask *ask = ((struct ros_mail *)mail)->ask;

	ros_ask_fail(ask, 0, REASON_LOCAL, "the worker has stopped");
	if (!ros_ask_answer(ask))
		ros_ask_release(ask);
}

static void deliver_cancel(struct mail *mail, void *owner)
{
	struct ros_ask *ask = ((struct ros_mail *)mail)->ask;

	(void)owner;
	if (ask->link) {
		ros_desk_drop(ask);
		ros_ask_release(ask);
	}
	ros_ask_release(ask);
}

static void drop_cancel(struct mail *mail)
{
	ros_ask_release(((struct ros_mail *)mail)->ask);
}

/* --- the asker's end -----------------------------------------------------------------------------------------------
 */

static void prepare(struct ros_ask *ask)
{
	ask->job_mail = (struct ros_mail){{NULL, deliver_job, drop_job}, ask};
	ask->cancel_mail = (struct ros_mail){{NULL, deliver_cancel, drop_cancel}, ask};
	ask->answer_mail = (struct ros_mail){{NULL, deliver_answer, drop_answer}, ask};
	ask->text.ceiling = ask->job.max_bytes;
	ask->answer = (struct ros_answer){
		.results = mem_zero(ask->job.n, sizeof(struct ros_result)),
		.n = ask->job.n,
		.text = &ask->text,
		.connect_ns = -1,
		.login_ns = -1,
	};
}

struct ros_ask *ros_ask_post(struct ros_desk *desk, struct mailbox *worker, const struct ros_job *job)
{
	struct ros_ask *ask = mem_zero(1, sizeof(*ask));

	atomic_init(&ask->holders, 2); /* the asker, and the job on its way */
	ask->job = *job;
	ask->worker = worker;
	ask->desk = desk;
	ros_budget_hold(job->budget);
	prepare(ask);
	if (mailbox_post(worker, &ask->job_mail.mail))
		return ask;
	ask->job.release = NULL;
	atomic_store(&ask->holders, 1);
	ros_ask_release(ask);
	return NULL;
}

void ros_ask_cancel(struct ros_ask *ask)
{
	if (!ask || ask->is_cancelled || ask->is_done)
		return;
	ask->is_cancelled = true;
	atomic_fetch_add(&ask->holders, 1);
	if (!mailbox_post(ask->worker, &ask->cancel_mail.mail))
		ros_ask_release(ask); /* it goes on to its end, and nobody hears of it */
	ros_ask_release(ask);
}
