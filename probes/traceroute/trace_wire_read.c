#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "probes/traceroute/trace_wire_facts.h"

#define EXTENSION_HEADERS_MAX 8 /* of a quoted IPv6 packet; ours have none */
#define QUOTE_MIN             8 /* bytes of a transport header that must be quoted (RFC 792) */
#define TCP_HEADER_MIN        20
#define ANY                   (-1)

/* The errors that say something about a packet: the first entry that fits counts. */
static const struct error_kind {
	uint8_t family, type;
	int16_t code;
	enum trace_answer kind;
} error_kinds[] = {
	{ADDRESS_IPV4, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, TRACE_TTL_EXCEEDED},
	{ADDRESS_IPV4, ICMP_TIME_EXCEEDED, ANY, TRACE_UNREACHABLE},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, TRACE_PORT_UNREACHABLE},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, TRACE_TOO_BIG},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ANY, TRACE_UNREACHABLE},
	{ADDRESS_IPV4, ICMP_PARAMETERPROB, ANY, TRACE_UNREACHABLE},
	{ADDRESS_IPV6, ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_TRANSIT, TRACE_TTL_EXCEEDED},
	{ADDRESS_IPV6, ICMP6_TIME_EXCEEDED, ANY, TRACE_UNREACHABLE},
	{ADDRESS_IPV6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT, TRACE_PORT_UNREACHABLE},
	{ADDRESS_IPV6, ICMP6_DST_UNREACH, ANY, TRACE_UNREACHABLE},
	{ADDRESS_IPV6, ICMP6_PACKET_TOO_BIG, ANY, TRACE_TOO_BIG},
	{ADDRESS_IPV6, ICMP6_PARAM_PROB, ANY, TRACE_UNREACHABLE},
};

/* By enum address_family - 1. */
static const struct {
	uint8_t request, reply;
} echo_types[ADDRESS_FAMILIES] = {
	{ICMP_ECHO, ICMP_ECHOREPLY},
	{ICMP6_ECHO_REQUEST, ICMP6_ECHO_REPLY},
};

static void begin_reply(struct trace_reply *reply, const struct address *from, size_t size)
{
	*reply = (struct trace_reply){.stamp_ns = reply->stamp_ns, .hop_limit = -1, .size = (uint16_t)size};
	reply->quote.hop_limit = -1;
	if (from != NULL)
		reply->from = *from;
}

static bool find_kind(enum address_family family, struct trace_reply *reply)
{
	for (size_t i = 0; i < sizeof(error_kinds) / sizeof(*error_kinds); i++) {
		const struct error_kind *kind = &error_kinds[i];
		if (kind->family != family || kind->type != reply->type ||
		    (kind->code != ANY && kind->code != reply->code))
			continue;
		reply->kind = kind->kind;
		return true;
	}
	return false;
}

/* The errors that RFC 4884 lets have extensions. */
static bool has_extensions(enum address_family family, uint8_t type)
{
	if (family == ADDRESS_IPV6)
		return type == ICMP6_DST_UNREACH || type == ICMP6_TIME_EXCEEDED;
	return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
}

static void read_address(struct wire *wire, enum address_family family, struct address *address)
{
	*address = (struct address){.family = (uint8_t)family};
	wire_read_bytes(wire, address->bytes, address_families[family - 1].size);
}

/* Our mark at the beginning of a payload, if it is there. Routers may fill a cut quote up with zeroes (RFC 4884 5.5),
 * and no id is 0. */
static bool read_mark(struct wire *wire, struct trace_reply *reply)
{
	wire_skip(wire, 2);
	uint16_t id = wire_read_u16(wire);
	uint32_t mark = wire_read_u32(wire);
	if (wire->failed || id == 0)
		return false;
	reply->quote.id = id;
	reply->quote.mark = mark;
	reply->quote.has_id = true;
	reply->quote.has_mark = true;
	return true;
}

/* What an echo message has behind type and code, as far as it goes. */
static void read_echo_fields(struct wire *wire, struct trace_reply *reply)
{
	reply->quote.checksum = wire_read_u16(wire);
	reply->quote.has_checksum = !wire->failed;
	reply->quote.source.port = wire_read_u16(wire);
	reply->quote.has_ports = !wire->failed;
	uint16_t sequence = wire_read_u16(wire);
	reply->quote.has_id = !wire->failed;
	reply->quote.id = sequence;
	read_mark(wire, reply);
	if (reply->quote.id != sequence) { /* not what we wrote: the header is what counts */
		reply->quote.id = sequence;
		reply->quote.has_mark = false;
		reply->quote.mark = 0;
	}
}

