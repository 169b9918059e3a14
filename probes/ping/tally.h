/*
 * The figures of one run of echo requests to one address. Pure.
 */
#ifndef NETSONDE_PROBES_PING_TALLY_H
#define NETSONDE_PROBES_PING_TALLY_H

#include <stdbool.h>
#include <stdint.h>

/* Of one run. Zero-initialise. Round-trip times in nanoseconds; mean and deviation by Welford's method. */
struct tally {
	uint32_t sent;     /* the kernel took it */
	uint32_t received; /* answered in time, once each */
	uint32_t failed;   /* ended by an ICMP error */
	uint32_t unsent;   /* never left: not the network's fault */
	uint32_t lost_locally;
	uint32_t measured; /* received with a round-trip time */
	int64_t min_ns, max_ns, sum_ns;
	double mean_ns, squares; /* squares: sum of squared differences from the mean */
};

/* One round-trip time. */
void tally_add_rtt(struct tally *tally, int64_t rtt_ns);

/* b is added to a, as if all had been counted in one. */
void tally_merge(struct tally *a, const struct tally *b);

/* Average, rounded to the nanosecond; 0 without measurements. */
int64_t tally_average_ns(const struct tally *tally);

/* Population standard deviation, as ping's mdev. */
int64_t tally_deviation_ns(const struct tally *tally);

/* Lost / sent, 0..1. What was lost in our own socket buffer counts neither way. Negative when nothing can be said. */
double tally_loss_ratio(const struct tally *tally);

/* RFC 3550 6.4.1 and A.8 over round-trip times, in order of arrival: J += (|D| - J) / 16. Carried across runs. */
struct jitter {
	int64_t last_rtt_ns; /* 0 = none yet; negated while it is the only one */
	double jitter_ns;
};
void jitter_add_rtt(struct jitter *jitter, int64_t rtt_ns);

/* Without a difference there is no jitter. */
static inline bool jitter_is_known(const struct jitter *jitter)
{
	return jitter->last_rtt_ns > 0;
}

#endif
