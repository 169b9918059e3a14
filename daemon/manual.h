/*
 * A probe that somebody runs from the command line: what command_probe.c and command_trace.c share. Nobody else
 * includes this.
 */
#ifndef NETSONDE_DAEMON_MANUAL_H
#define NETSONDE_DAEMON_MANUAL_H

#include <stdbool.h>

#include "daemon/command.h"
#include "probes/engine.h"

struct config;
struct shared_catalogue;
struct trace_show;

struct manual {
	const struct probe_type *type;
	const char *target;
	void *settings;
	struct config *config;              /* or NULL */
	struct shared_catalogue *catalogue; /* held; NULL: the type needs none */
	const char *resolver_servers;
	bool is_json;
	bool is_trace;
	struct trace_show *trace; /* many runs, shown as a table; NULL: one run, shown as its type does it */

	struct loop *loop;
	struct resolver *resolver;
	struct engine *engine;
	struct subject subject;
	struct probe *probe;
	int signals;
	struct watch *watch;
	int result;
};

/* Sets an option of the type. -1 to go on, else the exit code: an error was printed. */
int manual_set_option(struct manual *manual, const char *name, const char *value);

/* --- traceroute: many runs ---------------------------------------------------------------------------------------- */

/* Decides by the flags how results are shown. -1 to go on: manual->trace is set, or NULL if it is to be a single run.
 * Else the exit code: an error was printed. */
int trace_show_create(struct manual *manual, const struct command_line *line);
void trace_show_free(struct trace_show *show); /* NULL is harmless */

/* Before the options of the command line are set: what a run of many is like. As manual_set_option. */
int trace_show_set_defaults(struct manual *manual);
/* After that: how often there is a run. */
int trace_show_set_pace(struct manual *manual, bool is_given);

/* The probe is open: shows the screen, if it is to be one, and begins. */
void trace_show_begin(struct trace_show *show);
/* A line of a run's log. */
void trace_show_log(struct trace_show *show, const char *line);
/* A run has ended; stops the loop when it was the last one. */
void trace_show_take(struct trace_show *show, const struct sample *sample);
/* A signal came. */
void trace_show_signal(struct trace_show *show, int signal);
/* Of a single run, whose log has shown the hops: the rest. */
void trace_show_print_once(const struct sample *sample);
/* The probe is about to be closed: what was found out is printed. */
void trace_show_end(struct trace_show *show);

#endif
