/* The engine on virtual time, with a probe type of the test's own. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/resolve.h"
#include "probes/engine.h"
#include "probes/routeros/catalogue.h"
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

/* --- parts ------------------------------------------------------------------------------------------------------- */

#define PARTS     70
#define PART_LONG 7 /* of the tier of an hour */
#define PART_DAY  8

/* A probe with many parts, and what came of it. */
struct many {
	struct loop *loop;
	struct resolver *resolver;
	struct engine *engine;
	struct probe *probe;
	struct subject subject;
	int64_t takes_ns, hurry_ns;
	bool keeps, is_closing, ends_others;
	size_t nquiet;
	unsigned opened, started, stopped;
	struct many_run *alive[PARTS];
	unsigned samples[PARTS], late; /* late: after the close began */
	uint64_t run[PARTS], skipped[PARTS];
	int64_t first_ns[PARTS], last_ns[PARTS];
	struct sample last;
	bool is_single;
	const struct catalogue *catalogue;
};

struct many_run {
	struct many *many;
	struct run *run;
	unsigned part;
	struct alarm alarm;
};

static int64_t many_interval_ns(unsigned part)
{
	switch (part) {
	case 0:
		return 5 * NS_PER_SECOND;
	case PART_LONG:
		return 3600 * NS_PER_SECOND;
	case PART_DAY:
		return 86400 * NS_PER_SECOND;
	default:
		return 60 * NS_PER_SECOND;
	}
}

static void *many_open(struct probe *probe, const void *settings, struct err *err)
{
	struct many *many = *(struct many *const *)settings;
	(void)err;
	many->is_single = probe_is_single(probe);
	many->catalogue = probe_catalogue(probe);
	for (unsigned part = 0; part < PARTS; part++)
		probe_add_turn(probe, &(struct turn_plan){.interval_ns = many_interval_ns(part),
							  .timeout_ns = 4 * NS_PER_SECOND,
							  .tag = part,
							  .part = (uint16_t)part});
	return many;
}

static void many_finish(void *arg)
{
	struct many_run *run = arg;
	struct reading reading = reading_number(0, 1);
	struct row rows[3];
	for (size_t i = 0; i < 3; i++)
		rows[i] = (struct row){.set = &toy_set, .readings = &reading, .n = 1};
	if (run->many->keeps)
		run_keep_rows(run->run);
	if (run->many->hurry_ns)
		run_hurry_next(run->run, run->many->hurry_ns);
	run_set_quiet(run->run, run->many->nquiet);
	run_finish(run->run, REASON_OK, rows, 3);
}

static void *many_start(struct run *run, void *opened, const void *settings)
{
	struct many_run *state = mem_zero(1, sizeof(*state));
	(void)settings;
	state->many = opened;
	state->run = run;
	state->part = run_tag(run);
	state->many->started++;
	state->many->alive[state->part] = state;
	alarm_prepare(&state->alarm, many_finish, state);
	if (state->many->takes_ns)
		alarm_set(state->many->loop, &state->alarm, clock_monotonic_ns() + state->many->takes_ns);
	return state;
}

static void many_deadline(void *arg)
{
	run_finish(((struct many_run *)arg)->run, REASON_TIMEOUT, NULL, 0);
}

/* With ends_others it does what a shared connection may do: its end is that of the calls of all other runs. */
static void many_stop(void *arg)
{
	struct many_run *state = arg;
	struct many *many = state->many;
	many->stopped++;
	many->alive[state->part] = NULL;
	for (unsigned part = 0; many->ends_others && part < PARTS; part++)
		if (many->alive[part])
			many_finish(many->alive[part]);
	alarm_cancel(many->loop, &state->alarm);
	mem_free(state);
}

static void many_close(void *opened)
{
	(void)opened;
}

static const struct probe_type many_type = {
	.name = "many",
	.sets = toy_sets,
	.open = many_open,
	.start = many_start,
	.deadline = many_deadline,
	.stop = many_stop,
	.close = many_close,
};

