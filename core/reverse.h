/*
 * Reverse names (PTR) of addresses, for showing: a cache of one worker that never holds anything up. Asked of the
 * hosts file and the name servers through core/resolve.h; addresses of every kind are asked for, private and link-local
 * ones too: companies name their routers.
 */
#ifndef NETSONDE_CORE_REVERSE_H
#define NETSONDE_CORE_REVERSE_H

#include <stddef.h>
#include <stdint.h>

#include "core/address.h"

struct resolver;
struct reverse;

/* Addresses remembered, with a name or with the knowledge that there is none; beyond that, whoever was asked for
 * longest ago is forgotten. */
#define REVERSE_ENTRIES_MAX 4096
/* Lookups under way; whoever is asked for meanwhile is told NULL, and looked up when asked for again. */
#define REVERSE_PARALLEL_MAX 32
/* A name is asked for again after its TTL, within these bounds. A name that is asked for anew goes on to be told
 * meanwhile, and for REVERSE_STALE_SECONDS more when the servers do not answer. */
#define REVERSE_TTL_MIN_SECONDS 60
#define REVERSE_TTL_MAX_SECONDS 86400
#define REVERSE_STALE_SECONDS   3600
/* When to ask again for an address that has no name, or whose servers do not answer. */
#define REVERSE_NONE_SECONDS    600
#define REVERSE_FAILURE_SECONDS 60

/* resolver is borrowed, and so is its loop. Never fails. */
struct reverse *reverse_create(struct resolver *resolver);
void reverse_free(struct reverse *reverse); /* cancels what is under way; NULL is harmless */

/* The name of the address (its port does not matter), or NULL: there is none, or it is not known yet; a lookup is then
 * begun if that makes sense, and a later call gives the name. Borrowed until the next call or until the loop goes on.
 *
 * A name comes from a stranger: only letters, digits, "-", "_" and "." are shown as they are; other bytes as \DDD
 * (decimal, as in zone files). No dot at the end; 1 to RESOLVE_NAME_MAX bytes, or there is none. */
const char *reverse_find(struct reverse *reverse, const struct address *address);

/* For tests and figures. */
size_t reverse_count(const struct reverse *reverse);   /* addresses remembered */
size_t reverse_running(const struct reverse *reverse); /* lookups under way */

#endif
