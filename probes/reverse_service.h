/*
 * The reverse names of a worker (core/reverse.h), as a service that probe types list:
 * struct reverse *reverse = probe_service(probe, &reverse_service).
 */
#ifndef NETSONDE_PROBES_REVERSE_SERVICE_H
#define NETSONDE_PROBES_REVERSE_SERVICE_H

#include "core/reverse.h"
#include "probes/probe.h"

extern const struct probe_service reverse_service;

#endif
