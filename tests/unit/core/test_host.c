/*
 * A host on a resolver that the test plays itself: it sees what is asked for and says when and what is answered.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/host.h"
#include "core/loop.h"
#include "core/resolve.h"

static int64_t now_ns = 1000 * NS_PER_SECOND;

int64_t clock_monotonic_ns(void)
{
	return now_ns;
}

int64_t clock_realtime_ns(void)
{
	return now_ns;
}

/* --- the resolver --------------------------------------------------------------------------------------------------
 */

struct resolution {
	struct resolver *resolver;
	void (*done)(void *arg, const struct resolve_answer *answer);
	void *arg;
};

struct resolver {
	struct loop *loop;
	struct resolution *running;
	int asked, cancelled;
	char name[64];
	enum address_family family;
};

struct loop *resolver_loop(const struct resolver *resolver)
{
	return resolver->loop;
}

struct resolution *resolve_start(struct resolver *resolver, const char *name, enum address_family family,
				 void (*done)(void *arg, const struct resolve_answer *answer), void *arg)
{
	cr_assert_null(resolver->running, "two resolutions at once");
	struct resolution *resolution = calloc(1, sizeof *resolution);
	*resolution = (struct resolution){resolver, done, arg};
	resolver->running = resolution;
	resolver->asked++;
	resolver->family = family;
	snprintf(resolver->name, sizeof resolver->name, "%s", name);
	return resolution;
}

void resolve_cancel(struct resolution *resolution)
{
	if (!resolution)
		return;
	resolution->resolver->running = NULL;
	resolution->resolver->cancelled++;
	free(resolution);
}

/* Ends the running resolution: blank-separated literals, or none and an error. */
static void answer(struct resolver *resolver, const char *list, int64_t ttl_seconds, const char *error)
{
	struct address addresses[RESOLVE_ADDRESSES_MAX];
	struct resolve_answer told = {
		.addresses = addresses, .expires_ns = now_ns + ttl_seconds * NS_PER_SECOND, .error = error};
	char text[512];
	snprintf(text, sizeof text, "%s", list);
	for (const char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		cr_assert(address_parse(word, &addresses[told.n++]));
	struct resolution *resolution = resolver->running;
	cr_assert_not_null(resolution, "nobody asks");
	struct resolution ended = *resolution;
	resolver->running = NULL;
	free(resolution);
	ended.done(ended.arg, &told);
}

/* --- the scene -----------------------------------------------------------------------------------------------------
 */

struct scene {
	struct resolver resolver;
	struct host *host;
	int calls;
	char error[64]; /* of the last call; "" = none */
	struct deferred stop;
};

static void open_scene(struct scene *scene, const char *name, struct host_policy policy)
{
	*scene = (struct scene){0};
	scene->resolver.loop = loop_create(0, NULL);
	scene->host = host_open(&scene->resolver, name, policy);
}

static void close_scene(struct scene *scene)
{
	host_close(scene->host);
	cr_assert_null(scene->resolver.running);
	loop_free(scene->resolver.loop);
}

static void done(void *arg, const char *error)
{
	struct scene *scene = arg;
	scene->calls++;
	snprintf(scene->error, sizeof scene->error, "%s", error ? error : "");
}

static void stop(void *arg)
{
	struct scene *scene = arg;
	loop_stop(scene->resolver.loop);
}

/* Runs what is deferred. */
static void run(struct scene *scene)
{
	deferred_prepare(&scene->stop, stop, scene);
	loop_defer(scene->resolver.loop, &scene->stop);
	loop_run(scene->resolver.loop, NULL);
}

static void assert_addresses(const struct scene *scene, const char *expected)
{
	char list[512] = "", text[ADDRESS_TEXT_SIZE];
	size_t n;
	const struct address *addresses = host_addresses(scene->host, &n);
	for (size_t i = 0; i < n; i++) {
		strcat(list, i ? " " : "");
		strcat(list, address_format(&addresses[i], text));
	}
	cr_assert_str_eq(list, expected, "\"%s\" instead of \"%s\"", list, expected);
}

static void refresh(struct scene *scene, const char *list, int64_t ttl_seconds, const char *error)
{
	int calls = scene->calls;
	host_refresh(scene->host, done, scene);
	cr_assert_eq(scene->calls, calls, "called back from inside");
	answer(&scene->resolver, list, ttl_seconds, error);
	cr_assert_eq(scene->calls, calls + 1);
}

/* --- literals ------------------------------------------------------------------------------------------------------
 */

static const struct {
	const char *literal;
	enum host_family family;
	const char *addresses; /* "" = not of that family */
} literals[] = {
	{"192.0.2.1", HOST_PREFER_IPV4, "192.0.2.1"},
	{"192.0.2.1", HOST_PREFER_IPV6, "192.0.2.1"},
	{"192.0.2.1", HOST_ONLY_IPV4, "192.0.2.1"},
	{"192.0.2.1", HOST_ONLY_IPV6, ""},
	{"2001:db8::1", HOST_PREFER_IPV4, "2001:db8::1"},
	{"2001:db8::1", HOST_PREFER_IPV6, "2001:db8::1"},
	{"2001:db8::1", HOST_ONLY_IPV4, ""},
	{"[2001:db8::1]", HOST_ONLY_IPV6, "2001:db8::1"},
};

Test(host, literals_need_no_resolver)
{
	for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
		struct scene scene;
		bool is_usable = literals[i].addresses[0];
		open_scene(&scene, literals[i].literal, (struct host_policy){.family = literals[i].family});
		assert_addresses(&scene, literals[i].addresses);
		cr_assert_eq(host_is_fresh(scene.host), is_usable);
		now_ns += 1000000 * NS_PER_SECOND;
		cr_assert_eq(host_is_fresh(scene.host), is_usable);
		host_refresh(scene.host, done, &scene);
		cr_assert_eq(scene.calls, 0, "called back from inside");
		run(&scene);
		cr_assert_eq(scene.calls, 1);
		cr_assert_str_eq(scene.error, is_usable ? "" : "no address of that family");
		assert_addresses(&scene, literals[i].addresses);
		cr_assert_eq(scene.resolver.asked, 0);
		close_scene(&scene);
	}
	host_close(NULL);
}

