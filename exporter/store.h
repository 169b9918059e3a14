/*
 * The inside of the series store, for series.c (writers) and render.c (the reader).
 *
 * Slots live in chained chunks that are never moved nor freed while the store lives: adding a probe copies nothing.
 * A slot points to the block that is published now. A writer that replaces a block stamps the old one with the store's
 * clock; each render that opens advances the clock and takes the new time as its ticket, so only renders with a ticket
 * up to the stamp can still see the old block, and it is freed once none of those is open. Loads and stores of slots,
 * clock and oldest ticket are sequentially consistent; that is what the argument needs.
 */
#ifndef NETSONDE_EXPORTER_STORE_H
#define NETSONDE_EXPORTER_STORE_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/hash.h"
#include "core/text.h"
#include "exporter/block.h"
#include "exporter/series.h"

#define STORE_CHUNK_SLOTS 1024

struct series {
	_Atomic(struct block *) block; /* NULL: the slot is free */
	union {
		struct series_shard *shard;
		struct series *next_free;
	} link;
	/* The writer's own. */
	uint32_t shown;    /* series shown now */
	uint32_t reserved; /* series there is room for: what counts against the ceiling */
};

struct series_chunk {
	_Atomic(struct series_chunk *) next;
	struct series slots[STORE_CHUNK_SLOTS];
};

struct retired {
	struct block *block;
	uint64_t stamp;
};

/* What one writer thread owns; readers only follow chunks. */
struct series_shard {
	_Atomic(struct series_chunk *) chunks;
	struct series_chunk *last;
	struct series *free;
	struct series_store *store;
	struct slabs *slabs;     /* of the blocks */
	struct retired *retired; /* a queue: retired[retired_first .. retired_end) */
	size_t retired_first, retired_end, retired_size;
	struct text raw, labels; /* scratch */
	char padding[64];        /* neighbours are written by other threads */
};

/* An open render. */
struct series_reader {
	struct series_reader *next;
	uint64_t ticket;
};

struct series_store {
	struct shapes *shapes;
	struct hash_key key;
	size_t max_series;
	unsigned nshards;
	struct series_reader *readers; /* the reading thread's */
	_Atomic uint64_t clock;
	_Atomic uint64_t oldest; /* the smallest ticket of an open render, or UINT64_MAX */
	_Atomic size_t shown, reserved;
	_Atomic uint64_t refused;
	struct series_shard shards[];
};

/* From the reading thread. The store counts as const to renders: they change nothing that a writer or user sees but the
 * tickets. */
void store_open_reader(struct series_store *store, struct series_reader *reader);
void store_close_reader(struct series_store *store, struct series_reader *reader);

/* Walks all blocks that a reader may see: shard by shard, slot by slot. */
struct store_cursor {
	struct series_store *store;
	uint64_t ticket;
	unsigned shard;
	struct series_chunk *chunk; /* NULL: the shard is not begun */
	unsigned slot;
};
/* The next block, valid until the reader closes; NULL at the end. */
const struct block *store_next(struct store_cursor *cursor);

#endif
