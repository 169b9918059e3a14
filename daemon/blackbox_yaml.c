#include "daemon/blackbox_yaml.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"

#define FIELDS_MAX 64

/* --- places ------------------------------------------------------------------------------------------------------ */

static void add_path(struct text *out, const struct blackbox_place *place)
{
	if (!place->outer)
		return;
	add_path(out, place->outer);
	if (!place->key)
		text_add_format(out, "[%zu]", place->index);
	else
		text_add_format(out, "%s%s", out->length > 0 ? "." : "", place->key);
}

int blackbox_refuse(const struct blackbox_place *place, const char *format, ...)
{
	struct text path = {.ceiling = ERR_TEXT_SIZE};
	struct err what = {0};
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(what.text, sizeof(what.text), format, arguments);
	va_end(arguments);
	add_path(&path, place);
	err_set(place->reading->err, "line %zu: %s%s%s", yaml_node_line(place->node), text_string(&path),
		path.length > 0 ? ": " : "", what.text);
	text_free(&path);
	return -1;
}

static int count_node(const struct blackbox_place *place)
{
	if (++place->reading->nodes <= BLACKBOX_NODES_MAX)
		return 0;
	return blackbox_refuse(place, "with its aliases, the file has more than %d values", BLACKBOX_NODES_MAX);
}

/* --- mappings ---------------------------------------------------------------------------------------------------- */

struct entry {
	const char *key;
	const struct yaml_node *node;
};

struct entries {
	struct entry *items;
	size_t n, capacity;
};

static bool has_key(const struct entries *entries, const char *key)
{
	for (size_t i = 0; i < entries->n; i++) {
		if (strcmp(entries->items[i].key, key) == 0)
			return true;
	}
	return false;
}

static void add_entry(struct entries *entries, const char *key, const struct yaml_node *node)
{
	if (entries->n == entries->capacity) {
		entries->capacity = entries->capacity ? 2 * entries->capacity : 16;
		entries->items = mem_resize(entries->items, entries->capacity, sizeof(*entries->items));
	}
	entries->items[entries->n++] = (struct entry){key, node};
}

static int collect(const struct blackbox_place *place, bool is_merged, struct entries *entries);

/* The value of "<<": a mapping, or a list of them, of which the first counts most. */
static int collect_merged(const struct blackbox_place *place, struct entries *entries)
{
	if (yaml_node_kind(place->node) == YAML_MAP)
		return collect(place, true, entries);
	if (yaml_node_kind(place->node) != YAML_LIST)
		return blackbox_refuse(place, "must be a mapping, or a list of them");
	for (size_t i = 0, n = yaml_node_count(place->node); i < n; i++) {
		const struct blackbox_place item = {
			.outer = place,
			.index = i,
			.node = yaml_node_item(place->reading->tree, place->node, i),
			.reading = place->reading,
		};
		if (yaml_node_kind(item.node) != YAML_MAP)
			return blackbox_refuse(&item, "must be a mapping");
		if (collect(&item, true, entries) != 0)
			return -1;
	}
	return 0;
}

/* The entries of a mapping, then those that it merges. What is there already goes before what is merged. */
static int collect(const struct blackbox_place *place, bool is_merged, struct entries *entries)
{
	const struct yaml_tree *tree = place->reading->tree;
	struct blackbox_place merged = {.outer = place, .key = "<<", .reading = place->reading};
	for (size_t i = 0, n = yaml_node_count(place->node); i < n; i++) {
		const char *key = yaml_node_text(yaml_node_key(tree, place->node, i));
		const struct yaml_node *value = yaml_node_value(tree, place->node, i);
		if (count_node(place) != 0)
			return -1;
		if (strcmp(key, "<<") == 0)
			merged.node = value;
		else if (!is_merged || !has_key(entries, key))
			add_entry(entries, key, value);
	}
	return merged.node ? collect_merged(&merged, entries) : 0;
}

int blackbox_read_entries(const struct blackbox_place *place,
			  int (*read)(const struct blackbox_place *entry, void *out), void *out)
{
	struct entries entries = {0};
	if (yaml_node_kind(place->node) != YAML_MAP)
		return blackbox_refuse(place, "must be a mapping (\"key: value\" lines)");
	int result = collect(place, false, &entries);
	for (size_t i = 0; i < entries.n && result == 0; i++) {
		const struct blackbox_place entry = {
			.outer = place,
			.key = entries.items[i].key,
			.node = entries.items[i].node,
			.reading = place->reading,
		};
		result = read(&entry, out);
	}
	mem_free(entries.items);
	return result;
}

