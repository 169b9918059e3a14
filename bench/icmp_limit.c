/*
 * icmp_limit.c - how fast can one plain loop ping many addresses?
 *
 * The "physical limit" that the probe engine is compared with.
 * Closed loop: at most WINDOW echo requests are in flight; requests go out with
 * sendmmsg() in batches, replies come back with recvmmsg(), every reply is
 * matched to its slot (address, id and sequence must all agree).  Open loop
 * (-r RATE) paces the requests instead, for accuracy measurements.
 *
 * Timestamp modes (-t): 0 none, 1 user clock for both ends, 2 user send +
 * SO_TIMESTAMPNS receive, 3 SO_TIMESTAMPING software send and receive (the send
 * stamp is read from the error queue, matched by OPT_ID).
 *
 * build: cc -O2 -pthread -o icmp_limit icmp_limit.c -lm
 * usage: icmp_limit [-m raw|dgram] [-a BASE] [-n TARGETS] [-d SECONDS]
 *        [-w WINDOW] [-b BATCH] [-r PPS] [-t 0..3] [-j THREADS] [-p PAYLOAD]
 *        [-F] (raw: add a BPF filter on the id) [-S] (send only, no receive)
 *        [-g TICK_MS] (with -r: wake at most once per tick, send what is due as a batch)
 *        [-D] (print every RTT in ns on stderr)
 * With -j N every thread owns 1/N of the targets and its own socket.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/net_tstamp.h>
#include <math.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef ICMP_FILTER
#define ICMP_FILTER 1
struct icmp_filter {
	uint32_t data;
};
#endif

static struct {
	int dgram, ts, threads, bpf, sendonly, dump;
	uint32_t base;
	int targets, window, batch, payload;
	double secs, rate, tick;
} o = {0, 0, 1, 0, 0, 0, 0, 65000, 4096, 64, 56, 5, 0, 0};

struct slot {
	uint64_t sent;
	uint16_t seq;
	uint8_t busy;
};
struct thr {
	pthread_t t;
	int id, lo, n;
	uint64_t sent, rcvd, stray, lost, eagain, nrtt, rttcap, sendns, recvns, nsend, nrecv, notx;
	int64_t *rtt;
};

static uint64_t now(clockid_t c)
{
	struct timespec t;
	clock_gettime(c, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}
static uint64_t tsns(const struct timespec *t)
{
	return t->tv_sec * 1000000000ull + t->tv_nsec;
}

static uint16_t csum(const void *p, int n)
{
	const uint16_t *w = p;
	uint32_t s = 0;
	for (; n > 1; n -= 2)
		s += *w++;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static int open_sock(struct thr *t, uint16_t *ident)
{
	int fd = socket(AF_INET, o.dgram ? SOCK_DGRAM : SOCK_RAW, IPPROTO_ICMP);
	if (fd < 0) {
		perror("socket");
		exit(1);
	}
	int sz = 64 << 20;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &sz, sizeof sz))
		perror("SO_RCVBUFFORCE");
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &sz, sizeof sz);
	*ident = htons((uint16_t)(getpid() * 8 + t->id));
	if (o.dgram) {
		struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = *ident};
		if (bind(fd, (void *)&a, sizeof a)) {
			perror("bind");
			exit(1);
		}
	} else {
		struct icmp_filter f = {~(1u << ICMP_ECHOREPLY)};
		if (setsockopt(fd, SOL_RAW, ICMP_FILTER, &f, sizeof f))
			perror("ICMP_FILTER");
		if (o.bpf) {
			struct sock_filter c[] = {
				BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
				BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
				BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohs(*ident), 0, 1),
				BPF_STMT(BPF_RET | BPF_K, 0xffff),
				BPF_STMT(BPF_RET | BPF_K, 0),
			};
			struct sock_fprog p = {sizeof c / sizeof *c, c};
			if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p))
				perror("BPF");
		}
	}
	int on = 1;
	if (o.ts == 2)
		setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
	if (o.ts == 3) {
		int f = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
			SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;
		if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &f, sizeof f))
			perror("SO_TIMESTAMPING");
	}
	return fd;
}

/* Kernel send stamps: OPT_ID counts datagrams on this socket, so id -> slot by a ring. */
static void drain_txstamps(int fd, struct slot *s, const uint32_t *ring, uint32_t mask)
{
	for (;;) {
		char ctl[64][256];
		struct mmsghdr m[64];
		memset(m, 0, sizeof m);
		for (int i = 0; i < 64; i++) {
			m[i].msg_hdr.msg_control = ctl[i];
			m[i].msg_hdr.msg_controllen = sizeof ctl[i];
		}
		int k = recvmmsg(fd, m, 64, MSG_ERRQUEUE | MSG_DONTWAIT, NULL);
		for (int i = 0; i < k; i++) {
			uint64_t ts = 0;
			int64_t id = -1;
			for (struct cmsghdr *c = CMSG_FIRSTHDR(&m[i].msg_hdr); c; c = CMSG_NXTHDR(&m[i].msg_hdr, c)) {
				if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING)
					ts = tsns(&((struct scm_timestamping *)CMSG_DATA(c))->ts[0]);
				else if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR)
					id = ((struct sock_extended_err *)CMSG_DATA(c))->ee_data;
			}
			if (id >= 0 && ts)
				s[ring[id & mask]].sent = ts;
		}
		if (k < 64)
			return;
	}
}

