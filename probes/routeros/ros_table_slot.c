#include <string.h>

#include "core/mem.h"
#include "probes/routeros/ros_table_parts.h"

#define SLOTS_FIRST 8

static void index_put(struct ros_slots *slots, size_t number)
{
	size_t at = slots->slots[number].hash & (slots->index_size - 1);
	while (slots->index[at])
		at = (at + 1) & (slots->index_size - 1);
	slots->index[at] = (uint32_t)number + 1;
}

/* Half of it stays free. */
static void index_resize(struct ros_slots *slots)
{
	mem_free(slots->index);
	slots->index_size = slots->room * 2;
	slots->index = mem_zero(slots->index_size, sizeof(*slots->index));
	for (size_t i = 0; i < slots->n; i++)
		index_put(slots, i);
}

void ros_slots_reserve(struct ros_slots *slots, size_t n)
{
	size_t room = slots->room ? slots->room : SLOTS_FIRST;
	while (room < n)
		room *= 2;
	if (room == slots->room)
		return;
	slots->room = room;
	slots->slots = mem_resize(slots->slots, room, sizeof(*slots->slots));
	index_resize(slots);
}

static struct ros_slot *find(const struct ros_slots *slots, uint64_t hash, const char *key, size_t n,
			     const char *strings)
{
	for (size_t at = hash & (slots->index_size - 1); slots->index[at]; at = (at + 1) & (slots->index_size - 1)) {
		struct ros_slot *slot = &slots->slots[slots->index[at] - 1];
		if (slot->hash == hash && slot->key_bytes == n && (n == 0 || memcmp(strings + slot->key, key, n) == 0))
			return slot;
	}
	return NULL;
}

struct ros_slot *ros_slots_find(struct ros_slots *slots, struct hash_key hash, struct text *strings, size_t key,
				size_t max, bool *is_new)
{
	size_t n = strings->length - key;
	const char *bytes = n ? strings->bytes + key : "";
	uint64_t value = hash_bytes(hash, bytes, n);
	ros_slots_reserve(slots, 1);
	struct ros_slot *slot = find(slots, value, bytes, n, strings->bytes);
	*is_new = !slot && slots->n < max;
	if (!*is_new) {
		strings->length = key;
		return slot;
	}
	ros_slots_reserve(slots, slots->n + 1);
	slot = &slots->slots[slots->n];
	*slot = (struct ros_slot){.hash = value, .key = key, .key_bytes = (uint32_t)n};
	index_put(slots, slots->n++);
	return slot;
}

void ros_slots_free(struct ros_slots *slots)
{
	mem_free(slots->slots);
	mem_free(slots->index);
	*slots = (struct ros_slots){0};
}
