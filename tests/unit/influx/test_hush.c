#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/fetch.h"
#include "core/mem.h"
#include "influx/hush.h"
#include "influx/influx.h"
#include "influx/verdict.h"

/* RFC 4648, section 10. */
Test(hush, encodes_as_base64)
{
	static const char *const rows[][2] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
		{"\xff\xfe\xfd", "//79"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *encoded = hush_encode(rows[i][0]);

		cr_expect_str_eq(encoded, rows[i][1]);
		mem_free(encoded);
	}
}

struct hush_case {
	const char *token, *user, *password;
	int status;
	const char *error, *location, *body;
	const char *shown; /* NULL: must be hidden */
};

static const struct hush_case rows[] = {
	{"t0k3n", NULL, NULL, 401, "", "", "no such token: t0k3n", NULL},
	{"t0k3n", NULL, NULL, 401, "", "", "no such token", "HTTP 401: no such token"},
	{"t0k3n", NULL, NULL, 302, "", "http://h/?t0k3n", "", NULL},
	{"t0k3n", NULL, NULL, 0, "cannot send t0k3n", "", "", NULL},
	{NULL, "u", "p4ss", 401, "", "", "u and p4ss are wrong", NULL},
	{NULL, "u", "p4ss", 401, "", "", "Basic dTpwNHNz is wrong", NULL},
	{NULL, "u", "p4ss", 401, "", "", "u is wrong", "HTTP 401: u is wrong"},
	{NULL, "u", NULL, 401, "", "", "u is wrong", "HTTP 401: u is wrong"},
	/* Not everything may vanish because somebody's password is a letter. */
	{NULL, "u", "p", 401, "", "", "wrong password", "HTTP 401: wrong password"},
	/* Escaped in the body, plain in the message that is made of it. */
	{"a/token", NULL, NULL, 401, "", "", "{\"message\":\"bad a\\/token\"}", NULL},
};

Test(hush, hides_answers_that_repeat_a_secret)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct hush_case *row = &rows[i];
		char *token = row->token ? mem_copy_string(row->token) : NULL;
		char *user = row->user ? mem_copy_string(row->user) : NULL;
		char *password = row->password ? mem_copy_string(row->password) : NULL;
		struct influx_settings settings = {.token = token, .user = user, .password = password};
		struct fetch_answer answer = {.status = row->status,
					      .error = row->error,
					      .type = "application/json",
					      .location = row->location,
					      .body = row->body,
					      .length = strlen(row->body),
					      .retry_after_ns = -1};
		struct verdict verdict;

		verdict_of(&verdict, &answer);
		hush_verdict(&verdict, &settings, &answer);
		if (row->shown)
			cr_expect_str_eq(verdict.reason, row->shown, "row %zu", i);
		else
			cr_expect(strstr(verdict.reason, "not shown"), "row %zu: %s", i, verdict.reason);
		mem_free(token);
		mem_free(user);
		mem_free(password);
	}
}

Test(hush, says_nothing_about_what_was_stored)
{
	struct influx_settings settings = {.token = (char[]){"t0k3n"}};
	struct fetch_answer answer = {.status = 204, .error = "", .type = "", .location = "", .body = "t0k3n"};
	struct verdict verdict;

	verdict_of(&verdict, &answer);
	hush_verdict(&verdict, &settings, &answer);
	cr_expect_str_eq(verdict.reason, "");
}

Test(hush, hides_the_login_of_a_proxy)
{
	static const struct {
		const char *proxy, *body;
		bool is_hidden;
	} cases[] = {
		{"http://u:p4ss@proxy:3128", "your password is p4ss", true},
		{"http://u:p4ss@proxy:3128", "Basic dTpwNHNz", true},
		{"u:p4ss@proxy", "p4ss", true},
		{"u:p@4ss@proxy", "p@4ss", true},
		{"http://proxy:3128", "3128", false},
		{"http://u@proxy:3128", "u", false},
		{"http://u:p4ss@proxy:3128", "u at proxy:3128", false},
		{"@", "", false},
		{"x@y://z", "y://z", false},
	};
	struct influx_settings settings = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fetch_answer answer = {
			.status = 502, .error = "", .type = "", .location = "", .body = cases[i].body};
		struct verdict verdict;

		setenv("https_proxy", cases[i].proxy, 1);
		verdict_of(&verdict, &answer);
		hush_verdict(&verdict, &settings, &answer);
		cr_expect_eq(strstr(verdict.reason, "not shown") != NULL, cases[i].is_hidden, "case %zu", i);
	}
	unsetenv("https_proxy");
}
