#include "daemon/endpoint.h"

#include <stdatomic.h>
#include <string.h>

#include "core/destination.h"
#include "core/mem.h"
#include "daemon/config.h"
#include "daemon/names.h"
#include "daemon/shared_catalogue.h"
#include "probes/engine.h"

struct endpoint {
	atomic_size_t holders;
	struct config_endpoint settings;
	struct destination_rules *rules;
	struct gatekeeper gatekeeper;
	struct shared_catalogue *catalogue;
	struct modules own;  /* entries of section probes */
	struct modules more; /* of the file */
	struct modules built_in;
	struct names names; /* -> position: own ones first, those of the file next */
};

/* --- life --------------------------------------------------------------------------------------------------------- */

static bool permits(const void *context, const char *host, const struct address *address, uint16_t port,
		    struct err *err)
{
	const bool is_left = address->family == ADDRESS_NONE;
	const struct destination destination = {host, is_left ? NULL : address, port, is_left};

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

	struct err err = {0};

	module->name = mem_copy_string(probe->name);
	/* It leaves to its targets what /probe has no other place for. */
	if (type->check && type->check(probe->settings, &err) == -1) {
		module->refused = mem_format("it is for targets that say more: %s", err.text);
		return;
	}
	module->type = type;
	module->settings = option_copy_settings(type->options, type->noptions, type->settings_size, probe->settings);
	module->timeout_ns = timeout_of(probe);
	config_show_probe(probe, &shown);
	module->shown = text_take(&shown);
}

static const struct module *module_at(const struct endpoint *endpoint, size_t i)
{
	if (i < endpoint->own.n)
		return &endpoint->own.items[i];
	i -= endpoint->own.n;
	return i < endpoint->more.n ? &endpoint->more.items[i] : &endpoint->built_in.items[i - endpoint->more.n];
}

/* A name that the configuration has given to a module of its own is that one's. */
static void add_built_in(struct endpoint *endpoint)
{
	size_t before = endpoint->own.n + endpoint->more.n;

	modules_add_builtin(&endpoint->built_in);
	for (size_t i = 0; i < endpoint->built_in.n; i++)
		names_add(&endpoint->names, names_key_of(endpoint->built_in.items[i].name), before + i);
}

/* -1 with err at a name that is there already. */
static int add_names(struct endpoint *endpoint, struct err *err)
{
	for (size_t i = 0; i < endpoint->own.n + endpoint->more.n; i++) {
		const char *name = module_at(endpoint, i)->name;

		if (names_add(&endpoint->names, names_key_of(name), i) != NAMES_NONE)
			return err_set(err,
				       "its module \"%.200s\" has the name of an entry of section probes: both "
				       "would be module=%.200s, so rename one of them",
				       name, name);
	}
	return 0;
}

static void endpoint_free(struct endpoint *endpoint)
{
	names_free(&endpoint->names);
	shared_catalogue_release(endpoint->catalogue);
	modules_free(&endpoint->own);
	modules_free(&endpoint->more);
	modules_free(&endpoint->built_in);
	destination_rules_free(endpoint->rules);
	option_free(config_endpoint_options, config_endpoint_noptions, &endpoint->settings);
	mem_free(endpoint);
}

struct endpoint *endpoint_create(const struct endpoint_plan *plan, struct modules *more, struct err *err)
{
	struct endpoint *endpoint = mem_zero(1, sizeof(*endpoint));

	atomic_init(&endpoint->holders, 1);
	config_copy_endpoint(plan->settings, &endpoint->settings);
	endpoint->rules = destination_rules_create(&plan->settings->allow, &plan->settings->deny, err);
	endpoint->gatekeeper = (struct gatekeeper){permits, endpoint->rules};
	endpoint->catalogue = shared_catalogue_hold(plan->catalogue);
	endpoint->own.items = mem_zero(plan->nprobes, sizeof(struct module));
	for (; endpoint->own.n < plan->nprobes; endpoint->own.n++)
		copy_probe(&plan->probes[endpoint->own.n], &endpoint->own.items[endpoint->own.n]);
	endpoint->more = *more;
	if (endpoint->rules && add_names(endpoint, err) == 0) {
		*more = (struct modules){0};
		add_built_in(endpoint);
		return endpoint;
	}
	endpoint->more = (struct modules){0};
	endpoint_free(endpoint);
	return NULL;
}

struct endpoint *endpoint_hold(struct endpoint *endpoint)
{
	atomic_fetch_add_explicit(&endpoint->holders, 1, memory_order_relaxed);
	return endpoint;
}

void endpoint_release(struct endpoint *endpoint)
{
	if (endpoint && atomic_fetch_sub(&endpoint->holders, 1) == 1)
		endpoint_free(endpoint);
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

const struct config_endpoint *endpoint_settings(const struct endpoint *endpoint)
{
	return &endpoint->settings;
}

const struct destination_rules *endpoint_rules(const struct endpoint *endpoint)
{
	return endpoint->rules;
}

const struct catalogue *endpoint_catalogue(const struct endpoint *endpoint)
{
	return shared_catalogue_of(endpoint->catalogue);
}

const struct gatekeeper *endpoint_gatekeeper(const struct endpoint *endpoint)
{
	return &endpoint->gatekeeper;
}

const struct module *endpoint_find(const struct endpoint *endpoint, const char *name)
{
	size_t i = names_find(&endpoint->names, names_key_of(name));

	return i == NAMES_NONE ? NULL : module_at(endpoint, i);
}

void endpoint_each_module(const struct endpoint *endpoint, void (*each)(void *arg, const struct module *module),
			  void *arg)
{
	for (size_t i = 0; i < endpoint->own.n + endpoint->more.n; i++)
		each(arg, module_at(endpoint, i));
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

void endpoint_show(const struct endpoint *endpoint, struct text *out)
{
	if (endpoint->more.n == 0)
		return;
	text_add(out, "# modules of probe_endpoint.blackbox_config:\n");
	for (size_t i = 0; i < endpoint->more.n; i++) {
		const struct module *module = &endpoint->more.items[i];

		add_comment(module->shown ? module->shown : module->name, out);
		if (module->refused)
			text_add_format(out, "# (not available: %s)\n", module->refused);
	}
}
