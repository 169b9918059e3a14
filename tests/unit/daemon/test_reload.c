/*
 * The whole way of a reload with real workers and a probe type of the test's own: the file is written, asked for, and
 * what came of it is read from the answer, the log's figures and /metrics.
 */
#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "daemon/batch.h"
#include "daemon/config.h"
#include "daemon/own.h"
#include "daemon/reload.h"
#include "daemon/standing.h"
#include "daemon/thread.h"
#include "daemon/worker.h"
#include "exporter/render.h"
#include "exporter/series.h"
#include "probes/engine.h"
#include "probes/routeros/catalogue.h"

#define WORKERS 2

/* --- a probe type: counts its runs, and reads its settings in each --------------------------------------------------
 */

struct tick_settings {
	int64_t interval_ns;
	char *word;
	bool is_refused;
};

struct tick {
	const struct tick_settings *settings;
	struct run *run;
	int64_t count;
};

#define TICK(kind, field) kind, offsetof(struct tick_settings, field)
static const struct option tick_options[] = {
	{"interval", TICK(OPTION_SECONDS, interval_ns), .minimum = 0.001, .maximum = 10, .fallback = "0.01"},
	{"word", TICK(OPTION_TEXT, word), .fallback = "hello"},
	{"refused", TICK(OPTION_BOOLEAN, is_refused), .fallback = "false"},
};
static const struct measure tick_measures[] = {{"count_total", MEASURE_COUNTER, "Runs of this probe"},
					       {"letters", MEASURE_INTEGER, "Length of the word"}};
static const struct measure_set tick_set = {"tick", tick_measures, 2, NULL, "A tick"};
static const struct measure_set *const tick_sets[] = {&tick_set, NULL};

static void *tick_open(struct probe *probe, const void *settings, struct err *err)
{
	const struct tick_settings *wanted = settings;
	struct tick *tick;

	if (wanted->is_refused) {
		err_set(err, "no right to tick");
		return NULL;
	}
	tick = mem_zero(1, sizeof(*tick));
	tick->settings = settings;
	probe_add_turn(probe,
		       &(struct turn_plan){.interval_ns = wanted->interval_ns, .timeout_ns = wanted->interval_ns});
	return tick;
}

static void tick_finish(void *state)
{
	struct tick *tick = state;
	const struct reading readings[] = {reading_integer(0, ++tick->count),
					   reading_integer(1, (int64_t)strlen(tick->settings->word))};
	const struct row row = {&tick_set, NULL, 0, readings, 2};

	run_finish(tick->run, REASON_OK, &row, 1);
}

static void *tick_start(struct run *run, void *opened, const void *settings)
{
	struct tick *tick = opened;

	(void)settings;
	tick->run = run;
	run_finish_later(run, tick_finish);
	return tick;
}

static void tick_deadline(void *state)
{
	run_finish(((struct tick *)state)->run, REASON_TIMEOUT, NULL, 0);
}

static void tick_stop(void *state)
{
	((struct tick *)state)->run = NULL;
}

static const struct probe_type tick_type = {
	.name = "tick",
	.help = "Counts",
	.options = tick_options,
	.noptions = 3,
	.settings_size = sizeof(struct tick_settings),
	.sets = tick_sets,
	.open = tick_open,
	.start = tick_start,
	.deadline = tick_deadline,
	.stop = tick_stop,
	.close = mem_free,
};

/* --- another: its parts are the data sets of a catalogue ------------------------------------------------------------
 */

struct reader {
	const struct catalogue *catalogue;
};

struct reader_run {
	const struct reader *reader;
	struct run *run;
};

static void *reader_open(struct probe *probe, const void *settings, struct err *err)
{
	struct reader *reader = mem_zero(1, sizeof(*reader));

	(void)settings, (void)err;
	reader->catalogue = probe_catalogue(probe);
	for (uint32_t part = 0; part <= reader->catalogue->n; part++)
		probe_add_turn(probe, &(struct turn_plan){.interval_ns = 10 * NS_PER_MS,
							  .timeout_ns = 10 * NS_PER_MS,
							  .tag = part,
							  .part = (uint16_t)part});
	return reader;
}

