/*
 * The search for the path MTU, and for who swallows what is too large. Pure: it says what to ask next, and is told what
 * became of it. Packets are as RFC 8899 sends them: whole, not to be fragmented, each size proved by an answer; what a
 * router says (RFC 1191, RFC 8201) is a hint that is tried before it is believed. Who answers no size above some limit
 * while smaller ones pass, and nobody says a word about it, is behind a black hole; its place is then found by asking
 * hop after hop with the smallest size that is lost.
 *
 *	mtu_search_begin(&search, &path);
 *	while (mtu_search_next(&search, &question)) {
 *		send question.attempts packets; wait until one is answered or all are given up; fill outcome
 *		mtu_search_note(&search, &outcome);
 *	}
 *	mtu_search_result(&search, &result);
 *
 * All sizes are bytes of the whole packet, from its IP header on.
 */
#ifndef NETSONDE_PROBES_TRACEROUTE_MTU_SEARCH_H
#define NETSONDE_PROBES_TRACEROUTE_MTU_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/address.h"

/* What the trace knows beforehand. */
struct mtu_path {
	enum address_family family;
	uint32_t largest_bytes; /* the MTU of the interface, or what a packet of this protocol may have at most */
	uint32_t passed_bytes;  /* the size of the trace's own packets, which the target has answered */
	uint32_t passed_sent, passed_answered; /* of these, at the target: how much loss is usual */
	uint64_t answering_hops;               /* bit n-1: hop n answered the trace's packets; hops before the target */
	uint8_t attempts;                      /* packets of one size before it counts as lost; 0 = 3 */
	uint16_t packets_max;                  /* of the whole search; 0 = MTU_SEARCH_PACKETS */
};
#define MTU_SEARCH_PACKETS 200

struct mtu_question {
	uint32_t size_bytes; /* of the packet; IPv4 with "do not fragment" */
	uint8_t hop_limit;   /* 0 = the usual one, the target is to answer; else this hop is */
	uint8_t attempts;    /* as many packets, all at once; the first answer decides */
};

enum mtu_answer {
	MTU_SILENT,        /* all attempts are given up */
	MTU_ANSWERED,      /* by the target; with a hop_limit, by anybody but for the next two */
	MTU_TOO_BIG,       /* an ICMP error: fragmentation needed, packet too big */
	MTU_LOCAL_TOO_BIG, /* this host did not send it (EMSGSIZE) */
};

struct mtu_outcome {
	enum mtu_answer answer;
	uint32_t mtu_bytes; /* of the two kinds of too big: what was said, however senseless; 0 = nothing */
	uint8_t hop;        /* MTU_TOO_BIG: which hop said it; 0 = not known */
	uint8_t sent; /* of the attempts: whose fate is known (answered or given up); the others say nothing yet */
	uint8_t answered;
};

struct mtu_result {
	uint32_t mtu_bytes; /* the largest size that passed */
	bool is_exact;      /* one byte more does not, or cannot be sent */
	/* A larger size (of exact results: one byte more) never passed, and nobody said why, though smaller ones do:
	 * too often for the loss that is usual. It may be the target itself that answers no such sizes. A router that
	 * told this limit at some other size, or is where packets end, is none: it only speaks seldom. */
	bool is_black_hole;
	bool is_lossy;      /* too much is lost at random to say whether the limit is one */
	bool is_local;      /* the limit is this host's interface, or what a packet may have at most */
	bool is_hint_wrong; /* a router told an MTU that is impossible, or that a packet contradicts */
	bool has_hop;
	uint8_t hop; /* who says that packets are too big; of a black hole: the last hop they reach, 0 = not even the
			first */
	uint16_t packets; /* asked for in all */
};

/* The search itself: its owner's memory, its own fields. */
struct mtu_search {
	struct mtu_path path;
	uint8_t phase;    /* enum phase in mtu_search.c */
	uint32_t passing; /* the largest size that passed */
	struct mtu_refusal {
		uint32_t bytes;
		uint8_t why; /* enum why in mtu_search.c */
		uint8_t hop;
		uint32_t told;               /* the MTU that was told */
		uint16_t silent;             /* packets of this size that were lost */
	} failing;                           /* the smallest size that does not pass */
	struct mtu_refusal said;             /* the smallest that somebody refused in words */
	uint32_t hint;                       /* the MTU that was told last; 0 = none to be tried */
	uint8_t hints;                       /* so many were told */
	struct mtu_question asked;           /* the question that is open */
	uint16_t silent;                     /* packets lost of what is asked, at earlier tries */
	uint32_t usual_sent, usual_answered; /* of sizes that pass */
	uint8_t hop, hop_reached, silent_hops;
	bool is_hint_wrong;
	bool is_hop_known;
	uint16_t packets;
};

void mtu_search_begin(struct mtu_search *search, const struct mtu_path *path);
/* What to ask now; the same until its outcome is noted. False: the search is over. */
bool mtu_search_next(struct mtu_search *search, struct mtu_question *question);
/* What became of the question. */
void mtu_search_note(struct mtu_search *search, const struct mtu_outcome *outcome);
/* What is known; at any time, also when the trace has no more time for the search. */
void mtu_search_result(const struct mtu_search *search, struct mtu_result *result);

#endif
