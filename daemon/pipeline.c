#include "daemon/pipeline.h"

#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "daemon/assessment.h"
#include "daemon/history.h"
#include "daemon/sheet.h"
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
	{"info", MEASURE_INFO, "What is known about the target: the address that the last run talked to"},
};
static const char *const target_labels[] = {"address", NULL};
static const struct measure_set target_set = {
	.name = "target",
	.measures = target_measures,
	.n = 1,
	.label_names = target_labels,
	.help = "The target of a probe",
};

const struct measure_set *const pipeline_sets[] = {&probe_set, &target_set, NULL};

/* The rows that the pipeline adds to those of a sample: the probe's, the target's, one a reason. */
#define ADDED_ROWS (2 + REASON_COUNT)

struct pipeline {
	struct pipeline_plan plan;
	struct influx_port *port;
	struct label reasons[REASON_COUNT];
	/* scratch */
	struct row *rows;
	size_t capacity;
	struct label *labels;
	size_t nlabels;
	struct line_tags tags;
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
	struct label address;
	char address_text[ADDRESS_TEXT_SIZE];
};

struct pipeline *pipeline_create(const struct pipeline_plan *plan)
{
	struct pipeline *pipeline = mem_zero(1, sizeof(*pipeline));

	pipeline->plan = *plan;
	pipeline->sheet = sheet_create();
	for (unsigned i = 0; i < REASON_COUNT; i++)
		pipeline->reasons[i] = (struct label){"reason", reason_name((enum reason)i)};
	return pipeline;
}

void pipeline_free(struct pipeline *pipeline)
{
	if (!pipeline)
		return;
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

/* Target, probe and the target's own labels, behind those of the agent: scratch, until the next call. */
static struct label *subject_labels(struct pipeline *pipeline, const struct subject *subject, size_t *n)
{
	size_t nagent = pipeline->plan.nagent_labels;
	struct label *labels;

	*n = subject->nlabels + 2;
	if (nagent + *n > pipeline->nlabels) {
		pipeline->nlabels = nagent + *n;
		pipeline->labels = mem_resize(pipeline->labels, pipeline->nlabels, sizeof(*labels));
	}
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

void publication_assess(struct publication *publication, int64_t interval_ns)
{
	const struct pipeline_plan *plan = &publication->pipeline->plan;
	const struct assessed about = {&publication->subject, interval_ns, plan->slabs, publication->objectives};

	if (plan->nassessors > 0)
		publication->assessment = assessment_open(plan->assessors, plan->nassessors, &about);
}

void publication_relabel(struct publication *publication, const char *target, const struct label *labels,
			 size_t nlabels)
{
	struct label *all;
	size_t n;

	publication->subject.target = target;
	publication->subject.labels = labels;
	publication->subject.nlabels = nlabels;
	all = subject_labels(publication->pipeline, &publication->subject, &n);
	series_relabel(publication->series, all, n);
	if (publication->assessment)
		assessment_relabel(publication->assessment, all, n);
}

void publication_close(struct publication *publication)
{
	assessment_close(publication->assessment);
	publication->assessment = NULL;
	series_close(publication->series);
	mem_free(publication->failures);
	publication->failures = NULL;
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
	}
	failures->items[i].count++;
}

static void note(struct publication *publication, const struct sample *sample)
{
	if (sample->address.family != ADDRESS_NONE)
		publication->address = sample->address;
	if (sample->reason == REASON_OK)
		return;
	count_failure(publication, sample->reason);
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
	if (publication->address.family == ADDRESS_NONE)
		return n;
	added->info = reading_integer(0, 1);
	added->address = (struct label){"address", address_format(&publication->address, added->address_text)};
	rows[n++] = (struct row){&target_set, &added->address, 1, &added->info, 1};
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

/* Tags are made anew for every sample: to keep them would cost more memory than the figures of a ping. */
static void write_line(const struct publication *publication, const struct sample *sample)
{
	struct pipeline *pipeline = publication->pipeline;
	size_t n;

	subject_labels(pipeline, &publication->subject, &n);
	line_tags_make(&pipeline->tags, pipeline->labels, pipeline->plan.nagent_labels + n);
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

static void write_lines(const struct publication *publication, const struct sample *sample)
{
	const struct pipeline *pipeline = publication->pipeline;

	if (!pipeline->port || !pipeline->plan.wants_lines)
		return;
	if (sample->nrows > 0)
		write_line(publication, sample);
	else
		write_bare_line(publication, sample);
}

/* What is computed about the results so far. The lines bear the stamp of the result that they came with. */
static void publish_assessment(struct publication *publication, const struct sample *sample)
{
	struct pipeline *pipeline = publication->pipeline;
	const struct pipeline_plan *plan = &pipeline->plan;
	const struct row *rows;
	struct label *labels;
	size_t n, nlabels;

	assessment_report(publication->assessment, sample, pipeline->sheet);
	rows = sheet_rows(pipeline->sheet, &n);
	labels = subject_labels(pipeline, &publication->subject, &nlabels);
	series_update(assessment_series(publication->assessment, plan->store, plan->shard, labels, nlabels), rows, n);
	if (!pipeline->port || !plan->wants_lines)
		return;
	line_tags_make(&pipeline->tags, pipeline->labels, plan->nagent_labels + nlabels);
	influx_port_add_rows(pipeline->port, &pipeline->tags, rows, n, sample->begun_realtime_ns);
}

void publication_deliver(void *context, const struct sample *sample)
{
	struct publication *publication = context;
	struct row *rows = scratch_rows(publication->pipeline, ADDED_ROWS + sample->nrows);
	struct added added;
	size_t n;

	note(publication, sample);
	n = add_rows(publication, sample, &added, rows);
	for (size_t i = 0; i < sample->nrows; i++)
		rows[n++] = sample->rows[i];
	series_update(publication->series, rows, n);
	write_lines(publication, sample);
	if (publication->pipeline->plan.history)
		history_add(publication->pipeline->plan.history, &publication->history, sample);
	if (publication->assessment && assessment_note(publication->assessment, sample))
		publish_assessment(publication, sample);
}
