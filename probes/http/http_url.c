#include "probes/http/http_url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/address.h"
#include "core/mem.h"

/* Layers of escapes in a host, at most. */
#define PARSES_MAX 8

static bool has_scheme(const char *text)
{
	return strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0;
}

/* Something that begins with another scheme is no host either. */
static bool has_other_scheme(const char *text)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
	return length > 0 && strncmp(text + length, "://", 3) == 0 && !has_scheme(text);
}

/* --- one part ----------------------------------------------------------------------------------------------------- */

/* Owned by the caller; NULL when there is no such part. */
static char *get_part(CURLU *parsed, CURLUPart part, unsigned flags)
{
	char *text = NULL;
	char *copy = NULL;
	if (curl_url_get(parsed, part, &text, flags) == CURLUE_OK && text != NULL)
		copy = mem_copy_string(text);
	curl_free(text);
	return copy;
}

/* Without brackets, with the zone. */
static char *get_host(CURLU *parsed)
{
	char *host = get_part(parsed, CURLUPART_HOST, CURLU_PUNYCODE);
	char *zone = get_part(parsed, CURLUPART_ZONEID, 0);
	size_t length = host != NULL ? strlen(host) : 0;
	if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
		char *plain = mem_format("%.*s%s%s", (int)(length - 2), host + 1, zone != NULL ? "%" : "",
					 zone != NULL ? zone : "");
		mem_free(host);
		host = plain;
	}
	mem_free(zone);
	return host;
}

static uint16_t get_port(CURLU *parsed)
{
	char *text = get_part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	long port = text != NULL ? strtol(text, NULL, 10) : 0;
	mem_free(text);
	return port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
}

static bool is_https(CURLU *parsed)
{
	char *scheme = get_part(parsed, CURLUPART_SCHEME, 0);
	bool is = scheme != NULL && strcasecmp(scheme, "https") == 0;
	mem_free(scheme);
	return is;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

void http_url_free(struct http_url *url)
{
	mem_free(url->text);
	mem_free(url->host);
	mem_free(url->user);
	mem_free(url->password);
	*url = (struct http_url){0};
}

static int check_text(const char *text, struct err *err)
{
	if (strlen(text) > HTTP_URL_MAX)
		return err_set(err, "the URL is longer than %d bytes", HTTP_URL_MAX);
	for (const char *c = text; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c))
			return err_set(err, "there are control characters in the URL");
	return 0;
}

/* What is not sent, or sent in another way. */
static void strip(CURLU *parsed)
{
	static const CURLUPart parts[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS, CURLUPART_FRAGMENT,
					  CURLUPART_ZONEID};
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		curl_url_set(parsed, parts[i], NULL, 0);
}

static int take_apart(CURLU *parsed, struct http_url *out, struct err *err)
{
	*out = (struct http_url){
		.host = get_host(parsed),
		.user = get_part(parsed, CURLUPART_USER, CURLU_URLDECODE),
		.password = get_part(parsed, CURLUPART_PASSWORD, CURLU_URLDECODE),
		.port = get_port(parsed),
		.is_https = is_https(parsed),
	};
	strip(parsed);
	out->text = get_part(parsed, CURLUPART_URL, CURLU_PUNYCODE);
	if (out->text != NULL && out->host != NULL && out->host[0] != '\0' && out->port != 0)
		return 0;
	http_url_free(out);
	return err_set(err, "the URL has no host or no port that can be used");
}

/* Parsed until it is what it was: a host of %38 is 8 then, and 8 is 0.0.0.8; %2538 is the same in two steps. Owned by
 * the caller; NULL: there is no end of it, or it is not of http. */
static char *settle(CURLU *parsed, unsigned flags)
{
	char *whole = get_part(parsed, CURLUPART_URL, 0);
	for (int i = 0; i < PARSES_MAX && whole != NULL && has_scheme(whole); i++) {
		if (curl_url_set(parsed, CURLUPART_URL, whole, flags) != CURLUE_OK)
			break;
		char *again = get_part(parsed, CURLUPART_URL, 0);
		bool is_same = again != NULL && strcmp(again, whole) == 0;
		mem_free(whole);
		whole = again;
		if (is_same)
			return whole;
	}
	mem_free(whole);
	return NULL;
}

static int set_and_take(CURLU *parsed, const char *text, unsigned flags, struct http_url *out, struct err *err)
{
	flags |= CURLU_URLENCODE | CURLU_ALLOW_SPACE;
	CURLUcode code = curl_url_set(parsed, CURLUPART_URL, text, flags);
	if (code != CURLUE_OK)
		return err_set(err, "this is no URL: %s", curl_url_strerror(code));
	char *whole = settle(parsed, flags);
	bool is_good = whole != NULL;
	mem_free(whole);
	return is_good ? take_apart(parsed, out, err) : err_set(err, "the URL is neither of http nor of https");
}

int http_url_parse(const char *text, struct http_url *out, struct err *err)
{
	*out = (struct http_url){0};
	if (check_text(text, err) != 0)
		return -1;
	if (has_other_scheme(text))
		return err_set(err, "the URL is neither of http nor of https");
	CURLU *parsed = curl_url();
	char *whole = has_scheme(text) ? mem_copy_string(text) : mem_format("http://%s", text);
	int result = set_and_take(parsed, whole, CURLU_PATH_AS_IS, out, err);
	mem_free(whole);
	curl_url_cleanup(parsed);
	return result;
}

