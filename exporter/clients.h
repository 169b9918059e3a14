/*
 * How many connections each client has. An IPv6 client is its /64, which one machine has all of.
 */
#ifndef NETSONDE_EXPORTER_CLIENTS_H
#define NETSONDE_EXPORTER_CLIENTS_H

#include <stddef.h>

#include "core/address.h"

struct client {
	struct address address; /* clients_network */
	size_t connections;
	size_t heavy;      /* for the server's sums */
	size_t body_bytes; /* likewise */
	struct client *next;
};

struct clients;

/* What counts as one client: without port, of IPv6 the network. */
struct address clients_network(const struct address *address);

/* size: about how many clients there may be. */
struct clients *clients_create(size_t size);
/* After the last clients_leave. NULL is harmless. */
void clients_free(struct clients *clients);

/* One connection more; borrowed until its clients_leave. */
struct client *clients_enter(struct clients *clients, const struct address *address);
void clients_leave(struct clients *clients, struct client *client);

#endif
