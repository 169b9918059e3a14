/* The engine on virtual time, with a probe type of the test's own. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/resolve.h"
#include "probes/engine.h"
#include "tests/fakes/fake_icmp.h"
#include "tests/fakes/fakes.h"

/* What the type of the test does, and what it was asked to do. */
struct script {
	int64_t interval_ns, timeout_ns;
	unsigned turns;
	int64_t takes_ns;      /* a run ends by itself after this; 0 = at the deadline */
	bool finishes_at_once; /* by run_finish_later, from start */
	bool ignores_deadline;
	bool finishes_inside_start;
	struct loop *loop;
	unsigned opened, closed, started, stopped, deadlines;
	uint32_t last_tag;
	char cause[PROBE_CAUSE_MAX + 1]; /* of the last run; "" for none */
};

struct state {
	struct script *script;
	struct run *run;
	struct alarm alarm;
};

static const struct measure toy_measures[] = {{"value", MEASURE_GAUGE, "A value"}};
static const struct measure_set toy_set = {.name = "toy", .measures = toy_measures, .n = 1};
static const struct measure_set *const toy_sets[] = {&toy_set, NULL};

static void *toy_open(struct probe *probe, const void *settings, struct err *err)
{
	struct script *script = *(struct script *const *)settings;
	if (script->interval_ns < 0) {
		err_set(err, "cannot work here");
		return NULL;
	}
	script->opened++;
	script->loop = probe_loop(probe);
	for (uint32_t tag = 0; tag < script->turns; tag++)
		probe_add_turn(probe, &(struct turn_plan){.interval_ns = script->interval_ns,
							  .timeout_ns = script->timeout_ns,
							  .tag = tag});
	return script;
}

static void finish_ok(void *arg)
{
	struct state *state = arg;
	struct reading reading = reading_number(0, 42);
	struct row row = {.set = &toy_set, .readings = &reading, .n = 1};
	run_finish(state->run, REASON_OK, &row, 1);
	/* A run ends once only: this must change nothing. */
	run_finish(state->run, REASON_TIMEOUT, &row, 1);
}

static void *toy_start(struct run *run, void *opened, const void *settings)
{
	(void)settings;
	struct state *state = mem_zero(1, sizeof(*state));
	state->script = opened;
	state->run = run;
	state->script->started++;
	state->script->last_tag = run_tag(run);
	snprintf(state->script->cause, sizeof(state->script->cause), "%s", run_cause(run) ? run_cause(run) : "");
	run_log(run, "start %u", state->script->started);
	alarm_prepare(&state->alarm, finish_ok, state);
	if (state->script->takes_ns)
		alarm_set(state->script->loop, &state->alarm, clock_monotonic_ns() + state->script->takes_ns);
	if (state->script->finishes_at_once)
		run_finish_later(run, finish_ok);
	if (state->script->finishes_inside_start)
		run_finish(run, REASON_OK, NULL, 0);
	return state;
}

static void toy_deadline(void *arg)
{
	struct state *state = arg;
	state->script->deadlines++;
	if (!state->script->ignores_deadline)
		run_finish(state->run, REASON_TIMEOUT, NULL, 0);
}

static void toy_stop(void *arg)
{
	struct state *state = arg;
	state->script->stopped++;
	alarm_cancel(state->script->loop, &state->alarm);
	mem_free(state);
}

static void toy_close(void *opened)
{
	((struct script *)opened)->closed++;
}

static const struct probe_type toy_type = {
	.name = "toy",
	.sets = toy_sets,
	.open = toy_open,
	.start = toy_start,
	.deadline = toy_deadline,
	.stop = toy_stop,
	.close = toy_close,
};

struct bench {
	struct script script;
	struct script *settings;
	struct loop *loop;
	struct resolver *resolver;
	struct engine *engine;
	struct probe *probe;
	struct subject subject;
	struct sample last;
	unsigned samples, reasons[REASON_COUNT], lines;
	char cause[16]; /* of the last sample; "none" when it has none */
	char line[64];
	uint64_t last_run;
};

static void bench_deliver(void *context, const struct sample *sample)
{
	struct bench *bench = context;
	bench->last = *sample;
	snprintf(bench->cause, sizeof(bench->cause), "%s", sample->cause ? sample->cause : "none");
	bench->samples++;
	bench->reasons[sample->reason]++;
	/* With several turns, runs overlap and end in another order than they began in. */
	cr_assert(bench->script.turns > 1 || sample->run == bench->last_run + 1, "runs are numbered without gaps");
	bench->last_run = sample->run;
}

