#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"
#include "exporter/page.h"
#include "exporter/scrape.h"

Test(scrape, shards)
{
	static const struct {
		const char *text;
		bool is_shard;
		unsigned shard, shards;
	} cases[] = {
		{"0/1", true, 0, 1},
		{"3/4", true, 3, 4},
		{"65535/65536", true, 65535, 65536},
		{"00/01", true, 0, 1},
		{"", false, 0, 0},
		{"1", false, 0, 0},
		{"/", false, 0, 0},
		{"1/", false, 0, 0},
		{"/1", false, 0, 0},
		{"0/0", false, 0, 0},
		{"4/4", false, 0, 0},
		{"5/4", false, 0, 0},
		{"-1/4", false, 0, 0},
		{"+1/4", false, 0, 0},
		{" 1/4", false, 0, 0},
		{"1/4 ", false, 0, 0},
		{"1/4/", false, 0, 0},
		{"1 /4", false, 0, 0},
		{"a/b", false, 0, 0},
		{"0/65537", false, 0, 0},
		{"0/4294967297", false, 0, 0},
		{"4294967296/5", false, 0, 0},
		{"0x1/4", false, 0, 0},
		{"1,4", false, 0, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned shard, shards;
		cr_expect_eq(scrape_parse_shard(cases[i].text, &shard, &shards), cases[i].is_shard, "%s",
			     cases[i].text);
		if (!cases[i].is_shard)
			continue;
		cr_expect_eq(shard, cases[i].shard);
		cr_expect_eq(shards, cases[i].shards);
	}
}

Test(page, says_what_it_is_and_loads_nothing)
{
	struct text out = {0};
	page_write(&(struct page_facts){.version = "1.2.3",
					.agent = "<fra1>",
					.is_ready = false,
					.series = 42,
					.now_ns = INT64_C(1700000000) * 1000000000},
		   &out);
	const char *page = text_string(&out);
	static const char *const there[] = {"<!doctype html>",
					    "<title>netsonde</title>",
					    "1.2.3",
					    "not ready",
					    "42 series",
					    "&#60;fra1&#62;",
					    "as of 2023-11-14 22:13:20 UTC",
					    "href=\"/metrics\"",
					    "href=\"/config\"",
					    "href=\"/-/healthy\"",
					    "href=\"/-/ready\"",
					    "prefers-color-scheme: dark",
					    "</html>\n"};
	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
		cr_expect(strstr(page, there[i]), "%s", there[i]);
	static const char *const not_there[] = {"http://", "https://", "src=", "<script", "url(", "@import"};
	for (size_t i = 0; i < sizeof(not_there) / sizeof(not_there[0]); i++)
		cr_expect_not(strstr(page, not_there[i]), "%s", not_there[i]);
	text_free(&out);
}

Test(page, with_everything_and_with_little)
{
	struct text out = {0};
	page_write(&(struct page_facts){.version = "1",
					.is_ready = true,
					.is_refreshed = true,
					.status = "<p>status</p>",
					.more = "<p>more</p>"},
		   &out);
	const char *page = text_string(&out);
	cr_expect(strstr(page, "<meta http-equiv=\"refresh\" content=\"10\">"));
	cr_expect(strstr(page, "<a href=\"/\">stop that</a>"));
	cr_expect(strstr(page, "<h1>netsonde</h1>"));
	const char *status = strstr(page, "<p>status</p>"), *more = strstr(page, "<p>more</p>");
	cr_expect(status && more && status < more);
	text_free(&out);
}

Test(page, parts)
{
	static const struct {
		double value;
		const char *duration, *loss;
	} cases[] = {
		{-1, "-1000.000 ms", "number\">"},
		{0, "0.000 ms", "number\">0 %"},
		{0.00999, "9.990 ms", "number some\">1.0 %"},
		{0.009995, "10.0 ms", "number some\">1.0 %"},
		{0.125, "125.0 ms", "number some\">12 %"},
		{0.9999, "1.00 s", "number some\">100 %"},
		{1, "1.00 s", "number bad\">100 %"},
	};
	struct text out = {0};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text_clear(&out);
		page_add_duration(cases[i].value, &out);
		cr_expect_str_eq(text_string(&out), cases[i].duration);
		text_clear(&out);
		page_add_loss_cell(cases[i].value, &out);
		char *cell = mem_format("</td><td class=\"%s", cases[i].loss);
		cr_expect_str_eq(text_string(&out), cell);
		mem_free(cell);
	}
	text_clear(&out);
	page_add_text("a\0<'", 4, &out);
	page_add_value("\0 ä-_.~Z9", 10, &out);
	cr_expect_eq(out.length, strlen("a?&#60;&#39;%00%20%C3%A4-_.~Z9"));
	cr_expect_str_eq(text_string(&out) + 2, "&#60;&#39;%00%20%C3%A4-_.~Z9");
	text_free(&out);
}
