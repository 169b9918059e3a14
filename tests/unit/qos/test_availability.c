#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "qos/availability.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)
#define BEGIN_MS  (INT64_C(472222) * HOUR_MS) /* a full hour in November 2023 */

/* One target that is looked at once a second. */
struct desk {
	struct availability_gaps gaps;
	struct availability availability;
	struct availability_rules rules;
	struct availability_change changes[AVAILABILITY_CHANGES_MAX];
	size_t nchanges; /* of the last result */
	int64_t at_ms;   /* of the next result */
};

static void set_up(struct desk *desk, uint32_t failures)
{
	memset(desk, 0, sizeof(*desk));
	desk->rules = (struct availability_rules){SECOND_MS, failures, &desk->gaps};
	desk->at_ms = BEGIN_MS;
}

static void tear_down(struct desk *desk)
{
	availability_free(&desk->availability);
	availability_gaps_free(&desk->gaps);
}

static void play(struct desk *desk, const char *results)
{
	for (; *results; results++, desk->at_ms += desk->rules.interval_ms) {
		enum availability_result result = *results == '.'   ? AVAILABILITY_SUCCEEDED
						  : *results == 'x' ? AVAILABILITY_FAILED
								    : AVAILABILITY_NOT_KNOWN;

		if (*results != ' ') /* a run that did not take place */
			desk->nchanges = availability_note(&desk->availability, &desk->rules, desk->at_ms, result,
							   desk->changes);
	}
}

static void repeat(struct desk *desk, char result, int n)
{
	const char text[] = {result, '\0'};

	for (int i = 0; i < n; i++)
		play(desk, text);
}

static struct availability_figures read_at(const struct desk *desk, enum availability_window window)
{
	return availability_read(&desk->availability, &desk->gaps, window, desk->at_ms);
}

/* Results from the beginning (a second each), and what must come out: seconds known and down, outages. */
static const struct play {
	const char *results;
	uint32_t failures;
	int known, down;
	unsigned outages;
	enum availability_state state;
} plays[] = {
	{".", 2, 1, 0, 0, AVAILABILITY_UP},
	{"..........", 2, 10, 0, 0, AVAILABILITY_UP},
	/* too few in a row */
	{"..x..x..x.", 2, 10, 0, 0, AVAILABILITY_UP},
	{"..xx......", 2, 10, 2, 1, AVAILABILITY_UP},
	{"..xx......", 3, 10, 0, 0, AVAILABILITY_UP},
	{"..xxx.....", 3, 10, 3, 1, AVAILABILITY_UP},
	{"..x.......", 1, 10, 1, 1, AVAILABILITY_UP},
	/* down from the first of them, and still */
	{"......xxxx", 2, 10, 4, 1, AVAILABILITY_DOWN},
	{"xxxxxxxxxx", 2, 10, 10, 1, AVAILABILITY_DOWN},
	{"xx.xx.xx.x", 2, 10, 6, 3, AVAILABILITY_UP},
	/* nothing is known before the second failure */
	{"x", 2, 0, 0, 0, AVAILABILITY_UNKNOWN},
	{"x.........", 2, 10, 0, 0, AVAILABILITY_UP},
	/* our own fault */
	{"...??.....", 2, 8, 0, 0, AVAILABILITY_UP},
	{"?.........", 2, 9, 0, 0, AVAILABILITY_UP},
	{"?", 2, 0, 0, 0, AVAILABILITY_UNKNOWN},
	{"...?xx....", 2, 9, 2, 1, AVAILABILITY_UP},
	{"..x?x.....", 2, 9, 0, 0, AVAILABILITY_UP},
	/* an outage that was out of sight for a while is still the same */
	{"..xx?xx...", 2, 9, 4, 1, AVAILABILITY_UP},
	{"..xx?x....", 2, 9, 3, 1, AVAILABILITY_UP},
	{"..xx?..xx.", 2, 9, 4, 2, AVAILABILITY_UP},
	/* runs that were skipped */
	{"...  .....", 2, 8, 0, 0, AVAILABILITY_UP},
	{"..x  x....", 2, 8, 0, 0, AVAILABILITY_UP},
	{"..xx  xx..", 2, 8, 4, 1, AVAILABILITY_UP},
	{"x    xx...", 2, 5, 2, 1, AVAILABILITY_UP},
};

