#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "daemon/ros_catalogue_reader.h"

#define RATE_SUFFIX "_per_second"

/* Where a column is put while the set is read. */
struct place {
	struct catalogue_column *column;
	struct measure *measure;
};

/* --- kinds and units -------------------------------------------------------------------------------------------------
 */

static enum measure_kind kind_of(const struct ros_column_written *written)
{
	switch ((enum ros_kind)written->kind) {
	case ROS_KIND_COUNTER:
		return ros_ends_with(written->measure, "_seconds_total") ? MEASURE_COUNTER_SECONDS : MEASURE_COUNTER;
	case ROS_KIND_GAUGE:
		return MEASURE_GAUGE;
	case ROS_KIND_INTEGER:
		return MEASURE_INTEGER;
	case ROS_KIND_INFO:
		return MEASURE_INFO;
	case ROS_KIND_TEXT:
		return MEASURE_TEXT;
	case ROS_KIND_AUTO:
		break;
	}
	if (written->parse == CATALOGUE_TEXT)
		return MEASURE_TEXT;
	if (strcmp(written->measure, "info") == 0 || ros_ends_with(written->measure, "_info"))
		return MEASURE_INFO;
	if (ros_ends_with(written->measure, "_seconds_total"))
		return MEASURE_COUNTER_SECONDS;
	return ros_ends_with(written->measure, "_total") ? MEASURE_COUNTER : MEASURE_GAUGE;
}

static bool is_counter(enum measure_kind kind)
{
	return kind == MEASURE_COUNTER || kind == MEASURE_COUNTER_SECONDS;
}

/* What a parse gives is in a unit by itself. */
static enum ros_unit_id unit_of(const struct ros_column_written *written)
{
	switch ((enum catalogue_parse)written->parse) {
	case CATALOGUE_DURATION:
		return ROS_UNIT_SECONDS;
	case CATALOGUE_SIZE:
		return written->unit == ROS_UNIT_KIBIBYTES ? ROS_UNIT_KIBIBYTES : ROS_UNIT_BYTES;
	case CATALOGUE_RATE:
		return ROS_UNIT_BITS_PER_SECOND;
	case CATALOGUE_DATE:
		return ROS_UNIT_DATE;
	default:
		return (enum ros_unit_id)written->unit;
	}
}

/* The unit's suffix, that of a rate when it is one; bytes become bits then, as everywhere in this trade. */
static const char *suffix_of(const struct ros_column_written *written, enum ros_unit_id unit, double *factor)
{
	*factor = ros_units[unit].factor;
	if (!written->is_rate)
		return ros_units[unit].suffix;
	if (strcmp(ros_units[unit].suffix, "_bytes") != 0)
		return RATE_SUFFIX;
	*factor *= 8;
	return "_bits_per_second";
}

static bool has_suffix(const char *stem, const char *suffix)
{
	return ros_ends_with(stem, suffix) || strcmp(stem, suffix + 1) == 0;
}

/* The unit that the name claims without one being written. */
static const char *claimed_suffix(const char *stem)
{
	for (size_t i = 0; i < ros_nunits; i++) {
		if (ros_units[i].suffix[0] && has_suffix(stem, ros_units[i].suffix))
			return ros_units[i].suffix;
	}
	return NULL;
}

static void check_unit(struct ros_reader *reader, const config_setting_t *group,
		       const struct ros_column_written *written, struct catalogue_column *column)
{
	enum ros_unit_id unit = unit_of(written);
	const char *suffix = suffix_of(written, unit, &column->factor), *claimed;
	bool is_total = ros_ends_with(written->measure, "_total");
	size_t length = strlen(written->measure) - (is_total ? strlen("_total") : 0);
	char *stem = mem_format("%.*s", (int)length, written->measure);

	column->router_unit = written->parse == CATALOGUE_NUMBER ? ros_units[unit].in_text : NULL;
	if (written->unit != ROS_UNIT_NONE && unit != (enum ros_unit_id)written->unit) {
		ros_wrong(reader, group, "unit", "must not be written: this way of parsing gives the unit");
	} else if (suffix[0] && !has_suffix(stem, suffix)) {
		ros_wrong(reader, group, "measure", "\"%.60s\" must end in %s%s: its unit says so", written->measure,
			  suffix, is_total ? "_total" : "");
	} else if (!suffix[0]) {
		claimed = claimed_suffix(stem);
		if (claimed)
			ros_wrong(reader, group, "measure",
				  "\"%.60s\" ends in %s: write with unit = what the router counts in", written->measure,
				  claimed);
	}
	mem_free(stem);
}

