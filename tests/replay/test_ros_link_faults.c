/*
 * What goes wrong between a link and its router, and what becomes of it: reasons, pauses, the breaker.
 */
#include <stdlib.h>

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

TestSuite(ros_link_faults, .init = begin, .fini = end);

static void bench_up(struct asked *asked)
{
	bench_take(&bench);
	ask(&bench, asked, "/ip/route/print");
	router_welcome(&bench);
	cr_assert_str_eq(router_sentence(&bench), "/ip/route/print .tag=256");
}

static void expect_lost(const struct asked *asked, enum reason reason, const char *message)
{
	cr_assert_eq(asked->ends, 1);
	cr_assert_eq(asked->end.kind, ROS_END_LOST);
	cr_assert_str_eq(reason_name(asked->end.reason), reason_name(reason));
	cr_assert_str_eq(asked->message, message);
	cr_assert_eq(figures_of(&bench).reason, reason);
	cr_assert_str_eq(figures_of(&bench).message, message);
	cr_assert_eq(figures_of(&bench).state, ROS_LINK_PAUSING);
}

/* --- ends of connections ------------------------------------------------------------------------------------------ */

Test(ros_link_faults, the_router_ends_the_session)
{
	struct asked asked = {0};
	bench_up(&asked);
	router_send(&bench, "\x06!fatal\x1dsession terminated on request", 37);
	router_send(&bench, "", 1);
	expect_lost(&asked, REASON_PROTOCOL, "the router has ended the session: session terminated on request");
	cr_assert_eq(figures_of(&bench).losses, 1);
	asked_free(&asked);
}

Test(ros_link_faults, an_end_between_sentences)
{
	struct asked asked = {0};
	bench_up(&asked);
	router_say(&bench, "!re", ".tag=256", "=a=1");
	bench_hang_up(&bench);
	bench_pump();
	expect_lost(&asked, REASON_RESET, "the router has closed the connection");
	cr_assert_eq(asked.end.rows, 1);
	asked_free(&asked);
}

Test(ros_link_faults, an_end_inside_a_word_or_a_sentence)
{
	static const char bytes[] = "\x03!re\x08.tag=256\x0a=name=et";
	for (size_t n = 1; n < sizeof(bytes); n++) {
		struct asked asked = {0};
		bench_up(&asked);
		router_send(&bench, bytes, n);
		bench_hang_up(&bench);
		bench_pump();
		expect_lost(&asked, REASON_PROTOCOL,
			    "the router has closed the connection in the middle of a sentence");
		asked_free(&asked);
		ros_pool_give(bench.pool, bench.link);
		bench.link = NULL;
		bench_advance(ROS_POOL_LINGER_NS + SECOND);
	}
}

Test(ros_link_faults, garbage)
{
	struct asked asked = {0};
	bench_up(&asked);
	router_send(&bench, "\xff\xff\xff\xff", 4);
	cr_assert_eq(asked.end.reason, REASON_PROTOCOL);
	cr_assert_eq(strncmp(asked.message, "what comes from the router is not its API: ", 43), 0, "%s", asked.message);
	cr_assert(router_accept(&bench) == false);
	asked_free(&asked);
}

Test(ros_link_faults, a_sentence_that_is_no_reply)
{
	struct asked asked = {0};
	bench_up(&asked);
	router_say(&bench, "=name=ether1");
	cr_assert_eq(asked.end.reason, REASON_PROTOCOL);
	asked_free(&asked);
}

Test(ros_link_faults, somebody_else_answers_at_the_port)
{
	struct asked asked = {0};
	static const char banner[] = "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u7\r\n";
	bench_take(&bench);
	ask(&bench, &asked, "/ip/route/print");
	cr_assert(router_accept(&bench));
	router_sentence(&bench);
	router_send(&bench, banner, sizeof(banner) - 1);
	bench_hang_up(&bench);
	bench_pump();
	cr_assert_eq(asked.end.kind, ROS_END_LOST);
	cr_assert_eq(asked.end.reason, REASON_PROTOCOL, "%s", asked.message);
	asked_free(&asked);
}

Test(ros_link_faults, before_the_login_sentences_are_short)
{
	struct asked asked = {0};
	static char long_word[5000] = "\x93\x80=message=";
	bench_take(&bench);
	ask(&bench, &asked, "/ip/route/print");
	cr_assert(router_accept(&bench));
	router_send(&bench, "\x05!trap", 6);
	router_send(&bench, long_word, sizeof(long_word));
	cr_assert_eq(asked.end.reason, REASON_PROTOCOL, "%s", asked.message);
	asked_free(&asked);
}

