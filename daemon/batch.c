#include "daemon/batch.h"

#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "daemon/roster.h"
#include "daemon/spec.h"
#include "daemon/target.h"

/* Faults of one batch that are logged; the rest are counted. */
#define FAULTS_LOGGED_MAX 20

struct batch_mail {
	struct mail mail;
	struct batch *batch;
};

struct batch {
	struct batch_step *steps;
	size_t n, room;
	size_t ndone;
	struct batch_mail job_mail, answer_mail;
	struct mailbox *mailbox;
	void (*done)(void *arg, struct batch *batch);
	void *arg;
	struct batch_desk *desk;
	struct batch *next; /* on the desk */
	/* what went wrong */
	void **failures;
	size_t nfailures;
	struct err err;
};

struct batch_desk {
	struct roster *roster;
	struct loop *loop;
	int64_t part_ns;
	struct batch *first, **tail;
	struct deferred work;
	struct alarm alarm; /* for the next part */
	bool has_waited;
};

/* --- making ------------------------------------------------------------------------------------------------------ */

static void deliver_job(struct mail *mail, void *owner);
static void deliver_answer(struct mail *mail, void *owner);

static void drop(struct mail *mail)
{
	batch_free(((struct batch_mail *)mail)->batch);
}

struct batch *batch_create(struct mailbox *mailbox, void (*done)(void *arg, struct batch *batch), void *arg)
{
	struct batch *batch = mem_zero(1, sizeof(*batch));

	batch->mailbox = mailbox;
	batch->done = done;
	batch->arg = arg;
	batch->job_mail = (struct batch_mail){{NULL, deliver_job, drop}, batch};
	batch->answer_mail = (struct batch_mail){{NULL, deliver_answer, drop}, batch};
	return batch;
}

void batch_free(struct batch *batch)
{
	if (!batch)
		return;
	mem_free(batch->steps);
	mem_free(batch->failures);
	mem_free(batch);
}

void batch_add(struct batch *batch, const struct batch_step *step)
{
	if (batch->n == batch->room) {
		batch->room = batch->room ? batch->room * 2 : 64;
		batch->steps = mem_resize(batch->steps, batch->room, sizeof(*batch->steps));
	}
	batch->steps[batch->n++] = *step;
}

size_t batch_count(const struct batch *batch)
{
	return batch->n;
}

/* --- carrying out ------------------------------------------------------------------------------------------------ */

static void note_failure(struct batch *batch, const struct batch_step *step, const struct err *err)
{
	/* Powers of two: grown when the number is one. */
	if ((batch->nfailures & (batch->nfailures - 1)) == 0)
		batch->failures = mem_resize(batch->failures, batch->nfailures ? batch->nfailures * 2 : 1,
					     sizeof(*batch->failures));
	batch->failures[batch->nfailures++] = step->tag;
	if (batch->nfailures == 1)
		batch->err = *err;
	/* At the start the first one ends everything, and is told by whoever ends it. */
	if (batch->mailbox && batch->nfailures <= FAULTS_LOGGED_MAX)
		log_event(LOG_LEVEL_ERROR, "target", target_name(step->target), "cannot be added: %s", err->text);
}

/* A probe to be removed or relabelled that is not there would be a mistake of ours, and harmless. */
static void note_missing(const struct batch_step *step)
{
	log_event(LOG_LEVEL_WARN, "target", target_name(step->target), "cannot be %s: %s is not measured",
		  step->change == BATCH_REMOVE ? "removed" : "relabelled", step->spec->name);
}

static void run_step(struct batch *batch, struct roster *roster)
{
	const struct batch_step *step = &batch->steps[batch->ndone];
	const char *target = target_name(step->target), *probe = step->spec->name;
	struct err err = {0};
	bool is_found = true;

	switch (step->change) {
	case BATCH_ADD:
		if (roster_open(roster, step->target, step->spec, &err) == -1)
			note_failure(batch, step, &err);
		break;
	case BATCH_REMOVE:
		is_found = roster_close(roster, target, probe);
		break;
	case BATCH_RELABEL:
		is_found = roster_relabel(roster, step->target, probe);
		break;
	}
	if (!is_found)
		note_missing(step);
	batch->ndone++;
	if (batch->ndone == batch->n && batch->nfailures > FAULTS_LOGGED_MAX)
		log_event(LOG_LEVEL_ERROR, "target", NULL, "%zu more cannot be added",
			  batch->nfailures - FAULTS_LOGGED_MAX);
}

