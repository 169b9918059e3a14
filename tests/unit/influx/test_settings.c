#include <criterion/criterion.h>

#include "influx/influx.h"

Test(settings, defaults)
{
	struct influx_settings settings = {0};
	option_set_defaults(influx_options, influx_noptions, &settings);
	cr_expect_str_eq(settings.name, "main");
	cr_expect_null(settings.path);
	cr_expect_eq(settings.rotate_bytes, 64 * 1024 * 1024);
	cr_expect_eq(settings.keep, 5);
	option_free(influx_options, influx_noptions, &settings);
}

Test(settings, written)
{
	static const struct {
		const char *name, *value;
		int result;
	} cases[] = {
		{"rotate_size", "1GiB", 0}, {"rotate_size", "0", 0}, {"rotate_size", "-1", -1}, {"keep", "0", 0},
		{"keep", "1000", 0},        {"keep", "1001", -1},    {"keep", "-1", -1},
	};
	struct influx_settings settings = {0};
	option_set_defaults(influx_options, influx_noptions, &settings);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = {0};
		const struct option *option = option_find(influx_options, influx_noptions, cases[i].name);
		cr_assert_not_null(option);
		cr_expect_eq(option_set_text(option, &settings, cases[i].value, &err), cases[i].result, "%s = %s: %s",
			     cases[i].name, cases[i].value, err.text);
	}
	option_free(influx_options, influx_noptions, &settings);
}

Test(settings, rules)
{
	static const struct {
		const char *name, *path, *why;
	} cases[] = {
		{"a", "/b", NULL},
		{"a", NULL, "path: must be given"},
		{"a", "", "path: must be given"},
		{"", "/b", "name: must not be empty"},
		{NULL, "/b", "name: must not be empty"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct influx_settings settings = {.name = (char *)(uintptr_t)cases[i].name,
						   .path = (char *)(uintptr_t)cases[i].path};
		struct err err = {0};
		cr_expect_eq(influx_check(&settings, &err), cases[i].why != NULL ? -1 : 0);
		cr_expect_str_eq(err.text, cases[i].why != NULL ? cases[i].why : "");
	}
}
