#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "daemon/availability_book.h"
#include "daemon/availability_keeper.h"
#include "daemon/availability_record.h"

#define SECOND_MS INT64_C(1000)
#define NOW_MS    INT64_C(1700000000000)

/* --- records ----------------------------------------------------------------------------------------------------- */

static const struct availability_record records[] = {
	{.kind = AVAILABILITY_RECORD_GAP, .at_ms = 1, .to_ms = INT64_MAX},
	{.kind = AVAILABILITY_RECORD_CHANGE, .target = "t", .probe = "p", .change = {NOW_MS, AVAILABILITY_DOWN}},
	{.kind = AVAILABILITY_RECORD_CHANGE,
	 .target = "a b\tc\nd\\e\\n",
	 .probe = "caf\xc3\xa9",
	 .change = {0, AVAILABILITY_UNKNOWN}},
	{.kind = AVAILABILITY_RECORD_HOUR, .target = "t", .probe = "p", .hour = {472222, 1, UINT32_MAX, 3}},
	{.kind = AVAILABILITY_RECORD_LEFT, .target = "t", .probe = "p", .at_ms = NOW_MS},
};
#define RECORDS (sizeof(records) / sizeof(records[0]))

static void expect_same(const struct availability_record *a, const struct availability_record *b)
{
	cr_assert_eq(a->kind, b->kind);
	cr_assert_eq(a->at_ms, b->at_ms);
	cr_assert_eq(a->to_ms, b->to_ms);
	cr_assert_eq(a->change.at_ms, b->change.at_ms);
	cr_assert_eq(a->change.state, b->change.state);
	cr_assert_eq(memcmp(&a->hour, &b->hour, sizeof(a->hour)), 0);
	cr_assert_eq(a->target == NULL, b->target == NULL);
	if (!a->target)
		return;
	cr_assert_str_eq(a->target, b->target);
	cr_assert_str_eq(a->probe, b->probe);
}

Test(availability_record, comes_back_as_it_was)
{
	for (size_t i = 0; i < RECORDS; i++) {
		struct availability_record read;
		struct text text = {0};

		availability_record_write(&text, &records[i]);
		cr_assert_eq(text.bytes[text.length - 1], '\n');
		cr_assert_null(memchr(text.bytes, '\n', text.length - 1));
		text.length--;
		char *line = text_take(&text);
		cr_assert(availability_record_read(line, &read), "%s", line);
		expect_same(&read, &records[i]);
		mem_free(line);
	}
}

/* Cut anywhere, or with any one byte wrong, a line is no record. */
Test(availability_record, damage_is_noticed)
{
	for (size_t i = 0; i < RECORDS; i++) {
		struct availability_record read;
		struct text text = {0};

		availability_record_write(&text, &records[i]);
		text.length--;
		size_t n = text.length;
		char *line = text_take(&text);
		for (size_t k = 0; k < n; k++) {
			char *cut = strndup(line, k), *wrong = strdup(line);

			cr_expect_not(availability_record_read(cut, &read), "cut at %zu of: %s", k, line);
			wrong[k] ^= 1;
			cr_expect_not(availability_record_read(wrong, &read), "byte %zu of: %s", k, line);
			free(cut);
			free(wrong);
		}
		mem_free(line);
	}
}

/* With a right checksum, but nothing that we write. */
Test(availability_record, nonsense_is_refused)
{
	static const char *const bodies[] = {"",
					     "nothing",
					     "gap 1",
					     "gap 1 2 3",
					     "gap -1 2",
					     "gap 1 99999999999999999999",
					     "change 1 3\tt\tp",
					     "change 1 2",
					     "change 1 2\tt",
					     "change 1 2\tt\t",
					     "change 1 2\t\tp",
					     "change 1 2\tt\tp\tq",
					     "change x 2\tt\tp",
					     "hour 1 2 3\tt\tp",
					     "hour 4294967296 2 3 4\tt\tp",
					     "hour 1 4294967296 3 4\tt\tp",
					     "left\tt\tp",
					     "left 1x\tt\tp"};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct availability_record read;
		char line[128];

		unsigned long sum = crc32_z(crc32_z(0, NULL, 0), (const unsigned char *)bodies[i], strlen(bodies[i]));
		snprintf(line, sizeof(line), "%08lx %s", sum, bodies[i]);
		cr_expect_not(availability_record_read(line, &read), "%s", bodies[i]);
	}
}

