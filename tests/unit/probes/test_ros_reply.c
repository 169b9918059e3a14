#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "ros_fixture.h"

static struct text stream;
static struct ros_reader reader;
static struct ros_reply reply;

static void stop(void)
{
	text_free(&stream);
	ros_reader_free(&reader);
	ros_reply_free(&reply);
}

TestSuite(ros_reply, .fini = stop);

#define read(...) (put(&stream, __VA_ARGS__), read_words(&reader, &reply, &stream))

static void expect_value(const char *name, size_t *place, const char *expected)
{
	struct ros_word value = {0};
	cr_expect_eq(ros_reply_find(&reply, name, place, &value), expected != NULL, "%s", name);
	if (expected)
		cr_expect(ros_word_equals(value, expected), "%s", name);
}

Test(ros_reply, kinds)
{
	static const struct {
		const char *word;
		enum ros_reply_kind kind;
	} kinds[] = {{"!re", ROS_REPLY_ROW},      {"!done", ROS_REPLY_DONE},   {"!trap", ROS_REPLY_TRAP},
		     {"!fatal", ROS_REPLY_FATAL}, {"!empty", ROS_REPLY_EMPTY}, {"!progress", ROS_REPLY_OTHER},
		     {"!", ROS_REPLY_OTHER},      {"!RE", ROS_REPLY_OTHER},    {"!rex", ROS_REPLY_OTHER}};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		read(kinds[i].word, ".tag=5");
		cr_expect_eq(reply.kind, kinds[i].kind, "%s", kinds[i].word);
		cr_expect_eq(reply.tag, 5);
		cr_expect(ros_word_equals(reply.word, kinds[i].word));
		cr_expect_eq(reply.size_bytes, strlen(kinds[i].word) + 9);
	}
}

Test(ros_reply, out_of_step)
{
	static const char *const firsts[] = {"re", "=name=x", ".tag=1", "HTTP/1.1 400 Bad Request"};
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		struct err err = {0};
		put(&stream, firsts[i]);
		struct ros_sentence sentence = first_sentence(&reader, &stream);
		cr_expect_eq(ros_reply_read(&reply, &sentence, &err), -1);
		cr_expect_not_null(strstr(err.text, "out of step"));
		cr_expect_eq(reply.npairs, 0);
		text_clear(&stream);
	}
	struct ros_sentence nothing = {0};
	cr_expect_eq(ros_reply_read(&reply, &nothing, NULL), -1);
}

Test(ros_reply, attributes)
{
	read("!re", "=.id=*1A", "=name=a=b=c", "=empty=", "=switch", "=", "==x", ".tag=4294967295", "odd", ".about=1");
	cr_expect_eq(reply.npairs, 6);
	cr_expect_eq(reply.tag, UINT32_MAX);
	cr_expect_eq(reply.nunknown, 2, "words of another kind are skipped");
	expect_value(".id", NULL, "*1A");
	expect_value("name", NULL, "a=b=c");
	expect_value("empty", NULL, "");
	expect_value("switch", NULL, "");
	expect_value("", NULL, "");
	expect_value("nam", NULL, NULL);
	expect_value("names", NULL, NULL);
	expect_value("odd", NULL, NULL);
	read("!re");
	cr_expect_eq(reply.npairs, 0, "nothing is left of the last");
	cr_expect_eq(reply.tag, 0);
	cr_expect_eq(reply.nunknown, 0);
	expect_value("name", NULL, NULL);
}

/* More attributes than there is room for at first. */
Test(ros_reply, many_attributes)
{
	put(&stream, "!re");
	stream.length--; /* goes on */
	for (int i = 0; i < 500; i++) {
		char word[32];
		int n = snprintf(word, sizeof(word), "=p%d=%d", i, i * i);
		text_add_char(&stream, (char)n);
		text_add(&stream, word);
	}
	text_add_char(&stream, '\0');
	read_words(&reader, &reply, &stream);
	cr_expect_eq(reply.npairs, 500);
	expect_value("p499", NULL, "249001");
	expect_value("p0", NULL, "0");
}

Test(ros_reply, finds_in_any_order)
{
	size_t place = 0;
	read("!re", "=a=1", "=b=2", "=c=3");
	expect_value("b", &place, "2");
	cr_expect_eq(place, 2);
	expect_value("c", &place, "3");
	expect_value("a", &place, "1");
	cr_expect_eq(place, 1);
	expect_value("x", &place, NULL);
	cr_expect_eq(place, 1, "what is not there moves nothing");
	place = 77;
	expect_value("c", &place, "3");
}

Test(ros_reply, tags)
{
	static const struct {
		const char *word;
		uint32_t tag;
		bool is_foreign;
	} tags[] = {{".tag=1", 1, false},   {".tag=", 0, false},          {".tag=0", 0, true},
		    {".tag=01", 0, true},   {".tag=abc", 0, true},        {".tag=1x", 0, true},
		    {".tag=-1", 0, true},   {".tag=4294967296", 0, true}, {".tag=99999999999999999999999", 0, true},
		    {".tagged=1", 0, false}};
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		read("!re", tags[i].word);
		cr_expect_eq(reply.tag, tags[i].tag, "%s", tags[i].word);
		cr_expect_eq(reply.is_tag_foreign, tags[i].is_foreign, "%s", tags[i].word);
	}
}

