#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "daemon/batch.h"
#include "daemon/config.h"
#include "daemon/generation.h"
#include "daemon/notify.h"
#include "daemon/own.h"
#include "daemon/reload_internal.h"
#include "daemon/spec.h"
#include "daemon/standing.h"
#include "daemon/target_files.h"
#include "daemon/worker.h"
#include "geo/geo.h"
#include "influx/influx.h"

#define MAILS_MAX      65536
#define REPORT_MAX     (64 * 1024)
#define LINE_MAX_BYTES 2048
#define RETRY_PAUSE_NS (20 * NS_PER_MS) /* after a full mailbox */

struct reload {
	struct loop *loop;
	struct mailbox *mailbox;
	char *file;
	struct spec_table *specs;
	struct standing *standing;
	struct crew crew;
	struct own *own;
	struct influx *influx;
	struct influx_change *change; /* prepared, until the commit */
	struct geo *geo;
	struct edition *edition; /* likewise */

	pthread_mutex_t lock;       /* for those who look: current->config and needs_restart are changed under it */
	struct generation *current; /* in force */
	struct target_files *files; /* of its configuration */
	char *needs_restart;        /* "agent.workers, web.listen", or NULL */

	/* what is asked for */
	bool is_wanted, has_new_targets;
	struct reload_ask *waiting;  /* for the next reload */
	struct reload_ask *served;   /* by the one under way */
	struct reload_ask *answered; /* whose answer has not been sent yet */

	/* what is under way */
	bool is_busy;
	bool is_reading;        /* a configuration, not only other targets */
	struct generation *old; /* until no worker borrows from it */
	struct batch **batches; /* by worker: not posted yet */
	size_t nanswers;        /* batches that were not answered yet */
	size_t nunopened;       /* probes of the current generation */
	struct err unopened;    /* why the first of them is not open */
	size_t counts[TARGET_CHANGES];
	struct text report;    /* for the asker */
	struct deferred begin; /* the next one */
	struct alarm retry;
};

static void begin_next(void *arg);
static void retry(void *arg);
static void take_new_targets(void *arg);

/* --- life -------------------------------------------------------------------------------------------------------- */

struct reload *reload_create(struct config *config, struct loop *loop, struct err *err)
{
	struct reload *reload = mem_zero(1, sizeof(*reload));

	reload->loop = loop;
	reload->mailbox = mailbox_create(loop, MAILS_MAX, reload, err);
	if (!reload->mailbox) {
		mem_free(reload);
		return NULL;
	}
	reload->file = mem_copy_string(config->file);
	reload->specs = spec_table_create();
	reload->standing = standing_create(config);
	reload->files = target_files_open(config, NULL, loop, take_new_targets, reload);
	reload->current = generation_create(config, reload->files, reload->specs);
	desired_set_close(&reload->current->wanted);
	reload->report.ceiling = REPORT_MAX;
	pthread_mutex_init(&reload->lock, NULL);
	deferred_prepare(&reload->begin, begin_next, reload);
	alarm_prepare(&reload->retry, retry, reload);
	return reload;
}

/* Answers those of a list that can be answered; returns the others. */
static struct reload_ask *answer_all(struct reload_ask *list, int status, const char *text)
{
	struct reload_ask *left = NULL;

	for (struct reload_ask *ask = list, *next; ask; ask = next) {
		next = ask->next;
		if (reload_ask_answer(ask, status, text))
			continue;
		ask->next = left;
		left = ask;
	}
	return left;
}

static void drop_all(struct reload_ask *list)
{
	for (struct reload_ask *ask = answer_all(list, 500, "the daemon ends\n"), *next; ask; ask = next) {
		next = ask->next;
		reload_ask_drop(ask);
	}
}

void reload_free(struct reload *reload)
{
	if (!reload)
		return;
	mailbox_free(reload->mailbox);
	alarm_cancel(reload->loop, &reload->retry);
	loop_defer_cancel(reload->loop, &reload->begin);
	drop_all(reload->waiting);
	drop_all(reload->served);
	drop_all(reload->answered);
	for (size_t i = 0; reload->batches && i < reload->crew.n; i++)
		batch_free(reload->batches[i]);
	mem_free(reload->batches);
	target_files_close(reload->files);
	generation_free(reload->old);
	generation_free(reload->current);
	spec_table_free(reload->specs);
	standing_free(reload->standing);
	pthread_mutex_destroy(&reload->lock);
	text_free(&reload->report);
	mem_free(reload->needs_restart);
	mem_free(reload->file);
	mem_free(reload);
}

