#include "core/pattern.h"

#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"

/* What RE2 (Go's regexp) says about these. */
static const struct {
	const char *expression, *subject, *whole; /* whole NULL: no match */
} table[] = {
	{"b+", "abbbc", "bbb"},
	{"a|ab", "ab", "a"},
	{"a.c", "a\nc", NULL},
	{"(?s)a.c", "a\nc", "a\nc"},
	{"[^b]", "\n", "\n"},
	{"c$", "abc\n", NULL},
	{"c$", "abc", "c"},
	{"(?m)c$", "abc\nd", "c"},
	{"(?m)^$", "a\n", ""},
	{"^b", "a\nb", NULL},
	{"(?i)straSSE", "STRASSE", "STRASSE"},
	{"(?i)\xc3\xa4", "\xc3\x84", "\xc3\x84"},
	{"^.$", "\xe2\x82\xac", "\xe2\x82\xac"},
	{"\\w", "\xc3\xa4", NULL},
	{"\\bb",
	 "\xc3\xa4"
	 "b",
	 "b"},
	{"\\d", "\xd9\xa1", NULL},
	{"\\pL+", "1\xc3\xa4\xc3\xb6", "\xc3\xa4\xc3\xb6"},
	{"(?U)a+", "aaa", "a"},
	{"[[:alpha:]]+", "12ab", "ab"},
	{"\\Qa.b\\E", "a.b", "a.b"},
	{"a\\z", "ba", "a"},
	{"x*", "", ""},
	{"^$", "", ""},
	/* not UTF-8: byte by byte */
	{"b.c",
	 "\xff"
	 "b\xfe"
	 "c",
	 "b\xfe"
	 "c"},
	{"^220", "220 \xe9t\xe9", "220"},
	{"\\x{20ac}", "\xff\xe2\x82\xac", NULL},
};

Test(pattern, searches)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct err err = {0};
		struct pattern *pattern = pattern_create(table[i].expression, &err);
		struct pattern_match match;
		cr_assert_not_null(pattern, "%s: %s", table[i].expression, err.text);
		/* Twice: what is made at the first search serves for the second. */
		for (int k = 0; k < 2; k++) {
			enum pattern_verdict verdict =
				pattern_find(pattern, table[i].subject, strlen(table[i].subject), &match);
			cr_assert_eq(verdict, table[i].whole ? PATTERN_FOUND : PATTERN_NONE, "%s", table[i].expression);
			cr_assert_eq(pattern_find(pattern, table[i].subject, strlen(table[i].subject), NULL), verdict);
			if (!table[i].whole) {
				cr_assert_eq(match.ngroups, 0);
				continue;
			}
			size_t n = match.groups[0].end - match.groups[0].begin;
			cr_assert_eq(n, strlen(table[i].whole), "%s", table[i].expression);
			cr_assert_eq(memcmp(match.subject + match.groups[0].begin, table[i].whole, n), 0);
		}
		cr_assert_str_eq(pattern_expression(pattern), table[i].expression);
		pattern_free(pattern);
	}
	pattern_free(NULL);
}

Test(pattern, zero_bytes_and_nothing)
{
	struct pattern *pattern = pattern_create("b\\x00c", NULL);
	cr_assert_eq(pattern_find(pattern, "ab\0c", 4, NULL), PATTERN_FOUND);
	cr_assert_eq(pattern_find(pattern, NULL, 0, NULL), PATTERN_NONE);
	pattern_free(pattern);
}

