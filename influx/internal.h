/*
 * What influx.c and port.c share.
 */
#ifndef NETSONDE_INFLUX_INTERNAL_H
#define NETSONDE_INFLUX_INTERNAL_H

#include "influx/output.h"
#include "influx/pool.h"

struct influx {
	struct pool pool;
	struct output *outputs;
	size_t noutputs;
	/* the rest is NULL without outputs */
	struct loop *loop;
	struct mailbox *mailbox;
	pthread_t thread;
	bool is_started;
	bool is_hung; /* the thread did not end in time: what it uses is never freed */
	struct mail stop_mail;
	int64_t stop_deadline_ns;
	struct alarm stop_alarm;
	pthread_mutex_t lock;
	pthread_cond_t has_ended_cond;
	bool has_ended;
};

/* Passes the buffer to the influx thread, or counts its lines as lost. */
void influx_hand_over(struct influx *influx, struct buffer *buffer);

#endif
