#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "influx/file.h"
#include "scratch.h"

struct fixture {
	struct scratch scratch;
	char *path;
	struct influx_file file;
	struct err err;
};

static struct fixture setup(int64_t rotate_bytes, int64_t keep)
{
	struct fixture fixture = {.scratch = scratch_make()};
	fixture.path = scratch_path(&fixture.scratch, "lines");
	fixture.file = (struct influx_file){
		.path = fixture.path, .rotate_bytes = rotate_bytes, .keep = keep, .descriptor = -1};
	return fixture;
}

/* Permissions mean nothing to root. */
static void become_nobody(void)
{
	if (geteuid() == 0)
		cr_assert_eq(seteuid(65534), 0);
}

/* Coverage files and the leak check at exit need the old rights; the kernel takes the second one away with a change. */
static void become_oneself(void)
{
	if (geteuid() == getuid())
		return;
	cr_assert_eq(seteuid(getuid()), 0);
	prctl(PR_SET_DUMPABLE, 1);
}

static void teardown(struct fixture *fixture)
{
	become_oneself();
	influx_file_close(&fixture->file);
	scratch_remove(&fixture->scratch);
	mem_free(fixture->path);
}

static size_t put(struct fixture *fixture, const char *lines)
{
	fixture->err = (struct err){0};
	return influx_file_write(&fixture->file, lines, strlen(lines), &fixture->err);
}

