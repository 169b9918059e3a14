#include <criterion/criterion.h>
#include <string.h>

#include "core/clock.h"
#include "daemon/pace.h"
#include "daemon/trigger_rule.h"
#include "probes/probe.h"

#define S NS_PER_SECOND

/* --- one sample -------------------------------------------------------------------------------------------------- */

enum { SENT, LOSS, AVERAGE };
static const struct measure ping_measures[] = {
	{"sent_total", MEASURE_COUNTER, "s"},
	{"loss_ratio", MEASURE_GAUGE, "l"},
	{"rtt_avg_seconds", MEASURE_GAUGE, "r"},
};
static const struct measure_set ping_like = {"ping", ping_measures, 3, NULL, "p"};
/* A counter of that name is not the ratio. */
static const struct measure web_measures[] = {{"loss_ratio", MEASURE_COUNTER, "l"}};
static const struct measure_set web_like = {"web", web_measures, 1, NULL, "w"};

struct found {
	enum reason reason;
	double loss, rtt; /* -1: no reading */
	int64_t took_ns;
	bool is_web;
};

static struct trigger_crossing compare(const struct trigger_plan *plan, const struct found *found)
{
	struct trigger_measures measures = {0};
	struct reading readings[3];
	struct row row = {.set = found->is_web ? &web_like : &ping_like, .readings = readings};
	const struct sample sample = {.reason = found->reason, .took_ns = found->took_ns, .rows = &row, .nrows = 1};
	struct trigger_crossing first;

	readings[row.n++] = reading_integer(SENT, 4);
	if (!found->is_web && found->loss >= 0)
		readings[row.n++] = reading_number(LOSS, found->loss);
	if (!found->is_web && found->rtt >= 0)
		readings[row.n++] = reading_number(AVERAGE, found->rtt);
	first = trigger_compare(plan, &measures, &sample);
	/* What is known of the set by now changes nothing. */
	cr_expect_eq(trigger_compare(plan, &measures, &sample).what, first.what);
	return first;
}

static const struct trigger_plan all = {.on_failure = true, .on_loss = 0.2, .on_rtt_ns = S / 10};

