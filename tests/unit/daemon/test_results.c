/*
 * The last results, asked of a worker from the thread of the test.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/loop.h"
#include "core/mailbox.h"
#include "daemon/batch.h"
#include "daemon/results.h"
#include "daemon/spec.h"
#include "daemon/thread.h"
#include "daemon/worker.h"
#include "exporter/series.h"
#include "shelf_fixture.h"
#include "tick_fixture.h"

struct house {
	struct series_store *store;
	struct worker *worker;
	struct thread *asker; /* its loop is run by the test itself */
	struct err err;
	int answers;
	enum results_status status;
	char probe[16], type[16], names[64];
	size_t n;
	uint64_t first_run, last_run;
};

static const struct probe_spec probes[] = {{"p1", &tick_type, "", NULL}, {"p2", &tick_type, "", NULL}};
static const struct label labels[] = {{"tier", "gold"}};

static void add_step(struct batch *batch, enum batch_change change, const char *target, const struct probe_spec *probe,
		     const struct label *label)
{
	batch_add(batch, &(struct batch_step){.change = change, .target = shelved(target, label, 1), .spec = probe});
}

static void forget(void *arg, struct batch *batch)
{
	(void)arg;
	(void)batch;
}

/* One change while the worker runs. */
static void apply(struct house *house, enum batch_change change, const struct label *label)
{
	struct batch *batch = batch_create(thread_mailbox(house->asker), forget, NULL);

	add_step(batch, change, "one", &probes[0], label);
	cr_assert(worker_apply(house->worker, batch));
}

