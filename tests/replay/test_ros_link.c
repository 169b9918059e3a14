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

/* --- login -------------------------------------------------------------------------------------------------------- */

Test(ros_link, an_old_router_gets_the_answer_to_its_challenge)
{
	struct asked asked = {0};
	bench_take(&bench);
	ask(&bench, &asked, "/system/resource/print");
	cr_assert(router_accept(&bench));
	cr_assert_str_eq(router_sentence(&bench), "/login =name=netsonde =password=open-sesame");
	router_say(&bench, "!done", "=ret=000102030405060708090a0b0c0d0e0f");
	/* printf '\0open-sesame\0\1...\17' | md5sum */
	cr_assert_str_eq(router_sentence(&bench), "/login =name=netsonde =response=006d24053c4f1074087fe603799e81f50d");
	router_say(&bench, "!done");
	cr_assert_str_eq(router_sentence(&bench), "/system/resource/print .tag=256");
	router_say(&bench, "!done", ".tag=256");
	cr_assert_eq(asked.end.kind, ROS_END_DONE);
	asked_free(&asked);
}

Test(ros_link, a_refused_login_opens_the_breaker_at_once)
{
	struct asked first = {0}, second = {0};
	bench_take(&bench);
	ask(&bench, &first, "/interface/print");
	ask(&bench, &second, "/interface/print");
	cr_assert(router_accept(&bench));
	router_sentence(&bench);
	router_say(&bench, "!trap", "=message=invalid user name or password (6)");
	router_say(&bench, "!done");
	cr_assert_eq(first.ends + second.ends, 2);
	cr_assert_eq(first.end.kind, ROS_END_LOST);
	cr_assert_eq(first.end.reason, REASON_LOGIN);
	cr_assert_str_eq(first.message, "the router refused the login of netsonde: invalid user name or password (6)");
	cr_assert_eq(figures_of(&bench).breaker, ROS_BREAKER_OPEN);
	cr_assert_eq(figures_of(&bench).state, ROS_LINK_PAUSING);

	/* Whoever asks meanwhile hears the same at once, and the router hears nothing. */
	for (int i = 0; i < 100; i++) {
		ask(&bench, &first, "/interface/print");
		cr_assert_eq(first.ends, 1 + (unsigned)i, "not from inside the call");
		bench_pump();
		cr_assert_eq(first.end.reason, REASON_LOGIN);
	}
	cr_assert_eq(first.ends, 101);
	cr_assert_eq(figures_of(&bench).attempts, 1);
	cr_assert_not(router_accept(&bench));

	/* One attempt a pause: between half of it and all of it. */
	bench_advance(29 * SECOND);
	ask(&bench, &first, "/interface/print");
	cr_assert_not(router_accept(&bench));
	bench_advance(31 * SECOND);
	cr_assert_eq(figures_of(&bench).state, ROS_LINK_IDLE, "the pause is over, and nobody has asked");
	ask(&bench, &first, "/interface/print");
	bench_pump();
	cr_assert_eq(figures_of(&bench).breaker, ROS_BREAKER_HALF_OPEN);
	router_welcome(&bench);
	router_sentence(&bench);
	router_say(&bench, "!done", router_tag(&bench));
	cr_assert_eq(figures_of(&bench).breaker, ROS_BREAKER_CLOSED);
	cr_assert_eq(first.end.kind, ROS_END_DONE);
	asked_free(&first);
	asked_free(&second);
}

