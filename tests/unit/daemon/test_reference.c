#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/file.h"
#include "core/mem.h"
#include "daemon/command.h"
#include "daemon/config.h"
#include "daemon/pipeline.h"
#include "daemon/reference.h"
#include "daemon/reference_print.h"

static char *options_as(enum reference_format format)
{
	struct text out = {0};

	reference_options(format, &out);
	return text_take(&out);
}

static char *metrics_as(enum reference_format format)
{
	struct text out = {0};

	reference_metrics(format, &out);
	return text_take(&out);
}

static char *scores_as(enum reference_format format)
{
	struct text out = {0};

	reference_scores(format, &out);
	return text_take(&out);
}

static char *names_as(enum reference_format format)
{
	struct text out = {0};

	reference_names(format, &out);
	return text_take(&out);
}

/* --- pieces ------------------------------------------------------------------------------------------------------ */

Test(reference, escapes_cells)
{
	struct text out = {0};

	reference_add_cell(&out, "a|b <c> d");
	cr_expect_str_eq(text_string(&out), "a\\|b &lt;c> d");
	text_free(&out);
}

Test(reference, wraps_words)
{
	static const char word[] = "123456789";
	struct text in = {0}, out = {0};
	size_t column = 0;

	for (int i = 0; i < 40; i++)
		text_add_format(&in, "%s%s", i ? " " : "", word);
	reference_add_wrapped(&out, text_string(&in), 4);
	for (const char *at = text_string(&out); *at; at++) {
		cr_expect(column > 0 || strncmp(at, "    1", 5) == 0, "every line is indented");
		column = *at == '\n' ? 0 : column + 1;
		cr_expect(column <= 100);
	}
	cr_expect_eq(out.bytes[out.length - 1], '\n');
	text_clear(&out);
	reference_add_wrapped(&out, "", 4);
	cr_expect_str_eq(text_string(&out), "\n");
	text_free(&in);
	text_free(&out);
}

/* --- options ----------------------------------------------------------------------------------------------------- */

/* Does the text have a line for this option? */
static void expect_options(const char *text, const char *pattern, const struct option *options, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *wanted = mem_format("%s%s%s", pattern, options[i].name, pattern[0] == '|' ? "` |" : ": ");

		cr_expect(strstr(text, wanted) != NULL, "%s", wanted);
		mem_free(wanted);
	}
}

Test(reference, has_every_option)
{
	static const char *const patterns[] = {[REFERENCE_TEXT] = "  ", [REFERENCE_MARKDOWN] = "| `"};

	for (int format = REFERENCE_TEXT; format <= REFERENCE_MARKDOWN; format++) {
		char *text = options_as((enum reference_format)format);

		expect_options(text, patterns[format], config_agent_options, config_agent_noptions);
		expect_options(text, patterns[format], exporter_options, exporter_noptions);
		expect_options(text, patterns[format], influx_options, influx_noptions);
		for (size_t i = 0; probe_types[i]; i++)
			expect_options(text, patterns[format], probe_types[i]->options, probe_types[i]->noptions);
		mem_free(text);
	}
}

static json_t *section_named(json_t *root, const char *name, const char *type)
{
	size_t i;
	json_t *section;

	json_array_foreach(json_object_get(root, "sections"), i, section)
	{
		const char *has = json_string_value(json_object_get(section, "type"));

		if (strcmp(json_string_value(json_object_get(section, "section")), name) == 0 &&
		    (type ? has && strcmp(has, type) == 0 : !has))
			return section;
	}
	return NULL;
}

