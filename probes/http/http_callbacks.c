/*
 * What libcurl calls while a request is under way.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "probes/http/http_client.h"
#include "probes/http/http_fields.h"

/* A body that nobody looks at, of an answer that leads on: this much is read, so that a connection can be kept. */
#define REDIRECT_BODY_MAX 16384
/* What comes out of a compressed body, unless body_size_limit says less: a small answer can be made of very much. */
#define DECODED_MAX ((int64_t)256 * 1024 * 1024)

/* --- sockets ------------------------------------------------------------------------------------------------------ */

/* CURLOPT_OPENSOCKETFUNCTION: to is the placeholder, and gets the address. */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct http_client *client = arg;
	struct http_run *run = client->run;
	const struct http_recipe *recipe = client->recipe;
	struct sockaddr_storage address;
	struct address peer = run->peer;
	char text[ADDRESS_TEXT_SIZE];
	(void)purpose;
	peer.port = run->is_proxied ? recipe->proxy->url.port : run->url->port;
	/* The proxy is the operator's choice; whom it is to talk to was asked before. */
	if (!run->is_proxied && !run_permits(run->run, run->url->host, &peer, peer.port)) {
		http_fail(run, REASON_DENIED, "%s port %u may not be connected to", address_format(&peer, text),
			  peer.port);
		return CURL_SOCKET_BAD;
	}
	int descriptor = http_socket_open(client, to->socktype == SOCK_DGRAM);
	if (descriptor == -1)
		return CURL_SOCKET_BAD;
	if (run_is_logged(run->run))
		run_log(run->run, "* Connecting to %s port %u%s", address_format(&peer, text), peer.port,
			run->is_proxied ? " (proxy)" : "");
	to->family = address_families[peer.family - 1].af;
	to->addrlen = address_to_sockaddr(&peer, &address);
	memcpy(&to->addr, &address, to->addrlen);
	client->descriptor = descriptor;
	http_service_note(recipe->service, descriptor, client);
	if (run->http->kept != NULL)
		run->http->kept->descriptor = descriptor;
	return descriptor;
}

/* CURLOPT_CLOSESOCKETFUNCTION: the connection may have outlived the request, and the client that made it. */
static int on_close(void *arg, curl_socket_t descriptor)
{
	struct http_service *service = arg;
	struct http_client *client = http_service_find(service, descriptor, NULL);
	enum http_socket_state state = HTTP_SOCKET_OTHER;
	if (client != NULL && client->descriptor == descriptor && client->run != NULL) {
		if (!client->is_connected)
			http_socket_explain(client);
		state = http_socket_ask(descriptor, &client->run->tcp);
		client->is_reset = state == HTTP_SOCKET_RESET;
		client->descriptor = -1;
	}
	http_service_note(service, descriptor, NULL);
	http_socket_close(descriptor, state == HTTP_SOCKET_ENDED);
	return 0;
}

/* Of a connection that was there before: libcurl does not tell when connections are shared. */
static void find_descriptor(struct http_client *client)
{
	const struct http *http = client->run->http;
	struct http_service *service = client->recipe->service;
	int descriptor = http->kept != NULL ? http->kept->descriptor : -1;
	run_log(client->run->run, "* A connection of before is used again");
	if (http_service_find(service, descriptor, http) == NULL)
		return;
	client->descriptor = descriptor;
	http_service_note(service, descriptor, client);
}

static void finish_tls(struct http_client *client)
{
	struct curl_tlssessioninfo *session = NULL;
	if (client->contexts > 0 && curl_easy_getinfo(client->easy, CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK &&
	    session != NULL && session->backend == CURLSSLBACKEND_OPENSSL && session->internals != NULL)
		tls_client_finish(session->internals, client->facts);
}

static void log_connection(const struct http_client *client, const char *local, int local_port)
{
	const struct tls_facts *tls = client->facts;
	bool has_tls = client->run->url->is_https && tls->version != NULL && tls->cipher != NULL;
	run_log(client->run->run, "* Connected from %s port %d%s%s%s%s", local, local_port, has_tls ? ", " : "",
		has_tls ? tls->version : "", has_tls ? ", " : "", has_tls ? tls->cipher : "");
}

/* CURLOPT_PREREQFUNCTION: there is a connection, and the request is about to be sent. */
static int on_connected(void *arg, char *remote, char *local, int remote_port, int local_port)
{
	struct http_client *client = arg;
	(void)remote;
	(void)remote_port;
	if (client->descriptor == -1)
		find_descriptor(client);
	else
		http_socket_connected(client);
	client->is_connected = true;
	finish_tls(client);
	if (run_is_logged(client->run->run))
		log_connection(client, local, local_port);
	return CURL_PREREQFUNC_OK;
}

/* --- TLS ---------------------------------------------------------------------------------------------------------- */

/* The name to ask for and to verify: the option's, as long as the host is the target's own. */
static void copy_tls_host(const struct http_client *client, char *out, size_t size)
{
	const struct http_run *run = client->run;
	const char *host = client->recipe->host;
	uint16_t port;
	if (host == NULL || run->is_elsewhere || address_split_host_port(host, out, size, &port, 0) != 0)
		snprintf(out, size, "%s", run->url->host);
}

/* CURLOPT_SSL_CTX_FUNCTION */
static CURLcode on_tls(CURL *easy, void *context, void *arg)
{
	struct http_client *client = arg;
	struct http_run *run = client->run;
	char host[256];
	struct err err = {0};
	(void)easy;
	if (client->contexts++ == 0 && run->is_proxied && client->recipe->proxy->is_https)
		return CURLE_OK; /* the proxy's own, which curl verifies */
	copy_tls_host(client, host, sizeof(host));
	if (tls_client_equip(client->recipe->tls, context, host, client->facts, &err) == 0)
		return CURLE_OK;
	http_fail(run, REASON_LOCAL, "%s", err.text);
	return CURLE_ABORTED_BY_CALLBACK;
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

/* Names and values as curl -v shows them, but for what is secret. */
static void log_field(const struct http_client *client, const char *mark, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n);
	while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == '\n'))
		n--;
	size_t name = colon != NULL && colon < line + n ? (size_t)(colon - line) : n;
	if (n == 0)
		return;
	if (http_tells_secret(client->run, line, name))
		run_log(client->run->run, "%s <secret>", mark);
	else if (name < n && (http_field_is_secret(line, name) || http_tells_secret(client->run, line, n)))
		run_log(client->run->run, "%s %.*s: <secret>", mark, (int)name, line);
	else
		run_log(client->run->run, "%s %.*s", mark, (int)n, line);
}

