#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blackbox_fixture.h"
#include "core/clock.h"

/* --- modules ----------------------------------------------------------------------------------------------------- */

Test(blackbox_config, modules)
{
	struct modules modules = load("modules:\n"
				      "  a: { prober: icmp, timeout: 5s }\n"
				      "  b: { prober: icmp, timeout: 1m0.5s }\n"
				      "  c: { prober: icmp, timeout: -5s }\n"
				      "  d: { prober: icmp, timeout: '0' }\n"
				      "  e:\n"
				      "  f: { timeout: 2s }\n"
				      "  g: { prober: foo }\n"
				      "  h: { prober: grpc, grpc: { service: x, tls: true } }\n"
				      "  i: { prober: unix }\n"
				      "  j: { prober: websocket, websocket: { headers: {} } }\n");
	cr_assert_eq(modules.n, 10);
	cr_expect_str_eq(modules.items[0].name, "a");
	cr_expect_str_eq(modules.items[0].type->name, "ping");
	cr_expect_null(modules.items[0].refused);
	cr_expect_eq(modules.items[0].timeout_ns, 5 * NS_PER_SECOND);
	cr_expect_eq(modules.items[1].timeout_ns, 60 * NS_PER_SECOND + NS_PER_SECOND / 2);
	cr_expect_eq(modules.items[2].timeout_ns, 0);
	cr_expect_eq(modules.items[3].timeout_ns, 0);
	expect_refused(&modules, "e", "it has no prober");
	expect_refused(&modules, "f", "it has no prober");
	cr_expect_eq(modules.items[5].timeout_ns, 2 * NS_PER_SECOND);
	expect_refused(&modules, "g", "there is no prober foo");
	expect_refused(&modules, "h", "prober grpc is not supported");
	expect_refused(&modules, "i", "prober unix is not supported");
	expect_refused(&modules, "j", "prober websocket is not supported");
	cr_expect_str_eq(modules.items[7].shown, "prober: grpc\ngrpc:\n  service: x\n  tls: true\n");
	cr_expect_null(modules_find(&modules, "k"));
	modules_free(&modules);
	modules_free(&modules);
}

Test(blackbox_config, nothing)
{
	static const char *const strings[] = {"{}", "modules:", "modules: {}", "modules: {}\n---\nfoo: 1\n",
					      "modules: ~"};
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		struct modules modules = load(strings[i]);
		cr_expect_eq(modules.n, 0);
		modules_free(&modules);
	}
}

