/*
 * What /probe may do by one configuration: the modules by name (entries of section probes, and those of a
 * blackbox.yml; built-in ones under the names that are left), the destinations, and the section's options. Immutable,
 * and counted by those who hold it: a probe that runs keeps what it began with, whatever is reloaded meanwhile. Any
 * thread.
 */
#ifndef NETSONDE_DAEMON_ENDPOINT_H
#define NETSONDE_DAEMON_ENDPOINT_H

#include <stddef.h>

#include "core/err.h"
#include "core/text.h"
#include "daemon/modules.h"

struct catalogue;
struct endpoint;
struct config_endpoint;
struct config_probe;
struct destination_rules;
struct shared_catalogue;
struct gatekeeper;

/* Borrowed for the call: everything is copied. */
struct endpoint_plan {
	const struct config_endpoint *settings;
	const struct config_probe *probes; /* with their types */
	size_t nprobes;
	struct shared_catalogue *catalogue; /* held; NULL: no module needs one */
};

/* Held once. more: those of a blackbox.yml, which are passed if this succeeds. NULL with err: a rule that is none, or a
 * name that stands for two modules. */
struct endpoint *endpoint_create(const struct endpoint_plan *plan, struct modules *more, struct err *err);

struct endpoint *endpoint_hold(struct endpoint *endpoint);
void endpoint_release(struct endpoint *endpoint); /* NULL is harmless */

const struct config_endpoint *endpoint_settings(const struct endpoint *endpoint);
const struct destination_rules *endpoint_rules(const struct endpoint *endpoint);
/* What can be asked of routers; or NULL. */
const struct catalogue *endpoint_catalogue(const struct endpoint *endpoint);
const struct gatekeeper *endpoint_gatekeeper(const struct endpoint *endpoint);

/* NULL: there is none. It is shown as its configuration would have it. */
const struct module *endpoint_find(const struct endpoint *endpoint, const char *name);

/* Those of the configuration; not the built-in ones. */
void endpoint_each_module(const struct endpoint *endpoint, void (*each)(void *arg, const struct module *module),
			  void *arg);

/* The modules that are not in section probes, as comments of the configuration. */
void endpoint_show(const struct endpoint *endpoint, struct text *out);

#endif