static void many_deliver(void *context, const struct sample *sample)
{
	struct many *many = context;
	unsigned part = sample->part;
	many->late += many->is_closing;
	many->last = *sample;
	if (!many->samples[part]++)
		many->first_ns[part] = fake_now_ns();
	many->last_ns[part] = fake_now_ns();
	cr_assert_eq(sample->run, many->run[part] + 1, "each part counts its own runs");
	many->run[part] = sample->run;
	many->skipped[part] = sample->skipped;
}

static void bench_many(struct many *many, const struct catalogue *catalogue, bool is_single)
{
	fake_reset();
	fake_icmp_reset(NULL, NULL);
	memset(many, 0, sizeof(*many));
	many->takes_ns = 20 * NS_PER_MS;
	many->loop = loop_create(0, NULL);
	many->resolver = resolver_create(many->loop, NULL, NULL);
	many->engine = engine_create(
		&(struct engine_plan){.loop = many->loop, .resolver = many->resolver, .catalogue = catalogue});
	many->subject = (struct subject){.target = "gw1", .probe = "routers", .type = "many"};
	many->probe = probe_open(many->engine,
				 &(struct probe_plan){.type = &many_type,
						      .settings = &(struct many *){many},
						      .subject = &many->subject,
						      .address = "192.0.2.1",
						      .sink = {many_deliver, NULL, many},
						      .is_single = is_single},
				 &(struct err){{0}});
	cr_assert_not_null(many->probe);
}

static void many_end(struct many *many)
{
	many->is_closing = true;
	probe_close(many->probe);
	cr_assert_eq(many->started, many->stopped, "each run gets one stop");
	cr_assert_eq(many->late, 0, "no sample comes after the close began");
	fake_advance_ns(200 * NS_PER_SECOND);
	cr_assert_eq(many->started, many->stopped, "nothing starts afterwards");
	engine_free(many->engine);
	resolver_free(many->resolver);
	loop_free(many->loop);
	cr_assert_eq(fake_alive(), 0);
}

Test(engine_parts, each_counts_its_own_runs)
{
	struct many many;
	bench_many(&many, NULL, false);
	fake_advance_ns(600 * NS_PER_SECOND);
	cr_assert(many.samples[0] >= 119 && many.samples[0] <= 120, "%u", many.samples[0]);
	for (unsigned part = 1; part < PARTS; part++) {
		unsigned most = part == PART_LONG || part == PART_DAY ? 2 : 11;
		cr_assert(many.samples[part] >= 1 && many.samples[part] <= most, "%u: %u", part, many.samples[part]);
		cr_assert_eq(many.skipped[part], 0);
	}
	cr_assert(many.samples[1] >= 9);
	many_end(&many);
}

Test(engine_parts, the_rare_ones_come_soon_and_then_at_their_place)
{
	struct many many;
	bench_many(&many, NULL, false);
	int64_t begun_ns = fake_now_ns();
	fake_advance_ns(31 * NS_PER_SECOND);
	for (unsigned part = 0; part < PARTS; part++)
		cr_assert_geq(many.samples[part], 1, "%u", part);
	cr_assert_leq(many.first_ns[PART_DAY] - begun_ns, 31 * NS_PER_SECOND);
	fake_advance_ns(2 * 86400 * NS_PER_SECOND);
	/* The early one, and one a day. */
	cr_assert(many.samples[PART_DAY] == 3 || many.samples[PART_DAY] == 2, "%u", many.samples[PART_DAY]);
	cr_assert(many.samples[PART_LONG] >= 48 && many.samples[PART_LONG] <= 50, "%u", many.samples[PART_LONG]);
	many_end(&many);
}