int batch_run(struct batch *batch, struct roster *roster, struct err *err)
{
	while (batch->ndone < batch->n) {
		run_step(batch, roster);
		if (batch->nfailures > 0)
			return err_set(err, "%s", batch->err.text);
	}
	return 0;
}

void *batch_failure(const struct batch *batch, size_t i)
{
	return i < batch->nfailures ? batch->failures[i] : NULL;
}

const char *batch_error(const struct batch *batch)
{
	return batch->err.text;
}

/* --- the desk ---------------------------------------------------------------------------------------------------- */

static void deliver_answer(struct mail *mail, void *owner)
{
	struct batch *batch = ((struct batch_mail *)mail)->batch;

	(void)owner;
	batch->done(batch->arg, batch);
	batch_free(batch);
}

static void leave_desk(struct batch_desk *desk)
{
	desk->first = desk->first->next;
	if (!desk->first)
		desk->tail = &desk->first;
}

/* Out of reach once it is posted. If the mailbox is full, once more in the next slot. */
static bool answer(struct batch_desk *desk, struct batch *batch)
{
	leave_desk(desk);
	if (mailbox_post(batch->mailbox, &batch->answer_mail.mail))
		return true;
	batch->next = desk->first;
	desk->first = batch;
	if (!batch->next)
		desk->tail = &batch->next;
	return false;
}

static void run_part(struct batch_desk *desk)
{
	int64_t end_ns = clock_monotonic_ns() + desk->part_ns;

	while (desk->first) {
		struct batch *batch = desk->first;

		if (batch->ndone < batch->n)
			run_step(batch, desk->roster);
		if (batch->ndone == batch->n && !answer(desk, batch))
			return;
		if (clock_monotonic_ns() >= end_ns)
			return;
	}
}

/* Behind everything that the probes of this slot have deferred: they send first. */
static void work(void *arg)
{
	struct batch_desk *desk = arg;

	desk->has_waited = !desk->has_waited;
	if (desk->has_waited) {
		loop_defer(desk->loop, &desk->work);
		return;
	}
	run_part(desk);
	if (desk->first)
		alarm_set(desk->loop, &desk->alarm, clock_monotonic_ns() + 1);
}

static void ring(void *arg)
{
	struct batch_desk *desk = arg;

	loop_defer(desk->loop, &desk->work);
}

static void deliver_job(struct mail *mail, void *owner)
{
	struct batch *batch = ((struct batch_mail *)mail)->batch;
	struct batch_desk *desk = batch->desk;
	bool was_idle = !desk->first;

	(void)owner;
	*desk->tail = batch;
	desk->tail = &batch->next;
	if (was_idle)
		loop_defer(desk->loop, &desk->work);
}

struct batch_desk *batch_desk_open(struct loop *loop, struct roster *roster, int64_t part_ns)
{
	struct batch_desk *desk = mem_zero(1, sizeof(*desk));

	desk->loop = loop;
	desk->roster = roster;
	desk->part_ns = part_ns;
	desk->tail = &desk->first;
	deferred_prepare(&desk->work, work, desk);
	alarm_prepare(&desk->alarm, ring, desk);
	return desk;
}

void batch_desk_close(struct batch_desk *desk)
{
	if (!desk)
		return;
	alarm_cancel(desk->loop, &desk->alarm);
	loop_defer_cancel(desk->loop, &desk->work);
	while (desk->first) {
		struct batch *batch = desk->first;

		leave_desk(desk);
		batch_free(batch);
	}
	mem_free(desk);
}

bool batch_post(struct batch_desk *desk, struct mailbox *worker, struct batch *batch)
{
	batch->desk = desk;
	return mailbox_post(worker, &batch->job_mail.mail);
}
