#include "exporter/web_config.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/quantity.h"
#include "core/text.h"
#include "core/yaml_tree.h"

/* A check of cost 17 takes some 10 s; each step more doubles it. */
#define COST_MIN        4
#define COST_MAX        17
#define HASH_LENGTH     60 /* $2y$10$ and 53 characters */
#define USERS_MAX       1000
#define BURST_MAX       1000000
#define INTERVAL_MAX_NS (86400 * NS_PER_SECOND)

/* What is being read: the value of one key. */
struct place {
	const struct yaml_tree *tree;
	const char *section; /* "tls_server_config." */
	const char *key;
	const struct yaml_node *node;
	struct err *err;
};

/* The values of one mapping, by name. */
struct entry {
	const char *name;
	int (*read)(const struct place *place, void *out);
	size_t offset; /* into the struct that is filled */
};

static int refuse(const struct place *place, const char *why)
{
	return err_set(place->err, "line %zu: %s%s: %s", yaml_node_line(place->node), place->section, place->key, why);
}

/* --- kinds of values --------------------------------------------------------------------------------------------- */

static int read_text(const struct place *place, void *out)
{
	const char *text = yaml_node_text(place->node);
	if (!text)
		return refuse(place, "must be a text");
	/* An empty text is as good as none. */
	mem_free(*(char **)out);
	*(char **)out = text[0] != '\0' ? mem_copy_string(text) : NULL;
	return 0;
}

static int read_boolean(const struct place *place, void *out)
{
	return yaml_node_boolean(place->node, out) ? 0 : refuse(place, "must be true or false");
}

/* For what is permitted and has no meaning here. */
static int read_any_boolean(const struct place *place, void *out)
{
	bool ignored;
	(void)out;
	return read_boolean(place, &ignored);
}

static int read_words(const struct place *place, void *out)
{
	struct web_words *words = out;
	size_t n = yaml_node_count(place->node);
	if (yaml_node_kind(place->node) != YAML_LIST)
		return refuse(place, "must be a list");
	words->items = mem_zero(n, sizeof(*words->items));
	for (size_t i = 0; i < n; i++) {
		const char *text = yaml_node_text(yaml_node_item(place->tree, place->node, i));
		if (!text || text[0] == '\0')
			return refuse(place, "must be a list of texts");
		words->items[words->n++] = mem_copy_string(text);
	}
	return 0;
}

/* A list that names nobody would have to keep everybody out; it is more likely a mistake than a wish. */
static int read_sans(const struct place *place, void *out)
{
	if (yaml_node_kind(place->node) == YAML_LIST && yaml_node_count(place->node) == 0)
		return refuse(place, "must name at least one");
	return read_words(place, out);
}

static int read_version(const struct place *place, void *out)
{
	static const char *const names[] = {"TLS10", "TLS11", "TLS12", "TLS13"};
	const char *text = yaml_node_text(place->node);
	for (int i = 0; text && i < 4; i++) {
		if (strcmp(text, names[i]) == 0) {
			*(int *)out = 10 + i;
			return 0;
		}
	}
	return refuse(place, "must be TLS10, TLS11, TLS12 or TLS13");
}

static int read_client_auth(const struct place *place, void *out)
{
	static const struct {
		const char *name;
		enum web_client_auth value;
	} words[] = {
		{"", WEB_CLIENT_NONE},
		{"NoClientCert", WEB_CLIENT_NONE},
		{"RequestClientCert", WEB_CLIENT_REQUEST},
		{"RequireAnyClientCert", WEB_CLIENT_REQUIRE_ANY},
		{"RequireClientCert", WEB_CLIENT_REQUIRE_ANY}, /* its old name */
		{"VerifyClientCertIfGiven", WEB_CLIENT_VERIFY_IF_GIVEN},
		{"RequireAndVerifyClientCert", WEB_CLIENT_REQUIRE},
	};
	const char *text = yaml_node_text(place->node);
	for (size_t i = 0; text && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i].name) == 0) {
			*(enum web_client_auth *)out = words[i].value;
			return 0;
		}
	}
	return refuse(place, "must be NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven "
			     "or RequireAndVerifyClientCert");
}

