#include <criterion/criterion.h>
#include <dirent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"

#define MS NS_PER_MS

/* What happens is written down letter by letter. */
struct scene {
	struct loop *loop;
	struct alarm alarms[4];
	struct deferred calls[4];
	struct watch *watches[2];
	int sockets[2];
	char log[256];
	size_t n;
	int64_t due_ns, rang_ns;
	int left;
};

static void note(struct scene *scene, char c)
{
	if (scene->n < sizeof scene->log - 1)
		scene->log[scene->n++] = c;
}

static void open_scene(struct scene *scene)
{
	struct err err = {0};
	*scene = (struct scene){0};
	scene->loop = loop_create(0, &err);
	cr_assert_not_null(scene->loop, "%s", err.text);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, scene->sockets), 0);
}

static void run_scene(struct scene *scene)
{
	struct err err = {0};
	cr_assert_eq(loop_run(scene->loop, &err), 0, "%s", err.text);
}

static void close_scene(struct scene *scene)
{
	watch_free(scene->watches[0]);
	watch_free(scene->watches[1]);
	loop_free(scene->loop);
	close(scene->sockets[0]);
	close(scene->sockets[1]);
}

static void set_in(struct scene *scene, struct alarm *alarm, int64_t ns)
{
	alarm_set(scene->loop, alarm, clock_monotonic_ns() + ns);
}

static void stop(void *arg)
{
	struct scene *scene = arg;
	note(scene, '.');
	loop_stop(scene->loop);
}

static void stop_silently(void *arg)
{
	struct scene *scene = arg;
	loop_stop(scene->loop);
}

static void stall(int64_t ns)
{
	int64_t until = clock_monotonic_ns() + ns;
	while (clock_monotonic_ns() < until)
		;
}

static void ring_a(void *arg)
{
	note(arg, 'a');
}

static void ring_b(void *arg)
{
	note(arg, 'b');
}

static void ring_c(void *arg)
{
	note(arg, 'c');
}

static void run_x(void *arg)
{
	note(arg, 'x');
}

static void run_y(void *arg)
{
	note(arg, 'y');
}

/* --- running and stopping ------------------------------------------------------------------------------------------
 */

Test(loop, a_stop_before_the_run_is_remembered_once)
{
	struct scene scene;
	open_scene(&scene);
	loop_stop(scene.loop);
	run_scene(&scene);
	/* The second run needs a stop of its own. */
	deferred_prepare(&scene.calls[0], stop, &scene);
	loop_defer(scene.loop, &scene.calls[0]);
	run_scene(&scene);
	cr_assert_str_eq(scene.log, ".");
	close_scene(&scene);
	loop_free(NULL);
	watch_free(NULL);
}

Test(loop, gives_its_libevent_base)
{
	struct scene scene;
	open_scene(&scene);
	cr_assert_not_null(loop_base(scene.loop));
	cr_assert_str_eq(event_base_get_method(loop_base(scene.loop)), "epoll");
	close_scene(&scene);
}

Test(loop, create_fails_without_descriptors)
{
	struct err err = {0};
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	/* As many as it takes until it works: each failure on the way must be clean. */
	int first = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(first);
	int failures = 0;
	for (int more = 0; more < 10; more++) {
		struct rlimit low = {(rlim_t)(first + more), limit.rlim_max};
		setrlimit(RLIMIT_NOFILE, &low);
		struct loop *loop = loop_create(0, &err);
		if (loop) {
			loop_free(loop);
			break;
		}
		cr_assert(err.text[0]);
		failures++;
	}
	setrlimit(RLIMIT_NOFILE, &limit);
	cr_assert(failures >= 2 && failures < 10, "%d", failures);
}

/* --- alarms --------------------------------------------------------------------------------------------------------
 */