static void build(struct house *house, size_t history_bytes)
{
	struct worker_plan plan = {.boot = "b", .resolver = "127.0.0.1:9", .history_bytes = history_bytes};
	struct thread_plan asker = {.name = "asker", .mails = 4};

	memset(house, 0, sizeof(*house));
	plan.store = house->store = series_store_create(1, 10000);
	house->worker = worker_create(&plan, &house->err);
	house->asker = thread_create(&asker, &house->err);
	cr_assert(house->worker && house->asker, "%s", house->err.text);
	struct batch *batch = batch_create(NULL, NULL, NULL);
	add_step(batch, BATCH_ADD, "one", &probes[0], labels);
	add_step(batch, BATCH_ADD, "two", &probes[0], labels);
	add_step(batch, BATCH_ADD, "two", &probes[1], labels);
	cr_assert_eq(worker_open(house->worker, batch, &house->err), 0, "%s", house->err.text);
	batch_free(batch);
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

static void look_at_run(struct house *house, const struct sample *sample)
{
	if (house->n++ == 0)
		house->first_run = sample->run;
	else
		cr_expect_eq(sample->run, house->last_run + 1);
	house->last_run = sample->run;
	cr_assert_eq(sample->nrows, 1);
	cr_expect_eq(sample->rows[0].set, &tick_set);
	cr_expect_str_eq(sample->rows[0].labels[0].value, "left");
	cr_expect_eq(sample->rows[0].readings[0].value.integer, (int64_t)sample->run);
	cr_expect_str_eq(sample->rows[0].readings[1].value.text, "tick");
}

static void take(void *arg, struct results *results)
{
	struct house *house = arg;
	struct history_reader *reader = history_reader_open(&results->runs);
	const struct sample *sample;

	house->answers++;
	house->status = results->status;
	house->n = 0;
	snprintf(house->probe, sizeof(house->probe), "%s", results->probe ? results->probe : "");
	snprintf(house->type, sizeof(house->type), "%s", results->type ? results->type : "");
	snprintf(house->names, sizeof(house->names), "%s", text_string(&results->names));
	while ((sample = history_reader_next(reader)) != NULL)
		look_at_run(house, sample);
	history_reader_close(reader);
	results_free(results);
	loop_stop(thread_loop(house->asker));
}

static struct results_ask *post(struct house *house, const char *target, const char *probe, size_t limit)
{
	const struct results_job job = {target, probe, limit, thread_mailbox(house->asker), take, house};

	return worker_results(house->worker, &job);
}

static void run_asker(struct house *house)
{
	cr_assert_eq(loop_run(thread_loop(house->asker), &house->err), 0, "%s", house->err.text);
}

static void ask(struct house *house, const char *target, const char *probe, size_t limit)
{
	cr_assert_not_null(post(house, target, probe, limit));
	run_asker(house);
}

static void ask_until(struct house *house, size_t n)
{
	do {
		ask(house, "one", NULL, 1000);
	} while (house->n < n);
}

Test(results, are_those_of_the_probe, .timeout = 60)
{
	struct house house;

	build(&house, 1 << 20);
	start(&house);
	ask_until(&house, 20);
	cr_expect_eq(house.status, RESULTS_FOUND);
	cr_expect_str_eq(house.probe, "p1");
	cr_expect_str_eq(house.type, "tick");
	cr_expect_eq(house.first_run, 1);
	ask(&house, "one", "p1", 5);
	cr_expect_eq(house.n, 5);
	cr_expect_gt(house.first_run, 15, "the newest");
	ask(&house, "two", "p2", 3);
	cr_expect_eq(house.status, RESULTS_FOUND);
	cr_expect_str_eq(house.probe, "p2");
	tear_down(&house);
}

Test(results, whose_there_are_none, .timeout = 60)
{
	struct house house;

	build(&house, 1 << 20);
	start(&house);
	ask(&house, "three", NULL, 5);
	cr_expect_eq(house.status, RESULTS_NO_TARGET);
	ask(&house, "three", "p1", 5);
	cr_expect_eq(house.status, RESULTS_NO_TARGET);
	ask(&house, "one", "p2", 5);
	cr_expect_eq(house.status, RESULTS_NO_PROBE);
	cr_expect_str_eq(house.names, "p1");
	ask(&house, "two", NULL, 5);
	cr_expect_eq(house.status, RESULTS_MANY_PROBES);
	cr_expect(!strcmp(house.names, "p1, p2") || !strcmp(house.names, "p2, p1"), "%s", house.names);
	cr_expect_eq(house.n, 0);
	tear_down(&house);
}

Test(results, go_on_under_other_labels_and_begin_anew_with_the_probe, .timeout = 60)
{
	static const struct label other = {"tier", "iron"};
	struct house house;

	build(&house, 1 << 20);
	start(&house);
	ask_until(&house, 5);
	apply(&house, BATCH_RELABEL, &other);
	ask_until(&house, 10);
	cr_expect_eq(house.first_run, 1);
	uint64_t before = house.last_run;
	apply(&house, BATCH_REMOVE, labels);
	apply(&house, BATCH_ADD, labels);
	/* The worker makes the changes when it has time for them; the test has a timeout. */
	do {
		ask(&house, "one", NULL, 1000);
	} while (house.n > 0 && house.last_run >= before);
	cr_expect(house.n == 0 || house.first_run == 1, "its runs are counted from 1 again");
	tear_down(&house);
}

Test(results, are_not_kept, .timeout = 60)
{
	struct house house;

	build(&house, 0);
	start(&house);
	ask(&house, "one", NULL, 5);
	cr_expect_eq(house.status, RESULTS_FOUND);
	cr_expect_eq(house.n, 0);
	tear_down(&house);
}

Test(results, an_asker_that_gives_up, .timeout = 60)
{
	const struct timespec pause = {.tv_nsec = 2 * NS_PER_MS};
	struct house house;

	build(&house, 1 << 20);
	results_cancel(NULL);
	results_cancel(post(&house, "one", NULL, 5)); /* before the worker has it */
	start(&house);
	struct results_ask *ask_that_waits = post(&house, "one", NULL, 5);
	while (mailbox_depth(thread_mailbox(house.asker)) < 2)
		nanosleep(&pause, NULL);
	results_cancel(ask_that_waits); /* with its answer on the way */
	ask(&house, "one", NULL, 5);
	cr_expect_eq(house.answers, 1);
	tear_down(&house);
}

Test(results, a_worker_that_has_stopped, .timeout = 60)
{
	struct house house;

	build(&house, 1 << 20);
	cr_assert(post(&house, "one", NULL, 5));
	worker_free(house.worker);
	house.worker = NULL;
	run_asker(&house);
	cr_expect_eq(house.status, RESULTS_STOPPED);
	tear_down(&house);
}

Test(results, mailboxes_that_are_full, .timeout = 60)
{
	const struct timespec pause = {.tv_nsec = 2 * NS_PER_MS};
	struct results_ask *asks[6];
	struct house house;

	build(&house, 1 << 20);
	const struct thread_plan plan = {.name = "changer", .mails = WORKER_MAILS_MAX};
	struct thread *changer = thread_create(&plan, &house.err);
	cr_assert(changer);
	for (int i = 0; i < WORKER_MAILS_MAX - 6; i++) {
		struct batch *batch = batch_create(thread_mailbox(changer), forget, NULL);
		add_step(batch, BATCH_REMOVE, "none", &probes[0], labels);
		cr_assert(worker_apply(house.worker, batch));
	}
	for (int i = 0; i < 6; i++)
		cr_assert(asks[i] = post(&house, "one", NULL, 5));
	cr_expect_null(post(&house, "one", NULL, 5), "the worker's");
	start(&house);
	/* The asker's has room for four: two answers never come, and their asks are given up. */
	while (mailbox_depth(thread_mailbox(house.asker)) < 4)
		nanosleep(&pause, NULL);
	worker_stop(house.worker);
	while (house.answers < 4)
		run_asker(&house);
	results_cancel(asks[4]);
	results_cancel(asks[5]);
	cr_expect_eq(house.answers, 4);
	worker_stop(house.worker);
	thread_free(changer);
	tear_down(&house);
}

Test(results, answers_that_nobody_takes, .timeout = 60)
{
	const struct timespec pause = {.tv_nsec = 2 * NS_PER_MS};
	struct house house;

	build(&house, 1 << 20);
	start(&house);
	post(&house, "one", NULL, 5);
	while (mailbox_depth(thread_mailbox(house.asker)) < 1)
		nanosleep(&pause, NULL);
	tear_down(&house);
	cr_expect_eq(house.answers, 0);
}
