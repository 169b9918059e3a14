#include "core/wheel.h"

#include "core/mem.h"

/* A power of two: with slots of 5 ms the wheel is 20 s round, so that ordinary timeouts fit in one round. */
#define CACHE_LINE_BYTES 64
#define FETCH_LINES      3 /* before and behind an entry */
#define WHEEL_SLOTS      4096
#define WHEEL_MASK       (WHEEL_SLOTS - 1)
#define WORD_BITS        64
#define WORDS            (WHEEL_SLOTS / WORD_BITS)

/* All entries whose due_slot has the same remainder. earliest is a lower bound of their due slots: exact after an
 * insert or a take, perhaps too low after a remove, and put right by whoever looks. */
struct bucket {
	struct wheel_entry *first;
	struct wheel_entry **tail;
	int64_t earliest;
};

struct wheel {
	int64_t slot_ns;
	int64_t start_ns;
	int64_t last_slot;         /* the last one but one whose end is still a time */
	int64_t current;           /* this slot and all before it have left their buckets */
	int64_t barrier;           /* the latest slot that wheel_take was ever asked for; inserts go behind it */
	struct wheel_entry *ready; /* what is left of slot current */
	struct bucket *buckets;
	uint64_t occupied[WORDS];
};

struct wheel *wheel_create(int64_t slot_ns, int64_t start_ns)
{
	struct wheel *wheel = mem_zero(1, sizeof *wheel);
	wheel->slot_ns = slot_ns;
	wheel->start_ns = start_ns;
	uint64_t slots = ((uint64_t)INT64_MAX - (uint64_t)start_ns) / (uint64_t)slot_ns;
	wheel->last_slot = (slots < (uint64_t)INT64_MAX ? (int64_t)slots : INT64_MAX) - 1;
	wheel->buckets = mem_zero(WHEEL_SLOTS, sizeof *wheel->buckets);
	for (size_t i = 0; i < WHEEL_SLOTS; i++)
		wheel->buckets[i].tail = &wheel->buckets[i].first;
	return wheel;
}

static void detach_all(struct wheel_entry *entry)
{
	while (entry) {
		struct wheel_entry *next = entry->next;
		entry->next = NULL;
		entry->link = NULL;
		entry = next;
	}
}

void wheel_free(struct wheel *wheel)
{
	if (!wheel)
		return;
	detach_all(wheel->ready);
	for (size_t i = 0; i < WHEEL_SLOTS; i++)
		detach_all(wheel->buckets[i].first);
	mem_free(wheel->buckets);
	mem_free(wheel);
}

/* The first slot that ends at due_ns or later. */
static int64_t slot_ending_after(const struct wheel *wheel, int64_t due_ns)
{
	if (due_ns <= wheel->start_ns)
		return 0;
	uint64_t distance = (uint64_t)due_ns - (uint64_t)wheel->start_ns;
	uint64_t slot = distance / (uint64_t)wheel->slot_ns + (distance % (uint64_t)wheel->slot_ns != 0);
	return slot < (uint64_t)wheel->last_slot ? (int64_t)slot : wheel->last_slot;
}

/* The last slot that has ended at now_ns. */
static int64_t slot_ended_at(const struct wheel *wheel, int64_t now_ns)
{
	if (now_ns <= wheel->start_ns)
		return 0;
	uint64_t slot = ((uint64_t)now_ns - (uint64_t)wheel->start_ns) / (uint64_t)wheel->slot_ns;
	return slot < (uint64_t)wheel->last_slot ? (int64_t)slot : wheel->last_slot;
}

static int64_t slot_end_ns(const struct wheel *wheel, int64_t slot)
{
	return (int64_t)((uint64_t)wheel->start_ns + (uint64_t)slot * (uint64_t)wheel->slot_ns);
}

static size_t bucket_index(int64_t slot)
{
	return (size_t)((uint64_t)slot & WHEEL_MASK);
}

static void mark(struct wheel *wheel, size_t index, bool is_occupied)
{
	uint64_t bit = UINT64_C(1) << (index % WORD_BITS);
	if (is_occupied)
		wheel->occupied[index / WORD_BITS] |= bit;
	else
		wheel->occupied[index / WORD_BITS] &= ~bit;
}

static void bucket_add(struct wheel *wheel, struct wheel_entry *entry)
{
	size_t index = bucket_index(entry->due_slot);
	struct bucket *bucket = &wheel->buckets[index];
	if (!bucket->first) {
		bucket->earliest = entry->due_slot;
		mark(wheel, index, true);
	} else if (entry->due_slot < bucket->earliest) {
		bucket->earliest = entry->due_slot;
	}
	entry->next = NULL;
	entry->link = bucket->tail;
	*bucket->tail = entry;
	bucket->tail = &entry->next;
}

