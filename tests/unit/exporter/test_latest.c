#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "exporter/latest.h"
#include "exporter/series.h"

static const struct measure ping_measures[] = {
	{"rtt_seconds", MEASURE_HISTOGRAM, "Round-trip time"},
	{"rtt_avg_seconds", MEASURE_GAUGE, "Average"},
	{"sent_total", MEASURE_COUNTER, "Sent"},
	{"busy_seconds_total", MEASURE_COUNTER_SECONDS, "Busy"},
	{"queue", MEASURE_INTEGER, "Queue"},
	{"note", MEASURE_TEXT, "Note"},
};
static const struct measure_set ping_set = {"ping", ping_measures, 6, NULL, "Ping"};
static const struct measure target_measures[] = {{"info", MEASURE_INFO, "The target"}};
static const struct measure_set target_set = {"target", target_measures, 1, NULL, "Target"};

static char *page_of(struct series_store *store, const char *target, const char *probe, size_t enough)
{
	struct text page = {0};
	struct latest *latest = latest_create(store, target, probe);
	for (size_t before = 0; latest_more(latest, &page, enough); before = page.length)
		cr_expect_gt(page.length, before, "each piece has something");
	size_t length = page.length;
	cr_expect_not(latest_more(latest, &page, enough));
	cr_expect_eq(page.length, length, "nothing follows the end");
	latest_free(latest);
	return text_take(&page);
}

static void expect_page(struct series_store *store, const char *target, const char *probe, const char *expected)
{
	static const size_t steps[] = {0, 1, 40, 300, 1 << 20};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		char *page = page_of(store, target, probe, steps[i]);
		cr_expect_str_eq(page, expected);
		mem_free(page);
	}
}

static void update_quad9(struct series *series)
{
	static const int64_t observed_ns[] = {12000000, 13500000};
	const struct reading readings[] = {
		reading_histogram(0, observed_ns, 2), reading_number(1, 0.01275), reading_integer(2, 2),
		reading_integer(3, 1500000000),       reading_integer(4, -3),     reading_text(5, "left out"),
	};
	const struct label address = {"address", "9.9.9.9"};
	const struct reading info = reading_integer(0, 1);
	const struct row rows[] = {{&ping_set, NULL, 0, readings, 6}, {&target_set, &address, 1, &info, 1}};
	series_update(series, rows, 2);
}

#define QUAD9                                                                                                          \
	"{\"target\":\"quad9\",\"probe\":\"fast_ping\",\"labels\":{\"tier\":\"dns\",\"site\":\"a\"},\"metrics\":["     \
	"\n {\"name\":\"netsonde_ping_rtt_seconds\",\"labels\":{},\"value\":{\"count\":2,\"sum\":0.0255}},"            \
	"\n {\"name\":\"netsonde_ping_rtt_avg_seconds\",\"labels\":{},\"value\":0.01275},"                             \
	"\n {\"name\":\"netsonde_ping_sent_total\",\"labels\":{},\"value\":2},"                                        \
	"\n {\"name\":\"netsonde_ping_busy_seconds_total\",\"labels\":{},\"value\":1.5},"                              \
	"\n {\"name\":\"netsonde_ping_queue\",\"labels\":{},\"value\":-3},"                                            \
	"\n {\"name\":\"netsonde_target_info\",\"labels\":{\"address\":\"9.9.9.9\"},\"value\":1}]}"
#define QUAD9_SLOW "{\"target\":\"quad9\",\"probe\":\"slow\",\"labels\":{},\"metrics\":[]}"
#define NO_NUMBER                                                                                                      \
	"{\"target\":\"other\",\"probe\":\"fast_ping\",\"labels\":{},\"metrics\":["                                    \
	"\n {\"name\":\"netsonde_ping_rtt_avg_seconds\",\"labels\":{\"x\":\"1\",\"y\":\"2\"},\"value\":null}]}"

