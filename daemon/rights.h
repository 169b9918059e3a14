/*
 * What the process may do: as much as its sockets need at the start, nothing afterwards.
 */
#ifndef NETSONDE_DAEMON_RIGHTS_H
#define NETSONDE_DAEMON_RIGHTS_H

#include <stdbool.h>

#include "core/err.h"

struct config;

/* As many descriptors as the hard limit allows: probes take one each in the worst case. */
void rights_raise_descriptors(void);

/* No core file from now on, and no look inside by others of the same user - or both, if the configuration permits
 * them. To be called as soon as there are secrets in memory; rights_drop does it again, because a change of user
 * resets it. */
void rights_hide_memory(bool allows_core_files);

/* Gives up what the process could do as long as it opened its sockets: becomes agent.user, drops every capability from
 * every set, and the chance to get one by running a program. Then it tries as that user what has to go on working: the
 * configuration with its secrets, target files, the folder of the disk log. Last it installs the filter of system
 * calls. For good, for the calling thread and those that it makes later: so, before threads start. -1 with err. */
int rights_drop(const struct config *config, struct err *err);

#endif
