#include "probes/ping/tally.h"

#include <math.h>
#include <stdlib.h>

void tally_add_rtt(struct tally *tally, int64_t rtt_ns)
{
	tally->measured++;
	if (tally->measured == 1 || rtt_ns < tally->min_ns)
		tally->min_ns = rtt_ns;
	if (rtt_ns > tally->max_ns)
		tally->max_ns = rtt_ns;
	tally->sum_ns += rtt_ns;
	double difference = (double)rtt_ns - tally->mean_ns;
	tally->mean_ns += difference / tally->measured;
	tally->squares += difference * ((double)rtt_ns - tally->mean_ns);
}

/* The times of b are joined by the parallel form of Welford's method (Chan, Golub, LeVeque 1979). */
static void merge_times(struct tally *a, const struct tally *b)
{
	double n = (double)a->measured + b->measured;
	double difference = b->mean_ns - a->mean_ns;
	if (!a->measured || b->min_ns < a->min_ns)
		a->min_ns = b->min_ns;
	if (b->max_ns > a->max_ns)
		a->max_ns = b->max_ns;
	a->squares += b->squares + difference * difference * a->measured * b->measured / n;
	a->mean_ns += difference * b->measured / n;
	a->sum_ns += b->sum_ns;
	a->measured += b->measured;
}

void tally_merge(struct tally *a, const struct tally *b)
{
	a->sent += b->sent;
	a->received += b->received;
	a->failed += b->failed;
	a->unsent += b->unsent;
	a->lost_locally += b->lost_locally;
	if (b->measured)
		merge_times(a, b);
}

int64_t tally_average_ns(const struct tally *tally)
{
	return tally->measured ? (tally->sum_ns + tally->measured / 2) / tally->measured : 0;
}

int64_t tally_deviation_ns(const struct tally *tally)
{
	return tally->measured ? (int64_t)llround(sqrt(tally->squares / tally->measured)) : 0;
}

double tally_loss_ratio(const struct tally *tally)
{
	int64_t judged = (int64_t)tally->sent - tally->lost_locally;
	if (judged <= 0)
		return -1;
	int64_t lost = judged - tally->received;
	return lost > 0 ? (double)lost / (double)judged : 0;
}

void jitter_add_rtt(struct jitter *jitter, int64_t rtt_ns)
{
	if (!jitter->last_rtt_ns) {
		jitter->last_rtt_ns = -rtt_ns;
		return;
	}
	double difference = fabs((double)(rtt_ns - llabs(jitter->last_rtt_ns)));
	jitter->jitter_ns += (difference - jitter->jitter_ns) / 16;
	jitter->last_rtt_ns = rtt_ns;
}
