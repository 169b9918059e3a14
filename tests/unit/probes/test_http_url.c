#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"
#include "probes/http/http_url.h"

Test(http_url, parts)
{
	static const struct {
		const char *text, *whole, *host;
		uint16_t port;
		bool is_https;
	} table[] = {
		{"example.com", "http://example.com/", "example.com", 80, false},
		{"example.com:81/a?b#c", "http://example.com:81/a?b", "example.com", 81, false},
		{"https://Example.com/", "https://Example.com/", "Example.com", 443, true},
		{"HTTPS://example.com:444", "https://example.com:444/", "example.com", 444, true},
		{"http://[2001:db8::1]:8080/x", "http://[2001:db8::1]:8080/x", "2001:db8::1", 8080, false},
		{"[::1]", "http://[::1]/", "::1", 80, false},
		{"http://[fe80::1%25lo]/", "http://[fe80::1]/", "fe80::1%lo", 80, false},
		{"http://2130706433/", "http://127.0.0.1/", "127.0.0.1", 80, false},
		{"http://0x7f.1/", "http://127.0.0.1/", "127.0.0.1", 80, false},
		{"http://127.0.0.1./", "http://127.0.0.1./", "127.0.0.1.", 80, false},
		{"http://a/b/../c/./d", "http://a/b/../c/./d", "a", 80, false},
		{"http://a/b c", "http://a/b%20c", "a", 80, false},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct http_url url;
		struct err err = {0};
		cr_assert_eq(http_url_parse(table[i].text, &url, &err), 0, "%s: %s", table[i].text, err.text);
		cr_expect_str_eq(url.text, table[i].whole);
		cr_expect_str_eq(url.host, table[i].host);
		cr_expect_eq(url.port, table[i].port);
		cr_expect_eq(url.is_https, table[i].is_https);
		cr_expect_null(url.user);
		http_url_free(&url);
	}
}

Test(http_url, credentials_are_taken_out)
{
	struct http_url url;
	cr_assert_eq(http_url_parse("http://me:p%40ss@h/x", &url, NULL), 0);
	cr_expect_str_eq(url.text, "http://h/x");
	cr_expect_str_eq(url.user, "me");
	cr_expect_str_eq(url.password, "p@ss");
	http_url_free(&url);
}

Test(http_url, impossible)
{
	static const char *const table[] = {
		"",    "http://",     "ftp://a/",    "http://a:0/",       "http://a:99999/", "http://a\nb/",
		"://", "http://[::1", "http://a b/", "file:///etc/passwd"};
	struct http_url url;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct err err = {0};
		cr_expect_eq(http_url_parse(table[i], &url, &err), -1, "%s", table[i]);
		cr_expect(err.text[0] != '\0');
		cr_expect_null(url.text, "%s", table[i]);
	}
	char *large = mem_zero(1, HTTP_URL_MAX + 2);
	memset(large, 'a', HTTP_URL_MAX + 1);
	cr_expect_eq(http_url_parse(large, &url, NULL), -1);
	mem_free(large);
}

Test(http_url, joined)
{
	static const struct {
		const char *base, *location, *result;
	} table[] = {
		{"http://a/b/c?d", "e", "http://a/b/e"},
		{"http://a/b/c", "/e", "http://a/e"},
		{"http://a/b/c", "../e", "http://a/e"},
		{"http://a/b/c", "?q", "http://a/b/c?q"},
		{"http://a/b/c", "//other/x", "http://other/x"},
		{"https://a/b", "//other/x", "https://other/x"},
		{"http://a/b", "https://x:444/y z#f", "https://x:444/y%20z"},
		{"http://a:81/b", "c", "http://a:81/c"},
		{"http://a/b", "ftp://x/", NULL},
		{"http://a/b", "javascript:x", NULL},
		{"http://a/b", "a\rb", NULL},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct http_url base, next;
		cr_assert_eq(http_url_parse(table[i].base, &base, NULL), 0);
		int result = http_url_join(&base, table[i].location, &next, NULL);
		cr_assert_eq(result, table[i].result != NULL ? 0 : -1, "%s", table[i].location);
		if (result == 0)
			cr_expect_str_eq(next.text, table[i].result);
		http_url_free(&next);
		http_url_free(&base);
	}
}

