#include "probes/http/http_client.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "probes/http/http_fields.h"

/* What is kept of a buffer from run to run. */
#define BUFFER_KEPT ((size_t)64 * 1024)

/* --- the header fields -------------------------------------------------------------------------------------------- */

/* Puts what changes in front of what does not; nothing is allocated. */
static struct curl_slist *chain(struct http_client *client, char *host, char *authorization, struct curl_slist *rest)
{
	if (authorization != NULL) {
		client->authorization_node = (struct curl_slist){authorization, rest};
		rest = &client->authorization_node;
	}
	if (host != NULL) {
		client->host_node = (struct curl_slist){host, rest};
		rest = &client->host_node;
	}
	return rest;
}

static void set_usual_fields(struct http_client *client)
{
	const struct http_recipe *recipe = client->recipe;
	curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER,
			 chain(client, recipe->host_field, recipe->authorization, recipe->fields));
}

/* --- clients ------------------------------------------------------------------------------------------------------ */

static void on_done(void *arg, CURLcode result)
{
	struct http_client *client = arg;
	http_answered(client->run, result);
}

static struct http_client *create_client(struct http_recipe *recipe, struct err *err)
{
	struct http_client *client = mem_zero(1, sizeof(*client));
	client->recipe = recipe;
	client->descriptor = -1;
	client->head.ceiling = HTTP_HEAD_MAX;
	client->body.ceiling = HTTP_BODY_MAX;
	client->easy = curl_easy_init();
	if (client->easy == NULL) {
		err_set(err, "libcurl cannot make a request");
		mem_free(client);
		return NULL;
	}
	if (recipe->proxy != NULL && recipe->proxy->is_https) {
		char *entry = mem_format("%s:%u:127.0.0.1", recipe->proxy->url.host, recipe->proxy->url.port);
		client->resolve = curl_slist_append(NULL, entry);
		mem_free(entry);
	}
	curl_job_prepare(&client->job, on_done, client);
	http_client_set_up(client);
	client->is_altered = true;
	return client;
}

void http_client_free(struct http_client *client)
{
	struct http_service *service = client->recipe->service;
	http_service_forget(service, client);
	curl_easy_cleanup(client->easy);
	curl_slist_free_all(client->resolve);
	curl_slist_free_all(client->connect_to);
	tls_facts_clear(&client->tls);
	text_free(&client->head);
	text_free(&client->body);
	mem_free(client);
}

struct http_client *http_client_take_idle(struct http_recipe *recipe)
{
	struct http_client *client = recipe->idle;
	recipe->idle = client->next;
	recipe->nidle--;
	return client;
}

struct http_client *http_client_take(struct http_recipe *recipe, struct err *err)
{
	return recipe->idle != NULL ? http_client_take_idle(recipe) : create_client(recipe, err);
}

/* --- one request -------------------------------------------------------------------------------------------------- */

static void set_connect_to(struct http_client *client, const char *host)
{
	char *entry = mem_format("::%s:", host);
	curl_slist_free_all(client->connect_to);
	client->connect_to = curl_slist_append(NULL, entry);
	curl_easy_setopt(client->easy, CURLOPT_CONNECT_TO, client->connect_to);
	mem_free(entry);
}

/* The field Host as libcurl would write it. */
static void name_host(struct http_client *client)
{
	char *authority = http_url_authority(client->run->url);
	mem_free(client->host_field);
	client->host_field = mem_format("Host: %s", authority);
	mem_free(authority);
}

/* The proxy is to be asked for the address that was found here, and permitted. In a request that the proxy reads
 * itself, it stands in the URL, and the name in the field Host only; through a tunnel, the proxy does not see the URL.
 */
static int give_address_to_proxy(struct http_client *client)
{
	const struct http_run *run = client->run;
	char text[ADDRESS_TEXT_SIZE];
	char bracketed[ADDRESS_TEXT_SIZE + 2];
	if (run->address.family == ADDRESS_NONE)
		return 0;
	address_format(&run->address, text);
	snprintf(bracketed, sizeof(bracketed), run->address.family == ADDRESS_IPV6 ? "[%s]" : "%s", text);
	if (run->url->is_https || client->recipe->proxy->is_socks) {
		set_connect_to(client, bracketed);
		return 0;
	}
	client->other_url = http_url_with_host(run->url, text, 0);
	if (client->other_url == NULL)
		return -1;
	curl_easy_setopt(client->easy, CURLOPT_URL, client->other_url);
	if (client->recipe->host_field == NULL || run->is_elsewhere)
		name_host(client);
	return 0;
}

static int set_way(struct http_client *client)
{
	const struct http_run *run = client->run;
	curl_easy_setopt(client->easy, CURLOPT_URL, run->url->text);
	if (!run->is_proxied) {
		if (client->was_altered) {
			curl_easy_setopt(client->easy, CURLOPT_PROXY, "");
			set_connect_to(client, "127.0.0.1");
		}
		return 0;
	}
	client->is_altered = true;
	curl_easy_setopt(client->easy, CURLOPT_CONNECT_TO, NULL);
	curl_easy_setopt(client->easy, CURLOPT_PROXY, client->recipe->proxy->curl_url);
	return give_address_to_proxy(client);
}

