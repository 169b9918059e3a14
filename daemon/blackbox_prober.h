/*
 * The probers of blackbox_exporter: what stands in their block of a module, and which of our probe types does it.
 */
#ifndef NETSONDE_DAEMON_BLACKBOX_PROBER_H
#define NETSONDE_DAEMON_BLACKBOX_PROBER_H

#include <stddef.h>

#include "daemon/blackbox_draft.h"

struct blackbox_prober {
	const char *name; /* of the prober, and of its block */
	const char *type; /* of our probe type; NULL: there is none, such a module is refused */
	/* Options that differ from the type's own defaults: name, value, ...; NULL-terminated; NULL = none. */
	const char *const *presets;
	const struct blackbox_field *fields;
	size_t nfields;
	/* Rules between fields, and the options that several fields decide together. Also for a module without the
	 * block (place is then the module). has_block: there is one. NULL = none. */
	int (*finish)(const struct blackbox_place *place, struct blackbox_draft *draft, bool has_block);
};

extern const struct blackbox_prober blackbox_http, blackbox_tcp, blackbox_dns, blackbox_icmp;
extern const struct blackbox_prober blackbox_grpc, blackbox_unix, blackbox_websocket;

/* Authentication, proxies and TLS of http, in blackbox_client.c: its fields, and the rules between them. */
extern const struct blackbox_field blackbox_client_fields[];
extern const size_t blackbox_client_nfields;
int blackbox_client_finish(const struct blackbox_place *place, struct blackbox_draft *draft);

#endif
