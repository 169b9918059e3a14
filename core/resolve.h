/*
 * Names to addresses, and back, without blocking: c-ares on the loop, one resolver a worker.
 */
#ifndef NETSONDE_CORE_RESOLVE_H
#define NETSONDE_CORE_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/err.h"

struct loop;
struct resolver;
struct resolution;

#define RESOLVE_ADDRESSES_MAX 16

/* Borrowed by the callback for the length of the call. Addresses in the order of the answer, IPv4 before IPv6, each
 * once. n = 0: error says why ("no such name", "timeout", ...), else error is NULL. expires_ns: monotonic end of the
 * smallest TTL of the answer, at least RESOLVE_TTL_MIN and at most RESOLVE_TTL_MAX away; answers from the hosts file
 * expire after RESOLVE_TTL_HOSTS. When both families were asked and only one was answered (the other timed out, say),
 * the answer expires after RESOLVE_TTL_PARTIAL at the latest. When nothing was found, it is the time of the answer. */
struct resolve_answer {
	const struct address *addresses;
	size_t n;
	int64_t expires_ns;
	const char *error;
};
#define RESOLVE_TTL_MIN_SECONDS     1
#define RESOLVE_TTL_HOSTS_SECONDS   10
#define RESOLVE_TTL_PARTIAL_SECONDS 30
#define RESOLVE_TTL_MAX_SECONDS     86400

/* Names asked for at the same time by one resolver; the others wait for their turn in order. */
#define RESOLVE_PARALLEL_MAX 256

/* servers: "192.0.2.1:53,[2001:db8::1]:53" or NULL for the system's own: resolv.conf, read again when it has changed
 * (looked at every 10 s at most, when a name is asked for; running resolutions finish with the old servers). The hosts
 * file comes before the servers. loop is borrowed. */
struct resolver *resolver_create(struct loop *loop, const char *servers, struct err *err);
void resolver_free(struct resolver *resolver); /* running resolutions are cancelled; their callbacks do not run */
struct loop *resolver_loop(const struct resolver *resolver);

/* Asks for A, AAAA or both (ADDRESS_NONE = both). The callback comes exactly once, later, never from inside, unless
 * cancelled; it may free the resolver. name is copied. Bounded in time: about 5 s with 2 tries, counted from when its
 * turn has come (RESOLVE_PARALLEL_MAX). */
struct resolution *resolve_start(struct resolver *resolver, const char *name, enum address_family family,
				 void (*done)(void *arg, const struct resolve_answer *answer), void *arg);
void resolve_cancel(struct resolution *resolution); /* NULL is harmless; not after done */

#define RESOLVE_NAME_MAX 253

/* Borrowed by the callback for the length of the call. name NULL: error says why ("no such name", "timeout", ...).
 * name: without a dot at the end, at most RESOLVE_NAME_MAX bytes of letters, digits, "-", "_" and "."; whatever else
 * the server said is written \DDD. expires_ns: as in resolve_answer. */
struct resolve_name_answer {
	const char *name;
	int64_t expires_ns;
	const char *error;
	bool is_final; /* without a name: the servers said that there is none; false: they did not answer */
};

/* Asks for the name of an address (PTR), under the same rules and in the same queue as resolve_start. The hosts file
 * comes before the servers. */
struct resolution *resolve_start_reverse(struct resolver *resolver, const struct address *address,
					 void (*done)(void *arg, const struct resolve_name_answer *answer), void *arg);

#endif
