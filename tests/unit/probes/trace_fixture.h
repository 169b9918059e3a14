/* Flows, ICMP errors around quotes, and answers of targets, for tests of traceroute's packets. */
#ifndef NETSONDE_TESTS_UNIT_PROBES_TRACE_FIXTURE_H
#define NETSONDE_TESTS_UNIT_PROBES_TRACE_FIXTURE_H

#include <string.h>

#include "core/wire.h"
#include "probes/traceroute/trace_wire.h"

struct trace_bytes {
	uint8_t bytes[4096];
	size_t size;
};

static const char *const trace_sources[ADDRESS_FAMILIES] = {"192.0.2.1", "2001:db8::1"};
static const char *const trace_destinations[ADDRESS_FAMILIES] = {"198.51.100.7", "2001:db8:5::7"};
static const char *const trace_routers[ADDRESS_FAMILIES] = {"203.0.113.9", "2001:db8:9::9"};

static inline struct address trace_address(const char *text)
{
	struct address address;
	address_parse(text, &address);
	return address;
}

static inline struct trace_flow trace_make_flow(enum address_family family, enum trace_protocol protocol)
{
	struct trace_flow flow = {.source = trace_address(trace_sources[family - 1]),
				  .destination = trace_address(trace_destinations[family - 1]),
				  .flow_label = 0xabcde,
				  .secret = 0xa1b2c3d4,
				  .protocol = (uint8_t)protocol,
				  .traffic_class = 0x28};
	flow.source.port = 0x1234;
	flow.destination.port = protocol == TRACE_ICMP ? 0 : 33434;
	return flow;
}

static inline struct trace_bytes trace_from_hex(const char *hex)
{
	struct trace_bytes out = {.size = strlen(hex) / 2};
	for (size_t i = 0; i < out.size * 2; i++) {
		unsigned digit = (unsigned)(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
		out.bytes[i / 2] = (uint8_t)((unsigned)out.bytes[i / 2] << 4 | digit);
	}
	return out;
}

static inline struct trace_bytes trace_written(const struct trace_packet *packet)
{
	struct trace_bytes out;
	out.size = trace_wire_write_packet(out.bytes, sizeof(out.bytes), packet);
	return out;
}

/* An IPv4 header from the router to the flow's source, with `options` bytes (of zeroes) more; IPv6: nothing. */
static inline void trace_put_outer(struct wire *wire, enum address_family family, uint8_t protocol, size_t options)
{
	if (family == ADDRESS_IPV6)
		return;
	wire_write_u8(wire, (uint8_t)(0x45 + options / 4));
	wire_write_u8(wire, 0xc0);
	wire_write_u16(wire, 0); /* total length: see trace_close_outer */
	wire_write_u32(wire, 0x77770000);
	wire_write_u8(wire, 61);
	wire_write_u8(wire, protocol);
	wire_write_u16(wire, 0);
	wire_write_bytes(wire, trace_address(trace_routers[0]).bytes, 4);
	wire_write_bytes(wire, trace_address(trace_sources[0]).bytes, 4);
	wire_write_fill(wire, 0, options);
}

static inline void trace_put_u16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Makes lengths and the ICMP checksum right after any change; ICMP of IPv6 is verified by the kernel, not by us. */
static inline void trace_close_outer(struct trace_bytes *packet, enum address_family family)
{
	if (family == ADDRESS_IPV6)
		return;
	size_t header = (size_t)(packet->bytes[0] & 15) * 4;
	trace_put_u16(packet->bytes + 2, packet->size);
	if (packet->bytes[9] != 1 || packet->size < header + 4)
		return;
	trace_put_u16(packet->bytes + header + 2, 0);
	trace_put_u16(packet->bytes + header + 2, wire_checksum(packet->bytes + header, packet->size - header));
}

struct trace_error_shape {
	enum address_family family;
	uint8_t type, code;
	uint32_t fields; /* bytes 4..7 */
	size_t options;  /* bytes of options in the outer header */
};

/* An ICMP error that quotes n bytes of a packet. */
static inline struct trace_bytes trace_error(const struct trace_error_shape *shape, const void *quote, size_t n)
{
	struct trace_bytes out;
	struct wire wire = wire_writer(out.bytes, sizeof(out.bytes));
	trace_put_outer(&wire, shape->family, 1, shape->options);
	wire_write_u8(&wire, shape->type);
	wire_write_u8(&wire, shape->code);
	wire_write_u16(&wire, 0);
	wire_write_u32(&wire, shape->fields);
	wire_write_bytes(&wire, quote, n);
	out.size = wire.offset;
	trace_close_outer(&out, shape->family);
	return out;
}

static inline struct trace_bytes trace_ttl_exceeded(enum address_family family, const void *quote, size_t n)
{
	return trace_error(&(struct trace_error_shape){.family = family, .type = family == ADDRESS_IPV6 ? 3 : 11},
			   quote, n);
}

/* More bytes at the end of an error. */
static inline void trace_append(struct trace_bytes *packet, enum address_family family, const void *bytes, size_t n)
{
	memcpy(packet->bytes + packet->size, bytes, n);
	packet->size += n;
	trace_close_outer(packet, family);
}

/* The target's answer to an echo request: the request with another type, as raw sockets see it. */
static inline struct trace_bytes trace_echo_reply(const struct trace_packet *packet)
{
	enum address_family family = packet->flow->destination.family;
	struct trace_bytes request = trace_written(packet), out;
	size_t header = family == ADDRESS_IPV6 ? TRACE_WIRE_IPV6_HEADER : TRACE_WIRE_IPV4_HEADER;
	struct wire wire = wire_writer(out.bytes, sizeof(out.bytes));
	trace_put_outer(&wire, family, 1, 0);
	size_t at = wire.offset;
	wire_write_bytes(&wire, request.bytes + header, request.size - header);
	out.size = wire.offset;
	out.bytes[at] = family == ADDRESS_IPV6 ? 129 : 0;
	trace_close_outer(&out, family);
	return out;
}

/* A TCP segment from the target to the flow's port. */
static inline struct trace_bytes trace_segment(const struct trace_flow *flow, uint8_t flags, uint32_t acknowledged)
{
	struct trace_bytes out;
	struct wire wire = wire_writer(out.bytes, sizeof(out.bytes));
	trace_put_outer(&wire, flow->destination.family, 6, 0);
	wire_write_u16(&wire, flow->destination.port);
	wire_write_u16(&wire, flow->source.port);
	wire_write_u32(&wire, 0x55667788);
	wire_write_u32(&wire, acknowledged);
	wire_write_u8(&wire, 5 << 4);
	wire_write_u8(&wire, flags);
	wire_write_u16(&wire, 1000);
	wire_write_u32(&wire, 0);
	out.size = wire.offset;
	trace_close_outer(&out, flow->destination.family);
	return out;
}

#endif
