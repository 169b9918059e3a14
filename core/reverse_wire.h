/*
 * Names of the reverse zones and the answers of their servers: bytes <-> text. Pure.
 */
#ifndef NETSONDE_CORE_REVERSE_WIRE_H
#define NETSONDE_CORE_REVERSE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/resolve.h"

/* 32 nibbles with their dots, "ip6.arpa", NUL. */
#define REVERSE_WIRE_NAME_SIZE 74

/* "1.2.0.192.in-addr.arpa", "1.0. ... .8.b.d.0.1.0.0.2.ip6.arpa". The address has a family. */
void reverse_wire_name(const struct address *address, char out[REVERSE_WIRE_NAME_SIZE]);

struct reverse_wire_answer {
	char name[RESOLVE_NAME_MAX + 1];
	uint32_t ttl_seconds; /* the smallest of the aliases and the name */
};

/* The first PTR record of a DNS message, as it is to be shown (core/resolve.h says how). false: there is none that can
 * be shown, or the message is damaged before it. */
bool reverse_wire_read(const uint8_t *bytes, size_t n, struct reverse_wire_answer *out);

/* A name from elsewhere in the same form. false: it is empty or too long. */
bool reverse_wire_show(const char *name, char out[RESOLVE_NAME_MAX + 1]);

#endif
