#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probes/http/http_client.h"

static int bind_socket(int descriptor, const struct http_settings *settings, struct err *err)
{
	static const int yes = 1;
	struct address source;
	struct sockaddr_storage from;
	if (settings->interface != NULL && setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, settings->interface,
						      (socklen_t)strlen(settings->interface)) != 0)
		return err_set_errno(err, "interface %s", settings->interface);
	if (settings->source == NULL || !address_parse(settings->source, &source))
		return 0;
	/* The port is chosen when it is known where to: otherwise each connection would need one of its own. */
	setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
	socklen_t length = address_to_sockaddr(&source, &from);
	if (bind(descriptor, (struct sockaddr *)&from, length) != 0)
		return err_set_errno(err, "source %s", settings->source);
	return 0;
}

int http_socket_open(const struct http_settings *settings, const struct address *address, int type, int protocol,
		     struct err *err)
{
	int family = address_families[address->family - 1].af;
	int descriptor = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	if (descriptor == -1)
		return err_set_errno(err, "cannot make a socket");
	if (bind_socket(descriptor, settings, err) == 0)
		return descriptor;
	close(descriptor);
	return -1;
}

/* Zeroed where the kernel tells less. */
static bool ask(int descriptor, struct tcp_info *info)
{
	socklen_t size = sizeof(*info);
	memset(info, 0, sizeof(*info));
	return getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, info, &size) == 0;
}

void http_socket_ask(int descriptor, struct http_tcp *tcp)
{
	struct tcp_info info;
	*tcp = (struct http_tcp){0};
	/* Nothing is known about a connection that never came to be. */
	if (!ask(descriptor, &info) || info.tcpi_rtt == 0)
		return;
	tcp->is_known = true;
	tcp->rtt_us = info.tcpi_rtt;
	tcp->retransmits = info.tcpi_total_retrans;
	tcp->delivery_rate = (int64_t)info.tcpi_delivery_rate;
}

void http_socket_close(int descriptor, bool is_done)
{
	static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	if (is_done && shutdown(descriptor, SHUT_WR) == 0)
		setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(descriptor);
}
