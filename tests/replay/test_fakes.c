/*
 * The fakes themselves: what virtual time promises to the tests that stand on it.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/host.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/resolve.h"
#include "tests/fakes/fakes.h"

#define SECOND NS_PER_SECOND
#define MS     NS_PER_MS

struct scene {
	struct loop *loop;
	struct resolver *resolver;
	struct alarm alarms[3];
	struct deferred calls[2];
	struct watch *watch;
	char log[128];
	size_t n;
	int64_t rang_ns;
	int answers;
	char error[64];
	size_t addresses;
	int64_t expires_ns;
};

static void note(struct scene *scene, char c)
{
	if (scene->n < sizeof scene->log - 1)
		scene->log[scene->n++] = c;
}

static void open_scene(struct scene *scene)
{
	fake_reset();
	*scene = (struct scene){0};
	scene->loop = loop_create(0, NULL);
	scene->resolver = resolver_create(scene->loop, NULL, NULL);
}

static void close_scene(struct scene *scene)
{
	watch_free(scene->watch);
	resolver_free(scene->resolver);
	loop_free(scene->loop);
	cr_assert_eq(fake_alive(), 0);
}

static void ring_a(void *arg)
{
	struct scene *scene = arg;
	note(scene, 'a');
	scene->rang_ns = clock_monotonic_ns();
}

static void ring_b(void *arg)
{
	struct scene *scene = arg;
	note(scene, 'b');
	loop_defer(scene->loop, &scene->calls[0]);
}

static void run_x(void *arg)
{
	note(arg, 'x');
}

static void stop(void *arg)
{
	struct scene *scene = arg;
	note(scene, '.');
	loop_stop(scene->loop);
}

Test(fakes, time_stands_still_until_it_is_told_to_go_on)
{
	struct scene scene;
	open_scene(&scene);
	cr_assert_eq(clock_monotonic_ns(), FAKE_MONOTONIC_START_NS);
	cr_assert_eq(clock_realtime_ns(), FAKE_REALTIME_START_NS);
	fake_advance_ns(3 * SECOND + 1);
	cr_assert_eq(clock_monotonic_ns(), FAKE_MONOTONIC_START_NS + 3 * SECOND + 1);
	cr_assert_eq(fake_now_ns(), clock_monotonic_ns());
	cr_assert_eq(clock_realtime_ns(), FAKE_REALTIME_START_NS + 3 * SECOND + 1);
	fake_step_realtime_ns(-10 * SECOND);
	cr_assert_eq(clock_realtime_ns(), FAKE_REALTIME_START_NS - 7 * SECOND + 1);
	cr_assert_eq(clock_monotonic_ns(), FAKE_MONOTONIC_START_NS + 3 * SECOND + 1);
	close_scene(&scene);
}

Test(fakes, alarms_ring_at_the_end_of_their_slot_in_order)
{
	struct scene scene;
	open_scene(&scene);
	int64_t begun_ns = fake_now_ns();
	alarm_prepare(&scene.alarms[0], ring_a, &scene);
	alarm_prepare(&scene.alarms[1], ring_b, &scene);
	alarm_prepare(&scene.alarms[2], ring_a, &scene);
	deferred_prepare(&scene.calls[0], run_x, &scene);
	alarm_set(scene.loop, &scene.alarms[0], begun_ns + 86400 * SECOND);
	alarm_set(scene.loop, &scene.alarms[1], begun_ns + 11 * MS);
	alarm_set(scene.loop, &scene.alarms[2], begun_ns + 12 * MS);
	cr_assert_eq(fake_next_ns(), begun_ns + 15 * MS);
	fake_advance_ns(15 * MS - 1);
	cr_assert_str_eq(scene.log, "");
	fake_advance_ns(1);
	cr_assert_str_eq(scene.log, "bax"); /* one slot: what is deferred comes after both */
	cr_assert_eq(scene.rang_ns, begun_ns + 15 * MS);
	cr_assert(alarm_is_set(&scene.alarms[0]));
	fake_advance_ns(2 * 86400 * SECOND);
	cr_assert_str_eq(scene.log, "baxa");
	cr_assert_eq(scene.rang_ns, begun_ns + 86400 * SECOND);
	cr_assert_eq(fake_now_ns(), begun_ns + 2 * 86400 * SECOND + 15 * MS);
	cr_assert_eq(fake_rung(), 3);
	cr_assert_eq(fake_next_ns(), INT64_MAX);
	alarm_set(scene.loop, &scene.alarms[0], 0);
	alarm_cancel(scene.loop, &scene.alarms[0]);
	fake_advance_ns(SECOND);
	cr_assert_eq(fake_rung(), 3);
	close_scene(&scene);
}

