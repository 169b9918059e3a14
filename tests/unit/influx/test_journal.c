#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "core/clock.h"
#include "influx/journal.h"
#include "influx/journal_wire.h"
#include "scratch.h"

#define SEGMENT 4096

struct fixture {
	struct scratch scratch;
	struct journal_plan plan;
	struct journal *journal;
	uint64_t made; /* lines */
};

static void reopen(struct fixture *fixture)
{
	struct err err = {0};
	journal_close(fixture->journal);
	fixture->journal = journal_open(&fixture->plan, (struct journal_position){0}, &err);
	cr_assert_not_null(fixture->journal, "%s", err.text);
}

static struct fixture *setup(void)
{
	struct fixture *fixture = mem_zero(1, sizeof(*fixture));
	fixture->scratch = scratch_make();
	fixture->plan = (struct journal_plan){
		.folder = fixture->scratch.folder, .segment_bytes = SEGMENT, .sync = JOURNAL_SYNC_NEVER};
	reopen(fixture);
	return fixture;
}

static void teardown(struct fixture *fixture)
{
	journal_close(fixture->journal);
	scratch_remove(&fixture->scratch);
	mem_free(fixture);
}

/* A record of n numbered lines. */
static uint64_t append(struct fixture *fixture, unsigned n, bool is_deflated)
{
	struct text text = {0};
	for (unsigned i = 0; i < n; i++)
		text_add_format(&text, "line %llu of many\n", (unsigned long long)fixture->made++);
	uint64_t lost = journal_append(fixture->journal, text.bytes, text.length, n, 1000 + (int64_t)fixture->made,
				       is_deflated);
	text_free(&text);
	return lost;
}

/* What a walk over the log finds. */
struct walk {
	uint64_t lines, lost, pieces;
	struct journal_position at;
	bool has_failed;
};

/* Reads from a position to the end; every line must be the one that its place says. */
static struct walk walk_from(struct fixture *fixture, struct journal_position at, size_t most_lines, size_t most_bytes)
{
	struct walk walk = {.at = at};
	for (;;) {
		struct text text = {0};
		struct journal_piece piece;
		struct err err = {0};
		int found = journal_read(fixture->journal, walk.at, most_lines, most_bytes, &text, &piece, &err);
		walk.lost += piece.lost;
		walk.has_failed = found == -1;
		if (found == 1) {
			uint64_t lines = 0;
			char *rest = text_take(&text), *line = rest;
			for (char *feed; (feed = strchr(line, '\n')) != NULL; line = feed + 1) {
				unsigned long long number = 0;
				*feed = '\0';
				cr_assert_eq(sscanf(line, "line %llu of many", &number), 1, "%s", line);
				if (lines == 0)
					cr_assert_eq(number, piece.begin.line);
				lines++;
			}
			mem_free(rest);
			cr_assert_eq(lines, piece.lines);
			walk.lines += lines;
			walk.pieces++;
		}
		text_free(&text);
		if (found != -1)
			walk.at = piece.end;
		if (found != 1)
			return walk;
	}
}

static struct walk walk_all(struct fixture *fixture)
{
	return walk_from(fixture, journal_begin(fixture->journal), 1000000, 1 << 20);
}

static void expect_all(struct fixture *fixture)
{
	struct walk walk = walk_all(fixture);
	cr_expect_eq(walk.lines, fixture->made, "%d of %d", (int)walk.lines, (int)fixture->made);
	cr_expect_eq(walk.lost, 0);
	cr_expect_eq(walk.at.line, fixture->made);
	cr_expect_eq(walk.at.offset, journal_end(fixture->journal).offset);
}

static struct journal_figures figures(const struct fixture *fixture)
{
	struct journal_figures out;
	journal_read_figures(fixture->journal, &out);
	return out;
}

/* The first segment's path, to be freed. */
static char *first_segment(const struct fixture *fixture)
{
	return mem_format("%s/%016llx.log", fixture->scratch.folder,
			  (unsigned long long)journal_begin(fixture->journal).offset);
}

/* --- writing and reading ------------------------------------------------------------------------------------------ */

