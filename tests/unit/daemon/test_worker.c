/*
 * Workers with a probe type of the test's own: targets that come, change and go, and single runs for an asker in this
 * process. Whatever happens on the worker's thread is waited for, not timed.
 */
#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "daemon/batch.h"
#include "daemon/spec.h"
#include "daemon/thread.h"
#include "daemon/worker.h"
#include "exporter/render.h"
#include "exporter/series.h"
#include "probes/engine.h"
#include "shelf_fixture.h"

/* --- a probe type: each run adds one to a counter ---------------------------------------------------------------- */

enum tick_mode { TICK_OK, TICK_FAIL, TICK_HANG, TICK_REFUSE };

/* What a run does is also told to the test. */
struct tick_settings {
	enum tick_mode mode;
	atomic_int *opened, *closed;
};

struct tick {
	struct tick_settings settings;
	struct run *run;
	int64_t count;
};

static const struct measure tick_measures[] = {{"count_total", MEASURE_COUNTER, "Runs of this probe"}};
static const struct measure_set tick_set = {"tick", tick_measures, 1, NULL, "A tick"};
static const struct measure_set *const tick_sets[] = {&tick_set, NULL};

static void *tick_open(struct probe *probe, const void *settings, struct err *err)
{
	const struct tick_settings *wanted = settings;
	const struct turn_plan turn = {
		.interval_ns = wanted->mode == TICK_HANG ? 3600 * NS_PER_SECOND : 10 * NS_PER_MS,
		.timeout_ns = wanted->mode == TICK_HANG ? 3600 * NS_PER_SECOND : 10 * NS_PER_MS,
	};
	struct tick *tick;

	if (wanted->mode == TICK_REFUSE) {
		err_set(err, "no right to tick");
		return NULL;
	}
	tick = mem_zero(1, sizeof(*tick));
	tick->settings = *wanted;
	probe_add_turn(probe, &turn);
	if (wanted->opened)
		atomic_fetch_add(wanted->opened, 1);
	return tick;
}

static void tick_finish(void *state)
{
	struct tick *tick = state;
	const struct reading reading = reading_integer(0, ++tick->count);
	const struct row row = {&tick_set, NULL, 0, &reading, 1};

	run_log(tick->run, "tick %d", (int)tick->count);
	run_finish(tick->run, tick->settings.mode == TICK_OK ? REASON_OK : REASON_CONTENT, &row, 1);
}

static void *tick_start(struct run *run, void *opened, const void *settings)
{
	struct tick *tick = opened;

	(void)settings;
	tick->run = run;
	if (tick->settings.mode != TICK_HANG)
		run_finish_later(run, tick_finish);
	return tick;
}

static void tick_deadline(void *state)
{
	run_finish(((struct tick *)state)->run, REASON_TIMEOUT, NULL, 0);
}

static void tick_stop(void *state)
{
	((struct tick *)state)->run = NULL;
}

static void tick_close(void *opened)
{
	struct tick *tick = opened;

	if (tick->settings.closed)
		atomic_fetch_add(tick->settings.closed, 1);
	mem_free(tick);
}

static const struct probe_type tick_type = {
	.name = "tick",
	.help = "Counts",
	.settings_size = sizeof(struct tick_settings),
	.sets = tick_sets,
	.open = tick_open,
	.start = tick_start,
	.deadline = tick_deadline,
	.stop = tick_stop,
	.close = tick_close,
};

/* --- a worker and its store -------------------------------------------------------------------------------------- */

struct house {
	struct series_store *store;
	struct worker *worker;
	struct thread *asker; /* its loop is run by the test itself */
	struct err err;
};

static void build(struct house *house)
{
	static const struct label agent[] = {{"agent", "fra1"}};
	struct worker_plan plan = {.agent_labels = agent, .nagent_labels = 1, .boot = "b", .resolver = "127.0.0.1:9"};
	struct thread_plan asker = {.name = "asker", .mails = 16};

	memset(house, 0, sizeof(*house));
	house->store = series_store_create(1, 10000);
	plan.store = house->store;
	house->worker = worker_create(&plan, &house->err);
	cr_assert_not_null(house->worker, "%s", house->err.text);
	house->asker = thread_create(&asker, &house->err);
	cr_assert_not_null(house->asker, "%s", house->err.text);
}

