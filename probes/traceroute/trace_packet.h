/*
 * What the layers of traceroute say to each other about a packet: a flow, a probe packet, what came back about one.
 * Values only; no functions, no sockets.
 */
#ifndef NETSONDE_PROBES_TRACEROUTE_TRACE_PACKET_H
#define NETSONDE_PROBES_TRACEROUTE_TRACE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"

#define TRACE_FLOWS_MAX           16
#define TRACE_LABELS_MAX          8 /* MPLS labels that are kept of one answer */
#define TRACE_INTERFACES_MAX      4 /* interfaces that are kept of one answer: one of each role */
#define TRACE_INTERFACE_NAME_SIZE 64

enum trace_protocol { TRACE_ICMP, TRACE_UDP, TRACE_TCP };
#define TRACE_PROTOCOLS 3

/* What routers choose a path by, the same for all packets of a flow. Which packet it was is told by its id, which
 * travels where no router looks: ICMP sequence number, UDP checksum, TCP sequence number, and IPv4 identification. */
struct trace_flow {
	struct address source;      /* its port: UDP, TCP: source port; ICMP: identifier */
	struct address destination; /* its port: UDP, TCP: destination port; ICMP: 0 */
	uint32_t interface;         /* index; 0 = the kernel chooses */
	uint32_t flow_label;        /* IPv6, 20 bits */
	uint32_t secret;  /* of the flow, random: TCP: upper half of the sequence number; ICMP: the constant checksum */
	uint8_t protocol; /* enum trace_protocol */
	uint8_t traffic_class; /* DSCP << 2 */
	uint8_t index;         /* which of the reserved ports the flow has, below TRACE_FLOWS_MAX */
};

/* One probe packet to send. */
struct trace_packet {
	const struct trace_flow *flow; /* borrowed for the call */
	uint16_t id;                   /* 1..0xfffe: 0 and 0xffff mean something else in a UDP checksum */
	uint16_t payload_size;         /* bytes behind the ICMP, UDP or TCP header; at least what carries the id */
	uint8_t hop_limit;
	bool dont_fragment; /* IPv4; IPv6 never fragments */
};

enum trace_answer {
	TRACE_TTL_EXCEEDED,
	TRACE_ECHO_REPLY,
	TRACE_PORT_UNREACHABLE,
	TRACE_SYN_ACK,
	TRACE_RESET,
	TRACE_UDP_REPLY,
	TRACE_UNREACHABLE, /* any other reason; also parameter problem: type and code say which */
	TRACE_TOO_BIG,     /* mtu */
};
#define TRACE_ANSWERS 8

/* One entry of the label stack of RFC 4950. */
struct trace_label {
	uint32_t label;        /* 20 bits */
	uint8_t traffic_class; /* 3 bits */
	bool is_bottom;
	uint8_t ttl;
};

/* An interface that the packet went through, as RFC 5837 tells it. */
struct trace_interface {
	uint8_t role;                         /* enum trace_interface_role */
	bool has_index;                       /* ifIndex is known */
	uint32_t index;                       /* the router's own ifIndex */
	uint32_t mtu;                         /* 0 = not told */
	struct address address;               /* ADDRESS_NONE = not told */
	char name[TRACE_INTERFACE_NAME_SIZE]; /* "" = not told; printable ASCII, other bytes as '?' */
};
enum trace_interface_role {
	TRACE_INTERFACE_INCOMING,
	TRACE_INTERFACE_INCOMING_PART, /* of an aggregate */
	TRACE_INTERFACE_OUTGOING,
	TRACE_INTERFACE_NEXT_HOP,
};

/* One packet that came back, already read and with a correct checksum, not yet matched with what was sent. The answers
 * of kind TRACE_TTL_EXCEEDED, PORT_UNREACHABLE, UNREACHABLE and TOO_BIG quote the probe packet: `quote` says as much of
 * it as there was. The others come from the target itself; of them `quote` says what the probe packet must have been
 * (source and destination swapped back). */
struct trace_reply {
	enum trace_answer kind;
	struct address from;     /* who answered; family ADDRESS_NONE: this host */
	int64_t stamp_ns;        /* wall clock, by the kernel; 0 = it gave none */
	int16_t hop_limit;       /* of the answer; -1 = unknown */
	uint8_t type, code;      /* ICMP or ICMPv6; 0 for TCP and UDP answers */
	uint32_t mtu;            /* TRACE_TOO_BIG: of the narrow link; 0 = not told */
	uint16_t size;           /* bytes of the answer, from its IP header on where that was seen */
	uint8_t bad_extensions;  /* extensions, or objects of one, that were damaged and are ignored */
	uint8_t nlabels;         /* entries in labels; of a longer stack these are the topmost */
	uint8_t ninterfaces;     /* entries in interfaces */
	struct address incoming; /* RFC 5837: the interface through which the probe packet came; ADDRESS_NONE = not told
				  */
	struct trace_label labels[TRACE_LABELS_MAX];
	struct trace_interface interfaces[TRACE_INTERFACES_MAX];

	struct {
		uint8_t protocol;        /* enum trace_protocol */
		bool has_addresses;      /* false without rights: the kernel keeps the quoted IP header */
		bool has_ports;          /* source.port, destination.port are known (ICMP: source.port, identifier) */
		bool has_id;             /* id is known: else the quote was cut, or the answer carries none */
		bool has_identification; /* IPv4, raw sockets only */
		bool has_checksum;       /* checksum is known */
		bool has_mark;           /* the payload's first bytes were there: id is from them, mark is known */
		bool has_sequence;       /* TCP: secret is known */
		struct address source;   /* ADDRESS_NONE = unknown; its port as in trace_flow */
		struct address destination; /* known at all times, its port as in trace_flow where has_ports */
		uint16_t id;                /* of the payload, else of the transport header; see trace_wire.h */
		uint16_t identification;
		uint16_t checksum;
		uint16_t secret;     /* TCP: lower half of the sequence number; of an answer what it acknowledges - 1 */
		uint32_t mark;       /* the flow's secret, from the payload */
		uint32_t flow_label; /* IPv6 */
		uint8_t traffic_class; /* where has_addresses */
		int16_t hop_limit;     /* as quoted; -1 = unknown */
	} quote;
};

#endif
