/*
 * The report of "netsonde probe traceroute --report --json" as one JSON object: headed as that of a single run
 * (daemon/sample_json.h), with the figures of all runs under the same names. docs/traceroute.md has an example. Pure.
 */
#ifndef NETSONDE_DAEMON_TRACE_JSON_H
#define NETSONDE_DAEMON_TRACE_JSON_H

#include "core/text.h"
#include "daemon/trace_summary.h"

void trace_json_write(const struct trace_summary *summary, const char *target, const char *transport, struct text *out);

#endif
