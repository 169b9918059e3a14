/*
 * What is computed about the results of one probe of one target over time: its quality, its availability, its place.
 * Each of these is an assessor. It hears of every result, and is asked for its rows now and then only: they go into a
 * series block of their own, and as lines to the outputs. Belongs to the worker's thread.
 */
#ifndef NETSONDE_DAEMON_ASSESSMENT_H
#define NETSONDE_DAEMON_ASSESSMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"

struct assessment;
struct config_objectives;
struct influx_port;
struct line_tags;
struct series;
struct series_store;
struct sheet;
struct slabs;

/* How often an assessor is asked for its rows at most. */
#define ASSESSMENT_PAUSE_NS (INT64_C(10) * 1000000000)

/* Whose results. All borrowed until close. */
struct assessed {
	const struct subject *subject;              /* target and labels may be replaced by others of the same name */
	int64_t interval_ns;                        /* from run to run; 0 = not regular */
	struct slabs *slabs;                        /* for what there is of each */
	const struct config_objectives *objectives; /* the target's own; NULL: it has none */
};

struct assessor {
	const struct measure_set *const *sets; /* that its rows may be of; NULL-terminated */
	/* context: of the worker. NULL: there is nothing to say about these results. */
	void *(*open)(void *context, const struct assessed *about);
	/* A result. Called tens of thousands of times a second. */
	void (*note)(void *state, const struct sample *sample);
	/* Adds the rows of now (wall clock) to the sheet. */
	void (*report)(void *state, int64_t realtime_ns, struct sheet *sheet);
	void (*close)(void *state);
};

/* An assessor with what it needs of its worker (borrowed). */
struct assessor_use {
	const struct assessor *assessor;
	void *context;
};

/* How many assessors there may be at most. */
#define ASSESSORS_MAX 3

/* NULL when no assessor has anything to say. uses: nuses of them; they and the rest are borrowed until close. */
struct assessment *assessment_open(const struct assessor_use *uses, size_t nuses, const struct assessed *about);
void assessment_close(struct assessment *assessment); /* its series vanish; NULL is harmless */

/* A result. True when rows are due: assessment_report is to be called. */
bool assessment_note(struct assessment *assessment, const struct sample *sample);

/* Does the next result come within the pause, so that rows may as well be made then? */
bool assessment_can_wait(const struct assessment *assessment);

/* Clears the sheet, has it filled, and notes when rows are due again. */
void assessment_report(struct assessment *assessment, const struct sample *sample, struct sheet *sheet);

/* The block for the rows, made at its first use with these labels. */
struct series *assessment_series(struct assessment *assessment, struct series_store *store, unsigned shard,
				 const struct label *labels, size_t nlabels);
/* Other labels, if the block is there. */
void assessment_relabel(struct assessment *assessment, const struct label *labels, size_t nlabels);

#endif
