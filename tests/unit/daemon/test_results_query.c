#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"
#include "daemon/results_query.h"

static int read_query(const char *text, struct results_query *query, struct err *err)
{
	const struct http_request request = {.query = text};
	memset(query, 0xAA, sizeof(*query));
	err->text[0] = '\0';
	return results_query_read(&request, query, err);
}

Test(results_query, good)
{
	static const struct {
		const char *query, *target, *probe;
		enum results_format format;
		size_t limit;
	} cases[] = {
		{"target=a", "a", NULL, RESULTS_JSON, 100},
		{"target=a%20b+c&probe=p%2Fq", "a b c", "p/q", RESULTS_JSON, 100},
		{"limit=1&format=csv&probe=p&target=a", "a", "p", RESULTS_CSV, 1},
		{"target=a&limit=10000&format=json", "a", NULL, RESULTS_JSON, 10000},
		{"target=a&format=html", "a", NULL, RESULTS_HTML, 100},
		{"target=a&limit=000000007", "a", NULL, RESULTS_JSON, 7},
		{"target=&probe=", "", "", RESULTS_JSON, 100},
		{"&&target=a&target=b&", "a", NULL, RESULTS_JSON, 100},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct results_query query;
		struct err err;
		cr_assert_eq(read_query(cases[i].query, &query, &err), 0, "%s: %s", cases[i].query, err.text);
		cr_expect_str_eq(query.target, cases[i].target);
		cr_expect_eq(query.has_probe, cases[i].probe != NULL);
		if (cases[i].probe)
			cr_expect_str_eq(query.probe, cases[i].probe);
		cr_expect_eq(query.format, cases[i].format);
		cr_expect_eq(query.limit, cases[i].limit);
	}
}

#define LIMIT "limit: must be a whole number from 1 to 10000"

Test(results_query, bad)
{
	static const struct {
		const char *query, *why;
	} cases[] = {
		{"", "target: must be given, as in ?target=NAME"},
		{"probe=a", "target: must be given, as in ?target=NAME"},
		{"target=%zz", "target: is too long, or has a broken percent sign"},
		{"target=a&probe=%00", "probe: is too long, or has a broken percent sign"},
		{"target=a&format=", "format: must be json, csv or html"},
		{"target=a&format=JSON", "format: must be json, csv or html"},
		{"target=a&format=%1", "format: is too long, or has a broken percent sign"},
		{"target=a&limit=%1", "limit: is too long, or has a broken percent sign"},
		{"target=a&limit", LIMIT},
		{"target=a&limit=0", LIMIT},
		{"target=a&limit=-1", LIMIT},
		{"target=a&limit=%2B1", LIMIT},
		{"target=a&limit=1.5", LIMIT},
		{"target=a&limit=0x10", LIMIT},
		{"target=a&limit=10001", LIMIT},
		{"target=a&limit=0000000007", LIMIT},
		{"target=a&limit=18446744073709551617", LIMIT},
		{"target=a&Limit=1&x&y=z", "unknown parameter: Limit, x, y; there are target, probe, format and limit"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct results_query query;
		struct err err;
		cr_expect_eq(read_query(cases[i].query, &query, &err), -1, "%s", cases[i].query);
		cr_expect_str_eq(err.text, cases[i].why);
	}
}

Test(results_query, names_have_a_longest)
{
	struct text text = {0};
	struct results_query query;
	struct err err;
	text_add(&text, "target=");
	for (unsigned i = 0; i < RESULTS_NAME_MAX; i++)
		text_add_char(&text, 'x');
	cr_expect_eq(read_query(text_string(&text), &query, &err), 0);
	text_add_char(&text, 'x');
	cr_expect_eq(read_query(text_string(&text), &query, &err), -1);
	cr_expect_str_eq(err.text, "target: is too long, or has a broken percent sign");
	text_free(&text);
}
