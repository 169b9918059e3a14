/*
 * The logs of a worker's routers by the names of their targets, for REST: a service of the probe type.
 */
#ifndef NETSONDE_PROBES_ROS_LOGS_H
#define NETSONDE_PROBES_ROS_LOGS_H

#include "probes/probe.h"
#include "probes/routeros/ros_log.h"

struct ros_logs;
struct ros_logs_place;

extern const struct probe_service ros_logs_service; /* "routeros_logs" */

/* log is there under the target's name until given back. All borrowed meanwhile. */
struct ros_logs_place *ros_logs_add(struct ros_logs *logs, const char *target, const struct ros_log *log);
void ros_logs_remove(struct ros_logs *logs, struct ros_logs_place *place); /* NULL is harmless */

/* NULL when there is none of that name. On the worker's thread. */
const struct ros_log *ros_logs_find(const struct ros_logs *logs, const char *target);

#endif
