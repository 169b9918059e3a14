#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "page_fixture.h"

static const struct measure measures[] = {
	{"sent_total", MEASURE_COUNTER, "Sent"}, {"loss_ratio", MEASURE_GAUGE, "Loss"},
	{"note", MEASURE_TEXT, "Note"},          {"rtt_seconds", MEASURE_HISTOGRAM, "RTT"},
	{"ttl", MEASURE_INTEGER, "TTL"},         {"wait_seconds_total", MEASURE_COUNTER_SECONDS, "Wait"},
	{"info", MEASURE_INFO, "Place"},
};
enum { SENT, LOSS, NOTE, RTT, TTL, WAIT, INFO };
static const struct measure_set set = {"ping", measures, 7, NULL, "Ping"};
static const struct measure hop_measures[] = {{"rtt_seconds", MEASURE_GAUGE, "RTT"}};
static const struct measure_set hop_set = {"hop", hop_measures, 1, NULL, "Hop"};

static const struct label quad9[] = {{"target", "quad9"}, {"probe", "fast"}};

static void expect_page(struct series_store *store, const char *expected)
{
	char *page = page_of_store(store, RENDER_TEXT);
	char *lines = mem_alloc(strlen(page) + 1), *to = lines;
	/* Comments are the business of other tests. */
	for (const char *line = page; *line != '\0';) {
		size_t n = strcspn(line, "\n") + 1;
		if (*line != '#') {
			memcpy(to, line, n);
			to += n;
		}
		line += n;
	}
	*to = '\0';
	cr_expect_str_eq(lines, expected, "got:\n%s\nexpected:\n%s", lines, expected);
	cr_expect_eq(series_store_count(store), count_series(page));
	mem_free(lines);
	mem_free(page);
}

static void update_row(struct series *series, const struct row *row)
{
	series_update(series, row, 1);
}

Test(series, values_of_every_kind)
{
	struct series_store *store = series_store_create(1, 1000);
	struct series *series = series_open(store, 0, quad9, 2);
	expect_page(store, "");
	const struct reading readings[] = {
		reading_integer(SENT, 12), reading_number(LOSS, 0.25),        reading_text(NOTE, "hi"),
		reading_integer(TTL, -3),  reading_integer(WAIT, 1500000001), reading_integer(INFO, 1),
	};
	update_row(series, &(struct row){&set, NULL, 0, readings, 6});
	expect_page(store, "netsonde_ping_info{target=\"quad9\",probe=\"fast\"} 1\n"
			   "netsonde_ping_loss_ratio{target=\"quad9\",probe=\"fast\"} 0.25\n"
			   "netsonde_ping_sent_total{target=\"quad9\",probe=\"fast\"} 12\n"
			   "netsonde_ping_ttl{target=\"quad9\",probe=\"fast\"} -3\n"
			   "netsonde_ping_wait_seconds_total{target=\"quad9\",probe=\"fast\"} 1.500000001\n");
	series_close(series);
	expect_page(store, "");
	series_store_free(store);
}

Test(series, odd_values)
{
	static const struct {
		struct reading reading;
		const char *expected; /* NULL: not shown */
	} cases[] = {
		{{.measure = LOSS, .value.number = NAN}, "NaN"},
		{{.measure = LOSS, .value.number = INFINITY}, "+Inf"},
		{{.measure = LOSS, .value.number = -INFINITY}, "-Inf"},
		{{.measure = LOSS, .value.number = -0.0}, "-0"},
		{{.measure = LOSS, .value.number = 1e300}, "1e+300"},
		{{.measure = SENT, .value.integer = INT64_MAX}, "9223372036854775807"},
		{{.measure = SENT, .value.integer = 0}, "0"},
		{{.measure = SENT, .value.integer = -1}, NULL},
		{{.measure = WAIT, .value.integer = -1}, NULL},
		{{.measure = TTL, .value.integer = INT64_MIN}, "-9223372036854775807"},
		{{.measure = TTL, .value.integer = -1}, "-1"},
	};
	struct series_store *store = series_store_create(1, 1000);
	struct series *series = series_open(store, 0, NULL, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char expected[128] = "";
		if (cases[i].expected)
			snprintf(expected, sizeof(expected), "netsonde_ping_%s %s\n",
				 measures[cases[i].reading.measure].name, cases[i].expected);
		update_row(series, &(struct row){&set, NULL, 0, &cases[i].reading, 1});
		expect_page(store, expected);
	}
	series_store_free(store);
}

