/*
 * Compares passwords with bcrypt hashes on a thread of its own: one takes a tenth of a second and more, and the web
 * thread has pages to serve. Strangers may ask as often as they like, so what waits has a ceiling, and no client may
 * have more than a small part of it.
 */
#ifndef NETSONDE_EXPORTER_HASHER_H
#define NETSONDE_EXPORTER_HASHER_H

#include <stdbool.h>

#include "core/address.h"
#include "core/err.h"
#include "exporter/credentials.h"

struct hasher;
struct hash_job;
struct loop;

#define HASHER_WAITING_MAX 64
#define HASHER_OF_ONE_MAX  4 /* of one client */

/* The thread is started with the first job. loop: where answers come; borrowed. NULL with err. */
struct hasher *hasher_create(struct loop *loop, struct err *err);
/* Waits for the comparison under way. No answers come any more. NULL is harmless. */
void hasher_free(struct hasher *hasher);

struct hash_plan {
	struct claim claim;
	struct address client;
	/* Once, on the loop, unless the job is cancelled. */
	void (*done)(void *arg, const struct claim *claim, bool is_right);
	void *arg;
};

/* plan is copied. NULL: too much is waiting, or no thread can be started. The job is valid until done has returned, or
 * hasher_cancel. */
struct hash_job *hasher_ask(struct hasher *hasher, const struct hash_plan *plan);

/* done will not come. */
void hasher_cancel(struct hash_job *job);

#endif
