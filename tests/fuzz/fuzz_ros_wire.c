/*
 * A stream of a router, in pieces as its first byte says: it tells the same sentences as in one piece, keeps its
 * ceilings, and nothing that replies and logins read lies outside of it.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "probes/routeros/ros_login.h"
#include "probes/routeros/ros_reply.h"
#include "probes/routeros/ros_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORD_MAX     4096
#define SENTENCE_MAX 8192

static void expect(bool holds)
{
	if (!holds)
		abort();
}

/* What a stream told, and how it ended. */
struct told {
	struct text text;
	bool is_broken, is_inside;
};

static bool is_in(struct ros_word part, struct ros_word whole)
{
	return part.length == 0 ||
	       (part.bytes >= whole.bytes && part.bytes + part.length <= whole.bytes + whole.length);
}

static bool is_in_sentence(struct ros_word part, const struct ros_sentence *sentence)
{
	for (size_t i = 0; i < sentence->n; i++)
		if (is_in(part, sentence->words[i]))
			return true;
	return false;
}

static void check_reply(struct ros_reply *reply, const struct ros_sentence *sentence)
{
	char message[ROS_MESSAGE_SIZE];
	struct err err = {0};
	struct text out = {0};
	struct ros_login login = {.user = "u", .password = "secret"};
	if (ros_reply_read(reply, sentence, &err) != 0) {
		expect(err.text[0] != '\0');
		return;
	}
	expect(reply->npairs + reply->nunknown < sentence->n);
	for (size_t i = 0; i < reply->npairs; i++) {
		expect(is_in_sentence(reply->pairs[i].name, sentence));
		expect(is_in_sentence(reply->pairs[i].value, sentence));
	}
	expect(!(reply->tag && reply->is_tag_foreign));
	expect(ros_reply_category(reply) >= -1 && ros_reply_category(reply) <= 7);
	expect(ros_trap_name(ros_reply_trap(reply)) != NULL);
	expect(!strstr(ros_reply_describe(reply, "secret", message), "secret"));
	enum ros_login_step step = ros_login_reply(&login, reply, &out, &err);
	expect((step == ROS_LOGIN_SEND) == (out.length > 0));
	expect(!strstr(err.text, "secret"));
	ros_login_wipe(&out);
	text_free(&out);
}

static void tell(struct told *told, const struct ros_sentence *sentence, struct ros_reply *reply)
{
	size_t size = 1;
	expect(sentence->n > 0 && sentence->n <= ROS_SENTENCE_WORDS_MAX && sentence->size_bytes <= SENTENCE_MAX);
	for (size_t i = 0; i < sentence->n; i++) {
		expect(sentence->words[i].length > 0 && sentence->words[i].length <= WORD_MAX);
		size += 1 + sentence->words[i].length;
		text_add_unsigned(&told->text, sentence->words[i].length);
		text_add_char(&told->text, ':');
		text_add_bytes(&told->text, sentence->words[i].bytes, sentence->words[i].length);
	}
	expect(size <= sentence->size_bytes);
	text_add_char(&told->text, '\n');
	check_reply(reply, sentence);
}

/* A piece in a block of its own that goes when it is read. */
static void read_piece(struct ros_reader *reader, const uint8_t *data, size_t size, struct told *told)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct ros_reply reply = {0};
	struct ros_sentence sentence;
	struct err err = {0};
	enum ros_read read;
	expect(copy != NULL);
	if (size)
		memcpy(copy, data, size);
	struct wire piece = wire_reader(copy, size);
	while ((read = ros_reader_next(reader, &piece, &sentence, &err)) == ROS_READ_SENTENCE)
		tell(told, &sentence, &reply);
	expect(read == ROS_READ_BROKEN || wire_left(&piece) == 0);
	expect((read == ROS_READ_BROKEN) == (err.text[0] != '\0'));
	told->is_broken = read == ROS_READ_BROKEN;
	ros_reply_free(&reply);
	free(copy);
}

static struct told read_all(const uint8_t *data, size_t size, size_t piece)
{
	struct ros_reader reader = {.word_max = WORD_MAX, .sentence_max = SENTENCE_MAX};
	struct told told = {0};
	for (size_t at = 0; at < size; at += piece)
		read_piece(&reader, data + at, size - at < piece ? size - at : piece, &told);
	told.is_inside = ros_reader_is_inside(&reader);
	ros_reader_free(&reader);
	return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > 65536)
		return 0;
	struct told whole = read_all(data + 1, size - 1, size);
	struct told pieces = read_all(data + 1, size - 1, 1U + data[0] % 64);
	expect(whole.is_broken == pieces.is_broken);
	expect(whole.is_broken || whole.is_inside == pieces.is_inside);
	expect(whole.text.length == pieces.text.length);
	expect(whole.text.length == 0 || memcmp(whole.text.bytes, pieces.text.bytes, whole.text.length) == 0);
	text_free(&whole.text);
	text_free(&pieces.text);
	return 0;
}
