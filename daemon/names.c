#include "daemon/names.h"

#include <stdbool.h>
#include <string.h>

#include "core/mem.h"

#define NAMES_CAPACITY_FIRST 64

static uint64_t key_hash(struct hash_key secret, const struct names_key *key)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < NAMES_PARTS && key->parts[i]; i++)
		hash = hash_number(secret, hash + hash_string(secret, key->parts[i]));
	return hash;
}

static bool keys_are_equal(const struct names_key *a, const struct names_key *b)
{
	for (size_t i = 0; i < NAMES_PARTS; i++) {
		if (!a->parts[i] || !b->parts[i])
			return a->parts[i] == b->parts[i];
		if (strcmp(a->parts[i], b->parts[i]) != 0)
			return false;
	}
	return true;
}

/* The slot that holds the key, or the free one where it belongs. The table is never full. */
static struct names_slot *slot_of(const struct names *names, const struct names_key *key, uint64_t hash)
{
	for (size_t i = (size_t)hash;; i++) {
		struct names_slot *slot = &names->slots[i & (names->capacity - 1)];

		if (slot->position == NAMES_NONE || (slot->hash == hash && keys_are_equal(&slot->key, key)))
			return slot;
	}
}

static void names_grow(struct names *names)
{
	struct names old = *names;

	if (!old.capacity)
		names->secret = hash_key_random();
	names->capacity = old.capacity ? old.capacity * 2 : NAMES_CAPACITY_FIRST;
	names->slots = mem_zero(names->capacity, sizeof(*names->slots));
	for (size_t i = 0; i < names->capacity; i++)
		names->slots[i].position = NAMES_NONE;
	for (size_t i = 0; i < old.capacity; i++) {
		if (old.slots[i].position != NAMES_NONE)
			*slot_of(names, &old.slots[i].key, old.slots[i].hash) = old.slots[i];
	}
	mem_free(old.slots);
}

size_t names_add(struct names *names, struct names_key key, size_t position)
{
	struct names_slot *slot;
	uint64_t hash;

	if (names->n * 2 >= names->capacity)
		names_grow(names);
	hash = key_hash(names->secret, &key);
	slot = slot_of(names, &key, hash);
	if (slot->position != NAMES_NONE)
		return slot->position;
	*slot = (struct names_slot){.key = key, .hash = hash, .position = position};
	names->n++;
	return NAMES_NONE;
}

size_t names_find(const struct names *names, struct names_key key)
{
	if (!names->n)
		return NAMES_NONE;
	return slot_of(names, &key, key_hash(names->secret, &key))->position;
}

void names_free(struct names *names)
{
	mem_free(names->slots);
	*names = (struct names){0};
}
