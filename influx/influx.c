#include "influx/influx.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/fetch.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "core/signals.h"
#include "influx/internal.h"

/* The last attempts, while the daemon waits to end. */
#define STOP_RETRY_NS (100 * NS_PER_MS)

/* Mails beside those with buffers: to stop, to change the outputs. */
#define MAILS_MORE 4

/* Of any set of this library. */
#define READINGS_MAX 32

/* How often cursors are saved and what was dropped or sent leaves the disk. */
#define HOUSEKEEPING_NS NS_PER_SECOND

/* Connections of all outputs together that are kept open. */
#define CONNECTIONS_MAX 64

/* The longest that stop waits for servers to take the last lines. */
#define STOP_SERVERS_NS (2 * NS_PER_SECOND)

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

/* Is one of the servers so far behind that its lines will stay on the disk for a while? */
static bool is_behind(const struct influx *influx)
{
	uint64_t end = journal_end(influx->depot->journal).offset;
	for (size_t i = 0; i < influx->outputs.n; i++) {
		const struct sender *sender = influx->outputs.items[i]->sender;
		if (sender != NULL &&
		    end - sender_cursor(sender).offset > (uint64_t)influx->depot->settings->segment_bytes)
			return true;
	}
	return false;
}

static void log_buffer(struct influx *influx, const struct buffer *buffer, int64_t since_ns)
{
	bool is_deflated = influx->depot->settings->compresses && is_behind(influx);
	journal_append(influx->depot->journal, buffer->text.bytes, buffer->text.length, buffer->lines, since_ns,
		       is_deflated);
	for (size_t i = 0; i < influx->outputs.n; i++)
		if (influx->outputs.items[i]->sender != NULL)
			sender_poke(influx->outputs.items[i]->sender);
}

static void write_buffer(struct influx *influx, const struct buffer *buffer, int64_t since_ns)
{
	for (size_t i = 0; i < influx->outputs.n; i++)
		if (influx->outputs.items[i]->file != NULL)
			file_output_expect(influx->outputs.items[i]->file, since_ns);
	for (size_t i = 0; i < influx->outputs.n; i++)
		if (influx->outputs.items[i]->file != NULL)
			file_output_write(influx->outputs.items[i]->file, buffer->text.bytes, buffer->text.length,
					  since_ns);
}

