#include "probes/icmp/icmp_wire.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include "core/icmp_meaning.h"
#include "core/wire.h"

/* What differs between ICMP and ICMPv6, by enum address_family - 1. */
static const struct {
	uint8_t request, reply;
} echo_types[ADDRESS_FAMILIES] = {
	{ICMP_ECHO, ICMP_ECHOREPLY},
	{ICMP6_ECHO_REQUEST, ICMP6_ECHO_REPLY},
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

enum reason icmp_wire_reason(enum address_family family, uint8_t type, uint8_t code)
{
	return icmp_meaning_reason(family, type, code);
}

const char *icmp_wire_describe(enum address_family family, uint8_t type, uint8_t code)
{
	return icmp_meaning_text(family, type, code);
}
