#include "probes/http/http_recipe.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/curl_loop.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/option_compare.h"
#include "probes/engine.h"
#include "probes/http/http_client.h"
#include "probes/http/http_fields.h"
#include "probes/http/http_secrets.h"

struct noted {
	struct http_client *client;
	const struct http *http;
};

struct http_service {
	struct loop *loop;
	struct curl_loop *curl;
	struct http_recipe *recipes;
	struct noted *noted; /* by descriptor */
	size_t nnoted;
};

/* Idle connections (keep_alive) that each target keeps. */
#define CONNECTIONS_KEPT 4

/* --- header fields ------------------------------------------------------------------------------------------------ */

static int add_field(void *arg, const char *field, struct err *err)
{
	struct http_recipe *recipe = arg;
	(void)err;
	if (http_field_is(field, "Host")) {
		mem_free(recipe->host);
		recipe->host = mem_copy_string(http_field_value(field));
		return 0;
	}
	if (http_field_is(field, "Authorization")) {
		mem_free(recipe->authorization);
		recipe->authorization = mem_copy_string(field);
		return 0;
	}
	recipe->fields = http_fields_add(recipe->fields, field);
	return 0;
}

static bool has_field(const struct curl_slist *fields, const char *name)
{
	while (fields != NULL && !http_field_is(fields->data, name))
		fields = fields->next;
	return fields != NULL;
}

/* Without a field that curl would add by itself. */
static struct curl_slist *without(struct curl_slist *fields, const char *name)
{
	char *nothing = mem_format("%s:", name);
	struct curl_slist *longer = has_field(fields, name) ? NULL : curl_slist_append(fields, nothing);
	mem_free(nothing);
	return longer != NULL ? longer : fields;
}

/* What curl would add, or wait for, by itself: what is not asked for is not sent, as with blackbox_exporter. */
static void keep_curl_quiet(struct http_recipe *recipe)
{
	recipe->fields = without(recipe->fields, "Accept");
	recipe->proxy_fields = without(recipe->proxy_fields, "Proxy-Connection");
	if (!http_sends_body(&recipe->settings))
		return;
	recipe->fields = without(recipe->fields, "Expect");
	recipe->fields = without(recipe->fields, "Content-Type");
}

static int make_fields(struct http_recipe *recipe, struct err *err)
{
	const struct http_settings *settings = &recipe->settings;
	if (http_fields_visit(settings, add_field, recipe, err) != 0)
		return -1;
	if (settings->user != NULL || settings->bearer_token != NULL) {
		mem_free(recipe->authorization);
		recipe->authorization = settings->user != NULL ? http_field_basic(settings->user, settings->password)
							       : http_field_bearer(settings->bearer_token);
	}
	if (settings->host != NULL) {
		mem_free(recipe->host);
		recipe->host = mem_copy_string(settings->host);
	}
	if (recipe->host != NULL)
		recipe->host_field = mem_format("Host: %s", recipe->host);
	if (!settings->is_keeping_alive && !has_field(recipe->fields, "Connection"))
		recipe->fields = http_fields_add(recipe->fields, "Connection: close");
	for (size_t i = 0; i < settings->proxy_headers.n; i++)
		recipe->proxy_fields = http_fields_add(recipe->proxy_fields, settings->proxy_headers.items[i]);
	keep_curl_quiet(recipe);
	return 0;
}

/* --- the body ----------------------------------------------------------------------------------------------------- */

static int make_body(struct http_recipe *recipe, struct err *err)
{
	const struct http_settings *settings = &recipe->settings;
	if (settings->body_file != NULL) {
		struct text text = {.ceiling = HTTP_REQUEST_MAX};
		if (file_read_regular(settings->body_file, &text, err) != 0) {
			text_free(&text);
			return err_prefix(err, "body_file: %s", settings->body_file);
		}
		recipe->body_length = text.length;
		recipe->body = text_take(&text);
	} else if (settings->body != NULL) {
		recipe->body = mem_copy_string(settings->body);
		recipe->body_length = strlen(settings->body);
	}
	return 0;
}

/* --- the proxy ---------------------------------------------------------------------------------------------------- */

/* curl never sees where it connects to (http_client.c says so to the socket), so that any literal will do for the host;
 * but the name of an https proxy is verified. */
static int make_proxy(struct http_recipe *recipe, struct err *err)
{
	const char *url = recipe->settings.proxy;
	if (url == NULL)
		return 0;
	struct http_proxy *proxy = recipe->proxy = mem_zero(1, sizeof(*proxy));
	if (http_proxy_parse(url, &proxy->url, &proxy->is_socks, err) != 0)
		return -1;
	proxy->is_https = proxy->url.is_https;
	const char *scheme = proxy->is_socks ? "socks5h" : proxy->is_https ? "https" : "http";
	proxy->curl_url =
		mem_format("%s://%s:%u", scheme, proxy->is_https ? proxy->url.host : "127.0.0.1", proxy->url.port);
	return 0;
}

static void free_proxy(struct http_proxy *proxy)
{
	if (proxy == NULL)
		return;
	http_url_free(&proxy->url);
	mem_free(proxy->curl_url);
	mem_free(proxy);
}

/* --- recipes ------------------------------------------------------------------------------------------------------ */

static void wipe(char *secret)
{
	if (secret != NULL)
		explicit_bzero(secret, strlen(secret));
	mem_free(secret);
}