static void bench_log(void *context, const char *line)
{
	struct bench *bench = context;
	bench->lines++;
	snprintf(bench->line, sizeof(bench->line), "%s", line);
}

static void bench_open(struct bench *bench, const struct script *script, bool is_single)
{
	fake_reset();
	fake_icmp_reset(NULL, NULL);
	memset(bench, 0, sizeof(*bench));
	bench->script = *script;
	if (!bench->script.turns)
		bench->script.turns = 1;
	bench->settings = &bench->script;
	bench->loop = loop_create(0, NULL);
	bench->resolver = resolver_create(bench->loop, NULL, NULL);
	bench->engine =
		engine_create(&(struct engine_plan){.loop = bench->loop, .resolver = bench->resolver, .worker = 3});
	bench->subject = (struct subject){.target = "t", .probe = "p", .type = "toy"};
	struct err err = {{0}};
	bench->probe = probe_open(bench->engine,
				  &(struct probe_plan){.type = &toy_type,
						       .settings = &bench->settings,
						       .subject = &bench->subject,
						       .address = "192.0.2.1",
						       .sink = {bench_deliver, bench_log, bench},
						       .is_single = is_single},
				  &err);
}

static void bench_close(struct bench *bench)
{
	probe_close(bench->probe);
	cr_assert_eq(bench->script.started, bench->script.stopped, "each run gets one stop");
	cr_assert_eq(bench->script.opened, bench->script.closed);
	engine_free(bench->engine);
	resolver_free(bench->resolver);
	loop_free(bench->loop);
	cr_assert_eq(fake_alive(), 0);
}

static int64_t engine_figure(const struct bench *bench, const char *name)
{
	struct reading readings[16];
	size_t n = engine_read(bench->engine, readings);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(engine_set.measures[readings[i].measure].name, name))
			return readings[i].value.integer;
	cr_assert_fail("no measure %s", name);
	return 0;
}

Test(engine, a_run_every_interval)
{
	struct bench bench;
	bench_open(&bench,
		   &(struct script){
			   .interval_ns = NS_PER_SECOND, .timeout_ns = 900 * NS_PER_MS, .takes_ns = 20 * NS_PER_MS},
		   false);
	fake_advance_ns(60 * NS_PER_SECOND);
	cr_assert(bench.samples >= 59 && bench.samples <= 60, "%u", bench.samples);
	cr_assert_eq(bench.reasons[REASON_OK], bench.samples);
	cr_assert(bench.last.took_ns >= 20 * NS_PER_MS && bench.last.took_ns <= 30 * NS_PER_MS);
	cr_assert_eq(bench.script.deadlines, 0);
	cr_assert_eq(bench.last.skipped, 0);
	cr_assert_eq(engine_figure(&bench, "probes"), 1);
	cr_assert_eq(engine_figure(&bench, "runs_alive"), 0);
	cr_assert_eq(engine_figure(&bench, "starts_total"), bench.samples);
	cr_assert_eq(engine_worker(bench.engine), 3);
	bench_close(&bench);
}

Test(engine, the_deadline_is_the_engines)
{
	struct bench bench;
	bench_open(&bench, &(struct script){.interval_ns = NS_PER_SECOND, .timeout_ns = 300 * NS_PER_MS}, false);
	fake_advance_ns(10 * NS_PER_SECOND);
	cr_assert_eq(bench.reasons[REASON_TIMEOUT], bench.samples);
	cr_assert_geq(bench.samples, 9);
	cr_assert(bench.last.took_ns >= 300 * NS_PER_MS && bench.last.took_ns <= 310 * NS_PER_MS);
	bench_close(&bench);
}

Test(engine, a_type_that_ignores_its_deadline_is_ended)
{
	struct bench bench;
	bench_open(
		&bench,
		&(struct script){.interval_ns = NS_PER_SECOND, .timeout_ns = 300 * NS_PER_MS, .ignores_deadline = true},
		false);
	fake_advance_ns(5 * NS_PER_SECOND);
	cr_assert_geq(bench.reasons[REASON_TIMEOUT], 4);
	cr_assert_eq(bench.last.nrows, 0);
	bench_close(&bench);
}

