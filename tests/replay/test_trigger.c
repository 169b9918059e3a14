/* Probes that set off others, on virtual time: the roster of a worker with two types of the test's own. "beat" tells
 * the loss and round-trip time that the test wants; "trace" runs when it is set off. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/resolve.h"
#include "daemon/events.h"
#include "daemon/pipeline.h"
#include "daemon/roster.h"
#include "daemon/spec.h"
#include "daemon/target.h"
#include "daemon/trigger.h"
#include "exporter/series.h"
#include "probes/engine.h"
#include "tests/fakes/fake_icmp.h"
#include "tests/fakes/fakes.h"

#define S NS_PER_SECOND

/* What the world is like, for the settings of all probes to point to. */
struct world {
	double loss, rtt;
	enum reason reason;
	bool path_changes; /* traces tell a change of the path */
	bool is_scheduled; /* traces have turns of their own, a minute */
	int64_t trace_takes_ns;
	struct trigger_plan plan;
	unsigned beats, traces, caused;
	int64_t traced_ns;
};

struct state {
	struct run *run;
	struct world *world;
	struct loop *loop;
	struct alarm alarm;
};

static void *open_probe(struct probe *probe, const struct turn_plan *plan)
{
	struct state *state = mem_zero(1, sizeof(*state));

	state->loop = probe_loop(probe);
	probe_add_turn(probe, plan);
	return state;
}

static void close_probe(void *opened)
{
	mem_free(opened);
}

static struct state *begin(struct run *run, const void *opened, const void *settings)
{
	struct state *state = mem_zero(1, sizeof(*state));

	state->run = run;
	state->world = *(struct world *const *)settings;
	state->loop = ((const struct state *)opened)->loop;
	return state;
}

static void stop(void *arg)
{
	struct state *state = arg;

	alarm_cancel(state->loop, &state->alarm);
	mem_free(state);
}

static void expire(void *arg)
{
	run_finish(((struct state *)arg)->run, REASON_TIMEOUT, NULL, 0);
}

/* --- beat -------------------------------------------------------------------------------------------------------- */

static const struct measure beat_measures[] = {
	{"loss_ratio", MEASURE_GAUGE, "l"},
	{"rtt_avg_seconds", MEASURE_GAUGE, "r"},
};
static const struct measure_set beat_set = {"beat", beat_measures, 2, NULL, "b"};
static const struct measure_set *const beat_sets[] = {&beat_set, NULL};

static void *beat_open(struct probe *probe, const void *settings, struct err *err)
{
	(void)settings;
	(void)err;
	return open_probe(probe, &(struct turn_plan){.interval_ns = S, .timeout_ns = S / 2});
}

static void beat_finish(void *arg)
{
	struct state *state = arg;
	const struct reading readings[] = {
		reading_number(0, state->world->loss),
		reading_number(1, state->world->rtt),
	};
	const struct row row = {.set = &beat_set, .readings = readings, .n = 2};

	state->world->beats++;
	run_finish(state->run, state->world->reason, &row, 1);
}

static void *beat_start(struct run *run, void *opened, const void *settings)
{
	struct state *state = begin(run, opened, settings);

	alarm_prepare(&state->alarm, beat_finish, state);
	run_finish_later(run, beat_finish);
	return state;
}

static const struct probe_type beat_type = {
	.name = "beat",
	.sets = beat_sets,
	.open = beat_open,
	.start = beat_start,
	.deadline = expire,
	.stop = stop,
	.close = close_probe,
};

/* --- trace ------------------------------------------------------------------------------------------------------- */

static const struct measure trace_measures[] = {{"loss_ratio", MEASURE_GAUGE, "l"}, {"hops", MEASURE_INTEGER, "h"}};
static const struct measure_set trace_set = {"toytrace", trace_measures, 2, NULL, "t"};
static const struct measure_set *const trace_sets[] = {&trace_set, NULL};

static bool trace_trigger(const void *settings, struct trigger_plan *plan)
{
	const struct world *world = *(struct world *const *)settings;

	*plan = world->plan;
	return plan->on_failure || plan->on_loss > 0 || plan->on_rtt_ns > 0;
}

static void *trace_open(struct probe *probe, const void *settings, struct err *err)
{
	const struct world *world = *(struct world *const *)settings;

	(void)err;
	return open_probe(probe,
			  &(struct turn_plan){.interval_ns = world->is_scheduled ? 60 * S : 0, .timeout_ns = 10 * S});
}

