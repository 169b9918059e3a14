/*
 * A disk log that is opened on a disk that cannot be read well: an error costs no line that is on the disk, cuts
 * nothing off, removes nothing, and no offset and no line number is given twice. Either the log cannot be opened, with
 * a text that names the file and the reason, or what follows is placed behind all that is there.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "influx/cursors.h"
#include "influx/journal.h"
#include "influx/journal_scan.h"
#include "influx/journal_wire.h"
#include "trap.h"

#define BLOCK     4096
#define RECORDS   96
#define LINES     40
#define MORE      5 /* records behind */
#define LINES_MAX ((RECORDS + 3 * MORE) * LINES)
#define FILES_MAX 32

/* More attempts than a reader makes before it gives up a place. */
#define ATTEMPTS 40

struct place {
	struct journal_position begin, end;
};

struct scene {
	char folder[64];
	struct journal_plan plan;
	struct journal *journal;
	struct place records[RECORDS];
	uint64_t made;
	char *paths[FILES_MAX];
	off_t sizes[FILES_MAX];
	size_t nfiles;
	size_t ndescriptors; /* open before */
	bool is_read[LINES_MAX];
	uint64_t shown[LINES_MAX]; /* numbers in the order that they were read in */
	uint64_t nshown;
};

static uint64_t checksum_of(uint64_t number)
{
	return number * UINT64_C(0x9e3779b97f4a7c15);
}

/* Line n says what the n-th line of all is: numbers are those of the test, not of the log. */
static void append(struct scene *scene)
{
	struct text text = {0};
	for (int i = 0; i < LINES; i++, scene->made++)
		text_add_format(&text, "line %llu of some, %016llx\n", (unsigned long long)scene->made,
				(unsigned long long)checksum_of(scene->made));
	cr_assert_eq(journal_append(scene->journal, text.bytes, text.length, LINES, 7, scene->made % 3 == 0), 0);
	text_free(&text);
}

static bool open_journal(struct scene *scene, struct err *err)
{
	scene->journal = journal_open(&scene->plan, (struct journal_position){0}, err);
	return scene->journal != NULL;
}

static void close_journal(struct scene *scene)
{
	cr_assert_eq(journal_close(scene->journal), 0);
	scene->journal = NULL;
}

static size_t count_descriptors(void)
{
	glob_t found;
	cr_assert_eq(glob("/proc/self/fd/*", 0, NULL, &found), 0);
	size_t n = found.gl_pathc;
	globfree(&found);
	return n;
}

static void forget_files(struct scene *scene)
{
	for (size_t i = 0; i < scene->nfiles; i++)
		mem_free(scene->paths[i]);
	scene->nfiles = 0;
}

static void note_files(struct scene *scene)
{
	glob_t found;
	forget_files(scene);
	char *pattern = mem_format("%s/*.log", scene->folder);
	cr_assert_eq(glob(pattern, 0, NULL, &found), 0);
	cr_assert_leq(found.gl_pathc, FILES_MAX);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct stat status;
		cr_assert_eq(stat(found.gl_pathv[i], &status), 0);
		scene->paths[i] = mem_copy_string(found.gl_pathv[i]);
		scene->sizes[i] = status.st_size;
	}
	scene->nfiles = found.gl_pathc;
	globfree(&found);
	mem_free(pattern);
}

/* A log of a few segments, closed. */
static void prepare(struct scene *scene, int64_t segment_bytes)
{
	struct err err = {0};
	memset(scene, 0, sizeof(*scene));
	scene->ndescriptors = count_descriptors();
	snprintf(scene->folder, sizeof(scene->folder), "/tmp/netsonde-reopen-XXXXXX");
	cr_assert_not_null(mkdtemp(scene->folder));
	scene->plan = (struct journal_plan){
		.folder = scene->folder, .segment_bytes = segment_bytes, .sync = JOURNAL_SYNC_NEVER};
	cr_assert(open_journal(scene, &err), "%s", err.text);
	for (int i = 0; i < RECORDS; i++) {
		scene->records[i].begin = journal_end(scene->journal);
		append(scene);
		scene->records[i].end = journal_end(scene->journal);
	}
	close_journal(scene);
	note_files(scene);
}

