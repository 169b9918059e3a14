/*
 * The usage of "netsonde probe TYPE": the options of the type as flags of the command line, made from its table; and a
 * plain print of what a run measured.
 */
#ifndef NETSONDE_DAEMON_PROBE_USAGE_H
#define NETSONDE_DAEMON_PROBE_USAGE_H

#include <stdio.h>

#include "core/sample.h"
#include "daemon/command.h"
#include "probes/probe.h"

/* The command's own flags, and more of them for traceroute; those of the type follow. */
enum { PROBE_FLAG_JSON, PROBE_FLAG_CONFIG, PROBE_FLAG_PROBE, PROBE_FLAG_RESOLVER, PROBE_FLAGS };
enum { PROBE_FLAG_REPORT = PROBE_FLAGS, PROBE_FLAG_CYCLES, PROBE_FLAG_ONCE, PROBE_TRACE_FLAGS };

struct probe_usage {
	struct command_usage usage;
	struct command_flag flags[COMMAND_FLAGS_MAX];
	size_t nown;   /* flags of the command: PROBE_FLAGS or PROBE_TRACE_FLAGS */
	size_t nowned; /* the first ones of the strings are owned */
	char *owned[2 * COMMAND_FLAGS_MAX + 3];
};

/* The first argument that is neither a flag nor the value of one of the command's own; NULL when there is none. */
const char *probe_usage_find_type(int argc, char **argv);

/* Says that there is no such type, which one is nearest, and which there are. Returns COMMAND_USAGE. */
int probe_usage_refuse_type(const char *word);

/* type NULL: the usage for those who have not said which. */
void probe_usage_make(struct probe_usage *usage, const struct probe_type *type);
void probe_usage_free(struct probe_usage *usage);

/* All readings, one a line: for types that have no print of their own. */
void probe_usage_print_sample(const struct sample *sample, FILE *out);

/* A line of a run's log; control characters become question marks. */
void probe_usage_print_line(const char *line, FILE *out);

#endif
