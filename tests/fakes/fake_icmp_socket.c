#include <errno.h>
#include <string.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "tests/fakes/fake_icmp.h"
#include "tests/fakes/fakes.h"

struct icmp_socket {
	struct icmp_socket *next;
	struct loop *loop;
	enum address_family family;
	struct icmp_profile profile;
	const struct icmp_socket_events *events;
	struct pending *pending;
};

/* A reply on its way. */
struct pending {
	struct pending *next;
	struct icmp_socket *socket;
	struct icmp_reply reply;
	int64_t offset_ns; /* of the two clocks when it set out */
	struct alarm alarm;
};

static struct {
	fake_network network;
	void *context;
	struct icmp_socket *sockets;
	struct icmp_request last;
	bool refused[ADDRESS_FAMILIES + 1];
	unsigned sent, batches, stops, pending;
	int64_t batch_ns;
	int stop_error;
	uint64_t dropped;
} fake;

void fake_icmp_reset(fake_network network, void *context)
{
	memset(&fake, 0, sizeof(fake));
	fake.network = network;
	fake.context = context;
}

void fake_icmp_refuse(enum address_family family)
{
	fake.refused[family] = true;
}

void fake_icmp_stop_sending(unsigned n, int error)
{
	fake.stops = n;
	fake.stop_error = error;
}

void fake_icmp_writable(void)
{
	fake.stops = 0;
	for (struct icmp_socket *socket = fake.sockets; socket; socket = socket->next)
		socket->events->writable(socket->events->context);
	fake_advance_ns(0);
}

void fake_icmp_set_dropped(uint64_t dropped)
{
	fake.dropped = dropped;
}

unsigned fake_icmp_sent(void)
{
	return fake.sent;
}

void fake_icmp_take_ns(int64_t batch_ns)
{
	fake.batch_ns = batch_ns;
}

unsigned fake_icmp_batches(void)
{
	return fake.batches;
}

unsigned fake_icmp_pending(void)
{
	return fake.pending;
}

const struct icmp_request *fake_icmp_last(void)
{
	return &fake.last;
}

static void deliver(struct icmp_socket *socket, const struct icmp_reply *reply)
{
	if (!reply->is_error)
		socket->events->receiving(socket->events->context);
	socket->events->replied(socket->events->context, reply);
}

void fake_icmp_inject(const struct icmp_reply *reply)
{
	for (struct icmp_socket *socket = fake.sockets; socket; socket = socket->next)
		if (socket->family == reply->destination.family)
			deliver(socket, reply);
	fake_advance_ns(0);
}

static void unlink_pending(struct pending *pending)
{
	struct pending **link = &pending->socket->pending;
	while (*link != pending)
		link = &(*link)->next;
	*link = pending->next;
	fake.pending--;
	alarm_cancel(pending->socket->loop, &pending->alarm);
}

static int64_t clock_offset_ns(void)
{
	return clock_realtime_ns() - clock_monotonic_ns();
}

/* The kernel stamps by the wall clock as it is set then. */
static void arrive(void *arg)
{
	struct pending *pending = arg;
	if (pending->reply.stamp_ns)
		pending->reply.stamp_ns += clock_offset_ns() - pending->offset_ns;
	unlink_pending(pending);
	deliver(pending->socket, &pending->reply);
	mem_free(pending);
}

static void send_later(struct icmp_socket *socket, const struct icmp_reply *reply, int64_t delay_ns)
{
	struct pending *pending = mem_zero(1, sizeof(*pending));
	pending->socket = socket;
	pending->reply = *reply;
	pending->offset_ns = clock_offset_ns();
	pending->next = socket->pending;
	socket->pending = pending;
	fake.pending++;
	alarm_prepare(&pending->alarm, arrive, pending);
	alarm_set(socket->loop, &pending->alarm, clock_monotonic_ns() + delay_ns);
}

void fake_icmp_inject_later(const struct icmp_reply *reply, int64_t delay_ns)
{
	struct icmp_socket *socket = fake.sockets;
	while (socket && socket->family != reply->destination.family)
		socket = socket->next;
	if (socket)
		send_later(socket, reply, delay_ns);
}

static void answer_request(struct icmp_socket *socket, const struct icmp_request *request,
			   const struct fake_answer *answer)
{
	struct icmp_reply reply = {0};
	reply.from = request->destination;
	reply.destination = request->destination;
	if (answer->from && !address_parse(answer->from, &reply.from))
		reply.from = (struct address){0};
	reply.sequence = request->sequence;
	reply.secret = answer->is_spoofed ? ~request->secret : request->secret;
	reply.has_secret = !answer->is_short && !answer->is_error;
	reply.stamp_ns = answer->is_unstamped ? 0 : clock_realtime_ns() + answer->delay_ns;
	reply.hop_limit = answer->hop_limit ? answer->hop_limit : 64;
	reply.is_error = answer->is_error;
	reply.error_type = answer->error_type;
	reply.error_code = answer->error_code;
	reply.error_info = answer->error_info;
	reply.size = 8U + request->payload_size;
	send_later(socket, &reply, answer->delay_ns);
}

struct icmp_socket *icmp_socket_open(struct loop *loop, enum address_family family, const struct icmp_profile *profile,
				     const struct icmp_socket_events *events, struct err *err)
{
	if (fake.refused[family]) {
		err_set(err, "refused by the test");
		return NULL;
	}
	struct icmp_socket *socket = mem_zero(1, sizeof(*socket));
	socket->loop = loop;
	socket->family = family;
	socket->profile = *profile;
	socket->events = events;
	socket->next = fake.sockets;
	fake.sockets = socket;
	return socket;
}

void icmp_socket_close(struct icmp_socket *socket)
{
	if (!socket)
		return;
	while (socket->pending) {
		struct pending *pending = socket->pending;
		unlink_pending(pending);
		mem_free(pending);
	}
	struct icmp_socket **link = &fake.sockets;
	while (*link != socket)
		link = &(*link)->next;
	*link = socket->next;
	mem_free(socket);
}

enum icmp_socket_kind icmp_socket_kind(const struct icmp_socket *socket)
{
	(void)socket;
	return ICMP_SOCKET_DATAGRAM;
}

size_t icmp_socket_send(struct icmp_socket *socket, const struct icmp_request *requests, size_t n, int *results,
			struct icmp_sending *sending)
{
	*sending = (struct icmp_sending){.begun_ns = clock_realtime_ns()};
	sending->ended_ns = sending->begun_ns + fake.batch_ns;
	fake.batches++;
	if (fake.stops) {
		fake.stops--;
		sending->stopped = fake.stop_error;
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		struct fake_answer answer = {0};
		if (fake.network)
			answer = fake.network(fake.context, &requests[i], fake.sent);
		results[i] = answer.send_errno;
		if (answer.send_errno)
			continue;
		fake.sent++;
		fake.last = requests[i];
		for (unsigned copy = 0; copy < answer.copies; copy++)
			answer_request(socket, &requests[i], &answer);
	}
	return n;
}

uint64_t icmp_socket_dropped(const struct icmp_socket *socket)
{
	(void)socket;
	return fake.dropped;
}

uint64_t icmp_socket_foreign(const struct icmp_socket *socket)
{
	(void)socket;
	return 0;
}
