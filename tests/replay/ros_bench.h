/*
 * Links to routers on virtual time: what their tests share. The link, its pool and its sockets are real; the router is
 * the test, at the other end of a loopback connection, and says byte by byte what it is told to.
 */
#ifndef NETSONDE_TESTS_REPLAY_ROS_BENCH_H
#define NETSONDE_TESTS_REPLAY_ROS_BENCH_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/resolve.h"
#include "core/text.h"
#include "probes/routeros/ros_pool.h"
#include "tests/fakes/fakes.h"
#include "tests/unit/probes/ros_fixture.h"

#define MS     NS_PER_MS
#define SECOND NS_PER_SECOND

struct bench {
	struct loop *loop;
	struct resolver *resolver;
	struct ros_pool *pool;
	struct ros_access *access; /* defaults, user and password are set */
	struct ros_link *link;
	int listener, peer; /* -1: none */
	uint16_t port;
	struct text heard; /* what the router has received and not understood yet */
	char words[65536]; /* its next sentence: "/login =name=user =password=word" */
};

/* A command, and all that came of it. */
struct asked {
	struct ros_call call;
	struct text sentence;
	struct text rows;   /* "name=value name=value;" */
	struct ros_end end; /* without what is borrowed */
	char message[ROS_MESSAGE_SIZE], returned[64];
	unsigned ends;
	unsigned cancel_at; /* cancels itself at this row; 0: never */
	bool again;         /* calls again from inside its end */
};

