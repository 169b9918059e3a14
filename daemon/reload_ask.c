#include "core/mem.h"
#include "daemon/reload_internal.h"

static void release(struct reload_ask *ask)
{
	if (atomic_fetch_sub(&ask->holders, 1) != 1)
		return;
	mem_free(ask->text);
	mem_free(ask);
}

static struct reload_ask *ask_of(struct mail *mail)
{
	return ((struct reload_ask_mail *)mail)->ask;
}

/* --- the answer, on the asker's thread --------------------------------------------------------------------------- */

static void deliver_answer(struct mail *mail, void *owner)
{
	struct reload_ask *ask = ask_of(mail);

	(void)owner;
	if (!ask->is_cancelled) {
		ask->is_done = true;
		ask->done(ask->arg, &(struct reload_answer){ask->status, ask->text});
		release(ask);
	}
	release(ask);
}

/* The asker's mailbox is gone, and so is the asker. */
static void drop_answer(struct mail *mail)
{
	struct reload_ask *ask = ask_of(mail);

	if (!ask->is_cancelled)
		release(ask);
	release(ask);
}

/* --- the main thread's end --------------------------------------------------------------------------------------- */

static void deliver_request(struct mail *mail, void *owner)
{
	reload_take_ask(owner, ask_of(mail));
}

bool reload_ask_answer(struct reload_ask *ask, int status, const char *text)
{
	if (!ask->text) {
		ask->status = status;
		ask->text = mem_copy_string(text);
	}
	return mailbox_post(ask->answer_to, &ask->answer_mail.mail);
}

void reload_ask_drop(struct reload_ask *ask)
{
	release(ask);
}

static void drop_request(struct mail *mail)
{
	if (!reload_ask_answer(ask_of(mail), 500, "the daemon ends\n"))
		release(ask_of(mail));
}

/* --- the asker's end --------------------------------------------------------------------------------------------- */

struct reload_ask *reload_ask(struct reload *reload, struct mailbox *answer_to,
			      void (*done)(void *arg, const struct reload_answer *answer), void *arg)
{
	struct reload_ask *ask = mem_zero(1, sizeof(*ask));

	atomic_init(&ask->holders, 2);
	ask->request_mail = (struct reload_ask_mail){{NULL, deliver_request, drop_request}, ask};
	ask->answer_mail = (struct reload_ask_mail){{NULL, deliver_answer, drop_answer}, ask};
	ask->answer_to = answer_to;
	ask->done = done;
	ask->arg = arg;
	if (mailbox_post(reload_mailbox(reload), &ask->request_mail.mail))
		return ask;
	mem_free(ask);
	return NULL;
}

void reload_ask_cancel(struct reload_ask *ask)
{
	if (!ask || ask->is_cancelled || ask->is_done)
		return;
	ask->is_cancelled = true;
	release(ask);
}