/* As prepare; the last file has one record only, and fits into one block. */
static void prepare_small_end(struct scene *scene)
{
	struct err err = {0};
	prepare(scene, 5 * BLOCK);
	scene->plan.segment_bytes = 100;
	cr_assert(open_journal(scene, &err));
	append(scene);
	close_journal(scene);
	size_t nfiles = scene->nfiles;
	note_files(scene);
	cr_assert_eq(scene->nfiles, nfiles + 1);
	cr_assert_lt(scene->sizes[nfiles], BLOCK);
}

static void dispose(struct scene *scene)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", scene->folder);
	cr_assert_eq(system(command), 0);
	forget_files(scene);
	cr_assert_eq(count_descriptors(), scene->ndescriptors, "descriptors stay open");
}

static void note_line(struct scene *scene, const char *line)
{
	unsigned long long number = 0, sum = 0;
	cr_assert_eq(sscanf(line, "line %llu of some, %llx", &number, &sum), 2, "%s", line);
	cr_assert_lt(number, LINES_MAX);
	cr_assert_eq(sum, checksum_of(number));
	cr_assert_not(scene->is_read[number], "line %llu comes twice", number);
	cr_assert(scene->nshown == 0 || scene->shown[scene->nshown - 1] < number, "line %llu in disorder", number);
	scene->is_read[number] = true;
	scene->shown[scene->nshown++] = number;
}

/* Reads everything, as patient as a sender is; returns how many lines were lost. */
static uint64_t read_all(struct scene *scene)
{
	struct journal_position at = {0};
	uint64_t lost = 0;
	memset(scene->is_read, 0, sizeof(scene->is_read));
	scene->nshown = 0;
	for (unsigned attempts = 0; attempts < ATTEMPTS; attempts++) {
		struct text text = {0};
		struct journal_piece piece;
		struct err err = {0};
		int found = journal_read(scene->journal, at, 3 * LINES, 1 << 20, &text, &piece, &err);
		for (const char *line = text.bytes; found == 1 && line < text.bytes + text.length;
		     line = strchr(line, '\n') + 1)
			note_line(scene, line);
		text_free(&text);
		if (found == -1)
			continue;
		cr_assert_eq(at.line + piece.lines + piece.lost, piece.end.line, "%d + %d + %d is not %d", (int)at.line,
			     (int)piece.lines, (int)piece.lost, (int)piece.end.line);
		lost += piece.lost;
		at = piece.end;
		attempts = 0;
		if (found == 0)
			break;
	}
	cr_assert_eq(at.offset, journal_end(scene->journal).offset, "reads on to the end");
	cr_assert_eq(at.line, journal_end(scene->journal).line);
	return lost;
}

/* No file of before is shorter now, or gone. */
static void check_files(const struct scene *scene)
{
	for (size_t i = 0; i < scene->nfiles; i++) {
		struct stat status;
		cr_assert_eq(stat(scene->paths[i], &status), 0, "%s is gone", scene->paths[i]);
		cr_assert_geq(status.st_size, scene->sizes[i], "%s is %d bytes long, was %d", scene->paths[i],
			      (int)status.st_size, (int)scene->sizes[i]);
	}
}

/* Opened once more on a disk that is well: every line is there. Returns the numbers that no line has. */
static uint64_t check_all(struct scene *scene)
{
	struct err err = {0};
	check_files(scene);
	cr_assert(open_journal(scene, &err), "%s", err.text);
	uint64_t lost = read_all(scene);
	for (uint64_t i = 0; i < scene->made; i++)
		cr_assert(scene->is_read[i], "line %d of %d is lost", (int)i, (int)scene->made);
	for (int i = 0; i < MORE; i++)
		append(scene);
	cr_assert_eq(read_all(scene), lost);
	cr_assert_eq(scene->nshown, scene->made);
	close_journal(scene);
	return lost;
}

/* What cannot be opened says which file, and why. */
static void check_text(const struct scene *scene, const struct err *err, int error)
{
	cr_assert(strncmp(err->text, scene->folder, strlen(scene->folder)) == 0, "\"%s\" names no file", err->text);
	cr_assert(strstr(err->text, strerror(error)) != NULL, "\"%s\" does not say %s", err->text, strerror(error));
}

/* --- the n-th call fails ------------------------------------------------------------------------------------------ */

