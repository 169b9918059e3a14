/*
 * Speech codecs: what is published about them (ITU-T G.113 and others), and nothing else. What nobody has published is
 * absent, so that no score is made of a guess. Pure.
 */
#ifndef NETSONDE_QOS_CODEC_H
#define NETSONDE_QOS_CODEC_H

#include <stdbool.h>
#include <stddef.h>

enum codec_scale {
	CODEC_NARROWBAND, /* R of G.107, 0..100 */
	CODEC_WIDEBAND,   /* R,WB of G.107.1, 0..129: another scale of MOS */
};

struct codec {
	const char *name;      /* as in the configuration: "g711-plc" */
	const char *full_name; /* "G.711 with packet loss concealment (Appendix I)" */
	enum codec_scale scale;
	double ie;
	double bpl;       /* 0: none is published: with loss its impairment cannot be computed */
	double delay_ms;  /* packetisation and look-ahead */
	bool is_research; /* of a paper, not of a Recommendation */
	const char *source;
};

extern const struct codec codec_table[];
extern const size_t codec_table_n;

/* NULL: there is none of this name. */
const struct codec *codec_find(const char *name);

/* The known name that comes nearest, or NULL. */
const char *codec_nearest(const char *name);

/* Can its impairment be computed with this loss? */
bool codec_is_computable(const struct codec *codec, double loss_percent);

#endif