Test(journal, empty)
{
	struct fixture *fixture = setup();
	expect_all(fixture);
	cr_expect_eq(journal_end(fixture->journal).offset, 0);
	cr_expect_eq(journal_limit(fixture->journal, 0).offset, 0);
	journal_trim(fixture->journal, journal_end(fixture->journal));
	reopen(fixture);
	expect_all(fixture);
	teardown(fixture);
	cr_expect_eq(journal_close(NULL), 0);
}

Test(journal, gives_back_what_it_was_given)
{
	struct fixture *fixture = setup();
	for (unsigned i = 0; i < 500; i++) {
		cr_expect_eq(append(fixture, 1 + i % 7, i % 3 == 0), 0);
		if (i % 50 == 0)
			expect_all(fixture);
		if (i % 97 == 0)
			reopen(fixture);
	}
	expect_all(fixture);
	cr_expect_gt(figures(fixture).segments, 3);
	cr_expect_eq(figures(fixture).damaged, 0);
	reopen(fixture);
	expect_all(fixture);
	teardown(fixture);
}

Test(journal, ceilings_of_a_piece)
{
	struct fixture *fixture = setup();
	for (unsigned i = 0; i < 100; i++)
		append(fixture, 5, false);
	struct journal_position begin = journal_begin(fixture->journal);
	cr_expect_eq(walk_from(fixture, begin, 1, 1 << 20).pieces, 100, "one record at least");
	cr_expect_eq(walk_from(fixture, begin, 10, 1 << 20).pieces, 50);
	cr_expect_eq(walk_from(fixture, begin, 1000, 1).pieces, 100);
	cr_expect_eq(walk_from(fixture, begin, 1000, 1 << 20).pieces, 1, "across segments");
	cr_expect_eq(walk_from(fixture, begin, 14, 1 << 20).lines, 500);
	teardown(fixture);
}

Test(journal, tells_when_lines_were_made)
{
	struct fixture *fixture = setup();
	struct journal_piece piece;
	struct text text = {0};
	append(fixture, 1, false);
	append(fixture, 1, false);
	cr_expect_eq(journal_read(fixture->journal, journal_begin(fixture->journal), 1, 1, &text, &piece, NULL), 1);
	cr_expect_eq(piece.since_ns, 1001);
	cr_expect_eq(journal_read(fixture->journal, piece.end, 1, 1, &text, &piece, NULL), 1);
	cr_expect_eq(piece.since_ns, 1002);
	text_free(&text);
	teardown(fixture);
}

Test(journal, compresses_what_gets_shorter)
{
	struct fixture *fixture = setup();
	append(fixture, 500, false);
	uint64_t plain = journal_end(fixture->journal).offset;
	append(fixture, 500, true);
	uint64_t deflated = journal_end(fixture->journal).offset - plain;
	cr_expect_lt(deflated, plain / 3);
	cr_assert_eq(journal_append(fixture->journal, "x\n", 2, 1, 1, true), 0);
	reopen(fixture);
	struct text text = {0};
	struct journal_piece piece;
	cr_expect_eq(
		journal_read(fixture->journal, journal_begin(fixture->journal), 10000, 1 << 20, &text, &piece, NULL),
		1);
	cr_expect_eq(piece.lines, 1001);
	text_free(&text);
	teardown(fixture);
}

Test(journal, space_is_given_back)
{
	struct fixture *fixture = setup();
	for (unsigned i = 0; i < 300; i++)
		append(fixture, 3, false);
	struct journal_position end = journal_end(fixture->journal);
	uint64_t before = figures(fixture).segments;
	journal_trim(fixture->journal, (struct journal_position){SEGMENT * 2 + 1, 0});
	cr_expect_geq(before - figures(fixture).segments, 1);
	struct walk walk = walk_all(fixture);
	cr_expect_eq(walk.lost, 0);
	cr_expect_eq(walk.lines, fixture->made - journal_begin(fixture->journal).line);
	walk = walk_from(fixture, (struct journal_position){0}, 1000, 1 << 20);
	cr_expect_eq(walk.lost, journal_begin(fixture->journal).line, "what is gone is told");
	journal_trim(fixture->journal, end);
	cr_expect_eq(figures(fixture).segments, 1, "the one that is written stays");
	cr_expect_leq(figures(fixture).bytes, SEGMENT);
	reopen(fixture);
	append(fixture, 1, false);
	walk = walk_from(fixture, end, 1000, 1 << 20);
	cr_expect_eq(walk.lines, 1);
	cr_expect_eq(walk.lost, 0);
	teardown(fixture);
}