static void reader_finish(void *state)
{
	struct reader_run *self = state;
	const struct reading reading = reading_number(0, 1);
	const struct label label = {"shelf", "a"};
	struct row rows[2] = {{&tick_set, NULL, 0, NULL, 0}};
	uint32_t part = run_tag(self->run);

	if (part > 0)
		rows[1] = (struct row){&self->reader->catalogue->sets[part - 1]->measure, &label, 1, &reading, 1};
	run_finish(self->run, REASON_OK, rows, part > 0 ? 2 : 1);
}

static void *reader_start(struct run *run, void *opened, const void *settings)
{
	struct reader_run *self = mem_zero(1, sizeof(*self));

	(void)settings;
	*self = (struct reader_run){opened, run};
	run_finish_later(run, reader_finish);
	return self;
}

static void reader_deadline(void *state)
{
	run_finish(((struct reader_run *)state)->run, REASON_TIMEOUT, NULL, 0);
}

static const struct probe_type reader_type = {
	.name = "reader",
	.help = "Reads",
	.settings_size = 1,
	.uses_catalogue = true,
	.sets = tick_sets,
	.open = reader_open,
	.start = reader_start,
	.deadline = reader_deadline,
	.stop = mem_free,
	.close = mem_free,
};

const struct probe_type *const probe_types[] = {&reader_type, &tick_type, NULL};

/* --- a house ----------------------------------------------------------------------------------------------------- */

struct house {
	char path[64];
	struct thread *main; /* loop and mailbox; run by the test itself */
	struct reload *reload;
	struct series_store *store;
	struct worker *workers[WORKERS];
	struct own *own;
	struct err err;
};

#define HEAD                                                                                                           \
	"agent: { name = \"fra1\"; workers = 2; };\nprobes: { p: { type = \"tick\"; }; q: { type = \"tick\"; }; };\n"

