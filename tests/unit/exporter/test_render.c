#include <criterion/criterion.h>
#include <stdio.h>

#include "core/hash.h"
#include "page_fixture.h"

static const struct measure ping_measures[] = {
	{"rtt_seconds", MEASURE_HISTOGRAM, "Round-trip time"},
	{"sent_total", MEASURE_COUNTER, "Sent"},
};
static const struct measure_set ping_set = {"ping", ping_measures, 2, NULL, "Ping"};
static const struct measure target_measures[] = {{"info", MEASURE_INFO, "Where it is"}};
static const struct measure_set target_set = {"target", target_measures, 1, NULL, "Target"};
static const struct measure build_measures[] = {
	{"info", MEASURE_INFO, "The build"},
	{"load_ratio", MEASURE_GAUGE, "Load"},
	{"note", MEASURE_TEXT, "A text"},
	{"lag_seconds", MEASURE_HISTOGRAM, "Lag"},
	{"busy_seconds_total", MEASURE_COUNTER_SECONDS, "Busy"},
	{"open", MEASURE_INTEGER, "Open"},
	{"done_total", MEASURE_COUNTER, "Done"},
};
static const struct measure_set build_set = {"build", build_measures, 7, NULL, "Build"};

static struct series_store *store_with_targets(unsigned n)
{
	struct series_store *store = series_store_create(2, 1000000);
	for (unsigned i = 0; i < n; i++) {
		char name[16];
		snprintf(name, sizeof(name), "t%u", i);
		const struct label labels[] = {{"target", name}, {"probe", "p"}};
		struct series *series = series_open(store, i % 2, labels, 2);
		const int64_t ns = 1000000 * (int64_t)(i + 1);
		const struct reading ping[] = {reading_histogram(0, &ns, 1), reading_integer(1, i)};
		const struct reading info = reading_integer(0, 1);
		const struct row rows[] = {{&ping_set, NULL, 0, ping, 2},
					   {&target_set, &(struct label){"country", "DE"}, 1, &info, 1}};
		series_update(series, rows, 2);
	}
	return store;
}

Test(render, a_page_as_text)
{
	struct series_store *store = store_with_targets(1);
	char *page = page_of_store(store, RENDER_TEXT);
	const char *head = "# HELP netsonde_ping_rtt_seconds Round-trip time\n"
			   "# TYPE netsonde_ping_rtt_seconds histogram\n"
			   "netsonde_ping_rtt_seconds_bucket{target=\"t0\",probe=\"p\",le=\"5e-05\"} 0\n"
			   "netsonde_ping_rtt_seconds_bucket{target=\"t0\",probe=\"p\",le=\"0.0001\"} 0\n";
	const char *tail = "netsonde_ping_rtt_seconds_bucket{target=\"t0\",probe=\"p\",le=\"26.2144\"} 1\n"
			   "netsonde_ping_rtt_seconds_bucket{target=\"t0\",probe=\"p\",le=\"+Inf\"} 1\n"
			   "netsonde_ping_rtt_seconds_sum{target=\"t0\",probe=\"p\"} 0.001\n"
			   "netsonde_ping_rtt_seconds_count{target=\"t0\",probe=\"p\"} 1\n"
			   "# HELP netsonde_ping_sent_total Sent\n"
			   "# TYPE netsonde_ping_sent_total counter\n"
			   "netsonde_ping_sent_total{target=\"t0\",probe=\"p\"} 0\n"
			   "# HELP netsonde_target_info Where it is\n"
			   "# TYPE netsonde_target_info gauge\n"
			   "netsonde_target_info{target=\"t0\",probe=\"p\",country=\"DE\"} 1\n";
	cr_assert_gt(strlen(page), strlen(tail));
	cr_expect_eq(strncmp(page, head, strlen(head)), 0, "%s", page);
	cr_expect_str_eq(page + strlen(page) - strlen(tail), tail);
	mem_free(page);
	series_store_free(store);
}