Test(availability_record, the_head_has_always_the_same_length)
{
	static const int64_t times[] = {0, 1, NOW_MS, INT64_MAX};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		char head[AVAILABILITY_HEAD_BYTES];
		int64_t alive_ms;

		availability_head_write(head, times[i]);
		cr_assert_eq(head[AVAILABILITY_HEAD_BYTES - 1], '\n');
		cr_assert(availability_head_read(head, sizeof(head), &alive_ms));
		cr_assert_eq(alive_ms, times[i]);
		for (size_t k = 0; k < sizeof(head); k++) {
			head[k] ^= 1;
			cr_expect_not(availability_head_read(head, sizeof(head), &alive_ms), "byte %zu", k);
			head[k] ^= 1;
			cr_expect_not(availability_head_read(head, k, &alive_ms), "cut at %zu", k);
		}
	}
}

/* --- the book ---------------------------------------------------------------------------------------------------- */

static int no_flush(void *arg, struct text *out)
{
	(void)arg;
	(void)out;
	return 0;
}

static void fill(struct availability_book *book, unsigned n)
{
	struct availability_gaps *gaps = availability_book_gaps(book);

	availability_gaps_add(gaps, NOW_MS - 5000, NOW_MS - 4000);
	for (unsigned i = 0; i < n; i++) {
		struct availability_entry entry = {.left_ms = i % 3 == 0 ? NOW_MS : 0};
		char target[16];

		snprintf(target, sizeof(target), "t%u", i);
		for (int k = 0; k < 200 * (int)(i % 2) + 1; k++) {
			const struct availability_change change = {NOW_MS - 1000000 + k * 100,
								   k % 2 ? AVAILABILITY_DOWN : AVAILABILITY_UP};

			availability_restore(&entry.availability, &change, gaps);
		}
		availability_book_give(book, target, "p", &entry);
	}
}

static struct availability_book *read_book(const char *bytes, size_t n, int *result)
{
	struct availability_book *book = availability_book_create();
	FILE *file = fmemopen((void *)(uintptr_t)bytes, n, "r");
	struct err err = {0};
	int64_t alive_ms;

	*result = availability_book_read(book, file, &alive_ms, &err);
	fclose(file);
	return book;
}

Test(availability_book, says_the_same_after_it_was_written)
{
	struct availability_book *book = availability_book_create(), *again;
	struct text text = {0};
	char head[AVAILABILITY_HEAD_BYTES];
	int result;

	fill(book, 1000);
	cr_assert_eq(availability_book_count(book), 1000);
	availability_head_write(head, NOW_MS);
	text_add_bytes(&text, head, sizeof(head));
	cr_assert_eq(availability_book_write(book, &text, no_flush, NULL), 0);
	again = read_book(text.bytes, text.length, &result);
	cr_assert_eq(result, 0);
	cr_assert_eq(availability_book_damaged(again), 0);
	cr_assert_eq(availability_book_count(again), 1000);
	cr_assert_eq(availability_book_gaps(again)->n, 1);
	for (unsigned i = 0; i < 1000; i++) {
		char target[16];

		snprintf(target, sizeof(target), "t%u", i);
		const struct availability_entry *a = availability_book_find(book, target, "p");
		const struct availability_entry *b = availability_book_find(again, target, "p");
		cr_assert_not_null(b);
		cr_assert_eq(a->left_ms, b->left_ms);
		cr_assert_eq(a->availability.state, b->availability.state);
		cr_assert_eq(a->availability.outages, b->availability.outages);
	}
	availability_book_free(book);
	availability_book_free(again);
	text_free(&text);
}

/* A crash leaves a part of the last line; a disk may leave anything. The rest counts. */
Test(availability_book, damaged_lines_are_left_out)
{
	struct availability_book *book = availability_book_create(), *again;
	struct text text = {0};
	char head[AVAILABILITY_HEAD_BYTES];
	int result;

	fill(book, 2);
	availability_head_write(head, NOW_MS);
	text_add_bytes(&text, head, sizeof(head));
	availability_book_write(book, &text, no_flush, NULL);
	again = read_book(text.bytes, text.length - 1, &result);
	cr_assert_eq(result, 0);
	cr_assert_eq(availability_book_damaged(again), 1);
	availability_book_free(again);
	for (size_t i = AVAILABILITY_HEAD_BYTES; i < text.length; i += 7) {
		char before = text.bytes[i];

		text.bytes[i] = (char)(before ^ 0x15);
		again = read_book(text.bytes, text.length, &result);
		cr_expect_eq(result, 0);
		cr_expect_geq(availability_book_damaged(again), 1, "byte %zu", i);
		availability_book_free(again);
		text.bytes[i] = before;
	}
	text.bytes[3] ^= 1;
	again = read_book(text.bytes, text.length, &result);
	cr_assert_eq(result, -1, "it is not our file");
	availability_book_free(again);
	availability_book_free(book);
	text_free(&text);
}

