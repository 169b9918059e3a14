/*
 * Reading the disk log: from segments through a window that is read at once, and from what is kept in memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "core/mem.h"
#include "influx/journal_internal.h"

/* After so many attempts what cannot be read of a segment is given up, and the rest of it is read. */
#define READ_FAULTS_MAX 20

#define WINDOW_BYTES ((size_t)256 * 1024)

/* --- finding records; pure ---------------------------------------------------------------------------------------- */

/* Is there a whole record at offset? 1, 0, or -1 with errno. */
static int try_record(struct journal_source *source, uint64_t offset, struct journal_record *record,
		      const unsigned char **bytes)
{
	size_t got;
	if (source->end - offset <= JOURNAL_RECORD_HEAD)
		return 0;
	*bytes = source->look(source, offset, JOURNAL_RECORD_HEAD, &got);
	if (*bytes == NULL)
		return -1;
	if (got < JOURNAL_RECORD_HEAD || !journal_read_record_head(*bytes, offset, record) ||
	    source->end - offset < journal_record_size(record))
		return 0;
	*bytes = source->look(source, offset, journal_record_size(record), &got);
	if (*bytes == NULL)
		return -1;
	return got >= journal_record_size(record) && journal_record_is_whole(*bytes, record);
}

/* The next place behind offset where a record might begin; the end if there is none. -1 with errno. */
static int search(struct journal_source *source, uint64_t *offset)
{
	while (source->end - *offset > JOURNAL_RECORD_HEAD) {
		size_t got;
		const unsigned char *bytes = source->look(source, *offset + 1, JOURNAL_RECORD_HEAD, &got);
		if (bytes == NULL)
			return -1;
		const unsigned char *found = memmem(bytes, got, JOURNAL_MAGIC, strlen(JOURNAL_MAGIC));
		if (found != NULL) {
			*offset += 1 + (uint64_t)(found - bytes);
			return 0;
		}
		if (got < JOURNAL_RECORD_HEAD)
			break;
		/* The first bytes of the magic may be the last that were looked at. */
		*offset += got - (strlen(JOURNAL_MAGIC) - 1);
	}
	*offset = source->end;
	return 0;
}

int journal_find_record(struct journal_source *source, uint64_t offset, struct journal_record *record,
			const unsigned char **bytes)
{
	while (offset < source->end) {
		int found = try_record(source, offset, record, bytes);
		if (found != 0)
			return found;
		source->is_damaged = true;
		if (search(source, &offset) != 0)
			return -1;
	}
	return 0;
}

