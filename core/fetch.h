/*
 * Requests to HTTP servers, on the loop: libcurl multi. Connections are kept and used again. tests/fakes has a server
 * under virtual time in place of this file's functions.
 */
#ifndef NETSONDE_CORE_FETCH_H
#define NETSONDE_CORE_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/err.h"

struct fetch; /* one request under way */
struct fetch_answer;
struct fetcher; /* all of a loop */
struct loop;
struct text;
struct tls_client;
struct tls_facts;

/* Bytes of an answer's body that are kept; what goes beyond is read and forgotten, up to FETCH_READ_MAX, where the
 * request ends. */
#define FETCH_BODY_MAX ((size_t)64 * 1024)
#define FETCH_READ_MAX ((size_t)1024 * 1024)

/* How to reach and trust a server. Texts may be NULL. */
struct fetch_server {
	const char *user, *password;  /* Basic authentication */
	const char *ca_file;          /* certificates to trust (PEM) in place of the system's */
	const char *certificate_file; /* of the client (PEM), */
	const char *key_file;         /* and its key; NULL: in certificate_file */
	bool is_unverified;           /* any certificate will do */
};

/* A request that measures a server: on a fresh connection to this address, past any proxy, HTTP/2 if the server likes.
 * Certificates are verified by tls, not as the server's plan says. */
struct fetch_route {
	struct address address; /* with port */
	struct address source;  /* family ADDRESS_NONE: the kernel chooses */
	const char *interface;  /* or NULL; goes before source */
	const char *host;       /* whose certificate it should be */
	struct tls_client *tls;
	struct tls_facts *facts; /* borrowed until done or cancel */
};

/* Passed to fetch_start. Everything but body, arg and done is copied or used up in the call. */
struct fetch_plan {
	const char *method; /* "GET", "POST" */
	const char *url;    /* http or https only; redirects are not followed; the proxy comes from the environment */
	const struct fetch_server *server; /* or NULL */
	const struct fetch_route *route;   /* or NULL */
	const char *const *fields;         /* "Content-Type: text/plain", ...; NULL-terminated; or NULL */
	const void *body;                  /* borrowed until done or cancel; NULL = none */
	size_t body_length;
	int64_t connect_timeout_ns;
	int64_t timeout_ns; /* for everything, from the start */
	/* Once, from the loop, never from inside fetch_start; not after fetch_cancel. It may start other requests. */
	void (*done)(void *arg, const struct fetch_answer *answer);
	void *arg;
};

/* Borrowed for the call. */
struct fetch_answer {
	int status;        /* of HTTP; 0 = there is none: error says why */
	bool is_timeout;   /* with status 0 */
	bool is_connected; /* there was a connection */
	const char
		*error; /* "" or why there is no whole answer: "connect to 192.0.2.1 port 8086: Connection refused" */
	int64_t retry_after_ns; /* field Retry-After (seconds or a date; RFC 9110 section 10.2.3), from now; -1 = none
				 */
	const char *type;       /* Content-Type, "" = none */
	const char *location;   /* of a redirect, "" = none */
	const char *body;       /* NUL-terminated */
	size_t length;
	int64_t took_ns;
	/* With a route: why there is no whole answer, and how long the parts took (-1: not done). exchange: from the
	 * connection that is ready to the end of the answer. */
	int reason; /* enum reason */
	int64_t connect_ns, tls_ns, exchange_ns;
};

/* most_connections: kept open at a time. NULL with err. */
struct fetcher *fetcher_create(struct loop *loop, size_t most_connections, struct err *err);
/* Requests under way are cancelled. NULL is harmless. */
void fetcher_free(struct fetcher *fetcher);

/* NULL with err when the plan is impossible (a malformed URL, a file that is not there). */
struct fetch *fetch_start(struct fetcher *fetcher, const struct fetch_plan *plan, struct err *err);
/* done will not come. NULL is harmless; not after done. */
void fetch_cancel(struct fetch *fetch);

/* Would the URL do? Pure. -1 with err ("must begin with http:// or https://", ...). */
int fetch_check_url(const char *url, struct err *err);

struct text;
void fetch_add_encoded(struct text *out, const char *text);

/* A Retry-After field in nanoseconds from now on (seconds since the epoch): -1 = cannot be understood, 0 = has passed.
 * Pure. */
int64_t fetch_parse_retry_after(const char *value, int64_t now_seconds);

#endif
