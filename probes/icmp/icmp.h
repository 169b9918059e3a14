/*
 * Echo requests for whoever needs them: one service a worker. Joins sockets, the table of who waits, the clocks and the
 * send queue. Requests made in one round of the loop leave together in batches.
 */
#ifndef NETSONDE_PROBES_ICMP_ICMP_H
#define NETSONDE_PROBES_ICMP_ICMP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/sample.h"
#include "probes/icmp/icmp_flight.h"
#include "probes/icmp/icmp_socket.h"
#include "probes/probe.h"

struct icmp;
struct icmp_lane;

/* struct icmp, for probe_service. Opens both families' plain sockets when it is created. */
extern const struct probe_service icmp_service;

/* The lane of a family and profile: one socket and one table of flights. NULL with err when it cannot be had; after
 * rights were dropped, a new profile may need a restart. For the same reason a lane stays until the service ends: once
 * closed it might not be had again. */
struct icmp_lane *icmp_lane_open(struct icmp *icmp, enum address_family family, const struct icmp_profile *profile,
				 struct err *err);

/* The same if it is open; else NULL. */
struct icmp_lane *icmp_lane_find(const struct icmp *icmp, enum address_family family,
				 const struct icmp_profile *profile);

/* "datagram sockets" or "raw sockets". */
const char *icmp_lane_kind(const struct icmp_lane *lane);

enum icmp_event_kind {
	ICMP_EVENT_SENT,   /* the kernel has taken the request */
	ICMP_EVENT_UNSENT, /* it never left: reason, error_text */
	ICMP_EVENT_ANSWERED,
	ICMP_EVENT_DUPLICATE,
	ICMP_EVENT_LATE,   /* answered after it expired or failed */
	ICMP_EVENT_FAILED, /* an ICMP error: reason, error_text, from */
};

/* What became of one request. */
struct icmp_event {
	enum icmp_event_kind kind;
	uint16_t sequence;
	bool is_reordered;
	int16_t hop_limit;  /* of the reply; -1 = unknown */
	int64_t rtt_ns;     /* -1 = not measured: no kernel stamp, or a clock step in between */
	size_t size;        /* ICMP bytes of the reply */
	enum reason reason; /* UNSENT, FAILED */
	const char *error_text;
	uint32_t mtu;        /* FAILED, too_big: of the narrow link; 0 = not told */
	struct address from; /* ANSWERED and the like: who answered; FAILED: who said so */
};

/* One address that is pinged, embedded in its owner, who sets event before it is opened. Events come from the loop,
 * never from inside a call below. */
struct icmp_peer {
	struct icmp_endpoint endpoint; /* first */
	struct icmp_lane *lane;        /* NULL = closed */
	void (*event)(struct icmp_peer *peer, const struct icmp_event *event);
};

/* How the requests of a peer look. */
struct icmp_shape {
	struct address source;
	uint32_t interface;
	uint16_t payload_size;
	uint8_t hop_limit;
	uint8_t traffic_class;
};

/* attempts: the memory of past requests, for which late and duplicate replies are recognised; size
 * (icmp_flight_ring_size) of them, zeroed, borrowed until the peer is closed. */
void icmp_peer_open(struct icmp_peer *peer, struct icmp_lane *lane, const struct address *address,
		    struct icmp_attempt *attempts, size_t size);
void icmp_peer_close(struct icmp_peer *peer); /* harmless when closed */

/* Queues one echo request; the sequence number comes back in *sequence. -1 when there is no free sequence number or the
 * queue is full (both counted). shape is borrowed until SENT, UNSENT, icmp_peer_expire or icmp_peer_close. */
int icmp_peer_send(struct icmp_peer *peer, const struct icmp_shape *shape, uint16_t *sequence);

/* What was still in flight when nobody waits any more. */
struct icmp_leftover {
	unsigned unsent;       /* never left this host */
	unsigned lost_locally; /* the reply may have been dropped in our own socket buffer */
	unsigned lost;         /* the network's */
};

/* Ends the wait for everything in flight: later replies are late. */
struct icmp_leftover icmp_peer_expire(struct icmp_peer *peer);

#endif
