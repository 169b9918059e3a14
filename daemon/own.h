/*
 * The daemon about itself: build, process, configuration, store, workers, outputs, web server. Read by the web thread
 * for /metrics, and written as lines by the main thread.
 */
#ifndef NETSONDE_DAEMON_OWN_H
#define NETSONDE_DAEMON_OWN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/sample.h"

struct api_probe;
struct availability_keeper;
struct exporter;
struct geo;
struct influx;
struct influx_port;
struct loop;
struct own;
struct reload;
struct series_store;
struct worker;

/* All sets of the daemon's own rows, but for those of the probe types' services (engine_list_services).
 * NULL-terminated. */
extern const struct measure_set *const own_sets[];

/* All borrowed until own_free. */
struct own_plan {
	struct series_store *store;
	size_t max_series;
	struct influx *influx;
	struct geo *geo;       /* NULL: none */
	struct reload *reload; /* NULL: no target files are shown */
	struct worker *const *workers;
	size_t nworkers;
	struct availability_keeper *keeper; /* NULL: availability is not kept */
	const struct label *agent_labels;   /* agent=..., and the agent's own: tags of the lines */
	size_t nagent_labels;
};
struct own *own_create(const struct own_plan *plan);
void own_free(struct own *own);

/* The web server came up; before any thread reads. Borrowed until own_free; NULL forgets it. */
void own_set_exporter(struct own *own, const struct exporter *exporter);

/* The same for /probe. */
void own_set_probe(struct own *own, const struct api_probe *probe);

/* A configuration was read, now: accepted with so many targets and probes (assignments), or refused. Any thread. */
void own_note_accepted(struct own *own, size_t targets, size_t probes);
void own_note_refused(struct own *own);
/* Other targets by the same configuration. */
void own_note_targets(struct own *own, size_t targets, size_t probes);
/* How many of the probes could not be opened when they came. */
void own_note_unopened(struct own *own, size_t probes);
/* How many targets of the configuration are not measured, because it says so. */
void own_note_parked(struct own *own, size_t targets);
/* Is something of the configuration in force only after a restart? */
void own_note_restart(struct own *own, bool is_needed);

/* Calls add for every row; the row is borrowed for the call. Any thread. */
void own_read(struct own *own, void (*add)(void *arg, const struct row *row), void *arg);

/* Lines every 10 s through port, on the loop's thread, until own_stop. */
#define OWN_INTERVAL_SECONDS 10
void own_start(struct own *own, struct loop *loop, struct influx_port *port);
void own_stop(struct own *own);
/* The lines of now. */
void own_write(struct own *own, struct influx_port *port);

#endif