Test(journal, limit_is_where_a_segment_begins)
{
	struct fixture *fixture = setup();
	for (unsigned i = 0; i < 300; i++)
		append(fixture, 3, false);
	struct journal_position end = journal_end(fixture->journal);
	for (uint64_t bytes = 0; bytes < end.offset + 1000; bytes += 777) {
		struct journal_position limit = journal_limit(fixture->journal, bytes);
		cr_expect_leq(end.offset - limit.offset, bytes);
		struct walk walk = walk_from(fixture, limit, 100000, 1 << 20);
		cr_expect_eq(walk.lines, end.line - limit.line);
		cr_expect_eq(walk.lost, 0);
	}
	cr_expect_eq(journal_limit(fixture->journal, UINT64_MAX).offset, 0);
	teardown(fixture);
}

/* Gaps take no space: they are no reason to give lines up. */
Test(journal, limit_does_not_count_gaps)
{
	struct fixture *fixture = setup();
	append(fixture, 3, false);
	journal_close(fixture->journal);
	fixture->journal = journal_open(&fixture->plan, (struct journal_position){UINT64_C(1) << 50, 3}, NULL);
	append(fixture, 3, false);
	cr_expect_eq(journal_limit(fixture->journal, 1 << 20).offset, 0);
	cr_expect_eq(journal_limit(fixture->journal, 150).offset, UINT64_C(1) << 50);
	teardown(fixture);
}

/* A cursor that is ahead of the log, after a power failure. */
Test(journal, begins_no_earlier_than_it_is_told)
{
	struct fixture *fixture = setup();
	append(fixture, 3, false);
	journal_close(fixture->journal);
	struct journal_position floor = {5000, 100};
	fixture->journal = journal_open(&fixture->plan, floor, NULL);
	cr_assert_not_null(fixture->journal);
	cr_expect_eq(journal_end(fixture->journal).offset, 5000);
	fixture->made = 100;
	append(fixture, 4, false);
	struct walk walk = walk_from(fixture, floor, 1000, 1 << 20);
	cr_expect_eq(walk.lines, 4);
	cr_expect_eq(walk.lost, 0);
	walk = walk_all(fixture);
	cr_expect_eq(walk.lines, 7);
	cr_expect_eq(walk.lost, 97);
	teardown(fixture);
}

/* --- what goes wrong ---------------------------------------------------------------------------------------------- */

Test(journal, one_process_at_a_time)
{
	struct fixture *fixture = setup();
	struct err err = {0};
	cr_expect_null(journal_open(&fixture->plan, (struct journal_position){0}, &err));
	char *expected = mem_format("%s: is used by another process", fixture->scratch.folder);
	cr_expect_str_eq(err.text, expected);
	mem_free(expected);
	teardown(fixture);
}

Test(journal, folders)
{
	struct fixture *fixture = setup();
	struct err err = {0};
	char *deep = mem_format("%s/a/b/c", fixture->scratch.folder),
	     *file = mem_format("%s/f", fixture->scratch.folder);
	fixture->plan.folder = deep;
	reopen(fixture);
	append(fixture, 1, false);
	expect_all(fixture);
	scratch_write(file, "x");
	struct journal_plan plan = fixture->plan;
	plan.folder = file;
	cr_expect_null(journal_open(&plan, (struct journal_position){0}, &err));
	cr_expect(strstr(err.text, "Not a directory") != NULL, "%s", err.text);
	mem_free(deep);
	mem_free(file);
	teardown(fixture);
}

