/*
 * Words and sentences of the RouterOS API <-> bytes. The stream is words, each behind its length; a word of length zero
 * ends a sentence. There is no checksum and no way back into step: whoever meets an error here closes the connection.
 * Bytes of strangers. Pure.
 *
 * A connection has one struct ros_reader. What the socket gives is read through a cursor of the caller's:
 *
 *	struct wire piece = wire_reader(bytes, n);
 *	while ((read = ros_reader_next(&reader, &piece, &sentence, &err)) == ROS_READ_SENTENCE)
 *		... sentence.words ...
 *
 * A sentence that lies in the piece as a whole is told where it lies, without a copy. Of one that the piece cuts, what
 * is there is copied, the rest is added from the next pieces, and only that: what follows it is again told in place.
 */
#ifndef NETSONDE_PROBES_ROS_WIRE_H
#define NETSONDE_PROBES_ROS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/text.h"
#include "core/wire.h"

/* Ceilings. The protocol knows none: a word may announce 4 GiB. Largest words in practice: files, certificates and
 * scripts of some 100 KiB. Memory is taken for what has come, never for what is announced. */
#define ROS_WORD_MAX           (1U << 20)  /* bytes of one word */
#define ROS_SENTENCE_MAX       (2U << 20)  /* bytes of one sentence with its lengths */
#define ROS_SENTENCE_WORDS_MAX 1024U       /* words of one sentence, without the last, empty one */
#define ROS_REPLY_MAX          (64U << 20) /* bytes of all sentences that answer one command: see ros_flight.h */

/* Longest length before a word. */
#define ROS_LENGTH_BYTES_MAX 5

/* A piece of bytes that is somebody else's: not NUL-terminated, any bytes. length 0: bytes may be NULL. */
struct ros_word {
	const char *bytes; /* borrowed */
	size_t length;
};

/* The word of a string, borrowed. */
struct ros_word ros_word_of(const char *string);
bool ros_word_equals(struct ros_word word, const char *string);
bool ros_word_starts_with(struct ros_word word, const char *start);

/* n > 0 words. Borrowed until the next call with the same reader, or until the piece goes. */
struct ros_sentence {
	const struct ros_word *words;
	size_t n;
	size_t size_bytes; /* on the wire, with lengths and the end */
};

/* The state of a stream between two pieces. Zero-initialised is a stream that begins. The smaller ceilings are for
 * tests and for the time before login; 0 = the one above. */
struct ros_reader {
	size_t word_max, sentence_max; /* bytes; set by the caller before the first piece, or left 0 */
	struct text kept;              /* of a sentence that was cut: its beginning */
	struct ros_word *words;        /* of the sentence so far */
	size_t *offsets;               /* of the words, from the beginning of the sentence */
	size_t nwords, room;
	size_t parsed;     /* bytes of the sentence in whole words */
	bool is_delivered; /* the last sentence was told from here: forget it first */
	bool is_broken;    /* and stays so */
};

enum ros_read {
	ROS_READ_SENTENCE, /* one more; there may be others in the piece */
	ROS_READ_MORE,     /* the piece is used up and can go; the next one, please */
	ROS_READ_BROKEN,   /* err says what is wrong; close the connection. All later calls answer so too */
};

/* The next sentence of the stream. Empty sentences are skipped. piece: a cursor for reading, which moves on. */
enum ros_read ros_reader_next(struct ros_reader *reader, struct wire *piece, struct ros_sentence *out, struct err *err);

/* Would an end of the stream cut a sentence? Ask when all pieces are read (ROS_READ_MORE). */
bool ros_reader_is_inside(const struct ros_reader *reader);

/* Releases its memory; the reader is as at the beginning, with its ceilings. */
void ros_reader_free(struct ros_reader *reader);

/*
 * Writing. Begin, add, end; errors stick, and an error in any part leaves nothing of the sentence in the text:
 *
 *	struct ros_writer writer = ros_write_begin(&out, "/interface/print");
 *	ros_write_proplist(&writer, "name,rx-byte,tx-byte");
 *	ros_write_query(&writer, "?dynamic=false");
 *	ros_write_tag(&writer, 17);
 *	if (ros_write_end(&writer, &err) != 0) ...
 */
struct ros_writer {
	struct text *out;  /* borrowed */
	size_t begun;      /* its length before the sentence */
	const char *error; /* of the first failure, or NULL; static */
};

/* Begins a sentence behind what is in out (several sentences may go out at once). command: "/path/verb", copied, with
 * nothing in it but letters, digits, "/", "-", "_" and ".". */
struct ros_writer ros_write_begin(struct text *out, const char *command);

/* "=name=value". name: not empty, without "="; value: any bytes. A switch ("count-only") has an empty value. */
void ros_write_attribute(struct ros_writer *writer, const char *name, struct ros_word value);
void ros_write_string(struct ros_writer *writer, const char *name, const char *value);

/* A query word as routeros has them, with its "?": "?dynamic=false", "?#|". Their order matters. */
void ros_write_query(struct ros_writer *writer, const char *query);

/* "=.proplist=names": names separated by commas. Empty or NULL writes nothing (all properties). */
void ros_write_proplist(struct ros_writer *writer, const char *names);

/* ".tag=number". 0 writes nothing: no tag. Tags are numbers here: see ros_reply_tag. */
void ros_write_tag(struct ros_writer *writer, uint32_t tag);

/* Ends the sentence. 0, or -1 with err; then out is as it was before ros_write_begin. */
int ros_write_end(struct ros_writer *writer, struct err *err);

/* The length before a word of n bytes, in its shortest form; returns how many bytes. */
size_t ros_write_length(uint8_t out[ROS_LENGTH_BYTES_MAX], uint32_t n);

#endif
