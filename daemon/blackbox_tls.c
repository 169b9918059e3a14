/* tls_config of a blackbox.yml. */
#include <string.h>

#include "core/mem.h"
#include "daemon/blackbox_draft.h"

static int read_version(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	static const char *const names[][2] = {
		{"TLS10", "tls1.0"}, {"TLS11", "tls1.1"}, {"TLS12", "tls1.2"}, {"TLS13", "tls1.3"}};
	const char *text = blackbox_text(place);
	for (size_t i = 0; text && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i][0]) == 0)
			return blackbox_draft_set_text(place, out, field->option, names[i][1]);
	}
	return text ? blackbox_refuse(place, "must be TLS10, TLS11, TLS12 or TLS13") : -1;
}

static const struct blackbox_field fields[] = {
	{"ca", blackbox_read_text, "tls_ca", GIVEN_CA},
	{"ca_file", blackbox_read_text, "tls_ca_file", GIVEN_CA_FILE},
	{"ca_ref", blackbox_read_unsupported, NULL, 0},
	{"cert", blackbox_read_text, "tls_cert", GIVEN_CERT},
	{"cert_file", blackbox_read_text, "tls_cert_file", GIVEN_CERT_FILE},
	{"cert_ref", blackbox_read_unsupported, NULL, 0},
	{"key", blackbox_read_text, "tls_key", GIVEN_KEY},
	{"key_file", blackbox_read_text, "tls_key_file", GIVEN_KEY_FILE},
	{"key_ref", blackbox_read_unsupported, NULL, 0},
	{"server_name", blackbox_read_text, "tls_server_name", 0},
	{"insecure_skip_verify", blackbox_read_negation, "tls_verify", 0},
	{"min_version", read_version, "tls_min_version", 0},
	{"max_version", read_version, "tls_max_version", 0},
};

/* Before version 0.24, blackbox_exporter found these only when it probed. */
static const struct blackbox_rule rules[] = {
	{GIVEN_CA, GIVEN_CA_FILE, "ca and ca_file must not be given both"},
	{GIVEN_CERT, GIVEN_CERT_FILE, "cert and cert_file must not be given both"},
	{GIVEN_KEY, GIVEN_KEY_FILE, "key and key_file must not be given both"},
	{0, 0, NULL},
};

int blackbox_read_tls(const struct blackbox_place *place, const struct blackbox_field *field, void *out)
{
	struct blackbox_draft *draft = out;
	(void)field;
	if (blackbox_read_map(place, fields, sizeof(fields) / sizeof(fields[0]), draft) != 0)
		return -1;
	const char *conflict = blackbox_find_conflict(draft->given, rules);
	bool has_cert = draft->given & (GIVEN_CERT | GIVEN_CERT_FILE);
	bool has_key = draft->given & (GIVEN_KEY | GIVEN_KEY_FILE);
	if (!conflict && has_cert != has_key)
		conflict = "a certificate needs a key, and a key a certificate";
	return conflict ? blackbox_draft_refuse(place, draft, "%s", conflict) : 0;
}
