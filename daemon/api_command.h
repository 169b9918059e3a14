/*
 * What a command of the REST interface does to a router, as far as it can be told from its words: does it only look?
 * What is not known to look counts as changing. Pure.
 *
 * A command that looks changes nothing on the router and ends by itself: print, get, getall and find of any menu, but
 * not into a file and not for ever; monitor, monitor-traffic and info once; ping and traceroute with a count.
 */
#ifndef NETSONDE_DAEMON_API_COMMAND_H
#define NETSONDE_DAEMON_API_COMMAND_H

#include <stdbool.h>

#include "core/err.h"
#include "daemon/api_v2.h"

/* Borrowed for the call. */
bool api_command_is_looking(const struct api_v2_command *command);

/* The same, with why it is not: "/ip/address/add may change the router". */
bool api_command_explain(const struct api_v2_command *command, struct err *why);

/* May it be sent at all? /login, /quit and /cancel are for whoever has the connection, which everybody shares. */
bool api_command_is_sendable(const struct api_v2_command *command);

#endif
