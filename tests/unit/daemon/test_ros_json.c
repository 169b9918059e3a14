#include "daemon/ros_json.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect_word(const char *bytes, size_t n, const char *expected)
{
	struct text out = {0};

	ros_json_add_word(&out, (struct ros_word){bytes, n});
	cr_expect_str_eq(text_string(&out), expected);
	text_free(&out);
}

Test(ros_json, words)
{
	expect_word(NULL, 0, "\"\"");
	expect_word("ether1", 6, "\"ether1\"");
	expect_word("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
	expect_word("a\r\nb\x7f\0", 6, "\"a\\u000d\\u000ab\\u007f\\u0000\"");
	expect_word("caf\xc3\xa9!", 6, "\"caf\xc3\xa9!\"");
	expect_word("caf\xe9 x", 6, "\"caf\xef\xbf\xbd x\"");
	expect_word("\xc3", 1, "\"\xef\xbf\xbd\"");
	expect_word("\xff\xc3\xa9", 3, "\"\xef\xbf\xbd\xc3\xa9\"");
}

static struct ros_pair pair(const char *name, const char *value)
{
	return (struct ros_pair){ros_word_of(name), ros_word_of(value)};
}

Test(ros_json, rows)
{
	struct ros_pair pairs[] = {pair(".id", "*1"), pair("name", "a"), pair("name", "b"), pair("comment", "")};
	struct ros_reply reply = {.pairs = pairs, .npairs = 4};
	struct text out = {0};

	ros_json_add_row(&out, &reply);
	cr_expect_str_eq(text_string(&out), "{\".id\":\"*1\",\"name\":\"a\",\"comment\":\"\"}");
	text_clear(&out);
	reply.npairs = 0;
	ros_json_add_row(&out, &reply);
	cr_expect_str_eq(text_string(&out), "{}");
	text_free(&out);
}
