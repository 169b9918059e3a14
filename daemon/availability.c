#include "daemon/availability.h"

#include "core/clock.h"
#include "core/slabs.h"
#include "daemon/availability_keeper.h"
#include "daemon/sheet.h"
#include "qos/availability.h"

#define SETTING(kind, field) kind, offsetof(struct availability_settings, field)

const struct option availability_options[] = {
	{"enabled", SETTING(OPTION_BOOLEAN, is_enabled), .fallback = "true",
	 .help = "Counts outages of every probe of every target, over the last hour, day, week and month, and keeps "
		 "that over restarts in agent.state_dir"},
	{"failures", SETTING(OPTION_INTEGER, failures), .minimum = 1, .maximum = 1000, .fallback = "2",
	 .help = "So many failed runs in a row are an outage, which then began with the first of them"},
};
const size_t availability_noptions = sizeof(availability_options) / sizeof(availability_options[0]);

enum { UP, STREAK, OUTAGES_TOTAL, RATIO, COVERAGE, OUTAGES, DOWNTIME, BETWEEN, REPAIR, MEASURES };
static const struct measure measures[MEASURES] = {
	[UP] = {"up", MEASURE_INTEGER,
		"Whether the target is up (1) or down (0) as this probe sees it; absent while that is not known"},
	[STREAK] = {"streak_seconds", MEASURE_GAUGE, "How long it has been up, down or unknown without a break"},
	[OUTAGES_TOTAL] = {"outages_total", MEASURE_COUNTER, "Outages since the target was first measured"},
	[RATIO] = {"ratio", MEASURE_GAUGE, "Part of the known time of the window in which the target was up, 0 to 1"},
	[COVERAGE] = {"coverage_ratio", MEASURE_GAUGE,
		      "Part of the window about which anything is known, 0 to 1: the daemon's own downtime, skipped "
		      "runs and runs that failed for a reason of our own are not"},
	[OUTAGES] = {"outages", MEASURE_INTEGER, "Outages in the window"},
	[DOWNTIME] = {"downtime_seconds", MEASURE_GAUGE, "How long the target was down in the window"},
	[BETWEEN] = {"mtbf_seconds", MEASURE_GAUGE,
		     "Mean time between failures: time up in the window, divided by its outages"},
	[REPAIR] = {"mttr_seconds", MEASURE_GAUGE,
		    "Mean time to repair: time down in the window, divided by its outages"},
};
static const char *const label_names[] = {"window", NULL};
const struct measure_set availability_set = {
	.name = "availability",
	.measures = measures,
	.n = MEASURES,
	.label_names = label_names,
	.help = "How much of the time the target was there, over the last hour, day, week and month",
};
static const struct measure_set *const sets[] = {&availability_set, NULL};

struct state {
	struct availability_desk *desk;
	const struct subject *subject;
	struct slabs *slabs;
	int64_t interval_ms;
	int64_t line_ms; /* when the last lines were made; 0 = never, or there is something to tell */
	struct availability availability;
};

/* What windows of an hour to a month say changes slowly: lines are made so often, and when the state has changed. */
#define LINE_PAUSE_MS INT64_C(60000)

static struct availability_rules rules_of(const struct state *state)
{
	return (struct availability_rules){state->interval_ms, state->desk->failures,
					   availability_keeper_gaps(state->desk->keeper)};
}

static void *open_state(void *context, const struct assessed *about)
{
	struct state *state;

	if (about->interval_ns < NS_PER_MS)
		return NULL;
	state = slabs_take(about->slabs, sizeof(*state));
	*state = (struct state){context, about->subject, about->slabs, about->interval_ns / NS_PER_MS, 0, {0}};
	const struct availability_rules rules = rules_of(state);
	availability_keeper_take(state->desk->keeper, about->subject->target, about->subject->probe, &rules,
				 &state->availability);
	return state;
}

static void close_state(void *arg)
{
	struct state *state = arg;

	availability_keeper_give(state->desk->keeper, state->subject->target, state->subject->probe,
				 &state->availability);
	slabs_give(state->slabs, state, sizeof(*state));
}

static void note(void *arg, const struct sample *sample)
{
	struct state *state = arg;
	const struct availability_rules rules = rules_of(state);
	struct availability_change changes[AVAILABILITY_CHANGES_MAX];
	enum availability_result result = sample->reason == REASON_OK      ? AVAILABILITY_SUCCEEDED
					  : sample->reason == REASON_LOCAL ? AVAILABILITY_NOT_KNOWN
									   : AVAILABILITY_FAILED;
	size_t n =
		availability_note(&state->availability, &rules, sample->begun_realtime_ns / NS_PER_MS, result, changes);

	if (n == 0)
		return;
	state->line_ms = 0;
	availability_keeper_note(state->desk->keeper, state->subject->target, state->subject->probe, changes, n);
}

static double seconds(int64_t ms)
{
	return (double)ms / 1e3;
}

/* A clock that was set back must not silence it. */
static bool is_line_due(const struct state *state, int64_t now_ms)
{
	int64_t passed_ms = now_ms - state->line_ms;

	return passed_ms < 0 || passed_ms >= LINE_PAUSE_MS;
}

static void begin_row(struct sheet *sheet, bool is_quiet)
{
	sheet_begin(sheet, &availability_set);
	if (is_quiet)
		sheet_be_quiet(sheet);
}

static void report_window(const struct state *state, enum availability_window window, int64_t now_ms,
			  struct sheet *sheet, bool is_quiet)
{
	struct availability_figures figures =
		availability_read(&state->availability, availability_keeper_gaps(state->desk->keeper), window, now_ms);

	begin_row(sheet, is_quiet);
	sheet_add_label(sheet, "window", availability_window_names[window]);
	if (figures.known_ms > 0)
		sheet_add_number(sheet, RATIO, 1 - (double)figures.down_ms / (double)figures.known_ms);
	sheet_add_number(sheet, COVERAGE, (double)figures.known_ms / (double)figures.window_ms);
	sheet_add_integer(sheet, OUTAGES, figures.outages);
	sheet_add_number(sheet, DOWNTIME, seconds(figures.down_ms));
	if (figures.outages == 0)
		return;
	sheet_add_number(sheet, BETWEEN, seconds(figures.known_ms - figures.down_ms) / figures.outages);
	sheet_add_number(sheet, REPAIR, seconds(figures.down_ms) / figures.outages);
}

static void report(void *arg, int64_t realtime_ns, struct sheet *sheet)
{
	struct state *state = arg;
	int64_t now_ms = realtime_ns / NS_PER_MS;
	bool is_quiet = !is_line_due(state, now_ms);

	if (!is_quiet)
		state->line_ms = now_ms;
	begin_row(sheet, is_quiet);
	if (state->availability.state != AVAILABILITY_UNKNOWN)
		sheet_add_integer(sheet, UP, state->availability.state == AVAILABILITY_UP);
	sheet_add_number(sheet, STREAK, seconds(availability_streak_ms(&state->availability, now_ms)));
	sheet_add_integer(sheet, OUTAGES_TOTAL, state->availability.outages);
	for (int window = 0; window < AVAILABILITY_WINDOWS; window++)
		report_window(state, (enum availability_window)window, now_ms, sheet, is_quiet);
}

const struct assessor availability_assessor = {sets, open_state, note, report, close_state};
