/*
 * Asks of routers on the worker's thread: commands to the link, rows to JSON.
 */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "daemon/ros_ask_internal.h"
#include "daemon/ros_guest.h"
#include "daemon/ros_json.h"
#include "probes/engine.h"
#include "probes/routeros/ros_link.h"
#include "probes/routeros/ros_pool.h"
#include "probes/routeros/ros_value.h"

/* An answer that finds the asker's mailbox full is tried again after this time. */
#define RETRY_NS (20 * NS_PER_MS)

#define SECTION_MAX    32
#define SPARE_MAX      1024 /* slots that are kept for later */
#define SPARE_TEXT_MAX 4096 /* bytes of memory that such a one keeps */

/* A command that is under way. */
struct ros_slot {
	struct ros_call call; /* first */
	struct ros_ask *ask;
	struct ros_slot *next, **link; /* of the ask, or spare */
	size_t item;
	int64_t begun_ns;
	struct text rows;     /* as JSON, with commas between them */
	struct text complete; /* TRACE: those of the section before */
	size_t nrows, ncomplete;
	char section[SECTION_MAX];
	struct ros_echoes echoes;
	size_t charged_bytes; /* to the budget */
	struct deferred give_up;
	const char *fault; /* why it was given up; static */
};

struct ros_desk {
	struct loop *loop;
	struct ros_pool *pool; /* NULL: no type has one */
	struct ros_guests *guests;
	struct ros_ask *first;
	struct ros_slot *spare;
	size_t nspare;
	_Atomic uint64_t jobs, commands, failures, rows;
	_Atomic size_t running;
};

static void count(_Atomic uint64_t *figure, uint64_t n)
{
	atomic_fetch_add_explicit(figure, n, memory_order_relaxed);
}

/* --- slots ---------------------------------------------------------------------------------------------------------
 */

static void charge(struct ros_slot *slot)
{
	size_t now = slot->rows.capacity + slot->complete.capacity;

	if (now == slot->charged_bytes)
		return;
	ros_budget_add(slot->ask->job.budget, now);
	ros_budget_take(slot->ask->job.budget, slot->charged_bytes);
	slot->charged_bytes = now;
}

static void free_slot(struct ros_slot *slot)
{
	text_free(&slot->rows);
	text_free(&slot->complete);
	mem_free(slot);
}

static void give_slot(struct ros_slot *slot)
{
	struct ros_desk *desk = slot->ask->desk;

	*slot->link = slot->next;
	if (slot->next)
		slot->next->link = slot->link;
	slot->ask->nslots--;
	loop_defer_cancel(desk->loop, &slot->give_up);
	ros_budget_take(slot->ask->job.budget, slot->charged_bytes);
	if (desk->nspare == SPARE_MAX) {
		free_slot(slot);
		return;
	}
	if (slot->rows.capacity > SPARE_TEXT_MAX)
		text_free(&slot->rows);
	text_free(&slot->complete);
	slot->next = desk->spare;
	desk->spare = slot;
	desk->nspare++;
}

static void end_given_up(void *arg);

static struct ros_slot *take_slot(struct ros_ask *ask, size_t item)
{
	struct ros_desk *desk = ask->desk;
	struct ros_slot *slot = desk->spare;
	struct text rows = {0};

	if (slot) {
		desk->spare = slot->next;
		desk->nspare--;
		rows = slot->rows;
		text_clear(&rows);
	} else {
		slot = mem_alloc(sizeof(*slot));
	}
	*slot = (struct ros_slot){.ask = ask, .item = item, .begun_ns = clock_monotonic_ns()};
	slot->rows = rows;
	slot->rows.ceiling = slot->complete.ceiling = ask->job.max_bytes;
	slot->echoes = (struct ros_echoes){.min_ns = -1, .average_ns = -1, .max_ns = -1};
	deferred_prepare(&slot->give_up, end_given_up, slot);
	slot->next = ask->slots;
	slot->link = &ask->slots;
	if (slot->next)
		slot->next->link = &slot->next;
	ask->slots = slot;
	ask->nslots++;
	return slot;
}

/* --- rows ----------------------------------------------------------------------------------------------------------
 */

static void read_time(const struct ros_reply *reply, const char *name, int64_t *out_ns)
{
	struct ros_word word;

	if (ros_reply_find(reply, name, NULL, &word))
		(void)ros_value_duration(word, out_ns);
}

