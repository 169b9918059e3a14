/*
 * The section "routers": the catalogues that say what can be asked of routers.
 */
#include <stddef.h>
#include <string.h>

#include "core/file.h"
#include "core/mem.h"
#include "daemon/config_reader.h"
#include "daemon/ros_catalogue.h"
#include "daemon/shared_catalogue.h"

#define AT(member) offsetof(struct config_routers, member)

const struct option config_routers_options[] = {
	{"catalogues", OPTION_LIST, AT(catalogues),
	 .help = "Files with data sets of your own, in the words of docs/routeros-catalogue.md; a set takes the place "
		 "of "
		 "one of the same name that is built in or in a file before. Seen from the folder of this "
		 "configuration, "
		 "and read again with it"},
	{"builtin_catalogue", OPTION_BOOLEAN, AT(has_builtin), .fallback = "true",
	 .help = "Are the data sets there that are built in? \"false\": only those of the files"},
};
const size_t config_routers_noptions = sizeof(config_routers_options) / sizeof(config_routers_options[0]);

void config_read_routers(struct config_reader *reader, const config_setting_t *section)
{
	const struct config_scope scope = {config_routers_options, config_routers_noptions, &reader->config->routers};

	option_set_defaults(scope.options, scope.n, scope.settings);
	if (section && config_is_group(reader, section))
		config_read_group(reader, section, &scope, NULL);
}

static void place_catalogues(struct config_reader *reader)
{
	struct option_list *files = &reader->config->routers.catalogues;

	for (size_t i = 0; i < files->n; i++) {
		char *resolved = file_resolve(reader->folder, files->items[i]);

		mem_free(files->items[i]);
		files->items[i] = resolved;
	}
}

/* Each line on its own, so that as many of them are told as of other errors. */
static void note_errors(struct config_reader *reader, struct text *errors)
{
	for (const char *line = text_string(errors); *line;) {
		size_t n = strcspn(line, "\n");

		config_source_error(&reader->source, CONFIG_NO_LINE, "%.*s", (int)n, line);
		line += n + (line[n] == '\n');
	}
}

static bool is_wanted(const struct config *config)
{
	if (config->routers.catalogues.n > 0)
		return true;
	for (size_t i = 0; i < config->nprobes; i++) {
		if (config->probes[i].type && config->probes[i].type->uses_catalogue)
			return true;
	}
	return false;
}

/* Has a row of the catalogue such a label? */
static bool is_row_label(const struct config *config, const char *name)
{
	const struct catalogue *catalogue = shared_catalogue_of(config->catalogue);

	for (size_t i = 0; catalogue && i < catalogue->n; i++) {
		if (config_word_is_in(name, catalogue->sets[i]->measure.label_names))
			return true;
	}
	return false;
}

int config_check_settings(const struct config *config, const struct probe_type *type, const void *settings,
			  struct err *err)
{
	const struct catalogue *catalogue = config->catalogue ? shared_catalogue_of(config->catalogue) : NULL;

	if (type->check && type->check(settings, err) < 0)
		return -1;
	/* Without one, what is wrong with the catalogue has been said. */
	return type->match && catalogue ? type->match(settings, catalogue, err) : 0;
}

const struct probe_type *config_label_owner(const struct config *config, const struct config_template *template,
					    const char *name)
{
	for (size_t i = 0; i < template->nassignments; i++) {
		const struct probe_type *type = template->assignments[i].probe->type;

		if (type && type->uses_catalogue)
			return is_row_label(config, name) ? type : NULL;
	}
	return NULL;
}

void config_finish_routers(struct config_reader *reader)
{
	struct config *config = reader->config;
	const struct config_routers *routers = &config->routers;
	/* A configuration that is given as a text reads no other files. */
	size_t n = reader->is_string ? 0 : routers->catalogues.n;
	struct text errors = {0};
	struct catalogue *catalogue;

	place_catalogues(reader);
	if (!is_wanted(config))
		return;
	catalogue =
		ros_catalogue_load((const char *const *)routers->catalogues.items, n, !routers->has_builtin, &errors);
	if (catalogue)
		config->catalogue = shared_catalogue_create(catalogue);
	note_errors(reader, &errors);
	text_free(&errors);
}

void config_free_routers(struct config *config)
{
	shared_catalogue_release(config->catalogue);
	option_free(config_routers_options, config_routers_noptions, &config->routers);
}
