#include "daemon/pipeline.h"

#include <string.h>

#include "core/clock.h"
#include "core/event.h"
#include "core/mem.h"
#include "daemon/assessment.h"
#include "daemon/events.h"
#include "daemon/history.h"
#include "daemon/pace.h"
#include "daemon/parts.h"
#include "daemon/sheet.h"
#include "daemon/trace_places.h"
#include "daemon/trigger.h"
#include "daemon/whereabouts.h"
#include "exporter/series.h"
#include "influx/influx.h"
#include "influx/line.h"
#include "probes/probe.h"

enum { PROBE_SUCCESS, PROBE_DURATION, PROBE_RUNS, PROBE_FAILURES, PROBE_SKIPPED, PROBE_MEASURES };

static const struct measure probe_measures[PROBE_MEASURES] = {
	[PROBE_SUCCESS] = {"success", MEASURE_INTEGER, "Whether the last run succeeded (1) or failed (0)"},
	[PROBE_DURATION] = {"duration_seconds", MEASURE_GAUGE, "How long the last run took"},
	[PROBE_RUNS] = {"runs_total", MEASURE_COUNTER, "Runs that have ended"},
	[PROBE_FAILURES] = {"failures_total", MEASURE_COUNTER, "Runs that failed, by reason"},
	[PROBE_SKIPPED] = {"skipped_total", MEASURE_COUNTER,
			   "Runs that were due but skipped, because the one before still ran or the daemon was late"},
};
static const char *const probe_labels[] = {"reason", NULL};
static const struct measure_set probe_set = {
	.name = "probe",
	.measures = probe_measures,
	.n = PROBE_MEASURES,
	.label_names = probe_labels,
	.help = "What is common to the probes of all types",
};

static const struct measure target_measures[] = {
	{"info", MEASURE_INFO,
	 "What is known about the target: the address that the last run talked to, and where section geo places it"},
};
static const char *const target_labels[] = {"address", "country",   "city",  "region",   "continent",
					    "asn",     "as_org",    "isp",   "latitude", "longitude",
					    "geohash", "time_zone", "scope", "site",     NULL};
static const struct measure_set target_set = {
	.name = "target",
	.measures = target_measures,
	.n = 1,
	.label_names = target_labels,
	.help = "The target of a probe",
};

const struct measure_set *const pipeline_sets[] = {&probe_set, &target_set, NULL};

/* The rows that the pipeline adds to those of a sample: the probe's, the target's, one a reason; and one of its place.
 */
#define ADDED_ROWS (2 + REASON_COUNT + 1)

/* Reports of assessments that may be made one after the other, however many targets there are. */
#define REPORTS_AT_ONCE 256

struct pipeline {
	struct pipeline_plan plan;
	struct influx_port *port;
	struct geo_cache *geo; /* NULL: no places */
	struct trace_places *trace_places;
	struct label reasons[REASON_COUNT];
	/* scratch */
	struct row *rows;
	size_t capacity;
	struct label *labels;
	size_t nlabels;
	struct line_tags tags;
	size_t nassessed;    /* open publications that have an assessment */
	struct pace reports; /* of assessments */
	bool has_tags;       /* of the publication whose result is being delivered */
	struct sheet *sheet;
};

struct failures {
	size_t n;
	struct {
		enum reason reason;
		uint32_t count; /* begins again at 2^32, as after a restart */
	} items[];
};

/* What the added rows point to. */
struct added {
	struct reading probe[4];
	struct reading failures[REASON_COUNT];
	struct reading info;
	struct label target[1 + WHEREABOUTS_LABELS];
	struct reading place[WHEREABOUTS_READINGS];
	char address_text[ADDRESS_TEXT_SIZE];
};

struct pipeline *pipeline_create(const struct pipeline_plan *plan)
{
	struct pipeline *pipeline = mem_zero(1, sizeof(*pipeline));

	pipeline->plan = *plan;
	if (plan->geo) {
		pipeline->geo = geo_cache_open(plan->geo);
		pipeline->trace_places = trace_places_create();
	}
	pipeline->sheet = sheet_create();
	for (unsigned i = 0; i < REASON_COUNT; i++)
		pipeline->reasons[i] = (struct label){"reason", reason_name((enum reason)i)};
	return pipeline;
}