/* The rows of a ping are cumulative; some versions say it in the last one only. */
static void read_echoes(struct ros_slot *slot, const struct ros_reply *reply)
{
	struct ros_echoes *echoes = &slot->echoes;
	struct ros_word word;

	if (!ros_reply_find(reply, "sent", NULL, &word) || ros_value_unsigned(word, &echoes->sent) != ROS_VALUE_OK)
		return;
	if (ros_reply_find(reply, "received", NULL, &word))
		(void)ros_value_unsigned(word, &echoes->received);
	read_time(reply, "min-rtt", &echoes->min_ns);
	read_time(reply, "avg-rtt", &echoes->average_ns);
	read_time(reply, "max-rtt", &echoes->max_ns);
}

/* The table of a traceroute comes again and again: its last whole section counts. */
static void enter_section(struct ros_slot *slot, const struct ros_reply *reply)
{
	struct ros_word word;
	char section[SECTION_MAX];
	struct text before = slot->complete;

	if (!ros_reply_find(reply, ".section", NULL, &word))
		return;
	snprintf(section, sizeof(section), "%.*s", (int)(word.length < SECTION_MAX ? word.length : SECTION_MAX - 1),
		 word.length > 0 ? word.bytes : "");
	if (slot->nrows > 0 && strcmp(section, slot->section) != 0) {
		slot->complete = slot->rows;
		slot->ncomplete = slot->nrows;
		text_clear(&before);
		slot->rows = before;
		slot->nrows = 0;
	}
	memcpy(slot->section, section, sizeof(section));
}

static void give_up(struct ros_slot *slot, const char *fault)
{
	slot->fault = fault;
	ros_link_cancel(&slot->call);
	loop_defer(slot->ask->desk->loop, &slot->give_up);
}

static void take_row(struct ros_call *call, const struct ros_reply *reply)
{
	struct ros_slot *slot = (struct ros_slot *)call;

	if (slot->fault)
		return;
	if (slot->ask->job.style == ROS_STYLE_PING)
		read_echoes(slot, reply);
	else if (slot->ask->job.style == ROS_STYLE_TRACE)
		enter_section(slot, reply);
	if (slot->nrows == slot->ask->job.max_rows) {
		give_up(slot, "the answer has more rows than are taken (max_rows): ask for less, with queries");
		return;
	}
	if (slot->nrows++ > 0)
		text_add_char(&slot->rows, ',');
	ros_json_add_row(&slot->rows, reply);
	charge(slot);
	if (slot->rows.overflowed)
		give_up(slot, "the answer is longer than is taken (max_answer_size): ask for less, with proplist or "
			      "queries");
	else if (slot->charged_bytes > SPARE_TEXT_MAX && ros_budget_is_spent(slot->ask->job.budget))
		give_up(slot, "answers of others use all memory that is for them: ask again later");
}

/* --- ends ----------------------------------------------------------------------------------------------------------
 */

static void add_rows(struct ros_ask *ask, struct ros_slot *slot, bool is_successful)
{
	struct ros_result *result = &ask->answer.results[slot->item];
	struct text *rows = &slot->rows;

	if (!is_successful && slot->ncomplete > 0) {
		rows = &slot->complete;
		slot->nrows = slot->ncomplete;
	}
	result->at = ask->text.length;
	text_add_bytes(&ask->text, rows->bytes, rows->length);
	result->length = ask->text.length - result->at;
	result->rows = slot->nrows;
	result->echoes = slot->echoes;
}

static void add_message(struct ros_ask *ask, struct ros_result *result, const char *message)
{
	size_t ceiling = ask->text.ceiling;

	ask->text.ceiling = 0; /* for rows, not for this */
	result->message_at = ask->text.length;
	text_add(&ask->text, message);
	result->message_bytes = ask->text.length - result->message_at;
	ask->text.ceiling = ceiling;
}

static void charge_text(struct ros_ask *ask)
{
	if (ask->text.capacity == ask->charged_bytes)
		return;
	ros_budget_add(ask->job.budget, ask->text.capacity - ask->charged_bytes);
	ask->charged_bytes = ask->text.capacity;
}

struct outcome {
	bool is_successful;
	int64_t answered_ns;
	enum reason reason;
	const char *message;
};