int http_url_join(const struct http_url *base, const char *location, struct http_url *out, struct err *err)
{
	*out = (struct http_url){0};
	if (check_text(location, err) != 0)
		return -1;
	CURLU *parsed = curl_url();
	curl_url_set(parsed, CURLUPART_URL, base->text, CURLU_PATH_AS_IS);
	int result = set_and_take(parsed, location, 0, out, err);
	curl_url_cleanup(parsed);
	return result;
}

/* --- in other forms ----------------------------------------------------------------------------------------------- */

/* As it stands in a URL: an IPv6 address in brackets, without its zone. Owned by the caller. */
static char *bracket(const char *host)
{
	if (strchr(host, ':') == NULL)
		return mem_copy_string(host);
	return mem_format("[%.*s]", (int)strcspn(host, "%"), host);
}

char *http_url_with_host(const struct http_url *url, const char *host, uint16_t port)
{
	char *text = NULL;
	char *name = bracket(host);
	char digits[8];
	CURLU *parsed = curl_url();
	bool is_good = curl_url_set(parsed, CURLUPART_URL, url->text, CURLU_PATH_AS_IS) == CURLUE_OK &&
		       curl_url_set(parsed, CURLUPART_HOST, name, 0) == CURLUE_OK;
	snprintf(digits, sizeof(digits), "%u", port);
	if (port != 0)
		is_good = is_good && curl_url_set(parsed, CURLUPART_PORT, digits, 0) == CURLUE_OK;
	if (is_good)
		text = get_part(parsed, CURLUPART_URL, 0);
	curl_url_cleanup(parsed);
	mem_free(name);
	return text;
}

char *http_url_authority(const struct http_url *url)
{
	char *host = bracket(url->host);
	if (url->port == (url->is_https ? 443 : 80))
		return host;
	char *authority = mem_format("%s:%u", host, url->port);
	mem_free(host);
	return authority;
}

bool http_url_is_trusted_as(const struct http_url *url, const struct http_url *origin)
{
	return strcasecmp(url->host, origin->host) == 0 && (url->is_https || !origin->is_https);
}

/* --- the proxy ---------------------------------------------------------------------------------------------------- */

#define SOCKS_PORT 1080

static bool skip_prefix(const char **text, const char *prefix)
{
	size_t length = strlen(prefix);
	bool is = strncasecmp(*text, prefix, length) == 0;
	if (is)
		*text += length;
	return is;
}

/* A SOCKS proxy is read as if it were one of http: the same but for the port. */
int http_proxy_parse(const char *text, struct http_url *out, bool *is_socks, struct err *err)
{
	const char *rest = text;
	*is_socks = skip_prefix(&rest, "socks5://") || skip_prefix(&rest, "socks5h://");
	if (!*is_socks && strstr(text, "://") != NULL && !has_scheme(text))
		return err_set(err, "must be http://, https:// or socks5:// with a host and a port");
	if (http_url_parse(rest, out, err) != 0)
		return -1;
	bool has_more = out->user != NULL || out->password != NULL;
	if (has_more)
		err_set(err, "must not contain user and password: give them by proxy_user and proxy_password");
	if (*is_socks && out->port == 80 && strstr(rest, ":80") == NULL)
		out->port = SOCKS_PORT;
	if (has_more)
		http_url_free(out);
	return has_more ? -1 : 0;
}

/* --- exceptions from the proxy ------------------------------------------------------------------------------------ */

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), n = strlen(end);
	return length >= n && strcasecmp(text + length - n, end) == 0;
}

static bool is_name_excepted(const char *entry, const char *host)
{
	if (entry[0] == '*' && entry[1] == '.')
		entry++;
	if (entry[0] == '.')
		return ends_in(host, entry);
	if (strcasecmp(host, entry) == 0)
		return true;
	size_t length = strlen(host), n = strlen(entry);
	return length > n && host[length - n - 1] == '.' && ends_in(host, entry);
}

static bool are_first_bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	for (; bits >= 8; bits -= 8)
		if (*a++ != *b++)
			return false;
	return bits == 0 || (*a ^ *b) >> (8 - bits) == 0;
}

static bool is_in_range(const char *range, const struct address *address)
{
	struct address network;
	const char *slash = strchr(range, '/');
	char *text = mem_format("%.*s", (int)(slash - range), range);
	bool is_network = address_parse(text, &network);
	char *end;
	unsigned long bits = strtoul(slash + 1, &end, 10);
	mem_free(text);
	return is_network && end != slash + 1 && *end == '\0' && network.family == address->family &&
	       bits <= address_families[address->family - 1].bits &&
	       are_first_bits_equal(network.bytes, address->bytes, (unsigned)bits);
}

static bool is_excepted(const char *entry, const char *host, uint16_t port)
{
	struct address address, other;
	char name[256];
	uint16_t wanted;
	bool is_address = address_parse(host, &address);
	if (strcmp(entry, "*") == 0)
		return true;
	if (strchr(entry, '/') != NULL)
		return is_address && is_in_range(entry, &address);
	if (address_split_host_port(entry, name, sizeof(name), &wanted, 0) != 0 || (wanted != 0 && wanted != port))
		return false;
	if (is_address)
		return address_parse(name, &other) && address_equal(&address, &other);
	return is_name_excepted(name, host);
}

bool http_bypasses_proxy(const struct option_list *exceptions, const char *host, uint16_t port)
{
	for (size_t i = 0; i < exceptions->n; i++)
		if (is_excepted(exceptions->items[i], host, port))
			return true;
	return false;
}
