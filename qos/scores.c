#include "qos/scores.h"

#include <math.h>
#include <string.h>

#include "qos/gaming.h"
#include "qos/tcp_rate.h"
#include "qos/web.h"

struct scores_inputs scores_no_inputs(void)
{
	return (struct scores_inputs){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
}

static double known_or(double value, double otherwise)
{
	return isnan(value) ? otherwise : value;
}

/* false: nothing is known of the delay. */
static bool find_path(const struct scores_inputs *inputs, struct score_path *path)
{
	path->is_mouth_to_ear = !isnan(inputs->one_way_ms);
	path->network_ms = known_or(inputs->one_way_ms, inputs->rtt_ms / 2);
	if (!path->is_mouth_to_ear)
		path->buffer_ms = known_or(inputs->buffer_ms, score_buffer_ms(known_or(inputs->jitter_ms, 0)));
	path->loss_percent = fmin(known_or(inputs->loss_percent, 0) + known_or(inputs->late_percent, 0), 100);
	path->burst_ratio = fmin(fmax(known_or(inputs->burst_ratio, 1), 1), 8);
	return !isnan(path->network_ms);
}

static void find_calls(const struct emodel_base *base, const struct codec *codec, const struct scores_inputs *inputs,
		       struct scores *scores)
{
	if (!find_path(inputs, &scores->path)) {
		scores->absent[SCORE_VOICE] = scores->absent[SCORE_VIDEO] = "the delay is not known";
		return;
	}
	if (score_voice(base, codec, &scores->path, &scores->voice))
		scores->points[SCORE_VOICE] = score_points_voice(codec, scores->voice.r);
	else
		scores->absent[SCORE_VOICE] = "nothing is published about this codec with loss (Bpl)";
	score_video(&base->model, &scores->path, known_or(inputs->throughput_bps, 0), &scores->video);
	scores->points[SCORE_VIDEO] = score_points_rate(scores->video.r);
}

/* Why there is no rate; NULL: there is one. */
static const char *find_rate(const struct scores_inputs *inputs, struct scores *scores)
{
	double loss = inputs->loss_percent / 100;

	if (!isnan(inputs->throughput_bps)) {
		scores->rate_bps = inputs->throughput_bps;
		return NULL;
	}
	scores->is_rate_estimated = true;
	if (isnan(inputs->rtt_ms) || isnan(loss))
		return "neither the throughput nor round-trip time and loss are known";
	if (inputs->rtt_ms <= 0)
		return "a round-trip time of 0 gives no estimate of the throughput";
	if (loss <= 0 && isnan(inputs->window_bytes))
		return "without loss there is no estimate of the throughput";
	scores->rate_bps = tcp_rate_pftk(inputs->rtt_ms / 1000, loss, known_or(inputs->window_bytes, 0));
	return NULL;
}

static void find_transfers(const struct scores_inputs *inputs, struct scores *scores)
{
	const char *why = find_rate(inputs, scores);

	scores->absent[SCORE_STREAMING] = scores->absent[SCORE_DATA] = why;
	if (why)
		return;
	scores->streaming = score_streaming(scores->rate_bps);
	scores->points[SCORE_STREAMING] = score_points_rung(scores->streaming);
	if (isnan(inputs->need_bps))
		scores->absent[SCORE_DATA] = "the need is not known";
	else
		scores->points[SCORE_DATA] = score_points_data(scores->rate_bps, inputs->need_bps);
}

static void find_gaming(const struct scores_inputs *inputs, struct scores *scores)
{
	if (isnan(inputs->rtt_ms)) {
		scores->absent[SCORE_GAMING] = "the round-trip time is not known";
		return;
	}
	if (known_or(inputs->loss_percent, 0) > 0) {
		scores->absent[SCORE_GAMING] = "how G.1072 counts loss is in doubt";
		return;
	}
	scores->gaming_r = gaming_rate(GAMING_BITRATE_MBPS, inputs->rtt_ms);
	scores->gaming_mos = gaming_mos(scores->gaming_r);
	scores->points[SCORE_GAMING] = score_points_rate(scores->gaming_r);
}

static void find_web(const struct scores_inputs *inputs, struct scores *scores)
{
	if (isnan(inputs->page_seconds)) {
		scores->absent[SCORE_WEB] = "the time of a page is not known";
		return;
	}
	scores->web_mos = web_mos(inputs->page_seconds, WEB_FAST_SECONDS, WEB_ONE_PAGE);
	scores->points[SCORE_WEB] = score_points_mos(scores->web_mos);
}

void scores_make(const struct emodel_base *base, const struct codec *codec, const struct scores_inputs *inputs,
		 struct scores *scores)
{
	memset(scores, 0, sizeof(*scores));
	find_calls(base, codec, inputs, scores);
	find_transfers(inputs, scores);
	find_gaming(inputs, scores);
	find_web(inputs, scores);
}
