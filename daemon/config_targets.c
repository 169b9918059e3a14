#include <string.h>

#include "core/mem.h"
#include "daemon/config_reader.h"
#include "daemon/target.h"

static const char *const target_others[] = {"name", "address", "probes", "labels", "objectives", "enabled", NULL};

/* One target while it is read. */
struct reading_target {
	struct config_reader *reader;
	const config_setting_t *group;
	struct config_template *template;
	const char *const *others; /* members that are no options */
	bool is_incomplete;        /* some of its probes are not known: whose options these keys are cannot be told */
};

/* --- which probes ----------------------------------------------------------------------------------------------------
 */

static void error_no_probe(struct config_reader *reader, const config_setting_t *setting, const char *name)
{
	const struct config *config = reader->config;
	const char **names, *nearest;

	names = mem_zero(config->nprobes, sizeof(*names));
	for (size_t i = 0; i < config->nprobes; i++)
		names[i] = config->probes[i].name;
	nearest = text_nearest(name, names, config->nprobes);
	mem_free(names);
	if (nearest)
		config_error_at(reader, setting, NULL, "no probe \"%.200s\", did you mean %s?", name, nearest);
	else
		config_error_at(reader, setting, NULL, "no probe \"%.200s\" in section probes", name);
}

static void assign(struct reading_target *self, const config_setting_t *setting, const char *name)
{
	struct config_template *template = self->template;
	size_t i = names_find(&self->reader->probes, names_key_of(name));
	const struct config_probe *probe;

	if (i == NAMES_NONE) {
		error_no_probe(self->reader, setting, name);
		self->is_incomplete = true;
		return;
	}
	probe = &self->reader->config->probes[i];
	for (size_t k = 0; k < template->nassignments; k++) {
		if (template->assignments[k].probe == probe) {
			config_error_at(self->reader, setting, NULL, "probe %.200s is there twice", name);
			return;
		}
	}
	if (!probe->type)
		self->is_incomplete = true;
	template->assignments[template->nassignments++] =
		(struct config_assignment){.probe = probe, .settings = probe->settings};
}

static void read_assignments(struct reading_target *self, const config_setting_t *list)
{
	size_t n;

	self->is_incomplete = true;
	if (!list) {
		config_error_at(self->reader, self->group, "probes", "is missing");
		return;
	}
	if (!config_is_list(self->reader, list, CONFIG_ASSIGNMENTS_MAX))
		return;
	n = (size_t)config_setting_length(list);
	if (!n) {
		config_error_at(self->reader, list, NULL, "must name at least one probe");
		return;
	}
	self->is_incomplete = false;
	self->template->assignments = mem_zero(n, sizeof(struct config_assignment));
	for (size_t i = 0; i < n; i++) {
		const config_setting_t *setting = config_setting_get_elem(list, (unsigned)i);
		char *name = config_text_of(self->reader, setting, CONFIG_NAME_BYTES_MAX);

		if (name)
			assign(self, setting, name);
		else
			self->is_incomplete = true;
		mem_free(name);
	}
}

/* --- the target's own options ----------------------------------------------------------------------------------------
 */

static struct config_scope own_scope(struct config_assignment *assignment)
{
	const struct probe_type *type = assignment->probe->type;

	if (!assignment->own_settings)
		assignment->own_settings = option_copy_settings(type->options, type->noptions, type->settings_size,
								assignment->probe->settings);
	assignment->settings = assignment->own_settings;
	return (struct config_scope){type->options, type->noptions, assignment->own_settings};
}

static struct config_scope type_scope(const struct probe_type *type)
{
	return (struct config_scope){.options = type->options, .n = type->noptions};
}

static void error_unknown_option(struct reading_target *self, const config_setting_t *setting)
{
	struct config_template *template = self->template;
	struct config_scope *scopes = mem_zero(template->nassignments, sizeof(*scopes));
	struct config_known known = {.scopes = scopes, .nscopes = template->nassignments, .others = self->others};

	for (size_t i = 0; i < template->nassignments; i++) {
		scopes[i] = type_scope(template->assignments[i].probe->type);
	}
	config_error_unknown(self->reader, setting, &known);
	mem_free(scopes);
}

/* A target's own password takes the place of the file that the probe has for it, and the other way round; both of them
 * in the target are an error, which the type tells. */
static void drop_other_form(const struct config_scope *scope, const struct option *option,
			    const config_setting_t *setting)
{
	const struct option *other = config_other_form(scope, option);

	if (other && !config_setting_get_member(config_setting_parent(setting), other->name))
		option_free(other, 1, scope->settings);
}

