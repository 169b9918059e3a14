/*
 * Reads catalogues of RouterOS data sets (docs/routeros-catalogue.md) into the structs of probes/routeros/catalogue.h.
 */
#ifndef NETSONDE_DAEMON_ROS_CATALOGUE_H
#define NETSONDE_DAEMON_ROS_CATALOGUE_H

#include <stddef.h>

#include "core/text.h"
#include "probes/routeros/catalogue.h"

/* The built-in catalogue and then the files, whose data sets are added or take the place of those of the same name.
 * without_builtin: the files only. NULL with all errors, one line each: "file:line: what: why". */
struct catalogue *ros_catalogue_load(const char *const *files, size_t n, bool without_builtin, struct text *errors);

/* One text, which includes no files; name is what errors call it. */
struct catalogue *ros_catalogue_load_string(const char *string, const char *name, struct text *errors);

/* Reads another text into the catalogue. -1 with errors; what was read up to there is in it then. */
int ros_catalogue_add_string(struct catalogue *catalogue, const char *string, const char *name, struct text *errors);

#endif