static void ring_on_time(void *arg)
{
	struct scene *scene = arg;
	scene->rang_ns = clock_monotonic_ns();
	cr_assert(scene->rang_ns >= scene->due_ns, "early by %lld ns", (long long)(scene->due_ns - scene->rang_ns));
	if (!--scene->left) {
		loop_stop(scene->loop);
		return;
	}
	scene->due_ns = scene->rang_ns + (scene->left * 611953) % (12 * MS);
	alarm_set(scene->loop, &scene->alarms[0], scene->due_ns);
}

Test(loop, alarms_never_ring_early)
{
	struct scene scene;
	open_scene(&scene);
	scene.left = 60;
	alarm_prepare(&scene.alarms[0], ring_on_time, &scene);
	cr_assert(!alarm_is_set(&scene.alarms[0]));
	scene.due_ns = clock_monotonic_ns() + MS;
	alarm_set(scene.loop, &scene.alarms[0], scene.due_ns);
	cr_assert(alarm_is_set(&scene.alarms[0]));
	run_scene(&scene);
	cr_assert_eq(scene.left, 0);
	close_scene(&scene);
}

Test(loop, alarms_ring_in_order_and_those_of_the_past_soon)
{
	struct scene scene;
	open_scene(&scene);
	alarm_prepare(&scene.alarms[0], ring_a, &scene);
	alarm_prepare(&scene.alarms[1], ring_b, &scene);
	alarm_prepare(&scene.alarms[2], ring_c, &scene);
	alarm_prepare(&scene.alarms[3], stop, &scene);
	set_in(&scene, &scene.alarms[3], 60 * MS);
	set_in(&scene, &scene.alarms[2], 40 * MS);
	set_in(&scene, &scene.alarms[1], 20 * MS);
	alarm_set(scene.loop, &scene.alarms[0], 0);
	run_scene(&scene);
	cr_assert_str_eq(scene.log, "abc.");
	close_scene(&scene);
}

static void cancel_b(void *arg)
{
	struct scene *scene = arg;
	note(scene, 'a');
	alarm_cancel(scene->loop, &scene->alarms[1]);
	alarm_cancel(scene->loop, &scene->alarms[0]); /* itself: not set any more, harmless */
}

Test(loop, an_alarm_cancelled_by_another_of_its_slot_does_not_ring)
{
	struct scene scene;
	open_scene(&scene);
	int64_t due = clock_monotonic_ns() + 20 * MS;
	alarm_prepare(&scene.alarms[0], cancel_b, &scene);
	alarm_prepare(&scene.alarms[1], ring_b, &scene);
	alarm_prepare(&scene.alarms[2], ring_c, &scene);
	alarm_prepare(&scene.alarms[3], stop, &scene);
	for (size_t i = 0; i < 3; i++)
		alarm_set(scene.loop, &scene.alarms[i], due);
	alarm_set(scene.loop, &scene.alarms[3], due + 10 * MS);
	run_scene(&scene);
	cr_assert_str_eq(scene.log, "ac.");
	close_scene(&scene);
}

struct owned_alarm {
	struct alarm alarm;
	struct scene *scene;
};

static void ring_and_free(void *arg)
{
	struct owned_alarm *owned = arg;
	note(owned->scene, 'f');
	free(owned);
}

Test(loop, an_alarm_may_free_itself)
{
	struct scene scene;
	open_scene(&scene);
	struct owned_alarm *owned = calloc(1, sizeof *owned);
	owned->scene = &scene;
	alarm_prepare(&owned->alarm, ring_and_free, owned);
	alarm_prepare(&scene.alarms[0], stop, &scene);
	set_in(&scene, &owned->alarm, MS);
	set_in(&scene, &scene.alarms[0], 20 * MS);
	run_scene(&scene);
	cr_assert_str_eq(scene.log, "f.");
	close_scene(&scene);
}

struct counted_alarm {
	struct alarm alarm;
	int *count;
};

static void count_ring(void *arg)
{
	struct counted_alarm *counted = arg;
	++*counted->count;
}

