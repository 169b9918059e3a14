/*
 * Lines on their way to a server: which parts of them are still to be sent, and which lines are suspected to be what
 * the server does not understand. A part may be compressed bit by bit before it is sent. Pure.
 */
#ifndef NETSONDE_INFLUX_PARCEL_H
#define NETSONDE_INFLUX_PARCEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

/* Each halving takes one: enough for 2^62 lines. */
#define PARCEL_PARTS_MAX 64

struct parcel_part {
	size_t begin, end; /* bytes of the text: whole lines */
	uint64_t lines;
	bool is_last_try; /* refused alone once, and the server has taken something since */
};

struct gzip;

/* Zero-initialise, fill text, then parcel_begin. */
struct parcel {
	struct text text;
	struct parcel_part parts[PARCEL_PARTS_MAX]; /* a stack: the last is sent next */
	size_t nparts;
	struct parcel_part *suspects;
	size_t nsuspects;
	struct text packed;          /* what parcel_pack has made */
	size_t pack_begin, pack_end; /* of this part of the text; end 0 = of none */
	size_t pack_done;            /* so far */
	struct gzip *gzip;           /* while it is not finished */
};

/* Everything is to be sent. */
void parcel_begin(struct parcel *parcel);
void parcel_free(struct parcel *parcel);

/* What is sent next; NULL: nothing is left but suspects. Borrowed until the parcel changes. */
const struct parcel_part *parcel_next(const struct parcel *parcel);

/* The next part needs no more sending. */
void parcel_settle(struct parcel *parcel);

/* Cuts the next part in two, at a line near its middle. false: it is a single line. */
bool parcel_halve(struct parcel *parcel);

/* Compresses (gzip) up to most_bytes more of the next part, which there must be. true: packed holds all of it. What was
 * made of another part is forgotten. */
bool parcel_pack(struct parcel *parcel, size_t most_bytes);
/* Has parcel_pack said so of what is now the next part? */
bool parcel_is_packed(const struct parcel *parcel);

/* The next part is set aside. */
void parcel_suspect(struct parcel *parcel);

/* Suspects are to be sent once more, as many of them as there is room for parts. */
void parcel_retry_suspects(struct parcel *parcel);

/* The refusals so far prove nothing: suspects are to be sent again as if for the first time, as many of them as there
 * is room for parts. */
void parcel_doubt(struct parcel *parcel);

/* Lines in parts and suspects. */
uint64_t parcel_waiting(const struct parcel *parcel);

/* Is nothing left, not even suspects? */
bool parcel_is_done(const struct parcel *parcel);

#endif