static void trace_finish(void *arg)
{
	struct state *state = arg;
	const struct reading own[] = {reading_number(0, 1), reading_integer(1, 12)};
	const struct reading change[] = {
		reading_text(EVENT_BEFORE, "192.0.2.1 > 192.0.2.9"),
		reading_text(EVENT_AFTER, "192.0.2.1 > * > 192.0.2.9"),
	};
	const struct label kind = {"kind", event_kind_name(EVENT_PATH_CHANGE)};
	const struct row rows[] = {
		{.set = &trace_set, .readings = own, .n = 2},
		{&event_row_set, &kind, 1, change, 2},
	};

	/* Its own loss is total: that must not set itself off again, nor anybody else. */
	run_finish(state->run, REASON_TIMEOUT, rows, state->world->path_changes ? 2 : 1);
}

static void *trace_start(struct run *run, void *opened, const void *settings)
{
	struct state *state = begin(run, opened, settings);

	state->world->traces++;
	state->world->caused += run_cause(run) != NULL;
	state->world->traced_ns = fake_now_ns();
	alarm_prepare(&state->alarm, trace_finish, state);
	alarm_set(state->loop, &state->alarm, fake_now_ns() + state->world->trace_takes_ns);
	return state;
}

static const struct probe_type trace_type = {
	.name = "toytrace",
	.sets = trace_sets,
	.trigger = trace_trigger,
	.open = trace_open,
	.start = trace_start,
	.deadline = expire,
	.stop = stop,
	.close = close_probe,
};

/* --- the house --------------------------------------------------------------------------------------------------- */

struct house {
	struct world world, *settings;
	struct probe_spec beat, beat2, trace, trace2;
	struct loop *loop;
	struct resolver *resolver;
	struct engine *engine;
	struct series_store *store;
	struct events *events;
	struct trigger_desk *desk;
	struct pipeline *pipeline;
	struct roster *roster;
	struct target **targets;
	size_t ntargets;
};

