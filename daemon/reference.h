/*
 * The reference: every option and every metric, generated from the tables that the daemon itself works from.
 */
#ifndef NETSONDE_DAEMON_REFERENCE_H
#define NETSONDE_DAEMON_REFERENCE_H

#include "core/text.h"

enum reference_format {
	REFERENCE_TEXT,     /* for people at a terminal */
	REFERENCE_MARKDOWN, /* the generated parts of docs/configuration.md and docs/metrics.md */
	REFERENCE_JSON,     /* for programs */
};

/* All options of all sections and probe types. */
void reference_options(enum reference_format format, struct text *out);

/* All metrics: of every probe, of each probe type, of the daemon. */
void reference_metrics(enum reference_format format, struct text *out);

/* How scores are made, with examples. */
void reference_scores(enum reference_format format, struct text *out);

/* The names of /metrics?names=mktxp, and ours. */
void reference_names(enum reference_format format, struct text *out);

/* "netsonde reference {options|metrics|scores|mktxp}". Returns an exit code. */
int command_reference(int argc, char **argv);

#endif
