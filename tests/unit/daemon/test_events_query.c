#include <criterion/criterion.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "daemon/events_query.h"

static int read_query(const char *text, struct events_query *query, struct err *err)
{
	const struct http_request request = {.query = text};

	memset(query, 0xAA, sizeof(*query));
	err->text[0] = '\0';
	return events_query_read(&request, query, err);
}

Test(events_query, good)
{
	static const struct {
		const char *query, *target;
		enum event_kind kind;
		int64_t since_ns;
		size_t limit;
	} cases[] = {
		{"", NULL, EVENT_KINDS, INT64_MIN, 100},
		{"target=a%20b", "a b", EVENT_KINDS, INT64_MIN, 100},
		{"target=", "", EVENT_KINDS, INT64_MIN, 100},
		{"kind=trigger&limit=1", NULL, EVENT_TRIGGER, INT64_MIN, 1},
		{"kind=path_change&limit=1000", NULL, EVENT_PATH_CHANGE, INT64_MIN, 1000},
		{"since=1700000000.5", NULL, EVENT_KINDS, 1700000000500000000, 100},
		{"since=0", NULL, EVENT_KINDS, 0, 100},
		{"since=9000000000", NULL, EVENT_KINDS, 9000000000 * NS_PER_SECOND, 100},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct events_query query;
		struct err err;

		cr_assert_eq(read_query(cases[i].query, &query, &err), 0, "%s: %s", cases[i].query, err.text);
		cr_expect_eq(query.has_target, cases[i].target != NULL);
		if (cases[i].target)
			cr_expect_str_eq(query.target, cases[i].target);
		cr_expect_eq(query.kind, cases[i].kind, "%s", cases[i].query);
		cr_expect_eq(query.since_ns, cases[i].since_ns, "%s", cases[i].query);
		cr_expect_eq(query.limit, cases[i].limit, "%s", cases[i].query);
	}
}

#define SINCE "since: must be seconds since 1970, as in 1767323045.5"
#define LIMIT "limit: must be a whole number from 1 to 1000"

Test(events_query, bad)
{
	static const struct {
		const char *query, *why;
	} cases[] = {
		{"target=%zz", "target: is too long, or has a broken percent sign"},
		{"kind=%z", "kind: is too long, or has a broken percent sign"},
		{"kind=", "kind: must be one of trigger, path_change"},
		{"kind=Trigger", "kind: must be one of trigger, path_change"},
		{"since=%z", "since: is too long, or has a broken percent sign"},
		{"since=", SINCE},
		{"since=-1", SINCE},
		{"since=1e3", SINCE},
		{"since=1.2.3", SINCE},
		{"since=9000000001", SINCE},
		{"since=nan", SINCE},
		{"since=000000000000000000000000000000001", SINCE},
		{"limit=%z", "limit: is too long, or has a broken percent sign"},
		{"limit=0", LIMIT},
		{"limit=1001", LIMIT},
		{"limit=x", LIMIT},
		{"probe=p&target=a", "unknown parameter: probe; there are target, kind, since and limit"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct events_query query;
		struct err err;

		cr_expect_eq(read_query(cases[i].query, &query, &err), -1, "%s", cases[i].query);
		cr_expect_str_eq(err.text, cases[i].why);
	}
}