static bool is_even(void *arg, const char *target, const char *probe, struct availability_entry *entry)
{
	(void)arg;
	(void)probe;
	(void)entry;
	return atoi(target + 1) % 2 == 0;
}

Test(availability_book, entries_come_and_go)
{
	struct availability_book *book = availability_book_create();
	struct availability_entry entry;

	fill(book, 600);
	fill(book, 600); /* in the place of those before */
	cr_assert_eq(availability_book_count(book), 600);
	cr_assert_not(availability_book_take(book, "t1", "q", &entry));
	cr_assert(availability_book_take(book, "t1", "p", &entry));
	availability_free(&entry.availability);
	cr_assert_not(availability_book_take(book, "t1", "p", &entry));
	availability_book_sift(book, is_even, NULL);
	cr_assert_eq(availability_book_count(book), 300);
	availability_book_free(book);
	availability_book_free(NULL);
}

/* --- the keeper -------------------------------------------------------------------------------------------------- */

static char folder[] = "/tmp/availability.XXXXXX";

static void make_folder(void)
{
	log_configure(-1, LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
	char command[128];

	snprintf(command, sizeof(command), "chmod -R u+w %s; rm -rf %s", folder, folder);
	cr_assert_eq(system(command), 0);
}

static struct availability_keeper *start(void)
{
	struct availability_keeper *keeper = availability_keeper_open(folder);
	struct err err = {0};

	cr_assert_eq(availability_keeper_start(keeper, &err), 0, "%s", err.text);
	return keeper;
}

static int64_t reading(struct availability_keeper *keeper, const char *name)
{
	struct reading readings[16];
	size_t n = availability_keeper_read(keeper, readings);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(availability_keeper_set.measures[readings[i].measure].name, name) == 0)
			return readings[i].value.integer;
	}
	cr_assert_fail("no %s", name);
	return 0;
}

static void wait_for(struct availability_keeper *keeper, const char *name, int64_t at_least)
{
	for (int i = 0; i < 1000 && reading(keeper, name) < at_least; i++)
		usleep(10000);
	cr_assert_geq(reading(keeper, name), at_least, "%s", name);
}

/* Takes, notes a day of results that ends now, with two outages of an hour. */
static void live_a_day(struct availability_keeper *keeper, const char *target, struct availability *availability)
{
	const struct availability_rules rules = {60 * SECOND_MS, 2, availability_keeper_gaps(keeper)};
	int64_t now_ms = clock_realtime_ns() / NS_PER_MS, begin_ms = now_ms - 24 * 3600 * SECOND_MS;

	availability_keeper_take(keeper, target, "p", &rules, availability);
	for (int i = 0; i < 24 * 60; i++) {
		bool is_down = i / 60 == 3 || i / 60 == 20;
		struct availability_change changes[AVAILABILITY_CHANGES_MAX];
		size_t n = availability_note(availability, &rules, begin_ms + i * rules.interval_ms,
					     is_down ? AVAILABILITY_FAILED : AVAILABILITY_SUCCEEDED, changes);

		availability_keeper_note(keeper, target, "p", changes, n);
	}
}

static void expect_a_day(struct availability_keeper *keeper, const char *target)
{
	const struct availability_rules rules = {60 * SECOND_MS, 2, availability_keeper_gaps(keeper)};
	struct availability availability;
	struct availability_figures figures;

	availability_keeper_take(keeper, target, "p", &rules, &availability);
	figures = availability_read(&availability, rules.gaps, AVAILABILITY_MONTH, clock_realtime_ns() / NS_PER_MS);
	cr_expect_eq(availability.state, AVAILABILITY_UP);
	cr_expect_eq(figures.down_ms, 2 * 3600 * SECOND_MS, "down %lld ms", (long long)figures.down_ms);
	cr_expect_eq(figures.outages, 2);
	cr_expect_geq(figures.known_ms, 23 * 3600 * SECOND_MS);
	availability_free(&availability);
}

