/*
 * Whose packet is this answer about? The packets of one worker and family by their 16-bit id, and the flows that sent
 * them. Pure logic: no sockets, no clock.
 *
 * Ids go round, so that an id rests as long as possible between one packet and the next: until then late and duplicate
 * answers are recognised. A packet that was answered or released gives its id up; one that nobody releases keeps it.
 */
#ifndef NETSONDE_PROBES_TRACEROUTE_TRACE_FLIGHT_H
#define NETSONDE_PROBES_TRACEROUTE_TRACE_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/hash.h"
#include "probes/traceroute/trace_packet.h"

struct trace_flights;

enum trace_flight_state {
	TRACE_FLIGHT_FREE,
	TRACE_FLIGHT_QUEUED, /* has an id, is not sent yet */
	TRACE_FLIGHT_FLYING,
	TRACE_FLIGHT_ANSWERED,
	TRACE_FLIGHT_RELEASED, /* nobody waits any more: an answer is late */
};

/* One packet. */
struct trace_flight {
	int64_t sent_ns;   /* wall clock: our best knowledge of when it left */
	uint32_t slack_ns; /* it left at most this long before sent_ns */
	uint32_t tag;      /* its owner's */
	uint32_t place;    /* of its flow in the table, and which of those that had the place it is */
	uint32_t number;
	uint16_t newer, older; /* of those of its flow that are queued or fly; 0 = none */
	uint16_t payload_size;
	uint8_t hop_limit;
	uint8_t clock_epoch; /* of icmp_clock at the time of sending */
	uint8_t state;       /* enum trace_flight_state */
	bool dont_fragment;
};

/* A flow in the table, embedded in whoever sends. */
struct trace_owner {
	const struct trace_flow *flow; /* borrowed; addresses and ports do not change while it is in the table */
	struct trace_owner *next;      /* with the same hash */
	uint32_t place;
	uint16_t newest; /* of those queued or flying; 0 = none */
	uint16_t flying; /* how many are queued or fly */
	bool is_added;
};

/* Of one flow more than this cannot be in flight at once, so that one flow cannot take all ids. */
#define TRACE_FLIGHTS_OF_FLOW 8192

struct trace_flights *trace_flights_create(struct hash_key key);
void trace_flights_free(struct trace_flights *flights); /* owners still in it are forgotten; NULL is harmless */

/* Puts a flow into the table. */
void trace_flights_add(struct trace_flights *flights, struct trace_owner *owner, const struct trace_flow *flow);
/* Takes it out, with all its packets: answers to them are foreign. Harmless when it is in none. */
void trace_flights_remove(struct trace_flights *flights, struct trace_owner *owner);

/* An id for a new packet of this flow, QUEUED; the rest of its flight is zero but for tag. 0 when none is free. */
uint16_t trace_flights_launch(struct trace_flights *flights, struct trace_owner *owner, uint32_t tag);

/* The flight of an id, in whatever state. */
struct trace_flight *trace_flights_at(struct trace_flights *flights, uint16_t id);

/* Who sent it; NULL when the flow has gone, or nobody has had the id yet. */
struct trace_owner *trace_flights_owner(const struct trace_flights *flights, uint16_t id);

/* The packet with this tag that is queued or flies; 0 = none. */
uint16_t trace_flights_find(const struct trace_flights *flights, const struct trace_owner *owner, uint32_t tag);

/* Changes the state of a flight whose owner is there. */
void trace_flights_set_state(struct trace_flights *flights, uint16_t id, enum trace_flight_state state);

/* The packet as it was sent. Its flow must be there. */
struct trace_packet trace_flights_packet(const struct trace_flights *flights, uint16_t id);

enum trace_verdict {
	TRACE_VERDICT_FOREIGN,
	TRACE_VERDICT_ANSWER,
	TRACE_VERDICT_DUPLICATE,
	TRACE_VERDICT_LATE,
	TRACE_VERDICT_UNCLEAR, /* to one of several of this flow that fly; id is 0 */
};

struct trace_match {
	struct trace_owner *owner; /* NULL when foreign */
	uint16_t id;
	enum trace_verdict verdict;
	unsigned changed; /* enum trace_changed */
};

/* What is this answer? The flight's state is updated. */
struct trace_match trace_flights_match(struct trace_flights *flights, const struct trace_reply *reply);

#endif
