#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/routeros/ros_flight.h"

#define NS       INT64_C(1000000000)
#define DRAIN_NS (3 * NS)
#define LATER    (100 * NS)
#define COMMANDS 64

static struct ros_flight *open_flight(size_t window)
{
	return ros_flight_create((struct ros_flight_limits){.window = window, .drain_ns = DRAIN_NS});
}

static void queue(struct ros_flight *flight, struct ros_command *command, uint8_t rank, int64_t deadline_ns)
{
	struct err err = {0};
	cr_assert_eq(ros_flight_queue(flight, command, rank, deadline_ns, &err), 0, "%s", err.text);
	cr_expect_eq(command->state, ROS_COMMAND_QUEUED);
}

static struct ros_flight_match reply(struct ros_flight *flight, enum ros_reply_kind kind, uint32_t tag, int64_t now_ns)
{
	struct ros_reply reply = {.kind = kind, .tag = tag, .size_bytes = 100};
	return ros_flight_reply(flight, &reply, now_ns);
}

static void expect_reply(struct ros_flight *flight, enum ros_reply_kind kind, uint32_t tag, enum ros_verdict verdict,
			 const struct ros_command *command)
{
	struct ros_flight_match match = reply(flight, kind, tag, 0);
	cr_expect_eq(match.verdict, verdict, "kind %d: verdict %d", kind, match.verdict);
	cr_expect_eq(match.command, command);
}

Test(ros_flight, one_command)
{
	struct ros_flight *flight = open_flight(4);
	struct ros_command command = {0};
	cr_expect_null(ros_flight_launch(flight, 1));
	queue(flight, &command, 0, LATER);
	cr_expect_eq(ros_flight_wake_ns(flight), LATER);
	cr_assert_eq(ros_flight_launch(flight, 5), &command);
	cr_expect_eq(command.state, ROS_COMMAND_FLYING);
	cr_expect_eq(command.launched_ns, 5);
	cr_expect_neq(command.tag, 0);
	expect_reply(flight, ROS_REPLY_ROW, command.tag, ROS_VERDICT_ROW, &command);
	expect_reply(flight, ROS_REPLY_ROW, command.tag, ROS_VERDICT_ROW, &command);
	expect_reply(flight, ROS_REPLY_EMPTY, command.tag, ROS_VERDICT_SKIP, &command);
	expect_reply(flight, ROS_REPLY_OTHER, command.tag, ROS_VERDICT_SKIP, &command);
	cr_expect_not(command.is_trapped);
	expect_reply(flight, ROS_REPLY_TRAP, command.tag, ROS_VERDICT_TRAP, &command);
	expect_reply(flight, ROS_REPLY_TRAP, command.tag, ROS_VERDICT_TRAP, &command);
	cr_expect_eq(command.state, ROS_COMMAND_FLYING, "a trap does not end it");
	expect_reply(flight, ROS_REPLY_DONE, command.tag, ROS_VERDICT_DONE, &command);
	cr_expect_eq(command.state, ROS_COMMAND_IDLE);
	cr_expect_eq(command.rows, 2);
	cr_expect_eq(command.answer_bytes, 700);
	cr_expect(command.is_trapped);
	expect_reply(flight, ROS_REPLY_DONE, command.tag, ROS_VERDICT_FOREIGN, NULL);
	cr_expect_eq(ros_flight_figures(flight)->done, 1);
	cr_expect_eq(ros_flight_figures(flight)->foreign, 1);
	ros_flight_free(flight);
}

Test(ros_flight, answers_in_any_order)
{
	struct ros_flight *flight = open_flight(3);
	struct ros_command commands[3] = {{0}};
	for (size_t i = 0; i < 3; i++)
		queue(flight, &commands[i], 0, LATER);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(ros_flight_launch(flight, 0), &commands[i]);
	expect_reply(flight, ROS_REPLY_ROW, commands[2].tag, ROS_VERDICT_ROW, &commands[2]);
	expect_reply(flight, ROS_REPLY_ROW, commands[0].tag, ROS_VERDICT_ROW, &commands[0]);
	expect_reply(flight, ROS_REPLY_DONE, commands[1].tag, ROS_VERDICT_DONE, &commands[1]);
	expect_reply(flight, ROS_REPLY_DONE, commands[2].tag, ROS_VERDICT_DONE, &commands[2]);
	expect_reply(flight, ROS_REPLY_DONE, commands[0].tag, ROS_VERDICT_DONE, &commands[0]);
	ros_flight_free(flight);
}

