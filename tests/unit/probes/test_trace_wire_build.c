/* Probe packets of traceroute: bytes, and what stays the same within a flow. */
#include <criterion/criterion.h>

#include "tests/unit/probes/trace_fixture.h"

/* Made by a program of its own, which tries all words until the checksum comes out. */
static const struct {
	enum address_family family;
	enum trace_protocol protocol;
	uint16_t payload_size;
	const char *hex;
} packets[] = {
	{ADDRESS_IPV4, TRACE_ICMP, 12,
	 "45280028010240000501886fc0000201c63364070800a5cd12340102d8720102a1b2c3d400000000"},
	{ADDRESS_IPV4, TRACE_UDP, 9, "452800250102400005118862c0000201c63364071234829a0011010217360102a1b2c3d400"},
	{ADDRESS_IPV4, TRACE_TCP, 0,
	 "45280034010240000506885ec0000201c63364071234829a010243d4000000008002faf0ae3f0000020405b40103030701010402"},
	{ADDRESS_IPV4, TRACE_TCP, 5,
	 "452800390102400005068859c0000201c63364071234829a010243d4000000008002faf0ae3a0000020405b40103030701010402"
	 "0000000000"},
	{ADDRESS_IPV6, TRACE_ICMP, 12,
	 "628abcde00143a0520010db800000000000000000000000120010db80005000000000000000000078000a5cd1234010204a50102"
	 "a1b2c3d400000000"},
	{ADDRESS_IPV6, TRACE_UDP, 9,
	 "628abcde0011110520010db800000000000000000000000120010db80005000000000000000000071234829a00110102a7f30102"
	 "a1b2c3d400"},
	{ADDRESS_IPV6, TRACE_TCP, 0,
	 "628abcde0020060520010db800000000000000000000000120010db80005000000000000000000071234829a010243d400000000"
	 "8002faf03f110000020405a00103030701010402"},
	{ADDRESS_IPV6, TRACE_TCP, 5,
	 "628abcde0025060520010db800000000000000000000000120010db80005000000000000000000071234829a010243d400000000"
	 "8002faf03f0c0000020405a001030307010104020000000000"},
};
#define PACKETS (sizeof(packets) / sizeof(*packets))

Test(trace_wire_build, bytes)
{
	for (size_t i = 0; i < PACKETS; i++) {
		struct trace_flow flow = trace_make_flow(packets[i].family, packets[i].protocol);
		struct trace_packet packet = {.flow = &flow,
					      .id = 0x0102,
					      .payload_size = packets[i].payload_size,
					      .hop_limit = 5,
					      .dont_fragment = true};
		struct trace_bytes expected = trace_from_hex(packets[i].hex);
		struct trace_bytes out = trace_written(&packet);
		cr_assert_eq(out.size, expected.size, "packet %zu: %zu bytes", i, out.size);
		cr_assert_arr_eq(out.bytes, expected.bytes, out.size, "packet %zu", i);
		cr_assert_eq(out.size,
			     trace_wire_header_size(packets[i].family, packets[i].protocol) + packets[i].payload_size);
		cr_assert_eq(trace_wire_write_packet(out.bytes, expected.size - 1, &packet), 0, "no room");
	}
}

Test(trace_wire_build, fragments_are_allowed_unless_told_otherwise)
{
	struct trace_flow flow = trace_make_flow(ADDRESS_IPV4, TRACE_UDP);
	struct trace_packet packet = {.flow = &flow, .id = 9, .hop_limit = 64};
	struct trace_bytes out = trace_written(&packet);
	cr_assert_eq(out.bytes[6], 0);
	cr_assert_eq(wire_checksum(out.bytes, 20), 0);
	packet.dont_fragment = true;
	out = trace_written(&packet);
	cr_assert_eq(out.bytes[6], 0x40);
	cr_assert_eq(wire_checksum(out.bytes, 20), 0);
}

Test(trace_wire_build, small_payloads_are_raised)
{
	for (enum trace_protocol protocol = TRACE_ICMP; protocol < TRACE_PROTOCOLS; protocol++) {
		struct trace_flow flow = trace_make_flow(ADDRESS_IPV6, protocol);
		struct trace_packet packet = {.flow = &flow, .id = 1, .hop_limit = 1};
		size_t least = protocol == TRACE_TCP ? 0 : TRACE_WIRE_MARK;
		cr_assert_eq(trace_wire_payload_min(protocol), least);
		cr_assert_eq(trace_written(&packet).size, trace_wire_header_size(ADDRESS_IPV6, protocol) + least);
	}
}

