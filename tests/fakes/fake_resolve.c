#include <string.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/resolve.h"
#include "tests/fakes/fakes.h"

#define ADDRESSES_MAX 64

/* A name that the test has set, or that was asked for. */
struct entry {
	struct entry *next;
	char *name;
	struct address addresses[ADDRESSES_MAX];
	size_t n;
	int64_t ttl_seconds;
	char *error;
	char *pointer; /* the name that an address has */
	int64_t delay_ns;
	size_t asked;
};

struct resolver {
	struct resolver *next;
	struct loop *loop;
	struct resolution *running;
};

struct resolution {
	struct resolution *next, **link;
	struct resolver *resolver;
	struct entry *entry;
	enum address_family family;
	void (*done)(void *arg, const struct resolve_answer *answer);
	void (*named)(void *arg, const struct resolve_name_answer *answer); /* instead of done */
	void *arg;
	struct alarm delayed;
	struct deferred at_once;
};

static struct {
	struct entry *entries;
	struct resolver *resolvers;
	size_t running;
} fake;

/* --- names ---------------------------------------------------------------------------------------------------------
 */

static struct entry *find_entry(const char *name)
{
	struct entry *entry = fake.entries;
	while (entry && strcmp(entry->name, name) != 0)
		entry = entry->next;
	return entry;
}

/* An entry for every name that is asked for: a literal is its own address. */
static struct entry *need_entry(const char *name)
{
	struct entry *entry = find_entry(name);
	if (entry)
		return entry;
	entry = mem_zero(1, sizeof *entry);
	entry->name = mem_copy_string(name);
	entry->n = address_parse(name, &entry->addresses[0]);
	entry->ttl_seconds = RESOLVE_TTL_MAX_SECONDS;
	entry->next = fake.entries;
	fake.entries = entry;
	return entry;
}

void fake_resolve_set(const struct fake_name *name)
{
	struct entry *entry = need_entry(name->name);
	entry->n = name->n < ADDRESSES_MAX ? name->n : ADDRESSES_MAX;
	if (entry->n)
		memcpy(entry->addresses, name->addresses, entry->n * sizeof *entry->addresses);
	entry->ttl_seconds = name->ttl_seconds;
	entry->delay_ns = name->delay_ns;
	mem_free(entry->error);
	entry->error = mem_copy_string(name->error);
}

void fake_resolve_set_text(const char *name, const char *addresses, int64_t ttl_seconds)
{
	struct address parsed[ADDRESSES_MAX];
	size_t n = 0;
	char *text = mem_copy_string(addresses);
	char *rest = text;
	char *word;
	while ((word = strsep(&rest, " ")) && n < ADDRESSES_MAX)
		n += address_parse(word, &parsed[n]);
	mem_free(text);
	fake_resolve_set(&(struct fake_name){.name = name, .addresses = parsed, .n = n, .ttl_seconds = ttl_seconds});
}

void fake_resolve_set_error(const char *name, const char *error, int64_t delay_ns)
{
	fake_resolve_set(&(struct fake_name){.name = name, .error = error, .delay_ns = delay_ns});
}

/* The key of an address whose name is asked for: no name can be the same. */
static const char *format_key(const struct address *address, char out[ADDRESS_TEXT_SIZE + 1])
{
	out[0] = '<';
	address_format(address, out + 1);
	return out;
}

static struct entry *need_address_entry(const struct address *address)
{
	char key[ADDRESS_TEXT_SIZE + 1];
	return need_entry(format_key(address, key));
}

void fake_resolve_set_reverse(const struct fake_reverse *reverse)
{
	struct address address;
	if (!address_parse(reverse->address, &address))
		return;
	struct entry *entry = need_address_entry(&address);
	entry->ttl_seconds = reverse->ttl_seconds;
	entry->delay_ns = reverse->delay_ns;
	mem_free(entry->pointer);
	mem_free(entry->error);
	entry->pointer = mem_copy_string(reverse->name);
	entry->error = mem_copy_string(reverse->error);
}

size_t fake_resolve_asked_reverse(const char *address)
{
	struct address parsed;
	return address_parse(address, &parsed) ? need_address_entry(&parsed)->asked : 0;
}

size_t fake_resolve_asked(const char *name)
{
	size_t asked = 0;
	for (const struct entry *entry = fake.entries; entry; entry = entry->next) {
		if (!name || strcmp(entry->name, name) == 0)
			asked += entry->asked;
	}
	return asked;
}

size_t fake_resolve_running(void)
{
	return fake.running;
}

/* --- resolutions ---------------------------------------------------------------------------------------------------
 */

static void end_resolution(struct resolution *resolution)
{
	struct loop *loop = resolution->resolver->loop;
	alarm_cancel(loop, &resolution->delayed);
	loop_defer_cancel(loop, &resolution->at_once);
	*resolution->link = resolution->next;
	if (resolution->next)
		resolution->next->link = resolution->link;
	fake.running--;
	mem_free(resolution);
}

