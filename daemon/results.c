#include "daemon/results.h"

#include <stdatomic.h>

#include "core/mailbox.h"
#include "core/mem.h"
#include "daemon/pipeline.h"
#include "daemon/roster.h"

struct results_mail {
	struct mail mail;
	struct results_ask *ask;
};

struct results_ask {
	atomic_int holders; /* the asker, and the one mail that is under way */
	struct results_mail job_mail, answer_mail;
	struct results_job job; /* strings owned */
	struct results_source source;
	bool is_cancelled; /* the asker's thread */
	struct results *results;
};

void results_free(struct results *results)
{
	if (!results)
		return;
	mem_free(results->probe);
	text_free(&results->names);
	history_copy_free(&results->runs);
	mem_free(results);
}

static void release(struct results_ask *ask)
{
	if (atomic_fetch_sub(&ask->holders, 1) != 1)
		return;
	results_free(ask->results);
	mem_free((char *)ask->job.target);
	mem_free((char *)ask->job.probe);
	mem_free(ask);
}

/* --- the answer, on the asker's thread --------------------------------------------------------------------------- */

static void deliver_answer(struct mail *mail, void *owner)
{
	struct results_ask *ask = ((struct results_mail *)mail)->ask;

	(void)owner;
	if (!ask->is_cancelled) {
		struct results *results = ask->results;

		ask->results = NULL;
		ask->job.done(ask->job.arg, results);
		release(ask);
	}
	release(ask);
}

static void drop_answer(struct mail *mail)
{
	struct results_ask *ask = ((struct results_mail *)mail)->ask;

	if (!ask->is_cancelled)
		release(ask);
	release(ask);
}

/* --- the job, on the worker's thread ----------------------------------------------------------------------------- */

struct found {
	struct results *results;
	const struct publication *publication;
};

static void note_probe(void *arg, const struct publication *publication)
{
	struct found *found = arg;

	found->publication = publication;
	if (found->results->names.length > 0)
		text_add(&found->results->names, ", ");
	text_add(&found->results->names, publication->subject.probe);
}

static void look_up(const struct results_source *source, const struct results_job *job, struct results *results)
{
	struct found found = {.results = results};
	size_t n = roster_list(source->roster, job->target, job->probe, note_probe, &found);

	if (n == 0) {
		/* No such probe, or no such target? */
		n = roster_list(source->roster, job->target, NULL, note_probe, &found);
		results->status = n > 0 ? RESULTS_NO_PROBE : RESULTS_NO_TARGET;
		return;
	}
	if (n > 1) {
		results->status = RESULTS_MANY_PROBES;
		return;
	}
	results->probe = mem_copy_string(found.publication->subject.probe);
	results->type = found.publication->subject.type;
	history_copy(source->history, found.publication->history, job->limit, RESULTS_BYTES_MAX, &results->runs);
}

/* The worker's hold goes with the answer. */
static void answer(struct results_ask *ask)
{
	if (!mailbox_post(ask->job.mailbox, &ask->answer_mail.mail))
		release(ask);
}

static void deliver_job(struct mail *mail, void *owner)
{
	struct results_ask *ask = ((struct results_mail *)mail)->ask;

	(void)owner;
	look_up(&ask->source, &ask->job, ask->results);
	answer(ask);
}

static void drop_job(struct mail *mail)
{
	struct results_ask *ask = ((struct results_mail *)mail)->ask;

	ask->results->status = RESULTS_STOPPED;
	answer(ask);
}

/* --- the asker's end --------------------------------------------------------------------------------------------- */

struct results_ask *results_post(const struct results_source *source, struct mailbox *worker,
				 const struct results_job *job)
{
	struct results_ask *ask = mem_zero(1, sizeof(*ask));

	atomic_init(&ask->holders, 2);
	ask->job = *job;
	ask->job.target = mem_copy_string(job->target);
	ask->job.probe = mem_copy_string(job->probe);
	ask->source = *source;
	ask->results = mem_zero(1, sizeof(*ask->results));
	ask->job_mail = (struct results_mail){{NULL, deliver_job, drop_job}, ask};
	ask->answer_mail = (struct results_mail){{NULL, deliver_answer, drop_answer}, ask};
	if (mailbox_post(worker, &ask->job_mail.mail))
		return ask;
	atomic_store(&ask->holders, 1);
	release(ask);
	return NULL;
}

void results_cancel(struct results_ask *ask)
{
	if (!ask)
		return;
	ask->is_cancelled = true;
	release(ask);
}
