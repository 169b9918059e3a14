#include "influx/journal_source.h"

#define LOOK_BYTES ((size_t)256 * 1024)

static int fill(struct file_source *file, uint64_t offset, size_t n)
{
	uint64_t left = file->source.end - offset;
	off_t at = (off_t)(offset - file->begin + JOURNAL_SEGMENT_HEAD), bad_end = 0;
	size_t got;
	file->from = file->to = 0;
	if (journal_pread_around(file->descriptor, file->buffer, n < left ? n : (size_t)left, at, &got, &bad_end) != 0)
		return -1;
	file->from = offset;
	file->to = offset + got;
	if (bad_end != 0)
		file->bad_end = file->begin + (uint64_t)bad_end - JOURNAL_SEGMENT_HEAD;
	return 0;
}

static const unsigned char *look(struct journal_source *source, uint64_t offset, size_t n, size_t *got)
{
	struct file_source *file = (struct file_source *)(void *)source;
	uint64_t left = source->end - offset;
	if (n > left)
		n = (size_t)left;
	if ((offset < file->from || offset + n > file->to) && fill(file, offset, n > LOOK_BYTES ? n : LOOK_BYTES) != 0)
		return NULL;
	*got = (size_t)(file->to - offset);
	return file->buffer + (offset - file->from);
}

void file_source_open(struct file_source *source, int descriptor, uint64_t begin, uint64_t bytes)
{
	source->source = (struct journal_source){look, begin + bytes, false};
	source->descriptor = descriptor;
	source->begin = begin;
	source->bad_end = 0;
	source->from = source->to = 0;
}
