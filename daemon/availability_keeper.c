#include "daemon/availability_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "daemon/availability_book.h"
#include "daemon/availability_record.h"
#include "daemon/thread.h"

#define WRITE_PAUSE_NS   NS_PER_SECOND
#define END_PAUSE_NS     NS_PER_SECOND /* that the end waits for a disk */
#define SYNC_PAUSE_MS    INT64_C(10000)
#define WAITING_MAX      ((size_t)16 << 20) /* bytes that wait for a slow disk */
#define ANEW_LEAST_BYTES INT64_C(1048576)
#define LEFT_FOR_MS      (INT64_C(30) * 86400000) /* then a target that is not measured any more is forgotten */
#define UNCLAIMED_MS     (INT64_C(3600) * 1000)   /* so long after the start, who has not come back has left */

enum { WRITABLE, BYTES, LOST, DAMAGED, ENTRIES, MEASURES };
static const struct measure measures[MEASURES] = {
	[WRITABLE] = {"writable", MEASURE_INTEGER,
		      "Whether changes of availability can be written (1), so that they outlive a restart"},
	[BYTES] = {"bytes", MEASURE_INTEGER, "Size of the file of availability"},
	[LOST] = {"lost_total", MEASURE_COUNTER, "Changes of availability that could not be written"},
	[DAMAGED] = {"damaged_lines", MEASURE_INTEGER, "Lines of the file that were damaged when it was read"},
	[ENTRIES] = {"absent_entries", MEASURE_INTEGER,
		     "Targets with probes in the file that are not measured at present"},
};
const struct measure_set availability_keeper_set = {
	.name = "availability_file",
	.measures = measures,
	.n = MEASURES,
	.help = "The file in which availability outlives a restart",
};

struct availability_keeper {
	char *folder, *path, *path_new; /* NULL: nothing is kept */
	int64_t opened_ms;
	struct availability_gaps gaps; /* complete, never changed while there are workers */
	size_t damaged;
	bool is_foreign; /* the file is something that we do not understand: hands off */

	pthread_mutex_t mutex;
	struct availability_book *book; /* those that are not measured at present */
	struct text waiting;            /* lines */
	size_t waiting_changes;
	bool is_stopped;
	_Atomic uint64_t lost;
	_Atomic int64_t bytes;
	_Atomic bool is_writable;

	/* of the thread */
	struct thread *thread;
	struct mail end; /* posted once */
	pthread_cond_t ended;
	bool has_started;
	bool has_ended;    /* with the mutex */
	bool is_abandoned; /* the disk hangs, and the thread with it: everything stays where it is until the process
			      ends */
	struct alarm alarm;
	int descriptor; /* -1: not open */
	int64_t anew_bytes;
	int64_t synced_ms;
	struct text writing;
	size_t writing_changes;
	struct log_fault fault;
};

static int64_t now_ms(void)
{
	return clock_realtime_ns() / NS_PER_MS;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static FILE *open_for_reading(const char *path)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat status;
	FILE *file;

	if (descriptor == -1)
		return NULL;
	if (fstat(descriptor, &status) == -1 || !S_ISREG(status.st_mode)) {
		close(descriptor);
		errno = EINVAL;
		return NULL;
	}
	file = fdopen(descriptor, "r");
	if (!file)
		close(descriptor);
	return file;
}

/* Fills a book with what the file says. 0 = fine or not there; -1: it is something else. */
static int read_file(const char *path, struct availability_book *book, int64_t *alive_ms)
{
	FILE *file = open_for_reading(path);
	struct err err = {0};
	int result;

	*alive_ms = 0;
	if (!file && errno == ENOENT)
		return 0;
	if (!file)
		err_set_errno(&err, "cannot be read");
	result = file ? availability_book_read(book, file, alive_ms, &err) : -1;
	if (file)
		fclose(file);
	if (result == -1)
		log_event(LOG_LEVEL_ERROR, "availability", NULL,
			  "%s: %s: the figures begin anew and are not kept; move the file away, and restart", path,
			  err.text);
	return result;
}

