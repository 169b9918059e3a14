#include "daemon/standing.h"

#include <stdbool.h>
#include <string.h>

#include "core/mem.h"
#include "core/option_compare.h"
#include "daemon/config.h"

/* A section with a table of options. live: those that come into force at once, NULL-terminated. */
struct section {
	const char *name;
	const struct option *options;
	const size_t *noptions;
	size_t offset; /* in struct config */
	const char *const *live;
};

/* Place and level of log: at once. Where the daemon stands is used by nothing that would have to be made anew. */
static const char *const agent_live[] = {"latitude", "longitude", "address", "log_level", "log_format", NULL};
static const char *const none_live[] = {NULL};

static const struct section sections[] = {
	{"agent", config_agent_options, &config_agent_noptions, offsetof(struct config, agent), agent_live},
	{"web", exporter_options, &exporter_noptions, offsetof(struct config, web), none_live},
	{"availability", availability_options, &availability_noptions, offsetof(struct config, availability),
	 none_live},
	{"disk_log", influx_log_options, &influx_log_noptions, offsetof(struct config, disk_log), none_live},
	{"qos", config_qos_options, &config_qos_noptions, offsetof(struct config, qos), none_live},
	{"qos.emodel", emodel_options, &emodel_noptions, offsetof(struct config, qos.emodel), none_live},
	{"qos.objectives", config_objectives_options, &config_objectives_noptions,
	 offsetof(struct config, qos.objectives), none_live},
};
#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

struct standing {
	struct config config; /* only the sections above, the labels and the number of outputs */
};

/* --- copies ------------------------------------------------------------------------------------------------------ */

static void copy_options(const struct option *options, size_t n, size_t size, const void *from, void *to)
{
	void *copy = option_copy_settings(options, n, size, from);

	memcpy(to, copy, size);
	mem_free(copy);
}

struct standing *standing_create(const struct config *config)
{
	struct standing *standing = mem_zero(1, sizeof(*standing));
	struct config *copy = &standing->config;

	copy_options(config_agent_options, config_agent_noptions, sizeof(copy->agent), &config->agent, &copy->agent);
	copy_options(exporter_options, exporter_noptions, sizeof(copy->web), &config->web, &copy->web);
	copy_options(availability_options, availability_noptions, sizeof(copy->availability), &config->availability,
		     &copy->availability);
	copy_options(influx_log_options, influx_log_noptions, sizeof(copy->disk_log), &config->disk_log,
		     &copy->disk_log);
	copy_options(config_qos_options, config_qos_noptions, sizeof(copy->qos), &config->qos, &copy->qos);
	copy->agent.labels = config_copy_labels(&config->agent.labels);
	copy->noutputs = config->noutputs;
	return standing;
}

void standing_free(struct standing *standing)
{
	if (!standing)
		return;
	option_free(config_agent_options, config_agent_noptions, &standing->config.agent);
	option_free(exporter_options, exporter_noptions, &standing->config.web);
	option_free(influx_log_options, influx_log_noptions, &standing->config.disk_log);
	option_free(availability_options, availability_noptions, &standing->config.availability);
	option_free(config_qos_options, config_qos_noptions, &standing->config.qos);
	config_free_labels(&standing->config.agent.labels);
	mem_free(standing);
}

const struct config_agent *standing_agent(const struct standing *standing)
{
	return &standing->config.agent;
}

const struct exporter_settings *standing_web(const struct standing *standing)
{
	return &standing->config.web;
}

const struct config_qos *standing_qos(const struct standing *standing)
{
	return &standing->config.qos;
}

const struct influx_log_settings *standing_disk_log(const struct standing *standing)
{
	return &standing->config.disk_log;
}

const struct availability_settings *standing_availability(const struct standing *standing)
{
	return &standing->config.availability;
}

/* --- comparing --------------------------------------------------------------------------------------------------- */

struct differences {
	struct text *names;
	size_t n;
};

static void note(struct differences *found, const char *section, const char *option)
{
	text_add_format(found->names, "%s%s%s%s", found->n > 0 ? ", " : "", section, option ? "." : "",
			option ? option : "");
	found->n++;
}

static bool is_live(const struct section *section, const char *name)
{
	for (const char *const *live = section->live; *live; live++) {
		if (strcmp(*live, name) == 0)
			return true;
	}
	return false;
}

static void compare_section(struct differences *found, const struct section *section, const struct config *a,
			    const struct config *b)
{
	for (size_t i = 0; i < *section->noptions; i++) {
		const struct option *option = &section->options[i];

		if (!is_live(section, option->name) &&
		    !option_is_equal(option, (const char *)a + section->offset, (const char *)b + section->offset))
			note(found, section->name, option->name);
	}
}

size_t standing_compare(const struct standing *standing, const struct config *config, struct text *names)
{
	const struct config_labels *mine = &standing->config.agent.labels, *theirs = &config->agent.labels;
	struct differences found = {.names = names};

	for (size_t i = 0; i < SECTIONS; i++)
		compare_section(&found, &sections[i], &standing->config, config);
	if (!label_sets_are_equal(mine->items, mine->n, theirs->items, theirs->n))
		note(&found, "agent", "labels");
	/* Workers that began without outputs make no lines. Any other change of outputs is put in force by
	 * influx_apply. */
	if (standing->config.noutputs == 0 && config->noutputs > 0)
		note(&found, "influx", NULL);
	return found.n;
}
