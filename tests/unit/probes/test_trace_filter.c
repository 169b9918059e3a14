/* The filters are run by the kernel: on a pair of local sockets, which sees the packet as a raw socket does. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probes/traceroute/trace_filter.h"
#include "probes/traceroute/trace_wire.h"

#define OURS    61056
#define FOREIGN 61088 /* the next block */
#define ROOM    512

static const uint16_t first[TRACE_PROTOCOLS] = {OURS, OURS, OURS};
static const char *const names[TRACE_PROTOCOLS] = {"icmp", "udp", "tcp"};

static bool passes(struct trace_filter *filter, const uint8_t *bytes, size_t size)
{
	const struct sock_fprog program = {.len = filter->size, .filter = filter->code};
	uint8_t got[ROOM];
	int pair[2];
	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	cr_assert_eq(setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
	cr_assert_eq(send(pair[0], bytes, size, 0), (ssize_t)size);
	ssize_t n = recv(pair[1], got, sizeof(got), MSG_DONTWAIT);
	close(pair[0]);
	close(pair[1]);
	cr_assert(n < 0 || (size_t)n == size, "what passes is whole");
	return n >= 0;
}

/* An IPv4 header with so many words of options, the rest zero; nothing for IPv6, whose header raw sockets leave out. */
static size_t begin(uint8_t *out, enum address_family family, size_t options)
{
	memset(out, 0, ROOM);
	if (family == ADDRESS_IPV6)
		return 0;
	out[0] = (uint8_t)(0x45 + options);
	return 20 + options * 4;
}

static struct trace_flow make_flow(enum address_family family, enum trace_protocol protocol, uint16_t port)
{
	struct trace_flow flow = {.protocol = (uint8_t)protocol, .secret = 0x12345678};
	address_parse(family == ADDRESS_IPV4 ? "192.0.2.1" : "2001:db8::1", &flow.source);
	address_parse(family == ADDRESS_IPV4 ? "198.51.100.1" : "2001:db8:1::1", &flow.destination);
	flow.source.port = port;
	flow.destination.port = protocol == TRACE_ICMP ? 0 : 443;
	return flow;
}

/* An ICMP error that quotes a packet of ours; *at: where the quoted transport header begins. */
static size_t make_error(uint8_t *out, const struct trace_flow *flow, size_t options, size_t *at)
{
	enum address_family family = flow->source.family;
	const struct trace_packet packet = {.flow = flow, .id = 77, .hop_limit = 1};
	size_t size = begin(out, family, options);
	out[size] = family == ADDRESS_IPV4 ? 11 : 3;
	size += TRACE_WIRE_QUOTE_AT;
	*at = size + (family == ADDRESS_IPV4 ? TRACE_WIRE_IPV4_HEADER : TRACE_WIRE_IPV6_HEADER);
	return size + trace_wire_write_packet(out + size, ROOM - size, &packet);
}

Test(trace_filter, errors_pass_when_they_quote_our_block)
{
	static const struct {
		uint16_t port;
		bool passes;
	} ports[] = {{OURS, true}, {OURS + 31, true}, {OURS - 1, false}, {FOREIGN, false}, {0, false}, {1, false}};
	uint8_t bytes[ROOM];
	size_t at;
	struct trace_filter filter;
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++) {
		trace_filter_icmp(&filter, family, first);
		for (unsigned protocol = 0; protocol < TRACE_PROTOCOLS; protocol++) {
			for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
				struct trace_flow flow = make_flow(family, protocol, ports[i].port);
				size_t size = make_error(bytes, &flow, i % 3, &at);
				cr_assert_eq(passes(&filter, bytes, size), ports[i].passes, "family %d, %s %u", family,
					     names[protocol], ports[i].port);
			}
		}
	}
}

Test(trace_filter, short_quotes_pass_as_long_as_the_port_is_there)
{
	uint8_t bytes[ROOM];
	size_t at;
	struct trace_filter filter;
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++) {
		trace_filter_icmp(&filter, family, first);
		for (unsigned protocol = 0; protocol < TRACE_PROTOCOLS; protocol++) {
			struct trace_flow flow = make_flow(family, protocol, OURS + 3);
			size_t size = make_error(bytes, &flow, 0, &at);
			size_t needed = at + (protocol == TRACE_ICMP ? 6 : 2);
			for (size_t cut = 1; cut <= size; cut++)
				cr_assert_eq(passes(&filter, bytes, cut), cut >= needed, "%s cut to %zu",
					     names[protocol], cut);
		}
	}
}

