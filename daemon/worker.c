#include "daemon/worker.h"

#include <stdio.h>

#include "core/log.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "core/resolve.h"
#include "daemon/ask.h"
#include "daemon/history.h"
#include "daemon/pipeline.h"
#include "daemon/results.h"
#include "daemon/roster.h"
#include "daemon/thread.h"
#include "influx/influx.h"
#include "probes/engine.h"

struct worker {
	struct worker_plan plan;
	struct thread *thread;
	struct resolver *resolver;
	struct engine *engine;
	struct ask_desk *desk;
	struct influx_port *port;
	struct history *history;
	struct pipeline *pipeline;
	struct roster *roster;
};

enum { WORKER_MAILBOX_DEPTH, WORKER_SINGLE_RUNS, WORKER_MEASURES };

static const struct measure worker_measures[WORKER_MEASURES] = {
	[WORKER_MAILBOX_DEPTH] = {"mailbox_depth", MEASURE_INTEGER, "Messages that wait for this worker"},
	[WORKER_SINGLE_RUNS] = {"single_runs_total", MEASURE_COUNTER, "Runs that were asked for one by one"},
};
static const char *const worker_labels[] = {"worker", NULL};
const struct measure_set worker_set = {
	.name = "worker",
	.measures = worker_measures,
	.n = WORKER_MEASURES,
	.label_names = worker_labels,
	.help = "A worker: a thread with its share of the targets",
};

/* --- life -------------------------------------------------------------------------------------------------------- */

static int create_engine(struct worker *worker, struct err *err)
{
	struct engine_plan plan = {.worker = worker->plan.index};

	plan.loop = thread_loop(worker->thread);
	worker->resolver = resolver_create(plan.loop, worker->plan.resolver, err);
	if (!worker->resolver)
		return -1;
	plan.resolver = worker->resolver;
	worker->engine = engine_create(&plan);
	return 0;
}

static void create_pipeline(struct worker *worker)
{
	struct pipeline_plan plan = {
		.store = worker->plan.store,
		.shard = worker->plan.index,
		.wants_lines = worker->plan.wants_lines,
		.agent_labels = worker->plan.agent_labels,
		.nagent_labels = worker->plan.nagent_labels,
		.boot = worker->plan.boot,
	};

	worker->history = history_create(worker->plan.history_bytes);
	plan.history = worker->history;
	worker->pipeline = pipeline_create(&plan);
	worker->roster = roster_create(worker->engine, worker->pipeline);
}

struct worker *worker_create(const struct worker_plan *plan, struct err *err)
{
	struct worker *worker = mem_zero(1, sizeof(*worker));
	char name[16];
	struct thread_plan thread = {.name = name, .slot_ns = plan->timer_slot_ns, .mails = WORKER_MAILS_MAX};

	snprintf(name, sizeof(name), "worker %u", plan->index);
	worker->plan = *plan;
	thread.owner = worker;
	worker->thread = thread_create(&thread, err);
	if (!worker->thread)
		goto fail;
	if (create_engine(worker, err) == -1)
		goto fail_thread;
	worker->desk = ask_desk_open(worker->engine);
	create_pipeline(worker);
	return worker;

fail_thread:
	thread_free(worker->thread);
fail:
	mem_free(worker);
	return NULL;
}

void worker_set_influx(struct worker *worker, struct influx *influx)
{
	influx_port_close(worker->port);
	worker->port = influx ? influx_port_open(influx, thread_loop(worker->thread)) : NULL;
	pipeline_set_port(worker->pipeline, worker->port);
}

int worker_start(struct worker *worker, struct err *err)
{
	return thread_start(worker->thread, err);
}

void worker_stop(struct worker *worker)
{
	if (!worker)
		return;
	thread_stop(worker->thread);
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	roster_free(worker->roster);
	pipeline_free(worker->pipeline);
	history_free(worker->history);
	influx_port_close(worker->port);
	ask_desk_close(worker->desk);
	engine_free(worker->engine);
	resolver_free(worker->resolver);
	thread_free(worker->thread);
	mem_free(worker);
}

/* --- targets ----------------------------------------------------------------------------------------------------- */

int worker_open_target(struct worker *worker, const struct worker_target_plan *plan, struct err *err)
{
	struct roster_target *target = roster_target_create(plan->name, plan->address);
	struct roster_labels *labels = roster_labels_create(plan->labels, plan->nlabels);
	int result = roster_open(worker->roster, target, labels, plan->probes, plan->nprobes, err);

	roster_labels_release(labels);
	roster_target_release(target);
	return result;
}

