#include "qos/aim.h"

#include <stddef.h>

#define BINS 6

/* A value equal to a threshold falls into the bin behind it. */
struct scale {
	double thresholds[BINS - 1];
	size_t n; /* thresholds */
	int points[BINS];
};

static const struct scale latency_scale = {{10, 20, 50, 100, 500}, 5, {20, 10, 5, 0, -10, -20}};
static const struct scale loss_scale = {{0.01, 0.05, 0.25, 0.5}, 4, {10, 5, 0, -10, -20}};
static const struct scale jitter_scale = {{10, 20, 100, 500}, 4, {10, 5, 0, -10, -20}};
static const struct scale download_scale = {{1e6, 10e6, 50e6, 100e6}, 4, {0, 5, 10, 20, 30}};

static int points_of(const struct scale *scale, double value)
{
	size_t bin = 0;

	while (bin < scale->n && value >= scale->thresholds[bin])
		bin++;
	return scale->points[bin];
}

/* false: not measured. */
static bool add(const struct scale *scale, double value, int *sum)
{
	if (value < 0)
		return false;
	*sum += points_of(scale, value);
	return true;
}

static const char *class_of(enum aim_use use, int points)
{
	static const int cuts[AIM_USES][4] = {
		[AIM_STREAMING] = {15, 20, 40, 60},
		[AIM_GAMING] = {5, 15, 25, 30},
		[AIM_RTC] = {5, 15, 25, 40},
	};
	static const char *const names[] = {"bad", "poor", "average", "good", "great"};
	size_t i = 0;

	while (i < 4 && points >= cuts[use][i])
		i++;
	return names[i];
}

bool aim_score(const struct aim_inputs *inputs, enum aim_use use, int *points, const char **class)
{
	int sum = 0;

	if (!add(&latency_scale, inputs->latency_ms, &sum) || !add(&latency_scale, inputs->loaded_increase_ms, &sum))
		return false;
	if (use == AIM_STREAMING && !add(&download_scale, inputs->download_bps, &sum))
		return false;
	if (use == AIM_RTC && !add(&jitter_scale, inputs->jitter_ms, &sum))
		return false;
	add(&loss_scale, inputs->loss_ratio, &sum);
	*points = sum < 0 ? 0 : sum;
	*class = class_of(use, *points);
	return true;
}
