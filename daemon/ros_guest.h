/*
 * Links to routers that are not configured: kept by the worker while they are used and for a while after, so that a
 * client which asks again needs no new login; and never more of them to one host than the rules say. One thread.
 */
#ifndef NETSONDE_DAEMON_ROS_GUEST_H
#define NETSONDE_DAEMON_ROS_GUEST_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "daemon/ros_ask.h"

#define ROS_GUESTS_MAX 1024 /* of one worker */

struct loop;
struct ros_guest;
struct ros_guests;
struct ros_link;
struct ros_pool;

/* Both are borrowed. */
struct ros_guests *ros_guests_create(struct loop *loop, struct ros_pool *pool);
void ros_guests_free(struct ros_guests *guests); /* none is used any more; NULL is harmless */

/* The one for this job, made if there is none. NULL with err: too many, or it can never work. */
struct ros_guest *ros_guest_take(struct ros_guests *guests, const struct ros_job *job, struct err *err);
/* No commands of the giver are under way. Not from inside a callback of the link. */
void ros_guest_give(struct ros_guest *guest);

struct ros_link *ros_guest_link(const struct ros_guest *guest);

/* Any thread. */
struct ros_guests_figures {
	uint64_t opened, reused;
	size_t links; /* now */
};
void ros_guests_read(const struct ros_guests *guests, struct ros_guests_figures *out);

#endif
