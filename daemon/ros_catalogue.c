#include "daemon/ros_catalogue.h"

#include <string.h>

#include "core/file.h"
#include "core/hash.h"
#include "core/mem.h"
#include "daemon/ros_catalogue_reader.h"
#include "probes/probe.h"

#define MANUAL       "docs/routeros-catalogue.md"
#define BUILTIN_NAME "catalogue.conf (built in)"

static const char *const set_others[] = {"menus", "columns", NULL};

/* --- keys ------------------------------------------------------------------------------------------------------------
 */

/* The label's name of a property that none was given for. */
static char *label_of(const char *property)
{
	char *label = mem_format("%.*s", (int)strcspn(property, "|"), property);

	for (char *at = label; *at; at++) {
		if (*at == '-' || *at == '.')
			*at = '_';
	}
	return label;
}

/* "property", "label=property", "label=property|older-property" */
static void read_key(struct ros_reader *reader, const config_setting_t *group, const char *written,
		     struct catalogue_key *key)
{
	const char *equals = strchr(written, '='), *property = equals ? equals + 1 : written;
	char *label = equals ? mem_format("%.*s", (int)(equals - written), written) : label_of(written);

	key->label = catalogue_take_string(reader->catalogue, label);
	if (ros_is_label(reader, group, "keys", label))
		key->property = ros_read_property(reader, group, "keys", property);
	mem_free(label);
}

static void read_keys(struct ros_reader *reader, const config_setting_t *group, const struct option_list *list,
		      struct catalogue_set *set)
{
	struct catalogue_key *keys;

	if (list->n > CATALOGUE_LABELS_MAX) {
		ros_wrong(reader, group, "keys", "has more than %d elements", CATALOGUE_LABELS_MAX);
		return;
	}
	keys = catalogue_take(reader->catalogue, list->n, sizeof(*keys));
	for (size_t i = 0; i < list->n; i++)
		read_key(reader, group, list->items[i], &keys[i]);
	set->keys = keys;
	set->nkeys = list->n;
}

/* Those of the menu first, as the rows have them. Labels are unique, and none has the name of a measure: in line
 * protocol a tag and a field of one name are not told apart. */
static void name_labels(struct ros_reader *reader, const config_setting_t *group, struct catalogue_set *set)
{
	size_t fixed = set->nmenus ? set->menus[0].nlabels : 0, n = fixed + set->nkeys;
	const char **names = catalogue_take(reader->catalogue, n + 1, sizeof(*names));

	for (size_t i = 0; i < n; i++)
		names[i] = i < fixed ? set->menus[0].labels[i].name : set->keys[i - fixed].label;
	set->measure.label_names = names;
	if (n > CATALOGUE_LABELS_MAX)
		ros_wrong(reader, group, "keys", "are, with the menus' labels, more than %d", CATALOGUE_LABELS_MAX);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < i; k++)
			if (strcmp(names[i], names[k]) == 0)
				ros_wrong(reader, group, "keys", "the label %s is there twice", names[i]);
		for (size_t k = 0; k < set->measure.n; k++)
			if (set->measure.measures[k].name && strcmp(names[i], set->measure.measures[k].name) == 0)
				ros_wrong(reader, group, "keys", "the label %s has the name of a measure", names[i]);
	}
}

/* --- sets ------------------------------------------------------------------------------------------------------------
 */

static void check_mode(struct ros_reader *reader, const config_setting_t *group, const struct ros_set_written *written)
{
	if (written->mode == CATALOGUE_ROWS && written->count)
		ros_wrong(reader, group, "count", "is for mode = \"group\" and mode = \"count\"");
	if (written->mode != CATALOGUE_ROWS && !written->count)
		ros_wrong(reader, group, "count", "is missing: the measure that is the number of items");
	if (written->mode == CATALOGUE_COUNT && written->keys.n)
		ros_wrong(reader, group, "keys",
			  "mode = \"count\" has no keys, since no items come back: give each menu its labels");
	if ((written->take == CATALOGUE_TAKE_LAST_SECTION) != (written->section != NULL))
		ros_wrong(reader, group, "section",
			  "section = \"property\" and take = \"last_section\" belong together");
	if (written->section)
		ros_is_word(reader, group, "section", written->section);
	for (size_t i = 0; i < written->parameters.n; i++)
		ros_is_name(reader, group, "parameters", written->parameters.items[i]);
}

