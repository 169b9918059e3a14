#include "core/mem.h"
#include "daemon/modules.h"

void modules_free(struct modules *modules)
{
	for (size_t i = 0; i < modules->n; i++) {
		struct module *module = &modules->items[i];

		if (module->type)
			option_free_settings(module->type->options, module->type->noptions, module->settings);
		mem_free(module->name);
		mem_free(module->refused);
		mem_free(module->shown);
	}
	mem_free(modules->items);
	*modules = (struct modules){0};
}

int blackbox_config_load(const char *path, struct modules *modules, struct err *err)
{
	(void)modules;
	return err_set(err, "%s: not available in this version", path);
}
