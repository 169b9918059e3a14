/*
 * What /probe may do by one configuration: the modules by name (entries of section probes, and those of a blackbox.yml),
 * the destinations, and the section's options. Immutable, and counted by those who hold it: a probe that runs keeps
 * what it began with, whatever is reloaded meanwhile. Any thread.
 */
#ifndef NETSONDE_DAEMON_CATALOGUE_H
#define NETSONDE_DAEMON_CATALOGUE_H

#include <stddef.h>

#include "core/err.h"
#include "core/text.h"
#include "daemon/modules.h"

struct catalogue;
struct config_endpoint;
struct config_probe;
struct destination_rules;
struct gatekeeper;

/* Borrowed for the call: everything is copied. */
struct catalogue_plan {
	const struct config_endpoint *settings;
	const struct config_probe *probes; /* with their types */
	size_t nprobes;
};

/* Held once. more: those of a blackbox.yml, which are passed if this succeeds. NULL with err: a rule that is none, or a
 * name that stands for two modules. */
struct catalogue *catalogue_create(const struct catalogue_plan *plan, struct modules *more, struct err *err);

struct catalogue *catalogue_hold(struct catalogue *catalogue);
void catalogue_release(struct catalogue *catalogue); /* NULL is harmless */

const struct config_endpoint *catalogue_settings(const struct catalogue *catalogue);
const struct destination_rules *catalogue_rules(const struct catalogue *catalogue);
const struct gatekeeper *catalogue_gatekeeper(const struct catalogue *catalogue);

/* NULL: there is none. It is shown as its configuration would have it. */
const struct module *catalogue_find(const struct catalogue *catalogue, const char *name);

/* The modules that are not in section probes, as comments of the configuration. */
void catalogue_show(const struct catalogue *catalogue, struct text *out);

#endif
