/*
 * Lines that an output could not write yet: a queue of chunks, bounded in bytes, that forgets the oldest first. Pure.
 */
#ifndef NETSONDE_INFLUX_BACKLOG_H
#define NETSONDE_INFLUX_BACKLOG_H

#include <stddef.h>
#include <stdint.h>

struct backlog_chunk {
	struct backlog_chunk *next;
	int64_t since_ns; /* wall clock: when its first line was made */
	size_t length;
	size_t done; /* bytes that were taken from its start */
	char bytes[];
};

/* Zero-initialise but for ceiling. bytes: memory held by the chunks. */
struct backlog {
	struct backlog_chunk *first, **end; /* end NULL = empty */
	size_t bytes;
	size_t ceiling;
};

/* Appends a copy of whole lines and forgets as many of the oldest chunks as that needs. Returns the number of lines
 * lost: of the forgotten chunks, or of these bytes themselves when they are longer than the ceiling. */
uint64_t backlog_push(struct backlog *backlog, const char *bytes, size_t n, int64_t since_ns);

/* Takes n bytes of whole lines from the first chunk, which must have as many. */
void backlog_take(struct backlog *backlog, size_t n);

/* Forgets everything. Returns the number of lines. */
uint64_t backlog_clear(struct backlog *backlog);

/* Line feeds in n bytes. */
uint64_t backlog_count_lines(const char *bytes, size_t n);

#endif
