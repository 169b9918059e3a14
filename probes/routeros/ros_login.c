#include "probes/routeros/ros_login.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define CHALLENGE_BYTES 16
#define MD5_BYTES       16

/* Longest sentence around a name and a password: command, names of attributes, lengths, end. */
#define LOGIN_EXTRA_BYTES 64

const char *const ros_login_style_words[] = {"any", "new", "challenge", NULL};

static int write_new(const struct ros_login *login, struct text *out, struct err *err)
{
	/* all the room at once: a text that grows leaves copies of itself behind */
	if (!text_reserve(out, strlen(login->user) + strlen(login->password) + LOGIN_EXTRA_BYTES))
		return err_set(err, "user name and password are too long to be sent");
	struct ros_writer writer = ros_write_begin(out, "/login");
	ros_write_string(&writer, "name", login->user);
	ros_write_string(&writer, "password", login->password);
	return ros_write_end(&writer, err);
}

static int write_question(struct text *out, struct err *err)
{
	struct ros_writer writer = ros_write_begin(out, "/login");
	return ros_write_end(&writer, err);
}

int ros_login_begin(struct ros_login *login, struct text *out, struct err *err)
{
	login->is_challenge_sent = login->style == ROS_LOGIN_CHALLENGE;
	login->is_answered = login->is_refused = false;
	login->why[0] = '\0';
	if (login->user[0] == '\0')
		return err_set(err, "there is no user name to log in with: set username");
	int status = login->is_challenge_sent ? write_question(out, err) : write_new(login, out, err);
	if (status != 0)
		ros_login_wipe(out);
	return status;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) % 16 : -1;
}

static bool read_challenge(struct ros_word text, uint8_t out[CHALLENGE_BYTES])
{
	if (text.length != (size_t)2 * CHALLENGE_BYTES)
		return false;
	for (size_t i = 0; i < CHALLENGE_BYTES; i++) {
		int high = hex_digit(text.bytes[2 * i]), low = hex_digit(text.bytes[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* MD5 of a zero byte, the password and the challenge. */
static bool digest_challenge(const char *password, const uint8_t challenge[CHALLENGE_BYTES], uint8_t out[MD5_BYTES])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool is_done = context && EVP_DigestInit_ex(context, EVP_md5(), NULL) == 1 &&
		       EVP_DigestUpdate(context, "", 1) == 1 &&
		       EVP_DigestUpdate(context, password, strlen(password)) == 1 &&
		       EVP_DigestUpdate(context, challenge, CHALLENGE_BYTES) == 1 &&
		       EVP_DigestFinal_ex(context, out, NULL) == 1;
	EVP_MD_CTX_free(context); /* which wipes it */
	return is_done;
}

static int write_answer(const struct ros_login *login, const uint8_t digest[MD5_BYTES], struct text *out,
			struct err *err)
{
	char response[2 + 2 * MD5_BYTES + 1] = "00";
	for (size_t i = 0; i < MD5_BYTES; i++)
		snprintf(response + 2 + 2 * i, 3, "%02x", digest[i]);
	text_reserve(out, strlen(login->user) + sizeof(response) + LOGIN_EXTRA_BYTES);
	struct ros_writer writer = ros_write_begin(out, "/login");
	ros_write_string(&writer, "name", login->user);
	ros_write_string(&writer, "response", response);
	OPENSSL_cleanse(response, sizeof(response));
	return ros_write_end(&writer, err);
}

static enum ros_login_step answer_challenge(struct ros_login *login, struct ros_word text, struct text *out,
					    struct err *err)
{
	uint8_t challenge[CHALLENGE_BYTES], digest[MD5_BYTES];
	enum ros_login_step step = ROS_LOGIN_SEND;
	if (login->style == ROS_LOGIN_NEW) {
		err_set(err, "the router is older than 6.43 and wants the login by challenge: set login = \"any\"");
		return ROS_LOGIN_REFUSED;
	}
	if (login->is_answered || !read_challenge(text, challenge)) {
		err_set(err, "the router answered the login with something that is no challenge");
		return ROS_LOGIN_BROKEN;
	}
	login->is_answered = true;
	if (!digest_challenge(login->password, challenge, digest)) {
		err_set(err, "the old login needs MD5, which OpenSSL refuses here: upgrade the router to 6.43 or "
			     "later, or allow MD5");
		step = ROS_LOGIN_REFUSED;
	} else if (write_answer(login, digest, out, err) != 0) {
		step = ROS_LOGIN_BROKEN;
	}
	OPENSSL_cleanse(digest, sizeof(digest));
	return step;
}

static enum ros_login_step end_login(struct ros_login *login, const struct ros_reply *reply, struct text *out,
				     struct err *err)
{
	struct ros_word text;
	if (login->is_refused) {
		err_set(err, "the router refused the login of %s: %s", login->user, login->why);
		return ROS_LOGIN_REFUSED;
	}
	if (ros_reply_return(reply, &text))
		return answer_challenge(login, text, out, err);
	if (login->is_challenge_sent && !login->is_answered) {
		err_set(err, "the router sent no challenge: it is newer than 6.45.0 and wants the new login: set "
			     "login = \"any\"");
		return ROS_LOGIN_REFUSED;
	}
	return ROS_LOGIN_IN;
}

enum ros_login_step ros_login_reply(struct ros_login *login, const struct ros_reply *reply, struct text *out,
				    struct err *err)
{
	switch (reply->kind) {
	case ROS_REPLY_DONE:
		return end_login(login, reply, out, err);
	case ROS_REPLY_TRAP:
		if (!login->is_refused)
			ros_reply_describe(reply, login->password, login->why);
		login->is_refused = true;
		return ROS_LOGIN_WAIT;
	case ROS_REPLY_FATAL:
		ros_reply_describe(reply, login->password, login->why);
		err_set(err, "the router ended the connection during the login of %s: %s", login->user, login->why);
		return ROS_LOGIN_REFUSED;
	case ROS_REPLY_ROW:
	case ROS_REPLY_EMPTY:
	case ROS_REPLY_OTHER:
		break;
	}
	return ROS_LOGIN_WAIT;
}

void ros_login_wipe(struct text *text)
{
	if (text->bytes)
		OPENSSL_cleanse(text->bytes, text->capacity);
	text_clear(text);
}
