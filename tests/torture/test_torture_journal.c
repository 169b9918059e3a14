/*
 * The disk log and the file of cursors with the n-th system call failing, for every n of a scenario, with every errno
 * that matters, once or for good. Linked with --wrap for the calls below; the log's sources are built into this
 * program.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "core/mem.h"
#include "influx/cursors.h"
#include "influx/journal.h"

/* --- calls that fail ---------------------------------------------------------------------------------------------- */

static struct {
	bool is_armed;
	unsigned countdown; /* calls until the first that fails */
	bool is_lasting;    /* all further ones fail, too */
	int error;          /* 0: pwrite and pread do half of it */
	unsigned calls, failed;
} trap;

/* Is this the one? */
static bool fails(void)
{
	if (!trap.is_armed)
		return false;
	trap.calls++;
	if (trap.countdown > 0) {
		trap.countdown--;
		return false;
	}
	if (trap.failed > 0 && !trap.is_lasting)
		return false;
	trap.failed++;
	errno = trap.error;
	return true;
}

ssize_t __real_pwrite(int descriptor, const void *bytes, size_t n, off_t at);
ssize_t __wrap_pwrite(int descriptor, const void *bytes, size_t n, off_t at);
ssize_t __wrap_pwrite(int descriptor, const void *bytes, size_t n, off_t at)
{
	if (!fails())
		return __real_pwrite(descriptor, bytes, n, at);
	if (trap.error == 0 || (trap.error == ENOSPC && n > 1))
		return __real_pwrite(descriptor, bytes, n / 2, at);
	return -1;
}

ssize_t __real_pread(int descriptor, void *bytes, size_t n, off_t at);
ssize_t __wrap_pread(int descriptor, void *bytes, size_t n, off_t at);
ssize_t __wrap_pread(int descriptor, void *bytes, size_t n, off_t at)
{
	if (!fails())
		return __real_pread(descriptor, bytes, n, at);
	return trap.error == 0 ? __real_pread(descriptor, bytes, (n + 1) / 2, at) : -1;
}

#define WRAP(result, name, parameters, arguments)                                                                      \
	result __real_##name parameters;                                                                               \
	result __wrap_##name parameters;                                                                               \
	result __wrap_##name parameters                                                                                \
	{                                                                                                              \
		return trap.error != 0 && fails() ? -1 : __real_##name arguments;                                      \
	}
WRAP(ssize_t, write, (int descriptor, const void *bytes, size_t n), (descriptor, bytes, n))
WRAP(ssize_t, read, (int descriptor, void *bytes, size_t n), (descriptor, bytes, n))
WRAP(int, ftruncate, (int descriptor, off_t n), (descriptor, n))
WRAP(int, rename, (const char *from, const char *to), (from, to))
WRAP(int, unlink, (const char *path), (path))
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(int, flock, (int descriptor, int operation), (descriptor, operation))
WRAP(int, fstat, (int descriptor, struct stat *status), (descriptor, status))

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	return trap.error != 0 && fails() ? -1 : __real_open(path, flags, mode);
}

DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
DIR *__wrap_opendir(const char *path)
{
	return trap.error != 0 && fails() ? NULL : __real_opendir(path);
}

/* --- the scenario ------------------------------------------------------------------------------------------------- */

#define ROUNDS 12
#define LINES  5

struct scene {
	char folder[64];
	struct journal_plan plan;
	struct journal *journal;
	uint64_t made, forgotten;
};

static void append(struct scene *scene)
{
	struct text text = {0};
	for (int i = 0; i < LINES; i++)
		text_add_format(&text, "line %llu of some\n", (unsigned long long)(scene->made + (uint64_t)i));
	scene->forgotten += journal_append(scene->journal, text.bytes, text.length, LINES, 7, scene->made % 2 == 1);
	scene->made += LINES;
	text_free(&text);
}

/* Reads on from a position, in order: each line once, or counted. Gives up when the disk does not let it read. */
static struct journal_position read_on(struct scene *scene, struct journal_position at, uint64_t *lost)
{
	for (;;) {
		struct text text = {0};
		struct journal_piece piece;
		struct err err = {0};
		uint64_t expected, line = 0;
		int found = journal_read(scene->journal, at, 12, 1 << 20, &text, &piece, &err);
		expected = piece.begin.line;
		for (char *at_line = text.bytes; found == 1 && at_line < text.bytes + text.length;
		     at_line = strchr(at_line, '\n') + 1, line++) {
			unsigned long long number = 0;
			cr_assert_eq(sscanf(at_line, "line %llu of some", &number), 1);
			cr_assert_eq(number, expected + line, "line %llu for %llu", number,
				     (unsigned long long)(expected + line));
		}
		text_free(&text);
		if (found == -1)
			return at;
		cr_assert_eq(at.line + piece.lines + piece.lost, piece.end.line);
		*lost += piece.lost;
		at = piece.end;
		if (found == 0)
			return at;
	}
}

