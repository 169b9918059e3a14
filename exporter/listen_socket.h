/*
 * Listening TCP sockets.
 */
#ifndef NETSONDE_EXPORTER_LISTEN_SOCKET_H
#define NETSONDE_EXPORTER_LISTEN_SOCKET_H

#include "core/address.h"
#include "core/err.h"

/* A socket that listens on the address (port 0: the kernel chooses), non-blocking; it is the caller's. "[::]" means
 * IPv6 only, so that "0.0.0.0" can stand beside it. -1 with err. */
int listen_socket_open(const struct address *address, struct err *err);

/* Where a socket is bound. -1 with err. */
int listen_socket_address(int descriptor, struct address *address, struct err *err);

/* Says a last word on a connection that is about to be closed, as far as that goes without waiting. */
void listen_socket_tell(int descriptor, const char *bytes, size_t n);

#endif
