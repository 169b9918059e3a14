#include "daemon/trigger.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "daemon/pace.h"
#include "daemon/trigger_rule.h"
#include "probes/engine.h"

enum { TRIGGER_RUNS, TRIGGER_PAUSED, TRIGGER_BUSY, TRIGGER_LIMITED, TRIGGER_MEASURES };

static const struct measure trigger_measures[TRIGGER_MEASURES] = {
	[TRIGGER_RUNS] = {"runs_total", MEASURE_COUNTER, "Runs that were set off by what another probe found"},
	[TRIGGER_PAUSED] = {"paused_total", MEASURE_COUNTER,
			    "Crossings of a threshold that set off no run at once because of the pause between two"},
	[TRIGGER_BUSY] = {"busy_total", MEASURE_COUNTER,
			  "Crossings of a threshold that set off no run at once because one was in progress"},
	[TRIGGER_LIMITED] = {"limited_total", MEASURE_COUNTER,
			     "Crossings of a threshold that set off no run at once because those of other targets "
			     "took all that a worker may set off"},
};
static const char *const trigger_labels[] = {"worker", NULL};
const struct measure_set trigger_set = {
	.name = "trigger",
	.measures = trigger_measures,
	.n = TRIGGER_MEASURES,
	.label_names = trigger_labels,
	.help = "Runs that a worker's probes set off",
};

struct trigger_desk {
	struct pace pace;
	_Atomic int64_t figures[TRIGGER_MEASURES];
};

/* A probe that is set off. */
struct listener {
	struct trigger_desk *desk;
	struct probe *probe;
	struct trigger_plan plan;
	struct trigger_state state;
	/* Why it was set off last. */
	char *source; /* the probe */
	struct trigger_crossing crossing;
};

/* From a probe to one that it sets off. */
struct tie {
	struct tie *next;
	struct listener *to;
	const char *probe; /* whose samples these are */
	struct trigger_measures measures;
	bool is_above;
};

struct ties {
	struct listener *own; /* NULL: nothing sets it off */
	struct tie *first;
};

/* --- the desk ---------------------------------------------------------------------------------------------------- */

struct trigger_desk *trigger_desk_create(void)
{
	struct trigger_desk *desk = mem_zero(1, sizeof(*desk));

	desk->pace = pace_make(TRIGGER_RATE, TRIGGER_BURST);
	return desk;
}

void trigger_desk_free(struct trigger_desk *desk)
{
	mem_free(desk);
}

static void count(struct trigger_desk *desk, unsigned figure)
{
	atomic_fetch_add_explicit(&desk->figures[figure], 1, memory_order_relaxed);
}

size_t trigger_desk_read(const struct trigger_desk *desk, struct reading *readings)
{
	for (unsigned i = 0; i < TRIGGER_MEASURES; i++)
		readings[i] = reading_integer(i, atomic_load_explicit(&desk->figures[i], memory_order_relaxed));
	return TRIGGER_MEASURES;
}

/* --- ties -------------------------------------------------------------------------------------------------------- */

static struct ties *make(struct ties **ties)
{
	if (!*ties)
		*ties = mem_zero(1, sizeof(**ties));
	return *ties;
}

void ties_listen(struct ties **ties, struct trigger_desk *desk, struct probe *probe, const struct trigger_plan *plan)
{
	struct listener *listener = mem_zero(1, sizeof(*listener));

	listener->desk = desk;
	listener->probe = probe;
	listener->plan = *plan;
	if (listener->plan.pause_ns < TRIGGER_PAUSE_MIN_NS)
		listener->plan.pause_ns = TRIGGER_PAUSE_MIN_NS;
	make(ties)->own = listener;
}

bool ties_are_of_listener(const struct ties *ties)
{
	return ties && ties->own;
}

void ties_join(const struct ties_end *from, const struct ties_end *to)
{
	struct listener *listener = *to->ties ? (*to->ties)->own : NULL;
	struct tie *tie;

	if (!listener || !trigger_watches(&listener->plan, from->probe))
		return;
	tie = mem_zero(1, sizeof(*tie));
	tie->to = listener;
	tie->probe = from->probe;
	tie->next = make(from->ties)->first;
	(*from->ties)->first = tie;
}

