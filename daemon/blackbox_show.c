#include "daemon/blackbox_show.h"

#include <string.h>
#include <strings.h>

/* Whose value is to be hidden. Of those with is_deep, so is everything inside. */
static const struct secret {
	const char *key;
	bool is_deep;
} secrets[] = {
	{"password", false},
	{"bearer_token", false},
	{"credentials", false},
	{"client_secret", false},
	{"client_certificate_key", false},
	{"key", false},
	{"secrets", true},
	{"proxy_connect_header", true},
	{"metadata", true},
	{"endpoint_params", true},
	{"claims", true},
};

/* Headers that are given as a name and a value. */
static const char *const secret_headers[] = {"Authorization", "Proxy-Authorization", "Cookie",
					     "X-Api-Key",     "X-Auth-Token",        "PRIVATE-TOKEN"};

struct show {
	const struct yaml_tree *tree;
	struct text *out;
};

static void show_node(const struct show *show, const struct yaml_node *node, unsigned depth, bool is_hidden);

static void add_indent(struct text *out, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		text_add(out, "  ");
}

/* --- scalars ----------------------------------------------------------------------------------------------------- */

/* Nothing in it has a meaning of its own anywhere in YAML. */
static bool is_harmless(const char *text, size_t n)
{
	static const char others[] = "_./+-";
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		      (c != '\0' && strchr(others, c) && i > 0) || (c == '/' && i == 0)))
			return false;
	}
	return n > 0;
}

static void add_quoted(struct text *out, const char *text, size_t n)
{
	text_add_char(out, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '"' || c == '\\')
			text_add_format(out, "\\%c", c);
		else if (c == '\n')
			text_add(out, "\\n");
		else if (c < ' ' || c == 0x7F)
			text_add_format(out, "\\x%02x", c);
		else
			text_add_char(out, (char)c);
	}
	text_add_char(out, '"');
}

static void add_scalar(struct text *out, const struct yaml_node *node)
{
	size_t n;
	const char *text = yaml_node_bytes(node, &n);
	if (yaml_node_is_binary(node))
		text_add(out, "!!binary ");
	if (yaml_node_is_null(node))
		text_add(out, "null");
	else if (yaml_node_is_plain(node) && is_harmless(text, n))
		text_add_bytes(out, text, n);
	else
		add_quoted(out, text, n);
}

/* The password in "http://user:password@proxy". Returns whether there is one. */
static bool add_url_without_password(struct text *out, const char *url)
{
	const char *slashes = strstr(url, "://");
	const char *user = slashes ? slashes + 3 : url;
	size_t length = strcspn(user, "/?#");
	const char *at = memrchr(user, '@', length);
	const char *colon = at ? memchr(user, ':', (size_t)(at - user)) : NULL;
	if (!colon)
		return false;
	text_add_char(out, '"');
	text_add_bytes(out, url, (size_t)(colon + 1 - url));
	text_add(out, "<secret>");
	text_add(out, at);
	text_add_char(out, '"');
	return true;
}

/* --- mappings and lists ------------------------------------------------------------------------------------------ */

static bool is_secret(const char *key, const struct yaml_node *value)
{
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		if (strcmp(key, secrets[i].key) == 0 && (secrets[i].is_deep || yaml_node_kind(value) == YAML_SCALAR))
			return true;
	}
	for (size_t i = 0; i < sizeof(secret_headers) / sizeof(secret_headers[0]); i++) {
		if (strcasecmp(key, secret_headers[i]) == 0)
			return true;
	}
	return false;
}

static bool has_key(const struct show *show, const struct yaml_node *map, const char *key)
{
	for (size_t i = 0, n = yaml_node_count(map); i < n; i++) {
		if (strcmp(yaml_node_text(yaml_node_key(show->tree, map, i)), key) == 0)
			return true;
	}
	return false;
}

static void show_entry(const struct show *show, const char *key, const struct yaml_node *value, unsigned depth,
		       bool is_hidden)
{
	add_indent(show->out, depth);
	if (is_harmless(key, strlen(key)))
		text_add(show->out, key);
	else
		add_quoted(show->out, key, strlen(key));
	text_add_char(show->out, ':');
	is_hidden = is_hidden || is_secret(key, value);
	const char *text = yaml_node_text(value);
	if (!is_hidden && text && strcmp(key, "proxy_url") == 0) {
		size_t length = show->out->length;
		text_add_char(show->out, ' ');
		if (add_url_without_password(show->out, text)) {
			text_add_char(show->out, '\n');
			return;
		}
		show->out->length = length;
	}
	show_node(show, value, depth + 1, is_hidden);
}

/* except: the mapping whose own entries go before those that it merges; or NULL. */
static void show_entries(const struct show *show, const struct yaml_node *map, const struct yaml_node *except,
			 unsigned depth, bool is_hidden)
{
	for (size_t i = 0, n = yaml_node_count(map); i < n && !show->out->overflowed; i++) {
		const char *key = yaml_node_text(yaml_node_key(show->tree, map, i));
		const struct yaml_node *value = yaml_node_value(show->tree, map, i);
		if (strcmp(key, "<<") != 0) {
			if (!except || !has_key(show, except, key))
				show_entry(show, key, value, depth, is_hidden);
			continue;
		}
		const struct yaml_node *own = except ? except : map;
		if (yaml_node_kind(value) == YAML_MAP)
			show_entries(show, value, own, depth, is_hidden);
		for (size_t j = 0, m = yaml_node_count(value); yaml_node_kind(value) == YAML_LIST && j < m; j++)
			show_entries(show, yaml_node_item(show->tree, value, j), own, depth, is_hidden);
	}
}

static void show_items(const struct show *show, const struct yaml_node *list, unsigned depth, bool is_hidden)
{
	for (size_t i = 0, n = yaml_node_count(list); i < n && !show->out->overflowed; i++) {
		add_indent(show->out, depth);
		text_add_char(show->out, '-');
		show_node(show, yaml_node_item(show->tree, list, i), depth + 1, is_hidden);
	}
}

/* What comes after "key:" or "-". */
static void show_node(const struct show *show, const struct yaml_node *node, unsigned depth, bool is_hidden)
{
	enum yaml_kind kind = yaml_node_kind(node);
	if (kind == YAML_SCALAR || yaml_node_count(node) == 0) {
		text_add_char(show->out, ' ');
		if (kind != YAML_SCALAR)
			text_add(show->out, kind == YAML_LIST ? "[]" : "{}");
		else if (is_hidden && !yaml_node_is_null(node))
			text_add(show->out, "<secret>");
		else
			add_scalar(show->out, node);
		text_add_char(show->out, '\n');
		return;
	}
	text_add_char(show->out, '\n');
	if (kind == YAML_MAP)
		show_entries(show, node, NULL, depth, is_hidden);
	else
		show_items(show, node, depth, is_hidden);
}

void blackbox_show(const struct yaml_tree *tree, const struct yaml_node *module, struct text *out)
{
	const struct show show = {tree, out};
	if (yaml_node_kind(module) == YAML_MAP)
		show_entries(&show, module, NULL, 0, false);
}
