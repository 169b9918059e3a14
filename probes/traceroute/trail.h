/*
 * What is remembered of the path of one flow from one trace to the next: who stood at each hop, and the counters of
 * each hop. Says whether a trace found another path. Pure.
 *
 * Two paths are the same as long as nothing contradicts: where both know a hop, one of its addresses is known of old.
 * A silent hop, a trace that did not get to the end and somebody who says "unreachable" contradict nothing. So neither
 * loss nor an outage makes a change, and the hash stays as long as the path does.
 */
#ifndef NETSONDE_PROBES_TRACEROUTE_TRAIL_H
#define NETSONDE_PROBES_TRACEROUTE_TRAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/address.h"
#include "core/text.h"
#include "probes/traceroute/path.h"

/* Further addresses of a hop that are remembered, where a router balances packet by packet. */
#define TRAIL_OTHERS 3

struct trail_hop {
	struct address address;        /* ADDRESS_NONE = always silent so far */
	uint32_t others[TRAIL_OTHERS]; /* hashes of further addresses; 0 = none */
	int64_t sent, received;        /* of all traces */
};

/* Zero-initialise. */
struct trail {
	struct trail_hop *hops; /* by hop limit - 1 */
	uint8_t room;           /* of hops */
	uint8_t length;         /* of the path that is known; 0 = none */
	bool is_reached;        /* its last hop is the target */
	uint8_t oldest_other;   /* which of a hop's others is replaced next */
	uint32_t hash;          /* of its addresses; 0 = nothing is known */
};

void trail_free(struct trail *trail);

/* The path is forgotten, the counters stay: the target has another address. */
void trail_forget(struct trail *trail);

/* What of a finished trace's flow is remembered. true: the path is another than before; then *before (may be NULL) gets
 * the addresses of the old one. Adds to the counters as well. */
bool trail_learn(struct trail *trail, const struct path *path, uint8_t flow, struct text *before);

/* How long the next trace should expect the path to be; 0 = unknown. */
uint8_t trail_expected(const struct trail *trail);

/* The addresses joined by " > ", "*" for a silent hop; of first..length. */
void trail_print(const struct trail *trail, uint8_t first, struct text *out);

/* One hash of several flows' paths, whatever their order; the paths that differ are counted in *distinct. */
uint32_t trail_hash_all(const struct trail *trails, unsigned n, unsigned *distinct);

#endif