/* Goes to every probe of the target that has such an option, or to those of one type (NULL: any). false: none has. */
static bool store_option(struct reading_target *self, const config_setting_t *setting, const struct probe_type *only)
{
	struct config_template *template = self->template;
	size_t errors = self->reader->source.total;
	bool is_known = false;

	/* The same value would be wrong for the next probe in the same words. */
	for (size_t i = 0; i < template->nassignments && self->reader->source.total == errors; i++) {
		const struct probe_type *type = template->assignments[i].probe->type;
		const struct option *option;
		struct config_scope scope;
		bool from_file;

		if (!type || (only && type != only))
			continue;
		scope = type_scope(type);
		option = config_option_of(&scope, config_setting_name(setting), &from_file);
		if (!option)
			continue;
		is_known = true;
		scope = own_scope(&template->assignments[i]);
		drop_other_form(&scope, option, setting);
		config_store_option(self->reader, setting, &scope, option, from_file);
	}
	return is_known;
}

static bool has_type(const struct reading_target *self, const struct probe_type *type)
{
	const struct config_template *template = self->template;

	for (size_t i = 0; i < template->nassignments; i++) {
		if (template->assignments[i].probe->type == type)
			return true;
	}
	return false;
}

/* A group with the name of a type: options for the probes of that type only. */
static void read_type_options(struct reading_target *self, const config_setting_t *group, const struct probe_type *type)
{
	const struct config_scope scope = type_scope(type);
	const struct config_known known = {.scopes = &scope, .nscopes = 1};
	int length = config_setting_length(group);

	if (!has_type(self, type)) {
		if (!self->is_incomplete)
			config_error_at(self->reader, group, NULL, "none of the target's probes is of type %s",
					type->name);
		return;
	}
	for (int i = 0; i < length; i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);

		if (!store_option(self, setting, type))
			config_error_unknown(self->reader, setting, &known);
	}
}

static void read_option(struct reading_target *self, const config_setting_t *setting)
{
	const struct probe_type *type =
		config_setting_is_group(setting) ? probe_type_find(config_setting_name(setting)) : NULL;

	if (type)
		read_type_options(self, setting, type);
	else if (!store_option(self, setting, NULL) && !self->is_incomplete)
		error_unknown_option(self, setting);
}

static void read_options(struct reading_target *self)
{
	int length = config_setting_length(self->group);

	for (int i = 0; i < length; i++) {
		const config_setting_t *setting = config_setting_get_elem(self->group, (unsigned)i);

		if (!config_word_is_in(config_setting_name(setting), self->others))
			read_option(self, setting);
	}
}

static void check_own_settings(struct reading_target *self)
{
	for (size_t i = 0; i < self->template->nassignments; i++) {
		const struct config_assignment *assignment = &self->template->assignments[i];
		const struct probe_type *type = assignment->probe->type;
		struct err err = {0};

		if (assignment->own_settings &&
		    config_check_settings(self->reader->config, type, assignment->own_settings, &err) == -1)
			config_error_at(self->reader, self->group, NULL, "probe %s: %s", assignment->probe->name,
					err.text);
	}
}

/* --- the target ------------------------------------------------------------------------------------------------------
 */

/* Which labels the rows of routers have is known only when its probes are. */
static void check_labels(struct reading_target *self, const config_setting_t *group)
{
	const struct config_labels *labels = &self->template->labels;

	for (size_t i = 0; i < labels->n; i++) {
		const char *name = labels->items[i].name;
		const struct probe_type *type = config_label_owner(self->reader->config, self->template, name);

		if (type)
			config_error_at(self->reader, config_setting_get_member(group, name), NULL,
					"this label name is reserved: rows of probe type %s have it", type->name);
	}
}

/* What targets of a file have as well. */
static void read_common(struct reading_target *self)
{
	const config_setting_t *labels = config_setting_get_member(self->group, "labels");

	if (labels)
		config_read_labels(self->reader, labels, &self->template->labels);
	read_assignments(self, config_setting_get_member(self->group, "probes"));
	check_labels(self, labels);
	read_options(self);
	check_own_settings(self);
}

void config_read_template(struct config_reader *reader, const config_setting_t *group, struct config_template *template,
			  const char *const *others)
{
	struct reading_target self = {.reader = reader, .group = group, .template = template, .others = others};

	read_common(&self);
}

