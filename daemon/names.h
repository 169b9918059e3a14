/*
 * A table of names: a key of one to three strings -> a position in somebody's array. Open addressing with keyed hashes,
 * because names come from files that strangers may write.
 */
#ifndef NETSONDE_DAEMON_NAMES_H
#define NETSONDE_DAEMON_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "core/hash.h"

#define NAMES_PARTS 3
#define NAMES_NONE  SIZE_MAX

/* Unused parts are NULL. The strings are borrowed for as long as the table lives. */
struct names_key {
	const char *parts[NAMES_PARTS];
};

struct names_slot {
	struct names_key key;
	uint64_t hash;
	size_t position; /* NAMES_NONE = free */
};

/* Zero-initialised is an empty table. */
struct names {
	struct hash_key secret;
	struct names_slot *slots;
	size_t capacity; /* a power of two */
	size_t n;
};

/* Adds key -> position (not NAMES_NONE), unless the key is there: returns the position it had, or NAMES_NONE when it
 * was added. */
size_t names_add(struct names *names, struct names_key key, size_t position);

/* The position, or NAMES_NONE. */
size_t names_find(const struct names *names, struct names_key key);

static inline struct names_key names_key_of(const char *name)
{
	return (struct names_key){{name, NULL, NULL}};
}

void names_free(struct names *names);

#endif
