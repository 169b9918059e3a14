#include <criterion/criterion.h>
#include <string.h>

#include "core/clock.h"
#include "core/fetch.h"
#include "influx/verdict.h"

static const char TOKEN[] = "{\"code\":\"unauthorized\",\"message\":\"unauthorized access\"}";
static const char TYPE_CONFLICT[] = "{\"error\":\"partial write: field type conflict: input field \\\"v\\\" on "
				    "measurement \\\"m\\\" is type float, "
				    "already exists as type integer dropped=3\"}";
static const char UNPARSED[] = "{\"error\":\"partial write: unable to parse 'a': missing fields\\nunable to parse 'b': "
			       "missing fields dropped=0\"}";
static const char ALL_UNPARSED[] = "{\"error\":\"unable to parse 'a': missing fields\"}";

struct case_row {
	int status;
	const char *type, *body;
	enum verdict_kind kind;
	const char *reason;
	uint64_t refused;
};

static const struct case_row rows[] = {
	{204, "", "", VERDICT_STORED, "", 0},
	{204, "text/html", "", VERDICT_STORED, "", 0},
	{200, "", "", VERDICT_STORED, "", 0},
	{200, "application/json; charset=utf-8", "{}", VERDICT_STORED, "", 0},
	{201, "text/plain", "", VERDICT_STORED, "", 0},
	{202, "", "", VERDICT_STORED, "", 0},
	{200, "text/html", "<html>log in", VERDICT_REFUSED, "HTTP 200: a page of HTML: this is not InfluxDB", 0},
	{206, "", "", VERDICT_REFUSED, "HTTP 206", 0},
	{400, "application/json", TYPE_CONFLICT, VERDICT_PARTLY, NULL, 3},
	{400, "application/json", UNPARSED, VERDICT_PARTLY, NULL, 2},
	{400, "application/json", "{\"error\":\"partial write: x\"}", VERDICT_PARTLY, "HTTP 400: partial write: x", 1},
	{400, "application/json", ALL_UNPARSED, VERDICT_BAD, "HTTP 400: unable to parse 'a': missing fields", 0},
	/* A line that is quoted may say what it wants. */
	{400, "", "{\"error\":\"unable to parse 'm s=\\\"partial write\\\"': x dropped=9\"}", VERDICT_BAD, NULL, 0},
	{400, "", "", VERDICT_BAD, "HTTP 400", 0},
	{400, "text/html", "<h1>no</h1>", VERDICT_REFUSED, "HTTP 400: a page of HTML: this is not InfluxDB", 0},
	{401, "application/json", TOKEN, VERDICT_REFUSED, "HTTP 401: unauthorized access", 0},
	{403, "", "", VERDICT_REFUSED, "HTTP 403", 0},
	{404, "", "{\"error\":\"database not found: \\\"x\\\"\"}", VERDICT_REFUSED,
	 "HTTP 404: database not found: \"x\"", 0},
	{405, "", "no\nway", VERDICT_REFUSED, "HTTP 405: no", 0},
	{407, "", "", VERDICT_REFUSED, "HTTP 407", 0},
	{408, "", "", VERDICT_WAIT, "HTTP 408", 0},
	{413, "", "", VERDICT_TOO_BIG, "HTTP 413", 0},
	{418, "", "  \t tea\tpot\x01", VERDICT_REFUSED, "HTTP 418: tea pot ", 0},
	{422, "", "{\"code\":\"x\",\"message\":\"failure writing points dropped=7\"}", VERDICT_PARTLY, NULL, 7},
	{425, "", "", VERDICT_WAIT, "HTTP 425", 0},
	{429, "", "", VERDICT_WAIT, "HTTP 429", 0},
	{500, "", "{\"error\":\"retention policy not found\"}", VERDICT_FAULT, NULL, 0},
	{500, "", "{\"error\":\"timeout\"}", VERDICT_WAIT, "HTTP 500: timeout", 0},
	{502, "text/html", "<html>", VERDICT_WAIT, "HTTP 502: a page of HTML: this is not InfluxDB", 0},
	{503, "", "", VERDICT_WAIT, "HTTP 503", 0},
	{504, "", "", VERDICT_WAIT, "HTTP 504", 0},
	{600, "", "", VERDICT_REFUSED, "HTTP 600", 0},
	{599, "", "\xff\xfe", VERDICT_WAIT, "HTTP 599: an answer that cannot be read", 0},
};

