#include <string.h>

#include "core/file.h"
#include "core/mem.h"
#include "core/quantity.h"
#include "core/text.h"
#include "core/yaml_tree.h"
#include "daemon/blackbox_prober.h"
#include "daemon/blackbox_show.h"
#include "daemon/modules.h"

#define FILE_BYTES_MAX  (4 * 1024 * 1024)
#define SHOWN_BYTES_MAX (64 * 1024)

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct blackbox_prober *const probers[] = {
	&blackbox_http, &blackbox_tcp,  &blackbox_icmp,      &blackbox_dns,
	&blackbox_grpc, &blackbox_unix, &blackbox_websocket,
};
#define NPROBERS COUNT(probers)

/* The fields of one module as they stand in the file. */
struct parts {
	const char *prober;
	int64_t timeout_ns;
	const struct yaml_node *blocks[NPROBERS]; /* NULL: not there */
};

/* --- the fields of a module -------------------------------------------------------------------------------------- */

static int read_prober(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)field;
	const char *text = blackbox_text(place);
	((struct parts *)out)->prober = text;
	return text ? 0 : -1;
}

/* Without a unit it is a number to Go, and no duration. A negative one is as good as none. */
static int read_timeout(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct parts *parts = out;
	const char *text = blackbox_text(place);
	(void)field;
	if (!text)
		return -1;
	if ((yaml_node_is_plain(place->node) && text[strspn(text, "+-0123456789")] == '\0') ||
	    !quantity_parse_duration(text, &parts->timeout_ns))
		return blackbox_refuse(place, "must be a duration such as 5s, 500ms or 1m30s");
	if (parts->timeout_ns < 0)
		parts->timeout_ns = 0;
	return 0;
}

static int read_block(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct parts *parts = out;
	parts->blocks[field->bit] = place->node;
	return 0;
}

/* bit is the number of the prober here. */
static const struct blackbox_field module_fields[] = {
	{"prober", read_prober, NULL, 0}, {"timeout", read_timeout, NULL, 0}, {"http", read_block, NULL, 0},
	{"tcp", read_block, NULL, 1},     {"icmp", read_block, NULL, 2},      {"dns", read_block, NULL, 3},
	{"grpc", read_block, NULL, 4},    {"unix", read_block, NULL, 5},      {"websocket", read_block, NULL, 6},
};

/* --- one module -------------------------------------------------------------------------------------------------- */

static int set_presets(const struct blackbox_place *place, const struct blackbox_prober *prober,
		       struct blackbox_draft *draft)
{
	const char *const *preset = prober->presets;
	for (; preset && *preset; preset += 2) {
		if (blackbox_draft_set_text(place, draft, preset[0], preset[1]) != 0)
			return -1;
	}
	return 0;
}

/* Fills the draft from a block; node NULL: there is none. */
static int read_draft(const struct blackbox_place *module, const struct blackbox_prober *prober,
		      const struct yaml_node *node, struct blackbox_draft *draft)
{
	const struct blackbox_place block = {
		.outer = module, .key = prober->name, .node = node, .reading = module->reading};
	const struct blackbox_place *place = node ? &block : module;
	blackbox_draft_open(draft, prober->type ? prober->type : "");
	if (set_presets(place, prober, draft) != 0)
		return -1;
	if (node && blackbox_read_map(&block, prober->fields, prober->nfields, draft) != 0)
		return -1;
	return prober->finish ? prober->finish(place, draft, node) : 0;
}

/* What the type itself says of the settings is only about this module. */
static void check_draft(const struct blackbox_place *place, struct blackbox_draft *draft)
{
	struct err err = {0};
	if (draft->type->check && draft->type->check(draft->settings, &err) != 0)
		blackbox_draft_refuse(place, draft, "%s", err.text);
}