Test(host, a_literals_refresh_can_be_cancelled_replaced_and_closed)
{
	struct scene scene, other = {0};
	open_scene(&scene, "192.0.2.1", (struct host_policy){0});
	host_refresh(scene.host, done, &scene);
	host_cancel(scene.host);
	run(&scene);
	cr_assert_eq(scene.calls, 0);
	host_refresh(scene.host, done, &scene);
	host_refresh(scene.host, done, &other);
	run(&scene);
	cr_assert_eq(scene.calls, 0);
	cr_assert_eq(other.calls, 1);
	host_refresh(scene.host, done, &scene);
	host_close(scene.host);
	scene.host = NULL;
	run(&scene);
	cr_assert_eq(scene.calls, 0);
	close_scene(&scene);
}

/* --- names ---------------------------------------------------------------------------------------------------------
 */

#define BOTH "192.0.2.1 192.0.2.2 2001:db8::1 2001:db8::2"

static const struct {
	struct host_policy policy;
	enum address_family asked;
	const char *answer;
	const char *addresses;
	const char *error;
} policies[] = {
	{{.family = HOST_PREFER_IPV4}, ADDRESS_NONE, BOTH, "192.0.2.1", ""},
	{{.family = HOST_PREFER_IPV6}, ADDRESS_NONE, BOTH, "2001:db8::1", ""},
	{{.family = HOST_PREFER_IPV4}, ADDRESS_NONE, "2001:db8::1", "2001:db8::1", ""},
	{{.family = HOST_PREFER_IPV6}, ADDRESS_NONE, "192.0.2.1", "192.0.2.1", ""},
	{{.family = HOST_ONLY_IPV4}, ADDRESS_IPV4, "192.0.2.1 192.0.2.2", "192.0.2.1", ""},
	{{.family = HOST_ONLY_IPV6}, ADDRESS_IPV6, "2001:db8::1", "2001:db8::1", ""},
	{{.family = HOST_ONLY_IPV6}, ADDRESS_IPV6, "192.0.2.1", "", "no address of that family"},
	{{.family = HOST_ONLY_IPV6}, ADDRESS_IPV6, "", "", "no such name"},
	{{.family = HOST_PREFER_IPV4, .wants_all = true}, ADDRESS_NONE, BOTH, BOTH, ""},
	{{.family = HOST_PREFER_IPV6, .wants_all = true},
	 ADDRESS_NONE,
	 BOTH,
	 "2001:db8::1 2001:db8::2 192.0.2.1 192.0.2.2",
	 ""},
	{{.family = HOST_ONLY_IPV4, .wants_all = true}, ADDRESS_IPV4, "192.0.2.1 192.0.2.2", "192.0.2.1 192.0.2.2", ""},
	{{.family = HOST_ONLY_IPV4, .wants_all = true}, ADDRESS_IPV4, BOTH, "192.0.2.1 192.0.2.2", ""},
};

