#include <criterion/criterion.h>
#include <string.h>

#include "core/mem.h"
#include "exporter/labels.h"

static char *render(const struct label *labels, size_t n)
{
	struct text out = {0};
	labels_render(&out, labels, n);
	return text_take(&out);
}

static void check_value(const char *value, const char *expected)
{
	char *text = render(&(struct label){"l", value}, 1);
	char *whole = mem_format("l=\"%s\"", expected);
	cr_expect_str_eq(text, whole);
	mem_free(text);
	mem_free(whole);
}

Test(labels, values_are_escaped_and_made_utf8)
{
	static const struct {
		const char *value, *expected;
	} cases[] = {
		{"plain", "plain"},
		{"a b,c=d{}", "a b,c=d{}"},
		{"quote\"", "quote\\\""},
		{"back\\slash", "back\\\\slash"},
		{"two\nlines", "two\\nlines"},
		{"tab\tcr\r", "tab\tcr\r"},
		{"M\xC3\xBCnchen", "M\xC3\xBCnchen"},
		{"\xE2\x82\xAC", "\xE2\x82\xAC"},
		{"\xF0\x9F\x8C\x8D", "\xF0\x9F\x8C\x8D"},
		{"\xEE\x80\x80", "\xEE\x80\x80"},
		{"\xE0\xA0\x80", "\xE0\xA0\x80"},
		{"\xED\x9F\xBF", "\xED\x9F\xBF"},
		{"\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF"},
		{"latin \xFC", "latin \xEF\xBF\xBD"},
		{"\xFCr", "\xEF\xBF\xBDr"},
		{"\x80", "\xEF\xBF\xBD"},
		{"\xC3", "\xEF\xBF\xBD"},
		{"\xC3(", "\xEF\xBF\xBD("},
		{"\xC0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD"},
		{"\xE0\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
		{"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
		{"\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD"},
		{"\xF0\x80\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
		{"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
		{"\xF5\x80", "\xEF\xBF\xBD\xEF\xBF\xBD"},
		{"\xE2\"", "\xEF\xBF\xBD\\\""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_value(cases[i].value, cases[i].expected);
}

Test(labels, names_are_made_valid)
{
	static const struct {
		const char *name, *expected;
	} cases[] = {
		{"site", "site=\"v\""},      {"Site_9", "Site_9=\"v\""},   {"rack-row", "rack_row=\"v\""},
		{"9lives", "_9lives=\"v\""}, {"a.b/c d", "a_b_c_d=\"v\""}, {"", "_=\"v\""},
		{"\xC3\xBC", "__=\"v\""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = render(&(struct label){cases[i].name, "v"}, 1);
		cr_expect_str_eq(text, cases[i].expected);
		mem_free(text);
	}
}

Test(labels, empty_values_are_no_labels)
{
	const struct label labels[] = {{"a", ""}, {"b", "1"}, {"c", NULL}, {"d", "2"}, {"e", ""}};
	char *text = render(labels, 5);
	cr_expect_str_eq(text, "b=\"1\",d=\"2\"");
	mem_free(text);
	text = render(labels, 1);
	cr_expect_str_eq(text, "");
	mem_free(text);
}

Test(labels, long_values_are_cut_at_a_character)
{
	char value[LABELS_VALUE_MAX + 16];
	memset(value, 'x', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	char *text = render(&(struct label){"l", value}, 1);
	cr_expect_eq(strlen(text), LABELS_VALUE_MAX + 4);
	mem_free(text);
	/* A character of two bytes, of which the second would be one too many. */
	memcpy(value + LABELS_VALUE_MAX - 1, "\xC3\xBC", 2);
	text = render(&(struct label){"l", value}, 1);
	cr_expect_eq(strlen(text), LABELS_VALUE_MAX - 1 + 4);
	cr_expect_str_eq(text + strlen(text) - 2, "x\"");
	mem_free(text);
	/* One that just fits. */
	memcpy(value + LABELS_VALUE_MAX - 2, "\xC3\xBC", 2);
	text = render(&(struct label){"l", value}, 1);
	cr_expect_eq(strlen(text), LABELS_VALUE_MAX + 4);
	mem_free(text);
}

Test(labels, names_in_scope_or_twice_are_left_out)
{
	static const struct {
		const char *raw, *scope, *expected;
	} cases[] = {
		{"", "", ""},
		{"a=\"1\"", "", "a=\"1\""},
		{"a=\"1\"", "a=\"2\"", ""},
		{"a=\"1\",b=\"2\"", "a=\"2\"", "b=\"2\""},
		{"a=\"1\",b=\"2\",a=\"3\"", "", "a=\"1\",b=\"2\""},
		{"aa=\"1\"", "a=\"2\",b=\"aa=\\\"x\"", "aa=\"1\""},
		{"b=\"1\"", "a=\"\\\",b=\\\"\",c=\"\"", "b=\"1\""},
		{"a=\"\\\\\",b=\"2\"", "c=\"\\\\\"", "a=\"\\\\\",b=\"2\""},
		{"x=\"1\",y=\"2\",z=\"3\"", "w=\"\",y=\"5\"", "x=\"1\",z=\"3\""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text out = {0};
		labels_filter(&out, (struct label_text){cases[i].raw, strlen(cases[i].raw)},
			      (struct label_text){cases[i].scope, strlen(cases[i].scope)});
		cr_expect_str_eq(text_string(&out), cases[i].expected, "case %zu: %s", i, text_string(&out));
		text_free(&out);
	}
}

Test(labels, a_ceiling_leaves_pieces_out)
{
	struct text out = {.ceiling = 4};
	labels_render(&out, &(struct label){"name", "value"}, 1);
	cr_expect(out.overflowed);
	cr_expect_leq(out.length, 4);
	text_free(&out);
}

/* What is surely the same is the same, and most of what is the same is so surely. */
Test(labels, the_quick_look_never_errs)
{
	static const char *const words[] = {
		"",      "a",         "b",    "ab",           "a,b", "a=b", "a\"",  "a\\\"",   "a\\",     "a\nb",
		"a\\nb", "M\xC3\xBC", "\xFC", "\xEF\xBF\xBD", "1",   "_1",  "a\"c", "b=\"c\"", "\",b=\"", "a\",b=\"b",
	};
	enum { WORDS = sizeof(words) / sizeof(words[0]), ALL = WORDS * WORDS };
	struct text texts[ALL] = {{0}};
	size_t same = 0, surely = 0;

	for (unsigned i = 0; i < ALL; i++) {
		const struct label labels[] = {{"x", words[i % WORDS]}, {"b", words[i / WORDS]}};
		text_reserve(&texts[i], 0);
		labels_render(&texts[i], labels, 2);
	}
	for (unsigned i = 0; i < ALL; i++) {
		const struct label labels[] = {{"x", words[i % WORDS]}, {"b", words[i / WORDS]}};
		for (unsigned k = 0; k < ALL; k++) {
			struct label_text text = {texts[k].bytes, texts[k].length};
			bool is_same = texts[i].length == texts[k].length &&
				       memcmp(texts[i].bytes, texts[k].bytes, texts[i].length) == 0;
			bool is_sure = labels_are_surely(text, labels, 2);
			same += is_same;
			surely += is_sure;
			cr_assert(is_same || !is_sure, "%s", texts[k].bytes);
		}
	}
	cr_expect_geq(surely, same / 8, "%zu of %zu", surely, same);
	for (unsigned i = 0; i < ALL; i++)
		text_free(&texts[i]);
	const struct label odd = {"1", "a"}, empty = {"a", NULL};
	cr_expect_not(labels_are_surely((struct label_text){"_1=\"a\"", 6}, &odd, 1), "it takes the rendering");
	cr_expect(labels_are_surely((struct label_text){NULL, 0}, &empty, 1));
	cr_expect_not(labels_are_surely((struct label_text){"a=\"b\"", 5}, &empty, 1));
	cr_expect_not(labels_are_surely((struct label_text){NULL, 0}, &odd, 1));
}
