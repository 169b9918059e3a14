#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/config.h"
#include "daemon/reference.h"
#include "daemon/reference_print.h"
#include "probes/probe.h"

/* A key that no table of options describes. */
struct written_key {
	const char *name, *kind, *help;
};

struct section {
	const char *title;       /* "Section agent" */
	const char *key;         /* "agent" */
	const char *environment; /* what begins the names of its variables; NULL = has none */
	const char *help;
	const struct option *options;
	size_t noptions;
	const struct written_key *keys; /* before the options; ends with a NULL name; or NULL */
	const char *type;               /* the probe type, or NULL */
};

static const struct written_key agent_keys[] = {
	{"labels", "group of texts", "Tags of every line that this daemon writes"},
	{NULL, NULL, NULL},
};
static const struct written_key qos_keys[] = {
	{"emodel", "group", "Parameters of the E-model, below"},
	{"objectives", "group", "What every target should keep to, below"},
	{NULL, NULL, NULL},
};
static const struct written_key probe_keys[] = {
	{"type", "text", "What kind of probe this is; it decides which options there are"},
	{NULL, NULL, NULL},
};
static const struct written_key target_keys[] = {
	{"address", "text",
	 "What is measured: an IP address, a host name, host:port or a URL, as the probe type wants it"},
	{"name", "text", "Names the target in series and lines; unique. Default: the address"},
	{"probes", "list of texts", "Which entries of section probes measure it; at least one"},
	{"labels", "group of texts", "Labels of every series and tags of every line of this target"},
	{"objectives", "group", "What this target should keep to; what is not there is as in section qos"},
	{"enabled", "boolean", "\"false\" parks the target: it is checked and shown, but not measured. Default: true"},
	{"<type>", "group", "Options for this target's probes of one type only, in a group with the type's name"},
	{NULL, NULL, NULL},
};

static const struct written_key geo_keys[] = {
	{"overrides", "list of groups", "Places that you know better than databases: see below"},
	{NULL, NULL, NULL},
};
static const struct written_key target_files_keys[] = {
	{"probes", "list of texts", "Which entries of section probes measure these targets; at least one"},
	{"labels", "group of texts", "Labels of every target of these files that has none of that name itself"},
	{NULL, NULL, NULL},
};

/* --- one option as words --------------------------------------------------------------------------------------------
 */

static const char *const kind_words[] = {
	[OPTION_SECONDS] = "seconds", [OPTION_INTEGER] = "integer", [OPTION_NUMBER] = "number",
	[OPTION_SIZE] = "size",       [OPTION_BOOLEAN] = "boolean", [OPTION_TEXT] = "text",
	[OPTION_SECRET] = "secret",   [OPTION_CHOICE] = "choice",   [OPTION_LIST] = "list of texts",
};

static bool has_bounds(const struct option *option)
{
	return option->minimum != 0 || option->maximum != 0;
}

static void add_bound(const struct option *option, double bound, struct text *out)
{
	static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
	size_t unit = 0;

	while (option->kind == OPTION_SIZE && unit < 4 && bound >= 1024 && fmod(bound, 1024) == 0) {
		bound /= 1024;
		unit++;
	}
	text_add_double(out, bound);
	text_add(out, units[unit]);
}

/* "seconds, 0.01 to 86400", "one of ipv4, ipv6" */
static void add_kind(const struct option *option, struct text *out)
{
	if (option->kind == OPTION_CHOICE) {
		text_add(out, "one of ");
		for (size_t i = 0; option->choices[i]; i++)
			text_add_format(out, "%s%s", i ? ", " : "", option->choices[i]);
		return;
	}
	text_add(out, kind_words[option->kind]);
	if (!has_bounds(option))
		return;
	text_add(out, ", ");
	if (isfinite(option->minimum))
		add_bound(option, option->minimum, out);
	text_add(out, isfinite(option->minimum) && isfinite(option->maximum) ? " to " : "");
	if (isfinite(option->maximum))
		add_bound(option, option->maximum, out);
	else
		text_add(out, " or more");
}

/* --- as text --------------------------------------------------------------------------------------------------------
 */

static void print_text_option(const struct section *section, const struct option *option, struct text *out)
{
	text_add_format(out, "  %s: ", option->name);
	add_kind(option, out);
	if (option->fallback)
		text_add_format(out, "; default %s", option->fallback);
	text_add_char(out, '\n');
	reference_add_wrapped(out, option->help ? option->help : "", 6);
	if (option_has_secret_file(section->options, section->noptions, option)) {
		text_add_format(out, "  %s_file: text\n", option->name);
		reference_add_wrapped(out, "File whose first line is the secret", 6);
	}
}

