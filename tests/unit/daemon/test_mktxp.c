/*
 * The names of mktxp: the text that is compiled in, held against the catalogue, and the page that comes of rows of the
 * catalogue's sets.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/file.h"
#include "core/mem.h"
#include "daemon/dialect_reader.h"
#include "daemon/ros_catalogue.h"
#include "exporter/dialect_page.h"
#include "exporter/series.h"

#define PREFIX "routeros_"

struct fixture {
	struct dialect *dialect;
	struct catalogue *catalogue;
	struct series_store *store;
};

static struct fixture begin(void)
{
	struct text errors = {0};
	struct fixture fixture = {.dialect = dialect_read(dialect_mktxp_text, "mktxp.conf", &errors),
				  .store = series_store_create(1, 100000)};

	cr_assert(fixture.dialect, "%s", text_string(&errors));
	fixture.catalogue = ros_catalogue_load(NULL, 0, false, &errors);
	cr_assert(fixture.catalogue, "%s", text_string(&errors));
	text_free(&errors);
	return fixture;
}

static void end(struct fixture *fixture)
{
	series_store_free(fixture->store);
	catalogue_free(fixture->catalogue);
	dialect_free(fixture->dialect);
}

/* --- the text against the catalogue ------------------------------------------------------------------------------ */

static const struct catalogue_set *set_of(const struct fixture *fixture, const char *full)
{
	return strncmp(full, PREFIX, strlen(PREFIX)) == 0 ? catalogue_find(fixture->catalogue, full + strlen(PREFIX))
							  : NULL;
}

static const struct measure *measure_of(const struct catalogue_set *set, const char *name)
{
	for (size_t i = 0; i < set->measure.n; i++)
		if (strcmp(set->measure.measures[i].name, name) == 0)
			return &set->measure.measures[i];
	return NULL;
}

static bool has_label(const struct catalogue_set *set, const char *label)
{
	for (size_t i = 0; set->measure.label_names[i]; i++)
		if (strcmp(set->measure.label_names[i], label) == 0)
			return true;
	return false;
}

static void check_joined(const struct fixture *fixture, const struct dialect_metric *metric,
			 const struct catalogue_set *set, const struct dialect_source *source)
{
	const struct dialect_join *join = &fixture->dialect->joins[source->join];
	const struct catalogue_set *other = set_of(fixture, join->set);

	cr_assert(other, "%s: no set %s", metric->name, join->set);
	cr_expect(has_label(other, source->name), "%s: %s has no label %s", metric->name, join->set, source->name);
	if (!join->here) {
		cr_expect_eq(other->max_rows, 1, "%s: %s has many rows", metric->name, join->set);
		return;
	}
	cr_expect(has_label(set, join->here), "%s: no label %s", metric->name, join->here);
	cr_expect(has_label(other, join->there), "%s: %s has no label %s", metric->name, join->set, join->there);
}

static void check_source(const struct fixture *fixture, const struct dialect_metric *metric,
			 const struct catalogue_set *set, const struct dialect_source *source)
{
	const struct measure *measure;

	switch (source->origin) {
	case DIALECT_TEXT:
		cr_expect_not(strpbrk(source->name, "\"\\\n"), "%s", metric->name);
		break;
	case DIALECT_LABEL:
		cr_expect(has_label(set, source->name), "%s: %s has no label %s", metric->name, set->name,
			  source->name);
		break;
	case DIALECT_JOINED:
		check_joined(fixture, metric, set, source);
		break;
	case DIALECT_MEASURE:
		measure = measure_of(set, source->name);
		cr_expect(measure && measure->kind != MEASURE_TEXT, "%s: %s has no measure %s", metric->name, set->name,
			  source->name);
		break;
	}
}