Test(reference, options_as_json)
{
	char *text = options_as(REFERENCE_JSON);
	json_t *root = json_loads(text, 0, NULL), *section, *option;
	size_t i, found = 0;

	cr_assert(root != NULL);
	section = section_named(root, "agent", NULL);
	cr_assert(section != NULL);
	cr_expect_str_eq(json_string_value(json_object_get(section, "environment")), "NETSONDE_AGENT");
	json_array_foreach(json_object_get(section, "options"), i, option)
	{
		const char *name = json_string_value(json_object_get(option, "name"));

		if (strcmp(name, "timer_slot") == 0) {
			cr_expect_str_eq(json_string_value(json_object_get(option, "kind")), "seconds");
			cr_expect_str_eq(json_string_value(json_object_get(option, "default")), "0.005");
			cr_expect_eq(json_real_value(json_object_get(option, "minimum")), 0.001);
			cr_expect_eq(json_real_value(json_object_get(option, "maximum")), 0.1);
			found++;
		} else if (strcmp(name, "log_format") == 0) {
			cr_expect_eq(json_array_size(json_object_get(option, "choices")), 2);
			cr_expect_eq(json_object_get(option, "minimum"), NULL);
			found++;
		} else if (strcmp(name, "resolver") == 0) {
			cr_expect(json_is_null(json_object_get(option, "default")));
			found++;
		}
	}
	cr_expect_eq(found, 3);
	for (i = 0; probe_types[i]; i++) {
		section = section_named(root, "probes", probe_types[i]->name);
		cr_assert(section != NULL);
		cr_expect_eq(json_array_size(json_object_get(section, "options")), probe_types[i]->noptions);
	}
	json_decref(root);
	mem_free(text);
}

/* --- metrics ----------------------------------------------------------------------------------------------------- */

static void expect_set(const char *text, const struct measure_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		char *name = mem_format("netsonde_%s_%s", set->name, set->measures[i].name);

		if (set->measures[i].kind != MEASURE_TEXT)
			cr_expect(strstr(text, name) != NULL, "%s", name);
		mem_free(name);
	}
}

Test(reference, has_every_metric_once)
{
	for (int format = REFERENCE_TEXT; format <= REFERENCE_JSON; format++) {
		char *text = metrics_as((enum reference_format)format);

		for (size_t i = 0; pipeline_sets[i]; i++)
			expect_set(text, pipeline_sets[i]);
		for (size_t i = 0; probe_types[i]; i++) {
			for (size_t k = 0; probe_types[i]->sets[k]; k++)
				expect_set(text, probe_types[i]->sets[k]);
		}
		expect_set(text, &exporter_set);
		expect_set(text, &influx_set);
		mem_free(text);
	}
}

Test(reference, metrics_as_json)
{
	char *text = metrics_as(REFERENCE_JSON);
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *set, *measure, *seen = json_object();
	size_t i, k;

	cr_assert(root != NULL);
	json_array_foreach(json_object_get(root, "sets"), i, set)
	{
		json_array_foreach(json_object_get(set, "measures"), k, measure)
		{
			const char *metric = json_string_value(json_object_get(measure, "metric"));

			if (!metric)
				continue;
			cr_expect_eq(json_object_get(seen, metric), NULL, "%s is there twice", metric);
			json_object_set_new(seen, metric, json_true());
			cr_expect(json_is_string(json_object_get(measure, "type")), "%s", metric);
			cr_expect(json_string_length(json_object_get(measure, "help")) > 0, "%s has no help", metric);
		}
	}
	cr_expect(json_object_get(seen, "netsonde_probe_success") != NULL);
	json_decref(seen);
	json_decref(root);
	mem_free(text);
}

/* Examples are worked out by the code: these numbers are published. */
Test(reference, scores)
{
	char *text = scores_as(REFERENCE_TEXT), *json = scores_as(REFERENCE_JSON);
	json_t *root = json_loads(json, 0, NULL), *score;
	size_t i;

	cr_expect(strstr(text, "R = 93.20620772") != NULL, "%s", text);
	cr_expect(strstr(text, "Ie,eff,WB = 20 + (95 - 20) 2 / (2 + 4.3) = 43.8095") != NULL);
	cr_expect(strstr(text, "PFTK 3.1702 Mbit/s (Mathis 4.5236, TFRC 4.4833)") != NULL);
	cr_expect(strstr(text, "a page of 2 s: Min = 0.27 s, MOS = 2.4171") != NULL);
	cr_expect(strstr(text, "J = 1.952173 ms, mean |IPDV| = 4.985714 ms, largest PDV = 11.2 ms") != NULL);
	cr_expect(strstr(text, "BurstR = 1.44375") != NULL);
	cr_assert(root != NULL);
	json_array_foreach(json_object_get(root, "scores"), i, score)
	{
		static const char *const members[] = {"name", "help", "source", "example"};

		for (size_t k = 0; k < 4; k++)
			cr_expect(json_string_length(json_object_get(score, members[k])) > 0, "%zu: %s", i, members[k]);
		cr_expect(json_array_size(json_object_get(score, "formula")) > 0);
	}
	cr_expect_geq(i, 10);
	json_decref(root);
	mem_free(text);
	mem_free(json);
}

