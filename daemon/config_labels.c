#include <string.h>

#include "core/mem.h"
#include "daemon/assessors.h"
#include "daemon/config_reader.h"
#include "daemon/pipeline.h"
#include "geo/place.h"

/* Taken by series and lines themselves, by histograms and summaries, by line protocol and by the scrape of Prometheus.
 */
static const char *const reserved_labels[] = {"target",   "probe", "agent", "reason",   "le",
					      "quantile", "time",  "job",   "instance", NULL};

/* The rows that every probe has beside its type's own carry labels too. */
static bool is_common_row_label(const char *name)
{
	/* Where a target is, its own labels may say as well: they win. */
	if (place_field_find(name) != PLACE_FIELDS)
		return false;
	for (size_t i = 0; pipeline_sets[i]; i++) {
		if (config_word_is_in(name, pipeline_sets[i]->label_names))
			return true;
	}
	for (size_t i = 0; assessor_sets[i]; i++) {
		if (config_word_is_in(name, assessor_sets[i]->label_names))
			return true;
	}
	return false;
}

bool config_is_label_name(const char *name)
{
	static const char start[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	static const char part[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

	return name[0] && strchr(start, name[0]) && name[strspn(name, part)] == '\0';
}

void config_reserve_labels(struct config_reader *reader, size_t probe)
{
	const struct probe_type *type = reader->config->probes[probe].type;

	for (size_t i = 0; type->sets[i]; i++) {
		const char *const *names = type->sets[i]->label_names;

		for (size_t k = 0; names && names[k]; k++)
			names_add(&reader->row_labels, names_key_of(names[k]), probe);
	}
}

static bool is_usable(struct config_reader *reader, const config_setting_t *setting)
{
	const char *name = config_setting_name(setting);
	size_t probe;

	if (!config_is_label_name(name)) {
		config_error_at(reader, setting, NULL, "a label name has only letters, digits and _");
		return false;
	}
	if (config_word_is_in(name, reserved_labels) || strncmp(name, "__", 2) == 0 || is_common_row_label(name)) {
		config_error_at(reader, setting, NULL, "this label name is reserved");
		return false;
	}
	probe = names_find(&reader->row_labels, names_key_of(name));
	if (probe != NAMES_NONE) {
		config_error_at(reader, setting, NULL, "this label name is reserved: rows of probe type %s have it",
				reader->config->probes[probe].type->name);
		return false;
	}
	return true;
}

bool config_is_reserved_label(const struct config *config, const struct config_template *template, const char *name)
{
	if (config_word_is_in(name, reserved_labels) || is_common_row_label(name))
		return true;
	for (size_t i = 0; i < config->nprobes; i++) {
		const struct probe_type *type = config->probes[i].type;

		for (size_t k = 0; type && type->sets[k]; k++)
			if (config_word_is_in(name, type->sets[k]->label_names))
				return true;
	}
	return config_label_owner(config, template, name) != NULL;
}

void config_read_labels(struct config_reader *reader, const config_setting_t *group, struct config_labels *labels)
{
	int length;

	if (!config_is_group(reader, group))
		return;
	length = config_setting_length(group);
	if (length > CONFIG_LABELS_MAX) {
		config_error_at(reader, group, NULL, "has more than %d labels", CONFIG_LABELS_MAX);
		return;
	}
	labels->items = mem_zero((size_t)length, sizeof(*labels->items));
	for (int i = 0; i < length; i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		char *value =
			is_usable(reader, setting) ? config_text_of(reader, setting, CONFIG_LABEL_BYTES_MAX) : NULL;

		if (!value)
			continue;
		labels->items[labels->n].name = mem_copy_string(config_setting_name(setting));
		labels->items[labels->n++].value = value;
	}
}

struct config_labels config_copy_labels(const struct config_labels *labels)
{
	struct config_labels copy = {mem_zero(labels->n, sizeof(*copy.items)), labels->n};

	for (size_t i = 0; i < labels->n; i++)
		copy.items[i] =
			(struct label){mem_copy_string(labels->items[i].name), mem_copy_string(labels->items[i].value)};
	return copy;
}

void config_free_labels(struct config_labels *labels)
{
	for (size_t i = 0; i < labels->n; i++) {
		mem_free((char *)(uintptr_t)labels->items[i].name);
		mem_free((char *)(uintptr_t)labels->items[i].value);
	}
	mem_free(labels->items);
	*labels = (struct config_labels){0};
}
