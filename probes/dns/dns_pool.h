/*
 * Queries over UDP for whoever needs them: one service a worker. A pool of sockets, each with a port of its own, from
 * which every query gets one at random; ports are given back and taken anew after some hundred queries. Queries made in
 * one round of the loop leave together. A reply is taken only from the address and port that was asked, to the port
 * and with the id that the query had, with its question, letter for letter.
 */
#ifndef NETSONDE_PROBES_DNS_POOL_H
#define NETSONDE_PROBES_DNS_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/loop.h"
#include "core/sample.h"
#include "probes/dns/dns_query.h"
#include "probes/dns/dns_reply.h"
#include "probes/probe.h"

struct dns_pool;
struct dns_port;

/* struct dns_pool, for probe_service. Sockets are opened when they are needed. */
extern const struct probe_service dns_service;

/* Sockets of a family, at most: fewer when the limit of descriptors is low. */
#define DNS_POOL_PORTS 256
/* A port is given back after so many queries, or when it is so old. */
#define DNS_POOL_PORT_QUERIES 512
#define DNS_POOL_PORT_SECONDS 600

enum dns_event_kind {
	DNS_EVENT_UNSENT,    /* it never left: reason, error_text; the query is over */
	DNS_EVENT_ANSWERED,  /* reply, size, rtt_ns; the query is over */
	DNS_EVENT_UNFITTING, /* something came that seems to be meant for this query, but does not fit: verdict, from */
	DNS_EVENT_FAILED,    /* an ICMP error: reason, error_text, from; the query is over */
};

struct dns_event {
	enum dns_event_kind kind;
	const uint8_t *reply; /* borrowed for the call */
	size_t size;
	int64_t rtt_ns; /* -1 = not measured: the wall clock was set meanwhile */
	enum dns_verdict verdict;
	bool is_from_other; /* UNFITTING: the sender is not whom we asked */
	enum reason reason;
	const char *error_text;
	struct address from; /* with port, but for ICMP errors */
};

enum dns_ask_state { DNS_ASK_IDLE, DNS_ASK_QUEUED, DNS_ASK_SENDING, DNS_ASK_FLYING, DNS_ASK_FAILING };

/* One query, embedded in its owner, who fills the first part. Events come from the loop, never from inside a call
 * below. */
struct dns_ask {
	struct address server; /* with port */
	struct address source; /* family ADDRESS_NONE = the kernel chooses */
	uint32_t interface;
	uint16_t size, question_end;
	bool is_case_checked;
	uint8_t *query; /* borrowed while it is under way; its id is written by the pool */
	void (*event)(struct dns_ask *ask, const struct dns_event *event);
	void *owner;

	/* the pool's */
	struct dns_ask *next, **link; /* in the queue or in a bucket */
	struct dns_port *port;
	int64_t sent_ns; /* wall clock */
	uint8_t clock_epoch, state;
	uint16_t id;
	int error; /* FAILING */
};

/* Queues the query; it leaves after the present callback. */
void dns_pool_ask(struct dns_pool *pool, struct dns_ask *ask);
/* No event will come. Harmless when it is over. */
void dns_pool_cancel(struct dns_pool *pool, struct dns_ask *ask);
uint16_t dns_ask_port(const struct dns_ask *ask); /* while it is under way */

struct dns_random *dns_pool_random(struct dns_pool *pool);

#endif
