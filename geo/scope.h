/*
 * What kind of address this is, by the registries of special-purpose addresses (RFC 6890 and the IANA tables that it
 * started, of both families, and the multicast blocks). Pure.
 */
#ifndef NETSONDE_GEO_SCOPE_H
#define NETSONDE_GEO_SCOPE_H

#include "core/address.h"

enum scope {
	SCOPE_GLOBAL,
	SCOPE_PRIVATE, /* RFC 1918, fc00::/7, 64:ff9b:1::/48, fec0::/10 */
	SCOPE_CGNAT,   /* 100.64.0.0/10, between a provider's NAT and its customers */
	SCOPE_LOOPBACK,
	SCOPE_LINK_LOCAL,
	SCOPE_DOCUMENTATION,
	SCOPE_BENCHMARK,
	SCOPE_MULTICAST,
	SCOPE_BROADCAST,
	SCOPE_UNSPECIFIED, /* 0.0.0.0/8, :: */
	SCOPE_RESERVED,    /* for protocols, or for later */
	SCOPE_COUNT
};

/* "global", "private", "cgnat", "loopback", "link_local", ... */
const char *scope_name(enum scope scope);

/* Of an address of either family; ADDRESS_NONE is SCOPE_UNSPECIFIED. */
enum scope scope_of(const struct address *address);

/* Are the first bits of both the same, in one family? */
bool scope_has_prefix(const struct address *address, const struct address *network, unsigned bits);

#endif