static int read_interval(const struct place *place, void *out)
{
	const char *text = yaml_node_text(place->node);
	int64_t interval_ns;
	if (!text || !quantity_parse_duration(text, &interval_ns) || interval_ns < 0 || interval_ns > INTERVAL_MAX_NS)
		return refuse(place, "must be a duration such as 100ms, 1s or 1m30s, of at most a day");
	*(int64_t *)out = interval_ns;
	return 0;
}

static int read_burst(const struct place *place, void *out)
{
	const char *text = yaml_node_text(place->node);
	char *end = NULL;
	long number = text && strspn(text, "0123456789") == strlen(text) ? strtol(text, &end, 10) : -1;
	if (!end || end == text || number < 0 || number > BURST_MAX)
		return refuse(place, "must be an integer between 0 and 1000000");
	*(int64_t *)out = number;
	return 0;
}

/* --- mappings ---------------------------------------------------------------------------------------------------- */

static int refuse_key(const struct place *place, const struct entry *entries, size_t n)
{
	const char *names[32];
	for (size_t i = 0; i < n; i++)
		names[i] = entries[i].name;
	const char *nearest = text_nearest(place->key, names, n);
	return err_set(place->err, "line %zu: %s%s: unknown key%s%s%s", yaml_node_line(place->node), place->section,
		       place->key, nearest ? ", did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

static int read_entry(const struct place *place, const struct entry *entries, size_t n, void *out)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(entries[i].name, place->key) != 0)
			continue;
		if (yaml_node_is_null(place->node))
			return 0;
		return entries[i].read(place, (char *)out + entries[i].offset);
	}
	return refuse_key(place, entries, n);
}

/* outer: where the mapping stands; section: what to put before the keys. */
static int read_map(const struct place *outer, const char *section, const struct entry *entries, size_t n, void *out)
{
	if (yaml_node_kind(outer->node) != YAML_MAP)
		return refuse(outer, "must be a mapping (\"key: value\" lines)");
	for (size_t i = 0, count = yaml_node_count(outer->node); i < count; i++) {
		struct place place = {outer->tree, section, yaml_node_text(yaml_node_key(outer->tree, outer->node, i)),
				      yaml_node_value(outer->tree, outer->node, i), outer->err};
		if (read_entry(&place, entries, n, out) != 0)
			return -1;
	}
	return 0;
}

/* --- sections ---------------------------------------------------------------------------------------------------- */

#define AT(member) offsetof(struct web_tls, member)
static const struct entry tls_entries[] = {
	{"cert_file", read_text, AT(certificate.file)},
	{"cert", read_text, AT(certificate.text)},
	{"key_file", read_text, AT(key.file)},
	{"key", read_text, AT(key.text)},
	{"client_ca_file", read_text, AT(client_ca.file)},
	{"client_ca", read_text, AT(client_ca.text)},
	{"client_auth_type", read_client_auth, AT(client_auth)},
	{"client_allowed_sans", read_sans, AT(client_sans)},
	{"min_version", read_version, AT(minimum)},
	{"max_version", read_version, AT(maximum)},
	{"cipher_suites", read_words, AT(ciphers)},
	{"curve_preferences", read_words, AT(curves)},
	{"prefer_server_cipher_suites", read_boolean, AT(prefers_server_ciphers)},
};
#undef AT

static bool is_given(const struct web_material *material)
{
	return material->file || material->text;
}

