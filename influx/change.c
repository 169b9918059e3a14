/*
 * Other outputs while the influx thread runs: opened by whoever asks, put in force by that thread.
 */
#include <string.h>

#include "core/fetch.h"
#include "core/log.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "core/option_compare.h"
#include "influx/influx.h"
#include "influx/internal.h"

struct influx_change {
	struct mail mail; /* first */
	struct influx *influx;
	struct output_list next; /* opened ones, and those that go on */
	struct depot *depot;     /* newly opened, or NULL */
	struct fetcher *fetcher; /* likewise */
};

static struct output *find_output(const struct output_list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i]->settings->name, name) == 0)
			return list->items[i];
	return NULL;
}

static bool has_output(const struct output_list *list, const struct output *output)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i] == output)
			return true;
	return false;
}

/* --- preparing; on the thread of whoever asks --------------------------------------------------------------------- */

/* Those of the list that are not in force. */
static void close_new(struct influx_change *change)
{
	for (size_t i = 0; i < change->next.n; i++)
		if (!has_output(&change->influx->outputs, change->next.items[i]))
			output_close(change->next.items[i]);
	mem_free(change->next.items);
}

/* Nothing but a change that is under way writes the list in force, so it can be read here. */
static int add_output(struct influx_change *change, const struct influx_settings *settings, struct err *err)
{
	struct output_list *next = &change->next;
	struct output *output = find_output(&change->influx->outputs, settings->name);
	if (output == NULL || !option_settings_are_equal(influx_options, influx_noptions, output->settings, settings))
		output = output_open(settings, err);
	if (output == NULL)
		return -1;
	next->items[next->n++] = output;
	for (size_t i = 0; i + 1 < next->n; i++)
		if (output_check_pair(next->items[i], output, err) != 0)
			return -1;
	return 0;
}

static int fill(struct influx_change *change, const struct influx_settings *const *settings, size_t n,
		const struct influx_log_settings *log, struct err *err)
{
	change->next.items = mem_zero(n, sizeof(struct output *));
	for (size_t i = 0; i < n; i++)
		if (add_output(change, settings[i], err) != 0)
			return -1;
	if (change->influx->depot != NULL || !output_list_has_server(&change->next))
		return 0;
	change->fetcher = influx_make_fetcher(change->influx, err);
	if (change->fetcher == NULL)
		return -1;
	change->depot = depot_open(log, err);
	return change->depot != NULL ? 0 : -1;
}

bool influx_has_thread(const struct influx *influx)
{
	return influx->loop != NULL;
}

bool influx_is_changing(const struct influx *influx)
{
	return atomic_load(&influx->is_changing);
}

struct influx_change *influx_prepare(struct influx *influx, const struct influx_settings *const *settings, size_t n,
				     const struct influx_log_settings *log, struct err *err)
{
	if (influx->loop == NULL && n > 0) {
		err_set(err, "influx: the first output needs a restart");
		return NULL;
	}
	if (influx_is_changing(influx)) {
		err_set(err, "influx: the change before is still under way, try again");
		return NULL;
	}
	struct influx_change *change = mem_zero(1, sizeof(*change));
	change->influx = influx;
	if (fill(change, settings, n, log, err) == 0)
		return change;
	err_prefix(err, "influx");
	influx_forget(change);
	return NULL;
}

void influx_forget(struct influx_change *change)
{
	if (change == NULL)
		return;
	close_new(change);
	fetcher_free(change->fetcher);
	depot_close(change->depot);
	mem_free(change);
}

/* --- putting in force; on the influx thread ----------------------------------------------------------------------- */

static void retire(struct influx *influx, struct output *output, bool has_heir)
{
	const char *name = output->settings->name;
	if (output->file != NULL && !file_output_flush(output->file))
		file_output_give_up(output->file);
	if (output->sender != NULL)
		depot_note(influx->depot, name, sender_cursor(output->sender));
	if (!has_heir)
		log_event(LOG_LEVEL_INFO, "influx", name, "is no output any more, %lld lines that waited are forgotten",
			  (long long)figure_get(&output->figures, FIGURE_QUEUE_LINES));
}

/* The list before is given back in change->next: its outputs that are not in force any more are closed with it. */
static void put_in_force(struct influx_change *change)
{
	struct influx *influx = change->influx;
	struct output_list before = influx->outputs;
	pthread_mutex_lock(&influx->lock);
	influx->outputs = change->next;
	if (change->depot != NULL) {
		influx->depot = change->depot;
		influx->fetcher = change->fetcher;
	}
	pthread_mutex_unlock(&influx->lock);
	atomic_store(&influx->has_outputs, influx->outputs.n > 0);
	change->depot = NULL;
	change->fetcher = NULL;
	change->next = before;
}

static void deliver(struct mail *mail, void *owner)
{
	struct influx_change *change = (struct influx_change *)(void *)mail;
	struct influx *influx = owner;
	for (size_t i = 0; i < influx->outputs.n; i++) {
		struct output *output = influx->outputs.items[i];
		if (!has_output(&change->next, output))
			retire(influx, output, find_output(&change->next, output->settings->name) != NULL);
	}
	put_in_force(change);
	for (size_t i = 0; i < influx->outputs.n; i++)
		if (!has_output(&change->next, influx->outputs.items[i]))
			influx_attend(influx, influx->outputs.items[i]);
	influx_forget(change);
	if (influx->depot != NULL)
		depot_save(influx->depot, &influx->outputs);
	atomic_store(&influx->is_changing, false);
}

static void drop(struct mail *mail)
{
	struct influx_change *change = (struct influx_change *)(void *)mail;
	influx_forget(change);
}

static bool is_same(const struct output_list *a, const struct output_list *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (a->items[i] != b->items[i])
			return false;
	return a->n == b->n;
}

void influx_apply(struct influx_change *change)
{
	struct influx *influx = change->influx;
	change->mail = (struct mail){.deliver = deliver, .drop = drop};
	if (influx->loop == NULL || is_same(&change->next, &influx->outputs)) {
		influx_forget(change);
		return;
	}
	atomic_store(&influx->is_changing, true);
	/* There is always a place for it: buffers are counted, and there is one change at a time. */
	if (!mailbox_post(influx->mailbox, &change->mail))
		drop(&change->mail);
}
