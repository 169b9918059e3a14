#include "daemon/pace.h"

#include "core/clock.h"

struct pace pace_make(unsigned rate, unsigned burst)
{
	int64_t gap_ns = NS_PER_SECOND / rate;

	return (struct pace){gap_ns, gap_ns * (burst - 1), INT64_MIN};
}

bool pace_allows(const struct pace *pace, int64_t now_ns)
{
	return pace->free_ns <= now_ns || pace->free_ns - now_ns <= pace->burst_ns;
}

void pace_take(struct pace *pace, int64_t now_ns)
{
	pace->free_ns = (pace->free_ns > now_ns ? pace->free_ns : now_ns) + pace->gap_ns;
}
