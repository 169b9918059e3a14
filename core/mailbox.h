/*
 * The only way into a thread: a bounded queue and an eventfd. Any thread posts, the owner's loop delivers in order.
 */
#ifndef NETSONDE_CORE_MAILBOX_H
#define NETSONDE_CORE_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

struct loop;
struct mailbox;

/* First member of every message. deliver runs on the owner's thread and owns the message from then on. drop runs (on
 * the thread that frees the mailbox) for messages never delivered, and owns it likewise. */
struct mail {
	struct mail *next;
	void (*deliver)(struct mail *mail, void *owner);
	void (*drop)(struct mail *mail);
};

/* capacity: messages that may wait. owner is handed to deliver. NULL with err set on failure. */
struct mailbox *mailbox_create(struct loop *loop, size_t capacity, void *owner, struct err *err);

/* On the owner's thread (or after it has ended). Undelivered messages are dropped. */
void mailbox_free(struct mailbox *mailbox);

/* Passes the message on; true: it is no longer the caller's. false (full): it still is. Any thread; never blocks on
 * the owner's work. */
bool mailbox_post(struct mailbox *mailbox, struct mail *mail);

/* Messages waiting now. Any thread. */
size_t mailbox_depth(const struct mailbox *mailbox);

#endif