/* What is wrong between the keys of tls_server_config, or NULL. */
static const char *find_contradiction(const struct web_tls *tls)
{
	bool is_certain = tls->client_auth == WEB_CLIENT_REQUIRE_ANY || tls->client_auth == WEB_CLIENT_REQUIRE;
	if (!is_given(&tls->certificate))
		return "needs cert_file or cert";
	if (!is_given(&tls->key))
		return "needs key_file or key";
	if (is_given(&tls->client_ca) && tls->client_auth == WEB_CLIENT_NONE)
		return "client_ca_file needs a client_auth_type, such as RequireAndVerifyClientCert";
	if (tls->client_sans.n > 0 && !is_certain)
		return "client_allowed_sans needs client_auth_type RequireAndVerifyClientCert or RequireAnyClientCert";
	if (tls->minimum > tls->maximum)
		return "min_version is above max_version";
	return NULL;
}

static int read_tls(const struct place *place, void *out)
{
	struct web_tls *tls = out;
	if (read_map(place, "tls_server_config.", tls_entries, sizeof(tls_entries) / sizeof(tls_entries[0]), tls) != 0)
		return -1;
	tls->is_wanted = is_given(&tls->certificate) || is_given(&tls->key) || is_given(&tls->client_ca) ||
			 tls->client_auth != WEB_CLIENT_NONE;
	const char *wrong = tls->is_wanted ? find_contradiction(tls) : NULL;
	return wrong ? refuse(place, wrong) : 0;
}

static bool is_visible(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	}
	return true;
}

/* The fields that may be given, and the values where only these will do. */
static const struct header {
	const char *name;
	const char *values[2];
} headers[] = {
	{"Content-Security-Policy", {NULL}},
	{"Strict-Transport-Security", {NULL}},
	{"X-Content-Type-Options", {"nosniff"}},
	{"X-Frame-Options", {"deny", "sameorigin"}},
	{"X-XSS-Protection", {NULL}},
};

static const char *check_header(const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		const struct header *header = &headers[i];
		if (strcmp(name, header->name) != 0)
			continue;
		if (!header->values[0])
			return value && is_visible(value) ? NULL : "must be a text of one line";
		for (size_t j = 0; j < 2; j++) {
			if (value && header->values[j] && strcmp(value, header->values[j]) == 0)
				return NULL;
		}
		return header->values[1] ? "must be deny or sameorigin" : "must be nosniff";
	}
	return "is not among the fields that may be set: Content-Security-Policy, Strict-Transport-Security, "
	       "X-Content-Type-Options, X-Frame-Options, X-XSS-Protection";
}

static int read_headers(const struct place *outer, void *out)
{
	struct text text = {0};
	int result = 0;
	if (yaml_node_kind(outer->node) != YAML_MAP)
		return refuse(outer, "must be a mapping (\"key: value\" lines)");
	for (size_t i = 0, n = yaml_node_count(outer->node); i < n && result == 0; i++) {
		const char *name = yaml_node_text(yaml_node_key(outer->tree, outer->node, i));
		const struct yaml_node *node = yaml_node_value(outer->tree, outer->node, i);
		const char *value = yaml_node_text(node), *wrong = check_header(name, value);
		if (wrong)
			result = refuse(
				&(struct place){outer->tree, "http_server_config.headers.", name, node, outer->err},
				wrong);
		else
			text_add_format(&text, "%s: %s\r\n", name, value);
	}
	*(char **)out = text.length > 0 ? text_take(&text) : NULL;
	text_free(&text);
	return result;
}

static int read_http(const struct place *place, void *out)
{
	static const struct entry entries[] = {
		{"http2", read_any_boolean, 0},
		{"headers", read_headers, offsetof(struct web_config, headers)},
	};
	return read_map(place, "http_server_config.", entries, sizeof(entries) / sizeof(entries[0]), out);
}

static int read_limit(const struct place *place, void *out)
{
	static const struct entry entries[] = {
		{"interval", read_interval, offsetof(struct web_config, rate_interval_ns)},
		{"burst", read_burst, offsetof(struct web_config, rate_burst)},
	};
	return read_map(place, "rate_limit.", entries, sizeof(entries) / sizeof(entries[0]), out);
}

