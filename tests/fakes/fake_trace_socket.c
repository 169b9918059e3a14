#include <errno.h>
#include <string.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "probes/traceroute/trace_wire.h"
#include "tests/fakes/fake_trace.h"
#include "tests/fakes/fakes.h"
#include "tests/unit/probes/trace_fixture.h"

#define PORT 40000

struct trace_socket {
	struct trace_socket *next;
	struct loop *loop;
	enum address_family family;
	const struct trace_socket_events *events;
	struct trace_pending *pending;
};

/* An answer on its way. */
struct trace_pending {
	struct trace_pending *next;
	struct trace_socket *socket;
	struct trace_reply reply;
	int64_t offset_ns; /* of the two clocks when it set out */
	struct alarm alarm;
};

static struct {
	fake_trace_network network;
	void *context;
	struct trace_socket *sockets;
	bool refused_family[ADDRESS_FAMILIES + 1];
	bool has_no_rights;
	int route_error;
	unsigned sent, stops, pending, refused, farthest;
	uint64_t dropped;
} fake;

void fake_trace_reset(fake_trace_network network, void *context)
{
	memset(&fake, 0, sizeof(fake));
	fake.network = network;
	fake.context = context;
}

void fake_trace_drop_rights(void)
{
	fake.has_no_rights = true;
}

void fake_trace_refuse(enum address_family family)
{
	fake.refused_family[family] = true;
}

void fake_trace_set_route_error(int error)
{
	fake.route_error = error;
}

void fake_trace_stop_sending(unsigned n)
{
	fake.stops = n;
}

void fake_trace_writable(void)
{
	fake.stops = 0;
	for (struct trace_socket *socket = fake.sockets; socket; socket = socket->next)
		socket->events->writable(socket->events->context);
	fake_advance_ns(0);
}

void fake_trace_set_dropped(uint64_t dropped)
{
	fake.dropped = dropped;
}

unsigned fake_trace_sent(void)
{
	return fake.sent;
}

unsigned fake_trace_pending(void)
{
	return fake.pending;
}

unsigned fake_trace_refused(void)
{
	return fake.refused;
}

unsigned fake_trace_farthest(void)
{
	unsigned farthest = fake.farthest;
	fake.farthest = 0;
	return farthest;
}

/* --- answers as bytes --------------------------------------------------------------------------------------------- */

static size_t ip_header(const struct trace_packet *packet)
{
	return packet->flow->destination.family == ADDRESS_IPV6 ? TRACE_WIRE_IPV6_HEADER : TRACE_WIRE_IPV4_HEADER;
}

/* The packet as whoever answers has seen it. */
static struct trace_bytes seen_packet(const struct trace_packet *packet, const struct fake_trace_answer *answer)
{
	struct trace_flow flow = *packet->flow;
	struct trace_packet sent = *packet;
	struct trace_bytes out = {.size = 0};
	if (answer->is_spoofed) {
		flow.secret = ~flow.secret;
		sent.id ^= 0x5555;
	}
	sent.flow = &flow;
	if (sent.payload_size > 1024)
		sent.payload_size = 1024;
	out.size = trace_wire_write_packet(out.bytes, sizeof(out.bytes), &sent);
	if (answer->nat_source)
		memcpy(out.bytes + (flow.destination.family == ADDRESS_IPV6 ? 8 : 12),
		       trace_address(answer->nat_source).bytes, address_families[flow.destination.family - 1].size);
	if (answer->nat_source_port)
		trace_put_u16(out.bytes + ip_header(packet) + (flow.protocol == TRACE_ICMP ? 4 : 0),
			      answer->nat_source_port);
	if (answer->quoted && ip_header(packet) + answer->quoted < out.size)
		out.size = ip_header(packet) + answer->quoted;
	return out;
}

static void type_of(const struct fake_trace_answer *answer, const struct trace_packet *packet,
		    struct trace_error_shape *shape)
{
	bool is_v6 = packet->flow->destination.family == ADDRESS_IPV6;
	shape->family = packet->flow->destination.family;
	shape->code = answer->code;
	switch (answer->kind) {
	case FAKE_TRACE_UNREACHABLE:
		shape->type = is_v6 ? 1 : 3;
		break;
	case FAKE_TRACE_TARGET: /* port unreachable */
		shape->type = is_v6 ? 1 : 3;
		shape->code = is_v6 ? 4 : 3;
		break;
	case FAKE_TRACE_TOO_BIG:
		shape->type = is_v6 ? 2 : 3;
		shape->code = is_v6 ? 0 : 4;
		shape->fields = answer->mtu;
		break;
	default:
		shape->type = is_v6 ? 3 : 11;
		break;
	}
}

