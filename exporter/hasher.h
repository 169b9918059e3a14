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
struct loop;

#define HASHER_WAITING_MAX 64
#define HASHER_OF_ONE_MAX  4 /* of one client */

/* The thread is started with the first job. loop: where answers come; borrowed. NULL with err. */
struct hasher *hasher_create(struct loop *loop, struct err *err);
/* Waits for the comparison under way; what has no answer yet is dropped. NULL is harmless. */
void hasher_free(struct hasher *hasher);

struct hash_plan {
	struct claim claim;
	struct address client;
	/* One of the two, once, on the loop's thread: the answer, or that none will come (hasher_free). */
	void (*done)(void *arg, const struct claim *claim, bool is_right);
	void (*drop)(void *arg);
	void *arg;
};

/* plan is copied. false: too much is waiting, or no thread can be started. A job cannot be taken back: what it costs is
 * worth an answer that is remembered, even if the client has not waited for it. */
bool hasher_ask(struct hasher *hasher, const struct hash_plan *plan);

#endif
