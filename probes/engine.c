#include "probes/engine.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "probes/engine_internal.h"
#include "probes/schedule.h"

/* The largest lag is shown for windows of this length, so that any number of scrapers see the same figure. */
#define LAG_WINDOW_NS (10 * NS_PER_SECOND)

/* A run whose timeout is all of its interval ends with the turn that comes next, though it began a little late: else
 * every jitter of starts would cost a turn. */
#define DEADLINE_GRACE_NS (5 * NS_PER_MS)

/* What is collected once an hour or a day is collected first this soon after the probe opens, at a place of its own in
 * that time: nobody waits a day for a figure, and no router is asked for everything at once. */
#define PART_FIRST_NS (30 * NS_PER_SECOND)

enum engine_measure {
	ENGINE_PROBES,
	ENGINE_ALIVE,
	ENGINE_STARTS,
	ENGINE_SKIPPED,
	ENGINE_LAG_SUM,
	ENGINE_LAG_MAX,
	ENGINE_MEASURES
};

static const struct measure engine_measures[ENGINE_MEASURES] = {
	[ENGINE_PROBES] = {"probes", MEASURE_INTEGER, "Probes (target and probe pairs) of this worker"},
	[ENGINE_ALIVE] = {"runs_alive", MEASURE_INTEGER, "Runs in progress"},
	[ENGINE_STARTS] = {"starts_total", MEASURE_COUNTER, "Runs started"},
	[ENGINE_SKIPPED] = {"skipped_total", MEASURE_COUNTER,
			    "Turns passed over because the run before them still lived or the worker was late"},
	[ENGINE_LAG_SUM] = {"lag_seconds_total", MEASURE_COUNTER_SECONDS,
			    "Time from when runs were due to when they started, added up; it includes the timer slot"},
	[ENGINE_LAG_MAX] = {"lag_max_seconds", MEASURE_GAUGE,
			    "Largest lag of a start in the last whole window of ten seconds"},
};

static const char *const worker_label[] = {"worker", NULL};

const struct measure_set engine_set = {
	.name = "schedule",
	.measures = engine_measures,
	.n = ENGINE_MEASURES,
	.label_names = worker_label,
	.help = "How punctual a worker is",
};

const struct probe_type *probe_type_find(const char *name)
{
	for (const struct probe_type *const *type = probe_types; *type; type++)
		if (!strcmp((*type)->name, name))
			return *type;
	return NULL;
}

size_t engine_list_services(const struct probe_service **out, size_t max)
{
	size_t n = 0;
	for (const struct probe_type *const *type = probe_types; *type; type++) {
		for (const struct probe_service *const *wanted = (*type)->services; wanted && *wanted; wanted++) {
			size_t i = 0;
			while (i < n && out[i] != *wanted)
				i++;
			if (i == n && n < max)
				out[n++] = *wanted;
		}
	}
	return n;
}

struct engine *engine_create(const struct engine_plan *plan)
{
	struct engine *engine = mem_zero(1, sizeof(*engine));
	engine->plan = *plan;
	engine->slabs = slabs_create();
	engine->nservices = engine_list_services(engine->services, ENGINE_SERVICES_MAX);
	for (size_t i = 0; i < engine->nservices; i++)
		engine->instances[i] = engine->services[i]->create(engine);
	return engine;
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	for (size_t i = engine->nservices; i-- > 0;)
		engine->services[i]->free(engine->instances[i]);
	slabs_free(engine->slabs);
	mem_free(engine);
}

struct loop *engine_loop(const struct engine *engine)
{
	return engine->plan.loop;
}

struct resolver *engine_resolver(const struct engine *engine)
{
	return engine->plan.resolver;
}

unsigned engine_worker(const struct engine *engine)
{
	return engine->plan.worker;
}

struct slabs *engine_slabs(const struct engine *engine)
{
	return engine->slabs;
}

/* --- turns -------------------------------------------------------------------------------------------------------- */

/* A live run's deadline comes before its turn's next due time, or at the same time: timeout <= interval. Only a worker
 * that is late can see it otherwise. */
void turn_arm(struct turn *turn)
{
	struct loop *loop = turn->probe->engine->plan.loop;
	int64_t next_ns = turn->due_ns ? turn->due_ns : INT64_MAX;
	if (turn_is_alive(turn)) {
		int64_t deadline_ns = run_deadline_ns(turn->run);
		next_ns = deadline_ns < next_ns ? deadline_ns : next_ns;
	}
	if (next_ns == INT64_MAX)
		alarm_cancel(loop, &turn->alarm);
	else
		alarm_set(loop, &turn->alarm, next_ns);
}

