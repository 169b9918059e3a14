/*
 * One database in MaxMind's format (.mmdb): opened, checked, and asked. What it knows is found by path, whatever it
 * calls itself. Immutable and counted: any thread may ask.
 *
 * The file is read into sealed memory of our own (memfd) instead of being mapped. Mapped, a file that is overwritten or
 * cut in place would change under those who read it - a bus error for whoever touches a page that is gone, and offsets
 * that were checked a moment ago point anywhere; and a page that is not in memory would hold a worker, with its
 * measurements, until a disk has read it. The price is the file's size in memory, which the kernel cannot drop, twice
 * while one file takes another's place; hence the ceiling.
 */
#ifndef NETSONDE_GEO_DATABASE_H
#define NETSONDE_GEO_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/err.h"
#include "core/option.h"
#include "geo/place.h"

struct database;

/* Which file it is: another one, or another content, has another. */
struct database_stamp {
	uint64_t device, inode;
	int64_t size, changed_ns; /* of content or names */
};

/* -1 with err: "cannot be looked at: No such file or directory". */
int database_look(const char *path, struct database_stamp *stamp, struct err *err);
bool database_stamp_is_equal(const struct database_stamp *a, const struct database_stamp *b);

/* Reads and checks the whole file and tries some addresses. Held by the caller. NULL with err, which does not name the
 * file: "is no MaxMind database, ...". */
struct database *database_open(const char *path, int64_t size_max_bytes, struct err *err);
/* The same from memory; name stands for the path. */
struct database *database_open_bytes(const char *name, const void *bytes, size_t n, struct err *err);

struct database *database_hold(struct database *database);
void database_release(struct database *database); /* NULL is harmless */

const char *database_path(const struct database *database);
const char *database_type(const struct database *database);      /* "GeoLite2-City", "DBIP-ASN-Lite", ... */
int64_t database_built_seconds(const struct database *database); /* since the epoch */
int64_t database_size_bytes(const struct database *database);
const struct database_stamp *database_stamp(const struct database *database);

enum database_answer {
	DATABASE_FOUND,
	DATABASE_NOT_FOUND, /* also: IPv6 in a database of IPv4 only */
	DATABASE_DAMAGED,   /* what is there for this address makes no sense; nothing was taken from it */
};

/* Adds what it knows to the draft, where that has nothing yet. languages: of names, the first that is there. */
enum database_answer database_find(const struct database *database, const struct address *address,
				   const struct option_list *languages, struct place_draft *draft);

#endif
