/*
 * What happened, asked of two workers from the thread of the test.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bang_fixture.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "daemon/batch.h"
#include "daemon/events_ask.h"
#include "daemon/spec.h"
#include "daemon/thread.h"
#include "daemon/worker.h"
#include "exporter/series.h"
#include "shelf_fixture.h"

#define WORKERS 2

struct house {
	struct series_store *store;
	struct worker *workers[WORKERS];
	struct thread *asker; /* its loop is run by the test itself */
	struct err err;
	unsigned answers;
	struct found_events *found; /* the last answer */
};

static const struct probe_spec bang = {"bang", &bang_type, "", NULL}, echo = {"echo", &echo_type, "", NULL};

static void open_target(struct worker *worker, const char *name, struct err *err)
{
	const struct target *target = shelved(name, NULL, 0);
	struct batch *batch = batch_create(NULL, NULL, NULL);

	batch_add(batch, &(struct batch_step){.change = BATCH_ADD, .target = target, .spec = &bang});
	batch_add(batch, &(struct batch_step){.change = BATCH_ADD, .target = target, .spec = &echo});
	cr_assert_eq(worker_open(worker, batch, err), 0, "%s", err->text);
	batch_free(batch);
}

static void build(struct house *house)
{
	struct worker_plan plan = {.boot = "b", .resolver = "127.0.0.1:9"};
	struct thread_plan asker = {.name = "asker", .mails = 4};

	memset(house, 0, sizeof(*house));
	log_configure(2, LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	plan.store = house->store = series_store_create(WORKERS, 10000);
	for (; plan.index < WORKERS; plan.index++) {
		house->workers[plan.index] = worker_create(&plan, &house->err);
		cr_assert(house->workers[plan.index], "%s", house->err.text);
		open_target(house->workers[plan.index], plan.index == 0 ? "one" : "two", &house->err);
	}
	house->asker = thread_create(&asker, &house->err);
	cr_assert(house->asker, "%s", house->err.text);
}

static void start(struct house *house)
{
	for (unsigned i = 0; i < WORKERS; i++)
		cr_assert_eq(worker_start(house->workers[i], &house->err), 0, "%s", house->err.text);
}

static void tear_down(struct house *house)
{
	for (unsigned i = 0; i < WORKERS; i++)
		worker_stop(house->workers[i]);
	for (unsigned i = 0; i < WORKERS; i++)
		worker_free(house->workers[i]);
	found_events_free(house->found);
	thread_free(house->asker);
	series_store_free(house->store);
}

static void take(void *arg, struct found_events *found)
{
	struct house *house = arg;

	found_events_free(house->found);
	house->found = found;
	house->answers++;
	loop_stop(thread_loop(house->asker));
}

static struct events_ask *post(struct house *house, const struct events_filter *filter, size_t limit)
{
	const struct events_job job = {
		.workers = (const struct worker *const *)house->workers,
		.nworkers = WORKERS,
		.filter = *filter,
		.limit = limit,
		.mailbox = thread_mailbox(house->asker),
		.done = take,
		.arg = house,
	};

	return events_post(&job);
}

static void run_asker(struct house *house)
{
	cr_assert_eq(loop_run(thread_loop(house->asker), &house->err), 0, "%s", house->err.text);
}

static void ask(struct house *house, const struct events_filter *filter, size_t limit)
{
	cr_assert_not_null(post(house, filter, limit));
	run_asker(house);
}

/* Calls each for what was found, in order. */
static void read_all(const struct house *house, void (*each)(void *arg, const struct sample *sample), void *arg)
{
	for (size_t i = 0; i < house->found->n; i++) {
		struct history_reader *reader = history_reader_open(&house->found->items[i].copy);

		each(arg, history_reader_next(reader));
		history_reader_close(reader);
	}
}

struct seen {
	unsigned n, of_one, of_two, triggers;
	int64_t last_ns;
};

static void look(void *arg, const struct sample *sample)
{
	const struct row *event = &sample->rows[0];
	struct seen *seen = arg;

	cr_expect(seen->n++ == 0 || sample->begun_realtime_ns <= seen->last_ns, "newest first");
	seen->last_ns = sample->begun_realtime_ns;
	seen->of_one += strcmp(event->labels[1].value, "one") == 0;
	seen->of_two += strcmp(event->labels[1].value, "two") == 0;
	if (event_kind_of(event) != EVENT_TRIGGER)
		return;
	seen->triggers++;
	cr_expect_str_eq(event_text(event, EVENT_TEXT), "bang failed: timeout");
	cr_expect_str_eq(event_text(event, EVENT_SOURCE), "bang");
	cr_expect_eq(sample->nrows >= 2 && sample->rows[1].set == &bang_set, true);
}

static const struct events_filter everything = {NULL, EVENT_KINDS, INT64_MIN};

Test(events_ask, all_workers_answer, .timeout = 60)
{
	struct house house;
	struct seen seen;

	build(&house);
	start(&house);
	do {
		seen = (struct seen){0};
		ask(&house, &everything, 1000);
		read_all(&house, look, &seen);
	} while (seen.of_one < 5 || seen.of_two < 5 || seen.triggers < 3);
	cr_expect_not(house.found->is_stopped);
	ask(&house, &everything, 3);
	cr_expect_eq(house.found->n, 3);
	seen = (struct seen){0};
	ask(&house, &(struct events_filter){"two", EVENT_PATH_CHANGE, INT64_MIN}, 1000);
	read_all(&house, look, &seen);
	cr_expect(seen.of_two >= 4 && seen.of_one == 0 && seen.triggers == 0);
	ask(&house, &(struct events_filter){NULL, EVENT_KINDS, INT64_MAX}, 1000);
	cr_expect_eq(house.found->n, 0);
	tear_down(&house);
}

Test(events_ask, an_asker_that_gives_up, .timeout = 60)
{
	const struct timespec pause = {.tv_nsec = 2 * NS_PER_MS};
	struct house house;

	build(&house);
	events_cancel(NULL);
	events_cancel(post(&house, &everything, 5)); /* before the workers have it */
	start(&house);
	struct events_ask *ask_that_waits = post(&house, &everything, 5);
	while (mailbox_depth(thread_mailbox(house.asker)) < 2)
		nanosleep(&pause, NULL);
	events_cancel(ask_that_waits); /* with its answer on the way */
	ask(&house, &everything, 5);
	cr_expect_eq(house.answers, 1);
	tear_down(&house);
}

/* The first worker has answered, the second never will. */
Test(events_ask, a_worker_that_has_stopped, .timeout = 60)
{
	struct house house;

	build(&house);
	cr_assert_eq(worker_start(house.workers[0], &house.err), 0);
	cr_assert(post(&house, &everything, 5));
	const struct timespec pause = {.tv_nsec = 2 * NS_PER_MS};
	while (mailbox_depth(worker_mailbox(house.workers[1])) < 1)
		nanosleep(&pause, NULL);
	worker_free(house.workers[1]);
	house.workers[1] = NULL;
	run_asker(&house);
	cr_expect(house.found->is_stopped);
	tear_down(&house);
}

static void forget(void *arg, struct batch *batch)
{
	(void)arg;
	(void)batch;
}

static void fill(struct worker *worker, struct thread *changer)
{
	for (unsigned i = 0; i < WORKER_MAILS_MAX; i++) {
		struct batch *batch = batch_create(thread_mailbox(changer), forget, NULL);

		batch_add(batch, &(struct batch_step){
					 .change = BATCH_REMOVE, .target = shelved("none", NULL, 0), .spec = &bang});
		cr_assert(worker_apply(worker, batch));
	}
}

Test(events_ask, mailboxes_that_are_full, .timeout = 60)
{
	struct house house;

	build(&house);
	const struct thread_plan plan = {.name = "changer", .mails = WORKER_MAILS_MAX};
	struct thread *changer = thread_create(&plan, &house.err);
	cr_assert(changer);
	fill(house.workers[1], changer);
	cr_assert(post(&house, &everything, 5));
	cr_assert_eq(worker_start(house.workers[0], &house.err), 0);
	run_asker(&house);
	cr_expect(house.found->is_stopped, "the second worker's");
	worker_stop(house.workers[0]);
	fill(house.workers[0], changer);
	cr_expect_null(post(&house, &everything, 5), "the first worker's");
	tear_down(&house);
	thread_free(changer);
}

Test(events_ask, answers_that_nobody_takes, .timeout = 60)
{
	const struct timespec pause = {.tv_nsec = 2 * NS_PER_MS};
	struct house house;

	build(&house);
	start(&house);
	post(&house, &everything, 5);
	while (mailbox_depth(thread_mailbox(house.asker)) < 1)
		nanosleep(&pause, NULL);
	tear_down(&house);
	cr_expect_eq(house.answers, 0);
}
