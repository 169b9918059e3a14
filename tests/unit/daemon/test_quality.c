#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/slabs.h"
#include "daemon/assessment.h"
#include "daemon/config.h"
#include "daemon/quality.h"
#include "daemon/sheet.h"
#include "qos/gaming.h"
#include "qos/scores.h"

#define near(actual, expected, tolerance)                                                                              \
	cr_assert(fabs((actual) - (expected)) <= (tolerance), "%s: %.10f instead of %.10f", #actual, (double)(actual), \
		  (double)(expected))

/* --- a house with one probe --------------------------------------------------------------------------------------- */

enum { SENT, RECEIVED, LOCAL, RTT, RTT_MIN, RTT_AVG, RTT_MAX, THROUGHPUT, BYTES, OTHER, MEASURES };

static const struct measure measures[MEASURES] = {
	[SENT] = {"sent_total", MEASURE_COUNTER, ""},
	[RECEIVED] = {"received_total", MEASURE_COUNTER, ""},
	[LOCAL] = {"lost_locally_total", MEASURE_COUNTER, ""},
	[RTT] = {"rtt_seconds", MEASURE_HISTOGRAM, ""},
	[RTT_MIN] = {"rtt_min_seconds", MEASURE_GAUGE, ""},
	[RTT_AVG] = {"rtt_avg_seconds", MEASURE_GAUGE, ""},
	[RTT_MAX] = {"rtt_max_seconds", MEASURE_GAUGE, ""},
	[THROUGHPUT] = {"throughput_bytes_per_second", MEASURE_GAUGE, ""},
	[BYTES] = {"received_bytes", MEASURE_INTEGER, ""},
	[OTHER] = {"other", MEASURE_GAUGE, ""},
};
static const struct measure_set set = {"a_set", measures, MEASURES, NULL, ""};

struct house {
	struct config_qos settings;
	struct quality *quality;
	struct slabs *slabs;
	struct sheet *sheet;
	const struct config_objectives *objectives;
	struct quality_state *state;
	struct subject subject;
	int64_t now_ns;
	int64_t sent, received, local;
	const struct row *rows;
	size_t nrows;
};

static void build(struct house *house, const char *type)
{
	memset(house, 0, sizeof(*house));
	config_set_qos_defaults(&house->settings);
	house->subject = (struct subject){"t", "p", type, NULL, 0};
	house->now_ns = 1000 * NS_PER_SECOND;
	house->slabs = slabs_create();
	house->sheet = sheet_create();
}

static void open_quality(struct house *house)
{
	const struct assessed about = {&house->subject, NS_PER_SECOND, house->slabs, house->objectives};

	house->quality = quality_create(&house->settings);
	cr_assert_not_null(house->quality);
	house->state = quality_open(house->quality, &about);
}

static void tear_down(struct house *house)
{
	if (house->state)
		quality_close(house->state);
	quality_free(house->quality);
	sheet_free(house->sheet);
	slabs_free(house->slabs);
	option_free(config_qos_options, config_qos_noptions, &house->settings);
}

static void take(struct house *house, struct sample *sample)
{
	sample->subject = &house->subject;
	quality_take(house->state, sample, house->now_ns);
	sheet_clear(house->sheet);
	quality_report(house->state, house->now_ns, house->sheet);
	house->rows = sheet_rows(house->sheet, &house->nrows);
	house->now_ns += NS_PER_SECOND;
}

/* A run of ping: so many sent, of which these came. */
static void ping(struct house *house, unsigned sent, const int64_t *rtts_ns, unsigned n)
{
	struct reading readings[4];
	struct row row = {&set, NULL, 0, readings, 4};
	struct sample sample = {.rows = &row, .nrows = 1, .reason = n > 0 ? REASON_OK : REASON_TIMEOUT};

	house->sent += sent;
	house->received += n;
	readings[0] = reading_integer(SENT, house->sent);
	readings[1] = reading_integer(RECEIVED, house->received);
	readings[2] = reading_integer(LOCAL, house->local);
	readings[3] = reading_histogram(RTT, rtts_ns, n);
	take(house, &sample);
}

static void page(struct house *house, enum reason reason, double seconds)
{
	struct sample sample = {.reason = reason, .took_ns = (int64_t)(seconds * 1e9)};

	take(house, &sample);
}

