#include "core/yaml_tree.h"

#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "core/mem.h"

struct yaml_tree {
	yaml_document_t *document; /* libyaml's functions that only look want one that may be changed */
};

/* A yaml_node is a yaml_node_t: libyaml's nodes are handed out under a name that needs no header of it. */
static const yaml_node_t *raw(const struct yaml_node *node)
{
	return (const yaml_node_t *)(const void *)node;
}

static const struct yaml_node *find(const struct yaml_tree *tree, int number)
{
	return (const struct yaml_node *)(const void *)yaml_document_get_node(tree->document, number);
}

/* --- nodes ------------------------------------------------------------------------------------------------------- */

enum yaml_kind yaml_node_kind(const struct yaml_node *node)
{
	if (raw(node)->type == YAML_SEQUENCE_NODE)
		return YAML_LIST;
	return raw(node)->type == YAML_MAPPING_NODE ? YAML_MAP : YAML_SCALAR;
}

size_t yaml_node_line(const struct yaml_node *node)
{
	return raw(node)->start_mark.line + 1;
}

const char *yaml_node_text(const struct yaml_node *node)
{
	if (raw(node)->type != YAML_SCALAR_NODE)
		return NULL;
	const char *text = (const char *)raw(node)->data.scalar.value;
	return strlen(text) == raw(node)->data.scalar.length ? text : NULL;
}

const char *yaml_node_bytes(const struct yaml_node *node, size_t *n)
{
	if (raw(node)->type != YAML_SCALAR_NODE)
		return NULL;
	*n = raw(node)->data.scalar.length;
	return (const char *)raw(node)->data.scalar.value;
}

bool yaml_node_is_plain(const struct yaml_node *node)
{
	return raw(node)->type == YAML_SCALAR_NODE && raw(node)->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

bool yaml_node_is_binary(const struct yaml_node *node)
{
	const char *tag = (const char *)raw(node)->tag;
	return tag && strcmp(tag, "tag:yaml.org,2002:binary") == 0;
}

/* Only what stands without quotes can be anything but text. */
static const char *plain_text(const struct yaml_node *node)
{
	return yaml_node_is_plain(node) ? yaml_node_text(node) : NULL;
}

bool yaml_node_is_null(const struct yaml_node *node)
{
	const char *text = plain_text(node);
	return text && (text[0] == '\0' || strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0);
}

bool yaml_node_boolean(const struct yaml_node *node, bool *value)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
	const char *text = plain_text(node);
	for (size_t i = 0; text && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*value = i % 2 == 1;
			return true;
		}
	}
	return false;
}

size_t yaml_node_count(const struct yaml_node *node)
{
	if (raw(node)->type == YAML_SEQUENCE_NODE)
		return (size_t)(raw(node)->data.sequence.items.top - raw(node)->data.sequence.items.start);
	if (raw(node)->type == YAML_MAPPING_NODE)
		return (size_t)(raw(node)->data.mapping.pairs.top - raw(node)->data.mapping.pairs.start);
	return 0;
}

const struct yaml_node *yaml_node_item(const struct yaml_tree *tree, const struct yaml_node *node, size_t i)
{
	return find(tree, raw(node)->data.sequence.items.start[i]);
}

const struct yaml_node *yaml_node_key(const struct yaml_tree *tree, const struct yaml_node *node, size_t i)
{
	return find(tree, raw(node)->data.mapping.pairs.start[i].key);
}

const struct yaml_node *yaml_node_value(const struct yaml_tree *tree, const struct yaml_node *node, size_t i)
{
	return find(tree, raw(node)->data.mapping.pairs.start[i].value);
}

/* --- checks ------------------------------------------------------------------------------------------------------ */

/* Aliases make the tree a graph in which the same node is met again and again: each is gone through once, and what
 * counts is the longest way down to it. */
struct check {
	const struct yaml_tree *tree;
	unsigned char *depths; /* by number of node, from 1: 1 + the depth it was gone through at; 0 = not yet */
	struct err *err;
};

static int check_node(const struct check *check, int number, unsigned depth);

static int check_key(const struct check *check, const struct yaml_node *map, size_t i)
{
	const struct yaml_node *key = yaml_node_key(check->tree, map, i);
	const char *text = yaml_node_text(key);
	if (!text)
		return err_set(check->err, "line %zu: a key must be a word", yaml_node_line(key));
	for (size_t j = 0; j < i; j++) {
		const char *other = yaml_node_text(yaml_node_key(check->tree, map, j));
		if (other && strcmp(text, other) == 0)
			return err_set(check->err, "line %zu: %s is there twice", yaml_node_line(key), text);
	}
	return 0;
}

