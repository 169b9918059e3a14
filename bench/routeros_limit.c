/*
 * routeros_limit.c - the RouterOS API with nothing but the unavoidable: a responder that gives each command the same
 * answer, and a closed loop that asks ROUTERS of them, WINDOW commands at a time each, from one thread.
 * build: cc -O2 -o routeros_limit routeros_limit.c
 * usage: routeros_limit serve PORT [ROWS]    every address of 127/8 is a router; ROWS interfaces each; 0: any port
 *        routeros_limit ask PORT ROUTERS WINDOW SECONDS [COMMAND]
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IN_BYTES   65536
#define WINDOW_MAX 256
#define TIMES_MAX  (8 << 20)

struct bytes {
	char *at;
	size_t n, room;
};

/* A connection of either side. */
struct peer {
	int fd;
	char in[IN_BYTES];
	size_t n;
	struct bytes out;
	size_t sent;
	double begun[WINDOW_MAX + 1]; /* of the command with this tag */
};

/* An answer: its sentences, each without tag and end. */
struct answer {
	const char *path;
	struct bytes *sentences;
	size_t n;
};

/* What a sentence says: its first word, and its tag. */
struct sentence {
	const char *first, *tag;
	size_t first_n, tag_n;
};

struct loop {
	int epoll;
	struct answer *answers;
	size_t nanswers;
	double started;
	long uptime; /* that the answers tell */
	/* of asking */
	struct bytes command;
	unsigned window;
	double end;
	float *times_ms;
	size_t done, rows, bad;
};

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void add(struct bytes *b, const void *p, size_t n)
{
	if (b->n + n > b->room) {
		b->room = (b->n + n) * 2;
		b->at = realloc(b->at, b->room);
		if (!b->at)
			fail("realloc");
	}
	memcpy(b->at + b->n, p, n);
	b->n += n;
}

/* Words of this program are shorter than 128 bytes. */
static void add_word(struct bytes *b, const char *word, size_t n)
{
	char length = (char)n;
	add(b, &length, 1);
	add(b, word, n);
}

/* Bytes of a whole sentence at p, with what it says; 0: not all of it is there. */
static size_t read_sentence(const char *p, size_t n, struct sentence *s)
{
	size_t at = 0;
	memset(s, 0, sizeof(*s));
	while (at < n) {
		size_t length = (uint8_t)p[at++];
		if (length == 0)
			return at;
		if (length >= 0x80) {
			if (length >= 0xc0 || at == n)
				return 0;
			length = (length & 0x3f) << 8 | (uint8_t)p[at++];
		}
		if (at + length > n)
			return 0;
		if (!s->first) {
			s->first = p + at;
			s->first_n = length;
		} else if (length > 5 && memcmp(p + at, ".tag=", 5) == 0) {
			s->tag = p + at;
			s->tag_n = length;
		}
		at += length;
	}
	return 0;
}

static int is(const struct sentence *s, const char *word)
{
	return s->first_n == strlen(word) && memcmp(s->first, word, s->first_n) == 0;
}

static void watch(struct loop *loop, struct peer *peer, int op)
{
	int waits = peer->sent < peer->out.n;
	struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0), .data.ptr = peer};
	epoll_ctl(loop->epoll, op, peer->fd, &event);
}

static struct peer *open_peer(struct loop *loop, int fd)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	int one = 1;
	if (!peer)
		fail("calloc");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	peer->fd = fd;
	watch(loop, peer, EPOLL_CTL_ADD);
	return peer;
}

static void close_peer(struct peer *peer)
{
	close(peer->fd);
	free(peer->out.at);
	free(peer);
}

/* false: the connection has ended. */
static int flush(struct loop *loop, struct peer *peer)
{
	int waited = peer->sent > 0;
	while (peer->sent < peer->out.n) {
		ssize_t n = write(peer->fd, peer->out.at + peer->sent, peer->out.n - peer->sent);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			return 0;
		peer->sent += (size_t)n;
	}
	if (peer->sent == peer->out.n)
		peer->sent = peer->out.n = 0;
	if (waited || peer->out.n)
		watch(loop, peer, EPOLL_CTL_MOD);
	return 1;
}

/* Gives each sentence that has come to take(); false: the connection has ended. */
static int receive(struct loop *loop, struct peer *peer, void (*take)(struct loop *, struct peer *, struct sentence *))
{
	ssize_t got = read(peer->fd, peer->in + peer->n, IN_BYTES - peer->n);
	struct sentence s;
	size_t at = 0, size;
	if (got < 0 && errno == EAGAIN)
		return 1;
	if (got <= 0)
		return 0;
	peer->n += (size_t)got;
	while ((size = read_sentence(peer->in + at, peer->n - at, &s))) {
		take(loop, peer, &s);
		at += size;
	}
	memmove(peer->in, peer->in + at, peer->n - at);
	peer->n -= at;
	return peer->n < IN_BYTES;
}

