#include "daemon/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/command.h"
#include "daemon/reference_print.h"

#define WRAP_COLUMNS 100

/* --- printing ----------------------------------------------------------------------------------------------------- */

void reference_add_cell(struct text *out, const char *string)
{
	for (; *string; string++) {
		if (*string == '|')
			text_add(out, "\\|");
		else if (*string == '<')
			text_add(out, "&lt;");
		else
			text_add_char(out, *string);
	}
}

void reference_add_wrapped(struct text *out, const char *string, unsigned indent)
{
	size_t column = 0;

	while (*string) {
		size_t word = strcspn(string, " ");

		if (column == 0 || column + 1 + word > WRAP_COLUMNS) {
			text_add_format(out, "%s%*s", column ? "\n" : "", (int)indent, "");
			column = indent;
		} else {
			text_add_char(out, ' ');
			column++;
		}
		text_add_bytes(out, string, word);
		column += word;
		string += word;
		string += strspn(string, " ");
	}
	text_add_char(out, '\n');
}

void reference_add_json(struct text *out, json_t *value)
{
	/* 15 digits: 0.9 stays 0.9. */
	char *dumped = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(15));

	if (dumped)
		text_add_format(out, "%s\n", dumped);
	free(dumped);
	json_decref(value);
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static const struct command_flag flags[] = {
	{"markdown", NULL, false, "as a part of a Markdown page"},
	{"json", NULL, false, "as JSON, for programs"},
};

static const struct command_usage usage = {
	.line = "reference {options|metrics|scores|mktxp}",
	.text = "Lists every option of the configuration, or every metric, with what it means; tells how each score is "
		"made; or lists the names of mktxp's metrics and ours.\n"
		"It is made from the tables and by the code that the daemon itself works with.",
	.flags = flags,
	.nflags = sizeof(flags) / sizeof(flags[0]),
	.words_min = 1,
	.words_max = 1,
};

int command_reference(int argc, char **argv)
{
	enum reference_format format = REFERENCE_TEXT;
	struct command_line line;
	struct text out = {0};
	int result = command_parse(&usage, &line, argc, argv);

	if (result != -1)
		return result;
	if (line.values[0] && line.values[1])
		return command_refuse("reference", "--markdown or --json, not both");
	if (line.values[0])
		format = REFERENCE_MARKDOWN;
	else if (line.values[1])
		format = REFERENCE_JSON;
	if (strcmp(line.words[0], "options") == 0)
		reference_options(format, &out);
	else if (strcmp(line.words[0], "metrics") == 0)
		reference_metrics(format, &out);
	else if (strcmp(line.words[0], "scores") == 0)
		reference_scores(format, &out);
	else if (strcmp(line.words[0], "mktxp") == 0)
		reference_names(format, &out);
	else
		return command_refuse("reference", "'%s' is none of 'options', 'metrics', 'scores', 'mktxp'",
				      line.words[0]);
	result = fputs(text_string(&out), stdout) < 0 || fflush(stdout) != 0 ? COMMAND_FAILED : COMMAND_OK;
	text_free(&out);
	return result;
}