static uint64_t count_feeds(const char *bytes, size_t n)
{
	uint64_t lines = 0;
	for (const char *end = bytes + n; bytes < end && (bytes = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL;
	     bytes++)
		lines++;
	return lines;
}

bool journal_unpack(const struct journal_record *record, const unsigned char *bytes, struct text *out)
{
	uLongf length = record->plain;
	char *room = text_reserve(out, record->plain);
	if (room == NULL)
		return false;
	bytes += JOURNAL_RECORD_HEAD;
	if (!record->is_deflated)
		memcpy(room, bytes, record->plain);
	else if (uncompress((Bytef *)room, &length, bytes, record->stored) != Z_OK || length != record->plain)
		return false;
	if (room[record->plain - 1] != '\n' || count_feeds(room, record->plain) != record->lines)
		return false;
	out->length += record->plain;
	return true;
}

/* --- descriptors -------------------------------------------------------------------------------------------------- */

static void close_slot(struct read_slot *slot)
{
	if (slot->descriptor != -1)
		close(slot->descriptor);
	slot->descriptor = -1;
}

void journal_forget_reads(struct journal *journal, uint64_t segment)
{
	for (size_t i = 0; i < READ_CACHE; i++)
		if (journal->slots[i].descriptor != -1 && journal->slots[i].offset == segment)
			close_slot(&journal->slots[i]);
	if (journal->window.segment == segment)
		journal->window.from = journal->window.to = 0;
}

void journal_close_reads(struct journal *journal)
{
	for (size_t i = 0; i < READ_CACHE; i++)
		close_slot(&journal->slots[i]);
	mem_free(journal->window.bytes);
}

static struct read_slot *find_slot(struct journal *journal, uint64_t segment)
{
	struct read_slot *oldest = &journal->slots[0];
	for (size_t i = 0; i < READ_CACHE; i++) {
		struct read_slot *slot = &journal->slots[i];
		if (slot->descriptor != -1 && slot->offset == segment)
			return slot;
		if (slot->descriptor == -1 || (oldest->descriptor != -1 && slot->used < oldest->used))
			oldest = slot;
	}
	close_slot(oldest);
	oldest->offset = segment;
	return oldest;
}

/* The segment that is written is open, whatever has become of its name. -1 with errno. */
static int open_written(const struct journal *journal, uint64_t segment)
{
	bool is_written = journal->current != -1 && journal->nsegments > 0 &&
			  journal->segments[journal->nsegments - 1].begin.offset == segment;
	if (is_written)
		return fcntl(journal->current, F_DUPFD_CLOEXEC, 0);
	errno = ENOENT;
	return -1;
}

/* A descriptor to read the segment by; -1 with errno. */
static int open_slot(struct journal *journal, uint64_t segment)
{
	struct read_slot *slot = find_slot(journal, segment);
	slot->used = ++journal->clock;
	if (slot->descriptor == -1) {
		char *path = journal_path(journal->folder, segment);
		slot->descriptor = journal_open_file(path, O_RDONLY);
		if (slot->descriptor == -1 && errno == ENOENT)
			slot->descriptor = open_written(journal, segment);
		int failure = errno;
		mem_free(path);
		errno = failure;
	}
	return slot->descriptor;
}

static void close_reader(struct journal *journal, uint64_t segment)
{
	int failure = errno;
	close_slot(find_slot(journal, segment));
	errno = failure;
}

/* --- a segment as a source ---------------------------------------------------------------------------------------- */

struct segment_source {
	struct journal_source source; /* first */
	struct journal *journal;
	uint64_t segment;
	bool reads_around;
};

/* The window from offset on, of so many bytes; n of them are needed. -1 with errno. */
static int fill(const struct segment_source *from, uint64_t offset, size_t n, size_t wanted)
{
	struct read_window *window = &from->journal->window;
	off_t at = (off_t)(offset - from->segment + JOURNAL_SEGMENT_HEAD), bad_end = 0;
	size_t got;
	if (wanted > window->room) {
		window->room = wanted > WINDOW_BYTES ? wanted : WINDOW_BYTES;
		window->bytes = mem_resize(window->bytes, window->room, 1);
	}
	window->from = window->to = 0;
	int descriptor = open_slot(from->journal, from->segment);
	if (descriptor == -1)
		return -1;
	int result = from->reads_around ? journal_pread_around(descriptor, window->bytes, wanted, at, &got, &bad_end)
					: journal_pread(descriptor, window->bytes, wanted, at, &got);
	/* A descriptor may be what is bad: of a file that was replaced, on a server that came back. */
	if (result != 0 || bad_end != 0)
		close_reader(from->journal, from->segment);
	/* What is before a place that cannot be read is good. */
	if (result != 0 && got < n)
		return -1;
	window->segment = from->segment;
	window->from = offset;
	window->to = offset + got;
	return 0;
}

static const unsigned char *view(const struct read_window *window, uint64_t offset, size_t *got)
{
	*got = (size_t)(window->to - offset);
	return window->bytes + (offset - window->from);
}

static const unsigned char *look(struct journal_source *source, uint64_t offset, size_t n, size_t *got)
{
	struct segment_source *from = (struct segment_source *)(void *)source;
	struct read_window *window = &from->journal->window;
	uint64_t left = source->end - offset;
	size_t wanted = n > WINDOW_BYTES ? n : WINDOW_BYTES;
	if (n > left)
		n = (size_t)left;
	if (window->segment == from->segment && window->from <= offset && offset + n <= window->to)
		return view(window, offset, got);
	if (fill(from, offset, n, wanted < left ? wanted : (size_t)left) != 0)
		return NULL;
	return view(window, offset, got);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* One call of journal_read. */
struct reading {
	struct journal *journal;
	struct journal_position at; /* where it goes on */
	size_t most_lines, most_bytes;
	struct text *out;
	struct journal_piece *piece;
	size_t begin; /* length of out at the start */
};

static bool has_room(const struct reading *reading, const struct journal_record *record)
{
	return reading->piece->lines == 0 ||
	       (reading->piece->lines + record->lines <= reading->most_lines &&
		reading->out->length - reading->begin + record->plain <= reading->most_bytes);
}

static void note_lost(struct reading *reading, uint64_t line)
{
	if (line > reading->at.line)
		reading->piece->lost += line - reading->at.line;
}

/* Takes the record; false when it does not fit any more. */
static bool take(struct reading *reading, const struct journal_record *record, const unsigned char *bytes)
{
	struct journal_piece *piece = reading->piece;
	if (!has_room(reading, record))
		return false;
	note_lost(reading, record->begin.line);
	reading->at = journal_record_end(record);
	if (!journal_unpack(record, bytes, reading->out)) {
		reading->journal->figures.damaged++;
		piece->lost += record->lines;
		return true;
	}
	if (piece->lines == 0) {
		piece->begin = record->begin;
		piece->since_ns = record->since_ns;
	}
	piece->lines += record->lines;
	return true;
}

/* The segment that has offset, or the first one behind it; NULL: there is none. */
static struct segment *segment_at(const struct journal *journal, uint64_t offset)
{
	size_t low = 0, high = journal->nsegments;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (journal->segments[middle].end <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < journal->nsegments ? &journal->segments[low] : NULL;
}

static void note_damage(struct reading *reading, const struct segment *segment, const char *why)
{
	struct journal *journal = reading->journal;
	journal->figures.damaged++;
	log_fault_begin(&journal->damage_fault, "disk log", journal->folder, "%016llx.log: %s",
			(unsigned long long)segment->begin.offset, why);
}

/* A segment that is not there is gone; one that cannot be read may be read later, but the disk is not waited for for
 * ever. 1: behind it; 0: once more; -1 with err. */
static int failed(struct reading *reading, struct segment *segment, struct err *err)
{
	bool is_gone = errno == ENOENT;
	if (!is_gone && (journal_is_passing(errno) || ++segment->faults <= READ_FAULTS_MAX))
		return err_set_errno(err, "%s/%016llx.log", reading->journal->folder,
				     (unsigned long long)segment->begin.offset);
	if (!is_gone && !segment->reads_around) {
		segment->reads_around = true;
		return 0;
	}
	note_damage(reading, segment, is_gone ? "has vanished" : "cannot be read: it is given up");
	reading->at.offset = segment->end;
	return 1;
}

/* 1: the next record was taken, or there is none; 0: no room for it; -1 with err. */
static int read_record(struct reading *reading, struct segment *segment, struct err *err)
{
	struct segment_source source = {
		{look, segment->end, false}, reading->journal, segment->begin.offset, segment->reads_around};
	struct journal_record record;
	const unsigned char *bytes;
	int found = journal_find_record(&source.source, reading->at.offset, &record, &bytes);
	if (found == -1)
		return failed(reading, segment, err) == -1 ? -1 : 1;
	segment->faults = 0;
	if (found == 1 && !take(reading, &record, bytes))
		return 0;
	if (found == 0)
		reading->at.offset = segment->end;
	if (source.source.is_damaged)
		note_damage(reading, segment, "a place in it is damaged");
	return 1;
}

/* Reads on in one segment. 1: to its end; 0: no room for more; -1 with err. */
static int read_segment(struct reading *reading, struct segment *segment, struct err *err)
{
	int result = 1;
	if (reading->at.offset < segment->begin.offset)
		reading->at.offset = segment->begin.offset;
	while (result == 1 && reading->at.offset < segment->end)
		result = read_record(reading, segment, err);
	return result;
}

static void read_kept(struct reading *reading)
{
	const struct kept_record *kept = reading->journal->kept;
	while (kept != NULL && kept->record.begin.offset < reading->at.offset)
		kept = kept->next;
	while (kept != NULL && take(reading, &kept->record, kept->bytes))
		kept = kept->next;
	if (kept == NULL) {
		note_lost(reading, reading->journal->end.line);
		reading->at = reading->journal->end;
	}
}

static int read_all(struct reading *reading, struct err *err)
{
	struct segment *segment;
	while ((segment = segment_at(reading->journal, reading->at.offset)) != NULL) {
		int result = read_segment(reading, segment, err);
		if (result != 1)
			return result;
	}
	read_kept(reading);
	return 0;
}

int journal_read(struct journal *journal, struct journal_position position, size_t most_lines, size_t most_bytes,
		 struct text *out, struct journal_piece *piece, struct err *err)
{
	struct reading reading = {journal, position, most_lines, most_bytes, out, piece, out->length};
	uint64_t damaged = journal->figures.damaged;
	*piece = (struct journal_piece){.begin = position};
	int result = read_all(&reading, err);
	piece->end = reading.at;
	if (journal->figures.damaged != damaged)
		journal_show(journal);
	if (journal->figures.damaged == damaged && result == 0 && piece->lines > 0)
		log_fault_end(&journal->damage_fault, "disk log", journal->folder);
	/* What was read before the disk failed is good. */
	if (result == -1 && piece->lines == 0)
		return -1;
	return piece->lines > 0;
}
