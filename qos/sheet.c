#include "qos/sheet.h"

#include <math.h>
#include <string.h>

#include "qos/gaming.h"
#include "qos/tcp_rate.h"
#include "qos/web.h"

struct sheet_inputs sheet_no_inputs(void)
{
	return (struct sheet_inputs){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
}

static double known_or(double value, double otherwise)
{
	return isnan(value) ? otherwise : value;
}

/* false: nothing is known of the delay. */
static bool find_path(const struct sheet_inputs *inputs, struct score_path *path)
{
	path->is_mouth_to_ear = !isnan(inputs->one_way_ms);
	path->network_ms = known_or(inputs->one_way_ms, inputs->rtt_ms / 2);
	if (!path->is_mouth_to_ear)
		path->buffer_ms = known_or(inputs->buffer_ms, score_buffer_ms(known_or(inputs->jitter_ms, 0)));
	path->loss_percent = fmin(known_or(inputs->loss_percent, 0) + known_or(inputs->late_percent, 0), 100);
	path->burst_ratio = fmin(fmax(known_or(inputs->burst_ratio, 1), 1), 8);
	return !isnan(path->network_ms);
}

static void find_calls(const struct emodel_base *base, const struct codec *codec, const struct sheet_inputs *inputs,
		       struct sheet *sheet)
{
	if (!find_path(inputs, &sheet->path)) {
		sheet->absent[SCORE_VOICE] = sheet->absent[SCORE_VIDEO] = "the delay is not known";
		return;
	}
	if (score_voice(base, codec, &sheet->path, &sheet->voice))
		sheet->points[SCORE_VOICE] = score_points_voice(codec, sheet->voice.r);
	else
		sheet->absent[SCORE_VOICE] = "nothing is published about this codec with loss (Bpl)";
	score_video(&base->model, &sheet->path, known_or(inputs->throughput_bps, 0), &sheet->video);
	sheet->points[SCORE_VIDEO] = score_points_rate(sheet->video.r);
}

/* Why there is no rate; NULL: there is one. */
static const char *find_rate(const struct sheet_inputs *inputs, struct sheet *sheet)
{
	double loss = inputs->loss_percent / 100;

	if (!isnan(inputs->throughput_bps)) {
		sheet->rate_bps = inputs->throughput_bps;
		return NULL;
	}
	sheet->is_rate_estimated = true;
	if (isnan(inputs->rtt_ms) || isnan(loss))
		return "neither the throughput nor round-trip time and loss are known";
	if (inputs->rtt_ms <= 0)
		return "a round-trip time of 0 gives no estimate of the throughput";
	if (loss <= 0 && isnan(inputs->window_bytes))
		return "without loss there is no estimate of the throughput";
	sheet->rate_bps = tcp_rate_pftk(inputs->rtt_ms / 1000, loss, known_or(inputs->window_bytes, 0));
	return NULL;
}

static void find_transfers(const struct sheet_inputs *inputs, struct sheet *sheet)
{
	const char *why = find_rate(inputs, sheet);

	sheet->absent[SCORE_STREAMING] = sheet->absent[SCORE_DATA] = why;
	if (why)
		return;
	sheet->streaming = score_streaming(sheet->rate_bps);
	sheet->points[SCORE_STREAMING] = score_points_rung(sheet->streaming);
	if (isnan(inputs->need_bps))
		sheet->absent[SCORE_DATA] = "the need is not known";
	else
		sheet->points[SCORE_DATA] = score_points_data(sheet->rate_bps, inputs->need_bps);
}

static void find_gaming(const struct sheet_inputs *inputs, struct sheet *sheet)
{
	if (isnan(inputs->rtt_ms)) {
		sheet->absent[SCORE_GAMING] = "the round-trip time is not known";
		return;
	}
	if (known_or(inputs->loss_percent, 0) > 0) {
		sheet->absent[SCORE_GAMING] = "how G.1072 counts loss is in doubt";
		return;
	}
	sheet->gaming_r = gaming_rate(GAMING_BITRATE_MBPS, inputs->rtt_ms);
	sheet->gaming_mos = gaming_mos(sheet->gaming_r);
	sheet->points[SCORE_GAMING] = score_points_rate(sheet->gaming_r);
}

static void find_web(const struct sheet_inputs *inputs, struct sheet *sheet)
{
	if (isnan(inputs->page_seconds)) {
		sheet->absent[SCORE_WEB] = "the time of a page is not known";
		return;
	}
	sheet->web_mos = web_mos(inputs->page_seconds, WEB_FAST_SECONDS, WEB_ONE_PAGE);
	sheet->points[SCORE_WEB] = score_points_mos(sheet->web_mos);
}

void sheet_make(const struct emodel_base *base, const struct codec *codec, const struct sheet_inputs *inputs,
		struct sheet *sheet)
{
	memset(sheet, 0, sizeof(*sheet));
	find_calls(base, codec, inputs, sheet);
	find_transfers(inputs, sheet);
	find_gaming(inputs, sheet);
	find_web(inputs, sheet);
}
