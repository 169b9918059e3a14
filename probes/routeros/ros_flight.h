/*
 * The commands of one connection: those that wait, those in flight, by tag, and those that are cancelled and whose
 * answers may still come. Pure: no sockets, no clock; all times are of one clock of the caller's, in nanoseconds.
 *
 * A command waits in the queue of its rank until the window has room. ros_flight_launch registers its tag, and only
 *then it is written and sent: an answer can never be faster than its registration. The caller's part, after each change
 *and when the time of ros_flight_wake_ns has come:
 *
 *	while ((command = ros_flight_expire(flight, now_ns)))    ... tell whoever waits for it: timeout
 *	while (ros_flight_cancel_next(flight, &tag))             ... write "/cancel" with "=tag=", without a tag of its
 *own while ((command = ros_flight_launch(flight, now_ns)))    ... write the sentence with command->tag if
 *(ros_flight_is_stuck(flight, now_ns))                 ... close the connection
 *
 * A tag that is cancelled keeps its place in the window until the router has said !done: so no tag is ever used twice
 *at a time, and a router that is too slow is not given more to do.
 */
#ifndef NETSONDE_PROBES_ROS_FLIGHT_H
#define NETSONDE_PROBES_ROS_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "probes/routeros/ros_reply.h"

struct ros_flight;

/* Who asks: the tiers of the catalogue, the fastest first, and users (REST, command line). */
#define ROS_TIERS     5
#define ROS_RANK_USER ROS_TIERS
#define ROS_RANKS     (ROS_TIERS + 1)

#define ROS_WINDOW_MAX 256  /* commands in flight */
#define ROS_QUEUE_MAX  4096 /* commands that wait, of one rank */

enum ros_command_state {
	ROS_COMMAND_IDLE,   /* in no flight: it is all the owner's */
	ROS_COMMAND_QUEUED, /* waits for its turn */
	ROS_COMMAND_FLYING, /* has a tag; an answer may come */
};

/* Embedded in whoever asks. Zero-initialise. Nobody but ros_flight.c writes to it; it must stay where it is until it is
 * idle again. */
struct ros_command {
	struct ros_command *next, *previous; /* in its queue */
	int64_t deadline_ns;
	int64_t launched_ns;
	uint64_t number;     /* counts commands as they are queued */
	size_t answer_bytes; /* so far, of all its sentences */
	size_t rows;         /* so far */
	uint32_t tag;        /* while FLYING, and of the last flight afterwards */
	uint8_t rank;        /* a tier, or ROS_RANK_USER */
	uint8_t state;       /* enum ros_command_state */
	bool is_trapped;     /* a trap has come: what comes with !done is a failure */
};

struct ros_flight_limits {
	size_t window;     /* 1 to ROS_WINDOW_MAX; of it, users get at most half, but at least one */
	size_t answer_max; /* bytes of one answer; 0 = ROS_REPLY_MAX */
	int64_t drain_ns;  /* how long a cancelled command may go on before the router counts as stuck */
};

struct ros_flight *ros_flight_create(struct ros_flight_limits limits);
/* Commands that are in it are idle afterwards. NULL is harmless. */
void ros_flight_free(struct ros_flight *flight);

/* Puts an idle command into the queue of its rank. -1 with err when ROS_QUEUE_MAX commands wait there already. */
int ros_flight_queue(struct ros_flight *flight, struct ros_command *command, uint8_t rank, int64_t deadline_ns,
		     struct err *err);

/* The command that is to be sent next, registered; NULL when the window is full, or nothing that may go waits. Tier 0
 * goes first, then users, then the other tiers; each of these in order. But every eighth goes to who has waited
 * longest, so that on a slow router nobody waits for ever. */
struct ros_command *ros_flight_launch(struct ros_flight *flight, int64_t now_ns);
/* It could not be written, and the router never saw it: it is idle, and its tag is free. */
void ros_flight_unlaunch(struct ros_flight *flight, struct ros_command *command);

/* Nobody wants its answer any more. It is idle; if it flew, its tag is to be cancelled. Harmless when it is idle. */
void ros_flight_cancel(struct ros_flight *flight, struct ros_command *command, int64_t now_ns);

/* One whose deadline is over, one after another; it is idle, as after ros_flight_cancel. NULL: no more. */
struct ros_command *ros_flight_expire(struct ros_flight *flight, int64_t now_ns);

/* A tag for which "/cancel" is to be sent, each once. The command for it should carry no tag: what answers it is then
 * ROS_VERDICT_FOREIGN, and is skipped. */
bool ros_flight_cancel_next(struct ros_flight *flight, uint32_t *tag);

/* Has a cancelled command not ended in time? Then this router, or the way to it, has stopped: close the connection. */
bool ros_flight_is_stuck(const struct ros_flight *flight, int64_t now_ns);

/* When the next deadline, or end of a drain, is: not later than that; it may be earlier. INT64_MAX: none. */
int64_t ros_flight_wake_ns(const struct ros_flight *flight);

enum ros_verdict {
	ROS_VERDICT_ROW,       /* a row for the command */
	ROS_VERDICT_TRAP,      /* it failed; !done will follow */
	ROS_VERDICT_DONE,      /* it has ended and is idle: it may be queued again at once */
	ROS_VERDICT_TOO_LARGE, /* its answer passed the ceiling: it is idle, its tag is to be cancelled */
	ROS_VERDICT_SKIP,      /* for the command, but says nothing: !empty, or of an unknown kind */
	ROS_VERDICT_LATE,      /* of a cancelled command: nobody waits for it */
	ROS_VERDICT_FOREIGN,   /* without a tag, or with one that is not in flight */
	ROS_VERDICT_FATAL,     /* the router ends the connection: close it */
};

struct ros_flight_match {
	struct ros_command *command; /* NULL for LATE, FOREIGN, FATAL */
	enum ros_verdict verdict;
};

/* Whose is this reply, and what is it for them? */
struct ros_flight_match ros_flight_reply(struct ros_flight *flight, const struct ros_reply *reply, int64_t now_ns);

/* The connection has gone (!fatal, closed, stuck). Gives back one command that flew, idle, one after another; NULL: no
 * more, and then the window is empty. What waits goes on waiting for the next connection, until its deadline. */
struct ros_command *ros_flight_lose(struct ros_flight *flight);

/* The connection will not come soon. Gives back one command that waits, idle, one after another: those that were queued
 * up to that number (ros_flight_newest, asked before the first is given back), so that who queues another one at once
 * is not met again. NULL: no more. */
struct ros_command *ros_flight_drop(struct ros_flight *flight, uint64_t newest);
uint64_t ros_flight_newest(const struct ros_flight *flight);

struct ros_flight_figures {
	size_t flying, draining;     /* now; both fill the window */
	size_t queued[ROS_RANKS];    /* now */
	uint64_t launched, done;     /* since it was created */
	uint64_t expired, cancelled; /* cancelled: with those that expired or grew too large in flight */
	uint64_t late, foreign;      /* replies */
	uint64_t lost;
};
const struct ros_flight_figures *ros_flight_figures(const struct ros_flight *flight);

#endif
