#include <stdatomic.h>

#include "core/hash.h"
#include "core/mem.h"
#include "geo/geo_internal.h"

/* A place of the table that an address may be in: so many next to each other. */
#define WAYS 8

struct slot {
	struct address address; /* ADDRESS_NONE: free */
	struct place *place;    /* held */
};

struct geo_cache {
	struct geo *geo;
	struct geo_cache *next; /* of all, under the lock of geo */
	struct edition *edition;
	uint32_t number;
	struct hash_key key;
	struct slot *slots; /* NULL before the first place */
	size_t nsets;
	unsigned victim;
	atomic_ullong lookups, hits;
	atomic_size_t places;
};

/* One writer: no need to lock the bus. */
static void count(atomic_ullong *counter)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

struct geo_cache *geo_cache_open(struct geo *geo)
{
	struct geo_cache *cache = mem_zero(1, sizeof(*cache));

	cache->geo = geo;
	cache->key = hash_key_random();
	geo_add_cache(geo, &cache->next, cache);
	return cache;
}

static void forget(struct geo_cache *cache)
{
	for (size_t i = 0; cache->slots && i < cache->nsets * WAYS; i++)
		place_release(cache->slots[i].place);
	mem_free(cache->slots);
	cache->slots = NULL;
	atomic_store_explicit(&cache->places, 0, memory_order_relaxed);
}

void geo_cache_close(struct geo_cache *cache)
{
	if (!cache)
		return;
	geo_remove_cache(cache->geo, cache);
	forget(cache);
	edition_release(cache->edition);
	mem_free(cache);
}

struct geo_cache **geo_cache_next(struct geo_cache *cache)
{
	return &cache->next;
}

void geo_cache_count(const struct geo_cache *cache, struct geo_cache_figures *figures)
{
	figures->lookups += atomic_load_explicit(&cache->lookups, memory_order_relaxed);
	figures->hits += atomic_load_explicit(&cache->hits, memory_order_relaxed);
	figures->places += atomic_load_explicit(&cache->places, memory_order_relaxed);
}

uint32_t geo_cache_edition(struct geo_cache *cache)
{
	struct edition *before = cache->edition;

	if (geo_number(cache->geo) == cache->number)
		return cache->number;
	cache->edition = geo_hold_edition(cache->geo, &cache->number);
	forget(cache);
	edition_release(before);
	return cache->number;
}

const struct edition *geo_cache_rules(const struct geo_cache *cache)
{
	return cache->edition;
}

static void make_slots(struct geo_cache *cache)
{
	size_t wanted = (size_t)edition_settings(cache->edition)->cache;

	for (cache->nsets = 1; cache->nsets * WAYS < wanted;)
		cache->nsets *= 2;
	cache->slots = mem_zero(cache->nsets * WAYS, sizeof(*cache->slots));
}

/* A free slot of a set, or the next that has to go. */
static struct slot *make_room(struct geo_cache *cache, struct slot *set)
{
	struct slot *slot = set;

	while (slot < set + WAYS && slot->place)
		slot++;
	if (slot < set + WAYS) {
		atomic_fetch_add_explicit(&cache->places, 1, memory_order_relaxed);
		return slot;
	}
	slot = set + cache->victim++ % WAYS;
	place_release(slot->place);
	return slot;
}

static struct place *find_cached(struct geo_cache *cache, const struct address *address)
{
	struct slot *set, *slot;

	if (!cache->slots)
		make_slots(cache);
	set = cache->slots + (address_hash(cache->key, address) & (cache->nsets - 1)) * WAYS;
	for (slot = set; slot < set + WAYS; slot++) {
		if (slot->place && address_equal(&slot->address, address)) {
			count(&cache->hits);
			return slot->place;
		}
	}
	slot = make_room(cache, set);
	slot->address = *address;
	slot->place = edition_find(cache->edition, address, NULL);
	return slot->place;
}

struct place *geo_find(struct geo_cache *cache, const struct address *address, const char *target)
{
	count(&cache->lookups);
	if (target && edition_names_target(cache->edition, target))
		return edition_find(cache->edition, address, target);
	return place_hold(find_cached(cache, address));
}