Test(blackbox_config, errors)
{
	static const struct {
		const char *string, *error;
	} cases[] = {
		{"", "b.yml: line 1: must be a mapping (\"key: value\" lines)"},
		{"[a]", "b.yml: line 1: must be a mapping (\"key: value\" lines)"},
		{"module: {}", "b.yml: line 1: module: unknown field, did you mean modules?"},
		{"modules: [a]", "b.yml: line 1: modules: must be a mapping (\"key: value\" lines)"},
		{"modules: { a: [] }", "b.yml: line 1: modules.a: must be a mapping (\"key: value\" lines)"},
		{"modules:\n  a:\n    prober: http\n    http:\n      methd: GET\n",
		 "b.yml: line 5: modules.a.http.methd: unknown field, did you mean method?"},
		{"modules: { a: { prober: [] } }", "b.yml: line 1: modules.a.prober: must be a text"},
		{"modules: { a: { zzzzzzzz: 1 } }", "b.yml: line 1: modules.a.zzzzzzzz: unknown field"},
		{"modules: { a: { timeout: 5 } }",
		 "b.yml: line 1: modules.a.timeout: must be a duration such as 5s, 500ms or 1m30s"},
		{"modules: { a: { timeout: 1d } }",
		 "b.yml: line 1: modules.a.timeout: must be a duration such as 5s, 500ms or 1m30s"},
		{"modules: { a: { timeout: [] } }", "b.yml: line 1: modules.a.timeout: must be a text"},
		{"modules: { a: { grpc: { foo: 1 } } }", "b.yml: line 1: modules.a.grpc.foo: unknown field"},
		{"modules: { a: {}, a: {} }", "b.yml: line 1: a is there twice"},
		{"modules: { a: &x { <<: 1 } }", "b.yml: line 1: modules.a.<<: must be a mapping, or a list of them"},
		{"modules: { a: &x { <<: [1] } }", "b.yml: line 1: modules.a.<<[0]: must be a mapping"},
		{"modules: { a: { icmp: { ttl: 256 } } }",
		 "b.yml: line 1: modules.a.icmp.ttl: must be between 0 and 255"},
		{"modules: { a: { icmp: { ttl: -1 } } }",
		 "b.yml: line 1: modules.a.icmp.ttl: must be between 0 and 255"},
		{"modules: { a: { icmp: { ttl: '5' } } }", "b.yml: line 1: modules.a.icmp.ttl: must be an integer"},
		{"modules: { a: { icmp: { ttl: 1.5 } } }", "b.yml: line 1: modules.a.icmp.ttl: must be an integer"},
		{"modules: { a: { icmp: { ttl: x } } }", "b.yml: line 1: modules.a.icmp.ttl: must be an integer"},
		{"modules: { a: { icmp: { payload_size: x } } }",
		 "b.yml: line 1: modules.a.icmp.payload_size: must be an integer"},
		{"modules: { a: { icmp: { dont_fragment: 1 } } }",
		 "b.yml: line 1: modules.a.icmp.dont_fragment: must be true or false"},
		{"modules: { a: { icmp: { dont_fragment: 'true' } } }",
		 "b.yml: line 1: modules.a.icmp.dont_fragment: must be true or false"},
		{"modules: { a: { icmp: { source_ip_address: [] } } }",
		 "b.yml: line 1: modules.a.icmp.source_ip_address: must be a text"},
		{"modules: { a: { icmp: { preferred_ip_protocol: [] } } }",
		 "b.yml: line 1: modules.a.icmp.preferred_ip_protocol: must be a text"},
		{"modules: { a: { icmp: { ip_protocol_fallback: x } } }",
		 "b.yml: line 1: modules.a.icmp.ip_protocol_fallback: must be true or false"},
		{"modules:\n\ta: {}", "b.yml: line 2: found character that cannot start any token"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_error(cases[i].string, cases[i].error);
}

/* With aliases, a thousand bytes can stand for as many values as one likes. */
Test(blackbox_config, too_much)
{
	struct text string = {0};
	struct modules modules;
	struct err err = {0};
	text_add(&string, "modules:\n  a: { http: { fail_if_body_matches_regexp: &l [");
	for (int i = 0; i < 2000; i++)
		text_add(&string, "x,");
	text_add(&string, "] } }\n");
	for (int i = 0; i < 1000; i++)
		text_add_format(&string, "  m%d: { http: { fail_if_body_matches_regexp: *l } }\n", i);
	cr_expect_eq(blackbox_config_load_string(text_string(&string), "b.yml", &modules, &err), -1);
	cr_expect(strstr(err.text, "with its aliases, the file has more than 1000000 values"), "%s", err.text);
	text_free(&string);
}

Test(blackbox_config, merged)
{
	struct modules modules = load("modules:\n"
				      "  a: &a { prober: icmp, timeout: 5s, icmp: &i { ttl: 7 } }\n"
				      "  b: { <<: *a, timeout: 6s }\n"
				      "  c: { <<: [ *a, { timeout: 9s } ], icmp: { <<: *i, payload_size: 99 } }\n");
	cr_assert_eq(modules.n, 3);
	cr_expect_eq(modules.items[1].timeout_ns, 6 * NS_PER_SECOND);
	expect_option(&modules, "b", "ttl", "7");
	cr_expect_eq(modules.items[2].timeout_ns, 5 * NS_PER_SECOND);
	expect_option(&modules, "c", "ttl", "7");
	expect_option(&modules, "c", "size", "99");
	cr_expect_str_eq(modules.items[1].shown, "timeout: 6s\nprober: icmp\nicmp:\n  ttl: 7\n");
	cr_expect_str_eq(modules.items[2].shown, "icmp:\n  payload_size: 99\n  ttl: 7\nprober: icmp\ntimeout: 5s\n");
	modules_free(&modules);
}

/* --- icmp -------------------------------------------------------------------------------------------------------- */

Test(blackbox_config, icmp)
{
	static const struct expected_option defaults[] = {
		{"count", "1"}, {"size", "28"}, {"ttl", "64"}, {"family", "prefer_ipv6"}, {"dont_fragment", "false"},
		{NULL, NULL}};
	static const struct expected_option all[] = {{"size", "1001"},        {"ttl", "5"},
						     {"family", "only_ipv4"}, {"dont_fragment", "true"},
						     {"source", "127.0.0.1"}, {NULL, NULL}};
	struct modules modules =
		load("modules:\n"
		     "  plain: { prober: icmp }\n"
		     "  all: { prober: icmp, icmp: { preferred_ip_protocol: ip4, ip_protocol_fallback: no, "
		     "source_ip_address: 127.0.0.1, payload_size: 1001, dont_fragment: yes, ttl: 0x5 } }\n"
		     "  only6: { prober: icmp, icmp: { preferred_ip_protocol: ip6, ip_protocol_fallback: false } }\n"
		     "  prefer4: { prober: icmp, icmp: { preferred_ip_protocol: whatever, payload_size: 0, ttl: 0 } }\n"
		     "  small: { prober: icmp, icmp: { payload_size: 3, source_ip_address: '', ttl: } }\n"
		     "  large: { prober: icmp, icmp: { payload_size: 66000 } }\n"
		     "  negative: { prober: icmp, icmp: { payload_size: -5, source_ip_address: x } }\n"
		     "  source:\n    prober: icmp\n    icmp: { source_ip_address: x }\n");
	expect_options(&modules, "plain", defaults);
	expect_options(&modules, "all", all);
	expect_option(&modules, "only6", "family", "only_ipv6");
	expect_option(&modules, "prefer4", "family", "prefer_ipv4");
	expect_option(&modules, "prefer4", "size", "28");
	expect_option(&modules, "prefer4", "ttl", "0");
	expect_option(&modules, "small", "size", "16");
	expect_option(&modules, "small", "ttl", "64");
	cr_expect(strstr(modules_find(&modules, "large")->refused, "line 7: modules.large.icmp.payload_size: must be"),
		  "%s", modules_find(&modules, "large")->refused);
	cr_expect(strstr(modules_find(&modules, "negative")->refused, "payload_size"));
	expect_refused(&modules, "source", "line 10: modules.source: source: \"x\" is not an IP address");
	modules_free(&modules);
}

/* --- dns --------------------------------------------------------------------------------------------------------- */

Test(blackbox_config, dns)
{
	static const struct expected_option defaults[] = {{"query_name", "x"},
							  {"query_type", "ANY"},
							  {"query_class", "IN"},
							  {"transport", "udp"},
							  {"edns_size", "0"},
							  {"attempts", "1"},
							  {"retry_truncated", "false"},
							  {"random_case", "false"},
							  {"recursion_desired", "true"},
							  {"family", "prefer_ipv6"},
							  {NULL, NULL}};
	static const struct expected_option all[] = {{"query_name", "www.example"},
						     {"query_type", "SOA"},
						     {"query_class", "CH"},
						     {"transport", "tls"},
						     {"tls_verify", "false"},
						     {"recursion_desired", "false"},
						     {"source", "127.0.0.1"},
						     {"valid_rcodes", "NOERROR,NXDOMAIN"},
						     {"fail_if_answer_matches", "a,\\.$"},
						     {"fail_if_answer_all_match", "b"},
						     {"fail_if_answer_not_matches", "c"},
						     {"fail_if_answer_none_matches", "[\\t\\n\\f\\r\\x20]"},
						     {"fail_if_authority_matches", "e"},
						     {"fail_if_additional_none_matches", "f"},
						     {NULL, NULL}};
	struct modules modules = load(
		"modules:\n"
		"  plain: { prober: dns, dns: { query_name: x, query_type: '', query_class: '', valid_rcodes: [] } }\n"
		"  none: { prober: dns }\n"
		"  tcp: { prober: dns, dns: { query_name: x, transport_protocol: tcp } }\n"
		"  tls: { prober: dns, dns: { query_name: x, dns_over_tls: true } }\n"
		"  quic: { prober: dns, dns: { query_name: x, transport_protocol: quic } }\n"
		"  rcode: { prober: dns, dns: { query_name: x, valid_rcodes: [ FOO ] } }\n"
		"  regex: { prober: dns, dns: { query_name: x, validate_answer_rrs: { fail_if_matches_regexp: [ '(' ] "
		"} } }\n"
		"  all:\n"
		"    prober: dns\n"
		"    dns:\n"
		"      query_name: www.example\n"
		"      query_type: SOA\n"
		"      query_class: CH\n"
		"      transport_protocol: tcp\n"
		"      dns_over_tls: true\n"
		"      tls_config: { insecure_skip_verify: true }\n"
		"      recursion_desired: false\n"
		"      source_ip_address: 127.0.0.1\n"
		"      valid_rcodes: [ NOERROR, NXDOMAIN ]\n"
		"      validate_answer_rrs:\n"
		"        fail_if_matches_regexp: [ a, '\\.$' ]\n"
		"        fail_if_all_match_regexp: [ b ]\n"
		"        fail_if_not_matches_regexp: [ c ]\n"
		"        fail_if_none_matches_regexp: [ '\\s' ]\n"
		"      validate_authority_rrs: { fail_if_matches_regexp: [ e ] }\n"
		"      validate_additional_rrs: { fail_if_none_matches_regexp: [ f ] }\n");
	expect_options(&modules, "plain", defaults);
	expect_option(&modules, "tcp", "transport", "tcp");
	expect_options(&modules, "all", all);
	expect_refused(&modules, "none", "line 3: modules.none: dns.query_name must be given");
	expect_refused(&modules, "tls", "line 5: modules.tls.dns: dns_over_tls needs transport_protocol tcp");
	expect_refused(&modules, "quic", "line 6: modules.quic.dns: transport_protocol must be udp or tcp");
	cr_expect(strstr(modules_find(&modules, "rcode")->refused, "FOO"));
	expect_refused(
		&modules, "regex",
		"line 8: modules.regex.dns.validate_answer_rrs.fail_if_matches_regexp[0]: the regular expression "
		"\"(\" does not compile: character 2: missing )");
	modules_free(&modules);
}

Test(blackbox_config, dns_errors)
{
	static const struct {
		const char *dns, *error;
	} cases[] = {
		{"{}", "dns: query_name must be given"},
		{"{ query_name: '' }", "dns: query_name must be given"},
		{"{ query_name: x, query_type: a }", "dns.query_type: there is no query type \"a\""},
		{"{ query_name: x, query_type: TYPE65 }", "dns.query_type: there is no query type \"TYPE65\""},
		{"{ query_name: x, query_type: [] }", "dns.query_type: must be a text"},
		{"{ query_name: x, query_class: XX }", "dns.query_class: there is no query class \"XX\""},
		{"{ query_name: x, query_class: [] }", "dns.query_class: must be a text"},
		{"{ query_name: x, transport_protocol: [] }", "dns.transport_protocol: must be a text"},
		{"{ query_name: x, dns_over_tls: 1 }", "dns.dns_over_tls: must be true or false"},
		{"{ query_name: x, valid_rcodes: a }", "dns.valid_rcodes: must be a list"},
		{"{ query_name: x, validate_answer_rrs: { a: 1 } }", "dns.validate_answer_rrs.a: unknown field"},
		{"{ query_name: x, validate_answer_rrs: { fail_if_matches_regexp: [ {} ] } }",
		 "dns.validate_answer_rrs.fail_if_matches_regexp[0]: must be a text"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* Also in a module of another prober. */
		char *string = mem_format("modules: { a: { prober: icmp, dns: %s } }", cases[i].dns);
		char *error = mem_format("b.yml: line 1: modules.a.%s", cases[i].error);
		expect_error(string, error);
		mem_free(string);
		mem_free(error);
	}
}

/* --- tcp --------------------------------------------------------------------------------------------------------- */

static void expect_steps(const char *dialogue, const char *steps)
{
	char *string = mem_format("modules: { a: { prober: tcp, tcp: { query_response: %s } } }", dialogue);
	struct modules modules = load(string);
	expect_option(&modules, "a", "steps", steps);
	modules_free(&modules);
	mem_free(string);
}

Test(blackbox_config, tcp_dialogues)
{
	expect_steps("[]", "");
	expect_steps("[ null ]", "");
	expect_steps("[ {}, { send: '', expect_bytes: '', starttls: false } ]", "");
	expect_steps("[ { expect: '^SSH-2.0-' }, { send: SSH } ]", "expect ^SSH-2.0-,send SSH");
	expect_steps("[ { expect: '' } ]", "expect ^");
	/* Only after an expect of its own is anything replaced. */
	expect_steps("[ { expect: 'PING :([^ ]+)',send: 'PONG ${1} $$' }, { send: 'a ${1} $' } ]",
		     "expect PING :([^ ]+),send PONG ${1} $$,send a $${1} $$");
	/* In this order, whatever that of the fields is. */
	expect_steps("[ { starttls: true, send: b, expect: a } ]", "expect a,send b,starttls");
	expect_steps("[ { send: \"EHLO prober\\r\" } ]", "send EHLO prober\r");
	expect_steps("[ { send: !!binary AAAACATSFi8= }, { expect_bytes: S }, { starttls: true } ]",
		     "send_raw \\x00\\x00\\x00\\x08\\x04\\xd2\\x16/\\n,expect_bytes S,starttls");
	expect_steps("[ { send: \"a\\0\\\\\" } ]", "send_raw a\\x00\\\\\\n");
	expect_steps("[ { send: !!binary 'aGkh' } ]", "send hi!");
	expect_steps("[ { expect_bytes: \"\\xe9\\n\\\\\" } ]", "expect_bytes \\xc3\\xa9\\x0a\\\\");
	expect_steps("[ { expect: '^220 (.*)$',labels: [ { name: host, value: '${1}' }, { name: b } ] } ]",
		     "expect ^220 (.*)$,label host=${1},label b=");
}

Test(blackbox_config, tcp)
{
	static const struct expected_option all[] = {{"tls", "true"},
						     {"family", "only_ipv4"},
						     {"source", "127.0.0.1"},
						     {"tls_server_name", "name"},
						     {"tls_min_version", "tls1.0"},
						     {"tls_max_version", "tls1.3"},
						     {"tls_ca_file", "/ca"},
						     {NULL, NULL}};
	struct modules modules =
		load("modules:\n"
		     "  plain: { prober: tcp }\n"
		     "  all: { prober: tcp, tcp: { tls: true, preferred_ip_protocol: ip4, ip_protocol_fallback: false, "
		     "source_ip_address: 127.0.0.1, tls_config: { server_name: name, min_version: TLS10, max_version: "
		     "TLS13, ca_file: /ca } } }\n"
		     "  both: { prober: tcp, tcp: { tls_config: { ca_file: a, ca: b } } }\n"
		     "  key: { prober: tcp, tcp: { tls_config: { key_file: a } } }\n"
		     "  cert: { prober: tcp, tcp: { tls_config: { cert_file: a } } }\n"
		     "  pair: { prober: tcp, tcp: { tls_config: { cert_file: a, key_file: b } } }\n"
		     "  ref: { prober: tcp, tcp: { tls_config: { ca_ref: a } } }\n"
		     "  label: { prober: tcp, tcp: { query_response: [ { expect: a,labels: [ { name: 9, value: b } ] "
		     "} ] } }\n");
	expect_option(&modules, "plain", "tls", "false");
	expect_option(&modules, "plain", "family", "prefer_ipv6");
	expect_options(&modules, "all", all);
	expect_option(&modules, "pair", "tls_cert_file", "a");
	expect_refused(&modules, "both", "line 4: modules.both.tcp.tls_config: ca and ca_file must not be given both");
	expect_refused(&modules, "key",
		       "line 5: modules.key.tcp.tls_config: a certificate needs a key, and a key a certificate");
	expect_refused(&modules, "cert",
		       "line 6: modules.cert.tcp.tls_config: a certificate needs a key, and a key a certificate");
	expect_refused(&modules, "ref", "line 8: modules.ref.tcp.tls_config.ca_ref: is not supported by netsonde");
	cr_expect_not_null(modules_find(&modules, "label")->refused);
	modules_free(&modules);
}

Test(blackbox_config, tcp_errors)
{
	static const struct {
		const char *tcp, *error;
	} cases[] = {
		{"{ query_response: {} }", "query_response: must be a list"},
		{"{ query_response: [ a ] }", "query_response[0]: must be a mapping (\"key: value\" lines)"},
		{"{ query_response: [ {}, { expct: a } ] }",
		 "query_response[1].expct: unknown field, did you mean expect?"},
		{"{ query_response: [ { expect: '(' } ] }",
		 "query_response[0].expect: the regular expression \"(\" does not compile: character 2: missing )"},
		{"{ query_response: [ { expect: [] } ] }", "query_response[0].expect: must be a text"},
		{"{ query_response: [ { expect: a, expect_bytes: b } ] }",
		 "query_response[0]: expect and expect_bytes must not be given both"},
		{"{ query_response: [ { send: [] } ] }", "query_response[0].send: must be a text"},
		{"{ query_response: [ { send: !!binary 'a?b' } ] }",
		 "query_response[0].send: must be base64, as !!binary says"},
		{"{ query_response: [ { send: !!binary 'a?bc' } ] }",
		 "query_response[0].send: must be base64, as !!binary says"},
		{"{ query_response: [ { starttls: 1 } ] }", "query_response[0].starttls: must be true or false"},
		{"{ query_response: [ { labels: a } ] }", "query_response[0].labels: must be a list"},
		{"{ query_response: [ { labels: [ { name: [] } ] } ] }",
		 "query_response[0].labels[0].name: must be a text"},
		{"{ query_response: [ { labels: [ { value: [] } ] } ] }",
		 "query_response[0].labels[0].value: must be a text"},
		{"{ tls_config: { min_version: TLS9 } }",
		 "tls_config.min_version: must be TLS10, TLS11, TLS12 or TLS13"},
		{"{ tls_config: { min_version: [] } }", "tls_config.min_version: must be a text"},
		{"{ tls_config: { foo: 1 } }", "tls_config.foo: unknown field"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *string = mem_format("modules: { a: { prober: tcp, tcp: %s } }", cases[i].tcp);
		char *error = mem_format("b.yml: line 1: modules.a.tcp.%s", cases[i].error);
		expect_error(string, error);
		mem_free(string);
		mem_free(error);
	}
	struct text string = {0};
	struct modules modules;
	struct err err = {0};
	text_add(&string, "modules: { a: { tcp: { query_response: [ { send: ");
	for (int i = 0; i < 70000; i++)
		text_add_char(&string, 'x');
	text_add(&string, " } ] } } }");
	cr_expect_eq(blackbox_config_load_string(text_string(&string), "b.yml", &modules, &err), -1);
	cr_expect(strstr(err.text, "send: longer than 65536 bytes"), "%s", err.text);
	text_free(&string);
}

/* --- what is shown ----------------------------------------------------------------------------------------------- */

Test(blackbox_config, secrets_are_not_shown)
{
	static const char string[] =
		"modules:\n"
		"  a:\n"
		"    prober: http\n"
		"    timeout: '5s'\n"
		"    http:\n"
		"      basic_auth: { username: me, password: hidden }\n"
		"      bearer_token:\n"
		"      headers: { authorization: hidden, Cookie: hidden, X-Plain: \"a\\n\\\"b\\\\\\x01\" }\n"
		"      http_headers: { X-A: { values: [ one ], secrets: [ hidden, hidden ] } }\n"
		"      proxy_url: http://user:hidden@proxy:3128/\n"
		"      proxy_connect_header: { X-P: [ hidden ] }\n"
		"      tls_config: { key: hidden, cert: shown, insecure_skip_verify: true }\n"
		"      valid_status_codes: []\n"
		"  b:\n"
		"    prober: grpc\n"
		"    grpc: { metadata: { token: [ hidden ] } }\n"
		"  c:\n"
		"    prober: http\n"
		"    http:\n"
		"      oauth2: { client_id: id, client_secret: hidden, endpoint_params: { a: hidden } }\n"
		"      proxy_url: http://user@proxy\n"
		"  d:\n"
		"    prober: tcp\n"
		"    tcp: { query_response: [ { send: !!binary AAAA }, { expect: '', send: ~ } ] }\n"
		"    'odd key':\n";
	struct modules modules;
	struct err err = {0};
	cr_expect_eq(blackbox_config_load_string(string, "b.yml", &modules, &err), -1); /* the odd key */
	char *rest = mem_copy_string(string);
	*strstr(rest, "    'odd key'") = '\0';
	modules = load(rest);
	cr_assert_eq(modules.n, 4);
	for (size_t i = 0; i < modules.n; i++) {
		cr_expect_null(strstr(modules.items[i].shown, "hidden"), "%s", modules.items[i].shown);
		cr_expect(!modules.items[i].refused || !strstr(modules.items[i].refused, "hidden"));
	}
	cr_expect_str_eq(modules.items[0].shown,
			 "prober: http\n"
			 "timeout: \"5s\"\n"
			 "http:\n"
			 "  basic_auth:\n"
			 "    username: me\n"
			 "    password: <secret>\n"
			 "  bearer_token: null\n"
			 "  headers:\n"
			 "    authorization: <secret>\n"
			 "    Cookie: <secret>\n"
			 "    X-Plain: \"a\\n\\\"b\\\\\\x01\"\n"
			 "  http_headers:\n"
			 "    X-A:\n"
			 "      values:\n"
			 "        - one\n"
			 "      secrets:\n"
			 "        - <secret>\n"
			 "        - <secret>\n"
			 "  proxy_url: \"http://user:<secret>@proxy:3128/\"\n"
			 "  proxy_connect_header:\n"
			 "    X-P:\n"
			 "      - <secret>\n"
			 "  tls_config:\n"
			 "    key: <secret>\n"
			 "    cert: shown\n"
			 "    insecure_skip_verify: true\n"
			 "  valid_status_codes: []\n",
			 "%s", modules.items[0].shown);
	cr_expect(strstr(modules.items[2].shown, "  proxy_url: \"http://user@proxy\"\n"), "%s", modules.items[2].shown);
	cr_expect_str_eq(modules.items[3].shown,
			 "prober: tcp\n"
			 "tcp:\n"
			 "  query_response:\n"
			 "    -\n"
			 "      send: !!binary AAAA\n"
			 "    -\n"
			 "      expect: \"\"\n"
			 "      send: null\n",
			 "%s", modules.items[3].shown);
	mem_free(rest);
	modules_free(&modules);
}

Test(blackbox_config, long_modules_are_cut)
{
	struct text string = {0};
	text_add(&string, "modules: { a: { prober: http, http: { body: ");
	for (int i = 0; i < 10000; i++)
		text_add(&string, "0123456789");
	text_add(&string, ", headers: { a: b } } } }");
	struct modules modules = load(text_string(&string));
	cr_expect_lt(strlen(modules.items[0].shown), 66000);
	cr_expect(strstr(modules.items[0].shown, "\n# and more\n"));
	modules_free(&modules);
	text_free(&string);
}

/* --- files ------------------------------------------------------------------------------------------------------- */

static char *write_file(const char *content)
{
	char *path = mem_copy_string("/tmp/test_blackbox_config.XXXXXX");
	int fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	close(fd);
	return path;
}

Test(blackbox_config, file)
{
	struct modules modules;
	struct err err = {0};
	char *path = write_file("modules: { a: { prober: icmp } }\n");
	cr_expect_eq(blackbox_config_load(path, &modules, &err), 0, "%s", err.text);
	cr_expect_eq(modules.n, 1);
	modules_free(&modules);
	unlink(path);
	cr_expect_eq(blackbox_config_load(path, &modules, &err), -1);
	char *why = mem_format("%s: cannot open: No such file or directory", path);
	cr_expect_str_eq(err.text, why);
	mem_free(why);
	mem_free(path);
	path = write_file("");
	cr_expect_eq(blackbox_config_load(path, &modules, &err), -1);
	unlink(path);
	mem_free(path);
}

Test(blackbox_config, secrets_in_files)
{
	char *path = write_file("the secret\n");
	char *http = mem_format("{ basic_auth: { username_file: %s, password_file: %s } }", path, path);
	expect_http(http, "user", "the secret");
	expect_http(http, "password", "<secret>");
	mem_free(http);
	http = mem_format("{ bearer_token_file: %s }", path);
	expect_http(http, "bearer_token", "<secret>");
	mem_free(http);
	http = mem_format("{ authorization: { credentials_file: %s } }", path);
	expect_http(http, "bearer_token", "<secret>");
	mem_free(http);
	http = mem_format("{ http_headers: { X-A: { files: [ %s ] } } }", path);
	expect_http(http, "secret_headers", "<secret>");
	expect_http(http, "headers", "");
	mem_free(http);
	unlink(path);
	mem_free(path);
}
