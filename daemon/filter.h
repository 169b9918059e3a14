/*
 * A filter of system calls (seccomp(2)): a list of those that the daemon and its libraries make once it runs. All
 * others - programs, tracing, mounts, modules, keys, other kinds of sockets - are what an intruder would need.
 */
#ifndef NETSONDE_DAEMON_FILTER_H
#define NETSONDE_DAEMON_FILTER_H

#include "core/err.h"

/* What happens at a call that is not in the list. In the order of the choices of agent.seccomp. */
enum filter_mode {
	FILTER_OFF,
	FILTER_LOG,    /* it goes on; the kernel notes it in its log (audit, else dmesg) */
	FILTER_REFUSE, /* it fails with EPERM, and the daemon's log says so */
	FILTER_KILL,   /* the daemon's log says so, and it ends by SIGSYS */
};

/* For the whole process, for good. Needs no_new_privs, or root. Threads that are made later must not block SIGSYS
 * (core/signals.h): where it is blocked the kernel kills without a word. -1 with err. */
int filter_install(enum filter_mode mode, struct err *err);

/* "mount", or words for a number that has no name. Static. Safe in handlers of signals. */
const char *filter_call_name(long number);

#endif