static void build(struct house *house, const struct trigger_plan *plan)
{
	fake_reset();
	fake_icmp_reset(NULL, NULL);
	memset(house, 0, sizeof(*house));
	log_configure(2, LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	house->world = (struct world){.rtt = 0.01, .trace_takes_ns = S / 10, .plan = *plan};
	house->settings = &house->world;
	house->beat = (struct probe_spec){"beat", &beat_type, &house->settings, NULL};
	house->beat2 = (struct probe_spec){"beat2", &beat_type, &house->settings, NULL};
	house->trace = (struct probe_spec){"trace", &trace_type, &house->settings, NULL};
	house->trace2 = (struct probe_spec){"trace2", &trace_type, &house->settings, NULL};
	house->loop = loop_create(0, NULL);
	house->resolver = resolver_create(house->loop, NULL, NULL);
	house->engine = engine_create(&(struct engine_plan){.loop = house->loop, .resolver = house->resolver});
	house->store = series_store_create(1, 1000000);
	house->events = events_create(EVENTS_BYTES);
	house->desk = trigger_desk_create();
	house->pipeline =
		pipeline_create(&(struct pipeline_plan){.store = house->store, .boot = "b", .events = house->events});
	house->roster = roster_create(house->engine, house->pipeline, house->desk);
}

static void tear_down(struct house *house)
{
	roster_free(house->roster);
	pipeline_free(house->pipeline);
	trigger_desk_free(house->desk);
	events_free(house->events);
	engine_free(house->engine);
	series_store_free(house->store);
	resolver_free(house->resolver);
	loop_free(house->loop);
	for (size_t i = 0; i < house->ntargets; i++)
		target_release(house->targets[i]);
	mem_free(house->targets);
	cr_expect_eq(fake_alive(), 0);
	cr_expect_eq(fake_memory_pieces(), 0);
}

static const struct target *target(struct house *house, const char *name)
{
	for (size_t i = house->ntargets; i-- > 0;)
		if (strcmp(target_name(house->targets[i]), name) == 0)
			return house->targets[i];
	house->targets = mem_resize(house->targets, house->ntargets + 1, sizeof(struct target *));
	house->targets[house->ntargets] = target_create(name, "192.0.2.1", NULL, 0);
	return house->targets[house->ntargets++];
}

static void add(struct house *house, const char *name, const struct probe_spec *spec)
{
	struct err err = {0};

	cr_assert_eq(roster_open(house->roster, target(house, name), spec, &err), 0, "%s", err.text);
}

static int64_t figure(const struct house *house, const char *name)
{
	struct reading readings[8];
	size_t n = trigger_desk_read(house->desk, readings);

	for (size_t i = 0; i < n; i++)
		if (strcmp(trigger_set.measures[readings[i].measure].name, name) == 0)
			return readings[i].value.integer;
	cr_assert_fail("no measure %s", name);
	return 0;
}

/* Looks at the newest event of a kind. Returns how many there are (up to 100). */
static size_t newest(const struct house *house, enum event_kind kind, void (*look)(const struct sample *sample))
{
	const struct events_filter filter = {.kind = kind, .since_ns = INT64_MIN};
	struct history_copy copies[100 * EVENT_KINDS];
	size_t n = events_pick(house->events, &filter, 100, 1 << 20, copies);

	if (n > 0 && look) {
		struct history_reader *reader = history_reader_open(&copies[0]);

		look(history_reader_next(reader));
		history_reader_close(reader);
	}
	for (size_t i = 0; i < n; i++)
		history_copy_free(&copies[i]);
	return n;
}

static const struct trigger_plan on_loss = {.on_loss = 0.2, .pause_ns = 60 * S};
static const struct trigger_plan on_all = {.on_failure = true, .on_loss = 0.2, .on_rtt_ns = S / 10, .pause_ns = 60 * S};

/* --- tests ------------------------------------------------------------------------------------------------------- */

static void look_at_trigger(const struct sample *sample)
{
	const struct row *event = &sample->rows[0];

	cr_assert_eq(sample->nrows, 2);
	cr_expect_eq(event->set, &event_row_set);
	cr_expect_str_eq(event->labels[0].value, "trigger");
	cr_expect_str_eq(event->labels[1].value, "t");
	cr_expect_str_eq(event->labels[2].value, "trace");
	cr_expect_str_eq(event->labels[3].value, "toytrace");
	cr_expect_str_eq(event_text(event, EVENT_TEXT), "loss of beat: 0.4 (threshold 0.2)");
	cr_expect_str_eq(event_text(event, EVENT_SOURCE), "beat");
	cr_assert_eq(event->n, 4);
	cr_expect_eq(event->readings[2].value.number, 0.4);
	cr_expect_eq(event->readings[3].value.number, 0.2);
	cr_expect_eq(sample->rows[1].set, &trace_set);
	cr_expect_str_eq(sample->cause, "loss of beat: 0.4 (threshold 0.2)");
	cr_expect_eq(sample->run, 1);
}

Test(trigger, a_loss_sets_off_one_trace)
{
	struct house house;

	build(&house, &on_loss);
	add(&house, "t", &house.beat);
	add(&house, "t", &house.trace);
	add(&house, "other", &house.beat);
	fake_advance_ns(600 * S);
	cr_expect_eq(house.world.traces, 0);
	house.world.loss = 0.4;
	fake_advance_ns(30 * S);
	cr_expect_eq(house.world.traces, 1);
	cr_expect_eq(house.world.caused, 1);
	cr_expect_eq(newest(&house, EVENT_TRIGGER, look_at_trigger), 1);
	cr_expect_eq(figure(&house, "runs_total"), 1);
	cr_expect_eq(figure(&house, "paused_total"), 0);
	house.world.loss = 0;
	fake_advance_ns(3600 * S);
	cr_expect_eq(house.world.traces, 1);
	house.world.loss = 1;
	fake_advance_ns(2 * S);
	cr_expect_eq(house.world.traces, 2, "after quiet at once");
	tear_down(&house);
}

Test(trigger, each_condition_does)
{
	for (unsigned i = 0; i < 3; i++) {
		struct house house;

		build(&house, &on_all);
		add(&house, "t", &house.trace); /* the order does not matter */
		add(&house, "t", &house.beat);
		fake_advance_ns(10 * S);
		cr_expect_eq(house.world.traces, 0);
		house.world.reason = i == 0 ? REASON_STATUS : REASON_OK;
		house.world.loss = i == 1 ? 0.2 : 0.1;
		house.world.rtt = i == 2 ? 0.1 : 0.09;
		fake_advance_ns(10 * S);
		cr_expect_eq(house.world.traces, 1, "%u", i);
		tear_down(&house);
	}
}

/* What stays down is traced at 0, 60, 180, 420, 900, 1860 and 3780 s, then hourly. */
Test(trigger, what_stays_down_is_not_traced_for_ever)
{
	struct house house;

	build(&house, &on_all);
	add(&house, "t", &house.beat);
	add(&house, "t", &house.beat2);
	add(&house, "t", &house.trace);
	house.world.reason = REASON_TIMEOUT;
	fake_advance_ns(86400 * S);
	cr_expect_eq(house.world.traces, 29, "%u", house.world.traces);
	cr_expect_eq(figure(&house, "paused_total"), 1, "the other probe's crossing, once");
	tear_down(&house);
}

Test(trigger, traces_set_nothing_off)
{
	struct house house;

	build(&house, &on_all);
	add(&house, "t", &house.beat);
	add(&house, "t", &house.trace);
	add(&house, "t", &house.trace2);
	house.world.loss = 0.5;
	fake_advance_ns(2 * S);
	house.world.loss = 0;
	fake_advance_ns(3600 * S);
	cr_expect_eq(house.world.traces, 2, "each once, though both of them failed");
	tear_down(&house);
}

Test(trigger, only_probes_that_are_named_count)
{
	static const char *const names[] = {"beat2"};
	struct trigger_plan plan = on_loss;
	struct house house;

	plan.probes = names;
	plan.nprobes = 1;
	build(&house, &plan);
	add(&house, "t", &house.beat);
	add(&house, "t", &house.trace);
	house.world.loss = 1;
	fake_advance_ns(60 * S);
	cr_expect_eq(house.world.traces, 0);
	add(&house, "t", &house.beat2);
	fake_advance_ns(3 * S);
	cr_expect_eq(house.world.traces, 1);
	tear_down(&house);
}

Test(trigger, a_trace_in_progress_is_not_disturbed)
{
	struct house house;

	build(&house, &on_loss);
	house.world.is_scheduled = true;
	house.world.trace_takes_ns = 9 * S;
	add(&house, "t", &house.beat);
	add(&house, "t", &house.trace);
	while (house.world.traces == 0)
		fake_advance_ns(S / 10);
	house.world.loss = 1;
	fake_advance_ns(5 * S);
	cr_expect_eq(house.world.traces, 1);
	cr_expect_eq(figure(&house, "busy_total"), 1, "counted once");
	fake_advance_ns(7 * S);
	cr_expect_eq(house.world.traces, 2, "when it has ended, if the trouble goes on");
	cr_expect_eq(house.world.caused, 1);
	tear_down(&house);
}

static void add_many(struct house *house, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct err err = {0};
		char name[16];

		snprintf(name, sizeof(name), "t%u", i);
		house->targets = mem_resize(house->targets, house->ntargets + 1, sizeof(struct target *));
		house->targets[house->ntargets++] = target_create(name, "192.0.2.1", NULL, 0);
		cr_assert_eq(roster_open(house->roster, house->targets[i], &house->beat, &err), 0);
		cr_assert_eq(roster_open(house->roster, house->targets[i], &house->trace, &err), 0);
	}
}

