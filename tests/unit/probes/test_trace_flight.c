#include <criterion/criterion.h>

#include "probes/traceroute/trace_flight.h"
#include "probes/traceroute/trace_wire.h"

#define LAST 0xfffe /* the ids are 1 to this */

static struct trace_flights *flights;

static void create(void)
{
	flights = trace_flights_create((struct hash_key){1, 2});
}

static void destroy(void)
{
	trace_flights_free(flights);
	trace_flights_free(NULL);
}

TestSuite(trace_flight, .init = create, .fini = destroy);

static struct trace_flow make_flow(enum trace_protocol protocol, const char *to, uint16_t port)
{
	struct trace_flow flow = {.protocol = (uint8_t)protocol, .secret = 0x12345678};
	address_parse(to, &flow.destination);
	address_parse(flow.destination.family == ADDRESS_IPV4 ? "192.0.2.1" : "2001:db8::1", &flow.source);
	flow.source.port = port;
	flow.destination.port = protocol == TRACE_ICMP ? 0 : 33434;
	return flow;
}

static uint16_t launch(struct trace_owner *owner, uint32_t tag)
{
	uint16_t id = trace_flights_launch(flights, owner, tag);
	trace_flights_set_state(flights, id, TRACE_FLIGHT_FLYING);
	return id;
}

/* Time exceeded, with a quote of the whole packet. */
static struct trace_reply make_error(const struct trace_flow *flow, uint16_t id)
{
	struct trace_reply reply = {.kind = TRACE_TTL_EXCEEDED, .hop_limit = 60};
	address_parse("203.0.113.9", &reply.from);
	reply.quote.protocol = flow->protocol;
	reply.quote.has_addresses = reply.quote.has_ports = reply.quote.has_id = true;
	reply.quote.source = flow->source;
	reply.quote.destination = flow->destination;
	reply.quote.id = id;
	if (flow->destination.family == ADDRESS_IPV4) {
		reply.quote.has_identification = true;
		reply.quote.identification = id;
	}
	if (flow->protocol == TRACE_UDP) {
		reply.quote.has_checksum = true;
		reply.quote.checksum = id;
	}
	return reply;
}

static struct trace_reply make_udp_reply(const struct trace_flow *flow)
{
	struct trace_reply reply = {.kind = TRACE_UDP_REPLY, .from = flow->destination};
	reply.quote.protocol = TRACE_UDP;
	reply.quote.has_ports = true;
	reply.quote.source.port = flow->source.port;
	reply.quote.destination = flow->destination;
	return reply;
}

static void expect(const struct trace_reply *reply, enum trace_verdict verdict, const struct trace_owner *owner,
		   uint16_t id)
{
	struct trace_match match = trace_flights_match(flights, reply);
	cr_assert_eq(match.verdict, verdict, "verdict %d, not %d", match.verdict, verdict);
	if (verdict == TRACE_VERDICT_FOREIGN)
		return;
	cr_assert_eq(match.owner, owner);
	cr_assert_eq(match.id, id);
}

Test(trace_flight, ids_go_round_and_leave_out_what_flies)
{
	struct trace_flow flow = make_flow(TRACE_ICMP, "198.51.100.1", 7);
	struct trace_owner owner;
	trace_flights_add(flights, &owner, &flow);
	uint16_t kept = launch(&owner, 1);
	for (uint32_t i = 2; i <= LAST; i++) {
		uint16_t id = launch(&owner, i);
		cr_assert_eq(id, i);
		trace_flights_set_state(flights, id, TRACE_FLIGHT_RELEASED);
	}
	cr_assert_eq(owner.flying, 1);
	cr_assert_eq(launch(&owner, 0), 2, "%u still flies, 0 and 0xffff are no ids", kept);
}

Test(trace_flight, nobody_takes_all_ids)
{
	static struct trace_flow flows[10];
	static struct trace_owner owners[10];
	unsigned n = 0;
	for (unsigned i = 0; i < 10; i++) {
		flows[i] = make_flow(TRACE_ICMP, "198.51.100.1", (uint16_t)i);
		trace_flights_add(flights, &owners[i], &flows[i]);
		unsigned of_flow = 0;
		while (trace_flights_launch(flights, &owners[i], of_flow))
			of_flow++;
		cr_assert_leq(of_flow, TRACE_FLIGHTS_OF_FLOW);
		cr_assert_eq(owners[i].flying, of_flow);
		n += of_flow;
	}
	cr_assert(n > 50000 && n < LAST, "%u", n);
	/* A flow that goes takes its packets along: there is room again. */
	trace_flights_remove(flights, &owners[0]);
	cr_assert_neq(trace_flights_launch(flights, &owners[9], 1), 0);
}