Test(journal, files_of_others_are_left_alone)
{
	struct fixture *fixture = setup();
	static const char *const names[] = {"notes.txt",   "0000000000000000.log.bak", "000000000000000g.log",
					    "rejected.lp", "ABCDEF0123456789.log",     "ffffffffffffffff.log"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = scratch_path(&fixture->scratch, names[i]);
		scratch_write(path, "mine");
		mem_free(path);
	}
	append(fixture, 2, false);
	reopen(fixture);
	expect_all(fixture);
	journal_trim(fixture->journal, journal_end(fixture->journal));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = scratch_path(&fixture->scratch, names[i]);
		scratch_expect(path, "", "mine");
		mem_free(path);
	}
	teardown(fixture);
}

/* Cut anywhere in its last record, the log has all the others, and goes on. */
Test(journal, cut_at_every_byte)
{
	struct fixture *fixture = setup();
	append(fixture, 3, false);
	append(fixture, 2, true);
	uint64_t before = journal_end(fixture->journal).offset;
	append(fixture, 1, false);
	uint64_t after = journal_end(fixture->journal).offset;
	char *path = first_segment(fixture);
	char *whole = mem_alloc((size_t)after + JOURNAL_SEGMENT_HEAD);
	int descriptor = open(path, O_RDONLY);
	cr_assert_eq(read(descriptor, whole, (size_t)after + JOURNAL_SEGMENT_HEAD),
		     (ssize_t)after + JOURNAL_SEGMENT_HEAD);
	close(descriptor);
	for (uint64_t cut = before; cut < after; cut++) {
		journal_close(fixture->journal);
		fixture->journal = NULL;
		descriptor = open(path, O_WRONLY | O_TRUNC);
		cr_assert_eq(write(descriptor, whole, (size_t)cut + JOURNAL_SEGMENT_HEAD),
			     (ssize_t)cut + JOURNAL_SEGMENT_HEAD);
		close(descriptor);
		reopen(fixture);
		fixture->made = 5;
		expect_all(fixture);
		append(fixture, 2, false);
		expect_all(fixture);
		reopen(fixture);
		expect_all(fixture);
	}
	mem_free(whole);
	mem_free(path);
	teardown(fixture);
}

/* A byte that is wrong costs the record that it is in, and the count of what is lost is right; nothing wrong is ever
 * read. */
Test(journal, every_byte_wrong)
{
	struct fixture *fixture = setup();
	fixture->plan.segment_bytes = 300;
	reopen(fixture);
	for (unsigned i = 0; i < 12; i++)
		append(fixture, 2, i % 2 == 1);
	cr_assert_gt(figures(fixture).segments, 3);
	char *path = first_segment(fixture);
	struct stat status;
	cr_assert_eq(stat(path, &status), 0);
	for (off_t at = 0; at < status.st_size; at++) {
		unsigned char byte;
		int descriptor = open(path, O_RDWR);
		cr_assert_eq(pread(descriptor, &byte, 1, at), 1);
		byte ^= 0x55;
		cr_assert_eq(pwrite(descriptor, &byte, 1, at), 1);
		reopen(fixture);
		struct walk walk = walk_from(fixture, (struct journal_position){0}, 1000, 1 << 20);
		cr_assert_eq(walk.lines + walk.lost, 24, "byte %d: %d lines, %d lost", (int)at, (int)walk.lines,
			     (int)walk.lost);
		cr_assert_leq(walk.lost, 2, "byte %d", (int)at);
		if (at >= JOURNAL_SEGMENT_HEAD) {
			cr_assert_eq(walk.lost, 2, "byte %d", (int)at);
			cr_assert_eq(figures(fixture).damaged, 1);
		}
		byte ^= 0x55;
		cr_assert_eq(pwrite(descriptor, &byte, 1, at), 1);
		close(descriptor);
	}
	mem_free(path);
	teardown(fixture);
}

