/*
 * One request through libcurl: an easy handle that is set up for a recipe and used for one run after the other.
 *
 * libcurl resolves nothing: it is told a placeholder, and the address that the run has found is put in its place when
 * the socket is made. So what run_permits has seen is what is connected to, and libcurl's cache of names stays empty.
 */
#ifndef NETSONDE_PROBES_HTTP_HTTP_CLIENT_H
#define NETSONDE_PROBES_HTTP_HTTP_CLIENT_H

#include <curl/curl.h>

#include "core/curl_loop.h"
#include "core/dial_socket.h"
#include "core/text.h"
#include "probes/http/http.h"
#include "probes/http/http_decode.h"
#include "probes/http/http_recipe.h"

struct http_client {
	struct http_client *next; /* while idle */
	struct http_recipe *recipe;
	CURL *easy;
	struct curl_job job;
	struct http_run *run;    /* NULL: idle */
	int descriptor;          /* of the connection in use; -1 = none */
	struct tls_facts tls;    /* of the last handshake of this request; without one, has no version */
	struct tls_facts *facts; /* the same, or those that are kept with the connection */
	unsigned contexts;       /* of TLS that this request has made: the first may be the proxy's */

	struct text head; /* of the last answer */
	struct text body; /* for the rules */
	struct http_decode *decode;
	int64_t received_bytes, body_bytes;
	bool is_reset; /* the connection, by the server */
	bool is_connected, is_head_complete, is_redirect, has_cookies;
	struct dial_fault fault; /* what the kernel was told about the connection that failed */

	/* Of this request, where they differ from the recipe's. */
	struct curl_slist host_node, authorization_node;
	char *host_field;
	struct curl_slist *fields, *connect_to, *resolve;
	char *other_url;
	bool has_named_host; /* by a field Host, once */
	bool is_altered;     /* something of the handle is not as the recipe has it */
	bool was_altered;    /* before this request */
	char error[CURL_ERROR_SIZE];
};

/* An idle one, or one more. NULL with err. */
struct http_client *http_client_take(struct http_recipe *recipe, struct err *err);
/* What runs is cancelled. NULL is harmless. */
void http_client_give(struct http_client *client);

/* The first of the idle ones; there must be one. */
struct http_client *http_client_take_idle(struct http_recipe *recipe);
void http_client_free(struct http_client *client); /* one that is idle */

/* Begins the request that run describes (url, peer, is_...). http_answered(run, ...) comes later. -1 with err. */
int http_client_begin(struct http_client *client, struct http_run *run, struct err *err);

/* What the kernel knows about the connection, as long as it is open. */
void http_client_ask_kernel(struct http_client *client);

/* http.c: the request is over. */
void http_answered(struct http_run *run, CURLcode result);

/* http.c: notes why the run fails, if nothing has been noted before. */
/* Does the answer repeat something that nobody may read? */
bool http_tells_secret(const struct http_run *run, const char *bytes, size_t n);

void http_fail(struct http_run *run, enum reason reason, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* http_socket.c: a socket for the request of the client; -1 when none can be made (http_fail has been called). */
int http_socket_open(struct http_client *client, bool is_datagram);
/* The connection is there. */
void http_socket_connected(struct http_client *client);
/* Reads what is known about the connection, and says how it stands. */
enum http_socket_state { HTTP_SOCKET_OTHER, HTTP_SOCKET_ENDED, HTTP_SOCKET_RESET }; /* by the peer */
enum http_socket_state http_socket_ask(int descriptor, struct http_tcp *tcp);
/* The connection was not to be: what a router said about it, if one did. */
void http_socket_explain(struct http_client *client);
/* As core/dial closes. */
void http_socket_close(int descriptor, bool is_ended);

/* http_setup.c: all options of the handle that do not change from run to run. */
void http_client_set_up(struct http_client *client);
/* How method and body are sent; is_plain_get: after a redirect. */
void http_client_set_method(struct http_client *client, bool is_plain_get);

/* http_callbacks.c: what libcurl calls. */
void http_client_set_callbacks(struct http_client *client);

#endif
