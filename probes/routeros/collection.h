/*
 * One data set of one router: its commands, its rows, and the account of what it costs. A collection asks all menus of
 * the set that fit the router, and fails as a whole when one of them fails; a menu that the router does not have is no
 * failure.
 */
#ifndef NETSONDE_PROBES_ROUTEROS_COLLECTION_H
#define NETSONDE_PROBES_ROUTEROS_COLLECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/log.h"
#include "core/sample.h"
#include "probes/routeros/catalogue.h"
#include "probes/routeros/ros_choice.h"
#include "probes/routeros/ros_link.h"
#include "probes/routeros/ros_router.h"

struct collection_job;
struct ros_table;

/* What all data sets of a probe share. Borrowed. */
struct collection_place {
	struct loop *loop;
	const struct catalogue *catalogue;
	struct ros_link *link;
	struct ros_router *router;
	const struct ros_choice *choice;
	int64_t command_timeout_ns;
};

/* Its account, since the probe opened. */
struct collection_figures {
	uint64_t runs, failures, commands, bytes, skipped;
	int64_t router_ns;        /* the times of its commands, added up */
	int64_t took_ns;          /* of the last collection */
	int64_t good_ns;          /* monotonic: the end of the last one that succeeded; 0: none did */
	int64_t good_realtime_ns; /* the same, wall clock */
	size_t rows;              /* of that one */
	enum reason reason;       /* of the last collection */
	bool is_absent;           /* the router has none of its menus */
};

/* One while the probe is open. Zero-initialise, then collection_open. */
struct collection {
	const struct collection_place *place;
	const struct catalogue_set *set;
	struct ros_table *table;
	enum catalogue_tier tier;
	uint16_t part;
	bool has_skips, is_running;
	bool is_retrying; /* the owner's: its next run comes out of turn */
	bool must_forget; /* the router's counters have begun anew */
	struct collection_figures figures;
	struct log_fault fault;
	void *run; /* the owner's: what it runs for now */
	/* Comes once, later, but not after collection_stop. */
	void (*ended)(struct collection *collection);
	struct collection_job *job; /* what is under way, and its rows until it rests; else NULL */
	char *message;              /* why the last one failed, for people; else NULL */
};

struct label;
struct ros_text;

/* target_labels: as in ros_table_plan. */
void collection_open(struct collection *collection, const struct label *target_labels, size_t n, struct ros_text *text);
void collection_close(struct collection *collection);

/* Begins; the router must be known. deadline_ns: monotonic, for the answers. */
void collection_start(struct collection *collection, int64_t deadline_ns);
/* Ends what is under way without a word. */
void collection_stop(struct collection *collection);
/* Ends what is under way, or was never begun, as a failure: the account and the log say so. message: for people. */
void collection_fail(struct collection *collection, enum reason reason, const char *message);

/* After a collection that went well: its rows, borrowed until it rests or starts again. */
const struct row *collection_rows(const struct collection *collection, size_t *n);
/* Frees what only a collection needs. */
void collection_rest(struct collection *collection);

/* Are the rows of the last good one too old to be shown? */
bool collection_is_stale(const struct collection *collection, int64_t interval_ns, int64_t now_ns);

uint64_t collection_left_out(const struct collection *collection);
uint64_t collection_unreadable(const struct collection *collection);

#endif
