/*
 * The calculator: scores of figures that are given, without a daemon or a network.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "daemon/command.h"
#include "qos/aim.h"
#include "qos/gaming.h"
#include "qos/scores.h"

#define DEFAULT_CODEC "g711-plc"

/* A figure. offset: in struct score_inputs. */
struct figure {
	const char *name, *value;
	size_t offset;
	double minimum, maximum; /* maximum 0: none */
	const char *help;
};

struct score_inputs {
	struct scores_inputs sheet;
	double loaded_rtt_ms;
};
#define SHEET(member) offsetof(struct score_inputs, sheet.member)

static const struct figure figures[] = {
	{"rtt-ms", "MS", SHEET(rtt_ms), 0, 60000,
	 "round-trip time of the network. A call takes half of it, the codec's delay and a de-jitter buffer"},
	{"one-way-ms", "MS", SHEET(one_way_ms), 0, 60000,
	 "delay from mouth to ear, taken as it is, instead of --rtt-ms"},
	{"jitter-ms", "MS", SHEET(jitter_ms), 0, 60000,
	 "RFC 3550 jitter: the de-jitter buffer is twice as long, 20 to 200 ms. Default: 0"},
	{"loss-percent", "PERCENT", SHEET(loss_percent), 0, 100, "lost packets. Default: none"},
	{"burst-ratio", "RATIO", SHEET(burst_ratio), 0, 1000,
	 "BurstR: mean length of a run of lost packets, compared with independent loss; counts as at least 1 and at "
	 "most 8. Default: 1"},
	{"throughput-bps", "BPS", SHEET(throughput_bps), 0, 1e15, "measured throughput in bit/s"},
	{"need-bps", "BPS", SHEET(need_bps), 1, 1e15,
	 "what the data score compares the throughput with. Default: 10000000"},
	{"page-seconds", "S", SHEET(page_seconds), 0, 86400, "how long a web page takes"},
	{"loaded-rtt-ms", "MS", offsetof(struct score_inputs, loaded_rtt_ms), 0, 60000,
	 "round-trip time while the line is full, for AIM"},
};
#define FIGURES (sizeof(figures) / sizeof(figures[0]))

/* The flags behind the figures; those of the E-model come last. */
enum { FLAG_CODEC = FIGURES, FLAG_JSON, FLAG_MODEL };

/* --- reading ----------------------------------------------------------------------------------------------------- */

static int read_figure(const struct figure *figure, const char *text, struct score_inputs *inputs)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (end == text || *end || !isfinite(value) || strpbrk(text, "xX"))
		return command_refuse("score", "--%s: '%s' is not a number", figure->name, text);
	if (value < figure->minimum || value > figure->maximum)
		return command_refuse("score", "--%s: %s: must be between %g and %g", figure->name, text,
				      figure->minimum, figure->maximum);
	*(double *)((char *)inputs + figure->offset) = value;
	return -1;
}

static int read_model(const struct command_line *line, struct emodel *model)
{
	struct err err = {0};

	emodel_set_defaults(model);
	for (size_t i = 0; i < emodel_noptions; i++) {
		const char *text = line->values[FLAG_MODEL + i];

		if (text && option_set_text(&emodel_options[i], model, text, &err) == -1)
			return command_refuse("score", "--%s: %s", emodel_options[i].name, err.text);
	}
	if (emodel_check(model, &err) == -1)
		return command_refuse("score", "%s", err.text);
	return -1;
}

static int read_codec(const char *name, const struct codec **codec)
{
	const char *nearest;

	*codec = codec_find(name);
	if (*codec)
		return -1;
	nearest = codec_nearest(name);
	if (nearest)
		return command_refuse("score", "--codec: there is no '%s'; did you mean %s?", name, nearest);
	return command_refuse("score", "--codec: there is no '%s'; see 'netsonde score --help'", name);
}

