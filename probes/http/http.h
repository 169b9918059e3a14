/*
 * HTTP: what the files of this type share.
 */
#ifndef NETSONDE_PROBES_HTTP_HTTP_H
#define NETSONDE_PROBES_HTTP_HTTP_H

#include "core/host.h"
#include "core/tls_client.h"
#include "probes/http/http_url.h"
#include "probes/probe.h"

struct http_client;
struct http_recipe;
struct http_service;

/* As the user wrote them; see http_options. */
struct http_settings {
	int64_t interval_ns, timeout_ns;
	char *method, *body, *body_file;
	struct option_list headers;
	char *secret_headers;
	char *host, *user_agent;
	char *user, *password, *bearer_token;
	int version; /* enum http_version */
	int family;  /* enum host_family */
	char *source, *interface;
	bool is_keeping_alive, is_sending_proxy_protocol;
	char *proxy, *proxy_user, *proxy_password;
	struct option_list proxy_headers, no_proxy;
	bool is_leaving_names_to_proxy;
	bool is_following;
	int64_t most_redirects;
	struct option_list valid_status, valid_versions;
	bool fails_if_tls, fails_if_not_tls;
	struct option_list header_matches, header_not_matches, body_matches, body_not_matches, json_rules;
	int compression; /* enum http_compression */
	int64_t body_limit_bytes;
	int histogram; /* enum http_histogram */
	struct tls_settings tls;
};

enum http_version { HTTP_VERSION_DEFAULT, HTTP_VERSION_1_0, HTTP_VERSION_1_1, HTTP_VERSION_2, HTTP_VERSION_3 };
enum http_histogram { HTTP_HISTOGRAM_CLASSIC, HTTP_HISTOGRAM_NONE };

/* http_secrets.h. Zero-initialise; owned words. */
struct http_secrets {
	char **words;
	size_t n;
};

/* What keep_alive keeps from run to run. */
struct http_kept {
	void *share;            /* CURLSH: connections */
	struct address address; /* of the last one */
	int descriptor;         /* the same; it may have been closed since */
	struct tls_facts tls;   /* of the last handshake */
};

/* What there is of each target. */
struct http {
	struct probe *probe;
	struct http_service *service;
	struct http_recipe *recipe;
	struct http_url url;
	char *authorization;         /* of the URL's user and password: a field; NULL */
	struct http_secrets secrets; /* the same */
	struct host *host;           /* of url; NULL: the proxy is to resolve it */
	struct host *proxy_host;     /* NULL: no proxy */
	struct http_kept *kept;      /* NULL: each connection is a fresh one */
};

/* Summed up over all requests of a run. */
struct http_phases {
	int64_t connect_ns, tls_ns, processing_ns, transfer_ns;
};

/* The last answer. */
struct http_figures {
	int status;             /* 0 = none */
	double version;         /* 0 = none */
	int64_t content_length; /* -1 = unknown */
	int64_t received_bytes; /* of the body, as it came */
	int64_t body_bytes;     /* after decompression */
	int64_t last_modified;  /* seconds since the epoch; -1 = unknown */
	int64_t body_ns;        /* from its first byte to its last */
	bool is_answered;       /* whole */
};

/* The kernel's view of the last connection. */
struct http_tcp {
	bool is_known;
	int64_t rtt_us; /* 0 = unknown */
	int64_t retransmits;
	int64_t delivery_rate; /* bytes per second; 0 = unknown */
};

struct http_run {
	struct run *run;
	struct http *http;
	struct http_client *client; /* NULL: between requests, or before the first */

	const struct http_url *url; /* of the present request: http->url or next */
	struct http_url next;
	struct host *hop_host; /* of a redirect to another name */
	struct host *asked;    /* the refresh that is under way */
	int64_t asked_ns;
	struct address address; /* of url; family ADDRESS_NONE: not resolved here */
	struct address peer;    /* to connect to: the same, or the proxy's */
	bool is_proxied;
	bool is_elsewhere; /* a redirect has led to another host: what is secret stays behind */
	bool is_plain_get; /* a redirect has made it a GET without a body */
	bool has_begun;    /* a request */
	bool is_starting;  /* nothing may end the run yet */
	bool rule_failed;
	int64_t redirects;

	struct http_phases phases;
	struct http_figures figures;
	struct http_tcp tcp;
	enum reason reason;
	char failure[512];
};

/* http_type.c */
extern const struct option http_options[];
extern const size_t http_noptions;
int http_settings_check(const struct http_settings *settings, struct err *err);

/* http_report.c */
extern const struct measure_set http_set;
/* Ends the run with all that is known. */
void http_report(struct http_run *run, enum reason reason);
void http_print(const struct sample *sample, FILE *out);

/* http.c */
void *http_open(struct probe *probe, const void *settings, struct err *err);
void *http_start(struct run *run, void *opened, const void *settings);
void http_deadline(void *state);
void http_stop(void *state);
void http_close(void *opened);

static inline const struct http_settings *http_settings(const struct http *http)
{
	return probe_settings(http->probe);
}

#endif
