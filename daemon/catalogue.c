#include "daemon/catalogue.h"

#include <stdatomic.h>
#include <string.h>

#include "core/destination.h"
#include "core/mem.h"
#include "daemon/config.h"
#include "daemon/names.h"
#include "probes/engine.h"

struct catalogue {
	atomic_size_t holders;
	struct config_endpoint settings;
	struct destination_rules *rules;
	struct gatekeeper gatekeeper;
	struct modules own;  /* entries of section probes */
	struct modules more; /* of the file */
	struct names names;  /* -> position: own ones first */
};

/* --- life --------------------------------------------------------------------------------------------------------- */

static bool permits(const void *context, const char *host, const struct address *address, uint16_t port,
		    struct err *err)
{
	const struct destination destination = {host, address, port};

	return destination_is_permitted(context, &destination, err);
}

/* What a probe takes at most is an option of its own in every type. */
static int64_t timeout_of(const struct config_probe *probe)
{
	const struct option *option = option_find(probe->type->options, probe->type->noptions, "timeout");
	int64_t timeout_ns = 0;

	if (option && option->kind == OPTION_SECONDS)
		memcpy(&timeout_ns, (const char *)probe->settings + option->offset, sizeof(timeout_ns));
	return timeout_ns;
}

static void copy_probe(const struct config_probe *probe, struct module *module)
{
	const struct probe_type *type = probe->type;
	struct text shown = {0};

	module->name = mem_copy_string(probe->name);
	module->type = type;
	module->settings =
		option_copy_settings(type->options, type->noptions, type->settings_size, probe->settings);
	module->timeout_ns = timeout_of(probe);
	config_show_probe(probe, &shown);
	module->shown = text_take(&shown);
}

static const struct module *module_at(const struct catalogue *catalogue, size_t i)
{
	return i < catalogue->own.n ? &catalogue->own.items[i] : &catalogue->more.items[i - catalogue->own.n];
}

/* -1 with err at a name that is there already. */
static int add_names(struct catalogue *catalogue, struct err *err)
{
	for (size_t i = 0; i < catalogue->own.n + catalogue->more.n; i++) {
		const char *name = module_at(catalogue, i)->name;

		if (names_add(&catalogue->names, names_key_of(name), i) != NAMES_NONE)
			return err_set(err, "its module \"%.200s\" has the name of an entry of section probes: both "
					    "would be module=%.200s, so rename one of them", name, name);
	}
	return 0;
}

static void catalogue_free(struct catalogue *catalogue)
{
	names_free(&catalogue->names);
	modules_free(&catalogue->own);
	modules_free(&catalogue->more);
	destination_rules_free(catalogue->rules);
	option_free(config_endpoint_options, config_endpoint_noptions, &catalogue->settings);
	mem_free(catalogue);
}

struct catalogue *catalogue_create(const struct catalogue_plan *plan, struct modules *more, struct err *err)
{
	struct catalogue *catalogue = mem_zero(1, sizeof(*catalogue));

	atomic_init(&catalogue->holders, 1);
	config_copy_endpoint(plan->settings, &catalogue->settings);
	catalogue->rules = destination_rules_create(&plan->settings->allow, &plan->settings->deny, err);
	catalogue->gatekeeper = (struct gatekeeper){permits, catalogue->rules};
	catalogue->own.items = mem_zero(plan->nprobes, sizeof(struct module));
	for (; catalogue->own.n < plan->nprobes; catalogue->own.n++)
		copy_probe(&plan->probes[catalogue->own.n], &catalogue->own.items[catalogue->own.n]);
	catalogue->more = *more;
	if (catalogue->rules && add_names(catalogue, err) == 0) {
		*more = (struct modules){0};
		return catalogue;
	}
	catalogue->more = (struct modules){0};
	catalogue_free(catalogue);
	return NULL;
}

struct catalogue *catalogue_hold(struct catalogue *catalogue)
{
	atomic_fetch_add_explicit(&catalogue->holders, 1, memory_order_relaxed);
	return catalogue;
}

void catalogue_release(struct catalogue *catalogue)
{
	if (catalogue && atomic_fetch_sub(&catalogue->holders, 1) == 1)
		catalogue_free(catalogue);
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

const struct config_endpoint *catalogue_settings(const struct catalogue *catalogue)
{
	return &catalogue->settings;
}

const struct destination_rules *catalogue_rules(const struct catalogue *catalogue)
{
	return catalogue->rules;
}

const struct gatekeeper *catalogue_gatekeeper(const struct catalogue *catalogue)
{
	return &catalogue->gatekeeper;
}

const struct module *catalogue_find(const struct catalogue *catalogue, const char *name)
{
	size_t i = names_find(&catalogue->names, names_key_of(name));

	return i == NAMES_NONE ? NULL : module_at(catalogue, i);
}

/* Each line as a comment. */
static void add_comment(const char *lines, struct text *out)
{
	while (*lines) {
		size_t n = strcspn(lines, "\n");

		text_add(out, "# ");
		text_add_bytes(out, lines, n);
		text_add_char(out, '\n');
		lines += n + (lines[n] == '\n');
	}
}

void catalogue_show(const struct catalogue *catalogue, struct text *out)
{
	if (catalogue->more.n == 0)
		return;
	text_add(out, "# modules of probe_endpoint.blackbox_config:\n");
	for (size_t i = 0; i < catalogue->more.n; i++) {
		const struct module *module = &catalogue->more.items[i];

		add_comment(module->shown ? module->shown : module->name, out);
		if (module->refused)
			text_add_format(out, "# (not available: %s)\n", module->refused);
	}
}