Test(render, a_page_as_openmetrics)
{
	struct series_store *store = store_with_targets(1);
	char *page = page_of_store(store, RENDER_OPENMETRICS);
	const char *head = "# TYPE netsonde_ping_rtt_seconds histogram\n"
			   "# UNIT netsonde_ping_rtt_seconds seconds\n"
			   "# HELP netsonde_ping_rtt_seconds Round-trip time\n"
			   "netsonde_ping_rtt_seconds_bucket{target=\"t0\",probe=\"p\",le=\"5e-05\"} 0\n";
	const char *tail = "# TYPE netsonde_ping_sent counter\n"
			   "# HELP netsonde_ping_sent Sent\n"
			   "netsonde_ping_sent_total{target=\"t0\",probe=\"p\"} 0\n"
			   "# TYPE netsonde_target info\n"
			   "# HELP netsonde_target Where it is\n"
			   "netsonde_target_info{target=\"t0\",probe=\"p\",country=\"DE\"} 1\n"
			   "# EOF\n";
	cr_expect_eq(strncmp(page, head, strlen(head)), 0, "%s", page);
	cr_expect_str_eq(page + strlen(page) - strlen(tail), tail);
	mem_free(page);
	series_store_free(store);
}

Test(render, bounds_are_those_of_the_store_in_canonical_form)
{
	struct series_store *store = store_with_targets(1);
	char *page = page_of_store(store, RENDER_OPENMETRICS);
	for (unsigned i = 0; i < SERIES_BUCKETS; i++) {
		struct text line = {0};
		text_add(&line, ",le=\"");
		text_add_double(&line, (double)series_bucket_bound_ns(i) / 1e9);
		text_add(&line, "\"} ");
		cr_expect_eq(count_in(page, text_string(&line)), 1, "%s", text_string(&line));
		text_free(&line);
	}
	mem_free(page);
	series_store_free(store);
}

/* More sets than there are marks of sets, in blocks of their own and together, and one that is in no block. */
Test(render, very_many_sets)
{
	enum { SETS = 150 };
	static const struct measure measures[] = {{"depth", MEASURE_INTEGER, "Deep"}};
	struct series_store *store = series_store_create(1, 1000000);
	struct measure_set sets[SETS];
	char names[SETS][16], line[80];
	const struct reading depth = reading_integer(0, 7);
	for (unsigned i = 0; i < SETS; i++) {
		snprintf(names[i], sizeof(names[i]), "set%03u", i);
		sets[i] = (struct measure_set){names[i], measures, 1, NULL, "A set"};
	}
	for (unsigned i = 0; i < SETS; i++) {
		const struct label labels[] = {{"target", names[i]}, {"probe", "p"}};
		const struct row rows[] = {{&sets[i], NULL, 0, &depth, 1},
					   {&sets[(i + 1) % SETS], &(struct label){"row", "second"}, 1, &depth, 1}};
		series_update(series_open(store, 0, labels, 2), rows, i % 2 ? 2 : 1);
	}
	const struct row own = {&build_set, NULL, 0, &(struct reading){.measure = 5, .value.integer = 3}, 1};
	char *page = page_of(&(struct render_plan){
		.store = store, .format = RENDER_TEXT, .own = &own, .nown = 1, .shard = 0, .shards = 1});
	cr_expect_eq(count_series(page), SETS + SETS / 2 + 1);
	cr_expect_eq(count_in(page, "\nnetsonde_build_open 3\n"), 1);
	for (unsigned i = 0; i < SETS; i++) {
		snprintf(line, sizeof(line), "\nnetsonde_set%03u_depth{target=\"set%03u\",probe=\"p\"} 7\n", i, i);
		cr_expect_eq(count_in(page, line), 1, "%s", line);
	}
	mem_free(page);
	series_store_free(store);
}

Test(render, pieces_of_every_size_make_the_same_page)
{
	struct series_store *store = store_with_targets(7);
	char *whole = page_of_store(store, RENDER_OPENMETRICS);
	struct render_plan plan = {.store = store, .format = RENDER_OPENMETRICS, .shard = 0, .shards = 1};
	for (size_t enough = 0; enough < strlen(whole) + 100; enough += 1 + enough / 5) {
		struct render *render = render_create(&plan);
		struct text page = {0};
		size_t before = 0;
		while (render_more(render, &page, enough)) {
			cr_assert_gt(page.length, before);
			cr_assert_geq(page.length - before, enough);
			before = page.length;
		}
		cr_expect_str_eq(text_string(&page), whole);
		cr_expect_not(render_more(render, &page, 100), "and nothing more");
		cr_expect_eq(page.length, strlen(whole));
		render_free(render);
		text_free(&page);
	}
	mem_free(whole);
	series_store_free(store);
}

Test(render, an_empty_page)
{
	struct series_store *store = series_store_create(1, 10);
	char *page = page_of_store(store, RENDER_TEXT);
	cr_expect_str_eq(page, "");
	mem_free(page);
	page = page_of_store(store, RENDER_OPENMETRICS);
	cr_expect_str_eq(page, "# EOF\n");
	mem_free(page);
	render_free(NULL);
	series_store_free(store);
}

