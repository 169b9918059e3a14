/*
 * What a disk log finds in its folder when it is opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "influx/journal_source.h"

/* A segment as it is found. */
struct finding {
	int descriptor;
	uint64_t offset; /* that its name says */
	uint64_t bytes;  /* of records */
	struct file_source records;
};

/* The records of a segment of so many bytes, from its descriptor. */
static void set_source(struct finding *finding)
{
	file_source_open(&finding->records, finding->descriptor, finding->offset, finding->bytes);
}

/* The line that a segment begins with: its head says so, or else its first record. */
static bool find_begin(struct finding *finding, struct journal_position *begin)
{
	unsigned char head[JOURNAL_SEGMENT_HEAD];
	struct journal_record record;
	const unsigned char *bytes;
	if (journal_pread(finding->descriptor, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
	    journal_read_segment_head(head, begin) && begin->offset == finding->offset)
		return true;
	set_source(finding);
	if (journal_find_record(&finding->records.source, finding->offset, &record, &bytes) != 1)
		return false;
	*begin = (struct journal_position){finding->offset, record.begin.line};
	return true;
}

/* Walks over all records: the end of the last one. */
static struct journal_position find_end(struct finding *finding, struct journal_position at)
{
	struct journal_record record;
	const unsigned char *bytes;
	set_source(finding);
	while (journal_find_record(&finding->records.source, at.offset, &record, &bytes) == 1)
		at = journal_record_end(&record);
	return at;
}

static void add_segment(struct journal *journal, struct journal_position begin, uint64_t end)
{
	if (journal->nsegments == journal->room) {
		journal->room = journal->room != 0 ? journal->room * 2 : 64;
		journal->segments = mem_resize(journal->segments, journal->room, sizeof(*journal->segments));
	}
	journal->segments[journal->nsegments++] = (struct segment){begin, end};
	journal->figures.bytes += end - begin.offset + JOURNAL_SEGMENT_HEAD;
	journal->figures.segments++;
}

/* What a crash has left of a segment or its last record is of no use. */
static void remove_stub(const char *path)
{
	if (unlink(path) != 0)
		log_event(LOG_LEVEL_WARN, "disk log", path, "%s", strerror(errno));
}

/* The descriptor is borrowed. */
static void adopt(struct journal *journal, struct finding *finding)
{
	char *path = journal_path(journal->folder, finding->offset);
	struct journal_position begin;
	struct stat status;
	if (fstat(finding->descriptor, &status) != 0) {
		log_event(LOG_LEVEL_ERROR, "disk log", path, "%s: left alone", strerror(errno));
	} else if (status.st_size <= JOURNAL_SEGMENT_HEAD) {
		remove_stub(path);
	} else {
		finding->bytes = (uint64_t)status.st_size - JOURNAL_SEGMENT_HEAD;
		if (find_begin(finding, &begin))
			add_segment(journal, begin, begin.offset + finding->bytes);
		else
			log_event(LOG_LEVEL_ERROR, "disk log", path, "has no record that can be read: left alone");
	}
	mem_free(path);
}

/* Read-only if it cannot be written any more. */
static int open_segment(const char *folder, uint64_t offset)
{
	char *path = journal_path(folder, offset);
	int descriptor = open(path, O_RDWR | O_CLOEXEC);
	if (descriptor == -1)
		descriptor = open(path, O_RDONLY | O_CLOEXEC);
	if (descriptor == -1)
		log_event(LOG_LEVEL_ERROR, "disk log", path, "%s: left alone", strerror(errno));
	mem_free(path);
	return descriptor;
}

/* An end beyond the next begin cannot be. */
static void bound_before(struct journal *journal, uint64_t offset)
{
	if (journal->nsegments > 0 && journal->segments[journal->nsegments - 1].end > offset)
		journal->segments[journal->nsegments - 1].end = offset;
}

static void adopt_all(struct journal *journal, struct finding *finding, const uint64_t *offsets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		finding->offset = offsets[i];
		finding->descriptor = open_segment(journal->folder, offsets[i]);
		if (finding->descriptor == -1)
			continue;
		bound_before(journal, offsets[i]);
		adopt(journal, finding);
		close(finding->descriptor);
	}
}

/* The last segment is gone through to its end, and what is behind the last whole record is cut off. */
static void find_end_of_log(struct journal *journal, struct finding *finding)
{
	if (journal->nsegments == 0)
		return;
	struct segment *last = &journal->segments[journal->nsegments - 1];
	char *path = journal_path(journal->folder, last->begin.offset);
	finding->offset = last->begin.offset;
	finding->bytes = last->end - last->begin.offset;
	finding->descriptor = open_segment(journal->folder, last->begin.offset);
	journal->end = finding->descriptor != -1 ? find_end(finding, last->begin) : last->begin;
	uint64_t torn = last->end - journal->end.offset;
	last->end = journal->end.offset;
	journal->figures.bytes -= torn;
	if (torn > 0 &&
	    ftruncate(finding->descriptor, (off_t)(JOURNAL_SEGMENT_HEAD + last->end - last->begin.offset)) == 0)
		log_event(LOG_LEVEL_WARN, "disk log", path,
			  "%llu bytes at its end are no whole record: cut off (a crash or a full disk)",
			  (unsigned long long)torn);
	if (finding->descriptor != -1)
		close(finding->descriptor);
	mem_free(path);
}

int journal_find_segments(struct journal *journal, struct journal_position floor, struct err *err)
{
	uint64_t *offsets;
	size_t n;
	if (journal_list(journal->folder, &offsets, &n, err) != 0)
		return -1;
	struct finding *finding = mem_zero(1, sizeof(*finding));
	adopt_all(journal, finding, offsets, n);
	find_end_of_log(journal, finding);
	mem_free(finding);
	mem_free(offsets);
	if (journal->end.offset < floor.offset)
		journal->end.offset = floor.offset;
	if (journal->end.line < floor.line)
		journal->end.line = floor.line;
	return 0;
}
