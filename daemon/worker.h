/*
 * A worker: a thread with a loop, a resolver, an engine, a pipeline, and its share of the targets. Made in the main
 * thread (raw sockets are opened while there is a right to); from worker_start on the only way in is mail.
 */
#ifndef NETSONDE_DAEMON_WORKER_H
#define NETSONDE_DAEMON_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/sample.h"

struct assessor_use;
struct batch;
struct catalogue;
struct engine;
struct events;
struct gatekeeper;
struct geo;
struct influx;
struct mailbox;
struct probe_type;
struct results_ask;
struct results_job;
struct series_store;
struct trigger_desk;
struct worker;
struct worker_ask;

#define WORKER_MAILS_MAX     4096         /* messages that wait for a worker */
#define WORKER_ASKS_MAX      256          /* single runs at a time on one worker */
#define WORKER_LOG_BYTES_MAX (128 * 1024) /* of one single run; the engine bounds the lines, too */

/* All borrowed until worker_free. */
struct worker_plan {
	unsigned index;
	int64_t timer_slot_ns;
	const char *resolver; /* DNS servers, or NULL for the system's */
	struct series_store *store;
	const struct label *agent_labels;
	size_t nagent_labels;
	const char *boot;
	bool wants_lines;                     /* are there outputs? */
	size_t history_bytes;                 /* for the last results; 0 = none are kept */
	const struct assessor_use *assessors; /* of this worker */
	size_t nassessors;
	struct geo *geo; /* where targets are; NULL = nobody knows */
};

/* Loop, resolver and the sockets of all types. NULL with err. */
struct worker *worker_create(const struct worker_plan *plan, struct err *err);

/* Where its lines go (NULL = nowhere; the last buffer is handed over then). Only while the thread does not run; before
 * influx is stopped. */
void worker_set_influx(struct worker *worker, struct influx *influx);

int worker_start(struct worker *worker, struct err *err);
/* Ends the thread. */
void worker_stop(struct worker *worker);
/* Closes all probes; asks that were not answered yet are answered with an error. Stopped; NULL is harmless. */
void worker_free(struct worker *worker);

/* --- targets ----------------------------------------------------------------------------------------------------- */

/* Before worker_start: carries a batch out, which stays the caller's. -1 with err ("TARGET: PROBE: why") at the first
 * probe that is there already or cannot be opened. */
int worker_open(struct worker *worker, struct batch *batch, struct err *err);

/* From any thread, by mail: the worker carries the batch out between its probes, and then answers; what goes wrong is
 * logged over there, and told by batch_failure. True: the batch was passed; false (the mailbox is full): it was not. */
bool worker_apply(struct worker *worker, struct batch *batch);

/* Before worker_start, with rights: what a single run with these settings will need them for is there from now on (a
 * kind of socket that no target has). */
void worker_rehearse(struct worker *worker, const struct probe_type *type, const void *settings);

/* --- single runs ------------------------------------------------------------------------------------------------- */

/* The end of a single run. Borrowed for the call. */
struct worker_answer {
	const struct sample *sample; /* a copy; NULL when there is none: error says why */
	const char *error;
	const char *log; /* lines, each with LF; "" when none was wanted */
	size_t log_length;
};

struct worker_job {
	const char *target; /* names for the sample and the log; copied, as is address */
	const char *probe;
	const char *address;
	const struct probe_type *type;
	void *settings; /* passed, if worker_ask does not return NULL; freed on any thread */
	bool wants_log;
	const struct gatekeeper *gatekeeper; /* whom the run may talk to; borrowed until release; or NULL */
	const struct catalogue *catalogue; /* what can be asked of routers; likewise, and the answer's rows are of it */
	/* If not NULL: called once, on any thread, when the worker uses nothing of the job any more, which may be after
	 * worker_ask_cancel. Not if worker_ask returns NULL. */
	void (*release)(void *held);
	void *held;
	/* Where the answer goes: the asker's mailbox, which must live until the answer came or worker_free. */
	struct mailbox *mailbox;
	/* Once, on the thread of that mailbox, unless cancelled before. */
	void (*done)(void *arg, const struct worker_answer *answer);
	void *arg;
};

/* Has the worker run a probe once, beside everything else: no series, no lines. NULL when the mailbox is full. The
 * handle is valid until done has returned or worker_ask_cancel. */
struct worker_ask *worker_ask(struct worker *worker, const struct worker_job *job);

/* On the asker's thread: done will not come, the run is given up. */
void worker_ask_cancel(struct worker_ask *ask);

/* --- the last results -------------------------------------------------------------------------------------------- */

/* Asks for a copy of the last results of one of its probes (daemon/results.h). NULL when the mailbox is full. */
struct results_ask *worker_results(struct worker *worker, const struct results_job *job);

/* What happened to its targets: for daemon/events_ask.h, which visits it by mail; its counts may be read by any thread.
 */
const struct events *worker_events(const struct worker *worker);
struct mailbox *worker_mailbox(const struct worker *worker);

/* --- figures; any thread -------------------------------------------------------------------------------------------
 */

extern const struct measure_set worker_set; /* "worker" */
size_t worker_read(const struct worker *worker, struct reading *readings);

/* Its figures: trigger_desk_read. */
const struct trigger_desk *worker_triggers(const struct worker *worker);

const struct engine *worker_engine(const struct worker *worker);
bool worker_is_running(const struct worker *worker);

#endif