static const struct trigger_plan once = {.on_loss = 0.2, .pause_ns = 7200 * S};

/* An outage of ten thousand targets: so many a second for the worker, and the rest is counted. */
Test(trigger, a_storm_is_worked_off_slowly, .timeout = 100)
{
	enum { TARGETS = 10000 };
	struct house house;

	build(&house, &once);
	add_many(&house, TARGETS);
	fake_advance_ns(3 * S);
	house.world.loss = 1;
	for (unsigned i = 1; i <= 20; i++) {
		fake_advance_ns(S);
		cr_expect(house.world.traces <= TRIGGER_RATE * i + TRIGGER_BURST, "%u", house.world.traces);
		cr_expect(house.world.traces >= TRIGGER_RATE * i, "%u", house.world.traces);
	}
	house.world.loss = 0;
	fake_advance_ns(S);
	cr_expect_geq(figure(&house, "limited_total"), TARGETS - TRIGGER_BURST - TRIGGER_RATE);
	cr_expect_leq(figure(&house, "limited_total"), TARGETS, "each crossing once");
	cr_expect_eq(figure(&house, "runs_total"), house.world.caused);
	cr_expect_eq(events_read(house.events, EVENT_TRIGGER).value.integer, house.world.caused);
	tear_down(&house);
}

