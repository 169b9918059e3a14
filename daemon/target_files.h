/*
 * Targets from files in Prometheus' file_sd format (JSON), watched while the daemon runs. On the main thread.
 *
 *     [ { "targets": [ "9.9.9.9", "shop.example" ], "labels": { "name": "...", "tier": "dns" } }, ... ]
 *
 * A file that cannot be read keeps the targets of its last good content. https://prometheus.io/docs/prometheus/latest/
 * configuration/configuration/#file_sd_config
 */
#ifndef NETSONDE_DAEMON_TARGET_FILES_H
#define NETSONDE_DAEMON_TARGET_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sample.h"
#include "core/text.h"

struct config;
struct desired_set;
struct loop;
struct target_content;
struct target_files;

/* All files of config's target_files, read now. previous, or NULL: of the configuration before; files that are broken
 * now keep the content that it has. config is borrowed; loop NULL (netsonde check): nothing is watched. changed comes,
 * from the loop, some 100 ms after the wanted targets have become others: then call target_files_add anew. Never fails:
 * what is wrong with a file is logged when it begins and ends, and told by target_files_errors. */
struct target_files *target_files_open(const struct config *config, const struct target_files *previous,
				       struct loop *loop, void (*changed)(void *arg), void *arg);
void target_files_close(struct target_files *files); /* NULL is harmless */

/* Adds what the files want now to a set that has the configuration's own targets already. The set borrows from the
 * files' contents: hold them (below) as long as it lives. What collides with a target that is there already is left out
 * and logged once. */
void target_files_add(struct target_files *files, struct desired_set *set);

/* The contents that target_files_add gives out now, held: *n of them in an array (mem_free). Release each. */
struct target_content **target_files_hold(const struct target_files *files, size_t *n);
void target_content_release(struct target_content *content);

/* What is wrong now: one line each, "FILE:LINE: what: why". Returns the number of lines. */
size_t target_files_errors(const struct target_files *files, struct text *out);

/* Rows of target_files_set (label file=...), as they were after the last reading. Any thread, while the files are open.
 */
extern const struct measure_set target_files_set; /* "target_file" */
void target_files_read(struct target_files *files,
		       void (*each)(void *arg, const char *file, const struct reading *readings, size_t n), void *arg);

/* How many targets, probes of them and series (as config_count_series) there are now. */
struct target_files_count {
	size_t targets, probes, series;
};
struct target_files_count target_files_count(const struct target_files *files);

#endif