static void *run(void *arg)
{
	struct thr *t = arg;
	uint16_t ident;
	int fd = open_sock(t, &ident), len = 8 + o.payload, B = o.batch;
	if (o.threads > 1) {
		cpu_set_t c;
		CPU_ZERO(&c);
		CPU_SET(t->id % 4, &c);
		pthread_setaffinity_np(pthread_self(), sizeof c, &c);
	}
	struct slot *slot = calloc(t->n, sizeof *slot);
	uint32_t rmask = (1u << 18) - 1, *ring = calloc(rmask + 1, sizeof *ring), txid = 0;
	uint8_t *tx = calloc(B, len), *rx = malloc((size_t)B * 256);
	char(*ctl)[128] = malloc(B * sizeof *ctl);
	struct mmsghdr *sm = calloc(B, sizeof *sm), *rm = calloc(B, sizeof *rm);
	struct iovec *si = calloc(B, sizeof *si), *ri = calloc(B, sizeof *ri);
	struct sockaddr_in *sa = calloc(B, sizeof *sa), *ra = calloc(B, sizeof *ra);
	for (int i = 0; i < B; i++) {
		uint8_t *p = tx + (size_t)i * len;
		p[0] = ICMP_ECHO;
		memcpy(p + 4, &ident, 2);
		sa[i].sin_family = AF_INET;
		si[i] = (struct iovec){p, len};
		sm[i].msg_hdr = (struct msghdr){
			.msg_name = &sa[i], .msg_namelen = sizeof sa[i], .msg_iov = &si[i], .msg_iovlen = 1};
		ri[i] = (struct iovec){rx + (size_t)i * 256, 256};
	}
	int next = 0, inflight = 0;
	uint64_t t0 = now(CLOCK_MONOTONIC), end = t0 + (uint64_t)(o.secs * 1e9), lastrx = t0;
	double rate = o.rate / o.threads;
	for (;;) {
		uint64_t mono = now(CLOCK_MONOTONIC);
		int stop = mono >= end;
		if (stop && (!inflight || o.sendonly || mono - lastrx > 1000000000ull))
			break;
		int n = o.window - inflight;
		if (stop)
			n = 0;
		if (rate > 0) {
			int64_t due = (int64_t)((mono - t0) * 1e-9 * rate) - (int64_t)t->sent;
			if (due < n)
				n = due < 0 ? 0 : (int)due;
		}
		if (n > B)
			n = B;
		int k = 0;
		uint64_t wall = o.ts ? now(CLOCK_REALTIME) : 0;
		while (k < n) {
			struct slot *s = &slot[next];
			if (s->busy) {
				s->busy = 0;
				t->lost++;
				inflight--;
			} /* a whole cycle late */
			s->busy = 1;
			s->seq++;
			s->sent = wall;
			uint8_t *p = tx + (size_t)k * len;
			uint16_t seq = htons(s->seq);
			memcpy(p + 6, &seq, 2);
			if (!o.dgram) {
				p[2] = p[3] = 0;
				uint16_t c = csum(p, len);
				memcpy(p + 2, &c, 2);
			}
			sa[k].sin_addr.s_addr = htonl(o.base + t->lo + next);
			ring[txid++ & rmask] = next;
			if (++next == t->n)
				next = 0;
			k++;
		}
		if (k) {
			uint64_t a = now(CLOCK_MONOTONIC);
			int done = 0;
			while (done < k) {
				int r = sendmmsg(fd, sm + done, k - done, 0);
				t->nsend++;
				if (r > 0) {
					done += r;
					continue;
				}
				if (errno == EAGAIN || errno == ENOBUFS) {
					t->eagain++;
					struct pollfd f = {fd, POLLOUT, 0};
					poll(&f, 1, 1);
					continue;
				}
				perror("sendmmsg");
				exit(1);
			}
			t->sendns += now(CLOCK_MONOTONIC) - a;
			t->sent += k;
			inflight += k;
		}
		if (o.sendonly) {
			for (int i = 1; i <= k; i++)
				slot[(next - i + t->n) % t->n].busy = 0;
			inflight = 0;
			continue;
		}
		if (o.ts == 3)
			drain_txstamps(fd, slot, ring, rmask);
		int got = 0;
		for (;;) {
			for (int i = 0; i < B; i++)
				rm[i].msg_hdr = (struct msghdr){.msg_name = &ra[i],
								.msg_namelen = sizeof ra[i],
								.msg_iov = &ri[i],
								.msg_iovlen = 1,
								.msg_control = o.ts > 1 ? ctl[i] : NULL,
								.msg_controllen = o.ts > 1 ? sizeof ctl[i] : 0};
			uint64_t a = now(CLOCK_MONOTONIC);
			int r = recvmmsg(fd, rm, B, MSG_DONTWAIT, NULL);
			t->recvns += now(CLOCK_MONOTONIC) - a;
			t->nrecv++;
			if (r <= 0)
				break;
			uint64_t rxw = o.ts == 1 ? now(CLOCK_REALTIME) : 0;
			if (o.ts == 3)
				drain_txstamps(fd, slot, ring, rmask);
			for (int i = 0; i < r; i++) {
				uint8_t *p = ri[i].iov_base;
				if (!o.dgram)
					p += (p[0] & 15) * 4;
				uint16_t seq;
				memcpy(&seq, p + 6, 2);
				uint32_t ix = ntohl(ra[i].sin_addr.s_addr) - o.base - t->lo;
				if (p[0] != ICMP_ECHOREPLY || memcmp(p + 4, &ident, 2) || ix >= (uint32_t)t->n ||
				    !slot[ix].busy || ntohs(seq) != slot[ix].seq) {
					t->stray++;
					continue;
				}
				slot[ix].busy = 0;
				inflight--;
				t->rcvd++;
				got++;
				uint64_t rt = rxw;
				if (o.ts > 1)
					for (struct cmsghdr *c = CMSG_FIRSTHDR(&rm[i].msg_hdr); c;
					     c = CMSG_NXTHDR(&rm[i].msg_hdr, c))
						if (c->cmsg_level == SOL_SOCKET && (c->cmsg_type == SCM_TIMESTAMPNS ||
										    c->cmsg_type == SCM_TIMESTAMPING))
							rt = tsns((struct timespec *)CMSG_DATA(c));
				if (rt && t->nrtt < t->rttcap)
					t->rtt[t->nrtt++] = (int64_t)(rt - slot[ix].sent);
			}
			if (r < B)
				break;
		}
		if (got)
			lastrx = now(CLOCK_MONOTONIC);
		else if (!k) {
			struct pollfd f = {fd, POLLIN, 0};
			if (rate > 0 && inflight < o.window && !stop) {
				uint64_t due = t0 + (uint64_t)((t->sent + 1) / rate * 1e9), m = now(CLOCK_MONOTONIC);
				if (due < m + (uint64_t)(o.tick * 1e6))
					due = m + (uint64_t)(o.tick * 1e6);
				struct timespec w = {0, due > m ? (long)(due - m) : 0};
				if (w.tv_nsec)
					ppoll(&f, 1, &w, NULL);
			} else
				poll(&f, 1, 10);
			if (!stop && now(CLOCK_MONOTONIC) - lastrx > 300000000ull &&
			    rate <= 0) { /* closed loop stalled: replies lost */
				for (int i = 0; i < t->n; i++)
					if (slot[i].busy) {
						slot[i].busy = 0;
						t->lost++;
					}
				inflight = 0;
				lastrx = now(CLOCK_MONOTONIC);
			}
		}
	}
	for (int i = 0; i < t->n; i++)
		if (slot[i].busy && !o.sendonly)
			t->lost++;
	return NULL;
}

