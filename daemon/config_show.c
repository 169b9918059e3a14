#include <stdbool.h>
#include <string.h>

#include "daemon/config.h"
#include "daemon/endpoint.h"
#include "daemon/target.h"

/* As the reader takes it back: libconfig's escapes, and $$ for what would begin a variable. */
static void show_string(const char *string, struct text *out)
{
	text_add_char(out, '"');
	for (; *string; string++) {
		unsigned char c = (unsigned char)*string;

		if (c == '"' || c == '\\')
			text_add_format(out, "\\%c", c);
		else if (c == '$')
			text_add(out, "$$");
		else if (c < ' ' || c == 0x7f)
			text_add_format(out, "\\x%02x", (unsigned)c);
		else
			text_add_char(out, (char)c);
	}
	text_add_char(out, '"');
}

static void show_list(const struct option_list *list, struct text *out)
{
	text_add(out, "[");
	for (size_t i = 0; i < list->n; i++) {
		text_add(out, i ? ", " : " ");
		show_string(list->items[i], out);
	}
	text_add(out, " ]");
}

/* libconfig takes a number without a point for an integer, of 32 bits unless L says otherwise. */
static void show_number(const struct option *option, const void *settings, struct text *out)
{
	size_t begin = out->length;
	const char *printed;

	option_print(option, settings, out);
	printed = text_string(out) + begin;
	if (strpbrk(printed, ".e") || strlen(printed) < 10)
		return;
	text_add(out, option->kind == OPTION_INTEGER ? "L" : ".0");
}

static void show_value(const struct option *option, const void *settings, struct text *out)
{
	struct text printed = {0};

	switch (option->kind) {
	case OPTION_SECONDS:
	case OPTION_INTEGER:
	case OPTION_NUMBER:
		show_number(option, settings, out);
		return;
	case OPTION_BOOLEAN:
		option_print(option, settings, out);
		return;
	case OPTION_LIST:
		show_list((const struct option_list *)((const char *)settings + option->offset), out);
		return;
	case OPTION_SIZE:
	case OPTION_TEXT:
	case OPTION_SECRET:
	case OPTION_CHOICE:
		option_print(option, settings, &printed);
		show_string(text_string(&printed), out);
		text_free(&printed);
		return;
	}
}

/* A text that is not set has no value to show. */
static bool is_set(const struct option *option, const void *settings)
{
	if (option->kind != OPTION_TEXT && option->kind != OPTION_SECRET)
		return true;
	return *(char *const *)((const char *)settings + option->offset) != NULL;
}

static void show_option(const struct option *option, const void *settings, const char *indent, struct text *out)
{
	if (!is_set(option, settings))
		return;
	text_add_format(out, "%s%s = ", indent, option->name);
	show_value(option, settings, out);
	text_add(out, ";\n");
}

static void show_options(const struct option *options, size_t n, const void *settings, const char *indent,
			 struct text *out)
{
	for (size_t i = 0; i < n; i++)
		show_option(&options[i], settings, indent, out);
}

static void show_labels(const struct config_labels *labels, const char *indent, struct text *out)
{
	if (!labels->n)
		return;
	text_add_format(out, "%slabels = { ", indent);
	for (size_t i = 0; i < labels->n; i++) {
		text_add_format(out, "%s = ", labels->items[i].name);
		show_string(labels->items[i].value, out);
		text_add(out, "; ");
	}
	text_add(out, "};\n");
}

/* Has the target another value than the probe for this option? */
static bool is_changed(const struct config_assignment *assignment, const char *name)
{
	const struct probe_type *type = assignment->probe->type;
	const struct option *option = option_find(type->options, type->noptions, name);
	struct text own = {0}, common = {0};
	bool differs;

	if (!option || !assignment->own_settings)
		return false;
	show_option(option, assignment->own_settings, "", &own);
	show_option(option, assignment->probe->settings, "", &common);
	differs = strcmp(text_string(&own), text_string(&common)) != 0;
	text_free(&own);
	text_free(&common);
	return differs;
}

