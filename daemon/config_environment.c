#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/mem.h"
#include "core/utf8.h"
#include "daemon/config_reader.h"

#define VARIABLE_PREFIX "NETSONDE_"

/* A variable that could be set, and what it would change. */
struct variable {
	char *name;
	const struct option *option;
	void *settings;
	bool from_file;
};

struct variables {
	struct variable *items;
	const char **names; /* of the items, for text_nearest */
	size_t n, room;
};

/* "fast-ping" -> "FAST_PING" */
static void add_upper(const char *word, struct text *out)
{
	for (; *word; word++) {
		char c = *word;

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		else if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
			c = '_';
		text_add_char(out, c);
	}
}

static void add_variable(struct variables *variables, const char *prefix, const struct variable *variable)
{
	struct text name = {0};

	text_add_format(&name, "%s_", prefix);
	add_upper(variable->option->name, &name);
	if (variable->from_file)
		text_add(&name, "_FILE");
	if (variables->n == variables->room) {
		variables->room = variables->room ? variables->room * 2 : 256;
		variables->items = mem_resize(variables->items, variables->room, sizeof(*variables->items));
		variables->names = mem_resize(variables->names, variables->room, sizeof(*variables->names));
	}
	variables->items[variables->n] = *variable;
	variables->items[variables->n].name = text_take(&name);
	variables->names[variables->n] = variables->items[variables->n].name;
	variables->n++;
}

/* section: "PROBES"; entry: the name within it, or NULL. */
static void add_scope(struct variables *variables, const char *section, const char *entry,
		      const struct config_scope *scope)
{
	struct text prefix = {0};

	text_add_format(&prefix, VARIABLE_PREFIX "%s", section);
	if (entry) {
		text_add_char(&prefix, '_');
		add_upper(entry, &prefix);
	}
	for (size_t i = 0; i < scope->n; i++) {
		struct variable variable = {.option = &scope->options[i], .settings = scope->settings};

		/* The name of an entry is what its variables are found by. */
		if (entry && strcmp(variable.option->name, "name") == 0)
			continue;
		add_variable(variables, text_string(&prefix), &variable);
		variable.from_file = true;
		if (option_has_secret_file(scope->options, scope->n, variable.option))
			add_variable(variables, text_string(&prefix), &variable);
	}
	text_free(&prefix);
}

static void collect_variables(struct config *config, struct variables *variables)
{
	add_scope(variables, "AGENT", NULL,
		  &(struct config_scope){config_agent_options, config_agent_noptions, &config->agent});
	add_scope(variables, "WEB", NULL, &(struct config_scope){exporter_options, exporter_noptions, &config->web});
	add_scope(variables, "PROBE_ENDPOINT", NULL,
		  &(struct config_scope){config_endpoint_options, config_endpoint_noptions, &config->probe_endpoint});
	add_scope(variables, "AVAILABILITY", NULL,
		  &(struct config_scope){availability_options, availability_noptions, &config->availability});
	add_scope(variables, "GEO", NULL, &(struct config_scope){geo_options, geo_noptions, &config->geo});
	add_scope(variables, "ROUTERS", NULL,
		  &(struct config_scope){config_routers_options, config_routers_noptions, &config->routers});
	add_scope(variables, "DISK_LOG", NULL,
		  &(struct config_scope){influx_log_options, influx_log_noptions, &config->disk_log});
	add_scope(variables, "QOS", NULL,
		  &(struct config_scope){config_qos_options, config_qos_noptions, &config->qos});
	add_scope(variables, "QOS_EMODEL", NULL,
		  &(struct config_scope){emodel_options, emodel_noptions, &config->qos.emodel});
	add_scope(
		variables, "QOS_OBJECTIVES", NULL,
		&(struct config_scope){config_objectives_options, config_objectives_noptions, &config->qos.objectives});
	for (size_t i = 0; i < config->nprobes; i++) {
		const struct config_probe *probe = &config->probes[i];

		if (probe->type)
			add_scope(variables, "PROBES", probe->name,
				  &(struct config_scope){probe->type->options, probe->type->noptions, probe->settings});
	}
	for (size_t i = 0; i < config->noutputs; i++) {
		if (config->outputs[i]->name)
			add_scope(variables, "INFLUX", config->outputs[i]->name,
				  &(struct config_scope){influx_options, influx_noptions, config->outputs[i]});
	}
}

