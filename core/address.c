#include "core/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "core/text.h"

const struct address_family_facts address_families[ADDRESS_FAMILIES] = {
	{.name = "ipv4", .af = AF_INET, .size = 4, .bits = 32},
	{.name = "ipv6", .af = AF_INET6, .size = 16, .bits = 128},
};

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_mapped(const struct address *address)
{
	return address->family == ADDRESS_IPV6 && memcmp(address->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

/* ::ffff:192.0.2.1 -> 192.0.2.1; everything else stays. */
static void unmap(struct address *address)
{
	if (!is_mapped(address))
		return;
	memmove(address->bytes, address->bytes + sizeof(mapped_prefix), 4);
	memset(address->bytes + 4, 0, 12);
	address->scope_id = 0;
	address->family = ADDRESS_IPV4;
}

/* Does the address mean something different on each interface? fe80::/10; multicast of interface and link scope. */
static bool needs_zone(const uint8_t bytes[16])
{
	if (bytes[0] == 0xff)
		return (bytes[1] & 0x0f) == 1 || (bytes[1] & 0x0f) == 2;
	return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

/* --- text -> address --------------------------------------------------------------------------------------------- */

/* 1 to maximum in decimal, nothing around it; 0 when it is something else. */
static uint32_t parse_number(const char *text, uint64_t maximum)
{
	uint64_t number = 0;

	for (; *text >= '0' && *text <= '9' && number <= maximum; text++)
		number = number * 10 + (uint64_t)(*text - '0');
	return *text == '\0' && number <= maximum ? (uint32_t)number : 0;
}

/* By name first: an interface may be called "7". */
static bool parse_zone(const char *zone, struct address *address)
{
	if (!needs_zone(address->bytes))
		return false;
	address->scope_id = if_nametoindex(zone);
	if (address->scope_id == 0)
		address->scope_id = parse_number(zone, UINT32_MAX);
	return address->scope_id != 0;
}

static bool parse_ipv6(char *text, struct address *address)
{
	char *zone = strchr(text, '%');

	if (zone != NULL)
		*zone++ = '\0';
	address->family = ADDRESS_IPV6;
	return inet_pton(AF_INET6, text, address->bytes) == 1 && (zone == NULL || parse_zone(zone, address));
}

bool address_parse(const char *text, struct address *out)
{
	struct address address = {.family = ADDRESS_IPV4};
	char copy[ADDRESS_TEXT_SIZE + 2]; /* with brackets */
	size_t n = strlen(text);
	bool is_address;

	*out = (struct address){0};
	if (n >= sizeof(copy))
		return false;
	memcpy(copy, text, n + 1);
	if (copy[0] == '[') {
		if (n < 2 || copy[n - 1] != ']')
			return false;
		copy[n - 1] = '\0';
		is_address = parse_ipv6(copy + 1, &address);
	} else if (strchr(copy, ':') != NULL) {
		is_address = parse_ipv6(copy, &address);
	} else {
		is_address = inet_pton(AF_INET, copy, address.bytes) == 1;
	}
	if (!is_address)
		return false;
	unmap(&address);
	*out = address;
	return true;
}

/* Could n bytes name an interface? Whether there is one is not looked at: it may come later. */
static bool is_zone(const char *zone, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (zone[i] <= ' ' || zone[i] >= 0x7f || strchr("/:[]%", zone[i]) != NULL)
			return false;
	return n > 0 && n < IF_NAMESIZE;
}

/* n bytes that are an IPv6 address, with or without a zone. */
static bool is_ipv6_literal(const char *text, size_t n)
{
	const char *zone = memchr(text, '%', n);
	size_t length = zone != NULL ? (size_t)(zone - text) : n;
	char copy[INET6_ADDRSTRLEN];
	uint8_t bytes[16];

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return inet_pton(AF_INET6, copy, bytes) == 1 && (zone == NULL || is_zone(zone + 1, n - length - 1));
}

/* Finds the end of the host in text. Returns where the ":PORT" starts or the text ends; NULL when it is malformed. */
static const char *find_host(const char *text, const char **host, size_t *n)
{
	const char *colon = strchr(text, ':');
	const char *end;

	*host = text;
	if (text[0] == '[') {
		end = strchr(text, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return NULL;
		*host = text + 1;
		*n = (size_t)(end - *host);
		return is_ipv6_literal(*host, *n) ? end + 1 : NULL;
	}
	if (colon == NULL || strchr(colon + 1, ':') == NULL) {
		end = colon != NULL ? colon : text + strlen(text);
		*n = (size_t)(end - text);
		return end;
	}
	*n = strlen(text);
	return is_ipv6_literal(text, *n) ? text + *n : NULL;
}

int address_split_host_port(const char *text, char *host, size_t size, uint16_t *port, uint16_t fallback)
{
	const char *start;
	size_t n;
	const char *rest = find_host(text, &start, &n);
	uint32_t number = fallback;

	if (rest == NULL || n == 0 || n >= size)
		return -1;
	if (*rest == ':') {
		number = parse_number(rest + 1, UINT16_MAX);
		if (number == 0 && strcmp(rest + 1, "0") != 0)
			return -1;
	}
	memcpy(host, start, n);
	host[n] = '\0';
	*port = (uint16_t)number;
	return 0;
}

/* --- address -> text --------------------------------------------------------------------------------------------- */

static char *put_ipv4(char *out, const uint8_t bytes[4])
{
	for (int i = 0; i < 4; i++) {
		if (i > 0)
			*out++ = '.';
		out += text_print_integer(out, bytes[i]);
	}
	return out;
}

/* One group without leading zeros, in lower case (RFC 5952, sections 4.1 and 4.3). */
static char *put_group(char *out, unsigned group)
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned shift = 12; shift > 0; shift -= 4)
		if (group >> shift != 0)
			*out++ = digits[group >> shift & 0xf];
	*out++ = digits[group & 0xf];
	return out;
}

/* The longest run of at least two zero groups, the first one of several (RFC 5952, section 4.2). Returns its length. */
static int find_zeros(const unsigned groups[8], int *start)
{
	int longest = 1;

	*start = 8;
	for (int i = 0, run = 0; i < 8; i++) {
		run = groups[i] == 0 ? run + 1 : 0;
		if (run > longest) {
			longest = run;
			*start = i + 1 - run;
		}
	}
	return longest;
}

static char *put_ipv6(char *out, const uint8_t bytes[16])
{
	unsigned groups[8];
	int start;

	for (int i = 0; i < 8; i++)
		groups[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
	int length = find_zeros(groups, &start);
	for (int i = 0; i < 8; i++) {
		if (i == start) {
			*out++ = ':';
			i += length - 1;
			if (i == 7)
				*out++ = ':';
			continue;
		}
		if (i > 0)
			*out++ = ':';
		out = put_group(out, groups[i]);
	}
	return out;
}

static void put_zone(char *out, uint32_t scope_id)
{
	char name[IF_NAMESIZE];

	if (if_indextoname(scope_id, name) != NULL)
		snprintf(out, IF_NAMESIZE + 1, "%%%s", name);
	else
		snprintf(out, IF_NAMESIZE + 1, "%%%u", (unsigned)scope_id);
}

const char *address_format(const struct address *address, char out[ADDRESS_TEXT_SIZE])
{
	char *end = out;

	if (address->family == ADDRESS_IPV4)
		end = put_ipv4(out, address->bytes);
	else if (is_mapped(address))
		end = put_ipv4(stpcpy(out, "::ffff:"), address->bytes + sizeof(mapped_prefix));
	else if (address->family == ADDRESS_IPV6)
		end = put_ipv6(out, address->bytes);
	*end = '\0';
	if (address->family == ADDRESS_IPV6 && address->scope_id != 0)
		put_zone(end, address->scope_id);
	return out;
}

/* --- comparing --------------------------------------------------------------------------------------------------- */

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && a->scope_id == b->scope_id &&
	       memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

uint64_t address_hash(struct hash_key key, const struct address *address)
{
	uint8_t identity[sizeof(address->bytes) + sizeof(address->scope_id) + 1];

	memcpy(identity, address->bytes, sizeof(address->bytes));
	memcpy(identity + sizeof(address->bytes), &address->scope_id, sizeof(address->scope_id));
	identity[sizeof(identity) - 1] = address->family;
	return hash_bytes(key, identity, sizeof(identity));
}

bool address_is_loopback(const struct address *address)
{
	static const uint8_t loopback[16] = {[15] = 1};

	if (address->family == ADDRESS_IPV4)
		return address->bytes[0] == 127;
	if (is_mapped(address))
		return address->bytes[12] == 127;
	return address->family == ADDRESS_IPV6 && memcmp(address->bytes, loopback, sizeof(loopback)) == 0;
}

bool address_is_unspecified(const struct address *address)
{
	struct address unmapped = *address;
	static const uint8_t zeros[16];

	unmap(&unmapped);
	return memcmp(unmapped.bytes, zeros, sizeof(zeros)) == 0;
}

/* --- the kernel's form ------------------------------------------------------------------------------------------- */

socklen_t address_to_sockaddr(const struct address *address, struct sockaddr_storage *out)
{
	struct address unmapped = *address;

	unmap(&unmapped);
	if (unmapped.family == ADDRESS_IPV4) {
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(unmapped.port)};

		memcpy(&in.sin_addr, unmapped.bytes, sizeof(in.sin_addr));
		memcpy(out, &in, sizeof(in));
		return sizeof(in);
	}
	if (unmapped.family == ADDRESS_IPV6) {
		struct sockaddr_in6 in = {
			.sin6_family = AF_INET6, .sin6_port = htons(unmapped.port), .sin6_scope_id = unmapped.scope_id};

		memcpy(&in.sin6_addr, unmapped.bytes, sizeof(in.sin6_addr));
		memcpy(out, &in, sizeof(in));
		return sizeof(in);
	}
	out->ss_family = AF_UNSPEC;
	return 0;
}

static void from_ipv6(const struct sockaddr_in6 *in, struct address *out)
{
	*out = (struct address){.family = ADDRESS_IPV6, .port = ntohs(in->sin6_port)};
	memcpy(out->bytes, &in->sin6_addr, sizeof(in->sin6_addr));
	if (needs_zone(out->bytes))
		out->scope_id = in->sin6_scope_id;
	unmap(out);
}

bool address_from_sockaddr(const struct sockaddr *from, socklen_t length, struct address *out)
{
	sa_family_t family = AF_UNSPEC;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	*out = (struct address){0};
	/* Copied: control messages promise no alignment. */
	if (length >= sizeof(family))
		memcpy(&family, &from->sa_family, sizeof(family));
	if (family == AF_INET && length >= sizeof(in)) {
		memcpy(&in, from, sizeof(in));
		*out = (struct address){.family = ADDRESS_IPV4, .port = ntohs(in.sin_port)};
		memcpy(out->bytes, &in.sin_addr, sizeof(in.sin_addr));
		return true;
	}
	if (family == AF_INET6 && length >= sizeof(in6)) {
		memcpy(&in6, from, sizeof(in6));
		from_ipv6(&in6, out);
		return true;
	}
	return false;
}
