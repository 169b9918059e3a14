#include "qos/tcp_rate.h"

#include <math.h>

#define SEGMENT_BITS (8.0 * TCP_RATE_SEGMENT_BYTES)

double tcp_rate_mathis(double rtt_seconds, double loss, double c)
{
	return SEGMENT_BITS / rtt_seconds * c / sqrt(loss);
}

double tcp_rate_pftk(double rtt_seconds, double loss, double window_bytes)
{
	const double b = 2;
	double timeout = fmax(0.2, 4 * rtt_seconds);
	double ceiling = window_bytes > 0 ? 8 * window_bytes / rtt_seconds : INFINITY;
	double seconds = rtt_seconds * sqrt(2 * b * loss / 3) +
			 timeout * fmin(1, 3 * sqrt(3 * b * loss / 8)) * loss * (1 + 32 * loss * loss);

	return fmin(ceiling, SEGMENT_BITS / seconds);
}

double tcp_rate_tfrc(double rtt_seconds, double loss)
{
	double seconds = rtt_seconds * sqrt(2 * loss / 3) +
			 4 * rtt_seconds * 3 * sqrt(3 * loss / 8) * loss * (1 + 32 * loss * loss);

	return SEGMENT_BITS / seconds;
}
