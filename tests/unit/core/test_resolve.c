/*
 * The resolver against a small DNS server on loopback, on the same loop. The clock is the real one plus an offset, so
 * that the test of resolv.conf need not wait.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/resolve.h"
#include "tests/unit/core/dns_server.h"

static int64_t clock_offset_ns;

static int64_t read_clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

int64_t clock_monotonic_ns(void)
{
	return read_clock_ns(CLOCK_MONOTONIC) + clock_offset_ns;
}

int64_t clock_realtime_ns(void)
{
	return read_clock_ns(CLOCK_REALTIME);
}

/* --- asking --------------------------------------------------------------------------------------------------------
 */

struct scene {
	struct loop *loop;
	struct server server;
	struct resolver *resolver;
	int answers;
	struct address addresses[RESOLVE_ADDRESSES_MAX];
	size_t n;
	char error[100];
	double ttl_seconds;
	struct alarm pause;
	struct resolution *victim;
};

static void open_scene(struct scene *scene)
{
	struct err err = {0};
	char servers[64];
	*scene = (struct scene){0};
	scene->loop = loop_create(0, &err);
	cr_assert_not_null(scene->loop, "%s", err.text);
	open_server(&scene->server, scene->loop, "127.0.0.1", 0);
	snprintf(servers, sizeof servers, "127.0.0.1:%d", scene->server.port);
	scene->resolver = resolver_create(scene->loop, servers, &err);
	cr_assert_not_null(scene->resolver, "%s", err.text);
	cr_assert_eq(resolver_loop(scene->resolver), scene->loop);
}

static void close_scene(struct scene *scene)
{
	resolver_free(scene->resolver);
	close_server(&scene->server);
	loop_free(scene->loop);
}

static void keep_answer(void *arg, const struct resolve_answer *answer)
{
	struct scene *scene = arg;
	scene->answers++;
	scene->n = answer->n;
	cr_assert(answer->n <= RESOLVE_ADDRESSES_MAX);
	cr_assert_eq(answer->n == 0, answer->error != NULL);
	memcpy(scene->addresses, answer->addresses, answer->n * sizeof *answer->addresses);
	snprintf(scene->error, sizeof scene->error, "%s", answer->error ? answer->error : "");
	scene->ttl_seconds = clock_seconds(answer->expires_ns - clock_monotonic_ns());
}

static void answered(void *arg, const struct resolve_answer *answer)
{
	struct scene *scene = arg;
	keep_answer(scene, answer);
	loop_stop(scene->loop);
}

static void stop(void *arg)
{
	struct scene *scene = arg;
	loop_stop(scene->loop);
}

static void run_for(struct scene *scene, int64_t ns)
{
	alarm_prepare(&scene->pause, stop, scene);
	alarm_set(scene->loop, &scene->pause, clock_monotonic_ns() + ns);
	loop_run(scene->loop, NULL);
}

static void ask(struct scene *scene, const char *name, enum address_family family)
{
	int before = scene->answers;
	resolve_start(scene->resolver, name, family, answered, scene);
	cr_assert_eq(scene->answers, before, "called back from inside");
	loop_run(scene->loop, NULL);
	cr_assert_eq(scene->answers, before + 1, "%d answers", scene->answers - before);
}

static const char *list_addresses(const struct scene *scene, char *out, size_t size)
{
	char text[ADDRESS_TEXT_SIZE];
	size_t at = 0;
	*out = '\0';
	for (size_t i = 0; i < scene->n; i++) {
		cr_assert_eq(scene->addresses[i].port, 0);
		at += (size_t)snprintf(out + at, size - at, "%s%s", i ? " " : "",
				       address_format(&scene->addresses[i], text));
	}
	return out;
}

