/*
 * How each score is made: formula, source, mapping to 0..100, and an example that the very code of the daemon works
 * out.
 */
#include <math.h>
#include <string.h>

#include "daemon/reference.h"
#include "daemon/reference_print.h"
#include "qos/aim.h"
#include "qos/gaming.h"
#include "qos/jitter.h"
#include "qos/loss.h"
#include "qos/scores.h"
#include "qos/tcp_rate.h"
#include "qos/video.h"
#include "qos/web.h"

struct told_score {
	const char *title;
	const char *what;           /* a paragraph */
	const char *const *formula; /* lines; NULL-terminated */
	const char *source;
	const char *points;                /* how it becomes 0..100; NULL: it does not */
	void (*example)(struct text *out); /* lines */
};

/* --- examples ---------------------------------------------------------------------------------------------------- */

static struct emodel_base default_model(void)
{
	struct emodel model;
	struct emodel_base base;

	emodel_set_defaults(&model);
	emodel_prepare(&model, &base);
	return base;
}

static void voice_example(struct text *out)
{
	struct emodel_base base = default_model();
	const struct codec *codec = codec_find("g711-plc");
	struct emodel_call call = emodel_call_of(40 + 20 + codec->delay_ms);
	struct emodel_terms t;

	call.ie = codec->ie;
	call.bpl = codec->bpl;
	call.loss_percent = 1;
	emodel_rate(&base, &call, &t);
	text_add_format(out, "%s, RTT 80 ms, jitter 10 ms, loss 1 %%\n", codec->name);
	text_add_format(out, "delay = 80 / 2 + 2 x 10 (buffer) + %g (codec) = %g ms; T = Ta = %g, Tr = %g\n",
			codec->delay_ms, call.ta_ms, call.ta_ms, call.tr_ms);
	text_add_format(out, "No = %.4f, Ro = %.4f\n", t.no, t.ro);
	text_add_format(out, "Is = Iolr %.4f + Ist %.4f + Iq %.4f = %.4f\n", t.iolr, t.ist, t.iq, t.is);
	text_add_format(out, "Id = Idte %.4f + Idle %.4f + Idd %.4f = %.4f\n", t.idte, t.idle, t.idd, t.id);
	text_add_format(out, "Ie,eff = %g + (95 - %g) 1 / (1 / 1 + %g) = %.4f\n", codec->ie, codec->ie, codec->bpl,
			t.ie_eff);
	text_add_format(out, "R = %.4f - %.4f - %.4f - %.4f + 0 = %.4f\n", t.ro, t.is, t.id, t.ie_eff, t.r);
	text_add_format(out, "MOS = %.4f, category \"%s\", score %.1f\n", emodel_mos(t.r), emodel_band(t.r),
			score_points_rate(t.r));
	text_add_format(out, "With the defaults, no delay and no loss: R = %.8f\n",
			emodel_rate(&base, &(struct emodel_call){.bpl = 4.3, .burst_ratio = 1}, NULL));
}

static void wideband_example(struct text *out)
{
	struct emodel_base base = default_model();
	const struct codec *codec = codec_find("amr-wb-12.65-headset");
	struct emodel_call call = {
		.ta_ms = 200, .ie = codec->ie, .bpl = codec->bpl, .loss_percent = 2, .burst_ratio = 1};
	double r = emodel_rate_wideband(&base.model, &call);

	text_add_format(out, "%s, 200 ms from mouth to ear, loss 2 %%\n", codec->name);
	text_add_format(out, "Ie,eff,WB = %g + (95 - %g) 2 / (2 + %g) = %.4f\n", codec->ie, codec->ie, codec->bpl,
			emodel_equipment_impairment(&call));
	text_add_format(out, "R,WB = 129 - 1.29 x %.4f - %.4f = %.4f\n", emodel_delay_impairment(&base.model, 200),
			emodel_equipment_impairment(&call), r);
	text_add_format(out, "MOS = %.4f (scale of wideband), score %.1f\n", emodel_mos(r / EMODEL_SCALE_WIDEBAND),
			score_points_voice(codec, r));
}