static bool read_quoted_icmp(struct wire *wire, enum address_family family, struct trace_reply *reply)
{
	uint8_t type = wire_read_u8(wire);
	uint8_t code = wire_read_u8(wire);
	if (!wire->failed && (type != echo_types[family - 1].request || code != 0))
		return false;
	read_echo_fields(wire, reply);
	return true;
}

static bool read_ports(struct wire *wire, struct trace_reply *reply)
{
	uint16_t source = wire_read_u16(wire);
	uint16_t destination = wire_read_u16(wire);
	if (wire->failed)
		return false;
	reply->quote.source.port = source;
	reply->quote.destination.port = destination;
	reply->quote.has_ports = true;
	return true;
}

static void read_quoted_udp(struct wire *wire, struct trace_reply *reply)
{
	if (!read_ports(wire, reply))
		return;
	wire_skip(wire, 2);
	reply->quote.checksum = wire_read_u16(wire);
	reply->quote.has_checksum = !wire->failed;
	reply->quote.id = reply->quote.checksum;
	reply->quote.has_id = !wire->failed;
	read_mark(wire, reply);
}

/* sequence: of our SYN. */
static void note_sequence(struct trace_reply *reply, uint32_t sequence)
{
	reply->quote.id = (uint16_t)(sequence >> 16);
	reply->quote.secret = (uint16_t)sequence;
	reply->quote.has_id = true;
	reply->quote.has_sequence = true;
}

static void read_quoted_tcp(struct wire *wire, struct trace_reply *reply)
{
	if (!read_ports(wire, reply))
		return;
	uint32_t sequence = wire_read_u32(wire);
	if (wire->failed)
		return;
	note_sequence(reply, sequence);
	wire_skip(wire, TRACE_WIRE_TCP_CHECKSUM_AT - 8);
	reply->quote.checksum = wire_read_u16(wire);
	reply->quote.has_checksum = !wire->failed;
}

/* The transport header of a packet of ours, as far as it was quoted; number: its protocol in the IP header. */
static bool read_transport(struct wire *wire, enum address_family family, uint8_t number, struct trace_reply *reply)
{
	for (uint8_t protocol = 0; protocol < TRACE_PROTOCOLS; protocol++) {
		if (trace_wire_facts[protocol].number[family - 1] != number)
			continue;
		reply->quote.protocol = protocol;
		if (protocol == TRACE_ICMP)
			return read_quoted_icmp(wire, family, reply);
		if (protocol == TRACE_UDP)
			read_quoted_udp(wire, reply);
		else
			read_quoted_tcp(wire, reply);
		return true;
	}
	return false;
}

/* Behind the quoted packet's own end there is only padding. Some routers change the length that they quote, so one that
 * leaves no room for a transport header is not believed. */
static void limit_quote(struct wire *quote, size_t header, size_t total)
{
	if (total >= header + QUOTE_MIN && total < quote->size)
		quote->size = total;
}

static bool read_quoted_ipv4(struct wire *quote, struct trace_reply *reply)
{
	uint8_t first = wire_read_u8(quote);
	size_t header = (size_t)(first & 0x0f) * 4;
	reply->quote.traffic_class = wire_read_u8(quote);
	size_t total = wire_read_u16(quote);
	reply->quote.identification = wire_read_u16(quote);
	bool is_first = (wire_read_u16(quote) & 0x1fff) == 0; /* of the fragments */
	reply->quote.hop_limit = wire_read_u8(quote);
	uint8_t number = wire_read_u8(quote);
	wire_skip(quote, 2);
	read_address(quote, ADDRESS_IPV4, &reply->quote.source);
	read_address(quote, ADDRESS_IPV4, &reply->quote.destination);
	if (quote->failed || first >> 4 != 4 || header < TRACE_WIRE_IPV4_HEADER || !is_first)
		return false;
	reply->quote.has_addresses = true;
	reply->quote.has_identification = true;
	limit_quote(quote, header, total);
	wire_skip(quote, header - TRACE_WIRE_IPV4_HEADER);
	return read_transport(quote, ADDRESS_IPV4, number, reply);
}