static void ring_stall(void *arg)
{
	note(arg, 's');
	stall(60 * MS);
}

Test(loop, all_alarms_ring_after_a_stall)
{
	struct scene scene;
	open_scene(&scene);
	enum { MANY = 5000 };
	struct counted_alarm *many = calloc(MANY, sizeof *many);
	int count = 0;
	alarm_prepare(&scene.alarms[0], ring_stall, &scene);
	alarm_prepare(&scene.alarms[1], stop, &scene);
	set_in(&scene, &scene.alarms[0], 0);
	for (int i = 0; i < MANY; i++) {
		many[i].count = &count;
		alarm_prepare(&many[i].alarm, count_ring, &many[i]);
		set_in(&scene, &many[i].alarm, i % 50 * MS);
	}
	set_in(&scene, &scene.alarms[1], 65 * MS);
	run_scene(&scene);
	cr_assert_eq(count, MANY);
	close_scene(&scene);
	free(many);
}

/* --- the timer: asleep when nothing is due --------------------------------------------------------------------------
 */

/* Seconds and nanoseconds left on the only timerfd of this process, as one number; 0 = disarmed. */
static int64_t timer_left_ns(void)
{
	DIR *folder = opendir("/proc/self/fdinfo");
	const struct dirent *entry;
	int64_t left = -1;
	while ((entry = readdir(folder))) {
		char path[300], line[200];
		snprintf(path, sizeof path, "/proc/self/fdinfo/%s", entry->d_name);
		FILE *file = fopen(path, "r");
		long long seconds, ns;
		while (file && fgets(line, sizeof line, file)) {
			if (sscanf(line, "it_value: (%lld, %lld)", &seconds, &ns) == 2)
				left = seconds * NS_PER_SECOND + ns;
		}
		if (file)
			fclose(file);
	}
	closedir(folder);
	return left;
}

static void cancel_first_and_stop(void *arg)
{
	struct scene *scene = arg;
	alarm_cancel(scene->loop, &scene->alarms[0]);
	loop_stop(scene->loop);
}

Test(loop, the_timer_is_set_to_what_is_next_and_to_nothing_else)
{
	struct scene scene;
	open_scene(&scene);
	for (size_t i = 0; i < 2; i++)
		alarm_prepare(&scene.alarms[i], ring_a, &scene);
	deferred_prepare(&scene.calls[0], cancel_first_and_stop, &scene);
	cr_assert_eq(timer_left_ns(), 0);
	set_in(&scene, &scene.alarms[0], 1000 * NS_PER_SECOND);
	cr_assert(timer_left_ns() > 900 * NS_PER_SECOND);
	set_in(&scene, &scene.alarms[1], 5000 * NS_PER_SECOND);
	cr_assert(timer_left_ns() < 1001 * NS_PER_SECOND);
	/* Far beyond one round of the wheel: still no needless wake-up on the way. */
	loop_defer(scene.loop, &scene.calls[0]);
	run_scene(&scene);
	cr_assert(timer_left_ns() > 4900 * NS_PER_SECOND);
	alarm_cancel(scene.loop, &scene.alarms[1]);
	loop_defer(scene.loop, &scene.calls[0]);
	run_scene(&scene);
	cr_assert_eq(timer_left_ns(), 0);
	close_scene(&scene);
}

static void check_disarmed(void *arg)
{
	struct scene *scene = arg;
	cr_assert_eq(timer_left_ns(), 0);
	loop_stop(scene->loop);
}

static void ring_and_wait(void *arg)
{
	struct scene *scene = arg;
	note(scene, 'a');
	cr_assert_eq(write(scene->sockets[1], "w", 1), 1); /* the next round of the loop */
}

static void ready_check(void *arg, unsigned events)
{
	(void)events;
	check_disarmed(arg);
}

