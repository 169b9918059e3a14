#include "qos/video.h"

#include <math.h>

/* v1..v12 of set 5, at their numbers. */
static const double v[13] = {0,       5.517, 0.0129, 3.459, 178.53, 1.02,  1.15,
			     3.55e-4, 0.114, 513.77, 0.736, -6.451, 13.684};

double video_quality(double bitrate_kbps, double frame_rate, double loss_percent)
{
	double best_rate = v[1] + v[2] * bitrate_kbps; /* Ofr: the frame rate that suits the bit rate */
	double best = v[3] - v[3] / (1 + pow(bitrate_kbps / v[4], v[5]));
	double width = v[6] + v[7] * bitrate_kbps;
	double away = log(frame_rate) - log(best_rate);
	double coding = best * exp(-away * away / (2 * width * width));
	double robustness = v[10] + v[11] * exp(-frame_rate / v[8]) + v[12] * exp(-bitrate_kbps / v[9]);

	return 1 + coding * exp(-loss_percent / robustness);
}