Test(ros_flight, nobody_s_replies)
{
	struct ros_flight *flight = open_flight(3);
	struct ros_command command = {0};
	static const uint32_t tags[] = {0, 1, 2, 3, 255, 256, 257, 0xffffffff};
	queue(flight, &command, 0, LATER);
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		expect_reply(flight, ROS_REPLY_DONE, tags[i], ROS_VERDICT_FOREIGN, NULL);
	cr_assert_eq(ros_flight_launch(flight, 0), &command);
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (tags[i] != command.tag)
			expect_reply(flight, ROS_REPLY_DONE, tags[i], ROS_VERDICT_FOREIGN, NULL);
	expect_reply(flight, ROS_REPLY_FATAL, 0, ROS_VERDICT_FATAL, NULL);
	expect_reply(flight, ROS_REPLY_FATAL, command.tag, ROS_VERDICT_FATAL, NULL);
	cr_expect_eq(command.state, ROS_COMMAND_FLYING, "until it is lost");
	ros_flight_free(flight);
	cr_expect_eq(command.state, ROS_COMMAND_IDLE);
}

Test(ros_flight, window)
{
	static const size_t windows[][2] = {{0, 1}, {1, 1}, {5, 5}, {256, 256}, {1000, 256}};
	static struct ros_command commands[300];
	for (size_t w = 0; w < sizeof(windows) / sizeof(windows[0]); w++) {
		struct ros_flight *flight = open_flight(windows[w][0]);
		for (size_t i = 0; i < 300; i++)
			queue(flight, &commands[i], 1, LATER);
		size_t n = 0;
		while (ros_flight_launch(flight, 0))
			n++;
		cr_expect_eq(n, windows[w][1]);
		cr_expect_eq(ros_flight_figures(flight)->flying, n);
		cr_expect_eq(ros_flight_figures(flight)->queued[1], 300 - n);
		expect_reply(flight, ROS_REPLY_DONE, commands[n - 1].tag, ROS_VERDICT_DONE, &commands[n - 1]);
		cr_expect_eq(ros_flight_launch(flight, 0), &commands[n], "one goes, one comes");
		cr_expect_null(ros_flight_launch(flight, 0));
		ros_flight_free(flight);
		for (size_t i = 0; i < 300; i++)
			cr_assert_eq(commands[i].state, ROS_COMMAND_IDLE);
	}
}

/* No tag comes twice while its command flies, and none is 0, however many commands there were. */
Test(ros_flight, tags_are_new)
{
	struct ros_flight *flight = open_flight(2);
	struct ros_command slow = {0}, quick = {0};
	queue(flight, &slow, 0, LATER);
	cr_assert_eq(ros_flight_launch(flight, 0), &slow);
	uint32_t before = slow.tag;
	for (uint32_t i = 0; i < (1U << 24) + 10; i++) {
		ros_flight_queue(flight, &quick, 0, LATER, NULL);
		ros_flight_launch(flight, 0);
		if (quick.tag == 0 || quick.tag == slow.tag || quick.tag == before)
			cr_assert_fail("tag %u after %u", quick.tag, before);
		before = quick.tag;
		reply(flight, ROS_REPLY_DONE, quick.tag, 0);
	}
	expect_reply(flight, ROS_REPLY_DONE, slow.tag, ROS_VERDICT_DONE, &slow);
	ros_flight_free(flight);
}

Test(ros_flight, tier_0_first_then_users_then_the_others)
{
	struct ros_flight *flight = open_flight(7);
	struct ros_command commands[ROS_RANKS] = {{0}}, second = {0};
	static const uint8_t expected[] = {0, 0, ROS_RANK_USER, 1, 2, 3, 4};
	for (uint8_t rank = ROS_RANKS; rank-- > 0;)
		queue(flight, &commands[rank], rank, LATER);
	queue(flight, &second, 0, LATER);
	for (size_t i = 0; i < sizeof(expected); i++) {
		struct ros_command *command = ros_flight_launch(flight, 0);
		cr_assert_not_null(command);
		cr_expect_eq(command->rank, expected[i], "%zu: %u", i, command->rank);
	}
	ros_flight_free(flight);
}

