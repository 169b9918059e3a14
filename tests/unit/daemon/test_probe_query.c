#include <criterion/criterion.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "daemon/probe_query.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static int read_query(const char *text, const char *timeout, struct probe_query *query, struct err *why)
{
	struct http_request request = {.query = text};

	if (timeout) {
		request.fields[0] = (struct http_field){"x-prometheus-scrape-timeout-seconds", timeout};
		request.nfields = 1;
	}
	memset(query, 0xaa, sizeof(*query));
	*why = (struct err){0};
	return probe_query_read(&request, query, why);
}

Test(probe_query, parameters)
{
	struct probe_query query;
	struct err why;

	cr_assert_eq(read_query("target=a&module=m&hostname=h.example:80&debug=true&query_name=n&query_type=SOA&"
				"query_class=CH&unknown=1",
				NULL, &query, &why),
		     0, "%s", why.text);
	cr_expect_str_eq(query.target, "a");
	cr_expect_str_eq(query.module, "m");
	cr_expect_str_eq(query.hostname, "h.example:80");
	cr_expect(query.is_debug);
	cr_expect_str_eq(query.query_name, "n");
	cr_expect_str_eq(query.query_type, "SOA");
	cr_expect_str_eq(query.query_class, "CH");
	cr_expect_eq(query.scrape_timeout_ns, 0);
}

Test(probe_query, defaults)
{
	struct probe_query query;
	struct err why;

	cr_assert_eq(read_query("target=a", "", &query, &why), 0, "%s", why.text);
	cr_expect_str_eq(query.module, "http_2xx");
	cr_expect_str_empty(query.hostname);
	cr_expect_str_empty(query.query_name);
	cr_expect_not(query.is_debug);
	cr_expect_eq(query.scrape_timeout_ns, 0);
	cr_assert_eq(read_query("target=a&debug=1&module=", NULL, &query, &why), 0);
	cr_expect_not(query.is_debug);
	cr_expect_str_eq(query.module, "http_2xx");
}

Test(probe_query, targets)
{
	static const struct {
		const char *query, *target;
	} cases[] = {
		{"target=http%3A%2F%2Fa.example%2Fb%3Fc%3Dd", "http://a.example/b?c=d"},
		{"target=http://a.example/b", "http://a.example/b"},
		{"target=a+b", "a b"},
		/* Encoded twice. */
		{"target=http%253A%252F%252Fa.example%252Fb", "http://a.example/b"},
		{"target=a.example%253A80", "a.example:80"},
		/* What belongs to the URL stays. */
		{"target=http%3A%2F%2Fa.example%2Fb%2520c", "http://a.example/b%20c"},
		{"target=http%3A%2F%2Fa.example%2F%252e", "http://a.example/%2e"},
		/* What is no encoding stays. */
		{"target=fe80::1%25lo", "fe80::1%lo"},
		{"target=100%25", "100%"},
		{"target=100%25a", "100%a"},
		{"target=a%250ab", "a%0ab"},
		{"target=a%2500", "a%00"},
		{"target=a%25ff", "a%ff"},
		{"target=first&target=second", "first"},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct probe_query query;
		struct err why;

		cr_assert_eq(read_query(cases[i].query, NULL, &query, &why), 0, "%s: %s", cases[i].query, why.text);
		cr_expect_str_eq(query.target, cases[i].target);
	}
}

Test(probe_query, what_is_refused)
{
	static const struct {
		const char *query, *timeout;
		int status;
		const char *why;
	} cases[] = {
		{"", NULL, 400, "target: must be given"},
		{"module=m", NULL, 400, "target: must be given"},
		{"target=", NULL, 400, "target: must be given"},
		{"target=%zz", NULL, 400, "target: is longer than 4096 bytes, or has a broken percent sign"},
		{"target=a%0ab", NULL, 400, "target: has control characters, or is not UTF-8"},
		{"target=a%7f", NULL, 400, "target: has control characters"},
		{"target=a%ffb", NULL, 400, "target: has control characters, or is not UTF-8"},
		{"target=a&module=%01", NULL, 400, "module: has control characters"},
		{"target=a&hostname=a%0d%0aX:y", NULL, 400, "hostname: has control characters"},
		{"target=a&hostname=a%20b", NULL, 400, "hostname: \"a b\" is not the name of a host"},
		{"target=a&hostname=a/b", NULL, 400, "hostname: \"a/b\" is not"},
		{"target=a", "x", 500, "X-Prometheus-Scrape-Timeout-Seconds: \"x\" is not a number"},
		{"target=a", "nan", 500, "is not a number"},
		{"target=a", "inf", 500, "is not a number"},
		{"target=a", "0x10", 500, "is not a number"},
		{"target=a", " 1", 500, "is not a number"},
		{"target=a", "1 ", 500, "is not a number"},
		{"target=a", "1s", 500, "is not a number"},
		{"target=a", "e", 500, "is not a number"},
		{"target=a", "-1", 500, "\"-1\" is less than nothing"},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct probe_query query;
		struct err why;

		cr_expect_eq(read_query(cases[i].query, cases[i].timeout, &query, &why), cases[i].status, "%s",
			     cases[i].query);
		cr_expect(strstr(why.text, cases[i].why), "%s: %s", cases[i].query, why.text);
	}
}

