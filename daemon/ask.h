/*
 * Single runs on a worker for somebody on another thread: the two ends of worker_ask. An ask is one piece of shared
 * memory with a count of those who hold it: the asker, and each message about it that is under way.
 */
#ifndef NETSONDE_DAEMON_ASK_H
#define NETSONDE_DAEMON_ASK_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/worker.h"

struct ask_desk;
struct engine;
struct mailbox;

/* The worker's end; engine borrowed. On the worker's thread (or before it starts, after it has ended). */
struct ask_desk *ask_desk_open(struct engine *engine);
/* Ends what runs; the askers get an error. NULL is harmless. */
void ask_desk_close(struct ask_desk *desk);

/* Single runs taken on so far; any thread. */
uint64_t ask_desk_total(const struct ask_desk *desk);

/* The asker's end: worker_ask. */
struct worker_ask *ask_post(struct ask_desk *desk, struct mailbox *worker, const struct worker_job *job);

#endif
