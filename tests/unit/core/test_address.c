#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "core/address.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static struct address parse(const char *text)
{
	struct address address;

	cr_assert(address_parse(text, &address), "%s", text);
	return address;
}

/* text -> address -> text; the second column is the form of RFC 5952. */
static const struct {
	const char *text, *formatted;
	enum address_family family;
} addresses[] = {
	{"192.0.2.1", "192.0.2.1", ADDRESS_IPV4},
	{"0.0.0.0", "0.0.0.0", ADDRESS_IPV4},
	{"255.255.255.255", "255.255.255.255", ADDRESS_IPV4},
	{"::", "::", ADDRESS_IPV6},
	{"::1", "::1", ADDRESS_IPV6},
	{"1::", "1::", ADDRESS_IPV6},
	{"[2001:db8::1]", "2001:db8::1", ADDRESS_IPV6},
	{"2001:0db8:0:0:0:0:0:0001", "2001:db8::1", ADDRESS_IPV6},
	{"2001:DB8::ABCD", "2001:db8::abcd", ADDRESS_IPV6},
	{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", ADDRESS_IPV6},
	{"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1", ADDRESS_IPV6},
	{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1", ADDRESS_IPV6},
	{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", ADDRESS_IPV6},
	{"0:0:1::", "0:0:1::", ADDRESS_IPV6},
	{"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", ADDRESS_IPV6},
	{"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0", ADDRESS_IPV6},
	{"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8", ADDRESS_IPV6},
	{"1:2:3:4:5:6::", "1:2:3:4:5:6::", ADDRESS_IPV6},
	{"ffff:0fff:00ff:000f:f000:ff00:fff0:f0f0", "ffff:fff:ff:f:f000:ff00:fff0:f0f0", ADDRESS_IPV6},
	{"64:ff9b::192.0.2.33", "64:ff9b::c000:221", ADDRESS_IPV6},
	{"::1:2", "::1:2", ADDRESS_IPV6},
	{"::1.2.3.4", "::102:304", ADDRESS_IPV6},
	{"fe80::1", "fe80::1", ADDRESS_IPV6},
	{"fe80::1%lo", "fe80::1%lo", ADDRESS_IPV6},
	{"[fe80::1%lo]", "fe80::1%lo", ADDRESS_IPV6},
	{"febf::1%lo", "febf::1%lo", ADDRESS_IPV6},
	{"ff02::1%lo", "ff02::1%lo", ADDRESS_IPV6},
	{"ff01::1%lo", "ff01::1%lo", ADDRESS_IPV6},
	{"fe80::1%4294967295", "fe80::1%4294967295", ADDRESS_IPV6},
	/* IPv4-mapped is IPv4. */
	{"::ffff:192.0.2.1", "192.0.2.1", ADDRESS_IPV4},
	{"[::FFFF:c000:201]", "192.0.2.1", ADDRESS_IPV4},
};

Test(address, parses_and_formats)
{
	char out[ADDRESS_TEXT_SIZE];

	for (size_t i = 0; i < LENGTH(addresses); i++) {
		struct address address = parse(addresses[i].text), again;

		cr_expect_eq(address.family, addresses[i].family, "%s", addresses[i].text);
		cr_expect_eq(address.port, 0);
		cr_expect_str_eq(address_format(&address, out), addresses[i].formatted);
		again = parse(out);
		cr_expect(address_equal(&address, &again));
	}
}

Test(address, refuses_what_is_no_address)
{
	static const char *const texts[] = {
		"",
		" ",
		"1",
		"1.2.3",
		"1.2.3.4.",
		".1.2.3.4",
		"1.2.3.4.5",
		"1.2.3.256",
		"01.2.3.4",
		"1.2.3.04",
		"1.2.3.-4",
		"1.2.3.4 ",
		" 1.2.3.4",
		"0x7f.0.0.1",
		"2130706433",
		"1.2.3.4/24",
		"1.2.3.4:80",
		"1.2.3.4%lo",
		"[1.2.3.4]",
		"[]",
		"[",
		"[::1",
		"::1]",
		"[::1]x",
		"[::1]:80",
		"[[::1]]",
		":",
		":::",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"1::2:3:4:5:6:7:8",
		"1::2::3",
		"12345::",
		"g::",
		"::1.2.3",
		"::1.2.3.4.5",
		"1:2:3:4:5:6:7:1.2.3.4",
		":1::",
		"1::2:",
		"::1/64",
		"2001:db8::1%lo",
		"::1%lo",
		"ff05::1%lo",
		"fec0::1%lo",
		"fe80::1%",
		"fe80::1%0",
		"fe80::1%-1",
		"fe80::1%4294967296",
		"fe80::1%99999999999999999999",
		"fe80::1%no-such-if0",
		"fe80::1%lo%lo",
		"fe80::1% lo",
		"localhost",
		"example.net",
		"1:2:3:4:5:6:7:8xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	};

	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct address address;

		memset(&address, 0x55, sizeof(address));
		cr_expect_not(address_parse(texts[i], &address), "%s", texts[i]);
		cr_expect_eq(address.family, ADDRESS_NONE);
	}
}

Test(address, bytes_are_in_network_order_and_zero_behind)
{
	static const uint8_t ipv4[16] = {192, 0, 2, 1}, ipv6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x0a};
	struct address address = parse("192.0.2.1");

	cr_expect_arr_eq(address.bytes, ipv4, 16);
	address = parse("2001:db8::a");
	cr_expect_arr_eq(address.bytes, ipv6, 16);
	address = parse("::ffff:192.0.2.1");
	cr_expect_arr_eq(address.bytes, ipv4, 16);
}

Test(address, scope_is_an_interface_index)
{
	char out[ADDRESS_TEXT_SIZE];
	struct address address = parse("fe80::1%lo");

	cr_expect_eq(address.scope_id, if_nametoindex("lo"));
	address.scope_id = 0;
	cr_expect_str_eq(address_format(&address, out), "fe80::1");
	address = parse("fe80::1%1");
	cr_expect_eq(address.scope_id, 1);
}

Test(address, formats_what_no_parser_gives)
{
	char out[ADDRESS_TEXT_SIZE];
	struct address none = {0};
	struct address mapped = {.family = ADDRESS_IPV6, .bytes = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1}};
	struct address longest = {.family = ADDRESS_IPV6, .scope_id = UINT32_MAX};

	cr_expect_str_eq(address_format(&none, out), "");
	cr_expect_str_eq(address_format(&mapped, out), "::ffff:192.0.2.1");
	memset(longest.bytes, 0xfe, sizeof(longest.bytes));
	cr_expect_str_eq(address_format(&longest, out), "fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe%4294967295");
}

/* --- host and port ------------------------------------------------------------------------------------------------ */

Test(address, splits_host_and_port)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} table[] = {
		{"example.net", "example.net", 53},
		{"example.net:80", "example.net", 80},
		{"192.0.2.1", "192.0.2.1", 53},
		{"192.0.2.1:65535", "192.0.2.1", 65535},
		{"0.0.0.0:0", "0.0.0.0", 0},
		{"[::]:9975", "::", 9975},
		{"[2001:db8::1]", "2001:db8::1", 53},
		{"2001:db8::1", "2001:db8::1", 53},
		{"::", "::", 53},
		{"fe80::1%eth0", "fe80::1%eth0", 53},
		{"[fe80::1%eth0]:8080", "fe80::1%eth0", 8080},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1", 53},
		{"host:00080", "host", 80},
	};
	char host[64];
	uint16_t port;

	for (size_t i = 0; i < LENGTH(table); i++) {
		cr_expect_eq(address_split_host_port(table[i].text, host, sizeof(host), &port, 53), 0, "%s",
			     table[i].text);
		cr_expect_str_eq(host, table[i].host);
		cr_expect_eq(port, table[i].port, "%s", table[i].text);
	}
}

