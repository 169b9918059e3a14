/*
 * The service manager's watchdog (sd_watchdog_enabled(3)): as long as the main thread, that of the pages and all
 * workers answer, the manager is told so; when one of them does not, it hears nothing, and restarts the daemon after
 * WatchdogSec. The threads that write files are not asked: they may wait for a disk, and no restart mends that.
 * Belongs to the main thread.
 */
#ifndef NETSONDE_DAEMON_WATCHDOG_H
#define NETSONDE_DAEMON_WATCHDOG_H

#include <stddef.h>
#include <stdint.h>

struct loop;
struct mailbox;
struct watchdog;

#define WATCHDOG_THREADS_MAX 512

/* Whose answers count. name: for the log, borrowed. */
struct watched_thread {
	const char *name;
	struct mailbox *mailbox; /* borrowed until watchdog_free */
};

/* From WATCHDOG_USEC and WATCHDOG_PID of the environment; 0 = nobody watches. */
int64_t watchdog_interval_ns(void);

/* Asks all threads now and four times an interval. tell: notify_manager, or a fake. NULL when interval_ns is 0. */
struct watchdog *watchdog_start(struct loop *loop, int64_t interval_ns, const struct watched_thread *threads, size_t n,
				void (*tell)(const char *state));

/* No more words to the manager. */
void watchdog_stop(struct watchdog *watchdog);

/* After the mailboxes have gone. NULL is harmless, to both. */
void watchdog_free(struct watchdog *watchdog);

#endif
