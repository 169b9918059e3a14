/*
 * Probe packets for whoever traces a path: one service a worker. Joins sockets, the table of flights, the clocks and
 * the send queue. Packets made in one round of the loop leave at its end; each packet is told apart by a
 * 16-bit id, of which its owner sees only a tag of his own.
 */
#ifndef NETSONDE_PROBES_TRACEROUTE_TRACER_H
#define NETSONDE_PROBES_TRACEROUTE_TRACER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/sample.h"
#include "probes/probe.h"
#include "probes/traceroute/trace_flight.h"
#include "probes/traceroute/trace_packet.h"
#include "probes/traceroute/trace_socket.h"

struct tracer;
struct tracer_lane;

/* struct tracer, for probe_service. Opens both families' raw sockets when it is created, where it may. */
extern const struct probe_service tracer_service;

/* The lane of a family and profile, where the flows 0..flows-1 of this protocol have their ports: one set of sockets
 * and one table of flights. NULL with err, which names the cure, when it cannot be had: the protocol needs a right that
 * is not there, no such family, no free ports. A new fwmark may need a restart after rights were dropped. A lane stays
 * until the service ends: once closed it might not be had again. */
struct tracer_lane *tracer_lane_open(struct tracer *tracer, enum address_family family, enum trace_protocol protocol,
				     unsigned flows, const struct trace_profile *profile, struct err *err);

/* The same if it is open with these flows; else NULL. */
struct tracer_lane *tracer_lane_find(const struct tracer *tracer, enum address_family family,
				     enum trace_protocol protocol, unsigned flows, const struct trace_profile *profile);

/* "raw sockets" or "error queue". */
const char *tracer_lane_kind(const struct tracer_lane *lane);

/* Quotes are complete enough to tell packets apart even when a router quotes only eight bytes (raw sockets), or may
 * need to ask again one at a time (UDP by the error queue: TRACER_EVENT_UNCLEAR can come). */
bool tracer_lane_is_exact(const struct tracer_lane *lane, enum trace_protocol protocol);

enum tracer_event_kind {
	TRACER_EVENT_SENT,     /* the kernel has taken the packet */
	TRACER_EVENT_UNSENT,   /* it never left: reason, error_text; nothing else comes */
	TRACER_EVENT_ANSWERED, /* the first answer */
	TRACER_EVENT_DUPLICATE,
	TRACER_EVENT_LATE, /* the first answer, but after the packet was released */
	/* An answer to one of the packets of this flow that fly, nobody knows to which: no tag, no rtt_ns. Only while
	 * several fly: of a single one it is ANSWERED. UDP replies of the target, which quote nothing, and errors
	 * without the payload in the error queue. */
	TRACER_EVENT_UNCLEAR,
};

/* What became of one packet. Pointers are for the call only. */
struct tracer_event {
	enum tracer_event_kind kind;
	uint32_t tag;           /* as given to tracer_flow_send */
	int64_t rtt_ns;         /* of an answer; -1 = not measured: no kernel stamp, or a clock step in between */
	enum reason reason;     /* UNSENT; of an answer: what it means (REASON_OK: the target's echo reply, SYN-ACK, UDP
				   reply; TRACE_RESET: REASON_REFUSED) */
	const char *error_text; /* UNSENT and ICMP errors: for people; else NULL */
	/* Of an answer, with from, kind, hop_limit, type, code, mtu, labels, quote.hop_limit; NULL for SENT and UNSENT.
	 */
	const struct trace_reply *reply;
	bool is_translated;  /* the quote differs from what was sent: a NAT is in between */
	bool is_from_target; /* reply->from is the flow's destination */
};

/* One flow to one target, embedded in its owner, who sets event and the fields of struct trace_flow that are his (see
 * tracer_flow_open). Events come from the loop, never from inside a call below. */
struct tracer_flow {
	struct trace_flow flow;   /* the same for the same target, protocol and index as long as the daemon runs */
	struct tracer_lane *lane; /* NULL = closed */
	void (*event)(struct tracer_flow *flow, const struct tracer_event *event);
	/* The rest is the tracer's. */
	struct trace_owner owner;
	bool is_source_given;
};

/* Opens a flow. Beforehand the owner sets of flow->flow: destination with its port (0 for ICMP), protocol, index,
 * traffic_class, interface, and source with port 0 when it is given (else family ADDRESS_NONE); the rest is filled in.
 * 0, or an errno: there is no route to it now (ENETUNREACH, ...). */
int tracer_flow_open(struct tracer_flow *flow, struct tracer_lane *lane);

/* Asks the routes once more which source address the packets have: at the beginning of each trace of a flow that stays
 * open. 0, or an errno, and the flow stays as it was. */
int tracer_flow_refresh(struct tracer_flow *flow);

/* No event comes any more. Harmless when closed. */
void tracer_flow_close(struct tracer_flow *flow);

struct tracer_shape {
	uint8_t hop_limit;
	bool dont_fragment;
	uint16_t payload_size; /* raised to what the protocol needs to carry the id */
};

/* Queues one packet. -1 when no id is free or the queue is full (both counted): then try again later. Each packet that
 * was queued keeps an id until it is answered or released, and is remembered for duplicates and late answers until the
 * id goes to another packet. */
int tracer_flow_send(struct tracer_flow *flow, const struct tracer_shape *shape, uint32_t tag);

/* Nobody waits any more for the packet with this tag (its wait is over): its answer will be late; not sent yet, it
 * never will be. The return says what became of it. */
enum tracer_loss {
	TRACER_LOSS_NONE,    /* answered already, or no such packet */
	TRACER_LOSS_UNSENT,  /* never left this host */
	TRACER_LOSS_LOCAL,   /* the answer may have been dropped in our own socket buffer */
	TRACER_LOSS_NETWORK, /* the network's */
};
enum tracer_loss tracer_flow_release(struct tracer_flow *flow, uint32_t tag);

/* The same for all packets of the flow: at the end of a run. */
void tracer_flow_release_all(struct tracer_flow *flow);

#endif
