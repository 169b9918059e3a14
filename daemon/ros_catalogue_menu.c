#include <string.h>

#include "core/mem.h"
#include "daemon/ros_catalogue_reader.h"

/* Commands that only look: whatever else is in a catalogue, it changes no router. */
static const char *const commands[] = {"print", "monitor", "monitor-traffic", "info", "", NULL};
/* Paths that are commands themselves. */
static const char *const acting[] = {"/ping", "/tool/ping", "/tool/traceroute", NULL};
/* Arguments that would make a command endless, or that we write ourselves. */
static const char *const refused[] = {"follow", "follow-only", "interval",   ".proplist",
				      ".tag",   "once",        "count-only", NULL};

/* --- the command -----------------------------------------------------------------------------------------------------
 */

static void check_path(struct ros_reader *reader, const config_setting_t *group, const char *member, const char *path)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-/";
	size_t length = strlen(path);

	if (length < 2 || length > CATALOGUE_TEXT_MAX || path[0] != '/' || path[length - 1] == '/' ||
	    path[strspn(path, allowed)] || strstr(path, "//"))
		ros_wrong(reader, group, member,
			  "\"%.60s\" is no menu: write it as \"/interface/ethernet\", small letters and no blanks",
			  path);
}

static void check_command(struct ros_reader *reader, const config_setting_t *group,
			  const struct ros_menu_written *written)
{
	const char *command = written->command ? written->command : "";

	if (!config_word_is_in(command, commands))
		ros_wrong(reader, group, "command",
			  "\"%.60s\" is not allowed: a catalogue asks with print, monitor, monitor-traffic, info, or "
			  "\"\" "
			  "for a path that is a command",
			  command);
	else if ((command[0] == '\0') != config_word_is_in(written->path, acting))
		ros_wrong(reader, group, "command",
			  "\"\" is for the paths /ping, /tool/ping and /tool/traceroute, and these take no other");
	if (strncmp(command, "monitor", strlen("monitor")) == 0 && !written->is_once)
		ros_wrong(reader, group, "once", "must be true: a monitor never ends otherwise");
}

static void read_versions(struct ros_reader *reader, const config_setting_t *group,
			  const struct ros_menu_written *written, struct catalogue_menu *menu)
{
	menu->before = INT64_MAX;
	if (written->since)
		menu->since = catalogue_parse_version(written->since);
	if (written->before)
		menu->before = catalogue_parse_version(written->before);
	if (menu->since < 0)
		ros_wrong(reader, group, "since", "is no version: write it as \"7.13\"");
	if (menu->before < 0)
		ros_wrong(reader, group, "before", "is no version: write it as \"7.13\"");
	else if (menu->since >= menu->before)
		ros_wrong(reader, group, "before", "must be a later version than since");
}

static void check_filters(struct ros_reader *reader, const config_setting_t *group, const char *member,
			  const struct option_list *filters)
{
	if (filters->n > CATALOGUE_WORDS_MAX)
		ros_wrong(reader, group, member, "has more than %d elements", CATALOGUE_WORDS_MAX);
	for (size_t i = 0; i < filters->n; i++) {
		if (filters->items[i][0] != '?' || strlen(filters->items[i]) > CATALOGUE_TEXT_MAX)
			ros_wrong(reader, group, member, "\"%.60s\" is no query word: it begins with a question mark",
				  filters->items[i]);
	}
}

/* --- arguments -------------------------------------------------------------------------------------------------------
 */

/* {name} must be a parameter of the set. */
static void check_braces(struct ros_reader *reader, const config_setting_t *group, const struct catalogue_set *set,
			 const char *value)
{
	for (const char *open = strchr(value, '{'); open; open = strchr(open + 1, '{')) {
		size_t length = strcspn(open + 1, "}");
		char *name = mem_format("%.*s", (int)length, open + 1);

		if (open[1 + length] == '\0' || !config_word_is_in(name, set->parameters))
			ros_wrong(reader, group, "arguments", "{%.60s} is none of the set's parameters", name);
		mem_free(name);
	}
}

static void check_arguments(struct ros_reader *reader, const config_setting_t *group, const struct catalogue_set *set,
			    const struct ros_menu_written *written)
{
	const struct option_list *list = &written->arguments;
	bool is_acting = written->path && config_word_is_in(written->path, acting), has_count = false;
	struct label parts;

	if (list->n > CATALOGUE_WORDS_MAX)
		ros_wrong(reader, group, "arguments", "has more than %d elements", CATALOGUE_WORDS_MAX);
	for (size_t i = 0; i < list->n; i++) {
		if (!ros_cut(reader, group, "arguments", list->items[i], &parts))
			continue;
		if (config_word_is_in(parts.name, refused) && !(is_acting && strcmp(parts.name, "interval") == 0))
			ros_wrong(reader, group, "arguments", "%s must not be written here", parts.name);
		has_count = has_count || strcmp(parts.name, "count") == 0;
		check_braces(reader, group, set, parts.value);
	}
	if (is_acting && !has_count)
		ros_wrong(reader, group, "arguments", "must have \"count=number\": the command never ends otherwise");
}

