#include "daemon/ros_guest.h"

#include <stdatomic.h>
#include <string.h>

#include "core/clock.h"
#include "core/destination.h"
#include "core/hash.h"
#include "core/loop.h"
#include "core/mem.h"
#include "probes/routeros/ros_link.h"
#include "probes/routeros/ros_pool.h"

struct ros_guest {
	struct ros_guest *next;
	struct ros_guests *guests;
	uint64_t place, access; /* hashes: of host and port; of how it is reached */
	const struct destination_rules *rules;
	void *rules_held;
	void (*rules_release)(void *held);
	struct ros_link_guard guard;
	struct ros_link *link;
	size_t users;
	int64_t idle_ns;
	struct alarm idle;
};

struct ros_guests {
	struct loop *loop;
	struct ros_pool *pool;
	struct hash_key secret;
	struct ros_guest *first;
	_Atomic size_t n;
	_Atomic uint64_t opened, reused;
};

struct ros_guests *ros_guests_create(struct loop *loop, struct ros_pool *pool)
{
	struct ros_guests *guests = mem_zero(1, sizeof(*guests));

	guests->loop = loop;
	guests->pool = pool;
	guests->secret = hash_key_random();
	return guests;
}

static void close_guest(struct ros_guest *guest)
{
	struct ros_guests *guests = guest->guests;
	struct ros_guest **link = &guests->first;

	while (*link != guest)
		link = &(*link)->next;
	*link = guest->next;
	atomic_fetch_sub_explicit(&guests->n, 1, memory_order_relaxed);
	alarm_cancel(guests->loop, &guest->idle);
	ros_pool_give(guests->pool, guest->link);
	if (guest->rules_release)
		guest->rules_release(guest->rules_held);
	mem_free(guest);
}

void ros_guests_free(struct ros_guests *guests)
{
	if (!guests)
		return;
	while (guests->first)
		close_guest(guests->first);
	mem_free(guests);
}

static void end_idle(void *arg)
{
	close_guest(arg);
}

static bool permits(void *arg, const char *host, const struct address *address, uint16_t port, struct err *err)
{
	const struct ros_guest *guest = arg;
	const struct destination destination = {.host = host, .address = address, .port = port};

	return destination_is_permitted(guest->rules, &destination, err);
}

static struct ros_guest *find(const struct ros_guests *guests, const struct ros_guest *wanted, int64_t *nplace)
{
	struct ros_guest *found = NULL;

	*nplace = 0;
	for (struct ros_guest *guest = guests->first; guest; guest = guest->next) {
		if (guest->place != wanted->place)
			continue;
		++*nplace;
		if (guest->access == wanted->access && guest->rules == wanted->rules)
			found = guest;
	}
	return found;
}

/* One that nobody uses has to go before somebody else is refused. */
static bool make_room(struct ros_guests *guests, const struct ros_guest *wanted, bool is_of_place)
{
	for (struct ros_guest *guest = guests->first; guest; guest = guest->next)
		if (guest->users == 0 && (!is_of_place || guest->place == wanted->place)) {
			close_guest(guest);
			return true;
		}
	return false;
}

static int open_guest(struct ros_guests *guests, struct ros_guest *guest, const struct ros_job *job, struct err *err)
{
	guest->guests = guests;
	guest->guard = (struct ros_link_guard){permits, guest};
	guest->link = ros_pool_take(guests->pool, job->host, job->access, &guest->guard, err);
	if (!guest->link)
		return -1;
	guest->rules_held = job->rules_held;
	guest->rules_release = job->rules_release;
	if (job->rules_hold)
		job->rules_hold(job->rules_held);
	guest->idle_ns = job->access->idle_ns;
	alarm_prepare(&guest->idle, end_idle, guest);
	guest->next = guests->first;
	guests->first = guest;
	atomic_fetch_add_explicit(&guests->n, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&guests->opened, 1, memory_order_relaxed);
	return 0;
}

static struct ros_guest *use(struct ros_guest *guest)
{
	guest->users++;
	alarm_cancel(guest->guests->loop, &guest->idle);
	return guest;
}

struct ros_guest *ros_guest_take(struct ros_guests *guests, const struct ros_job *job, struct err *err)
{
	struct ros_guest wanted = {.rules = job->rules}, *guest;
	int64_t nplace;

	wanted.place =
		hash_string(guests->secret, job->host) ^ hash_number(guests->secret, ros_access_port(job->access));
	wanted.access = ros_access_hash(guests->secret, job->access);
	guest = find(guests, &wanted, &nplace);
	if (guest) {
		atomic_fetch_add_explicit(&guests->reused, 1, memory_order_relaxed);
		return use(guest);
	}
	if (nplace >= job->max_connections && !make_room(guests, &wanted, true)) {
		err_set(err, "%lld connections to this host are in use already (max_connections_per_host)",
			(long long)job->max_connections);
		return NULL;
	}
	if (guests->n >= ROS_GUESTS_MAX && !make_room(guests, &wanted, false)) {
		err_set(err, "%d connections to hosts that are not configured are in use already", ROS_GUESTS_MAX);
		return NULL;
	}
	guest = mem_copy(&wanted, sizeof(wanted));
	if (open_guest(guests, guest, job, err) == 0)
		return use(guest);
	mem_free(guest);
	return NULL;
}

/* One that failed is not kept: who asks again may have corrected what was wrong. */
void ros_guest_give(struct ros_guest *guest)
{
	struct ros_link_figures figures;

	if (--guest->users > 0)
		return;
	ros_link_read(guest->link, &figures);
	if (figures.state != ROS_LINK_UP || guest->idle_ns <= 0)
		close_guest(guest);
	else
		alarm_set(guest->guests->loop, &guest->idle, clock_monotonic_ns() + guest->idle_ns);
}

struct ros_link *ros_guest_link(const struct ros_guest *guest)
{
	return guest->link;
}

void ros_guests_read(const struct ros_guests *guests, struct ros_guests_figures *out)
{
	out->opened = atomic_load_explicit(&guests->opened, memory_order_relaxed);
	out->reused = atomic_load_explicit(&guests->reused, memory_order_relaxed);
	out->links = atomic_load_explicit(&guests->n, memory_order_relaxed);
}
