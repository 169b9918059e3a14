#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/command.h"

static const struct command_flag flags[] = {
	{"config", "FILE", false,
	 "the configuration, with a help text that is so long that it has to be broken at some space before its end"},
	{"json", NULL, false, "as JSON"},
	{"keep_it", "yes|no", true, "a switch"},
	{"a_name_that_is_wider_than_the_column", "VALUE", false, "far right"},
};
static const struct command_usage usage = {
	.line = "try WORD [WORD]",
	.text = "Tries.",
	.flags = flags,
	.nflags = 4,
	.words_min = 1,
	.words_max = 2,
	.end = "the end",
};

#define ARGUMENTS_MAX 8

/* The arguments in one string, at spaces. */
static int parse(const char *arguments, struct command_line *line)
{
	static char copy[256];
	char *argv[ARGUMENTS_MAX + 1] = {(char *)"try"}, *at = copy, *word;
	int argc = 1;

	strcpy(copy, arguments);
	while ((word = strtok_r(at, " ", &at)) && argc < ARGUMENTS_MAX)
		argv[argc++] = word;
	return command_parse(&usage, line, argc, argv);
}

static const char *shown(const char *value)
{
	return value ? value : "-";
}

Test(command, reads_flags_and_words)
{
	static const struct {
		const char *arguments, *words, *values;
	} cases[] = {
		{"a", "a", "- - -"},
		{"a b", "a b", "- - -"},
		{"a --config=x", "a", "x - -"},
		{"--config x a", "a", "x - -"},
		{"a --config=", "a", " - -"},
		{"a --config=x=y", "a", "x=y - -"},
		{"a --config --json", "a", "--json - -"},
		{"--json a --json", "a", "- true -"},
		{"a --keep_it", "a", "- - true"},
		{"a --keep-it=no", "a", "- - no"},
		{"--keep-it a", "a", "- - true"},
		{"-- --json a", "--json a", "- - -"},
		{"a -- -x", "a -x", "- - -"},
		{"a -", "a -", "- - -"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct command_line line;
		char words[64] = "", values[64];

		cr_expect_eq(parse(cases[i].arguments, &line), -1, "%s", cases[i].arguments);
		for (size_t j = 0; j < line.nwords; j++)
			snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s%s", j ? " " : "",
				 line.words[j]);
		snprintf(values, sizeof(values), "%s %s %s", shown(line.values[0]), shown(line.values[1]),
			 shown(line.values[2]));
		cr_expect_str_eq(words, cases[i].words, "%s: %s", cases[i].arguments, words);
		cr_expect_str_eq(values, cases[i].values, "%s: %s", cases[i].arguments, values);
	}
}

static char *captured(FILE *file)
{
	static char content[4096];
	size_t n = fread(content, 1, sizeof(content) - 1, file);

	content[n] = '\0';
	return content;
}

/* Each case in a process of its own: what it prints is caught. */
struct refused {
	char arguments[128], wanted[128];
};

ParameterizedTestParameters(command, refuses)
{
	static struct refused cases[] = {
		{"", "netsonde try: an argument is missing: netsonde try WORD [WORD]\n"},
		{"a b c", "netsonde try: unexpected argument 'c'\n"},
		{"a --confgi=x", "netsonde try: unknown option --confgi; did you mean --config?\n"},
		{"a --keep-ti", "netsonde try: unknown option --keep-ti; did you mean --keep_it?\n"},
		{"a --hepl", "netsonde try: unknown option --hepl; did you mean --help?\n"},
		{"a --zzzzzzzz=1", "netsonde try: unknown option --zzzzzzzz\n"},
		{"a --zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
		 "unknown option --zzz"},
		{"a --=1", "netsonde try: unknown option --\n"},
		{"a --json=1", "netsonde try: --json takes no value\n"},
		{"a --config", "netsonde try: --config needs a value: --config=FILE\n"},
		{"--config=x a --config=y", "netsonde try: --config is given twice\n"},
		{"a --config=x --config x", "netsonde try: --config is given twice\n"},
		{"a --keep-it --keep_it=no", "netsonde try: --keep_it is given twice\n"},
		{"a -j", "netsonde try: unknown option -j\n"},
	};

	return cr_make_param_array(struct refused, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct refused *refused, command, refuses, .init = cr_redirect_stderr)
{
	struct command_line line;
	char *text;

	cr_expect_eq(parse(refused->arguments, &line), COMMAND_USAGE);
	fflush(stderr);
	text = captured(cr_get_redirected_stderr());
	cr_expect_not_null(strstr(text, refused->wanted), "%s", text);
	cr_expect_not_null(strstr(text, "\nTry 'netsonde try --help'.\n"), "%s", text);
}

Test(command, help_wins, .init = cr_redirect_stdout)
{
	struct command_line line;

	cr_expect_eq(parse("a --help b c d", &line), COMMAND_OK);
	cr_expect_eq(parse("-h", &line), COMMAND_OK);
	fflush(stdout);
	cr_expect_eq(strncmp(captured(cr_get_redirected_stdout()), "usage: netsonde try", 19), 0);
}

Test(command, usage_is_in_columns)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	command_print_usage(&usage, out);
	fclose(out);
	cr_expect_str_eq(
		text,
		"usage: netsonde try WORD [WORD]\n\nTries.\n\noptions:\n"
		"  --config=FILE               the configuration, with a help text that is so long that it has to be\n"
		"                              broken at some space before its end\n"
		"  --json                      as JSON\n"
		"  --keep_it[=yes|no]          a switch\n"
		"  --a_name_that_is_wider_than_the_column=VALUE\n"
		"                              far right\n"
		"  --help                      show this text\n"
		"\nthe end\n");
	free(text);
}

Test(command, config_file)
{
	unsetenv("NETSONDE_CONFIG");
	cr_expect_str_eq(command_config_file(NULL), "/etc/netsonde/netsonde.conf");
	setenv("NETSONDE_CONFIG", "", 1);
	cr_expect_str_eq(command_config_file(NULL), "/etc/netsonde/netsonde.conf");
	setenv("NETSONDE_CONFIG", "from.environment", 1);
	cr_expect_str_eq(command_config_file(NULL), "from.environment");
	cr_expect_str_eq(command_config_file("given"), "given");
}