Test(ros_link, commands_before_the_login_wait_and_none_is_sent)
{
	struct asked asked = {0};
	bench_take(&bench);
	ask(&bench, &asked, "/interface/print");
	cr_assert(router_accept(&bench));
	router_sentence(&bench);
	bench_advance(SECOND);
	cr_assert_str_eq(router_sentence(&bench), "");
	bench_advance(4 * SECOND);
	cr_assert_eq(asked.end.kind, ROS_END_LOST);
	cr_assert_eq(asked.end.reason, REASON_TIMEOUT);
	cr_assert_str_eq(asked.message, "no answer to the login within 5 s of the connection's start");
	cr_assert_eq(figures_of(&bench).failures, 1);
	asked_free(&asked);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* The connection of a test that has one command in flight. */
static void bench_up(struct asked *asked)
{
	bench_take(&bench);
	ask(&bench, asked, "/ip/route/print");
	router_welcome(&bench);
	cr_assert_str_eq(router_sentence(&bench), "/ip/route/print .tag=256");
}

Test(ros_link, a_trap_ends_with_done_and_says_what_it_means)
{
	struct asked asked = {0};
	bench_up(&asked);
	router_say(&bench, "!re", ".tag=256", "=a=1");
	router_say(&bench, "!trap", ".tag=256", "=message=no such command prefix");
	router_say(&bench, "!trap", ".tag=256", "=message=something else");
	cr_assert_eq(asked.ends, 0);
	router_say(&bench, "!done", ".tag=256");
	cr_assert_eq(asked.end.kind, ROS_END_TRAP);
	cr_assert_eq(asked.end.reason, REASON_STATUS);
	cr_assert_eq(asked.end.trap, ROS_TRAP_NO_MENU);
	cr_assert_eq(asked.end.rows, 1);
	cr_assert_str_eq(asked.message, "no such command prefix");
	cr_assert_eq(figures_of(&bench).traps, 1);

	ask(&bench, &asked, "/ip/route/print");
	bench_pump();
	router_sentence(&bench);
	router_say(&bench, "!trap", router_tag(&bench), "=message=it went wrong");
	router_say(&bench, "!trap", router_tag(&bench), "=message=not enough permissions (9)");
	router_say(&bench, "!done", router_tag(&bench));
	cr_assert_eq(asked.end.trap, ROS_TRAP_PERMISSION, "one that can be understood goes before one that cannot");
	cr_assert_eq(asked.end.reason, REASON_LOGIN);
	cr_assert_str_eq(asked.message, "not enough permissions (9)");
	asked_free(&asked);
}

Test(ros_link, what_is_empty_unknown_or_foreign_is_skipped)
{
	struct asked asked = {0};
	bench_up(&asked);
	router_say(&bench, "!empty", ".tag=256");
	router_say(&bench, "!hello", ".tag=256", "=a=1");
	router_say(&bench, "!re", ".tag=999", "=a=1");
	router_say(&bench, "!re", ".tag=words", "=a=1");
	router_say(&bench, "!done");
	router_send(&bench, "\0\0", 2);
	cr_assert_eq(asked.ends, 0);
	router_say(&bench, "!done", ".tag=256", "=ret=42", "?=what");
	cr_assert_eq(asked.end.kind, ROS_END_DONE);
	cr_assert_str_eq(asked.returned, "42");
	cr_assert_eq(asked.end.rows, 0);
	asked_free(&asked);
}

/* A login and two answers, of which one is interleaved with the other, cut into two pieces at each offset. */
Test(ros_link, a_stream_may_be_cut_anywhere)
{
	struct text stream = {0};
	put(&stream, "!done");
	put(&stream, "!re", ".tag=256", "=name=ether1");
	put(&stream, "!re", ".tag=513", "=gateway=192.0.2.1");
	put(&stream, "!trap", ".tag=513", "=category=2", "=message=interrupted");
	put(&stream, "!done", ".tag=513");
	put(&stream, "!re", ".tag=256", "=name=");
	put(&stream, "!done", ".tag=256");
	for (size_t cut = 0; cut <= stream.length; cut++) {
		struct asked first = {0}, second = {0};
		bench_take(&bench);
		ask(&bench, &first, "/interface/print");
		ask(&bench, &second, "/ip/route/print");
		cr_assert(router_accept(&bench));
		router_sentence(&bench);
		/* The answers are on their way before the questions: so the login ends alone. */
		size_t login = cut < 7 ? cut : 7;
		router_send(&bench, stream.bytes, login);
		router_send(&bench, stream.bytes + login, 7 - login);
		router_hear(&bench);
		if (cut > 7)
			router_send(&bench, stream.bytes + 7, cut - 7);
		size_t from = cut > 7 ? cut : 7;
		router_send(&bench, stream.bytes + from, stream.length - from);
		cr_assert_eq(first.ends, 1, "cut at %zu", cut);
		cr_assert_eq(first.end.kind, ROS_END_DONE);
		cr_assert_str_eq(text_string(&first.rows), "name=ether1;name=;");
		cr_assert_eq(second.end.kind, ROS_END_TRAP);
		cr_assert_eq(second.end.trap, ROS_TRAP_INTERRUPTED);
		cr_assert_str_eq(text_string(&second.rows), "gateway=192.0.2.1;");
		asked_free(&first);
		asked_free(&second);
		ros_pool_give(bench.pool, bench.link);
		bench.link = NULL;
		bench_advance(ROS_POOL_LINGER_NS + SECOND);
	}
	text_free(&stream);
}

/* --- what many commands do ---------------------------------------------------------------------------------------- */

Test(ros_link, the_window_is_kept_and_a_round_goes_out_in_one_piece)
{
	struct asked asked[20] = {0};
	bench.access->window = 4;
	bench_take(&bench);
	for (size_t i = 0; i < 20; i++)
		ask(&bench, &asked[i], "/ip/address/print");
	router_welcome(&bench);
	bench_pump();
	cr_assert_eq(figures_of(&bench).flying, 4);
	cr_assert_eq(figures_of(&bench).queued, 16);
	char bytes[4096];
	cr_assert_eq(recv(bench.peer, bytes, sizeof(bytes), MSG_PEEK), 113, "all that may go is there at once");
	for (size_t i = 0; i < 20; i++) {
		cr_assert_str_neq(router_sentence(&bench), "", "command %zu", i);
		cr_assert(figures_of(&bench).flying <= 4);
		router_say(&bench, "!done", router_tag(&bench));
		cr_assert_eq(asked[i].ends, 1);
	}
	for (size_t i = 0; i < 20; i++)
		asked_free(&asked[i]);
}

static void ended_and_again(struct ros_call *call, const struct ros_end *end)
{
	asked_ended(call, end);
	ask(&bench, (struct asked *)call, "/system/identity/print");
	call->ended = asked_ended;
}

Test(ros_link, an_end_may_ask_again)
{
	struct asked asked = {0};
	bench_up(&asked);
	asked.call.ended = ended_and_again;
	router_say(&bench, "!done", ".tag=256");
	cr_assert_eq(asked.ends, 1);
	cr_assert_str_eq(router_sentence(&bench), "/system/identity/print .tag=512");
	router_say(&bench, "!done", ".tag=512");
	cr_assert_eq(asked.ends, 2);
	asked_free(&asked);
}

static void ended_and_ever_again(struct ros_call *call, const struct ros_end *end)
{
	asked_ended(call, end);
	if (((struct asked *)call)->ends < 1000)
		ask(&bench, (struct asked *)call, "/system/identity/print");
	call->ended = ended_and_ever_again;
}

Test(ros_link, who_asks_again_while_it_pauses_is_refused_each_time)
{
	struct asked asked = {0};
	bench_take(&bench);
	bench_unlisten(&bench);
	ask(&bench, &asked, "/ip/route/print");
	asked.call.ended = ended_and_ever_again;
	bench_pump();
	cr_assert_eq(asked.ends, 1000);
	cr_assert_eq(asked.end.reason, REASON_REFUSED);
	cr_assert_eq(figures_of(&bench).attempts, 1);
	asked_free(&asked);
}

Test(ros_link, what_cannot_be_asked_says_so_and_has_no_end)
{
	struct asked asked = {0};
	struct err err = {0};
	static char large[300 * 1024];
	bench_up(&asked);
	cr_assert_eq(ros_link_call(bench.link, &asked.call, 0, INT64_MAX, &err), -1);
	cr_assert_str_eq(err.text, "this command is under way already");
	struct asked other = {.call = {.sentence = large, .sentence_bytes = sizeof(large)}};
	cr_assert_eq(ros_link_call(bench.link, &other.call, 0, INT64_MAX, &err), -1);
	cr_assert_str_eq(err.text, "this command has 307200 bytes; it must have at least one, and 256 KiB at most");
	ros_link_cancel(&other.call);
	ros_link_cancel(&asked.call);
	ros_link_cancel(&asked.call);
	cr_assert_eq(asked.ends + other.ends, 0);
	asked_free(&asked);
}

/* --- cancels, deadlines, ceilings --------------------------------------------------------------------------------- */

Test(ros_link, a_cancelled_command_is_drained)
{
	struct asked asked = {.cancel_at = 2}, next = {0};
	bench.access->window = 1;
	bench_up(&asked);
	ask(&bench, &next, "/ip/arp/print");
	router_say(&bench, "!re", ".tag=256", "=a=1");
	router_say(&bench, "!re", ".tag=256", "=a=2");
	cr_assert_str_eq(router_sentence(&bench), "/cancel =tag=256");
	router_say(&bench, "!re", ".tag=256", "=a=3");
	router_say(&bench, "!done");
	cr_assert_str_eq(router_sentence(&bench), "", "the window is full until the router is done with it");
	router_say(&bench, "!trap", ".tag=256", "=category=2", "=message=interrupted");
	router_say(&bench, "!done", ".tag=256");
	cr_assert_str_eq(router_sentence(&bench), "/ip/arp/print .tag=512");
	router_say(&bench, "!done", ".tag=512");
	cr_assert_eq(asked.ends, 0);
	cr_assert_str_eq(text_string(&asked.rows), "a=1;a=2;");
	cr_assert_eq(next.end.kind, ROS_END_DONE);
	asked_free(&asked);
	asked_free(&next);
}

Test(ros_link, a_deadline_is_kept_while_others_go_on)
{
	struct asked asked = {0}, other = {0};
	bench_take(&bench);
	ask_for(&bench, &asked, "/ip/route/print", 2 * SECOND);
	ask_for(&bench, &other, "/ip/arp/print", 9 * SECOND);
	router_welcome(&bench);
	router_sentence(&bench);
	router_sentence(&bench);
	bench_advance(2 * SECOND);
	cr_assert_eq(asked.end.kind, ROS_END_TIMEOUT);
	cr_assert_eq(asked.end.reason, REASON_TIMEOUT);
	cr_assert_str_eq(asked.message, "the router has not answered in time");
	cr_assert(asked.end.took_ns > SECOND);
	cr_assert_eq(other.ends, 0);
	cr_assert_str_eq(router_sentence(&bench), "/cancel =tag=256");
	router_say(&bench, "!done", ".tag=256");
	router_say(&bench, "!done", ".tag=513");
	cr_assert_eq(other.end.kind, ROS_END_DONE);
	cr_assert_eq(figures_of(&bench).timeouts, 1);
	cr_assert_eq(figures_of(&bench).losses, 0);
	asked_free(&asked);
	asked_free(&other);
}

Test(ros_link, a_router_that_stops_answering_is_left)
{
	struct asked asked = {0}, other = {0};
	bench_take(&bench);
	ask_for(&bench, &asked, "/ip/route/print", 2 * SECOND);
	ask_for(&bench, &other, "/ip/arp/print", 60 * SECOND);
	router_welcome(&bench);
	bench_advance(2 * SECOND);
	cr_assert_eq(asked.end.kind, ROS_END_TIMEOUT);
	bench_advance(4900 * MS);
	cr_assert_eq(other.ends, 0);
	bench_advance(200 * MS);
	cr_assert_eq(other.end.kind, ROS_END_LOST);
	cr_assert_eq(other.end.reason, REASON_TIMEOUT);
	cr_assert_str_eq(other.message, "the router has stopped answering");
	cr_assert_eq(figures_of(&bench).losses, 1);
	cr_assert_eq(figures_of(&bench).state, ROS_LINK_PAUSING);
	asked_free(&asked);
	asked_free(&other);
}

Test(ros_link, who_waits_behind_others_too_long_is_told_so)
{
	struct asked asked = {0}, other = {0};
	bench.access->window = 1;
	bench_up(&asked);
	ask_for(&bench, &other, "/ip/arp/print", SECOND);
	bench_advance(SECOND);
	cr_assert_eq(other.end.kind, ROS_END_TIMEOUT);
	cr_assert_eq(other.end.took_ns, 0);
	cr_assert_str_eq(other.message, "its turn did not come in time: other commands were before it");
	router_say(&bench, "!done", ".tag=256");
	cr_assert_eq(asked.end.kind, ROS_END_DONE);
	asked_free(&asked);
	asked_free(&other);
}

/* 70 sentences of a mebibyte. */
Test(ros_link, an_answer_beyond_its_ceiling_is_cancelled)
{
	struct asked asked = {0};
	static char row[1000000];
	struct text sentence = {0};
	bench_up(&asked);
	asked.call.row = NULL;
	memset(row, 'x', sizeof(row));
	memcpy(row, "=a=", 3);
	put(&sentence, "!re", ".tag=256");
	sentence.length--;
	text_add_bytes(&sentence, "\xcf\x42\x40", 3);
	text_add_bytes(&sentence, row, sizeof(row));
	text_add_char(&sentence, '\0');
	for (int i = 0; i < 70 && asked.ends == 0; i++)
		for (size_t at = 0; at < sentence.length;) {
			ssize_t put = send(bench.peer, sentence.bytes + at, sentence.length - at, MSG_NOSIGNAL);
			at += put > 0 ? (size_t)put : 0;
			bench_pump();
		}
	cr_assert_eq(asked.end.kind, ROS_END_TOO_LARGE);
	cr_assert_eq(asked.end.reason, REASON_PROTOCOL);
	cr_assert_eq(asked.end.rows, 67);
	cr_assert_str_eq(router_sentence(&bench), "/cancel =tag=256");
	cr_assert_eq(figures_of(&bench).state, ROS_LINK_UP);
	text_free(&sentence);
	asked_free(&asked);
}

/* 6 MiB of commands for a router that does not read; then it does. */
Test(ros_link, a_router_that_reads_slowly_gets_everything_once)
{
	static struct asked asked[32];
	static char words[200000];
	struct text sentence = {0};
	size_t heard = 0;
	ssize_t got;
	bench.access->window = 32;
	bench_take(&bench);
	memset(words, 'x', sizeof(words));
	text_add_bytes(&sentence, "\x0b/file/print\xc3\x0d\x40", 15);
	text_add_bytes(&sentence, words, sizeof(words));
	for (size_t i = 0; i < 32; i++) {
		struct err err = {0};
		asked[i].call = (struct ros_call){
			.ended = asked_ended, .sentence = sentence.bytes, .sentence_bytes = sentence.length};
		cr_assert_eq(ros_link_call(bench.link, &asked[i].call, 0, INT64_MAX, &err), 0);
	}
	router_welcome(&bench);
	bench_advance(10 * SECOND);
	cr_assert(figures_of(&bench).sent_bytes < 6 * 1000000, "the kernel takes it all: this test shows nothing");
	/* with tags of three digits, and of four */
	size_t wanted = 32 * (sentence.length + 11) - 3;
	for (int i = 0; i < 10000 && heard < wanted; i++) {
		bench_advance(10 * MS);
		got = recv(bench.peer, words, sizeof(words), 0);
		heard += got > 0 ? (size_t)got : 0;
	}
	bench_advance(SECOND);
	cr_assert_eq(heard, wanted);
	cr_assert_eq(recv(bench.peer, words, sizeof(words), 0), -1);
	cr_assert_eq(figures_of(&bench).flying, 32);
	text_free(&sentence);
}
