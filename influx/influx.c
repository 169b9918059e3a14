#include "influx/influx.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "influx/internal.h"

/* The last attempts, while the daemon waits to end. */
#define STOP_RETRY_NS (100 * NS_PER_MS)

/* What stop waits beyond its time for a thread that is only slow. */
#define STOP_GRACE_NS NS_PER_SECOND

/* --- from the ports ------------------------------------------------------------------------------------------ */

/* The outputs have their part: the buffer goes back. */
static void buffer_done(struct buffer *buffer)
{
	struct pool *pool = buffer->pool;
	atomic_fetch_sub_explicit(&pool->lines_on_their_way, buffer->lines, memory_order_relaxed);
	pool_give(pool, buffer);
}

static void deliver(struct mail *mail, void *owner)
{
	struct buffer *buffer = (struct buffer *)(void *)mail;
	struct influx *influx = owner;
	for (size_t i = 0; i < influx->noutputs; i++)
		output_expect(&influx->outputs[i], buffer->since_ns);
	for (size_t i = 0; i < influx->noutputs; i++)
		output_write(&influx->outputs[i], buffer->text.bytes, buffer->text.length, buffer->since_ns);
	buffer_done(buffer);
}

static void drop(struct mail *mail)
{
	struct buffer *buffer = (struct buffer *)(void *)mail;
	atomic_fetch_add_explicit(&buffer->pool->lines_lost, buffer->lines, memory_order_relaxed);
	buffer_done(buffer);
}

void influx_hand_over(struct influx *influx, struct buffer *buffer)
{
	buffer->mail.deliver = deliver;
	buffer->mail.drop = drop;
	atomic_fetch_add_explicit(&influx->pool.lines_on_their_way, buffer->lines, memory_order_relaxed);
	if (!mailbox_post(influx->mailbox, &buffer->mail))
		drop(&buffer->mail);
}

/* --- the thread ---------------------------------------------------------------------------------------------- */

static void try_to_stop(void *arg)
{
	struct influx *influx = arg;
	bool is_over = clock_monotonic_ns() >= influx->stop_deadline_ns;
	bool is_empty = true;
	for (size_t i = 0; i < influx->noutputs; i++) {
		if (output_flush(&influx->outputs[i]))
			continue;
		is_empty = false;
		if (is_over)
			output_give_up(&influx->outputs[i]);
	}
	if (is_empty || is_over)
		loop_stop(influx->loop);
	else
		alarm_set(influx->loop, &influx->stop_alarm, clock_monotonic_ns() + STOP_RETRY_NS);
}

/* Comes behind every buffer that was handed over before. */
static void deliver_stop(struct mail *mail, void *owner)
{
	(void)mail;
	try_to_stop(owner);
}

static void drop_stop(struct mail *mail)
{
	(void)mail;
}

static void *run_thread(void *arg)
{
	struct influx *influx = arg;
	struct err err = {0};
	for (size_t i = 0; i < influx->noutputs; i++)
		output_attend(&influx->outputs[i]);
	if (loop_run(influx->loop, &err) != 0)
		log_event(LOG_LEVEL_ERROR, "influx", NULL, "%s", err.text);
	pthread_mutex_lock(&influx->lock);
	influx->has_ended = true;
	pthread_cond_signal(&influx->has_ended_cond);
	pthread_mutex_unlock(&influx->lock);
	return NULL;
}

int influx_start(struct influx *influx, struct err *err)
{
	sigset_t all, before;
	if (influx->noutputs == 0)
		return 0;
	/* Signals are for main, and SIGXFSZ must not kill: write(2) says EFBIG instead. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failure = pthread_create(&influx->thread, NULL, run_thread, influx);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failure != 0)
		return err_set(err, "influx: thread: %s", strerror(failure));
	pthread_setname_np(influx->thread, "influx");
	influx->is_started = true;
	return 0;
}

static bool wait_for_end(struct influx *influx, int64_t until_ns)
{
	struct timespec until = {.tv_sec = until_ns / NS_PER_SECOND, .tv_nsec = until_ns % NS_PER_SECOND};
	int result = 0;
	pthread_mutex_lock(&influx->lock);
	while (!influx->has_ended && result == 0)
		result = pthread_cond_timedwait(&influx->has_ended_cond, &influx->lock, &until);
	bool has_ended = influx->has_ended;
	pthread_mutex_unlock(&influx->lock);
	return has_ended;
}

void influx_stop(struct influx *influx, int64_t wait_ns)
{
	if (influx == NULL || !influx->is_started)
		return;
	influx->is_started = false;
	influx->stop_deadline_ns = clock_monotonic_ns() + wait_ns;
	mailbox_post(influx->mailbox, &influx->stop_mail); /* it has a place for this one */
	if (wait_for_end(influx, influx->stop_deadline_ns + STOP_GRACE_NS)) {
		pthread_join(influx->thread, NULL);
		return;
	}
	log_event(LOG_LEVEL_ERROR, "influx", NULL, "a write hangs: lines are left behind");
	pthread_detach(influx->thread);
	influx->is_hung = true;
}