void pipeline_free(struct pipeline *pipeline)
{
	if (!pipeline)
		return;
	trace_places_free(pipeline->trace_places);
	geo_cache_close(pipeline->geo);
	sheet_free(pipeline->sheet);
	line_tags_free(&pipeline->tags);
	mem_free(pipeline->labels);
	mem_free(pipeline->rows);
	mem_free(pipeline);
}

void pipeline_set_port(struct pipeline *pipeline, struct influx_port *port)
{
	pipeline->port = port;
}

static struct label *scratch_labels(struct pipeline *pipeline, size_t n)
{
	if (n > pipeline->nlabels) {
		pipeline->nlabels = n;
		pipeline->labels = mem_resize(pipeline->labels, n, sizeof(*pipeline->labels));
	}
	return pipeline->labels;
}

/* Target, probe and the target's own labels, behind those of the agent: scratch, until the next call. */
static struct label *subject_labels(struct pipeline *pipeline, const struct subject *subject, size_t *n)
{
	size_t nagent = pipeline->plan.nagent_labels;
	struct label *labels;

	*n = subject->nlabels + 2;
	scratch_labels(pipeline, nagent + *n);
	for (size_t i = 0; i < nagent; i++)
		pipeline->labels[i] = pipeline->plan.agent_labels[i];
	labels = pipeline->labels + nagent;
	labels[0] = (struct label){"target", subject->target};
	labels[1] = (struct label){"probe", subject->probe};
	for (size_t i = 0; i < subject->nlabels; i++)
		labels[2 + i] = subject->labels[i];
	return labels;
}

void publication_open(struct publication *publication, struct pipeline *pipeline, const struct subject *subject)
{
	struct label *labels;
	size_t n;

	*publication = (struct publication){.pipeline = pipeline, .subject = *subject};
	labels = subject_labels(pipeline, subject, &n);
	publication->series = series_open(pipeline->plan.store, pipeline->plan.shard, labels, n);
}

/* Targets that began together must not have their rows due together for ever: with many of them, so few a second are
 * allowed that all have had their turn within four fifths of the pause. Who is put off is asked at the next result. */
static void pace_reports(struct pipeline *pipeline, size_t nassessed)
{
	pipeline->nassessed = nassessed;
	if (nassessed == 0)
		return;
	pipeline->reports.gap_ns = ASSESSMENT_PAUSE_NS / 5 * 4 / (int64_t)nassessed;
	pipeline->reports.burst_ns = (REPORTS_AT_ONCE - 1) * pipeline->reports.gap_ns;
}

void publication_assess(struct publication *publication, int64_t interval_ns)
{
	const struct pipeline_plan *plan = &publication->pipeline->plan;
	const struct assessed about = {&publication->subject, interval_ns, plan->slabs, publication->objectives};

	if (plan->nassessors > 0)
		publication->assessment = assessment_open(plan->assessors, plan->nassessors, &about);
	if (publication->assessment)
		pace_reports(publication->pipeline, publication->pipeline->nassessed + 1);
}

void publication_relabel(struct publication *publication, const char *target, const struct label *labels,
			 size_t nlabels)
{
	struct label *all;
	size_t n;

	publication->subject.target = target;
	publication->subject.labels = labels;
	publication->subject.nlabels = nlabels;
	whereabouts_forget(publication->whereabouts);
	publication->is_labelled = false;
	all = subject_labels(publication->pipeline, &publication->subject, &n);
	series_relabel(publication->series, all, n);
	parts_relabel(publication->parts, all, n);
	if (publication->assessment)
		assessment_relabel(publication->assessment, all, n);
}

void publication_close(struct publication *publication)
{
	if (publication->assessment)
		pace_reports(publication->pipeline, publication->pipeline->nassessed - 1);
	assessment_close(publication->assessment);
	publication->assessment = NULL;
	series_close(publication->series);
	parts_close(publication->parts);
	publication->parts = NULL;
	mem_free(publication->failures);
	publication->failures = NULL;
	whereabouts_free(publication->whereabouts);
	publication->whereabouts = NULL;
}