Test(ros_flight, users_get_at_most_half)
{
	static const size_t shares[][2] = {{1, 1}, {2, 1}, {3, 1}, {8, 4}, {64, 32}};
	static struct ros_command users[COMMANDS], tiers[COMMANDS];
	for (size_t s = 0; s < sizeof(shares) / sizeof(shares[0]); s++) {
		struct ros_flight *flight = open_flight(shares[s][0]);
		for (size_t i = 0; i < COMMANDS; i++)
			queue(flight, &users[i], ROS_RANK_USER, LATER);
		size_t n = 0;
		while (ros_flight_launch(flight, 0))
			n++;
		cr_expect_eq(n, shares[s][1], "window %zu: %zu", shares[s][0], n);
		for (size_t i = 0; i < COMMANDS; i++)
			queue(flight, &tiers[i], 4, LATER);
		while (ros_flight_launch(flight, 0))
			n++;
		cr_expect_eq(n, shares[s][0], "the rest is for others");
		ros_flight_cancel(flight, &users[0], 0);
		cr_expect_null(ros_flight_launch(flight, 0), "a cancelled one counts until it has ended");
		reply(flight, ROS_REPLY_DONE, users[0].tag, 0);
		cr_expect_eq(ros_flight_launch(flight, 0), &users[shares[s][1]]);
		ros_flight_free(flight);
	}
}

/* While tier 0 never ends, the others get one launch in eight. */
Test(ros_flight, nobody_waits_for_ever)
{
	struct ros_flight *flight = open_flight(1);
	struct ros_command quick[2] = {{0}}, waiting[ROS_RANKS] = {{0}};
	for (uint8_t rank = 1; rank < ROS_RANKS; rank++)
		queue(flight, &waiting[rank], rank, LATER);
	queue(flight, &quick[0], 0, LATER);
	queue(flight, &quick[1], 0, LATER);
	size_t others = 0;
	for (int i = 0; i < 8 * (ROS_RANKS - 1); i++) {
		struct ros_command *command = ros_flight_launch(flight, 0);
		cr_assert_not_null(command);
		cr_assert_eq(command->rank != 0, i % 8 == 7, "%d", i);
		others += command->rank != 0;
		reply(flight, ROS_REPLY_DONE, command->tag, 0);
		if (command->rank == 0)
			queue(flight, command, 0, LATER);
	}
	cr_expect_eq(others, ROS_RANKS - 1);
	ros_flight_free(flight);
}

Test(ros_flight, cancel_and_drain)
{
	struct ros_flight *flight = open_flight(1);
	struct ros_command command = {0}, next = {0};
	uint32_t tag = 0;
	queue(flight, &command, 0, LATER);
	queue(flight, &next, 0, LATER);
	ros_flight_launch(flight, 0);
	uint32_t old = command.tag;
	cr_expect_not(ros_flight_cancel_next(flight, &tag));
	ros_flight_cancel(flight, &command, 10);
	cr_expect_eq(command.state, ROS_COMMAND_IDLE);
	cr_assert(ros_flight_cancel_next(flight, &tag));
	cr_expect_eq(tag, old);
	cr_expect_not(ros_flight_cancel_next(flight, &tag), "once");
	cr_expect_null(ros_flight_launch(flight, 11), "its place is not free yet");
	expect_reply(flight, ROS_REPLY_ROW, old, ROS_VERDICT_LATE, NULL);
	expect_reply(flight, ROS_REPLY_DONE, 0, ROS_VERDICT_FOREIGN, NULL); /* of /cancel itself */
	expect_reply(flight, ROS_REPLY_TRAP, old, ROS_VERDICT_LATE, NULL);
	cr_expect_null(ros_flight_launch(flight, 12));
	expect_reply(flight, ROS_REPLY_DONE, old, ROS_VERDICT_LATE, NULL);
	cr_expect_eq(ros_flight_launch(flight, 13), &next);
	cr_expect_neq(next.tag, old);
	expect_reply(flight, ROS_REPLY_DONE, old, ROS_VERDICT_FOREIGN, NULL);
	ros_flight_cancel(flight, &command, 14);
	cr_expect_eq(ros_flight_figures(flight)->cancelled, 1, "an idle one has nothing to cancel");
	cr_expect_eq(ros_flight_figures(flight)->late, 3);
	ros_flight_free(flight);
}

