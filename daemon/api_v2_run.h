/*
 * What daemon/api_v2.c (calls) and daemon/api_v2_part.c (what a call has to do at one host) share. On the web thread.
 */
#ifndef NETSONDE_DAEMON_API_V2_RUN_H
#define NETSONDE_DAEMON_API_V2_RUN_H

#include <stdatomic.h>

#include "core/loop.h"
#include "daemon/api_v2.h"
#include "daemon/api_v2_answer.h"
#include "daemon/ros_ask.h"
#include "daemon/ros_cache.h"

struct router;

enum api_v2_figure {
	API_V2_RUNNING,
	API_V2_CALLS,
	API_V2_CANCELLED,
	API_V2_REFUSED,
	API_V2_PARTS,
	API_V2_PARTS_FAILED,
	API_V2_CACHE_HITS,
	API_V2_CACHE_LOOKUPS,
	API_V2_CACHE_EVICTED,
	API_V2_CACHE_ENTRIES,
	API_V2_CACHE_BYTES,
	API_V2_MEMORY,
	API_V2_LINKS,
	API_V2_LINKS_OPENED,
	API_V2_LINKS_REUSED,
	API_V2_MEASURES
};

struct api_v2 {
	struct api_v2_plan plan;
	struct ros_cache *cache;
	struct ros_budget *budget;
	void (*read_requests)(void *arg, struct api_v2_requests *out);
	void *requests_arg;
	_Atomic uint64_t figures[API_V2_LINKS]; /* those that are counted here */
};

/* A command of a host that need not be sent: where its answer lies in the run's kept. */
struct api_v2_kept {
	bool is_kept;
	size_t at, length, nrows;
	struct ros_echoes echoes;
};

/* What is to be done at one host. */
struct api_v2_part {
	struct api_v2_run *run;
	const struct api_v2_host *host;
	const char *address; /* of the router; borrowed from the call, or the directory of routers */
	const struct ros_access *access;
	struct ros_access other; /* of a host that is not configured: its strings are the call's */
	bool is_other;
	size_t worker;
	struct ros_place place;
	uint64_t epoch; /* of the cache, when it was asked */
	struct api_v2_kept *kept;
	struct ros_question *questions; /* that are sent */
	size_t nquestions;
	int64_t begun_ns;
	struct ros_ask *ask;
};

struct api_v2_run {
	struct api_v2 *api;
	struct api_v2_call *call;
	struct api_v2_terms terms; /* held */
	struct routers *routers;   /* held */
	void (*done)(void *arg, const struct api_v2_answer *answer);
	void *arg;
	atomic_int holders; /* of what asks borrow: this end, and each ask */
	int64_t begun_ns, deadline_ns;
	int64_t max_concurrent;
	struct api_v2_part *parts; /* one for each host */
	size_t nstarted, nrunning;
	bool is_launching;
	bool changes_routers; /* some command does */
	struct text kept;     /* answers out of the cache */
	struct text results;  /* the answer, inside its brackets */
	struct text body;
	struct ros_budget *budget; /* held */
	size_t charged_bytes;      /* to it */
	const char *separator;     /* before the next result */
	int status;
	size_t nparts, nsuccessful, ncached;
	size_t nhosts_successful;
	double average_ms_sum; /* of pings that were answered */
	size_t naverages;
	struct deferred finish;
};

/* Finds out how the host is reached. 0, or the status of HTTP with code and why. */
int api_v2_part_prepare(struct api_v2_part *part, const struct api_v2_host *host, const char **code, struct err *why);
/* Asks for what the cache has not: api_v2_part_ended follows, perhaps before this returns. */
void api_v2_part_start(struct api_v2_part *part);
void api_v2_part_cancel(struct api_v2_part *part);
/* It can never be asked: all of it fails. */
void api_v2_part_fail(struct api_v2_part *part, const char *why);

/* By parts: its results are in the run. */
void api_v2_part_ended(struct api_v2_part *part);
void api_v2_run_release(struct api_v2_run *run); /* any thread */
void api_v2_publish_cache(struct api_v2 *api);

/* /stats. */
void api_v2_add_stats(const struct api_v2 *api, const struct api_v2_terms *terms, struct text *out);

#endif
