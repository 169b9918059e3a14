/*
 * The last results of one probe, for somebody on another thread: the two ends of worker_results. As with single runs
 * (daemon/ask.h) an ask is one piece of shared memory with a count of those who hold it.
 */
#ifndef NETSONDE_DAEMON_RESULTS_H
#define NETSONDE_DAEMON_RESULTS_H

#include <stddef.h>

#include "core/text.h"
#include "daemon/history.h"

struct mailbox;
struct results_ask;
struct roster;

/* Of one answer: what a worker copies, and what waits in memory until a slow client has read it. */
#define RESULTS_BYTES_MAX ((size_t)8 << 20)

enum results_status {
	RESULTS_FOUND,
	RESULTS_NO_TARGET,
	RESULTS_NO_PROBE,    /* the target has others: names */
	RESULTS_MANY_PROBES, /* none was named, and the target has several: names */
	RESULTS_STOPPED,     /* the worker has ended */
};

struct results {
	enum results_status status;
	char *probe;              /* of RESULTS_FOUND: whose results these are */
	const char *type;         /* likewise; static */
	struct text names;        /* "fast_ping, web", in no particular order */
	struct history_copy runs; /* oldest first */
};
void results_free(struct results *results); /* NULL is harmless */

struct results_job {
	const char *target; /* copied */
	const char *probe;  /* copied; NULL = the only one that the target has */
	size_t limit;       /* how many at most: the newest */
	/* Where the answer goes: the asker's mailbox, which must live until the answer came or worker_free. */
	struct mailbox *mailbox;
	/* Once, on the thread of that mailbox, unless cancelled before. results is passed on. When that mailbox is full
	 * it never comes: askers that wait must have an end of their own. */
	void (*done)(void *arg, struct results *results);
	void *arg;
};

/* What the worker looks into; borrowed until it has ended. */
struct results_source {
	const struct roster *roster;
	const struct history *history;
};

/* The asker's end: worker_results. The handle is valid until done was called or results_cancel. NULL when the worker's
 * mailbox is full. */
struct results_ask *results_post(const struct results_source *source, struct mailbox *worker,
				 const struct results_job *job);

/* On the asker's thread: done will not come. NULL is harmless. */
void results_cancel(struct results_ask *ask);

#endif
