/*
 * Keyed hashing of short inputs. SipHash-2-4 (Aumasson, Bernstein 2012): safe for tables that strangers can feed, and
 * good enough as a per-run secret when the key is random.
 */
#ifndef NETSONDE_CORE_HASH_H
#define NETSONDE_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0, k1;
};

/* A key from the kernel's random source; stops the daemon if there is none. */
struct hash_key hash_key_random(void);

uint64_t hash_bytes(struct hash_key key, const void *bytes, size_t n);
uint64_t hash_string(struct hash_key key, const char *string);

/* The hash of one 64-bit number: hash_bytes over its 8 little-endian bytes. */
uint64_t hash_number(struct hash_key key, uint64_t number);

/* A hash that is the same on every machine and in every release: for phases and for spreading targets over workers.
 * SipHash-2-4 with key 0, 0. */
uint64_t hash_stable(const char *string);

/* n random bytes from the kernel. */
void hash_random(void *bytes, size_t n);

#endif
