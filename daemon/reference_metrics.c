#include <stdbool.h>
#include <string.h>

#include "core/event.h"
#include "daemon/assessors.h"
#include "daemon/own.h"
#include "daemon/pipeline.h"
#include "daemon/reference.h"
#include "daemon/reference_print.h"
#include "daemon/ros_catalogue.h"
#include "daemon/whereabouts.h"
#include "exporter/exporter.h"
#include "influx/influx.h"
#include "probes/engine.h"
#include "probes/probe.h"

#define SETS_MAX     (256 + CATALOGUE_SETS_MAX)
#define SERVICES_MAX 64

/* A set and whose it is: "every probe", "probe type ping", "the daemon". */
struct listed_set {
	const struct measure_set *set;
	const char *owner;
	const char *type; /* the probe type, or NULL */
	bool is_own;      /* the type's own set: its line says how the run went */
	bool is_event;    /* so does this one; it makes no series */
};

struct set_list {
	struct listed_set items[SETS_MAX];
	size_t n;
};

static const char owner_probe[] = "Every probe";
static const char owner_assessor[] = "Computed about the results of every probe";
static const char owner_place[] = "Every probe whose place is known";
static const char owner_event[] = "Events of probes";
static const char owner_type[] = "Probe type";
static const char owner_catalogue[] = "Data set of routers";
static const char owner_daemon[] = "The daemon itself";

/* What the line of a type's own set has besides its measures. */
static const char run_fields[] =
	"`success` (integer), `reason` (string), `duration_seconds` (float), `run` (integer) and "
	"`boot` (string)";

static struct listed_set *list_set(struct set_list *list, const struct measure_set *set, const char *owner,
				   const char *type)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->items[i].set == set)
			return &list->items[i];
	}
	if (list->n == SETS_MAX)
		return &list->items[SETS_MAX - 1];
	list->items[list->n] = (struct listed_set){set, owner, type, false, false};
	return &list->items[list->n++];
}

/* What is common to all probes stands in the line of the type's own set instead. */
static bool has_lines(const struct listed_set *listed)
{
	return listed->owner != owner_probe;
}

static void list_catalogue(struct set_list *list, const struct catalogue *catalogue)
{
	for (size_t i = 0; catalogue && i < catalogue->n; i++)
		list_set(list, &catalogue->sets[i]->measure, owner_catalogue, NULL);
}

static void list_all_sets(struct set_list *list, const struct catalogue *catalogue)
{
	const struct probe_service *services[SERVICES_MAX];
	size_t nservices = engine_list_services(services, SERVICES_MAX);

	for (size_t i = 0; pipeline_sets[i]; i++)
		list_set(list, pipeline_sets[i], owner_probe, NULL);
	for (size_t i = 0; assessor_sets[i]; i++)
		list_set(list, assessor_sets[i], owner_assessor, NULL);
	list_set(list, &whereabouts_set, owner_place, NULL);
	list_set(list, &event_row_set, owner_event, NULL)->is_event = true;
	for (size_t i = 0; probe_types[i]; i++) {
		for (size_t k = 0; probe_types[i]->sets[k]; k++)
			list_set(list, probe_types[i]->sets[k], owner_type, probe_types[i]->name)->is_own = k == 0;
	}
	list_catalogue(list, catalogue);
	for (size_t i = 0; own_sets[i]; i++)
		list_set(list, own_sets[i], owner_daemon, NULL);
	list_set(list, &engine_set, owner_daemon, NULL);
	for (size_t i = 0; i < nservices; i++) {
		if (services[i]->set)
			list_set(list, services[i]->set, owner_daemon, NULL);
	}
	list_set(list, &influx_set, owner_daemon, NULL);
	list_set(list, &exporter_set, owner_daemon, NULL);
}

/* --- one measure as words -------------------------------------------------------------------------------------------
 */

