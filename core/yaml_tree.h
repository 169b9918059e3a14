/*
 * A YAML document as a tree, on libyaml, with lines for messages. Aliases are followed, so that one node may stand in
 * several places; a document that contains itself, more than one document, and a key that comes twice in a mapping are
 * refused. Pure.
 */
#ifndef NETSONDE_CORE_YAML_TREE_H
#define NETSONDE_CORE_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

struct yaml_tree;

/* Borrowed from the tree. */
struct yaml_node;

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

#define YAML_DEPTH_MAX   64
#define YAML_ENTRIES_MAX 1024 /* of one mapping */

/* bytes: UTF-8, borrowed for the call. NULL with err: "line 3: did not find expected key". An empty document has an
 * empty scalar as its root. */
struct yaml_tree *yaml_tree_parse(const char *bytes, size_t n, struct err *err);
/* The same, of the first document: what follows it is not looked at. */
struct yaml_tree *yaml_tree_parse_first(const char *bytes, size_t n, struct err *err);
void yaml_tree_free(struct yaml_tree *tree);

const struct yaml_node *yaml_tree_root(const struct yaml_tree *tree);

enum yaml_kind yaml_node_kind(const struct yaml_node *node);
/* From 1. */
size_t yaml_node_line(const struct yaml_node *node);

/* The text of a scalar, NUL-terminated; NULL if the node is none, or its text has a NUL inside. */
const char *yaml_node_text(const struct yaml_node *node);
/* The same with what is inside; not NUL-terminated to be relied on. NULL if the node is no scalar. */
const char *yaml_node_bytes(const struct yaml_node *node, size_t *n);
/* A scalar without quotes, so that it may be more than a text. */
bool yaml_node_is_plain(const struct yaml_node *node);
/* Tagged !!binary: the text is base64. */
bool yaml_node_is_binary(const struct yaml_node *node);
/* null, ~ or nothing at all, without quotes (YAML 1.1). */
bool yaml_node_is_null(const struct yaml_node *node);
/* true, yes, on or false, no, off, without quotes (YAML 1.1). Returns false if it is neither. */
bool yaml_node_boolean(const struct yaml_node *node, bool *value);

/* Items of a list, entries of a mapping; 0 for a scalar. */
size_t yaml_node_count(const struct yaml_node *node);
const struct yaml_node *yaml_node_item(const struct yaml_tree *tree, const struct yaml_node *node, size_t i);
const struct yaml_node *yaml_node_key(const struct yaml_tree *tree, const struct yaml_node *node, size_t i);
const struct yaml_node *yaml_node_value(const struct yaml_tree *tree, const struct yaml_node *node, size_t i);

#endif
