#include "daemon/dialect_reader.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/option.h"
#include "daemon/config_reader.h"

#define MANUAL      "the head of daemon/mktxp.conf"
#define METRICS_MAX 4096
#define SET_PREFIX  "routeros_"

struct piece {
	struct piece *next;
	alignas(max_align_t) unsigned char bytes[];
};

/* What dialect_read returns begins with the dialect. */
struct built {
	struct dialect dialect;
	struct piece *pieces;
	struct dialect_metric *metrics;
	const char **sets;
};

struct reader {
	struct config_reader config; /* the first member: what config_parse hands over is this */
	struct built *built;
};

enum alike { ALIKE_AUTO, ALIKE_SUM, ALIKE_FIRST };

struct metric_written {
	char *name, *from, *note;
	int type, alike;
	double factor, good;
	struct option_list where, differ, labels;
};

struct group_written {
	struct option_list labels;
};

struct join_written {
	char *name, *set, *here, *there;
};

struct dialect_written {
	char *name, *prefix, *target;
	struct option_list labels;
};

static const char *const types[] = {"gauge", "counter", "info", NULL};
static const enum measure_kind kinds[] = {MEASURE_GAUGE, MEASURE_COUNTER, MEASURE_INFO};
static const char *const alikes[] = {"auto", "sum", "first", NULL};

#define TEXT(type, member)                                                                                             \
	{                                                                                                              \
		.name = #member, .kind = OPTION_TEXT, .offset = offsetof(struct type##_written, member)                \
	}
#define LIST(type, member)                                                                                             \
	{                                                                                                              \
		.name = #member, .kind = OPTION_LIST, .offset = offsetof(struct type##_written, member)                \
	}
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct option metric_options[] = {
	TEXT(metric, name),
	TEXT(metric, from),
	TEXT(metric, note),
	LIST(metric, where),
	LIST(metric, differ),
	LIST(metric, labels),
	{.name = "type",
	 .kind = OPTION_CHOICE,
	 .offset = offsetof(struct metric_written, type),
	 .fallback = "gauge",
	 .choices = types},
	{.name = "alike",
	 .kind = OPTION_CHOICE,
	 .offset = offsetof(struct metric_written, alike),
	 .fallback = "auto",
	 .choices = alikes},
	{.name = "factor", .kind = OPTION_NUMBER, .offset = offsetof(struct metric_written, factor), .fallback = "1"},
	{.name = "good", .kind = OPTION_NUMBER, .offset = offsetof(struct metric_written, good)},
};
static const struct option group_options[] = {LIST(group, labels)};
static const struct option join_options[] = {TEXT(join, name), TEXT(join, set), TEXT(join, here), TEXT(join, there)};
static const struct option dialect_options[] = {TEXT(dialect, name), TEXT(dialect, prefix), TEXT(dialect, target),
						LIST(dialect, labels)};

/* --- memory ------------------------------------------------------------------------------------------------------- */

static void *take(struct reader *reader, size_t n, size_t size)
{
	struct piece *piece = mem_zero(1, sizeof(*piece) + n * size);

	piece->next = reader->built->pieces;
	reader->built->pieces = piece;
	return piece->bytes;
}

static const char *take_text(struct reader *reader, const char *bytes, size_t length)
{
	char *text = take(reader, length + 1, 1);

	memcpy(text, bytes, length);
	return text;
}

/* NULL gives "". */
static const char *take_string(struct reader *reader, const char *string)
{
	return take_text(reader, string ? string : "", string ? strlen(string) : 0);
}

void dialect_free(struct dialect *dialect)
{
	struct built *built = (struct built *)(void *)dialect;

	if (!built)
		return;
	while (built->pieces) {
		struct piece *piece = built->pieces;

		built->pieces = piece->next;
		mem_free(piece);
	}
	mem_free(built->metrics);
	mem_free(built->sets);
	mem_free(built);
}

/* --- labels ------------------------------------------------------------------------------------------------------- */

