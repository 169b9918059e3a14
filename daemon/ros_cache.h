/*
 * Answers of routers that may be given again for a while: by router, access and command. With a ceiling of memory; what
 * was added first goes first. One thread; all times are of one clock of the caller's.
 */
#ifndef NETSONDE_DAEMON_ROS_CACHE_H
#define NETSONDE_DAEMON_ROS_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/ros_ask.h"

struct ros_cache;

struct ros_cache *ros_cache_create(void);
void ros_cache_free(struct ros_cache *cache); /* NULL is harmless */

/* Who is asked. Made of secrets, with a key of the cache's, from which they cannot be had back. */
struct ros_place {
	uint64_t host;      /* of name and port: whatever the access */
	uint64_t access[2]; /* of everything */
};
struct ros_place ros_cache_place(const struct ros_cache *cache, const char *host, const struct ros_access *access);

/* Borrowed. */
struct ros_cached {
	const char *rows; /* as JSON, with commas between them */
	size_t length;
	size_t nrows;
	struct ros_echoes echoes;
};

/* What was answered to this sentence since oldest_ns. out is borrowed until the next call that is not a find. Counts
 * a hit or a miss. */
bool ros_cache_find(struct ros_cache *cache, const struct ros_place *place, const struct ros_question *question,
		    int64_t oldest_ns, struct ros_cached *out);

/* Adds a copy, or replaces what was there, if there is room for it below max_bytes. epoch: see ros_cache_epoch. */
struct ros_cache_entry {
	struct ros_question question;
	struct ros_cached cached;
	int64_t made_ns; /* never earlier than that of the entry before */
	uint64_t epoch;
};
void ros_cache_add(struct ros_cache *cache, const struct ros_place *place, const struct ros_cache_entry *entry,
		   size_t max_bytes);

/* Something was changed on this router: nothing that was read from it before holds any more. What is asked before is
 * added with the epoch of then, and left out when something was forgotten meanwhile. */
void ros_cache_forget(struct ros_cache *cache, const struct ros_place *place);
uint64_t ros_cache_epoch(const struct ros_cache *cache);

/* Everything; returns how many there were. The counts go on. */
size_t ros_cache_clear(struct ros_cache *cache);

struct ros_cache_figures {
	uint64_t hits, lookups;
	uint64_t evicted; /* for others, before their time */
	size_t entries, bytes;
};
const struct ros_cache_figures *ros_cache_figures(const struct ros_cache *cache);

#endif
