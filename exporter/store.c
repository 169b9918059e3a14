#include "exporter/store.h"

#include "core/mem.h"

/* How many slots ahead memory is asked for: enough to hide a cache miss behind the work on a series. */
#define STORE_PREFETCH_SLOTS 8
/* Of a block: its head, its rows and the first of its values. Addresses that are none do no harm. */
#define STORE_PREFETCH_LINES 3

struct series_store *series_store_create(unsigned shards, size_t max_series)
{
	struct series_store *store = mem_zero(1, sizeof(*store) + shards * sizeof(store->shards[0]));
	store->shapes = shapes_create();
	store->key = hash_key_random();
	store->max_series = max_series;
	store->nshards = shards;
	atomic_store(&store->clock, 1);
	atomic_store(&store->oldest, UINT64_MAX);
	for (unsigned i = 0; i < shards; i++)
		store->shards[i] = (struct series_shard){.store = store, .slabs = slabs_create()};
	return store;
}

static void free_chunks(struct series_shard *shard, struct series_chunk *chunk)
{
	while (chunk) {
		struct series_chunk *next = atomic_load(&chunk->next);
		for (size_t i = 0; i < STORE_CHUNK_SLOTS; i++)
			block_free(shard->slabs, atomic_load(&chunk->slots[i].block), shard->store->shapes);
		mem_free(chunk);
		chunk = next;
	}
}

void series_store_free(struct series_store *store)
{
	if (!store)
		return;
	for (unsigned i = 0; i < store->nshards; i++) {
		struct series_shard *shard = &store->shards[i];
		for (size_t k = shard->retired_first; k < shard->retired_end; k++)
			block_free(shard->slabs, shard->retired[k].block, store->shapes);
		free_chunks(shard, atomic_load(&shard->chunks));
		slabs_free(shard->slabs);
		mem_free(shard->retired);
		text_free(&shard->raw);
		text_free(&shard->labels);
	}
	shapes_free(store->shapes);
	mem_free(store);
}

size_t series_store_count(const struct series_store *store)
{
	return atomic_load_explicit(&store->shown, memory_order_relaxed);
}

uint64_t series_store_refused(const struct series_store *store)
{
	return atomic_load_explicit(&store->refused, memory_order_relaxed);
}

/* --- readers ----------------------------------------------------------------------------------------------------- */

static uint64_t oldest_ticket(const struct series_store *store)
{
	uint64_t oldest = UINT64_MAX;
	for (const struct series_reader *reader = store->readers; reader; reader = reader->next)
		oldest = reader->ticket < oldest ? reader->ticket : oldest;
	return oldest;
}

/* The ticket protects before the clock shows it: a writer that reads the new time also sees the ticket. */
void store_open_reader(struct series_store *store, struct series_reader *reader)
{
	reader->ticket = atomic_load(&store->clock) + 1;
	reader->next = store->readers;
	store->readers = reader;
	atomic_store(&store->oldest, oldest_ticket(store));
	atomic_store(&store->clock, reader->ticket);
}

void store_close_reader(struct series_store *store, struct series_reader *reader)
{
	struct series_reader **link = &store->readers;
	while (*link && *link != reader)
		link = &(*link)->next;
	if (*link)
		*link = reader->next;
	atomic_store(&store->oldest, oldest_ticket(store));
}

/* Moves to the next slot that exists. */
static struct series *next_slot(struct store_cursor *cursor)
{
	if (cursor->chunk && cursor->slot < STORE_CHUNK_SLOTS)
		return &cursor->chunk->slots[cursor->slot++];
	struct series_chunk *next = NULL;
	if (cursor->chunk) {
		next = atomic_load(&cursor->chunk->next);
		cursor->shard += !next;
	}
	while (!next && cursor->shard < cursor->store->nshards) {
		next = atomic_load(&cursor->store->shards[cursor->shard].chunks);
		cursor->shard += !next;
	}
	cursor->chunk = next;
	cursor->slot = 1;
	return next ? &next->slots[0] : NULL;
}

static void prefetch(const struct store_cursor *cursor)
{
	unsigned ahead = cursor->slot + STORE_PREFETCH_SLOTS;
	if (ahead >= STORE_CHUNK_SLOTS)
		return;
	uintptr_t block = (uintptr_t)atomic_load_explicit(&cursor->chunk->slots[ahead].block, memory_order_relaxed);
	for (uintptr_t line = 0; line < STORE_PREFETCH_LINES; line++)
		__builtin_prefetch((const void *)(block + line * 64));
}

const struct block *store_next(struct store_cursor *cursor)
{
	struct series *slot;
	while ((slot = next_slot(cursor)) != NULL) {
		prefetch(cursor);
		const struct block *block = atomic_load(&slot->block);
		if (block && block->birth < cursor->ticket)
			return block;
	}
	return NULL;
}
