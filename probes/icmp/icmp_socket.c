#include "probes/icmp/icmp_socket.h"

/* Before the kernel's headers, which else define less of it. */
#include <netinet/in.h>

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <linux/net_tstamp.h>
#include <netinet/icmp6.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/hash.h"
#include "core/loop.h"
#include "core/mem.h"
#include "probes/icmp/icmp_wire.h"
#include "probes/packet_socket.h"

#define RECEIVE_BUFFER_BYTES (8 << 20) /* a burst of some 10,000 replies */
#define RECEIVE_ROUNDS       256       /* batches before alarms ring: replies that are here must not be called late */
#define PACKET_BYTES         128       /* of a reply we need the headers and the secret only */
#define TRANSMIT_RING        4096      /* requests whose transmit stamp may still come; power of two */
#define SEND_TRIES           3         /* an error may be another target's: it is cleared and the packet tried again */

#define STAMPS_TRANSMIT (SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY)

/* By enum address_family - 1. */
static const int protocols[ADDRESS_FAMILIES] = {IPPROTO_ICMP, IPPROTO_ICMPV6};

static const uint8_t filler[ICMP_PAYLOAD_MAX];

/* Room for one batch of messages, in either direction. */
struct batch {
	struct mmsghdr headers[ICMP_RECEIVE_BATCH];
	struct iovec parts[ICMP_RECEIVE_BATCH][2];
	struct sockaddr_storage names[ICMP_RECEIVE_BATCH];
	_Alignas(struct cmsghdr) uint8_t controls[ICMP_RECEIVE_BATCH][PACKET_CONTROL_BYTES];
	uint8_t packets[ICMP_RECEIVE_BATCH][PACKET_BYTES];
};

struct transmitted {
	struct address destination;
	uint16_t sequence;
};

struct icmp_socket {
	int descriptor;
	enum icmp_socket_kind kind;
	enum address_family family;
	const struct packet_facts *facts;
	uint16_t identifier;
	struct icmp_profile profile;
	struct watch *watch;
	const struct icmp_socket_events *events;
	struct transmitted *ring; /* by the kernel's count of datagrams sent; NULL without transmit timestamps */
	uint32_t ring_next;
	_Atomic uint64_t foreign;
	struct packet_drops drops;
	bool hears_errors; /* about what was sent */
	struct batch batch;
	uint8_t rest[ICMP_PAYLOAD_MAX]; /* of large replies: all write here, nobody reads; it gives their length */
};

/* --- opening ------------------------------------------------------------------------------------------------------ */