/* Skips one extension header; false when it is none, or hides what comes behind. */
static bool skip_extension_header(struct wire *quote, uint8_t *number)
{
	uint8_t next;
	switch (*number) {
	case IPPROTO_FRAGMENT:
		next = wire_read_u8(quote);
		wire_skip(quote, 1);
		if (wire_read_u16(quote) >> 3 != 0)
			return false; /* not the first fragment: no transport header */
		wire_skip(quote, 4);
		break;
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		next = wire_read_u8(quote);
		wire_skip(quote, (size_t)wire_read_u8(quote) * 8 + 6);
		break;
	default:
		return false;
	}
	*number = next;
	return !quote->failed;
}

static bool read_quoted_ipv6(struct wire *quote, struct trace_reply *reply)
{
	uint32_t first = wire_read_u32(quote);
	size_t payload = wire_read_u16(quote);
	uint8_t number = wire_read_u8(quote);
	reply->quote.hop_limit = wire_read_u8(quote);
	read_address(quote, ADDRESS_IPV6, &reply->quote.source);
	read_address(quote, ADDRESS_IPV6, &reply->quote.destination);
	if (quote->failed || first >> 28 != 6)
		return false;
	reply->quote.traffic_class = (uint8_t)(first >> 20);
	reply->quote.flow_label = first & 0xfffff;
	reply->quote.has_addresses = true;
	limit_quote(quote, TRACE_WIRE_IPV6_HEADER, TRACE_WIRE_IPV6_HEADER + payload);
	for (unsigned n = 0; n < EXTENSION_HEADERS_MAX; n++)
		if (!skip_extension_header(quote, &number))
			break;
	return read_transport(quote, ADDRESS_IPV6, number, reply);
}

/* Where the message says that its quote ends (RFC 4884 3): 0 = it does not. The MTU comes by the way. */
static size_t read_error_fields(struct wire *wire, enum address_family family, struct trace_reply *reply)
{
	uint32_t fields = wire_read_u32(wire);
	if (family == ADDRESS_IPV4) {
		if (reply->kind == TRACE_TOO_BIG)
			reply->mtu = fields & 0xffff;
		return (size_t)(fields >> 16 & 0xff) * 4;
	}
	if (reply->kind == TRACE_TOO_BIG)
		reply->mtu = fields;
	return has_extensions(family, reply->type) ? (size_t)(fields >> 24) * 8 : 0;
}

/* wire: behind type, code and checksum. */
static bool read_error(struct wire *wire, enum address_family family, struct trace_reply *reply)
{
	size_t told = read_error_fields(wire, family, reply);
	size_t size = wire_left(wire);
	if (wire->failed)
		return false;
	if (has_extensions(family, reply->type))
		size = trace_wire_read_extension(*wire, told, TRACE_WIRE_USUAL_QUOTE, reply);
	struct wire quote = wire_reader(wire->bytes + wire->offset, size);
	return family == ADDRESS_IPV6 ? read_quoted_ipv6(&quote, reply) : read_quoted_ipv4(&quote, reply);
}

/* Of the reply to an echo request; wire: behind type and code. */
static bool read_echo(struct wire *wire, struct trace_reply *reply)
{
	reply->kind = TRACE_ECHO_REPLY;
	reply->quote.protocol = TRACE_ICMP;
	read_echo_fields(wire, reply);
	reply->quote.has_checksum = false; /* its own, not that of the request */
	reply->quote.destination = reply->from;
	reply->quote.destination.port = 0;
	return reply->code == 0 && reply->quote.has_id;
}

static bool read_message(struct wire *wire, struct trace_reply *reply)
{
	enum address_family family = reply->from.family;
	reply->type = wire_read_u8(wire);
	reply->code = wire_read_u8(wire);
	if (reply->type == echo_types[family - 1].reply)
		return read_echo(wire, reply);
	wire_skip(wire, 2);
	return find_kind(family, reply) && read_error(wire, family, reply);
}

/* Gets over the IPv4 header of a packet from a raw socket; its end, where the packet is padded, becomes the wire's.
 * Whom it was sent to is who sent the packet that it answers. *is_cut: there was more of it. */
static bool read_outer_ipv4(struct wire *wire, uint8_t protocol, struct trace_reply *reply, bool *is_cut)
{
	uint8_t first = wire_read_u8(wire);
	size_t header = (size_t)(first & 0x0f) * 4;
	wire_skip(wire, 1);
	size_t total = wire_read_u16(wire);
	wire_skip(wire, 4);
	reply->hop_limit = wire_read_u8(wire);
	bool is_it = wire_read_u8(wire) == protocol;
	wire_skip(wire, 2 + 4);
	read_address(wire, ADDRESS_IPV4, &reply->quote.source);
	if (wire->failed || !is_it || first >> 4 != 4 || header < TRACE_WIRE_IPV4_HEADER || header > wire->size)
		return false;
	*is_cut = total > wire->size;
	if (total >= header && !*is_cut)
		wire->size = total;
	wire_seek(wire, header);
	return true;
}

