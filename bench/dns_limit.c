/*
 * dns_limit.c - DNS queries per second from one thread: SOCKS connected UDP sockets,
 * sendmmsg/recvmmsg in batches, closed loop of WINDOW queries, replies matched by
 * socket and query id and checked for rcode 0 and at least one answer; a random id
 * per query, no library.
 * build: cc -O2 -o dns_limit dns_limit.c
 * usage: dns_limit SERVER NAME WINDOW SECONDS [SOCKS] [fresh]
 * "fresh" opens a new socket (new source port) for every query, like a careful prober.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#define B 64
static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}
static struct sockaddr_in srv;
static int sock(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), sz = 8 << 20;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &sz, sizeof sz);
	if (connect(fd, (void *)&srv, sizeof srv)) {
		perror("connect");
		exit(1);
	}
	return fd;
}
static int query(uint8_t *p, const char *name, uint16_t id)
{
	memset(p, 0, 12);
	p[0] = id >> 8;
	p[1] = id;
	p[2] = 1;
	p[5] = 1;
	int o = 12;
	while (*name) {
		int l = (int)strcspn(name, ".");
		p[o++] = l;
		memcpy(p + o, name, l);
		o += l;
		name += l + (name[l] == '.');
	}
	p[o++] = 0;
	p[o++] = 0;
	p[o++] = 1;
	p[o++] = 0;
	p[o++] = 1;
	return o;
}
int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	srv.sin_family = AF_INET;
	srv.sin_port = htons(53);
	srv.sin_addr.s_addr = inet_addr(argv[1]);
	int win = atoi(argv[3]), ns = argc > 5 ? atoi(argv[5]) : 1, fresh = argc > 6;
	double secs = atof(argv[4]);
	long sent = 0, rcvd = 0, bad = 0, lost = 0;
	double t0 = now(), end = t0 + secs, w;
	uint32_t rnd = 12345;
	if (fresh) { /* one socket per query, epoll */
		int ep = epoll_create1(0);
		uint16_t *ids = calloc(65536, 2);
		uint8_t p[512];
		int infl = 0;
		while (now() < end) {
			while (infl < win) {
				int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
				if (fd < 0 || connect(fd, (void *)&srv, sizeof srv)) {
					perror("fd");
					return 1;
				}
				rnd = rnd * 1664525 + 1013904223;
				ids[fd] = rnd >> 16;
				struct epoll_event v = {.events = EPOLLIN, .data.fd = fd};
				epoll_ctl(ep, EPOLL_CTL_ADD, fd, &v);
				int l = query(p, argv[2], ids[fd]);
				if (send(fd, p, l, 0) == l)
					sent++;
				infl++;
			}
			struct epoll_event v[B];
			int k = epoll_wait(ep, v, B, 100);
			for (int i = 0; i < k; i++) {
				int fd = v[i].data.fd, r = recv(fd, p, sizeof p, 0);
				if (r >= 12 && (p[0] << 8 | p[1]) == ids[fd] && !(p[3] & 15) && p[7])
					rcvd++;
				else
					bad++;
				close(fd);
				infl--;
			}
		}
		w = now() - t0;
	} else {
		struct S {
			int fd, infl;
			uint8_t busy[65536];
		} *s = calloc(ns, sizeof *s);
		static uint8_t tx[B][512], rx[B][512];
		struct mmsghdr m[B], r[B];
		struct iovec ti[B], ri[B];
		memset(m, 0, sizeof m);
		memset(r, 0, sizeof r);
		for (int i = 0; i < B; i++) {
			ti[i].iov_base = tx[i];
			ri[i] = (struct iovec){rx[i], 512};
			m[i].msg_hdr.msg_iov = &ti[i];
			m[i].msg_hdr.msg_iovlen = 1;
			r[i].msg_hdr.msg_iov = &ri[i];
			r[i].msg_hdr.msg_iovlen = 1;
		}
		struct pollfd *pf = calloc(ns, sizeof *pf);
		for (int i = 0; i < ns; i++) {
			s[i].fd = sock();
			pf[i] = (struct pollfd){s[i].fd, POLLIN, 0};
		}
		double last = t0;
		while (now() < end) {
			int any = 0;
			for (int j = 0; j < ns; j++) {
				int k = 0, n = win / ns - s[j].infl;
				if (n > B)
					n = B;
				while (k < n) {
					do
						rnd = rnd * 1664525 + 1013904223;
					while (s[j].busy[rnd >> 16]);
					s[j].busy[rnd >> 16] = 1;
					ti[k].iov_len = query(tx[k], argv[2], rnd >> 16);
					k++;
				}
				if (k) {
					int d = sendmmsg(s[j].fd, m, k, 0);
					if (d > 0) {
						sent += d;
						s[j].infl += k;
						any = 1;
					}
					lost += k - (d > 0 ? d : 0);
				}
				int g = recvmmsg(s[j].fd, r, B, MSG_DONTWAIT, NULL);
				for (int i = 0; i < g; i++) {
					uint8_t *p = rx[i];
					int id = p[0] << 8 | p[1];
					if (r[i].msg_len >= 12 && s[j].busy[id] && !(p[3] & 15) && p[7]) {
						rcvd++;
						s[j].busy[id] = 0;
						s[j].infl--;
					} else
						bad++;
				}
				if (g > 0) {
					any = 1;
					last = now();
				}
			}
			if (!any) {
				poll(pf, ns, 10);
				if (now() - last > 0.5) {
					for (int j = 0; j < ns; j++) {
						lost += s[j].infl;
						s[j].infl = 0;
						memset(s[j].busy, 0, 65536);
					}
					last = now();
				}
			}
		}
		w = now() - t0;
	}
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	double us = u.ru_utime.tv_sec + u.ru_utime.tv_usec * 1e-6, sy = u.ru_stime.tv_sec + u.ru_stime.tv_usec * 1e-6;
	printf("sent %ld rcvd %ld bad %ld lost %ld q/s %.0f us/query %.2f (user %.2f sys %.2f) cores %.2f rss %ld "
	       "MiB\n",
	       sent, rcvd, bad, lost, rcvd / w, (us + sy) * 1e6 / (rcvd ? rcvd : 1), us * 1e6 / (rcvd ? rcvd : 1),
	       sy * 1e6 / (rcvd ? rcvd : 1), (us + sy) / w, u.ru_maxrss / 1024);
	return 0;
}
