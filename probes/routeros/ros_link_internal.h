/*
 * What ros_link.c (calls and their ends), ros_link_dial.c (attempts and connections) and ros_link_tls.c share, and
 * ros_pool.c, which makes links. Nobody else includes this.
 */
#ifndef NETSONDE_PROBES_ROS_LINK_INTERNAL_H
#define NETSONDE_PROBES_ROS_LINK_INTERNAL_H

#include "core/dial.h"
#include "core/host.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/text.h"
#include "core/tls_client.h"
#include "probes/routeros/ros_access.h"
#include "probes/routeros/ros_link.h"
#include "probes/routeros/ros_login.h"
#include "probes/routeros/ros_wire.h"

struct ssl_ctx_st;

/* What the links of a worker have in common. */
struct ros_link_base {
	struct loop *loop;                                  /* borrowed */
	struct resolver *resolver;                          /* borrowed */
	struct tls_clients *tls;                            /* owned by the pool */
	struct ssl_ctx_st *anonymous;                       /* made when first needed; owned by the pool */
	void (*changed)(struct ros_link *link, bool is_up); /* a link has come up, or is no longer; NULL */
};

struct ros_link {
	struct ros_link_base *base;         /* borrowed; the pool's */
	char *name;                         /* the host */
	struct ros_access *access;          /* owned */
	const struct ros_link_guard *guard; /* borrowed; NULL */
	struct host *host;
	struct tls_client *tls; /* NULL: no TLS, or anonymous */
	char fingerprint[65];   /* "": none */
	char label[300];
	uint16_t port;

	/* The connection. */
	enum ros_link_state state;
	struct dial *dial;
	struct tls_facts facts;
	struct ros_login login;
	char *password; /* from password_file, while the login lasts */
	struct ros_reader reader;
	struct ros_reply reply;
	struct text out; /* what is to be sent next */
	int64_t attempt_end_ns;
	int64_t login_begun_ns;
	int64_t choked_ns; /* what is in out goes no sooner than that; 0 */
	int64_t used_ns;   /* when something was last under way */
	bool is_proven;    /* the router has answered a command of this session */

	/* Calls. */
	struct ros_flight *flight;
	struct deferred work;
	struct alarm alarm;

	struct ros_breaker breaker;
	struct ros_link_figures figures; /* what changes as things happen; ros_link_read adds the rest */
	struct log_fault fault;
	bool has_warned; /* of anonymous TLS */

	/* The pool's. */
	struct ros_link *next;                      /* in its bucket */
	struct ros_link *next_idle, *previous_idle; /* without holders, the first to go first */
	uint64_t hash;
	unsigned holders;
	bool is_idle_listed;
	int64_t end_ns; /* without holders: when it goes */
};

/* host and access are copied. NULL with err when it can never work. */
struct ros_link *ros_link_create(struct ros_link_base *base, const char *host, const struct ros_access *access,
				 const struct ros_link_guard *guard, struct err *err);
/* Calls that are in it have no end. NULL is harmless. */
void ros_link_free(struct ros_link *link);

/* --- ros_link.c, for ros_link_dial.c ------------------------------------------------------------------------------ */

/* The link does what is to be done, soon. */
void ros_link_wake(struct ros_link *link);
/* A reply after the login. false: the connection has gone. */
bool ros_link_take(struct ros_link *link, const struct ros_reply *reply);
/* The connection has gone, or there was none: what flew ends. */
void ros_link_end_flying(struct ros_link *link);

/* --- ros_link_dial.c ---------------------------------------------------------------------------------------------- */

void ros_link_connect(struct ros_link *link);
/* An attempt, or a connection, has failed: closes, pauses, tells those whose commands flew. */
void ros_link_fail(struct ros_link *link, enum reason reason, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The time of an attempt is up. */
void ros_link_give_up(struct ros_link *link);
/* In order: nobody needs the connection. */
void ros_link_hang_up(struct ros_link *link);

/* --- ros_link_tls.c ----------------------------------------------------------------------------------------------- */

/* What the handshake is made with; NULL with err. */
struct ssl_st *ros_link_make_ssl(struct ros_link *link, struct err *err);
/* Is the router the one that was asked for? -1 with err. */
int ros_link_check_peer(struct ros_link *link, struct err *err);

#endif