static void count_failure(struct publication *publication, enum reason reason)
{
	struct failures *failures = publication->failures;
	size_t n = failures ? failures->n : 0, i = 0;

	while (i < n && failures->items[i].reason < reason)
		i++;
	if (i == n || failures->items[i].reason != reason) {
		failures = mem_resize(failures, 1, sizeof(*failures) + (n + 1) * sizeof(failures->items[0]));
		memmove(&failures->items[i + 1], &failures->items[i], (n - i) * sizeof(failures->items[0]));
		failures->items[i].reason = reason;
		failures->items[i].count = 0;
		failures->n = n + 1;
		publication->failures = failures;
		publication->is_labelled = false;
	}
	failures->items[i].count++;
}

static void note(struct publication *publication, const struct sample *sample)
{
	const struct pipeline *pipeline = publication->pipeline;

	if (sample->address.family != ADDRESS_NONE && !address_equal(&publication->address, &sample->address)) {
		publication->address = sample->address;
		publication->is_labelled = false;
	}
	if (pipeline->geo &&
	    whereabouts_refresh(&publication->whereabouts, pipeline->geo, &publication->subject, &publication->address))
		publication->is_labelled = false;
	if (sample->reason == REASON_OK)
		return;
	count_failure(publication, sample->reason);
}

static size_t add_target(const struct publication *publication, struct added *added, struct row *row)
{
	size_t n = 0;

	if (publication->address.family == ADDRESS_NONE)
		return 0;
	added->info = reading_integer(0, 1);
	*row = (struct row){&target_set, added->target, 0, &added->info, 1};
	if (publication->is_labelled)
		return 1;
	added->target[n++] = (struct label){"address", address_format(&publication->address, added->address_text)};
	if (publication->whereabouts)
		n += whereabouts_labels(publication->whereabouts, added->target + n);
	row->nlabels = n;
	return 1;
}

/* Behind the rows of the sample: a line of its own follows them now and then. */
static size_t add_place(const struct publication *publication, const struct sample *sample, struct added *added,
			struct row *row)
{
	size_t n = 0;

	if (publication->whereabouts)
		n = whereabouts_readings(publication->whereabouts, sample, added->place);
	*row = (struct row){&whereabouts_set, NULL, 0, added->place, n};
	return n > 0;
}

static size_t add_failures(const struct publication *publication, struct added *added, struct row *rows)
{
	const struct label *reasons = publication->pipeline->reasons;
	const struct failures *failures = publication->failures;

	if (!failures)
		return 0;
	for (size_t i = 0; i < failures->n; i++) {
		added->failures[i] = reading_integer(PROBE_FAILURES, failures->items[i].count);
		rows[i] = (struct row){&probe_set, &reasons[failures->items[i].reason], 1, &added->failures[i], 1};
	}
	return failures->n;
}

static size_t add_rows(const struct publication *publication, const struct sample *sample, struct added *added,
		       struct row *rows)
{
	size_t n = 0;

	added->probe[0] = reading_integer(PROBE_SUCCESS, sample->reason == REASON_OK);
	added->probe[1] = reading_number(PROBE_DURATION, clock_seconds(sample->took_ns));
	added->probe[2] = reading_integer(PROBE_RUNS, (int64_t)sample->run);
	added->probe[3] = reading_integer(PROBE_SKIPPED, (int64_t)sample->skipped);
	rows[n++] = (struct row){&probe_set, NULL, 0, added->probe, 4};
	n += add_failures(publication, added, rows + n);
	n += add_target(publication, added, rows + n);
	return n;
}

static struct row *scratch_rows(struct pipeline *pipeline, size_t n)
{
	if (n > pipeline->capacity) {
		pipeline->rows = mem_resize(pipeline->rows, n, sizeof(*pipeline->rows));
		pipeline->capacity = n;
	}
	return pipeline->rows;
}

/* The place comes before the target's own labels, which win. */
static void make_tags(const struct publication *publication)
{
	struct pipeline *pipeline = publication->pipeline;
	struct label *labels, places[WHEREABOUTS_LABELS];
	size_t n, nplaces = 0, nagent = pipeline->plan.nagent_labels;

	if (pipeline->has_tags)
		return;
	pipeline->has_tags = true;
	if (publication->whereabouts)
		nplaces = whereabouts_tags(publication->whereabouts, places);
	subject_labels(pipeline, &publication->subject, &n);
	labels = scratch_labels(pipeline, nagent + n + nplaces);
	/* None of them is one of the target's own, so they may stand behind as well. */
	memcpy(labels + nagent + n, places, nplaces * sizeof(*places));
	line_tags_make(&pipeline->tags, labels, nagent + n + nplaces);
}

