/*
 * All scores of one path, from whatever is known of it. Pure.
 */
#ifndef NETSONDE_QOS_SCORES_H
#define NETSONDE_QOS_SCORES_H

#include <stdbool.h>

#include "qos/score.h"

/* NAN: not known. */
struct scores_inputs {
	double rtt_ms;         /* of the network */
	double one_way_ms;     /* mouth to ear, instead of rtt_ms */
	double jitter_ms;      /* RFC 3550: sizes the de-jitter buffer unless that is known */
	double buffer_ms;      /* of the de-jitter buffer */
	double loss_percent;   /* not known: taken as none, but no estimate of a TCP rate is made of it */
	double late_percent;   /* packets that come too late for the buffer */
	double burst_ratio;    /* not known: 1; used within 1..8 */
	double throughput_bps; /* measured */
	double window_bytes;   /* of a TCP receiver: the ceiling where no loss was seen */
	double need_bps;       /* of the data score */
	double page_seconds;
};

/* Everything not known. */
struct scores_inputs scores_no_inputs(void);

struct scores {
	const char *absent[SCORE_USES]; /* why there is no such score; NULL: there is one */
	double points[SCORE_USES];      /* 0..100; valid where there is a score */
	struct score_path path;         /* as voice and video saw it */
	struct score_voice voice;
	struct score_video video;
	double rate_bps; /* of streaming and data: measured, or the PFTK ceiling */
	bool is_rate_estimated;
	int streaming;
	double gaming_r, gaming_mos;
	double web_mos;
};

void scores_make(const struct emodel_base *base, const struct codec *codec, const struct scores_inputs *inputs,
		 struct scores *scores);

#endif
