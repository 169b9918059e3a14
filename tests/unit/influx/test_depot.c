#include <criterion/criterion.h>
#include <sys/inotify.h>

#include "core/fetch.h"
#include "core/loop.h"
#include "influx/internal.h"
#include "scratch.h"

#define SEGMENT_BYTES 4096

struct fixture {
	struct scratch scratch;
	char *cursors;
	struct influx_log_settings settings;
	struct depot *depot;
	/* one output, a server that nothing is sent to */
	struct loop *loop;
	struct fetcher *fetcher;
	struct influx_settings server;
	struct output output;
	struct output *items[1];
	struct output_list outputs;
};

static struct fixture *setup(void)
{
	static char name[] = "main", url[] = "http://127.0.0.1:1", database[] = "d";
	struct fixture *fixture = mem_zero(1, sizeof(*fixture));
	fixture->scratch = scratch_make();
	fixture->cursors = scratch_path(&fixture->scratch, CURSORS_FILE);
	fixture->settings = (struct influx_log_settings){.path = fixture->scratch.folder,
							 .segment_bytes = SEGMENT_BYTES,
							 .sync = JOURNAL_SYNC_NEVER,
							 .rejected_bytes = 1 << 20};
	fixture->server = (struct influx_settings){
		.name = name, .url = url, .database = database, .batch_lines = 1000, .batch_bytes = 65536};
	fixture->loop = loop_create(0, NULL);
	fixture->fetcher = fetcher_create(fixture->loop, 1, NULL);
	fixture->output.settings = &fixture->server;
	fixture->items[0] = &fixture->output;
	fixture->outputs = (struct output_list){fixture->items, 1};
	return fixture;
}

static void open_depot(struct fixture *fixture)
{
	struct err err = {0};
	fixture->depot = depot_open(&fixture->settings, &err);
	cr_assert_not_null(fixture->depot, "%s", err.text);
}

/* The output has come that far. */
static void put_sender(struct fixture *fixture, struct journal_position at)
{
	struct sender_plan plan = {
		.settings = &fixture->server,
		.loop = fixture->loop,
		.fetcher = fixture->fetcher,
		.journal = fixture->depot->journal,
		.reject = &fixture->depot->reject,
		.figures = &fixture->output.figures,
	};
	sender_free(fixture->output.sender);
	fixture->output.sender = sender_create(&plan, at);
}

static void close_depot(struct fixture *fixture)
{
	sender_free(fixture->output.sender);
	fixture->output.sender = NULL;
	depot_close(fixture->depot);
	fixture->depot = NULL;
}

static void teardown(struct fixture *fixture)
{
	close_depot(fixture);
	fetcher_free(fixture->fetcher);
	loop_free(fixture->loop);
	scratch_remove(&fixture->scratch);
	mem_free(fixture->cursors);
	mem_free(fixture);
}

static void append(struct fixture *fixture, unsigned records)
{
	static const char lines[] = "a line that is long enough\nanother one\n";
	for (unsigned i = 0; i < records; i++)
		cr_assert_eq(journal_append(fixture->depot->journal, lines, strlen(lines), 2, 1, false), 0);
}

static void expect_saved(const struct fixture *fixture, struct journal_position at)
{
	char *expected = mem_format("netsonde cursors 1\n%llu %llu main\nend\n", (unsigned long long)at.offset,
				    (unsigned long long)at.line);
	scratch_expect(fixture->cursors, "", expected);
	mem_free(expected);
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* An error of reading is not the same as no cursors: everything would be sent again, and nobody would know. */
Test(depot, cursors_that_cannot_be_read)
{
	struct fixture *fixture = setup();
	struct err err = {0};
	cr_assert_eq(mkdir(fixture->cursors, 0700), 0);
	cr_expect_null(depot_open(&fixture->settings, &err));
	char *expected = mem_format("disk log: %s: Is a directory", fixture->cursors);
	cr_expect(strncmp(err.text, expected, strlen(expected)) == 0, "%s", err.text);
	mem_free(expected);
	teardown(fixture);
}

/* A power failure may leave half a file, or an empty one: then all that is there is sent again. */
Test(depot, cursors_that_are_damaged)
{
	static const char *const files[] = {"", "netsonde cursors 1\n100 7 main\n", "netsonde cursors 1\n9 main\nend\n",
					    "netsonde cursors 1\n9999999999999999999 7 main\nend\n",
					    "netsonde cursors 1\n7 9999999999999999999 main\nend\n"};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct fixture *fixture = setup();
		open_depot(fixture);
		append(fixture, 3);
		close_depot(fixture);
		scratch_write(fixture->cursors, files[i]);
		open_depot(fixture);
		cr_expect_eq(depot_position(fixture->depot, "main").line, 0);
		cr_expect_eq(journal_end(fixture->depot->journal).line, 6, "%s", files[i]);
		teardown(fixture);
	}
}