static void video_example(struct text *out)
{
	struct emodel_base base = default_model();
	struct score_path path = {.network_ms = 100, .buffer_ms = 40, .loss_percent = 0.5, .burst_ratio = 1};
	struct score_video video;

	score_video(&base.model, &path, 0, &video);
	text_add(out, "one way 100 ms, buffer 40 ms, loss 0.5 %, throughput not measured: 2000 kbit/s\n");
	text_add_format(out, "Vq = %.4f, R(Vq) = %.4f\n", video.vq, emodel_rate_of_mos(video.vq));
	text_add_format(out, "R = %.4f - Idd(140 ms) %.4f = %.4f\n", emodel_rate_of_mos(video.vq),
			emodel_delay_impairment(&base.model, 140), video.r);
	text_add_format(out, "MOS = %.4f, score %.1f\n", video.mos, score_points_rate(video.r));
}

static void rate_example(struct text *out)
{
	double rate = tcp_rate_pftk(0.1, 0.001, 0);

	text_add(out, "RTT 100 ms, loss 0.1 %, no ceiling of a window\n");
	text_add_format(out, "PFTK %.4f Mbit/s (Mathis %.4f, TFRC %.4f)\n", rate / 1e6,
			tcp_rate_mathis(0.1, 0.001, TCP_RATE_MATHIS_EACH) / 1e6, tcp_rate_tfrc(0.1, 0.001) / 1e6);
}

static void streaming_example(struct text *out)
{
	double rate = tcp_rate_pftk(0.1, 0.001, 0);
	int score = score_streaming(rate);

	rate_example(out);
	text_add_format(out, "%d of 5 (%s), score %.0f\n", score, score_streaming_rung(score),
			score_points_rung(score));
}

static void data_example(struct text *out)
{
	double rate = tcp_rate_pftk(0.1, 0.001, 0);

	rate_example(out);
	text_add_format(out, "%.4f of %.0f Mbit/s: score %.1f\n", rate / 1e6, SCORE_NEED_BPS / 1e6,
			score_points_data(rate, SCORE_NEED_BPS));
}

static void gaming_example(struct text *out)
{
	double r = gaming_rate(GAMING_BITRATE_MBPS, 50);

	text_add(out, "RTT 50 ms, no loss\n");
	text_add_format(out, "I_del = %.4f, R = %.4f, MOS = %.4f, score %.1f\n", gaming_delay_impairment(50), r,
			gaming_mos(r), r);
}

static void web_example(struct text *out)
{
	double mos = web_mos(2, WEB_FAST_SECONDS, WEB_ONE_PAGE);

	text_add_format(out, "a page of 2 s: Min = %.2f s, MOS = %.4f, score %.1f\n", 0.005 * WEB_FAST_SECONDS + 0.24,
			mos, score_points_mos(mos));
}

static void apdex_example(struct text *out)
{
	double score = apdex_score(60, 30, 100);

	text_add_format(out, "60 satisfied, 30 tolerating, 10 frustrated: %.2f, \"%s\"\n", score, apdex_rating(score));
}

static void aim_example(struct text *out)
{
	static const char *const names[AIM_USES] = {"streaming", "gaming", "rtc"};
	const struct aim_inputs inputs = {25, 5, 0, 30, 25e6};

	text_add(out, "latency 25 ms, under load 30 ms more, jitter 5 ms, no loss, download 25 Mbit/s\n");
	for (unsigned use = 0; use < AIM_USES; use++) {
		const char *class;
		int points;

		if (aim_score(&inputs, (enum aim_use)use, &points, &class))
			text_add_format(out, "%s: %d points, \"%s\"\n", names[use], points, class);
	}
}

static void jitter_example(struct text *out)
{
	static const double delays[] = {20.0, 21.5, 19.8, 25.0, 20.2, 20.4, 31.0, 20.1};
	struct interarrival jitter = {0};
	struct ipdv ipdv = {0};
	double least = INFINITY, most = 0;

	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		interarrival_add(&jitter, delays[i]);
		ipdv_add(&ipdv, delays[i]);
		least = fmin(least, delays[i]);
		most = fmax(most, delays[i]);
	}
	text_add(out, "delays 20.0 21.5 19.8 25.0 20.2 20.4 31.0 20.1 ms\n");
	text_add_format(out, "J = %.6f ms, mean |IPDV| = %.6f ms, largest PDV = %.1f ms\n", jitter.jitter,
			ipdv_mean_abs(&ipdv), most - least);
}

static void loss_example(struct text *out)
{
	static const char packets[] = "0000010000011000000000001110000000010000";
	struct loss loss = {0};
	double ratio = 0, p = 0, q = 0;

	for (const char *at = packets; *at; at++)
		loss_add(&loss, *at == '1');
	loss_burst_ratio(&loss, &ratio);
	loss_gilbert_p(&loss, &p);
	loss_gilbert_q(&loss, &q);
	text_add_format(out, "%s (1: lost)\n", packets);
	text_add_format(out, "%u of %u lost: %.4f; %u runs of %.2f packets; p = %.4f, q = %.4f; BurstR = %.5f\n",
			loss.lost, loss.n, loss_ratio(&loss), loss.runs, loss_mean_run(&loss), p, q, ratio);
}

