#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/probe_usage.h"

/* --- a type with an option of each kind -------------------------------------------------------------------------- */

static const char *const colours[] = {"red", "green", NULL};
static const struct option options[] = {
	{.name = "wait", .kind = OPTION_SECONDS, .fallback = "1", .help = "Waits"},
	{.name = "number", .kind = OPTION_INTEGER, .fallback = "5", .help = "Counts"},
	{.name = "ratio", .kind = OPTION_NUMBER, .fallback = "", .help = "Divides"},
	{.name = "size", .kind = OPTION_SIZE, .help = "Weighs"},
	{.name = "loud_one", .kind = OPTION_BOOLEAN, .fallback = "false", .help = "Shouts"},
	{.name = "text", .kind = OPTION_TEXT, .help = "Says"},
	{.name = "secret", .kind = OPTION_SECRET, .help = "Hides"},
	{.name = "colour", .kind = OPTION_CHOICE, .choices = colours, .fallback = "red", .help = "Paints"},
	{.name = "list", .kind = OPTION_LIST, .help = "Gathers"},
};
static const char *const manual_settings[] = {"number=77", "wait=2", NULL};
static const struct probe_type type = {
	.name = "sketch",
	.help = "Draws",
	.options = options,
	.noptions = sizeof(options) / sizeof(options[0]),
	.manual_settings = manual_settings,
};

static const struct command_flag *find_flag(const struct probe_usage *usage, const char *name)
{
	for (size_t i = 0; i < usage->usage.nflags; i++)
		if (!strcmp(usage->flags[i].name, name))
			return &usage->flags[i];
	cr_assert_fail("no flag %s", name);
	return NULL;
}

Test(probe_usage, options_become_flags)
{
	static const struct {
		const char *name, *value, *help;
		bool is_bare;
	} cases[] = {
		/* what people get by default is the manual setting */
		{"wait", "SECONDS", "Waits (default: 2)", false},
		{"number", "NUMBER", "Counts (default: 77)", false},
		{"ratio", "NUMBER", "Divides", false},
		{"size", "SIZE", "Weighs", false},
		{"loud_one", "yes|no", "Shouts (default: false)", true},
		{"text", "TEXT", "Says", false},
		{"secret", "TEXT", "Hides", false},
		{"colour", "red|green", "Paints (default: red)", false},
		{"list", "A,B,...", "Gathers", false},
	};
	struct probe_usage usage;

	probe_usage_make(&usage, &type);
	cr_expect_eq(usage.usage.nflags, PROBE_FLAGS + type.noptions);
	cr_expect_str_eq(usage.usage.line, "probe sketch TARGET [--OPTION=VALUE ...]");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct command_flag *flag = find_flag(&usage, cases[i].name);

		cr_expect_str_eq(flag->value, cases[i].value);
		cr_expect_str_eq(flag->help, cases[i].help);
		cr_expect_eq(flag->is_bare, cases[i].is_bare);
	}
	probe_usage_free(&usage);
}

/* More options than fit: the first ones stay, nothing is overrun. */
Test(probe_usage, too_many_options)
{
	struct option many[2 * COMMAND_FLAGS_MAX];
	struct probe_type wide = {.name = "wide", .help = "Spreads", .options = many};
	struct probe_usage usage;

	for (size_t i = 0; i < 2 * COMMAND_FLAGS_MAX; i++)
		many[i] = (struct option){.name = "x", .kind = OPTION_INTEGER, .fallback = "1", .help = "y"};
	wide.noptions = 2 * COMMAND_FLAGS_MAX;
	probe_usage_make(&usage, &wide);
	cr_expect_eq(usage.usage.nflags, COMMAND_FLAGS_MAX);
	probe_usage_free(&usage);
}

Test(probe_usage, without_a_type_they_are_listed)
{
	struct probe_usage usage;

	probe_usage_make(&usage, NULL);
	cr_expect_eq(usage.usage.nflags, PROBE_FLAGS);
	cr_expect_not_null(strstr(usage.usage.text, "\n  ping "), "%s", usage.usage.text);
	probe_usage_free(&usage);
}