Test(trigger_rule, a_sample_is_compared)
{
	static const struct trigger_plan loss = {.on_loss = 0.2}, rtt = {.on_rtt_ns = S / 10}, none = {0};
	static const struct {
		const struct trigger_plan *plan;
		struct found found;
		enum trigger_what what;
		double value, threshold;
	} cases[] = {
		{&all, {REASON_OK, 0, 0.05, S, false}, TRIGGER_NOTHING, 0, 0},
		{&all, {REASON_TIMEOUT, 1, -1, S, false}, TRIGGER_FAILURE, 0, 0},
		{&all, {REASON_OK, 0.2, 0.5, S, false}, TRIGGER_LOSS, 0.2, 0.2},
		{&all, {REASON_OK, 0.19, 0.1, S, false}, TRIGGER_RTT, 0.1, 0.1},
		{&all, {REASON_OK, -1, 0.0999, S, false}, TRIGGER_NOTHING, 0, 0},
		{&all, {REASON_OK, -1, -1, S, false}, TRIGGER_NOTHING, 0, 0},
		{&all, {REASON_OK, 0, 0, S / 10, true}, TRIGGER_DURATION, 0.1, 0.1},
		{&all, {REASON_OK, 0, 0, S / 11, true}, TRIGGER_NOTHING, 0, 0},
		{&loss, {REASON_TIMEOUT, 1, -1, S, false}, TRIGGER_LOSS, 1, 0.2},
		{&loss, {REASON_OK, 0, 7, S, false}, TRIGGER_NOTHING, 0, 0},
		{&loss, {REASON_TIMEOUT, 0, 0, S, true}, TRIGGER_NOTHING, 0, 0},
		{&rtt, {REASON_TIMEOUT, 1, -1, S, false}, TRIGGER_NOTHING, 0, 0},
		{&rtt, {REASON_TIMEOUT, 0, 0, S, true}, TRIGGER_DURATION, 1, 0.1},
		{&none, {REASON_TIMEOUT, 1, 7, S, false}, TRIGGER_NOTHING, 0, 0},
		/* Nothing about the way to the target: */
		{&all, {REASON_RESOLVE, 1, 1, S, false}, TRIGGER_NOTHING, 0, 0},
		{&all, {REASON_DENIED, 1, 1, S, false}, TRIGGER_NOTHING, 0, 0},
		{&all, {REASON_LOCAL, 1, 1, S, true}, TRIGGER_NOTHING, 0, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct trigger_crossing crossing = compare(cases[i].plan, &cases[i].found);

		cr_expect_eq(crossing.what, cases[i].what, "case %zu: %d", i, (int)crossing.what);
		cr_expect_eq(crossing.reason, cases[i].found.reason);
		if (crossing.what != TRIGGER_NOTHING) {
			cr_expect_eq(crossing.value, cases[i].value, "case %zu", i);
			cr_expect_eq(crossing.threshold, cases[i].threshold, "case %zu", i);
		}
	}
}

Test(trigger_rule, without_rows_only_failures_count)
{
	const struct sample failed = {.reason = REASON_REFUSED, .took_ns = 9 * S}, fine = {.took_ns = 9 * S};
	struct trigger_measures measures = {0};

	cr_expect_eq(trigger_compare(&all, &measures, &failed).what, TRIGGER_FAILURE);
	cr_expect_eq(trigger_compare(&all, &measures, &fine).what, TRIGGER_NOTHING);
}

Test(trigger_rule, crossings_are_told_in_words)
{
	static const struct {
		struct trigger_crossing crossing;
		const char *words;
	} cases[] = {
		{{TRIGGER_FAILURE, REASON_TIMEOUT, 0, 0}, "p failed: timeout"},
		{{TRIGGER_LOSS, REASON_OK, 0.4, 0.2}, "loss of p: 0.4 (threshold 0.2)"},
		{{TRIGGER_RTT, REASON_OK, 0.35, 0.2}, "round-trip time of p: 0.35 s (threshold 0.2 s)"},
		{{TRIGGER_DURATION, REASON_OK, 3, 2}, "duration of p: 3 s (threshold 2 s)"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text text = {0};

		trigger_add_words(&text, "p", &cases[i].crossing);
		cr_expect_str_eq(text_string(&text), cases[i].words);
		text_free(&text);
	}
}

Test(trigger_rule, some_or_all_probes_are_watched)
{
	static const char *const names[] = {"a", "b"};
	const struct trigger_plan some = {.probes = names, .nprobes = 2}, any = {0};

	cr_expect(trigger_watches(&some, "a") && trigger_watches(&some, "b") && !trigger_watches(&some, "c"));
	cr_expect(trigger_watches(&any, "c"));
}

/* --- how often --------------------------------------------------------------------------------------------------- */

struct watched {
	struct trigger_state state;
	int64_t now_ns, pause_ns;
	bool is_above[2];
	unsigned runs;
	int64_t last_run_ns;
};

/* The next sample of a probe; whatever may run does. */
static bool note(struct watched *watched, unsigned probe, bool is_above)
{
	bool runs =
		trigger_note(&watched->state, watched->is_above[probe], is_above, watched->pause_ns, watched->now_ns);

	watched->is_above[probe] = is_above;
	if (runs) {
		trigger_note_run(&watched->state, watched->pause_ns, watched->now_ns);
		watched->runs++;
		watched->last_run_ns = watched->now_ns;
	}
	return runs;
}

static struct watched make(int64_t pause_ns)
{
	return (struct watched){.pause_ns = pause_ns, .now_ns = 5 * S};
}

Test(trigger_rule, trouble_is_traced_when_it_begins)
{
	struct watched watched = make(60 * S);

	cr_expect_not(note(&watched, 0, false));
	cr_expect(note(&watched, 0, true));
	watched.now_ns += S;
	cr_expect_not(note(&watched, 0, true));
	cr_expect_not(note(&watched, 1, true), "another probe of the target does not trace it again");
}

Test(trigger_rule, what_stays_down_is_traced_ever_more_rarely)
{
	static const int64_t pauses[] = {60, 120, 240, 480, 960, 1920, 3600, 3600, 3600};
	struct watched watched = make(60 * S);
	size_t n = 0;

	note(&watched, 0, true);
	for (int64_t last_ns = watched.now_ns; n < sizeof(pauses) / sizeof(pauses[0]);) {
		watched.now_ns += S;
		if (!note(&watched, 0, true))
			continue;
		cr_expect_eq(watched.now_ns - last_ns, pauses[n] * S, "pause %zu", n);
		last_ns = watched.now_ns;
		n++;
	}
}

Test(trigger_rule, a_pause_longer_than_an_hour_stays_as_it_is)
{
	struct watched watched = make(7200 * S);

	for (int64_t end_ns = watched.now_ns + 5 * 7200 * S; watched.now_ns < end_ns; watched.now_ns += 100 * S)
		note(&watched, 0, true);
	cr_expect_eq(watched.runs, 5);
}

/* Up and down every few seconds is one trouble: a day of it is a few traces, not one a minute. */
Test(trigger_rule, what_comes_and_goes_is_one_trouble)
{
	struct watched watched = make(60 * S);

	for (unsigned i = 0; i < 86400 / 5; i++, watched.now_ns += 5 * S)
		note(&watched, 0, i % 2 == 0);
	cr_expect_eq(watched.runs, 29, "%u", watched.runs);
}

Test(trigger_rule, after_a_time_of_quiet_it_is_traced_at_once)
{
	struct watched watched = make(60 * S);

	for (int64_t end_ns = watched.now_ns + 7200 * S; watched.now_ns < end_ns; watched.now_ns += S)
		note(&watched, 0, true);
	note(&watched, 0, false);
	watched.now_ns += 59 * S;
	cr_expect_not(note(&watched, 0, true), "not quiet for long enough");
	note(&watched, 0, false);
	watched.now_ns += 60 * S;
	cr_expect(note(&watched, 0, true));
	watched.now_ns += 60 * S;
	cr_expect(note(&watched, 0, true), "its pauses begin anew");
}

/* Samples that come more rarely than the pause: nobody was quiet between two of them. */
Test(trigger_rule, rare_samples_are_no_quiet)
{
	struct watched watched = make(60 * S);
	unsigned runs = 0;

	for (unsigned i = 0; i < 12; i++, watched.now_ns += 300 * S)
		runs += note(&watched, 0, true);
	cr_expect_eq(runs, 6, "%u", runs); /* at 0, 300, 600, 900, 1500 and 2700 s */
}

Test(trigger_rule, quiet_is_when_all_probes_are)
{
	struct watched watched = make(60 * S);

	note(&watched, 0, true);
	note(&watched, 1, true);
	note(&watched, 0, false);
	watched.now_ns += 59 * S;
	note(&watched, 1, false);
	watched.now_ns += 59 * S;
	cr_expect(note(&watched, 0, true), "the first pause is over");
	watched.now_ns += 61 * S;
	cr_expect_not(note(&watched, 0, true), "the second is twice as long: it is the same trouble");
}

/* --- so many a second -------------------------------------------------------------------------------------------- */

Test(pace, so_many_at_once_and_then_a_second)
{
	struct pace pace = pace_make(10, 3);
	int64_t now_ns = 0;
	unsigned n = 0;

	for (; pace_allows(&pace, now_ns); n++)
		pace_take(&pace, now_ns);
	cr_expect_eq(n, 3);
	for (n = 0; now_ns < 10 * S; now_ns += S / 1000) {
		if (pace_allows(&pace, now_ns)) {
			pace_take(&pace, now_ns);
			n++;
		}
	}
	cr_expect(n >= 98 && n <= 100, "%u", n);
	now_ns += 3600 * S;
	for (n = 0; pace_allows(&pace, now_ns); n++)
		pace_take(&pace, now_ns);
	cr_expect_eq(n, 3, "an hour saves up no more");
}