static void check_kind(struct ros_reader *reader, const config_setting_t *group,
		       const struct ros_column_written *written, enum measure_kind kind)
{
	bool is_total = ros_ends_with(written->measure, "_total");

	if (is_counter(kind) && !is_total)
		ros_wrong(reader, group, "measure", "\"%.60s\" must end in _total: it is a counter", written->measure);
	if (!is_counter(kind) && is_total)
		ros_wrong(reader, group, "measure", "\"%.60s\" must not end in _total: it is no counter",
			  written->measure);
	if ((kind == MEASURE_TEXT) != (written->parse == CATALOGUE_TEXT))
		ros_wrong(reader, group, "kind", "kind = \"text\" and parse = \"text\" belong together");
	if (written->is_rate && kind != MEASURE_GAUGE)
		ros_wrong(reader, group, "kind", "a rate is a gauge");
	if (written->is_rate && written->parse != CATALOGUE_INTEGER)
		ros_wrong(reader, group, "parse", "a rate is made of integers");
	if (kind == MEASURE_INTEGER && written->parse != CATALOGUE_INTEGER)
		ros_wrong(reader, group, "parse", "kind = \"integer\" takes integers only");
}

/* --- words, conditions, defaults -------------------------------------------------------------------------------------
 */

static bool read_number(const char *text, double *number)
{
	char *end;

	*number = strtod(text, &end);
	return end != text && *end == '\0' && isfinite(*number);
}

static void read_words(struct ros_reader *reader, const config_setting_t *group,
		       const struct ros_column_written *written, struct catalogue_column *column)
{
	const struct option_list *list = &written->words;
	struct catalogue_word *words;
	struct label parts;

	if ((list->n > 0) != (written->parse == CATALOGUE_WORD)) {
		ros_wrong(reader, group, "words", "words = [ \"word=number\" ] and parse = \"word\" belong together");
		return;
	}
	if (list->n > CATALOGUE_WORDS_MAX) {
		ros_wrong(reader, group, "words", "has more than %d elements", CATALOGUE_WORDS_MAX);
		return;
	}
	words = catalogue_take(reader->catalogue, list->n, sizeof(*words));
	column->words = words;
	for (size_t i = 0; i < list->n; i++) {
		if (!ros_cut(reader, group, "words", list->items[i], &parts))
			continue;
		words[column->nwords].word = parts.name;
		if (read_number(parts.value, &words[column->nwords].value))
			column->nwords++;
		else
			ros_wrong(reader, group, "words", "\"%.60s\" must be of the form \"word=number\"",
				  list->items[i]);
	}
}

static void read_conditions(struct ros_reader *reader, const config_setting_t *group,
			    const struct ros_column_written *written, struct catalogue_column *column)
{
	const struct option_list *list = &written->when;
	struct catalogue_condition *conditions;
	struct label parts;

	if (list->n > CATALOGUE_WORDS_MAX) {
		ros_wrong(reader, group, "when", "has more than %d elements", CATALOGUE_WORDS_MAX);
		return;
	}
	conditions = catalogue_take(reader->catalogue, list->n, sizeof(*conditions));
	column->conditions = conditions;
	for (size_t i = 0; i < list->n; i++) {
		if (ros_cut(reader, group, "when", list->items[i], &parts))
			conditions[column->nconditions++] =
				(struct catalogue_condition){.property = parts.name, .pattern = parts.value};
	}
}

static void read_pair(struct ros_reader *reader, const config_setting_t *group,
		      const struct ros_column_written *written, struct catalogue_column *column)
{
	column->part = (unsigned)(written->part - 1);
	if (!written->separator) {
		if (written->part != 1)
			ros_wrong(reader, group, "part", "needs separator = what stands between the two sides");
		return;
	}
	if (strlen(written->separator) != 1 || written->separator[0] <= ' ' || written->separator[0] > '~')
		ros_wrong(reader, group, "separator", "must be one character, such as \"/\"");
	column->separator = written->separator[0];
}

static void read_absent(struct ros_reader *reader, const config_setting_t *group,
			const struct ros_column_written *written, struct catalogue_column *column)
{
	if (!written->absent)
		return;
	column->has_absent = true;
	if (written->parse != CATALOGUE_BOOLEAN && written->parse != CATALOGUE_ITEMS)
		ros_wrong(reader, group, "absent",
			  "what is absent is not known: only a boolean (a flag) and a list may say otherwise");
	else if (!read_number(written->absent, &column->absent))
		ros_wrong(reader, group, "absent", "must be a number");
}

/* The endings that Prometheus keeps for the parts of a histogram. */
static bool is_measure_name(struct ros_reader *reader, const config_setting_t *group, const char *member,
			    const char *name)
{
	static const char *const kept[] = {"_count", "_sum", "_bucket"};

	if (!ros_is_name(reader, group, member, name))
		return false;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (!has_suffix(name, kept[i]))
			continue;
		ros_wrong(reader, group, member, "\"%.60s\" must not end in %s: Prometheus takes it for a histogram",
			  name, kept[i] + 1);
		return false;
	}
	return true;
}

/* --- columns ---------------------------------------------------------------------------------------------------------
 */

/* A group has numbers only, and of those only what can be combined. */
static void check_group(struct ros_reader *reader, const config_setting_t *group, const struct catalogue_set *set,
			enum measure_kind kind)
{
	if (set->mode == CATALOGUE_GROUP && kind == MEASURE_TEXT)
		ros_wrong(reader, group, "measure", "a group has no texts: make it a key");
	if (set->mode == CATALOGUE_COUNT)
		ros_wrong(reader, group, "measure", "mode = \"count\" has no columns: nothing but a number comes back");
}

