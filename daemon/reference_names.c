/*
 * The names of mktxp: where each comes from, in our names and labels, and what differs.
 */
#include <string.h>

#include "core/mem.h"
#include "daemon/dialect_reader.h"
#include "daemon/reference.h"
#include "daemon/reference_print.h"
#include "daemon/ros_catalogue.h"

#define SET_PREFIX "routeros_"

struct names_reference {
	const struct dialect *dialect;
	const struct catalogue *catalogue;
};

static char *ours_of(const struct names_reference *reference, const struct dialect_metric *metric)
{
	return mem_format("netsonde_%s_%s", reference->dialect->sets[metric->set], metric->measure);
}

static const struct catalogue_set *set_of(const struct names_reference *reference, const struct dialect_metric *metric)
{
	const char *full = reference->dialect->sets[metric->set];

	return strncmp(full, SET_PREFIX, strlen(SET_PREFIX)) == 0
		       ? catalogue_find(reference->catalogue, full + strlen(SET_PREFIX))
		       : NULL;
}

/* --- what differs --------------------------------------------------------------------------------------------------
 */

/* What is between two remarks. */
static void begin_remark(struct text *out, size_t start)
{
	if (out->length > start)
		text_add(out, "; ");
}

static void add_conditions(const struct dialect_metric *metric, struct text *out)
{
	for (size_t i = 0; i < metric->nconditions; i++) {
		const struct dialect_condition *condition = &metric->conditions[i];

		text_add_format(out, "%s%s=\"", i ? ", " : "", condition->label);
		for (size_t k = 0; k < condition->nvalues; k++)
			text_add_format(out, "%s%s", k ? "|" : "", condition->values[k]);
		text_add_char(out, '"');
	}
}

static void add_value(const struct dialect_metric *metric, size_t start, struct text *out)
{
	if (metric->factor != 1) {
		begin_remark(out, start);
		text_add(out, "theirs is ");
		text_add_double(out, metric->factor);
		text_add(out, " times ours");
	}
	if (metric->has_good) {
		begin_remark(out, start);
		text_add(out, "theirs is 1 where ours is ");
		text_add_double(out, metric->good);
		text_add(out, ", else 0");
	}
	if (metric->differ[0]) {
		begin_remark(out, start);
		text_add_format(out, "1 where `%s` and `%s` differ, else 0", metric->differ[0], metric->differ[1]);
	}
}

static bool is_joined_with(const struct names_reference *reference, const struct dialect_label *label, const char *set)
{
	return label->nsources > 0 && label->sources->origin == DIALECT_JOINED &&
	       strcmp(reference->dialect->joins[label->sources->join].set, set) == 0;
}

/* Labels that come from other sets. */
static void add_joins(const struct names_reference *reference, const struct dialect_metric *metric, size_t start,
		      struct text *out)
{
	for (size_t i = 0; i < reference->catalogue->n; i++) {
		const struct catalogue_set *set = reference->catalogue->sets[i];
		size_t n = 0;

		for (size_t k = 0; k < metric->nlabels; k++) {
			if (!is_joined_with(reference, &metric->labels[k], set->measure.name))
				continue;
			if (n == 0)
				begin_remark(out, start);
			text_add_format(out, "%s`%s`", n++ ? ", " : "", metric->labels[k].name);
		}
		if (n > 0)
			text_add_format(out, " from the set `%s`%s", set->name,
					set->is_enabled ? "" : " (off by default)");
	}
}

static void add_remarks(const struct names_reference *reference, const struct dialect_metric *metric, struct text *out)
{
	size_t start = out->length;
	const struct catalogue_set *set = metric->measure ? set_of(reference, metric) : NULL;

	add_conditions(metric, out);
	add_value(metric, start, out);
	add_joins(reference, metric, start, out);
	if (set && !set->is_enabled) {
		begin_remark(out, start);
		text_add_format(out, "the set `%s` is off by default", set->name);
	}
	if (metric->note[0]) {
		begin_remark(out, start);
		text_add(out, metric->note);
	}
}

/* --- Markdown ------------------------------------------------------------------------------------------------------
 */

/* Theirs; those that are not served are struck. */
static void add_their_labels(const struct dialect_metric *metric, struct text *out)
{
	for (size_t i = 0; i < metric->nlabels; i++) {
		const char *strike = metric->labels[i].nsources == 0 || !metric->measure ? "~~" : "";

		text_add_format(out, "%s%s`%s`%s", i ? ", " : "", strike, metric->labels[i].name, strike);
	}
}

static void add_our_labels(const struct names_reference *reference, const struct dialect_metric *metric,
			   struct text *out)
{
	const struct catalogue_set *set = set_of(reference, metric);

	for (size_t i = 0; set && set->measure.label_names[i]; i++)
		text_add_format(out, "%s`%s`", i ? ", " : "", set->measure.label_names[i]);
}

static void add_cell(struct text *out, struct text *cell)
{
	text_add(out, " | ");
	reference_add_cell(out, text_string(cell));
	text_clear(cell);
}

