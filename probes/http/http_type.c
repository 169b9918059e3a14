/*
 * HTTP: the options and the type.
 */
#include <curl/curl.h>
#include <stddef.h>
#include <string.h>

#include "core/clock.h"
#include "probes/http/http.h"
#include "probes/http/http_decode.h"
#include "probes/http/http_fields.h"
#include "probes/http/http_recipe.h"
#include "probes/http/http_rules.h"
#include "probes/tls_service.h"

static const char *const histograms[] = {
	[HTTP_HISTOGRAM_CLASSIC] = "classic",
	[HTTP_HISTOGRAM_NONE] = "none",
	NULL,
};

static const char *const compressions[] = {
	[HTTP_COMPRESSION_NONE] = "none",         [HTTP_COMPRESSION_GZIP] = "gzip",
	[HTTP_COMPRESSION_BROTLI] = "br",         [HTTP_COMPRESSION_DEFLATE] = "deflate",
	[HTTP_COMPRESSION_IDENTITY] = "identity", NULL,
};

static const char *const versions[] = {
	[HTTP_VERSION_DEFAULT] = "default",
	[HTTP_VERSION_1_0] = "1.0",
	[HTTP_VERSION_1_1] = "1.1",
	[HTTP_VERSION_2] = "2",
	[HTTP_VERSION_3] = "3",
	NULL,
};

#define AT(member) .offset = offsetof(struct http_settings, member)

