/*
 * wide_sockets.c - loaded into a server (LD_PRELOAD): every socket that it binds gets a receive buffer of 8 MiB.
 *
 * Where a server cannot be told, what it drops of a burst would be counted as lost by the prober.
 * build: cc -O2 -shared -fPIC -o wide_sockets.so wide_sockets.c
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/socket.h>

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
	int (*next)(int, const struct sockaddr *, socklen_t) =
		(int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "bind");
	int bytes = 8 << 20;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	return next(fd, address, length);
}
