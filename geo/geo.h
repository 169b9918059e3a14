/*
 * Places for everybody: the edition in force, which a reload or a new file replaces without holding anybody up, and a
 * cache for each thread that asks.
 */
#ifndef NETSONDE_GEO_GEO_H
#define NETSONDE_GEO_GEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/err.h"
#include "core/sample.h"
#include "geo/edition.h"
#include "geo/place.h"

struct geo;
struct geo_cache;
struct loop;

/* Without an edition: nothing is known. */
struct geo *geo_create(void);
void geo_free(struct geo *geo); /* all caches are freed; NULL is harmless */

/* --- main thread ------------------------------------------------------------------------------------------------- */

/* Makes the next edition: opens its databases, which may fail (NULL with err) and changes nothing. Held. */
struct edition *geo_prepare(struct geo *geo, const struct edition_plan *plan, struct err *err);

/* It is in force from now on (passed). Cannot fail. */
void geo_apply(struct geo *geo, struct edition *edition);

/* Looks at the files every now and then, and puts what is new in force. What is new and bad is refused, told once, and
 * the one before stays. loop: borrowed until geo_unwatch. */
void geo_watch(struct geo *geo, struct loop *loop);
void geo_unwatch(struct geo *geo); /* harmless if it is not watched */

/* One look, now. For geo_watch, and for tests. */
void geo_check(struct geo *geo);

/* --- threads that ask; each with a cache of its own -------------------------------------------------------------- */

struct geo_cache *geo_cache_open(struct geo *geo);
void geo_cache_close(struct geo_cache *cache); /* places may be held on; NULL is harmless */

/* Which edition holds: another number whenever it is another one. 0: nothing is configured, so nothing is known. Takes
 * a new edition in, and forgets what was known by the one before. A few nanoseconds. */
uint32_t geo_cache_edition(struct geo_cache *cache);

/* By the edition that geo_cache_edition told last, which must not have been 0; borrowed until it is called again. */
const struct edition *geo_cache_rules(const struct geo_cache *cache);

/* What is known of an address, by the same edition. Held by the caller; not NULL. target: a name, or NULL. */
struct place *geo_find(struct geo_cache *cache, const struct address *address, const char *target);

/* --- figures; any thread ------------------------------------------------------------------------------------------ */

extern const struct measure_set geo_database_set; /* "geo_database", labels file and type */
extern const struct measure_set geo_cache_set;    /* "geo_cache" */
extern const struct measure_set geo_agent_set;    /* "geo_agent": no row while nobody knows where the agent stands */

/* Readings of the rows of all; labels may be NULL. Nothing if nothing is configured. */
void geo_read(struct geo *geo, void (*each)(void *arg, const struct row *row), void *arg);

#endif