const struct option http_options[] = {
	{"interval", OPTION_SECONDS, AT(interval_ns), .minimum = 0.05, .maximum = 86400, .fallback = "15",
	 .help = "Time from one run to the next"},
	{"timeout", OPTION_SECONDS, AT(timeout_ns), .minimum = 0.001, .maximum = 86400, .fallback = "10",
	 .help = "When a run ends, with all its redirects, counted from its start. At most the interval"},
	{"method", OPTION_TEXT, AT(method), .fallback = "GET", .help = "Method of the request"},
	{"body", OPTION_TEXT, AT(body), .help = "Body of the request"},
	{"body_file", OPTION_TEXT, AT(body_file),
	 .help = "File with the body of the request, at most 1 MiB; read when a probe of these settings is opened"},
	{"headers", OPTION_LIST, AT(headers),
	 .help = "Header fields of the request, each as \"Name: value\". Host goes as the option host"},
	{"secret_headers", OPTION_SECRET, AT(secret_headers),
	 .help = "The same for secrets, each on a line of its own"},
	{"host", OPTION_TEXT, AT(host),
	 .help = "Field Host of the request, and the name that is asked for and verified in TLS, instead of the URL's "
		 "host. Redirects to other hosts do without"},
	{"user_agent", OPTION_TEXT, AT(user_agent), .fallback = "netsonde/" NETSONDE_VERSION,
	 .help = "Field User-Agent of the request"},
	{"user", OPTION_TEXT, AT(user), .help = "User for basic authentication"},
	{"password", OPTION_SECRET, AT(password), .help = "Password for basic authentication"},
	{"bearer_token", OPTION_SECRET, AT(bearer_token),
	 .help = "Token for the field Authorization, after \"Bearer\""},
	{"http_version", OPTION_CHOICE, AT(version), .fallback = "default", .choices = versions,
	 .help = "Version to speak. default: 2 where a TLS server offers it (ALPN), else 1.1. 2 without TLS: at once, "
		 "without asking"},
	{"family", OPTION_CHOICE, AT(family), .fallback = "prefer_ipv4", .choices = host_family_words,
	 .help = "Which addresses of a name are used; prefer_ falls back to the other family"},
	{"source", OPTION_TEXT, AT(source), .help = "Source address of connections"},
	{"interface", OPTION_TEXT, AT(interface), .help = "Interface that connections leave by, by name"},
	{"keep_alive", OPTION_BOOLEAN, AT(is_keeping_alive), .fallback = "false",
	 .help = "Keeps the connection for the next run. Otherwise each request has a fresh one"},
	{"proxy_protocol", OPTION_BOOLEAN, AT(is_sending_proxy_protocol), .fallback = "false",
	 .help = "Begins each connection with the line of the PROXY protocol, version 1"},
	{"proxy", OPTION_TEXT, AT(proxy),
	 .help = "Proxy to go through: http://, https:// or socks5:// with its host and port"},
	{"proxy_user", OPTION_TEXT, AT(proxy_user), .help = "User for the proxy"},
	{"proxy_password", OPTION_SECRET, AT(proxy_password), .help = "Password for the proxy"},
	{"proxy_headers", OPTION_LIST, AT(proxy_headers),
	 .help = "Header fields for the proxy alone, each as \"Name: value\""},
	{"no_proxy", OPTION_LIST, AT(no_proxy),
	 .help = "Hosts that are talked to without the proxy: names (with what is below them), addresses, ranges, "
		 "\"*\""},
	{"skip_resolve_with_proxy", OPTION_BOOLEAN, AT(is_leaving_names_to_proxy), .fallback = "false",
	 .help = "The proxy gets the name. Otherwise the name is resolved here, and the proxy gets the address"},
	{"follow_redirects", OPTION_BOOLEAN, AT(is_following), .fallback = "true",
	 .help = "Goes where redirects lead. What is secret, and cookies, stay with the host that they are for"},
	{"max_redirects", OPTION_INTEGER, AT(most_redirects), .minimum = 0, .maximum = 100, .fallback = "10",
	 .help = "More redirects than this fail the run"},
	{"valid_status", OPTION_LIST, AT(valid_status), .fallback = "2xx",
	 .help = "Status codes that are well: \"200\", \"2xx\", \"200-299\", \"any\""},
	{"valid_versions", OPTION_LIST, AT(valid_versions),
	 .help = "Versions of HTTP that are well: 1.0, 1.1, 2, 3. None given: all"},
	{"fail_if_tls", OPTION_BOOLEAN, AT(fails_if_tls), .fallback = "false",
	 .help = "Fails when the final answer came over TLS"},
	{"fail_if_not_tls", OPTION_BOOLEAN, AT(fails_if_not_tls), .fallback = "false",
	 .help = "Fails when the final answer did not come over TLS"},
	{"fail_if_header_matches", OPTION_LIST, AT(header_matches),
	 .help = "Regular expressions for header fields of the answer, each as \"Name: expression\"; any that matches "
		 "fails the run. A field that is missing fails it too, unless it is written \"Name?: expression\""},
	{"fail_if_header_not_matches", OPTION_LIST, AT(header_not_matches),
	 .help = "The same the other way round: each must match"},
	{"fail_if_body_matches", OPTION_LIST, AT(body_matches),
	 .help = "Regular expressions for the body; any that matches fails the run"},
	{"fail_if_body_not_matches", OPTION_LIST, AT(body_not_matches),
	 .help = "Regular expressions for the body; each must match"},
	{"json_rules", OPTION_LIST, AT(json_rules),
	 .help = "Rules for a body of JSON, each as \"POINTER OPERATOR VALUE\" with a pointer of RFC 6901 and one of "
		 "== "
		 "!= < <= > >= =~ exists absent: \"/status == up\". Each must hold; the body may have 1 MiB"},
	{"compression", OPTION_CHOICE, AT(compression), .fallback = "none", .choices = compressions,
	 .help = "The body is decompressed this way, whatever the server says; a body that cannot be fails the run. "
		 "Nothing is asked for by this: give \"Accept-Encoding: gzip\" in headers too"},
	{"body_size_limit", OPTION_SIZE, AT(body_limit_bytes), .minimum = 0, .maximum = 1e15, .fallback = "0",
	 .help = "A body larger than this, after decompression, fails the run. 0: no limit; but rules look at 16 MiB "
		 "at "
		 "most, and no more than 256 MiB are decompressed"},
	{"histogram", OPTION_CHOICE, AT(histogram), .fallback = "classic", .choices = histograms,
	 .help = "Form of the histogram of response times on /metrics: classic buckets (50 us times powers of two), or "
		 "none"},
	TLS_CLIENT_OPTIONS(struct http_settings, tls),
};
const size_t http_noptions = sizeof(http_options) / sizeof(*http_options);

/* For a person at a terminal. */
static const char *const http_manual_settings[] = {"interval=86400", NULL};

