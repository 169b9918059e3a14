#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "influx/internal.h"

/* --- a list of outputs -------------------------------------------------------------------------------------------- */

static int add_output(struct output_list *list, const struct influx_settings *settings, struct err *err)
{
	struct output *output = output_open(settings, err);
	if (output == NULL)
		return -1;
	list->items[list->n++] = output;
	for (size_t i = 0; i + 1 < list->n; i++)
		if (output_check_pair(list->items[i], output, err) != 0)
			return -1;
	return 0;
}

int output_list_open(struct output_list *list, const struct influx_settings *const *settings, size_t n, struct err *err)
{
	list->items = mem_zero(n, sizeof(struct output *));
	for (size_t i = 0; i < n; i++) {
		if (add_output(list, settings[i], err) == 0)
			continue;
		output_list_close(list);
		return -1;
	}
	return 0;
}

void output_list_close(struct output_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		output_close(list->items[i]);
	mem_free(list->items);
	*list = (struct output_list){0};
}

bool output_list_has_server(const struct output_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (output_is_server(list->items[i]))
			return true;
	return false;
}

/* --- the disk log ------------------------------------------------------------------------------------------------- */

/* No cursor may be ahead of what is appended next. */
static struct journal_position highest(const struct cursors *cursors)
{
	struct journal_position highest = {0};
	for (size_t i = 0; i < cursors->n; i++) {
		if (cursors->items[i].position.offset > highest.offset)
			highest.offset = cursors->items[i].position.offset;
		if (cursors->items[i].position.line > highest.line)
			highest.line = cursors->items[i].position.line;
	}
	return highest;
}

/* A file that is damaged (a power failure) costs repeats, which change nothing; one that cannot be read now may say
 * something else later. */
static int read_cursors(struct depot *depot, struct err *err)
{
	struct err why = {0};
	int result = cursors_read(&depot->cursors, depot->settings->path, &why);
	if (result == -1)
		return err_set(err, "%s; if you remove the file, all that is in the log is sent again", why.text);
	if (result == 1)
		log_event(LOG_LEVEL_WARN, "disk log", depot->settings->path,
			  "%s; all that is there will be sent again, which changes nothing", why.text);
	return 0;
}

struct depot *depot_open(const struct influx_log_settings *settings, struct err *err)
{
	struct depot *depot = mem_zero(1, sizeof(*depot));
	struct journal_plan plan = {
		.folder = settings->path,
		.segment_bytes = settings->segment_bytes,
		.sync = (enum journal_sync)settings->sync,
		.sync_interval_ns = settings->sync_interval_ns,
	};
	depot->settings = option_copy_settings(influx_log_options, influx_log_noptions, sizeof(*settings), settings);
	reject_prepare(&depot->reject, depot->settings->path, settings->rejected_bytes);
	if (read_cursors(depot, err) == 0)
		depot->journal = journal_open(&plan, highest(&depot->cursors), err);
	if (depot->journal != NULL)
		return depot;
	err_prefix(err, "disk log");
	depot_close(depot);
	return NULL;
}

void depot_close(struct depot *depot)
{
	if (depot == NULL)
		return;
	uint64_t lost = journal_close(depot->journal);
	if (lost > 0)
		log_event(LOG_LEVEL_ERROR, "disk log", depot->settings->path,
			  "%llu lines are lost: the disk did not take them", (unsigned long long)lost);
	reject_close(&depot->reject);
	cursors_free(&depot->cursors);
	option_free_settings(influx_log_options, influx_log_noptions, depot->settings);
	mem_free(depot);
}

struct journal_position depot_position(const struct depot *depot, const char *name)
{
	const struct cursor *cursor = cursors_find(&depot->cursors, name);
	return cursor != NULL ? cursor->position : journal_begin(depot->journal);
}

void depot_note(struct depot *depot, const char *name, struct journal_position position)
{
	cursors_set(&depot->cursors, name, position);
	depot->is_noted = true;
}

static bool cursors_differ(const struct cursors *a, const struct cursors *b)
{
	if (a->n != b->n)
		return true;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->items[i].name, b->items[i].name) != 0 ||
		    a->items[i].position.offset != b->items[i].position.offset)
			return true;
	return false;
}

/* The place up to which nobody needs the log any more. */
static struct journal_position least_of(const struct depot *depot, const struct cursors *cursors)
{
	struct journal_position least = journal_end(depot->journal);
	for (size_t i = 0; i < cursors->n; i++)
		if (cursors->items[i].position.offset < least.offset)
			least = cursors->items[i].position;
	return least;
}