static inline void bench_listen(struct bench *bench)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(bench->port)};
	socklen_t length = sizeof(any);
	int one = 1, small = 4096;
	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bench->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(bench->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(bench->listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	cr_assert_eq(bind(bench->listener, (struct sockaddr *)&any, sizeof(any)), 0);
	cr_assert_eq(listen(bench->listener, 16), 0);
	cr_assert_eq(getsockname(bench->listener, (struct sockaddr *)&any, &length), 0);
	bench->port = ntohs(any.sin_port);
}

static inline void bench_unlisten(struct bench *bench)
{
	close(bench->listener);
	bench->listener = -1;
}

static inline void bench_open(struct bench *bench)
{
	*bench = (struct bench){.peer = -1};
	fake_reset();
	bench->loop = loop_create(0, NULL);
	bench->resolver = resolver_create(bench->loop, NULL, NULL);
	bench->pool = ros_pool_create(bench->loop, bench->resolver);
	bench_listen(bench);
	bench->access = mem_zero(1, sizeof(*bench->access));
	ros_access_set_defaults(bench->access);
	bench->access->username = mem_copy_string("netsonde");
	bench->access->password = mem_copy_string("open-sesame");
	bench->access->port = bench->port;
}

static inline struct ros_link *bench_take(struct bench *bench)
{
	struct err err = {0};
	bench->link = ros_pool_take(bench->pool, "127.0.0.1", bench->access, NULL, &err);
	cr_assert_not_null(bench->link, "%s", err.text);
	return bench->link;
}

static inline void bench_hang_up(struct bench *bench)
{
	if (bench->peer >= 0)
		close(bench->peer);
	bench->peer = -1;
	text_clear(&bench->heard);
}

static inline void bench_close(struct bench *bench)
{
	ros_pool_give(bench->pool, bench->link);
	ros_pool_free(bench->pool);
	ros_access_free(bench->access);
	bench_hang_up(bench);
	if (bench->listener >= 0)
		bench_unlisten(bench);
	text_free(&bench->heard);
	resolver_free(bench->resolver);
	loop_free(bench->loop);
	cr_assert_eq(fake_alive(), 0);
}

/* All that can happen now. Loopback delivers within the system call. */
static inline void bench_pump(void)
{
	do
		fake_advance_ns(0);
	while (fake_fire_ready() > 0);
	fake_advance_ns(0);
}

static inline void bench_advance(int64_t ns)
{
	bench_pump();
	fake_advance_ns(ns);
	bench_pump();
}

/* --- the router --------------------------------------------------------------------------------------------------- */

static inline bool router_accept(struct bench *bench)
{
	bench_pump();
	bench_hang_up(bench);
	int one = 1;
	bench->peer = accept4(bench->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	setsockopt(bench->peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	bench_pump();
	return bench->peer >= 0;
}

static inline void router_hear(struct bench *bench)
{
	char *to;
	ssize_t got;
	do {
		to = text_reserve(&bench->heard, 65536);
		got = recv(bench->peer, to, 65536, 0);
		bench->heard.length += got > 0 ? (size_t)got : 0;
		bench_pump();
	} while (got > 0);
}

/* The next sentence with blanks between the words, "" when there is none. Words are of less than 16 KiB here. */
static inline const char *router_sentence(struct bench *bench)
{
	struct text *heard = &bench->heard;
	size_t at = 0, n = 0;
	router_hear(bench);
	bench->words[0] = '\0';
	while (at < heard->length && heard->bytes[at] != '\0') {
		unsigned char first = (unsigned char)heard->bytes[at++];
		size_t length = first < 0x80 ? first : (size_t)(first & 0x3f) << 8 | (unsigned char)heard->bytes[at++];
		cr_assert_lt(n + length + 2, sizeof(bench->words));
		n += (size_t)snprintf(bench->words + n, sizeof(bench->words) - n, "%s%.*s", n ? " " : "", (int)length,
				      heard->bytes + at);
		at += length;
	}
	cr_assert(n == 0 || at < heard->length, "half a sentence: %s", bench->words);
	if (n > 0) {
		memmove(heard->bytes, heard->bytes + at + 1, heard->length - at - 1);
		heard->length -= at + 1;
	}
	return bench->words;
}

/* The tag of the sentence that was read last, as ".tag=256". */
static inline const char *router_tag(const struct bench *bench)
{
	const char *at = strstr(bench->words, ".tag=");
	cr_assert_not_null(at, "no tag: %s", bench->words);
	return at;
}

static inline void router_send(struct bench *bench, const void *bytes, size_t n)
{
	cr_assert_eq(send(bench->peer, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
	bench_pump();
}

#define router_say(bench, ...)                                                                                         \
	do {                                                                                                           \
		struct text said = {0};                                                                                \
		put(&said, __VA_ARGS__);                                                                               \
		router_send(bench, said.bytes, said.length);                                                           \
		text_free(&said);                                                                                      \
	} while (0)

/* Takes a connection and its login, the new one. */
static inline void router_welcome(struct bench *bench)
{
	cr_assert(router_accept(bench));
	cr_assert_str_eq(router_sentence(bench), "/login =name=netsonde =password=open-sesame");
	router_say(bench, "!done");
}

/* --- whoever asks ------------------------------------------------------------------------------------------------- */

static inline void asked_row(struct ros_call *call, const struct ros_reply *reply)
{
	struct asked *asked = (struct asked *)call;
	for (size_t i = 0; i < reply->npairs; i++) {
		text_add_bytes(&asked->rows, reply->pairs[i].name.bytes, reply->pairs[i].name.length);
		text_add_char(&asked->rows, '=');
		text_add_bytes(&asked->rows, reply->pairs[i].value.bytes, reply->pairs[i].value.length);
		text_add_char(&asked->rows, i + 1 < reply->npairs ? ' ' : ';');
	}
	if (asked->cancel_at && call->command.rows == asked->cancel_at)
		ros_link_cancel(call);
}

static inline void asked_ended(struct ros_call *call, const struct ros_end *end)
{
	struct asked *asked = (struct asked *)call;
	struct ros_word word;
	asked->ends++;
	asked->end = *end;
	snprintf(asked->message, sizeof(asked->message), "%s", end->message);
	if (end->reply && ros_reply_return(end->reply, &word))
		snprintf(asked->returned, sizeof(asked->returned), "%.*s", (int)word.length, word.bytes);
	asked->end.message = NULL;
	asked->end.reply = NULL;
}

/* asked is zeroed, or has had its end. */
static inline void ask_for(struct bench *bench, struct asked *asked, const char *command, int64_t within_ns)
{
	struct err err = {0};
	text_clear(&asked->sentence);
	struct ros_writer writer = ros_write_begin(&asked->sentence, command);
	cr_assert_eq(ros_write_end(&writer, &err), 0, "%s", err.text);
	asked->call.sentence = asked->sentence.bytes;
	asked->call.sentence_bytes = ros_link_sentence(asked->sentence.bytes, asked->sentence.length);
	asked->call.row = asked_row;
	asked->call.ended = asked_ended;
	cr_assert_eq(ros_link_call(bench->link, &asked->call, 0, clock_monotonic_ns() + within_ns, &err), 0, "%s",
		     err.text);
}

static inline void ask(struct bench *bench, struct asked *asked, const char *command)
{
	ask_for(bench, asked, command, 10 * SECOND);
}

static inline void asked_free(struct asked *asked)
{
	text_free(&asked->sentence);
	text_free(&asked->rows);
}

static inline struct ros_link_figures figures_of(const struct bench *bench)
{
	struct ros_link_figures figures;
	ros_link_read(bench->link, &figures);
	return figures;
}

#endif