static void copy_written(struct ros_reader *reader, const struct ros_set_written *written, struct catalogue_set *set)
{
	set->tier = (enum catalogue_tier)written->tier;
	set->cost = (enum catalogue_cost)written->cost;
	set->mode = (enum catalogue_mode)written->mode;
	set->take = (enum catalogue_take)written->take;
	set->missing = (enum catalogue_missing)written->missing;
	set->policy = (enum catalogue_policy)written->policy;
	set->is_enabled = written->is_enabled;
	set->max_rows = (unsigned)written->max_rows;
	set->timeout_ns = written->timeout_ns;
	set->section = written->section ? catalogue_take_string(reader->catalogue, written->section) : NULL;
	set->parameters = ros_take_words(reader, &written->parameters);
	set->measure.help = catalogue_take_string(reader->catalogue, written->help ? written->help : "");
}

static struct catalogue_set *read_set(struct ros_reader *reader, const config_setting_t *group)
{
	struct catalogue_set *set = catalogue_take(reader->catalogue, 1, sizeof(*set));
	struct ros_set_written written = {0};
	struct config_scope scope = {ros_set_options, ros_set_noptions, &written};
	char *name = mem_format("routeros_%s", config_setting_name(group));

	set->name = catalogue_take_string(reader->catalogue, config_setting_name(group));
	set->measure.name = catalogue_take_string(reader->catalogue, name);
	mem_free(name);
	ros_is_name(reader, group, NULL, set->name);
	option_set_defaults(scope.options, scope.n, scope.settings);
	config_read_group(&reader->config, group, &scope, set_others);
	copy_written(reader, &written, set);
	ros_check_help(reader, group, "help", written.help);
	check_mode(reader, group, &written);
	read_keys(reader, group, &written.keys, set);
	ros_read_columns(reader, group, &written, set);
	ros_read_menus(reader, group, set);
	name_labels(reader, group, set);
	option_free(scope.options, scope.n, scope.settings);
	return set;
}

/* --- the whole -------------------------------------------------------------------------------------------------------
 */

static void add_set(struct ros_reader *reader, const config_setting_t *group)
{
	struct catalogue_set *set;

	if (!config_is_group(&reader->config, group))
		return;
	set = read_set(reader, group);
	if (catalogue_put(reader->catalogue, set) < 0)
		ros_wrong(reader, group, NULL, "there are more than %d data sets", CATALOGUE_SETS_MAX);
}

/* The sets that the probe type has itself, which tell about the router and its collections. */
static const struct measure_set *const *own_sets(void)
{
	static const struct measure_set *const none[] = {NULL};

	for (const struct probe_type *const *type = probe_types; *type; type++) {
		if ((*type)->uses_catalogue)
			return (*type)->sets;
	}
	return none;
}

static bool is_own_metric(const char *name)
{
	for (const struct measure_set *const *set = own_sets(); *set; set++) {
		size_t n = strlen((*set)->name);

		for (size_t k = 0; !strncmp(name, (*set)->name, n) && name[n] == '_' && k < (*set)->n; k++) {
			if (!strcmp(name + n + 1, (*set)->measures[k].name))
				return true;
		}
	}
	return false;
}

/* What is said about collections must not be mixed with what is collected. */
static void check_own(struct ros_reader *reader, const config_setting_t *group, const struct catalogue_set *set)
{
	for (const struct measure_set *const *own = own_sets(); *own; own++) {
		if (!strcmp((*own)->name, set->measure.name))
			ros_wrong(reader, group, NULL, "%s is a set of netsonde's own: choose another name",
				  (*own)->name);
	}
	for (size_t k = 0; k < set->measure.n && set->measure.measures[k].name; k++) {
		char *name = mem_format("%s_%s", set->measure.name, set->measure.measures[k].name);

		if (is_own_metric(name))
			ros_wrong(reader, group, NULL,
				  "the metric netsonde_%s is one of netsonde's own: choose another name", name);
		mem_free(name);
	}
}

