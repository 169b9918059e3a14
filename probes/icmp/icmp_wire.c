#include "probes/icmp/icmp_wire.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include "core/wire.h"

/* What differs between ICMP and ICMPv6, by enum address_family - 1. */
static const struct {
	uint8_t request, reply;
} echo_types[ADDRESS_FAMILIES] = {
	{ICMP_ECHO, ICMP_ECHOREPLY},
	{ICMP6_ECHO_REQUEST, ICMP6_ECHO_REPLY},
};

static const struct meaning {
	uint8_t family, type, code;
	enum reason reason;
	const char *text;
} meanings[] = {
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_NET_UNREACH, REASON_UNREACHABLE_NET, "Destination Net Unreachable"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, REASON_UNREACHABLE_HOST, "Destination Host Unreachable"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, REASON_UNREACHABLE_PORT,
	 "Destination Protocol Unreachable"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, REASON_UNREACHABLE_PORT, "Destination Port Unreachable"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, REASON_TOO_BIG, "Fragmentation Needed"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_SR_FAILED, REASON_UNREACHABLE_NET, "Source Route Failed"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_NET_UNKNOWN, REASON_UNREACHABLE_NET, "Destination Net Unknown"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_HOST_UNKNOWN, REASON_UNREACHABLE_HOST, "Destination Host Unknown"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_HOST_ISOLATED, REASON_UNREACHABLE_HOST, "Source Host Isolated"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_NET_ANO, REASON_UNREACHABLE_ADMIN, "Destination Net Prohibited"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_HOST_ANO, REASON_UNREACHABLE_ADMIN, "Destination Host Prohibited"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_NET_UNR_TOS, REASON_UNREACHABLE_NET,
	 "Destination Net Unreachable For Type Of Service"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_HOST_UNR_TOS, REASON_UNREACHABLE_HOST,
	 "Destination Host Unreachable For Type Of Service"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, REASON_UNREACHABLE_ADMIN, "Packet Filtered"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_PREC_VIOLATION, REASON_UNREACHABLE_ADMIN, "Precedence Violation"},
	{ADDRESS_IPV4, ICMP_DEST_UNREACH, ICMP_PREC_CUTOFF, REASON_UNREACHABLE_ADMIN, "Precedence Cutoff"},
	{ADDRESS_IPV4, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, REASON_TTL_EXCEEDED, "Time To Live Exceeded"},
	{ADDRESS_IPV4, ICMP_TIME_EXCEEDED, ICMP_EXC_FRAGTIME, REASON_TTL_EXCEEDED, "Fragment Reassembly Time Exceeded"},
	{ADDRESS_IPV6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE, REASON_UNREACHABLE_NET, "No Route To Destination"},
	{ADDRESS_IPV6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN, REASON_UNREACHABLE_ADMIN,
	 "Administratively Prohibited"},
	{ADDRESS_IPV6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_BEYONDSCOPE, REASON_UNREACHABLE_NET,
	 "Beyond Scope Of Source Address"},
	{ADDRESS_IPV6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR, REASON_UNREACHABLE_HOST, "Address Unreachable"},
	{ADDRESS_IPV6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT, REASON_UNREACHABLE_PORT, "Port Unreachable"},
	{ADDRESS_IPV6, ICMP6_DST_UNREACH, 5, REASON_UNREACHABLE_ADMIN, "Source Address Failed Policy"},
	{ADDRESS_IPV6, ICMP6_DST_UNREACH, 6, REASON_UNREACHABLE_ADMIN, "Reject Route To Destination"},
	{ADDRESS_IPV6, ICMP6_PACKET_TOO_BIG, 0, REASON_TOO_BIG, "Packet Too Big"},
	{ADDRESS_IPV6, ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_TRANSIT, REASON_TTL_EXCEEDED, "Hop Limit Exceeded"},
	{ADDRESS_IPV6, ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_REASSEMBLY, REASON_TTL_EXCEEDED,
	 "Fragment Reassembly Time Exceeded"},
};

void icmp_wire_write_request(uint8_t out[ICMP_WIRE_START], enum address_family family, const struct icmp_echo *echo)
{
	struct wire wire = wire_writer(out, ICMP_WIRE_START);
	wire_write_u8(&wire, echo_types[family - 1].request);
	wire_write_u8(&wire, 0);
	wire_write_u16(&wire, 0);
	wire_write_u16(&wire, echo->identifier);
	wire_write_u16(&wire, echo->sequence);
	wire_write_u64(&wire, echo->secret);
	wire_seek(&wire, 2);
	wire_write_u16(&wire, wire_checksum(out, ICMP_WIRE_START));
}

/* The header of an echo message of this type, and as much of the payload as is there. */
static bool read_echo(struct wire *wire, uint8_t type, struct icmp_echo *echo)
{
	bool is_echo = wire_read_u8(wire) == type;
	is_echo &= wire_read_u8(wire) == 0;
	wire_skip(wire, 2);
	echo->identifier = wire_read_u16(wire);
	echo->sequence = wire_read_u16(wire);
	if (wire->failed || !is_echo)
		return false;
	echo->has_secret = wire_left(wire) >= ICMP_WIRE_SECRET;
	echo->secret = echo->has_secret ? wire_read_u64(wire) : 0;
	return true;
}

bool icmp_wire_read_reply(const void *bytes, size_t size, enum address_family family, bool has_ip_header,
			  struct icmp_echo *echo, size_t *header_size)
{
	struct wire wire = wire_reader(bytes, size);
	*header_size = 0;
	if (has_ip_header) {
		uint8_t first = wire_read_u8(&wire);
		*header_size = (size_t)(first & 0x0f) * 4;
		if (first >> 4 != 4 || *header_size < 20 || *header_size > size)
			return false;
		if (wire_checksum((const uint8_t *)bytes + *header_size, size - *header_size) != 0)
			return false;
		wire_seek(&wire, *header_size);
	}
	return read_echo(&wire, echo_types[family - 1].reply, echo);
}

bool icmp_wire_read_quote(const void *bytes, size_t size, enum address_family family, struct icmp_echo *echo)
{
	struct wire wire = wire_reader(bytes, size);
	return read_echo(&wire, echo_types[family - 1].request, echo);
}

bool icmp_wire_is_failure(enum address_family family, uint8_t type)
{
	if (family == ADDRESS_IPV6)
		return !(type & ICMP6_INFOMSG_MASK);
	return type != ICMP_REDIRECT && type != ICMP_SOURCE_QUENCH;
}

static const struct meaning *find_meaning(enum address_family family, uint8_t type, uint8_t code)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		if (meanings[i].family == family && meanings[i].type == type && meanings[i].code == code)
			return &meanings[i];
	return NULL;
}

enum reason icmp_wire_reason(enum address_family family, uint8_t type, uint8_t code)
{
	const struct meaning *meaning = find_meaning(family, type, code);
	return meaning ? meaning->reason : REASON_PROTOCOL;
}

const char *icmp_wire_describe(enum address_family family, uint8_t type, uint8_t code)
{
	const struct meaning *meaning = find_meaning(family, type, code);
	return meaning ? meaning->text : "Unknown ICMP Error";
}