Test(probe_query, too_long)
{
	struct text text = {0};
	struct probe_query query;
	struct err why;

	text_add(&text, "target=");
	for (size_t i = 0; i < PROBE_QUERY_TARGET_MAX; i++)
		text_add_char(&text, 'a');
	cr_expect_eq(read_query(text_string(&text), NULL, &query, &why), 0);
	cr_expect_eq(strlen(query.target), (size_t)PROBE_QUERY_TARGET_MAX);
	text_add_char(&text, 'a');
	cr_expect_eq(read_query(text_string(&text), NULL, &query, &why), 400);
	text_free(&text);
}

Test(probe_query, scrape_timeouts)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{"10", 10 * NS_PER_SECOND},
		{"0.5", NS_PER_SECOND / 2},
		{"1e1", 10 * NS_PER_SECOND},
		{"+2", 2 * NS_PER_SECOND},
		{"0", 0},
		{"15.000000", 15 * NS_PER_SECOND},
		{"1e300", 86400 * NS_PER_SECOND},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct probe_query query;
		struct err why;

		cr_expect_eq(read_query("target=a", cases[i].text, &query, &why), 0, "%s: %s", cases[i].text, why.text);
		cr_expect_eq(query.scrape_timeout_ns, cases[i].ns, "%s", cases[i].text);
	}
}

/* In milliseconds. */
Test(probe_query, timeouts)
{
	static const struct {
		int64_t scrape, offset, module, maximum, timeout;
	} cases[] = {
		{10000, 500, 0, 120000, 9500},    {10000, 500, 5000, 120000, 5000}, /* the module's, unreduced */
		{10000, 500, 9500, 120000, 9500}, {10000, 500, 9900, 120000, 9500},
		{0, 500, 0, 0, 119500}, /* nothing said: 120 s */
		{0, 500, 0, 120000, 119500},      {0, 500, 0, 60000, 60000},
		{0, 500, 7000, 60000, 7000},      {600000, 500, 0, 120000, 120000},
		{500, 500, 0, 120000, 250}, /* the offset leaves nothing */
		{300, 500, 0, 120000, 150},       {300, 500, 5000, 120000, 150},
		{300, 500, 100, 120000, 100},     {600, 500, 0, 120000, 100},
		{10000, 0, 0, 120000, 10000},     {1, 500, 0, 120000, 1},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const struct probe_times times = {cases[i].scrape * NS_PER_MS, cases[i].offset * NS_PER_MS,
						  cases[i].module * NS_PER_MS, cases[i].maximum * NS_PER_MS};

		cr_expect_eq(probe_query_timeout(&times), cases[i].timeout * NS_PER_MS, "case %zu", i);
	}
}

static int read_log_query(const char *text, struct probe_log_query *query, struct err *why)
{
	const struct http_request request = {.query = text};

	memset(query, 0xaa, sizeof(*query));
	*why = (struct err){0};
	return probe_log_query_read(&request, query, why);
}

Test(probe_query, logs)
{
	struct probe_log_query query;
	struct err why;

	cr_expect_eq(read_log_query("id=17", &query, &why), 0);
	cr_expect_eq(query.id, 17);
	cr_expect_eq(read_log_query("target=a%20b&module=m", &query, &why), 0);
	cr_expect_eq(query.id, 0);
	cr_expect_str_eq(query.target, "a b");
	cr_expect_str_eq(query.module, "m");
	cr_expect_eq(read_log_query("target=a", &query, &why), 0);
	cr_expect_str_empty(query.module);
}

Test(probe_query, logs_that_are_refused)
{
	static const struct {
		const char *query, *why;
	} cases[] = {
		{"", "either id or target must be given"},
		{"id=1&target=a", "either id or target must be given"},
		{"module=m", "module: goes with a target only"},
		{"id=1&module=m", "module: goes with a target only"},
		{"id=0", "id: \"0\" is not the number of a probe"},
		{"id=-1", "is not the number"},
		{"id=1x", "is not the number"},
		{"id=99999999999999999999", "is not the number"},
		{"id=%0a", "id: has control characters"},
		{"target=%0a", "target: has control characters"},
		{"target=a&module=%", "module: is longer than 1024 bytes"},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct probe_log_query query;
		struct err why;

		cr_expect_eq(read_log_query(cases[i].query, &query, &why), 400, "%s", cases[i].query);
		cr_expect(strstr(why.text, cases[i].why), "%s: %s", cases[i].query, why.text);
	}
}
