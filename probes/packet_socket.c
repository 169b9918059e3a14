#include "probes/packet_socket.h"

/* Before the kernel's headers, which else define less of it. */
#include <netinet/in.h>

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"

#define STAMP_TRIES 20 /* a millisecond apart */

const struct packet_facts packet_facts[ADDRESS_FAMILIES] = {
	{IPPROTO_IP, IP_RECVERR, IP_RECVTTL, IP_RECVTOS, IP_TTL, IP_TOS, IP_MTU_DISCOVER, IP_PMTUDISC_DONT,
	 IP_PMTUDISC_PROBE},
	{IPPROTO_IPV6, IPV6_RECVERR, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS, IPV6_HOPLIMIT, IPV6_TCLASS, IPV6_MTU_DISCOVER,
	 IPV6_PMTUDISC_DONT, IPV6_PMTUDISC_PROBE},
};

const int packet_receive_stamps = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;

int packet_set_option(int descriptor, int level, int option, int value, struct err *err)
{
	if (setsockopt(descriptor, level, option, &value, sizeof(value)) == 0)
		return 0;
	return err_set_errno(err, "socket option %d/%d", level, option);
}

int packet_set_mark(int descriptor, uint32_t mark, struct err *err)
{
	if (!mark || setsockopt(descriptor, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0)
		return 0;
	return err_set_errno(err, "fwmark %u (needs CAP_NET_ADMIN or CAP_NET_RAW)", mark);
}

void packet_set_buffers(int descriptor, int bytes)
{
	if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

static bool is_stamped(int descriptor)
{
	uint8_t byte;
	_Alignas(struct cmsghdr) uint8_t control[PACKET_CONTROL_BYTES];
	struct iovec part = {&byte, sizeof(byte)};
	struct msghdr header = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	if (recvmsg(descriptor, &header, MSG_DONTWAIT) < 0)
		return false;
	for (struct cmsghdr *one = CMSG_FIRSTHDR(&header); one; one = CMSG_NXTHDR(&header, one))
		if (one->cmsg_level == SOL_SOCKET && one->cmsg_type == SCM_TIMESTAMPING)
			return true;
	return false;
}

/* The kernel begins to stamp packets only a moment after the first socket has asked for it. Datagrams to ourselves show
 * when it does; without a loopback address it is given the time that it takes at most. */
static void wait_for_stamps(void)
{
	const struct timespec pause = {.tv_nsec = NS_PER_MS};
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(name);
	int stamps = packet_receive_stamps;
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return;
	bool is_ready = setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof(stamps)) ||
			bind(descriptor, (struct sockaddr *)&name, length) ||
			getsockname(descriptor, (struct sockaddr *)&name, &length);
	for (int tries = 0; tries < STAMP_TRIES && !is_ready; tries++) {
		if (tries)
			nanosleep(&pause, NULL);
		sendto(descriptor, "", 1, MSG_DONTWAIT, (struct sockaddr *)&name, length);
		is_ready = is_stamped(descriptor);
	}
	close(descriptor);
}

int packet_start_stamps(int descriptor, int stamps, struct err *err)
{
	if (packet_set_option(descriptor, SOL_SOCKET, SO_TIMESTAMPING, stamps, err))
		return -1;
	wait_for_stamps();
	return 0;
}

void packet_clear_error(int descriptor)
{
	int error;
	socklen_t length = sizeof(error);
	getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
}

static void read_ip_control(enum address_family family, struct cmsghdr *control, struct packet_notes *out)
{
	const struct packet_facts *facts = &packet_facts[family - 1];
	if (control->cmsg_type == facts->hop_limit) {
		memcpy(&out->hop_limit, CMSG_DATA(control), sizeof(int));
	} else if (control->cmsg_type == facts->class) {
		/* One byte for IPv4, an int for IPv6. */
		int class = 0;
		if (family == ADDRESS_IPV4)
			class = *CMSG_DATA(control);
		else
			memcpy(&class, CMSG_DATA(control), sizeof(class));
		out->traffic_class = class;
	} else if (control->cmsg_type == facts->receive_error) {
		struct sock_extended_err *error = (struct sock_extended_err *)CMSG_DATA(control);
		out->error = error;
		socklen_t length = (socklen_t)(control->cmsg_len - CMSG_LEN(sizeof(*error)));
		address_from_sockaddr(SO_EE_OFFENDER(error), length, &out->offender);
	}
}

struct packet_notes packet_read_notes(enum address_family family, struct msghdr *header)
{
	struct packet_notes out = {.hop_limit = -1};
	for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control)) {
		if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPING) {
			struct scm_timestamping stamps;
			memcpy(&stamps, CMSG_DATA(control), sizeof(stamps));
			out.stamp_ns = stamps.ts[0].tv_sec * NS_PER_SECOND + stamps.ts[0].tv_nsec;
		} else if (control->cmsg_level == packet_facts[family - 1].level) {
			read_ip_control(family, control, &out);
		}
	}
	return out;
}

void packet_add_control(struct msghdr *header, int level, int type, const void *value, size_t size)
{
	struct cmsghdr *control = (struct cmsghdr *)((uint8_t *)header->msg_control + header->msg_controllen);
	control->cmsg_level = level;
	control->cmsg_type = type;
	control->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(control), value, size);
	header->msg_controllen += CMSG_SPACE(size);
}

void packet_add_source(struct msghdr *header, enum address_family family, const struct address *source,
		       uint32_t interface)
{
	if (family == ADDRESS_IPV4) {
		struct in_pktinfo info = {.ipi_ifindex = (int)interface};
		if (source->family == ADDRESS_IPV4)
			memcpy(&info.ipi_spec_dst, source->bytes, 4);
		packet_add_control(header, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	} else {
		struct in6_pktinfo info = {.ipi6_ifindex = interface};
		if (source->family == ADDRESS_IPV6)
			memcpy(&info.ipi6_addr, source->bytes, 16);
		packet_add_control(header, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
}

uint32_t packet_look_for_drops(int descriptor, struct packet_drops *drops)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t length = sizeof(info);
	if (getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO, info, &length))
		return 0;
	uint32_t fresh = info[SK_MEMINFO_DROPS] - drops->seen;
	bool was_full = info[SK_MEMINFO_RMEM_ALLOC] >= info[SK_MEMINFO_RCVBUF] / 2;
	drops->seen = info[SK_MEMINFO_DROPS];
	if (was_full)
		drops->dropped += fresh;
	else
		drops->damaged += fresh;
	return was_full ? 0 : fresh;
}