static void start(struct house *house)
{
	cr_assert_eq(worker_start(house->worker, &house->err), 0, "%s", house->err.text);
}

static void tear_down(struct house *house)
{
	worker_stop(house->worker);
	worker_free(house->worker);
	thread_free(house->asker);
	series_store_free(house->store);
}

static const struct tick_settings settings_ok = {.mode = TICK_OK}, settings_fail = {.mode = TICK_FAIL},
				  settings_refuse = {.mode = TICK_REFUSE};

static const struct probe_spec p1 = {"p1", &tick_type, &settings_ok, NULL},
			       p2 = {"p2", &tick_type, &settings_fail, NULL},
			       p4 = {"p4", &tick_type, &settings_refuse, NULL};
static const struct label gold[] = {{"tier", "gold"}}, iron[] = {{"tier", "iron"}};

/* --- batches ----------------------------------------------------------------------------------------------------- */

static void add_step(struct batch *batch, enum batch_change change, const char *target, const struct probe_spec *spec)
{
	const struct label *labels = change == BATCH_RELABEL ? iron : gold;

	batch_add(batch, &(struct batch_step){change, shelved(target, labels, 1), spec, (void *)(uintptr_t)spec});
}

static int open_probe(struct house *house, const char *target, const struct probe_spec *spec)
{
	struct batch *batch = batch_create(NULL, NULL, NULL);
	int result;

	add_step(batch, BATCH_ADD, target, spec);
	result = worker_open(house->worker, batch, &house->err);
	batch_free(batch);
	return result;
}

/* What came back of a batch. */
struct outcome {
	struct house *house;
	bool is_done;
	size_t failures;
	const struct probe_spec *first;
	char error[128];
};

static void take_outcome(void *arg, struct batch *batch)
{
	struct outcome *outcome = arg;

	outcome->first = batch_failure(batch, 0);
	while (batch_failure(batch, outcome->failures))
		outcome->failures++;
	snprintf(outcome->error, sizeof(outcome->error), "%s", batch_error(batch));
	outcome->is_done = true;
	loop_stop(thread_loop(outcome->house->asker));
}

static struct batch *begin(struct outcome *outcome, struct house *house)
{
	*outcome = (struct outcome){.house = house};
	return batch_create(thread_mailbox(house->asker), take_outcome, outcome);
}

static void wait_done(struct outcome *outcome)
{
	struct house *house = outcome->house;

	while (!outcome->is_done)
		cr_assert_eq(loop_run(thread_loop(house->asker), &house->err), 0, "%s", house->err.text);
}

/* One step, and what came of it. */
static struct outcome change(struct house *house, enum batch_change change, const char *target,
			     const struct probe_spec *spec)
{
	struct outcome outcome;
	struct batch *batch = begin(&outcome, house);

	add_step(batch, change, target, spec);
	cr_assert(worker_apply(house->worker, batch));
	wait_done(&outcome);
	return outcome;
}

static char *metrics(struct house *house)
{
	const struct render_plan plan = {.store = house->store, .shards = 1};
	struct render *render = render_create(&plan);
	struct text text = {0};

	while (render_more(render, &text, 65536))
		;
	render_free(render);
	return text_take(&text);
}

static void pause_briefly(void)
{
	const struct timespec pause = {.tv_nsec = 2 * NS_PER_MS};

	nanosleep(&pause, NULL);
}

/* The value of the series that begins with this, or -1. */
static double value_of(struct house *house, const char *series)
{
	char *text = metrics(house), *line = strstr(text, series);
	double value = line ? strtod(strchr(line, '}') + 1, NULL) : -1;

	mem_free(text);
	return value;
}

static void wait_for_more(struct house *house, const char *series, double than)
{
	while (value_of(house, series) <= than)
		pause_briefly();
}

static void wait_for(atomic_int *counter, int wanted)
{
	while (atomic_load(counter) < wanted)
		pause_briefly();
}

