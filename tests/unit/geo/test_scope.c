#include <criterion/criterion.h>

#include "geo/scope.h"

static const struct {
	const char *address, *scope;
} cases[] = {
	{"8.8.8.8", "global"},
	{"9.255.255.255", "global"},
	{"10.0.0.0", "private"},
	{"10.255.255.255", "private"},
	{"11.0.0.0", "global"},
	{"100.63.255.255", "global"},
	{"100.64.0.0", "cgnat"},
	{"100.127.255.255", "cgnat"},
	{"100.128.0.0", "global"},
	{"127.0.0.1", "loopback"},
	{"169.254.1.1", "link_local"},
	{"172.15.255.255", "global"},
	{"172.16.0.0", "private"},
	{"172.31.255.255", "private"},
	{"172.32.0.0", "global"},
	{"192.168.1.1", "private"},
	{"192.0.0.8", "reserved"},
	{"192.0.0.9", "global"},
	{"192.0.2.255", "documentation"},
	{"192.0.3.0", "global"},
	{"198.17.255.255", "global"},
	{"198.18.0.0", "benchmark"},
	{"198.19.255.255", "benchmark"},
	{"198.51.100.7", "documentation"},
	{"203.0.113.0", "documentation"},
	{"192.88.99.1", "reserved"},
	{"224.0.0.1", "multicast"},
	{"233.252.0.1", "documentation"},
	{"239.255.255.255", "multicast"},
	{"240.0.0.0", "reserved"},
	{"255.255.255.254", "reserved"},
	{"255.255.255.255", "broadcast"},
	{"0.0.0.0", "unspecified"},
	{"0.1.2.3", "unspecified"},
	{"::", "unspecified"},
	{"::1", "loopback"},
	{"::2", "reserved"},
	{"::ffff:10.1.2.3", "private"},
	{"64:ff9b::808:808", "global"},
	{"64:ff9b:1::1", "private"},
	{"100::1", "reserved"},
	{"100:0:0:1::1", "reserved"},
	{"2000::", "global"},
	{"2001::1", "global"},
	{"2001:1::4", "reserved"},
	{"2001:2::1", "benchmark"},
	{"2001:2:1::1", "reserved"},
	{"2001:4:112::1", "global"},
	{"2001:20::1", "global"},
	{"2001:db8::1", "documentation"},
	{"2001:db9::1", "global"},
	{"2606:4700::1111", "global"},
	{"3fff:fff::1", "documentation"},
	{"3fff:1000::1", "global"},
	{"3ffe:ffff::1", "global"},
	{"5f00::1", "reserved"},
	{"fc00::1", "private"},
	{"fdff::1", "private"},
	{"fe80::1", "link_local"},
	{"febf::1", "link_local"},
	{"fec0::1", "private"},
	{"ff02::1", "multicast"},
};

Test(scope, is_that_of_the_registries)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address address;

		cr_assert(address_parse(cases[i].address, &address), "%s", cases[i].address);
		cr_expect_str_eq(scope_name(scope_of(&address)), cases[i].scope, "%s: %s, not %s", cases[i].address,
				 scope_name(scope_of(&address)), cases[i].scope);
	}
}

Test(scope, of_no_address)
{
	struct address none = {0};

	cr_expect_eq(scope_of(&none), SCOPE_UNSPECIFIED);
	cr_expect_str_eq(scope_name((enum scope)99), "reserved");
}