static bool is_changed_before(const struct config_template *template, size_t before, const char *name)
{
	for (size_t i = 0; i < before; i++) {
		if (is_changed(&template->assignments[i], name))
			return true;
	}
	return false;
}

static void show_value_of(const struct config_assignment *assignment, const char *name, struct text *out)
{
	const struct probe_type *type = assignment->probe->type;
	const struct option *option = option_find(type->options, type->noptions, name);

	if (option)
		show_option(option, assignment->settings, "", out);
}

/* Have all probes of the target that have such an option this value of it? Else it is one of a type's group. */
static bool is_of_all(const struct config_template *template, const struct config_assignment *assignment,
		      const char *name)
{
	struct text mine = {0}, other = {0};
	bool is_same = true;

	show_value_of(assignment, name, &mine);
	for (size_t i = 0; i < template->nassignments && is_same; i++) {
		text_clear(&other);
		show_value_of(&template->assignments[i], name, &other);
		is_same = other.length == 0 || strcmp(text_string(&mine), text_string(&other)) == 0;
	}
	text_free(&mine);
	text_free(&other);
	return is_same;
}

static bool is_first_of_type(const struct config_template *template, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (template->assignments[k].probe->type == template->assignments[i].probe->type)
			return false;
	}
	return true;
}

/* What this type alone has otherwise. */
static void show_type_changes(const struct config_template *template, size_t i, struct text *out)
{
	const struct config_assignment *assignment = &template->assignments[i];
	const struct probe_type *type = assignment->probe->type;
	size_t begin = out->length;

	for (size_t k = 0; k < type->noptions; k++) {
		const struct option *option = &type->options[k];

		if (!is_changed(assignment, option->name) || is_of_all(template, assignment, option->name))
			continue;
		if (out->length == begin)
			text_add_format(out, "\t  %s = {\n", type->name);
		show_option(option, assignment->own_settings, "\t    ", out);
	}
	if (out->length > begin)
		text_add(out, "\t  };\n");
}

/* An option is written once, though several probes of the target have it. */
static void show_changes(const struct config_template *template, struct text *out)
{
	for (size_t i = 0; i < template->nassignments; i++) {
		const struct config_assignment *assignment = &template->assignments[i];
		const struct probe_type *type = assignment->probe->type;

		for (size_t k = 0; assignment->own_settings && k < type->noptions; k++) {
			const struct option *option = &type->options[k];

			if (is_changed(assignment, option->name) && !is_changed_before(template, i, option->name) &&
			    is_of_all(template, assignment, option->name))
				show_option(option, assignment->own_settings, "\t  ", out);
		}
	}
	for (size_t i = 0; i < template->nassignments; i++) {
		if (template->assignments[i].own_settings && is_first_of_type(template, i))
			show_type_changes(template, i, out);
	}
}

/* What entries of targets and of target_files have. */
static void show_common(const struct config_template *template, bool is_last, struct text *out)
{
	text_add(out, "\t  probes = [");
	for (size_t i = 0; i < template->nassignments; i++) {
		text_add(out, i ? ", " : " ");
		show_string(template->assignments[i].probe->name, out);
	}
	text_add(out, " ];\n");
	show_labels(&template->labels, "\t  ", out);
	show_changes(template, out);
	text_add(out, is_last ? "\t}\n" : "\t},\n");
}

static void show_target(const struct config_target *target, bool is_last, struct text *out)
{
	struct target *known = target->target;
	const struct config_template template = {
		{known->labels, known->nlabels}, target->assignments, target->nassignments};

	text_add(out, "\t{ name = ");
	show_string(target_name(known), out);
	text_add(out, ";\n\t  address = ");
	show_string(target_address(known), out);
	text_add(out, ";\n");
	if (target->is_parked)
		text_add(out, "\t  enabled = false;\n");
	if (known->objectives) {
		text_add(out, "\t  objectives = {\n");
		show_options(config_objectives_options, config_objectives_noptions, known->objectives, "\t    ", out);
		text_add(out, "\t  };\n");
	}
	show_common(&template, is_last, out);
}

