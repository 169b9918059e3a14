#include <poll.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "tests/fakes/fakes.h"

#define SLOT_DEFAULT_NS (5 * NS_PER_MS)
/* More passes than that without time going on: the code under test defers itself for ever. */
#define PASSES_MAX 100000

struct loop {
	struct loop *next;
	struct wheel *wheel;
	struct deferred *queue;
	struct deferred **queue_tail;
	struct deferred *pass;
	bool is_stopping;
};

struct watch {
	struct watch *next;
	int descriptor;
	unsigned events;
	void (*ready)(void *arg, unsigned events);
	void *arg;
	struct loop *loop;
	uint64_t fired; /* the fire that has called it last */
};

static struct {
	struct loop *loops;
	struct watch *watches;
	uint64_t rung;
	uint64_t fires;
} fake;

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

static void run_deferred(struct loop *loop)
{
	for (int i = 0; loop->queue && i < PASSES_MAX; i++) {
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
}

static void run_all_deferred(void)
{
	for (struct loop *loop = fake.loops; loop; loop = loop->next)
		run_deferred(loop);
}

/* --- alarms --------------------------------------------------------------------------------------------------------
 */

void alarm_prepare(struct alarm *alarm, void (*ring)(void *arg), void *arg)
{
	*alarm = (struct alarm){.ring = ring, .arg = arg};
}

void alarm_set(struct loop *loop, struct alarm *alarm, int64_t due_ns)
{
	wheel_insert(loop->wheel, &alarm->entry, due_ns);
}

void alarm_cancel(struct loop *loop, struct alarm *alarm)
{
	wheel_remove(loop->wheel, &alarm->entry);
}

bool alarm_is_set(const struct alarm *alarm)
{
	return wheel_holds(&alarm->entry);
}

/* Rings what is due now, and runs what that deferred. */
static void ring_due(struct loop *loop)
{
	int64_t now_ns = fake_now_ns();
	struct wheel_entry *entry;
	while ((entry = wheel_take(loop->wheel, now_ns))) {
		struct alarm *alarm = (struct alarm *)entry;
		fake.rung++;
		alarm->ring(alarm->arg);
	}
	run_deferred(loop);
}

static struct loop *next_loop(int64_t *next_ns)
{
	struct loop *next = NULL;
	*next_ns = INT64_MAX;
	for (struct loop *loop = fake.loops; loop; loop = loop->next) {
		int64_t due_ns = wheel_next_ns(loop->wheel);
		if (due_ns < *next_ns) {
			*next_ns = due_ns;
			next = loop;
		}
	}
	return next;
}

int64_t fake_next_ns(void)
{
	int64_t next_ns;
	(void)next_loop(&next_ns);
	return next_ns;
}

uint64_t fake_rung(void)
{
	return fake.rung;
}

void fake_advance_ns(int64_t ns)
{
	int64_t end_ns = fake_now_ns() + ns;
	run_all_deferred();
	for (;;) {
		int64_t next_ns;
		struct loop *loop = next_loop(&next_ns);
		/* A callback may have stalled beyond the end: what is overdue then rings now. */
		int64_t limit_ns = end_ns > fake_now_ns() ? end_ns : fake_now_ns();
		if (!loop || next_ns > limit_ns)
			break;
		fake_clock_set_ns(next_ns);
		ring_due(loop);
	}
	fake_clock_set_ns(end_ns);
	run_all_deferred();
}

/* --- descriptors ---------------------------------------------------------------------------------------------------
 */

struct watch *watch_create(struct loop *loop, int descriptor, void (*ready)(void *arg, unsigned events), void *arg)
{
	struct watch *watch = mem_zero(1, sizeof *watch);
	*watch = (struct watch){fake.watches, descriptor, 0, ready, arg, loop, fake.fires};
	fake.watches = watch;
	return watch;
}

void watch_set(struct watch *watch, unsigned events)
{
	watch->events = events;
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	struct watch **link = &fake.watches;
	while (*link != watch)
		link = &(*link)->next;
	*link = watch->next;
	mem_free(watch);
}

/* The next watch that this fire has not called yet; the list may have changed completely since the last one. */
static struct watch *next_watch(int descriptor, unsigned events)
{
	for (struct watch *watch = fake.watches; watch; watch = watch->next) {
		if (watch->descriptor == descriptor && (watch->events & events) && watch->fired < fake.fires)
			return watch;
	}
	return NULL;
}

static void call_watch(struct watch *watch, unsigned event)
{
	struct loop *loop = watch->loop;
	watch->ready(watch->arg, event);
	run_deferred(loop);
}

size_t fake_fire(int descriptor, unsigned events)
{
	size_t n = 0;
	for (unsigned event = WATCH_READ; event <= WATCH_WRITE; event <<= 1) {
		struct watch *watch;
		fake.fires++;
		while ((events & event) && (watch = next_watch(descriptor, event))) {
			watch->fired = fake.fires;
			call_watch(watch, event);
			n++;
		}
	}
	return n;
}

/* At most 64 descriptors; watches may come and go while others are called. */
size_t fake_fire_ready(void)
{
	struct pollfd ready[64];
	nfds_t n = 0;
	size_t fired = 0;
	for (const struct watch *watch = fake.watches; watch && n < 64; watch = watch->next) {
		short wanted = (short)((watch->events & WATCH_READ ? POLLIN : 0) |
				       (watch->events & WATCH_WRITE ? POLLOUT : 0));
		if (wanted)
			ready[n++] = (struct pollfd){.fd = watch->descriptor, .events = wanted};
	}
	if (n == 0 || poll(ready, n, 0) <= 0)
		return 0;
	for (nfds_t i = 0; i < n; i++) {
		unsigned events =
			(ready[i].revents & POLLIN ? WATCH_READ : 0) | (ready[i].revents & POLLOUT ? WATCH_WRITE : 0);
		if (events)
			fired += fake_fire(ready[i].fd, events);
	}
	return fired;
}

unsigned fake_wanted(int descriptor)
{
	unsigned wanted = 0;
	for (const struct watch *watch = fake.watches; watch; watch = watch->next) {
		if (watch->descriptor == descriptor)
			wanted |= watch->events;
	}
	return wanted;
}

/* --- the loop ------------------------------------------------------------------------------------------------------
 */

struct loop *loop_create(int64_t slot_ns, struct err *err)
{
	(void)err;
	struct loop *loop = mem_zero(1, sizeof *loop);
	loop->wheel = wheel_create(slot_ns > 0 ? slot_ns : SLOT_DEFAULT_NS, fake_now_ns());
	loop->queue_tail = &loop->queue;
	loop->next = fake.loops;
	fake.loops = loop;
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	struct loop **link = &fake.loops;
	while (*link != loop)
		link = &(*link)->next;
	*link = loop->next;
	wheel_free(loop->wheel);
	mem_free(loop);
}

/* Lets time go on until somebody stops the loop. When nothing is left that could, it says so instead of waiting. */
int loop_run(struct loop *loop, struct err *err)
{
	fake_advance_ns(0);
	while (!loop->is_stopping && fake_next_ns() != INT64_MAX) {
		int64_t left_ns = fake_next_ns() - fake_now_ns();
		fake_advance_ns(left_ns > 0 ? left_ns : 0);
	}
	if (!loop->is_stopping)
		return err_set(err, "nothing is left to happen");
	loop->is_stopping = false;
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->is_stopping = true;
}

struct event_base *loop_base(struct loop *loop)
{
	(void)loop;
	return NULL;
}

void fake_loop_reset(void)
{
	fake.rung = 0;
	fake.fires = 0;
}

size_t fake_loop_alive(void)
{
	size_t n = 0;
	for (const struct loop *loop = fake.loops; loop; loop = loop->next)
		n++;
	for (const struct watch *watch = fake.watches; watch; watch = watch->next)
		n++;
	return n;
}
