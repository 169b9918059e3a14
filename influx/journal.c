#include "influx/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/clock.h"
#include "core/mem.h"
#include "influx/journal_internal.h"

#define LOCK_FILE     "lock"
#define CLOSE_WAIT_NS NS_PER_SECOND

/* --- figures ------------------------------------------------------------------------------------------------------ */

void journal_show(struct journal *journal)
{
	journal->figures.memory_bytes = journal->kept_bytes;
	pthread_mutex_lock(&journal->lock_figures);
	journal->shown = journal->figures;
	pthread_mutex_unlock(&journal->lock_figures);
}

void journal_read_figures(const struct journal *journal, struct journal_figures *out)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&journal->lock_figures;
	pthread_mutex_lock(lock);
	*out = journal->shown;
	pthread_mutex_unlock(lock);
	journal_sync_read(journal->sync, out);
}

struct journal_position journal_end(const struct journal *journal)
{
	return journal->end;
}

struct journal_position journal_begin(const struct journal *journal)
{
	if (journal->nsegments > 0)
		return journal->segments[0].begin;
	return journal->kept != NULL ? journal->kept->record.begin : journal->end;
}

/* --- segments ----------------------------------------------------------------------------------------------------- */

static struct segment *last_segment(const struct journal *journal)
{
	return &journal->segments[journal->nsegments - 1];
}

/* The next record begins a new segment. */
static void leave_segment(struct journal *journal)
{
	if (journal->current != -1)
		close(journal->current);
	journal->current = -1;
}

static int write_head(int descriptor, struct journal_position begin)
{
	unsigned char head[JOURNAL_SEGMENT_HEAD];
	journal_write_segment_head(head, begin);
	return journal_pwrite(descriptor, head, sizeof(head), 0);
}

/* -1 with errno; nothing is left then. */
static int create_segment(const char *path, struct journal_position begin)
{
	int descriptor = journal_open_file(path, O_RDWR | O_CREAT | O_TRUNC);
	if (descriptor == -1 || write_head(descriptor, begin) == 0)
		return descriptor;
	int failure = errno;
	close(descriptor);
	unlink(path);
	errno = failure;
	return -1;
}

void journal_add_segment(struct journal *journal, const struct segment *segment)
{
	if (journal->nsegments == journal->room) {
		journal->room = journal->room != 0 ? journal->room * 2 : 64;
		journal->segments = mem_resize(journal->segments, journal->room, sizeof(*journal->segments));
	}
	journal->segments[journal->nsegments++] = *segment;
}

static int begin_segment(struct journal *journal, struct journal_position begin)
{
	struct segment segment = {.begin = begin, .end = begin.offset, .is_line_known = true};
	char *path = journal_path(journal->folder, begin.offset);
	leave_segment(journal);
	journal->current = create_segment(path, begin);
	mem_free(path);
	if (journal->current == -1)
		return -1;
	if (journal->nsegments > 0 && last_segment(journal)->begin.offset == begin.offset) {
		/* There was no record in it yet. One file must not be two segments: it would be removed as the first.
		 */
		*last_segment(journal) = segment;
	} else {
		journal_add_segment(journal, &segment);
		journal->figures.segments++;
		journal->figures.bytes += JOURNAL_SEGMENT_HEAD;
	}
	journal_forget_reads(journal, begin.offset);
	journal_sync_note(journal->sync, journal->current, true);
	return 0;
}

/* Does somebody else's hand, or an old fault, keep the record from going to the end of the present segment? */
static bool needs_segment(const struct journal *journal, const struct journal_record *record)
{
	if (journal->current == -1)
		return true;
	const struct segment *last = last_segment(journal);
	uint64_t size = JOURNAL_SEGMENT_HEAD + last->end - last->begin.offset;
	return last->end != record->begin.offset ||
	       (last->end > last->begin.offset &&
		size + journal_record_size(record) > (uint64_t)journal->plan.segment_bytes);
}

