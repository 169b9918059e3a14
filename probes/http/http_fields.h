/*
 * Header fields of requests: from settings to the lists that libcurl takes. Pure.
 */
#ifndef NETSONDE_PROBES_HTTP_HTTP_FIELDS_H
#define NETSONDE_PROBES_HTTP_HTTP_FIELDS_H

#include <curl/curl.h>
#include <stdbool.h>

#include "probes/http/http.h"

/* "Name: value": a name of token characters, no control characters. -1 with err, which never shows the value. */
int http_field_check(const char *field, struct err *err);

/* Has the field ("Name: value") that name? */
bool http_field_is(const char *field, const char *name);
/* The value, without blanks before it. */
const char *http_field_value(const char *field);

/* All fields of headers and secret_headers; -1 with err when one is malformed. Calls each with each one. */
int http_fields_visit(const struct http_settings *settings, int (*each)(void *arg, const char *field, struct err *err),
		      void *arg, struct err *err);

/* Is there a body, or at least its length? As Go: for some methods always. */
bool http_sends_body(const struct http_settings *settings);

/* "Authorization: Basic ..." or "Authorization: Bearer ..."; owned by the caller; NULL without credentials. */
char *http_field_basic(const char *user, const char *password);
char *http_field_bearer(const char *token);

/* What a redirect takes along: not what is secret when it leads elsewhere, not what is about a body that is not sent
 * any more. To be freed with curl_slist_free_all. */
struct curl_slist *http_fields_of_redirect(const struct curl_slist *fields, const struct http_secrets *secrets,
					   bool is_elsewhere, bool is_bodyless);

/* Must the log not show its value? Of our fields and of the server's. */
bool http_field_is_secret(const char *name, size_t length);

/* Appends field in the form that curl understands (a value that is empty ends in ";"). */
struct curl_slist *http_fields_add(struct curl_slist *list, const char *field);

#endif
