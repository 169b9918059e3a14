#include "probes/routeros/ros_access.h"

#include <openssl/crypto.h>
#include <string.h>

#include "core/address.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/option_compare.h"

#define FINGERPRINT_BYTES  32
#define INTERFACE_NAME_MAX 15

/* Its only member lies at its beginning. */
struct alone {
	struct ros_access access;
};

const struct option ros_access_options[] = {
	ROS_ACCESS_OPTIONS(struct alone, access),
};
const size_t ros_access_noptions = sizeof(ros_access_options) / sizeof(*ros_access_options);

/* --- values ------------------------------------------------------------------------------------------------------- */

void ros_access_set_defaults(struct ros_access *access)
{
	option_set_defaults(ros_access_options, ros_access_noptions, access);
}

struct ros_access *ros_access_copy(const struct ros_access *access)
{
	return option_copy_settings(ros_access_options, ros_access_noptions, sizeof(*access), access);
}

void ros_access_clear(struct ros_access *access)
{
	if (access->password)
		OPENSSL_cleanse(access->password, strlen(access->password));
	if (access->tls.key)
		OPENSSL_cleanse(access->tls.key, strlen(access->tls.key));
	option_free(ros_access_options, ros_access_noptions, access);
}

void ros_access_free(struct ros_access *access)
{
	if (!access)
		return;
	ros_access_clear(access);
	mem_free(access);
}

bool ros_accesses_are_equal(const struct ros_access *a, const struct ros_access *b)
{
	return option_settings_are_equal(ros_access_options, ros_access_noptions, a, b);
}

uint64_t ros_access_hash(struct hash_key key, const struct ros_access *access)
{
	return option_settings_hash(key, ros_access_options, ros_access_noptions, access);
}

uint16_t ros_access_port(const struct ros_access *access)
{
	if (access->port)
		return (uint16_t)access->port;
	return access->uses_tls ? ROS_PORT_TLS : ROS_PORT;
}

/* --- fingerprints ------------------------------------------------------------------------------------------------- */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int ros_fingerprint_parse(const char *text, char out[65], struct err *err)
{
	size_t n = 0;
	if (strncmp(text, "sha256:", 7) == 0 || strncmp(text, "SHA256:", 7) == 0)
		text += 7;
	for (const char *at = text; *at; at++) {
		if (*at == ' ' || (*at == ':' && n > 0 && n % 2 == 0))
			continue;
		int digit = hex_value(*at);
		if (digit < 0 || n == (size_t)2 * FINGERPRINT_BYTES)
			return err_set(err, "it must be 32 bytes in hexadecimal, as \"openssl x509 -noout "
					    "-fingerprint -sha256\" prints them");
		out[n++] = "0123456789abcdef"[digit];
	}
	if (n != (size_t)2 * FINGERPRINT_BYTES)
		return err_set(err,
			       "it has %zu hexadecimal digits instead of 64: it must be the SHA-256 of the "
			       "certificate",
			       n);
	out[n] = '\0';
	return 0;
}

/* --- rules -------------------------------------------------------------------------------------------------------- */

static int check_login(const struct ros_access *access, struct err *err)
{
	if (!access->username || !access->username[0])
		return err_set(err, "username: there is none; the router wants one to log in");
	if (access->password && access->password_file)
		return err_set(err, "password and password_file: only one of them can be");
	if (access->password_file && !access->password_file[0])
		return err_set(err, "password_file: it names no file");
	if (strlen(access->username) > ROS_WORD_MAX / 2 ||
	    (access->password && strlen(access->password) > ROS_WORD_MAX / 2))
		return err_set(err, "username, password: longer than 512 KiB");
	return 0;
}

static int check_fingerprint(const char *text, struct err *err)
{
	char digits[65];
	if (!text || ros_fingerprint_parse(text, digits, err) == 0)
		return 0;
	return err_prefix(err, "tls_fingerprint");
}

static bool has_proof(const struct tls_settings *tls)
{
	return tls->ca_file || tls->ca || tls->cert_file || tls->cert;
}

static int check_tls(const struct ros_access *access, struct err *err)
{
	if (!access->uses_tls && access->is_anonymous)
		return err_set(err, "tls_anonymous: it needs tls = true");
	if (!access->uses_tls && access->fingerprint)
		return err_set(err, "tls_fingerprint: it needs tls = true");
	if (access->is_anonymous && access->fingerprint)
		return err_set(err, "tls_anonymous and tls_fingerprint: without a certificate there is no fingerprint");
	if (access->is_anonymous && has_proof(&access->tls))
		return err_set(err, "tls_anonymous: there are no certificates then; leave off tls_ca and tls_cert, and "
				    "their files");
	if (access->is_anonymous && access->tls.minimum == TLS_VERSION_13)
		return err_set(err, "tls_anonymous: there is none in TLS 1.3; leave off tls_min_version");
	if (check_fingerprint(access->fingerprint, err) != 0)
		return -1;
	return tls_settings_check(&access->tls, err);
}

static int check_route(const struct ros_access *access, struct err *err)
{
	struct address source;
	if (access->interface && (!access->interface[0] || strlen(access->interface) > INTERFACE_NAME_MAX))
		return err_set(err, "interface: \"%s\" is no name of an interface", access->interface);
	if (!access->source)
		return 0;
	if (!address_parse(access->source, &source))
		return err_set(err, "source: \"%s\" is not an IP address", access->source);
	if ((source.family == ADDRESS_IPV4 && access->family == HOST_ONLY_IPV6) ||
	    (source.family == ADDRESS_IPV6 && access->family == HOST_ONLY_IPV4))
		return err_set(err, "source: %s is not of the family that is asked for", access->source);
	return 0;
}

static int check_pauses(const struct ros_access *access, struct err *err)
{
	if (access->pause_min_ns > access->pause_max_ns)
		return err_set(err, "reconnect_min (%g s) must not be longer than reconnect_max (%g s)",
			       clock_seconds(access->pause_min_ns), clock_seconds(access->pause_max_ns));
	return 0;
}

int ros_access_check(const struct ros_access *access, struct err *err)
{
	if (check_login(access, err) != 0 || check_tls(access, err) != 0 || check_route(access, err) != 0)
		return -1;
	return check_pauses(access, err);
}