/* --- fields ------------------------------------------------------------------------------------------------------ */

struct table {
	const struct blackbox_field *fields;
	size_t n;
	void *out;
};

static int refuse_field(const struct blackbox_place *place, const struct table *table)
{
	const char *names[FIELDS_MAX];
	size_t n = table->n < FIELDS_MAX ? table->n : FIELDS_MAX;
	for (size_t i = 0; i < n; i++)
		names[i] = table->fields[i].name;
	const char *nearest = text_nearest(place->key, names, n);
	return blackbox_refuse(place, "unknown field%s%s%s", nearest ? ", did you mean " : "", nearest ? nearest : "",
			       nearest ? "?" : "");
}

static int read_field(const struct blackbox_place *place, void *arg)
{
	const struct table *table = arg;
	for (size_t i = 0; i < table->n; i++) {
		const struct blackbox_field *field = &table->fields[i];
		if (strcmp(field->name, place->key) == 0)
			return yaml_node_is_null(place->node) ? 0 : field->read(place, field, table->out);
	}
	return refuse_field(place, table);
}

int blackbox_read_map(const struct blackbox_place *place, const struct blackbox_field *fields, size_t n, void *out)
{
	struct table table = {fields, n, out};
	return blackbox_read_entries(place, read_field, &table);
}

int blackbox_read_items(const struct blackbox_place *place, int (*read)(const struct blackbox_place *item, void *out),
			void *out)
{
	if (yaml_node_kind(place->node) != YAML_LIST)
		return blackbox_refuse(place, "must be a list");
	for (size_t i = 0, n = yaml_node_count(place->node); i < n; i++) {
		const struct blackbox_place item = {
			.outer = place,
			.index = i,
			.node = yaml_node_item(place->reading->tree, place->node, i),
			.reading = place->reading,
		};
		if (count_node(&item) != 0 || read(&item, out) != 0)
			return -1;
	}
	return 0;
}

/* --- scalars ----------------------------------------------------------------------------------------------------- */

const char *blackbox_text(const struct blackbox_place *place)
{
	if (yaml_node_is_null(place->node))
		return "";
	const char *text = yaml_node_text(place->node);
	if (!text)
		blackbox_refuse(place, "must be a text");
	return text;
}

static bool is_among(const char *text, const char *const *words)
{
	for (; *words; words++) {
		if (strcmp(text, *words) == 0)
			return true;
	}
	return false;
}

/* As Go's decoder: those of YAML 1.1 also in quotes. */
int blackbox_boolean(const struct blackbox_place *place, bool *value)
{
	static const char *const plain_words[2][4] = {{"false", "False", "FALSE", NULL},
						      {"true", "True", "TRUE", NULL}};
	static const char *const words[2][9] = {{"n", "N", "no", "No", "NO", "off", "Off", "OFF", NULL},
						{"y", "Y", "yes", "Yes", "YES", "on", "On", "ON", NULL}};
	const char *text = yaml_node_text(place->node);
	for (int i = 0; text && i < 2; i++) {
		if (is_among(text, words[i]) || (yaml_node_is_plain(place->node) && is_among(text, plain_words[i]))) {
			*value = i == 1;
			return 0;
		}
	}
	return blackbox_refuse(place, "must be true or false");
}

/* 200, 0xc8 and 200.0 are the same to Go, but not what is in quotes. */
int blackbox_integer(const struct blackbox_place *place, int64_t *value)
{
	const char *text = yaml_node_is_plain(place->node) ? yaml_node_text(place->node) : NULL;
	char *end = NULL;
	double number = 0.5;
	if (text && strspn(text, "+-.0123456789abcdefxABCDEFX") == strlen(text))
		number = strtod(text, &end);
	if (!end || end == text || *end != '\0' || !(fabs(number) < 0x1p53) || trunc(number) != number)
		return blackbox_refuse(place, "must be an integer");
	*value = (int64_t)number;
	return 0;
}
