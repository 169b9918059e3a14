/*
 * One link and one router: login, commands, answers, cancels, deadlines.
 */
#include "tests/replay/ros_bench.h"

static struct bench bench;

static void begin(void)
{
	bench_open(&bench);
}

static void end(void)
{
	bench_close(&bench);
}

TestSuite(ros_link, .init = begin, .fini = end);

Test(ros_link, a_command_connects_and_gets_rows_and_one_end)
{
	struct asked asked = {0};
	bench_take(&bench);
	cr_assert_eq(figures_of(&bench).state, ROS_LINK_IDLE);
	ask(&bench, &asked, "/interface/print");
	router_welcome(&bench);
	cr_assert_eq(figures_of(&bench).state, ROS_LINK_UP);
	cr_assert_str_eq(router_sentence(&bench), "/interface/print .tag=256");
	router_say(&bench, "!re", ".tag=256", "=name=ether1", "=running=true");
	router_say(&bench, "!re", ".tag=256", "=name=ether2");
	cr_assert_eq(asked.ends, 0);
	router_say(&bench, "!done", ".tag=256");
	cr_assert_eq(asked.ends, 1);
	cr_assert_eq(asked.end.kind, ROS_END_DONE);
	cr_assert_eq(asked.end.reason, REASON_OK);
	cr_assert_eq(asked.end.rows, 2);
	cr_assert_str_eq(text_string(&asked.rows), "name=ether1 running=true;name=ether2;");
	struct ros_link_figures figures = figures_of(&bench);
	cr_assert_eq(figures.epoch, 1);
	cr_assert_eq(figures.attempts, 1);
	cr_assert_eq(figures.commands, 1);
	cr_assert_eq(figures.flying + figures.queued, 0);
	cr_assert_eq(figures.failures + figures.losses, 0);
	asked_free(&asked);
}
