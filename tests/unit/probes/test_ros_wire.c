#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "ros_fixture.h"

/* Everything that a stream says, as text: one sentence a line, words between bars; and how it ended. */
static void write_down(struct ros_reader *reader, struct wire *piece, struct text *out, bool *is_broken)
{
	struct ros_sentence sentence;
	struct err err = {0};
	enum ros_read read;
	while ((read = ros_reader_next(reader, piece, &sentence, &err)) == ROS_READ_SENTENCE) {
		cr_assert_gt(sentence.n, 0);
		for (size_t i = 0; i < sentence.n; i++) {
			text_add_char(out, '|');
			text_add_bytes(out, sentence.words[i].bytes, sentence.words[i].length);
		}
		text_add_format(out, "| %zu\n", sentence.size_bytes);
	}
	*is_broken = read == ROS_READ_BROKEN;
	cr_assert_eq(err.text[0] != '\0', *is_broken);
	if (!*is_broken)
		cr_assert_eq(wire_left(piece), 0, "the piece is used up");
}

/* Pieces in blocks of their own, so that a sanitizer sees what is read beyond them or after they have gone. */
static bool feed(struct ros_reader *reader, const char *bytes, size_t n, struct text *out)
{
	char *copy = malloc(n ? n : 1);
	bool is_broken;
	cr_assert_not_null(copy);
	memcpy(copy, bytes, n);
	struct wire piece = wire_reader(copy, n);
	write_down(reader, &piece, out, &is_broken);
	free(copy);
	return is_broken;
}

static void put_long(struct text *out, size_t n, char c)
{
	uint8_t prefix[ROS_LENGTH_BYTES_MAX];
	text_add_bytes(out, prefix, ros_write_length(prefix, (uint32_t)n));
	char *room = text_reserve(out, n);
	memset(room, c, n);
	out->length += n;
}

/* A stream with everything: an empty sentence, short and long words, a value with "=" and line ends. */
static struct text sample(void)
{
	struct text stream = {0};
	put(&stream, "!re", "=.id=*1", "=name=ether1", ".tag=7");
	text_add_char(&stream, '\0');
	put(&stream, "!re", "=comment=a=b\r\nc", "=empty=", "=switch", ".tag=8");
	text_add_bytes(&stream, "\x03!re", 4);
	put_long(&stream, 200, 'x');
	text_add_char(&stream, '\0');
	text_add_bytes(&stream, "\0\0", 2);
	put(&stream, "!done", ".tag=7");
	return stream;
}

static struct text whole_of(const struct text *stream)
{
	struct ros_reader reader = {0};
	struct text out = {0};
	cr_assert_not(feed(&reader, stream->bytes, stream->length, &out));
	cr_assert_not(ros_reader_is_inside(&reader));
	ros_reader_free(&reader);
	return out;
}

Test(ros_wire, reads_a_stream)
{
	struct text stream = sample(), out = whole_of(&stream);
	static const char begin[] = "|!re|=.id=*1|=name=ether1|.tag=7| 33\n"
				    "|!re|=comment=a=b\r\nc|=empty=|=switch|.tag=8| 44\n"
				    "|!re|xxxx";
	cr_expect(strncmp(text_string(&out), begin, strlen(begin)) == 0, "%s", text_string(&out));
	cr_expect_not_null(strstr(text_string(&out), "xx| 207\n|!done|.tag=7| 14\n"));
	text_free(&stream);
	text_free(&out);
}

Test(ros_wire, cut_at_every_offset)
{
	struct text stream = sample(), whole = whole_of(&stream);
	for (size_t cut = 0; cut <= stream.length; cut++) {
		struct ros_reader reader = {0};
		struct text out = {0};
		cr_assert_not(feed(&reader, stream.bytes, cut, &out));
		cr_assert_not(feed(&reader, stream.bytes + cut, stream.length - cut, &out));
		cr_assert_not(ros_reader_is_inside(&reader));
		cr_assert_str_eq(text_string(&out), text_string(&whole), "cut at %zu", cut);
		ros_reader_free(&reader);
		text_free(&out);
	}
	text_free(&stream);
	text_free(&whole);
}

Test(ros_wire, in_pieces_of_every_size)
{
	struct text stream = sample(), whole = whole_of(&stream);
	for (size_t size = 1; size < 60; size++) {
		struct ros_reader reader = {0};
		struct text out = {0};
		for (size_t at = 0; at < stream.length; at += size) {
			size_t left = stream.length - at;
			cr_assert_not(feed(&reader, stream.bytes + at, left < size ? left : size, &out));
		}
		cr_assert_str_eq(text_string(&out), text_string(&whole), "pieces of %zu", size);
		ros_reader_free(&reader);
		text_free(&out);
	}
	text_free(&stream);
	text_free(&whole);
}

