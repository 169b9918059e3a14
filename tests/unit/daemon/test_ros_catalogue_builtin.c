/*
 * The catalogue that is compiled in, held against the rules and the tables of the documentation.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/mem.h"
#include "daemon/ros_catalogue.h"
#include "probes/routeros/ros_value.h"

#define METRIC_PREFIX "`netsonde_routeros_"

static struct catalogue *builtin(void)
{
	struct text errors = {0};
	struct catalogue *catalogue = ros_catalogue_load(NULL, 0, false, &errors);

	cr_assert(catalogue, "%s", text_string(&errors));
	text_free(&errors);
	return catalogue;
}

static const struct catalogue_set *set_of_metric(const struct catalogue *catalogue, const char *metric)
{
	for (size_t i = 0; i < catalogue->n; i++) {
		const struct catalogue_set *set = catalogue->sets[i];
		size_t length = strlen(set->name);

		if (strncmp(metric, set->name, length) != 0 || metric[length] != '_')
			continue;
		for (size_t k = 0; k < set->measure.n; k++)
			if (strcmp(set->measure.measures[k].name, metric + length + 1) == 0)
				return set;
	}
	return NULL;
}

static bool has_label(const struct catalogue_set *set, const char *label)
{
	for (size_t i = 0; set->measure.label_names[i]; i++)
		if (strcmp(set->measure.label_names[i], label) == 0)
			return true;
	return false;
}

/* What the issue lists under "Collection". */
Test(ros_catalogue_builtin, has_what_was_asked_for)
{
	static const char *const names[] = {"system",
					    "cpu",
					    "health",
					    "routerboard",
					    "identity",
					    "license",
					    "package",
					    "interface",
					    "ethernet",
					    "poe",
					    "connection_tracking",
					    "firewall",
					    "firewall_drops",
					    "queue_simple",
					    "queue_tree",
					    "ppp_sessions",
					    "pppoe_server",
					    "dhcp_leases",
					    "pool",
					    "pool_used",
					    "hotspot_users",
					    "bgp",
					    "ospf_neighbor",
					    "bfd",
					    "routes",
					    "arp",
					    "address",
					    "wireless_client",
					    "capsman_remote",
					    "lte",
					    "wireguard",
					    "ipsec",
					    "netwatch",
					    "neighbor",
					    "dns",
					    "log",
					    "users",
					    "service",
					    "certificate",
					    "ping",
					    "traceroute",
					    "interface_inventory"};
	struct catalogue *catalogue = builtin();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_expect(catalogue_find(catalogue, names[i]), "%s", names[i]);
	catalogue_free(catalogue);
}

static void check_column(const struct catalogue_set *set, const struct catalogue_column *column)
{
	const struct measure *measure = &set->measure.measures[column->measure];
	bool is_total = strlen(measure->name) > 6 && strcmp(measure->name + strlen(measure->name) - 6, "_total") == 0;

	cr_expect_eq(is_total, measure->kind == MEASURE_COUNTER || measure->kind == MEASURE_COUNTER_SECONDS, "%s.%s",
		     set->name, measure->name);
	cr_expect_gt(strlen(measure->help), 2, "%s.%s", set->name, measure->name);
	cr_expect(!column->router_unit || ros_value_is_unit(column->router_unit), "%s.%s", set->name, measure->name);
	cr_expect_neq(column->factor, 0, "%s.%s", set->name, measure->name);
	cr_expect(column->property.n > 0 || measure->kind == MEASURE_INFO || column->is_count, "%s.%s", set->name,
		  measure->name);
	/* Prometheus: a name does not repeat what the set's name says already. */
	cr_expect_neq(strncmp(measure->name, set->name, strlen(set->name)), 0, "%s.%s", set->name, measure->name);
}

Test(ros_catalogue_builtin, keeps_the_rules)
{
	struct catalogue *catalogue = builtin();

	for (size_t i = 0; i < catalogue->n; i++) {
		const struct catalogue_set *set = catalogue->sets[i];

		cr_expect_gt(set->nmenus, 0);
		cr_expect_eq(set->measure.n, set->ncolumns);
		for (size_t k = 0; k < set->ncolumns; k++) {
			cr_expect_eq(set->columns[k].measure, k);
			check_column(set, &set->columns[k]);
		}
		/* What is heavy is not asked for often, nor at all unless somebody wants it. */
		if (set->cost >= CATALOGUE_HIGH && set->is_enabled)
			cr_expect_geq(set->tier, CATALOGUE_SHORT, "%s", set->name);
		cr_expect_not(set->cost == CATALOGUE_VERY_HIGH && set->is_enabled, "%s", set->name);
		cr_expect_not(set->tier == CATALOGUE_REALTIME && set->cost != CATALOGUE_LOW, "%s", set->name);
	}
	catalogue_free(catalogue);
}

/* In /metrics an info without a label of the router's would say nothing. */
Test(ros_catalogue_builtin, infos_have_labels)
{
	struct catalogue *catalogue = builtin();

	for (size_t i = 0; i < catalogue->n; i++) {
		const struct catalogue_set *set = catalogue->sets[i];

		for (size_t k = 0; k < set->measure.n; k++)
			if (set->measure.measures[k].kind == MEASURE_INFO)
				cr_expect_gt(set->nkeys, 0, "%s", set->name);
	}
	catalogue_free(catalogue);
}