/* --- the table --------------------------------------------------------------------------------------------------- */

#define LINES(...)                                                                                                     \
	(const char *const[])                                                                                          \
	{                                                                                                              \
		__VA_ARGS__, NULL                                                                                      \
	}

static const struct told_score told_scores[] = {
	{"Voice (narrowband codecs)",
	 "The E-model: R from the delay from mouth to ear, the codec, and how packets are lost. Delay: RTT / 2, which "
	 "takes both directions to be alike, plus the codec's packets and look-ahead, plus a de-jitter buffer. The "
	 "daemon takes a quantile of the packet delay variation for the buffer (95 %, within 20 to 200 ms), and "
	 "packets "
	 "that come later than that are lost to the call. The calculator knows the RFC 3550 jitter J only: 2 J within "
	 "the same bounds, a rule of planning and no standard. BurstR counts as 1 below ten runs of losses",
	 LINES("R = Ro - Is - Id - Ie,eff + A", "Ro = 15 - 1.5 (SLR + No)",
	       "No = 10 log10(10^(Nc/10) + 10^(Nos/10) + 10^(Nor/10) + 10^(Nfo/10)), Nfo = Nfor + RLR",
	       "Nos = Ps - SLR - Ds - 100 + 0.004 (Ps - OLR - Ds - 14)^2, OLR = SLR + RLR",
	       "Nor = RLR - 121 + Pre + 0.008 (Pre - 35)^2, Pre = Pr + 10 log10(1 + 10^((10 - LSTR)/10)), LSTR = STMR "
	       "+ Dr",
	       "Is = Iolr + Ist + Iq", "Iolr = 20 ((1 + (Xolr/8)^8)^(1/8) - Xolr/8), Xolr = OLR + 0.2 (64 + No - RLR)",
	       "Ist = 12 (1 + ((STMRo-13)/6)^8)^(1/8) - 28 (1 + ((STMRo+1)/19.4)^35)^(1/35)",
	       "      - 13 (1 + ((STMRo-3)/33)^13)^(1/13) + 29",
	       "STMRo = -10 log10(10^(-STMR/10) + e^(-T/4) 10^(-TELR/10))",
	       "Iq = 15 log10(1 + 10^Y + 10^Z), Y = (Ro-100)/15 + 46/8.4 - G/9, Z = 46/30 - G/40",
	       "G = 1.07 + 0.258 Q + 0.0602 Q^2, Q = 37 - 15 log10(qdu)", "Id = Idte + Idle + Idd",
	       "Idte = ((Roe-Re)/2 + sqrt((Roe-Re)^2/4 + 100) - 1) (1 - e^-T), 0 below T = 1 ms",
	       "Roe = -1.5 (No - RLR), Re = 80 + 2.5 (TERV - 14)",
	       "TERV = TELR - 40 log10((1 + T/10)/(1 + T/150)) + 6 e^(-0.3 T^2)",
	       "Idle = (Ro-Rle)/2 + sqrt((Ro-Rle)^2/4 + 169), Rle = 10.5 (WEPL + 7) (Tr + 1)^(-1/4)",
	       "Idd = 25 ((1 + X^6sT)^(1/6sT) - 3 (1 + (X/3)^6sT)^(1/6sT) + 2), X = log2(Ta / mT), 0 up to mT",
	       "Ie,eff = Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl), Ppl in percent, late packets included",
	       "MOS = 1 + 0.035 R + R (R - 60) (100 - R) 7e-6; 1 below R = 6.5, 4.5 from R = 100",
	       "good or better = 100 Phi((R-60)/16) %, poor or worse = 100 Phi((45-R)/16) %",
	       "categories by R: 90 best, 80 high, 70 medium, 60 low, 50 poor, below not recommended"),
	 "ITU-T G.107 (06/2015), G.109, G.113; RFC 5481 for the buffer",
	 "R, within 0 to 100; of the first codec of the list", voice_example},
	{"Voice (wideband codecs)",
	 "The same without echo and noise, whose wideband constants are not known to us: echo is taken to be "
	 "cancelled. "
	 "Its MOS is on another scale than that of narrowband: never compare or average them. Where no robustness "
	 "against loss (Bpl) is published, as for G.722 and for AMR-WB on a handset, there is no score with loss",
	 LINES("R,WB = 129 - 1.29 Idd - Ie,eff,WB", "Ie,eff,WB = Ie,WB + (95 - Ie,WB) Ppl / (Ppl + Bpl)",
	       "MOS = the cubic of R,WB / 1.29"),
	 "ITU-T G.107.1 (06/2019) with Corrigendum 1, G.113 (09/2024)", "R,WB / 1.29", wideband_example},
	{"Video call",
	 "Picture quality Vq for H.264, VGA, 30 frames a second at 2000 kbit/s (or the measured throughput, if that is "
	 "less), on the scale of R, less what the delay takes from a conversation. Both halves are published; to put "
	 "them together is our own doing. It models video without repair of losses (no FEC, no retransmission), so it "
	 "is pessimistic for WebRTC. Delay: RTT / 2 plus the de-jitter buffer",
	 LINES("Vq = 1 + Icod exp(-Ppl / D_Ppl)",
	       "Icod = Iofr exp(-(ln Fr - ln Ofr)^2 / (2 D_Fr^2)), Fr = 30, Br in kbit/s",
	       "Ofr = 5.517 + 0.0129 Br, Iofr = 3.459 - 3.459 / (1 + (Br / 178.53)^1.02)",
	       "D_Fr = 1.15 + 3.55e-4 Br, D_Ppl = 0.736 - 6.451 exp(-Fr / 0.114) + 13.684 exp(-Br / 513.77)",
	       "R = R(Vq) - Idd(delay)", "MOS = the cubic of R"),
	 "ITU-T G.1070, coefficient set 5; ITU-T G.107 (Appendix I, Idd)", "R, within 0 to 100", video_example},
	{"Streaming",
	 "The best rung of the ladder of bit rates that the throughput carries: 15 Mbit/s 2160p, 5 1080p, 3 720p, 1 "
	 "480p. "
	 "The throughput is measured over HTTP, by answers of some size, or else ESTIMATED from RTT and loss: what one "
	 "Reno-style TCP connection would get, a floor for CUBIC and BBR. Lost / sent stands for events of loss. "
	 "Without loss the estimate is the receive window by the RTT, and the calculator has none",
	 LINES("B = min(W / RTT, MSS / (RTT sqrt(2bp/3) + T0 min(1, 3 sqrt(3bp/8)) p (1 + 32 p^2)))",
	       "b = 2, MSS = 1460 bytes, T0 = max(0.2 s, 4 RTT)"),
	 "Padhye et al. 1998, eq. 31 (PFTK); rungs: published requirements of Netflix and YouTube",
	 "25 points for each rung above the lowest", streaming_example},
	{"Data", "The same throughput, against what is needed (data_need, 10 Mbit/s by default). As estimated as it is",
	 LINES("score = 100 min(1, throughput / need)"), "as streaming", "as it is", data_example},
	{"Gaming",
	 "Cloud gaming at 20 Mbit/s, 1080p, 60 frames a second, of the class that is most sensitive; the delay is the "
	 "round-trip time. Only without loss: public implementations of the terms of frame loss differ in the "
	 "logarithm, "
	 "and the test vectors do not decide. So with loss there is no score",
	 LINES("I_del = 90 / (1 + exp(1.191 - 0.009775 RTT)) - 18.73",
	       "I_cod = 47.7463038 exp(-12.0699723 b) + 9.05167501 c + 3.41919377, b = bits per pixel",
	       "c = 7.62306351 exp(-167.837954 b) + 0.0760332685",
	       "I_tvq = 47.03 + 0.01747 fps^2 - 1.823 fps, I_ipq = 54.71 + 0.02589 fps^2 - 2.485 fps, none below 0",
	       "R = 100 - 0.788 I_cod - 0.227 I_tvq - 0.625 I_ipq - 0.848 I_del",
	       "MOS = 1.3 + 3.34 R / 100 + R (R - 60) (100 - R) 7e-6                within 1.3 to 4.64"),
	 "ITU-T G.1072", "R, within 0 to 100", gaming_example},
	{"Web",
	 "One page in a fast context (6 s are the most that is put up with). The daemon takes the median of the whole "
	 "times of the window's successful http runs; when all failed the score is 0",
	 LINES("Min = 0.005 Max + 0.24",
	       "MOS = 5 + 4 ln(t / Min) / ln(Min / Max)                             within 1 to 5"),
	 "ITU-T G.1030", "25 (MOS - 1)", web_example},
	{"Apdex",
	 "How many waited no longer than T, or no longer than 4 T; failed runs count as frustrated. http and dns",
	 LINES("Apdex = (satisfied + tolerating / 2) / total"), "Apdex Alliance, Technical Specification 1.1", NULL,
	 apdex_example},
	{"AIM",
	 "Points of a speed test. It needs the latency under load, so that the calculator alone has it "
	 "(--loaded-rtt-ms); an experience with an input missing is left out",
	 LINES("streaming = latency + loss + download + loaded", "gaming = latency + loss + loaded",
	       "rtc = latency + jitter + loss + loaded"),
	 "Cloudflare, Aggregated Internet Measurement", NULL, aim_example},
	{"Jitter and delay variation",
	 "Of round-trip times, so that both directions are in the figures. A lost packet breaks the chain of IPDV",
	 LINES("RFC 3550: J += (|D| - J) / 16, in order of arrival", "IPDV: difference of two neighbours by sequence",
	       "PDV: delay above the shortest of the window"),
	 "RFC 3550, RFC 3393, RFC 5481", NULL, jitter_example},
	{"Loss",
	 "Runs of lost packets; p is the probability of a loss behind a packet that came, q that a packet comes behind "
	 "a "
	 "lost one. BurstR is 1 without loss, and undefined when everything was lost",
	 LINES("BurstR = mean run x (1 - loss ratio)", "p = n01 / (n00 + n01), q = n10 / (n10 + n11)"),
	 "ITU-T G.107, RFC 3357, Gilbert's model", NULL, loss_example},
};
#define TOLD_SCORES (sizeof(told_scores) / sizeof(told_scores[0]))