static int read_inputs(const struct command_line *line, struct score_inputs *inputs)
{
	bool has_any = false;

	inputs->sheet = scores_no_inputs();
	inputs->sheet.need_bps = SCORE_NEED_BPS;
	inputs->loaded_rtt_ms = NAN;
	for (size_t i = 0; i < FIGURES; i++) {
		int result = line->values[i] ? read_figure(&figures[i], line->values[i], inputs) : -1;

		if (result != -1)
			return result;
	}
	if (!isnan(inputs->sheet.rtt_ms) && !isnan(inputs->sheet.one_way_ms))
		return command_refuse("score", "--rtt-ms or --one-way-ms, not both");
	has_any = !isnan(inputs->sheet.rtt_ms) || !isnan(inputs->sheet.one_way_ms) ||
		  !isnan(inputs->sheet.throughput_bps) || !isnan(inputs->sheet.page_seconds);
	if (!has_any)
		return command_refuse("score", "nothing to score: give --rtt-ms or --one-way-ms, --throughput-bps or "
					       "--page-seconds");
	return -1;
}

/* --- results ----------------------------------------------------------------------------------------------------- */

struct result {
	const struct codec *codec;
	struct score_inputs inputs;
	struct scores sheet;
	struct {
		int points;
		const char *class; /* NULL: not computable */
	} aim[AIM_USES];
};

static double measured(double value)
{
	return isnan(value) ? -1 : value;
}

static void find_aim(struct result *result)
{
	const struct scores_inputs *in = &result->inputs.sheet;
	const struct aim_inputs inputs = {
		.latency_ms = measured(in->rtt_ms),
		.jitter_ms = measured(in->jitter_ms),
		.loss_ratio = measured(in->loss_percent / 100),
		.loaded_increase_ms = measured(fmax(result->inputs.loaded_rtt_ms - in->rtt_ms, 0)),
		.download_bps = measured(in->throughput_bps),
	};

	if (isnan(result->inputs.loaded_rtt_ms))
		return;
	for (unsigned use = 0; use < AIM_USES; use++)
		if (!aim_score(&inputs, (enum aim_use)use, &result->aim[use].points, &result->aim[use].class))
			result->aim[use].class = NULL;
}

static const char *const aim_names[AIM_USES] = {"streaming", "gaming", "rtc"};

/* --- as JSON ----------------------------------------------------------------------------------------------------- */

static json_t *json_inputs(const struct result *result)
{
	json_t *object = json_object();

	for (size_t i = 0; i < FIGURES; i++) {
		double value = *(const double *)((const char *)&result->inputs + figures[i].offset);
		char name[32];

		snprintf(name, sizeof(name), "%s", figures[i].name);
		for (char *c = strchr(name, '-'); c; c = strchr(c, '-'))
			*c = '_';
		if (!isnan(value))
			json_object_set_new(object, name, json_real(value));
	}
	return object;
}

static json_t *json_voice(const struct result *result)
{
	const struct score_voice *voice = &result->sheet.voice;
	const struct score_path *path = &result->sheet.path;
	const struct codec *codec = result->codec;
	json_t *object = json_pack("{s:f, s:f, s:s, s:s, s:f, s:f}", "r_factor", voice->r, "mos", voice->mos, "codec",
				   codec->name, "scale", codec->scale == CODEC_WIDEBAND ? "wideband" : "narrowband",
				   "ie", codec->ie, "ie_eff", voice->ie_eff);

	if (codec->bpl > 0)
		json_object_set_new(object, "bpl", json_real(codec->bpl));
	if (voice->band) {
		json_object_set_new(object, "band", json_string(voice->band));
		json_object_set_new(object, "good_or_better_percent", json_real(emodel_good_or_better(voice->r)));
		json_object_set_new(object, "poor_or_worse_percent", json_real(emodel_poor_or_worse(voice->r)));
	}
	json_object_set_new(object, "one_way_ms", json_real(voice->one_way_ms));
	if (!path->is_mouth_to_ear) {
		json_object_set_new(object, "buffer_ms", json_real(path->buffer_ms));
		json_object_set_new(object, "codec_ms", json_real(codec->delay_ms));
	}
	json_object_set_new(object, "loss_percent", json_real(path->loss_percent));
	if (codec->scale == CODEC_NARROWBAND)
		json_object_set_new(object, "burst_ratio", json_real(path->burst_ratio));
	json_object_set_new(object, "is_research", json_boolean(codec->is_research));
	return object;
}