Test(ros_flight, an_answer_may_overtake_its_cancel)
{
	struct ros_flight *flight = open_flight(1);
	struct ros_command command = {0};
	uint32_t tag;
	queue(flight, &command, 0, LATER);
	ros_flight_launch(flight, 0);
	ros_flight_cancel(flight, &command, 1);
	expect_reply(flight, ROS_REPLY_DONE, command.tag, ROS_VERDICT_LATE, NULL);
	cr_expect_not(ros_flight_cancel_next(flight, &tag), "there is nothing to cancel any more");
	ros_flight_free(flight);
}

Test(ros_flight, cancelled_in_the_queue)
{
	struct ros_flight *flight = open_flight(1);
	struct ros_command commands[4] = {{0}};
	uint32_t tag;
	for (size_t i = 0; i < 4; i++)
		queue(flight, &commands[i], 2, LATER);
	ros_flight_cancel(flight, &commands[1], 0); /* from the middle, the beginning, the end */
	ros_flight_cancel(flight, &commands[0], 0);
	ros_flight_cancel(flight, &commands[3], 0);
	cr_expect_not(ros_flight_cancel_next(flight, &tag));
	cr_expect_eq(ros_flight_figures(flight)->queued[2], 1);
	cr_expect_eq(ros_flight_launch(flight, 0), &commands[2]);
	cr_expect_eq(ros_flight_figures(flight)->cancelled, 0);
	ros_flight_free(flight);
}

Test(ros_flight, deadlines)
{
	struct ros_flight *flight = open_flight(2);
	struct ros_command commands[4] = {{0}};
	uint32_t tag;
	for (int i = 0; i < 4; i++)
		queue(flight, &commands[i], 0, (10 - i) * NS);
	ros_flight_launch(flight, 0);
	ros_flight_launch(flight, 0);
	cr_expect_leq(ros_flight_wake_ns(flight), 7 * NS);
	cr_expect_null(ros_flight_expire(flight, 7 * NS - 1));
	cr_expect_eq(ros_flight_expire(flight, 7 * NS), &commands[3], "in the queue");
	cr_expect_null(ros_flight_expire(flight, 7 * NS));
	cr_expect_not(ros_flight_cancel_next(flight, &tag));
	cr_expect_eq(ros_flight_wake_ns(flight), 8 * NS);
	cr_expect_eq(ros_flight_expire(flight, 9 * NS), &commands[1], "in flight");
	cr_expect_eq(ros_flight_expire(flight, 9 * NS), &commands[2]);
	cr_expect_null(ros_flight_expire(flight, 9 * NS));
	cr_expect(ros_flight_cancel_next(flight, &tag));
	cr_expect_eq(tag, commands[1].tag);
	cr_expect_eq(ros_flight_wake_ns(flight), 10 * NS);
	cr_expect_eq(ros_flight_expire(flight, 10 * NS), &commands[0]);
	cr_expect_null(ros_flight_expire(flight, 10 * NS));
	cr_expect_eq(ros_flight_figures(flight)->expired, 4);
	cr_expect_eq(ros_flight_wake_ns(flight), 12 * NS, "the end of a drain");
	ros_flight_free(flight);
}

Test(ros_flight, stuck)
{
	struct ros_flight *flight = open_flight(2);
	struct ros_command commands[2] = {{0}};
	queue(flight, &commands[0], 0, NS);
	queue(flight, &commands[1], 0, LATER);
	ros_flight_launch(flight, 0);
	ros_flight_launch(flight, 0);
	cr_expect_not(ros_flight_is_stuck(flight, LATER));
	cr_expect_eq(ros_flight_expire(flight, NS), &commands[0]);
	cr_expect_null(ros_flight_expire(flight, NS));
	cr_expect_not(ros_flight_is_stuck(flight, NS + DRAIN_NS - 1));
	cr_expect_eq(ros_flight_wake_ns(flight), NS + DRAIN_NS);
	cr_expect(ros_flight_is_stuck(flight, NS + DRAIN_NS));
	reply(flight, ROS_REPLY_DONE, commands[0].tag, 0);
	cr_expect_not(ros_flight_is_stuck(flight, LATER));
	ros_flight_free(flight);
}

