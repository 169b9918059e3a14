#include "exporter/series.h"

#include <string.h>

#include "core/mem.h"
#include "exporter/store.h"

#define FIRST_BOUND_NS 50000

/* Rows and label text that one probe may have; what is beyond is refused as if there were no room. */
#define SERIES_ROWS_MAX 65536
#define SERIES_TEXT_MAX ((size_t)64 << 20)

int64_t series_bucket_bound_ns(unsigned bucket)
{
	return (int64_t)FIRST_BOUND_NS << bucket;
}

unsigned series_bucket(int64_t observed_ns)
{
	if (observed_ns <= FIRST_BOUND_NS)
		return 0;
	/* >= 1; bucket k takes steps of 2^(k-1) .. 2^k - 1 */
	uint64_t steps = (uint64_t)((observed_ns - 1) / FIRST_BOUND_NS);
	unsigned bucket = 64 - (unsigned)__builtin_clzll(steps);
	return bucket < SERIES_BUCKETS ? bucket : SERIES_BUCKETS;
}

/* --- counting ---------------------------------------------------------------------------------------------------- */

static void refuse(struct series_store *store, size_t n)
{
	atomic_fetch_add_explicit(&store->refused, n, memory_order_relaxed);
}

/* Room for n more series, if there is. */
static bool reserve(struct series_store *store, struct series *series, uint32_t n)
{
	size_t before = atomic_load_explicit(&store->reserved, memory_order_relaxed);
	do {
		if (before + n > store->max_series)
			return n == 0;
	} while (!atomic_compare_exchange_weak_explicit(&store->reserved, &before, before + n, memory_order_relaxed,
							memory_order_relaxed));
	series->reserved += n;
	return true;
}

static void release(struct series_store *store, struct series *series, uint32_t n)
{
	series->reserved -= n;
	atomic_fetch_sub_explicit(&store->reserved, n, memory_order_relaxed);
}

static void set_shown(struct series_store *store, struct series *series, uint32_t shown)
{
	if (shown == series->shown)
		return;
	/* Unsigned wrap-around makes this a subtraction where there are fewer than before. */
	atomic_fetch_add_explicit(&store->shown, (size_t)shown - series->shown, memory_order_relaxed);
	series->shown = shown;
}

/* --- publishing and freeing -------------------------------------------------------------------------------------- */

static struct block *published(const struct series *series)
{
	return atomic_load_explicit(&series->block, memory_order_relaxed);
}

static void free_retired(struct series_shard *shard)
{
	uint64_t oldest = atomic_load(&shard->store->oldest);
	while (shard->retired_first < shard->retired_end && shard->retired[shard->retired_first].stamp < oldest)
		block_free(shard->slabs, shard->retired[shard->retired_first++].block, shard->store->shapes);
	if (shard->retired_first == shard->retired_end)
		shard->retired_first = shard->retired_end = 0;
}

static void retire(struct series_shard *shard, struct block *block)
{
	if (shard->retired_end == shard->retired_size && shard->retired_first > 0) {
		shard->retired_end -= shard->retired_first;
		memmove(shard->retired, shard->retired + shard->retired_first,
			shard->retired_end * sizeof(*shard->retired));
		shard->retired_first = 0;
	}
	if (shard->retired_end == shard->retired_size) {
		shard->retired_size = shard->retired_size ? shard->retired_size * 2 : 64;
		shard->retired = mem_resize(shard->retired, shard->retired_size, sizeof(*shard->retired));
	}
	shard->retired[shard->retired_end++] = (struct retired){block, atomic_load(&shard->store->clock)};
	free_retired(shard);
}

/* Replaces what is published (NULL: nothing is, from now on). */
static void publish(struct series_shard *shard, struct series *series, struct block *block)
{
	struct block *old = published(series);
	atomic_store(&series->block, block);
	if (old)
		retire(shard, old);
}

/* --- opening and closing ----------------------------------------------------------------------------------------- */

static uint64_t hash_target(const struct label *labels, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(labels[i].name, "target") == 0)
			return hash_stable(labels[i].value);
	}
	return hash_stable("");
}

static void add_chunk(struct series_shard *shard)
{
	struct series_chunk *chunk = mem_zero(1, sizeof(*chunk));
	for (size_t i = STORE_CHUNK_SLOTS; i-- > 0;) {
		chunk->slots[i].link.next_free = shard->free;
		shard->free = &chunk->slots[i];
	}
	if (shard->last)
		atomic_store(&shard->last->next, chunk);
	else
		atomic_store(&shard->chunks, chunk);
	shard->last = chunk;
}

