#include "daemon/probe_usage.h"

#include <string.h>

#include "core/clock.h"
#include "core/mem.h"

#define TYPES_MAX 64

static const struct command_flag own_flags[PROBE_TRACE_FLAGS] = {
	[PROBE_FLAG_JSON] = {"json", NULL, false, "print the result as one JSON object"},
	[PROBE_FLAG_CONFIG] = {"config", "FILE", false,
			       "take the resolver from this configuration, and with --probe the settings"},
	[PROBE_FLAG_PROBE] = {"probe", "NAME", false, "begin with the settings of this probe of the configuration"},
	[PROBE_FLAG_RESOLVER] = {"resolver", "SERVERS", false, "DNS servers: 192.0.2.1,[2001:db8::1]:53"},
	[PROBE_FLAG_REPORT] = {"report", NULL, false,
			       "print one table when all runs have ended, also on a terminal; with --json as JSON"},
	[PROBE_FLAG_CYCLES] = {"cycles", "NUMBER", false,
			       "end after so many runs (default: 10 for a report, none on a terminal)"},
	[PROBE_FLAG_ONCE] = {"once", NULL, false, "one run, with its log and a line for each hop; as --json alone"},
};

static bool is_trace(const struct probe_type *type)
{
	return type && strcmp(type->name, "traceroute") == 0;
}

/* Is this a flag of the command whose value is the next argument? */
static bool has_value_behind(const char *argument)
{
	for (size_t i = 0; i < PROBE_TRACE_FLAGS; i++)
		if (own_flags[i].value && !strncmp(argument, "--", 2) && !strcmp(argument + 2, own_flags[i].name))
			return true;
	return false;
}

const char *probe_usage_find_type(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-')
			return argv[i];
		if (has_value_behind(argv[i]))
			i++;
	}
	return NULL;
}

static void add_types(struct text *out, const char *before, const char *between)
{
	for (const struct probe_type *const *type = probe_types; *type; type++) {
		text_add_format(out, "%s%s", type == probe_types ? before : between, (*type)->name);
	}
}

int probe_usage_refuse_type(const char *word)
{
	const char *names[TYPES_MAX] = {NULL}, *nearest;
	struct text types = {0};
	size_t n = 0;

	for (; probe_types[n] && n < TYPES_MAX; n++)
		names[n] = probe_types[n]->name;
	nearest = text_nearest(word, names, n);
	add_types(&types, "", ", ");
	if (nearest)
		command_refuse("probe", "unknown type '%s'; did you mean %s?", word, nearest);
	else
		command_refuse("probe", "unknown type '%s'; there are: %s", word, text_string(&types));
	text_free(&types);
	return COMMAND_USAGE;
}

/* --- options as flags -------------------------------------------------------------------------------------------- */

static const char *own_string(struct probe_usage *usage, char *string)
{
	usage->owned[usage->nowned++] = string;
	return string;
}

static char *choices_text(const struct option *option)
{
	struct text text = {0};

	for (const char *const *choice = option->choices; *choice; choice++)
		text_add_format(&text, "%s%s", choice == option->choices ? "" : "|", *choice);
	return text_take(&text);
}

static char *value_text(const struct option *option)
{
	static const char *const names[] = {
		[OPTION_SECONDS] = "SECONDS", [OPTION_INTEGER] = "NUMBER", [OPTION_NUMBER] = "NUMBER",
		[OPTION_SIZE] = "SIZE",       [OPTION_BOOLEAN] = "yes|no", [OPTION_TEXT] = "TEXT",
		[OPTION_SECRET] = "TEXT",     [OPTION_LIST] = "A,B,...",
	};

	return option->kind == OPTION_CHOICE ? choices_text(option) : mem_copy_string(names[option->kind]);
}

/* The default here: the one for people, else that of the configuration. Borrowed; NULL when there is none. */
static const char *fallback_of(const struct probe_type *type, const struct option *option)
{
	size_t n = strlen(option->name);

	for (const char *const *pair = type->manual_settings; pair && *pair; pair++)
		if (!strncmp(*pair, option->name, n) && (*pair)[n] == '=')
			return *pair + n + 1;
	return option->fallback;
}

static struct command_flag option_flag(struct probe_usage *usage, const struct probe_type *type,
				       const struct option *option)
{
	const char *fallback = fallback_of(type, option);
	struct command_flag flag = {.name = option->name, .is_bare = option->kind == OPTION_BOOLEAN};

	flag.value = own_string(usage, value_text(option));
	flag.help = fallback && *fallback ? own_string(usage, mem_format("%s (default: %s)", option->help, fallback))
					  : option->help;
	return flag;
}

static const char trace_text[] = "Runs every second (--interval) and shows what was found so far as a table, until q "
				 "or Ctrl-C;\nwhen the output "
				 "is no terminal, ten times, and then prints the table.";