/* The end of the stream inside a sentence is told at each offset of it, and nowhere else. */
Test(ros_wire, knows_where_an_end_would_cut)
{
	struct text stream = {0}, out = {0};
	put(&stream, "!re", "=a=b");
	size_t first = stream.length;
	put(&stream, "!done");
	for (size_t end = 0; end <= stream.length; end++) {
		struct ros_reader reader = {0};
		feed(&reader, stream.bytes, end, &out);
		cr_assert_eq(ros_reader_is_inside(&reader), end != 0 && end != first && end != stream.length, "%zu",
			     end);
		ros_reader_free(&reader);
	}
	text_free(&stream);
	text_free(&out);
}

Test(ros_wire, tells_whole_sentences_where_they_lie)
{
	struct text stream = {0};
	struct ros_reader reader = {0};
	put(&stream, "!re", "=a=b");
	struct ros_sentence sentence = first_sentence(&reader, &stream);
	cr_expect_eq(sentence.words[1].bytes, stream.bytes + 5);
	cr_expect_null(reader.kept.bytes, "nothing was copied");
	ros_reader_free(&reader);
	text_free(&stream);
}

Test(ros_wire, length_forms)
{
	static const struct {
		uint32_t n;
		size_t size;
		uint8_t bytes[ROS_LENGTH_BYTES_MAX];
	} forms[] = {
		{0, 1, {0x00}},
		{1, 1, {0x01}},
		{0x7f, 1, {0x7f}},
		{0x80, 2, {0x80, 0x80}},
		{0x3fff, 2, {0xbf, 0xff}},
		{0x4000, 3, {0xc0, 0x40, 0x00}},
		{0x1fffff, 3, {0xdf, 0xff, 0xff}},
		{0x200000, 4, {0xe0, 0x20, 0x00, 0x00}},
		{0xfffffff, 4, {0xef, 0xff, 0xff, 0xff}},
		{0x10000000, 5, {0xf0, 0x10, 0x00, 0x00, 0x00}},
		{0xffffffff, 5, {0xf0, 0xff, 0xff, 0xff, 0xff}},
	};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		uint8_t out[ROS_LENGTH_BYTES_MAX] = {0};
		cr_expect_eq(ros_write_length(out, forms[i].n), forms[i].size, "%u", forms[i].n);
		cr_expect_arr_eq(out, forms[i].bytes, forms[i].size, "%u", forms[i].n);
	}
}

/* A word of five bytes behind its length in each form; the router may write them longer than needed. */
Test(ros_wire, reads_all_forms)
{
	static const char *const prefixes[] = {"\x05", "\x80\x05", "\xc0\x00\x05", "\xe0\x00\x00\x05",
					       "\xf0\x00\x00\x00\x05"};
	for (size_t i = 0; i < 5; i++) {
		struct text stream = {0}, out = {0};
		text_add_bytes(&stream, prefixes[i], i + 1);
		text_add(&stream, "!done");
		text_add_bytes(&stream, prefixes[i], i);
		text_add_bytes(&stream, "\0", 1); /* the end, in a long form too */
		for (size_t cut = 0; cut < stream.length; cut++) {
			struct ros_reader reader = {0};
			text_clear(&out);
			cr_assert_not(feed(&reader, stream.bytes, cut, &out));
			cr_assert_not(feed(&reader, stream.bytes + cut, stream.length - cut, &out));
			cr_assert_eq(strncmp(text_string(&out), "|!done| ", 8), 0, "form %zu cut %zu: %s", i, cut,
				     text_string(&out));
			ros_reader_free(&reader);
		}
		text_free(&stream);
		text_free(&out);
	}
}

Test(ros_wire, long_words)
{
	static const size_t lengths[] = {127, 128, 16383, 16384, 70000, ROS_WORD_MAX};
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct text stream = {0};
		struct ros_reader reader = {0};
		struct ros_sentence sentence;
		struct err err = {0};
		put_long(&stream, lengths[i], 'y');
		text_add_char(&stream, '\0');
		struct wire half = wire_reader(stream.bytes, stream.length / 2);
		struct wire rest = wire_reader(stream.bytes + stream.length / 2, stream.length - stream.length / 2);
		cr_assert_eq(ros_reader_next(&reader, &half, &sentence, &err), ROS_READ_MORE);
		cr_assert_eq(ros_reader_next(&reader, &rest, &sentence, &err), ROS_READ_SENTENCE);
		cr_expect_eq(sentence.words[0].length, lengths[i]);
		cr_expect_eq(sentence.words[0].bytes[lengths[i] - 1], 'y');
		cr_assert_eq(ros_reader_next(&reader, &rest, &sentence, &err), ROS_READ_MORE);
		cr_expect_leq(reader.kept.capacity, 65536, "large memory is given back");
		ros_reader_free(&reader);
		text_free(&stream);
	}
}

