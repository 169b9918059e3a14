/*
 * Probe types for tests of triggers and events: "bang" ends at once, every 10 ms, fails, and every third run of it
 * tells a path change. "echo" runs when a bang sets it off, once a second at most.
 */
#ifndef NETSONDE_TESTS_UNIT_DAEMON_BANG_FIXTURE_H
#define NETSONDE_TESTS_UNIT_DAEMON_BANG_FIXTURE_H

#include "core/clock.h"
#include "core/event.h"
#include "core/mem.h"
#include "probes/probe.h"

struct bang {
	struct run *run;
	int64_t count;
};

static const struct measure bang_measures[] = {{"count_total", MEASURE_COUNTER, "Runs of this probe"}};
static const struct measure_set bang_set = {"bang", bang_measures, 1, NULL, "A bang"};
static const struct measure_set *const bang_sets[] = {&bang_set, NULL};

static void *bang_open(struct probe *probe, const void *settings, struct err *err)
{
	(void)settings, (void)err;
	probe_add_turn(probe, &(struct turn_plan){.interval_ns = 10 * NS_PER_MS, .timeout_ns = 10 * NS_PER_MS});
	return mem_zero(1, sizeof(struct bang));
}

static void bang_finish(void *state)
{
	struct bang *bang = state;
	const struct reading reading = reading_integer(0, ++bang->count);
	const struct reading change[] = {reading_text(EVENT_BEFORE, "here"), reading_text(EVENT_AFTER, "there")};
	const struct label kind = {"kind", event_kind_name(EVENT_PATH_CHANGE)};
	const struct row rows[] = {{&bang_set, NULL, 0, &reading, 1}, {&event_row_set, &kind, 1, change, 2}};

	run_finish(bang->run, REASON_TIMEOUT, rows, bang->count % 3 == 0 ? 2 : 1);
}

static void *bang_start(struct run *run, void *opened, const void *settings)
{
	struct bang *bang = opened;

	(void)settings;
	bang->run = run;
	run_finish_later(run, bang_finish);
	return bang;
}

static void bang_deadline(void *state)
{
	run_finish(((struct bang *)state)->run, REASON_TIMEOUT, NULL, 0);
}

static void bang_stop(void *state)
{
	((struct bang *)state)->run = NULL;
}

static const struct probe_type bang_type = {
	.name = "bang",
	.help = "Fails",
	.settings_size = 1,
	.sets = bang_sets,
	.open = bang_open,
	.start = bang_start,
	.deadline = bang_deadline,
	.stop = bang_stop,
	.close = mem_free,
};

static bool echo_trigger(const void *settings, struct trigger_plan *plan)
{
	(void)settings;
	*plan = (struct trigger_plan){.on_failure = true, .pause_ns = NS_PER_SECOND};
	return true;
}

static void *echo_open(struct probe *probe, const void *settings, struct err *err)
{
	(void)settings, (void)err;
	probe_add_turn(probe, &(struct turn_plan){.timeout_ns = NS_PER_SECOND});
	return mem_zero(1, sizeof(struct bang));
}

static const struct probe_type echo_type = {
	.name = "echo",
	.help = "Answers",
	.settings_size = 1,
	.sets = bang_sets,
	.trigger = echo_trigger,
	.open = echo_open,
	.start = bang_start,
	.deadline = bang_deadline,
	.stop = bang_stop,
	.close = mem_free,
};

#endif