/* IPv4 before IPv6, as the real one. */
static size_t take_addresses(const struct resolution *resolution, struct address *out)
{
	const struct entry *entry = resolution->entry;
	size_t n = 0;
	for (int family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++) {
		if (resolution->family != ADDRESS_NONE && (int)resolution->family != family)
			continue;
		for (size_t i = 0; i < entry->n && n < RESOLVE_ADDRESSES_MAX; i++) {
			if (entry->addresses[i].family == family)
				out[n++] = entry->addresses[i];
		}
	}
	return n;
}

static const char *failure_text(const struct entry *entry)
{
	if (entry->n)
		return "no address of that family";
	return entry->error ? entry->error : "no such name";
}

static int64_t bound_ttl(int64_t ttl)
{
	ttl = ttl < RESOLVE_TTL_MIN_SECONDS ? RESOLVE_TTL_MIN_SECONDS : ttl;
	return ttl > RESOLVE_TTL_MAX_SECONDS ? RESOLVE_TTL_MAX_SECONDS : ttl;
}

static void answer_name(struct resolution *resolution)
{
	const struct entry *entry = resolution->entry;
	struct resolve_name_answer told = {.name = entry->pointer, .is_final = entry->pointer || !entry->error};
	told.expires_ns = fake_now_ns() + (told.name ? bound_ttl(entry->ttl_seconds) * NS_PER_SECOND : 0);
	if (!told.name)
		told.error = entry->error ? entry->error : "no such name";
	void (*named)(void *, const struct resolve_name_answer *) = resolution->named;
	void *named_arg = resolution->arg;
	end_resolution(resolution);
	named(named_arg, &told);
}

static void answer(void *arg)
{
	struct resolution *resolution = arg;
	if (resolution->named) {
		answer_name(resolution);
		return;
	}
	const struct entry *entry = resolution->entry;
	struct address addresses[RESOLVE_ADDRESSES_MAX];
	struct resolve_answer told = {.addresses = addresses, .n = take_addresses(resolution, addresses)};
	told.expires_ns = fake_now_ns() + (told.n ? bound_ttl(entry->ttl_seconds) * NS_PER_SECOND : 0);
	told.error = told.n ? NULL : failure_text(entry);
	void (*done)(void *, const struct resolve_answer *) = resolution->done;
	void *done_arg = resolution->arg;
	end_resolution(resolution);
	done(done_arg, &told);
}

static struct resolution *add_resolution(struct resolver *resolver, struct entry *entry, void *arg)
{
	struct resolution *resolution = mem_zero(1, sizeof *resolution);
	resolution->resolver = resolver;
	resolution->entry = entry;
	entry->asked++;
	resolution->arg = arg;
	resolution->next = resolver->running;
	resolution->link = &resolver->running;
	if (resolution->next)
		resolution->next->link = &resolution->next;
	resolver->running = resolution;
	fake.running++;
	alarm_prepare(&resolution->delayed, answer, resolution);
	deferred_prepare(&resolution->at_once, answer, resolution);
	if (entry->delay_ns > 0)
		alarm_set(resolver->loop, &resolution->delayed, fake_now_ns() + entry->delay_ns);
	else
		loop_defer(resolver->loop, &resolution->at_once);
	return resolution;
}

struct resolution *resolve_start(struct resolver *resolver, const char *name, enum address_family family,
				 void (*done)(void *arg, const struct resolve_answer *answer), void *arg)
{
	struct resolution *resolution = add_resolution(resolver, need_entry(name), arg);
	resolution->family = family;
	resolution->done = done;
	return resolution;
}

struct resolution *resolve_start_reverse(struct resolver *resolver, const struct address *address,
					 void (*done)(void *arg, const struct resolve_name_answer *answer), void *arg)
{
	struct resolution *resolution = add_resolution(resolver, need_address_entry(address), arg);
	resolution->named = done;
	return resolution;
}

void resolve_cancel(struct resolution *resolution)
{
	if (resolution)
		end_resolution(resolution);
}

/* --- resolvers -----------------------------------------------------------------------------------------------------
 */

struct resolver *resolver_create(struct loop *loop, const char *servers, struct err *err)
{
	(void)servers;
	(void)err;
	struct resolver *resolver = mem_zero(1, sizeof *resolver);
	resolver->loop = loop;
	resolver->next = fake.resolvers;
	fake.resolvers = resolver;
	return resolver;
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	while (resolver->running)
		end_resolution(resolver->running);
	struct resolver **link = &fake.resolvers;
	while (*link != resolver)
		link = &(*link)->next;
	*link = resolver->next;
	mem_free(resolver);
}

struct loop *resolver_loop(const struct resolver *resolver)
{
	return resolver->loop;
}

void fake_resolve_reset(void)
{
	while (fake.entries) {
		struct entry *entry = fake.entries;
		fake.entries = entry->next;
		mem_free(entry->name);
		mem_free(entry->error);
		mem_free(entry->pointer);
		mem_free(entry);
	}
}

size_t fake_resolve_alive(void)
{
	size_t n = fake.running;
	for (const struct resolver *resolver = fake.resolvers; resolver; resolver = resolver->next)
		n++;
	return n;
}
