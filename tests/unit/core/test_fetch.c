/* The client against a server of its own, which plays one script per connection. */
#include "core/fetch.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/text.h"

#define PATIENCE_NS (20 * NS_PER_SECOND)

struct scene {
	int listener;
	char url[64];
	const char *reply; /* of every request; NULL: none */
	bool closes;       /* after the reply */
	bool drips;        /* the reply, a byte each 20 ms */
	atomic_int connections, requests;
	char request[4096]; /* the last one */
	pthread_t thread;
	struct loop *loop;
	struct fetcher *fetcher;
	struct alarm patience;
	/* the answer */
	int answers;
	struct fetch_answer answer;
	char body[256], error[256], type[64], location[64];
	size_t expected;
};

/* --- the server --------------------------------------------------------------------------------------------------- */

static bool read_request(struct scene *scene, int descriptor)
{
	size_t n = 0;
	const char *end = NULL;
	while (end == NULL) {
		ssize_t got = recv(descriptor, scene->request + n, sizeof(scene->request) - 1 - n, 0);
		if (got <= 0)
			return false;
		n += (size_t)got;
		scene->request[n] = '\0';
		end = strstr(scene->request, "\r\n\r\n");
	}
	const char *field = strstr(scene->request, "Content-Length: ");
	size_t body = field != NULL ? (size_t)atol(field + 16) : 0;
	size_t have = n - (size_t)(end + 4 - scene->request);
	while (have < body) {
		char more[4096];
		ssize_t got = recv(descriptor, more, sizeof(more), 0);
		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	atomic_fetch_add(&scene->requests, 1);
	return true;
}

static void write_reply(const struct scene *scene, int descriptor)
{
	size_t n = strlen(scene->reply);
	for (size_t i = 0; i < n; i += scene->drips ? 1 : n) {
		if (send(descriptor, scene->reply + i, scene->drips ? 1 : n, MSG_NOSIGNAL) < 0)
			return;
		if (scene->drips)
			usleep(20000);
	}
}

static void *serve(void *arg)
{
	struct scene *scene = arg;
	for (int descriptor; (descriptor = accept(scene->listener, NULL, NULL)) >= 0; close(descriptor)) {
		atomic_fetch_add(&scene->connections, 1);
		while (read_request(scene, descriptor)) {
			if (scene->reply == NULL)
				continue;
			write_reply(scene, descriptor);
			if (scene->closes)
				break;
		}
	}
	return NULL;
}

static struct scene *setup_slot(const char *reply, int64_t slot_ns)
{
	struct scene *scene = mem_zero(1, sizeof(*scene));
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	signal(SIGPIPE, SIG_IGN);
	scene->listener = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(bind(scene->listener, (struct sockaddr *)&address, length), 0);
	cr_assert_eq(listen(scene->listener, 10), 0);
	getsockname(scene->listener, (struct sockaddr *)&address, &length);
	snprintf(scene->url, sizeof(scene->url), "http://127.0.0.1:%d/write?db=x", ntohs(address.sin_port));
	scene->reply = reply;
	scene->loop = loop_create(slot_ns, NULL);
	scene->fetcher = fetcher_create(scene->loop, 8, NULL);
	cr_assert_not_null(scene->fetcher);
	return scene;
}

static struct scene *setup(const char *reply)
{
	return setup_slot(reply, 0);
}

static void start(struct scene *scene)
{
	cr_assert_eq(pthread_create(&scene->thread, NULL, serve, scene), 0);
}

static void teardown(struct scene *scene)
{
	fetcher_free(scene->fetcher);
	alarm_cancel(scene->loop, &scene->patience);
	loop_free(scene->loop);
	shutdown(scene->listener, SHUT_RDWR);
	close(scene->listener);
	if (scene->thread != 0)
		pthread_join(scene->thread, NULL);
	mem_free(scene);
}

/* --- the client --------------------------------------------------------------------------------------------------- */

static void done(void *arg, const struct fetch_answer *answer)
{
	struct scene *scene = arg;
	scene->answer = *answer;
	snprintf(scene->body, sizeof(scene->body), "%.200s", answer->body);
	snprintf(scene->error, sizeof(scene->error), "%s", answer->error);
	snprintf(scene->type, sizeof(scene->type), "%s", answer->type);
	snprintf(scene->location, sizeof(scene->location), "%s", answer->location);
	if (++scene->answers == (int)scene->expected)
		loop_stop(scene->loop);
}

static struct fetch *ask(struct scene *scene, int64_t timeout_ns)
{
	static const char *const fields[] = {"Content-Type: text/plain", "Authorization: Token secret", NULL};
	struct err err = {0};
	struct fetch_plan plan = {
		.method = "POST",
		.url = scene->url,
		.fields = fields,
		.body = "m v=1\n",
		.body_length = 6,
		.connect_timeout_ns = timeout_ns,
		.timeout_ns = timeout_ns,
		.done = done,
		.arg = scene,
	};
	struct fetch *fetch = fetch_start(scene->fetcher, &plan, &err);
	cr_assert_not_null(fetch, "%s", err.text);
	cr_assert_eq(scene->answers, (int)scene->expected, "not from inside fetch_start");
	scene->expected++;
	return fetch;
}

static void give_up(void *arg)
{
	(void)arg;
	cr_assert(false, "the answer does not come");
}

static void run(struct scene *scene)
{
	alarm_prepare(&scene->patience, give_up, scene);
	alarm_set(scene->loop, &scene->patience, clock_monotonic_ns() + PATIENCE_NS);
	cr_assert_eq(loop_run(scene->loop, NULL), 0);
}

Test(fetch, posts_and_keeps_the_connection)
{
	struct scene *scene = setup("HTTP/1.1 204 No Content\r\nX: y\r\n\r\n");
	start(scene);
	for (int i = 0; i < 5; i++) {
		ask(scene, PATIENCE_NS);
		run(scene);
		cr_expect_eq(scene->answer.status, 204);
		cr_expect(scene->answer.is_connected);
		cr_expect_str_eq(scene->error, "");
		cr_expect_eq(scene->answer.retry_after_ns, -1);
	}
	cr_expect_eq(atomic_load(&scene->connections), 1);
	cr_expect_eq(atomic_load(&scene->requests), 5);
	cr_expect(strstr(scene->request, "POST /write?db=x HTTP/1.1\r\n") == scene->request, "%s", scene->request);
	cr_expect(strstr(scene->request, "Authorization: Token secret\r\n") != NULL);
	cr_expect(strstr(scene->request, "Expect") == NULL);
	cr_expect(strstr(scene->request, "User-Agent: netsonde/") != NULL);
	teardown(scene);
}

/* The timer's slots would delay each request: here they are so long that an alarm does not ring in the test's time. */
Test(fetch, needs_no_alarm, .timeout = 60)
{
	struct scene *scene = setup_slot("HTTP/1.1 204 No Content\r\n\r\n", 3600 * NS_PER_SECOND);
	start(scene);
	for (int i = 0; i < 3; i++) {
		ask(scene, PATIENCE_NS);
		run(scene);
		cr_expect_eq(scene->answer.status, 204);
	}
	teardown(scene);
}

Test(fetch, reads_what_matters)
{
	struct scene *scene = setup("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\ncontent-type:  application/json \r\n"
				    "Location: http://elsewhere/\r\nContent-Length: 15\r\n\r\n{\"error\":\"what\"}");
	start(scene);
	ask(scene, PATIENCE_NS);
	run(scene);
	cr_expect_eq(scene->answer.status, 503);
	cr_expect_eq(scene->answer.retry_after_ns, 7 * NS_PER_SECOND);
	cr_expect_str_eq(scene->type, "application/json");
	cr_expect_str_eq(scene->location, "http://elsewhere/");
	cr_expect_str_eq(scene->body, "{\"error\":\"what\"");
	teardown(scene);
}

Test(fetch, redirects_are_not_followed)
{
	struct scene *scene = setup("HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n");
	start(scene);
	ask(scene, PATIENCE_NS);
	run(scene);
	cr_expect_eq(scene->answer.status, 302);
	cr_expect_eq(atomic_load(&scene->requests), 1);
	teardown(scene);
}

Test(fetch, nobody_listens)
{
	struct scene *scene = setup(NULL);
	shutdown(scene->listener, SHUT_RDWR);
	ask(scene, PATIENCE_NS);
	run(scene);
	cr_expect_eq(scene->answer.status, 0);
	cr_expect_not(scene->answer.is_timeout);
	cr_expect_not(scene->answer.is_connected);
	cr_expect_neq(scene->error[0], '\0');
	teardown(scene);
}

Test(fetch, a_server_that_says_nothing)
{
	struct scene *scene = setup(NULL);
	start(scene);
	ask(scene, 300 * NS_PER_MS);
	run(scene);
	cr_expect_eq(scene->answer.status, 0);
	cr_expect(scene->answer.is_timeout);
	cr_expect(scene->answer.is_connected);
	cr_expect_geq(scene->answer.took_ns, 300 * NS_PER_MS);
	teardown(scene);
}

Test(fetch, the_time_is_absolute)
{
	struct scene *scene =
		setup("HTTP/1.1 204 No Content\r\nX-Long: 0123456789012345678901234567890123456789\r\n\r\n");
	scene->drips = true;
	start(scene);
	ask(scene, 300 * NS_PER_MS);
	run(scene);
	cr_expect(scene->answer.is_timeout);
	teardown(scene);
}

Test(fetch, a_server_that_closes_or_talks_rubbish)
{
	static const char *const replies[] = {"", "HTTP/1.1 20", "rubbish\r\n\r\n",
					      "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nfew"};
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		struct scene *scene = setup(replies[i]);
		scene->closes = true;
		start(scene);
		ask(scene, PATIENCE_NS);
		run(scene);
		cr_expect_eq(scene->answer.status, 0, "%zu: %d", i, scene->answer.status);
		cr_expect_neq(scene->error[0], '\0');
		teardown(scene);
	}
}

