#include "probes/http/http_failure.h"

#include <errno.h>
#include <string.h>

static enum reason of_errno(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return REASON_REFUSED;
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
		return REASON_RESET;
	case ETIMEDOUT:
		return REASON_TIMEOUT;
	case ENETUNREACH:
		return REASON_UNREACHABLE_NET;
	case EHOSTUNREACH:
	case EHOSTDOWN:
		return REASON_UNREACHABLE_HOST;
	case EACCES:
		return REASON_UNREACHABLE_ADMIN;
	default:
		return REASON_LOCAL;
	}
}

static enum reason of_break(const struct http_failure *failure, const char **text)
{
	if (!failure->is_reset)
		return REASON_PROTOCOL;
	*text = strerror(ECONNRESET);
	return REASON_RESET;
}

static enum reason of_proxy(const struct http_failure *failure, const char **text)
{
	*text = "the proxy did not accept the request for a tunnel";
	return failure->connect_code == 407 ? REASON_LOGIN : REASON_STATUS;
}

enum reason http_failure_reason(const struct http_failure *failure, const char **text)
{
	*text = NULL;
	if (failure->connect_code >= 300)
		return of_proxy(failure, text);
	switch (failure->result) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return REASON_RESOLVE;
	case CURLE_COULDNT_CONNECT:
		*text = failure->os_error != 0 ? strerror(failure->os_error) : NULL;
		return of_errno(failure->os_error);
	case CURLE_OPERATION_TIMEDOUT:
		return REASON_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CLIENTCERT:
	case CURLE_SSL_SHUTDOWN_FAILED:
		return REASON_TLS_HANDSHAKE;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return REASON_TLS_VERIFY;
	case CURLE_GOT_NOTHING:
		*text = "the server closed the connection without an answer";
		return of_break(failure, text);
	case CURLE_PARTIAL_FILE:
		*text = "the server closed the connection before the end of the body";
		return of_break(failure, text);
	case CURLE_UNSUPPORTED_PROTOCOL:
		*text = "the answer is not HTTP";
		return REASON_PROTOCOL;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		return of_break(failure, text);
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_HTTP3:
	case CURLE_QUIC_CONNECT_ERROR:
	case CURLE_PROXY:
		return REASON_PROTOCOL;
	default:
		return REASON_LOCAL;
	}
}