static void ring_and_stall(void *arg)
{
	note(arg, 's');
	fake_stall_ns(700 * MS);
}

Test(fakes, alarms_are_late_after_a_stall)
{
	struct scene scene;
	open_scene(&scene);
	int64_t begun_ns = fake_now_ns();
	alarm_prepare(&scene.alarms[0], ring_and_stall, &scene);
	alarm_prepare(&scene.alarms[1], ring_a, &scene);
	alarm_set(scene.loop, &scene.alarms[0], begun_ns + 100 * MS);
	alarm_set(scene.loop, &scene.alarms[1], begun_ns + 200 * MS);
	fake_advance_ns(300 * MS);
	cr_assert_str_eq(scene.log, "sa");
	cr_assert_eq(scene.rang_ns, begun_ns + 800 * MS);
	close_scene(&scene);
}

Test(fakes, deferred_calls_run_when_time_is_asked_to_go_on)
{
	struct scene scene;
	open_scene(&scene);
	for (size_t i = 0; i < 2; i++)
		deferred_prepare(&scene.calls[i], run_x, &scene);
	loop_defer(scene.loop, &scene.calls[0]);
	loop_defer(scene.loop, &scene.calls[0]);
	loop_defer(scene.loop, &scene.calls[1]);
	loop_defer_cancel(scene.loop, &scene.calls[1]);
	cr_assert_str_eq(scene.log, "");
	fake_advance_ns(0);
	cr_assert_str_eq(scene.log, "x");
	close_scene(&scene);
}

static void ready(void *arg, unsigned events)
{
	struct scene *scene = arg;
	note(scene, events == WATCH_READ ? 'r' : 'w');
	loop_defer(scene->loop, &scene->calls[0]);
}

static void ready_once(void *arg, unsigned events)
{
	struct scene *scene = arg;
	(void)events;
	note(scene, 'f');
	watch_free(scene->watch);
	scene->watch = NULL;
}

Test(fakes, watches_are_fired_by_the_test)
{
	struct scene scene;
	open_scene(&scene);
	deferred_prepare(&scene.calls[0], run_x, &scene);
	scene.watch = watch_create(scene.loop, 70, ready, &scene);
	cr_assert_eq(fake_fire(70, WATCH_READ), 0);
	watch_set(scene.watch, WATCH_READ);
	cr_assert_eq(fake_wanted(70), WATCH_READ);
	cr_assert_eq(fake_wanted(71), 0);
	cr_assert_eq(fake_fire(70, WATCH_WRITE), 0);
	cr_assert_eq(fake_fire(71, WATCH_READ), 0);
	cr_assert_eq(fake_fire(70, WATCH_READ | WATCH_WRITE), 1);
	watch_set(scene.watch, WATCH_READ | WATCH_WRITE);
	cr_assert_eq(fake_fire(70, WATCH_READ | WATCH_WRITE), 2);
	cr_assert_str_eq(scene.log, "rxrxwx");
	watch_free(scene.watch);
	scene.watch = watch_create(scene.loop, 70, ready_once, &scene);
	watch_set(scene.watch, WATCH_READ | WATCH_WRITE);
	cr_assert_eq(fake_fire(70, WATCH_READ | WATCH_WRITE), 1);
	close_scene(&scene);
}

