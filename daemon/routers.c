#include "daemon/routers.h"

#include <stdatomic.h>
#include <string.h>

#include "core/mem.h"
#include "daemon/names.h"
#include "daemon/targets.h"
#include "probes/probe.h"
#include "probes/routeros/ros_access.h"
#include "probes/routeros/routeros.h"

/* One that many routers share. */
struct shared_access {
	const void *settings; /* whose it is; not looked into any more */
	struct ros_access *access;
};

struct routers {
	atomic_int holders;
	struct router *items;
	size_t n, room;
	struct shared_access *accesses;
	size_t naccesses;
	struct names names;
};

/* Targets of one group follow one another: the last one is the likeliest. */
static const struct ros_access *share_access(struct routers *routers, const struct probe_spec *spec)
{
	const struct routeros_settings *settings = spec->settings;

	for (size_t i = routers->naccesses; i-- > 0;)
		if (routers->accesses[i].settings == spec->settings)
			return routers->accesses[i].access;
	routers->accesses = mem_resize(routers->accesses, routers->naccesses + 1, sizeof(*routers->accesses));
	routers->accesses[routers->naccesses] =
		(struct shared_access){spec->settings, ros_access_copy(&settings->access)};
	return routers->accesses[routers->naccesses++].access;
}

static void add(struct routers *routers, const struct desired *item)
{
	const char *name = target_name(item->target);
	struct router *router;

	if (routers_find(routers, name))
		return;
	if (routers->n == routers->room) {
		routers->room = routers->room ? routers->room * 2 : 16;
		routers->items = mem_resize(routers->items, routers->room, sizeof(*routers->items));
	}
	router = &routers->items[routers->n];
	router->name = mem_copy_string(name);
	router->host = mem_copy_string(target_address(item->target));
	router->access = share_access(routers, item->spec);
	names_add(&routers->names, names_key_of(router->name), routers->n++);
}

struct routers *routers_create(const struct desired_set *set)
{
	struct routers *routers = mem_zero(1, sizeof(*routers));

	atomic_init(&routers->holders, 1);
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->items[i].spec->type->name, "routeros") == 0)
			add(routers, &set->items[i]);
	return routers;
}

struct routers *routers_hold(struct routers *routers)
{
	atomic_fetch_add(&routers->holders, 1);
	return routers;
}

void routers_release(struct routers *routers)
{
	if (!routers || atomic_fetch_sub(&routers->holders, 1) != 1)
		return;
	for (size_t i = 0; i < routers->n; i++) {
		mem_free((char *)routers->items[i].name);
		mem_free((char *)routers->items[i].host);
	}
	for (size_t i = 0; i < routers->naccesses; i++)
		ros_access_free(routers->accesses[i].access);
	names_free(&routers->names);
	mem_free(routers->accesses);
	mem_free(routers->items);
	mem_free(routers);
}

const struct router *routers_find(const struct routers *routers, const char *name)
{
	size_t position = names_find(&routers->names, names_key_of(name));

	return position == NAMES_NONE ? NULL : &routers->items[position];
}

size_t routers_count(const struct routers *routers)
{
	return routers->n;
}
