#include "core/fetch_route.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/curl_loop.h"
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
	struct curl_job job;
	void (*done)(void *arg, const struct fetch_answer *answer);
	void *arg;
};

struct fetcher {
	struct curl_loop *curl;
	struct fetch *fetches;
};

/* --- ends --------------------------------------------------------------------------------------------------------- */

static void fetch_free(struct fetch *fetch)
{
	*fetch->link = fetch->next;
	if (fetch->next != NULL)
		fetch->next->link = fetch->link;
	curl_job_cancel(&fetch->job);
	if (fetch->easy != NULL)
		curl_easy_cleanup(fetch->easy);
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

static void finish(void *arg, CURLcode result)
{
	struct fetch *fetch = arg;
	long status = 0;
	fetch->result = result;
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
	curl_job_prepare(&fetch->job, finish, fetch);
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
		if (curl_job_start(fetcher->curl, &fetch->job, fetch->easy, err) == 0)
			return fetch;
	} else {
		err_set(err, "libcurl cannot make a request");
	}
	fetch_free(fetch);
	return NULL;
}

struct fetcher *fetcher_create(struct loop *loop, size_t most_connections, struct err *err)
{
	struct curl_loop *curl = curl_loop_create(loop, most_connections, err);
	if (curl == NULL)
		return NULL;
	struct fetcher *fetcher = mem_zero(1, sizeof(*fetcher));
	fetcher->curl = curl;
	return fetcher;
}

void fetcher_free(struct fetcher *fetcher)
{
	if (fetcher == NULL)
		return;
	while (fetcher->fetches != NULL)
		fetch_free(fetcher->fetches);
	curl_loop_free(fetcher->curl);
	mem_free(fetcher);
}
