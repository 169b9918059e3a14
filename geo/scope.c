#include "geo/scope.h"

#include <string.h>

struct block {
	struct address network;
	uint8_t bits, scope;
};

#define V4(a, b, c, d, bits, scope)                                                                                    \
	{                                                                                                              \
		{.bytes = {a, b, c, d}, .family = ADDRESS_IPV4}, bits, scope                                           \
	}
/* By the first four groups. */
#define V6(a, b, c, d, bits, scope)                                                                                    \
	{                                                                                                              \
		{.bytes = {(a) >> 8, (a)&0xff, (b) >> 8, (b)&0xff, (c) >> 8, (c)&0xff, (d) >> 8, (d)&0xff},            \
		 .family = ADDRESS_IPV6},                                                                              \
			bits, scope                                                                                    \
	}

/* The narrower ones first. */
static const struct block blocks[] = {
	V4(255, 255, 255, 255, 32, SCOPE_BROADCAST),
	V4(192, 0, 0, 9, 32, SCOPE_GLOBAL),   /* PCP anycast, RFC 7723 */
	V4(192, 0, 0, 10, 32, SCOPE_GLOBAL),  /* TURN anycast, RFC 8155 */
	V4(192, 0, 0, 0, 24, SCOPE_RESERVED), /* protocol assignments */
	V4(192, 0, 2, 0, 24, SCOPE_DOCUMENTATION),
	V4(198, 51, 100, 0, 24, SCOPE_DOCUMENTATION),
	V4(203, 0, 113, 0, 24, SCOPE_DOCUMENTATION),
	V4(233, 252, 0, 0, 24, SCOPE_DOCUMENTATION), /* multicast, RFC 5771 */
	V4(192, 88, 99, 0, 24, SCOPE_RESERVED),      /* 6to4 relays, given up by RFC 7526 */
	V4(169, 254, 0, 0, 16, SCOPE_LINK_LOCAL),
	V4(192, 168, 0, 0, 16, SCOPE_PRIVATE),
	V4(198, 18, 0, 0, 15, SCOPE_BENCHMARK),
	V4(172, 16, 0, 0, 12, SCOPE_PRIVATE),
	V4(100, 64, 0, 0, 10, SCOPE_CGNAT),
	V4(0, 0, 0, 0, 8, SCOPE_UNSPECIFIED),
	V4(10, 0, 0, 0, 8, SCOPE_PRIVATE),
	V4(127, 0, 0, 0, 8, SCOPE_LOOPBACK),
	V4(224, 0, 0, 0, 4, SCOPE_MULTICAST),
	V4(240, 0, 0, 0, 4, SCOPE_RESERVED),
	V4(0, 0, 0, 0, 0, SCOPE_GLOBAL),
	V6(0, 0, 0, 0, 128, SCOPE_UNSPECIFIED),
	{{.bytes = {[15] = 1}, .family = ADDRESS_IPV6}, 128, SCOPE_LOOPBACK},
	V6(0x64, 0xff9b, 0, 0, 96, SCOPE_GLOBAL), /* NAT64, RFC 6052 */
	V6(0x100, 0, 0, 0, 64, SCOPE_RESERVED),   /* discard only, RFC 6666 */
	V6(0x100, 0, 0, 1, 64, SCOPE_RESERVED),   /* dummy prefix, RFC 9780 */
	V6(0x64, 0xff9b, 1, 0, 48, SCOPE_PRIVATE),
	V6(0x2001, 2, 0, 0, 48, SCOPE_BENCHMARK),
	V6(0x2001, 4, 0x112, 0, 48, SCOPE_GLOBAL), /* AS112 */
	V6(0x2001, 0xdb8, 0, 0, 32, SCOPE_DOCUMENTATION),
	V6(0x2001, 3, 0, 0, 32, SCOPE_GLOBAL),    /* AMT */
	V6(0x2001, 0, 0, 0, 32, SCOPE_GLOBAL),    /* Teredo */
	V6(0x2001, 0x20, 0, 0, 28, SCOPE_GLOBAL), /* ORCHIDv2 */
	V6(0x2001, 0x30, 0, 0, 28, SCOPE_GLOBAL), /* drone identifiers */
	V6(0x2001, 0, 0, 0, 23, SCOPE_RESERVED),  /* protocol assignments */
	V6(0x3fff, 0, 0, 0, 20, SCOPE_DOCUMENTATION),
	V6(0xfe80, 0, 0, 0, 10, SCOPE_LINK_LOCAL),
	V6(0xfec0, 0, 0, 0, 10, SCOPE_PRIVATE), /* site-local, given up by RFC 3879 */
	V6(0xff00, 0, 0, 0, 8, SCOPE_MULTICAST),
	V6(0xfc00, 0, 0, 0, 7, SCOPE_PRIVATE),
	V6(0x2000, 0, 0, 0, 3, SCOPE_GLOBAL),
	V6(0, 0, 0, 0, 0, SCOPE_RESERVED),
};

static const char *const names[SCOPE_COUNT] = {
	[SCOPE_GLOBAL] = "global",           [SCOPE_PRIVATE] = "private",       [SCOPE_CGNAT] = "cgnat",
	[SCOPE_LOOPBACK] = "loopback",       [SCOPE_LINK_LOCAL] = "link_local", [SCOPE_DOCUMENTATION] = "documentation",
	[SCOPE_BENCHMARK] = "benchmark",     [SCOPE_MULTICAST] = "multicast",   [SCOPE_BROADCAST] = "broadcast",
	[SCOPE_UNSPECIFIED] = "unspecified", [SCOPE_RESERVED] = "reserved",
};

const char *scope_name(enum scope scope)
{
	return (unsigned)scope < SCOPE_COUNT ? names[scope] : "reserved";
}

bool scope_has_prefix(const struct address *address, const struct address *network, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (address->family != network->family || memcmp(address->bytes, network->bytes, whole) != 0)
		return false;
	return rest == 0 || (address->bytes[whole] ^ network->bytes[whole]) >> (8 - rest) == 0;
}

enum scope scope_of(const struct address *address)
{
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		if (scope_has_prefix(address, &blocks[i].network, blocks[i].bits))
			return (enum scope)blocks[i].scope;
	}
	return SCOPE_UNSPECIFIED;
}