Test(host, policies)
{
	for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
		struct scene scene;
		open_scene(&scene, "host.example", policies[i].policy);
		cr_assert(!host_is_fresh(scene.host));
		assert_addresses(&scene, "");
		cr_assert_eq(scene.resolver.asked, 0, "asks by itself");
		refresh(&scene, policies[i].answer, 60, *policies[i].answer ? NULL : "no such name");
		cr_assert_str_eq(scene.resolver.name, "host.example");
		cr_assert_eq(scene.resolver.family, policies[i].asked, "row %zu", i);
		assert_addresses(&scene, policies[i].addresses);
		cr_assert_str_eq(scene.error, policies[i].error, "row %zu: %s", i, scene.error);
		cr_assert_eq(host_is_fresh(scene.host), !*policies[i].error);
		close_scene(&scene);
	}
}

Test(host, goes_stale_when_its_ttl_ends)
{
	struct scene scene;
	open_scene(&scene, "host.example", (struct host_policy){0});
	refresh(&scene, "192.0.2.1", 60, NULL);
	now_ns += 60 * NS_PER_SECOND - 1;
	cr_assert(host_is_fresh(scene.host));
	now_ns += 1;
	cr_assert(!host_is_fresh(scene.host));
	assert_addresses(&scene, "192.0.2.1");
	cr_assert_eq(scene.resolver.asked, 1, "asks by itself");
	refresh(&scene, "192.0.2.2", 60, NULL);
	cr_assert(host_is_fresh(scene.host));
	assert_addresses(&scene, "192.0.2.2");
	close_scene(&scene);
}

Test(host, a_failure_forgets_the_addresses)
{
	struct scene scene;
	open_scene(&scene, "host.example", (struct host_policy){0});
	refresh(&scene, "192.0.2.1", 60, NULL);
	refresh(&scene, "", 0, "timeout");
	cr_assert_str_eq(scene.error, "timeout");
	assert_addresses(&scene, "");
	cr_assert(!host_is_fresh(scene.host));
	now_ns += HOST_RETRY_SECONDS * NS_PER_SECOND;
	refresh(&scene, "192.0.2.3", 60, NULL);
	cr_assert_str_eq(scene.error, "");
	assert_addresses(&scene, "192.0.2.3");
	close_scene(&scene);
}

Test(host, keeps_last_good_addresses)
{
	struct scene scene;
	open_scene(&scene, "host.example", (struct host_policy){.keeps_last = true, .wants_all = true});
	/* There is nothing to keep yet. */
	refresh(&scene, "", 0, "server failure");
	cr_assert_str_eq(scene.error, "server failure");
	now_ns += HOST_RETRY_SECONDS * NS_PER_SECOND;
	refresh(&scene, BOTH, 60, NULL);
	now_ns += 61 * NS_PER_SECOND;
	refresh(&scene, "", 0, "timeout");
	cr_assert_str_eq(scene.error, "");
	assert_addresses(&scene, BOTH);
	cr_assert(!host_is_fresh(scene.host), "old addresses are asked for again at the next occasion");
	close_scene(&scene);
}

Test(host, a_name_that_failed_is_left_alone_for_a_while)
{
	struct scene scene;
	open_scene(&scene, "host.example", (struct host_policy){0});
	refresh(&scene, "", 0, "no such name");
	for (int round = 0; round < 3; round++) {
		scene.error[0] = '\0';
		host_refresh(scene.host, done, &scene);
		run(&scene);
		cr_assert_eq(scene.calls, 2 + round);
		cr_assert_str_eq(scene.error, "no such name", "the same failure is told without asking");
		cr_assert_eq(scene.resolver.asked, 1);
	}
	now_ns += HOST_RETRY_SECONDS * NS_PER_SECOND;
	refresh(&scene, "192.0.2.1", 60, NULL);
	assert_addresses(&scene, "192.0.2.1");
	close_scene(&scene);
}

Test(host, kept_addresses_wait_for_nobody)
{
	struct scene scene;
	open_scene(&scene, "host.example", (struct host_policy){.keeps_last = true});
	refresh(&scene, "192.0.2.1", 5, NULL);
	now_ns += 6 * NS_PER_SECOND;
	host_refresh(scene.host, done, &scene);
	run(&scene);
	cr_assert_eq(scene.calls, 2, "told while the resolution is under way");
	cr_assert_str_eq(scene.error, "");
	assert_addresses(&scene, "192.0.2.1");
	answer(&scene.resolver, "192.0.2.2", 60, NULL);
	cr_assert_eq(scene.calls, 2, "and told once");
	assert_addresses(&scene, "192.0.2.2");
	close_scene(&scene);
}

