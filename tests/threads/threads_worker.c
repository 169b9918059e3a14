/*
 * Two workers under everything at once, for ThreadSanitizer: targets that come, change and go in batches, single runs
 * that are answered or cancelled, a reader of /metrics and of the workers' figures. A plain program: exit code 0, or 1
 * with what was wrong.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "daemon/batch.h"
#include "daemon/spec.h"
#include "daemon/target.h"
#include "daemon/thread.h"
#include "daemon/worker.h"
#include "exporter/render.h"
#include "exporter/series.h"
#include "influx/influx.h"
#include "probes/engine.h"

#define WORKERS 2
#define ROUNDS  200
#define TARGETS 300

/* --- a probe type that ends its runs at once, or never
 * ----------------------------------------------------------------------------- */

struct tick_settings {
	bool is_hanging;
};

struct tick {
	const struct tick_settings *settings;
	struct run *run;
	int64_t count;
};

static const struct measure measures[] = {{"count_total", MEASURE_COUNTER, "Runs"}};
static const struct measure_set set = {"tick", measures, 1, NULL, "A tick"};
static const struct measure_set *const sets[] = {&set, NULL};

static void *tick_open(struct probe *probe, const void *settings, struct err *err)
{
	const struct turn_plan turn = {.interval_ns = 10 * NS_PER_MS, .timeout_ns = 10 * NS_PER_MS};
	const struct turn_plan long_turn = {.interval_ns = 60 * NS_PER_SECOND, .timeout_ns = 60 * NS_PER_SECOND};
	struct tick *tick = mem_zero(1, sizeof(*tick));

	(void)err;
	tick->settings = settings;
	probe_add_turn(probe, tick->settings->is_hanging ? &long_turn : &turn);
	return tick;
}

static void tick_finish(void *state)
{
	struct tick *tick = state;
	const struct reading reading = reading_integer(0, ++tick->count);
	const struct row row = {&set, NULL, 0, &reading, 1};

	run_log(tick->run, "tick %d", (int)tick->count);
	run_finish(tick->run, REASON_OK, &row, 1);
}

