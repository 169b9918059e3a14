#include "core/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"

#define SLOT_DEFAULT_NS (5 * NS_PER_MS)
/* Deferred calls that defer others are run on at most so often before the descriptors get their turn. */
#define DEFERRED_PASSES 16
/* epoll, the pair of sockets for signals, and one to spare. */
#define BASE_DESCRIPTORS 4

/* The wheel is driven by a timerfd of our own with absolute times. libevent's timers would cost more or be worse: as it
 * comes it rounds to the milliseconds of epoll_wait on a coarse clock, and with EVENT_BASE_FLAG_PRECISE_TIMER it sets
 * its timerfd anew in every round of the loop. Ours is set only when the next slot changes. */
struct loop {
	struct event_base *base;
	struct wheel *wheel;
	int64_t slot_ns;
	int64_t start_ns;
	int timer;              /* timerfd */
	int64_t armed_ns;       /* what the timerfd is set to; INT64_MAX = disarmed */
	int64_t next_ns;        /* what it should be set to; may be too early if next_is_stale */
	bool next_is_stale;     /* an alarm of the next slot was cancelled: there may be nothing in it now */
	bool is_busy;           /* inside a callback of ours: timer and deferred calls are seen to at its end */
	bool is_stopping;       /* loop_stop was called */
	struct event expired;   /* the timerfd can be read */
	struct event rings;     /* activated by expired: runs after the descriptors of the same round */
	struct event drains;    /* deferred calls wait and nobody is there to run them */
	struct deferred *queue; /* deferred calls of the next pass */
	struct deferred **queue_tail;
	struct deferred *pass; /* what is left of the present pass */
};

struct watch {
	struct loop *loop;
	void (*ready)(void *arg, unsigned events);
	void *arg;
	int descriptor;
	unsigned events;
	struct event reads;
	struct event writes;
};

/* --- timer ---------------------------------------------------------------------------------------------------------
 */

/* Sets the timerfd to next_ns if it is not. */
static void arm(struct loop *loop)
{
	if (loop->next_ns == loop->armed_ns)
		return;
	struct itimerspec when = {0};
	if (loop->next_ns != INT64_MAX) {
		int64_t at_ns = loop->next_ns > 0 ? loop->next_ns : 1; /* zero would disarm */
		when.it_value.tv_sec = (time_t)(at_ns / NS_PER_SECOND);
		when.it_value.tv_nsec = (long)(at_ns % NS_PER_SECOND);
	}
	/* Cannot fail: the descriptor and the time are valid. */
	(void)timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, &when, NULL);
	loop->armed_ns = loop->next_ns;
}

/* --- deferred calls ------------------------------------------------------------------------------------------------
 */

void deferred_prepare(struct deferred *deferred, void (*run)(void *arg), void *arg)
{
	*deferred = (struct deferred){.run = run, .arg = arg};
}

void loop_defer(struct loop *loop, struct deferred *deferred)
{
	if (deferred->link)
		return;
	/* Called from a callback that is not ours (the HTTP server), or from none: wake the loop. */
	if (!loop->is_busy && !loop->queue)
		event_active(&loop->drains, EV_TIMEOUT, 0);
	deferred->next = NULL;
	deferred->link = loop->queue_tail;
	*loop->queue_tail = deferred;
	loop->queue_tail = &deferred->next;
}

void loop_defer_cancel(struct loop *loop, struct deferred *deferred)
{
	if (!deferred->link)
		return;
	*deferred->link = deferred->next;
	if (deferred->next)
		deferred->next->link = deferred->link;
	if (loop->queue_tail == &deferred->next)
		loop->queue_tail = deferred->link;
	deferred->next = NULL;
	deferred->link = NULL;
}

static void run_pass(struct loop *loop)
{
	loop->pass = loop->queue;
	loop->pass->link = &loop->pass;
	loop->queue = NULL;
	loop->queue_tail = &loop->queue;
	while (loop->pass) {
		struct deferred *deferred = loop->pass;
		loop_defer_cancel(loop, deferred);
		deferred->run(deferred->arg);
	}
}

