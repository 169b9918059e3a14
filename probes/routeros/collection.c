#include "probes/routeros/collection.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "probes/routeros/ros_menu.h"
#include "probes/routeros/ros_table.h"
#include "probes/routeros/ros_value.h"

/* Commands of one collection that the link has at a time: the rest waits here, so that one set of a thousand items does
 * not stand before all others. */
#define FLYING_MAX 16

/* Items of a menu that a monitor is asked for. */
#define NAMES_BYTES_MAX (256U << 10)

/* Rows stay for two intervals, so that one failure does not tear a gap, but at least so long. */
#define STALE_LEAST_NS (30 * NS_PER_SECOND)

/* One command. */
struct collection_ask {
	struct ros_call call;                /* first */
	struct collection_ask *next;         /* of all */
	struct collection_ask *next_waiting; /* while it is not sent */
	struct collection *collection;
	const struct catalogue_menu *menu;
	size_t number; /* of the menu */
	char *each;    /* the item that it is for; NULL: none, or several */
	struct text sentence;
	bool is_print_of_items; /* the print before a monitor */
	bool names_items;       /* the command is for items that it names */
	struct text names;      /* of the items, each with a NUL */
};

/* One collection. */
struct collection_job {
	struct collection *collection;
	struct collection_ask *asks;    /* all of it */
	struct collection_ask *waiting; /* not sent yet, in order */
	struct collection_ask **waiting_end;
	struct deferred finished;
	size_t flying;
	int64_t begun_ns, deadline_ns; /* monotonic */
	unsigned fitting, missing;     /* menus */
	enum reason reason;
	char message[ERR_TEXT_SIZE]; /* for people: why it failed */
	const struct row *rows;
};

static const struct ros_facts *facts_of(const struct collection *collection)
{
	return ros_router_facts(collection->place->router);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static bool find_property(const struct catalogue_property *property, const struct ros_reply *reply,
			  struct ros_word *out)
{
	for (size_t i = 0; i < property->n; i++)
		if (ros_reply_find(reply, property->names[i], NULL, out))
			return true;
	return false;
}

/* The name that patterns of the option skip are for: the first key. */
static bool is_skipped(const struct collection_ask *ask, const struct ros_reply *reply)
{
	const struct collection *collection = ask->collection;
	const struct catalogue_set *set = collection->set;
	char name[CATALOGUE_TEXT_MAX + 1];
	struct ros_word word = {NULL, 0};
	if (!collection->has_skips || !set->nkeys)
		return false;
	if (ask->each && !strcmp(set->keys[0].property.names[0], CATALOGUE_EACH))
		word = ros_word_of(ask->each);
	else if (!find_property(&set->keys[0].property, reply, &word))
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(word.length < sizeof(name) ? word.length : sizeof(name) - 1),
		 word.bytes ? word.bytes : "");
	return ros_choice_skips(collection->place->choice, set, name);
}

static void take_row(struct ros_call *call, const struct ros_reply *reply)
{
	struct collection_ask *ask = (struct collection_ask *)(void *)call;
	struct collection *collection = ask->collection;
	if (is_skipped(ask, reply))
		collection->figures.skipped++;
	else
		ros_table_add(collection->table, ask->menu, ask->each, reply, clock_monotonic_ns());
}

/* An item whose name has a comma cannot be told from two in a list. */
static void take_item(struct ros_call *call, const struct ros_reply *reply)
{
	struct collection_ask *ask = (struct collection_ask *)(void *)call;
	const struct catalogue_each *each = &ask->menu->each;
	struct ros_word name;
	if (!ros_reply_find(reply, each->property, NULL, &name) || !name.length || memchr(name.bytes, 0, name.length))
		return;
	if (each->is_joined && memchr(name.bytes, ',', name.length))
		return;
	if (ask->names.length + name.length + 1 > NAMES_BYTES_MAX)
		return;
	text_add_bytes(&ask->names, name.bytes, name.length);
	text_add_char(&ask->names, '\0');
}

/* --- commands ------------------------------------------------------------------------------------------------------
 */

static void note_failure(struct collection *collection, enum reason reason, const char *message)
{
	if (collection->job->reason != REASON_OK)
		return;
	collection->job->reason = reason == REASON_OK ? REASON_STATUS : reason;
	snprintf(collection->job->message, sizeof(collection->job->message), "%s", message);
}

static void end_command(struct ros_call *call, const struct ros_end *end);

static struct collection_ask *add_ask(struct collection *collection, const struct catalogue_menu *menu, size_t number)
{
	struct collection_ask *ask = mem_zero(1, sizeof(*ask));
	ask->collection = collection;
	ask->menu = menu;
	ask->number = number;
	ask->call.row = take_row;
	ask->call.ended = end_command;
	ask->next = collection->job->asks;
	collection->job->asks = ask;
	*collection->job->waiting_end = ask;
	collection->job->waiting_end = &ask->next_waiting;
	return ask;
}

static void write_menu(struct collection_ask *ask, const char *names)
{
	struct err err = {0};
	if (ros_menu_write(ask->collection->set, ask->menu, names, NULL, 0, &ask->sentence, &err) != 0)
		note_failure(ask->collection, REASON_LOCAL, err.text);
}

