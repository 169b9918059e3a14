/*
 * A router as a probe knows it: what it is (version, packages, clock), whether it has restarted, and what it says of
 * its resources. Asked with one small command a refresh; packages and clock more seldom.
 */
#ifndef NETSONDE_PROBES_ROS_ROUTER_H
#define NETSONDE_PROBES_ROS_ROUTER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/loop.h"
#include "core/sample.h"
#include "probes/routeros/ros_health.h"
#include "probes/routeros/ros_link.h"
#include "probes/routeros/ros_menu.h"

struct catalogue;
struct ros_router;
struct ros_text;

/* Who waits for the end of a refresh. Embedded in its owner, zero-initialised. */
struct ros_waiter {
	struct ros_waiter *next, **link; /* link NULL: does not wait */
	/* reason OK: the facts are those of now. message: for people, borrowed for the call. */
	void (*ready)(struct ros_waiter *waiter, enum reason reason, const char *message);
};

#define ROS_ROUTER_TEXT_MAX 64

/* What the last answer said. */
struct ros_resources {
	char version[ROS_ROUTER_TEXT_MAX]; /* as the router writes it; "" while nothing is known, as the others */
	char board[ROS_ROUTER_TEXT_MAX];
	char architecture[ROS_ROUTER_TEXT_MAX];
	bool has_uptime;
	int64_t uptime_ns;
	int64_t response_ns; /* from the command to its answer; 0: not known */
};

struct ros_router_plan {
	struct loop *loop; /* all borrowed */
	struct ros_link *link;
	struct ros_text *text;
	int64_t timeout_ns; /* of a refresh */
	/* The router has restarted, or has another version: counters begin anew. */
	void (*restarted)(void *arg);
	void *arg;
};

struct ros_router *ros_router_create(const struct ros_router_plan *plan);
void ros_router_free(struct ros_router *router); /* nobody is told of anything; NULL is harmless */

/* Calls waiter->ready once, later. A refresh that is under way is joined. */
void ros_router_refresh(struct ros_router *router, struct ros_waiter *waiter);
void ros_router_leave(struct ros_router *router, struct ros_waiter *waiter); /* harmless when it does not wait */

/* Is all known, and learnt in this session? If not, refresh before anything else is asked. */
bool ros_router_is_known(const struct ros_router *router);

const struct ros_facts *ros_router_facts(const struct ros_router *router);
struct ros_absent *ros_router_absent(struct ros_router *router);
const struct ros_resources *ros_router_resources(const struct ros_router *router);
uint64_t ros_router_restarts(const struct ros_router *router);
/* CPU, memory, storage and response time of the last refresh; the rest is left alone. */
void ros_router_note_health(const struct ros_router *router, struct ros_health *health);

/* When the router started, by two readings of its uptime and our monotonic clock: has it restarted between them? Clocks
 * differ by less than a thousandth. Pure. */
bool ros_uptime_shows_restart(int64_t boot_before_ns, int64_t boot_ns, int64_t between_ns);

#endif
