/*
 * What the tests of blackbox_config share: modules out of strings, and what is in them.
 */
#ifndef NETSONDE_TESTS_UNIT_DAEMON_BLACKBOX_FIXTURE_H
#define NETSONDE_TESTS_UNIT_DAEMON_BLACKBOX_FIXTURE_H

#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"
#include "daemon/modules.h"

static inline struct modules load(const char *string)
{
	struct modules modules;
	struct err err = {0};
	cr_assert_eq(blackbox_config_load_string(string, "b.yml", &modules, &err), 0, "%s\n%s", string, err.text);
	return modules;
}

static inline void expect_error(const char *string, const char *error)
{
	struct modules modules;
	struct err err = {0};
	cr_expect_eq(blackbox_config_load_string(string, "b.yml", &modules, &err), -1, "%s", string);
	cr_expect_str_eq(err.text, error, "%s:\n%s\n%s", string, err.text, error);
	cr_expect_null(modules.items);
	cr_expect_eq(modules.n, 0);
	modules_free(&modules);
}

/* The value of an option of a module that can be run, as a user would write it; owned by the caller. */
static inline char *print_option(const struct module *module, const char *name)
{
	struct text out = {0};
	cr_assert(module->type, "%s: %s", module->name, module->refused);
	const struct option *option = option_find(module->type->options, module->type->noptions, name);
	cr_assert(option, "%s has no option %s", module->type->name, name);
	option_print(option, module->settings, &out);
	char *printed = mem_copy_string(text_string(&out));
	text_free(&out);
	return printed;
}

static inline void expect_option(const struct modules *modules, const char *module, const char *name, const char *value)
{
	const struct module *found = modules_find(modules, module);
	cr_assert(found, "no module %s", module);
	char *printed = print_option(found, name);
	cr_expect_str_eq(printed, value, "%s: %s is %s, not %s", module, name, printed, value);
	mem_free(printed);
}

struct expected_option {
	const char *name, *value;
};

static inline void expect_options(const struct modules *modules, const char *module,
				  const struct expected_option *options)
{
	for (; options->name; options++)
		expect_option(modules, module, options->name, options->value);
}

static inline void expect_refused(const struct modules *modules, const char *module, const char *why)
{
	const struct module *found = modules_find(modules, module);
	cr_assert(found, "no module %s", module);
	cr_expect_null(found->type);
	cr_expect_null(found->settings);
	cr_expect_str_eq(found->refused, why, "%s:\n%s\n%s", module, found->refused, why);
}

static inline struct modules load_http(const char *http)
{
	char *string = mem_format("modules: { a: { prober: http, http: %s } }", http);
	struct modules modules = load(string);
	mem_free(string);
	return modules;
}

static inline void expect_http(const char *http, const char *option, const char *value)
{
	struct modules modules = load_http(http);
	expect_option(&modules, "a", option, value);
	modules_free(&modules);
}

#endif