static void copy_gaps(const struct availability_gaps *from, struct availability_gaps *to)
{
	for (size_t i = 0; i < from->n; i++)
		availability_gaps_add(to, from->items[i].from_ms, from->items[i].to_ms);
}

static void load(struct availability_keeper *keeper)
{
	int64_t alive_ms;

	if (read_file(keeper->path, keeper->book, &alive_ms) == -1) {
		keeper->is_foreign = true;
		availability_book_free(keeper->book);
		keeper->book = availability_book_create();
		return;
	}
	keeper->damaged = availability_book_damaged(keeper->book);
	if (keeper->damaged > 0)
		log_event(LOG_LEVEL_WARN, "availability", NULL,
			  "%s: %zu damaged lines are left out (one is usual after a crash)", keeper->path,
			  keeper->damaged);
	copy_gaps(availability_book_gaps(keeper->book), &keeper->gaps);
	if (alive_ms > 0)
		availability_gaps_add(&keeper->gaps, alive_ms, keeper->opened_ms);
}

struct availability_keeper *availability_keeper_open(const char *folder)
{
	struct availability_keeper *keeper = mem_zero(1, sizeof(*keeper));

	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&keeper->ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&keeper->mutex, NULL);
	keeper->book = availability_book_create();
	keeper->waiting.ceiling = WAITING_MAX;
	keeper->descriptor = -1;
	keeper->opened_ms = now_ms();
	if (!folder)
		return keeper;
	keeper->folder = mem_format("%s", folder);
	keeper->path = mem_format("%s/availability", folder);
	keeper->path_new = mem_format("%s/availability.new", folder);
	load(keeper);
	return keeper;
}

void availability_keeper_free(struct availability_keeper *keeper)
{
	if (!keeper)
		return;
	availability_keeper_stop(keeper);
	if (keeper->is_abandoned)
		return;
	thread_free(keeper->thread);
	availability_book_free(keeper->book);
	availability_gaps_free(&keeper->gaps);
	text_free(&keeper->waiting);
	text_free(&keeper->writing);
	pthread_cond_destroy(&keeper->ended);
	pthread_mutex_destroy(&keeper->mutex);
	mem_free(keeper->folder);
	mem_free(keeper->path);
	mem_free(keeper->path_new);
	mem_free(keeper);
}

const struct availability_gaps *availability_keeper_gaps(const struct availability_keeper *keeper)
{
	return &keeper->gaps;
}

/* --- what workers say -------------------------------------------------------------------------------------------- */

static bool is_kept(const struct availability_keeper *keeper)
{
	return keeper->path && !keeper->is_foreign && !keeper->is_stopped;
}

/* With the mutex. */
static void add_record(struct availability_keeper *keeper, const struct availability_record *record)
{
	size_t before = keeper->waiting.length;

	if (!is_kept(keeper))
		return;
	availability_record_write(&keeper->waiting, record);
	keeper->waiting_changes++;
	if (!keeper->waiting.overflowed)
		return;
	keeper->waiting.length = before;
	keeper->waiting.overflowed = false;
	keeper->waiting_changes--;
	atomic_fetch_add(&keeper->lost, 1);
}

static void add_left(struct availability_keeper *keeper, const char *target, const char *probe, int64_t at_ms)
{
	const struct availability_record record = {
		.kind = AVAILABILITY_RECORD_LEFT, .target = target, .probe = probe, .at_ms = at_ms};

	add_record(keeper, &record);
}

void availability_keeper_take(struct availability_keeper *keeper, const char *target, const char *probe,
			      const struct availability_rules *rules, struct availability *out)
{
	struct availability_entry entry;

	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&keeper->mutex);
	if (availability_book_take(keeper->book, target, probe, &entry)) {
		*out = entry.availability;
		if (entry.left_ms > 0)
			add_left(keeper, target, probe, 0);
		/* Who left comes back from nowhere; the others were there until the daemon ended. */
		if (entry.left_ms > 0)
			out->covered_ms = entry.left_ms;
		else
			availability_resume(out, rules, keeper->opened_ms);
	}
	pthread_mutex_unlock(&keeper->mutex);
}

void availability_keeper_give(struct availability_keeper *keeper, const char *target, const char *probe,
			      struct availability *availability)
{
	struct availability_entry entry = {*availability, now_ms()};