Test(reference, names_say_where_they_come_from)
{
	char *text = names_as(REFERENCE_TEXT), *json = names_as(REFERENCE_JSON);
	json_t *root = json_loads(json, 0, NULL), *name;
	size_t i;

	cr_expect(strstr(text, "mktxp_bgp_uptime\n    netsonde_routeros_bgp_uptime_seconds\n    theirs is 1000 times "
			       "ours\n"));
	cr_expect(strstr(text, "mktxp_internet_latency\n    (none)\n"));
	cr_assert(root != NULL);
	json_array_foreach(root, i, name)
	{
		cr_expect_gt(json_string_length(json_object_get(name, "name")), 0);
		/* What is not served says why. */
		if (json_is_null(json_object_get(name, "ours")))
			cr_expect_gt(json_string_length(json_object_get(name, "remarks")), 10);
		else
			cr_expect(json_is_array(json_object_get(name, "labels")));
	}
	cr_expect_geq(i, 200);
	json_decref(root);
	mem_free(text);
	mem_free(json);
}

/* --- the pages --------------------------------------------------------------------------------------------------- */

/* docs/ of the tree that this test was built from. */
static void expect_page(const char *page, char *expected)
{
	char *folder = file_folder(__FILE__), *path = mem_format("%s/../../../docs/%s", folder, page);
	struct text content = {.ceiling = 1 << 20};
	struct err err = {0};
	char *begin, *end;

	cr_assert_eq(file_read(path, &content, &err), 0, "%s: %s", path, err.text);
	text_string(&content);
	begin = strstr(content.bytes, "<!-- generated: begin");
	cr_assert(begin != NULL);
	begin = strchr(begin, '\n') + 1;
	end = strstr(begin, "<!-- generated: end -->\n");
	cr_assert(end != NULL);
	*end = '\0';
	cr_expect_str_eq(begin, expected, "docs/%s differs from the tables: run docs/generate path/to/netsonde", page);
	text_free(&content);
	mem_free(path);
	mem_free(folder);
	mem_free(expected);
}

Test(reference, pages_are_up_to_date)
{
	expect_page("configuration.md", options_as(REFERENCE_MARKDOWN));
	expect_page("metrics.md", metrics_as(REFERENCE_MARKDOWN));
	expect_page("quality.md", scores_as(REFERENCE_MARKDOWN));
	expect_page("mktxp.md", names_as(REFERENCE_MARKDOWN));
}

/* --- the command ------------------------------------------------------------------------------------------------- */

Test(reference, command)
{
	static const struct {
		const char *argv[4];
		int code;
	} rows[] = {
		{{"reference", "options"}, COMMAND_OK},
		{{"reference", "metrics"}, COMMAND_OK},
		{{"reference", "options", "--markdown"}, COMMAND_OK},
		{{"reference", "metrics", "--json"}, COMMAND_OK},
		{{"reference", "scores"}, COMMAND_OK},
		{{"reference", "mktxp"}, COMMAND_OK},
		{{"reference", "mktxp", "--json"}, COMMAND_OK},
		{{"reference", "--json", "options"}, COMMAND_OK},
		{{"reference"}, COMMAND_USAGE},
		{{"reference", "colours"}, COMMAND_USAGE},
		{{"reference", "options", "metrics"}, COMMAND_USAGE},
		{{"reference", "options", "--yaml"}, COMMAND_USAGE},
		{{"reference", "options", "--json", "--markdown"}, COMMAND_USAGE},
	};

	/* Not criterion's pipe: it holds less than this. */
	cr_assert_not_null(freopen("/dev/null", "w", stdout));
	cr_redirect_stderr();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *argv[5] = {NULL};
		int argc = 0;

		for (; argc < 4 && rows[i].argv[argc]; argc++)
			argv[argc] = mem_copy_string(rows[i].argv[argc]);
		cr_expect_eq(command_reference(argc, argv), rows[i].code, "row %zu", i);
		while (argc > 0)
			mem_free(argv[--argc]);
	}
}