Test(engine_parts, they_are_spread_over_the_interval)
{
	struct many many;
	unsigned seconds[30] = {0};
	bench_many(&many, NULL, false);
	int64_t begun_ns = fake_now_ns();
	fake_advance_ns(31 * NS_PER_SECOND);
	for (unsigned part = 1; part < PARTS; part++)
		seconds[(many.first_ns[part] - begun_ns) / NS_PER_SECOND % 30]++;
	for (unsigned second = 0; second < 30; second++)
		cr_assert_leq(seconds[second], 9, "second %u: %u", second, seconds[second]);
	many_end(&many);
}

Test(engine_parts, one_that_hangs_is_skipped_alone)
{
	struct many many;
	bench_many(&many, NULL, false);
	fake_advance_ns(100 * NS_PER_SECOND);
	fake_stall_ns(30 * NS_PER_SECOND);
	fake_advance_ns(60 * NS_PER_SECOND);
	cr_assert(many.skipped[0] >= 5 && many.skipped[0] <= 6, "%llu", (unsigned long long)many.skipped[0]);
	for (unsigned part = 1; part < PARTS; part++)
		cr_assert_eq(many.skipped[part], 0, "%u", part);
	many_end(&many);
}

Test(engine_parts, what_is_said_about_rows_is_of_one_run)
{
	struct many many;
	bench_many(&many, NULL, false);
	many.keeps = true;
	many.nquiet = 1;
	while (!many.last.part)
		fake_advance_ns(NS_PER_SECOND);
	cr_assert(many.last.keeps_rows);
	cr_assert_eq(many.last.nquiet, 1);
	while (many.last.part)
		fake_advance_ns(5 * NS_PER_MS);
	cr_assert_not(many.last.keeps_rows, "what the probe is as a whole is never kept");
	many.keeps = false;
	many.nquiet = 99;
	while (!many.last.part)
		fake_advance_ns(NS_PER_SECOND);
	cr_assert_not(many.last.keeps_rows);
	cr_assert_eq(many.last.nquiet, 3, "no more than there are");
	many_end(&many);
}

Test(engine_parts, one_may_ask_to_come_again_sooner)
{
	struct many many;
	bench_many(&many, NULL, false);
	many.hurry_ns = 20 * NS_PER_SECOND;
	fake_advance_ns(200 * NS_PER_SECOND);
	cr_assert(many.samples[PART_DAY] >= 8 && many.samples[PART_DAY] <= 10, "%u", many.samples[PART_DAY]);
	cr_assert_geq(many.samples[0], 39, "what comes sooner anyhow is not held back");
	many.hurry_ns = 0;
	fake_advance_ns(30 * NS_PER_SECOND);
	unsigned before = many.samples[PART_DAY];
	fake_advance_ns(80000 * NS_PER_SECOND);
	cr_assert_leq(many.samples[PART_DAY], before + 1);
	many_end(&many);
}

Test(engine_parts, closing_while_the_end_of_one_is_that_of_others)
{
	struct many many;
	bench_many(&many, NULL, false);
	many.takes_ns = 0;
	many.ends_others = true;
	many.hurry_ns = NS_PER_SECOND;
	while (many.started < many.stopped + 4)
		fake_advance_ns(5 * NS_PER_MS);
	many_end(&many);
}

Test(engine_parts, asked_for_one_run_it_is_that_of_the_whole)
{
	struct many many;
	const struct catalogue_set *sets[] = {NULL};
	const struct catalogue catalogue = {.sets = sets};
	bench_many(&many, &catalogue, true);
	cr_assert(many.is_single);
	cr_assert_eq(many.catalogue, &catalogue);
	fake_advance_ns(100 * NS_PER_SECOND);
	cr_assert_eq(many.started, 0);
	cr_assert_eq(probe_run_once(many.probe), 0);
	fake_advance_ns(NS_PER_SECOND);
	cr_assert_eq(many.started, 1);
	cr_assert_eq(many.samples[0], 1);
	many_end(&many);
}

Test(engine_parts, without_a_catalogue_there_is_one_without_sets)
{
	struct many many;
	bench_many(&many, NULL, false);
	cr_assert_not(many.is_single);
	cr_assert_eq(many.catalogue->n, 0);
	many_end(&many);
}
