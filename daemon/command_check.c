#include <stdio.h>

#include "daemon/command.h"
#include "daemon/config.h"

static const struct command_flag flags[] = {
	{"config", "FILE", false, "the same as the argument FILE"},
};
static const struct command_usage usage = {
	.line = "check [FILE]",
	.text = "Reads a configuration and says what is wrong with it: one line each, FILE:LINE: WHAT: WHY. Opens no "
		"socket\n"
		"and no output. FILE defaults to NETSONDE_CONFIG, else to " COMMAND_CONFIG_DEFAULT ".",
	.flags = flags,
	.nflags = 1,
	.words_max = 1,
	.end = "exit code: 0 = the configuration is good, 1 = it is not, 2 = wrong use",
};

static size_t count_probes(const struct config *config)
{
	size_t n = 0;

	for (size_t i = 0; i < config->ntargets; i++)
		n += config->targets[i].nassignments;
	return n;
}

static void print_result(const struct config *config, const char *file)
{
	struct text warnings = {0};

	config_warn(config, &warnings);
	fputs(text_string(&warnings), stderr);
	text_free(&warnings);
	printf("%s: ok: %zu targets, %zu probes, about %zu series\n", file, config->ntargets, count_probes(config),
	       config_count_series(config));
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
	file = command_config_file(line.nwords ? line.words[0] : line.values[0]);
	config = config_load(file, &errors);
	if (config)
		print_result(config, file);
	else
		fputs(text_string(&errors), stderr);
	result = config ? COMMAND_OK : COMMAND_FAILED;
	text_free(&errors);
	config_free(config);
	return result;
}