static void engine_note_lag(struct engine *engine, int64_t now_ns, int64_t lag_ns)
{
	atomic_fetch_add_explicit(&engine->lag_ns, lag_ns, memory_order_relaxed);
	if (now_ns - engine->lag_window_ns >= LAG_WINDOW_NS) {
		atomic_store_explicit(&engine->lag_max_ns, engine->lag_window_max_ns, memory_order_relaxed);
		engine->lag_window_ns = now_ns;
		engine->lag_window_max_ns = 0;
	}
	if (lag_ns > engine->lag_window_max_ns)
		engine->lag_window_max_ns = lag_ns;
}

/* The next time that the wall clock is at the turn's place in its interval. */
static int64_t turn_first_ns(const struct turn *turn, int64_t interval_ns)
{
	const struct subject *subject = turn->probe->subject;
	int64_t phase_ns = schedule_phase_ns(subject->target, subject->probe, turn->plan.tag, interval_ns);
	return schedule_first_ns(clock_monotonic_ns(), clock_realtime_ns(), phase_ns, interval_ns);
}

static int64_t turn_next_ns(struct turn *turn, int64_t now_ns, uint64_t *missed)
{
	if (!turn->is_early)
		return schedule_next_ns(turn->due_ns, now_ns, turn->plan.interval_ns, missed);
	turn->is_early = false;
	int64_t next_ns = turn_first_ns(turn, turn->plan.interval_ns);
	/* Not so soon that it would meet the run that begins now. */
	return next_ns < now_ns + turn->plan.timeout_ns ? next_ns + turn->plan.interval_ns : next_ns;
}

static void turn_start(struct turn *turn, int64_t now_ns)
{
	struct probe *probe = turn->probe;
	uint64_t missed = 0;
	int64_t due_ns = turn->due_ns;
	turn->due_ns = turn_next_ns(turn, now_ns, &missed);
	if (turn->run)
		missed++;
	if (missed) {
		turn_counter(turn)->skipped += (uint32_t)missed;
		atomic_fetch_add_explicit(&probe->engine->skipped, (int64_t)missed, memory_order_relaxed);
	}
	if (turn->run)
		return;
	engine_note_lag(probe->engine, now_ns, now_ns - due_ns);
	run_begin(turn);
}

static void turn_ring(void *arg)
{
	struct turn *turn = arg;
	int64_t now_ns = clock_monotonic_ns();
	bool is_due = turn->due_ns && now_ns >= turn->due_ns;
	if (turn_is_alive(turn) && now_ns >= run_deadline_ns(turn->run) - (is_due ? DEADLINE_GRACE_NS : 0))
		run_expire(turn);
	run_settle(turn);
	if (is_due)
		turn_start(turn, now_ns);
	turn_arm(turn);
}

/* --- probes ------------------------------------------------------------------------------------------------------- */

void probe_add_turn(struct probe *probe, const struct turn_plan *plan)
{
	struct turn *turn = &probe->first;
	if (turn->probe) {
		turn = slabs_take(probe->engine->slabs, sizeof(*turn));
		turn->next = probe->first.next;
		probe->first.next = turn;
	}
	turn->probe = probe;
	turn->plan = *plan;
	if (plan->interval_ns > 0 && turn->plan.timeout_ns > plan->interval_ns)
		turn->plan.timeout_ns = turn->plan.interval_ns;
	alarm_prepare(&turn->alarm, turn_ring, turn);
}

static void turn_schedule(struct turn *turn)
{
	int64_t interval_ns = turn->plan.interval_ns;
	if (interval_ns <= 0)
		return;
	turn->is_early = turn->plan.part && interval_ns > PART_FIRST_NS;
	turn->due_ns = turn_first_ns(turn, turn->is_early ? PART_FIRST_NS : interval_ns);
	turn_arm(turn);
}

void turn_hurry(struct turn *turn, int64_t due_ns)
{
	if (!turn->due_ns || turn->due_ns <= due_ns)
		return;
	turn->due_ns = due_ns;
	turn->is_early = true;
}

static void probe_free(struct probe *probe)
{
	struct slabs *slabs = probe->engine->slabs;
	for (struct turn *turn = probe->first.next, *next; turn; turn = next) {
		next = turn->next;
		slabs_give(slabs, turn, sizeof(*turn));
	}
	slabs_give(slabs, probe, sizeof(*probe));
}

