#include <string.h>

#include "core/mem.h"
#include "daemon/config.h"
#include "daemon/pipeline.h"
#include "daemon/quality.h"
#include "daemon/shared_catalogue.h"
#include "daemon/whereabouts.h"
#include "exporter/series.h"
#include "probes/routeros/catalogue.h"

/* Buckets, +Inf, sum and count. */
#define HISTOGRAM_SERIES (SERIES_BUCKETS + 3)

/* Rows of a data set that has one for each interface, queue, peer or the like: a router may have three of them or three
 * thousand. */
#define ROWS_EXPECTED 5

static size_t count_set(const struct measure_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++) {
		if (set->measures[i].kind == MEASURE_HISTOGRAM)
			n += HISTOGRAM_SERIES;
		else if (set->measures[i].kind != MEASURE_TEXT)
			n++;
	}
	return n;
}

static size_t count_catalogue(const struct catalogue *catalogue)
{
	size_t n = 0;

	for (size_t i = 0; catalogue && i < catalogue->n; i++) {
		const struct catalogue_set *set = catalogue->sets[i];

		if (set->is_enabled && !set->parameters[0])
			n += count_set(&set->measure) * (set->nkeys ? ROWS_EXPECTED : 1);
	}
	return n;
}

size_t config_count_parked(const struct config *config)
{
	size_t n = 0;

	for (size_t i = 0; i < config->ntargets; i++)
		n += config->targets[i].is_parked;
	return n;
}

size_t config_count_series_of(const struct config *config, const struct probe_type *type)
{
	size_t n = count_set(type->sets[0]) + quality_count_series(&config->qos, type->name);

	if (type->uses_catalogue)
		n += count_catalogue(shared_catalogue_of(config->catalogue));

	for (size_t i = 0; pipeline_sets[i]; i++)
		n += count_set(pipeline_sets[i]);
	return n;
}

size_t config_count_series(const struct config *config)
{
	size_t places = config->geo.databases.n + config->ngeo_overrides > 0 ? count_set(&whereabouts_set) : 0;
	size_t n = 0, assessed = config->availability.is_enabled ? AVAILABILITY_SERIES : 0;

	for (size_t i = 0; i < config->ntargets; i++) {
		const struct config_target *target = &config->targets[i];

		for (size_t k = 0; k < target->nassignments && !target->is_parked; k++)
			n += config_count_series_of(config, target->assignments[k].probe->type) + assessed + places;
	}
	return n;
}

void config_warn(const struct config *config, struct text *warnings)
{
	bool *is_used = mem_zero(config->nprobes, sizeof(*is_used));
	size_t expected = config_count_series(config);
	bool has_no_targets = !config->ntargets && !config->ntarget_files;
	/* The targets come with requests to /probe. */
	bool is_for_others = has_no_targets && config->probe_endpoint.is_enabled &&
			     (config->nprobes > 0 || config->probe_endpoint.blackbox_config);

	for (size_t i = 0; i < config->ntargets; i++) {
		for (size_t k = 0; k < config->targets[i].nassignments; k++)
			is_used[config->targets[i].assignments[k].probe - config->probes] = true;
	}
	for (size_t i = 0; i < config->ntarget_files; i++) {
		for (size_t k = 0; k < config->target_files[i].common.nassignments; k++)
			is_used[config->target_files[i].common.assignments[k].probe - config->probes] = true;
	}
	for (size_t i = 0; i < config->nprobes && !is_for_others; i++) {
		if (!is_used[i])
			text_add_format(warnings, "%s: warning: probes.%s: no target uses it\n", config->file,
					config->probes[i].name);
	}
	if (has_no_targets && !is_for_others)
		text_add_format(warnings, "%s: warning: targets: there are none, nothing is measured\n", config->file);
	if (expected > (size_t)config->web.max_series)
		text_add_format(warnings,
				"%s: warning: web.max_series: about %zu series are expected, at most %lld are served\n",
				config->file, expected, (long long)config->web.max_series);
	mem_free(is_used);
}
