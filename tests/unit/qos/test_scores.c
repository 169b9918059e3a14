#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "qos/aim.h"
#include "qos/gaming.h"
#include "qos/scores.h"
#include "qos/tcp_rate.h"
#include "qos/video.h"
#include "qos/web.h"

#define near(actual, expected, tolerance)                                                                              \
	cr_assert(fabs((actual) - (expected)) <= (tolerance), "%s: %.10f instead of %.10f", #actual, (double)(actual), \
		  (double)(expected))

static struct emodel_base defaults(void)
{
	struct emodel model;
	struct emodel_base base;

	emodel_set_defaults(&model);
	emodel_prepare(&model, &base);
	return base;
}

/* quality.md 2.3 */
Test(scores, video)
{
	static const struct {
		double one_way, loss, bps, vq, r, mos;
	} rows[] = {
		{20, 0, 2e6, 4.1870, 84.6516, 4.1870},  {20, 0, 0, 4.1870, 84.6516, 4.1870},
		{20, 0, 50e6, 4.1870, 84.6516, 4.1870}, {20, 1, 1e6, 2.9300, 56.7430, 2.9300},
		{20, 5, 2e6, 1.0231, 9.0437, 1.0231},
	};
	struct emodel_base base = defaults();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct score_path path = {
			.network_ms = rows[i].one_way, .loss_percent = rows[i].loss, .burst_ratio = 1};
		struct score_video video;

		score_video(&base.model, &path, rows[i].bps, &video);
		near(video.vq, rows[i].vq, 0.000051);
		near(video.r, rows[i].r, 0.000051);
		near(video.mos, rows[i].mos, 0.000051);
	}
}

Test(scores, video_is_monotone_in_loss_and_delay)
{
	struct emodel_base base = defaults();

	for (double loss = 0; loss < 20; loss += 0.1) {
		double before = 5;

		cr_assert(video_quality(2000, 30, loss + 0.1) < video_quality(2000, 30, loss));
		for (double ms = 0; ms < 500; ms += 10) {
			struct score_path path = {.network_ms = ms, .loss_percent = loss, .burst_ratio = 1};
			struct score_video video;

			score_video(&base.model, &path, 0, &video);
			cr_assert(video.mos <= before);
			before = video.mos;
		}
	}
}

