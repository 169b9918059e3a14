/*
 * http_raw.c - the limit for HTTP(S) probes without an HTTP library.
 *
 * One thread, epoll, non-blocking sockets, one fresh connection per probe: connect,
 * (TLS 1.3 handshake over one shared SSL_CTX, no resumption), one GET with
 * "Connection: close", read to the end, check for " 200 ", close.  Phase times are
 * taken with the user clock.  Targets rotate over 10.77.0.1 and following.
 * build: cc -O2 -o http_raw http_raw.c -lssl -lcrypto
 * usage: http_raw http|https CONC SECONDS
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct conn {
	int fd, st, got;
	uint32_t host;
	SSL *ssl;
	double t0, tc, tt, tf;
	char head[16];
};
enum { CONNECTING, HANDSHAKE, READING };
static int ep, tls, nx;
static SSL_CTX *ctx;
static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}
static int cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}
static void start(struct conn *c)
{
	nx = nx % 60000 + 1;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(tls ? 443 : 80)};
	a.sin_addr.s_addr = htonl((10u << 24 | 77u << 16) + nx);
	memset(c, 0, sizeof *c);
	c->host = nx;
	c->t0 = now();
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connect(c->fd, (void *)&a, sizeof a) && errno != EINPROGRESS)
		perror("connect");
	struct epoll_event v = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
	epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &v);
}
static int finish(struct conn *c)
{
	int ok = c->got >= 12 && !memcmp(c->head + 8, " 200", 4);
	if (c->ssl)
		SSL_free(c->ssl);
	close(c->fd);
	return ok;
}
/* 0: wait, 1: done, -1: failed */
static int step(struct conn *c)
{
	char b[16384];
	if (c->st == CONNECTING) {
		int e = 0;
		socklen_t l = sizeof e;
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &l);
		if (e)
			return -1;
		c->tc = now();
		if (tls) {
			c->ssl = SSL_new(ctx);
			SSL_set_fd(c->ssl, c->fd);
			SSL_set_connect_state(c->ssl);
		}
		c->st = HANDSHAKE;
	}
	if (c->st == HANDSHAKE) {
		if (tls) {
			int r = SSL_do_handshake(c->ssl);
			if (r <= 0) {
				int e = SSL_get_error(c->ssl, r);
				return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? 0 : -1;
			}
		}
		c->tt = now();
		int n = snprintf(
			b, sizeof b,
			"GET / HTTP/1.1\r\nHost: 10.77.%u.%u\r\nUser-Agent: probe\r\nConnection: close\r\n\r\n",
			c->host >> 8, c->host & 255);
		if (tls ? SSL_write(c->ssl, b, n) != n : send(c->fd, b, n, MSG_NOSIGNAL) != n)
			return -1;
		c->st = READING;
	}
	for (;;) {
		int r = tls ? SSL_read(c->ssl, b, sizeof b) : (int)recv(c->fd, b, sizeof b, 0);
		if (r > 0) {
			if (!c->got) {
				c->tf = now();
				memcpy(c->head, b, r < 16 ? r : 16);
			}
			c->got += r;
			continue;
		}
		if (tls) {
			int e = SSL_get_error(c->ssl, r);
			return e == SSL_ERROR_WANT_READ ? 0 : 1;
		}
		return r == 0 ? 1 : errno == EAGAIN ? 0 : -1;
	}
}
int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	tls = !strcmp(argv[1], "https");
	int conc = atoi(argv[2]);
	double secs = atof(argv[3]), *tot = malloc(4000000 * sizeof *tot), sc = 0, st = 0, sf = 0;
	if (tls) {
		ctx = SSL_CTX_new(TLS_client_method());
		SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	}
	ep = epoll_create1(0);
	struct conn *c = calloc(conc, sizeof *c);
	double t0 = now(), end = t0 + secs;
	long n = 0, bad = 0;
	for (int i = 0; i < conc; i++)
		start(&c[i]);
	while (now() < end) {
		struct epoll_event v[256];
		int k = epoll_wait(ep, v, 256, 100);
		for (int i = 0; i < k; i++) {
			struct conn *q = v[i].data.ptr;
			if (q->st == CONNECTING && !(v[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
				continue;
			int r = step(q);
			if (!r)
				continue;
			double T = now() - q->t0;
			sc += q->tc - q->t0;
			st += q->tt - q->t0;
			sf += q->tf - q->t0;
			if (finish(q) && r > 0) {
				if (n < 4000000)
					tot[n] = T;
				n++;
			} else
				bad++;
			start(q);
		}
	}
	double w = now() - t0;
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	double u = r.ru_utime.tv_sec + r.ru_utime.tv_usec * 1e-6, s = r.ru_stime.tv_sec + r.ru_stime.tv_usec * 1e-6;
	qsort(tot, n, sizeof *tot, cmp);
	if (n)
		printf("conc %d probes %ld bad %ld probes/s %.0f us/probe %.1f (user %.1f sys %.1f) cores %.2f rss %ld "
		       "MiB total p50 %.0f us p99 %.0f us avg connect %.0f tls %.0f ttfb %.0f us\n",
		       conc, n, bad, n / w, (u + s) * 1e6 / n, u * 1e6 / n, s * 1e6 / n, (u + s) / w,
		       r.ru_maxrss / 1024, tot[n / 2] * 1e6, tot[n * 99 / 100] * 1e6, sc / n * 1e6, st / n * 1e6,
		       sf / n * 1e6);
	return n == 0;
}
