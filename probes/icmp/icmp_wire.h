/*
 * ICMP and ICMPv6 echo messages, bytes <-> struct (RFC 792, RFC 4443). No sockets, clocks or logging.
 */
#ifndef NETSONDE_PROBES_ICMP_WIRE_H
#define NETSONDE_PROBES_ICMP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/sample.h"

#define ICMP_WIRE_HEADER 8 /* type, code, checksum, identifier, sequence */
#define ICMP_WIRE_SECRET 8 /* the first bytes of the payload */
#define ICMP_WIRE_START  (ICMP_WIRE_HEADER + ICMP_WIRE_SECRET)

struct icmp_echo {
	uint16_t identifier;
	uint16_t sequence;
	uint64_t secret;
	bool has_secret; /* the message was long enough to carry one */
};

/* The first ICMP_WIRE_START bytes of an echo request; the rest of its payload is zeroes, which add nothing to the
 * checksum. The checksum is that of IPv4; the kernel makes the one of ICMPv6. */
void icmp_wire_write_request(uint8_t out[ICMP_WIRE_START], enum address_family family, const struct icmp_echo *echo);

/* An echo reply as it came from a socket; has_ip_header: an IPv4 header comes first (raw IPv4 sockets). False when it
 * is something else or too short. *header_size: bytes before the ICMP message. */
bool icmp_wire_read_reply(const void *bytes, size_t size, enum address_family family, bool has_ip_header,
			  struct icmp_echo *echo, size_t *header_size);

/* The echo request of ours that an ICMP error quotes, from its ICMP header on; only identifier and sequence are read
 * (routers may quote no more, RFC 792). False when it is no echo request. */
bool icmp_wire_read_quote(const void *bytes, size_t size, enum address_family family, struct icmp_echo *echo);

/* Does a message about a request of ours say that it was lost? Redirects and source quenches do not, though the kernel
 * reports them with the errors: the request has gone on (RFC 792, RFC 4861 4.5). */
bool icmp_wire_is_failure(enum address_family family, uint8_t type);

/* What an ICMP error means (RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1, RFC 4443 3, RFC 1191). */
enum reason icmp_wire_reason(enum address_family family, uint8_t type, uint8_t code);

/* The same for people: "Destination Host Unreachable". Never NULL. */
const char *icmp_wire_describe(enum address_family family, uint8_t type, uint8_t code);

#endif
