#include <criterion/criterion.h>

#include "probes/routeros/catalogue.h"

Test(catalogue, parses_versions)
{
	static const struct {
		const char *text;
		int64_t version;
	} cases[] = {
		{"7.16.2 (stable)", 7016002},
		{"6.49", 6049000},
		{"7", 7000000},
		{"7.1beta4 (development)", 7001000},
		{"7.24rc1", 7024000},
		{"6.49.21", 6049021},
		{"7.", 7000000},
		{"", -1},
		{"stable", -1},
		{"1000.1", -1},
		{"7.1000", -1},
		{".7", -1},
		{"7.1.2.3", 7001002},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(catalogue_parse_version(cases[i].text), cases[i].version, "%s", cases[i].text);
}

Test(catalogue, matches_patterns)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} cases[] = {
		{"C", "c", true},
		{"C", "CC", false},
		{"", "", true},
		{"*", "", true},
		{"", "a", false},
		{"*temp*", "cpu-temperature", true},
		{"*temp*", "voltage", false},
		{"*current", "psu1-current", true},
		{"*current", "currents", false},
		{"fan*speed", "fan1-Speed", true},
		{"a*b*c", "aXbXbXc", true},
		{"a*b*c", "aXbX", false},
		{"**", "x", true},
		{"a*", "ba", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(catalogue_pattern_matches(cases[i].pattern, cases[i].text), cases[i].matches, "%s %s",
			     cases[i].pattern, cases[i].text);
}

Test(catalogue, fits_by_version_and_package)
{
	static const char *const wanted[] = {"wifi", "wireless", NULL}, *const none[] = {NULL},
				 *const there[] = {"system", "wireless", NULL}, *const other[] = {"system", NULL};
	struct catalogue_menu menu = {.since = 7001000, .before = 7013000, .packages = none};

	cr_expect(catalogue_menu_fits(&menu, 7001000, other));
	cr_expect(catalogue_menu_fits(&menu, 7012999, NULL));
	cr_expect_not(catalogue_menu_fits(&menu, 7000999, NULL));
	cr_expect_not(catalogue_menu_fits(&menu, 7013000, NULL));
	menu.packages = wanted;
	cr_expect(catalogue_menu_fits(&menu, 7002000, NULL));
	cr_expect(catalogue_menu_fits(&menu, 7002000, there));
	cr_expect_not(catalogue_menu_fits(&menu, 7002000, other));
}

Test(catalogue, puts_in_place)
{
	struct catalogue *catalogue = catalogue_create();
	struct catalogue_set one = {.name = "a", .max_rows = 1}, two = {.name = "a", .max_rows = 2};

	cr_expect_eq(catalogue_put(catalogue, &one), 0);
	cr_expect_eq(catalogue_put(catalogue, &two), 0);
	cr_expect_eq(catalogue->n, 1);
	cr_expect_eq(catalogue_find(catalogue, "a")->max_rows, 2);
	cr_expect_null(catalogue_find(catalogue, "b"));
	catalogue_free(catalogue);
	catalogue_free(NULL);
}
