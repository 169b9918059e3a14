/*
 * Packets of the wire player: bytes <-> what they mean. RFC 791, 792, 826, 4443, 4861, 8200.
 */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

#define ETHERNET_SIZE 14
#define ICMP_HEADER   8

struct family {
	uint16_t ethertype;
	size_t header_size, address_size;
	size_t source_at, destination_at;
	uint8_t protocol, request, reply, unreachable, too_big;
	uint8_t too_big_code;
	size_t mtu_at, mtu_size; /* in an ICMP header */
	size_t error_max; /* size of a whole error packet, RFC 1812 section 4.3.2.3 and RFC 4443 section 2.4 (c) */
};

static const struct family families[2] = {
	{0x0800, 20, 4, 12, 16, 1, 8, 0, 3, 3, 4, 6, 2, 576},
	{0x86dd, 40, 16, 8, 24, 58, 128, 129, 1, 2, 0, 4, 4, 1280},
};

static const struct family *family_of(const struct wire_address *address)
{
	return &families[address->family == 6];
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static uint32_t sum_bytes(uint32_t sum, const uint8_t *bytes, size_t n)
{
	for (; n > 1; bytes += 2, n -= 2)
		sum += get16(bytes);
	if (n)
		sum += (uint32_t)bytes[0] << 8;
	return (sum & 0xffff) + (sum >> 16);
}

static uint16_t sum_end(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Of the whole ICMP message, with the pseudo header of RFC 8200 section 8.1 in IPv6. */
static void message_set_checksum(struct wire_message *message)
{
	uint32_t sum = 0;

	put16(message->bytes + 2, 0);
	if (message->source.family == 6) {
		sum = sum_bytes(sum, message->source.bytes, 16);
		sum = sum_bytes(sum, message->destination.bytes, 16);
		sum += (uint32_t)message->size + 58;
	}
	put16(message->bytes + 2, sum_end(sum_bytes(sum, message->bytes, message->size)));
}

static struct wire_address address_at(uint8_t family, const uint8_t *bytes)
{
	struct wire_address address = {.family = family};

	memcpy(address.bytes, bytes, family == 4 ? 4 : 16);
	return address;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* One IP packet, as far as it matters here. */
struct ip {
	uint8_t family;
	const uint8_t *packet;
	size_t header_size; /* without extension headers */
	uint8_t protocol;
	const uint8_t *payload;
	size_t payload_size;
	bool is_fragment, has_more;
	size_t offset;
	uint32_t id;
};

static bool ip_read_v4(const uint8_t *packet, size_t size, struct ip *ip)
{
	size_t total = get16(packet + 2), flags = get16(packet + 6);

	ip->header_size = (size_t)(packet[0] & 0x0f) * 4;
	if (ip->header_size < 20 || total < ip->header_size || total > size)
		return false;
	ip->protocol = packet[9];
	ip->payload = packet + ip->header_size;
	ip->payload_size = total - ip->header_size;
	ip->has_more = flags & 0x2000;
	ip->offset = (flags & 0x1fff) * 8;
	ip->is_fragment = ip->has_more || ip->offset;
	ip->id = get16(packet + 4);
	return true;
}

static bool ip_read_v6(const uint8_t *packet, size_t size, struct ip *ip)
{
	size_t length;

	if (size < 40)
		return false;
	length = get16(packet + 4);
	if (length > size - 40)
		return false;
	ip->header_size = 40;
	ip->protocol = packet[6];
	ip->payload = packet + 40;
	ip->payload_size = length;
	if (ip->protocol == 44 && length >= 8) {
		ip->is_fragment = true;
		ip->protocol = ip->payload[0];
		ip->offset = get16(ip->payload + 2) & 0xfff8;
		ip->has_more = ip->payload[3] & 1;
		ip->id = get32(ip->payload + 4);
		ip->payload += 8;
		ip->payload_size -= 8;
	}
	return true;
}

static bool ip_read(const uint8_t *packet, size_t size, struct ip *ip)
{
	*ip = (struct ip){.packet = packet};
	if (size < 20)
		return false;
	ip->family = packet[0] >> 4;
	if (ip->family == 4)
		return ip_read_v4(packet, size, ip);
	return ip->family == 6 && ip_read_v6(packet, size, ip);
}

/* Adds a fragment; true when the packet is whole, which ip then is. */
static bool assembly_add(struct wire_assembly *assembly, struct ip *ip)
{
	size_t header = ip->header_size;

	if (ip->offset == 0) {
		assembly->is_open = true;
		assembly->id = ip->id;
		assembly->size = header;
		memcpy(assembly->packet, ip->packet, header);
	}
	if (!assembly->is_open || assembly->id != ip->id || assembly->size != header + ip->offset ||
	    assembly->size + ip->payload_size > sizeof(assembly->packet)) {
		assembly->is_open = false;
		return false;
	}
	memcpy(assembly->packet + assembly->size, ip->payload, ip->payload_size);
	assembly->size += ip->payload_size;
	if (ip->has_more)
		return false;
	assembly->is_open = false;
	if (ip->family == 4) {
		put16(assembly->packet + 2, assembly->size);
		put16(assembly->packet + 6, 0);
	} else {
		put16(assembly->packet + 4, assembly->size - 40);
		assembly->packet[6] = ip->protocol;
	}
	ip->packet = assembly->packet;
	ip->payload = assembly->packet + header;
	ip->payload_size = assembly->size - header;
	return true;
}

enum wire_kind wire_packet_read(struct wire_assembly *assembly, const uint8_t *packet, size_t size,
				struct wire_request *request)
{
	const struct family *family;
	struct ip ip;

	if (!ip_read(packet, size, &ip))
		return WIRE_OTHER;
	family = &families[ip.family == 6];
	if (ip.protocol != family->protocol)
		return WIRE_OTHER;
	request->was_fragmented = ip.is_fragment;
	request->dont_fragment = ip.family == 6 || get16(packet + 6) & 0x4000;
	request->source = address_at(ip.family, packet + family->source_at);
	request->destination = address_at(ip.family, packet + family->destination_at);
	request->hop_limit = ip.family == 4 ? packet[8] : packet[7];
	request->traffic_class = ip.family == 4 ? packet[1] : (uint8_t)(get16(packet) >> 4);
	if (ip.is_fragment && !assembly_add(assembly, &ip))
		return WIRE_FRAGMENT;
	if (ip.payload_size < ICMP_HEADER || ip.payload[0] != family->request)
		return WIRE_OTHER;
	request->packet = ip.packet;
	request->packet_size = (size_t)(ip.payload - ip.packet) + ip.payload_size;
	request->header_size = ip.header_size;
	request->icmp = ip.payload;
	request->icmp_size = ip.payload_size;
	request->id = get16(ip.payload + 4);
	request->sequence = get16(ip.payload + 6);
	return WIRE_REQUEST;
}

/* --- neighbours -------------------------------------------------------------------------------------------------- */

static size_t arp_answer(const uint8_t *frame, size_t size, const uint8_t mac[6], uint8_t *answer,
			 struct wire_address *asked)
{
	const uint8_t *arp = frame + ETHERNET_SIZE;
	static const uint8_t ethernet_ipv4_request[8] = {0, 1, 8, 0, 6, 4, 0, 1};

	/* A probe for a duplicate (sender 0.0.0.0) and an announcement (sender = target) want no answer: RFC 5227. */
	if (size < ETHERNET_SIZE + 28 || memcmp(arp, ethernet_ipv4_request, 8) != 0 || get32(arp + 14) == 0 ||
	    get32(arp + 14) == get32(arp + 24))
		return 0;
	*asked = address_at(4, arp + 24);
	memcpy(answer, arp + 8, 6);
	memcpy(answer + 6, mac, 6);
	put16(answer + 12, 0x0806);
	memcpy(answer + 14, ethernet_ipv4_request, 8);
	answer[21] = 2;
	memcpy(answer + 22, mac, 6);
	memcpy(answer + 28, arp + 24, 4);
	memcpy(answer + 32, arp + 8, 10);
	return ETHERNET_SIZE + 28;
}

struct frame_copy {
	uint8_t *to;
	size_t size;
};

static void copy_frame(void *context, const uint8_t *frame, size_t size)
{
	struct frame_copy *copy = context;

	memcpy(copy->to, frame, size);
	copy->size = size;
}

static size_t solicitation_answer(const uint8_t *frame, size_t size, const uint8_t mac[6], uint8_t *answer,
				  struct wire_address *asked)
{
	const uint8_t *packet = frame + ETHERNET_SIZE, *icmp = packet + 40;
	static const uint8_t unspecified[16];
	struct wire_message *message;
	struct wire_ends ends = {.mtu = 1280};
	struct frame_copy copy = {.to = answer};

	if (size < ETHERNET_SIZE + 40 + 24 || packet[6] != 58 || icmp[0] != 135 ||
	    memcmp(packet + 8, unspecified, 16) == 0)
		return 0;
	message = calloc(1, sizeof(*message));
	if (!message)
		return 0;
	*asked = address_at(6, icmp + 8);
	message->source = *asked;
	message->destination = address_at(6, packet + 8);
	message->hop_limit = 255;
	message->size = 32;
	message->bytes[0] = 136;
	message->bytes[4] = 0x60; /* solicited, override */
	memcpy(message->bytes + 8, asked->bytes, 16);
	message->bytes[24] = 2;
	message->bytes[25] = 1;
	memcpy(message->bytes + 26, mac, 6);
	message_set_checksum(message);
	memcpy(ends.from, mac, 6);
	memcpy(ends.to, frame + 6, 6);
	wire_message_frames(message, &ends, copy_frame, &copy);
	free(message);
	return copy.size;
}

size_t wire_neighbour_answer(const uint8_t *frame, size_t size, const uint8_t mac[6], uint8_t answer[128],
			     struct wire_address *asked)
{
	if (size < ETHERNET_SIZE)
		return 0;
	switch (get16(frame + 12)) {
	case 0x0806:
		return arp_answer(frame, size, mac, answer, asked);
	case 0x86dd:
		return solicitation_answer(frame, size, mac, answer, asked);
	default:
		return 0;
	}
}

/* --- making ------------------------------------------------------------------------------------------------------ */

static void message_begin(struct wire_message *message, const struct wire_request *request,
			  const struct wire_rule *rule)
{
	message->source = request->destination;
	message->destination = request->source;
	message->hop_limit = rule->hop_limit;
	message->traffic_class = rule->traffic_class;
	message->size = 0;
}

void wire_make_reply(const struct wire_request *request, const struct wire_rule *rule, struct wire_message *message)
{
	message_begin(message, request, rule);
	message->size = request->icmp_size;
	memcpy(message->bytes, request->icmp, request->icmp_size);
	message->bytes[0] = family_of(&request->source)->reply;
	message->bytes[1] = 0;
	message_set_checksum(message);
}

/* An error of this type and code that quotes the request; detail goes into the four bytes after the checksum. */
static void make_error(const struct wire_request *request, const struct wire_rule *rule, const uint8_t type_code[2],
		       struct wire_message *message)
{
	const struct family *family = family_of(&request->source);
	size_t quoted = request->packet_size, most = family->error_max - family->header_size - ICMP_HEADER;

	message_begin(message, request, rule);
	if (rule->router.family == request->source.family)
		message->source = rule->router;
	if (rule->quote >= 0 && quoted > request->header_size + (size_t)rule->quote)
		quoted = request->header_size + (size_t)rule->quote;
	if (quoted > most)
		quoted = most;
	memset(message->bytes, 0, ICMP_HEADER);
	message->bytes[0] = type_code[0];
	message->bytes[1] = type_code[1];
	if (type_code[0] == family->too_big && (family->mtu_size == 4 || type_code[1] == family->too_big_code)) {
		if (family->mtu_size == 4)
			put32(message->bytes + family->mtu_at, rule->mtu);
		else
			put16(message->bytes + family->mtu_at, rule->mtu);
	}
	memcpy(message->bytes + ICMP_HEADER, request->packet, quoted);
	message->size = ICMP_HEADER + quoted;
	message_set_checksum(message);
}

bool wire_make_error(const struct wire_request *request, const struct wire_rule *rule, struct wire_message *message)
{
	bool is_v6 = request->source.family == 6;

	if (rule->error_type[is_v6] < 0)
		return false;
	make_error(request, rule, (const uint8_t[]){(uint8_t)rule->error_type[is_v6], (uint8_t)rule->error_code[is_v6]},
		   message);
	return true;
}

void wire_make_too_big(const struct wire_request *request, const struct wire_rule *rule, struct wire_message *message)
{
	const struct family *family = family_of(&request->source);

	make_error(request, rule, (const uint8_t[]){family->too_big, family->too_big_code}, message);
}

/* The quoted packet now went to rule->other. */
static void quote_another(struct wire_message *message, const struct wire_rule *rule)
{
	const struct family *family = family_of(&message->source);
	uint8_t *quoted = message->bytes + ICMP_HEADER;

	memcpy(quoted + family->destination_at, rule->other.bytes, family->address_size);
	if (message->source.family == 4) {
		put16(quoted + 10, 0);
		put16(quoted + 10, sum_end(sum_bytes(0, quoted, (size_t)(quoted[0] & 0x0f) * 4)));
	}
	message_set_checksum(message);
}

bool wire_make_spoof(const struct wire_request *request, const struct wire_rule *rule, struct wire_message *message)
{
	bool needs_other = rule->spoof == WIRE_SPOOF_SOURCE || rule->spoof == WIRE_SPOOF_QUOTE;

	if (needs_other && rule->other.family != request->source.family)
		return false;
	if (rule->spoof == WIRE_SPOOF_QUOTE) {
		if (!wire_make_error(request, rule, message))
			return false;
		quote_another(message, rule);
		return true;
	}
	wire_make_reply(request, rule, message);
	if (rule->spoof == WIRE_SPOOF_ID)
		put16(message->bytes + 4, (request->id + 1u) & 0xffff);
	else if (rule->spoof == WIRE_SPOOF_SEQUENCE)
		put16(message->bytes + 6, (request->sequence + 1000u) & 0xffff);
	else if (rule->spoof == WIRE_SPOOF_SOURCE)
		message->source = rule->other;
	else if (rule->spoof == WIRE_SPOOF_REQUEST)
		message->bytes[0] = family_of(&request->source)->request;
	else if (rule->spoof == WIRE_SPOOF_EMPTY)
		message->size = ICMP_HEADER;
	else if (rule->spoof == WIRE_SPOOF_PAYLOAD)
		for (size_t i = ICMP_HEADER; i < ICMP_HEADER + 8 && i < message->size; i++)
			message->bytes[i] ^= 0x5a;
	message_set_checksum(message);
	if (rule->spoof == WIRE_SPOOF_CHECKSUM)
		message->bytes[3] ^= 0x55;
	return true;
}

void wire_make_truncated(const struct wire_request *request, const struct wire_rule *rule, struct wire_message *message)
{
	wire_make_reply(request, rule, message);
	if (message->size > (size_t)rule->truncate)
		message->size = (size_t)rule->truncate;
	if (message->size >= 4)
		message_set_checksum(message);
}

void wire_make_garbage(const struct wire_request *request, const struct wire_rule *rule, uint32_t count,
		       struct wire_message *message)
{
	const struct family *family = family_of(&request->source);
	/* No types that would teach the kernel of the other side something (redirects, neighbours, routers). */
	const uint8_t types[] = {family->reply, family->unreachable, family->too_big, 255, 200};
	uint32_t random = 2463534242u + count * 2654435761u;

	message_begin(message, request, rule);
	message->size = (size_t)rule->garbage;
	for (size_t i = 0; i < message->size; i++) {
		random ^= random << 13;
		random ^= random >> 17;
		random ^= random << 5;
		message->bytes[i] = (uint8_t)(random >> 11);
	}
	message->bytes[0] = types[count % sizeof(types)];
	if (message->size >= 4)
		message_set_checksum(message);
}

/* --- frames ------------------------------------------------------------------------------------------------------ */

/* Which part of a message a frame carries. */
struct part {
	size_t offset, size;
	bool has_more, is_fragment;
};

static size_t put_v4(uint8_t *packet, const struct wire_message *message, const struct part *part, uint32_t id)
{
	memset(packet, 0, 20);
	packet[0] = 0x45;
	packet[1] = message->traffic_class;
	put16(packet + 2, 20 + part->size);
	put16(packet + 4, id & 0xffff);
	put16(packet + 6, part->offset / 8 | (part->has_more ? 0x2000 : 0));
	packet[8] = message->hop_limit;
	packet[9] = 1;
	memcpy(packet + 12, message->source.bytes, 4);
	memcpy(packet + 16, message->destination.bytes, 4);
	put16(packet + 10, sum_end(sum_bytes(0, packet, 20)));
	return 20;
}

static size_t put_v6(uint8_t *packet, const struct wire_message *message, const struct part *part, uint32_t id)
{
	size_t extension = part->is_fragment ? 8 : 0;

	put32(packet, 6u << 28 | (uint32_t)message->traffic_class << 20);
	put16(packet + 4, part->size + extension);
	packet[6] = part->is_fragment ? 44 : 58;
	packet[7] = message->hop_limit;
	memcpy(packet + 8, message->source.bytes, 16);
	memcpy(packet + 24, message->destination.bytes, 16);
	if (part->is_fragment) {
		packet[40] = 58;
		packet[41] = 0;
		put16(packet + 42, part->offset | part->has_more);
		put32(packet + 44, id);
	}
	return 40 + extension;
}

void wire_message_frames(const struct wire_message *message, const struct wire_ends *ends,
			 void (*emit)(void *context, const uint8_t *frame, size_t size), void *context)
{
	const struct family *family = family_of(&message->source);
	uint8_t *frame = malloc(ETHERNET_SIZE + 48 + WIRE_PACKET_MAX);
	bool is_whole = family->header_size + message->size <= ends->mtu;
	size_t room = is_whole ? message->size : (ends->mtu - family->header_size - 8) & ~(size_t)7;
	struct part part = {.is_fragment = !is_whole};

	if (!frame)
		return;
	memcpy(frame, ends->to, 6);
	memcpy(frame + 6, ends->from, 6);
	put16(frame + 12, family->ethertype);
	do {
		uint8_t *packet = frame + ETHERNET_SIZE;
		size_t header;

		part.has_more = message->size - part.offset > room;
		part.size = part.has_more ? room : message->size - part.offset;
		header = family->header_size == 20 ? put_v4(packet, message, &part, ends->id)
						   : put_v6(packet, message, &part, ends->id);
		memcpy(packet + header, message->bytes + part.offset, part.size);
		emit(context, frame, ETHERNET_SIZE + header + part.size);
		part.offset += part.size;
	} while (part.has_more);
	free(frame);
}
