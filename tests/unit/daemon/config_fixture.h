/*
 * Two probe types with an option of every kind, instead of the real ones: the tests of the configuration then do not
 * depend on what real types call their options. Defining probe_types here keeps the generated list out of the link.
 */
#ifndef NETSONDE_TESTS_CONFIG_FIXTURE_H
#define NETSONDE_TESTS_CONFIG_FIXTURE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "daemon/config.h"

struct echo_settings {
	int64_t interval_ns, timeout_ns;
	int64_t size;
	double ratio;
	int64_t limit_bytes;
	bool strict;
	char *user, *password;
	int family;
	struct option_list codes;
};

static const char *const echo_families[] = {"ipv4", "ipv6", NULL};
#define ECHO(kind, field) kind, offsetof(struct echo_settings, field)
static const struct option echo_options[] = {
	{"interval", ECHO(OPTION_SECONDS, interval_ns), 0.01, 86400, "1", NULL, "Time between runs"},
	{"timeout", ECHO(OPTION_SECONDS, timeout_ns), 0.01, 3600, "0.9", NULL, "Longest time of a run"},
	{"size", ECHO(OPTION_INTEGER, size), 0, 65000, "56", NULL, "Bytes"},
	{"ratio", ECHO(OPTION_NUMBER, ratio), 0, 1, "0.5", NULL, "A share"},
	{"limit", ECHO(OPTION_SIZE, limit_bytes), 0, 1 << 30, "1MiB", NULL, "Most bytes"},
	{"strict", ECHO(OPTION_BOOLEAN, strict), 0, 0, "false", NULL, "Is picky"},
	{"user", ECHO(OPTION_TEXT, user), 0, 0, NULL, NULL, "Who"},
	{"password", ECHO(OPTION_SECRET, password), 0, 0, NULL, NULL, "Whereby"},
	{"family", ECHO(OPTION_CHOICE, family), 0, 0, "ipv4", echo_families, "Which family"},
	{"codes", ECHO(OPTION_LIST, codes), 0, 0, "ok,fine", NULL, "What is good"},
};
#define ECHO_OPTIONS (sizeof(echo_options) / sizeof(echo_options[0]))

static int echo_check(const void *settings, struct err *err)
{
	const struct echo_settings *echo = settings;

	if (echo->timeout_ns > echo->interval_ns)
		return err_set(err, "timeout must not be longer than interval");
	return 0;
}

static const struct measure echo_measures[] = {
	{"rtt_seconds", MEASURE_HISTOGRAM, "Round-trip times"},           {"sent_total", MEASURE_COUNTER, "Requests"},
	{"rtt_max_seconds", MEASURE_GAUGE, "The longest | <round trip>"}, {"note", MEASURE_TEXT, "A word"},
	{"busy_seconds_total", MEASURE_COUNTER_SECONDS, "Time at work"},  {"here_info", MEASURE_INFO, "Is here"},
};
static const char *const hop_labels[] = {"hop", "side", NULL};
static const struct measure hop_measures[] = {{"rtt_seconds", MEASURE_GAUGE, "Round-trip time"}};
static const struct measure_set echo_set = {"echo", echo_measures, 6, NULL, "A run of echo"};
static const struct measure_set hop_set = {"echo_hop", hop_measures, 1, hop_labels, "A hop"};
static const struct measure_set *const echo_sets[] = {&echo_set, &hop_set, NULL};
static const struct probe_type echo_type = {
	.name = "echo",
	.help = "Shouts and waits",
	.options = echo_options,
	.noptions = ECHO_OPTIONS,
	.settings_size = sizeof(struct echo_settings),
	.sets = echo_sets,
	.check = echo_check,
};

struct look_settings {
	int64_t interval_ns;
	int64_t depth;
	int64_t family;
	struct option_list after; /* probes that set it off */
};
#define LOOK(kind, field) kind, offsetof(struct look_settings, field)
static const struct option look_options[] = {
	{"interval", LOOK(OPTION_SECONDS, interval_ns), 1, 3600, "10", NULL, "Time between runs"},
	{"depth", LOOK(OPTION_INTEGER, depth), 0, 0, "3", NULL, "How deep"},
	{"family", LOOK(OPTION_INTEGER, family), 0, 0, "0", NULL, "A number here, a choice in echo"},
	{"after", LOOK(OPTION_LIST, after), 0, 0, NULL, NULL, "Whose failures set it off"},
};
static const struct measure look_measures[] = {{"seen", MEASURE_INTEGER, "What was seen"}};
static const struct measure_set look_set = {"look", look_measures, 1, NULL, "A look"};
static const struct measure_set *const look_sets[] = {&look_set, NULL};

static inline bool look_trigger(const void *settings, struct trigger_plan *plan)
{
	const struct look_settings *look = settings;

	*plan = (struct trigger_plan){.probes = (const char *const *)look->after.items, .nprobes = look->after.n};
	return plan->nprobes > 0;
}

static const struct probe_type look_type = {
	.name = "look",
	.help = "Looks",
	.options = look_options,
	.noptions = 4,
	.settings_size = sizeof(struct look_settings),
	.sets = look_sets,
	.trigger = look_trigger,
};

/* Types that a test has besides. */
#ifndef CONFIG_FIXTURE_MORE
#define CONFIG_FIXTURE_MORE
#endif
const struct probe_type *const probe_types[] = {&echo_type, &look_type, CONFIG_FIXTURE_MORE NULL};

/* The errors of a text that stands for x.conf; owned by the caller. */
static inline char *errors_of(const char *string)
{
	struct text errors = {0};
	struct config *config = config_load_string(string, "x.conf", &errors);

	cr_expect_eq(config == NULL, errors.length > 0, "errors and only errors refuse: %s", string);
	config_free(config);
	return text_take(&errors);
}

/* A configuration that must be good. */
static inline struct config *good_config(const char *string)
{
	struct text errors = {0};
	struct config *config = config_load_string(string, "x.conf", &errors);

	cr_assert(config != NULL, "%s", text_string(&errors));
	text_free(&errors);
	return config;
}

#endif
