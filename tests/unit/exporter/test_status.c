#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "exporter/status.h"
#include "page_fixture.h"

static const struct measure ping_measures[] = {
	{"rtt_avg_seconds", MEASURE_GAUGE, ""},
	{"loss_ratio", MEASURE_GAUGE, ""},
};
static const struct measure_set ping_set = {"ping", ping_measures, 2, NULL, ""};
static const struct measure probe_measures[] = {
	{"success", MEASURE_INTEGER, ""},
	{"duration_seconds", MEASURE_GAUGE, ""},
	{"runs_total", MEASURE_COUNTER, ""},
	{"failures_total", MEASURE_COUNTER, ""},
};
static const struct measure_set probe_set = {"probe", probe_measures, 4, NULL, ""};
static const struct measure target_measures[] = {{"info", MEASURE_INFO, ""}};
static const struct measure_set target_set = {"target", target_measures, 1, NULL, ""};

static const struct measure availability_measures[] = {
	{"up", MEASURE_INTEGER, ""},
	{"streak_seconds", MEASURE_GAUGE, ""},
};
static const struct measure_set availability_set = {"availability", availability_measures, 2, NULL, ""};

static struct series *open_probe(struct series_store *store, const char *target, const char *probe)
{
	const struct label labels[] = {{"target", target}, {"probe", probe}, {"tier", "dns"}};
	return series_open(store, 0, labels, 3);
}

/* Without a round trip nothing was answered. */
static void end_run(struct series *series, double rtt_seconds, int64_t runs, int64_t timeouts, int64_t refusals)
{
	const struct reading ping[] = {reading_number(0, rtt_seconds), reading_number(1, rtt_seconds > 0 ? 0.125 : 1)};
	const struct reading other[] = {reading_number(0, 0.5), reading_number(1, 0.5)};
	const struct reading probe[] = {reading_integer(0, rtt_seconds > 0), reading_number(1, 1.5),
					reading_integer(2, runs)};
	const struct reading timeout = reading_integer(3, timeouts), refused = reading_integer(3, refusals);
	const struct label reasons[] = {{"reason", "timeout"}, {"reason", "refused"}}, address = {"address", "9.9.9.9"};
	const struct reading info = reading_integer(0, 1);
	const struct row rows[] = {
		{&probe_set, NULL, 0, probe, 3},
		{&ping_set, NULL, 0, rtt_seconds > 0 ? ping : ping + 1, rtt_seconds > 0 ? 2 : 1},
		{&ping_set, &address, 1, other, 2}, /* one of several addresses */
		{&target_set, &address, 1, &info, 1},
		{&probe_set, &reasons[0], 1, &timeout, 1},
		{&probe_set, &reasons[1], 1, &refused, 1},
	};
	series_update(series, rows, 6);
}

/* In a block of its own, as the daemon has it. */
static void note_availability(struct series_store *store, const char *target, const char *probe, bool is_up,
			      double streak_seconds)
{
	const struct reading readings[] = {reading_integer(0, is_up), reading_number(1, streak_seconds)};
	const struct row row = {&availability_set, NULL, 0, readings, 2};
	series_update(open_probe(store, target, probe), &row, 1);
}

static char *page_with(struct series_store *store, bool has_results)
{
	struct text out = {0};
	status_write(store, has_results, &out);
	return text_take(&out);
}

Test(status, nothing_yet)
{
	struct series_store *store = series_store_create(1, 1000);
	open_probe(store, "quad9", "ping"); /* no run has ended */
	char *page = page_with(store, true);
	cr_expect(strstr(page, "none yet"));
	cr_expect_null(strstr(page, "<table"));
	mem_free(page);
	series_store_free(store);
}

Test(status, those_that_are_down_stand_first)
{
	struct series_store *store = series_store_create(1, 1000);
	end_run(open_probe(store, "b", "ping"), 0.0125, 10, 0, 0);
	end_run(open_probe(store, "a", "ping"), 0.0125, 10, 0, 0);
	end_run(open_probe(store, "c<\"&\\\nd", "p q"), -1, 7, 3, 1);
	note_availability(store, "c<\"&\\\nd", "p q", false, 200);
	note_availability(store, "b", "ping", false, 1000); /* it has not heard yet that b is up */
	char *page = page_with(store, true);
	cr_expect(strstr(page, "<span class=\"bad\">1 down</span>, <span class=\"good\">2 up</span>"));
	const char *down =
		strstr(page, "<span class=\"state bad\">down</span></td><td class=\"number\">3 min</td><td><a href=\""
			     "/api/v1/results?format=html&amp;limit=300&amp;target=c%3C%22%26%5C%0Ad&amp;probe=p%20q\">"
			     "c&#60;&#34;&#38;\\\nd</a></td><td>p q</td><td class=\"number\"></td>"
			     "<td class=\"number bad\">100 %</td>"
			     "<td>4 of 7 <span class=\"quiet\">timeout 3, refused 1</span></td>"
			     "<td class=\"quiet\">9.9.9.9</td></tr>");
	const char *a = strstr(page, ">a</a></td><td>ping</td><td class=\"number\">12.5 ms</td>"
				     "<td class=\"number some\">12 %</td><td>0 of 10</td>");
	const char *b =
		strstr(page, "up</span></td><td class=\"number\"></td><td><a href=\"/api/v1/results?format=html&amp;"
			     "limit=300&amp;target=b&amp;probe=ping\">b</a>");
	cr_assert(down && a && b, "%s", page);
	cr_expect(down < a && a < b);
	mem_free(page);
	page = page_with(store, false);
	cr_expect_null(strstr(page, "href"), "where no results are kept, none are offered");
	mem_free(page);
	series_store_free(store);
}

Test(status, a_page_stays_a_page)
{
	struct series_store *store = series_store_create(1, 100000);
	for (int i = 0; i < STATUS_ROWS_MAX + 100; i++) {
		char name[16];
		snprintf(name, sizeof(name), "t%04d", i);
		end_run(open_probe(store, name, "ping"), i % 300 == 299 ? -1 : 0.001, 1, 0, 0);
	}
	char *page = page_with(store, true);
	cr_expect(strstr(page, "500 of 600 are shown"));
	cr_expect_eq(count_in(page, "<tr><td>"), (size_t)STATUS_ROWS_MAX);
	cr_expect_eq(count_in(page, ">down</span>"), 2);
	mem_free(page);
	series_store_free(store);
}

Test(status, streaks)
{
	static const struct {
		double seconds;
		const char *shown;
	} cases[] = {
		{0, ">0 s<"},    {119.9, ">119 s<"}, {120, ">2 min<"},  {7199, ">119 min<"},
		{7200, ">2 h<"}, {172799, ">47 h<"}, {172800, ">2 d<"}, {86400 * 40, ">40 d<"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct series_store *store = series_store_create(1, 1000);
		end_run(open_probe(store, "a", "ping"), 0.001, 1, 0, 0);
		note_availability(store, "a", "ping", true, cases[i].seconds);
		char *page = page_with(store, true);
		cr_expect(strstr(page, cases[i].shown), "%s in %s", cases[i].shown, page);
		mem_free(page);
		series_store_free(store);
	}
}
