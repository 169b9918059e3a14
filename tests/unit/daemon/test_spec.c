#include "config_fixture.h"

#include "core/option_compare.h"
#include "daemon/spec.h"

static void *echo_with(const char *name, const char *value)
{
	void *settings = mem_zero(1, sizeof(struct echo_settings));
	struct err err = {0};

	option_set_defaults(echo_options, ECHO_OPTIONS, settings);
	if (name)
		cr_assert_eq(option_set_text(option_find(echo_options, ECHO_OPTIONS, name), settings, value, &err), 0,
			     "%s", err.text);
	return settings;
}

static void echo_free(void *settings)
{
	option_free_settings(echo_options, ECHO_OPTIONS, settings);
}

Test(spec, equal_ones_are_kept_once)
{
	static const struct {
		const char *probe, *name, *value;
		size_t is_as; /* the row that it is equal to */
	} rows[] = {
		{"e", NULL, NULL, 0},         {"e", "size", "56", 0},          {"f", NULL, NULL, 2},
		{"e", "size", "57", 3},       {"e", "user", "x", 4},           {"e", "password", "x", 5},
		{"e", "codes", "ok,fine", 0}, {"e", "codes", "ok,fine,so", 7}, {"e", "user", "x", 4},
		{"e", "ratio", "0.25", 9},    {"e", "family", "ipv6", 10},     {"e", "strict", "yes", 11},
	};
	const size_t n = sizeof(rows) / sizeof(rows[0]);
	const struct probe_spec *specs[sizeof(rows) / sizeof(rows[0])];
	struct spec_table *table = spec_table_create();
	size_t different = 0;

	for (size_t i = 0; i < n; i++) {
		char *probe = mem_copy_string(rows[i].probe);
		void *settings = echo_with(rows[i].name, rows[i].value);

		specs[i] = spec_table_hold(table, &(struct probe_spec){probe, &echo_type, settings, NULL}, NULL);
		cr_expect_eq(specs[i], specs[rows[i].is_as], "row %zu", i);
		different += rows[i].is_as == i;
		cr_expect_str_eq(specs[i]->name, rows[i].probe);
		cr_expect_eq(specs[i]->type, &echo_type);
		cr_expect(option_settings_are_equal(echo_options, ECHO_OPTIONS, specs[i]->settings, settings));
		/* Nothing of it is borrowed. */
		mem_free(probe);
		echo_free(settings);
	}
	cr_expect_eq(spec_table_count(table), different);
	cr_expect_str_eq(((const struct echo_settings *)specs[4]->settings)->user, "x");
	for (size_t i = 0; i < n; i++)
		spec_table_release(table, specs[i]);
	cr_expect_eq(spec_table_count(table), 0);
	spec_table_free(table);
}

Test(spec, the_last_release_frees_it)
{
	struct spec_table *table = spec_table_create();
	void *settings = echo_with(NULL, NULL);
	const struct probe_spec wanted = {"e", &echo_type, settings, NULL};
	const struct probe_spec *spec = spec_table_hold(table, &wanted, NULL);

	cr_expect_eq(spec_table_hold(table, &wanted, NULL), spec);
	/* What is held can be asked for by itself. */
	cr_expect_eq(spec_table_hold(table, spec, NULL), spec);
	spec_table_release(table, spec);
	spec_table_release(table, spec);
	cr_expect_eq(spec_table_count(table), 1);
	spec_table_release(table, spec);
	cr_expect_eq(spec_table_count(table), 0);
	echo_free(settings);
	spec_table_free(table);
	spec_table_free(NULL);
}

Test(spec, types_are_told_apart)
{
	struct spec_table *table = spec_table_create();
	struct look_settings look = {.interval_ns = 1, .depth = 2};
	void *echo = echo_with(NULL, NULL);
	const struct probe_spec *a = spec_table_hold(table, &(struct probe_spec){"p", &look_type, &look, NULL}, NULL);
	const struct probe_spec *b = spec_table_hold(table, &(struct probe_spec){"p", &echo_type, echo, NULL}, NULL);

	cr_expect_neq(a, b);
	cr_expect_eq(spec_table_count(table), 2);
	echo_free(echo);
	spec_table_free(table); /* both are held still */
}

/* The short cut gives what the long way gives, also where one address stands for several probes. */
Test(spec, memo_changes_nothing)
{
	struct spec_table *table = spec_table_create();
	struct look_settings look[600];
	struct spec_memo memo = {0};

	for (size_t i = 0; i < 600; i++)
		look[i] = (struct look_settings){.interval_ns = 1, .depth = (int64_t)(i % 300)};
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 600; i++) {
			const struct probe_spec p = {"p", &look_type, &look[i], NULL},
						q = {"q", &look_type, &look[i], NULL};

			cr_expect_eq(spec_table_hold(table, &p, &memo), spec_table_hold(table, &p, NULL));
			cr_expect_eq(spec_table_hold(table, &q, &memo), spec_table_hold(table, &q, NULL));
		}
	}
	cr_expect_eq(spec_table_count(table), 600);
	spec_table_free(table);
}

/* Every target with settings of its own: the table grows, and finding does not slow down. */
Test(spec, of_many, .timeout = 60)
{
	enum { N = 200000 };
	const struct probe_spec **specs = mem_zero(N, sizeof(*specs));
	struct spec_table *table = spec_table_create();
	struct look_settings look = {.interval_ns = 1};

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < N; i++) {
			const struct probe_spec *spec;

			look.depth = (int64_t)i;
			spec = spec_table_hold(table, &(struct probe_spec){"p", &look_type, &look, NULL}, NULL);
			cr_assert(round == 0 || spec == specs[i]);
			specs[i] = spec;
		}
	}
	cr_expect_eq(spec_table_count(table), N);
	for (size_t i = 0; i < N; i++) {
		spec_table_release(table, specs[i]);
		spec_table_release(table, specs[i]);
	}
	cr_expect_eq(spec_table_count(table), 0);
	spec_table_free(table);
	mem_free(specs);
}
