/*
 * UDP sockets for queries: system calls, no meaning. Each has a port of its own that the kernel chose; it sends to
 * anybody and hears of ICMP errors. Sends and receives in batches, with kernel timestamps. A test may replace this
 * file at link time.
 */
#ifndef NETSONDE_PROBES_DNS_SOCKET_H
#define NETSONDE_PROBES_DNS_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/err.h"

struct dns_buffers;
struct dns_socket;
struct loop;

#define DNS_BATCH 64

struct dns_outgoing {
	const struct address *to;     /* with port */
	const struct address *source; /* family ADDRESS_NONE = the kernel chooses */
	uint32_t interface;           /* index; 0 = the kernel chooses */
	const uint8_t *bytes;
	size_t size;
};

struct dns_incoming {
	struct address from;  /* with port; of an error: whom the datagram was for */
	const uint8_t *bytes; /* of an error: what it quotes of our datagram, perhaps nothing */
	size_t size;
	int64_t stamp_ns; /* wall clock, by the kernel; 0 = it gave none */
	bool is_error;
	uint8_t error_type, error_code; /* ICMP or ICMPv6 type and code */
	struct address offender;        /* who sent the error */
};

/* What all sockets of a thread share: room for a batch, and whom to tell. */
struct dns_socket_events {
	void *context;
	/* A batch has come: the moment to look at the clocks. */
	void (*receiving)(void *context);
	/* owner: as told to dns_socket_open. The socket may be closed from inside. */
	void (*received)(void *context, void *owner, const struct dns_incoming *incoming);
};
struct dns_buffers *dns_buffers_create(struct loop *loop, const struct dns_socket_events *events);
void dns_buffers_free(struct dns_buffers *buffers);

struct dns_socket *dns_socket_open(struct dns_buffers *buffers, enum address_family family, void *owner,
				   struct err *err);
void dns_socket_close(struct dns_socket *socket); /* NULL is harmless */
uint16_t dns_socket_port(const struct dns_socket *socket);

/* Sends n <= DNS_BATCH datagrams in order. Returns how many are dealt with: results[i] is 0 or an errno that
 * concerns datagram i itself. Fewer than n: there is no room now. begun_ns, ended_ns: wall clock around it. */
size_t dns_socket_send(struct dns_socket *socket, const struct dns_outgoing *outgoing, size_t n, int *results,
		       int64_t *begun_ns, int64_t *ended_ns);

#endif
