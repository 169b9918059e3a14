/*
 * A small DNS server on loopback for tests, on the loop of the test: UDP and TCP, a fixed table of names, and the ways
 * in which real servers go wrong.
 */
#ifndef NETSONDE_TESTS_DNS_SERVER_H
#define NETSONDE_TESTS_DNS_SERVER_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop.h"

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_PTR = 12, TYPE_AAAA = 28 };
enum { RCODE_OK = 0, RCODE_FORMERR = 1, RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3, RCODE_NOTIMP = 4, RCODE_REFUSED = 5 };
enum trick {
	NONE,
	SILENT,      /* no answer at all */
	SILENT_AAAA, /* none for AAAA */
	CUT,         /* the answer ends in the middle */
	TRUNCATED,   /* TC over UDP, all of it over TCP */
	TWICE,       /* every record twice */
	FAILING_A,   /* SERVFAIL for A, nothing for AAAA */
};

static const struct record {
	const char *name;
	const char *a, *aaaa; /* blank-separated; NULL = none of that family */
	uint32_t ttl;
	int rcode;
	enum trick trick;
	const char *cname; /* the records are of that name */
	uint32_t cname_ttl;
} records[] = {
	{"v4.test", "192.0.2.1", NULL, 300, RCODE_OK, NONE, NULL, 0},
	{"v6.test", NULL, "2001:db8::1", 300, RCODE_OK, NONE, NULL, 0},
	{"both.test", "192.0.2.1 192.0.2.2", "2001:db8::1 2001:db8::2", 300, RCODE_OK, NONE, NULL, 0},
	{"empty.test", NULL, NULL, 300, RCODE_OK, NONE, NULL, 0},
	{"gone.test", NULL, NULL, 0, RCODE_NXDOMAIN, NONE, NULL, 0},
	{"servfail.test", NULL, NULL, 0, RCODE_SERVFAIL, NONE, NULL, 0},
	{"refused.test", NULL, NULL, 0, RCODE_REFUSED, NONE, NULL, 0},
	{"notimp.test", NULL, NULL, 0, RCODE_NOTIMP, NONE, NULL, 0},
	{"formerr.test", NULL, NULL, 0, RCODE_FORMERR, NONE, NULL, 0},
	{"silent.test", "192.0.2.1", NULL, 300, RCODE_OK, SILENT, NULL, 0},
	{"half.test", "192.0.2.1", NULL, 300, RCODE_OK, SILENT_AAAA, NULL, 0},
	{"cut.test", "192.0.2.1", "2001:db8::1", 300, RCODE_OK, CUT, NULL, 0},
	{"big.test", "192.0.2.1 192.0.2.2", "2001:db8::1", 300, RCODE_OK, TRUNCATED, NULL, 0},
	{"mixed.test", NULL, NULL, 0, RCODE_OK, FAILING_A, NULL, 0},
	{"twice.test", "192.0.2.1 192.0.2.2", NULL, 300, RCODE_OK, TWICE, NULL, 0},
	{"zero.test", "192.0.2.1", NULL, 0, RCODE_OK, NONE, NULL, 0},
	{"long.test", "192.0.2.1", NULL, 0x7fffffff, RCODE_OK, NONE, NULL, 0},
	{"mapped.test", NULL, "::ffff:192.0.2.1", 300, RCODE_OK, NONE, NULL, 0},
	{"alias.test", "192.0.2.7", "2001:db8::7", 300, RCODE_OK, NONE, "real.test", 60},
	{"shortalias.test", "192.0.2.7", NULL, 20, RCODE_OK, NONE, "real.test", 60},
	{"many.test",
	 "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 192.0.2.7 192.0.2.8 192.0.2.9 192.0.2.10 "
	 "192.0.2.11 192.0.2.12 192.0.2.13 192.0.2.14 192.0.2.15 192.0.2.16 192.0.2.17 192.0.2.18",
	 "2001:db8::1 2001:db8::2 2001:db8::3", 300, RCODE_OK, NONE, NULL, 0},
};

