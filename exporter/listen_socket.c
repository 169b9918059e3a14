#include "exporter/listen_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 512

int listen_socket_open(const struct address *address, struct err *err)
{
	struct sockaddr_storage storage;
	socklen_t length = address_to_sockaddr(address, &storage);
	int on = 1;
	int descriptor = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		goto failed;
	if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
		goto failed;
	if (storage.ss_family == AF_INET6 && setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0)
		goto failed;
	if (bind(descriptor, (struct sockaddr *)&storage, length) != 0 || listen(descriptor, BACKLOG) != 0)
		goto failed;
	return descriptor;
failed:
	err_set(err, "%s", strerror(errno));
	if (descriptor >= 0)
		close(descriptor);
	return -1;
}

int listen_socket_address(int descriptor, struct address *address, struct err *err)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof(storage);
	if (getsockname(descriptor, (struct sockaddr *)&storage, &length) != 0)
		return err_set_errno(err, "getsockname");
	if (!address_from_sockaddr((struct sockaddr *)&storage, length, address))
		return err_set(err, "getsockname: not an IP address");
	return 0;
}

void listen_socket_tell(int descriptor, const char *bytes, size_t n)
{
	char unread[4096];
	/* Closing with unread bytes would reset the connection before the answer is read. */
	(void)!recv(descriptor, unread, sizeof(unread), MSG_DONTWAIT);
	(void)!send(descriptor, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}
