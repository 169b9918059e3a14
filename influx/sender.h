/*
 * An output to a server: reads batches from the disk log, sends them over a few connections, and decides from the
 * answers what to send again, when, and what to give up. On the influx thread.
 *
 * Batches may be settled out of order; the cursor is the begin of the oldest one that is not. A server that is away
 * gets one request at a time, after pauses that grow. A line that the server does not understand is found by halving,
 * and is given up only when the server has taken something else meanwhile: a server that refuses everything costs
 * nothing.
 */
#ifndef NETSONDE_INFLUX_SENDER_H
#define NETSONDE_INFLUX_SENDER_H

#include <stdbool.h>

#include "core/err.h"
#include "influx/influx.h"
#include "influx/journal.h"

struct fetcher;
struct loop;
struct output_figures;
struct reject;
struct sender;

/* After a failure: tried again after the first time, which doubles up to the last; a server that refuses is asked less
 * often. All of it is varied by a quarter, so that many daemons do not come at once. */
#define SENDER_PAUSE_FIRST_NS   (500 * INT64_C(1000000))
#define SENDER_PAUSE_LAST_NS    (60 * INT64_C(1000000000))
#define SENDER_REFUSED_FIRST_NS (10 * INT64_C(1000000000))
#define SENDER_REFUSED_LAST_NS  (300 * INT64_C(1000000000))

/* A batch that the server fails at (500) so often while others pass is given up. */
#define SENDER_FAULTS_MAX 10

/* So many requests in a row that the server does not understand: then it is not about single lines. */
#define SENDER_BAD_MAX 48

/* Batches in memory beyond those under way. */
#define SENDER_WINDOW_MORE 4

/* All borrowed until sender_free. */
struct sender_plan {
	const struct influx_settings *settings;
	struct loop *loop;
	struct fetcher *fetcher;
	struct journal *journal;
	struct reject *reject;
	struct output_figures *figures;
};

/* from: how far the output has come. */
struct sender *sender_create(const struct sender_plan *plan, struct journal_position from);
/* Requests under way are given up. NULL is harmless. */
void sender_free(struct sender *sender);

/* There is something new in the log. */
void sender_poke(struct sender *sender);

/* Everything before has been settled. */
struct journal_position sender_cursor(const struct sender *sender);

/* Drops the oldest lines if more than queue_size waits. */
void sender_enforce(struct sender *sender);

/* From now on nothing waits for a batch to fill. true: nothing is left to send, or the server does not take it now. */
bool sender_flush(struct sender *sender);

#endif
