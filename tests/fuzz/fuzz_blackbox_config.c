/* A blackbox.yml: whatever is in it, an error with a text or whole modules, each of which can be run or says why not. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "daemon/modules.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_module(const struct module *module)
{
	if (!module->name || !module->shown || module->timeout_ns < 0)
		abort();
	if (module->refused ? module->type || module->settings || module->refused[0] == '\0'
			    : !module->type || !module->settings)
		abort();
	if (!module->type)
		return;
	/* It is what runs begin with. */
	const struct probe_type *type = module->type;
	void *copy = option_copy_settings(type->options, type->noptions, type->settings_size, module->settings);
	struct err err = {0};
	if (type->check && type->check(copy, &err) != 0)
		abort();
	option_free_settings(type->options, type->noptions, copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct err err = {0};
	struct modules modules;
	char *string = mem_format("%.*s", (int)n, n > 0 ? (const char *)bytes : "");
	int result = blackbox_config_load_string(string, "fuzz", &modules, &err);
	mem_free(string);
	if (result != 0 && (err.text[0] == '\0' || modules.n != 0 || modules.items))
		abort();
	for (size_t i = 0; i < modules.n; i++)
		check_module(&modules.items[i]);
	modules_free(&modules);
	return 0;
}