/* --- rules between options ---------------------------------------------------------------------------------------- */

static int check_source(const struct http_settings *settings, struct err *err)
{
	struct address source;
	const char *interface = settings->interface;
	if (interface != NULL && (interface[0] == '\0' || strlen(interface) > 15))
		return err_set(err, "interface: \"%s\" is no name of an interface", interface);
	if (settings->source == NULL)
		return 0;
	if (!address_parse(settings->source, &source))
		return err_set(err, "source: \"%s\" is not an IP address", settings->source);
	if ((source.family == ADDRESS_IPV4 && settings->family == HOST_ONLY_IPV6) ||
	    (source.family == ADDRESS_IPV6 && settings->family == HOST_ONLY_IPV4))
		return err_set(err, "source: %s is not of the family that is asked for", settings->source);
	return 0;
}

static int check_proxy(const struct http_settings *settings, struct err *err)
{
	struct http_url url;
	bool is_socks;
	if (settings->proxy == NULL)
		return 0;
	if (http_proxy_parse(settings->proxy, &url, &is_socks, err) != 0)
		return err_prefix(err, "proxy");
	http_url_free(&url);
	for (size_t i = 0; i < settings->proxy_headers.n; i++)
		if (http_field_check(settings->proxy_headers.items[i], err) != 0)
			return err_prefix(err, "proxy_headers");
	return 0;
}

static bool is_token(const char *text)
{
	return *text != '\0' &&
	       text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")] == '\0';
}

static int check_request(const struct http_settings *settings, struct err *err)
{
	const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
	if (!is_token(settings->method))
		return err_set(err, "method: \"%s\" is no method", settings->method);
	if (settings->body != NULL && settings->body_file != NULL)
		return err_set(err, "body and body_file: only one of them can be");
	if (settings->user != NULL && settings->bearer_token != NULL)
		return err_set(err, "user and bearer_token: only one of them can be");
	if (settings->user != NULL && strchr(settings->user, ':') != NULL)
		return err_set(err, "user: must not contain a colon");
	if (settings->bearer_token != NULL && strpbrk(settings->bearer_token, "\r\n") != NULL)
		return err_set(err, "bearer_token: must be one line");
	if (settings->host != NULL && strpbrk(settings->host, " \t\r\n/") != NULL)
		return err_set(err, "host: \"%s\" is no name of a host", settings->host);
	if (settings->version == HTTP_VERSION_3 && (curl->features & CURL_VERSION_HTTP3) == 0)
		return err_set(err, "http_version: 3 is not possible with this libcurl (%s)", curl->version);
	return http_fields_visit(settings, NULL, NULL, err);
}

int http_settings_check(const struct http_settings *settings, struct err *err)
{
	if (settings->timeout_ns > settings->interval_ns)
		return err_set(err, "timeout (%g s) must not be longer than interval (%g s)",
			       clock_seconds(settings->timeout_ns), clock_seconds(settings->interval_ns));
	if (check_request(settings, err) != 0 || check_source(settings, err) != 0 || check_proxy(settings, err) != 0 ||
	    tls_settings_check(&settings->tls, err) != 0)
		return -1;
	struct http_rules *rules = http_rules_create(settings, err);
	http_rules_free(rules);
	return rules != NULL ? 0 : -1;
}

static int check(const void *settings, struct err *err)
{
	return http_settings_check(settings, err);
}

static const struct measure_set *const http_sets[] = {&http_set, TLS_FACTS_SETS, NULL};
static const struct probe_service *const http_services[] = {&tls_service, &http_service, NULL};

const struct probe_type http_type = {
	.name = "http",
	.help = "Requests to a URL, over TLS or not: times of each phase, status, version, redirects, body, "
		"certificates, and rules that the answer must meet",
	.options = http_options,
	.noptions = sizeof(http_options) / sizeof(*http_options),
	.settings_size = sizeof(struct http_settings),
	.sets = http_sets,
	.services = http_services,
	.manual_settings = http_manual_settings,
	.check = check,
	.open = http_open,
	.start = http_start,
	.deadline = http_deadline,
	.stop = http_stop,
	.close = http_close,
	.print = http_print,
};