/* -1 with errno; no piece of the record is left in a segment that is still written. */
static int write_record(struct journal *journal, const struct journal_record *record, const unsigned char *bytes)
{
	if (needs_segment(journal, record) && begin_segment(journal, record->begin) != 0)
		return -1;
	struct segment *last = last_segment(journal);
	off_t at = (off_t)(JOURNAL_SEGMENT_HEAD + last->end - last->begin.offset);
	if (journal_pwrite(journal->current, bytes, journal_record_size(record), at) != 0) {
		int failure = errno;
		if (ftruncate(journal->current, at) != 0)
			leave_segment(journal);
		errno = failure;
		return -1;
	}
	last->end += journal_record_size(record);
	journal->figures.written_lines += record->lines;
	journal->figures.written_bytes += journal_record_size(record);
	journal->figures.bytes += journal_record_size(record);
	journal_sync_note(journal->sync, journal->current, false);
	return 0;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static void remove_first_kept(struct journal *journal)
{
	struct kept_record *kept = journal->kept;
	journal->kept = kept->next;
	if (journal->kept == NULL)
		journal->kept_end = &journal->kept;
	journal->kept_bytes -= journal_record_size(&kept->record);
	mem_free(kept);
}

static void keep(struct journal *journal, const struct journal_record *record, const unsigned char *bytes)
{
	size_t size = journal_record_size(record);
	struct kept_record *kept = mem_alloc(sizeof(*kept) + size);
	kept->next = NULL;
	kept->record = *record;
	memcpy(kept->bytes, bytes, size);
	*journal->kept_end = kept;
	journal->kept_end = &kept->next;
	journal->kept_bytes += size;
}

static uint64_t make_room(struct journal *journal)
{
	uint64_t lines = 0;
	while (journal->kept_bytes > JOURNAL_MEMORY_BYTES) {
		lines += journal->kept->record.lines;
		remove_first_kept(journal);
	}
	journal->figures.forgotten_lines += lines;
	return lines;
}

static void note_failure(struct journal *journal)
{
	log_fault_begin(&journal->write_fault, "disk log", journal->folder, "%s; lines are kept in memory",
			strerror(errno));
	journal->figures.write_errors++;
	journal->pause_ns = journal->pause_ns == 0 ? JOURNAL_PAUSE_FIRST_NS : journal->pause_ns * 2;
	if (journal->pause_ns > JOURNAL_PAUSE_LAST_NS)
		journal->pause_ns = JOURNAL_PAUSE_LAST_NS;
	journal->again_ns = clock_monotonic_ns() + journal->pause_ns;
}

/* Writes what is kept, in order. */
static void write_kept(struct journal *journal)
{
	while (journal->kept != NULL) {
		if (write_record(journal, &journal->kept->record, journal->kept->bytes) != 0) {
			note_failure(journal);
			return;
		}
		remove_first_kept(journal);
	}
	journal->pause_ns = 0;
	log_fault_end(&journal->write_fault, "disk log", journal->folder);
}

/* --- append ------------------------------------------------------------------------------------------------------- */

static void reserve_record(struct journal *journal, size_t size)
{
	if (journal->record_room >= size)
		return;
	journal->record_room = size;
	journal->record = mem_resize(journal->record, size, 1);
}

/* The payload behind the head's place; returns its length. */
static size_t pack(struct journal *journal, const char *bytes, size_t n, bool *is_deflated)
{
	uLongf length = (uLongf)n;
	reserve_record(journal, JOURNAL_RECORD_HEAD + n);
	unsigned char *payload = journal->record + JOURNAL_RECORD_HEAD;
	*is_deflated = *is_deflated && compress2(payload, &length, (const Bytef *)bytes, n, 1) == Z_OK && length < n;
	if (*is_deflated)
		return length;
	memcpy(payload, bytes, n);
	return n;
}

uint64_t journal_append(struct journal *journal, const char *bytes, size_t n, uint64_t lines, int64_t since_ns,
			bool is_deflated)
{
	struct journal_record record = {
		.begin = journal->end,
		.stored = (uint32_t)pack(journal, bytes, n, &is_deflated),
		.plain = (uint32_t)n,
		.lines = (uint32_t)lines,
		.since_ns = since_ns,
	};
	record.is_deflated = is_deflated;
	journal_write_record_head(journal->record, &record, journal->record + JOURNAL_RECORD_HEAD);
	journal->end = journal_record_end(&record);
	if (journal->kept != NULL && clock_monotonic_ns() >= journal->again_ns)
		write_kept(journal);
	if (journal->kept != NULL) {
		keep(journal, &record, journal->record);
	} else if (write_record(journal, &record, journal->record) != 0) {
		note_failure(journal);
		keep(journal, &record, journal->record);
	} else if (journal->pause_ns != 0) {
		journal->pause_ns = 0;
		log_fault_end(&journal->write_fault, "disk log", journal->folder);
	}
	uint64_t forgotten = make_room(journal);
	journal_show(journal);
	return forgotten;
}

/* --- trim --------------------------------------------------------------------------------------------------------- */

static bool remove_segment(struct journal *journal, const struct segment *segment)
{
	char *path = journal_path(journal->folder, segment->begin.offset);
	bool is_gone = unlink(path) == 0 || errno == ENOENT;
	if (!is_gone)
		log_fault_begin(&journal->trim_fault, "disk log", path, "cannot be removed: %s", strerror(errno));
	else
		log_fault_end(&journal->trim_fault, "disk log", path);
	mem_free(path);
	return is_gone;
}

void journal_trim(struct journal *journal, struct journal_position position)
{
	size_t n = 0, most = journal->nsegments - (journal->current != -1);
	while (n < most && journal->segments[n].end <= position.offset &&
	       remove_segment(journal, &journal->segments[n])) {
		const struct segment *segment = &journal->segments[n++];
		journal_forget_reads(journal, segment->begin.offset);
		journal->figures.segments--;
		journal->figures.bytes -= segment->end - segment->begin.offset + JOURNAL_SEGMENT_HEAD;
	}
	journal->nsegments -= n;
	if (n > 0)
		memmove(journal->segments, journal->segments + n, journal->nsegments * sizeof(*journal->segments));
	while (journal->kept != NULL && journal_record_end(&journal->kept->record).offset <= position.offset)
		remove_first_kept(journal);
	journal_show(journal);
}

/* The oldest that is kept in memory with no more than so many bytes from there on; else the end of all. */
static struct journal_position limit_kept(const struct journal *journal, uint64_t bytes)
{
	uint64_t left = journal->kept_bytes;
	for (const struct kept_record *kept = journal->kept; kept != NULL; kept = kept->next) {
		if (left <= bytes)
			return kept->record.begin;
		left -= journal_record_size(&kept->record);
	}
	return journal->end;
}

struct journal_position journal_limit(const struct journal *journal, uint64_t bytes)
{
	struct journal_position limit = limit_kept(journal, bytes);
	uint64_t left = journal->kept_bytes;
	for (size_t i = journal->nsegments; i-- > 0;) {
		const struct segment *segment = &journal->segments[i];
		left += segment->end - segment->begin.offset;
		if (left > bytes)
			break;
		/* Lines are counted from here: a number that is not certain is no use. */
		if (segment->is_line_known)
			limit = segment->begin;
	}
	return limit;
}

/* --- open and close ----------------------------------------------------------------------------------------------- */

static int lock_folder(struct journal *journal, struct err *err)
{
	char *path = mem_format("%s/" LOCK_FILE, journal->folder);
	journal->lock = journal_open_file(path, O_RDWR | O_CREAT);
	int result = journal->lock != -1 ? 0 : err_set_errno(err, "%s", path);
	mem_free(path);
	if (result == 0 && flock(journal->lock, LOCK_EX | LOCK_NB) != 0)
		result = errno == EWOULDBLOCK ? err_set(err, "%s: is used by another process", journal->folder)
					      : err_set_errno(err, "%s: lock", journal->folder);
	return result;
}

/* A disk that is full now may not be later; one that does not let us write at all is a mistake of the configuration. */
static int try_folder(const struct journal *journal, struct err *err)
{
	char *path = mem_format("%s/new", journal->folder);
	int descriptor = journal_open_file(path, O_WRONLY | O_CREAT), result = 0;
	if (descriptor == -1 && errno != ENOSPC && errno != EDQUOT)
		result = err_set_errno(err, "%s", path);
	else if (descriptor == -1)
		log_event(LOG_LEVEL_WARN, "disk log", journal->folder, "%s", strerror(errno));
	else
		close(descriptor);
	unlink(path);
	mem_free(path);
	return result;
}

/* The last segment is written on, if it ends where the log does. */
static void continue_segment(struct journal *journal)
{
	if (journal->nsegments == 0 || last_segment(journal)->is_closed ||
	    last_segment(journal)->end != journal->end.offset)
		return;
	const struct segment *last = last_segment(journal);
	char *path = journal_path(journal->folder, last->begin.offset);
	struct stat status;
	journal->current = journal_open_file(path, O_RDWR);
	if (journal->current != -1 &&
	    (fstat(journal->current, &status) != 0 ||
	     (uint64_t)status.st_size != JOURNAL_SEGMENT_HEAD + last->end - last->begin.offset))
		leave_segment(journal);
	mem_free(path);
}

static int open_all(struct journal *journal, struct journal_position floor, struct err *err)
{
	if (journal_make_folder(journal->folder, err) != 0 || lock_folder(journal, err) != 0 ||
	    try_folder(journal, err) != 0 || journal_find_segments(journal, floor, err) != 0)
		return -1;
	continue_segment(journal);
	if (journal->plan.sync == JOURNAL_SYNC_NEVER)
		return 0;
	int folder = journal_open_file(journal->folder, O_RDONLY | O_DIRECTORY);
	if (folder == -1)
		return err_set_errno(err, "%s", journal->folder);
	journal->sync = journal_sync_start(&journal->plan, folder, err);
	return journal->sync != NULL ? 0 : err_prefix(err, "%s", journal->folder);
}

static void release(struct journal *journal)
{
	leave_segment(journal);
	journal_close_reads(journal);
	if (journal->lock != -1)
		close(journal->lock);
	pthread_mutex_destroy(&journal->lock_figures);
	mem_free(journal->record);
	mem_free(journal->segments);
	mem_free(journal->folder);
	mem_free(journal);
}

struct journal *journal_open(const struct journal_plan *plan, struct journal_position floor, struct err *err)
{
	struct journal *journal = mem_zero(1, sizeof(*journal));
	journal->plan = *plan;
	journal->folder = mem_copy_string(plan->folder);
	journal->plan.folder = journal->folder;
	journal->lock = journal->current = -1;
	journal->kept_end = &journal->kept;
	for (size_t i = 0; i < READ_CACHE; i++)
		journal->slots[i].descriptor = -1;
	pthread_mutex_init(&journal->lock_figures, NULL);
	if (open_all(journal, floor, err) == 0) {
		journal_show(journal);
		return journal;
	}
	release(journal);
	return NULL;
}

uint64_t journal_close(struct journal *journal)
{
	uint64_t lost = 0;
	if (journal == NULL)
		return 0;
	write_kept(journal);
	while (journal->kept != NULL) {
		lost += journal->kept->record.lines;
		remove_first_kept(journal);
	}
	journal_sync_stop(journal->sync, CLOSE_WAIT_NS);
	release(journal);
	return lost;
}