Test(loop, the_timer_is_off_after_the_last_alarm)
{
	struct scene scene;
	open_scene(&scene);
	alarm_prepare(&scene.alarms[0], ring_and_wait, &scene);
	scene.watches[0] = watch_create(scene.loop, scene.sockets[0], ready_check, &scene);
	watch_set(scene.watches[0], WATCH_READ);
	set_in(&scene, &scene.alarms[0], MS);
	run_scene(&scene);
	cr_assert_str_eq(scene.log, "a");
	close_scene(&scene);
}

/* --- deferred calls ------------------------------------------------------------------------------------------------
 */

static void defer_both(void *arg)
{
	struct scene *scene = arg;
	note(scene, 'a');
	loop_defer(scene->loop, &scene->calls[0]);
	loop_defer(scene->loop, &scene->calls[1]);
	loop_defer(scene->loop, &scene->calls[0]); /* queued already */
	note(scene, 'A');
}

Test(loop, deferred_calls_run_after_all_alarms_of_the_slot_in_order_once)
{
	struct scene scene;
	open_scene(&scene);
	int64_t due = clock_monotonic_ns() + 10 * MS;
	alarm_prepare(&scene.alarms[0], defer_both, &scene);
	alarm_prepare(&scene.alarms[1], ring_b, &scene);
	alarm_prepare(&scene.alarms[2], stop, &scene);
	deferred_prepare(&scene.calls[0], run_x, &scene);
	deferred_prepare(&scene.calls[1], run_y, &scene);
	alarm_set(scene.loop, &scene.alarms[0], due);
	alarm_set(scene.loop, &scene.alarms[1], due);
	alarm_set(scene.loop, &scene.alarms[2], due + 20 * MS);
	run_scene(&scene);
	cr_assert_str_eq(scene.log, "aAbxy.");
	close_scene(&scene);
}

static void cancel_others(void *arg)
{
	struct scene *scene = arg;
	note(scene, 'x');
	loop_defer_cancel(scene->loop, &scene->calls[0]); /* itself */
	loop_defer_cancel(scene->loop, &scene->calls[1]); /* the next of this pass */
	loop_defer(scene->loop, &scene->calls[3]);
	loop_defer(scene->loop, &scene->calls[0]);
	loop_defer_cancel(scene->loop, &scene->calls[0]); /* the tail of the next pass */
	loop_defer(scene->loop, &scene->calls[1]);
}

Test(loop, deferred_calls_may_cancel_themselves_and_others)
{
	struct scene scene;
	open_scene(&scene);
	deferred_prepare(&scene.calls[0], cancel_others, &scene);
	deferred_prepare(&scene.calls[1], stop, &scene);
	deferred_prepare(&scene.calls[2], ring_c, &scene);
	deferred_prepare(&scene.calls[3], run_y, &scene);
	for (size_t i = 0; i < 3; i++)
		loop_defer(scene.loop, &scene.calls[i]);
	run_scene(&scene);
	cr_assert_str_eq(scene.log, "xcy.");
	loop_defer_cancel(scene.loop, &scene.calls[0]); /* not queued: harmless */
	close_scene(&scene);
}

static void again(void *arg)
{
	struct scene *scene = arg;
	scene->left++;
	loop_defer(scene->loop, &scene->calls[0]);
}

static void read_and_stop(void *arg, unsigned events)
{
	struct scene *scene = arg;
	cr_assert_eq(events, WATCH_READ);
	note(scene, 'r');
	watch_set(scene->watches[0], 0);
}

Test(loop, a_call_that_defers_itself_for_ever_starves_nobody)
{
	struct scene scene;
	open_scene(&scene);
	deferred_prepare(&scene.calls[0], again, &scene);
	loop_defer(scene.loop, &scene.calls[0]);
	scene.watches[0] = watch_create(scene.loop, scene.sockets[0], read_and_stop, &scene);
	watch_set(scene.watches[0], WATCH_READ);
	cr_assert_eq(write(scene.sockets[1], "w", 1), 1);
	alarm_prepare(&scene.alarms[0], stop, &scene);
	set_in(&scene, &scene.alarms[0], 20 * MS);
	run_scene(&scene);
	cr_assert_str_eq(scene.log, "r.");
	cr_assert(scene.left > 16);
	loop_defer_cancel(scene.loop, &scene.calls[0]);
	close_scene(&scene);
}

