/*
 * wire INTERFACE SCENARIO: answers at the far end of a veth as the scenario says (wire_scenario.c has its syntax).
 *
 * Prints "ready" once it listens. SIGUSR1: prints what it has seen and done so far, as one line of JSON. SIGHUP: reads
 * the scenario again, begins every plan anew, prints "reloaded". SIGTERM: prints the line of JSON and ends.
 *
 * An answer leaves at the kernel's receive stamp of its request plus the delay; the last stretch is waited for by
 * spinning. "hold_ns" in the figures says how long answers were really held: an RTT can never be below it.
 */
#include "wire.h"

#include <endian.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SPIN_NS          INT64_C(120000)
#define DESTINATIONS_MAX 131072
#define BUCKETS          65536
#define EVENTS_MAX       (1u << 20)
#define RECENT           64
#define HELD_MAX         16

/* What one address was asked, and what it answered. */
struct destination {
	struct destination *next;
	struct wire_address address;
	const struct wire_rule *rule;
	uint32_t index; /* into the plan */
	uint64_t requests, replies, duplicates, lost, held, late, errors, lies, truncated, garbage, too_big, impossible;
	uint64_t holds;
	int64_t hold_sum_ns, hold_min_ns, hold_max_ns;
	struct wire_message *waiting[HELD_MAX]; /* replies that wait for a later one */
	size_t nwaiting;
	struct wire_request last;
	struct {
		int64_t stamp_ns;
		uint16_t id, sequence;
	} recent[RECENT];
};

/* A frame to send. */
struct event {
	int64_t due_ns;
	uint64_t order;            /* equal times: first come, first served */
	struct destination *timed; /* its hold is noted; NULL = not */
	int64_t stamp_ns;
	size_t size;
	uint8_t *frame;
};

