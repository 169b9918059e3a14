#include <criterion/criterion.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "exporter/web_config.h"

#define HASH "$2y$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u"

static struct web_config *parse(const char *text)
{
	struct err err = {0};
	struct web_config *config = web_config_parse(text, strlen(text), &err);
	cr_assert(config, "%s: %s", text, err.text);
	return config;
}

Test(web_config, defaults)
{
	static const char *const texts[] = {"", "{}", "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\n",
					    "tls_server_config: { min_version: TLS12, cert_file: '' }"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct web_config *config = parse(texts[i]);
		cr_expect_not(config->tls.is_wanted);
		cr_expect_eq(config->tls.minimum, 12);
		cr_expect_eq(config->tls.maximum, 13);
		cr_expect(config->tls.prefers_server_ciphers);
		cr_expect_eq(config->nusers, 0);
		cr_expect_null(config->headers);
		cr_expect_eq(config->rate_interval_ns, 0);
		web_config_free(config);
	}
	web_config_free(NULL);
}

Test(web_config, everything)
{
	struct web_config *config =
		parse("tls_server_config:\n"
		      "  cert_file: server.crt\n"
		      "  key: |\n    -----BEGIN\n    KEY\n"
		      "  client_ca_file: /etc/ca.crt\n"
		      "  client_auth_type: RequireAndVerifyClientCert\n"
		      "  client_allowed_sans:\n    - prom.example\n    - 192.0.2.1\n"
		      "  min_version: TLS13\n"
		      "  max_version: TLS13\n"
		      "  cipher_suites: [ TLS_AES_128_GCM_SHA256 ]\n"
		      "  curve_preferences: [ X25519, CurveP256 ]\n"
		      "  prefer_server_cipher_suites: false\n"
		      "http_server_config:\n"
		      "  http2: true\n"
		      "  headers:\n    X-Frame-Options: deny\n    Content-Security-Policy: default-src 'self'\n"
		      "basic_auth_users:\n  alice: " HASH "\n  bob: " HASH "\n"
		      "rate_limit: { interval: 1m30.5s, burst: 20 }\n");
	const struct web_tls *tls = &config->tls;
	cr_expect(tls->is_wanted);
	cr_expect_str_eq(tls->certificate.file, "server.crt");
	cr_expect_str_eq(tls->key.text, "-----BEGIN\nKEY\n");
	cr_expect_null(tls->key.file);
	cr_expect_str_eq(tls->client_ca.file, "/etc/ca.crt");
	cr_expect_eq(tls->client_auth, WEB_CLIENT_REQUIRE);
	cr_assert_eq(tls->client_sans.n, 2);
	cr_expect_str_eq(tls->client_sans.items[1], "192.0.2.1");
	cr_expect_eq(tls->minimum, 13);
	cr_expect_eq(tls->ciphers.n, 1);
	cr_expect_str_eq(tls->curves.items[1], "CurveP256");
	cr_expect_not(tls->prefers_server_ciphers);
	cr_expect_str_eq(config->headers, "X-Frame-Options: deny\r\nContent-Security-Policy: default-src 'self'\r\n");
	cr_assert_eq(config->nusers, 2);
	cr_expect_str_eq(config->users[1].name, "bob");
	cr_expect_str_eq(config->users[1].hash, HASH);
	cr_expect_eq(config->rate_interval_ns, 90 * NS_PER_SECOND + NS_PER_SECOND / 2);
	cr_expect_eq(config->rate_burst, 20);
	web_config_free(config);
}

Test(web_config, ways_to_ask_clients)
{
	static const struct {
		const char *word;
		enum web_client_auth value;
	} table[] = {
		{"NoClientCert", WEB_CLIENT_NONE},
		{"''", WEB_CLIENT_NONE},
		{"RequestClientCert", WEB_CLIENT_REQUEST},
		{"RequireAnyClientCert", WEB_CLIENT_REQUIRE_ANY},
		{"RequireClientCert", WEB_CLIENT_REQUIRE_ANY},
		{"VerifyClientCertIfGiven", WEB_CLIENT_VERIFY_IF_GIVEN},
		{"RequireAndVerifyClientCert", WEB_CLIENT_REQUIRE},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct text text = {0};
		text_add_format(&text, "tls_server_config: { cert_file: a, key_file: b, client_auth_type: %s }",
				table[i].word);
		struct web_config *config = parse(text_string(&text));
		cr_expect_eq(config->tls.client_auth, table[i].value, "%s", table[i].word);
		web_config_free(config);
		text_free(&text);
	}
}

Test(web_config, durations)
{
	static const struct {
		const char *text;
		int64_t ns; /* -1: refused */
	} table[] = {
		{"0", 0},
		{"1s", 1000000000},
		{"100ms", 100000000},
		{"1h2m", INT64_C(3720000000000)},
		{"5us", 5000},
		{"5\xc2\xb5s", 5000},
		{"7ns", 7},
		{"1.5s", 1500000000},
		{"10", -1},
		{"s", -1},
		{"1x", -1},
		{"-1s", -1},
		{"1s2", -1},
		{"25h", -1},
		{"1..5s", -1},
		{"\"\"", -1},
		{"1e5s", -1},
		{"[1s]", -1},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct text text = {0};
		struct err err = {0};
		text_add_format(&text, "rate_limit: { interval: %s, burst: 1 }", table[i].text);
		struct web_config *config = web_config_parse(text.bytes, text.length, &err);
		cr_expect_eq(config != NULL, table[i].ns >= 0, "%s: %s", table[i].text, err.text);
		if (config)
			cr_expect_eq(config->rate_interval_ns, table[i].ns, "%s", table[i].text);
		web_config_free(config);
		text_free(&text);
	}
}