static unsigned fail_nth(struct scene *scene, unsigned nth, bool has_small_end, int error, bool is_lasting)
{
	struct err err = {0};
	if (has_small_end)
		prepare_small_end(scene);
	else
		prepare(scene, 5 * BLOCK);
	trap = (struct trap){.countdown = nth, .is_lasting = is_lasting, .error = error, .is_armed = true};
	bool is_open = open_journal(scene, &err);
	unsigned calls = trap.calls;
	trap_release();
	if (!is_open)
		check_text(scene, &err, error);
	for (int i = 0; is_open && i < MORE; i++)
		append(scene);
	if (is_open)
		close_journal(scene);
	uint64_t lost = check_all(scene);
	if (!is_lasting)
		cr_assert_eq(lost, 0, "%d lines counted as lost that are not", (int)lost);
	dispose(scene);
	return calls;
}

static void fail_each(int error, bool is_lasting)
{
	static struct scene scene;
	trap_silence();
	unsigned calls = fail_nth(&scene, UINT32_MAX, true, error, false);
	for (unsigned i = 0; i < 2 * calls; i++)
		fail_nth(&scene, i / 2, i % 2 == 0, error, is_lasting);
}

#define FAIL_EACH(name, error)                                                                                         \
	Test(reopen, name##_once)                                                                                      \
	{                                                                                                              \
		fail_each(error, false);                                                                               \
	}                                                                                                              \
	Test(reopen, name##_for_good)                                                                                  \
	{                                                                                                              \
		fail_each(error, true);                                                                                \
	}
FAIL_EACH(broken_disk, EIO)
FAIL_EACH(interrupted, EINTR)
FAIL_EACH(no_descriptor, EMFILE)
FAIL_EACH(no_memory, ENOMEM)
FAIL_EACH(no_right, EACCES)

/* The scenario is worth its name only if it makes calls enough, of every kind. */
Test(reopen, makes_calls)
{
	static struct scene scene;
	unsigned calls = fail_nth(&scene, UINT32_MAX, true, EIO, false);
	cr_expect_gt(calls, 30, "%u calls", calls);
}

/* --- a bad sector ------------------------------------------------------------------------------------------------- */

/* Is the record in the file of that name, and has it a byte of the bad place? */
static bool is_hit(const struct scene *scene, size_t file, const struct place *record)
{
	uint64_t begin = strtoull(scene->paths[file] + strlen(scene->folder) + 1, NULL, 16);
	uint64_t end = begin + (uint64_t)scene->sizes[file] - JOURNAL_SEGMENT_HEAD;
	off_t at = (off_t)(record->begin.offset - begin) + JOURNAL_SEGMENT_HEAD;
	return record->begin.offset >= begin && record->begin.offset < end && at < trap.bad_to &&
	       at + (off_t)(record->end.offset - record->begin.offset) > trap.bad_from;
}

/* Every line that has no byte in the bad place is read; the others are counted. */
static void check_around(struct scene *scene, size_t file)
{
	uint64_t read = 0, lost = read_all(scene);
	for (size_t i = 0; i < RECORDS; i++)
		for (uint64_t line = i * LINES; line < (i + 1) * LINES; line++) {
			bool is_expected = !is_hit(scene, file, &scene->records[i]);
			cr_assert_eq(scene->is_read[line], is_expected, "%s at %d: line %d", scene->paths[file],
				     (int)trap.bad_from, (int)line);
			read += is_expected;
		}
	for (uint64_t line = RECORDS * LINES; line < scene->made; line++)
		cr_assert(scene->is_read[line]);
	read += scene->made - RECORDS * LINES;
	cr_assert_eq(scene->nshown, read);
	cr_assert_eq(lost, journal_end(scene->journal).line - read);
}

static void set_bad(const struct scene *scene, size_t file, off_t block)
{
	struct stat status;
	cr_assert_eq(stat(scene->paths[file], &status), 0);
	trap = (struct trap){.bad_file = status.st_ino, .bad_from = block * BLOCK, .bad_to = (block + 1) * BLOCK};
}

static void try_sector(struct scene *scene, size_t file, off_t block)
{
	struct err err = {0};
	set_bad(scene, file, block);
	cr_assert(open_journal(scene, &err), "%s at %d: %s", scene->paths[file], (int)block, err.text);
	bool is_last = file + 1 == scene->nfiles;
	bool is_tail = is_last && is_hit(scene, file, &scene->records[RECORDS - 1]);
	if (!is_tail)
		cr_assert_eq(journal_end(scene->journal).line, RECORDS * LINES);
	cr_assert_geq(journal_end(scene->journal).line, RECORDS * LINES);
	cr_assert_leq(journal_end(scene->journal).line, RECORDS * LINES + (unsigned)(is_tail ? 2 * BLOCK : 0));
	check_around(scene, file);
	for (int i = 0; i < MORE; i++)
		append(scene);
	check_around(scene, file);
	struct stat status;
	cr_assert_eq(stat(scene->paths[file], &status), 0);
	cr_assert_eq(status.st_size, scene->sizes[file], "nothing is written behind a bad place");
	close_journal(scene);
	cr_assert(open_journal(scene, &err), "and again: %s", err.text);
	check_around(scene, file);
	close_journal(scene);
	trap_release();
	uint64_t lost = check_all(scene);
	if (!is_tail)
		cr_assert_eq(lost, 0);
}

Test(reopen, bad_sector, .timeout = 100)
{
	static struct scene scene;
	trap_silence();
	prepare(&scene, 5 * BLOCK);
	cr_assert_gt(scene.nfiles, 3);
	size_t nfiles = scene.nfiles;
	cr_assert_lt(scene.sizes[nfiles - 1] + BLOCK, 5 * BLOCK, "there is room in the last, %d",
		     (int)scene.sizes[nfiles - 1]);
	for (size_t file = 0; file < nfiles; file++) {
		off_t blocks = (scene.sizes[file] + BLOCK - 1) / BLOCK;
		for (off_t block = 0; block < blocks; block++) {
			dispose(&scene);
			prepare(&scene, 5 * BLOCK);
			try_sector(&scene, file, block);
		}
	}
	dispose(&scene);
}

/* The last file is one block, and bad: what it had is there once it can be read again, and no number was given twice;
 * the lines that may have been in it are no more than its bytes. */
Test(reopen, bad_sector_that_is_the_last_file)
{
	static struct scene scene;
	struct err err = {0};
	trap_silence();
	prepare_small_end(&scene);
	set_bad(&scene, scene.nfiles - 1, 0);
	cr_assert(open_journal(&scene, &err), "%s", err.text);
	cr_expect_geq(journal_end(scene.journal).line, scene.made);
	cr_expect_leq(journal_end(scene.journal).line, scene.made + BLOCK);
	uint64_t lost = read_all(&scene);
	cr_expect_eq(scene.nshown, RECORDS * LINES);
	cr_expect_eq(lost, journal_end(scene.journal).line - RECORDS * LINES);
	append(&scene);
	close_journal(&scene);
	trap_release();
	check_all(&scene);
	dispose(&scene);
}

/* A sector goes bad while the log is in use: as above. */
Test(reopen, bad_sector_later, .timeout = 100)
{
	static struct scene scene;
	struct err err = {0};
	trap_silence();
	for (off_t block = 0; block < 4; block++) {
		prepare(&scene, 5 * BLOCK);
		cr_assert(open_journal(&scene, &err));
		set_bad(&scene, 1, block);
		check_around(&scene, 1);
		trap_release();
		close_journal(&scene);
		cr_assert_eq(check_all(&scene), 0);
		dispose(&scene);
	}
}

/* Who looks from outside sees what can be seen, and that there is more. */
Test(reopen, bad_sector_seen_from_outside)
{
	static struct scene scene;
	struct journal_scan found;
	struct err err = {0};
	trap_silence();
	prepare(&scene, 5 * BLOCK);
	cr_assert_eq(journal_scan(scene.paths[1], 0, NULL, NULL, &found, &err), 0);
	uint64_t records = found.records;
	cr_expect_eq(found.damaged, 0);
	for (off_t block = 0; block < scene.sizes[1] / BLOCK + 1; block++) {
		set_bad(&scene, 1, block);
		cr_assert_eq(journal_scan(scene.paths[1], 0, NULL, NULL, &found, &err), 0, "%s", err.text);
		cr_expect_eq(found.damaged, 1, "block %d: %d", (int)block, (int)found.damaged);
		cr_expect_eq(found.torn_bytes, 0);
		cr_expect_lt(found.records, records);
		cr_expect_gt(found.records, 0);
	}
	trap = (struct trap){.is_armed = true, .is_lasting = true, .countdown = 3, .error = ENOMEM};
	cr_expect_eq(journal_scan(scene.paths[1], 0, NULL, NULL, &found, &err), -1);
	trap_release();
	cr_expect(strstr(err.text, strerror(ENOMEM)) != NULL, "%s", err.text);
	dispose(&scene);
}

/* Two bad files side by side: a reader gets past both of them. */
Test(reopen, files_that_cannot_be_read_side_by_side)
{
	static struct scene scene;
	struct err err = {0};
	trap_silence();
	prepare(&scene, 3 * BLOCK);
	cr_assert_gt(scene.nfiles, 4);
	struct stat status;
	cr_assert_eq(truncate(scene.paths[2], JOURNAL_SEGMENT_HEAD + 1), 0);
	cr_assert_eq(stat(scene.paths[1], &status), 0);
	scene.sizes[2] = 0;
	cr_assert(open_journal(&scene, &err));
	trap = (struct trap){
		.bad_file = status.st_ino, .bad_to = status.st_size, .bad_path = scene.paths[2], .bad_error = EIO};
	uint64_t lost = read_all(&scene);
	trap_release();
	cr_expect_gt(lost, 0);
	cr_expect_eq(scene.nshown + lost, scene.made);
	cr_expect(scene.is_read[scene.made - 1]);
	close_journal(&scene);
	dispose(&scene);
}

/* --- one file that cannot be opened, or looked at ----------------------------------------------------------------- */

static void try_file(struct scene *scene, size_t file, bool bad_status, int error)
{
	struct err err = {0};
	prepare(scene, 5 * BLOCK);
	trap = (struct trap){.bad_path = scene->paths[file], .bad_status = bad_status, .bad_error = error};
	bool is_open = open_journal(scene, &err);
	trap.bad_path = NULL;
	if (file + 1 == scene->nfiles) {
		cr_assert_not(is_open, "the last file tells where the log goes on");
		check_text(scene, &err, error);
		cr_assert(strstr(err.text, scene->paths[file]) != NULL, "\"%s\" does not name %s", err.text,
			  scene->paths[file]);
	} else {
		cr_assert(is_open, "%s: %s", scene->paths[file], err.text);
		cr_assert_eq(journal_end(scene->journal).line, scene->made);
		for (int i = 0; i < MORE; i++)
			append(scene);
		cr_assert_eq(read_all(scene), 0);
		cr_assert_eq(scene->nshown, scene->made);
		close_journal(scene);
	}
	cr_assert_eq(check_all(scene), 0);
	dispose(scene);
}

Test(reopen, one_file)
{
	static const int errors[] = {EIO, EACCES, EMFILE, ENOMEM};
	static struct scene scene;
	trap_silence();
	prepare(&scene, 5 * BLOCK);
	size_t nfiles = scene.nfiles;
	dispose(&scene);
	for (size_t file = 0; file < nfiles; file++)
		for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
			try_file(&scene, file, false, errors[i]);
			try_file(&scene, file, true, errors[i]);
		}
}

/* A lack of descriptors or of memory is no reason to give up what is on the disk, however long it lasts. */
Test(reopen, waits_for_descriptors)
{
	static struct scene scene;
	struct err err = {0};
	trap_silence();
	prepare(&scene, 5 * BLOCK);
	cr_assert(open_journal(&scene, &err));
	trap = (struct trap){.is_armed = true, .is_lasting = true, .error = EMFILE};
	for (int i = 0; i < 1000; i++) {
		struct text text = {0};
		struct journal_piece piece;
		cr_assert_eq(journal_read(scene.journal, (struct journal_position){0}, 1, 1, &text, &piece, &err), -1);
		text_free(&text);
	}
	trap_release();
	cr_expect_eq(read_all(&scene), 0);
	close_journal(&scene);
	dispose(&scene);
}

/* --- names that are in the way ------------------------------------------------------------------------------------ */

/* A file that is no segment, but has a name that the log will come to, so many bytes further on: neither is it written
 * over, nor does it make the log shorter. */
static void grow_around(struct scene *scene, uint64_t distance)
{
	struct err err = {0};
	prepare(scene, 64 * BLOCK);
	char *path = mem_format("%s/%016llx.log", scene->folder,
				(unsigned long long)(scene->records[RECORDS - 1].end.offset + distance));
	int descriptor = __real_open(path, O_WRONLY | O_CREAT, 0600);
	char rubbish[500], still[500];
	memset(rubbish, 'x', sizeof(rubbish));
	cr_assert_eq(write(descriptor, rubbish, sizeof(rubbish)), (ssize_t)sizeof(rubbish));
	close(descriptor);
	scene->plan.segment_bytes = 100;
	for (int i = 0; i < 3; i++) {
		cr_assert(open_journal(scene, &err));
		append(scene);
		close_journal(scene);
		descriptor = __real_open(path, O_RDONLY);
		cr_assert_eq(read(descriptor, still, sizeof(still)), (ssize_t)sizeof(still));
		cr_assert_arr_eq(still, rubbish, sizeof(still));
		close(descriptor);
	}
	cr_expect_eq(check_all(scene), 0);
	mem_free(path);
	dispose(scene);
}

Test(reopen, grows_around_a_strangers_file)
{
	static struct scene scene;
	trap_silence();
	grow_around(&scene, 0);
	grow_around(&scene, 1);
	grow_around(&scene, 2000);
}

/* A first record that a crash has torn, and no descriptor to go on in its file: the file is begun anew, and is not
 * removed as the one that it was. */
Test(reopen, an_empty_segment_is_begun_anew)
{
	static struct scene scene;
	struct err err = {0};
	trap_silence();
	unsigned begun = 0;
	for (unsigned nth = 0; nth < 60; nth++) {
		prepare(&scene, 5 * BLOCK);
		uint64_t begin = strtoull(scene.paths[scene.nfiles - 1] + strlen(scene.folder) + 1, NULL, 16);
		cr_assert_eq(truncate(scene.paths[scene.nfiles - 1], JOURNAL_SEGMENT_HEAD + 20), 0);
		trap = (struct trap){.countdown = nth, .error = EMFILE, .is_armed = true};
		bool is_open = open_journal(&scene, &err);
		trap_release();
		if (is_open && journal_end(scene.journal).offset == begin) {
			struct journal_position end = journal_end(scene.journal);
			struct journal_piece piece;
			struct text text = {0};
			begun++;
			append(&scene);
			journal_trim(scene.journal, end);
			cr_assert_eq(journal_read(scene.journal, end, 1, 1, &text, &piece, &err), 1);
			cr_assert_eq(piece.lines, LINES);
			cr_assert_eq(access(scene.paths[scene.nfiles - 1], F_OK), 0);
			text_free(&text);
		}
		journal_close(scene.journal);
		dispose(&scene);
	}
	cr_expect_gt(begun, 20);
}

/* --- the file of cursors ------------------------------------------------------------------------------------------ */

static void read_cursors(const char *folder, unsigned nth, int error, bool is_lasting)
{
	struct cursors cursors = {0};
	struct err err = {0};
	trap = (struct trap){.countdown = nth, .is_lasting = is_lasting, .error = error, .is_armed = true};
	int result = cursors_read(&cursors, folder, &err);
	trap_release();
	if (result == 0) {
		cr_assert_eq(cursors.n, 2, "an error is not the same as no cursors");
	} else {
		cr_assert_eq(result, -1, "an error is not the same as a file that is damaged");
		cr_assert(strstr(err.text, CURSORS_FILE) != NULL && strstr(err.text, strerror(error)) != NULL, "%s",
			  err.text);
	}
	cursors_free(&cursors);
}

Test(reopen, cursors)
{
	static const int errors[] = {EIO, EINTR, EAGAIN, EMFILE, ENOMEM, EACCES};
	char folder[] = "/tmp/netsonde-reopen-XXXXXX", command[64];
	struct cursors cursors = {0};
	struct err err = {0};
	cr_assert_not_null(mkdtemp(folder));
	cursors_set(&cursors, "main", (struct journal_position){100, 7});
	cursors_set(&cursors, "other", (struct journal_position){200, 14});
	cr_assert_eq(cursors_write(&cursors, folder, &err), 0);
	cursors_free(&cursors);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		for (int lasts = 0; lasts < 2; lasts++)
			for (unsigned nth = 0; nth < 5; nth++)
				read_cursors(folder, nth, errors[i], lasts);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}
