#include <criterion/criterion.h>
#include <string.h>

#include "core/destination.h"
#include "core/mem.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define RULES_MAX     8

/* Rules from texts, NULL-terminated. */
static struct destination_rules *make(const char *const *allow, const char *const *deny)
{
	struct option_list lists[2] = {{0}};
	const char *const *texts[2] = {allow, deny};
	char *items[2][RULES_MAX];
	struct err err = {0};
	struct destination_rules *rules;

	for (size_t i = 0; i < 2; i++) {
		lists[i].items = items[i];
		while (texts[i][lists[i].n]) {
			items[i][lists[i].n] = (char *)(uintptr_t)texts[i][lists[i].n];
			lists[i].n++;
		}
	}
	rules = destination_rules_create(&lists[0], &lists[1], &err);
	cr_assert(rules, "%s", err.text);
	return rules;
}

static bool permits(const struct destination_rules *rules, const char *host, const char *address, int port,
		    struct err *why)
{
	struct destination destination = {.host = host, .port = port};
	struct address parsed;

	*why = (struct err){0};
	if (address) {
		cr_assert(address_parse(address, &parsed), "%s", address);
		destination.address = &parsed;
	}
	return destination_is_permitted(rules, &destination, why);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

Test(destination, good_rules)
{
	static const char *const rules[] = {
		"192.0.2.1",
		"10.0.0.0/8",
		"0.0.0.0/0",
		"10.0.0.0/8:80-443",
		"192.0.2.1:53",
		"2001:db8::1",
		"2001:db8::/32",
		"[2001:db8::]/32",
		"[2001:db8::]/32:443",
		"2001:db8::/32:443",
		"[2001:db8::1]:80",
		"[2001:db8::1]",
		"::/0",
		"::ffff:10.0.0.0/104",
		":25",
		":1-65535",
		"*",
		"*:80",
		"example.com",
		"example.com.",
		"EXAMPLE.com:443",
		"*.example.com",
		"*.example.com:443",
		"_dns.x-y.example",
		"xn--bcher-kva.example",
		"localhost",
		"a",
		"1.example",
		"0xg",
		"192.0.2.1/32",
		"::1/128",
	};
	for (size_t i = 0; i < LENGTH(rules); i++) {
		struct err err = {0};

		cr_expect_eq(destination_check_rule(rules[i], &err), 0, "%s: %s", rules[i], err.text);
	}
}

Test(destination, bad_rules)
{
	static const struct {
		const char *rule, *why;
	} cases[] = {
		{"", "\"\": is empty"},
		{":", "\":\": \":\" is no port (1 to 65535) and no range of ports, such as 80-443"},
		{":0", "is no port"},
		{":65536", "is no port"},
		{":80-", "is no port"},
		{":-80", "is no port"},
		{":80-70", "the range of ports 80-70 begins behind its end"},
		{":80-90-100", "is no port"},
		{":8o", "is no port"},
		{"example.com:http", "is no port"},
		{"10.0.0.1/8", "has bits behind the first 8, did you mean 10.0.0.0/8?"},
		{"[2001:db8::1]/32", "has bits behind the first 32, did you mean 2001:db8::/32?"},
		{"10.0.0.0/33", "\"/33\" is no length of a network (0 to 32)"},
		{"10.0.0.0/", "is no length"},
		{"10.0.0.0/8/9", "is no length"},
		{"2001:db8::/129", "is no length of a network (0 to 128)"},
		{"::ffff:10.0.0.0/8", "write IPv4 networks as such"},
		{"10.0.0", "\"10.0.0\" is not an IP address"},
		{"256.0.0.1", "is not an IP address"},
		{"127.1", "is not an IP address"},
		{"010.0.0.1", "is not an IP address"},
		{"2130706433", "is neither an IP address nor a name, which cannot end in a number"},
		{"0x7f.1", "cannot end in a number"},
		{"0x7f000001", "cannot end in a number"},
		{"example.0x1f", "cannot end in a number"},
		{"example.com/24", "\"example.com\" is not an IP address"},
		{"[example.com]", "is not an IP address"},
		{"[2001:db8::1", "the bracket is not closed"},
		{"[2001:db8::1]443", "has \"443\" behind the bracket"},
		{"fe80::1%lo", "an address of a rule has no zone"},
		{"2001:db8::zz", "is not an IP address"},
		{"*example.com", "a star stands at the beginning only"},
		{"www.*.com", "a star stands at the beginning only"},
		{"*.", "a star stands at the beginning only"},
		{"*.*", "a star stands at the beginning only"},
		{".example.com", "is not a name"},
		{"example..com", "is not a name"},
		{"example.com..", "is not a name"},
		{"-a.example", "is not a name"},
		{"a-.example", "is not a name"},
		{"ex ample.com", "is not a name"},
		{"b\303\274cher.example",
		 "is not a name (letters, digits, - and _ between dots; other letters as xn--"},
		{"http://example.com", "is not an IP address"},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example", "is not a name"},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct err err = {0};

		cr_expect_eq(destination_check_rule(cases[i].rule, &err), -1, "%s", cases[i].rule);
		cr_expect(strstr(err.text, cases[i].why), "%s: %s", cases[i].rule, err.text);
	}
}

Test(destination, long_rules)
{
	char rule[1024];
	struct err err = {0};

	memset(rule, 'a', sizeof(rule) - 1);
	rule[sizeof(rule) - 1] = '\0';
	cr_expect_eq(destination_check_rule(rule, &err), -1);
	cr_expect(strstr(err.text, "is too long"), "%s", err.text);
	for (size_t i = 60; i < 300; i += 60)
		rule[i] = '.';
	rule[300] = '\0';
	err = (struct err){0};
	cr_expect_eq(destination_check_rule(rule, &err), -1);
	cr_expect(strstr(err.text, "is longer than a name can be"), "%s", err.text);
}

Test(destination, lists_say_which_rule)
{
	char *good[] = {(char[]){"*"}}, *bad[] = {(char[]){"*"}, (char[]){":0"}};
	const struct option_list allow = {good, 1}, deny = {bad, 2};
	struct err err = {0};

	cr_expect_null(destination_rules_create(&allow, &deny, &err));
	cr_expect_eq(strncmp(err.text, "deny: \":0\": ", 12), 0, "%s", err.text);
	err = (struct err){0};
	cr_expect_null(destination_rules_create(&deny, &allow, &err));
	cr_expect_eq(strncmp(err.text, "allow: \":0\": ", 13), 0, "%s", err.text);
	destination_rules_free(NULL);
}

/* --- what is refused without a rule ------------------------------------------------------------------------------- */

static const struct {
	const char *address, *why; /* NULL: permitted */
} defaults[] = {
	{"192.0.2.1", NULL},
	{"10.0.0.1", NULL},
	{"192.168.1.1", NULL},
	{"172.16.0.1", NULL},
	{"100.64.0.1", NULL},
	{"2001:db8::1", NULL},
	{"fd00::1", NULL},
	{"126.255.255.255", NULL},
	{"128.0.0.0", NULL},
	{"223.255.255.255", NULL},
	{"1.0.0.0", NULL},
	{"127.0.0.1", "loopback (127.0.0.0/8)"},
	{"127.255.255.255", "loopback"},
	{"::1", "loopback (::1/128)"},
	{"0.0.0.0", "this host (unspecified) (0.0.0.0/8)"},
	{"0.1.2.3", "this host"},
	{"::", "this host (unspecified) (::/128)"},
	{"169.254.0.1", "link-local (169.254.0.0/16)"},
	{"fe80::1", "link-local (fe80::/10)"},
	{"fe80::1%lo", "link-local"},
	{"febf::1", "link-local"},
	{"169.254.169.254", "a metadata service of a cloud (169.254.169.254/32)"},
	{"169.254.170.2", "a metadata service of a cloud"},
	{"169.254.170.23", "a metadata service of a cloud"},
	{"100.100.100.200", "a metadata service of a cloud"},
	{"168.63.129.16", "a metadata service of a cloud"},
	{"192.0.0.192", "a metadata service of a cloud"},
	{"fd00:ec2::254", "a metadata service of a cloud"},
	{"fd00:ec2::23", "a metadata service of a cloud"},
	{"fd20:ce::254", "a metadata service of a cloud"},
	{"fd00:c1::a9fe:a9fe", "a metadata service of a cloud"},
	{"fd00:42::42", "a metadata service of a cloud"},
	{"224.0.0.1", "multicast (224.0.0.0/4)"},
	{"239.255.255.255", "multicast"},
	{"ff02::1", "multicast (ff00::/8)"},
	{"255.255.255.255", "broadcast"},
	{"240.0.0.1", "reserved"},
	{"::ffff:127.0.0.1", "loopback (127.0.0.0/8)"},
	{"::ffff:a9fe:a9fe", "a metadata service of a cloud"},
	{"64:ff9b::127.0.0.1", "it leads to loopback (127.0.0.0/8)"},
	{"64:ff9b::a9fe:a9fe", "it leads to a metadata service of a cloud"},
	{"64:ff9b::192.0.2.1", NULL},
	{"64:ff9b:1::192.0.2.1", "translation to IPv4 (RFC 8215) (64:ff9b:1::/48)"},
	{"2002:7f00:1::1", "it leads to loopback"},
	{"2002:a9fe:a9fe::1", "it leads to a metadata service"},
	{"2002:c000:201::1", NULL},
	{"2001:0:c000:201::80ff:fffe", "it leads to loopback"}, /* client 127.0.0.1, flipped */
	{"2001:0:7f00:1::3fff:fdfe", "it leads to loopback"},   /* server 127.0.0.1 */
	{"2001:0:c000:201::3fff:fdfe", NULL},
	{"::127.0.0.1", "it leads to loopback"},
	{"::ffff:0:127.0.0.1", "it leads to loopback"},
};

Test(destination, without_rules)
{
	for (size_t i = 0; i < LENGTH(defaults); i++) {
		struct err why;
		bool is_permitted = permits(NULL, defaults[i].address, defaults[i].address, 80, &why);

		cr_expect_eq(is_permitted, defaults[i].why == NULL, "%s: %s", defaults[i].address, why.text);
		if (defaults[i].why)
			cr_expect(strstr(why.text, defaults[i].why), "%s: %s", defaults[i].address, why.text);
		else
			cr_expect_str_empty(why.text);
	}
}

/* What the kernel connects to without a word: the struct of an IPv4-mapped address that nobody has unmapped. */
Test(destination, mapped_addresses_that_were_not_unmapped)
{
	struct address address = {.bytes = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .family = ADDRESS_IPV6};
	const struct destination destination = {"x", &address, 80, false};
	struct err why = {0};

	cr_expect_not(destination_is_permitted(NULL, &destination, &why));
	cr_expect_str_eq(why.text, "127.0.0.1:80 (x) is refused: loopback (127.0.0.0/8), which only a rule of "
				   "probe_endpoint.allow opens that is no wider");
}

/* --- rules -------------------------------------------------------------------------------------------------------- */

#define NO_RULES                                                                                                       \
	{                                                                                                              \
		NULL                                                                                                   \
	}

static const struct {
	const char *allow[RULES_MAX], *deny[RULES_MAX];
	const char *host, *address;
	int port;
	const char *why; /* NULL: permitted */
} decisions[] = {
	/* Deny. */
	{NO_RULES,
	 {"10.0.0.0/8"},
	 "a.example",
	 "10.1.2.3",
	 80,
	 "10.1.2.3:80 (a.example) is refused: the rule \"10.0.0.0/8\" of "
	 "probe_endpoint.deny"},
	{NO_RULES, {"10.0.0.0/8"}, "a.example", "11.1.2.3", 80, NULL},
	{NO_RULES, {":25"}, "192.0.2.1", "192.0.2.1", 25, "192.0.2.1:25 is refused: the rule \":25\""},
	{NO_RULES, {":25"}, "192.0.2.1", "192.0.2.1", 26, NULL},
	{NO_RULES, {":25"}, "192.0.2.1", "192.0.2.1", DESTINATION_NO_PORT, NULL},
	{NO_RULES, {":20-30"}, "2001:db8::1", "2001:db8::1", 30, "[2001:db8::1]:30 is refused"},
	{NO_RULES, {":20-30"}, "2001:db8::1", "2001:db8::1", 19, NULL},
	{NO_RULES, {"*"}, "192.0.2.1", "192.0.2.1", DESTINATION_NO_PORT, "192.0.2.1 is refused: the rule \"*\""},
	{NO_RULES, {"[2001:db8::]/33"}, "x", "2001:db8:7fff::1", 1, "the rule \"[2001:db8::]/33\""},
	{NO_RULES, {"[2001:db8::]/33"}, "x", "2001:db8:8000::1", 1, NULL},
	{NO_RULES, {"10.0.0.0/8"}, "x", "64:ff9b::10.0.0.1", 1, "the rule \"10.0.0.0/8\""},
	{NO_RULES, {"10.0.0.0/8"}, "x", "2002:a00:1::1", 1, "the rule \"10.0.0.0/8\""},
	{NO_RULES, {"::ffff:10.0.0.0/104"}, "x", "10.0.0.1", 1, "the rule \"::ffff:10.0.0.0/104\""},
	{{"10.0.0.0/8"}, {"10.1.0.0/16"}, "x", "10.1.0.1", 1, "the rule \"10.1.0.0/16\" of probe_endpoint.deny"},
	{{"10.1.0.1"}, {"10.1.0.0/16"}, "x", "10.1.0.1", 1, "the rule \"10.1.0.0/16\" of probe_endpoint.deny"},
	/* Names. */
	{NO_RULES, {"bad.example"}, "bad.example", "192.0.2.1", 80, "the rule \"bad.example\""},
	{NO_RULES, {"bad.example"}, "BAD.Example", "192.0.2.1", 80, "the rule \"bad.example\""},
	{NO_RULES, {"BAD.example."}, "bad.example", "192.0.2.1", 80, "the rule \"BAD.example.\""},
	{NO_RULES, {"bad.example"}, "bad.example.", "192.0.2.1", 80, "the rule \"bad.example\""},
	{NO_RULES, {"bad.example"}, "bad.example..", "192.0.2.1", 80, NULL}, /* no name at all */
	{NO_RULES, {"bad.example"}, "www.bad.example", "192.0.2.1", 80, NULL},
	{NO_RULES, {"bad.example"}, "notbad.example", "192.0.2.1", 80, NULL},
	{NO_RULES, {"*.bad.example"}, "www.bad.example", "192.0.2.1", 80, "the rule \"*.bad.example\""},
	{NO_RULES, {"*.bad.example"}, "a.b.BAD.example.", "192.0.2.1", 80, "the rule \"*.bad.example\""},
	{NO_RULES, {"*.bad.example"}, "bad.example", "192.0.2.1", 80, NULL},
	{NO_RULES, {"*.bad.example"}, ".bad.example", "192.0.2.1", 80, NULL},
	{NO_RULES, {"*.bad.example"}, "notbad.example", "192.0.2.1", 80, NULL},
	{NO_RULES, {"*.bad.example:443"}, "a.bad.example", "192.0.2.1", 443, "the rule"},
	{NO_RULES, {"*.bad.example:443"}, "a.bad.example", "192.0.2.1", 80, NULL},
	{NO_RULES, {"bad.example"}, "", "192.0.2.1", 80, NULL},
	/* Allow. */
	{{"10.0.0.0/8"}, NO_RULES, "x", "10.0.0.1", 1, NULL},
	{{"10.0.0.0/8"},
	 NO_RULES,
	 "x",
	 "11.0.0.1",
	 1,
	 "11.0.0.1:1 (x) is refused: no rule of probe_endpoint.allow permits it"},
	{{"10.0.0.0/8:80-443"}, NO_RULES, "x", "10.0.0.1", 79, "no rule of probe_endpoint.allow"},
	{{"10.0.0.0/8:80-443"}, NO_RULES, "x", "10.0.0.1", 80, NULL},
	{{"10.0.0.0/8:80-443"}, NO_RULES, "x", "10.0.0.1", 443, NULL},
	{{"10.0.0.0/8:80-443"}, NO_RULES, "x", "10.0.0.1", DESTINATION_NO_PORT, "no rule of probe_endpoint.allow"},
	{{"10.0.0.0/8"}, NO_RULES, "x", "64:ff9b::10.0.0.1", 1, "no rule of probe_endpoint.allow"},
	{{"*.example.com:443"}, NO_RULES, "a.example.com", "192.0.2.1", 443, NULL},
	{{"*.example.com:443"}, NO_RULES, "a.example.com", "192.0.2.1", 80, "no rule of probe_endpoint.allow"},
	{{"*.example.com:443"}, NO_RULES, "192.0.2.1", "192.0.2.1", 443, "no rule of probe_endpoint.allow"},
	{{"192.0.2.1", "*"}, NO_RULES, "x", "198.51.100.1", 7, NULL},
	{{"0.0.0.0/0"}, NO_RULES, "x", "2001:db8::1", 7, "no rule of probe_endpoint.allow"},
	{{"::/0"}, NO_RULES, "x", "2001:db8::1", 7, NULL},
	{{"2001:db8::/32"}, NO_RULES, "x", "2001:db9::1", 7, "no rule of probe_endpoint.allow"},
	/* What is refused without a rule. */
	{{"127.0.0.0/8"}, NO_RULES, "localhost", "127.0.0.1", 80, NULL},
	{{"127.0.0.1:80"}, NO_RULES, "localhost", "127.0.0.1", 80, NULL},
	{{"127.0.0.1:80"}, NO_RULES, "localhost", "127.0.0.1", 81, "loopback"},
	{{"127.0.0.1"}, NO_RULES, "localhost", "127.0.0.2", 80, "loopback"},
	{{"127.0.0.1"}, NO_RULES, "x", "::ffff:127.0.0.1", 80, NULL},
	{{"0.0.0.0/0"}, NO_RULES, "localhost", "127.0.0.1", 80, "loopback"},
	{{"126.0.0.0/7"}, NO_RULES, "localhost", "127.0.0.1", 80, "loopback"},
	{{"*"}, NO_RULES, "localhost", "127.0.0.1", 80, "loopback"},
	{{":80"}, NO_RULES, "localhost", "127.0.0.1", 80, "loopback"},
	{{"localhost"}, NO_RULES, "localhost", "127.0.0.1", 80, "loopback"}, /* whoever rebinds a name opens nothing */
	{{"169.254.0.0/16"}, NO_RULES, "x", "169.254.1.1", 80, NULL},
	{{"169.254.0.0/16"}, NO_RULES, "x", "169.254.169.254", 80, "metadata"},
	{{"169.254.169.254"}, NO_RULES, "x", "169.254.169.254", 80, NULL},
	{{"::1"}, NO_RULES, "x", "::1", 80, NULL},
	{{"::/0"}, NO_RULES, "x", "::1", 80, "loopback"},
	{{"fe80::/10"}, NO_RULES, "x", "fe80::1%lo", 80, NULL},
	{{"127.0.0.0/8"}, NO_RULES, "x", "64:ff9b::127.0.0.1", 80, "it leads to loopback"},
	{{"64:ff9b::/96"}, NO_RULES, "x", "64:ff9b::127.0.0.1", 80, "it leads to loopback"},
	{{"64:ff9b::7f00:0/104"}, NO_RULES, "x", "64:ff9b::127.0.0.1", 80, NULL},
	{{"2002:7f00::/24"}, NO_RULES, "x", "2002:7f00:1::1", 80, NULL},
	{{"64:ff9b:1::/48"}, NO_RULES, "x", "64:ff9b:1::1", 80, NULL},
	{{"127.0.0.0/8"}, {"127.0.0.1"}, "x", "127.0.0.1", 80, "the rule \"127.0.0.1\" of probe_endpoint.deny"},
	/* Before the name is resolved, or the port known: only what would be refused in any case. */
	{NO_RULES, {"10.0.0.0/8", ":25", "bad.example:80"}, "a.example", NULL, DESTINATION_UNKNOWN_PORT, NULL},
	{NO_RULES, {"bad.example:80"}, "bad.example", NULL, DESTINATION_UNKNOWN_PORT, NULL},
	{NO_RULES,
	 {"bad.example"},
	 "bad.example",
	 NULL,
	 DESTINATION_UNKNOWN_PORT,
	 "bad.example is refused: the rule \"bad.example\""},
	{NO_RULES, {":25"}, "a.example", NULL, 25, "a.example is refused: the rule \":25\""},
	{{"*.example.com:443"}, NO_RULES, "a.example.com", NULL, DESTINATION_UNKNOWN_PORT, NULL},
	{{"*.example.com:443"},
	 NO_RULES,
	 "a.example.org",
	 NULL,
	 DESTINATION_UNKNOWN_PORT,
	 "a.example.org is refused: no rule of probe_endpoint.allow permits it"},
	{{"*.example.com:443"}, NO_RULES, "a.example.com", NULL, 80, "no rule of probe_endpoint.allow"},
	{{"10.0.0.0/8"}, NO_RULES, "a.example.org", NULL, DESTINATION_UNKNOWN_PORT, NULL},
	{NO_RULES, NO_RULES, "127.0.0.1", "127.0.0.1", DESTINATION_UNKNOWN_PORT, "127.0.0.1 is refused: loopback"},
	{{"127.0.0.1:80"}, NO_RULES, "127.0.0.1", "127.0.0.1", DESTINATION_UNKNOWN_PORT, NULL},
	/* Other writings of 127.0.0.1 are names here: nothing is taken for an address but what the resolver takes. */
	{NO_RULES, NO_RULES, "2130706433", NULL, 80, NULL},
	{NO_RULES, NO_RULES, "0x7f.1", NULL, 80, NULL},
	{NO_RULES, NO_RULES, "2130706433", "127.0.0.1", 80, "127.0.0.1:80 (2130706433) is refused: loopback"},
	{NO_RULES, NO_RULES, "0177.0.0.1", "127.0.0.1", 80, "loopback"},
	{NO_RULES, NO_RULES, "localhost.", "127.0.0.1", 80, "127.0.0.1:80 (localhost) is refused: loopback"},
};

Test(destination, rules)
{
	for (size_t i = 0; i < LENGTH(decisions); i++) {
		struct destination_rules *rules = make(decisions[i].allow, decisions[i].deny);
		struct err why;
		bool is_permitted = permits(rules, decisions[i].host, decisions[i].address, decisions[i].port, &why);

		cr_expect_eq(is_permitted, decisions[i].why == NULL, "case %zu, %s %s: %s", i, decisions[i].host,
			     decisions[i].address ? decisions[i].address : "", why.text);
		if (decisions[i].why)
			cr_expect(strstr(why.text, decisions[i].why), "case %zu: %s", i, why.text);
		destination_rules_free(rules);
	}
}

/* The text is cut, not the decision. */
Test(destination, long_hosts)
{
	struct destination_rules *rules = make((const char *const[]){NULL}, (const char *const[]){"*.example", NULL});
	char host[2000];
	struct err why;

	memset(host, 'a', sizeof(host));
	strcpy(host + sizeof(host) - 9, ".example");
	cr_expect_not(permits(rules, host, "192.0.2.1", 80, &why));
	cr_expect(strstr(why.text, "the rule \"*.example\""), "%s", why.text);
	destination_rules_free(rules);
}

/* A name that a proxy is asked for: what is not known is not permitted by a network. */
Test(destination, names_that_are_left_to_a_proxy)
{
	static const struct {
		const char *allow[RULES_MAX], *deny[RULES_MAX];
		const char *host;
		bool is_permitted;
	} cases[] = {
		{NO_RULES, NO_RULES, "a.example", true},
		{NO_RULES, {"10.0.0.0/8"}, "a.example", true},
		{NO_RULES, {"a.example"}, "A.example.", false},
		{{"10.0.0.0/8"}, NO_RULES, "a.example", false},
		{{"0.0.0.0/0", "::/0"}, NO_RULES, "a.example", false},
		{{"*.example:80"}, NO_RULES, "a.example", true},
		{{"*.example:81"}, NO_RULES, "a.example", false},
		{{"*"}, NO_RULES, "a.example", true},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct destination_rules *rules = make(cases[i].allow, cases[i].deny);
		const struct destination destination = {cases[i].host, NULL, 80, true};
		struct err why = {0};

		cr_expect_eq(destination_is_permitted(rules, &destination, &why), cases[i].is_permitted, "case %zu: %s",
			     i, why.text);
		destination_rules_free(rules);
	}
}
