/*
 * Several workers, each with a loop and a port of its own, hand lines over while the influx thread writes them to two
 * files, one that is rotated by size and one that this program keeps renaming, and while somebody reads the figures.
 * Afterwards each line that was handed over must be in each output exactly once and whole. For ThreadSanitizer.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "influx/influx.h"
#include "influx/line.h"

#define WORKERS          4
#define LINES_PER_WORKER 40000
#define LINES_AT_ONCE    200
#define LINE_SIZE        256

struct worker {
	unsigned number;
	struct influx *influx;
	struct loop *loop;
	struct influx_port *port;
	struct line_tags tags;
	struct alarm alarm;
	pthread_t thread;
	unsigned next;
	bool was_added[LINES_PER_WORKER];
	unsigned nadded;
	unsigned times_found[LINES_PER_WORKER];
};

struct run {
	char folder[64];
	char *rotated, *renamed, *log;
	struct influx *influx;
	struct worker workers[WORKERS];
	unsigned failures;
};

static void fail(struct run *run, const char *what, const char *detail)
{
	if (run->failures++ < 20)
		fprintf(stderr, "%s: %s\n", what, detail);
}

/* --- workers ------------------------------------------------------------------------------------------------- */

enum { NUMBER, PADDING };
static const struct measure measures[] = {{"number", MEASURE_INTEGER, ""}, {"padding", MEASURE_TEXT, ""}};
static const struct measure_set set = {.name = "threads", .measures = measures, .n = 2};

/* Lines of many lengths. */
static const char *padding_of(unsigned number)
{
	static const char longest[] = "0123456789012345678901234567890123456789012345678901234567890123456789";
	return &longest[number % (sizeof(longest) - 1)];
}

/* Every other line the short way, every other one as a sample. */
static bool add_line(struct worker *worker, unsigned number)
{
	struct reading readings[] = {reading_integer(NUMBER, number), reading_text(PADDING, padding_of(number))};
	struct row row = {&set, NULL, 0, readings, 2};
	if (number % 2 == 0) {
		struct sample sample = {.reason = REASON_OK, .begun_realtime_ns = 1, .rows = &row, .nrows = 1};
		return influx_port_add_sample(worker->port, &worker->tags, &sample, "x") == 1;
	}
	struct text *text = influx_port_buffer(worker->port);
	if (text == NULL) {
		influx_port_lost(worker->port, 1);
		return false;
	}
	influx_port_added(worker->port, (unsigned)line_format(text, &worker->tags, &row, NULL, 1));
	return true;
}

static void ring(void *arg)
{
	struct worker *worker = arg;
	for (unsigned i = 0; i < LINES_AT_ONCE && worker->next < LINES_PER_WORKER; i++, worker->next++) {
		worker->was_added[worker->next] = add_line(worker, worker->next);
		worker->nadded += worker->was_added[worker->next];
	}
	if (worker->next == LINES_PER_WORKER)
		loop_stop(worker->loop);
	else
		alarm_set(worker->loop, &worker->alarm, clock_monotonic_ns() + NS_PER_MS);
}

static void *run_worker(void *arg)
{
	struct worker *worker = arg;
	struct err err = {0};
	worker->port = influx_port_open(worker->influx, worker->loop);
	alarm_prepare(&worker->alarm, ring, worker);
	alarm_set(worker->loop, &worker->alarm, clock_monotonic_ns());
	if (loop_run(worker->loop, &err) != 0)
		abort();
	influx_port_close(worker->port);
	return NULL;
}

static void start_worker(struct run *run, unsigned number)
{
	struct worker *worker = &run->workers[number];
	struct err err = {0};
	char text[8];
	snprintf(text, sizeof(text), "%u", number);
	worker->number = number;
	worker->influx = run->influx;
	worker->loop = loop_create(NS_PER_MS, &err);
	line_tags_make(&worker->tags, &(struct label){"worker", text}, 1);
	if (worker->loop == NULL || pthread_create(&worker->thread, NULL, run_worker, worker) != 0)
		abort();
}

static void end_worker(struct worker *worker)
{
	pthread_join(worker->thread, NULL);
	line_tags_free(&worker->tags);
	loop_free(worker->loop);
}

/* --- meanwhile ----------------------------------------------------------------------------------------------- */

static void note_lines(void *arg, const struct measure_set *of, const char *name, const struct reading *readings,
		       size_t n)
{
	int64_t *lines = arg;
	(void)of;
	(void)n;
	if (name != NULL && strcmp(name, "renamed") == 0)
		*lines = readings[0].value.integer;
}

static void describe_files(const struct run *run, struct influx_settings files[2])
{
	static char rotated[] = "rotated", renamed[] = "renamed";
	files[0] =
		(struct influx_settings){.name = rotated, .path = run->rotated, .rotate_bytes = 1 << 20, .keep = 1000};
	files[1] = (struct influx_settings){.name = renamed, .path = run->renamed};
}

/* How many lines the second output has written; everything else is read too. */
static int64_t read_figures(const struct run *run)
{
	int64_t lines = 0;
	influx_read(run->influx, note_lines, &lines);
	return lines;
}

