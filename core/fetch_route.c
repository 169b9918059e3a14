#include "core/fetch_route.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/sample.h"
#include "core/tls_client.h"

/* CURLOPT_SSL_CTX_FUNCTION */
static CURLcode on_context(CURL *easy, void *context, void *arg)
{
	struct fetch_path *path = arg;
	(void)easy;
	bool is_good = tls_client_equip(path->route.tls, context, path->route.host, path->route.facts, &path->err) == 0;
	return is_good ? CURLE_OK : CURLE_ABORTED_BY_CALLBACK;
}

/* CURLOPT_SOCKOPTFUNCTION. A client that closes first keeps the port for a minute (see core/dial.h): the answer is
 * there by then, and nothing is lost by a reset. */
static int on_socket(void *arg, curl_socket_t descriptor, curlsocktype purpose)
{
	const struct linger at_once = {.l_onoff = 1};
	(void)arg;
	(void)purpose;
	setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	return CURL_SOCKOPT_OK;
}

static void set_address(struct fetch_path *path, CURL *easy)
{
	char text[ADDRESS_TEXT_SIZE];
	const struct address *address = &path->route.address;
	bool is_v6 = address->family == ADDRESS_IPV6;
	char *entry = mem_format("::%s%s%s:%u", is_v6 ? "[" : "", address_format(address, text), is_v6 ? "]" : "",
				 address->port);
	path->connect_to = curl_slist_append(NULL, entry);
	mem_free(entry);
	curl_easy_setopt(easy, CURLOPT_CONNECT_TO, path->connect_to);
}

static void set_source(CURL *easy, const struct fetch_route *route)
{
	char text[ADDRESS_TEXT_SIZE];
	char *from = NULL;
	if (route->interface)
		from = mem_format("if!%s", route->interface);
	else if (route->source.family != ADDRESS_NONE)
		from = mem_format("host!%s", address_format(&route->source, text));
	if (from)
		curl_easy_setopt(easy, CURLOPT_INTERFACE, from);
	mem_free(from);
}

void fetch_path_set(struct fetch_path *path, CURL *easy, const struct fetch_route *route)
{
	if (!route)
		return;
	path->route = *route;
	path->route.host = mem_copy_string(route->host);
	path->has_route = true;
	set_address(path, easy);
	set_source(easy, route);
	path->route.interface = NULL;
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_DEFAULT);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, path);
}

void fetch_path_free(struct fetch_path *path)
{
	curl_slist_free_all(path->connect_to);
	mem_free((char *)(uintptr_t)path->route.host);
}

void fetch_path_look(struct fetch_path *path, CURL *easy)
{
	const struct curl_tlssessioninfo *info = NULL;
	if (!path->has_route || path->is_explained)
		return;
	path->is_explained = true;
	if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info) == CURLE_OK && info && info->internals)
		tls_client_finish(info->internals, path->route.facts);
}

/* --- what came of it ---------------------------------------------------------------------------------------------- */

static enum reason connect_reason(CURL *easy)
{
	long error = 0;
	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
	switch (error) {
	case ECONNREFUSED:
		return REASON_REFUSED;
	case ECONNRESET:
		return REASON_RESET;
	case ENETUNREACH:
		return REASON_UNREACHABLE_NET;
	case EHOSTUNREACH:
		return REASON_UNREACHABLE_HOST;
	case EACCES:
	case EPERM:
		return REASON_LOCAL;
	case ETIMEDOUT:
		return REASON_TIMEOUT;
	default:
		return REASON_LOCAL;
	}
}

static enum reason tls_reason(const struct fetch_path *path)
{
	return tls_facts_blame_certificate(path->route.facts) ? REASON_TLS_VERIFY : REASON_TLS_HANDSHAKE;
}

static enum reason reason_of(const struct fetch_path *path, CURL *easy, CURLcode code)
{
	switch ((int)code) {
	case CURLE_OK:
		return REASON_OK;
	case CURLE_COULDNT_CONNECT:
		return connect_reason(easy);
	case CURLE_OPERATION_TIMEDOUT:
		return REASON_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
		return tls_reason(path);
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		return path->is_explained ? REASON_RESET : tls_reason(path);
	case CURLE_ABORTED_BY_CALLBACK:
	case CURLE_OUT_OF_MEMORY:
	case CURLE_INTERFACE_FAILED:
		return REASON_LOCAL;
	default:
		return REASON_PROTOCOL;
	}
}

static int64_t time_of(CURL *easy, CURLINFO what)
{
	curl_off_t us = 0;
	curl_easy_getinfo(easy, what, &us);
	return (int64_t)us * NS_PER_US;
}

void fetch_path_measure(const struct fetch_path *path, CURL *easy, CURLcode code, struct fetch_answer *answer)
{
	answer->connect_ns = answer->tls_ns = answer->exchange_ns = -1;
	answer->reason = code == CURLE_OK ? REASON_OK : REASON_PROTOCOL;
	if (!path->has_route)
		return;
	answer->reason = reason_of(path, easy, code);
	if (path->err.text[0])
		answer->error = path->err.text;
	else if (answer->reason == REASON_TLS_VERIFY)
		answer->error = path->route.facts->verify_error;
	int64_t looked_ns = time_of(easy, CURLINFO_NAMELOOKUP_TIME_T);
	int64_t connected_ns = time_of(easy, CURLINFO_CONNECT_TIME_T);
	int64_t secured_ns = time_of(easy, CURLINFO_APPCONNECT_TIME_T);
	if (connected_ns > 0)
		answer->connect_ns = connected_ns - looked_ns;
	if (secured_ns > 0)
		answer->tls_ns = secured_ns - connected_ns;
	if (code == CURLE_OK && connected_ns > 0)
		answer->exchange_ns =
			time_of(easy, CURLINFO_TOTAL_TIME_T) - (secured_ns > 0 ? secured_ns : connected_ns);
}
