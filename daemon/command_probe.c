#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/resolve.h"
#include "daemon/command.h"
#include "daemon/config.h"
#include "daemon/manual.h"
#include "daemon/probe_usage.h"
#include "daemon/ros_catalogue.h"
#include "daemon/sample_json.h"
#include "daemon/shared_catalogue.h"

/* Timer slots of one probe need not save wake-ups. */
#define SLOT_NS NS_PER_MS

/* A terminal's interrupt, as shells report it. */
#define EXIT_INTERRUPTED (128 + SIGINT)

/* --- settings ---------------------------------------------------------------------------------------------------- */

int manual_set_option(struct manual *manual, const char *name, const char *value)
{
	const struct option *option = option_find(manual->type->options, manual->type->noptions, name);
	struct err err = {0};

	if (!option)
		return command_refuse("probe", "--%s: there is no such option", name);
	if (option_set_text(option, manual->settings, value, &err) == -1)
		return command_refuse("probe", "--%s=%s: %s", name, value, err.text);
	return -1;
}

/* What a person expects who waits for it: "option=value" pairs of the type. */
static void set_manual_defaults(struct manual *manual)
{
	for (const char *const *pair = manual->type->manual_settings; pair && *pair; pair++) {
		const char *equals = strchr(*pair, '=');
		char *name = mem_format("%.*s", (int)(equals - *pair), *pair);

		manual_set_option(manual, name, equals + 1);
		mem_free(name);
	}
}

static int copy_configured(struct manual *manual, const char *name)
{
	const struct config *config = manual->config;
	const struct probe_type *type = manual->type;

	for (size_t i = 0; i < config->nprobes; i++) {
		const struct config_probe *probe = &config->probes[i];

		if (strcmp(probe->name, name) != 0)
			continue;
		if (probe->type != type)
			return command_refuse("probe", "--probe=%s: it is of type %s, not %s", name, probe->type->name,
					      type->name);
		manual->settings =
			option_copy_settings(type->options, type->noptions, type->settings_size, probe->settings);
		return -1;
	}
	return command_refuse("probe", "--probe=%s: %s has no probe of this name", name, config->file);
}

/* Those that the command line begins with. */
static int make_first_settings(struct manual *manual, const char *configured)
{
	const struct probe_type *type = manual->type;

	if (configured)
		return copy_configured(manual, configured);
	manual->settings = mem_zero(1, type->settings_size);
	option_set_defaults(type->options, type->noptions, manual->settings);
	set_manual_defaults(manual);
	return -1;
}

static int set_options(struct manual *manual, const struct probe_usage *usage, const struct command_line *line)
{
	bool has_interval = false;
	int result = -1;

	for (size_t i = usage->nown; i < usage->usage.nflags && result == -1; i++) {
		if (!line->values[i])
			continue;
		has_interval = has_interval || strcmp(usage->flags[i].name, "interval") == 0;
		result = manual_set_option(manual, usage->flags[i].name, line->values[i]);
	}
	if (result == -1 && manual->trace)
		result = trace_show_set_pace(manual, has_interval);
	return result;
}

static int make_settings(struct manual *manual, const struct probe_usage *usage, const struct command_line *line)
{
	const struct probe_type *type = manual->type;
	struct err err = {0};
	int result = make_first_settings(manual, line->values[PROBE_FLAG_PROBE]);

	if (result == -1 && manual->trace)
		result = trace_show_set_defaults(manual);
	if (result == -1)
		result = set_options(manual, usage, line);
	if (result == -1 && type->check && type->check(manual->settings, &err) == -1)
		result = command_refuse("probe", "%s", err.text);
	return result;
}

static int load_config(struct manual *manual, const struct command_line *line)
{
	const char *file = line->values[PROBE_FLAG_CONFIG];
	struct text errors = {0};

	if (!file && !line->values[PROBE_FLAG_PROBE])
		return -1;
	manual->config = config_load(command_config_file(file), &errors);
	if (!manual->config)
		fputs(text_string(&errors), stderr);
	text_free(&errors);
	return manual->config ? -1 : COMMAND_FAILED;
}

/* That of the configuration, or the one that is built in. */
static int load_catalogue(struct manual *manual)
{
	struct text errors = {0};
	struct catalogue *catalogue;

	if (!manual->type->uses_catalogue)
		return -1;
	if (manual->config && manual->config->catalogue) {
		manual->catalogue = shared_catalogue_hold(manual->config->catalogue);
		return -1;
	}
	catalogue = ros_catalogue_load(NULL, 0, false, &errors);
	if (catalogue)
		manual->catalogue = shared_catalogue_create(catalogue);
	fputs(text_string(&errors), stderr);
	text_free(&errors);
	return catalogue ? -1 : COMMAND_FAILED;
}

/* --- the run ----------------------------------------------------------------------------------------------------- */

static void print_line(void *context, const char *line)
{
	const struct manual *manual = context;

	if (manual->trace)
		trace_show_log(manual->trace, line);
	else
		probe_usage_print_line(line, stdout);
}

static void print_json(const struct sample *sample)
{
	struct text text = {0};

	sample_json(&text, sample);
	puts(text_string(&text));
	text_free(&text);
}