Test(ros_link_faults, too_many_sessions)
{
	struct asked asked = {0};
	bench_take(&bench);
	ask(&bench, &asked, "/ip/route/print");
	cr_assert(router_accept(&bench));
	router_sentence(&bench);
	bench_hang_up(&bench);
	bench_pump();
	expect_lost(&asked, REASON_RESET,
		    "the router has closed the connection before the login: too many sessions (max-sessions of /ip "
		    "service), or it is no API");
	cr_assert_eq(figures_of(&bench).failures, 1);
	asked_free(&asked);
}

Test(ros_link_faults, a_login_that_is_none)
{
	struct asked asked = {0};
	bench_take(&bench);
	ask(&bench, &asked, "/ip/route/print");
	cr_assert(router_accept(&bench));
	router_say(&bench, "!done", "=ret=sesame");
	cr_assert_eq(asked.end.reason, REASON_PROTOCOL, "%s", asked.message);
	cr_assert_eq(figures_of(&bench).breaker, ROS_BREAKER_CLOSED);
	asked_free(&asked);
}

/* --- pauses ------------------------------------------------------------------------------------------------------- */

/* Asks every 100 ms for so long; returns how many attempts that made. */
static uint64_t attempts_within(struct asked *asked, int64_t ns)
{
	uint64_t before = figures_of(&bench).attempts;
	for (int64_t i = 0; i < ns; i += 100 * MS) {
		ask(&bench, asked, "/ip/route/print");
		bench_advance(100 * MS);
	}
	return figures_of(&bench).attempts - before;
}

Test(ros_link_faults, pauses_grow_and_the_breaker_opens)
{
	struct asked asked = {0};
	bench_take(&bench);
	bench_unlisten(&bench);
	ask(&bench, &asked, "/ip/route/print");
	bench_pump();
	expect_lost(&asked, REASON_REFUSED, "Connection refused");
	cr_assert_eq(figures_of(&bench).breaker, ROS_BREAKER_CLOSED);
	for (int64_t failures = 1, pause_ns = SECOND; failures < 5; failures++, pause_ns *= 2) {
		int64_t left_ns = figures_of(&bench).retry_ns - clock_monotonic_ns();
		cr_assert(left_ns >= pause_ns / 2 - 300 * MS && left_ns <= pause_ns, "%g s", clock_seconds(left_ns));
		cr_assert_eq(figures_of(&bench).breaker, ROS_BREAKER_CLOSED);
		cr_assert_eq(attempts_within(&asked, left_ns - 100 * MS), 0);
		cr_assert_eq(attempts_within(&asked, 300 * MS), 1);
	}
	cr_assert_eq(figures_of(&bench).breaker, ROS_BREAKER_OPEN);
	uint64_t attempts = attempts_within(&asked, 600 * SECOND);
	cr_assert(attempts >= 10 && attempts <= 20, "%lu attempts in ten minutes", (unsigned long)attempts);
	cr_assert_eq(figures_of(&bench).breaker, ROS_BREAKER_OPEN);

	/* It comes back. */
	bench_listen(&bench);
	for (int i = 0; i < 700 && !router_accept(&bench); i++)
		attempts_within(&asked, 100 * MS);
	cr_assert_eq(figures_of(&bench).breaker, ROS_BREAKER_HALF_OPEN);
	router_sentence(&bench);
	router_say(&bench, "!done");
	router_sentence(&bench);
	router_say(&bench, "!done", router_tag(&bench));
	cr_assert_eq(asked.end.kind, ROS_END_DONE);
	cr_assert_eq(figures_of(&bench).breaker, ROS_BREAKER_CLOSED);
	asked_free(&asked);
}

/* A router that takes the login and closes: its pauses grow all the same. */
Test(ros_link_faults, connections_that_do_not_last_are_failures)
{
	struct asked asked = {0};
	int sessions = 0;
	bench_take(&bench);
	for (int i = 0; i < 600; i++) {
		if (!asked.call.link)
			ask(&bench, &asked, "/ip/route/print");
		if (router_accept(&bench)) {
			router_sentence(&bench);
			router_say(&bench, "!done");
			bench_hang_up(&bench);
			sessions++;
		}
		bench_advance(100 * MS);
	}
	cr_assert(sessions >= 5 && sessions <= 7, "%d sessions within a minute", sessions);
	cr_assert_eq(figures_of(&bench).breaker, ROS_BREAKER_OPEN);
	cr_assert_eq(figures_of(&bench).losses, (uint64_t)sessions);
	ros_link_cancel(&asked.call);
	asked_free(&asked);
}

