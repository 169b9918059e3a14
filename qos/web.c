#include "qos/web.h"

#include <math.h>

double web_mos(double seconds, double max_seconds, enum web_task task)
{
	static const struct {
		double slope, offset;
	} tasks[] = {
		[WEB_ONE_PAGE] = {0.005, 0.24},
		[WEB_TWO_PAGES] = {0.011, 0.47},
		[WEB_ONE_EVENT] = {0.003, 0.12},
	};
	double min_seconds = tasks[task].slope * max_seconds + tasks[task].offset;

	if (seconds <= min_seconds)
		return 5;
	if (seconds >= max_seconds)
		return 1;
	return 5 + 4 * log(seconds / min_seconds) / log(min_seconds / max_seconds);
}

enum apdex apdex_of(double seconds, double threshold_seconds)
{
	if (seconds <= threshold_seconds)
		return APDEX_SATISFIED;
	return seconds <= 4 * threshold_seconds ? APDEX_TOLERATING : APDEX_FRUSTRATED;
}

double apdex_score(size_t satisfied, size_t tolerating, size_t total)
{
	return ((double)satisfied + (double)tolerating / 2) / (double)total;
}

const char *apdex_rating(double score)
{
	static const struct {
		double from;
		const char *name;
	} ratings[] = {{0.94, "excellent"}, {0.85, "good"}, {0.70, "fair"}, {0.50, "poor"}};

	for (size_t i = 0; i < sizeof(ratings) / sizeof(ratings[0]); i++)
		if (score >= ratings[i].from)
			return ratings[i].name;
	return "unacceptable";
}