Test(fetch, a_body_without_end_is_cut)
{
	struct text reply = {0};
	text_add(&reply, "HTTP/1.1 400 Bad\r\nContent-Length: 100000000\r\n\r\n");
	for (int i = 0; i < 300000; i++)
		text_add(&reply, "0123456789");
	struct scene *scene = setup(text_string(&reply));
	start(scene);
	ask(scene, PATIENCE_NS);
	run(scene);
	cr_expect_eq(scene->answer.status, 400);
	cr_expect_eq(scene->answer.length, FETCH_BODY_MAX);
	teardown(scene);
	text_free(&reply);
}

Test(fetch, many_at_once_and_cancelled)
{
	struct scene *scene = setup("HTTP/1.1 204 No Content\r\n\r\n");
	scene->closes = true;
	start(scene);
	for (int i = 0; i < 20; i++) {
		struct fetch *fetch = ask(scene, PATIENCE_NS);
		scene->expected = 0;
		if (i % 2 == 0)
			fetch_cancel(fetch);
	}
	scene->expected = 10;
	run(scene);
	cr_expect_eq(scene->answers, 10);
	ask(scene, PATIENCE_NS);
	teardown(scene); /* with one under way */
}

Test(fetch, refuses_what_is_impossible)
{
	struct scene *scene = setup(NULL);
	struct fetch_server server = {.ca_file = "/no/such/file"};
	struct fetch_plan plan = {
		.method = "POST", .url = scene->url, .server = &server, .timeout_ns = 1, .done = done};
	struct err err = {0};
	cr_expect_null(fetch_start(scene->fetcher, &plan, &err));
	cr_expect_str_eq(err.text, "/no/such/file: No such file or directory");
	plan = (struct fetch_plan){.method = "GET", .url = "ftp://x/", .timeout_ns = 1, .done = done};
	cr_expect_null(fetch_start(scene->fetcher, &plan, &err));
	teardown(scene);
	fetcher_free(NULL);
	fetch_cancel(NULL);
}