Test(address, refuses_bad_hosts_and_ports)
{
	static const char *const texts[] = {
		"",
		":",
		":80",
		"host:",
		"host:x",
		"host:65536",
		"host:-1",
		"host:+1",
		"host: 80",
		"host:80 ",
		"host:8 0",
		"host:99999999999999999999",
		"[]",
		"[]:80",
		"[::1",
		"[::1]80",
		"[::1]:",
		"[::1]:x",
		"[host]:80",
		"[1.2.3.4]:80",
		"a:b:c",
		"host:80:90",
		"1.2.3.4:5:6",
		"[::1]]:80",
		"[%lo]:80",
		"%:%:",
		"[1:2:3:4:5:6:7:8:9:a:b:c:d:e:f:0:1:2:3:4:5:6:7:8]:80",
		"fe80::1%",
		"[fe80::1%]:80",
		"fe80::1%a:b",
		"fe80::1%[",
		"fe80::1%a/b",
		"fe80::1% ",
		"fe80::1%\xff",
		"fe80::1%\x7f",
		"fe80::1%a%b",
		"fe80::1%sixteencharacter",
	};
	char host[64] = "kept";
	uint16_t port = 7;

	for (size_t i = 0; i < LENGTH(texts); i++)
		cr_expect_eq(address_split_host_port(texts[i], host, sizeof(host), &port, 53), -1, "%s", texts[i]);
	cr_expect_str_eq(host, "kept");
	cr_expect_eq(port, 7);
}