/* The block's labels without names that come twice, in the shard's scratch. */
static struct label_text render_labels(struct series_shard *shard, const struct label *labels, size_t n)
{
	text_clear(&shard->raw);
	text_clear(&shard->labels);
	labels_render(&shard->raw, labels, n);
	labels_filter(&shard->labels, (struct label_text){shard->raw.bytes, shard->raw.length}, (struct label_text){0});
	return (struct label_text){shard->labels.bytes, shard->labels.length};
}

struct series *series_open(struct series_store *store, unsigned shard_index, const struct label *labels, size_t nlabels)
{
	struct series_shard *shard = &store->shards[shard_index];
	if (!shard->free)
		add_chunk(shard);
	struct series *series = shard->free;
	shard->free = series->link.next_free;
	series->link.shard = shard;
	series->shown = series->reserved = 0;

	struct block *block = block_create(shard->slabs, render_labels(shard, labels, nlabels), NULL, 0);
	block->hash = hash_target(labels, nlabels);
	block->birth = atomic_load(&store->clock);
	publish(shard, series, block);
	return series;
}

void series_close(struct series *series)
{
	if (!series)
		return;
	struct series_shard *shard = series->link.shard;
	set_shown(shard->store, series, 0);
	release(shard->store, series, series->reserved);
	publish(shard, series, NULL);
	series->link.next_free = shard->free;
	shard->free = series;
}

void series_relabel(struct series *series, const struct label *labels, size_t nlabels)
{
	struct series_shard *shard = series->link.shard;
	const struct block *old = published(series);
	struct label_text text = render_labels(shard, labels, nlabels);
	struct block_plan_row *plan = mem_zero(old->nrows, sizeof(*plan));
	struct text rows = {0};
	text_reserve(&rows, 0);
	/* A row's label that the probe now has itself goes: the same name twice would spoil the page. */
	for (size_t i = 0; i < old->nrows; i++) {
		size_t begin = rows.length;
		labels_filter(&rows, block_row_labels(old, i), text);
		plan[i] = (struct block_plan_row){old->rows[i].shape, {NULL, rows.length - begin}};
		shapes_hold_again(shard->store->shapes, plan[i].shape);
	}
	size_t at = 0;
	for (size_t i = 0; i < old->nrows; at += plan[i++].labels.length)
		plan[i].labels.bytes = rows.bytes + at;
	struct block *block = block_create(shard->slabs, text, plan, old->nrows);
	block->birth = old->birth;
	block->hash = hash_target(labels, nlabels);
	for (size_t i = 0; i < old->nrows; i++)
		block_copy_row(block, i, old, i);
	publish(shard, series, block);
	text_free(&rows);
	mem_free(plan);
}

/* --- updating: the same rows as before --------------------------------------------------------------------------- */