static void read_each(struct ros_reader *reader, const config_setting_t *group, const struct ros_menu_written *written,
		      struct catalogue_menu *menu)
{
	menu->each.filters = ros_take_words(reader, &written->each_filters);
	if (!written->each)
		return;
	check_path(reader, group, "each", written->each);
	check_filters(reader, group, "each_filters", &written->each_filters);
	if (!ros_is_word(reader, group, "each_property", written->each_property) ||
	    !ros_is_word(reader, group, "each_argument", written->each_argument))
		return;
	menu->each.path = catalogue_take_string(reader->catalogue, written->each);
	menu->each.property = catalogue_take_string(reader->catalogue, written->each_property);
	menu->each.argument = catalogue_take_string(reader->catalogue, written->each_argument);
	menu->each.is_joined = written->each_is_joined;
}

/* --- labels of the menu ----------------------------------------------------------------------------------------------
 */

static void read_menu_labels(struct ros_reader *reader, const config_setting_t *group, const struct option_list *list,
			     struct catalogue_menu *menu)
{
	struct label *labels;

	if (list->n > CATALOGUE_LABELS_MAX) {
		ros_wrong(reader, group, "labels", "has more than %d elements", CATALOGUE_LABELS_MAX);
		return;
	}
	labels = catalogue_take(reader->catalogue, list->n + 1, sizeof(*labels));
	for (size_t i = 0; i < list->n; i++) {
		if (ros_cut(reader, group, "labels", list->items[i], &labels[i]))
			ros_is_label(reader, group, "labels", labels[i].name);
		else
			labels[i] = (struct label){"", ""};
	}
	menu->labels = labels;
	menu->nlabels = list->n;
}

/* --- what is asked for -----------------------------------------------------------------------------------------------
 */

struct proplist {
	const char *names[CATALOGUE_PROPLIST_MAX + 1];
	size_t n;
	bool is_full;
};

static void ask_for(struct proplist *list, const char *name)
{
	if (!name || name[0] == '@' || config_word_is_in(name, list->names))
		return;
	if (list->n == CATALOGUE_PROPLIST_MAX)
		list->is_full = true;
	else
		list->names[list->n++] = name;
}

static void ask_for_property(struct proplist *list, const struct catalogue_property *property)
{
	for (size_t i = 0; i < property->n; i++)
		ask_for(list, property->names[i]);
}

/* Everything that the set looks at. */
static const char *const *derive_proplist(struct ros_reader *reader, const config_setting_t *group,
					  const struct catalogue_set *set)
{
	struct proplist list = {0};
	const char **names;

	for (size_t i = 0; i < set->nkeys; i++)
		ask_for_property(&list, &set->keys[i].property);
	for (size_t i = 0; i < set->ncolumns; i++) {
		ask_for_property(&list, &set->columns[i].property);
		for (size_t k = 0; k < set->columns[i].nconditions; k++)
			ask_for(&list, set->columns[i].conditions[k].property);
	}
	ask_for(&list, set->section);
	if (list.is_full)
		ros_wrong(reader, group, "columns", "need more than %d properties of the router: make two sets",
			  CATALOGUE_PROPLIST_MAX);
	names = catalogue_take(reader->catalogue, list.n + 1, sizeof(*names));
	memcpy(names, list.names, list.n * sizeof(*names));
	return names;
}

static void read_proplist(struct ros_reader *reader, const config_setting_t *group, const struct option_list *list,
			  struct catalogue_menu *menu, const struct catalogue_set *set)
{
	static const struct option_list nothing = {0};
	bool is_all = list->n == 1 && strcmp(list->items[0], "*") == 0;

	if (list->n > CATALOGUE_PROPLIST_MAX)
		ros_wrong(reader, group, "proplist", "has more than %d names", CATALOGUE_PROPLIST_MAX);
	if (set->mode == CATALOGUE_COUNT || menu->form == CATALOGUE_FORM_PROPERTIES || is_all)
		menu->proplist = ros_take_words(reader, &nothing);
	else if (list->n == 0)
		menu->proplist = derive_proplist(reader, group, set);
	else
		menu->proplist = ros_take_words(reader, list);
	for (size_t i = 0; i < list->n && !is_all; i++) {
		if (ros_is_word(reader, group, "proplist", list->items[i]) && strpbrk(list->items[i], ",=?*"))
			ros_wrong(reader, group, "proplist", "\"%.60s\" is no name of a property", list->items[i]);
	}
}

