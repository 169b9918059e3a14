#include "config_fixture.h"

#include "daemon/config_reader.h"

#define NEITHER(text)  "\"" text "\" is neither an IP address nor a host name"
#define NOT_IPV4(text) "\"" text "\" is not an IPv4 address"
#define NO_PORT(text)  "\"" text "\" is not an address, a host name, host:port or a URL"
#define L63            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

Test(config_address, of_a_target)
{
	static const struct {
		const char *address, *error; /* NULL = good */
	} rows[] = {
		{"192.0.2.1", NULL},
		{"2001:db8::1", NULL},
		{"[2001:db8::1]", NULL},
		{"[2001:db8::1]:443", NULL},
		{"192.0.2.1:53", NULL},
		{"fe80::1%no-such-interface", NULL},
		{"example", NULL},
		{"example.com.", NULL},
		{"_dns._udp.example.com", NULL},
		{"xn--bcher-kva.example", NULL},
		{"a-b.example:8080", NULL},
		{"1and1.example", NULL},
		{"https://shop.example/a?b=c#d", NULL},
		{"/run/some.socket", NULL},
		{L63 ".example", NULL},
		{L63 "." L63 "." L63 ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
		{"https://shop.example/a@b", NULL},
		{"https://u:p@shop.example/",
		 "must not have user and password in it: they would be shown with the address"},
		{"u:p@shop.example", "must not have user and password in it: they would be shown with the address"},
		{"", "is empty"},
		{"a b", "must not have blanks or control characters"},
		{"a\tb", "must not have blanks or control characters"},
		{"a\x7f", "must not have blanks or control characters"},
		{".", NEITHER(".")},
		{".example", NEITHER(".example")},
		{"a..b", NEITHER("a..b")},
		{"-a.example", NEITHER("-a.example")},
		{"a-.example", NEITHER("a-.example")},
		{"b\xc3\xbc"
		 "cher.example",
		 NEITHER("b\xc3\xbc"
			 "cher.example")},
		{"a,b", NEITHER("a,b")},
		{L63 "a.example", NEITHER(L63 "a.example")},
		{L63 "." L63 "." L63 "." L63, "the host name is longer than 253 bytes"},
		{"192.0.2", NOT_IPV4("192.0.2")},
		{"192.0.2.256", NOT_IPV4("192.0.2.256")},
		{"192.0.2.1.", NOT_IPV4("192.0.2.1.")},
		{"1", NOT_IPV4("1")},
		{"192.0.2.999:53", NOT_IPV4("192.0.2.999")},
		{"example:port", NO_PORT("example:port")},
		{"example:70000", NO_PORT("example:70000")},
		{":53", NO_PORT(":53")},
		{"fe80::1%", NO_PORT("fe80::1%")},
		{"192.0.2.1%eth0", NEITHER("192.0.2.1%eth0")},
		{"2001:db8::g", NO_PORT("2001:db8::g")},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = {0};
		int result = config_check_address(rows[i].address, &err);

		cr_expect_eq(result, rows[i].error ? -1 : 0, "%s: %s", rows[i].address, err.text);
		if (rows[i].error && result < 0)
			cr_expect_str_eq(err.text, rows[i].error);
	}
}

Test(config_address, of_resolvers_and_listeners)
{
	static const struct {
		const char *text;
		bool is_resolver, is_listener;
	} rows[] = {
		{"192.0.2.1", true, true},
		{"192.0.2.1:53", true, true},
		{"[::1]:53", true, true},
		{"::1", true, true},
		{"192.0.2.1,[::1]:53 , 192.0.2.2", true, false},
		{"", false, false},
		{",", false, false},
		{"192.0.2.1,", false, false},
		{"dns.example", false, false},
		{"localhost:9975", false, false},
		{":9975", false, false},
		{"192.0.2.1:port", false, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = {0};

		cr_expect_eq(config_check_resolver(rows[i].text, &err) == 0, rows[i].is_resolver, "%s", rows[i].text);
		cr_expect_eq(config_check_listen(rows[i].text, &err) == 0, rows[i].is_listener, "%s", rows[i].text);
	}
}
