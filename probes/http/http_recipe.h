/*
 * What settings make, once for all targets that have equal ones: rules, TLS, header fields, the proxy, and easy handles
 * of libcurl that are set up but for their URL. A worker keeps a few recipes that nobody uses now: /probe comes again
 * with the same module.
 */
#ifndef NETSONDE_PROBES_HTTP_HTTP_RECIPE_H
#define NETSONDE_PROBES_HTTP_HTTP_RECIPE_H

#include <curl/curl.h>

#include "probes/http/http.h"
#include "probes/http/http_rules.h"

struct http_client;
struct loop;

/* Recipes without a user that are kept; easy handles without work that a recipe keeps. */
#define HTTP_RECIPES_IDLE 16
#define HTTP_CLIENTS_IDLE 64
/* Bytes of body_file, at most. */
#define HTTP_REQUEST_MAX ((size_t)1024 * 1024)

extern const struct probe_service http_service;

struct http_proxy {
	struct http_url url; /* of the proxy itself, its host and port; text is not used */
	char *curl_url;      /* what curl is told: with a placeholder for the host where the name does not matter */
	bool is_socks, is_https;
};

struct http_recipe {
	struct http_recipe *next;
	struct http_service *service;
	size_t holders;
	struct http_settings settings; /* own copy */
	struct http_rules *rules;
	struct tls_client *tls;
	struct http_secrets secrets;
	struct curl_slist *fields;       /* all, but Host */
	struct curl_slist *proxy_fields; /* for the proxy alone */
	char *host;                      /* of the option host or of a field Host; NULL */
	char *host_field;                /* "Host: ...", or NULL */
	char *authorization;             /* a field, or NULL */
	char *body;                      /* or NULL */
	size_t body_length;
	struct http_proxy *proxy; /* or NULL */
	struct http_client *idle; /* easy handles without work */
	size_t nidle;
};

/* A recipe for settings; NULL with err (body_file cannot be read). */
struct http_recipe *http_recipe_hold(struct http_service *service, const struct http_settings *settings,
				     struct tls_clients *tls, struct err *err);
void http_recipe_release(struct http_recipe *recipe); /* NULL is harmless */

/* --- the service, for http_client.c ------------------------------------------------------------------------------- */

struct curl_loop;

/* Made when it is first needed. NULL with err. */
struct curl_loop *http_service_curl(struct http_service *service, struct err *err);

/* Which client uses a descriptor, or has used it last, for which target (that of its run): connections may outlive the
 * run that opened them. client NULL: it is closed. */
void http_service_note(struct http_service *service, int descriptor, struct http_client *client);
/* NULL also when it is of another target; http NULL: of any. */
struct http_client *http_service_find(const struct http_service *service, int descriptor, const struct http *http);
/* The client goes. */
void http_service_forget(struct http_service *service, const struct http_client *client);

#endif