/* What /metrics says in TYPE; NULL = not there. */
static const char *metric_type(const struct listed_set *listed, const struct measure *measure)
{
	static const char *const types[] = {
		[MEASURE_COUNTER] = "counter", [MEASURE_COUNTER_SECONDS] = "counter", [MEASURE_GAUGE] = "gauge",
		[MEASURE_INTEGER] = "gauge",   [MEASURE_HISTOGRAM] = "histogram",     [MEASURE_INFO] = "gauge",
		[MEASURE_TEXT] = NULL,
	};

	return listed->is_event ? NULL : types[measure->kind];
}

/* The kind of the field in line protocol; NULL = no field. */
static const char *field_kind(enum measure_kind kind)
{
	static const char *const kinds[] = {
		[MEASURE_COUNTER] = "integer", [MEASURE_COUNTER_SECONDS] = "float", [MEASURE_GAUGE] = "float",
		[MEASURE_INTEGER] = "integer", [MEASURE_HISTOGRAM] = "float",       [MEASURE_INFO] = NULL,
		[MEASURE_TEXT] = "string",
	};

	return kinds[kind];
}

static bool set_has(const struct measure_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++) {
		if (strcmp(set->measures[i].name, name) == 0)
			return true;
	}
	return false;
}

/* rtt_seconds -> rtt_min_seconds, ..., rtt_count; those that are measures themselves stand in a row of their own. */
static void add_histogram_fields(const struct measure_set *set, const char *name, struct text *out)
{
	static const char *const middles[] = {"_min_seconds", "_avg_seconds", "_max_seconds", "_count"};
	size_t length = strlen(name), suffix = strlen("_seconds");
	const char *comma = "";

	if (length > suffix && strcmp(name + length - suffix, "_seconds") == 0)
		length -= suffix;
	for (size_t i = 0; i < sizeof(middles) / sizeof(middles[0]); i++) {
		struct text field = {0};

		text_add_bytes(&field, name, length);
		text_add(&field, middles[i]);
		if (!set_has(set, text_string(&field))) {
			text_add_format(out, "%s%s", comma, text_string(&field));
			comma = ", ";
		}
		text_free(&field);
	}
}

static void add_fields(const struct listed_set *listed, const struct measure *measure, struct text *out)
{
	const struct measure_set *set = listed->set;

	if (!has_lines(listed))
		return;
	if (measure->kind == MEASURE_HISTOGRAM)
		add_histogram_fields(set, measure->name, out);
	else if (field_kind(measure->kind))
		text_add(out, measure->name);
}

static void add_labels(const struct measure_set *set, struct text *out)
{
	for (size_t i = 0; set->label_names && set->label_names[i]; i++)
		text_add_format(out, "%s%s", i ? ", " : "", set->label_names[i]);
}

/* --- as text --------------------------------------------------------------------------------------------------------
 */

static void print_text_set(const struct listed_set *listed, struct text *out)
{
	const struct measure_set *set = listed->set;
	struct text labels = {0};

	add_labels(set, &labels);
	text_add_format(out, "%s%s%s: %s\n", listed->owner, listed->type ? " " : "", listed->type ? listed->type : "",
			set->name);
	if (set->help)
		reference_add_wrapped(out, set->help, 2);
	if (labels.length)
		text_add_format(out, "  labels of its rows: %s\n", text_string(&labels));
	for (size_t i = 0; i < set->n; i++) {
		const struct measure *measure = &set->measures[i];
		const char *type = metric_type(listed, measure);

		text_add_format(out, "  netsonde_%s_%s: %s\n", set->name, measure->name, type ? type : "only in lines");
		reference_add_wrapped(out, measure->help ? measure->help : "", 6);
	}
	text_add_char(out, '\n');
	text_free(&labels);
}

/* --- as Markdown ----------------------------------------------------------------------------------------------------
 */

