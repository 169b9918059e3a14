#include "daemon/config.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/mem.h"
#include "daemon/config_chunks.h"
#include "daemon/config_reader.h"
#include "daemon/endpoint.h"
#include "daemon/user.h"

#define HOST_NAME_SIZE 256

/* More targets than this are read in pieces of so many. */
#define TARGETS_AT_ONCE 1000

static const char *const agent_others[] = {"labels", NULL};
static const char *const probe_others[] = {"type", NULL};

/* --- agent and web ---------------------------------------------------------------------------------------------------
 */

static struct config_scope agent_scope(struct config *config)
{
	return (struct config_scope){config_agent_options, config_agent_noptions, &config->agent};
}

static struct config_scope web_scope(struct config *config)
{
	return (struct config_scope){exporter_options, exporter_noptions, &config->web};
}

static struct config_scope endpoint_scope(struct config *config)
{
	return (struct config_scope){config_endpoint_options, config_endpoint_noptions, &config->probe_endpoint};
}

static struct config_scope availability_scope(struct config *config)
{
	return (struct config_scope){availability_options, availability_noptions, &config->availability};
}

static struct config_scope disk_log_scope(struct config *config)
{
	return (struct config_scope){influx_log_options, influx_log_noptions, &config->disk_log};
}

/* A section that is not written has its defaults. */
static void read_section(struct config_reader *reader, const config_setting_t *section,
			 const struct config_scope *scope, const char *const *others)
{
	if (section && config_is_group(reader, section))
		config_read_group(reader, section, scope, others);
}

/* Texts that the tables cannot check. */
static void check_agent(struct config_reader *reader, const config_setting_t *root)
{
	struct config_agent *settings = &reader->config->agent;
	char host[HOST_NAME_SIZE] = "";
	struct err err = {0};
	struct user user;

	if (!settings->name || !settings->name[0]) {
		gethostname(host, sizeof(host) - 1);
		mem_free(settings->name);
		settings->name = mem_copy_string(host[0] ? host : "localhost");
	}
	if (strlen(settings->name) > CONFIG_NAME_BYTES_MAX) {
		err_set(&err, "is longer than %d bytes", CONFIG_NAME_BYTES_MAX);
		config_error_of_option(reader, root, "agent.name", err.text);
	}
	if (settings->resolver && config_check_resolver(settings->resolver, &err) < 0)
		config_error_of_option(reader, root, "agent.resolver", err.text);
	if (settings->user && user_find(settings->user, &user, &err) < 0)
		config_error_of_option(reader, root, "agent.user", err.text);
}

static void check_web(struct config_reader *reader, const config_setting_t *root)
{
	const struct option_list *listen = &reader->config->web.listen;
	struct err err = {0};

	for (size_t i = 0; i < listen->n; i++) {
		if (config_check_listen(listen->items[i], &err) < 0)
			config_error_of_option(reader, root, "web.listen", err.text);
	}
}

/* --- probes ----------------------------------------------------------------------------------------------------------
 */

static const struct probe_type *type_named(struct config_reader *reader, const config_setting_t *setting)
{
	const char *names[64], *nearest;
	size_t n = 0;
	char *name = config_text_of(reader, setting, CONFIG_NAME_BYTES_MAX);
	const struct probe_type *type = name ? probe_type_find(name) : NULL;

	if (name && !type) {
		for (; probe_types[n] && n < sizeof(names) / sizeof(names[0]); n++)
			names[n] = probe_types[n]->name;
		nearest = text_nearest(name, names, n);
		if (nearest)
			config_error_at(reader, setting, NULL, "no probe type \"%.200s\", did you mean %s?", name,
					nearest);
		else
			config_error_at(reader, setting, NULL,
					"no probe type \"%.200s\" (netsonde reference options lists "
					"them)",
					name);
	}
	mem_free(name);
	return type;
}

static void read_probe(struct config_reader *reader, const config_setting_t *group, size_t i)
{
	struct config_probe *probe = &reader->config->probes[i];
	const config_setting_t *type;
	struct config_scope scope;

	probe->name = mem_copy_string(config_setting_name(group));
	reader->probe_lines[i] = group->line;
	names_add(&reader->probes, names_key_of(probe->name), i);
	if (!config_is_group(reader, group))
		return;
	type = config_setting_get_member(group, "type");
	if (!type) {
		config_error_at(reader, group, "type", "is missing");
		return;
	}
	probe->type = type_named(reader, type);
	if (!probe->type)
		return;
	probe->settings = mem_zero(1, probe->type->settings_size);
	scope = (struct config_scope){probe->type->options, probe->type->noptions, probe->settings};
	option_set_defaults(scope.options, scope.n, scope.settings);
	config_read_group(reader, group, &scope, probe_others);
	config_reserve_labels(reader, i);
}