static const struct {
	const char *name;
	enum address_family family;
	const char *addresses; /* or */
	const char *error;
	double ttl;
} questions[] = {
	{"v4.test", ADDRESS_IPV4, "192.0.2.1", "", 300},
	{"V4.Test.", ADDRESS_IPV4, "192.0.2.1", "", 300},
	{"v4.test", ADDRESS_NONE, "192.0.2.1", "", 300},
	{"v4.test", ADDRESS_IPV6, "", "no address of that family", 0},
	{"v6.test", ADDRESS_IPV6, "2001:db8::1", "", 300},
	{"v6.test", ADDRESS_NONE, "2001:db8::1", "", 300},
	{"v6.test", ADDRESS_IPV4, "", "no address of that family", 0},
	{"both.test", ADDRESS_NONE, "192.0.2.1 192.0.2.2 2001:db8::1 2001:db8::2", "", 300},
	{"both.test", ADDRESS_IPV4, "192.0.2.1 192.0.2.2", "", 300},
	{"both.test", ADDRESS_IPV6, "2001:db8::1 2001:db8::2", "", 300},
	{"empty.test.", ADDRESS_NONE, "", "no address", 0},
	{"gone.test.", ADDRESS_NONE, "", "no such name", 0},
	{"gone.test.", ADDRESS_IPV6, "", "no such name", 0},
	{"servfail.test.", ADDRESS_NONE, "", "server failure", 0},
	{"mixed.test.", ADDRESS_NONE, "", "server failure", 0},
	{"refused.test.", ADDRESS_IPV4, "", "refused", 0},
	{"notimp.test.", ADDRESS_IPV4, "", "not implemented by the server", 0},
	{"formerr.test.", ADDRESS_IPV4, "", "malformed answer", 0},
	{"alias.test", ADDRESS_NONE, "192.0.2.7 2001:db8::7", "", 60},
	{"shortalias.test", ADDRESS_IPV4, "192.0.2.7", "", 20},
	{"zero.test", ADDRESS_IPV4, "192.0.2.1", "", RESOLVE_TTL_MIN_SECONDS},
	{"long.test", ADDRESS_IPV4, "192.0.2.1", "", RESOLVE_TTL_MAX_SECONDS},
	{"twice.test", ADDRESS_NONE, "192.0.2.1 192.0.2.2", "", 300},
	{"mapped.test", ADDRESS_IPV6, "", "no address of that family", 0},
	{"big.test", ADDRESS_NONE, "192.0.2.1 192.0.2.2 2001:db8::1", "", 300},
	{"many.test", ADDRESS_IPV4,
	 "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 192.0.2.7 192.0.2.8 192.0.2.9 192.0.2.10 "
	 "192.0.2.11 192.0.2.12 192.0.2.13 192.0.2.14 192.0.2.15 192.0.2.16",
	 "", 300},
	{"many.test", ADDRESS_NONE,
	 "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 192.0.2.7 192.0.2.8 192.0.2.9 192.0.2.10 "
	 "192.0.2.11 192.0.2.12 192.0.2.13 2001:db8::1 2001:db8::2 2001:db8::3",
	 "", 300},
	{"192.0.2.9", ADDRESS_NONE, "192.0.2.9", "", RESOLVE_TTL_MAX_SECONDS},
	{"192.0.2.9", ADDRESS_IPV6, "", "no address of that family", 0},
	{"2001:db8::9", ADDRESS_IPV6, "2001:db8::9", "", RESOLVE_TTL_MAX_SECONDS},
	{"2001:db8::9", ADDRESS_IPV4, "", "no address of that family", 0},
	{"localhost", ADDRESS_IPV4, "127.0.0.1", "", RESOLVE_TTL_HOSTS_SECONDS},
	{"a..test", ADDRESS_NONE, "", "not a valid name", 0},
	{"a-label-that-is-longer-than-the-sixty-three-bytes-that-a-label-may-have.test", ADDRESS_NONE, "",
	 "not a valid name", 0},
};

Test(resolve, answers)
{
	struct scene scene;
	char text[1000];
	open_scene(&scene);
	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
		ask(&scene, questions[i].name, questions[i].family);
		list_addresses(&scene, text, sizeof text);
		cr_expect_str_eq(text, questions[i].addresses, "%s: %s", questions[i].name, text);
		cr_expect_str_eq(scene.error, questions[i].error, "%s: %s", questions[i].name, scene.error);
		cr_expect(scene.ttl_seconds <= questions[i].ttl && scene.ttl_seconds > questions[i].ttl - 0.9,
			  "%s: ttl %f", questions[i].name, scene.ttl_seconds);
	}
	cr_expect(scene.server.tcp_queries >= 2, "%d", scene.server.tcp_queries);
	close_scene(&scene);
}

Test(resolve, the_local_names_ask_no_server)
{
	struct scene scene;
	open_scene(&scene);
	ask(&scene, "localhost", ADDRESS_NONE);
	cr_assert(scene.n >= 1);
	ask(&scene, "127.0.0.1", ADDRESS_NONE);
	cr_assert_eq(scene.server.queries, 0);
	close_scene(&scene);
}

/* --- names of addresses --------------------------------------------------------------------------------------------
 */

