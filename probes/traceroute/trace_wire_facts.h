/*
 * What the files of trace_wire share.
 */
#ifndef NETSONDE_PROBES_TRACEROUTE_TRACE_WIRE_FACTS_H
#define NETSONDE_PROBES_TRACEROUTE_TRACE_WIRE_FACTS_H

#include <netinet/in.h>

#include "core/wire.h"
#include "probes/traceroute/trace_wire.h"

struct trace_wire_facts {
	size_t header;                    /* bytes of the transport header, as we write it */
	size_t payload_min;               /* bytes */
	size_t packet_max;                /* bytes of a whole packet */
	uint8_t number[ADDRESS_FAMILIES]; /* of the protocol, in IP headers */
};
extern const struct trace_wire_facts trace_wire_facts[TRACE_PROTOCOLS];

#define TRACE_WIRE_TCP_CHECKSUM_AT 16

/* The sequence number of a SYN. */
uint32_t trace_wire_sequence(const struct trace_flow *flow, uint16_t id);

/*
 * Finds the extension of an ICMP error (RFC 4884) and reads it into *reply. message: the quoted bytes and what follows.
 * quote_size: where the message says that the quote ends and an extension begins, 0 = it says nothing: then the place
 * `usual` bytes behind the beginning is looked at, and what is there must have a correct checksum. Returns how many of
 * the bytes are quote.
 */
size_t trace_wire_read_extension(struct wire message, size_t quote_size, size_t usual, struct trace_reply *reply);
/* Where routers put extensions that do not say where: this many bytes behind the beginning of the quoted IP header. */
#define TRACE_WIRE_USUAL_QUOTE 128

#endif