Test(ros_reply, two_tags_are_nobody_s)
{
	static const char *const second[] = {".tag=1", ".tag=2", ".tag=ab", ".tag="};
	for (size_t i = 0; i < sizeof(second) / sizeof(second[0]); i++) {
		read("!re", ".tag=1", second[i]);
		cr_expect(reply.is_tag_foreign, "%s", second[i]);
		cr_expect_eq(reply.tag, 0);
		read("!re", second[i], ".tag=1");
		cr_expect_eq(reply.is_tag_foreign, i < 3, "%s", second[i]);
		cr_expect_eq(reply.tag, i < 3 ? 0 : 1);
	}
}

Test(ros_reply, what_is_returned)
{
	struct ros_word value;
	read("!done", "=ret=22000");
	cr_expect(ros_reply_return(&reply, &value));
	cr_expect(ros_word_equals(value, "22000"));
	read("!done", "=ret=");
	cr_expect(ros_reply_return(&reply, &value));
	cr_expect_eq(value.length, 0);
	read("!done");
	cr_expect_not(ros_reply_return(&reply, &value));
	read("!re", "=ret=1");
	cr_expect_not(ros_reply_return(&reply, &value), "only of !done");
}

Test(ros_reply, traps)
{
	static const struct {
		const char *category, *message;
		enum ros_trap trap;
		int number;
	} traps[] = {
		{"=category=0", "=message=no such command prefix", ROS_TRAP_NO_MENU, 0},
		{"=x=", "=message=no such command or directory (wifi)\r\nno such command prefix", ROS_TRAP_NO_MENU, -1},
		{"=x=", "=message=no such command", ROS_TRAP_NO_COMMAND, -1},
		{"=x=", "=message=no such item (4)", ROS_TRAP_NO_ITEM, -1},
		{"=category=1", "=message=input does not match any value of once", ROS_TRAP_ARGUMENT, 1},
		{"=category=1", "=message=what is that", ROS_TRAP_ARGUMENT, 1},
		{"=x=", "=message=unknown parameter as-string", ROS_TRAP_ARGUMENT, -1},
		{"=x=", "=message=not enough permissions (9)", ROS_TRAP_PERMISSION, -1},
		{"=category=2", "=message=interrupted", ROS_TRAP_INTERRUPTED, 2},
		{"=category=2", "=x=", ROS_TRAP_INTERRUPTED, 2},
		{"=x=", "=message=interrupted", ROS_TRAP_INTERRUPTED, -1},
		{"=x=", "=message=invalid user name or password (6)", ROS_TRAP_LOGIN, -1},
		{"=x=", "=message=cannot log in", ROS_TRAP_LOGIN, -1},
		{"=category=4", "=message=failure: too many", ROS_TRAP_OTHER, 4},
		{"=category=8", "=x=", ROS_TRAP_OTHER, -1},
		{"=category=", "=x=", ROS_TRAP_OTHER, -1},
		{"=category=12", "=x=", ROS_TRAP_OTHER, -1},
	};
	for (size_t i = 0; i < sizeof(traps) / sizeof(traps[0]); i++) {
		read("!trap", traps[i].category, traps[i].message);
		cr_expect_eq(ros_reply_trap(&reply), traps[i].trap, "%zu", i);
		cr_expect_eq(ros_reply_category(&reply), traps[i].number, "%zu", i);
		cr_expect_not_null(ros_trap_name(traps[i].trap));
	}
	cr_expect_str_eq(ros_trap_name(ROS_TRAP_NO_MENU), "no such menu");
}

Test(ros_reply, messages_for_people)
{
	char out[ROS_MESSAGE_SIZE];
	read("!trap", "=message= no such command\r\n\tprefix\x1b[31m\xe9 \r\n");
	cr_expect_str_eq(ros_reply_describe(&reply, NULL, out), "no such command prefix [31m?");
	read("!trap");
	cr_expect_str_eq(ros_reply_describe(&reply, "secret", out), "no reason given");
	read("!trap", "=message=bad password secret for admin");
	cr_expect_null(strstr(ros_reply_describe(&reply, "secret", out), "secret"));
	cr_expect_not_null(strstr(ros_reply_describe(&reply, "", out), "secret"));
	read("!fatal", "not logged in", "second");
	cr_expect_eq(reply.kind, ROS_REPLY_FATAL);
	cr_expect_str_eq(ros_reply_describe(&reply, NULL, out), "not logged in");
	cr_expect_eq(reply.nunknown, 1);
	read("!fatal");
	cr_expect_str_eq(ros_reply_describe(&reply, NULL, out), "no reason given");
}

Test(ros_reply, long_messages_are_cut)
{
	char out[ROS_MESSAGE_SIZE];
	text_add_bytes(&stream, "\x05!trap\x81\x35=message=", 17);
	for (int i = 0; i < 300; i++)
		text_add_char(&stream, 'm');
	text_add_char(&stream, '\0');
	read_words(&reader, &reply, &stream);
	cr_expect_eq(strlen(ros_reply_describe(&reply, NULL, out)), ROS_MESSAGE_SIZE - 1);
}