Test(trace_wire_build, the_largest)
{
	static uint8_t out[70000];
	struct trace_flow flow = trace_make_flow(ADDRESS_IPV4, TRACE_ICMP);
	struct trace_packet packet = {.flow = &flow, .id = 7, .hop_limit = 1, .payload_size = 65535 - 28};
	cr_assert_eq(trace_wire_write_packet(out, sizeof(out), &packet), 65535);
	packet.payload_size++;
	cr_assert_eq(trace_wire_write_packet(out, sizeof(out), &packet), 0);
	flow = trace_make_flow(ADDRESS_IPV4, TRACE_TCP);
	packet.payload_size = 32768 - 52;
	cr_assert_eq(trace_wire_write_packet(out, sizeof(out), &packet), 32768);
	packet.payload_size++;
	cr_assert_eq(trace_wire_write_packet(out, sizeof(out), &packet), 0);
	/* Nothing carries into the id, even so. */
	flow.secret = 0xffffffff;
	cr_assert_lt((flow.secret & TRACE_WIRE_TCP_SECRET) + 1 + 32768 - 52, 0x10000);
}

static uint16_t sum_of_transport(const struct trace_bytes *packet, const struct trace_flow *flow)
{
	bool is_v6 = flow->destination.family == ADDRESS_IPV6;
	uint8_t covered[4096] = {0};
	struct wire wire = wire_writer(covered, sizeof(covered));
	size_t header = is_v6 ? 40 : 20, length = packet->size - header;
	if (is_v6 || flow->protocol != TRACE_ICMP) {
		wire_write_bytes(&wire, packet->bytes + (is_v6 ? 8 : 12), is_v6 ? 32 : 8);
		wire_write_u32(&wire, (uint32_t)length);
		wire_write_u32(&wire, is_v6 ? packet->bytes[6] : packet->bytes[9]);
	}
	wire_write_bytes(&wire, packet->bytes + header, length);
	return wire_checksum(covered, wire.offset);
}

/* Every id: checksums hold, and what routers choose a path by does not change with it. */
static void check_flow(enum address_family family, enum trace_protocol protocol, uint32_t secret)
{
	struct trace_flow flow = trace_make_flow(family, protocol);
	flow.secret = secret;
	struct trace_packet packet = {.flow = &flow, .id = 1, .payload_size = 20, .hop_limit = 1};
	struct trace_bytes first = trace_written(&packet);
	size_t header = family == ADDRESS_IPV6 ? 40 : 20;
	size_t hashed = protocol == TRACE_ICMP ? 6 : 4; /* type, code, checksum, identifier; or the ports */
	for (unsigned id = 1; id < 0xffff; id += 13) {
		packet.id = (uint16_t)id;
		packet.hop_limit = (uint8_t)id;
		struct trace_bytes out = trace_written(&packet);
		cr_assert_eq(sum_of_transport(&out, &flow), 0, "id %u", id);
		cr_assert_arr_eq(out.bytes + header, first.bytes + header, hashed, "id %u", id);
		cr_assert_arr_eq(out.bytes, first.bytes, family == ADDRESS_IPV6 ? 7 : 4, "label, class, id %u", id);
		size_t addresses = family == ADDRESS_IPV6 ? 32 : 8;
		cr_assert_arr_eq(out.bytes + header - addresses, first.bytes + header - addresses, addresses);
	}
}

Test(trace_wire_build, a_flow_is_constant)
{
	static const uint32_t secrets[] = {0, 1, 0xffff, 0xfffe, 0x12345678, 0xffffffff, 0xa1b2c3d4};
	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
		for (enum address_family family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++)
			for (enum trace_protocol protocol = TRACE_ICMP; protocol < TRACE_PROTOCOLS; protocol++)
				check_flow(family, protocol, secrets[i]);
}

/* Without rights the kernel writes what is missing, and the packet comes out the same. */
Test(trace_wire_build, messages)
{
	for (size_t i = 0; i < PACKETS; i++) {
		struct trace_flow flow = trace_make_flow(packets[i].family, packets[i].protocol);
		struct trace_packet packet = {.flow = &flow, .id = 0x0102, .payload_size = packets[i].payload_size};
		struct trace_bytes whole = trace_from_hex(packets[i].hex), out;
		out.size = trace_wire_write_message(out.bytes, sizeof(out.bytes), &packet);
		if (packets[i].protocol == TRACE_TCP) {
			cr_assert_eq(out.size, 0);
			continue;
		}
		size_t missing = packets[i].family == ADDRESS_IPV6 ? 40 : 20;
		if (packets[i].protocol == TRACE_UDP)
			missing += 8;
		cr_assert_eq(out.size, whole.size - missing);
		cr_assert_arr_eq(out.bytes, whole.bytes + missing, out.size, "packet %zu", i);
		cr_assert_eq(trace_wire_write_message(out.bytes, out.size - 1, &packet), 0, "no room");
	}
}

/* The checksum is one that occurs: no sum gives 0xffff, and 0 is "none" to some. */
Test(trace_wire_build, icmp_checksums)
{
	struct trace_flow flow = trace_make_flow(ADDRESS_IPV4, TRACE_ICMP);
	for (uint32_t secret = 0; secret < 0x30000; secret++) {
		flow.secret = secret * 0x9e3779b1u;
		uint16_t checksum = trace_wire_icmp_checksum(&flow);
		cr_assert(checksum != 0 && checksum != 0xffff);
	}
}