static void read_source(struct ros_reader *reader, const config_setting_t *group,
			const struct ros_column_written *written, const struct place *place)
{
	if (place->measure->kind == MEASURE_INFO) {
		if (written->property)
			ros_wrong(reader, group, "property", "an info is always 1: make the property a key");
		return;
	}
	if (!written->property) {
		ros_wrong(reader, group, "property", "is missing: the router's name for it");
		return;
	}
	place->column->property = ros_read_property(reader, group, "property", written->property);
}

static void fill_column(struct ros_reader *reader, const config_setting_t *group,
			const struct ros_column_written *written, const struct place *place)
{
	struct catalogue_column *column = place->column;

	place->measure->name = catalogue_take_string(reader->catalogue, written->measure);
	place->measure->help = catalogue_take_string(reader->catalogue, written->help ? written->help : "");
	place->measure->kind = kind_of(written);
	column->parse = (enum catalogue_parse)written->parse;
	column->combine = (enum catalogue_combine)written->combine;
	column->is_rate = written->is_rate;
	ros_check_help(reader, group, "help", written->help);
	check_kind(reader, group, written, place->measure->kind);
	check_unit(reader, group, written, column);
	read_source(reader, group, written, place);
	read_words(reader, group, written, column);
	read_conditions(reader, group, written, column);
	read_pair(reader, group, written, column);
	read_absent(reader, group, written, column);
}

static void read_column(struct ros_reader *reader, const config_setting_t *group, const struct catalogue_set *set,
			const struct place *place)
{
	struct ros_column_written written = {0};
	struct config_scope scope = {ros_column_options, ros_column_noptions, &written};

	if (!config_is_group(&reader->config, group))
		return;
	option_set_defaults(scope.options, scope.n, scope.settings);
	config_read_group(&reader->config, group, &scope, NULL);
	if (!written.measure)
		ros_wrong(reader, group, "measure", "is missing: our name for it");
	else if (is_measure_name(reader, group, "measure", written.measure)) {
		fill_column(reader, group, &written, place);
		check_group(reader, group, set, place->measure->kind);
	}
	option_free(scope.options, scope.n, scope.settings);
}

/* What a group or a menu counts, behind the columns. */
static void add_count(struct ros_reader *reader, const config_setting_t *group, const struct ros_set_written *written,
		      const struct place *place)
{
	ros_check_help(reader, group, "count_help", written->count_help);
	if (!is_measure_name(reader, group, "count", written->count))
		return;
	if (ros_ends_with(written->count, "_total") || claimed_suffix(written->count))
		ros_wrong(reader, group, "count", "\"%.60s\" is a number of items: it has no unit, and can fall",
			  written->count);
	*place->measure = (struct measure){
		.name = catalogue_take_string(reader->catalogue, written->count),
		.kind = MEASURE_INTEGER,
		.help = catalogue_take_string(reader->catalogue, written->count_help ? written->count_help : "")};
	place->column->is_count = true;
	place->column->factor = 1;
}

static void check_twice(struct ros_reader *reader, const config_setting_t *group, const struct catalogue_set *set)
{
	for (size_t i = 0; i < set->measure.n; i++) {
		const char *name = set->measure.measures[i].name;

		for (size_t k = 0; k < i && name; k++)
			if (set->measure.measures[k].name && strcmp(set->measure.measures[k].name, name) == 0)
				ros_wrong(reader, group, "columns", "two of them make the measure %s", name);
	}
}

void ros_read_columns(struct ros_reader *reader, const config_setting_t *group, const struct ros_set_written *written,
		      struct catalogue_set *set)
{
	const config_setting_t *list = config_setting_get_member(group, "columns");
	struct catalogue_column *columns;
	struct measure *measures;
	size_t n = 0;

	if (list && config_is_list(&reader->config, list, CATALOGUE_COLUMNS_MAX))
		n = (size_t)config_setting_length(list);
	columns = catalogue_take(reader->catalogue, n + 1, sizeof(*columns));
	measures = catalogue_take(reader->catalogue, n + 1, sizeof(*measures));
	for (size_t i = 0; i < n; i++)
		read_column(reader, config_setting_get_elem(list, (unsigned)i), set,
			    &(struct place){&columns[i], &measures[i]});
	if (written->count)
		add_count(reader, group, written, &(struct place){&columns[n], &measures[n]});
	set->columns = columns;
	set->ncolumns = n + (written->count != NULL);
	set->measure.measures = measures;
	set->measure.n = set->ncolumns;
	for (size_t i = 0; i < set->ncolumns; i++)
		columns[i].measure = (uint16_t)i;
	if (set->ncolumns == 0)
		ros_wrong(reader, group, "columns", "is missing: say what the set measures");
	check_twice(reader, group, set);
}