/* The row with this label (NULL: the one without). */
static const struct row *row_of(const struct house *house, const char *name, const char *value)
{
	for (size_t i = 0; i < house->nrows; i++) {
		const struct row *row = &house->rows[i];

		if (name ? row->nlabels == 1 && strcmp(row->labels->name, name) == 0 &&
				    strcmp(row->labels->value, value) == 0
			 : row->nlabels == 0)
			return row;
	}
	return NULL;
}

static const struct reading *find(const struct house *house, const char *name, const char *value, const char *measure)
{
	const struct row *row = row_of(house, name, value);

	for (size_t i = 0; row && i < row->n; i++)
		if (strcmp(quality_set.measures[row->readings[i].measure].name, measure) == 0)
			return &row->readings[i];
	return NULL;
}

static double figure(const struct house *house, const char *measure)
{
	const struct reading *reading = find(house, NULL, NULL, measure);

	cr_assert_not_null(reading, "%s is absent", measure);
	return reading->value.number;
}

static double score(const struct house *house, const char *use)
{
	const struct reading *reading = find(house, "use", use, "score");

	return reading ? reading->value.number : NAN;
}

static int64_t violations(const struct house *house, const char *objective)
{
	const struct reading *reading = find(house, "objective", objective, "violations_total");

	return reading ? reading->value.integer : -1;
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

/* The delays of quality.md 3 as round-trip times, against the scores of the same figures by hand. */
Test(quality, of_packets)
{
	static const int64_t rtts_ns[] = {20000000, 21500000, 19800000, 25000000,
					  20200000, 20400000, 31000000, 20100000};
	struct scores_inputs inputs = scores_no_inputs();
	struct emodel_base base;
	struct scores scores;
	struct house house;

	build(&house, "ping");
	option_set_text(option_find(config_qos_options, config_qos_noptions, "codecs"), &house.settings,
			"g711-plc,g722,g711", NULL);
	open_quality(&house);
	for (size_t i = 0; i < 8; i++)
		ping(&house, 1, &rtts_ns[i], 1);
	cr_assert_eq(find(&house, NULL, NULL, "packets")->value.integer, 8);
	near(figure(&house, "loss_ratio"), 0, 0);
	near(figure(&house, "burst_ratio"), 1, 0);
	cr_assert_null(find(&house, NULL, NULL, "loss_gilbert_p"));
	near(figure(&house, "jitter_seconds"), 0.001952173, 1e-7);
	near(figure(&house, "ipdv_seconds"), 0.004985714, 1e-6);
	near(figure(&house, "pdv_p50_seconds"), 0.0004, 1e-6);
	near(figure(&house, "pdv_p99_seconds"), 0.0112, 1e-6);
	near(figure(&house, "rtt_min_seconds"), 0.0198, 1e-6);
	near(figure(&house, "rtt_p50_seconds"), 0.0202, 1e-6);
	near(figure(&house, "rtt_p99_seconds"), 0.031, 1e-6);
	near(figure(&house, "buffer_seconds"), 0.02, 0);
	near(figure(&house, "late_ratio"), 0, 0);
	inputs.rtt_ms = 20.2;
	inputs.buffer_ms = 20;
	emodel_prepare(&house.settings.emodel, &base);
	scores_make(&base, codec_find("g711-plc"), &inputs, &scores);
	near(score(&house, "voice"), scores.points[SCORE_VOICE], 1e-3);
	near(score(&house, "video"), scores.points[SCORE_VIDEO], 1e-3);
	near(score(&house, "gaming"), gaming_rate(20, 20.2), 1e-3);
	near(score(&house, "streaming"), 100, 0);
	near(score(&house, "data"), 100, 0);
	cr_assert(isnan(score(&house, "web")));
	near(find(&house, "codec", "g711", "mos")->value.number, scores.voice.mos, 1e-4);
	near(find(&house, "codec", "g711", "r_factor")->value.number, scores.voice.r, 1e-4);
	near(find(&house, "codec", "g722", "r_factor")->value.number, 116, 1e-9);
	cr_assert_eq(find(&house, NULL, NULL, "tcp_rate_estimated")->value.integer, 1);
	near(figure(&house, "tcp_rate_bytes_per_second"), 6 * 1048576 / 0.0202, 1e4);
	cr_assert_eq(violations(&house, "loss"), -1, "there is no such objective");
	tear_down(&house);
}

Test(quality, of_loss)
{
	const char *packets = "0000010000011000000000001110000000010000";
	const int64_t rtt_ns = 80000000;
	struct house house;

	build(&house, "ping");
	open_quality(&house);
	for (const char *at = packets; *at; at++)
		ping(&house, 1, &rtt_ns, *at == '0');
	near(figure(&house, "loss_ratio"), 0.175, 1e-12);
	near(figure(&house, "burst_ratio"), 1.44375, 1e-9);
	near(figure(&house, "loss_gilbert_p"), 0.125, 1e-12);
	near(figure(&house, "loss_gilbert_q"), 4.0 / 7, 1e-12);
	cr_assert(isnan(score(&house, "gaming")), "how G.1072 counts loss is in doubt");
	cr_assert_lt(score(&house, "voice"), 60);
	near(score(&house, "streaming"), 0, 0);
	cr_assert_lt(score(&house, "data"), 20);
	tear_down(&house);
}

/* Packets beyond the buffer are lost to the call. */
Test(quality, of_late_packets)
{
	struct house house;

	build(&house, "ping");
	house.settings.buffer_quantile = 0.9;
	open_quality(&house);
	for (int i = 0; i < 20; i++) {
		int64_t rtt_ns = i == 7 ? 500000000 : i == 9 ? 60000000 : 20000000;

		ping(&house, 1, &rtt_ns, 1);
	}
	near(figure(&house, "late_ratio"), 0.1, 1e-9);
	near(figure(&house, "buffer_seconds"), 0.02, 0);
	near(figure(&house, "loss_ratio"), 0, 0);
	cr_assert(!isnan(score(&house, "gaming")));
	near(find(&house, "codec", "g711-plc", "r_factor")->value.number, 91.756 - 95.0 * 10 / (10 + 25.1), 0.01);
	tear_down(&house);
}

Test(quality, of_a_dead_path)
{
	struct house house;

	build(&house, "ping");
	open_quality(&house);
	for (int i = 0; i < 5; i++)
		ping(&house, 1, NULL, 0);
	near(figure(&house, "loss_ratio"), 1, 0);
	cr_assert_null(find(&house, NULL, NULL, "burst_ratio"), "undefined");
	cr_assert_null(find(&house, NULL, NULL, "rtt_min_seconds"));
	cr_assert_null(find(&house, NULL, NULL, "tcp_rate_estimated"));
	cr_assert_null(row_of(&house, "codec", "g711-plc"));
	for (unsigned use = 0; use < SCORE_USES; use++)
		if (use != SCORE_WEB)
			near(score(&house, score_use_name((enum score_use)use)), 0, 0);
	tear_down(&house);
}

Test(quality, counts_several_packets_of_a_run)
{
	static const int64_t rtts_ns[] = {10000000, 12000000, 14000000};
	struct house house;

	build(&house, "ping");
	open_quality(&house);
	ping(&house, 5, rtts_ns, 3);
	cr_assert_eq(find(&house, NULL, NULL, "packets")->value.integer, 5);
	near(figure(&house, "loss_ratio"), 0.4, 1e-12);
	house.local = 2;
	ping(&house, 5, rtts_ns, 3);
	cr_assert_eq(find(&house, NULL, NULL, "packets")->value.integer, 8,
		     "what we dropped ourselves is nobody's loss");
	house.sent = 3;
	house.received = 3;
	house.local = 0;
	ping(&house, 0, NULL, 0);
	cr_assert_lt(quality_size(house.state), 1000);
	tear_down(&house);
}

/* Without the histogram each run tells the shortest, the longest and the average. */
Test(quality, without_a_histogram)
{
	struct reading readings[] = {reading_integer(SENT, 4),       reading_integer(RECEIVED, 4),
				     reading_number(RTT_MIN, 0.010), reading_number(RTT_AVG, 0.015),
				     reading_number(RTT_MAX, 0.030), reading_number(OTHER, 1)};
	struct row row = {&set, NULL, 0, readings, 6};
	struct sample sample = {.rows = &row, .nrows = 1};
	struct house house;

	build(&house, "ping");
	open_quality(&house);
	take(&house, &sample);
	cr_assert_eq(find(&house, NULL, NULL, "packets")->value.integer, 4);
	near(figure(&house, "rtt_min_seconds"), 0.010, 1e-7);
	near(figure(&house, "rtt_p50_seconds"), 0.015, 1e-7);
	near(figure(&house, "rtt_p99_seconds"), 0.030, 1e-7);
	readings[0] = reading_integer(SENT, 5);
	readings[1] = reading_integer(RECEIVED, 5);
	take(&house, &sample);
	near(figure(&house, "rtt_p50_seconds"), 0.015, 1e-7);
	tear_down(&house);
}

/* What is too old is in no score, whenever it is asked for. */
Test(quality, forgets)
{
	const int64_t rtt_ns = 20000000;
	struct house house;

	build(&house, "ping");
	open_quality(&house);
	for (int i = 0; i < 100; i++)
		ping(&house, 1, &rtt_ns, 1);
	sheet_clear(house.sheet);
	quality_report(house.state, house.now_ns + 30 * NS_PER_SECOND, house.sheet);
	house.rows = sheet_rows(house.sheet, &house.nrows);
	cr_assert_lt(find(&house, NULL, NULL, "packets")->value.integer, 31);
	sheet_clear(house.sheet);
	quality_report(house.state, house.now_ns + 60 * NS_PER_SECOND, house.sheet);
	sheet_rows(house.sheet, &house.nrows);
	cr_assert_eq(house.nrows, 0);
	tear_down(&house);
}

/* --- pages and queries ---------------------------------------------------------------------------------------------
 */

Test(quality, of_pages)
{
	struct house house;

	build(&house, "http");
	open_quality(&house);
	for (int i = 0; i < 10; i++)
		page(&house, i == 3 ? REASON_STATUS : REASON_OK, i < 6 ? 0.4 : i < 9 ? 1.9 : 3);
	page(&house, REASON_LOCAL, 1);
	page(&house, REASON_DENIED, 1);
	cr_assert_eq(find(&house, NULL, NULL, "packets")->value.integer, 10);
	near(figure(&house, "apdex_ratio"), (5 + 3 / 2.0) / 10, 1e-12);
	near(figure(&house, "page_seconds"), 0.4, 1e-5);
	near(score(&house, "web"), 25 * 3.49303, 0.001);
	cr_assert(isnan(score(&house, "voice")) && isnan(score(&house, "streaming")));
	tear_down(&house);
}

Test(quality, of_measured_throughput)
{
	struct reading readings[] = {reading_number(THROUGHPUT, 1e6), reading_integer(BYTES, 1000)};
	struct row row = {&set, NULL, 0, readings, 2};
	struct sample sample = {.rows = &row, .nrows = 1, .took_ns = NS_PER_SECOND};
	struct house house;

	build(&house, "http");
	open_quality(&house);
	take(&house, &sample);
	cr_assert(isnan(score(&house, "streaming")), "too short an answer");
	readings[1] = reading_integer(BYTES, 2 << 20);
	take(&house, &sample);
	near(score(&house, "streaming"), 75, 0);
	near(score(&house, "data"), 80, 1e-9);
	cr_assert_eq(find(&house, NULL, NULL, "tcp_rate_estimated")->value.integer, 0);
	near(figure(&house, "tcp_rate_bytes_per_second"), 1e6, 0);
	tear_down(&house);
}

Test(quality, of_failing_pages)
{
	struct house house;

	build(&house, "http");
	open_quality(&house);
	page(&house, REASON_TIMEOUT, 10);
	near(figure(&house, "apdex_ratio"), 0, 0);
	near(score(&house, "web"), 0, 0);
	cr_assert(isnan(score(&house, "data")));
	tear_down(&house);
}

Test(quality, of_queries)
{
	struct house house;

	build(&house, "dns");
	house.settings.objectives.score = 60;
	open_quality(&house);
	page(&house, REASON_OK, 0.02);
	page(&house, REASON_OK, 0.1);
	near(figure(&house, "apdex_ratio"), 0.75, 1e-12);
	cr_assert(isnan(score(&house, "web")));
	cr_assert_eq(violations(&house, "score"), 0);
	page(&house, REASON_TIMEOUT, 1);
	cr_assert_eq(violations(&house, "score"), 1);
	tear_down(&house);
}

Test(quality, of_other_types)
{
	struct house house;

	build(&house, "tcp");
	open_quality(&house);
	cr_assert_null(house.state);
	cr_assert_eq(quality_size(NULL), 0);
	tear_down(&house);
}

/* --- objectives --------------------------------------------------------------------------------------------------- */

Test(quality, counts_violations_when_they_begin)
{
	struct house house;

	build(&house, "ping");
	house.settings.window_packets = 4;
	house.settings.objectives = (struct config_objectives){0.3, 5000000, 50000000, 60};
	open_quality(&house);
	for (int round = 1; round <= 3; round++) {
		int64_t good_ns = 20000000, slow_ns = 900000000;

		for (int i = 0; i < 60; i++)
			ping(&house, 1, &good_ns, 1);
		for (unsigned i = 0; i < 4; i++)
			cr_assert_eq(violations(&house, (const char *[]){"loss", "jitter", "delay", "score"}[i]),
				     round - 1);
		for (int i = 0; i < 8; i++)
			ping(&house, 1, &slow_ns, 1);
		cr_assert_eq(violations(&house, "delay"), round);
		cr_assert_eq(violations(&house, "jitter"), round);
		cr_assert_eq(violations(&house, "score"), round);
		cr_assert_eq(violations(&house, "loss"), round - 1);
		for (int i = 0; i < 8; i++)
			ping(&house, 1, NULL, 0);
		cr_assert_eq(violations(&house, "loss"), round);
		cr_assert_eq(violations(&house, "score"), round);
	}
	tear_down(&house);
}

Test(quality, objectives_of_the_target)
{
	const struct config_objectives own = {.delay_ns = 1000};
	const int64_t rtt_ns = 20000000;
	struct reading readings[] = {reading_integer(SENT, 1), reading_integer(RECEIVED, 1),
				     reading_histogram(RTT, &rtt_ns, 1)};
	struct row row = {&set, NULL, 0, readings, 3};
	struct house house;
	struct sample sample = {.rows = &row, .nrows = 1};

	build(&house, "ping");
	house.settings.objectives.loss_ratio = 0.5;
	house.objectives = &own;
	open_quality(&house);
	take(&house, &sample);
	cr_assert_eq(violations(&house, "delay"), 1);
	cr_assert_eq(violations(&house, "loss"), -1);
	tear_down(&house);
}

/* As the pipeline calls it, by the clock. */
Test(quality, is_an_assessor)
{
	const int64_t rtt_ns = 20000000;
	struct reading readings[] = {reading_integer(SENT, 1), reading_integer(RECEIVED, 1),
				     reading_histogram(RTT, &rtt_ns, 1)};
	struct row row = {&set, NULL, 0, readings, 3};
	struct house house;
	struct sample sample = {.rows = &row, .nrows = 1, .subject = &house.subject};
	void *state;

	build(&house, "ping");
	house.quality = quality_create(&house.settings);
	cr_assert_eq(quality_assessor.sets[0], &quality_set);
	state = quality_assessor.open(house.quality,
				      &(struct assessed){&house.subject, NS_PER_SECOND, house.slabs, NULL});
	quality_assessor.note(state, &sample);
	quality_assessor.report(state, 0, house.sheet);
	house.rows = sheet_rows(house.sheet, &house.nrows);
	cr_assert(score(&house, "voice") > 90);
	quality_assessor.close(state);
	tear_down(&house);
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

Test(quality, may_be_off)
{
	struct house house;

	build(&house, "ping");
	house.settings.is_enabled = false;
	cr_assert_null(quality_create(&house.settings));
	cr_assert_null(quality_create(NULL));
	cr_assert_eq(quality_count_series(&house.settings, "ping"), 0);
	house.quality = NULL;
	tear_down(&house);
}

Test(quality, counts_series)
{
	const int64_t rtt_ns = 20000000;
	struct house house;
	size_t n = 0;

	build(&house, "ping");
	house.settings.objectives = (struct config_objectives){0.1, 1, 1, 1};
	open_quality(&house);
	for (int i = 0; i < 10; i++)
		ping(&house, 1, &rtt_ns, i != 5);
	for (size_t i = 0; i < house.nrows; i++)
		n += house.rows[i].n;
	/* With loss there is no score of gaming. */
	cr_assert_eq(quality_count_series(&house.settings, "ping"), n + 1);
	cr_assert_eq(quality_count_series(&house.settings, "http"), 8);
	cr_assert_eq(quality_count_series(&house.settings, "dns"), 7);
	cr_assert_eq(quality_count_series(&house.settings, "tcp"), 0);
	tear_down(&house);
}

Test(quality, knows_many_sets)
{
	struct measure_set sets[20];
	struct house house;

	build(&house, "ping");
	open_quality(&house);
	for (unsigned i = 0; i < 40; i++) {
		struct reading readings[] = {reading_integer(SENT, i + 1)};
		struct row row = {&sets[i % 20], NULL, 0, readings, 1};
		struct sample sample = {.rows = &row, .nrows = 1};

		sets[i % 20] = set;
		take(&house, &sample);
		cr_assert_eq(find(&house, NULL, NULL, "packets")->value.integer, i + 1);
	}
	tear_down(&house);
}
