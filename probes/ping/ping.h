/*
 * ICMP echo: what the files of this folder share. Nobody else includes this; the type is ping_type.
 */
#ifndef NETSONDE_PROBES_PING_PING_H
#define NETSONDE_PROBES_PING_PING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/address.h"
#include "core/host.h"
#include "core/loop.h"
#include "core/resolve.h"
#include "probes/icmp/icmp.h"
#include "probes/ping/tally.h"
#include "probes/probe.h"

struct ping_settings {
	int64_t interval_ns;
	int64_t timeout_ns; /* 0 = ping_timeout_ns decides */
	int64_t count;
	int64_t spacing_ns;
	int64_t size;
	int64_t ttl;
	int64_t dscp;
	int64_t fwmark;
	bool dont_fragment;
	bool transmit_timestamps;
	bool all_addresses;
	bool keep_address;
	int family;    /* enum host_family */
	int histogram; /* enum ping_histogram */
	char *source;
	char *interface;
};

enum ping_histogram { PING_HISTOGRAM_CLASSIC, PING_HISTOGRAM_NONE };

extern const struct probe_type ping_type;

/* The timeout of a run: the one set; else the last request waits 5 s, but all ends after 9/10 of the interval. */
int64_t ping_timeout_ns(const struct ping_settings *settings);

/* Cumulative, since the probe was opened. What is rare starts again at 2^32, as after a restart. */
struct ping_totals {
	int64_t sent, received;
	uint32_t duplicates, late, reordered, lost_locally;
};

/* One address that is pinged. */
struct ping_path {
	struct icmp_peer peer; /* first */
	struct ping *ping;
	struct jitter jitter;
};

/* Of a path, cumulative; only with all_addresses, else they are those of the target. */
struct ping_counts {
	int64_t sent, received;
};

/* Of one target, from open to close. There are many of them: what only a run needs is in struct ping_run. */
struct ping {
	struct probe *probe;
	struct host *host;       /* NULL: the address is a literal of a wanted family */
	struct ping_path *paths; /* followed by their counts if they have some, and their rings of attempts */
	struct ping_run *run;    /* NULL between runs */
	size_t npaths;
	struct ping_totals totals;
};

/* Of a path in one run. */
struct ping_figures {
	struct tally tally;
	enum reason reason; /* first thing that went wrong */
	uint16_t first_sequence;
	bool has_first;
	int16_t hop_limit; /* of the last reply; -1 = none */
};

struct ping_run {
	struct ping *ping;
	struct run *run;
	struct icmp_shape shape;
	struct alarm next_request;
	int64_t due_ns;               /* of the next request */
	struct ping_figures *figures; /* of each path; NULL while the addresses are not known */
	int64_t *observed_ns;         /* round-trip times of all paths; NULL: nobody wants them */
	uint32_t nobserved;
	uint32_t requested; /* of each path */
	bool is_starting;
};

/* ping.c: see struct probe_type. */
void *ping_open(struct probe *probe, const void *settings, struct err *err);
void *ping_start(struct run *run, void *opened, const void *settings);
void ping_deadline(void *state);
void ping_stop(void *state);
void ping_close(void *opened);

extern const struct measure_set ping_set;
extern const struct measure_set ping_address_set;

static inline const struct ping_settings *ping_settings(const struct ping *ping)
{
	return probe_settings(ping->probe);
}

/* With all_addresses only. */
static inline struct ping_counts *ping_counts(const struct ping_path *path)
{
	const struct ping *ping = path->ping;
	return (struct ping_counts *)(ping->paths + ping->npaths) + (path - ping->paths);
}

/* Of the run that lives; NULL when none does or it has no addresses yet. */
static inline struct ping_figures *ping_figures(const struct ping_path *path)
{
	const struct ping_run *run = path->ping->run;
	return run && run->figures ? &run->figures[path - path->ping->paths] : NULL;
}

/* ping_report.c: makes the rows and ends the run; ping->run is NULL afterwards. */
void ping_report(struct ping_run *run, enum reason reason);
/* ping_report.c: one line of the run's log, as ping prints it. */
void ping_log_event(const struct ping_path *path, const struct icmp_event *event);
void ping_print(const struct sample *sample, FILE *out);

#endif
