/*
 * http_limit.c - HTTP(S) probes per second from one thread with libcurl multi.
 *
 * Every probe is a fresh connection (no keep-alive, no TLS session reuse, no DNS),
 * with the phase times read back (connect, TLS, first byte, total), like a
 * black-box check.  CONC easy handles are reused; epoll + curl_multi_socket_action.
 * build: cc -O2 -o http_limit http_limit.c -lcurl
 * usage: http_limit SCHEME CONC SECONDS [NAMES]      (SCHEME http or https)
 * Targets rotate over 10.77.0.1.. (NAMES of them, 60000 by default) and ask for
 * "Connection: close": with one single target and the client closing first, 14,000
 * sockets in TIME_WAIT make connect() itself cost 2.3 ms (the port search).
 */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static int ep;
static long timer_ms = -1;
static uint64_t timer_at;
static uint64_t ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}
static double sec(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}
static size_t sink(char *p, size_t s, size_t n, void *u)
{
	(void)p;
	(void)u;
	return s * n;
}
static int on_sock(CURL *e, curl_socket_t s, int what, void *u, void *sp)
{
	(void)e;
	(void)u;
	(void)sp;
	struct epoll_event v = {.data.fd = s};
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(ep, EPOLL_CTL_DEL, s, NULL);
		return 0;
	}
	v.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	if (epoll_ctl(ep, EPOLL_CTL_MOD, s, &v))
		epoll_ctl(ep, EPOLL_CTL_ADD, s, &v);
	return 0;
}
static int on_timer(CURLM *m, long t, void *u)
{
	(void)m;
	(void)u;
	timer_ms = t;
	timer_at = ms() + (t > 0 ? t : 0);
	return 0;
}
static void set_url(CURL *e, const char *scheme, int i)
{
	char u[64];
	i++;
	snprintf(u, sizeof u, "%s://10.77.%d.%d/", scheme, i >> 8, i & 255);
	curl_easy_setopt(e, CURLOPT_URL, u);
}
static int cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}
int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	int conc = atoi(argv[2]);
	double secs = atof(argv[3]);
	curl_global_init(CURL_GLOBAL_ALL);
	CURLM *m = curl_multi_init();
	ep = epoll_create1(0);
	curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, on_sock);
	curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, 1L);
	double *tot = malloc(2000000 * sizeof *tot), sc = 0, st = 0, sf = 0;
	long n = 0, bad = 0;
	int names = argc > 4 ? atoi(argv[4]) : 60000, nx = 0;
	struct curl_slist *hdr = curl_slist_append(NULL, "Connection: close");
	double t0 = sec(), end = t0 + secs;
	for (int i = 0; i < conc; i++) {
		CURL *e = curl_easy_init();
		set_url(e, argv[1], nx++ % names);
		curl_easy_setopt(e, CURLOPT_HTTPHEADER, hdr);
		curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, 0L); /* or its cache grows with every name: +100 us */
		curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, sink);
		curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
		curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
		curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
		curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
		curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
		curl_multi_add_handle(m, e);
	}
	int run;
	curl_multi_socket_action(m, CURL_SOCKET_TIMEOUT, 0, &run);
	while (sec() < end) {
		struct epoll_event v[256];
		int w = timer_ms < 0 ? 100 : (int)(timer_at > ms() ? timer_at - ms() : 0);
		int k = epoll_wait(ep, v, 256, w);
		if (timer_ms >= 0 && ms() >= timer_at) {
			timer_ms = -1;
			curl_multi_socket_action(m, CURL_SOCKET_TIMEOUT, 0, &run);
		}
		for (int i = 0; i < k; i++)
			curl_multi_socket_action(m, v[i].data.fd,
						 (v[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? CURL_CSELECT_IN : 0) |
							 (v[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0),
						 &run);
		CURLMsg *q;
		int left;
		while ((q = curl_multi_info_read(m, &left)))
			if (q->msg == CURLMSG_DONE) {
				CURL *e = q->easy_handle;
				long code = 0;
				double c, t, f, T;
				curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &code);
				curl_easy_getinfo(e, CURLINFO_CONNECT_TIME, &c);
				curl_easy_getinfo(e, CURLINFO_APPCONNECT_TIME, &t);
				curl_easy_getinfo(e, CURLINFO_STARTTRANSFER_TIME, &f);
				curl_easy_getinfo(e, CURLINFO_TOTAL_TIME, &T);
				if (q->data.result != CURLE_OK || code != 200)
					bad++;
				else {
					if (n < 2000000)
						tot[n] = T;
					n++;
					sc += c;
					st += t;
					sf += f;
				}
				curl_multi_remove_handle(m, e);
				set_url(e, argv[1], nx++ % names);
				curl_multi_add_handle(m, e);
			}
	}
	double w = sec() - t0;
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	double u = r.ru_utime.tv_sec + r.ru_utime.tv_usec * 1e-6, s = r.ru_stime.tv_sec + r.ru_stime.tv_usec * 1e-6;
	qsort(tot, n < 2000000 ? n : 2000000, sizeof *tot, cmp);
	if (n)
		printf("conc %d probes %ld bad %ld probes/s %.0f us/probe %.1f (user %.1f sys %.1f) cores %.2f rss %ld "
		       "MiB total p50 %.0f us p99 %.0f us avg connect %.0f tls %.0f ttfb %.0f us\n",
		       conc, n, bad, n / w, (u + s) * 1e6 / n, u * 1e6 / n, s * 1e6 / n, (u + s) / w,
		       r.ru_maxrss / 1024, tot[n / 2] * 1e6, tot[n * 99 / 100] * 1e6, sc / n * 1e6, st / n * 1e6,
		       sf / n * 1e6);
	return n == 0;
}
