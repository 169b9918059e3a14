#include "core/file.h"
#include "core/mem.h"
#include "daemon/config_reader.h"

static const char *const geo_others[] = {"overrides", NULL};

/* --- reading ----------------------------------------------------------------------------------------------------- */

static void read_override(struct config_reader *reader, const config_setting_t *entry, size_t i)
{
	struct geo_override *override = mem_zero(1, sizeof(*override));
	const struct config_scope scope = {geo_override_options, geo_override_noptions, override};
	size_t errors = reader->source.total;
	struct err err = {0};

	reader->config->geo_overrides[i] = override;
	option_set_defaults(scope.options, scope.n, scope.settings);
	if (!config_is_group(reader, entry))
		return;
	config_read_group(reader, entry, &scope, NULL);
	/* What could not be read is not missing. */
	if (reader->source.total == errors && geo_override_check(override, &err) == -1)
		config_error_at(reader, entry, NULL, "%s", err.text);
}

static void read_overrides(struct config_reader *reader, const config_setting_t *list)
{
	struct config *config = reader->config;

	if (!list || !config_is_list(reader, list, CONFIG_OVERRIDES_MAX))
		return;
	config->ngeo_overrides = (size_t)config_setting_length(list);
	config->geo_overrides = mem_zero(config->ngeo_overrides, sizeof(struct geo_override *));
	for (size_t i = 0; i < config->ngeo_overrides; i++)
		read_override(reader, config_setting_get_elem(list, (unsigned)i), i);
}

void config_read_geo(struct config_reader *reader, const config_setting_t *section)
{
	const struct config_scope scope = {geo_options, geo_noptions, &reader->config->geo};

	option_set_defaults(scope.options, scope.n, scope.settings);
	if (!section || !config_is_group(reader, section))
		return;
	config_read_group(reader, section, &scope, geo_others);
	read_overrides(reader, config_setting_get_member(section, "overrides"));
}

/* --- checking ---------------------------------------------------------------------------------------------------- */

/* Paths are seen from the folder of the configuration. */
static void place_databases(struct config_reader *reader)
{
	struct option_list *databases = &reader->config->geo.databases;

	for (size_t i = 0; i < databases->n; i++) {
		char *resolved = file_resolve(reader->folder, databases->items[i]);

		mem_free(databases->items[i]);
		databases->items[i] = resolved;
	}
}

static void check_unique(struct config_reader *reader, const config_setting_t *root)
{
	const struct config *config = reader->config;
	struct err err = {0};
	struct overrides *overrides;

	if (config->ngeo_overrides == 0 || reader->source.total > 0)
		return;
	overrides = overrides_create((const struct geo_override *const *)config->geo_overrides, config->ngeo_overrides,
				     &err);
	if (!overrides)
		config_error_of_option(reader, root, "geo.overrides", err.text);
	overrides_free(overrides);
}

void config_finish_geo(struct config_reader *reader, const config_setting_t *root)
{
	const struct config *config = reader->config;
	struct address address;
	struct err err = {0};

	place_databases(reader);
	if (geo_settings_check(&config->geo, &err) == -1)
		config_error_of_option(reader, root, "geo", err.text);
	check_unique(reader, root);
	if (config->agent.address && !address_parse(config->agent.address, &address))
		config_error_of_option(reader, root, "agent.address", "is no IP address");
}

/* --- using ------------------------------------------------------------------------------------------------------- */

void config_plan_geo(const struct config *config, struct edition_plan *plan)
{
	*plan = (struct edition_plan){
		.settings = &config->geo,
		.overrides = (const struct geo_override *const *)config->geo_overrides,
		.noverrides = config->ngeo_overrides,
		.agent_address = config->agent.address,
		.agent_point = {config->agent.latitude, config->agent.longitude},
	};
}

void config_free_geo(struct config *config)
{
	for (size_t i = 0; i < config->ngeo_overrides; i++)
		option_free_settings(geo_override_options, geo_override_noptions, config->geo_overrides[i]);
	mem_free(config->geo_overrides);
	option_free(geo_options, geo_noptions, &config->geo);
}