Test(availability, counts_what_it_should)
{
	for (size_t i = 0; i < sizeof(plays) / sizeof(plays[0]); i++) {
		struct availability_figures figures;
		struct desk desk;

		set_up(&desk, plays[i].failures);
		play(&desk, plays[i].results);
		figures = read_at(&desk, AVAILABILITY_HOUR);
		cr_expect_eq(figures.known_ms, plays[i].known * SECOND_MS, "\"%s\": known %lld ms", plays[i].results,
			     (long long)figures.known_ms);
		cr_expect_eq(figures.down_ms, plays[i].down * SECOND_MS, "\"%s\": down %lld ms", plays[i].results,
			     (long long)figures.down_ms);
		cr_expect_eq(figures.outages, plays[i].outages, "\"%s\": %u outages", plays[i].results,
			     figures.outages);
		cr_expect_eq(desk.availability.outages, plays[i].outages, "\"%s\"", plays[i].results);
		cr_expect_eq(desk.availability.state, plays[i].state, "\"%s\"", plays[i].results);
		tear_down(&desk);
	}
}

Test(availability, takes_no_memory_without_outages)
{
	struct desk desk;

	set_up(&desk, 2);
	repeat(&desk, '.', 100000);
	play(&desk, ".x.x.");
	cr_expect_null(desk.availability.past);
	cr_expect_leq(sizeof(desk.availability), 64);
	cr_expect_eq(read_at(&desk, AVAILABILITY_DAY).known_ms, DAY_MS);
	tear_down(&desk);
}

Test(availability, tells_each_change_once)
{
	struct desk desk;

	set_up(&desk, 2);
	play(&desk, ".");
	cr_assert_eq(desk.nchanges, 1);
	cr_assert_eq(desk.changes[0].state, AVAILABILITY_UP);
	cr_assert_eq(desk.changes[0].at_ms, BEGIN_MS);
	play(&desk, "..x");
	cr_assert_eq(desk.nchanges, 0);
	play(&desk, "x");
	cr_assert_eq(desk.nchanges, 1);
	cr_assert_eq(desk.changes[0].state, AVAILABILITY_DOWN);
	cr_assert_eq(desk.changes[0].at_ms, BEGIN_MS + 3 * SECOND_MS);
	play(&desk, "x   .");
	cr_assert_eq(desk.nchanges, 2);
	cr_assert_eq(desk.changes[0].state, AVAILABILITY_UNKNOWN);
	cr_assert_eq(desk.changes[0].at_ms, BEGIN_MS + 6 * SECOND_MS);
	cr_assert_eq(desk.changes[1].state, AVAILABILITY_UP);
	cr_assert_eq(availability_streak_ms(&desk.availability, desk.at_ms), SECOND_MS);
	tear_down(&desk);
}

/* Runs come a little early and late. */
Test(availability, is_patient_with_the_schedule)
{
	struct desk desk;

	set_up(&desk, 2);
	play(&desk, ".");
	for (int i = 0; i < 1000; i++) {
		int64_t at_ms = desk.at_ms + i * SECOND_MS + (i % 7) * 80 - 200;

		cr_assert_eq(
			availability_note(&desk.availability, &desk.rules, at_ms, AVAILABILITY_SUCCEEDED, desk.changes),
			0);
	}
	tear_down(&desk);
}

/* A clock that is set back makes no time out of nothing. */
Test(availability, survives_a_clock_that_is_set_back)
{
	struct availability_figures figures;
	struct desk desk;

	set_up(&desk, 2);
	repeat(&desk, '.', 100);
	play(&desk, "xx.");
	desk.at_ms -= 50 * SECOND_MS;
	play(&desk, "..xx..");
	figures = read_at(&desk, AVAILABILITY_HOUR);
	cr_expect_geq(figures.known_ms, 0);
	cr_expect_leq(figures.down_ms, 4 * SECOND_MS);
	cr_expect_eq(desk.availability.state, AVAILABILITY_UP);
	tear_down(&desk);
}

/* --- gaps -------------------------------------------------------------------------------------------------------- */

