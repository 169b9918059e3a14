/*
 * A segment file as a source of records, through a buffer of its own. Places that the disk does not give are read as
 * zeros, in which there is no record.
 */
#ifndef NETSONDE_INFLUX_JOURNAL_SOURCE_H
#define NETSONDE_INFLUX_JOURNAL_SOURCE_H

#include "influx/journal_internal.h"

struct file_source {
	struct journal_source source; /* first */
	int descriptor;
	uint64_t begin;    /* offset of the first record: what the name says */
	uint64_t bad_end;  /* offset behind the last place that could not be read; 0: there was none */
	uint64_t from, to; /* offsets of what is in the buffer */
	unsigned char buffer[JOURNAL_RECORD_HEAD + JOURNAL_RECORD_MAX];
};

/* bytes: of records, without the segment's head. The descriptor is borrowed. */
void file_source_open(struct file_source *source, int descriptor, uint64_t begin, uint64_t bytes);

#endif
