/*
 * An IP address of either family, one struct.
 */
#ifndef NETSONDE_CORE_ADDRESS_H
#define NETSONDE_CORE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/hash.h"

enum address_family { ADDRESS_NONE = 0, ADDRESS_IPV4 = 1, ADDRESS_IPV6 = 2 };
#define ADDRESS_FAMILIES 2

/* Network byte order in bytes[0..4) or bytes[0..16), the rest zero, so that two addresses can be compared as memory.
 * scope_id: interface index of a link-local IPv6 address, else 0. port: host order; not part of the identity. */
struct address {
	uint8_t bytes[16];
	uint32_t scope_id;
	uint16_t port;
	uint8_t family; /* enum address_family */
};

/* What differs between the families, by enum address_family - 1. */
struct address_family_facts {
	const char *name; /* "ipv4", "ipv6" */
	int af;           /* AF_INET, AF_INET6 */
	size_t size;      /* bytes of an address */
	unsigned bits;
};
extern const struct address_family_facts address_families[ADDRESS_FAMILIES];

#define ADDRESS_TEXT_SIZE 64

/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]", "fe80::1%eth0" -> address, port 0. Only literals: no names, no short
 * IPv4 forms, no zone on addresses that need none. IPv4-mapped IPv6 becomes IPv4. Returns false, with family
 * ADDRESS_NONE, when the text is not an address. An unknown interface name after % is not an address; a number there is
 * taken as an index. */
bool address_parse(const char *text, struct address *out);

/* "HOST", "HOST:PORT", "[V6]:PORT", "V6" -> host (owned by the caller's buffer) and port (fallback when absent).
 * Returns 0 or -1 (bad port, empty host, host longer than size). */
int address_split_host_port(const char *text, char *host, size_t size, uint16_t *port, uint16_t fallback);

/* Text form (RFC 5952; with %scope where there is one, by interface name if it has one). Returns out. */
const char *address_format(const struct address *address, char out[ADDRESS_TEXT_SIZE]);

bool address_equal(const struct address *a, const struct address *b); /* family, bytes, scope */
uint64_t address_hash(struct hash_key key, const struct address *address);

bool address_is_loopback(const struct address *address);
bool address_is_unspecified(const struct address *address);

/* To and from the kernel's form. address_to_sockaddr returns the length to pass on. IPv4-mapped IPv6 becomes IPv4.
 * from: false for other families or a short length. */
socklen_t address_to_sockaddr(const struct address *address, struct sockaddr_storage *out);
bool address_from_sockaddr(const struct sockaddr *from, socklen_t length, struct address *out);

#endif