Test(availability, gaps_are_measured)
{
	struct availability_gaps gaps = {0};

	cr_assert_eq(availability_gaps_within(&gaps, 0, 1000), 0);
	availability_gaps_add(&gaps, 100, 200);
	availability_gaps_add(&gaps, 150, 250); /* overlaps */
	availability_gaps_add(&gaps, 240, 240); /* empty */
	availability_gaps_add(&gaps, 300, 400);
	cr_assert_eq(gaps.n, 3);
	cr_assert_eq(availability_gaps_within(&gaps, 0, 1000), 250);
	cr_assert_eq(availability_gaps_within(&gaps, 150, 350), 150);
	cr_assert_eq(availability_gaps_within(&gaps, 250, 300), 0);
	cr_assert_eq(availability_gaps_within(&gaps, 400, 100), 0);
	for (int i = 0; i < AVAILABILITY_GAPS_MAX + 10; i++)
		availability_gaps_add(&gaps, 1000 + 10 * i, 1005 + 10 * i);
	cr_assert_eq(gaps.n, AVAILABILITY_GAPS_MAX);
	int64_t end = 1000 + 10 * (AVAILABILITY_GAPS_MAX + 10);
	cr_assert_eq(availability_gaps_within(&gaps, end - 1000, end), 500);
	availability_gaps_free(&gaps);
}

/* The daemon was away for ten minutes, in an outage of half an hour. */
Test(availability, gaps_count_for_nothing)
{
	struct availability_figures figures;
	struct desk desk;

	set_up(&desk, 2);
	repeat(&desk, '.', 900);
	repeat(&desk, 'x', 600);
	availability_gaps_add(&desk.gaps, desk.at_ms, desk.at_ms + 600 * SECOND_MS);
	desk.at_ms += 600 * SECOND_MS;
	availability_resume(&desk.availability, &desk.rules, desk.at_ms);
	repeat(&desk, 'x', 600);
	repeat(&desk, '.', 900);
	figures = read_at(&desk, AVAILABILITY_HOUR);
	cr_expect_eq(figures.known_ms, HOUR_MS - 600 * SECOND_MS);
	cr_expect_eq(figures.down_ms, 1200 * SECOND_MS);
	cr_expect_eq(figures.outages, 1);
	tear_down(&desk);
}

/* --- against a ledger of every second ---------------------------------------------------------------------------- */

/* What the windows must say, counted second by second. */
static struct availability_figures count(const char *ledger, size_t n, enum availability_window window)
{
	size_t seconds = (size_t)(availability_window_ms(window) / SECOND_MS);
	size_t from = n > seconds ? n - seconds : 0;
	struct availability_figures figures = {0};
	char known = '.';

	for (size_t i = 0; i < n; i++) {
		if (i >= from) {
			figures.known_ms += ledger[i] != '?' ? SECOND_MS : 0;
			figures.down_ms += ledger[i] == 'x' ? SECOND_MS : 0;
			figures.outages += ledger[i] == 'x' && (known != 'x' || i == from);
		}
		known = ledger[i] == '?' ? known : ledger[i];
	}
	return figures;
}

static void compare(struct desk *desk, const char *ledger, size_t n, bool is_exact)
{
	for (int window = 0; window < AVAILABILITY_WINDOWS; window++) {
		struct availability_figures wanted = count(ledger, n, (enum availability_window)window);
		struct availability_figures got = read_at(desk, (enum availability_window)window);
		int64_t slack_ms = is_exact ? 0 : HOUR_MS;

		cr_expect_leq(llabs(got.known_ms - wanted.known_ms), slack_ms, "%s: known %lld, not %lld",
			      availability_window_names[window], (long long)got.known_ms, (long long)wanted.known_ms);
		cr_expect_leq(llabs(got.down_ms - wanted.down_ms), slack_ms, "%s: down %lld, not %lld",
			      availability_window_names[window], (long long)got.down_ms, (long long)wanted.down_ms);
		cr_expect_leq(abs((int)got.outages - (int)wanted.outages), is_exact ? 0 : 60, "%s: %u outages, not %u",
			      availability_window_names[window], got.outages, wanted.outages);
	}
}

/* Plays states of random length; ledger gets them second by second. */
static size_t wander(struct desk *desk, char *ledger, size_t n, unsigned longest)
{
	static const char states[] = "..x.x?";
	size_t done = 0;

	while (done < n) {
		char state = states[(unsigned)rand() % (sizeof(states) - 1)];
		size_t length = 2 + (unsigned)rand() % longest;

		for (size_t i = 0; i < length && done < n; i++) {
			ledger[done++] = state;
			repeat(desk, state, 1);
		}
		if (state == 'x' && done == n && length < 2)
			break;
	}
	return done;
}

Test(availability, agrees_with_a_ledger_while_the_ring_reaches)
{
	static char ledger[20000];

	for (unsigned seed = 1; seed <= 20; seed++) {
		struct desk desk;
		size_t n;

		srand(seed);
		set_up(&desk, 1);
		n = wander(&desk, ledger, 3000, 200);
		compare(&desk, ledger, n, true);
		tear_down(&desk);
	}
}

