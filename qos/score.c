#include "qos/score.h"

#include <math.h>
#include <stddef.h>

#include "qos/video.h"

const char *score_use_name(enum score_use use)
{
	static const char *const names[SCORE_USES] = {"voice", "video", "streaming", "gaming", "web", "data"};

	return names[use];
}

double score_buffer_ms(double jitter_ms)
{
	return fmin(fmax(2 * jitter_ms, SCORE_BUFFER_MIN_MS), SCORE_BUFFER_MAX_MS);
}

bool score_voice(const struct emodel_base *base, const struct codec *codec, const struct score_path *path,
		 struct score_voice *out)
{
	double codec_ms = path->is_mouth_to_ear ? 0 : codec->delay_ms;
	struct emodel_call call = emodel_call_of(path->network_ms + path->buffer_ms + codec_ms);
	double scale = codec->scale == CODEC_WIDEBAND ? EMODEL_SCALE_WIDEBAND : 1;

	if (!codec_is_computable(codec, path->loss_percent))
		return false;
	call.ie = codec->ie;
	call.bpl = codec->bpl;
	call.loss_percent = path->loss_percent;
	call.burst_ratio = codec->scale == CODEC_WIDEBAND ? 1 : path->burst_ratio;
	out->one_way_ms = call.ta_ms;
	out->ie_eff = emodel_equipment_impairment(&call);
	out->r = codec->scale == CODEC_WIDEBAND ? emodel_rate_wideband(&base->model, &call)
						: emodel_rate(base, &call, NULL);
	out->mos = emodel_mos(out->r / scale);
	out->band = codec->scale == CODEC_WIDEBAND ? NULL : emodel_band(out->r);
	return true;
}

void score_video(const struct emodel *model, const struct score_path *path, double bitrate_bps, struct score_video *out)
{
	double kbps = bitrate_bps / 1000;

	out->bitrate_kbps = kbps > 0 && kbps < VIDEO_BITRATE_KBPS ? kbps : VIDEO_BITRATE_KBPS;
	out->vq = video_quality(out->bitrate_kbps, VIDEO_FRAME_RATE, path->loss_percent);
	out->r = emodel_rate_of_mos(out->vq) - emodel_delay_impairment(model, path->network_ms + path->buffer_ms);
	out->mos = emodel_mos(out->r);
}

/* --- streaming --------------------------------------------------------------------------------------------------- */

static const struct {
	double from_bps;
	const char *name;
} rungs[] = {{0, "below 480p"}, {1e6, "480p"}, {3e6, "720p"}, {5e6, "1080p"}, {15e6, "2160p"}};

int score_streaming(double bitrate_bps)
{
	int score = 1;

	while (score < 5 && bitrate_bps >= rungs[score].from_bps)
		score++;
	return score;
}

const char *score_streaming_rung(int score)
{
	return rungs[score - 1].name;
}

/* --- points ------------------------------------------------------------------------------------------------------ */

double score_points_rate(double r)
{
	return fmin(fmax(r, 0), 100);
}

double score_points_voice(const struct codec *codec, double r)
{
	return score_points_rate(codec->scale == CODEC_WIDEBAND ? r / EMODEL_SCALE_WIDEBAND : r);
}

double score_points_rung(int score)
{
	return 25.0 * (score - 1);
}

double score_points_mos(double mos)
{
	return score_points_rate(25 * (mos - 1));
}

double score_points_data(double bitrate_bps, double need_bps)
{
	return fmin(1, bitrate_bps / need_bps) * 100;
}