static char *read_address(struct config_reader *reader, const config_setting_t *group)
{
	const config_setting_t *setting = config_setting_get_member(group, "address");
	struct err err = {0};
	char *address;

	if (!setting) {
		config_error_at(reader, group, "address", "is missing");
		return NULL;
	}
	address = config_name_of(reader, setting);
	if (address && config_check_address(address, &err) < 0)
		config_error_at(reader, setting, NULL, "%s", err.text);
	return address;
}

static char *read_name(struct config_reader *reader, const config_setting_t *group, const char *address)
{
	const config_setting_t *setting = config_setting_get_member(group, "name");

	return setting ? config_name_of(reader, setting) : mem_copy_string(address);
}

static void read_objectives(struct config_reader *reader, const config_setting_t *group, struct target *target)
{
	struct config_objectives objectives = reader->config->qos.objectives;

	if (!group)
		return;
	config_read_objectives(reader, group, &objectives);
	target_set_objectives(target, &objectives);
}

/* A target that is not enabled is parked. */
static bool read_parked(struct config_reader *reader, const config_setting_t *group)
{
	const config_setting_t *setting = config_setting_get_member(group, "enabled");

	if (!setting)
		return false;
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL) {
		config_error_at(reader, setting, NULL, "must be true or false");
		return false;
	}
	return !config_setting_get_bool(setting);
}

static void read_target(struct config_reader *reader, const config_setting_t *group, struct config_target *target)
{
	char *address = read_address(reader, group), *name = read_name(reader, group, address);
	struct config_template template = {0};

	config_read_template(reader, group, &template, target_others);
	if (name)
		target->target = target_create(name, address ? address : "", template.labels.items, template.labels.n);
	if (target->target)
		read_objectives(reader, config_setting_get_member(group, "objectives"), target->target);
	target->is_parked = read_parked(reader, group);
	target->assignments = template.assignments;
	target->nassignments = template.nassignments;
	config_free_labels(&template.labels);
	mem_free(address);
	mem_free(name);
}

static bool are_equal(const struct config_target *a, const struct config_target *b)
{
	if (a->nassignments != b->nassignments)
		return false;
	for (size_t i = 0; i < a->nassignments; i++)
		if (a->assignments[i].probe != b->assignments[i].probe || a->assignments[i].own_settings ||
		    b->assignments[i].own_settings)
			return false;
	return true;
}

/* Neighbours mostly are measured in the same way. */
static void share_assignments(const struct config_target *before, struct config_target *target)
{
	if (!are_equal(before, target))
		return;
	mem_free(target->assignments);
	target->assignments = before->assignments;
}

/* Is it the first of its name? */
static void check_name(struct config_reader *reader, const config_setting_t *group, size_t i)
{
	const struct target *target = reader->config->targets[i].target;
	size_t other = target ? names_add(&reader->targets, names_key_of(target_name(target)), i) : NAMES_NONE;

	if (other != NAMES_NONE)
		config_error_at(reader, group, "name", "targets[%zu] is called \"%.200s\" as well", other,
				target_name(target));
}

void config_count_targets(struct config_reader *reader, size_t n)
{
	mem_free(reader->config->targets);
	reader->config->targets = mem_zero(n, sizeof(struct config_target));
	reader->config->ntargets = n;
}

void config_read_targets(struct config_reader *reader, const config_setting_t *list)
{
	struct config_target *targets = reader->config->targets;
	size_t n = (size_t)config_setting_length(list);

	for (size_t k = 0; k < n; k++) {
		const config_setting_t *group = config_setting_get_elem(list, (unsigned)k);
		size_t i = reader->targets_before + k;

		if (!config_is_group(reader, group))
			continue;
		read_target(reader, group, &targets[i]);
		check_name(reader, group, i);
		if (i > 0)
			share_assignments(&targets[i - 1], &targets[i]);
	}
}

static void free_assignments(struct config_assignment *assignments, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct probe_type *type = assignments[i].probe->type;

		if (type)
			option_free_settings(type->options, type->noptions, assignments[i].own_settings);
	}
	mem_free(assignments);
}

void config_free_template(struct config_template *template)
{
	free_assignments(template->assignments, template->nassignments);
	config_free_labels(&template->labels);
}

void config_free_targets(struct config *config)
{
	for (size_t i = 0; i < config->ntargets; i++) {
		const struct config_target *target = &config->targets[i];

		if (i == 0 || target->assignments != target[-1].assignments)
			free_assignments(target->assignments, target->nassignments);
		target_release(target->target);
	}
	mem_free(config->targets);
}