static void read_probes(struct config_reader *reader, const config_setting_t *section)
{
	size_t n;

	if (!section || !config_is_group(reader, section))
		return;
	n = (size_t)config_setting_length(section);
	if (n > CONFIG_PROBES_MAX) {
		config_error_at(reader, section, NULL, "has more than %d probes", CONFIG_PROBES_MAX);
		return;
	}
	reader->config->probes = mem_zero(n, sizeof(*reader->config->probes));
	reader->probe_lines = mem_zero(n, sizeof(*reader->probe_lines));
	reader->probe_errors = mem_zero(n, sizeof(*reader->probe_errors));
	reader->config->nprobes = n;
	for (size_t i = 0; i < n; i++)
		read_probe(reader, config_setting_get_elem(section, (unsigned)i), i);
}

/* Names of probes that set this one off: a misspelt one would never do. */
static void check_trigger(struct config_reader *reader, size_t i)
{
	const struct config_probe *probe = &reader->config->probes[i];
	struct trigger_plan plan = {0};

	if (!probe->type->trigger || !probe->type->trigger(probe->settings, &plan))
		return;
	for (size_t k = 0; k < plan.nprobes; k++)
		if (names_find(&reader->probes, names_key_of(plan.probes[k])) == NAMES_NONE)
			config_source_error(&reader->source, reader->probe_lines[i],
					    "probes.%s: no probe \"%.200s\" that could trigger it in section probes",
					    probe->name, plan.probes[k]);
}

static void check_probes(struct config_reader *reader)
{
	for (size_t i = 0; i < reader->config->nprobes; i++) {
		const struct config_probe *probe = &reader->config->probes[i];
		struct err err = {0};

		if (!probe->type)
			continue;
		if (config_check_settings(reader->config, probe->type, probe->settings, &err) == -1)
			reader->probe_errors[i] = mem_copy_string(err.text);
		check_trigger(reader, i);
	}
}

struct use {
	bool is_as_it_is, is_changed;
};

static void note_uses(const struct config *config, const struct config_assignment *assignments, size_t n,
		      struct use *uses)
{
	for (size_t i = 0; i < n; i++) {
		struct use *use = &uses[assignments[i].probe - config->probes];

		if (assignments[i].own_settings)
			use->is_changed = true;
		else
			use->is_as_it_is = true;
	}
}

/* A probe may leave to its targets what each of them has otherwise, such as a name to log in with. These were checked
 * with what they say. */
static void judge_probes(struct config_reader *reader)
{
	const struct config *config = reader->config;
	struct use *uses = mem_zero(config->nprobes, sizeof(*uses));

	for (size_t i = 0; i < config->ntargets; i++)
		note_uses(config, config->targets[i].assignments, config->targets[i].nassignments, uses);
	for (size_t i = 0; i < config->ntarget_files; i++)
		note_uses(config, config->target_files[i].common.assignments,
			  config->target_files[i].common.nassignments, uses);
	for (size_t i = 0; i < config->nprobes; i++) {
		if (reader->probe_errors[i] && (uses[i].is_as_it_is || !uses[i].is_changed))
			config_source_error(&reader->source, reader->probe_lines[i], "probes.%s: %s",
					    config->probes[i].name, reader->probe_errors[i]);
		mem_free(reader->probe_errors[i]);
	}
	mem_free(reader->probe_errors);
	mem_free(uses);
}

/* --- influx ----------------------------------------------------------------------------------------------------------
 */

static void read_outputs(struct config_reader *reader, const config_setting_t *list)
{
	struct config *config = reader->config;
	size_t n;

	if (!list || !config_is_list(reader, list, CONFIG_OUTPUTS_MAX))
		return;
	n = (size_t)config_setting_length(list);
	config->outputs = mem_zero(n, sizeof(struct influx_settings *));
	reader->output_lines = mem_zero(n, sizeof(*reader->output_lines));
	config->noutputs = n;
	for (size_t i = 0; i < n; i++) {
		const config_setting_t *entry = config_setting_get_elem(list, (unsigned)i);
		struct config_scope scope = {influx_options, influx_noptions, NULL};

		scope.settings = config->outputs[i] = mem_zero(1, sizeof(struct influx_settings));
		option_set_defaults(influx_options, influx_noptions, scope.settings);
		reader->output_lines[i] = entry->line;
		if (config_is_group(reader, entry))
			config_read_group(reader, entry, &scope, NULL);
	}
}