static int64_t worker_figure(const struct house *house, unsigned measure)
{
	struct reading readings[8];

	cr_assert_eq(worker_read(house->worker, readings), worker_set.n);
	return readings[measure].value.integer;
}

/* --- targets ----------------------------------------------------------------------------------------------------- */

Test(worker, measures_targets, .timeout = 60)
{
	struct house house;

	build(&house);
	cr_assert_not(worker_is_running(house.worker));
	cr_assert_eq(open_probe(&house, "t1", &p1), 0, "%s", house.err.text);
	cr_assert_eq(open_probe(&house, "t1", &p2), 0, "%s", house.err.text);
	start(&house);
	wait_for_more(&house, "netsonde_tick_count_total{target=\"t1\",probe=\"p1\",tier=\"gold\"}", 2);
	wait_for_more(&house,
		      "netsonde_probe_failures_total{target=\"t1\",probe=\"p2\",tier=\"gold\",reason=\"content\"}", 2);
	cr_expect(worker_is_running(house.worker));
	cr_expect_eq(value_of(&house, "netsonde_probe_success{target=\"t1\",probe=\"p1\""), 1);
	cr_expect_eq(value_of(&house, "netsonde_probe_success{target=\"t1\",probe=\"p2\""), 0);
	worker_stop(house.worker);
	cr_expect_not(worker_is_running(house.worker));
	tear_down(&house);
}

Test(worker, refuses_what_is_there_or_cannot_be_opened)
{
	struct house house;

	build(&house);
	cr_assert_eq(open_probe(&house, "t1", &p1), 0);
	cr_expect_eq(open_probe(&house, "t1", &p1), -1);
	cr_expect_str_eq(house.err.text, "t1: p1: is measured already");
	cr_expect_eq(open_probe(&house, "t1", &p4), -1);
	cr_expect_str_eq(house.err.text, "t1: p4: no right to tick");
	cr_expect_eq(open_probe(&house, "t2", &p1), 0);
	tear_down(&house);
}

Test(worker, targets_come_and_go_by_mail, .timeout = 60)
{
	atomic_int opened = 0, closed = 0;
	const struct tick_settings counted = {TICK_OK, &opened, &closed};
	const struct probe_spec p9 = {"p9", &tick_type, &counted, NULL};
	struct outcome outcome;
	struct batch *batch;
	struct house house;

	build(&house);
	start(&house);
	batch = begin(&outcome, &house);
	add_step(batch, BATCH_ADD, "t1", &p1);
	add_step(batch, BATCH_ADD, "t1", &p2);
	add_step(batch, BATCH_ADD, "t2", &p9);
	cr_expect_eq(batch_count(batch), 3);
	cr_assert(worker_apply(house.worker, batch));
	wait_done(&outcome);
	cr_expect_eq(outcome.failures, 0);
	cr_expect_eq(atomic_load(&opened), 1);
	wait_for_more(&house, "netsonde_tick_count_total{target=\"t1\",probe=\"p1\"", 0);
	wait_for_more(&house, "netsonde_tick_count_total{target=\"t1\",probe=\"p2\"", 0);
	change(&house, BATCH_REMOVE, "t1", &p1);
	cr_expect_eq(value_of(&house, "netsonde_tick_count_total{target=\"t1\",probe=\"p1\""), -1);
	cr_expect_geq(value_of(&house, "netsonde_tick_count_total{target=\"t1\",probe=\"p2\""), 0);
	change(&house, BATCH_REMOVE, "t1", &p2);
	cr_expect_eq(value_of(&house, "netsonde_tick_count_total{target=\"t1\""), -1);
	/* The answer is a fence: what was closed is not used any more. */
	cr_expect_eq(atomic_load(&closed), 0);
	change(&house, BATCH_REMOVE, "t2", &p9);
	cr_expect_eq(atomic_load(&closed), 1);
	tear_down(&house);
	cr_expect_eq(atomic_load(&opened), 1);
	cr_expect_eq(atomic_load(&closed), 1);
}

