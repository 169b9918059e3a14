/*
 * Commands for one router, asked by somebody on another thread. They go to the worker that has the link in one piece of
 * mail, and the answers come back in one: rows are made into JSON over there, as they come. As with single runs
 * (daemon/ask.h), an ask is shared memory with a count of those who hold it.
 */
#ifndef NETSONDE_DAEMON_ROS_ASK_H
#define NETSONDE_DAEMON_ROS_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/sample.h"
#include "core/text.h"
#include "probes/routeros/ros_access.h"

struct destination_rules;
struct engine;
struct mailbox;
struct ros_answer;
struct ros_ask;
struct ros_desk;

/* --- the job -------------------------------------------------------------------------------------------------------
 */

enum ros_style {
	ROS_STYLE_ROWS,  /* all rows */
	ROS_STYLE_PING,  /* and what they say of the ping */
	ROS_STYLE_TRACE, /* the rows of the last complete section */
};

struct ros_question {
	const void *sentence; /* as for ros_call */
	size_t sentence_bytes;
};

/* What all asks may hold at a time: one for all workers, and counted, because asks may live longer than who made it. */
struct ros_budget;
struct ros_budget *ros_budget_create(size_t max_bytes);
struct ros_budget *ros_budget_hold(struct ros_budget *budget);
void ros_budget_release(struct ros_budget *budget);
void ros_budget_add(struct ros_budget *budget, size_t bytes);
void ros_budget_take(struct ros_budget *budget, size_t bytes);
size_t ros_budget_used(const struct ros_budget *budget);

struct ros_job {
	const char *host; /* name or literal */
	const struct ros_access *access;
	/* is_other: whom it may talk to; else it is a configured router, by the very link of its collection. */
	const struct destination_rules *rules;
	bool is_other;
	int64_t max_connections;          /* is_other: to this host and port, with other accesses */
	const struct ros_question *items; /* at least one */
	size_t n;
	enum ros_style style;
	int64_t max_concurrent;    /* at least 1 */
	int64_t deadline_ns;       /* monotonic, of all of it */
	size_t max_rows;           /* of one command */
	size_t max_bytes;          /* of all rows as JSON */
	struct ros_budget *budget; /* held by the ask */
	/* rules are held for connections that stay open longer than the ask. Any thread. */
	void *rules_held;
	void (*rules_hold)(void *held);
	void (*rules_release)(void *held);
	/* Everything above is borrowed until release(held), once, on any thread, perhaps after ros_ask_cancel. */
	void (*release)(void *held);
	void *held;
	/* Where the answer goes: the asker's mailbox, which must live until the answer came or the desk was closed. */
	struct mailbox *mailbox;
	/* Once, on the thread of that mailbox, unless cancelled before. */
	void (*done)(void *arg, struct ros_answer *answer);
	void *arg;
};

/* --- the answer ----------------------------------------------------------------------------------------------------
 */

/* A ping as its rows told. */
struct ros_echoes {
	uint64_t sent, received;
	int64_t min_ns, average_ns, max_ns; /* -1: not known */
};

struct ros_result {
	bool is_successful;
	enum reason reason;   /* as ros_end has it */
	size_t at, length;    /* in the answer's text: its rows, with commas between them */
	size_t message_at;    /* in the answer's text: why it failed, length below */
	size_t message_bytes; /* 0: it did not */
	size_t rows;
	int64_t took_ns;     /* since it was asked for */
	int64_t answered_ns; /* since it was sent; 0: it was not */
	struct ros_echoes echoes;
};

struct ros_answer {
	struct ros_result *results; /* of all items, in their order; owned by the ask */
	size_t n;
	struct text *text;             /* owned by the ask */
	int64_t connect_ns, login_ns;  /* of the connection that was used; -1: there was none */
	bool is_fresh;                 /* it was made for this */
	bool is_secured, is_anonymous; /* as ros_link_figures has it */
};

/* --- the ends ------------------------------------------------------------------------------------------------------
 */

/* The worker's end; engine borrowed. On the worker's thread (or before it starts, after it has ended). */
struct ros_desk *ros_desk_open(struct engine *engine);
/* Cancels what runs; the askers get an error. Before the engine. NULL is harmless. */
void ros_desk_close(struct ros_desk *desk);

/* The asker's end: job is copied; what it points to is not. NULL when the worker's mailbox is full, and then there was
 * no release. The handle is valid until done has returned or ros_ask_cancel. */
struct ros_ask *ros_ask_post(struct ros_desk *desk, struct mailbox *worker, const struct ros_job *job);

/* On the asker's thread: done will not come; what was sent is cancelled at the router. NULL is harmless. */
void ros_ask_cancel(struct ros_ask *ask);

/* --- figures; any thread -------------------------------------------------------------------------------------------
 */

struct ros_desk_figures {
	uint64_t jobs, commands, failures, rows;
	uint64_t links_opened, links_reused; /* to hosts that are not configured */
	size_t running, links;               /* now: asks; links to hosts that are not configured */
	size_t pool, up;                     /* now: all links of this worker; those of them that are up */
};
void ros_desk_read(const struct ros_desk *desk, struct ros_desk_figures *out);

#endif
