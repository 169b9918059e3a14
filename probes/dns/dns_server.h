/*
 * Which name server, and how to talk to it: the address of a target. Pure.
 */
#ifndef NETSONDE_PROBES_DNS_SERVER_H
#define NETSONDE_PROBES_DNS_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

enum dns_transport { DNS_UDP, DNS_TCP, DNS_TLS, DNS_HTTPS, DNS_TRANSPORTS };

/* "udp", "tcp", "tls", "https"; NULL-terminated, for the options. */
extern const char *const dns_transport_names[];

/* host: a name or a literal without brackets. path: of DNS over HTTPS, with its query; else "". */
struct dns_server {
	char *host, *path;
	uint16_t port;
	uint8_t transport; /* enum dns_transport */
};

/* "server", "server:port", "[v6]:port", "v6"; with "udp://", "tcp://", "tls://" or "https://" before it, which goes
 * before fallback. -1 with err; nothing to free then. */
int dns_server_parse(const char *address, enum dns_transport fallback, struct dns_server *out, struct err *err);
void dns_server_free(struct dns_server *server);

/* "https://host:port/path", owned by the caller. */
char *dns_server_url(const struct dns_server *server);

#endif
