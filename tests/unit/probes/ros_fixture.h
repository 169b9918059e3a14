/*
 * Streams for the tests of RouterOS, written by hand: they must not come from the writer under test. S("...") is a word
 * of less than 128 bytes with its length before it.
 */
#ifndef NETSONDE_TESTS_ROS_FIXTURE_H
#define NETSONDE_TESTS_ROS_FIXTURE_H

#include <criterion/criterion.h>
#include <stdarg.h>
#include <string.h>

#include "core/text.h"
#include "probes/routeros/ros_reply.h"
#include "probes/routeros/ros_wire.h"

/* A sentence of short words; the last argument is NULL. */
static inline void put_sentence(struct text *out, const char *word, ...)
{
	va_list words;
	va_start(words, word);
	for (; word; word = va_arg(words, const char *)) {
		text_add_char(out, (char)strlen(word));
		text_add(out, word);
	}
	va_end(words);
	text_add_char(out, '\0');
}

#define put(out, ...) put_sentence(out, __VA_ARGS__, NULL)

/* The first sentence of a stream that lies in memory. */
static inline struct ros_sentence first_sentence(struct ros_reader *reader, const struct text *stream)
{
	struct wire piece = wire_reader(stream->bytes, stream->length);
	struct ros_sentence sentence;
	struct err err = {0};
	cr_assert_eq(ros_reader_next(reader, &piece, &sentence, &err), ROS_READ_SENTENCE, "%s", err.text);
	return sentence;
}

/* One reply from its words. */
static inline void read_words(struct ros_reader *reader, struct ros_reply *reply, struct text *stream)
{
	struct ros_sentence sentence = first_sentence(reader, stream);
	struct err err = {0};
	cr_assert_eq(ros_reply_read(reply, &sentence, &err), 0, "%s", err.text);
	stream->length = 0;
}

#endif