static bool is_same_text(struct label_text a, struct label_text b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

static bool has_labels(struct series_shard *shard, const struct block *block, size_t i, const struct row *row)
{
	struct label_text text = block_row_labels(block, i);
	if (labels_are_surely(text, row->labels, row->nlabels))
		return true;
	text_clear(&shard->raw);
	labels_render(&shard->raw, row->labels, row->nlabels);
	return is_same_text((struct label_text){shard->raw.bytes, shard->raw.length}, text);
}

/* The labels of the first nsame rows are known to be the same. */
static bool is_same_structure(struct series *series, const struct row *rows, size_t n, size_t nsame)
{
	const struct block *block = published(series);
	if (block->nrows != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct shape *shape = block->rows[i].shape;
		if (shape->set->origin != rows[i].set || !block_row_fits(shape, &rows[i]) ||
		    (i >= nsame && !has_labels(series->link.shard, block, i, &rows[i])))
			return false;
	}
	return true;
}

/* --- updating: rows come, go, grow or change places -------------------------------------------------------------- */

#define NO_ROW UINT32_MAX

/* A row as it shall be. */
struct wanted {
	const struct row *row;
	size_t text, text_length;  /* in change.text */
	uint32_t old;              /* the row of the old block that it goes on from, or NO_ROW */
	const struct shape *shape; /* held; NULL: refused */
};

struct change {
	struct series_shard *shard;
	struct series *series;
	const struct block *old;
	struct wanted *wanted;
	size_t n;
	struct text text;
	uint32_t *buckets;  /* hash table of rows: 0 = empty, else 1 + index of an old row, or of a wanted row +
			       old->nrows */
	size_t nbuckets;    /* a power of two */
	struct room *rooms; /* scratch */
};

static struct label_text wanted_labels(const struct change *change, const struct wanted *wanted)
{
	return (struct label_text){change->text.bytes + wanted->text, wanted->text_length};
}

static bool is_entry(const struct change *change, uint32_t entry, const struct measure_set *set,
		     struct label_text labels)
{
	if (entry < change->old->nrows)
		return change->old->rows[entry].shape->set->origin == set &&
		       is_same_text(block_row_labels(change->old, entry), labels);
	const struct wanted *wanted = &change->wanted[entry - change->old->nrows];
	return wanted->row->set == set && is_same_text(wanted_labels(change, wanted), labels);
}

/* The bucket that holds the row of this set and labels, or the empty one where it belongs. */
static uint32_t *find_bucket(const struct change *change, const struct measure_set *set, struct label_text labels)
{
	uint64_t hash = hash_bytes(change->shard->store->key, labels.bytes ? labels.bytes : "", labels.length);
	size_t at = (size_t)(hash ^ ((uintptr_t)set >> 4));
	for (;; at++) {
		uint32_t *bucket = &change->buckets[at & (change->nbuckets - 1)];
		if (*bucket == 0 || is_entry(change, *bucket - 1, set, labels))
			return bucket;
	}
}

/* Returns false when the probe has more label text than it may. */
static bool render_wanted(struct change *change, struct wanted *wanted)
{
	struct text *raw = &change->shard->raw;
	text_clear(raw);
	labels_render(raw, wanted->row->labels, wanted->row->nlabels);
	wanted->text = change->text.length;
	labels_filter(&change->text, (struct label_text){raw->bytes, raw->length}, block_labels(change->old));
	wanted->text_length = change->text.length - wanted->text;
	if (!change->text.overflowed)
		return true;
	change->text.overflowed = false;
	change->text.length = wanted->text;
	return false;
}

/* Finds for each wanted row the old row it goes on from. A row that comes twice counts once: the first. */
static void match_rows(struct change *change)
{
	uint32_t nold = change->old->nrows;
	for (uint32_t i = 0; i < nold; i++)
		*find_bucket(change, change->old->rows[i].shape->set->origin, block_row_labels(change->old, i)) = i + 1;
	size_t kept = 0;
	for (size_t i = 0; i < change->n; i++) {
		struct wanted *wanted = &change->wanted[kept];
		*wanted = (struct wanted){.row = change->wanted[i].row, .old = NO_ROW};
		if (!render_wanted(change, wanted)) {
			refuse(change->shard->store, wanted->row->n);
			continue;
		}
		uint32_t *bucket = find_bucket(change, wanted->row->set, wanted_labels(change, wanted));
		if (*bucket > nold)
			continue;
		if (*bucket > 0)
			wanted->old = *bucket - 1;
		*bucket = nold + (uint32_t)++kept;
	}
	change->n = kept;
}

/* The shape with room for what the row had and for what it has now. */
static const struct shape *grown_shape(struct change *change, const struct wanted *wanted)
{
	const struct measure_set *set = wanted->row->set;
	memset(change->rooms, 0, set->n * sizeof(*change->rooms));
	if (wanted->old != NO_ROW) {
		const struct shape *old = change->old->rows[wanted->old].shape;
		size_t n = old->set->n < set->n ? old->set->n : set->n;
		memcpy(change->rooms, old->rooms, n * sizeof(*change->rooms));
	}
	for (size_t i = 0; i < wanted->row->n; i++) {
		const struct reading *reading = &wanted->row->readings[i];
		if (reading->measure >= set->n)
			continue;
		enum measure_kind kind = set->measures[reading->measure].kind;
		struct room *room = &change->rooms[reading->measure];
		*room = room_join(kind, *room, room_needed(kind, reading));
	}
	return shapes_hold_shape(change->shard->store->shapes, set, change->rooms);
}

/* Gives each wanted row a shape as far as there is room. Room of rows that go has been released before. */
static void shape_rows(struct change *change)
{
	struct series_store *store = change->shard->store;
	for (size_t i = 0; i < change->n; i++) {
		struct wanted *wanted = &change->wanted[i];
		const struct shape *old = wanted->old == NO_ROW ? NULL : change->old->rows[wanted->old].shape;
		const struct shape *shape = old && block_row_fits(old, wanted->row) ? old : NULL;
		if (shape)
			shapes_hold_again(store->shapes, shape);
		else
			shape = grown_shape(change, wanted);
		uint32_t more = shape->series - (old ? old->series : 0);
		if (reserve(store, change->series, more)) {
			wanted->shape = shape;
			continue;
		}
		refuse(store, more);
		shapes_drop_shape(store->shapes, shape);
		wanted->shape = old;
		if (old)
			shapes_hold_again(store->shapes, old);
	}
}

static void release_lost_rows(struct change *change)
{
	uint32_t lost = change->series->reserved;
	for (size_t i = 0; i < change->n; i++) {
		if (change->wanted[i].old != NO_ROW)
			lost -= change->old->rows[change->wanted[i].old].shape->series;
	}
	release(change->shard->store, change->series, lost);
}

/* Nothing differs but what is refused: the old block can go on. Its rows must be in the order of the update, which
 * series_refill relies on. */
static bool fits_old_block(const struct change *change)
{
	size_t shown = 0;
	for (size_t i = 0; i < change->n; i++) {
		const struct wanted *wanted = &change->wanted[i];
		if (!wanted->shape)
			continue;
		if (wanted->old != shown || change->old->rows[wanted->old].shape != wanted->shape)
			return false;
		shown++;
	}
	return shown == change->old->nrows;
}

static void fill_in_place(struct change *change, struct block *block)
{
	uint32_t shown = 0;
	block_begin(block);
	for (size_t i = 0; i < change->n; i++) {
		const struct wanted *wanted = &change->wanted[i];
		if (!wanted->shape)
			continue;
		shown += block_fill_row(block, wanted->old, wanted->row);
		shapes_drop_shape(change->shard->store->shapes, wanted->shape);
	}
	block_end(block);
	set_shown(change->shard->store, change->series, shown);
}

static void replace_block(struct change *change)
{
	struct block_plan_row *plan = mem_zero(change->n, sizeof(*plan));
	size_t n = 0, filled = 0;
	for (size_t i = 0; i < change->n; i++) {
		const struct wanted *wanted = &change->wanted[i];
		if (wanted->shape)
			plan[n++] = (struct block_plan_row){wanted->shape, wanted_labels(change, wanted)};
	}
	struct block *block = block_create(change->shard->slabs, block_labels(change->old), plan, n);
	block->birth = change->old->birth;
	block->hash = change->old->hash;
	uint32_t shown = 0;
	for (size_t i = 0; i < change->n; i++) {
		const struct wanted *wanted = &change->wanted[i];
		if (!wanted->shape)
			continue;
		if (wanted->old != NO_ROW)
			block_copy_row(block, filled, change->old, wanted->old);
		shown += block_fill_row(block, filled++, wanted->row);
	}
	publish(change->shard, change->series, block);
	set_shown(change->shard->store, change->series, shown);
	mem_free(plan);
}

static void list_wanted(struct change *change, const struct row *rows, size_t nrows)
{
	size_t measures = 0;
	change->wanted = mem_zero(nrows, sizeof(*change->wanted));
	for (size_t i = 0; i < nrows; i++) {
		if (change->n == SERIES_ROWS_MAX) {
			refuse(change->shard->store, rows[i].n);
			continue;
		}
		change->wanted[change->n++].row = &rows[i];
		measures = rows[i].set->n > measures ? rows[i].set->n : measures;
	}
	change->rooms = mem_zero(measures, sizeof(*change->rooms));
	change->nbuckets = 16;
	while (change->nbuckets < 2 * (change->n + change->old->nrows))
		change->nbuckets *= 2;
	change->buckets = mem_zero(change->nbuckets, sizeof(*change->buckets));
}

static void change_structure(struct series *series, const struct row *rows, size_t nrows)
{
	struct block *old = published(series);
	struct change change = {.shard = series->link.shard, .series = series, .old = old};
	change.text.ceiling = SERIES_TEXT_MAX;
	text_reserve(&change.text, 0);
	list_wanted(&change, rows, nrows);
	match_rows(&change);
	release_lost_rows(&change);
	shape_rows(&change);
	if (fits_old_block(&change))
		fill_in_place(&change, old);
	else
		replace_block(&change);
	text_free(&change.text);
	mem_free(change.wanted);
	mem_free(change.rooms);
	mem_free(change.buckets);
}

bool series_refill(struct series *series, const struct row *rows, size_t nrows, size_t nsame)
{
	struct series_shard *shard = series->link.shard;
	struct block *block = published(series);
	if (shard->retired_first < shard->retired_end)
		free_retired(shard);
	if (!is_same_structure(series, rows, nrows, nsame))
		return false;
	if (slabs_want_back(shard->slabs, block, block->end)) {
		block = block_copy(shard->slabs, block, shard->store->shapes);
		publish(shard, series, block);
	}
	uint32_t shown = 0;
	block_begin(block);
	for (size_t i = 0; i < nrows; i++)
		shown += block_fill_row(block, i, &rows[i]);
	block_end(block);
	set_shown(shard->store, series, shown);
	return true;
}

void series_update(struct series *series, const struct row *rows, size_t nrows)
{
	if (!series_refill(series, rows, nrows, 0))
		change_structure(series, rows, nrows);
}