static void add_menu(struct collection *collection, const struct catalogue_menu *menu, size_t number)
{
	struct collection_ask *ask = add_ask(collection, menu, number);
	struct err err = {0};
	if (!menu->each.path) {
		write_menu(ask, NULL);
		return;
	}
	ask->is_print_of_items = true;
	ask->call.row = take_item;
	if (ros_menu_write_each(menu, &ask->sentence, &err) != 0)
		note_failure(collection, REASON_LOCAL, err.text);
}

/* The monitors for the items of a print. */
static void add_monitors(struct collection_ask *items)
{
	struct collection *collection = items->collection;
	char *names = items->names.bytes, *end = names + items->names.length;
	if (items->menu->each.is_joined && items->names.length) {
		struct collection_ask *ask = add_ask(collection, items->menu, items->number);
		for (char *c = names; c + 1 < end; c++)
			*c = *c ? *c : ',';
		ask->names_items = true;
		write_menu(ask, names);
		return;
	}
	for (char *name = names; name < end; name += strlen(name) + 1) {
		struct collection_ask *ask = add_ask(collection, items->menu, items->number);
		ask->names_items = true;
		ask->each = mem_copy_string(name);
		write_menu(ask, name);
	}
}

static void send_waiting(struct collection *collection)
{
	while (collection->job->waiting && collection->job->flying < FLYING_MAX &&
	       collection->job->reason == REASON_OK) {
		struct collection_ask *ask = collection->job->waiting;
		const struct collection_place *place = collection->place;
		int64_t timeout_ns =
			collection->set->timeout_ns ? collection->set->timeout_ns : place->command_timeout_ns;
		int64_t deadline_ns = clock_monotonic_ns() + timeout_ns;
		struct err err = {0};
		collection->job->waiting = ask->next_waiting;
		if (!collection->job->waiting)
			collection->job->waiting_end = &collection->job->waiting;
		ask->call.sentence = ask->sentence.bytes;
		ask->call.sentence_bytes = ros_link_sentence(ask->sentence.bytes, ask->sentence.length);
		if (deadline_ns > collection->job->deadline_ns)
			deadline_ns = collection->job->deadline_ns;
		if (ros_link_call(place->link, &ask->call, (uint8_t)collection->tier, deadline_ns, &err) == 0)
			collection->job->flying++;
		else
			note_failure(collection, REASON_LOCAL, err.text);
	}
}

/* --- ends ----------------------------------------------------------------------------------------------------------
 */

static void free_asks(struct collection_job *job)
{
	for (struct collection_ask *ask = job->asks, *next; ask; ask = next) {
		next = ask->next;
		ros_link_cancel(&ask->call);
		text_free(&ask->sentence);
		text_free(&ask->names);
		mem_free(ask->each);
		mem_free(ask);
	}
	job->asks = NULL;
}

static void free_job(struct collection *collection)
{
	if (!collection->job)
		return;
	free_asks(collection->job);
	loop_defer_cancel(collection->place->loop, &collection->job->finished);
	mem_free(collection->job);
	collection->job = NULL;
}

static void conclude_failure(struct collection *collection, enum reason reason, const char *message)
{
	collection->is_running = false;
	collection->figures.runs++;
	collection->figures.failures++;
	collection->figures.reason = reason;
	collection->message = mem_copy_string(message);
}

static void conclude(struct collection *collection)
{
	const struct collection_job *job = collection->job;
	struct collection_figures *figures = &collection->figures;
	int64_t now_ns = clock_monotonic_ns();
	figures->took_ns = now_ns - job->begun_ns;
	if (job->reason != REASON_OK) {
		conclude_failure(collection, job->reason, job->message);
		return;
	}
	collection->is_running = false;
	figures->runs++;
	figures->reason = REASON_OK;
	figures->is_absent = job->missing == job->fitting;
	figures->good_ns = now_ns;
	figures->good_realtime_ns = clock_realtime_ns();
}

static void finish(void *arg)
{
	struct collection_job *job = arg;
	struct collection *collection = job->collection;
	if (job->reason == REASON_OK)
		job->rows = ros_table_end(collection->table, &collection->figures.rows);
	else
		ros_table_abandon(collection->table);
	free_asks(job);
	conclude(collection);
	collection->ended(collection);
}

static void note_missing(struct collection_ask *ask, const struct ros_end *end)
{
	struct collection *collection = ask->collection;
	if (collection->set->missing == CATALOGUE_MISSING_IS_FAILURE) {
		note_failure(collection, REASON_STATUS, end->message);
		return;
	}
	ros_absent_note(ros_router_absent(collection->place->router), ask->number);
	collection->job->missing++;
}

static void note_count(struct collection_ask *ask, const struct ros_end *end)
{
	struct ros_word text;
	uint64_t count;
	if (ros_reply_return(end->reply, &text) && ros_value_unsigned(text, &count) == ROS_VALUE_OK)
		ros_table_count(ask->collection->table, ask->menu, count);
	else
		note_failure(ask->collection, REASON_PROTOCOL, "the router did not answer count-only with a number");
}

