/*
 * How packets were lost: how many, and how much in a row. Fed one packet at a time, in order of sequence. Pure.
 */
#ifndef NETSONDE_QOS_LOSS_H
#define NETSONDE_QOS_LOSS_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialise. Transitions between neighbours: [before][now], 1 = lost. */
struct loss {
	uint32_t n, lost;
	uint32_t runs; /* of lost packets; also the loss period (RFC 3357) of the last lost one */
	uint32_t transitions[2][2];
	uint32_t last_lost; /* its place, from 1; 0: none */
	uint32_t distance;  /* of the last lost packet to the one before it (RFC 3357); 0 for the first */
	bool is_last_lost;
};

void loss_add(struct loss *loss, bool is_lost);

/* Lost / sent; 0 of nothing. */
double loss_ratio(const struct loss *loss);

/* Mean length of a run of lost packets; 0 when none was lost. */
double loss_mean_run(const struct loss *loss);

/* BurstR of G.107: mean run / mean run under independent loss = mean run x (1 - loss ratio). 1 without loss; false when
 * all was lost, or nothing sent: then it is undefined. May be below 1: loss that is spread evenly. */
bool loss_burst_ratio(const struct loss *loss, double *ratio);

/* Fewer runs than these say nothing about their length. */
#define LOSS_RUNS_ENOUGH 10
/* What the E-model is to be given: 1 when there are too few runs, else the burst ratio within its range of 1..8. */
double loss_burst_ratio_of_score(const struct loss *loss);

/* The two-state chain (Gilbert): p from received to lost, q from lost to received. Each returns false when no
 * transition says anything about it. */
bool loss_gilbert_p(const struct loss *loss, double *p);
bool loss_gilbert_q(const struct loss *loss, double *q);

#endif