Test(trace_flight, packets_are_found_by_their_tag)
{
	struct trace_flow flow = make_flow(TRACE_ICMP, "198.51.100.1", 7);
	struct trace_owner owner;
	uint16_t ids[5];
	trace_flights_add(flights, &owner, &flow);
	cr_assert_eq(trace_flights_find(flights, &owner, 0), 0);
	for (uint32_t i = 0; i < 5; i++)
		ids[i] = launch(&owner, 100 + i);
	trace_flights_set_state(flights, ids[2], TRACE_FLIGHT_RELEASED); /* in the middle */
	trace_flights_set_state(flights, ids[4], TRACE_FLIGHT_ANSWERED); /* the newest */
	trace_flights_set_state(flights, ids[0], TRACE_FLIGHT_RELEASED); /* the oldest */
	for (uint32_t i = 0; i < 5; i++)
		cr_assert_eq(trace_flights_find(flights, &owner, 100 + i), i % 2 ? ids[i] : 0);
	cr_assert_eq(owner.flying, 2);
}

Test(trace_flight, packets_are_as_they_were_launched)
{
	struct trace_flow flow = make_flow(TRACE_UDP, "2001:db8::7", 61000);
	struct trace_owner owner;
	trace_flights_add(flights, &owner, &flow);
	uint16_t id = launch(&owner, 1);
	struct trace_flight *flight = trace_flights_at(flights, id);
	flight->hop_limit = 9;
	flight->payload_size = 100;
	flight->dont_fragment = true;
	struct trace_packet packet = trace_flights_packet(flights, id);
	cr_assert_eq(packet.flow, &flow);
	cr_assert_eq(packet.id, id);
	cr_assert_eq(packet.hop_limit, 9);
	cr_assert_eq(packet.payload_size, 100);
	cr_assert(packet.dont_fragment);
}

Test(trace_flight, first_second_and_late_answers_are_told_apart)
{
	for (unsigned protocol = 0; protocol < TRACE_PROTOCOLS; protocol++) {
		struct trace_flow flow = make_flow(protocol, "198.51.100.1", 61000);
		struct trace_owner owner;
		trace_flights_add(flights, &owner, &flow);
		uint16_t id = launch(&owner, 1);
		uint16_t late = launch(&owner, 2);
		uint16_t queued = trace_flights_launch(flights, &owner, 3);
		trace_flights_set_state(flights, late, TRACE_FLIGHT_RELEASED);
		struct trace_reply reply = make_error(&flow, id);
		expect(&reply, TRACE_VERDICT_ANSWER, &owner, id);
		expect(&reply, TRACE_VERDICT_DUPLICATE, &owner, id);
		reply = make_error(&flow, late);
		expect(&reply, TRACE_VERDICT_LATE, &owner, late);
		expect(&reply, TRACE_VERDICT_DUPLICATE, &owner, late);
		reply = make_error(&flow, queued);
		expect(&reply, TRACE_VERDICT_FOREIGN, NULL, 0);
		reply = make_error(&flow, (uint16_t)(queued + 1));
		expect(&reply, TRACE_VERDICT_FOREIGN, NULL, 0);
		cr_assert_eq(owner.flying, 1);
		trace_flights_remove(flights, &owner);
		reply = make_error(&flow, id);
		expect(&reply, TRACE_VERDICT_FOREIGN, NULL, 0);
	}
}

Test(trace_flight, what_is_not_of_the_flow_is_foreign)
{
	struct trace_flow flow = make_flow(TRACE_UDP, "198.51.100.1", 61000);
	struct trace_owner owner;
	trace_flights_add(flights, &owner, &flow);
	uint16_t id = launch(&owner, 1);
	struct trace_reply reply = make_error(&flow, id);
	reply.quote.protocol = TRACE_TCP;
	expect(&reply, TRACE_VERDICT_FOREIGN, NULL, 0);
	reply = make_error(&flow, id);
	reply.quote.source.port++;
	expect(&reply, TRACE_VERDICT_FOREIGN, NULL, 0);
	reply = make_error(&flow, id);
	reply.quote.destination.bytes[3]++;
	expect(&reply, TRACE_VERDICT_FOREIGN, NULL, 0);
	cr_assert_eq(trace_flights_at(flights, id)->state, TRACE_FLIGHT_FLYING);
}