struct probe *probe_open(struct engine *engine, const struct probe_plan *plan, struct err *err)
{
	struct probe *probe = slabs_take(engine->slabs, sizeof(*probe));
	probe->engine = engine;
	probe->type = plan->type;
	probe->settings = plan->settings;
	probe->subject = plan->subject;
	probe->address = plan->address;
	probe->sink = plan->sink;
	probe->gatekeeper = plan->gatekeeper;
	probe->catalogue = plan->catalogue ? plan->catalogue : engine->plan.catalogue;
	if (!probe->catalogue)
		probe->catalogue = &catalogue_empty;
	probe->is_single = plan->is_single;
	probe->opened = plan->type->open(probe, plan->settings, err);
	if (!probe->opened) {
		probe_free(probe);
		return NULL;
	}
	if (!plan->is_single)
		for (struct turn *turn = &probe->first; turn; turn = turn->next)
			turn_schedule(turn);
	atomic_fetch_add_explicit(&engine->probes, 1, memory_order_relaxed);
	return probe;
}

int probe_run_once(struct probe *probe)
{
	if (probe->first.run)
		return -1;
	run_ask(&probe->first, NULL);
	return 0;
}

int probe_trigger(struct probe *probe, const char *cause)
{
	char text[PROBE_CAUSE_MAX + 1];
	if (probe->first.run)
		return -1;
	snprintf(text, sizeof(text), "%s", cause);
	run_ask(&probe->first, text);
	return 0;
}

int probe_end_run(struct probe *probe)
{
	if (!turn_is_alive(&probe->first))
		return -1;
	run_expire(&probe->first);
	return 0;
}

void probe_close(struct probe *probe)
{
	if (!probe)
		return;
	probe->is_closing = true;
	for (struct turn *turn = &probe->first; turn; turn = turn->next) {
		alarm_cancel(probe->engine->plan.loop, &turn->alarm);
		run_abandon(turn);
	}
	probe->type->close(probe->opened);
	atomic_fetch_sub_explicit(&probe->engine->probes, 1, memory_order_relaxed);
	probe_free(probe);
}

void probe_set_subject(struct probe *probe, const struct subject *subject, const char *address)
{
	probe->subject = subject;
	probe->address = address;
}

int64_t probe_interval_ns(const struct probe *probe)
{
	return probe->is_single ? 0 : probe->first.plan.interval_ns;
}

struct loop *probe_loop(const struct probe *probe)
{
	return probe->engine->plan.loop;
}

struct resolver *probe_resolver(const struct probe *probe)
{
	return probe->engine->plan.resolver;
}

struct slabs *probe_slabs(const struct probe *probe)
{
	return probe->engine->slabs;
}

const void *probe_settings(const struct probe *probe)
{
	return probe->settings;
}

const char *probe_address(const struct probe *probe)
{
	return probe->address;
}

const char *probe_target(const struct probe *probe)
{
	return probe->subject->target;
}

const struct label *probe_target_labels(const struct probe *probe, size_t *n)
{
	*n = probe->subject->nlabels;
	return probe->subject->labels;
}

const char *probe_name(const struct probe *probe)
{
	return probe->subject->probe;
}

bool probe_is_single(const struct probe *probe)
{
	return probe->is_single;
}

const struct catalogue *probe_catalogue(const struct probe *probe)
{
	return probe->catalogue;
}

void *probe_service(const struct probe *probe, const struct probe_service *service)
{
	const struct engine *engine = probe->engine;
	size_t i = 0;
	while (engine->services[i] != service)
		i++;
	return engine->instances[i];
}

void *engine_service(const struct engine *engine, const struct probe_service *service)
{
	for (size_t i = 0; i < engine->nservices; i++)
		if (engine->services[i] == service)
			return engine->instances[i];
	return NULL;
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

static int64_t figure(const _Atomic int64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

size_t engine_read(const struct engine *engine, struct reading *readings)
{
	size_t n = 0;
	readings[n++] = reading_integer(ENGINE_PROBES, figure(&engine->probes));
	readings[n++] = reading_integer(ENGINE_ALIVE, figure(&engine->alive));
	readings[n++] = reading_integer(ENGINE_STARTS, figure(&engine->starts));
	readings[n++] = reading_integer(ENGINE_SKIPPED, figure(&engine->skipped));
	readings[n++] = reading_integer(ENGINE_LAG_SUM, figure(&engine->lag_ns));
	readings[n++] = reading_number(ENGINE_LAG_MAX, clock_seconds(figure(&engine->lag_max_ns)));
	return n;
}

void engine_read_services(const struct engine *engine,
			  void (*each)(void *arg, const struct measure_set *set, const struct reading *readings,
				       size_t n),
			  void *arg)
{
	struct reading readings[32];
	for (size_t i = 0; i < engine->nservices; i++) {
		const struct probe_service *service = engine->services[i];
		if (service->set && service->set->n <= 32)
			each(arg, service->set, readings, service->read(engine->instances[i], readings));
	}
}
