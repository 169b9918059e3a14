#include <string.h>

#include "core/file.h"
#include "core/mem.h"
#include "daemon/config_reader.h"

#define SETTING(kind, field) kind, offsetof(struct config_target_files, field)

const struct option config_target_files_options[] = {
	{"path", SETTING(OPTION_TEXT, path),
	 .help = "File of targets in the JSON of Prometheus' file_sd, or a pattern such as \"targets.d/*.json\". Seen "
		 "from "
		 "the folder of the configuration. Watched: changes come into force at once"},
	{"refresh_interval", SETTING(OPTION_SECONDS, refresh_interval_ns), .minimum = 1, .maximum = 86400,
	 .fallback = "300",
	 .help = "The files are read at least so often, for file systems that do not tell of changes (NFS)"},
};
const size_t config_target_files_noptions =
	sizeof(config_target_files_options) / sizeof(config_target_files_options[0]);

static const char *const others[] = {"path", "refresh_interval", "probes", "labels", NULL};

static void read_own_options(struct config_reader *reader, const config_setting_t *group,
			     const struct config_scope *scope)
{
	for (size_t i = 0; i < scope->n; i++) {
		const config_setting_t *setting = config_setting_get_member(group, scope->options[i].name);

		if (setting)
			config_store_option(reader, setting, scope, &scope->options[i], false);
	}
}

static void read_entry(struct config_reader *reader, const config_setting_t *group, struct config_target_files *files)
{
	struct config_scope scope = {config_target_files_options, config_target_files_noptions, files};
	char *written;

	option_set_defaults(scope.options, scope.n, scope.settings);
	if (!config_is_group(reader, group))
		return;
	read_own_options(reader, group, &scope);
	config_read_template(reader, group, &files->common, others);
	if (!files->path || !files->path[0]) {
		config_error_at(reader, group, "path", "must be given");
		return;
	}
	written = files->path;
	files->path = file_resolve(reader->folder, written);
	mem_free(written);
}

void config_read_target_files(struct config_reader *reader, const config_setting_t *list)
{
	struct config *config = reader->config;
	size_t n;

	if (!list || !config_is_list(reader, list, CONFIG_FILES_MAX))
		return;
	n = (size_t)config_setting_length(list);
	config->target_files = mem_zero(n, sizeof(*config->target_files));
	config->ntarget_files = n;
	for (size_t i = 0; i < n; i++)
		read_entry(reader, config_setting_get_elem(list, (unsigned)i), &config->target_files[i]);
}

void config_free_target_files(struct config *config)
{
	for (size_t i = 0; i < config->ntarget_files; i++) {
		option_free(config_target_files_options, config_target_files_noptions, &config->target_files[i]);
		config_free_template(&config->target_files[i].common);
	}
	mem_free(config->target_files);
}
