#include "daemon/quality.h"

#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/slabs.h"
#include "daemon/assessment.h"
#include "daemon/config.h"
#include "daemon/sheet.h"
#include "qos/scores.h"
#include "qos/web.h"
#include "qos/window.h"

enum qos_measure {
	QOS_PACKETS,
	QOS_LOSS,
	QOS_BURST,
	QOS_GILBERT_P,
	QOS_GILBERT_Q,
	QOS_LATE,
	QOS_BUFFER,
	QOS_JITTER,
	QOS_IPDV,
	QOS_PDV_50,
	QOS_PDV_95,
	QOS_PDV_99,
	QOS_RTT_MIN,
	QOS_RTT_50,
	QOS_RTT_95,
	QOS_RTT_99,
	QOS_PAGE,
	QOS_APDEX,
	QOS_RATE,
	QOS_RATE_ESTIMATED,
	QOS_SCORE,
	QOS_R,
	QOS_MOS,
	QOS_VIOLATIONS,
	QOS_MEASURES
};

static const struct measure quality_measures[QOS_MEASURES] = {
	[QOS_PACKETS] = {"packets", MEASURE_INTEGER, "Packets (pages, queries) in the window"},
	[QOS_LOSS] = {"loss_ratio", MEASURE_GAUGE, "Part of the packets of the window that was lost, 0 to 1"},
	[QOS_BURST] = {"burst_ratio", MEASURE_GAUGE,
		       "BurstR: mean run of lost packets, compared with independent loss; 1 without loss, absent when "
		       "all was lost"},
	[QOS_GILBERT_P] = {"loss_gilbert_p", MEASURE_GAUGE,
			   "Probability of a loss behind a packet that came; absent without loss"},
	[QOS_GILBERT_Q] = {"loss_gilbert_q", MEASURE_GAUGE,
			   "Probability that a packet comes behind a lost one; absent without loss"},
	[QOS_LATE] = {"late_ratio", MEASURE_GAUGE,
		      "Part of the packets of the window that would come too late for the de-jitter buffer"},
	[QOS_BUFFER] = {"buffer_seconds", MEASURE_GAUGE, "De-jitter buffer that the calls are scored with"},
	[QOS_JITTER] = {"jitter_seconds", MEASURE_GAUGE, "Interarrival jitter (RFC 3550) of round-trip times"},
	[QOS_IPDV] = {"ipdv_seconds", MEASURE_GAUGE,
		      "Mean difference between the round-trip times of neighbours, without its sign (RFC 3393)"},
	[QOS_PDV_50] = {"pdv_p50_seconds", MEASURE_GAUGE,
			"Packet delay variation (RFC 5481): median of the round-trip times above the shortest"},
	[QOS_PDV_95] = {"pdv_p95_seconds", MEASURE_GAUGE, "Packet delay variation: 95 % quantile"},
	[QOS_PDV_99] = {"pdv_p99_seconds", MEASURE_GAUGE, "Packet delay variation: 99 % quantile"},
	[QOS_RTT_MIN] = {"rtt_min_seconds", MEASURE_GAUGE, "Shortest round-trip time of the window"},
	[QOS_RTT_50] = {"rtt_p50_seconds", MEASURE_GAUGE, "Median of the round-trip times of the window"},
	[QOS_RTT_95] = {"rtt_p95_seconds", MEASURE_GAUGE, "95 % quantile of the round-trip times of the window"},
	[QOS_RTT_99] = {"rtt_p99_seconds", MEASURE_GAUGE, "99 % quantile of the round-trip times of the window"},
	[QOS_PAGE] = {"page_seconds", MEASURE_GAUGE, "Median of the times of the pages or queries of the window"},
	[QOS_APDEX] = {"apdex_ratio", MEASURE_GAUGE, "Apdex of the pages or queries of the window, 0 to 1"},
	[QOS_RATE] = {"tcp_rate_bytes_per_second", MEASURE_GAUGE,
		      "Throughput that streaming and data are scored with: measured (http), or what one Reno-style "
		      "TCP connection would get (PFTK)"},
	[QOS_RATE_ESTIMATED] = {"tcp_rate_estimated", MEASURE_INTEGER,
				"1: that throughput is an estimate; 0: it was measured"},
	[QOS_SCORE] = {"score", MEASURE_GAUGE, "What people would make of the path, 0 to 100, by use"},
	[QOS_R] = {"r_factor", MEASURE_GAUGE,
		   "Transmission rating R of a voice call (G.107; wideband codecs: R,WB of G.107.1), by codec"},
	[QOS_MOS] = {"mos", MEASURE_GAUGE,
		     "Mean opinion score of a voice call, 1 to 4.5, by codec; wideband has a scale of its own"},
	[QOS_VIOLATIONS] = {"violations_total", MEASURE_COUNTER, "How often an objective began to be missed"},
};

