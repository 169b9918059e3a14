#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "daemon/command.h"
#include "daemon/reference.h"
#include "daemon/rights.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

static const struct command commands[] = {
	{"run", command_run, "measure, serve /metrics and write lines until told to stop"},
	{"check", command_check, "check a configuration without running it"},
	{"probe", command_probe, "run one probe once and print what it found"},
	{"geo", command_geo, "print what is known about where addresses are"},
	{"reference", command_reference, "list all options or metrics, or tell how scores are made"},
	{"score", command_score, "say what people would make of a path with given figures"},
	{"log", command_log, "show what waits in the disk log, or export it"},
	{"healthcheck", command_healthcheck, "ask a running daemon whether it is well"},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
	fputs("usage: netsonde COMMAND [ARGUMENT ...]\n\n"
	      "Measures networks, serves the figures to Prometheus and writes them to InfluxDB.\n\ncommands:\n",
	      out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-14s%s\n", commands[i].name, commands[i].help);
	fputs("\n'netsonde COMMAND --help' tells more. 'netsonde --version' prints the version.\n", out);
}

static int refuse_command(const char *word)
{
	const char *names[COMMANDS], *nearest;

	for (size_t i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	nearest = text_nearest(word, names, COMMANDS);
	fprintf(stderr, "netsonde: unknown %s '%s'", word[0] == '-' ? "option" : "command", word);
	if (nearest)
		fprintf(stderr, "; did you mean '%s'?", nearest);
	fputs("\nTry 'netsonde --help'.\n", stderr);
	return COMMAND_USAGE;
}

int main(int argc, char **argv)
{
	mem_prepare();
	if (argc < 2) {
		print_usage(stderr);
		return COMMAND_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_usage(stdout);
		return COMMAND_OK;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V") || !strcmp(argv[1], "version")) {
		puts("netsonde " NETSONDE_VERSION);
		return COMMAND_OK;
	}
	/* Also what only looks at a configuration has its secrets in memory. */
	rights_hide_memory(false);
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	return refuse_command(argv[1]);
}