/* RFC 4884: the quote is padded to 128 bytes, and the header says so. */
static struct trace_bytes with_labels(const struct fake_trace_answer *answer, const struct trace_error_shape *shape,
				      const struct trace_bytes *quote)
{
	struct trace_error_shape with = *shape;
	uint8_t padded[128] = {0};
	uint8_t extension[64] = {0};
	size_t size = 8;
	memcpy(padded, quote->bytes, quote->size < sizeof(padded) ? quote->size : sizeof(padded));
	for (unsigned i = 0; i < 4 && answer->labels[i]; i++, size += 4) {
		trace_put_u16(extension + size, answer->labels[i] >> 16);
		trace_put_u16(extension + size + 2, answer->labels[i] & 0xffff);
	}
	extension[0] = 0x20;
	trace_put_u16(extension + 4, size - 4);
	extension[6] = 1;
	extension[7] = 1;
	trace_put_u16(extension + 2, wire_checksum(extension, size));
	with.fields = with.family == ADDRESS_IPV6 ? 16U << 24 : 32U << 16;
	struct trace_bytes out = trace_error(&with, padded, sizeof(padded));
	trace_append(&out, with.family, extension, size);
	return out;
}

static struct trace_bytes error_bytes(const struct trace_packet *packet, const struct fake_trace_answer *answer)
{
	struct trace_error_shape shape = {0};
	struct trace_bytes quote = seen_packet(packet, answer);
	type_of(answer, packet, &shape);
	if (answer->kind == FAKE_TRACE_GARBAGE)
		for (size_t i = 0; i < quote.size; i++)
			quote.bytes[i] = (uint8_t)(quote.bytes[i] * 37 + i * 11 + packet->id);
	if (answer->labels[0])
		return with_labels(answer, &shape, &quote);
	return trace_error(&shape, quote.bytes, quote.size);
}

static bool read_error(const struct trace_packet *packet, const struct fake_trace_answer *answer,
		       const struct address *from, struct trace_reply *reply)
{
	if (!fake.has_no_rights) {
		struct trace_bytes bytes = error_bytes(packet, answer);
		return trace_wire_read_icmp(bytes.bytes, bytes.size, from, reply);
	}
	struct trace_error_shape shape = {0};
	struct trace_bytes quote = seen_packet(packet, answer);
	type_of(answer, packet, &shape);
	size_t skipped = ip_header(packet) + (packet->flow->protocol == TRACE_UDP ? TRACE_WIRE_UDP_HEADER : 0);
	size_t left = quote.size > skipped ? quote.size - skipped : 0;
	const struct trace_queued queued = {
		.destination = packet->flow->destination,
		.info = answer->mtu,
		.protocol = packet->flow->protocol,
		.type = shape.type,
		.code = shape.code,
	};
	bool is_it = trace_wire_read_queued(quote.bytes + skipped, left, &queued, reply);
	reply->from = *from;
	/* The socket's, whose queue it is. */
	reply->quote.source.port = packet->flow->source.port;
	reply->quote.has_ports = true;
	return is_it;
}

static bool read_segment(const struct trace_packet *packet, uint8_t flags, struct trace_reply *reply)
{
	uint32_t sequence = (uint32_t)packet->id << 16 | (packet->flow->secret & TRACE_WIRE_TCP_SECRET);
	struct trace_bytes bytes = trace_segment(packet->flow, flags | TRACE_WIRE_TCP_ACK, sequence + 1);
	return trace_wire_read_tcp(bytes.bytes, bytes.size, &packet->flow->destination, reply);
}

static bool read_target(const struct trace_packet *packet, const struct fake_trace_answer *answer,
			const struct address *from, struct trace_reply *reply)
{
	struct trace_flow flow = *packet->flow;
	struct trace_packet sent = *packet;
	sent.flow = &flow;
	if (sent.payload_size > 1024)
		sent.payload_size = 1024;
	if (answer->is_spoofed)
		flow.secret = ~flow.secret;
	if (flow.protocol == TRACE_UDP)
		return read_error(packet, answer, from, reply);
	if (flow.protocol == TRACE_TCP)
		return read_segment(&sent, TRACE_WIRE_TCP_SYN, reply);
	struct trace_bytes bytes = trace_echo_reply(&sent);
	return trace_wire_read_icmp(bytes.bytes, bytes.size, from, reply);
}

static bool read_answer(const struct trace_packet *packet, const struct fake_trace_answer *answer,
			const struct address *from, struct trace_reply *reply)
{
	switch (answer->kind) {
	case FAKE_TRACE_TARGET:
		return read_target(packet, answer, from, reply);
	case FAKE_TRACE_RESET:
		return read_segment(packet, TRACE_WIRE_TCP_RST, reply);
	case FAKE_TRACE_UDP_REPLY:
		if (!trace_wire_read_udp("hello", 5, &packet->flow->destination, reply))
			return false;
		reply->quote.source = packet->flow->source;
		reply->quote.has_ports = true;
		return true;
	default:
		return read_error(packet, answer, from, reply);
	}
}

/* --- on their way ------------------------------------------------------------------------------------------------- */

static int64_t clock_offset_ns(void)
{
	return clock_realtime_ns() - clock_monotonic_ns();
}

static void unlink_pending(struct trace_pending *pending)
{
	struct trace_pending **link = &pending->socket->pending;
	while (*link != pending)
		link = &(*link)->next;
	*link = pending->next;
	fake.pending--;
	alarm_cancel(pending->socket->loop, &pending->alarm);
}

