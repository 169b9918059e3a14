/*
 * Probe packets of traceroute and what comes back about them, bytes <-> struct. No sockets, clocks or logging.
 *
 * All packets of a flow are alike in what routers choose a path by. Which packet of the flow it is stands in fields
 * that they do not look at, and so that the first 8 bytes of the transport header tell it (more need not be quoted, RFC
 * 792): ICMP  the sequence number; the checksum is constant (trace_wire_icmp_checksum), by a word of the payload UDP
 * the checksum itself, by a word of the payload TCP   the upper half of the sequence number; the lower half is the
 * flow's secret (TRACE_WIRE_TCP_SECRET). Thus the id is also the upper half of what a SYN-ACK or a reset acknowledges,
 * whether or not it counts the payload. IPv4 packets carry it as identification as well. The payload of ICMP and UDP
 * begins with 16 bits that make the checksum what it shall be, 16 bits id, 32 bits secret of the flow; the rest is
 * zeroes.
 */
#ifndef NETSONDE_PROBES_TRACEROUTE_TRACE_WIRE_H
#define NETSONDE_PROBES_TRACEROUTE_TRACE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probes/traceroute/trace_packet.h"

/* Sizes and places, also for programs that filter packets. */
#define TRACE_WIRE_IPV4_HEADER      20
#define TRACE_WIRE_IPV6_HEADER      40
#define TRACE_WIRE_ICMP_HEADER      8 /* an error's too: the quoted IP header follows */
#define TRACE_WIRE_UDP_HEADER       8
#define TRACE_WIRE_TCP_HEADER       32 /* of our SYN, with its options */
#define TRACE_WIRE_MARK             8  /* what the payload of ICMP and UDP begins with */
#define TRACE_WIRE_QUOTE_AT         8  /* in an ICMP error: the quoted IP header */
#define TRACE_WIRE_IPV4_PROTOCOL_AT 9  /* in an IPv4 header; its length: (byte 0 & 15) * 4 */
#define TRACE_WIRE_IPV6_NEXT_AT     6  /* in an IPv6 header */
#define TRACE_WIRE_SOURCE_PORT_AT   0  /* in a UDP or TCP header */
#define TRACE_WIRE_DEST_PORT_AT     2
#define TRACE_WIRE_UDP_CHECKSUM_AT  6
#define TRACE_WIRE_IDENTIFIER_AT    4 /* in an ICMP echo header */
#define TRACE_WIRE_SEQUENCE_AT      6
#define TRACE_WIRE_TCP_FLAGS_AT     13
#define TRACE_WIRE_TCP_SYN          0x02
#define TRACE_WIRE_TCP_RST          0x04
#define TRACE_WIRE_TCP_ACK          0x10

/* The largest packets that are written, from the IP header on. Of TCP, secret, SYN and payload must not carry from the
 * lower half of a sequence number into the id. */
#define TRACE_WIRE_PACKET_MAX 65535
#define TRACE_WIRE_TCP_MAX    32768
#define TRACE_WIRE_TCP_SECRET 0x7fff /* these bits of a flow's secret are the lower half of a sequence number */

/* Bytes of an error that a reader may have to see: the largest that a router sends (RFC 4443 3: the minimum MTU of
 * IPv6) and an outer header with options. More need not be received. */
#define TRACE_WIRE_ERROR_MAX 1540

/* Bytes before the payload: IP header and transport header as we write them. What trace_packet.payload_size must be for
 * a packet of n bytes is n minus this. */
size_t trace_wire_header_size(enum address_family family, enum trace_protocol protocol);
/* The least payload that such packets have: TRACE_WIRE_MARK, for TCP 0. A smaller payload_size counts as this. */
size_t trace_wire_payload_min(enum trace_protocol protocol);
/* The checksum that all echo requests of a flow carry, of its secret. Not 0xffff, which does not occur. */
uint16_t trace_wire_icmp_checksum(const struct trace_flow *flow);

/* Writes a probe packet from its IP header on, with all checksums: for raw sockets with IP_HDRINCL or IPV6_HDRINCL.
 * flow->source must be known. Returns its bytes; 0 when they are more than size or than such a packet may have. */
size_t trace_wire_write_packet(void *out, size_t size, const struct trace_packet *packet);
/* The same without what the kernel writes, for sockets without rights: of ICMP the message (the kernel then puts the
 * socket's identifier in, which must be flow->source.port, and makes the checksum), of UDP the payload. Returns its
 * bytes; 0 when they do not fit, and for TCP. */
