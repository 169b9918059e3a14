/*
 * The system calls of core/dial.c: one client socket, how it is made, what its errors mean, how it is closed. Besides
 * it, only those include this who give sockets to libcurl.
 */
#ifndef NETSONDE_CORE_DIAL_SOCKET_H
#define NETSONDE_CORE_DIAL_SOCKET_H

#include <stdbool.h>

#include "core/dial.h"

struct dial_fault {
	enum reason reason; /* REASON_OK: none */
	char text[256];
};

/* A socket of that plan on which connect() is still to be called. Of the plan, loop and the callback are not looked at
 * here. -1 with fault. */
int dial_socket_make(const struct dial_plan *plan, struct dial_fault *fault);

/* A socket of that plan on which connect() has begun, or with UDP is over. -1 with fault: the fault is ours, or the
 * kernel refused at once. */
int dial_socket_open(const struct dial_plan *plan, struct dial_fault *fault);

/* How did connect() end? fault->reason is REASON_OK when it is well; then errors of ICMP only count as TCP wants it. */
void dial_socket_finish(int descriptor, const struct dial_plan *plan, struct dial_fault *fault);

/* What dial_socket_finish does about ICMP, for those who know how connect() ended. */
void dial_socket_settle(int descriptor, const struct dial_plan *plan);

/* error: errno of a failed read or write. What the error queue holds explains it better, if there is something. */
void dial_socket_explain(int descriptor, const struct dial_plan *plan, int error, struct dial_fault *fault);

/* has_ended: the peer has sent its FIN. See core/dial.h. */
void dial_socket_close(int descriptor, const struct dial_plan *plan, bool has_ended);

#endif
