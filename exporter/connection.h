/*
 * One connection of the HTTP server: requests one after the other, each with its reply.
 */
#ifndef NETSONDE_EXPORTER_CONNECTION_H
#define NETSONDE_EXPORTER_CONNECTION_H

#include <stdatomic.h>

#include "core/address.h"
#include "exporter/server.h"

/* Figures of a server; written by its thread. */
struct server_counts {
	_Atomic uint64_t requests, accepted, refused, evicted, handshakes_failed, timeouts, sent_bytes, open, body_bytes;
};

/* What a connection needs of its server. */
struct connection_owner {
	const struct server_plan *plan;
	void *context;
	struct server_counts *counts;
	/* Is there room for a heavy reply to this one? */
	bool (*claim)(void *context, struct connection *connection);
	/* Is there room for so many bytes more of its body? They are given back by release. */
	bool (*reserve)(void *context, struct connection *connection, size_t n);
	void (*release)(void *context, struct connection *connection, size_t n);
	/* A handshake has failed: why. */
	void (*note_handshake)(void *context, const struct address *peer, const char *why);
	/* The connection is gone; its memory is freed after this. */
	void (*closed)(void *context, struct connection *connection);
};

/* Links of the server's list. */
struct client;
struct connection_links {
	struct connection *next, **link;
	struct client *client; /* the server's */
};

/* The descriptor is passed on. owner is borrowed. NULL: no memory or no descriptor left; the descriptor is closed. */
struct connection *connection_open(const struct connection_owner *owner, int descriptor, const struct address *peer);
void connection_close(struct connection *connection);
struct connection_links *connection_links(struct connection *connection);

/* Is there nothing to do but wait for the client: for a handshake, the rest of a request, the next one, or the end? */
bool connection_is_idle(const struct connection *connection);

/* Does it hold one of the places that connection_claim gives? */
bool connection_is_heavy(const struct connection *connection);

/* Is part of a body in memory, and the rest waited for? */
bool connection_has_part(const struct connection *connection);

/* Bytes a second that the client has taken of the reply under way; INT64_MAX as long as it cannot be blamed: there is
 * none, or it is not CONNECTION_GRACE_NS old. */
#define CONNECTION_GRACE_NS INT64_C(2000000000)
int64_t connection_speed(const struct connection *connection, int64_t now_ns);

#endif