static void deliver(struct mail *mail, void *owner)
{
	struct buffer *buffer = (struct buffer *)(void *)mail;
	struct influx *influx = owner;
	int64_t since_ns = clock_realtime_ns() - (clock_monotonic_ns() - buffer->since_ns);
	if (output_list_has_server(&influx->outputs))
		log_buffer(influx, buffer, since_ns);
	write_buffer(influx, buffer, since_ns);
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

/* What a server has not taken by then is in the disk log. */
static bool may_wait_for_servers(const struct influx *influx)
{
	return clock_monotonic_ns() < influx->stop_began_ns + STOP_SERVERS_NS;
}

static bool flush(struct influx *influx, bool is_last_time)
{
	bool is_empty = true;
	for (size_t i = 0; i < influx->outputs.n; i++) {
		struct output *output = influx->outputs.items[i];
		if (output->file != NULL ? file_output_flush(output->file)
					 : sender_flush(output->sender) || !may_wait_for_servers(influx))
			continue;
		is_empty = false;
		if (is_last_time && output->file != NULL)
			file_output_give_up(output->file);
	}
	return is_empty;
}

static void try_to_stop(void *arg)
{
	struct influx *influx = arg;
	bool is_over = clock_monotonic_ns() >= influx->stop_deadline_ns;
	bool is_empty = flush(influx, is_over);
	if (influx->depot != NULL)
		depot_save(influx->depot, &influx->outputs);
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

void influx_attend(struct influx *influx, struct output *output)
{
	if (output->file != NULL) {
		file_output_attend(output->file, influx->loop);
		return;
	}
	struct sender_plan plan = {
		.settings = output->settings,
		.loop = influx->loop,
		.fetcher = influx->fetcher,
		.journal = influx->depot->journal,
		.reject = &influx->depot->reject,
		.figures = &output->figures,
	};
	output->sender = sender_create(&plan, depot_position(influx->depot, output->settings->name));
	if (journal_end(plan.journal).offset > sender_cursor(output->sender).offset)
		sender_poke(output->sender);
}

static void keep_house(void *arg)
{
	struct influx *influx = arg;
	for (size_t i = 0; i < influx->outputs.n; i++)
		if (influx->outputs.items[i]->sender != NULL)
			sender_enforce(influx->outputs.items[i]->sender);
	if (influx->depot != NULL)
		depot_save(influx->depot, &influx->outputs);
	alarm_set(influx->loop, &influx->housekeeping, clock_monotonic_ns() + HOUSEKEEPING_NS);
}

static void *run_thread(void *arg)
{
	struct influx *influx = arg;
	struct err err = {0};
	for (size_t i = 0; i < influx->outputs.n; i++)
		influx_attend(influx, influx->outputs.items[i]);
	keep_house(influx);
	if (loop_run(influx->loop, &err) != 0)
		log_event(LOG_LEVEL_ERROR, "influx", NULL, "%s", err.text);
	pthread_mutex_lock(&influx->end_lock);
	influx->has_ended = true;
	pthread_cond_signal(&influx->has_ended_cond);
	pthread_mutex_unlock(&influx->end_lock);
	return NULL;
}

int influx_start(struct influx *influx, struct err *err)
{
	sigset_t before;
	if (influx->loop == NULL)
		return 0;
	/* Signals are for main, and SIGXFSZ must not kill: write(2) says EFBIG instead. */
	before = signals_block();
	int failure = pthread_create(&influx->thread, NULL, run_thread, influx);
	signals_restore(&before);
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
	pthread_mutex_lock(&influx->end_lock);
	while (!influx->has_ended && result == 0)
		result = pthread_cond_timedwait(&influx->has_ended_cond, &influx->end_lock, &until);
	bool has_ended = influx->has_ended;
	pthread_mutex_unlock(&influx->end_lock);
	return has_ended;
}

void influx_stop(struct influx *influx, int64_t wait_ns)
{
	if (influx == NULL || !influx->is_started)
		return;
	influx->is_started = false;
	influx->stop_began_ns = clock_monotonic_ns();
	influx->stop_deadline_ns = influx->stop_began_ns + wait_ns;
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

static void prepare_end(struct influx *influx)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&influx->has_ended_cond, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&influx->end_lock, NULL);
	influx->stop_mail = (struct mail){.deliver = deliver_stop, .drop = drop_stop};
	alarm_prepare(&influx->stop_alarm, try_to_stop, influx);
}

struct fetcher *influx_make_fetcher(struct influx *influx, struct err *err)
{
	return fetcher_create(influx->loop, CONNECTIONS_MAX, err);
}

static int open_all(struct influx *influx, const struct influx_settings *const *settings, size_t n,
		    const struct influx_log_settings *log, struct err *err)
{
	influx->loop = loop_create(0, err);
	if (influx->loop == NULL)
		return -1;
	alarm_prepare(&influx->housekeeping, keep_house, influx);
	influx->mailbox = mailbox_create(influx->loop, POOL_BUFFERS + MAILS_MORE, influx, err);
	if (influx->mailbox == NULL)
		return -1;
	if (output_list_open(&influx->outputs, settings, n, err) != 0)
		return -1;
	if (!output_list_has_server(&influx->outputs))
		return 0;
	influx->fetcher = influx_make_fetcher(influx, err);
	influx->depot = depot_open(log, err);
	return influx->fetcher == NULL || influx->depot == NULL ? -1 : 0;
}

struct influx *influx_create(const struct influx_settings *const *settings, size_t n,
			     const struct influx_log_settings *log, struct err *err)
{
	struct influx *influx = mem_zero(1, sizeof(*influx));
	pool_prepare(&influx->pool);
	pthread_mutex_init(&influx->lock, NULL);
	prepare_end(influx);
	if (n > 0 && open_all(influx, settings, n, log, err) != 0) {
		err_prefix(err, "influx");
		influx_free(influx);
		return NULL;
	}
	atomic_init(&influx->has_outputs, n > 0);
	return influx;
}

void influx_free(struct influx *influx)
{
	if (influx == NULL || influx->is_hung)
		return;
	mailbox_free(influx->mailbox);
	output_list_close(&influx->outputs);
	fetcher_free(influx->fetcher);
	depot_close(influx->depot);
	if (influx->loop != NULL) {
		alarm_cancel(influx->loop, &influx->stop_alarm);
		alarm_cancel(influx->loop, &influx->housekeeping);
		loop_free(influx->loop);
	}
	pthread_cond_destroy(&influx->has_ended_cond);
	pthread_mutex_destroy(&influx->end_lock);
	pthread_mutex_destroy(&influx->lock);
	pool_free(&influx->pool);
	mem_free(influx);
}

/* --- figures ------------------------------------------------------------------------------------------------- */

void influx_read(struct influx *influx,
		 void (*each)(void *arg, const struct measure_set *set, const char *name,
			      const struct reading *readings, size_t n),
		 void *arg)
{
	uint64_t waiting = atomic_load_explicit(&influx->pool.lines_on_their_way, memory_order_relaxed);
	uint64_t lost = atomic_load_explicit(&influx->pool.lines_lost, memory_order_relaxed);
	struct reading readings[READINGS_MAX];
	pthread_mutex_lock(&influx->lock);
	for (size_t i = 0; i < influx->outputs.n; i++) {
		const struct output *output = influx->outputs.items[i];
		each(arg, &influx_set, output->settings->name, readings,
		     figures_read(&output->figures, waiting, lost, readings));
	}
	if (influx->depot != NULL)
		each(arg, &influx_log_set, NULL, readings, depot_read(influx->depot, readings));
	pthread_mutex_unlock(&influx->lock);
}
