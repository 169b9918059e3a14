/* Addresses of name servers. */
#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"
#include "probes/dns/dns_server.h"

static const struct {
	const char *text;
	enum dns_transport fallback, transport;
	const char *host;
	uint16_t port;
	const char *path;
} good[] = {
	{"192.0.2.1", DNS_UDP, DNS_UDP, "192.0.2.1", 53, ""},
	{"192.0.2.1", DNS_TCP, DNS_TCP, "192.0.2.1", 53, ""},
	{"192.0.2.1", DNS_TLS, DNS_TLS, "192.0.2.1", 853, ""},
	{"192.0.2.1", DNS_HTTPS, DNS_HTTPS, "192.0.2.1", 443, "/dns-query"},
	{"192.0.2.1:5353", DNS_UDP, DNS_UDP, "192.0.2.1", 5353, ""},
	{"2001:db8::1", DNS_UDP, DNS_UDP, "2001:db8::1", 53, ""},
	{"[2001:db8::1]", DNS_UDP, DNS_UDP, "2001:db8::1", 53, ""},
	{"[2001:db8::1]:54", DNS_UDP, DNS_UDP, "2001:db8::1", 54, ""},
	{"ns.example.net:54", DNS_UDP, DNS_UDP, "ns.example.net", 54, ""},
	{"udp://ns", DNS_TLS, DNS_UDP, "ns", 53, ""},
	{"tcp://ns:1", DNS_UDP, DNS_TCP, "ns", 1, ""},
	{"tls://ns", DNS_UDP, DNS_TLS, "ns", 853, ""},
	{"tls://ns/", DNS_UDP, DNS_TLS, "ns", 853, ""},
	{"tls://[2001:db8::1]:8853", DNS_UDP, DNS_TLS, "2001:db8::1", 8853, ""},
	{"https://ns", DNS_UDP, DNS_HTTPS, "ns", 443, "/dns-query"},
	{"https://ns/", DNS_UDP, DNS_HTTPS, "ns", 443, "/dns-query"},
	{"https://ns:8443/q", DNS_UDP, DNS_HTTPS, "ns", 8443, "/q"},
	{"https://ns/dns-query?x=1", DNS_UDP, DNS_HTTPS, "ns", 443, "/dns-query?x=1"},
};

Test(dns_server, understands)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct dns_server server;
		struct err err = {{0}};
		cr_assert_eq(dns_server_parse(good[i].text, good[i].fallback, &server, &err), 0, "%s: %s", good[i].text,
			     err.text);
		cr_expect_eq(server.transport, good[i].transport, "%s", good[i].text);
		cr_expect_str_eq(server.host, good[i].host, "%s", good[i].text);
		cr_expect_eq(server.port, good[i].port, "%s", good[i].text);
		cr_expect_str_eq(server.path, good[i].path, "%s", good[i].text);
		dns_server_free(&server);
	}
}

Test(dns_server, refuses)
{
	static const char *const bad[] = {
		"",
		"http://ns",
		"quic://ns",
		"://ns",
		"tls://",
		"ns:0",
		"ns:65536",
		"ns:x",
		"tls://ns/q",
		"udp://ns?x",
		"https://u@ns/",
		"tls://u:p@ns",
		"https://ns/q#part",
		"https:///dns-query",
		"[2001:db8::1",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct dns_server server;
		struct err err = {{0}};
		cr_expect_eq(dns_server_parse(bad[i], DNS_UDP, &server, &err), -1, "%s", bad[i]);
		cr_expect_str_not_empty(err.text, "%s", bad[i]);
	}
	char *long_ = mem_format("https://ns/%02000d", 1);
	struct dns_server server;
	cr_expect_eq(dns_server_parse(long_, DNS_UDP, &server, NULL), -1);
	cr_expect_eq(dns_server_parse(long_ + 11, DNS_UDP, &server, NULL), -1);
	mem_free(long_);
}

Test(dns_server, makes_urls)
{
	static const char *const urls[][2] = {
		{"https://ns", "https://ns:443/dns-query"},
		{"https://[2001:db8::1]:8443/q?a=b", "https://[2001:db8::1]:8443/q?a=b"},
	};
	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		struct dns_server server;
		cr_assert_eq(dns_server_parse(urls[i][0], DNS_UDP, &server, NULL), 0);
		char *url = dns_server_url(&server);
		cr_expect_str_eq(url, urls[i][1]);
		mem_free(url);
		dns_server_free(&server);
	}
}