/* Tags are made anew for every sample: to keep them would cost more memory than the figures of a ping. */
static void write_line(const struct publication *publication, const struct sample *sample)
{
	struct pipeline *pipeline = publication->pipeline;

	make_tags(publication);
	influx_port_add_sample(pipeline->port, &pipeline->tags, sample, pipeline->plan.boot);
}

/* A run that ended without a row still has something to say: in the line of the type's own set. */
static void write_bare_line(const struct publication *publication, const struct sample *sample)
{
	const struct probe_type *type = probe_type_find(publication->subject.type);
	struct sample bare = *sample;
	struct row row = {0};

	if (!type)
		return;
	row.set = type->sets[0];
	bare.rows = &row;
	bare.nrows = 1;
	write_line(publication, &bare);
}

static bool wants_lines(const struct publication *publication)
{
	const struct pipeline *pipeline = publication->pipeline;

	return pipeline->port && pipeline->plan.wants_lines;
}

/* Those that are not for /metrics only. */
static size_t count_loud(const struct sample *sample)
{
	return sample->nrows > sample->nquiet ? sample->nrows - sample->nquiet : 0;
}

/* rows: those of the sample, and perhaps one of its place, which goes where the quiet ones begin. */
static void write_lines(const struct publication *publication, const struct sample *sample, struct row *rows,
			size_t nrows)
{
	struct sample placed = *sample;

	if (!wants_lines(publication))
		return;
	placed.rows = rows;
	placed.nrows = count_loud(sample);
	if (placed.nrows == 0) {
		write_bare_line(publication, sample);
		return;
	}
	if (nrows > sample->nrows && whereabouts_take_line(publication->whereabouts, sample->begun_realtime_ns))
		rows[placed.nrows++] = rows[sample->nrows];
	write_line(publication, &placed);
}

/* After note, which has taken a new edition in. */
static struct sample add_hop_places(const struct publication *publication, const struct sample *sample)
{
	const struct pipeline *pipeline = publication->pipeline;
	struct sample placed = *sample;

	if (pipeline->geo && geo_cache_edition(pipeline->geo) != 0)
		placed.rows = trace_places_add(pipeline->trace_places, pipeline->geo, sample);
	return placed;
}

/* What is computed about the results so far. The lines bear the stamp of the result that they came with. */
static void publish_assessment(struct publication *publication, const struct sample *sample)
{
	struct pipeline *pipeline = publication->pipeline;
	const struct pipeline_plan *plan = &pipeline->plan;
	const struct row *rows;
	struct label *labels;
	size_t n, nlabels, first = 0;

	assessment_report(publication->assessment, sample, pipeline->sheet);
	rows = sheet_rows(pipeline->sheet, &n);
	labels = subject_labels(pipeline, &publication->subject, &nlabels);
	series_update(assessment_series(publication->assessment, plan->store, plan->shard, labels, nlabels), rows, n);
	if (!wants_lines(publication))
		return;
	make_tags(publication);
	for (; (n = sheet_next_lines(pipeline->sheet, &first)) > 0; first += n)
		influx_port_add_rows(pipeline->port, &pipeline->tags, rows + first, n, sample->begun_realtime_ns);
}

/* --- events ------------------------------------------------------------------------------------------------------ */

/* Its line is like that of a type's own set: it tells the run and how that ended. */
static void publish_event(const struct publication *publication, const struct sample *sample, const struct row *event,
			  bool keeps_rows)
{
	struct sample line = *sample;

	if (publication->pipeline->plan.events)
		events_add(publication->pipeline->plan.events, sample, event, keeps_rows);
	line.rows = event;
	line.nrows = 1;
	if (wants_lines(publication))
		write_line(publication, &line);
}

static void publish_trigger(const struct publication *publication, const struct sample *sample)
{
	struct trigger_event event;

	trigger_describe(publication->ties, sample, &event);
	publish_event(publication, sample, &event.row, true);
}

/* --- a result ---------------------------------------------------------------------------------------------------- */

/* rows: of which the pipeline has added the first ones. Their labels are made only when they may be others. */
static void update_series(struct publication *publication, const struct sample *sample, struct added *added,
			  struct row *rows, size_t n, size_t nadded)
{
	if (publication->is_labelled) {
		if (series_refill(publication->series, rows, n, nadded))
			return;
		publication->is_labelled = false;
		add_rows(publication, sample, added, rows);
	}
	series_update(publication->series, rows, n);
	publication->is_labelled = true;
}

