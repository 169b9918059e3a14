#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "core/wire.h"
#include "probes/traceroute/trace_wire.h"
#include "probes/traceroute/trace_wire_facts.h"

const struct trace_wire_facts trace_wire_facts[TRACE_PROTOCOLS] = {
	[TRACE_ICMP] = {.header = TRACE_WIRE_ICMP_HEADER,
			.payload_min = TRACE_WIRE_MARK,
			.packet_max = TRACE_WIRE_PACKET_MAX,
			.number = {IPPROTO_ICMP, IPPROTO_ICMPV6}},
	[TRACE_UDP] = {.header = TRACE_WIRE_UDP_HEADER,
		       .payload_min = TRACE_WIRE_MARK,
		       .packet_max = TRACE_WIRE_PACKET_MAX,
		       .number = {IPPROTO_UDP, IPPROTO_UDP}},
	[TRACE_TCP] = {.header = TRACE_WIRE_TCP_HEADER,
		       .payload_min = 0,
		       .packet_max = TRACE_WIRE_TCP_MAX,
		       .number = {IPPROTO_TCP, IPPROTO_TCP}},
};

#define PSEUDO_HEADER_MAX 40
#define START_MAX         TRACE_WIRE_TCP_HEADER /* header and mark: the rest of a packet is zeroes */

/* A packet's transport header and mark, behind the pseudo header that its checksum covers. */
struct start {
	uint8_t bytes[PSEUDO_HEADER_MAX + START_MAX];
	size_t pseudo; /* bytes of the pseudo header */
	size_t size;   /* bytes behind it */
};

static size_t ip_header_size(enum address_family family)
{
	return family == ADDRESS_IPV6 ? TRACE_WIRE_IPV6_HEADER : TRACE_WIRE_IPV4_HEADER;
}

size_t trace_wire_header_size(enum address_family family, enum trace_protocol protocol)
{
	return ip_header_size(family) + trace_wire_facts[protocol].header;
}

size_t trace_wire_payload_min(enum trace_protocol protocol)
{
	return trace_wire_facts[protocol].payload_min;
}

uint16_t trace_wire_icmp_checksum(const struct trace_flow *flow)
{
	/* Neither 0, which some take for "none", nor 0xffff, which no sum gives. */
	return (uint16_t)((flow->secret ^ flow->secret >> 16) % 0xfffe + 1);
}

uint32_t trace_wire_sequence(const struct trace_flow *flow, uint16_t id)
{
	return (uint32_t)id << 16 | (flow->secret & TRACE_WIRE_TCP_SECRET);
}

static enum address_family family_of(const struct trace_packet *packet)
{
	return packet->flow->destination.family;
}

static size_t payload_size(const struct trace_packet *packet)
{
	size_t least = trace_wire_payload_min(packet->flow->protocol);
	return packet->payload_size > least ? packet->payload_size : least;
}

/* RFC 768, RFC 8200 8.1. ICMP of IPv4 has none (RFC 792). */
static void write_pseudo_header(struct wire *wire, const struct trace_packet *packet)
{
	const struct trace_flow *flow = packet->flow;
	enum address_family family = family_of(packet);
	if (family == ADDRESS_IPV4 && flow->protocol == TRACE_ICMP)
		return;
	wire_write_bytes(wire, flow->source.bytes, address_families[family - 1].size);
	wire_write_bytes(wire, flow->destination.bytes, address_families[family - 1].size);
	size_t length = trace_wire_facts[flow->protocol].header + payload_size(packet);
	/* The order of 16-bit words does not matter to a checksum, so both families can have the same. */
	wire_write_u32(wire, (uint32_t)length);
	wire_write_u32(wire, trace_wire_facts[flow->protocol].number[family - 1]);
}

static void write_mark(struct wire *wire, const struct trace_packet *packet)
{
	wire_write_u16(wire, 0); /* what makes the checksum come out */
	wire_write_u16(wire, packet->id);
	wire_write_u32(wire, packet->flow->secret);
}

static void write_icmp(struct wire *wire, const struct trace_packet *packet)
{
	wire_write_u8(wire, family_of(packet) == ADDRESS_IPV6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO);
	wire_write_u8(wire, 0);
	wire_write_u16(wire, trace_wire_icmp_checksum(packet->flow));
	wire_write_u16(wire, packet->flow->source.port);
	wire_write_u16(wire, packet->id);
	write_mark(wire, packet);
}

static void write_udp(struct wire *wire, const struct trace_packet *packet)
{
	wire_write_u16(wire, packet->flow->source.port);
	wire_write_u16(wire, packet->flow->destination.port);
	wire_write_u16(wire, (uint16_t)(TRACE_WIRE_UDP_HEADER + payload_size(packet)));
	wire_write_u16(wire, packet->id);
	write_mark(wire, packet);
}

