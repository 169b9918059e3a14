/*
 * The configured routers by name, for those who want to reach one: what a generation of targets says about them.
 * Immutable, and counted by those who hold it. Any thread.
 */
#ifndef NETSONDE_DAEMON_ROUTERS_H
#define NETSONDE_DAEMON_ROUTERS_H

#include <stddef.h>

struct desired_set;
struct ros_access;
struct routers;

/* Borrowed from the directory. */
struct router {
	const char *name; /* of the target, whose worker has the link */
	const char *host; /* its address */
	const struct ros_access *access;
};

/* Of each target with a probe of type routeros, the first of them. Everything is copied; held once. Main thread. */
struct routers *routers_create(const struct desired_set *set);

struct routers *routers_hold(struct routers *routers);
void routers_release(struct routers *routers); /* the last one frees it; NULL is harmless */

/* NULL: there is none of this name. */
const struct router *routers_find(const struct routers *routers, const char *name);
size_t routers_count(const struct routers *routers);

#endif
