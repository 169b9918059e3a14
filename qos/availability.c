#include "qos/availability.h"

#include <string.h>

#include "core/mem.h"

#define HOUR_MS INT64_C(3600000)

const char *const availability_window_names[AVAILABILITY_WINDOWS] = {"1h", "24h", "7d", "30d"};

int64_t availability_window_ms(enum availability_window window)
{
	static const int64_t hours[AVAILABILITY_WINDOWS] = {1, 24, 7 * 24, 30 * 24};

	return hours[window] * HOUR_MS;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* --- gaps -------------------------------------------------------------------------------------------------------- */

void availability_gaps_add(struct availability_gaps *gaps, int64_t from_ms, int64_t to_ms)
{
	struct availability_gap *last = gaps->n > 0 ? &gaps->items[gaps->n - 1] : NULL;
	int64_t before_ms = last ? last->before_ms + last->to_ms - last->from_ms : 0;

	if (last)
		from_ms = later(from_ms, last->to_ms);
	if (to_ms <= from_ms)
		return;
	if (gaps->n == AVAILABILITY_GAPS_MAX) {
		gaps->n--;
		memmove(gaps->items, gaps->items + 1, gaps->n * sizeof(*gaps->items));
	} else {
		gaps->items = mem_resize(gaps->items, gaps->n + 1, sizeof(*gaps->items));
	}
	gaps->items[gaps->n++] = (struct availability_gap){from_ms, to_ms, before_ms};
}

void availability_gaps_free(struct availability_gaps *gaps)
{
	mem_free(gaps->items);
	memset(gaps, 0, sizeof(*gaps));
}

/* Length of what lies in gaps before this moment, counted from the first gap there ever was. */
static int64_t gaps_before(const struct availability_gaps *gaps, int64_t at_ms)
{
	size_t low = 0, high = gaps->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (gaps->items[middle].from_ms < at_ms)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return gaps->n > 0 ? gaps->items[0].before_ms : 0;
	const struct availability_gap *gap = &gaps->items[low - 1];
	return gap->before_ms + earlier(at_ms, gap->to_ms) - gap->from_ms;
}

int64_t availability_gaps_within(const struct availability_gaps *gaps, int64_t from_ms, int64_t to_ms)
{
	return to_ms > from_ms ? gaps_before(gaps, to_ms) - gaps_before(gaps, from_ms) : 0;
}

/* How long this was without gaps. */
static int64_t net_ms(const struct availability_gaps *gaps, int64_t from_ms, int64_t to_ms)
{
	return to_ms > from_ms ? to_ms - from_ms - availability_gaps_within(gaps, from_ms, to_ms) : 0;
}

/* --- the past ---------------------------------------------------------------------------------------------------- */

struct cell {
	uint32_t hour; /* that it is about, since 1970; 0 = none */
	uint32_t down_ms, hidden_ms, outages;
};

struct availability_past {
	struct availability_change ring[AVAILABILITY_TRANSITIONS]; /* the last one is the present state */
	uint16_t first, n;
	uint8_t known;      /* the last known state before the oldest of them */
	struct cell *cells; /* [AVAILABILITY_HOURS], by hour; NULL before something fell out of the ring */
};

static struct availability_change *nth(struct availability_past *past, size_t i)
{
	return &past->ring[(past->first + i) % AVAILABILITY_TRANSITIONS];
}

/* The cell of an hour, emptied if it was another's; NULL when it holds a later one. */
static struct cell *cell_at(struct availability_past *past, int64_t hour)
{
	if (!past->cells)
		past->cells = mem_zero(AVAILABILITY_HOURS, sizeof(*past->cells));
	struct cell *cell = &past->cells[hour % AVAILABILITY_HOURS];
	if (cell->hour > hour)
		return NULL;
	if (cell->hour < hour)
		*cell = (struct cell){.hour = (uint32_t)hour};
	return cell;
}

/* A state that held for so long goes into the hours. */
static void fold(struct availability_past *past, const struct availability_gaps *gaps,
		 const struct availability_change *change, int64_t to_ms)
{
	int64_t from_ms = later(change->at_ms, to_ms - AVAILABILITY_HOURS * HOUR_MS);

	if (change->state == AVAILABILITY_DOWN && past->known != AVAILABILITY_DOWN) {
		struct cell *cell = cell_at(past, change->at_ms / HOUR_MS);

		if (cell)
			cell->outages++;
	}
	if (change->state != AVAILABILITY_UNKNOWN)
		past->known = (uint8_t)change->state;
	if (change->state == AVAILABILITY_UP)
		return;
	while (from_ms < to_ms) {
		int64_t end_ms = earlier(to_ms, (from_ms / HOUR_MS + 1) * HOUR_MS);
		struct cell *cell = cell_at(past, from_ms / HOUR_MS);

		if (cell)
			*(change->state == AVAILABILITY_DOWN ? &cell->down_ms : &cell->hidden_ms) +=
				(uint32_t)net_ms(gaps, from_ms, end_ms);
		from_ms = end_ms;
	}
}

static void push(struct availability *availability, const struct availability_change *change,
		 const struct availability_gaps *gaps)
{
	struct availability_past *past = availability->past;

	if (past->n == AVAILABILITY_TRANSITIONS) {
		fold(past, gaps, nth(past, 0), nth(past, 1)->at_ms);
		past->first = (uint16_t)((past->first + 1) % AVAILABILITY_TRANSITIONS);
		past->n--;
	}
	*nth(past, past->n++) = *change;
}

/* Memory for the past is taken when there is one: with the second state. */
static void begin_past(struct availability *availability)
{
	struct availability_past *past = availability->past;

	if (!past)
		past = availability->past = mem_zero(1, sizeof(*past));
	if (past->n == 0 && availability->since_ms > 0) {
		*nth(past, 0) = (struct availability_change){availability->since_ms, availability->state};
		past->n = 1;
	}
}

void availability_restore(struct availability *availability, const struct availability_change *change,
			  const struct availability_gaps *gaps)
{
	struct availability_change moved = *change;

	moved.at_ms = later(moved.at_ms, availability->since_ms);
	if (availability->first_ms == 0)
		availability->first_ms = moved.at_ms;
	if (availability->since_ms > 0 || availability->past) {
		begin_past(availability);
		push(availability, &moved, gaps);
	}
	if (moved.state == AVAILABILITY_DOWN && availability->known != AVAILABILITY_DOWN)
		availability->outages++;
	availability->since_ms = moved.at_ms;
	availability->state = (uint8_t)moved.state;
	if (moved.state != AVAILABILITY_UNKNOWN)
		availability->known = (uint8_t)moved.state;
}

void availability_resume(struct availability *availability, const struct availability_rules *rules, int64_t start_ms)
{
	/* The first run comes within an interval. */
	availability->covered_ms = start_ms + rules->interval_ms;
}

void availability_free(struct availability *availability)
{
	if (availability->past)
		mem_free(availability->past->cells);
	mem_free(availability->past);
	memset(availability, 0, sizeof(*availability));
}

/* --- results ----------------------------------------------------------------------------------------------------- */

struct noting {
	struct availability *availability;
	const struct availability_rules *rules;
	struct availability_change *changes;
	size_t n;
};

static void change_to(struct noting *noting, enum availability_state state, int64_t at_ms)
{
	struct availability_change change = {later(at_ms, noting->availability->since_ms), state};

	noting->changes[noting->n++] = change;
	availability_restore(noting->availability, &change, noting->rules->gaps);
	noting->availability->failures = 0;
}

/* Runs that should have been there were not. Half an interval of patience: runs are never exactly in time. */
static void note_hole(struct noting *noting, int64_t at_ms)
{
	struct availability *availability = noting->availability;
	int64_t hole_ms = net_ms(noting->rules->gaps, availability->covered_ms, at_ms);

	if (availability->covered_ms == 0 || hole_ms <= noting->rules->interval_ms / 2)
		return;
	availability->failures = 0;
	if (availability->state != AVAILABILITY_UNKNOWN)
		change_to(noting, AVAILABILITY_UNKNOWN, availability->covered_ms);
}

static void note_failure(struct noting *noting, int64_t at_ms)
{
	struct availability *availability = noting->availability;

	if (availability->state == AVAILABILITY_DOWN)
		return;
	if (availability->failures++ == 0)
		availability->failing_ms = at_ms;
	/* An outage that was out of sight for a while is still the same. */
	bool goes_on = availability->state == AVAILABILITY_UNKNOWN && availability->known == AVAILABILITY_DOWN;
	if (goes_on || availability->failures >= noting->rules->failures)
		change_to(noting, AVAILABILITY_DOWN, availability->failing_ms);
}

static void note_success(struct noting *noting, int64_t at_ms)
{
	struct availability *availability = noting->availability;
	/* Failures too few to be an outage, with nothing known before them: it was up. */
	bool was_up = availability->state == AVAILABILITY_UNKNOWN && availability->failures > 0;

	if (availability->state != AVAILABILITY_UP)
		change_to(noting, AVAILABILITY_UP, was_up ? availability->failing_ms : at_ms);
	availability->failures = 0;
}

size_t availability_note(struct availability *availability, const struct availability_rules *rules, int64_t at_ms,
			 enum availability_result result, struct availability_change changes[AVAILABILITY_CHANGES_MAX])
{
	struct noting noting = {availability, rules, changes, 0};

	at_ms = later(at_ms, availability->since_ms);
	note_hole(&noting, at_ms);
	switch (result) {
	case AVAILABILITY_SUCCEEDED:
		note_success(&noting, at_ms);
		break;
	case AVAILABILITY_FAILED:
		note_failure(&noting, at_ms);
		break;
	case AVAILABILITY_NOT_KNOWN:
		availability->failures = 0;
		if (availability->state != AVAILABILITY_UNKNOWN)
			change_to(&noting, AVAILABILITY_UNKNOWN, at_ms);
		break;
	}
	availability->covered_ms = at_ms + rules->interval_ms;
	return noting.n;
}

/* --- figures ----------------------------------------------------------------------------------------------------- */

struct reading_window {
	const struct availability_gaps *gaps;
	int64_t from_ms, now_ms;
	int64_t down_ms, hidden_ms;
	uint32_t outages;
	uint8_t known; /* the last known state so far */
};

/* A state that held from .. to. */
static void add_state(struct reading_window *window, const struct availability_change *change, int64_t to_ms)
{
	int64_t from_ms = later(change->at_ms, window->from_ms);
	int64_t length_ms = net_ms(window->gaps, from_ms, earlier(to_ms, window->now_ms));

	if (change->state == AVAILABILITY_DOWN) {
		bool began_here = change->at_ms >= window->from_ms && window->known != AVAILABILITY_DOWN;
		bool was_there = change->at_ms < window->from_ms && to_ms > window->from_ms;

		window->down_ms += length_ms;
		window->outages += began_here || was_there;
	} else if (change->state == AVAILABILITY_UNKNOWN) {
		window->hidden_ms += length_ms;
	}
	if (change->state != AVAILABILITY_UNKNOWN)
		window->known = (uint8_t)change->state;
}

/* An hour of which sums are kept, until the oldest change of the ring: by the part that lies in the window. */
static void add_cell(struct reading_window *window, const struct cell *cell, int64_t ring_ms)
{
	int64_t begin_ms = (int64_t)cell->hour * HOUR_MS;
	int64_t end_ms = earlier(begin_ms + HOUR_MS, ring_ms);
	int64_t inside_ms = end_ms - later(begin_ms, window->from_ms);
	double part;

	if (cell->hour == 0 || inside_ms <= 0)
		return;
	part = (double)inside_ms / (double)(end_ms - begin_ms);
	window->down_ms += (int64_t)(part * cell->down_ms);
	window->hidden_ms += (int64_t)(part * cell->hidden_ms);
	window->outages += part >= 0.5 ? cell->outages : 0;
}

static void read_past(struct reading_window *window, struct availability_past *past)
{
	int64_t ring_ms = nth(past, 0)->at_ms;

	if (past->cells && ring_ms > window->from_ms) {
		for (size_t i = 0; i < AVAILABILITY_HOURS; i++)
			add_cell(window, &past->cells[i], ring_ms);
	}
	window->known = past->known;
	for (size_t i = 0; i < past->n; i++)
		add_state(window, nth(past, i), i + 1 < past->n ? nth(past, i + 1)->at_ms : INT64_MAX);
}

struct availability_figures availability_read(const struct availability *availability,
					      const struct availability_gaps *gaps, enum availability_window window,
					      int64_t now_ms)
{
	struct reading_window reading = {.gaps = gaps, .now_ms = now_ms};
	struct availability_figures figures = {.window_ms = availability_window_ms(window)};

	if (availability->first_ms == 0)
		return figures;
	reading.from_ms = later(now_ms - figures.window_ms, availability->first_ms);
	if (availability->past && availability->past->n > 0) {
		read_past(&reading, availability->past);
	} else {
		const struct availability_change only = {availability->since_ms, availability->state};

		add_state(&reading, &only, INT64_MAX);
	}
	figures.down_ms = reading.down_ms;
	figures.known_ms = later(0, net_ms(gaps, reading.from_ms, now_ms) - reading.hidden_ms);
	figures.outages = reading.outages;
	return figures;
}

int64_t availability_streak_ms(const struct availability *availability, int64_t now_ms)
{
	return availability->since_ms > 0 ? later(0, now_ms - availability->since_ms) : 0;
}

/* --- what outlives a restart ------------------------------------------------------------------------------------- */

/* Hours in their order: the ring of cells begins behind the newest. The one in which everything began is told even when
 * there is nothing to say about it. */
static void visit_cells(const struct availability *availability, const struct availability_visitor *visitor)
{
	const struct availability_past *past = availability->past;
	const struct availability_hour beginning = {.hour = availability->first_ms / HOUR_MS};
	int64_t newest = 0;

	for (size_t i = 0; i < AVAILABILITY_HOURS; i++)
		newest = later(newest, past->cells[i].hour);
	visitor->hour(visitor->arg, &beginning);
	for (int64_t hour = later(1, newest - AVAILABILITY_HOURS + 1); hour <= newest; hour++) {
		const struct cell *cell = &past->cells[hour % AVAILABILITY_HOURS];
		const struct availability_hour kept = {hour, cell->down_ms, cell->hidden_ms, cell->outages};

		if (cell->hour == hour)
			visitor->hour(visitor->arg, &kept);
	}
}

void availability_visit(const struct availability *availability, const struct availability_visitor *visitor)
{
	struct availability_past *past = availability->past;

	if (past && past->cells)
		visit_cells(availability, visitor);
	for (size_t i = 0; past && i < past->n; i++)
		visitor->change(visitor->arg, nth(past, i));
	if (availability->since_ms > 0 && (!past || past->n == 0)) {
		const struct availability_change only = {availability->since_ms, availability->state};

		visitor->change(visitor->arg, &only);
	}
}

void availability_restore_hour(struct availability *availability, const struct availability_hour *hour)
{
	if (hour->hour <= 0 || hour->hour > UINT32_MAX)
		return;
	if (availability->first_ms == 0)
		availability->first_ms = hour->hour * HOUR_MS;
	if (!availability->past)
		availability->past = mem_zero(1, sizeof(*availability->past));
	struct cell *cell = cell_at(availability->past, hour->hour);
	if (!cell)
		return;
	availability->outages += hour->outages;
	cell->down_ms += hour->down_ms;
	cell->hidden_ms += hour->hidden_ms;
	cell->outages += hour->outages;
}
