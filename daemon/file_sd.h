/*
 * Targets in Prometheus' file_sd format (JSON): text to a list. Pure.
 *
 *     [ { "targets": [ "9.9.9.9" ], "labels": { "name": "quad9", "tier": "dns" } }, ... ]
 */
#ifndef NETSONDE_DAEMON_FILE_SD_H
#define NETSONDE_DAEMON_FILE_SD_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/sample.h"

#define FILE_SD_BYTES_MAX   ((size_t)64 * 1024 * 1024)
#define FILE_SD_TARGETS_MAX 1000000
#define FILE_SD_LABELS_MAX  64

struct target;

/* Called by their label "name", else by their address. */
struct file_targets {
	struct target **items; /* held */
	size_t n, room;
	size_t nleft_out;   /* labels that were left out because their names are reserved, */
	char left_out[128]; /* and the name of the first */
};

/* is_reserved says which names of labels are taken; their labels are left out. Labels that begin with "__" are left out
 * silently, as Prometheus does. more: labels that each target has unless its group says otherwise; may be NULL with
 * nmore = 0. -1 with err ("12: syntax: ...", "[3].targets[0]: ..."), and an empty list. */
struct file_sd_rules {
	bool (*is_reserved)(const void *context, const char *name);
	const void *context;
	const struct label *more;
	size_t nmore;
};
int file_sd_parse(struct file_targets *targets, const char *bytes, size_t n, const struct file_sd_rules *rules,
		  struct err *err);
void file_targets_free(struct file_targets *targets);

#endif
