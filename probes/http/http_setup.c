#include <limits.h>
#include <string.h>
#include <strings.h>

#include "probes/http/http_client.h"
#include "probes/http/http_fields.h"

static long curl_version_of(int version)
{
	switch ((enum http_version)version) {
	case HTTP_VERSION_1_0:
		return CURL_HTTP_VERSION_1_0;
	case HTTP_VERSION_1_1:
		return CURL_HTTP_VERSION_1_1;
	case HTTP_VERSION_2:
		return CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
	case HTTP_VERSION_3:
		return CURL_HTTP_VERSION_3;
	case HTTP_VERSION_DEFAULT:
		break;
	}
	return CURL_HTTP_VERSION_2TLS;
}

void http_client_set_method(struct http_client *client, bool is_plain_get)
{
	const struct http_recipe *recipe = client->recipe;
	const char *method = recipe->settings.method;
	CURL *easy = client->easy;
	bool is_head = strcmp(method, "HEAD") == 0;
	bool has_body = !is_plain_get && http_sends_body(&recipe->settings);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
	curl_easy_setopt(easy, CURLOPT_NOBODY, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	if (is_head) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	}
	if (has_body) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)recipe->body_length);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, recipe->body != NULL ? recipe->body : "");
	}
	if (!is_plain_get && strcmp(method, has_body ? "POST" : "GET") != 0)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

static void set_tls(CURL *easy)
{
	/* core/tls_client does all of it. */
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
}

static void set_proxy(struct http_client *client)
{
	const struct http_recipe *recipe = client->recipe;
	const struct http_settings *settings = &recipe->settings;
	CURL *easy = client->easy;
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* none from the environment either */
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	if (recipe->proxy == NULL)
		return;
	curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, settings->proxy_user);
	curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, settings->proxy_password);
	curl_easy_setopt(easy, CURLOPT_PROXYHEADER, recipe->proxy_fields);
	curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, settings->tls.is_verifying ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, settings->tls.is_verifying ? 2L : 0L);
	if (settings->tls.ca_file != NULL)
		curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, settings->tls.ca_file);
	/* The name of an https proxy, which is verified, stands for a placeholder like everything else. */
	if (recipe->proxy->is_https && client->resolve != NULL)
		curl_easy_setopt(easy, CURLOPT_RESOLVE, client->resolve);
}

static void set_connections(struct http_client *client)
{
	const struct http_settings *settings = &client->recipe->settings;
	CURL *easy = client->easy;
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, settings->is_keeping_alive ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, settings->is_keeping_alive ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_HAPROXYPROTOCOL, settings->is_sending_proxy_protocol ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 0L); /* core/dial_socket has done it */
	/* Time is ours to watch: the deadline of the run. */
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)INT_MAX);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
}

void http_client_set_up(struct http_client *client)
{
	const struct http_settings *settings = &client->recipe->settings;
	CURL *easy = client->easy;
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, curl_version_of(settings->version));
	curl_easy_setopt(easy, CURLOPT_USERAGENT, settings->user_agent);
	curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	if (settings->is_following)
		curl_easy_setopt(easy, CURLOPT_COOKIEFILE, ""); /* in memory only */
	set_connections(client);
	set_tls(easy);
	set_proxy(client);
	http_client_set_method(client, false);
	http_client_set_callbacks(client);
}
