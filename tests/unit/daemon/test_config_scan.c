#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "daemon/config_scan.h"

/* "N:agent M:: M:{" - the kinds and texts of all tokens, with their lines where they change. */
static char *tokens_of(const char *text, size_t n)
{
	static const char letters[] = "-NIFSM@bsc";
	struct text out = {0};
	struct scan scan;
	struct scan_token token;
	unsigned line = 1;

	scan_start(&scan, text, n);
	while ((token = scan_next(&scan)).kind != SCAN_END) {
		if (token.line != line)
			text_add_format(&out, "/%u ", token.line);
		line = token.line;
		text_add_format(&out, "%c:%.*s ", letters[token.kind], (int)token.length, token.text);
	}
	return text_take(&out);
}

Test(config_scan, cuts_as_libconfig_does)
{
	static const struct {
		const char *text, *tokens;
	} rows[] = {
		{"", ""},
		{"  \t\r\n\f\v ", ""},
		{"a = 1;", "N:a M:= I:1 M:; "},
		{"a-b_c*9:{}", "N:a-b_c*9 M:: M:{ M:} "},
		{"12b=3", "I:12 N:b M:= I:3 "},
		{"1L2LL3LLL", "I:1L I:2LL I:3LL N:L "},
		{"0x1F 0xFFl 0XaL 0x", "I:0x1F I:0xFF N:l I:0XaL I:0 N:x "},
		{"-5 +5 - 5 +-5", "I:-5 I:+5 M:- I:5 M:+ I:-5 "},
		{"1. .5 1.5e3 1e3 1e+3 -.5E-1 1e 1ex . -.",
		 "F:1. F:.5 F:1.5e3 F:1e3 F:1e+3 F:-.5E-1 I:1 N:e I:1 N:ex F:. F:-. "},
		{"-0x5", "I:-0 N:x5 "},
		{"\"a b\" \"c\\\"d\" \"\\\\\"e", "S:\"a b\" S:\"c\\\"d\" S:\"\\\\\" N:e "},
		{"a # x \"\nb // y /*\nc", "N:a /2 N:b /3 N:c "},
		{"a /* \n * / # \n **/ b /**/ c", "N:a /3 N:b N:c "},
		{"a / b", "N:a M:/ N:b "},
		{"\"two\nlines\" x", "S:\"two\nlines\" /2 N:x "},
		{"a \"never", "N:a s:\"never "},
		{"a \"never\\\"", "N:a s:\"never\\\" "},
		{"a \"never\\", "N:a s:\"never\\ "},
		{"a\n/* never", "N:a /2 c:/* never "},
		{"/*/", "c:/*/ "},
		{"@include \"f\"", "@:@include \"f\" "},
		{" \t@include\t \"f\" # x\n@include \"g\\\"\"", "@:@include\t \"f\" /2 @:@include \"g\\\"\" "},
		{"a\n@include \"f\"\nb", "N:a /2 @:@include \"f\" /3 N:b "},
		{"a @include \"f\"", "N:a M:@ N:include S:\"f\" "},
		{"@include\"f\"", "b:@include S:\"f\" "},
		{"@include f", "b:@include N:f "},
		{"@include \"f", "b:@include s:\"f "},
		{"@included", "b:@include N:d "},
		{"@inc", "M:@ N:inc "},
		{"\xc3\xa9", "M:\xc3 M:\xa9 "},
		{"# only", ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *tokens = tokens_of(rows[i].text, strlen(rows[i].text));

		cr_expect_str_eq(tokens, rows[i].tokens, "row %zu: %s", i, tokens);
		mem_free(tokens);
	}
}

/* Cut anywhere, the tokens stay within the text, go forward, and miss nothing but blanks and comments. */
Test(config_scan, stays_within_every_prefix)
{
	static const char whole[] =
		"a: { b = -1.5e+3; c = 0x1FL; /* x\n */ d = \"q\\\"\\\\\"; # e\n@include \"f\\\"g\"\n// h\n};\n";
	size_t n = sizeof(whole) - 1;

	for (size_t cut = 0; cut <= n; cut++) {
		char *copy = malloc(cut ? cut : 1); /* exactly so long: a sanitizer sees a step beyond */
		const char *last = copy;
		struct scan_token token;
		struct scan scan;

		memcpy(copy, whole, cut);
		scan_start(&scan, copy, cut);
		while ((token = scan_next(&scan)).kind != SCAN_END) {
			cr_assert(token.length > 0);
			cr_assert(token.text >= last && token.text + token.length <= copy + cut);
			last = token.text + token.length;
		}
		cr_expect_eq(scan.at, copy + cut);
		free(copy);
	}
}

static struct scan_token token_of(const char *text)
{
	struct scan scan;

	scan_start(&scan, text, strlen(text));
	return scan_next(&scan);
}

Test(config_scan, tells_which_integers_fit)
{
	static const struct {
		const char *text;
		bool fits, is_long;
	} rows[] = {
		{"0", true, false},
		{"2147483647", true, false},
		{"2147483648", false, false},
		{"-2147483648", true, false},
		{"-2147483649", false, false},
		{"+2147483647", true, false},
		{"2147483648L", true, true},
		{"9223372036854775807LL", true, true},
		{"9223372036854775808L", false, true},
		{"-9223372036854775808L", true, true},
		{"-9223372036854775809L", false, true},
		{"99999999999999999999", false, false},
		{"0x7fffffff", true, false},
		{"0x80000000", false, false},
		{"0x80000000L", true, true},
		{"0x7fffffffffffffffL", true, true},
		{"0x8000000000000000L", false, true},
		{"010", true, false},
		{"0000000000000000000000000000000000000001", false, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scan_token token = token_of(rows[i].text);

		cr_expect_eq(token.kind, SCAN_INTEGER);
		cr_expect_eq(scan_integer_fits(&token), rows[i].fits, "%s", rows[i].text);
		cr_expect_eq(scan_integer_is_long(&token), rows[i].is_long, "%s", rows[i].text);
	}
}

Test(config_scan, undoes_escapes_of_paths)
{
	static const struct {
		const char *text, *path;
	} rows[] = {
		{"@include \"a/b.conf\"", "a/b.conf"},
		{"@include \t \"\"", ""},
		{"@include \"a\\\"b\\\\c\\d\"", "a\"b\\c\\d"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scan_token token = token_of(rows[i].text);
		struct text path = {0};

		cr_assert_eq(token.kind, SCAN_INCLUDE);
		scan_include_path(&token, &path);
		cr_expect_str_eq(text_string(&path), rows[i].path);
		text_free(&path);
	}
}

Test(config_scan, finds_zero_bytes_that_are_written_as_escapes)
{
	static const struct {
		const char *text;
		bool has_zero;
	} rows[] = {
		{"\"\"", false},         {"\"\\x00\"", true}, {"\"a\\x00b\"", true}, {"\"\\\\x00\"", false},
		{"\"\\\\\\x00\"", true}, {"\"\\x0\"", false}, {"\"\\x01\"", false},  {"\"x00\"", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scan_token token = token_of(rows[i].text);

		cr_expect_eq(scan_string_has_zero(&token), rows[i].has_zero, "%s", rows[i].text);
	}
}
