/* Which packet a quote is of, and what was changed on the way. */
#include <criterion/criterion.h>

#include "tests/unit/probes/trace_fixture.h"

struct change {
	size_t at; /* in the quoted packet */
	uint8_t value;
};

/* The router's quote of packet, after these changes (xor) and only n bytes of it. */
static bool read_changed(const struct trace_packet *packet, const struct change *changes, size_t n,
			 struct trace_reply *reply)
{
	enum address_family family = packet->flow->destination.family;
	struct trace_bytes quote = trace_written(packet);
	for (; changes->value; changes++)
		quote.bytes[changes->at] ^= changes->value;
	struct trace_bytes error = trace_ttl_exceeded(family, quote.bytes, n < quote.size ? n : quote.size);
	struct address from = trace_address(trace_routers[family - 1]);
	return trace_wire_read_icmp(error.bytes, error.size, &from, reply);
}

#define ALL 1000

static const struct {
	enum address_family family;
	enum trace_protocol protocol;
	struct change changes[4];
	size_t n; /* bytes quoted */
	bool belongs;
	unsigned changed;
	const char *what;
} cases[] = {
	{ADDRESS_IPV4, TRACE_ICMP, {{0, 0}}, ALL, true, 0, "nothing"},
	{ADDRESS_IPV4, TRACE_ICMP, {{15, 1}}, ALL, true, TRACE_CHANGED_SOURCE, "source"},
	{ADDRESS_IPV4, TRACE_ICMP, {{15, 1}}, 28, true, TRACE_CHANGED_SOURCE, "source, 8 bytes"},
	{ADDRESS_IPV4,
	 TRACE_ICMP,
	 {{25, 1}, {23, 1}},
	 ALL,
	 true,
	 TRACE_CHANGED_SOURCE_PORT | TRACE_CHANGED_CHECKSUM,
	 "identifier and checksum, with the mark"},
	{ADDRESS_IPV4, TRACE_ICMP, {{25, 1}, {23, 1}}, 28, false, 0, "identifier and checksum, without it"},
	{ADDRESS_IPV4, TRACE_ICMP, {{23, 1}}, 28, true, TRACE_CHANGED_CHECKSUM, "checksum"},
	{ADDRESS_IPV4, TRACE_ICMP, {{19, 1}}, 28, true, TRACE_CHANGED_DESTINATION, "destination, with our checksum"},
	{ADDRESS_IPV4, TRACE_ICMP, {{19, 1}, {23, 1}}, 28, false, 0, "destination, with another checksum"},
	{ADDRESS_IPV4, TRACE_ICMP, {{27, 1}}, 28, true, 0, "sequence number: the identification tells"},
	{ADDRESS_IPV4, TRACE_ICMP, {{27, 1}, {5, 1}}, 28, false, 0, "sequence number and identification"},
	{ADDRESS_IPV4, TRACE_ICMP, {{5, 1}}, ALL, true, TRACE_CHANGED_IDENTIFICATION, "identification"},
	{ADDRESS_IPV4, TRACE_ICMP, {{1, 0x28}}, ALL, true, TRACE_CHANGED_TRAFFIC_CLASS, "DSCP"},
	{ADDRESS_IPV4, TRACE_UDP, {{27, 1}}, 28, true, TRACE_CHANGED_CHECKSUM, "checksum: the identification tells"},
	{ADDRESS_IPV4, TRACE_UDP, {{27, 1}, {5, 1}}, 28, false, 0, "both, without the mark"},
	{ADDRESS_IPV4,
	 TRACE_UDP,
	 {{27, 1}, {5, 1}},
	 ALL,
	 true,
	 TRACE_CHANGED_CHECKSUM | TRACE_CHANGED_IDENTIFICATION,
	 "both, with the mark"},
	{ADDRESS_IPV4, TRACE_UDP, {{21, 1}}, 28, false, 0, "source port, without the mark"},
	{ADDRESS_IPV4, TRACE_UDP, {{21, 1}}, ALL, true, TRACE_CHANGED_SOURCE_PORT, "source port, with the mark"},
	{ADDRESS_IPV4, TRACE_UDP, {{23, 1}}, 28, false, 0, "destination port, without the mark"},
	{ADDRESS_IPV4, TRACE_UDP, {{23, 1}}, ALL, true, TRACE_CHANGED_DESTINATION_PORT, "destination port, with it"},
	{ADDRESS_IPV4, TRACE_UDP, {{35, 1}}, 36, true, 0, "another mark: the header tells"},
	{ADDRESS_IPV4, TRACE_TCP, {{0, 0}}, 28, true, 0, "nothing"},
	{ADDRESS_IPV4, TRACE_TCP, {{27, 1}}, 28, true, TRACE_CHANGED_SEQUENCE, "sequence: the identification tells"},
	{ADDRESS_IPV4, TRACE_TCP, {{27, 1}, {5, 1}}, 28, false, 0, "sequence and identification"},
	{ADDRESS_IPV4, TRACE_TCP, {{36, 1}}, ALL, true, 0, "checksum: also by a lowered MSS"},
	{ADDRESS_IPV4, TRACE_TCP, {{19, 1}}, 28, true, TRACE_CHANGED_DESTINATION, "destination, with our secret"},
	{ADDRESS_IPV6, TRACE_UDP, {{47, 1}}, 48, false, 0, "checksum, without the mark"},
	{ADDRESS_IPV6, TRACE_UDP, {{47, 1}}, ALL, true, TRACE_CHANGED_CHECKSUM, "checksum, with the mark"},
	{ADDRESS_IPV6, TRACE_UDP, {{23, 1}}, ALL, true, TRACE_CHANGED_SOURCE, "source (NPTv6 keeps checksums)"},
	{ADDRESS_IPV6, TRACE_TCP, {{46, 1}}, ALL, false, 0, "sequence: nothing else tells"},
	{ADDRESS_IPV6, TRACE_ICMP, {{3, 1}}, ALL, true, 0, "flow label: not ours to judge"},
};

