#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/command.h"

#define near(actual, expected, tolerance)                                                                              \
	cr_assert(fabs((actual) - (expected)) <= (tolerance), "%s: %.10f instead of %.10f", #actual, (double)(actual), \
		  (double)(expected))

#define ARGUMENTS_MAX 16

/* Words at blanks. */
static int run(const char *arguments)
{
	char copy[512], *argv[ARGUMENTS_MAX + 1] = {(char *)"score"}, *rest = copy;
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", arguments);
	for (char *word; (word = strtok_r(rest, " ", &rest)) && argc < ARGUMENTS_MAX;)
		argv[argc++] = word;
	return command_score(argc, argv);
}

/* What was printed so far. */
static void read_stdout(char *out, size_t size)
{
	FILE *file = cr_get_redirected_stdout();

	fflush(stdout);
	fclose(stdout);
	out[fread(out, 1, size - 1, file)] = '\0';
}

static json_t *json_of(const char *arguments)
{
	static char out[16384];
	json_t *root;

	cr_redirect_stdout();
	cr_assert_eq(run(arguments), COMMAND_OK);
	read_stdout(out, sizeof(out));
	root = json_loads(out, 0, NULL);
	cr_assert_not_null(root, "%s", out);
	return root;
}

static double number(json_t *root, const char *use, const char *name)
{
	json_t *value = json_object_get(json_object_get(root, use), name);

	cr_assert(json_is_number(value), "%s.%s", use, name);
	return json_number_value(value);
}

Test(command_score, of_mouth_to_ear)
{
	json_t *root = json_of("--one-way-ms=100 --codec=g711 --json");

	near(number(root, "voice", "r_factor"), 90.663730328, 1e-9);
	near(number(root, "voice", "mos"), 4.354920132, 1e-9);
	near(number(root, "video", "mos"), 4.1870, 1e-4);
	cr_assert_str_eq(json_string_value(json_object_get(json_object_get(root, "voice"), "band")), "best");
	cr_assert_null(json_object_get(root, "gaming"));
	cr_assert_null(json_object_get(root, "streaming"));
	cr_assert_null(json_object_get(root, "web"));
	cr_assert_null(json_object_get(root, "aim"));
	cr_assert(json_is_string(json_object_get(json_object_get(root, "absent"), "web")));
	json_decref(root);
}

Test(command_score, of_everything)
{
	json_t *root = json_of("--rtt-ms=80 --jitter_ms=20 --loss-percent 0 --codec=g711 --throughput-bps=5e6 "
			       "--page-seconds=2 --need-bps=1e7 --loaded-rtt-ms=90 --json");
	json_t *aim = json_object_get(root, "aim");

	near(number(root, "voice", "r_factor"), 90.663730328, 1e-9);
	near(number(root, "voice", "buffer_ms"), 40, 0);
	near(number(root, "streaming", "score"), 4, 0);
	near(number(root, "data", "points"), 50, 1e-9);
	near(number(root, "web", "mos"), 2.4171, 1e-4);
	near(number(root, "inputs", "jitter_ms"), 20, 0);
	near(number(aim, "rtc", "points"), 20, 0);
	cr_assert_eq(json_object_size(json_object_get(root, "absent")), 0);
	json_decref(root);
}

Test(command_score, of_loss)
{
	json_t *root = json_of("--rtt-ms=100 --loss-percent=0.1 --codec=g722 --json --telr=60");

	cr_assert_null(json_object_get(root, "voice"), "nothing is published about G.722 with loss");
	cr_assert_null(json_object_get(root, "gaming"));
	near(number(root, "streaming", "bitrate_bps") / 1e6, 3.1702, 1e-4);
	cr_assert(json_is_true(json_object_get(json_object_get(root, "streaming"), "is_estimated")));
	json_decref(root);
}

Test(command_score, of_wideband)
{
	json_t *root = json_of("--one-way-ms=0 --codec=amr-wb-12.65-headset --loss-percent=2 --json");

	near(number(root, "voice", "mos"), 3.4062, 1e-4);
	cr_assert_null(json_object_get(json_object_get(root, "voice"), "band"), "G.109 knows narrowband only");
	json_decref(root);
}

