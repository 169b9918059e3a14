/*
 * A dialect of /metrics: the names, labels and units that users of another exporter have in their dashboards, as data.
 * It says of each of their metrics from which of our sets and measures it comes, and how. Built from a text that is
 * compiled in (daemon/dialect_reader.h), immutable afterwards.
 */
#ifndef NETSONDE_EXPORTER_DIALECT_H
#define NETSONDE_EXPORTER_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/sample.h"

#define DIALECT_SETS_MAX   256
#define DIALECT_JOINS_MAX  16
#define DIALECT_LABELS_MAX 32 /* of one metric */

struct dialect_word {
	const char *ours, *theirs;
};

enum dialect_origin {
	DIALECT_TEXT,    /* the text itself */
	DIALECT_LABEL,   /* a label of the row */
	DIALECT_JOINED,  /* a label of the row that a join finds */
	DIALECT_MEASURE, /* a value of the row, as text */
};

/* One piece of a label's value. */
struct dialect_source {
	enum dialect_origin origin;
	const char *name; /* the text, the label, or the measure */
	size_t join;      /* DIALECT_JOINED */
	bool is_duration; /* DIALECT_MEASURE: seconds as 1d2h3m4s */
	/* What it is in their words; any other value is nothing. No words: as it is. */
	const struct dialect_word *words;
	size_t nwords;
};

struct dialect_label {
	const char *name;
	const struct dialect_source *sources; /* none: they have this label, and we do not */
	size_t nsources;
	bool is_composed; /* all sources one after the other; else the first that is not empty */
};

/* Holds for rows whose label has one of these values. */
struct dialect_condition {
	const char *label;
	const char *const *values;
	size_t nvalues;
};

struct dialect_metric {
	const char *name;       /* of its samples; the same name more than once: all of them make one family */
	const char *group;      /* for the documentation */
	enum measure_kind kind; /* COUNTER, GAUGE or INFO: how they type it */
	size_t set;             /* index into the dialect's sets */
	const char *measure;    /* NULL: what they have and we do not */
	double factor;          /* theirs is factor times ours */
	bool has_good;          /* theirs is 1 where ours is good, else 0 */
	double good;
	const char *differ[2]; /* theirs is 1 where these labels of the row differ, 0 where they do not; NULL = no */
	bool is_summed;        /* rows that are alike in their labels are added up; else the first one counts */
	const struct dialect_label *labels;
	size_t nlabels;
	const struct dialect_condition *conditions;
	size_t nconditions;
	const char *note; /* for the documentation: what differs, or why it is missing; "" = nothing */
};

/* Another row of the same router. */
struct dialect_join {
	const char *name;
	const char *set;   /* its full name */
	const char *here;  /* label of the row that wants it; NULL: the set has one row a router */
	const char *there; /* label of the row that is wanted, which has the same value */
};

struct dialect {
	const char *name;                   /* in ?names= */
	const char *prefix;                 /* the sets of a device that is spoken of begin so */
	const char *target;                 /* what they call our label target */
	const struct dialect_label *labels; /* on every row; sources are joins and texts only */
	size_t nlabels;
	const char *const *sets; /* full names */
	size_t nsets;
	const struct dialect_join *joins;
	size_t njoins;
	const struct dialect_metric *metrics; /* by name; those without a measure too */
	size_t n;
};

#endif
