#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"
#include "core/pattern.h"
#include "daemon/blackbox_regex.h"

static void expect_translation(const char *expression, const char *expected)
{
	struct text out = {0};
	struct err err = {0};
	cr_expect_eq(blackbox_regex_translate(expression, &out, &err), 0, "%s: %s", expression, err.text);
	cr_expect_str_eq(text_string(&out), expected, "%s: %s", expression, text_string(&out));
	cr_expect_eq(pattern_check(text_string(&out), &err), 0, "%s: %s: %s", expression, expected, err.text);
	text_free(&out);
}

static void expect_refusal(const char *expression, size_t character)
{
	struct text out = {0};
	struct err err = {0};
	char *place = mem_format("character %zu: ", character);
	cr_expect_eq(blackbox_regex_translate(expression, &out, &err), -1, "%s", expression);
	cr_expect_eq(strncmp(err.text, place, strlen(place)), 0, "%s: %s", expression, err.text);
	mem_free(place);
	text_free(&out);
}

/* What is the same in both stays as it is. */
Test(blackbox_regex, unchanged)
{
	static const char *const expressions[] = {
		"",
		"^SSH-2.0-",
		"^220 ([^ ]+) ESMTP (.+)$",
		"PING :([^ ]+)",
		"(\\*|example\\.com)",
		"www.prometheus.io. 300",
		"a*b+c?d*?e+?f??",
		"a{2}b{2,}c{2,3}d{0}e{2}?",
		"(?P<name>x)",
		"(?:a|b)|",
		"(?i)a(?s:.)(?U)b",
		"(?i-s:x)(?m)^a$(?im-U:^b)(?)",
		"[a-z0-9_][^a-z]",
		"[[:alpha:][:^digit:]]",
		"\\d\\D\\w\\W\\b\\B\\A\\z",
		"[\\d\\D\\w\\W]",
		"\\pN\\PL\\p{Greek}\\P{^Lu}[\\p{L}\\pN]",
		"\xc3\xa9+[\xc3\xa0-\xc3\xbc]\xe2\x82\xac\xf0\x9f\x98\x80",
		"()(|a)",
		"#\"'!%&,/:;<=>@_`~ -",
	};
	for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++)
		expect_translation(expressions[i], expressions[i]);
}

Test(blackbox_regex, translated)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{"a\tb", "a\\x09b"},
		{"(?<name>x)", "(?P<name>x)"},
		{"^*a\\b+$?\\A{2}", "(?:^)*a(?:\\b)+(?:$)?(?:\\A){2}"},
		{"\\s\\S", "[\\t\\n\\f\\r\\x20][\\S\\x0b]"},
		{"[\\s][^\\S]", "[\\t\\n\\f\\r\\x20][^\\S\\x0b]"},
		{"\\a\\f\\n\\r\\t\\v", "\\x07\\x0c\\x0a\\x0d\\x09\\x0b"},
		{"\\0\\12\\101\\1015", "\\x00\\x0aAA5"},
		{"\\x41\\x{42}\\x{e9}\\x{20AC}\\x{1F600}", "AB\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
		{"[\\x{e9}-\\x{20ac}\\n\\-\\]]", "[\xc3\xa9-\xe2\x82\xac\\x0a\\-\\]]"},
		{"[a[.b]", "[a\\[.b]"},
		{"[-a^-]", "[\\-a\\^\\-]"},
		{"[]a][^]a]", "[\\]a][^\\]a]"},
		{"[[:al]", "[\\[:al]"},
		{"\\Qa.b\\Ec+", "a\\.bc+"},
		{"\\Qa*\\E*\\Q(", "a\\**\\("},
		{"\\Q\\E", ""},
		{"a{,5}b{x}{", "a\\{,5\\}b\\{x\\}\\{"},
		{"a{01}", "a\\{01\\}"},
		{"a{2", "a\\{2"},
		{"a{2,x}", "a\\{2,x\\}"},
		{"]", "\\]"},
		{"\\-\\/\\_\\ ", "-/_ "},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_translation(cases[i].from, cases[i].to);
}