/* "a" with the measure "b_c" and "a_b" with the measure "c" would be one metric with two sets of labels. */
static void check_metrics(struct ros_reader *reader, const config_setting_t *sets)
{
	struct catalogue *catalogue = reader->catalogue;

	for (size_t i = 0; i < catalogue->n; i++) {
		const struct measure_set *set = &catalogue->sets[i]->measure;
		const config_setting_t *group = config_setting_get_member(sets, catalogue->sets[i]->name);

		check_own(reader, group ? group : sets, catalogue->sets[i]);
		for (size_t k = 0; k < set->n && set->measures[k].name; k++) {
			char *name = mem_format("%s_%s", set->name, set->measures[k].name);
			const char *kept = catalogue_take_string(catalogue, name);
			size_t other = names_add(&reader->metrics, names_key_of(kept), i);

			if (other != NAMES_NONE && other != i)
				ros_wrong(reader, group ? group : sets, NULL,
					  "the metric netsonde_%s is also one of the set %s: choose another name", name,
					  catalogue->sets[other]->name);
			mem_free(name);
		}
	}
}

static void read_tree(struct config_reader *config, const config_setting_t *root)
{
	static const char *const others[] = {"sets", NULL};
	/* The first member of ours. */
	struct ros_reader *reader = (struct ros_reader *)(void *)config;
	const config_setting_t *sets = config_setting_get_member(root, "sets");
	struct config_scope nothing = {NULL, 0, NULL};
	size_t n;

	config_read_group(config, root, &nothing, others);
	if (!sets) {
		ros_wrong(reader, root, "sets", "is missing: sets: { name: { ... }; };");
		return;
	}
	if (!config_is_group(config, sets))
		return;
	n = (size_t)config_setting_length(sets);
	if (n > CATALOGUE_SETS_MAX) {
		ros_wrong(reader, sets, NULL, "has more than %d data sets", CATALOGUE_SETS_MAX);
		return;
	}
	for (size_t i = 0; i < n; i++)
		add_set(reader, config_setting_get_elem(sets, (unsigned)i));
	if (config->source.total == 0)
		check_metrics(reader, sets);
}

/* With everything that it includes. */
static void hash_text(struct catalogue *catalogue, struct text *text)
{
	static const struct hash_key key = {3, 4};

	catalogue->text_hash =
		hash_number(key, catalogue->text_hash ^ hash_bytes(key, text_string(text), text->length));
}

/* string NULL: the file of that name. -1 with errors. */
static int add_text(struct catalogue *catalogue, const char *string, const char *name, struct text *errors)
{
	struct ros_reader reader = {.catalogue = catalogue};
	struct config_reader *config = &reader.config;
	int read, result;

	config->manual = MANUAL;
	config->is_string = string != NULL;
	config->folder = file_folder(name);
	if (string)
		read = config_source_read_string(&config->source, string, name);
	else
		read = config_source_read(&config->source, name);
	hash_text(catalogue, &config->source.text);
	if (read == 0 && config_source_check(&config->source) == 0)
		config_parse(config, &config->source.text, read_tree);
	result = config->source.total ? -1 : 0;
	config_source_print_errors(&config->source, errors);
	config_source_free(&config->source);
	names_free(&reader.metrics);
	mem_free(config->folder);
	return result;
}

int ros_catalogue_add_string(struct catalogue *catalogue, const char *string, const char *name, struct text *errors)
{
	return add_text(catalogue, string, name, errors);
}

struct catalogue *ros_catalogue_load_string(const char *string, const char *name, struct text *errors)
{
	struct catalogue *catalogue = catalogue_create();

	if (add_text(catalogue, string, name, errors) == 0)
		return catalogue;
	catalogue_free(catalogue);
	return NULL;
}

struct catalogue *ros_catalogue_load(const char *const *files, size_t n, bool without_builtin, struct text *errors)
{
	struct catalogue *catalogue = catalogue_create();
	int result = 0;

	if (!without_builtin)
		result = add_text(catalogue, catalogue_builtin_text, BUILTIN_NAME, errors);
	for (size_t i = 0; i < n; i++) {
		if (add_text(catalogue, NULL, files[i], errors) < 0)
			result = -1;
	}
	if (result == 0)
		return catalogue;
	catalogue_free(catalogue);
	return NULL;
}