	memset(availability, 0, sizeof(*availability));
	pthread_mutex_lock(&keeper->mutex);
	if (entry.availability.first_ms > 0 && !keeper->is_stopped) {
		if (entry.availability.covered_ms > 0 && entry.availability.covered_ms < entry.left_ms)
			entry.left_ms = entry.availability.covered_ms;
		add_left(keeper, target, probe, entry.left_ms);
		availability_book_give(keeper->book, target, probe, &entry);
	} else {
		availability_free(&entry.availability);
	}
	pthread_mutex_unlock(&keeper->mutex);
}

void availability_keeper_note(struct availability_keeper *keeper, const char *target, const char *probe,
			      const struct availability_change *changes, size_t n)
{
	pthread_mutex_lock(&keeper->mutex);
	for (size_t i = 0; i < n; i++) {
		const struct availability_record record = {
			.kind = AVAILABILITY_RECORD_CHANGE, .target = target, .probe = probe, .change = changes[i]};

		add_record(keeper, &record);
	}
	pthread_mutex_unlock(&keeper->mutex);
}

size_t availability_keeper_read(struct availability_keeper *keeper, struct reading *readings)
{
	pthread_mutex_lock(&keeper->mutex);
	size_t entries = availability_book_count(keeper->book);
	pthread_mutex_unlock(&keeper->mutex);
	readings[WRITABLE] = reading_integer(WRITABLE, atomic_load(&keeper->is_writable));
	readings[BYTES] = reading_integer(BYTES, atomic_load(&keeper->bytes));
	readings[LOST] = reading_integer(LOST, (int64_t)atomic_load(&keeper->lost));
	readings[DAMAGED] = reading_integer(DAMAGED, (int64_t)keeper->damaged);
	readings[ENTRIES] = reading_integer(ENTRIES, (int64_t)entries);
	return MEASURES;
}

/* --- writing; on the thread -------------------------------------------------------------------------------------- */

static int write_all(int descriptor, const char *bytes, size_t n, int64_t *at)
{
	while (n > 0) {
		ssize_t written = pwrite(descriptor, bytes, n, *at);

		if (written == -1 && errno == EINTR)
			continue;
		if (written <= 0) {
			errno = written == 0 ? ENOSPC : errno;
			return -1;
		}
		bytes += written;
		n -= (size_t)written;
		*at += written;
	}
	return 0;
}

/* A crash of the daemon loses nothing that was written; one of the machine loses what was not synced. */
static int write_head(int descriptor)
{
	char head[AVAILABILITY_HEAD_BYTES];
	int64_t at = 0;

	availability_head_write(head, now_ms());
	return write_all(descriptor, head, sizeof(head), &at);
}

struct copying {
	int descriptor;
	int64_t at;
};

static int flush(void *arg, struct text *out)
{
	struct copying *copying = arg;
	int result = write_all(copying->descriptor, out->bytes, out->length, &copying->at);

	text_clear(out);
	return result;
}

struct sifting {
	struct availability_keeper *keeper;
	int64_t now_ms;
};

/* With the mutex. */
static bool is_worth_keeping(void *arg, const char *target, const char *probe, struct availability_entry *entry)
{
	const struct sifting *sifting = arg;
	struct availability_keeper *keeper = sifting->keeper;
	bool is_absent = availability_book_find(keeper->book, target, probe) != NULL;

	if (is_absent && entry->left_ms == 0 && sifting->now_ms - keeper->opened_ms > UNCLAIMED_MS)
		entry->left_ms = keeper->opened_ms;
	return entry->left_ms == 0 || sifting->now_ms - entry->left_ms < LEFT_FOR_MS;
}

/* What the file says, folded: in a book of its own. NULL: it cannot be read any more. */
static struct availability_book *read_again(struct availability_keeper *keeper)
{
	struct availability_book *book = availability_book_create();
	struct sifting sifting = {keeper, now_ms()};
	struct availability_gaps *gaps = availability_book_gaps(book);
	int64_t alive_ms;