Test(probe_usage, finds_the_type_among_the_arguments)
{
	static const struct {
		const char *arguments[6];
		const char *wanted;
	} cases[] = {
		{{"probe"}, NULL},
		{{"probe", "ping"}, "ping"},
		{{"probe", "--json", "ping"}, "ping"},
		{{"probe", "--config", "file", "ping"}, "ping"},
		{{"probe", "--config=file", "ping"}, "ping"},
		{{"probe", "--resolver", "ping", "--probe", "x"}, NULL},
		{{"probe", "--config"}, NULL},
		{{"probe", "-x", "ping"}, "ping"},
		{{"probe", "--help"}, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *argv[7] = {NULL};
		const char *found;
		int argc = 0;

		for (; argc < 6 && cases[i].arguments[argc]; argc++)
			argv[argc] = (char *)cases[i].arguments[argc];
		found = probe_usage_find_type(argc, argv);
		cr_expect_str_eq(found ? found : "-", cases[i].wanted ? cases[i].wanted : "-", "case %zu", i);
	}
}

Test(probe_usage, names_the_nearest_type, .init = cr_redirect_stderr)
{
	cr_expect_eq(probe_usage_refuse_type("pign"), COMMAND_USAGE);
	fflush(stderr);
	cr_expect_stderr_eq_str("netsonde probe: unknown type 'pign'; did you mean ping?\n"
				"Try 'netsonde probe --help'.\n");
}

Test(probe_usage, names_all_types, .init = cr_redirect_stderr)
{
	char text[256] = "";
	FILE *err;

	cr_expect_eq(probe_usage_refuse_type("carrier-pigeon"), COMMAND_USAGE);
	fflush(stderr);
	err = cr_get_redirected_stderr();
	text[fread(text, 1, sizeof(text) - 1, err)] = '\0';
	cr_expect_not_null(strstr(text, "unknown type 'carrier-pigeon'; there are: "), "%s", text);
	cr_expect_not_null(strstr(text, "ping"), "%s", text);
}

/* --- the plain print --------------------------------------------------------------------------------------------- */

static const struct measure measures[] = {
	{"count_total", MEASURE_COUNTER, "c"},
	{"spent_seconds_total", MEASURE_COUNTER_SECONDS, "s"},
	{"level", MEASURE_GAUGE, "g"},
	{"signed", MEASURE_INTEGER, "i"},
	{"rtt_seconds", MEASURE_HISTOGRAM, "h"},
	{"info", MEASURE_INFO, "n"},
	{"text", MEASURE_TEXT, "t"},
};
static const struct measure_set set = {"sketch", measures, 7, NULL, "a"};

static char *printed(const struct sample *sample)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	probe_usage_print_sample(sample, out);
	fclose(out);
	return text;
}

Test(probe_usage, prints_every_reading)
{
	static const int64_t observed_ns[] = {2000000, 1000000, 6000000};
	static const struct label labels[] = {{"hop", "1\x1b[2J"}};
	const struct reading all[] = {
		reading_integer(0, 3),     reading_integer(1, 1500000000),       reading_number(2, 0.25),
		reading_integer(3, -4),    reading_histogram(4, observed_ns, 3), reading_integer(5, 1),
		reading_text(6, "bell\a"),
	};
	const struct reading few[] = {reading_histogram(4, NULL, 0), reading_text(6, NULL)};
	const struct row rows[] = {{&set, NULL, 0, all, 7}, {&set, labels, 1, few, 2}};
	const struct subject subject = {"t1", "p", "sketch", NULL, 0};
	struct sample sample = {
		.subject = &subject, .reason = REASON_REFUSED, .took_ns = 1500000, .rows = rows, .nrows = 2};
	char *text;

	cr_assert(address_parse("192.0.2.7", &sample.address));
	text = printed(&sample);
	cr_expect_str_eq(text,
			 "t1 (192.0.2.7): refused in 0.001500 s\n"
			 "sketch\n"
			 "  count_total                     3\n"
			 "  spent_seconds_total             1.5\n"
			 "  level                           0.25\n"
			 "  signed                          -4\n"
			 "  rtt_seconds                     3: min 0.001000, avg 0.003000, max 0.006000\n"
			 "  info                            1\n"
			 "  text                            bell?\n"
			 "sketch hop=1?[2J\n"
			 "  rtt_seconds                     none\n"
			 "  text                            \n",
			 "%s", text);
	free(text);
	sample.address.family = ADDRESS_NONE;
	sample.nrows = 0;
	text = printed(&sample);
	cr_expect_str_eq(text, "t1 (?): refused in 0.001500 s\n");
	free(text);
}

Test(probe_usage, lines_cannot_move_the_cursor)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	probe_usage_print_line("a\tb\x1b[2J\x7f\r M\xc3\xbcnchen", out);
	fclose(out);
	cr_expect_str_eq(text, "a?b?[2J?? M\xc3\xbcnchen\n");
	free(text);
}