static void add_row(const struct names_reference *reference, const struct dialect_metric *metric, struct text *out)
{
	static const char *const types[] = {[MEASURE_COUNTER] = "counter", [MEASURE_INFO] = "info"};
	struct text cell = {0};

	text_add_format(out, "| `%s`", metric->name);
	add_their_labels(metric, &cell);
	add_cell(out, &cell);
	if (metric->measure) {
		char *ours = ours_of(reference, metric);

		text_add_format(out, " | `%s`", ours);
		mem_free(ours);
		add_our_labels(reference, metric, &cell);
	} else {
		text_add(out, " | none");
	}
	add_cell(out, &cell);
	text_add_format(out, " | %s", metric->kind == MEASURE_GAUGE ? "gauge" : types[metric->kind]);
	add_remarks(reference, metric, &cell);
	add_cell(out, &cell);
	text_add(out, " |\n");
	text_free(&cell);
}

static void add_table(const struct names_reference *reference, const char *group, struct text *out)
{
	text_add_format(out, "### %s\n\n| mktxp | its labels | ours | our labels | its type | what differs |\n", group);
	text_add(out, "|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < reference->dialect->n; i++)
		if (strcmp(reference->dialect->metrics[i].group, group) == 0)
			add_row(reference, &reference->dialect->metrics[i], out);
	text_add_char(out, '\n');
}

static void add_missing(const struct names_reference *reference, struct text *out)
{
	text_add(out, "### What is missing, and why\n\n| mktxp | why |\n|---|---|\n");
	for (size_t i = 0; i < reference->dialect->n; i++) {
		const struct dialect_metric *metric = &reference->dialect->metrics[i];

		if (metric->measure)
			continue;
		text_add_format(out, "| `%s` | ", metric->name);
		reference_add_cell(out, metric->note);
		text_add(out, " |\n");
	}
}

/* The first group by name that comes after this one; NULL: there is none. */
static const char *next_group(const struct dialect *dialect, const char *after)
{
	const char *next = NULL;

	for (size_t i = 0; i < dialect->n; i++) {
		const char *group = dialect->metrics[i].group;

		if (strcmp(group, after) > 0 && (!next || strcmp(group, next) < 0))
			next = group;
	}
	return next;
}

static void add_markdown(const struct names_reference *reference, struct text *out)
{
	for (const char *group = next_group(reference->dialect, ""); group;
	     group = next_group(reference->dialect, group))
		add_table(reference, group, out);
	add_missing(reference, out);
}

/* --- text and JSON -------------------------------------------------------------------------------------------------
 */

static void add_text(const struct names_reference *reference, struct text *out)
{
	for (size_t i = 0; i < reference->dialect->n; i++) {
		const struct dialect_metric *metric = &reference->dialect->metrics[i];
		char *ours = metric->measure ? ours_of(reference, metric) : mem_copy_string("(none)");
		struct text remarks = {0};

		text_add_format(out, "%s\n    %s\n", metric->name, ours);
		add_remarks(reference, metric, &remarks);
		if (remarks.length > 0)
			reference_add_wrapped(out, text_string(&remarks), 4);
		text_free(&remarks);
		mem_free(ours);
	}
}

static json_t *json_of(const struct names_reference *reference, const struct dialect_metric *metric)
{
	char *ours = metric->measure ? ours_of(reference, metric) : NULL;
	struct text remarks = {0};
	json_t *labels = json_array(), *object;

	for (size_t i = 0; i < metric->nlabels; i++)
		if (metric->labels[i].nsources > 0 && metric->measure)
			json_array_append_new(labels, json_string(metric->labels[i].name));
	add_remarks(reference, metric, &remarks);
	object = json_pack("{s:s, s:s?, s:s?, s:o, s:s}", "name", metric->name, "ours", ours, "set",
			   metric->measure ? reference->dialect->sets[metric->set] : NULL, "labels", labels, "remarks",
			   text_string(&remarks));
	text_free(&remarks);
	mem_free(ours);
	return object;
}

static void add_json(const struct names_reference *reference, struct text *out)
{
	json_t *array = json_array();

	for (size_t i = 0; i < reference->dialect->n; i++)
		json_array_append_new(array, json_of(reference, &reference->dialect->metrics[i]));
	reference_add_json(out, array);
}

void reference_names(enum reference_format format, struct text *out)
{
	struct text errors = {0};
	struct dialect *dialect = dialect_read(dialect_mktxp_text, "mktxp.conf", &errors);
	struct catalogue *catalogue = ros_catalogue_load(NULL, 0, false, &errors);
	const struct names_reference reference = {dialect, catalogue};

	if (!dialect || !catalogue)
		text_add(out, text_string(&errors));
	else if (format == REFERENCE_MARKDOWN)
		add_markdown(&reference, out);
	else if (format == REFERENCE_JSON)
		add_json(&reference, out);
	else
		add_text(&reference, out);
	catalogue_free(catalogue);
	dialect_free(dialect);
	text_free(&errors);
}