/* The kernel stamps by the wall clock as it is set then. */
static void arrive(void *arg)
{
	struct trace_pending *pending = arg;
	const struct trace_socket_events *events = pending->socket->events;
	struct trace_reply reply = pending->reply;
	if (reply.stamp_ns)
		reply.stamp_ns += clock_offset_ns() - pending->offset_ns;
	unlink_pending(pending);
	mem_free(pending);
	events->receiving(events->context);
	events->replied(events->context, &reply);
}

static void send_later(struct trace_socket *socket, const struct trace_reply *reply, int64_t delay_ns)
{
	struct trace_pending *pending = mem_zero(1, sizeof(*pending));
	pending->socket = socket;
	pending->reply = *reply;
	pending->offset_ns = clock_offset_ns();
	pending->next = socket->pending;
	socket->pending = pending;
	fake.pending++;
	alarm_prepare(&pending->alarm, arrive, pending);
	alarm_set(socket->loop, &pending->alarm, clock_monotonic_ns() + delay_ns);
}

static void answer_packet(struct trace_socket *socket, const struct trace_packet *packet,
			  const struct fake_trace_answer *answer)
{
	struct trace_reply reply = {0};
	struct address from = packet->flow->destination;
	if (answer->from)
		address_parse(answer->from, &from);
	from.port = 0;
	if (answer->kind == FAKE_TRACE_NOTHING)
		return;
	if (!read_answer(packet, answer, &from, &reply)) {
		fake.refused++;
		return;
	}
	reply.stamp_ns = answer->is_unstamped ? 0 : clock_realtime_ns() + answer->delay_ns;
	reply.hop_limit = answer->hop_limit ? answer->hop_limit : 61;
	for (unsigned copy = 0; copy <= answer->copies; copy++)
		send_later(socket, &reply, answer->delay_ns);
}

/* --- the functions of trace_socket.h ------------------------------------------------------------------------------ */

struct trace_socket *trace_socket_open(struct loop *loop, enum address_family family,
				       const struct trace_profile *profile, const struct trace_socket_events *events,
				       struct err *err)
{
	(void)profile;
	if (fake.refused_family[family]) {
		err_set(err, "refused by the test");
		return NULL;
	}
	struct trace_socket *socket = mem_zero(1, sizeof(*socket));
	socket->loop = loop;
	socket->family = family;
	socket->events = events;
	socket->next = fake.sockets;
	fake.sockets = socket;
	return socket;
}

void trace_socket_close(struct trace_socket *socket)
{
	if (!socket)
		return;
	while (socket->pending) {
		struct trace_pending *pending = socket->pending;
		unlink_pending(pending);
		mem_free(pending);
	}
	struct trace_socket **link = &fake.sockets;
	while (*link != socket)
		link = &(*link)->next;
	*link = socket->next;
	mem_free(socket);
}

enum trace_socket_kind trace_socket_kind(const struct trace_socket *socket)
{
	(void)socket;
	return fake.has_no_rights ? TRACE_SOCKET_QUEUE : TRACE_SOCKET_RAW;
}

int trace_socket_reserve(struct trace_socket *socket, enum trace_protocol protocol, unsigned flows, struct err *err)
{
	(void)socket, (void)flows;
	if (fake.has_no_rights && protocol == TRACE_TCP)
		return err_set(err, "tcp: needs a right that is not there");
	return 0;
}

uint16_t trace_socket_port(const struct trace_socket *socket, enum trace_protocol protocol, unsigned flow)
{
	(void)socket;
	return (uint16_t)(PORT + 100 * protocol + flow);
}

int trace_socket_source(struct trace_socket *socket, const struct address *destination, uint32_t interface,
			struct address *source)
{
	(void)socket, (void)interface;
	address_parse(destination->family == ADDRESS_IPV6 ? FAKE_TRACE_IPV6 : FAKE_TRACE_IPV4, source);
	return fake.route_error;
}

size_t trace_socket_send(struct trace_socket *socket, const struct trace_packet *packets, size_t n, int *results,
			 struct trace_sending *sending)
{
	*sending = (struct trace_sending){.begun_ns = clock_realtime_ns(), .ended_ns = clock_realtime_ns()};
	if (fake.stops) {
		fake.stops--;
		sending->stopped = EAGAIN;
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		struct fake_trace_answer answer = {0};
		if (fake.network)
			answer = fake.network(fake.context, &packets[i], fake.sent);
		results[i] = answer.send_errno;
		if (answer.send_errno)
			continue;
		fake.sent++;
		if (packets[i].hop_limit > fake.farthest)
			fake.farthest = packets[i].hop_limit;
		answer_packet(socket, &packets[i], &answer);
	}
	return n;
}

uint64_t trace_socket_dropped(const struct trace_socket *socket)
{
	(void)socket;
	return fake.dropped;
}

uint64_t trace_socket_foreign(const struct trace_socket *socket)
{
	(void)socket;
	return 0;
}