static void note_end(struct collection_ask *ask, const struct ros_end *end)
{
	struct collection *collection = ask->collection;
	if (end->kind == ROS_END_TRAP && ros_menu_is_missing(end->trap))
		note_missing(ask, end);
	else if (end->kind == ROS_END_TRAP && end->trap == ROS_TRAP_NO_ITEM && ask->each)
		return; /* it has gone since it was listed */
	else if (end->kind != ROS_END_DONE)
		note_failure(collection, end->reason, end->message);
	else if (ask->is_print_of_items)
		add_monitors(ask);
	else if (collection->set->mode == CATALOGUE_COUNT)
		note_count(ask, end);
}

static void end_command(struct ros_call *call, const struct ros_end *end)
{
	struct collection_ask *ask = (struct collection_ask *)(void *)call;
	struct collection *collection = ask->collection;
	struct collection_job *job = collection->job;
	job->flying--;
	collection->figures.commands += end->took_ns != 0;
	collection->figures.bytes += end->bytes;
	collection->figures.router_ns += end->took_ns;
	note_end(ask, end);
	send_waiting(collection);
	if (!job->flying || job->reason != REASON_OK)
		finish(job);
}

/* --- from outside --------------------------------------------------------------------------------------------------
 */

void collection_open(struct collection *collection, const struct label *target_labels, size_t n, struct ros_text *text)
{
	const struct ros_choice *choice = collection->place->choice;
	const struct ros_table_plan plan = {
		.set = collection->set,
		.max_rows = ros_choice_max_rows(choice, collection->set),
		.target_labels = target_labels,
		.ntarget_labels = n,
		.text = text,
	};
	collection->table = ros_table_create(&plan);
	collection->has_skips = ros_choice_skips_any(choice, collection->set);
}

void collection_close(struct collection *collection)
{
	collection_stop(collection);
	collection_rest(collection);
	mem_free(collection->message);
	ros_table_free(collection->table);
	collection->table = NULL;
}

static struct collection_job *create_job(struct collection *collection, int64_t deadline_ns)
{
	struct collection_job *job = collection->job = mem_zero(1, sizeof(*job));
	job->collection = collection;
	job->waiting_end = &job->waiting;
	job->begun_ns = clock_monotonic_ns();
	job->deadline_ns = deadline_ns;
	deferred_prepare(&job->finished, finish, job);
	return job;
}

/* The message of the last collection goes with the next. */
static void begin(struct collection *collection)
{
	collection_rest(collection);
	mem_free(collection->message);
	collection->message = NULL;
}

void collection_start(struct collection *collection, int64_t deadline_ns)
{
	const struct collection_place *place = collection->place;
	const struct catalogue_set *set = collection->set;
	const struct ros_facts *facts = facts_of(collection);
	size_t number = ros_menu_number(place->catalogue, set, 0);
	begin(collection);
	struct collection_job *job = create_job(collection, deadline_ns);
	collection->is_running = true;
	if (collection->must_forget)
		ros_table_forget(collection->table);
	collection->must_forget = false;
	ros_table_begin(collection->table, job->begun_ns, facts->zone_seconds);
	for (size_t i = 0; i < set->nmenus; i++) {
		if (!ros_menu_fits(facts, &set->menus[i]))
			continue;
		job->fitting++;
		if (ros_absent_has(ros_router_absent(place->router), number + i))
			job->missing++;
		else
			add_menu(collection, &set->menus[i], number + i);
	}
	send_waiting(collection);
	if (!job->flying)
		loop_defer(place->loop, &job->finished);
}

void collection_stop(struct collection *collection)
{
	if (!collection->is_running)
		return;
	if (collection->job)
		ros_table_abandon(collection->table);
	free_job(collection);
	collection->is_running = false;
}

void collection_fail(struct collection *collection, enum reason reason, const char *message)
{
	collection_stop(collection);
	begin(collection);
	collection->figures.took_ns = 0;
	conclude_failure(collection, reason, message);
}

const struct row *collection_rows(const struct collection *collection, size_t *n)
{
	bool has_rows = collection->job && !collection->is_running && collection->job->rows;
	*n = has_rows ? collection->figures.rows : 0;
	return has_rows ? collection->job->rows : NULL;
}

void collection_rest(struct collection *collection)
{
	if (collection->is_running || !collection->job)
		return;
	free_job(collection);
	ros_table_rest(collection->table);
}

bool collection_is_stale(const struct collection *collection, int64_t interval_ns, int64_t now_ns)
{
	int64_t most_ns = 2 * interval_ns < STALE_LEAST_NS ? STALE_LEAST_NS : 2 * interval_ns;
	return !collection->figures.good_ns || now_ns - collection->figures.good_ns > most_ns;
}

static struct ros_table_figures figures_of(const struct collection *collection)
{
	struct ros_table_figures figures;
	ros_table_read(collection->table, &figures);
	return figures;
}

uint64_t collection_left_out(const struct collection *collection)
{
	return figures_of(collection).left_out;
}

uint64_t collection_unreadable(const struct collection *collection)
{
	return figures_of(collection).unreadable;
}