Test(journal, a_segment_that_vanishes)
{
	struct fixture *fixture = setup();
	for (unsigned i = 0; i < 300; i++)
		append(fixture, 3, false);
	char *path = first_segment(fixture);
	cr_assert_eq(unlink(path), 0);
	struct walk walk = walk_all(fixture);
	cr_expect_eq(walk.lines + walk.lost, fixture->made);
	cr_expect_gt(walk.lost, 0);
	cr_expect_geq(figures(fixture).damaged, 1);
	journal_trim(fixture->journal, journal_end(fixture->journal));
	cr_expect_eq(figures(fixture).segments, 1);
	mem_free(path);
	teardown(fixture);
}

/* The file that is still written is open: who reads gets at it, even if nobody had read it before. */
Test(journal, the_last_segment_vanishes_before_it_was_read)
{
	struct fixture *fixture = setup();
	append(fixture, 3, false);
	char *path = first_segment(fixture);
	cr_assert_eq(unlink(path), 0);
	append(fixture, 3, false);
	expect_all(fixture);
	append(fixture, 3, false);
	expect_all(fixture);
	cr_expect_eq(figures(fixture).damaged, 0);
	mem_free(path);
	teardown(fixture);
}

Test(journal, stubs_of_a_crash)
{
	struct fixture *fixture = setup();
	append(fixture, 3, false);
	char *empty = scratch_path(&fixture->scratch, "0000000000001000.log");
	char *head = scratch_path(&fixture->scratch, "0000000000002000.log");
	char *rubbish = scratch_path(&fixture->scratch, "0000000000003000.log");
	scratch_write(empty, "");
	scratch_write(head, "NSNDLOG1");
	scratch_write(rubbish, "this is no segment, but it is longer than the head of one would be");
	reopen(fixture);
	expect_all(fixture);
	append(fixture, 3, false);
	reopen(fixture);
	expect_all(fixture);
	cr_expect_neq(access(empty, F_OK), 0);
	cr_expect_eq(access(rubbish, F_OK), 0);
	mem_free(empty);
	mem_free(head);
	mem_free(rubbish);
	teardown(fixture);
}