bool trace_wire_read_icmp(const void *bytes, size_t size, const struct address *from, struct trace_reply *reply)
{
	begin_reply(reply, from, size);
	struct wire wire = wire_reader(bytes, size);
	bool is_cut;
	if (from->family == ADDRESS_IPV4) {
		if (!read_outer_ipv4(&wire, IPPROTO_ICMP, reply, &is_cut))
			return false;
		if (!is_cut && wire_checksum(wire.bytes + wire.offset, wire_left(&wire)) != 0)
			return false;
	}
	return read_message(&wire, reply);
}

bool trace_wire_read_echo(const void *bytes, size_t size, const struct address *from, struct trace_reply *reply)
{
	begin_reply(reply, from, size);
	struct wire wire = wire_reader(bytes, size);
	reply->type = wire_read_u8(&wire);
	reply->code = wire_read_u8(&wire);
	return reply->type == echo_types[from->family - 1].reply && read_echo(&wire, reply);
}

bool trace_wire_read_tcp(const void *bytes, size_t size, const struct address *from, struct trace_reply *reply)
{
	begin_reply(reply, from, size);
	struct wire wire = wire_reader(bytes, size);
	bool is_cut;
	if (from->family == ADDRESS_IPV4 && !read_outer_ipv4(&wire, IPPROTO_TCP, reply, &is_cut))
		return false;
	reply->quote.protocol = TRACE_TCP;
	reply->quote.destination = *from;
	reply->quote.destination.port = wire_read_u16(&wire);
	reply->quote.source.port = wire_read_u16(&wire);
	reply->quote.has_ports = true;
	wire_skip(&wire, 4);
	uint32_t acknowledged = wire_read_u32(&wire);
	size_t header = (size_t)(wire_read_u8(&wire) >> 4) * 4;
	uint8_t flags = wire_read_u8(&wire);
	wire_skip(&wire, 6);
	if (wire.failed || header < TCP_HEADER_MIN)
		return false;
	if (flags & TRACE_WIRE_TCP_ACK)
		note_sequence(reply, acknowledged - 1);
	reply->kind = flags & TRACE_WIRE_TCP_RST ? TRACE_RESET : TRACE_SYN_ACK;
	uint8_t syn_ack = TRACE_WIRE_TCP_SYN | TRACE_WIRE_TCP_ACK;
	return reply->kind == TRACE_RESET || (flags & syn_ack) == syn_ack;
}

bool trace_wire_read_udp(const void *bytes, size_t size, const struct address *from, struct trace_reply *reply)
{
	begin_reply(reply, from, size);
	struct wire wire = wire_reader(bytes, size);
	reply->kind = TRACE_UDP_REPLY;
	reply->quote.protocol = TRACE_UDP;
	reply->quote.destination = *from;
	read_mark(&wire, reply);
	return true;
}

bool trace_wire_read_queued(const void *bytes, size_t size, const struct trace_queued *queued,
			    struct trace_reply *reply)
{
	enum address_family family = queued->destination.family;
	begin_reply(reply, NULL, size);
	reply->type = queued->type;
	reply->code = queued->code;
	reply->quote.protocol = queued->protocol;
	reply->quote.destination = queued->destination;
	if (!find_kind(family, reply))
		return false;
	if (reply->kind == TRACE_TOO_BIG)
		reply->mtu = queued->info;
	struct wire quote = wire_reader(bytes, size);
	/* What the kernel has taken off: the quoted headers, of which ours have no options. */
	size_t taken = trace_wire_header_size(family, TRACE_UDP);
	if (queued->protocol == TRACE_ICMP)
		taken -= TRACE_WIRE_ICMP_HEADER;
	if (has_extensions(family, reply->type))
		quote.size =
			trace_wire_read_extension(quote, queued->extension_at, TRACE_WIRE_USUAL_QUOTE - taken, reply);
	if (queued->protocol == TRACE_ICMP)
		return read_quoted_icmp(&quote, family, reply);
	read_mark(&quote, reply);
	return true;
}
