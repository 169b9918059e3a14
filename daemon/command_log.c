#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "daemon/command.h"
#include "daemon/line_csv.h"
#include "influx/cursors.h"
#include "influx/journal_scan.h"

enum { EXPORT, OUTPUT, FLAGS };
static const struct command_flag flags[FLAGS] = {
	[EXPORT] = {"export", "lines|csv", false,
		    "write what is in the log to the standard output, as line protocol or as CSV"},
	[OUTPUT] = {"output", "NAME", false, "only what waits for the output of that name"},
};
static const struct command_usage usage = {
	.line = "log [--export=lines|csv] [--output=NAME] FOLDER|FILE",
	.text = "Shows what lies in a disk log, or in one segment file of it: ages, sizes, and how far each output has "
		"come.\n"
		"Changes nothing, and may be used while the daemon runs.",
	.flags = flags,
	.nflags = FLAGS,
	.words_min = 1,
	.words_max = 1,
	.end = "exit code: 0 = all of it can be read, 1 = something is damaged or cannot be read, 2 = wrong use",
};

/* What is being looked at. */
struct view {
	char **paths;
	size_t n;
	struct cursors cursors;
	uint64_t since; /* offset from which on lines are exported */
	bool is_csv;
	bool is_bad;
	struct text rows;
	/* of all segments */
	uint64_t bytes, records, lines, end_line, end_offset;
};

static void complain(struct view *view, const char *text)
{
	fprintf(stderr, "netsonde: log: %s\n", text);
	view->is_bad = true;
}

/* --- export ------------------------------------------------------------------------------------------------------ */

static void put_rows(struct view *view, const struct text *lines)
{
	const char *at = lines->bytes, *end = lines->bytes + lines->length, *feed;

	text_clear(&view->rows);
	for (; at < end && (feed = memchr(at, '\n', (size_t)(end - at))); at = feed + 1)
		if (!line_csv_add(&view->rows, at, (size_t)(feed - at)))
			complain(view, "a line in the log is not line protocol");
	fwrite(view->rows.bytes, 1, view->rows.length, stdout);
}

static void put(void *arg, const struct text *lines)
{
	struct view *view = arg;

	if (view->is_csv)
		put_rows(view, lines);
	else
		fwrite(lines->bytes, 1, lines->length, stdout);
}

static void export_all(struct view *view)
{
	if (view->is_csv)
		fputs(LINE_CSV_HEAD, stdout);
	for (size_t i = 0; i < view->n; i++) {
		struct journal_scan found;
		struct err err = {0};

		if (journal_scan(view->paths[i], view->since, put, view, &found, &err) == -1)
			complain(view, err.text);
		view->is_bad = view->is_bad || found.damaged > 0 || (found.torn_bytes > 0 && i + 1 < view->n);
	}
	if (fflush(stdout) != 0)
		complain(view, "the standard output does not take it");
}

/* --- tables ------------------------------------------------------------------------------------------------------ */

static void print_time(int64_t ns)
{
	time_t seconds = (time_t)(ns / NS_PER_SECOND);
	struct tm utc;
	char stamp[32] = "-";

	if (ns != 0 && gmtime_r(&seconds, &utc))
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &utc);
	printf("  %-20s", stamp);
}

static void print_segment(struct view *view, const char *path, bool is_last)
{
	const char *slash = strrchr(path, '/');
	struct journal_scan found;
	struct err err = {0};

	printf("%-22s", slash ? slash + 1 : path);
	if (journal_scan(path, 0, NULL, NULL, &found, &err) == -1) {
		printf("  cannot be read\n");
		complain(view, err.text);
		return;
	}
	printf("%12" PRIu64 "%10" PRIu64 "%12" PRIu64, found.bytes, found.records, found.lines);
	print_time(found.first_ns);
	print_time(found.last_ns);
	if (found.damaged > 0)
		printf("  DAMAGED in %" PRIu64 " places", found.damaged);
	if (found.torn_bytes > 0)
		printf(is_last ? "  %" PRIu64 " bytes of an unfinished record"
			       : "  DAMAGED: %" PRIu64 " bytes at its end",
		       found.torn_bytes);
	putchar('\n');
	view->is_bad = view->is_bad || found.damaged > 0 || (found.torn_bytes > 0 && !is_last);
	view->bytes += found.bytes;
	view->records += found.records;
	view->lines += found.lines;
	view->end_line = found.end.line;
	view->end_offset = found.end.offset;
}