static const char *const quality_labels[] = {"use", "codec", "objective", NULL};
const struct measure_set quality_set = {
	.name = "qos",
	.measures = quality_measures,
	.n = QOS_MEASURES,
	.label_names = quality_labels,
	.help = "Quality of the path, over a sliding window of each probe of types ping, http and dns",
};

/* --- what is kept ------------------------------------------------------------------------------------------------ */

enum objective { OBJECTIVE_LOSS, OBJECTIVE_JITTER, OBJECTIVE_DELAY, OBJECTIVE_SCORE, OBJECTIVES };

static const char *const objective_names[OBJECTIVES] = {"loss", "jitter", "delay", "score"};

/* What a type says, and how it is to be read. */
enum feed { FEED_NONE, FEED_PACKETS, FEED_PAGES, FEED_QUERIES };

/* The measures of its set that a type says it by. */
enum source {
	SOURCE_SENT,
	SOURCE_RECEIVED,
	SOURCE_LOST_LOCALLY,
	SOURCE_RTT,
	SOURCE_RTT_MIN,
	SOURCE_RTT_AVG,
	SOURCE_RTT_MAX,
	SOURCE_THROUGHPUT,
	SOURCE_BYTES,
	SOURCES
};

static const char *const source_names[SOURCES] = {
	"sent_total",      "received_total",  "lost_locally_total",          "rtt_seconds",    "rtt_min_seconds",
	"rtt_avg_seconds", "rtt_max_seconds", "throughput_bytes_per_second", "received_bytes",
};

#define ABSENT 0xff

struct quality_state {
	const struct quality *quality;
	struct slabs *slabs;                        /* that it was taken from */
	const struct config_objectives *objectives; /* of the target, or of all */
	struct window *window;
	/* Counters of the probe as they were, of which 32 bits do. */
	uint32_t sent, received, lost_locally;
	float throughput_bps; /* measured last; 0 = never */
	uint32_t violations[OBJECTIVES];
	bool is_violated[OBJECTIVES];
	uint8_t feed;                  /* enum feed */
	uint8_t places[SOURCES];       /* where the sources are in the set; ABSENT: it has none of that name */
	const struct measure_set *set; /* that places are of */
};

struct quality {
	const struct config_qos *settings;
	struct emodel_base model;
	struct window_shape shape;
	const struct codec *codecs[QUALITY_CODECS_MAX];
	size_t ncodecs;
};

struct quality *quality_create(const struct config_qos *settings)
{
	struct quality *quality;

	if (!settings || !settings->is_enabled)
		return NULL;
	quality = mem_zero(1, sizeof(*quality));
	quality->settings = settings;
	quality->shape = (struct window_shape){settings->window_ns, (uint32_t)settings->window_packets};
	emodel_prepare(&settings->emodel, &quality->model);
	for (size_t i = 0; i < settings->codecs.n && quality->ncodecs < QUALITY_CODECS_MAX; i++) {
		const struct codec *codec = codec_find(settings->codecs.items[i]);

		if (!codec)
			continue;
		quality->codecs[quality->ncodecs++] = codec;
	}
	return quality;
}

void quality_free(struct quality *quality)
{
	mem_free(quality);
}

size_t quality_size(const struct quality_state *state)
{
	return state ? sizeof(*state) + window_size(state->window) : 0;
}

static enum feed feed_of(const char *type)
{
	static const struct {
		const char *type;
		enum feed feed;
	} feeds[] = {{"ping", FEED_PACKETS}, {"http", FEED_PAGES}, {"dns", FEED_QUERIES}};

	for (size_t i = 0; i < sizeof(feeds) / sizeof(feeds[0]); i++)
		if (strcmp(feeds[i].type, type) == 0)
			return feeds[i].feed;
	return FEED_NONE;
}

struct quality_state *quality_open(const struct quality *quality, const struct assessed *about)
{
	enum feed feed = feed_of(about->subject->type);
	struct quality_state *state;

