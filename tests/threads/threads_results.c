/*
 * The last results are asked for while two workers measure, for ThreadSanitizer: probes that add to small rings, which
 * wrap all the time; askers that take, make a page of it, or give up; targets that come and go. A plain program: exit
 * code 0, or 1 with what was wrong.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/loop.h"
#include "core/text.h"
#include "daemon/batch.h"
#include "daemon/results.h"
#include "daemon/results_page.h"
#include "daemon/spec.h"
#include "daemon/target.h"
#include "daemon/thread.h"
#include "daemon/worker.h"
#include "exporter/series.h"
#include "tests/unit/daemon/tick_fixture.h"

#define WORKERS   2
#define ASKERS    2
#define QUESTIONS 4
#define ROUNDS    600
#define TARGETS   40

struct asker;
struct question {
	struct asker *asker;
	struct results_ask *ask; /* NULL = none */
};

struct house {
	struct series_store *store;
	struct worker *workers[WORKERS];
	struct target *targets[TARGETS];
	atomic_int runs, pages, cancels, faults;
};

struct asker {
	struct house *house;
	struct thread *thread;
	struct alarm alarm;
	unsigned round;
	struct question questions[QUESTIONS];
};

static void check_run(struct house *house, const struct sample *sample, uint64_t *last)
{
	bool is_next = *last == 0 || sample->run == *last + 1;
	bool is_good = is_next && sample->nrows == 1 && sample->rows[0].n == 2 &&
		       sample->rows[0].readings[0].value.integer == (int64_t)sample->run;

	*last = sample->run;
	atomic_fetch_add(is_good ? &house->runs : &house->faults, 1);
}

static void make_page(struct house *house, struct results *results, enum results_format format)
{
	const struct results_page_plan plan = {format, "t", &tick_set, results};
	struct results_page *page = results_page_create(&plan);
	struct text out = {0};

	while (results_page_more(page, &out, 1000))
		text_clear(&out);
	text_free(&out);
	results_page_free(page);
	atomic_fetch_add(&house->pages, 1);
}

static void take(void *arg, struct results *results)
{
	struct question *question = arg;
	struct house *house = question->asker->house;
	struct history_reader *reader = history_reader_open(&results->runs);
	const struct sample *sample;
	uint64_t last = 0;

	question->ask = NULL;
	while ((sample = history_reader_next(reader)) != NULL)
		check_run(house, sample, &last);
	history_reader_close(reader);
	if (results->status == RESULTS_FOUND)
		make_page(house, results, question->asker->round % 2 ? RESULTS_JSON : RESULTS_CSV);
	else
		results_free(results);
}

static void act(void *arg)
{
	struct asker *asker = arg;
	unsigned round = asker->round++, n = round % TARGETS;
	struct question *question = &asker->questions[round % QUESTIONS];
	char name[16];
	const struct results_job job = {
		.target = name,
		.probe = round % 3 ? "p1" : NULL,
		.limit = 1 + round % 200,
		.mailbox = thread_mailbox(asker->thread),
		.done = take,
		.arg = question,
	};

	if (question->ask) {
		results_cancel(question->ask);
		atomic_fetch_add(&asker->house->cancels, 1);
	}
	snprintf(name, sizeof(name), "t%u", n);
	question->asker = asker;
	question->ask = worker_results(asker->house->workers[n % WORKERS], &job);
	if (question->ask && round % 4 == 0) {
		results_cancel(question->ask);
		question->ask = NULL;
		atomic_fetch_add(&asker->house->cancels, 1);
	}
	alarm_set(thread_loop(asker->thread), &asker->alarm, clock_monotonic_ns() + NS_PER_MS);
}