Test(engine, timeout_equal_to_the_interval_skips_nothing)
{
	struct bench bench;
	bench_open(&bench, &(struct script){.interval_ns = 100 * NS_PER_MS, .timeout_ns = 5 * NS_PER_SECOND}, false);
	fake_advance_ns(10 * NS_PER_SECOND);
	cr_assert_geq(bench.samples, 98, "%u", bench.samples);
	cr_assert_eq(bench.last.skipped, 0);
	bench_close(&bench);
}

Test(engine, timeout_equal_to_the_interval_skips_nothing_when_starts_jitter)
{
	struct bench bench;
	bench_open(&bench, &(struct script){.interval_ns = 100 * NS_PER_MS, .timeout_ns = 5 * NS_PER_SECOND}, false);
	/* Each slot is seen to a little late, now more, now less, as on a machine that has other things to do. */
	int64_t begun_ns = fake_now_ns();
	for (int slot = 1; slot <= 2000; slot++) {
		int64_t end_ns = begun_ns + slot * 5 * NS_PER_MS;
		fake_advance_ns(end_ns - NS_PER_MS - fake_now_ns());
		fake_stall_ns(NS_PER_MS + slot * 7 % 13 * 50 * NS_PER_US);
		fake_advance_ns(0);
	}
	cr_assert_geq(bench.samples, 98, "%u", bench.samples);
	cr_assert_eq(bench.last.skipped, 0);
	bench_close(&bench);
}

Test(engine, a_stalled_worker_counts_what_it_missed)
{
	struct bench bench;
	bench_open(&bench,
		   &(struct script){.interval_ns = NS_PER_SECOND, .timeout_ns = 900 * NS_PER_MS, .takes_ns = NS_PER_MS},
		   false);
	fake_advance_ns(5 * NS_PER_SECOND);
	unsigned before = bench.samples;
	fake_stall_ns(10 * NS_PER_SECOND);
	fake_advance_ns(5 * NS_PER_SECOND);
	cr_assert_eq(before + bench.last.skipped + (bench.samples - before), bench.script.started + bench.last.skipped);
	cr_assert(bench.last.skipped >= 9 && bench.last.skipped <= 10, "%llu", (unsigned long long)bench.last.skipped);
	cr_assert_eq(engine_figure(&bench, "skipped_total"), (int64_t)bench.last.skipped);
	cr_assert_geq(engine_figure(&bench, "lag_seconds_total"), 8 * NS_PER_SECOND);
	bench_close(&bench);
}

Test(engine, a_run_that_lives_on_through_a_stall_meets_its_deadline_first)
{
	struct bench bench;
	bench_open(&bench, &(struct script){.interval_ns = NS_PER_SECOND, .timeout_ns = 900 * NS_PER_MS}, false);
	while (!bench.script.started)
		fake_advance_ns(5 * NS_PER_MS);
	fake_stall_ns(10 * NS_PER_SECOND);
	fake_advance_ns(100 * NS_PER_MS);
	cr_assert_eq(bench.reasons[REASON_TIMEOUT], 1);
	cr_assert_eq(bench.script.started, 2, "the next run starts at once");
	bench_close(&bench);
}

Test(engine, turns_are_independent_and_told_apart)
{
	struct bench bench;
	bench_open(&bench,
		   &(struct script){.interval_ns = NS_PER_SECOND,
				    .timeout_ns = 500 * NS_PER_MS,
				    .turns = 3,
				    .takes_ns = 450 * NS_PER_MS},
		   false);
	fake_advance_ns(10 * NS_PER_SECOND);
	cr_assert(bench.samples >= 27 && bench.samples <= 30, "%u", bench.samples);
	cr_assert_eq(bench.last.skipped, 0);
	bench_close(&bench);
}

Test(engine, finish_from_start_comes_from_a_fresh_stack)
{
	struct bench bench;
	bench_open(
		&bench,
		&(struct script){.interval_ns = NS_PER_SECOND, .timeout_ns = 500 * NS_PER_MS, .finishes_at_once = true},
		false);
	fake_advance_ns(10 * NS_PER_SECOND);
	cr_assert_geq(bench.reasons[REASON_OK], 9);
	cr_assert_eq(bench.script.deadlines, 0);
	bench_close(&bench);
}

Test(engine, finish_inside_start_is_refused)
{
	struct bench bench;
	bench_open(&bench,
		   &(struct script){
			   .interval_ns = NS_PER_SECOND, .timeout_ns = 500 * NS_PER_MS, .finishes_inside_start = true},
		   false);
	fake_advance_ns(3 * NS_PER_SECOND);
	cr_assert_eq(bench.reasons[REASON_OK], 0);
	cr_assert_geq(bench.reasons[REASON_TIMEOUT], 2);
	bench_close(&bench);
}

