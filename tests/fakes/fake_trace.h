/*
 * A network of probe packets in virtual time: stands in for probes/traceroute/trace_socket.c. The test is asked about
 * every packet and says what comes back, and when. Packets and answers are real bytes, written and read by trace_wire:
 * so what a router cuts off, changes or makes up is read as in life.
 */
#ifndef NETSONDE_TESTS_FAKE_TRACE_H
#define NETSONDE_TESTS_FAKE_TRACE_H

#include "probes/traceroute/trace_socket.h"

/* This host. */
#define FAKE_TRACE_IPV4 "192.0.2.1"
#define FAKE_TRACE_IPV6 "2001:db8::1"

enum fake_trace_kind {
	FAKE_TRACE_NOTHING,
	FAKE_TRACE_TTL_EXCEEDED,
	FAKE_TRACE_TARGET, /* what a target says: an echo reply, port unreachable, SYN-ACK */
	FAKE_TRACE_RESET,
	FAKE_TRACE_UDP_REPLY,
	FAKE_TRACE_UNREACHABLE, /* code */
	FAKE_TRACE_TOO_BIG,     /* mtu */
	FAKE_TRACE_GARBAGE,     /* an error around random bytes */
};

/* What the network does with one packet. */
struct fake_trace_answer {
	enum fake_trace_kind kind;
	const char *from; /* who answers, when not the destination */
	int64_t delay_ns; /* until the kernel stamps the answer */
	unsigned copies;  /* more than the one */
	bool is_unstamped;
	bool is_spoofed; /* quotes a packet that we never sent: made up by somebody who knows the ports */
	uint8_t code;
	uint32_t mtu;
	size_t quoted;            /* bytes of the packet behind its IP header; 0 = all of them */
	uint32_t labels[4];       /* MPLS, as they are in the extension (RFC 4950); 0 ends them */
	const char *nat_source;   /* what the quoted packet came from, when not from us */
	uint16_t nat_source_port; /* 0 = not changed */
	int16_t hop_limit;        /* of the answer; 0 = 61 */
	int send_errno;           /* the send fails with this, for good */
};

/* Called for each packet in the order of sending; nth counts from 0 since the reset. */
typedef struct fake_trace_answer (*fake_trace_network)(void *context, const struct trace_packet *packet, unsigned nth);

/* No network (everything is lost), raw sockets. Before the first socket of a test is opened. */
void fake_trace_reset(fake_trace_network network, void *context);

/* From now on sockets are opened without rights, or not at all for a family. */
void fake_trace_drop_rights(void);
void fake_trace_refuse(enum address_family family);

/* What trace_socket_source says from now on; 0 = a source. */
void fake_trace_set_route_error(int error);

/* The next n calls of trace_socket_send take nothing and stop with EAGAIN, until fake_trace_writable. */
void fake_trace_stop_sending(unsigned n);
void fake_trace_writable(void);

/* What trace_socket_dropped says from now on. */
void fake_trace_set_dropped(uint64_t dropped);

/* Packets sent since the reset; answers on their way; answers that trace_wire took for nothing of ours. */
unsigned fake_trace_sent(void);
unsigned fake_trace_pending(void);
unsigned fake_trace_refused(void);
/* The largest hop limit of a packet since this was last called. */
unsigned fake_trace_farthest(void);

#endif