Test(pattern, errors_say_where)
{
	static const struct {
		const char *expression, *error;
	} bad[] = {
		{"a(b", "at offset 3: missing closing parenthesis"},
		{"ab)", "at offset 2: unmatched closing parenthesis"},
		{"[z-a]", "at offset 3: range out of order in character class"},
		{"*", "at offset 0: quantifier does not follow a repeatable item"},
		{"\\C", "at offset 2: using \\C is disabled by the application"},
		{"\xff", "at offset 0: UTF-8 error: illegal byte (0xfe or 0xff)"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err err = {0};
		cr_assert_null(pattern_create(bad[i].expression, &err));
		cr_assert_str_eq(err.text, bad[i].error, "%s: %s", bad[i].expression, err.text);
		cr_assert_eq(pattern_check(bad[i].expression, NULL), -1);
	}
	cr_assert_eq(pattern_check("a(b)", NULL), 0);
}

Test(pattern, ceilings_of_expressions)
{
	char many[PATTERN_GROUPS_MAX * 2 + 3] = "";
	struct err err = {0};
	for (size_t i = 0; i < PATTERN_GROUPS_MAX; i++)
		strcat(many, "()");
	cr_assert_eq(pattern_check(many, &err), 0, "%s", err.text);
	strcat(many, "()");
	cr_assert_eq(pattern_check(many, &err), -1);
	cr_assert_not_null(strstr(err.text, "33 groups"));
	char *longer = mem_alloc(PATTERN_LENGTH_MAX + 2);
	memset(longer, 'a', PATTERN_LENGTH_MAX + 1);
	longer[PATTERN_LENGTH_MAX + 1] = '\0';
	cr_assert_eq(pattern_check(longer, &err), -1);
	longer[4096] = '\0';
	cr_assert_eq(pattern_check(longer, &err), 0, "%s", err.text);
	mem_free(longer);
}

/* Each would take minutes or years without a ceiling. */
Test(pattern, costs_are_bounded, .timeout = 60)
{
	/* None matches, but that is not to be seen from the letters alone. */
	static const char *const expressions[] = {
		"(a+)+b",           "(a|aa)+b",  "a(?:a?){30}b", "aa*a*a*a*b",      "(?:a.*)*b$",
		"[a-z]+[b][0-9]?$", "(a*)a\\1b", "a(?=a*b)",     "(?:a|aa|aaa)*ab", "^(?:a(?:a|(?R))*)b",
	};
	size_t n = 1 << 20;
	char *subject = mem_alloc(n);
	memset(subject, 'a', n);
	memcpy(subject + n - 4, "CbC\n", 4);
	for (size_t i = 0; i < sizeof(expressions) / sizeof(*expressions); i++) {
		struct pattern *pattern = pattern_create(expressions[i], NULL);
		cr_assert_not_null(pattern, "%s", expressions[i]);
		cr_assert_neq(pattern_find(pattern, subject, n, NULL), PATTERN_FOUND, "%s", expressions[i]);
		/* The ceiling is of each search, not of all. */
		cr_assert_neq(pattern_find(pattern, "b", 1, NULL), PATTERN_LIMIT, "%s", expressions[i]);
		pattern_free(pattern);
	}
	mem_free(subject);
}

/* What people do write goes through, however long the page is. */
Test(pattern, honest_work_is_done, .timeout = 60)
{
	static const char *const expressions[] = {
		"needle$",        "(?s)<title>.*?needle", "a+needle",      "(?i)NEEDLE",
		"(?:a|b)+needle", "[^n]*needle",          "(?:aa)*needle",
	};
	size_t n = 1 << 20;
	char *subject = mem_alloc(n + 16);
	memset(subject, 'a', n);
	memcpy(subject, "<title>", 7);
	memcpy(subject + n, "needle", 6);
	for (size_t i = 0; i < sizeof(expressions) / sizeof(*expressions); i++) {
		struct pattern *pattern = pattern_create(expressions[i], NULL);
		/* Groups that repeat keep a place for each time: half a MiB of it is too much for anybody's memory. */
		size_t length = strchr(expressions[i], '|') || strstr(expressions[i], "aa)") ? 60000 : n;
		cr_assert_eq(pattern_find(pattern, subject + n - length, length + 6, NULL),
			     i == 1 && length < n ? PATTERN_NONE : PATTERN_FOUND, "%s", expressions[i]);
		pattern_free(pattern);
	}
	mem_free(subject);
}

Test(pattern, expands_as_go)
{
	static const struct {
		const char *form, *expected;
	} forms[] = {
		{"", ""},           {"plain", "plain"},
		{"$1-$2", "ab-cd"}, {"${1}x", "abx"},
		{"$1x", ""},        {"${word}", "cd"},
		{"$word.", "cd."},  {"$words", ""},
		{"$0", "ab-cd"},    {"$3|$99|$99999999999", "||"},
		{"$01", ""},        {"$$1", "$1"},
		{"$", "$"},         {"a$ b", "a$ b"},
		{"${", "${"},       {"${1", "${1"},
		{"${}", "${}"},     {"${a b}", "${a b}"},
		{"$-", "$-"},       {"$$", "$"},
		{"$$$1", "$ab"},
	};
	struct pattern *pattern = pattern_create("(\\w+)-(?P<word>\\w+)(x)?", NULL);
	struct pattern_match match;
	struct text out = {0};
	cr_assert_eq(pattern_find(pattern, "  ab-cd  ", 9, &match), PATTERN_FOUND);
	cr_assert_eq(match.ngroups, 4);
	cr_assert_eq(match.groups[3].begin, PATTERN_UNSET);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		text_clear(&out);
		pattern_expand(&match, forms[i].form, &out);
		cr_assert_str_eq(text_string(&out), forms[i].expected, "%s: %s", forms[i].form, text_string(&out));
	}
	char name[100] = "$";
	memset(name + 1, 'n', 80);
	text_clear(&out);
	pattern_expand(&match, name, &out);
	cr_assert_eq(out.length, 0);
	pattern_expand(NULL, "[$1$$]", &out);
	cr_assert_str_eq(text_string(&out), "[$]");
	text_free(&out);
	pattern_free(pattern);
}
