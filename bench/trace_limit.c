/*
 * trace_limit.c - how fast can one plain loop trace the path to many addresses?
 *
 * The "physical limit" that the traceroute type is compared with.
 * Closed loop: at most WINDOW targets are in flight; to each of them HOPS echo
 * requests go out at once, with TTL 1 to HOPS, by sendmmsg() in batches on a raw
 * socket with headers of our own. Answers come back with recvmmsg(); each must
 * quote (or, from the target, repeat) address, identifier and sequence number of
 * a request of its slot. A trace is complete when every TTL was answered, the last
 * one by the target itself.
 *
 * build: cc -O2 -o trace_limit trace_limit.c
 * usage: trace_limit [-a BASE] [-n TARGETS] [-c TRACES | -d SECONDS] [-h HOPS]
 *        [-w WINDOW] [-b BATCH] [-t] [-F]
 *   -c   ends after so many traces (default: one for each target)
 *   -t   receive stamps of the kernel
 *   -F   a filter on our identifier, as programs have that are not alone
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAYLOAD 8
#define STALL   500000000ull /* nothing came for so long: what is in flight is lost */

struct packet {
	struct iphdr ip;
	struct icmphdr icmp;
	uint8_t payload[PAYLOAD];
} __attribute__((packed));

struct slot {
	uint32_t answered; /* a bit for each TTL */
	uint16_t round;
	uint8_t busy, arrived;
};

static struct {
	uint32_t base;
	int targets, hops, window, batch, stamps, filter;
	long traces;
	double secs;
} o = {0, 1000, 8, 256, 64, 0, 0, 0, 0};

static struct {
	unsigned long sent, received, stray, started, complete, partial, nsend, nrecv, stamped;
} n;

