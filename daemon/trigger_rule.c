#include "daemon/trigger_rule.h"

#include <string.h>

#include "core/clock.h"
#include "probes/probe.h"

/* --- one sample -------------------------------------------------------------------------------------------------- */

static int find_measure(const struct measure_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->measures[i].kind == MEASURE_GAUGE && strcmp(set->measures[i].name, name) == 0)
			return (int)i;
	return -1;
}

static void find_measures(struct trigger_measures *measures, const struct measure_set *set)
{
	if (measures->set == set)
		return;
	measures->set = set;
	measures->loss = find_measure(set, "loss_ratio");
	measures->rtt = find_measure(set, "rtt_avg_seconds");
}

static bool find_reading(const struct sample *sample, int measure, double *value)
{
	const struct row *row = sample->rows;

	if (measure < 0)
		return false;
	for (size_t i = 0; i < row->n; i++) {
		if (row->readings[i].measure == measure) {
			*value = row->readings[i].value.number;
			return true;
		}
	}
	return false;
}

static bool is_about_path(enum reason reason)
{
	return reason != REASON_RESOLVE && reason != REASON_DENIED && reason != REASON_LOCAL;
}

static bool find_rtt(const struct trigger_measures *measures, const struct sample *sample,
		     struct trigger_crossing *crossing)
{
	if (measures->rtt >= 0) {
		crossing->what = TRIGGER_RTT;
		return find_reading(sample, measures->rtt, &crossing->value);
	}
	crossing->what = TRIGGER_DURATION;
	crossing->value = clock_seconds(sample->took_ns);
	return true;
}

static struct trigger_crossing compare_values(const struct trigger_plan *plan, struct trigger_measures *measures,
					      const struct sample *sample)
{
	struct trigger_crossing crossing = {.reason = sample->reason};

	find_measures(measures, sample->rows[0].set);
	crossing.what = TRIGGER_LOSS;
	crossing.threshold = plan->on_loss;
	if (plan->on_loss > 0 && find_reading(sample, measures->loss, &crossing.value) &&
	    crossing.value >= plan->on_loss)
		return crossing;
	crossing.threshold = clock_seconds(plan->on_rtt_ns);
	if (plan->on_rtt_ns > 0 && find_rtt(measures, sample, &crossing) && crossing.value >= crossing.threshold)
		return crossing;
	return (struct trigger_crossing){.what = TRIGGER_NOTHING, .reason = sample->reason};
}

struct trigger_crossing trigger_compare(const struct trigger_plan *plan, struct trigger_measures *measures,
					const struct sample *sample)
{
	struct trigger_crossing crossing = {.what = TRIGGER_NOTHING, .reason = sample->reason};

	if (!is_about_path(sample->reason))
		return crossing;
	if (plan->on_failure && sample->reason != REASON_OK)
		crossing.what = TRIGGER_FAILURE;
	else if (sample->nrows > 0)
		crossing = compare_values(plan, measures, sample);
	return crossing;
}

void trigger_add_words(struct text *out, const char *probe, const struct trigger_crossing *crossing)
{
	static const char *const words[] = {
		[TRIGGER_LOSS] = "loss of ",
		[TRIGGER_RTT] = "round-trip time of ",
		[TRIGGER_DURATION] = "duration of ",
	};
	const char *unit = crossing->what == TRIGGER_LOSS ? "" : " s";

	if (crossing->what == TRIGGER_NOTHING || crossing->what == TRIGGER_FAILURE) {
		text_add_format(out, "%s failed: %s", probe, reason_name(crossing->reason));
		return;
	}
	text_add_format(out, "%s%s: ", words[crossing->what], probe);
	text_add_double(out, crossing->value);
	text_add_format(out, "%s (threshold ", unit);
	text_add_double(out, crossing->threshold);
	text_add_format(out, "%s)", unit);
}

bool trigger_watches(const struct trigger_plan *plan, const char *probe)
{
	for (size_t i = 0; i < plan->nprobes; i++)
		if (strcmp(plan->probes[i], probe) == 0)
			return true;
	return plan->nprobes == 0;
}

/* --- how often --------------------------------------------------------------------------------------------------- */

static void begin_trouble(struct trigger_state *state, int64_t pause_ns, int64_t now_ns)
{
	if (state->had_trouble && now_ns - state->since_calm_ns < pause_ns)
		return;
	state->had_trouble = true;
	state->pause_ns = 0;
	state->next_ns = now_ns;
}

bool trigger_note(struct trigger_state *state, bool was_above, bool is_above, int64_t pause_ns, int64_t now_ns)
{
	if (is_above && state->nabove == 0)
		begin_trouble(state, pause_ns, now_ns);
	if (is_above && !was_above)
		state->nabove++;
	if (!is_above && was_above) {
		state->nabove--;
		state->since_calm_ns = now_ns;
	}
	return is_above && now_ns >= state->next_ns;
}

void trigger_note_run(struct trigger_state *state, int64_t pause_ns, int64_t now_ns)
{
	int64_t most_ns = pause_ns > TRIGGER_PAUSE_MAX_NS ? pause_ns : TRIGGER_PAUSE_MAX_NS;
	int64_t next_ns = state->pause_ns > 0 ? state->pause_ns * 2 : pause_ns;

	state->pause_ns = next_ns < most_ns ? next_ns : most_ns;
	state->next_ns = now_ns + state->pause_ns;
}