static void begin(struct loop *loop)
{
	loop->is_busy = true;
}

/* After each callback of ours: runs what it deferred and sets the timer. */
static void finish(struct loop *loop)
{
	for (int i = 0; loop->queue && i < DEFERRED_PASSES; i++)
		run_pass(loop);
	loop->is_busy = false;
	/* By a timer of zero length, because an event that activates itself would run again before the loop looks at
	 * the descriptors. */
	if (loop->queue)
		event_add(&loop->drains, &(struct timeval){0});
	if (loop->next_is_stale) {
		loop->next_is_stale = false;
		loop->next_ns = wheel_next_ns(loop->wheel);
	}
	arm(loop);
}

static void drain(evutil_socket_t descriptor, short events, void *arg)
{
	(void)descriptor;
	(void)events;
	struct loop *loop = arg;
	begin(loop);
	finish(loop);
}

/* --- alarms --------------------------------------------------------------------------------------------------------
 */

void alarm_prepare(struct alarm *alarm, void (*ring)(void *arg), void *arg)
{
	*alarm = (struct alarm){.ring = ring, .arg = arg};
}

static int64_t alarm_slot_end_ns(const struct loop *loop, const struct alarm *alarm)
{
	return loop->start_ns + alarm->entry.due_slot * loop->slot_ns;
}

void alarm_set(struct loop *loop, struct alarm *alarm, int64_t due_ns)
{
	alarm_cancel(loop, alarm);
	wheel_insert(loop->wheel, &alarm->entry, due_ns);
	int64_t end_ns = alarm_slot_end_ns(loop, alarm);
	if (end_ns >= loop->next_ns)
		return;
	loop->next_ns = end_ns;
	if (!loop->is_busy)
		arm(loop);
}

void alarm_cancel(struct loop *loop, struct alarm *alarm)
{
	if (!wheel_holds(&alarm->entry))
		return;
	if (alarm_slot_end_ns(loop, alarm) <= loop->next_ns)
		loop->next_is_stale = true;
	wheel_remove(loop->wheel, &alarm->entry);
}

bool alarm_is_set(const struct alarm *alarm)
{
	return wheel_holds(&alarm->entry);
}

static void timer_expired(evutil_socket_t descriptor, short events, void *arg)
{
	(void)descriptor;
	(void)events;
	struct loop *loop = arg;
	event_active(&loop->rings, EV_TIMEOUT, 0);
}

/* One slot: a loop that is behind looks at its descriptors between one and the next, so that catching up with what is
 * to be sent does not overflow the sockets with what has come. */
static void ring_alarms(evutil_socket_t descriptor, short events, void *arg)
{
	(void)descriptor;
	(void)events;
	struct loop *loop = arg;
	begin(loop);
	loop->next_is_stale = true;
	int64_t now_ns = clock_monotonic_ns(), end_ns = wheel_next_ns(loop->wheel);
	struct wheel_entry *entry;
	while (end_ns <= now_ns && (entry = wheel_take(loop->wheel, end_ns))) {
		struct alarm *alarm = (struct alarm *)entry;
		alarm->ring(alarm->arg);
	}
	finish(loop);
}

/* --- descriptors ---------------------------------------------------------------------------------------------------
 */

static void watch_ready(evutil_socket_t descriptor, short events, void *arg)
{
	(void)descriptor;
	struct watch *watch = arg;
	struct loop *loop = watch->loop;
	begin(loop);
	watch->ready(watch->arg, events & EV_READ ? WATCH_READ : WATCH_WRITE);
	finish(loop);
}

struct watch *watch_create(struct loop *loop, int descriptor, void (*ready)(void *arg, unsigned events), void *arg)
{
	struct watch *watch = mem_zero(1, sizeof *watch);
	watch->loop = loop;
	watch->ready = ready;
	watch->arg = arg;
	watch->descriptor = descriptor;
	/* One event for each direction, so that a change of one costs one system call. */
	event_assign(&watch->reads, loop->base, descriptor, EV_READ | EV_PERSIST, watch_ready, watch);
	event_assign(&watch->writes, loop->base, descriptor, EV_WRITE | EV_PERSIST, watch_ready, watch);
	return watch;
}

