#include <criterion/criterion.h>
#include <string.h>

#include "blackbox_fixture.h"
#include "daemon/blackbox_prober.h"

/* --- http -------------------------------------------------------------------------------------------------------- */

Test(blackbox_config, http)
{
	static const struct expected_option defaults[] = {
		{"method", "GET"},        {"family", "prefer_ipv6"},   {"follow_redirects", "true"},
		{"valid_status", "2xx"},  {"http_version", "default"}, {"compression", "none"},
		{"body_size_limit", "0"}, {"tls_verify", "true"},      {NULL, NULL}};
	static const struct expected_option all[] = {
		{"method", "POST"},
		{"body", "{}"},
		{"family", "only_ipv4"},
		{"valid_status", "200,404"},
		{"valid_versions", "1.1,2,2"},
		{"headers", "Accept-Language: en-US,Accept-Encoding: gzip,X-A: one,X-A: two"},
		{"secret_headers", "<secret>"},
		{"host", "vhost.example"},
		{"fail_if_tls", "false"},
		{"fail_if_not_tls", "true"},
		{"fail_if_body_matches", "Could,not"},
		{"fail_if_body_not_matches", "\\x0a"},
		{"fail_if_header_matches", "Set-Cookie?: .*"},
		{"fail_if_header_not_matches", "Access-Control-Allow-Origin: (\\*|example\\.com)"},
		{"compression", "gzip"},
		{"body_size_limit", "10MiB"},
		{"user", "me"},
		{"password", "<secret>"},
		{"http_version", "1.1"},
		{"proxy", "http://proxy.example:3128"},
		{"proxy_user", "p r"},
		{"proxy_password", "<secret>"},
		{"proxy_headers", "X-P: a,X-P: b"},
		{"no_proxy", "localhost,.example"},
		{"skip_resolve_with_proxy", "true"},
		{"tls_server_name", "n"},
		{NULL, NULL}};
	struct modules modules =
		load("modules:\n"
		     "  plain: { prober: http }\n"
		     "  all:\n"
		     "    prober: http\n"
		     "    http:\n"
		     "      method: POST\n"
		     "      body: '{}'\n"
		     "      preferred_ip_protocol: ip4\n"
		     "      ip_protocol_fallback: false\n"
		     "      valid_status_codes: [ 200, 404 ]\n"
		     "      valid_http_versions: [ HTTP/1.1, HTTP/2.0, HTTP/2 ]\n"
		     "      headers: { Host: vhost.example, Accept-Language: en-US, Accept-Encoding: gzip }\n"
		     "      http_headers: { X-A: { values: [ one, two ], secrets: [ three ] }, X-B: null }\n"
		     "      fail_if_ssl: false\n"
		     "      fail_if_not_ssl: true\n"
		     "      fail_if_body_matches_regexp: [ Could, not ]\n"
		     "      fail_if_body_not_matches_regexp: [ \"\\n\" ]\n"
		     "      fail_if_header_matches: [ { header: Set-Cookie, allow_missing: true, regexp: '.*' } ]\n"
		     "      fail_if_header_not_matches:\n"
		     "      - { header: Access-Control-Allow-Origin, regexp: '(\\*|example\\.com)' }\n"
		     "      compression: gzip\n"
		     "      body_size_limit: 10MB\n"
		     "      basic_auth: { username: me, password: hidden }\n"
		     "      enable_http2: false\n"
		     "      proxy_url: http://p%20r:sec%3aret@proxy.example:3128\n"
		     "      no_proxy: 'localhost,.example'\n"
		     "      proxy_connect_header: { X-P: [ a, b ], X-Q: null }\n"
		     "      skip_resolve_phase_with_proxy: true\n"
		     "      tls_config: { server_name: n }\n");
	expect_options(&modules, "plain", defaults);
	expect_options(&modules, "all", all);
	modules_free(&modules);
}

static void expect_http_refused(const char *http, const char *why)
{
	struct modules modules = load_http(http);
	expect_refused(&modules, "a", why);
	modules_free(&modules);
}

