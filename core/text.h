/*
 * A growing piece of text with a ceiling and a sticky overflow: add as much as you like, ask once.
 * Numbers are printed as the shortest decimal that reads back the same.
 */
#ifndef NETSONDE_CORE_TEXT_H
#define NETSONDE_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* bytes[0..length) is the content; it is NUL-terminated by text_string only. Zero-initialised is an empty text
 * without a ceiling. ceiling 0 = none. overflowed: something did not fit and was left out whole. */
struct text {
	char *bytes;
	size_t length;
	size_t capacity;
	size_t ceiling;
	bool overflowed;
};

/* Longest output of text_add_double and of text_add_integer. */
#define TEXT_NUMBER_MAX 32

/* Releases the bytes and empties the text. */
void text_free(struct text *text);

/* Empties the text, keeps its memory, clears overflowed. */
void text_clear(struct text *text);

/* Makes room for n more bytes and returns where to write them; NULL when that would pass the ceiling (overflowed is
 * then set). The caller adds what it wrote to length. */
char *text_reserve(struct text *text, size_t n);

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const void *bytes, size_t n);
void text_add_char(struct text *text, char c);
void text_add_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Decimal int64. */
void text_add_integer(struct text *text, int64_t value);
void text_add_unsigned(struct text *text, uint64_t value);

/* Shortest decimal that strtod reads back as the same double: 0.0123, 1e-05, 12, NaN, +Inf, -Inf. No "+" before
 * finite numbers. Plain notation for exponents -5 < e < 16, else with exponent. */
void text_add_double(struct text *text, double value);

/* The same into a buffer of at least TEXT_NUMBER_MAX bytes; returns the length; not NUL-terminated. */
size_t text_print_double(char *out, double value);
size_t text_print_integer(char *out, int64_t value);

/* value_ns / 1e9 in plain decimal without trailing zeros ("0.0123", "12", "-1.5"): exact, for any int64. */
void text_add_seconds(struct text *text, int64_t value_ns);

/* The content as a NUL-terminated string, borrowed until the next change ("" when empty). */
const char *text_string(struct text *text);

/* The content as an owned string (mem_free); the text is empty afterwards. */
char *text_take(struct text *text);

/* Number of single-character edits (insert, delete, replace, swap neighbours) between two short strings, for "did you
 * mean". Both are looked at up to 63 characters. */
unsigned text_distance(const char *a, const char *b);

/* The candidate nearest to word, or NULL when none is near enough to be worth naming (distance > 1 + length / 4).
 * candidates are borrowed. */
const char *text_nearest(const char *word, const char *const *candidates, size_t n);

#endif
