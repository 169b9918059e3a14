#include "daemon/worker.h"

#include <stdatomic.h>
#include <stdio.h>

#include "core/log.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "core/resolve.h"
#include "daemon/ask.h"
#include "daemon/pipeline.h"
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
	struct pipeline *pipeline;
	struct roster *roster;
	atomic_size_t targets, probes; /* of the roster, for other threads */
};

enum { WORKER_TARGETS, WORKER_PROBES, WORKER_MAILBOX_DEPTH, WORKER_SINGLE_RUNS, WORKER_MEASURES };

static const struct measure worker_measures[WORKER_MEASURES] = {
	[WORKER_TARGETS] = {"targets", MEASURE_INTEGER, "Targets of this worker"},
	[WORKER_PROBES] = {"probes", MEASURE_INTEGER, "Probes of this worker: one for each target and way to measure it"},
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

/* --- life ------------------------------------------------------------------------------------------------------------- */

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
	atomic_init(&worker->targets, 0);
	atomic_init(&worker->probes, 0);
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
	influx_port_close(worker->port);
	ask_desk_close(worker->desk);
	engine_free(worker->engine);
	resolver_free(worker->resolver);
	thread_free(worker->thread);
	mem_free(worker);
}

/* --- targets ------------------------------------------------------------------------------------------------------------ */

static void publish_counts(struct worker *worker)
{
	atomic_store_explicit(&worker->targets, roster_targets(worker->roster), memory_order_relaxed);
	atomic_store_explicit(&worker->probes, roster_probes(worker->roster), memory_order_relaxed);
}

int worker_open_target(struct worker *worker, const struct worker_target_plan *plan, struct err *err)
{
	struct roster_target *target = roster_target_create(plan);

	if (roster_open(worker->roster, target, plan->probes, err) == -1) {
		roster_target_free(target);
		return -1;
	}
	publish_counts(worker);
	return 0;
}

struct add_mail {
	struct mail mail;
	struct roster_target *target;
	struct worker_probe_plan probes[];
};

static void drop_add(struct mail *mail)
{
	roster_target_free(((struct add_mail *)mail)->target);
	mem_free(mail);
}

static void deliver_add(struct mail *mail, void *owner)
{
	struct add_mail *add = (struct add_mail *)mail;
	struct worker *worker = owner;
	struct err err = {0};

	if (roster_open(worker->roster, add->target, add->probes, &err) == -1)
		log_event(LOG_LEVEL_ERROR, "target", roster_target_name(add->target), "cannot be added: %s", err.text);
	else
		add->target = NULL;
	publish_counts(worker);
	drop_add(mail);
}

bool worker_add(struct worker *worker, const struct worker_target_plan *plan)
{
	struct add_mail *add = mem_zero(1, sizeof(*add) + plan->nprobes * sizeof(add->probes[0]));

	add->mail = (struct mail){NULL, deliver_add, drop_add};
	add->target = roster_target_create(plan);
	for (size_t i = 0; i < plan->nprobes; i++)
		add->probes[i] = plan->probes[i];
	if (mailbox_post(thread_mailbox(worker->thread), &add->mail))
		return true;
	drop_add(&add->mail);
	return false;
}

/* For remove (no labels) and relabel. */
struct name_mail {
	struct mail mail;
	char *name;
	struct label *labels;
	size_t nlabels;
};

static void drop_name(struct mail *mail)
{
	struct name_mail *message = (struct name_mail *)mail;

	mem_free(message->name);
	mem_free(message->labels);
	mem_free(message);
}

static void deliver_remove(struct mail *mail, void *owner)
{
	struct name_mail *message = (struct name_mail *)mail;
	struct worker *worker = owner;

	if (roster_close(worker->roster, message->name) == -1)
		log_event(LOG_LEVEL_WARN, "target", message->name, "cannot be removed: there is none of this name");
	publish_counts(worker);
	drop_name(mail);
}

static void deliver_relabel(struct mail *mail, void *owner)
{
	struct name_mail *message = (struct name_mail *)mail;
	struct worker *worker = owner;

	if (roster_relabel(worker->roster, message->name, message->labels, message->nlabels) == -1)
		log_event(LOG_LEVEL_WARN, "target", message->name, "cannot be relabelled: there is none of this name");
	else
		message->labels = NULL;
	drop_name(mail);
}

static bool post_name(struct worker *worker, struct name_mail *message)
{
	if (mailbox_post(thread_mailbox(worker->thread), &message->mail))
		return true;
	drop_name(&message->mail);
	return false;
}

bool worker_remove(struct worker *worker, const char *name)
{
	struct name_mail *message = mem_zero(1, sizeof(*message));

	message->mail = (struct mail){NULL, deliver_remove, drop_name};
	message->name = mem_copy_string(name);
	return post_name(worker, message);
}

bool worker_relabel(struct worker *worker, const char *name, const struct label *labels, size_t nlabels)
{
	struct name_mail *message = mem_zero(1, sizeof(*message));

	message->mail = (struct mail){NULL, deliver_relabel, drop_name};
	message->name = mem_copy_string(name);
	message->labels = labels_copy(labels, nlabels);
	message->nlabels = nlabels;
	return post_name(worker, message);
}

/* --- single runs, figures ------------------------------------------------------------------------------------------------ */

struct worker_ask *worker_ask(struct worker *worker, const struct worker_job *job)
{
	return ask_post(worker->desk, thread_mailbox(worker->thread), job);
}

size_t worker_read(const struct worker *worker, struct reading *readings)
{
	size_t targets = atomic_load_explicit(&worker->targets, memory_order_relaxed);
	size_t probes = atomic_load_explicit(&worker->probes, memory_order_relaxed);
	size_t depth = mailbox_depth(thread_mailbox(worker->thread));

	readings[0] = reading_integer(WORKER_TARGETS, (int64_t)targets);
	readings[1] = reading_integer(WORKER_PROBES, (int64_t)probes);
	readings[2] = reading_integer(WORKER_MAILBOX_DEPTH, (int64_t)depth);
	readings[3] = reading_integer(WORKER_SINGLE_RUNS, (int64_t)ask_desk_total(worker->desk));
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