static void print_text_section(const struct section *section, struct text *out)
{
	text_add_format(out, "%s\n", section->title);
	reference_add_wrapped(out, section->help, 2);
	for (size_t i = 0; section->keys && section->keys[i].name; i++) {
		text_add_format(out, "  %s: %s\n", section->keys[i].name, section->keys[i].kind);
		reference_add_wrapped(out, section->keys[i].help, 6);
	}
	for (size_t i = 0; i < section->noptions; i++)
		print_text_option(section, &section->options[i], out);
	if (section->environment)
		text_add_format(out, "  environment: %s_<OPTION>\n", section->environment);
	text_add_char(out, '\n');
}

/* --- as Markdown ----------------------------------------------------------------------------------------------------
 */

static void print_markdown_option(const struct section *section, const struct option *option, struct text *out)
{
	struct text kind = {0};

	add_kind(option, &kind);
	text_add_format(out, "| `%s` | ", option->name);
	reference_add_cell(out, text_string(&kind));
	text_add(out, " | ");
	if (option->fallback && option->fallback[0]) {
		text_add_char(out, '`');
		text_add(out, option->fallback);
		text_add_char(out, '`');
	}
	text_add(out, " | ");
	reference_add_cell(out, option->help ? option->help : "");
	if (option_has_secret_file(section->options, section->noptions, option))
		text_add_format(out, ". Or `%s_file`: the file whose first line it is", option->name);
	text_add(out, " |\n");
	text_free(&kind);
}

static void print_markdown_section(const struct section *section, struct text *out)
{
	text_add_format(out, "### %s\n\n%s.\n\n", section->title, section->help);
	text_add(out, "| option | kind | default | meaning |\n|---|---|---|---|\n");
	for (size_t i = 0; section->keys && section->keys[i].name; i++) {
		text_add_format(out, "| `%s` | %s | | ", section->keys[i].name, section->keys[i].kind);
		reference_add_cell(out, section->keys[i].help);
		text_add(out, " |\n");
	}
	for (size_t i = 0; i < section->noptions; i++)
		print_markdown_option(section, &section->options[i], out);
	text_add_char(out, '\n');
	if (section->environment)
		text_add_format(out, "Environment: `%s_<OPTION>`\n\n", section->environment);
}

/* --- as JSON --------------------------------------------------------------------------------------------------------
 */

static json_t *json_option(const struct option *option)
{
	json_t *object = json_pack("{s:s, s:s, s:s?, s:s}", "name", option->name, "kind", kind_words[option->kind],
				   "default", option->fallback, "help", option->help ? option->help : "");

	if (has_bounds(option) && isfinite(option->minimum))
		json_object_set_new(object, "minimum", json_real(option->minimum));
	if (has_bounds(option) && isfinite(option->maximum))
		json_object_set_new(object, "maximum", json_real(option->maximum));
	if (option->kind == OPTION_CHOICE) {
		json_t *choices = json_array();

		for (size_t i = 0; option->choices[i]; i++)
			json_array_append_new(choices, json_string(option->choices[i]));
		json_object_set_new(object, "choices", choices);
	}
	return object;
}

static json_t *json_section(const struct section *section)
{
	json_t *options = json_array();

	for (size_t i = 0; section->keys && section->keys[i].name; i++)
		json_array_append_new(options,
				      json_pack("{s:s, s:s, s:n, s:s}", "name", section->keys[i].name, "kind",
						section->keys[i].kind, "default", "help", section->keys[i].help));
	for (size_t i = 0; i < section->noptions; i++)
		json_array_append_new(options, json_option(&section->options[i]));
	return json_pack("{s:s, s:s?, s:s?, s:s, s:o}", "section", section->key, "type", section->type, "environment",
			 section->environment, "help", section->help, "options", options);
}

/* --- all of them ----------------------------------------------------------------------------------------------------
 */

