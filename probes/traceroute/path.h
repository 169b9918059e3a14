/*
 * One trace as a matter of logic: which packet leaves next, what the answers mean, when it ends. Knows the time only by
 * what it is told, and nothing of sockets. Pure.
 *
 * Each flow is walked by itself, all of them at once. A hop is *settled* when it has answered, or when its first packet
 * has been waited for in vain.
 *
 * Which hops are asked:
 *  - With an expected length (the last run's), all hops up to it at once, and none beyond it, until the hop at that
 *    place has answered as a mere router, or has been silent to the end of its attempts: then the path has grown, and
 *    the walk goes on as if nothing were expected.
 *  - Without one, the window: a new hop is asked as long as fewer than `window` of the hops asked so far are unsettled,
 *    and it lies no more than `window` (or `max_silent`, if that is more) behind the last that answered.
 *  - A hop is asked again (up to `attempts`, `spacing` apart) once it is known to lie on the path: something at its
 *    place or farther has answered, or it is expected; one that is not known to, after the wait for its first packet.
 *
 * Where a flow ends: at the nearest hop whose last answer (of its attempts, not of time) came from the target or says
 * that there is no way on. So a path that shrinks or grows meanwhile is walked to its new end, and no packet of the old
 * one counts as lost. What has been asked beyond the end stays out of all figures.
 *
 * An answer counts as long as the trace lives, however late: `wait` is how long the walk waits, not what is a loss.
 */
#ifndef NETSONDE_PROBES_TRACEROUTE_PATH_H
#define NETSONDE_PROBES_TRACEROUTE_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/sample.h"
#include "probes/traceroute/trace_packet.h"

#define PATH_HOPS_MAX      64
#define PATH_ATTEMPTS_MAX  100
#define PATH_ADDRESSES_MAX 8 /* that are kept of one hop of one flow */

/* Once the end is known, hops before it are waited for so many times the longest round trip, at least so long. */
#define PATH_PATIENCE_FACTOR 4
#define PATH_PATIENCE_MIN_NS (INT64_C(250) * 1000000)

/* Which packet: of which flow (from 0), to which hop (its hop limit, from 1), and which attempt at it (from 0). */
struct path_packet {
	uint8_t flow, hop, attempt;
};

/* What is wanted of a trace. Times in nanoseconds. */
struct path_plan {
	uint8_t flows;               /* 1..TRACE_FLOWS_MAX */
	uint8_t first_hop, max_hops; /* 1..PATH_HOPS_MAX */
	uint8_t max_silent;          /* a flow ends after so many silent hops in a row */
	uint8_t window;              /* unsettled hops of a flow at a time, at least 1 */
	uint8_t attempts;            /* packets to each hop, 1..PATH_ATTEMPTS_MAX */
	bool until_answered;         /* a hop that has answered is not asked again */
	bool one_at_end; /* the end is not asked again while a packet to it flies: a TCP port that is half open takes no
			    second SYN */
	uint8_t expected[TRACE_FLOWS_MAX]; /* length of each flow's path at the last run; 0 = unknown */
	int64_t spacing_ns;                /* between the attempts at one hop */
	int64_t wait_ns;                   /* for an answer to one packet */
	void *context;
	/* Both are called by path_advance and path_finish only, and must not call back. */
	/* Sends one packet. false: not now; it is tried again a little later. */
	bool (*send)(void *context, struct path_packet packet);
	/* Nobody waits for this packet any more. true: it was lost on this host, or never left it: then it counts as
	 * unsent. */
	bool (*release)(void *context, struct path_packet packet);
};

/* An answer to one packet. */
struct path_answer {
	struct address from;
	enum trace_answer kind;
	enum reason reason;  /* what it means */
	bool is_from_target; /* from is whom the trace is for */
	bool is_nat;         /* addresses or ports are not those that were sent: translated on the way */
	int16_t hop_limit;   /* of the answer; -1 = unknown */
	int64_t rtt_ns;      /* -1 = not measured */
	uint8_t nlabels;
	const struct trace_label *labels; /* borrowed for the call */
};

enum path_attempt_state {
	PATH_UNASKED,
	PATH_FLYING, /* waited for */
	PATH_ANSWERED,
	PATH_LOST,   /* waited for in vain; an answer may still come */
	PATH_UNSENT, /* never left this host, or was lost on it */
};

/* One packet to a hop. */
struct path_attempt {
	int64_t time_ns; /* FLYING: when it was asked; ANSWERED: the round trip, -1 = not measured */
	uint8_t state;   /* enum path_attempt_state */
	bool is_unclear; /* flies while an answer came that could be to it */
};