static void keep_name(void *arg, const struct resolve_name_answer *answer)
{
	struct scene *scene = arg;
	scene->answers++;
	cr_assert_eq(answer->name == NULL, answer->error != NULL);
	snprintf(scene->error, sizeof scene->error, "%s%s%s", answer->name ? answer->name : "?",
		 answer->error ? answer->error : "", answer->error && answer->is_final ? ", finally" : "");
	scene->ttl_seconds = clock_seconds(answer->expires_ns - clock_monotonic_ns());
}

static void named(void *arg, const struct resolve_name_answer *answer)
{
	struct scene *scene = arg;
	keep_name(scene, answer);
	loop_stop(scene->loop);
}

static const struct {
	const char *address, *answer;
	double ttl;
} reverses[] = {
	{"192.0.2.1", "core-1.test", 300},
	{"192.0.2.2", "odd\\032name.test", 300},
	{"192.0.2.3", "?no address, finally", 0},
	{"192.0.2.4", "?server failure", 0},
	{"192.0.2.5", "short.test", RESOLVE_TTL_MIN_SECONDS},
	{"192.0.2.6", "long.test", RESOLVE_TTL_MAX_SECONDS},
	{"192.0.2.7", "?no such name, finally", 0},
	{"2001:db8::1", "core-6.test", 300},
	{"127.0.0.1", "localhost", RESOLVE_TTL_HOSTS_SECONDS},
};

Test(resolve, names_of_addresses)
{
	struct scene scene;
	open_scene(&scene);
	for (size_t i = 0; i < sizeof reverses / sizeof *reverses; i++) {
		struct address address;
		int before = scene.answers;
		cr_assert(address_parse(reverses[i].address, &address));
		resolve_start_reverse(scene.resolver, &address, named, &scene);
		cr_assert_eq(scene.answers, before, "called back from inside");
		loop_run(scene.loop, NULL);
		cr_expect_eq(scene.answers, before + 1);
		cr_expect_str_eq(scene.error, reverses[i].answer, "%s: %s", reverses[i].address, scene.error);
		cr_expect(scene.ttl_seconds <= reverses[i].ttl && scene.ttl_seconds > reverses[i].ttl - 0.9,
			  "%s: ttl %f", reverses[i].address, scene.ttl_seconds);
	}
	close_scene(&scene);
}

Test(resolve, names_of_addresses_that_nobody_waits_for)
{
	struct scene scene;
	struct address address;
	open_scene(&scene);
	address_parse("192.0.2.1", &address);
	scene.server.holds = true;
	struct resolution *given_up = resolve_start_reverse(scene.resolver, &address, keep_name, &scene);
	resolve_start_reverse(scene.resolver, &address, keep_name, &scene);
	run_for(&scene, 20 * NS_PER_MS);
	resolve_cancel(given_up);
	release(&scene.server);
	while (scene.answers == 0)
		run_for(&scene, 20 * NS_PER_MS);
	cr_expect_eq(scene.answers, 1);
	scene.server.holds = true;
	resolve_start_reverse(scene.resolver, &address, keep_name, &scene);
	run_for(&scene, 20 * NS_PER_MS);
	close_scene(&scene);
	cr_expect_eq(scene.answers, 1);
}

/* --- what goes wrong -----------------------------------------------------------------------------------------------
 */

Test(resolve, a_server_that_is_silent_is_asked_twice)
{
	struct scene scene;
	open_scene(&scene);
	ask(&scene, "silent.test.", ADDRESS_IPV4);
	cr_assert_eq(scene.n, 0);
	cr_assert_str_eq(scene.error, "timeout");
	cr_assert_eq(scene.server.queries, 2);
	close_scene(&scene);
}

Test(resolve, garbage_is_not_an_answer)
{
	struct scene scene;
	open_scene(&scene);
	ask(&scene, "cut.test.", ADDRESS_IPV4);
	cr_assert_eq(scene.n, 0);
	cr_assert(strcmp(scene.error, "malformed answer") == 0 || strcmp(scene.error, "timeout") == 0, "%s",
		  scene.error);
	close_scene(&scene);
}

Test(resolve, one_family_is_told_though_the_other_never_comes)
{
	struct scene scene;
	char text[100];
	open_scene(&scene);
	ask(&scene, "half.test.", ADDRESS_NONE);
	cr_assert_str_eq(list_addresses(&scene, text, sizeof text), "192.0.2.1");
	cr_assert(scene.ttl_seconds <= RESOLVE_TTL_PARTIAL_SECONDS, "%f", scene.ttl_seconds);
	close_scene(&scene);
}