/* Behind a translator that makes the checksum new the packet is found by its IPv4 identification. */
Test(trace_flight, translated_packets_are_found_by_identification)
{
	struct trace_flow flow = make_flow(TRACE_UDP, "198.51.100.1", 61000);
	struct trace_owner owner;
	trace_flights_add(flights, &owner, &flow);
	launch(&owner, 1);
	uint16_t id = launch(&owner, 2);
	struct trace_reply reply = make_error(&flow, id);
	reply.quote.id = reply.quote.checksum = 0x4321;
	address_parse("203.0.113.1", &reply.quote.source);
	reply.quote.source.port = flow.source.port;
	struct trace_match match = trace_flights_match(flights, &reply);
	cr_assert_eq(match.verdict, TRACE_VERDICT_ANSWER);
	cr_assert_eq(match.id, id);
	cr_assert(match.changed & TRACE_CHANGED_BY_NAT);
}

Test(trace_flight, udp_replies_are_clear_only_while_one_packet_flies)
{
	struct trace_flow flow = make_flow(TRACE_UDP, "198.51.100.1", 61000);
	struct trace_flow other = make_flow(TRACE_UDP, "198.51.100.1", 61001);
	struct trace_owner owner, other_owner;
	trace_flights_add(flights, &owner, &flow);
	trace_flights_add(flights, &other_owner, &other);
	struct trace_reply reply = make_udp_reply(&flow);
	expect(&reply, TRACE_VERDICT_FOREIGN, NULL, 0);
	launch(&other_owner, 1);
	expect(&reply, TRACE_VERDICT_FOREIGN, NULL, 0);
	uint16_t id = launch(&owner, 1);
	uint16_t second = launch(&owner, 2);
	uint16_t queued = trace_flights_launch(flights, &owner, 3);
	expect(&reply, TRACE_VERDICT_UNCLEAR, &owner, 0);
	trace_flights_set_state(flights, second, TRACE_FLIGHT_RELEASED);
	reply.quote.has_id = true; /* what the target says looks like an id */
	reply.quote.id = second;
	expect(&reply, TRACE_VERDICT_ANSWER, &owner, id);
	expect(&reply, TRACE_VERDICT_FOREIGN, NULL, 0);
	trace_flights_set_state(flights, queued, TRACE_FLIGHT_FREE);
	cr_assert_null(trace_flights_owner(flights, queued));
}

/* The error queue of a router that quotes eight bytes: nothing but the flow is known. A raw socket sees the quoted
 * header as well; without an id there it is damaged. */
Test(trace_flight, quotes_without_an_id)
{
	struct trace_flow flow = make_flow(TRACE_UDP, "198.51.100.1", 61000);
	struct trace_owner owner;
	trace_flights_add(flights, &owner, &flow);
	uint16_t id = launch(&owner, 1);
	struct trace_reply reply = make_error(&flow, id);
	reply.quote.has_id = reply.quote.has_identification = reply.quote.has_checksum = false;
	expect(&reply, TRACE_VERDICT_FOREIGN, NULL, 0);
	reply.quote.has_addresses = reply.quote.has_ports = false;
	expect(&reply, TRACE_VERDICT_ANSWER, &owner, id);
	launch(&owner, 2);
	launch(&owner, 3);
	expect(&reply, TRACE_VERDICT_UNCLEAR, &owner, 0);
}

Test(trace_flight, flows_come_and_go)
{
	enum { FLOWS = 200 };
	static struct trace_flow flows[FLOWS];
	static struct trace_owner owners[FLOWS];
	uint16_t ids[FLOWS];
	for (unsigned i = 0; i < FLOWS; i++) {
		flows[i] = make_flow(TRACE_UDP, i % 2 ? "198.51.100.1" : "198.51.100.2", (uint16_t)(1000 + i));
		trace_flights_add(flights, &owners[i], &flows[i]);
		ids[i] = launch(&owners[i], i);
	}
	for (unsigned i = 0; i < FLOWS; i += 3)
		trace_flights_remove(flights, &owners[i]);
	trace_flights_remove(flights, &owners[0]); /* harmless */
	for (unsigned i = 0; i < FLOWS; i += 6) {  /* places are taken again: by others than before */
		trace_flights_add(flights, &owners[i], &flows[i]);
		struct trace_reply reply = make_error(&flows[i], ids[i]);
		expect(&reply, TRACE_VERDICT_FOREIGN, NULL, 0);
	}
	for (unsigned i = 0; i < FLOWS; i++) {
		struct trace_reply reply = make_udp_reply(&flows[i]);
		if (i % 3)
			expect(&reply, TRACE_VERDICT_ANSWER, &owners[i], ids[i]);
		else
			expect(&reply, TRACE_VERDICT_FOREIGN, NULL, 0);
	}
}