Test(engine, closing_in_the_middle_of_a_run_gives_no_sample)
{
	struct bench bench;
	bench_open(&bench, &(struct script){.interval_ns = NS_PER_SECOND, .timeout_ns = 900 * NS_PER_MS}, false);
	while (!bench.script.started)
		fake_advance_ns(5 * NS_PER_MS);
	cr_assert_eq(engine_figure(&bench, "runs_alive"), 1);
	probe_close(bench.probe);
	bench.probe = NULL;
	cr_assert_eq(bench.samples, 0);
	cr_assert_eq(bench.script.stopped, 1);
	cr_assert_eq(engine_figure(&bench, "runs_alive"), 0);
	fake_advance_ns(5 * NS_PER_SECOND);
	cr_assert_eq(bench.script.started, 1);
	bench_close(&bench);
}

Test(engine, a_single_run)
{
	struct bench bench;
	bench_open(&bench,
		   &(struct script){
			   .interval_ns = NS_PER_SECOND, .timeout_ns = 900 * NS_PER_MS, .takes_ns = 50 * NS_PER_MS},
		   true);
	fake_advance_ns(5 * NS_PER_SECOND);
	cr_assert_eq(bench.samples, 0, "nothing is scheduled");
	cr_assert_eq(probe_run_once(bench.probe), 0);
	cr_assert_eq(probe_run_once(bench.probe), -1, "one at a time");
	fake_advance_ns(20 * NS_PER_MS);
	cr_assert_eq(probe_run_once(bench.probe), -1);
	fake_advance_ns(5 * NS_PER_SECOND);
	cr_assert_eq(bench.samples, 1);
	cr_assert_str_eq(bench.line, "start 1");
	cr_assert_eq(probe_run_once(bench.probe), 0);
	fake_advance_ns(5 * NS_PER_SECOND);
	cr_assert_eq(bench.samples, 2);
	probe_run_once(bench.probe);
	bench_close(&bench); /* asked for, never begun */
	cr_assert_eq(bench.script.started, 2);
}

Test(engine, a_single_run_has_a_deadline_too)
{
	struct bench bench;
	bench_open(&bench, &(struct script){.interval_ns = NS_PER_SECOND, .timeout_ns = 900 * NS_PER_MS}, true);
	probe_run_once(bench.probe);
	fake_advance_ns(2 * NS_PER_SECOND);
	cr_assert_eq(bench.reasons[REASON_TIMEOUT], 1);
	bench_close(&bench);
}

Test(engine, a_run_can_be_ended_early)
{
	struct bench bench;
	bench_open(&bench, &(struct script){.interval_ns = 60 * NS_PER_SECOND, .timeout_ns = 50 * NS_PER_SECOND}, true);
	cr_assert_eq(probe_end_run(bench.probe), -1, "none lives");
	probe_run_once(bench.probe);
	cr_assert_eq(probe_end_run(bench.probe), -1, "asked for, not begun");
	fake_advance_ns(NS_PER_SECOND);
	cr_assert_eq(probe_end_run(bench.probe), 0);
	cr_assert_eq(bench.reasons[REASON_TIMEOUT], 1);
	cr_assert_eq(bench.script.stopped, 1);
	cr_assert_eq(probe_end_run(bench.probe), -1);
	bench_close(&bench);
}

Test(engine, a_probe_that_cannot_work_says_why)
{
	struct bench bench;
	bench_open(&bench, &(struct script){.interval_ns = -1}, false);
	cr_assert_null(bench.probe);
	bench_close(&bench);
}

Test(engine, services_are_listed_once_and_read)
{
	struct bench bench;
	bench_open(&bench, &(struct script){.interval_ns = NS_PER_SECOND, .timeout_ns = NS_PER_SECOND}, false);
	const struct probe_service *services[8];
	size_t n = engine_list_services(services, 8);
	cr_assert_geq(n, 1);
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			cr_assert_neq(services[i], services[k]);
	cr_assert_eq(engine_list_services(services, 0), 0);
	bench_close(&bench);
}

/* --- runs out of turn -------------------------------------------------------------------------------------------- */

