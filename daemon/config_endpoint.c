/*
 * The section "probe_endpoint": its options, and what the tables cannot check.
 */
#include <stddef.h>
#include <string.h>

#include "core/destination.h"
#include "core/file.h"
#include "core/mem.h"
#include "daemon/config_reader.h"
#include "daemon/endpoint.h"

#define AT(member) offsetof(struct config_endpoint, member)

const struct option config_endpoint_options[] = {
	{"enabled", OPTION_BOOLEAN, AT(is_enabled), .fallback = "true",
	 .help = "Is /probe there, which measures a target that the request names?"},
	{"allow", OPTION_LIST, AT(allow),
	 .help = "Whom such probes may talk to: \"10.0.0.0/8\", \"*.example.com:443\", \"[2001:db8::]/32:80-443\", "
		 "\":25\", \"*\". An empty list permits everybody but what is refused without a rule: loopback, "
		 "link-local, multicast, metadata services of clouds, and IPv6 addresses with such IPv4 addresses "
		 "inside. These are opened by a network here that is no wider than they are, such as \"127.0.0.0/8\""},
	{"deny", OPTION_LIST, AT(deny), .help = "Whom they may not talk to, in the same form; it holds against allow"},
	{"max_concurrent", OPTION_INTEGER, AT(max_concurrent), .minimum = 1, .maximum = 65536, .fallback = "200",
	 .help = "The most requests to /probe that run at a time; one more is answered with 503. Each is a connection "
		 "of web.max_connections, too"},
	{"max_per_client", OPTION_INTEGER, AT(max_per_client), .minimum = 1, .maximum = 65536, .fallback = "150",
	 .help = "The most of them for one client: an IPv4 address, or the /64 of an IPv6 address"},
	{"rate", OPTION_NUMBER, AT(rate), .minimum = 0, .maximum = 1000000, .fallback = "2000",
	 .help = "Requests to /probe a second that one client may make on the average; what goes beyond is answered "
		 "with 429. 0: any number"},
	{"burst", OPTION_INTEGER, AT(burst), .minimum = 1, .maximum = 1000000, .fallback = "4000",
	 .help = "Requests that a client may make at once, after a rest"},
	{"blackbox_config", OPTION_TEXT, AT(blackbox_config),
	 .help = "A configuration file of blackbox_exporter, whose modules /probe has beside the entries of section "
		 "probes; seen from the folder of this configuration, and read again with it"},
	{"timeout_offset", OPTION_SECONDS, AT(timeout_offset_ns), .minimum = 0, .maximum = 60, .fallback = "0.5",
	 .help = "How long before the end of Prometheus' own time (X-Prometheus-Scrape-Timeout-Seconds) a probe ends. "
		 "If that leaves nothing, the probe has half of the time"},
	{"max_timeout", OPTION_SECONDS, AT(max_timeout_ns), .minimum = 0.1, .maximum = 3600, .fallback = "120",
	 .help = "The longest time that a probe may take, whatever the request and the module say"},
	{"history", OPTION_INTEGER, AT(history), .minimum = 0, .maximum = 10000, .fallback = "100",
	 .help = "How many of the last probes are kept with their logs for / and /logs, and as many failed ones that "
		 "are older. 0: none"},
	{"history_size", OPTION_SIZE, AT(history_bytes), .minimum = 65536, .maximum = 1073741824.0, .fallback = "4MiB",
	 .help = "The most memory for them"},
};
const size_t config_endpoint_noptions = sizeof(config_endpoint_options) / sizeof(config_endpoint_options[0]);

void config_copy_endpoint(const struct config_endpoint *from, struct config_endpoint *to)
{
	void *copy = option_copy_settings(config_endpoint_options, config_endpoint_noptions, sizeof(*from), from);

	memcpy(to, copy, sizeof(*to));
	mem_free(copy);
}

static void check_rules(struct config_reader *reader, const config_setting_t *root, const char *path,
			const struct option_list *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		struct err err = {0};

		if (destination_check_rule(rules->items[i], &err) == -1)
			config_error_of_option(reader, root, path, err.text);
	}
}

/* A configuration that is given as a text reads no other files. */
static int load_modules(const struct config_reader *reader, struct modules *modules, struct err *err)
{
	const struct config_endpoint *endpoint = &reader->config->probe_endpoint;

	if (!endpoint->is_enabled || !endpoint->blackbox_config || reader->is_string)
		return 0;
	return blackbox_config_load(endpoint->blackbox_config, modules, err);
}

void config_finish_endpoint(struct config_reader *reader, const config_setting_t *root)
{
	struct config *config = reader->config;
	const struct endpoint_plan plan = {&config->probe_endpoint, config->probes, config->nprobes, config->catalogue};
	struct modules modules = {0};
	struct err err = {0};

	check_rules(reader, root, "probe_endpoint.allow", &config->probe_endpoint.allow);
	check_rules(reader, root, "probe_endpoint.deny", &config->probe_endpoint.deny);
	if (load_modules(reader, &modules, &err) == -1) {
		config_error_of_option(reader, root, "probe_endpoint.blackbox_config", err.text);
		return;
	}
	if (reader->source.total == 0)
		config->endpoint = endpoint_create(&plan, &modules, &err);
	if (reader->source.total == 0 && !config->endpoint)
		config_error_of_option(reader, root, "probe_endpoint.blackbox_config", err.text);
	modules_free(&modules);
}
