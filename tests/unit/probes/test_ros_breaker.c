#include <criterion/criterion.h>

#include "core/clock.h"
#include "probes/routeros/ros_breaker.h"

#define SECOND NS_PER_SECOND

static struct ros_breaker make(void)
{
	return (struct ros_breaker){
		.pause_min_ns = SECOND, .pause_max_ns = 30 * SECOND, .open_pause_ns = 60 * SECOND, .failures_max = 8};
}

Test(ros_breaker, pauses_double_up_to_a_ceiling)
{
	static const int64_t pauses[] = {1, 2, 4, 8, 16, 30, 30, 60, 60};
	struct ros_breaker breaker = make();
	for (size_t i = 0; i < sizeof(pauses) / sizeof(*pauses); i++) {
		ros_breaker_begin(&breaker);
		cr_assert_eq(breaker.retry_ns, 0);
		ros_breaker_fail(&breaker, 100 * SECOND, false, 0);
		cr_assert_eq(breaker.retry_ns, (100 + pauses[i]) * SECOND, "after %zu failures", i + 1);
		cr_assert_eq(breaker.state, i < 7 ? ROS_BREAKER_CLOSED : ROS_BREAKER_OPEN);
	}
}

Test(ros_breaker, half_of_a_pause_is_left_off_at_most)
{
	for (uint64_t random = 0; random <= UINT32_MAX; random += 12345679) {
		struct ros_breaker breaker = make();
		ros_breaker_fail(&breaker, 0, false, (uint32_t)random);
		cr_assert(breaker.retry_ns >= SECOND / 2 && breaker.retry_ns <= SECOND);
	}
	struct ros_breaker breaker = make();
	ros_breaker_fail(&breaker, 0, false, UINT32_MAX);
	cr_assert(breaker.retry_ns >= SECOND / 2 && breaker.retry_ns < SECOND / 2 + 10);
}

Test(ros_breaker, a_final_failure_opens_it_at_once)
{
	struct ros_breaker breaker = make();
	ros_breaker_begin(&breaker);
	ros_breaker_fail(&breaker, 0, true, 0);
	cr_assert_eq(breaker.state, ROS_BREAKER_OPEN);
	cr_assert_eq(breaker.retry_ns, 60 * SECOND);
}

Test(ros_breaker, half_open_decides)
{
	struct ros_breaker breaker = make();
	ros_breaker_fail(&breaker, 0, true, 0);
	ros_breaker_begin(&breaker);
	cr_assert_eq(breaker.state, ROS_BREAKER_HALF_OPEN);
	ros_breaker_fail(&breaker, 0, false, 0);
	cr_assert_eq(breaker.state, ROS_BREAKER_OPEN);
	ros_breaker_begin(&breaker);
	ros_breaker_succeed(&breaker);
	cr_assert_eq(breaker.state, ROS_BREAKER_CLOSED);
	cr_assert_eq(breaker.retry_ns, 0);
}

Test(ros_breaker, only_a_connection_that_lasts_makes_failures_forgotten)
{
	struct ros_breaker breaker = make();
	for (int i = 0; i < 3; i++)
		ros_breaker_fail(&breaker, 0, false, 0);
	ros_breaker_succeed(&breaker);
	ros_breaker_settle(&breaker, 30 * SECOND - 1);
	ros_breaker_fail(&breaker, 0, false, 0);
	cr_assert_eq(breaker.retry_ns, 8 * SECOND);
	ros_breaker_settle(&breaker, 30 * SECOND);
	ros_breaker_fail(&breaker, 0, false, 0);
	cr_assert_eq(breaker.retry_ns, SECOND);
}

Test(ros_breaker, odd_settings_do_no_harm)
{
	struct ros_breaker breaker = {.pause_min_ns = 86400 * SECOND,
				      .pause_max_ns = 86400 * SECOND,
				      .open_pause_ns = 1,
				      .failures_max = INT64_MAX,
				      .failures = INT64_MAX - 1};
	ros_breaker_fail(&breaker, 0, false, 0);
	cr_assert_eq(breaker.state, ROS_BREAKER_OPEN);
	ros_breaker_fail(&breaker, 0, false, 0);
	cr_assert_eq(breaker.failures, INT64_MAX);
	cr_assert_eq(breaker.retry_ns, 1);
}

Test(ros_breaker, states_have_names)
{
	cr_assert_str_eq(ros_breaker_state_name(ROS_BREAKER_CLOSED), "closed");
	cr_assert_str_eq(ros_breaker_state_name(ROS_BREAKER_HALF_OPEN), "half_open");
	cr_assert_str_eq(ros_breaker_state_name(ROS_BREAKER_OPEN), "open");
}
