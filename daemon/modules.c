#include "daemon/modules.h"

#include <string.h>

#include "core/mem.h"

static void free_module(struct module *module)
{
	if (module->type)
		option_free_settings(module->type->options, module->type->noptions, module->settings);
	mem_free(module->name);
	mem_free(module->refused);
	mem_free(module->shown);
}

void modules_free(struct modules *modules)
{
	for (size_t i = 0; i < modules->n; i++)
		free_module(&modules->items[i]);
	mem_free(modules->items);
	*modules = (struct modules){0};
}

const struct module *modules_find(const struct modules *modules, const char *name)
{
	for (size_t i = 0; i < modules->n; i++) {
		if (strcmp(modules->items[i].name, name) == 0)
			return &modules->items[i];
	}
	return NULL;
}
