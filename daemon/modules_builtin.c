/*
 * The modules of /probe that are there without any configuration.
 */
#include <string.h>

#include "core/mem.h"
#include "daemon/config.h"
#include "daemon/modules.h"

struct builtin {
	const char *name, *type;
	const char *const *settings; /* "option=value" pairs beside the type's defaults; NULL-terminated */
	int64_t timeout_ns;
};

/* Done within a usual scrape timeout, also when nobody answers. */
static const char *const trace_settings[] = {"attempts=3", "wait=1", "max_silent=4", "hop_address=true", NULL};

static const struct builtin builtins[] = {
	{"traceroute", "traceroute", trace_settings, INT64_C(5000000000)},
};
#define BUILTINS (sizeof(builtins) / sizeof(builtins[0]))

/* Options that the type has not are left out. */
static void set_pair(const struct probe_type *type, const char *pair, void *settings)
{
	const char *equals = strchr(pair, '=');
	char *name = mem_format("%.*s", (int)(equals - pair), pair);
	const struct option *option = option_find(type->options, type->noptions, name);
	struct err err = {0};

	if (option)
		option_set_text(option, settings, equals + 1, &err);
	mem_free(name);
}

static struct module make_module(const struct builtin *builtin, const struct probe_type *type)
{
	struct module module = {.name = mem_copy_string(builtin->name), .type = type};
	struct text shown = {0};

	module.settings = mem_zero(1, type->settings_size);
	option_set_defaults(type->options, type->noptions, module.settings);
	for (const char *const *pair = builtin->settings; *pair; pair++)
		set_pair(type, *pair, module.settings);
	module.timeout_ns = builtin->timeout_ns;
	config_show_probe(&(struct config_probe){module.name, type, module.settings}, &shown);
	module.shown = text_take(&shown);
	return module;
}

void modules_add_builtin(struct modules *modules)
{
	modules->items = mem_resize(modules->items, modules->n + BUILTINS, sizeof(*modules->items));
	for (size_t i = 0; i < BUILTINS; i++) {
		const struct probe_type *type = probe_type_find(builtins[i].type);

		if (type)
			modules->items[modules->n++] = make_module(&builtins[i], type);
	}
}