/* --- menus -----------------------------------------------------------------------------------------------------------
 */

static void fill_menu(struct ros_reader *reader, const config_setting_t *group, const struct ros_menu_written *written,
		      struct catalogue_menu *menu, const struct catalogue_set *set)
{
	menu->path = catalogue_take_string(reader->catalogue, written->path);
	menu->command = catalogue_take_string(reader->catalogue, written->command ? written->command : "");
	menu->is_once = written->is_once;
	menu->form = (enum catalogue_form)written->form;
	menu->packages = ros_take_words(reader, &written->packages);
	menu->filters = ros_take_words(reader, &written->filters);
	menu->arguments = ros_take_words(reader, &written->arguments);
	check_path(reader, group, "path", written->path);
	check_command(reader, group, written);
	check_filters(reader, group, "filters", &written->filters);
	check_arguments(reader, group, set, written);
	read_versions(reader, group, written, menu);
	read_each(reader, group, written, menu);
	read_menu_labels(reader, group, &written->labels, menu);
	read_proplist(reader, group, &written->proplist, menu, set);
	if (set->mode == CATALOGUE_COUNT && strcmp(menu->command, "print") != 0)
		ros_wrong(reader, group, "command", "mode = \"count\" takes print only");
}

static void read_menu(struct ros_reader *reader, const config_setting_t *group, struct catalogue_menu *menu,
		      const struct catalogue_set *set)
{
	struct ros_menu_written written = {0};
	struct config_scope scope = {ros_menu_options, ros_menu_noptions, &written};

	if (!config_is_group(&reader->config, group))
		return;
	option_set_defaults(scope.options, scope.n, scope.settings);
	config_read_group(&reader->config, group, &scope, NULL);
	if (written.path)
		fill_menu(reader, group, &written, menu, set);
	else
		ros_wrong(reader, group, "path", "is missing: the menu to ask, such as \"/interface\"");
	option_free(scope.options, scope.n, scope.settings);
}

/* Whether a key is the name of the item that the command was for: each command must have been for one. */
static bool has_each_key(const struct catalogue_set *set)
{
	for (size_t i = 0; i < set->nkeys; i++) {
		if (set->keys[i].property.n && strcmp(set->keys[i].property.names[0], CATALOGUE_EACH) == 0)
			return true;
	}
	return false;
}

static void check_each_keys(struct ros_reader *reader, const config_setting_t *list, const struct catalogue_set *set)
{
	if (!has_each_key(set))
		return;
	for (size_t i = 0; i < set->nmenus; i++) {
		if (!set->menus[i].each.path || set->menus[i].each.is_joined)
			ros_wrong(reader, config_setting_get_elem(list, (unsigned)i), "each",
				  "a key is %s: write each = \"/menu\" and each_joined = false", CATALOGUE_EACH);
	}
}

/* The same labels on the rows of each menu: else one metric would have several sets of labels. */
static void check_same_labels(struct ros_reader *reader, const config_setting_t *list,
			      const struct catalogue_menu *menus, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		bool is_same = menus[i].nlabels == menus[0].nlabels;

		for (size_t k = 0; is_same && k < menus[0].nlabels; k++)
			is_same = strcmp(menus[i].labels[k].name, menus[0].labels[k].name) == 0;
		if (!is_same)
			ros_wrong(reader, config_setting_get_elem(list, (unsigned)i), "labels",
				  "must be those of the first menu, in the same order");
	}
}

void ros_read_menus(struct ros_reader *reader, const config_setting_t *group, struct catalogue_set *set)
{
	const config_setting_t *list = config_setting_get_member(group, "menus");
	struct catalogue_menu *menus;

	if (!list || !config_is_list(&reader->config, list, CATALOGUE_MENUS_MAX) || config_setting_length(list) == 0) {
		if (!list || config_setting_length(list) == 0)
			ros_wrong(reader, group, "menus", "is missing: say where the set is read");
		return;
	}
	set->nmenus = (size_t)config_setting_length(list);
	menus = catalogue_take(reader->catalogue, set->nmenus, sizeof(*menus));
	set->menus = menus;
	for (size_t i = 0; i < set->nmenus; i++)
		read_menu(reader, config_setting_get_elem(list, (unsigned)i), &menus[i], set);
	check_same_labels(reader, list, menus, set->nmenus);
	check_each_keys(reader, list, set);
}