static int open_descriptor(struct icmp_socket *socket_, struct err *err)
{
	int af = address_families[socket_->family - 1].af;
	int protocol = protocols[socket_->family - 1];
	socket_->kind = ICMP_SOCKET_DATAGRAM;
	socket_->descriptor = socket(af, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (socket_->descriptor < 0 && (errno == EACCES || errno == EPERM)) {
		socket_->kind = ICMP_SOCKET_RAW;
		socket_->descriptor = socket(af, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	}
	if (socket_->descriptor >= 0)
		return 0;
	if (errno == EACCES || errno == EPERM)
		return err_set(
			err, "no right to ping: either allow unprivileged ICMP sockets for this group (sysctl -w "
			     "net.ipv4.ping_group_range=\"0 2147483647\"), or give the binary the right to raw sockets "
			     "(setcap cap_net_raw+ep .../netsonde)");
	return err_set_errno(err, "%s ICMP socket", address_families[socket_->family - 1].name);
}

/* Raw sockets see every ICMP packet of the host: only echo replies with our identifier shall wake us. */
static int attach_filter(struct icmp_socket *socket_, struct err *err)
{
	uint32_t identifier = socket_->identifier;
	struct sock_filter v4[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), /* X = length of the IP header */
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, identifier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),  BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_filter v6[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, identifier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	bool is_v4 = socket_->family == ADDRESS_IPV4;
	struct sock_fprog program = {
		.len = is_v4 ? sizeof(v4) / sizeof(*v4) : sizeof(v6) / sizeof(*v6),
		.filter = is_v4 ? v4 : v6,
	};
	if (setsockopt(socket_->descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		return err_set_errno(err, "ICMP socket filter");

	struct icmp_filter types4 = {.data = ~(1U << ICMP_ECHOREPLY)};
	struct icmp6_filter types6;
	ICMP6_FILTER_SETBLOCKALL(&types6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &types6);
	int failed = is_v4 ? setsockopt(socket_->descriptor, SOL_RAW, ICMP_FILTER, &types4, sizeof(types4))
			   : setsockopt(socket_->descriptor, IPPROTO_ICMPV6, ICMP6_FILTER, &types6, sizeof(types6));
	return failed ? err_set_errno(err, "ICMP type filter") : 0;
}

/* The kernel gives a datagram socket its identifier as its port. */
static int take_identifier(struct icmp_socket *socket_, struct err *err)
{
	if (socket_->kind == ICMP_SOCKET_RAW) {
		hash_random(&socket_->identifier, sizeof(socket_->identifier));
		return attach_filter(socket_, err);
	}
	struct sockaddr_storage name;
	struct address any = {.family = (uint8_t)socket_->family};
	socklen_t length = address_to_sockaddr(&any, &name);
	if (bind(socket_->descriptor, (struct sockaddr *)&name, length))
		return err_set_errno(err, "ICMP socket: bind");
	length = sizeof(name);
	struct address bound;
	if (getsockname(socket_->descriptor, (struct sockaddr *)&name, &length) ||
	    !address_from_sockaddr((struct sockaddr *)&name, length, &bound))
		return err_set_errno(err, "ICMP socket: name");
	socket_->identifier = bound.port;
	return 0;
}

static int set_profile(const struct icmp_socket *socket_, struct err *err)
{
	const struct icmp_profile *profile = &socket_->profile;
	const struct packet_facts *family = socket_->facts;
	if (packet_set_mark(socket_->descriptor, profile->fwmark, err))
		return -1;
	/* Left to itself the kernel forbids routers to fragment IPv4, and the first large request after a change of
	 * path fails. */
	if (profile->dont_fragment || socket_->family == ADDRESS_IPV4)
		return packet_set_option(socket_->descriptor, family->level, family->discover,
					 profile->dont_fragment ? family->discover_probe : family->discover_dont, err);
	return 0;
}

static int set_options(struct icmp_socket *socket_, struct err *err)
{
	int descriptor = socket_->descriptor;
	const struct packet_facts *family = socket_->facts;
	int stamps = packet_receive_stamps;
	if (socket_->profile.transmit_timestamps) {
		stamps |= STAMPS_TRANSMIT;
		socket_->ring = mem_zero(TRANSMIT_RING, sizeof(*socket_->ring));
	}
	if (packet_start_stamps(descriptor, stamps, err) ||
	    packet_set_option(descriptor, family->level, family->receive_hop_limit, 1, err) ||
	    packet_set_option(descriptor, family->level, family->receive_class, 1, err))
		return -1;
	packet_set_buffers(descriptor, RECEIVE_BUFFER_BYTES);
	return 0;
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

/* One recvmmsg into the batch. An error that is pending on the socket belongs to nobody: it is cleared once. */
static size_t receive_batch(struct icmp_socket *socket_, int flags)
{
	struct batch *batch = &socket_->batch;
	for (size_t i = 0; i < ICMP_RECEIVE_BATCH; i++) {
		batch->parts[i][0] = (struct iovec){batch->packets[i], PACKET_BYTES};
		batch->parts[i][1] = (struct iovec){socket_->rest, sizeof(socket_->rest)};
		batch->headers[i].msg_hdr = (struct msghdr){
			.msg_name = &batch->names[i],
			.msg_namelen = sizeof(batch->names[i]),
			.msg_iov = batch->parts[i],
			.msg_iovlen = 2,
			.msg_control = batch->controls[i],
			.msg_controllen = PACKET_CONTROL_BYTES,
		};
	}
	for (int tries = 0; tries < SEND_TRIES; tries++) {
		int n = recvmmsg(socket_->descriptor, batch->headers, ICMP_RECEIVE_BATCH, flags | MSG_DONTWAIT, NULL);
		if (n >= 0)
			return (size_t)n;
		if (errno == EAGAIN)
			return 0;
		packet_clear_error(socket_->descriptor);
	}
	return 0;
}

static void count_foreign(struct icmp_socket *socket_, uint64_t n)
{
	atomic_fetch_add_explicit(&socket_->foreign, n, memory_order_relaxed);
}

static void hand_over_stamp(struct icmp_socket *socket_, const struct packet_notes *ancillary)
{
	uint32_t count = ancillary->error->ee_data;
	if (!socket_->ring || !ancillary->stamp_ns || socket_->ring_next - count - 1 >= TRANSMIT_RING)
		return;
	const struct transmitted *sent = &socket_->ring[count % TRANSMIT_RING];
	socket_->events->transmitted(socket_->events->context, &sent->destination, sent->sequence, ancillary->stamp_ns);
}

static void hand_over_error(struct icmp_socket *socket_, const struct mmsghdr *message, const uint8_t *packet,
			    const struct packet_notes *ancillary)
{
	const struct sock_extended_err *error = ancillary->error;
	struct icmp_echo echo;
	struct icmp_reply reply = {
		.from = ancillary->offender,
		.stamp_ns = ancillary->stamp_ns,
		.hop_limit = -1,
		.is_error = true,
		.error_type = error->ee_type,
		.error_code = error->ee_code,
		.error_info = error->ee_info,
	};
	if (!address_from_sockaddr(message->msg_hdr.msg_name, message->msg_hdr.msg_namelen, &reply.destination) ||
	    !icmp_wire_read_quote(packet, message->msg_len < PACKET_BYTES ? message->msg_len : PACKET_BYTES,
				  socket_->family, &echo) ||
	    echo.identifier != socket_->identifier) {
		count_foreign(socket_, 1);
		return;
	}
	reply.sequence = echo.sequence;
	socket_->events->replied(socket_->events->context, &reply);
}

/* The error queue carries ICMP errors about our requests, and transmit stamps. Errors that this host made while sending
 * (origin local) were told to the sender already. */
static void drain_errors(struct icmp_socket *socket_)
{
	struct batch *batch = &socket_->batch;
	for (int round = 0; round < RECEIVE_ROUNDS; round++) {
		size_t n = receive_batch(socket_, MSG_ERRQUEUE);
		for (size_t i = 0; i < n; i++) {
			struct packet_notes ancillary = packet_read_notes(socket_->family, &batch->headers[i].msg_hdr);
			if (!ancillary.error)
				continue;
			uint8_t origin = ancillary.error->ee_origin;
			if (origin == SO_EE_ORIGIN_TIMESTAMPING)
				hand_over_stamp(socket_, &ancillary);
			else if (origin == SO_EE_ORIGIN_ICMP || origin == SO_EE_ORIGIN_ICMP6)
				hand_over_error(socket_, &batch->headers[i], batch->packets[i], &ancillary);
		}
		if (n < ICMP_RECEIVE_BATCH)
			return;
	}
}

/* Control messages come back only as long as the header says; what a packet said is copied out before the batch is used
 * for the error queue. */
static bool read_reply(struct icmp_socket *socket_, size_t i, struct icmp_reply *reply)
{
	struct batch *batch = &socket_->batch;
	struct mmsghdr *message = &batch->headers[i];
	size_t size = message->msg_len;
	size_t header_size;
	struct icmp_echo echo;
	bool has_ip_header = socket_->kind == ICMP_SOCKET_RAW && socket_->family == ADDRESS_IPV4;
	if (!address_from_sockaddr(message->msg_hdr.msg_name, message->msg_hdr.msg_namelen, &reply->from) ||
	    !icmp_wire_read_reply(batch->packets[i], size < PACKET_BYTES ? size : PACKET_BYTES, socket_->family,
				  has_ip_header, &echo, &header_size) ||
	    echo.identifier != socket_->identifier)
		return false;
	struct packet_notes ancillary = packet_read_notes(socket_->family, &message->msg_hdr);
	reply->from.port = 0;
	reply->destination = reply->from;
	reply->sequence = echo.sequence;
	reply->secret = echo.secret;
	reply->has_secret = echo.has_secret;
	reply->stamp_ns = ancillary.stamp_ns;
	reply->hop_limit = (int16_t)ancillary.hop_limit;
	reply->traffic_class = (uint8_t)ancillary.traffic_class;
	reply->size = size - header_size;
	return true;
}

static void receive_replies(struct icmp_socket *socket_)
{
	struct icmp_reply replies[ICMP_RECEIVE_BATCH];
	for (int round = 0; round < RECEIVE_ROUNDS; round++) {
		count_foreign(socket_, packet_look_for_drops(socket_->descriptor, &socket_->drops));
		size_t n = receive_batch(socket_, 0);
		size_t good = 0;
		for (size_t i = 0; i < n; i++) {
			replies[good] = (struct icmp_reply){0};
			if (read_reply(socket_, i, &replies[good]))
				good++;
			else
				count_foreign(socket_, 1);
		}
		/* A reply may have overtaken the transmit stamp of its request. */
		if (good && socket_->ring)
			drain_errors(socket_);
		if (good)
			socket_->events->receiving(socket_->events->context);
		for (size_t i = 0; i < good; i++)
			socket_->events->replied(socket_->events->context, &replies[i]);
		if (n < ICMP_RECEIVE_BATCH)
			return;
	}
}

static void socket_ready(void *arg, unsigned events)
{
	struct icmp_socket *socket_ = arg;
	if (events & WATCH_READ) {
		receive_replies(socket_);
		drain_errors(socket_);
	}
	if (events & WATCH_WRITE) {
		watch_set(socket_->watch, WATCH_READ);
		socket_->events->writable(socket_->events->context);
	}
}

struct icmp_socket *icmp_socket_open(struct loop *loop, enum address_family family, const struct icmp_profile *profile,
				     const struct icmp_socket_events *events, struct err *err)
{
	struct icmp_socket *socket_ = mem_zero(1, sizeof(*socket_));
	socket_->descriptor = -1;
	socket_->family = family;
	socket_->facts = &packet_facts[family - 1];
	socket_->profile = *profile;
	socket_->events = events;
	if (open_descriptor(socket_, err) || set_options(socket_, err) || set_profile(socket_, err) ||
	    take_identifier(socket_, err)) {
		icmp_socket_close(socket_);
		return NULL;
	}
	socket_->watch = watch_create(loop, socket_->descriptor, socket_ready, socket_);
	watch_set(socket_->watch, WATCH_READ);
	return socket_;
}

void icmp_socket_close(struct icmp_socket *socket_)
{
	if (!socket_)
		return;
	watch_free(socket_->watch);
	if (socket_->descriptor >= 0)
		close(socket_->descriptor);
	mem_free(socket_->ring);
	mem_free(socket_);
}

enum icmp_socket_kind icmp_socket_kind(const struct icmp_socket *socket_)
{
	return socket_->kind;
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

/* Only a socket that sends listens for errors: the kernel gives a raw one those about everybody's ICMP, traceroutes
 * too, and no filter keeps them out. */
static void hear_errors(struct icmp_socket *socket_)
{
	const int yes = 1;
	if (socket_->hears_errors)
		return;
	setsockopt(socket_->descriptor, socket_->facts->level, socket_->facts->receive_error, &yes, sizeof(yes));
	socket_->hears_errors = true;
}

static void add_controls(const struct icmp_socket *socket_, struct msghdr *header, const struct icmp_request *request)
{
	const struct packet_facts *family = socket_->facts;
	if (request->hop_limit) {
		int hop_limit = request->hop_limit;
		packet_add_control(header, family->level, family->hop_limit, &hop_limit, sizeof(hop_limit));
	}
	if (request->traffic_class) {
		int class = request->traffic_class;
		packet_add_control(header, family->level, family->class, &class, sizeof(class));
	}
	if (request->interface || request->source.family != ADDRESS_NONE)
		packet_add_source(header, socket_->family, &request->source, request->interface);
	if (header->msg_controllen == 0)
		header->msg_control = NULL;
}

/* Two parts a message: the 16 bytes that differ, and the filler. */
static void build_message(struct icmp_socket *socket_, size_t i, const struct icmp_request *request)
{
	struct batch *batch = &socket_->batch;
	struct iovec *parts = batch->parts[i];
	struct icmp_echo echo = {
		.identifier = socket_->identifier,
		.sequence = request->sequence,
		.secret = request->secret,
	};
	icmp_wire_write_request(batch->packets[i], socket_->family, &echo);
	parts[0] = (struct iovec){batch->packets[i], ICMP_WIRE_START};
	parts[1] = (struct iovec){(void *)(uintptr_t)filler, request->payload_size - (size_t)ICMP_WIRE_SECRET};
	batch->headers[i].msg_hdr = (struct msghdr){
		.msg_name = &batch->names[i],
		.msg_namelen = address_to_sockaddr(&request->destination, &batch->names[i]),
		.msg_iov = parts,
		.msg_iovlen = parts[1].iov_len ? 2 : 1,
		.msg_control = batch->controls[i],
	};
	add_controls(socket_, &batch->headers[i].msg_hdr, request);
}

static void note_sent(struct icmp_socket *socket_, const struct icmp_request *requests, size_t n)
{
	if (!socket_->ring)
		return;
	for (size_t i = 0; i < n; i++)
		socket_->ring[socket_->ring_next++ % TRANSMIT_RING] =
			(struct transmitted){requests[i].destination, requests[i].sequence};
}

/* The kernel's count of datagrams includes what a device refused. Whether it includes what failed otherwise depends on
 * where it failed and on the kernel: then both counts begin again at zero, as the kernel's does when the option is set
 * anew. */
static void note_failed(struct icmp_socket *socket_, const struct icmp_request *request, int error)
{
	const int steps[] = {packet_receive_stamps, packet_receive_stamps | STAMPS_TRANSMIT};
	if (!socket_->ring)
		return;
	if (error == ENOBUFS) {
		note_sent(socket_, request, 1);
		return;
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		setsockopt(socket_->descriptor, SOL_SOCKET, SO_TIMESTAMPING, &steps[i], sizeof(steps[i]));
	socket_->ring_next = 0;
}

size_t icmp_socket_send(struct icmp_socket *socket_, const struct icmp_request *requests, size_t n, int *results,
			struct icmp_sending *sending)
{
	hear_errors(socket_);
	for (size_t i = 0; i < n; i++)
		build_message(socket_, i, &requests[i]);
	/* sendmmsg hides why it stopped half-way, and then nobody knows what the kernel has counted. */
	size_t most = socket_->ring ? 1 : n;
	size_t done = 0;
	int tries = 0;
	sending->stopped = 0;
	sending->begun_ns = clock_realtime_ns();
	while (done < n && !sending->stopped) {
		size_t next = n - done < most ? n - done : most;
		int sent = sendmmsg(socket_->descriptor, socket_->batch.headers + done, (unsigned)next, MSG_DONTWAIT);
		if (sent > 0) {
			note_sent(socket_, requests + done, (size_t)sent);
			memset(results + done, 0, (size_t)sent * sizeof(*results));
			done += (size_t)sent;
			tries = 0;
			continue;
		}
		int error = errno;
		note_failed(socket_, &requests[done], error);
		if (error == EAGAIN) {
			sending->stopped = error;
		} else if (error != ENOBUFS && ++tries < SEND_TRIES) {
			packet_clear_error(socket_->descriptor);
		} else {
			results[done++] = error;
			tries = 0;
		}
	}
	sending->ended_ns = clock_realtime_ns();
	if (sending->stopped)
		watch_set(socket_->watch, WATCH_READ | WATCH_WRITE);
	return done;
}

uint64_t icmp_socket_dropped(const struct icmp_socket *socket_)
{
	return socket_->drops.dropped;
}

uint64_t icmp_socket_foreign(const struct icmp_socket *socket_)
{
	return atomic_load_explicit(&socket_->foreign, memory_order_relaxed);
}
