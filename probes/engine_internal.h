/*
 * What engine.c and run.c share: the structs behind probe.h and engine.h. Nobody else includes this.
 */
#ifndef NETSONDE_PROBES_ENGINE_INTERNAL_H
#define NETSONDE_PROBES_ENGINE_INTERNAL_H

#include <stdatomic.h>

#include "core/loop.h"
#include "core/slabs.h"
#include "probes/engine.h"

/* One without data sets (probes/routeros/catalogue.c). The engine hands catalogues on and looks into none. */
extern const struct catalogue catalogue_empty;

#define ENGINE_SERVICES_MAX 16
#define RUN_LOG_LINES_MAX   512

enum run_phase {
	RUN_DUE, /* asked for by probe_run_once, not begun yet */
	RUN_ALIVE,
	RUN_ENDING,  /* finish was asked for by run_finish_later */
	RUN_FINISHED /* the sample is out, stop is still to come */
};

/* From when it is due or asked for until its stop. */
struct run {
	struct turn *turn;
	void *state;
	int64_t begun_ns;
	int64_t begun_realtime_ns;
	uint64_t number; /* of the runs of this probe, or of its part */
	void (*finish)(void *state);
	char *cause;              /* owned; NULL: nothing but its turn */
	struct deferred deferred; /* begins, finishes or stops the run, by phase */
	struct address address;
	int64_t lookup_ns; /* -1: none */
	uint16_t log_lines;
	uint8_t phase; /* enum run_phase */
	bool is_starting;
	bool keeps_rows; /* run_keep_rows */
	uint32_t nquiet; /* run_set_quiet */
};

struct turn {
	struct probe *probe;
	struct turn *next;
	struct turn_plan plan;
	int64_t due_ns;     /* monotonic; 0 = not scheduled */
	struct alarm alarm; /* the next due time, or the deadline of the run that lives */
	struct run *run;    /* NULL: idle. There is never more than one at a time */
	/* What its samples say. All turns without a part count in the first one. */
	uint64_t runs;
	uint32_t skipped;
	bool is_early; /* due before its place in the interval, for once */
};

/* As its plan says. */
struct probe {
	struct engine *engine;
	const struct probe_type *type;
	const void *settings;
	const struct subject *subject;
	const char *address;
	struct sink sink;
	const struct gatekeeper *gatekeeper; /* NULL: anybody may be talked to */
	const struct catalogue *catalogue;
	void *opened;
	bool is_single;
	bool is_closing;   /* what runs end now is lost */
	struct turn first; /* its probe is NULL while there is none */
};

struct engine {
	struct engine_plan plan;
	struct slabs *slabs;
	const struct probe_service *services[ENGINE_SERVICES_MAX];
	void *instances[ENGINE_SERVICES_MAX];
	size_t nservices;
	/* Own figures: written by the worker, read by anybody. */
	_Atomic int64_t probes, alive, starts, skipped, lag_ns, lag_max_ns;
	int64_t lag_window_ns, lag_window_max_ns;
};

static inline bool turn_is_alive(const struct turn *turn)
{
	return turn->run && (turn->run->phase == RUN_ALIVE || turn->run->phase == RUN_ENDING);
}

/* Where the runs of a turn are counted. */
static inline struct turn *turn_counter(struct turn *turn)
{
	return turn->plan.part ? turn : &turn->probe->first;
}

/* run.c: a run that begins with its deferred call; the turn must be idle. cause (copied) may be NULL. */
void run_ask(struct turn *turn, const char *cause);
/* run.c: begins a run of this turn; it must be idle, or a run asked for. The caller arms the turn afterwards. */
void run_begin(struct turn *turn);
/* run.c: the deadline of a turn that is alive has come. It is idle afterwards. */
void run_expire(struct turn *turn);
/* run.c: a finished run that still waits for its stop gets it now; others are left alone. Only from a fresh stack. */
void run_settle(struct turn *turn);
/* run.c: ends a run, if there is one, without a sample. */
void run_abandon(struct turn *turn);
/* engine.c: the alarm of a turn is set to whatever comes next. */
void turn_arm(struct turn *turn);
/* engine.c: it is due then at the latest, if it has a schedule; to be armed afterwards. */
void turn_hurry(struct turn *turn, int64_t due_ns);

#endif