size_t trace_wire_write_message(void *out, size_t size, const struct trace_packet *packet);

/*
 * Readers. Each fills *reply anew, but for stamp_ns; false: this is nothing about a packet that we could have sent, and
 * *reply means nothing. `from`: who sent it, as recvmsg says, which also tells the family. hop_limit is -1 unless there
 * was an IPv4 header (IPv6 has it in a control message). What was not quoted is said by has_* in reply->quote.
 */

/* A packet of a raw ICMP socket: IPv4 from the IP header on, its ICMP checksum is verified unless a short buffer has
 * cut it; IPv6 from the ICMPv6 header on, which the kernel has verified. Errors with their quote and extensions, echo
 * replies. */
bool trace_wire_read_icmp(const void *bytes, size_t size, const struct address *from, struct trace_reply *reply);

/* A packet of a raw TCP socket: IPv4 from the IP header on; IPv6 from the TCP header on. Only SYN-ACK and RST count.
 * The checksum is not looked at: between interfaces of one machine the kernel does not complete it. */
bool trace_wire_read_tcp(const void *bytes, size_t size, const struct address *from, struct trace_reply *reply);

/* A packet of an ICMP datagram socket (no IP header): an echo reply. */
bool trace_wire_read_echo(const void *bytes, size_t size, const struct address *from, struct trace_reply *reply);

/* What a target answers to a UDP packet, at the socket of its port: has_id only when it echoes our payload. */
bool trace_wire_read_udp(const void *bytes, size_t size, const struct address *from, struct trace_reply *reply);

/* An entry of the error queue (struct sock_extended_err) whose origin is ICMP or ICMPv6. */
struct trace_queued {
	struct address destination; /* what the packet was sent to (msg_name): tells the family */
	uint32_t info;              /* ee_info: the MTU of TRACE_TOO_BIG */
	uint16_t extension_at;      /* ee_rfc4884.len; 0 = not told or invalid: then the usual place is looked at */
	uint8_t protocol;           /* enum trace_protocol, of the socket: ICMP or UDP */
	uint8_t type, code;         /* ee_type, ee_code */
};

/* Such an entry with what was quoted: from the ICMP header of our request, for UDP our payload only, if any of it.
 * reply->from is left ADDRESS_NONE (the offender is the caller's to fill in). */
bool trace_wire_read_queued(const void *bytes, size_t size, const struct trace_queued *queued,
			    struct trace_reply *reply);

/* What differs between a packet as it was sent and as it was quoted or answered. */
enum trace_changed {
	TRACE_CHANGED_SOURCE = 1 << 0,      /* address */
	TRACE_CHANGED_DESTINATION = 1 << 1, /* address; of an answer by the target: it answers from another one */
	TRACE_CHANGED_SOURCE_PORT = 1 << 2, /* or ICMP identifier */
	TRACE_CHANGED_DESTINATION_PORT = 1 << 3,
	TRACE_CHANGED_CHECKSUM = 1 << 4, /* ICMP, UDP. Not TCP: there routers that lower the MSS change it as well */
	TRACE_CHANGED_IDENTIFICATION = 1 << 5, /* IPv4 */
	TRACE_CHANGED_TRAFFIC_CLASS = 1 << 6,
	TRACE_CHANGED_SEQUENCE = 1 << 7, /* TCP: a firewall that makes sequence numbers of its own */
};
/* Any of these in a router's quote says that an address translator is between it and us. */
#define TRACE_CHANGED_BY_NAT                                                                                           \
	(TRACE_CHANGED_SOURCE | TRACE_CHANGED_DESTINATION | TRACE_CHANGED_SOURCE_PORT |                                \
	 TRACE_CHANGED_DESTINATION_PORT | TRACE_CHANGED_CHECKSUM)

/* Is this reply about this packet? Candidates are the packets with the id reply->quote.id, and where there is none or
 * none belongs, reply->quote.identification. True when the id fits in one of its places, and of the rest of the flow
 * enough that nobody who has not seen the packet would guess it; *changed then says what differs. Without rights a UDP
 * quote may hold nothing at all (neither has_id nor has_ports): that is false here, and the caller's to decide. */
bool trace_wire_belongs(const struct trace_packet *sent, const struct trace_reply *reply, unsigned *changed);

#endif
