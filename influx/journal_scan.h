/*
 * Looking at a segment file of the disk log from outside: read-only, without its lock, while it is written or when it
 * is dead.
 */
#ifndef NETSONDE_INFLUX_JOURNAL_SCAN_H
#define NETSONDE_INFLUX_JOURNAL_SCAN_H

#include <stdint.h>

#include "core/err.h"
#include "core/text.h"
#include "influx/journal.h"

/* What was found. */
struct journal_scan {
	struct journal_position begin, end; /* of the records; equal if there are none */
	uint64_t bytes;                     /* of the file */
	uint64_t records, lines;
	uint64_t damaged;          /* places that could not be read */
	uint64_t torn_bytes;       /* behind the last record: one that is being written, or was when the daemon died */
	int64_t first_ns, last_ns; /* wall clock: when the first lines of the first and of the last record were made */
	uint64_t since_offset;     /* what was asked for: */
	uint64_t lines_since;      /* lines of records from there on, */
	int64_t first_since_ns;    /* and when the first of them was made; 0 = none */
};

/* path: a segment, whatever its name. each (or NULL) is called with the lines of every record from since_offset on,
 * borrowed. -1 with err when the file cannot be read. */
int journal_scan(const char *path, uint64_t since_offset, void (*each)(void *arg, const struct text *lines), void *arg,
		 struct journal_scan *found, struct err *err);

/* The paths of all segments of a folder, in order; to be freed one by one and as a whole. -1 with err. */
int journal_scan_list(const char *folder, char ***paths, size_t *n, struct err *err);

#endif
