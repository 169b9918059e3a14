/* Before the kernel's headers, which else define less of it. */
#include <netinet/in.h>

#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/hash.h"
#include "core/loop.h"
#include "core/mem.h"
#include "probes/traceroute/trace_filter.h"
#include "probes/traceroute/trace_socket_internal.h"

#define RECEIVE_ROUNDS 16 /* batches before others have their turn */
#define SEND_TRIES     3  /* an error may be another target's: it is cleared and the packet tried again */
#define BLOCK_TRIES    64
#define ROUTE_PORT     33434 /* a route is asked for with some port */

/* Ports that the kernel does not give out by itself, as it is set up by default, come first. */
#define BLOCKS_FIRST 61024U
#define BLOCKS_LAST  65504U
#define BLOCKS_LEAST 1024U

/* --- opening ------------------------------------------------------------------------------------------------------ */

static void prepare_inlet(struct trace_socket *set, struct trace_inlet *inlet)
{
	inlet->set = set;
	inlet->descriptor = -1;
}

static void close_inlet(struct trace_inlet *inlet)
{
	watch_free(inlet->watch);
	if (inlet->descriptor >= 0)
		close(inlet->descriptor);
}

static struct trace_socket *create_set(struct loop *loop, enum address_family family,
				       const struct trace_profile *profile, const struct trace_socket_events *events)
{
	struct trace_socket *set = mem_zero(1, sizeof(*set));
	set->loop = loop;
	set->family = family;
	set->profile = *profile;
	set->events = events;
	set->route = -1;
	prepare_inlet(set, &set->sender);
	prepare_inlet(set, &set->icmp);
	prepare_inlet(set, &set->tcp);
	for (uint8_t protocol = 0; protocol < TRACE_PROTOCOLS; protocol++) {
		for (unsigned i = 0; i < TRACE_FLOWS_MAX; i++) {
			prepare_inlet(set, &set->ports[protocol][i]);
			set->ports[protocol][i].protocol = protocol;
		}
	}
	return set;
}

