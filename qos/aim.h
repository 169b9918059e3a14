/*
 * Aggregated Internet Measurement, as Cloudflare's speed test computes it: points for latency under load, loss and
 * rate. Needs a load test. Pure.
 */
#ifndef NETSONDE_QOS_AIM_H
#define NETSONDE_QOS_AIM_H

#include <stdbool.h>

/* Negative: not measured. */
struct aim_inputs {
	double latency_ms, jitter_ms;
	double loss_ratio;
	double loaded_increase_ms; /* latency under load minus idle */
	double download_bps;
};

enum aim_use { AIM_STREAMING, AIM_GAMING, AIM_RTC, AIM_USES };

/* Points, not below 0, and the class: "bad", "poor", "average", "good", "great". False when an input of this use is
 * missing; loss that was not measured counts no points. */
bool aim_score(const struct aim_inputs *inputs, enum aim_use use, int *points, const char **class);

#endif