static int check_keys(const struct check *check, const struct yaml_node *map)
{
	size_t n = yaml_node_count(map);
	if (n > YAML_ENTRIES_MAX)
		return err_set(check->err, "line %zu: more than %d entries", yaml_node_line(map), YAML_ENTRIES_MAX);
	for (size_t i = 0; i < n; i++) {
		if (check_key(check, map, i) != 0)
			return -1;
	}
	return 0;
}

static int check_values(const struct check *check, const struct yaml_node *map, unsigned depth)
{
	for (size_t i = 0, n = yaml_node_count(map); i < n; i++) {
		if (check_node(check, raw(map)->data.mapping.pairs.start[i].value, depth + 1) != 0)
			return -1;
	}
	return 0;
}

static int check_node(const struct check *check, int number, unsigned depth)
{
	const struct yaml_node *node = find(check->tree, number);
	if (depth > YAML_DEPTH_MAX)
		return err_set(check->err, "line %zu: nested deeper than %d, or in itself", yaml_node_line(node),
			       YAML_DEPTH_MAX);
	if (check->depths[number] > depth)
		return 0;
	bool is_first = check->depths[number] == 0;
	check->depths[number] = (unsigned char)(depth + 1);
	if (yaml_node_kind(node) == YAML_MAP)
		return is_first && check_keys(check, node) != 0 ? -1 : check_values(check, node, depth);
	for (size_t i = 0, n = yaml_node_count(node); i < n; i++) {
		if (check_node(check, raw(node)->data.sequence.items.start[i], depth + 1) != 0)
			return -1;
	}
	return 0;
}

static int check_tree(const struct yaml_tree *tree, struct err *err)
{
	size_t n = (size_t)(tree->document->nodes.top - tree->document->nodes.start);
	struct check check = {tree, mem_zero(n + 1, 1), err};
	int result = check_node(&check, 1, 0);
	mem_free(check.depths);
	return result;
}

/* --- parsing ----------------------------------------------------------------------------------------------------- */

static int refuse(const yaml_parser_t *parser, struct err *err)
{
	size_t line = parser->problem_mark.line > 0 ? parser->problem_mark.line : parser->context_mark.line;
	const char *problem = parser->problem ? parser->problem : "not YAML";
	if (parser->error == YAML_READER_ERROR)
		return err_set(err, "byte %zu: %s", parser->problem_offset, problem);
	return err_set(err, "line %zu: %s", line + 1, problem);
}

/* libyaml gives an empty file no root. */
static int add_root(yaml_document_t *document)
{
	static const yaml_char_t empty[] = "";
	return yaml_document_add_scalar(document, NULL, empty, 0, YAML_PLAIN_SCALAR_STYLE) != 0 ? 0 : -1;
}

/* There must be no more than one document. */
static int check_end(yaml_parser_t *parser, struct err *err)
{
	yaml_document_t next;
	if (!yaml_parser_load(parser, &next))
		return refuse(parser, err);
	const yaml_node_t *root = yaml_document_get_root_node(&next);
	int result = root ? err_set(err, "line %zu: a second document", root->start_mark.line + 1) : 0;
	yaml_document_delete(&next);
	return result;
}

static int load(yaml_parser_t *parser, yaml_document_t *document, bool is_only, struct err *err)
{
	if (!yaml_parser_load(parser, document))
		return refuse(parser, err);
	if (!yaml_document_get_root_node(document))
		return add_root(document);
	return is_only ? check_end(parser, err) : 0;
}

static struct yaml_tree *parse(const char *bytes, size_t n, bool is_only, struct err *err)
{
	struct yaml_tree *tree = mem_zero(1, sizeof(*tree));
	yaml_parser_t parser;
	tree->document = mem_zero(1, sizeof(*tree->document));
	if (!yaml_parser_initialize(&parser)) {
		err_set(err, "no memory");
		goto failed;
	}
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, n);
	int result = load(&parser, tree->document, is_only, err);
	yaml_parser_delete(&parser);
	if (result == 0 && check_tree(tree, err) == 0)
		return tree;
failed:
	yaml_tree_free(tree);
	return NULL;
}

struct yaml_tree *yaml_tree_parse(const char *bytes, size_t n, struct err *err)
{
	return parse(bytes, n, true, err);
}

struct yaml_tree *yaml_tree_parse_first(const char *bytes, size_t n, struct err *err)
{
	return parse(bytes, n, false, err);
}

void yaml_tree_free(struct yaml_tree *tree)
{
	if (!tree)
		return;
	yaml_document_delete(tree->document);
	mem_free(tree->document);
	mem_free(tree);
}

const struct yaml_node *yaml_tree_root(const struct yaml_tree *tree)
{
	return find(tree, 1);
}
