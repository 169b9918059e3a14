#include <criterion/criterion.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/slabs.h"
#include "daemon/availability.h"
#include "daemon/availability_keeper.h"
#include "daemon/sheet.h"

#define BEGIN_SECONDS INT64_C(1700000000)
#define ROWS          5 /* the state, and four windows */

struct house {
	struct availability_desk desk;
	struct slabs *slabs;
	struct sheet *sheet;
	struct subject subject;
	void *state;
};

static void build(struct house *house)
{
	log_configure(2, LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	memset(house, 0, sizeof(*house));
	house->desk = (struct availability_desk){availability_keeper_open(NULL), 2};
	house->slabs = slabs_create();
	house->sheet = sheet_create();
	house->subject = (struct subject){"t", "p", "ping", NULL, 0};
	const struct assessed about = {&house->subject, NS_PER_SECOND, house->slabs, NULL};
	house->state = availability_assessor.open(&house->desk, &about);
	cr_assert_not_null(house->state);
}

static void tear_down(struct house *house)
{
	availability_assessor.close(house->state);
	sheet_free(house->sheet);
	slabs_free(house->slabs);
	availability_keeper_free(house->desk.keeper);
}

/* A result each second, to this one. */
static void note(struct house *house, int64_t from, int64_t to, enum reason reason)
{
	for (int64_t second = from; second <= to; second++) {
		const struct sample sample = {.subject = &house->subject,
					      .reason = reason,
					      .begun_realtime_ns = (BEGIN_SECONDS + second) * NS_PER_SECOND};
		availability_assessor.note(house->state, &sample);
	}
}

/* The rows of a moment; how many of them are lines. */
static size_t report(struct house *house, int64_t second)
{
	size_t n, first = 0;

	sheet_clear(house->sheet);
	availability_assessor.report(house->state, (BEGIN_SECONDS + second) * NS_PER_SECOND, house->sheet);
	sheet_rows(house->sheet, &n);
	cr_assert_eq(n, ROWS);
	return sheet_next_lines(house->sheet, &first);
}

Test(availability_rows, lines_come_once_a_minute)
{
	struct house house;

	build(&house);
	note(&house, 0, 0, REASON_OK);
	cr_expect_eq(report(&house, 0), ROWS, "the first ones");
	note(&house, 1, 59, REASON_OK);
	cr_expect_eq(report(&house, 10), 0);
	cr_expect_eq(report(&house, 59), 0);
	note(&house, 60, 60, REASON_OK);
	cr_expect_eq(report(&house, 60), ROWS);
	cr_expect_eq(report(&house, 70), 0);
	tear_down(&house);
}

Test(availability_rows, lines_follow_a_change_at_once)
{
	struct house house;

	build(&house);
	note(&house, 0, 0, REASON_OK);
	report(&house, 0);
	note(&house, 1, 1, REASON_TIMEOUT);
	cr_expect_eq(report(&house, 1), 0, "one failure is no outage");
	note(&house, 2, 2, REASON_TIMEOUT);
	cr_expect_eq(report(&house, 2), ROWS);
	note(&house, 3, 3, REASON_TIMEOUT);
	cr_expect_eq(report(&house, 3), 0);
	note(&house, 4, 4, REASON_OK);
	cr_expect_eq(report(&house, 4), ROWS);
	tear_down(&house);
}

Test(availability_rows, a_clock_that_was_set_back_silences_nobody)
{
	struct house house;

	build(&house);
	note(&house, 0, 0, REASON_OK);
	report(&house, 1000);
	cr_expect_eq(report(&house, 900), ROWS);
	cr_expect_eq(report(&house, 910), 0);
	tear_down(&house);
}

Test(availability_rows, what_is_not_regular_has_none)
{
	const struct assessed about = {NULL, 0, NULL, NULL};

	cr_expect_null(availability_assessor.open(NULL, &about));
}