static void check_metric(const struct fixture *fixture, const struct dialect_metric *metric)
{
	const struct catalogue_set *set = set_of(fixture, fixture->dialect->sets[metric->set]);

	cr_assert(set, "%s: there is no set %s", metric->name, fixture->dialect->sets[metric->set]);
	const struct measure *measure = measure_of(set, metric->measure);

	cr_expect(measure && measure->kind != MEASURE_TEXT, "%s: %s has no measure %s", metric->name, set->name,
		  metric->measure);
	for (size_t i = 0; i < metric->nconditions; i++)
		cr_expect(has_label(set, metric->conditions[i].label), "%s: %s has no label %s", metric->name,
			  set->name, metric->conditions[i].label);
	for (size_t i = 0; i < 2 && metric->differ[i]; i++)
		cr_expect(has_label(set, metric->differ[i]), "%s: %s has no label %s", metric->name, set->name,
			  metric->differ[i]);
	for (size_t i = 0; i < metric->nlabels; i++)
		for (size_t k = 0; k < metric->labels[i].nsources; k++)
			check_source(fixture, metric, set, &metric->labels[i].sources[k]);
}

Test(mktxp, comes_from_what_the_catalogue_has)
{
	struct fixture fixture = begin();
	size_t served = 0;

	for (size_t i = 0; i < fixture.dialect->n; i++) {
		const struct dialect_metric *metric = &fixture.dialect->metrics[i];

		cr_expect_eq(strncmp(metric->name, "mktxp_", 6), 0, "%s", metric->name);
		if (metric->measure) {
			check_metric(&fixture, metric);
			served++;
		} else {
			cr_expect_gt(strlen(metric->note), 10, "%s: it is not told why it is missing", metric->name);
		}
	}
	cr_expect_geq(served, 200);
	end(&fixture);
}

static bool ends_in(const char *name, const char *end)
{
	size_t length = strlen(name), n = strlen(end);

	return length > n && strcmp(name + length - n, end) == 0;
}

/* The names are those of the text format: OpenMetrics takes the ends off what is typed as they say. */
Test(mktxp, has_names_that_openmetrics_can_take)
{
	struct fixture fixture = begin();

	for (size_t i = 0; i < fixture.dialect->n; i++) {
		const struct dialect_metric *metric = &fixture.dialect->metrics[i];

		if (metric->kind != MEASURE_GAUGE)
			cr_expect(ends_in(metric->name, metric->kind == MEASURE_COUNTER ? "_total" : "_info"), "%s",
				  metric->name);
	}
	end(&fixture);
}

/* Members of one family are of one type. */
Test(mktxp, says_of_each_name_one_thing)
{
	struct fixture fixture = begin();

	for (size_t i = 1; i < fixture.dialect->n; i++) {
		const struct dialect_metric *one = &fixture.dialect->metrics[i - 1], *other = one + 1;

		cr_expect_leq(strcmp(one->name, other->name), 0);
		if (strcmp(one->name, other->name) != 0)
			continue;
		cr_expect_eq(one->kind, other->kind, "%s", one->name);
		cr_expect_eq(one->is_summed, other->is_summed, "%s", one->name);
		cr_expect(one->measure && other->measure, "%s", one->name);
	}
	end(&fixture);
}

/* --- the page ---------------------------------------------------------------------------------------------------- */

/* Every label has its own name as its value, unless it is among these. */
struct row_plan {
	const char *set;
	const struct label *labels; /* ends with a name that is NULL */
	double value;               /* of all measures */
};

static const char *value_of(const char *name, const struct label *labels)
{
	for (; labels && labels->name; labels++)
		if (strcmp(labels->name, name) == 0)
			return labels->value;
	return name;
}

/* A row with all labels and all measures that its set has. */
struct whole_row {
	struct row row;
	struct label labels[CATALOGUE_LABELS_MAX];
	struct reading readings[CATALOGUE_COLUMNS_MAX];
};