static void expect_taken(char *text, const char *expected)
{
	cr_expect_str_eq(text, expected);
	mem_free(text);
}

Test(http_url, other_forms)
{
	struct http_url url, same, other, plain;
	http_url_parse("https://Shop.example:8443/x?y", &url, NULL);
	http_url_parse("https://shop.EXAMPLE/", &same, NULL);
	http_url_parse("https://shop2.example/", &other, NULL);
	http_url_parse("http://shop.example/", &plain, NULL);
	expect_taken(http_url_authority(&url), "Shop.example:8443");
	expect_taken(http_url_authority(&same), "shop.EXAMPLE");
	expect_taken(http_url_with_host(&url, "192.0.2.1", 0), "https://192.0.2.1:8443/x?y");
	expect_taken(http_url_with_host(&url, "fe80::1%eth0", 81), "https://[fe80::1]:81/x?y");
	cr_expect_null(http_url_with_host(&url, "a b", 0));
	cr_expect(http_url_is_trusted_as(&same, &url));
	cr_expect(http_url_is_trusted_as(&url, &plain));
	cr_expect_not(http_url_is_trusted_as(&plain, &url));
	cr_expect_not(http_url_is_trusted_as(&other, &url));
	http_url_free(&url);
	http_url_free(&same);
	http_url_free(&other);
	http_url_free(&plain);
}

Test(http_url, proxies)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
		bool is_socks;
	} table[] = {
		{"http://proxy:3128", "proxy", 3128, false}, {"proxy:3128", "proxy", 3128, false},
		{"https://proxy", "proxy", 443, false},      {"socks5://[::1]:99", "::1", 99, true},
		{"socks5h://proxy", "proxy", 1080, true},    {"ftp://proxy", NULL, 0, false},
		{"http://u:p@proxy", NULL, 0, false},        {"http://", NULL, 0, false},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct http_url url;
		bool is_socks;
		int result = http_proxy_parse(table[i].text, &url, &is_socks, NULL);
		cr_assert_eq(result, table[i].host != NULL ? 0 : -1, "%s", table[i].text);
		if (result != 0)
			continue;
		cr_expect_str_eq(url.host, table[i].host);
		cr_expect_eq(url.port, table[i].port);
		cr_expect_eq(is_socks, table[i].is_socks);
		http_url_free(&url);
	}
}

Test(http_url, exceptions_from_the_proxy)
{
	static const struct {
		const char *entry, *host;
		uint16_t port;
		bool holds;
	} table[] = {
		{"*", "any", 80, true},
		{"example.com", "example.com", 80, true},
		{"example.com", "www.Example.com", 80, true},
		{"example.com", "badexample.com", 80, false},
		{".example.com", "example.com", 80, false},
		{".example.com", "www.example.com", 80, true},
		{"*.example.com", "www.example.com", 80, true},
		{"example.com:81", "example.com", 80, false},
		{"example.com:81", "example.com", 81, true},
		{"192.0.2.1", "192.0.2.1", 80, true},
		{"192.0.2.1:81", "192.0.2.1", 80, false},
		{"192.0.2.1", "192.0.2.2", 80, false},
		{"192.0.2.0/25", "192.0.2.127", 80, true},
		{"192.0.2.0/25", "192.0.2.128", 80, false},
		{"192.0.2.0/24", "name", 80, false},
		{"0.0.0.0/0", "192.0.2.1", 80, true},
		{"0.0.0.0/0", "2001:db8::1", 80, false},
		{"2001:db8::/32", "2001:db8::1", 80, true},
		{"2001:db8::/33", "2001:db8:8000::1", 80, false},
		{"192.0.2.0/33", "192.0.2.1", 80, false},
		{"192.0.2.0/", "192.0.2.1", 80, false},
		{"name/8", "192.0.2.1", 80, false},
		{"", "name", 80, false},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		char *items[] = {(char[]){"nothing.test"}, mem_copy_string(table[i].entry)};
		const struct option_list list = {items, 2};
		cr_expect_eq(http_bypasses_proxy(&list, table[i].host, table[i].port), table[i].holds, "%s %s:%u",
			     table[i].entry, table[i].host, table[i].port);
		mem_free(items[1]);
	}
}