/* One hop of one flow. */
struct path_hop {
	uint8_t next;       /* the first attempt that may be unasked */
	uint8_t oldest;     /* the first attempt that may fly */
	uint8_t flying;     /* attempts that do */
	uint8_t sent;       /* attempts asked, less those that never left */
	uint8_t received;   /* answered, once each */
	uint8_t measured;   /* answered with a round-trip time */
	uint8_t latest;     /* the latest attempt that was answered, by which the next three are */
	uint8_t kind;       /* enum trace_answer */
	uint8_t reason;     /* enum reason; if nothing was answered, why the last of what is unsent is */
	bool is_target;     /* the target answered, or somebody for it: packets get there */
	bool is_nat;        /* an answer told of translated addresses */
	uint8_t naddresses; /* that answered, first come first; more than PATH_ADDRESSES_MAX are not kept */
	uint8_t nlabels;    /* of the last answer that had some */
	int16_t hop_limit;  /* of the last answer; -1 = unknown */
	int64_t asked_ns;   /* when the last attempt was */
	int64_t rtt_min_ns, rtt_max_ns, rtt_sum_ns;
	struct address address;         /* the first that answered; ADDRESS_NONE = silent */
	struct address *others;         /* naddresses - 1 more; NULL when there are none */
	struct trace_label *labels;     /* NULL when there are none */
	struct path_attempt attempts[]; /* as many as the plan says */
};

/* Why a flow ended. */
enum path_end {
	PATH_OPEN,        /* it has not */
	PATH_REACHED,     /* at the target */
	PATH_UNREACHABLE, /* somebody said that there is no way on: the hop's reason */
	PATH_MAX_SILENT,
	PATH_MAX_HOPS,
	PATH_LOCAL,    /* nothing could be sent */
	PATH_DEADLINE, /* it was told to end */
};

struct path_flow {
	struct path_hop **hops; /* by hop limit - 1, of the plan's max_hops; NULL = never asked */
	uint8_t asked;          /* the farthest hop asked; 0 = none */
	uint8_t answered;       /* the farthest hop that answered; 0 = none */
	uint8_t end_hop;        /* where it ends by what is known: target or unreachable; 0 = unknown */
	uint8_t end;            /* enum path_end */
	bool has_grown;         /* beyond the expected length, or nothing was expected */
	bool is_serial;         /* one packet at a time: see path_note_unclear */
	bool is_dirty;          /* something was noted since the last look */
	uint32_t flying;        /* packets */
	int64_t wake_ns;        /* when to look at it again; INT64_MAX = not by itself */
	int64_t rtt_max_ns;     /* longest round trip so far */
};

/* Read by who reports; changed by the functions below only. */
struct path {
	struct path_plan plan;
	struct path_flow flows[TRACE_FLOWS_MAX];
	uint8_t open; /* flows that have not ended */
};

struct path *path_create(const struct path_plan *plan);
void path_free(struct path *path); /* NULL is harmless */

/* Sends what is due at now_ns, gives up what has been waited for long enough, ends flows. Returns when it wants to be
 * called again at the latest; INT64_MAX when nothing is left to wait for. To be called at first, then at that time, and
 * after anything was noted. */
int64_t path_advance(struct path *path, int64_t now_ns);

/* Have all flows ended? */
static inline bool path_is_done(const struct path *path)
{
	return path->open == 0;
}

/* What became of a packet: the kernel has taken it (the wait begins anew); it never left; it was answered, in time or
 * late. A second answer to the same packet changes nothing. Packets of no such flow, hop or attempt are ignored. */
void path_note_sent(struct path *path, struct path_packet packet, int64_t now_ns);
void path_note_unsent(struct path *path, struct path_packet packet, enum reason reason);
void path_note_answer(struct path *path, struct path_packet packet, const struct path_answer *answer);

/* An answer came that could belong to any packet in flight of this flow. From now on the flow is walked with one packet
 * in flight; those that fly now and get no answer of their own are asked once more instead of counting as lost. */
void path_note_unclear(struct path *path, uint8_t flow);

/* The time is up: flows that have not ended do so now. What still flies counts as lost. */
void path_finish(struct path *path);

/* --- for reports ------------------------------------------------------------------------------------------------- */

/* The last hop of a flow that is told of: where it ended; else the last one that answered, with the silent ones behind
 * it that were waited for to the end. 0 = none. */
uint8_t path_last_hop(const struct path *path, uint8_t flow);

/* NULL when it was never asked. */
const struct path_hop *path_hop_at(const struct path *path, uint8_t flow, uint8_t hop);

/* n-th address that answered there, from 0. */
const struct address *path_hop_address(const struct path_hop *hop, uint8_t n);

/* Unanswered part of what was sent, 0..1; negative when nothing was. */
double path_hop_loss(const struct path_hop *hop);

/* The part of it that goes on to the end: the smallest loss of this and all farther hops of the flow that answered. A
 * hop that merely limits its answers has none. */
double path_forward_loss(const struct path *path, uint8_t flow, uint8_t hop);

/* The shortest round trip to this and all farther hops that were measured: what a hop takes to make its answer is not
 * the path's. -1 = none was measured. */
int64_t path_forward_rtt_ns(const struct path *path, uint8_t flow, uint8_t hop);

/* The first hop of a flow at which an address stands that has been seen before with another hop in between: packets go
 * in a circle. 0 = none. */
uint8_t path_loop_hop(const struct path *path, uint8_t flow);

/* The first hop behind a translation of addresses; 0 = none. */
uint8_t path_nat_hop(const struct path *path, uint8_t flow);

/* The flow that stands for the trace: the first that reached the target, else the first. */
uint8_t path_main_flow(const struct path *path);

#endif
