/*
 * The disk log on disk: heads of segments and of records, to bytes and back. Pure. All numbers are little-endian.
 *
 *     segment  = head (32): "NSNDLOG1", offset u64, line u64, zero u32, CRC-32 u32 of what is before it
 *     record   = head (52) and payload: magic u32, flags u32, stored u32, plain u32, lines u32, zero u32, offset u64,
 * line u64, since_ns i64, CRC-32 u32 of the head without it and of the payload
 */
#ifndef NETSONDE_INFLUX_JOURNAL_WIRE_H
#define NETSONDE_INFLUX_JOURNAL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "influx/journal.h"

#define JOURNAL_SEGMENT_HEAD 32
#define JOURNAL_RECORD_HEAD  52

/* The first bytes of a record. */
#define JOURNAL_MAGIC "NsR\x1e"

/* What stands before a record's payload. */
struct journal_record {
	struct journal_position begin;
	uint32_t stored; /* bytes of the payload as it is on disk: 1 .. JOURNAL_RECORD_MAX */
	uint32_t plain;  /* bytes of the lines: 1 .. JOURNAL_RECORD_MAX */
	uint32_t lines;
	bool is_deflated;
	int64_t since_ns;
};

void journal_write_segment_head(unsigned char *out, struct journal_position begin);
bool journal_read_segment_head(const unsigned char *bytes, struct journal_position *begin);

/* Head for a payload that is already there. */
void journal_write_record_head(unsigned char *out, const struct journal_record *record, const void *payload);

/* Does a head stand here that could be one of a record at this offset ? Its checksum is not looked at. */
bool journal_read_record_head(const unsigned char *bytes, uint64_t offset, struct journal_record *record);

/* Is the checksum of head and payload (record->stored bytes behind the head) right? */
bool journal_record_is_whole(const unsigned char *bytes, const struct journal_record *record);

/* Bytes that a record takes in the log. */
static inline size_t journal_record_size(const struct journal_record *record)
{
	return JOURNAL_RECORD_HEAD + (size_t)record->stored;
}

static inline struct journal_position journal_record_end(const struct journal_record *record)
{
	return (struct journal_position){record->begin.offset + journal_record_size(record),
					 record->begin.line + record->lines};
}

#endif
