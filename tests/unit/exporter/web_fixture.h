/*
 * A running web server on loopback, with a loop on a thread of its own, and a client made of plain sockets.
 */
#ifndef NETSONDE_TESTS_UNIT_EXPORTER_WEB_FIXTURE_H
#define NETSONDE_TESTS_UNIT_EXPORTER_WEB_FIXTURE_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "exporter/exporter.h"
#include "exporter/series.h"

#define PATIENCE_SECONDS 20

struct web_plan {
	unsigned targets; /* each has a histogram and a counter: 24 series */
	int64_t max_connections;
	int64_t reply_timeout_ns;
	const char *const *dialects;
	size_t ndialects;
	const struct dialect *(*read_dialect)(void *context, size_t i);
	const struct exporter_route *routes; /* their context is the struct web */
	size_t nroutes;
	const struct exporter_tree *tree; /* likewise */
	void *arg;                        /* for the routes */
};

struct web {
	struct loop *loop;
	struct mailbox *mailbox;
	struct mail stop;
	struct exporter_settings settings;
	char *address;
	struct exporter_host host;
	struct series_store *store;
	struct exporter *exporter;
	_Atomic bool is_ready;
	void *arg;
	pthread_t thread;
};

static const struct measure measures[] = {
	{"rtt_seconds", MEASURE_HISTOGRAM, "Round-trip time"},
	{"sent_total", MEASURE_COUNTER, "Sent"},
};
static const struct measure_set set = {"ping", measures, 2, NULL, "Ping"};

static const struct measure own_measures[] = {{"info", MEASURE_INFO, "The build"}};
static const struct measure_set own_set = {"build", own_measures, 1, NULL, "Build"};
static const struct label own_label = {"version", "1"};
static const struct reading own_reading = {.measure = 0, .value.integer = 1};
/* The daemon's own row that each page has. */
static const struct row web_own_row = {&own_set, &own_label, 1, &own_reading, 1};

static inline bool is_ready(void *context)
{
	return atomic_load(&((struct web *)context)->is_ready);
}

static inline void show_config(void *context, struct text *out)
{
	(void)context;
	text_add(out, "agent: { token = <secret>; };\n");
}

static inline void read_own(void *context, void (*add)(void *arg, const struct row *row), void *arg)
{
	(void)context;
	add(arg, &web_own_row);
}

static inline void deliver_stop(struct mail *mail, void *owner)
{
	(void)mail;
	loop_stop(owner);
}

static inline void drop_stop(struct mail *mail)
{
	(void)mail;
}

static inline void *run(void *arg)
{
	struct web *web = arg;
	struct err err = {0};
	if (loop_run(web->loop, &err) != 0)
		fprintf(stderr, "loop: %s\n", err.text);
	return NULL;
}

static inline void fill_store(struct series_store *store, unsigned targets)
{
	for (unsigned i = 0; i < targets; i++) {
		char name[32];
		snprintf(name, sizeof(name), "target-%u", i);
		const struct label labels[] = {{"target", name}, {"probe", "fast_ping"}};
		const int64_t ns = 1000000 + i;
		const struct reading readings[] = {reading_histogram(0, &ns, 1), reading_integer(1, i)};
		series_update(series_open(store, 0, labels, 2), &(struct row){&set, NULL, 0, readings, 2}, 1);
	}
}

static inline struct web *web_start(struct web_plan plan)
{
	struct err err = {0};
	signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	struct web *web = mem_zero(1, sizeof(*web));
	web->loop = loop_create(0, &err);
	cr_assert(web->loop, "%s", err.text);
	web->mailbox = mailbox_create(web->loop, 4, web->loop, &err);
	cr_assert(web->mailbox, "%s", err.text);
	web->stop = (struct mail){.deliver = deliver_stop, .drop = drop_stop};
	web->arg = plan.arg;
	web->store = series_store_create(1, 1000000);
	fill_store(web->store, plan.targets);
	web->address = mem_copy_string("127.0.0.1:0");
	web->settings = (struct exporter_settings){
		.listen = {&web->address, 1},
		.max_series = 1000000,
		.max_connections = plan.max_connections ? plan.max_connections : 100,
		.request_timeout_ns = plan.reply_timeout_ns ? plan.reply_timeout_ns : INT64_C(60000000000),
		.reply_timeout_ns = plan.reply_timeout_ns ? plan.reply_timeout_ns : INT64_C(60000000000)};
	web->host = (struct exporter_host){.context = web,
					   .routes = plan.routes,
					   .nroutes = plan.nroutes,
					   .tree = plan.tree,
					   .dialects = plan.dialects,
					   .ndialects = plan.ndialects,
					   .read_dialect = plan.read_dialect,
					   .is_ready = is_ready,
					   .show_config = show_config,
					   .read_own = read_own};
	web->exporter = exporter_create(web->loop, &web->settings, &web->host, web->store, &err);
	cr_assert(web->exporter, "%s", err.text);
	cr_assert_eq(pthread_create(&web->thread, NULL, run, web), 0);
	return web;
}

static inline void web_stop(struct web *web)
{
	cr_assert(mailbox_post(web->mailbox, &web->stop));
	pthread_join(web->thread, NULL);
	exporter_free(web->exporter);
	mailbox_free(web->mailbox);
	loop_free(web->loop);
	series_store_free(web->store);
	mem_free(web->address);
	mem_free(web);
}

static inline struct series_store *web_store(const struct web *web)
{
	return web->store;
}

static inline void web_set_ready(struct web *web, bool ready)
{
	atomic_store(&web->is_ready, ready);
}

