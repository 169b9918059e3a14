#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "core/yaml_tree.h"

static struct yaml_tree *parse(const char *text)
{
	struct err err = {0};
	struct yaml_tree *tree = yaml_tree_parse(text, strlen(text), &err);
	cr_assert(tree, "%s: %s", text, err.text);
	return tree;
}

Test(yaml_tree, nodes)
{
	struct yaml_tree *tree = parse("a: 1\nb:\n  - x\n  - 'y'\nc: { d: ~, e: \"~\" }\n");
	const struct yaml_node *root = yaml_tree_root(tree);
	cr_expect_eq(yaml_node_kind(root), YAML_MAP);
	cr_assert_eq(yaml_node_count(root), 3);
	cr_expect_str_eq(yaml_node_text(yaml_node_key(tree, root, 0)), "a");
	cr_expect_str_eq(yaml_node_text(yaml_node_value(tree, root, 0)), "1");
	cr_expect_eq(yaml_node_count(yaml_node_value(tree, root, 0)), 0);
	const struct yaml_node *list = yaml_node_value(tree, root, 1);
	cr_expect_eq(yaml_node_kind(list), YAML_LIST);
	cr_expect_null(yaml_node_text(list));
	cr_assert_eq(yaml_node_count(list), 2);
	cr_expect_str_eq(yaml_node_text(yaml_node_item(tree, list, 1)), "y");
	cr_expect_eq(yaml_node_line(yaml_node_item(tree, list, 1)), 4);
	const struct yaml_node *map = yaml_node_value(tree, root, 2);
	cr_expect(yaml_node_is_null(yaml_node_value(tree, map, 0)));
	cr_expect_not(yaml_node_is_null(yaml_node_value(tree, map, 1)));
	yaml_tree_free(tree);
	yaml_tree_free(NULL);
}

Test(yaml_tree, booleans)
{
	static const struct {
		const char *text;
		int value; /* -1: it is none */
	} table[] = {{"true", 1}, {"True", 1}, {"yes", 1},     {"on", 1},   {"false", 0}, {"NO", 0},
		     {"off", 0},  {"1", -1},   {"'true'", -1}, {"[ ]", -1}, {"", -1}};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct yaml_tree *tree = parse(table[i].text);
		bool value = false, is_one = yaml_node_boolean(yaml_tree_root(tree), &value);
		cr_expect_eq(is_one, table[i].value >= 0, "%s", table[i].text);
		if (is_one)
			cr_expect_eq(value, table[i].value == 1, "%s", table[i].text);
		yaml_tree_free(tree);
	}
}

Test(yaml_tree, nothing)
{
	static const char *const texts[] = {"", "\n", "# only a comment\n", "---\n", "---\n...\n", "~", "null"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct yaml_tree *tree = parse(texts[i]);
		cr_expect(yaml_node_is_null(yaml_tree_root(tree)), "%s", texts[i]);
		yaml_tree_free(tree);
	}
}

Test(yaml_tree, aliases_are_followed)
{
	struct yaml_tree *tree = parse("a: &x [ 1, 2 ]\nb: *x\n");
	const struct yaml_node *root = yaml_tree_root(tree);
	cr_expect_eq(yaml_node_value(tree, root, 0), yaml_node_value(tree, root, 1));
	yaml_tree_free(tree);
}

Test(yaml_tree, refused)
{
	static const struct {
		const char *text, *why;
	} table[] = {
		{"a: 1\nb: [ 1\n", "line 3: did not find expected ',' or ']'"},
		{"a: 1\na: 2\n", "line 2: a is there twice"},
		{"x:\n  k: { a: 1, \"a\": 2 }\n", "line 2: a is there twice"},
		{"? [ 1 ]\n: 2\n", "line 1: a key must be a word"},
		{"\"a\\0b\": 1\n", "line 1: a key must be a word"},
		{"a: 1\n---\nb: 1\n", "line 3: a second document"},
		{"a: 1\n---\n[\n", "line 4: did not find expected node content"},
		{"a: *nowhere\n", "line 1: found undefined alias"},
		{"&a [ *a ]\n", "line 1: nested deeper than 64, or in itself"},
		{"&a { k: { l: *a } }\n", "line 1: nested deeper than 64, or in itself"},
		{"a: \xff\n", "byte 3: invalid leading UTF-8 octet"},
		{"\tx: 1\n", "line 1: found character that cannot start any token"},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct err err = {0};
		cr_expect_null(yaml_tree_parse(table[i].text, strlen(table[i].text), &err), "%s", table[i].text);
		cr_expect_str_eq(err.text, table[i].why, "%s: %s", table[i].text, err.text);
	}
}

Test(yaml_tree, ceilings)
{
	struct text text = {0};
	struct err err = {0};
	for (unsigned i = 0; i <= YAML_ENTRIES_MAX; i++)
		text_add_format(&text, "k%u: 1\n", i);
	cr_expect_null(yaml_tree_parse(text.bytes, text.length, &err));
	cr_expect_str_eq(err.text, "line 1: more than 1024 entries");
	text_clear(&text);
	for (unsigned i = 0; i < YAML_DEPTH_MAX + 1; i++)
		text_add_char(&text, '[');
	for (unsigned i = 0; i < YAML_DEPTH_MAX + 1; i++)
		text_add_char(&text, ']');
	cr_expect_null(yaml_tree_parse(text.bytes + 1, text.length - 1, &err));
	struct yaml_tree *tree = yaml_tree_parse(text.bytes + 1, text.length - 2, &err);
	cr_expect(tree, "%s", err.text);
	yaml_tree_free(tree);
	/* The billion laughs: gone through once. */
	text_clear(&text);
	text_add(&text, "- &a0 [ x ]\n");
	for (unsigned i = 1; i < 30; i++)
		text_add_format(&text, "- &a%u [ *a%u, *a%u, *a%u, *a%u ]\n", i, i - 1, i - 1, i - 1, i - 1);
	tree = yaml_tree_parse(text.bytes, text.length, &err);
	cr_expect(tree, "%s", err.text);
	yaml_tree_free(tree);
	text_free(&text);
}
