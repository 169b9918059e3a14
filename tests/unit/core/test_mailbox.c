#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mailbox.h"

struct office;

struct letter {
	struct mail mail; /* first */
	struct office *office;
	int number;
};

struct office {
	struct loop *loop;
	struct mailbox *mailbox;
	int delivered, dropped, expected;
	int last[8]; /* number of the last letter by sender */
	int turns;
	struct watch *watch;
	int pipe[2];
};

static void deliver(struct mail *mail, void *owner)
{
	struct letter *letter = (struct letter *)mail;
	struct office *office = owner;
	cr_assert_eq(office, letter->office);
	office->delivered++;
	int sender = letter->number >> 24;
	int number = letter->number & 0xffffff;
	cr_assert_eq(number, office->last[sender]++, "out of order");
	free(letter);
	if (office->delivered == office->expected)
		loop_stop(office->loop);
}

static void drop(struct mail *mail)
{
	struct letter *letter = (struct letter *)mail;
	letter->office->dropped++;
	free(letter);
}

static struct letter *write_letter(struct office *office, int number)
{
	struct letter *letter = calloc(1, sizeof *letter);
	*letter = (struct letter){{NULL, deliver, drop}, office, number};
	return letter;
}

static void open_office(struct office *office, size_t capacity)
{
	struct err err = {0};
	*office = (struct office){0};
	office->loop = loop_create(0, &err);
	cr_assert_not_null(office->loop, "%s", err.text);
	office->mailbox = mailbox_create(office->loop, capacity, office, &err);
	cr_assert_not_null(office->mailbox, "%s", err.text);
}

static void close_office(struct office *office)
{
	mailbox_free(office->mailbox);
	loop_free(office->loop);
}

static void post_many(struct office *office, int from, int n)
{
	for (int i = from; i < from + n; i++)
		cr_assert(mailbox_post(office->mailbox, &write_letter(office, i)->mail));
}

Test(mailbox, delivers_in_order_and_counts)
{
	struct office office;
	open_office(&office, 1000);
	cr_assert_eq(mailbox_depth(office.mailbox), 0);
	post_many(&office, 0, 10);
	cr_assert_eq(mailbox_depth(office.mailbox), 10);
	office.expected = 10;
	loop_run(office.loop, NULL);
	cr_assert_eq(office.delivered, 10);
	cr_assert_eq(mailbox_depth(office.mailbox), 0);
	/* And again, after it was empty. */
	post_many(&office, 10, 5);
	office.expected = 15;
	loop_run(office.loop, NULL);
	cr_assert_eq(office.delivered, 15);
	close_office(&office);
	cr_assert_eq(office.dropped, 0);
}

/* The count of the only eventfd of this process. */
static unsigned long long eventfd_count(void)
{
	unsigned long long count = 99;
	for (int descriptor = 3; descriptor < 64; descriptor++) {
		char path[64], line[200];
		snprintf(path, sizeof path, "/proc/self/fdinfo/%d", descriptor);
		FILE *file = fopen(path, "r");
		while (file && fgets(line, sizeof line, file))
			sscanf(line, "eventfd-count: %llx", &count);
		if (file)
			fclose(file);
	}
	return count;
}

Test(mailbox, sleeps_when_it_is_empty_and_wakes_once)
{
	struct office office;
	open_office(&office, 1000);
	cr_assert_eq(eventfd_count(), 0);
	post_many(&office, 0, 300);
	cr_assert_eq(eventfd_count(), 1, "one write for all of them");
	office.expected = 10;
	loop_run(office.loop, NULL); /* one batch */
	cr_assert_eq(eventfd_count(), 1);
	office.expected = 300;
	loop_run(office.loop, NULL);
	cr_assert_eq(eventfd_count(), 0);
	close_office(&office);
}

Test(mailbox, refuses_when_full_and_drops_what_is_left)
{
	struct office office;
	open_office(&office, 3);
	post_many(&office, 0, 3);
	struct letter *refused = write_letter(&office, 3);
	cr_assert(!mailbox_post(office.mailbox, &refused->mail));
	cr_assert_eq(mailbox_depth(office.mailbox), 3);
	free(refused); /* still ours */
	close_office(&office);
	cr_assert_eq(office.delivered, 0);
	cr_assert_eq(office.dropped, 3);
	mailbox_free(NULL);
}

static void read_pipe(void *arg, unsigned events)
{
	(void)events;
	struct office *office = arg;
	char byte;
	cr_assert_eq(read(office->pipe[0], &byte, 1), 1);
	cr_assert(office->delivered < office->expected, "starved by the mailbox");
	office->turns++;
}

