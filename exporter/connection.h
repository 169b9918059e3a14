/*
 * One connection of the HTTP server: requests one after the other, each with its reply.
 */
#ifndef NETSONDE_EXPORTER_CONNECTION_H
#define NETSONDE_EXPORTER_CONNECTION_H

#include "exporter/server.h"

/* What a connection needs of its server. */
struct connection_owner {
	const struct server_plan *plan;
	void *context;
	void (*count_request)(void *context);
	void (*count_timeout)(void *context);
	void (*count_sent)(void *context, size_t bytes);
	/* The connection is gone; its memory is freed after this. */
	void (*closed)(void *context, struct connection *connection);
};

/* Links of the server's list. */
struct connection_links {
	struct connection *next, **link;
};

/* The descriptor is passed on. owner is borrowed. NULL: no memory or no descriptor left; the descriptor is closed. */
struct connection *connection_open(const struct connection_owner *owner, int descriptor);
void connection_close(struct connection *connection);
struct connection_links *connection_links(struct connection *connection);

#endif
