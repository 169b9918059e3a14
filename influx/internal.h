/*
 * What influx.c, influx_change.c and port.c share.
 */
#ifndef NETSONDE_INFLUX_INTERNAL_H
#define NETSONDE_INFLUX_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/loop.h"
#include "influx/cursors.h"
#include "influx/journal.h"
#include "influx/output.h"
#include "influx/pool.h"
#include "influx/reject.h"

/* The outputs in force. */
struct output_list {
	struct output **items;
	size_t n;
};

/* The disk log with what belongs to it. */
struct depot {
	struct influx_log_settings *settings; /* a copy of its own */
	struct journal *journal;
	struct cursors cursors; /* as they were saved last, or noted since */
	bool is_noted;          /* one of them is not saved */
	struct reject reject;
	struct log_fault fault; /* of saving cursors */
};

struct influx {
	struct pool pool;
	atomic_bool has_outputs; /* ports forget their lines without */
	atomic_bool is_changing; /* a change of the outputs is on its way */
	pthread_mutex_t lock;    /* of outputs and depot: changed by the influx thread, read by any */
	struct output_list outputs;
	struct depot *depot; /* NULL: there was no server yet */
	/* the rest is NULL if there were no outputs at the start */
	struct loop *loop;
	struct mailbox *mailbox;
	struct fetcher *fetcher; /* NULL while there was no server yet, like depot */
	struct alarm housekeeping;
	pthread_t thread;
	bool is_started;
	bool is_hung; /* the thread did not end in time: what it uses is never freed */
	struct mail stop_mail;
	int64_t stop_began_ns, stop_deadline_ns;
	struct alarm stop_alarm;
	pthread_mutex_t end_lock;
	pthread_cond_t has_ended_cond;
	bool has_ended;
};

/* Passes the buffer to the influx thread, or counts its lines as lost. */
void influx_hand_over(struct influx *influx, struct buffer *buffer);

/* Opens the outputs and checks them against each other; -1 with err, nothing is open then. */
int output_list_open(struct output_list *list, const struct influx_settings *const *settings, size_t n,
		     struct err *err);
void output_list_close(struct output_list *list);
bool output_list_has_server(const struct output_list *list);

/* NULL with err. */
struct depot *depot_open(const struct influx_log_settings *settings, struct err *err);
void depot_close(struct depot *depot); /* NULL is harmless */
/* Where an output of that name goes on. */
struct journal_position depot_position(const struct depot *depot, const char *name);
/* An output that ends here, or goes on with other settings, has come that far. */
void depot_note(struct depot *depot, const char *name, struct journal_position position);
/* Notes where the outputs are (on disk only if that is new), and gives back what none of them needs. */
void depot_save(struct depot *depot, const struct output_list *outputs);

/* Readings of influx_log_set. Any thread. */
size_t depot_read(const struct depot *depot, struct reading *readings);

/* What senders send with, on the loop of the influx thread. NULL with err. Any thread. */
struct fetcher *influx_make_fetcher(struct influx *influx, struct err *err);

/* The influx thread looks after this output from now on. */
void influx_attend(struct influx *influx, struct output *output);

#endif