Test(series, a_reading_that_is_absent_vanishes_and_comes_back)
{
	struct series_store *store = series_store_create(1, 1000);
	struct series *series = series_open(store, 0, NULL, 0);
	const struct reading both[] = {reading_integer(SENT, 1), reading_number(LOSS, 0)};
	update_row(series, &(struct row){&set, NULL, 0, both, 2});
	expect_page(store, "netsonde_ping_loss_ratio 0\nnetsonde_ping_sent_total 1\n");
	update_row(series, &(struct row){&set, NULL, 0, both, 1});
	expect_page(store, "netsonde_ping_sent_total 1\n");
	update_row(series, &(struct row){&set, NULL, 0, both + 1, 1});
	expect_page(store, "netsonde_ping_loss_ratio 0\n");
	update_row(series, &(struct row){&set, NULL, 0, NULL, 0});
	expect_page(store, "");
	series_update(series, NULL, 0);
	expect_page(store, "");
	update_row(series, &(struct row){&set, NULL, 0, both, 2});
	expect_page(store, "netsonde_ping_loss_ratio 0\nnetsonde_ping_sent_total 1\n");
	series_store_free(store);
}

static char *bucket_lines(const unsigned *counts, const char *sum)
{
	static const char *const bounds[] = {"5e-05",  "0.0001", "0.0002", "0.0004", "0.0008",  "0.0016",  "0.0032",
					     "0.0064", "0.0128", "0.0256", "0.0512", "0.1024",  "0.2048",  "0.4096",
					     "0.8192", "1.6384", "3.2768", "6.5536", "13.1072", "26.2144", "+Inf"};
	struct text out = {0};
	unsigned count = 0;
	for (unsigned i = 0; i <= SERIES_BUCKETS; i++) {
		count += counts[i];
		text_add_format(&out,
				"netsonde_ping_rtt_seconds_bucket{target=\"quad9\",probe=\"fast\",le=\"%s\"} %u\n",
				bounds[i], count);
	}
	text_add_format(&out, "netsonde_ping_rtt_seconds_sum{target=\"quad9\",probe=\"fast\"} %s\n", sum);
	text_add_format(&out, "netsonde_ping_rtt_seconds_count{target=\"quad9\",probe=\"fast\"} %u\n", count);
	return text_take(&out);
}

static void expect_histogram(struct series_store *store, const unsigned *counts, const char *sum)
{
	char *expected = bucket_lines(counts, sum);
	expect_page(store, expected);
	mem_free(expected);
}

Test(series, a_histogram_adds_up_and_outlives_absence_growth_and_new_labels)
{
	struct series_store *store = series_store_create(1, 1000);
	struct series *series = series_open(store, 0, quad9, 2);
	unsigned counts[SERIES_BUCKETS + 1] = {0};
	const int64_t first[] = {50000, 50001, 30000000000, -7};
	struct reading readings[] = {reading_histogram(RTT, first, 4), reading_integer(TTL, 1)};
	struct row row = {&set, NULL, 0, readings, 1};
	update_row(series, &row);
	counts[0] = 2, counts[1] = 1, counts[SERIES_BUCKETS] = 1;
	expect_histogram(store, counts, "30.000100001");

	readings[0] = reading_histogram(RTT, NULL, 0);
	update_row(series, &row);
	expect_histogram(store, counts, "30.000100001");

	row.n = 0;
	update_row(series, &row);
	expect_page(store, "");

	/* Growth makes a new block. */
	const int64_t second[] = {26214400000};
	readings[0] = reading_histogram(RTT, second, 1);
	row.n = 2;
	update_row(series, &row);
	row.n = 1;
	readings[0] = reading_histogram(RTT, NULL, 0);
	update_row(series, &row);
	counts[SERIES_BUCKETS - 1] = 1;
	expect_histogram(store, counts, "56.214500001");

	const struct label other[] = {{"target", "other"}, {"probe", "fast"}};
	series_relabel(series, other, 2);
	char *page = page_of_store(store, RENDER_TEXT);
	cr_expect_eq(count_in(page, "target=\"other\""), SERIES_BUCKETS + 3);
	cr_expect_eq(count_in(page, "quad9"), 0);
	mem_free(page);
	series_relabel(series, quad9, 2);
	expect_histogram(store, counts, "56.214500001");
	update_row(series, &row);
	expect_histogram(store, counts, "56.214500001");

	/* A row that is gone takes its histogram with it. */
	series_update(series, NULL, 0);
	update_row(series, &row);
	memset(counts, 0, sizeof(counts));
	expect_histogram(store, counts, "0");
	series_store_free(store);
}

