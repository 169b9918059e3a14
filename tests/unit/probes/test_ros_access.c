#include <criterion/criterion.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "probes/routeros/ros_access.h"

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct ros_access *make(void)
{
	struct ros_access *access = mem_zero(1, sizeof(*access));
	ros_access_set_defaults(access);
	access->username = mem_copy_string("netsonde");
	return access;
}

static void set(struct ros_access *access, const char *name, const char *value)
{
	const struct option *option = option_find(ros_access_options, ros_access_noptions, name);
	struct err err = {0};
	cr_assert_not_null(option, "%s", name);
	cr_assert_eq(option_set_text(option, access, value, &err), 0, "%s: %s", name, err.text);
}

Test(ros_access, defaults)
{
	struct ros_access *access = make();
	cr_assert_eq(ros_access_check(access, NULL), 0);
	cr_assert_eq(ros_access_port(access), 8728);
	access->uses_tls = true;
	cr_assert_eq(ros_access_port(access), 8729);
	access->port = 1234;
	cr_assert_eq(ros_access_port(access), 1234);
	cr_assert(access->tls.is_verifying);
	cr_assert_eq(access->connect_timeout_ns, 5 * NS_PER_SECOND);
	cr_assert_eq(access->window, 8);
	cr_assert_eq(access->login, ROS_LOGIN_ANY);
	ros_access_free(access);
	ros_access_free(NULL);
}

Test(ros_access, copies_are_equal_until_something_changes)
{
	struct ros_access *access = make();
	const struct hash_key key = {1, 2};
	set(access, "password", "a");
	struct ros_access *copy = ros_access_copy(access);
	cr_assert(ros_accesses_are_equal(access, copy));
	cr_assert_eq(ros_access_hash(key, access), ros_access_hash(key, copy));
	cr_assert_neq(access->password, copy->password);
	set(copy, "password", "b");
	cr_assert_not(ros_accesses_are_equal(access, copy));
	cr_assert_neq(ros_access_hash(key, access), ros_access_hash(key, copy));
	ros_access_free(access);
	ros_access_free(copy);
}

/* name=value pairs, and what is wrong with them; "" = nothing. */
static const struct {
	const char *options[8];
	const char *error;
} rules[] = {
	{{"username="}, "username: there is none; the router wants one to log in"},
	{{"password=a", "password_file=/b"}, "password and password_file: only one of them can be"},
	{{"password_file="}, "password_file: it names no file"},
	{{"password_file=/b"}, ""},
	{{"tls_anonymous=true"}, "tls_anonymous: it needs tls = true"},
	{{"tls=true", "tls_anonymous=true"}, ""},
	{{"tls_fingerprint=" HEX64}, "tls_fingerprint: it needs tls = true"},
	{{"tls=true", "tls_fingerprint=" HEX64}, ""},
	{{"tls=true", "tls_fingerprint=00"},
	 "tls_fingerprint: it has 2 hexadecimal digits instead of 64: it must be the SHA-256 of the certificate"},
	{{"tls=true", "tls_anonymous=true", "tls_fingerprint=" HEX64},
	 "tls_anonymous and tls_fingerprint: without a certificate there is no fingerprint"},
	{{"tls=true", "tls_anonymous=true", "tls_ca_file=/a"},
	 "tls_anonymous: there are no certificates then; leave off tls_ca and tls_cert, and their files"},
	{{"tls=true", "tls_anonymous=true", "tls_min_version=tls1.3"},
	 "tls_anonymous: there is none in TLS 1.3; leave off tls_min_version"},
	{{"tls=true", "tls_ca_file=/a", "tls_ca=b"}, "tls_ca_file and tls_ca: only one of them can be"},
	{{"source=here"}, "source: \"here\" is not an IP address"},
	{{"source=192.0.2.1"}, ""},
	{{"source=192.0.2.1", "family=only_ipv6"}, "source: 192.0.2.1 is not of the family that is asked for"},
	{{"source=2001:db8::1", "family=only_ipv4"}, "source: 2001:db8::1 is not of the family that is asked for"},
	{{"interface="}, "interface: \"\" is no name of an interface"},
	{{"interface=a234567890123456"}, "interface: \"a234567890123456\" is no name of an interface"},
	{{"interface=eth0"}, ""},
	{{"reconnect_min=31"}, "reconnect_min (31 s) must not be longer than reconnect_max (30 s)"},
	{{"reconnect_min=30"}, ""},
};

Test(ros_access, rules_between_options)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		struct ros_access *access = make();
		struct err err = {0};
		for (const char *const *at = rules[i].options; *at; at++) {
			char name[32] = "";
			const char *value = strchr(*at, '=') + 1;
			strncat(name, *at, (size_t)(value - *at) - 1);
			set(access, name, value);
		}
		int status = ros_access_check(access, &err);
		cr_expect_str_eq(err.text, rules[i].error, "rule %zu: %s", i, err.text);
		cr_expect_eq(status, rules[i].error[0] ? -1 : 0);
		ros_access_free(access);
	}
}

Test(ros_access, a_name_or_password_has_a_ceiling)
{
	struct ros_access *access = make();
	struct err err = {0};
	access->password = mem_zero(1, (1 << 19) + 2);
	memset(access->password, 'x', (1 << 19) + 1);
	cr_assert_eq(ros_access_check(access, &err), -1);
	cr_assert_str_eq(err.text, "username, password: longer than 512 KiB");
	ros_access_free(access);
}

static const struct {
	const char *text;
	bool is_good;
} fingerprints[] = {
	{HEX64, true},
	{"00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff", true},
	{"sha256:" HEX64, true},
	{"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF", true},
	{"SHA256:00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff",
	 true},
	{"", false},
	{"sha256:", false},
	{HEX64 "0", false},
	{"0" HEX64, false},
	{"0:0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", false},
	{":" HEX64, false},
	{"g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", false},
	{"da39a3ee5e6b4b0d3255bfef95601890afd80709", false},
	{"sha1:" HEX64, false},
};

Test(ros_access, fingerprints)
{
	for (size_t i = 0; i < sizeof(fingerprints) / sizeof(*fingerprints); i++) {
		char out[65] = "";
		struct err err = {0};
		int status = ros_fingerprint_parse(fingerprints[i].text, out, &err);
		cr_expect_eq(status, fingerprints[i].is_good ? 0 : -1, "%s", fingerprints[i].text);
		if (fingerprints[i].is_good)
			cr_expect_str_eq(out, HEX64);
		else
			cr_expect_neq(err.text[0], '\0');
	}
}