/* Names and paths are each of one output. other: the output that was first, or NAMES_NONE. */
static void check_unique(struct config_reader *reader, size_t i, size_t other, const char *option, const char *value)
{
	if (other != NAMES_NONE)
		config_source_error(&reader->source, reader->output_lines[i],
				    "influx[%zu].%s: influx[%zu] has \"%.200s\" too", i, option, other, value);
}

static void check_outputs(struct config_reader *reader)
{
	const struct config *config = reader->config;
	struct names names = {0}, paths = {0};

	for (size_t i = 0; i < config->noutputs; i++) {
		const struct influx_settings *output = config->outputs[i];
		struct err err = {0};

		if (output->name)
			check_unique(reader, i, names_add(&names, names_key_of(output->name), i), "name", output->name);
		if (output->path)
			check_unique(reader, i, names_add(&paths, names_key_of(output->path), i), "path", output->path);
		if (influx_check(output, &err) < 0)
			config_source_error(&reader->source, reader->output_lines[i], "influx[%zu]: %s", i, err.text);
	}
	names_free(&names);
	names_free(&paths);
}

/* Seen from the folder of the configuration. */
static void place_file(const struct config_reader *reader, char **path)
{
	char *resolved = *path && **path ? file_resolve(reader->folder, *path) : NULL;

	mem_free(*path);
	*path = resolved;
}

static void place_disk_log(struct config *config)
{
	if (!config->disk_log.path || !config->disk_log.path[0]) {
		mem_free(config->disk_log.path);
		config->disk_log.path = mem_format("%s/log", config->agent.state_dir ? config->agent.state_dir : ".");
	}
}

/* --- the whole -------------------------------------------------------------------------------------------------------
 */

static void check_sections(struct config_reader *reader, const config_setting_t *root)
{
	static const char *const sections[] = {
		"agent",          "web",          "probes", "targets", "target_files", "influx",  "disk_log",
		"probe_endpoint", "availability", "geo",    "qos",     "api",          "routers", NULL};
	const struct config_known known = {.others = sections};
	int length = config_setting_length(root);

	for (int i = 0; i < length; i++) {
		const config_setting_t *section = config_setting_get_elem(root, (unsigned)i);

		if (!config_word_is_in(config_setting_name(section), sections))
			config_error_unknown(reader, section, &known);
	}
}

static void read_targets(struct config_reader *reader, const config_setting_t *list)
{
	if (!list || !config_is_list(reader, list, CONFIG_TARGETS_MAX))
		return;
	config_count_targets(reader, (size_t)config_setting_length(list));
	config_read_targets(reader, list);
}

static void read_tree(struct config_reader *reader, const config_setting_t *root)
{
	const config_setting_t *agent = config_setting_get_member(root, "agent"), *labels;
	struct config_scope agents = agent_scope(reader->config), webs = web_scope(reader->config);
	struct config_scope disk_logs = disk_log_scope(reader->config), endpoints = endpoint_scope(reader->config);
	struct config_scope availabilities = availability_scope(reader->config);

	check_sections(reader, root);
	option_set_defaults(agents.options, agents.n, agents.settings);
	option_set_defaults(webs.options, webs.n, webs.settings);
	option_set_defaults(disk_logs.options, disk_logs.n, disk_logs.settings);
	option_set_defaults(endpoints.options, endpoints.n, endpoints.settings);
	option_set_defaults(availabilities.options, availabilities.n, availabilities.settings);
	config_set_qos_defaults(&reader->config->qos);
	read_section(reader, agent, &agents, agent_others);
	read_section(reader, config_setting_get_member(root, "web"), &webs, NULL);
	read_section(reader, config_setting_get_member(root, "disk_log"), &disk_logs, NULL);
	read_section(reader, config_setting_get_member(root, "probe_endpoint"), &endpoints, NULL);
	read_section(reader, config_setting_get_member(root, "availability"), &availabilities, NULL);
	config_read_geo(reader, config_setting_get_member(root, "geo"));
	config_read_api(reader, config_setting_get_member(root, "api"));
	config_read_qos(reader, config_setting_get_member(root, "qos"));
	config_read_routers(reader, config_setting_get_member(root, "routers"));
	read_probes(reader, config_setting_get_member(root, "probes"));
	read_outputs(reader, config_setting_get_member(root, "influx"));
	config_apply_environment(reader);
	check_agent(reader, root);
	check_web(reader, root);
	config_check_qos(reader, root);
	config_finish_routers(reader);
	check_probes(reader);
	check_outputs(reader);
	place_disk_log(reader->config);
	place_file(reader, &reader->config->web.config_file);
	place_file(reader, &reader->config->web.bearer_token_file);
	place_file(reader, &reader->config->probe_endpoint.blackbox_config);
	config_finish_geo(reader, root);
	config_finish_endpoint(reader, root);
	config_finish_api(reader, root);
	/* After the probes: the labels of their rows are reserved. */
	labels = agent && config_setting_is_group(agent) ? config_setting_get_member(agent, "labels") : NULL;
	if (labels)
		config_read_labels(reader, labels, &reader->config->agent.labels);
	read_targets(reader, config_setting_get_member(root, "targets"));
	config_read_target_files(reader, config_setting_get_member(root, "target_files"));
}

