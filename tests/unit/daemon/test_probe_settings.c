#include <criterion/criterion.h>
#include <string.h>

#include "core/clock.h"
#include "core/destination.h"
#include "core/mem.h"
#include "daemon/modules.h"
#include "daemon/probe_query.h"
#include "daemon/probe_settings.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct web_settings {
	int64_t interval_ns, timeout_ns;
	char *host, *tls_server_name, *query_name;
	int query_type;
};

static const char *const kinds[] = {"A", "SOA", NULL};
#define AT(member) offsetof(struct web_settings, member)
static const struct option options[] = {
	{"interval", OPTION_SECONDS, AT(interval_ns), 1, 86400, "15", NULL, "How often"},
	{"timeout", OPTION_SECONDS, AT(timeout_ns), 1, 3600, "10", NULL, "How long"},
	{"tls_server_name", OPTION_TEXT, AT(tls_server_name), 0, 0, NULL, NULL, "Whose certificate"},
	{"host", OPTION_TEXT, AT(host), 0, 0, NULL, NULL, "The field Host"},
	{"query_name", OPTION_TEXT, AT(query_name), 0, 0, NULL, NULL, "What is asked"},
	{"query_type", OPTION_CHOICE, AT(query_type), 0, 0, "A", kinds, "Of what kind"},
};

/* What names have no business in. */
static int check(const void *settings, struct err *err)
{
	const struct web_settings *web = settings;

	return web->query_name && strcmp(web->query_name, "bad") == 0 ? err_set(err, "that is bad") : 0;
}

static const struct probe_type http_like = {
	.name = "http", .options = options, .noptions = 4, .settings_size = sizeof(struct web_settings)};
static const struct probe_type tcp_like = {
	.name = "tcp", .options = options, .noptions = 3, .settings_size = sizeof(struct web_settings)};
static const struct probe_type dns_like = {
	.name = "dns", .options = options, .noptions = 6, .settings_size = sizeof(struct web_settings), .check = check};
static const struct probe_type bare = {.name = "bare", .settings_size = 1};

/* A module of a type, with values for host and tls_server_name; and what becomes of it. */
struct trial {
	const struct probe_type *type;
	const char *host, *server_name; /* of the module */
	const char *hostname;           /* of the request */
	const char *host_after, *server_name_after;
	const char *why; /* or this */
};

static struct web_settings *make(const struct trial *trial, const struct probe_query *query, struct err *err)
{
	struct web_settings settings = {.interval_ns = 15 * NS_PER_SECOND,
					.timeout_ns = 10 * NS_PER_SECOND,
					.host = (char *)(uintptr_t)trial->host,
					.tls_server_name = (char *)(uintptr_t)trial->server_name};
	const struct module module = {.name = (char *)(uintptr_t) "m", .type = trial->type, .settings = &settings};

	return probe_settings_make(&module, query, 30 * NS_PER_SECOND, err);
}

static void expect_text(const char *found, const char *wanted, size_t i)
{
	cr_expect_eq(found != NULL, wanted != NULL, "case %zu: %s", i, found ? found : "(none)");
	if (found && wanted)
		cr_expect_str_eq(found, wanted, "case %zu", i);
}

Test(probe_settings, hostnames)
{
	static const struct trial trials[] = {
		{&http_like, NULL, NULL, "", NULL, NULL, NULL},
		{&http_like, NULL, NULL, "h", "h", NULL, NULL},
		{&http_like, NULL, "own", "h", "h", "own", NULL},
		{&http_like, "h", NULL, "h", "h", NULL, NULL},
		{&http_like, "", NULL, "h", "h", NULL, NULL},
		{&http_like, "other", NULL, "h", NULL, NULL, "hostname: the module m has a host of its own, other"},
		{&tcp_like, NULL, NULL, "h", NULL, "h", NULL},
		{&tcp_like, NULL, "own", "h", NULL, "own", NULL},
		{&dns_like, NULL, NULL, "h", NULL, NULL, NULL}, /* means nothing there */
	};
	for (size_t i = 0; i < LENGTH(trials); i++) {
		const struct trial *trial = &trials[i];
		struct probe_query query = {0};
		struct err err = {0};
		struct web_settings *made;

		strcpy(query.hostname, trial->hostname);
		made = make(trial, &query, &err);
		if (trial->why) {
			cr_expect_null(made);
			cr_expect_str_eq(err.text, trial->why);
			continue;
		}
		cr_assert(made, "case %zu: %s", i, err.text);
		expect_text(made->host, trial->host_after, i);
		expect_text(made->tls_server_name, trial->server_name_after, i);
		option_free_settings(trial->type->options, trial->type->noptions, made);
	}
}

