#include "daemon/events.h"

#include <stdatomic.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/text.h"
#include "daemon/pace.h"

static const struct measure events_measures[] = {
	{"recorded_total", MEASURE_COUNTER, "Events of this kind: each is a line of the set event, too"},
};
static const char *const events_labels[] = {"worker", "kind", NULL};
const struct measure_set events_set = {
	.name = "events",
	.measures = events_measures,
	.n = 1,
	.label_names = events_labels,
	.help = "Events, by kind",
};

struct events {
	struct history *rings[EVENT_KINDS];
	uint64_t newest[EVENT_KINDS];
	_Atomic int64_t counts[EVENT_KINDS];
	struct row *rows; /* scratch */
	size_t capacity;
	struct pace pace;
	uint64_t unlogged;
};

struct events *events_create(size_t bytes)
{
	struct events *events = mem_zero(1, sizeof(*events));

	for (unsigned i = 0; i < EVENT_KINDS; i++)
		events->rings[i] = history_create(bytes);
	events->pace = pace_make(EVENTS_LOG_RATE, EVENTS_LOG_BURST);
	return events;
}

void events_free(struct events *events)
{
	if (!events)
		return;
	for (unsigned i = 0; i < EVENT_KINDS; i++)
		history_free(events->rings[i]);
	mem_free(events->rows);
	mem_free(events);
}

/* --- the log ----------------------------------------------------------------------------------------------------- */

static void add_words(struct text *out, const struct row *event)
{
	const char *text = event_text(event, EVENT_TEXT);
	const char *before = event_text(event, EVENT_BEFORE), *after = event_text(event, EVENT_AFTER);

	if (text)
		text_add(out, text);
	if (before || after)
		text_add_format(out, "%sbefore: %s, now: %s", text ? ", " : "", before ? before : "none",
				after ? after : "none");
}

static void log_it(struct events *events, const struct sample *sample, const struct row *event)
{
	int64_t now_ns = clock_monotonic_ns();
	struct text words = {0};

	if (!pace_allows(&events->pace, now_ns)) {
		events->unlogged++;
		return;
	}
	pace_take(&events->pace, now_ns);
	if (events->unlogged > 0)
		log_event(LOG_LEVEL_WARN, "event", NULL, "%llu events were not logged: there were too many at a time",
			  (unsigned long long)events->unlogged);
	events->unlogged = 0;
	add_words(&words, event);
	log_event(LOG_LEVEL_INFO, event_kind_name(event_kind_of(event)), sample->subject->target,
		  "%s: run %llu (%s): %s", sample->subject->probe, (unsigned long long)sample->run,
		  reason_name(sample->reason), text_string(&words));
	text_free(&words);
}

/* --- keeping ----------------------------------------------------------------------------------------------------- */

static void keep(struct events *events, enum event_kind kind, const struct sample *sample)
{
	history_add(events->rings[kind], &events->newest[kind], sample);
}

/* The event first, then the rows of the run. */
static const struct row *gather(struct events *events, const struct sample *sample, const struct row *event)
{
	size_t n = sample->nrows + 1;

	if (n > events->capacity) {
		events->rows = mem_resize(events->rows, n, sizeof(*events->rows));
		events->capacity = n;
	}
	events->rows[0] = *event;
	if (sample->nrows > 0)
		memcpy(events->rows + 1, sample->rows, sample->nrows * sizeof(*events->rows));
	return events->rows;
}

void events_add(struct events *events, const struct sample *sample, const struct row *event, bool keeps_rows)
{
	enum event_kind kind = event_kind_of(event);
	const struct subject *subject = sample->subject;
	const struct label labels[] = {
		{"kind", event_kind_name(kind)},
		{"target", subject->target},
		{"probe", subject->probe},
		{"type", subject->type},
	};
	struct row row = {&event_row_set, labels, 4, event->readings, event->n};
	struct sample kept = *sample;
	uint64_t before;

	if (event->set != &event_row_set || kind == EVENT_KINDS)
		return;
	before = events->newest[kind];
	atomic_fetch_add_explicit(&events->counts[kind], 1, memory_order_relaxed);
	kept.rows = gather(events, sample, &row);
	kept.nrows = keeps_rows ? sample->nrows + 1 : 1;
	keep(events, kind, &kept);
	kept.nrows = 1;
	if (events->newest[kind] == before) /* it was too large */
		keep(events, kind, &kept);
	log_it(events, sample, event);
}

/* --- asking ------------------------------------------------------------------------------------------------------ */

static bool picks(const void *arg, const struct sample *sample)
{
	const struct events_filter *filter = arg;
	const struct row *event = &sample->rows[0];

	return sample->begun_realtime_ns >= filter->since_ns &&
	       (!filter->target || strcmp(event->labels[1].value, filter->target) == 0);
}

size_t events_pick(const struct events *events, const struct events_filter *filter, size_t n, size_t bytes,
		   struct history_copy *out)
{
	struct history_choice choice = {.picks = picks, .arg = filter, .n = n, .bytes = bytes};
	size_t found = 0;

	for (unsigned kind = 0; kind < EVENT_KINDS; kind++) {
		if (filter->kind != EVENT_KINDS && filter->kind != kind)
			continue;
		found += history_pick(events->rings[kind], events->newest[kind], &choice, out + found);
	}
	return found;
}

struct reading events_read(const struct events *events, enum event_kind kind)
{
	return reading_integer(0, atomic_load_explicit(&events->counts[kind], memory_order_relaxed));
}