struct wire {
	int socket, signals;
	unsigned interface;
	uint8_t mac[6];
	size_t mtu;
	const char *path;
	struct wire_scenario scenario;
	struct destination *buckets[BUCKETS];
	struct destination **all; /* in order of appearance */
	size_t nall;
	struct event *events; /* a heap */
	size_t nevents, room;
	uint64_t order;
	uint32_t id;
	uint64_t arp, solicitations, others, fragments, unsent;
	struct wire_assembly assembly;
	struct wire_message message;
	bool stop;
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* --- what is to be sent, by time ---------------------------------------------------------------------------------- */

static bool event_is_before(const struct event *a, const struct event *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void events_swap(struct wire *wire, size_t a, size_t b)
{
	struct event kept = wire->events[a];

	wire->events[a] = wire->events[b];
	wire->events[b] = kept;
}

static void events_add(struct wire *wire, struct event event)
{
	size_t at = wire->nevents;

	if (wire->nevents == wire->room) {
		size_t room = wire->room ? wire->room * 2 : 1024;
		struct event *grown = room <= EVENTS_MAX ? realloc(wire->events, room * sizeof(event)) : NULL;

		if (!grown) {
			wire->unsent++;
			free(event.frame);
			return;
		}
		wire->events = grown;
		wire->room = room;
	}
	event.order = wire->order++;
	wire->events[wire->nevents++] = event;
	for (; at > 0 && event_is_before(&wire->events[at], &wire->events[(at - 1) / 2]); at = (at - 1) / 2)
		events_swap(wire, at, (at - 1) / 2);
}

static struct event events_take(struct wire *wire)
{
	struct event first = wire->events[0];
	size_t at = 0;

	wire->events[0] = wire->events[--wire->nevents];
	for (;;) {
		size_t least = at, left = 2 * at + 1, right = left + 1;

		if (left < wire->nevents && event_is_before(&wire->events[left], &wire->events[least]))
			least = left;
		if (right < wire->nevents && event_is_before(&wire->events[right], &wire->events[least]))
			least = right;
		if (least == at)
			return first;
		events_swap(wire, at, least);
		at = least;
	}
}

static void note_hold(struct destination *destination, int64_t hold_ns)
{
	if (destination->holds == 0 || hold_ns < destination->hold_min_ns)
		destination->hold_min_ns = hold_ns;
	if (hold_ns > destination->hold_max_ns)
		destination->hold_max_ns = hold_ns;
	destination->hold_sum_ns += hold_ns;
	destination->holds++;
}

static void send_event(struct wire *wire, struct event *event)
{
	int64_t now = now_ns();

	if (send(wire->socket, event->frame, event->size, 0) != (ssize_t)event->size)
		wire->unsent++;
	else if (event->timed)
		note_hold(event->timed, now - event->stamp_ns);
	free(event->frame);
}

/* Sends what is due; spins for what is nearly due. */
static void send_due(struct wire *wire)
{
	while (wire->nevents > 0 && wire->events[0].due_ns <= now_ns() + SPIN_NS) {
		struct event event = events_take(wire);

		while (now_ns() < event.due_ns)
			;
		send_event(wire, &event);
	}
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

struct sending {
	struct wire *wire;
	struct event event;
};

static void queue_frame(void *context, const uint8_t *frame, size_t size)
{
	struct sending *sending = context;
	struct event event = sending->event;

	event.frame = malloc(size);
	if (!event.frame)
		return;
	memcpy(event.frame, frame, size);
	event.size = size;
	events_add(sending->wire, event);
	sending->event.timed = NULL; /* of a fragmented answer the first frame is timed */
}

static void queue_message(struct wire *wire, const struct wire_message *message, const struct wire_request *request,
			  const struct event *event)
{
	struct wire_ends ends = {.mtu = wire->mtu, .id = wire->id++};
	struct sending sending = {.wire = wire, .event = *event};

	memcpy(ends.from, wire->mac, 6);
	memcpy(ends.to, request->mac, 6);
	wire_message_frames(message, &ends, queue_frame, &sending);
}

/* The replies that waited for this one leave 0.1 ms after it, the last to come first. */
static void release_waiting(struct wire *wire, struct destination *destination, const struct wire_request *request,
			    int64_t due_ns)
{
	while (destination->nwaiting > 0) {
		struct wire_message *message = destination->waiting[--destination->nwaiting];

		due_ns += 100000;
		queue_message(wire, message, request, &(struct event){.due_ns = due_ns});
		free(message);
	}
}

static void hold_reply(struct destination *destination, const struct wire_message *message)
{
	struct wire_message *kept = destination->nwaiting < HELD_MAX ? malloc(sizeof(*kept)) : NULL;

	if (!kept) {
		destination->lost++;
		return;
	}
	*kept = *message;
	destination->waiting[destination->nwaiting++] = kept;
	destination->held++;
}

static void answer_truly(struct wire *wire, struct destination *destination, const struct wire_request *request,
			 const struct event *when, unsigned copies)
{
	struct event event = *when;

	wire_make_reply(request, destination->rule, &wire->message);
	event.timed = destination;
	queue_message(wire, &wire->message, request, &event);
	destination->replies++;
	event.timed = NULL;
	for (unsigned i = 0; i < copies; i++) {
		queue_message(wire, &wire->message, request, &event);
		destination->duplicates++;
	}
	release_waiting(wire, destination, request, event.due_ns);
}

static void answer_with_lie(struct wire *wire, struct destination *destination, const struct wire_request *request,
			    const struct event *when)
{
	if (!wire_make_spoof(request, destination->rule, &wire->message)) {
		destination->impossible++;
		return;
	}
	queue_message(wire, &wire->message, request, when);
	destination->lies++;
}

static void answer_with_error(struct wire *wire, struct destination *destination, const struct wire_request *request,
			      const struct event *when)
{
	if (!wire_make_error(request, destination->rule, &wire->message)) {
		destination->impossible++;
		return;
	}
	queue_message(wire, &wire->message, request, when);
	destination->errors++;
}

static char next_letter(struct destination *destination)
{
	const struct wire_rule *rule = destination->rule;
	size_t length = strlen(rule->plan);
	uint32_t index = destination->index++;

	if (rule->plan_ends && index >= length)
		return rule->plan[length - 1];
	return rule->plan[index % length];
}

static void answer(struct wire *wire, struct destination *destination, const struct wire_request *request)
{
	const struct wire_rule *rule = destination->rule;
	int64_t delay = rule->delays_ns[destination->index % rule->ndelays];
	struct event when = {.due_ns = request->stamp_ns + delay, .stamp_ns = request->stamp_ns};

	switch (next_letter(destination)) {
	case '.':
		answer_truly(wire, destination, request, &when, 0);
		break;
	case 'd':
		answer_truly(wire, destination, request, &when, rule->copies);
		break;
	case 'l':
		when.due_ns = request->stamp_ns + rule->late_ns;
		wire_make_reply(request, rule, &wire->message);
		queue_message(wire, &wire->message, request, &when);
		destination->late++;
		break;
	case 'h':
		wire_make_reply(request, rule, &wire->message);
		hold_reply(destination, &wire->message);
		break;
	case 'e':
		answer_with_error(wire, destination, request, &when);
		break;
	case 's':
		answer_with_lie(wire, destination, request, &when);
		break;
	case 'S':
		answer_with_lie(wire, destination, request, &when);
		answer_truly(wire, destination, request, &when, 0);
		break;
	case 't':
		wire_make_truncated(request, rule, &wire->message);
		queue_message(wire, &wire->message, request, &when);
		destination->truncated++;
		break;
	case 'g':
		wire_make_garbage(request, rule, (uint32_t)destination->garbage, &wire->message);
		queue_message(wire, &wire->message, request, &when);
		destination->garbage++;
		break;
	default:
		destination->lost++;
	}
}

/* --- what comes in ------------------------------------------------------------------------------------------------ */

static struct destination **bucket_of(struct wire *wire, const struct wire_address *address)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < sizeof(address->bytes); i++)
		hash = (hash ^ address->bytes[i]) * 16777619u;
	return &wire->buckets[(hash ^ hash >> 16) % BUCKETS];
}

/* Found or made; NULL when there are too many. */
static struct destination *destination_of(struct wire *wire, const struct wire_address *address)
{
	struct destination **bucket = bucket_of(wire, address);
	struct destination *destination;