static void free_recipe(struct http_recipe *recipe)
{
	while (recipe->idle != NULL)
		http_client_free(http_client_take_idle(recipe));
	http_rules_free(recipe->rules);
	tls_client_close(recipe->tls);
	curl_slist_free_all(recipe->fields);
	curl_slist_free_all(recipe->proxy_fields);
	mem_free(recipe->host);
	mem_free(recipe->host_field);
	wipe(recipe->authorization);
	http_secrets_free(&recipe->secrets);
	mem_free(recipe->body);
	free_proxy(recipe->proxy);
	option_free(http_options, http_noptions, &recipe->settings);
	mem_free(recipe);
}

static int make_recipe(struct http_recipe *recipe, struct tls_clients *tls, struct err *err)
{
	recipe->rules = http_rules_create(&recipe->settings, err);
	if (recipe->rules == NULL || make_fields(recipe, err) != 0 || make_body(recipe, err) != 0 ||
	    make_proxy(recipe, err) != 0)
		return -1;
	http_secrets_take(&recipe->secrets, &recipe->settings);
	recipe->tls = tls_client_open(tls, &recipe->settings.tls);
	return 0;
}

static struct http_recipe *create_recipe(struct http_service *service, const struct http_settings *settings,
					 struct tls_clients *tls, struct err *err)
{
	struct http_recipe *recipe = mem_zero(1, sizeof(*recipe));
	void *copy = option_copy_settings(http_options, http_noptions, sizeof(*settings), settings);
	memcpy(&recipe->settings, copy, sizeof(recipe->settings));
	mem_free(copy);
	recipe->service = service;
	if (make_recipe(recipe, tls, err) == 0)
		return recipe;
	free_recipe(recipe);
	return NULL;
}

/* The deadline is the run's own: /probe has another one each time. */
static bool is_recipe_of(const struct http_recipe *recipe, const struct http_settings *settings)
{
	struct http_settings same = *settings;
	same.interval_ns = recipe->settings.interval_ns;
	same.timeout_ns = recipe->settings.timeout_ns;
	return option_settings_are_equal(http_options, http_noptions, &recipe->settings, &same);
}

static void put_first(struct http_service *service, struct http_recipe *recipe)
{
	recipe->next = service->recipes;
	service->recipes = recipe;
}

struct http_recipe *http_recipe_hold(struct http_service *service, const struct http_settings *settings,
				     struct tls_clients *tls, struct err *err)
{
	struct http_recipe **link = &service->recipes;
	while (*link != NULL && !is_recipe_of(*link, settings))
		link = &(*link)->next;
	struct http_recipe *recipe = *link;
	if (recipe != NULL)
		*link = recipe->next;
	else
		recipe = create_recipe(service, settings, tls, err);
	if (recipe == NULL)
		return NULL;
	put_first(service, recipe);
	recipe->holders++;
	return recipe;
}

/* Those that were used longest ago go; what was read from a file is read again. */
static void drop_idle(struct http_service *service)
{
	size_t idle = 0;
	for (struct http_recipe **link = &service->recipes; *link != NULL;) {
		struct http_recipe *recipe = *link;
		if (recipe->holders == 0 && (recipe->settings.body_file != NULL || ++idle > HTTP_RECIPES_IDLE)) {
			*link = recipe->next;
			free_recipe(recipe);
		} else {
			link = &recipe->next;
		}
	}
}

void http_recipe_release(struct http_recipe *recipe)
{
	if (recipe != NULL && --recipe->holders == 0)
		drop_idle(recipe->service);
}

/* --- the service -------------------------------------------------------------------------------------------------- */

struct curl_loop *http_service_curl(struct http_service *service, struct err *err)
{
	if (service->curl == NULL)
		service->curl = curl_loop_create(service->loop, CONNECTIONS_KEPT, err);
	return service->curl;
}

static void make_room(struct http_service *service, size_t n)
{
	size_t size = service->nnoted > 0 ? service->nnoted : 64;
	if (n <= service->nnoted)
		return;
	while (size < n)
		size *= 2;
	service->noted = mem_resize(service->noted, size, sizeof(*service->noted));
	memset(service->noted + service->nnoted, 0, (size - service->nnoted) * sizeof(*service->noted));
	service->nnoted = size;
}

void http_service_note(struct http_service *service, int descriptor, struct http_client *client)
{
	make_room(service, (size_t)descriptor + 1);
	service->noted[descriptor] =
		(struct noted){client, client != NULL && client->run != NULL ? client->run->http : NULL};
}

struct http_client *http_service_find(const struct http_service *service, int descriptor, const struct http *http)
{
	if (descriptor < 0 || (size_t)descriptor >= service->nnoted)
		return NULL;
	const struct noted *noted = &service->noted[descriptor];
	return http == NULL || noted->http == http ? noted->client : NULL;
}

void http_service_forget(struct http_service *service, const struct http_client *client)
{
	for (size_t i = 0; i < service->nnoted; i++)
		if (service->noted[i].client == client)
			service->noted[i].client = NULL;
}

static void *create_service(struct engine *engine)
{
	struct http_service *service = mem_zero(1, sizeof(*service));
	service->loop = engine_loop(engine);
	return service;
}

static void free_service(void *arg)
{
	struct http_service *service = arg;
	while (service->recipes != NULL) {
		struct http_recipe *recipe = service->recipes;
		service->recipes = recipe->next;
		free_recipe(recipe);
	}
	curl_loop_free(service->curl);
	mem_free(service->noted);
	mem_free(service);
}

const struct probe_service http_service = {
	.name = "http",
	.create = create_service,
	.free = free_service,
};