const struct standing *reload_standing(const struct reload *reload)
{
	return reload->standing;
}

int reload_open(struct reload *reload, const struct crew *crew, struct err *err)
{
	reload->crew = *crew;
	reload->batches = mem_zero(crew->n, sizeof(struct batch *));
	return crew_open(crew, &reload->current->wanted, err);
}

void reload_set_own(struct reload *reload, struct own *own)
{
	reload->own = own;
	own_note_accepted(own, reload_count_targets(reload), reload_count_probes(reload));
	own_note_parked(own, config_count_parked(reload->current->config));
}

void reload_set_influx(struct reload *reload, struct influx *influx)
{
	reload->influx = influx;
}

void reload_set_geo(struct reload *reload, struct geo *geo)
{
	reload->geo = geo;
}

size_t reload_count_targets(const struct reload *reload)
{
	return reload->current->ntargets;
}

size_t reload_count_probes(const struct reload *reload)
{
	return reload->current->wanted.n;
}

struct mailbox *reload_mailbox(const struct reload *reload)
{
	return reload->mailbox;
}

/* --- looking ----------------------------------------------------------------------------------------------------- */

const struct config *reload_lock_config(struct reload *reload)
{
	pthread_mutex_lock(&reload->lock);
	return reload->current->config;
}

void reload_unlock_config(struct reload *reload)
{
	pthread_mutex_unlock(&reload->lock);
}

void reload_read_files(struct reload *reload,
		       void (*each)(void *arg, const char *file, const struct reading *readings, size_t n), void *arg)
{
	pthread_mutex_lock(&reload->lock);
	target_files_read(reload->files, each, arg);
	pthread_mutex_unlock(&reload->lock);
}