Test(depot, goes_on_where_it_was)
{
	struct fixture *fixture = setup();
	open_depot(fixture);
	append(fixture, 3);
	struct journal_position at = journal_end(fixture->depot->journal);
	append(fixture, 1);
	put_sender(fixture, at);
	depot_save(fixture->depot, &fixture->outputs);
	expect_saved(fixture, at);
	close_depot(fixture);
	open_depot(fixture);
	cr_expect_eq(depot_position(fixture->depot, "main").offset, at.offset);
	cr_expect_eq(depot_position(fixture->depot, "other").offset, 0, "a new one begins with what is there");
	teardown(fixture);
}

/* --- saving ------------------------------------------------------------------------------------------------------- */

/* The names that something happens to in the folder, in order. */
static void next_event(int watch, char *name, size_t size)
{
	static char buffer[4096] __attribute__((aligned(8)));
	static ssize_t length, at;
	if (at == length) {
		length = read(watch, buffer, sizeof(buffer));
		at = 0;
	}
	cr_assert_gt(length, at, "nothing happens");
	const struct inotify_event *event = (const struct inotify_event *)(const void *)(buffer + at);
	snprintf(name, size, "%s", event->name);
	at += (ssize_t)(sizeof(*event) + event->len);
}

/* A kill between the two must not make lines look lost that were delivered: first the cursor is saved, then what it has
 * passed is removed. */
Test(depot, saves_before_it_removes)
{
	struct fixture *fixture = setup();
	char name[256];
	open_depot(fixture);
	append(fixture, 200);
	struct journal_position end = journal_end(fixture->depot->journal);
	put_sender(fixture, end);
	int watch = inotify_init1(IN_NONBLOCK);
	cr_assert_neq(inotify_add_watch(watch, fixture->scratch.folder, IN_MOVED_TO | IN_DELETE), -1);
	depot_save(fixture->depot, &fixture->outputs);
	next_event(watch, name, sizeof(name));
	cr_expect_str_eq(name, CURSORS_FILE);
	next_event(watch, name, sizeof(name));
	cr_expect_str_eq(name, "0000000000000000.log");
	close(watch);
	teardown(fixture);
}

/* An output whose settings change goes on where the one before it was; that this is not news to the depot does not mean
 * that it is on the disk. */
Test(depot, saves_where_the_predecessor_was)
{
	struct fixture *fixture = setup();
	open_depot(fixture);
	append(fixture, 3);
	struct journal_position at = journal_end(fixture->depot->journal);
	put_sender(fixture, journal_begin(fixture->depot->journal));
	depot_save(fixture->depot, &fixture->outputs);
	depot_note(fixture->depot, "main", at);
	put_sender(fixture, depot_position(fixture->depot, "main"));
	depot_save(fixture->depot, &fixture->outputs);
	expect_saved(fixture, at);
	teardown(fixture);
}

/* The folder does not take the file: what was delivered goes nevertheless, or a full disk would stay full. */
Test(depot, a_disk_that_does_not_take_the_cursors)
{
	struct fixture *fixture = setup();
	open_depot(fixture);
	append(fixture, 200);
	put_sender(fixture, journal_end(fixture->depot->journal));
	char *temporary = mem_format("%s.new", fixture->cursors);
	cr_assert_eq(mkdir(temporary, 0700), 0);
	depot_save(fixture->depot, &fixture->outputs);
	cr_expect_neq(journal_begin(fixture->depot->journal).offset, 0);
	cr_assert_eq(rmdir(temporary), 0);
	depot_save(fixture->depot, &fixture->outputs);
	expect_saved(fixture, journal_end(fixture->depot->journal));
	mem_free(temporary);
	teardown(fixture);
}
