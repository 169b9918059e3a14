#include "influx/journal_source.h"

#define LOOK_BYTES ((size_t)256 * 1024)

static const unsigned char *look(struct journal_source *source, uint64_t offset, size_t n, size_t *got)
{
	struct file_source *file = (struct file_source *)(void *)source;
	uint64_t left = source->end - offset;
	if (n > left)
		n = (size_t)left;
	if (offset < file->from || offset + n > file->to) {
		/* Some more than is asked for, so that the next records are there already. */
		size_t wanted = n > LOOK_BYTES ? n : LOOK_BYTES;
		ssize_t read = journal_pread(file->descriptor, file->buffer, wanted,
					     (off_t)(offset - file->begin + JOURNAL_SEGMENT_HEAD));
		file->from = file->to = 0;
		if (read < 0)
			return NULL;
		file->from = offset;
		file->to = offset + (uint64_t)read;
	}
	*got = (size_t)(file->to - offset);
	return file->buffer + (offset - file->from);
}

void file_source_open(struct file_source *source, int descriptor, uint64_t begin, uint64_t bytes)
{
	source->source = (struct journal_source){look, begin + bytes, false};
	source->descriptor = descriptor;
	source->begin = begin;
	source->from = source->to = 0;
}
