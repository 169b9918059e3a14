/* /metrics?names=... over HTTP. */
#include <criterion/criterion.h>

#include "exporter/dialect.h"
#include "exporter/render.h"
#include "page_fixture.h"
#include "web_fixture.h"

static const char *const sets[] = {"ping"};
static const struct dialect_metric metrics[] = {
	{.name = "theirs_sent_total", .kind = MEASURE_COUNTER, .measure = "sent_total", .factor = 1},
};
static const struct dialect first = {
	.name = "theirs", .prefix = "ping", .target = "device", .sets = sets, .nsets = 1, .metrics = metrics, .n = 1};
static const struct dialect second = {.name = "others", .prefix = "none", .target = "device"};
static const char *const dialects[] = {"theirs", "others", "broken"};

static const struct dialect *read_dialect(void *context, size_t i)
{
	static const struct dialect *const read[] = {&first, &second, NULL};
	(void)context;
	return read[i];
}

static struct web *start(unsigned targets)
{
	return web_start((struct web_plan){
		.targets = targets, .dialects = dialects, .ndialects = 3, .read_dialect = read_dialect});
}

static size_t series_at(const struct web *web, const char *path, const char *needle)
{
	struct answer answer = web_get(web, path, "");
	cr_expect_eq(answer.status, 200, "%s", path);
	cr_expect(strstr(text_string(&answer.body), needle), "%s: %s", path, text_string(&answer.body));
	size_t n = count_series(text_string(&answer.body));
	web_forget(&answer);
	return n;
}

Test(exporter_names, are_chosen)
{
	struct web *web = start(3);
	cr_expect_eq(series_at(web, "/metrics?names=theirs", "\ntheirs_sent_total{device=\"target-2\"} 2\n"), 3);
	cr_expect_eq(series_at(web, "/metrics?names=others", ""), 0);
	cr_expect_eq(series_at(web, "/metrics?names=", "netsonde_ping_sent_total{"), 24 * 3 + 1);
	cr_expect_eq(series_at(web, "/metrics", "netsonde_build_info{"), 24 * 3 + 1);
	cr_expect(web_wait(web, "scrapes_total", 4));
	web_stop(web);
}

Test(exporter_names, are_split_by_shard)
{
	struct web *web = start(50);
	size_t n = series_at(web, "/metrics?names=theirs&shard=0/2", "theirs_sent_total{");
	cr_expect_gt(n, 0);
	cr_expect_eq(n + series_at(web, "/metrics?shard=1/2&names=theirs", "theirs_sent_total{"), 50);
	web_stop(web);
}

Test(exporter_names, unknown_ones_are_told)
{
	struct web *web = start(1);
	static const char *const wrong[] = {"/metrics?names=mine", "/metrics?names=Theirs", "/metrics?names=%zz",
					    "/metrics?names=theirs%20", "/metrics?names=theirs,others"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct answer answer = web_get(web, wrong[i], "");
		cr_expect_eq(answer.status, 400, "%s", wrong[i]);
		cr_expect_str_eq(text_string(&answer.body),
				 "names: must be one of theirs, others, broken; without it names are netsonde's own\n");
		web_forget(&answer);
	}
	struct answer answer = web_get(web, "/metrics?names=broken", "");
	cr_expect_eq(answer.status, 500);
	web_forget(&answer);
	web_stop(web);
}

Test(exporter_names, are_negotiated_as_ours)
{
	struct web *web = start(2);
	struct answer answer = web_get(web, "/metrics?names=theirs",
				       "Accept: application/openmetrics-text\r\nAccept-Encoding: gzip\r\n");
	cr_expect_eq(answer.status, 200);
	cr_expect_str_eq(web_field(&answer, "content-encoding"), "gzip");
	cr_expect_str_eq(web_field(&answer, "content-type"), render_content_types[RENDER_OPENMETRICS]);
	web_forget(&answer);
	answer = web_get(web, "/metrics?names=theirs", "Accept: application/openmetrics-text\r\n");
	cr_expect_str_eq(text_string(&answer.body), "# TYPE theirs_sent counter\n# HELP theirs_sent Sent\n"
						    "theirs_sent_total{device=\"target-0\"} 0\n"
						    "theirs_sent_total{device=\"target-1\"} 1\n# EOF\n");
	web_forget(&answer);
	web_stop(web);
}