/* A row of the set "hop" with one label. */
struct hop {
	struct label label;
	struct reading reading;
};

/* Values of which small ones have room grow. */
Test(series, what_grows_goes_on)
{
	struct series_store *store = series_store_create(1, 1000);
	struct series *series = series_open(store, 0, quad9, 2);
	static const int64_t sent[] = {INT32_MAX - 1, INT32_MAX, INT64_C(1) << 31, INT64_C(1) << 40, 5};
	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
		const struct reading readings[] = {reading_integer(SENT, sent[i]), reading_integer(TTL, -(int64_t)i)};
		char expected[256];
		update_row(series, &(struct row){&set, NULL, 0, readings, 2});
		snprintf(expected, sizeof(expected),
			 "netsonde_ping_sent_total{target=\"quad9\",probe=\"fast\"} %lld\n"
			 "netsonde_ping_ttl{target=\"quad9\",probe=\"fast\"} %d\n",
			 (long long)sent[i], -(int)i);
		expect_page(store, expected);
	}
	series_close(series);
	series_store_free(store);
}

/* The blocks of most probes grow, one after another; those that stay are moved together meanwhile. */
Test(series, values_stay_when_blocks_move)
{
	enum { N = 3000 };
	static struct series *series[N];
	struct series_store *store = series_store_create(1, 1000000);
	for (int round = 0; round < 6; round++) {
		for (int i = 0; i < N; i++) {
			const int64_t observed_ns[] = {i % 50 ? INT64_C(50000) << 2 * round : 1000};
			const struct reading readings[] = {reading_integer(SENT, i),
							   reading_histogram(RTT, observed_ns, 1)};
			char name[16];
			const struct label label = {"target", name};
			snprintf(name, sizeof(name), "t%d", i);
			if (round == 0)
				series[i] = series_open(store, 0, &label, 1);
			update_row(series[i], &(struct row){&set, NULL, 0, readings, 2});
		}
	}
	char *page = page_of_store(store, RENDER_TEXT);
	for (int i = 0; i < N; i++) {
		char line[128];
		snprintf(line, sizeof(line), "\nnetsonde_ping_sent_total{target=\"t%d\"} %d\n", i, i);
		cr_expect_not_null(strstr(page, line), "%s", line);
		snprintf(line, sizeof(line), "\nnetsonde_ping_rtt_seconds_count{target=\"t%d\"} 6\n", i);
		cr_expect_not_null(strstr(page, line), "%s", line);
		snprintf(line, sizeof(line), "\nnetsonde_ping_rtt_seconds_bucket{target=\"t%d\",le=\"0.0008\"} %d\n", i,
			 i % 50 ? 3 : 6);
		cr_expect_not_null(strstr(page, line), "%s", line);
	}
	mem_free(page);
	series_store_free(store);
}

static void update_hops(struct series *series, const char *names, double value)
{
	struct hop hops[16];
	struct row rows[16];
	char texts[16][2] = {{0}};
	size_t n = strlen(names);
	for (size_t i = 0; i < n; i++) {
		texts[i][0] = names[i];
		hops[i] = (struct hop){{"hop", texts[i]}, reading_number(0, value + (double)i)};
		rows[i] = (struct row){&hop_set, &hops[i].label, 1, &hops[i].reading, 1};
	}
	series_update(series, rows, n);
}