static int open_house(struct house *house, struct err *err)
{
	struct worker_plan plan = {.boot = "b", .resolver = "127.0.0.1:9", .history_bytes = 40000};

	for (unsigned i = 0; i < TARGETS; i++) {
		static const struct label labels[] = {{"tier", "gold"}};
		char name[16];

		snprintf(name, sizeof(name), "t%u", i);
		house->targets[i] = target_create(name, "192.0.2.1", labels, i % 2);
	}
	house->store = series_store_create(WORKERS, 100000);
	plan.store = house->store;
	for (plan.index = 0; plan.index < WORKERS; plan.index++) {
		house->workers[plan.index] = worker_create(&plan, err);
		if (!house->workers[plan.index] || worker_start(house->workers[plan.index], err) == -1)
			return -1;
	}
	return 0;
}

static int start_asker(struct asker *asker, struct house *house, struct err *err)
{
	const struct thread_plan plan = {.name = "asker", .mails = 64};

	asker->house = house;
	asker->thread = thread_create(&plan, err);
	if (!asker->thread)
		return -1;
	alarm_prepare(&asker->alarm, act, asker);
	alarm_set(thread_loop(asker->thread), &asker->alarm, clock_monotonic_ns());
	return thread_start(asker->thread, err);
}

static void forget(void *arg, struct batch *batch)
{
	(void)arg;
	(void)batch;
}

/* A step for one probe of a target; a worker that has too much to do already is spared. */
static void change(struct house *house, struct thread *changer, unsigned target, enum batch_change how, unsigned probe)
{
	static const struct probe_spec probes[] = {{"p1", &tick_type, "", NULL}, {"p2", &tick_type, "", NULL}};
	struct batch *batch = batch_create(thread_mailbox(changer), forget, NULL);

	batch_add(batch, &(struct batch_step){.change = how, .target = house->targets[target], .spec = &probes[probe]});
	if (!worker_apply(house->workers[target % WORKERS], batch))
		batch_free(batch);
}

/* Also a clock: it goes on until all has been seen. */
static void change_targets(struct house *house, struct thread *changer)
{
	const struct timespec pause = {.tv_nsec = NS_PER_MS};

	for (unsigned i = 0; i < ROUNDS || atomic_load(&house->pages) < 100; i++) {
		unsigned n = i % TARGETS;

		change(house, changer, n, BATCH_ADD, 0);
		change(house, changer, n, BATCH_ADD, 1);
		nanosleep(&pause, NULL);
		if (i % 3 == 0)
			change(house, changer, n, BATCH_RELABEL, 0);
		if (i % 5 == 0)
			change(house, changer, n, BATCH_REMOVE, 1);
		if (i % 10 == 0)
			change(house, changer, n, BATCH_REMOVE, 0);
	}
}

int main(void)
{
	static struct asker askers[ASKERS];
	struct house house = {0};
	struct err err = {0};

	if (open_house(&house, &err) == -1) {
		fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	for (unsigned i = 0; i < ASKERS; i++) {
		if (start_asker(&askers[i], &house, &err) == -1) {
			fprintf(stderr, "%s\n", err.text);
			return EXIT_FAILURE;
		}
	}
	struct thread_plan plan = {.name = "changer", .mails = 4096};
	struct thread *changer = thread_create(&plan, &err);
	if (!changer || thread_start(changer, &err) == -1) {
		fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	change_targets(&house, changer);
	for (unsigned i = 0; i < ASKERS; i++) {
		thread_stop(askers[i].thread);
		for (unsigned k = 0; k < QUESTIONS; k++)
			results_cancel(askers[i].questions[k].ask);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		worker_stop(house.workers[i]);
	for (unsigned i = 0; i < WORKERS; i++)
		worker_free(house.workers[i]);
	thread_stop(changer);
	thread_free(changer);
	for (unsigned i = 0; i < ASKERS; i++)
		thread_free(askers[i].thread);
	series_store_free(house.store);
	for (unsigned i = 0; i < TARGETS; i++)
		target_release(house.targets[i]);
	printf("%d runs in %d pages, %d cancelled, %d faults\n", atomic_load(&house.runs), atomic_load(&house.pages),
	       atomic_load(&house.cancels), atomic_load(&house.faults));
	return atomic_load(&house.runs) > 0 && atomic_load(&house.cancels) > 0 && atomic_load(&house.faults) == 0
		       ? EXIT_SUCCESS
		       : EXIT_FAILURE;
}