static const struct section first_sections[] = {
	{.title = "Section agent",
	 .key = "agent",
	 .environment = "NETSONDE_AGENT",
	 .help = "The daemon itself",
	 .keys = agent_keys,
	 .options = config_agent_options},
	{.title = "Section web",
	 .key = "web",
	 .environment = "NETSONDE_WEB",
	 .help = "The HTTP server",
	 .options = exporter_options},
	{.title = "Section probe_endpoint",
	 .key = "probe_endpoint",
	 .environment = "NETSONDE_PROBE_ENDPOINT",
	 .help = "The page /probe, which measures what a request names: a reload puts all of it in force",
	 .options = config_endpoint_options},
	{.title = "Section availability",
	 .key = "availability",
	 .environment = "NETSONDE_AVAILABILITY",
	 .help = "Outages of each probe of each target, and how much of the time the target was there",
	 .options = availability_options},
	{.title = "Section qos",
	 .key = "qos",
	 .environment = "NETSONDE_QOS",
	 .help = "What people would make of a path: scores of calls, films, games and pages (docs/quality.md)",
	 .keys = qos_keys,
	 .options = config_qos_options},
	{.title = "Section qos, group emodel",
	 .key = "qos.emodel",
	 .environment = "NETSONDE_QOS_EMODEL",
	 .help = "Parameters of the E-model (ITU-T G.107), for voice",
	 .options = emodel_options},
	{.title = "Section qos, group objectives",
	 .key = "qos.objectives",
	 .environment = "NETSONDE_QOS_OBJECTIVES",
	 .help = "What every target should keep to: violations are counted. A target may have a group objectives of "
		 "its "
		 "own",
	 .options = config_objectives_options},
	{.title = "Section routers",
	 .key = "routers",
	 .environment = "NETSONDE_ROUTERS",
	 .help = "What is collected from routers: a reload puts all of it in force, and probes of routers begin anew "
		 "when "
		 "the data sets are others",
	 .options = config_routers_options},
	{.title = "Section probes",
	 .key = "probes",
	 .help = "A group of named entries, each of them a type with options; the types follow below",
	 .keys = probe_keys},
	{.title = "Section targets",
	 .key = "targets",
	 .help = "A list of groups: what is measured. Any option of the target's probes may stand here too: it holds "
		 "for "
		 "this target alone",
	 .keys = target_keys},
	{.title = "Section target_files",
	 .key = "target_files",
	 .help = "A list of groups: targets that stand in files of their own. Any option of the probes may stand here "
		 "too: it "
		 "holds for all targets of these files",
	 .keys = target_files_keys,
	 .options = config_target_files_options},
	{.title = "Section geo",
	 .key = "geo",
	 .environment = "NETSONDE_GEO",
	 .help = "Where targets are: a reload puts all of it in force",
	 .keys = geo_keys,
	 .options = geo_options},
	{.title = "Section geo, entries of overrides",
	 .key = "geo.overrides",
	 .help = "A list of groups: what holds for some networks or targets instead of what databases say. What an "
		 "entry "
		 "does not tell is taken from them",
	 .options = geo_override_options},
	{.title = "Section influx",
	 .key = "influx",
	 .environment = "NETSONDE_INFLUX_<NAME>",
	 .help = "A list of groups: where lines go to. With path it is a file, with url and bucket an InfluxDB 2, with "
		 "url and database an InfluxDB 1",
	 .options = influx_options},
	{.title = "Section disk_log",
	 .key = "disk_log",
	 .environment = "NETSONDE_DISK_LOG",
	 .help = "Where lines wait until every server among the outputs has them. It is written once for all of them",
	 .options = influx_log_options},
};

static void print_section(const struct section *section, enum reference_format format, struct text *out,
			  json_t *sections)
{
	switch (format) {
	case REFERENCE_TEXT:
		print_text_section(section, out);
		break;
	case REFERENCE_MARKDOWN:
		print_markdown_section(section, out);
		break;
	case REFERENCE_JSON:
		json_array_append_new(sections, json_section(section));
		break;
	}
}

/* The lengths of the tables are not constants of this file. */
static size_t count_options(const struct section *section)
{
	if (section->options == config_agent_options)
		return config_agent_noptions;
	if (section->options == exporter_options)
		return exporter_noptions;
	if (section->options == config_endpoint_options)
		return config_endpoint_noptions;
	if (section->options == availability_options)
		return availability_noptions;
	if (section->options == config_qos_options)
		return config_qos_noptions;
	if (section->options == config_routers_options)
		return config_routers_noptions;
	if (section->options == emodel_options)
		return emodel_noptions;
	if (section->options == config_objectives_options)
		return config_objectives_noptions;
	if (section->options == config_target_files_options)
		return config_target_files_noptions;
	if (section->options == geo_options)
		return geo_noptions;
	if (section->options == geo_override_options)
		return geo_override_noptions;
	if (section->options == influx_log_options)
		return influx_log_noptions;
	return section->options == influx_options ? influx_noptions : 0;
}

static void print_type(const struct probe_type *type, enum reference_format format, struct text *out, json_t *sections)
{
	struct text title = {0};
	struct section section = {
		.key = "probes",
		.environment = "NETSONDE_PROBES_<NAME>",
		.help = type->help,
		.options = type->options,
		.noptions = type->noptions,
		.type = type->name,
	};

	text_add_format(&title, "Probe type %s", type->name);
	section.title = text_string(&title);
	print_section(&section, format, out, sections);
	text_free(&title);
}

void reference_options(enum reference_format format, struct text *out)
{
	json_t *sections = json_array();

	for (size_t i = 0; i < sizeof(first_sections) / sizeof(first_sections[0]); i++) {
		struct section section = first_sections[i];

		section.noptions = count_options(&section);
		print_section(&section, format, out, sections);
	}
	for (size_t i = 0; probe_types[i]; i++)
		print_type(probe_types[i], format, out, sections);
	if (format == REFERENCE_JSON)
		reference_add_json(out, json_pack("{s:o}", "sections", sections));
	else
		json_decref(sections);
}
