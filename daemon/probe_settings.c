#include "daemon/probe_settings.h"

#include <string.h>
#include <strings.h>

#include "core/address.h"
#include "core/destination.h"
#include "core/mem.h"
#include "core/option.h"
#include "daemon/modules.h"
#include "daemon/probe_query.h"

/* The settings that are being made. */
struct making {
	const struct module *module;
	void *settings;
	bool is_changed; /* beyond the times */
};

static const struct option *find(const struct making *making, const char *name)
{
	const struct probe_type *type = making->module->type;

	return option_find(type->options, type->noptions, name);
}

/* The text of an option, or NULL when it is not set or there is no such option. */
static const char *text_of(const struct making *making, const char *name)
{
	const struct option *option = find(making, name);
	const char *text = NULL;

	if (option && (option->kind == OPTION_TEXT || option->kind == OPTION_SECRET))
		memcpy(&text, (const char *)making->settings + option->offset, sizeof(text));
	return text && text[0] ? text : NULL;
}

/* parameter: what the request calls it. */
static int set_text(struct making *making, const char *name, const char *parameter, const char *value, struct err *err)
{
	const struct option *option = find(making, name);

	if (!option)
		return err_set(err, "%s: the module %.200s is of type %s, which has no such option", parameter,
			       making->module->name, making->module->type->name);
	if (option_set_text(option, making->settings, value, err) == -1)
		return err_prefix(err, "%s", parameter);
	making->is_changed = true;
	return 0;
}

/* As blackbox_exporter: the Host field of http, which is the name in TLS as well (up to a redirect); of tcp the name in
 * TLS, unless the module has one. */
static int set_hostname(struct making *making, const char *hostname, struct err *err)
{
	const char *host = text_of(making, "host");

	if (strcmp(making->module->type->name, "tcp") == 0)
		return text_of(making, "tls_server_name")
			       ? 0
			       : set_text(making, "tls_server_name", "hostname", hostname, err);
	if (strcmp(making->module->type->name, "http") != 0)
		return 0;
	if (host && strcmp(host, hostname) != 0)
		return err_set(err, "hostname: the module %.200s has a host of its own, %.200s", making->module->name,
			       host);
	return set_text(making, "host", "hostname", hostname, err);
}

static int set_question(struct making *making, const struct probe_query *query, struct err *err)
{
	const struct {
		const char *name, *value;
	} parts[] = {
		{"query_name", query->query_name},
		{"query_type", query->query_type},
		{"query_class", query->query_class},
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].value[0] && set_text(making, parts[i].name, parts[i].name, parts[i].value, err) == -1)
			return -1;
	}
	return 0;
}

/* Straight into its place: no bounds of tables, which are made for schedules, hold for one run. */
static void set_time(struct making *making, const char *name, int64_t least_ns, bool is_exact)
{
	const struct option *option = find(making, name);
	int64_t now_ns;

	if (!option || option->kind != OPTION_SECONDS)
		return;
	memcpy(&now_ns, (const char *)making->settings + option->offset, sizeof(now_ns));
	if (is_exact || now_ns < least_ns)
		memcpy((char *)making->settings + option->offset, &least_ns, sizeof(least_ns));
}

static int fit(struct making *making, const struct probe_query *query, struct err *err)
{
	const struct probe_type *type = making->module->type;

	if (query->hostname[0] && set_hostname(making, query->hostname, err) == -1)
		return -1;
	if (set_question(making, query, err) == -1)
		return -1;
	return making->is_changed && type->check ? type->check(making->settings, err) : 0;
}

void *probe_settings_make(const struct module *module, const struct probe_query *query, int64_t timeout_ns,
			  struct err *err)
{
	const struct probe_type *type = module->type;
	struct making making = {.module = module};

	making.settings = option_copy_settings(type->options, type->noptions, type->settings_size, module->settings);
	if (fit(&making, query, err) == -1) {
		option_free_settings(type->options, type->noptions, making.settings);
		return NULL;
	}
	set_time(&making, "timeout", timeout_ns, true);
	set_time(&making, "interval", timeout_ns, false);
	return making.settings;
}

/* --- whom it is aimed at ------------------------------------------------------------------------------------------ */

static int port_of(const char *scheme, size_t n)
{
	if (n == 4 && strncasecmp(scheme, "http", 4) == 0)
		return 80;
	return n == 5 && strncasecmp(scheme, "https", 5) == 0 ? 443 : DESTINATION_UNKNOWN_PORT;
}

bool probe_settings_host(const char *target, char *host, size_t size, int *port)
{
	const char *authority = strstr(target, "://"), *at;
	char copy[PROBE_QUERY_TARGET_MAX + 1];
	uint16_t written = 0;
	size_t n;

	*port = authority ? port_of(target, (size_t)(authority - target)) : DESTINATION_UNKNOWN_PORT;
	authority = authority ? authority + 3 : target;
	n = strcspn(authority, "/?#");
	at = memrchr(authority, '@', n);
	if (at) {
		n -= (size_t)(at + 1 - authority);
		authority = at + 1;
	}
	if (n >= sizeof(copy))
		return false;
	memcpy(copy, authority, n);
	copy[n] = '\0';
	if (address_split_host_port(copy, host, size, &written, 0) == -1)
		return false;
	if (written > 0)
		*port = written;
	return true;
}