static int open_route(struct trace_socket *set, struct err *err)
{
	set->route = socket(trace_socket_af(set), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (set->route < 0)
		return err_set_errno(err, "%s socket", address_families[set->family - 1].name);
	return packet_set_mark(set->route, set->profile.fwmark, err);
}

struct trace_socket *trace_socket_open(struct loop *loop, enum address_family family,
				       const struct trace_profile *profile, const struct trace_socket_events *events,
				       struct err *err)
{
	struct trace_socket *set = create_set(loop, family, profile, events);
	int denied = open_route(set, err);
	if (!denied)
		denied = trace_raw_open(set, err);
	if (denied < 0) {
		trace_socket_close(set);
		return NULL;
	}
	set->kind = denied ? TRACE_SOCKET_QUEUE : TRACE_SOCKET_RAW;
	return set;
}

void trace_socket_close(struct trace_socket *set)
{
	if (!set)
		return;
	close_inlet(&set->sender);
	close_inlet(&set->icmp);
	close_inlet(&set->tcp);
	for (unsigned protocol = 0; protocol < TRACE_PROTOCOLS; protocol++)
		for (unsigned i = 0; i < TRACE_FLOWS_MAX; i++)
			close_inlet(&set->ports[protocol][i]);
	if (set->route >= 0)
		close(set->route);
	mem_free(set->inbox);
	mem_free(set->outbox);
	mem_free(set);
}

enum trace_socket_kind trace_socket_kind(const struct trace_socket *set)
{
	return set->kind;
}

/* --- ports -------------------------------------------------------------------------------------------------------- */

static int bind_number(const struct trace_socket *set, int descriptor, uint16_t number)
{
	struct sockaddr_storage name;
	const struct address any = {.family = (uint8_t)set->family, .port = number};
	socklen_t length = address_to_sockaddr(&any, &name);
	return bind(descriptor, (struct sockaddr *)&name, length);
}

/* The first port of a block is bound first, and so claims the block for one worker. */
static uint16_t choose_block(unsigned tries)
{
	uint32_t least = tries < BLOCK_TRIES / 2 ? BLOCKS_FIRST : BLOCKS_LEAST;
	uint32_t random;
	hash_random(&random, sizeof(random));
	uint32_t blocks = (BLOCKS_LAST - least) / TRACE_FILTER_BLOCK + 1;
	return (uint16_t)(least + random % blocks * TRACE_FILTER_BLOCK);
}

static int bind_first(struct trace_socket *set, struct trace_inlet *port)
{
	for (unsigned tries = 0; tries < BLOCK_TRIES; tries++) {
		uint16_t number = choose_block(tries);
		if (bind_number(set, port->descriptor, number) == 0) {
			set->first[port->protocol] = port->number = number;
			return 0;
		}
		if (errno != EADDRINUSE)
			return -1;
	}
	return -1;
}

static int bind_next(struct trace_socket *set, struct trace_inlet *port)
{
	uint32_t number = set->ports[port->protocol][set->nports[port->protocol] - 1].number + 1U;
	for (; number < set->first[port->protocol] + TRACE_FILTER_BLOCK; number++) {
		if (bind_number(set, port->descriptor, (uint16_t)number) == 0) {
			port->number = (uint16_t)number;
			return 0;
		}
		if (errno != EADDRINUSE)
			return -1;
	}
	return -1;
}

int trace_socket_bind_port(struct trace_socket *set, struct trace_inlet *port, int type, struct err *err)
{
	port->descriptor = socket(trace_socket_af(set), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (port->descriptor < 0)
		return err_set_errno(err, "socket for a source port");
	if (set->family == ADDRESS_IPV6 && packet_set_option(port->descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1, err))
		return -1;
	if (set->nports[port->protocol] ? bind_next(set, port) : bind_first(set, port))
		return err_set_errno(err, "no source port for traces could be had");
	return 0;
}

static int add_port(struct trace_socket *set, enum trace_protocol protocol, struct err *err)
{
	struct trace_inlet *port = &set->ports[protocol][set->nports[protocol]];
	int failed = set->kind == TRACE_SOCKET_RAW ? trace_raw_add_port(set, protocol, err)
						   : trace_queue_add_port(set, protocol, err);
	if (failed) {
		close_inlet(port);
		port->descriptor = -1;
		port->watch = NULL;
		return -1;
	}
	set->nports[protocol]++;
	return 0;
}

int trace_socket_reserve(struct trace_socket *set, enum trace_protocol protocol, unsigned flows, struct err *err)
{
	if (!set->inbox) {
		set->inbox = mem_alloc(sizeof(*set->inbox));
		set->outbox = mem_alloc(sizeof(*set->outbox));
		memset(set->inbox->headers, 0, sizeof(set->inbox->headers));
	}
	if (set->nports[protocol] >= flows)
		return 0;
	while (set->nports[protocol] < flows)
		if (add_port(set, protocol, err))
			return -1;
	return set->kind == TRACE_SOCKET_RAW ? trace_raw_listen(set, err) : 0;
}

uint16_t trace_socket_port(const struct trace_socket *set, enum trace_protocol protocol, unsigned flow)
{
	return set->ports[protocol][flow].number;
}

/* --- routes ------------------------------------------------------------------------------------------------------- */

static void set_route_interface(struct trace_socket *set, uint32_t interface)
{
	uint32_t index = htonl(interface);
	bool is_v4 = set->family == ADDRESS_IPV4;
	if (interface == set->route_interface)
		return;
	set->route_interface = interface;
	setsockopt(set->route, is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_UNICAST_IF : IPV6_UNICAST_IF, &index,
		   sizeof(index));
}

/* A connected socket has the source address of its route; it must be free of the last one before the next. */
int trace_socket_source(struct trace_socket *set, const struct address *destination, uint32_t interface,
			struct address *source)
{
	const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
	struct sockaddr_storage name;
	struct address to = *destination;
	to.port = ROUTE_PORT;
	socklen_t length = address_to_sockaddr(&to, &name);
	set_route_interface(set, interface);
	if (connect(set->route, &nowhere, sizeof(nowhere)) || connect(set->route, (struct sockaddr *)&name, length))
		return errno;
	length = sizeof(name);
	if (getsockname(set->route, (struct sockaddr *)&name, &length))
		return errno;
	if (!address_from_sockaddr((struct sockaddr *)&name, length, source))
		return EAFNOSUPPORT;
	source->port = 0;
	return 0;
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

/* The kernel changes the headers of what it fills only: those of the last batch are set again. */
static void reset_headers(struct trace_inbox *inbox)
{
	for (size_t i = 0; i < TRACE_RECEIVE_BATCH; i++) {
		struct msghdr *header = &inbox->headers[i].msg_hdr;
		if (header->msg_iov && header->msg_namelen == sizeof(inbox->names[i]) &&
		    header->msg_controllen == PACKET_CONTROL_BYTES)
			return;
		inbox->parts[i] = (struct iovec){inbox->packets[i], sizeof(inbox->packets[i])};
		*header = (struct msghdr){
			.msg_name = &inbox->names[i],
			.msg_namelen = sizeof(inbox->names[i]),
			.msg_iov = &inbox->parts[i],
			.msg_iovlen = 1,
			.msg_control = inbox->controls[i],
			.msg_controllen = PACKET_CONTROL_BYTES,
		};
	}
}

/* An error that is pending on the socket belongs to nobody: it is cleared. */
static size_t receive_batch(const struct trace_inlet *inlet, int flags)
{
	struct trace_inbox *inbox = inlet->set->inbox;
	reset_headers(inbox);
	for (int tries = 0; tries < SEND_TRIES; tries++) {
		int n = recvmmsg(inlet->descriptor, inbox->headers, TRACE_RECEIVE_BATCH, flags | MSG_DONTWAIT, NULL);
		if (n >= 0)
			return (size_t)n;
		if (errno == EAGAIN)
			return 0;
		packet_clear_error(inlet->descriptor);
	}
	return 0;
}

static void hand_over(const struct trace_inlet *inlet, const struct mmsghdr *message)
{
	struct trace_socket *set = inlet->set;
	struct msghdr header = message->msg_hdr;
	size_t size = message->msg_len < TRACE_WIRE_ERROR_MAX ? message->msg_len : TRACE_WIRE_ERROR_MAX;
	struct packet_notes notes = packet_read_notes(set->family, &header);
	struct trace_reply reply;
	reply.stamp_ns = notes.stamp_ns;
	if (!inlet->read(inlet, &header, size, &notes, &reply)) {
		set->foreign++;
		return;
	}
	if (notes.hop_limit >= 0)
		reply.hop_limit = (int16_t)notes.hop_limit;
	set->events->replied(set->events->context, &reply);
}

static void receive(struct trace_inlet *inlet, int flags)
{
	struct trace_socket *set = inlet->set;
	for (int round = 0; round < RECEIVE_ROUNDS; round++) {
		uint64_t dropped = inlet->drops.dropped;
		set->foreign += packet_look_for_drops(inlet->descriptor, &inlet->drops);
		set->dropped += inlet->drops.dropped - dropped;
		size_t n = receive_batch(inlet, flags);
		if (n)
			set->events->receiving(set->events->context);
		for (size_t i = 0; i < n; i++)
			hand_over(inlet, &set->inbox->headers[i]);
		if (n < TRACE_RECEIVE_BATCH)
			return;
	}
}

static void inlet_ready(void *arg, unsigned events)
{
	struct trace_inlet *inlet = arg;
	struct trace_socket *set = inlet->set;
	if (events & WATCH_READ) {
		if (inlet->has_errors)
			receive(inlet, MSG_ERRQUEUE);
		receive(inlet, 0);
	}
	if (events & WATCH_WRITE) {
		watch_set(inlet->watch, inlet->read ? WATCH_READ : 0);
		set->events->writable(set->events->context);
	}
}

void trace_inlet_start(struct trace_inlet *inlet)
{
	inlet->watch = watch_create(inlet->set->loop, inlet->descriptor, inlet_ready, inlet);
	watch_set(inlet->watch, inlet->read ? WATCH_READ : 0);
}

bool trace_inlet_read_udp(const struct trace_inlet *inlet, const struct msghdr *header, size_t size,
			  struct packet_notes *notes, struct trace_reply *reply)
{
	struct address from;
	(void)notes;
	if (!address_from_sockaddr(header->msg_name, header->msg_namelen, &from) ||
	    !trace_wire_read_udp(header->msg_iov->iov_base, size, &from, reply))
		return false;
	reply->from.port = 0;
	reply->quote.source.port = inlet->number;
	reply->quote.has_ports = true;
	return true;
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static struct trace_inlet *outlet(struct trace_socket *set, const struct trace_packet *packet)
{
	if (set->kind == TRACE_SOCKET_RAW)
		return &set->sender;
	return &set->ports[packet->flow->protocol][packet->flow->index];
}

/* Sends headers[done..end) of the outbox by one socket. Returns how far it came; results are set up to there. */
static size_t send_run(struct trace_inlet *inlet, size_t done, size_t end, int *results, struct trace_sending *sending)
{
	struct mmsghdr *headers = inlet->set->outbox->headers;
	int tries = 0;
	while (done < end) {
		int sent = sendmmsg(inlet->descriptor, headers + done, (unsigned)(end - done), MSG_DONTWAIT);
		if (sent > 0) {
			memset(results + done, 0, (size_t)sent * sizeof(*results));
			done += (size_t)sent;
			tries = 0;
			continue;
		}
		int error = errno;
		if (error == EAGAIN) {
			sending->stopped = error;
			watch_set(inlet->watch, inlet->read ? WATCH_READ | WATCH_WRITE : WATCH_WRITE);
			return done;
		}
		if (error != ENOBUFS && ++tries < SEND_TRIES) {
			packet_clear_error(inlet->descriptor);
		} else {
			results[done++] = error;
			tries = 0;
		}
	}
	return done;
}

static int build(struct trace_socket *set, size_t i, const struct trace_packet *packet)
{
	struct trace_outbox *outbox = set->outbox;
	outbox->headers[i].msg_hdr = (struct msghdr){
		.msg_name = &outbox->names[i],
		.msg_iov = &outbox->parts[i],
		.msg_iovlen = 1,
		.msg_control = outbox->controls[i],
	};
	int error = set->kind == TRACE_SOCKET_RAW ? trace_raw_build(set, i, packet) : trace_queue_build(set, i, packet);
	if (outbox->headers[i].msg_hdr.msg_controllen == 0)
		outbox->headers[i].msg_hdr.msg_control = NULL;
	return error;
}

/* Can both leave in one system call? */
static bool go_together(struct trace_socket *set, const struct trace_packet *a, const struct trace_packet *b)
{
	if (set->kind == TRACE_SOCKET_RAW)
		return true;
	return outlet(set, a) == outlet(set, b) && a->dont_fragment == b->dont_fragment;
}

size_t trace_socket_send(struct trace_socket *set, const struct trace_packet *packets, size_t n, int *results,
			 struct trace_sending *sending)
{
	for (size_t i = 0; i < n; i++)
		results[i] = build(set, i, &packets[i]);
	size_t done = 0;
	sending->stopped = 0;
	sending->begun_ns = clock_realtime_ns();
	while (done < n && !sending->stopped) {
		size_t end = done;
		while (end < n && !results[end] && go_together(set, &packets[done], &packets[end]))
			end++;
		if (end == done) { /* it could not be built */
			done++;
			continue;
		}
		struct trace_inlet *inlet = outlet(set, &packets[done]);
		if (set->kind == TRACE_SOCKET_QUEUE)
			trace_queue_probe_fragments(inlet, packets[done].dont_fragment);
		done = send_run(inlet, done, end, results, sending);
	}
	sending->ended_ns = clock_realtime_ns();
	return done;
}

uint64_t trace_socket_dropped(const struct trace_socket *set)
{
	return set->dropped;
}

uint64_t trace_socket_foreign(const struct trace_socket *set)
{
	return set->foreign;
}