static void ring_and_send(void *arg)
{
	struct scene *scene = arg;
	note(scene, 's');
	cr_assert_eq(write(scene->sockets[1], "w", 1), 1);
}

static void ready_read(void *arg, unsigned events)
{
	struct scene *scene = arg;
	char byte;
	(void)events;
	note(scene, 'r');
	cr_assert_eq(read(scene->sockets[0], &byte, 1), 1);
}

/* What one slot sends may be answered before the next: the answers must not wait until all slots have rung. */
Test(loop, one_that_is_behind_reads_between_its_slots)
{
	struct scene scene;
	open_scene(&scene);
	scene.watches[0] = watch_create(scene.loop, scene.sockets[0], ready_read, &scene);
	watch_set(scene.watches[0], WATCH_READ);
	for (unsigned i = 0; i < 4; i++) {
		alarm_prepare(&scene.alarms[i], i < 3 ? ring_and_send : stop, &scene);
		set_in(&scene, &scene.alarms[i], 20 * MS * (i + 1));
	}
	stall(100 * MS);
	run_scene(&scene);
	cr_assert_str_eq(scene.log, "srsrsr.");
	close_scene(&scene);
}

static void ready_defer(void *arg, unsigned events)
{
	(void)events;
	struct scene *scene = arg;
	char byte;
	cr_assert_eq(read(scene->sockets[0], &byte, 1), 1);
	note(scene, '(');
	loop_defer(scene->loop, &scene->calls[0]);
	note(scene, ')');
	if (byte == '!')
		loop_stop(scene->loop);
}

Test(loop, what_a_descriptor_defers_runs_right_after_it)
{
	struct scene scene;
	open_scene(&scene);
	deferred_prepare(&scene.calls[0], run_x, &scene);
	scene.watches[0] = watch_create(scene.loop, scene.sockets[0], ready_defer, &scene);
	watch_set(scene.watches[0], WATCH_READ);
	cr_assert_eq(write(scene.sockets[1], "ab!", 3), 3);
	run_scene(&scene);
	cr_assert_str_eq(scene.log, "()x()x()x");
	close_scene(&scene);
}

static void foreign_callback(evutil_socket_t descriptor, short events, void *arg)
{
	(void)descriptor;
	(void)events;
	struct scene *scene = arg;
	note(scene, '(');
	loop_defer(scene->loop, &scene->calls[0]);
	set_in(scene, &scene->alarms[0], 0);
	note(scene, ')');
}

Test(loop, callbacks_of_others_on_the_same_base_may_defer_and_set_alarms)
{
	struct scene scene;
	open_scene(&scene);
	deferred_prepare(&scene.calls[0], run_x, &scene);
	alarm_prepare(&scene.alarms[0], stop, &scene);
	event_base_once(loop_base(scene.loop), -1, EV_TIMEOUT, foreign_callback, &scene, NULL);
	run_scene(&scene);
	cr_assert_str_eq(scene.log, "()x.");
	close_scene(&scene);
}

/* --- descriptors ---------------------------------------------------------------------------------------------------
 */

static void log_events(void *arg, unsigned events)
{
	struct scene *scene = arg;
	char byte;
	if (events & WATCH_READ)
		note(scene, read(scene->sockets[0], &byte, 1) == 1 ? byte : 'E');
	if (events & WATCH_WRITE)
		note(scene, 'W');
	if (--scene->left == 0)
		loop_stop(scene->loop);
}

