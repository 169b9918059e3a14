#include "probes/routeros/ros_wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"

/* What a reader keeps for the next sentence that is cut; more is given back. */
#define KEPT_MAX (64U << 10)

struct ros_word ros_word_of(const char *string)
{
	return (struct ros_word){string, strlen(string)};
}

bool ros_word_equals(struct ros_word word, const char *string)
{
	size_t n = strlen(string);
	return word.length == n && (n == 0 || memcmp(word.bytes, string, n) == 0);
}

bool ros_word_starts_with(struct ros_word word, const char *start)
{
	size_t n = strlen(start);
	return word.length >= n && (n == 0 || memcmp(word.bytes, start, n) == 0);
}

/* The five forms of a length: their first bytes, from high to low. */
static const struct length_form {
	uint8_t mask, mark;
	uint8_t bytes; /* that follow the first */
	uint32_t from; /* shortest word that is written so */
} length_forms[] = {
	{0xff, 0xf0, 4, 0x10000000}, {0xf0, 0xe0, 3, 0x200000}, {0xe0, 0xc0, 2, 0x4000},
	{0xc0, 0x80, 1, 0x80},       {0x80, 0x00, 0, 0},
};
#define LENGTH_FORMS (sizeof(length_forms) / sizeof(length_forms[0]))

static const struct length_form *length_form_of(uint8_t first)
{
	for (size_t i = 0; i < LENGTH_FORMS; i++)
		if ((first & length_forms[i].mask) == length_forms[i].mark)
			return &length_forms[i];
	return NULL;
}

static int refuse_length(uint8_t first, struct err *err)
{
	if (first >= 0xf8)
		return err_set(err, "the router sent the control byte 0x%02x, which means nothing yet: out of step?",
			       first);
	return err_set(err, "the router sent a length that begins with 0x%02x, which no length does: out of step?",
		       first);
}

/* -1 with err when it is none; the cursor fails when it is cut. Longer forms than needed are lengths too. */
static int read_length(struct wire *wire, uint32_t *length, struct err *err)
{
	uint8_t first = wire_read_u8(wire);
	*length = 0;
	if (wire->failed)
		return 0;
	const struct length_form *form = length_form_of(first);
	if (!form)
		return refuse_length(first, err);
	uint32_t value = first & (uint8_t)~form->mask;
	for (uint8_t i = 0; i < form->bytes; i++)
		value = value << 8 | wire_read_u8(wire);
	*length = wire->failed ? 0 : value;
	return 0;
}

/* A word of a sentence that lies in memory from its beginning on. */
struct found {
	uint32_t length;
	size_t end;     /* where the next word begins */
	size_t missing; /* bytes, at least; 0: it is whole */
};

static int check_ceilings(const struct ros_reader *reader, const struct found *found, struct err *err)
{
	size_t word_max = reader->word_max ? reader->word_max : ROS_WORD_MAX;
	size_t sentence_max = reader->sentence_max ? reader->sentence_max : ROS_SENTENCE_MAX;
	if (found->length > word_max)
		return err_set(err, "the router sent a word of %" PRIu32 " bytes: at most %zu are taken", found->length,
			       word_max);
	if (found->end > sentence_max)
		return err_set(err, "the router sent a sentence of more than %zu bytes: no more are taken",
			       sentence_max);
	if (found->length > 0 && reader->nwords == ROS_SENTENCE_WORDS_MAX)
		return err_set(err, "the router sent a sentence of more than %u words: no more are taken",
			       ROS_SENTENCE_WORDS_MAX);
	return 0;
}

/* The word at reader->parsed of a sentence of which size bytes are here. */
static int find_word(const struct ros_reader *reader, const void *sentence, size_t size, struct found *out,
		     struct err *err)
{
	struct wire wire = wire_reader(sentence, size);
	wire_seek(&wire, reader->parsed);
	*out = (struct found){.missing = 1};
	if (read_length(&wire, &out->length, err) != 0)
		return -1;
	if (wire.failed)
		return 0;
	out->end = wire.offset + out->length;
	out->missing = out->end > size ? out->end - size : 0;
	return check_ceilings(reader, out, err);
}

