/* The modules of /probe that are there without any configuration. */
#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"
#include "daemon/modules.h"

static int64_t time_of(const struct module *module, const char *name)
{
	const struct option *option = option_find(module->type->options, module->type->noptions, name);
	int64_t value_ns;

	cr_assert(option && option->kind == OPTION_SECONDS, "%s", name);
	memcpy(&value_ns, (const char *)module->settings + option->offset, sizeof(value_ns));
	return value_ns;
}

Test(modules_builtin, traceroute_is_done_within_a_scrape)
{
	struct modules modules = {0};
	struct err err = {0};

	modules_add_builtin(&modules);
	const struct module *module = modules_find(&modules, "traceroute");
	cr_assert_not_null(module);
	cr_expect_eq(module->type, probe_type_find("traceroute"));
	cr_expect_eq(module->type->check(module->settings, &err), 0, "%s", err.text);
	cr_expect(module->timeout_ns > 0 && module->timeout_ns <= INT64_C(9000000000));
	cr_expect_eq(time_of(module, "wait"), INT64_C(1000000000));
	cr_expect(strstr(module->shown, "hop_address = true;"), "%s", module->shown);
	cr_expect(strstr(module->shown, "attempts = 3;"), "%s", module->shown);
	modules_free(&modules);
}

Test(modules_builtin, they_are_added_to_others)
{
	struct modules modules = {mem_zero(1, sizeof(struct module)), 1};

	modules.items[0].name = mem_copy_string("mine");
	modules_add_builtin(&modules);
	cr_expect_not_null(modules_find(&modules, "mine"));
	cr_expect_not_null(modules_find(&modules, "traceroute"));
	cr_expect_null(modules_find(&modules, "http_2xx"));
	modules_free(&modules);
}