/* What could not be saved is tried again the next time. */
static void save_cursors(struct depot *depot, struct cursors *cursors)
{
	struct err err = {0};
	if (cursors_write(cursors, depot->settings->path, &err) != 0) {
		log_fault_begin(&depot->fault, "disk log", depot->settings->path,
				"%s; after a restart some lines are sent again, which changes nothing", err.text);
		return;
	}
	struct cursors before = depot->cursors;
	depot->cursors = *cursors;
	depot->is_noted = false;
	*cursors = before;
	log_fault_end(&depot->fault, "disk log", depot->settings->path);
}

void depot_save(struct depot *depot, const struct output_list *outputs)
{
	struct cursors cursors = {0};
	for (size_t i = 0; i < outputs->n; i++)
		if (outputs->items[i]->sender != NULL)
			cursors_set(&cursors, outputs->items[i]->settings->name,
				    sender_cursor(outputs->items[i]->sender));
	struct journal_position least = least_of(depot, &cursors);
	bool is_needed = cursors.n > 0;
	/* In this order: killed in between, we must not find cursors at lines that were delivered and are gone. */
	if (depot->is_noted || cursors_differ(&cursors, &depot->cursors))
		save_cursors(depot, &cursors);
	if (is_needed)
		journal_trim(depot->journal, least);
	cursors_free(&cursors);
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

enum {
	LOG_BYTES,
	LOG_SEGMENTS,
	LOG_MEMORY_BYTES,
	LOG_WRITTEN_LINES,
	LOG_WRITTEN_BYTES,
	LOG_FORGOTTEN_LINES,
	LOG_WRITE_ERRORS,
	LOG_DAMAGED,
	LOG_SYNCS,
	LOG_SYNC_ERRORS,
	LOG_UNSYNCED_AGE,
	LOG_FIGURES
};

static const struct measure log_measures[LOG_FIGURES] = {
	[LOG_BYTES] = {"bytes", MEASURE_INTEGER, "Space that the disk log takes now"},
	[LOG_SEGMENTS] = {"segments", MEASURE_INTEGER, "Files of the disk log"},
	[LOG_MEMORY_BYTES] = {"memory_bytes", MEASURE_INTEGER,
			      "Lines held in memory because the disk has not taken them"},
	[LOG_WRITTEN_LINES] = {"lines_written_total", MEASURE_COUNTER, "Lines written to the disk log"},
	[LOG_WRITTEN_BYTES] = {"written_bytes_total", MEASURE_COUNTER, "Bytes written to the disk log"},
	[LOG_FORGOTTEN_LINES] = {"lines_forgotten_total", MEASURE_COUNTER,
				 "Lines that the disk did not take and that the memory for them could not hold"},
	[LOG_WRITE_ERRORS] = {"write_errors_total", MEASURE_COUNTER, "Attempts to write to the disk log that failed"},
	[LOG_DAMAGED] = {"damaged_total", MEASURE_COUNTER, "Places of the disk log that could not be read"},
	[LOG_SYNCS] = {"syncs_total", MEASURE_COUNTER, "Times that the disk log was forced out to the disk"},
	[LOG_SYNC_ERRORS] = {"sync_errors_total", MEASURE_COUNTER, "Times that forcing it out failed"},
	[LOG_UNSYNCED_AGE] = {"unsynced_age_seconds", MEASURE_GAUGE,
			      "For how long something has been waiting to be forced out to the disk"},
};
const struct measure_set influx_log_set = {
	.name = "disk_log",
	.measures = log_measures,
	.n = LOG_FIGURES,
	.help = "The disk log, where lines wait until every server has them",
};

size_t depot_read(const struct depot *depot, struct reading *readings)
{
	struct journal_figures figures;
	journal_read_figures(depot->journal, &figures);
	const uint64_t values[LOG_UNSYNCED_AGE] = {
		[LOG_BYTES] = figures.bytes,
		[LOG_SEGMENTS] = figures.segments,
		[LOG_MEMORY_BYTES] = figures.memory_bytes,
		[LOG_WRITTEN_LINES] = figures.written_lines,
		[LOG_WRITTEN_BYTES] = figures.written_bytes,
		[LOG_FORGOTTEN_LINES] = figures.forgotten_lines,
		[LOG_WRITE_ERRORS] = figures.write_errors,
		[LOG_DAMAGED] = figures.damaged,
		[LOG_SYNCS] = figures.syncs,
		[LOG_SYNC_ERRORS] = figures.sync_errors,
	};
	for (unsigned i = 0; i < LOG_UNSYNCED_AGE; i++)
		readings[i] = reading_integer(i, (int64_t)values[i]);
	double age = figures.unsynced_ns != 0 ? clock_seconds(clock_monotonic_ns() - figures.unsynced_ns) : 0;
	readings[LOG_UNSYNCED_AGE] = reading_number(LOG_UNSYNCED_AGE, age > 0 ? age : 0);
	return LOG_FIGURES;
}
