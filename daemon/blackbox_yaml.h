/*
 * Reading of YAML mappings by tables, as Go's decoder reads them into structs: a field that there is not is an error
 * with its line and the nearest name, null is as good as nothing, merge keys ("<<") are followed. Pure.
 */
#ifndef NETSONDE_DAEMON_BLACKBOX_YAML_H
#define NETSONDE_DAEMON_BLACKBOX_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/yaml_tree.h"

/* Nodes that are read at most: with aliases a short file can stand for a very long one. */
#define BLACKBOX_NODES_MAX 1000000

/* What all places of a file share. */
struct blackbox_reading {
	const struct yaml_tree *tree;
	struct err *err;
	size_t nodes; /* read so far */
};

/* A value and where it stands. Borrowed from the caller of a reader for the call. */
struct blackbox_place {
	const struct blackbox_place *outer; /* NULL: the file */
	const char *key;                    /* NULL: an item of a list */
	size_t index;                       /* of that item */
	const struct yaml_node *node;
	struct blackbox_reading *reading;
};

/* One row of a table. read is never called with null; 0, or -1 with err. option and bit are for the reader: */
struct blackbox_field {
	const char *name;
	int (*read)(const struct blackbox_place *place, const struct blackbox_field *field, void *out);
	const char *option; /* of the probe type: what the value becomes */
	uint64_t bit;       /* to be remembered when there is a value */
};

/* "line 7: modules.web.http.method: WHAT". Returns -1. */
int blackbox_refuse(const struct blackbox_place *place, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The mapping at this place, field by field. */
int blackbox_read_map(const struct blackbox_place *place, const struct blackbox_field *fields, size_t n, void *out);

/* Calls read for each entry of the mapping, in the order of the file; null included. */
int blackbox_read_entries(const struct blackbox_place *place,
			  int (*read)(const struct blackbox_place *entry, void *out), void *out);

/* Calls read for each item of the list. */
int blackbox_read_items(const struct blackbox_place *place, int (*read)(const struct blackbox_place *item, void *out),
			void *out);

/* The text of a scalar, "" for null; NULL with err when it is none. Borrowed from the tree. */
const char *blackbox_text(const struct blackbox_place *place);
int blackbox_boolean(const struct blackbox_place *place, bool *value);
int blackbox_integer(const struct blackbox_place *place, int64_t *value);

#endif
