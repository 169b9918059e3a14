/*
 * What libcurl's results mean. Pure.
 */
#ifndef NETSONDE_PROBES_HTTP_HTTP_FAILURE_H
#define NETSONDE_PROBES_HTTP_HTTP_FAILURE_H

#include <curl/curl.h>
#include <stdbool.h>

#include "core/sample.h"

/* Everything that is known about a request that failed. */
struct http_failure {
	CURLcode result;
	int os_error;     /* errno of connect; of other results it may be an old one */
	int connect_code; /* status that the proxy answered to CONNECT, or 0 */
	bool is_reset;    /* the connection, by the server */
};

/* Never REASON_OK. *text: in words, when libcurl's own are not better; else NULL. */
enum reason http_failure_reason(const struct http_failure *failure, const char **text);

#endif