Test(trigger, in_a_storm_each_has_its_turn_at_last, .timeout = 100)
{
	enum { TARGETS = 500 };
	struct house house;

	build(&house, &once);
	add_many(&house, TARGETS);
	house.world.loss = 1;
	fake_advance_ns((TARGETS / TRIGGER_RATE + 20) * S);
	cr_expect_eq(house.world.traces, TARGETS, "%u", house.world.traces);
	for (unsigned i = 0; i < TARGETS; i++) {
		const struct events_filter filter = {target_name(house.targets[i]), EVENT_TRIGGER, INT64_MIN};
		struct history_copy copies[2 * EVENT_KINDS];

		cr_expect_eq(events_pick(house.events, &filter, 2, 1 << 16, copies), 1);
		history_copy_free(&copies[0]);
	}
	tear_down(&house);
}

/* --- changes while it runs --------------------------------------------------------------------------------------- */

Test(trigger, probes_come_and_go)
{
	struct house house;

	build(&house, &on_loss);
	add(&house, "t", &house.beat);
	add(&house, "t", &house.trace);
	house.world.loss = 1;
	fake_advance_ns(3 * S);
	cr_expect_eq(house.world.traces, 1);
	cr_expect(roster_close(house.roster, "t", "trace"));
	fake_advance_ns(100 * S);
	cr_expect_eq(house.world.traces, 1);
	add(&house, "t", &house.trace);
	fake_advance_ns(3 * S);
	cr_expect_eq(house.world.traces, 2, "a new one knows nothing of the one before");
	cr_expect(roster_close(house.roster, "t", "beat"));
	fake_advance_ns(3600 * S);
	cr_expect_eq(house.world.traces, 2);
	add(&house, "t", &house.beat);
	fake_advance_ns(3 * S);
	cr_expect_eq(house.world.traces, 3, "the one that went away was quiet meanwhile");
	cr_expect_eq(newest(&house, EVENT_TRIGGER, NULL), 3, "events stay");
	tear_down(&house);
}

Test(trigger, a_trace_may_go_while_it_is_due_or_runs)
{
	for (unsigned i = 0; i < 2; i++) {
		struct house house;

		build(&house, &on_loss);
		house.world.trace_takes_ns = 5 * S;
		add(&house, "t", &house.beat);
		add(&house, "t", &house.trace);
		house.world.loss = 1;
		while (figure(&house, "runs_total") == 0)
			fake_advance_ns(i == 0 ? S / 100 : S);
		cr_expect(roster_close(house.roster, "t", "trace"));
		fake_advance_ns(20 * S);
		cr_expect_eq(newest(&house, EVENT_TRIGGER, NULL), 0);
		tear_down(&house);
	}
}

static void look_at_change(const struct sample *sample)
{
	const struct row *event = &sample->rows[0];

	cr_assert_eq(sample->nrows, 1, "the trace itself is in the last results");
	cr_expect_str_eq(event->labels[0].value, "path_change");
	cr_expect_str_eq(event->labels[1].value, "t");
	cr_expect_str_eq(event_text(event, EVENT_BEFORE), "192.0.2.1 > 192.0.2.9");
	cr_expect_str_eq(event_text(event, EVENT_AFTER), "192.0.2.1 > * > 192.0.2.9");
	cr_expect_null(event_text(event, EVENT_TEXT));
}

Test(trigger, a_path_change_is_an_event_of_its_own)
{
	struct house house;
	size_t series;

	build(&house, &on_loss);
	house.world.is_scheduled = true;
	add(&house, "t", &house.trace);
	fake_advance_ns(121 * S);
	series = series_store_count(house.store);
	cr_expect_eq(newest(&house, EVENT_PATH_CHANGE, NULL), 0);
	house.world.path_changes = true;
	fake_advance_ns(60 * S);
	cr_expect_eq(newest(&house, EVENT_PATH_CHANGE, look_at_change), 1);
	cr_expect_eq(newest(&house, EVENT_TRIGGER, NULL), 0);
	cr_expect_eq(events_read(house.events, EVENT_PATH_CHANGE).value.integer, 1);
	cr_expect_eq(series_store_count(house.store), series, "it makes no series");
	tear_down(&house);
}
