/*
 * Quality of the picture of a video call: Vq of ITU-T G.1070, coefficient set 5 (H.264, VGA, 9.2 inches). It models
 * video without repair (no FEC, no retransmission), so it is pessimistic for WebRTC. Pure.
 */
#ifndef NETSONDE_QOS_VIDEO_H
#define NETSONDE_QOS_VIDEO_H

/* The nominal call. */
#define VIDEO_FRAME_RATE   30
#define VIDEO_BITRATE_KBPS 2000

/* 1..4.5, as a MOS. */
double video_quality(double bitrate_kbps, double frame_rate, double loss_percent);

#endif
