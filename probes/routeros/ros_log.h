/*
 * The last lines of a router's log, without those that were told before: a router is asked again and again, and gives
 * lines that are known already. Pure.
 *
 *	ros_log_begin(log);
 *	... ros_log_add for each line of the answer ...
 *	ros_log_end(log, was it the whole log?);
 */
#ifndef NETSONDE_PROBES_ROS_LOG_H
#define NETSONDE_PROBES_ROS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

#define ROS_LOG_LINES_MAX   1000
#define ROS_LOG_BYTES_MAX   (64U << 10) /* of all lines; the oldest go */
#define ROS_LOG_MESSAGE_MAX 1024        /* bytes; longer ones are cut by whoever reads them */

struct ros_log;

/* UTF-8. */
struct ros_log_line {
	uint64_t id;      /* counts the lines of the router's buffer, from 1 */
	const char *time; /* as the router tells it */
	const char *topics;
	const char *message;
};

/* lines_max: how many are kept, 1 to ROS_LOG_LINES_MAX. */
struct ros_log *ros_log_create(size_t lines_max);
void ros_log_free(struct ros_log *log); /* NULL is harmless */

void ros_log_begin(struct ros_log *log);
/* Copies a line that is not known. Lines come in the order in which they were written. */
void ros_log_add(struct ros_log *log, const struct ros_log_line *line);
void ros_log_end(struct ros_log *log, bool is_whole);

/* The router has restarted: it counts its lines anew. */
void ros_log_restart(struct ros_log *log);

/* How many there are, and how many of them, the last ones, came since ros_log_begin. */
size_t ros_log_count(const struct ros_log *log);
size_t ros_log_fresh(const struct ros_log *log);
/* Oldest first. Borrowed until the next change. */
const struct ros_log_line *ros_log_at(const struct ros_log *log, size_t i);

/* The time of the newest line if later lines can be asked for by it: "2026-11-21 16:59:26". NULL: ask for all. */
const char *ros_log_since(const struct ros_log *log);

/* "*1A" -> 26; 0: it is none. n: bytes. */
uint64_t ros_log_parse_id(const char *text, size_t n);

#endif