/* A quoted IPv4 header with options moves what follows; another protocol's packet is not ours. */
Test(trace_filter, quoted_headers_are_looked_at)
{
	uint8_t bytes[ROOM];
	size_t at;
	struct trace_filter filter;
	struct trace_flow flow = make_flow(ADDRESS_IPV4, TRACE_UDP, OURS);
	size_t size = make_error(bytes, &flow, 2, &at);
	trace_filter_icmp(&filter, ADDRESS_IPV4, first);
	memmove(bytes + at + 8, bytes + at, size - at);
	memset(bytes + at, 0, 8);
	cr_assert_not(passes(&filter, bytes, size + 8));
	bytes[at - 20] = 0x47;
	cr_assert(passes(&filter, bytes, size + 8));
	bytes[at - 20 + TRACE_WIRE_IPV4_PROTOCOL_AT] = 132;
	cr_assert_not(passes(&filter, bytes, size + 8));

	flow = make_flow(ADDRESS_IPV6, TRACE_UDP, OURS);
	size = make_error(bytes, &flow, 0, &at);
	trace_filter_icmp(&filter, ADDRESS_IPV6, first);
	cr_assert(passes(&filter, bytes, size));
	bytes[at - 40 + TRACE_WIRE_IPV6_NEXT_AT] = 0; /* hop-by-hop options: we send none */
	cr_assert_not(passes(&filter, bytes, size));
}

Test(trace_filter, echo_replies_pass_by_their_identifier)
{
	uint8_t bytes[ROOM];
	struct trace_filter filter;
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++) {
		trace_filter_icmp(&filter, family, first);
		for (size_t options = 0; options <= 10; options += 5) {
			size_t at = begin(bytes, family, options);
			bytes[at] = family == ADDRESS_IPV4 ? 0 : 129;
			cr_assert_not(passes(&filter, bytes, at + 16));
			bytes[at + 4] = OURS >> 8;
			bytes[at + 5] = (OURS + 31) & 0xff;
			cr_assert(passes(&filter, bytes, at + 16));
			cr_assert_not(passes(&filter, bytes, at + 5));
			bytes[at] = 8; /* the request of somebody with the same identifier */
			cr_assert_not(passes(&filter, bytes, at + 16));
		}
	}
}

Test(trace_filter, protocols_without_a_block_do_not_pass)
{
	static const uint16_t only_udp[TRACE_PROTOCOLS] = {[TRACE_UDP] = OURS};
	uint8_t bytes[ROOM];
	size_t at;
	struct trace_filter filter;
	trace_filter_icmp(&filter, ADDRESS_IPV4, only_udp);
	for (unsigned protocol = 0; protocol < TRACE_PROTOCOLS; protocol++) {
		for (uint16_t port = 0; port < 64; port++) {
			struct trace_flow flow = make_flow(ADDRESS_IPV4, protocol, port);
			size_t size = make_error(bytes, &flow, 0, &at);
			cr_assert_not(passes(&filter, bytes, size));
		}
	}
	struct trace_flow flow = make_flow(ADDRESS_IPV4, TRACE_UDP, OURS);
	size_t size = make_error(bytes, &flow, 0, &at);
	cr_assert(passes(&filter, bytes, size));
	trace_filter_nothing(&filter);
	cr_assert_not(passes(&filter, bytes, size));
}

Test(trace_filter, of_tcp_only_answers_to_our_ports_pass)
{
	static const struct {
		uint16_t port;
		uint8_t flags;
		bool passes;
	} segments[] = {
		{OURS, TRACE_WIRE_TCP_SYN | TRACE_WIRE_TCP_ACK, true},
		{OURS + 31, TRACE_WIRE_TCP_RST | TRACE_WIRE_TCP_ACK, true},
		{OURS, TRACE_WIRE_TCP_RST, true},
		{OURS, 0xff, true},
		{OURS, TRACE_WIRE_TCP_SYN, false},
		{OURS, TRACE_WIRE_TCP_ACK, false},
		{OURS, 0, false},
		{FOREIGN, TRACE_WIRE_TCP_RST, false},
		{443, TRACE_WIRE_TCP_SYN | TRACE_WIRE_TCP_ACK, false},
	};
	uint8_t bytes[ROOM];
	struct trace_filter filter;
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++) {
		trace_filter_tcp(&filter, family, OURS);
		for (size_t i = 0; i < sizeof(segments) / sizeof(*segments); i++) {
			size_t at = begin(bytes, family, i);
			bytes[at + 2] = (uint8_t)(segments[i].port >> 8);
			bytes[at + 3] = (uint8_t)segments[i].port;
			bytes[at + 13] = segments[i].flags;
			cr_assert_eq(passes(&filter, bytes, at + 20), segments[i].passes, "segment %zu", i);
			cr_assert_not(passes(&filter, bytes, at + 13));
		}
	}
}
