#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "probes/routeros/ros_login.h"
#include "ros_fixture.h"

static struct text stream, out;
static struct ros_reader reader;
static struct ros_reply reply;
static struct ros_login login;
static struct err err;

static void stop(void)
{
	text_free(&stream);
	text_free(&out);
	ros_reader_free(&reader);
	ros_reply_free(&reply);
}

TestSuite(ros_login, .fini = stop);

static void begin(enum ros_login_style style)
{
	login = (struct ros_login){.user = "admin", .password = "pass=word", .style = style};
	cr_assert_eq(ros_login_begin(&login, &out, &err), 0, "%s", err.text);
}

/* What was written, byte for byte; then it is wiped as after sending. */
static void expect_sent(const char *bytes, size_t n)
{
	cr_expect_eq(out.length, n, "%zu", out.length);
	cr_expect_eq(memcmp(out.bytes, bytes, n), 0);
	ros_login_wipe(&out);
	for (size_t i = 0; i < out.capacity; i++)
		cr_assert_eq(out.bytes[i], 0, "nothing is left of it");
	cr_expect_eq(out.length, 0);
}

static enum ros_login_step step_on(void)
{
	read_words(&reader, &reply, &stream);
	err.text[0] = '\0';
	enum ros_login_step step = ros_login_reply(&login, &reply, &out, &err);
	cr_expect_eq(err.text[0] != '\0', step == ROS_LOGIN_REFUSED || step == ROS_LOGIN_BROKEN);
	cr_expect_null(strstr(err.text, "pass=word"));
	return step;
}

#define answer(...) (put(&stream, __VA_ARGS__), step_on())

static const char new_login[] = "\x06/login"
				"\x0b=name=admin"
				"\x13=password=pass=word";

static const char question[] = "\x06/login";

/* MD5 of 00, "pass=word" and the bytes 00 11 ... ff, by another program. */
#define CHALLENGE "=ret=00112233445566778899aabbccddeeff"
static const char response[] = "\x06/login"
			       "\x0b=name=admin"
			       "\x2c=response=00bbf7cd9b760c27f48cc79dd2236175d0";

Test(ros_login, new_login)
{
	begin(ROS_LOGIN_ANY);
	expect_sent(new_login, sizeof(new_login));
	cr_expect_eq(answer("!done"), ROS_LOGIN_IN);
}

Test(ros_login, skips_what_is_no_answer)
{
	begin(ROS_LOGIN_NEW);
	cr_expect_eq(answer("!re", "=a=b"), ROS_LOGIN_WAIT);
	cr_expect_eq(answer("!empty"), ROS_LOGIN_WAIT);
	cr_expect_eq(answer("!hello"), ROS_LOGIN_WAIT);
	cr_expect_eq(answer("!done"), ROS_LOGIN_IN);
}

Test(ros_login, old_router_wants_a_challenge)
{
	begin(ROS_LOGIN_ANY);
	expect_sent(new_login, sizeof(new_login));
	cr_expect_eq(answer("!done", CHALLENGE), ROS_LOGIN_SEND);
	expect_sent(response, sizeof(response));
	cr_expect_eq(answer("!done"), ROS_LOGIN_IN);
}

Test(ros_login, only_by_challenge)
{
	begin(ROS_LOGIN_CHALLENGE);
	expect_sent(question, sizeof(question));
	cr_expect_eq(answer("!done", "=ret=00112233445566778899AABBCCDDEEFF"), ROS_LOGIN_SEND);
	expect_sent(response, sizeof(response));
	cr_expect_eq(answer("!done"), ROS_LOGIN_IN);
}

Test(ros_login, wrong_password)
{
	begin(ROS_LOGIN_ANY);
	cr_expect_eq(answer("!trap", "=message=invalid user name or password (6)"), ROS_LOGIN_WAIT, "!done follows");
	cr_expect_eq(answer("!trap", "=message=and again"), ROS_LOGIN_WAIT);
	cr_expect_eq(answer("!done"), ROS_LOGIN_REFUSED);
	cr_expect_str_eq(err.text, "the router refused the login of admin: invalid user name or password (6)");
}

Test(ros_login, wrong_password_of_an_old_router)
{
	begin(ROS_LOGIN_ANY);
	text_clear(&out);
	cr_expect_eq(answer("!done", CHALLENGE), ROS_LOGIN_SEND);
	cr_expect_eq(answer("!trap", "=message=cannot log in"), ROS_LOGIN_WAIT);
	cr_expect_eq(answer("!done"), ROS_LOGIN_REFUSED);
	cr_expect_not_null(strstr(err.text, "cannot log in"));
}

Test(ros_login, a_refusal_with_a_challenge_is_a_refusal)
{
	begin(ROS_LOGIN_ANY);
	cr_expect_eq(answer("!trap"), ROS_LOGIN_WAIT);
	cr_expect_eq(answer("!done", CHALLENGE), ROS_LOGIN_REFUSED);
	cr_expect_not_null(strstr(err.text, "no reason given"));
}