static void record(struct ros_slot *slot, const struct outcome *outcome)
{
	struct ros_ask *ask = slot->ask;
	struct ros_result *result = &ask->answer.results[slot->item];

	*result = (struct ros_result){.is_successful = outcome->is_successful,
				      .answered_ns = outcome->answered_ns,
				      .reason = outcome->reason,
				      .took_ns = clock_monotonic_ns() - slot->begun_ns};
	if (!slot->fault)
		add_rows(ask, slot, outcome->is_successful);
	if (ask->text.overflowed) {
		ask->text.overflowed = false;
		result->is_successful = false;
		result->rows = 0;
		add_message(ask, result, "the answers are longer together than is taken (max_answer_size)");
	} else if (!outcome->is_successful) {
		add_message(ask, result, outcome->message[0] ? outcome->message : reason_name(outcome->reason));
	}
	charge_text(ask);
	count(&ask->desk->rows, result->rows);
	if (!result->is_successful)
		count(&ask->desk->failures, 1);
}

static void launch(struct ros_ask *ask);

static void end_slot(struct ros_slot *slot, const struct outcome *outcome)
{
	struct ros_ask *ask = slot->ask;

	record(slot, outcome);
	give_slot(slot);
	launch(ask);
}

static void end_given_up(void *arg)
{
	struct ros_slot *slot = arg;

	end_slot(slot, &(struct outcome){false, 0, REASON_PROTOCOL, slot->fault});
}

/* What !done returns is one more row. */
static void add_return(struct ros_slot *slot, const struct ros_reply *done)
{
	struct ros_word word;

	if (!done || !ros_reply_return(done, &word))
		return;
	if (slot->nrows++ > 0)
		text_add_char(&slot->rows, ',');
	text_add(&slot->rows, "{\"ret\":");
	ros_json_add_word(&slot->rows, word);
	text_add_char(&slot->rows, '}');
}

static void take_end(struct ros_call *call, const struct ros_end *end)
{
	struct ros_slot *slot = (struct ros_slot *)call;
	const struct outcome outcome = {end->kind == ROS_END_DONE, end->took_ns, end->reason, end->message};

	if (end->kind == ROS_END_DONE)
		add_return(slot, end->reply);
	end_slot(slot, &outcome);
}

/* --- asks ----------------------------------------------------------------------------------------------------------
 */

static void enter_desk(struct ros_ask *ask)
{
	struct ros_desk *desk = ask->desk;

	ask->next = desk->first;
	ask->link = &desk->first;
	if (ask->next)
		ask->next->link = &ask->next;
	desk->first = ask;
	atomic_fetch_add_explicit(&desk->running, 1, memory_order_relaxed);
}

static void leave_desk(struct ros_ask *ask)
{
	*ask->link = ask->next;
	if (ask->next)
		ask->next->link = ask->link;
	ask->link = NULL;
	atomic_fetch_sub_explicit(&ask->desk->running, 1, memory_order_relaxed);
}

static void close_line(struct ros_ask *ask)
{
	if (ask->guest)
		ros_guest_give(ask->guest);
	else if (ask->line)
		ros_pool_give(ask->desk->pool, ask->line);
	ask->guest = NULL;
	ask->line = NULL;
}

void ros_desk_drop(struct ros_ask *ask)
{
	struct ros_desk *desk = ask->desk;

	while (ask->slots) {
		ros_link_cancel(&ask->slots->call);
		give_slot(ask->slots);
	}
	loop_defer_cancel(desk->loop, &ask->finish);
	alarm_cancel(desk->loop, &ask->retry);
	close_line(ask);
	leave_desk(ask);
}

/* The worker's hold goes with the answer: once it is posted, the ask is out of reach. */
static void answer(void *arg)
{
	struct ros_ask *ask = arg;

	leave_desk(ask);
	if (ros_ask_answer(ask))
		return;
	enter_desk(ask);
	alarm_set(ask->desk->loop, &ask->retry, clock_monotonic_ns() + RETRY_NS);
}

static void read_line(struct ros_ask *ask)
{
	struct ros_link_figures figures;

	if (!ask->line)
		return;
	ros_link_read(ask->line, &figures);
	ask->answer.connect_ns = figures.connect_ns;
	ask->answer.login_ns = figures.login_ns;
	ask->answer.is_secured = figures.is_secured;
	ask->answer.is_anonymous = figures.is_anonymous;
}

static void finish(void *arg)
{
	struct ros_ask *ask = arg;

	read_line(ask);
	close_line(ask);
	answer(ask);
}

