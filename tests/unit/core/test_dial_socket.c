#include <criterion/criterion.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/dial_socket.h"

static int option_of(int descriptor, int level, int name)
{
	int value = -1;
	socklen_t length = sizeof(value);
	cr_assert_eq(getsockopt(descriptor, level, name, &value, &length), 0);
	return value;
}

static int make(int64_t silence_ns, bool is_datagram)
{
	struct dial_fault fault = {0};
	struct dial_plan plan = {.silence_ns = silence_ns, .is_datagram = is_datagram};
	cr_assert(address_parse("127.0.0.1", &plan.address));
	int descriptor = dial_socket_make(&plan, &fault);
	cr_assert_geq(descriptor, 0, "%s", fault.text);
	return descriptor;
}

Test(dial_socket, silence_is_told_to_the_kernel)
{
	int descriptor = make(30 * NS_PER_SECOND, false);
	cr_assert_eq(option_of(descriptor, SOL_SOCKET, SO_KEEPALIVE), 1);
	cr_assert_eq(option_of(descriptor, IPPROTO_TCP, TCP_KEEPIDLE), 15);
	cr_assert_eq(option_of(descriptor, IPPROTO_TCP, TCP_KEEPINTVL), 5);
	cr_assert_eq(option_of(descriptor, IPPROTO_TCP, TCP_KEEPCNT), 3);
	cr_assert_eq(option_of(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
	close(descriptor);
	descriptor = make(NS_PER_SECOND, false);
	cr_assert_eq(option_of(descriptor, IPPROTO_TCP, TCP_KEEPIDLE), 1);
	cr_assert_eq(option_of(descriptor, IPPROTO_TCP, TCP_KEEPINTVL), 1);
	close(descriptor);
}

Test(dial_socket, without_it_the_kernel_decides)
{
	int descriptor = make(0, false);
	cr_assert_eq(option_of(descriptor, SOL_SOCKET, SO_KEEPALIVE), 0);
	cr_assert_eq(option_of(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
	close(descriptor);
	close(make(30 * NS_PER_SECOND, true));
}
