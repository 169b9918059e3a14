/*
 * The one connection to a router that everybody shares: it is made when somebody has a command, kept, and made again
 * when it was lost, with pauses that grow. Commands of all who hold it go through one window (ros_flight.h).
 *
 * Whoever has a command gets exactly one end for it, whatever happens: no router, no login, no answer in time. While
 * the link pauses after failures, commands fail at once with the reason of the last attempt.
 */
#ifndef NETSONDE_PROBES_ROS_LINK_H
#define NETSONDE_PROBES_ROS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/sample.h"
#include "probes/routeros/ros_breaker.h"
#include "probes/routeros/ros_flight.h"
#include "probes/routeros/ros_reply.h"

struct ros_link;

enum ros_link_state {
	ROS_LINK_IDLE,       /* no connection, and nobody needs one */
	ROS_LINK_RESOLVING,  /* the name is looked up */
	ROS_LINK_CONNECTING, /* TCP, TLS */
	ROS_LINK_LOGIN,
	ROS_LINK_UP,
	ROS_LINK_PAUSING, /* after a failure: no attempt before retry_ns, and then with the first command */
	ROS_LINK_STATES
};
/* "idle", "resolving", ... */
const char *ros_link_state_name(enum ros_link_state state);

enum ros_end_kind {
	ROS_END_DONE,      /* !done */
	ROS_END_TRAP,      /* the router refused; the rows before it count */
	ROS_END_TIMEOUT,   /* its deadline came; a cancel was sent */
	ROS_END_TOO_LARGE, /* the answer passed its ceiling */
	ROS_END_LOST,      /* no connection, or it ended meanwhile: reason says why */
};

/* How a command ended. Borrowed for the call. */
struct ros_end {
	enum ros_end_kind kind;
	enum reason reason;            /* OK for DONE. TRAP: status, or login when the user may not do that. TIMEOUT:
					* timeout. TOO_LARGE: protocol. LOST: login, refused, resolve, tls_verify, ... */
	enum ros_trap trap;            /* TRAP */
	const char *message;           /* for people, without secrets; "" for DONE */
	const struct ros_reply *reply; /* DONE: the !done itself, for ros_reply_return; else NULL */
	int64_t took_ns;               /* since it was launched; 0: it never was */
	size_t rows, bytes;            /* of its answer */
};

/* A command with who wants its answer. Embedded in the caller's own struct, zero-initialised, and it must stay where it
 * is until its end. */
struct ros_call {
	struct ros_command command; /* the link's */
	/* The caller's: a sentence as ros_writer writes it, without a tag and without the last, empty word; borrowed
	 * until the end. See ros_link_sentence. */
	const void *sentence;
	size_t sentence_bytes;
	/* Each row (!re), borrowed for the call; NULL: they are only counted. May call ros_link_cancel. */
	void (*row)(struct ros_call *call, const struct ros_reply *reply);
	/* Its end, once, never from inside ros_link_call. The call may be used again at once. */
	void (*ended)(struct ros_call *call, const struct ros_end *end);
	struct ros_link *link; /* the link's: who has it; NULL: idle */
	char *message;         /* the link's: of a trap that has come, until !done; NULL */
	uint8_t trap;          /* the link's: enum ros_trap, the same */
};

/* For the caller's sentence: cuts the last, empty word off what ros_write_end has left in a text. */
size_t ros_link_sentence(const void *bytes, size_t n);

/* Queues a command; connects if there is no connection. rank: a tier (0 to ROS_TIERS-1) or ROS_RANK_USER. deadline_ns:
 * monotonic, of the whole of it, waiting included. -1 with err when too many wait already: there will be no end. */
int ros_link_call(struct ros_link *link, struct ros_call *call, uint8_t rank, int64_t deadline_ns, struct err *err);

/* There will be no end; harmless when it is idle. */
void ros_link_cancel(struct ros_call *call);

/* --- what is known ------------------------------------------------------------------------------------------------ */

struct ros_link_figures {
	enum ros_link_state state;
	enum ros_breaker_state breaker;
	enum reason reason;                  /* of the last attempt or end of a connection; OK: none failed */
	char message[200];                   /* the same for people; "" */
	uint64_t epoch;                      /* counts logins: a new number is a new session */
	uint64_t attempts, failures, losses; /* losses: connections that ended after the login */
	uint64_t commands, replies_bytes, sent_bytes;
	uint64_t timeouts, traps;
	int64_t connect_ns, login_ns;  /* of the last connection: TCP and TLS; the login. -1: not known */
	int64_t up_since_ns;           /* monotonic; 0: it is not */
	int64_t retry_ns;              /* monotonic: when a pause is over; 0: there is none */
	size_t flying, queued;         /* commands, now */
	struct address address;        /* of the last attempt; family ADDRESS_NONE */
	bool is_secured, is_anonymous; /* TLS; TLS without any proof of who the router is */
};
void ros_link_read(const struct ros_link *link, struct ros_link_figures *out);

/* The address, once it is known that a connection will be made there: false with err forbids it (REASON_DENIED).
 * Called on the loop. */
struct ros_link_guard {
	bool (*permits)(void *arg, const char *host, const struct address *address, uint16_t port, struct err *err);
	void *arg;
};

#endif
