#include "qos/gaming.h"

#include <math.h>

#define FRAME_RATE 60.0
#define PIXELS     (1920.0 * 1080.0)

static double clamp(double value, double low, double high)
{
	return fmin(fmax(value, low), high);
}

double gaming_delay_impairment(double delay_ms)
{
	return clamp(90 / (1 + exp(1.191 - 0.009775 * delay_ms)) - 18.73, 0, 68.98);
}

/* I_cod: what coding takes, by bits per pixel (G.1071 refitted, class high). */
static double coding_impairment(double bitrate_mbps)
{
	double bits_per_pixel = bitrate_mbps * 1e6 / (PIXELS * FRAME_RATE);
	double complexity = 7.62306351 * exp(-167.837954 * bits_per_pixel) + 0.0760332685;

	return clamp(47.7463038 * exp(-12.0699723 * bits_per_pixel) + 9.05167501 * complexity + 3.41919377, 0, 65);
}

/* I_tvq and I_ipq: what the frame rate takes from the picture and from the input, without lost frames. */
static double picture_impairment(void)
{
	return clamp(47.03 + 0.01747 * FRAME_RATE * FRAME_RATE - 1.823 * FRAME_RATE, 0, 61.29);
}

static double input_impairment(void)
{
	return clamp(54.71 + 0.02589 * FRAME_RATE * FRAME_RATE - 2.485 * FRAME_RATE, 0, 68.98);
}

double gaming_rate(double bitrate_mbps, double delay_ms)
{
	double r = 100 - 0.788 * coding_impairment(bitrate_mbps) - 0.227 * picture_impairment() -
		   0.625 * input_impairment() - 0.848 * gaming_delay_impairment(delay_ms);

	return clamp(r, 0, 100);
}

double gaming_mos(double r)
{
	return clamp(1.3 + 3.34 * r / 100 + r * (r - 60) * (100 - r) * 7e-6, 1.3, 4.64);
}