/* Who is no longer watched is no longer above. */
static void remove_tie(struct tie **link)
{
	struct tie *tie = *link;

	*link = tie->next;
	if (tie->is_above)
		trigger_note(&tie->to->state, true, false, tie->to->plan.pause_ns, clock_monotonic_ns());
	mem_free(tie);
}

static void free_if_empty(struct ties **ties)
{
	if ((*ties)->own || (*ties)->first)
		return;
	mem_free(*ties);
	*ties = NULL;
}

void ties_part(struct ties **from, struct ties **to)
{
	struct tie **link;

	if (!*from || !*to || !(*to)->own)
		return;
	link = &(*from)->first;
	while (*link && (*link)->to != (*to)->own)
		link = &(*link)->next;
	if (!*link)
		return;
	remove_tie(link);
	free_if_empty(from);
}

void ties_close(struct ties **ties)
{
	if (!*ties)
		return;
	while ((*ties)->first)
		remove_tie(&(*ties)->first);
	if ((*ties)->own)
		mem_free((*ties)->own->source);
	mem_free((*ties)->own);
	mem_free(*ties);
	*ties = NULL;
}

/* --- samples ----------------------------------------------------------------------------------------------------- */

static int set_off(struct listener *listener, const char *probe, const struct trigger_crossing *crossing)
{
	struct text cause = {0};
	int result;

	trigger_add_words(&cause, probe, crossing);
	result = probe_trigger(listener->probe, text_string(&cause));
	text_free(&cause);
	if (result == -1)
		return -1;
	mem_free(listener->source);
	listener->source = mem_copy_string(probe);
	listener->crossing = *crossing;
	return 0;
}

/* Returns what became of it, as it is counted. */
static unsigned try_run(struct tie *tie, const struct trigger_crossing *crossing, int64_t now_ns)
{
	struct listener *listener = tie->to;
	struct pace *pace = &listener->desk->pace;

	if (!pace_allows(pace, now_ns))
		return TRIGGER_LIMITED;
	if (set_off(listener, tie->probe, crossing) == -1)
		return TRIGGER_BUSY;
	pace_take(pace, now_ns);
	trigger_note_run(&listener->state, listener->plan.pause_ns, now_ns);
	return TRIGGER_RUNS;
}

/* What did not run at once is counted once for each crossing; it runs with a later sample if the trouble goes on. */
static void take_crossing(struct tie *tie, const struct trigger_crossing *crossing)
{
	struct listener *listener = tie->to;
	int64_t now_ns = clock_monotonic_ns();
	bool was_above = tie->is_above;
	unsigned outcome = TRIGGER_PAUSED;

	tie->is_above = true;
	if (trigger_note(&listener->state, was_above, true, listener->plan.pause_ns, now_ns))
		outcome = try_run(tie, crossing, now_ns);
	if (outcome == TRIGGER_RUNS || !was_above)
		count(listener->desk, outcome);
}

static void take_calm(struct tie *tie)
{
	tie->is_above = false;
	trigger_note(&tie->to->state, true, false, tie->to->plan.pause_ns, clock_monotonic_ns());
}

void ties_take(struct ties *ties, const struct sample *sample)
{
	if (sample->cause)
		return;
	for (struct tie *tie = ties->first; tie; tie = tie->next) {
		struct trigger_crossing crossing = trigger_compare(&tie->to->plan, &tie->measures, sample);

		if (crossing.what != TRIGGER_NOTHING)
			take_crossing(tie, &crossing);
		else if (tie->is_above)
			take_calm(tie);
	}
}

/* --- what is told ------------------------------------------------------------------------------------------------ */

void trigger_describe(const struct ties *ties, const struct sample *sample, struct trigger_event *out)
{
	const struct listener *listener = ties ? ties->own : NULL;
	size_t n = 0;

	out->label = (struct label){"kind", event_kind_name(EVENT_TRIGGER)};
	out->readings[n++] = reading_text(EVENT_TEXT, sample->cause);
	if (listener && listener->source)
		out->readings[n++] = reading_text(EVENT_SOURCE, listener->source);
	if (listener && listener->source && listener->crossing.what >= TRIGGER_LOSS) {
		out->readings[n++] = reading_number(EVENT_VALUE, listener->crossing.value);
		out->readings[n++] = reading_number(EVENT_THRESHOLD, listener->crossing.threshold);
	}
	out->row = (struct row){&event_row_set, &out->label, 1, out->readings, n};
}