/* Two days of flapping: only sums of hours are left of most of it. */
Test(availability, agrees_with_a_ledger_when_hours_are_folded)
{
	size_t n = 2 * 24 * 3600;
	char *ledger = malloc(n);

	for (unsigned seed = 1; seed <= 5; seed++) {
		struct desk desk;

		srand(seed);
		set_up(&desk, 1);
		wander(&desk, ledger, n, 100);
		compare(&desk, ledger, n, false);
		/* whole hours are exact, but for outages that go on over a border */
		cr_expect_eq(read_at(&desk, AVAILABILITY_MONTH).down_ms, count(ledger, n, AVAILABILITY_MONTH).down_ms);
		cr_expect_eq(read_at(&desk, AVAILABILITY_MONTH).known_ms,
			     count(ledger, n, AVAILABILITY_MONTH).known_ms);
		cr_expect_eq(read_at(&desk, AVAILABILITY_MONTH).outages, count(ledger, n, AVAILABILITY_MONTH).outages);
		tear_down(&desk);
	}
	free(ledger);
}

/* Months at one result a minute: what is older than thirty days goes. */
Test(availability, forgets_after_a_month)
{
	struct availability_figures figures;
	struct desk desk;

	set_up(&desk, 2);
	desk.rules.interval_ms = MINUTE_MS;
	for (int i = 0; i < 200; i++) {
		repeat(&desk, 'x', 30);
		repeat(&desk, '.', 30);
	}
	for (int day = 0; day < 31; day++)
		repeat(&desk, '.', 24 * 60);
	figures = read_at(&desk, AVAILABILITY_MONTH);
	cr_expect_eq(figures.known_ms, 30 * DAY_MS);
	cr_expect_eq(figures.down_ms, 0);
	cr_expect_eq(figures.outages, 0);
	cr_expect_eq(desk.availability.outages, 200);
	tear_down(&desk);
}

/* --- what outlives a restart ------------------------------------------------------------------------------------- */

struct copying {
	struct availability *copy;
	const struct availability_gaps *gaps;
};

static void copy_hour(void *arg, const struct availability_hour *hour)
{
	availability_restore_hour(((struct copying *)arg)->copy, hour);
}

static void copy_change(void *arg, const struct availability_change *change)
{
	availability_restore(((struct copying *)arg)->copy, change, ((struct copying *)arg)->gaps);
}

Test(availability, a_copy_says_the_same)
{
	size_t n = 30000;
	char *ledger = malloc(n);

	for (unsigned seed = 1; seed <= 10; seed++) {
		struct availability copy = {0};
		struct desk desk;
		struct copying copying = {&copy, &desk.gaps};
		const struct availability_visitor visitor = {copy_hour, copy_change, &copying};

		srand(seed);
		set_up(&desk, 1);
		wander(&desk, ledger, seed * 3000, seed % 2 ? 20 : 2000);
		availability_visit(&desk.availability, &visitor);
		cr_expect_eq(copy.state, desk.availability.state);
		cr_expect_eq(copy.since_ms, desk.availability.since_ms);
		cr_expect_eq(copy.outages, desk.availability.outages, "seed %u: %u, not %u", seed, copy.outages,
			     desk.availability.outages);
		for (int window = 0; window < AVAILABILITY_WINDOWS; window++) {
			struct availability_figures a = read_at(&desk, (enum availability_window)window);
			struct availability_figures b =
				availability_read(&copy, &desk.gaps, (enum availability_window)window, desk.at_ms);

			cr_expect(a.known_ms == b.known_ms && a.down_ms == b.down_ms && a.outages == b.outages,
				  "seed %u: %s: %lld %lld %u, not %lld %lld %u", seed,
				  availability_window_names[window], (long long)b.known_ms, (long long)b.down_ms,
				  b.outages, (long long)a.known_ms, (long long)a.down_ms, a.outages);
		}
		availability_free(&copy);
		tear_down(&desk);
	}
	free(ledger);
}

Test(availability, hours_that_cannot_be_are_ignored)
{
	const struct availability_hour wrong[] = {{0, 1, 1, 1}, {-5, 1, 1, 1}, {INT64_MAX, 1, 1, 1}};
	struct availability availability = {0};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		availability_restore_hour(&availability, &wrong[i]);
	cr_assert_null(availability.past);
	availability_free(&availability);
}