/* So many servers that asking them all would take much longer. */
Test(resolve, the_deadline_tells_what_there_is)
{
	struct scene scene;
	struct err err = {0};
	char servers[500] = "", text[100];
	open_scene(&scene);
	for (int i = 1; i <= 16; i++)
		sprintf(servers + strlen(servers), "%s127.0.0.%d:%d", i > 1 ? "," : "", i, scene.server.port);
	resolver_free(scene.resolver);
	close_server(&scene.server);
	open_server(&scene.server, scene.loop, "0.0.0.0", scene.server.port);
	scene.resolver = resolver_create(scene.loop, servers, &err);
	cr_assert_not_null(scene.resolver, "%s", err.text);
	ask(&scene, "half.test.", ADDRESS_NONE);
	cr_assert_str_eq(list_addresses(&scene, text, sizeof text), "192.0.2.1");
	cr_assert(scene.server.queries < 28, "%d", scene.server.queries);
	ask(&scene, "v4.test.", ADDRESS_IPV4);
	cr_assert_eq(scene.n, 1);
	close_scene(&scene);
}

Test(resolve, a_closed_port_fails_at_once)
{
	struct scene scene;
	open_scene(&scene);
	watch_free(scene.server.udp_watch);
	scene.server.udp_watch = NULL;
	close(scene.server.udp);
	scene.server.udp = -1;
	ask(&scene, "v4.test.", ADDRESS_NONE);
	/* c-ares 1.27 calls it a timeout, though it waited for none. */
	cr_assert(strcmp(scene.error, "no server answers") == 0 || strcmp(scene.error, "timeout") == 0, "%s",
		  scene.error);
	close_scene(&scene);
}

Test(resolve, the_next_server_is_asked_when_one_fails)
{
	struct scene scene;
	struct server second;
	struct err err = {0};
	char servers[100], text[100];
	open_scene(&scene);
	open_server(&second, scene.loop, "127.0.0.1", 0);
	scene.server.rcode = RCODE_SERVFAIL;
	snprintf(servers, sizeof servers, "127.0.0.1:%d, 127.0.0.1:%d", scene.server.port, second.port);
	resolver_free(scene.resolver);
	scene.resolver = resolver_create(scene.loop, servers, &err);
	cr_assert_not_null(scene.resolver, "%s", err.text);
	ask(&scene, "v4.test.", ADDRESS_IPV4);
	cr_assert_str_eq(list_addresses(&scene, text, sizeof text), "192.0.2.1");
	cr_assert(scene.server.queries >= 1 && second.queries == 1);
	close_server(&second);
	close_scene(&scene);
}

Test(resolve, bad_servers_are_refused)
{
	static const char *const bad[] = {"",           "dns.example", "192.0.2.1:",          "192.0.2.1:70000",
					  "192.0.2.1,", ",192.0.2.1",  "192.0.2.1;192.0.2.2", "192.0.2.1:53x"};
	struct err err = {0};
	struct loop *loop = loop_create(0, &err);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err.text[0] = '\0';
		cr_expect_null(resolver_create(loop, bad[i], &err), "\"%s\"", bad[i]);
		cr_expect(err.text[0]);
	}
	char many[2000] = "192.0.2.1";
	for (int i = 1; i < 17; i++)
		strcat(many, ",192.0.2.1");
	cr_expect_null(resolver_create(loop, many, &err));
	memset(many, '1', sizeof many - 1);
	cr_expect_null(resolver_create(loop, many, &err));
	/* What is right: both families, with and without a port; and the system's own. */
	struct resolver *resolver = resolver_create(loop, "192.0.2.1:5353, [2001:db8::1]:53,2001:db8::2", &err);
	cr_expect_not_null(resolver, "%s", err.text);
	resolver_free(resolver);
	resolver = resolver_create(loop, NULL, &err);
	cr_expect_not_null(resolver, "%s", err.text);
	resolver_free(resolver);
	resolver_free(NULL);
	loop_free(loop);
}

/* --- cancelling ----------------------------------------------------------------------------------------------------
 */

static void must_not_come(void *arg, const struct resolve_answer *answer)
{
	(void)arg;
	(void)answer;
	cr_assert_fail("a cancelled resolution calls back");
}

