/*
 * Who asks /probe how much: requests under way and requests a second of each client. An IPv6 client is its /64, which
 * one machine has all of. The table has a fixed size: a client that is forgotten is one that has been quiet for longer
 * than others. Pure; one thread.
 */
#ifndef NETSONDE_DAEMON_CALLERS_H
#define NETSONDE_DAEMON_CALLERS_H

#include <stdint.h>

#include "core/address.h"

#define CALLERS_MAX 4096 /* that are remembered */

struct caller;
struct callers;

struct callers_limits {
	double rate;         /* requests a second on the average; 0 = any number */
	int64_t burst;       /* at once, after a rest; at least 1 */
	int64_t max_running; /* at a time */
};

enum callers_verdict {
	CALLERS_ADMITTED,
	CALLERS_TOO_FAST, /* more requests than rate and burst permit */
	CALLERS_TOO_MANY, /* max_running are under way */
	CALLERS_NO_ROOM,  /* too many other clients have requests under way */
};

struct callers *callers_create(void);
void callers_free(struct callers *callers); /* NULL is harmless */

/* One request more. CALLERS_ADMITTED: *caller is borrowed until its callers_leave; else it is NULL. now_ns:
 * monotonic. */
enum callers_verdict callers_enter(struct callers *callers, const struct address *address,
				   const struct callers_limits *limits, int64_t now_ns, struct caller **caller);

/* For CALLERS_TOO_FAST: whole seconds until a request of the client is admitted, at least 1. */
int64_t callers_wait_seconds(struct callers *callers, const struct address *address,
			     const struct callers_limits *limits, int64_t now_ns);

/* The request is over. */
void callers_leave(struct caller *caller);

#endif