/* A SYN with the options that common systems send: some firewalls drop those without. */
static void write_tcp(struct wire *wire, const struct trace_packet *packet)
{
	static const uint8_t options[] = {1, 3, 3, 7, 1, 1, 4, 2}; /* window scale 7; selective acknowledgements */
	wire_write_u16(wire, packet->flow->source.port);
	wire_write_u16(wire, packet->flow->destination.port);
	wire_write_u32(wire, trace_wire_sequence(packet->flow, packet->id));
	wire_write_u32(wire, 0);
	wire_write_u8(wire, TRACE_WIRE_TCP_HEADER / 4 << 4);
	wire_write_u8(wire, TRACE_WIRE_TCP_SYN);
	wire_write_u16(wire, 64240);
	wire_write_u32(wire, 0);          /* checksum, urgent pointer */
	wire_write_u16(wire, 2 << 8 | 4); /* maximum segment size: what Ethernet takes (RFC 9293 3.7.1) */
	wire_write_u16(wire, family_of(packet) == ADDRESS_IPV6 ? 1440 : 1460);
	wire_write_bytes(wire, options, sizeof(options));
}

/* The word that is still zero becomes what the checksum lacks: that of a TCP header is the checksum itself; in a mark
 * it makes the checksum the one that the header already has. */
static void complete_checksum(struct start *start, enum trace_protocol protocol)
{
	size_t at = protocol == TRACE_TCP ? TRACE_WIRE_TCP_CHECKSUM_AT : trace_wire_facts[protocol].header;
	uint16_t checksum = wire_checksum(start->bytes, start->pseudo + start->size);
	struct wire wire = wire_writer(start->bytes, sizeof(start->bytes));
	wire_seek(&wire, start->pseudo + at);
	wire_write_u16(&wire, checksum);
}

static void write_start(struct start *start, const struct trace_packet *packet)
{
	static void (*const writers[TRACE_PROTOCOLS])(struct wire *, const struct trace_packet *) = {
		[TRACE_ICMP] = write_icmp,
		[TRACE_UDP] = write_udp,
		[TRACE_TCP] = write_tcp,
	};
	struct wire wire = wire_writer(start->bytes, sizeof(start->bytes));
	write_pseudo_header(&wire, packet);
	start->pseudo = wire.offset;
	writers[packet->flow->protocol](&wire, packet);
	start->size = wire.offset - start->pseudo;
	complete_checksum(start, packet->flow->protocol);
}

static void write_ipv4(struct wire *wire, const struct trace_packet *packet, size_t total)
{
	uint8_t *header = wire->bytes + wire->offset;
	wire_write_u8(wire, 4 << 4 | TRACE_WIRE_IPV4_HEADER / 4);
	wire_write_u8(wire, packet->flow->traffic_class);
	wire_write_u16(wire, (uint16_t)total);
	wire_write_u16(wire, packet->id);
	wire_write_u16(wire, packet->dont_fragment ? 0x4000 : 0);
	wire_write_u8(wire, packet->hop_limit);
	wire_write_u8(wire, trace_wire_facts[packet->flow->protocol].number[ADDRESS_IPV4 - 1]);
	wire_write_u16(wire, 0);
	wire_write_bytes(wire, packet->flow->source.bytes, 4);
	wire_write_bytes(wire, packet->flow->destination.bytes, 4);
	struct wire checksum = wire_writer(header, TRACE_WIRE_IPV4_HEADER);
	wire_seek(&checksum, 10);
	wire_write_u16(&checksum, wire_checksum(header, TRACE_WIRE_IPV4_HEADER));
}

static void write_ipv6(struct wire *wire, const struct trace_packet *packet, size_t total)
{
	const struct trace_flow *flow = packet->flow;
	wire_write_u32(wire, 6u << 28 | (uint32_t)flow->traffic_class << 20 | (flow->flow_label & 0xfffff));
	wire_write_u16(wire, (uint16_t)(total - TRACE_WIRE_IPV6_HEADER));
	wire_write_u8(wire, trace_wire_facts[flow->protocol].number[ADDRESS_IPV6 - 1]);
	wire_write_u8(wire, packet->hop_limit);
	wire_write_bytes(wire, flow->source.bytes, 16);
	wire_write_bytes(wire, flow->destination.bytes, 16);
}

size_t trace_wire_write_packet(void *out, size_t size, const struct trace_packet *packet)
{
	enum address_family family = family_of(packet);
	const struct trace_wire_facts *facts = &trace_wire_facts[packet->flow->protocol];
	size_t total = ip_header_size(family) + facts->header + payload_size(packet);
	if (total > size || total > facts->packet_max)
		return 0;
	struct start start;
	write_start(&start, packet);
	struct wire wire = wire_writer(out, total);
	if (family == ADDRESS_IPV6)
		write_ipv6(&wire, packet, total);
	else
		write_ipv4(&wire, packet, total);
	wire_write_bytes(&wire, start.bytes + start.pseudo, start.size);
	wire_write_fill(&wire, 0, wire_left(&wire));
	return total;
}

size_t trace_wire_write_message(void *out, size_t size, const struct trace_packet *packet)
{
	enum trace_protocol protocol = packet->flow->protocol;
	/* The kernel makes the header of UDP. */
	size_t skipped = protocol == TRACE_UDP ? TRACE_WIRE_UDP_HEADER : 0;
	size_t total = trace_wire_facts[protocol].header + payload_size(packet) - skipped;
	if (protocol == TRACE_TCP || total > size)
		return 0;
	struct start start;
	write_start(&start, packet);
	struct wire wire = wire_writer(out, total);
	wire_write_bytes(&wire, start.bytes + start.pseudo + skipped, start.size - skipped);
	wire_write_fill(&wire, 0, wire_left(&wire));
	return total;
}
