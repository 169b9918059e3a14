#include "daemon/events_ask.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/mailbox.h"
#include "core/mem.h"
#include "daemon/worker.h"

struct events_mail {
	struct mail mail;
	struct events_ask *ask;
};

struct events_ask {
	atomic_int holders;                /* the asker, and the one mail that is under way */
	struct events_mail job_mail, mail; /* to the next worker, and back */
	struct events_job job;             /* the target is owned */
	size_t next;                       /* worker that the job goes to, or is at */
	bool is_cancelled;                 /* the asker's thread */
	struct found_events *found;
};

void found_events_free(struct found_events *found)
{
	if (!found)
		return;
	for (size_t i = 0; i < found->n; i++)
		history_copy_free(&found->items[i].copy);
	mem_free(found->items);
	mem_free(found);
}

static void release(struct events_ask *ask)
{
	if (atomic_fetch_sub(&ask->holders, 1) != 1)
		return;
	found_events_free(ask->found);
	mem_free((char *)ask->job.filter.target);
	mem_free((void *)ask->job.workers);
	mem_free(ask);
}

/* --- the answer, on the asker's thread --------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct found_event *x = a, *y = b;

	return (x->time_ns < y->time_ns) - (x->time_ns > y->time_ns);
}

/* Each worker gave as many as are wanted in all. */
static void sort(struct found_events *found, size_t limit)
{
	if (found->n > 0)
		qsort(found->items, found->n, sizeof(*found->items), compare);
	for (; found->n > limit; found->n--)
		history_copy_free(&found->items[found->n - 1].copy);
}

static void deliver_answer(struct mail *mail, void *owner)
{
	struct events_ask *ask = ((struct events_mail *)mail)->ask;

	(void)owner;
	if (!ask->is_cancelled) {
		struct found_events *found = ask->found;

		ask->found = NULL;
		sort(found, ask->job.limit);
		ask->job.done(ask->job.arg, found);
		release(ask);
	}
	release(ask);
}

static void drop_answer(struct mail *mail)
{
	struct events_ask *ask = ((struct events_mail *)mail)->ask;

	if (!ask->is_cancelled)
		release(ask);
	release(ask);
}

/* --- the job, on the threads of the workers ---------------------------------------------------------------------- */

static int64_t time_of(const struct history_copy *copy)
{
	struct history_reader *reader = history_reader_open(copy);
	int64_t time_ns = history_reader_next(reader)->begun_realtime_ns;

	history_reader_close(reader);
	return time_ns;
}

static void look_up(struct events_ask *ask)
{
	const struct events_job *job = &ask->job;
	struct history_copy *copies = mem_zero(job->limit * EVENT_KINDS, sizeof(*copies));
	size_t bytes = EVENTS_ANSWER_BYTES_MAX / (job->nworkers * EVENT_KINDS);
	size_t n = events_pick(worker_events(job->workers[ask->next]), &job->filter, job->limit, bytes, copies);
	struct found_events *found = ask->found;

	if (n > 0)
		found->items = mem_resize(found->items, found->n + n, sizeof(*found->items));
	for (size_t i = 0; i < n; i++)
		found->items[found->n++] = (struct found_event){time_of(&copies[i]), copies[i]};
	mem_free(copies);
}

/* The hold of the mail goes with it. */
static void answer(struct events_ask *ask)
{
	if (!mailbox_post(ask->job.mailbox, &ask->mail.mail))
		release(ask);
}

static bool send_on(struct events_ask *ask)
{
	return mailbox_post(worker_mailbox(ask->job.workers[ask->next]), &ask->job_mail.mail);
}

static void deliver_job(struct mail *mail, void *owner)
{
	struct events_ask *ask = ((struct events_mail *)mail)->ask;

	(void)owner;
	look_up(ask);
	ask->next++;
	if (ask->next < ask->job.nworkers && send_on(ask))
		return;
	ask->found->is_stopped = ask->next < ask->job.nworkers;
	answer(ask);
}

static void drop_job(struct mail *mail)
{
	struct events_ask *ask = ((struct events_mail *)mail)->ask;

	ask->found->is_stopped = true;
	answer(ask);
}

/* --- the asker's end --------------------------------------------------------------------------------------------- */

static const struct worker *const *copy_workers(const struct events_job *job)
{
	const struct worker **workers = mem_alloc(job->nworkers * sizeof(*workers));

	for (size_t i = 0; i < job->nworkers; i++)
		workers[i] = job->workers[i];
	return workers;
}

struct events_ask *events_post(const struct events_job *job)
{
	struct events_ask *ask = mem_zero(1, sizeof(*ask));

	atomic_init(&ask->holders, 2);
	ask->job = *job;
	ask->job.workers = copy_workers(job);
	ask->job.filter.target = mem_copy_string(job->filter.target);
	ask->found = mem_zero(1, sizeof(*ask->found));
	ask->job_mail = (struct events_mail){{NULL, deliver_job, drop_job}, ask};
	ask->mail = (struct events_mail){{NULL, deliver_answer, drop_answer}, ask};
	if (send_on(ask))
		return ask;
	atomic_store(&ask->holders, 1);
	release(ask);
	return NULL;
}

void events_cancel(struct events_ask *ask)
{
	if (!ask)
		return;
	ask->is_cancelled = true;
	release(ask);
}
