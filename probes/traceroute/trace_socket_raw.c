/*
 * The way with rights: raw sockets. Those that receive see nothing until ports are reserved: each packet that a raw
 * socket matches costs the host a copy, even if its filter drops it.
 */
/* Before the kernel's headers, which else define less of it. */
#include <netinet/in.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>

#include "core/hash.h"
#include "core/loop.h"
#include "probes/traceroute/trace_filter.h"
#include "probes/traceroute/trace_socket_internal.h"

/* By enum address_family - 1. */
static const int icmp_protocols[ADDRESS_FAMILIES] = {IPPROTO_ICMP, IPPROTO_ICMPV6};

static int attach(int descriptor, struct trace_filter *filter, struct err *err)
{
	const struct sock_fprog program = {.len = filter->size, .filter = filter->code};
	if (setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		return err_set_errno(err, "packet filter of a raw socket");
	return 0;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* The types of ICMP that are let through before anything is copied. */
static int pass_types(const struct trace_socket *set, bool is_listening, struct err *err)
{
	struct icmp_filter types4 = {.data = UINT32_MAX};
	struct icmp6_filter types6;
	ICMP6_FILTER_SETBLOCKALL(&types6);
	if (is_listening) {
		types4.data = ~(1U << ICMP_ECHOREPLY | 1U << ICMP_DEST_UNREACH | 1U << ICMP_TIME_EXCEEDED |
				1U << ICMP_PARAMETERPROB);
		ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &types6);
		ICMP6_FILTER_SETPASS(ICMP6_DST_UNREACH, &types6);
		ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &types6);
		ICMP6_FILTER_SETPASS(ICMP6_TIME_EXCEEDED, &types6);
		ICMP6_FILTER_SETPASS(ICMP6_PARAM_PROB, &types6);
	}
	int descriptor = set->icmp.descriptor;
	int failed = set->family == ADDRESS_IPV4
			     ? setsockopt(descriptor, SOL_RAW, ICMP_FILTER, &types4, sizeof(types4))
			     : setsockopt(descriptor, IPPROTO_ICMPV6, ICMP6_FILTER, &types6, sizeof(types6));
	return failed ? err_set_errno(err, "ICMP type filter") : 0;
}

/* A raw socket matches the packets to the address that it is bound to. While nobody traces by TCP that is one to which
 * hardly anything comes; where it does not exist the filter alone must do. */
static int bind_tcp(const struct trace_socket *set, bool is_listening)
{
	struct sockaddr_storage name;
	struct address address = {.family = (uint8_t)set->family};
	if (!is_listening)
		address_parse(set->family == ADDRESS_IPV4 ? "127.255.255.254" : "::1", &address);
	socklen_t length = address_to_sockaddr(&address, &name);
	return bind(set->tcp.descriptor, (struct sockaddr *)&name, length);
}

