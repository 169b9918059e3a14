#include "core/dial_socket.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/icmp_meaning.h"

/* By enum address_family - 1. */
static const struct {
	int level, traffic_class, receive_errors;
} options[ADDRESS_FAMILIES] = {
	{IPPROTO_IP, IP_TOS, IP_RECVERR},
	{IPPROTO_IPV6, IPV6_TCLASS, IPV6_RECVERR},
};

static void blame(struct dial_fault *fault, enum reason reason, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void blame(struct dial_fault *fault, enum reason reason, const char *format, ...)
{
	va_list args;
	fault->reason = reason;
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
}

/* --- errors ------------------------------------------------------------------------------------------------------- */

static enum reason reason_of(int error, bool is_datagram)
{
	switch (error) {
	case ECONNREFUSED:
		return is_datagram ? REASON_UNREACHABLE_PORT : REASON_REFUSED;
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
		return REASON_RESET;
	case ETIMEDOUT:
		return REASON_TIMEOUT;
	case ENETUNREACH:
		return REASON_UNREACHABLE_NET;
	case EHOSTUNREACH:
	case EHOSTDOWN:
		return REASON_UNREACHABLE_HOST;
	case EACCES:
		return REASON_UNREACHABLE_ADMIN;
	case EMSGSIZE:
		return REASON_TOO_BIG;
	default:
		return REASON_LOCAL;
	}
}

static const struct sock_extended_err *find_error(struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		bool is_error = (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
				(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
		if (is_error && c->cmsg_len >= CMSG_LEN(sizeof(struct sock_extended_err)))
			return (const struct sock_extended_err *)CMSG_DATA(c);
	}
	return NULL;
}

static void blame_router(const struct sock_extended_err *error, const struct dial_plan *plan, struct dial_fault *fault)
{
	struct address by = {0};
	char text[ADDRESS_TEXT_SIZE];
	enum address_family family = plan->address.family;
	const struct sockaddr *offender = SO_EE_OFFENDER(error);
	address_from_sockaddr(offender, sizeof(struct sockaddr_in6), &by);
	blame(fault, icmp_meaning_reason(family, error->ee_type, error->ee_code), "%s (from %s)",
	      icmp_meaning_text(family, error->ee_type, error->ee_code),
	      by.family ? address_format(&by, text) : "an unknown address");
}

/* Reads one entry of the error queue; false when there is none. */
static bool read_error(int descriptor, const struct dial_plan *plan, struct dial_fault *fault)
{
	char byte, control[512];
	struct iovec part = {&byte, sizeof(byte)};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	if (recvmsg(descriptor, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	const struct sock_extended_err *error = find_error(&message);
	if (error && (error->ee_origin == SO_EE_ORIGIN_ICMP || error->ee_origin == SO_EE_ORIGIN_ICMP6))
		blame_router(error, plan, fault);
	else if (error)
		blame(fault, reason_of((int)error->ee_errno, plan->is_datagram), "%s", strerror((int)error->ee_errno));
	return true;
}

void dial_socket_explain(int descriptor, const struct dial_plan *plan, int error, struct dial_fault *fault)
{
	blame(fault, reason_of(error, plan->is_datagram), "%s", strerror(error));
	/* The queue is bounded by the socket's buffer; the last word counts. */
	for (int i = 0; i < 16 && read_error(descriptor, plan, fault); i++)
		;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static int set_number(int descriptor, int level, int name, int value)
{
	return setsockopt(descriptor, level, name, &value, sizeof(value));
}

static int set_mark(int descriptor, uint32_t mark)
{
	return mark == 0 ? 0 : setsockopt(descriptor, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
}

static int set_interface(int descriptor, const char *name)
{
	return !name ? 0 : setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name));
}

static int whole_seconds(int64_t ns)
{
	return ns < NS_PER_SECOND ? 1 : (int)(ns / NS_PER_SECOND);
}

/* A kernel that refuses one of these has a patience of its own. */
static void limit_silence(int descriptor, int64_t silence_ns)
{
	set_number(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_number(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, whole_seconds(silence_ns / 2));
	set_number(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, whole_seconds(silence_ns / 6));
	set_number(descriptor, IPPROTO_TCP, TCP_KEEPCNT, 3);
	set_number(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)(silence_ns / NS_PER_MS));
}

static int bind_source(int descriptor, const struct address *source)
{
	struct sockaddr_storage storage;
	struct address from = *source;
	if (from.family == ADDRESS_NONE)
		return 0;
	from.port = 0;
	/* The port is chosen at connect(), where it need be unlike others towards this peer only. */
	set_number(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	return bind(descriptor, (struct sockaddr *)&storage, address_to_sockaddr(&from, &storage));
}

static int set_up(int descriptor, const struct dial_plan *plan, struct dial_fault *fault)
{
	const int family = plan->address.family - 1;
	char text[ADDRESS_TEXT_SIZE];
	set_number(descriptor, options[family].level, options[family].receive_errors, 1);
	if (!plan->is_datagram)
		set_number(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
	if (!plan->is_datagram && plan->silence_ns > 0)
		limit_silence(descriptor, plan->silence_ns);
	if (plan->dscp && set_number(descriptor, options[family].level, options[family].traffic_class, plan->dscp << 2))
		blame(fault, REASON_LOCAL, "dscp %d: %s", plan->dscp, strerror(errno));
	else if (set_mark(descriptor, plan->fwmark))
		blame(fault, REASON_LOCAL, "fwmark %u: %s", plan->fwmark, strerror(errno));
	else if (set_interface(descriptor, plan->interface))
		blame(fault, REASON_LOCAL, "interface %s: %s", plan->interface, strerror(errno));
	else if (bind_source(descriptor, &plan->source))
		blame(fault, REASON_LOCAL, "source %s: %s", address_format(&plan->source, text), strerror(errno));
	return fault->reason == REASON_OK ? 0 : -1;
}

/* An error of connect() itself comes from this host (no route, no port), unless the peer is this host too. */
static int begin_connect(int descriptor, const struct dial_plan *plan, struct dial_fault *fault)
{
	struct sockaddr_storage storage;
	socklen_t length = address_to_sockaddr(&plan->address, &storage);
	if (connect(descriptor, (struct sockaddr *)&storage, length) == 0 || errno == EINPROGRESS)
		return 0;
	blame(fault, errno == ECONNREFUSED ? reason_of(errno, plan->is_datagram) : REASON_LOCAL, "connect: %s",
	      strerror(errno));
	return -1;
}

int dial_socket_make(const struct dial_plan *plan, struct dial_fault *fault)
{
	int type = plan->is_datagram ? SOCK_DGRAM : SOCK_STREAM;
	if (plan->address.family == ADDRESS_NONE) {
		blame(fault, REASON_LOCAL, "there is no address to connect to");
		return -1;
	}
	int descriptor = socket(address_families[plan->address.family - 1].af, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (descriptor < 0) {
		blame(fault, REASON_LOCAL, "socket: %s", strerror(errno));
		return -1;
	}
	if (set_up(descriptor, plan, fault) == 0)
		return descriptor;
	close(descriptor);
	return -1;
}

int dial_socket_open(const struct dial_plan *plan, struct dial_fault *fault)
{
	int descriptor = dial_socket_make(plan, fault);
	if (descriptor < 0 || begin_connect(descriptor, plan, fault) == 0)
		return descriptor;
	close(descriptor);
	return -1;
}

/* An established connection lives through what ICMP says of single segments (RFC 1122 4.2.3.9); with this option on
 * anybody could end it. */
void dial_socket_settle(int descriptor, const struct dial_plan *plan)
{
	const int family = plan->address.family - 1;
	if (!plan->is_datagram)
		set_number(descriptor, options[family].level, options[family].receive_errors, 0);
}

void dial_socket_finish(int descriptor, const struct dial_plan *plan, struct dial_fault *fault)
{
	int error = 0;
	socklen_t length = sizeof(error);
	getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
	if (error != 0) {
		dial_socket_explain(descriptor, plan, error, fault);
		return;
	}
	dial_socket_settle(descriptor, plan);
}

void dial_avoid_wait(int descriptor)
{
	set_number(descriptor, IPPROTO_TCP, TCP_LINGER2, -1);
}

void dial_socket_close(int descriptor, const struct dial_plan *plan, bool has_ended)
{
	if (!plan->is_datagram && !has_ended)
		dial_avoid_wait(descriptor);
	close(descriptor);
}