Test(address, host_must_fit)
{
	char host[5];
	uint16_t port;

	cr_expect_eq(address_split_host_port("abcd:1", host, sizeof(host), &port, 0), 0);
	cr_expect_str_eq(host, "abcd");
	cr_expect_eq(address_split_host_port("abcde:1", host, sizeof(host), &port, 0), -1);
	cr_expect_eq(address_split_host_port("a", host, 0, &port, 0), -1);
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

Test(address, identity)
{
	struct hash_key key = {1, 2};
	struct address a = parse("192.0.2.1"), b = parse("192.0.2.1"), none = {0}, unspecified = parse("0.0.0.0");

	b.port = 80;
	cr_expect(address_equal(&a, &b), "the port does not count");
	cr_expect_eq(address_hash(key, &a), address_hash(key, &b));
	b = parse("192.0.2.2");
	cr_expect_not(address_equal(&a, &b));
	cr_expect_neq(address_hash(key, &a), address_hash(key, &b));
	cr_expect_not(address_equal(&none, &unspecified), "the family counts");
	cr_expect_neq(address_hash(key, &none), address_hash(key, &unspecified));
	a = parse("fe80::1%1");
	b = parse("fe80::1%2");
	cr_expect_not(address_equal(&a, &b), "the scope counts");
	cr_expect_neq(address_hash(key, &a), address_hash(key, &b));
}

Test(address, kinds)
{
	static const struct {
		const char *text;
		bool is_loopback, is_unspecified;
	} table[] = {
		{"127.0.0.1", true, false},      {"127.255.255.254", true, false},
		{"128.0.0.1", false, false},     {"::1", true, false},
		{"::2", false, false},           {"::ffff:127.0.0.1", true, false},
		{"0.0.0.0", false, true},        {"::", false, true},
		{"::ffff:0.0.0.0", false, true}, {"7f00::1", false, false},
	};
	struct address mapped = {.family = ADDRESS_IPV6, .bytes = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}}, none = {0};

	for (size_t i = 0; i < LENGTH(table); i++) {
		struct address address = parse(table[i].text);

		cr_expect_eq(address_is_loopback(&address), table[i].is_loopback, "%s", table[i].text);
		cr_expect_eq(address_is_unspecified(&address), table[i].is_unspecified, "%s", table[i].text);
	}
	cr_expect(address_is_loopback(&mapped));
	memset(mapped.bytes + 12, 0, 4);
	cr_expect(address_is_unspecified(&mapped));
	cr_expect_not(address_is_loopback(&none));
	cr_expect(address_is_unspecified(&none));
}

