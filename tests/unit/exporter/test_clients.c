#include <criterion/criterion.h>

#include "exporter/clients.h"

static struct client *enter(struct clients *clients, const char *text)
{
	struct address address;
	cr_assert(address_parse(text, &address), "%s", text);
	address.port = 1234;
	return clients_enter(clients, &address);
}

Test(clients, connections_are_counted_by_client)
{
	struct clients *clients = clients_create(4);
	struct client *a = enter(clients, "192.0.2.1"), *b = enter(clients, "192.0.2.2");
	cr_expect_neq(a, b);
	cr_expect_eq(enter(clients, "192.0.2.1"), a);
	cr_expect_eq(a->connections, 2);
	cr_expect_eq(b->connections, 1);
	/* One machine has all addresses of its network. */
	struct client *c = enter(clients, "2001:db8::1");
	cr_expect_eq(enter(clients, "2001:db8::ffff:1"), c);
	cr_expect_neq(enter(clients, "2001:db8:0:1::1"), c);
	clients_leave(clients, a);
	cr_expect_eq(a->connections, 1);
	clients_leave(clients, a);
	clients_leave(clients, b);
	clients_leave(clients, enter(clients, "2001:db8:0:1::2"));
	clients_leave(clients, enter(clients, "2001:db8:0:1::2"));
	for (unsigned i = 0; i < 2; i++)
		clients_leave(clients, c);
	struct client *last = enter(clients, "2001:db8:0:1::2");
	clients_leave(clients, last);
	clients_leave(clients, last);
	clients_free(clients);
}

Test(clients, many)
{
	enum { N = 5000 };
	struct clients *clients = clients_create(16);
	struct client *all[N];
	for (unsigned i = 0; i < N; i++) {
		struct address address = {.family = ADDRESS_IPV4,
					  .bytes = {10, 0, (uint8_t)(i / 250), (uint8_t)(i % 250)}};
		all[i] = clients_enter(clients, &address);
		cr_assert_eq(all[i]->connections, 1);
	}
	for (unsigned i = 0; i < N; i += 2)
		clients_leave(clients, all[i]);
	for (unsigned i = 1; i < N; i += 2) {
		cr_assert_eq(clients_enter(clients, &all[i]->address), all[i]);
		clients_leave(clients, all[i]);
		clients_leave(clients, all[i]);
	}
	clients_free(clients);
}