	if (feed == FEED_NONE)
		return NULL;
	state = slabs_take(about->slabs, sizeof(*state));
	state->quality = quality;
	state->slabs = about->slabs;
	state->objectives = about->objectives ? about->objectives : &quality->settings->objectives;
	state->feed = (uint8_t)feed;
	return state;
}

void quality_close(struct quality_state *state)
{
	mem_free(state->window);
	slabs_give(state->slabs, state, sizeof(*state));
}

size_t quality_count_series(const struct config_qos *settings, const char *type)
{
	const struct config_objectives *objectives = &settings->objectives;
	size_t wanted = (size_t)(objectives->loss_ratio > 0) + (objectives->jitter_ns > 0) +
			(objectives->delay_ns > 0) + (objectives->score > 0);

	if (!settings->is_enabled)
		return 0;
	switch (feed_of(type)) {
	case FEED_PACKETS:
		return QOS_RTT_99 + 1 + 2 + (SCORE_USES - 1) + 2 * settings->codecs.n + wanted;
	case FEED_PAGES:
		return 3 + 1 + wanted;
	case FEED_QUERIES:
		return 3 + wanted;
	default:
		return 0;
	}
}

/* --- reading samples --------------------------------------------------------------------------------------------- */

/* Sets of a type are the same for as long as the daemon runs, mostly. */
static void find_places(struct quality_state *state, const struct measure_set *set)
{
	if (state->set == set)
		return;
	state->set = set;
	for (unsigned source = 0; source < SOURCES; source++) {
		state->places[source] = ABSENT;
		for (size_t i = 0; i < set->n && i < ABSENT; i++)
			if (strcmp(set->measures[i].name, source_names[source]) == 0)
				state->places[source] = (uint8_t)i;
	}
}

struct sources {
	const struct reading *readings[SOURCES]; /* NULL: absent */
};

/* Readings are in rising order of their measures, and few are absent: most are where they would be with all there. */
static const struct reading *find_reading(const struct row *row, unsigned measure)
{
	size_t i = measure < row->n ? measure : row->n - 1;

	if (measure == ABSENT || row->n == 0)
		return NULL;
	while (i > 0 && row->readings[i].measure > measure)
		i--;
	return row->readings[i].measure == measure ? &row->readings[i] : NULL;
}

/* The readings of the type's own row. */
static void find_sources(struct quality_state *state, const struct sample *sample, struct sources *sources)
{
	const struct row *row = sample->rows;

	if (sample->nrows == 0) {
		memset(sources, 0, sizeof(*sources));
		return;
	}
	find_places(state, row->set);
	for (unsigned source = 0; source < SOURCES; source++)
		sources->readings[source] = find_reading(row, state->places[source]);
}

/* What a counter has grown by. */
static uint32_t growth(const struct reading *reading, uint32_t *before)
{
	uint32_t now, grown;

	if (!reading)
		return 0;
	now = (uint32_t)reading->value.integer;
	grown = now - *before;
	*before = now;
	return grown;
}

/* One round-trip time of a run that does not tell each: the shortest, the longest, the average. */
static int64_t typical_ns(const struct sources *sources, uint32_t i)
{
	static const enum source order[] = {SOURCE_RTT_MIN, SOURCE_RTT_MAX};
	const struct reading *average = sources->readings[SOURCE_RTT_AVG];
	const struct reading *reading = i < 2 ? sources->readings[order[i]] : average;

	return llround((reading ? reading : average)->value.number * 1e9);
}

static void add_answers(const struct quality *quality, struct quality_state *state, const struct sources *sources,
			uint32_t received, int64_t now_ns)
{
	const struct reading *each = sources->readings[SOURCE_RTT];
	uint32_t n = received < quality->shape.capacity ? received : quality->shape.capacity;

	if (each) {
		for (unsigned i = 0; i < each->count; i++)
			window_add(&state->window, &quality->shape, now_ns, each->value.observed_ns[i]);
		return;
	}
	for (uint32_t i = 0; sources->readings[SOURCE_RTT_AVG] && i < n; i++)
		window_add(&state->window, &quality->shape, now_ns, typical_ns(sources, n == 1 ? 2 : i));
}

