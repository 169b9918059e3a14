/*
 * The links of a worker: whoever wants the same router with the same access gets the same link. A service of the probe
 * type (ros_pool_service), so that REST finds those of the configured routers.
 */
#ifndef NETSONDE_PROBES_ROS_POOL_H
#define NETSONDE_PROBES_ROS_POOL_H

#include "core/clock.h"
#include "probes/probe.h"
#include "probes/routeros/ros_access.h"
#include "probes/routeros/ros_link.h"

struct ros_pool;

extern const struct probe_service ros_pool_service; /* "routeros" */

/* For those who have no engine (tests). Both are borrowed. */
struct ros_pool *ros_pool_create(struct loop *loop, struct resolver *resolver);
/* With all its links: nobody may hold one any more. NULL is harmless. */
void ros_pool_free(struct ros_pool *pool);

/* A link to host with this access, shared and held once more. host: name or literal, copied, as is what access points
 * to. guard: NULL, or whom it may talk to (borrowed until given back); links with a guard are never shared. NULL with
 * err when it can never work: a fingerprint that is none, and such. */
struct ros_link *ros_pool_take(struct ros_pool *pool, const char *host, const struct ros_access *access,
			       const struct ros_link_guard *guard, struct err *err);

/* Given back: no calls of the giver may be under way. The link is closed idle_ns (at most ROS_POOL_LINGER_NS) after its
 * last holder has gone; one with a guard soon. Links without holders are ROS_POOL_IDLE_MAX at most: the one that was
 * given back first goes first. NULL is harmless. */
#define ROS_POOL_LINGER_NS (300 * NS_PER_SECOND)
#define ROS_POOL_IDLE_MAX  256
void ros_pool_give(struct ros_pool *pool, struct ros_link *link);

/* How many links there are, how many of them are up and held, and how often ros_pool_take made one or found one. */
struct ros_pool_figures {
	size_t links, up, held;
	uint64_t opened, reused; /* by ros_pool_take */
};
void ros_pool_read(const struct ros_pool *pool, struct ros_pool_figures *out);

#endif