Test(fetch, urls)
{
	static const struct {
		const char *url, *why;
	} cases[] = {
		{"http://influxdb:8086", NULL},
		{"HTTPS://[::1]:8086/path/", NULL},
		{"influxdb:8086", "must begin with http:// or https://"},
		{"ftp://x", "must begin with http:// or https://"},
		{"http://", NULL},
		{"http://user@host/",
		 "must not contain user and password: give them by the options user and password_file"},
		{"http://user:word@host/",
		 "must not contain user and password: give them by the options user and password_file"},
		{"http://a b/", "must not contain blanks or control characters"},
		{"http://a\n", "must not contain blanks or control characters"},
		{"http://host:99999/", NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = {0};
		int result = fetch_check_url(cases[i].url, &err);
		if (cases[i].why != NULL)
			cr_expect_str_eq(err.text, cases[i].why, "%s: %s", cases[i].url, err.text);
		else if (i < 2)
			cr_expect_eq(result, 0, "%s", err.text);
		else
			cr_expect_eq(result, -1, "%s", cases[i].url);
	}
	char *long_url = mem_zero(1, 5000);
	struct err err = {0};
	memset(long_url, 'a', 4998);
	memcpy(long_url, "http://", 7);
	cr_expect_eq(fetch_check_url(long_url, &err), -1);
	cr_expect_str_eq(err.text, "is longer than 4096 bytes");
	mem_free(long_url);
}

Test(fetch, encodes)
{
	struct text out = {0};
	fetch_add_encoded(&out, "aZ09-._~ /?&=+%\xc3\xa4");
	cr_expect_str_eq(text_string(&out), "aZ09-._~%20%2F%3F%26%3D%2B%25%C3%A4");
	text_free(&out);
}

Test(fetch, retry_after)
{
	static const struct {
		const char *value;
		int64_t seconds; /* -1: not understood */
	} cases[] = {
		{"0", 0},
		{"120", 120},
		{"120 ", 120},
		{"-1", -1},
		{"", -1},
		{"soon", -1},
		{"1.5", -1},
		{"12x", -1},
		{"99999999999999999999999999", 9223372036},
		{"Thu, 01 Jan 1970 00:20:00 GMT", 200},
		{"Thu, 01 Jan 1970 00:00:10 GMT", 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t expected = cases[i].seconds < 0 ? -1 : cases[i].seconds * NS_PER_SECOND;
		cr_expect_eq(fetch_parse_retry_after(cases[i].value, 1000), expected, "%s", cases[i].value);
	}
}
