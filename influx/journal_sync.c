/*
 * Flushing to the medium on a thread of its own: a disk that takes its time, or hangs, holds up nobody else.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/signals.h"
#include "influx/journal_internal.h"

/* Files that wait at a time: the one that is written, and some that are full already. What is more is left to the
 * kernel. */
#define FILES_MAX 8

struct journal_sync_thread {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int64_t interval_ns; /* 0 = at once */
	int folder;          /* its own */
	int files[FILES_MAX];
	size_t nfiles;
	int last;             /* the caller's number of the last file that was noted, */
	bool is_last_waiting; /* which waits already */
	bool is_folder_new;
	bool is_stopping, has_ended, is_abandoned;
	int64_t since_ns; /* of what waits, or is being flushed; 0 = nothing */
	uint64_t syncs, errors;
	struct log_fault fault;
};

static void free_thread(struct journal_sync_thread *sync)
{
	for (size_t i = 0; i < sync->nfiles; i++)
		close(sync->files[i]);
	close(sync->folder);
	pthread_cond_destroy(&sync->changed);
	pthread_mutex_destroy(&sync->lock);
	mem_free(sync);
}

/* With the lock. */
static void sleep_until(struct journal_sync_thread *sync, int64_t until_ns)
{
	struct timespec until = {.tv_sec = until_ns / NS_PER_SECOND, .tv_nsec = until_ns % NS_PER_SECOND};
	pthread_cond_timedwait(&sync->changed, &sync->lock, &until);
}

/* Waits until something has to be flushed; false at the end. With the lock. */
static bool wait_for_work(struct journal_sync_thread *sync)
{
	int64_t due_ns = 0;
	for (;;) {
		if (sync->nfiles == 0 && sync->is_stopping)
			return false;
		if (sync->nfiles == 0) {
			pthread_cond_wait(&sync->changed, &sync->lock);
			continue;
		}
		if (due_ns == 0)
			due_ns = sync->since_ns + sync->interval_ns;
		if (sync->is_stopping || clock_monotonic_ns() >= due_ns)
			return true;
		sleep_until(sync, due_ns);
	}
}

static int flush(const int *files, size_t n, int folder)
{
	int failure = 0;
	for (size_t i = 0; i < n; i++) {
		if (fdatasync(files[i]) != 0)
			failure = errno;
		close(files[i]);
	}
	if (folder != -1 && fsync(folder) != 0)
		failure = errno;
	return failure;
}

static void note_result(struct journal_sync_thread *sync, int failure)
{
	sync->syncs++;
	if (failure == 0) {
		log_fault_end(&sync->fault, "disk log", NULL);
		return;
	}
	sync->errors++;
	log_fault_begin(&sync->fault, "disk log", NULL,
			"cannot be forced out to the disk: %s; a power failure may cost more than usual",
			strerror(failure));
}

static void *run(void *arg)
{
	struct journal_sync_thread *sync = arg;
	pthread_mutex_lock(&sync->lock);
	while (wait_for_work(sync)) {
		int files[FILES_MAX];
		size_t n = sync->nfiles;
		int folder = sync->is_folder_new ? sync->folder : -1;
		memcpy(files, sync->files, sizeof(files));
		sync->nfiles = 0;
		sync->is_last_waiting = sync->is_folder_new = false;
		pthread_mutex_unlock(&sync->lock);
		int failure = flush(files, n, folder);
		pthread_mutex_lock(&sync->lock);
		note_result(sync, failure);
		sync->since_ns = sync->nfiles > 0 ? clock_monotonic_ns() : 0;
	}
	sync->has_ended = true;
	bool is_abandoned = sync->is_abandoned;
	pthread_cond_broadcast(&sync->changed);
	pthread_mutex_unlock(&sync->lock);
	if (is_abandoned)
		free_thread(sync);
	return NULL;
}

static void prepare(struct journal_sync_thread *sync)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&sync->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&sync->lock, NULL);
}

struct journal_sync_thread *journal_sync_start(const struct journal_plan *plan, int folder, struct err *err)
{
	struct journal_sync_thread *sync = mem_zero(1, sizeof(*sync));
	sigset_t before;
	prepare(sync);
	sync->interval_ns = plan->sync == JOURNAL_SYNC_INTERVAL ? plan->sync_interval_ns : 0;
	sync->folder = folder;
	sync->last = -1;
	before = signals_block();
	int failure = pthread_create(&sync->thread, NULL, run, sync);
	signals_restore(&before);
	if (failure == 0) {
		pthread_setname_np(sync->thread, "disk log");
		return sync;
	}
	err_set(err, "thread: %s", strerror(failure));
	free_thread(sync);
	return NULL;
}

void journal_sync_note(struct journal_sync_thread *sync, int descriptor, bool is_new)
{
	if (sync == NULL)
		return;
	pthread_mutex_lock(&sync->lock);
	bool is_there = sync->is_last_waiting && sync->last == descriptor && !is_new;
	int copy = is_there || sync->nfiles == FILES_MAX ? -1 : dup(descriptor);
	if (copy != -1) {
		sync->files[sync->nfiles++] = copy;
		sync->last = descriptor;
		sync->is_last_waiting = true;
	}
	sync->is_folder_new |= is_new;
	if (sync->since_ns == 0)
		sync->since_ns = clock_monotonic_ns();
	pthread_cond_broadcast(&sync->changed);
	pthread_mutex_unlock(&sync->lock);
}

/* With the lock. false: it hangs. */
static bool wait_for_end(struct journal_sync_thread *sync, int64_t until_ns)
{
	while (!sync->has_ended && clock_monotonic_ns() < until_ns)
		sleep_until(sync, until_ns);
	return sync->has_ended;
}

void journal_sync_stop(struct journal_sync_thread *sync, int64_t wait_ns)
{
	if (sync == NULL)
		return;
	pthread_mutex_lock(&sync->lock);
	sync->is_stopping = true;
	pthread_cond_broadcast(&sync->changed);
	bool has_ended = wait_for_end(sync, clock_monotonic_ns() + wait_ns);
	sync->is_abandoned = !has_ended;
	pthread_t thread = sync->thread;
	pthread_mutex_unlock(&sync->lock);
	if (!has_ended) {
		log_event(LOG_LEVEL_ERROR, "disk log", NULL,
			  "the disk hangs: its last lines may not survive a power failure");
		pthread_detach(thread);
		return;
	}
	pthread_join(thread, NULL);
	free_thread(sync);
}

void journal_sync_read(struct journal_sync_thread *sync, struct journal_figures *figures)
{
	if (sync == NULL)
		return;
	pthread_mutex_lock(&sync->lock);
	figures->syncs = sync->syncs;
	figures->sync_errors = sync->errors;
	figures->unsynced_ns = sync->since_ns;
	pthread_mutex_unlock(&sync->lock);
}
