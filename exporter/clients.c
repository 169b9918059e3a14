#include "exporter/clients.h"

#include <string.h>

#include "core/mem.h"

#define IPV6_NETWORK_BYTES 8

struct clients {
	struct hash_key key;
	size_t nslots; /* a power of two */
	struct client *slots[];
};

struct clients *clients_create(size_t size)
{
	size_t nslots = 16;
	while (nslots < size)
		nslots *= 2;
	struct clients *clients = mem_zero(1, sizeof(*clients) + nslots * sizeof(clients->slots[0]));
	clients->key = hash_key_random();
	clients->nslots = nslots;
	return clients;
}

void clients_free(struct clients *clients)
{
	mem_free(clients);
}

static struct client **find(struct clients *clients, const struct address *address)
{
	struct client **link = &clients->slots[address_hash(clients->key, address) & (clients->nslots - 1)];
	while (*link && !address_equal(&(*link)->address, address))
		link = &(*link)->next;
	return link;
}

struct address clients_network(const struct address *address)
{
	struct address network = *address;
	network.port = 0;
	if (network.family == ADDRESS_IPV6)
		memset(network.bytes + IPV6_NETWORK_BYTES, 0, sizeof(network.bytes) - IPV6_NETWORK_BYTES);
	return network;
}

struct client *clients_enter(struct clients *clients, const struct address *address)
{
	struct address network = clients_network(address);
	struct client **link = find(clients, &network);
	if (!*link) {
		*link = mem_zero(1, sizeof(**link));
		(*link)->address = network;
	}
	(*link)->connections++;
	return *link;
}

void clients_leave(struct clients *clients, struct client *client)
{
	if (--client->connections > 0)
		return;
	struct client **link = find(clients, &client->address);
	*link = client->next;
	mem_free(client);
}