static json_t *json_rate(const struct scores *sheet)
{
	return json_pack("{s:f, s:b}", "bitrate_bps", sheet->rate_bps, "is_estimated", sheet->is_rate_estimated);
}

static json_t *json_use(const struct result *result, enum score_use use)
{
	const struct scores *sheet = &result->sheet;
	json_t *object;

	switch (use) {
	case SCORE_VOICE:
		return json_voice(result);
	case SCORE_VIDEO:
		return json_pack("{s:f, s:f, s:f, s:f}", "mos", sheet->video.mos, "r_factor", sheet->video.r, "vq",
				 sheet->video.vq, "bitrate_kbps", sheet->video.bitrate_kbps);
	case SCORE_STREAMING:
		object = json_rate(sheet);
		json_object_set_new(object, "score", json_integer(sheet->streaming));
		json_object_set_new(object, "rung", json_string(score_streaming_rung(sheet->streaming)));
		return object;
	case SCORE_GAMING:
		return json_pack("{s:f, s:f}", "mos", sheet->gaming_mos, "r_factor", sheet->gaming_r);
	case SCORE_WEB:
		return json_pack("{s:f}", "mos", sheet->web_mos);
	default:
		return json_rate(sheet);
	}
}

static json_t *json_aim(const struct result *result)
{
	json_t *object = json_object();

	for (unsigned use = 0; use < AIM_USES; use++)
		if (result->aim[use].class)
			json_object_set_new(object, aim_names[use],
					    json_pack("{s:i, s:s}", "points", result->aim[use].points, "class",
						      result->aim[use].class));
	return object;
}

static void print_json(const struct result *result)
{
	json_t *root = json_pack("{s:o}", "inputs", json_inputs(result)), *absent = json_object();

	for (unsigned use = 0; use < SCORE_USES; use++) {
		const char *name = score_use_name((enum score_use)use);
		json_t *object;

		if (result->sheet.absent[use]) {
			json_object_set_new(absent, name, json_string(result->sheet.absent[use]));
			continue;
		}
		object = json_use(result, (enum score_use)use);
		json_object_set_new(object, "points", json_real(result->sheet.points[use]));
		json_object_set_new(root, name, object);
	}
	if (!isnan(result->inputs.loaded_rtt_ms))
		json_object_set_new(root, "aim", json_aim(result));
	json_object_set_new(root, "absent", absent);
	json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
	putchar('\n');
	json_decref(root);
}

/* --- as text ----------------------------------------------------------------------------------------------------- */

static void print_voice(const struct result *result)
{
	const struct score_voice *voice = &result->sheet.voice;
	const struct score_path *path = &result->sheet.path;
	const struct codec *codec = result->codec;

	printf("R %.2f, MOS %.2f%s, %s", voice->r, voice->mos,
	       codec->scale == CODEC_WIDEBAND ? " (wideband scale)" : "", voice->band ? voice->band : codec->name);
	if (voice->band)
		printf("; %.0f %% good or better, %.0f %% poor or worse", emodel_good_or_better(voice->r),
		       emodel_poor_or_worse(voice->r));
	printf("\n%22s%s%s: Ie %g, ", "", codec->full_name, codec->is_research ? " (research value)" : "", codec->ie);
	if (codec->bpl > 0)
		printf("Bpl %g, ", codec->bpl);
	if (codec->scale == CODEC_NARROWBAND)
		printf("BurstR %g, ", path->burst_ratio);
	printf("loss %g %%, Ie,eff %.2f\n%22s%.1f ms from mouth to ear", path->loss_percent, voice->ie_eff, "",
	       voice->one_way_ms);
	if (!path->is_mouth_to_ear)
		printf(": %.1f network, %.1f de-jitter buffer, %.1f codec", path->network_ms, path->buffer_ms,
		       codec->delay_ms);
}