static int cmp(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int c;
	o.base = ntohl(inet_addr("10.77.0.1"));
	while ((c = getopt(argc, argv, "m:a:n:d:w:b:r:t:j:p:g:FSD")) != -1)
		switch (c) {
		case 'm':
			o.dgram = !strcmp(optarg, "dgram");
			break;
		case 'a':
			o.base = ntohl(inet_addr(optarg));
			break;
		case 'n':
			o.targets = atoi(optarg);
			break;
		case 'd':
			o.secs = atof(optarg);
			break;
		case 'w':
			o.window = atoi(optarg);
			break;
		case 'b':
			o.batch = atoi(optarg);
			break;
		case 'r':
			o.rate = atof(optarg);
			break;
		case 't':
			o.ts = atoi(optarg);
			break;
		case 'j':
			o.threads = atoi(optarg);
			break;
		case 'p':
			o.payload = atoi(optarg) & ~1;
			break;
		case 'g':
			o.tick = atof(optarg);
			break;
		case 'F':
			o.bpf = 1;
			break;
		case 'S':
			o.sendonly = 1;
			break;
		case 'D':
			o.dump = 1;
			break;
		default:
			return 2;
		}
	struct thr *t = calloc(o.threads, sizeof *t);
	uint64_t m0 = now(CLOCK_MONOTONIC);
	for (int i = 0; i < o.threads; i++) {
		t[i].id = i;
		t[i].n = o.targets / o.threads;
		t[i].lo = i * t[i].n;
		t[i].rttcap = o.ts ? 2000000 : 0;
		t[i].rtt = t[i].rttcap ? malloc(t[i].rttcap * sizeof(int64_t)) : NULL;
		if (i)
			pthread_create(&t[i].t, NULL, run, &t[i]);
	}
	run(&t[0]);
	struct thr s = t[0];
	for (int i = 1; i < o.threads; i++) {
		pthread_join(t[i].t, NULL);
		s.sent += t[i].sent;
		s.rcvd += t[i].rcvd;
		s.lost += t[i].lost;
		s.stray += t[i].stray;
		s.eagain += t[i].eagain;
		s.sendns += t[i].sendns;
		s.recvns += t[i].recvns;
		s.nsend += t[i].nsend;
		s.nrecv += t[i].nrecv;
	}
	double wall = (now(CLOCK_MONOTONIC) - m0) * 1e-9;
	struct rusage ru;
	getrusage(RUSAGE_SELF, &ru);
	double us = ru.ru_utime.tv_sec + ru.ru_utime.tv_usec * 1e-6,
	       sy = ru.ru_stime.tv_sec + ru.ru_stime.tv_usec * 1e-6;
	double den = s.sent ? (double)s.sent : 1;
	printf("sent %lu rcvd %lu lost %lu stray %lu wall %.3f s  rtt/s %.0f  cpu %.3f u + %.3f s  us/probe %.3f  "
	       "send-syscall us %.3f  recv-syscall us %.3f  calls %lu/%lu eagain %lu rss %ld MiB\n",
	       s.sent, s.rcvd, s.lost, s.stray, wall, (o.sendonly ? s.sent : s.rcvd) / (wall < o.secs ? wall : o.secs),
	       us, sy, (us + sy) * 1e6 / den, s.sendns / 1e3 / den, s.recvns / 1e3 / den, s.nsend, s.nrecv, s.eagain,
	       ru.ru_maxrss / 1024);
	if (t[0].nrtt) {
		int64_t *r = t[0].rtt;
		uint64_t n = t[0].nrtt;
		double a = 0, v = 0;
		for (uint64_t i = 0; i < n; i++)
			a += r[i];
		a /= n;
		for (uint64_t i = 0; i < n; i++)
			v += (r[i] - a) * (r[i] - a);
		if (o.dump)
			for (uint64_t i = 0; i < n; i++)
				fprintf(stderr, "%ld\n", r[i]);
		qsort(r, n, sizeof *r, cmp);
		printf("rtt_us n %lu min %.1f p50 %.1f avg %.1f p90 %.1f p99 %.1f p999 %.1f max %.1f stddev %.1f\n", n,
		       r[0] / 1e3, r[n / 2] / 1e3, a / 1e3, r[n * 9 / 10] / 1e3, r[n * 99 / 100] / 1e3,
		       r[n * 999 / 1000] / 1e3, r[n - 1] / 1e3, sqrt(v / n) / 1e3);
	}
	return 0;
}