static struct series_store *example(void)
{
	const struct label quad9[] = {
		{"target", "quad9"}, {"probe", "fast_ping"}, {"tier", "dns"}, {"empty", ""}, {"site", "a"}};
	const struct label slow[] = {{"target", "quad9"}, {"probe", "slow"}};
	const struct label other[] = {{"target", "other"}, {"probe", "fast_ping"}};
	const struct label row_labels[] = {{"x", "1"}, {"y", "2"}};
	const struct reading readings[] = {reading_number(1, (double)NAN)};
	struct series_store *store = series_store_create(2, 1000);
	update_quad9(series_open(store, 0, quad9, 5));
	series_open(store, 0, slow, 2);
	series_update(series_open(store, 1, other, 2), &(struct row){&ping_set, row_labels, 2, readings, 1}, 1);
	return store;
}

Test(latest, everything)
{
	struct series_store *store = example();
	expect_page(store, NULL, NULL, "{\"targets\":[\n" QUAD9 ",\n" QUAD9_SLOW ",\n" NO_NUMBER "\n]}\n");
	series_store_free(store);
}

Test(latest, some)
{
	struct series_store *store = example();
	expect_page(store, "quad9", NULL, "{\"targets\":[\n" QUAD9 ",\n" QUAD9_SLOW "\n]}\n");
	expect_page(store, "quad9", "slow", "{\"targets\":[\n" QUAD9_SLOW "\n]}\n");
	expect_page(store, NULL, "slow", "{\"targets\":[\n" QUAD9_SLOW "\n]}\n");
	expect_page(store, "other", NULL, "{\"targets\":[\n" NO_NUMBER "\n]}\n");
	expect_page(store, "quad", NULL, "{\"targets\":[\n]}\n");
	series_store_free(store);
}

Test(latest, who_is_there)
{
	static const struct {
		const char *target, *probe;
		bool has_target, has_match;
	} cases[] = {
		{NULL, NULL, true, true},       {"quad9", NULL, true, true},     {"quad9", "slow", true, true},
		{"other", "slow", true, false}, {"quad9", "", true, false},      {"quad", NULL, false, false},
		{"", NULL, false, false},       {"quad9\"", NULL, false, false}, {NULL, "slo", true, false},
	};
	struct series_store *store = example();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct latest *latest = latest_create(store, cases[i].target, cases[i].probe);
		cr_expect_eq(latest_has_target(latest), cases[i].has_target, "%zu", i);
		cr_expect_eq(latest_has_match(latest), cases[i].has_match, "%zu", i);
		latest_free(latest);
	}
	latest_free(NULL);
	series_store_free(store);
}

Test(latest, nothing_at_all)
{
	struct series_store *store = series_store_create(1, 1000);
	expect_page(store, NULL, NULL, "{\"targets\":[\n]}\n");
	series_store_free(store);
}

Test(latest, names_of_every_kind)
{
	static const char name[] = "a \"b\" \\c\nd\te\x01\x7F \xC3\xA4 \xFF";
	const struct label labels[] = {{"target", name}, {"probe", "p"}, {"x", name}};
	struct series_store *store = series_store_create(1, 1000);
	series_open(store, 0, labels, 3);
#define SHOWN "\"a \\\"b\\\" \\\\c\\nd\\u0009e\\u0001\\u007f \xC3\xA4 \xEF\xBF\xBD\""
	expect_page(store, name, NULL,
		    "{\"targets\":[\n{\"target\":" SHOWN ",\"probe\":\"p\",\"labels\":{\"x\":" SHOWN
		    "},\"metrics\":[]}\n]}\n");
	series_store_free(store);
}

Test(latest, what_goes_away_and_comes_while_it_is_read)
{
	struct series_store *store = example();
	const struct label more[] = {{"target", "more"}, {"probe", "p"}};
	struct text page = {0};
	struct latest *latest = latest_create(store, NULL, NULL);
	cr_assert(latest_more(latest, &page, 1));
	series_open(store, 1, more, 2);
	while (latest_more(latest, &page, 1))
		;
	cr_expect_str_eq(text_string(&page), "{\"targets\":[\n" QUAD9 ",\n" QUAD9_SLOW ",\n" NO_NUMBER "\n]}\n",
			 "what was opened later is not in it");
	latest_free(latest);
	text_free(&page);
	series_store_free(store);
}
