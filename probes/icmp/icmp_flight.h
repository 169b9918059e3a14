/*
 * Who waits for this reply? Endpoints, each with a ring of its last echo requests by sequence number. Pure logic: no
 * sockets, no clock.
 *
 * Replies carry a secret, which is the number of the endpoint's place and the number of its request, encrypted: so they
 * are found without a search, and nobody who has not seen the request can make one up. ICMP errors tell only address
 * and sequence number, which are therefore unique among the requests of which an error may still come, and in a table.
 * Otherwise each endpoint has a sequence space of its own, so that there is no limit on how many targets are pinged a
 * second.
 */
#ifndef NETSONDE_PROBES_ICMP_FLIGHT_H
#define NETSONDE_PROBES_ICMP_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/hash.h"

struct icmp_flight;

enum icmp_attempt_state {
	ICMP_ATTEMPT_FREE,
	ICMP_ATTEMPT_QUEUED, /* has a sequence number, is not sent yet */
	ICMP_ATTEMPT_FLYING,
	ICMP_ATTEMPT_ANSWERED,
	ICMP_ATTEMPT_FAILED,  /* an ICMP error ended it, or it could not be sent */
	ICMP_ATTEMPT_EXPIRED, /* nobody waits any more: a reply is late */
	ICMP_ATTEMPT_LATE,    /* answered after it expired */
};

struct icmp_attempt {
	int64_t sent_ns;   /* wall clock: our best knowledge of when it left */
	uint32_t slack_ns; /* it left at most this long before sent_ns */
	uint16_t sequence;
	uint8_t state;       /* enum icmp_attempt_state */
	uint8_t clock_epoch; /* of icmp_clock at the time of sending */
};

/* Embedded in whoever pings one address. */
struct icmp_endpoint {
	struct icmp_attempt *attempts; /* ring by sequence number, borrowed; NULL = in no table */
	struct address address;
	uint32_t place;         /* in the table */
	uint32_t next_request;  /* number of the next request; its lower half is the sequence number */
	uint16_t mask;          /* size of the ring - 1 */
	uint16_t last_answered; /* of those answered the one sent last, for reordering (RFC 4737) */
	uint16_t flying;        /* attempts QUEUED or FLYING */
};

#define ICMP_FLIGHT_RING_MAX 32768

/* The size of the ring that remembers at least so many requests: a power of two, at most ICMP_FLIGHT_RING_MAX. */
size_t icmp_flight_ring_size(size_t remembered);

struct icmp_flight *icmp_flight_create(struct hash_key key);
void icmp_flight_free(struct icmp_flight *flight); /* endpoints still in it are taken out */

/* Puts an endpoint into the table. attempts: size of them, zeroed, borrowed until it is taken out. first_request: any
 * number. */
void icmp_flight_add(struct icmp_flight *flight, struct icmp_endpoint *endpoint, const struct address *address,
		     struct icmp_attempt *attempts, size_t size, uint32_t first_request);
/* Takes it out. Harmless when it is in none. */
void icmp_flight_remove(struct icmp_flight *flight, struct icmp_endpoint *endpoint);

/* For those who want to find an endpoint again, if it is there then: its place, and how often that was taken. */
struct icmp_place {
	uint32_t place, number;
};
struct icmp_place icmp_flight_place(const struct icmp_flight *flight, const struct icmp_endpoint *endpoint);
/* NULL when it has gone. */
struct icmp_endpoint *icmp_flight_at(const struct icmp_flight *flight, struct icmp_place place);

/* A new attempt, QUEUED, with a sequence number of which nobody else with this address may still see an error. NULL
 * when the space has run out: all that are remembered still fly, or all numbers are taken. */
struct icmp_attempt *icmp_flight_launch(struct icmp_flight *flight, struct icmp_endpoint *endpoint);

/* What the request must carry. */
uint64_t icmp_flight_secret(const struct icmp_flight *flight, const struct icmp_endpoint *endpoint,
			    const struct icmp_attempt *attempt);

/* The attempt with this number, or NULL when it is not remembered. */
struct icmp_attempt *icmp_endpoint_attempt(const struct icmp_endpoint *endpoint, uint16_t sequence);

/* Changes the state and keeps the count of those that fly. */
void icmp_flight_set_state(struct icmp_flight *flight, struct icmp_endpoint *endpoint, struct icmp_attempt *attempt,
			   enum icmp_attempt_state state);

enum icmp_verdict { ICMP_VERDICT_FOREIGN, ICMP_VERDICT_ANSWER, ICMP_VERDICT_DUPLICATE, ICMP_VERDICT_LATE };

struct icmp_match {
	struct icmp_endpoint *endpoint; /* NULL when foreign */
	struct icmp_attempt *attempt;
	enum icmp_verdict verdict;
	bool is_reordered; /* ANSWER only */
};

/* An echo reply with this source, sequence and secret: whose is it, and what is it? The attempt's state is updated. */
struct icmp_match icmp_flight_reply(struct icmp_flight *flight, const struct address *from, uint16_t sequence,
				    uint64_t secret);

/* An ICMP error about a request to destination with this sequence: the attempt, if it is still in flight (it is FAILED
 * then); else a foreign verdict. */
struct icmp_match icmp_flight_error(struct icmp_flight *flight, const struct address *destination, uint16_t sequence);

/* The attempt in flight to destination with this number, for transmit stamps; or a foreign verdict. */
struct icmp_match icmp_flight_find(const struct icmp_flight *flight, const struct address *destination,
				   uint16_t sequence);

#endif