/* For add, remove and relabel. */
struct target_mail {
	struct mail mail;
	struct roster_target *target; /* remove, relabel: without address */
	struct roster_labels *labels; /* not for remove */
	char *probe;                  /* remove, relabel: which, or NULL */
	size_t nprobes;               /* add */
	struct worker_probe_plan probes[];
};

static void drop(struct mail *mail)
{
	struct target_mail *message = (struct target_mail *)mail;

	roster_labels_release(message->labels);
	roster_target_release(message->target);
	mem_free(message->probe);
	mem_free(message);
}

static void deliver_add(struct mail *mail, void *owner)
{
	const struct target_mail *message = (struct target_mail *)mail;
	struct worker *worker = owner;
	struct err err = {0};

	if (roster_open(worker->roster, message->target, message->labels, message->probes, message->nprobes, &err) ==
	    -1)
		log_event(LOG_LEVEL_ERROR, "target", message->target->name, "cannot be added: %s", err.text);
	drop(mail);
}

static void deliver_remove(struct mail *mail, void *owner)
{
	const struct target_mail *message = (struct target_mail *)mail;
	struct worker *worker = owner;

	if (roster_close(worker->roster, message->target->name, message->probe) == 0)
		log_event(LOG_LEVEL_WARN, "target", message->target->name, "cannot be removed: is not measured");
	drop(mail);
}

static void deliver_relabel(struct mail *mail, void *owner)
{
	const struct target_mail *message = (struct target_mail *)mail;
	struct worker *worker = owner;

	if (roster_relabel(worker->roster, message->target->name, message->probe, message->labels) == 0)
		log_event(LOG_LEVEL_WARN, "target", message->target->name, "cannot be relabelled: is not measured");
	drop(mail);
}

static bool post(struct worker *worker, struct target_mail *message)
{
	if (mailbox_post(thread_mailbox(worker->thread), &message->mail))
		return true;
	drop(&message->mail);
	return false;
}

bool worker_add(struct worker *worker, const struct worker_target_plan *plan)
{
	struct target_mail *message = mem_zero(1, sizeof(*message) + plan->nprobes * sizeof(message->probes[0]));

	message->mail = (struct mail){NULL, deliver_add, drop};
	message->target = roster_target_create(plan->name, plan->address);
	message->labels = roster_labels_create(plan->labels, plan->nlabels);
	message->nprobes = plan->nprobes;
	for (size_t i = 0; i < plan->nprobes; i++)
		message->probes[i] = plan->probes[i];
	return post(worker, message);
}

bool worker_remove(struct worker *worker, const char *target, const char *probe)
{
	struct target_mail *message = mem_zero(1, sizeof(*message));

	message->mail = (struct mail){NULL, deliver_remove, drop};
	message->target = roster_target_create(target, "");
	message->probe = mem_copy_string(probe);
	return post(worker, message);
}

bool worker_relabel(struct worker *worker, const char *target, const char *probe, const struct label *labels,
		    size_t nlabels)
{
	struct target_mail *message = mem_zero(1, sizeof(*message));

	message->mail = (struct mail){NULL, deliver_relabel, drop};
	message->target = roster_target_create(target, "");
	message->labels = roster_labels_create(labels, nlabels);
	message->probe = mem_copy_string(probe);
	return post(worker, message);
}

/* --- single runs, figures ---------------------------------------------------------------------------------------- */

struct worker_ask *worker_ask(struct worker *worker, const struct worker_job *job)
{
	return ask_post(worker->desk, thread_mailbox(worker->thread), job);
}

struct results_ask *worker_results(struct worker *worker, const struct results_job *job)
{
	const struct results_source source = {worker->roster, worker->history};

	return results_post(&source, thread_mailbox(worker->thread), job);
}

size_t worker_read(const struct worker *worker, struct reading *readings)
{
	size_t depth = mailbox_depth(thread_mailbox(worker->thread));

	readings[0] = reading_integer(WORKER_MAILBOX_DEPTH, (int64_t)depth);
	readings[1] = reading_integer(WORKER_SINGLE_RUNS, (int64_t)ask_desk_total(worker->desk));
	return WORKER_MEASURES;
}

const struct engine *worker_engine(const struct worker *worker)
{
	return worker->engine;
}

bool worker_is_running(const struct worker *worker)
{
	return thread_is_running(worker->thread);
}
