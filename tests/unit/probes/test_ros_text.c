#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"
#include "probes/routeros/ros_text.h"

#define NONE "\xef\xbf\xbd"

static void expect_text(const char *page, const char *bytes, size_t n, const char *expected)
{
	struct err err = {0};
	struct ros_text *text = ros_text_open(page, &err);
	struct text out = {0};
	char *copy = malloc(n ? n : 1);
	cr_assert_not_null(text, "%s", err.text);
	memcpy(copy, bytes, n);
	text_add(&out, "before ");
	cr_expect(ros_text_add(text, (struct ros_word){copy, n}, 1000, &out));
	cr_expect_str_eq(text_string(&out) + 7, expected, "%s: %s", page ? page : "no page", text_string(&out));
	ros_text_close(text);
	text_free(&out);
	free(copy);
}

#define expect_text(page, bytes, expected) expect_text(page, bytes, sizeof(bytes) - 1, expected)

Test(ros_text, utf8_stays)
{
	static const char *const pages[] = {NULL, "", "windows-1251", "latin1"};
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		expect_text(pages[i], "", "");
		expect_text(pages[i], "ether1\r\n", "ether1\r\n");
		expect_text(pages[i], "B\xc3\xbcro \xd0\xbc\xd1\x8b \xf0\x9f\x93\xb6",
			    "B\xc3\xbcro \xd0\xbc\xd1\x8b \xf0\x9f\x93\xb6");
		expect_text(pages[i], "a\0\xc3\xbc\0", "a" NONE "\xc3\xbc" NONE);
	}
}

Test(ros_text, without_a_page_bytes_are_replaced)
{
	expect_text(NULL, "B\xfcro", "B" NONE "ro");
	expect_text(NULL, "\xff\xfe", NONE NONE);
	expect_text(NULL, "cut \xe2\x82", "cut " NONE NONE);
	expect_text(NULL, "\xed\xa0\x80", NONE NONE NONE);
}

Test(ros_text, code_pages)
{
	expect_text("windows-1251", "\xcf\xf0\xe8\xe2\xe5\xf2", "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82");
	expect_text("windows-1252", "B\xfcro \x80", "B\xc3\xbcro \xe2\x82\xac");
	expect_text("windows-1252", "a\x81z\xfc", "a" NONE "z\xc3\xbc"); /* 0x81 is nothing there */
	expect_text("latin1", "\xe9\x80", "\xc3\xa9\xc2\x80");
	expect_text("ISO-8859-2", "\xb1", "\xc4\x85");
	expect_text("windows-1252", "\xfc\0\xfc", "\xc3\xbc" NONE "\xc3\xbc");
	expect_text("GBK", "\xc4\xe3\xba\xc3", "\xe4\xbd\xa0\xe5\xa5\xbd");
	expect_text("GBK", "\xc4\xe3\xba", "\xe4\xbd\xa0" NONE); /* the beginning of one */
}

Test(ros_text, one_word_after_another)
{
	struct ros_text *text = ros_text_open("GBK", NULL);
	struct text out = {0};
	ros_text_add(text, ros_word_of("\xc4"), 100, &out);
	ros_text_add(text, ros_word_of("\xe3"), 100, &out);
	cr_expect_str_eq(text_string(&out), NONE NONE, "the halves of two words are no character");
	text_free(&out);
	ros_text_close(text);
}

Test(ros_text, no_such_page)
{
	static const char *const pages[] = {"windows-9999", "latin1//TRANSLIT", "//", "UTF-16", "UTF-16LE",
					    "UCS-4",        "EBCDICUS"};
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		struct err err = {0};
		cr_expect_null(ros_text_open(pages[i], &err), "%s", pages[i]);
		cr_expect_not_null(strstr(err.text, "code page"), "%s", err.text);
	}
	ros_text_close(NULL);
}

/* At every size: never more, whole characters, and it is told. */
Test(ros_text, cut_at_every_size)
{
	static const char *const words[] = {"a\xc3\xbc\xe2\x82\xac\xf0\x9f\x93\xb6z", "a\xfc\x80\x81z"};
	for (size_t i = 0; i < 2; i++) {
		struct ros_text *text = ros_text_open("windows-1252", NULL);
		struct text whole = {0};
		cr_assert(ros_text_add(text, ros_word_of(words[i]), SIZE_MAX, &whole));
		for (size_t size = 0; size <= whole.length; size++) {
			struct text out = {0};
			cr_expect_eq(ros_text_add(text, ros_word_of(words[i]), size, &out), size == whole.length);
			cr_expect_leq(out.length, size);
			cr_expect_gt(out.length + 4, size);
			cr_expect_eq(utf8_length(out.bytes, out.length), out.length);
			if (out.length)
				cr_expect_arr_eq(out.bytes, whole.bytes, out.length);
			text_free(&out);
		}
		text_free(&whole);
		ros_text_close(text);
	}
}

Test(ros_text, long_words)
{
	struct ros_text *text = ros_text_open("windows-1252", NULL);
	struct text in = {0}, out = {0};
	for (int i = 0; i < 5000; i++)
		text_add_char(&in, '\x80');
	cr_expect(ros_text_add(text, (struct ros_word){in.bytes, in.length}, 20000, &out));
	cr_expect_eq(out.length, 15000);
	cr_expect_eq(utf8_length(out.bytes, out.length), 15000);
	text_free(&in);
	text_free(&out);
	ros_text_close(text);
}

Test(ros_text, plain)
{
	cr_expect(ros_text_is_plain((struct ros_word){0}));
	cr_expect(ros_text_is_plain(ros_word_of("\xc3\xbc")));
	cr_expect_not(ros_text_is_plain(ros_word_of("\xfc")));
	cr_expect_not(ros_text_is_plain((struct ros_word){"\0", 1}));
}