Test(series, rows_come_go_and_change_places)
{
	struct series_store *store = series_store_create(1, 1000);
	struct series *series = series_open(store, 0, &(struct label){"target", "t"}, 1);
	update_hops(series, "abc", 1);
	expect_page(store, "netsonde_hop_rtt_seconds{target=\"t\",hop=\"a\"} 1\n"
			   "netsonde_hop_rtt_seconds{target=\"t\",hop=\"b\"} 2\n"
			   "netsonde_hop_rtt_seconds{target=\"t\",hop=\"c\"} 3\n");
	/* Only the order differs. */
	update_hops(series, "cab", 1);
	expect_page(store, "netsonde_hop_rtt_seconds{target=\"t\",hop=\"c\"} 1\n"
			   "netsonde_hop_rtt_seconds{target=\"t\",hop=\"a\"} 2\n"
			   "netsonde_hop_rtt_seconds{target=\"t\",hop=\"b\"} 3\n");
	update_hops(series, "bd", 5);
	expect_page(store, "netsonde_hop_rtt_seconds{target=\"t\",hop=\"b\"} 5\n"
			   "netsonde_hop_rtt_seconds{target=\"t\",hop=\"d\"} 6\n");
	/* The same row twice would be a series twice: the first counts. */
	update_hops(series, "dbdb", 7);
	expect_page(store, "netsonde_hop_rtt_seconds{target=\"t\",hop=\"d\"} 7\n"
			   "netsonde_hop_rtt_seconds{target=\"t\",hop=\"b\"} 8\n");
	update_hops(series, "xx", 1);
	expect_page(store, "netsonde_hop_rtt_seconds{target=\"t\",hop=\"x\"} 1\n");
	update_hops(series, "", 0);
	expect_page(store, "");
	series_store_free(store);
}

/* Rows that are said to be the same need no labels; whatever else has changed is noticed. */
Test(series, refilled_rows_need_no_labels)
{
	struct series_store *store = series_store_create(1, 1000);
	struct series *series = series_open(store, 0, &(struct label){"target", "t"}, 1);
	const struct label a = {"hop", "a"}, b = {"hop", "b"};
	struct reading readings[] = {reading_number(0, 1), reading_number(0, 2), reading_integer(SENT, 3)};
	struct row rows[] = {
		{&hop_set, &a, 1, &readings[0], 1},
		{&hop_set, &b, 1, &readings[1], 1},
		{&set, NULL, 0, &readings[2], 1},
	};
	cr_expect_not(series_refill(series, rows, 3, 0));
	expect_page(store, "");
	series_update(series, rows, 3);
	readings[0].value.number = 10;
	readings[1].value.number = 20;
	rows[0].nlabels = rows[1].nlabels = 0;
	cr_expect_not(series_refill(series, rows, 3, 1), "the second one has other labels now");
	cr_expect_not(series_refill(series, rows, 2, 2), "there are three rows");
	cr_expect(series_refill(series, rows, 3, 2));
	expect_page(store, "netsonde_hop_rtt_seconds{target=\"t\",hop=\"a\"} 10\n"
			   "netsonde_hop_rtt_seconds{target=\"t\",hop=\"b\"} 20\n"
			   "netsonde_ping_sent_total{target=\"t\"} 3\n");
	readings[2].value.integer = INT64_MAX;
	cr_expect_not(series_refill(series, rows, 3, 2), "there is no room for that number");
	readings[2].value.integer = 4;
	rows[1].set = &set;
	cr_expect_not(series_refill(series, rows, 3, 2), "it is of another set");
	rows[1].set = &hop_set;
	cr_expect(series_refill(series, rows, 3, 2));
	series_store_free(store);
}

/* Rows are where the last update had them, even when only their order has changed. */
Test(series, refilled_rows_follow_the_last_order)
{
	struct series_store *store = series_store_create(1, 1000);
	struct series *series = series_open(store, 0, &(struct label){"target", "t"}, 1);
	const struct label a = {"hop", "a"}, b = {"hop", "b"};
	const struct reading one = reading_number(0, 1), two = reading_number(0, 2);
	struct row rows[] = {{&hop_set, &a, 1, &one, 1}, {&hop_set, &b, 1, &two, 1}};
	series_update(series, rows, 2);
	rows[0].labels = &b;
	rows[1].labels = &a;
	series_update(series, rows, 2);
	rows[0].nlabels = rows[1].nlabels = 0;
	cr_expect(series_refill(series, rows, 2, 2));
	expect_page(store, "netsonde_hop_rtt_seconds{target=\"t\",hop=\"b\"} 1\n"
			   "netsonde_hop_rtt_seconds{target=\"t\",hop=\"a\"} 2\n");
	series_store_free(store);
}

