#include "exporter/family.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

/* Units that OpenMetrics is told of: what a family's name ends in. */
static const char *const units[] = {
	"bits_per_second",
	"bytes_per_second",
	"packets_per_second",
	"seconds",
	"bytes",
	"ratio",
	"meters",
	"celsius",
	"volts",
	"amperes",
	"watts",
	"hertz",
	"joules",
	"decibels",
};

static bool ends_in(const char *name, size_t length, const char *end)
{
	size_t n = strlen(end);
	return length > n && memcmp(name + length - n, end, n) == 0;
}

/* --- the list ---------------------------------------------------------------------------------------------------- */

struct entry {
	char *name;
	const struct known_set *set;
	uint16_t measure;
};

static enum measure_kind kind_of(const struct entry *entry)
{
	return entry->set->measures[entry->measure].kind;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *one = a, *other = b;
	int order = strcmp(one->name, other->name);
	return order != 0 ? order : (int)kind_of(one) - (int)kind_of(other);
}

static size_t count_measures(struct known_set *const *sets, size_t n)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		count += sets[i]->n;
	return count;
}

static struct entry *list_entries(struct known_set *const *sets, size_t nsets, size_t *n)
{
	struct entry *entries = mem_zero(count_measures(sets, nsets), sizeof(*entries));
	*n = 0;
	for (size_t i = 0; i < nsets; i++) {
		for (size_t k = 0; k < sets[i]->n; k++) {
			const struct known_measure *measure = &sets[i]->measures[k];
			if (measure->kind == MEASURE_TEXT)
				continue;
			entries[(*n)++] = (struct entry){mem_format("netsonde_%s_%s", sets[i]->name, measure->name),
							 sets[i], (uint16_t)k};
		}
	}
	if (*n > 0)
		qsort(entries, *n, sizeof(*entries), compare_entries);
	return entries;
}

/* Adds the entry to the last family or begins a new one; takes its name over. */
static void add_entry(struct family_list *list, const struct entry *entry)
{
	struct family *last = list->n > 0 ? &list->families[list->n - 1] : NULL;
	if (last && strcmp(last->name, entry->name) == 0) {
		if (last->kind == kind_of(entry))
			last->members[last->nmembers++] = (struct family_member){entry->set, entry->measure};
		mem_free(entry->name);
		return;
	}
	struct family_member *members = last ? last->members + last->nmembers : list->members;
	members[0] = (struct family_member){entry->set, entry->measure};
	list->families[list->n++] = (struct family){.name = entry->name,
						    .name_length = strlen(entry->name),
						    .kind = kind_of(entry),
						    .help = entry->set->measures[entry->measure].help,
						    .members = members,
						    .nmembers = 1};
}

/* The length of the family's name in OpenMetrics, which leaves _total and _info to the samples. */
static size_t base_length(const struct family *family)
{
	bool is_counter = family->kind == MEASURE_COUNTER || family->kind == MEASURE_COUNTER_SECONDS;
	if (is_counter && ends_in(family->name, family->name_length, "_total"))
		return family->name_length - strlen("_total");
	if (family->kind == MEASURE_INFO && ends_in(family->name, family->name_length, "_info"))
		return family->name_length - strlen("_info");
	return family->name_length;
}

static int compare_base(const void *key, const void *element)
{
	const struct family *family = key, *other = element;
	size_t length = base_length(family);
	int order = strncmp(family->name, other->name, length);
	return order != 0 ? order : -(other->name[length] != '\0');
}

static void find_ambiguous(struct family_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct family *family = &list->families[i];
		if (base_length(family) < family->name_length)
			family->is_ambiguous =
				bsearch(family, list->families, list->n, sizeof(*family), compare_base) != NULL;
	}
}

struct family_list *family_list_create(struct known_set *const *sets, size_t n)
{
	struct family_list *list = mem_zero(1, sizeof(*list));
	size_t nentries;
	struct entry *entries = list_entries(sets, n, &nentries);
	list->families = mem_zero(nentries, sizeof(*list->families));
	list->members = mem_zero(nentries, sizeof(*list->members));
	for (size_t i = 0; i < nentries; i++)
		add_entry(list, &entries[i]);
	find_ambiguous(list);
	mem_free(entries);
	return list;
}

void family_list_free(struct family_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->n; i++)
		mem_free(list->families[i].name);
	mem_free(list->families);
	mem_free(list->members);
	mem_free(list);
}

/* --- the head ---------------------------------------------------------------------------------------------------- */

static const char *text_type(enum measure_kind kind)
{
	switch (kind) {
	case MEASURE_COUNTER:
	case MEASURE_COUNTER_SECONDS:
		return "counter";
	case MEASURE_HISTOGRAM:
		return "histogram";
	default:
		return "gauge";
	}
}

static const char *find_unit(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t n = strlen(units[i]);
		if (ends_in(name, length, units[i]) && length > n + 1 && name[length - n - 1] == '_')
			return units[i];
	}
	return NULL;
}

/* What is not named as its type demands cannot be said to be of it: its samples would need other names. */
static const char *openmetrics_type(const struct family *family)
{
	bool is_named = base_length(family) < family->name_length && !family->is_ambiguous;
	if (family->kind == MEASURE_INFO)
		return is_named ? "info" : "gauge";
	if (family->kind == MEASURE_COUNTER || family->kind == MEASURE_COUNTER_SECONDS)
		return is_named ? "counter" : "unknown";
	return text_type(family->kind);
}

static void write_line(struct text *out, const char *what, const struct family *family, size_t name_length)
{
	text_add(out, what);
	text_add_bytes(out, family->name, name_length);
	text_add_char(out, ' ');
}

static void write_help(const struct family *family, size_t name_length, bool escapes_quotes, struct text *out)
{
	if (family->help[0] == '\0')
		return;
	write_line(out, "# HELP ", family, name_length);
	for (const char *c = family->help; *c != '\0'; c++) {
		if (*c == '\\' || (*c == '"' && escapes_quotes)) {
			text_add_char(out, '\\');
			text_add_char(out, *c);
		} else if (*c == '\n') {
			text_add(out, "\\n");
		} else {
			text_add_char(out, *c);
		}
	}
	text_add_char(out, '\n');
}

void family_write_head(const struct family *family, enum render_format format, struct text *out)
{
	if (format == RENDER_TEXT) {
		write_help(family, family->name_length, false, out);
		write_line(out, "# TYPE ", family, family->name_length);
		text_add(out, text_type(family->kind));
		text_add_char(out, '\n');
		return;
	}
	size_t length = family->is_ambiguous ? family->name_length : base_length(family);
	const char *unit = family->kind == MEASURE_INFO ? NULL : find_unit(family->name, length);
	write_line(out, "# TYPE ", family, length);
	text_add(out, openmetrics_type(family));
	text_add_char(out, '\n');
	if (unit) {
		write_line(out, "# UNIT ", family, length);
		text_add(out, unit);
		text_add_char(out, '\n');
	}
	write_help(family, length, true, out);
}