Test(scores, tcp_rates)
{
	static const struct {
		double rtt, loss, pftk, mathis, tfrc;
		int score;
		const char *rung;
	} rows[] = {
		{10, 0.01, 100.6986, 143.0502, 142.9216, 5, "2160p"},
		{100, 0.1, 3.1702, 4.5236, 4.4833, 3, "720p"},
		{300, 5, 0.1015, 0.2132, 0.1435, 1, "below 480p"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double rtt = rows[i].rtt / 1000, loss = rows[i].loss / 100;

		near(tcp_rate_pftk(rtt, loss, 0) / 1e6, rows[i].pftk, 0.000051);
		near(tcp_rate_mathis(rtt, loss, TCP_RATE_MATHIS_EACH) / 1e6, rows[i].mathis, 0.000051);
		near(tcp_rate_tfrc(rtt, loss) / 1e6, rows[i].tfrc, 0.000051);
		cr_assert_eq(score_streaming(tcp_rate_pftk(rtt, loss, 0)), rows[i].score);
		cr_assert_str_eq(score_streaming_rung(rows[i].score), rows[i].rung);
	}
	near(tcp_rate_mathis(0.1, 0.01, TCP_RATE_MATHIS_DELAYED) / tcp_rate_mathis(0.1, 0.01, TCP_RATE_MATHIS_EACH),
	     sqrt(0.5), 1e-12);
	near(tcp_rate_pftk(0.1, 0, 65536), 65536 * 80, 1e-6);
	near(tcp_rate_pftk(0.1, 0.05, 1e9), tcp_rate_pftk(0.1, 0.05, 0), 0);
	cr_assert(isinf(tcp_rate_pftk(0.1, 0, 0)));
}

Test(scores, streaming_rungs)
{
	static const struct {
		double bps;
		int score;
	} rows[] = {{0, 1},     {999999, 1}, {1e6, 2},     {2.9e6, 2}, {3e6, 3},
		    {4.9e6, 3}, {5e6, 4},    {14.99e6, 4}, {15e6, 5},  {1e12, 5}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_assert_eq(score_streaming(rows[i].bps), rows[i].score, "%g", rows[i].bps);
}

/* G.1072: the rows without loss, and the vectors of the reference implementation. */
Test(scores, gaming)
{
	near(gaming_rate(20, 0), 89.3294, 0.000051);
	near(gaming_mos(gaming_rate(20, 0)), 4.4793, 0.000051);
	near(gaming_mos(100 - gaming_delay_impairment(0)), 4.6230, 0.000051);
	near(gaming_rate(20, 200), 55.0509, 0.000051);
	near(gaming_mos(gaming_rate(20, 200)), 3.0530, 0.000051);
	near(gaming_mos(100 - gaming_delay_impairment(200)), 3.1691042828686484, 1e-9);
	near(gaming_mos(gaming_rate(2, 200)), 1.703640262361372, 1e-7);
	near(gaming_mos(gaming_rate(50, 0)), 4.580889112437288, 1e-7);
	near(gaming_mos(100 - gaming_delay_impairment(100)), 4.1411, 0.000051);
	cr_assert_eq(gaming_mos(0), 1.3);
	cr_assert_eq(gaming_mos(100), 4.64);
	for (double ms = 0; ms < 1000; ms++)
		cr_assert(gaming_rate(20, ms + 1) <= gaming_rate(20, ms));
	near(gaming_delay_impairment(10000), 68.98, 0);
}

Test(scores, web)
{
	static const struct {
		double seconds, fast, medium, slow, two_pages;
	} rows[] = {{0.1, 5, 5, 5, 5},
		    {2, 2.4171, 3.0862, 3.8882, 4.4251},
		    {60, 1, 1, 1, 1},
		    {0, 5, 5, 5, 5},
		    {1e9, 1, 1, 1, 1}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		near(web_mos(rows[i].seconds, WEB_FAST_SECONDS, WEB_ONE_PAGE), rows[i].fast, 0.000051);
		near(web_mos(rows[i].seconds, WEB_MEDIUM_SECONDS, WEB_ONE_PAGE), rows[i].medium, 0.000051);
		near(web_mos(rows[i].seconds, WEB_SLOW_SECONDS, WEB_ONE_PAGE), rows[i].slow, 0.000051);
		near(web_mos(rows[i].seconds, WEB_SLOW_SECONDS, WEB_TWO_PAGES), rows[i].two_pages, 0.000051);
	}
	near(web_mos(0.138, WEB_FAST_SECONDS, WEB_ONE_EVENT), 5, 1e-12);
	cr_assert_lt(web_mos(0.139, WEB_FAST_SECONDS, WEB_ONE_EVENT), 5);
	for (double s = 0; s < 10; s += 0.01)
		cr_assert(web_mos(s + 0.01, 6, WEB_ONE_PAGE) <= web_mos(s, 6, WEB_ONE_PAGE));
}

Test(scores, apdex)
{
	static const struct {
		double score;
		const char *rating;
	} rows[] = {{1, "excellent"}, {0.94, "excellent"}, {0.93, "good"}, {0.85, "good"},        {0.84, "fair"},
		    {0.70, "fair"},   {0.69, "poor"},      {0.50, "poor"}, {0.49, "unacceptable"}};

	near(apdex_score(60, 30, 100), 0.75, 1e-12);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_assert_str_eq(apdex_rating(rows[i].score), rows[i].rating);
	cr_assert_eq(apdex_of(0.5, 0.5), APDEX_SATISFIED);
	cr_assert_eq(apdex_of(0.501, 0.5), APDEX_TOLERATING);
	cr_assert_eq(apdex_of(2, 0.5), APDEX_TOLERATING);
	cr_assert_eq(apdex_of(2.001, 0.5), APDEX_FRUSTRATED);
}

Test(scores, aim)
{
	static const struct {
		double latency, jitter, loss, loaded, mbps;
		int streaming, gaming, rtc;
		const char *classes[3];
	} rows[] = {
		{5, 1, 0, 5, 200, 80, 50, 60, {"great", "great", "great"}},
		{9.99, 9.99, 0.0099, 9.99, 100, 80, 50, 60, {"great", "great", "great"}},
		{10, 10, 0.01, 10, 99.9, 45, 25, 30, {"good", "good", "good"}},
		{15, 3, 0, 15, 50, 50, 30, 40, {"good", "great", "great"}},
		{25, 5, 0, 30, 25, 30, 20, 30, {"average", "average", "good"}},
		{45, 12, 0.005, 60, 12, 25, 15, 20, {"average", "average", "average"}},
		{60, 25, 0.02, 120, 8, 0, 0, 0, {"bad", "bad", "bad"}},
		{99, 50, 0.05, 200, 4, 0, 0, 0, {"bad", "bad", "bad"}},
		{120, 110, 0.1, 400, 2, 0, 0, 0, {"bad", "bad", "bad"}},
		{600, 600, 0.6, 600, 0.5, 0, 0, 0, {"bad", "bad", "bad"}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct aim_inputs inputs = {rows[i].latency, rows[i].jitter, rows[i].loss, rows[i].loaded,
					    rows[i].mbps * 1e6};
		const int expected[AIM_USES] = {rows[i].streaming, rows[i].gaming, rows[i].rtc};

		for (unsigned use = 0; use < AIM_USES; use++) {
			const char *class;
			int points;

			cr_assert(aim_score(&inputs, (enum aim_use)use, &points, &class));
			cr_assert_eq(points, expected[use], "row %zu, use %u: %d", i, use, points);
			cr_assert_str_eq(class, rows[i].classes[use], "row %zu, use %u: %s", i, use, class);
		}
	}
}

Test(scores, aim_with_missing_inputs)
{
	struct aim_inputs inputs = {5, -1, -1, 5, -1};
	const char *class;
	int points;

	cr_assert_not(aim_score(&inputs, AIM_STREAMING, &points, &class));
	cr_assert_not(aim_score(&inputs, AIM_RTC, &points, &class));
	cr_assert(aim_score(&inputs, AIM_GAMING, &points, &class));
	cr_assert_eq(points, 40, "loss that was not measured counts no points");
	inputs.loaded_increase_ms = -1;
	cr_assert_not(aim_score(&inputs, AIM_GAMING, &points, &class));
	inputs.latency_ms = -1;
	cr_assert_not(aim_score(&inputs, AIM_GAMING, &points, &class));
}

/* --- codecs ------------------------------------------------------------------------------------------------------ */

Test(scores, codecs)
{
	static const struct {
		const char *name;
		double ie, bpl, ms;
	} rows[] = {
		{"g711", 0, 4.3, 20},           {"g711-plc", 0, 25.1, 20},
		{"g729a", 11, 19, 25},          {"g723.1", 15, 16.1, 67.5},
		{"gsm-efr", 5, 10, 20},         {"g722", 13, 0, 21.5},
		{"amr-wb-12.65", 13, 0, 25.94}, {"amr-wb-12.65-headset", 20, 4.3, 25.94},
		{"amr-wb-23.85", 8, 0, 25.94},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct codec *codec = codec_find(rows[i].name);

		cr_assert(codec, "%s", rows[i].name);
		cr_assert(codec->ie == rows[i].ie && codec->bpl == rows[i].bpl && codec->delay_ms == rows[i].ms, "%s",
			  rows[i].name);
		cr_assert_eq(codec_is_computable(codec, 0.1), rows[i].bpl > 0);
		cr_assert(codec_is_computable(codec, 0));
	}
	cr_assert_null(codec_find("g71"));
	cr_assert_str_eq(codec_nearest("g71"), "g711");
	cr_assert_null(codec_nearest("something else"));
	for (size_t i = 0; i < codec_table_n; i++)
		cr_assert_eq(codec_find(codec_table[i].name), &codec_table[i], "%s twice", codec_table[i].name);
}

Test(scores, voice)
{
	struct emodel_base base = defaults();
	struct score_path path = {.network_ms = 100, .is_mouth_to_ear = true, .burst_ratio = 1};
	struct score_voice voice;

	cr_assert(score_voice(&base, codec_find("g711"), &path, &voice));
	near(voice.r, 90.664, 0.000501);
	near(voice.one_way_ms, 100, 0);
	cr_assert_str_eq(voice.band, "best");
	path = (struct score_path){.network_ms = 40, .buffer_ms = 40, .burst_ratio = 1};
	cr_assert(score_voice(&base, codec_find("g711"), &path, &voice));
	near(voice.one_way_ms, 100, 0);
	near(voice.r, 90.664, 0.000501);
	path.loss_percent = 2;
	cr_assert_not(score_voice(&base, codec_find("g722"), &path, &voice));
	path = (struct score_path){.loss_percent = 2, .burst_ratio = 3, .is_mouth_to_ear = true};
	cr_assert(score_voice(&base, codec_find("amr-wb-12.65-headset"), &path, &voice));
	near(voice.mos, 3.4062, 0.000051);
	near(score_points_voice(codec_find("amr-wb-12.65-headset"), voice.r), voice.r / 1.29, 1e-9);
	cr_assert_null(voice.band);
}

Test(scores, buffers)
{
	cr_assert_eq(score_buffer_ms(0), 20);
	cr_assert_eq(score_buffer_ms(30), 60);
	cr_assert_eq(score_buffer_ms(1000), 200);
}

/* --- sheets ------------------------------------------------------------------------------------------------------ */

static struct scores sheet_of(const struct scores_inputs *inputs, const char *codec)
{
	struct emodel_base base = defaults();
	struct scores sheet;

	scores_make(&base, codec_find(codec), inputs, &sheet);
	return sheet;
}

Test(scores, sheet_of_nothing)
{
	struct scores_inputs inputs = scores_no_inputs();
	struct scores sheet = sheet_of(&inputs, "g711");

	for (unsigned use = 0; use < SCORE_USES; use++)
		cr_assert(sheet.absent[use], "%s", score_use_name((enum score_use)use));
}

Test(scores, sheet_of_everything)
{
	struct scores_inputs inputs = scores_no_inputs();
	struct scores sheet;

	inputs.rtt_ms = 80;
	inputs.jitter_ms = 20;
	inputs.throughput_bps = 5e6;
	inputs.need_bps = 10e6;
	inputs.page_seconds = 2;
	sheet = sheet_of(&inputs, "g711");
	for (unsigned use = 0; use < SCORE_USES; use++)
		cr_assert_null(sheet.absent[use], "%s: %s", score_use_name((enum score_use)use), sheet.absent[use]);
	near(sheet.voice.one_way_ms, 100, 1e-9);
	near(sheet.points[SCORE_VOICE], 90.664, 0.000501);
	near(sheet.points[SCORE_VIDEO], 84.6516, 0.000051);
	near(sheet.points[SCORE_STREAMING], 75, 0);
	near(sheet.points[SCORE_GAMING], gaming_rate(20, 80), 0);
	near(sheet.points[SCORE_WEB], 25 * 1.4171, 0.002);
	near(sheet.points[SCORE_DATA], 50, 1e-9);
	cr_assert_not(sheet.is_rate_estimated);
}

Test(scores, sheet_with_loss)
{
	struct scores_inputs inputs = scores_no_inputs();
	struct scores sheet;

	inputs.rtt_ms = 100;
	inputs.loss_percent = 0.1;
	inputs.burst_ratio = 0.5;
	inputs.need_bps = 1e6;
	sheet = sheet_of(&inputs, "g722");
	cr_assert(sheet.absent[SCORE_VOICE], "no Bpl");
	cr_assert(sheet.absent[SCORE_GAMING], "in doubt");
	cr_assert_eq(sheet.streaming, 3);
	cr_assert(sheet.is_rate_estimated);
	cr_assert_eq(sheet.points[SCORE_DATA], 100);
	cr_assert_eq(sheet.path.burst_ratio, 1);
	inputs.burst_ratio = 9;
	inputs.late_percent = 100;
	sheet = sheet_of(&inputs, "g711");
	cr_assert_eq(sheet.path.burst_ratio, 8);
	cr_assert_eq(sheet.path.loss_percent, 100);
	cr_assert_eq(sheet.points[SCORE_VOICE], 0);
}

Test(scores, sheet_without_a_rate)
{
	struct scores_inputs inputs = scores_no_inputs();
	struct scores sheet;

	inputs.rtt_ms = 100;
	sheet = sheet_of(&inputs, "g711");
	cr_assert(sheet.absent[SCORE_STREAMING]);
	inputs.loss_percent = 0;
	sheet = sheet_of(&inputs, "g711");
	cr_assert(sheet.absent[SCORE_STREAMING], "without loss there is no ceiling");
	inputs.window_bytes = 1e6;
	sheet = sheet_of(&inputs, "g711");
	cr_assert_null(sheet.absent[SCORE_STREAMING]);
	near(sheet.rate_bps, 80e6, 1e-3);
	cr_assert(sheet.absent[SCORE_DATA], "no need");
	inputs.rtt_ms = 0;
	sheet = sheet_of(&inputs, "g711");
	cr_assert(sheet.absent[SCORE_STREAMING]);
	inputs = scores_no_inputs();
	inputs.one_way_ms = 100;
	sheet = sheet_of(&inputs, "g711");
	cr_assert(sheet.absent[SCORE_GAMING]);
	near(sheet.points[SCORE_VOICE], 90.664, 0.000501);
}
