#include "influx/journal_scan.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "influx/journal_source.h"

/* One call of journal_scan. */
struct scan {
	struct file_source *file;
	struct journal_scan *found;
	void (*each)(void *arg, const struct text *lines);
	void *arg;
	struct text lines;
};

static void note_record(struct scan *scan, const struct journal_record *record)
{
	struct journal_scan *found = scan->found;
	if (found->records++ == 0) {
		found->begin = record->begin;
		found->first_ns = record->since_ns;
	}
	found->lines += record->lines;
	found->last_ns = record->since_ns;
	found->end = journal_record_end(record);
}

static void give(struct scan *scan, const struct journal_record *record, const unsigned char *bytes)
{
	struct journal_scan *found = scan->found;
	if (record->begin.offset < found->since_offset)
		return;
	if (found->first_since_ns == 0)
		found->first_since_ns = record->since_ns;
	found->lines_since += record->lines;
	if (scan->each == NULL)
		return;
	text_clear(&scan->lines);
	if (journal_unpack(record, bytes, &scan->lines))
		scan->each(scan->arg, &scan->lines);
	else
		found->damaged++;
}

/* -1 with errno. */
static int walk(struct scan *scan)
{
	struct journal_source *source = &scan->file->source;
	uint64_t at = scan->file->begin;
	while (at < source->end) {
		struct journal_record record;
		const unsigned char *bytes;
		source->is_damaged = false;
		int result = journal_find_record(source, at, &record, &bytes);
		if (result == -1)
			return -1;
		if (result == 0) {
			bool is_bad = scan->file->bad_end > at;
			scan->found->damaged += is_bad;
			scan->found->torn_bytes = is_bad ? 0 : source->end - at;
			return 0;
		}
		scan->found->damaged += source->is_damaged;
		note_record(scan, &record);
		give(scan, &record, bytes);
		at = scan->found->end.offset;
	}
	return 0;
}

/* The offset that the file begins with: its head says so, or else its name. */
static int find_begin(int descriptor, const char *path, struct journal_position *begin, struct err *err)
{
	unsigned char head[JOURNAL_SEGMENT_HEAD];
	const char *slash = strrchr(path, '/');
	size_t got;
	*begin = (struct journal_position){0};
	if (journal_pread(descriptor, head, sizeof(head), 0, &got) == 0 && got == sizeof(head) &&
	    journal_read_segment_head(head, begin))
		return 0;
	if (journal_parse_name(slash != NULL ? slash + 1 : path, &begin->offset))
		return 0;
	return err_set(err, "%s: is no segment of a disk log", path);
}

static int scan_descriptor(struct scan *scan, int descriptor, const char *path, struct err *err)
{
	struct journal_position begin;
	struct stat status;
	if (fstat(descriptor, &status) != 0)
		return err_set_errno(err, "%s", path);
	if (find_begin(descriptor, path, &begin, err) != 0)
		return -1;
	scan->found->bytes = (uint64_t)status.st_size;
	scan->found->begin = scan->found->end = begin;
	if (status.st_size <= JOURNAL_SEGMENT_HEAD)
		return 0;
	file_source_open(scan->file, descriptor, begin.offset, (uint64_t)status.st_size - JOURNAL_SEGMENT_HEAD);
	return walk(scan) == 0 ? 0 : err_set_errno(err, "%s", path);
}

int journal_scan(const char *path, uint64_t since_offset, void (*each)(void *arg, const struct text *lines), void *arg,
		 struct journal_scan *found, struct err *err)
{
	struct scan scan = {.found = found, .each = each, .arg = arg};
	int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	*found = (struct journal_scan){.since_offset = since_offset};
	if (descriptor == -1)
		return err_set_errno(err, "%s", path);
	scan.file = mem_zero(1, sizeof(*scan.file));
	int result = scan_descriptor(&scan, descriptor, path, err);
	close(descriptor);
	mem_free(scan.file);
	text_free(&scan.lines);
	return result;
}

int journal_scan_list(const char *folder, char ***paths, size_t *n, struct err *err)
{
	uint64_t *offsets;
	if (journal_list(folder, &offsets, n, err) != 0)
		return -1;
	*paths = mem_zero(*n, sizeof(char *));
	for (size_t i = 0; i < *n; i++)
		(*paths)[i] = journal_path(folder, offsets[i]);
	mem_free(offsets);
	return 0;
}
