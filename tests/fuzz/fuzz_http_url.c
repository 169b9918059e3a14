/*
 * A URL and where a redirect leads from it, as a server may write it: the first line is the one, the rest the other.
 * What comes out is whole, of http, without secrets, and read the same again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "probes/http/http_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct http_url *url)
{
	struct http_url again;
	require(strncmp(url->text, "http://", 7) == 0 || strncmp(url->text, "https://", 8) == 0);
	require(url->is_https == (url->text[4] == 's'));
	require(url->host[0] != '\0' && url->port != 0);
	require(strpbrk(url->text, "\r\n#") == NULL);
	if (http_url_parse(url->text, &again, NULL) == 0) {
		require(again.user == NULL && again.port == url->port && again.is_https == url->is_https);
		/* The zone of an address is not in the text. */
		require(strncmp(again.host, url->host, strcspn(url->host, "%")) == 0);
		http_url_free(&again);
	}
	char *authority = http_url_authority(url);
	require(strpbrk(authority, "/\r\n") == NULL);
	mem_free(authority);
	mem_free(http_url_with_host(url, "192.0.2.1", 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_url base, next;
	bool is_socks;
	char *text = mem_format("%.*s", (int)size, (const char *)data);
	char *location = strchr(text, '\n');
	if (location != NULL)
		*location++ = '\0';
	if (http_proxy_parse(text, &base, &is_socks, NULL) == 0)
		http_url_free(&base);
	if (http_url_parse(text, &base, NULL) == 0) {
		check(&base);
		if (location != NULL && http_url_join(&base, location, &next, NULL) == 0) {
			check(&next);
			http_url_free(&next);
		}
		char *items[] = {text};
		http_bypasses_proxy(&(struct option_list){items, 1}, base.host, base.port);
		http_url_free(&base);
	}
	mem_free(text);
	return 0;
}
