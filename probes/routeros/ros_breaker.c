#include "probes/routeros/ros_breaker.h"

const char *ros_breaker_state_name(enum ros_breaker_state state)
{
	static const char *const names[] = {"closed", "half_open", "open"};
	return names[state];
}

void ros_breaker_begin(struct ros_breaker *breaker)
{
	breaker->retry_ns = 0;
	if (breaker->state == ROS_BREAKER_OPEN)
		breaker->state = ROS_BREAKER_HALF_OPEN;
}

/* The pause after so many failures, without jitter. */
static int64_t pause_of(const struct ros_breaker *breaker)
{
	int64_t pause_ns = breaker->pause_min_ns;
	for (int64_t i = 1; i < breaker->failures && pause_ns < breaker->pause_max_ns; i++)
		pause_ns = pause_ns > breaker->pause_max_ns / 2 ? breaker->pause_max_ns : pause_ns * 2;
	return pause_ns < breaker->pause_max_ns ? pause_ns : breaker->pause_max_ns;
}

/* Between half of it and all of it: thousands of routers that were lost together are not tried together. */
static int64_t jitter(int64_t pause_ns, uint32_t random)
{
	return pause_ns - (int64_t)((double)pause_ns / 2 * ((double)random / 4294967296.0));
}

void ros_breaker_fail(struct ros_breaker *breaker, int64_t now_ns, bool is_final, uint32_t random)
{
	if (breaker->failures < INT64_MAX)
		breaker->failures++;
	if (is_final || breaker->state != ROS_BREAKER_CLOSED || breaker->failures >= breaker->failures_max)
		breaker->state = ROS_BREAKER_OPEN;
	int64_t pause_ns = breaker->state == ROS_BREAKER_OPEN ? breaker->open_pause_ns : pause_of(breaker);
	breaker->retry_ns = now_ns + jitter(pause_ns, random);
}

void ros_breaker_succeed(struct ros_breaker *breaker)
{
	breaker->state = ROS_BREAKER_CLOSED;
	breaker->retry_ns = 0;
}

void ros_breaker_settle(struct ros_breaker *breaker, int64_t up_ns)
{
	if (up_ns >= breaker->pause_max_ns)
		breaker->failures = 0;
}