Test(series, many_rows)
{
	enum { ROWS = 3000 };
	struct series_store *store = series_store_create(1, 100000);
	struct series *series = series_open(store, 0, quad9, 2);
	struct row *rows = mem_zero(ROWS, sizeof(*rows));
	struct label *labels = mem_zero(ROWS, sizeof(*labels));
	struct reading reading = reading_number(0, 1);
	for (size_t i = 0; i < ROWS; i++) {
		labels[i] = (struct label){"hop", mem_format("%zu", i)};
		rows[i] = (struct row){&hop_set, &labels[i], 1, &reading, 1};
	}
	series_update(series, rows, ROWS);
	cr_expect_eq(series_store_count(store), ROWS);
	series_update(series, rows + ROWS / 2, ROWS / 2);
	cr_expect_eq(series_store_count(store), ROWS / 2);
	series_update(series, rows, ROWS);
	char *page = page_of_store(store, RENDER_OPENMETRICS);
	cr_expect_eq(count_series(page), ROWS);
	mem_free(page);
	for (size_t i = 0; i < ROWS; i++)
		mem_free((char *)(uintptr_t)labels[i].value);
	mem_free(rows);
	mem_free(labels);
	series_store_free(store);
}

Test(series, label_names_that_come_twice_are_shown_once)
{
	struct series_store *store = series_store_create(1, 1000);
	const struct label own[] = {{"target", "t"}, {"site", "a"}, {"site", "b"}};
	struct series *series = series_open(store, 0, own, 3);
	const struct label labels[] = {{"site", "c"}, {"hop", "1"}, {"hop", "2"}};
	const struct reading reading = reading_number(0, 1);
	const struct row row = {&hop_set, labels, 3, &reading, 1};
	update_row(series, &row);
	expect_page(store, "netsonde_hop_rtt_seconds{target=\"t\",site=\"a\",hop=\"1\"} 1\n");
	update_row(series, &row);
	expect_page(store, "netsonde_hop_rtt_seconds{target=\"t\",site=\"a\",hop=\"1\"} 1\n");
	const struct label renamed[] = {{"target", "t"}, {"hop", "x"}};
	series_relabel(series, renamed, 2);
	expect_page(store, "netsonde_hop_rtt_seconds{target=\"t\",hop=\"x\"} 1\n");
	update_row(series, &row);
	expect_page(store, "netsonde_hop_rtt_seconds{target=\"t\",hop=\"x\",site=\"c\"} 1\n");
	series_store_free(store);
}

Test(series, no_labels_at_all_and_odd_ones)
{
	struct series_store *store = series_store_create(1, 1000);
	struct series *series = series_open(store, 0, NULL, 0);
	const struct reading reading = reading_number(0, 1);
	update_row(series, &(struct row){&hop_set, &(struct label){"hop", "a\"\n"}, 1, &reading, 1});
	expect_page(store, "netsonde_hop_rtt_seconds{hop=\"a\\\"\\n\"} 1\n");
	series_relabel(series, &(struct label){"target", "\xFF"}, 1);
	expect_page(store, "netsonde_hop_rtt_seconds{target=\"\xEF\xBF\xBD\",hop=\"a\\\"\\n\"} 1\n");
	series_relabel(series, NULL, 0);
	update_row(series, &(struct row){&hop_set, &(struct label){"hop", ""}, 1, &reading, 1});
	expect_page(store, "netsonde_hop_rtt_seconds 1\n");
	series_store_free(store);
}

/* --- the ceiling ------------------------------------------------------------------------------------------------- */

Test(series, rows_beyond_the_ceiling_are_refused_and_counted)
{
	struct series_store *store = series_store_create(1, 4);
	struct series *series = series_open(store, 0, NULL, 0), *other = series_open(store, 0, quad9, 1);
	update_hops(series, "abc", 1);
	cr_expect_eq(series_store_refused(store), 0);
	update_hops(other, "xyz", 1);
	cr_expect_eq(series_store_count(store), 4);
	cr_expect_eq(series_store_refused(store), 2);
	update_hops(other, "xyz", 1);
	cr_expect_eq(series_store_refused(store), 4, "each update that is cut short counts");
	cr_expect_eq(series_store_count(store), 4);
	/* What is there goes on being updated. */
	update_hops(other, "x", 9);
	expect_page(store, "netsonde_hop_rtt_seconds{hop=\"a\"} 1\n"
			   "netsonde_hop_rtt_seconds{hop=\"b\"} 2\n"
			   "netsonde_hop_rtt_seconds{hop=\"c\"} 3\n"
			   "netsonde_hop_rtt_seconds{target=\"quad9\",hop=\"x\"} 9\n");
	/* Room that is given back can be had. */
	series_close(series);
	update_hops(other, "xyz", 1);
	cr_expect_eq(series_store_count(store), 3);
	cr_expect_eq(series_store_refused(store), 4);
	series_store_free(store);
}