Test(probe_settings, times)
{
	static const struct trial trial = {.type = &http_like};
	struct web_settings settings = {.interval_ns = 60 * NS_PER_SECOND, .timeout_ns = NS_PER_SECOND};
	const struct module module = {.name = (char *)(uintptr_t) "m", .type = &http_like, .settings = &settings};
	const struct probe_query query = {0};
	struct err err = {0};
	struct web_settings *made = make(&trial, &query, &err);

	/* A run must not be longer than the interval, which is none here. */
	cr_expect_eq(made->timeout_ns, 30 * NS_PER_SECOND);
	cr_expect_eq(made->interval_ns, 30 * NS_PER_SECOND);
	option_free_settings(options, 4, made);
	/* Shorter than a schedule may have it. */
	made = probe_settings_make(&module, &query, NS_PER_MS, &err);
	cr_expect_eq(made->timeout_ns, NS_PER_MS);
	cr_expect_eq(made->interval_ns, 60 * NS_PER_SECOND);
	cr_expect_eq(settings.timeout_ns, NS_PER_SECOND, "the module is not touched");
	option_free_settings(options, 4, made);
}

Test(probe_settings, types_without_options)
{
	const struct module module = {.name = (char *)(uintptr_t) "m", .type = &bare, .settings = (char[]){0}};
	const struct probe_query query = {.hostname = "h"};
	struct err err = {0};
	void *made = probe_settings_make(&module, &query, NS_PER_SECOND, &err);

	cr_expect(made);
	option_free_settings(NULL, 0, made);
}

Test(probe_settings, questions)
{
	static const struct {
		const struct probe_type *type;
		const char *name, *type_asked, *class_asked, *why;
	} cases[] = {
		{&dns_like, "n.example", "SOA", "", NULL},
		{&dns_like, "n.example", "XYZ", "", "query_type: must be one of A, SOA"},
		{&dns_like, "", "", "IN", "query_class: the module m is of type dns, which has no such option"},
		{&http_like, "n", "", "", "query_name: the module m is of type http, which has no such option"},
		{&dns_like, "bad", "", "", "that is bad"},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const struct trial trial = {.type = cases[i].type};
		struct probe_query query = {0};
		struct err err = {0};
		struct web_settings *made;

		strcpy(query.query_name, cases[i].name);
		strcpy(query.query_type, cases[i].type_asked);
		strcpy(query.query_class, cases[i].class_asked);
		made = make(&trial, &query, &err);
		cr_expect_eq(made == NULL, cases[i].why != NULL, "case %zu: %s", i, err.text);
		if (cases[i].why)
			cr_expect(strstr(err.text, cases[i].why), "case %zu: %s", i, err.text);
		if (!made)
			continue;
		cr_expect_str_eq(made->query_name, "n.example");
		cr_expect_eq(made->query_type, 1);
		option_free_settings(options, 6, made);
	}
}

Test(probe_settings, hosts)
{
	static const struct {
		const char *target, *host; /* NULL: cannot be told */
		int port;
	} cases[] = {
		{"a.example", "a.example", DESTINATION_UNKNOWN_PORT},
		{"a.example:25", "a.example", 25},
		{"192.0.2.1", "192.0.2.1", DESTINATION_UNKNOWN_PORT},
		{"192.0.2.1:443", "192.0.2.1", 443},
		{"2001:db8::1", "2001:db8::1", DESTINATION_UNKNOWN_PORT},
		{"[2001:db8::1]:53", "2001:db8::1", 53},
		{"http://a.example", "a.example", 80},
		{"https://a.example/b?c#d", "a.example", 443},
		{"HTTPS://a.example:8443/", "a.example", 8443},
		{"http://[::1]/", "::1", 80},
		{"http://[::1]:81/", "::1", 81},
		{"ftp://a.example/", "a.example", DESTINATION_UNKNOWN_PORT},
		{"a.example/b", "a.example", DESTINATION_UNKNOWN_PORT},
		{"127.0.0.1?x", "127.0.0.1", DESTINATION_UNKNOWN_PORT},
		{"http://good.example@127.0.0.1/", "127.0.0.1", 80},
		{"http://good.example:80@127.0.0.1:81/", "127.0.0.1", 81},
		{"http://a@b@127.0.0.1/", "127.0.0.1", 80},
		{"http://127.0.0.1/@good.example", "127.0.0.1", 80},
		{"http://127.0.0.1?@good.example", "127.0.0.1", 80},
		{"http://127.0.0.1#@good.example", "127.0.0.1", 80},
		{"http://", NULL, 0},
		{"http:///path", NULL, 0},
		{"http://a.example:99999/", NULL, 0},
		{"http://[::1/", NULL, 0},
		{"", NULL, 0},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char host[256];
		int port;
		bool is_known = probe_settings_host(cases[i].target, host, sizeof(host), &port);

		cr_expect_eq(is_known, cases[i].host != NULL, "%s", cases[i].target);
		if (!is_known || !cases[i].host)
			continue;
		cr_expect_str_eq(host, cases[i].host, "%s", cases[i].target);
		cr_expect_eq(port, cases[i].port, "%s: %d", cases[i].target, port);
	}
}

Test(probe_settings, long_hosts)
{
	char target[2 * PROBE_QUERY_TARGET_MAX], host[16];
	int port;

	cr_expect_not(probe_settings_host("a-long-name.example", host, sizeof(host), &port));
	memset(target, 'a', sizeof(target));
	target[sizeof(target) - 1] = '\0';
	cr_expect_not(probe_settings_host(target, host, sizeof(host), &port));
}
