/*
 * What happened is asked for while two workers measure, set off runs and note events, for ThreadSanitizer: askers that
 * take, make a page of it, or give up; targets that come and go; somebody who reads the figures. A plain program: exit
 * code 0, or 1 with what was wrong.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/log.h"
#include "core/loop.h"
#include "core/text.h"
#include "daemon/batch.h"
#include "daemon/events_ask.h"
#include "daemon/events_page.h"
#include "daemon/spec.h"
#include "daemon/target.h"
#include "daemon/thread.h"
#include "daemon/trigger.h"
#include "daemon/worker.h"
#include "exporter/series.h"
#include "tests/unit/daemon/bang_fixture.h"

#define WORKERS   2
#define ASKERS    2
#define QUESTIONS 4
#define ROUNDS    600
#define TARGETS   10

struct asker;
struct question {
	struct asker *asker;
	struct events_ask *ask; /* NULL = none */
};

struct house {
	struct series_store *store;
	struct worker *workers[WORKERS];
	struct target *targets[TARGETS];
	atomic_int events, pages, cancels, faults;
};

struct asker {
	struct house *house;
	struct thread *thread;
	struct alarm alarm;
	unsigned round;
	struct question questions[QUESTIONS];
};

static void check(struct house *house, const struct found_events *found)
{
	for (size_t i = 0; i < found->n; i++) {
		bool is_sorted = i == 0 || found->items[i].time_ns <= found->items[i - 1].time_ns;

		atomic_fetch_add(is_sorted && found->items[i].copy.n == 1 ? &house->events : &house->faults, 1);
	}
}

static void take(void *arg, struct found_events *found)
{
	struct question *question = arg;
	struct house *house = question->asker->house;
	struct events_page *page;
	struct text out = {0};

	question->ask = NULL;
	check(house, found);
	page = events_page_create(found);
	while (events_page_more(page, &out, 1000))
		text_clear(&out);
	text_free(&out);
	events_page_free(page);
	atomic_fetch_add(&house->pages, 1);
}

static void give_up(struct question *question)
{
	events_cancel(question->ask);
	question->ask = NULL;
	atomic_fetch_add(&question->asker->house->cancels, 1);
}

static void act(void *arg)
{
	struct asker *asker = arg;
	unsigned round = asker->round++, one = round % 3 % WORKERS;
	struct question *question = &asker->questions[round % QUESTIONS];
	const struct events_job job = {
		.workers = (const struct worker *const *)asker->house->workers + (round % 2 ? one : 0),
		.nworkers = round % 2 ? 1 : WORKERS,
		.filter = {round % 5 ? NULL : "t1", round % 3 ? EVENT_KINDS : EVENT_TRIGGER, INT64_MIN},
		.limit = 1 + round % 200,
		.mailbox = thread_mailbox(asker->thread),
		.done = take,
		.arg = question,
	};

	question->asker = asker;
	if (question->ask)
		give_up(question);
	question->ask = events_post(&job);
	if (question->ask && round % 4 == 0)
		give_up(question);
	alarm_set(thread_loop(asker->thread), &asker->alarm, clock_monotonic_ns() + NS_PER_MS);
}

static int open_house(struct house *house, struct err *err)
{
	struct worker_plan plan = {.boot = "b", .resolver = "127.0.0.1:9"};

	for (unsigned i = 0; i < TARGETS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "t%u", i);
		house->targets[i] = target_create(name, "192.0.2.1", NULL, 0);
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
	static const struct probe_spec probes[] = {{"bang", &bang_type, "", NULL}, {"echo", &echo_type, "", NULL}};
	struct batch *batch = batch_create(thread_mailbox(changer), forget, NULL);

	batch_add(batch, &(struct batch_step){.change = how, .target = house->targets[target], .spec = &probes[probe]});
	if (!worker_apply(house->workers[target % WORKERS], batch))
		batch_free(batch);
}

/* Events and runs that were set off, as any thread may read them. */
static int64_t read_figures(const struct house *house)
{
	struct reading readings[8];
	int64_t n = 0;

	for (unsigned i = 0; i < WORKERS; i++) {
		trigger_desk_read(worker_triggers(house->workers[i]), readings);
		n += readings[0].value.integer;
		n += events_read(worker_events(house->workers[i]), EVENT_PATH_CHANGE).value.integer;
	}
	return n;
}

/* Also a clock: it goes on until all has been seen. */
static void change_targets(struct house *house, struct thread *changer)
{
	const struct timespec pause = {.tv_nsec = NS_PER_MS};

	for (unsigned i = 0; i < ROUNDS || atomic_load(&house->pages) < 100 || read_figures(house) < 20; i++) {
		unsigned n = i % TARGETS;

		if (i % 20 < TARGETS) {
			change(house, changer, n, BATCH_ADD, 0);
			change(house, changer, n, BATCH_ADD, 1);
		}
		nanosleep(&pause, NULL);
		if (i % 97 == 0)
			change(house, changer, n, BATCH_REMOVE, 1);
		if (i % 89 == 0)
			change(house, changer, n, BATCH_REMOVE, 0);
	}
}

static void end(struct house *house, struct asker *askers, struct thread *changer)
{
	for (unsigned i = 0; i < ASKERS; i++) {
		thread_stop(askers[i].thread);
		for (unsigned k = 0; k < QUESTIONS; k++)
			events_cancel(askers[i].questions[k].ask);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		worker_stop(house->workers[i]);
	for (unsigned i = 0; i < WORKERS; i++)
		worker_free(house->workers[i]);
	for (unsigned i = 0; i < ASKERS; i++)
		thread_free(askers[i].thread);
	thread_stop(changer);
	thread_free(changer);
	series_store_free(house->store);
	for (unsigned i = 0; i < TARGETS; i++)
		target_release(house->targets[i]);
}

static int run(struct house *house, struct err *err)
{
	const struct thread_plan plan = {.name = "changer", .mails = 4096};
	static struct asker askers[ASKERS];
	struct thread *changer;

	if (open_house(house, err) == -1)
		return -1;
	for (unsigned i = 0; i < ASKERS; i++)
		if (start_asker(&askers[i], house, err) == -1)
			return -1;
	changer = thread_create(&plan, err);
	if (!changer || thread_start(changer, err) == -1)
		return -1;
	change_targets(house, changer);
	end(house, askers, changer);
	return 0;
}

int main(void)
{
	struct house house = {0};
	struct err err = {0};

	log_configure(2, LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT); /* probes that are there already */
	if (run(&house, &err) == -1) {
		fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	printf("%d events, %d pages, %d given up, %d faults\n", atomic_load(&house.events), atomic_load(&house.pages),
	       atomic_load(&house.cancels), atomic_load(&house.faults));
	return atomic_load(&house.faults) == 0 && atomic_load(&house.events) > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
