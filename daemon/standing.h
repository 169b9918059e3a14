/*
 * What of the configuration stands until the daemon is started again, because threads, sockets and files were made by
 * it: copies of the first configuration's sections, and how a later one differs. Pure.
 */
#ifndef NETSONDE_DAEMON_STANDING_H
#define NETSONDE_DAEMON_STANDING_H

#include <stddef.h>

#include "core/text.h"

struct config;
struct availability_settings;
struct config_agent;
struct config_qos;
struct exporter_settings;
struct influx_log_settings;
struct standing;

/* Everything is copied. */
struct standing *standing_create(const struct config *config);
void standing_free(struct standing *standing); /* NULL is harmless */

/* In force until the end. Borrowed. */
const struct config_agent *standing_agent(const struct standing *standing);
const struct exporter_settings *standing_web(const struct standing *standing);
const struct config_qos *standing_qos(const struct standing *standing);
const struct influx_log_settings *standing_disk_log(const struct standing *standing);
const struct availability_settings *standing_availability(const struct standing *standing);

/* What of the configuration would need a restart to come into force: "agent.workers, web.listen" is added to names.
 * Returns how many that are. */
size_t standing_compare(const struct standing *standing, const struct config *config, struct text *names);

#endif