/* --- life ---------------------------------------------------------------------------------------------------- */

static bool is_same_file(const struct influx_file *a, const struct influx_file *b)
{
	return a->is_regular && b->is_regular && a->device == b->device && a->inode == b->inode;
}

/* Two outputs must not have one name (their metrics would be one) or one file (each would rotate it for the other). */
static int open_output(struct influx *influx, const struct influx_settings *settings, struct err *err)
{
	struct output *output = &influx->outputs[influx->noutputs];
	if (output_open(output, settings, influx->loop, err) != 0)
		return err_prefix(err, "influx");
	influx->noutputs++;
	for (struct output *other = influx->outputs; other < output; other++) {
		if (strcmp(other->settings->name, settings->name) == 0)
			return err_set(err, "influx: two outputs have the name %s", settings->name);
		if (is_same_file(&other->file, &output->file))
			return err_set(err, "influx: %s: %s: is the file of %s too", settings->name, settings->path,
				       other->settings->name);
	}
	return 0;
}

static void prepare_end(struct influx *influx)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&influx->has_ended_cond, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&influx->lock, NULL);
	influx->stop_mail = (struct mail){.deliver = deliver_stop, .drop = drop_stop};
	alarm_prepare(&influx->stop_alarm, try_to_stop, influx);
}

static int open_all(struct influx *influx, const struct influx_settings *const *settings, size_t n, struct err *err)
{
	influx->loop = loop_create(0, err);
	if (influx->loop == NULL)
		return -1;
	influx->mailbox = mailbox_create(influx->loop, POOL_BUFFERS + 1, influx, err);
	if (influx->mailbox == NULL)
		return -1;
	influx->outputs = mem_zero(n, sizeof(*influx->outputs));
	for (size_t i = 0; i < n; i++)
		if (open_output(influx, settings[i], err) != 0)
			return -1;
	return 0;
}

struct influx *influx_create(const struct influx_settings *const *settings, size_t n, struct err *err)
{
	struct influx *influx = mem_zero(1, sizeof(*influx));
	pool_prepare(&influx->pool);
	prepare_end(influx);
	if (n > 0 && open_all(influx, settings, n, err) != 0) {
		influx_free(influx);
		return NULL;
	}
	return influx;
}

void influx_free(struct influx *influx)
{
	if (influx == NULL || influx->is_hung)
		return;
	mailbox_free(influx->mailbox);
	for (size_t i = 0; i < influx->noutputs; i++)
		output_close(&influx->outputs[i]);
	mem_free(influx->outputs);
	if (influx->loop != NULL) {
		alarm_cancel(influx->loop, &influx->stop_alarm);
		loop_free(influx->loop);
	}
	pthread_cond_destroy(&influx->has_ended_cond);
	pthread_mutex_destroy(&influx->lock);
	pool_free(&influx->pool);
	mem_free(influx);
}

/* --- figures ------------------------------------------------------------------------------------------------- */

size_t influx_outputs(const struct influx *influx)
{
	return influx->noutputs;
}

const char *influx_output_name(const struct influx *influx, size_t i)
{
	return influx->outputs[i].settings->name;
}

size_t influx_read(const struct influx *influx, size_t i, struct reading *readings)
{
	uint64_t waiting = atomic_load_explicit(&influx->pool.lines_on_their_way, memory_order_relaxed);
	uint64_t lost = atomic_load_explicit(&influx->pool.lines_lost, memory_order_relaxed);
	return output_read(&influx->outputs[i], waiting, lost, readings);
}