static void wrong(struct reader *reader, const config_setting_t *group, const char *member, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void wrong(struct reader *reader, const config_setting_t *group, const char *member, const char *format, ...)
{
	char why[ERR_TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
	config_error_at(&reader->config, group, member, "%s", why);
}

/* "a=b c=d)" */
static void read_words(struct reader *reader, const config_setting_t *group, const char *written,
		       struct dialect_source *source)
{
	struct dialect_word *words = take(reader, strlen(written), sizeof(*words));

	source->words = words;
	while (*written && *written != ')') {
		size_t length = strcspn(written, " )"), ours = strcspn(written, "=");

		if (ours >= length) {
			wrong(reader, group, "labels", "\"%.60s\" must be words such as \"1=up 0=down\"", written);
			return;
		}
		words[source->nwords++] = (struct dialect_word){
			take_text(reader, written, ours), take_text(reader, written + ours + 1, length - ours - 1)};
		written += length + (written[length] == ' ');
	}
}

static void read_joined(struct reader *reader, const config_setting_t *group, struct dialect_source *source)
{
	const struct dialect *dialect = &reader->built->dialect;
	size_t length = strcspn(source->name, ".");

	for (size_t i = 0; i < dialect->njoins; i++) {
		if (strlen(dialect->joins[i].name) != length ||
		    strncmp(dialect->joins[i].name, source->name, length) != 0)
			continue;
		source->origin = DIALECT_JOINED;
		source->join = i;
		source->name += length + 1;
		return;
	}
	wrong(reader, group, "labels", "\"%.60s\": there is no such join", source->name);
}

/* "label", "join.label", "@measure", each with "(words)"; "@measure(duration)" */
static void read_source(struct reader *reader, const config_setting_t *group, const char *written,
			struct dialect_source *source)
{
	size_t length = strcspn(written, "(");

	source->origin = written[0] == '@' ? DIALECT_MEASURE : DIALECT_LABEL;
	source->name = take_text(reader, written + (written[0] == '@'), length - (written[0] == '@'));
	if (strcmp(written + length, "(duration)") == 0)
		source->is_duration = true;
	else if (written[length] == '(')
		read_words(reader, group, written + length + 1, source);
	if (strchr(source->name, '.'))
		read_joined(reader, group, source);
}

/* "text {a} text {b}" */
static void read_composed(struct reader *reader, const config_setting_t *group, const char *written,
			  struct dialect_label *label)
{
	struct dialect_source *sources = take(reader, strlen(written), sizeof(*sources));

	label->is_composed = true;
	label->sources = sources;
	while (*written) {
		struct dialect_source *source = &sources[label->nsources++];
		size_t length = strcspn(written, "{");

		if (length > 0) {
			*source = (struct dialect_source){.name = take_text(reader, written, length)};
			written += length;
			continue;
		}
		length = strcspn(written, "}");
		const char *inside = take_text(reader, written + 1, length - 1);
		read_source(reader, group, inside, source);
		written += length + (written[length] == '}');
	}
}

/* "a|b|c" */
static void read_choice(struct reader *reader, const config_setting_t *group, const char *written,
			struct dialect_label *label)
{
	struct dialect_source *sources = take(reader, strlen(written) + 1, sizeof(*sources));

	label->sources = sources;
	while (*written) {
		size_t length = strcspn(written, "|");

		read_source(reader, group, take_text(reader, written, length), &sources[label->nsources++]);
		written += length + (written[length] == '|');
	}
}

static void read_label(struct reader *reader, const config_setting_t *group, const char *written,
		       struct dialect_label *label)
{
	size_t length = strcspn(written, "=");
	const char *what = written[length] == '=' ? written + length + 1 : written;

	label->name = take_text(reader, written, length);
	if (!config_is_label_name(label->name))
		wrong(reader, group, "labels", "\"%.60s\" is no name of a label", label->name);
	if (what[0] == '\'') {
		struct dialect_source *source = take(reader, 1, sizeof(*source));

		source->name = take_text(reader, what + 1, strcspn(what + 1, "'"));
		label->sources = source;
		label->nsources = 1;
	} else if (strchr(what, '{')) {
		read_composed(reader, group, what, label);
	} else {
		read_choice(reader, group, what, label);
	}
}

static const struct dialect_label *read_labels(struct reader *reader, const config_setting_t *group,
					       const struct option_list *list, size_t *n)
{
	struct dialect_label *labels = take(reader, list->n, sizeof(*labels));

	*n = list->n;
	if (list->n > DIALECT_LABELS_MAX)
		wrong(reader, group, "labels", "are more than %d", DIALECT_LABELS_MAX);
	for (size_t i = 0; i < list->n; i++) {
		read_label(reader, group, list->items[i], &labels[i]);
		for (size_t k = 0; k < i; k++)
			if (strcmp(labels[i].name, labels[k].name) == 0)
				wrong(reader, group, "labels", "the label %s is there twice", labels[i].name);
	}
	return labels;
}

/* --- metrics ------------------------------------------------------------------------------------------------------ */

/* "set.measure" */
static void read_from(struct reader *reader, const config_setting_t *group, const char *written,
		      struct dialect_metric *metric)
{
	struct built *built = reader->built;
	size_t length = strcspn(written, "."), i = 0;
	char *set = mem_format(SET_PREFIX "%.*s", (int)length, written);

	if (written[length] != '.')
		wrong(reader, group, "from", "\"%.60s\" must be set.measure", written);
	else
		metric->measure = take_string(reader, written + length + 1);
	while (i < built->dialect.nsets && strcmp(built->sets[i], set) != 0)
		i++;
	if (i == DIALECT_SETS_MAX) {
		wrong(reader, group, "from", "there are more than %d data sets", DIALECT_SETS_MAX);
	} else if (i == built->dialect.nsets) {
		built->sets = mem_resize(built->sets, i + 1, sizeof(*built->sets));
		built->sets[i] = take_string(reader, set);
		built->dialect.nsets++;
	}
	metric->set = i;
	mem_free(set);
}

/* "label=value|value" */
static void read_condition(struct reader *reader, const config_setting_t *group, const char *written,
			   struct dialect_condition *condition)
{
	size_t length = strcspn(written, "=");
	const char **values = take(reader, strlen(written) + 1, sizeof(*values));

	if (written[length] != '=')
		wrong(reader, group, "where", "\"%.60s\" must be label=value", written);
	condition->label = take_text(reader, written, length);
	condition->values = values;
	written += length + (written[length] == '=');
	while (*written) {
		length = strcspn(written, "|");
		values[condition->nvalues++] = take_text(reader, written, length);
		written += length + (written[length] == '|');
	}
}

static void read_conditions(struct reader *reader, const config_setting_t *group, const struct option_list *list,
			    struct dialect_metric *metric)
{
	struct dialect_condition *conditions = take(reader, list->n, sizeof(*conditions));

	for (size_t i = 0; i < list->n; i++)
		read_condition(reader, group, list->items[i], &conditions[i]);
	metric->conditions = conditions;
	metric->nconditions = list->n;
}

static void build_metric(struct reader *reader, const config_setting_t *group, const struct metric_written *written,
			 struct dialect_metric *metric)
{
	metric->name = take_string(reader, written->name);
	metric->note = take_string(reader, written->note);
	metric->kind = kinds[written->type];
	metric->factor = written->factor;
	metric->good = written->good;
	metric->has_good = config_setting_get_member(group, "good") != NULL;
	metric->is_summed =
		written->alike == ALIKE_SUM || (written->alike == ALIKE_AUTO && metric->kind == MEASURE_COUNTER);
	if (!config_is_label_name(metric->name))
		wrong(reader, group, "name", "is missing, or no name of a metric");
	if (written->differ.n != 0 && written->differ.n != 2)
		wrong(reader, group, "differ", "must be two labels");
	for (size_t i = 0; i < 2 && written->differ.n == 2; i++)
		metric->differ[i] = take_string(reader, written->differ.items[i]);
	if (written->from)
		read_from(reader, group, written->from, metric);
	read_conditions(reader, group, &written->where, metric);
}

/* Behind those whose names are not greater. */
static void add_metric(struct built *built, const struct dialect_metric *metric)
{
	size_t at = built->dialect.n++;

	built->metrics = mem_resize(built->metrics, built->dialect.n, sizeof(*built->metrics));
	while (at > 0 && strcmp(built->metrics[at - 1].name, metric->name) > 0) {
		built->metrics[at] = built->metrics[at - 1];
		at--;
	}
	built->metrics[at] = *metric;
}

static void read_metric(struct reader *reader, const config_setting_t *element, const struct dialect_metric *common)
{
	struct metric_written written = {0};
	struct config_scope scope = {metric_options, COUNT(metric_options), &written};
	struct dialect_metric metric = *common;

	if (!config_is_group(&reader->config, element))
		return;
	option_set_defaults(scope.options, scope.n, scope.settings);
	config_read_group(&reader->config, element, &scope, NULL);
	build_metric(reader, element, &written, &metric);
	if (config_setting_get_member(element, "labels"))
		metric.labels = read_labels(reader, element, &written.labels, &metric.nlabels);
	add_metric(reader->built, &metric);
	option_free(scope.options, scope.n, scope.settings);
}

static void read_group(struct reader *reader, const config_setting_t *group)
{
	static const char *const others[] = {"metrics", NULL};
	struct group_written written = {0};
	struct config_scope scope = {group_options, COUNT(group_options), &written};
	struct dialect_metric common = {.group = take_string(reader, config_setting_name(group))};
	const config_setting_t *metrics = config_setting_get_member(group, "metrics");

	config_read_group(&reader->config, group, &scope, others);
	common.labels = read_labels(reader, group, &written.labels, &common.nlabels);
	option_free(scope.options, scope.n, scope.settings);
	if (!metrics) {
		wrong(reader, group, "metrics", "is missing");
		return;
	}
	if (!config_is_list(&reader->config, metrics, METRICS_MAX))
		return;
	for (int i = 0; i < config_setting_length(metrics); i++)
		read_metric(reader, config_setting_get_elem(metrics, (unsigned)i), &common);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void read_join(struct reader *reader, const config_setting_t *element, struct dialect_join *join)
{
	struct join_written written = {0};
	struct config_scope scope = {join_options, COUNT(join_options), &written};

	if (!config_is_group(&reader->config, element))
		return;
	config_read_group(&reader->config, element, &scope, NULL);
	if (!written.name || !written.set || !written.here != !written.there)
		wrong(reader, element, NULL, "must have name and set, and both or none of here and there");
	*join = (struct dialect_join){take_string(reader, written.name), take_string(reader, written.set),
				      written.here ? take_string(reader, written.here) : NULL,
				      written.there ? take_string(reader, written.there) : NULL};
	option_free(scope.options, scope.n, scope.settings);
}

static void read_joins(struct reader *reader, const config_setting_t *list)
{
	struct dialect_join *joins;

	if (!list || !config_is_list(&reader->config, list, DIALECT_JOINS_MAX))
		return;
	joins = take(reader, (size_t)config_setting_length(list), sizeof(*joins));
	for (int i = 0; i < config_setting_length(list); i++)
		read_join(reader, config_setting_get_elem(list, (unsigned)i), &joins[i]);
	reader->built->dialect.joins = joins;
	reader->built->dialect.njoins = (size_t)config_setting_length(list);
}

static void read_groups(struct reader *reader, const config_setting_t *groups)
{
	if (!groups || !config_is_group(&reader->config, groups))
		return;
	for (int i = 0; i < config_setting_length(groups); i++) {
		const config_setting_t *group = config_setting_get_elem(groups, (unsigned)i);

		if (config_is_group(&reader->config, group))
			read_group(reader, group);
	}
}

static void read_tree(struct config_reader *config, const config_setting_t *root)
{
	static const char *const others[] = {"joins", "groups", NULL};
	struct reader *reader = (struct reader *)(void *)config;
	struct dialect *dialect = &reader->built->dialect;
	struct dialect_written written = {0};
	struct config_scope scope = {dialect_options, COUNT(dialect_options), &written};

	config_read_group(config, root, &scope, others);
	if (!written.name || !written.prefix || !written.target)
		wrong(reader, root, NULL, "name, prefix and target must be there");
	dialect->name = take_string(reader, written.name);
	dialect->prefix = take_string(reader, written.prefix);
	dialect->target = take_string(reader, written.target);
	read_joins(reader, config_setting_get_member(root, "joins"));
	dialect->labels = read_labels(reader, root, &written.labels, &dialect->nlabels);
	read_groups(reader, config_setting_get_member(root, "groups"));
	dialect->metrics = reader->built->metrics;
	dialect->sets = reader->built->sets;
	option_free(scope.options, scope.n, scope.settings);
}

struct dialect *dialect_read(const char *string, const char *name, struct text *errors)
{
	struct reader reader = {.built = mem_zero(1, sizeof(struct built))};
	struct config_reader *config = &reader.config;
	bool is_good;

	config->manual = MANUAL;
	config->is_string = true;
	if (config_source_read_string(&config->source, string, name) == 0 && config_source_check(&config->source) == 0)
		config_parse(config, &config->source.text, read_tree);
	is_good = config->source.total == 0;
	config_source_print_errors(&config->source, errors);
	config_source_free(&config->source);
	if (is_good)
		return &reader.built->dialect;
	dialect_free(&reader.built->dialect);
	return NULL;
}