static void watch_switch(const struct watch *watch, struct event *event, bool is_wanted)
{
	int result = is_wanted ? event_add(event, NULL) : event_del(event);
	if (result)
		log_event(LOG_LEVEL_ERROR, "loop", NULL, "cannot watch descriptor %d", watch->descriptor);
}

void watch_set(struct watch *watch, unsigned events)
{
	unsigned changed = watch->events ^ events;
	if (changed & WATCH_READ)
		watch_switch(watch, &watch->reads, events & WATCH_READ);
	if (changed & WATCH_WRITE)
		watch_switch(watch, &watch->writes, events & WATCH_WRITE);
	watch->events = events;
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	watch_set(watch, 0);
	mem_free(watch);
}

/* --- the loop ------------------------------------------------------------------------------------------------------
 */

static void log_libevent(int severity, const char *message)
{
	if (severity != EVENT_LOG_DEBUG)
		log_event(severity == EVENT_LOG_ERR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "libevent", NULL, "%s",
			  message);
}

/* libevent ends the process when it finds no more descriptors half-way: are there as many as it wants? */
static bool has_spare_descriptors(int like)
{
	int spare[BASE_DESCRIPTORS];
	int n = 0;
	while (n < BASE_DESCRIPTORS && (spare[n] = fcntl(like, F_DUPFD_CLOEXEC, 0)) >= 0)
		n++;
	int error = errno;
	for (int i = 0; i < n; i++)
		close(spare[i]);
	errno = error;
	return n == BASE_DESCRIPTORS;
}

static struct event_base *create_base(int timer)
{
	event_set_log_callback(log_libevent);
	if (!has_spare_descriptors(timer))
		return NULL;
	struct event_config *config = event_config_new();
	if (!config)
		return NULL;
	/* The base is used by one thread only. */
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
	struct event_base *base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

struct loop *loop_create(int64_t slot_ns, struct err *err)
{
	struct loop *loop = mem_zero(1, sizeof *loop);
	loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (loop->timer < 0) {
		err_set_errno(err, "cannot create a timer");
		goto free_loop;
	}
	loop->base = create_base(loop->timer);
	if (!loop->base) {
		err_set_errno(err, "cannot create an event loop");
		goto close_timer;
	}
	event_assign(&loop->expired, loop->base, loop->timer, EV_READ | EV_PERSIST, timer_expired, loop);
	evtimer_assign(&loop->rings, loop->base, ring_alarms, loop);
	evtimer_assign(&loop->drains, loop->base, drain, loop);
	if (event_add(&loop->expired, NULL)) {
		err_set_errno(err, "cannot watch a timer");
		goto free_base;
	}
	loop->slot_ns = slot_ns > 0 ? slot_ns : SLOT_DEFAULT_NS;
	loop->start_ns = clock_monotonic_ns();
	loop->wheel = wheel_create(loop->slot_ns, loop->start_ns);
	loop->armed_ns = INT64_MAX;
	loop->next_ns = INT64_MAX;
	loop->queue_tail = &loop->queue;
	return loop;

free_base:
	event_base_free(loop->base);
close_timer:
	close(loop->timer);
free_loop:
	mem_free(loop);
	return NULL;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	event_del(&loop->expired);
	event_del(&loop->rings);
	event_del(&loop->drains);
	event_base_free(loop->base);
	close(loop->timer);
	wheel_free(loop->wheel);
	mem_free(loop);
}

int loop_run(struct loop *loop, struct err *err)
{
	int result = 0;
	/* libevent forgets a break that was asked for before it ran. */
	if (!loop->is_stopping)
		result = event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
	loop->is_stopping = false;
	if (result < 0)
		return err_set_errno(err, "the event loop failed");
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->is_stopping = true;
	event_base_loopbreak(loop->base);
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}