static void describe_type(struct probe_usage *usage, const struct probe_type *type)
{
	for (size_t i = 0; i < type->noptions && usage->usage.nflags < COMMAND_FLAGS_MAX; i++)
		usage->flags[usage->usage.nflags++] = option_flag(usage, type, &type->options[i]);
	usage->usage.line = own_string(usage, mem_format("probe %s TARGET [--OPTION=VALUE ...]", type->name));
	usage->usage.text =
		own_string(usage, mem_format("%s. %s", type->help,
					     is_trace(type) ? trace_text : "Runs once and prints what it found."));
}

static void describe_types(struct probe_usage *usage)
{
	struct text text = {0};

	text_add(&text, "Runs one probe once and prints what it found.\n\ntypes:");
	for (const struct probe_type *const *type = probe_types; *type; type++)
		text_add_format(&text, "\n  %-28s%s", (*type)->name, (*type)->help);
	usage->usage.line = "probe TYPE TARGET [--OPTION=VALUE ...]";
	usage->usage.text = own_string(usage, text_take(&text));
}

void probe_usage_make(struct probe_usage *usage, const struct probe_type *type)
{
	memset(usage, 0, sizeof(*usage));
	memcpy(usage->flags, own_flags, sizeof(own_flags));
	usage->nown = is_trace(type) ? PROBE_TRACE_FLAGS : PROBE_FLAGS;
	usage->usage.flags = usage->flags;
	usage->usage.nflags = usage->nown;
	usage->usage.words_min = usage->usage.words_max = 2;
	usage->usage.end = type ? "exit code: 0 = successful, 1 = the probe failed, 2 = wrong use"
				: "'netsonde probe TYPE --help' lists the options of a type.\n"
				  "exit code: 0 = successful, 1 = the probe failed, 2 = wrong use";
	if (type)
		describe_type(usage, type);
	else
		describe_types(usage);
}

void probe_usage_free(struct probe_usage *usage)
{
	while (usage->nowned > 0)
		mem_free(usage->owned[--usage->nowned]);
}

/* --- a sample, plainly ------------------------------------------------------------------------------------------- */

static void add_observed(struct text *out, const struct reading *reading)
{
	const int64_t *values = reading->value.observed_ns;
	int64_t min, max;
	double sum = 0;

	if (reading->count == 0) {
		text_add(out, "none");
		return;
	}
	min = max = values[0];
	for (unsigned i = 0; i < reading->count; i++) {
		min = values[i] < min ? values[i] : min;
		max = values[i] > max ? values[i] : max;
		sum += (double)values[i];
	}
	text_add_format(out, "%u: min %.6f, avg %.6f, max %.6f", reading->count, clock_seconds(min),
			sum / reading->count / 1e9, clock_seconds(max));
}

/* Strangers' text is not to move the cursor of a terminal. */
static void add_printable(struct text *out, const char *string)
{
	for (; *string; string++)
		text_add_char(out, (unsigned char)*string < 0x20 || *string == 0x7f ? '?' : *string);
}

static void add_value(struct text *out, const struct measure *measure, const struct reading *reading)
{
	switch (measure->kind) {
	case MEASURE_COUNTER:
	case MEASURE_INTEGER:
		text_add_integer(out, reading->value.integer);
		break;
	case MEASURE_COUNTER_SECONDS:
		text_add_seconds(out, reading->value.integer);
		break;
	case MEASURE_GAUGE:
		text_add_double(out, reading->value.number);
		break;
	case MEASURE_HISTOGRAM:
		add_observed(out, reading);
		break;
	case MEASURE_INFO:
		text_add(out, "1");
		break;
	case MEASURE_TEXT:
		add_printable(out, reading->value.text ? reading->value.text : "");
		break;
	}
}

static void add_row(struct text *out, const struct row *row)
{
	text_add(out, row->set->name);
	for (size_t i = 0; i < row->nlabels; i++) {
		text_add_format(out, " %s=", row->labels[i].name);
		add_printable(out, row->labels[i].value);
	}
	text_add_char(out, '\n');
	for (size_t i = 0; i < row->n; i++) {
		const struct measure *measure = &row->set->measures[row->readings[i].measure];

		text_add_format(out, "  %-32s", measure->name);
		add_value(out, measure, &row->readings[i]);
		text_add_char(out, '\n');
	}
}

void probe_usage_print_line(const char *line, FILE *out)
{
	struct text text = {0};

	add_printable(&text, line);
	text_add_char(&text, '\n');
	fwrite(text.bytes, 1, text.length, out);
	text_free(&text);
}

void probe_usage_print_sample(const struct sample *sample, FILE *out)
{
	char address[ADDRESS_TEXT_SIZE] = "?";
	struct text text = {0};

	if (sample->address.family != ADDRESS_NONE)
		address_format(&sample->address, address);
	text_add_format(&text, "%s (%s): %s in %.6f s\n", sample->subject->target, address, reason_name(sample->reason),
			clock_seconds(sample->took_ns));
	for (size_t i = 0; i < sample->nrows; i++)
		add_row(&text, &sample->rows[i]);
	fwrite(text.bytes, 1, text.length, out);
	text_free(&text);
}