Test(ros_link_faults, a_connection_that_lasted_is_soon_made_again)
{
	struct asked asked = {0};
	bench.access->idle_ns = 0;
	for (int i = 0; i < 10; i++) {
		if (i == 0) {
			bench_up(&asked);
		} else {
			ask(&bench, &asked, "/ip/route/print");
			router_welcome(&bench);
			router_sentence(&bench);
		}
		router_say(&bench, "!done", router_tag(&bench));
		cr_assert_eq(asked.end.kind, ROS_END_DONE);
		bench_advance(3600 * SECOND);
		bench_hang_up(&bench);
		bench_pump();
		cr_assert_eq(figures_of(&bench).state, ROS_LINK_PAUSING);
		bench_advance(SECOND);
		cr_assert_eq(figures_of(&bench).state, ROS_LINK_IDLE);
	}
	cr_assert_eq(figures_of(&bench).epoch, 10);
	cr_assert_eq(figures_of(&bench).breaker, ROS_BREAKER_CLOSED);
	asked_free(&asked);
}

/* --- connections that nobody needs -------------------------------------------------------------------------------- */

Test(ros_link_faults, an_idle_connection_is_closed_and_made_again)
{
	struct asked asked = {0};
	char byte;
	bench_up(&asked);
	bench_advance(9 * SECOND);
	router_say(&bench, "!done", ".tag=256");
	bench_advance(119 * SECOND);
	cr_assert_eq(figures_of(&bench).state, ROS_LINK_UP);
	bench_advance(2 * SECOND);
	cr_assert_eq(figures_of(&bench).state, ROS_LINK_IDLE);
	cr_assert_eq(recv(bench.peer, &byte, 1, 0), 0);
	cr_assert_eq(figures_of(&bench).losses, 0);
	ask(&bench, &asked, "/ip/arp/print");
	router_welcome(&bench);
	cr_assert_str_eq(router_sentence(&bench), "/ip/arp/print .tag=512");
	router_say(&bench, "!done", ".tag=512");
	cr_assert_eq(asked.end.kind, ROS_END_DONE);
	cr_assert_eq(figures_of(&bench).epoch, 2);
	asked_free(&asked);
}

Test(ros_link_faults, a_long_command_keeps_its_connection)
{
	struct asked asked = {0};
	bench_take(&bench);
	ask_for(&bench, &asked, "/tool/traceroute", 1000 * SECOND);
	router_welcome(&bench);
	router_sentence(&bench);
	uint64_t rung = fake_rung();
	bench_advance(900 * SECOND);
	cr_assert_eq(figures_of(&bench).state, ROS_LINK_UP);
	cr_assert(fake_rung() - rung < 10, "it wakes for nothing: %lu", (unsigned long)(fake_rung() - rung));
	router_say(&bench, "!done", ".tag=256");
	cr_assert_eq(asked.end.kind, ROS_END_DONE);
	asked_free(&asked);
}

Test(ros_link_faults, an_idle_link_is_small_and_sleeps)
{
	struct asked asked = {0};
	static char row[20000] = "=a=";
	struct text sentence = {0};
	bench_up(&asked);
	memset(row + 3, 'x', sizeof(row) - 3);
	put(&sentence, "!re", ".tag=256");
	sentence.length--;
	text_add_bytes(&sentence, "\xc0\x4e\x20", 3);
	text_add_bytes(&sentence, row, sizeof(row));
	text_add_char(&sentence, '\0');
	router_send(&bench, sentence.bytes, 11111);
	router_send(&bench, sentence.bytes + 11111, sentence.length - 11111);
	router_say(&bench, "!done", ".tag=256");
	cr_assert_eq(asked.end.rows, 1);
	asked_free(&asked);
	text_free(&sentence);
	size_t before = fake_memory_bytes();
	ros_pool_give(bench.pool, bench.link);
	bench.link = NULL;
	uint64_t rung = fake_rung();
	bench_advance(60 * SECOND);
	cr_assert(fake_rung() - rung <= 1, "for the deadline that was");
	bench_advance(ROS_POOL_LINGER_NS);
	size_t after = fake_memory_bytes();
	cr_assert(before - after < 5000, "an idle link takes %zu bytes", before - after);
}

/* --- names, passwords, guards ------------------------------------------------------------------------------------- */

static void take_host(const char *host, const struct ros_link_guard *guard)
{
	struct err err = {0};
	bench.link = ros_pool_take(bench.pool, host, bench.access, guard, &err);
	cr_assert_not_null(bench.link, "%s", err.text);
}

