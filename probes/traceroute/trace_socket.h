/*
 * Probe packets and their answers on sockets: system calls, no meaning. One set of sockets a worker, family and
 * profile, shared by all traces. tests/fakes replaces this file at link time.
 *
 * Two ways, chosen once when the set is opened:
 * - raw: raw sockets send all protocols with headers of our own, and receive ICMP and TCP through filters on our own
 *   identifiers and ports. Bound sockets keep the source ports ours; those of UDP also receive the target's answers.
 * - queue (no right to raw sockets): datagram ICMP sockets and ordinary UDP sockets; ICMP errors come from the kernel's
 *   error queue. TCP cannot be had.
 *
 * A set that nobody uses costs a few descriptors: its sockets see no packets and have no buffers of ours until the
 * first trace_socket_reserve.
 */
#ifndef NETSONDE_PROBES_TRACEROUTE_TRACE_SOCKET_H
#define NETSONDE_PROBES_TRACEROUTE_TRACE_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/err.h"
#include "probes/traceroute/trace_packet.h"

struct loop;
struct trace_socket;

enum trace_socket_kind { TRACE_SOCKET_RAW, TRACE_SOCKET_QUEUE };

/* What cannot be said packet by packet makes a set of its own. */
struct trace_profile {
	uint32_t fwmark; /* SO_MARK; 0 = none. Needs CAP_NET_ADMIN or CAP_NET_RAW */
};

/* A batch has one pair of clock readings around it, between which the moments of sending are interpolated. */
#define TRACE_SEND_BATCH    8
#define TRACE_RECEIVE_BATCH 64
/* Payload of a packet: the largest that has room for every header in 65,535 bytes. */
#define TRACE_PAYLOAD_MAX 65475

struct trace_socket_events {
	void *context;
	void (*replied)(void *context, const struct trace_reply *reply);
	/* Before a batch of replies is handed over: the moment to look at the clocks. */
	void (*receiving)(void *context);
	/* A socket takes packets again, after trace_socket_send had to stop. */
	void (*writable)(void *context);
};

/* NULL with err when there is no such family, or the profile is not allowed. events are borrowed. */
struct trace_socket *trace_socket_open(struct loop *loop, enum address_family family,
				       const struct trace_profile *profile, const struct trace_socket_events *events,
				       struct err *err);
void trace_socket_close(struct trace_socket *socket); /* harmless for NULL */
enum trace_socket_kind trace_socket_kind(const struct trace_socket *socket);

/* Makes sure that flows 0..flows-1 of a protocol have their ports or identifiers, and that answers are heard. Needs no
 * rights beyond those at opening. -1 with err, which names the cures: ICMP with neither right, TCP without raw sockets,
 * no free ports. */
int trace_socket_reserve(struct trace_socket *socket, enum trace_protocol protocol, unsigned flows, struct err *err);

/* The source port (UDP, TCP) or identifier (ICMP) of a reserved flow. */
uint16_t trace_socket_port(const struct trace_socket *socket, enum trace_protocol protocol, unsigned flow);

/* Which address of this host do packets to destination leave from? interface: index, 0 = whichever the route has. 0, or
 * an errno (ENETUNREACH, ...). source: port 0. */
int trace_socket_source(struct trace_socket *socket, const struct address *destination, uint32_t interface,
			struct address *source);

/* Around one batch: wall clock just before and just after the system calls; stopped: 0, or why a socket took no more
 * (EAGAIN). */
struct trace_sending {
	int64_t begun_ns, ended_ns;
	int stopped;
};

/* Sends n <= TRACE_SEND_BATCH packets in order. Returns how many are dealt with: results[i] is 0 (the kernel has it) or
 * an errno that concerns packet i itself (ENOBUFS: the queue of its device is full now; EMSGSIZE: larger than its link
 * takes). Fewer than n: a socket is full, writable will be called. */
size_t trace_socket_send(struct trace_socket *socket, const struct trace_packet *packets, size_t n, int *results,
			 struct trace_sending *sending);

/* Packets that the kernel dropped because a receive buffer was full, cumulative (SO_MEMINFO), as of the last time that
 * the sockets were read. */
uint64_t trace_socket_dropped(const struct trace_socket *socket);
/* Packets that reached us but can be no answer to ours (garbage, wrong ports), cumulative. */
uint64_t trace_socket_foreign(const struct trace_socket *socket);

#endif
