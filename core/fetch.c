#include "core/fetch_route.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/text.h"

struct fetch {
	struct fetch *next, **link; /* in the fetcher's list */
	struct fetcher *fetcher;
	CURL *easy;
	struct curl_slist *fields;
	struct text body;
	size_t read;
	struct fetch_path path;
	char error[CURL_ERROR_SIZE];
	char *type, *location;
	int64_t retry_after_ns;
	int64_t started_ns;
	CURLcode result;
	struct deferred finish; /* done comes from a stack that is not curl's */
	void (*done)(void *arg, const struct fetch_answer *answer);
	void *arg;
};

/* A descriptor that curl wants to be watched. */
struct fetch_socket {
	struct fetch_socket *next, **link;
	struct fetcher *fetcher;
	curl_socket_t descriptor;
	struct watch *watch;
};

struct fetcher {
	struct loop *loop;
	CURLM *multi;
	struct alarm alarm;
	struct deferred at_once; /* an alarm would cost a slot of the timer for each request */
	struct fetch *fetches;
	struct fetch_socket *sockets;
};

/* --- ends --------------------------------------------------------------------------------------------------------- */

static void fetch_free(struct fetch *fetch)
{
	*fetch->link = fetch->next;
	if (fetch->next != NULL)
		fetch->next->link = fetch->link;
	loop_defer_cancel(fetch->fetcher->loop, &fetch->finish);
	if (fetch->easy != NULL) {
		curl_multi_remove_handle(fetch->fetcher->multi, fetch->easy);
		curl_easy_cleanup(fetch->easy);
	}
	curl_slist_free_all(fetch->fields);
	fetch_path_free(&fetch->path);
	text_free(&fetch->body);
	mem_free(fetch->type);
	mem_free(fetch->location);
	mem_free(fetch);
}

void fetch_cancel(struct fetch *fetch)
{
	if (fetch != NULL)
		fetch_free(fetch);
}

/* Something of the request has left: also on a connection that was there before. */
static bool is_connected(const struct fetch *fetch)
{
	long sent_bytes = 0;
	return curl_easy_getinfo(fetch->easy, CURLINFO_REQUEST_SIZE, &sent_bytes) == CURLE_OK && sent_bytes > 0;
}

/* curl's words, on one line. */
static const char *error_of(struct fetch *fetch)
{
	if (fetch->result == CURLE_OK)
		return "";
	/* "Unsupported proxy scheme for 'name:password@host'" and the like. */
	if (fetch->error[0] == '\0' || strchr(fetch->error, '@') != NULL)
		return curl_easy_strerror(fetch->result);
	fetch->error[strcspn(fetch->error, "\r\n")] = '\0';
	return fetch->error;
}

static void finish(void *arg)
{
	struct fetch *fetch = arg;
	long status = 0;
	/* The body is for people and for a look at its reason: what was cut off is no fault. */
	bool is_cut = fetch->result == CURLE_WRITE_ERROR && fetch->read > FETCH_READ_MAX;
	if (fetch->result == CURLE_OK || is_cut)
		curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
	if (is_cut)
		fetch->result = CURLE_OK;
	struct fetch_answer answer = {
		.status = (int)status,
		.is_timeout = fetch->result == CURLE_OPERATION_TIMEDOUT,
		.is_connected = is_connected(fetch),
		.error = error_of(fetch),
		.retry_after_ns = fetch->retry_after_ns,
		.type = fetch->type != NULL ? fetch->type : "",
		.location = fetch->location != NULL ? fetch->location : "",
		.body = text_string(&fetch->body),
		.length = fetch->body.length,
		.took_ns = clock_monotonic_ns() - fetch->started_ns,
	};
	fetch_path_measure(&fetch->path, fetch->easy, fetch->result, &answer);
	fetch->done(fetch->arg, &answer);
	fetch_free(fetch);
}

/* --- curl and the loop -------------------------------------------------------------------------------------------- */

static void collect(struct fetcher *fetcher)
{
	int left;
	for (CURLMsg *message; (message = curl_multi_info_read(fetcher->multi, &left)) != NULL;) {
		struct fetch *fetch = NULL;
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&fetch);
		fetch->result = message->data.result;
		loop_defer(fetcher->loop, &fetch->finish);
	}
}

static void act(struct fetcher *fetcher, curl_socket_t descriptor, int events)
{
	int running;
	curl_multi_socket_action(fetcher->multi, descriptor, events, &running);
	collect(fetcher);
}

static void on_ready(void *arg, unsigned events)
{
	const struct fetch_socket *at = arg;
	act(at->fetcher, at->descriptor,
	    (events & WATCH_READ ? CURL_CSELECT_IN : 0) | (events & WATCH_WRITE ? CURL_CSELECT_OUT : 0));
}

