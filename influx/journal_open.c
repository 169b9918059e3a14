/*
 * What a disk log finds in its folder when it is opened.
 *
 * A place that cannot be read is not the same as a place where nothing is: no file is made shorter or removed because
 * of it, and the log goes on behind everything that may be there.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "influx/journal_source.h"

/* "No segment is behind this one." */
#define NO_NEXT UINT64_MAX

/* Looking through a folder. */
struct finding {
	struct journal *journal;
	uint64_t beyond; /* the log goes on no earlier: files are in the way that are no segments */
	/* the segment that is being looked at */
	int descriptor;
	uint64_t offset; /* that its name says */
	uint64_t bytes;  /* of records */
	struct file_source records;
};

/* What a walk over the records of a segment has found. */
struct ending {
	struct journal_position at; /* behind the last whole record, or the segment's begin */
	bool is_line_known;
	uint64_t bad_end; /* offset behind the last place that could not be read; 0: there was none */
};

/* Read-only if it cannot be written any more. */
static int open_segment(const char *path)
{
	int descriptor = journal_open_file(path, O_RDWR);
	return descriptor != -1 ? descriptor : journal_open_file(path, O_RDONLY);
}

static void close_segment(struct finding *finding)
{
	if (finding->descriptor != -1)
		close(finding->descriptor);
	finding->descriptor = -1;
}

/* The records of the segment of so many bytes, from its descriptor. */
static struct journal_source *set_source(struct finding *finding)
{
	file_source_open(&finding->records, finding->descriptor, finding->offset, finding->bytes);
	return &finding->records.source;
}

/* --- one segment after the other ---------------------------------------------------------------------------------- */

/* The line that a segment begins with: its head says so, or else its first record. false: it has neither, and all of it
 * can be read. */
static bool find_begin(struct finding *finding, struct segment *segment)
{
	unsigned char head[JOURNAL_SEGMENT_HEAD];
	struct journal_position begin;
	struct journal_record record;
	const unsigned char *bytes;
	size_t got;
	bool is_read = journal_pread(finding->descriptor, head, sizeof(head), 0, &got) == 0;
	if (is_read && got == sizeof(head) && journal_read_segment_head(head, &begin) &&
	    begin.offset == finding->offset) {
		segment->begin = begin;
		segment->is_line_known = true;
		return true;
	}
	int found = journal_find_record(set_source(finding), finding->offset, &record, &bytes);
	if (found == 1 && record.begin.offset == finding->offset) {
		segment->begin = record.begin;
		segment->is_line_known = true;
	}
	return found != 0 || !is_read || finding->records.bad_end != 0;
}

/* What a crash has left of a segment or its last record is of no use. */
static void remove_stub(const char *path)
{
	if (unlink(path) != 0)
		log_event(LOG_LEVEL_WARN, "disk log", path, "%s", strerror(errno));
}

/* The segment has its descriptor. */
static void adopt_readable(struct finding *finding, const char *path)
{
	struct segment segment = {.begin = {.offset = finding->offset}, .end = finding->offset + finding->bytes};
	if (find_begin(finding, &segment)) {
		journal_add_segment(finding->journal, &segment);
		return;
	}
	log_event(LOG_LEVEL_ERROR, "disk log", path, "has no record that can be read: left alone");
	finding->beyond = segment.end;
}

/* As errno says. What it has may be read later; how long it is does not matter unless it is the last. */
static int adopt_unseen(struct finding *finding, uint64_t next, const char *path, struct err *err)
{
	struct segment segment = {.begin = {.offset = finding->offset}, .end = next};
	if (next == NO_NEXT)
		return err_set(err,
			       "%s: %s: the disk log would go on where this file ends; without its lines if you "
			       "move it away",
			       path, strerror(errno));
	log_event(LOG_LEVEL_ERROR, "disk log", path, "%s: is tried again when its lines are due", strerror(errno));
	journal_add_segment(finding->journal, &segment);
	return 0;
}

static int adopt(struct finding *finding, uint64_t next, struct err *err)
{
	char *path = journal_path(finding->journal->folder, finding->offset);
	struct stat status;
	int result = 0;
	finding->descriptor = open_segment(path);
	if (finding->descriptor == -1 || fstat(finding->descriptor, &status) != 0) {
		result = adopt_unseen(finding, next, path, err);
	} else if (status.st_size <= JOURNAL_SEGMENT_HEAD) {
		remove_stub(path);
	} else {
		finding->bytes = (uint64_t)status.st_size - JOURNAL_SEGMENT_HEAD;
		adopt_readable(finding, path);
	}
	close_segment(finding);
	mem_free(path);
	return result;
}

static int adopt_all(struct finding *finding, const uint64_t *offsets, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		finding->offset = offsets[i];
		if (adopt(finding, i + 1 < n ? offsets[i + 1] : NO_NEXT, err) != 0)
			return -1;
	}
	/* An end beyond the next begin cannot be: there is what a failed write has left. */
	struct segment *segments = finding->journal->segments;
	for (size_t i = 0; i + 1 < finding->journal->nsegments; i++)
		if (segments[i].end > segments[i + 1].begin.offset)
			segments[i].end = segments[i + 1].begin.offset;
	return 0;
}

