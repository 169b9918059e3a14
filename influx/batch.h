/*
 * Lines on their way to a server: which parts of them are still to be sent, and which lines are suspected to be what
 * the server does not understand. Pure.
 */
#ifndef NETSONDE_INFLUX_BATCH_H
#define NETSONDE_INFLUX_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

/* Each halving takes one: enough for 2^62 lines. */
#define BATCH_PARTS_MAX 64

struct batch_part {
	size_t begin, end; /* bytes of the text: whole lines */
	uint64_t lines;
};

/* Zero-initialise, fill text, then batch_begin. */
struct batch {
	struct text text;
	struct batch_part parts[BATCH_PARTS_MAX]; /* a stack: the last is sent next */
	size_t nparts;
	struct batch_part *suspects;
	size_t nsuspects;
};

/* Everything is to be sent (again); suspects are forgotten. */
void batch_begin(struct batch *batch);
void batch_free(struct batch *batch);

/* What is sent next; NULL: nothing is left but suspects. Borrowed until the batch changes. */
const struct batch_part *batch_next(const struct batch *batch);

/* The next part needs no more sending. */
void batch_settle(struct batch *batch);

/* Cuts the next part in two, at a line near its middle. false: it is a single line. */
bool batch_halve(struct batch *batch);

/* The next part is set aside. */
void batch_suspect(struct batch *batch);
void batch_forget_suspects(struct batch *batch);

/* Suspects are to be sent again, as many of them as there is room for parts. */
void batch_retry_suspects(struct batch *batch);

/* Lines in parts and suspects. */
uint64_t batch_waiting(const struct batch *batch);

/* Is nothing left, not even suspects? */
bool batch_is_done(const struct batch *batch);

#endif
