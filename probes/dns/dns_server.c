#include "probes/dns/dns_server.h"

#include <string.h>

#include "core/address.h"
#include "core/mem.h"

#define HOST_BYTES   256
#define PATH_BYTES   1024
#define DEFAULT_PATH "/dns-query" /* RFC 8484 section 4.1.1 leaves it open; this is what everybody has */

const char *const dns_transport_names[] = {
	[DNS_UDP] = "udp", [DNS_TCP] = "tcp", [DNS_TLS] = "tls", [DNS_HTTPS] = "https", NULL};

static const uint16_t default_ports[DNS_TRANSPORTS] = {
	[DNS_UDP] = 53, [DNS_TCP] = 53, [DNS_TLS] = 853, [DNS_HTTPS] = 443};

/* Sets the transport if the address says one, and returns what follows it; NULL: not one that there is. */
static const char *take_scheme(const char *address, enum dns_transport *transport)
{
	const char *rest = strstr(address, "://");
	if (!rest)
		return address;
	for (int i = 0; i < DNS_TRANSPORTS; i++) {
		size_t n = strlen(dns_transport_names[i]);
		if (n == (size_t)(rest - address) && !strncmp(address, dns_transport_names[i], n)) {
			*transport = (enum dns_transport)i;
			return rest + strlen("://");
		}
	}
	return NULL;
}

int dns_server_parse(const char *address, enum dns_transport fallback, struct dns_server *out, struct err *err)
{
	char authority[HOST_BYTES + 16], host[HOST_BYTES];
	const char *rest = take_scheme(address, &fallback);
	if (!rest)
		return err_set(err, "\"%.*s\": only udp://, tcp://, tls:// and https:// are ways to a name server", 200,
			       address);
	size_t n = strcspn(rest, "/?#");
	const char *path = rest + n;
	if (fallback != DNS_HTTPS && *path && strcmp(path, "/") != 0)
		return err_set(err, "\"%.*s\": only https:// has a path", 200, address);
	if (n >= sizeof(authority) || strlen(path) > PATH_BYTES)
		return err_set(err, "\"%.*s...\" is too long", 60, address);
	memcpy(authority, rest, n);
	authority[n] = '\0';
	if (strchr(authority, '@'))
		return err_set(err, "a name server's address has no user and password in it");
	if (strchr(path, '#'))
		return err_set(err, "\"%.*s\": a fragment (#) is nothing that a server gets", 200, address);
	*out = (struct dns_server){.transport = (uint8_t)fallback};
	if (address_split_host_port(authority, host, sizeof(host), &out->port, default_ports[fallback]) ||
	    out->port == 0)
		return err_set(err,
			       "\"%.*s\" is not a name server's address: host, host:port, tls://host or "
			       "https://host/dns-query",
			       200, address);
	out->host = mem_copy_string(host);
	out->path = fallback != DNS_HTTPS             ? mem_copy_string("")
		    : *path == '/' && path[1] != '\0' ? mem_copy_string(path)
						      : mem_copy_string(DEFAULT_PATH);
	return 0;
}

void dns_server_free(struct dns_server *server)
{
	mem_free(server->host);
	mem_free(server->path);
	*server = (struct dns_server){0};
}

char *dns_server_url(const struct dns_server *server)
{
	bool is_v6 = strchr(server->host, ':') != NULL;
	return mem_format("https://%s%s%s:%u%s", is_v6 ? "[" : "", server->host, is_v6 ? "]" : "", server->port,
			  server->path);
}
