/*
 * One run, from start to stop: the deadline, the one sample, the log.
 */
#include <stdarg.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/mem.h"
#include "probes/engine_internal.h"

static struct loop *loop_of(const struct run *run)
{
	return run->turn->probe->engine->plan.loop;
}

static void run_free(struct run *run)
{
	loop_defer_cancel(loop_of(run), &run->deferred);
	run->turn->run = NULL;
	mem_free(run->cause);
	slabs_give(run->turn->probe->engine->slabs, run, sizeof(*run));
}

static void run_stop(struct run *run)
{
	const struct probe *probe = run->turn->probe;
	void *state = run->state;
	run_free(run);
	atomic_fetch_sub_explicit(&probe->engine->alive, 1, memory_order_relaxed);
	probe->type->stop(state);
}

/* The one deferred call of a run: what it does depends on how far the run has come. */
static void run_continue(void *arg)
{
	struct run *run = arg;
	struct turn *turn = run->turn;
	switch ((enum run_phase)run->phase) {
	case RUN_DUE:
		run_begin(turn);
		turn_arm(turn);
		break;
	case RUN_ENDING:
		run->phase = RUN_ALIVE;
		run->finish(run->state);
		break;
	case RUN_FINISHED:
		run_stop(run);
		break;
	case RUN_ALIVE:
		break;
	}
}

static void run_create(struct turn *turn)
{
	struct run *run = slabs_take(turn->probe->engine->slabs, sizeof(*run));
	run->turn = turn;
	run->phase = RUN_DUE;
	run->lookup_ns = -1;
	deferred_prepare(&run->deferred, run_continue, run);
	turn->run = run;
}

void run_ask(struct turn *turn, const char *cause)
{
	run_create(turn);
	turn->run->cause = mem_copy_string(cause);
	loop_defer(loop_of(turn->run), &turn->run->deferred);
}

void run_begin(struct turn *turn)
{
	struct probe *probe = turn->probe;
	if (!turn->run)
		run_create(turn);
	struct run *run = turn->run;

	run->begun_ns = clock_monotonic_ns();
	run->begun_realtime_ns = clock_realtime_ns();
	run->phase = RUN_ALIVE;
	run->number = ++turn_counter(turn)->runs;
	atomic_fetch_add_explicit(&probe->engine->starts, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&probe->engine->alive, 1, memory_order_relaxed);
	run->is_starting = true;
	run->state = probe->type->start(run, probe->opened, probe->settings);
	run->is_starting = false;
}

void run_expire(struct turn *turn)
{
	struct run *run = turn->run;
	loop_defer_cancel(loop_of(run), &run->deferred);
	if (run->phase == RUN_ENDING) {
		run->phase = RUN_ALIVE;
		run->finish(run->state);
	}
	if (run->phase == RUN_ALIVE)
		turn->probe->type->deadline(run->state);
	if (run->phase == RUN_ALIVE) {
		run_log(run, "the probe type did not end its run at the deadline");
		run_finish(run, REASON_TIMEOUT, NULL, 0);
	}
	run_settle(turn);
}

void run_settle(struct turn *turn)
{
	if (turn->run && turn->run->phase == RUN_FINISHED)
		run_stop(turn->run);
}

void run_abandon(struct turn *turn)
{
	if (!turn->run)
		return;
	if (turn->run->phase == RUN_DUE)
		run_free(turn->run);
	else
		run_stop(turn->run);
}

uint32_t run_tag(const struct run *run)
{
	return run->turn->plan.tag;
}

int64_t run_begun_ns(const struct run *run)
{
	return run->begun_ns;
}

int64_t run_deadline_ns(const struct run *run)
{
	return run->begun_ns + run->turn->plan.timeout_ns;
}

const char *run_cause(const struct run *run)
{
	return run->cause;
}

void run_set_address(struct run *run, const struct address *address)
{
	run->address = *address;
}

void run_add_lookup(struct run *run, int64_t took_ns)
{
	run->lookup_ns = (run->lookup_ns < 0 ? 0 : run->lookup_ns) + took_ns;
}

bool run_permits(struct run *run, const char *host, const struct address *address, uint16_t port)
{
	const struct gatekeeper *gatekeeper = run->turn->probe->gatekeeper;
	struct err err = {0};
	if (!gatekeeper || gatekeeper->permits(gatekeeper->context, host, address, port, &err))
		return true;
	run_log(run, "%s", err.text);
	return false;
}

bool run_is_logged(const struct run *run)
{
	return run->turn->probe->sink.log != NULL && run->log_lines <= RUN_LOG_LINES_MAX;
}

void run_log(struct run *run, const char *format, ...)
{
	if (!run_is_logged(run))
		return;
	const struct sink *sink = &run->turn->probe->sink;
	if (++run->log_lines > RUN_LOG_LINES_MAX) {
		sink->log(sink->context, "(the log is full)");
		return;
	}
	char line[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	sink->log(sink->context, line);
}

void run_finish(struct run *run, enum reason reason, const struct row *rows, size_t nrows)
{
	struct turn *turn = run->turn;
	const struct probe *probe = turn->probe;
	if ((run->phase != RUN_ALIVE && run->phase != RUN_ENDING) || run->is_starting)
		return;
	/* The stop of one turn's run may end another's. */
	if (probe->is_closing)
		return;
	run->phase = RUN_FINISHED;
	/* A name that took too long was looked up as well. */
	if (reason == REASON_RESOLVE && run->lookup_ns < 0)
		run->lookup_ns = clock_monotonic_ns() - run->begun_ns;
	const struct sample sample = {
		.subject = probe->subject,
		.reason = reason,
		.begun_realtime_ns = run->begun_realtime_ns,
		.took_ns = clock_monotonic_ns() - run->begun_ns,
		.run = run->number,
		.skipped = turn_counter(turn)->skipped,
		.address = run->address,
		.lookup_ns = run->lookup_ns,
		.rows = rows,
		.nrows = nrows,
		.nquiet = run->nquiet < nrows ? run->nquiet : nrows,
		.part = turn->plan.part,
		.keeps_rows = run->keeps_rows && turn->plan.part,
		.cause = run->cause,
	};
	loop_defer(probe->engine->plan.loop, &run->deferred);
	turn_arm(turn);
	probe->sink.deliver(probe->sink.context, &sample);
}

void run_keep_rows(struct run *run)
{
	run->keeps_rows = true;
}

void run_set_quiet(struct run *run, size_t n)
{
	run->nquiet = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

void run_hurry_next(struct run *run, int64_t after_ns)
{
	if (run->turn->probe->is_closing)
		return;
	turn_hurry(run->turn, clock_monotonic_ns() + after_ns);
	turn_arm(run->turn);
}

void run_finish_later(struct run *run, void (*finish)(void *state))
{
	run->phase = RUN_ENDING;
	run->finish = finish;
	loop_defer(run->turn->probe->engine->plan.loop, &run->deferred);
}