static const int64_t lags[] = {60000, 1000000000};
static const struct label build_labels[] = {{"version", "1\"2"}, {"version", "3"}, {"empty", ""}};
static const struct reading build_readings[] = {
	{.measure = 0, .value.integer = 1},          {.measure = 1, .value.number = 0.5},
	{.measure = 2, .value.text = "hidden"},      {.measure = 3, .count = 2, .value.observed_ns = lags},
	{.measure = 4, .value.integer = 2500000000}, {.measure = 5, .value.integer = -4},
	{.measure = 6, .value.integer = 9},
};
static const struct row own_rows[] = {
	{&build_set, build_labels, 3, build_readings, 7},
	{&ping_set, NULL, 0, &(const struct reading){.measure = 1, .value.integer = 77}, 1},
};

Test(render, own_rows_come_first)
{
	struct series_store *store = store_with_targets(1);
	struct render_plan plan = {
		.store = store, .own = own_rows, .nown = 2, .format = RENDER_TEXT, .shard = 0, .shards = 1};
	char *page = page_of(&plan);
	cr_expect_eq(count_in(page, "netsonde_build_info{version=\"1\\\"2\"} 1\n"), 1);
	cr_expect_eq(count_in(page, "netsonde_build_load_ratio{version=\"1\\\"2\"} 0.5\n"), 1);
	cr_expect_eq(count_in(page, "netsonde_build_busy_seconds_total{version=\"1\\\"2\"} 2.5\n"), 1);
	cr_expect_eq(count_in(page, "netsonde_build_open{version=\"1\\\"2\"} -4\n"), 1);
	cr_expect_eq(count_in(page, "netsonde_build_done_total{version=\"1\\\"2\"} 9\n"), 1);
	cr_expect_eq(count_in(page, "netsonde_build_lag_seconds_bucket{version=\"1\\\"2\",le=\"0.0001\"} 1\n"), 1);
	cr_expect_eq(count_in(page, "netsonde_build_lag_seconds_sum{version=\"1\\\"2\"} 1.00006\n"), 1);
	cr_expect_eq(count_in(page, "netsonde_build_lag_seconds_count{version=\"1\\\"2\"} 2\n"), 1);
	cr_expect_eq(count_in(page, "hidden"), 0);
	cr_expect_eq(count_in(page, "note"), 0);
	cr_expect_eq(count_in(page, "netsonde_ping_sent_total 77\nnetsonde_ping_sent_total{target=\"t0\""), 1);
	cr_expect_eq(count_in(page, "# TYPE netsonde_ping_sent_total"), 1);
	mem_free(page);
	series_store_free(store);
}

Test(render, shards_are_a_partition_by_target)
{
	enum { N = 200, SHARDS = 3 };
	struct series_store *store = store_with_targets(N);
	struct render_plan plan = {.store = store, .own = own_rows, .nown = 1, .format = RENDER_TEXT, .shards = SHARDS};
	char *pages[SHARDS];
	for (plan.shard = 0; plan.shard < SHARDS; plan.shard++)
		pages[plan.shard] = page_of(&plan);
	cr_expect_eq(count_in(pages[0], "netsonde_build_info{"), 1);
	cr_expect_eq(count_in(pages[1], "netsonde_build_info{"), 0);
	cr_expect_eq(count_in(pages[2], "netsonde_build_info{"), 0);
	for (unsigned i = 0; i < N; i++) {
		char name[16], line[80];
		snprintf(name, sizeof(name), "t%u", i);
		snprintf(line, sizeof(line), "netsonde_ping_sent_total{target=\"%s\",", name);
		for (unsigned k = 0; k < SHARDS; k++)
			cr_expect_eq(count_in(pages[k], line), hash_stable(name) % SHARDS == k);
	}
	for (unsigned k = 0; k < SHARDS; k++)
		mem_free(pages[k]);
	series_store_free(store);
}

Test(render, a_text_with_a_ceiling_ends_all_the_same)
{
	struct series_store *store = store_with_targets(3);
	struct render_plan plan = {.store = store, .format = RENDER_TEXT, .shard = 0, .shards = 1};
	struct render *render = render_create(&plan);
	struct text page = {.ceiling = 100};
	while (render_more(render, &page, 50))
		;
	cr_expect(page.overflowed);
	cr_expect_leq(page.length, 100);
	render_free(render);
	text_free(&page);
	series_store_free(store);
}