static void *tick_start(struct run *run, void *opened, const void *settings)
{
	struct tick *tick = opened;

	(void)settings;
	tick->run = run;
	if (!tick->settings->is_hanging)
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

static const struct probe_type tick_type = {
	.name = "tick",
	.help = "Counts",
	.settings_size = sizeof(struct tick_settings),
	.sets = sets,
	.open = tick_open,
	.start = tick_start,
	.deadline = tick_deadline,
	.stop = tick_stop,
	.close = mem_free,
};

/* --- the house
 * ------------------------------------------------------------------------------------------------------------------------
 */

struct house {
	struct series_store *store;
	struct influx *influx;
	struct worker *workers[WORKERS];
	atomic_bool is_ending;
	atomic_int answers, cancels, renders, batches, faults;
};

static void pause_briefly(void)
{
	const struct timespec pause = {.tv_nsec = NS_PER_MS};

	nanosleep(&pause, NULL);
}

/* Single runs: one thread with a mailbox; every third is cancelled at some moment. */
struct asker;
struct question {
	struct asker *asker;
	struct worker_ask *ask; /* NULL = neither asked for nor waited for */
};

struct asker {
	struct house *house;
	struct thread *thread;
	struct alarm alarm;
	struct question questions[8];
	unsigned round;
};

static void take_answer(void *arg, const struct worker_answer *answer)
{
	struct question *question = arg;

	if (answer->sample && answer->sample->reason == REASON_OK && answer->log_length > 0)
		atomic_fetch_add(&question->asker->house->answers, 1);
	question->ask = NULL;
}

static void ask_one(struct asker *asker, struct question *question)
{
	struct tick_settings *settings = mem_zero(1, sizeof(*settings));
	struct worker_job job = {
		.target = "who",
		.probe = "how",
		.address = "192.0.2.1",
		.type = &tick_type,
		.settings = settings,
		.wants_log = true,
		.mailbox = thread_mailbox(asker->thread),
		.done = take_answer,
		.arg = question,
	};

	settings->is_hanging = asker->round % 4 == 0;
	question->asker = asker;
	question->ask = worker_ask(asker->house->workers[asker->round % WORKERS], &job);
	if (!question->ask)
		mem_free(settings);
}

static void act(void *arg)
{
	struct asker *asker = arg;
	struct question *question = &asker->questions[++asker->round % 8];

	if (question->ask) {
		worker_ask_cancel(question->ask);
		atomic_fetch_add(&asker->house->cancels, 1);
	}
	ask_one(asker, question);
	alarm_set(thread_loop(asker->thread), &asker->alarm, clock_monotonic_ns() + NS_PER_MS);
}

/* A worker's share of the targets: which probes of which are there, as far as the batches that were answered go. */
struct changer {
	struct house *house;
	struct thread *thread; /* its loop is run by the changing thread itself */
	struct worker *worker;
	unsigned under_way;
};

static void take_batch(void *arg, struct batch *batch)
{
	struct changer *changer = arg;

	if (batch_failure(batch, 0))
		atomic_fetch_add(&changer->house->faults, 1);
	changer->under_way--;
	atomic_fetch_add(&changer->house->batches, 1);
	loop_stop(thread_loop(changer->thread));
}

static struct target *make_target(unsigned target)
{
	static const struct label labels[] = {{"tier", "gold"}, {"rack", "r1"}};
	char name[16];

	snprintf(name, sizeof(name), "t%u", target);
	return target_create(name, "192.0.2.1", labels, target % 3);
}

/* Targets and specs of its own are borrowed for a round of batches, which are freed as soon as the batch that removes
 * their probes is answered: who uses them longer is found by AddressSanitizer, who uses them at that moment by
 * ThreadSanitizer. */
static void change_all(struct changer *changer, struct err *err)
{
	struct tick_settings *settings = mem_zero(1, sizeof(*settings));
	struct probe_spec *specs = mem_zero(2, sizeof(*specs));
	struct target *targets[4][TARGETS];

	specs[0] = (struct probe_spec){mem_copy_string("p1"), &tick_type, settings, NULL};
	specs[1] = (struct probe_spec){mem_copy_string("p2"), &tick_type, settings, NULL};
	for (int change = BATCH_ADD; change <= BATCH_RELABEL + 1; change++) {
		static const enum batch_change changes[] = {BATCH_ADD, BATCH_RELABEL, BATCH_RELABEL, BATCH_REMOVE};
		struct batch *batch = batch_create(thread_mailbox(changer->thread), take_batch, changer);

		for (unsigned i = 0; i < TARGETS; i++)
			targets[change][i] = make_target(i);
		for (unsigned i = 0; i < 2 * TARGETS; i++)
			batch_add(batch,
				  &(struct batch_step){changes[change], targets[change][i / 2], &specs[i % 2], batch});
		changer->under_way++;
		while (!worker_apply(changer->worker, batch))
			pause_briefly();
	}
	while (changer->under_way > 0)
		loop_run(thread_loop(changer->thread), err);
	for (unsigned i = 0; i < 4 * TARGETS; i++)
		target_release(targets[i / TARGETS][i % TARGETS]);
	mem_free((char *)(uintptr_t)specs[0].name);
	mem_free((char *)(uintptr_t)specs[1].name);
	mem_free(specs);
	mem_free(settings);
}

static void *change_targets(void *arg)
{
	static const struct thread_plan plan = {.name = "changer", .mails = 16};
	struct house *house = arg;
	struct changer changer = {.house = house};
	struct err err = {0};

	changer.thread = thread_create(&plan, &err);
	for (unsigned i = 0; changer.thread && i < ROUNDS; i++) {
		changer.worker = house->workers[i % WORKERS];
		change_all(&changer, &err);
	}
	thread_free(changer.thread);
	return NULL;
}

static void *read_metrics(void *arg)
{
	struct house *house = arg;
	struct reading readings[32];

	while (!atomic_load(&house->is_ending)) {
		const struct render_plan plan = {.store = house->store, .shards = 1};
		struct render *render = render_create(&plan);
		struct text text = {0};

		while (render_more(render, &text, 1024))
			text_clear(&text);
		render_free(render);
		text_free(&text);
		for (unsigned i = 0; i < WORKERS; i++) {
			worker_read(house->workers[i], readings);
			engine_read(worker_engine(house->workers[i]), readings);
		}
		atomic_fetch_add(&house->renders, 1);
		pause_briefly();
	}
	return NULL;
}

static int open_house(struct house *house, struct err *err)
{
	static const struct label agent[] = {{"agent", "a"}};
	struct worker_plan plan = {.agent_labels = agent, .nagent_labels = 1, .boot = "b", .resolver = "127.0.0.1:9"};

	house->store = series_store_create(WORKERS, 100000);
	house->influx = influx_create(NULL, 0, NULL, err);
	if (!house->influx)
		return -1;
	plan.store = house->store;
	plan.wants_lines = true;
	for (unsigned i = 0; i < WORKERS; i++) {
		plan.index = i;
		house->workers[i] = worker_create(&plan, err);
		if (!house->workers[i])
			return -1;
		worker_set_influx(house->workers[i], house->influx);
		if (worker_start(house->workers[i], err) == -1)
			return -1;
	}
	return 0;
}

static void close_house(struct house *house)
{
	for (unsigned i = 0; i < WORKERS; i++)
		worker_stop(house->workers[i]);
	for (unsigned i = 0; i < WORKERS; i++)
		worker_free(house->workers[i]);
	influx_free(house->influx);
	series_store_free(house->store);
}

static int run(struct house *house, struct asker *asker, struct err *err)
{
	const struct thread_plan plan = {.name = "asker", .mails = 64};
	pthread_t changer, reader;

	asker->thread = thread_create(&plan, err);
	if (!asker->thread)
		return -1;
	alarm_prepare(&asker->alarm, act, asker);
	alarm_set(thread_loop(asker->thread), &asker->alarm, clock_monotonic_ns());
	if (thread_start(asker->thread, err) == -1)
		return -1;
	if (pthread_create(&changer, NULL, change_targets, house) != 0 ||
	    pthread_create(&reader, NULL, read_metrics, house) != 0)
		return err_set(err, "no thread");
	pthread_join(changer, NULL);
	atomic_store(&house->is_ending, true);
	pthread_join(reader, NULL);
	thread_stop(asker->thread);
	return 0;
}

int main(void)
{
	struct house house = {0};
	struct asker asker = {.house = &house};
	struct err err = {0};
	int answers, cancels;

	if (open_house(&house, &err) == -1 || run(&house, &asker, &err) == -1) {
		fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	close_house(&house);
	thread_free(asker.thread);
	answers = atomic_load(&house.answers);
	cancels = atomic_load(&house.cancels);
	printf("%d answers, %d cancelled, %d batches, %d with faults, %d renders\n", answers, cancels,
	       atomic_load(&house.batches), atomic_load(&house.faults), atomic_load(&house.renders));
	return answers > 0 && cancels > 0 && atomic_load(&house.batches) == 4 * ROUNDS &&
			       atomic_load(&house.faults) == 0 && atomic_load(&house.renders) > 0
		       ? EXIT_SUCCESS
		       : EXIT_FAILURE;
}
