#include "exporter/labels.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define REPLACEMENT        "\xEF\xBF\xBD" /* U+FFFD */
#define REPLACEMENT_LENGTH 3

static bool is_continuation(unsigned char byte)
{
	return (byte & 0xC0) == 0x80;
}

/* The lowest and highest second byte allowed after a lead byte: no overlong forms, surrogates or more than U+10FFFF
 * (RFC 3629 section 4). */
static bool is_second_byte(unsigned char lead, unsigned char second)
{
	switch (lead) {
	case 0xE0:
		return second >= 0xA0 && second <= 0xBF;
	case 0xED:
		return second >= 0x80 && second <= 0x9F;
	case 0xF0:
		return second >= 0x90 && second <= 0xBF;
	case 0xF4:
		return second >= 0x80 && second <= 0x8F;
	default:
		return is_continuation(second);
	}
}

/* Length of the valid UTF-8 character that starts here, or 0. Reads no further than the first byte that does not fit,
 * so a terminating NUL is never passed. */
static size_t character_length(const unsigned char *bytes)
{
	size_t length = 0;
	if (bytes[0] < 0x80)
		return 1;
	if (bytes[0] >= 0xC2 && bytes[0] <= 0xDF)
		length = 2;
	else if (bytes[0] >= 0xE0 && bytes[0] <= 0xEF)
		length = 3;
	else if (bytes[0] >= 0xF0 && bytes[0] <= 0xF4)
		length = 4;
	else
		return 0;
	if (!is_second_byte(bytes[0], bytes[1]))
		return 0;
	for (size_t i = 2; i < length; i++) {
		if (!is_continuation(bytes[i]))
			return 0;
	}
	return length;
}

/* Writes one character of a value, escaped or replaced; returns how many bytes of the value that took. */
static size_t put_special(char **out, const unsigned char *bytes)
{
	size_t length = character_length(bytes);
	if (length == 0) {
		memcpy(*out, REPLACEMENT, REPLACEMENT_LENGTH);
		*out += REPLACEMENT_LENGTH;
		return 1;
	}
	if (length > 1) {
		memcpy(*out, bytes, length);
		*out += length;
		return length;
	}
	*(*out)++ = '\\';
	*(*out)++ = bytes[0] == '\n' ? 'n' : (char)bytes[0];
	return 1;
}

static void add_value(struct text *out, const char *value)
{
	size_t length = strnlen(value, LABELS_VALUE_MAX);
	char *start = text_reserve(out, length * REPLACEMENT_LENGTH + 4);
	if (!start)
		return;
	char *to = start;
	const unsigned char *from = (const unsigned char *)value;
	const unsigned char *end = from + length;
	while (from < end) {
		unsigned char byte = *from;
		if (byte < 0x80 && byte != '"' && byte != '\\' && byte != '\n') {
			*to++ = (char)byte;
			from++;
		} else if (length == LABELS_VALUE_MAX && from + character_length(from) > end) {
			break;
		} else {
			from += put_special(&to, from);
		}
	}
	out->length += (size_t)(to - start);
}

static bool is_name_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void add_name(struct text *out, const char *name)
{
	size_t length = strnlen(name, LABELS_VALUE_MAX);
	char *to = text_reserve(out, length + 1);
	if (!to)
		return;
	size_t n = 0;
	if (length == 0 || (name[0] >= '0' && name[0] <= '9'))
		to[n++] = '_';
	for (size_t i = 0; i < length; i++)
		to[n++] = is_name_character(name[i]) ? name[i] : '_';
	out->length += n;
}

void labels_render(struct text *out, const struct label *labels, size_t n)
{
	bool is_first = true;
	for (size_t i = 0; i < n; i++) {
		if (!labels[i].value || labels[i].value[0] == '\0')
			continue;
		if (!is_first)
			text_add_char(out, ',');
		is_first = false;
		add_name(out, labels[i].name);
		text_add_bytes(out, "=\"", 2);
		add_value(out, labels[i].value);
		text_add_char(out, '"');
	}
}

/* Where text goes on behind this string and the byte that ends it there; NULL: it is not there, or has a backslash or a
 * quote, which are rendered as something else. Whatever else is not rendered as itself is in no rendered text. */
static inline const char *skip_string(const char *text, const char *end, const char *string, char last)
{
	while (text < end && *string && *string == *text && *string != '\\' && *string != '"') {
		text++;
		string++;
	}
	return text < end && !*string && *text == last ? text + 1 : NULL;
}

bool labels_are_surely(struct label_text text, const struct label *labels, size_t n)
{
	const char *at = text.bytes, *end = at + text.length;
	bool is_first = true;
	for (size_t i = 0; i < n; i++) {
		if (!labels[i].value || labels[i].value[0] == '\0')
			continue;
		if (!is_first && (at == end || *at++ != ','))
			return false;
		is_first = false;
		at = skip_string(at, end, labels[i].name, '=');
		if (!at || at == end || *at != '"')
			return false;
		at = skip_string(at + 1, end, labels[i].value, '"');
		if (!at)
			return false;
	}
	return at == end;
}

/* Cuts the first label off rest (and the comma after it). */
static bool next_label(struct label_text *rest, struct label_text *label, size_t *name_length)
{
	if (rest->length == 0)
		return false;
	const char *bytes = rest->bytes;
	size_t at = 0;
	while (bytes[at] != '=')
		at++;
	*name_length = at;
	at += 2;
	while (bytes[at] != '"')
		at += bytes[at] == '\\' ? 2 : 1;
	at++;
	*label = (struct label_text){bytes, at};
	if (at < rest->length)
		at++;
	*rest = (struct label_text){bytes + at, rest->length - at};
	return true;
}

bool labels_next(struct label_text *rest, struct label_text *name, struct label_text *value)
{
	struct label_text label;
	size_t length;
	if (!next_label(rest, &label, &length))
		return false;
	*name = (struct label_text){label.bytes, length};
	*value = (struct label_text){label.bytes + length + 2, label.length - length - 3};
	return true;
}

static bool has_name(struct label_text labels, const char *name, size_t length)
{
	struct label_text label;
	size_t label_name_length;
	while (next_label(&labels, &label, &label_name_length)) {
		if (label_name_length == length && memcmp(label.bytes, name, length) == 0)
			return true;
	}
	return false;
}

void labels_filter(struct text *out, struct label_text raw, struct label_text scope)
{
	struct label_text rest = raw, label;
	size_t name_length;
	bool is_first = true;
	while (next_label(&rest, &label, &name_length)) {
		struct label_text before = {raw.bytes, (size_t)(label.bytes - raw.bytes)};
		if (has_name(scope, label.bytes, name_length) || has_name(before, label.bytes, name_length))
			continue;
		if (!is_first)
			text_add_char(out, ',');
		is_first = false;
		text_add_bytes(out, label.bytes, label.length);
	}
}
