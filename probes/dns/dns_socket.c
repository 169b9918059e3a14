#include "probes/dns/dns_socket.h"

/* Before the kernel's headers, which else define less of it. */
#include <netinet/in.h>

#include <errno.h>
#include <linux/errqueue.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"

#define MESSAGE_BYTES 65536 /* no datagram is longer; pages that nothing is written to cost nothing */
#define MESSAGE_STRIDE                                                                                                 \
	(MESSAGE_BYTES + 256) /* heads of messages at the same place of a page would share a few cache lines */
#define CONTROL_BYTES  256    /* a timestamp, an extended error with offender; source and interface */
#define RECEIVE_ROUNDS 64     /* batches of one socket before the others have their turn */
#define TRIES          3      /* an error may be about another datagram: it is cleared, and the call made again */

/* What differs between the families, by enum address_family - 1. */
static const struct facts {
	int level, receive_error;
} facts[ADDRESS_FAMILIES] = {
	{IPPROTO_IP, IP_RECVERR},
	{IPPROTO_IPV6, IPV6_RECVERR},
};

struct batch {
	struct mmsghdr headers[DNS_BATCH];
	struct iovec parts[DNS_BATCH];
	struct sockaddr_storage names[DNS_BATCH];
	_Alignas(struct cmsghdr) uint8_t controls[DNS_BATCH][CONTROL_BYTES];
};

struct dns_buffers {
	struct loop *loop;
	struct dns_socket_events events;
	struct batch incoming; /* ready to receive, but for the first nused */
	struct batch outgoing;
	size_t nused;
	uint8_t *messages;          /* DNS_BATCH of MESSAGE_STRIDE */
	struct dns_socket *reading; /* NULL when it was closed by whom it told */
};

struct dns_socket {
	struct dns_buffers *buffers;
	void *owner;
	struct watch *watch;
	int descriptor;
	enum address_family family;
	uint16_t port;
};

struct dns_buffers *dns_buffers_create(struct loop *loop, const struct dns_socket_events *events)
{
	struct dns_buffers *buffers = mem_zero(1, sizeof(*buffers));
	buffers->loop = loop;
	buffers->events = *events;
	buffers->messages = mem_alloc((size_t)DNS_BATCH * MESSAGE_STRIDE);
	buffers->nused = DNS_BATCH;
	return buffers;
}

void dns_buffers_free(struct dns_buffers *buffers)
{
	mem_free(buffers->messages);
	mem_free(buffers);
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static int set_option(int descriptor, int level, int option, int value, struct err *err)
{
	if (setsockopt(descriptor, level, option, &value, sizeof(value)) == 0)
		return 0;
	return err_set_errno(err, "DNS socket option %d/%d", level, option);
}

static int set_options(const struct dns_socket *socket_, struct err *err)
{
	const struct facts *family = &facts[socket_->family - 1];
	int descriptor = socket_->descriptor;
	if (socket_->family == ADDRESS_IPV6 && set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1, err))
		return -1;
	/* Queries are small and carry DF anyway. Sure of that, the kernel need not look for an id of the IPv4 packet in
	 * a table by address, which has left the cache when there are many. */
	if (socket_->family == ADDRESS_IPV4 &&
	    set_option(descriptor, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE, err))
		return -1;
	if (set_option(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, 1, err) ||
	    set_option(descriptor, family->level, family->receive_error, 1, err))
		return -1;
	return 0;
}

/* Without a port of ours, the kernel picks one at random among all that are free. */
static int take_port(struct dns_socket *socket_, struct err *err)
{
	struct sockaddr_storage name;
	struct address address = {.family = (uint8_t)socket_->family};
	socklen_t length = address_to_sockaddr(&address, &name);
	if (bind(socket_->descriptor, (struct sockaddr *)&name, length))
		return err_set_errno(err, "DNS socket: bind");
	length = sizeof(name);
	if (getsockname(socket_->descriptor, (struct sockaddr *)&name, &length) ||
	    !address_from_sockaddr((struct sockaddr *)&name, length, &address))
		return err_set_errno(err, "DNS socket: name");
	socket_->port = address.port;
	return 0;
}

static void socket_ready(void *arg, unsigned events);

