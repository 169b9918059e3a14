/*
 * The event loop of one thread: alarms in timer slots, descriptors, deferred calls. On libevent; tests/fakes replaces
 * this file's functions by virtual time at link time.
 *
 * Callbacks run one at a time, never from inside the call that registered them; after a cancel or free returns, the
 * callback never runs. Everything here belongs to the loop's own thread; others come in by core/mailbox.
 */
#ifndef NETSONDE_CORE_LOOP_H
#define NETSONDE_CORE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/wheel.h"

struct event_base;
struct loop;
struct watch;

/* slot_ns: alarms of one slot ring together (0 = 5 ms). Returns NULL with err set when the kernel refuses. */
struct loop *loop_create(int64_t slot_ns, struct err *err);
void loop_free(struct loop *loop);

/* Runs until loop_stop. Returns 0, or -1 with err set. */
int loop_run(struct loop *loop, struct err *err);
/* loop_run returns after the present callback and what it deferred; when it does not run, the next one returns at once.
 */
void loop_stop(struct loop *loop);

/* The libevent base, for modules that use libevent themselves (the HTTP server). NULL in the fakes. */
struct event_base *loop_base(struct loop *loop);

/* --- alarms: one-shot, embedded in their owner ---------------------------------------------------------------- */

struct alarm {
	struct wheel_entry entry; /* first */
	void (*ring)(void *arg);
	void *arg;
};

void alarm_prepare(struct alarm *alarm, void (*ring)(void *arg), void *arg);
/* due_ns: monotonic. Never rings early; at most a slot late plus what the loop is behind. Setting again moves it. */
void alarm_set(struct loop *loop, struct alarm *alarm, int64_t due_ns);
void alarm_cancel(struct loop *loop, struct alarm *alarm);
bool alarm_is_set(const struct alarm *alarm);

/* --- deferred calls: after the present callback (and, for alarms, after all alarms of this slot) --------------- */

struct deferred {
	struct deferred *next, **link; /* link NULL = not queued */
	void (*run)(void *arg);
	void *arg;
};

void deferred_prepare(struct deferred *deferred, void (*run)(void *arg), void *arg);
/* Queued once however often asked. Runs in the order of queueing, on a fresh stack, before the loop sleeps. */
void loop_defer(struct loop *loop, struct deferred *deferred);
void loop_defer_cancel(struct loop *loop, struct deferred *deferred);

/* --- descriptors ----------------------------------------------------------------------------------------------- */

enum watch_event { WATCH_READ = 1, WATCH_WRITE = 2 };

/* ready is called (level-triggered) while one of the wanted events holds, once for each of them; errors on the
 * descriptor come as every event that is wanted. When alarms and descriptors are ready at once, descriptors come first:
 * an answer that has arrived is read before its timeout rings. Nothing is wanted at first. The descriptor is borrowed
 * and must outlive the watch. */
struct watch *watch_create(struct loop *loop, int descriptor, void (*ready)(void *arg, unsigned events), void *arg);
void watch_set(struct watch *watch, unsigned events);
void watch_free(struct watch *watch);

#endif