void reload_show_config(struct reload *reload, struct text *out)
{
	const struct config *config = reload_lock_config(reload);

	if (reload->needs_restart)
		text_add_format(out, "# needs a restart to come into force: %s\n", reload->needs_restart);
	config_show(config, out);
	reload_unlock_config(reload);
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

/* A line for the log and for those who asked. */
static void say(struct reload *reload, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void say(struct reload *reload, enum log_level level, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	log_event(level, "reload", reload->file, "%s", line);
	text_add_format(&reload->report, "%s\n", line);
}

/* Each line of a text; as many of them as the report has room for. */
static void say_lines(struct reload *reload, enum log_level level, const char *lines)
{
	while (*lines) {
		size_t n = strcspn(lines, "\n");

		say(reload, level, "%.*s", (int)n, lines);
		lines += n + (lines[n] == '\n');
	}
}

static bool is_anything_wanted(const struct reload *reload)
{
	return reload->is_wanted || reload->has_new_targets;
}

static void try_answers(struct reload *reload)
{
	reload->answered = answer_all(reload->answered, 0, NULL);
	if (reload->answered)
		alarm_set(reload->loop, &reload->retry, clock_monotonic_ns() + RETRY_PAUSE_NS);
}

static void finish(struct reload *reload, int status)
{
	struct reload_ask *left = answer_all(reload->served, status, text_string(&reload->report));

	reload->served = NULL;
	while (left) {
		struct reload_ask *ask = left;

		left = ask->next;
		ask->next = reload->answered;
		reload->answered = ask;
	}
	if (reload->is_reading)
		notify_manager("READY=1");
	reload->is_busy = false;
	try_answers(reload);
	if (is_anything_wanted(reload))
		loop_defer(reload->loop, &reload->begin);
}

static void refuse(struct reload *reload, struct text *errors)
{
	say_lines(reload, LOG_LEVEL_ERROR, text_string(errors));
	log_event(LOG_LEVEL_ERROR, "reload", reload->file, "refused: the configuration before stays in force");
	if (reload->own)
		own_note_refused(reload->own);
	finish(reload, 400);
}

static void note_figures(struct reload *reload)
{
	if (!reload->own)
		return;
	if (reload->is_reading)
		own_note_accepted(reload->own, reload_count_targets(reload), reload_count_probes(reload));
	else
		own_note_targets(reload->own, reload_count_targets(reload), reload_count_probes(reload));
	own_note_parked(reload->own, config_count_parked(reload->current->config));
	own_note_unopened(reload->own, reload->nunopened);
	own_note_restart(reload->own, reload->needs_restart != NULL);
}

static void report(struct reload *reload)
{
	const size_t *counts = reload->counts;

	say(reload, LOG_LEVEL_INFO,
	    "%s: %zu targets, %zu probes (%zu added, %zu removed, %zu restarted, %zu relabelled, %zu unchanged)",
	    reload->is_reading ? "reloaded" : "other targets", reload_count_targets(reload),
	    reload_count_probes(reload), counts[TARGET_ADDED], counts[TARGET_REMOVED], counts[TARGET_RESTARTED],
	    counts[TARGET_RELABELLED], counts[TARGET_UNCHANGED]);
	if (reload->is_reading && reload->needs_restart)
		say(reload, LOG_LEVEL_WARN, "needs a restart: %s", reload->needs_restart);
	if (target_files_errors(reload->files, &reload->report) > 0)
		text_add(&reload->report, "what was good last stays in force of these files\n");
	if (reload->nunopened > 0)
		say(reload, LOG_LEVEL_ERROR,
		    "cannot be opened: %zu probes (if for want of rights: they are given up after the start, so a "
		    "restart is needed), among them %s",
		    reload->nunopened, reload->unopened.text);
}

/* Every worker has answered: nobody uses the old generation any more. */
static void complete(struct reload *reload)
{
	generation_free(reload->old);
	reload->old = NULL;
	mem_trim();
	note_figures(reload);
	report(reload);
	finish(reload, 200);
}

/* --- commit ------------------------------------------------------------------------------------------------------ */

static void post_batches(struct reload *reload)
{
	bool is_left = false;

	for (size_t i = 0; i < reload->crew.n; i++) {
		if (reload->batches[i] && worker_apply(reload->crew.workers[i], reload->batches[i]))
			reload->batches[i] = NULL;
		is_left = is_left || reload->batches[i];
	}
	if (is_left)
		alarm_set(reload->loop, &reload->retry, clock_monotonic_ns() + RETRY_PAUSE_NS);
}

static void retry(void *arg)
{
	struct reload *reload = arg;

	post_batches(reload);
	try_answers(reload);
	begin_next(reload);
}

static void take_answer(void *arg, struct batch *batch)
{
	struct reload *reload = arg;
	struct desired *unopened;

	for (size_t i = 0; (unopened = batch_failure(batch, i)); i++) {
		unopened->is_unopened = true;
		if (reload->nunopened++ == 0)
			err_set(&reload->unopened, "%s", batch_error(batch));
	}
	if (--reload->nanswers == 0)
		complete(reload);
}

/* The new generation takes the place of the old one, which keeps what the workers still borrow. */
static void replace(struct reload *reload, struct generation *next)
{
	struct text names = {0};
	size_t n = standing_compare(reload->standing, next->config, &names);

	reload->old = reload->current;
	pthread_mutex_lock(&reload->lock);
	reload->current = next;
	mem_free(reload->needs_restart);
	reload->needs_restart = n > 0 ? text_take(&names) : NULL;
	pthread_mutex_unlock(&reload->lock);
	text_free(&names);
	if (reload->old->config == next->config)
		reload->old->config = NULL;
	log_change((enum log_level)next->config->agent.log_level, (enum log_format)next->config->agent.log_format);
}

/* Cannot fail. */
static void commit(struct reload *reload, struct generation *next)
{
	const struct crew_answer answer = {reload->mailbox, take_answer, reload};
	struct target_plan plan;

	generation_plan(next, reload->current, &plan);
	replace(reload, next);
	if (reload->change)
		influx_apply(reload->change);
	reload->change = NULL;
	if (reload->edition)
		geo_apply(reload->geo, reload->edition);
	reload->edition = NULL;
	reload->nunopened = 0;
	reload->nanswers = crew_split(&reload->crew, &plan, &answer, reload->batches);
	desired_set_close(&next->wanted);
	memcpy(reload->counts, plan.counts, sizeof(reload->counts));
	target_plan_free(&plan);
	post_batches(reload);
	if (reload->nanswers == 0)
		complete(reload);
}

/* --- prepare ----------------------------------------------------------------------------------------------------- */

static void tell_manager(void)
{
	char state[64];

	/* What systemd wants to know of a service of type notify-reload. */
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)(clock_monotonic_ns() / NS_PER_US));
	notify_manager(state);
}

