/*
 * The configuration file of TLS and passwords, in the form that Prometheus and its exporters share (exporter-toolkit,
 * "web configuration"). What is permitted, and what the defaults are, is theirs. Pure: files that it names are not
 * looked at.
 */
#ifndef NETSONDE_EXPORTER_WEB_CONFIG_H
#define NETSONDE_EXPORTER_WEB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define WEB_CONFIG_BYTES_MAX (256 * 1024)

/* Go's tls.ClientAuthType. */
enum web_client_auth {
	WEB_CLIENT_NONE,
	WEB_CLIENT_REQUEST,         /* asked for, and anything or nothing will do */
	WEB_CLIENT_REQUIRE_ANY,     /* some certificate, whoever made it */
	WEB_CLIENT_VERIFY_IF_GIVEN, /* nothing, or a good one */
	WEB_CLIENT_REQUIRE          /* a good one */
};

/* Something that is in a file or stands in the configuration itself. If both are given the file is meant. */
struct web_material {
	char *file;
	char *text;
};

struct web_words {
	char **items;
	size_t n;
};

struct web_tls {
	bool is_wanted;
	struct web_material certificate, key, client_ca;
	enum web_client_auth client_auth;
	struct web_words client_sans; /* one of them must be in the client's certificate */
	int minimum, maximum;         /* 10 to 13: TLS 1.0 to 1.3 */
	struct web_words ciphers;     /* IANA's names; none: the library's */
	struct web_words curves;      /* Go's names */
	bool prefers_server_ciphers;
};

struct web_user {
	char *name;
	char *hash; /* bcrypt */
};

struct web_config {
	struct web_tls tls;
	struct web_user *users;
	size_t nusers;
	char *headers; /* fields for each reply, each ending in CR LF; or NULL */
	/* A token comes back each interval, up to burst of them; each request takes one. interval 0: no limit. */
	int64_t rate_interval_ns;
	int64_t rate_burst;
};

/* bytes are borrowed for the call. NULL with err: "line 3: tls_server_config.min_version: ...". Never with a secret. */
struct web_config *web_config_parse(const char *bytes, size_t n, struct err *err);
void web_config_free(struct web_config *config);

#endif