static void ring(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void forget_socket(struct fetch_socket *at)
{
	*at->link = at->next;
	if (at->next != NULL)
		at->next->link = at->link;
	watch_free(at->watch);
	mem_free(at);
}

static struct fetch_socket *watch_socket(struct fetcher *fetcher, curl_socket_t descriptor)
{
	struct fetch_socket *at = mem_zero(1, sizeof(*at));
	at->fetcher = fetcher;
	at->descriptor = descriptor;
	at->watch = watch_create(fetcher->loop, descriptor, on_ready, at);
	at->next = fetcher->sockets;
	at->link = &fetcher->sockets;
	if (at->next != NULL)
		at->next->link = &at->next;
	fetcher->sockets = at;
	curl_multi_assign(fetcher->multi, descriptor, at);
	return at;
}

/* CURLMOPT_SOCKETFUNCTION */
static int on_socket(CURL *easy, curl_socket_t descriptor, int what, void *context, void *socket_context)
{
	struct fetch_socket *at = socket_context;
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (at != NULL)
			forget_socket(at);
		return 0;
	}
	if (at == NULL)
		at = watch_socket(context, descriptor);
	watch_set(at->watch, (what & CURL_POLL_IN ? WATCH_READ : 0u) | (what & CURL_POLL_OUT ? WATCH_WRITE : 0u));
	return 0;
}

/* CURLMOPT_TIMERFUNCTION. 0 ms means as soon as possible, but not from inside this call. */
static int on_timer(CURLM *multi, long wait_ms, void *context)
{
	struct fetcher *fetcher = context;
	(void)multi;
	alarm_cancel(fetcher->loop, &fetcher->alarm);
	loop_defer_cancel(fetcher->loop, &fetcher->at_once);
	if (wait_ms == 0)
		loop_defer(fetcher->loop, &fetcher->at_once);
	else if (wait_ms > 0)
		alarm_set(fetcher->loop, &fetcher->alarm, clock_monotonic_ns() + wait_ms * NS_PER_MS);
	return 0;
}

/* --- what comes --------------------------------------------------------------------------------------------------- */

static size_t on_body(char *bytes, size_t size, size_t n, void *context)
{
	struct fetch *fetch = context;
	size_t room = FETCH_BODY_MAX - fetch->body.length;
	size_t got = size * n;
	text_add_bytes(&fetch->body, bytes, got < room ? got : room);
	fetch->read += got;
	return fetch->read > FETCH_READ_MAX ? 0 : got;
}

/* The value of a field if it has that name, to be freed; otherwise NULL. */
static char *field_value(const char *line, size_t n, const char *name)
{
	size_t length = strlen(name);
	if (n <= length || strncasecmp(line, name, length) != 0 || line[length] != ':')
		return NULL;
	line += length + 1;
	n -= length + 1;
	while (n > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		n--;
	}
	while (n > 0 && strchr(" \t\r\n", line[n - 1]) != NULL)
		n--;
	return mem_format("%.*s", (int)n, line);
}

static void keep(char **where, char *value)
{
	mem_free(*where);
	*where = value;
}

static size_t on_field(char *line, size_t size, size_t n, void *context)
{
	struct fetch *fetch = context;
	char *value;
	fetch_path_look(&fetch->path, fetch->easy);
	if ((value = field_value(line, size * n, "Content-Type")) != NULL) {
		keep(&fetch->type, value);
	} else if ((value = field_value(line, size * n, "Location")) != NULL) {
		keep(&fetch->location, value);
	} else if ((value = field_value(line, size * n, "Retry-After")) != NULL) {
		fetch->retry_after_ns = fetch_parse_retry_after(value, clock_realtime_ns() / NS_PER_SECOND);
		mem_free(value);
	}
	return size * n;
}

/* --- begins ------------------------------------------------------------------------------------------------------- */

static void add_field(struct fetch *fetch, const char *field)
{
	struct curl_slist *longer = curl_slist_append(fetch->fields, field);
	if (longer != NULL)
		fetch->fields = longer;
}