	for (destination = *bucket; destination; destination = destination->next)
		if (memcmp(&destination->address, address, sizeof(*address)) == 0)
			return destination;
	if (wire->nall == DESTINATIONS_MAX)
		return NULL;
	destination = calloc(1, sizeof(*destination));
	if (!destination)
		return NULL;
	destination->address = *address;
	destination->rule = wire_scenario_find(&wire->scenario, address);
	destination->next = *bucket;
	*bucket = destination;
	wire->all[wire->nall++] = destination;
	return destination;
}

static void note_request(struct destination *destination, const struct wire_request *request)
{
	size_t at = destination->requests++ % RECENT;

	destination->last = *request;
	destination->recent[at].stamp_ns = request->stamp_ns;
	destination->recent[at].id = request->id;
	destination->recent[at].sequence = request->sequence;
}

static bool is_too_big(const struct wire_rule *rule, const uint8_t *packet, size_t size)
{
	bool is_v4 = packet[0] >> 4 == 4;
	size_t total = is_v4 ? (size_t)(packet[2] << 8 | packet[3]) : 40 + (size_t)(packet[4] << 8 | packet[5]);

	return rule->mtu != 0 && size >= total && total > rule->mtu && (!is_v4 || packet[6] & 0x40);
}

static void take_packet(struct wire *wire, struct wire_request *request, const uint8_t *packet, size_t size)
{
	enum wire_kind kind = wire_packet_read(&wire->assembly, packet, size, request);
	struct destination *destination;

	if (kind == WIRE_OTHER) {
		wire->others++;
		return;
	}
	destination = destination_of(wire, &request->destination);
	if (!destination || !destination->rule) {
		wire->others++;
		return;
	}
	if (kind == WIRE_FRAGMENT) {
		wire->fragments++;
		return;
	}
	note_request(destination, request);
	if (is_too_big(destination->rule, packet, size)) {
		wire_make_too_big(request, destination->rule, &wire->message);
		queue_message(wire, &wire->message, request, &(struct event){.due_ns = request->stamp_ns});
		destination->too_big++;
		return;
	}
	answer(wire, destination, request);
}

static void take_frame(struct wire *wire, const uint8_t *frame, size_t size, int64_t stamp_ns)
{
	struct wire_request request = {.stamp_ns = stamp_ns};
	struct wire_address asked;
	uint8_t neighbour[128];
	size_t length = wire_neighbour_answer(frame, size, wire->mac, neighbour, &asked);

	if (length > 0) {
		const struct wire_rule *rule = wire_scenario_find(&wire->scenario, &asked);

		if (asked.family == 4)
			wire->arp++;
		else
			wire->solicitations++;
		if (rule && !rule->is_silent && send(wire->socket, neighbour, length, 0) != (ssize_t)length)
			wire->unsent++;
		return;
	}
	if (size < ETH_HLEN)
		return;
	memcpy(request.mac, frame + 6, 6);
	take_packet(wire, &request, frame + ETH_HLEN, size - ETH_HLEN);
}

static int64_t stamp_of(struct msghdr *message)
{
	struct timespec stamp;

	for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control))
		if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&stamp, CMSG_DATA(control), sizeof(stamp));
			return stamp.tv_sec * INT64_C(1000000000) + stamp.tv_nsec;
		}
	return now_ns();
}

