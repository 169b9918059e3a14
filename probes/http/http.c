/*
 * HTTP: the requests of a run, one after the other as redirects lead, and what becomes of them.
 */
#include "probes/http/http.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/slabs.h"
#include "probes/http/http_client.h"
#include "probes/http/http_failure.h"
#include "probes/http/http_fields.h"
#include "probes/http/http_secrets.h"
#include "probes/tls_service.h"

static void begin_hop(struct http_run *run);

/* --- the end ------------------------------------------------------------------------------------------------------ */

bool http_tells_secret(const struct http_run *run, const char *bytes, size_t n)
{
	return http_secrets_are_in(&run->http->recipe->secrets, bytes, n) ||
	       http_secrets_are_in(&run->http->secrets, bytes, n);
}

void http_fail(struct http_run *run, enum reason reason, const char *format, ...)
{
	va_list args;
	if (run->reason != REASON_OK)
		return;
	run->reason = reason;
	va_start(args, format);
	vsnprintf(run->failure, sizeof(run->failure), format, args);
	va_end(args);
	if (http_tells_secret(run, run->failure, strlen(run->failure)))
		snprintf(run->failure, sizeof(run->failure), "(not shown: the answer repeats what is secret)");
}

static void finish(void *arg)
{
	struct http_run *run = arg;
	if (run->reason != REASON_OK)
		run_log(run->run, "* Failed: %s", run->failure);
	http_report(run, run->reason);
}

static void finish_when_possible(struct http_run *run)
{
	if (run->is_starting)
		run_finish_later(run->run, finish);
	else
		finish(run);
}

/* --- what curl has measured --------------------------------------------------------------------------------------- */

static int64_t time_ns(CURL *easy, CURLINFO what)
{
	curl_off_t us = 0;
	curl_easy_getinfo(easy, what, &us);
	return us * NS_PER_US;
}

/* From one moment to the next; 0 when that has not come. */
static int64_t between(int64_t from_ns, int64_t to_ns)
{
	return to_ns > from_ns ? to_ns - from_ns : 0;
}

/* As blackbox_exporter counts: processing is from when the connection is there to the first byte of the answer. */
static void add_phases(struct http_run *run, CURLcode result)
{
	CURL *easy = run->client->easy;
	struct http_phases *phases = &run->phases;
	int64_t lookup_ns = time_ns(easy, CURLINFO_NAMELOOKUP_TIME_T);
	int64_t connected_ns = time_ns(easy, CURLINFO_CONNECT_TIME_T);
	int64_t first_ns = time_ns(easy, CURLINFO_STARTTRANSFER_TIME_T);
	phases->connect_ns += between(lookup_ns, connected_ns);
	phases->tls_ns += between(connected_ns, time_ns(easy, CURLINFO_APPCONNECT_TIME_T));
	run->figures.body_ns = 0;
	/* curl takes the end of the connection for a first byte, too. */
	if (first_ns == 0 ||
	    (!run->client->is_head_complete && (result == CURLE_GOT_NOTHING || result == CURLE_RECV_ERROR)))
		return;
	phases->processing_ns += between(time_ns(easy, CURLINFO_PRETRANSFER_TIME_T), first_ns);
	if (!run->client->is_head_complete)
		return;
	run->figures.body_ns = between(first_ns, time_ns(easy, CURLINFO_TOTAL_TIME_T));
	phases->transfer_ns += run->figures.body_ns;
}

static double version_number(CURL *easy)
{
	long version = 0;
	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	switch (version) {
	case CURL_HTTP_VERSION_1_0:
		return 1.0;
	case CURL_HTTP_VERSION_1_1:
		return 1.1;
	case CURL_HTTP_VERSION_2_0:
		return 2;
	case CURL_HTTP_VERSION_3:
		return 3;
	default:
		return 0;
	}
}

/* A date of HTTP begins with the name of a day; curl would read much else. */
static int64_t last_modified(const struct http_client *client)
{
	size_t at = 0, length;
	char date[64];
	const char *value = http_head_find(client->head.bytes, client->head.length, "Last-Modified", &at, &length);
	if (value == NULL || length >= sizeof(date) || length < 20 || strchr("MTWFS", value[0]) == NULL)
		return -1;
	snprintf(date, sizeof(date), "%.*s", (int)length, value);
	return curl_getdate(date, NULL);
}

