/*
 * URLs of HTTP: what a target or a redirect says, taken apart by libcurl's own parser, so that what is looked at here
 * is what curl will use. Pure.
 */
#ifndef NETSONDE_PROBES_HTTP_HTTP_URL_H
#define NETSONDE_PROBES_HTTP_HTTP_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/option.h"

/* Bytes of a URL, at most. */
#define HTTP_URL_MAX 8192

/* All owned. */
struct http_url {
	char *text;            /* whole, for curl: without user, password, fragment and zone; the host in ASCII */
	char *host;            /* a name in ASCII, or an address without brackets, with its zone */
	char *user, *password; /* decoded; NULL when there are none */
	uint16_t port;
	bool is_https;
};

/* "host", "host:port/path", "http://...", "https://...". Zeroed out on failure: -1 with err. */
int http_url_parse(const char *text, struct http_url *out, struct err *err);
/* Where a Location field leads from base (RFC 3986 section 5). */
int http_url_join(const struct http_url *base, const char *location, struct http_url *out, struct err *err);
void http_url_free(struct http_url *url); /* what it holds; zeroed is harmless */

/* The URL with another host (and port, unless 0), owned by the caller; NULL when there can be no such URL. */
char *http_url_with_host(const struct http_url *url, const char *host, uint16_t port);

/* "host" or "host:port" as in a Host field: the port only where it is not the scheme's own. Owned by the caller. */
char *http_url_authority(const struct http_url *url);

/* May what is meant for the one (credentials, cookies) be sent to the other? The same host, and not from https to
 * http. */
bool http_url_is_trusted_as(const struct http_url *url, const struct http_url *origin);

/* "http://proxy:3128", "https://...", "socks5://..." (socks5h is the same: the proxy gets what we have). Only a host
 * and a port; text is "". */
int http_proxy_parse(const char *text, struct http_url *out, bool *is_socks, struct err *err);

/* Does a list of exceptions hold for the host? Entries as in Go: "*"; a name ("example.com": it and what is below it;
 * ".example.com": only what is below it); an address; a range ("192.0.2.0/24"); any but a range may end in ":port". */
bool http_bypasses_proxy(const struct option_list *exceptions, const char *host, uint16_t port);

#endif