Test(command_score, as_text)
{
	static char out[16384];

	cr_redirect_stdout();
	cr_assert_eq(run("--rtt-ms=80 --jitter-ms=20 --codec=g711 --throughput-bps=5e6 --page-seconds=2 "
			 "--loaded-rtt-ms=90 --loss-percent=0"),
		     COMMAND_OK);
	cr_assert_eq(run("--one-way-ms=50 --codec=g722"), COMMAND_OK);
	cr_assert_eq(run("--rtt-ms=50 --codec=opus-nb --loss-percent=1"), COMMAND_OK);
	read_stdout(out, sizeof(out));
	cr_expect(strstr(out, "voice      90.7/100  R 90.66, MOS 4.35, best"), "%s", out);
	cr_expect(strstr(out, "100.0 ms from mouth to ear: 40.0 network, 40.0 de-jitter buffer, 20.0 codec"), "%s",
		  out);
	cr_expect(strstr(out, "4 of 5 (1080p) with 5.00 Mbit/s measured"), "%s", out);
	cr_expect(strstr(out, "AIM rtc        20 points: average"), "%s", out);
	cr_expect(strstr(out, "R 116.00, MOS 4.34 (wideband scale), g722"), "%s", out);
	cr_expect(strstr(out, "(research value)"), "%s", out);
	cr_expect(strstr(out, "estimated (PFTK)"), "%s", out);
	cr_expect(strstr(out, "gaming      -         how G.1072 counts loss is in doubt"), "%s", out);
}

Test(command_score, helps)
{
	static char out[32768];

	cr_redirect_stdout();
	cr_assert_eq(run("--help"), COMMAND_OK);
	read_stdout(out, sizeof(out));
	cr_expect(strstr(out, "--rtt-ms=MS"));
	cr_expect(strstr(out, "g711-plc"));
	cr_expect(strstr(out, "--telr=NUMBER"));
}

Test(command_score, refuses)
{
	static const struct {
		const char *arguments, *error;
	} rows[] = {
		{"", "nothing to score: give --rtt-ms or --one-way-ms, --throughput-bps or --page-seconds"},
		{"--codec=g711", "nothing to score"},
		{"--rtt-ms=1 --one-way-ms=1", "--rtt-ms or --one-way-ms, not both"},
		{"--rtt-ms=abc", "--rtt-ms: 'abc' is not a number"},
		{"--rtt-ms=", "--rtt-ms: '' is not a number"},
		{"--rtt-ms=5ms", "--rtt-ms: '5ms' is not a number"},
		{"--rtt-ms=nan", "--rtt-ms: 'nan' is not a number"},
		{"--rtt-ms=0x10", "--rtt-ms: '0x10' is not a number"},
		{"--rtt-ms=1e999", "--rtt-ms: '1e999' is not a number"},
		{"--rtt-ms=-1", "--rtt-ms: -1: must be between 0 and 60000"},
		{"--rtt-ms=1 --loss-percent=101", "--loss-percent: 101: must be between 0 and 100"},
		{"--rtt-ms=1 --codec=g712", "--codec: there is no 'g712'; did you mean g711?"},
		{"--rtt-ms=1 --codec=something", "--codec: there is no 'something'; see 'netsonde score --help'"},
		{"--rtt-ms=1 --telr=1", "--telr: must be between 5 and 65"},
		{"--rtt-ms=1 --stmr=10 --dr=-3", "stmr + dr (LSTR) is 7 dB: must be between 13 and 23"},
		{"--rt-ms=1", "unknown option --rt-ms; did you mean --rtt-ms?"},
		{"word", "unexpected argument 'word'"},
	};
	static char out[16384];
	FILE *file;

	cr_redirect_stderr();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_assert_eq(run(rows[i].arguments), COMMAND_USAGE, "%s", rows[i].arguments);
	file = cr_get_redirected_stderr();
	fflush(stderr);
	fclose(stderr);
	out[fread(out, 1, sizeof(out) - 1, file)] = '\0';
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(strstr(out, rows[i].error), "%s: %s", rows[i].arguments, out);
}
