/*
 * What happened lately, for somebody on another thread. The question goes by mail from worker to worker (or to the one
 * that has the target), each adds copies of its events, and the last one sends it back. As with the last results
 * (daemon/results.h) an ask is one piece of shared memory with a count of those who hold it.
 */
#ifndef NETSONDE_DAEMON_EVENTS_ASK_H
#define NETSONDE_DAEMON_EVENTS_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/events.h"

struct events_ask;
struct mailbox;
struct worker;

/* Copied events of one answer, in bytes. */
#define EVENTS_ANSWER_BYTES_MAX ((size_t)8 << 20)

/* One event: a copy of its own, and when it was. */
struct found_event {
	int64_t time_ns;
	struct history_copy copy;
};

/* Newest first. */
struct found_events {
	struct found_event *items;
	size_t n;
	bool is_stopped; /* not all workers were there, or had room for the question: ask again */
};
void found_events_free(struct found_events *found); /* NULL is harmless */

/* All borrowed; workers until they have ended. */
struct events_job {
	const struct worker *const *workers; /* who is asked: at least one */
	size_t nworkers;
	struct events_filter filter; /* the target is copied */
	size_t limit;                /* how many at most: the newest */
	/* Where the answer goes: the asker's mailbox, which must live until the answer came or the workers are freed.
	 */
	struct mailbox *mailbox;
	/* Once, on the thread of that mailbox, unless cancelled before. found is passed on. When that mailbox is full
	 * it never comes: askers that wait must have an end of their own. */
	void (*done)(void *arg, struct found_events *found);
	void *arg;
};

/* The handle is valid until done was called or events_cancel. NULL when the first worker's mailbox is full. */
struct events_ask *events_post(const struct events_job *job);

/* On the asker's thread: done will not come. NULL is harmless. */
void events_cancel(struct events_ask *ask);

#endif