Test(trace_wire_match, changes)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct trace_flow flow = trace_make_flow(cases[i].family, cases[i].protocol);
		struct trace_packet packet = {.flow = &flow, .id = 0xbee0, .payload_size = 24, .hop_limit = 3};
		struct trace_reply reply;
		unsigned changed;
		cr_assert(read_changed(&packet, cases[i].changes, cases[i].n, &reply), "%s", cases[i].what);
		cr_assert_eq(trace_wire_belongs(&packet, &reply, &changed), cases[i].belongs, "%s", cases[i].what);
		cr_assert_eq(changed, cases[i].changed, "%s: %#x", cases[i].what, changed);
	}
}

Test(trace_wire_match, others)
{
	static const struct change none[] = {{0, 0}};
	for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++)
		for (enum trace_protocol protocol = TRACE_ICMP; protocol < TRACE_PROTOCOLS; protocol++) {
			struct trace_flow flow = trace_make_flow(family, protocol), other = flow;
			struct trace_packet packet = {.flow = &flow, .id = 5, .payload_size = 24, .hop_limit = 3};
			struct trace_packet another = packet;
			struct trace_reply reply;
			unsigned changed;
			cr_assert(read_changed(&packet, none, ALL, &reply));
			another.id = 6;
			cr_assert_not(trace_wire_belongs(&another, &reply, &changed), "another id");
			cr_assert_eq(changed, 0);
			another.id = 5;
			another.flow = &other;
			other.protocol = (uint8_t)((protocol + 1) % TRACE_PROTOCOLS);
			cr_assert_not(trace_wire_belongs(&another, &reply, &changed), "another protocol");
			other = flow;
			other.source.port++;
			other.secret++;
			cr_assert_not(trace_wire_belongs(&another, &reply, &changed), "another flow");
		}
}

/* From building to reading, for every id: the quote of 8 bytes and the answers of the target find their packet. */
static void check_round_trips(enum address_family family, enum trace_protocol protocol, uint32_t secret)
{
	struct trace_flow flow = trace_make_flow(family, protocol);
	flow.secret = secret;
	struct trace_packet packet = {.flow = &flow, .payload_size = 8, .hop_limit = 1};
	size_t header = family == ADDRESS_IPV6 ? 40 : 20;
	for (unsigned id = 1; id < 0xffff; id += 7) {
		packet.id = (uint16_t)id;
		static const struct change none[] = {{0, 0}};
		struct trace_reply reply;
		unsigned changed;
		for (size_t n = header + 8; n <= header + 16; n += 8) {
			cr_assert(read_changed(&packet, none, n, &reply));
			cr_assert_eq(reply.quote.id, id);
			cr_assert(trace_wire_belongs(&packet, &reply, &changed), "id %u", id);
			cr_assert_eq(changed, 0, "id %u", id);
		}
		if (protocol != TRACE_ICMP)
			continue;
		struct trace_bytes answer = trace_echo_reply(&packet);
		cr_assert(trace_wire_read_icmp(answer.bytes, answer.size, &flow.destination, &reply));
		cr_assert_eq(reply.quote.id, id);
		cr_assert(trace_wire_belongs(&packet, &reply, &changed));
	}
}

Test(trace_wire_match, round_trips)
{
	static const uint32_t secrets[] = {0, 0xffffffff, 0xdeadbeef};
	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
		for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++)
			for (enum trace_protocol protocol = TRACE_ICMP; protocol < TRACE_PROTOCOLS; protocol++)
				check_round_trips(family, protocol, secrets[i]);
}

/* A target that answers an echo request from another address of its own. */
Test(trace_wire_match, an_answer_from_elsewhere)
{
	struct trace_flow flow = trace_make_flow(ADDRESS_IPV4, TRACE_ICMP);
	struct trace_packet packet = {.flow = &flow, .id = 5, .payload_size = 24, .hop_limit = 3};
	struct trace_bytes answer = trace_echo_reply(&packet);
	struct address from = trace_address(trace_routers[0]);
	struct trace_reply reply;
	unsigned changed;
	cr_assert(trace_wire_read_icmp(answer.bytes, answer.size, &from, &reply));
	cr_assert(trace_wire_belongs(&packet, &reply, &changed));
	cr_assert_eq(changed, TRACE_CHANGED_DESTINATION);
	flow.secret++;
	cr_assert_not(trace_wire_belongs(&packet, &reply, &changed), "made up");
	flow.secret--;
	flow.source.port++;
	cr_assert_not(trace_wire_belongs(&packet, &reply, &changed), "another identifier");
}