/* Kubernetes (and links of Docker) tell every container where services are: one that is called netsonde, or
 * netsonde-web, must not keep the daemon from starting. */
static bool is_of_orchestrator(const char *name)
{
	static const char *const patterns[] = {"*_SERVICE_HOST", "*_SERVICE_PORT", "*_SERVICE_PORT_*", "*_PORT",
					       "*_PORT_*_TCP",   "*_PORT_*_TCP_*", "*_PORT_*_UDP",     "*_PORT_*_UDP_*",
					       "*_PORT_*_SCTP",  "*_PORT_*_SCTP_*"};

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		if (fnmatch(patterns[i], name, 0) == 0)
			return true;
	}
	return false;
}

static void apply_value(struct config_reader *reader, const struct variable *variable, const char *value)
{
	struct err err = {0};
	char *path, *secret;

	if (utf8_length(value, strlen(value)) < strlen(value)) {
		err_set(&err, "is not valid UTF-8");
	} else if (variable->from_file) {
		path = file_resolve(reader->folder, value);
		secret = file_read_secret(path, &err);
		if (secret)
			option_set_text(variable->option, variable->settings, secret, &err);
		else
			err_prefix(&err, "%s", path);
		if (secret)
			explicit_bzero(secret, strlen(secret));
		mem_free(secret);
		mem_free(path);
	} else {
		option_set_text(variable->option, variable->settings, value, &err);
	}
	if (err.text[0])
		config_source_error(&reader->source, CONFIG_NO_LINE, "%s: %s", variable->name, err.text);
}

static void apply_variable(struct config_reader *reader, const struct variables *variables, const char *name,
			   const char *value)
{
	const struct variable *found = NULL;
	const char *nearest;

	for (size_t i = 0; i < variables->n; i++) {
		if (strcmp(variables->items[i].name, name) != 0)
			continue;
		if (found) {
			config_source_error(&reader->source, CONFIG_NO_LINE, "%s: could mean several entries", name);
			return;
		}
		found = &variables->items[i];
	}
	if (found) {
		apply_value(reader, found, value);
		return;
	}
	if (is_of_orchestrator(name))
		return;
	nearest = text_nearest(name, variables->names, variables->n);
	if (nearest)
		config_source_error(&reader->source, CONFIG_NO_LINE, "%s: no such option, did you mean %s?", name,
				    nearest);
	else
		config_source_error(&reader->source, CONFIG_NO_LINE, "%s: no such option", name);
}

static bool is_ours(const char *entry)
{
	return strncmp(entry, VARIABLE_PREFIX, strlen(VARIABLE_PREFIX)) == 0 &&
	       strncmp(entry, "NETSONDE_CONFIG=", strlen("NETSONDE_CONFIG=")) != 0 && strchr(entry, '=');
}

void config_apply_environment(struct config_reader *reader)
{
	struct variables variables = {0};

	for (char **entry = environ; entry && *entry; entry++) {
		const char *value = is_ours(*entry) ? strchr(*entry, '=') + 1 : NULL;
		char *name;

		if (!value)
			continue;
		if (!variables.n)
			collect_variables(reader->config, &variables);
		name = mem_format("%.*s", (int)(value - 1 - *entry), *entry);
		apply_variable(reader, &variables, name, value);
		mem_free(name);
	}
	for (size_t i = 0; i < variables.n; i++)
		mem_free(variables.items[i].name);
	mem_free(variables.items);
	mem_free(variables.names);
}
