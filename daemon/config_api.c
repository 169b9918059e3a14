/*
 * The section "api": its options, its keys, and what the tables cannot check.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/destination.h"
#include "core/mem.h"
#include "daemon/api_rules.h"
#include "daemon/config_reader.h"

#define AT(member)     offsetof(struct config_api, member)
#define KEY_AT(member) offsetof(struct config_api_key, member)

const struct option config_api_options[] = {
	{"enabled", OPTION_BOOLEAN, AT(is_enabled), .fallback = "false",
	 .help = "Is the REST interface there? It takes keys, too"},
	{"allow_hosts", OPTION_LIST, AT(allow_hosts),
	 .help = "Hosts that calls may name besides routers of the configuration, in the form of "
		 "probe_endpoint.allow: \"10.0.0.0/8\", \"*.routers.example:8729\". An empty list permits none. "
		 "Loopback, link-local and such need a network of their own here, such as \"127.0.0.0/8\""},
	{"deny_hosts", OPTION_LIST, AT(deny_hosts),
	 .help = "Hosts that they may not name, in the same form; it holds against allow_hosts"},
	{"cors_origins", OPTION_LIST, AT(cors_origins),
	 .help = "Web pages whose scripts may call: origins such as \"https://noc.example\", or \"*\" for any. An "
		 "empty list permits none"},
	{"max_body", OPTION_SIZE, AT(max_body_bytes), .minimum = 1024, .maximum = 16777216, .fallback = "1MiB",
	 .help = "The longest body of a request; a longer one is answered with 413"},
	{"rate", OPTION_NUMBER, AT(rate), .minimum = 0, .maximum = 1000000, .fallback = "100",
	 .help = "Requests a second that one client address may make on the average, with and without a key; what "
		 "goes beyond is answered with 429. 0: any number"},
	{"burst", OPTION_INTEGER, AT(burst), .minimum = 1, .maximum = 1000000, .fallback = "200",
	 .help = "Requests that a client address may make at once, after a rest"},
	{"max_per_client", OPTION_INTEGER, AT(max_per_client), .minimum = 1, .maximum = 65536, .fallback = "64",
	 .help = "The most requests of one client address at a time; one more is answered with 503"},
	{"max_concurrent", OPTION_INTEGER, AT(max_concurrent), .minimum = 1, .maximum = 65536, .fallback = "128",
	 .help = "The most requests at a time; one more is answered with 503. Each is a connection of "
		 "web.max_connections, too"},
	{"max_targets", OPTION_INTEGER, AT(max_targets), .minimum = 1, .maximum = 10000, .fallback = "256",
	 .help = "The most targets of one ping or traceroute"},
	{"max_commands", OPTION_INTEGER, AT(max_commands), .minimum = 1, .maximum = 100000, .fallback = "1000",
	 .help = "The most commands of one batch"},
	{"max_hosts", OPTION_INTEGER, AT(max_hosts), .minimum = 1, .maximum = 10000, .fallback = "1000",
	 .help = "The most hosts of one call"},
	{"max_concurrent_hosts", OPTION_INTEGER, AT(max_concurrent_hosts), .minimum = 1, .maximum = 10000,
	 .fallback = "50", .help = "How many hosts of one call are asked at a time"},
	{"max_concurrent_commands", OPTION_INTEGER, AT(max_concurrent_commands), .minimum = 1, .maximum = 1000,
	 .fallback = "10", .help = "How many commands of one call a router gets at a time"},
	{"max_connections_per_host", OPTION_INTEGER, AT(max_connections_per_host), .minimum = 1, .maximum = 16,
	 .fallback = "4",
	 .help = "The most connections to one host that is not configured, for different users of it. Routers permit "
		 "20 sessions unless they are told otherwise"},
	{"timeout", OPTION_SECONDS, AT(timeout_ns), .minimum = 0.1, .maximum = 3600, .fallback = "30",
	 .help = "The longest time for a call that does not say how long it may take"},
	{"max_timeout", OPTION_SECONDS, AT(max_timeout_ns), .minimum = 0.1, .maximum = 3600, .fallback = "120",
	 .help = "The longest time that a call may ask for"},
	{"connect_timeout", OPTION_SECONDS, AT(connect_timeout_ns), .minimum = 0.1, .maximum = 300, .fallback = "10",
	 .help = "The longest time for a connection to a host that is not configured, with TLS and login"},
	{"idle_timeout", OPTION_SECONDS, AT(idle_timeout_ns), .minimum = 1, .maximum = 86400, .fallback = "60",
	 .help = "How long such a connection is kept that nobody uses"},
	{"max_rows", OPTION_INTEGER, AT(max_rows), .minimum = 1, .maximum = 10000000, .fallback = "100000",
	 .help = "The most rows that one command may answer with"},
	{"max_answer_size", OPTION_SIZE, AT(max_answer_bytes), .minimum = 65536, .maximum = 1073741824.0,
	 .fallback = "32MiB", .help = "The longest answer of one call; what does not fit is an error of its part"},
	{"cache_ttl", OPTION_SECONDS, AT(cache_ttl_ns), .minimum = 0, .maximum = 86400, .fallback = "10",
	 .help = "How long the answer of a command that only looks is kept, for calls with use_cache. 0: not at all"},
	{"cache_size", OPTION_SIZE, AT(cache_bytes), .minimum = 0, .maximum = 17179869184.0, .fallback = "16MiB",
	 .help = "The most memory for such answers"},
};
const size_t config_api_noptions = sizeof(config_api_options) / sizeof(config_api_options[0]);

static const char *const roles[] = {[API_ROLE_READ] = "read", [API_ROLE_OPERATE] = "operate", NULL};

const struct option config_api_key_options[] = {
	{"name", OPTION_TEXT, KEY_AT(name),
	 .help = "Whose key it is; the log says it with each call. Letters, digits, and . _ -"},
	{"key", OPTION_SECRET, KEY_AT(key), .help = "The key, of at least 16 characters. Better: key_file"},
	{"role", OPTION_CHOICE, KEY_AT(role), .fallback = "read", .choices = roles,
	 .help = "read: commands that only look (print, ping, traceroute, monitor ...); operate: any command"},
	{"rate", OPTION_INTEGER, KEY_AT(rate), .minimum = 0, .maximum = 1000000, .fallback = "100",
	 .help = "Requests a second with this key, on the average; what goes beyond is answered with 429. 0: any "
		 "number"},
	{"burst", OPTION_INTEGER, KEY_AT(burst), .minimum = 1, .maximum = 1000000, .fallback = "200",
	 .help = "Requests with this key at once, after a rest"},
};
const size_t config_api_key_noptions = sizeof(config_api_key_options) / sizeof(config_api_key_options[0]);

static const char *const api_others[] = {"keys", NULL};

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void read_keys(struct config_reader *reader, const config_setting_t *list)
{
	struct config *config = reader->config;

	if (!list || !config_is_list(reader, list, CONFIG_API_KEYS_MAX))
		return;
	config->napi_keys = (size_t)config_setting_length(list);
	config->api_keys = mem_zero(config->napi_keys, sizeof(struct config_api_key *));
	for (size_t i = 0; i < config->napi_keys; i++) {
		const config_setting_t *entry = config_setting_get_elem(list, (unsigned)i);
		struct config_scope scope = {config_api_key_options, config_api_key_noptions, NULL};

		scope.settings = config->api_keys[i] = mem_zero(1, sizeof(struct config_api_key));
		option_set_defaults(scope.options, scope.n, scope.settings);
		if (config_is_group(reader, entry))
			config_read_group(reader, entry, &scope, NULL);
	}
}

void config_read_api(struct config_reader *reader, const config_setting_t *section)
{
	const struct config_scope scope = {config_api_options, config_api_noptions, &reader->config->api};

	option_set_defaults(scope.options, scope.n, scope.settings);
	if (!section || !config_is_group(reader, section))
		return;
	config_read_group(reader, section, &scope, api_others);
	read_keys(reader, config_setting_get_member(section, "keys"));
}

/* --- checking ----------------------------------------------------------------------------------------------------- */