Test(worker, relabelling_keeps_counters, .timeout = 60)
{
	struct house house;
	double before;

	build(&house);
	cr_assert_eq(open_probe(&house, "t1", &p1), 0);
	cr_assert_eq(open_probe(&house, "t1", &p2), 0);
	start(&house);
	wait_for_more(&house, "netsonde_probe_runs_total{target=\"t1\",probe=\"p1\",tier=\"gold\"}", 5);
	wait_for_more(&house, "netsonde_probe_runs_total{target=\"t1\",probe=\"p2\",tier=\"gold\"}", 0);
	before = value_of(&house, "netsonde_probe_runs_total{target=\"t1\",probe=\"p1\",tier=\"gold\"}");
	change(&house, BATCH_RELABEL, "t1", &p1);
	cr_expect_geq(value_of(&house, "netsonde_probe_runs_total{target=\"t1\",probe=\"p1\",tier=\"iron\"}"), before);
	cr_expect_eq(value_of(&house, "netsonde_probe_runs_total{target=\"t1\",probe=\"p1\",tier=\"gold\"}"), -1);
	cr_expect_geq(value_of(&house, "netsonde_probe_runs_total{target=\"t1\",probe=\"p2\",tier=\"gold\"}"), 1);
	wait_for_more(&house, "netsonde_probe_runs_total{target=\"t1\",probe=\"p1\",tier=\"iron\"}", before);
	tear_down(&house);
}

/* What does not fit is logged over there and told, and the worker lives on. */
Test(worker, mistakes_by_mail_are_harmless, .timeout = 60)
{
	struct outcome outcome;
	struct batch *batch;
	struct house house;

	build(&house);
	start(&house);
	batch = begin(&outcome, &house);
	add_step(batch, BATCH_ADD, "bad", &p4);
	add_step(batch, BATCH_REMOVE, "none", &p1);
	add_step(batch, BATCH_RELABEL, "none", &p1);
	add_step(batch, BATCH_ADD, "good", &p1);
	add_step(batch, BATCH_ADD, "good", &p1);
	for (int i = 0; i < 30; i++)
		add_step(batch, BATCH_ADD, "bad", &p4);
	cr_assert(worker_apply(house.worker, batch));
	wait_done(&outcome);
	cr_expect_eq(outcome.failures, 32);
	cr_expect_eq(outcome.first, &p4);
	cr_expect_str_eq(outcome.error, "bad: p4: no right to tick");
	wait_for_more(&house, "netsonde_tick_count_total{target=\"good\",probe=\"p1\"", 1);
	tear_down(&house);
}

/* The table grows, and finds each of many targets again; the batch is more than one part. */
Test(worker, many_targets, .timeout = 60)
{
	struct outcome outcome;
	struct batch *batch;
	struct house house;
	char name[16];

	build(&house);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		cr_assert_eq(open_probe(&house, name, &p1), 0, "%s", house.err.text);
		cr_assert_eq(open_probe(&house, name, &p2), 0, "%s", house.err.text);
	}
	start(&house);
	batch = begin(&outcome, &house);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		add_step(batch, BATCH_REMOVE, name, &p1);
		if (i % 2 == 0)
			add_step(batch, BATCH_REMOVE, name, &p2);
	}
	cr_assert(worker_apply(house.worker, batch));
	wait_done(&outcome);
	wait_for_more(&house, "netsonde_probe_runs_total{target=\"t499\",probe=\"p2\"", 0);
	cr_expect_eq(value_of(&house, "probe=\"p1\""), -1);
	cr_expect_eq(value_of(&house, "target=\"t498\""), -1);
	tear_down(&house);
}

/* Batches are carried out one after another. */
Test(worker, batches_keep_their_order, .timeout = 60)
{
	struct outcome outcomes[20];
	struct house house;
	char name[16];

	build(&house);
	start(&house);
	for (int i = 0; i < 20; i++) {
		struct batch *batch = begin(&outcomes[i], &house);

		for (int k = 0; k < 150; k++) {
			snprintf(name, sizeof(name), "t%d", k);
			add_step(batch, i % 2 ? BATCH_REMOVE : BATCH_ADD, name, &p1);
		}
		cr_assert(worker_apply(house.worker, batch));
	}
	wait_done(&outcomes[19]);
	for (int i = 0; i < 20; i++) {
		cr_expect(outcomes[i].is_done);
		cr_expect_eq(outcomes[i].failures, 0, "%s", outcomes[i].error);
	}
	cr_expect_eq(value_of(&house, "target="), -1);
	tear_down(&house);
}