static int out_fd, in_fd, in_flight;
static struct slot *slots;
static uint16_t ident;

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static uint16_t checksum(const void *data, int size)
{
	const uint8_t *p = data;
	uint32_t sum = 0;
	for (int i = 0; i < size; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Only echo replies with our identifier, and errors that quote a request with it. */
static void set_filter(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP_ECHOREPLY, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP_TIME_EXCEEDED, 0, 5),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 8 + 20 + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohs(ident), 2, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohs(ident), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {sizeof f / sizeof *f, f};
	if (setsockopt(in_fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program))
		die("SO_ATTACH_FILTER");
}

static void open_sockets(void)
{
	int size = 64 << 20, one = 1;
	out_fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	in_fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	if (out_fd < 0 || in_fd < 0)
		die("raw sockets");
	setsockopt(out_fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	setsockopt(in_fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	if (o.stamps)
		setsockopt(in_fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
	if (o.filter)
		set_filter();
}

/* The low bits of a sequence number are the TTL less one; the others count the rounds of its target. */
static uint16_t sequence(const struct slot *s, int hop)
{
	return (uint16_t)(s->round << 5 | hop);
}

static void fill(struct packet *p, struct mmsghdr *message, int target, int hop)
{
	struct sockaddr_in *to = message->msg_hdr.msg_name; /* what the kernel routes by */
	to->sin_addr.s_addr = p->ip.daddr = htonl(o.base + (uint32_t)target);
	p->ip.id = htons((uint16_t)(hop + 1)); /* 0: the kernel would choose one */
	p->ip.ttl = (uint8_t)(hop + 1);
	p->icmp.un.echo.sequence = htons(sequence(&slots[target], hop));
	p->icmp.checksum = 0;
	p->icmp.checksum = checksum(&p->icmp, sizeof p->icmp + PAYLOAD);
}

static void send_all(struct mmsghdr *messages, int count)
{
	for (int done = 0; done < count;) {
		int r = sendmmsg(out_fd, messages + done, (unsigned)(count - done), 0);
		n.nsend++;
		if (r > 0) {
			done += r;
			continue;
		}
		if (errno != EAGAIN && errno != ENOBUFS)
			die("sendmmsg");
		struct pollfd f = {out_fd, POLLOUT, 0};
		poll(&f, 1, 1);
	}
	n.sent += (unsigned long)count;
}

static int stop_reached(uint64_t begun)
{
	if (o.secs > 0)
		return now() - begun >= (uint64_t)(o.secs * 1e9);
	return n.started >= (unsigned long)o.traces;
}

/* Starts what the window has room for; returns how many packets went. */
static int start_traces(struct packet *packets, struct mmsghdr *messages, uint64_t begun)
{
	static int next;
	int count = 0;
	while (in_flight < o.window && count + o.hops <= o.batch && !slots[next].busy && !stop_reached(begun)) {
		struct slot *s = &slots[next];
		*s = (struct slot){.round = (uint16_t)(s->round + 1), .busy = 1};
		for (int hop = 0; hop < o.hops; hop++, count++)
			fill(&packets[count], &messages[count], next, hop);
		n.started++;
		in_flight++;
		next = (next + 1) % o.targets;
	}
	if (count)
		send_all(messages, count);
	return count;
}

static void take(const uint8_t *p, int size)
{
	const struct icmphdr *icmp = (const void *)(p + (p[0] & 15) * 4), *quoted = icmp;
	uint32_t address;
	memcpy(&address, p + 12, 4);
	if (icmp->type == ICMP_TIME_EXCEEDED && size >= (p[0] & 15) * 4 + 36) {
		const uint8_t *inner = (const uint8_t *)(icmp + 1);
		memcpy(&address, inner + 16, 4);
		quoted = (const void *)(inner + (inner[0] & 15) * 4);
	} else if (icmp->type != ICMP_ECHOREPLY) {
		n.stray++;
		return;
	}
	uint32_t target = ntohl(address) - o.base;
	int hop = ntohs(quoted->un.echo.sequence) & 31;
	if (target >= (uint32_t)o.targets || quoted->un.echo.id != ident || !slots[target].busy ||
	    ntohs(quoted->un.echo.sequence) != sequence(&slots[target], hop) || slots[target].answered >> hop & 1) {
		n.stray++;
		return;
	}
	struct slot *s = &slots[target];
	n.received++;
	s->answered |= 1u << hop;
	s->arrived |= icmp->type == ICMP_ECHOREPLY && hop == o.hops - 1;
	if (s->answered != (1u << o.hops) - 1)
		return;
	n.complete += s->arrived;
	n.partial += !s->arrived;
	s->busy = 0;
	in_flight--;
}

static int receive(struct mmsghdr *messages, struct iovec *vectors, uint8_t (*control)[64])
{
	int total = 0;
	for (;;) {
		for (int i = 0; i < o.batch && o.stamps; i++)
			messages[i].msg_hdr.msg_controllen = sizeof control[i];
		int r = recvmmsg(in_fd, messages, (unsigned)o.batch, MSG_DONTWAIT, NULL);
		n.nrecv++;
		for (int i = 0; i < r; i++) {
			take(vectors[i].iov_base, (int)messages[i].msg_len);
			n.stamped += o.stamps && CMSG_FIRSTHDR(&messages[i].msg_hdr) != NULL;
		}
		total += r > 0 ? r : 0;
		if (r < o.batch)
			return total;
	}
}

static void give_up(void)
{
	for (int i = 0; i < o.targets; i++)
		if (slots[i].busy) {
			slots[i].busy = 0;
			n.partial++;
		}
	in_flight = 0;
}

static void run(void)
{
	struct packet *packets = calloc((size_t)o.batch, sizeof *packets);
	struct mmsghdr *out = calloc((size_t)o.batch, sizeof *out), *in = calloc((size_t)o.batch, sizeof *in);
	struct iovec *ov = calloc((size_t)o.batch, sizeof *ov), *iv = calloc((size_t)o.batch, sizeof *iv);
	struct sockaddr_in *to = calloc((size_t)o.batch, sizeof *to);
	uint8_t(*bytes)[256] = calloc((size_t)o.batch, sizeof *bytes),
	(*control)[64] = calloc((size_t)o.batch, sizeof *control);
	for (int i = 0; i < o.batch; i++) {
		packets[i].ip = (struct iphdr){
			.version = 4, .ihl = 5, .protocol = IPPROTO_ICMP, .tot_len = htons(sizeof packets[i])};
		packets[i].icmp.type = ICMP_ECHO;
		packets[i].icmp.un.echo.id = ident;
		to[i].sin_family = AF_INET;
		ov[i] = (struct iovec){&packets[i], sizeof packets[i]};
		out[i].msg_hdr = (struct msghdr){
			.msg_name = &to[i], .msg_namelen = sizeof to[i], .msg_iov = &ov[i], .msg_iovlen = 1};
		iv[i] = (struct iovec){bytes[i], sizeof bytes[i]};
		in[i].msg_hdr = (struct msghdr){.msg_iov = &iv[i],
						.msg_iovlen = 1,
						.msg_control = o.stamps ? control[i] : NULL,
						.msg_controllen = o.stamps ? sizeof control[i] : 0};
	}
	uint64_t begun = now(), heard = begun;
	while (in_flight || !stop_reached(begun)) {
		int sent = start_traces(packets, out, begun);
		int got = receive(in, iv, control);
		if (got || sent)
			heard = now();
		else if (now() - heard > STALL)
			give_up();
		else {
			struct pollfd f = {in_fd, POLLIN, 0};
			poll(&f, 1, 10);
		}
	}
}

int main(int argc, char **argv)
{
	int c;
	o.base = ntohl(inet_addr("10.90.0.1"));
	while ((c = getopt(argc, argv, "a:n:c:d:h:w:b:tF")) != -1)
		switch (c) {
		case 'a':
			o.base = ntohl(inet_addr(optarg));
			break;
		case 'n':
			o.targets = atoi(optarg);
			break;
		case 'c':
			o.traces = atol(optarg);
			break;
		case 'd':
			o.secs = atof(optarg);
			break;
		case 'h':
			o.hops = atoi(optarg);
			break;
		case 'w':
			o.window = atoi(optarg);
			break;
		case 'b':
			o.batch = atoi(optarg);
			break;
		case 't':
			o.stamps = 1;
			break;
		case 'F':
			o.filter = 1;
			break;
		default:
			return 2;
		}
	if (o.hops < 1 || o.hops > 31 || o.batch < o.hops || o.targets < 1)
		return 2;
	o.traces = o.traces ? o.traces : o.targets;
	ident = (uint16_t)getpid();
	slots = calloc((size_t)o.targets, sizeof *slots);
	open_sockets();
	uint64_t begun = now();
	run();
	double wall = (double)(now() - begun) * 1e-9;
	struct rusage ru;
	getrusage(RUSAGE_SELF, &ru);
	double cpu = (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
		     (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * 1e-6;
	printf("traces %lu complete %lu partial %lu sent %lu rcvd %lu stray %lu wall %.6f s traces/s %.0f cpu %.3f s "
	       "us/trace %.2f calls %lu/%lu\n",
	       n.started, n.complete, n.partial, n.sent, n.received, n.stray, wall, (double)n.complete / wall, cpu,
	       cpu * 1e6 / (double)n.started, n.nsend, n.nrecv);
	return 0;
}
