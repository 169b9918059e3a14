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
	struct text *out;
	unsigned depth;
	bool is_hidden;
};

static int show_node(const struct blackbox_place *place, const struct show *show);

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
	text_add(out, " \"");
	text_add_bytes(out, url, (size_t)(colon + 1 - url));
	text_add(out, "<secret>");
	text_add(out, at);
	text_add(out, "\"\n");
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

static int show_entry(const struct blackbox_place *place, void *arg)
{
	struct show inside = *(const struct show *)arg;
	const char *text = yaml_node_text(place->node);
	add_indent(inside.out, inside.depth);
	if (is_harmless(place->key, strlen(place->key)))
		text_add(inside.out, place->key);
	else
		add_quoted(inside.out, place->key, strlen(place->key));
	text_add_char(inside.out, ':');
	inside.depth++;
	inside.is_hidden = inside.is_hidden || is_secret(place->key, place->node);
	if (!inside.is_hidden && text && strcmp(place->key, "proxy_url") == 0 &&
	    add_url_without_password(inside.out, text))
		return 0;
	return show_node(place, &inside);
}

static int show_item(const struct blackbox_place *place, void *arg)
{
	struct show inside = *(const struct show *)arg;
	add_indent(inside.out, inside.depth);
	text_add_char(inside.out, '-');
	inside.depth++;
	return show_node(place, &inside);
}

static void show_scalar(const struct yaml_node *node, const struct show *show)
{
	text_add_char(show->out, ' ');
	if (show->is_hidden && !yaml_node_is_null(node))
		text_add(show->out, "<secret>");
	else
		add_scalar(show->out, node);
	text_add_char(show->out, '\n');
}

/* What comes after "key:" or "-". */
static int show_node(const struct blackbox_place *place, const struct show *show)
{
	struct show copy = *show;
	enum yaml_kind kind = yaml_node_kind(place->node);
	if (kind == YAML_SCALAR) {
		show_scalar(place->node, show);
		return 0;
	}
	if (yaml_node_count(place->node) == 0) {
		text_add(show->out, kind == YAML_LIST ? " []\n" : " {}\n");
		return 0;
	}
	text_add_char(show->out, '\n');
	return kind == YAML_MAP ? blackbox_read_entries(place, show_entry, &copy)
				: blackbox_read_items(place, show_item, &copy);
}

int blackbox_show(const struct blackbox_place *place, struct text *out)
{
	struct show show = {.out = out};
	if (yaml_node_kind(place->node) != YAML_MAP)
		return 0;
	return blackbox_read_entries(place, show_entry, &show);
}