static const struct {
	enum host_family family;
	const char *first, *second, *used;
} turns[] = {
	{HOST_PREFER_IPV4, "192.0.2.1 192.0.2.2", "192.0.2.2 192.0.2.1", "192.0.2.1"},
	{HOST_PREFER_IPV4, "192.0.2.1 192.0.2.2", "192.0.2.2 192.0.2.3", "192.0.2.2"},
	{HOST_PREFER_IPV6, "192.0.2.1", "192.0.2.1 2001:db8::1", "2001:db8::1"}, /* the better family has come */
	{HOST_PREFER_IPV6, "192.0.2.1 2001:db8::1", "192.0.2.2 192.0.2.1", "192.0.2.2"},
	{HOST_PREFER_IPV6, "192.0.2.1", "192.0.2.3 192.0.2.1", "192.0.2.1"},
};

Test(host, stays_with_its_address_as_long_as_the_name_has_it)
{
	for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
		struct scene scene;
		open_scene(&scene, "host.example", (struct host_policy){.family = turns[i].family});
		refresh(&scene, turns[i].first, 60, NULL);
		refresh(&scene, turns[i].second, 60, NULL);
		assert_addresses(&scene, turns[i].used);
		close_scene(&scene);
	}
}

/* --- callbacks -----------------------------------------------------------------------------------------------------
 */

Test(host, a_second_refresh_replaces_the_callback_of_the_first)
{
	struct scene scene, other = {0};
	open_scene(&scene, "host.example", (struct host_policy){0});
	host_refresh(scene.host, done, &other);
	host_refresh(scene.host, done, &scene);
	cr_assert_eq(scene.resolver.asked, 1);
	answer(&scene.resolver, "192.0.2.1", 60, NULL);
	cr_assert_eq(other.calls, 0);
	cr_assert_eq(scene.calls, 1);
	close_scene(&scene);
}

Test(host, what_comes_after_a_cancel_is_kept)
{
	struct scene scene;
	open_scene(&scene, "host.example", (struct host_policy){0});
	host_refresh(scene.host, done, &scene);
	host_cancel(scene.host);
	cr_assert_eq(scene.resolver.cancelled, 0);
	answer(&scene.resolver, "192.0.2.1", 60, NULL);
	cr_assert_eq(scene.calls, 0);
	cr_assert(host_is_fresh(scene.host));
	/* Cancelled, and wanted again before the answer: one question is enough. */
	host_refresh(scene.host, done, &scene);
	host_cancel(scene.host);
	host_refresh(scene.host, done, &scene);
	cr_assert_eq(scene.resolver.asked, 2);
	answer(&scene.resolver, "192.0.2.2", 60, NULL);
	cr_assert_eq(scene.calls, 1);
	host_cancel(scene.host); /* nothing runs: harmless */
	close_scene(&scene);
}

Test(host, closing_cancels)
{
	struct scene scene;
	open_scene(&scene, "host.example", (struct host_policy){0});
	host_refresh(scene.host, done, &scene);
	close_scene(&scene);
	cr_assert_eq(scene.resolver.cancelled, 1);
	cr_assert_eq(scene.calls, 0);
}

static void close_host(void *arg, const char *error)
{
	struct scene *scene = arg;
	done(scene, error);
	host_close(scene->host);
	scene->host = NULL;
}

static void refresh_again(void *arg, const char *error)
{
	struct scene *scene = arg;
	done(scene, error);
	host_refresh(scene->host, close_host, scene);
}

Test(host, the_callback_may_refresh_and_close)
{
	static const char *const names[] = {"host.example", "192.0.2.1"};
	for (size_t i = 0; i < 2; i++) {
		struct scene scene;
		open_scene(&scene, names[i], (struct host_policy){0});
		host_refresh(scene.host, refresh_again, &scene);
		for (int round = 0; round < 2; round++) {
			if (i == 0)
				answer(&scene.resolver, "192.0.2.1", 60, NULL);
			else
				run(&scene);
		}
		run(&scene);
		cr_assert_eq(scene.calls, 2);
		cr_assert_null(scene.host);
		close_scene(&scene);
	}
}