/* Of version 6 and 7 exactly one menu of each path fits: else rows would come twice. */
Test(ros_catalogue_builtin, asks_each_menu_once)
{
	static const char *const versions[] = {"6.42", "6.49.21", "7.1", "7.12.1", "7.13", "7.18.2"};
	struct catalogue *catalogue = builtin();

	for (size_t i = 0; i < catalogue->n; i++) {
		const struct catalogue_set *set = catalogue->sets[i];

		for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
			int64_t version = catalogue_parse_version(versions[v]);

			for (size_t a = 0; a < set->nmenus; a++)
				for (size_t b = 0; b < a; b++)
					cr_expect(set->menus[a].nlabels ||
							  !catalogue_menu_fits(&set->menus[a], version, NULL) ||
							  !catalogue_menu_fits(&set->menus[b], version, NULL),
						  "%s %s", set->name, versions[v]);
		}
	}
	catalogue_free(catalogue);
}

/* The fourth cell of a row of docs/mktxp.md: `label`, `label` */
static void check_labels(const struct catalogue_set *set, const char *cell, size_t length, const char *metric)
{
	char *labels = mem_format("%.*s", (int)length, cell);
	size_t n = 0;

	for (char *at = strtok(labels, "`, "); at; at = strtok(NULL, "`, "), n++)
		cr_expect(has_label(set, at), "%s has no label %s", metric, at);
	for (size_t i = 0; set->measure.label_names[i]; i++)
		n--;
	cr_expect_eq(n, 0, "%s has other labels", metric);
	mem_free(labels);
}

static bool check_line(const struct catalogue *catalogue, const char *line)
{
	const char *ours = strstr(line, "| " METRIC_PREFIX), *cell;
	const struct catalogue_set *set;
	char *metric;

	if (strncmp(line, "| `mktxp_", strlen("| `mktxp_")) != 0 || !ours)
		return false;
	ours += strlen("| " METRIC_PREFIX);
	metric = mem_format("%.*s", (int)strcspn(ours, "`"), ours);
	set = set_of_metric(catalogue, metric);
	cr_expect(set, "no metric netsonde_routeros_%s", metric);
	cell = strchr(ours, '|') + 1;
	if (set)
		check_labels(set, cell, strcspn(cell, "|"), metric);
	mem_free(metric);
	return true;
}

static char *read_page(const char *name)
{
	char *folder = file_folder(__FILE__), *path = mem_format("%s/../../../docs/%s", folder, name);
	FILE *file = fopen(path, "r");
	struct text page = {0};
	char bytes[4096];
	size_t n;

	cr_assert(file, "%s", path);
	while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
		text_add_bytes(&page, bytes, n);
	fclose(file);
	mem_free(path);
	mem_free(folder);
	return text_take(&page);
}

Test(ros_catalogue_builtin, has_every_metric_of_the_table_for_mktxp)
{
	struct catalogue *catalogue = builtin();
	char *page = read_page("mktxp.md"), *rest = page;
	size_t n = 0;

	for (char *line = strtok_r(rest, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		n += check_line(catalogue, line);
	cr_expect_geq(n, 200);
	mem_free(page);
	catalogue_free(catalogue);
}

/* Metrics that the text names besides its tables. */
Test(ros_catalogue_builtin, has_every_metric_that_pages_name)
{
	static const char *const pages[] = {"mktxp.md", "routeros-catalogue.md"};
	struct catalogue *catalogue = builtin();

	for (size_t i = 0; i < 2; i++) {
		char *page = read_page(pages[i]);

		for (const char *at = strstr(page, METRIC_PREFIX); at; at = strstr(at, METRIC_PREFIX)) {
			char *metric;

			at += strlen(METRIC_PREFIX);
			metric = mem_format("%.*s", (int)strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_"), at);
			cr_expect(at[strlen(metric)] == '<' || set_of_metric(catalogue, metric), "%s: %s", pages[i],
				  metric);
			mem_free(metric);
		}
		mem_free(page);
	}
	catalogue_free(catalogue);
}

/* The table of sets tells tier and default of each. */
Test(ros_catalogue_builtin, is_in_the_documentation)
{
	static const char *const tiers[] = {"realtime", "short", "medium", "long", "extended"};
	struct catalogue *catalogue = builtin();
	char *page = read_page("routeros-catalogue.md");

	for (size_t i = 0; i < catalogue->n; i++) {
		const struct catalogue_set *set = catalogue->sets[i];
		char *begin = mem_format("\n| `%s` | %s | ", set->name, set->measure.help);
		const char *row = strstr(page, begin), *tier;

		cr_expect(row, "no row for %s", set->name);
		tier = row ? strchr(row + strlen(begin), '|') : NULL;
		cr_expect(tier && strncmp(tier + 2, tiers[set->tier], strlen(tiers[set->tier])) == 0, "%s", set->name);
		row = tier ? strchr(tier, '\n') : NULL;
		cr_expect(row && strncmp(row - strlen("off |"), set->is_enabled ? " on |" : "off |", 5) == 0, "%s",
			  set->name);
		mem_free(begin);
	}
	mem_free(page);
	catalogue_free(catalogue);
}

/* /ip/dns counts KiB; version 6 writes so behind the number. */
Test(ros_catalogue_builtin, sizes_can_count_kibibytes)
{
	struct catalogue *catalogue = builtin();
	const struct catalogue_column *column = catalogue_find(catalogue, "dns")->columns;

	cr_expect_eq(column->parse, CATALOGUE_SIZE);
	cr_expect_eq(column->factor, 1024);
	cr_expect_eq(catalogue_find(catalogue, "system")->columns[4].factor, 1);
	catalogue_free(catalogue);
}
