#include "probes/routeros/ros_pool.h"

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "probes/engine.h"
#include "probes/routeros/ros_link_internal.h"

#define BUCKETS 1024

struct ros_pool {
	struct ros_link_base base; /* first: links know the pool by it */
	struct hash_key key;
	struct ros_link *buckets[BUCKETS];
	struct ros_link *first_idle, *last_idle;
	size_t nidle;
	struct alarm alarm; /* for first_idle */
	_Atomic int64_t links, up, opened, reused;
};

/* --- links that nobody holds -------------------------------------------------------------------------------------- */

static void remove_idle(struct ros_pool *pool, struct ros_link *link)
{
	*(link->previous_idle ? &link->previous_idle->next_idle : &pool->first_idle) = link->next_idle;
	*(link->next_idle ? &link->next_idle->previous_idle : &pool->last_idle) = link->previous_idle;
	link->next_idle = link->previous_idle = NULL;
	link->is_idle_listed = false;
	pool->nidle--;
}

static void set_alarm(struct ros_pool *pool)
{
	if (pool->first_idle)
		alarm_set(pool->base.loop, &pool->alarm, pool->first_idle->end_ns);
	else
		alarm_cancel(pool->base.loop, &pool->alarm);
}

static void add_idle(struct ros_pool *pool, struct ros_link *link)
{
	struct ros_link *before = link->guard ? NULL : pool->last_idle;
	link->previous_idle = before;
	link->next_idle = before ? NULL : pool->first_idle;
	*(before ? &before->next_idle : &pool->first_idle) = link;
	*(link->next_idle ? &link->next_idle->previous_idle : &pool->last_idle) = link;
	link->is_idle_listed = true;
	pool->nidle++;
}

static void drop(struct ros_pool *pool, struct ros_link *link)
{
	struct ros_link **at = &pool->buckets[link->hash % BUCKETS];
	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	remove_idle(pool, link);
	ros_link_free(link);
	atomic_fetch_sub_explicit(&pool->links, 1, memory_order_relaxed);
}

static void free_links(struct ros_pool *pool)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (pool->buckets[i]) {
			struct ros_link *link = pool->buckets[i];
			pool->buckets[i] = link->next;
			ros_link_free(link);
		}
}

static void drop_due(void *arg)
{
	struct ros_pool *pool = arg;
	int64_t now_ns = clock_monotonic_ns();
	while (pool->first_idle && (pool->first_idle->end_ns <= now_ns || pool->nidle > ROS_POOL_IDLE_MAX))
		drop(pool, pool->first_idle);
	set_alarm(pool);
}

/* --- taking and giving -------------------------------------------------------------------------------------------- */

static uint64_t hash_of(const struct ros_pool *pool, const char *host, const struct ros_access *access)
{
	return hash_string(pool->key, host) ^ ros_access_hash(pool->key, access);
}

static struct ros_link *find(const struct ros_pool *pool, uint64_t hash, const char *host,
			     const struct ros_access *access)
{
	struct ros_link *link = pool->buckets[hash % BUCKETS];
	while (link && (link->hash != hash || link->guard || strcmp(link->name, host) != 0 ||
			!ros_accesses_are_equal(link->access, access)))
		link = link->next;
	return link;
}

static struct ros_link *make(struct ros_pool *pool, const char *host, const struct ros_access *access,
			     const struct ros_link_guard *guard, struct err *err)
{
	struct ros_link *link = ros_link_create(&pool->base, host, access, guard, err);
	if (!link)
		return NULL;
	link->hash = hash_of(pool, host, access);
	link->next = pool->buckets[link->hash % BUCKETS];
	pool->buckets[link->hash % BUCKETS] = link;
	atomic_fetch_add_explicit(&pool->links, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&pool->opened, 1, memory_order_relaxed);
	return link;
}

struct ros_link *ros_pool_take(struct ros_pool *pool, const char *host, const struct ros_access *access,
			       const struct ros_link_guard *guard, struct err *err)
{
	struct ros_link *link = guard ? NULL : find(pool, hash_of(pool, host, access), host, access);
	if (link)
		atomic_fetch_add_explicit(&pool->reused, 1, memory_order_relaxed);
	else
		link = make(pool, host, access, guard, err);
	if (!link)
		return NULL;
	if (link->is_idle_listed) {
		remove_idle(pool, link);
		set_alarm(pool);
	}
	link->holders++;
	return link;
}

static bool forbid(void *arg, const char *host, const struct address *address, uint16_t port, struct err *err)
{
	(void)arg, (void)host, (void)address, (void)port;
	err_set(err, "nobody needs it any more");
	return false;
}

/* The giver may be in a callback of the link's: it goes later. */
void ros_pool_give(struct ros_pool *pool, struct ros_link *link)
{
	static const struct ros_link_guard nobody = {.permits = forbid};
	int64_t now_ns = clock_monotonic_ns();
	if (!link || --link->holders > 0)
		return;
	link->end_ns = link->guard ? now_ns : now_ns + ROS_POOL_LINGER_NS;
	if (link->guard)
		link->guard = &nobody;
	add_idle(pool, link);
	if (pool->nidle > ROS_POOL_IDLE_MAX)
		pool->first_idle->end_ns = now_ns;
	set_alarm(pool);
}

void ros_pool_read(const struct ros_pool *pool, struct ros_pool_figures *out)
{
	*out = (struct ros_pool_figures){
		.links = (size_t)atomic_load_explicit(&pool->links, memory_order_relaxed),
		.up = (size_t)atomic_load_explicit(&pool->up, memory_order_relaxed),
		.opened = (uint64_t)atomic_load_explicit(&pool->opened, memory_order_relaxed),
		.reused = (uint64_t)atomic_load_explicit(&pool->reused, memory_order_relaxed),
	};
	out->held = out->links - pool->nidle;
}

/* --- the pool ----------------------------------------------------------------------------------------------------- */

static void changed(struct ros_link *link, bool is_up)
{
	struct ros_pool *pool = (struct ros_pool *)link->base;
	atomic_fetch_add_explicit(&pool->up, is_up ? 1 : -1, memory_order_relaxed);
}

struct ros_pool *ros_pool_create(struct loop *loop, struct resolver *resolver)
{
	struct ros_pool *pool = mem_zero(1, sizeof(*pool));
	pool->base = (struct ros_link_base){
		.loop = loop, .resolver = resolver, .tls = tls_clients_create(), .changed = changed};
	pool->key = hash_key_random();
	alarm_prepare(&pool->alarm, drop_due, pool);
	return pool;
}

void ros_pool_free(struct ros_pool *pool)
{
	if (!pool)
		return;
	free_links(pool);
	alarm_cancel(pool->base.loop, &pool->alarm);
	SSL_CTX_free(pool->base.anonymous);
	tls_clients_free(pool->base.tls);
	mem_free(pool);
}

static void *create_service(struct engine *engine)
{
	return ros_pool_create(engine_loop(engine), engine_resolver(engine));
}

static void free_service(void *service)
{
	ros_pool_free(service);
}

const struct probe_service ros_pool_service = {
	.name = "routeros",
	.create = create_service,
	.free = free_service,
};
