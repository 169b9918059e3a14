#include "core/mailbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/loop.h"
#include "core/mem.h"

/* Delivered in one turn of the loop, so that a full mailbox does not starve the descriptors. */
#define BATCH 256

/* Under the lock the eventfd is readable exactly while messages wait in the queue: one write when the first comes, one
 * read when the last goes. */
struct mailbox {
	pthread_mutex_t lock;
	struct mail *first; /* the queue; locked */
	struct mail **tail;
	atomic_size_t depth; /* written under the lock */
	size_t capacity;
	struct mail *batch; /* taken out of the queue, not delivered yet; the owner's alone */
	bool *is_gone;      /* set by mailbox_free when it is called from inside a delivery */
	void *owner;
	int descriptor;
	struct watch *watch;
};

/* Moves up to BATCH messages from the queue to the (empty) batch. */
static void take_batch(struct mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->lock);
	struct mail **link = &mailbox->first;
	size_t n = 0;
	for (; *link && n < BATCH; n++)
		link = &(*link)->next;
	struct mail *rest = *link;
	*link = NULL;
	mailbox->batch = mailbox->first;
	mailbox->first = rest;
	if (!rest) {
		uint64_t count;
		mailbox->tail = &mailbox->first;
		/* Not blocking; nothing to read is harmless. */
		(void)!read(mailbox->descriptor, &count, sizeof count);
	}
	atomic_fetch_sub_explicit(&mailbox->depth, n, memory_order_relaxed);
	pthread_mutex_unlock(&mailbox->lock);
}

static void deliver_batch(void *arg, unsigned events)
{
	(void)events;
	struct mailbox *mailbox = arg;
	bool is_gone = false;
	mailbox->is_gone = &is_gone;
	take_batch(mailbox);
	while (!is_gone && mailbox->batch) {
		struct mail *mail = mailbox->batch;
		mailbox->batch = mail->next;
		mail->next = NULL;
		mail->deliver(mail, mailbox->owner);
	}
	if (!is_gone)
		mailbox->is_gone = NULL;
}

struct mailbox *mailbox_create(struct loop *loop, size_t capacity, void *owner, struct err *err)
{
	int descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (descriptor < 0) {
		err_set_errno(err, "cannot create an event descriptor");
		return NULL;
	}
	struct mailbox *mailbox = mem_zero(1, sizeof *mailbox);
	pthread_mutex_init(&mailbox->lock, NULL);
	mailbox->tail = &mailbox->first;
	atomic_init(&mailbox->depth, 0);
	mailbox->capacity = capacity;
	mailbox->owner = owner;
	mailbox->descriptor = descriptor;
	mailbox->watch = watch_create(loop, descriptor, deliver_batch, mailbox);
	watch_set(mailbox->watch, WATCH_READ);
	return mailbox;
}

static void drop_all(struct mail *mail)
{
	while (mail) {
		struct mail *next = mail->next;
		mail->next = NULL;
		mail->drop(mail);
		mail = next;
	}
}

void mailbox_free(struct mailbox *mailbox)
{
	if (!mailbox)
		return;
	if (mailbox->is_gone)
		*mailbox->is_gone = true;
	watch_free(mailbox->watch);
	/* Whoever posted the message that ended the owner may still be inside mailbox_post: wait until it is out. */
	pthread_mutex_lock(&mailbox->lock);
	struct mail *first = mailbox->first;
	pthread_mutex_unlock(&mailbox->lock);
	drop_all(mailbox->batch);
	drop_all(first);
	close(mailbox->descriptor);
	pthread_mutex_destroy(&mailbox->lock);
	mem_free(mailbox);
}

bool mailbox_post(struct mailbox *mailbox, struct mail *mail)
{
	pthread_mutex_lock(&mailbox->lock);
	bool is_full = atomic_load_explicit(&mailbox->depth, memory_order_relaxed) >= mailbox->capacity;
	if (!is_full) {
		bool was_empty = !mailbox->first;
		mail->next = NULL;
		*mailbox->tail = mail;
		mailbox->tail = &mail->next;
		atomic_fetch_add_explicit(&mailbox->depth, 1, memory_order_relaxed);
		/* Inside the lock, so that the mailbox cannot be freed between the two. */
		if (was_empty)
			(void)!write(mailbox->descriptor, &(uint64_t){1}, sizeof(uint64_t));
	}
	pthread_mutex_unlock(&mailbox->lock);
	return !is_full;
}

size_t mailbox_depth(const struct mailbox *mailbox)
{
	return atomic_load_explicit(&mailbox->depth, memory_order_relaxed);
}