static void read_piece(struct config_reader *reader, const config_setting_t *root)
{
	config_read_targets(reader, config_setting_get_member(root, "targets"));
}

static int parse_piece(struct config_reader *reader, const struct config_chunk *chunk, struct text *piece)
{
	reader->lines_before = chunk->line - 1;
	reader->targets_before = chunk->first;
	text_clear(piece);
	text_add(piece, "targets = (");
	text_add_bytes(piece, chunk->text, chunk->length);
	text_add(piece, ");\n");
	return config_parse(reader, piece, read_piece);
}

/* First everything else: the probes that targets have. */
static void parse_in_pieces(struct config_reader *reader, struct config_chunks *chunks)
{
	struct text piece = {0};
	int result = config_parse(reader, &chunks->rest, read_tree);

	config_count_targets(reader, chunks->nelements);
	for (size_t i = 0; i < chunks->n && result == 0; i++)
		result = parse_piece(reader, &chunks->items[i], &piece);
	text_free(&piece);
}

static void parse_all(struct config_reader *reader)
{
	struct config_chunks chunks;

	if (config_chunks_cut(&chunks, &reader->source.text, "targets", TARGETS_AT_ONCE) &&
	    chunks.nelements <= CONFIG_TARGETS_MAX)
		parse_in_pieces(reader, &chunks);
	else
		config_parse(reader, &reader->source.text, read_tree);
	config_chunks_free(&chunks);
	judge_probes(reader);
}

static struct config *finish(struct config_reader *reader, struct text *errors)
{
	struct config *config = reader->config;

	if (reader->source.total) {
		config_source_print_errors(&reader->source, errors);
		config_free(config);
		config = NULL;
	}
	config_source_free(&reader->source);
	names_free(&reader->probes);
	names_free(&reader->row_labels);
	names_free(&reader->targets);
	mem_free(reader->probe_lines);
	mem_free(reader->output_lines);
	mem_free(reader->folder);
	/* What was read is much larger than what is kept of it. */
	mem_trim();
	return config;
}

/* string: what is read instead of the file, or NULL. */
static struct config *load(const char *file, const char *string, struct text *errors)
{
	struct config_reader reader = {.config = mem_zero(1, sizeof(struct config)), .is_string = string != NULL};
	int read;

	reader.config->file = mem_copy_string(file);
	reader.folder = file_folder(file);
	if (string)
		read = config_source_read_string(&reader.source, string, file);
	else
		read = config_source_read(&reader.source, file);
	if (read == 0 && config_source_check(&reader.source) == 0)
		parse_all(&reader);
	return finish(&reader, errors);
}

struct config *config_load(const char *file, struct text *errors)
{
	return load(file, NULL, errors);
}

struct config *config_load_string(const char *string, const char *name, struct text *errors)
{
	return load(name, string, errors);
}

void config_free(struct config *config)
{
	if (!config)
		return;
	endpoint_release(config->endpoint);
	config_free_targets(config);
	config_free_target_files(config);
	for (size_t i = 0; i < config->nprobes; i++) {
		const struct probe_type *type = config->probes[i].type;

		if (type)
			option_free_settings(type->options, type->noptions, config->probes[i].settings);
		mem_free(config->probes[i].name);
	}
	mem_free(config->probes);
	for (size_t i = 0; i < config->noutputs; i++)
		option_free_settings(influx_options, influx_noptions, config->outputs[i]);
	mem_free(config->outputs);
	config_free_geo(config);
	config_free_api(config);
	config_free_routers(config);
	option_free(exporter_options, exporter_noptions, &config->web);
	option_free(config_endpoint_options, config_endpoint_noptions, &config->probe_endpoint);
	option_free(influx_log_options, influx_log_noptions, &config->disk_log);
	option_free(availability_options, availability_noptions, &config->availability);
	option_free(config_qos_options, config_qos_noptions, &config->qos);
	option_free(config_agent_options, config_agent_noptions, &config->agent);
	config_free_labels(&config->agent.labels);
	mem_free(config->file);
	mem_free(config);
}