Test(blackbox_config, http_fields_together)
{
	/* The old field goes before the new one. */
	expect_http("{ no_follow_redirects: true, follow_redirects: true }", "follow_redirects", "false");
	expect_http("{ follow_redirects: false, no_follow_redirects: false }", "follow_redirects", "true");
	expect_http("{ follow_redirects: false }", "follow_redirects", "false");
	expect_http("{ enable_http2: true }", "http_version", "default");
	expect_http("{ valid_status_codes: [] }", "valid_status", "2xx");
	expect_http("{ valid_status_codes: [ 0xc8, 404.0 ] }", "valid_status", "200,404");
	expect_http("{ bearer_token: x }", "bearer_token", "<secret>");
	expect_http("{ authorization: { credentials: x } }", "bearer_token", "<secret>");
	expect_http("{ authorization: { type: ' bearer ', credentials: x } }", "bearer_token", "<secret>");
	expect_http("{ authorization: { type: Token, credentials: x } }", "secret_headers", "<secret>");
	expect_http("{ authorization: { type: Token } }", "secret_headers", "");
	expect_http("{ authorization: { credentials: '' } }", "bearer_token", "");
	expect_http("{ basic_auth: { username: a, password: '' } }", "user", "a");
	expect_http("{ basic_auth: null, bearer_token: b }", "bearer_token", "<secret>");
	expect_http("{ proxy_url: '', proxy_from_environment: false, no_proxy: '' }", "proxy", "");
	expect_http("{ proxy_url: 'socks5://h:1' }", "proxy", "socks5://h:1");
	expect_http("{ headers: { hOst: a, X: null } }", "headers", "X: ");
	expect_http("{ headers: { hOst: a, X: null } }", "host", "a");
	expect_http("{ fail_if_header_matches: [] }", "fail_if_header_matches", "");
	expect_http("{ compression: '' }", "compression", "none");
	expect_http("{ compression: br, headers: { accept-encoding: 'gzip;q=1.0, br;q=0.5' } }", "compression", "br");
	expect_http("{ compression: br, headers: { accept-encoding: 'gzip, *' } }", "compression", "br");
}

