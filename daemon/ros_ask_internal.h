/*
 * What the two ends of an ask share: daemon/ros_ask.c (the mail) and daemon/ros_desk.c (the work).
 */
#ifndef NETSONDE_DAEMON_ROS_ASK_INTERNAL_H
#define NETSONDE_DAEMON_ROS_ASK_INTERNAL_H

#include <stdatomic.h>

#include "core/loop.h"
#include "core/mailbox.h"
#include "daemon/ros_ask.h"

struct ros_guest;
struct ros_link;
struct ros_slot;

struct ros_mail {
	struct mail mail;
	struct ros_ask *ask;
};

struct ros_ask {
	atomic_int holders; /* the asker, and each mail about it that is under way */
	struct ros_mail job_mail, cancel_mail, answer_mail;
	struct ros_job job;
	struct mailbox *worker;

	/* the asker's thread */
	bool is_cancelled, is_done;

	/* the worker's thread, until the answer is posted */
	struct ros_desk *desk;
	struct ros_ask *next, **link; /* on the desk; link NULL: it is not */
	struct ros_link *line;        /* to the router */
	struct ros_guest *guest;      /* whose it is, or NULL: of the pool */
	struct ros_slot *slots;       /* of the commands that are under way */
	size_t nslots, started;
	struct deferred finish;
	struct alarm retry;
	size_t charged_bytes; /* to the budget, for text */

	/* the answer */
	struct ros_answer answer;
	struct text text;
};

/* On the worker's thread. */
void ros_desk_begin(struct ros_desk *desk, struct ros_ask *ask);
/* Ends what is under way, without an answer. */
void ros_desk_drop(struct ros_ask *ask);
/* All items end with this message. */
void ros_ask_fail(struct ros_ask *ask, size_t from, enum reason reason, const char *message);
/* Posts the answer; the worker's hold goes with it. false: the mailbox is full, nothing happened. */
bool ros_ask_answer(struct ros_ask *ask);
void ros_ask_release(struct ros_ask *ask);

bool ros_budget_is_spent(const struct ros_budget *budget);

#endif