/* Nobody is told, and nothing leaks: one batch is half done, others wait on the desk, in the mailbox, or as answers. */
Test(worker, ends_before_its_batches, .timeout = 60)
{
	struct outcome outcome;
	struct batch *batch;
	struct house house;
	char name[16];

	build(&house);
	start(&house);
	for (int i = 0; i < 20; i++) {
		batch = begin(&outcome, &house);
		for (int k = 0; k < 1000; k++) {
			snprintf(name, sizeof(name), "t%d", k);
			add_step(batch, i % 2 ? BATCH_REMOVE : BATCH_ADD, name, &p1);
		}
		cr_assert(worker_apply(house.worker, batch));
	}
	while (mailbox_depth(thread_mailbox(house.asker)) == 0)
		pause_briefly();
	worker_stop(house.worker);
	batch = begin(&outcome, &house);
	add_step(batch, BATCH_ADD, "late", &p1);
	cr_assert(worker_apply(house.worker, batch));
	tear_down(&house);
	cr_expect_not(outcome.is_done);
}

/* The mailbox for the answers is full (16): they wait on the worker. */
Test(worker, answers_of_batches_wait_for_room, .timeout = 60)
{
	struct outcome outcomes[40];
	struct house house;

	build(&house);
	start(&house);
	for (int i = 0; i < 40; i++) {
		struct batch *batch = begin(&outcomes[i], &house);

		add_step(batch, i % 2 ? BATCH_REMOVE : BATCH_ADD, "t", &p1);
		cr_assert(worker_apply(house.worker, batch));
	}
	while (mailbox_depth(thread_mailbox(house.asker)) < 16)
		pause_briefly();
	for (int i = 0; i < 40; i++)
		wait_done(&outcomes[i]);
	tear_down(&house);
}

Test(worker, full_mailbox_is_told)
{
	struct worker_job job = {.target = "t", .probe = "p", .address = "192.0.2.1", .type = &tick_type};
	struct outcome outcome;
	struct house house;
	struct batch *batch;

	build(&house); /* not started: nobody empties the mailbox */
	for (int i = 0; i < WORKER_MAILS_MAX; i++)
		cr_assert(worker_apply(house.worker, begin(&outcome, &house)));
	cr_expect_eq(worker_figure(&house, 0), WORKER_MAILS_MAX);
	batch = begin(&outcome, &house);
	cr_expect_not(worker_apply(house.worker, batch));
	batch_free(batch); /* still ours */
	job.settings = mem_zero(1, sizeof(struct tick_settings));
	cr_expect_null(worker_ask(house.worker, &job));
	mem_free(job.settings); /* still ours */
	tear_down(&house);
}

/* --- single runs ------------------------------------------------------------------------------------------------- */

struct asker {
	struct house *house;
	int answers;
	bool has_sample;
	enum reason reason;
	int64_t count;
	char error[128], log[128], target[32];
};

static void take_answer(void *arg, const struct worker_answer *answer)
{
	struct asker *asker = arg;

	asker->answers++;
	asker->has_sample = answer->sample != NULL;
	if (answer->sample) {
		asker->reason = answer->sample->reason;
		snprintf(asker->target, sizeof(asker->target), "%s", answer->sample->subject->target);
		if (answer->sample->nrows > 0)
			asker->count = answer->sample->rows[0].readings[0].value.integer;
	} else {
		snprintf(asker->error, sizeof(asker->error), "%s", answer->error);
	}
	cr_expect_eq(strlen(answer->log), answer->log_length);
	snprintf(asker->log, sizeof(asker->log), "%s", answer->log);
	loop_stop(thread_loop(asker->house->asker));
}