Test(engine, without_turns_of_its_own_it_runs_only_when_triggered)
{
	struct bench bench;
	bench_open(&bench, &(struct script){.timeout_ns = NS_PER_SECOND, .takes_ns = 20 * NS_PER_MS}, false);
	fake_advance_ns(3600 * NS_PER_SECOND);
	cr_assert_eq(bench.script.started, 0);
	cr_assert_eq(probe_trigger(bench.probe, "loss"), 0);
	cr_assert_eq(bench.script.started, 0, "never from inside the call");
	fake_advance_ns(30 * NS_PER_MS);
	cr_assert_eq(bench.samples, 1);
	cr_assert_str_eq(bench.cause, "loss");
	cr_assert_str_eq(bench.script.cause, "loss");
	cr_assert_eq(probe_run_once(bench.probe), 0);
	fake_advance_ns(30 * NS_PER_MS);
	cr_assert_str_eq(bench.cause, "none", "a cause belongs to one run");
	cr_assert_str_eq(bench.script.cause, "");
	fake_advance_ns(3600 * NS_PER_SECOND);
	cr_assert_eq(bench.samples, 2);
	bench_close(&bench);
}

Test(engine, a_triggered_run_has_a_deadline)
{
	struct bench bench;
	bench_open(&bench, &(struct script){.timeout_ns = NS_PER_SECOND}, false);
	cr_assert_eq(probe_trigger(bench.probe, "why"), 0);
	fake_advance_ns(990 * NS_PER_MS);
	cr_assert_eq(bench.samples, 0);
	fake_advance_ns(30 * NS_PER_MS);
	cr_assert_eq(bench.reasons[REASON_TIMEOUT], 1);
	cr_assert_str_eq(bench.cause, "why");
	bench_close(&bench);
}

Test(engine, one_run_at_a_time_whoever_asked)
{
	struct bench bench;
	bench_open(&bench, &(struct script){.timeout_ns = NS_PER_SECOND, .takes_ns = 20 * NS_PER_MS}, false);
	cr_assert_eq(probe_trigger(bench.probe, "first"), 0);
	cr_assert_eq(probe_trigger(bench.probe, "second"), -1, "it is due");
	fake_advance_ns(10 * NS_PER_MS);
	cr_assert_eq(probe_trigger(bench.probe, "third"), -1, "it lives");
	fake_advance_ns(30 * NS_PER_MS);
	cr_assert_eq(bench.samples, 1);
	cr_assert_str_eq(bench.cause, "first");
	bench_close(&bench);
}

/* Its turns come as ever; the one that comes while it lives is skipped and counted. */
Test(engine, a_triggered_run_beside_turns)
{
	struct bench bench;
	bench_open(&bench,
		   &(struct script){
			   .interval_ns = NS_PER_SECOND, .timeout_ns = NS_PER_SECOND, .takes_ns = 600 * NS_PER_MS},
		   false);
	while (bench.samples < 1)
		fake_advance_ns(5 * NS_PER_MS);
	fake_advance_ns(100 * NS_PER_MS);
	cr_assert_eq(probe_trigger(bench.probe, "x"), 0);
	fake_advance_ns(700 * NS_PER_MS);
	cr_assert_eq(bench.samples, 2);
	cr_assert_str_eq(bench.cause, "x");
	fake_advance_ns(1500 * NS_PER_MS);
	cr_assert_eq(bench.samples, 3);
	cr_assert_str_eq(bench.cause, "none");
	cr_assert_eq(bench.last.skipped, 1);
	bench_close(&bench);
}

Test(engine, a_cause_is_cut_and_given_back)
{
	struct bench bench;
	char cause[2 * PROBE_CAUSE_MAX];
	memset(cause, 'c', sizeof(cause) - 1);
	cause[sizeof(cause) - 1] = '\0';
	bench_open(&bench, &(struct script){.timeout_ns = NS_PER_SECOND}, false);
	size_t pieces = fake_memory_pieces();
	cr_assert_eq(probe_trigger(bench.probe, cause), 0);
	fake_advance_ns(2 * NS_PER_SECOND);
	cr_assert_eq(bench.samples, 1);
	cr_assert_eq(strlen(bench.script.cause), PROBE_CAUSE_MAX);
	cr_assert_leq(fake_memory_pieces(), pieces + 1, "the run's own memory is kept, its cause is not");
	cr_assert_eq(probe_trigger(bench.probe, cause), 0);
	bench_close(&bench); /* while it is due */
}