void wheel_insert(struct wheel *wheel, struct wheel_entry *entry, int64_t due_ns)
{
	wheel_remove(wheel, entry);
	int64_t slot = slot_ending_after(wheel, due_ns);
	entry->due_slot = slot > wheel->barrier ? slot : wheel->barrier + 1;
	bucket_add(wheel, entry);
}

void wheel_remove(struct wheel *wheel, struct wheel_entry *entry)
{
	if (!entry->link)
		return;
	*entry->link = entry->next;
	if (entry->next)
		entry->next->link = entry->link;
	/* Buckets hold only what is later than current; the rest is in the ready list, which needs no tail. */
	if (entry->due_slot > wheel->current) {
		size_t index = bucket_index(entry->due_slot);
		struct bucket *bucket = &wheel->buckets[index];
		if (!entry->next)
			bucket->tail = entry->link;
		if (!bucket->first)
			mark(wheel, index, false);
	}
	entry->next = NULL;
	entry->link = NULL;
}

bool wheel_holds(const struct wheel_entry *entry)
{
	return entry->link != NULL;
}

/* The earliest due slot of a bucket that is not empty. Walks only as far as the first entry that proves the bound. */
static int64_t bucket_earliest(struct bucket *bucket)
{
	int64_t earliest = INT64_MAX;
	for (const struct wheel_entry *entry = bucket->first; entry; entry = entry->next) {
		if (entry->due_slot == bucket->earliest)
			return entry->due_slot;
		if (entry->due_slot < earliest)
			earliest = entry->due_slot;
	}
	bucket->earliest = earliest;
	return earliest;
}

/* The earliest slot after current in which anything waits, or INT64_MAX. Goes once around the buckets, beginning with
 * the one of the next slot, and stops as soon as no later bucket can hold anything earlier. */
static int64_t next_slot(const struct wheel *wheel)
{
	size_t first = bucket_index(wheel->current + 1);
	uint64_t upper = ~UINT64_C(0) << (first % WORD_BITS);
	int64_t best = INT64_MAX;
	/* The first word is looked at twice: its upper part at the beginning of the round, its lower part at the end.
	 */
	for (size_t i = 0; i <= WORDS; i++) {
		size_t word = (first / WORD_BITS + i) % WORDS;
		uint64_t bits = wheel->occupied[word];
		if (i == 0)
			bits &= upper;
		for (; bits; bits &= bits - 1) {
			size_t index = word * WORD_BITS + (size_t)__builtin_ctzll(bits);
			int64_t slot = wheel->current + 1 + (int64_t)((index - first) & WHEEL_MASK);
			struct bucket *bucket = &wheel->buckets[index];
			if (best < slot)
				return best;
			if (bucket->earliest >= best)
				continue;
			int64_t earliest = bucket_earliest(bucket);
			best = earliest < best ? earliest : best;
		}
	}
	return best;
}

int64_t wheel_next_ns(const struct wheel *wheel)
{
	if (wheel->ready)
		return slot_end_ns(wheel, wheel->current);
	int64_t slot = next_slot(wheel);
	return slot == INT64_MAX ? INT64_MAX : slot_end_ns(wheel, slot);
}

/* Makes slot the current one: moves its entries, in their order, from their bucket to the ready list. */
static void open_slot(struct wheel *wheel, int64_t slot)
{
	size_t index = bucket_index(slot);
	struct bucket *bucket = &wheel->buckets[index];
	struct wheel_entry **tail = &wheel->ready;
	struct wheel_entry *entry = bucket->first;
	bucket->first = NULL;
	bucket->tail = &bucket->first;
	mark(wheel, index, false);
	wheel->current = slot;
	while (entry) {
		struct wheel_entry *next = entry->next;
		if (entry->due_slot == slot) {
			entry->next = NULL;
			entry->link = tail;
			*tail = entry;
			tail = &entry->next;
		} else {
			bucket_add(wheel, entry);
		}
		entry = next;
	}
}

/* Entries of a slot lie all over the memory: while the one that was taken is served, the next one and what it is part
 * of are on their way into the cache. */
static void fetch_next(const struct wheel *wheel)
{
	const char *next = (const char *)wheel->ready;
	if (!next)
		return;
	for (int line = -FETCH_LINES; line <= FETCH_LINES; line++)
		__builtin_prefetch(next + (ptrdiff_t)line * CACHE_LINE_BYTES);
	__builtin_prefetch(wheel->ready->next);
}

struct wheel_entry *wheel_take(struct wheel *wheel, int64_t now_ns)
{
	int64_t ended = slot_ended_at(wheel, now_ns);
	if (ended > wheel->barrier)
		wheel->barrier = ended;
	if (!wheel->ready) {
		int64_t slot = next_slot(wheel);
		if (slot > wheel->barrier) {
			wheel->current = wheel->barrier;
			return NULL;
		}
		open_slot(wheel, slot);
	}
	struct wheel_entry *entry = wheel->ready;
	wheel_remove(wheel, entry);
	fetch_next(wheel);
	return entry;
}
