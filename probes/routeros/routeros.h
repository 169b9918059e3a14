/*
 * The probe type routeros: what its files share.
 */
#ifndef NETSONDE_PROBES_ROUTEROS_H
#define NETSONDE_PROBES_ROUTEROS_H

#include "core/log.h"
#include "probes/probe.h"
#include "probes/routeros/collection.h"
#include "probes/routeros/ros_access.h"
#include "probes/routeros/ros_choice.h"
#include "probes/routeros/ros_health.h"
#include "probes/routeros/ros_link.h"
#include "probes/routeros/ros_router.h"

struct ros_text;
struct routeros_log;
struct routeros_run;

struct routeros_settings {
	struct ros_access access;
	int64_t tier_ns[CATALOGUE_TIERS]; /* intervals */
	struct option_list sets, max_rows, skip;
	char *code_page;
	int64_t log_size; /* lines */
	bool has_log_lines;
};

/* --- routeros_report.c ---------------------------------------------------------------------------------------------
 */

extern const struct measure_set routeros_set, routeros_collection_set, routeros_log_line_set;

/* What the connection counted at the last report, for rates. Zero-initialise. */
struct routeros_before {
	int64_t now_ns;
	uint64_t commands;
};

struct routeros;

/* The rows of the router as a whole, for one sample: readings, labels and texts lie in it. */
struct routeros_report;
struct routeros_report *routeros_report_create(size_t collections);
void routeros_report_free(struct routeros_report *report);

/* The rows: the router, its version, and one of each collection; n of them. */
const struct row *routeros_report_fill(struct routeros_report *report, struct routeros *opened, bool is_up, size_t *n);
/* Only the row of this collection, or of the log, as its own samples begin with. */
const struct row *routeros_report_fill_one(struct routeros_report *report, const struct collection *collection);
const struct row *routeros_report_fill_log(struct routeros_report *report, const struct routeros_log *log);

/* --- routeros_print.c ----------------------------------------------------------------------------------------------
 */

void routeros_print(const struct sample *sample, FILE *out);

/* --- routeros.c ----------------------------------------------------------------------------------------------------
 */

/* One router as one probe sees it, from open to close. */
struct routeros {
	struct probe *probe;
	const struct routeros_settings *settings;
	struct ros_choice choice;
	struct ros_text *text;
	struct ros_link *link;
	struct ros_link_guard guard; /* of a single run */
	struct ros_router *router;
	struct ros_health health;
	struct collection_place place;
	struct collection *collections; /* of the data sets that are on, in the catalogue's order */
	size_t ncollections;
	struct routeros_log *log; /* NULL: none is kept */
	uint16_t log_part;
	struct routeros_before before;
	struct log_fault fault;       /* there is a connection, and yet no answer */
	struct routeros_run *log_run; /* that waits for lines */
	struct run *guarded_run;      /* whose permission the connection needs */
};

void *routeros_open(struct probe *probe, const void *settings, struct err *err);
void *routeros_start(struct run *run, void *opened, const void *settings);
void routeros_deadline(void *state);
void routeros_stop(void *state);
void routeros_close(void *opened);

#endif