static void check_list(struct config_reader *reader, const config_setting_t *root, const char *path,
		       const struct option_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		bool is_origin = list == &reader->config->api.cors_origins;
		struct err err = {0};

		if ((is_origin ? api_rules_check_origin : destination_check_rule)(list->items[i], &err) == -1)
			config_error_of_option(reader, root, path, err.text);
	}
}

static void check_keys(struct config_reader *reader, const config_setting_t *root)
{
	const struct config *config = reader->config;

	for (size_t i = 0; i < config->napi_keys; i++) {
		char path[64];
		struct err err = {0};

		snprintf(path, sizeof(path), "api.keys.[%zu]", i);
		if (api_rules_check_key(config->api_keys[i], &err) == -1)
			config_error_of_option(reader, root, path, err.text);
	}
}

/* Nobody needs the keys any more. */
static void forget_keys(struct config *config)
{
	for (size_t i = 0; i < config->napi_keys; i++) {
		char *key = config->api_keys[i]->key;

		explicit_bzero(key, strlen(key));
	}
}

void config_finish_api(struct config_reader *reader, const config_setting_t *root)
{
	struct config *config = reader->config;
	const struct api_rules_plan plan = {&config->api, (const struct config_api_key *const *)config->api_keys,
					    config->napi_keys};
	const struct config_api *api = &config->api;
	struct err err = {0};

	check_list(reader, root, "api.allow_hosts", &api->allow_hosts);
	check_list(reader, root, "api.deny_hosts", &api->deny_hosts);
	check_list(reader, root, "api.cors_origins", &api->cors_origins);
	check_keys(reader, root);
	if (api->timeout_ns > api->max_timeout_ns)
		config_error_of_option(reader, root, "api.timeout", "must not be longer than max_timeout");
	if (reader->source.total > 0)
		return;
	config->api_rules = api_rules_create(&plan, &err);
	if (config->api_rules)
		forget_keys(config);
	else
		config_error_of_option(reader, root, "api", err.text);
}

void config_free_api(struct config *config)
{
	api_rules_release(config->api_rules);
	for (size_t i = 0; i < config->napi_keys; i++)
		option_free_settings(config_api_key_options, config_api_key_noptions, config->api_keys[i]);
	mem_free(config->api_keys);
	option_free(config_api_options, config_api_noptions, &config->api);
}
