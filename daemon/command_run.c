#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "daemon/command.h"
#include "daemon/config.h"
#include "daemon/instance.h"
#include "daemon/notify.h"
#include "daemon/reload.h"
#include "daemon/rights.h"
#include "daemon/watchdog.h"

/* How long the outputs may take to write what is left at the end. */
#define STOP_NS (5 * NS_PER_SECOND)

static const struct command_flag flags[] = {
	{"config", "FILE", false, "the configuration; default: NETSONDE_CONFIG, else " COMMAND_CONFIG_DEFAULT},
};
static const struct command_usage usage = {
	.line = "run [--config=FILE]",
	.text = "Runs the daemon in the foreground: measures, serves /metrics, writes lines. SIGHUP makes it read "
		"the configuration again; SIGTERM and SIGINT end it cleanly.",
	.flags = flags,
	.nflags = 1,
	.end = "exit code: 0 = ended by a signal, 1 = cannot start, 2 = wrong use",
};

/* --- signals ----------------------------------------------------------------------------------------------------- */

struct signals {
	struct loop *loop;
	struct reload *reload; /* NULL until there is something to reload */
	int descriptor;
	struct watch *watch;
	struct watchdog *watchdog; /* NULL: the service manager has none */
};

static void take_signal(void *arg, unsigned events)
{
	struct signals *signals = arg;
	struct signalfd_siginfo info;

	(void)events;
	if (read(signals->descriptor, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP) {
		log_event(LOG_LEVEL_INFO, "reload", NULL, "%s", strsignal(SIGHUP));
		reload_request(signals->reload);
		return;
	}
	log_event(LOG_LEVEL_INFO, "stop", NULL, "%s", strsignal((int)info.ssi_signo));
	loop_stop(signals->loop);
}

/* Before any thread starts: they have the mask of their maker. */
static int open_signals(struct signals *signals, struct loop *loop, struct err *err)
{
	sigset_t set;

	signals->loop = loop;
	signal(SIGPIPE, SIG_IGN);
	/* Where files may not grow, write(2) is to say so: main itself writes databases into memory, which counts as a file. */
	signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals->descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals->descriptor == -1)
		return err_set_errno(err, "signals");
	signals->watch = watch_create(loop, signals->descriptor, take_signal, signals);
	watch_set(signals->watch, WATCH_READ);
	return 0;
}

static void close_signals(struct signals *signals)
{
	watch_free(signals->watch);
	close(signals->descriptor);
}

/* --- what the log says at the start ------------------------------------------------------------------------------ */

static void log_warnings(const struct config *config)
{
	struct text warnings = {0};
	char *line, *rest;

	config_warn(config, &warnings);
	rest = text_take(&warnings);
	for (char *at = rest; (line = strtok_r(at, "\n", &at));)
		log_event(LOG_LEVEL_WARN, "config", config->file, "%s", line);
	mem_free(rest);
}

static void log_output(const struct influx_settings *output)
{
	if (influx_kind(output) == INFLUX_FILE)
		log_event(LOG_LEVEL_INFO, "influx", output->name, "%s", output->path);
	else
		log_event(LOG_LEVEL_INFO, "influx", output->name, "%s, %s %s", output->url,
			  output->bucket ? "bucket" : "database", output->bucket ? output->bucket : output->database);
}

static void log_instance(const struct config *config, const struct instance *instance)
{
	size_t probes = 0;

	for (size_t i = 0; i < config->ntargets; i++)
		probes += config->targets[i].is_parked ? 0 : config->targets[i].nassignments;
	log_event(LOG_LEVEL_INFO, "start", config->agent.name, "%zu targets, %zu probes, %zu workers", config->ntargets,
		  probes, instance_workers(instance));
	for (size_t i = 0; instance_listener(instance, i); i++)
		log_event(LOG_LEVEL_INFO, "web", NULL, "%s://%s/metrics", instance_has_tls(instance) ? "https" : "http",
			  instance_listener(instance, i));
	for (size_t i = 0; i < config->noutputs; i++)
		log_output(config->outputs[i]);
}

/* --- the command ------------------------------------------------------------------------------------------------- */

static int fail(const char *what, const char *text)
{
	log_event(LOG_LEVEL_ERROR, "start", NULL, "%s%s%s", what, *what ? ": " : "", text);
	return COMMAND_FAILED;
}

static struct watchdog *start_watchdog(const struct instance *instance, struct loop *loop)
{
	struct watched_thread threads[WATCHDOG_THREADS_MAX];
	size_t n = instance_threads(instance, threads, WATCHDOG_THREADS_MAX);

	return watchdog_start(loop, watchdog_interval_ns(), threads, n, notify_manager);
}

/* config is that of the start: it is in force until the loop runs. */
static int run_instance(const struct config *config, struct instance *instance, struct signals *signals)
{
	struct err err = {0};
	int result = COMMAND_OK;

	if (instance_start(instance, &err) == -1) {
		result = fail("", err.text);
	} else {
		log_instance(config, instance);
		notify_manager("READY=1");
		signals->watchdog = start_watchdog(instance, signals->loop);
		if (loop_run(signals->loop, &err) == -1)
			result = fail("loop", err.text);
	}
	watchdog_stop(signals->watchdog);
	notify_manager("STOPPING=1");
	instance_stop(instance, STOP_NS);
	log_event(LOG_LEVEL_INFO, "stop", NULL, "done");
	return result;
}

/* config is passed. */
static int run_config(struct config *config)
{
	struct signals signals = {.descriptor = -1};
	struct instance *instance;
	struct err err = {0};
	struct loop *loop;
	int result = COMMAND_FAILED;

	loop = loop_create(0, &err);
	if (!loop) {
		config_free(config);
		return fail("", err.text);
	}
	if (open_signals(&signals, loop, &err) == -1) {
		config_free(config);
		fail("", err.text);
		goto free_loop;
	}
	instance = instance_create(config, loop, &err);
	if (!instance) {
		fail("", err.text);
		goto close_signals;
	}
	signals.reload = instance_reload(instance);
	result = run_instance(config, instance, &signals);
	instance_free(instance);
	watchdog_free(signals.watchdog);
close_signals:
	close_signals(&signals);
free_loop:
	loop_free(loop);
	return result;
}

int command_run(int argc, char **argv)
{
	struct text errors = {0};
	struct command_line line;
	struct config *config;
	int result = command_parse(&usage, &line, argc, argv);

	if (result != -1)
		return result;
	config = config_load(command_config_file(line.values[0]), &errors);
	if (!config) {
		fputs(text_string(&errors), stderr);
		text_free(&errors);
		return COMMAND_FAILED;
	}
	text_free(&errors);
	log_configure(STDERR_FILENO, (enum log_level)config->agent.log_level,
		      (enum log_format)config->agent.log_format);
	log_event(LOG_LEVEL_INFO, "start", NULL, "netsonde " NETSONDE_VERSION ", configuration %s", config->file);
	log_warnings(config);
	rights_raise_descriptors();
	return run_config(config);
}