static struct reading reading_of(const struct measure *measure, size_t i, double value)
{
	switch (measure->kind) {
	case MEASURE_GAUGE:
		return reading_number((unsigned)i, value);
	case MEASURE_COUNTER_SECONDS:
		return reading_integer((unsigned)i, (int64_t)(value * 1e9));
	case MEASURE_TEXT:
		return reading_text((unsigned)i, "text");
	default:
		return reading_integer((unsigned)i, (int64_t)value);
	}
}

static void make_row(const struct fixture *fixture, const struct row_plan *plan, struct whole_row *whole)
{
	const struct catalogue_set *set = catalogue_find(fixture->catalogue, plan->set);
	size_t n = 0;

	cr_assert(set, "%s", plan->set);
	for (; set->measure.label_names[n]; n++)
		whole->labels[n] = (struct label){set->measure.label_names[n],
						  value_of(set->measure.label_names[n], plan->labels)};
	for (size_t i = 0; i < set->measure.n; i++)
		whole->readings[i] = reading_of(&set->measure.measures[i], i, plan->value);
	whole->row = (struct row){&set->measure, whole->labels, n, whole->readings, set->measure.n};
}

static void add_rows(struct fixture *fixture, const char *target, const struct row_plan *plans, size_t n)
{
	const struct label labels[] = {{"target", target}, {"probe", "routers"}, {"site", "north"}};
	struct whole_row *whole = mem_zero(n, sizeof(*whole));
	struct row *rows = mem_zero(n, sizeof(*rows));

	for (size_t i = 0; i < n; i++) {
		make_row(fixture, &plans[i], &whole[i]);
		rows[i] = whole[i].row;
	}
	series_update(series_open(fixture->store, 0, labels, 3), rows, n);
	mem_free(rows);
	mem_free(whole);
}

static char *page_of(struct fixture *fixture, enum render_format format)
{
	struct dialect_page *page = dialect_page_create(
		fixture->dialect, &(struct render_plan){.store = fixture->store, .format = format, .shards = 1});
	struct text out = {0};

	while (dialect_page_more(page, &out, 512))
		;
	dialect_page_free(page);
	return text_take(&out);
}