static void write_file(struct house *house, const char *text)
{
	FILE *file = fopen(house->path, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

/* "a b/x=1": targets with a label each or without. */
static void write_targets(struct house *house, const char *head, const char *targets)
{
	struct text text = {0};
	char *copy = strdup(targets), *rest = copy, *word;

	text_add_format(&text, "%stargets: (\n", head);
	while ((word = strsep(&rest, " "))) {
		char *label = strchr(word, '/');

		if (label)
			*label++ = '\0';
		text_add_format(&text, "{ name = \"%s\"; address = \"::1\"; probes = [ \"p\", \"q\" ]; ", word);
		if (label)
			text_add_format(&text, "labels = { x = \"%s\"; }; ", label);
		text_add(&text, rest ? "},\n" : "}\n");
	}
	text_add(&text, ");\n");
	write_file(house, text_string(&text));
	text_free(&text);
	free(copy);
}

static void create_workers(struct house *house)
{
	static const struct label agent[] = {{"agent", "fra1"}};
	struct worker_plan plan = {.agent_labels = agent, .nagent_labels = 1, .boot = "b", .resolver = "127.0.0.1:9"};
	struct own_plan own = {.store = house->store, .workers = house->workers, .nworkers = WORKERS};

	plan.store = house->store;
	for (unsigned i = 0; i < WORKERS; i++) {
		plan.index = i;
		house->workers[i] = worker_create(&plan, &house->err);
		cr_assert_not_null(house->workers[i], "%s", house->err.text);
	}
	house->own = own_create(&own);
}

/* Everything but running workers. */
static void build(struct house *house, const char *head, const char *targets)
{
	const struct thread_plan plan = {.name = "main", .mails = 64};
	const struct crew crew = {house->workers, WORKERS};
	struct text errors = {0};
	struct config *config;
	int descriptor;

	memset(house, 0, sizeof(*house));
	strcpy(house->path, "/tmp/reload.XXXXXX");
	descriptor = mkstemp(house->path);
	cr_assert_neq(descriptor, -1);
	close(descriptor);
	write_targets(house, head, targets);
	config = config_load(house->path, &errors);
	cr_assert_not_null(config, "%s", text_string(&errors));
	text_free(&errors);
	house->main = thread_create(&plan, &house->err);
	cr_assert_not_null(house->main, "%s", house->err.text);
	house->reload = reload_create(config, thread_loop(house->main), &house->err);
	cr_assert_not_null(house->reload, "%s", house->err.text);
	house->store = series_store_create(WORKERS, 100000);
	create_workers(house);
	cr_assert_eq(reload_open(house->reload, &crew, &house->err), 0, "%s", house->err.text);
	reload_set_own(house->reload, house->own);
}

static void start(struct house *house)
{
	for (unsigned i = 0; i < WORKERS; i++)
		cr_assert_eq(worker_start(house->workers[i], &house->err), 0, "%s", house->err.text);
}

static void tear_down(struct house *house)
{
	for (unsigned i = 0; i < WORKERS; i++)
		worker_stop(house->workers[i]);
	own_free(house->own);
	for (unsigned i = 0; i < WORKERS; i++)
		worker_free(house->workers[i]);
	reload_free(house->reload);
	thread_free(house->main);
	series_store_free(house->store);
	unlink(house->path);
}

static void pause_briefly(void)
{
	const struct timespec pause = {.tv_nsec = 2 * NS_PER_MS};

	nanosleep(&pause, NULL);
}

/* The value of the series that begins with this, or -1. */
static double value_of(struct house *house, const char *series)
{
	const struct render_plan plan = {.store = house->store, .shards = 1};
	struct render *render = render_create(&plan);
	struct text text = {0};
	const char *line;
	double value;

	while (render_more(render, &text, 65536))
		;
	render_free(render);
	line = strstr(text_string(&text), series);
	value = line ? strtod(strchr(line, '}') + 1, NULL) : -1;
	text_free(&text);
	return value;
}

static void wait_for_more(struct house *house, const char *series, double than)
{
	while (value_of(house, series) <= than)
		pause_briefly();
}

/* --- asking ------------------------------------------------------------------------------------------------------ */

struct asker {
	struct house *house;
	struct reload_ask *ask;
	int answers, status;
	char text[4096];
};

static void take_answer(void *arg, const struct reload_answer *answer)
{
	struct asker *asker = arg;

	asker->answers++;
	asker->status = answer->status;
	snprintf(asker->text, sizeof(asker->text), "%s", answer->text);
	loop_stop(thread_loop(asker->house->main));
}

static void ask(struct asker *asker, struct house *house)
{
	*asker = (struct asker){.house = house};
	asker->ask = reload_ask(house->reload, thread_mailbox(house->main), take_answer, asker);
	cr_assert_not_null(asker->ask);
}

static void wait_answer(struct asker *asker)
{
	struct house *house = asker->house;

	while (asker->answers == 0)
		cr_assert_eq(loop_run(thread_loop(house->main), &house->err), 0, "%s", house->err.text);
}

/* Asks, waits, and returns the status. */
static int reload_now(struct house *house, struct asker *asker)
{
	ask(asker, house);
	wait_answer(asker);
	return asker->status;
}

struct figure {
	const char *name;
	double value;
};

static void look(void *arg, const struct row *row)
{
	struct figure *figure = arg;

	for (size_t i = 0; strcmp(row->set->name, "config") == 0 && i < row->n; i++) {
		const struct measure *measure = &row->set->measures[row->readings[i].measure];

		if (strcmp(measure->name, figure->name) == 0)
			figure->value = measure->kind == MEASURE_GAUGE ? row->readings[i].value.number
								       : (double)row->readings[i].value.integer;
	}
}

/* The daemon's own figure about its configuration. */
static double figure(const struct house *house, const char *name)
{
	struct figure figure = {name, -1};

	own_read(house->own, look, &figure);
	return figure.value;
}

/* --- what changes and what stays -----------------------------------------------------------------------------------
 */

#define RUNS(target, more) "netsonde_probe_runs_total{target=\"" target "\",probe=\"p\"" more "}"

Test(reload, applies_the_difference, .timeout = 60)
{
	struct asker asker;
	struct house house;
	double stays, labelled;

	build(&house, HEAD, "stays goes label/1");
	start(&house);
	wait_for_more(&house, RUNS("stays", ""), 5);
	wait_for_more(&house, RUNS("label", ",x=\"1\""), 5);
	wait_for_more(&house, RUNS("goes", ""), 0);
	stays = value_of(&house, RUNS("stays", ""));
	labelled = value_of(&house, RUNS("label", ",x=\"1\""));
	write_targets(&house, HEAD, "label/2 comes stays");
	cr_expect_eq(reload_now(&house, &asker), 200);
	cr_expect_str_eq(asker.text, "reloaded: 3 targets, 6 probes (2 added, 2 removed, 0 restarted, 2 relabelled, 2 "
				     "unchanged)\n");
	cr_expect_geq(value_of(&house, RUNS("stays", "")), stays);
	cr_expect_geq(value_of(&house, RUNS("label", ",x=\"2\"")), labelled);
	cr_expect_eq(value_of(&house, RUNS("label", ",x=\"1\"")), -1);
	cr_expect_eq(value_of(&house, "target=\"goes\""), -1);
	wait_for_more(&house, RUNS("comes", ""), 0);
	wait_for_more(&house, RUNS("stays", ""), stays);
	cr_expect_eq(figure(&house, "targets"), 3);
	cr_expect_eq(figure(&house, "probes"), 6);
	cr_expect_eq(figure(&house, "accepted_total"), 2);
	tear_down(&house);
}

Test(reload, restarts_what_has_other_settings, .timeout = 60)
{
	struct asker asker;
	struct house house;

	build(&house, HEAD, "a b");
	start(&house);
	wait_for_more(&house, RUNS("a", ""), 50);
	wait_for_more(&house, RUNS("b", ""), 50);
	write_targets(&house,
		      "agent: { name = \"fra1\"; workers = 2; };\n"
		      "probes: { p: { type = \"tick\"; word = \"hi\"; }; q: { type = \"tick\"; }; };\n",
		      "a b");
	cr_expect_eq(reload_now(&house, &asker), 200);
	cr_expect_not_null(strstr(asker.text, "2 restarted, 0 relabelled, 2 unchanged"), "%s", asker.text);
	wait_for_more(&house, RUNS("a", ""), 0);
	cr_expect_lt(value_of(&house, RUNS("a", "")), 50, "it counts anew");
	cr_expect_eq(value_of(&house, "netsonde_tick_letters{target=\"a\",probe=\"p\"}"), 2);
	cr_expect_eq(value_of(&house, "netsonde_tick_letters{target=\"a\",probe=\"q\"}"), 5);
	tear_down(&house);
}

/* Probes go on with settings of a configuration that was freed long ago. */
Test(reload, again_and_again, .timeout = 60)
{
	static const char *const targets[] = {"a b c", "b c d/1", "c d a", "a b/2 c d", "c"};
	struct asker asker;
	struct house house;
	double before = 0;

	build(&house, HEAD, "a b c");
	start(&house);
	for (int i = 0; i < 60; i++) {
		write_targets(&house, HEAD, targets[i % 5]);
		cr_assert_eq(reload_now(&house, &asker), 200, "%s", asker.text);
		wait_for_more(&house, RUNS("c", ""), before);
		before = value_of(&house, RUNS("c", ""));
	}
	cr_expect_eq(figure(&house, "accepted_total"), 61);
	cr_expect_eq(figure(&house, "refused_total"), 0);
	tear_down(&house);
}

Test(reload, a_bad_file_changes_nothing, .timeout = 60)
{
	struct asker asker;
	struct house house;
	double accepted;

	build(&house, HEAD, "a");
	start(&house);
	accepted = figure(&house, "last_reload_success_timestamp_seconds");
	write_file(&house, "agent: { wrkers = 2; };\nprobes: { p: { type = \"tock\"; }; };\n");
	cr_expect_eq(reload_now(&house, &asker), 400);
	cr_expect_not_null(strstr(asker.text, ":1: agent.wrkers: "), "%s", asker.text);
	cr_expect_not_null(strstr(asker.text, "\n/tmp/reload."), "every error is told: %s", asker.text);
	cr_expect_not_null(strstr(asker.text, ":2: probes.p.type: no probe type \"tock\""), "%s", asker.text);
	cr_expect_eq(figure(&house, "last_reload_successful"), 0);
	cr_expect_eq(figure(&house, "last_reload_success_timestamp_seconds"), accepted);
	cr_expect_eq(figure(&house, "refused_total"), 1);
	cr_expect_eq(figure(&house, "targets"), 1);
	unlink(house.path);
	cr_expect_eq(reload_now(&house, &asker), 400);
	cr_expect_not_null(strstr(asker.text, "No such file"), "%s", asker.text);
	wait_for_more(&house, RUNS("a", ""), value_of(&house, RUNS("a", "")));
	write_targets(&house, HEAD, "a");
	cr_expect_eq(reload_now(&house, &asker), 200);
	cr_expect_eq(figure(&house, "last_reload_successful"), 1);
	tear_down(&house);
}

Test(reload, says_what_needs_a_restart, .timeout = 60)
{
	struct text shown = {0};
	struct asker asker;
	struct house house;

	build(&house, HEAD, "a");
	start(&house);
	reload_show_config(house.reload, &shown);
	cr_expect_eq(strncmp(text_string(&shown), "agent: {", 8), 0);
	write_targets(&house,
		      "agent: { name = \"fra2\"; workers = 3; };\nprobes: { p: { type = \"tick\"; }; q: { type = "
		      "\"tick\"; }; };\n",
		      "a b");
	cr_expect_eq(reload_now(&house, &asker), 200);
	cr_expect_not_null(strstr(asker.text, "2 added"), "the rest is done: %s", asker.text);
	cr_expect_not_null(strstr(asker.text, "\nneeds a restart: agent.name, agent.workers\n"), "%s", asker.text);
	cr_expect_eq(figure(&house, "restart_needed"), 1);
	text_clear(&shown);
	reload_show_config(house.reload, &shown);
	cr_expect_eq(
		strncmp(text_string(&shown), "# needs a restart to come into force: agent.name, agent.workers\n", 63),
		0, "%s", text_string(&shown));
	cr_expect_str_eq(standing_agent(reload_standing(house.reload))->name, "fra1");
	/* a refused one changes nothing about that */
	write_file(&house, "nonsense");
	cr_expect_eq(reload_now(&house, &asker), 400);
	cr_expect_eq(figure(&house, "restart_needed"), 1);
	write_targets(&house, HEAD, "a");
	cr_expect_eq(reload_now(&house, &asker), 200);
	cr_expect_null(strstr(asker.text, "restart:"), "%s", asker.text);
	cr_expect_eq(figure(&house, "restart_needed"), 0);
	text_free(&shown);
	tear_down(&house);
}

Test(reload, what_cannot_be_opened_is_told_and_tried_again, .timeout = 60)
{
	static const char refused[] =
		"agent: { name = \"fra1\"; workers = 2; };\n"
		"probes: { p: { type = \"tick\"; }; q: { type = \"tick\"; refused = true; }; };\n";
	struct asker asker;
	struct house house;

	build(&house, HEAD, "a b");
	start(&house);
	write_targets(&house, refused, "a b c");
	cr_expect_eq(reload_now(&house, &asker), 200);
	cr_expect_not_null(strstr(asker.text, "1 added, 0 removed, 2 restarted") ||
				   strstr(asker.text, "2 added, 0 removed, 2 restarted"),
			   "%s", asker.text);
	cr_expect_not_null(strstr(asker.text, "cannot be opened: 3 probes ("), "%s", asker.text);
	cr_expect_not_null(strstr(asker.text, ": q: no right to tick\n"), "%s", asker.text);
	cr_expect_eq(figure(&house, "probes_unopened"), 3);
	cr_expect_eq(value_of(&house, "target=\"a\",probe=\"q\""), -1);
	/* The same again: they are tried again. */
	cr_expect_eq(reload_now(&house, &asker), 200);
	cr_expect_not_null(strstr(asker.text, "(3 added, 0 removed, 0 restarted, 0 relabelled, 3 unchanged)"), "%s",
			   asker.text);
	/* Removed without ever having been there. */
	write_targets(&house, refused, "a b");
	cr_expect_eq(reload_now(&house, &asker), 200);
	cr_expect_not_null(strstr(asker.text, "(2 added, 1 removed, 0 restarted, 0 relabelled, 2 unchanged)"), "%s",
			   asker.text);
	write_targets(&house, HEAD, "a b");
	cr_expect_eq(reload_now(&house, &asker), 200);
	cr_expect_null(strstr(asker.text, "cannot"), "%s", asker.text);
	cr_expect_eq(figure(&house, "probes_unopened"), 0);
	wait_for_more(&house, "netsonde_probe_runs_total{target=\"a\",probe=\"q\"}", 0);
	tear_down(&house);
}

/* --- asking at the wrong moment ------------------------------------------------------------------------------------
 */

Test(reload, many_ask_at_once, .timeout = 60)
{
	struct asker askers[200];
	struct house house;

	build(&house, HEAD, "a b");
	start(&house);
	write_targets(&house, HEAD, "b c");
	for (int i = 0; i < 200; i++) {
		ask(&askers[i], &house);
		reload_request(house.reload);
	}
	for (int i = 0; i < 200; i++) {
		wait_answer(&askers[i]);
		cr_expect_eq(askers[i].status, 200);
	}
	/* All of them are served together, or by a second one when the first had begun. */
	cr_expect_leq(figure(&house, "accepted_total"), 4);
	wait_for_more(&house, RUNS("c", ""), 0);
	tear_down(&house);
}

static void ask_again(void *arg, const struct reload_answer *answer)
{
	struct asker *asker = arg;

	(void)answer;
	if (++asker->answers < 5)
		asker->ask = reload_ask(asker->house->reload, thread_mailbox(asker->house->main), ask_again, asker);
	else
		loop_stop(thread_loop(asker->house->main));
}

Test(reload, asked_for_in_the_answer, .timeout = 60)
{
	struct house house;
	struct asker asker = {.house = &house};

	build(&house, HEAD, "a");
	start(&house);
	asker.ask = reload_ask(house.reload, thread_mailbox(house.main), ask_again, &asker);
	cr_assert_eq(loop_run(thread_loop(house.main), &house.err), 0);
	cr_expect_eq(asker.answers, 5);
	cr_expect_eq(figure(&house, "accepted_total"), 6);
	tear_down(&house);
}

/* Runs the main loop until a batch waits for a worker (which does not run). */
struct patience {
	struct house *house;
	struct alarm alarm;
};

static void look_for_batches(void *arg)
{
	struct patience *patience = arg;
	struct loop *loop = thread_loop(patience->house->main);
	struct reading readings[8];

	for (unsigned i = 0; i < WORKERS; i++) {
		worker_read(patience->house->workers[i], readings);
		if (readings[0].value.integer > 0)
			loop_stop(loop);
	}
	alarm_set(loop, &patience->alarm, clock_monotonic_ns() + NS_PER_MS);
}

static void run_until_applied(struct house *house)
{
	struct patience patience = {.house = house};
	struct loop *loop = thread_loop(house->main);

	alarm_prepare(&patience.alarm, look_for_batches, &patience);
	alarm_set(loop, &patience.alarm, clock_monotonic_ns());
	cr_assert_eq(loop_run(loop, &house->err), 0, "%s", house->err.text);
	alarm_cancel(loop, &patience.alarm);
}

/* What a reload asked for while another one is applied reads is what the file says then. */
Test(reload, asked_for_while_one_is_applied, .timeout = 60)
{
	struct asker first, second;
	struct house house;

	build(&house, HEAD, "a"); /* the workers do not run: nothing is answered */
	write_targets(&house, HEAD, "b");
	ask(&first, &house);
	run_until_applied(&house);
	write_targets(&house, HEAD, "c");
	ask(&second, &house);
	start(&house);
	wait_answer(&first);
	wait_answer(&second);
	cr_expect_eq(first.status, 200);
	cr_expect_eq(second.status, 200);
	cr_expect_not_null(strstr(first.text, "(2 added, 2 removed, "), "%s", first.text);
	cr_expect_not_null(strstr(second.text, "(2 added, 2 removed, "), "%s", second.text);
	cr_expect_eq(figure(&house, "accepted_total"), 3);
	wait_for_more(&house, RUNS("c", ""), 0);
	cr_expect_eq(value_of(&house, "target=\"b\""), -1);
	tear_down(&house);
}

Test(reload, a_cancelled_one_is_done_without_an_answer, .timeout = 60)
{
	struct asker cancelled, next;
	struct house house;

	build(&house, HEAD, "a");
	start(&house);
	write_targets(&house, HEAD, "b");
	ask(&cancelled, &house);
	reload_ask_cancel(cancelled.ask);
	reload_ask_cancel(NULL);
	cr_expect_eq(reload_now(&house, &next), 200);
	cr_expect_eq(cancelled.answers, 0);
	wait_for_more(&house, RUNS("b", ""), 0);
	tear_down(&house);
}

static void cancel_in_done(void *arg, const struct reload_answer *answer)
{
	struct asker *asker = arg;

	(void)answer;
	reload_ask_cancel(asker->ask);
	asker->answers++;
	loop_stop(thread_loop(asker->house->main));
}

Test(reload, cancelled_inside_done, .timeout = 60)
{
	struct house house;
	struct asker asker = {.house = &house};

	build(&house, HEAD, "a");
	start(&house);
	asker.ask = reload_ask(house.reload, thread_mailbox(house.main), cancel_in_done, &asker);
	wait_answer(&asker);
	cr_expect_eq(asker.answers, 1);
	tear_down(&house);
}

/* The end comes first: one is under way, one waits in the mailbox, one was cancelled. Nothing leaks. */
Test(reload, the_daemon_ends_before_it_is_done, .timeout = 60)
{
	struct asker first, second, cancelled;
	struct house house;

	build(&house, HEAD, "a b c d e f"); /* the workers do not run */
	write_targets(&house, HEAD, "g h i j k l");
	ask(&first, &house);
	run_until_applied(&house);
	ask(&second, &house);
	ask(&cancelled, &house);
	reload_ask_cancel(cancelled.ask);
	tear_down(&house);
	cr_expect_eq(first.answers + second.answers + cancelled.answers, 0);
}

/* --- full mailboxes ------------------------------------------------------------------------------------------------
 */

static void forget(void *arg, struct batch *batch)
{
	(void)arg, (void)batch;
}

Test(reload, a_worker_whose_mailbox_is_full, .timeout = 60)
{
	struct asker asker;
	struct house house;

	build(&house, HEAD, "a b c d e f");
	for (unsigned k = 0; k < WORKERS; k++)
		for (int i = 0; i < WORKER_MAILS_MAX; i++)
			cr_assert(
				worker_apply(house.workers[k], batch_create(thread_mailbox(house.main), forget, NULL)));
	write_targets(&house, HEAD, "g h i j k l");
	ask(&asker, &house);
	start(&house);
	wait_answer(&asker);
	cr_expect_eq(asker.status, 200);
	wait_for_more(&house, RUNS("g", ""), 0);
	tear_down(&house);
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

/* What is asked for by now has been done: calls are deferred in order. */
static void run_until_idle(struct house *house)
{
	struct loop *loop = thread_loop(house->main);
	struct deferred last;

	deferred_prepare(&last, stop_loop, loop);
	loop_defer(loop, &last);
	cr_assert_eq(loop_run(loop, &house->err), 0, "%s", house->err.text);
}

/* --- other sources of targets --------------------------------------------------------------------------------------
 */

Test(reload, other_targets_by_the_same_configuration, .timeout = 60)
{
	const struct config *config;
	struct asker asker;
	struct house house;
	double accepted;

	build(&house, HEAD, "a b");
	start(&house);
	config = reload_lock_config(house.reload);
	reload_unlock_config(house.reload);
	accepted = figure(&house, "last_reload_success_timestamp_seconds");
	write_file(&house, "nonsense"); /* is not read */
	reload_targets_changed(house.reload);
	reload_targets_changed(house.reload);
	run_until_idle(&house);
	cr_expect_eq(figure(&house, "last_reload_success_timestamp_seconds"), accepted);
	cr_expect_eq(figure(&house, "last_reload_successful"), 1);
	cr_expect_eq(reload_lock_config(house.reload), config);
	reload_unlock_config(house.reload);
	cr_expect_eq(reload_count_targets(house.reload), 2);
	write_targets(&house, HEAD, "b");
	reload_targets_changed(house.reload);
	cr_expect_eq(reload_now(&house, &asker), 200);
	cr_expect_eq(reload_count_targets(house.reload), 1);
	tear_down(&house);
}

/* --- catalogues -------------------------------------------------------------------------------------------------- */

#define READERS                                                                                                        \
	"agent: { name = \"fra1\"; workers = 2; };\nprobes: { p: { type = \"tick\"; }; q: { type = \"reader\"; }; "    \
	"};\n"                                                                                                         \
	"routers: { builtin_catalogue = false; catalogues = [ \"%s\" ]; };\n"
#define SHELF(set) "netsonde_routeros_" set "_value{target=\"a\",probe=\"q\",shelf=\"a\"}"

static void write_catalogue(const char *path, const char *set)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	fprintf(file,
		"sets: { %s: { help = \"Mine\"; tier = \"short\"; menus = ( { path = \"/my/menu\"; } );\n"
		"keys = [ \"shelf=name\" ]; columns = ( { measure = \"value\"; kind = \"gauge\"; property = \"value\"; "
		"help = \"The value\"; } ); }; };\n",
		set);
	fclose(file);
}

/* The rows of a probe come from a catalogue that a reload frees while it is read and scraped. */
Test(reload, another_catalogue_restarts_those_that_use_it, .timeout = 60)
{
	static const char *const sets[] = {"one", "two", "three"};
	char catalogue[80], *head, *series, *before = NULL;
	struct asker asker;
	struct house house;

	snprintf(catalogue, sizeof(catalogue), "/tmp/reload-sets.%ld", (long)getpid());
	write_catalogue(catalogue, "zero");
	head = mem_format(READERS, catalogue);
	build(&house, head, "a b");
	start(&house);
	wait_for_more(&house, SHELF("zero"), 0);
	wait_for_more(&house, RUNS("a", ""), 5);
	for (size_t i = 0; i < 12; i++) {
		write_catalogue(catalogue, sets[i % 3]);
		cr_assert_eq(reload_now(&house, &asker), 200, "%s", asker.text);
		cr_expect_not_null(strstr(asker.text, "2 restarted, 0 relabelled, 2 unchanged"), "%s", asker.text);
		series = mem_format("netsonde_routeros_%s_value{target=\"a\",probe=\"q\",shelf=\"a\"}", sets[i % 3]);
		wait_for_more(&house, series, 0);
		cr_expect_eq(before ? value_of(&house, before) : -1, -1, "what was is gone");
		mem_free(before);
		before = series;
		/* The same once more changes nothing. */
		cr_assert_eq(reload_now(&house, &asker), 200, "%s", asker.text);
		cr_expect_not_null(strstr(asker.text, "0 restarted, 0 relabelled, 4 unchanged"), "%s", asker.text);
	}
	cr_expect_gt(value_of(&house, RUNS("a", "")), 5, "the others went on");
	write_catalogue(catalogue, "bad name");
	cr_expect_eq(reload_now(&house, &asker), 400);
	cr_expect_not_null(strstr(asker.text, catalogue), "%s", asker.text);
	wait_for_more(&house, before, 0);
	tear_down(&house);
	unlink(catalogue);
	mem_free(before);
	mem_free(head);
}

Test(reload, free_takes_null)
{
	reload_free(NULL);
}