Test(availability_keeper, figures_outlive_a_restart, .init = make_folder, .fini = remove_folder)
{
	struct availability a, b;
	struct availability_keeper *keeper = start();

	live_a_day(keeper, "a", &a);
	live_a_day(keeper, "b", &b);
	availability_keeper_give(keeper, "b", "p", &b);
	availability_keeper_free(keeper);
	availability_free(&a);

	for (int i = 0; i < 2; i++) {
		usleep(5000); /* for a gap that can be measured */
		keeper = start();
		wait_for(keeper, "writable", 1);
		cr_expect_eq(reading(keeper, "absent_entries"), 2);
		cr_expect_eq(reading(keeper, "damaged_lines"), 0);
		cr_expect_eq(availability_keeper_gaps(keeper)->n, (size_t)i + 1);
		expect_a_day(keeper, "a");
		expect_a_day(keeper, "b");
		availability_keeper_free(keeper);
	}
}

/* Without a stop: what was written a second before is there. */
Test(availability_keeper, figures_outlive_a_crash, .init = make_folder, .fini = remove_folder)
{
	char command[256];
	struct availability a;
	struct availability_keeper *keeper = start();

	wait_for(keeper, "writable", 1);
	int64_t before = reading(keeper, "bytes");
	live_a_day(keeper, "a", &a);
	wait_for(keeper, "bytes", before + 1);
	/* As a crash would leave it: half a line more. */
	snprintf(command, sizeof(command), "cp %s/availability %s/copy; printf 'torn li' >>%s/copy", folder, folder,
		 folder);
	cr_assert_eq(system(command), 0);
	availability_keeper_free(keeper);
	availability_free(&a);
	snprintf(command, sizeof(command), "mv %s/copy %s/availability", folder, folder);
	cr_assert_eq(system(command), 0);

	keeper = start();
	cr_expect_eq(reading(keeper, "damaged_lines"), 1);
	expect_a_day(keeper, "a");
	availability_keeper_free(keeper);
}

Test(availability_keeper, a_file_of_others_stays_as_it_is, .init = make_folder, .fini = remove_folder)
{
	char path[64], content[32] = "";
	struct availability a;

	snprintf(path, sizeof(path), "%s/availability", folder);
	FILE *file = fopen(path, "w");
	fputs("somebody else's\n", file);
	fclose(file);
	struct availability_keeper *keeper = start();
	live_a_day(keeper, "a", &a);
	availability_keeper_free(keeper);
	availability_free(&a);
	file = fopen(path, "r");
	cr_assert_not_null(fgets(content, sizeof(content), file));
	fclose(file);
	cr_assert_str_eq(content, "somebody else's\n");
}

/* Nothing is lost to the figures in memory, and a folder that comes later is used. */
Test(availability_keeper, waits_for_a_folder_that_is_not_there, .init = make_folder, .fini = remove_folder)
{
	char path[64];
	struct availability a;

	snprintf(path, sizeof(path), "%s/above/later", folder);
	struct availability_keeper *keeper = availability_keeper_open(path);
	struct err err = {0};
	cr_assert_eq(availability_keeper_start(keeper, &err), 0);
	live_a_day(keeper, "a", &a);
	cr_expect_eq(reading(keeper, "writable"), 0);
	*strrchr(path, '/') = '\0';
	cr_assert_eq(mkdir(path, 0755), 0);
	path[strlen(path)] = '/';
	wait_for(keeper, "writable", 1);
	availability_keeper_free(keeper);
	availability_free(&a);
	keeper = availability_keeper_open(path);
	expect_a_day(keeper, "a");
	availability_keeper_free(keeper);
}

Test(availability_keeper, two_do_not_share_a_file, .init = make_folder, .fini = remove_folder)
{
	struct availability a;
	struct availability_keeper *first = start(), *second;

	wait_for(first, "writable", 1);
	second = start();
	live_a_day(second, "a", &a);
	usleep(1500000);
	cr_expect_eq(reading(second, "writable"), 0);
	availability_keeper_free(first);
	wait_for(second, "writable", 1);
	availability_keeper_free(second);
	availability_free(&a);
}

Test(availability_keeper, keeps_nothing_without_a_folder)
{
	struct availability_keeper *keeper = availability_keeper_open(NULL);
	struct err err = {0};
	struct availability a;

	cr_assert_eq(availability_keeper_start(keeper, &err), 0);
	live_a_day(keeper, "a", &a);
	availability_keeper_give(keeper, "a", "p", &a);
	cr_expect_null(a.past);
	/* but who comes back in the same life finds it */
	expect_a_day(keeper, "a");
	availability_keeper_free(keeper);
	availability_keeper_free(NULL);
}