static void add_word(struct ros_reader *reader, const struct found *found)
{
	if (reader->nwords == reader->room) {
		reader->room = reader->room ? reader->room * 2 : 32;
		reader->words = mem_resize(reader->words, reader->room, sizeof(reader->words[0]));
		reader->offsets = mem_resize(reader->offsets, reader->room, sizeof(reader->offsets[0]));
	}
	reader->offsets[reader->nwords] = found->end - found->length;
	reader->words[reader->nwords++] = (struct ros_word){NULL, found->length};
}

static void forget_sentence(struct ros_reader *reader)
{
	reader->nwords = reader->parsed = 0;
	reader->is_delivered = false;
	if (reader->kept.capacity > KEPT_MAX)
		text_free(&reader->kept);
	else
		text_clear(&reader->kept);
}

/* Reads on as far as the words are whole. *missing: bytes that the next word needs, at least; 0 = the sentence is
 * whole, and reader->parsed is its size. */
static int read_words(struct ros_reader *reader, const void *sentence, size_t size, size_t *missing, struct err *err)
{
	struct found found;
	do {
		if (find_word(reader, sentence, size, &found, err) != 0)
			return -1;
		*missing = found.missing;
		if (found.missing > 0)
			return 0;
		reader->parsed = found.end;
		if (found.length > 0)
			add_word(reader, &found);
	} while (found.length > 0);
	return 0;
}

static void tell_sentence(struct ros_reader *reader, const char *sentence, struct ros_sentence *out)
{
	for (size_t i = 0; i < reader->nwords; i++)
		reader->words[i].bytes = sentence + reader->offsets[i];
	*out = (struct ros_sentence){reader->words, reader->nwords, reader->parsed};
	reader->is_delivered = true;
}

/* A sentence whose beginning is in reader->kept: takes from the piece what it needs, and no more. */
static int read_kept(struct ros_reader *reader, struct wire *piece, size_t *missing, struct err *err)
{
	if (read_words(reader, reader->kept.bytes, reader->kept.length, missing, err) != 0)
		return -1;
	while (*missing > 0 && wire_left(piece) > 0) {
		size_t n = *missing < wire_left(piece) ? *missing : wire_left(piece);
		text_add_bytes(&reader->kept, wire_view(piece, n), n);
		if (read_words(reader, reader->kept.bytes, reader->kept.length, missing, err) != 0)
			return -1;
	}
	return 0;
}

/* A sentence that begins in the piece; if it does not end there, it is kept. */
static int read_in_place(struct ros_reader *reader, struct wire *piece, size_t *missing, struct err *err)
{
	const uint8_t *sentence = piece->bytes + piece->offset;
	size_t left = wire_left(piece);
	if (read_words(reader, sentence, left, missing, err) != 0)
		return -1;
	if (*missing > 0)
		text_add_bytes(&reader->kept, sentence, left);
	wire_skip(piece, *missing > 0 ? left : reader->parsed);
	return 0;
}

enum ros_read ros_reader_next(struct ros_reader *reader, struct wire *piece, struct ros_sentence *out, struct err *err)
{
	*out = (struct ros_sentence){0};
	if (reader->is_broken) {
		err_set(err, "the stream was broken before: the connection must be closed");
		return ROS_READ_BROKEN;
	}
	if (reader->is_delivered)
		forget_sentence(reader);
	while (wire_left(piece) > 0) {
		bool is_kept = reader->kept.length > 0;
		const char *begun = (const char *)piece->bytes + piece->offset;
		size_t missing;
		if ((is_kept ? read_kept : read_in_place)(reader, piece, &missing, err) != 0) {
			reader->is_broken = true;
			return ROS_READ_BROKEN;
		}
		if (missing > 0)
			continue; /* the piece is used up */
		if (reader->nwords > 0) {
			tell_sentence(reader, is_kept ? reader->kept.bytes : begun, out);
			return ROS_READ_SENTENCE;
		}
		forget_sentence(reader); /* an empty one */
	}
	return ROS_READ_MORE;
}

bool ros_reader_is_inside(const struct ros_reader *reader)
{
	return !reader->is_delivered && reader->kept.length > 0;
}