Test(resolve, cancelled_ones_never_call_back)
{
	struct scene scene;
	open_scene(&scene);
	resolve_cancel(NULL);
	/* Before it has begun. */
	resolve_cancel(resolve_start(scene.resolver, "v4.test.", ADDRESS_NONE, must_not_come, NULL));
	run_for(&scene, 20 * NS_PER_MS);
	cr_assert_eq(scene.server.queries, 0);
	/* While the server thinks. */
	scene.server.holds = true;
	struct resolution *resolution = resolve_start(scene.resolver, "v4.test.", ADDRESS_NONE, must_not_come, NULL);
	run_for(&scene, 20 * NS_PER_MS);
	cr_assert_eq(scene.server.queries, 2);
	resolve_cancel(resolution);
	release(&scene.server);
	run_for(&scene, 20 * NS_PER_MS);
	/* The resolver lives on. */
	ask(&scene, "v4.test.", ADDRESS_IPV4);
	cr_assert_eq(scene.n, 1);
	close_scene(&scene);
}

static void cancel_victim(void *arg, const struct resolve_answer *answer)
{
	struct scene *scene = arg;
	keep_answer(scene, answer);
	resolve_cancel(scene->victim);
	scene->victim = NULL;
}

/* Both answers are there when the first is told. */
Test(resolve, one_may_cancel_another_that_is_about_to_be_told)
{
	struct scene scene;
	open_scene(&scene);
	resolve_start(scene.resolver, "127.0.0.1", ADDRESS_NONE, cancel_victim, &scene);
	scene.victim = resolve_start(scene.resolver, "127.0.0.2", ADDRESS_NONE, must_not_come, NULL);
	run_for(&scene, 20 * NS_PER_MS);
	cr_assert_eq(scene.answers, 1);
	cr_assert_null(scene.victim);
	close_scene(&scene);
}

static void ask_again(void *arg, const struct resolve_answer *answer)
{
	struct scene *scene = arg;
	keep_answer(scene, answer);
	if (scene->answers < 5)
		resolve_start(scene->resolver, "both.test.", ADDRESS_NONE, ask_again, scene);
	else
		loop_stop(scene->loop);
}

Test(resolve, the_callback_may_ask_again)
{
	struct scene scene;
	open_scene(&scene);
	resolve_start(scene.resolver, "v4.test.", ADDRESS_IPV4, ask_again, &scene);
	loop_run(scene.loop, NULL);
	cr_assert_eq(scene.answers, 5);
	cr_assert_eq(scene.server.queries, 1 + 4 * 2);
	close_scene(&scene);
}

static void free_resolver(void *arg, const struct resolve_answer *answer)
{
	struct scene *scene = arg;
	keep_answer(scene, answer);
	resolver_free(scene->resolver);
	scene->resolver = NULL;
	loop_stop(scene->loop);
}

Test(resolve, the_callback_may_free_the_resolver)
{
	struct scene scene;
	open_scene(&scene);
	resolve_start(scene.resolver, "v4.test.", ADDRESS_IPV4, free_resolver, &scene);
	resolve_start(scene.resolver, "silent.test.", ADDRESS_NONE, must_not_come, NULL);
	/* More than may run at once, so that some wait. */
	for (int i = 0; i < RESOLVE_PARALLEL_MAX; i++)
		resolve_start(scene.resolver, "silent.test.", ADDRESS_IPV4, must_not_come, NULL);
	loop_run(scene.loop, NULL);
	cr_assert_eq(scene.answers, 1);
	run_for(&scene, 20 * NS_PER_MS);
	close_scene(&scene);
}

/* --- many ----------------------------------------------------------------------------------------------------------
 */

#define NAMES 700

struct one_of_many {
	struct scene *scene;
	int number;
};

static void one_answered(void *arg, const struct resolve_answer *answer)
{
	const struct one_of_many *one = arg;
	struct scene *scene = one->scene;
	cr_assert_eq(answer->n, 1);
	if (++scene->answers == NAMES)
		loop_stop(scene->loop);
}