Test(ros_link_faults, names)
{
	struct asked asked = {0};
	fake_resolve_set_error("router.example", "no such name", 20 * MS);
	take_host("router.example", NULL);
	ask(&bench, &asked, "/ip/route/print");
	bench_pump();
	cr_assert_eq(figures_of(&bench).state, ROS_LINK_RESOLVING);
	bench_advance(30 * MS);
	expect_lost(&asked, REASON_RESOLVE, "router.example: no such name");
	fake_resolve_set_text("router.example", "127.0.0.1", 60);
	bench_advance(10 * SECOND);
	ask(&bench, &asked, "/ip/route/print");
	router_welcome(&bench);
	router_sentence(&bench);
	router_say(&bench, "!done", router_tag(&bench));
	cr_assert_eq(asked.end.kind, ROS_END_DONE);
	asked_free(&asked);
}

Test(ros_link_faults, a_name_that_takes_too_long)
{
	struct asked asked = {0}, hasty = {0};
	fake_resolve_set_error("router.example", "timeout", 20 * SECOND);
	take_host("router.example", NULL);
	ask(&bench, &asked, "/ip/route/print");
	ask_for(&bench, &hasty, "/ip/route/print", SECOND);
	bench_advance(SECOND);
	cr_assert_eq(hasty.end.kind, ROS_END_TIMEOUT);
	cr_assert_str_eq(hasty.message, "no connection in time: its name is still being looked up");
	bench_advance(4 * SECOND);
	expect_lost(&asked, REASON_RESOLVE, "router.example: no answer from the resolver in time");
	asked_free(&asked);
	asked_free(&hasty);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

Test(ros_link_faults, the_password_file_is_read_at_each_connection)
{
	struct asked asked = {0};
	char path[] = "/tmp/netsonde-password-XXXXXX", message[200];
	close(mkstemp(path));
	unlink(path);
	mem_free(bench.access->password);
	bench.access->password = NULL;
	bench.access->password_file = mem_copy_string(path);
	bench_take(&bench);
	ask(&bench, &asked, "/ip/route/print");
	bench_pump();
	snprintf(message, sizeof(message), "password_file: %s: cannot open: No such file or directory", path);
	expect_lost(&asked, REASON_LOCAL, message);

	write_file(path, "first\n");
	bench_advance(SECOND);
	ask(&bench, &asked, "/ip/route/print");
	cr_assert(router_accept(&bench));
	cr_assert_str_eq(router_sentence(&bench), "", "the one that was given up");
	cr_assert(router_accept(&bench));
	cr_assert_str_eq(router_sentence(&bench), "/login =name=netsonde =password=first");
	router_say(&bench, "!trap", "=message=bad first");
	router_say(&bench, "!done");
	cr_assert_eq(asked.end.reason, REASON_LOGIN);
	cr_assert_null(strstr(asked.message, "first"), "%s", asked.message);

	write_file(path, "second\nand more\n");
	bench_advance(60 * SECOND);
	ask(&bench, &asked, "/ip/route/print");
	cr_assert(router_accept(&bench));
	cr_assert_str_eq(router_sentence(&bench), "/login =name=netsonde =password=second");
	unlink(path);
	router_say(&bench, "!done");
	router_sentence(&bench);
	router_say(&bench, "!done", router_tag(&bench));
	cr_assert_eq(asked.end.kind, ROS_END_DONE);
	asked_free(&asked);
}

static unsigned questions;

static bool permits(void *arg, const char *host, const struct address *address, uint16_t port, struct err *err)
{
	questions++;
	cr_assert_str_eq(host, "127.0.0.1");
	cr_assert_eq(port, bench.port);
	cr_assert_eq(address->port, bench.port);
	if (*(const bool *)arg)
		return true;
	err_set(err, "127.0.0.1 is not among the destinations");
	return false;
}

Test(ros_link_faults, a_guard_decides_before_the_connection)
{
	struct asked asked = {0};
	bool is_welcome = false;
	const struct ros_link_guard guard = {permits, &is_welcome};
	take_host("127.0.0.1", &guard);
	ask(&bench, &asked, "/ip/route/print");
	bench_pump();
	expect_lost(&asked, REASON_DENIED, "127.0.0.1 is not among the destinations");
	cr_assert_not(router_accept(&bench));
	is_welcome = true;
	bench_advance(SECOND);
	ask(&bench, &asked, "/ip/route/print");
	router_welcome(&bench);
	cr_assert_eq(questions, 2);
	router_sentence(&bench);
	router_say(&bench, "!done", router_tag(&bench));
	cr_assert_eq(asked.end.kind, ROS_END_DONE);
	asked_free(&asked);
}
