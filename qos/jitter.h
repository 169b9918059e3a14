/*
 * How delays vary: RFC 3550 (interarrival jitter), RFC 3393 (IPDV), RFC 5481 (PDV). The unit is the caller's. Delays
 * may be round-trip times: then both directions are in the figures. Pure.
 */
#ifndef NETSONDE_QOS_JITTER_H
#define NETSONDE_QOS_JITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* J += (|D| - J) / 16, in order of arrival; starts at 0. Zero-initialise. */
struct interarrival {
	double last, jitter;
	bool has_last, is_known; /* known: there was a difference */
};

void interarrival_add(struct interarrival *interarrival, double delay);

/* Differences of the delays of neighbours by sequence. Zero-initialise. A lost packet breaks the chain: the gap is not
 * bridged. */
struct ipdv {
	double last;
	bool has_last;
	uint32_t n; /* pairs */
	double sum, sum_abs, max_abs;
};

void ipdv_add(struct ipdv *ipdv, double delay);
void ipdv_add_lost(struct ipdv *ipdv);

/* Means over the pairs; 0 when there is none. */
double ipdv_mean(const struct ipdv *ipdv);
double ipdv_mean_abs(const struct ipdv *ipdv);

/* Where the quantile q (0..1) of n > 0 sorted values is: the smallest index with at least q of the values up to it. PDV
 * is sorted[index] - sorted[0]. */
size_t quantile_index(size_t n, double q);

/* In place, rising. */
void sort_codes(uint32_t *codes, size_t n);

#endif
