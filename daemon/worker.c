#include "daemon/worker.h"

#include <stdio.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "core/resolve.h"
#include "daemon/ask.h"
#include "daemon/batch.h"
#include "daemon/events.h"
#include "daemon/history.h"
#include "daemon/pipeline.h"
#include "daemon/results.h"
#include "daemon/ros_ask.h"
#include "daemon/roster.h"
#include "daemon/thread.h"
#include "daemon/trigger.h"
#include "influx/influx.h"
#include "probes/engine.h"

/* Changes of targets may take this part of each timer slot from the probes: a fifth. */
#define SLOTS_SHARED 5
#define SLOT_NS      (5 * NS_PER_MS) /* the loop's own length */

struct worker {
	struct worker_plan plan;
	struct thread *thread;
	struct resolver *resolver;
	struct engine *engine;
	struct ask_desk *desk;
	struct ros_desk *routers;
	struct influx_port *port;
	struct history *history;
	struct events *events;
	struct trigger_desk *triggers;
	struct pipeline *pipeline;
	struct roster *roster;
	struct batch_desk *batches;
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
		.geo = worker->plan.geo,
		.assessors = worker->plan.assessors,
		.nassessors = worker->plan.nassessors,
		.slabs = engine_slabs(worker->engine),
	};

	worker->history = history_create(worker->plan.history_bytes);
	plan.history = worker->history;
	worker->events = events_create(EVENTS_BYTES);
	plan.events = worker->events;
	worker->triggers = trigger_desk_create();
	worker->pipeline = pipeline_create(&plan);
	worker->roster = roster_create(worker->engine, worker->pipeline, worker->triggers);
	worker->batches =
		batch_desk_open(thread_loop(worker->thread), worker->roster,
				(worker->plan.timer_slot_ns ? worker->plan.timer_slot_ns : SLOT_NS) / SLOTS_SHARED);
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
	worker->routers = ros_desk_open(worker->engine);
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
	batch_desk_close(worker->batches);
	roster_free(worker->roster);
	pipeline_free(worker->pipeline);
	trigger_desk_free(worker->triggers);
	events_free(worker->events);
	history_free(worker->history);
	influx_port_close(worker->port);
	ask_desk_close(worker->desk);
	ros_desk_close(worker->routers);
	engine_free(worker->engine);
	resolver_free(worker->resolver);
	thread_free(worker->thread);
	mem_free(worker);
}

/* --- targets ----------------------------------------------------------------------------------------------------- */

int worker_open(struct worker *worker, struct batch *batch, struct err *err)
{
	return batch_run(batch, worker->roster, err);
}

bool worker_apply(struct worker *worker, struct batch *batch)
{
	return batch_post(worker->batches, thread_mailbox(worker->thread), batch);
}

static bool needs_rights(const struct probe_type *type)
{
	const struct probe_service *const *service = type->services;

	while (service && *service && !(*service)->needs_rights)
		service++;
	return service && *service;
}

static void ignore_sample(void *context, const struct sample *sample)
{
	(void)context;
	(void)sample;
}

void worker_rehearse(struct worker *worker, const struct probe_type *type, const void *settings)
{
	const struct subject subject = {"", "", type->name, NULL, 0};
	const struct probe_plan plan = {
		.type = type,
		.settings = settings,
		.subject = &subject,
		.address = "127.0.0.1",
		.sink.deliver = ignore_sample,
		.is_single = true,
	};
	struct err err = {0};
	struct probe *probe = needs_rights(type) ? probe_open(worker->engine, &plan, &err) : NULL;

	if (probe)
		probe_close(probe);
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

struct mailbox *worker_mailbox(const struct worker *worker)
{
	return thread_mailbox(worker->thread);
}

struct ros_desk *worker_routers(const struct worker *worker)
{
	return worker->routers;
}

const struct events *worker_events(const struct worker *worker)
{
	return worker->events;
}

const struct trigger_desk *worker_triggers(const struct worker *worker)
{
	return worker->triggers;
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
