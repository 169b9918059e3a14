/*
 * From a sample to everything that is published about it: the common rows are added, the series are updated, the lines
 * go into the worker's buffer. One pipeline a worker; nothing is allocated per sample.
 */
#ifndef NETSONDE_DAEMON_PIPELINE_H
#define NETSONDE_DAEMON_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"

struct config_objectives;
struct config_qos;
struct history;
struct influx_port;
struct pipeline;
struct quality_state;
struct series;
struct series_store;

/* The sets that every probe has beside its type's own: "probe" and "target". NULL-terminated. */
extern const struct measure_set *const pipeline_sets[];

/* All borrowed until pipeline_free. */
struct pipeline_plan {
	struct series_store *store;
	unsigned shard;
	bool wants_lines;                 /* false: nobody does */
	const struct label *agent_labels; /* agent=..., and the agent's own; they lose to labels of the target */
	size_t nagent_labels;
	const char *boot;             /* random, new at each start */
	struct history *history;      /* of the last results; NULL = none are kept */
	const struct config_qos *qos; /* NULL: no scores */
};

struct pipeline *pipeline_create(const struct pipeline_plan *plan);
void pipeline_free(struct pipeline *pipeline); /* all publications must be closed */

/* Where lines go from now on (borrowed; NULL = nowhere), if they are wanted. */
void pipeline_set_port(struct pipeline *pipeline, struct influx_port *port);

/* How often a probe has failed, by reason: those that there were, in rising order. */
struct failures;

/* What is published about one probe of one target. Embedded in whoever owns the probe. */
struct publication {
	struct pipeline *pipeline;
	uint64_t history; /* its newest entry in the pipeline's */
	struct subject subject;
	struct series *series;
	struct failures *failures; /* NULL before the first one */
	struct address address;    /* the last one that a run talked to */
	/* The set "qos" is worked out now and then only, so it has a block of its own: what is published with every
	 * result stays small. NULL before there is anything. */
	struct quality_state *quality;
	struct series *quality_series;
	const struct config_objectives *objectives; /* of the target, borrowed; NULL: those of the section qos */
};

/* subject: the struct is copied, what it points to is borrowed until close. */
void publication_open(struct publication *publication, struct pipeline *pipeline, const struct subject *subject);

/* Other labels for what goes on: values, counters and histograms stay. target: another copy of its name; it and labels
 * are borrowed until close. */
void publication_relabel(struct publication *publication, const char *target, const struct label *labels,
			 size_t nlabels);

/* The series vanish. */
void publication_close(struct publication *publication);

/* A result. context: the struct publication; the form is that of sink.deliver. */
void publication_deliver(void *context, const struct sample *sample);

#endif
