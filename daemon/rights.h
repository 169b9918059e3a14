/*
 * What the process may do: as much as its sockets need at the start, nothing afterwards.
 */
#ifndef NETSONDE_DAEMON_RIGHTS_H
#define NETSONDE_DAEMON_RIGHTS_H

#include "core/err.h"

/* As many descriptors as the hard limit allows: probes take one each in the worst case. */
void rights_raise_descriptors(void);

/* Gives up every capability of the calling thread, for good; threads that it makes later have none either. So: before
 * threads start. -1 with err when the kernel refuses. */
int rights_drop(struct err *err);

#endif
