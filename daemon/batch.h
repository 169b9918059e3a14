/*
 * A batch of changes to what one worker measures: made on the main thread, sent to the worker, carried out there little
 * by little between the probes that run, and answered when all of it is done. Batches of a worker are carried out one
 * after another; so a batch that was answered is also a fence: what its steps have closed is no longer used.
 */
#ifndef NETSONDE_DAEMON_BATCH_H
#define NETSONDE_DAEMON_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct batch;
struct batch_desk;
struct loop;
struct mailbox;
struct probe_spec;
struct roster;
struct target;

enum batch_change {
	BATCH_ADD,
	BATCH_REMOVE,
	BATCH_RELABEL, /* values, counters and histograms go on */
};

/* target and spec: borrowed until the answer; of an addition, by the worker until the probe is closed; of new labels,
 * the target by the worker in place of the one before. */
struct batch_step {
	enum batch_change change;
	const struct target *target;
	const struct probe_spec *spec; /* of a removal or new labels only its name counts */
	void *tag;                     /* told by batch_failure */
};

/* done comes on the thread of mailbox, with the batch borrowed for the call; it never comes when the worker ends first.
 * The mailbox must live until then. mailbox NULL: the batch is for batch_run only. */
struct batch *batch_create(struct mailbox *mailbox, void (*done)(void *arg, struct batch *batch), void *arg);
void batch_free(struct batch *batch); /* not posted; NULL is harmless */
void batch_add(struct batch *batch, const struct batch_step *step);
size_t batch_count(const struct batch *batch);

/* Carries out all steps at once, for a worker that does not run yet. -1 with err at the first addition that fails. */
int batch_run(struct batch *batch, struct roster *roster, struct err *err);

/* The tag of the i-th addition that failed, in order; NULL when there were fewer. error: why the first one did. */
void *batch_failure(const struct batch *batch, size_t i);
const char *batch_error(const struct batch *batch);

/* --- the worker's end; on its thread, or when that does not run ----------------------------------------------------
 */

/* Both borrowed. part_ns: how long steps may take in one slot of the loop's alarms; one step is always made. */
struct batch_desk *batch_desk_open(struct loop *loop, struct roster *roster, int64_t part_ns);
void batch_desk_close(struct batch_desk *desk); /* drops what is not done; NULL is harmless */

/* Passes the batch on to the worker with this mailbox; true: it is no longer the caller's. false (full): it still is.
 * Any thread. */
bool batch_post(struct batch_desk *desk, struct mailbox *worker, struct batch *batch);

#endif