static void set_server(CURL *easy, const struct fetch_server *server)
{
	if (server == NULL)
		return;
	if (server->user != NULL) {
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(easy, CURLOPT_USERNAME, server->user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, server->password != NULL ? server->password : "");
	}
	if (server->ca_file != NULL) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, server->ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	if (server->certificate_file != NULL) {
		curl_easy_setopt(easy, CURLOPT_SSLCERT, server->certificate_file);
		curl_easy_setopt(easy, CURLOPT_SSLKEY,
				 server->key_file != NULL ? server->key_file : server->certificate_file);
	}
	if (server->is_unverified) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static void set_request(struct fetch *fetch, const struct fetch_plan *plan)
{
	CURL *easy = fetch->easy;
	curl_easy_setopt(easy, CURLOPT_URL, plan->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "netsonde/" NETSONDE_VERSION);
	/* 0 would mean without limit. */
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(plan->timeout_ns / NS_PER_MS) + 1);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(plan->connect_timeout_ns / NS_PER_MS) + 1);
	for (const char *const *field = plan->fields; field != NULL && *field != NULL; field++)
		add_field(fetch, *field);
	if (strcmp(plan->method, "POST") == 0) {
		/* Without this, curl would wait a second for a "100 Continue" that many servers never send. */
		add_field(fetch, "Expect:");
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)plan->body_length);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, plan->body != NULL ? plan->body : "");
	}
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fetch->fields);
	set_server(easy, plan->server);
	fetch_path_set(&fetch->path, easy, plan->route);
}

static void set_callbacks(struct fetch *fetch)
{
	curl_easy_setopt(fetch->easy, CURLOPT_PRIVATE, fetch);
	curl_easy_setopt(fetch->easy, CURLOPT_ERRORBUFFER, fetch->error);
	curl_easy_setopt(fetch->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(fetch->easy, CURLOPT_WRITEDATA, fetch);
	curl_easy_setopt(fetch->easy, CURLOPT_HEADERFUNCTION, on_field);
	curl_easy_setopt(fetch->easy, CURLOPT_HEADERDATA, fetch);
}

/* What curl would say later and less clearly. */
static int check_files(const struct fetch_server *server, struct err *err)
{
	if (server == NULL)
		return 0;
	const char *const files[] = {server->ca_file, server->certificate_file, server->key_file};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i] != NULL && access(files[i], R_OK) != 0)
			return err_set_errno(err, "%s", files[i]);
	return 0;
}

static struct fetch *fetch_create(struct fetcher *fetcher, const struct fetch_plan *plan)
{
	struct fetch *fetch = mem_zero(1, sizeof(*fetch));
	fetch->fetcher = fetcher;
	fetch->next = fetcher->fetches;
	fetch->link = &fetcher->fetches;
	if (fetch->next != NULL)
		fetch->next->link = &fetch->next;
	fetcher->fetches = fetch;
	fetch->retry_after_ns = -1;
	fetch->started_ns = clock_monotonic_ns();
	fetch->done = plan->done;
	fetch->arg = plan->arg;
	deferred_prepare(&fetch->finish, finish, fetch);
	return fetch;
}

struct fetch *fetch_start(struct fetcher *fetcher, const struct fetch_plan *plan, struct err *err)
{
	if (fetch_check_url(plan->url, err) != 0 || check_files(plan->server, err) != 0)
		return NULL;
	struct fetch *fetch = fetch_create(fetcher, plan);
	fetch->easy = curl_easy_init();
	if (fetch->easy != NULL) {
		set_request(fetch, plan);
		set_callbacks(fetch);
		CURLMcode code = curl_multi_add_handle(fetcher->multi, fetch->easy);
		if (code == CURLM_OK)
			return fetch;
		err_set(err, "%s", curl_multi_strerror(code));
	} else {
		err_set(err, "libcurl cannot make a request");
	}
	fetch_free(fetch);
	return NULL;
}

struct fetcher *fetcher_create(struct loop *loop, size_t most_connections, struct err *err)
{
	struct fetcher *fetcher = mem_zero(1, sizeof(*fetcher));
	fetcher->loop = loop;
	alarm_prepare(&fetcher->alarm, ring, fetcher);
	deferred_prepare(&fetcher->at_once, ring, fetcher);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		fetcher->multi = curl_multi_init();
	if (fetcher->multi == NULL) {
		err_set(err, "libcurl cannot be used");
		mem_free(fetcher);
		return NULL;
	}
	curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
	curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
	curl_multi_setopt(fetcher->multi, CURLMOPT_MAXCONNECTS, (long)most_connections);
	return fetcher;
}

void fetcher_free(struct fetcher *fetcher)
{
	if (fetcher == NULL)
		return;
	while (fetcher->fetches != NULL)
		fetch_free(fetcher->fetches);
	/* Connections that are kept may still have watches. */
	curl_multi_cleanup(fetcher->multi);
	while (fetcher->sockets != NULL)
		forget_socket(fetcher->sockets);
	alarm_cancel(fetcher->loop, &fetcher->alarm);
	loop_defer_cancel(fetcher->loop, &fetcher->at_once);
	mem_free(fetcher);
	curl_global_cleanup();
}
