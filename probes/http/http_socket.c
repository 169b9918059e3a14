/*
 * The sockets that libcurl gets from us.
 */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "probes/http/http_client.h"

/* TCP_CLOSE and TCP_CLOSE_WAIT of netinet/tcp.h, which does not go together with linux/tcp.h. */
#define STATE_CLOSE      7
#define STATE_CLOSE_WAIT 8

static struct dial_plan plan_of(const struct http_client *client, bool is_datagram)
{
	const struct http_settings *settings = &client->recipe->settings;
	struct dial_plan plan = {
		.address = client->run->peer, .interface = settings->interface, .is_datagram = is_datagram};
	if (settings->source != NULL)
		address_parse(settings->source, &plan.source);
	return plan;
}

int http_socket_open(struct http_client *client, bool is_datagram)
{
	const struct dial_plan plan = plan_of(client, is_datagram);
	struct dial_fault fault = {0};
	int descriptor = dial_socket_make(&plan, &fault);
	if (descriptor == -1)
		http_fail(client->run, fault.reason, "%s", fault.text);
	return descriptor;
}

void http_socket_connected(struct http_client *client)
{
	const struct dial_plan plan = plan_of(client, false);
	dial_socket_settle(client->descriptor, &plan);
}

void http_socket_explain(struct http_client *client)
{
	const struct dial_plan plan = plan_of(client, false);
	dial_socket_explain(client->descriptor, &plan, 0, &client->fault);
}

/* Zeroed where the kernel tells less. */
static bool ask(int descriptor, struct tcp_info *info)
{
	socklen_t size = sizeof(*info);
	memset(info, 0, sizeof(*info));
	return getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, info, &size) == 0;
}

enum http_socket_state http_socket_ask(int descriptor, struct http_tcp *tcp)
{
	struct tcp_info info;
	/* Nothing is known about a connection that never came to be. */
	if (!ask(descriptor, &info) || info.tcpi_rtt == 0)
		return HTTP_SOCKET_OTHER;
	*tcp = (struct http_tcp){
		.is_known = true,
		.rtt_us = info.tcpi_rtt,
		.retransmits = info.tcpi_total_retrans,
		.delivery_rate = (int64_t)info.tcpi_delivery_rate,
	};
	if (info.tcpi_state == STATE_CLOSE)
		return HTTP_SOCKET_RESET;
	return info.tcpi_state == STATE_CLOSE_WAIT ? HTTP_SOCKET_ENDED : HTTP_SOCKET_OTHER;
}

void http_socket_close(int descriptor, bool is_ended)
{
	static const struct dial_plan plan;
	dial_socket_close(descriptor, &plan, is_ended);
}
