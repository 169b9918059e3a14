/*
 * A catalogue of RouterOS data sets (probes/routeros/catalogue.h), counted by those who hold it: configurations, the
 * specs of probes that collect by it, and /probe. So a reload frees an old one when the last probe of it has closed.
 * Immutable; any thread.
 */
#ifndef NETSONDE_DAEMON_SHARED_CATALOGUE_H
#define NETSONDE_DAEMON_SHARED_CATALOGUE_H

#include <stdbool.h>
#include <stdint.h>

struct catalogue;
struct shared_catalogue;

/* Held once; the catalogue is passed. */
struct shared_catalogue *shared_catalogue_create(struct catalogue *catalogue);
struct shared_catalogue *shared_catalogue_hold(struct shared_catalogue *shared); /* NULL is harmless */
void shared_catalogue_release(struct shared_catalogue *shared);                  /* likewise */

/* NULL of NULL. */
const struct catalogue *shared_catalogue_of(const struct shared_catalogue *shared);

/* Read from the same text; NULL equals NULL only. */
bool shared_catalogue_is_equal(const struct shared_catalogue *a, const struct shared_catalogue *b);
/* Of the text; 0 of NULL. */
uint64_t shared_catalogue_hash(const struct shared_catalogue *shared);

#endif
