#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "daemon/batch.h"
#include "daemon/own.h"
#include "daemon/worker.h"
#include "exporter/series.h"
#include "influx/influx.h"

static const struct label agent_labels[] = {{"agent", "fra1"}, {"site", "lab"}};

struct house {
	char folder[32], path[64];
	struct series_store *store;
	struct worker *workers[2];
	struct influx_settings settings;
	struct influx *influx;
	struct own *own;
	struct err err;
};

static void build(struct house *house)
{
	const struct influx_settings *settings = &house->settings;
	struct worker_plan worker = {.agent_labels = agent_labels, .nagent_labels = 2, .boot = "b"};
	struct own_plan plan = {.max_series = 5000, .nworkers = 2, .agent_labels = agent_labels, .nagent_labels = 2};

	memset(house, 0, sizeof(*house));
	strcpy(house->folder, "/tmp/own.XXXXXX");
	cr_assert_not_null(mkdtemp(house->folder));
	snprintf(house->path, sizeof(house->path), "%s/lines", house->folder);
	house->settings.name = (char *)"main";
	house->settings.path = house->path;
	house->store = series_store_create(2, 5000);
	worker.store = house->store;
	worker.resolver = "127.0.0.1:9";
	for (unsigned i = 0; i < 2; i++) {
		worker.index = i;
		house->workers[i] = worker_create(&worker, &house->err);
		cr_assert_not_null(house->workers[i], "%s", house->err.text);
	}
	house->influx = influx_create(&settings, 1, NULL, &house->err);
	cr_assert_not_null(house->influx, "%s", house->err.text);
	cr_assert_eq(influx_start(house->influx, &house->err), 0);
	plan.store = house->store;
	plan.influx = house->influx;
	plan.workers = house->workers;
	house->own = own_create(&plan);
}