static bool open_journal(struct scene *scene, struct journal_position floor)
{
	struct err err = {0};
	scene->journal = journal_open(&scene->plan, floor, &err);
	cr_assert(scene->journal != NULL || err.text[0] != '\0', "a failure says why");
	return scene->journal != NULL;
}

static void save_cursor(const struct scene *scene, struct journal_position at)
{
	struct cursors cursors = {0};
	struct err err = {0};
	cursors_set(&cursors, "main", at);
	if (cursors_write(&cursors, scene->folder, &err) != 0)
		cr_assert_neq(err.text[0], '\0');
	cursors_free(&cursors);
}

/* With the trap: what a daemon does, with an end and a new start in the middle. Returns how far it has read. */
static struct journal_position play(struct scene *scene, bool trims)
{
	struct journal_position at = {0};
	uint64_t lost = 0;
	for (int i = 0; i < ROUNDS && scene->journal != NULL; i++) {
		append(scene);
		if (i % 3 == 2)
			at = read_on(scene, at, &lost);
		if (i % 3 == 2)
			save_cursor(scene, at);
		if (i % 3 == 2 && trims)
			journal_trim(scene->journal, at);
		if (i != ROUNDS / 2)
			continue;
		scene->forgotten += journal_close(scene->journal);
		scene->journal = NULL;
		if (open_journal(scene, at))
			scene->made = journal_end(scene->journal).line;
	}
	return at;
}

static void make_folder(struct scene *scene)
{
	*scene = (struct scene){.folder = "/tmp/netsonde-torture-XXXXXX"};
	cr_assert_not_null(mkdtemp(scene->folder));
	scene->plan = (struct journal_plan){.folder = scene->folder, .segment_bytes = 400, .sync = JOURNAL_SYNC_NEVER};
}

static void remove_folder(const struct scene *scene)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", scene->folder);
	cr_assert_eq(system(command), 0);
}

/* After the trap: all is well again, and what was safe before is there. */
static void check(struct scene *scene, uint64_t safe, struct journal_position at, bool trims)
{
	uint64_t lost = 0;
	if (scene->journal != NULL)
		scene->forgotten += journal_close(scene->journal);
	cr_assert(open_journal(scene, at));
	struct journal_position begin = trims ? at : (struct journal_position){0};
	struct journal_position end = read_on(scene, begin, &lost);
	cr_assert_eq(end.offset, journal_end(scene->journal).offset);
	cr_assert_leq(lost, scene->forgotten, "%d lost, %d told", (int)lost, (int)scene->forgotten);
	cr_assert_geq(end.line, safe);
	scene->made = end.line;
	append(scene);
	struct journal_position after = read_on(scene, end, &lost);
	cr_assert_eq(after.line, end.line + LINES);
	cr_assert_eq(journal_close(scene->journal), 0);
	scene->journal = NULL;
}

/* The number of calls that the scenario makes. */
static unsigned torture(unsigned nth, int error, bool is_lasting, bool trims)
{
	struct scene scene;
	make_folder(&scene);
	cr_assert(open_journal(&scene, (struct journal_position){0}));
	for (int i = 0; i < 5; i++)
		append(&scene);
	uint64_t safe = scene.made;
	memset(&trap, 0, sizeof(trap));
	trap.countdown = nth;
	trap.is_lasting = is_lasting;
	trap.error = error;
	trap.is_armed = true;
	struct journal_position at = play(&scene, trims);
	trap.is_armed = false;
	check(&scene, safe, at, trims);
	remove_folder(&scene);
	return trap.calls;
}

static void torture_all(int error, bool is_lasting)
{
	log_configure(__real_open("/dev/null", O_WRONLY), LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	for (int trims = 0; trims < 2; trims++)
		for (unsigned nth = 0, calls = 1; nth < calls; nth++)
			calls = torture(nth, error, is_lasting, trims);
}

Test(torture, no_space_once)
{
	torture_all(ENOSPC, false);
}

Test(torture, no_space_for_good)
{
	torture_all(ENOSPC, true);
}

Test(torture, broken_disk_once)
{
	torture_all(EIO, false);
}

Test(torture, broken_disk_for_good)
{
	torture_all(EIO, true);
}

Test(torture, read_only)
{
	torture_all(EROFS, true);
}

Test(torture, no_descriptor)
{
	torture_all(EMFILE, true);
}

Test(torture, interrupted)
{
	torture_all(EINTR, false);
}

Test(torture, half_of_it)
{
	torture_all(0, false);
}

/* The scenario is worth its name only if it makes calls enough. */
Test(torture, makes_calls)
{
	cr_expect_gt(torture(UINT32_MAX, EIO, false, true), 60);
}
