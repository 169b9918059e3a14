/*
 * From figures of a path to what people make of it: a voice call, a video call, a film, a game, a page, a transfer of
 * data. Each has a scale of its own, and all are mapped to 0..100. What the inputs do not allow is absent. Pure.
 */
#ifndef NETSONDE_QOS_SCORE_H
#define NETSONDE_QOS_SCORE_H

#include <stdbool.h>

#include "qos/codec.h"
#include "qos/emodel.h"

enum score_use { SCORE_VOICE, SCORE_VIDEO, SCORE_STREAMING, SCORE_GAMING, SCORE_WEB, SCORE_DATA, SCORE_USES };

/* "voice", "video", "streaming", "gaming", "web", "data" */
const char *score_use_name(enum score_use use);

/* A path as a call finds it. */
struct score_path {
	double network_ms;    /* one way; of a round-trip time, half of it */
	bool is_mouth_to_ear; /* network_ms is all that there is: the codec's delay is in it */
	double buffer_ms;     /* de-jitter buffer */
	double loss_percent;  /* with what comes too late for the buffer */
	double burst_ratio;   /* 1..8 */
};

/* The buffer when no more than the RFC 3550 jitter is known: 2 J, 20..200 ms. A rule of planning, not of a standard. */
#define SCORE_BUFFER_MIN_MS 20
#define SCORE_BUFFER_MAX_MS 200
double score_buffer_ms(double jitter_ms);

/* What the codec makes of the path, and what is heard. */
struct score_voice {
	double one_way_ms; /* mouth to ear: network, buffer, codec */
	double ie_eff;
	double r, mos;    /* on the codec's scale */
	const char *band; /* G.109; NULL for wideband, which it does not know */
};

/* false: nothing is published about this codec with loss. */
bool score_voice(const struct emodel_base *base, const struct codec *codec, const struct score_path *path,
		 struct score_voice *out);

struct score_video {
	double bitrate_kbps;
	double vq; /* G.1070 */
	double r, mos;
};

/* Vq at 30 frames a second, on the scale of R, less what the delay takes (Idd of G.107), back to MOS. Both halves are
 * published; to put them together so is ours. bitrate_bps: measured, 0 = not: up to 2 Mbit/s are used. */
void score_video(const struct emodel *model, const struct score_path *path, double bitrate_bps,
		 struct score_video *out);

/* The best rung of the ladder of bit rates: 5 (15 Mbit/s and more: 2160p), 4 (5: 1080p), 3 (3: 720p), 2 (1: 480p), 1.
 */
int score_streaming(double bitrate_bps);
const char *score_streaming_rung(int score);

/* Each scale on 0..100: R by its scale; 25 points a rung, or a step of MOS. */
double score_points_voice(const struct codec *codec, double r);
double score_points_rate(double r);
double score_points_rung(int score);
double score_points_mos(double mos);
/* What the rate is compared with unless something else is asked for: 10 Mbit/s. */
#define SCORE_NEED_BPS 10e6
double score_points_data(double bitrate_bps, double need_bps);

#endif
