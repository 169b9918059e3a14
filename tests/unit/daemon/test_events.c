#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/text.h"
#include "daemon/events.h"
#include "daemon/events_ask.h"
#include "daemon/events_page.h"

static const struct measure hop_measures[] = {{"loss_ratio", MEASURE_GAUGE, "l"}, {"address", MEASURE_TEXT, "a"}};
static const struct measure_set hop_set = {"hop", hop_measures, 2, NULL, "h"};

static const struct subject subject = {"quad9", "trace", "traceroute", NULL, 0};

static void quiet(void)
{
	log_configure(2, LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
}

/* A run of some hops at a time of so many seconds. */
static void add(struct events *events, const struct subject *of, enum event_kind kind, int64_t seconds, size_t hops)
{
	const struct label labels[] = {{"kind", event_kind_name(kind)}};
	const struct reading trigger[] = {
		reading_text(EVENT_TEXT, "loss of \"p\": 0.4 (threshold 0.2)"),
		reading_text(EVENT_SOURCE, "p"),
		reading_number(EVENT_VALUE, 0.4),
		reading_number(EVENT_THRESHOLD, 0.2),
	};
	const struct reading change[] = {reading_text(EVENT_BEFORE, "a > b"), reading_text(EVENT_AFTER, "a > c")};
	const struct row event = {&event_row_set, labels, 1, kind == EVENT_TRIGGER ? trigger : change,
				  kind == EVENT_TRIGGER ? 4 : 2};
	const struct reading readings[] = {reading_number(0, 0.5), reading_text(1, "192.0.2.1")};
	struct row *rows = mem_zero(hops + 1, sizeof(*rows));
	struct sample sample = {
		.subject = of,
		.reason = REASON_TIMEOUT,
		.begun_realtime_ns = seconds * NS_PER_SECOND,
		.took_ns = NS_PER_SECOND / 4,
		.run = (uint64_t)seconds,
		.rows = rows,
		.nrows = hops,
		.cause = kind == EVENT_TRIGGER ? trigger[0].value.text : NULL,
	};

	for (size_t i = 0; i < hops; i++)
		rows[i] = (struct row){&hop_set, NULL, 0, readings, 2};
	events_add(events, &sample, &event, kind == EVENT_TRIGGER);
	mem_free(rows);
}

/* Runs and rows of what was picked, as "3:2 1:2 ", in the order of the picks. */
static char *pick(const struct events *events, const struct events_filter *filter, size_t n, size_t bytes)
{
	struct history_copy copies[64];
	struct text text = {0};
	size_t found = events_pick(events, filter, n, bytes, copies);

	for (size_t i = 0; i < found; i++) {
		struct history_reader *reader = history_reader_open(&copies[i]);
		const struct sample *sample = history_reader_next(reader);

		text_add_format(&text, "%llu:%zu ", (unsigned long long)sample->run, sample->nrows);
		history_reader_close(reader);
		history_copy_free(&copies[i]);
	}
	return text_take(&text);
}

static void expect_picks(const struct events *events, const struct events_filter *filter, size_t n, const char *wanted)
{
	char *found = pick(events, filter, n, 1 << 20);

	cr_expect_str_eq(found, wanted);
	mem_free(found);
}

Test(events, are_picked_newest_first, .init = quiet)
{
	static const struct subject other = {"other", "trace", "traceroute", NULL, 0};
	struct events *events = events_create(EVENTS_BYTES);

	expect_picks(events, &(struct events_filter){.kind = EVENT_KINDS, .since_ns = INT64_MIN}, 9, "");
	add(events, &subject, EVENT_TRIGGER, 1, 2);
	add(events, &other, EVENT_TRIGGER, 2, 0);
	add(events, &subject, EVENT_PATH_CHANGE, 3, 2);
	add(events, &subject, EVENT_TRIGGER, 4, 1);
	expect_picks(events, &(struct events_filter){NULL, EVENT_KINDS, INT64_MIN}, 9, "4:2 2:1 1:3 3:1 ");
	expect_picks(events, &(struct events_filter){NULL, EVENT_KINDS, INT64_MIN}, 1, "4:2 3:1 ");
	expect_picks(events, &(struct events_filter){NULL, EVENT_PATH_CHANGE, INT64_MIN}, 9, "3:1 ");
	expect_picks(events, &(struct events_filter){"quad9", EVENT_TRIGGER, INT64_MIN}, 9, "4:2 1:3 ");
	expect_picks(events, &(struct events_filter){"quad", EVENT_KINDS, INT64_MIN}, 9, "");
	expect_picks(events, &(struct events_filter){NULL, EVENT_KINDS, 2 * NS_PER_SECOND}, 9, "4:2 2:1 3:1 ");
	cr_expect_eq(events_read(events, EVENT_TRIGGER).value.integer, 3);
	cr_expect_eq(events_read(events, EVENT_PATH_CHANGE).value.integer, 1);
	events_free(events);
	events_free(NULL);
}

Test(events, what_is_too_large_is_kept_without_its_rows, .init = quiet)
{
	struct events *events = events_create(8000);

	add(events, &subject, EVENT_TRIGGER, 1, 5);
	add(events, &subject, EVENT_TRIGGER, 2, 500);
	expect_picks(events, &(struct events_filter){NULL, EVENT_KINDS, INT64_MIN}, 9, "2:1 1:6 ");
	events_free(events);
}

Test(events, a_flood_of_one_kind_costs_none_of_another, .init = quiet)
{
	struct events *events = events_create(8000);

	add(events, &subject, EVENT_TRIGGER, 1, 2);
	for (int64_t i = 2; i < 5000; i++)
		add(events, &subject, EVENT_PATH_CHANGE, i, 2);
	expect_picks(events, &(struct events_filter){NULL, EVENT_TRIGGER, INT64_MIN}, 9, "1:3 ");
	expect_picks(events, &(struct events_filter){NULL, EVENT_PATH_CHANGE, INT64_MIN}, 2, "4999:1 4998:1 ");
	cr_expect_eq(events_read(events, EVENT_PATH_CHANGE).value.integer, 4998);
	events_free(events);
}

Test(events, answers_have_a_ceiling_of_bytes, .init = quiet)
{
	struct events *events = events_create(EVENTS_BYTES);
	char *found;

	for (int64_t i = 1; i <= 20; i++)
		add(events, &subject, EVENT_TRIGGER, i, 10);
	found = pick(events, &(struct events_filter){NULL, EVENT_KINDS, INT64_MIN}, 20, 3000);
	cr_expect(strncmp(found, "20:11 19:11 ", 12) == 0 && strlen(found) < 60, "%s", found);
	mem_free(found);
	events_free(events);
}

Test(events, rows_of_other_sets_and_kinds_are_left_out, .init = quiet)
{
	const struct label labels[] = {{"kind", "earthquake"}, {"kind", "trigger"}};
	const struct reading reading = reading_text(EVENT_TEXT, "x");
	const struct sample sample = {.subject = &subject};
	struct events *events = events_create(EVENTS_BYTES);

	events_add(events, &sample, &(struct row){&event_row_set, labels, 1, &reading, 1}, false);
	events_add(events, &sample, &(struct row){&event_row_set, NULL, 0, &reading, 1}, false);
	events_add(events, &sample, &(struct row){&hop_set, labels + 1, 1, &reading, 1}, false);
	expect_picks(events, &(struct events_filter){NULL, EVENT_KINDS, INT64_MIN}, 9, "");
	cr_expect_eq(events_read(events, EVENT_TRIGGER).value.integer, 0);
	events_free(events);
}

/* What one of a storm writes to the log; owned by the caller. */
static char *logged(unsigned n, enum event_kind kind)
{
	struct events *events = events_create(0);
	static char bytes[1 << 16];
	FILE *file = tmpfile();
	size_t length;

	cr_assert_not_null(file);
	log_configure(fileno(file), LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	for (unsigned i = 0; i < n; i++)
		add(events, &subject, kind, 1, 0);
	log_configure(2, LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	rewind(file);
	length = fread(bytes, 1, sizeof(bytes) - 1, file);
	bytes[length] = '\0';
	fclose(file);
	events_free(events);
	return bytes;
}

Test(events, are_logged_once)
{
	const char *log = logged(1, EVENT_PATH_CHANGE);

	cr_expect_not_null(strstr(log,
				  "what=path_change target=quad9 why=\"trace: run 1 (timeout): before: a > b, now: a "
				  "> c\"\n"),
			   "%s", log);
	log = logged(1, EVENT_TRIGGER);
	cr_expect_not_null(strstr(log, "what=trigger target=quad9 why=\"trace: run 1 (timeout): loss of \\\"p\\\": 0.4 "
				       "(threshold 0.2)\"\n"),
			   "%s", log);
}

Test(events, a_storm_does_not_drown_the_log)
{
	const char *log = logged(1000, EVENT_PATH_CHANGE);
	unsigned lines = 0;

	for (const char *at = log; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	cr_expect(lines >= EVENTS_LOG_BURST && lines < EVENTS_LOG_BURST + 50, "%u", lines);
}

/* --- the page ---------------------------------------------------------------------------------------------------- */

static struct found_events *find(const struct events *events)
{
	struct found_events *found = mem_zero(1, sizeof(*found));
	struct history_copy copies[16];
	const struct events_filter filter = {NULL, EVENT_KINDS, INT64_MIN};

	found->n = events_pick(events, &filter, 8, 1 << 20, copies);
	found->items = mem_zero(found->n + 1, sizeof(*found->items));
	for (size_t i = 0; i < found->n; i++)
		found->items[i].copy = copies[i];
	return found;
}

static char *page_of(struct found_events *found, size_t enough)
{
	struct events_page *page = events_page_create(found);
	struct text text = {0};

	while (events_page_more(page, &text, enough))
		;
	events_page_free(page);
	return text_take(&text);
}

static const char page_text[] =
	"{\"events\":[\n"
	"{\"time\":\"1970-01-01T00:00:02.000000000Z\",\"time_ns\":2000000000,\"kind\":\"trigger\",\"target\":\"quad9\","
	"\"probe\":\"trace\",\"type\":\"traceroute\",\"run\":2,\"success\":false,\"reason\":\"timeout\","
	"\"duration_seconds\":0.25,\"text\":\"loss of \\\"p\\\": 0.4 (threshold 0.2)\",\"source\":\"p\",\"value\":0.4,"
	"\"threshold\":0.2,\n"
	" \"result\":{\"time\":\"1970-01-01T00:00:02.000000000Z\",\"time_ns\":2000000000,\"run\":2,\"success\":false,"
	"\"reason\":\"timeout\",\"duration_seconds\":0.25,\"address\":null,"
	"\"cause\":\"loss of \\\"p\\\": 0.4 (threshold 0.2)\",\"rows\":[{\"set\":\"hop\",\"labels\":{},"
	"\"values\":{\"loss_ratio\":0.5,\"address\":\"192.0.2.1\"}}]}},\n"
	"{\"time\":\"1970-01-01T00:00:01.000000000Z\",\"time_ns\":1000000000,\"kind\":\"path_change\","
	"\"target\":\"quad9\",\"probe\":\"trace\",\"type\":\"traceroute\",\"run\":1,\"success\":false,"
	"\"reason\":\"timeout\",\"duration_seconds\":0.25,\"before\":\"a > b\",\"after\":\"a > c\"}\n"
	"]}\n";

Test(events_page, is_json_in_pieces, .init = quiet)
{
	struct events *events = events_create(EVENTS_BYTES);
	char *page;

	add(events, &subject, EVENT_PATH_CHANGE, 1, 2);
	add(events, &subject, EVENT_TRIGGER, 2, 1);
	for (size_t enough = 1; enough < 10000; enough += 1499) {
		page = page_of(find(events), enough);
		cr_expect_str_eq(page, page_text);
		mem_free(page);
	}
	events_free(events);
}

Test(events_page, may_be_empty)
{
	struct events *events = events_create(EVENTS_BYTES);
	char *page = page_of(find(events), 100);

	cr_expect_str_eq(page, "{\"events\":[\n]}\n");
	mem_free(page);
	events_page_free(NULL);
	events_free(events);
}