/* Names of addresses. */
static const struct pointer {
	const char *name, *pointer;
	uint32_t ttl;
	int rcode;
} pointers[] = {
	{"1.2.0.192.in-addr.arpa", "core-1.test", 300, RCODE_OK},
	{"2.2.0.192.in-addr.arpa", "odd name.test", 300, RCODE_OK},
	{"3.2.0.192.in-addr.arpa", NULL, 0, RCODE_OK},
	{"4.2.0.192.in-addr.arpa", NULL, 0, RCODE_SERVFAIL},
	{"5.2.0.192.in-addr.arpa", "short.test", 0, RCODE_OK},
	{"6.2.0.192.in-addr.arpa", "long.test", 0x7fffffff, RCODE_OK},
	{"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "core-6.test", 300, RCODE_OK},
};

#define HELD_MAX 1024

struct server {
	struct loop *loop;
	int udp, tcp, client;
	uint16_t port;
	struct watch *udp_watch, *tcp_watch, *client_watch;
	int queries, tcp_queries;
	int rcode;           /* answers everything with that, unless 0 */
	const char *address; /* answers every A with that, unless NULL */
	bool holds;          /* keeps the queries until release */
	size_t held;
	struct held {
		struct sockaddr_in from;
		size_t n;
		uint8_t bytes[300];
	} * queue;
};

struct packet {
	uint8_t bytes[4096];
	size_t n;
};

static void put(struct packet *packet, const void *bytes, size_t n)
{
	memcpy(packet->bytes + packet->n, bytes, n);
	packet->n += n;
}

static void put_number(struct packet *packet, uint32_t value, size_t n)
{
	uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
	put(packet, bytes + 4 - n, n);
}

static void put_name(struct packet *packet, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");
		put_number(packet, (uint32_t)n, 1);
		put(packet, name, n);
		name += n + (name[n] == '.');
	}
	put_number(packet, 0, 1);
}

/* Reads the question's name; returns the offset behind it. */
static size_t get_name(const uint8_t *query, char *name)
{
	size_t at = 12;
	*name = '\0';
	while (query[at]) {
		sprintf(name + strlen(name), "%s%.*s", *name ? "." : "", query[at], (const char *)query + at + 1);
		at += query[at] + 1u;
	}
	return at + 1;
}

/* Appends the records of a text list; returns how many. */
static unsigned put_records(struct packet *packet, const struct record *record, int type, const char *list)
{
	unsigned n = 0;
	char text[512];
	if (!list)
		return 0;
	snprintf(text, sizeof text, "%s", list);
	for (const char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
		uint8_t bytes[16];
		size_t size = type == TYPE_A ? 4 : 16;
		inet_pton(type == TYPE_A ? AF_INET : AF_INET6, word, bytes);
		for (int i = 0; i < (record->trick == TWICE ? 2 : 1); i++, n++) {
			if (record->cname)
				put_name(packet, record->cname);
			else
				put_number(packet, 0xc00c, 2);
			put_number(packet, (uint32_t)type, 2);
			put_number(packet, 1, 2);
			put_number(packet, record->ttl, 4);
			put_number(packet, (uint32_t)size, 2);
			put(packet, bytes, size);
		}
	}
	return n;
}

static unsigned put_cname(struct packet *packet, const struct record *record)
{
	if (!record->cname)
		return 0;
	struct packet target = {.n = 0};
	put_name(&target, record->cname);
	put_number(packet, 0xc00c, 2);
	put_number(packet, TYPE_CNAME, 2);
	put_number(packet, 1, 2);
	put_number(packet, record->cname_ttl, 4);
	put_number(packet, (uint32_t)target.n, 2);
	put(packet, target.bytes, target.n);
	return 1;
}

static struct record find_record(const struct server *server, const char *name)
{
	if (server->rcode)
		return (struct record){.rcode = server->rcode};
	if (server->address)
		return (struct record){.a = server->address, .ttl = 300};
	for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
		if (strcasecmp(records[i].name, name) == 0)
			return records[i];
	}
	return (struct record){.rcode = RCODE_NXDOMAIN};
}

/* The answer to a question for the name of an address. */
static void make_pointer(const uint8_t *query, const char *name, struct packet *out)
{
	static const struct pointer none = {.rcode = RCODE_NXDOMAIN};
	const struct pointer *found = &none;
	struct packet target = {.n = 0};
	for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++) {
		if (strcasecmp(pointers[i].name, name) == 0)
			found = &pointers[i];
	}
	put(out, query, 2);
	put_number(out, 0x8180u | (uint32_t)found->rcode, 2);
	put_number(out, 1, 2);
	put_number(out, found->pointer != NULL, 2);
	put_number(out, 0, 4);
	put_name(out, name);
	put_number(out, TYPE_PTR << 16 | 1, 4);
	if (!found->pointer)
		return;
	put_name(&target, found->pointer);
	put_number(out, 0xc00c, 2);
	put_number(out, TYPE_PTR << 16 | 1, 4);
	put_number(out, found->ttl, 4);
	put_number(out, (uint32_t)target.n, 2);
	put(out, target.bytes, target.n);
}

