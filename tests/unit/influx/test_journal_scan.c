#include <criterion/criterion.h>

#include "influx/journal_scan.h"
#include "influx/journal_wire.h"
#include "scratch.h"

#define RECORDS 4

/* A segment of records "0\n" "1\n1\n" ..., one of three lines deflated. */
struct fixture {
	struct scratch scratch;
	char *path;
	struct journal_position ends[RECORDS];
	struct text seen;
};

static struct fixture setup(void)
{
	struct fixture fixture = {.scratch = scratch_make()};
	struct journal_plan plan = {
		.folder = fixture.scratch.folder, .segment_bytes = 1 << 20, .sync = JOURNAL_SYNC_NEVER};
	struct journal *journal = journal_open(&plan, (struct journal_position){0}, NULL);
	cr_assert_not_null(journal);
	for (int i = 0; i < RECORDS; i++) {
		struct text text = {0};
		for (int line = 0; line <= i; line++)
			text_add_format(&text, "%d of a few lines that are alike, alike, alike\n", i);
		journal_append(journal, text.bytes, text.length, (uint64_t)i + 1, 100 + i, i == 2);
		fixture.ends[i] = journal_end(journal);
		text_free(&text);
	}
	journal_close(journal);
	fixture.path = scratch_path(&fixture.scratch, "0000000000000000.log");
	return fixture;
}

static void teardown(struct fixture *fixture)
{
	text_free(&fixture->seen);
	scratch_remove(&fixture->scratch);
	mem_free(fixture->path);
}

static void see(void *arg, const struct text *lines)
{
	struct fixture *fixture = arg;
	text_add_bytes(&fixture->seen, lines->bytes, 1);
}

static struct journal_scan scan(struct fixture *fixture, uint64_t since)
{
	struct journal_scan found;
	struct err err = {0};
	text_clear(&fixture->seen);
	cr_assert_eq(journal_scan(fixture->path, since, see, fixture, &found, &err), 0, "%s", err.text);
	return found;
}

static void write_at(const char *path, off_t at, const char *bytes, size_t n)
{
	int descriptor = open(path, O_WRONLY);
	cr_assert_eq(pwrite(descriptor, bytes, n, at), (ssize_t)n);
	close(descriptor);
}

Test(journal_scan, all_of_it)
{
	struct fixture fixture = setup();
	struct journal_scan found = scan(&fixture, 0);
	cr_expect_eq(found.records, RECORDS);
	cr_expect_eq(found.lines, 10);
	cr_expect_eq(found.lines_since, 10);
	cr_expect_eq(found.begin.offset, 0);
	cr_expect_eq(found.end.offset, fixture.ends[RECORDS - 1].offset);
	cr_expect_eq(found.end.line, 10);
	cr_expect_eq(found.bytes, found.end.offset + JOURNAL_SEGMENT_HEAD);
	cr_expect_eq(found.first_ns, 100);
	cr_expect_eq(found.last_ns, 103);
	cr_expect_eq(found.damaged + found.torn_bytes, 0);
	cr_expect_str_eq(text_string(&fixture.seen), "0123");
	teardown(&fixture);
}

Test(journal_scan, from_an_offset_on)
{
	struct fixture fixture = setup();
	struct journal_scan found = scan(&fixture, fixture.ends[1].offset);
	cr_expect_eq(found.records, RECORDS);
	cr_expect_eq(found.lines_since, 7);
	cr_expect_eq(found.first_since_ns, 102);
	cr_expect_str_eq(text_string(&fixture.seen), "23");
	cr_expect_eq(journal_scan(fixture.path, 0, NULL, NULL, &found, NULL), 0);
	cr_expect_eq(found.lines_since, 10);
	teardown(&fixture);
}

Test(journal_scan, damage)
{
	struct fixture fixture = setup();
	write_at(fixture.path, JOURNAL_SEGMENT_HEAD + (off_t)fixture.ends[0].offset + 60, "X", 1);
	struct journal_scan found = scan(&fixture, 0);
	cr_expect_eq(found.records, RECORDS - 1);
	cr_expect_eq(found.damaged, 1);
	cr_expect_str_eq(text_string(&fixture.seen), "023");
	cr_assert_eq(truncate(fixture.path, JOURNAL_SEGMENT_HEAD + (off_t)fixture.ends[2].offset + 7), 0);
	found = scan(&fixture, 0);
	cr_expect_eq(found.torn_bytes, 7);
	cr_expect_str_eq(text_string(&fixture.seen), "02");
	write_at(fixture.path, 0, "X", 1);
	cr_expect_eq(scan(&fixture, 0).records, 2, "the name says what the head does not");
	cr_assert_eq(truncate(fixture.path, JOURNAL_SEGMENT_HEAD), 0);
	cr_expect_eq(scan(&fixture, 0).records, 0);
	teardown(&fixture);
}

/* A head and a checksum that are right, and lines that are not what the head says. */
Test(journal_scan, a_record_that_lies)
{
	struct fixture fixture = setup();
	unsigned char bytes[JOURNAL_RECORD_HEAD + 4] = {0};
	struct journal_record record = {.begin = fixture.ends[0], .stored = 4, .plain = 4, .lines = 3};
	memcpy(bytes + JOURNAL_RECORD_HEAD, "a\nb\n", 4);
	journal_write_record_head(bytes, &record, bytes + JOURNAL_RECORD_HEAD);
	write_at(fixture.path, JOURNAL_SEGMENT_HEAD + (off_t)fixture.ends[0].offset, (const char *)bytes,
		 sizeof(bytes));
	struct journal_scan found = scan(&fixture, 0);
	cr_expect_geq(found.damaged, 1);
	cr_expect_str_eq(text_string(&fixture.seen), "023");
	teardown(&fixture);
}

Test(journal_scan, files_that_are_no_segments)
{
	struct fixture fixture = setup();
	struct journal_scan found;
	struct err err = {0};
	char *path = scratch_path(&fixture.scratch, "notes.txt"), **paths;
	size_t n;
	cr_expect_eq(journal_scan(path, 0, NULL, NULL, &found, &err), -1);
	cr_expect(strstr(err.text, "No such file") != NULL, "%s", err.text);
	scratch_write(path, "notes that are longer than the head of a segment is");
	cr_expect_eq(journal_scan(path, 0, NULL, NULL, &found, &err), -1);
	cr_expect(strstr(err.text, "is no segment of a disk log") != NULL, "%s", err.text);
	cr_expect_eq(journal_scan("notes.txt", 0, NULL, NULL, &found, &err), -1);
	cr_assert_eq(journal_scan_list(fixture.scratch.folder, &paths, &n, &err), 0);
	cr_assert_eq(n, 1);
	cr_expect_str_eq(paths[0], fixture.path);
	mem_free(paths[0]);
	mem_free(paths);
	cr_expect_eq(journal_scan_list(path, &paths, &n, &err), -1);
	mem_free(path);
	teardown(&fixture);
}
