/*
 * What the server's TLS connections are made with: certificate, key, and what is asked of clients. On OpenSSL. Belongs
 * to the web thread.
 */
#ifndef NETSONDE_EXPORTER_TLS_CONTEXT_H
#define NETSONDE_EXPORTER_TLS_CONTEXT_H

#include <stdint.h>

#include "core/err.h"
#include "exporter/web_config.h"

struct ssl_st;
struct tls_context;

/* Reads the files that tls names, as seen from folder. NULL with err: "cert_file: /etc/web/server.crt: cannot open: No
 * such file or directory". tls is borrowed for the call. */
struct tls_context *tls_context_create(const struct web_tls *tls, const char *folder, struct err *err);

/* The creator holds one; each connection that is under way holds one more. release takes NULL. */
struct tls_context *tls_context_hold(struct tls_context *context);
void tls_context_release(struct tls_context *context);

/* The server's end of a new connection; passed on. The context must be held until it is freed. NULL: no memory. */
struct ssl_st *tls_context_accept(struct tls_context *context);

/* When the server's certificate ends, in seconds since the epoch. */
int64_t tls_context_expiry(const struct tls_context *context);

#endif