struct dns_socket *dns_socket_open(struct dns_buffers *buffers, enum address_family family, void *owner,
				   struct err *err)
{
	struct dns_socket *socket_ = mem_zero(1, sizeof(*socket_));
	socket_->buffers = buffers;
	socket_->owner = owner;
	socket_->family = family;
	socket_->descriptor = socket(address_families[family - 1].af, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (socket_->descriptor < 0)
		err_set_errno(err, "%s UDP socket", address_families[family - 1].name);
	if (socket_->descriptor < 0 || set_options(socket_, err) || take_port(socket_, err)) {
		dns_socket_close(socket_);
		return NULL;
	}
	socket_->watch = watch_create(buffers->loop, socket_->descriptor, socket_ready, socket_);
	watch_set(socket_->watch, WATCH_READ);
	return socket_;
}

void dns_socket_close(struct dns_socket *socket_)
{
	if (!socket_)
		return;
	if (socket_->buffers->reading == socket_)
		socket_->buffers->reading = NULL;
	watch_free(socket_->watch);
	if (socket_->descriptor >= 0)
		close(socket_->descriptor);
	mem_free(socket_);
}

uint16_t dns_socket_port(const struct dns_socket *socket_)
{
	return socket_->port;
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

static void clear_error(const struct dns_socket *socket_)
{
	int error;
	socklen_t length = sizeof(error);
	getsockopt(socket_->descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
}

/* Only what the last batch has written to. */
static void make_ready(struct dns_buffers *buffers)
{
	struct batch *batch = &buffers->incoming;
	for (size_t i = 0; i < buffers->nused; i++) {
		batch->parts[i] = (struct iovec){buffers->messages + i * MESSAGE_STRIDE, MESSAGE_BYTES};
		batch->headers[i].msg_hdr = (struct msghdr){
			.msg_name = &batch->names[i],
			.msg_namelen = sizeof(batch->names[i]),
			.msg_iov = &batch->parts[i],
			.msg_iovlen = 1,
			.msg_control = batch->controls[i],
			.msg_controllen = CONTROL_BYTES,
		};
	}
	buffers->nused = 0;
}

/* One recvmmsg into the buffers. An error that is pending on the socket belongs to nobody: it is cleared, and
 * *has_error set. */
static size_t receive_batch(const struct dns_socket *socket_, int flags, bool *has_error)
{
	struct dns_buffers *buffers = socket_->buffers;
	make_ready(buffers);
	for (int tries = 0; tries < TRIES; tries++) {
		int n = recvmmsg(socket_->descriptor, buffers->incoming.headers, DNS_BATCH, flags | MSG_DONTWAIT, NULL);
		if (n >= 0)
			return buffers->nused = (size_t)n;
		if (errno == EAGAIN)
			return 0;
		*has_error = true;
		clear_error(socket_);
	}
	return 0;
}

static void read_error(const struct cmsghdr *control, struct dns_incoming *out)
{
	const struct sock_extended_err *error = (const struct sock_extended_err *)CMSG_DATA(control);
	if (error->ee_origin != SO_EE_ORIGIN_ICMP && error->ee_origin != SO_EE_ORIGIN_ICMP6)
		return;
	out->is_error = true;
	out->error_type = error->ee_type;
	out->error_code = error->ee_code;
	socklen_t length = (socklen_t)(control->cmsg_len - CMSG_LEN(sizeof(*error)));
	address_from_sockaddr(SO_EE_OFFENDER(error), length, &out->offender);
}

static void read_controls(const struct dns_socket *socket_, struct msghdr *header, struct dns_incoming *out)
{
	const struct facts *family = &facts[socket_->family - 1];
	for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control)) {
		if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
			struct timespec stamp;
			memcpy(&stamp, CMSG_DATA(control), sizeof(stamp));
			out->stamp_ns = stamp.tv_sec * NS_PER_SECOND + stamp.tv_nsec;
		} else if (control->cmsg_level == family->level && control->cmsg_type == family->receive_error) {
			read_error(control, out);
		}
	}
}

static void hand_over(struct dns_socket *socket_, size_t i, bool is_error)
{
	struct dns_buffers *buffers = socket_->buffers;
	struct mmsghdr *message = &buffers->incoming.headers[i];
	struct dns_incoming incoming = {
		.bytes = buffers->messages + i * MESSAGE_STRIDE,
		.size = message->msg_len,
	};
	read_controls(socket_, &message->msg_hdr, &incoming);
	if (incoming.is_error != is_error ||
	    !address_from_sockaddr(message->msg_hdr.msg_name, message->msg_hdr.msg_namelen, &incoming.from))
		return;
	buffers->events.received(buffers->events.context, socket_->owner, &incoming);
}

