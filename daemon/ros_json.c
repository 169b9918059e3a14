#include "daemon/ros_json.h"

#include <stdbool.h>
#include <string.h>

#include "core/utf8.h"

/* Rows with more attributes are not looked at for names that come twice: no menu has so many. */
#define COMPARED_MAX 64

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void add_special(struct text *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	const char escaped[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

	if (c == '"' || c == '\\') {
		text_add_char(out, '\\');
		text_add_char(out, (char)c);
	} else {
		text_add_bytes(out, escaped, sizeof(escaped));
	}
}

/* From a byte that is no ASCII; returns how many were used up. */
static size_t add_high(struct text *out, const char *bytes, size_t n)
{
	size_t end = 0, valid;

	while (end < n && (unsigned char)bytes[end] >= 0x80)
		end++;
	valid = utf8_length(bytes, end);
	if (valid > 0) {
		text_add_bytes(out, bytes, valid);
		return valid;
	}
	text_add(out, "\xef\xbf\xbd");
	return 1;
}

void ros_json_add_word(struct text *out, struct ros_word word)
{
	size_t at = 0;

	text_add_char(out, '"');
	while (at < word.length) {
		size_t begun = at;
		unsigned char c;

		while (at < word.length && is_plain((unsigned char)word.bytes[at]))
			at++;
		if (at > begun)
			text_add_bytes(out, word.bytes + begun, at - begun);
		if (at == word.length)
			break;
		c = (unsigned char)word.bytes[at];
		if (c >= 0x80) {
			at += add_high(out, word.bytes + at, word.length - at);
		} else {
			add_special(out, c);
			at++;
		}
	}
	text_add_char(out, '"');
}

static bool came_before(const struct ros_reply *reply, size_t position)
{
	const struct ros_word name = reply->pairs[position].name;

	for (size_t i = 0; i < position; i++)
		if (reply->pairs[i].name.length == name.length &&
		    memcmp(reply->pairs[i].name.bytes, name.bytes, name.length) == 0)
			return true;
	return false;
}

void ros_json_add_row(struct text *out, const struct ros_reply *reply)
{
	const char *separator = "{";

	for (size_t i = 0; i < reply->npairs; i++) {
		if (i < COMPARED_MAX && came_before(reply, i))
			continue;
		text_add(out, separator);
		ros_json_add_word(out, reply->pairs[i].name);
		text_add_char(out, ':');
		ros_json_add_word(out, reply->pairs[i].value);
		separator = ",";
	}
	text_add(out, reply->npairs > 0 ? "}" : "{}");
}
