/*
 * RouterOS: the last lines of the router's log, in the tier short. A router of version 7 is asked for the lines since
 * the last one; one that tells no dates can only be asked for all of them, so it is asked less often.
 */
#include "probes/routeros/routeros_log.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "probes/routeros/ros_log.h"
#include "probes/routeros/ros_logs.h"
#include "probes/routeros/ros_menu.h"
#include "probes/routeros/ros_text.h"
#include "probes/routeros/routeros.h"

#define TIME_MAX   32
#define TOPICS_MAX 128

/* Even a router whose clock was set back is asked for all of its log now and then. */
#define WHOLE_EVERY 30

struct routeros_log {
	struct ros_call call; /* first */
	struct routeros *opened;
	struct routeros_log_plan plan;
	struct text sentence;
	struct ros_log *lines;
	struct ros_logs_place *place;
	struct collection_figures figures;
	char *message;        /* why the last one failed; else NULL */
	int64_t whole_due_ns; /* monotonic: the whole log not before it */
	unsigned turns;
	bool has_begun; /* what was there before is known, and no news */
	bool is_whole, is_asking;
};

/* --- what the router says ------------------------------------------------------------------------------------------
 */

static void add_value(struct routeros_log *log, const struct ros_reply *reply, const char *name, size_t most,
		      struct text *out)
{
	struct ros_word word;
	if (ros_reply_find(reply, name, NULL, &word))
		ros_text_add(log->opened->text, word, most, out);
	text_string(out);
}

static void take_line(struct ros_call *call, const struct ros_reply *reply)
{
	struct routeros_log *log = (struct routeros_log *)(void *)call;
	struct text time = {0}, topics = {0}, message = {0};
	struct ros_word id;
	if (!ros_reply_find(reply, ".id", NULL, &id))
		return;
	add_value(log, reply, "time", TIME_MAX, &time);
	add_value(log, reply, "topics", TOPICS_MAX, &topics);
	add_value(log, reply, "message", ROS_LOG_MESSAGE_MAX, &message);
	const struct ros_log_line line = {
		.id = ros_log_parse_id(id.bytes, id.length),
		.time = text_string(&time),
		.topics = text_string(&topics),
		.message = text_string(&message),
	};
	if (line.id)
		ros_log_add(log->lines, &line);
	text_free(&time);
	text_free(&topics);
	text_free(&message);
}

static void conclude(struct routeros_log *log, enum reason reason, const char *message)
{
	struct collection_figures *figures = &log->figures;
	log->is_asking = false;
	mem_free(log->message);
	log->message = reason == REASON_OK ? NULL : mem_copy_string(message);
	figures->runs++;
	figures->reason = reason;
	if (reason != REASON_OK) {
		figures->failures++;
		return;
	}
	figures->good_ns = clock_monotonic_ns();
	figures->good_realtime_ns = clock_realtime_ns();
	figures->rows = ros_log_fresh(log->lines);
}

static void end_answer(struct ros_call *call, const struct ros_end *end)
{
	struct routeros_log *log = (struct routeros_log *)(void *)call;
	enum reason reason = end->kind == ROS_END_DONE ? REASON_OK : end->reason;
	log->figures.commands += end->took_ns != 0;
	log->figures.bytes += end->bytes;
	log->figures.router_ns += end->took_ns;
	log->figures.took_ns = end->took_ns;
	if (end->kind != ROS_END_DONE && reason == REASON_OK)
		reason = REASON_STATUS;
	if (reason == REASON_OK)
		ros_log_end(log->lines, log->is_whole);
	conclude(log, reason, end->message);
	log->plan.ended(log->plan.arg);
	log->has_begun = log->has_begun || reason == REASON_OK;
}

/* --- what it is asked ----------------------------------------------------------------------------------------------
 */

static void add_query(struct ros_writer *writer, char sign, const char *time)
{
	char query[TIME_MAX + 16];
	snprintf(query, sizeof(query), "?%ctime=%s", sign, time);
	ros_write_query(writer, query);
}

static void write_sentence(struct routeros_log *log, const char *since)
{
	text_clear(&log->sentence);
	struct ros_writer writer = ros_write_begin(&log->sentence, "/log/print");
	ros_write_proplist(&writer, ".id,time,topics,message");
	if (since) {
		add_query(&writer, '>', since);
		add_query(&writer, '=', since);
		ros_write_query(&writer, "?#|");
	}
	ros_write_end(&writer, NULL);
	log->call.sentence = log->sentence.bytes;
	log->call.sentence_bytes = ros_link_sentence(log->sentence.bytes, log->sentence.length);
}