Test(web_config, refused)
{
	static const struct {
		const char *text, *why;
	} table[] = {
		{"- x\n", "line 1: the file: must be a mapping (\"key: value\" lines)"},
		{"a: [\n", "line 2: did not find expected node content"},
		{"tls_server_confg: {}\n", "line 1: tls_server_confg: unknown key, did you mean tls_server_config?"},
		{"bearer: x\n", "line 1: bearer: unknown key"},
		{"\ntls_server_config: { cert_fil: a }\n",
		 "line 2: tls_server_config.cert_fil: unknown key, did you mean cert_file?"},
		{"tls_server_config: { cert_file: a }\n", "line 1: tls_server_config: needs key_file or key"},
		{"tls_server_config: { key_file: a }\n", "line 1: tls_server_config: needs cert_file or cert"},
		{"tls_server_config: { cert_file: a, key_file: b, client_ca_file: c }\n",
		 "line 1: tls_server_config: client_ca_file needs a client_auth_type, such as "
		 "RequireAndVerifyClientCert"},
		{"tls_server_config: { client_allowed_sans: [] }\n",
		 "line 1: tls_server_config.client_allowed_sans: must name at least one"},
		{"tls_server_config: { cert_file: a, key_file: b, client_allowed_sans: [ x ] }\n",
		 "line 1: tls_server_config: client_allowed_sans needs client_auth_type RequireAndVerifyClientCert or "
		 "RequireAnyClientCert"},
		{"tls_server_config: { cert_file: a, key_file: b, min_version: TLS13, max_version: TLS12 }\n",
		 "line 1: tls_server_config: min_version is above max_version"},
		{"tls_server_config: { min_version: 1.2 }\n",
		 "line 1: tls_server_config.min_version: must be TLS10, TLS11, TLS12 or TLS13"},
		{"tls_server_config: { client_auth_type: Please }\n",
		 "line 1: tls_server_config.client_auth_type: must be NoClientCert, RequestClientCert, "
		 "RequireAnyClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert"},
		{"tls_server_config: { cert_file: [ a ] }\n", "line 1: tls_server_config.cert_file: must be a text"},
		{"tls_server_config: { cipher_suites: a }\n",
		 "line 1: tls_server_config.cipher_suites: must be a list"},
		{"tls_server_config: { cipher_suites: [ [ a ] ] }\n",
		 "line 1: tls_server_config.cipher_suites: must be a list of texts"},
		{"tls_server_config: { prefer_server_cipher_suites: 1 }\n",
		 "line 1: tls_server_config.prefer_server_cipher_suites: must be true or false"},
		{"http_server_config: { http2: perhaps }\n", "line 1: http_server_config.http2: must be true or false"},
		{"http_server_config: { headers: x }\n",
		 "line 1: http_server_config.headers: must be a mapping (\"key: value\" lines)"},
		{"http_server_config: { headers: { X-Frame-Options: allow } }\n",
		 "line 1: http_server_config.headers.X-Frame-Options: must be deny or sameorigin"},
		{"http_server_config: { headers: { X-Content-Type-Options: sniff } }\n",
		 "line 1: http_server_config.headers.X-Content-Type-Options: must be nosniff"},
		{"http_server_config: { headers: { X-XSS-Protection: \"1\\r\\nSet-Cookie: a\" } }\n",
		 "line 1: http_server_config.headers.X-XSS-Protection: must be a text of one line"},
		{"http_server_config: { headers: { Server: x } }\n",
		 "line 1: http_server_config.headers.Server: is not among the fields that may be set: "
		 "Content-Security-Policy, Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options, "
		 "X-XSS-Protection"},
		{"basic_auth_users: [ x ]\n", "line 1: basic_auth_users: must be a mapping (\"user: hash\" lines)"},
		{"basic_auth_users:\n  alice: s3cret\n",
		 "line 2: basic_auth_users.alice: must be a bcrypt hash, such as \"htpasswd -nBC 10 user\" makes"},
		{"basic_auth_users: { alice: [ x ] }\n",
		 "line 1: basic_auth_users.alice: must be a bcrypt hash, such as \"htpasswd -nBC 10 user\" makes"},
		{"basic_auth_users: { a: $2y$31$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u }\n",
		 "line 1: basic_auth_users.a: the cost of the bcrypt hash must be between 4 and 17"},
		{"rate_limit: { burst: -1 }\n", "line 1: rate_limit.burst: must be an integer between 0 and 1000000"},
		{"rate_limit: { burst: 1000001 }\n",
		 "line 1: rate_limit.burst: must be an integer between 0 and 1000000"},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct err err = {0};
		cr_expect_null(web_config_parse(table[i].text, strlen(table[i].text), &err), "%s", table[i].text);
		cr_expect_str_eq(err.text, table[i].why, "%s\n%s\n%s", table[i].text, err.text, table[i].why);
	}
}

Test(web_config, ceilings)
{
	struct text text = {0};
	struct err err = {0};
	while (text.length <= WEB_CONFIG_BYTES_MAX)
		text_add(&text, "# nothing\n");
	cr_expect_null(web_config_parse(text.bytes, text.length, &err));
	cr_expect_str_eq(err.text, "is longer than 256 KiB");
	text_clear(&text);
	text_add(&text, "basic_auth_users:\n");
	for (unsigned i = 0; i < 1001; i++)
		text_add_format(&text, "  u%u: " HASH "\n", i);
	cr_expect_null(web_config_parse(text.bytes, text.length, &err));
	cr_expect_str_eq(err.text, "line 2: basic_auth_users: more than 1000 users");
	text_free(&text);
}
