/*
 * A module of a blackbox.yml while it is being read: the settings of one of our probe types, filled field by field.
 *
 * Two kinds of faults: what blackbox_exporter refuses in a file is an error of the file; what it only finds when it
 * probes, and what we cannot do, refuses the module alone (struct module.refused).
 */
#ifndef NETSONDE_DAEMON_BLACKBOX_DRAFT_H
#define NETSONDE_DAEMON_BLACKBOX_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/blackbox_yaml.h"
#include "probes/probe.h"

struct blackbox_words {
	char **items;
	size_t n;
};

/* Fields that were given a value, for the rules between fields. */
enum blackbox_given {
	GIVEN_CA = 1 << 0,
	GIVEN_CA_FILE = 1 << 1,
	GIVEN_CERT = 1 << 2,
	GIVEN_CERT_FILE = 1 << 3,
	GIVEN_KEY = 1 << 4,
	GIVEN_KEY_FILE = 1 << 5,
	GIVEN_BASIC_AUTH = 1 << 6,
	GIVEN_USERNAME = 1 << 7,
	GIVEN_USERNAME_FILE = 1 << 8,
	GIVEN_PASSWORD = 1 << 9,
	GIVEN_PASSWORD_FILE = 1 << 10,
	GIVEN_AUTHORIZATION = 1 << 11,
	GIVEN_CREDENTIALS = 1 << 12,
	GIVEN_CREDENTIALS_FILE = 1 << 13,
	GIVEN_OAUTH2 = 1 << 14,
	GIVEN_BEARER = 1 << 15,
	GIVEN_BEARER_FILE = 1 << 16,
	GIVEN_PROXY_URL = 1 << 17,
	GIVEN_NO_PROXY = 1 << 18,
	GIVEN_PROXY_ENVIRONMENT = 1 << 19,
	GIVEN_PROXY_HEADER = 1 << 20,
	GIVEN_BODY = 1 << 21,
	GIVEN_BODY_FILE = 1 << 22,
	GIVEN_NO_FOLLOW = 1 << 23,
	GIVEN_QUERY_NAME = 1 << 24,
	GIVEN_HEADER_NAME = 1 << 25,
	GIVEN_HEADER_REGEXP = 1 << 26,
	GIVEN_STEP = 1 << 27,
};

struct blackbox_draft {
	const struct probe_type *type; /* NULL: this netsonde has none of that name, and nothing is kept */
	void *settings;
	char *refused; /* the first reason why the module cannot be run, or NULL */
	uint64_t given;
	/* What two fields or more decide together. */
	bool prefers_ipv4, has_fallback;
	bool is_http2_off, is_http3_on;
	bool has_tls;                  /* dns_over_tls */
	char *transport;               /* of dns */
	char *compression;             /* of http */
	char *accept_encoding;         /* of its headers */
	char *auth_type;               /* of authorization, when it is not Bearer */
	char *credentials;             /* for it */
	struct blackbox_words headers; /* "Name: value" */
	struct blackbox_words secrets; /* the same, not to be shown */
};

/* Settings with the type's defaults. */
void blackbox_draft_open(struct blackbox_draft *draft, const char *type);
/* Settings that were taken away (NULL) are not freed. */
void blackbox_draft_close(struct blackbox_draft *draft);

/* The module cannot be run: "line 7: http.oauth2: WHY". Only the first reason is kept. Returns 0, for readers. */
int blackbox_draft_refuse(const struct blackbox_place *place, struct blackbox_draft *draft, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Sets an option. What the type does not accept refuses the module; that it has no such option is an error. */
int blackbox_draft_set(const struct blackbox_place *place, struct blackbox_draft *draft, const char *option,
		       const struct option_value *value);
int blackbox_draft_set_text(const struct blackbox_place *place, struct blackbox_draft *draft, const char *option,
			    const char *text);
int blackbox_draft_set_boolean(const struct blackbox_place *place, struct blackbox_draft *draft, const char *option,
			       bool value);
int blackbox_draft_set_words(const struct blackbox_place *place, struct blackbox_draft *draft, const char *option,
			     const struct blackbox_words *words);

void blackbox_words_add(struct blackbox_words *words, char *word); /* passed */
void blackbox_words_free(struct blackbox_words *words);

/* Readers of fields for tables whose out is a draft: the value becomes field->option as it is; field->bit is noted when
 * it is not empty. */
int blackbox_read_text(const struct blackbox_place *place, const struct blackbox_field *field, void *out);
int blackbox_read_boolean(const struct blackbox_place *place, const struct blackbox_field *field, void *out);
int blackbox_read_negation(const struct blackbox_place *place, const struct blackbox_field *field, void *out);
int blackbox_read_texts(const struct blackbox_place *place, const struct blackbox_field *field, void *out);
int blackbox_read_regexes(const struct blackbox_place *place, const struct blackbox_field *field, void *out);
/* The same for fields whose expressions blackbox_exporter compiles only when it probes. */
int blackbox_read_late_regexes(const struct blackbox_place *place, const struct blackbox_field *field, void *out);
/* preferred_ip_protocol and ip_protocol_fallback. */
int blackbox_read_protocol(const struct blackbox_place *place, const struct blackbox_field *field, void *out);
int blackbox_read_fallback(const struct blackbox_place *place, const struct blackbox_field *field, void *out);
/* tls_config. */
int blackbox_read_tls(const struct blackbox_place *place, const struct blackbox_field *field, void *out);
/* Whatever it is, it refuses the module. */
int blackbox_read_unsupported(const struct blackbox_place *place, const struct blackbox_field *field, void *out);

/* The two fields of the protocol as the option "family". */
int blackbox_set_family(const struct blackbox_place *place, struct blackbox_draft *draft);

/* A regular expression for PCRE2, added to out. -1 with err. */
int blackbox_add_regex(const struct blackbox_place *place, struct text *out);

/* Some fields must not be given together. rules ends with a row of zeros. Returns the text of the first rule that is
 * broken, or NULL. */
struct blackbox_rule {
	uint64_t these, those; /* both: at least one of these and one of those */
	const char *why;
};
const char *blackbox_find_conflict(uint64_t given, const struct blackbox_rule *rules);

#endif