/* --- forms ------------------------------------------------------------------------------------------------------- */

/* Each line of the text behind an indent. */
static void add_indented(struct text *out, const char *lines, const char *indent)
{
	while (*lines) {
		size_t n = strcspn(lines, "\n");

		text_add(out, indent);
		text_add_bytes(out, lines, n);
		text_add_char(out, '\n');
		lines += n + (lines[n] == '\n');
	}
}

static void tell_text(const struct told_score *score, const char *example, struct text *out)
{
	text_add_format(out, "%s\n", score->title);
	reference_add_wrapped(out, score->what, 2);
	text_add(out, "  formula:\n");
	for (size_t i = 0; score->formula[i]; i++)
		text_add_format(out, "      %s\n", score->formula[i]);
	text_add_format(out, "  source: %s\n", score->source);
	if (score->points)
		text_add_format(out, "  score of 0 to 100: %s\n", score->points);
	text_add(out, "  example:\n");
	add_indented(out, example, "      ");
	text_add_char(out, '\n');
}

static void tell_markdown(const struct told_score *score, const char *example, struct text *out)
{
	text_add_format(out, "### %s\n\n%s.\n\n", score->title, score->what);
	for (size_t i = 0; score->formula[i]; i++)
		text_add_format(out, "    %s\n", score->formula[i]);
	text_add_format(out, "\nSource: %s.", score->source);
	if (score->points)
		text_add_format(out, " Score of 0 to 100: %s.", score->points);
	text_add(out, "\n\nExample:\n\n");
	add_indented(out, example, "    ");
	text_add_char(out, '\n');
}

static json_t *tell_json(const struct told_score *score, const char *example)
{
	json_t *formula = json_array();

	for (size_t i = 0; score->formula[i]; i++)
		json_array_append_new(formula, json_string(score->formula[i]));
	return json_pack("{s:s, s:s, s:o, s:s, s:s?, s:s}", "name", score->title, "help", score->what, "formula",
			 formula, "source", score->source, "points", score->points, "example", example);
}

void reference_scores(enum reference_format format, struct text *out)
{
	json_t *scores = format == REFERENCE_JSON ? json_array() : NULL;

	for (size_t i = 0; i < TOLD_SCORES; i++) {
		struct text example = {0};

		told_scores[i].example(&example);
		if (format == REFERENCE_TEXT)
			tell_text(&told_scores[i], text_string(&example), out);
		else if (format == REFERENCE_MARKDOWN)
			tell_markdown(&told_scores[i], text_string(&example), out);
		else
			json_array_append_new(scores, tell_json(&told_scores[i], text_string(&example)));
		text_free(&example);
	}
	if (scores)
		reference_add_json(out, json_pack("{s:o}", "scores", scores));
}
