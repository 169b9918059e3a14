/*
 * The probers of blackbox_exporter: what stands in their block of a module, and which of our probe types does it.
 */
#ifndef NETSONDE_DAEMON_BLACKBOX_PROBER_H
#define NETSONDE_DAEMON_BLACKBOX_PROBER_H

#include <stdbool.h>
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

/* Authentication, proxies and further headers of http (blackbox_client.c): readers of fields, and the rules between
 * them with the options that several of them decide together. */
int blackbox_read_basic_auth(const struct blackbox_place *place, const struct blackbox_field *field, void *out);
int blackbox_read_authorization(const struct blackbox_place *place, const struct blackbox_field *field, void *out);
int blackbox_read_oauth2(const struct blackbox_place *place, const struct blackbox_field *field, void *out);
int blackbox_read_secret_file(const struct blackbox_place *place, const struct blackbox_field *field, void *out);
int blackbox_read_proxy(const struct blackbox_place *place, const struct blackbox_field *field, void *out);
int blackbox_read_proxy_headers(const struct blackbox_place *place, const struct blackbox_field *field, void *out);
int blackbox_read_http_headers(const struct blackbox_place *place, const struct blackbox_field *field, void *out);
int blackbox_finish_client(const struct blackbox_place *place, struct blackbox_draft *draft);

/* May a request with this header "Accept-Encoding" get an answer of this compression? As blackbox_exporter decides it;
 * NULL = not given. */
bool blackbox_encoding_is_accepted(const char *compression, const char *accept_encoding);

#endif