Test(series, a_row_that_cannot_grow_keeps_what_it_has)
{
	struct series_store *store = series_store_create(1, 24);
	struct series *series = series_open(store, 0, NULL, 0);
	const int64_t ns = 1;
	const struct reading readings[] = {reading_integer(SENT, 7), reading_number(LOSS, 1),
					   reading_histogram(RTT, &ns, 1)};
	update_row(series, &(struct row){&set, NULL, 0, readings, 2});
	expect_page(store, "netsonde_ping_loss_ratio 1\nnetsonde_ping_sent_total 7\n");
	update_row(series, &(struct row){&set, NULL, 0, readings, 3});
	expect_page(store, "netsonde_ping_loss_ratio 1\nnetsonde_ping_sent_total 7\n");
	cr_expect_eq(series_store_refused(store), 23, "a histogram is 20 buckets, +Inf, sum and count");
	update_row(series, &(struct row){&set, NULL, 0, readings, 1});
	cr_expect_eq(series_store_count(store), 1);
	series_update(series, NULL, 0);
	update_row(series, &(struct row){&set, NULL, 0, readings + 1, 2});
	cr_expect_eq(series_store_count(store), 24);
	series_close(series);
	cr_expect_eq(series_store_count(store), 0);
	series_store_free(store);
}

Test(series, a_store_without_room)
{
	struct series_store *store = series_store_create(1, 0);
	struct series *series = series_open(store, 0, quad9, 2);
	update_hops(series, "ab", 1);
	expect_page(store, "");
	cr_expect_eq(series_store_refused(store), 2);
	series_store_free(store);
	series_store_free(NULL);
	series_close(NULL);
}

Test(series, more_label_text_than_one_probe_may_have)
{
	/* 64 MiB in labels of 1 KiB, 40 a row. */
	enum { ROWS = 1700, LABELS = 40 };
	struct series_store *store = series_store_create(1, 100000);
	struct series *series = series_open(store, 0, quad9, 2);
	char value[1025], (*names)[16] = mem_zero(LABELS, sizeof(*names));
	struct label *labels = mem_zero(ROWS * LABELS, sizeof(*labels));
	struct row *rows = mem_zero(ROWS, sizeof(*rows));
	struct reading reading = reading_number(0, 1);
	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (size_t k = 0; k < LABELS; k++)
		snprintf(names[k], sizeof(names[k]), "label%zu", k);
	for (size_t i = 0; i < ROWS; i++) {
		for (size_t k = 1; k < LABELS; k++)
			labels[i * LABELS + k] = (struct label){names[k], value};
		labels[i * LABELS] = (struct label){"hop", mem_format("%zu", i)};
		rows[i] = (struct row){&hop_set, &labels[i * LABELS], LABELS, &reading, 1};
	}
	series_update(series, rows, ROWS);
	cr_expect_gt(series_store_refused(store), 0);
	cr_expect_eq(series_store_count(store) + series_store_refused(store), ROWS);
	cr_expect_gt(series_store_count(store), 1500);
	series_close(series);
	for (size_t i = 0; i < ROWS; i++)
		mem_free((char *)(uintptr_t)labels[i * LABELS].value);
	mem_free(names);
	mem_free(labels);
	mem_free(rows);
	series_store_free(store);
}

Test(series, more_rows_than_one_probe_may_have)
{
	enum { ROWS = 65540 };
	struct series_store *store = series_store_create(1, 100000);
	struct series *series = series_open(store, 0, quad9, 2);
	struct row *rows = mem_zero(ROWS, sizeof(*rows));
	struct label *labels = mem_zero(ROWS, sizeof(*labels));
	char(*texts)[8] = mem_zero(ROWS, sizeof(*texts));
	struct reading reading = reading_number(0, 1);
	for (size_t i = 0; i < ROWS; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%zu", i);
		labels[i] = (struct label){"hop", texts[i]};
		rows[i] = (struct row){&hop_set, &labels[i], 1, &reading, 1};
	}
	series_update(series, rows, ROWS);
	cr_expect_eq(series_store_count(store), 65536);
	cr_expect_eq(series_store_refused(store), 4);
	mem_free(rows);
	mem_free(labels);
	mem_free(texts);
	series_store_free(store);
}