static void take_sample(void *context, const struct sample *sample)
{
	struct manual *manual = context;

	if (manual->trace) {
		trace_show_take(manual->trace, sample);
		return;
	}
	if (manual->is_json)
		print_json(sample);
	else if (manual->is_trace)
		trace_show_print_once(sample);
	else if (manual->type->print)
		manual->type->print(sample, stdout);
	else
		probe_usage_print_sample(sample, stdout);
	fflush(stdout);
	if (sample->reason != REASON_OK)
		fprintf(stderr, "netsonde probe: %s: failed: %s\n", manual->target, reason_name(sample->reason));
	manual->result = sample->reason == REASON_OK ? COMMAND_OK : COMMAND_FAILED;
	loop_stop(manual->loop);
}

static void take_signal(void *arg, unsigned events)
{
	struct manual *manual = arg;
	struct signalfd_siginfo info;

	(void)events;
	if (read(manual->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (manual->trace) {
		trace_show_signal(manual->trace, (int)info.ssi_signo);
		return;
	}
	/* An interrupt is a deadline that comes early: what there is by then is shown. */
	if (info.ssi_signo == SIGINT && probe_end_run(manual->probe) == 0)
		return;
	fputs("netsonde probe: interrupted\n", stderr);
	manual->result = EXIT_INTERRUPTED;
	loop_stop(manual->loop);
}

static int open_signals(struct manual *manual, struct err *err)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (manual->trace) {
		sigaddset(&set, SIGHUP);
		sigaddset(&set, SIGTSTP);
		sigaddset(&set, SIGWINCH);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	manual->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (manual->signals == -1)
		return err_set_errno(err, "signals");
	manual->watch = watch_create(manual->loop, manual->signals, take_signal, manual);
	watch_set(manual->watch, WATCH_READ);
	return 0;
}

static int open_probe(struct manual *manual, struct err *err)
{
	struct engine_plan engine = {.loop = manual->loop, .resolver = manual->resolver};
	struct probe_plan plan = {
		.type = manual->type,
		.settings = manual->settings,
		.subject = &manual->subject,
		.address = manual->target,
		.sink = {take_sample, manual->is_json && !manual->trace ? NULL : print_line, manual},
		.catalogue = shared_catalogue_of(manual->catalogue),
		.is_single = true,
	};

	manual->subject = (struct subject){manual->target, "manual", manual->type->name, NULL, 0};
	manual->engine = engine_create(&engine);
	manual->probe = probe_open(manual->engine, &plan, err);
	return manual->probe ? 0 : -1;
}

static int run_probe(struct manual *manual, struct err *err)
{
	int result = -1;

	manual->loop = loop_create(SLOT_NS, err);
	if (!manual->loop)
		return -1;
	manual->resolver = resolver_create(manual->loop, manual->resolver_servers, err);
	if (!manual->resolver)
		goto free_loop;
	if (open_signals(manual, err) == -1)
		goto free_resolver;
	if (open_probe(manual, err) == -1)
		goto free_engine;
	if (manual->trace)
		trace_show_begin(manual->trace);
	else
		probe_run_once(manual->probe);
	result = loop_run(manual->loop, err);
	if (manual->trace)
		trace_show_end(manual->trace);
	probe_close(manual->probe);
free_engine:
	engine_free(manual->engine);
	watch_free(manual->watch);
	close(manual->signals);
free_resolver:
	resolver_free(manual->resolver);
free_loop:
	loop_free(manual->loop);
	return result;
}

/* --- the command ------------------------------------------------------------------------------------------------- */

static int prepare_and_run(struct manual *manual, const struct probe_usage *usage, const struct command_line *line)
{
	struct err err = {0};
	int result = load_config(manual, line);

	if (result == -1)
		result = load_catalogue(manual);
	manual->is_trace = usage->nown == PROBE_TRACE_FLAGS;
	if (result == -1 && manual->is_trace)
		result = trace_show_create(manual, line);
	if (result == -1)
		result = make_settings(manual, usage, line);
	if (result != -1)
		return result;
	manual->resolver_servers = line->values[PROBE_FLAG_RESOLVER];
	if (!manual->resolver_servers && manual->config)
		manual->resolver_servers = manual->config->agent.resolver;
	setvbuf(stdout, NULL, _IOLBF, 0);
	log_configure(STDERR_FILENO, LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
	if (run_probe(manual, &err) == -1) {
		fprintf(stderr, "netsonde probe: %s: %s\n", manual->target, err.text);
		return COMMAND_FAILED;
	}
	return manual->result;
}

static int run_type(const struct probe_type *type, const struct probe_usage *usage, const struct command_line *line)
{
	struct manual manual = {.type = type, .target = line->words[1], .result = COMMAND_FAILED};
	int result;

	manual.is_json = line->values[PROBE_FLAG_JSON] != NULL;
	result = prepare_and_run(&manual, usage, line);
	option_free_settings(type->options, type->noptions, manual.settings);
	trace_show_free(manual.trace);
	shared_catalogue_release(manual.catalogue);
	config_free(manual.config);
	return result;
}

int command_probe(int argc, char **argv)
{
	const char *word = probe_usage_find_type(argc, argv);
	const struct probe_type *type = word ? probe_type_find(word) : NULL;
	struct probe_usage usage;
	struct command_line line;
	int result;

	if (word && !type)
		return probe_usage_refuse_type(word);
	probe_usage_make(&usage, type);
	result = command_parse(&usage.usage, &line, argc, argv);
	if (result == -1)
		result = run_type(type, &usage, &line);
	probe_usage_free(&usage);
	return result;
}