static void expect_broken(const char *bytes, size_t n, const char *says)
{
	for (size_t cut = 0; cut <= n; cut++) {
		struct ros_reader reader = {.word_max = 64, .sentence_max = 128};
		struct wire first = wire_reader(bytes, cut), second = wire_reader(bytes + cut, n - cut);
		struct ros_sentence sentence;
		struct err err = {0};
		if (ros_reader_next(&reader, &first, &sentence, &err) != ROS_READ_BROKEN)
			cr_assert_eq(ros_reader_next(&reader, &second, &sentence, &err), ROS_READ_BROKEN, "%s", says);
		cr_expect_not_null(strstr(err.text, says), "%s", err.text);
		struct wire good = wire_reader("\x05!done", 7);
		cr_expect_eq(ros_reader_next(&reader, &good, &sentence, &err), ROS_READ_BROKEN, "it stays broken");
		cr_expect_not_null(strstr(err.text, "broken before"));
		cr_expect_lt(reader.kept.capacity, 1024, "no memory for what is only announced");
		ros_reader_free(&reader);
		cr_expect_eq(reader.word_max, 64);
		cr_expect_not(reader.is_broken);
	}
}

Test(ros_wire, refuses_hostile_streams)
{
	for (int first = 0xf1; first <= 0xff; first++) {
		char bytes[] = {3, '!', 'r', 'e', (char)first, 0};
		expect_broken(bytes, 5, first >= 0xf8 ? "control byte" : "which no length does");
	}
	expect_broken("\xf0\xff\xff\xff\xff", 5, "4294967295 bytes: at most 64");
	expect_broken("\xef\xff\xff\xff", 4, "268435455 bytes");
	expect_broken("\x41", 1, "a word of 65 bytes");
	struct text stream = {0};
	for (int i = 0; i < 4; i++)
		put_long(&stream, 40, 'z');
	expect_broken(stream.bytes, stream.length, "a sentence of more than 128 bytes");
	text_free(&stream);
}

Test(ros_wire, default_ceilings)
{
	struct ros_reader reader = {0};
	struct ros_sentence sentence;
	struct err err = {0};
	struct wire piece = wire_reader("\xc0\x10\x00\x01\xd0\x00\x01", 7);
	wire_skip(&piece, 4);
	cr_expect_eq(ros_reader_next(&reader, &piece, &sentence, &err), ROS_READ_BROKEN);
	cr_expect_not_null(strstr(err.text, "1048577 bytes: at most 1048576"), "%s", err.text);
	ros_reader_free(&reader);
	struct text stream = {0};
	for (unsigned i = 0; i < ROS_SENTENCE_WORDS_MAX; i++)
		text_add_bytes(&stream, "\x01x", 2);
	struct wire words = wire_reader(stream.bytes, stream.length);
	cr_expect_eq(ros_reader_next(&reader, &words, &sentence, &err), ROS_READ_MORE);
	struct wire end = wire_reader("", 1);
	cr_expect_eq(ros_reader_next(&reader, &end, &sentence, &err), ROS_READ_SENTENCE, "so many, but no more");
	cr_expect_eq(sentence.n, ROS_SENTENCE_WORDS_MAX);
	text_add_bytes(&stream, "\x01x", 2);
	words = wire_reader(stream.bytes, stream.length);
	cr_expect_eq(ros_reader_next(&reader, &words, &sentence, &err), ROS_READ_BROKEN);
	cr_expect_not_null(strstr(err.text, "1024 words"), "%s", err.text);
	ros_reader_free(&reader);
	text_free(&stream);
}

Test(ros_wire, writes_a_sentence)
{
	static const char expected[] = "\x10/interface/print"
				       "\x19=.proplist=name,rx-byte,t"
				       "\x0e?dynamic=false"
				       "\x02?#"
				       "\x0c=count-only="
				       "\x07=a=b=c\n"
				       "\x07.tag=17";
	struct text out = {0};
	struct err err = {0};
	text_add(&out, "before");
	struct ros_writer writer = ros_write_begin(&out, "/interface/print");
	ros_write_proplist(&writer, "name,rx-byte,t");
	ros_write_query(&writer, "?dynamic=false");
	ros_write_query(&writer, "?#");
	ros_write_string(&writer, "count-only", "");
	ros_write_attribute(&writer, "a", (struct ros_word){"b=c\n", 4});
	ros_write_proplist(&writer, "");
	ros_write_proplist(&writer, NULL);
	ros_write_tag(&writer, 17);
	ros_write_tag(&writer, 0);
	cr_assert_eq(ros_write_end(&writer, &err), 0, "%s", err.text);
	cr_expect_eq(out.length, 6 + sizeof(expected), "%zu", out.length);
	cr_expect_eq(memcmp(out.bytes + 6, expected, sizeof(expected)), 0);
	text_free(&out);
}

