#include "daemon/spec.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "core/option_compare.h"
#include "daemon/shared_catalogue.h"
#include "probes/probe.h"

#define BUCKETS_MIN 64

struct entry {
	struct probe_spec spec; /* first */
	struct entry *next;     /* in its bucket */
	uint64_t hash;
	size_t holders;
};

struct spec_table {
	struct hash_key secret; /* settings come from files that strangers may write */
	struct entry **buckets; /* a power of two of them */
	size_t nbuckets;
	size_t n;
};

struct spec_table *spec_table_create(void)
{
	struct spec_table *table = mem_zero(1, sizeof(*table));

	table->secret = hash_key_random();
	table->nbuckets = BUCKETS_MIN;
	table->buckets = mem_zero(table->nbuckets, sizeof(struct entry *));
	return table;
}

static void entry_free(struct entry *entry)
{
	const struct probe_type *type = entry->spec.type;

	option_free_settings(type->options, type->noptions, (void *)(uintptr_t)entry->spec.settings);
	shared_catalogue_release(entry->spec.catalogue);
	mem_free((char *)(uintptr_t)entry->spec.name);
	mem_free(entry);
}

void spec_table_free(struct spec_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->nbuckets; i++) {
		for (struct entry *entry = table->buckets[i], *next; entry; entry = next) {
			next = entry->next;
			entry_free(entry);
		}
	}
	mem_free(table->buckets);
	mem_free(table);
}

static bool specs_are_equal(const struct probe_spec *a, const struct probe_spec *b)
{
	return a->type == b->type && strcmp(a->name, b->name) == 0 &&
	       shared_catalogue_is_equal(a->catalogue, b->catalogue) &&
	       option_settings_are_equal(a->type->options, a->type->noptions, a->settings, b->settings);
}

static uint64_t spec_hash(const struct spec_table *table, const struct probe_spec *spec)
{
	uint64_t settings =
		option_settings_hash(table->secret, spec->type->options, spec->type->noptions, spec->settings);

	return hash_number(table->secret,
			   settings ^ hash_string(table->secret, spec->name) ^ shared_catalogue_hash(spec->catalogue));
}

static struct entry **bucket_of(const struct spec_table *table, uint64_t hash)
{
	return &table->buckets[hash & (table->nbuckets - 1)];
}

static void push(struct spec_table *table, struct entry *entry)
{
	struct entry **bucket = bucket_of(table, entry->hash);

	entry->next = *bucket;
	*bucket = entry;
}

static void grow(struct spec_table *table)
{
	struct entry **old = table->buckets;
	size_t nold = table->nbuckets;

	table->nbuckets = nold * 2;
	table->buckets = mem_zero(table->nbuckets, sizeof(struct entry *));
	for (size_t i = 0; i < nold; i++) {
		for (struct entry *entry = old[i], *next; entry; entry = next) {
			next = entry->next;
			push(table, entry);
		}
	}
	mem_free(old);
}

static struct entry *find(const struct spec_table *table, const struct probe_spec *wanted, uint64_t hash)
{
	for (struct entry *entry = *bucket_of(table, hash); entry; entry = entry->next) {
		if (entry->hash == hash && specs_are_equal(&entry->spec, wanted))
			return entry;
	}
	return NULL;
}

static struct entry *add(struct spec_table *table, const struct probe_spec *wanted, uint64_t hash)
{
	const struct probe_type *type = wanted->type;
	struct entry *entry = mem_zero(1, sizeof(*entry));

	entry->spec = (struct probe_spec){
		.name = mem_copy_string(wanted->name),
		.type = type,
		.settings = option_copy_settings(type->options, type->noptions, type->settings_size, wanted->settings),
		.catalogue = shared_catalogue_hold(wanted->catalogue),
	};
	entry->hash = hash;
	if (table->n >= table->nbuckets)
		grow(table);
	push(table, entry);
	table->n++;
	return entry;
}

/* The place of these settings in a memo; others may have taken it. */
static size_t memo_place(const void *settings)
{
	return ((uintptr_t)settings >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 56;
}
_Static_assert(SPEC_MEMO_SIZE == 256, "memo_place gives eight bits");

/* The same address is the same settings; the probe's name and type may still be others. */
static const struct probe_spec *recall(const struct spec_memo *memo, const struct probe_spec *wanted)
{
	size_t i = memo_place(wanted->settings);
	const struct probe_spec *spec = memo->entries[i].spec;

	if (!spec || memo->entries[i].settings != wanted->settings || spec->type != wanted->type ||
	    strcmp(spec->name, wanted->name) != 0)
		return NULL;
	return spec;
}

const struct probe_spec *spec_table_hold(struct spec_table *table, const struct probe_spec *wanted,
					 struct spec_memo *memo)
{
	struct entry *entry = memo ? (struct entry *)(uintptr_t)recall(memo, wanted) : NULL;

	if (!entry) {
		uint64_t hash = spec_hash(table, wanted);

		entry = find(table, wanted, hash);
		if (!entry)
			entry = add(table, wanted, hash);
	}
	entry->holders++;
	if (memo) {
		size_t i = memo_place(wanted->settings);

		memo->entries[i].settings = wanted->settings;
		memo->entries[i].spec = &entry->spec;
	}
	return &entry->spec;
}

void spec_table_release(struct spec_table *table, const struct probe_spec *spec)
{
	struct entry *entry = (struct entry *)(uintptr_t)spec;
	struct entry **link;

	if (--entry->holders > 0)
		return;
	link = bucket_of(table, entry->hash);
	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
	table->n--;
	entry_free(entry);
}

size_t spec_table_count(const struct spec_table *table)
{
	return table->n;
}
