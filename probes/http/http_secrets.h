/*
 * What requests send that nobody else may read: a server may repeat it in its answer, and then that part of the answer
 * is not shown. Pure.
 */
#ifndef NETSONDE_PROBES_HTTP_HTTP_SECRETS_H
#define NETSONDE_PROBES_HTTP_HTTP_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "probes/http/http.h"

/* Shorter words are no secrets: they would be found in every answer. */
#define HTTP_SECRET_MIN 4

/* Passwords, tokens, values of secret_headers; user and password also as they are sent (base64, RFC 7617). */
void http_secrets_take(struct http_secrets *secrets, const struct http_settings *settings);
/* The same for one login; user NULL: none. */
void http_secrets_take_login(struct http_secrets *secrets, const char *user, const char *password);
void http_secrets_free(struct http_secrets *secrets);

/* Is one of them in these bytes? */
bool http_secrets_are_in(const struct http_secrets *secrets, const char *bytes, size_t n);

#endif
