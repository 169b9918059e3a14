/*
 * Arbitrary bytes as a segment of the disk log, and as the file of cursors: whatever is read is whole lines, what is
 * counted adds up, and the log can be written on.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "core/text.h"
#include "influx/cursors.h"
#include "influx/journal.h"

#define SIZE_MAX_HERE ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int is_right)
{
	if (!is_right)
		abort();
}

static void write_file(const char *path, const uint8_t *data, size_t size)
{
	int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	check(descriptor != -1 && write(descriptor, data, size) == (ssize_t)size);
	close(descriptor);
}

/* Reads everything; returns the end. */
static struct journal_position read_all(struct journal *journal)
{
	struct journal_position at = journal_begin(journal);
	for (;;) {
		struct text text = {0};
		struct journal_piece piece;
		int found = journal_read(journal, at, 100, 1 << 20, &text, &piece, NULL);
		check(found != -1);
		if (found == 1)
			check(text.length > 0 && text.bytes[text.length - 1] == '\n');
		check(piece.end.offset >= at.offset);
		at = piece.end;
		text_free(&text);
		if (found == 0)
			return at;
	}
}

static void as_segment(const char *folder, const uint8_t *data, size_t size)
{
	struct journal_plan plan = {.folder = folder, .segment_bytes = 1 << 20, .sync = JOURNAL_SYNC_NEVER};
	char path[128];
	struct journal_piece piece;
	struct text text = {0};
	struct err err = {0};
	snprintf(path, sizeof(path), "%s/0000000000000000.log", folder);
	write_file(path, data, size);
	struct journal *journal = journal_open(&plan, (struct journal_position){0}, &err);
	check(journal != NULL);
	struct journal_position end = read_all(journal);
	check(end.offset == journal_end(journal).offset);
	journal_append(journal, "a\nb\n", 4, 2, 1, false);
	check(journal_read(journal, end, 100, 1 << 20, &text, &piece, NULL) == 1 && piece.lines == 2);
	text_free(&text);
	check(journal_close(journal) == 0);
	unlink(path);
}

static void as_cursors(const uint8_t *data, size_t size)
{
	struct cursors cursors = {0}, again = {0};
	struct err err = {0};
	struct text text = {0};
	if (cursors_parse(&cursors, (const char *)data, size, &err) == 0) {
		cursors_print(&cursors, &text);
		check(cursors_parse(&again, text.bytes, text.length, &err) == 0 && again.n == cursors.n);
	} else {
		check(err.text[0] != '\0' && cursors.n == 0);
	}
	text_free(&text);
	cursors_free(&cursors);
	cursors_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char folder[] = "/tmp/netsonde-fuzz-XXXXXX", command[128];
	if (size > SIZE_MAX_HERE)
		return 0;
	log_configure(-1, LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	as_cursors(data, size);
	check(mkdtemp(folder) != NULL);
	as_segment(folder, data, size);
	snprintf(command, sizeof(command), "%s/lock", folder);
	unlink(command);
	check(access(folder, F_OK) == 0);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (rmdir(folder) != 0)
		check(system(command) == 0);
	return 0;
}