static char *tear_down(struct house *house)
{
	char *content = NULL;
	size_t n = 0;
	FILE *file;

	own_free(house->own);
	influx_stop(house->influx, 30 * NS_PER_SECOND);
	influx_free(house->influx);
	worker_free(house->workers[1]);
	worker_free(house->workers[0]);
	series_store_free(house->store);
	file = fopen(house->path, "r");
	if (!file || getdelim(&content, &n, '\0', file) == -1) {
		free(content);
		content = strdup("");
	}
	if (file)
		fclose(file);
	unlink(house->path);
	rmdir(house->folder);
	return content;
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

struct wanted {
	const char *set, *measure, *label; /* label NULL = none */
	bool is_found;
	struct reading reading;
	char text[64];
};

static void look(void *arg, const struct row *row)
{
	struct wanted *wanted = arg;
	const char *label = row->nlabels > 0 ? row->labels[0].value : NULL;

	if (strcmp(row->set->name, wanted->set) != 0)
		return;
	if (wanted->label && (!label || strcmp(label, wanted->label) != 0))
		return;
	for (size_t i = 0; i < row->n; i++) {
		if (strcmp(row->set->measures[row->readings[i].measure].name, wanted->measure) != 0)
			continue;
		cr_expect_not(wanted->is_found, "%s %s is there twice", wanted->set, wanted->measure);
		wanted->is_found = true;
		wanted->reading = row->readings[i];
		snprintf(wanted->text, sizeof(wanted->text), "%s", label ? label : "");
	}
}

static struct reading find(const struct house *house, const char *set, const char *measure, const char *label)
{
	struct wanted wanted = {.set = set, .measure = measure, .label = label};

	own_read(house->own, look, &wanted);
	cr_assert(wanted.is_found, "%s %s %s", set, measure, label ? label : "");
	return wanted.reading;
}

Test(own, tells_of_the_process)
{
	struct house house;

	build(&house);
	cr_expect_gt(find(&house, "process", "cpu_seconds_total", NULL).value.integer, 0);
	cr_expect_gt(find(&house, "process", "resident_memory_bytes", NULL).value.integer, 1024 * 1024);
	cr_expect_gt(find(&house, "process", "open_fds", NULL).value.integer, 3);
	cr_expect_geq(find(&house, "process", "max_fds", NULL).value.integer,
		      find(&house, "process", "open_fds", NULL).value.integer);
	cr_expect_gt(find(&house, "process", "start_time_seconds", NULL).value.number, 1.6e9);
	cr_expect_geq(find(&house, "process", "threads", NULL).value.integer, 2);
	find(&house, "build", "info", NETSONDE_VERSION);
	free(tear_down(&house));
}

Test(own, counts_descriptors_exactly)
{
	struct house house;
	int64_t before;
	int descriptor;

	build(&house);
	before = find(&house, "process", "open_fds", NULL).value.integer;
	descriptor = dup(2);
	cr_expect_eq(find(&house, "process", "open_fds", NULL).value.integer, before + 1);
	close(descriptor);
	cr_expect_eq(find(&house, "process", "open_fds", NULL).value.integer, before);
	free(tear_down(&house));
}

Test(own, tells_of_the_configuration)
{
	struct house house;
	double accepted;

	build(&house);
	cr_expect_eq(find(&house, "config", "last_reload_successful", NULL).value.integer, 0);
	own_note_accepted(house.own, 10, 30);
	cr_expect_eq(find(&house, "config", "last_reload_successful", NULL).value.integer, 1);
	cr_expect_eq(find(&house, "config", "targets", NULL).value.integer, 10);
	cr_expect_eq(find(&house, "config", "probes", NULL).value.integer, 30);
	accepted = find(&house, "config", "last_reload_success_timestamp_seconds", NULL).value.number;
	cr_expect_gt(accepted, 1.6e9);
	/* a refused one changes the result, and nothing else: the old one is in force */
	own_note_refused(house.own);
	cr_expect_eq(find(&house, "config", "last_reload_successful", NULL).value.integer, 0);
	cr_expect_eq(find(&house, "config", "last_reload_success_timestamp_seconds", NULL).value.number, accepted);
	cr_expect_eq(find(&house, "config", "targets", NULL).value.integer, 10);
	cr_expect_eq(find(&house, "config", "accepted_total", NULL).value.integer, 1);
	cr_expect_eq(find(&house, "config", "refused_total", NULL).value.integer, 1);
	/* other targets are no other configuration */
	own_note_targets(house.own, 11, 31);
	cr_expect_eq(find(&house, "config", "targets", NULL).value.integer, 11);
	cr_expect_eq(find(&house, "config", "probes", NULL).value.integer, 31);
	cr_expect_eq(find(&house, "config", "accepted_total", NULL).value.integer, 1);
	cr_expect_eq(find(&house, "config", "restart_needed", NULL).value.integer, 0);
	cr_expect_eq(find(&house, "config", "probes_unopened", NULL).value.integer, 0);
	own_note_parked(house.own, 4);
	cr_expect_eq(find(&house, "config", "targets_parked", NULL).value.integer, 4);
	own_note_restart(house.own, true);
	own_note_unopened(house.own, 3);
	cr_expect_eq(find(&house, "config", "restart_needed", NULL).value.integer, 1);
	cr_expect_eq(find(&house, "config", "probes_unopened", NULL).value.integer, 3);
	free(tear_down(&house));
}

Test(own, tells_of_workers_outputs_and_series)
{
	struct house house;

	build(&house);
	cr_assert(worker_apply(house.workers[1], batch_create(NULL, NULL, NULL)));
	cr_expect_eq(find(&house, "worker", "mailbox_depth", "0").value.integer, 0);
	cr_expect_eq(find(&house, "worker", "mailbox_depth", "1").value.integer, 1);
	cr_expect_eq(find(&house, "schedule", "probes", "1").value.integer, 0);
	cr_expect_eq(find(&house, "icmp", "foreign_total", "0").measure, 0);
	cr_expect_eq(find(&house, "output", "lines_written_total", "main").value.integer, 0);
	cr_expect_eq(find(&house, "series", "limit", NULL).value.integer, 5000);
	cr_expect_eq(find(&house, "series", "exposed", NULL).value.integer, 0);
	cr_expect_eq(find(&house, "series", "refused_total", NULL).value.integer, 0);
	free(tear_down(&house));
}

/* Every row is of a set that the reference knows of, with the labels that the set promises, and readings in order. */
static void check_row(void *arg, const struct row *row)
{
	size_t *n = arg, promised = 0;

	(*n)++;
	for (const char *const *name = row->set->label_names; name && *name; name++)
		cr_expect_str_eq(row->labels[promised++].name, *name, "%s", row->set->name);
	cr_expect_eq(row->nlabels, promised, "%s", row->set->name);
	for (size_t i = 0; i < row->n; i++) {
		cr_expect_lt(row->readings[i].measure, row->set->n);
		if (i > 0)
			cr_expect_lt(row->readings[i - 1].measure, row->readings[i].measure);
	}
}

Test(own, rows_keep_what_their_sets_promise)
{
	struct house house;
	size_t n = 0;

	build(&house);
	own_read(house.own, check_row, &n);
	cr_expect_geq(n, 4 + 2 * 3 + 1);
	free(tear_down(&house));
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

Test(own, writes_lines)
{
	struct loop *loop = loop_create(0, NULL);
	struct influx_port *port;
	struct house house;
	char *text;

	build(&house);
	own_note_accepted(house.own, 10, 30);
	port = influx_port_open(house.influx, loop);
	own_write(house.own, port);
	influx_port_close(port);
	text = tear_down(&house);
	cr_expect_not_null(strstr(text, "process,agent=fra1,site=lab cpu_seconds_total="), "%s", text);
	cr_expect_not_null(strstr(text, "\nconfig,agent=fra1,site=lab last_reload_successful=1i,"), "%s", text);
	cr_expect_not_null(strstr(text, "targets=10i,probes=30i,probes_unopened=0i,targets_parked=0i "), "%s", text);
	cr_expect_not_null(strstr(text, "\nworker,agent=fra1,site=lab,worker=1 mailbox_depth=0i,"), "%s", text);
	cr_expect_not_null(strstr(text, "\noutput,agent=fra1,name=main,site=lab "), "%s", text);
	cr_expect_null(strstr(text, "build,"), "a row without fields makes no line");
	free(text);
	loop_free(loop);
}

Test(own, starts_and_stops)
{
	struct loop *loop = loop_create(0, NULL);
	struct influx_port *port;
	struct house house;
	char *text;

	build(&house);
	port = influx_port_open(house.influx, loop);
	own_stop(NULL);
	own_stop(house.own);
	own_start(house.own, loop, port);
	own_stop(house.own);
	influx_port_close(port);
	text = tear_down(&house);
	cr_expect_str_empty(text);
	free(text);
	loop_free(loop);
	own_free(NULL);
}