static void read_answer(struct http_run *run, CURLcode result)
{
	struct http_client *client = run->client;
	struct http_figures *figures = &run->figures;
	long status = 0;
	curl_off_t length = -1;
	*figures = (struct http_figures){.content_length = -1, .last_modified = -1};
	add_phases(run, result);
	http_client_ask_kernel(client);
	if (!client->is_head_complete)
		return;
	curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(client->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	figures->status = (int)status;
	figures->version = version_number(client->easy);
	/* These have no body, whatever is not said about it. */
	figures->content_length = length < 0 && (status == 204 || status == 304) ? 0 : length;
	figures->received_bytes = client->received_bytes;
	figures->body_bytes = client->body_bytes;
	figures->last_modified = last_modified(client);
}

/* --- the verdict -------------------------------------------------------------------------------------------------- */

static void log_rule(void *arg, const char *line)
{
	const struct http_run *run = arg;
	run_log(run->run, "* %s", line);
}

static bool has_credentials(const struct http_run *run)
{
	const struct http_recipe *recipe = run->http->recipe;
	return (recipe->authorization != NULL || run->http->authorization != NULL) && !run->is_elsewhere;
}

static void judge(struct http_run *run, bool is_whole)
{
	const struct http_client *client = run->client;
	const struct http_answer answer = {
		.status = run->figures.status,
		.version = run->figures.version,
		.uses_tls = run->url->is_https,
		.has_credentials = has_credentials(run),
		.head = client->head.bytes,
		.head_length = client->head.length,
		.body = client->body.length > 0 ? client->body.bytes : "",
		.body_length = client->body.length,
	};
	struct http_verdict verdict = {.log = run_is_logged(run->run) ? log_rule : NULL, .arg = run};
	enum reason reason = is_whole ? http_rules_judge(run->http->recipe->rules, &answer, &verdict)
				      : http_rules_judge_status(run->http->recipe->rules, &answer, &verdict);
	run->rule_failed = verdict.rule_failed;
	if (reason == REASON_OK)
		return;
	run->reason = REASON_OK;
	http_fail(run, reason, "%s", verdict.failure.text);
}

/* curl's words on one line, unless they could hold what is secret. */
static const char *curl_words(struct http_client *client, CURLcode result)
{
	client->error[strcspn(client->error, "\r\n")] = '\0';
	if (client->error[0] == '\0' || strchr(client->error, '@') != NULL)
		return curl_easy_strerror(result);
	return client->error;
}

static void explain_connect(struct http_run *run, enum reason reason, const char *text)
{
	const struct http_client *client = run->client;
	char address[ADDRESS_TEXT_SIZE];
	if (client->fault.reason != REASON_OK && client->fault.reason != REASON_LOCAL) {
		reason = client->fault.reason;
		text = client->fault.text;
	}
	http_fail(run, reason, "connect to %s port %u: %s", address_format(&run->peer, address),
		  run->is_proxied ? run->http->recipe->proxy->url.port : run->url->port, text);
}

static void explain(struct http_run *run, CURLcode result)
{
	struct http_client *client = run->client;
	long os_error = 0, connect_code = 0;
	const char *text;
	curl_easy_getinfo(client->easy, CURLINFO_OS_ERRNO, &os_error);
	curl_easy_getinfo(client->easy, CURLINFO_HTTP_CONNECTCODE, &connect_code);
	const struct http_failure failure = {result, (int)os_error, (int)connect_code, client->is_reset};
	enum reason reason = http_failure_reason(&failure, &text);
	if (text == NULL)
		text = curl_words(client, result);
	if (result == CURLE_COULDNT_CONNECT)
		explain_connect(run, reason, text);
	else if (client->contexts > 0 && tls_facts_blame_certificate(client->facts))
		http_fail(run, REASON_TLS_VERIFY, "%s", client->facts->verify_error);
	else if (connect_code >= 300)
		http_fail(run, reason, "%s: it answered with status %ld", text, connect_code);
	else
		http_fail(run, reason, "%s", text);
}

/* The last answer is there, or there will be none. */
static void conclude(struct http_run *run, CURLcode result)
{
	struct http_client *client = run->client;
	struct err err = {0};
	bool is_whole = result == CURLE_OK && client->is_head_complete;
	if (result != CURLE_OK)
		explain(run, result);
	else if (!client->is_head_complete)
		http_fail(run, REASON_PROTOCOL, "the answer has no head that can be understood");
	else if (client->decode != NULL && http_decode_end(client->decode, &err) != 0)
		http_fail(run, REASON_PROTOCOL, "the body cannot be decompressed: %s", err.text);
	run->figures.is_answered = is_whole;
	/* A status that is not valid is said first, as long as the answer is the last one. */
	if (client->is_head_complete && (run->reason == REASON_OK || !client->is_redirect))
		judge(run, run->reason == REASON_OK);
	finish(run);
}

/* --- redirects ---------------------------------------------------------------------------------------------------- */

static int find_next(struct http_run *run, struct http_url *next)
{
	const struct http_client *client = run->client;
	struct err err = {0};
	size_t at = 0, length;
	const char *value = http_head_find(client->head.bytes, client->head.length, "Location", &at, &length);
	char *location = mem_format("%.*s", (int)length, value);
	int result = http_url_join(run->url, location, next, &err);
	const char *shown = result == 0 ? next->text : location;
	run_log(run->run, "* Redirect to %s", http_tells_secret(run, shown, strlen(shown)) ? "<secret>" : shown);
	if (result != 0)
		http_fail(run, REASON_PROTOCOL, "redirect to \"%.200s\": %s", location, err.text);
	mem_free(location);
	return result;
}

static void take_next(struct http_run *run, const struct http_url *next)
{
	const struct http_settings *settings = &run->http->recipe->settings;
	int status = run->figures.status;
	/* What is reported is of the last place: of one that cannot be asked there is nothing. */
	run->figures = (struct http_figures){.content_length = -1, .last_modified = -1};
	http_url_free(&run->next);
	run->next = *next;
	run->url = &run->next;
	if (!http_url_is_trusted_as(run->url, &run->http->url))
		run->is_elsewhere = true;
	if (status != 307 && status != 308 && strcmp(settings->method, "HEAD") != 0)
		run->is_plain_get = true;
}

/* Returns whether the run goes on. */
static bool follow(struct http_run *run)
{
	const struct http_settings *settings = &run->http->recipe->settings;
	struct http_url next;
	run->redirects++;
	if (!settings->is_following)
		return false;
	if (run->redirects > settings->most_redirects) {
		http_fail(run, REASON_PROTOCOL, "more than %lld redirects", (long long)settings->most_redirects);
		return false;
	}
	if (find_next(run, &next) != 0)
		return false;
	take_next(run, &next);
	begin_hop(run);
	return true;
}

void http_answered(struct http_run *run, CURLcode result)
{
	const struct http_client *client = run->client;
	bool is_cut = result == CURLE_WRITE_ERROR && run->reason == REASON_OK; /* enough of a body nobody looks at */
	read_answer(run, result);
	if (client->is_redirect && run->reason == REASON_OK && (result == CURLE_OK || is_cut)) {
		if (follow(run))
			return;
		if (is_cut)
			result = CURLE_OK;
	}
	conclude(run, result);
}

/* --- one request -------------------------------------------------------------------------------------------------- */

static void request(struct http_run *run)
{
	struct http *http = run->http;
	struct err err = {0};
	if (run->client == NULL)
		run->client = http_client_take(http->recipe, &err);
	if (run->client != NULL && http_client_begin(run->client, run, &err) == 0) {
		run->has_begun = true;
		return;
	}
	http_fail(run, REASON_LOCAL, "%s", err.text);
	finish_when_possible(run);
}

static void set_address(struct http_run *run, const struct address *address)
{
	run->address = *address;
	run_set_address(run->run, address);
}

/* What the proxy is asked for is looked at like what is connected to. A name that is left to the proxy has no address
 * here, but a literal has. */
static bool is_permitted_by_proxy(struct http_run *run)
{
	struct address target = run->address;
	if (target.family == ADDRESS_NONE)
		address_parse(run->url->host, &target);
	if (run_permits(run->run, run->url->host, &target, run->url->port))
		return true;
	http_fail(run, REASON_DENIED, "%s port %u may not be connected to", run->url->host, run->url->port);
	return false;
}

static void fail_to_resolve(struct http_run *run, const char *host, const char *error)
{
	http_fail(run, REASON_RESOLVE, "%s: %s", host, error);
	finish_when_possible(run);
}

static void proxy_resolved(void *arg, const char *error)
{
	struct http_run *run = arg;
	size_t n;
	const struct address *addresses = host_addresses(run->http->proxy_host, &n);
	run->asked = NULL;
	if (error != NULL || n == 0) {
		fail_to_resolve(run, run->http->recipe->proxy->url.host, error != NULL ? error : "no address");
		return;
	}
	run->peer = addresses[0];
	if (is_permitted_by_proxy(run))
		request(run);
	else
		finish_when_possible(run);
}

static void ask(struct http_run *run, struct host *host, void (*resolved)(void *arg, const char *error))
{
	run->asked_ns = clock_monotonic_ns();
	if (host_is_fresh(host)) {
		resolved(run, NULL);
		return;
	}
	run->asked = host;
	host_refresh(host, resolved, run);
}

static struct host *host_of(struct http_run *run)
{
	struct http *http = run->http;
	return run->hop_host != NULL ? run->hop_host : http->host;
}

static void target_resolved(void *arg, const char *error)
{
	struct http_run *run = arg;
	size_t n;
	const struct address *addresses = host_addresses(host_of(run), &n);
	int64_t took_ns = clock_monotonic_ns() - run->asked_ns;
	char text[ADDRESS_TEXT_SIZE];
	run->asked = NULL;
	run_add_lookup(run->run, took_ns);
	if (error != NULL || n == 0) {
		fail_to_resolve(run, run->url->host, error != NULL ? error : "no address of that family");
		return;
	}
	set_address(run, &addresses[0]);
	if (run_is_logged(run->run))
		run_log(run->run, "* %s is %s (%.3f ms)", run->url->host, address_format(&run->address, text),
			(double)took_ns / 1e6);
	run->peer = run->address;
	if (run->is_proxied)
		ask(run, run->http->proxy_host, proxy_resolved);
	else
		request(run);
}

/* A source address leaves no choice. */
static enum host_family family_of(const struct http_settings *settings)
{
	struct address source;
	if (settings->source == NULL || !address_parse(settings->source, &source))
		return (enum host_family)settings->family;
	return source.family == ADDRESS_IPV4 ? HOST_ONLY_IPV4 : HOST_ONLY_IPV6;
}

static struct host *open_host(struct http *http, const char *name)
{
	const struct host_policy policy = {.family = family_of(&http->recipe->settings)};
	return host_open(probe_resolver(http->probe), name, policy);
}

/* A redirect within a host needs no look-up of its own. */
static void choose_host(struct http_run *run)
{
	struct http *http = run->http;
	host_close(run->hop_host);
	run->hop_host = NULL;
	if (http->host == NULL || strcasecmp(run->url->host, http->url.host) != 0)
		run->hop_host = open_host(http, run->url->host);
}

static void begin_hop(struct http_run *run)
{
	const struct http_recipe *recipe = run->http->recipe;
	run->address.family = ADDRESS_NONE;
	run->is_proxied = recipe->proxy != NULL &&
			  !http_bypasses_proxy(&recipe->settings.no_proxy, run->url->host, run->url->port);
	if (run->is_proxied && recipe->settings.is_leaving_names_to_proxy) {
		ask(run, run->http->proxy_host, proxy_resolved);
		return;
	}
	choose_host(run);
	ask(run, host_of(run), target_resolved);
}

/* --- the run ------------------------------------------------------------------------------------------------------ */

void *http_start(struct run *run_, void *opened, const void *settings)
{
	struct http *http = opened;
	struct http_run *run = slabs_take(probe_slabs(http->probe), sizeof(*run));
	(void)settings;
	run->run = run_;
	run->http = http;
	run->url = &http->url;
	run->figures = (struct http_figures){.content_length = -1, .last_modified = -1};
	run->is_starting = true;
	begin_hop(run);
	run->is_starting = false;
	return run;
}

/* What the time ran out over. */
static void blame_deadline(struct http_run *run)
{
	const struct http_client *client = run->client;
	double seconds = clock_seconds(clock_monotonic_ns() - run_begun_ns(run->run));
	char address[ADDRESS_TEXT_SIZE];
	if (client->is_head_complete)
		http_fail(run, REASON_TIMEOUT, "no end of the body within %.3f s, after %lld bytes", seconds,
			  (long long)client->received_bytes);
	else if (client->is_connected)
		http_fail(run, REASON_TIMEOUT, "no answer within %.3f s", seconds);
	else if (time_ns(client->easy, CURLINFO_CONNECT_TIME_T) > 0)
		http_fail(run, REASON_TIMEOUT, "no end of the %s within %.3f s",
			  run->url->is_https ? "TLS handshake" : "proxy's negotiation", seconds);
	else
		http_fail(run, REASON_TIMEOUT, "no connection to %s within %.3f s", address_format(&run->peer, address),
			  seconds);
}

void http_deadline(void *state)
{
	struct http_run *run = state;
	if (run->asked != NULL) {
		http_fail(run, REASON_RESOLVE, "%s: no answer from the resolver in time", run->url->host);
	} else if (run->client != NULL) {
		read_answer(run, CURLE_OPERATION_TIMEDOUT);
		blame_deadline(run);
	}
	finish(run);
}

void http_stop(void *state)
{
	struct http_run *run = state;
	if (run->asked != NULL)
		host_cancel(run->asked);
	http_client_give(run->client);
	host_close(run->hop_host);
	http_url_free(&run->next);
	slabs_give(probe_slabs(run->http->probe), run, sizeof(*run));
}

/* --- the probe ---------------------------------------------------------------------------------------------------- */

static struct http_kept *open_kept(void)
{
	struct http_kept *kept = mem_zero(1, sizeof(*kept));
	kept->descriptor = -1;
	kept->share = curl_share_init();
	curl_share_setopt(kept->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
	return kept;
}

static void close_kept(struct http_kept *kept)
{
	if (kept == NULL)
		return;
	curl_share_cleanup(kept->share);
	tls_facts_clear(&kept->tls);
	mem_free(kept);
}

static void open_hosts(struct http *http)
{
	const struct http_recipe *recipe = http->recipe;
	bool is_left = recipe->proxy != NULL && recipe->settings.is_leaving_names_to_proxy &&
		       !http_bypasses_proxy(&recipe->settings.no_proxy, http->url.host, http->url.port);
	if (!is_left)
		http->host = open_host(http, http->url.host);
	if (recipe->proxy != NULL)
		http->proxy_host = host_open(probe_resolver(http->probe), recipe->proxy->url.host,
					     (struct host_policy){.family = HOST_PREFER_IPV4});
}

void *http_open(struct probe *probe, const void *arg, struct err *err)
{
	const struct http_settings *settings = arg;
	struct http *http = slabs_take(probe_slabs(probe), sizeof(*http));
	http->probe = probe;
	http->service = probe_service(probe, &http_service);
	http->recipe = http_recipe_hold(http->service, settings, probe_service(probe, &tls_service), err);
	if (http->recipe == NULL || http_url_parse(probe_address(probe), &http->url, err) != 0) {
		http_close(http);
		return NULL;
	}
	http->authorization = http_field_basic(http->url.user, http->url.password);
	http_secrets_take_login(&http->secrets, http->url.user, http->url.password);
	open_hosts(http);
	if (settings->is_keeping_alive)
		http->kept = open_kept();
	probe_add_turn(probe,
		       &(struct turn_plan){.interval_ns = settings->interval_ns, .timeout_ns = settings->timeout_ns});
	return http;
}

void http_close(void *opened)
{
	struct http *http = opened;
	close_kept(http->kept);
	host_close(http->host);
	host_close(http->proxy_host);
	mem_free(http->authorization);
	http_secrets_free(&http->secrets);
	http_url_free(&http->url);
	http_recipe_release(http->recipe);
	slabs_give(probe_slabs(http->probe), http, sizeof(*http));
}
