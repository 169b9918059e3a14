#include "qos/loss.h"

#include <math.h>

void loss_add(struct loss *loss, bool is_lost)
{
	if (loss->n > 0)
		loss->transitions[loss->is_last_lost][is_lost]++;
	loss->n++;
	if (is_lost) {
		loss->lost++;
		loss->runs += !loss->is_last_lost;
		loss->distance = loss->last_lost > 0 ? loss->n - loss->last_lost : 0;
		loss->last_lost = loss->n;
	}
	loss->is_last_lost = is_lost;
}

double loss_ratio(const struct loss *loss)
{
	return loss->n > 0 ? (double)loss->lost / loss->n : 0;
}

double loss_mean_run(const struct loss *loss)
{
	return loss->runs > 0 ? (double)loss->lost / loss->runs : 0;
}

bool loss_burst_ratio(const struct loss *loss, double *ratio)
{
	if (loss->lost >= loss->n)
		return false;
	*ratio = loss->lost > 0 ? loss_mean_run(loss) * (1 - loss_ratio(loss)) : 1;
	return true;
}

double loss_burst_ratio_of_score(const struct loss *loss)
{
	double ratio;

	if (loss->runs < LOSS_RUNS_ENOUGH || !loss_burst_ratio(loss, &ratio))
		return 1;
	return fmin(fmax(ratio, 1), 8);
}

/* The part of the transitions out of a state that change it. */
static bool leaving(const uint32_t out[2], unsigned to, double *part)
{
	uint32_t n = out[0] + out[1];

	if (n == 0)
		return false;
	*part = (double)out[to] / n;
	return true;
}

bool loss_gilbert_p(const struct loss *loss, double *p)
{
	return leaving(loss->transitions[0], 1, p);
}

bool loss_gilbert_q(const struct loss *loss, double *q)
{
	return leaving(loss->transitions[1], 0, q);
}
