#include <netdb.h>
#include <stdbool.h>
#include <string.h>

#include "core/address.h"
#include "core/mem.h"
#include "daemon/config_reader.h"

#define HOST_BYTES_MAX  253 /* RFC 1035 section 2.3.4, without the root */
#define LABEL_BYTES_MAX 63
#define ANY_PORT        0

static bool is_label_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* One part of a host name: letters, digits, "-" and "_" (common in SRV and internal names), no "-" at its ends. */
static bool is_host_label(const char *label, size_t n)
{
	if (!n || n > LABEL_BYTES_MAX || label[0] == '-' || label[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!is_label_byte(label[i]))
			return false;
	}
	return true;
}

static int check_host_name(const char *host, struct err *err)
{
	size_t length = strlen(host), last = 0;

	if (length && host[length - 1] == '.')
		length--;
	if (length > HOST_BYTES_MAX)
		return err_set(err, "the host name is longer than %d bytes", HOST_BYTES_MAX);
	for (size_t at = 0; at <= length;) {
		const char *dot = memchr(host + at, '.', length - at);
		size_t n = dot ? (size_t)(dot - host) - at : length - at;

		if (!is_host_label(host + at, n))
			return err_set(err, "\"%.*s\" is neither an IP address nor a host name", 256, host);
		last = at;
		at += n + 1;
	}
	/* No top-level domain is a number: this was meant as an IPv4 address. */
	if (strspn(host + last, "0123456789") == length - last)
		return err_set(err, "\"%.*s\" is not an IPv4 address", 256, host);
	return 0;
}

/* "fe80::1%eth0" where this machine has no eth0 is still an address: the probe says so when it runs. */
static bool is_scoped_address(const char *text)
{
	const char *percent = strchr(text, '%');
	char literal[ADDRESS_TEXT_SIZE];
	struct address address;

	if (!percent || percent[1] == '\0' || (size_t)(percent - text) >= sizeof(literal))
		return false;
	memcpy(literal, text, (size_t)(percent - text));
	literal[percent - text] = '\0';
	return address_parse(literal, &address) && address.family == ADDRESS_IPV6;
}

static int check_host(const char *host, struct err *err)
{
	struct address address;

	if (address_parse(host, &address) || is_scoped_address(host))
		return 0;
	return check_host_name(host, err);
}

/* "name:password@host", in a URL or without: what stands before the host would be shown wherever the address is. */
static bool has_login(const char *address)
{
	const char *host = strstr(address, "://"), *at = strchr(address, '@');

	host = host ? host + strlen("://") : address;
	return at && at < host + strcspn(host, "/?#");
}

int config_check_address(const char *address, struct err *err)
{
	char host[NI_MAXHOST];
	uint16_t port;

	if (!address[0])
		return err_set(err, "is empty");
	for (const char *at = address; *at; at++) {
		if ((unsigned char)*at <= ' ' || *at == '\x7f')
			return err_set(err, "must not have blanks or control characters");
	}
	if (has_login(address))
		return err_set(err, "must not have user and password in it: they would be shown with the address");
	/* What a URL or a path may hold is for the probe type to say. */
	if (strchr(address, '/') || check_host(address, err) == 0)
		return 0;
	if (!strchr(address, ':'))
		return -1;
	if (address_split_host_port(address, host, sizeof(host), &port, 0) < 0)
		return err_set(err, "\"%.*s\" is not an address, a host name, host:port or a URL", 256, address);
	return check_host(host, err);
}

/* An IP address, with a port or without. */
int config_check_listen(const char *address, struct err *err)
{
	char host[ADDRESS_TEXT_SIZE];
	struct address parsed;
	uint16_t port;

	if (has_login(address))
		return err_set(err, "must be an IP address, or one with a port: without user and password");
	if (address_split_host_port(address, host, sizeof(host), &port, ANY_PORT) < 0 || !address_parse(host, &parsed))
		return err_set(err, "\"%.*s\" is not an IP address, or one with a port", 256, address);
	return 0;
}

int config_check_resolver(const char *servers, struct err *err)
{
	char *copy = mem_copy_string(servers), *rest = copy, *server;
	int result = 0;

	while (result == 0 && (server = strsep(&rest, ",")) != NULL) {
		server += strspn(server, " ");
		server[strcspn(server, " ")] = '\0';
		result = config_check_listen(server, err);
	}
	mem_free(copy);
	return result;
}
