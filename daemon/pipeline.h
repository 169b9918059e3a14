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

struct geo;
struct assessment;
struct assessor_use;
struct events;
struct config_objectives;
struct history;
struct influx_port;
struct parts;
struct pipeline;
struct series;
struct series_store;
struct slabs;
struct ties;

/* The sets that every probe has beside its type's own: "probe" and "target". NULL-terminated. Where places are known,
 * there is whereabouts_set (daemon/whereabouts.h) as well. */
extern const struct measure_set *const pipeline_sets[];

/* All borrowed until pipeline_free. */
struct pipeline_plan {
	struct series_store *store;
	unsigned shard;
	bool wants_lines;                 /* false: nobody does */
	const struct label *agent_labels; /* agent=..., and the agent's own; they lose to labels of the target */
	size_t nagent_labels;
	const char *boot;        /* random, new at each start */
	struct history *history; /* of the last results; NULL = none are kept */
	struct geo *geo;         /* NULL = no places */
	struct events *events;   /* NULL = none are kept */
	const struct assessor_use *assessors;
	size_t nassessors;
	struct slabs *slabs; /* for what there is of each publication */
};

struct pipeline *pipeline_create(const struct pipeline_plan *plan);
void pipeline_free(struct pipeline *pipeline); /* all publications must be closed */

/* Where lines go from now on (borrowed; NULL = nowhere), if they are wanted. */
void pipeline_set_port(struct pipeline *pipeline, struct influx_port *port);

/* How often a probe has failed, by reason: those that there were, in rising order. */
struct failures;
struct whereabouts;

/* What is published about one probe of one target. Embedded in whoever owns the probe. */
struct publication {
	struct pipeline *pipeline;
	uint64_t history; /* its newest entry in the pipeline's */
	struct subject subject;
	struct series *series;
	struct parts *parts;             /* what it collects in turns of their own; NULL: nothing so far */
	struct failures *failures;       /* NULL before the first one */
	struct whereabouts *whereabouts; /* NULL: not known */
	struct assessment *assessment;   /* NULL = nothing is computed */
	/* The target's own, borrowed until close; NULL: it has none. To be set before publication_assess. */
	const struct config_objectives *objectives;
	struct ties *ties;      /* daemon/trigger.h; the owner's, NULL as a rule */
	struct address address; /* the last one that a run talked to */
	bool is_labelled;       /* the series have the labels of the rows that the pipeline adds */
};

/* subject: the struct is copied, what it points to is borrowed until close. */
void publication_open(struct publication *publication, struct pipeline *pipeline, const struct subject *subject);

/* Before the first result: lets the assessors look at the results, too. interval_ns: from run to run; 0 = not regular.
 */
void publication_assess(struct publication *publication, int64_t interval_ns);

/* Other labels for what goes on: values, counters and histograms stay. target: another copy of its name; it and labels
 * are borrowed until close. */
void publication_relabel(struct publication *publication, const char *target, const struct label *labels,
			 size_t nlabels);

/* The series vanish. */
void publication_close(struct publication *publication);

/* A result, with whatever events it tells of, and with what it sets off (ties). context: the struct publication; the
 * form is that of sink.deliver. Of a part (sample.part) there are series and lines only: nothing else of the daemon
 * hears of it, and nothing keeps its rows or their measure sets. */
void publication_deliver(void *context, const struct sample *sample);

#endif
