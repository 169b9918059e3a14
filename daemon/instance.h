/*
 * Everything that runs in a daemon: store, workers, web server, outputs, the daemon's own figures. Made in order, freed
 * in the mirror of it.
 */
#ifndef NETSONDE_DAEMON_INSTANCE_H
#define NETSONDE_DAEMON_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct config;
struct instance;
struct loop;
struct reload;
struct watched_thread;

/* Opens sockets, ports, probes and outputs, and gives up all capabilities in between. config is passed in any case;
 * loop (the main thread's) is borrowed. NULL with err. */
struct instance *instance_create(struct config *config, struct loop *loop, struct err *err);

/* The threads. After a failure instance_stop ends those that run. */
int instance_start(struct instance *instance, struct err *err);

/* Ends the threads; writes what is left to the outputs for at most wait_ns. */
void instance_stop(struct instance *instance, int64_t wait_ns);
void instance_free(struct instance *instance); /* stopped; NULL is harmless */

/* For SIGHUP: reload_request. */
struct reload *instance_reload(const struct instance *instance);

size_t instance_workers(const struct instance *instance);
/* The threads that must answer (daemon/watchdog.h): fills up to max, returns how many. */
size_t instance_threads(const struct instance *instance, struct watched_thread *out, size_t max);
/* The i-th listener as "host:port", or NULL. */
const char *instance_listener(const struct instance *instance, size_t i);

/* Are its pages there with HTTPS only? */
bool instance_has_tls(const struct instance *instance);

#endif