static void print_markdown_measure(const struct listed_set *listed, const struct measure *measure, struct text *out)
{
	const struct measure_set *set = listed->set;
	struct text fields = {0};
	const char *type = metric_type(listed, measure);

	add_fields(listed, measure, &fields);
	if (type)
		text_add_format(out, "| `netsonde_%s_%s` | %s | ", set->name, measure->name, type);
	else
		text_add(out, "| | | ");
	if (fields.length)
		text_add_format(out, "`%s`", text_string(&fields));
	text_add(out, " | ");
	reference_add_cell(out, measure->help ? measure->help : "");
	text_add(out, " |\n");
	text_free(&fields);
}

static void print_markdown_set(const struct listed_set *listed, struct text *out)
{
	const struct measure_set *set = listed->set;
	struct text labels = {0};

	add_labels(set, &labels);
	text_add_format(out, "### %s%s%s: %s\n\n", listed->owner, listed->type ? " " : "",
			listed->type ? listed->type : "", set->name);
	if (set->help)
		text_add_format(out, "%s.", set->help);
	if (labels.length)
		text_add_format(out, " Labels of its rows: `%s`.", text_string(&labels));
	if (listed->is_own || listed->is_event)
		text_add_format(out, " Its line has the fields %s, too.", run_fields);
	if (has_lines(listed))
		text_add_format(out, "\n\n| Prometheus | type | fields of `%s` | meaning |\n|---|---|---|---|\n",
				set->name);
	else
		text_add(out, " Not in lines: there the line of the type's own set says it."
			      "\n\n| Prometheus | type | fields | meaning |\n|---|---|---|---|\n");
	for (size_t i = 0; i < set->n; i++)
		print_markdown_measure(listed, &set->measures[i], out);
	text_add_char(out, '\n');
	text_free(&labels);
}

/* --- as JSON --------------------------------------------------------------------------------------------------------
 */

static json_t *json_measure(const struct listed_set *listed, const struct measure *measure)
{
	const struct measure_set *set = listed->set;
	struct text fields = {0}, metric = {0};
	const char *type = metric_type(listed, measure);
	json_t *object;

	add_fields(listed, measure, &fields);
	text_add_format(&metric, "netsonde_%s_%s", set->name, measure->name);
	object = json_pack("{s:s, s:s?, s:s?, s:s, s:s?, s:s}", "name", measure->name, "metric",
			   type ? text_string(&metric) : NULL, "type", type, "fields", text_string(&fields),
			   "field_kind", has_lines(listed) ? field_kind(measure->kind) : NULL, "help",
			   measure->help ? measure->help : "");
	text_free(&fields);
	text_free(&metric);
	return object;
}

static json_t *json_set(const struct listed_set *listed)
{
	const struct measure_set *set = listed->set;
	json_t *labels = json_array(), *measures = json_array();

	for (size_t i = 0; set->label_names && set->label_names[i]; i++)
		json_array_append_new(labels, json_string(set->label_names[i]));
	for (size_t i = 0; i < set->n; i++)
		json_array_append_new(measures, json_measure(listed, &set->measures[i]));
	return json_pack("{s:s, s:s, s:s?, s:s, s:o, s:o}", "set", set->name, "owner", listed->owner, "type",
			 listed->type, "help", set->help ? set->help : "", "labels", labels, "measures", measures);
}

/* --- all of them ----------------------------------------------------------------------------------------------------
 */

void reference_metrics(enum reference_format format, struct text *out)
{
	struct text errors = {0};
	struct catalogue *catalogue = ros_catalogue_load(NULL, 0, false, &errors);
	struct set_list list = {.n = 0};
	json_t *sets = json_array();

	list_all_sets(&list, catalogue);
	for (size_t i = 0; i < list.n; i++) {
		if (format == REFERENCE_TEXT)
			print_text_set(&list.items[i], out);
		else if (format == REFERENCE_MARKDOWN)
			print_markdown_set(&list.items[i], out);
		else
			json_array_append_new(sets, json_set(&list.items[i]));
	}
	if (format == REFERENCE_JSON)
		reference_add_json(out, json_pack("{s:o}", "sets", sets));
	else
		json_decref(sets);
	catalogue_free(catalogue);
	text_free(&errors);
}
