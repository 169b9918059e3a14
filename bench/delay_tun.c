/*
 * delay_tun.c - a far side with a known delay, for machines without netem.
 *
 * Opens a TUN device, answers every IPv4 ICMP echo request that the kernel routes
 * into it (any address) after DELAY +- JITTER microseconds, dropping LOSS percent.
 * Runs at SCHED_FIFO with memory locked, so it keeps its word under CPU load, and
 * it records the delay that it really gave, which is the truth a prober's RTT is
 * compared with.  On exit (SIGTERM, or after SECONDS) it prints that distribution.
 *
 * With -s FILE it also logs, per reply, "dst id seq hold_ns".
 * build: cc -O2 -o delay_tun delay_tun.c -lm
 * usage: delay_tun -i tun0 -d 20000 [-j JITTER_US] [-l LOSS%] [-t SECONDS] [-c CPU]
 *        then: ip addr add 10.80.0.1/30 dev tun0; ip link set tun0 up;
 *              ip route add 10.79.0.0/16 dev tun0
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define RING 65536
struct pkt {
	uint64_t in, due;
	int len;
	uint8_t b[512];
};
static struct pkt *q;
static uint32_t head, tail;
static volatile sig_atomic_t stop;
static void on(int s)
{
	(void)s;
	stop = 1;
}
static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}
static int cmp(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* RFC 1624: the header's checksum follows the one word that changed. */
static void set_ttl(uint8_t *ip, uint8_t ttl)
{
	uint32_t old = (uint32_t)ip[8] << 8 | ip[9], sum = (uint16_t) ~((uint32_t)ip[10] << 8 | ip[11]);
	ip[8] = ttl;
	sum += (uint16_t)~old + ((uint32_t)ttl << 8 | ip[9]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

int main(int argc, char **argv)
{
	const char *name = "tun0", *log = NULL;
	uint64_t delay = 20000000, jitter = 0;
	double loss = 0, secs = 60;
	int c, cpu = -1;
	while ((c = getopt(argc, argv, "i:d:j:l:t:c:s:")) != -1)
		switch (c) {
		case 'i':
			name = optarg;
			break;
		case 'd':
			delay = (uint64_t)(atof(optarg) * 1e3);
			break;
		case 'j':
			jitter = (uint64_t)(atof(optarg) * 1e3);
			break;
		case 'l':
			loss = atof(optarg) / 100;
			break;
		case 't':
			secs = atof(optarg);
			break;
		case 'c':
			cpu = atoi(optarg);
			break;
		case 's':
			log = optarg;
			break;
		default:
			return 2;
		}
	FILE *lf = log ? fopen(log, "w") : NULL;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r) < 0) {
		perror("tun");
		return 1;
	}
	signal(SIGTERM, on);
	signal(SIGINT, on);
	q = calloc(RING, sizeof *q);
	int64_t *hold = calloc(4000000, sizeof *hold);
	uint64_t nh = 0, in = 0, dropped = 0, other = 0;
	mlockall(MCL_CURRENT | MCL_FUTURE);
	struct sched_param sp = {.sched_priority = 50};
	if (sched_setscheduler(0, SCHED_FIFO, &sp))
		perror("SCHED_FIFO");
	if (cpu >= 0) {
		cpu_set_t s;
		CPU_ZERO(&s);
		CPU_SET(cpu, &s);
		sched_setaffinity(0, sizeof s, &s);
	}
	uint64_t end = now() + (uint64_t)(secs * 1e9), lastdue = 0;
	while (!stop && now() < end) {
		struct pollfd p = {fd, POLLIN, 0};
		uint64_t n = now(), wait = 50000000;
		if (head != tail) {
			uint64_t d = q[tail % RING].due;
			wait = d > n ? d - n : 0;
		}
		struct timespec ts = {0, (long)(wait > 900000000 ? 900000000 : wait)};
		/* sleep until 30 us before the due time, then spin */
		if (wait > 30000 || head == tail) {
			if (head != tail)
				ts.tv_nsec -= 30000;
			ppoll(&p, 1, &ts, NULL);
		}
		for (int k = 0; k < 64 && head - tail < RING - 1; k++) {
			struct pkt *b = &q[head % RING];
			int l = read(fd, b->b, sizeof b->b);
			if (l <= 0)
				break;
			b->in = now();
			int h = (b->b[0] & 15) * 4;
			if (l < h + 8 || b->b[0] >> 4 != 4 || b->b[9] != 1 || b->b[h] != 8) {
				other++;
				continue;
			}
			in++;
			if (loss > 0 && drand48() < loss) {
				dropped++;
				continue;
			}
			uint8_t t[4];
			memcpy(t, b->b + 12, 4);
			memcpy(b->b + 12, b->b + 16, 4);
			memcpy(b->b + 16, t, 4);
			set_ttl(b->b, 64); /* a traceroute's last one would not get back */
			b->b[h] = 0;
			uint32_t s = (b->b[h + 2] << 8 | b->b[h + 3]) + 0x0800u;
			s = (s & 0xffff) + (s >> 16);
			b->b[h + 2] = s >> 8;
			b->b[h + 3] = s;
			b->len = l;
			b->due = b->in + delay + (jitter ? (uint64_t)(drand48() * 2 * jitter) - jitter : 0);
			if (b->due < lastdue)
				b->due = lastdue; /* keep order */
			lastdue = b->due;
			head++;
		}
		while (head != tail && q[tail % RING].due <= now() + 1000) {
			struct pkt *b = &q[tail % RING];
			uint64_t out = now();
			if (write(fd, b->b, b->len) < 0)
				break;
			if (nh < 4000000)
				hold[nh++] = (int64_t)(out - b->in);
			if (lf) {
				int h = (b->b[0] & 15) * 4;
				fprintf(lf, "%u.%u.%u.%u %u %u %ld\n", b->b[12], b->b[13], b->b[14], b->b[15],
					b->b[h + 4] << 8 | b->b[h + 5], b->b[h + 6] << 8 | b->b[h + 7],
					(long)(out - b->in));
			}
			tail++;
		}
	}
	if (lf)
		fclose(lf);
	double a = 0, v = 0;
	for (uint64_t i = 0; i < nh; i++)
		a += hold[i];
	a /= nh ? nh : 1;
	for (uint64_t i = 0; i < nh; i++)
		v += (hold[i] - a) * (hold[i] - a);
	qsort(hold, nh, sizeof *hold, cmp);
	printf("in %lu answered %lu dropped %lu other %lu\n", in, nh, dropped, other);
	if (nh)
		printf("hold_us min %.1f p50 %.1f avg %.1f p99 %.1f p999 %.1f max %.1f stddev %.1f\n", hold[0] / 1e3,
		       hold[nh / 2] / 1e3, a / 1e3, hold[nh * 99 / 100] / 1e3, hold[nh * 999 / 1000] / 1e3,
		       hold[nh - 1] / 1e3, sqrt(v / nh) / 1e3);
	return 0;
}