/* What of a run was lost counts behind what came: it does not say in which order. */
static void take_packets(const struct quality *quality, struct quality_state *state, const struct sample *sample,
			 int64_t now_ns)
{
	struct sources sources;
	uint32_t sent, received, local;
	int64_t lost;

	find_sources(state, sample, &sources);
	sent = growth(sources.readings[SOURCE_SENT], &state->sent);
	received = growth(sources.readings[SOURCE_RECEIVED], &state->received);
	local = growth(sources.readings[SOURCE_LOST_LOCALLY], &state->lost_locally);
	lost = (int64_t)sent - received - local;
	add_answers(quality, state, &sources, received, now_ns);
	for (int64_t i = 0; i < lost && i < quality->shape.capacity; i++)
		window_add_lost(&state->window, &quality->shape, now_ns);
}

/* Pages and queries: how long they took, or that they failed. */
static void take_times(const struct quality *quality, struct quality_state *state, const struct sample *sample,
		       int64_t now_ns)
{
	const struct reading *throughput, *bytes;
	struct sources sources;

	if (sample->reason == REASON_LOCAL || sample->reason == REASON_DENIED)
		return;
	if (sample->reason != REASON_OK) {
		window_add_lost(&state->window, &quality->shape, now_ns);
		return;
	}
	window_add(&state->window, &quality->shape, now_ns, sample->took_ns);
	find_sources(state, sample, &sources);
	throughput = sources.readings[SOURCE_THROUGHPUT];
	bytes = sources.readings[SOURCE_BYTES];
	if (throughput && bytes && bytes->value.integer >= quality->settings->throughput_min_bytes)
		state->throughput_bps = (float)(8 * throughput->value.number);
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

/* What is worked out for one probe. */
struct judgement {
	const struct quality *quality;
	struct quality_state *state;
	enum feed feed;
	struct window_figures figures;
	double buffer_ns, late_ratio; /* of packets */
	double apdex;                 /* of pages and queries */
	struct scores scores;
	struct sheet *sheet; /* where the rows go */
	bool is_dead;        /* nothing came */
};

/* More digits than that nobody needs, and they cost room in every line and page. */
static double rounded(double value)
{
	return rint(value * 1e4) / 1e4;
}

static double seconds_of(double ns)
{
	return clock_seconds(llround(ns));
}

/* A row with one label. */
static void begin_row(struct sheet *sheet, const char *label, const char *value)
{
	sheet_begin(sheet, &quality_set);
	sheet_add_label(sheet, label, value);
}

static void add_losses(const struct judgement *self)
{
	const struct loss *loss = &self->figures.loss;
	double value;

	sheet_add_number(self->sheet, QOS_LOSS, loss_ratio(loss));
	if (loss_burst_ratio(loss, &value))
		sheet_add_number(self->sheet, QOS_BURST, value);
	if (loss->lost > 0 && loss_gilbert_p(loss, &value))
		sheet_add_number(self->sheet, QOS_GILBERT_P, value);
	if (loss->lost > 0 && loss_gilbert_q(loss, &value))
		sheet_add_number(self->sheet, QOS_GILBERT_Q, value);
}

static void add_delays(const struct judgement *self)
{
	static const double quantiles[] = {0.5, 0.95, 0.99};
	const struct window_figures *figures = &self->figures;

	if (figures->received == 0)
		return;
	sheet_add_number(self->sheet, QOS_LATE, self->late_ratio);
	sheet_add_number(self->sheet, QOS_BUFFER, seconds_of(self->buffer_ns));
	if (figures->is_jitter_known)
		sheet_add_number(self->sheet, QOS_JITTER, seconds_of(figures->jitter_ns));
	if (figures->pairs > 0)
		sheet_add_number(self->sheet, QOS_IPDV, seconds_of(figures->ipdv_mean_abs_ns));
	for (unsigned i = 0; i < 3; i++)
		sheet_add_number(self->sheet, QOS_PDV_50 + i, seconds_of(window_pdv_ns(figures, quantiles[i])));
	sheet_add_number(self->sheet, QOS_RTT_MIN, seconds_of(window_rtt_ns(figures, 0)));
	for (unsigned i = 0; i < 3; i++)
		sheet_add_number(self->sheet, QOS_RTT_50 + i, seconds_of(window_rtt_ns(figures, quantiles[i])));
}

static void add_pages(const struct judgement *self)
{
	if (self->figures.received > 0)
		sheet_add_number(self->sheet, QOS_PAGE, seconds_of(window_rtt_ns(&self->figures, 0.5)));
	sheet_add_number(self->sheet, QOS_APDEX, self->apdex);
}

static void add_window_row(const struct judgement *self)
{
	sheet_begin(self->sheet, &quality_set);
	sheet_add_integer(self->sheet, QOS_PACKETS, self->figures.loss.n);
	if (self->feed == FEED_PACKETS) {
		add_losses(self);
		add_delays(self);
	} else {
		add_pages(self);
	}
	if (!self->is_dead && !self->scores.absent[SCORE_STREAMING]) {
		sheet_add_number(self->sheet, QOS_RATE, rint(self->scores.rate_bps / 8));
		sheet_add_integer(self->sheet, QOS_RATE_ESTIMATED, self->scores.is_rate_estimated);
	}
}

/* What the probe is there for. */
static bool is_scored(enum feed feed, enum score_use use)
{
	if (feed == FEED_PACKETS)
		return use != SCORE_WEB;
	return feed == FEED_PAGES && (use == SCORE_WEB || use == SCORE_STREAMING || use == SCORE_DATA);
}

/* Over a path on which nothing comes back nothing works, whatever the models say. */
static bool points_of(const struct judgement *self, enum score_use use, double *points)
{
	if (!is_scored(self->feed, use) || (self->is_dead && self->feed == FEED_PAGES && use != SCORE_WEB))
		return false;
	*points = self->is_dead ? 0 : rounded(self->scores.points[use]);
	return self->is_dead || !self->scores.absent[use];
}

static void add_score_rows(const struct judgement *self)
{
	for (unsigned use = 0; use < SCORE_USES; use++) {
		double points;

		if (!points_of(self, (enum score_use)use, &points))
			continue;
		begin_row(self->sheet, "use", score_use_name((enum score_use)use));
		sheet_add_number(self->sheet, QOS_SCORE, points);
	}
}

static void add_codec_rows(const struct judgement *self)
{
	const struct quality *quality = self->quality;

	if (self->feed != FEED_PACKETS || self->is_dead)
		return;
	for (size_t i = 0; i < quality->ncodecs; i++) {
		struct score_voice voice;

		if (!score_voice(&quality->model, quality->codecs[i], &self->scores.path, &voice))
			continue;
		begin_row(self->sheet, "codec", quality->codecs[i]->name);
		sheet_add_number(self->sheet, QOS_R, rounded(voice.r));
		sheet_add_number(self->sheet, QOS_MOS, rounded(voice.mos));
	}
}

/* --- objectives -------------------------------------------------------------------------------------------------- */

/* The score that the objective is about. */
static bool judged_score(const struct judgement *self, double *score)
{
	if (self->feed == FEED_QUERIES) {
		*score = 100 * self->apdex;
		return true;
	}
	return points_of(self, self->feed == FEED_PACKETS ? SCORE_VOICE : SCORE_WEB, score);
}

static bool is_missed(const struct judgement *self, const struct config_objectives *objectives, enum objective which)
{
	const struct window_figures *figures = &self->figures;
	double score;

	switch (which) {
	case OBJECTIVE_LOSS:
		return loss_ratio(&figures->loss) > objectives->loss_ratio;
	case OBJECTIVE_JITTER:
		return figures->is_jitter_known && figures->jitter_ns > (double)objectives->jitter_ns;
	case OBJECTIVE_DELAY:
		return figures->received > 0 && window_rtt_ns(figures, 0.5) > (double)objectives->delay_ns;
	default:
		return judged_score(self, &score) && score < objectives->score;
	}
}

static void add_objective_rows(const struct judgement *self)
{
	const struct config_objectives *objectives = self->state->objectives;
	const bool is_set[OBJECTIVES] = {
		[OBJECTIVE_LOSS] = objectives->loss_ratio > 0,
		[OBJECTIVE_JITTER] = objectives->jitter_ns > 0,
		[OBJECTIVE_DELAY] = objectives->delay_ns > 0,
		[OBJECTIVE_SCORE] = objectives->score > 0,
	};
	struct quality_state *state = self->state;

	for (unsigned i = 0; i < OBJECTIVES; i++) {
		bool was_violated = state->is_violated[i];

		state->is_violated[i] = is_set[i] && is_missed(self, objectives, (enum objective)i);
		state->violations[i] += state->is_violated[i] && !was_violated;
		if (!is_set[i])
			continue;
		begin_row(self->sheet, "objective", objective_names[i]);
		sheet_add_integer(self->sheet, QOS_VIOLATIONS, state->violations[i]);
	}
}

/* --- judging ----------------------------------------------------------------------------------------------------- */

static void judge_packets(struct judgement *self, struct scores_inputs *inputs)
{
	const struct config_qos *settings = self->quality->settings;
	const struct window_figures *figures = &self->figures;
	double pdv_ns = window_pdv_ns(figures, settings->buffer_quantile);

	self->buffer_ns = fmin(fmax(pdv_ns, (double)settings->buffer_min_ns), (double)settings->buffer_max_ns);
	self->late_ratio = window_late_ratio(figures, self->buffer_ns);
	inputs->rtt_ms = window_rtt_ns(figures, 0.5) / 1e6;
	inputs->buffer_ms = self->buffer_ns / 1e6;
	inputs->loss_percent = 100 * loss_ratio(&figures->loss);
	inputs->late_percent = 100 * self->late_ratio;
	inputs->burst_ratio = loss_burst_ratio_of_score(&figures->loss);
	inputs->window_bytes = (double)settings->tcp_window_bytes;
}

static void judge_times(struct judgement *self, struct scores_inputs *inputs)
{
	const struct config_qos *settings = self->quality->settings;
	const struct window_figures *figures = &self->figures;
	int64_t threshold_ns = self->feed == FEED_PAGES ? settings->apdex_http_ns : settings->apdex_dns_ns;
	size_t counts[] = {0, 0, 0};

	for (uint32_t i = 0; i < figures->received; i++)
		counts[apdex_of(window_code_ns(figures->sorted[i]), (double)threshold_ns)]++;
	self->apdex = apdex_score(counts[APDEX_SATISFIED], counts[APDEX_TOLERATING], figures->loss.n);
	if (figures->received > 0)
		inputs->page_seconds = window_rtt_ns(figures, 0.5) / 1e9;
	if (self->state->throughput_bps > 0)
		inputs->throughput_bps = (double)self->state->throughput_bps;
}

static void judge(struct judgement *self, uint32_t *sorted)
{
	const struct quality *quality = self->quality;
	struct scores_inputs inputs = scores_no_inputs();

	window_read(self->state->window, sorted, &self->figures);
	self->is_dead = self->figures.received == 0;
	inputs.need_bps = quality->settings->need_bps;
	if (self->feed != FEED_PACKETS)
		judge_times(self, &inputs);
	else if (!self->is_dead)
		judge_packets(self, &inputs);
	scores_make(&quality->model, quality->codecs[0], &inputs, &self->scores);
}

void quality_take(struct quality_state *state, const struct sample *sample, int64_t now_ns)
{
	if (state->feed == FEED_PACKETS)
		take_packets(state->quality, state, sample, now_ns);
	else
		take_times(state->quality, state, sample, now_ns);
}

void quality_report(struct quality_state *state, int64_t now_ns, struct sheet *sheet)
{
	struct judgement self = {
		.quality = state->quality, .state = state, .feed = (enum feed)state->feed, .sheet = sheet};
	uint32_t sorted[WINDOW_PACKETS_MAX];

	window_expire(state->window, &state->quality->shape, now_ns);
	if (window_count(state->window) == 0)
		return;
	judge(&self, sorted);
	add_window_row(&self);
	add_score_rows(&self);
	add_codec_rows(&self);
	add_objective_rows(&self);
}

/* --- the assessor ------------------------------------------------------------------------------------------------ */

static void *assessor_open(void *context, const struct assessed *about)
{
	return quality_open(context, about);
}

/* The wall clock of the sample may be set: how old packets are is told by the other one. */
static void assessor_note(void *state, const struct sample *sample)
{
	quality_take(state, sample, clock_monotonic_ns());
}

static void assessor_report(void *state, int64_t realtime_ns, struct sheet *sheet)
{
	(void)realtime_ns;
	quality_report(state, clock_monotonic_ns(), sheet);
}

static void assessor_close(void *state)
{
	quality_close(state);
}

static const struct measure_set *const quality_sets[] = {&quality_set, NULL};

const struct assessor quality_assessor = {
	.sets = quality_sets,
	.open = assessor_open,
	.note = assessor_note,
	.report = assessor_report,
	.close = assessor_close,
};
