/*
 * The way without rights: datagram ICMP sockets and UDP sockets, one for each flow, whose ICMP errors the kernel keeps
 * in their error queues.
 */
/* Before the kernel's headers, which else define less of it. */
#include <netinet/in.h>

#include <errno.h>
#include <linux/errqueue.h>

#include "probes/traceroute/trace_socket_internal.h"

/* Newer than some C libraries (Linux 5.9). */
#ifndef IP_RECVERR_RFC4884
#define IP_RECVERR_RFC4884 26
#endif
#ifndef IPV6_RECVERR_RFC4884
#define IPV6_RECVERR_RFC4884 31
#endif

#define RAW_CURE "give the binary the right to raw sockets (setcap cap_net_raw+ep .../netsonde) or start it as root"

/* What differs between the families, by enum address_family - 1. */
static const struct {
	int icmp_protocol;
	int receive_extensions;
} facts[ADDRESS_FAMILIES] = {
	{IPPROTO_ICMP, IP_RECVERR_RFC4884},
	{IPPROTO_ICMPV6, IPV6_RECVERR_RFC4884},
};

/* --- receiving ---------------------------------------------------------------------------------------------------- */

static bool read_queued(const struct trace_inlet *inlet, const struct msghdr *header, size_t size,
			const struct packet_notes *notes, struct trace_reply *reply)
{
	const struct sock_extended_err *error = notes->error;
	struct trace_queued queued = {
		.info = error->ee_info,
		.protocol = inlet->protocol,
		.type = error->ee_type,
		.code = error->ee_code,
	};
	if (error->ee_origin != SO_EE_ORIGIN_ICMP && error->ee_origin != SO_EE_ORIGIN_ICMP6)
		return false;
	if (!address_from_sockaddr(header->msg_name, header->msg_namelen, &queued.destination))
		return false;
	if (!(error->ee_rfc4884.flags & SO_EE_RFC4884_FLAG_INVALID))
		queued.extension_at = error->ee_rfc4884.len;
	if (!trace_wire_read_queued(header->msg_iov->iov_base, size, &queued, reply))
		return false;
	reply->from = notes->offender;
	reply->from.port = 0;
	/* The socket is that of the flow: the kernel has looked at the ports. */
	reply->quote.source.port = inlet->number;
	return true;
}

static bool read_port(const struct trace_inlet *inlet, const struct msghdr *header, size_t size,
		      struct packet_notes *notes, struct trace_reply *reply)
{
	struct address from;
	if (notes->error)
		return read_queued(inlet, header, size, notes, reply);
	if (inlet->protocol == TRACE_UDP)
		return trace_inlet_read_udp(inlet, header, size, notes, reply);
	if (!address_from_sockaddr(header->msg_name, header->msg_namelen, &from))
		return false;
	from.port = 0;
	return trace_wire_read_echo(header->msg_iov->iov_base, size, &from, reply);
}

/* --- ports -------------------------------------------------------------------------------------------------------- */

/* The kernel gives a datagram ICMP socket its identifier as its port. */
static int open_icmp(const struct trace_socket *set, struct trace_inlet *port, struct err *err)
{
	struct sockaddr_storage name;
	struct address bound = {.family = (uint8_t)set->family};
	socklen_t length = address_to_sockaddr(&bound, &name);
	port->descriptor = socket(trace_socket_af(set), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
				  facts[set->family - 1].icmp_protocol);
	if (port->descriptor < 0 && (errno == EACCES || errno == EPERM))
		return err_set(err, "no right to trace by ICMP: either allow unprivileged ICMP sockets for this group "
				    "(sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"), or " RAW_CURE);
	if (port->descriptor < 0 || bind(port->descriptor, (struct sockaddr *)&name, length))
		return err_set_errno(err, "ICMP socket");
	length = sizeof(name);
	if (getsockname(port->descriptor, (struct sockaddr *)&name, &length) ||
	    !address_from_sockaddr((struct sockaddr *)&name, length, &bound))
		return err_set_errno(err, "ICMP socket: name");
	port->number = bound.port;
	return 0;
}

static int set_options(const struct trace_socket *set, struct trace_inlet *port, struct err *err)
{
	const struct packet_facts *family = &packet_facts[set->family - 1];
	int descriptor = port->descriptor;
	bool is_v4 = set->family == ADDRESS_IPV4;
	const int yes = 1;
	if (packet_set_mark(descriptor, set->profile.fwmark, err) ||
	    packet_set_option(descriptor, family->level, family->receive_error, 1, err) ||
	    packet_set_option(descriptor, family->level, family->receive_hop_limit, 1, err) ||
	    packet_set_option(descriptor, family->level, family->discover,
			      is_v4 ? family->discover_dont : family->discover_probe, err) ||
	    (!is_v4 && packet_set_option(descriptor, IPPROTO_IPV6, IPV6_DONTFRAG, 1, err)))
		return -1;
	/* Older kernels do without the extensions that lie beyond the quoted packet. */
	setsockopt(descriptor, family->level, facts[set->family - 1].receive_extensions, &yes, sizeof(yes));
	packet_set_buffers(descriptor, TRACE_BUFFER_BYTES);
	return packet_start_stamps(descriptor, packet_receive_stamps, err);
}

int trace_queue_add_port(struct trace_socket *set, enum trace_protocol protocol, struct err *err)
{
	struct trace_inlet *port = &set->ports[protocol][set->nports[protocol]];
	if (protocol == TRACE_TCP)
		return err_set(err, "no right to trace by TCP, which takes raw sockets: " RAW_CURE
				    ", or trace by ICMP or UDP");
	int failed =
		protocol == TRACE_ICMP ? open_icmp(set, port, err) : trace_socket_bind_port(set, port, SOCK_DGRAM, err);
	if (failed || set_options(set, port, err))
		return -1;
	port->read = read_port;
	port->has_errors = true;
	trace_inlet_start(port);
	return 0;
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

void trace_queue_probe_fragments(struct trace_inlet *port, bool dont_fragment)
{
	const struct packet_facts *family = &packet_facts[port->set->family - 1];
	int value = dont_fragment ? family->discover_probe : family->discover_dont;
	if (port->set->family != ADDRESS_IPV4 || port->is_fragment_probed == dont_fragment)
		return;
	setsockopt(port->descriptor, family->level, family->discover, &value, sizeof(value));
	port->is_fragment_probed = dont_fragment;
}

int trace_queue_build(struct trace_socket *set, size_t i, const struct trace_packet *packet)
{
	const struct packet_facts *family = &packet_facts[set->family - 1];
	struct trace_outbox *outbox = set->outbox;
	struct msghdr *header = &outbox->headers[i].msg_hdr;
	const struct trace_flow *flow = packet->flow;
	size_t size = trace_wire_write_message(outbox->packets[i], sizeof(outbox->packets[i]), packet);
	if (size == 0)
		return EMSGSIZE;
	outbox->parts[i] = (struct iovec){outbox->packets[i], size};
	header->msg_namelen = address_to_sockaddr(&flow->destination, &outbox->names[i]);
	int hop_limit = packet->hop_limit;
	int class = flow->traffic_class;
	packet_add_control(header, family->level, family->hop_limit, &hop_limit, sizeof(hop_limit));
	if (class)
		packet_add_control(header, family->level, family->class, &class, sizeof(class));
	packet_add_source(header, set->family, &flow->source, flow->interface);
	return 0;
}