static void print_segments(struct view *view)
{
	printf("%-22s%12s%10s%12s  %-20s  %-20s\n", "segment", "bytes", "records", "lines", "from", "to");
	for (size_t i = 0; i < view->n; i++)
		print_segment(view, view->paths[i], i + 1 == view->n);
	printf("%-22s%12" PRIu64 "%10" PRIu64 "%12" PRIu64 "\n", "all", view->bytes, view->records, view->lines);
}

/* When the oldest line from an offset on was made; 0 = there is none. */
static int64_t find_oldest(const struct view *view, uint64_t offset)
{
	for (size_t i = 0; i < view->n; i++) {
		struct journal_scan found;
		struct err err = {0};

		if (journal_scan(view->paths[i], offset, NULL, NULL, &found, &err) == 0 && found.first_since_ns != 0)
			return found.first_since_ns;
	}
	return 0;
}

static void print_cursor(const struct view *view, const struct cursor *cursor)
{
	uint64_t lines = view->end_line > cursor->position.line ? view->end_line - cursor->position.line : 0;
	uint64_t bytes = view->end_offset > cursor->position.offset ? view->end_offset - cursor->position.offset : 0;
	int64_t oldest_ns = lines > 0 ? find_oldest(view, cursor->position.offset) : 0;

	printf("%-22s%12" PRIu64 "%12" PRIu64, cursor->name, lines, bytes);
	if (oldest_ns != 0)
		printf("  %.0f s", clock_seconds(clock_realtime_ns() - oldest_ns));
	putchar('\n');
}

static void print_cursors(const struct view *view)
{
	if (view->cursors.n == 0)
		return;
	printf("\n%-22s%12s%12s  %s\n", "waits for output", "lines", "bytes", "age of the oldest");
	for (size_t i = 0; i < view->cursors.n; i++)
		print_cursor(view, &view->cursors.items[i]);
}

/* --- the command ------------------------------------------------------------------------------------------------- */

static int open_view(struct view *view, const char *path, struct err *err)
{
	struct stat status;

	if (stat(path, &status) == -1)
		return err_set_errno(err, "%s", path);
	if (!S_ISDIR(status.st_mode)) {
		view->paths = mem_zero(1, sizeof(char *));
		view->paths[view->n++] = mem_copy_string(path);
		return 0;
	}
	if (journal_scan_list(path, &view->paths, &view->n, err) == -1)
		return -1;
	return cursors_read(&view->cursors, path, err);
}

static void close_view(struct view *view)
{
	for (size_t i = 0; i < view->n; i++)
		mem_free(view->paths[i]);
	mem_free(view->paths);
	cursors_free(&view->cursors);
	text_free(&view->rows);
}

static void show(struct view *view, const char *export)
{
	if (export) {
		export_all(view);
		return;
	}
	print_segments(view);
	print_cursors(view);
}

int command_log(int argc, char **argv)
{
	struct view view = {0};
	struct command_line line;
	struct err err = {0};
	int result = command_parse(&usage, &line, argc, argv);
	const char *export, *output;

	if (result != -1)
		return result;
	export = line.values[EXPORT];
	output = line.values[OUTPUT];
	if (export && strcmp(export, "lines") != 0 && strcmp(export, "csv") != 0)
		return command_refuse("log", "--export must be lines or csv");
	if (output && !export)
		return command_refuse("log", "--output goes with --export");
	view.is_csv = export && strcmp(export, "csv") == 0;
	if (open_view(&view, line.words[0], &err) == -1)
		complain(&view, err.text);
	if (output && !cursors_find(&view.cursors, output)) {
		close_view(&view);
		return command_refuse("log", "no output \"%s\" has a cursor in this log", output);
	}
	if (output)
		view.since = cursors_find(&view.cursors, output)->position.offset;
	show(&view, export);
	result = view.is_bad ? COMMAND_FAILED : COMMAND_OK;
	close_view(&view);
	return result;
}