static void set_fields(struct http_client *client)
{
	const struct http_run *run = client->run;
	const struct http_recipe *recipe = client->recipe;
	/* libcurl takes the host that cookies are for from a field Host, and remembers it until there is another one.
	 */
	if (client->has_named_host && (recipe->host_field == NULL || run->is_elsewhere) && client->host_field == NULL)
		name_host(client);
	char *host = client->host_field != NULL ? client->host_field : run->is_elsewhere ? NULL : recipe->host_field;
	char *authorization = recipe->authorization != NULL ? recipe->authorization : run->http->authorization;
	struct curl_slist *rest = recipe->fields;
	client->has_named_host = client->has_named_host || host != NULL;
	bool is_usual = run->redirects == 0 && client->host_field == NULL && authorization == recipe->authorization;
	if (is_usual && client->was_altered)
		set_usual_fields(client);
	if (is_usual)
		return;
	client->is_altered = true;
	if (run->redirects > 0)
		rest = client->fields =
			http_fields_of_redirect(recipe->fields, &recipe->secrets, run->is_elsewhere, run->is_plain_get);
	curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER,
			 chain(client, host, run->is_elsewhere ? NULL : authorization, rest));
}

static void set_others(struct http_client *client)
{
	const struct http_run *run = client->run;
	struct http_kept *kept = run->http->kept;
	if (run->is_plain_get || client->was_altered)
		http_client_set_method(client, run->is_plain_get);
	if (run->is_plain_get)
		client->is_altered = true;
	if (run_is_logged(run->run)) {
		curl_easy_setopt(client->easy, CURLOPT_VERBOSE, 1L);
		client->is_altered = true;
	}
	if (kept != NULL) {
		curl_easy_setopt(client->easy, CURLOPT_SHARE, kept->share);
		/* Another address is another server. */
		curl_easy_setopt(client->easy, CURLOPT_FRESH_CONNECT,
				 address_equal(&kept->address, &run->peer) ? 0L : 1L);
		kept->address = run->peer;
	}
}

/* What the last request has left. */
static void clear(struct http_client *client)
{
	text_clear(&client->head);
	text_clear(&client->body);
	http_decode_free(client->decode);
	client->decode = NULL;
	client->received_bytes = client->body_bytes = 0;
	client->is_connected = client->is_head_complete = client->is_redirect = false;
	client->fault.reason = REASON_OK;
	client->is_reset = false;
	client->contexts = 0;
	client->error[0] = '\0';
	client->descriptor = -1;
	tls_facts_clear(&client->tls);
	curl_slist_free_all(client->fields);
	client->fields = NULL;
	mem_free(client->host_field);
	client->host_field = NULL;
	mem_free(client->other_url);
	client->other_url = NULL;
}

int http_client_begin(struct http_client *client, struct http_run *run, struct err *err)
{
	struct curl_loop *curl = http_service_curl(client->recipe->service, err);
	enum http_compression compression = (enum http_compression)client->recipe->settings.compression;
	if (curl == NULL)
		return -1;
	clear(client);
	client->run = run;
	client->was_altered = client->is_altered;
	client->is_altered = false;
	client->facts = run->http->kept != NULL ? &run->http->kept->tls : &client->tls;
	if (compression != HTTP_COMPRESSION_NONE && compression != HTTP_COMPRESSION_IDENTITY)
		client->decode = http_decode_create(compression);
	if (set_way(client) != 0)
		return err_set(err, "there can be no such URL");
	set_fields(client);
	set_others(client);
	return curl_job_start(curl, &client->job, client->easy, err);
}

void http_client_ask_kernel(struct http_client *client)
{
	if (client->descriptor != -1)
		http_socket_ask(client->descriptor, &client->run->tcp);
}

/* As a client that has done nothing yet. */
static void restore(struct http_client *client)
{
	curl_easy_setopt(client->easy, CURLOPT_VERBOSE, 0L);
	if (client->has_cookies)
		curl_easy_setopt(client->easy, CURLOPT_COOKIELIST, "ALL");
	client->has_cookies = false;
	if (client->recipe->settings.is_keeping_alive)
		curl_easy_setopt(client->easy, CURLOPT_SHARE, NULL);
}

static void shrink(struct text *text)
{
	if (text->capacity > BUFFER_KEPT)
		text_free(text);
}

void http_client_give(struct http_client *client)
{
	if (client == NULL)
		return;
	struct http_recipe *recipe = client->recipe;
	curl_job_cancel(&client->job);
	if (client->is_altered || client->has_cookies || recipe->settings.is_keeping_alive)
		restore(client);
	shrink(&client->head);
	shrink(&client->body);
	clear(client);
	client->run = NULL;
	client->next = recipe->idle;
	recipe->idle = client;
	if (++recipe->nidle > HTTP_CLIENTS_IDLE)
		http_client_free(http_client_take_idle(recipe));
}
