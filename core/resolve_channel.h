/*
 * One c-ares channel on the loop: its sockets are watched, its timeouts are an alarm. What core/resolve.c is built on.
 */
#ifndef NETSONDE_CORE_RESOLVE_CHANNEL_H
#define NETSONDE_CORE_RESOLVE_CHANNEL_H

#include <ares.h>
#include <stdbool.h>

#include "core/address.h"
#include "core/err.h"

struct loop;
struct resolve_channel;

#define RESOLVE_TRIES 2

/* Where a channel looks. servers: borrowed for the call, not changed, NULL = those of resolv.conf; hosts_only: in the
 * hosts file, and nowhere else (answers then come from inside resolve_channel_ask, always). */
struct resolve_places {
	struct ares_addr_port_node *servers;
	bool hosts_only;
};

/* loop is borrowed. budget_ms: how long all tries at all servers may take, about. NULL with err set on failure. */
struct resolve_channel *resolve_channel_create(struct loop *loop, const struct resolve_places *places, int budget_ms,
					       struct err *err);

/* Calls all callbacks that are still to come with ARES_EDESTRUCTION. Not from inside a callback of the channel. NULL is
 * harmless. */
void resolve_channel_free(struct resolve_channel *channel);

/* Asks for the addresses of name. family: AF_INET, AF_INET6, AF_UNSPEC. The callback comes exactly once, perhaps from
 * inside this call, and owns its result (ares_freeaddrinfo). */
void resolve_channel_ask(struct resolve_channel *channel, const char *name, int family, ares_addrinfo_callback answered,
			 void *arg);

/* Asks for the PTR records of name ("1.2.0.192.in-addr.arpa"). The callback comes exactly once, perhaps from inside
 * this call; the bytes of the answer are borrowed. */
void resolve_channel_ask_pointer(struct resolve_channel *channel, const char *name, ares_callback answered, void *arg);

/* Asks the hosts file (a channel with hosts_only) for the name of an address. From inside, always; the answer is
 * borrowed. */
void resolve_channel_ask_host(struct resolve_channel *channel, const struct address *address,
			      ares_host_callback answered, void *arg);

#endif