static void expect_line(const char *page, const char *line)
{
	char *whole = mem_format("\n%s\n", line);

	cr_expect(strstr(page, whole), "no line %s in\n%s", line, page);
	mem_free(whole);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

Test(mktxp, has_their_labels_and_units)
{
	static const struct label health[] = {{"sensor", "psu1-state"}, {NULL, NULL}};
	static const struct label rule[] = {{"family", "ipv4"},        {"table", "filter"},  {"chain", "forward"},
					    {"action", "drop"},        {"comment", "a|\"b"}, {"protocol", "tcp"},
					    {"out_interface", "wan1"}, {"log", "true"},      {NULL, NULL}};
	static const struct label ether1[] = {{"name", "ether1"}, {"default_name", "ether1-default"}, {NULL, NULL}};
	static const struct label versions[] = {{"installed", "7.1"}, {"latest", "7.2"}, {NULL, NULL}};
	static const struct row_plan plans[] = {
		{"system", NULL, 0.07},           {"system_board", NULL, 1},  {"health", health, 1},
		{"firewall", rule, 12},           {"interface", ether1, 9},   {"interface_inventory", ether1, 1},
		{"update", versions, 1},          {"netwatch", NULL, 0.0125}, {"poe", NULL, 0.25},
		{"connection_tracking", NULL, 5},
	};
	struct fixture fixture = begin();

	add_rows(&fixture, "gw1", plans, COUNT(plans));
	char *page = page_of(&fixture, RENDER_TEXT);

	expect_line(page, "mktxp_system_cpu_load{version=\"version\",board_name=\"board\",cpu=\"cpu\",architecture_"
			  "name=\"architecture\",routerboard_name=\"gw1\",site=\"north\"} 7");
	expect_line(page, "mktxp_system_psu1_state{routerboard_name=\"gw1\",site=\"north\"} 1");
	expect_line(page, "mktxp_firewall_filter_total{name=\"| forward | drop | a|\\\"b | wan1 | tcp\",log=\"true\","
			  "routerboard_name=\"gw1\",site=\"north\"} 12");
	expect_line(page, "mktxp_interface_rx_byte_total{name=\"ether1\",default_name=\"ether1-default\",routerboard_"
			  "name=\"gw1\",site=\"north\"} 9");
	expect_line(page, "# TYPE mktxp_interface_rx_byte_total counter");
	expect_line(page, "# HELP mktxp_interface_rx_byte_total Bytes received");
	expect_line(page, "mktxp_system_update_available{newest_version=\"7.2\",routerboard_name=\"gw1\",site="
			  "\"north\"} 1");
	expect_line(page, "mktxp_netwatch_icmp_rtt_avg_ms{name=\"name\",type=\"type\",routerboard_name=\"gw1\",site="
			  "\"north\"} 12.5");
	expect_line(page, "mktxp_poe_out_current{name=\"name\",routerboard_name=\"gw1\",site=\"north\"} 250");
	expect_line(page, "# TYPE mktxp_ip_connections_total gauge");
	expect_line(page, "mktxp_ip_connections_total{routerboard_name=\"gw1\",site=\"north\"} 5");
	cr_expect_not(strstr(page, "netsonde"));
	mem_free(page);
	end(&fixture);
}

/* A row of every set that the dialect asks for, with labels that its conditions want: each metric is there. */
static void add_for_metric(struct fixture *fixture, const struct dialect_metric *metric)
{
	struct label labels[DIALECT_LABELS_MAX + 1] = {{NULL, NULL}};
	size_t n = 0;
	const struct row_plan plan = {fixture->dialect->sets[metric->set] + strlen(PREFIX), labels, 1};

	for (; n < metric->nconditions; n++)
		labels[n] = (struct label){metric->conditions[n].label, metric->conditions[n].values[0]};
	labels[n] = (struct label){"dynamic", "true"};
	add_rows(fixture, metric->name, &plan, 1);
}

static void expect_metric(const char *page, const struct dialect_metric *metric)
{
	char *begin = mem_format("\n%s{", metric->name);
	char *name = mem_format("routerboard_name=\"%s\"", metric->name);
	bool is_there = false;

	for (const char *at = strstr(page, begin); at && !is_there; at = strstr(at + 1, begin)) {
		char *line = mem_format("%.*s", (int)strcspn(at + 1, "\n"), at + 1);

		is_there = strstr(line, name) != NULL;
		for (size_t i = 0; is_there && i < metric->nlabels; i++) {
			char *label = mem_format("%s=\"", metric->labels[i].name);
			const struct dialect_source *source = metric->labels[i].sources;

			/* What a join finds is not there without the other row. */
			if (metric->labels[i].nsources > 0 && source->origin != DIALECT_JOINED)
				cr_expect(strstr(line, label), "%s: no label %s", line, metric->labels[i].name);
			mem_free(label);
		}
		mem_free(line);
	}
	cr_expect(is_there, "%s is not there", metric->name);
	mem_free(begin);
	mem_free(name);
}

Test(mktxp, serves_every_metric_that_it_says_it_serves)
{
	struct fixture fixture = begin();

	for (size_t i = 0; i < fixture.dialect->n; i++)
		if (fixture.dialect->metrics[i].measure)
			add_for_metric(&fixture, &fixture.dialect->metrics[i]);
	char *page = page_of(&fixture, RENDER_TEXT);

	for (size_t i = 0; i < fixture.dialect->n; i++) {
		char *head = mem_format("# TYPE %s ", fixture.dialect->metrics[i].name);

		if (fixture.dialect->metrics[i].measure)
			expect_metric(page, &fixture.dialect->metrics[i]);
		else
			cr_expect_not(strstr(page, head), "%s", head);
		mem_free(head);
	}
	mem_free(page);
	end(&fixture);
}
