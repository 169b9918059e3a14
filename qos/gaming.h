/*
 * Cloud gaming: ITU-T G.1072 for 1080p at 60 frames a second, games of the highest class of video and interaction,
 * without loss. Its terms of frame loss are in doubt (public implementations differ in the logarithm), so there is no
 * score with loss. Pure.
 */
#ifndef NETSONDE_QOS_GAMING_H
#define NETSONDE_QOS_GAMING_H

/* The nominal game. */
#define GAMING_BITRATE_MBPS 20

/* R, 0..100. delay_ms: round trip, 0..400 by the Recommendation; beyond, the term of delay soon no longer grows. */
double gaming_rate(double bitrate_mbps, double delay_ms);

/* The term of delay alone, 0..68.98. */
double gaming_delay_impairment(double delay_ms);

/* 1.3..4.64. */
double gaming_mos(double r);

#endif
