#include "daemon/command.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

/* Width of the column of flags in a usage text. */
#define FLAG_COLUMN 30
/* Where its lines are broken. */
#define LINE_WIDTH 100

const char *command_config_file(const char *given)
{
	const char *from_environment = getenv("NETSONDE_CONFIG");

	if (given)
		return given;
	return from_environment && *from_environment ? from_environment : COMMAND_CONFIG_DEFAULT;
}

/* Text from a column on, broken at spaces. The cursor is in that column. */
static void print_wrapped(const char *text, FILE *out)
{
	int column = FLAG_COLUMN;

	while (*text) {
		int n = (int)strcspn(text, " ");

		if (column > FLAG_COLUMN && column + 1 + n > LINE_WIDTH) {
			fprintf(out, "\n%*s", FLAG_COLUMN, "");
			column = FLAG_COLUMN;
		} else if (column > FLAG_COLUMN) {
			fputc(' ', out);
			column++;
		}
		column += fprintf(out, "%.*s", n, text);
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void print_flag(const struct command_flag *flag, FILE *out)
{
	int width;

	if (!flag->value)
		width = fprintf(out, "  --%s", flag->name);
	else if (flag->is_bare)
		width = fprintf(out, "  --%s[=%s]", flag->name, flag->value);
	else
		width = fprintf(out, "  --%s=%s", flag->name, flag->value);
	if (width < FLAG_COLUMN)
		fprintf(out, "%*s", FLAG_COLUMN - width, "");
	else
		fprintf(out, "\n%*s", FLAG_COLUMN, "");
	print_wrapped(flag->help, out);
}

void command_print_usage(const struct command_usage *usage, FILE *out)
{
	static const struct command_flag help = {.name = "help", .help = "show this text"};

	fprintf(out, "usage: netsonde %s\n\n%s\n\noptions:\n", usage->line, usage->text);
	for (size_t i = 0; i < usage->nflags; i++)
		print_flag(&usage->flags[i], out);
	print_flag(&help, out);
	if (usage->end)
		fprintf(out, "\n%s\n", usage->end);
}

int command_refuse(const char *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "netsonde %s: ", command);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nTry 'netsonde %s --help'.\n", command);
	return COMMAND_USAGE;
}

/* Are these the same, with "-" and "_" for each other? n: length of the word. */
static bool is_name(const char *name, const char *word, size_t n)
{
	if (strlen(name) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (name[i] != word[i] && !(strchr("_-", name[i]) && strchr("_-", word[i])))
			return false;
	return true;
}

static int refuse_flag(const struct command_usage *usage, const char *command, const char *word, size_t n)
{
	const char *names[COMMAND_FLAGS_MAX + 1], *nearest;
	char name[64];

	for (size_t i = 0; i < usage->nflags; i++)
		names[i] = usage->flags[i].name;
	names[usage->nflags] = "help";
	snprintf(name, sizeof(name), "%.*s", (int)(n < sizeof(name) ? n : sizeof(name) - 1), word);
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	nearest = text_nearest(name, names, usage->nflags + 1);
	if (nearest)
		return command_refuse(command, "unknown option --%.*s; did you mean --%s?", (int)n, word, nearest);
	return command_refuse(command, "unknown option --%.*s", (int)n, word);
}

/* The arguments while they are read. */
struct reading_line {
	const struct command_usage *usage;
	struct command_line *line;
	char **argv;
	int argc, at;
};

static int store_flag(struct reading_line *reading, size_t i, const char *value)
{
	const struct command_flag *flag = &reading->usage->flags[i];
	const char *command = reading->argv[0];

	if (value && !flag->value)
		return command_refuse(command, "--%s takes no value", flag->name);
	if (!value && flag->value && !flag->is_bare) {
		if (reading->at + 1 >= reading->argc)
			return command_refuse(command, "--%s needs a value: --%s=%s", flag->name, flag->name,
					      flag->value);
		value = reading->argv[++reading->at];
	}
	/* A switch that comes twice says the same. */
	if (reading->line->values[i] && flag->value)
		return command_refuse(command, "--%s is given twice", flag->name);
	reading->line->values[i] = value ? value : "true";
	return -1;
}

static int read_flag(struct reading_line *reading)
{
	const char *word = reading->argv[reading->at] + 2;
	const char *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : strlen(word);

	if (is_name("help", word, n)) {
		command_print_usage(reading->usage, stdout);
		return COMMAND_OK;
	}
	for (size_t i = 0; i < reading->usage->nflags; i++)
		if (is_name(reading->usage->flags[i].name, word, n))
			return store_flag(reading, i, equals ? equals + 1 : NULL);
	return refuse_flag(reading->usage, reading->argv[0], word, n);
}

static int read_word(struct reading_line *reading)
{
	const char *word = reading->argv[reading->at];

	if (reading->line->nwords >= reading->usage->words_max)
		return command_refuse(reading->argv[0], "unexpected argument '%s'", word);
	reading->line->words[reading->line->nwords++] = word;
	return -1;
}

int command_parse(const struct command_usage *usage, struct command_line *line, int argc, char **argv)
{
	struct reading_line reading = {usage, line, argv, argc, 1};
	bool has_flags_ended = false;
	int result = -1;

	memset(line, 0, sizeof(*line));
	for (; reading.at < argc && result == -1; reading.at++) {
		const char *argument = argv[reading.at];

		if (has_flags_ended || argument[0] != '-' || !argument[1])
			result = read_word(&reading);
		else if (!strcmp(argument, "--"))
			has_flags_ended = true;
		else if (argument[1] == '-')
			result = read_flag(&reading);
		else if (!strcmp(argument, "-h")) {
			command_print_usage(usage, stdout);
			result = COMMAND_OK;
		} else
			result = command_refuse(argv[0], "unknown option %s", argument);
	}
	if (result == -1 && line->nwords < usage->words_min)
		return command_refuse(argv[0], "an argument is missing: netsonde %s", usage->line);
	return result;
}
