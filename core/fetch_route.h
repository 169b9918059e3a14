/*
 * Requests that measure a server (struct fetch_route): to one address, whatever the name says, on a connection of their
 * own, with our verification of certificates. What core/fetch.c asks of curl for them. Nobody else includes this.
 */
#ifndef NETSONDE_CORE_FETCH_ROUTE_H
#define NETSONDE_CORE_FETCH_ROUTE_H

#include <curl/curl.h>

#include "core/fetch.h"

/* What lives as long as the request. Zero-initialise. */
struct fetch_path {
	struct fetch_route route; /* host copied */
	bool has_route;
	struct curl_slist *connect_to;
	struct err err;    /* why TLS could not begin */
	bool is_explained; /* facts of the connection have been taken */
};

/* route NULL: nothing happens. Borrowed for the call but for facts and the TLS client. */
void fetch_path_set(struct fetch_path *path, CURL *easy, const struct fetch_route *route);
void fetch_path_free(struct fetch_path *path);

/* Something of the answer is here: the connection can be asked about itself. */
void fetch_path_look(struct fetch_path *path, CURL *easy);

/* At the end. */
void fetch_path_measure(const struct fetch_path *path, CURL *easy, CURLcode code, struct fetch_answer *answer);

#endif