/* --- readers and writers ----------------------------------------------------------------------------------------- */

Test(series, an_open_render_keeps_old_blocks_and_does_not_see_new_series)
{
	struct series_store *store = series_store_create(1, 1000);
	struct series *series = series_open(store, 0, &(struct label){"target", "old"}, 1);
	update_hops(series, "abcdef", 1);
	struct render_plan plan = {.store = store, .format = RENDER_TEXT, .shard = 0, .shards = 1};
	struct render *render = render_create(&plan), *second = render_create(&plan);
	struct text page = {0};
	cr_expect(render_more(render, &page, 1));
	/* In the middle of the family the target is closed and opened again in the same place. */
	series_close(series);
	for (unsigned i = 0; i < 200; i++) {
		series = series_open(store, 0, &(struct label){"target", "new"}, 1);
		update_hops(series, i % 2 ? "xyz" : "x", 1);
		if (i < 199)
			series_close(series);
	}
	while (render_more(render, &page, 1))
		;
	cr_expect_eq(count_in(text_string(&page), "target=\"old\""), 6, "the rows of the block that was begun");
	cr_expect_eq(count_in(text_string(&page), "target=\"new\""), 0);
	render_free(render);
	text_clear(&page);
	while (render_more(second, &page, 1))
		;
	cr_expect_eq(count_series(text_string(&page)), 0);
	render_free(second);
	expect_page(store, "netsonde_hop_rtt_seconds{target=\"new\",hop=\"x\"} 1\n"
			   "netsonde_hop_rtt_seconds{target=\"new\",hop=\"y\"} 2\n"
			   "netsonde_hop_rtt_seconds{target=\"new\",hop=\"z\"} 3\n");
	update_hops(series, "xyz", 1);
	text_free(&page);
	series_store_free(store);
}

/* With a younger render always open, some of the old blocks can be freed and some cannot. */
Test(series, old_blocks_are_freed_one_after_the_other)
{
	struct series_store *store = series_store_create(1, 1000);
	struct series *series = series_open(store, 0, quad9, 2);
	struct render_plan plan = {.store = store, .format = RENDER_TEXT, .shard = 0, .shards = 1};
	struct render *render = render_create(&plan);
	for (unsigned i = 0; i < 500; i++) {
		update_hops(series, i % 2 ? "ab" : "a", i);
		if (i % 40 != 39)
			continue;
		struct render *next = render_create(&plan);
		render_free(render);
		render = next;
	}
	struct text page = {0};
	while (render_more(render, &page, 1))
		;
	cr_expect_eq(count_series(text_string(&page)), 2);
	render_free(render);
	update_hops(series, "ab", 1);
	text_free(&page);
	series_store_free(store);
}

Test(series, a_store_can_be_freed_with_blocks_that_wait)
{
	struct series_store *store = series_store_create(2, 1000);
	struct series *series = series_open(store, 1, quad9, 2);
	struct render_plan plan = {.store = store, .format = RENDER_TEXT, .shard = 0, .shards = 1};
	struct render *render = render_create(&plan);
	update_hops(series, "a", 1);
	update_hops(series, "b", 1);
	series_close(series);
	render_free(render);
	series_store_free(store);
}

Test(series, many_blocks_in_many_shards)
{
	enum { N = 5000 };
	struct series_store *store = series_store_create(3, 100000);
	struct series **series = mem_zero(N, sizeof(*series));
	for (unsigned i = 0; i < N; i++) {
		char name[16];
		snprintf(name, sizeof(name), "t%u", i);
		series[i] = series_open(store, i % 3, &(struct label){"target", name}, 1);
		update_hops(series[i], "a", i);
	}
	char *page = page_of_store(store, RENDER_TEXT);
	cr_expect_eq(count_series(page), N);
	mem_free(page);
	for (unsigned i = 0; i < N; i += 2)
		series_close(series[i]);
	page = page_of_store(store, RENDER_TEXT);
	cr_expect_eq(count_series(page), N / 2);
	cr_expect_eq(series_store_count(store), N / 2);
	mem_free(page);
	for (unsigned i = 0; i < N; i += 2)
		series[i] = series_open(store, i % 3, quad9, 2);
	page = page_of_store(store, RENDER_TEXT);
	cr_expect_eq(count_series(page), N / 2, "opened, but without rows");
	mem_free(page);
	mem_free(series);
	series_store_free(store);
}
