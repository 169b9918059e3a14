/*
 * How far each output has come, kept in the file "cursors" of the disk log's folder: text, replaced whole.
 *
 *     netsonde cursors 1
 *     OFFSET LINE NAME
 *     ...
 *     end
 *
 * Without the last line the file is not believed. The name is the rest of the line; control characters do not occur in
 * names.
 */
#ifndef NETSONDE_INFLUX_CURSORS_H
#define NETSONDE_INFLUX_CURSORS_H

#include <stddef.h>

#include "core/err.h"
#include "core/text.h"
#include "influx/journal.h"

#define CURSORS_FILE "cursors"
#define CURSORS_MAX  1024

struct cursor {
	char *name; /* owned */
	struct journal_position position;
};

/* Zero-initialise. */
struct cursors {
	struct cursor *items;
	size_t n;
};

/* Pure. parse: -1 with err ("line 3: ..."), cursors stay empty then. */
int cursors_parse(struct cursors *cursors, const char *bytes, size_t n, struct err *err);
void cursors_print(const struct cursors *cursors, struct text *out);

/* The cursor of that name, or NULL. */
struct cursor *cursors_find(const struct cursors *cursors, const char *name);
/* Sets or adds one. */
void cursors_set(struct cursors *cursors, const char *name, struct journal_position position);
void cursors_free(struct cursors *cursors);

/* From and to FOLDER/cursors. read: a missing file is an empty set (0); -1 with err: the file cannot be read, and says
 * nothing about where anybody was; 1 with err: it can be, but it is no whole file of cursors (a power failure). write:
 * to a temporary file and renamed over the old one (no fsync: an old cursor repeats lines, which changes nothing). -1
 * with err. */
int cursors_read(struct cursors *cursors, const char *folder, struct err *err);
int cursors_write(const struct cursors *cursors, const char *folder, struct err *err);

#endif