/* Returns true when the error queue is worth a look: its entries wake us, too. */
static bool receive(struct dns_socket *socket_, int flags)
{
	struct dns_buffers *buffers = socket_->buffers;
	bool has_error = false;
	for (int round = 0; round < RECEIVE_ROUNDS; round++) {
		size_t n = receive_batch(socket_, flags, &has_error);
		if (n)
			buffers->events.receiving(buffers->events.context);
		else if (round == 0)
			has_error = true;
		for (size_t i = 0; i < n; i++) {
			hand_over(socket_, i, flags & MSG_ERRQUEUE);
			if (!buffers->reading)
				return false;
		}
		if (n < DNS_BATCH)
			break;
	}
	return has_error;
}

static void socket_ready(void *arg, unsigned events)
{
	struct dns_socket *socket_ = arg;
	struct dns_buffers *buffers = socket_->buffers;
	(void)events;
	buffers->reading = socket_;
	if (receive(socket_, 0))
		receive(socket_, MSG_ERRQUEUE);
	buffers->reading = NULL;
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static void add_control(struct msghdr *header, int level, int type, const void *value, size_t size)
{
	struct cmsghdr *control = header->msg_control;
	control->cmsg_level = level;
	control->cmsg_type = type;
	control->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(control), value, size);
	header->msg_controllen = CMSG_SPACE(size);
}

static void add_source(struct msghdr *header, enum address_family family, const struct dns_outgoing *outgoing)
{
	if (family == ADDRESS_IPV4) {
		struct in_pktinfo info = {.ipi_ifindex = (int)outgoing->interface};
		if (outgoing->source->family == ADDRESS_IPV4)
			memcpy(&info.ipi_spec_dst, outgoing->source->bytes, 4);
		add_control(header, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	} else {
		struct in6_pktinfo info = {.ipi6_ifindex = outgoing->interface};
		if (outgoing->source->family == ADDRESS_IPV6)
			memcpy(&info.ipi6_addr, outgoing->source->bytes, 16);
		add_control(header, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
}

static void build_message(const struct dns_socket *socket_, size_t i, const struct dns_outgoing *outgoing)
{
	struct batch *batch = &socket_->buffers->outgoing;
	struct msghdr *header = &batch->headers[i].msg_hdr;
	batch->parts[i] = (struct iovec){(void *)(uintptr_t)outgoing->bytes, outgoing->size};
	*header = (struct msghdr){
		.msg_name = &batch->names[i],
		.msg_namelen = address_to_sockaddr(outgoing->to, &batch->names[i]),
		.msg_iov = &batch->parts[i],
		.msg_iovlen = 1,
	};
	if (!outgoing->interface && outgoing->source->family == ADDRESS_NONE)
		return;
	header->msg_control = batch->controls[i];
	add_source(header, socket_->family, outgoing);
}

/* What the next datagram's own fault is; EAGAIN: there is no room now. */
static int send_next(const struct dns_socket *socket_, size_t first, size_t n, size_t *sent)
{
	struct mmsghdr *headers = socket_->buffers->outgoing.headers + first;
	for (int tries = 1;; tries++) {
		int done = sendmmsg(socket_->descriptor, headers, (unsigned)n, MSG_DONTWAIT);
		int error = errno;
		*sent = done > 0 ? (size_t)done : 0;
		if (done > 0)
			return 0;
		if (error == ENOBUFS)
			return EAGAIN;
		if (error == EAGAIN || tries == TRIES)
			return error;
		clear_error(socket_);
	}
}

size_t dns_socket_send(struct dns_socket *socket_, const struct dns_outgoing *outgoing, size_t n, int *results,
		       int64_t *begun_ns, int64_t *ended_ns)
{
	size_t done = 0;
	for (size_t i = 0; i < n; i++)
		build_message(socket_, i, &outgoing[i]);
	*begun_ns = clock_realtime_ns();
	while (done < n) {
		size_t sent;
		int error = send_next(socket_, done, n - done, &sent);
		memset(results + done, 0, sent * sizeof(*results));
		done += sent;
		if (error == EAGAIN)
			break;
		if (error)
			results[done++] = error;
	}
	*ended_ns = clock_realtime_ns();
	return done;
}
