/*
 * The path to a target: what is kept of a target and of a run. For the files of this folder only.
 */
#ifndef NETSONDE_PROBES_TRACEROUTE_TRACEROUTE_RUN_H
#define NETSONDE_PROBES_TRACEROUTE_TRACEROUTE_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/address.h"
#include "core/host.h"
#include "core/loop.h"
#include "probes/probe.h"
#include "probes/traceroute/mtu_search.h"
#include "probes/traceroute/path.h"
#include "probes/traceroute/tracer.h"
#include "probes/traceroute/traceroute.h"
#include "probes/traceroute/trail.h"

struct traceroute;
struct traceroute_run;

/* One flow to the target, open from its first trace on. */
struct traceroute_flow {
	struct tracer_flow flow; /* first */
	struct traceroute *traceroute;
	struct trail trail;
};

/* Of one target, from open to close. */
struct traceroute {
	struct probe *probe;
	struct host *host;             /* NULL: the address is a literal of a wanted family */
	struct traceroute_run *run;    /* NULL between runs */
	struct traceroute_flow *flows; /* as many as the settings say; NULL before the first trace */
	struct address address;        /* whom the flows are open to; ADDRESS_NONE = nobody */
	int64_t sent, received;        /* at the target, of all traces */
	int64_t changes;               /* of paths */
	uint32_t interface;            /* index that the flows are open with */
	uint16_t serial;               /* of the last run, in its tags */
};

/* The search for the path MTU, after a trace that reached its target. */
struct traceroute_mtu {
	struct mtu_search search;
	struct mtu_question question; /* that is open */
	struct mtu_outcome outcome;
	struct alarm patience; /* rings when the question has been waited for long enough */
	int64_t due_ns;        /* when it does */
	uint8_t first, next;   /* numbers of packets: of the question, of the next one */
	uint8_t flow;          /* that reached the target */
	bool is_over;
};

struct traceroute_run {
	struct traceroute *traceroute;
	struct run *run;
	struct path *path;          /* NULL while the address is not known */
	struct traceroute_mtu *mtu; /* NULL: not asked for, or not yet */
	struct alarm wake;
	enum reason fault; /* why there is no path, if so */
};

/* A packet is told by a tag: the run's serial number, its hop, its attempt. Hop 0: it belongs to the search for the
 * MTU, and the attempt is its number. */
static inline uint32_t traceroute_tag(uint16_t serial, uint8_t hop, uint8_t attempt)
{
	return (uint32_t)serial << 16 | (uint32_t)hop << 8 | attempt;
}

static inline const struct traceroute_settings *traceroute_settings(const struct traceroute *traceroute)
{
	return probe_settings(traceroute->probe);
}

/* traceroute.c: see struct probe_type. */
void *traceroute_open(struct probe *probe, const void *settings, struct err *err);
void *traceroute_start(struct run *run, void *opened, const void *settings);
void traceroute_deadline(void *state);
void traceroute_stop(void *state);
void traceroute_close(void *opened);

/* traceroute.c: does this answer come from the target, or from somebody who speaks for it? */
bool traceroute_is_target(const struct traceroute *traceroute, const struct tracer_event *event);

/* traceroute.c: the trace is over, or a search is: what is next? */
void traceroute_finish(struct traceroute_run *run);

/* traceroute_mtu.c: begins the search; its end calls traceroute_finish. */
void traceroute_mtu_begin(struct traceroute_run *run);
void traceroute_mtu_event(struct traceroute_run *run, const struct tracer_event *event);
void traceroute_mtu_stop(struct traceroute_run *run);

/* report.c: makes the rows and ends the run; traceroute->run is NULL afterwards. */
void traceroute_report(struct traceroute_run *run);

/* report_log.c: the trace in the form that people know from traceroute. */
void traceroute_log_beginning(const struct traceroute_run *run);
void traceroute_log_path(const struct traceroute_run *run);

/* "ttl_exceeded", "echo_reply", ...; of a hop that says "unreachable" the name of the reason. */
const char *traceroute_reply_name(const struct path_hop *hop);
/* "reached", "max_silent", ...: how a flow ended. */
const char *traceroute_end_name(const struct path *path, uint8_t flow);
/* The name of an address, if names are wanted and it is known; else NULL. Borrowed until the next call. */
const char *traceroute_name_of(const struct traceroute *traceroute, const struct address *address);

extern const struct measure_set traceroute_set;
extern const struct measure_set traceroute_hop_set;
extern const struct measure_set traceroute_edge_set;

#endif