static struct worker_ask *ask(struct asker *asker, struct tick_settings settings, bool wants_log)
{
	const struct worker_job job = {
		.target = "who",
		.probe = "how",
		.address = "192.0.2.1",
		.type = &tick_type,
		.settings = mem_copy(&settings, sizeof(settings)),
		.wants_log = wants_log,
		.mailbox = thread_mailbox(asker->house->asker),
		.done = take_answer,
		.arg = asker,
	};
	struct worker_ask *made = worker_ask(asker->house->worker, &job);

	cr_assert_not_null(made);
	return made;
}

static void run_asker(struct house *house)
{
	cr_assert_eq(loop_run(thread_loop(house->asker), &house->err), 0, "%s", house->err.text);
}

Test(worker, answers_a_single_run, .timeout = 60)
{
	struct house house;
	struct asker asker = {.house = &house};
	struct tick_settings settings = {.mode = TICK_OK};

	build(&house);
	start(&house);
	ask(&asker, settings, true);
	run_asker(&house);
	cr_expect_eq(asker.answers, 1);
	cr_assert(asker.has_sample);
	cr_expect_eq(asker.reason, REASON_OK);
	cr_expect_eq(asker.count, 1);
	cr_expect_str_eq(asker.target, "who");
	cr_expect_str_eq(asker.log, "tick 1\n");
	/* without a log, and a failure */
	settings.mode = TICK_FAIL;
	ask(&asker, settings, false);
	run_asker(&house);
	cr_expect_eq(asker.answers, 2);
	cr_expect_eq(asker.reason, REASON_CONTENT);
	cr_expect_str_eq(asker.log, "");
	cr_expect_eq(worker_figure(&house, 1), 2);
	/* single runs leave nothing behind */
	cr_expect_eq(value_of(&house, "target=\"who\""), -1);
	tear_down(&house);
}

Test(worker, says_why_a_single_run_cannot_be_made, .timeout = 60)
{
	struct house house;
	struct asker asker = {.house = &house};

	build(&house);
	start(&house);
	ask(&asker, settings_refuse, true);
	run_asker(&house);
	cr_expect_not(asker.has_sample);
	cr_expect_str_eq(asker.error, "no right to tick");
	tear_down(&house);
}

Test(worker, a_cancelled_run_ends_without_an_answer, .timeout = 60)
{
	struct house house;
	struct asker cancelled = {.house = &house}, next = {.house = &house};
	atomic_int opened = 0, closed = 0;
	struct tick_settings hanging = {TICK_HANG, &opened, &closed};
	struct worker_ask *handle;

	build(&house);
	start(&house);
	handle = ask(&cancelled, hanging, true);
	wait_for(&opened, 1);
	worker_ask_cancel(handle);
	wait_for(&closed, 1);
	ask(&next, settings_ok, true);
	run_asker(&house);
	cr_expect_eq(next.answers, 1);
	cr_expect_eq(cancelled.answers, 0);
	worker_ask_cancel(NULL);
	tear_down(&house);
}

/* The answer is on its way when the asker leaves: it is dropped, not told. */
Test(worker, cancelled_when_the_answer_waits, .timeout = 60)
{
	struct house house;
	struct asker cancelled = {.house = &house}, next = {.house = &house};
	atomic_int opened = 0, closed = 0;
	struct tick_settings quick = {TICK_OK, &opened, &closed};
	struct worker_ask *handle;

	build(&house);
	start(&house);
	handle = ask(&cancelled, quick, false);
	while (mailbox_depth(thread_mailbox(house.asker)) == 0)
		pause_briefly();
	worker_ask_cancel(handle);
	ask(&next, settings_ok, false);
	run_asker(&house);
	cr_expect_eq(next.answers, 1);
	cr_expect_eq(cancelled.answers, 0);
	tear_down(&house);
}

static void cancel_in_done(void *arg, const struct worker_answer *answer)
{
	struct worker_ask **handle = arg;

	(void)answer;
	worker_ask_cancel(*handle);
	*handle = NULL;
}

