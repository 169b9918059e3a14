/*
 * wire: the far side of a network for tests. It sits on an AF_PACKET socket at one end of a veth, answers for every
 * address that is asked for, and plays echo replies and errors as a scenario says. It shares no code with the daemon:
 * it is the yardstick.
 */
#ifndef NETSONDE_TESTS_NET_WIRE_H
#define NETSONDE_TESTS_NET_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define WIRE_PLAN_MAX     1024
#define WIRE_DELAYS_MAX   64
#define WIRE_PACKET_MAX   65575 /* 40 bytes of IPv6 header and 65535 of payload */
#define WIRE_ADDRESS_TEXT 64

/* Bytes in network order, the rest zero. family: 4, 6, or 0 = none. */
struct wire_address {
	uint8_t family;
	uint8_t bytes[16];
};

enum wire_spoof {
	WIRE_SPOOF_ID,       /* another identifier */
	WIRE_SPOOF_SEQUENCE, /* another sequence number */
	WIRE_SPOOF_PAYLOAD,  /* the first 8 bytes of the payload changed */
	WIRE_SPOOF_SOURCE,   /* from the address other= */
	WIRE_SPOOF_QUOTE,    /* an error (error=) that quotes a request to other= */
	WIRE_SPOOF_CHECKSUM, /* a wrong ICMP checksum */
	WIRE_SPOOF_REQUEST,  /* not a reply but a request */
	WIRE_SPOOF_EMPTY,    /* the header alone, no payload */
	WIRE_SPOOF_COUNT
};

/* What one line of a scenario says. Times in nanoseconds. */
struct wire_rule {
	struct wire_address prefix; /* family 0 = every address */
	unsigned bits;
	bool is_silent; /* no answer to ARP and neighbour solicitations either */
	char plan[WIRE_PLAN_MAX];
	bool plan_ends; /* its last letter holds for ever, instead of beginning again */
	int64_t delays_ns[WIRE_DELAYS_MAX];
	size_t ndelays;
	int64_t late_ns;
	unsigned copies;
	uint8_t hop_limit, traffic_class;
	int error_type[2], error_code[2]; /* IPv4, IPv6; -1 = there is no such error in that family */
	struct wire_address router, other;
	uint32_t mtu;
	int quote;    /* bytes quoted after the IP header; -1 = as many as the RFCs want */
	int truncate; /* ICMP bytes of a truncated reply */
	int garbage;  /* ICMP bytes of a garbage packet */
	enum wire_spoof spoof;
};

struct wire_scenario {
	struct wire_rule *rules;
	size_t n;
};

/* An echo request as it arrived, whole. Points into the receiver's buffers. */
struct wire_request {
	uint8_t mac[6]; /* of the sender */
	struct wire_address source, destination;
	const uint8_t *packet; /* IP header onwards */
	size_t packet_size, header_size;
	const uint8_t *icmp;
	size_t icmp_size;
	uint8_t hop_limit, traffic_class;
	bool dont_fragment, was_fragmented;
	uint16_t id, sequence;
	int64_t stamp_ns;
};

/* A message to send: from, to, and what follows the IP header. */
struct wire_message {
	struct wire_address source, destination;
	uint8_t hop_limit, traffic_class;
	size_t size;
	uint8_t bytes[WIRE_PACKET_MAX];
};

/* --- wire_scenario.c ------------------------------------------------------------------------------------------------
 */

/* Reads a file; 0, or -1 after a message on stderr. The old contents of scenario are freed. */
int wire_scenario_read(struct wire_scenario *scenario, const char *path);
void wire_scenario_free(struct wire_scenario *scenario);
/* The first rule that fits, or NULL. */
const struct wire_rule *wire_scenario_find(const struct wire_scenario *scenario, const struct wire_address *address);

bool wire_address_parse(const char *text, struct wire_address *out);
const char *wire_address_format(const struct wire_address *address, char out[WIRE_ADDRESS_TEXT]);

/* --- wire_packet.c --------------------------------------------------------------------------------------------------
 */

/* Fragments of one packet, which must come in order. */
struct wire_assembly {
	bool is_open;
	uint32_t id;
	size_t size; /* of what is there, headers included */
	uint8_t packet[WIRE_PACKET_MAX];
};

enum wire_kind {
	WIRE_OTHER,
	WIRE_REQUEST,
	WIRE_FRAGMENT, /* a part of something; more must come */
};

/* An IPv4 or IPv6 packet -> request. What follows the packet (padding) is ignored. */
enum wire_kind wire_packet_read(struct wire_assembly *assembly, const uint8_t *packet, size_t size,
				struct wire_request *request);

/* ARP request or neighbour solicitation -> whole frame to send back, from mac. asked: which address. Returns the size
 * of the frame, 0 when the frame is no such question. */
size_t wire_neighbour_answer(const uint8_t *frame, size_t size, const uint8_t mac[6], uint8_t answer[128],
			     struct wire_address *asked);

void wire_make_reply(const struct wire_request *request, const struct wire_rule *rule, struct wire_message *message);
/* false when the family has no such error. */
bool wire_make_error(const struct wire_request *request, const struct wire_rule *rule, struct wire_message *message);
bool wire_make_spoof(const struct wire_request *request, const struct wire_rule *rule, struct wire_message *message);
void wire_make_truncated(const struct wire_request *request, const struct wire_rule *rule,
			 struct wire_message *message);
/* count: makes each one different, the same ones in every run. */
void wire_make_garbage(const struct wire_request *request, const struct wire_rule *rule, uint32_t count,
		       struct wire_message *message);
/* "Packet too big" or "fragmentation needed" for a packet that is more than the rule's MTU and may not be cut. */
void wire_make_too_big(const struct wire_request *request, const struct wire_rule *rule, struct wire_message *message);

/* The frames of a message, fragmented to mtu; emit is called for each, in order. id: for the fragments. */
struct wire_ends {
	uint8_t from[6], to[6];
	size_t mtu;
	uint32_t id;
};
void wire_message_frames(const struct wire_message *message, const struct wire_ends *ends,
			 void (*emit)(void *context, const uint8_t *frame, size_t size), void *context);

#endif
