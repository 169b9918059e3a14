#include "influx/cursors.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"

#define HEAD_LINE "netsonde cursors 1"
#define END_LINE  "end"
#define BYTES_MAX ((size_t)4 * 1024 * 1024)

/* A call that is interrupted so often is a failure. */
#define INTERRUPTIONS_MAX 100

/* --- the set ------------------------------------------------------------------------------------------------------ */

struct cursor *cursors_find(const struct cursors *cursors, const char *name)
{
	for (size_t i = 0; i < cursors->n; i++)
		if (strcmp(cursors->items[i].name, name) == 0)
			return &cursors->items[i];
	return NULL;
}

void cursors_set(struct cursors *cursors, const char *name, struct journal_position position)
{
	struct cursor *cursor = cursors_find(cursors, name);
	if (cursor == NULL) {
		cursors->items = mem_resize(cursors->items, cursors->n + 1, sizeof(*cursors->items));
		cursor = &cursors->items[cursors->n++];
		cursor->name = mem_copy_string(name);
	}
	cursor->position = position;
}

void cursors_free(struct cursors *cursors)
{
	for (size_t i = 0; i < cursors->n; i++)
		mem_free(cursors->items[i].name);
	mem_free(cursors->items);
	*cursors = (struct cursors){0};
}

/* --- text --------------------------------------------------------------------------------------------------------- */

void cursors_print(const struct cursors *cursors, struct text *out)
{
	text_add(out, HEAD_LINE "\n");
	for (size_t i = 0; i < cursors->n; i++)
		text_add_format(out, "%" PRIu64 " %" PRIu64 " %s\n", cursors->items[i].position.offset,
				cursors->items[i].position.line, cursors->items[i].name);
	text_add(out, END_LINE "\n");
}

/* A number and the blank behind it. */
static bool take_number(char **at, uint64_t *number)
{
	char *end;
	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	*number = strtoull(*at, &end, 10);
	if (errno != 0 || *end != ' ')
		return false;
	*at = end + 1;
	return true;
}

static int parse_line(struct cursors *cursors, char *line, struct err *err)
{
	struct journal_position position;
	if (!take_number(&line, &position.offset) || !take_number(&line, &position.line) || line[0] == '\0')
		return err_set(err, "is not \"OFFSET LINE NAME\"");
	if (position.offset > JOURNAL_OFFSET_MAX || position.line > JOURNAL_OFFSET_MAX)
		return err_set(err, "no log is so long");
	if (cursors_find(cursors, line) != NULL)
		return err_set(err, "a name for the second time");
	if (cursors->n == CURSORS_MAX)
		return err_set(err, "too many cursors");
	cursors_set(cursors, line, position);
	return 0;
}

static int parse_lines(struct cursors *cursors, char *text, struct err *err)
{
	unsigned number = 0;
	for (char *line = text, *feed; (feed = strchr(line, '\n')) != NULL; line = feed + 1) {
		*feed = '\0';
		number++;
		if (number > 1 && strcmp(line, END_LINE) == 0)
			return feed[1] == '\0' ? 0 : err_set(err, "line %u: something after the end", number + 1);
		if (number == 1 ? strcmp(line, HEAD_LINE) != 0 && err_set(err, "is not \"" HEAD_LINE "\"") != 0
				: parse_line(cursors, line, err) != 0)
			return err_prefix(err, "line %u", number);
	}
	return err_set(err, "line %u: the end is missing", number + 1);
}

int cursors_parse(struct cursors *cursors, const char *bytes, size_t n, struct err *err)
{
	if (n > BYTES_MAX || memchr(bytes, '\0', n) != NULL)
		return err_set(err, "line 1: is no text");
	char *copy = mem_format("%.*s", (int)n, bytes);
	int result = parse_lines(cursors, copy, err);
	mem_free(copy);
	if (result != 0)
		cursors_free(cursors);
	return result;
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

/* After a call has failed: is it worth to make it again? */
static bool may_retry(unsigned *times)
{
	return (errno == EINTR || errno == EAGAIN) && ++*times < INTERRUPTIONS_MAX;
}

static int open_file(const char *path, int flags)
{
	unsigned times = 0;
	int descriptor;
	do
		descriptor = open(path, flags | O_CLOEXEC, 0640);
	while (descriptor == -1 && may_retry(&times));
	return descriptor;
}

/* -1 with errno. */
static int read_all(int descriptor, struct text *out)
{
	unsigned times = 0;
	for (;;) {
		char *room = text_reserve(out, 4096);
		if (room == NULL)
			return 0; /* too long, so its end is missing */
		ssize_t got = read(descriptor, room, 4096);
		if (got == 0)
			return 0;
		if (got > 0)
			out->length += (size_t)got;
		else if (!may_retry(&times))
			return -1;
	}
}

int cursors_read(struct cursors *cursors, const char *folder, struct err *err)
{
	char *path = mem_format("%s/" CURSORS_FILE, folder);
	struct text text = {.ceiling = BYTES_MAX};
	int result = 0, descriptor = open_file(path, O_RDONLY);
	if (descriptor == -1 && errno != ENOENT)
		result = err_set_errno(err, "%s", path);
	if (descriptor != -1) {
		if (read_all(descriptor, &text) != 0)
			result = err_set_errno(err, "%s", path);
		else if (cursors_parse(cursors, text_string(&text), text.length, err) != 0)
			result = -err_prefix(err, "%s", path);
		close(descriptor);
	}
	text_free(&text);
	mem_free(path);
	return result;
}

static int write_all(int descriptor, const char *bytes, size_t n)
{
	unsigned times = 0;
	while (n > 0) {
		ssize_t done = write(descriptor, bytes, n);
		if (done < 0 && may_retry(&times))
			continue;
		if (done < 0)
			return -1;
		bytes += done;
		n -= (size_t)done;
	}
	return 0;
}

static int replace(const char *path, const char *temporary, const struct text *text, struct err *err)
{
	int descriptor = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
	if (descriptor == -1)
		return err_set_errno(err, "%s", temporary);
	int result = write_all(descriptor, text->bytes, text->length) == 0 ? 0 : err_set_errno(err, "%s", temporary);
	/* Some disks say only here that they have not taken it. */
	if (close(descriptor) != 0 && result == 0)
		result = err_set_errno(err, "%s", temporary);
	if (result != 0)
		unlink(temporary);
	else if (rename(temporary, path) != 0)
		result = err_set_errno(err, "%s", path);
	return result;
}

int cursors_write(const struct cursors *cursors, const char *folder, struct err *err)
{
	char *path = mem_format("%s/" CURSORS_FILE, folder);
	char *temporary = mem_format("%s.new", path);
	struct text text = {0};
	cursors_print(cursors, &text);
	int result = replace(path, temporary, &text, err);
	text_free(&text);
	mem_free(temporary);
	mem_free(path);
	return result;
}