static void receive_frames(struct wire *wire)
{
	static uint8_t frame[ETH_HLEN + WIRE_PACKET_MAX];

	for (unsigned i = 0; i < 64; i++) {
		union {
			char bytes[256];
			struct cmsghdr aligned;
		} control;
		struct iovec part = {frame, sizeof(frame)};
		struct msghdr message = {.msg_iov = &part,
					 .msg_iovlen = 1,
					 .msg_control = control.bytes,
					 .msg_controllen = sizeof(control.bytes)};
		ssize_t n = recvmsg(wire->socket, &message, MSG_DONTWAIT);

		if (n < 0)
			return;
		take_frame(wire, frame, (size_t)n, stamp_of(&message));
	}
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

static void print_recent(const struct destination *destination, FILE *out)
{
	uint64_t n = destination->requests < RECENT ? destination->requests : RECENT;
	const char *names[] = {"stamps_ns", "sequences", "ids"};

	for (unsigned list = 0; list < 3; list++) {
		fprintf(out, ",\"%s\":[", names[list]);
		for (uint64_t i = 0; i < n; i++) {
			size_t at = (destination->requests - n + i) % RECENT;
			long long value = list == 0   ? destination->recent[at].stamp_ns
					  : list == 1 ? destination->recent[at].sequence
						      : destination->recent[at].id;

			fprintf(out, "%s%lld", i ? "," : "", value);
		}
		fputc(']', out);
	}
}

static void print_destination(const struct destination *destination, FILE *out)
{
	char text[WIRE_ADDRESS_TEXT];
	const struct {
		const char *name;
		uint64_t value;
	} counts[] = {
		{"requests", destination->requests},
		{"replies", destination->replies},
		{"duplicates", destination->duplicates},
		{"lost", destination->lost},
		{"held", destination->held},
		{"waiting", destination->nwaiting},
		{"late", destination->late},
		{"errors", destination->errors},
		{"lies", destination->lies},
		{"truncated", destination->truncated},
		{"garbage", destination->garbage},
		{"too_big", destination->too_big},
		{"impossible", destination->impossible},
		{"holds", destination->holds},
	};

	fprintf(out, "\"%s\":{", wire_address_format(&destination->address, text));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		fprintf(out, "\"%s\":%llu,", counts[i].name, (unsigned long long)counts[i].value);
	fprintf(out, "\"hold_min_ns\":%lld,\"hold_max_ns\":%lld,\"hold_sum_ns\":%lld",
		(long long)destination->hold_min_ns, (long long)destination->hold_max_ns,
		(long long)destination->hold_sum_ns);
	if (destination->requests > 0) {
		const struct wire_request *last = &destination->last;

		fprintf(out, ",\"last\":{\"source\":\"%s\",\"hop_limit\":%u,\"class\":%u,\"dont_fragment\":%s,",
			wire_address_format(&last->source, text), last->hop_limit, last->traffic_class,
			last->dont_fragment ? "true" : "false");
		fprintf(out, "\"fragmented\":%s,\"icmp_bytes\":%zu}", last->was_fragmented ? "true" : "false",
			last->icmp_size);
	}
	print_recent(destination, out);
	fputc('}', out);
}

static void print_figures(const struct wire *wire, FILE *out)
{
	struct tpacket_stats seen = {0};
	socklen_t size = sizeof(seen);

	/* Reading them sets them back: a drop here means that the player was too slow, and no figure can be trusted. */
	getsockopt(wire->socket, SOL_PACKET, PACKET_STATISTICS, &seen, &size);
	fprintf(out, "{\"dropped\":%u,\"unsent\":%llu,\"arp\":%llu,\"solicitations\":%llu,\"others\":%llu,",
		seen.tp_drops, (unsigned long long)wire->unsent, (unsigned long long)wire->arp,
		(unsigned long long)wire->solicitations, (unsigned long long)wire->others);
	fprintf(out, "\"fragments\":%llu,\"destinations\":{", (unsigned long long)wire->fragments);
	for (size_t i = 0, n = 0; i < wire->nall; i++) {
		if (wire->all[i]->requests == 0)
			continue;
		if (n++ > 0)
			fputc(',', out);
		print_destination(wire->all[i], out);
	}
	fputs("}}\n", out);
	fflush(out);
}

/* --- signals and start -------------------------------------------------------------------------------------------- */

static void reload(struct wire *wire)
{
	bool is_good = wire_scenario_read(&wire->scenario, wire->path) == 0;

	for (size_t i = 0; i < wire->nall; i++) {
		struct destination *destination = wire->all[i];

		destination->rule = wire_scenario_find(&wire->scenario, &destination->address);
		destination->index = 0;
		while (destination->nwaiting > 0)
			free(destination->waiting[--destination->nwaiting]);
	}
	puts(is_good ? "reloaded" : "refused");
	fflush(stdout);
}

static void take_signal(struct wire *wire)
{
	struct signalfd_siginfo signal;

	if (read(wire->signals, &signal, sizeof(signal)) != (ssize_t)sizeof(signal))
		return;
	if (signal.ssi_signo == SIGHUP) {
		reload(wire);
		return;
	}
	print_figures(wire, stdout);
	wire->stop = signal.ssi_signo != SIGUSR1;
}

static void play(struct wire *wire)
{
	struct pollfd files[2] = {{.fd = wire->socket, .events = POLLIN}, {.fd = wire->signals, .events = POLLIN}};

	while (!wire->stop) {
		struct timespec wait = {0}, *until = NULL;

		if (wire->nevents > 0) {
			int64_t left = wire->events[0].due_ns - SPIN_NS - now_ns();

			if (left > 0) {
				wait.tv_sec = left / 1000000000;
				wait.tv_nsec = left % 1000000000;
			}
			until = &wait;
		}
		if (ppoll(files, 2, until, NULL) > 0) {
			if (files[1].revents)
				take_signal(wire);
			if (files[0].revents)
				receive_frames(wire);
			/* The interface went down: nothing to read until it is back, and poll does not wait for that.
			 */
			if (files[0].revents & POLLERR)
				usleep(1000);
		}
		send_due(wire);
	}
}

static int fail(const char *what)
{
	fprintf(stderr, "wire: %s: %s\n", what, strerror(errno));
	return -1;
}

static int open_socket(struct wire *wire, const char *name)
{
	struct sockaddr_ll here = {.sll_family = AF_PACKET, .sll_protocol = htobe16(ETH_P_ALL)};
	struct ifreq request = {0};
	int on = 1, buffer = 16 << 20;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	wire->interface = if_nametoindex(name);
	here.sll_ifindex = (int)wire->interface;
	/* Protocol 0 until it is bound: otherwise frames of other interfaces come first. */
	wire->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (wire->socket < 0 || wire->interface == 0)
		return fail(name);
	if (ioctl(wire->socket, SIOCGIFHWADDR, &request) != 0)
		return fail("SIOCGIFHWADDR");
	memcpy(wire->mac, request.ifr_hwaddr.sa_data, 6);
	if (ioctl(wire->socket, SIOCGIFMTU, &request) != 0)
		return fail("SIOCGIFMTU");
	wire->mtu = (size_t)request.ifr_mtu;
	if (setsockopt(wire->socket, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) != 0)
		setsockopt(wire->socket, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	setsockopt(wire->socket, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	if (setsockopt(wire->socket, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) != 0 ||
	    setsockopt(wire->socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0)
		return fail("setsockopt");
	if (bind(wire->socket, (struct sockaddr *)&here, sizeof(here)) != 0)
		return fail("bind");
	return 0;
}

static int open_signals(struct wire *wire)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	wire->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return wire->signals < 0 ? fail("signalfd") : 0;
}

static void wire_free(struct wire *wire)
{
	while (wire->nevents > 0)
		free(events_take(wire).frame);
	for (size_t i = 0; i < wire->nall; i++) {
		while (wire->all[i]->nwaiting > 0)
			free(wire->all[i]->waiting[--wire->all[i]->nwaiting]);
		free(wire->all[i]);
	}
	free(wire->events);
	free(wire->all);
	wire_scenario_free(&wire->scenario);
	free(wire);
}

int main(int argc, char **argv)
{
	struct wire *wire = calloc(1, sizeof(*wire));

	if (argc != 3) {
		fprintf(stderr, "usage: wire INTERFACE SCENARIO\n");
		return 2;
	}
	if (!wire || !(wire->all = calloc(DESTINATIONS_MAX, sizeof(struct destination *))))
		return 1;
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	prctl(PR_SET_PDEATHSIG, (unsigned long)SIGTERM, 0UL, 0UL, 0UL);
	wire->path = argv[2];
	if (wire_scenario_read(&wire->scenario, wire->path) != 0 || open_signals(wire) != 0 ||
	    open_socket(wire, argv[1]) != 0)
		return 1;
	puts("ready");
	fflush(stdout);
	play(wire);
	wire_free(wire);
	return 0;
}
