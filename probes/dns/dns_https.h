/*
 * What DNS over HTTPS shares on a worker: the requests under way.
 */
#ifndef NETSONDE_PROBES_DNS_HTTPS_H
#define NETSONDE_PROBES_DNS_HTTPS_H

#include "probes/probe.h"

extern const struct probe_service dns_https_service;

#endif
