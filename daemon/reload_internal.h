/*
 * What reload.c and reload_ask.c share. Nobody else includes this.
 */
#ifndef NETSONDE_DAEMON_RELOAD_INTERNAL_H
#define NETSONDE_DAEMON_RELOAD_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/mailbox.h"
#include "daemon/reload.h"

struct reload_ask_mail {
	struct mail mail;
	struct reload_ask *ask;
};

/* One piece of shared memory, counted by those who hold it: the asker, and the message that is under way or the list it
 * waits in. */
struct reload_ask {
	atomic_int holders;
	struct reload_ask_mail request_mail, answer_mail;
	struct mailbox *answer_to;
	void (*done)(void *arg, const struct reload_answer *answer);
	void *arg;
	bool is_cancelled, is_done; /* the asker's thread */
	struct reload_ask *next;    /* the main thread: in its list */
	int status;
	char *text; /* owned */
};

/* reload.c: an ask has come. */
void reload_take_ask(struct reload *reload, struct reload_ask *ask);

/* reload_ask.c: sends the answer; false when the asker's mailbox is full. */
bool reload_ask_answer(struct reload_ask *ask, int status, const char *text);
/* reload_ask.c: nobody can be told any more. */
void reload_ask_drop(struct reload_ask *ask);

/* reload.c: where asks go. */
struct mailbox *reload_mailbox(const struct reload *reload);

#endif