void ros_reader_free(struct ros_reader *reader)
{
	size_t word_max = reader->word_max, sentence_max = reader->sentence_max;
	text_free(&reader->kept);
	mem_free(reader->words);
	mem_free(reader->offsets);
	*reader = (struct ros_reader){.word_max = word_max, .sentence_max = sentence_max};
}

size_t ros_write_length(uint8_t out[ROS_LENGTH_BYTES_MAX], uint32_t n)
{
	const struct length_form *form = length_forms;
	while (n < form->from)
		form++;
	struct wire wire = wire_writer(out, ROS_LENGTH_BYTES_MAX);
	uint32_t high = form->bytes == 4 ? 0 : n >> (8 * form->bytes);
	wire_write_u8(&wire, (uint8_t)(form->mark | high));
	for (unsigned i = form->bytes; i-- > 0;)
		wire_write_u8(&wire, (uint8_t)(n >> (8 * i)));
	return wire.offset;
}

static void fail(struct ros_writer *writer, const char *error)
{
	if (!writer->error)
		writer->error = error;
}

/* A word that is put together from parts: in one piece, so that a secret in it is not left behind by a text that grows
 * in the middle. */
static void write_word(struct ros_writer *writer, const struct ros_word *parts, size_t n)
{
	size_t length = 0;
	for (size_t i = 0; i < n; i++) {
		if (parts[i].length > ROS_WORD_MAX - length) {
			fail(writer, "a word is longer than 1 MiB");
			return;
		}
		length += parts[i].length;
	}
	uint8_t prefix[ROS_LENGTH_BYTES_MAX];
	size_t size = ros_write_length(prefix, (uint32_t)length);
	char *room = text_reserve(writer->out, size + length);
	if (!room) {
		fail(writer, "there is no room for it");
		return;
	}
	struct wire wire = wire_writer(room, size + length);
	wire_write_bytes(&wire, prefix, size);
	for (size_t i = 0; i < n; i++)
		if (parts[i].length > 0)
			wire_write_bytes(&wire, parts[i].bytes, parts[i].length);
	writer->out->length += size + length;
}

static bool is_command(const char *command)
{
	return command[0] == '/' && command[1] != '\0' &&
	       command[strspn(command, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-_.")] == '\0';
}

struct ros_writer ros_write_begin(struct text *out, const char *command)
{
	struct ros_writer writer = {.out = out, .begun = out->length};
	struct ros_word word = ros_word_of(command);
	if (is_command(command))
		write_word(&writer, &word, 1);
	else
		fail(&writer, "a command is a path such as /system/identity/print");
	return writer;
}

void ros_write_attribute(struct ros_writer *writer, const char *name, struct ros_word value)
{
	struct ros_word parts[] = {ros_word_of("="), ros_word_of(name), ros_word_of("="), value};
	if (name[0] == '\0' || strchr(name, '='))
		fail(writer, "the name of an attribute is empty or has a \"=\"");
	if (!writer->error)
		write_word(writer, parts, sizeof(parts) / sizeof(parts[0]));
}

void ros_write_string(struct ros_writer *writer, const char *name, const char *value)
{
	ros_write_attribute(writer, name, ros_word_of(value));
}

void ros_write_query(struct ros_writer *writer, const char *query)
{
	struct ros_word word = ros_word_of(query);
	if (query[0] != '?' || query[1] == '\0')
		fail(writer, "a query begins with \"?\" and says something");
	if (!writer->error)
		write_word(writer, &word, 1);
}

void ros_write_proplist(struct ros_writer *writer, const char *names)
{
	if (names && names[0] != '\0')
		ros_write_string(writer, ".proplist", names);
}

void ros_write_tag(struct ros_writer *writer, uint32_t tag)
{
	char text[32];
	struct ros_word word = {text, (size_t)snprintf(text, sizeof(text), ".tag=%" PRIu32, tag)};
	if (tag != 0 && !writer->error)
		write_word(writer, &word, 1);
}

int ros_write_end(struct ros_writer *writer, struct err *err)
{
	if (!writer->error)
		write_word(writer, NULL, 0);
	if (!writer->error && writer->out->length - writer->begun > ROS_SENTENCE_MAX)
		fail(writer, "it is longer than 2 MiB");
	if (!writer->error)
		return 0;
	writer->out->length = writer->begun;
	return err_set(err, "this command cannot be sent: %s", writer->error);
}