	if (read_file(keeper->path, book, &alive_ms) == -1) {
		availability_book_free(book);
		return NULL;
	}
	/* The last of them is ours: it stands in no file yet when this is the first time. */
	availability_gaps_free(gaps);
	copy_gaps(&keeper->gaps, gaps);
	pthread_mutex_lock(&keeper->mutex);
	availability_book_sift(book, is_worth_keeping, &sifting);
	pthread_mutex_unlock(&keeper->mutex);
	return book;
}

static int sync_folder(const char *folder)
{
	int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = descriptor == -1 ? -1 : fsync(descriptor);

	if (descriptor != -1)
		close(descriptor);
	return result;
}

static int write_book(struct availability_keeper *keeper, const struct availability_book *book, int descriptor)
{
	struct copying copying = {descriptor, AVAILABILITY_HEAD_BYTES};
	struct text out = {0};
	int result = -1;

	if (flock(descriptor, LOCK_EX | LOCK_NB) == 0 && ftruncate(descriptor, 0) == 0 && write_head(descriptor) == 0 &&
	    availability_book_write(book, &out, flush, &copying) == 0 && fdatasync(descriptor) == 0 &&
	    rename(keeper->path_new, keeper->path) == 0) {
		sync_folder(keeper->folder);
		atomic_store(&keeper->bytes, copying.at);
		result = 0;
	}
	text_free(&out);
	return result;
}