Test(fakes, run_goes_on_until_it_is_stopped)
{
	struct scene scene;
	struct err err = {0};
	open_scene(&scene);
	cr_assert_null(loop_base(scene.loop));
	cr_assert_eq(loop_run(scene.loop, &err), -1, "nothing to wait for");
	cr_assert(err.text[0]);
	alarm_prepare(&scene.alarms[0], stop, &scene);
	alarm_prepare(&scene.alarms[1], ring_a, &scene);
	alarm_set(scene.loop, &scene.alarms[0], fake_now_ns() + 3600 * SECOND);
	alarm_set(scene.loop, &scene.alarms[1], fake_now_ns() + 7200 * SECOND);
	cr_assert_eq(loop_run(scene.loop, &err), 0);
	cr_assert_str_eq(scene.log, ".");
	cr_assert_eq(fake_now_ns(), FAKE_MONOTONIC_START_NS + 3600 * SECOND);
	close_scene(&scene);
}

Test(fakes, loops_share_the_time)
{
	struct scene scene;
	open_scene(&scene);
	struct loop *other = loop_create(SECOND, NULL);
	alarm_prepare(&scene.alarms[0], ring_a, &scene);
	alarm_prepare(&scene.alarms[1], run_x, &scene);
	alarm_set(scene.loop, &scene.alarms[0], fake_now_ns() + 900 * MS);
	alarm_set(other, &scene.alarms[1], fake_now_ns() + 100 * MS);
	fake_advance_ns(SECOND);
	cr_assert_str_eq(scene.log, "ax"); /* the other one's slots are a second long */
	loop_free(other);
	close_scene(&scene);
}

static void answered(void *arg, const struct resolve_answer *answer)
{
	struct scene *scene = arg;
	scene->answers++;
	scene->addresses = answer->n;
	scene->expires_ns = answer->expires_ns;
	strncpy(scene->error, answer->error ? answer->error : "", sizeof scene->error - 1);
}

static const struct {
	const char *name;
	enum address_family family;
	size_t n;
	const char *error;
	int64_t ttl_seconds;
} questions[] = {
	{"both.test", ADDRESS_NONE, 3, "", 60},
	{"both.test", ADDRESS_IPV4, 2, "", 60},
	{"both.test", ADDRESS_IPV6, 1, "", 60},
	{"v4.test", ADDRESS_IPV6, 0, "no address of that family", 0},
	{"zero.test", ADDRESS_IPV4, 1, "", RESOLVE_TTL_MIN_SECONDS},
	{"never.test", ADDRESS_NONE, 0, "no such name", 0},
	{"broken.test", ADDRESS_NONE, 0, "server failure", 0},
	{"192.0.2.9", ADDRESS_NONE, 1, "", RESOLVE_TTL_MAX_SECONDS},
	{"192.0.2.9", ADDRESS_IPV6, 0, "no address of that family", 0},
};

Test(fakes, names_resolve_as_the_test_says)
{
	struct scene scene;
	open_scene(&scene);
	fake_resolve_set_text("both.test", "2001:db8::1 192.0.2.1 192.0.2.2", 60);
	fake_resolve_set_text("v4.test", "192.0.2.1", 60);
	fake_resolve_set_text("zero.test", "192.0.2.1", 0);
	fake_resolve_set_error("broken.test", "server failure", 0);
	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
		scene.answers = 0;
		resolve_start(scene.resolver, questions[i].name, questions[i].family, answered, &scene);
		cr_assert_eq(scene.answers, 0, "called back from inside");
		fake_advance_ns(0);
		cr_assert_eq(scene.answers, 1);
		cr_assert_eq(scene.addresses, questions[i].n, "row %zu", i);
		cr_assert_str_eq(scene.error, questions[i].error, "row %zu", i);
		cr_assert_eq(scene.expires_ns, fake_now_ns() + questions[i].ttl_seconds * SECOND, "row %zu", i);
	}
	cr_assert_eq(fake_resolve_asked("both.test"), 3);
	cr_assert_eq(fake_resolve_asked("other.test"), 0);
	cr_assert_eq(fake_resolve_asked(NULL), sizeof questions / sizeof *questions);
	close_scene(&scene);
}