bool routeros_log_start(struct routeros_log *log, int64_t deadline_ns)
{
	const char *since = log->turns % WHOLE_EVERY ? ros_log_since(log->lines) : NULL;
	int64_t now_ns = clock_monotonic_ns();
	struct err err = {0};
	if (!since && now_ns < log->whole_due_ns)
		return false;
	log->turns++;
	log->is_whole = !since;
	if (!since)
		log->whole_due_ns = now_ns + log->plan.whole_ns;
	write_sentence(log, since);
	ros_log_begin(log->lines);
	log->is_asking = true;
	if (ros_link_call(log->opened->link, &log->call, CATALOGUE_SHORT, deadline_ns, &err) == 0)
		return true;
	conclude(log, REASON_LOCAL, err.text);
	return false;
}

void routeros_log_fail(struct routeros_log *log, enum reason reason, const char *message)
{
	routeros_log_stop(log);
	conclude(log, reason, message);
	log->whole_due_ns = 0;
}

void routeros_log_stop(struct routeros_log *log)
{
	ros_link_cancel(&log->call);
	log->is_asking = false;
}

void routeros_log_restart(struct routeros_log *log)
{
	ros_log_restart(log->lines);
	log->whole_due_ns = 0;
	log->turns = 0;
}

/* --- rows ----------------------------------------------------------------------------------------------------------
 */

struct line_row {
	char number[24];
	struct label labels[2];
	struct reading readings[2];
};

struct routeros_log_rows {
	struct row *rows;
	struct line_row *lines;
};

static void fill_row(struct line_row *line, const struct ros_log_line *from, size_t i, struct row *row)
{
	/* Lines of one collection have one stamp: numbers keep them apart. */
	snprintf(line->number, sizeof(line->number), "%zu", i);
	line->labels[0] = (struct label){"topics", from->topics};
	line->labels[1] = (struct label){"line", line->number};
	line->readings[0] = reading_text(0, from->message);
	line->readings[1] = reading_text(1, from->time);
	*row = (struct row){&routeros_log_line_set, line->labels, 2, line->readings, 2};
}

struct routeros_log_rows *routeros_log_take_rows(const struct routeros_log *log, const struct row *first, size_t *n)
{
	struct routeros_log_rows *rows = mem_zero(1, sizeof(*rows));
	bool are_wanted = log->opened->settings->has_log_lines && log->has_begun && log->figures.reason == REASON_OK;
	size_t fresh = are_wanted ? ros_log_fresh(log->lines) : 0, count = ros_log_count(log->lines);
	rows->rows = mem_zero(fresh + 1, sizeof(*rows->rows));
	rows->lines = mem_zero(fresh, sizeof(*rows->lines));
	rows->rows[0] = *first;
	for (size_t i = 0; i < fresh; i++)
		fill_row(&rows->lines[i], ros_log_at(log->lines, count - fresh + i), i, &rows->rows[1 + i]);
	*n = fresh + 1;
	return rows;
}

const struct row *routeros_log_rows_of(const struct routeros_log_rows *rows)
{
	return rows->rows;
}

void routeros_log_free_rows(struct routeros_log_rows *rows)
{
	mem_free(rows->rows);
	mem_free(rows->lines);
	mem_free(rows);
}

/* --- from open to close --------------------------------------------------------------------------------------------
 */

struct routeros_log *routeros_log_open(struct routeros *opened, const struct routeros_log_plan *plan)
{
	struct routeros_log *log = mem_zero(1, sizeof(*log));
	log->opened = opened;
	log->plan = *plan;
	log->call.row = take_line;
	log->call.ended = end_answer;
	log->lines = ros_log_create(plan->lines);
	log->place =
		ros_logs_add(probe_service(opened->probe, &ros_logs_service), probe_target(opened->probe), log->lines);
	return log;
}

void routeros_log_close(struct routeros_log *log)
{
	if (!log)
		return;
	routeros_log_stop(log);
	ros_logs_remove(probe_service(log->opened->probe, &ros_logs_service), log->place);
	ros_log_free(log->lines);
	text_free(&log->sentence);
	mem_free(log->message);
	mem_free(log);
}

bool routeros_log_is_asking(const struct routeros_log *log)
{
	return log->is_asking;
}

const struct collection_figures *routeros_log_figures(const struct routeros_log *log)
{
	return &log->figures;
}

const char *routeros_log_message(const struct routeros_log *log)
{
	return log->message;
}