/* For the log only: who asked wants to know what has become of it. */
static void log_warnings(struct reload *reload, const struct config *config)
{
	struct text warnings = {0};

	config_warn(config, &warnings);
	say_lines(reload, LOG_LEVEL_WARN, text_string(&warnings));
	text_clear(&reload->report);
	text_free(&warnings);
}

/* Opens what the new outputs need. -1 with a line added to errors. */
static int prepare_outputs(struct reload *reload, const struct config *config, struct text *errors)
{
	struct err err = {0};

	/* Outputs that come to a daemon without any need a restart: standing_compare says so. */
	if (!reload->influx || !influx_has_thread(reload->influx))
		return 0;
	reload->change = influx_prepare(reload->influx, (const struct influx_settings *const *)config->outputs,
					config->noutputs, standing_disk_log(reload->standing), &err);
	if (reload->change)
		return 0;
	text_add_format(errors, "%s: %s\n", reload->file, err.text);
	return -1;
}

static int prepare_places(struct reload *reload, const struct config *config, struct text *errors)
{
	struct edition_plan plan;
	struct err err = {0};

	if (!reload->geo)
		return 0;
	config_plan_geo(config, &plan);
	reload->edition = geo_prepare(reload->geo, &plan, &err);
	if (reload->edition)
		return 0;
	text_add_format(errors, "%s: %s\n", reload->file, err.text);
	return -1;
}

/* All that can fail; the outputs last, since what they have prepared is not given back. */
static int prepare(struct reload *reload, const struct config *config, struct text *errors)
{
	if (prepare_places(reload, config, errors) == -1)
		return -1;
	if (prepare_outputs(reload, config, errors) == 0)
		return 0;
	edition_release(reload->edition);
	reload->edition = NULL;
	return -1;
}

/* Read anew with the new configuration; what is broken keeps its last good content. */
static void change_files(struct reload *reload, const struct config *config)
{
	struct target_files *before = reload->files;
	struct target_files *next = target_files_open(config, before, reload->loop, take_new_targets, reload);

	pthread_mutex_lock(&reload->lock);
	reload->files = next;
	pthread_mutex_unlock(&reload->lock);
	target_files_close(before);
}

static void read_config(struct reload *reload)
{
	struct text errors = {0};
	struct config *config;

	reload->is_wanted = false;
	reload->has_new_targets = false;
	reload->served = reload->waiting;
	reload->waiting = NULL;
	tell_manager();
	config = config_load(reload->file, &errors);
	if (config && prepare(reload, config, &errors) == -1) {
		config_free(config);
		config = NULL;
	}
	if (config) {
		log_warnings(reload, config);
		change_files(reload, config);
		commit(reload, generation_create(config, reload->files, reload->specs));
	} else {
		refuse(reload, &errors);
	}
	text_free(&errors);
}

static void plan_targets(struct reload *reload)
{
	reload->has_new_targets = false;
	commit(reload, generation_create(reload->current->config, reload->files, reload->specs));
}

static void begin_next(void *arg)
{
	struct reload *reload = arg;

	if (reload->is_busy || !is_anything_wanted(reload))
		return;
	if (reload->influx && influx_is_changing(reload->influx)) {
		alarm_set(reload->loop, &reload->retry, clock_monotonic_ns() + RETRY_PAUSE_NS);
		return;
	}
	reload->is_busy = true;
	reload->is_reading = reload->is_wanted;
	text_clear(&reload->report);
	if (reload->is_reading)
		read_config(reload);
	else
		plan_targets(reload);
}

void reload_request(struct reload *reload)
{
	reload->is_wanted = true;
	loop_defer(reload->loop, &reload->begin);
}

void reload_targets_changed(struct reload *reload)
{
	reload->has_new_targets = true;
	loop_defer(reload->loop, &reload->begin);
}

static void take_new_targets(void *arg)
{
	reload_targets_changed(arg);
}

void reload_take_ask(struct reload *reload, struct reload_ask *ask)
{
	ask->next = reload->waiting;
	reload->waiting = ask;
	reload_request(reload);
}
