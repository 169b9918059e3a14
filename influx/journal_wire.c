#include "influx/journal_wire.h"

#include <endian.h>
#include <string.h>
#include <zlib.h>

#define SEGMENT_MAGIC "NSNDLOG1"
#define FLAG_DEFLATED 1u

/* Where things are in a segment's head. */
enum { AT_SEGMENT_OFFSET = 8, AT_SEGMENT_LINE = 16, AT_SEGMENT_CRC = 28 };

/* Where things are in a record's head. */
enum {
	AT_FLAGS = 4,
	AT_STORED = 8,
	AT_PLAIN = 12,
	AT_LINES = 16,
	AT_OFFSET = 24,
	AT_LINE = 32,
	AT_SINCE = 40,
	AT_CRC = 48,
};

/* --- numbers ------------------------------------------------------------------------------------------------------ */

static void put32(unsigned char *out, uint32_t value)
{
	value = htole32(value);
	memcpy(out, &value, sizeof(value));
}

static void put64(unsigned char *out, uint64_t value)
{
	value = htole64(value);
	memcpy(out, &value, sizeof(value));
}

static uint32_t get32(const unsigned char *bytes)
{
	uint32_t value;
	memcpy(&value, bytes, sizeof(value));
	return le32toh(value);
}

static uint64_t get64(const unsigned char *bytes)
{
	uint64_t value;
	memcpy(&value, bytes, sizeof(value));
	return le64toh(value);
}

static uint32_t checksum(const void *head, size_t n, const void *payload, size_t length)
{
	return (uint32_t)crc32_z(crc32_z(crc32_z(0, NULL, 0), head, n), payload, length);
}

/* --- segments ----------------------------------------------------------------------------------------------------- */

void journal_write_segment_head(unsigned char *out, struct journal_position begin)
{
	memset(out, 0, JOURNAL_SEGMENT_HEAD);
	memcpy(out, SEGMENT_MAGIC, strlen(SEGMENT_MAGIC));
	put64(out + AT_SEGMENT_OFFSET, begin.offset);
	put64(out + AT_SEGMENT_LINE, begin.line);
	put32(out + AT_SEGMENT_CRC, checksum(out, AT_SEGMENT_CRC, "", 0));
}

bool journal_read_segment_head(const unsigned char *bytes, struct journal_position *begin)
{
	if (memcmp(bytes, SEGMENT_MAGIC, strlen(SEGMENT_MAGIC)) != 0 ||
	    get32(bytes + AT_SEGMENT_CRC) != checksum(bytes, AT_SEGMENT_CRC, "", 0))
		return false;
	begin->offset = get64(bytes + AT_SEGMENT_OFFSET);
	begin->line = get64(bytes + AT_SEGMENT_LINE);
	return true;
}

/* --- records ------------------------------------------------------------------------------------------------------ */

void journal_write_record_head(unsigned char *out, const struct journal_record *record, const void *payload)
{
	memset(out, 0, JOURNAL_RECORD_HEAD);
	memcpy(out, JOURNAL_MAGIC, strlen(JOURNAL_MAGIC));
	put32(out + AT_FLAGS, record->is_deflated ? FLAG_DEFLATED : 0);
	put32(out + AT_STORED, record->stored);
	put32(out + AT_PLAIN, record->plain);
	put32(out + AT_LINES, record->lines);
	put64(out + AT_OFFSET, record->begin.offset);
	put64(out + AT_LINE, record->begin.line);
	put64(out + AT_SINCE, (uint64_t)record->since_ns);
	put32(out + AT_CRC, checksum(out, AT_CRC, payload, record->stored));
}

static bool is_possible(const struct journal_record *record, uint32_t flags)
{
	if (record->stored == 0 || record->stored > JOURNAL_RECORD_MAX || record->plain == 0 ||
	    record->plain > JOURNAL_RECORD_MAX || record->lines == 0 || record->lines > record->plain)
		return false;
	return flags == FLAG_DEFLATED || (flags == 0 && record->stored == record->plain);
}

bool journal_read_record_head(const unsigned char *bytes, uint64_t offset, struct journal_record *record)
{
	if (memcmp(bytes, JOURNAL_MAGIC, strlen(JOURNAL_MAGIC)) != 0)
		return false;
	uint32_t flags = get32(bytes + AT_FLAGS);
	*record = (struct journal_record){
		.begin = {get64(bytes + AT_OFFSET), get64(bytes + AT_LINE)},
		.stored = get32(bytes + AT_STORED),
		.plain = get32(bytes + AT_PLAIN),
		.lines = get32(bytes + AT_LINES),
		.is_deflated = flags == FLAG_DEFLATED,
		.since_ns = (int64_t)get64(bytes + AT_SINCE),
	};
	return record->begin.offset == offset && is_possible(record, flags);
}

bool journal_record_is_whole(const unsigned char *bytes, const struct journal_record *record)
{
	return get32(bytes + AT_CRC) == checksum(bytes, AT_CRC, bytes + JOURNAL_RECORD_HEAD, record->stored);
}
