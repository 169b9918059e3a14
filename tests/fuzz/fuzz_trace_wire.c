/* What comes back to traceroute: quoted packets, extensions, segments, entries of the error queue. Nothing is read
 * beyond the end, ceilings hold, and what is said to be known fits together. The first byte chooses the reader and the
 * family, the next four are what the kernel says about an entry of the error queue. */
#include <stdlib.h>
#include <string.h>

#include "core/wire.h"
#include "probes/traceroute/trace_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHOICE 5 /* bytes before the packet */

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void check_extension(const struct trace_reply *reply)
{
	expect(reply->nlabels <= TRACE_LABELS_MAX && reply->ninterfaces <= TRACE_INTERFACES_MAX);
	for (unsigned i = 0; i < reply->nlabels; i++)
		expect(reply->labels[i].label <= 0xfffff && reply->labels[i].traffic_class <= 7);
	for (unsigned i = 0; i < reply->ninterfaces; i++) {
		const struct trace_interface *interface = &reply->interfaces[i];
		expect(memchr(interface->name, '\0', sizeof(interface->name)) != NULL);
		for (const char *c = interface->name; *c; c++)
			expect(*c >= ' ' && *c <= '~');
		expect(interface->role <= TRACE_INTERFACE_NEXT_HOP && interface->address.family <= ADDRESS_IPV6);
	}
	expect(reply->incoming.family == ADDRESS_NONE || reply->ninterfaces > 0);
}

static void check_quote(const struct trace_reply *reply)
{
	expect((unsigned)reply->kind < TRACE_ANSWERS && reply->quote.protocol < TRACE_PROTOCOLS);
	expect(reply->quote.has_id || (reply->quote.id == 0 && !reply->quote.has_mark && !reply->quote.has_sequence));
	expect(!reply->quote.has_mark || reply->quote.protocol != TRACE_TCP);
	expect(!reply->quote.has_sequence || reply->quote.protocol == TRACE_TCP);
	expect(reply->quote.has_mark || reply->quote.mark == 0);
	expect(reply->quote.destination.family == ADDRESS_IPV4 || reply->quote.destination.family == ADDRESS_IPV6);
	expect(reply->mtu == 0 || reply->kind == TRACE_TOO_BIG);
	expect(reply->hop_limit >= -1 && reply->quote.hop_limit >= -1);
}

/* The flow that the reply tells of, as far as it does: the reply belongs to it when an id and ports are told. */
static void check_match(const struct trace_reply *reply)
{
	struct trace_flow flow = {.source = reply->quote.source,
				  .destination = reply->quote.destination,
				  .protocol = reply->quote.protocol,
				  .traffic_class = reply->quote.traffic_class,
				  .secret = reply->quote.has_mark ? reply->quote.mark : reply->quote.secret};
	struct trace_packet packet = {.flow = &flow, .id = reply->quote.id};
	unsigned changed = 1;
	bool belongs = trace_wire_belongs(&packet, reply, &changed);
	expect(belongs || changed == 0);
	expect(!belongs || reply->quote.has_id || reply->quote.has_identification);
	if (reply->quote.has_mark && reply->quote.has_ports)
		expect(belongs);
	expect(!(changed & (TRACE_CHANGED_SOURCE | TRACE_CHANGED_DESTINATION | TRACE_CHANGED_TRAFFIC_CLASS)));
	packet.id++;
	if (trace_wire_belongs(&packet, reply, &changed))
		expect(reply->quote.has_identification && reply->quote.identification == packet.id);
}

/* Gives an IPv4 packet the ICMP checksum that it should have: no fuzzer guesses it. */
static void correct_checksum(uint8_t *bytes, size_t size)
{
	size_t header = size > 0 ? (size_t)(bytes[0] & 15) * 4 : 0;
	size_t total = size >= 4 ? (size_t)(bytes[2] << 8 | bytes[3]) : 0;
	if (total < header || total > size)
		total = size;
	if (header < TRACE_WIRE_IPV4_HEADER || header + 4 > total)
		return;
	bytes[header + 2] = bytes[header + 3] = 0;
	uint16_t checksum = wire_checksum(bytes + header, total - header);
	bytes[header + 2] = (uint8_t)(checksum >> 8);
	bytes[header + 3] = (uint8_t)checksum;
}

static bool read_queued(const uint8_t *choice, const uint8_t *bytes, size_t size, struct trace_reply *reply)
{
	struct trace_queued queued = {.protocol = choice[0] & 8 ? TRACE_UDP : TRACE_ICMP,
				      .type = choice[1],
				      .code = choice[2],
				      .info = choice[3],
				      .extension_at = choice[4]};
	address_parse(choice[0] & 1 ? "2001:db8::1" : "192.0.2.1", &queued.destination);
	return trace_wire_read_queued(bytes, size, &queued, reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool (*const readers[4])(const void *, size_t, const struct address *, struct trace_reply *) = {
		trace_wire_read_icmp, trace_wire_read_tcp, trace_wire_read_echo, trace_wire_read_udp};
	if (size < CHOICE)
		return 0;
	/* Memory of its own of exactly this size, which may be changed. */
	uint8_t *bytes = malloc(size - CHOICE + 1);
	if (!bytes)
		abort();
	bytes[0] = data[CHOICE - 1]; /* not read: only so that the block is not empty */
	uint8_t *packet = bytes + 1;
	memcpy(packet, data + CHOICE, size - CHOICE);
	struct address from;
	address_parse(data[0] & 1 ? "2001:db8::9" : "192.0.2.9", &from);
	if ((data[0] & 0x17) == 0)
		correct_checksum(packet, size - CHOICE);
	struct trace_reply reply = {.stamp_ns = 42};
	bool is_read = data[0] & 0x10 ? read_queued(data, packet, size - CHOICE, &reply)
				      : readers[data[0] >> 1 & 3](packet, size - CHOICE, &from, &reply);
	expect(reply.stamp_ns == 42);
	check_extension(&reply);
	if (is_read) {
		check_quote(&reply);
		check_match(&reply);
	}
	free(bytes);
	return 0;
}