Test(ros_flight, the_connection_goes)
{
	struct ros_flight *flight = open_flight(4);
	struct ros_command commands[6] = {{0}};
	uint32_t tag;
	for (size_t i = 0; i < 6; i++)
		queue(flight, &commands[i], (uint8_t)(i < 2 ? ROS_RANK_USER : 3), LATER);
	while (ros_flight_launch(flight, 0))
		;
	ros_flight_cancel(flight, &commands[0], 0);
	uint32_t old = commands[0].tag;
	bool is_lost[6] = {false};
	for (struct ros_command *command; (command = ros_flight_lose(flight));) {
		is_lost[command - commands] = true;
		cr_expect_eq(command->state, ROS_COMMAND_IDLE);
	}
	for (size_t i = 0; i < 6; i++)
		cr_expect_eq(is_lost[i], i >= 1 && i <= 3, "%zu", i);
	cr_expect_eq(ros_flight_figures(flight)->flying, 0);
	cr_expect_eq(ros_flight_figures(flight)->draining, 0);
	cr_expect_eq(ros_flight_figures(flight)->lost, 3);
	cr_expect_not(ros_flight_cancel_next(flight, &tag));
	cr_expect_not(ros_flight_is_stuck(flight, LATER));
	cr_expect_eq(ros_flight_launch(flight, 1), &commands[4], "who waited goes on the next connection");
	expect_reply(flight, ROS_REPLY_DONE, old, ROS_VERDICT_FOREIGN, NULL);
	queue(flight, &commands[0], ROS_RANK_USER, LATER);
	cr_expect_eq(ros_flight_launch(flight, 1), &commands[0], "the users' share is free again");
	ros_flight_free(flight);
}

Test(ros_flight, a_command_that_was_never_sent)
{
	struct ros_flight *flight = open_flight(1);
	struct ros_command commands[2] = {{0}};
	queue(flight, &commands[0], ROS_RANK_USER, LATER);
	queue(flight, &commands[1], ROS_RANK_USER, LATER);
	cr_assert_eq(ros_flight_launch(flight, 0), &commands[0]);
	ros_flight_unlaunch(flight, &commands[0]);
	ros_flight_unlaunch(flight, &commands[0]);
	cr_expect_eq(commands[0].state, ROS_COMMAND_IDLE);
	cr_expect_eq(ros_flight_launch(flight, 0), &commands[1]);
	expect_reply(flight, ROS_REPLY_DONE, commands[0].tag, ROS_VERDICT_FOREIGN, NULL);
	ros_flight_free(flight);
}

Test(ros_flight, those_who_wait_are_sent_away)
{
	struct ros_flight *flight = open_flight(1);
	struct ros_command commands[3] = {{0}};
	queue(flight, &commands[0], 0, LATER);
	cr_assert_eq(ros_flight_launch(flight, 0), &commands[0]);
	queue(flight, &commands[1], 4, LATER);
	queue(flight, &commands[2], ROS_RANK_USER, LATER);
	uint64_t newest = ros_flight_newest(flight);
	struct ros_command *first = ros_flight_drop(flight, newest);
	cr_assert_eq(first, &commands[1]);
	cr_expect_eq(first->state, ROS_COMMAND_IDLE);
	queue(flight, first, 0, LATER);
	cr_expect_eq(ros_flight_drop(flight, newest), &commands[2]);
	cr_expect_null(ros_flight_drop(flight, newest), "it has come later");
	cr_expect_eq(commands[0].state, ROS_COMMAND_FLYING);
	cr_expect_eq(ros_flight_drop(flight, ros_flight_newest(flight)), first);
	ros_flight_free(flight);
}

Test(ros_flight, answers_have_a_ceiling)
{
	struct ros_flight *flight = ros_flight_create((struct ros_flight_limits){.window = 1, .answer_max = 250});
	struct ros_command command = {0};
	uint32_t tag;
	queue(flight, &command, 0, LATER);
	ros_flight_launch(flight, 0);
	expect_reply(flight, ROS_REPLY_ROW, command.tag, ROS_VERDICT_ROW, &command);
	expect_reply(flight, ROS_REPLY_ROW, command.tag, ROS_VERDICT_ROW, &command);
	expect_reply(flight, ROS_REPLY_ROW, command.tag, ROS_VERDICT_TOO_LARGE, &command);
	cr_expect_eq(command.state, ROS_COMMAND_IDLE);
	cr_expect_eq(command.rows, 2);
	cr_expect(ros_flight_cancel_next(flight, &tag));
	expect_reply(flight, ROS_REPLY_ROW, command.tag, ROS_VERDICT_LATE, NULL);
	expect_reply(flight, ROS_REPLY_DONE, command.tag, ROS_VERDICT_LATE, NULL);
	queue(flight, &command, 0, LATER);
	ros_flight_launch(flight, 0);
	cr_expect_eq(command.answer_bytes, 0);
	expect_reply(flight, ROS_REPLY_ROW, command.tag, ROS_VERDICT_ROW, &command);
	expect_reply(flight, ROS_REPLY_ROW, command.tag, ROS_VERDICT_ROW, &command);
	expect_reply(flight, ROS_REPLY_DONE, command.tag, ROS_VERDICT_DONE, &command);
	ros_flight_free(flight);
	ros_flight_free(NULL);
}