static void start(struct ros_ask *ask)
{
	const struct ros_question *question = &ask->job.items[ask->started];
	struct ros_slot *slot = take_slot(ask, ask->started++);
	struct err err = {0};

	slot->call.sentence = question->sentence;
	slot->call.sentence_bytes = question->sentence_bytes;
	slot->call.row = take_row;
	slot->call.ended = take_end;
	count(&ask->desk->commands, 1);
	if (ros_link_call(ask->line, &slot->call, ROS_RANK_USER, ask->job.deadline_ns, &err) == 0)
		return;
	record(slot, &(struct outcome){false, 0, REASON_LOCAL, err.text});
	give_slot(slot);
}

/* As many as may be under way; the end when there are none. */
static void launch(struct ros_ask *ask)
{
	struct ros_desk *desk = ask->desk;

	if (ask->started < ask->job.n && clock_monotonic_ns() >= ask->job.deadline_ns) {
		ros_ask_fail(ask, ask->started, REASON_TIMEOUT, "its turn did not come in time");
		count(&desk->failures, ask->job.n - ask->started);
		ask->started = ask->job.n;
	}
	while (ask->started < ask->job.n && ask->nslots < (size_t)ask->job.max_concurrent)
		start(ask);
	if (ask->nslots == 0)
		loop_defer(desk->loop, &ask->finish);
}

static int open_line(struct ros_ask *ask, struct err *err)
{
	struct ros_desk *desk = ask->desk;
	struct ros_link_figures figures;

	if (!desk->pool)
		return err_set(err, "this daemon has no type for routers");
	if (ask->job.is_other) {
		ask->guest = ros_guest_take(desk->guests, &ask->job, err);
		ask->line = ask->guest ? ros_guest_link(ask->guest) : NULL;
	} else {
		ask->line = ros_pool_take(desk->pool, ask->job.host, ask->job.access, NULL, err);
	}
	if (!ask->line)
		return -1;
	ros_link_read(ask->line, &figures);
	ask->answer.is_fresh = figures.state != ROS_LINK_UP;
	return 0;
}

void ros_desk_begin(struct ros_desk *desk, struct ros_ask *ask)
{
	struct err err = {0};

	deferred_prepare(&ask->finish, finish, ask);
	alarm_prepare(&ask->retry, answer, ask);
	count(&desk->jobs, 1);
	enter_desk(ask);
	if (open_line(ask, &err) == 0) {
		launch(ask);
		return;
	}
	ros_ask_fail(ask, 0, REASON_LOCAL, err.text);
	count(&desk->failures, ask->job.n);
	answer(ask);
}

/* --- life ----------------------------------------------------------------------------------------------------------
 */

struct ros_desk *ros_desk_open(struct engine *engine)
{
	struct ros_desk *desk = mem_zero(1, sizeof(*desk));

	desk->loop = engine_loop(engine);
	desk->pool = engine_service(engine, &ros_pool_service);
	desk->guests = ros_guests_create(desk->loop, desk->pool);
	return desk;
}

static void stop(struct ros_ask *ask)
{
	bool is_answered = ask->nslots == 0 && ask->started == ask->job.n;

	ros_desk_drop(ask);
	if (!is_answered)
		ros_ask_fail(ask, 0, REASON_LOCAL, "the worker has stopped");
	if (!ros_ask_answer(ask))
		ros_ask_release(ask);
}

void ros_desk_close(struct ros_desk *desk)
{
	if (!desk)
		return;
	while (desk->first)
		stop(desk->first);
	while (desk->spare) {
		struct ros_slot *slot = desk->spare;

		desk->spare = slot->next;
		free_slot(slot);
	}
	ros_guests_free(desk->guests);
	mem_free(desk);
}

void ros_desk_read(const struct ros_desk *desk, struct ros_desk_figures *out)
{
	struct ros_guests_figures guests;
	struct ros_pool_figures pool = {0};

	ros_guests_read(desk->guests, &guests);
	if (desk->pool)
		ros_pool_read(desk->pool, &pool);
	*out = (struct ros_desk_figures){
		.jobs = atomic_load_explicit(&desk->jobs, memory_order_relaxed),
		.commands = atomic_load_explicit(&desk->commands, memory_order_relaxed),
		.failures = atomic_load_explicit(&desk->failures, memory_order_relaxed),
		.rows = atomic_load_explicit(&desk->rows, memory_order_relaxed),
		.running = atomic_load_explicit(&desk->running, memory_order_relaxed),
		.links_opened = guests.opened,
		.links_reused = guests.reused,
		.links = guests.links,
		.pool = pool.links,
		.up = pool.up,
	};
}