/* --- the end of the log ------------------------------------------------------------------------------------------- */

/* Walks over all records of a segment, whose descriptor stays open. -1 with err: not now. */
static int walk(struct finding *finding, const struct segment *segment, struct ending *ending, struct err *err)
{
	char *path = journal_path(finding->journal->folder, segment->begin.offset);
	struct journal_record record;
	const unsigned char *bytes;
	int found = 0;
	*ending = (struct ending){segment->begin, segment->is_line_known, segment->end};
	finding->offset = segment->begin.offset;
	finding->bytes = segment->end - segment->begin.offset;
	finding->descriptor = open_segment(path);
	if (finding->descriptor != -1) {
		struct journal_source *source = set_source(finding);
		while ((found = journal_find_record(source, ending->at.offset, &record, &bytes)) == 1) {
			ending->at = journal_record_end(&record);
			ending->is_line_known = true;
		}
		ending->bad_end = finding->records.bad_end;
	} else if (journal_is_passing(errno)) {
		found = -1;
	}
	int result = found == -1 ? err_set_errno(err, "%s", path) : 0;
	mem_free(path);
	return result;
}

/* What is behind the last whole record of the last segment, which can be read to its end, is cut off. */
static void cut_off(struct finding *finding, struct segment *last)
{
	struct journal *journal = finding->journal;
	uint64_t torn = last->end - journal->end.offset;
	last->end = journal->end.offset;
	if (torn == 0)
		return;
	char *path = journal_path(journal->folder, last->begin.offset);
	if (ftruncate(finding->descriptor, (off_t)(JOURNAL_SEGMENT_HEAD + last->end - last->begin.offset)) == 0)
		log_event(LOG_LEVEL_WARN, "disk log", path,
			  "%llu bytes at its end are no whole record: cut off (a crash or a full disk)",
			  (unsigned long long)torn);
	mem_free(path);
}

/* The line that the log has come to at most, where the end of its last segments cannot be read. ending: of the last. No
 * line takes less than a byte, compressed or not, since each says when it was made. */
static int bound_line(struct finding *finding, struct ending *ending, struct err *err)
{
	struct journal *journal = finding->journal;
	size_t i = journal->nsegments - 1;
	while (!ending->is_line_known && i > 0) {
		close_segment(finding);
		if (walk(finding, &journal->segments[--i], ending, err) != 0)
			return -1;
	}
	uint64_t lines = ending->is_line_known ? ending->at.line : 0;
	uint64_t bytes = journal->end.offset - (ending->is_line_known ? ending->at.offset : 0);
	journal->end.line = lines + bytes;
	return 0;
}

/* The last segment stays as it is. */
static int go_on_behind(struct finding *finding, struct ending *ending, struct err *err)
{
	struct journal *journal = finding->journal;
	struct segment *last = &journal->segments[journal->nsegments - 1];
	char *path = journal_path(journal->folder, last->begin.offset);
	log_event(LOG_LEVEL_ERROR, "disk log", path, "cannot be read in places: kept as it is, a new file is begun");
	mem_free(path);
	last->is_closed = true;
	journal->end = (struct journal_position){last->end, ending->at.line};
	if (ending->is_line_known && ending->bad_end <= ending->at.offset)
		return 0;
	return bound_line(finding, ending, err);
}

static int find_end_of_log(struct finding *finding, struct err *err)
{
	struct journal *journal = finding->journal;
	struct ending ending;
	int result = 0;
	if (journal->nsegments == 0)
		return 0;
	struct segment *last = &journal->segments[journal->nsegments - 1];
	if (walk(finding, last, &ending, err) != 0) {
		result = -1;
	} else if (ending.is_line_known && ending.bad_end == 0) {
		journal->end = ending.at;
		cut_off(finding, last);
	} else {
		result = go_on_behind(finding, &ending, err);
	}
	close_segment(finding);
	return result;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

/* Who begins to read at a segment with an unknown number counts from the next that is known. */
static void number_segments(struct journal *journal)
{
	uint64_t line = journal->end.line;
	for (size_t i = journal->nsegments; i-- > 0;) {
		struct segment *segment = &journal->segments[i];
		if (!segment->is_line_known)
			segment->begin.line = line;
		line = segment->begin.line;
		journal->figures.segments++;
		journal->figures.bytes += segment->end - segment->begin.offset + JOURNAL_SEGMENT_HEAD;
	}
}

int journal_find_segments(struct journal *journal, struct journal_position floor, struct err *err)
{
	uint64_t *offsets;
	size_t n;
	if (journal_list(journal->folder, &offsets, &n, err) != 0)
		return -1;
	struct finding *finding = mem_zero(1, sizeof(*finding));
	finding->journal = journal;
	finding->descriptor = -1;
	int result = adopt_all(finding, offsets, n, err);
	if (result == 0)
		result = find_end_of_log(finding, err);
	if (journal->end.offset < finding->beyond)
		journal->end.offset = finding->beyond;
	mem_free(finding);
	mem_free(offsets);
	if (journal->end.offset < floor.offset)
		journal->end.offset = floor.offset;
	if (journal->end.line < floor.line)
		journal->end.line = floor.line;
	number_segments(journal);
	return result;
}