Test(ros_flight, queues_have_a_ceiling)
{
	struct ros_flight *flight = open_flight(1);
	struct ros_command *commands = calloc(ROS_QUEUE_MAX + 1, sizeof(*commands));
	struct err err = {0};
	for (size_t i = 0; i < ROS_QUEUE_MAX; i++)
		cr_assert_eq(ros_flight_queue(flight, &commands[i], ROS_RANK_USER, LATER, &err), 0);
	cr_expect_eq(ros_flight_queue(flight, &commands[ROS_QUEUE_MAX], ROS_RANK_USER, LATER, &err), -1);
	cr_expect_not_null(strstr(err.text, "4096 commands wait"));
	cr_expect_eq(commands[ROS_QUEUE_MAX].state, ROS_COMMAND_IDLE);
	cr_expect_eq(ros_flight_queue(flight, &commands[ROS_QUEUE_MAX], 0, LATER, &err), 0, "others have their own");
	ros_flight_free(flight);
	free(commands);
}

/* A router that answers as it likes, callers that cancel, connections that go: counts add up, and no command is lost or
 * told twice. */
Test(ros_flight, at_random)
{
	static struct ros_command commands[COMMANDS];
	struct ros_flight *flight = open_flight(8);
	const struct ros_flight_figures *figures = ros_flight_figures(flight);
	uint64_t random = 1, ended = 0, queued = 0, cancelled_waiting = 0;
	for (int64_t now_ns = 0; now_ns < 200000; now_ns++) {
		random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		unsigned dice = (unsigned)(random >> 33) % 100;
		struct ros_command *command = &commands[(random >> 45) % COMMANDS], *gone;
		uint32_t tag;
		if (command->state == ROS_COMMAND_IDLE && dice < 50) {
			queue(flight, command, (uint8_t)(dice % ROS_RANKS), now_ns + 1 + dice * 4);
			queued++;
		} else if (command->state != ROS_COMMAND_IDLE && dice >= 98) {
			cancelled_waiting += command->state == ROS_COMMAND_QUEUED;
			ended += command->state == ROS_COMMAND_FLYING;
			ros_flight_cancel(flight, command, now_ns);
		} else if (command->tag) {
			reply(flight, dice < 70 ? ROS_REPLY_ROW : ROS_REPLY_DONE, command->tag, now_ns);
		}
		while ((gone = ros_flight_expire(flight, now_ns)))
			cr_assert_eq(gone->state, ROS_COMMAND_IDLE);
		while (ros_flight_cancel_next(flight, &tag))
			cr_assert_neq(tag, 0);
		while (ros_flight_launch(flight, now_ns))
			;
		if (dice == 50)
			while (ros_flight_lose(flight))
				;
		size_t flying = 0, waiting = 0, counted = 0;
		for (size_t i = 0; i < COMMANDS; i++) {
			flying += commands[i].state == ROS_COMMAND_FLYING;
			waiting += commands[i].state == ROS_COMMAND_QUEUED;
		}
		for (size_t rank = 0; rank < ROS_RANKS; rank++)
			counted += figures->queued[rank];
		cr_assert_eq(flying, figures->flying);
		cr_assert_eq(waiting, counted);
		cr_assert_leq(figures->flying + figures->draining, 8);
		cr_assert_eq(queued, figures->done + figures->expired + figures->lost + ended + cancelled_waiting +
					     flying + waiting);
	}
	cr_expect_gt(figures->done, 1000);
	cr_expect_gt(figures->expired, 1000);
	cr_expect_gt(figures->late, 100);
	cr_expect_gt(figures->lost, 100);
	ros_flight_free(flight);
}