static void print_use(const struct result *result, enum score_use use)
{
	const struct scores *sheet = &result->sheet;
	const char *estimated = sheet->is_rate_estimated ? "estimated (PFTK)" : "measured";

	switch (use) {
	case SCORE_VOICE:
		print_voice(result);
		break;
	case SCORE_VIDEO:
		printf("MOS %.2f (R %.2f), Vq %.2f at %.0f kbit/s", sheet->video.mos, sheet->video.r, sheet->video.vq,
		       sheet->video.bitrate_kbps);
		break;
	case SCORE_STREAMING:
		printf("%d of 5 (%s) with %.2f Mbit/s %s", sheet->streaming, score_streaming_rung(sheet->streaming),
		       sheet->rate_bps / 1e6, estimated);
		break;
	case SCORE_GAMING:
		printf("MOS %.2f (R %.2f), cloud gaming at %d Mbit/s", sheet->gaming_mos, sheet->gaming_r,
		       GAMING_BITRATE_MBPS);
		break;
	case SCORE_WEB:
		printf("MOS %.2f", sheet->web_mos);
		break;
	default:
		printf("%.2f Mbit/s %s", sheet->rate_bps / 1e6, estimated);
	}
	putchar('\n');
}

static void print_text(const struct result *result)
{
	for (unsigned use = 0; use < SCORE_USES; use++) {
		printf("%-10s", score_use_name((enum score_use)use));
		if (result->sheet.absent[use]) {
			printf("  -         %s\n", result->sheet.absent[use]);
			continue;
		}
		printf("%5.1f/100  ", result->sheet.points[use]);
		print_use(result, (enum score_use)use);
	}
	for (unsigned use = 0; use < AIM_USES; use++)
		if (result->aim[use].class)
			printf("AIM %-9s %3d points: %s\n", aim_names[use], result->aim[use].points,
			       result->aim[use].class);
}

/* --- the command ------------------------------------------------------------------------------------------------- */

/* The flags, and where they end. */
static size_t make_flags(struct command_flag flags[COMMAND_FLAGS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < FIGURES; i++)
		flags[n++] = (struct command_flag){figures[i].name, figures[i].value, false, figures[i].help};
	flags[n++] = (struct command_flag){"codec", "NAME", false, "of the call. Default: " DEFAULT_CODEC};
	flags[n++] = (struct command_flag){"json", NULL, false, "as JSON, with full precision"};
	for (size_t i = 0; i < emodel_noptions; i++)
		flags[n++] = (struct command_flag){emodel_options[i].name, "NUMBER", false, emodel_options[i].help};
	return n;
}

static void list_codecs(struct text *out)
{
	text_add(out, "codecs:\n");
	for (size_t i = 0; i < codec_table_n; i++) {
		text_add_format(out, "  %-22s%s: Ie %g, ", codec_table[i].name, codec_table[i].full_name,
				codec_table[i].ie);
		if (codec_table[i].bpl > 0)
			text_add_format(out, "Bpl %g", codec_table[i].bpl);
		else
			text_add(out, "not with loss");
		text_add_format(out, ", %g ms%s\n", codec_table[i].delay_ms,
				codec_table[i].is_research ? " (research value)" : "");
	}
	text_add(out, "\n'netsonde reference scores' tells the formulas.");
}

static int make_result(const struct command_line *line, struct result *result)
{
	struct emodel_base base;
	struct emodel model;
	int code = read_inputs(line, &result->inputs);

	if (code == -1)
		code = read_codec(line->values[FLAG_CODEC] ? line->values[FLAG_CODEC] : DEFAULT_CODEC, &result->codec);
	if (code == -1)
		code = read_model(line, &model);
	if (code != -1)
		return code;
	emodel_prepare(&model, &base);
	scores_make(&base, result->codec, &result->inputs.sheet, &result->sheet);
	find_aim(result);
	return -1;
}

int command_score(int argc, char **argv)
{
	struct command_flag flags[COMMAND_FLAGS_MAX];
	struct result result = {0};
	struct command_line line;
	struct text end = {0};
	int code;

	list_codecs(&end);
	code = command_parse(
		&(struct command_usage){
			.line = "score [OPTION ...]",
			.text = "Says what people would make of a path with these figures. What they do not allow is "
				"left "
				"out.",
			.flags = flags,
			.nflags = make_flags(flags),
			.end = text_string(&end),
		},
		&line, argc, argv);
	text_free(&end);
	if (code == -1)
		code = make_result(&line, &result);
	if (code != -1)
		return code;
	if (line.values[FLAG_JSON])
		print_json(&result);
	else
		print_text(&result);
	return fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}
