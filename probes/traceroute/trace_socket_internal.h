/*
 * What the files of trace_socket share.
 */
#ifndef NETSONDE_PROBES_TRACEROUTE_TRACE_SOCKET_INTERNAL_H
#define NETSONDE_PROBES_TRACEROUTE_TRACE_SOCKET_INTERNAL_H

#include <sys/socket.h>

#include "probes/packet_socket.h"
#include "probes/traceroute/trace_socket.h"
#include "probes/traceroute/trace_wire.h"

struct trace_inlet;

/* Reads one packet of an inlet; notes->error is set for one of the error queue. False: it can be no answer to us. */
typedef bool trace_inlet_read(const struct trace_inlet *inlet, const struct msghdr *header, size_t size,
			      struct packet_notes *notes, struct trace_reply *reply);

/* One descriptor of a set. */
struct trace_inlet {
	struct trace_socket *set;
	int descriptor;          /* -1 = not open */
	struct watch *watch;     /* NULL = not read */
	trace_inlet_read *read;  /* what it reads */
	bool has_errors;         /* its error queue is read, too */
	bool is_fragment_probed; /* IPv4 without rights: packets may not be fragmented */
	uint8_t protocol;        /* enum trace_protocol, of a port */
	uint16_t number;         /* port or identifier */
	struct packet_drops drops;
};

/* Room for one batch of received packets. */
struct trace_inbox {
	struct mmsghdr headers[TRACE_RECEIVE_BATCH];
	struct iovec parts[TRACE_RECEIVE_BATCH];
	struct sockaddr_storage names[TRACE_RECEIVE_BATCH];
	_Alignas(struct cmsghdr) uint8_t controls[TRACE_RECEIVE_BATCH][PACKET_CONTROL_BYTES];
	uint8_t packets[TRACE_RECEIVE_BATCH][TRACE_WIRE_ERROR_MAX];
};

/* And of packets to send. Of the large packets only those pages exist that were used. */
struct trace_outbox {
	struct mmsghdr headers[TRACE_SEND_BATCH];
	struct iovec parts[TRACE_SEND_BATCH];
	struct sockaddr_storage names[TRACE_SEND_BATCH];
	_Alignas(struct cmsghdr) uint8_t controls[TRACE_SEND_BATCH][PACKET_CONTROL_BYTES];
	uint8_t packets[TRACE_SEND_BATCH][TRACE_WIRE_PACKET_MAX + 1];
};

struct trace_socket {
	struct loop *loop;
	enum address_family family;
	struct trace_profile profile;
	enum trace_socket_kind kind;
	const struct trace_socket_events *events;
	int route; /* asks which source address a route has */
	uint32_t route_interface;
	struct trace_inlet sender;    /* raw: all packets leave by it */
	struct trace_inlet icmp, tcp; /* raw: and come back by these */
	struct trace_inlet ports[TRACE_PROTOCOLS][TRACE_FLOWS_MAX];
	unsigned nports[TRACE_PROTOCOLS];
	uint16_t first[TRACE_PROTOCOLS]; /* of the block that the ports are of; 0 = none yet */
	struct trace_inbox *inbox;       /* NULL until the first reserve */
	struct trace_outbox *outbox;
	uint64_t dropped, foreign;
};

#define TRACE_BUFFER_BYTES (8 << 20)

static inline int trace_socket_af(const struct trace_socket *set)
{
	return address_families[set->family - 1].af;
}

/* Reads the inlet from now on. */
void trace_inlet_start(struct trace_inlet *inlet);

/* Binds a new socket for flow number set->nports[protocol] to the next port of the block that is free, or of a new
 * block. type: SOCK_DGRAM, SOCK_STREAM. -1 with err. */
int trace_socket_bind_port(struct trace_socket *set, struct trace_inlet *port, int type, struct err *err);

/* --- raw (trace_socket_raw.c) --- */

/* 0; 1: there is no right; -1 with err. */
int trace_raw_open(struct trace_socket *set, struct err *err);
/* Prepares the next flow of a protocol. */
int trace_raw_add_port(struct trace_socket *set, enum trace_protocol protocol, struct err *err);
/* After ports were added: the filters let their packets through. */
int trace_raw_listen(struct trace_socket *set, struct err *err);
/* Puts packet i into the outbox; 0, or an errno. */
int trace_raw_build(struct trace_socket *set, size_t i, const struct trace_packet *packet);

/* --- without rights (trace_socket_queue.c) --- */

int trace_queue_add_port(struct trace_socket *set, enum trace_protocol protocol, struct err *err);
int trace_queue_build(struct trace_socket *set, size_t i, const struct trace_packet *packet);
/* May packets of this port be fragmented? Set before they are sent. */
void trace_queue_probe_fragments(struct trace_inlet *port, bool dont_fragment);

/* What a target answers to a UDP packet of this port. */
bool trace_inlet_read_udp(const struct trace_inlet *inlet, const struct msghdr *header, size_t size,
			  struct packet_notes *notes, struct trace_reply *reply);

#endif