static int open_raw(const struct trace_socket *set, struct trace_inlet *inlet, int protocol)
{
	inlet->descriptor = socket(trace_socket_af(set), SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	return inlet->descriptor < 0 ? -1 : 0;
}

static int set_sender(struct trace_socket *set, struct err *err)
{
	const struct packet_facts *facts = &packet_facts[set->family - 1];
	int descriptor = set->sender.descriptor;
	if (packet_set_mark(descriptor, set->profile.fwmark, err) ||
	    packet_set_option(descriptor, facts->level, facts->discover, facts->discover_probe, err))
		return -1;
	packet_set_buffers(descriptor, TRACE_BUFFER_BYTES);
	trace_inlet_start(&set->sender);
	return 0;
}

static int set_receivers(struct trace_socket *set, struct err *err)
{
	const struct packet_facts *facts = &packet_facts[set->family - 1];
	struct trace_inlet *const inlets[] = {&set->icmp, &set->tcp};
	struct trace_filter nothing;
	trace_filter_nothing(&nothing);
	for (size_t i = 0; i < sizeof(inlets) / sizeof(*inlets); i++) {
		int descriptor = inlets[i]->descriptor;
		if (attach(descriptor, &nothing, err) ||
		    packet_set_option(descriptor, facts->level, facts->receive_hop_limit, 1, err))
			return -1;
		packet_set_buffers(descriptor, TRACE_BUFFER_BYTES);
	}
	(void)bind_tcp(set, false);
	return pass_types(set, false, err);
}

int trace_raw_open(struct trace_socket *set, struct err *err)
{
	if (open_raw(set, &set->sender, IPPROTO_RAW) || open_raw(set, &set->icmp, icmp_protocols[set->family - 1]) ||
	    open_raw(set, &set->tcp, IPPROTO_TCP)) {
		if (errno == EPERM || errno == EACCES)
			return 1;
		return err_set_errno(err, "%s raw socket", address_families[set->family - 1].name);
	}
	return set_sender(set, err) || set_receivers(set, err) ? -1 : 0;
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

static bool read_raw(const struct msghdr *header, size_t size, struct trace_reply *reply,
		     bool (*read)(const void *, size_t, const struct address *, struct trace_reply *))
{
	struct address from;
	if (!address_from_sockaddr(header->msg_name, header->msg_namelen, &from))
		return false;
	from.port = 0;
	return read(header->msg_iov->iov_base, size, &from, reply);
}

static bool read_icmp(const struct trace_inlet *inlet, const struct msghdr *header, size_t size,
		      struct packet_notes *notes, struct trace_reply *reply)
{
	(void)inlet;
	(void)notes;
	return read_raw(header, size, reply, trace_wire_read_icmp);
}

static bool read_tcp(const struct trace_inlet *inlet, const struct msghdr *header, size_t size,
		     struct packet_notes *notes, struct trace_reply *reply)
{
	(void)inlet;
	(void)notes;
	return read_raw(header, size, reply, trace_wire_read_tcp);
}

static int listen_to(struct trace_inlet *inlet, trace_inlet_read *read, struct err *err)
{
	if (inlet->watch)
		return 0;
	if (packet_start_stamps(inlet->descriptor, packet_receive_stamps, err))
		return -1;
	inlet->read = read;
	trace_inlet_start(inlet);
	return 0;
}

int trace_raw_listen(struct trace_socket *set, struct err *err)
{
	struct trace_filter filter;
	trace_filter_icmp(&filter, set->family, set->first);
	if (attach(set->icmp.descriptor, &filter, err) || pass_types(set, true, err) ||
	    listen_to(&set->icmp, read_icmp, err))
		return -1;
	if (!set->nports[TRACE_TCP])
		return 0;
	trace_filter_tcp(&filter, set->family, set->first[TRACE_TCP]);
	if (attach(set->tcp.descriptor, &filter, err) || listen_to(&set->tcp, read_tcp, err))
		return -1;
	return bind_tcp(set, true) ? err_set_errno(err, "raw TCP socket: bind") : 0;
}

/* --- ports -------------------------------------------------------------------------------------------------------- */

static void choose_identifiers(struct trace_socket *set)
{
	uint16_t random = 0;
	while (random < TRACE_FILTER_BLOCK)
		hash_random(&random, sizeof(random));
	set->first[TRACE_ICMP] = (uint16_t)(random & ~(TRACE_FILTER_BLOCK - 1));
}

static int add_udp_port(struct trace_socket *set, struct trace_inlet *port, struct err *err)
{
	const struct packet_facts *facts = &packet_facts[set->family - 1];
	if (trace_socket_bind_port(set, port, SOCK_DGRAM, err) ||
	    packet_set_option(port->descriptor, facts->level, facts->receive_hop_limit, 1, err) ||
	    packet_start_stamps(port->descriptor, packet_receive_stamps, err))
		return -1;
	port->read = trace_inlet_read_udp;
	trace_inlet_start(port);
	return 0;
}

int trace_raw_add_port(struct trace_socket *set, enum trace_protocol protocol, struct err *err)
{
	struct trace_inlet *port = &set->ports[protocol][set->nports[protocol]];
	if (protocol == TRACE_UDP)
		return add_udp_port(set, port, err);
	if (protocol == TRACE_TCP) /* bound, not listening: the kernel resets what a target opens */
		return trace_socket_bind_port(set, port, SOCK_STREAM, err);
	if (!set->nports[TRACE_ICMP])
		choose_identifiers(set);
	port->number = (uint16_t)(set->first[TRACE_ICMP] + set->nports[TRACE_ICMP]);
	return 0;
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

int trace_raw_build(struct trace_socket *set, size_t i, const struct trace_packet *packet)
{
	struct trace_outbox *outbox = set->outbox;
	struct msghdr *header = &outbox->headers[i].msg_hdr;
	struct address to = packet->flow->destination;
	size_t size = trace_wire_write_packet(outbox->packets[i], sizeof(outbox->packets[i]), packet);
	if (size == 0)
		return EMSGSIZE;
	to.port = 0; /* to a raw IPv6 socket a port is a protocol */
	header->msg_namelen = address_to_sockaddr(&to, &outbox->names[i]);
	outbox->parts[i] = (struct iovec){outbox->packets[i], size};
	if (packet->flow->interface)
		packet_add_source(header, set->family, &(struct address){0}, packet->flow->interface);
	return 0;
}
