#include "daemon/ros_cache.h"

#include <string.h>

#include "core/hash.h"
#include "core/mem.h"

#define BUCKETS_MIN 256

struct entry {
	struct entry *next;             /* of the bucket */
	struct entry *newer, **to_this; /* by age: from the one before, or the oldest */
	uint64_t key[2];
	uint64_t host;
	int64_t made_ns;
	size_t length, nrows;
	struct ros_echoes echoes;
	char rows[];
};

struct ros_cache {
	struct hash_key secrets[2];
	struct entry **buckets;
	size_t nbuckets; /* a power of two */
	struct entry *oldest, **newest;
	uint64_t epoch;
	struct ros_cache_figures figures;
};

struct ros_cache *ros_cache_create(void)
{
	struct ros_cache *cache = mem_zero(1, sizeof(*cache));

	cache->secrets[0] = hash_key_random();
	cache->secrets[1] = hash_key_random();
	cache->nbuckets = BUCKETS_MIN;
	cache->buckets = mem_zero(cache->nbuckets, sizeof(struct entry *));
	cache->newest = &cache->oldest;
	return cache;
}

void ros_cache_free(struct ros_cache *cache)
{
	if (!cache)
		return;
	ros_cache_clear(cache);
	mem_free(cache->buckets);
	mem_free(cache);
}

struct ros_place ros_cache_place(const struct ros_cache *cache, const char *host, const struct ros_access *access)
{
	struct ros_place place;

	place.host = hash_string(cache->secrets[0], host) ^ hash_number(cache->secrets[1], ros_access_port(access));
	for (size_t i = 0; i < 2; i++)
		place.access[i] = hash_string(cache->secrets[i], host) ^ ros_access_hash(cache->secrets[i], access);
	return place;
}

/* --- entries -------------------------------------------------------------------------------------------------------
 */

static void make_key(const struct ros_place *place, const struct ros_question *question, uint64_t key[2])
{
	const struct hash_key one = {place->access[0], place->access[1]}, two = {place->access[1], place->access[0]};

	key[0] = hash_bytes(one, question->sentence, question->sentence_bytes);
	key[1] = hash_bytes(two, question->sentence, question->sentence_bytes);
}

static struct entry **find(const struct ros_cache *cache, const uint64_t key[2])
{
	struct entry **link = &cache->buckets[key[0] & (cache->nbuckets - 1)];

	while (*link && ((*link)->key[0] != key[0] || (*link)->key[1] != key[1]))
		link = &(*link)->next;
	return link;
}

static size_t size_of(size_t length)
{
	return sizeof(struct entry) + length;
}

static void remove_entry(struct ros_cache *cache, struct entry **link)
{
	struct entry *entry = *link;

	*link = entry->next;
	*entry->to_this = entry->newer;
	if (entry->newer)
		entry->newer->to_this = entry->to_this;
	else
		cache->newest = entry->to_this;
	cache->figures.entries--;
	cache->figures.bytes -= size_of(entry->length);
	mem_free(entry);
}

static void remove_oldest(struct ros_cache *cache)
{
	remove_entry(cache, find(cache, cache->oldest->key));
}

static void grow(struct ros_cache *cache)
{
	struct entry **old = cache->buckets;
	size_t nold = cache->nbuckets;

	cache->nbuckets *= 2;
	cache->buckets = mem_zero(cache->nbuckets, sizeof(struct entry *));
	for (size_t i = 0; i < nold; i++) {
		while (old[i]) {
			struct entry *entry = old[i], **link;

			old[i] = entry->next;
			link = &cache->buckets[entry->key[0] & (cache->nbuckets - 1)];
			entry->next = *link;
			*link = entry;
		}
	}
	mem_free(old);
}

bool ros_cache_find(struct ros_cache *cache, const struct ros_place *place, const struct ros_question *question,
		    int64_t oldest_ns, struct ros_cached *out)
{
	uint64_t key[2];
	struct entry *entry;

	cache->figures.lookups++;
	while (cache->oldest && cache->oldest->made_ns < oldest_ns)
		remove_oldest(cache);
	make_key(place, question, key);
	entry = *find(cache, key);
	if (!entry)
		return false;
	cache->figures.hits++;
	*out = (struct ros_cached){entry->rows, entry->length, entry->nrows, entry->echoes};
	return true;
}

static void insert(struct ros_cache *cache, struct entry *entry)
{
	struct entry **link = &cache->buckets[entry->key[0] & (cache->nbuckets - 1)];

	entry->next = *link;
	*link = entry;
	entry->newer = NULL;
	entry->to_this = cache->newest;
	*cache->newest = entry;
	cache->newest = &entry->newer;
	cache->figures.entries++;
	cache->figures.bytes += size_of(entry->length);
	if (cache->figures.entries > cache->nbuckets)
		grow(cache);
}

void ros_cache_add(struct ros_cache *cache, const struct ros_place *place, const struct ros_cache_entry *wanted,
		   size_t max_bytes)
{
	size_t size = size_of(wanted->cached.length);
	uint64_t key[2];
	struct entry *entry, **before;

	if (wanted->epoch != cache->epoch || size > max_bytes)
		return;
	make_key(place, &wanted->question, key);
	before = find(cache, key);
	if (*before)
		remove_entry(cache, before);
	while (cache->figures.bytes + size > max_bytes) {
		remove_oldest(cache);
		cache->figures.evicted++;
	}
	entry = mem_alloc(size);
	*entry = (struct entry){.key = {key[0], key[1]},
				.host = place->host,
				.made_ns = wanted->made_ns,
				.length = wanted->cached.length,
				.nrows = wanted->cached.nrows,
				.echoes = wanted->cached.echoes};
	if (entry->length > 0)
		memcpy(entry->rows, wanted->cached.rows, entry->length);
	insert(cache, entry);
}

/* --- forgetting ----------------------------------------------------------------------------------------------------
 */

void ros_cache_forget(struct ros_cache *cache, const struct ros_place *place)
{
	struct entry *next;

	cache->epoch++;
	for (struct entry *entry = cache->oldest; entry; entry = next) {
		next = entry->newer;
		if (entry->host == place->host)
			remove_entry(cache, find(cache, entry->key));
	}
}

uint64_t ros_cache_epoch(const struct ros_cache *cache)
{
	return cache->epoch;
}

size_t ros_cache_clear(struct ros_cache *cache)
{
	size_t n = cache->figures.entries;

	cache->epoch++;
	while (cache->oldest)
		remove_oldest(cache);
	return n;
}

const struct ros_cache_figures *ros_cache_figures(const struct ros_cache *cache)
{
	return &cache->figures;
}
