#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "core/log.h"
#include "daemon/command.h"
#include "daemon/config.h"
#include "daemon/target_files.h"
#include "geo/edition.h"

static const struct command_flag flags[] = {
	{"config", "FILE", false, "the same as the argument FILE"},
};
static const struct command_usage usage = {
	.line = "check [FILE]",
	.text = "Reads a configuration, its target files and the files of TLS and users, and its databases, and says "
		"what is wrong with "
		"them:\n"
		"one line each, FILE:LINE: WHAT: WHY. Opens no socket and no output. FILE defaults to NETSONDE_CONFIG, "
		"else to\n" COMMAND_CONFIG_DEFAULT ".",
	.flags = flags,
	.nflags = 1,
	.words_max = 1,
	.end = "exit code: 0 = the configuration is good, 1 = it is not, 2 = wrong use",
};

static size_t count_probes(const struct config *config)
{
	size_t n = 0;

	for (size_t i = 0; i < config->ntargets; i++)
		n += config->targets[i].is_parked ? 0 : config->targets[i].nassignments;
	return n;
}

/* false: a target file is broken. */
static bool check_target_files(const struct config *config, struct target_files_count *count)
{
	struct target_files *files = target_files_open(config, NULL, NULL, NULL, NULL);
	struct text errors = {0};
	size_t n = target_files_errors(files, &errors);

	*count = target_files_count(files);
	fputs(text_string(&errors), stderr);
	text_free(&errors);
	target_files_close(files);
	return n == 0;
}

/* false: TLS, users or tokens of the web server are broken. */
static bool check_web_files(const struct config *config, const char *file)
{
	struct err err = {0};

	if (exporter_check(&config->web, &err) == 0)
		return true;
	fprintf(stderr, "%s: %s\n", file, err.text);
	return false;
}

/* false: a database that must be there is not, or is bad. */
static bool check_databases(const struct config *config, const char *file)
{
	struct edition_plan plan;
	struct edition *edition;
	struct err err = {0};

	config_plan_geo(config, &plan);
	edition = edition_create(&plan, NULL, &err);
	if (!edition)
		fprintf(stderr, "%s: %s\n", file, err.text);
	edition_release(edition);
	return edition != NULL;
}

static int print_result(const struct config *config, const char *file)
{
	struct target_files_count more;
	struct text warnings = {0};
	/* Both, so that all errors are told at once. */
	bool are_targets_good = check_target_files(config, &more), is_web_good = check_web_files(config, file);
	bool are_databases_good = check_databases(config, file);

	if (!are_targets_good || !is_web_good || !are_databases_good)
		return COMMAND_FAILED;
	config_warn(config, &warnings);
	fputs(text_string(&warnings), stderr);
	text_free(&warnings);
	printf("%s: ok: %zu targets, %zu probes, about %zu series\n", file, config->ntargets + more.targets,
	       count_probes(config) + more.probes, config_count_series(config) + more.series);
	return COMMAND_OK;
}

int command_check(int argc, char **argv)
{
	struct text errors = {0};
	struct command_line line;
	struct config *config;
	const char *file;
	int result = command_parse(&usage, &line, argc, argv);

	if (result != -1)
		return result;
	/* What is wrong is printed; the log would say it again. */
	log_configure(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	file = command_config_file(line.nwords ? line.words[0] : line.values[0]);
	config = config_load(file, &errors);
	result = COMMAND_FAILED;
	if (config)
		result = print_result(config, file);
	else
		fputs(text_string(&errors), stderr);
	text_free(&errors);
	config_free(config);
	return result;
}
