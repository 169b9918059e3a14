#include "daemon/api_rules.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>

#include "core/destination.h"
#include "core/hash.h"
#include "core/mem.h"
#include "core/option.h"
#include "daemon/config.h"

#define DIGEST_BYTES 32
#define SECRET_BYTES 32

struct api_rules {
	atomic_size_t holders;
	struct config_api settings;
	struct destination_rules *destinations; /* NULL: none is permitted */
	unsigned char secret[SECRET_BYTES];
	struct api_key *keys;
	unsigned char (*digests)[DIGEST_BYTES]; /* of the keys */
	size_t nkeys;
};

/* --- checks ------------------------------------------------------------------------------------------------------- */

static bool has_only(const char *text, const char *others)
{
	for (; *text; text++) {
		const char c = *text;
		const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!is_plain && !strchr(others, c))
			return false;
	}
	return true;
}

static int check_name(const char *name, struct err *err)
{
	if (!name || !name[0])
		return err_set(err, "name: is missing: the log tells by it who has called");
	if (strlen(name) > API_KEY_NAME_MAX || !has_only(name, "._-"))
		return err_set(err, "name: must have at most %d letters, digits, and . _ -", API_KEY_NAME_MAX);
	return 0;
}

int api_rules_check_key(const struct config_api_key *key, struct err *err)
{
	size_t length = key->key ? strlen(key->key) : 0;

	if (check_name(key->name, err) == -1)
		return -1;
	if (!key->key)
		return err_set(err, "key_file: is missing: name a file whose first line is the key, such as one made "
				    "by openssl rand -hex 32");
	if (length < API_KEY_BYTES_MIN)
		return err_set(err, "key: is shorter than %d characters: make one by openssl rand -hex 32",
			       API_KEY_BYTES_MIN);
	if (length > API_KEY_BYTES_MAX)
		return err_set(err, "key: is longer than %d characters", API_KEY_BYTES_MAX);
	for (const char *c = key->key; *c; c++) {
		if (*c <= ' ' || *c >= 0x7f)
			return err_set(err, "key: must have no spaces and nothing but ASCII characters");
	}
	return 0;
}

int api_rules_check_origin(const char *origin, struct err *err)
{
	const char *host = strstr(origin, "://");

	if (strcmp(origin, "*") == 0)
		return 0;
	if (!host || host == origin || !host[3] || !has_only(host + 3, ".-:[]_") || strlen(origin) > 256)
		return err_set(err,
			       "\"%.100s\": must be \"*\", or a scheme, a host and perhaps a port, such as "
			       "\"https://noc.example\" or \"http://192.0.2.1:3000\", without a path",
			       origin);
	return 0;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void make_digest(const struct api_rules *rules, const char *text, unsigned char out[DIGEST_BYTES])
{
	unsigned n = 0;

	memset(out, 0, DIGEST_BYTES);
	HMAC(EVP_sha256(), rules->secret, SECRET_BYTES, (const unsigned char *)text, strlen(text), out, &n);
}

static int add_key(struct api_rules *rules, const struct config_api_key *key, struct err *err)
{
	size_t same;

	if (api_rules_check_key(key, err) == -1)
		return -1;
	if (api_rules_find_key(rules, key->key, &same))
		return err_set(err, "keys: \"%s\" has the same key as \"%s\"", key->name, rules->keys[same].name);
	for (size_t i = 0; i < rules->nkeys; i++)
		if (strcmp(rules->keys[i].name, key->name) == 0)
			return err_set(err, "keys: there are two with the name \"%s\"", key->name);
	make_digest(rules, key->key, rules->digests[rules->nkeys]);
	rules->keys[rules->nkeys++] = (struct api_key){
		.name = mem_copy_string(key->name),
		.role = (enum api_role)key->role,
		.rate = key->rate,
		.burst = key->burst,
	};
	return 0;
}

static int add_keys(struct api_rules *rules, const struct api_rules_plan *plan, struct err *err)
{
	rules->keys = mem_zero(plan->nkeys, sizeof(*rules->keys));
	rules->digests = mem_zero(plan->nkeys, sizeof(*rules->digests));
	hash_random(rules->secret, sizeof(rules->secret));
	for (size_t i = 0; i < plan->nkeys; i++)
		if (add_key(rules, plan->keys[i], err) == -1)
			return -1;
	return 0;
}

/* Without a rule that permits anybody, hosts that are not configured are none of ours. */
static int add_destinations(struct api_rules *rules, const struct config_api *settings, struct err *err)
{
	struct destination_rules *destinations =
		destination_rules_create(&settings->allow_hosts, &settings->deny_hosts, err);

	if (!destinations)
		return -1;
	destination_rules_name(destinations, "api.allow_hosts", "api.deny_hosts");
	if (settings->allow_hosts.n > 0)
		rules->destinations = destinations;
	else
		destination_rules_free(destinations);
	return 0;
}

static void copy_settings(const struct config_api *from, struct config_api *to)
{
	void *copy = option_copy_settings(config_api_options, config_api_noptions, sizeof(*from), from);

	memcpy(to, copy, sizeof(*to));
	mem_free(copy);
}

static void rules_free(struct api_rules *rules)
{
	for (size_t i = 0; i < rules->nkeys; i++)
		mem_free(rules->keys[i].name);
	mem_free(rules->keys);
	mem_free(rules->digests);
	destination_rules_free(rules->destinations);
	option_free(config_api_options, config_api_noptions, &rules->settings);
	mem_free(rules);
}

struct api_rules *api_rules_create(const struct api_rules_plan *plan, struct err *err)
{
	struct api_rules *rules = mem_zero(1, sizeof(*rules));

	atomic_init(&rules->holders, 1);
	copy_settings(plan->settings, &rules->settings);
	if (add_destinations(rules, plan->settings, err) == 0 && add_keys(rules, plan, err) == 0)
		return rules;
	rules_free(rules);
	return NULL;
}

struct api_rules *api_rules_hold(struct api_rules *rules)
{
	atomic_fetch_add_explicit(&rules->holders, 1, memory_order_relaxed);
	return rules;
}

void api_rules_release(struct api_rules *rules)
{
	if (rules && atomic_fetch_sub(&rules->holders, 1) == 1)
		rules_free(rules);
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

const struct config_api *api_rules_settings(const struct api_rules *rules)
{
	return &rules->settings;
}

const struct destination_rules *api_rules_destinations(const struct api_rules *rules)
{
	return rules->destinations;
}

size_t api_rules_nkeys(const struct api_rules *rules)
{
	return rules->nkeys;
}

const struct api_key *api_rules_key(const struct api_rules *rules, size_t i)
{
	return &rules->keys[i];
}

/* Goes on after it was found. */
bool api_rules_find_key(const struct api_rules *rules, const char *text, size_t *i)
{
	unsigned char digest[DIGEST_BYTES];
	bool is_found = false;

	make_digest(rules, text, digest);
	for (size_t k = 0; k < rules->nkeys; k++) {
		if (CRYPTO_memcmp(digest, rules->digests[k], DIGEST_BYTES) == 0) {
			is_found = true;
			*i = k;
		}
	}
	return is_found;
}

bool api_rules_permits_origin(const struct api_rules *rules, const char *origin)
{
	const struct option_list *origins = &rules->settings.cors_origins;

	for (size_t i = 0; i < origins->n; i++)
		if (strcmp(origins->items[i], "*") == 0 || strcasecmp(origins->items[i], origin) == 0)
			return true;
	return false;
}