static void limit_file_size(rlim_t bytes)
{
	struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* --- opening ------------------------------------------------------------------------------------------------- */

Test(file, is_created_and_appended_to)
{
	struct fixture fixture = setup(0, 0);
	struct stat found;
	umask(0);
	cr_assert_eq(influx_file_open(&fixture.file, &fixture.err), 0);
	cr_assert_eq(fstat(fixture.file.descriptor, &found), 0);
	cr_expect_eq(found.st_mode & 07777, 0640);
	cr_expect_neq(fcntl(fixture.file.descriptor, F_GETFD) & FD_CLOEXEC, 0);
	cr_expect_eq(put(&fixture, "a\n"), 2);
	influx_file_close(&fixture.file);
	influx_file_close(&fixture.file);
	cr_expect_eq(put(&fixture, "b\nc\n"), 4, "a closed file is opened by the write");
	scratch_expect(fixture.path, "", "a\nb\nc\n");
	cr_expect_eq(fixture.file.size, 6);
	teardown(&fixture);
}

Test(file, begins_with_a_line_feed_where_the_last_line_has_no_end)
{
	static const struct {
		const char *before, *after;
	} cases[] = {{"", "x\n"}, {"a\n", "a\nx\n"}, {"a\nb", "a\nb\nx\n"}, {"b", "b\nx\n"}, {"\n", "\nx\n"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture fixture = setup(0, 0);
		scratch_write(fixture.path, cases[i].before);
		cr_expect_eq(put(&fixture, "x\n"), 2);
		scratch_expect(fixture.path, "", cases[i].after);
		cr_expect_eq(fixture.file.size, (int64_t)strlen(cases[i].after));
		teardown(&fixture);
	}
}

Test(file, refuses_what_is_not_a_file)
{
	struct fixture fixture = setup(0, 0);
	const char *folder = fixture.scratch.folder;
	char *missing = mem_format("%s/no/lines", folder), *below = mem_format("%s/lines", fixture.path);
	scratch_write(fixture.path, "");
	char *fifo = mem_format("%s/fifo", folder);
	cr_assert_eq(mkfifo(fifo, 0600), 0);
	const struct {
		const char *path, *why;
	} cases[] = {
		{folder, "Is a directory"},
		{missing, "No such file or directory"},
		{below, "Not a directory"},
		{fifo, "not a regular file"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct influx_file file = {.path = cases[i].path, .descriptor = -1};
		struct err err = {0};
		cr_expect_eq(influx_file_open(&file, &err), -1);
		cr_expect_not_null(strstr(err.text, cases[i].why), "%s", err.text);
		cr_expect_eq(file.descriptor, -1);
		cr_expect_eq(influx_file_write(&file, "x\n", 2, &err), 0);
	}
	mem_free(fifo);
	mem_free(below);
	mem_free(missing);
	teardown(&fixture);
}

Test(file, read_only_folder)
{
	become_nobody();
	struct fixture fixture = setup(0, 0);
	cr_assert_eq(chmod(fixture.scratch.folder, 0555), 0);
	cr_expect_eq(put(&fixture, "a\n"), 0);
	cr_expect_not_null(strstr(fixture.err.text, "Permission denied"), "%s", fixture.err.text);
	cr_assert_eq(chmod(fixture.scratch.folder, 0755), 0);
	cr_expect_eq(put(&fixture, "a\n"), 2);
	scratch_expect(fixture.path, "", "a\n");
	teardown(&fixture);
}

/* --- rotation ------------------------------------------------------------------------------------------------ */

Test(file, rotation)
{
	static const struct {
		int64_t rotate_bytes, keep;
		const char *writes[4];
		const char *files[4]; /* "", ".1", ".2", ".3" */
		int64_t rotations;
	} cases[] = {
		{0, 2, {"aaaa\nbbbb\ncccc\n"}, {"aaaa\nbbbb\ncccc\n"}, 0},
		{15, 2, {"aaaa\nbbbb\ncccc\n"}, {"aaaa\nbbbb\ncccc\n"}, 0},
		{14, 2, {"aaaa\nbbbb\ncccc\n"}, {"cccc\n", "aaaa\nbbbb\n"}, 1},
		{10, 2, {"aaaa\nbbbb\ncccc\n"}, {"cccc\n", "aaaa\nbbbb\n"}, 1},
		{9, 2, {"aaaa\nbbbb\ncccc\n"}, {"cccc\n", "bbbb\n", "aaaa\n"}, 2},
		{9, 1, {"aaaa\nbbbb\ncccc\n"}, {"cccc\n", "bbbb\n"}, 2},
		{9, 0, {"aaaa\nbbbb\ncccc\n"}, {"cccc\n"}, 2},
		{10, 3, {"aaaa\n", "bbbb\n", "cccc\n"}, {"cccc\n", "aaaa\nbbbb\n"}, 1},
		{10, 3, {"aaaa\n", "bbbbb\n", "cccc\ndd\n"}, {"cccc\ndd\n", "bbbbb\n", "aaaa\n"}, 2},
		{3, 3, {"aaaa\nbb\n", "cccc\n"}, {"cccc\n", "bb\n", "aaaa\n"}, 2},
		{1, 3, {"\n\naa\n"}, {"aa\n", "\n", "\n"}, 2},
	};
	static const char *const suffixes[] = {"", ".1", ".2", ".3"};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture fixture = setup(cases[i].rotate_bytes, cases[i].keep);
		for (size_t w = 0; w < 4 && cases[i].writes[w] != NULL; w++)
			cr_expect_eq(put(&fixture, cases[i].writes[w]), strlen(cases[i].writes[w]), "case %zu", i);
		for (size_t f = 0; f < 4; f++)
			scratch_expect(fixture.path, suffixes[f], cases[i].files[f]);
		cr_expect_eq(fixture.file.rotations, cases[i].rotations, "case %zu", i);
		teardown(&fixture);
	}
}

/* Lines of many lengths, in pieces of every number of lines, into files of every size: nothing is lost or doubled, and
 * no file is longer than it may be. */
static void rotate_in_pieces(int64_t rotate_bytes, int lines_at_once)
{
	struct fixture fixture = setup(rotate_bytes, 1000);
	struct text all = {0}, piece = {0}, read = {0};
	for (int i = 0; i < 40; i++) {
		char line[32];
		snprintf(line, sizeof(line), "%.*s%02d\n", i * 7 % 13, "xxxxxxxxxxxxx", i);
		text_add(&all, line);
		text_add(&piece, line);
		if (i % lines_at_once == lines_at_once - 1 || i == 39) {
			cr_assert_eq(put(&fixture, text_string(&piece)), piece.length);
			text_clear(&piece);
		}
	}
	for (int64_t i = fixture.file.rotations; i >= 0; i--) {
		char suffix[32] = "";
		if (i > 0)
			snprintf(suffix, sizeof(suffix), ".%d", (int)i);
		char *content = scratch_read(fixture.path, suffix);
		cr_assert_not_null(content);
		cr_assert_leq(strlen(content), (size_t)rotate_bytes);
		cr_assert_eq(content[strlen(content) - 1], '\n');
		text_add(&read, content);
		mem_free(content);
	}
	cr_expect_str_eq(text_string(&read), text_string(&all));
	text_free(&all);
	text_free(&piece);
	text_free(&read);
	teardown(&fixture);
}

Test(file, rotation_loses_nothing)
{
	for (int64_t rotate_bytes = 16; rotate_bytes < 80; rotate_bytes += 7)
		for (int lines_at_once = 1; lines_at_once <= 40; lines_at_once += 5)
			rotate_in_pieces(rotate_bytes, lines_at_once);
}

Test(file, rotation_that_fails_keeps_writing)
{
	become_nobody();
	struct fixture fixture = setup(6, 2);
	cr_assert_eq(put(&fixture, "aaaa\n"), 5);
	cr_assert_eq(chmod(fixture.scratch.folder, 0555), 0);
	cr_expect_eq(put(&fixture, "bbbb\ncccc\n"), 10);
	cr_expect_eq(fixture.file.rotation_faults, 1);
	cr_expect_neq(fixture.file.rotation_fault.since_ns, 0);
	cr_assert_eq(chmod(fixture.scratch.folder, 0755), 0);
	cr_expect_eq(put(&fixture, "dddd\n"), 5);
	scratch_expect(fixture.path, "", "dddd\n");
	scratch_expect(fixture.path, ".1", "aaaa\nbbbb\ncccc\n");
	cr_expect_eq(fixture.file.rotations, 1);
	cr_expect_eq(fixture.file.rotation_fault.since_ns, 0);
	teardown(&fixture);
}

Test(file, rotation_without_old_files_fails_likewise)
{
	become_nobody();
	struct fixture fixture = setup(6, 0);
	cr_assert_eq(put(&fixture, "aaaa\n"), 5);
	cr_assert_eq(chmod(fixture.scratch.folder, 0555), 0);
	cr_expect_eq(put(&fixture, "bbbb\n"), 5);
	cr_expect_eq(fixture.file.rotation_faults, 1);
	cr_assert_eq(chmod(fixture.scratch.folder, 0755), 0);
	scratch_expect(fixture.path, "", "aaaa\nbbbb\n");
	teardown(&fixture);
}

/* A folder in the place of path.1 cannot be replaced by a file. */
Test(file, rotation_onto_a_folder_fails)
{
	struct fixture fixture = setup(6, 1);
	char *folder = mem_format("%s.1", fixture.path);
	cr_assert_eq(mkdir(folder, 0700), 0);
	cr_assert_eq(put(&fixture, "aaaa\n"), 5);
	cr_expect_eq(put(&fixture, "bbbb\n"), 5);
	cr_expect_eq(fixture.file.rotation_faults, 1);
	scratch_expect(fixture.path, "", "aaaa\nbbbb\n");
	mem_free(folder);
	teardown(&fixture);
}

/* What moved up before the last step failed does not move once more with each further attempt: the oldest would be lost
 * that way, one by one. */
Test(file, rotation_moves_no_further_than_it_must)
{
	static const char *const suffixes[] = {"", ".1", ".2", ".3"};
	static const char *const after[] = {"bbbb\n", "aaaa\n", "second\n", "third\n"};
	struct fixture fixture = setup(6, 3);
	for (size_t i = 2; i < 4; i++) {
		char *path = mem_format("%s%s", fixture.path, suffixes[i]);
		scratch_write(path, after[i]);
		mem_free(path);
	}
	cr_assert_eq(put(&fixture, "aaaa\n"), 5);
	cr_assert_eq(put(&fixture, "bbbb\n"), 5);
	for (size_t i = 0; i < 4; i++)
		scratch_expect(fixture.path, suffixes[i], after[i]);
	teardown(&fixture);
}

/* --- others ------------------------------------------------------------------------------------------------- */

Test(file, renamed_from_outside)
{
	struct fixture fixture = setup(0, 0);
	char *old = mem_format("%s.old", fixture.path);
	cr_assert_eq(put(&fixture, "a\n"), 2);
	cr_assert_eq(rename(fixture.path, old), 0);
	cr_assert_eq(put(&fixture, "b\n"), 2);
	scratch_expect(fixture.path, "", "b\n");
	scratch_expect(fixture.path, ".old", "a\n");
	cr_assert_eq(rename(old, fixture.path), 0);
	cr_assert_eq(put(&fixture, "c\n"), 2);
	scratch_expect(fixture.path, "", "a\nc\n");
	cr_assert_eq(unlink(fixture.path), 0);
	cr_assert_eq(influx_file_check(&fixture.file, &fixture.err), 0);
	scratch_expect(fixture.path, "", "");
	mem_free(old);
	teardown(&fixture);
}

Test(file, cut_from_outside)
{
	struct fixture fixture = setup(12, 1);
	cr_assert_eq(put(&fixture, "aaaa\nbbbb\n"), 10);
	cr_assert_eq(truncate(fixture.path, 0), 0);
	cr_assert_eq(put(&fixture, "cccc\ndddd\n"), 10);
	scratch_expect(fixture.path, "", "cccc\ndddd\n");
	cr_expect_eq(fixture.file.rotations, 0);
	cr_assert_eq(truncate(fixture.path, 7), 0);
	cr_assert_eq(put(&fixture, "e\n"), 2);
	scratch_expect(fixture.path, "", "cccc\ndd\ne\n");
	teardown(&fixture);
}

Test(file, folder_gone)
{
	struct fixture fixture = setup(0, 0);
	cr_assert_eq(put(&fixture, "a\n"), 2);
	scratch_remove(&fixture.scratch);
	cr_expect_eq(put(&fixture, "b\n"), 0);
	cr_expect_not_null(strstr(fixture.err.text, "No such file or directory"), "%s", fixture.err.text);
	cr_assert_eq(mkdir(fixture.scratch.folder, 0700), 0);
	cr_expect_eq(put(&fixture, "b\n"), 2);
	scratch_expect(fixture.path, "", "b\n");
	teardown(&fixture);
}

Test(file, folder_that_cannot_be_looked_into)
{
	become_nobody();
	struct fixture fixture = setup(0, 0);
	cr_assert_eq(put(&fixture, "a\n"), 2);
	cr_assert_eq(chmod(fixture.scratch.folder, 0), 0);
	cr_expect_eq(put(&fixture, "b\n"), 2);
	cr_assert_eq(chmod(fixture.scratch.folder, 0755), 0);
	scratch_expect(fixture.path, "", "a\nb\n");
	teardown(&fixture);
}

/* --- no room ------------------------------------------------------------------------------------------------- */

/* The device has room for this many bytes: what is in the file afterwards, and once there is room again. */
Test(file, no_piece_of_a_line_stays)
{
	static const char lines[] = "aaaa\nbb\n\ncccc\n";
	for (size_t room = 0; room <= sizeof(lines) - 1; room++) {
		struct fixture fixture = setup(0, 0);
		size_t whole = room;
		while (whole > 0 && lines[whole - 1] != '\n')
			whole--;
		cr_assert_eq(put(&fixture, "0\n"), 2);
		limit_file_size(2 + room);
		cr_expect_eq(put(&fixture, lines), whole, "room %zu", room);
		cr_expect_eq(fixture.file.size, (int64_t)(2 + whole));
		limit_file_size(RLIM_INFINITY);
		char *expected = mem_format("0\n%.*s", (int)whole, lines);
		scratch_expect(fixture.path, "", expected);
		if (room < sizeof(lines) - 1) {
			cr_expect_not_null(strstr(fixture.err.text, "File too large"), "%s", fixture.err.text);
			cr_expect_eq(put(&fixture, lines + whole), strlen(lines + whole));
		}
		scratch_expect(fixture.path, "", "0\naaaa\nbb\n\ncccc\n");
		mem_free(expected);
		teardown(&fixture);
	}
}

/* Where the piece cannot be taken out again, the next line does not become part of it. */
Test(file, a_piece_that_stays_gets_an_end)
{
	struct fixture fixture = setup(0, 0);
	cr_assert_eq(put(&fixture, "0\n"), 2);
	fixture.file.is_regular = false;
	limit_file_size(9);
	cr_expect_eq(put(&fixture, "aaaa\nbbbb\n"), 5);
	cr_expect(fixture.file.is_torn);
	cr_expect_eq(put(&fixture, "bbbb\n"), 0, "not even the line feed fits");
	limit_file_size(RLIM_INFINITY);
	cr_expect_eq(put(&fixture, "bbbb\n"), 5);
	scratch_expect(fixture.path, "", "0\naaaa\nbb\nbbbb\n");
	teardown(&fixture);
}

Test(file, a_torn_end_counts_for_the_size)
{
	struct fixture fixture = setup(9, 1);
	scratch_write(fixture.path, "xxx");
	cr_assert_eq(put(&fixture, "aaaa\n"), 5);
	scratch_expect(fixture.path, "", "xxx\naaaa\n");
	cr_assert_eq(truncate(fixture.path, 4), 0);
	scratch_write(fixture.path, "xxxx");
	cr_assert_eq(put(&fixture, "aaaa\n"), 5);
	scratch_expect(fixture.path, "", "aaaa\n");
	scratch_expect(fixture.path, ".1", "xxxx");
	teardown(&fixture);
}

static void write_map(const char *path, unsigned id)
{
	char *map = mem_format("0 %u 1", id);
	scratch_write(path, map);
	mem_free(map);
}

/* A real full file system, where we may mount one: as root, or as root of a user namespace. */
static bool mount_small(const char *folder)
{
	uid_t user = geteuid();
	gid_t group = getegid();
	if (unshare(CLONE_NEWNS) != 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
			return false;
		scratch_write("/proc/self/setgroups", "deny");
		write_map("/proc/self/uid_map", user);
		write_map("/proc/self/gid_map", group);
	}
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	return mount("none", folder, "tmpfs", 0, "size=16k") == 0;
}

Test(file, full_file_system)
{
	struct fixture fixture = setup(0, 0);
	if (!mount_small(fixture.scratch.folder)) {
		teardown(&fixture);
		cr_skip_test("no right to mount a small tmpfs");
	}
	struct text lines = {0};
	for (int i = 0; i < 4000; i++)
		text_add_format(&lines, "line %d\n", i);
	size_t done = put(&fixture, text_string(&lines));
	cr_expect(done > 8192 && done <= 16384, "%zu", done);
	cr_expect_not_null(strstr(fixture.err.text, "No space left on device"), "%s", fixture.err.text);
	char *content = scratch_read(fixture.path, "");
	cr_expect_eq(strlen(content), done);
	cr_expect_eq(memcmp(content, lines.bytes, done), 0);
	cr_expect_eq(content[done - 1], '\n');
	mem_free(content);
	cr_assert_eq(mount(NULL, fixture.scratch.folder, NULL, MS_REMOUNT | MS_RDONLY, NULL), -1,
		     "it is open for writing");
	cr_assert_eq(truncate(fixture.path, 0), 0);
	cr_expect_eq(put(&fixture, "room again\n"), 11);
	scratch_expect(fixture.path, "", "room again\n");
	influx_file_close(&fixture.file);
	cr_assert_eq(mount(NULL, fixture.scratch.folder, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	cr_expect_eq(put(&fixture, "x\n"), 0);
	cr_expect_not_null(strstr(fixture.err.text, "Read-only file system"), "%s", fixture.err.text);
	text_free(&lines);
	umount(fixture.scratch.folder);
	teardown(&fixture);
}

Test(file, full_device)
{
	struct influx_file file = {.path = "/dev/full", .rotate_bytes = 1, .descriptor = -1};
	struct err err = {0};
	cr_assert_eq(influx_file_open(&file, &err), 0);
	cr_expect_not(file.is_regular);
	cr_expect_eq(influx_file_write(&file, "a\nb\n", 4, &err), 0);
	cr_expect_not_null(strstr(err.text, "No space left on device"), "%s", err.text);
	cr_expect_eq(file.rotations, 0);
	influx_file_close(&file);
}
