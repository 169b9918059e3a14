/*
 * Lines of the file in which availability outlives a restart: text, each with a checksum, so that a torn or damaged
 * one is noticed and the others are read. Pure.
 */
#ifndef NETSONDE_DAEMON_AVAILABILITY_RECORD_H
#define NETSONDE_DAEMON_AVAILABILITY_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"
#include "qos/availability.h"

/* The first line, of always the same length: until when the daemon surely ran. It is written again and again. */
#define AVAILABILITY_HEAD_BYTES 64
void availability_head_write(char out[AVAILABILITY_HEAD_BYTES], int64_t alive_ms);
/* False when these bytes are no such line. */
bool availability_head_read(const char *bytes, size_t n, int64_t *alive_ms);

/* Longest line that is read, with its LF. */
#define AVAILABILITY_LINE_MAX 8192

enum availability_record_kind {
	AVAILABILITY_RECORD_GAP,    /* the daemon did not run: from at_ms to to_ms */
	AVAILABILITY_RECORD_CHANGE, /* of target and probe: change */
	AVAILABILITY_RECORD_HOUR,   /* of target and probe: hour */
	AVAILABILITY_RECORD_LEFT,   /* target and probe are not measured any more since at_ms; 0 = they are again */
};

/* target and probe are borrowed; those of a record that was read lie in the line. */
struct availability_record {
	enum availability_record_kind kind;
	const char *target, *probe;
	int64_t at_ms, to_ms;
	struct availability_change change;
	struct availability_hour hour;
};

/* Appends a line with its LF. */
void availability_record_write(struct text *out, const struct availability_record *record);

/* line: without LF, NUL-terminated; it is changed. False when it is no record, or a damaged one. */
bool availability_record_read(char *line, struct availability_record *record);

#endif
