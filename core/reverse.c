#include "core/reverse.h"

#include <sys/queue.h>

#include "core/clock.h"
#include "core/hash.h"
#include "core/mem.h"
#include "core/resolve.h"

#define BUCKETS 1024 /* a power of two */

/* One address: with a name, known to have none, or asked for just now. */
struct entry {
	TAILQ_ENTRY(entry) place; /* by last use, the latest first */
	LIST_ENTRY(entry) neighbour;
	struct reverse *reverse;
	struct address address;
	char *name;
	int64_t again_ns; /* from when on it is asked for anew */
	int64_t stale_ns; /* from when on the name is not told any more */
	struct resolution *lookup;
};

LIST_HEAD(bucket, entry);

struct reverse {
	struct resolver *resolver;
	struct hash_key key;
	struct bucket *buckets; /* NULL until somebody asks */
	TAILQ_HEAD(entry_list, entry) used;
	size_t n, running;
};

struct reverse *reverse_create(struct resolver *resolver)
{
	struct reverse *reverse = mem_zero(1, sizeof(*reverse));
	reverse->resolver = resolver;
	TAILQ_INIT(&reverse->used);
	return reverse;
}

static void forget(struct entry *entry)
{
	struct reverse *reverse = entry->reverse;
	if (entry->lookup)
		reverse->running--;
	resolve_cancel(entry->lookup);
	TAILQ_REMOVE(&reverse->used, entry, place);
	LIST_REMOVE(entry, neighbour);
	reverse->n--;
	mem_free(entry->name);
	mem_free(entry);
}

void reverse_free(struct reverse *reverse)
{
	if (!reverse)
		return;
	while (!TAILQ_EMPTY(&reverse->used))
		forget(TAILQ_FIRST(&reverse->used));
	mem_free(reverse->buckets);
	mem_free(reverse);
}

/* --- lookups -------------------------------------------------------------------------------------------------------
 */

static int64_t within_bounds(int64_t expires_ns, int64_t now_ns)
{
	int64_t least_ns = now_ns + REVERSE_TTL_MIN_SECONDS * NS_PER_SECOND;
	int64_t most_ns = now_ns + REVERSE_TTL_MAX_SECONDS * NS_PER_SECOND;
	if (expires_ns < least_ns)
		return least_ns;
	return expires_ns < most_ns ? expires_ns : most_ns;
}

/* A failure leaves the name there is; the servers' word that there is none does not. */
static void take_name(void *arg, const struct resolve_name_answer *answer)
{
	struct entry *entry = arg;
	int64_t now_ns = clock_monotonic_ns();
	entry->lookup = NULL;
	entry->reverse->running--;
	if (!answer->name && !answer->is_final) {
		entry->again_ns = now_ns + REVERSE_FAILURE_SECONDS * NS_PER_SECOND;
		return;
	}
	mem_free(entry->name);
	entry->name = mem_copy_string(answer->name);
	entry->again_ns = answer->name ? within_bounds(answer->expires_ns, now_ns)
				       : now_ns + REVERSE_NONE_SECONDS * NS_PER_SECOND;
	entry->stale_ns = entry->again_ns + REVERSE_STALE_SECONDS * NS_PER_SECOND;
}

static void start_lookup(struct entry *entry)
{
	struct reverse *reverse = entry->reverse;
	entry->lookup = resolve_start_reverse(reverse->resolver, &entry->address, take_name, entry);
	reverse->running++;
}

/* --- entries -------------------------------------------------------------------------------------------------------
 */

static struct bucket *find_bucket(struct reverse *reverse, const struct address *address)
{
	if (!reverse->buckets) {
		reverse->buckets = mem_zero(BUCKETS, sizeof(*reverse->buckets));
		reverse->key = hash_key_random();
	}
	return &reverse->buckets[address_hash(reverse->key, address) % BUCKETS];
}

static struct entry *find_entry(const struct bucket *bucket, const struct address *address)
{
	struct entry *entry;
	LIST_FOREACH(entry, bucket, neighbour)
	{
		if (address_equal(&entry->address, address))
			return entry;
	}
	return NULL;
}

static struct entry *add_entry(struct reverse *reverse, struct bucket *bucket, const struct address *address)
{
	if (reverse->n == REVERSE_ENTRIES_MAX)
		forget(TAILQ_LAST(&reverse->used, entry_list));
	struct entry *entry = mem_zero(1, sizeof(*entry));
	entry->reverse = reverse;
	entry->address = *address;
	entry->address.port = 0;
	LIST_INSERT_HEAD(bucket, entry, neighbour);
	TAILQ_INSERT_HEAD(&reverse->used, entry, place);
	reverse->n++;
	return entry;
}

const char *reverse_find(struct reverse *reverse, const struct address *address)
{
	if (address->family == ADDRESS_NONE)
		return NULL;
	bool has_room = reverse->running < REVERSE_PARALLEL_MAX;
	struct bucket *bucket = find_bucket(reverse, address);
	struct entry *entry = find_entry(bucket, address);
	if (!entry && !has_room)
		return NULL;
	if (!entry)
		entry = add_entry(reverse, bucket, address);
	TAILQ_REMOVE(&reverse->used, entry, place);
	TAILQ_INSERT_HEAD(&reverse->used, entry, place);
	int64_t now_ns = clock_monotonic_ns();
	if (!entry->lookup && has_room && now_ns >= entry->again_ns)
		start_lookup(entry);
	return now_ns < entry->stale_ns ? entry->name : NULL;
}

size_t reverse_count(const struct reverse *reverse)
{
	return reverse->n;
}

size_t reverse_running(const struct reverse *reverse)
{
	return reverse->running;
}
