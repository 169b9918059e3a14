/*
 * Which packet a reply is about, and what happened to the packet on its way.
 */
#include <string.h>

#include "probes/traceroute/trace_wire_facts.h"

static bool is_same_address(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Is this address known, and another? */
static bool differs(const struct address *told, const struct address *sent)
{
	return told->family != ADDRESS_NONE && !is_same_address(told, sent);
}

/* Does the reply acknowledge our SYN, with or without its payload? */
static bool fits_acknowledged(const struct trace_packet *sent, const struct trace_reply *reply)
{
	uint16_t secret = sent->flow->secret & TRACE_WIRE_TCP_SECRET;
	uint16_t more = (uint16_t)(reply->quote.secret - secret);
	return more == 0 || (reply->kind == TRACE_RESET && more == sent->payload_size);
}

static bool fits_sequence(const struct trace_packet *sent, const struct trace_reply *reply)
{
	return reply->quote.has_sequence && reply->quote.id == sent->id && fits_acknowledged(sent, reply);
}

static bool fits_mark(const struct trace_packet *sent, const struct trace_reply *reply)
{
	return reply->quote.has_mark && reply->quote.id == sent->id && reply->quote.mark == sent->flow->secret;
}

static uint16_t sent_checksum(const struct trace_packet *sent)
{
	return sent->flow->protocol == TRACE_UDP ? sent->id : trace_wire_icmp_checksum(sent->flow);
}

static unsigned find_changed_ports(const struct trace_packet *sent, const struct trace_reply *reply)
{
	const struct trace_flow *flow = sent->flow;
	unsigned changed = 0;
	if (!reply->quote.has_ports)
		return 0;
	if (reply->quote.source.port != flow->source.port)
		changed |= TRACE_CHANGED_SOURCE_PORT;
	if (flow->protocol != TRACE_ICMP && reply->quote.destination.port != flow->destination.port)
		changed |= TRACE_CHANGED_DESTINATION_PORT;
	return changed;
}

static unsigned find_changed(const struct trace_packet *sent, const struct trace_reply *reply)
{
	const struct trace_flow *flow = sent->flow;
	unsigned changed = find_changed_ports(sent, reply);
	if (differs(&reply->quote.source, &flow->source))
		changed |= TRACE_CHANGED_SOURCE;
	if (differs(&reply->quote.destination, &flow->destination))
		changed |= TRACE_CHANGED_DESTINATION;
	if (reply->quote.has_checksum && flow->protocol != TRACE_TCP && reply->quote.checksum != sent_checksum(sent))
		changed |= TRACE_CHANGED_CHECKSUM;
	if (reply->quote.has_identification && reply->quote.identification != sent->id)
		changed |= TRACE_CHANGED_IDENTIFICATION;
	if (reply->quote.has_addresses && reply->quote.traffic_class != flow->traffic_class)
		changed |= TRACE_CHANGED_TRAFFIC_CLASS;
	if (reply->quote.has_sequence && !fits_sequence(sent, reply))
		changed |= TRACE_CHANGED_SEQUENCE;
	return changed;
}

/* The id in any of its places. */
static bool fits_id(const struct trace_packet *sent, const struct trace_reply *reply)
{
	if (reply->quote.has_identification && reply->quote.identification == sent->id)
		return true;
	if (sent->flow->protocol == TRACE_TCP)
		return fits_sequence(sent, reply);
	return reply->quote.has_id && reply->quote.id == sent->id;
}

/* Something that only those know who have seen a packet of the flow. */
static bool fits_secret(const struct trace_packet *sent, const struct trace_reply *reply)
{
	if (fits_mark(sent, reply) || fits_sequence(sent, reply))
		return true;
	return sent->flow->protocol == TRACE_ICMP && reply->quote.has_checksum &&
	       reply->quote.checksum == sent_checksum(sent);
}

/* An error is about our packet when it quotes it to the place and from the port that it had, or else its secret. */
static bool is_our_error(const struct trace_packet *sent, const struct trace_reply *reply, unsigned changed)
{
	if (!fits_id(sent, reply))
		return false;
	unsigned other = TRACE_CHANGED_DESTINATION | TRACE_CHANGED_SOURCE_PORT | TRACE_CHANGED_DESTINATION_PORT;
	return fits_secret(sent, reply) || (reply->quote.has_ports && !(changed & other));
}

static bool is_our_answer(const struct trace_packet *sent, const struct trace_reply *reply, unsigned changed)
{
	if (changed & (TRACE_CHANGED_SOURCE_PORT | TRACE_CHANGED_DESTINATION_PORT))
		return false;
	if (reply->kind == TRACE_ECHO_REPLY || reply->kind == TRACE_UDP_REPLY)
		return fits_mark(sent, reply);
	return fits_sequence(sent, reply) && !(changed & TRACE_CHANGED_DESTINATION);
}

bool trace_wire_belongs(const struct trace_packet *sent, const struct trace_reply *reply, unsigned *changed)
{
	*changed = 0;
	if (reply->quote.protocol != sent->flow->protocol)
		return false;
	unsigned found = find_changed(sent, reply);
	bool is_answer = reply->kind == TRACE_ECHO_REPLY || reply->kind == TRACE_UDP_REPLY ||
			 reply->kind == TRACE_SYN_ACK || reply->kind == TRACE_RESET;
	if (is_answer ? !is_our_answer(sent, reply, found) : !is_our_error(sent, reply, found))
		return false;
	*changed = found;
	return true;
}