/* The answer to a query; false = none. */
static bool make_answer(const struct server *server, const uint8_t *query, bool is_tcp, struct packet *out)
{
	char name[300];
	size_t end = get_name(query, name);
	int type = query[end] << 8 | query[end + 1];
	if (type == TYPE_PTR) {
		make_pointer(query, name, out);
		return true;
	}
	struct record record = find_record(server, name);
	if (record.trick == FAILING_A && type == TYPE_A)
		record.rcode = RCODE_SERVFAIL;
	bool is_cut = record.trick == TRUNCATED && !is_tcp;
	if (record.trick == SILENT || (record.trick == SILENT_AAAA && type == TYPE_AAAA))
		return false;
	put(out, query, 2);
	put_number(out, 0x8180u | (is_cut ? 0x200u : 0) | (uint32_t)record.rcode, 2);
	put_number(out, 1, 2);
	put_number(out, 0, 2);
	put_number(out, 0, 4);
	put(out, query + 12, end + 4 - 12);
	unsigned n = is_cut ? 0 : put_cname(out, &record);
	if (!is_cut)
		n += put_records(out, &record, type, type == TYPE_A ? record.a : record.aaaa);
	out->bytes[7] = (uint8_t)n;
	if (record.trick == CUT)
		out->n -= 5;
	return true;
}

static void udp_ready(void *arg, unsigned events)
{
	(void)events;
	struct server *server = arg;
	struct held held;
	socklen_t length = sizeof held.from;
	ssize_t n;
	while ((n = recvfrom(server->udp, held.bytes, sizeof held.bytes, 0, (struct sockaddr *)&held.from, &length)) >
	       0) {
		struct packet answer = {.n = 0};
		server->queries++;
		held.n = (size_t)n;
		if (server->holds && server->held < HELD_MAX)
			server->queue[server->held++] = held;
		else if (make_answer(server, held.bytes, false, &answer))
			sendto(server->udp, answer.bytes, answer.n, 0, (struct sockaddr *)&held.from, length);
	}
}

static void release(struct server *server)
{
	server->holds = false;
	for (size_t i = 0; i < server->held; i++) {
		struct packet answer = {.n = 0};
		if (make_answer(server, server->queue[i].bytes, false, &answer))
			sendto(server->udp, answer.bytes, answer.n, 0, (struct sockaddr *)&server->queue[i].from,
			       sizeof server->queue[i].from);
	}
	server->held = 0;
}

static void client_ready(void *arg, unsigned events)
{
	(void)events;
	struct server *server = arg;
	uint8_t query[600];
	ssize_t n = recv(server->client, query, sizeof query, 0);
	for (ssize_t at = 0; at + 2 < n; at += 2 + (query[at] << 8 | query[at + 1])) {
		struct packet answer = {.n = 0};
		struct packet framed = {.n = 0};
		server->tcp_queries++;
		make_answer(server, query + at + 2, true, &answer);
		put_number(&framed, (uint32_t)answer.n, 2);
		put(&framed, answer.bytes, answer.n);
		send(server->client, framed.bytes, framed.n, MSG_NOSIGNAL);
	}
	if (n <= 0)
		watch_set(server->client_watch, 0);
}

static void tcp_ready(void *arg, unsigned events)
{
	(void)events;
	struct server *server = arg;
	watch_free(server->client_watch);
	if (server->client >= 0)
		close(server->client);
	server->client = accept4(server->tcp, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	server->client_watch = watch_create(server->loop, server->client, client_ready, server);
	watch_set(server->client_watch, WATCH_READ);
}

/* A port that is free for UDP and TCP, or the port asked for. */
static bool bind_server(struct server *server, const char *address, uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t length = sizeof at;
	inet_pton(AF_INET, address, &at.sin_addr);
	server->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	server->tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(server->tcp, (struct sockaddr *)&at, sizeof at) || listen(server->tcp, 4))
		return false;
	getsockname(server->tcp, (struct sockaddr *)&at, &length);
	server->port = ntohs(at.sin_port);
	return bind(server->udp, (struct sockaddr *)&at, sizeof at) == 0;
}

static void open_server(struct server *server, struct loop *loop, const char *address, uint16_t port)
{
	*server = (struct server){.loop = loop, .client = -1};
	while (!bind_server(server, address, port)) {
		cr_assert_eq(port, 0, "cannot bind port %d", port);
		close(server->udp);
		close(server->tcp);
	}
	server->queue = calloc(HELD_MAX, sizeof *server->queue);
	server->udp_watch = watch_create(loop, server->udp, udp_ready, server);
	server->tcp_watch = watch_create(loop, server->tcp, tcp_ready, server);
	watch_set(server->udp_watch, WATCH_READ);
	watch_set(server->tcp_watch, WATCH_READ);
}

static void close_server(struct server *server)
{
	watch_free(server->udp_watch);
	watch_free(server->tcp_watch);
	watch_free(server->client_watch);
	close(server->udp);
	close(server->tcp);
	if (server->client >= 0)
		close(server->client);
	free(server->queue);
}

#endif
