/*
 * A host that is kept resolved: a literal or a name, with family preference and fallback, re-resolved when its TTL
 * ends. What every probe type uses to find out whom to talk to.
 */
#ifndef NETSONDE_CORE_HOST_H
#define NETSONDE_CORE_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "core/address.h"

struct host;
struct resolver;

/* prefer_*: that family when the name has it, else the other. */
enum host_family { HOST_PREFER_IPV4, HOST_PREFER_IPV6, HOST_ONLY_IPV4, HOST_ONLY_IPV6 };
/* "prefer_ipv4", ...: the choices of an option; NULL-terminated. */
extern const char *const host_family_words[];

struct host_policy {
	enum host_family family;
	bool keeps_last; /* a name that fails keeps the last good addresses */
	bool wants_all;  /* host_addresses gives every address (both families when only one is not asked for) */
};

/* name: literal or name, copied; resolver borrowed. Never fails: a name that does not resolve shows in host_refresh. */
struct host *host_open(struct resolver *resolver, const char *name, struct host_policy policy);
void host_close(struct host *host); /* cancels; NULL is harmless */

/* Are the addresses known and their TTL not over? Always true for a literal of a wanted family. */
bool host_is_fresh(const struct host *host);

/* The addresses in order of preference (one unless wants_all, at most RESOLVE_ADDRESSES_MAX), borrowed until a
 * resolution ends: until the loop goes on, to be safe. The one address stays the same as long as the name has it,
 * however the servers turn their answers round. *n = 0 when none is known. */
const struct address *host_addresses(const struct host *host, size_t *n);

/* A name that failed is not asked for again before this time, so that thousands of names that do not resolve cost the
 * name servers little; a refresh meanwhile tells of the same failure. */
#define HOST_RETRY_SECONDS 5

/* Resolves again; done comes once, later: error is NULL when there are addresses to use, else says why not, borrowed
 * for the call. With keeps_last the old ones are told without waiting, and the resolution goes on for the next time.
 * Only one refresh at a time; a second call replaces the first one's callback. */
void host_refresh(struct host *host, void (*done)(void *arg, const char *error), void *arg);
/* The callback of a running refresh will not come. The resolution goes on and its result is kept, so that a caller less
 * patient than the name servers finds the addresses next time. */
void host_cancel(struct host *host);

#endif