Test(blackbox_config, sizes)
{
	static const char *const cases[][2] = {
		{"0", "0"},       {"10MB", "10MiB"},       {"1.5KB", "1536"}, {"100B", "100"},
		{"1KiB", "1KiB"}, {"1MB512KB", "1536KiB"}, {"-1MB", "0"},     {"1GB", "1GiB"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *http = mem_format("{ body_size_limit: %s }", cases[i][0]);
		struct modules modules = load_http(http);
		char *printed = print_option(&modules.items[0], "body_size_limit");
		int64_t expected, got;
		cr_assert_eq(option_parse_size(cases[i][1], &expected, NULL), 0);
		cr_assert_eq(option_parse_size(printed, &got, NULL), 0);
		cr_expect_eq(got, expected, "%s: %s", cases[i][0], printed);
		mem_free(printed);
		modules_free(&modules);
		mem_free(http);
	}
}

Test(blackbox_config, http_refused)
{
	static const char *const cases[][2] = {
		{"{ fail_if_body_json_matches_cel: body.a == 1 }",
		 "fail_if_body_json_matches_cel: is not supported by netsonde"},
		{"{ fail_if_body_json_not_matches_cel: body.a == 1 }",
		 "fail_if_body_json_not_matches_cel: is not supported by netsonde"},
		{"{ oauth2: { client_id: a, token_url: b } }", "oauth2: is not supported by netsonde"},
		{"{ proxy_from_environment: true }", "proxy_from_environment: is not supported by netsonde"},
		{"{ basic_auth: { username_ref: a } }", "basic_auth.username_ref: is not supported by netsonde"},
		{"{ basic_auth: { username: a, password_file: /nonexistent } }",
		 "basic_auth.password_file: /nonexistent: cannot open: No such file or directory"},
		{"{ bearer_token_file: /nonexistent }",
		 "bearer_token_file: /nonexistent: cannot open: No such file or directory"},
		{"{ authorization: { credentials_file: /nonexistent } }",
		 "authorization.credentials_file: /nonexistent: cannot open: No such file or directory"},
		{"{ http_headers: { X-A: { files: [ /nonexistent ] } } }",
		 "http_headers.X-A.files[0]: /nonexistent: cannot open: No such file or directory"},
		{"{ proxy_url: 'http://' }", "proxy_url: must be a URL such as http://proxy:3128"},
		{"{ compression: foo }", "compression: must be one of none, gzip, br, deflate, identity"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *why = mem_format("line 1: modules.a.http.%s", cases[i][1]);
		expect_http_refused(cases[i][0], why);
		mem_free(why);
	}
}

Test(blackbox_config, http_errors)
{
	static const char *const cases[][2] = {
		{"{ valid_status_codes: 200 }", ".valid_status_codes: must be a list"},
		{"{ valid_status_codes: [ '200' ] }", ".valid_status_codes[0]: must be an integer"},
		{"{ valid_http_versions: [ [] ] }", ".valid_http_versions[0]: must be a text"},
		{"{ follow_redirects: 1 }", ".follow_redirects: must be true or false"},
		{"{ no_follow_redirects: true, follow_redirects: 1 }", ".follow_redirects: must be true or false"},
		{"{ enable_http2: 1 }", ".enable_http2: must be true or false"},
		{"{ enable_http3: true }", ": enable_http3 needs enable_http2 to be false"},
		{"{ headers: [ a ] }", ".headers: must be a mapping (\"key: value\" lines)"},
		{"{ headers: { a: [] } }", ".headers.a: must be a text"},
		{"{ http_headers: { hOST: { values: [ a ] } } }",
		 ".http_headers.hOST: this header must not be set here"},
		{"{ http_headers: { x-amz-a: {} } }", ".http_headers.x-amz-a: this header must not be set here"},
		{"{ http_headers: { a: { values: [ [] ] } } }", ".http_headers.a.values[0]: must be a text"},
		{"{ http_headers: { a: { files: [ [] ] } } }", ".http_headers.a.files[0]: must be a text"},
		{"{ http_headers: { a: { vals: [] } } }", ".http_headers.a.vals: unknown field, did you mean values?"},
		{"{ fail_if_body_matches_regexp: [ '(' ] }", ".fail_if_body_matches_regexp[0]: the regular expression "
							     "\"(\" does not compile: character 2: missing )"},
		{"{ fail_if_body_matches_regexp: [ [] ] }", ".fail_if_body_matches_regexp[0]: must be a text"},
		{"{ fail_if_header_matches: [ { header: a } ] }",
		 ".fail_if_header_matches[0]: header and regexp must be given"},
		{"{ fail_if_header_matches: [ { regexp: a } ] }",
		 ".fail_if_header_matches[0]: header and regexp must be given"},
		{"{ fail_if_header_matches: [ null ] }", ".fail_if_header_matches[0]: header and regexp must be given"},
		{"{ fail_if_header_matches: [ { header: [] } ] }", ".fail_if_header_matches[0].header: must be a text"},
		{"{ fail_if_header_matches: [ { allow_missing: 1 } ] }",
		 ".fail_if_header_matches[0].allow_missing: must be true or false"},
		{"{ body: a, body_file: b }", ": body and body_file must not be given both"},
		{"{ body_size_limit: 1000 }", ".body_size_limit: must be a size such as 10MB or 512KiB"},
		{"{ body_size_limit: 10mb }", ".body_size_limit: must be a size such as 10MB or 512KiB"},
		{"{ body_size_limit: [] }", ".body_size_limit: must be a text"},
		{"{ compression: [] }", ".compression: must be a text"},
		{"{ compression: gzip, headers: { Accept-Encoding: br } }",
		 ": the header Accept-Encoding: br asks for no answer with compression gzip"},
		{"{ bearer_token: a, bearer_token_file: b }",
		 ": bearer_token and bearer_token_file must not be given both"},
		{"{ bearer_token: a, basic_auth: {} }",
		 ": at most one of basic_auth, oauth2, bearer_token and bearer_token_file must be given"},
		{"{ basic_auth: {}, authorization: {} }",
		 ": at most one of basic_auth, oauth2 and authorization must be given"},
		{"{ basic_auth: [] }", ".basic_auth: must be a mapping (\"key: value\" lines)"},
		{"{ bearer_token: [] }", ".bearer_token: must be a text"},
		{"{ bearer_token_file: [] }", ".bearer_token_file: must be a text"},
		{"{ authorization: { type: [] } }", ".authorization.type: must be a text"},
		{"{ authorization: { type: basic } }", ".authorization.type: must not be Basic: use basic_auth"},
		{"{ authorization: { credentials: [] } }", ".authorization.credentials: must be a text"},
		{"{ authorization: { credentials_file: [] } }", ".authorization.credentials_file: must be a text"},
		{"{ oauth2: { client: a } }", ".oauth2.client: unknown field"},
		{"{ proxy_url: ':foo' }", ".proxy_url: must be a URL such as http://proxy:3128"},
		{"{ proxy_url: [] }", ".proxy_url: must be a text"},
		{"{ no_proxy: a }", ": no_proxy needs proxy_url"},
		{"{ proxy_connect_header: { a: [ b ] } }", ": proxy_connect_header needs proxy_url"},
		{"{ proxy_connect_header: { a: b } }", ".proxy_connect_header.a: must be a list"},
		{"{ proxy_from_environment: true, proxy_url: 'http://a' }",
		 ": proxy_from_environment must not be given with proxy_url or no_proxy"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *string = mem_format("modules: { a: { prober: http, http: %s } }", cases[i][0]);
		char *error = mem_format("b.yml: line 1: modules.a.http%s", cases[i][1]);
		expect_error(string, error);
		mem_free(string);
		mem_free(error);
	}
}

Test(blackbox_config, encodings)
{
	static const struct {
		const char *compression, *accept;
		bool is_accepted;
	} cases[] = {
		{NULL, "br", true},
		{"", "br", true},
		{"gzip", NULL, true},
		{"gzip", "", true},
		{"gzip", "gzip", true},
		{"gzip", "br, gzip", true},
		{"gzip", "br;q=1.0, gzip;q=0.9", true},
		{"gzip", "br", false},
		{"gzip", "*", true},
		{"gzip", "*;q=0", false},
		{"gzip", "gzip;q=0", false},
		{"gzip", "gzip;q=0,*", true},
		{"gzip", " gzip ; q=0.5 ", true},
		{"gzip", "gzip;q=x", false},
		{"gzip", "gzip;", false},
		{"gzip", "gzipp", false},
		{"gzip", "br, identity", false},
		{"gzip", ",,gzip", true},
		{"identity", "br;q=0.5", false},
		{"gzip", "gzip;q=0.0004", false},
		{"gzip", ";q=1", false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(blackbox_encoding_is_accepted(cases[i].compression, cases[i].accept), cases[i].is_accepted,
			     "%s, %s", cases[i].compression, cases[i].accept);
}