/* --- answering ---------------------------------------------------------------------------------------------------- */

static void add_sentence(struct answer *answer, const char *const *words)
{
	answer->sentences = realloc(answer->sentences, (answer->n + 1) * sizeof(*answer->sentences));
	if (!answer->sentences)
		fail("realloc");
	struct bytes *b = &answer->sentences[answer->n++];
	memset(b, 0, sizeof(*b));
	for (; *words; words++)
		add_word(b, *words, strlen(*words));
}

static void add_interfaces(struct answer *answer, unsigned rows)
{
	static const char *const counters[] = {"rx-byte",       "tx-byte",    "rx-packet",  "tx-packet",
					       "rx-error",      "tx-error",   "rx-drop",    "tx-drop",
					       "tx-queue-drop", "fp-rx-byte", "fp-tx-byte", "link-downs"};
	char text[20][64];
	const char *words[20] = {"!re", text[0]};
	for (unsigned i = 0; i < rows; i++) {
		size_t n = 2;
		snprintf(text[0], sizeof(text[0]), "=name=ether%u", i + 1);
		for (size_t k = 0; k < sizeof(counters) / sizeof(counters[0]); k++, n++) {
			snprintf(text[n], sizeof(text[n]), "=%s=%u", counters[k], k < 4 ? 123456789U * (i + 1) : 0);
			words[n] = text[n];
		}
		words[n++] = "=running=true";
		words[n++] = "=disabled=false";
		words[n] = NULL;
		add_sentence(answer, words);
	}
}

/* A router whose uptime stands still has restarted. */
static void set_uptime(struct loop *loop)
{
	long seconds = (long)(now() - loop->started);
	char uptime[40];
	const char *const resource[] = {"!re",
					uptime,
					"=version=7.18.2 (stable)",
					"=free-memory=500000000",
					"=total-memory=1073741824",
					"=cpu-count=4",
					"=cpu-frequency=1400",
					"=cpu-load=3",
					"=free-hdd-space=90000000",
					"=total-hdd-space=128000000",
					"=architecture-name=arm64",
					"=board-name=RB5009",
					NULL};
	if (loop->answers[0].n && seconds == loop->uptime)
		return;
	loop->uptime = seconds;
	snprintf(uptime, sizeof(uptime), "=uptime=1w%lds", seconds);
	if (loop->answers[0].n)
		free(loop->answers[0].sentences[--loop->answers[0].n].at);
	add_sentence(&loop->answers[0], resource);
}

static void make_answers(struct loop *loop, unsigned rows)
{
	static const char *const tracking[] = {"!re", "=total-entries=1234", "=max-entries=1048576", NULL};
	static const char *const identity[] = {"!re", "=name=bench", NULL};
	loop->answers = calloc(4, sizeof(*loop->answers));
	if (!loop->answers)
		fail("calloc");
	loop->nanswers = 4;
	loop->started = now();
	loop->answers[0].path = "/system/resource/print";
	set_uptime(loop);
	loop->answers[1].path = "/interface/print";
	add_interfaces(&loop->answers[1], rows);
	loop->answers[2].path = "/ip/firewall/connection/tracking/print";
	add_sentence(&loop->answers[2], tracking);
	loop->answers[3].path = "/system/identity/print";
	add_sentence(&loop->answers[3], identity);
}

static void end_sentence(struct peer *peer, const struct sentence *s)
{
	if (s->tag)
		add_word(&peer->out, s->tag, s->tag_n);
	add(&peer->out, "", 1);
}

static void answer(struct loop *loop, struct peer *peer, struct sentence *s)
{
	for (size_t i = 0; i < loop->nanswers; i++) {
		const struct answer *a = &loop->answers[i];
		if (!is(s, a->path))
			continue;
		for (size_t k = 0; k < a->n; k++) {
			add(&peer->out, a->sentences[k].at, a->sentences[k].n);
			end_sentence(peer, s);
		}
	}
	add_word(&peer->out, "!done", 5);
	end_sentence(peer, s);
}