/* One of the figures of the set "web", by the name of its measure. */
static inline int64_t web_figure(const struct web *web, const char *measure)
{
	struct reading readings[64];
	cr_assert_leq(exporter_set.n, 64);
	size_t n = exporter_read(web->exporter, readings);
	cr_assert_leq(n, exporter_set.n);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(exporter_set.measures[readings[i].measure].name, measure) == 0)
			return readings[i].value.integer;
	}
	cr_assert_fail("there is no figure %s", measure);
	return 0;
}

/* Waits until a figure is what it should be, for as long as a busy machine may take. */
static inline bool web_wait(const struct web *web, const char *measure, int64_t value)
{
	for (unsigned i = 0; i < PATIENCE_SECONDS * 200; i++) {
		if (web_figure(web, measure) == value)
			return true;
		usleep(5000);
	}
	return false;
}

/* --- the client -------------------------------------------------------------------------------------------------- */

struct answer {
	int status; /* 0: the connection ended before an answer was whole */
	struct text head, body;
	bool is_chunked;
};

/* Reads that wait for longer than patience fail. small: with a small receive buffer. */
static inline int web_connect_from(const struct web *web, const char *source, bool small)
{
	const char *listener = exporter_listener(web->exporter, 0);
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(source)};
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)atoi(strchr(listener, ':') + 1)),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), bytes = 4096;
	cr_assert_geq(client, 0);
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (small)
		setsockopt(client, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	cr_assert_eq(bind(client, (struct sockaddr *)&from, sizeof(from)), 0);
	cr_assert_eq(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	return client;
}

static inline int web_connect(const struct web *web, bool small)
{
	return web_connect_from(web, "127.0.0.1", small);
}

static inline void web_send(int client, const char *bytes)
{
	cr_assert_eq(send(client, bytes, strlen(bytes), MSG_NOSIGNAL), (ssize_t)strlen(bytes));
}

/* The value of a field of the head, or NULL; valid until the next call. */
static const char *web_field(struct answer *answer, const char *name)
{
	static char value[512];
	const char *line = text_string(&answer->head);
	for (; line; line = strstr(line, "\r\n"), line = line ? line + 2 : NULL) {
		if (strncasecmp(line, name, strlen(name)) != 0 || line[strlen(name)] != ':')
			continue;
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(line + strlen(name) + 2, "\r"),
			 line + strlen(name) + 2);
		return value;
	}
	return NULL;
}

static inline bool receive_bytes(int client, struct text *out, size_t n)
{
	while (n > 0) {
		char *to = text_reserve(out, n);
		ssize_t got = recv(client, to, n, 0);
		if (got <= 0)
			return false;
		out->length += (size_t)got;
		n -= (size_t)got;
	}
	return true;
}

/* Up to and with the next CR LF. */
static inline bool receive_line(int client, struct text *out)
{
	size_t begin = out->length;
	do {
		if (!receive_bytes(client, out, 1))
			return false;
	} while (out->length - begin < 2 || memcmp(out->bytes + out->length - 2, "\r\n", 2) != 0);
	return true;
}

static inline bool receive_chunks(int client, struct text *body)
{
	for (;;) {
		struct text line = {0};
		bool is_there = receive_line(client, &line);
		size_t n = is_there ? strtoul(text_string(&line), NULL, 16) : 0;
		text_free(&line);
		if (!is_there || !receive_bytes(client, body, n) || !receive_line(client, &line))
			return false;
		bool is_end = line.length == 2;
		text_free(&line);
		if (!is_end)
			return false;
		if (n == 0)
			return true;
	}
}

static inline bool receive_rest(int client, struct text *body)
{
	while (receive_bytes(client, body, 1))
		;
	return true;
}

static inline bool receive_body(int client, struct answer *answer)
{
	const char *length = web_field(answer, "content-length");
	if (length)
		return receive_bytes(client, &answer->body, strtoul(length, NULL, 10));
	if (answer->is_chunked)
		return receive_chunks(client, &answer->body);
	return receive_rest(client, &answer->body);
}

/* Reads one answer, and nothing of the next. has_body: false for answers to HEAD. */
static inline struct answer web_receive(int client, bool has_body)
{
	struct answer answer = {0};
	size_t begin;
	do {
		begin = answer.head.length;
		if (!receive_line(client, &answer.head))
			return answer;
	} while (answer.head.length - begin > 2);
	const char *coding = web_field(&answer, "transfer-encoding");
	answer.is_chunked = coding && strcmp(coding, "chunked") == 0;
	if (!has_body || receive_body(client, &answer))
		answer.status = atoi(text_string(&answer.head) + strlen("HTTP/1.1 "));
	return answer;
}

/* Connects, asks for a path with more fields (each with CR LF, or ""), returns the answer. */
static inline struct answer web_get(const struct web *web, const char *path, const char *fields)
{
	struct text request = {0};
	int client = web_connect(web, false);
	text_add_format(&request, "GET %s HTTP/1.1\r\nHost: test\r\n%s\r\n", path, fields);
	web_send(client, text_string(&request));
	struct answer answer = web_receive(client, true);
	text_free(&request);
	close(client);
	return answer;
}

static inline void web_forget(struct answer *answer)
{
	text_free(&answer->head);
	text_free(&answer->body);
}

/* Has the server closed the connection? Waits for it. Bytes before the end are skipped. */
static inline bool web_is_closed(int client)
{
	char bytes[65536];
	ssize_t got;
	while ((got = recv(client, bytes, sizeof(bytes), 0)) > 0)
		;
	return got == 0 || errno == ECONNRESET;
}

#endif