static void show_target_files(const struct config_target_files *files, bool is_last, struct text *out)
{
	text_add(out, "\t{\n");
	show_options(config_target_files_options, config_target_files_noptions, files, "\t  ", out);
	show_common(&files->common, is_last, out);
}

void config_show_probe(const struct config_probe *probe, struct text *out)
{
	text_add_format(out, "\t%s: {\n\t\ttype = ", probe->name);
	show_string(probe->type->name, out);
	text_add(out, ";\n");
	show_options(probe->type->options, probe->type->noptions, probe->settings, "\t\t", out);
	text_add(out, "\t};\n");
}

static void show_geo(const struct config *config, struct text *out)
{
	text_add(out, "geo: {\n");
	show_options(geo_options, geo_noptions, &config->geo, "\t", out);
	text_add(out, "\toverrides = (\n");
	for (size_t i = 0; i < config->ngeo_overrides; i++) {
		text_add(out, "\t{\n");
		show_options(geo_override_options, geo_override_noptions, config->geo_overrides[i], "\t\t", out);
		text_add(out, i + 1 < config->ngeo_overrides ? "\t},\n" : "\t}\n");
	}
	text_add(out, "\t);\n};\n");
}

void config_show(const struct config *config, struct text *out)
{
	text_add(out, "agent: {\n");
	show_options(config_agent_options, config_agent_noptions, &config->agent, "\t", out);
	show_labels(&config->agent.labels, "\t", out);
	text_add(out, "};\nweb: {\n");
	show_options(exporter_options, exporter_noptions, &config->web, "\t", out);
	text_add(out, "};\nprobe_endpoint: {\n");
	show_options(config_endpoint_options, config_endpoint_noptions, &config->probe_endpoint, "\t", out);
	text_add(out, "};\n");
	if (config->endpoint)
		endpoint_show(config->endpoint, out);
	show_geo(config, out);
	text_add(out, "availability: {\n");
	show_options(availability_options, availability_noptions, &config->availability, "\t", out);
	text_add(out, "};\ndisk_log: {\n");
	show_options(influx_log_options, influx_log_noptions, &config->disk_log, "\t", out);
	text_add(out, "};\nqos: {\n");
	show_options(config_qos_options, config_qos_noptions, &config->qos, "\t", out);
	text_add(out, "\temodel: {\n");
	show_options(emodel_options, emodel_noptions, &config->qos.emodel, "\t\t", out);
	text_add(out, "\t};\n\tobjectives: {\n");
	show_options(config_objectives_options, config_objectives_noptions, &config->qos.objectives, "\t\t", out);
	text_add(out, "\t};\n};\nrouters: {\n");
	show_options(config_routers_options, config_routers_noptions, &config->routers, "\t", out);
	text_add(out, "};\nprobes: {\n");
	for (size_t i = 0; i < config->nprobes; i++)
		config_show_probe(&config->probes[i], out);
	text_add(out, "};\ntargets: (\n");
	for (size_t i = 0; i < config->ntargets; i++)
		show_target(&config->targets[i], i + 1 == config->ntargets, out);
	text_add(out, ");\ntarget_files: (\n");
	for (size_t i = 0; i < config->ntarget_files; i++)
		show_target_files(&config->target_files[i], i + 1 == config->ntarget_files, out);
	text_add(out, ");\ninflux: (\n");
	for (size_t i = 0; i < config->noutputs; i++) {
		text_add(out, "\t{\n");
		show_options(influx_options, influx_noptions, config->outputs[i], "\t\t", out);
		text_add(out, i + 1 < config->noutputs ? "\t},\n" : "\t}\n");
	}
	text_add(out, ");\n");
}