static void serve(unsigned port, unsigned rows)
{
	struct loop loop = {.epoll = epoll_create1(0)};
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct epoll_event events[256], listening = {.events = EPOLLIN};
	int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	socklen_t size = sizeof(here);
	if (bind(listener, (struct sockaddr *)&here, size) || listen(listener, 4096) ||
	    getsockname(listener, (struct sockaddr *)&here, &size))
		fail("bind");
	epoll_ctl(loop.epoll, EPOLL_CTL_ADD, listener, &listening);
	make_answers(&loop, rows);
	printf("ready %u\n", ntohs(here.sin_port));
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(loop.epoll, events, 256, -1);
		set_uptime(&loop);
		for (int i = 0; i < n; i++) {
			struct peer *peer = events[i].data.ptr;
			if (!peer) {
				int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
				if (fd >= 0)
					open_peer(&loop, fd);
			} else if ((events[i].events & ~(unsigned)EPOLLOUT && !receive(&loop, peer, answer)) ||
				   !flush(&loop, peer)) {
				close_peer(peer);
			}
		}
	}
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static void ask_one(struct loop *loop, struct peer *peer, unsigned tag)
{
	char word[32];
	add(&peer->out, loop->command.at, loop->command.n);
	add_word(&peer->out, word, (size_t)snprintf(word, sizeof(word), ".tag=%u", tag));
	add(&peer->out, "", 1);
	peer->begun[tag] = now();
}

static void take(struct loop *loop, struct peer *peer, struct sentence *s)
{
	unsigned tag = s->tag ? (unsigned)atoi(s->tag + 5) : 0;
	if (is(s, "!re")) {
		loop->rows++;
		return;
	}
	if (!is(s, "!done") || tag > loop->window) {
		loop->bad++;
		return;
	}
	if (tag == 0) { /* of the login */
		for (unsigned i = 1; i <= loop->window; i++)
			ask_one(loop, peer, i);
		return;
	}
	if (loop->done < TIMES_MAX)
		loop->times_ms[loop->done] = (float)((now() - peer->begun[tag]) * 1e3);
	loop->done++;
	ask_one(loop, peer, tag);
}

static void log_in(struct loop *loop, unsigned port, unsigned number)
{
	struct sockaddr_in there = {.sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(0x7f010000 + number)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&there, sizeof(there)))
		fail("connect");
	struct peer *peer = open_peer(loop, fd);
	static const char *const words[] = {"/login", "=name=netsonde", "=password=secret"};
	for (size_t i = 0; i < 3; i++)
		add_word(&peer->out, words[i], strlen(words[i]));
	add(&peer->out, "", 1);
	if (!flush(loop, peer))
		fail("write");
}

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

static void tell(struct loop *loop, double seconds)
{
	struct rusage used;
	size_t n = loop->done < TIMES_MAX ? loop->done : TIMES_MAX;
	getrusage(RUSAGE_SELF, &used);
	double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
		     (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
	qsort(loop->times_ms, n, sizeof(*loop->times_ms), by_size);
	printf("%zu commands in %.3f s: %.0f/s, cpu %.3f us/command, rows %zu, bad %zu, p50 %.3f ms, p99 %.3f ms\n",
	       loop->done, seconds, (double)loop->done / seconds, cpu / (double)loop->done * 1e6, loop->rows, loop->bad,
	       (double)loop->times_ms[n / 2], (double)loop->times_ms[n * 99 / 100]);
}

static void ask(unsigned port, unsigned routers, unsigned window, double seconds, const char *command)
{
	struct loop loop = {.epoll = epoll_create1(0), .window = window < WINDOW_MAX ? window : WINDOW_MAX};
	struct epoll_event events[256];
	loop.times_ms = malloc(TIMES_MAX * sizeof(*loop.times_ms));
	if (!loop.times_ms)
		fail("malloc");
	add_word(&loop.command, command, strlen(command));
	for (unsigned i = 1; i <= routers; i++)
		log_in(&loop, port, i);
	double begun = now();
	while (now() < begun + seconds) {
		int n = epoll_wait(loop.epoll, events, 256, 100);
		for (int i = 0; i < n; i++)
			if (!receive(&loop, events[i].data.ptr, take) || !flush(&loop, events[i].data.ptr))
				fail("the router");
	}
	tell(&loop, now() - begun);
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "serve") == 0)
		serve((unsigned)atoi(argv[2]), argc > 3 ? (unsigned)atoi(argv[3]) : 50);
	if (argc < 6 || strcmp(argv[1], "ask") != 0) {
		fprintf(stderr,
			"usage: routeros_limit serve PORT [ROWS] | ask PORT ROUTERS WINDOW SECONDS [COMMAND]\n");
		return 2;
	}
	ask((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]), atof(argv[5]),
	    argc > 6 ? argv[6] : "/system/identity/print");
	return 0;
}
