/*
 * The command line: one function a command, and a small table-driven reader of its arguments.
 */
#ifndef NETSONDE_DAEMON_COMMAND_H
#define NETSONDE_DAEMON_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Exit codes. */
enum { COMMAND_OK = 0, COMMAND_FAILED = 1, COMMAND_USAGE = 2 };

/* argv[0] is the command's name. Each returns an exit code. */
int command_run(int argc, char **argv);
int command_check(int argc, char **argv);
int command_probe(int argc, char **argv);
int command_healthcheck(int argc, char **argv);
int command_geo(int argc, char **argv);
int command_log(int argc, char **argv);
int command_score(int argc, char **argv);

#define COMMAND_CONFIG_DEFAULT "/etc/netsonde/netsonde.conf"
/* given, else NETSONDE_CONFIG of the environment, else COMMAND_CONFIG_DEFAULT. given may be NULL. */
const char *command_config_file(const char *given);

/* One "--name". */
struct command_flag {
	const char *name;
	const char *value; /* what the usage calls its value; NULL: it takes none */
	bool is_bare;      /* the value may be left out: then it is "true" */
	const char *help;
};

struct command_usage {
	const char *line; /* "check [FILE]" */
	const char *text; /* what it does */
	const struct command_flag *flags;
	size_t nflags;
	size_t words_min, words_max;
	const char *end; /* printed after the flags, or NULL */
};

#define COMMAND_WORDS_MAX 64
#define COMMAND_FLAGS_MAX 128

/* What was given. values[i]: of flags[i], or NULL; "true" for flags without a value. Borrowed from argv. */
struct command_line {
	const char *words[COMMAND_WORDS_MAX];
	size_t nwords;
	const char *values[COMMAND_FLAGS_MAX];
};

/* Returns -1 to go on, else the exit code: --help was printed, or an error with the nearest known flag. A flag with a
 * value may be given once only. "-" and "_" in names of flags stand for each other. */
int command_parse(const struct command_usage *usage, struct command_line *line, int argc, char **argv);

void command_print_usage(const struct command_usage *usage, FILE *out);

/* "netsonde: what: ..." and where to find help, on stderr. Returns COMMAND_USAGE. */
int command_refuse(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
