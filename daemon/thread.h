/*
 * A thread with a loop and a mailbox: what workers and the web server run on.
 */
#ifndef NETSONDE_DAEMON_THREAD_H
#define NETSONDE_DAEMON_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct loop;
struct mail;
struct mailbox;
struct thread;

struct thread_plan {
	const char *name; /* at most 15 characters */
	int64_t slot_ns;  /* of the loop's alarms; 0 = its default */
	size_t mails;     /* how many may wait */
	void *owner;      /* handed to mail.deliver */
};

/* Loop and mailbox, without a running thread: what is made on the loop is made before thread_start. NULL with err. */
struct thread *thread_create(const struct thread_plan *plan, struct err *err);

/* The loop runs from now on: everything on it belongs to that thread. All signals are blocked there. */
int thread_start(struct thread *thread, struct err *err);

/* Ends the loop and waits for it; everything belongs to the caller again. Harmless when it does not run. */
void thread_stop(struct thread *thread);

/* Stopped; undelivered mail is dropped. NULL is harmless. */
void thread_free(struct thread *thread);

struct loop *thread_loop(const struct thread *thread);
struct mailbox *thread_mailbox(const struct thread *thread);

/* Has the loop begun, and not been told to end? Any thread. */
bool thread_is_running(const struct thread *thread);

#endif