static void publish_measured(struct publication *publication, const struct sample *sample)
{
	struct row *rows = scratch_rows(publication->pipeline, ADDED_ROWS + sample->nrows);
	struct added added;
	size_t nadded = add_rows(publication, sample, &added, rows), n = nadded;

	for (size_t i = 0; i < sample->nrows; i++)
		rows[n++] = sample->rows[i];
	n += add_place(publication, sample, &added, rows + n);
	update_series(publication, sample, &added, rows, n, nadded);
	write_lines(publication, sample, rows + nadded, n - nadded);
}

/* Rows are due: now? A target whose next result is not within the pause does not wait for it. */
static bool is_turn(struct pipeline *pipeline, const struct assessment *assessment, const struct sample *sample)
{
	int64_t now_ns = sample->begun_realtime_ns + sample->took_ns;

	/* A clock that was set back must not silence them. */
	if (pipeline->reports.free_ns > now_ns + ASSESSMENT_PAUSE_NS)
		pipeline->reports.free_ns = now_ns;
	if (assessment_can_wait(assessment) && !pace_allows(&pipeline->reports, now_ns))
		return false;
	pace_take(&pipeline->reports, now_ns);
	return true;
}

/* What is for /metrics only is there, and nowhere else. */
static struct sample without_quiet_rows(const struct sample *sample)
{
	struct sample loud = *sample;

	loud.nrows = count_loud(sample);
	loud.nquiet = 0;
	return loud;
}

static void publish_result(struct publication *publication, const struct sample *sample)
{
	struct sample placed;

	note(publication, sample);
	placed = add_hop_places(publication, sample);
	publish_measured(publication, &placed);
	placed = without_quiet_rows(&placed);
	if (publication->pipeline->plan.history)
		history_add(publication->pipeline->plan.history, &publication->history, &placed);
	if (publication->assessment && assessment_note(publication->assessment, sample) &&
	    is_turn(publication->pipeline, publication->assessment, sample))
		publish_assessment(publication, sample);
}

/* Events come last. */
static bool has_events(const struct sample *sample)
{
	return sample->nrows > 0 && sample->rows[sample->nrows - 1].set == &event_row_set;
}

/* What was measured first, without them. */
static void publish_events(struct publication *publication, const struct sample *sample)
{
	struct sample measured = *sample;

	while (has_events(&measured))
		measured.nrows--;
	publish_result(publication, &measured);
	for (size_t i = measured.nrows; i < sample->nrows; i++)
		publish_event(publication, sample, &sample->rows[i], false);
}

/* --- a part ------------------------------------------------------------------------------------------------------ */

/* rows[0] stands for the collection, and is a line only. What was collected is replaced, unless it stays. */
static void update_part(struct publication *publication, const struct sample *sample)
{
	const struct pipeline_plan *plan = &publication->pipeline->plan;
	size_t n = sample->nrows > 0 ? sample->nrows - 1 : 0, nlabels;
	struct series *series = parts_find(publication->parts, sample->part);
	struct label *labels;

	if (sample->keeps_rows)
		return;
	if (!series && n > 0) {
		labels = subject_labels(publication->pipeline, &publication->subject, &nlabels);
		series = parts_take(&publication->parts, sample->part,
				    &(struct parts_place){plan->store, plan->shard, labels, nlabels});
	}
	if (series)
		series_update(series, n > 0 ? sample->rows + 1 : NULL, n);
}

/* A collection that has no row of its own says nothing: a line of the type's own set would be one of the whole. */
static void publish_part(struct publication *publication, const struct sample *sample)
{
	struct sample lines = without_quiet_rows(sample);

	update_part(publication, sample);
	if (lines.nrows > 0 && wants_lines(publication))
		write_line(publication, &lines);
}

void publication_deliver(void *context, const struct sample *sample)
{
	struct publication *publication = context;

	publication->pipeline->has_tags = false;
	if (sample->part) {
		publish_part(publication, sample);
		return;
	}
	if (has_events(sample))
		publish_events(publication, sample);
	else
		publish_result(publication, sample);
	if (sample->cause)
		publish_trigger(publication, sample);
	if (publication->ties)
		ties_take(publication->ties, sample);
}