Test(loop, a_watch_is_called_for_what_it_wants)
{
	struct scene scene;
	open_scene(&scene);
	scene.watches[0] = watch_create(scene.loop, scene.sockets[0], log_events, &scene);
	alarm_prepare(&scene.alarms[0], stop_silently, &scene);
	cr_assert_eq(write(scene.sockets[1], "123", 3), 3);
	static const struct {
		unsigned events;
		int times;
		const char *log;
	} wants[] = {
		{WATCH_WRITE, 2, "WW"}, {WATCH_READ, 1, "1"}, {0, 0, ""}, {WATCH_READ, 2, "23"}, {WATCH_WRITE, 1, "W"},
	};
	for (size_t i = 0; i < sizeof wants / sizeof *wants; i++) {
		memset(scene.log, 0, sizeof scene.log);
		scene.n = 0;
		scene.left = wants[i].times;
		watch_set(scene.watches[0], wants[i].events);
		if (!wants[i].times)
			set_in(&scene, &scene.alarms[0], 10 * MS);
		run_scene(&scene);
		cr_assert_str_eq(scene.log, wants[i].log, "row %zu: %s", i, scene.log);
	}
	/* The end of the stream comes as readable. */
	memset(scene.log, 0, sizeof scene.log);
	scene.n = 0;
	scene.left = 1;
	watch_set(scene.watches[0], WATCH_READ);
	close(scene.sockets[1]);
	run_scene(&scene);
	cr_assert_str_eq(scene.log, "E");
	scene.sockets[1] = -1;
	close_scene(&scene);
}

static void free_both(void *arg, unsigned events)
{
	(void)events;
	struct scene *scene = arg;
	note(scene, 'f');
	for (size_t i = 0; i < 2; i++) {
		watch_free(scene->watches[i]);
		scene->watches[i] = NULL;
	}
	loop_defer(scene->loop, &scene->calls[0]);
}

Test(loop, a_watch_may_free_itself_and_others_that_are_ready)
{
	struct scene scene;
	open_scene(&scene);
	deferred_prepare(&scene.calls[0], stop, &scene);
	for (size_t i = 0; i < 2; i++) {
		scene.watches[i] = watch_create(scene.loop, scene.sockets[i], free_both, &scene);
		watch_set(scene.watches[i], WATCH_READ | WATCH_WRITE);
		cr_assert_eq(write(scene.sockets[1 - i], "w", 1), 1);
	}
	run_scene(&scene);
	cr_assert_str_eq(scene.log, "f.");
	close_scene(&scene);
}

static void ring_stop_once_read(void *arg)
{
	note(arg, 't');
	stop(arg);
}

static void read_one(void *arg, unsigned events)
{
	(void)events;
	struct scene *scene = arg;
	char byte;
	cr_assert_eq(read(scene->sockets[0], &byte, 1), 1);
	note(scene, 'r');
}

/* Both are ready when the loop looks: an answer that is there must not be taken for one that never came. */
Test(loop, descriptors_come_before_alarms)
{
	struct scene scene;
	open_scene(&scene);
	alarm_prepare(&scene.alarms[0], ring_stop_once_read, &scene);
	set_in(&scene, &scene.alarms[0], MS);
	scene.watches[0] = watch_create(scene.loop, scene.sockets[0], read_one, &scene);
	watch_set(scene.watches[0], WATCH_READ);
	stall(20 * MS);
	/* The kernel tells in the order in which they became ready: the timer first. */
	cr_assert_eq(write(scene.sockets[1], "w", 1), 1);
	run_scene(&scene);
	cr_assert_str_eq(scene.log, "rt.");
	close_scene(&scene);
}

Test(loop, a_descriptor_that_cannot_be_watched_is_no_disaster)
{
	struct scene scene;
	open_scene(&scene);
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC); /* epoll refuses files */
	scene.watches[0] = watch_create(scene.loop, file, log_events, &scene);
	watch_set(scene.watches[0], WATCH_READ);
	watch_set(scene.watches[0], 0);
	close(file);
	close_scene(&scene);
}