Test(ros_login, the_password_is_not_repeated)
{
	begin(ROS_LOGIN_ANY);
	cr_expect_eq(answer("!trap", "=message=what is pass=word?"), ROS_LOGIN_WAIT);
	cr_expect_eq(answer("!done"), ROS_LOGIN_REFUSED);
	begin(ROS_LOGIN_ANY);
	cr_expect_eq(answer("!fatal", "go away with pass=word"), ROS_LOGIN_REFUSED);
}

Test(ros_login, fatal)
{
	begin(ROS_LOGIN_ANY);
	cr_expect_eq(answer("!fatal", "too many commands before login"), ROS_LOGIN_REFUSED);
	cr_expect_not_null(strstr(err.text, "login of admin: too many commands"), "%s", err.text);
}

Test(ros_login, new_only)
{
	begin(ROS_LOGIN_NEW);
	text_clear(&out);
	cr_expect_eq(answer("!done", CHALLENGE), ROS_LOGIN_REFUSED);
	cr_expect_not_null(strstr(err.text, "older than 6.43"));
	cr_expect_eq(out.length, 0);
}

Test(ros_login, challenge_of_a_new_router)
{
	begin(ROS_LOGIN_CHALLENGE);
	cr_expect_eq(answer("!done"), ROS_LOGIN_REFUSED);
	cr_expect_not_null(strstr(err.text, "sent no challenge"));
	begin(ROS_LOGIN_CHALLENGE);
	cr_expect_eq(answer("!done", CHALLENGE), ROS_LOGIN_SEND);
	cr_expect_eq(answer("!trap", "=message=invalid user name or password (6)"), ROS_LOGIN_WAIT);
	cr_expect_eq(answer("!done"), ROS_LOGIN_REFUSED);
}

Test(ros_login, what_is_no_challenge)
{
	static const char *const words[] = {"=ret=",
					    "=ret=0011",
					    "=ret=00112233445566778899aabbccddeef",
					    "=ret=00112233445566778899aabbccddeeff0",
					    "=ret=00112233445566778899aabbccddeefg",
					    "=ret=g0112233445566778899aabbccddeeff"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		begin(ROS_LOGIN_ANY);
		text_clear(&out);
		cr_expect_eq(answer("!done", words[i]), ROS_LOGIN_BROKEN, "%s", words[i]);
		cr_expect_eq(out.length, 0);
	}
	begin(ROS_LOGIN_ANY);
	cr_expect_eq(answer("!done", CHALLENGE), ROS_LOGIN_SEND);
	cr_expect_eq(answer("!done", CHALLENGE), ROS_LOGIN_BROKEN, "one challenge is enough");
}

Test(ros_login, an_empty_password)
{
	static const char expected[] = "\x06/login\x07=name=a\x0a=password=";
	login = (struct ros_login){.user = "a", .password = ""};
	cr_assert_eq(ros_login_begin(&login, &out, &err), 0);
	expect_sent(expected, sizeof(expected));
}

Test(ros_login, what_cannot_be_sent)
{
	char *large = malloc(ROS_WORD_MAX + 1);
	memset(large, 'p', ROS_WORD_MAX);
	large[ROS_WORD_MAX] = '\0';
	login = (struct ros_login){.user = "", .password = "x"};
	cr_expect_eq(ros_login_begin(&login, &out, &err), -1);
	cr_expect_not_null(strstr(err.text, "no user name"));
	login = (struct ros_login){.user = "u", .password = large};
	cr_expect_eq(ros_login_begin(&login, &out, &err), -1);
	cr_expect_eq(out.length, 0);
	for (size_t i = 0; i < out.capacity; i++)
		cr_assert_eq(out.bytes[i], 0);
	struct text full = {.ceiling = 10};
	login.password = "p";
	cr_expect_eq(ros_login_begin(&login, &full, &err), -1);
	cr_expect_not_null(strstr(err.text, "too long"));
	login.style = ROS_LOGIN_CHALLENGE;
	cr_expect_eq(ros_login_begin(&login, &full, &err), 0);
	put(&stream, "!done", CHALLENGE);
	read_words(&reader, &reply, &stream);
	cr_expect_eq(ros_login_reply(&login, &reply, &full, &err), ROS_LOGIN_BROKEN);
	text_free(&full);
	ros_login_wipe(&full);
	free(large);
}

Test(ros_login, words_of_the_option)
{
	cr_expect_str_eq(ros_login_style_words[ROS_LOGIN_ANY], "any");
	cr_expect_str_eq(ros_login_style_words[ROS_LOGIN_NEW], "new");
	cr_expect_str_eq(ros_login_style_words[ROS_LOGIN_CHALLENGE], "challenge");
	cr_expect_null(ros_login_style_words[3]);
}