Test(ros_wire, what_is_written_is_read)
{
	static const size_t lengths[] = {0, 1, 120, 124, 125, 126, 16377, 16380, 16381, 70000};
	struct text out = {0}, value = {0};
	struct err err = {0};
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct ros_reader reader = {0};
		text_clear(&out);
		text_clear(&value);
		for (size_t k = 0; k < lengths[i]; k++)
			text_add_char(&value, (char)(k * 7));
		struct ros_writer writer = ros_write_begin(&out, "/x");
		ros_write_attribute(&writer, "v", (struct ros_word){value.bytes, value.length});
		cr_assert_eq(ros_write_end(&writer, &err), 0);
		struct ros_sentence sentence = first_sentence(&reader, &out);
		cr_assert_eq(sentence.n, 2);
		cr_assert_eq(sentence.size_bytes, out.length);
		cr_assert(ros_word_equals(sentence.words[0], "/x"));
		cr_assert(ros_word_starts_with(sentence.words[1], "=v="));
		cr_assert_eq(sentence.words[1].length, 3 + lengths[i]);
		if (lengths[i])
			cr_assert_arr_eq(sentence.words[1].bytes + 3, value.bytes, lengths[i]);
		ros_reader_free(&reader);
	}
	text_free(&out);
	text_free(&value);
}

enum fault { COMMAND, NAME, EMPTY_NAME, QUERY, EMPTY_QUERY, LONG, TOGETHER };

static void write_fault(struct ros_writer *writer, enum fault fault, const char *large)
{
	struct ros_word word = {large, ROS_WORD_MAX - 4};
	switch (fault) {
	case COMMAND:
		break;
	case NAME:
		ros_write_string(writer, "a=b", "c");
		break;
	case EMPTY_NAME:
		ros_write_string(writer, "", "c");
		break;
	case QUERY:
		ros_write_query(writer, "dynamic=false");
		break;
	case EMPTY_QUERY:
		ros_write_query(writer, "?");
		break;
	case LONG:
		word.length = ROS_WORD_MAX - 2;
		ros_write_attribute(writer, "a", word);
		break;
	case TOGETHER:
		for (int i = 0; i < 3; i++)
			ros_write_attribute(writer, "a", word);
		break;
	}
}

Test(ros_wire, a_fault_leaves_nothing)
{
	static const char *const says[] = {"a command is a path", "has a \"=\"", "is empty",  "begins with \"?\"",
					   "begins with \"?\"",   "than 1 MiB",  "than 2 MiB"};
	char *large = calloc(1, ROS_WORD_MAX);
	for (enum fault fault = COMMAND; fault <= TOGETHER; fault++) {
		struct text out = {0};
		struct err err = {0};
		text_add(&out, "before");
		struct ros_writer writer = ros_write_begin(&out, fault == COMMAND ? "/a b" : "/a");
		write_fault(&writer, fault, large);
		ros_write_string(&writer, "good", "word");
		ros_write_query(&writer, "?good");
		ros_write_tag(&writer, 1);
		cr_expect_eq(ros_write_end(&writer, &err), -1);
		cr_expect_not_null(strstr(err.text, says[fault]), "%s", err.text);
		cr_expect_eq(out.length, 6);
		text_free(&out);
	}
	free(large);
}

Test(ros_wire, a_full_text_is_told)
{
	struct text out = {.ceiling = 20};
	struct err err = {0};
	struct ros_writer writer = ros_write_begin(&out, "/system");
	ros_write_string(&writer, "name", "0123456789");
	cr_expect_eq(ros_write_end(&writer, &err), -1);
	cr_expect_not_null(strstr(err.text, "no room"));
	cr_expect_eq(out.length, 0);
	static const char *const commands[] = {"", "/", "system", "/a=b", "/a\n"};
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		writer = ros_write_begin(&out, commands[i]);
		cr_expect_eq(ros_write_end(&writer, &err), -1, "%s", commands[i]);
	}
	text_free(&out);
}

Test(ros_wire, words)
{
	struct ros_word nothing = {0};
	cr_expect(ros_word_equals(nothing, ""));
	cr_expect(ros_word_starts_with(nothing, ""));
	cr_expect_not(ros_word_equals(nothing, "a"));
	cr_expect_not(ros_word_equals(ros_word_of("ab"), "a"));
	cr_expect(ros_word_starts_with(ros_word_of("ab"), "a"));
	cr_expect_not(ros_word_starts_with(ros_word_of("a"), "ab"));
}