/* $2y$10$..., as bcrypt writes it. Returns what is wrong, or NULL. */
static const char *check_hash(const char *hash)
{
	static const char alphabet[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	if (!hash || strlen(hash) != HASH_LENGTH || hash[0] != '$' || hash[1] != '2' || !strchr("aby", hash[2]) ||
	    hash[3] != '$' || strspn(hash + 4, "0123456789") != 2 || hash[6] != '$' ||
	    strspn(hash + 7, alphabet) != HASH_LENGTH - 7)
		return "must be a bcrypt hash, such as \"htpasswd -nBC 10 user\" makes";
	int cost = atoi(hash + 4);
	return cost >= COST_MIN && cost <= COST_MAX ? NULL : "the cost of the bcrypt hash must be between 4 and 17";
}

static int read_users(const struct place *outer, void *out)
{
	struct web_config *config = out;
	size_t n = yaml_node_count(outer->node);
	if (yaml_node_kind(outer->node) != YAML_MAP)
		return refuse(outer, "must be a mapping (\"user: hash\" lines)");
	if (n > USERS_MAX)
		return refuse(outer, "more than 1000 users");
	config->users = mem_zero(n, sizeof(*config->users));
	for (size_t i = 0; i < n; i++) {
		const char *name = yaml_node_text(yaml_node_key(outer->tree, outer->node, i));
		const struct yaml_node *node = yaml_node_value(outer->tree, outer->node, i);
		const char *hash = yaml_node_text(node), *wrong = check_hash(hash);
		if (wrong)
			return refuse(&(struct place){outer->tree, "basic_auth_users.", name, node, outer->err}, wrong);
		config->users[config->nusers++] = (struct web_user){mem_copy_string(name), mem_copy_string(hash)};
	}
	return 0;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static int read_config(const struct yaml_tree *tree, struct web_config *config, struct err *err)
{
	static const struct entry sections[] = {
		{"tls_server_config", read_tls, offsetof(struct web_config, tls)},
		{"http_server_config", read_http, 0},
		{"basic_auth_users", read_users, 0},
		{"rate_limit", read_limit, 0},
	};
	const struct place place = {tree, "", "the file", yaml_tree_root(tree), err};
	if (yaml_node_is_null(place.node))
		return 0;
	return read_map(&place, "", sections, sizeof(sections) / sizeof(sections[0]), config);
}

struct web_config *web_config_parse(const char *bytes, size_t n, struct err *err)
{
	if (n > WEB_CONFIG_BYTES_MAX) {
		err_set(err, "is longer than %d KiB", WEB_CONFIG_BYTES_MAX / 1024);
		return NULL;
	}
	struct yaml_tree *tree = yaml_tree_parse(bytes, n, err);
	if (!tree)
		return NULL;
	struct web_config *config = mem_zero(1, sizeof(*config));
	config->tls.minimum = 12;
	config->tls.maximum = 13;
	config->tls.prefers_server_ciphers = true;
	int result = read_config(tree, config, err);
	yaml_tree_free(tree);
	if (result == 0)
		return config;
	web_config_free(config);
	return NULL;
}

static void free_material(struct web_material *material)
{
	mem_free(material->file);
	if (material->text)
		explicit_bzero(material->text, strlen(material->text)); /* it may be a key */
	mem_free(material->text);
}

static void free_words(struct web_words *words)
{
	for (size_t i = 0; i < words->n; i++)
		mem_free(words->items[i]);
	mem_free(words->items);
}

void web_config_free(struct web_config *config)
{
	if (!config)
		return;
	free_material(&config->tls.certificate);
	free_material(&config->tls.key);
	free_material(&config->tls.client_ca);
	free_words(&config->tls.client_sans);
	free_words(&config->tls.ciphers);
	free_words(&config->tls.curves);
	for (size_t i = 0; i < config->nusers; i++) {
		mem_free(config->users[i].name);
		mem_free(config->users[i].hash);
	}
	mem_free(config->users);
	mem_free(config->headers);
	mem_free(config);
}