Test(resolve, no_more_than_the_ceiling_are_asked_for_at_once)
{
	struct scene scene;
	struct one_of_many many[NAMES];
	open_scene(&scene);
	scene.server.holds = true;
	scene.server.address = "192.0.2.1";
	for (int i = 0; i < NAMES; i++) {
		char name[32];
		many[i] = (struct one_of_many){&scene, i};
		snprintf(name, sizeof name, "n%d.test.", i);
		resolve_start(scene.resolver, name, ADDRESS_IPV4, one_answered, &many[i]);
		if (i == 9)
			run_for(&scene, 20 * NS_PER_MS); /* those have begun when the others come */
	}
	run_for(&scene, 200 * NS_PER_MS);
	cr_assert_eq(scene.server.queries, RESOLVE_PARALLEL_MAX, "%d", scene.server.queries);
	/* In order: those that came first are asked for first. */
	char name[300];
	for (size_t i = 0; i < scene.server.held; i++) {
		get_name(scene.server.queue[i].bytes, name);
		cr_assert(atoi(name + 1) < RESOLVE_PARALLEL_MAX, "%s", name);
	}
	cr_assert_eq(scene.answers, 0);
	release(&scene.server);
	loop_run(scene.loop, NULL);
	cr_assert_eq(scene.answers, NAMES);
	close_scene(&scene);
}

static void count_answer(void *arg, const struct resolve_answer *answer)
{
	struct scene *scene = arg;
	cr_assert_eq(answer->n, 1);
	if (++scene->answers == NAMES)
		loop_stop(scene->loop);
}

Test(resolve, many_local_names_all_come)
{
	struct scene scene;
	open_scene(&scene);
	for (int i = 0; i < NAMES; i++)
		resolve_start(scene.resolver, "127.0.0.1", ADDRESS_NONE, count_answer, &scene);
	loop_run(scene.loop, NULL);
	cr_assert_eq(scene.answers, NAMES);
	close_scene(&scene);
}

/* --- resolv.conf ---------------------------------------------------------------------------------------------------
 */

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file, "%s", path);
	fputs(text, file);
	fclose(file);
}

/* A network and an /etc/resolv.conf of our own; false = the system does not allow it. */
static bool enter_namespaces(const char *resolv_conf)
{
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET))
		return false;
	int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool works = any >= 0 && ioctl(any, SIOCSIFFLAGS, &loopback) == 0 &&
		     mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
		     mount(resolv_conf, "/etc/resolv.conf", "none", MS_BIND, NULL) == 0;
	close(any);
	return works;
}

Test(resolve, resolv_conf_is_read_again_when_it_has_changed)
{
	struct err err = {0};
	struct scene scene = {0};
	struct server second;
	char path[] = "/tmp/netsonde-resolv-conf-XXXXXX";
	char text[100];
	close(mkstemp(path));
	write_file(path, "nameserver 127.0.0.1\n");
	if (!enter_namespaces(path)) {
		unlink(path);
		cr_skip_test("no namespaces here");
	}
	scene.loop = loop_create(0, &err);
	open_server(&scene.server, scene.loop, "127.0.0.1", 53);
	open_server(&second, scene.loop, "127.0.0.2", 53);
	scene.server.address = "192.0.2.1";
	second.address = "192.0.2.2";
	scene.resolver = resolver_create(scene.loop, NULL, &err);
	cr_assert_not_null(scene.resolver, "%s", err.text);
	ask(&scene, "a.test.", ADDRESS_IPV4);
	cr_assert_str_eq(list_addresses(&scene, text, sizeof text), "192.0.2.1");

	/* Changed, but it is too soon to look again. */
	write_file(path, "nameserver 127.0.0.2\nnameserver 127.0.0.2\n");
	ask(&scene, "a.test.", ADDRESS_IPV4);
	cr_assert_str_eq(list_addresses(&scene, text, sizeof text), "192.0.2.1");

	/* A resolution that runs meanwhile ends with the old servers. */
	scene.server.holds = true;
	resolve_start(scene.resolver, "old.test.", ADDRESS_IPV4, keep_answer, &scene);
	run_for(&scene, 20 * NS_PER_MS);
	clock_offset_ns += 11 * NS_PER_SECOND;
	ask(&scene, "a.test.", ADDRESS_IPV4);
	cr_assert_str_eq(list_addresses(&scene, text, sizeof text), "192.0.2.2");
	int answers = scene.answers;
	release(&scene.server);
	while (scene.answers == answers)
		run_for(&scene, -11 * NS_PER_SECOND);
	cr_assert_str_eq(list_addresses(&scene, text, sizeof text), "192.0.2.1");

	/* Gone for a moment, or the same: the servers stay. */
	clock_offset_ns += 11 * NS_PER_SECOND;
	ask(&scene, "a.test.", ADDRESS_IPV4);
	cr_assert_str_eq(list_addresses(&scene, text, sizeof text), "192.0.2.2");
	close_server(&second);
	close_scene(&scene);
	unlink(path);
}
