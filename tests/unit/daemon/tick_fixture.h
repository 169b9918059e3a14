/*
 * A probe type whose runs end at once and count themselves: every 10 ms, with a counter, a label and a text.
 */
#ifndef NETSONDE_TESTS_UNIT_DAEMON_TICK_FIXTURE_H
#define NETSONDE_TESTS_UNIT_DAEMON_TICK_FIXTURE_H

#include "core/clock.h"
#include "core/mem.h"
#include "core/sample.h"
#include "probes/probe.h"

struct tick {
	struct run *run;
	int64_t count;
};

static const struct measure tick_measures[] = {
	{"count_total", MEASURE_COUNTER, "Runs of this probe"},
	{"word", MEASURE_TEXT, "A word"},
};
static const struct measure_set tick_set = {"tick", tick_measures, 2, NULL, "A tick"};
static const struct measure_set *const tick_sets[] = {&tick_set, NULL};

static void *tick_open(struct probe *probe, const void *settings, struct err *err)
{
	const struct turn_plan turn = {.interval_ns = 10 * NS_PER_MS, .timeout_ns = 10 * NS_PER_MS};

	(void)settings, (void)err;
	probe_add_turn(probe, &turn);
	return mem_zero(1, sizeof(struct tick));
}

static void tick_finish(void *state)
{
	struct tick *tick = state;
	const struct reading readings[] = {reading_integer(0, ++tick->count), reading_text(1, "tick")};
	const struct label label = {"side", "left"};
	const struct row row = {&tick_set, &label, 1, readings, 2};

	run_finish(tick->run, REASON_OK, &row, 1);
}

static void *tick_start(struct run *run, void *opened, const void *settings)
{
	struct tick *tick = opened;

	(void)settings;
	tick->run = run;
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
	.settings_size = 1,
	.sets = tick_sets,
	.open = tick_open,
	.start = tick_start,
	.deadline = tick_deadline,
	.stop = tick_stop,
	.close = mem_free,
};

#endif
