/*
 * What many runs of a traceroute found out, hop by hop: the rows of their samples (sets traceroute, traceroute_hop)
 * added up. Knows the sets by the names of their measures only. Pure.
 */
#ifndef NETSONDE_DAEMON_TRACE_SUMMARY_H
#define NETSONDE_DAEMON_TRACE_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"

#define TRACE_SUMMARY_HOPS      64
#define TRACE_SUMMARY_FLOWS     16
#define TRACE_SUMMARY_NODES     16 /* addresses kept of one hop */
#define TRACE_SUMMARY_NAME_SIZE 256
#define TRACE_SUMMARY_MPLS_SIZE 192
#define TRACE_SUMMARY_TEXT_SIZE 64

/* Somebody who answered at a hop. */
struct trace_node {
	char address[TRACE_SUMMARY_TEXT_SIZE];
	char name[TRACE_SUMMARY_NAME_SIZE]; /* the last one told; "" = none */
	char mpls[TRACE_SUMMARY_MPLS_SIZE]; /* "label/class/bottom/ttl" joined by blanks; "" = none */
	double answers;                     /* of several addresses in one run each has its part */
};

/* The packets of one flow to one hop. */
struct trace_flow_figures {
	uint64_t sent, received;
	uint64_t sent_before, received_before; /* counted by the probe when it was looked at last */
	double last;                           /* time of the last run with an answer, in seconds; 0 = none */
};

/* Times in seconds. A run counts with the average of its answers. */
struct trace_times {
	uint64_t n;           /* answers */
	uint64_t differences; /* in jitter */
	double last, best, worst, mean;
	double squares; /* sum of the squared distances to the mean */
	double jitter;  /* sum of the distances of one run to the next of the same flow */
};

struct trace_hop {
	struct trace_flow_figures flows[TRACE_SUMMARY_FLOWS];
	struct trace_times times; /* all flows together */
	size_t nnodes;
	struct trace_node nodes[TRACE_SUMMARY_NODES]; /* first seen comes first */
	char reply[TRACE_SUMMARY_TEXT_SIZE];          /* of the last answer */
};

struct trace_summary {
	struct trace_hop *hops; /* TRACE_SUMMARY_HOPS of them, by hop - 1 */
	unsigned nhops;         /* that the path has by the last run */
	unsigned first_hop;     /* the first that was ever asked; 0 = none yet */
	unsigned nflows;
	uint64_t runs, reached;
	uint64_t changes;        /* of the path */
	uint64_t changes_before; /* counted by the probe when it was looked at last */
	enum reason reason;      /* of the last run; the others of it as well */
	char end[TRACE_SUMMARY_TEXT_SIZE];
	char address[TRACE_SUMMARY_TEXT_SIZE]; /* the target's; "" = not known */
	unsigned hop_count;                    /* up to the target, or to the last that answered */
	unsigned paths;                        /* different ones over the flows; 0 = not told */
	unsigned nat_hop, mtu_hop, loop_hop;   /* 0 = none */
	int64_t mtu_bytes;                     /* 0 = not looked for */
	bool is_black_hole;
	int64_t begun_realtime_ns; /* of the first run since the reset */
	int64_t took_ns;           /* all runs together */
};

void trace_summary_prepare(struct trace_summary *summary);
void trace_summary_free(struct trace_summary *summary); /* what it has, not the struct */

/* Forgets what was found so far, not what the probe had counted by then. */
void trace_summary_reset(struct trace_summary *summary);

/* One more run. */
void trace_summary_add(struct trace_summary *summary, const struct sample *sample);

/* --- what follows from it; hop from 1 ----------------------------------------------------------------------------- */

struct trace_counts {
	uint64_t sent, received;
	double loss;    /* 0..1; 0 when nothing was sent */
	double forward; /* the part of it that goes on to the end: the smallest loss of this and all farther hops that
			 * answered, flow by flow. A hop that merely limits its answers has none */
};
struct trace_counts trace_summary_counts(const struct trace_summary *summary, unsigned hop);

double trace_times_deviation(const struct trace_times *times);
double trace_times_jitter(const struct trace_times *times);

/* Does the hop leave questions unanswered that got through? */
bool trace_counts_are_limited(const struct trace_counts *counts);

/* The hop before which the shortest time rises most, compared with the nearest hop before it that answered, or with
 * this host; the time of a hop is the shortest of it and all farther ones. 0 = nobody answered; step in seconds. */
unsigned trace_summary_bottleneck(const struct trace_summary *summary, double *step);

#endif