Test(blackbox_regex, refused)
{
	static const struct {
		const char *expression;
		size_t character;
	} cases[] = {
		{"(", 2},
		{"a)", 2},
		{"(?=a)", 1},
		{"(?!a)", 1},
		{"(?<=a)", 1},
		{"(?<!a)", 1},
		{"(?>a)", 1},
		{"(?#a)", 1},
		{"(?P=a)", 1},
		{"(?P>a)", 1},
		{"(?|a)", 1},
		{"(?R)", 1},
		{"(?x)a", 1},
		{"(?i", 1},
		{"(?-)", 1},
		{"(?i--s)", 1},
		{"(?", 1},
		{"(?P<a b>x)", 1},
		{"(?P<>x)", 1},
		{"(?P<a", 1},
		{"(?P<1a>x)", 1},
		{"*", 1},
		{"a|*", 3},
		{"(*a)", 2},
		{"+a", 1},
		{"a**", 3},
		{"a*+", 3},
		{"a++", 3},
		{"a?+", 3},
		{"a{2}{3}", 5},
		{"a*??", 4},
		{"a{1001}", 2},
		{"a{1,1001}", 2},
		{"a{3,2}", 2},
		{"a{999999999999}", 2},
		{"(a{100}){11}", 9},
		{"(a{2,}){501}", 8},
		{"\\1", 2},
		{"\\8", 2},
		{"\\C", 2},
		{"\\G", 2},
		{"\\K", 2},
		{"\\Z", 2},
		{"\\h", 2},
		{"\\R", 2},
		{"\\X", 2},
		{"\\N", 2},
		{"\\g1", 2},
		{"\\k<a>", 2},
		{"\\e", 2},
		{"\\cA", 2},
		{"\\E", 2},
		{"\\", 2},
		{"a\\", 3},
		{"\\\xc3\xa9", 2},
		{"\\x", 3},
		{"\\x4", 3},
		{"\\xg1", 3},
		{"\\x{}", 3},
		{"\\x{41", 3},
		{"\\x{110000}", 3},
		{"\\p", 1},
		{"\\px", 1},
		{"\\p{", 1},
		{"\\p{Greek", 1},
		{"\\p{}", 1},
		{"[", 2},
		{"[a", 3},
		{"[]", 3},
		{"[^", 3},
		{"[z-a]", 5},
		{"[a-\\d]", 5},
		{"[\\b]", 3},
		{"[[:foo:]]", 2},
		{"[[:^:]]", 2},
		{"[\\p{]", 2},
		{"[a-", 4},
		{"[\\Q]\\E]", 3},
		{"a(?i)*", 6},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_refusal(cases[i].expression, cases[i].character);
}

Test(blackbox_regex, depth)
{
	struct text expression = {0};
	for (int i = 0; i < BLACKBOX_REGEX_DEPTH_MAX; i++)
		text_add(&expression, "(?:");
	char *half = mem_copy_string(text_string(&expression));
	for (int i = 0; i < BLACKBOX_REGEX_DEPTH_MAX; i++)
		text_add_char(&expression, ')');
	expect_translation(text_string(&expression), text_string(&expression));
	char *deeper = mem_format("%s(?:", half);
	expect_refusal(deeper, 3 * BLACKBOX_REGEX_DEPTH_MAX + 1);
	mem_free(deeper);
	mem_free(half);
	text_free(&expression);
}

/* Whatever is cut off, it is an error or a whole expression; bytes that are not UTF-8 are no matter. */
Test(blackbox_regex, cut)
{
	static const char expression[] =
		"(?P<a>[\\p{L}[:alpha:]\xc3\xa9-\\x{20ac}]{2,3}?|\\Q(\\E\\101$)+\xff\xf0\x9f\xe2\x82";
	for (size_t n = 0; n <= sizeof(expression); n++) {
		struct text out = {0};
		struct err err = {0};
		char *part = mem_copy_string(expression);
		part[n < sizeof(expression) ? n : sizeof(expression) - 1] = '\0';
		if (blackbox_regex_translate(part, &out, &err) != 0)
			cr_expect_neq(err.text[0], '\0');
		mem_free(part);
		text_free(&out);
	}
}

/* What Go finds, our expression finds. */
Test(blackbox_regex, meaning)
{
	static const struct {
		const char *expression, *subject, *found; /* found: the first match; NULL = none */
	} cases[] = {
		{"a.c", "a\nc", NULL},
		{"(?s)a.c", "a\nc", "a\nc"},
		{"a.c", "a\rc", "a\rc"},
		{"a$", "a\n", NULL},
		{"(?m)a$", "a\n", "a"},
		{"(?m)^$", "a\n", ""},
		{"^b", "a\nb", NULL},
		{"(?m)^b", "a\nb", "b"},
		{"(?m:^b)|^c", "a\nc", NULL},
		{"(?i)straSSe", "STRASSE", "STRASSE"},
		{"(?U)a+", "aaa", "a"},
		{"(?U)a+?", "aaa", "aaa"},
		{"a|ab", "ab", "a"},
		{"\\s", "\v", NULL},
		{"\\S", "\v", "\v"},
		{"[^\\s]", "\v", "\v"},
		{"[^\\S]", "\v", NULL},
		{"\\v", "\n", NULL},
		{"\\d", "\xd9\xa3", NULL}, /* an Arabic digit */
		{"\\w", "\xc3\xa9", NULL},
		{"\\bx", "\xc3\xa9x", "x"},
		{"^.$", "\xc3\xa9", "\xc3\xa9"},
		{"\xc3\xa9+", "\xc3\xa9\xc3\xa9", "\xc3\xa9\xc3\xa9"},
		{"[\\x{e0}-\\x{ff}]", "\xc3\xa9", "\xc3\xa9"},
		{"\\pL", "\xc3\xa9", "\xc3\xa9"},
		{"[[:alpha:]]", "\xc3\xa9", NULL},
		{"\\p{Greek}", "\xce\xb1", "\xce\xb1"},
		{"a{,2}", "a{,2}", "a{,2}"},
		{"a{01}", "a", NULL},
		{"\\Q.*\\E", "a.*", ".*"},
		{"[]a]+", "x]a", "]a"},
		{"[a-c-e]+", "-e", "-e"},
		{"\\101\\x42", "AB", "AB"},
		{"^*a", "ba", "a"},
		{"(a+)+$", "aaaaaaaaaaaaaaaab", NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text out = {0};
		struct err err = {0};
		struct pattern_match match;
		cr_assert_eq(blackbox_regex_translate(cases[i].expression, &out, &err), 0, "%s", err.text);
		struct pattern *pattern = pattern_create(text_string(&out), &err);
		cr_assert(pattern, "%s: %s", cases[i].expression, err.text);
		enum pattern_verdict verdict =
			pattern_find(pattern, cases[i].subject, strlen(cases[i].subject), &match);
		cr_expect_eq(verdict, cases[i].found ? PATTERN_FOUND : PATTERN_NONE, "%s", cases[i].expression);
		if (verdict == PATTERN_FOUND && cases[i].found) {
			size_t length = match.groups[0].end - match.groups[0].begin;
			cr_expect(length == strlen(cases[i].found) &&
					  memcmp(cases[i].subject + match.groups[0].begin, cases[i].found, length) == 0,
				  "%s: %.*s", cases[i].expression, (int)length,
				  cases[i].subject + match.groups[0].begin);
		}
		pattern_free(pattern);
		text_free(&out);
	}
}
