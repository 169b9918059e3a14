/*
 * The disk log and the file of cursors with the n-th system call failing, for every n of a scenario, with every errno
 * that matters, once or for good: while it is written, read, ended and started again.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "influx/cursors.h"
#include "influx/journal.h"
#include "trap.h"

/* --- the scenario ------------------------------------------------------------------------------------------------- */

#define ROUNDS 12
#define LINES  5

#define LINES_MAX 100000

struct scene {
	char folder[64];
	struct journal_plan plan;
	struct journal *journal;
	uint64_t made, forgotten;
	uint64_t safe;           /* lines before this one are on the disk */
	uint64_t skipped;        /* numbers that were left out because nobody could tell how many lines there were */
	bool is_read[LINES_MAX]; /* since the last clean start */
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
		int found = journal_read(scene->journal, at, 12, 1 << 20, &text, &piece, &err);
		uint64_t expected = piece.begin.line;
		for (const char *line = text_string(&text); found == 1 && *line != '\0';
		     line = strchr(line, '\n') + 1, expected++) {
			unsigned long long number = 0;
			cr_assert_eq(sscanf(line, "line %llu of some", &number), 1);
			cr_assert_geq(number, expected, "line %llu for %llu", number, (unsigned long long)expected);
			cr_assert_leq(number, expected + piece.lost, "line %llu for %llu", number,
				      (unsigned long long)expected);
			cr_assert_lt(number, LINES_MAX);
			scene->is_read[number] = true;
			expected = number;
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

/* No number is given twice: the log does not begin before what it has written. */
static void start_again(struct scene *scene, struct journal_position at)
{
	uint64_t lost = journal_close(scene->journal);
	scene->forgotten += lost;
	scene->safe = scene->made - lost;
	scene->journal = NULL;
	if (!open_journal(scene, at))
		return;
	scene->made = journal_end(scene->journal).line;
	cr_assert_geq(scene->made, scene->safe, "begins with line %d of %d", (int)scene->made, (int)scene->safe);
	scene->skipped += scene->made - scene->safe;
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
		start_again(scene, at);
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

/* After the trap: all is well again, and what was safe before is there, all of it. */
static void check(struct scene *scene, struct journal_position at, bool trims)
{
	uint64_t lost = 0;
	if (scene->journal != NULL)
		scene->forgotten += journal_close(scene->journal);
	cr_assert(open_journal(scene, at));
	memset(scene->is_read, 0, sizeof(scene->is_read));
	struct journal_position begin = trims ? at : (struct journal_position){0};
	struct journal_position end = read_on(scene, begin, &lost);
	cr_assert_eq(end.offset, journal_end(scene->journal).offset);
	for (uint64_t line = begin.line; line < scene->safe; line++)
		cr_assert(scene->is_read[line], "line %d of %d is lost", (int)line, (int)scene->safe);
	cr_assert_leq(lost, scene->forgotten + scene->skipped, "%d lost, %d told", (int)lost, (int)scene->forgotten);
	cr_assert_geq(end.line, scene->safe);
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
	static struct scene scene;
	make_folder(&scene);
	cr_assert(open_journal(&scene, (struct journal_position){0}));
	for (int i = 0; i < 5; i++)
		append(&scene);
	scene.safe = scene.made;
	trap = (struct trap){.countdown = nth, .is_lasting = is_lasting, .error = error, .is_armed = true};
	struct journal_position at = play(&scene, trims);
	trap_release();
	if (!is_lasting)
		cr_assert_eq(scene.skipped, 0, "%d numbers left out", (int)scene.skipped);
	check(&scene, at, trims);
	remove_folder(&scene);
	return trap.calls;
}

static void torture_all(int error, bool is_lasting)
{
	trap_silence();
	/* A start that fails is the end of a scenario: how many calls there are tells one where nothing fails. */
	for (int trims = 0; trims < 2; trims++)
		for (unsigned nth = 0, calls = torture(UINT32_MAX, error, false, trims); nth < calls; nth++)
			torture(nth, error, is_lasting, trims);
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

Test(torture, no_memory_once)
{
	torture_all(ENOMEM, false);
}

Test(torture, no_memory_for_good)
{
	torture_all(ENOMEM, true);
}

Test(torture, no_descriptor_once)
{
	torture_all(EMFILE, false);
}

Test(torture, interrupted_for_good)
{
	torture_all(EINTR, true);
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