Test(mailbox, a_full_mailbox_leaves_turns_to_descriptors)
{
	struct office office;
	open_office(&office, 10000);
	cr_assert_eq(pipe2(office.pipe, O_CLOEXEC | O_NONBLOCK), 0);
	office.watch = watch_create(office.loop, office.pipe[0], read_pipe, &office);
	watch_set(office.watch, WATCH_READ);
	cr_assert_eq(write(office.pipe[1], "12345", 5), 5);
	post_many(&office, 0, 10000);
	office.expected = 10000;
	loop_run(office.loop, NULL);
	cr_assert_eq(office.delivered, 10000);
	cr_assert_eq(office.turns, 5);
	watch_free(office.watch);
	close(office.pipe[0]);
	close(office.pipe[1]);
	close_office(&office);
}

static void deliver_and_close(struct mail *mail, void *owner)
{
	struct office *office = owner;
	office->delivered++;
	free(mail);
	mailbox_free(office->mailbox);
	office->mailbox = NULL;
	loop_stop(office->loop);
}

Test(mailbox, may_be_freed_by_a_message)
{
	struct office office;
	open_office(&office, 1000);
	post_many(&office, 0, 2);
	struct letter *last = write_letter(&office, 0);
	last->mail.deliver = deliver_and_close;
	cr_assert(mailbox_post(office.mailbox, &last->mail));
	post_many(&office, 2, 400); /* some in the same batch, some behind it */
	loop_run(office.loop, NULL);
	cr_assert_eq(office.delivered, 3);
	cr_assert_eq(office.dropped, 400);
	close_office(&office);
}

static void deliver_and_post(struct mail *mail, void *owner)
{
	struct office *office = owner;
	office->delivered++;
	if (office->delivered == office->expected) {
		free(mail);
		loop_stop(office->loop);
	} else {
		cr_assert(mailbox_post(office->mailbox, mail));
	}
}

Test(mailbox, a_message_may_post_itself_again)
{
	struct office office;
	open_office(&office, 1);
	struct letter *letter = write_letter(&office, 0);
	letter->mail.deliver = deliver_and_post;
	cr_assert(mailbox_post(office.mailbox, &letter->mail));
	office.expected = 1000;
	loop_run(office.loop, NULL);
	cr_assert_eq(office.delivered, 1000);
	close_office(&office);
}

#define SENDERS 4
#define LETTERS 20000

struct sender {
	pthread_t thread;
	struct office *office;
	int number;
	int refusals;
};

static void *send_letters(void *arg)
{
	struct sender *sender = arg;
	for (int i = 0; i < LETTERS; i++) {
		struct letter *letter = write_letter(sender->office, (sender->number << 24) | i);
		while (!mailbox_post(sender->office->mailbox, &letter->mail)) {
			sender->refusals++;
			sched_yield();
		}
	}
	return NULL;
}

Test(mailbox, takes_from_many_threads_at_once)
{
	struct office office;
	struct sender senders[SENDERS];
	open_office(&office, 512);
	office.expected = SENDERS * LETTERS;
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){.office = &office, .number = i};
		cr_assert_eq(pthread_create(&senders[i].thread, NULL, send_letters, &senders[i]), 0);
	}
	loop_run(office.loop, NULL);
	for (int i = 0; i < SENDERS; i++)
		pthread_join(senders[i].thread, NULL);
	cr_assert_eq(office.delivered, SENDERS * LETTERS);
	cr_assert_eq(mailbox_depth(office.mailbox), 0);
	close_office(&office);
}

/* The message that ends the owner: its sender may be inside mailbox_post still when the mailbox is freed. */
static void *own_and_end(void *arg)
{
	struct office *office = arg;
	loop_run(office->loop, NULL);
	close_office(office);
	return NULL;
}

Test(mailbox, the_last_message_may_end_its_owner)
{
	for (int i = 0; i < 300; i++) {
		struct office office;
		pthread_t owner;
		open_office(&office, 16);
		office.expected = 1;
		cr_assert_eq(pthread_create(&owner, NULL, own_and_end, &office), 0);
		cr_assert(mailbox_post(office.mailbox, &write_letter(&office, 0)->mail));
		pthread_join(owner, NULL);
		cr_assert_eq(office.delivered, 1);
	}
}

Test(mailbox, create_fails_without_descriptors)
{
	struct err err = {0};
	struct loop *loop = loop_create(0, &err);
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){3, limit.rlim_max});
	cr_assert_null(mailbox_create(loop, 1, NULL, &err));
	setrlimit(RLIMIT_NOFILE, &limit);
	cr_assert(err.text[0]);
	loop_free(loop);
}
