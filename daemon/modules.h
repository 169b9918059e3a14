/*
 * What "module=" of /probe may name: the probes of the configuration, the modules of a blackbox.yml, and those that are
 * built in. A set is immutable once it is made.
 */
#ifndef NETSONDE_DAEMON_MODULES_H
#define NETSONDE_DAEMON_MODULES_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/text.h"
#include "probes/probe.h"

struct module {
	char *name;
	const struct probe_type *type; /* NULL: refused says why */
	void *settings;     /* of the type, without a deadline: option_copy_settings makes those of one run */
	int64_t timeout_ns; /* of the module itself; 0 = none */
	char *refused;      /* it is there, but cannot be run here: "prober grpc is not supported", ...; or NULL */
	char *shown;        /* as text for debug=true and /config, secrets as <secret> */
};

struct modules {
	struct module *items;
	size_t n;
};

void modules_free(struct modules *modules); /* what it has, not the struct; zeroed is harmless */
const struct module *modules_find(const struct modules *modules, const char *name); /* NULL: there is none */

/* Adds the modules that are there without any configuration: traceroute. */
void modules_add_builtin(struct modules *modules);

/* Reads a configuration file of blackbox_exporter (0.23 and later, as docs/blackbox.md says). -1 with err
 * ("blackbox.yml: line 7: modules.http_2xx.http.methd: unknown field, did you mean method?"): nothing was read. Modules
 * of probers that there are not, and rules in CEL, do not make the file unreadable: they are refused one by one. */
int blackbox_config_load(const char *path, struct modules *modules, struct err *err);
/* The same from a string; name stands for the file. Files that it names are seen from the working directory. */
int blackbox_config_load_string(const char *string, const char *name, struct modules *modules, struct err *err);

#endif
