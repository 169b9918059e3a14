/*
 * The TLS clients of a worker (core/tls_client.h), as a service that probe types list:
 * struct tls_clients *clients = probe_service(probe, &tls_service).
 */
#ifndef NETSONDE_PROBES_TLS_SERVICE_H
#define NETSONDE_PROBES_TLS_SERVICE_H

#include "core/tls_client.h"
#include "probes/probe.h"

extern const struct probe_service tls_service;

#endif