/* Cancelling from inside done is late, and harmless. */
Test(worker, cancelled_inside_done, .timeout = 60)
{
	struct house house;
	struct asker next = {.house = &house};
	struct worker_ask *handle;
	struct worker_job job = {.target = "t",
				 .probe = "p",
				 .address = "192.0.2.1",
				 .type = &tick_type,
				 .done = cancel_in_done,
				 .arg = &handle};

	build(&house);
	start(&house);
	job.settings = mem_copy(&settings_ok, sizeof(settings_ok));
	job.mailbox = thread_mailbox(house.asker);
	handle = worker_ask(house.worker, &job);
	cr_assert_not_null(handle);
	ask(&next, settings_ok, false);
	run_asker(&house);
	cr_expect_eq(next.answers, 1);
	cr_expect_null(handle);
	tear_down(&house);
}

Test(worker, a_run_that_never_ends_is_answered_when_the_worker_goes, .timeout = 60)
{
	struct house house;
	struct asker running = {.house = &house}, waiting = {.house = &house};
	atomic_int opened = 0;
	struct tick_settings hanging = {TICK_HANG, &opened, NULL};

	build(&house);
	start(&house);
	ask(&running, hanging, true);
	wait_for(&opened, 1);
	worker_stop(house.worker);
	ask(&waiting, settings_ok, true); /* nobody delivers it any more */
	worker_free(house.worker);
	house.worker = NULL;
	while (running.answers + waiting.answers < 2)
		run_asker(&house);
	cr_expect_str_eq(running.error, "the worker has stopped");
	cr_expect_str_eq(waiting.error, "the worker has stopped");
	tear_down(&house);
}

/* The asker's mailbox is full when runs end: their answers wait on the worker until there is room. */
Test(worker, answers_wait_for_room, .timeout = 60)
{
	struct house house;
	struct asker asker = {.house = &house};
	atomic_int closed = 0;
	struct tick_settings quick = {TICK_OK, NULL, &closed};

	build(&house);
	start(&house);
	for (int i = 0; i < 40; i++)
		ask(&asker, quick, false);
	wait_for(&closed, 40);
	while (asker.answers < 40)
		run_asker(&house);
	tear_down(&house);
}

/* The asker leaves with answers unread and runs unanswered: nothing is lost but the answers. */
Test(worker, the_asker_is_gone_first, .timeout = 60)
{
	struct house house;
	struct asker asker = {.house = &house};
	atomic_int opened = 0, closed = 0;
	struct tick_settings hanging = {TICK_HANG, &opened, &closed};

	build(&house);
	start(&house);
	ask(&asker, settings_ok, true);
	while (mailbox_depth(thread_mailbox(house.asker)) == 0)
		pause_briefly();
	ask(&asker, hanging, true);
	wait_for(&opened, 1);
	tear_down(&house); /* the worker is freed first, then the asker with two answers in its mailbox */
	cr_expect_eq(asker.answers, 0);
	cr_expect_eq(atomic_load(&closed), 1);
}

Test(worker, too_many_single_runs_are_refused, .timeout = 60)
{
	struct house house;
	struct asker many = {.house = &house}, refused = {.house = &house};
	atomic_int opened = 0;
	struct tick_settings hanging = {TICK_HANG, &opened, NULL};
	struct worker_ask *handles[WORKER_ASKS_MAX];

	build(&house);
	start(&house);
	for (int i = 0; i < WORKER_ASKS_MAX; i++)
		handles[i] = ask(&many, hanging, false);
	ask(&refused, settings_ok, false);
	run_asker(&house);
	cr_expect_str_eq(refused.error, "more than 256 single runs at a time");
	for (int i = 0; i < WORKER_ASKS_MAX; i++)
		worker_ask_cancel(handles[i]);
	ask(&refused, settings_ok, false);
	run_asker(&house);
	cr_expect(refused.has_sample);
	cr_expect_eq(many.answers, 0);
	tear_down(&house);
}

Test(worker, stop_and_free_take_null)
{
	worker_stop(NULL);
	worker_free(NULL);
	thread_stop(NULL);
	thread_free(NULL);
}