Test(verdict, of_every_status)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct case_row *row = &rows[i];
		struct fetch_answer answer = {
			.status = row->status,
			.is_connected = true,
			.error = "",
			.retry_after_ns = -1,
			.type = row->type,
			.location = "",
			.body = row->body,
			.length = strlen(row->body),
		};
		struct verdict verdict;
		verdict_of(&verdict, &answer);
		cr_expect_eq(verdict.kind, row->kind, "%d: %s", row->status, verdict_name(verdict.kind));
		cr_expect_eq(verdict.refused, row->refused, "%d: %d", row->status, (int)verdict.refused);
		cr_expect_eq(verdict.wait_ns, -1);
		if (row->reason != NULL)
			cr_expect_str_eq(verdict.reason, row->reason);
		cr_expect_eq(verdict.reason[0] == '\0', row->kind == VERDICT_STORED);
	}
}

Test(verdict, without_an_answer)
{
	const struct {
		const char *error;
		bool is_timeout, is_connected;
		enum verdict_kind kind;
		const char *reason;
	} cases[] = {
		{"Connection refused", false, false, VERDICT_WAIT, "Connection refused"},
		{"", false, true, VERDICT_WAIT, "no answer"},
		{"Operation timed out", true, true, VERDICT_SLOW, "Operation timed out"},
		{"Connection timed out", true, false, VERDICT_WAIT, "Connection timed out"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fetch_answer answer = {.error = cases[i].error,
					      .is_timeout = cases[i].is_timeout,
					      .is_connected = cases[i].is_connected,
					      .retry_after_ns = -1,
					      .type = "",
					      .location = "",
					      .body = ""};
		struct verdict verdict;
		verdict_of(&verdict, &answer);
		cr_expect_eq(verdict.kind, cases[i].kind);
		cr_expect_str_eq(verdict.reason, cases[i].reason);
	}
}

Test(verdict, waits_as_told)
{
	const struct {
		int status;
		int64_t told_ns, wait_ns;
	} cases[] = {
		{429, 5 * NS_PER_SECOND, 5 * NS_PER_SECOND},
		{503, 0, 0},
		{503, INT64_MAX, VERDICT_WAIT_MAX_NS},
		{500, 7, 7},
		{401, 5 * NS_PER_SECOND, -1},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fetch_answer answer = {.status = cases[i].status,
					      .error = "",
					      .retry_after_ns = cases[i].told_ns,
					      .type = "",
					      .location = "",
					      .body = ""};
		struct verdict verdict;
		verdict_of(&verdict, &answer);
		cr_expect_eq(verdict.wait_ns, cases[i].wait_ns, "%zu", i);
	}
}

Test(verdict, names_where_a_redirect_goes)
{
	struct fetch_answer answer = {.status = 301,
				      .error = "",
				      .retry_after_ns = -1,
				      .type = "text/html",
				      .location = "https://elsewhere/",
				      .body = ""};
	struct verdict verdict;
	verdict_of(&verdict, &answer);
	cr_expect_eq(verdict.kind, VERDICT_REFUSED);
	cr_expect_str_eq(verdict.reason, "HTTP 301: redirects to https://elsewhere/");
}

/* Whatever is cut off, what is left is UTF-8. */
Test(verdict, cuts_at_characters)
{
	for (size_t pad = 0; pad < 8; pad++) {
		char body[600];
		struct fetch_answer answer = {
			.status = 401, .error = "", .retry_after_ns = -1, .type = "", .location = ""};
		struct verdict verdict;
		memset(body, 'x', pad);
		for (size_t i = pad; i + 3 < sizeof(body); i += 3)
			memcpy(body + i, "\xe2\x82\xac", 4);
		answer.body = body;
		answer.length = strlen(body);
		verdict_of(&verdict, &answer);
		cr_expect(strstr(verdict.reason, "\xe2\x82\xac") != NULL, "%s", verdict.reason);
	}
}
