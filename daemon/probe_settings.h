/*
 * From a module and a request to /probe: the settings of one run, and whom it is aimed at. Pure.
 */
#ifndef NETSONDE_DAEMON_PROBE_SETTINGS_H
#define NETSONDE_DAEMON_PROBE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct module;
struct probe_query;

/* A copy of the module's settings with this deadline and what the request asks for besides; owned by the caller
 * (option_free_settings). NULL with err: the request does not fit the module. */
void *probe_settings_make(const struct module *module, const struct probe_query *query, int64_t timeout_ns,
			  struct err *err);

/* The host of a target ("host", "host:port", "[v6]:port", a URL) and the port that is written or follows from the
 * scheme, else DESTINATION_UNKNOWN_PORT. false: it cannot be told. What is really talked to is asked for once more when
 * it is known: this is for refusing early what would be refused in any case. */
bool probe_settings_host(const char *target, char *host, size_t size, int *port);

#endif