Test(fakes, answers_may_take_time_and_be_cancelled)
{
	struct scene scene;
	open_scene(&scene);
	fake_resolve_set_error("slow.test", "timeout", 5 * SECOND);
	resolve_start(scene.resolver, "slow.test", ADDRESS_NONE, answered, &scene);
	struct resolution *cancelled = resolve_start(scene.resolver, "slow.test", ADDRESS_NONE, answered, &scene);
	struct resolution *at_once = resolve_start(scene.resolver, "fast.test", ADDRESS_NONE, answered, &scene);
	cr_assert_eq(fake_resolve_running(), 3);
	resolve_cancel(cancelled);
	resolve_cancel(at_once);
	resolve_cancel(NULL);
	fake_advance_ns(5 * SECOND - 1);
	cr_assert_eq(scene.answers, 0);
	fake_advance_ns(1);
	cr_assert_eq(scene.answers, 1);
	cr_assert_str_eq(scene.error, "timeout");
	resolve_start(scene.resolver, "slow.test", ADDRESS_NONE, answered, &scene);
	close_scene(&scene); /* with one under way */
	cr_assert_eq(scene.answers, 1);
}

static void host_done(void *arg, const char *error)
{
	struct scene *scene = arg;
	note(scene, error ? 'e' : 'h');
}

Test(fakes, a_host_lives_on_them)
{
	struct scene scene;
	open_scene(&scene);
	fake_resolve_set_text("host.test", "192.0.2.1", 30);
	struct host *host = host_open(scene.resolver, "host.test", (struct host_policy){0});
	host_refresh(host, host_done, &scene);
	fake_advance_ns(0);
	cr_assert_str_eq(scene.log, "h");
	fake_advance_ns(30 * SECOND - 1);
	cr_assert(host_is_fresh(host));
	fake_advance_ns(1);
	cr_assert(!host_is_fresh(host));
	host_close(host);
	close_scene(&scene);
}

static void read_byte(void *arg, unsigned events)
{
	int *ends = arg;
	char byte;
	cr_assert_eq(events, WATCH_READ);
	cr_assert_eq(read(ends[0], &byte, 1), 1);
}

Test(fakes, descriptors_that_are_ready_are_fired)
{
	struct scene scene;
	int ends[2];
	open_scene(&scene);
	cr_assert_eq(pipe(ends), 0);
	struct watch *watch = watch_create(scene.loop, ends[0], read_byte, ends);
	cr_assert_eq(write(ends[1], "ab", 2), 2);
	cr_assert_eq(fake_fire_ready(), 0, "nothing is wanted");
	watch_set(watch, WATCH_READ);
	cr_assert_eq(fake_fire_ready(), 1);
	cr_assert_eq(fake_fire_ready(), 1);
	cr_assert_eq(fake_fire_ready(), 0, "all is read");
	watch_free(watch);
	close(ends[0]);
	close(ends[1]);
	close_scene(&scene);
}

Test(fakes, memory_is_counted)
{
	size_t bytes = fake_memory_bytes(), pieces = fake_memory_pieces();
	char *memory = mem_alloc(1000), *text = mem_format("%d", 7), *copy = mem_copy_string("seven");
	cr_assert_geq(fake_memory_bytes(), bytes + 1000 + 2 + 6);
	cr_assert_eq(fake_memory_pieces(), pieces + 3);
	memory = mem_resize(memory, 100, 50);
	cr_assert_geq(fake_memory_bytes(), bytes + 5000);
	cr_assert_eq(fake_memory_pieces(), pieces + 3);
	mem_free(memory);
	mem_free(text);
	mem_free(copy);
	mem_free(NULL);
	cr_assert_eq(fake_memory_bytes(), bytes);
	cr_assert_eq(fake_memory_pieces(), pieces);
}
