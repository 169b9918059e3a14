#include "core/event.h"

#include <string.h>

static const char *const kind_names[EVENT_KINDS] = {
	[EVENT_TRIGGER] = "trigger",
	[EVENT_PATH_CHANGE] = "path_change",
};

static const struct measure event_measures[EVENT_MEASURES] = {
	[EVENT_TEXT] = {"text", MEASURE_TEXT, "What happened, in words"},
	[EVENT_SOURCE] = {"source", MEASURE_TEXT, "The probe that caused it, when it is another one of the target"},
	[EVENT_BEFORE] = {"before", MEASURE_TEXT, "What it was before, such as the addresses of a path"},
	[EVENT_AFTER] = {"after", MEASURE_TEXT, "What it is now"},
	[EVENT_VALUE] = {"value", MEASURE_GAUGE,
			 "What crossed a threshold: a loss as a ratio, a round-trip time or duration in seconds"},
	[EVENT_THRESHOLD] = {"threshold", MEASURE_GAUGE, "The threshold that was crossed"},
};
static const char *const event_labels[] = {"kind", NULL};

const struct measure_set event_row_set = {
	.name = "event",
	.measures = event_measures,
	.n = EVENT_MEASURES,
	.label_names = event_labels,
	.help = "Something that happened to a target: a line when it does, to annotate graphs with, and no series",
};

const char *event_kind_name(enum event_kind kind)
{
	return (unsigned)kind < EVENT_KINDS ? kind_names[kind] : "unknown";
}

enum event_kind event_kind_find(const char *name)
{
	unsigned kind = 0;

	while (kind < EVENT_KINDS && strcmp(kind_names[kind], name) != 0)
		kind++;
	return (enum event_kind)kind;
}

const char *event_text(const struct row *row, enum event_measure measure)
{
	for (size_t i = 0; i < row->n; i++)
		if (row->readings[i].measure == measure)
			return row->readings[i].value.text;
	return NULL;
}

enum event_kind event_kind_of(const struct row *row)
{
	for (size_t i = 0; i < row->nlabels; i++)
		if (strcmp(row->labels[i].name, "kind") == 0)
			return event_kind_find(row->labels[i].value);
	return EVENT_KINDS;
}
