#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "probes/routeros/ros_log.h"

static void add(struct ros_log *log, uint64_t id, const char *time, const char *message)
{
	const struct ros_log_line line = {id, time, "system,info", message};
	ros_log_add(log, &line);
}

/* All messages, in their order. */
static const char *messages(const struct ros_log *log, char out[256])
{
	out[0] = '\0';
	for (size_t i = 0; i < ros_log_count(log); i++) {
		strcat(out, ros_log_at(log, i)->message);
		strcat(out, " ");
	}
	return out;
}

Test(ros_log, tells_each_line_once)
{
	struct ros_log *log = ros_log_create(4);
	char all[256];
	cr_assert_null(ros_log_since(log));
	ros_log_begin(log);
	add(log, 1, "2026-11-21 10:00:00", "a");
	add(log, 2, "2026-11-21 10:00:00", "b");
	ros_log_end(log, true);
	cr_assert_eq(ros_log_fresh(log), 2);
	cr_assert_str_eq(ros_log_since(log), "2026-11-21 10:00:00");
	ros_log_begin(log);
	add(log, 2, "2026-11-21 10:00:00", "b");
	add(log, 3, "2026-11-21 10:00:01", "c");
	ros_log_end(log, false);
	cr_assert_eq(ros_log_fresh(log), 1);
	cr_assert_str_eq(messages(log, all), "a b c ");
	ros_log_begin(log);
	add(log, 4, "2026-11-21 10:00:02", "d");
	add(log, 5, "2026-11-21 10:00:02", "e");
	add(log, 6, "2026-11-21 10:00:02", "f");
	ros_log_end(log, false);
	cr_assert_eq(ros_log_fresh(log), 3);
	cr_assert_str_eq(messages(log, all), "c d e f ");
	cr_assert_str_eq(ros_log_at(log, 0)->topics, "system,info");
	ros_log_begin(log);
	for (uint64_t id = 7; id < 13; id++)
		add(log, id, "2026-11-21 10:00:03", "x");
	cr_assert_eq(ros_log_fresh(log), 4, "no more than there are");
	ros_log_free(log);
	ros_log_free(NULL);
}

Test(ros_log, a_router_that_counts_anew)
{
	struct ros_log *log = ros_log_create(9);
	char all[256];
	ros_log_begin(log);
	add(log, 100, "10:00:00", "a");
	ros_log_end(log, true);
	cr_assert_null(ros_log_since(log), "a time without a date");
	/* Its restart was noticed. */
	ros_log_restart(log);
	ros_log_begin(log);
	add(log, 1, "10:00:01", "b");
	ros_log_end(log, true);
	cr_assert_str_eq(messages(log, all), "a b ");
	/* Its buffer was cleared: that shows when all of it has been read. */
	ros_log_begin(log);
	add(log, 50, "10:00:02", "c");
	ros_log_end(log, true);
	ros_log_begin(log);
	add(log, 2, "10:00:03", "d");
	ros_log_end(log, true);
	cr_assert_str_eq(messages(log, all), "a b c ");
	ros_log_begin(log);
	add(log, 2, "10:00:03", "d");
	ros_log_end(log, true);
	cr_assert_str_eq(messages(log, all), "a b c d ");
	ros_log_free(log);
}

Test(ros_log, a_later_time_with_a_smaller_number_is_new)
{
	struct ros_log *log = ros_log_create(9);
	char all[256];
	ros_log_begin(log);
	add(log, 100, "2026-11-21 10:00:00", "a");
	ros_log_end(log, true);
	ros_log_begin(log);
	add(log, 1, "2026-11-21 10:00:01", "b");
	add(log, 2, "2026-11-21 10:00:01", "c");
	ros_log_end(log, false);
	cr_assert_str_eq(messages(log, all), "a b c ");
	ros_log_free(log);
}

Test(ros_log, has_a_ceiling_of_bytes)
{
	struct ros_log *log = ros_log_create(ROS_LOG_LINES_MAX);
	char message[ROS_LOG_MESSAGE_MAX + 1];
	memset(message, 'm', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	ros_log_begin(log);
	for (uint64_t id = 1; id <= 200; id++)
		add(log, id, "2026-11-21 10:00:00", message);
	cr_assert_leq(ros_log_count(log) * ROS_LOG_MESSAGE_MAX, ROS_LOG_BYTES_MAX);
	cr_assert_geq(ros_log_count(log), 60);
	cr_assert_eq(ros_log_at(log, ros_log_count(log) - 1)->id, 200);
	ros_log_free(log);
}

Test(ros_log, since_needs_a_whole_date)
{
	static const struct {
		const char *time;
		bool is_known;
	} cases[] = {
		{"2026-11-21 10:00:00", true},
		{"2026-11-21 10:00:00.5", false},
		{"nov/21 10:00:00", false},
		{"2026-11-21", false},
		{"", false},
		{"2026-11-21T10:00:00", false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ros_log *log = ros_log_create(1);
		add(log, 1, cases[i].time, "a");
		cr_assert_eq(ros_log_since(log) != NULL, cases[i].is_known, "%s", cases[i].time);
		ros_log_free(log);
	}
}

Test(ros_log, numbers)
{
	static const struct {
		const char *text;
		uint64_t id;
	} cases[] = {
		{"*1", 1},
		{"*1A", 26},
		{"*1a", 26},
		{"*FFFFFFFFFFFFFFFF", UINT64_MAX},
		{"*10000000000000000", 0},
		{"*", 0},
		{"", 0},
		{"1A", 0},
		{"*1G", 0},
		{"*1/", 0},
		{"*@", 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_assert_eq(ros_log_parse_id(cases[i].text, strlen(cases[i].text)), cases[i].id, "%s", cases[i].text);
}
