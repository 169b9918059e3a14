/*
 * The HTTP server: /metrics, health, the configuration, a landing page. Runs on a loop of its own thread; never touches
 * a probe. The process must ignore SIGPIPE.
 */
#ifndef NETSONDE_EXPORTER_EXPORTER_H
#define NETSONDE_EXPORTER_EXPORTER_H

#include <stdbool.h>

#include "core/err.h"
#include "core/option.h"
#include "core/sample.h"
#include "core/text.h"

struct connection;
struct dialect;
struct exporter;
struct http_request;
struct loop;
struct series_store;

/* The section "web" of the configuration. */
struct exporter_settings {
	struct option_list listen; /* "0.0.0.0:9975", "[::]:9975"; an empty list opens no port */
	int64_t max_series;
	int64_t max_connections;
	int64_t request_timeout_ns; /* absolute times: for a request, */
	int64_t reply_timeout_ns;   /* and for its reply */
	char *config_file;          /* TLS and passwords: exporter/web_config.h; NULL = none */
	char *bearer_token_file;    /* one a line; NULL = none */
	int64_t results_bytes;      /* memory for the last results, which the daemon keeps; 0 = none are kept */
};
extern const struct option exporter_options[];
extern const size_t exporter_noptions;

/* A page that the daemon serves itself, with the functions of exporter/server.h. path: one that ends in "*" stands for
 * all that begin so. */
struct exporter_route {
	const char *path;
	const char *method; /* "GET" (HEAD goes with it) or "POST" */
	void (*serve)(void *context, struct connection *connection, const struct http_request *request);
	bool is_heavy; /* connection_claim is called before serve */
};

/* All paths below one, whatever the method; their bodies are kept. */
struct exporter_tree {
	const char *prefix; /* "/api/v2/" */
	/* Before the body is read; false: it was replied to. *max_body_bytes: 413 for longer ones. */
	bool (*begin)(void *context, struct connection *connection, const struct http_request *request,
		      size_t *max_body_bytes);
	void (*serve)(void *context, struct connection *connection, const struct http_request *request);
	/* As of server_plan. */
	void (*refuse)(void *context, struct connection *connection, const struct http_request *request, int status);
};

/* What the server asks of the daemon. Called on the web thread. */
struct exporter_host {
	void *context;
	const char *agent;                   /* its name, for the page at "/"; or NULL */
	const struct exporter_route *routes; /* pages beside the exporter's own */
	size_t nroutes;
	const struct exporter_tree *tree; /* or NULL */
	bool (*is_ready)(void *context);
	/* The configuration as text, secrets hidden. */
	void (*show_config)(void *context, struct text *out);
	/* A piece of HTML for the page at "/"; or NULL. */
	void (*show_more)(void *context, struct text *out);
	/* The daemon's rows about itself. Calls add for each row (row borrowed for the call). */
	void (*read_own)(void *context, void (*add)(void *arg, const struct row *row), void *arg);
	const char *const *dialects; /* what /metrics?names= may name */
	size_t ndialects;
	/* That of dialects[i], borrowed until exporter_free; NULL when it could not be read, which is logged. */
	const struct dialect *(*read_dialect)(void *context, size_t i);
};

/* Binds and listens at once; NULL with err ("web.listen: 0.0.0.0:9975: Address already in use"). settings, host and
 * store are borrowed until exporter_free. */
struct exporter *exporter_create(struct loop *loop, const struct exporter_settings *settings,
				 const struct exporter_host *host, struct series_store *store, struct err *err);
void exporter_free(struct exporter *exporter);

/* Reads the files of TLS and credentials; after the daemon has given up its rights, so that what can be read now can be
 * read later, and before the loop runs. -1 with err ("web.config_file: web.yml: line 3: ..."). */
int exporter_protect(struct exporter *exporter, struct err *err);

/* Would exporter_protect succeed? -1 with err. */
int exporter_check(const struct exporter_settings *settings, struct err *err);

/* Is it HTTPS that is spoken with these settings, as far as their files can be read now? */
bool exporter_wants_tls(const struct exporter_settings *settings);

/* The address of the i-th listener as "host:port" (the port the kernel chose where 0 was asked), or NULL. */
const char *exporter_listener(const struct exporter *exporter, size_t i);

/* Its own figures; set "web". Returns how many readings were filled (up to exporter_set.n). Any thread. */
extern const struct measure_set exporter_set;
size_t exporter_read(const struct exporter *exporter, struct reading *readings);

#endif
