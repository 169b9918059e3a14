#include <criterion/criterion.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "daemon/probe_history.h"
#include "daemon/probe_history_page.h"

#define MANY ((size_t)1 << 30)

static uint64_t add(struct probe_history *history, const char *target, enum reason reason, size_t entries, size_t bytes)
{
	const struct probe_history_limits limits = {entries, bytes};
	struct probe_entry entry = {
		.target = target,
		.module = "m",
		.begun_realtime_ns = 1700000000 * NS_PER_SECOND,
		.took_ns = 1500 * NS_PER_MS,
		.reason = reason,
		.text = "said",
		.length = 4,
	};
	return probe_history_add(history, &entry, &limits);
}

/* The ids from the newest to the oldest: "5 4 2 ". */
static const char *ids(const struct probe_history *history, struct text *out)
{
	text_clear(out);
	for (const struct probe_entry *entry = probe_history_next(history, NULL); entry;
	     entry = probe_history_next(history, entry))
		text_add_format(out, "%d ", (int)entry->id);
	return text_string(out);
}

Test(probe_history, keeps_the_last_ones)
{
	struct probe_history *history = probe_history_create();
	struct text out = {0};

	cr_expect_str_eq(ids(history, &out), "");
	for (int i = 1; i <= 5; i++)
		cr_expect_eq(add(history, "t", REASON_OK, 3, MANY), (uint64_t)i);
	cr_expect_str_eq(ids(history, &out), "5 4 3 ");
	cr_expect_null(probe_history_find(history, 2));
	cr_expect_eq(probe_history_find(history, 3)->id, 3);
	cr_expect_str_eq(probe_history_find(history, 3)->text, "said");
	probe_history_free(history);
	probe_history_free(NULL);
	text_free(&out);
}

Test(probe_history, keeps_failed_ones_longer)
{
	struct probe_history *history = probe_history_create();
	struct text out = {0};

	for (int i = 1; i <= 10; i++)
		add(history, "t", i <= 4 ? REASON_TIMEOUT : REASON_OK, 3, MANY);
	cr_expect_str_eq(ids(history, &out), "10 9 8 4 3 2 ");
	/* The limits change: what is too much goes at once. */
	add(history, "t", REASON_OK, 1, MANY);
	cr_expect_str_eq(ids(history, &out), "11 4 ");
	add(history, "t", REASON_OK, 0, MANY);
	cr_expect_str_eq(ids(history, &out), "");
	cr_expect_eq(probe_history_bytes(history), 0);
	probe_history_free(history);
	text_free(&out);
}

Test(probe_history, finds_the_newest_of_a_target)
{
	const struct probe_history_limits limits = {10, MANY};
	struct probe_history *history = probe_history_create();
	struct probe_entry other = {.target = "a", .module = "other", .reason = REASON_OK, .text = "", .length = 0};

	add(history, "a", REASON_TIMEOUT, 10, MANY);
	add(history, "a", REASON_OK, 10, MANY);
	add(history, "b", REASON_OK, 10, MANY);
	probe_history_add(history, &other, &limits);
	cr_expect_eq(probe_history_find_last(history, "a", NULL)->id, 4);
	cr_expect_eq(probe_history_find_last(history, "a", "m")->id, 2);
	cr_expect_null(probe_history_find_last(history, "a", "none"));
	cr_expect_null(probe_history_find_last(history, "c", NULL));
	probe_history_free(history);
}

Test(probe_history, is_bounded_in_bytes)
{
	struct probe_history *history = probe_history_create();
	struct text out = {0};
	size_t one;

	add(history, "t", REASON_TIMEOUT, 2, MANY);
	one = probe_history_bytes(history);
	for (int i = 2; i <= 4; i++)
		add(history, "t", REASON_OK, 2, MANY);
	cr_expect_str_eq(ids(history, &out), "4 3 1 ");
	cr_expect_eq(probe_history_bytes(history), 3 * one);
	/* The failed ones go first, since they are the oldest. */
	add(history, "t", REASON_OK, 2, 2 * one);
	cr_expect_str_eq(ids(history, &out), "5 4 ");
	add(history, "t", REASON_OK, 2, one);
	cr_expect_str_eq(ids(history, &out), "6 ");
	probe_history_free(history);
	text_free(&out);
}

Test(probe_history, leaves_out_texts_that_are_too_long)
{
	const struct probe_history_limits limits = {10, 1000};
	char *long_text = mem_zero(1, 2000);
	struct probe_entry entry = {.target = "t", .module = "m", .text = long_text, .length = 2000};
	struct probe_history *history = probe_history_create();

	probe_history_add(history, &entry, &limits);
	cr_assert(probe_history_next(history, NULL));
	cr_expect(strstr(probe_history_next(history, NULL)->text, "too long to be kept"));
	probe_history_free(history);
	mem_free(long_text);
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

Test(probe_history, page)
{
	struct probe_history *history = probe_history_create();
	struct text out = {0};

	probe_history_page_write(history, &out);
	cr_expect_str_eq(text_string(&out), "");
	add(history, "<script>alert('\"&')</script>", REASON_TIMEOUT, 10, MANY);
	add(history, "good", REASON_OK, 10, MANY);
	probe_history_page_write(history, &out);
	cr_expect(strstr(text_string(&out),
			 "<tr><td>2023-11-14 22:13:20 UTC</td><td>m</td><td>good</td><td class=\"good\">ok</td>"
			 "<td>1.500 s</td><td><a href=\"/logs?id=2\">log</a></td></tr>\n<tr>"),
		  "%s", text_string(&out));
	cr_expect(strstr(text_string(&out), "<td>&#60;script&#62;alert(&#39;&#34;&#38;&#39;)&#60;/script&#62;</td>"
					    "<td class=\"bad\">timeout</td>"),
		  "%s", text_string(&out));
	cr_expect_null(strstr(text_string(&out), "<script"));
	probe_history_free(history);
	text_free(&out);
}

Test(probe_history, page_of_many)
{
	struct probe_history *history = probe_history_create();
	char target[1000];
	struct text out = {0};
	size_t rows = 0;

	/* Cut between characters. */
	for (size_t i = 0; i + 2 < sizeof(target); i += 2)
		memcpy(target + i, "\303\244", 3);
	for (int i = 0; i < PROBE_HISTORY_ROWS_MAX + 10; i++)
		add(history, target, REASON_OK, 10000, MANY);
	probe_history_page_write(history, &out);
	for (const char *at = text_string(&out); (at = strstr(at, "<tr><td>")); at++)
		rows++;
	cr_expect_eq(rows, (size_t)PROBE_HISTORY_ROWS_MAX);
	cr_expect(strstr(text_string(&out), "\303\244&hellip;</td>"));
	probe_history_free(history);
	text_free(&out);
}

Test(probe_history, debug_text)
{
	const struct probe_debug debug = {"one\ntwo\n", "probe_success 1\n", "m: {}\n"};
	struct text out = {0};

	probe_debug_write(&debug, &out);
	cr_expect_str_eq(text_string(&out),
			 "Logs for the probe:\none\ntwo\n\n\n\nMetrics that would have been returned:\n"
			 "probe_success 1\n\n\n\nModule configuration:\nm: {}\n");
	text_free(&out);
}