/* The file anew, with all that the old one says, folded and without what has been gone for long. */
static int write_anew(struct availability_keeper *keeper)
{
	struct availability_book *book = read_again(keeper);
	int descriptor, error;

	if (!book)
		return -1;
	descriptor = open(keeper->path_new, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (descriptor == -1 || write_book(keeper, book, descriptor) == -1) {
		error = errno;
		availability_book_free(book);
		if (descriptor != -1)
			close(descriptor);
		errno = error;
		return -1;
	}
	availability_book_free(book);
	if (keeper->descriptor != -1)
		close(keeper->descriptor);
	keeper->descriptor = descriptor;
	keeper->anew_bytes = 2 * atomic_load(&keeper->bytes);
	if (keeper->anew_bytes < ANEW_LEAST_BYTES)
		keeper->anew_bytes = ANEW_LEAST_BYTES;
	return 0;
}

/* Nobody else may have the file, and no other name for it may come in between. */
static int lock_old(const char *path)
{
	int descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (descriptor == -1)
		return errno == ENOENT ? 0 : -1;
	if (flock(descriptor, LOCK_EX | LOCK_NB) == -1) {
		close(descriptor);
		return -1;
	}
	close(descriptor);
	return 0;
}

static int append(struct availability_keeper *keeper)
{
	int64_t at = atomic_load(&keeper->bytes);

	if (keeper->writing.length == 0)
		return 0;
	if (write_all(keeper->descriptor, keeper->writing.bytes, keeper->writing.length, &at) == -1)
		return -1; /* and once more at the same place */
	atomic_store(&keeper->bytes, at);
	text_clear(&keeper->writing);
	keeper->writing_changes = 0;
	return 0;
}

/* What waits becomes what is written, once that is done. */
static void fetch(struct availability_keeper *keeper)
{
	if (keeper->writing.length > 0)
		return;
	pthread_mutex_lock(&keeper->mutex);
	struct text empty = keeper->writing;
	keeper->writing = keeper->waiting;
	keeper->writing_changes = keeper->waiting_changes;
	keeper->waiting = empty;
	keeper->waiting.ceiling = WAITING_MAX;
	keeper->waiting_changes = 0;
	pthread_mutex_unlock(&keeper->mutex);
}

/* Makes the folder if only that is missing: what is above it is not ours to make. */
static int open_file(struct availability_keeper *keeper)
{
	if (mkdir(keeper->folder, 0750) == -1 && errno != EEXIST && access(keeper->folder, F_OK) == -1)
		return -1;
	return lock_old(keeper->path) == -1 ? -1 : write_anew(keeper);
}

static int write_changes(struct availability_keeper *keeper, bool is_last)
{
	bool has_changes;

	if (keeper->descriptor == -1 && open_file(keeper) == -1)
		return -1;
	fetch(keeper);
	has_changes = keeper->writing.length > 0;
	if (append(keeper) == -1)
		return -1;
	if (write_head(keeper->descriptor) == -1)
		return -1;
	if (!has_changes && !is_last && now_ms() - keeper->synced_ms < SYNC_PAUSE_MS)
		return 0;
	if (fdatasync(keeper->descriptor) == -1)
		return -1;
	keeper->synced_ms = now_ms();
	return atomic_load(&keeper->bytes) > keeper->anew_bytes ? write_anew(keeper) : 0;
}

static void work(struct availability_keeper *keeper, bool is_last)
{
	if (write_changes(keeper, is_last) == -1) {
		atomic_store(&keeper->is_writable, false);
		log_fault_begin(&keeper->fault, "availability", NULL,
				"%s: cannot be written, and will not outlive a restart: %s", keeper->path,
				errno == EWOULDBLOCK ? "another netsonde has it" : strerror(errno));
		return;
	}
	atomic_store(&keeper->is_writable, true);
	log_fault_end(&keeper->fault, "availability", NULL);
}

static void ring(void *arg)
{
	struct availability_keeper *keeper = arg;

	work(keeper, false);
	alarm_set(thread_loop(keeper->thread), &keeper->alarm, clock_monotonic_ns() + WRITE_PAUSE_NS);
}

static void finish(struct mail *mail, void *owner)
{
	struct availability_keeper *keeper = owner;

	(void)mail;
	alarm_cancel(thread_loop(keeper->thread), &keeper->alarm);
	work(keeper, true);
	pthread_mutex_lock(&keeper->mutex);
	keeper->has_ended = true;
	pthread_cond_signal(&keeper->ended);
	pthread_mutex_unlock(&keeper->mutex);
}

static void drop(struct mail *mail)
{
	(void)mail;
}

int availability_keeper_start(struct availability_keeper *keeper, struct err *err)
{
	const struct thread_plan plan = {.name = "availability", .mails = 1, .owner = keeper};

	if (!is_kept(keeper))
		return 0;
	keeper->thread = thread_create(&plan, err);
	if (!keeper->thread)
		return -1;
	keeper->end = (struct mail){.deliver = finish, .drop = drop};
	alarm_prepare(&keeper->alarm, ring, keeper);
	alarm_set(thread_loop(keeper->thread), &keeper->alarm, clock_monotonic_ns());
	keeper->has_started = thread_start(keeper->thread, err) == 0;
	return keeper->has_started ? 0 : -1;
}

/* Has the thread write what is left. False when the disk does not let it. */
static bool end_thread(struct availability_keeper *keeper)
{
	int64_t end_ns = clock_monotonic_ns() + END_PAUSE_NS;
	const struct timespec end = {.tv_sec = end_ns / NS_PER_SECOND, .tv_nsec = end_ns % NS_PER_SECOND};
	bool has_ended;

	mailbox_post(thread_mailbox(keeper->thread), &keeper->end);
	pthread_mutex_lock(&keeper->mutex);
	while (!keeper->has_ended && pthread_cond_timedwait(&keeper->ended, &keeper->mutex, &end) == 0)
		;
	has_ended = keeper->has_ended;
	pthread_mutex_unlock(&keeper->mutex);
	return has_ended;
}

void availability_keeper_stop(struct availability_keeper *keeper)
{
	if (!keeper || keeper->is_stopped)
		return;
	if (keeper->has_started && !end_thread(keeper)) {
		log_event(LOG_LEVEL_WARN, "availability", NULL, "%s: the disk hangs: the end does not wait for it",
			  keeper->path);
		keeper->is_abandoned = true;
	}
	if (keeper->thread && !keeper->is_abandoned)
		thread_stop(keeper->thread);
	pthread_mutex_lock(&keeper->mutex);
	keeper->is_stopped = true;
	pthread_mutex_unlock(&keeper->mutex);
	if (keeper->is_abandoned)
		return;
	atomic_fetch_add(&keeper->lost, keeper->writing_changes);
	if (keeper->descriptor != -1)
		close(keeper->descriptor);
	keeper->descriptor = -1;
}