/* CURLOPT_DEBUGFUNCTION: the request, as it is sent. */
static int on_debug(CURL *easy, curl_infotype type, char *data, size_t size, void *arg)
{
	const struct http_client *client = arg;
	(void)easy;
	if (type != CURLINFO_HEADER_OUT || client->run == NULL)
		return 0;
	for (size_t at = 0; at < size;) {
		const char *end = memchr(data + at, '\n', size - at);
		size_t n = end != NULL ? (size_t)(end - data) - at + 1 : size - at;
		log_field(client, ">", data + at, n);
		at += n;
	}
	return 0;
}

/* An empty one leads nowhere. */
static bool has_location(const struct http_client *client)
{
	size_t at = 0, length = 0;
	const char *value = http_head_find(client->head.bytes, client->head.length, "Location", &at, &length);
	return value != NULL && length > 0;
}

static bool is_redirect_status(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void finish_head(struct http_client *client)
{
	long status = 0;
	curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
	client->is_head_complete = status >= 200;
	client->is_redirect = is_redirect_status(status) && has_location(client);
}

/* CURLOPT_HEADERFUNCTION: a line. What comes behind a head is a trailer. */
static size_t on_head(char *line, size_t size, size_t n, void *arg)
{
	struct http_client *client = arg;
	n *= size;
	if (n > 5 && memcmp(line, "HTTP/", 5) == 0) {
		text_clear(&client->head);
		client->is_head_complete = false;
	}
	if (client->is_head_complete)
		return n;
	if (run_is_logged(client->run->run))
		log_field(client, "<", line, n);
	text_add_bytes(&client->head, line, n);
	if (client->head.overflowed) {
		http_fail(client->run, REASON_PROTOCOL, "the head of the answer is longer than %zu bytes",
			  HTTP_HEAD_MAX);
		return 0;
	}
	if (n > 11 && strncasecmp(line, "Set-Cookie:", 11) == 0)
		client->has_cookies = true;
	if (line[0] == '\r' || line[0] == '\n')
		finish_head(client);
	return n;
}

/* What the body is, after decompression. */
static int take_body(void *arg, const char *bytes, size_t n)
{
	struct http_client *client = arg;
	const struct http_recipe *recipe = client->recipe;
	int64_t limit = recipe->settings.body_limit_bytes;
	client->body_bytes += (int64_t)n;
	if (limit > 0 && client->body_bytes > limit) {
		client->body_bytes = limit;
		http_fail(client->run, REASON_CONTENT, "the body is larger than %lld bytes (body_size_limit)",
			  (long long)limit);
		return -1;
	}
	if (client->decode != NULL && client->body_bytes > DECODED_MAX) {
		http_fail(client->run, REASON_CONTENT, "the body is larger than %lld bytes after decompression",
			  (long long)DECODED_MAX);
		return -1;
	}
	if (!http_rules_want_body(recipe->rules))
		return 0;
	text_add_bytes(&client->body, bytes, n);
	if (!client->body.overflowed)
		return 0;
	http_fail(client->run, REASON_CONTENT, "the body is larger than the %zu bytes that rules look at",
		  HTTP_BODY_MAX);
	return -1;
}

/* CURLOPT_WRITEFUNCTION */
static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct http_client *client = arg;
	const struct http_decode_sink sink = {take_body, client};
	struct err err = {0};
	n *= size;
	client->received_bytes += (int64_t)n;
	if (client->is_redirect && client->recipe->settings.is_following)
		return client->received_bytes > REDIRECT_BODY_MAX ? 0 : n;
	if (client->decode == NULL)
		return take_body(client, bytes, n) == 0 ? n : 0;
	if (http_decode_feed(client->decode, bytes, n, &sink, &err) == 0)
		return n;
	http_fail(client->run, REASON_PROTOCOL, "the body cannot be decompressed: %s", err.text);
	return 0;
}

void http_client_set_callbacks(struct http_client *client)
{
	CURL *easy = client->easy;
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->error);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, client);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, client->recipe->service);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, client);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, client);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, client);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, client);
	curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
	curl_easy_setopt(easy, CURLOPT_DEBUGDATA, client);
}