/* Moves what was read into the module. */
static void take_draft(const struct blackbox_place *place, const struct blackbox_prober *prober,
		       struct blackbox_draft *draft, struct module *module)
{
	if (!prober->type || !draft->type) {
		module->refused = mem_format("prober %s is not supported", prober->name);
		return;
	}
	check_draft(place, draft);
	module->refused = draft->refused;
	draft->refused = NULL;
	if (module->refused)
		return;
	module->type = draft->type;
	module->settings = draft->settings;
	draft->settings = NULL;
}

/* All blocks are looked at, also those of other probers, as a mistake there is a mistake of the file. */
static int read_blocks(const struct blackbox_place *place, const struct parts *parts, struct module *module)
{
	int result = 0;
	for (size_t i = 0; i < NPROBERS && result == 0; i++) {
		bool is_it = strcmp(parts->prober, probers[i]->name) == 0;
		struct blackbox_draft draft;
		if (!is_it && !parts->blocks[i])
			continue;
		result = read_draft(place, probers[i], parts->blocks[i], &draft);
		if (result == 0 && is_it)
			take_draft(place, probers[i], &draft, module);
		blackbox_draft_close(&draft);
	}
	if (!module->type && !module->refused)
		module->refused = parts->prober[0] != '\0' ? mem_format("there is no prober %.100s", parts->prober)
							   : mem_copy_string("it has no prober");
	return result;
}

static int show_module(const struct blackbox_place *place, struct module *module)
{
	struct text shown = {.ceiling = SHOWN_BYTES_MAX};
	int result = blackbox_show(place, &shown);
	if (shown.overflowed) {
		shown.ceiling = 0;
		text_add(&shown, "\n# and more\n");
	}
	module->shown = mem_copy_string(text_string(&shown));
	text_free(&shown);
	return result;
}

static int read_module(const struct blackbox_place *place, void *out)
{
	struct modules *modules = out;
	struct parts parts = {.prober = ""};
	if (!yaml_node_is_null(place->node) &&
	    blackbox_read_map(place, module_fields, COUNT(module_fields), &parts) != 0)
		return -1;
	modules->items = mem_resize(modules->items, modules->n + 1, sizeof(*modules->items));
	struct module *module = &modules->items[modules->n++];
	*module = (struct module){
		.name = mem_copy_string(place->key),
		.timeout_ns = parts.timeout_ns,
	};
	return show_module(place, module) == 0 ? read_blocks(place, &parts, module) : -1;
}

/* --- the file ---------------------------------------------------------------------------------------------------- */

static int read_modules(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	(void)field;
	return blackbox_read_entries(place, read_module, out);
}

static int read_tree(const struct yaml_tree *tree, struct modules *modules, struct err *err)
{
	static const struct blackbox_field fields[] = {{"modules", read_modules, NULL, 0}};
	struct blackbox_reading reading = {.tree = tree, .err = err};
	const struct blackbox_place place = {.node = yaml_tree_root(tree), .reading = &reading};
	return blackbox_read_map(&place, fields, COUNT(fields), modules);
}

static int parse(const char *bytes, size_t n, const char *name, struct modules *modules, struct err *err)
{
	*modules = (struct modules){0};
	struct yaml_tree *tree = yaml_tree_parse_first(bytes, n, err);
	int result = tree ? read_tree(tree, modules, err) : -1;
	yaml_tree_free(tree);
	if (result == 0)
		return 0;
	modules_free(modules);
	return err_prefix(err, "%s", name);
}

int blackbox_config_load_string(const char *string, const char *name, struct modules *modules, struct err *err)
{
	return parse(string, strlen(string), name, modules, err);
}

int blackbox_config_load(const char *path, struct modules *modules, struct err *err)
{
	struct text content = {.ceiling = FILE_BYTES_MAX};
	*modules = (struct modules){0};
	int result = file_read_regular(path, &content, err) != 0
			     ? err_prefix(err, "%s", path)
			     : parse(content.length > 0 ? content.bytes : "", content.length, path, modules, err);
	file_wipe(&content);
	return result;
}