Test(address, families)
{
	cr_expect_str_eq(address_families[ADDRESS_IPV4 - 1].name, "ipv4");
	cr_expect_eq(address_families[ADDRESS_IPV4 - 1].af, AF_INET);
	cr_expect_eq(address_families[ADDRESS_IPV4 - 1].bits, 8 * address_families[ADDRESS_IPV4 - 1].size);
	cr_expect_str_eq(address_families[ADDRESS_IPV6 - 1].name, "ipv6");
	cr_expect_eq(address_families[ADDRESS_IPV6 - 1].af, AF_INET6);
	cr_expect_eq(address_families[ADDRESS_IPV6 - 1].bits, 8 * address_families[ADDRESS_IPV6 - 1].size);
}

/* --- the kernel's form -------------------------------------------------------------------------------------------- */

Test(address, to_the_kernel_and_back)
{
	for (size_t i = 0; i < LENGTH(addresses); i++) {
		struct address address = parse(addresses[i].text), back;
		struct sockaddr_storage storage;

		address.port = 4660;
		memset(&storage, 0x55, sizeof(storage));
		socklen_t length = address_to_sockaddr(&address, &storage);
		cr_expect_eq(storage.ss_family, address_families[address.family - 1].af);
		cr_expect(address_from_sockaddr((struct sockaddr *)&storage, length, &back));
		cr_expect(address_equal(&address, &back), "%s", addresses[i].text);
		cr_expect_eq(back.port, 4660);
		for (socklen_t cut = 0; cut < length; cut++) {
			cr_assert_not(address_from_sockaddr((struct sockaddr *)&storage, cut, &back));
			cr_assert_eq(back.family, ADDRESS_NONE);
		}
	}
}

Test(address, kernel_form_is_the_kernels)
{
	struct sockaddr_storage storage;
	struct address address = parse("192.0.2.1");

	address.port = 80;
	cr_expect_eq(address_to_sockaddr(&address, &storage), sizeof(struct sockaddr_in));
	struct sockaddr_in *in = (struct sockaddr_in *)&storage;
	cr_expect_eq(in->sin_port, htons(80));
	cr_expect_eq(in->sin_addr.s_addr, htonl(0xc0000201));

	address = parse("fe80::1%7");
	cr_expect_eq(address_to_sockaddr(&address, &storage), sizeof(struct sockaddr_in6));
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&storage;
	cr_expect_eq(in6->sin6_scope_id, 7);
	cr_expect_eq(in6->sin6_flowinfo, 0);
}

Test(address, mapped_becomes_ipv4_both_ways)
{
	struct address mapped = {.family = ADDRESS_IPV6, .port = 80, .bytes = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1}};
	struct address expected = parse("192.0.2.1"), back;
	struct sockaddr_storage storage;
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};

	cr_expect_eq(address_to_sockaddr(&mapped, &storage), sizeof(struct sockaddr_in));
	cr_expect_eq(storage.ss_family, AF_INET);
	cr_expect(address_from_sockaddr((struct sockaddr *)&storage, sizeof(struct sockaddr_in), &back));
	cr_expect(address_equal(&back, &expected));
	memcpy(&in6.sin6_addr, mapped.bytes, 16);
	cr_expect(address_from_sockaddr((struct sockaddr *)&in6, sizeof(in6), &back));
	cr_expect(address_equal(&back, &expected));
	cr_expect_eq(back.port, 80);
}

Test(address, scope_counts_for_link_local_only)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_scope_id = 3};
	struct address back;

	inet_pton(AF_INET6, "2001:db8::1", &in6.sin6_addr);
	cr_expect(address_from_sockaddr((struct sockaddr *)&in6, sizeof(in6), &back));
	cr_expect_eq(back.scope_id, 0);
	inet_pton(AF_INET6, "fe80::1", &in6.sin6_addr);
	cr_expect(address_from_sockaddr((struct sockaddr *)&in6, sizeof(in6), &back));
	cr_expect_eq(back.scope_id, 3);
}

Test(address, other_families_are_none)
{
	struct sockaddr_storage storage = {.ss_family = AF_UNIX};
	struct address none = {0}, back;

	cr_expect_not(address_from_sockaddr((struct sockaddr *)&storage, sizeof(storage), &back));
	memset(&storage, 0x55, sizeof(storage));
	cr_expect_eq(address_to_sockaddr(&none, &storage), 0);
	cr_expect_eq(storage.ss_family, AF_UNSPEC);
}