/* A server that nobody answers for comes and goes: its lines go through the disk log and nowhere. */
static void change_outputs(struct run *run, bool has_server)
{
	struct influx_log_settings log = {.path = run->log,
					  .segment_bytes = 1 << 20,
					  .sync_interval_ns = NS_PER_MS,
					  .sync = 1,
					  .rejected_bytes = 1 << 20};
	struct influx_settings server = {0};
	struct influx_settings files[2];
	const struct influx_settings *const settings[] = {&files[0], &files[1], &server};
	struct err err = {0};
	option_set_defaults(influx_options, influx_noptions, &server);
	option_set_text(option_find(influx_options, influx_noptions, "name"), &server, "server", &err);
	option_set_text(option_find(influx_options, influx_noptions, "url"), &server, "http://127.0.0.1:1", &err);
	option_set_text(option_find(influx_options, influx_noptions, "database"), &server, "d", &err);
	describe_files(run, files);
	struct influx_change *change = influx_prepare(run->influx, settings, has_server ? 3 : 2, &log, &err);
	if (change == NULL)
		fail(run, "influx_prepare", err.text);
	else
		influx_apply(change);
	option_free(influx_options, influx_noptions, &server);
}

/* Renames the second file again and again until it has so many lines. */
static void disturb(struct run *run, int64_t lines)
{
	for (unsigned i = 0; read_figures(run) < lines; i++) {
		char *moved = mem_format("%s.moved%u", run->renamed, i);
		if (access(run->renamed, F_OK) == 0 && rename(run->renamed, moved) != 0)
			fail(run, "rename", moved);
		mem_free(moved);
		if (!influx_is_changing(run->influx))
			change_outputs(run, i % 2 == 0);
		usleep(20000);
	}
}

/* --- afterwards ---------------------------------------------------------------------------------------------- */

static void check_line(struct run *run, const char *line)
{
	char wanted[LINE_SIZE];
	unsigned worker, number;
	const char *field = strstr(line, "number=");
	if (sscanf(line, "threads,worker=%u ", &worker) != 1 || field == NULL ||
	    sscanf(field, "number=%u", &number) != 1 || worker >= WORKERS || number >= LINES_PER_WORKER) {
		fail(run, "not a line of ours", line);
		return;
	}
	const char *own = "success=1i,reason=\"ok\",duration_seconds=0,run=0i,boot=\"x\",";
	snprintf(wanted, sizeof(wanted), "threads,worker=%u %snumber=%ui,padding=\"%s\" 1\n", worker,
		 number % 2 == 0 ? own : "", number, padding_of(number));
	if (strcmp(line, wanted) != 0)
		fail(run, "torn", line);
	run->workers[worker].times_found[number]++;
}

static void check_file(struct run *run, const char *name)
{
	char line[LINE_SIZE];
	char *path = mem_format("%s/%s", run->folder, name);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		fail(run, "open", path);
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		check_line(run, line);
	if (file != NULL)
		fclose(file);
	unlink(path);
	mem_free(path);
}

/* All files whose names begin with that of an output. */
static void check_output(struct run *run, const char *path)
{
	const char *prefix = strrchr(path, '/') + 1;
	DIR *folder = opendir(run->folder);
	struct dirent *entry;
	unsigned files = 0;
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		check_file(run, entry->d_name);
		files++;
	}
	if (folder != NULL)
		closedir(folder);
	if (files < 2)
		fail(run, "only one file", path);
	for (unsigned i = 0; i < WORKERS; i++) {
		struct worker *worker = &run->workers[i];
		for (unsigned n = 0; n < LINES_PER_WORKER; n++)
			if (worker->times_found[n] != worker->was_added[n])
				fail(run, worker->times_found[n] > 1 ? "twice" : "missing", path);
		memset(worker->times_found, 0, sizeof(worker->times_found));
	}
}

static struct influx *create(const struct run *run)
{
	struct influx_settings files[2];
	const struct influx_settings *const settings[] = {&files[0], &files[1]};
	describe_files(run, files);
	struct err err = {0};
	struct influx *influx = influx_create(settings, 2, NULL, &err);
	if (influx == NULL || influx_start(influx, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	return influx;
}

int main(void)
{
	struct run *run = mem_zero(1, sizeof(*run));
	int64_t lines = 0;
	strcpy(run->folder, "/tmp/netsonde-threads-XXXXXX");
	if (mkdtemp(run->folder) == NULL)
		return 1;
	run->rotated = mem_format("%s/rotated", run->folder);
	run->renamed = mem_format("%s/renamed", run->folder);
	run->log = mem_format("%s/log", run->folder);
	run->influx = create(run);
	for (unsigned i = 0; i < WORKERS; i++)
		start_worker(run, i);
	disturb(run, (int64_t)WORKERS * LINES_PER_WORKER / 2);
	for (unsigned i = 0; i < WORKERS; i++) {
		end_worker(&run->workers[i]);
		lines += run->workers[i].nadded;
	}
	influx_stop(run->influx, 60 * NS_PER_SECOND);
	if (read_figures(run) != lines)
		fail(run, "lines_written_total", "is not the number of lines handed over");
	check_output(run, run->rotated);
	check_output(run, run->renamed);
	influx_free(run->influx);
	char *command = mem_format("rm -rf %s", run->folder);
	if (system(command) != 0)
		fail(run, "cannot be removed", run->folder);
	mem_free(command);
	printf("%lld of %d lines, %u failures\n", (long long)lines, WORKERS * LINES_PER_WORKER, run->failures);
	int status = run->failures == 0 && lines > 0 ? 0 : 1;
	mem_free(run->rotated);
	mem_free(run->renamed);
	mem_free(run->log);
	mem_free(run);
	return status;
}