/* No byte more fits into any file. */
static void limit_file_size(rlim_t bytes)
{
	struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(journal, what_the_disk_refuses_is_in_memory)
{
	struct fixture *fixture = setup();
	for (unsigned i = 0; i < 10; i++)
		append(fixture, 3, false);
	uint64_t disk = figures(fixture).written_lines;
	for (rlim_t limit = 0; limit < 2000; limit += 333) {
		limit_file_size(limit);
		for (unsigned i = 0; i < 10; i++)
			append(fixture, 3, false);
		expect_all(fixture);
	}
	cr_expect_gt(figures(fixture).write_errors, 0);
	cr_expect_gt(figures(fixture).memory_bytes, 0);
	cr_expect_lt(figures(fixture).written_lines, fixture->made);
	cr_expect_geq(figures(fixture).written_lines, disk);
	limit_file_size(RLIM_INFINITY);
	reopen(fixture);
	expect_all(fixture);
	teardown(fixture);
}

Test(journal, what_was_taken_from_memory_need_not_go_to_the_disk)
{
	struct fixture *fixture = setup();
	append(fixture, 3, false);
	limit_file_size(0);
	append(fixture, 3, false);
	append(fixture, 3, false);
	struct journal_position end = journal_end(fixture->journal);
	journal_trim(fixture->journal, end);
	cr_expect_eq(figures(fixture).memory_bytes, 0);
	limit_file_size(RLIM_INFINITY);
	append(fixture, 3, false);
	cr_expect_eq(figures(fixture).memory_bytes, 0);
	struct walk walk = walk_from(fixture, end, 1000, 1 << 20);
	cr_expect_eq(walk.lines, 3);
	cr_expect_eq(walk.lost, 0);
	reopen(fixture);
	walk = walk_from(fixture, end, 1000, 1 << 20);
	cr_expect_eq(walk.lines, 3);
	teardown(fixture);
}

Test(journal, memory_is_bounded)
{
	struct fixture *fixture = setup();
	struct text text = {0};
	uint64_t forgotten = 0, made = 0;
	for (int i = 0; i < 10000; i++)
		text_add_format(&text, "line %d, which is somewhat longer than the others are here\n", i);
	limit_file_size(0);
	while (made < 200 * 10000) {
		forgotten += journal_append(fixture->journal, text.bytes, text.length, 10000, 1, false);
		made += 10000;
	}
	cr_expect_gt(forgotten, 0);
	cr_expect_leq(figures(fixture).memory_bytes, JOURNAL_MEMORY_BYTES);
	cr_expect_eq(figures(fixture).forgotten_lines, forgotten);
	struct journal_piece piece;
	struct text got = {0};
	cr_expect_eq(journal_read(fixture->journal, (struct journal_position){0}, 1, 1, &got, &piece, NULL), 1);
	cr_expect_eq(piece.lost, forgotten);
	text_free(&got);
	text_free(&text);
	cr_expect_eq(journal_close(fixture->journal), made - forgotten);
	fixture->journal = NULL;
	teardown(fixture);
}

/* --- kill -9 ------------------------------------------------------------------------------------------------------ */

/* Appends until it is killed, and tells each append that has returned. */
static void be_killed(const struct journal_plan *plan, int out)
{
	struct fixture fixture = {.plan = *plan};
	struct err err = {0};
	fixture.journal = journal_open(plan, (struct journal_position){0}, &err);
	if (fixture.journal == NULL)
		_exit(1);
	fixture.made = journal_end(fixture.journal).line;
	for (;;) {
		append(&fixture, 1 + (unsigned)fixture.made % 40, fixture.made % 2 == 0);
		if (write(out, &fixture.made, sizeof(fixture.made)) != sizeof(fixture.made))
			_exit(1);
	}
}

static uint64_t run_and_kill(const struct journal_plan *plan, unsigned microseconds)
{
	uint64_t told = 0, number;
	int ends[2];
	cr_assert_eq(pipe(ends), 0);
	fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
	pid_t child = fork();
	if (child == 0)
		be_killed(plan, ends[1]);
	close(ends[1]);
	usleep(microseconds);
	kill(child, SIGKILL);
	cr_assert_eq(waitpid(child, NULL, 0), child);
	while (read(ends[0], &number, sizeof(number)) == sizeof(number))
		told = number;
	close(ends[0]);
	return told;
}

Test(journal, killed_again_and_again)
{
	struct fixture *fixture = setup();
	uint64_t told = 0;
	fixture->plan.segment_bytes = 20000;
	journal_close(fixture->journal);
	fixture->journal = NULL;
	for (unsigned round = 0; round < 40; round++) {
		uint64_t now = run_and_kill(&fixture->plan, 1000 + round * 7919 % 9000);
		told = now > told ? now : told;
		reopen(fixture);
		fixture->made = journal_end(fixture->journal).line;
		cr_assert_geq(fixture->made, told, "round %u: what append has returned for is there", round);
		expect_all(fixture);
		journal_close(fixture->journal);
		fixture->journal = NULL;
	}
	cr_expect_gt(told, 1000);
	teardown(fixture);
}

/* --- flushing ----------------------------------------------------------------------------------------------------- */

Test(journal, flushes_as_it_is_told)
{
	struct fixture *fixture = setup();
	fixture->plan.sync = JOURNAL_SYNC_ALWAYS;
	reopen(fixture);
	for (unsigned i = 0; i < 100; i++)
		append(fixture, 10, false);
	for (int i = 0; i < 2000 && (figures(fixture).unsynced_ns != 0 || figures(fixture).syncs == 0); i++)
		usleep(5000);
	cr_expect_eq(figures(fixture).unsynced_ns, 0);
	cr_expect_geq(figures(fixture).syncs, 1);
	fixture->plan.sync = JOURNAL_SYNC_INTERVAL;
	fixture->plan.sync_interval_ns = 3600 * NS_PER_SECOND;
	reopen(fixture);
	for (unsigned i = 0; i < 100; i++)
		append(fixture, 10, false);
	cr_expect_eq(figures(fixture).syncs, 0);
	cr_expect_neq(figures(fixture).unsynced_ns, 0);
	reopen(fixture); /* the end does not wait for the interval */
	expect_all(fixture);
	teardown(fixture);
}
