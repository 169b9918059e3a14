/*
 * Labels as exposition text, there and back: whatever the names and values, a strict reader finds valid names, valid
 * UTF-8 and the values as far as they were valid; and filtering leaves each name once.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "exporter/labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LABELS_MAX 8

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

struct name {
	const char *bytes;
	size_t length;
};

static bool is_valid_utf8(const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t code = bytes[i];
		size_t more = code < 0x80 ? 0 : code >> 5 == 6 ? 1 : code >> 4 == 14 ? 2 : code >> 3 == 30 ? 3 : 4;
		static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
		if (more == 4 || i + more >= n)
			return false;
		code &= more == 0 ? 0x7Fu : 0x3Fu >> more;
		for (size_t k = 1; k <= more; k++) {
			if (bytes[i + k] >> 6 != 2)
				return false;
			code = code << 6 | (bytes[i + k] & 0x3Fu);
		}
		if (code < least[more] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
			return false;
		i += more + 1;
	}
	return true;
}

/* Reads one value up to its closing quote, unescaped into out. */
static const char *read_value(const char *at, const char *end, struct text *out)
{
	text_clear(out);
	for (; at < end && *at != '"'; at++) {
		char c = *at;
		REQUIRE(c != '\n' && c != '\0');
		if (c == '\\') {
			REQUIRE(++at < end);
			REQUIRE(*at == '\\' || *at == '"' || *at == 'n');
			c = *at == 'n' ? '\n' : *at;
		}
		text_add_char(out, c);
	}
	REQUIRE(at < end);
	return at + 1;
}

/* Reads all labels strictly; returns how many, and their names. */
static size_t read_labels(const struct text *text, struct name names[LABELS_MAX], const struct label *labels)
{
	const char *at = text->bytes, *end = at ? at + text->length : NULL;
	struct text value = {0};
	size_t n = 0;
	while (at && at < end) {
		const char *begin = at;
		REQUIRE(n < LABELS_MAX);
		while (at < end && *at != '=') {
			REQUIRE((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || *at == '_' ||
				(at > begin && *at >= '0' && *at <= '9'));
			at++;
		}
		REQUIRE(at > begin && end - at >= 3 && at[1] == '"');
		names[n] = (struct name){begin, (size_t)(at - begin)};
		at = read_value(at + 2, end, &value);
		REQUIRE(is_valid_utf8((const unsigned char *)value.bytes, value.length));
		/* Only what was no UTF-8, or too long, reads back as something else. */
		if (labels && strlen(labels[n].value) < LABELS_VALUE_MAX &&
		    is_valid_utf8((const unsigned char *)labels[n].value, strlen(labels[n].value)))
			REQUIRE(strcmp(text_string(&value), labels[n].value) == 0);
		n++;
		REQUIRE(at == end || (*at == ',' && at + 1 < end));
		at += at < end;
	}
	text_free(&value);
	return n;
}

/* Names and values, cut at NUL bytes; values that are empty are no labels. */
static size_t take_labels(char *bytes, size_t size, struct label *labels)
{
	size_t n = 0;
	char *at = bytes, *end = bytes + size;
	while (n < LABELS_MAX && at < end) {
		char *value = at + strlen(at) + 1;
		if (value >= end)
			break;
		if (*value != '\0')
			labels[n++] = (struct label){at, value};
		at = value + strlen(value) + 1;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct label labels[LABELS_MAX];
	struct name names[LABELS_MAX];
	struct text raw = {0}, filtered = {0}, rest = {0};
	char *bytes = mem_zero(size + 1, 1);
	if (size > 0)
		memcpy(bytes, data, size);
	size_t n = take_labels(bytes, size + 1, labels);
	labels_render(&raw, labels, n);
	REQUIRE(read_labels(&raw, names, labels) == n);
	const struct label_text whole = {raw.bytes, raw.length};
	labels_filter(&filtered, whole, (struct label_text){0});
	n = read_labels(&filtered, names, NULL);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < i; k++)
			REQUIRE(names[i].length != names[k].length ||
				memcmp(names[i].bytes, names[k].bytes, names[i].length) != 0);
	}
	labels_filter(&rest, whole, (struct label_text){filtered.bytes, filtered.length});
	REQUIRE(rest.length == 0);
	text_free(&raw);
	text_free(&filtered);
	text_free(&rest);
	mem_free(bytes);
	return 0;
}
